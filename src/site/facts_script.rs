//! The facts of an app for the filters of its dashboard: a classic script, so that it loads from `file://`, that hands one list per
//! column to `peerpressFacts`. Names stand once in dictionaries; times are seconds from the first call.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::map;
use super::script_json::write_script_json;
use crate::ids::ConferenceId;
use crate::metrics::buckets::{DURATION, Range, SETUP_TIME};
use crate::report::board::{Board, Dimension};
use crate::report::fact_table::{FactTable, Name};
use crate::report::{Class, words};

#[derive(Serialize)]
struct Facts<'a> {
    /// Seconds since the Unix epoch from which times are counted.
    base: i64,
    /// The days of the charts: the first one's number since the Unix epoch, and how many there are.
    days: (i64, usize),
    /// Label, least value, and the least that no longer belongs to it.
    buckets: Buckets,
    dictionaries: Dictionaries<'a>,
    conferences: Conferences<'a>,
    calls: Calls,
    sessions: Sessions,
    issues: Issues,
    connections: Connections,
}

#[derive(Serialize)]
struct Buckets {
    /// Seconds.
    durations: Vec<(&'static str, u32, Option<u32>)>,
    /// Milliseconds.
    setup: Vec<(&'static str, u32, Option<u32>)>,
}

#[derive(Serialize, Default)]
struct Dictionaries<'a> {
    versions: Vec<&'a str>,
    browsers: Vec<&'a str>,
    systems: Vec<&'a str>,
    countries: Vec<(&'a str, String)>,
    /// Label, place on the map.
    cities: Vec<(String, Option<(f64, f64)>)>,
    /// Code, title.
    codes: Vec<(&'a str, &'a str)>,
    errors: Vec<&'a str>,
}

#[derive(Serialize, Default)]
struct Conferences<'a> {
    id: Vec<ConferenceId>,
    label: Vec<&'a str>,
    at: Vec<i64>,
    /// 0 without issues, 1 with warnings, 2 with errors, 3 ongoing.
    class: Vec<u8>,
    /// Seconds as stored.
    duration: Vec<i64>,
    participants: Vec<usize>,
    score: Vec<Option<f64>>,
}

#[derive(Serialize, Default)]
struct Calls {
    conference: Vec<usize>,
    at: Vec<i64>,
}

#[derive(Serialize, Default)]
struct Sessions {
    call: Vec<usize>,
    at: Vec<i64>,
    /// Seconds, in thousandths.
    seconds: Vec<f64>,
    version: Vec<usize>,
    browser: Vec<usize>,
    system: Vec<usize>,
    country: Vec<usize>,
    city: Vec<Option<usize>>,
    score: Vec<Option<f64>>,
}

#[derive(Serialize, Default)]
struct Issues {
    session: Vec<usize>,
    code: Vec<usize>,
    error: Vec<Option<usize>>,
}

#[derive(Serialize, Default)]
struct Connections {
    session: Vec<usize>,
    /// Through TURN: 1 yes, 0 no, -1 unknown.
    relayed: Vec<i8>,
    /// Milliseconds.
    setup: Vec<Option<f64>>,
}

/// Names with their places, in order of appearance.
#[derive(Default)]
struct Names(BTreeMap<Name, usize>);

impl Names {
    fn place(&mut self, name: Name) -> usize {
        let next = self.0.len();
        *self.0.entry(name).or_insert(next)
    }

