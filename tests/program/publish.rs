//! Publishing: what is written, kept and removed, and what is left when any step of it fails.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use peerpress::commands::precompress::Precompressing;
use peerpress::commands::site::{Make, Sink, UnitSink};
use peerpress::lock::{Lock, Owner};
use peerpress::publish::{
    self, Changes, Disk, Noted, PublishError, Publisher, RealDisk, SitePath, Unit, is_current, noted,
};
use peerpress::units::Timestamp;

/// A disk on which the operation with a certain number, and all after it, fail: as after a crash or on a full disk.
struct FailingDisk {
    left: AtomicUsize,
}

impl FailingDisk {
    fn after(operations: usize) -> Self {
        Self { left: AtomicUsize::new(operations) }
    }

    fn step(&self) -> io::Result<()> {
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.left.store(left - 1, Ordering::SeqCst);
        Ok(())
    }
}

impl Disk for FailingDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|()| RealDisk.create_dir_all(path))
    }
    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Err(full) = self.step() {
            // A full disk takes half a file.
            RealDisk.write_new(path, &bytes[..bytes.len() / 2])?;
            return Err(full);
        }
        RealDisk.write_new(path, bytes)
    }
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Err(full) = self.step() {
            RealDisk.append(path, &bytes[..bytes.len() / 2])?;
            return Err(full);
        }
        RealDisk.append(path, bytes)
    }
    fn join(&self, pieces: &[PathBuf], path: &Path) -> io::Result<()> {
        if let Err(full) = self.step() {
            RealDisk.join(&pieces[..pieces.len() / 2], path)?;
            return Err(full);
        }
        RealDisk.join(pieces, path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step().and_then(|()| RealDisk.rename(from, to))
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|()| RealDisk.remove_file(path))
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|()| RealDisk.remove_dir(path))
    }
    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|()| RealDisk.remove_dir_all(path))
    }
    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|()| RealDisk.sync_file(path))
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.step().and_then(|()| RealDisk.sync_folder(path))
    }
    fn sync_all(&self, folder: &Path) -> io::Result<()> {
        self.step().and_then(|()| RealDisk.sync_all(folder))
    }
}

/// A disk that no power loss threatens: where many builds are tried, nothing waits for the medium.
pub(crate) struct QuickDisk;

impl Disk for QuickDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_dir_all(path)
    }
    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        RealDisk.write_new(path, bytes)
    }
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        RealDisk.append(path, bytes)
    }
    fn join(&self, pieces: &[PathBuf], path: &Path) -> io::Result<()> {
        RealDisk.join(pieces, path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_file(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_dir(path)
    }
    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_dir_all(path)
    }
    fn sync_file(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
    fn sync_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
    fn sync_all(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: crate::support::quick_folder() }
    }

    pub(crate) fn output(&self) -> std::path::PathBuf {
        self.folder.path().join("output")
    }

    pub(crate) fn state(&self) -> std::path::PathBuf {
        self.folder.path().join(".peerpress")
    }

    pub(crate) fn lock(&self) -> Lock {
        publish::lock(&self.state(), &Owner::this("test", Timestamp::default())).unwrap()
    }

    fn begin(&self) -> Publisher {
        Publisher::begin(self.lock(), &self.output(), &self.state()).unwrap()
    }

    pub(crate) fn begin_on<D: Disk>(&self, disk: D) -> Publisher<D> {
        Publisher::begin_on(disk, self.lock(), &self.output(), &self.state()).unwrap()
    }

    fn publish(&self, site: &[(&str, &str)]) -> Changes {
        put_all(self.begin(), site).unwrap()
    }

    /// All files of the output folder.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let output = self.output();
        walkdir::WalkDir::new(&output)
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let name = entry.path().strip_prefix(&output).unwrap().to_str().unwrap().to_owned();
                (name, fs::read_to_string(entry.path()).unwrap())
            })
            .collect()
    }
}

fn path(text: &str) -> SitePath {
    SitePath::new(text).unwrap()
}

