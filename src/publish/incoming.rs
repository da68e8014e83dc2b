//! A file of the new site that comes in pieces: held while it is small, in staging once it is not.

use std::io;
use std::path::PathBuf;

use super::manifest::Entry;
use super::{Disk, Planned, PublishError, SitePath, Staged, Standing, Unit, io_at};

/// So many bytes are held. Most files are smaller, and are compared with what is in their place before anything is written.
const HELD: usize = 1 << 20;

/// Takes the bytes of a file.
pub(super) struct Incoming<'a, D: Disk> {
    unit: &'a Unit<'a, D>,
    path: &'a SitePath,
    /// What was not written yet.
    held: Vec<u8>,
    /// What was; none while all is held.
    begun: Option<Begun>,
    /// Why no more is taken. Whoever makes the file may see it as an error of its own, or not at all.
    failed: Option<PublishError>,
}

/// A file of which a part is in staging.
struct Begun {
    staged: PathBuf,
    hasher: blake3::Hasher,
    size: u64,
}

impl<'a, D: Disk> Incoming<'a, D> {
    pub(super) fn new(unit: &'a Unit<'a, D>, path: &'a SitePath) -> Self {
        Self { unit, path, held: Vec::new(), begun: None, failed: None }
    }

    /// Ends the file, if it was made.
    pub(super) fn finish<E: From<PublishError>>(
        mut self,
        made: Result<(), E>,
        key: Option<blake3::Hash>,
    ) -> Result<(), E> {
        let landed = match (self.failed.take(), made) {
            (Some(failed), _) => Err(failed.into()),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => self.land(key).map_err(E::from),
        };
        if landed.is_err()
            && let Some(Begun { staged, .. }) = &self.begun
        {
            // The whole of staging is cleared when the build ends, should this fail.
            drop(self.unit.publisher.disk.remove_file(staged));
            self.unit.forget(self.path);
        }
        landed
    }

    fn land(&mut self, key: Option<blake3::Hash>) -> Result<(), PublishError> {
        if self.begun.is_some() && !self.held.is_empty() {
            self.write_held()?;
        }
        let Some(Begun { staged, hasher, size }) = &self.begun else {
            return self.unit.put(self.path, &self.held, key);
        };
        let digest = hasher.finalize();
        let planned = match self.unit.standing(self.path, digest, *size, key)? {
            Standing::InPlace(entry) => {
                self.unit.publisher.disk.remove_file(staged).map_err(io_at(staged))?;
                Planned { entry, wait: None }
            }
            Standing::Wanted(wait) => {
                let entry = Entry::of(staged, digest, key).map_err(io_at(staged))?;
                Planned { entry, wait: Some(wait) }
            }
        };
        self.unit.settle(self.path, planned);
        Ok(())
    }

    fn write_held(&mut self) -> Result<(), PublishError> {
        if let Some(Begun { staged, hasher, size }) = &mut self.begun {
            self.unit.publisher.disk.append(staged, &self.held).map_err(io_at(staged))?;
            hasher.update(&self.held);
            *size += self.held.len() as u64;
        } else {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&self.held);
            let size = self.held.len() as u64;
            // Planned first, so that two files of one path never share a place in staging; what it is is known at the end.
            let unknown = Entry { size, mtime_ns: 0, digest: hasher.finalize(), key: None };
            self.unit.plan(self.path, Planned { entry: unknown, wait: Some(Staged::Changed) })?;
            let staged = self.unit.publisher.staged(self.path);
            let Begun { staged, .. } = self.begun.insert(Begun { staged, hasher, size });
            self.unit.publisher.stage(staged, &self.held)?;
        }
        self.held.clear();
        Ok(())
    }
}

impl<D: Disk> io::Write for Incoming<'_, D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(HELD - self.held.len());
        if self.failed.is_none() {
            self.held.extend_from_slice(&bytes[..taken]);
            if self.held.len() == HELD {
                self.failed = self.write_held().err();
            }
        }
        match &self.failed {
            Some(failed) => Err(io::Error::other(failed.to_string())),
            None => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
