//! `peerpress snapshot`.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use indicatif::ProgressBar;
use serde_json::json;

use super::{Done, Session, locks, settings};
use crate::cli::{Site, SnapshotFolder, TakeSnapshot};
use crate::privacy::ViewError;
use crate::privacy::purge::{Purged, Rules, purge};
use crate::snapshot::{Snapshot, SnapshotError};
use crate::source::{ConnectionSettings, Progress, SnapshotOptions, Taken, Whole, take_snapshot};

struct Parts {
    bar: ProgressBar,
    rows: AtomicU64,
}

impl Progress for Parts {
    fn parts_planned(&self, parts: usize) {
        self.bar.set_length(parts as u64);
    }

    fn part_done(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bar.inc(1);
    }
}

/// Takes a snapshot, showing progress, and takes out of it what the rules say.
pub fn take(
    session: &Session,
    database: &ConnectionSettings,
    args: &SnapshotFolder,
    (target, rules): (&Path, &Rules),
) -> anyhow::Result<Taken> {
    let progress = Parts { bar: session.terminal.bar("snapshot"), rows: AtomicU64::new(0) };
    let options = settings::snapshot_options(session, args, target.to_owned());
    let mut taken = take_snapshot(database, &options, &progress);
    let mut purged = taken.is_ok().then(|| purge(target, rules)).transpose();
    if let Err(problem) = &purged
        && problem.is_damage()
    {
        // It was taken over from the former snapshot, which was not read.
        tracing::warn!("{}; everything is read anew", problem.first_line());
        taken = take_snapshot(database, &SnapshotOptions { full: true, ..options }, &progress);
        purged = taken.is_ok().then(|| purge(target, rules)).transpose();
    }
    progress.bar.finish_and_clear();
    let mut taken = taken?;
    if let Some((snapshot, purged)) = purged?.flatten() {
        say(session, &purged);
        taken.snapshot = snapshot;
        taken.changed = true;
    }
    if let Some(whole @ Whole::Unreadable(_)) = &taken.whole {
        tracing::warn!("everything was read: {whole}");
    }
    Ok(taken)
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
    let database = settings::database(session, &args.database)?;
    let target = settings::snapshot_folder(session, &args.snapshot);
    let _lock = locks::of_snapshot(session, &target)?;
    let begun = Instant::now();
    let site = Site { state: args.state.clone(), ..Site::default() };
    let rules = settings::rules(session, &args.snapshot, &settings::folders(session, &site).state)?;
    let taken = take(session, &database, &args.snapshot, (&target, &rules))?;
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
