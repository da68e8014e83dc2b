//! The visits of an app in little room: names stand once, rows name them by their places. What dashboards and their filters go
//! by, for as many calls as an app has ever had.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::board::{Dimension, UNKNOWN};
use super::people::Place;
use super::{CallFacts, Class, ConferenceFacts, VisitFacts};
use crate::ids::{ConferenceId, SessionId};
use crate::units::Timestamp;

/// Conferences on the list of the worst.
pub const WORST: usize = 10;

/// The place of a name in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name(u32);

/// Conferences, calls, visits, issues and connections of an app, each list in the order of the conferences' creation.
///
/// One that was read again is complete, but only to be appended to another: by what names and places are found stays behind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FactTable {
    names: Names,
    /// Where visits were.
    places: Vec<Spot>,
    #[serde(skip)]
    place_of: BTreeMap<Spot, u32>,
    /// Conferences.
    pub rooms: Vec<Room>,
    /// Their calls.
    pub calls: Vec<Call>,
    /// The visits to these.
    pub visits: Vec<Visit>,
    /// The issues of these.
    pub issues: Vec<Issue>,
    /// The connections of these.
    pub connections: Vec<Connection>,
    /// The conferences with the lowest scores, the lowest first.
    pub worst: Vec<ConferenceFacts>,
}

/// Texts, each once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Names {
    texts: Vec<Box<str>>,
    #[serde(skip)]
    places: BTreeMap<Box<str>, u32>,
}

impl Names {
    fn name(&mut self, text: &str) -> Name {
        if let Some(at) = self.places.get(text) {
            return Name(*at);
        }
        let at = self.texts.len() as u32;
        self.texts.push(text.into());
        self.places.insert(text.into(), at);
        Name(at)
    }
}

/// A city, where it is. With an address for each visit, there may be as many as visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Spot {
    city: Name,
    country: Option<Name>,
    /// Degrees north and east, as bits, which are the same or not.
    at: [u64; 2],
}

/// A conference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Room {
    /// Its id.
    pub id: ConferenceId,
    /// What to call it.
    pub label: Box<str>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its class by all its issues.
    pub class: Class,
    /// Seconds, as stored.
    pub duration: i64,
    /// Participants as the API counts.
    pub participants: usize,
    /// Score of the last call that has one, 0 to 100.
    pub score: Option<f64>,
    calls: (u32, u32),
}

/// A call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The place of its room.
    pub room: u32,
    /// When it began.
    pub start: Timestamp,
    /// Whether it has issues.
    pub has_issues: bool,
    visits: (u32, u32),
    issues: (u32, u32),
    connections: (u32, u32),
}

/// A visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// The place of its call.
    pub call: u32,
    /// When the page was opened.
    pub from: Timestamp,
    /// When it was left, or the last sign of it.
    pub to: Timestamp,
    values: [Name; 4],
    /// The first number of the browser's version, of a known browser.
    pub browser_version: Option<Name>,
    /// The number of its place, which is the same for the same place.
    pub place: Option<u32>,
    /// The participant's score in the call, 0 to 100.
    pub score: Option<f64>,
}

/// An issue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// The place of the visit that had it, if it is known.
    pub visit: Option<u32>,
    /// Its code.
    pub code: Name,
    /// Name of a getUserMedia error.
    pub media_error: Option<Name>,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// The place of the visit that had it, if it is known.
    pub visit: Option<u32>,
    /// Whether media was seen to go through TURN, if that is known.
    pub relayed: Option<bool>,
    /// From addConnection to connected by the events, ms.
    pub setup_ms: Option<f64>,
}

fn places(range: (u32, u32)) -> Range<usize> {
    range.0 as usize..range.1 as usize
}

/// The part of a list from a length on.
fn since<T>(from: usize, list: &[T]) -> (u32, u32) {
    (from as u32, list.len() as u32)
}

impl FactTable {
    /// Adds a conference, called so, with its calls; conferences come in order of creation.
    pub fn push(&mut self, facts: &ConferenceFacts, label: &str, calls: &[CallFacts]) {
        let room = self.rooms.len() as u32;
        let from = self.calls.len();
        let mut visit_of: BTreeMap<SessionId, u32> = BTreeMap::new();
        for call in calls {
            let from = self.visits.len();
            for visit in &call.visits {
                visit_of.insert(visit.session, self.visits.len() as u32);
                let row = self.visit(self.calls.len() as u32, visit);
                self.visits.push(row);
            }
            self.calls.push(Call {
                room,
                start: call.start,
                has_issues: !call.issues.is_empty(),
                visits: since(from, &self.visits),
                issues: (0, 0),
                connections: (0, 0),
            });
        }
        // An issue may be stored during a later call than that of its session.
        for (at, call) in calls.iter().enumerate() {
            let (issues, connections) = (self.issues.len(), self.connections.len());
            for issue in &call.issues {
                self.issues.push(Issue {
                    visit: visit_of.get(&issue.session).copied(),
                    code: self.names.name(&issue.code),
                    media_error: issue.media_error.as_deref().map(|name| self.names.name(name)),
                });
            }
            self.connections.extend(call.connections.iter().map(|connection| Connection {
                visit: visit_of.get(&connection.session).copied(),
                relayed: connection.relayed,
                setup_ms: connection.setup_ms,
            }));
            let row = &mut self.calls[from + at];
            row.issues = since(issues, &self.issues);
            row.connections = since(connections, &self.connections);
        }
        self.rooms.push(Room {
            id: facts.row.id,
            label: label.into(),
            created_at: facts.row.created_at,
            class: facts.class,
            duration: facts.row.duration,
            participants: facts.participants_count,
            score: facts.score.ok(),
            calls: since(from, &self.calls),
        });
        self.judge(facts);
    }

