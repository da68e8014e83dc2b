//! What an app's dashboard shows and the Peer Metrics API does not count: quality over time and by group, hours of the week, people
//! at the same time, set-up times and paths by events. A pure function of the facts of the app's conferences; the scripts of the
//! dashboard count the same over the calls that a filter leaves.

use std::collections::BTreeMap;

use super::app::Bucket;
use super::fact_table::{Call, FactTable, Name, Visit};
use super::{VisitFacts, countries};
use crate::metrics::buckets::{SETUP_TIME, bucket_of};
use crate::metrics::percentile::{Summary, percentile};
use crate::units::{Day, Timestamp};

/// Days that charts draw at most, up to the snapshot's.
pub const DAYS: usize = 1500;
/// More days than this are drawn by week.
pub const DAILY: usize = 120;
/// A visit that lasts longer counts for days and hours only so long, seconds: a month.
const LONGEST_S: f64 = 31.0 * 86_400.0;
/// Groups of fewer visits with a score are not held against the app.
pub const ENOUGH: usize = 20;
/// A median that differs less from the app's is like it, points of the score.
pub const LIKE: f64 = 3.0;
/// What a session says nothing of.
pub const UNKNOWN: &str = "Unknown";

/// An app's dashboard, beyond the totals.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Board {
    /// All days from the first to the last with a call, none left out between them.
    pub days: Vec<BoardDay>,
    /// The same by week, each under its Monday, where the days are too many for a chart; else empty.
    pub weeks: Vec<BoardDay>,
    /// Calls on days before and after those.
    pub calls_left_out: usize,
    /// Seconds of presence by weekday, Monday first, and hour, UTC.
    pub hours: [[f64; 24]; 7],
    /// Most people at the same time, and when that began.
    pub peak: Option<(usize, Timestamp)>,
    /// Connections by set-up time, from addConnection to connected by their events.
    pub setup_times: BTreeMap<usize, Bucket>,
    /// Connections that went direct, through TURN, and of which it is not known.
    pub paths: [Bucket; 3],
    /// Conferences by number of participants, as the API counts those.
    pub participant_counts: BTreeMap<usize, Bucket>,
    /// getUserMedia errors by name.
    pub media_errors: BTreeMap<String, Bucket>,
    /// Scores of all visits that have one.
    pub scores: Option<Summary>,
    /// Quality by browser, system, version and country.
    pub groups: Vec<(Dimension, Vec<Group>)>,
}

/// What a filter goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// The app's version.
    Version,
    /// The browser's name.
    Browser,
    /// The operating system's name.
    System,
    /// The country's code.
    Country,
}

impl Dimension {
    /// All of them, in the order of pages.
    pub const ALL: [Self; 4] = [Self::Version, Self::Browser, Self::System, Self::Country];

    /// What pages call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Version => "App version",
            Self::Browser => "Browser",
            Self::System => "OS",
            Self::Country => "Country",
        }
    }

    /// A visit's value; what is not known is a group of its own.
    pub fn of(self, visit: &VisitFacts) -> &str {
        let value = match self {
            Self::Version => &visit.app_version,
            Self::Browser => &visit.browser,
            Self::System => &visit.os,
            Self::Country => &visit.country,
        };
        value.as_deref().filter(|value| !value.is_empty()).unwrap_or(UNKNOWN)
    }

    /// A value as pages show it: the names of countries instead of their codes.
    pub fn shown(self, value: &str) -> String {
        match self {
            Self::Country => countries::name(value).unwrap_or(value).to_owned(),
            _ => value.to_owned(),
        }
    }
}

/// One day, UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardDay {
    /// The day.
    pub day: Day,
    /// Calls that began on it.
    pub calls: usize,
    /// Those with an issue that Peer Metrics stored.
    pub with_issues: usize,
    /// Seconds of presence on it.
    pub presence_s: f64,
    /// Scores of the visits to its calls.
    pub scores: Option<Summary>,
    /// The tenth percentile of them: one visit of ten was worse.
    pub worst_tenth: Option<f64>,
    /// Most people at the same time.
    pub peak: usize,
    /// Visits by the app's version.
    pub versions: BTreeMap<String, usize>,
}

