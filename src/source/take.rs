//! Takes the snapshot: the coordinator begins, checks, finds what changed and plans; then all connections read the parts
//! in which something did, until none is left.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::catalog;
use super::error::SourceError;
use super::origin::{Changes, Former, Log, Now, Whole, prune};
use super::part::{copy_part, read_globals};
use super::plan::{FormerConferences, Plan, Planned, PlannedPart, former_conferences, list, plan};
use super::reader::Reader;
use super::settings::ConnectionSettings;
use super::team::Team;
use super::versions::{Scan, VERSIONS, Version, Versions, WEIGHTS};
use crate::ids::ConferenceId;
use crate::snapshot::{
    Fields as _, GlobalFiles, Origin, PART_EVENTS, Snapshot, SnapshotError, SnapshotWriter,
};
use crate::units::Timestamp;

/// Where more than one of so many conferences may have changed, it is faster to look at all, but for very small databases.
const FEW: usize = 16;

/// How to take a snapshot.
#[derive(Debug, Clone)]
pub struct SnapshotOptions {
    /// Connections, at least one.
    pub workers: usize,
    /// The longest that one statement may take; zero for no limit.
    pub statement_timeout: Duration,
    /// The longest that a statement may wait for a lock; zero for no limit.
    pub lock_timeout: Duration,
    /// How much longer than a statement may take a server may be silent, before it is given up.
    pub grace: Duration,
    /// The folder of the snapshot.
    pub target: PathBuf,
    /// How many events a part may hold, as one conference allows: the measure of memory per connection.
    pub part_events: usize,
    /// Whether everything is read, whatever the former snapshot has.
    pub full: bool,
}

impl SnapshotOptions {
    /// The usual options for a snapshot at `target`.
    pub fn new(target: PathBuf) -> Self {
        Self {
            workers: 4,
            statement_timeout: Duration::from_secs(600),
            lock_timeout: Duration::from_secs(10),
            grace: Duration::from_secs(30),
            target,
            part_events: PART_EVENTS,
            full: false,
        }
    }
}

/// What will be read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Parts, each of a few files.
    pub parts: usize,
    /// Events of their conferences.
    pub events: u64,
}

/// Hears how far it is. Called from several threads.
pub trait Progress: Sync {
    /// So much will be read. What it answers, if it has something against that, ends the snapshot before anything is written.
    fn planned(&self, extent: Extent) -> Result<(), String>;
    /// One of them was, with so many rows.
    fn part_done(&self, rows: u64);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn planned(&self, _extent: Extent) -> Result<(), String> {
        Ok(())
    }

    fn part_done(&self, _rows: u64) {}
}

/// What came of taking a snapshot.
#[derive(Debug)]
pub struct Taken {
    /// The snapshot. If nothing changed it is the former one, its instant included: what it says is still true.
    pub snapshot: Snapshot,
    /// Whether it is a new one.
    pub changed: bool,
    /// Parts that were read; the others were taken over from the former snapshot.
    pub parts_read: usize,
    /// Conferences that came, went or changed.
    pub conferences_changed: usize,
    /// Why everything was read, if it was.
    pub whole: Option<Whole>,
}

impl Taken {
    fn unchanged(snapshot: Snapshot) -> Self {
        Self { snapshot, changed: false, parts_read: 0, conferences_changed: 0, whole: None }
    }

    /// Parts that were taken over as they were.
    pub fn parts_kept(&self) -> usize {
        self.snapshot.parts().len() - self.parts_read
    }
}

