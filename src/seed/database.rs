//! The generated rows into a database by COPY in its text format, in one transaction. Other threads generate the next
//! conferences while one connection writes.

use std::fmt::Display;
use std::io::Write;
use std::sync::mpsc::sync_channel;

use postgres::error::SqlState;
use postgres::{Client, Transaction};
use rayon::prelude::*;
use uuid::Uuid;

use super::platforms::CONSTRAINTS;
use super::{SeedConference, SeedPlan};
use crate::snapshot::Json;
use crate::units::Timestamp;

/// Conferences that are generated, held and written at a time.
const CHUNK: usize = 64;

/// Why a database cannot be filled.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The same seed was here before.
    #[error(
        "the database already holds the rows of seed {seed}\nhint: use another --seed, or an empty database"
    )]
    AlreadySeeded {
        /// The seed.
        seed: u64,
    },
    /// The tables are not there.
    #[error("the database has no Peer Metrics tables\nhint: make them with `peerpress migrate`")]
    NoTables,
    /// The server refused.
    #[error("the database refused: {0}")]
    Database(postgres::Error),
    /// The connection broke while rows were sent.
    #[error("cannot send rows to the database: {0}")]
    Send(#[from] std::io::Error),
}

impl From<postgres::Error> for SeedError {
    fn from(error: postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::UNDEFINED_TABLE) => Self::NoTables,
            _ => Self::Database(error),
        }
    }
}

