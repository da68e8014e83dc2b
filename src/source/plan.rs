//! Which conferences go into which part: a UTC day each, cut where it would be too much to hold at once. Parts of the former
//! snapshot keep their conferences, so that those in which nothing changed need not be read.

use std::collections::{BTreeMap, HashMap};

use super::error::SourceError;
use super::reader::Reader;
use super::versions::Version;
use crate::ids::ConferenceId;
use crate::snapshot::{Fields as _, PART_CONFERENCES, VersionRow};
use crate::units::{Day, Timestamp};

/// A part is cut anew once it has grown to so many times the events that a new one may have.
const OUTGROWN: usize = 2;

/// A part of the snapshot to come.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlannedPart {
    pub(super) day: Day,
    pub(super) piece: usize,
    pub(super) conferences: Vec<ConferenceId>,
    /// Their events in the database.
    pub(super) events: usize,
    /// Whether it is as it was in the former snapshot.
    pub(super) is_kept: bool,
}

/// A conference that is in the database now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) id: ConferenceId,
    pub(super) created_at: Timestamp,
    pub(super) version: Version,
}

/// Where a conference was in the former snapshot, and what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Former {
    pub(super) day: Day,
    pub(super) piece: usize,
    pub(super) version: Version,
}

/// The conferences of the former snapshot.
pub(super) type FormerConferences = BTreeMap<ConferenceId, Former>;

/// The parts of the snapshot to come.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// By day and piece.
    pub(super) parts: Vec<PlannedPart>,
    /// How many conferences came, went or changed.
    pub(super) changed: usize,
}

impl Plan {
    /// Whether there is nothing that the former snapshot does not have.
    pub(super) fn is_as_before(&self) -> bool {
        self.changed == 0 && self.parts.iter().all(|part| part.is_kept)
    }

    /// By what the snapshot after this one sees what changed, in the order of ids.
    pub(super) fn versions(&self, conferences: &[Planned]) -> Vec<VersionRow> {
        let by_id: HashMap<ConferenceId, Version> =
            conferences.iter().map(|conference| (conference.id, conference.version)).collect();
        let mut rows: Vec<VersionRow> = Vec::with_capacity(conferences.len());
        for part in &self.parts {
            let day = part.day.to_string();
            rows.extend(part.conferences.iter().map(|id| {
                let version = by_id.get(id).copied().unwrap_or_default();
                VersionRow {
                    conference_id: *id,
                    day: day.clone(),
                    piece: part.piece as i64,
                    events: version.events as i64,
                    version: format!("{:032x}", version.digest),
                }
            }));
        }
        rows.sort_by_key(|row| row.conference_id);
        rows
    }
}

/// Reads what [`Plan::versions`] wrote; none if it cannot be understood.
pub(super) fn former_conferences(rows: &[VersionRow]) -> Option<FormerConferences> {
    rows.iter()
        .map(|row| {
            let version = Version {
                events: usize::try_from(row.events).ok()?,
                digest: u128::from_str_radix(&row.version, 16).ok()?,
            };
            let (day, piece) = (Day::parse(&row.day)?, usize::try_from(row.piece).ok()?);
            Some((row.conference_id, Former { day, piece, version }))
        })
        .collect()
}

/// Asks the database which conferences there are, by time.
pub(super) fn list(reader: &mut Reader<'_>) -> Result<Vec<(ConferenceId, Timestamp)>, SourceError> {
    let mut conferences = Vec::new();
    reader.copy("conferences", include_str!("queries/list.sql"), 2, |tuple| {
        conferences.push((tuple.next("id")?, tuple.next("created_at")?));
        Ok(())
    })?;
    Ok(conferences)
}

/// A part that is being put together.
#[derive(Default)]
struct Piece {
    /// Places in the list of conferences.
    conferences: Vec<usize>,
    events: usize,
    is_changed: bool,
}

impl Piece {
    fn has_room(&self, events: usize, part_events: usize) -> bool {
        self.conferences.is_empty()
            || (self.events + events <= part_events && self.conferences.len() < PART_CONFERENCES)
    }

    fn push(&mut self, at: usize, events: usize) {
        self.conferences.push(at);
        self.events += events;
    }
}

type Days = BTreeMap<Day, BTreeMap<usize, Piece>>;

