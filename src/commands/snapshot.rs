//! `peerpress snapshot`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use indicatif::ProgressBar;
use serde_json::json;

use super::{Done, Session, locks, settings};
use crate::cli::{Site, SnapshotFolder, TakeSnapshot};
use crate::privacy::ViewError;
use crate::privacy::purge::{Purged, Rules, purge};
use crate::publish::Need;
use crate::snapshot::{Snapshot, SnapshotError, join, sibling};
use crate::source::{ConnectionSettings, Extent, Progress, SnapshotOptions, Taken, Whole, take_snapshot};

/// What a snapshot takes of bytes per event, and of files per part, as snapshots of 60 and of 3,000 conferences do.
const BYTES_PER_EVENT: u64 = 480;
const FILES_PER_PART: u64 = 8;
/// What is expected may be so many times too much: the events of some databases say little.
const DOUBT: u64 = 8;

struct Parts {
    bar: ProgressBar,
    rows: AtomicU64,
    /// The folder that the snapshot will be in.
    folder: PathBuf,
}

impl Progress for Parts {
    fn planned(&self, Extent { parts, events }: Extent) -> Result<(), String> {
        // Of several databases each says how many it has.
        self.bar.inc_length(parts as u64);
        let need = Need { bytes: events * BYTES_PER_EVENT, files: parts as u64 * FILES_PER_PART };
        if let Some(may_lack) = need.may_lack("the snapshot", (&self.folder, "--snapshot"), DOUBT)? {
            tracing::warn!("{may_lack}");
        }
        Ok(())
    }

    fn part_done(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bar.inc(1);
    }
}

/// Takes a snapshot of the databases, of which there is at least one, showing progress, and takes out of it what the rules say.
pub fn take(
    session: &Session,
    databases: &[ConnectionSettings],
    args: &SnapshotFolder,
    (target, rules): (&Path, &Rules),
) -> anyhow::Result<Taken> {
    let folder = std::path::absolute(target).ok().and_then(|target| target.parent().map(Path::to_owned));
    let folder = folder.unwrap_or_default();
    let progress = Parts { bar: session.terminal.bar("snapshot"), rows: AtomicU64::new(0), folder };
    let taken = match databases {
        [database] => take_one(session, database, args, (target, rules), &progress),
        several => take_several(session, several, args, (target, rules), &progress),
    };
    progress.bar.finish_and_clear();
    let taken = taken?;
    forget_others(session, target, if let [_] = databases { &[] } else { databases })?;
    if let Some(whole @ Whole::Unreadable(_)) = &taken.whole {
        tracing::warn!("everything was read: {whole}");
    }
    Ok(taken)
}

fn take_one(
    session: &Session,
    database: &ConnectionSettings,
    args: &SnapshotFolder,
    (target, rules): (&Path, &Rules),
    progress: &Parts,
) -> anyhow::Result<Taken> {
    let options = settings::snapshot_options(session, args, target.to_owned());
    let mut taken = take_snapshot(database, &options, progress);
    let mut purged = taken.is_ok().then(|| purge(target, rules)).transpose();
    if let Err(problem) = &purged
        && problem.is_damage()
    {
        // It was taken over from the former snapshot, which was not read.
        tracing::warn!("{}; everything is read anew", problem.first_line());
        taken = take_snapshot(database, &SnapshotOptions { full: true, ..options }, progress);
        purged = taken.is_ok().then(|| purge(target, rules)).transpose();
    }
    let mut taken = taken?;
    if let Some((snapshot, purged)) = purged?.flatten() {
        say(session, &purged);
        taken.snapshot = snapshot;
        taken.changed = true;
    }
    Ok(taken)
}

