//! Puts rendered files into the output folder, so that a reader sees the old site or the new one.
//!
//! New bytes go to staging first; then the staged files are synced, a journal is written that says what will be renamed and
//! removed, and only then is anything in the output folder touched, by rename. A crash before the journal leaves the old
//! site, a crash after it is finished by the next [`Publisher::begin`]. Files that peerpress did not write are never touched.
//!
//! The files of a build come in units, each made from things of its own. A unit whose key is that of the last build is kept
//! as a whole: its files are neither made nor read, and what is known of them is not loaded. So the memory and the time of
//! a build go by what changed.

mod disk;
mod folders;
mod incoming;
mod journal;
mod manifest;
mod paths;
mod room;
mod salvage;
mod seal;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

pub use disk::{Disk, RealDisk};
use folders::Folders;
use incoming::Incoming;
use journal::{Recovered, Spool};
use manifest::{Entries, Entry, Manifest, UnitRecord};
pub use paths::{PathError, SitePath};
pub use room::{Need, Room};
use salvage::Salvage;

use crate::lock::{Lock, LockError, Owner};

const LOCK: &str = "lock";
const MANIFEST: &str = "manifest";
const MANIFEST_NEW: &str = "manifest.new";
const UNITS: &str = "units";
const STAGING: &str = "staging";
/// Written files that are named; of more, only the number is known.
const NAMED: usize = 50_000;

/// Why a site could not be published. Unless it says otherwise, the output folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The file system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Output and state are on different file systems, so that no rename leads from one to the other.
    #[error("{} and {} are on different file systems\nhint: choose a state folder beside the output folder", .output.display(), .state.display())]
    OtherFileSystem {
        /// The output folder.
        output: PathBuf,
        /// The state folder.
        state: PathBuf,
    },
    /// A file that peerpress did not write stands where one of its own should be.
    #[error("{} was not written by peerpress and is in the way\nhint: move it away, or choose another output folder", .0.display())]
    Foreign(PathBuf),
    /// Two files of one build have the same path, perhaps but for case.
    #[error("two files of the site have the path {0}")]
    Collision(String),
    /// A path that must not be in a site.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// A digest of the bytes of a file, of which only some are held at a time.
fn digest_of(path: &Path) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fs::File::open(path)?)?;
    Ok(hasher.finalize())
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> PublishError + '_ {
    |source| PublishError::Io { path: path.to_owned(), source }
}

/// What a build changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// How many files are new or have other bytes.
    pub written: usize,
    /// Which, by path; none if they are more than 50,000.
    pub named: Option<Vec<SitePath>>,
    /// How many files stayed as they were.
    pub kept: usize,
    /// Files of the former site that are no longer part of it, by path.
    pub removed: Vec<SitePath>,
    /// Bytes of the written files.
    pub bytes_written: u64,
    /// Bytes of all files of the site.
    pub bytes_total: u64,
}

#[derive(Debug, Clone)]
struct Planned {
    entry: Entry,
    wait: Option<Staged>,
}

/// How a file of the new site stands to what is in its place.
enum Standing {
    /// It is there already.
    InPlace(Entry),
    /// It has to come there.
    Wanted(Staged),
}

/// A file that waits for its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Staged {
    /// There is nothing in its place.
    New,
    /// A file of the former site is.
    Changed,
}

/// One build's files, on their way to the output folder. Threads put files at the same time.
pub struct Publisher<D: Disk = RealDisk> {
    disk: D,
    output: PathBuf,
    state: PathBuf,
    old: Manifest,
    /// Whether the folders of the site look as the last build left them: then nothing was added, replaced or removed.
    intact: bool,
    /// Whether nothing is known of a former site. The files of the first wait as they will lie, so that whole folders come into place.
    is_first: bool,
    /// Files of a former site that the manifest does not tell of, as it is damaged.
    salvage: Salvage,
    /// Whether unknown files may be taken for ours, what was known of them being unreadable.
    adopt: AtomicBool,
    warnings: Mutex<Vec<String>>,
    build: Mutex<Build>,
    /// The files of all units of the last build, should one have moved from one to another.
    elsewhere: OnceLock<HashMap<PathHash, Entry>>,
    committed: bool,
    _lock: Lock,
}

