//! A snapshot: what was in the database at one instant, on disk as Parquet that other programs can read, and in memory
//! as one [`Dossier`] per conference.

mod cell;
mod columns;
mod file;
mod join;
mod json;
mod rows;
mod samples;
pub mod stats;
mod store;

pub use cell::{Cell, Json, Mismatch, Value};
pub use join::{Join, Joined, join};
pub use rows::{
    AppRow, Column, ConferenceRow, ConnectionRow, EventRow, Fields, IssueRow, OrganizationRow,
    ParticipantRow, Row, SampleRow, SessionRow, TrackRow, VersionRow,
};
pub use samples::{Sample, Samples};
pub(crate) use store::sibling;
pub use store::{
    Dossiers, GlobalFiles, Globals, LargePart, Manifest, Origin, Part, Snapshot, SnapshotError,
    SnapshotWriter, TableWriter, table_bytes, table_rows, write_samples, write_table,
};

use std::collections::{BTreeMap, BTreeSet};

use self::stats::{SampleReader, Sink};
use crate::ids::ConferenceId;

/// How many events a part may hold, but for a single conference of more: the measure of memory of whoever holds one.
pub const PART_EVENTS: usize = 6_000;

/// How many conferences a part may hold, however few events they have.
pub const PART_CONFERENCES: usize = 100;

/// All rows of the conferences of one part of a snapshot: a UTC day, or a piece of a large one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PartRows {
    /// The conferences.
    pub conferences: Vec<ConferenceRow>,
    /// Their sessions.
    pub sessions: Vec<SessionRow>,
    /// Their connections.
    pub connections: Vec<ConnectionRow>,
    /// Their tracks.
    pub tracks: Vec<TrackRow>,
    /// Their issues.
    pub issues: Vec<IssueRow>,
    /// Their events, but for stats that could be read.
    pub events: Vec<EventRow>,
    /// Their getStats reports.
    pub samples: Vec<SampleRow>,
}

impl PartRows {
    /// Adds an event as the database has it: one of stats becomes samples; if it cannot be read it stays an event, so
    /// that nothing is lost and the report can say so.
    pub fn add_event(&mut self, event: EventRow) {
        match (event.r#type == "stats").then(|| stats::samples_of_event(&event)).flatten() {
            Some(samples) => self.samples.extend(samples),
            None => self.events.push(event),
        }
    }

    /// Brings the rows into the snapshot's order (conference, time, id) and fills in samples from the stored summaries
    /// of conferences whose stats events are gone.
    pub fn finish(&mut self) {
        let order = self.sort();
        let sampled: BTreeSet<_> = self.samples.iter().map(|row| row.conference_id).collect();
        for conference in self.conferences.iter().filter(|row| !sampled.contains(&row.id)) {
            self.samples.extend(stats::samples_of_summary(conference));
        }
        // These are large rows, which a sort by comparison would move again and again.
        self.samples
            .sort_by_cached_key(|row| (order.of(row.conference_id), row.created_at, row.event_id, row.place));
    }

    /// How many rows there are, of all tables.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks whether a part is empty")]
    pub fn len(&self) -> usize {
        let tables = [
            self.conferences.len(),
            self.sessions.len(),
            self.connections.len(),
            self.tracks.len(),
            self.issues.len(),
            self.events.len(),
            self.samples.len(),
        ];
        tables.iter().sum()
    }

    /// Sorts all tables but the samples; returns the order of conferences.
    fn sort(&mut self) -> Order {
        self.conferences.sort_by_key(|row| (row.created_at, row.id));
        let order = Order(self.conferences.iter().enumerate().map(|(at, row)| (row.id, at)).collect());
        self.sessions.sort_by_key(|row| (order.of(row.conference_id), row.created_at, row.id));
        self.connections.sort_by_key(|row| (order.of(row.conference_id), row.created_at, row.id));
        self.tracks.sort_by_key(|row| (order.of(row.conference_id), row.created_at, row.id));
        self.issues.sort_by_key(|row| (order.of(row.in_conference_id), row.created_at, row.id));
        order.sort_events(&mut self.events);
        order
    }
}

/// The places of conferences in a part.
struct Order(BTreeMap<ConferenceId, usize>);

impl Order {
    fn of(&self, id: ConferenceId) -> usize {
        self.0.get(&id).copied().unwrap_or(usize::MAX)
    }

    fn sort_events(&self, events: &mut [EventRow]) {
        events.sort_by_cached_key(|row| (self.of(row.conference_id), row.created_at, row.id));
    }
}

/// A part on its way to disk: as [`PartRows`], but that stats events stay events until their samples are written. Samples are
/// many and large, so that only a few of them are held at a time.
#[derive(Debug, Default)]
pub struct RawPart {
    /// No samples, and no stats events among the events.
    rows: PartRows,
    stats: Vec<EventRow>,
}

impl RawPart {
    /// A part whose events come next.
    pub fn new(rows: PartRows) -> Self {
        Self { rows, stats: Vec::new() }
    }

    /// Adds an event as the database has it.
    pub fn add_event(&mut self, event: EventRow) {
        if event.r#type == "stats" { self.stats.push(event) } else { self.rows.events.push(event) }
    }