pub(crate) fn put_all<D: Disk>(
    publisher: Publisher<D>,
    site: &[(&str, &str)],
) -> Result<Changes, PublishError> {
    let unit = publisher.unit("site")?;
    for (name, text) in site {
        unit.put(&path(name), text.as_bytes(), None)?;
    }
    unit.finish(None)?;
    publisher.commit(None)
}

pub(crate) fn as_map(site: &[(&str, &str)]) -> BTreeMap<String, String> {
    site.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

pub(crate) const OLD: [(&str, &str); 5] = [
    ("assets/main.1.css", "old style"),
    ("conference/a.html", "a, links to assets/main.1.css"),
    ("conference/gone.html", "gone, links to conference/gone/part.html"),
    ("conference/gone/part.html", "part"),
    ("index.html", "old index, links to conference/a.html and conference/gone.html"),
];
pub(crate) const NEW: [(&str, &str); 5] = [
    ("assets/main.2.css", "new style"),
    // Of the same kind as what it has links to, and by name before it.
    ("conference/a.html", "a, links to assets/main.2.css and conference/b/deep.html and participant/z.html"),
    ("conference/b/deep.html", "b, links to participant/z.html"),
    ("index.html", "new index, links to conference/a.html and conference/b/deep.html"),
    ("participant/z.html", "z, links to conference/b/deep.html"),
];

/// Links to nothing that a reader comes to who begins at the start page.
pub(crate) fn dangling(files: &BTreeMap<String, String>) -> Vec<String> {
    let (mut seen, mut next) = (BTreeSet::new(), vec!["index.html".to_owned()]);
    let mut found = Vec::new();
    while let Some(page) = next.pop() {
        let Some(text) = files.get(&page) else { continue };
        for target in text.split(' ').filter(|word| word.contains('/') && word.contains('.')) {
            if !files.contains_key(target) {
                found.push(format!("{page} links to {target}"));
            } else if seen.insert(target.to_owned()) {
                next.push(target.to_owned());
            }
        }
    }
    found
}

#[test]
fn a_second_build_writes_only_what_differs_and_removes_what_is_gone() {
    let place = Place::new();
    let first = place.publish(&OLD);
    assert_eq!((first.written, first.kept, first.removed.len()), (5, 0, 0));
    let before = fs::metadata(place.output().join("index.html")).unwrap().modified().unwrap();

    let same = place.publish(&OLD);
    assert_eq!((same.written, same.kept, same.bytes_written), (0, 5, 0));
    assert_eq!(fs::metadata(place.output().join("index.html")).unwrap().modified().unwrap(), before);

    let second = place.publish(&NEW);
    let gone = ["assets/main.1.css", "conference/gone.html", "conference/gone/part.html"];
    assert_eq!(second.removed, gone.map(path));
    assert_eq!(place.files(), as_map(&NEW));
}

#[test]
fn whatever_step_fails_the_site_is_the_old_one_or_becomes_the_new_one() {
    let known: &[&str] = &["manifest", "folders"];
    for (old, lost) in [(&OLD[..], &[][..]), (&OLD, known), (&[], &[])] {
        let outcomes = fail_at_each_step(old, lost);
        assert!(outcomes[0] > 5 && outcomes[1] > 5, "both sides of the journal were tried: {outcomes:?}");
    }
}

/// Publishes in place of a site, of whose state some files are lost, or of none, on disks that fail; gives how often the old and the new site
/// were there in the end.
fn fail_at_each_step(old: &[(&str, &str)], lost: &[&str]) -> [usize; 2] {
    let mut outcomes = [0, 0];
    for operations in 0.. {
        let place = Place::new();
        fs::create_dir_all(place.output()).unwrap();
        fs::create_dir_all(place.state()).unwrap();
        if !old.is_empty() {
            place.publish(old);
        }
        for name in lost {
            fs::remove_file(place.state().join(name)).unwrap();
        }
        let result = put_all(place.begin_on(FailingDisk::after(operations)), &NEW);
        if result.is_ok() {
            assert_eq!(place.files(), as_map(&NEW));
            break;
        }
        // At every moment, each link leads to a file.
        let files = place.files();
        assert_eq!(dangling(&files), [""; 0], "{operations} operations in");
        // The next build begins by finishing, or finds the old site as it was. Without a journal it may be the new one only where
        // all was done but for the last words.
        let committed = place.state().join("journal").exists() || files == as_map(&NEW);
        if !committed {
            assert_eq!(files, as_map(old), "{operations} operations in");
        }
        drop(place.begin());
        assert_eq!(place.files(), as_map(if committed { &NEW } else { old }), "{operations} operations in");
        outcomes[usize::from(committed)] += 1;
        // Nothing of ours is left but the lock and what is known of the site.
        let mut left: Vec<_> =
            fs::read_dir(place.state()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        let known = ["lock", "manifest", "units", "folders"];
        left.retain(|name| {
            !known.iter().any(|known| name == *known) && (committed || name != "manifest.new")
        });
        assert!(left.len() <= 1, "{left:?}");
    }
    outcomes
}

/// Bytes of a file that is too large to be held while it is made, and comes to no whole number of the pieces that are.
fn large(seed: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; (3 << 20) + 777];
    blake3::Hasher::new().update(seed).finalize_xof().fill(&mut bytes);
    bytes
}

/// Publishes one file that comes in pieces of a size that divides no power of two.
fn put_pieces<D: Disk>(publisher: Publisher<D>, name: &str, bytes: &[u8]) -> Result<Changes, PublishError> {
    let unit = publisher.unit("site")?;
    unit.put_with(&path(name), Some(blake3::hash(b"key")), |to| {
        // Who makes a file may not look at errors.
        bytes.chunks(77_777).for_each(|piece| drop(to.write_all(piece)));
        Ok::<_, PublishError>(())
    })?;
    unit.finish(None)?;
    publisher.commit(None)
}

/// All files below staging.
fn staged(place: &Place) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(place.state().join("staging")).into_iter().map(Result::unwrap);
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

#[test]
fn a_file_that_comes_in_pieces_is_published_like_one_that_comes_whole() {
    let (one, other) = (large(b"one"), large(b"other"));
    for bytes in [&one[..], &one[..1 << 20], &one[..(1 << 20) - 1], &one[..1000], &[]] {
        let (pieces, whole) = (Place::new(), Place::new());
        let count = bytes.len();
        let first = put_pieces(pieces.begin(), "deep/a.bin", bytes).unwrap();
        let publisher = whole.begin();
        let unit = publisher.unit("site").unwrap();
        unit.put(&path("deep/a.bin"), bytes, Some(blake3::hash(b"key"))).unwrap();
        unit.finish(None).unwrap();
        assert_eq!(publisher.commit(None).unwrap(), first, "{count} bytes");
        let read = |place: &Place| fs::read(place.output().join("deep/a.bin")).unwrap();
        assert!(read(&pieces) == bytes && read(&whole) == bytes, "{count} bytes");
        assert!(pieces.begin().unit("site").unwrap().is_current(&path("deep/a.bin"), &blake3::hash(b"key")));
    }
    let place = Place::new();
    put_pieces(place.begin(), "a.bin", &one).unwrap();
    let at = |place: &Place| fs::metadata(place.output().join("a.bin")).unwrap().modified().unwrap();
    let before = at(&place);
    let same = put_pieces(place.begin(), "a.bin", &one).unwrap();
    assert_eq!((same.written, same.kept, same.bytes_written), (0, 1, 0));
    assert_eq!(at(&place), before, "equal bytes are not written again");
    let changed = put_pieces(place.begin(), "a.bin", &other).unwrap();
    assert_eq!((changed.written, changed.bytes_written), (1, other.len() as u64));
    assert!(fs::read(place.output().join("a.bin")).unwrap() == other);

    let foreign = Place::new();
    fs::create_dir_all(foreign.output()).unwrap();
    fs::write(foreign.output().join("a.bin"), "somebody's").unwrap();
    let error = put_pieces(foreign.begin(), "a.bin", &one).unwrap_err();
    assert!(matches!(error, PublishError::Foreign(_)), "{error}");
}

#[test]
fn of_a_file_whose_making_ends_in_an_error_nothing_is_left() {
    let place = Place::new();
    let publisher = place.begin();
    let unit = publisher.unit("site").unwrap();
    let bytes = large(b"one");
    for count in [bytes.len(), 1000] {
        let made = unit.put_with(&path("a.bin"), None, |to| {
            to.write_all(&bytes[..count])?;
            assert_eq!(staged(&place).len(), usize::from(count > 1000));
            anyhow::bail!("half way")
        });
        assert_eq!(made.unwrap_err().to_string(), "half way");
        assert_eq!(staged(&place), [""; 0].map(PathBuf::from));
    }
    // Nor is it planned: the path is free.
    unit.put_with(&path("a.bin"), None, |to| anyhow::Ok(to.write_all(&bytes)?)).unwrap();
    assert!(matches!(unit.put(&path("A.bin"), b"2", None), Err(PublishError::Collision(_))));
    unit.finish(None).unwrap();
    publisher.commit(None).unwrap();
    assert!(fs::read(place.output().join("a.bin")).unwrap() == bytes);
}

#[test]
fn a_disk_that_fails_in_the_middle_of_a_file_ends_the_build_and_leaves_the_old_site() {
    let (one, other) = (large(b"one"), large(b"other"));
    let mut in_pieces = 0;
    for operations in 0.. {
        let place = Place::new();
        put_pieces(place.begin_on(QuickDisk), "a.bin", &one).unwrap();
        let publisher = place.begin_on(FailingDisk::after(operations));
        let unit = publisher.unit("site").unwrap();
        let made = unit.put_with(&path("a.bin"), None, |to| {
            other.chunks(77_777).for_each(|piece| drop(to.write_all(piece)));
            Ok::<_, PublishError>(())
        });
        if made.is_ok() {
            break;
        }
        let error = made.unwrap_err();
        let PublishError::Io { path: named, source } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        assert!(named.starts_with(place.state().join("staging")), "{error}");
        in_pieces += usize::from(!named.is_dir());
        drop(unit);
        drop(publisher);
        assert!(fs::read(place.output().join("a.bin")).unwrap() == one, "{operations} operations in");
    }
    assert!(in_pieces >= 3, "each piece of the file was tried: {in_pieces}");
}

#[test]
fn a_build_that_is_dropped_leaves_nothing() {
    let place = Place::new();
    place.publish(&OLD);
    let publisher = place.begin();
    publisher.unit("site").unwrap().put(&path("index.html"), b"half a build", None).unwrap();
    drop(publisher);
    assert_eq!(place.files(), as_map(&OLD));
    assert!(!place.state().join("staging").exists());
}

#[test]
fn files_of_others_are_kept_and_never_overwritten() {
    let place = Place::new();
    fs::create_dir_all(place.output()).unwrap();
    fs::write(place.output().join(".gitignore"), "*").unwrap();
    fs::write(place.output().join("index.html"), "somebody's").unwrap();
    let error = put_all(place.begin(), &OLD).unwrap_err();
    assert!(matches!(error, PublishError::Foreign(_)), "{error}");
    fs::remove_file(place.output().join("index.html")).unwrap();
    place.publish(&OLD);
    place.publish(&[]);
    assert_eq!(place.files(), as_map(&[(".gitignore", "*")]));
    assert!(!place.output().join("conference").exists());
}

#[test]
fn a_file_that_somebody_changed_is_made_good() {
    let place = Place::new();
    place.publish(&OLD);
    fs::write(place.output().join("index.html"), "scribbled").unwrap();
    fs::remove_file(place.output().join("conference/a.html")).unwrap();
    assert_eq!(place.publish(&OLD).named.unwrap(), [path("conference/a.html"), path("index.html")]);
    assert_eq!(place.files(), as_map(&OLD));
}

#[test]
fn a_damaged_manifest_is_a_warning_and_a_full_build() {
    let place = Place::new();
    place.publish(&OLD);
    fs::write(place.state().join("manifest"), "peerpress manifest 1\nconference").unwrap();
    let publisher = place.begin();
    assert!(publisher.warnings()[0].contains("damaged"), "{:?}", publisher.warnings());
    put_all(publisher, &NEW).unwrap();
    assert_eq!(place.files(), as_map(&NEW));
}

#[test]
fn what_was_noted_of_a_site_is_known_from_the_journal_on() {
    let place = Place::new();
    assert_eq!(noted(&place.state()), Noted::Nothing);
    let publish = |publisher: Publisher, text: &str| {
        publisher.note(text);
        put_all(publisher, &OLD).unwrap();
        assert_eq!(noted(&place.state()), Noted::Text(text.to_owned()));
    };
    publish(place.begin(), "one");
    publish(place.begin(), "two, of the same files");
    for operations in 0.. {
        let publisher = place.begin_on(FailingDisk::after(operations));
        publisher.note("new");
        let done = put_all(publisher, &NEW).is_ok();
        let committed = done || place.state().join("journal").exists();
        if committed {
            assert_eq!(noted(&place.state()), Noted::Text("new".to_owned()));
            break;
        }
        assert_eq!(noted(&place.state()), Noted::Text("two, of the same files".to_owned()));
    }
    fs::write(place.state().join("manifest"), "damaged").unwrap();
    drop(fs::remove_file(place.state().join("journal")));
    assert_eq!(noted(&place.state()), Noted::Damaged);
}

/// What of others lies in the folder of the site.
const FOREIGN: [(&str, &str); 3] = [
    ("notes.txt", "of somebody"),
    ("conference/notes.txt", "more"),
    ("theirs/deep/er.html", "a page of others"),
];

fn with_foreign(site: &[(&str, &str)]) -> BTreeMap<String, String> {
    as_map(&[site, &FOREIGN].concat())
}

/// What can become of the bytes of a file: cut, changed, longer, or of another version.
fn damages(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for eighth in 0..8 {
        let end = bytes.len() * eighth / 8;
        all.push((format!("cut at {end}"), bytes[..end].to_vec()));
    }
    all.push(("its last byte cut".to_owned(), bytes[..bytes.len() - 1].to_vec()));
    for at in (0..bytes.len()).step_by(17) {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 7);
        all.push((format!("a bit flipped at {at}"), flipped));
    }
    all.push(("longer".to_owned(), [bytes, b"\nmore\n"].concat()));
    all.push(("of another version".to_owned(), b"peerpress something 99\nline\nend\n".to_vec()));
    all.push(("zeros".to_owned(), vec![0; bytes.len()]));
    all
}