/// A path without regard to case, as some file systems see it.
type PathHash = [u8; 16];

fn folded(path: &SitePath) -> PathHash {
    let digest = blake3::hash(path.as_str().to_lowercase().as_bytes());
    let mut short = [0; 16];
    short.copy_from_slice(&digest.as_bytes()[..16]);
    short
}

/// What is known so far of the new site.
#[derive(Default)]
struct Build {
    units: BTreeMap<String, UnitRecord>,
    /// Units with a new file in staging.
    staged_units: Vec<String>,
    /// Of all units that were not kept as a whole.
    paths: HashSet<PathHash>,
    spool: Option<Spool>,
    named: Vec<SitePath>,
    /// Files of former units that their new ones do not have.
    left: Vec<SitePath>,
    written: usize,
    kept: usize,
    bytes_written: u64,
    note: String,
}

/// Whether a site in place was made from what `key` is a digest of, as far as can be told without writing anything: its
/// folders look as the last build left them, no build is running, and none was interrupted.
pub fn is_current(output: &Path, state: &Path, key: &blake3::Hash) -> Option<Changes> {
    let bytes = fs::read(state.join(MANIFEST)).ok()?;
    let manifest = Manifest::parse(&bytes)?;
    let settled = !state.join(journal::JOURNAL).exists() && !state.join(STAGING).exists();
    let current = settled && manifest.key.as_ref() == Some(key) && Folders::read(state)?.are_intact(output);
    current.then(|| Changes {
        named: Some(Vec::new()),
        kept: manifest.units.values().map(|unit| unit.files).sum(),
        bytes_total: manifest.units.values().map(|unit| unit.bytes).sum(),
        ..Changes::default()
    })
}

/// What was noted of a site, by [`Publisher::note`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// There is no site yet.
    Nothing,
    /// It cannot be read any more.
    Damaged,
    /// This.
    Text(String),
}

/// What was noted of the site whose state is in a folder; of one that is being published, too.
pub fn noted(state: &Path) -> Noted {
    let journal = state.join(journal::JOURNAL).exists();
    let new = state.join(MANIFEST_NEW);
    let path = if journal && new.exists() { new } else { state.join(MANIFEST) };
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Noted::Nothing,
        bytes => {
            let manifest = bytes.ok().as_deref().and_then(Manifest::parse);
            manifest.map_or(Noted::Damaged, |manifest| Noted::Text(manifest.note))
        }
    }
}

/// A file of a site, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedFile {
    /// Where it is.
    pub path: SitePath,
    /// How many bytes it has.
    pub bytes: u64,
    /// Of its bytes.
    pub digest: blake3::Hash,
}

/// A site that was published, to be read.
#[derive(Debug, Clone)]
pub struct Published {
    output: PathBuf,
    state: PathBuf,
    key: Option<blake3::Hash>,
}

impl Published {
    /// The site in `output`, with its state in `state`; `None` if there is none, or if its publishing was not finished.
    pub fn open(output: &Path, state: &Path) -> Option<Self> {
        let manifest = Manifest::parse(&fs::read(state.join(MANIFEST)).ok()?)?;
        let finished = !state.join(journal::JOURNAL).exists();
        finished.then(|| Self { output: output.to_owned(), state: state.to_owned(), key: manifest.key })
    }

    /// A digest of all that it was made from, if that is known.
    pub fn key(&self) -> Option<blake3::Hash> {
        self.key
    }

    /// The files of a unit.
    pub fn of_unit(&self, name: &str) -> Result<Vec<SitePath>, PublishError> {
        let path = self.state.join(UNITS).join(name);
        let bytes = fs::read(&path).map_err(io_at(&path))?;
        let damaged = || io_at(&path)(io::Error::other("it is damaged; build this site again"));
        Ok(manifest::parse_unit(&bytes).ok_or_else(damaged)?.into_keys().collect())
    }

    /// Writes the bytes of a file to somewhere else.
    pub fn copy(&self, path: &SitePath, to: &mut (impl io::Write + ?Sized)) -> Result<(), PublishError> {
        let place = self.output.join(path.as_str());
        let mut copy = || io::copy(&mut fs::File::open(&place)?, to);
        copy().map(drop).map_err(io_at(&place))
    }
}