    /// Hands over the samples that [`PartRows::finish`] would give, in the same order; what remains are the finished rows of
    /// the other tables. `after` is called after each event that had any.
    fn samples<S: Sink, E>(
        mut self,
        sink: &mut S,
        mut after: impl FnMut(&mut S) -> Result<(), E>,
    ) -> Result<PartRows, E> {
        let order = self.rows.sort();
        order.sort_events(&mut self.stats);
        let mut reader = SampleReader::default();
        let mut stats = std::mem::take(&mut self.stats).into_iter().peekable();
        for at in 0..self.rows.conferences.len() {
            let mut is_sampled = false;
            while let Some(event) = stats.next_if(|event| order.of(event.conference_id) <= at) {
                match reader.event(&event, sink) {
                    Some(count) => {
                        is_sampled |= count > 0;
                        after(sink)?;
                    }
                    None => self.rows.events.push(event),
                }
            }
            if !is_sampled {
                reader.summary(&self.rows.conferences[at], sink);
                after(sink)?;
            }
        }
        order.sort_events(&mut self.rows.events);
        Ok(self.rows)
    }
}

/// All rows of one conference, each list by time, then id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dossier {
    /// The conference.
    pub conference: ConferenceRow,
    /// Its sessions.
    pub sessions: Vec<SessionRow>,
    /// Its connections.
    pub connections: Vec<ConnectionRow>,
    /// Its tracks.
    pub tracks: Vec<TrackRow>,
    /// Its issues, those stored without conference included.
    pub issues: Vec<IssueRow>,
    /// Its events.
    pub events: Vec<EventRow>,
    /// Its getStats reports.
    pub samples: Samples,
}

#[cfg(test)]
impl PartRows {
    /// What [`Snapshot::dossiers`] gives of these rows, in the plainest way: tests hold the one against the other.
    pub(crate) fn into_dossiers(self) -> Vec<Dossier> {
        let mut dossiers: Vec<Dossier> = self
            .conferences
            .into_iter()
            .map(|conference| Dossier { conference, ..Dossier::default() })
            .collect();
        let places: BTreeMap<ConferenceId, usize> =
            dossiers.iter().enumerate().map(|(at, dossier)| (dossier.conference.id, at)).collect();
        macro_rules! deal {
            ($field:ident, $key:ident) => {
                for row in self.$field {
                    if let Some(&at) = places.get(&row.$key) {
                        dossiers[at].$field.push(row);
                    }
                }
            };
        }
        deal!(sessions, conference_id);
        deal!(connections, conference_id);
        deal!(tracks, conference_id);
        deal!(issues, in_conference_id);
        deal!(events, conference_id);
        for row in &self.samples {
            if let Some(&at) = places.get(&row.conference_id) {
                dossiers[at].samples.push(row);
            }
        }
        dossiers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::EventId;
    use crate::units::Timestamp;
    use uuid::Uuid;

    #[test]
    fn a_raw_part_gives_the_rows_of_a_finished_one() {
        let conference = |number: u128| ConferenceRow {
            id: ConferenceId(Uuid::from_u128(number)),
            created_at: Timestamp::from_micros(10 - number as i64),
            summary_data: Some(Json(format!(
                r#"[{{"id":"{0}","session":"{0}","participant":"{0}","created_at":"2026-11-23 10:00:00",
                "data":{{"connection":{{"id":"S"}}}}}}]"#,
                Uuid::nil()
            ))),
            ..ConferenceRow::default()
        };
        let event = |number: u128, conference: u128, data: &str| EventRow {
            id: EventId(Uuid::from_u128(number)),
            conference_id: ConferenceId(Uuid::from_u128(conference)),
            created_at: Timestamp::from_micros((number % 3) as i64),
            r#type: if data.is_empty() { "unload" } else { "stats" }.to_owned(),
            data: Some(Json(data.to_owned())),
            ..EventRow::default()
        };
        let poll = r#"{"connection":{"id":"P"},"audio":{"inbound":[{"id":"A"},{"id":"B"}]}}"#;
        let conferences: Vec<_> = (1..=4).map(conference).collect();
        // The second has only what cannot be read, the third only an empty poll, the fourth nothing.
        let events: Vec<EventRow> = (1..=9)
            .map(|number| event(number, 1, if number % 4 == 0 { "" } else { poll }))
            .chain([event(10, 2, "[1]"), event(11, 2, ""), event(12, 3, "{}")])
            .collect();
        let mut finished = PartRows { conferences: conferences.clone(), ..PartRows::default() };
        let mut raw = RawPart::default();
        raw.rows.conferences = conferences;
        for event in events {
            finished.add_event(event.clone());
            raw.add_event(event);
        }
        finished.finish();
        let mut samples: Vec<SampleRow> = Vec::new();
        let rows = raw.samples(&mut samples, |_| Ok::<(), ()>(()));
        assert_eq!(samples.iter().filter(|row| row.from_summary).count(), 3);
        assert_eq!(PartRows { samples, ..rows.unwrap() }, finished);
    }
}
