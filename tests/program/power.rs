//! Power loss: what a disk forgets of a build that publishes. Everything that publishing does to the disk is recorded; for each
//! moment, what was not brought to the medium may be lost, all of it or some of it, and the next build has to make it good.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use peerpress::publish::{Disk, RealDisk};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::publish::{NEW, OLD, Place, QuickDisk, as_map, dangling, put_all};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Folder(PathBuf),
    Write(PathBuf, Vec<u8>),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    RemoveFolder(PathBuf),
    RemoveAll(PathBuf),
    SyncFile(PathBuf),
    SyncFolder(PathBuf),
    SyncAll,
}

/// Does everything, but for bringing it to the medium, and writes down what it was asked.
#[derive(Default)]
struct RecordingDisk(Mutex<Vec<Step>>);

impl RecordingDisk {
    fn record(&self, steps: impl IntoIterator<Item = Step>) {
        self.0.lock().unwrap().extend(steps);
    }
}

impl Disk for &RecordingDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = path.ancestors().take_while(|path| !path.exists()).collect();
        RealDisk.create_dir_all(path)?;
        self.record(missing.into_iter().rev().map(|path| Step::Folder(path.to_owned())));
        Ok(())
    }
    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        RealDisk.write_new(path, bytes)?;
        self.record([Step::Write(path.to_owned(), bytes.to_vec())]);
        Ok(())
    }
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        RealDisk.append(path, bytes)?;
        self.record([Step::Write(path.to_owned(), fs::read(path)?)]);
        Ok(())
    }
    fn join(&self, pieces: &[PathBuf], path: &Path) -> io::Result<()> {
        RealDisk.join(pieces, path)?;
        self.record([Step::Write(path.to_owned(), fs::read(path)?)]);
        Ok(())
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)?;
        self.record([Step::Rename(from.to_owned(), to.to_owned())]);
        Ok(())
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_file(path)?;
        self.record([Step::Remove(path.to_owned())]);
        Ok(())
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_dir(path)?;
        self.record([Step::RemoveFolder(path.to_owned())]);
        Ok(())
    }
    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_dir_all(path)?;
        self.record([Step::RemoveAll(path.to_owned())]);
        Ok(())
    }
    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.record([Step::SyncFile(path.to_owned())]);
        Ok(())
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.record([Step::SyncFolder(path.to_owned())]);
        Ok(())
    }
    fn sync_all(&self, _folder: &Path) -> io::Result<()> {
        self.record([Step::SyncAll]);
        Ok(())
    }
}

/// Folders and files; folders have no bytes.
type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

fn tree(root: &Path) -> Tree {
    let entries = walkdir::WalkDir::new(root).min_depth(1).into_iter().map(Result::unwrap);
    let read =
        |entry: &walkdir::DirEntry| entry.file_type().is_file().then(|| fs::read(entry.path()).unwrap());
    entries.map(|entry| (entry.path().to_owned(), read(&entry))).collect()
}

fn restore(root: &Path, tree: &Tree) {
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    for (path, bytes) in tree {
        match bytes {
            None => fs::create_dir_all(path).unwrap(),
            Some(bytes) => fs::write(path, bytes).unwrap(),
        }
    }
}

/// The name that a step puts into a folder or takes out of it is on the medium once that folder is synced.
fn folder_of(step: &Step) -> Option<&Path> {
    match step {
        Step::Folder(path)
        | Step::Write(path, _)
        | Step::Rename(_, path)
        | Step::Remove(path)
        | Step::RemoveFolder(path)
        | Step::RemoveAll(path) => path.parent(),
        Step::SyncFile(_) | Step::SyncFolder(_) | Step::SyncAll => None,
    }
}

/// Whether the name, and whether the bytes of a step are safe once the later steps are done.
fn is_safe(step: &Step, later: &[Step]) -> (bool, bool) {
    let name = later.iter().any(|sync| match sync {
        Step::SyncAll => true,
        Step::SyncFolder(folder) => folder_of(step) == Some(folder),
        _ => false,
    });
    let bytes = later.iter().any(|sync| match (sync, step) {
        (Step::SyncAll, _) => true,
        (Step::SyncFile(synced), Step::Write(path, _)) => synced == path,
        _ => false,
    });
    (name, bytes)
}