/// Takes a snapshot of each database, all at the same time, and puts them together.
fn take_several(
    session: &Session,
    databases: &[ConnectionSettings],
    args: &SnapshotFolder,
    (target, rules): (&Path, &Rules),
    progress: &Parts,
) -> anyhow::Result<Taken> {
    let folder = databases_folder(target);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let all: Vec<anyhow::Result<Taken>> = std::thread::scope(|scope| {
        let take = |database| {
            let own = folder.join(name_of(database));
            scope.spawn(move || {
                take_one(session, database, args, (&own, rules), progress)
                    .with_context(|| format!("no snapshot of {database}"))
            })
        };
        let threads: Vec<_> = databases.iter().map(take).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let all = all.into_iter().collect::<anyhow::Result<Vec<Taken>>>()?;
    let snapshots: Vec<Snapshot> = all.iter().map(|taken| taken.snapshot.clone()).collect();
    let join = match join(target, &snapshots) {
        Err(problem) if problem.is_damage() && !args.full => {
            tracing::warn!("{}; everything is read anew", problem.first_line());
            let anew = SnapshotFolder { full: true, ..args.clone() };
            return take_several(session, databases, &anew, (target, rules), progress);
        }
        join => join?,
    };
    if join.conflicts > 0 {
        tracing::warn!(
            "{} organizations, apps or participants are not alike in all databases that have them: each is as the first of \
             those says",
            join.conflicts
        );
    }
    Ok(Taken {
        snapshot: join.snapshot,
        changed: join.changed,
        parts_read: all.iter().map(|taken| taken.parts_read).sum(),
        conferences_changed: all.iter().map(|taken| taken.conferences_changed).sum(),
        whole: all.into_iter().find_map(|taken| taken.whole),
    })
}

/// Where each database has a snapshot of its own, if there are several.
fn databases_folder(target: &Path) -> PathBuf {
    sibling(target, "databases")
}

/// The folder of a database's own snapshot, whatever the order in which they are named.
fn name_of(database: &ConnectionSettings) -> String {
    blake3::hash(database.place().as_bytes()).to_hex()[..16].to_owned()
}

/// The snapshots that several databases have beside the one that is put together.
pub fn of_databases(target: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = databases_folder(target);
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot read {}", folder.display()))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        if Snapshot::is_at(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Deletes the snapshots of databases that are no longer named: what they have would never again be taken out of them.
fn forget_others(session: &Session, target: &Path, named: &[ConnectionSettings]) -> anyhow::Result<()> {
    let names: Vec<String> = named.iter().map(name_of).collect();
    for path in of_databases(target)? {
        if names.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        std::fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        session.say(&format!("removed {}, of a database that is no longer named", path.display()));
    }
    if names.is_empty() {
        // Only if nothing else is there.
        drop(std::fs::remove_dir(databases_folder(target)));
    }
    Ok(())
}

/// What is wrong with a snapshot, if an error is about one that is damaged: taken anew, it is whole.
pub fn damage(error: &anyhow::Error) -> Option<String> {
    let problem = match error.downcast_ref() {
        Some(ViewError::Snapshot(problem)) => Some(problem),
        _ => error.downcast_ref::<SnapshotError>(),
    };
    problem.filter(|problem| problem.is_damage()).map(SnapshotError::first_line)
}

/// Takes out of a snapshot what the rules say, and says so.
pub fn purged(
    session: &Session,
    snapshot: Snapshot,
    target: &Path,
    rules: &Rules,
) -> anyhow::Result<Snapshot> {
    Ok(match purge(target, rules)? {
        Some((snapshot, purged)) => {
            say(session, &purged);
            snapshot
        }
        None => snapshot,
    })
}

fn say(session: &Session, purged: &Purged) {
    session.say(&format!("taken out for good: {}", rows(purged)));
}

/// How many rows are gone, in words.
pub fn rows(purged: &Purged) -> String {
    let rows: Vec<String> = purged.rows.iter().map(|(table, count)| format!("{count} {table}")).collect();
    if rows.is_empty() { "no row".to_owned() } else { rows.join(", ") }
}

/// What was done, in a few words.
fn describe(taken: &Taken) -> String {
    match (&taken.whole, taken.changed) {
        (_, false) => "nothing changed since".to_owned(),
        (Some(whole), true) => format!("everything was read: {whole}"),
        (None, true) => format!(
            "{} conferences changed; {} parts read, {} kept",
            taken.conferences_changed,
            taken.parts_read,
            taken.parts_kept()
        ),
    }
}

/// Runs the command.
pub fn run(session: &Session, args: &TakeSnapshot) -> anyhow::Result<Done> {
    let databases = settings::databases(session, &args.database)?;
    let target = settings::snapshot_folder(session, &args.snapshot);
    let _lock = locks::of_snapshot(session, &target)?;
    let begun = Instant::now();
    let site = Site { state: args.state.clone(), ..Site::default() };
    let rules = settings::rules(session, &args.snapshot, &settings::folders(session, &site).state)?;
    let taken = take(session, &databases, &args.snapshot, (&target, &rules))?;
    let manifest = taken.snapshot.manifest();
    let rows: u64 = manifest.rows.values().sum();
    let value = json!({
        "snapshot": target, "taken_at": manifest.taken_at, "parts": manifest.parts.len(), "rows": manifest.rows,
        "changed": taken.changed, "parts_read": taken.parts_read, "parts_kept": taken.parts_kept(),
        "conferences_changed": taken.conferences_changed,
        "whole": taken.whole.as_ref().map(ToString::to_string), "seconds": begun.elapsed().as_secs_f64(),
    });
    let text = format!(
        "{}: {rows} rows in {} parts, as of {}, in {:.1} s\n{}",
        target.display(),
        manifest.parts.len(),
        manifest.taken_at,
        begun.elapsed().as_secs_f64(),
        describe(&taken)
    );
    session.print(&value, &text)?;
    Ok(Done::Well)
}
