//! Locks on folders: who works on one, so that nobody else does at the same time. The kernel holds a lock and lets go of it with
//! its process, so that one whose owner died is free; the file says who has it, for those who wait.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs4::{FileExt, TryLockError};
use serde::{Deserialize, Serialize};

use crate::units::Timestamp;

/// What is longer was not written by us.
const OWNER_BYTES: u64 = 4096;

/// Who has a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The process.
    pub pid: u32,
    /// Its machine.
    pub host: String,
    /// What it does: `build`. No arguments, which may have passwords.
    pub command: String,
    /// Since when, in microseconds since the Unix epoch.
    pub since_micros: i64,
}

impl Owner {
    /// This process.
    pub fn this(command: &str, since: Timestamp) -> Self {
        let (pid, command) = (std::process::id(), command.to_owned());
        Self { pid, host: host(), command, since_micros: since.as_micros() }
    }

    /// Who it is and for how long, at an instant.
    pub fn at(&self, now: Timestamp) -> String {
        // Clocks of two machines may differ.
        let seconds = now.seconds_since(self.since()).max(0.0) as u64;
        let age = match seconds {
            0..120 => format!("{seconds} s"),
            120..7200 => format!("{} min", seconds / 60),
            _ => format!("{} h", seconds / 3600),
        };
        format!("{self}, for {age}")
    }

    fn since(&self) -> Timestamp {
        Timestamp::from_micros(self.since_micros)
    }

    /// Whether the process is known to have ended.
    fn is_gone(&self) -> bool {
        self.host == host() && !is_alive(self.pid)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, host, command, .. } = self;
        write!(f, "process {pid} on {host} (peerpress {command}, since {})", self.since())
    }
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

#[cfg(unix)]
fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    // Who may not be sent a signal is there.
    pid.is_some_and(|pid| !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH)))
}

#[cfg(not(unix))]
fn is_alive(_pid: u32) -> bool {
    true
}

/// Why a lock cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("{} is locked by {}", .path.display(), .owner.as_ref().map_or("another process".to_owned(), ToString::to_string))]
    Held {
        /// Who; none if that is not known, as of those who only read.
        owner: Option<Owner>,
        /// The lock's file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot lock {}: {source}", .path.display())]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A lock that is held until it and all its clones are dropped.
#[derive(Debug, Clone)]
pub struct Lock {
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    file: File,
    /// Whether the file names this process.
    is_signed: bool,
    left_by: Option<Owner>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_signed {
            // Should it fail, the next owner believes that this one was cut off.
            drop(self.file.set_len(0));
        }
        // A child process that is being started has the file open, too, until it becomes another program.
        drop(FileExt::unlock(&self.file));
    }
}

impl Lock {
    /// Takes a lock for oneself; does not wait.
    ///
    /// # Errors
    /// If somebody else has it, alone or with others, or if its file cannot be made or locked.
    pub fn alone(path: &Path, owner: &Owner) -> Result<Self, LockError> {
        let io = |source| LockError::Io { path: path.to_owned(), source };
        let file = open(path, <File as FileExt>::try_lock)?;
        let left_by = read(&file);
        let text = serde_json::to_vec(owner).map_err(|error| io(error.into()))?;
        file.set_len(0).and_then(|()| write_at_start(&file, &text)).map_err(io)?;
        Ok(Self { held: Arc::new(Held { file, is_signed: true, left_by }) })
    }

    /// Takes a lock together with others who only read; does not wait.
    ///
    /// # Errors
    /// If somebody has it alone, or if its file cannot be made or locked.
    pub fn shared(path: &Path) -> Result<Self, LockError> {
        let file = open(path, <File as FileExt>::try_lock_shared)?;
        Ok(Self { held: Arc::new(Held { file, is_signed: false, left_by: None }) })
    }

    /// The last owner, if its process ended without letting go: killed, or with the machine.
    pub fn left_by(&self) -> Option<&Owner> {
        self.held.left_by.as_ref()
    }
}

fn open(path: &Path, lock: fn(&File) -> Result<(), TryLockError>) -> Result<File, LockError> {
    let io = |source| LockError::Io { path: path.to_owned(), source };
    loop {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
        // Where nobody may write, what is there can still be locked by those who read.
        let denied = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
        };
        let file = match file {
            Err(error) if denied(&error) => File::open(path).map_err(|_| io(error))?,
            file => file.map_err(io)?,
        };
        match lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = read(&file).filter(|owner| !owner.is_gone());
                return Err(LockError::Held { owner, path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        // Somebody may have removed the file since it was opened: a lock on a file without a name keeps nobody out.
        if is_at(&file, path) {
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(one), Ok(other)) if id(&one) == id(&other))
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

fn read(mut file: &File) -> Option<Owner> {
    use io::{Read as _, Seek as _};
    let mut text = Vec::new();
    file.rewind().ok()?;
    file.take(OWNER_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn write_at_start(mut file: &File, text: &[u8]) -> io::Result<()> {
    io::Seek::rewind(&mut file)?;
    file.write_all(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(command: &str) -> Owner {
        Owner::this(command, Timestamp::from_micros(5_000_000))
    }

    #[test]
    fn who_has_a_lock_is_known_to_others_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = Lock::alone(&path, &owner("build")).unwrap();
        assert_eq!(lock.left_by(), None);
        for other in [Lock::alone(&path, &owner("erase")), Lock::shared(&path)] {
            let Err(LockError::Held { owner: Some(held), .. }) = other else { panic!("{other:?}") };
            assert_eq!(held, owner("build"));
            assert!(held.at(Timestamp::from_micros(65_000_000)).ends_with(", for 60 s"));
        }
        let clone = lock.clone();
        drop(lock);
        assert!(Lock::shared(&path).is_err());
        drop(clone);
        let (one, other) = (Lock::shared(&path).unwrap(), Lock::shared(&path).unwrap());
        let refused = Lock::alone(&path, &owner("build")).unwrap_err();
        assert!(matches!(refused, LockError::Held { owner: None, .. }), "{refused}");
        drop((one, other));
        assert_eq!(Lock::alone(&path, &owner("build")).unwrap().left_by(), None);
    }

    #[test]
    fn an_owner_that_died_is_named_once_and_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let dead = Owner { pid: child.id(), ..owner("build") };
        fs::write(&path, serde_json::to_vec(&dead).unwrap()).unwrap();
        let shared = Lock::shared(&path).unwrap();
        let refused = Lock::alone(&path, &owner("build")).unwrap_err();
        assert!(
            matches!(refused, LockError::Held { owner: None, .. }),
            "a dead process has no lock: {refused}"
        );
        drop(shared);
        let lock = Lock::alone(&path, &owner("build")).unwrap();
        assert_eq!(lock.left_by(), Some(&dead));
        drop(lock);
        assert_eq!(Lock::alone(&path, &owner("build")).unwrap().left_by(), None);
    }

    #[test]
    fn a_lock_whose_file_was_removed_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let old = File::create(&path).unwrap();
        fs::remove_file(&path).unwrap();
        File::create(&path).unwrap();
        assert!(!is_at(&old, &path));
        fs::write(&path, "no owner").unwrap();
        assert_eq!(Lock::alone(&path, &owner("build")).unwrap().left_by(), None);
    }
}
