//! Puts rendered files into the output folder, so that a reader sees the old site or the new one.
//!
//! New bytes go to staging first; then the staged files are synced, a journal is written that says what will be renamed and
//! removed, and only then is anything in the output folder touched, by rename. A crash before the journal leaves the old
//! site, a crash after it is finished by the next [`Publisher::begin`]. Files that peerpress did not write are never touched.

mod disk;
mod manifest;
mod paths;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use fs4::FileExt;

pub use disk::{Disk, RealDisk};
use manifest::{Entry, Manifest};
pub use paths::{PathError, SitePath};

const LOCK: &str = "lock";
const MANIFEST: &str = "manifest";
const MANIFEST_NEW: &str = "manifest.new";
const JOURNAL: &str = "journal";
const STAGING: &str = "staging";
const JOURNAL_HEADER: &str = "peerpress journal 1";

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
    /// Another build has the lock.
    #[error("another build is running (process {holder})\nhint: wait for it; if there is none, delete {}", .lock.display())]
    Locked {
        /// Its process id, as it wrote it.
        holder: String,
        /// The lock file.
        lock: PathBuf,
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

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> PublishError + '_ {
    |source| PublishError::Io { path: path.to_owned(), source }
}

/// What a build changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// New files and files with other bytes, by path.
    pub written: Vec<SitePath>,
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
    staged: bool,
}

/// One build's files, on their way to the output folder. Threads put files at the same time.
pub struct Publisher<D: Disk = RealDisk> {
    disk: D,
    output: PathBuf,
    state: PathBuf,
    old: Manifest,
    /// Whether unknown files may be taken for ours, the former manifest being unreadable.
    adopt: bool,
    warnings: Vec<String>,
    planned: Mutex<Plan>,
    committed: bool,
    _lock: File,
}

#[derive(Default)]
struct Plan {
    files: BTreeMap<SitePath, Planned>,
    /// Paths in lower case: some file systems do not tell `A` from `a`.
    folded: BTreeMap<String, SitePath>,
}

impl Publisher<RealDisk> {
    /// Begins a build for `output`, with its state in `state`; finishes what a crash left unfinished.
    pub fn begin(output: &Path, state: &Path) -> Result<Self, PublishError> {
        Self::begin_on(RealDisk, output, state)
    }
}

