//! Reads the rows of one part, and the tables that are not partitioned.

use super::error::SourceError;
use super::plan::PlannedPart;
use super::reader::{Reader, of_conferences};
use crate::snapshot::{EventRow, Globals, PartRows, RawPart, Row as _};

/// All rows of a part, in any order.
pub(super) fn read_part(reader: &mut Reader<'_>, part: &PlannedPart) -> Result<RawPart, SourceError> {
    macro_rules! rows {
        ($file:literal) => {
            reader
                .rows(&of_conferences(include_str!(concat!("queries/", $file, ".sql")), &part.conferences))?
        };
    }
    let mut raw = RawPart::default();
    raw.rows = PartRows {
        conferences: rows!("conferences"),
        sessions: rows!("sessions"),
        connections: rows!("connections"),
        tracks: rows!("tracks"),
        issues: rows!("issues"),
        ..PartRows::default()
    };
    let events = of_conferences(include_str!("queries/events.sql"), &part.conferences);
    reader.copy(EventRow::TABLE, &events, EventRow::COLUMNS.len(), |tuple| {
        raw.add_event(EventRow::from_fields(tuple)?);
        Ok(())
    })?;
    Ok(raw)
}

/// The tables that are not partitioned.
pub(super) fn read_globals(reader: &mut Reader<'_>) -> Result<Globals, SourceError> {
    Ok(Globals {
        organizations: reader.rows(include_str!("queries/organizations.sql"))?,
        apps: reader.rows(include_str!("queries/apps.sql"))?,
        participants: reader.rows(include_str!("queries/participants.sql"))?,
    })
}
