//! The facts of an app for the filters of its dashboard: a classic script, so that it loads from `file://`, that hands one list per
//! column to `peerpressFacts`. Names stand once in dictionaries; times are seconds from the first call.

use std::collections::BTreeMap;

use serde::Serialize;

use super::graphs::script_json;
use super::map;
use super::pages::conference_label;
use crate::ids::{ConferenceId, SessionId};
use crate::metrics::buckets::{DURATION, Range, SETUP_TIME};
use crate::report::board::{Board, Dimension};
use crate::report::people::Place;
use crate::report::words;
use crate::report::{Class, ConferenceFacts, VisitFacts};

#[derive(Serialize)]
struct Facts<'a> {
    /// Seconds since the Unix epoch from which times are counted.
    base: i64,
    /// The days of the charts: the first one's number since the Unix epoch, and how many there are.
    days: (i64, usize),
    /// Label, least value, and the least that no longer belongs to it.
    buckets: Buckets,
    dictionaries: Dictionaries<'a>,
    conferences: Conferences,
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
struct Conferences {
    id: Vec<ConferenceId>,
    label: Vec<String>,
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
struct Names<'a>(BTreeMap<&'a str, usize>);

impl<'a> Names<'a> {
    fn place(&mut self, name: &'a str) -> usize {
        let next = self.0.len();
        *self.0.entry(name).or_insert(next)
    }

    fn list(self) -> Vec<&'a str> {
        let mut list: Vec<_> = self.0.into_iter().collect();
        list.sort_by_key(|(_, place)| *place);
        list.into_iter().map(|(name, _)| name).collect()
    }
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn buckets(ranges: &[Range]) -> Vec<(&'static str, u32, Option<u32>)> {
    ranges.iter().map(|range| (range.label, range.min, range.max)).collect()
}

/// The script of an app's conferences, which are in order of creation, and the days of its board.
pub fn facts_script(facts: &[&ConferenceFacts], board: &Board) -> Vec<u8> {
    let starts =
        facts.iter().flat_map(|facts| &facts.calls).flat_map(|call| &call.visits).map(|visit| visit.from);
    let starts = starts.chain(facts.iter().map(|facts| facts.row.created_at));
    let base = starts.min().unwrap_or_default().as_millis().div_euclid(1000);
    let seconds = |at: crate::units::Timestamp| at.as_millis().div_euclid(1000) - base;
    let [mut versions, mut browsers, mut systems, mut countries] = [(); 4].map(|()| Names::default());
    let (mut codes, mut errors) = (Names::default(), Names::default());
    let mut cities: BTreeMap<String, (usize, Option<(f64, f64)>)> = BTreeMap::new();
    let (mut conferences, mut calls, mut sessions) =
        (Conferences::default(), Calls::default(), Sessions::default());
    let (mut issues, mut connections) = (Issues::default(), Connections::default());
    for (at, facts) in facts.iter().enumerate() {
        conferences.id.push(facts.row.id);
        conferences.label.push(conference_label(facts));
        conferences.at.push(seconds(facts.row.created_at));
        conferences.class.push(match facts.class {
            Class::Success => 0,
            Class::Warning => 1,
            Class::Error => 2,
            Class::Ongoing => 3,
        });
        conferences.duration.push(facts.row.duration);
        conferences.participants.push(facts.participants_count);
        conferences.score.push(facts.score.ok().map(f64::round));
        let mut place_of: BTreeMap<SessionId, usize> = BTreeMap::new();
        for call in &facts.calls {
            let place_of_call = calls.at.len();
            calls.conference.push(at);
            calls.at.push(seconds(call.start));
            for visit in &call.visits {
                place_of.insert(visit.session, sessions.call.len());
                sessions.call.push(place_of_call);
                sessions.at.push(seconds(visit.from));
                sessions.seconds.push(thousandths(visit.to.seconds_since(visit.from).max(0.0)));
                sessions.version.push(versions.place(Dimension::Version.of(visit)));
                sessions.browser.push(browsers.place(Dimension::Browser.of(visit)));
                sessions.system.push(systems.place(Dimension::System.of(visit)));
                sessions.country.push(countries.place(Dimension::Country.of(visit)));
                sessions.score.push(visit.score.map(thousandths));
                sessions.city.push(city(visit).map(|(label, place)| {
                    let next = cities.len();
                    cities.entry(label).or_insert((next, place)).0
                }));
            }
        }
        // An issue may be stored during a later call than that of its session.
        for call in &facts.calls {
            for issue in &call.issues {
                let Some(session) = place_of.get(&issue.session) else { continue };
                issues.session.push(*session);
                issues.code.push(codes.place(&issue.code));
                issues.error.push(issue.media_error.as_deref().map(|name| errors.place(name)));
            }
            for connection in &call.connections {
                let Some(session) = place_of.get(&connection.session) else { continue };
                connections.session.push(*session);
                connections.relayed.push(connection.relayed.map_or(-1, i8::from));
                connections.setup.push(connection.setup_ms);
            }
        }
    }
    let mut cities: Vec<_> = cities.into_iter().map(|(label, (at, place))| (at, label, place)).collect();
    cities.sort_by_key(|(at, _, _)| *at);
    let named = |code| (code, Dimension::Country.shown(code));
    let first = board.days.first().map_or(0, |day| day.day.start().as_millis().div_euclid(86_400_000));
    let facts = Facts {
        base,
        days: (first, board.days.len()),
        buckets: Buckets { durations: buckets(&DURATION), setup: buckets(&SETUP_TIME) },
        dictionaries: Dictionaries {
            versions: versions.list(),
            browsers: browsers.list(),
            systems: systems.list(),
            countries: countries.list().into_iter().map(named).collect(),
            cities: cities.into_iter().map(|(_, label, place)| (label, place)).collect(),
            codes: codes.list().into_iter().map(|code| (code, words::issue_title(code))).collect(),
            errors: errors.list(),
        },
        conferences,
        calls,
        sessions,
        issues,
        connections,
    };
    format!("peerpressFacts({});\n", script_json(&facts)).into_bytes()
}

/// The label of a visit's city, and its place on the map.
fn city(visit: &VisitFacts) -> Option<(String, Option<(f64, f64)>)> {
    let place = place(visit)?;
    let circle = map::circles(std::iter::once(&place)).pop()?;
    Some((circle.label, circle.place))
}

/// Where a visit was, as the map takes it.
pub fn place(visit: &VisitFacts) -> Option<Place> {
    let (city, latitude, longitude) = visit.city.clone()?;
    Some(Place {
        city: Some(city),
        region: None,
        country: visit.country.clone(),
        latitude: Some(latitude),
        longitude: Some(longitude),
    })
}