/// Deals conferences, which come by time, to parts of at most `part_events` events. A conference is never cut, so that one
/// of more events is a part of its own. Conferences that the former snapshot has on the same day stay in their part; new
/// ones go into the last part of their day while it has room, else into a further one.
pub(super) fn plan(conferences: &[Planned], former: &FormerConferences, part_events: usize) -> Plan {
    let mut members: HashMap<(Day, usize), usize> = HashMap::new();
    for old in former.values() {
        *members.entry((old.day, old.piece)).or_default() += 1;
    }
    let mut days = Days::new();
    let mut to_deal = Vec::new();
    let (mut changed, mut known) = (0, 0);
    for (at, conference) in conferences.iter().enumerate() {
        let day = conference.created_at.day();
        let old = former.get(&conference.id);
        known += usize::from(old.is_some());
        let is_changed = old.is_none_or(|old| old.version != conference.version || old.day != day);
        changed += usize::from(is_changed);
        match old.filter(|old| old.day == day) {
            Some(old) => {
                let piece = days.entry(day).or_default().entry(old.piece).or_default();
                piece.push(at, conference.version.events);
                piece.is_changed |= is_changed;
            }
            None => to_deal.push(at),
        }
    }
    for (day, pieces) in &mut days {
        for (number, piece) in pieces {
            // Somebody went.
            piece.is_changed |= members.get(&(*day, *number)) != Some(&piece.conferences.len());
            to_deal.extend(cut_outgrown(piece, conferences, part_events));
        }
    }
    to_deal.sort_unstable();
    deal(&mut days, &to_deal, conferences, part_events);
    Plan { parts: parts(days, conferences), changed: changed + (former.len() - known) }
}

/// What a part that has to be read anyway, and has grown too large, cannot hold any more.
fn cut_outgrown(piece: &mut Piece, conferences: &[Planned], part_events: usize) -> Vec<usize> {
    if !piece.is_changed || piece.events <= part_events.saturating_mul(OUTGROWN) {
        return Vec::new();
    }
    let all = std::mem::take(&mut piece.conferences);
    piece.events = 0;
    let mut all = all.into_iter();
    let mut rest = Vec::new();
    for at in all.by_ref() {
        let events = conferences[at].version.events;
        if !piece.has_room(events, part_events) {
            rest.push(at);
            break;
        }
        piece.push(at, events);
    }
    rest.extend(all);
    rest
}

fn deal(days: &mut Days, to_deal: &[usize], conferences: &[Planned], part_events: usize) {
    for &at in to_deal {
        let events = conferences[at].version.events;
        let pieces = days.entry(conferences[at].created_at.day()).or_default();
        let last = pieces.last_key_value();
        let number = match last {
            Some((number, piece)) if piece.has_room(events, part_events) => *number,
            last => last.map_or(0, |(number, _)| number + 1),
        };
        let piece = pieces.entry(number).or_default();
        piece.push(at, events);
        piece.is_changed = true;
    }
}