/// The visits of one browser, system, version or country.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its value.
    pub value: String,
    /// Visits.
    pub visits: Bucket,
    /// Scores of those that have one.
    pub scores: Option<Summary>,
    /// `better`, `worse` or `like` the app's median; none for fewer than [`ENOUGH`] scores.
    pub against: Option<&'static str>,
    /// Visits by the browser's major version; empty for other dimensions.
    pub versions: Vec<(String, usize)>,
}

impl Board {
    /// From the facts of an app's conferences; `instant` is that of the snapshot.
    pub fn of(table: &FactTable, instant: Timestamp) -> Self {
        let mut board = Self::default();
        for call in &table.calls {
            let conference = table.room_of(call).id;
            for connection in table.connections_of(call) {
                board.paths[connection.relayed.map_or(2, usize::from)].add(conference, call.start);
                if let Some(at) = connection.setup_ms.and_then(|ms| bucket_of(&SETUP_TIME, ms)) {
                    board.setup_times.entry(at).or_default().add(conference, call.start);
                }
            }
            for name in table.issues_of(call).iter().filter_map(|issue| issue.media_error) {
                let name = table.text(name).to_owned();
                board.media_errors.entry(name).or_default().add(conference, call.start);
            }
        }
        for room in &table.rooms {
            let bucket = board.participant_counts.entry(room.participants).or_default();
            bucket.add(room.id, room.created_at);
        }
        board.scores = Summary::of(table.visits.iter().filter_map(|visit| visit.score).collect());
        board.groups =
            Dimension::ALL.map(|dimension| (dimension, groups(table, dimension, board.scores))).to_vec();
        let axis = axis(&table.calls, instant);
        board.calls_left_out =
            table.calls.iter().filter(|call| !axis.contains_key(&call.start.day())).count();
        let scores;
        (board.days, scores) = days(table, &axis);
        for visit in &table.visits {
            for (hour, seconds) in by_hour(visit) {
                let weekday = usize::from(hour.day().weekday());
                if let Some(sum) =
                    board.hours.get_mut(weekday).and_then(|day| day.get_mut(usize::from(hour.hour())))
                {
                    *sum += seconds;
                }
            }
        }
        board.peak = concurrency(&table.visits, &mut board.days);
        if board.days.len() > DAILY {
            board.weeks = weeks(&board.days, &scores);
        }
        board
    }
}

fn groups(table: &FactTable, dimension: Dimension, all: Option<Summary>) -> Vec<Group> {
    #[derive(Default)]
    struct Sums {
        visits: Bucket,
        scores: Vec<f64>,
        versions: BTreeMap<Name, usize>,
    }
    let mut values: BTreeMap<Name, Sums> = BTreeMap::new();
    for visit in &table.visits {
        let conference = table.room_of(table.call_of(visit)).id;
        let entry = values.entry(visit.value(dimension)).or_default();
        entry.visits.add(conference, visit.from);
        entry.scores.extend(visit.score);
        if let Some(version) = visit.browser_version.filter(|_| dimension == Dimension::Browser) {
            *entry.versions.entry(version).or_default() += 1;
        }
    }
    let mut groups: Vec<Group> = values
        .into_iter()
        .map(|(value, Sums { visits, scores, versions })| {
            let scores = Summary::of(scores);
            let against =
                scores.filter(|own| own.n >= ENOUGH).zip(all).map(|(own, all)| match own.p50 - all.p50 {
                    difference if difference.abs() < LIKE => "like",
                    difference if difference > 0.0 => "better",
                    _ => "worse",
                });
            let mut versions: Vec<(String, usize)> = versions
                .into_iter()
                .map(|(version, visits)| (table.text(version).to_owned(), visits))
                .collect();
            versions.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            Group { value: table.text(value).to_owned(), visits, scores, against, versions }
        })
        .collect();
    groups.sort_by(|a, b| b.visits.count.cmp(&a.visits.count).then(a.value.cmp(&b.value)));
    groups
}