/// Takes the lock of whoever changes a state folder, or the site that it is of. The folder is made, if it is not there.
pub fn lock(state: &Path, owner: &Owner) -> Result<Lock, LockError> {
    let path = state.join(LOCK);
    fs::create_dir_all(state).map_err(|source| LockError::Io { path: path.clone(), source })?;
    Lock::alone(&path, owner)
}

/// Takes the lock of whoever only reads a state folder, or the site that it is of.
pub fn shared_lock(state: &Path) -> Result<Lock, LockError> {
    Lock::shared(&state.join(LOCK))
}

impl Publisher<RealDisk> {
    /// Begins a build for `output`, with its state in `state`, of which the caller has the [`lock`]; finishes what a crash left
    /// unfinished.
    pub fn begin(lock: Lock, output: &Path, state: &Path) -> Result<Self, PublishError> {
        Self::begin_on(RealDisk, lock, output, state)
    }
}

impl<D: Disk> Publisher<D> {
    /// The same on a disk of one's own, for tests of what happens when it fails.
    pub fn begin_on(disk: D, lock: Lock, output: &Path, state: &Path) -> Result<Self, PublishError> {
        let manifest = state.join(MANIFEST);
        let had_state = manifest.exists() || state.join(journal::JOURNAL).exists();
        for folder in [output, state] {
            for parent in journal::make_folder(&disk, folder)? {
                disk.sync_folder(&parent).map_err(io_at(&parent))?;
            }
        }
        let mut warnings = Vec::new();
        let recovered = journal::recover(&disk, output, state, &mut warnings)?;
        let found = match fs::read(&manifest) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            found => Some(found.map_err(io_at(&manifest))?),
        };
        let old = found.as_deref().and_then(Manifest::parse);
        if found.is_some() && old.is_none() {
            let path = manifest.display();
            warnings.push(format!("{path} is damaged or of another version; everything is built anew"));
        }
        let (old, salvage) = match old.filter(|_| recovered != Recovered::Damaged) {
            Some(old) => (old, Salvage::default()),
            None => (Manifest::default(), Salvage::of(state, recovered == Recovered::Damaged)?),
        };
        // Where nothing was, what is there is somebody else's.
        let adopt = salvage.is_partial && (had_state || !salvage.units.is_empty());
        let staging = state.join(STAGING);
        if staging.exists() {
            disk.remove_dir_all(&staging).map_err(io_at(&staging))?;
        }
        fs::create_dir_all(&staging).map_err(io_at(&staging))?;
        if !had_state {
            // Once: it changes the folder, and what is renamed later comes from the same place.
            probe_rename(output, state)?;
        }
        let folders = Folders::read(state);
        let is_first = !had_state && folders.is_none() && salvage.units.is_empty();
        let intact = folders.is_some_and(|folders| folders.are_intact(output));
        Ok(Self {
            disk,
            output: output.to_owned(),
            state: state.to_owned(),
            old,
            salvage,
            intact,
            is_first,
            adopt: AtomicBool::new(adopt),
            warnings: Mutex::new(warnings),
            build: Mutex::default(),
            elsewhere: OnceLock::new(),
            committed: false,
            _lock: lock,
        })
    }

    /// What the former site takes, as far as that is known.
    pub fn former(&self) -> Need {
        let units = self.old.units.values();
        units.fold(Need::default(), |sum, unit| Need {
            bytes: sum.bytes + unit.bytes,
            files: sum.files + unit.files as u64,
        })
    }

    /// Whether the former site had a unit of this name.
    pub fn had_unit(&self, name: &str) -> bool {
        self.old.units.contains_key(name)
    }

    /// Notes what the site is; it is kept and published with it. Of several notes the last counts, without its ends of lines.
    pub fn note(&self, text: &str) {
        self.build().note = text.replace(['\r', '\n'], " ");
    }

    /// What the user should know about the state that was found.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps all files of a unit as they are, if the last build made them from what `key` is a digest of and they are in
    /// place; else nothing is done. Gives whether it did.
    pub fn keep_unit(&self, name: &str, key: &blake3::Hash) -> Result<bool, PublishError> {
        let Some(record) = self.old.units.get(name).filter(|record| record.key.as_ref() == Some(key)) else {
            return Ok(false);
        };
        let in_place = if self.intact {
            self.unit_file(name).exists()
        } else {
            let in_place = |(path, entry): (&SitePath, &Entry)| entry.matches(&self.place(path));
            self.entries(name).is_some_and(|entries| entries.iter().all(in_place))
        };
        if in_place {
            let mut build = self.build();
            build.kept += record.files;
            if build.units.insert(name.to_owned(), record.clone()).is_some() {
                return Err(PublishError::Collision(name.to_owned()));
            }
        }
        Ok(in_place)
    }

    /// Begins the files of a unit, by its name: lower case letters, digits, `-` and `.`.
    pub fn unit(&self, name: &str) -> Result<Unit<'_, D>, PublishError> {
        if !manifest::is_unit_name(name) {
            return Err(PublishError::Collision(format!("{name:?}, which is no name of a unit")));
        }
        let old = match self.old.units.get(name) {
            Some(_) => self.entries(name).unwrap_or_default(),
            None => Entries::new(),
        };
        Ok(Unit { publisher: self, name: name.to_owned(), old, planned: Mutex::default() })
    }

    /// All files of the units that are kept or finished so far, in no order, from what is known of them: none is read. An error if
    /// what is known of a unit is not what was written.
    pub fn files(&self) -> Result<Vec<PublishedFile>, PublishError> {
        let (units, staged) = {
            let build = self.build();
            let staged: HashSet<String> = build.staged_units.iter().cloned().collect();
            (build.units.clone(), staged)
        };
        let mut files = Vec::new();
        for (name, record) in units {
            let is_new = staged.contains(&name);
            let path = if is_new { journal::staged_unit(&self.state, &name) } else { self.unit_file(&name) };
            let bytes = fs::read(&path).map_err(io_at(&path))?;
            let entries = manifest::parse_unit(&bytes).filter(|_| blake3::hash(&bytes) == record.digest);
            let damaged = || io_at(&path)(io::Error::other("it is damaged\nhint: build with --full"));
            let of = |(path, entry): (SitePath, Entry)| PublishedFile {
                path,
                bytes: entry.size,
                digest: entry.digest,
            };
            files.extend(entries.ok_or_else(damaged)?.into_iter().map(of));
        }
        Ok(files)
    }

    /// Makes the output folder the new site; `key` is a digest of all that it was made from, if that is known. An error
    /// after the journal was written says so; the next build finishes.
    pub fn commit(mut self, key: Option<blake3::Hash>) -> Result<Changes, PublishError> {
        let mut build = std::mem::take(&mut *self.build());
        let gone: Vec<String> =
            self.old.units.keys().filter(|name| !build.units.contains_key(*name)).cloned().collect();
        for name in &gone {
            build.left.extend(self.entries(name).unwrap_or_default().into_keys());
        }
        // Nothing is kept where something was salvaged: all paths of the new site are known.
        build.left.extend(std::mem::take(&mut self.salvage.files));
        let unknown = |name: &&String| !build.units.contains_key(*name) && !gone.contains(*name);
        let gone = gone.iter().chain(self.salvage.units.iter().filter(unknown)).cloned().collect::<Vec<_>>();
        build.left.retain(|path| !build.paths.contains(&folded(path)));
        build.left.sort();
        build.left.dedup();
        build.named.sort();
        let changes = Changes {
            written: build.written,
            named: (build.written <= NAMED).then_some(build.named),
            kept: build.kept,
            removed: build.left,
            bytes_written: build.bytes_written,
            bytes_total: build.units.values().map(|unit| unit.bytes).sum(),
        };
        let new = Manifest { key, note: build.note, units: build.units };
        let manifest = self.state.join(MANIFEST);
        let nothing = changes.written == 0 && changes.removed.is_empty();
        if nothing && build.staged_units.is_empty() && gone.is_empty() {
            if new != self.old || !manifest.exists() {
                self.replace(&manifest, &new.to_bytes())?;
            }
            self.committed = true;
            self.clear_staging()?;
            self.remember_folders(std::iter::empty());
            return Ok(changes);
        }
        let spool = match build.spool.take() {
            Some(spool) => spool,
            None => Spool::new(&self.state.join(STAGING))?,
        };
        self.disk.sync_all(&self.state.join(STAGING)).map_err(io_at(&self.state))?;
        self.replace(&self.state.join(MANIFEST_NEW), &new.to_bytes())?;
        spool.write(&self.disk, &self.state, &changes.removed, &build.staged_units, &gone)?;
        // From here on the new site is decided on.
        self.committed = true;
        let touched = journal::finish(&self.disk, &self.output, &self.state)?;
        self.remember_folders(touched.into_iter());
        Ok(changes)
    }

    /// Notes how the folders look, those of the last build and those touched. Should it fail, the next build looks at each file.
    fn remember_folders(&self, touched: impl Iterator<Item = PathBuf>) {
        if let Err(error) = Folders::now(&self.state, &self.output, touched, self.intact).write(&self.state) {
            self.warn(format!("{}: {error}", self.state.display()));
        }
    }

    fn warn(&self, warning: String) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    fn build(&self) -> MutexGuard<'_, Build> {
        self.build.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, path: &SitePath) -> PathBuf {
        self.output.join(path.as_str())
    }

    /// Where a file waits.
    fn staged(&self, path: &SitePath) -> PathBuf {
        let staged = if self.is_first { journal::staged_in_tree } else { journal::staged };
        staged(&self.state, path)
    }

    /// Writes a file into staging, whose folder may not be there yet.
    fn stage(&self, staged: &Path, bytes: &[u8]) -> Result<(), PublishError> {
        if let Some(folder) = staged.parent() {
            self.disk.create_dir_all(folder).map_err(io_at(folder))?;
        }
        self.disk.write_new(staged, bytes).map_err(io_at(staged))
    }

    fn unit_file(&self, name: &str) -> PathBuf {
        self.state.join(UNITS).join(name)
    }

    /// What the last build made for a unit; none, with a warning, if that cannot be read.
    fn entries(&self, name: &str) -> Option<Entries> {
        let path = self.unit_file(name);
        let digest = self.old.units.get(name).map(|record| record.digest);
        let bytes = fs::read(&path).ok().filter(|bytes| Some(blake3::hash(bytes)) == digest);
        let found = bytes.as_deref().and_then(manifest::parse_unit);
        if found.is_none() {
            self.warn(format!("{} cannot be read; its part of the site is built anew", path.display()));
            self.adopt.store(true, Ordering::SeqCst);
        }
        found
    }

    /// Whether a file that its unit did not have may be taken for one of the former site.
    fn is_ours(&self, path: &SitePath) -> bool {
        self.adopt.load(Ordering::SeqCst) || self.salvage.files.contains(path) || self.was_elsewhere(path)
    }

    /// Whether another unit of the last build had this path.
    fn was_elsewhere(&self, path: &SitePath) -> bool {
        let all = self.elsewhere.get_or_init(|| {
            let files = self.old.units.keys().filter_map(|name| self.entries(name)).flatten();
            files.map(|(path, entry)| (folded(&path), entry)).collect()
        });
        all.contains_key(&folded(path))
    }

    /// Writes a small file beside its place and renames it.
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
        let beside = path.with_extension("tmp");
        if beside.exists() {
            fs::remove_file(&beside).map_err(io_at(&beside))?;
        }
        self.disk.write_new(&beside, bytes).map_err(io_at(&beside))?;
        self.disk.sync_file(&beside).map_err(io_at(&beside))?;
        self.disk.rename(&beside, path).map_err(io_at(path))?;
        self.disk.sync_folder(&self.state).map_err(io_at(&self.state))
    }

    fn clear_staging(&self) -> Result<(), PublishError> {
        let staging = self.state.join(STAGING);
        if staging.exists() { self.disk.remove_dir_all(&staging).map_err(io_at(&staging)) } else { Ok(()) }
    }
}