impl<D: Disk> Publisher<D> {
    /// The same on a disk of one's own, for tests of what happens when it fails.
    pub fn begin_on(disk: D, output: &Path, state: &Path) -> Result<Self, PublishError> {
        let had_state = state.join(MANIFEST).exists() || state.join(JOURNAL).exists();
        fs::create_dir_all(output).map_err(io_at(output))?;
        fs::create_dir_all(state).map_err(io_at(state))?;
        let lock = take_lock(state)?;
        let mut warnings = Vec::new();
        recover(&disk, output, state, &mut warnings)?;
        let staging = state.join(STAGING);
        if staging.exists() {
            fs::remove_dir_all(&staging).map_err(io_at(&staging))?;
        }
        fs::create_dir_all(&staging).map_err(io_at(&staging))?;
        probe_rename(output, state)?;
        let path = state.join(MANIFEST);
        let (old, adopt) = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Manifest::default(), had_state),
            Err(error) => return Err(io_at(&path)(error)),
            Ok(bytes) => {
                let manifest = Manifest::parse(&bytes);
                if manifest.is_none() {
                    let path = path.display();
                    warnings
                        .push(format!("{path} is damaged or of another version; everything is built anew"));
                }
                let unknown = manifest.is_none();
                (manifest.unwrap_or_default(), unknown)
            }
        };
        Ok(Self {
            disk,
            output: output.to_owned(),
            state: state.to_owned(),
            old,
            adopt,
            warnings,
            planned: Mutex::default(),
            committed: false,
            _lock: lock,
        })
    }

    /// What the user should know about the state that was found.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether a file is in place and was made from what `key` is a digest of.
    pub fn is_current(&self, path: &SitePath, key: &blake3::Hash) -> bool {
        self.old.files.get(path).is_some_and(|entry| {
            entry.key.as_ref() == Some(key) && entry.matches(&self.output.join(path.as_str()))
        })
    }

    /// Whether a file of the former site is in place as it was written, whatever it was made from.
    pub fn is_in_place(&self, path: &SitePath) -> bool {
        self.old.files.get(path).is_some_and(|entry| entry.matches(&self.output.join(path.as_str())))
    }

    /// Keeps a file of the former site as it is.
    pub fn keep(&self, path: &SitePath) -> Result<(), PublishError> {
        match self.old.files.get(path) {
            Some(entry) => self.plan(path, Planned { entry: entry.clone(), staged: false }),
            None => Err(PublishError::Collision(format!("{path}, which is kept but was never there"))),
        }
    }

    /// Takes a file of the new site. `key` is a digest of all that it was made from, if that is known.
    pub fn put(&self, path: &SitePath, bytes: &[u8], key: Option<blake3::Hash>) -> Result<(), PublishError> {
        let digest = blake3::hash(bytes);
        let place = self.output.join(path.as_str());
        let old = self.old.files.get(path);
        if let Some(entry) = old.filter(|entry| entry.digest == digest && entry.matches(&place)) {
            return self.plan(path, Planned { entry: Entry { key, ..entry.clone() }, staged: false });
        }
        match fs::symlink_metadata(&place) {
            Err(_) => {}
            Ok(found) => {
                let same = found.is_file() && fs::read(&place).is_ok_and(|there| there == bytes);
                if same {
                    let entry = Entry::of(&place, digest, key).map_err(io_at(&place))?;
                    return self.plan(path, Planned { entry, staged: false });
                }
                if !found.is_file() || (old.is_none() && !self.adopt) {
                    return Err(PublishError::Foreign(place));
                }
            }
        }
        // Planned first, so that two files of one path never share a place in staging.
        let unknown = Entry { size: bytes.len() as u64, mtime_ns: 0, digest, key };
        self.plan(path, Planned { entry: unknown, staged: true })?;
        let staged = self.staged(path);
        if let Some(folder) = staged.parent() {
            self.disk.create_dir_all(folder).map_err(io_at(folder))?;
        }
        self.disk.write_new(&staged, bytes).map_err(io_at(&staged))?;
        let entry = Entry::of(&staged, digest, key).map_err(io_at(&staged))?;
        if let Some(planned) = self.lock_plan().files.get_mut(path) {
            planned.entry = entry;
        }
        Ok(())
    }

    /// Makes the output folder the new site. An error after the journal was written says so; the next build finishes.
    pub fn commit(mut self) -> Result<Changes, PublishError> {
        let plan = std::mem::take(&mut *self.lock_plan());
        let mut changes = Changes::default();
        let mut new = Manifest::default();
        for (path, planned) in plan.files {
            changes.bytes_total += planned.entry.size;
            if planned.staged {
                changes.bytes_written += planned.entry.size;
                changes.written.push(path.clone());
            } else {
                changes.kept += 1;
            }
            new.files.insert(path, planned.entry);
        }
        changes.removed =
            self.old.files.keys().filter(|path| !new.files.contains_key(*path)).cloned().collect();
        let manifest = self.state.join(MANIFEST);
        let bytes = new.to_bytes();
        if changes.written.is_empty() && changes.removed.is_empty() {
            if new != self.old || !manifest.exists() {
                self.replace(&manifest, &bytes)?;
            }
            self.committed = true;
            self.clear_staging()?;
            return Ok(changes);
        }
        self.disk.sync_all(&self.state.join(STAGING)).map_err(io_at(&self.state))?;
        self.replace(&self.state.join(MANIFEST_NEW), &bytes)?;
        let mut journal = format!("{JOURNAL_HEADER}\n");
        let mut in_order: Vec<&SitePath> = changes.written.iter().collect();
        in_order.sort_by_key(|path| (path.class(), *path));
        for path in in_order {
            journal.push_str(&format!("put\t{path}\n"));
        }
        for path in &changes.removed {
            journal.push_str(&format!("remove\t{path}\n"));
        }
        journal.push_str("end\n");
        self.replace(&self.state.join(JOURNAL), journal.as_bytes())?;
        // From here on the new site is decided on.
        self.committed = true;
        finish(&self.disk, &self.output, &self.state, &journal)?;
        Ok(changes)
    }

    fn lock_plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.planned.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn plan(&self, path: &SitePath, planned: Planned) -> Result<(), PublishError> {
        let mut plan = self.lock_plan();
        let folded = path.as_str().to_lowercase();
        if plan.folded.insert(folded, path.clone()).is_some() {
            return Err(PublishError::Collision(path.to_string()));
        }
        plan.files.insert(path.clone(), planned);
        Ok(())
    }

    fn staged(&self, path: &SitePath) -> PathBuf {
        staged(&self.state, path)
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
        if staging.exists() { fs::remove_dir_all(&staging).map_err(io_at(&staging)) } else { Ok(()) }
    }
}