    fn list(self, table: &FactTable) -> Vec<&str> {
        let mut list: Vec<_> = self.0.into_iter().collect();
        list.sort_by_key(|(_, place)| *place);
        list.into_iter().map(|(name, _)| table.text(name)).collect()
    }
}

/// Labels of cities with their places in the list, and those on the map.
#[derive(Default)]
struct Cities {
    list: Vec<(String, Option<(f64, f64)>)>,
    by_label: BTreeMap<String, usize>,
    /// By the number of the place in the table; none where it has no label.
    known: BTreeMap<u32, Option<usize>>,
}

impl Cities {
    fn place(&mut self, number: u32, table: &FactTable) -> Option<usize> {
        if let Some(known) = self.known.get(&number) {
            return *known;
        }
        let at = map::circles(table.place(number).iter()).pop().map(|circle| {
            *self.by_label.entry(circle.label.clone()).or_insert_with(|| {
                self.list.push((circle.label, circle.place));
                self.list.len() - 1
            })
        });
        self.known.insert(number, at);
        at
    }
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn buckets(ranges: &[Range]) -> Vec<(&'static str, u32, Option<u32>)> {
    ranges.iter().map(|range| (range.label, range.min, range.max)).collect()
}

/// Writes the script of an app's conferences, and the days of its board, piece by piece: it is as long as there are conferences.
pub fn write_facts_script(table: &FactTable, board: &Board, to: &mut (dyn Write + Send)) -> io::Result<()> {
    let starts = table.visits.iter().map(|visit| visit.from);
    let base = starts.chain(table.rooms.iter().map(|room| room.created_at)).min();
    let base = base.unwrap_or_default().as_millis().div_euclid(1000);
    let seconds = |at: crate::units::Timestamp| at.as_millis().div_euclid(1000) - base;
    let [mut versions, mut browsers, mut systems, mut countries] = [(); 4].map(|()| Names::default());
    let (mut codes, mut errors, mut cities) = (Names::default(), Names::default(), Cities::default());
    let (mut conferences, mut calls, mut sessions) =
        (Conferences::default(), Calls::default(), Sessions::default());
    let (mut issues, mut connections) = (Issues::default(), Connections::default());
    for room in &table.rooms {
        conferences.id.push(room.id);
        conferences.label.push(&room.label);
        conferences.at.push(seconds(room.created_at));
        conferences.class.push(match room.class {
            Class::Success => 0,
            Class::Warning => 1,
            Class::Error => 2,
            Class::Ongoing => 3,
        });
        conferences.duration.push(room.duration);
        conferences.participants.push(room.participants);
        conferences.score.push(room.score.map(f64::round));
    }
    for call in &table.calls {
        calls.conference.push(call.room as usize);
        calls.at.push(seconds(call.start));
    }
    for visit in &table.visits {
        sessions.call.push(visit.call as usize);
        sessions.at.push(seconds(visit.from));
        sessions.seconds.push(thousandths(visit.to.seconds_since(visit.from).max(0.0)));
        sessions.version.push(versions.place(visit.value(Dimension::Version)));
        sessions.browser.push(browsers.place(visit.value(Dimension::Browser)));
        sessions.system.push(systems.place(visit.value(Dimension::System)));
        sessions.country.push(countries.place(visit.value(Dimension::Country)));
        sessions.score.push(visit.score.map(thousandths));
        sessions.city.push(visit.place.and_then(|number| cities.place(number, table)));
    }
    for issue in &table.issues {
        let Some(visit) = issue.visit else { continue };
        issues.session.push(visit as usize);
        issues.code.push(codes.place(issue.code));
        issues.error.push(issue.media_error.map(|name| errors.place(name)));
    }
    for connection in &table.connections {
        let Some(visit) = connection.visit else { continue };
        connections.session.push(visit as usize);
        connections.relayed.push(connection.relayed.map_or(-1, i8::from));
        connections.setup.push(connection.setup_ms);
    }
    let named = |code| (code, Dimension::Country.shown(code));
    let first = board.days.first().map_or(0, |day| day.day.start().as_millis().div_euclid(86_400_000));
    let script = Facts {
        base,
        days: (first, board.days.len()),
        buckets: Buckets { durations: buckets(&DURATION), setup: buckets(&SETUP_TIME) },
        dictionaries: Dictionaries {
            versions: versions.list(table),
            browsers: browsers.list(table),
            systems: systems.list(table),
            countries: countries.list(table).into_iter().map(named).collect(),
            cities: cities.list,
            codes: codes.list(table).into_iter().map(|code| (code, words::issue_title(code))).collect(),
            errors: errors.list(table),
        },
        conferences,
        calls,
        sessions,
        issues,
        connections,
    };
    to.write_all(b"peerpressFacts(")?;
    write_script_json(&script, to)?;
    to.write_all(b");\n")
}