macro_rules! tables {
    ($($(#[$doc:meta])* $field:ident: $table:literal ($($column:literal),*);)*) => {
        /// How many rows each table got.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct SeedCounts {
            $($(#[$doc])* pub $field: u64,)*
        }

        /// COPY text by table.
        #[derive(Default)]
        struct Batch {
            $($field: CopyText,)*
        }

        impl Batch {
            fn append(&mut self, other: &Self) {
                $(self.$field.text.push_str(&other.$field.text);)*
            }

            fn send(&self, transaction: &mut Transaction<'_>, counts: &mut SeedCounts) -> Result<(), SeedError> {
                $(if !self.$field.text.is_empty() {
                    let columns = [$($column),*].map(|column| format!("\"{column}\"")).join(", ");
                    let mut writer = transaction.copy_in(&format!("COPY {} ({columns}) FROM STDIN", $table))?;
                    writer.write_all(self.$field.text.as_bytes())?;
                    counts.$field += writer.finish()?;
                })*
                Ok(())
            }
        }

        const TABLES: &[&str] = &[$($table),*];
    };
}

tables! {
    /// `organization`.
    organizations: "organization" ("id", "name", "created_at", "is_active");
    /// `app`.
    apps: "app" (
        "id", "name", "api_key", "domain", "interval", "recording", "durations_days", "created_at", "is_active",
        "organization_id"
    );
    /// `participant`.
    participants: "participant" (
        "id", "participant_id", "participant_name", "is_sfu", "created_at", "is_active", "app_id"
    );
    /// `conference`.
    conferences: "conference" (
        "id", "conference_id", "conference_name", "conference_info", "start_time", "call_start", "end_time", "ongoing",
        "duration", "created_at", "is_active", "app_id"
    );
    /// `participant_conferences`.
    links: "participant_conferences" ("participant_id", "conference_id");
    /// `app_session`.
    sessions: "app_session" (
        "id", "constraints", "devices", "platform", "metadata", "geo_ip", "app_version", "webrtc_sdk", "session_info",
        "duration", "end_time", "call_start", "created_at", "is_active", "conference_id", "participant_id"
    );
    /// `app_connection`.
    connections: "app_connection" (
        "id", "type", "state", "connection_info", "start_time", "end_time", "duration", "created_at", "is_active",
        "conference_id", "participant_id", "peer_id", "session_id"
    );
    /// `app_track`.
    tracks: "app_track" (
        "id", "kind", "direction", "track_id", "label", "track_info", "created_at", "is_active", "connection_id",
        "session_id"
    );
    /// `app_genericevent`.
    events: "app_genericevent" (
        "id", "type", "category", "data", "created_at", "is_active", "app_id", "conference_id", "connection_id",
        "participant_id", "peer_id", "session_id", "track_id"
    );
    /// `app_issue`.
    issues: "app_issue" (
        "id", "type", "code", "data", "created_at", "is_active", "conference_id", "connection_id", "participant_id",
        "session_id", "track_id"
    );
    /// `summary`.
    summaries: "summary" (
        "id", "status", "version", "end_time", "data", "created_at", "is_active", "conference_id"
    );
}

/// Fills a database with the planned rows; `on_progress` hears how many conferences are written.
pub fn fill_database(
    client: &mut Client,
    plan: &SeedPlan,
    on_progress: &dyn Fn(usize),
) -> Result<SeedCounts, SeedError> {
    let mut transaction = client.transaction()?;
    let organizations: Vec<String> =
        plan.world.organizations.iter().map(|stored| stored.row.id.to_string()).collect();
    let seeded = transaction
        .query_opt("SELECT 1 FROM organization WHERE id::text = ANY($1) LIMIT 1", &[&organizations])?;
    if seeded.is_some() {
        return Err(SeedError::AlreadySeeded { seed: plan.options().seed });
    }
    compress_fast(&mut transaction)?;
    let mut counts = SeedCounts::default();
    globals(plan).send(&mut transaction, &mut counts)?;
    std::thread::scope(|scope| -> Result<(), SeedError> {
        let (sender, receiver) = sync_channel::<(usize, Batch)>(1);
        scope.spawn(move || {
            for start in (0..plan.len()).step_by(CHUNK) {
                let end = (start + CHUNK).min(plan.len());
                let batches: Vec<Batch> =
                    (start..end).into_par_iter().map(|index| conference(&plan.conference(index))).collect();
                let mut whole = Batch::default();
                for batch in &batches {
                    whole.append(batch);
                }
                if sender.send((end, whole)).is_err() {
                    // The writer has given up and says why.
                    return;
                }
            }
        });
        for (done, batch) in receiver {
            batch.send(&mut transaction, &mut counts)?;
            on_progress(done);
        }
        Ok(())
    })?;
    // The next reader's queries are planned by what is in the tables now.
    transaction.batch_execute(&format!("ANALYZE {}", TABLES.join(", ")))?;
    transaction.commit()?;
    Ok(counts)
}

/// Most of the server's time would go into compressing summaries; where it has LZ4, that is faster.
fn compress_fast(transaction: &mut Transaction<'_>) -> Result<(), postgres::Error> {
    let known =
        "SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY(enumvals)";
    if transaction.query_opt(known, &[])?.is_some() {
        transaction.batch_execute("SET LOCAL default_toast_compression = lz4")?;
    }
    Ok(())
}

/// Rows in the form of COPY: columns by tabs, rows by line feeds, null as `\N`.
#[derive(Default)]
struct CopyText {
    text: String,
}

impl CopyText {
    fn row(&mut self, columns: &[&dyn Column]) {
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                self.text.push('\t');
            }
            column.write(&mut self.text);
        }
        self.text.push('\n');
    }
}

/// A value of a column of COPY.
trait Column {
    fn write(&self, text: &mut String);
}

impl Column for str {
    fn write(&self, text: &mut String) {
        for character in self.chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                other => text.push(other),
            }
        }
    }
}

impl Column for &str {
    fn write(&self, text: &mut String) {
        (**self).write(text);
    }
}

impl Column for String {
    fn write(&self, text: &mut String) {
        self.as_str().write(text);
    }
}

impl Column for Json {
    fn write(&self, text: &mut String) {
        self.0.as_str().write(text);
    }
}

impl Column for bool {
    fn write(&self, text: &mut String) {
        text.push(if *self { 't' } else { 'f' });
    }
}

impl<T: Column> Column for Option<T> {
    fn write(&self, text: &mut String) {
        match self {
            Some(value) => value.write(text),
            None => text.push_str("\\N"),
        }
    }
}

macro_rules! plain {
    ($($type:ty)*) => {$(
        impl Column for $type {
            fn write(&self, text: &mut String) {
                push(text, self);
            }
        }
    )*};
}

plain! {
    i64 Uuid Timestamp crate::ids::OrganizationId crate::ids::AppId crate::ids::ConferenceId
    crate::ids::ParticipantId crate::ids::SessionId crate::ids::ConnectionId crate::ids::TrackId crate::ids::EventId
    crate::ids::IssueId
}