impl<D: Disk> Drop for Publisher<D> {
    fn drop(&mut self) {
        // With a journal in place the staged files are promised, even where writing it ended in an error.
        if !self.committed && !self.state.join(JOURNAL).exists() {
            // The next build clears it as well, should this fail.
            drop(self.clear_staging());
        }
    }
}

fn take_lock(state: &Path) -> Result<File, PublishError> {
    let path = state.join(LOCK);
    let mut lock = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(io_at(&path))?;
    if FileExt::try_lock(&lock).is_err() {
        let holder = fs::read_to_string(&path).unwrap_or_default();
        let holder = if holder.trim().is_empty() { "unknown".to_owned() } else { holder.trim().to_owned() };
        return Err(PublishError::Locked { holder, lock: path });
    }
    lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id())).map_err(io_at(&path))?;
    Ok(lock)
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

fn staged(state: &Path, path: &SitePath) -> PathBuf {
    let name = blake3::hash(path.as_str().as_bytes()).to_hex();
    state.join(STAGING).join(&name[..2]).join(name.as_str())
}

/// Finishes a journal that a crash left.
fn recover(
    disk: &impl Disk,
    output: &Path,
    state: &Path,
    warnings: &mut Vec<String>,
) -> Result<(), PublishError> {
    let path = state.join(JOURNAL);
    let journal = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        journal => journal.map_err(io_at(&path))?,
    };
    if !journal.starts_with(JOURNAL_HEADER) || !journal.ends_with("\nend\n") {
        warnings.push(format!("{} cannot be read and is put aside", path.display()));
        let aside = path.with_extension("unreadable");
        return fs::rename(&path, &aside).map_err(io_at(&path));
    }
    warnings.push("the last build was interrupted while it published; it was finished".to_owned());
    finish(disk, output, state, &journal)
}

/// Does what a journal says; done twice, the second time changes nothing.
fn finish(disk: &impl Disk, output: &Path, state: &Path, journal: &str) -> Result<(), PublishError> {
    let mut folders: std::collections::BTreeSet<PathBuf> = std::collections::BTreeSet::new();
    for line in journal.lines() {
        let Some((verb, path)) = line.split_once('\t') else { continue };
        let path = SitePath::new(path)?;
        let place = output.join(path.as_str());
        let folder = place.parent().unwrap_or(output).to_owned();
        if verb == "put" {
            let from = staged(state, &path);
            if from.exists() {
                if !folders.contains(&folder) {
                    disk.create_dir_all(&folder).map_err(io_at(&folder))?;
                }
                disk.rename(&from, &place).map_err(io_at(&place))?;
            }
        } else {
            match disk.remove_file(&place) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                done => done.map_err(io_at(&place))?,
            }
            remove_empty(disk, output, &folder);
        }
        folders.insert(folder);
    }
    for folder in folders.iter().filter(|folder| folder.exists()) {
        disk.sync_folder(folder).map_err(io_at(folder))?;
    }
    let new = state.join(MANIFEST_NEW);
    let manifest = state.join(MANIFEST);
    if new.exists() {
        disk.rename(&new, &manifest).map_err(io_at(&manifest))?;
        disk.sync_folder(state).map_err(io_at(state))?;
    }
    let path = state.join(JOURNAL);
    disk.remove_file(&path).map_err(io_at(&path))?;
    let staging = state.join(STAGING);
    if staging.exists() {
        fs::remove_dir_all(&staging).map_err(io_at(&staging))?;
    }
    Ok(())
}

/// Removes a folder that became empty, and those above it, up to the output folder itself.
fn remove_empty(disk: &impl Disk, output: &Path, folder: &Path) {
    let mut folder = folder.to_owned();
    // A folder that is not empty cannot be removed, which ends the climb.
    while folder != output && folder.starts_with(output) && disk.remove_dir(&folder).is_ok() {
        match folder.parent() {
            Some(parent) => folder = parent.to_owned(),
            None => return,
        }
    }
}