/// The days that are drawn, with their places. Days far off, as wrong clocks give them, are left out.
fn axis(calls: &[Call], instant: Timestamp) -> BTreeMap<Day, usize> {
    let last = instant.day().next();
    let first = instant.plus_seconds(-(DAYS as f64) * 86_400.0).day();
    let plausible = || calls.iter().map(|call| call.start.day()).filter(|day| *day <= last && *day >= first);
    let mut axis = BTreeMap::new();
    if let (Some(mut day), Some(end)) = (plausible().min(), plausible().max()) {
        while day <= end && axis.len() <= DAYS + 2 {
            axis.insert(day, axis.len());
            day = day.next();
        }
    }
    axis
}

/// The days of an axis, but for their peaks, and the scores of each, in order of size.
fn days(table: &FactTable, axis: &BTreeMap<Day, usize>) -> (Vec<BoardDay>, Vec<Vec<f64>>) {
    let mut days: Vec<BoardDay> = axis
        .keys()
        .map(|day| BoardDay {
            day: *day,
            calls: 0,
            with_issues: 0,
            presence_s: 0.0,
            scores: None,
            worst_tenth: None,
            peak: 0,
            versions: BTreeMap::new(),
        })
        .collect();
    let mut scores: Vec<Vec<f64>> = vec![Vec::new(); days.len()];
    for call in &table.calls {
        for visit in table.visits_of(call) {
            for (hour, seconds) in by_hour(visit) {
                if let Some(day) = axis.get(&hour.day()).and_then(|at| days.get_mut(*at)) {
                    day.presence_s += seconds;
                }
            }
        }
        let Some(at) = axis.get(&call.start.day()).copied() else { continue };
        let Some(day) = days.get_mut(at) else { continue };
        day.calls += 1;
        day.with_issues += usize::from(call.has_issues);
        for visit in table.visits_of(call) {
            scores[at].extend(visit.score);
            let version = table.text(visit.value(Dimension::Version));
            match day.versions.get_mut(version) {
                Some(visits) => *visits += 1,
                None => drop(day.versions.insert(version.to_owned(), 1)),
            }
        }
    }
    for (day, scores) in days.iter_mut().zip(&mut scores) {
        day.judge(scores);
    }
    (days, scores)
}

impl BoardDay {
    /// Takes the distribution of some scores, which are sorted.
    fn judge(&mut self, scores: &mut [f64]) {
        scores.sort_by(f64::total_cmp);
        self.worst_tenth = percentile(scores, 0.1);
        self.scores = Summary::of(scores.to_vec());
    }
}

/// Days joined to weeks, the first and last of which may be short.
fn weeks(days: &[BoardDay], scores: &[Vec<f64>]) -> Vec<BoardDay> {
    let mut weeks: Vec<(BoardDay, Vec<f64>)> = Vec::new();
    for (day, scores) in days.iter().zip(scores) {
        match weeks.last_mut().filter(|_| day.day.weekday() != 0) {
            None => weeks.push((day.clone(), scores.clone())),
            Some((week, all)) => {
                week.calls += day.calls;
                week.with_issues += day.with_issues;
                week.presence_s += day.presence_s;
                week.peak = week.peak.max(day.peak);
                for (version, visits) in &day.versions {
                    *week.versions.entry(version.clone()).or_default() += visits;
                }
                all.extend(scores);
            }
        }
    }
    let judged = weeks.into_iter().map(|(mut week, mut scores)| {
        week.judge(&mut scores);
        week
    });
    judged.collect()
}

/// The hours of a visit, by their first instants, with the seconds of it in each.
fn by_hour(visit: &Visit) -> impl Iterator<Item = (Timestamp, f64)> {
    const HOUR: i64 = 3_600_000_000;
    let from = visit.from.as_micros();
    let to = visit.to.min(visit.from.plus_seconds(LONGEST_S)).as_micros();
    let mut hour = from.div_euclid(HOUR) * HOUR;
    std::iter::from_fn(move || {
        if hour >= to {
            return None;
        }
        let next = hour.saturating_add(HOUR);
        let seconds = (next.min(to) - hour.max(from)) as f64 / 1e6;
        let this = Timestamp::from_micros(hour);
        hour = next;
        Some((this, seconds))
    })
}

