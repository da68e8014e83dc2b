//! Reads the rows of one part, and the tables that are not partitioned.

use super::error::SourceError;
use super::plan::PlannedPart;
use super::reader::{Reader, of_conferences};
use crate::snapshot::{
    EventRow, Globals, LargePart, PartRows, RawPart, Row as _, SnapshotError, SnapshotWriter,
};

/// The order that a snapshot has the events of one conference in.
const BY_TIME: &str = "ORDER BY app_genericevent.created_at, app_genericevent.id";

/// Reads a part and writes it; how many rows it has. Events of a part are held while they are sorted, but for a conference of more
/// than `part_events`: the server sorts those, and each is written as it comes.
pub(super) fn copy_part(
    reader: &mut Reader<'_>,
    part: &PlannedPart,
    writer: &SnapshotWriter,
    part_events: usize,
) -> Result<u64, SourceError> {
    let rows = read_few(reader, part)?;
    let events = of_conferences(include_str!("queries/events.sql"), &part.conferences);
    if part.conferences.len() == 1 && part.events > part_events {
        let large = writer.begin_large_part(part.day, part.piece)?;
        return copy_large_part(reader, large, rows, &format!("{events}\n{BY_TIME}"));
    }
    let mut raw = RawPart::new(rows);
    reader.copy(EventRow::TABLE, &events, EventRow::COLUMNS.len(), |tuple| {
        raw.add_event(EventRow::from_fields(tuple)?);
        Ok(())
    })?;
    Ok(writer.write_raw_part(part.day, part.piece, raw)?)
}

fn copy_large_part(
    reader: &mut Reader<'_>,
    mut large: LargePart<'_>,
    rows: PartRows,
    events: &str,
) -> Result<u64, SourceError> {
    // What the stream cannot say: that a row was read, but not written.
    let mut failure: Option<SnapshotError> = None;
    reader.copy(EventRow::TABLE, events, EventRow::COLUMNS.len(), |tuple| {
        let event = EventRow::from_fields(tuple)?;
        if failure.is_none() {
            failure = large.add_event(&event).err();
        }
        Ok(())
    })?;
    match failure {
        Some(failure) => Err(failure.into()),
        None => Ok(large.finish(rows)?),
    }
}

/// All rows of a part but events, in any order.
fn read_few(reader: &mut Reader<'_>, part: &PlannedPart) -> Result<PartRows, SourceError> {
    macro_rules! rows {
        ($file:literal) => {
            reader
                .rows(&of_conferences(include_str!(concat!("queries/", $file, ".sql")), &part.conferences))?
        };
    }
    Ok(PartRows {
        conferences: rows!("conferences"),
        sessions: rows!("sessions"),
        connections: rows!("connections"),
        tracks: rows!("tracks"),
        issues: rows!("issues"),
        ..PartRows::default()
    })
}

/// The tables that are not partitioned.
pub(super) fn read_globals(reader: &mut Reader<'_>) -> Result<Globals, SourceError> {
    Ok(Globals {
        organizations: reader.rows(include_str!("queries/organizations.sql"))?,
        apps: reader.rows(include_str!("queries/apps.sql"))?,
        participants: reader.rows(include_str!("queries/participants.sql"))?,
    })
}