/// Takes a snapshot of the database and puts it at `options.target`, in place of the former one. It has the rows that one
/// taken from nothing would have, but only parts of the former one in which something changed are read again; the files of
/// the others are linked. If nothing changed at all the former one stays as it is. After an error, too, the former one is as
/// it was. When this returns, no connection is open.
pub fn take_snapshot(
    settings: &ConnectionSettings,
    options: &SnapshotOptions,
    progress: &dyn Progress,
) -> Result<Taken, SourceError> {
    let former = Former::at(&options.target, options.full);
    // A folder that holds something else is refused before the database is asked.
    let early =
        matches!(former, Former::None(_)).then(|| SnapshotWriter::create(&options.target)).transpose()?;
    let stop = AtomicBool::new(false);
    let mut team = Team::begin(settings, options, &stop)?;
    let database = identity(team.coordinator())?;
    let now = Now::read(team.coordinator(), &database)?;
    if let Former::Known(former, origin) = &former
        && now.is_that_of(origin)
    {
        team.end()?;
        return Ok(Taken::unchanged((**former).clone()));
    }
    let instant = instant(team.coordinator())?;
    let shape = catalog::check(team.coordinator())?;
    let log = Log::find(team.coordinator())?;
    let base = match former {
        Former::None(whole) => Err(whole),
        Former::Known(former, origin) => match now.differs(&shape, &origin) {
            Some(whole) => Err(whole),
            None => Base::open(*former, origin),
        },
    };
    let scans = if now.has_versions(&shape) { VERSIONS } else { WEIGHTS };
    let state = State::read(&mut team, scans, base.as_ref().ok(), log.as_ref())?;
    let former = base.as_ref().map(|base| &base.conferences);
    let mut plan = plan(&state.conferences, former.unwrap_or(&FormerConferences::new()), options.part_events);
    if let Ok(base) = &base
        && plan.is_as_before()
        && state.globals.as_ref().is_none_or(|files| files.are_those_of(base.snapshot.manifest()))
    {
        team.end()?;
        return Ok(Taken::unchanged(base.snapshot.clone()));
    }

    let mut writer = match early {
        Some(writer) => writer,
        None => SnapshotWriter::create(&options.target)?,
    };
    if let Ok(base) = &base {
        keep_parts(&writer, base, &mut plan)?;
    }
    let to_read: Vec<&PlannedPart> = plan.parts.iter().filter(|part| !part.is_kept).collect();
    let events = to_read.iter().map(|part| part.events as u64).sum();
    let extent = Extent { parts: to_read.len(), events };
    progress.planned(extent).map_err(|problem| SourceError::Refused { problem })?;
    team.work(&to_read, |reader, part| {
        progress.part_done(copy_part(reader, part, &writer, options.part_events)?);
        Ok(())
    })?;
    write_globals(&mut writer, &mut team, base.as_ref().ok(), state.globals)?;
    writer.write_versions(&plan.versions(&state.conferences))?;
    let coordinator = team.end()?;
    let origin = now.origin(shape, log.as_ref());
    let snapshot = writer.close(instant, &database, origin)?;
    if log.is_some() {
        prune(coordinator);
    }
    Ok(Taken {
        snapshot,
        changed: true,
        parts_read: to_read.len(),
        conferences_changed: plan.changed,
        whole: base.err(),
    })
}

/// Checks that a snapshot could be taken: the server answers, and every column is there and may be read.
pub fn check_database(settings: &ConnectionSettings) -> Result<(), SourceError> {
    let stop = AtomicBool::new(false);
    let options = SnapshotOptions::new(PathBuf::new());
    let mut reader = Reader::begin(settings, &options, &stop, None)?;
    catalog::check(&mut reader)?;
    reader.commit()
}

/// A former snapshot that is gone on from.
struct Base {
    snapshot: Snapshot,
    origin: Origin,
    conferences: FormerConferences,
}

impl Base {
    fn open(snapshot: Snapshot, origin: Origin) -> Result<Self, Whole> {
        let unreadable = |error: &SnapshotError| Whole::unreadable(error);
        let versions = snapshot.versions().map_err(|error| unreadable(&error))?;
        let conferences = former_conferences(&versions)
            .ok_or_else(|| Whole::Unreadable("its versions are not as they were written".to_owned()))?;
        Ok(Self { snapshot, origin, conferences })
    }
}

/// What is in the database now, but for the rows of parts.
struct State {
    /// By time.
    conferences: Vec<Planned>,
    /// None where the log says that they are those of the former snapshot.
    globals: Option<GlobalFiles>,
}

