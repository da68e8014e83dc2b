//! The generated rows as a snapshot, without a database: what the source's queries would have read.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::{SeedConference, SeedPlan, Stored};
use crate::snapshot::{PART_CONFERENCES, PART_EVENTS, PartRows, Snapshot, SnapshotError, SnapshotWriter};
use crate::units::Day;

/// Writes the planned rows as a snapshot; `on_progress` hears how many conferences are done.
pub fn write_snapshot(
    plan: &SeedPlan,
    target: &Path,
    on_progress: &(dyn Fn(usize) + Sync),
) -> Result<Snapshot, SnapshotError> {
    let writer = SnapshotWriter::create(target)?;
    let done = AtomicUsize::new(0);
    days(plan).par_iter().try_for_each(|(day, indices)| {
        let mut piece = 0;
        let mut events = 0;
        let mut part = PartRows::default();
        for index in indices.clone() {
            if plan.shows(index) {
                let told = plan.conference(index);
                events += told.events.len();
                add(&mut part, told);
            }
            on_progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            let last = index + 1 == indices.end;
            if last || part.conferences.len() >= PART_CONFERENCES || events >= PART_EVENTS {
                if !part.conferences.is_empty() {
                    part.finish();
                    writer.write_part(*day, piece, &part)?;
                    piece += 1;
                }
                (part, events) = (PartRows::default(), 0);
            }
        }
        Ok(())
    })?;
    writer.finish(&plan.globals(), plan.options().end, "generated")
}

/// Each day with the places of its conferences.
fn days(plan: &SeedPlan) -> Vec<(Day, Range<usize>)> {
    let mut days: Vec<(Day, Range<usize>)> = Vec::new();
    for index in 0..plan.len() {
        let day = plan.day(index);
        match days.last_mut() {
            Some((last, range)) if *last == day => range.end = index + 1,
            _ => days.push((day, index..index + 1)),
        }
    }
    days
}

/// Adds what is not deleted.
fn add(part: &mut PartRows, told: SeedConference) {
    fn active<R>(rows: Vec<Stored<R>>) -> impl Iterator<Item = R> {
        rows.into_iter().filter(|stored| stored.is_active).map(|stored| stored.row)
    }
    part.conferences.push(told.conference.row);
    part.sessions.extend(active(told.sessions));
    part.connections.extend(active(told.connections));
    part.tracks.extend(active(told.tracks));
    part.issues.extend(active(told.issues));
    for event in active(told.events) {
        part.add_event(event);
    }
}