fn push(text: &mut String, value: &impl Display) {
    // Writing to a string cannot fail.
    let _: std::fmt::Result = std::fmt::Write::write_fmt(text, format_args!("{value}"));
}

fn globals(plan: &SeedPlan) -> Batch {
    let mut batch = Batch::default();
    for stored in &plan.world.organizations {
        let row = &stored.row;
        batch.organizations.row(&[&row.id, &row.name, &row.created_at, &stored.is_active]);
    }
    for app in &plan.world.apps {
        let row = &app.row.row;
        batch.apps.row(&[
            &row.id,
            &row.name,
            &app.api_key,
            &row.domain,
            &row.interval,
            &row.recording,
            &row.durations_days,
            &row.created_at,
            &app.row.is_active,
            &row.organization_id,
        ]);
    }
    for stored in &plan.participants {
        let row = &stored.row;
        batch.participants.row(&[
            &row.id,
            &row.participant_id,
            &row.participant_name,
            &row.is_sfu,
            &row.created_at,
            &stored.is_active,
            &row.app_id,
        ]);
    }
    batch
}

fn conference(told: &SeedConference) -> Batch {
    let mut batch = Batch::default();
    let (row, is_active) = (&told.conference.row, told.conference.is_active);
    batch.conferences.row(&[
        &row.id,
        &row.conference_id,
        &row.conference_name,
        &row.conference_info,
        &row.start_time,
        &row.call_start,
        &row.end_time,
        &row.ongoing,
        &row.duration,
        &row.created_at,
        &is_active,
        &row.app_id,
    ]);
    for participant in &row.participants {
        batch.links.row(&[participant, &row.id]);
    }
    if let Some(summary) = told.summary {
        batch.summaries.row(&[
            &summary.id,
            &row.summary_status,
            &row.summary_version,
            &row.summary_end_time,
            &row.summary_data,
            &summary.created_at,
            &true,
            &row.id,
        ]);
    }
    for stored in &told.sessions {
        let row = &stored.row;
        batch.sessions.row(&[
            &row.id,
            &CONSTRAINTS,
            &row.devices,
            &row.platform,
            &row.metadata,
            &row.geo_ip,
            &row.app_version,
            &row.webrtc_sdk,
            &row.session_info,
            &row.duration,
            &row.end_time,
            &row.call_start,
            &row.created_at,
            &stored.is_active,
            &row.conference_id,
            &row.participant_id,
        ]);
    }
    for stored in &told.connections {
        let row = &stored.row;
        batch.connections.row(&[
            &row.id,
            &row.r#type,
            &row.state,
            &row.connection_info,
            &row.start_time,
            &row.end_time,
            &row.duration,
            &row.created_at,
            &stored.is_active,
            &row.conference_id,
            &row.participant_id,
            &row.peer_id,
            &row.session_id,
        ]);
    }
    for stored in &told.tracks {
        let row = &stored.row;
        batch.tracks.row(&[
            &row.id,
            &row.kind,
            &row.direction,
            &row.track_id,
            &row.label,
            &row.track_info,
            &row.created_at,
            &stored.is_active,
            &row.connection_id,
            &row.session_id,
        ]);
    }
    for stored in &told.events {
        let row = &stored.row;
        batch.events.row(&[
            &row.id,
            &row.r#type,
            &row.category,
            &row.data,
            &row.created_at,
            &stored.is_active,
            &row.app_id,
            &row.conference_id,
            &row.connection_id,
            &row.participant_id,
            &row.peer_id,
            &row.session_id,
            &row.track_id,
        ]);
    }
    for stored in &told.issues {
        let row = &stored.row;
        batch.issues.row(&[
            &row.id,
            &row.r#type,
            &row.code,
            &row.data,
            &row.created_at,
            &stored.is_active,
            &row.conference_id,
            &row.connection_id,
            &row.participant_id,
            &row.session_id,
            &row.track_id,
        ]);
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_copy_would_misread_is_escaped() {
        let mut copy = CopyText::default();
        copy.row(&[&"a\tb\\N\r\n", &None::<String>, &true, &Some(Json("{\"a\":\"\\n\"}".to_owned()))]);
        assert_eq!(copy.text, "a\\tb\\\\N\\r\\n\t\\N\tt\t{\"a\":\"\\\\n\"}\n");
    }
}