/// What the medium has after some steps, where names and bytes for which `is_lost` says so are lost.
fn after(initial: &Tree, steps: &[Step], is_lost: &mut dyn FnMut(usize) -> (bool, bool)) -> Tree {
    let mut tree = initial.clone();
    // Files whose names never came to the medium, but whose later names may.
    let mut nameless: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        let (name_is_lost, bytes_are_lost) = is_lost(at);
        let has_folder =
            |tree: &Tree, path: &Path| path.parent().is_some_and(|folder| tree.get(folder) == Some(&None));
        match step {
            Step::Write(path, bytes) => {
                let bytes = if bytes_are_lost { Vec::new() } else { bytes.clone() };
                if name_is_lost || !has_folder(&tree, path) {
                    nameless.insert(path.clone(), bytes);
                } else {
                    tree.insert(path.clone(), Some(bytes));
                }
            }
            Step::Folder(path) if !name_is_lost && has_folder(&tree, path) => {
                tree.insert(path.clone(), None);
            }
            Step::Rename(from, to) if !name_is_lost && has_folder(&tree, to) => {
                // A folder goes with all that is in it.
                let (moved, stays): (Tree, Tree) =
                    std::mem::take(&mut tree).into_iter().partition(|(path, _)| path.starts_with(from));
                tree = stays;
                tree.extend(moved.into_iter().map(|(path, bytes)| {
                    let place =
                        if path == *from { to.clone() } else { to.join(path.strip_prefix(from).unwrap()) };
                    (place, bytes)
                }));
                if let Some(bytes) = nameless.remove(from) {
                    tree.insert(to.clone(), Some(bytes));
                }
            }
            Step::Remove(path) if !name_is_lost => {
                tree.remove(path);
            }
            // Only an empty folder is removed: once that is on the medium, so is what emptied it.
            Step::RemoveFolder(path) | Step::RemoveAll(path) if !name_is_lost => {
                tree.retain(|other, _| !other.starts_with(path));
            }
            _ => {}
        }
    }
    tree
}

/// Tries every moment of the publishing of a site in place of another; gives how many states of the medium there were, the old
/// site and the new one after recovery, and the steps.
fn try_all(old: &[(&str, &str)], new: &[(&str, &str)]) -> ([usize; 2], Vec<Step>) {
    let place = Place::new();
    let root = place.folder.path().to_owned();
    if !old.is_empty() {
        put_all(place.begin_on(QuickDisk), old).unwrap();
    }
    // The lock says nothing of the site.
    fs::create_dir_all(place.state()).unwrap();
    fs::create_dir_all(place.output()).unwrap();
    let initial = tree(&root);
    let disk = RecordingDisk::default();
    // The folder is made without the disk, and is that of the first staged file.
    disk.record([Step::Folder(place.state().join("staging"))]);
    put_all(place.begin_on(&disk), new).unwrap();
    let steps = disk.0.into_inner().unwrap();
    let decided =
        steps.iter().position(|step| matches!(step, Step::Rename(_, to) if to.ends_with("journal")));
    let decided = decided.unwrap() + 1;
    assert_eq!(steps[decided], Step::SyncFolder(place.state()));

    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let mut seen = BTreeSet::new();
    let mut outcomes = [0, 0];
    for done in 0..=steps.len() {
        let steps = &steps[..done];
        let safe: Vec<(bool, bool)> =
            steps.iter().enumerate().map(|(at, step)| is_safe(step, &steps[at + 1..])).collect();
        let open: Vec<usize> = (0..done).filter(|at| safe[*at] != (true, true)).collect();
        let mut losses: Vec<Vec<(bool, bool)>> = vec![vec![(true, true); done], vec![(false, false); done]];
        // Names come to the medium before bytes, as some file systems have it.
        losses.push(vec![(false, true); done]);
        for at in open {
            for rest in [true, false] {
                let mut one = vec![(rest, rest); done];
                one[at] = (!rest, !rest);
                losses.push(one);
            }
        }
        for _ in 0..8 {
            losses.push((0..done).map(|_| (dice.random_bool(0.5), dice.random_bool(0.5))).collect());
        }
        for lost in losses {
            let medium =
                after(&initial, steps, &mut |at| (lost[at].0 && !safe[at].0, lost[at].1 && !safe[at].1));
            if !seen.insert(medium.clone()) {
                continue;
            }
            restore(&root, &medium);
            let moment = || format!("after {done} of {} steps, the last {:?}", steps.len(), steps.last());
            assert_eq!(dangling(&place.files()), [""; 0], "{}", moment());
            let publisher = place.begin_on(QuickDisk);
            let files = place.files();
            let is_new = files == as_map(new);
            assert!(is_new || files == as_map(old), "{}: {files:?}", moment());
            assert!(is_new || done <= decided, "{}: the new site was decided on", moment());
            put_all(publisher, new).unwrap();
            assert_eq!(place.files(), as_map(new), "{}", moment());
            outcomes[usize::from(is_new)] += 1;
        }
    }
    (outcomes, steps)
}

#[test]
fn after_a_loss_of_power_the_site_is_the_old_one_or_the_new_one() {
    for (old, new) in [(&OLD[..], &NEW[..]), (&NEW[..], &OLD[..]), (&[][..], &NEW[..])] {
        let (outcomes, _) = try_all(old, new);
        assert!(outcomes[0] > 10 && outcomes[1] > 10, "{outcomes:?}");
    }
}

