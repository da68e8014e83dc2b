//! `peerpress snapshot`.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use indicatif::ProgressBar;
use serde_json::json;

use super::{Done, Session, settings};
use crate::cli::{SnapshotFolder, TakeSnapshot};
use crate::source::{ConnectionSettings, Progress, Taken, Whole, take_snapshot};

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

/// Takes a snapshot, showing progress.
pub fn take(
    session: &Session,
    database: &ConnectionSettings,
    args: &SnapshotFolder,
    target: &Path,
) -> anyhow::Result<Taken> {
    let progress = Parts { bar: session.terminal.bar("snapshot"), rows: AtomicU64::new(0) };
    let options = settings::snapshot_options(session, args, target.to_owned());
    let taken = take_snapshot(database, &options, &progress);
    progress.bar.finish_and_clear();
    let taken = taken?;
    if let Some(whole @ Whole::Unreadable(_)) = &taken.whole {
        tracing::warn!("everything was read: {whole}");
    }
    Ok(taken)
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
    let begun = Instant::now();
    let taken = take(session, &database, &args.snapshot, &target)?;
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