impl<D: Disk> Drop for Publisher<D> {
    fn drop(&mut self) {
        // With a journal in place the staged files are promised, even where writing it ended in an error.
        if !self.committed && !self.state.join(journal::JOURNAL).exists() {
            // The next build clears it as well, should this fail.
            drop(self.clear_staging());
        }
    }
}

/// The files of one unit of a build. Nothing of it counts until [`Unit::finish`].
pub struct Unit<'a, D: Disk = RealDisk> {
    publisher: &'a Publisher<D>,
    name: String,
    old: Entries,
    planned: Mutex<BTreeMap<SitePath, Planned>>,
}

impl<D: Disk> Unit<'_, D> {
    /// Whether a file is in place and was made from what `key` is a digest of.
    pub fn is_current(&self, path: &SitePath, key: &blake3::Hash) -> bool {
        self.old.get(path).is_some_and(|entry| {
            entry.key.as_ref() == Some(key) && entry.matches(&self.publisher.place(path))
        })
    }

    /// Whether a file of the former site is in place as it was written, whatever it was made from.
    pub fn is_in_place(&self, path: &SitePath) -> bool {
        self.old.get(path).is_some_and(|entry| entry.matches(&self.publisher.place(path)))
    }

    /// Keeps a file of the former site as it is.
    pub fn keep(&self, path: &SitePath) -> Result<(), PublishError> {
        match self.old.get(path) {
            Some(entry) => self.plan(path, Planned { entry: entry.clone(), wait: None }),
            None => Err(PublishError::Collision(format!("{path}, which is kept but was never there"))),
        }
    }

    /// Keeps all files of the former site that were made from what `key` is a digest of, if there are any and all are in
    /// place; else nothing is done. Gives whether it did.
    pub fn keep_all(&self, key: &blake3::Hash) -> Result<bool, PublishError> {
        let made = || self.old.iter().filter(|(_, entry)| entry.key.as_ref() == Some(key));
        let kept =
            made().next().is_some() && made().all(|(path, entry)| entry.matches(&self.publisher.place(path)));
        if kept {
            made().try_for_each(|(path, _)| self.keep(path))?;
        }
        Ok(kept)
    }

    /// Takes a file of the new site. `key` is a digest of all that it was made from, if that is known.
    pub fn put(&self, path: &SitePath, bytes: &[u8], key: Option<blake3::Hash>) -> Result<(), PublishError> {
        let publisher = self.publisher;
        let (digest, size) = (blake3::hash(bytes), bytes.len() as u64);
        let wait = match self.standing(path, digest, size, key)? {
            Standing::InPlace(entry) => return self.plan(path, Planned { entry, wait: None }),
            Standing::Wanted(wait) => wait,
        };
        // Planned first, so that two files of one path never share a place in staging.
        let unknown = Entry { size, mtime_ns: 0, digest, key };
        self.plan(path, Planned { entry: unknown, wait: Some(wait) })?;
        let staged = publisher.staged(path);
        publisher.stage(&staged, bytes)?;
        let entry = Entry::of(&staged, digest, key).map_err(io_at(&staged))?;
        self.settle(path, Planned { entry, wait: Some(wait) });
        Ok(())
    }

    /// The same of a file that may be large: `make` writes it piece by piece, and no more than a megabyte of it is held. Where
    /// `make` or the disk ends in an error, nothing is left of the file; that of the disk is the one that is given.
    pub fn put_with<E: From<PublishError>>(
        &self,
        path: &SitePath,
        key: Option<blake3::Hash>,
        make: impl FnOnce(&mut (dyn io::Write + Send)) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut incoming = Incoming::new(self, path);
        let made = make(&mut incoming);
        incoming.finish(made, key)
    }

    /// How a file with certain bytes stands to what is in its place.
    fn standing(
        &self,
        path: &SitePath,
        digest: blake3::Hash,
        size: u64,
        key: Option<blake3::Hash>,
    ) -> Result<Standing, PublishError> {
        let publisher = self.publisher;
        let place = publisher.place(path);
        let old = self.old.get(path);
        if let Some(entry) = old.filter(|entry| entry.digest == digest && entry.matches(&place)) {
            return Ok(Standing::InPlace(Entry { key, ..entry.clone() }));
        }
        let Ok(found) = fs::symlink_metadata(&place) else {
            // The start page is the way to everything else, also to the first site.
            let is_start = path.as_str() == journal::START;
            return Ok(Standing::Wanted(if is_start { Staged::Changed } else { Staged::New }));
        };
        let same = || found.len() == size && digest_of(&place).is_ok_and(|there| there == digest);
        if found.is_file() && same() {
            let entry = Entry::of(&place, digest, key).map_err(io_at(&place))?;
            return Ok(Standing::InPlace(entry));
        }
        if !found.is_file() || (old.is_none() && !publisher.is_ours(path)) {
            return Err(PublishError::Foreign(place));
        }
        Ok(Standing::Wanted(Staged::Changed))
    }

    /// Ends the unit; `key` is a digest of all that it was made from, if that is known.
    pub fn finish(self, key: Option<blake3::Hash>) -> Result<(), PublishError> {
        let Self { publisher, name, old, planned } = self;
        let planned = planned.into_inner().unwrap_or_else(PoisonError::into_inner);
        let left: Vec<SitePath> = old.into_keys().filter(|path| !planned.contains_key(path)).collect();
        let written: Vec<(SitePath, Staged)> =
            planned.iter().filter_map(|(path, file)| Some((path.clone(), file.wait?))).collect();
        let bytes_written: u64 =
            planned.values().filter(|file| file.wait.is_some()).map(|file| file.entry.size).sum();
        let entries: Entries = planned.into_iter().map(|(path, file)| (path, file.entry)).collect();
        let bytes = manifest::unit_bytes(&entries);
        let record = UnitRecord {
            key,
            files: entries.len(),
            bytes: entries.values().map(|entry| entry.size).sum(),
            digest: blake3::hash(&bytes),
        };
        let is_old = publisher.old.units.get(&name).is_some_and(|old| old.digest == record.digest);
        if !is_old || !publisher.unit_file(&name).exists() {
            let staged = journal::staged_unit(&publisher.state, &name);
            publisher.stage(&staged, &bytes)?;
            publisher.build().staged_units.push(name.clone());
        }
        let mut build = publisher.build();
        build.kept += entries.len() - written.len();
        build.written += written.len();
        build.bytes_written += bytes_written;
        build.left.extend(left);
        if !written.is_empty() {
            if build.spool.is_none() {
                build.spool = Some(Spool::new(&publisher.state.join(STAGING))?);
            }
            // A first site comes into place by its folders.
            if let Some(spool) = build.spool.as_mut().filter(|_| !publisher.is_first) {
                written.iter().try_for_each(|(path, wait)| spool.add(path, *wait == Staged::New))?;
            }
            if build.written <= NAMED {
                build.named.extend(written.into_iter().map(|(path, _)| path));
            }
        }
        if build.units.insert(name.clone(), record).is_some() {
            return Err(PublishError::Collision(name));
        }
        Ok(())
    }

    fn planned(&self) -> MutexGuard<'_, BTreeMap<SitePath, Planned>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plan(&self, path: &SitePath, planned: Planned) -> Result<(), PublishError> {
        if !self.publisher.build().paths.insert(folded(path)) {
            return Err(PublishError::Collision(path.to_string()));
        }
        self.settle(path, planned);
        Ok(())
    }

    /// Says of a file that is planned what became of it.
    fn settle(&self, path: &SitePath, planned: Planned) {
        self.planned().insert(path.clone(), planned);
    }

    /// Takes a plan back.
    fn forget(&self, path: &SitePath) {
        self.planned().remove(path);
        self.publisher.build().paths.remove(&folded(path));
    }
}

/// A rename is the one thing that everything rests on: try it before any work is done.
fn probe_rename(output: &Path, state: &Path) -> Result<(), PublishError> {
    let from = state.join("probe");
    let to = output.join(".peerpress-probe");
    fs::write(&from, b"").map_err(io_at(&from))?;
    let renamed = fs::rename(&from, &to);
    let (left, result) = match renamed {
        Ok(()) => (to, Ok(())),
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let other = PublishError::OtherFileSystem { output: output.to_owned(), state: state.to_owned() };
            (from, Err(other))
        }
        Err(error) => (from, Err(io_at(output)(error))),
    };
    fs::remove_file(&left).map_err(io_at(&left))?;
    result
}