/// What is read before there is a plan.
enum Task {
    Globals,
    Scan(&'static Scan),
}

impl State {
    fn read(
        team: &mut Team<'_>,
        scans: &'static [Scan],
        base: Option<&Base>,
        log: Option<&Log>,
    ) -> Result<Self, SourceError> {
        let logged = match (base, log) {
            (Some(base), Some(log)) => log.changes(team.coordinator(), &base.origin)?,
            _ => None,
        };
        let listed = list(team.coordinator())?;
        let few = base.and_then(|base| few(&listed, base, logged.as_ref()));
        let mut tasks: Vec<Task> = Vec::new();
        if logged.as_ref().is_none_or(|logged| logged.globals) {
            tasks.push(Task::Globals);
        }
        if few.as_ref().is_none_or(|few| !few.is_empty()) {
            tasks.extend(scans.iter().map(Task::Scan));
        }
        let (versions, globals) = (Versions::default(), Mutex::new(None));
        let read = |reader: &mut Reader<'_>, task: &Task| {
            match task {
                Task::Globals => {
                    let files = GlobalFiles::of(&read_globals(reader)?)?;
                    *globals.lock().unwrap_or_else(PoisonError::into_inner) = Some(files);
                }
                Task::Scan(scan) => versions.read(reader, scan, few.as_deref())?,
            }
            Ok(())
        };
        if few.is_some() {
            // So little that another connection would not pay.
            tasks.iter().try_for_each(|task| read(team.coordinator(), task))?;
        } else {
            team.work(&tasks, read)?;
        }
        let conferences = planned(&listed, &versions.into_inner(), base.filter(|_| few.is_some()));
        Ok(Self { conferences, globals: globals.into_inner().unwrap_or_else(PoisonError::into_inner) })
    }
}

/// The conferences that alone may have changed; none if any may have.
fn few(
    listed: &[(ConferenceId, Timestamp)],
    base: &Base,
    logged: Option<&Changes>,
) -> Option<Vec<ConferenceId>> {
    let logged: HashSet<ConferenceId> = logged?.conferences.iter().copied().collect();
    let may_have_changed = |id: &ConferenceId| logged.contains(id) || !base.conferences.contains_key(id);
    let few: Vec<ConferenceId> = listed.iter().map(|(id, _)| *id).filter(may_have_changed).collect();
    (few.len() <= FEW.max(listed.len() / FEW)).then_some(few)
}

/// The conferences with their versions; those that were not looked at are as they were in `base`.
fn planned(
    listed: &[(ConferenceId, Timestamp)],
    versions: &HashMap<ConferenceId, Version>,
    base: Option<&Base>,
) -> Vec<Planned> {
    let as_before = |id: &ConferenceId| base?.conferences.get(id).map(|former| former.version);
    let planned = |(id, created_at): &(ConferenceId, Timestamp)| {
        let version = versions.get(id).copied().or_else(|| as_before(id)).unwrap_or_default();
        Planned { id: *id, created_at: *created_at, version }
    };
    listed.iter().map(planned).collect()
}

/// Takes over the parts that did not change. One whose files are gone is read.
fn keep_parts(writer: &SnapshotWriter, base: &Base, plan: &mut Plan) -> Result<(), SourceError> {
    for part in plan.parts.iter_mut().filter(|part| part.is_kept) {
        part.is_kept = writer.keep_part(&base.snapshot, part.day, part.piece)?;
        if !part.is_kept {
            tracing::warn!("files of {} are missing in the former snapshot; they are read again", part.day);
        }
    }
    Ok(())
}

fn write_globals(
    writer: &mut SnapshotWriter,
    team: &mut Team<'_>,
    base: Option<&Base>,
    files: Option<GlobalFiles>,
) -> Result<(), SourceError> {
    let files = match (files, base) {
        (Some(files), _) => files,
        (None, Some(base)) if writer.keep_globals(&base.snapshot)? => return Ok(()),
        (None, _) => GlobalFiles::of(&read_globals(team.coordinator())?)?,
    };
    Ok(writer.write_globals(&files)?)
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
    let rows = match reader.query(system, Vec::new()) {
        Ok(rows) => rows,
        Err(SourceError::Lost { server, problem }) => return Err(SourceError::Lost { server, problem }),
        Err(_) => {
            reader.run("ROLLBACK TO SAVEPOINT identity")?;
            reader.query(plain, Vec::new())?
        }
    };
    reader.run("RELEASE SAVEPOINT identity")?;
    Ok(rows[0].get(0))
}