/// Most people at the same time, in all and by day. Somebody with two pages open counts twice.
fn concurrency(visits: &[Visit], days: &mut [BoardDay]) -> Option<(usize, Timestamp)> {
    let mut steps: Vec<(Timestamp, i32)> = Vec::new();
    for visit in visits.iter().filter(|visit| visit.to > visit.from) {
        steps.push((visit.from, 1));
        steps.push((visit.to.min(visit.from.plus_seconds(LONGEST_S)), -1));
    }
    // Whoever leaves at the instant at which another comes was not there with the other.
    steps.sort_unstable();
    let mut there = 0_i32;
    let mut most: Option<(usize, Timestamp)> = None;
    let mut day = 0;
    for (at, step) in steps {
        // Those who stayed over midnight are there at the beginning of each day until now.
        while days.get(day).is_some_and(|known| known.day < at.day()) {
            day += 1;
            if let Some(next) = days.get_mut(day).filter(|next| next.day <= at.day()) {
                next.peak = next.peak.max(there.max(0) as usize);
            }
        }
        there += step;
        let now = there.max(0) as usize;
        if let Some(known) = days.get_mut(day).filter(|known| known.day == at.day()) {
            known.peak = known.peak.max(now);
        }
        if most.is_none_or(|(most, _)| now > most) {
            most = Some((now, at));
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ConferenceId;
    use crate::ids::{ParticipantId, SessionId};
    use crate::report::facts::{ConnectionFacts, IssueFacts};
    use crate::report::people::Place;
    use crate::report::{CallFacts, Class, ConferenceFacts, NoData};
    use crate::snapshot::ConferenceRow;
    use uuid::Uuid;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn visit(from: &str, to: &str, browser: &str, score: Option<f64>) -> VisitFacts {
        VisitFacts {
            session: SessionId::default(),
            participant: ParticipantId::default(),
            from: at(from),
            to: at(to),
            has_platform: true,
            browser: Some(browser.to_owned()),
            browser_version: None,
            os: None,
            country: None,
            city: None,
            app_version: Some("1".to_owned()),
            score,
        }
    }

    /// A table of conferences, each with its calls.
    fn table<const N: usize>(conferences: [Vec<CallFacts>; N]) -> FactTable {
        let mut table = FactTable::default();
        for (number, calls) in (1..).zip(conferences) {
            push(&mut table, number, &calls);
        }
        table
    }

    fn push(table: &mut FactTable, number: u128, calls: &[CallFacts]) {
        push_scored(table, number, calls, None);
    }

    fn push_scored(table: &mut FactTable, number: u128, calls: &[CallFacts], score: impl Into<Option<f64>>) {
        let facts = ConferenceFacts {
            row: ConferenceRow { id: ConferenceId(Uuid::from_u128(number)), ..ConferenceRow::default() },
            has_errors: false,
            has_warnings: false,
            participants_count: 0,
            class: Class::Success,
            api_class: Class::Success,
            calls: calls.len(),
            issues: BTreeMap::new(),
            mos: Err(NoData::NoStats),
            score: score.into().ok_or(NoData::NoStats),
            presence_s: 0.0,
            connections: (0, 0, 0),
            findings: 0,
            linked: Vec::new(),
        };
        table.push(&facts, "Stand-up", calls);
    }

    fn call(visits: Vec<VisitFacts>) -> CallFacts {
        CallFacts {
            number: 1,
            start: visits[0].from,
            end: visits[0].to,
            score: Err(NoData::NoStats),
            minutes: 0,
            bad_minutes: 0,
            issues: Vec::new(),
            incidents: BTreeMap::new(),
            visits,
            connections: Vec::new(),
        }
    }

    #[test]
    fn presence_counts_on_the_days_and_hours_on_which_it_was() {
        // Saturday 23:30 to Sunday 01:15.
        let saturday = vec![call(vec![visit("2026-11-21 23:30:00", "2026-11-22 01:15:00", "A", None)])];
        // A call on Monday, so that Sunday lies within the axis.
        let monday = vec![call(vec![visit("2026-11-23 08:00:00", "2026-11-23 08:00:10", "A", None)])];
        let board = Board::of(&table([saturday, monday]), at("2026-11-24 00:00:00"));
        let days: Vec<_> =
            board.days.iter().map(|day| (day.day.to_string(), day.calls, day.presence_s, day.peak)).collect();
        let day = |name: &str, calls, seconds, peak| (name.to_owned(), calls, seconds, peak);
        assert_eq!(
            days,
            [day("2026-11-21", 1, 1800.0, 1), day("2026-11-22", 0, 4500.0, 1), day("2026-11-23", 1, 10.0, 1)]
        );
        assert_eq!((board.hours[5][23], board.hours[6][0], board.hours[6][1]), (1800.0, 3600.0, 900.0));
        assert!((board.hours[0][8] - 10.0).abs() < 1e-9);
    }

    #[test]
    fn people_at_the_same_time_are_counted_where_their_visits_overlap() {
        let visits = vec![
            visit("2026-11-21 10:00:00", "2026-11-21 10:10:00", "A", None),
            visit("2026-11-21 10:05:00", "2026-11-21 10:08:00", "A", None),
            // Comes when the second leaves.
            visit("2026-11-21 10:08:00", "2026-11-21 10:20:00", "A", None),
        ];
        let board = Board::of(&table([vec![call(visits)]]), at("2026-11-24 00:00:00"));
        assert_eq!(board.peak, Some((2, at("2026-11-21 10:05:00"))));
        assert_eq!(board.days[0].peak, 2);
    }

    #[test]
    fn a_group_is_held_against_the_app_only_when_it_is_large_enough() {
        let with = |browser: &str, score: f64, count: usize| -> Vec<VisitFacts> {
            vec![visit("2026-11-21 10:00:00", "2026-11-21 10:10:00", browser, Some(score)); count]
        };
        let visits =
            [with("A", 90.0, 60), with("B", 70.0, 20), with("C", 20.0, 19), with("D", 92.0, 30)].concat();
        let board = Board::of(&table([vec![call(visits)]]), at("2026-11-24 00:00:00"));
        let (_, browsers) =
            board.groups.iter().find(|(dimension, _)| *dimension == Dimension::Browser).unwrap();
        let told: Vec<_> = browsers.iter().map(|group| (group.value.as_str(), group.against)).collect();
        assert_eq!(told, [("A", Some("like")), ("D", Some("like")), ("B", Some("worse")), ("C", None)]);
        assert_eq!(board.groups[2].1[0].value, UNKNOWN);
    }

    #[test]
    fn set_up_times_and_paths_are_those_of_events() {
        let connection = |relayed, setup_ms| ConnectionFacts {
            session: SessionId::default(),
            established: true,
            relayed,
            setup_ms,
        };
        let mut one = call(vec![visit("2026-11-21 10:00:00", "2026-11-21 10:10:00", "A", None)]);
        one.connections = vec![
            connection(Some(true), Some(100.0)),
            connection(Some(false), Some(1200.0)),
            connection(None, None),
        ];
        one.issues = vec![IssueFacts {
            code: "x".to_owned(),
            severity: None,
            session: SessionId::default(),
            media_error: None,
        }];
        let board = Board::of(&table([vec![one]]), at("2026-11-24 00:00:00"));
        assert_eq!(board.paths.map(|bucket| bucket.count), [1, 1, 1]);
        // Under 250 ms, and 1000 to 1500 ms.
        let counts: Vec<_> = board.setup_times.iter().map(|(at, bucket)| (*at, bucket.count)).collect();
        assert_eq!(counts, [(0, 1), (4, 1)]);
        assert_eq!(board.days[0].with_issues, 1);
    }

    #[test]
    fn a_clock_that_is_years_wrong_does_not_stretch_the_axis() {
        let calls = ["2026-11-21 10:00:00", "0001-01-01 00:00:00", "9999-01-01 00:00:00"]
            .map(|from| call(vec![visit(from, "9999-12-01 00:00:00", "A", None)]));
        let board = Board::of(&table([calls.to_vec()]), at("2026-11-24 00:00:00"));
        assert_eq!((board.days.len(), board.calls_left_out), (1, 2));
    }

    #[test]
    fn many_days_are_joined_to_weeks_from_monday() {
        // A visit a day for 130 days, from Wednesday 2026-07-15 on; the scores of the first whole week are 5 to 11.
        let calls: Vec<CallFacts> = (0..130)
            .map(|day| {
                let from = at("2026-07-15 10:00:00").plus_seconds(f64::from(day) * 86_400.0);
                let to = from.plus_seconds(60.0);
                call(vec![VisitFacts {
                    from,
                    to,
                    score: Some(f64::from(day)),
                    ..visit("2026-07-15 10:00:00", "2026-07-15 10:00:00", "A", None)
                }])
            })
            .collect();
        let board = Board::of(&table([calls]), at("2026-11-24 00:00:00"));
        assert_eq!(board.weeks[0].calls, 5);
        let week = &board.weeks[1];
        assert_eq!((week.day.to_string().as_str(), week.calls, week.presence_s), ("2026-07-20", 7, 420.0));
        assert_eq!(week.scores.map(|scores| (scores.p50, scores.n)), Some((8.0, 7)));
        assert_eq!(board.weeks.iter().map(|week| week.calls).sum::<usize>(), 130);
    }

    #[test]
    fn tables_that_are_put_together_of_months_are_as_if_made_at_once() {
        let city = |name: &str| Some((name.to_owned(), 47.5, 19.0));
        let conference = |browser: &str, place: &str, score: f64, session: u128| {
            let session = SessionId(Uuid::from_u128(session));
            let came = visit("2026-11-21 10:00:00", "2026-11-21 10:10:00", browser, Some(score));
            let mut one = call(vec![
                VisitFacts {
                    session,
                    city: city(place),
                    country: Some(browser.to_owned()),
                    browser_version: Some("140".to_owned()),
                    ..came.clone()
                },
                VisitFacts { city: city("Here"), ..came },
            ]);
            let setup_ms = Some(score);
            one.connections = vec![ConnectionFacts { session, established: true, relayed: None, setup_ms }];
            let media_error = Some(browser.to_owned());
            one.issues = vec![IssueFacts { code: place.to_owned(), severity: None, session, media_error }];
            vec![one.clone(), one]
        };
        let all: Vec<Vec<CallFacts>> = (0..12)
            .map(|n| conference(["A", "B", "C"][n % 3], ["Here", "There"][n % 2], 90.0 - n as f64, n as u128))
            .collect();
        let mut whole = FactTable::default();
        let mut months = [FactTable::default(), FactTable::default(), FactTable::default()];
        for (at, calls) in all.iter().enumerate() {
            // The middle month has none.
            for table in [&mut whole, &mut months[at / 6 * 2]] {
                push_scored(table, at as u128, calls, 90.0 - at as f64);
            }
        }
        let mut put_together = FactTable::default();
        for month in &months {
            put_together.append(postcard::from_bytes(&postcard::to_stdvec(month).unwrap()).unwrap());
        }
        assert_eq!(put_together, whole);
        let place = |visit: &Visit| put_together.place(visit.place.unwrap()).unwrap();
        let last: Vec<Place> = put_together.visits[44..].iter().map(place).collect();
        let of = |city: &str, country: Option<&str>| Place {
            city: Some(city.to_owned()),
            region: None,
            country: country.map(str::to_owned),
            latitude: Some(47.5),
            longitude: Some(19.0),
        };
        let twice = [of("There", Some("C")), of("Here", None)];
        assert_eq!(last, [&twice[..], &twice[..]].concat());
    }

    #[test]
    fn nothing_gives_an_empty_board() {
        assert_eq!(Board::of(&table([]), at("2026-11-24 00:00:00")).days, []);
    }
}
