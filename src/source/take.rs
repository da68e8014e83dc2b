//! Takes the snapshot: the coordinator begins, checks and plans; then all connections read parts until none is left.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::catalog;
use super::error::SourceError;
use super::plan::{PlannedPart, plan};
use super::reader::{Reader, of_conferences};
use super::settings::ConnectionSettings;
use crate::snapshot::{EventRow, Fields as _, Globals, PartRows, Row as _, Snapshot, SnapshotWriter};
use crate::units::Timestamp;

/// How to take a snapshot.
#[derive(Debug, Clone)]
pub struct SnapshotOptions {
    /// Connections, at least one.
    pub workers: usize,
    /// The longest that one statement may take; zero for no limit.
    pub statement_timeout: Duration,
    /// The longest that a statement may wait for a lock; zero for no limit.
    pub lock_timeout: Duration,
    /// The folder of the snapshot.
    pub target: PathBuf,
    /// How many events a part may hold, as one conference allows: the measure of memory per connection.
    pub part_events: usize,
}

impl SnapshotOptions {
    /// The usual options for a snapshot at `target`.
    pub fn new(target: PathBuf) -> Self {
        Self {
            workers: 4,
            statement_timeout: Duration::from_secs(600),
            lock_timeout: Duration::from_secs(10),
            target,
            part_events: 50_000,
        }
    }
}

/// Hears how far it is. Called from several threads.
pub trait Progress: Sync {
    /// So many parts will be read.
    fn parts_planned(&self, parts: usize);
    /// One of them was, with so many rows.
    fn part_done(&self, rows: u64);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn parts_planned(&self, _parts: usize) {}
    fn part_done(&self, _rows: u64) {}
}

/// Takes a snapshot of the database and puts it at `options.target`, in place of the former one. After an error the
/// former one is as it was. When this returns, no connection is open.
pub fn take_snapshot(
    settings: &ConnectionSettings,
    options: &SnapshotOptions,
    progress: &dyn Progress,
) -> Result<Snapshot, SourceError> {
    let writer = SnapshotWriter::create(&options.target)?;
    let stop = AtomicBool::new(false);
    let mut coordinator = Reader::begin(settings, options, &stop, None)?;
    let identity = identity(&mut coordinator)?;
    let instant = instant(&mut coordinator)?;
    let shared: String = coordinator.query("SELECT pg_catalog.pg_export_snapshot()", &[])?[0].get(0);
    catalog::check(&mut coordinator)?;
    let parts = plan(&mut coordinator, options.part_events)?;
    progress.parts_planned(parts.len());

    let work = Work { parts: &parts, next: AtomicUsize::new(0), writer: &writer, progress, stop: &stop };
    let failure = Mutex::new(None);
    let note = |result: Result<(), SourceError>| {
        if let Err(error) = result {
            stop.store(true, Ordering::Relaxed);
            // Those after the first only say that they were stopped.
            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    };
    let mut globals = Globals::default();
    // No more connections than parts; the coordinator's is one of them.
    let helpers = options.workers.min(parts.len()).saturating_sub(1);
    thread::scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(|| {
                let read = || {
                    Reader::begin(settings, options, &stop, Some(&shared)).and_then(|mut reader| {
                        work.run(&mut reader)?;
                        reader.commit()
                    })
                };
                note(read());
            });
        }
        note(read_globals(&mut coordinator, &mut globals).and_then(|()| work.run(&mut coordinator)));
        // Its transaction stays open until the others are done: they could not join it otherwise.
    });
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    coordinator.commit()?;
    Ok(writer.finish(&globals, instant, &identity)?)
}

/// Checks that a snapshot could be taken: the server answers, and every column is there and may be read.
pub fn check_database(settings: &ConnectionSettings) -> Result<(), SourceError> {
    let stop = AtomicBool::new(false);
    let options = SnapshotOptions::new(std::path::PathBuf::new());
    let mut reader = Reader::begin(settings, &options, &stop, None)?;
    catalog::check(&mut reader)?;
    reader.commit()
}

/// The parts and who has taken which.
struct Work<'a> {
    parts: &'a [PlannedPart],
    next: AtomicUsize,
    writer: &'a SnapshotWriter,
    progress: &'a dyn Progress,
    stop: &'a AtomicBool,
}

impl Work<'_> {
    /// Reads parts until none is left.
    fn run(&self, reader: &mut Reader<'_>) -> Result<(), SourceError> {
        while !self.stop.load(Ordering::Relaxed) {
            let Some(part) = self.parts.get(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
            let rows = read_part(reader, part)?;
            self.writer.write_part(part.day, part.piece, &rows)?;
            self.progress.part_done(count(&rows));
        }
        Ok(())
    }
}

fn read_part(reader: &mut Reader<'_>, part: &PlannedPart) -> Result<PartRows, SourceError> {
    macro_rules! rows {
        ($file:literal) => {
            reader
                .rows(&of_conferences(include_str!(concat!("queries/", $file, ".sql")), &part.conferences))?
        };
    }
    let mut rows = PartRows {
        conferences: rows!("conferences"),
        sessions: rows!("sessions"),
        connections: rows!("connections"),
        tracks: rows!("tracks"),
        issues: rows!("issues"),
        ..PartRows::default()
    };
    let events = of_conferences(include_str!("queries/events.sql"), &part.conferences);
    reader.copy(EventRow::TABLE, &events, EventRow::COLUMNS.len(), |tuple| {
        rows.add_event(EventRow::from_fields(tuple)?);
        Ok(())
    })?;
    rows.finish();
    Ok(rows)
}

fn read_globals(reader: &mut Reader<'_>, globals: &mut Globals) -> Result<(), SourceError> {
    globals.organizations = reader.rows(include_str!("queries/organizations.sql"))?;
    globals.apps = reader.rows(include_str!("queries/apps.sql"))?;
    globals.participants = reader.rows(include_str!("queries/participants.sql"))?;
    Ok(())
}

fn count(rows: &PartRows) -> u64 {
    let tables = [
        rows.conferences.len(),
        rows.sessions.len(),
        rows.connections.len(),
        rows.tracks.len(),
        rows.issues.len(),
        rows.events.len(),
        rows.samples.len(),
    ];
    tables.iter().sum::<usize>() as u64
}

/// When the transaction began, by the server's clock.
fn instant(reader: &mut Reader<'_>) -> Result<Timestamp, SourceError> {
    let mut instant = Timestamp::default();
    reader.copy("the clock", "SELECT pg_catalog.transaction_timestamp()", 1, |tuple| {
        instant = tuple.next("transaction_timestamp")?;
        Ok(())
    })?;
    Ok(instant)
}

/// Which database it is: its name, and a number that tells it from others of that name.
fn identity(reader: &mut Reader<'_>) -> Result<String, SourceError> {
    let system = "SELECT pg_catalog.current_database()::text || ' of system ' || system_identifier FROM \
                  pg_catalog.pg_control_system()";
    let plain = "SELECT datname::text || ' with oid ' || oid FROM pg_catalog.pg_database WHERE datname = \
                 pg_catalog.current_database()";
    // Hosted servers forbid the first; an error would end the transaction but for the savepoint.
    reader.run("SAVEPOINT identity")?;
    let rows = match reader.query(system, &[]) {
        Ok(rows) => rows,
        Err(SourceError::Lost { server, problem }) => return Err(SourceError::Lost { server, problem }),
        Err(_) => {
            reader.run("ROLLBACK TO SAVEPOINT identity")?;
            reader.query(plain, &[])?
        }
    };
    reader.run("RELEASE SAVEPOINT identity")?;
    Ok(rows[0].get(0))
}
