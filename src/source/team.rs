//! The connections that read one instant together, and how they share out work.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::error::SourceError;
use super::reader::Reader;
use super::settings::ConnectionSettings;
use super::take::SnapshotOptions;

/// The coordinator's connection, and others that joined what it sees.
pub(super) struct Team<'a> {
    settings: &'a ConnectionSettings,
    options: &'a SnapshotOptions,
    stop: &'a AtomicBool,
    /// The first is the coordinator's: its transaction stays open until the others are done, who could not join it
    /// otherwise.
    readers: Vec<Reader<'a>>,
    shared: Option<String>,
}

impl<'a> Team<'a> {
    /// The coordinator alone.
    pub(super) fn begin(
        settings: &'a ConnectionSettings,
        options: &'a SnapshotOptions,
        stop: &'a AtomicBool,
    ) -> Result<Self, SourceError> {
        let coordinator = Reader::begin(settings, options, stop, None)?;
        Ok(Self { settings, options, stop, readers: vec![coordinator], shared: None })
    }

    /// The coordinator's connection.
    pub(super) fn coordinator(&mut self) -> &mut Reader<'a> {
        &mut self.readers[0]
    }

    /// Does all tasks, each on any of the connections, of which there are no more than tasks. The first error ends all.
    pub(super) fn work<T: Sync>(
        &mut self,
        tasks: &[T],
        task: impl Fn(&mut Reader<'a>, &T) -> Result<(), SourceError> + Sync,
    ) -> Result<(), SourceError> {
        self.grow(self.options.workers.min(tasks.len()))?;
        let (next, failure) = (AtomicUsize::new(0), Mutex::new(None));
        let (stop, next, failure, task) = (self.stop, &next, &failure, &task);
        thread::scope(|scope| {
            for reader in self.readers.iter_mut().take(tasks.len().max(1)) {
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let Some(one) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                        if let Err(error) = task(reader, one) {
                            stop.store(true, Ordering::Relaxed);
                            // Those after the first only say that they were stopped.
                            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                        }
                    }
                });
            }
        });
        failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    /// Ends all transactions, the coordinator's last.
    pub(super) fn end(self) -> Result<Reader<'a>, SourceError> {
        let mut readers = self.readers;
        for reader in &mut readers.iter_mut().rev() {
            reader.commit()?;
        }
        Ok(readers.swap_remove(0))
    }

    fn grow(&mut self, size: usize) -> Result<(), SourceError> {
        let missing = size.saturating_sub(self.readers.len());
        if missing == 0 {
            return Ok(());
        }
        let shared = match &self.shared {
            Some(shared) => shared.clone(),
            None => self.coordinator().query("SELECT pg_catalog.pg_export_snapshot()", Vec::new())?[0]
                .get::<_, String>(0),
        };
        let (settings, options, stop) = (self.settings, self.options, self.stop);
        let begin = || Reader::begin(settings, options, stop, Some(&shared));
        let joined: Vec<Result<Reader<'a>, SourceError>> = thread::scope(|scope| {
            let joining: Vec<_> = (0..missing).map(|_| scope.spawn(begin)).collect();
            joining
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        for reader in joined {
            self.readers.push(reader?);
        }
        self.shared = Some(shared);
        Ok(())
    }
}