/// A rename of a folder costs as much as one of a file, however many are in it; where somebody has put a file of their own into one, the
/// files come one by one.
#[test]
fn a_first_site_comes_into_place_in_whole_folders_beside_what_others_wrote() {
    let renamed = |others: &[&str]| {
        let place = Place::new();
        for name in others {
            let file = place.output().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "mine").unwrap();
        }
        let disk = RecordingDisk::default();
        put_all(place.begin_on(&disk), &NEW).unwrap();
        let mut expected = as_map(&NEW);
        expected.extend(others.iter().map(|name| ((*name).to_owned(), "mine".to_owned())));
        assert_eq!(place.files(), expected);
        assert_eq!(put_all(place.begin_on(QuickDisk), &NEW).unwrap().written, 0);
        let steps = disk.0.into_inner().unwrap().into_iter();
        let targets = steps.filter_map(|step| match step {
            Step::Rename(_, to) if to.starts_with(place.output()) => Some(to),
            _ => None,
        });
        targets.map(|to| to.file_name().unwrap().to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let tops = ["assets", "conference", "participant", "index.html"];
    assert_eq!(renamed(&[]), tops);
    assert_eq!(renamed(&["CNAME", ".nojekyll"]), tops);
    let one_by_one = ["assets", "a.html", "b", "participant", "index.html"];
    let mut found = renamed(&["conference/notes.txt"]);
    found[1..3].sort();
    assert_eq!(found, one_by_one);
}

#[test]
fn everything_is_on_the_medium_before_what_relies_on_it() {
    let place = Place::new();
    put_all(place.begin_on(QuickDisk), &OLD).unwrap();
    let disk = RecordingDisk::default();
    put_all(place.begin_on(&disk), &NEW).unwrap();
    let steps = disk.0.into_inner().unwrap();
    let (output, state) = (place.output(), place.state());
    let staging = state.join("staging");
    let first = |wanted: &dyn Fn(&Step) -> bool| steps.iter().position(wanted).unwrap();
    let last = |wanted: &dyn Fn(&Step) -> bool| steps.iter().rposition(wanted).unwrap();
    let renamed = |name: &str| {
        let to = state.join(name);
        first(&|step| matches!(step, Step::Rename(_, found) if *found == to))
    };
    let synced_after =
        |at: usize, wanted: Step| at + 1 + steps[at + 1..].iter().position(|step| *step == wanted).unwrap();
    let in_output = |step: &Step| matches!(step, Step::Rename(_, to) if to.starts_with(&output));
    let removed = |step: &Step| matches!(step, Step::Remove(path) if path.starts_with(&output));
    let is_new = |step: &Step| {
        let name = |path: &PathBuf| path.strip_prefix(&output).unwrap().to_str().unwrap().to_owned();
        matches!(step, Step::Rename(_, to) if in_output(step) && OLD.iter().all(|(old, _)| name(to) != *old))
    };
    let is_changed = |step: &Step| in_output(step) && !is_new(step);
    let is_sync = |step: &Step| matches!(step, Step::SyncFolder(_) | Step::SyncAll);
    let staged = last(&|step| matches!(step, Step::Write(path, _) if path.starts_with(&staging)));
    let journal_bytes = first(&|step| *step == Step::SyncFile(state.join("journal.tmp")));
    let ends: Vec<usize> = vec![
        staged,
        synced_after(staged, Step::SyncAll),
        renamed("manifest.new"),
        synced_after(renamed("manifest.new"), Step::SyncFolder(state.clone())),
        journal_bytes,
        renamed("journal"),
        synced_after(renamed("journal"), Step::SyncFolder(state.clone())),
        // New paths, and their folders; then changed files; then what is gone.
        first(&is_new),
        last(&is_new),
        last(&is_new) + 1 + steps[last(&is_new) + 1..].iter().position(is_sync).unwrap(),
        first(&is_changed),
        last(&is_changed),
        last(&is_changed) + 1 + steps[last(&is_changed) + 1..].iter().position(is_sync).unwrap(),
        first(&removed),
        last(&removed),
        last(&removed) + 1 + steps[last(&removed) + 1..].iter().position(is_sync).unwrap(),
        renamed("manifest"),
        synced_after(renamed("manifest"), Step::SyncFolder(state.clone())),
        first(&|step| *step == Step::Remove(state.join("journal"))),
        steps.len() - 2,
        first(&|step| *step == Step::RemoveAll(staging.clone())),
    ];
    assert!(ends.is_sorted(), "{ends:?}: {steps:#?}");
    let gone = steps.iter().filter(|step| removed(step)).map(|step| match step {
        Step::Remove(path) => path.strip_prefix(&output).unwrap().to_str().unwrap(),
        _ => "",
    });
    // A page before what it has links to.
    let order = ["conference/gone.html", "conference/gone/part.html", "assets/main.1.css"];
    assert_eq!(gone.collect::<Vec<_>>(), order);
    assert_eq!(steps[steps.len() - 2], Step::SyncFolder(state), "the journal is gone for good");
}