fn parts(days: Days, conferences: &[Planned]) -> Vec<PlannedPart> {
    let mut parts = Vec::new();
    for (day, pieces) in days {
        for (number, mut piece) in pieces {
            piece.conferences.sort_unstable();
            let conferences = piece.conferences.iter().map(|&at| conferences[at].id).collect();
            let events = piece.events;
            parts.push(PlannedPart { day, piece: number, conferences, events, is_kept: !piece.is_changed });
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// A conference: its number, when it was created, its events, and a number for its version.
    type Case = (u128, &'static str, usize, u128);

    const MORNING: &str = "2026-01-01 10:00:00";
    const NEXT_DAY: &str = "2026-01-02 10:00:00";

    fn planned(cases: &[Case]) -> Vec<Planned> {
        let planned = cases.iter().map(|(id, time, events, digest)| Planned {
            id: ConferenceId(Uuid::from_u128(*id)),
            created_at: match *time {
                "-infinity" => Timestamp::from_micros(i64::MIN),
                "infinity" => Timestamp::from_micros(i64::MAX),
                time => Timestamp::parse(time).unwrap(),
            },
            version: Version { events: *events, digest: *digest },
        });
        let mut planned: Vec<Planned> = planned.collect();
        planned.sort_by_key(|conference| (conference.created_at, conference.id));
        planned
    }

    /// Parts as `day/piece: conferences`, a star before those that are read.
    fn shown(plan: &Plan) -> Vec<String> {
        let shown = |part: &PlannedPart| {
            let ids: Vec<_> = part.conferences.iter().map(|id| id.0.as_u128().to_string()).collect();
            let star = if part.is_kept { "" } else { "*" };
            format!("{star}{}/{}: {}", part.day, part.piece, ids.join(" "))
        };
        plan.parts.iter().map(shown).collect()
    }

    /// Parts of at most 100 events, from nothing.
    fn whole(cases: &[Case]) -> Vec<String> {
        let plan = plan(&planned(cases), &FormerConferences::new(), 100);
        assert!(plan.parts.iter().all(|part| !part.is_kept));
        shown(&plan).iter().map(|part| part.replace('*', "")).collect()
    }

    /// Parts of at most 100 events, after a snapshot of `before`.
    fn after(before: &[Case], now: &[Case]) -> (Vec<String>, usize) {
        let before = planned(before);
        let rows = plan(&before, &FormerConferences::new(), 100).versions(&before);
        let plan = plan(&planned(now), &former_conferences(&rows).unwrap(), 100);
        assert_eq!(plan.is_as_before(), plan.changed == 0);
        (shown(&plan), plan.changed)
    }

    #[test]
    fn a_day_is_a_part_until_it_has_too_many_events() {
        assert_eq!(
            whole(&[
                (0, MORNING, 60, 0),
                (1, "2026-01-01 11:00:00", 40, 0),
                (2, "2026-01-01 12:00:00", 1, 0),
                (3, "2026-01-01 13:00:00", 900, 0),
                (4, "2026-01-01 23:59:59.999999", 0, 0),
                (5, "2026-01-02 00:00:00", 10, 0),
            ]),
            ["2026-01-01/0: 0 1", "2026-01-01/1: 2", "2026-01-01/2: 3", "2026-01-01/3: 4", "2026-01-02/0: 5"]
        );
        assert!(whole(&[]).is_empty());
    }

    #[test]
    fn a_day_of_very_many_small_conferences_is_cut_too() {
        let many: Vec<Case> = (0..=2 * PART_CONFERENCES as u128).map(|id| (id, MORNING, 0, 0)).collect();
        let parts = whole(&many);
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[2], format!("2026-01-01/2: {}", 2 * PART_CONFERENCES));
    }

    #[test]
    fn times_beyond_the_calendar_are_put_on_its_first_and_last_day() {
        let far = [(0, "-infinity", 1, 0), (1, MORNING, 1, 0), (2, "infinity", 1, 0)];
        assert_eq!(whole(&far), ["0001-01-01/0: 0", "2026-01-01/0: 1", "9999-12-30/0: 2"]);
        assert_eq!(after(&far, &far).1, 0);
    }

    const BEFORE: [Case; 4] =
        [(1, MORNING, 60, 1), (2, MORNING, 40, 2), (3, MORNING, 50, 3), (4, NEXT_DAY, 5, 4)];

    #[test]
    fn parts_keep_their_conferences_and_only_those_with_a_change_are_read() {
        let [one, two, three, four] = BEFORE;
        let same = ["2026-01-01/0: 1 2", "2026-01-01/1: 3", "2026-01-02/0: 4"];
        let cases: [(&str, Vec<Case>, &[&str], usize); 9] = [
            ("nothing", BEFORE.to_vec(), &same, 0),
            (
                "late events",
                vec![(1, MORNING, 70, 9), two, three, four],
                &["*2026-01-01/0: 1 2", "2026-01-01/1: 3", "2026-01-02/0: 4"],
                1,
            ),
            (
                "a new one of an old day goes where there is room",
                vec![one, two, three, (5, "2026-01-01 09:00:00", 9, 5), four],
                &["2026-01-01/0: 1 2", "*2026-01-01/1: 5 3", "2026-01-02/0: 4"],
                1,
            ),
            (
                "or into a part of its own",
                vec![one, two, three, (5, MORNING, 51, 5), four],
                &["2026-01-01/0: 1 2", "2026-01-01/1: 3", "*2026-01-01/2: 5", "2026-01-02/0: 4"],
                1,
            ),
            (
                "one that went leaves its part",
                vec![one, three, four],
                &["*2026-01-01/0: 1", "2026-01-01/1: 3", "2026-01-02/0: 4"],
                1,
            ),
            ("a part that is empty goes", vec![one, two, four], &["2026-01-01/0: 1 2", "2026-01-02/0: 4"], 1),
            (
                "a conference that changed its day",
                vec![one, three, (2, NEXT_DAY, 40, 9), four],
                &["*2026-01-01/0: 1", "2026-01-01/1: 3", "*2026-01-02/0: 2 4"],
                1,
            ),
            (
                "a part that has outgrown is cut",
                vec![(1, MORNING, 90, 9), (2, MORNING, 111, 9), three, four],
                &["*2026-01-01/0: 1", "2026-01-01/1: 3", "*2026-01-01/2: 2", "2026-01-02/0: 4"],
                2,
            ),
            (
                "a single conference is never cut",
                vec![one, two, (3, MORNING, 1000, 9), four],
                &["2026-01-01/0: 1 2", "*2026-01-01/1: 3", "2026-01-02/0: 4"],
                1,
            ),
        ];
        for (name, now, parts, changed) in cases {
            assert_eq!(
                after(&BEFORE, &now),
                (parts.iter().map(|part| (*part).to_owned()).collect(), changed),
                "{name}"
            );
        }
    }

    #[test]
    fn all_may_go() {
        assert_eq!(after(&BEFORE, &[]), (vec![], 4));
    }
}
