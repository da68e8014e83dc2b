//! Who works on a folder keeps others out of it; whoever comes second waits and says for whom. Where both are needed, the lock
//! of a snapshot is taken before that of a site, so that no two commands wait for each other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::{Session, now};
use crate::lock::{Lock, LockError, Owner};
use crate::publish;

/// How long to wait before the next look.
const PAUSE: Duration = Duration::from_millis(100);

/// The lock of a site, by its state folder, for whoever changes it.
pub fn of_site(session: &Session, state: &Path) -> anyhow::Result<Lock> {
    wait(session, state, || publish::lock(state, &owner(session)))
}

/// The lock of a site for whoever only reads it; none where nobody can lock it, as on a medium that cannot be written.
pub fn of_read_site(session: &Session, state: &Path) -> anyhow::Result<Option<Lock>> {
    if_it_can_be(wait(session, state, || publish::shared_lock(state)))
}

/// The lock of a snapshot for whoever takes or changes it.
pub fn of_snapshot(session: &Session, folder: &Path) -> anyhow::Result<Lock> {
    let path = beside(folder);
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    wait(session, folder, || Lock::alone(&path, &owner(session)))
}

/// The lock of a snapshot for whoever only reads it; none where nobody can lock it, as on a medium that cannot be written.
pub fn of_read_snapshot(session: &Session, folder: &Path) -> anyhow::Result<Option<Lock>> {
    let path = beside(folder);
    if_it_can_be(wait(session, folder, || Lock::shared(&path)))
}

/// Beside the snapshot, whose folder is replaced as a whole.
fn beside(snapshot: &Path) -> PathBuf {
    let name = snapshot.file_name().unwrap_or_default().to_string_lossy();
    snapshot.with_file_name(format!(".{name}.lock"))
}

fn owner(session: &Session) -> Owner {
    Owner::this(session.command, now())
}

fn wait(session: &Session, what: &Path, take: impl Fn() -> Result<Lock, LockError>) -> anyhow::Result<Lock> {
    let what = what.display();
    let mut said = false;
    loop {
        let owner = match take() {
            Ok(lock) => {
                if let Some(owner) = lock.left_by() {
                    tracing::warn!(
                        "{owner} did not come to its end with {what}; this goes on from what is there"
                    );
                }
                return Ok(lock);
            }
            Err(LockError::Held { owner, .. }) => owner,
            Err(error) => return Err(error.into()),
        };
        let who = owner.map_or_else(|| "another process".to_owned(), |owner| owner.at(now()));
        anyhow::ensure!(
            !session.no_wait,
            "{what} is in use by {who}\nhint: run again when it is done, or without --no-wait to wait for it"
        );
        if !said {
            session.say(&format!("waiting for {who}, which works on {what}"));
            said = true;
        }
        session.check_stop()?;
        std::thread::sleep(PAUSE);
    }
}

/// Nobody writes where nothing can be written.
fn if_it_can_be(lock: anyhow::Result<Lock>) -> anyhow::Result<Option<Lock>> {
    use std::io::ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem};
    match lock {
        Err(error) => match error.downcast_ref() {
            Some(LockError::Io { source, .. })
                if matches!(source.kind(), NotFound | PermissionDenied | ReadOnlyFilesystem) =>
            {
                tracing::debug!("{error}");
                Ok(None)
            }
            _ => Err(error),
        },
        Ok(lock) => Ok(Some(lock)),
    }
}