fn put_halves(publisher: Publisher<QuickDisk>, site: &[(&str, &str)]) {
    let middle = site.len() / 2;
    for (name, files) in [("one", &site[..middle]), ("other", &site[middle..])] {
        let unit = publisher.unit(name).unwrap();
        for (name, text) in files {
            unit.put(&path(name), text.as_bytes(), None).unwrap();
        }
        unit.finish(None).unwrap();
    }
    publisher.commit(None).unwrap();
}

#[test]
fn whatever_is_damaged_in_the_state_the_next_build_makes_good_and_leaves_what_others_wrote() {
    let place = Place::new();
    let mut tried = 0;
    for (name, text) in FOREIGN {
        let file = place.output().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    for file in ["manifest", "folders", "units/one", "units/other"] {
        put_halves(place.begin_on(QuickDisk), &OLD);
        assert_eq!(place.files(), with_foreign(&OLD));
        for (what, bytes) in damages(&fs::read(place.state().join(file)).unwrap()) {
            fs::write(place.state().join(file), bytes).unwrap();
            put_halves(place.begin_on(QuickDisk), &NEW);
            let mut files = place.files();
            if file.starts_with("units/") {
                // Nobody knows any more that these were ours.
                for (gone, _) in OLD.iter().filter(|(name, _)| NEW.iter().all(|(new, _)| new != name)) {
                    files.remove(*gone);
                    drop(fs::remove_file(place.output().join(gone)));
                }
            }
            assert_eq!(files, with_foreign(&NEW), "{file}: {what}");
            put_halves(place.begin_on(QuickDisk), &OLD);
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn a_journal_that_is_damaged_is_put_aside_and_the_next_build_removes_what_it_had_begun() {
    for operations in 0.. {
        let place = Place::new();
        put_halves(place.begin_on(QuickDisk), &OLD);
        let result = put_all(place.begin_on(FailingDisk::after(operations)), &NEW);
        if result.is_ok() {
            assert!(operations > 20);
            break;
        }
        let journal = place.state().join("journal");
        let Ok(bytes) = fs::read(&journal) else { continue };
        let damages = damages(&bytes);
        let (what, damaged) = &damages[operations % damages.len()];
        fs::write(&journal, damaged).unwrap();
        let publisher = place.begin_on(QuickDisk);
        assert!(publisher.warnings()[0].contains("damaged"), "{what}: {:?}", publisher.warnings());
        // Something else again than the build that was cut off.
        put_halves(publisher, &OLD);
        assert_eq!(place.files(), as_map(&OLD), "{what}, {operations} operations in");
    }
}

#[test]
fn two_files_of_one_path_are_refused_also_where_only_case_differs() {
    let place = Place::new();
    let publisher = place.begin();
    let (one, other) = (publisher.unit("one").unwrap(), publisher.unit("other").unwrap());
    one.put(&path("a.html"), b"1", None).unwrap();
    for unit in [one, other] {
        for name in ["a.html", "A.html"] {
            assert!(matches!(unit.put(&path(name), b"2", None), Err(PublishError::Collision(_))));
        }
    }
}

#[test]
fn a_page_is_current_while_its_key_and_its_file_are_as_they_were() {
    let place = Place::new();
    let key = blake3::hash(b"context");
    let publisher = place.begin();
    let unit = publisher.unit("site").unwrap();
    unit.put(&path("a.html"), b"page", Some(key)).unwrap();
    unit.finish(None).unwrap();
    publisher.commit(None).unwrap();
    let publisher = place.begin();
    let unit = publisher.unit("site").unwrap();
    assert!(unit.is_current(&path("a.html"), &key));
    assert!(!unit.is_current(&path("a.html"), &blake3::hash(b"another")));
    assert!(!unit.is_current(&path("b.html"), &key));
    fs::remove_file(place.output().join("a.html")).unwrap();
    assert!(!unit.is_current(&path("a.html"), &key));
}

/// Puts the files of two units, each with a key; a unit without files is kept by its key.
fn two_units(place: &Place, one: &[(&str, &str)], other: &[(&str, &str)]) -> Changes {
    let publisher = place.begin();
    for (name, files) in [("one", one), ("other", other)] {
        let key = blake3::hash(name.as_bytes());
        if files.is_empty() {
            assert!(publisher.keep_unit(name, &key).unwrap(), "{name}");
            continue;
        }
        let unit = publisher.unit(name).unwrap();
        for (name, text) in files {
            unit.put(&path(name), text.as_bytes(), None).unwrap();
        }
        unit.finish(Some(key)).unwrap();
    }
    publisher.commit(Some(blake3::hash(b"all"))).unwrap()
}

#[test]
fn a_unit_is_kept_as_a_whole_while_its_key_and_its_files_are_as_they_were() {
    let place = Place::new();
    two_units(&place, &[("a.html", "a"), ("b/c.html", "c")], &[("d.html", "d")]);
    let changes = two_units(&place, &[], &[("d.html", "new")]);
    assert_eq!((changes.written, changes.kept, changes.bytes_total), (1, 2, 5));
    assert_eq!(place.files(), as_map(&[("a.html", "a"), ("b/c.html", "c"), ("d.html", "new")]));
    // A file that is gone, and one that somebody replaced.
    fs::remove_file(place.output().join("b/c.html")).unwrap();
    assert!(!place.begin().keep_unit("one", &blake3::hash(b"one")).unwrap());
    assert!(place.begin().keep_unit("other", &blake3::hash(b"other")).unwrap());
    assert!(!place.begin().keep_unit("other", &blake3::hash(b"one")).unwrap());
    assert!(!place.begin().keep_unit("unknown", &blake3::hash(b"one")).unwrap());
}

#[test]
fn files_made_from_the_same_things_are_kept_together_or_not_at_all() {
    let place = Place::new();
    let (key, other) = (blake3::hash(b"key"), blake3::hash(b"other"));
    let first = place.begin();
    let unit = first.unit("unit").unwrap();
    for (name, key) in [("a", key), ("b", key), ("c", other)] {
        unit.put(&path(name), name.as_bytes(), Some(key)).unwrap();
    }
    unit.finish(None).unwrap();
    first.commit(None).unwrap();
    let second = place.begin();
    let unit = second.unit("unit").unwrap();
    assert!(!unit.keep_all(&blake3::hash(b"a third")).unwrap());
    assert!(unit.keep_all(&key).unwrap());
    unit.finish(None).unwrap();
    let changes = second.commit(None).unwrap();
    assert_eq!((changes.written, changes.kept, changes.removed), (0, 2, vec![path("c")]));
    fs::write(place.output().join("b"), "changed by somebody").unwrap();
    let third = place.begin();
    assert!(!third.unit("unit").unwrap().keep_all(&key).unwrap());
}

#[test]
fn a_file_may_move_from_one_unit_to_another() {
    let place = Place::new();
    two_units(&place, &[("a.html", "a"), ("b.html", "b")], &[("c.html", "c")]);
    let changes = two_units(&place, &[("a.html", "a")], &[("b.html", "moved"), ("c.html", "c")]);
    assert_eq!((changes.written, changes.removed.len()), (1, 0));
    assert_eq!(place.files(), as_map(&[("a.html", "a"), ("b.html", "moved"), ("c.html", "c")]));
}

#[test]
fn a_unit_that_is_gone_takes_its_files_with_it() {
    let place = Place::new();
    two_units(&place, &[("a.html", "a")], &[("c.html", "c")]);
    let publisher = place.begin();
    assert!(publisher.keep_unit("one", &blake3::hash(b"one")).unwrap());
    assert_eq!(publisher.commit(None).unwrap().removed, [path("c.html")]);
    assert_eq!(place.files(), as_map(&[("a.html", "a")]));
    assert!(!place.state().join("units/other").exists());
}

#[test]
fn a_damaged_unit_is_a_warning_and_is_made_anew() {
    let place = Place::new();
    two_units(&place, &[("a.html", "a")], &[("c.html", "c")]);
    fs::write(place.state().join("units/one"), "peerpress unit 1\na.html").unwrap();
    fs::remove_file(place.output().join("c.html")).unwrap();
    let publisher = place.begin();
    assert!(!publisher.keep_unit("one", &blake3::hash(b"one")).unwrap());
    assert!(publisher.warnings()[0].contains("units/one"), "{:?}", publisher.warnings());
    drop(publisher);
    two_units(&place, &[("a.html", "new")], &[("c.html", "c")]);
    assert_eq!(place.files(), as_map(&[("a.html", "new"), ("c.html", "c")]));
}

#[test]
fn a_site_is_current_while_its_key_and_its_folders_are_as_they_were() {
    let place = Place::new();
    let current = |key: &[u8]| is_current(&place.output(), &place.state(), &blake3::hash(key));
    assert_eq!(current(b"all"), None);
    two_units(&place, &[("a.html", "a")], &[("b/c.html", "c")]);
    assert_eq!(current(b"all").unwrap().kept, 2);
    assert_eq!(current(b"another"), None);
    fs::remove_file(place.output().join("b/c.html")).unwrap();
    assert_eq!(current(b"all"), None);
}

/// What a build does with a publisher.
struct Direct<'a>(&'a Publisher);

impl Sink for Direct<'_> {
    fn keep_unit(&self, name: &str, key: &blake3::Hash) -> anyhow::Result<bool> {
        Ok(self.0.keep_unit(name, key)?)
    }

    fn unit<'a>(&'a self, name: &str) -> anyhow::Result<Box<dyn UnitSink + 'a>> {
        Ok(Box::new(DirectUnit(self.0.unit(name)?)))
    }
}