    /// Adds the conferences of another table, all of them created later. The result is the same as if they had been pushed.
    pub fn append(&mut self, other: Self) {
        let names: Vec<Name> = other.names.texts.iter().map(|text| self.names.name(text)).collect();
        let name = |name: Name| names[name.0 as usize];
        let spot = |spot: Spot| Spot { city: name(spot.city), country: spot.country.map(name), ..spot };
        let places: Vec<u32> = other.places.into_iter().map(|place| self.place_at(spot(place))).collect();
        let [rooms, calls, visits, issues, connections] = [
            self.rooms.len(),
            self.calls.len(),
            self.visits.len(),
            self.issues.len(),
            self.connections.len(),
        ]
        .map(|length| length as u32);
        let moved = |range: (u32, u32), by: u32| (range.0 + by, range.1 + by);
        // Of an app that has been there for years they are many: no more room than they take.
        self.rooms.reserve_exact(other.rooms.len());
        self.calls.reserve_exact(other.calls.len());
        self.visits.reserve_exact(other.visits.len());
        self.issues.reserve_exact(other.issues.len());
        self.connections.reserve_exact(other.connections.len());
        self.rooms
            .extend(other.rooms.into_iter().map(|room| Room { calls: moved(room.calls, calls), ..room }));
        self.calls.extend(other.calls.into_iter().map(|call| Call {
            room: call.room + rooms,
            visits: moved(call.visits, visits),
            issues: moved(call.issues, issues),
            connections: moved(call.connections, connections),
            ..call
        }));
        self.visits.extend(other.visits.into_iter().map(|visit| Visit {
            call: visit.call + calls,
            values: visit.values.map(name),
            browser_version: visit.browser_version.map(name),
            place: visit.place.map(|at| places[at as usize]),
            ..visit
        }));
        self.issues.extend(other.issues.into_iter().map(|issue| Issue {
            visit: issue.visit.map(|at| at + visits),
            code: name(issue.code),
            media_error: issue.media_error.map(name),
        }));
        self.connections.extend(
            other
                .connections
                .into_iter()
                .map(|connection| Connection { visit: connection.visit.map(|at| at + visits), ..connection }),
        );
        other.worst.iter().for_each(|facts| self.judge(facts));
    }

    fn visit(&mut self, call: u32, visit: &VisitFacts) -> Visit {
        let names = &mut self.names;
        let values = Dimension::ALL.map(|dimension| names.name(dimension.of(visit)));
        let version = || visit.browser_version.as_deref().unwrap_or(UNKNOWN);
        Visit {
            call,
            from: visit.from,
            to: visit.to,
            values,
            browser_version: visit.browser.as_ref().map(|_| names.name(version())),
            place: self.place_of(visit),
            score: visit.score,
        }
    }

    fn place_of(&mut self, visit: &VisitFacts) -> Option<u32> {
        let (city, latitude, longitude) = visit.city.as_ref()?;
        let city = self.names.name(city);
        let country = visit.country.as_deref().map(|country| self.names.name(country));
        Some(self.place_at(Spot {
            city,
            country,
            at: [latitude, longitude].map(|degrees| degrees.to_bits()),
        }))
    }

    fn place_at(&mut self, spot: Spot) -> u32 {
        let next = self.places.len() as u32;
        let at = *self.place_of.entry(spot).or_insert(next);
        if at == next {
            self.places.push(spot);
        }
        at
    }

    /// Keeps the conferences with the lowest scores.
    fn judge(&mut self, facts: &ConferenceFacts) {
        let Ok(score) = facts.score else { return };
        let is_before = |other: &ConferenceFacts| {
            let of_other = other.score.unwrap_or(f64::INFINITY);
            of_other.total_cmp(&score).then(other.row.id.cmp(&facts.row.id)).is_lt()
        };
        let at = self.worst.partition_point(is_before);
        if at < WORST {
            self.worst.insert(at, facts.clone());
            self.worst.truncate(WORST);
        }
    }

    /// A text by its name.
    pub fn text(&self, name: Name) -> &str {
        self.names.texts.get(name.0 as usize).map_or("", |text| text)
    }

    /// The calls of a conference.
    pub fn calls_of(&self, room: &Room) -> &[Call] {
        &self.calls[places(room.calls)]
    }

    /// The conference of a call.
    pub fn room_of(&self, call: &Call) -> &Room {
        &self.rooms[call.room as usize]
    }

    /// The visits to a call.
    pub fn visits_of(&self, call: &Call) -> &[Visit] {
        &self.visits[places(call.visits)]
    }

    /// The issues of a call.
    pub fn issues_of(&self, call: &Call) -> &[Issue] {
        &self.issues[places(call.issues)]
    }

    /// The connections of a call.
    pub fn connections_of(&self, call: &Call) -> &[Connection] {
        &self.connections[places(call.connections)]
    }

    /// The call of a visit.
    pub fn call_of(&self, visit: &Visit) -> &Call {
        &self.calls[visit.call as usize]
    }

    /// The place with a number.
    pub fn place(&self, number: u32) -> Option<Place> {
        let Spot { city, country, at } = *self.places.get(number as usize)?;
        let [latitude, longitude] = at.map(f64::from_bits);
        Some(Place {
            city: Some(self.text(city).to_owned()),
            region: None,
            country: country.map(|country| self.text(country).to_owned()),
            latitude: Some(latitude),
            longitude: Some(longitude),
        })
    }

    /// What the conferences are called, by id.
    pub fn labels(&self) -> BTreeMap<ConferenceId, &str> {
        self.rooms.iter().map(|room| (room.id, &*room.label)).collect()
    }
}

impl Visit {
    /// Its value of a dimension.
    pub fn value(&self, dimension: Dimension) -> Name {
        self.values[dimension as usize]
    }
}
