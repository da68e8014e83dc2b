//! Which conferences go into which part: a UTC day each, cut where it would be too much to hold at once.

use super::error::SourceError;
use super::reader::Reader;
use crate::ids::ConferenceId;
use crate::snapshot::Fields as _;
use crate::units::{Day, Timestamp};

/// At most so many conferences to a part, however few events they have.
const PART_CONFERENCES: usize = 500;

/// A part to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlannedPart {
    pub(super) day: Day,
    pub(super) piece: usize,
    pub(super) conferences: Vec<ConferenceId>,
}

/// A conference and its weight.
struct Planned {
    id: ConferenceId,
    created_at: Timestamp,
    events: usize,
}

/// Asks the database for all conferences and deals them to parts of at most `part_events` events.
pub(super) fn plan(reader: &mut Reader<'_>, part_events: usize) -> Result<Vec<PlannedPart>, SourceError> {
    let mut conferences = Vec::new();
    reader.copy("conferences", include_str!("queries/plan.sql"), 3, |tuple| {
        conferences.push(Planned {
            id: tuple.next("id")?,
            created_at: tuple.next("created_at")?,
            events: usize::try_from(tuple.next::<i64>("events")?).unwrap_or_default(),
        });
        Ok(())
    })?;
    Ok(cut(&conferences, part_events))
}

/// Cuts conferences, which come by time, into parts. A conference is never cut, so that one of more than `part_events`
/// events is a part of its own.
fn cut(conferences: &[Planned], part_events: usize) -> Vec<PlannedPart> {
    let mut parts: Vec<PlannedPart> = Vec::new();
    let mut events = 0;
    for conference in conferences {
        let day = conference.created_at.day();
        events += conference.events;
        match parts.last_mut() {
            Some(part)
                if part.day == day && events <= part_events && part.conferences.len() < PART_CONFERENCES =>
            {
                part.conferences.push(conference.id);
            }
            last => {
                let piece = last.filter(|part| part.day == day).map_or(0, |part| part.piece + 1);
                parts.push(PlannedPart { day, piece, conferences: vec![conference.id] });
                events = conference.events;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// Parts of at most 100 events as `day/piece: conferences`.
    fn cut_all(conferences: &[(&str, usize)]) -> Vec<String> {
        let conferences: Vec<Planned> = conferences
            .iter()
            .enumerate()
            .map(|(at, (time, events))| Planned {
                id: ConferenceId(Uuid::from_u128(at as u128)),
                created_at: match *time {
                    "-infinity" => Timestamp::from_micros(i64::MIN),
                    "infinity" => Timestamp::from_micros(i64::MAX),
                    time => Timestamp::parse(time).unwrap(),
                },
                events: *events,
            })
            .collect();
        let shown = |part: &PlannedPart| {
            let ids: Vec<_> = part.conferences.iter().map(|id| id.0.as_u128().to_string()).collect();
            format!("{}/{}: {}", part.day, part.piece, ids.join(" "))
        };
        cut(&conferences, 100).iter().map(shown).collect()
    }

    #[test]
    fn a_day_is_a_part_until_it_has_too_many_events() {
        assert_eq!(
            cut_all(&[
                ("2026-01-01 10:00:00", 60),
                ("2026-01-01 11:00:00", 40),
                ("2026-01-01 12:00:00", 1),
                ("2026-01-01 13:00:00", 900),
                ("2026-01-01 23:59:59.999999", 0),
                ("2026-01-02 00:00:00", 10),
            ]),
            ["2026-01-01/0: 0 1", "2026-01-01/1: 2", "2026-01-01/2: 3", "2026-01-01/3: 4", "2026-01-02/0: 5"]
        );
        assert!(cut_all(&[]).is_empty());
    }

    #[test]
    fn a_day_of_very_many_small_conferences_is_cut_too() {
        let parts = cut_all(&vec![("2026-01-01 10:00:00", 0); 1001]);
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[2], "2026-01-01/2: 1000");
    }

    #[test]
    fn times_beyond_the_calendar_are_put_on_its_first_and_last_day() {
        assert_eq!(
            cut_all(&[("-infinity", 1), ("2026-01-01 10:00:00", 1), ("infinity", 1)]),
            ["0001-01-01/0: 0", "2026-01-01/0: 1", "9999-12-30/0: 2"]
        );
    }
}