struct DirectUnit<'a>(Unit<'a>);

impl UnitSink for DirectUnit<'_> {
    fn is_current(&self, name: &str, key: &blake3::Hash) -> bool {
        self.0.is_current(&path(name), key)
    }

    fn is_in_place(&self, name: &str) -> bool {
        self.0.is_in_place(&path(name))
    }

    fn keep(&self, name: &str) -> anyhow::Result<()> {
        Ok(self.0.keep(&path(name))?)
    }

    fn put(&self, name: &str, bytes: Vec<u8>, key: Option<blake3::Hash>) -> anyhow::Result<()> {
        Ok(self.0.put(&path(name), &bytes, key)?)
    }

    fn put_with(&self, name: &str, key: Option<blake3::Hash>, make: &Make<'_>) -> anyhow::Result<()> {
        self.0.put_with(&path(name), key, |to| make(to))
    }

    fn finish(self: Box<Self>, key: Option<blake3::Hash>) -> anyhow::Result<()> {
        Ok(self.0.finish(key)?)
    }
}

#[test]
fn compressed_forms_come_stay_and_go_with_their_file() {
    let place = Place::new();
    let key = blake3::hash(b"context");
    let page = "<td>a cell</td>".repeat(200);
    let mut noise = vec![0; 2000];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    let build = |work: &dyn Fn(&dyn UnitSink)| {
        let publisher = place.begin();
        let direct = Direct(&publisher);
        let sink = Precompressing::new(&direct);
        let unit = sink.unit("site").unwrap();
        work(&*unit);
        unit.finish(Some(key)).unwrap();
        publisher.commit(None).unwrap()
    };
    let names = |paths: &[SitePath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
    let put_all = |sink: &dyn UnitSink| {
        sink.put("a.html", page.clone().into(), Some(key)).unwrap();
        sink.put("b.json", page.clone().into(), None).unwrap();
        sink.put("c.parquet", page.clone().into(), None).unwrap();
        sink.put("d.html", noise.clone(), Some(key)).unwrap();
    };
    let first = build(&put_all);
    let forms =
        ["a.html", "a.html.br", "a.html.gz", "a.html.zst", "b.json", "b.json.br", "b.json.gz", "b.json.zst"];
    assert_eq!(names(&first.named.unwrap()), [&forms[..], &["c.parquet", "d.html"]].concat());
    assert_eq!(build(&put_all).written, 0, "the same again");

    let current = build(&|sink| {
        assert!(!sink.is_current("a.html", &blake3::hash(b"another")));
        for name in ["a.html", "d.html"] {
            assert!(sink.is_current(name, &key), "{name}");
            sink.keep(name).unwrap();
        }
    });
    assert_eq!((current.written, current.kept), (0, 5));
    assert_eq!(names(&current.removed), [&forms[4..], &["c.parquet"]].concat());

    // Without a form that belongs to it, a file is not current, and the form is made again.
    fs::remove_file(place.output().join("a.html.br")).unwrap();
    let mended = build(&|sink| {
        assert!(!sink.is_current("a.html", &key));
        sink.put("a.html", page.clone().into(), Some(key)).unwrap();
    });
    assert_eq!(names(&mended.named.unwrap()), ["a.html.br"]);

    // A build that makes none removes them, and one that makes them takes no file for current that has none.
    let publisher = place.begin();
    assert!(!publisher.keep_unit("site", &key).unwrap());
    let unit = publisher.unit("site").unwrap();
    unit.put(&path("a.html"), page.as_bytes(), Some(key)).unwrap();
    unit.finish(Some(key)).unwrap();
    assert_eq!(names(&publisher.commit(None).unwrap().removed), forms[1..4]);
    build(&|sink| {
        assert!(!sink.is_current("a.html", &key));
        sink.put("a.html", page.clone().into(), Some(key)).unwrap();
    });
    assert!(place.output().join("a.html.zst").exists());
}
