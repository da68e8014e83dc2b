//! A snapshot: what was in the database at one instant, on disk as Parquet that other programs can read, and in memory
//! as one [`Dossier`] per conference.

mod cell;
mod rows;
pub mod stats;
mod store;

pub use cell::{Cell, Json, Mismatch, Value};
pub use rows::{
    AppRow, Column, ConferenceRow, ConnectionRow, EventRow, Fields, IssueRow, OrganizationRow,
    ParticipantRow, Row, SampleRow, SessionRow, TrackRow, VersionRow,
};
pub use store::{
    GlobalFiles, Globals, Manifest, Origin, Part, Snapshot, SnapshotError, SnapshotWriter, TableWriter,
    table_bytes, table_rows,
};

use std::collections::BTreeMap;

use crate::ids::ConferenceId;

/// How many events a part may hold, but for a single conference of more: the measure of memory of whoever holds one.
pub const PART_EVENTS: usize = 12_000;

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
        self.conferences.sort_by_key(|row| (row.created_at, row.id));
        let sampled: std::collections::BTreeSet<_> =
            self.samples.iter().map(|row| row.conference_id).collect();
        for conference in self.conferences.iter().filter(|row| !sampled.contains(&row.id)) {
            self.samples.extend(stats::samples_of_summary(conference));
        }
        let order: BTreeMap<ConferenceId, usize> =
            self.conferences.iter().enumerate().map(|(at, row)| (row.id, at)).collect();
        let at = |id: ConferenceId| order.get(&id).copied().unwrap_or(usize::MAX);
        self.sessions.sort_by_key(|row| (at(row.conference_id), row.created_at, row.id));
        self.connections.sort_by_key(|row| (at(row.conference_id), row.created_at, row.id));
        self.tracks.sort_by_key(|row| (at(row.conference_id), row.created_at, row.id));
        self.issues.sort_by_key(|row| (at(row.in_conference_id), row.created_at, row.id));
        self.events.sort_by_key(|row| (at(row.conference_id), row.created_at, row.id));
        self.samples.sort_by_key(|row| (at(row.conference_id), row.created_at, row.event_id, row.place));
    }

    /// The rows by conference, in the conferences' order. Rows of conferences that are not here are left out.
    pub fn into_dossiers(self) -> Vec<Dossier> {
        let mut dossiers: Vec<Dossier> = self.conferences.into_iter().map(Dossier::new).collect();
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
        deal!(samples, conference_id);
        dossiers
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
    pub samples: Vec<SampleRow>,
}

impl Dossier {
    fn new(conference: ConferenceRow) -> Self {
        Self { conference, ..Self::default() }
    }
}
