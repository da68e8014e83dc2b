//! A conference: its head, its calls, and one call with its timeline, participants, connections, graphs, issues and events. The
//! page of a room shows its last call; each other call, and each further part of a long event log, has a page of its own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Known, Link, conference_label};
use crate::ids::{ConferenceId, EventId, ParticipantId};
use crate::metrics::call_score::{CallScore, Deduction};
use crate::metrics::limits::Limits;
use crate::metrics::measures::Measure;
use crate::metrics::percentile::Summary;
use crate::report::call::{Call, PersonInCall, worst_minutes};
use crate::report::incidents::{Gravity, Incident};
use crate::report::people::Device;
use crate::report::sdp::Section;
use crate::report::sides::{Place, Side, Sureness};
use crate::report::story::{Description, PathSpan, Round, StateSpan};
use crate::report::streams::{Direction, Kind};
use crate::report::verdicts::Agreement;
use crate::report::{Class, ConferenceReport, Connection, Issue, NoData, Visit, World};
use crate::site::Route;
use crate::site::chrome::{Content, Offer};
use crate::site::embed::CARD;
use crate::site::graphs::{Graphs, graphs};
use crate::site::map::{Circle, circles};
use crate::site::timeline::{Timeline, timeline};
use crate::snapshot::{EventRow, Json, Sample};
use crate::units::Timestamp;

/// Events on one page; a longer log goes on at pages of its own.
pub const EVENTS: usize = 1000;
/// Characters of an event's data that the log shows in its line.
const EVENT_TEXT: usize = 100;
/// Characters of an event's data that fold out below its line; more is in the data file.
const EVENT_JSON: usize = 4000;
/// With more peers than this the matrix of connections has marks only.
const MATRIX: usize = 8;
/// With more peers than this there is no matrix, only the list of connections.
const MATRIX_MARKS: usize = 50;
/// With more connections than this their first descriptions are told by their sections only.
const TEXTS: usize = 8;
/// Findings that are shown at once.
const FINDINGS: usize = 10;
/// Findings, and issues, that a page has at all; the gravest of them.
const HELD: usize = 200;
/// Lines of each list of a connection: states, paths, rounds, stored negotiations.
const LINES: usize = 60;
/// Events that issues which are one name as their evidence.
const EVIDENCE: usize = 6;
/// Bad moments that a card names.
const WORST: usize = 3;

/// A conference with one of its calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConferencePage {
    /// Its id.
    pub id: String,
    /// What to call it.
    pub label: String,
    /// Its name.
    pub name: Option<String>,
    /// The customer's id.
    pub conference_id: String,
    /// Its app.
    pub app: Link,
    /// When the first participant came.
    pub created_at: Timestamp,
    /// First connection.
    pub start_time: Option<Timestamp>,
    /// When the last connection was closed.
    pub end_time: Option<Timestamp>,
    /// Seconds with connections, as stored.
    pub duration: i64,
    /// Whether it goes on.
    pub ongoing: bool,
    /// By all issues.
    pub class: Class,
    /// Participants as the API counts them.
    pub participants_count: usize,
    /// What happened, in a sentence or two.
    pub sentence: String,
    /// Its calls, the last first.
    pub calls: Vec<CallItem>,
    /// The call that this page shows.
    pub call: Option<CallView>,
    /// Participants that were in none of its calls.
    pub absent: Vec<Card>,
    /// Odd data: kind and detail.
    pub findings: Vec<(&'static str, String)>,
    #[serde(skip)]
    trail: Vec<(String, Route)>,
}

/// One line of the list of calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallItem {
    /// Its number, from 1.
    pub number: usize,
    /// Its page; none for the one that is shown.
    pub href: Option<String>,
    /// When it began.
    pub start: Timestamp,
    /// Seconds.
    pub seconds: f64,
    /// Participants with visits or connections.
    pub people: usize,
    /// Its score.
    pub score: Known<ScoreView>,
    /// What happened.
    pub sentence: String,
}

/// A score with all that comes with one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreView {
    /// 0 to 100.
    pub score: f64,
    /// `good`, `fair` or `poor`.
    pub band: &'static str,
    /// Version of the definition.
    pub version: u32,
    /// The scores of the intervals.
    pub intervals: Summary,
    /// Minutes with data.
    pub minutes: usize,
    /// Those that are bad.
    pub bad_minutes: usize,
    /// What was taken away, and why.
    pub deductions: Vec<Deduction>,
}

fn score_view(score: &CallScore) -> ScoreView {
    ScoreView {
        score: score.score.round(),
        band: score.band(),
        version: score.version,
        intervals: score.intervals,
        minutes: score.minutes,
        bad_minutes: score.bad_minutes,
        deductions: score.deductions.clone(),
    }
}

fn known_score(score: &Result<CallScore, NoData>) -> Known<ScoreView> {
    Known::of(score.as_ref().map(score_view).map_err(|reason| *reason))
}

/// One call, whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallView {
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// The call before.
    pub previous: Option<Link>,
    /// The call after.
    pub next: Option<Link>,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// Seconds.
    pub seconds: f64,
    /// What happened.
    pub sentence: String,
    /// Its score.
    pub score: Known<ScoreView>,
    /// Distributions over the call.
    pub quality: Vec<Distribution>,
    /// What went wrong by our own detection.
    pub incidents: Vec<IncidentView>,
    /// How many there are; those that the page does not hold are in the data file.
    pub incident_count: usize,
    /// How many of the page's are folded away: notes, and what is more than a page's head should show.
    pub incidents_folded: usize,
    /// Peer Metrics' issues, by time; those that say the same of the same participant are one.
    pub issues: Vec<IssueEntry>,
    /// How many there are, each counted.
    pub issue_count: usize,
    /// How many are on the page.
    pub issues_held: usize,
    /// Lanes over time.
    pub timeline: Timeline,
    /// Its participants.
    pub participants: Vec<Card>,
    /// Who was connected to whom, if that fits a table.
    pub matrix: Option<Matrix>,
    /// Its connections.
    pub connections: Vec<ConnectionEntry>,
    /// Its graphs.
    pub graphs: Graphs,
    /// Where its participants were.
    pub places: Vec<Circle>,
    /// What happened, by time: the first part.
    pub events: Log,
}

/// A part of the event log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Log {
    /// Its events.
    pub events: Vec<EventEntry>,
    /// Place of the first one among all of the call, from 1.
    pub first: usize,
    /// How many the call has.
    pub of: usize,
    /// The first and last parts and those around this one: number, URL (none for this one), first instant.
    pub parts: Vec<(usize, Option<String>, Timestamp)>,
    /// How many parts there are.
    pub all_parts: usize,
}

/// A measure's distribution.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distribution {
    /// What is measured.
    pub label: &'static str,
    /// How to format it: the name of a unit.
    pub unit: &'static str,
    /// Over all intervals.
    pub summary: Known<Summary>,
}

/// A finding of ours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentView {
    /// `poor`, `fair` or `note`.
    pub gravity: Gravity,
    /// A few words.
    pub title: &'static str,
    /// How it is detected.
    pub definition: &'static str,
    /// Whose.
    pub participant: Link,
    /// With whom.
    pub peers: Vec<Link>,
    /// Streams that had it.
    pub streams: usize,
    /// `audio` or `video`.
    pub kind: Option<Kind>,
    /// When it began.
    pub from: Timestamp,
    /// When it was over.
    pub to: Timestamp,
    /// Milliseconds from the start of the call.
    pub from_ms: i64,
    /// Likewise.
    pub to_ms: i64,
    /// Seconds.
    pub seconds: f64,
    /// The worst value.
    pub peak: Option<f64>,
    /// Its unit.
    pub unit: &'static str,
    /// How often.
    pub count: Option<usize>,
    /// Seconds in all.
    pub total_s: Option<f64>,
    /// What the source said.
    pub detail: Option<String>,
    /// Whose side it was on.
    pub side: String,
    /// How sure that is.
    pub sureness: &'static str,
    /// The graph that shows it.
    pub graph: Option<&'static str>,
    /// Events that show it and are on this page.
    pub evidence: Vec<String>,
}

/// A participant's card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// Its id.
    pub id: String,
    /// The participant.
    pub link: Link,
    /// The customer's id, where a name is shown.
    pub given_id: Option<String>,
    /// Whether it is a server.
    pub is_sfu: bool,
    /// How it fared; none for somebody who was not in the call.
    pub score: Option<Known<ScoreView>>,
    /// Share of the presence with stats.
    pub coverage: Option<f64>,
    /// Sessions.
    pub sessions: usize,
    /// Whether one of them has no end while the conference goes on.
    pub present: bool,
    /// Seconds of presence.
    pub presence_s: f64,
    /// When each visit began and ended, and whether the end is stored.
    pub visits: Vec<(Timestamp, Timestamp, bool)>,
    /// Received audio scores.
    pub audio: Option<Summary>,
    /// Received video scores.
    pub video: Option<Summary>,
    /// Bit/s received.
    pub bitrate_in: Option<Summary>,
    /// Bit/s sent.
    pub bitrate_out: Option<Summary>,
    /// The worst minutes: when, ms from the start of the call, score.
    pub worst: Vec<(Timestamp, i64, Option<f64>)>,
    /// Browsers with versions.
    pub browsers: Vec<String>,
    /// Systems with versions.
    pub systems: Vec<String>,
    /// Machines: vendor, model, type, processor.
    pub machines: Vec<String>,
    /// Devices with a label.
    pub devices: Vec<Device>,
    /// Tracks that it sent: kind, label, settings, seconds muted.
    pub sent: Vec<SentTrack>,
    /// Places.
    pub places: Vec<String>,
    /// Versions of the app.
    pub app_versions: Vec<String>,
    /// SDKs.
    pub sdks: Vec<String>,
    /// What the app said.
    pub metadata: Vec<(String, String)>,
    /// Its connections: in all, established, relayed, over TCP.
    pub connections: (usize, usize, usize, usize),
    /// Codecs in use.
    pub codecs: Vec<String>,
    /// Issues: severity, title, explanation, number.
    pub issues: Vec<(&'static str, String, &'static str, usize)>,
}

/// A track that was sent: kind, label, settings, seconds muted.
type SentTrack = (String, Option<String>, Vec<(String, String)>, f64);
/// A stream in words, what codes it, the size of its pictures.
type StreamWords = (String, Option<String>, Option<(i64, i64)>);

/// Who was connected to whom.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Matrix {
    /// How much a cell says: `full`, `line` where all have but one peer, `marks` where there are many.
    pub form: &'static str,
    /// Peers, one per column.
    pub peers: Vec<Link>,
    /// A participant and its cells.
    pub rows: Vec<(Link, Vec<Vec<Cell>>)>,
}

/// One connection in the matrix.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// Its id.
    pub id: String,
    /// `good`, `fair`, `poor` or `muted`.
    pub tone: &'static str,
    /// Its state.
    pub state: String,
    /// Set-up time, ms.
    pub setup_ms: Option<f64>,
    /// Candidate types and protocol.
    pub path: String,
    /// Median round trip time, ms.
    pub rtt_ms: Option<f64>,
    /// Median inbound loss.
    pub loss: Option<f64>,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConnectionEntry {
    /// Its id.
    pub id: String,
    /// Whose.
    pub participant: Link,
    /// To whom.
    pub peer: Link,
    /// When it began.
    pub start: Timestamp,
    /// Seconds.
    pub seconds: f64,
    /// The latest state by the events.
    pub state: String,
    /// The stored state, where it is another.
    pub stored_state: Option<String>,
    /// From addConnection to connected, ms.
    pub setup_ms: Option<f64>,
    /// Local and remote candidate type.
    pub candidates: (Option<String>, Option<String>),
    /// Transport protocol.
    pub protocol: Option<String>,
    /// Through TURN.
    pub relayed: Option<bool>,
    /// Over TCP.
    pub over_tcp: Option<bool>,
    /// Round trip time, ms.
    pub rtt_ms: Option<Summary>,
    /// Inbound loss.
    pub loss_in: Option<Summary>,
    /// Outbound loss.
    pub loss_out: Option<Summary>,
    /// Received audio score.
    pub audio: Option<Summary>,
    /// Received video score.
    pub video: Option<Summary>,
    /// Polls.
    pub polls: usize,
    /// Streams: words, implementation, size.
    pub streams: Vec<StreamWords>,
    /// Negotiations as stored: kind, status, start, seconds.
    pub negotiations: Vec<(String, String, Option<Timestamp>, Option<f64>)>,
    /// How it was made, run and ended.
    pub ice: Ice,
}

/// An issue that Peer Metrics stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IssueEntry {
    /// When it was detected; of several that say the same, the first.
    pub at: Timestamp,
    /// When the others that say the same of the same participant were.
    pub again: Vec<Timestamp>,
    /// `error`, `warning` or `unknown`.
    pub severity: &'static str,
    /// Its code.
    pub code: String,
    /// A few words.
    pub title: String,
    /// What it means.
    pub explanation: &'static str,
    /// Whose.
    pub participant: Option<Link>,
    /// Its data, as text.
    pub data: Option<String>,
    /// `confirmed`, `differs` or `unchecked`.
    pub agreement: Option<Agreement>,
    /// What our own reading says.
    pub verdict: Option<String>,
    /// The graph that shows it.
    pub graph: Option<&'static str>,
    /// Events that show it and are on this page.
    pub evidence: Vec<String>,
}

/// An event's row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventEntry {
    /// Its id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Milliseconds from the start of the call.
    pub at_ms: i64,
    /// What happened.
    pub kind: String,
    /// Whose.
    pub participant: String,
    /// Its id.
    pub participant_id: String,
    /// To whom.
    pub peer: Option<String>,
    /// On which connection.
    pub connection: Option<String>,
    /// The beginning of its data.
    pub text: Option<String>,
    /// All of it, if that is more than the beginning and not too much.
    pub json: Option<String>,
    /// Characters of the data, where they are too many for this page.
    pub too_long: Option<usize>,
}

/// A further part of a call's event log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventsPage {
    /// The conference.
    pub conference: Link,
    /// What to call it.
    pub label: String,
    /// Its id.
    pub id: String,
    /// The call's number.
    pub call: usize,
    /// The part's number.
    pub part: usize,
    /// How many parts there are.
    pub parts: usize,
    /// Its events.
    pub log: Log,
    #[serde(skip)]
    trail: Vec<(String, Route)>,
}

/// The route of a call's page: that of the conference for the last one.
fn call_route(report: &ConferenceReport, number: usize) -> Route {
    if number == report.calls.len() {
        Route::Conference(report.id())
    } else {
        Route::Call(report.id(), number)
    }
}

/// The route of a part of a call's log: the call's page for the first one.
fn log_route(report: &ConferenceReport, call: usize, part: usize) -> Route {
    if part <= 1 { call_route(report, call) } else { Route::CallEvents(report.id(), call, part) }
}

/// All pages of a conference: its own with the last call, one for each other call, and the further parts of the logs.
pub fn pages<'a>(
    report: &'a ConferenceReport,
    world: &'a World,
    limits: &'a Limits,
) -> impl Iterator<Item = (Route, ConferencePageKind)> + 'a {
    let call =
        move |call| ConferencePageKind::Call(Box::new(ConferencePage::new(report, world, limits, call)));
    let without = report.calls.is_empty().then(|| (Route::Conference(report.id()), call(None)));
    let of_calls = report.calls.iter().rev().flat_map(move |one| {
        let first = (call_route(report, one.number), call(Some(one)));
        let parts = 2..=one.events.len().div_ceil(EVENTS);
        let further = parts.map(move |part| {
            let page = EventsPage::new(report, world, one, part);
            (log_route(report, one.number, part), ConferencePageKind::Events(Box::new(page)))
        });
        std::iter::once(first).chain(further)
    });
    without.into_iter().chain(of_calls)
}

/// What kind of page of a conference it is.
#[derive(Debug, Clone, PartialEq)]
pub enum ConferencePageKind {
    /// With a call.
    Call(Box<ConferencePage>),
    /// With a further part of a log.
    Events(Box<EventsPage>),
}

fn trail(report: &ConferenceReport, world: &World) -> Vec<(String, Route)> {
    let mut trail = Vec::new();
    if let Some(app) = world.apps.get(&report.dossier.conference.app_id) {
        let organization = world.organizations.get(&app.organization_id);
        trail.extend(organization.map(|row| (row.name.clone(), Route::Organization(row.id))));
        trail.push((app.name.clone(), Route::App(app.id)));
    }
    trail
}

impl ConferencePage {
    /// From a report, with one of its calls.
    pub fn new(report: &ConferenceReport, world: &World, limits: &Limits, call: Option<&Call>) -> Self {
        let row = &report.dossier.conference;
        let number = call.map_or(0, |call| call.number);
        let route = if number == 0 { Route::Conference(row.id) } else { call_route(report, number) };
        let app = world.apps.get(&row.app_id);
        let app_name = app.map_or_else(|| row.app_id.to_string(), |app| app.name.clone());
        let label = conference_label(&report.facts);
        let mut trail = trail(report, world);
        if number != report.calls.len() {
            trail.push((label.clone(), Route::Conference(row.id)));
        }
        Self {
            id: row.id.to_string(),
            name: row.conference_name.clone().filter(|name| !name.trim().is_empty()),
            conference_id: row.conference_id.clone(),
            app: app.map_or(Link { label: app_name.clone(), href: None }, |app| {
                Link::to(&app_name, &Route::App(app.id), &route)
            }),
            created_at: row.created_at,
            start_time: row.start_time,
            end_time: row.end_time,
            duration: row.duration,
            ongoing: row.ongoing,
            class: report.facts.class,
            participants_count: report.facts.participants_count,
            sentence: report.sentence.clone(),
            calls: calls(report, number, &route),
            absent: absent(report, &route),
            call: call.map(|call| CallView::new(report, call, world, limits, &route)),
            findings: report
                .findings
                .iter()
                .map(|finding| (finding.kind.title(), finding.detail.clone()))
                .collect(),
            label,
            trail,
        }
    }
}

/// All calls on the conference's own page; on the page of another one only itself and the last, which has the list.
fn calls(report: &ConferenceReport, shown: usize, from: &Route) -> Vec<CallItem> {
    let last = report.calls.len();
    let wanted =
        report.calls.iter().rev().filter(|call| shown == last || call.number == shown || call.number == last);
    wanted.map(|call| call_item(report, call, shown, from)).collect()
}

fn call_item(report: &ConferenceReport, call: &Call, shown: usize, from: &Route) -> CallItem {
    CallItem {
        number: call.number,
        href: (call.number != shown).then(|| call_route(report, call.number).href_from(from)),
        start: call.span.start,
        seconds: call.span.end.seconds_since(call.span.start),
        people: call.people.len(),
        score: known_score(&call.score),
        sentence: call.sentence.clone(),
    }
}

/// Participants that are linked to the conference and were in none of its calls: servers, peers without the SDK.
fn absent(report: &ConferenceReport, from: &Route) -> Vec<Card> {
    let there: BTreeSet<ParticipantId> =
        report.calls.iter().flat_map(|call| &call.people).map(|person| person.id).collect();
    let absent = report.people.iter().filter(|person| !there.contains(&person.id));
    absent
        .map(|person| Card {
            link: Link::person(person, from),
            given_id: person.given_id.clone().filter(|_| person.name.is_some()),
            is_sfu: person.is_sfu,
            ..card(report, None, person.id)
        })
        .collect()
}

impl CallView {
    fn new(report: &ConferenceReport, call: &Call, world: &World, limits: &Limits, route: &Route) -> Self {
        let listed: BTreeSet<EventId> = call
            .events
            .iter()
            .take(EVENTS)
            .filter_map(|at| report.dossier.events.get(*at))
            .map(|row| row.id)
            .collect();
        let listed = |id: EventId| listed.contains(&id);
        let connections: Vec<&Connection> =
            call.connections.iter().filter_map(|at| report.connections.get(*at)).collect();
        let neighbour = |number: Option<usize>| {
            let other = report.calls.get(number?.checked_sub(1)?)?;
            let label = other.span.start.api().get(..16).unwrap_or_default().to_owned();
            Some(Link::to(label, &call_route(report, other.number), route))
        };
        let participants = call.people.iter().filter_map(|person| {
            let row = report.people.iter().find(|row| row.id == person.id)?;
            Some(Card {
                link: Link::person(row, route),
                given_id: row.given_id.clone().filter(|_| row.name.is_some()),
                is_sfu: row.is_sfu,
                ..card(report, Some((call, person)), person.id)
            })
        });
        let mut participants: Vec<Card> = participants.collect();
        participants.sort_by(|a, b| (a.is_sfu, &a.link.label, &a.id).cmp(&(b.is_sfu, &b.link.label, &b.id)));
        let visits = call.visits.iter().filter_map(|at| report.visits.get(*at));
        // The gravest first; among equals by time, as they come.
        let mut gravest: Vec<&Incident> = call.incidents.iter().collect();
        gravest.sort_by_key(|incident| incident.gravity);
        let held = gravest.into_iter().take(HELD);
        let incidents: Vec<IncidentView> =
            held.map(|incident| incident_view(incident, call, world, route, &listed)).collect();
        let issues = call.issues.iter().filter_map(|at| report.issues.get(*at));
        let mut issues = joined_issues(issues.map(|issue| issue_entry(issue, world, route, &listed)));
        issues.truncate(HELD);
        Self {
            number: call.number,
            of: report.calls.len(),
            previous: neighbour(call.number.checked_sub(1).filter(|number| *number > 0)),
            next: neighbour(Some(call.number + 1)),
            start: call.span.start,
            end: call.span.end,
            seconds: call.span.end.seconds_since(call.span.start),
            sentence: call.sentence.clone(),
            score: known_score(&call.score),
            quality: distributions(&connections, report.dossier.samples.iter().any(Sample::from_summary)),
            incidents_folded: incidents
                .iter()
                .enumerate()
                .filter(|(at, incident)| *at >= FINDINGS || incident.gravity == Gravity::Note)
                .count(),
            incidents,
            incident_count: call.incidents.len(),
            issue_count: call.issues.len(),
            issues_held: issues.iter().map(|issue| 1 + issue.again.len()).sum(),
            issues,
            timeline: timeline(report, call, world, route, &listed),
            participants,
            matrix: matrix(&connections, world, route),
            connections: connections
                .iter()
                .map(|connection| entry(connection, connections.len() <= TEXTS, world, route))
                .collect(),
            graphs: graphs(report, call, world, limits),
            places: circles(visits.filter_map(|visit| visit.place.as_ref())),
            events: log(report, world, call, 1, route),
        }
    }
}

impl EventsPage {
    fn new(report: &ConferenceReport, world: &World, call: &Call, part: usize) -> Self {
        let route = log_route(report, call.number, part);
        let label = conference_label(&report.facts);
        let mut trail = trail(report, world);
        trail.push((label.clone(), call_route(report, call.number)));
        Self {
            conference: Link::to(&label, &call_route(report, call.number), &route),
            label,
            id: report.id().to_string(),
            call: call.number,
            part,
            parts: call.events.len().div_ceil(EVENTS),
            log: log(report, world, call, part, &route),
            trail,
        }
    }
}

fn log(report: &ConferenceReport, world: &World, call: &Call, part: usize, from: &Route) -> Log {
    let skip = (part - 1) * EVENTS;
    let event = |at: &usize| report.dossier.events.get(*at);
    let parts = call.events.chunks(EVENTS).enumerate().filter_map(|(at, chunk)| {
        let first = event(chunk.first()?)?.created_at;
        let number = at + 1;
        let href = (number != part).then(|| log_route(report, call.number, number).href_from(from));
        Some((number, href, first))
    });
    let parts: Vec<(usize, Option<String>, Timestamp)> = parts.collect();
    // A pager of thousands would be a page of its own: the ends, and what is near.
    let last = parts.len();
    let near = |number: usize| number <= 2 || number + 2 > last || number.abs_diff(part) <= 4;
    Log {
        events: call
            .events
            .iter()
            .skip(skip)
            .take(EVENTS)
            .filter_map(event)
            .map(|row| event_entry(row, call, world))
            .collect(),
        first: skip + 1,
        of: call.events.len(),
        parts: parts.into_iter().filter(|(number, _, _)| near(*number)).collect(),
        all_parts: last,
    }
}

fn distributions(connections: &[&Connection], from_summary: bool) -> Vec<Distribution> {
    let polls: usize = connections.iter().map(|connection| connection.series.t.len()).sum();
    let reason = if connections.is_empty() {
        NoData::NeverConnected
    } else if polls == 0 {
        NoData::NoStats
    } else if from_summary {
        NoData::NotKept
    } else {
        NoData::NotReported
    };
    let whole = |measure: Measure| -> Vec<f64> {
        let values = connections.iter().filter_map(|connection| connection.series.values.get(measure));
        values.flatten().flatten().copied().collect()
    };
    let of = |direction: Direction, measure: Measure| -> Vec<f64> {
        let streams = connections.iter().flat_map(|connection| &connection.series.streams);
        let streams = streams.filter(|stream| stream.direction == direction);
        streams.filter_map(|stream| stream.values.get(measure)).flatten().flatten().copied().collect()
    };
    let setups = connections.iter().filter_map(|connection| connection.setup_ms).collect();
    let received = Direction::Inbound;
    let entry = |label, unit, values: Vec<f64>| Distribution {
        label,
        unit,
        summary: Known::of(Summary::of(values).ok_or(reason)),
    };
    vec![
        entry("Audio score (E-model)", "score", of(received, Measure::AudioScore)),
        entry("Video score", "score", of(received, Measure::VideoScore)),
        entry("Audio eMOS (as Peer Metrics)", "score", of(received, Measure::Emos)),
        entry("Round trip time", "millis", whole(Measure::RoundTripTime)),
        entry("Packet loss, received", "percent", of(received, Measure::Loss)),
        entry("Packet loss, sent", "percent", of(Direction::Outbound, Measure::Loss)),
        entry("Jitter, received", "millis", of(received, Measure::Jitter)),
        entry("Time frozen", "percent", of(received, Measure::FreezeShare)),
        entry("Concealed audio", "percent", of(received, Measure::Concealment)),
        entry("Bit rate received", "bits", whole(Measure::BitrateIn)),
        entry("Bit rate sent", "bits", whole(Measure::BitrateOut)),
        entry("Set-up time", "millis", setups),
    ]
}

fn incident_view(
    incident: &Incident,
    call: &Call,
    world: &World,
    from: &Route,
    listed: &dyn Fn(EventId) -> bool,
) -> IncidentView {
    let (_, title, definition) = incident.code.meaning();
    let link = |id: ParticipantId| Link::person(&world.person(id), from);
    let start = call.span.start.as_millis();
    let (side, sureness) = side_words(&incident.side, world);
    IncidentView {
        gravity: incident.gravity,
        title,
        definition,
        participant: link(incident.participant),
        peers: incident.peers.iter().map(|id| link(*id)).collect(),
        streams: incident.streams,
        kind: incident.kind,
        from: incident.from,
        to: incident.to,
        from_ms: incident.from.as_millis() - start,
        to_ms: incident.to.as_millis() - start,
        seconds: incident.to.seconds_since(incident.from),
        peak: incident.peak,
        unit: incident.unit,
        count: incident.count,
        total_s: incident.total_s,
        detail: incident.detail.clone(),
        side,
        sureness,
        graph: incident.code.measure().map(|measure| measure.meaning().key),
        evidence: incident.evidence.iter().filter(|id| listed(**id)).map(ToString::to_string).collect(),
    }
}

/// Whose side it was on, and how sure that is.
fn side_words(side: &Side, world: &World) -> (String, &'static str) {
    let whose = side.whose.map_or_else(|| "somebody".to_owned(), |id| world.person(id).label);
    let words = match side.place {
        Place::Uplink => format!("what {whose} sends"),
        Place::Downlink => format!("what {whose} receives"),
        Place::Access => format!("{whose}'s access"),
        Place::Device => format!("{whose}'s machine"),
        Place::Path => "the path between the two".to_owned(),
        Place::Server => format!("the server {whose}, its network or who sends through it"),
        Place::Unknown => return ("cannot be told".to_owned(), ""),
    };
    let sureness = match side.sureness {
        Sureness::Low => "a guess",
        Sureness::Medium => "likely",
        Sureness::High => "sure",
    };
    (words, sureness)
}

/// The words of somebody's part; `part` is none for those who were in no call.
fn card(report: &ConferenceReport, part: Option<(&Call, &PersonInCall)>, id: ParticipantId) -> Card {
    let visits: Vec<&Visit> = part
        .iter()
        .flat_map(|(call, _)| &call.visits)
        .filter_map(|at| report.visits.get(*at))
        .filter(|visit| visit.participant == id)
        .collect();
    let versions = |name: Option<&String>, version: Option<&String>| {
        name.map(|name| version.map_or_else(|| name.clone(), |version| format!("{name} {version}")))
    };
    let platforms = || visits.iter().filter_map(|visit| visit.platform.as_ref());
    let mut issues: BTreeMap<&str, (&'static str, String, &'static str, usize)> = BTreeMap::new();
    let of_call = part.iter().flat_map(|(call, _)| &call.issues).filter_map(|at| report.issues.get(*at));
    for issue in of_call.filter(|issue| issue.participant == Some(id)) {
        let severity = issue.severity.map_or("unknown", crate::report::words::Severity::label);
        let fresh = (severity, issue.title.clone(), issue.explanation, 0);
        issues.entry(&issue.row.code).or_insert(fresh).3 += 1;
    }
    let mut devices: Vec<Device> = visits.iter().flat_map(|visit| visit.devices.clone()).collect();
    devices.sort();
    devices.dedup();
    let connections: Vec<&Connection> = part
        .iter()
        .flat_map(|(call, _)| &call.connections)
        .filter_map(|at| report.connections.get(*at))
        .filter(|connection| connection.row.participant_id == id)
        .collect();
    let count =
        |wanted: fn(&Connection) -> bool| connections.iter().filter(|connection| wanted(connection)).count();
    let streams = connections.iter().flat_map(|connection| &connection.series.streams);
    let codecs = streams.filter_map(|stream| {
        let codec = stream.codec.as_ref()?;
        Some(format!("{codec} ({} {})", stream.kind.label(), stream.direction.label()))
    });
    let person = part.map(|(_, person)| person);
    Card {
        id: id.to_string(),
        link: Link { label: String::new(), href: None },
        given_id: None,
        is_sfu: false,
        score: person.map(|person| known_score(&person.score)),
        coverage: person.and_then(|person| person.coverage),
        sessions: visits.len(),
        present: report.dossier.conference.ongoing && visits.iter().any(|visit| !visit.ended),
        presence_s: person.map_or(0.0, |person| person.presence_s),
        visits: visits.iter().map(|visit| (visit.from, visit.to, visit.ended)).collect(),
        audio: person.and_then(|person| person.audio),
        video: person.and_then(|person| person.video),
        bitrate_in: person.and_then(|person| person.bitrate_in),
        bitrate_out: person.and_then(|person| person.bitrate_out),
        worst: part.map(|(call, person)| worst(call, person)).unwrap_or_default(),
        browsers: distinct(
            platforms().filter_map(|platform| {
                versions(platform.browser.as_ref(), platform.browser_version.as_ref())
            }),
        ),
        systems: distinct(
            platforms().filter_map(|platform| versions(platform.os.as_ref(), platform.os_version.as_ref())),
        ),
        machines: distinct(platforms().filter_map(|platform| {
            let parts: Vec<&str> =
                [platform.device.as_deref(), platform.cpu.as_deref()].into_iter().flatten().collect();
            (!parts.is_empty()).then(|| parts.join(", "))
        })),
        devices,
        sent: sent(report, part.map(|(call, _)| call), id),
        places: distinct(visits.iter().filter_map(|visit| visit.place.as_ref()?.label())),
        app_versions: distinct(visits.iter().filter_map(|visit| visit.app_version.clone())),
        sdks: distinct(visits.iter().filter_map(|visit| visit.webrtc_sdk.clone())),
        metadata: {
            let mut pairs: Vec<(String, String)> =
                visits.iter().flat_map(|visit| visit.metadata.clone()).collect();
            pairs.sort();
            pairs.dedup();
            pairs
        },
        connections: (
            connections.len(),
            count(Connection::is_established),
            count(|connection| connection.relayed == Some(true)),
            count(|connection| connection.over_tcp == Some(true)),
        ),
        codecs: distinct(codecs),
        issues: issues.into_values().collect(),
    }
}

fn worst(call: &Call, person: &PersonInCall) -> Vec<(Timestamp, i64, Option<f64>)> {
    let minute = |minute: i64| call.span.start.plus_seconds(minute as f64 * 60.0);
    worst_minutes(&person.minutes, WORST)
        .into_iter()
        .map(|bad| (minute(bad.minute), bad.minute * 60_000, bad.score))
        .collect()
}

/// What somebody sent in a call, by the tracks.
fn sent(report: &ConferenceReport, call: Option<&Call>, id: ParticipantId) -> Vec<SentTrack> {
    let Some(call) = call else { return Vec::new() };
    let own = report.tracks.iter().filter(|track| {
        track.participant == Some(id)
            && track.direction == Some(Direction::Outbound)
            && track.from <= call.span.end
            && track.ended.is_none_or(|ended| ended >= call.span.start)
    });
    let mut list: Vec<_> = own
        .map(|track| {
            let end = track.ended.unwrap_or(call.span.end).min(call.span.end);
            let muted = track.mutes.iter().map(|(from, to)| {
                let (from, to) = ((*from).max(call.span.start), to.unwrap_or(end).min(end));
                to.seconds_since(from).max(0.0)
            });
            let kind = track.kind.map_or("track", Kind::label).to_owned();
            (kind, track.label.clone(), track.settings.clone(), muted.sum())
        })
        .collect();
    list.sort_by(|a, b| (&a.0, &a.1, &a.2).cmp(&(&b.0, &b.1, &b.2)));
    // One device gives a track per connection: all the same to a reader.
    list.dedup_by(|b, a| (&a.0, &a.1, &a.2) == (&b.0, &b.1, &b.2));
    list
}

fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let set: BTreeSet<String> = values.collect();
    set.into_iter().collect()
}

fn summary_of(connection: &Connection, measure: Measure) -> Option<Summary> {
    let values = connection.series.values.get(measure)?;
    Summary::of(values.iter().flatten().copied().collect())
}

fn summary_of_streams(connection: &Connection, direction: Direction, measure: Measure) -> Option<Summary> {
    let streams = connection.series.streams.iter().filter(|stream| stream.direction == direction);
    let values = streams.filter_map(|stream| stream.values.get(measure));
    Summary::of(values.flatten().flatten().copied().collect())
}

fn path_words(connection: &Connection) -> String {
    let side = |kind: &Option<String>| kind.clone().unwrap_or_else(|| "unknown".to_owned());
    let (local, remote) = &connection.candidate_types;
    let protocol = connection.protocol.as_ref().map(|protocol| format!(", {protocol}")).unwrap_or_default();
    format!("{} → {}{protocol}", side(local), side(remote))
}

fn matrix(connections: &[&Connection], world: &World, from: &Route) -> Option<Matrix> {
    let mut peers: Vec<ParticipantId> = connections.iter().map(|connection| connection.row.peer_id).collect();
    let mut people: Vec<ParticipantId> =
        connections.iter().map(|connection| connection.row.participant_id).collect();
    for ids in [&mut peers, &mut people] {
        ids.sort_by_cached_key(|id| (world.person(*id).label, *id));
        ids.dedup();
    }
    let form = match peers.len() {
        0 => return None,
        1 => "line",
        2..=MATRIX => "full",
        _ if peers.len() <= MATRIX_MARKS => "marks",
        _ => return None,
    };
    let cell = |connection: &&&Connection| {
        let loss =
            summary_of_streams(connection, Direction::Inbound, Measure::Loss).map(|summary| summary.p50);
        let rtt_ms = summary_of(connection, Measure::RoundTripTime).map(|summary| summary.p50);
        let bad = loss.is_some_and(|loss| loss > 0.05) || rtt_ms.is_some_and(|rtt| rtt > 400.0);
        Cell {
            id: connection.row.id.to_string(),
            tone: match connection.state.as_str() {
                "failed" => "poor",
                _ if !connection.is_established() => "muted",
                "disconnected" => "fair",
                _ if bad => "fair",
                _ => "good",
            },
            state: connection.state.clone(),
            setup_ms: connection.setup_ms,
            path: path_words(connection),
            rtt_ms,
            loss,
        }
    };
    let link = |id: ParticipantId| Link::person(&world.person(id), from);
    let rows = people.iter().map(|person| {
        let cells = peers.iter().map(|peer| {
            let own = connections.iter().filter(|connection| {
                connection.row.participant_id == *person && connection.row.peer_id == *peer
            });
            own.collect::<Vec<_>>().iter().map(cell).collect()
        });
        (link(*person), cells.collect())
    });
    Some(Matrix { form, rows: rows.collect(), peers: peers.iter().map(|id| link(*id)).collect() })
}

fn entry(connection: &Connection, with_text: bool, world: &World, from: &Route) -> ConnectionEntry {
    let row = &connection.row;
    let start = connection.start();
    let negotiation = |negotiation: &crate::report::Negotiation| {
        let seconds = negotiation.end.zip(negotiation.start).map(|(end, start)| end.seconds_since(start));
        (negotiation.kind.clone(), negotiation.status.clone(), negotiation.start, seconds)
    };
    let stream = |stream: &crate::report::streams::Stream| {
        let codec = stream.codec.as_ref().map(|codec| format!(", {codec}")).unwrap_or_default();
        let words = format!("{} {}{codec}", stream.kind.label(), stream.direction.label());
        (words, stream.implementation.clone(), stream.size)
    };
    ConnectionEntry {
        id: row.id.to_string(),
        participant: Link::person(&world.person(row.participant_id), from),
        peer: Link::person(&world.person(row.peer_id), from),
        start,
        seconds: connection.to.seconds_since(start),
        state: connection.state.clone(),
        stored_state: (row.state != connection.state).then(|| row.state.clone()),
        setup_ms: connection.setup_ms,
        candidates: connection.candidate_types.clone(),
        protocol: connection.protocol.clone(),
        relayed: connection.relayed,
        over_tcp: connection.over_tcp,
        rtt_ms: summary_of(connection, Measure::RoundTripTime),
        loss_in: summary_of_streams(connection, Direction::Inbound, Measure::Loss),
        loss_out: summary_of_streams(connection, Direction::Outbound, Measure::Loss),
        audio: summary_of_streams(connection, Direction::Inbound, Measure::AudioScore),
        video: summary_of_streams(connection, Direction::Inbound, Measure::VideoScore),
        polls: connection.series.t.len(),
        streams: connection.series.streams.iter().map(stream).collect(),
        negotiations: connection.negotiations.iter().take(LINES).map(negotiation).collect(),
        ice: Ice::new(connection, with_text),
    }
}

/// How a connection was made, run and ended, in the words of its events.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ice {
    /// Label and text.
    pub facts: Vec<(&'static str, String)>,
    /// Stretches of its states: of what, state, from, seconds.
    pub states: Vec<(&'static str, String, Timestamp, f64)>,
    /// Selected pairs over time: from, seconds, words.
    pub path: Vec<(Timestamp, f64, String)>,
    /// Rounds of offer and answer: from, seconds, words.
    pub rounds: Vec<(Timestamp, Option<f64>, String)>,
    /// Session descriptions.
    pub descriptions: Vec<DescriptionView>,
    /// Descriptions that are only in the data file.
    pub left_out: usize,
    /// Lines of the lists above and of the stored negotiations, likewise.
    pub more_lines: usize,
}

/// A session description.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DescriptionView {
    /// When.
    pub at: Timestamp,
    /// `local offer`.
    pub title: String,
    /// Its sections in words.
    pub sections: Vec<String>,
    /// What changed since the one before of the same side.
    pub highlights: Vec<String>,
    /// Lines that are gone and new, with their signs.
    pub lines: Vec<String>,
    /// Changed lines that are not shown.
    pub more_lines: usize,
    /// The whole text, for the first of each side.
    pub text: Option<String>,
}

impl Ice {
    fn new(connection: &Connection, with_text: bool) -> Self {
        let story = &connection.story;
        let states = [
            ("connection", &story.connection_states),
            ("ICE", &story.ice_states),
            ("gathering", &story.gathering_states),
            ("signaling", &story.signaling_states),
        ];
        let span = |of: &'static str, span: &StateSpan| {
            (of, span.state.clone(), span.from, span.to.seconds_since(span.from))
        };
        let path = |path: &PathSpan| {
            let side = |kind: &Option<String>| kind.clone().unwrap_or_else(|| "unknown".to_owned());
            let mut words =
                format!("{} → {} over {}", side(&path.local), side(&path.remote), side(&path.protocol));
            if let Some(protocol) = &path.relay_protocol {
                words.push_str(&format!(", TURN over {protocol}"));
            }
            if let (Some(local), Some(remote)) = (&path.local_address, &path.remote_address) {
                words.push_str(&format!(" ({local} → {remote})"));
            }
            (path.from, path.to.seconds_since(path.from), words)
        };
        let round = |round: &Round| {
            let seconds = round.to.map(|to| to.seconds_since(round.from));
            (
                round.from,
                seconds,
                format!("{}, offered by the {} side: {}", round.kind, round.offerer, round.outcome),
            )
        };
        let description = |description: &Description| {
            let changes = description.changes.as_ref();
            DescriptionView {
                at: description.at,
                title: format!("{} {}", description.side, description.kind),
                sections: description.summary.sections.iter().map(Section::words).collect(),
                highlights: changes.map(|changes| changes.highlights.clone()).unwrap_or_default(),
                lines: changes
                    .map(|changes| {
                        changes.lines.iter().map(|(sign, _, line)| format!("{sign} {line}")).collect()
                    })
                    .unwrap_or_default(),
                more_lines: changes.map_or(0, |changes| changes.left_out),
                text: description.text.clone().filter(|_| with_text),
            }
        };
        let lists = states.iter().map(|(_, spans)| spans.len());
        let lists = lists.chain([story.path.len(), story.rounds.len(), connection.negotiations.len()]);
        Self {
            facts: story.facts(),
            more_lines: lists.map(|lines| lines.saturating_sub(LINES)).sum(),
            states: states
                .into_iter()
                .flat_map(|(of, spans)| spans.iter().take(LINES).map(move |state| span(of, state)))
                .collect(),
            path: story.path.iter().take(LINES).map(path).collect(),
            rounds: story.rounds.iter().take(LINES).map(round).collect(),
            descriptions: story.descriptions.iter().map(description).collect(),
            left_out: story.descriptions_left_out,
        }
    }
}

/// Issues that say the same of the same participant as one, where the first of them stood.
fn joined_issues(issues: impl Iterator<Item = IssueEntry>) -> Vec<IssueEntry> {
    let mut joined: Vec<IssueEntry> = Vec::new();
    let mut places = BTreeMap::new();
    for issue in issues {
        let says = (issue.code.clone(), issue.participant.clone(), issue.data.clone(), issue.verdict.clone());
        let at = *places.entry(says).or_insert(joined.len());
        let Some(first) = joined.get_mut(at) else {
            joined.push(issue);
            continue;
        };
        first.again.push(issue.at);
        for event in issue.evidence {
            if first.evidence.len() < EVIDENCE && !first.evidence.contains(&event) {
                first.evidence.push(event);
            }
        }
    }
    joined
}

fn issue_entry(issue: &Issue, world: &World, from: &Route, listed: &dyn Fn(EventId) -> bool) -> IssueEntry {
    let verdict = issue.verdict.as_ref();
    IssueEntry {
        at: issue.row.created_at,
        again: Vec::new(),
        severity: issue.severity.map_or("unknown", crate::report::words::Severity::label),
        code: issue.row.code.clone(),
        title: issue.title.clone(),
        explanation: issue.explanation,
        participant: issue.participant.map(|id| Link::person(&world.person(id), from)),
        data: issue.row.data.as_ref().map(|data| shortened(&data.0)).filter(|text| text != "null"),
        agreement: verdict.map(|verdict| verdict.agreement),
        verdict: verdict.map(|verdict| verdict.text.clone()),
        graph: verdict.and_then(|verdict| Some(verdict.measure?.meaning().key)),
        evidence: verdict
            .map(|verdict| &verdict.evidence)
            .into_iter()
            .flatten()
            .filter(|id| listed(**id))
            .map(ToString::to_string)
            .collect(),
    }
}

fn event_entry(event: &EventRow, call: &Call, world: &World) -> EventEntry {
    let data = event.data.as_ref().filter(|data| data.0.trim() != "null");
    let length = data.map_or(0, |data| data.0.chars().count());
    let text = match (event.r#type.as_str(), data) {
        // A description is long and says little in its first characters; the state is what happened.
        ("onsignalingstatechange", Some(data)) => signaling(data).or_else(|| Some(shortened(&data.0))),
        (_, Some(data)) => Some(shortened(&data.0)),
        _ => None,
    };
    let folds = length > EVENT_TEXT && length <= EVENT_JSON;
    EventEntry {
        id: event.id.to_string(),
        at: event.created_at,
        at_ms: event.created_at.as_millis() - call.span.start.as_millis(),
        kind: event.r#type.clone(),
        participant: world.person(event.participant_id).label,
        participant_id: event.participant_id.to_string(),
        peer: event.peer_id.map(|peer| world.person(peer).label),
        connection: event.connection_id.map(|id| id.to_string()),
        text,
        json: data.filter(|_| folds).map(pretty),
        too_long: (length > EVENT_JSON).then_some(length),
    }
}

fn signaling(data: &Json) -> Option<String> {
    Some(shortened(data.parse()?.get("signalingState")?.as_str()?))
}

/// JSON over several lines; what cannot be read stays as it is.
fn pretty(data: &Json) -> String {
    let value = data.parse();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| data.0.clone())
}

/// The beginning of a text, with an ellipsis if there is more.
fn shortened(text: &str) -> String {
    let mut characters = text.char_indices();
    match characters.nth(EVENT_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Content for ConferencePage {
    const KIND: &'static str = "conference";
    const TEMPLATE: &'static str = "pages/conference.html";

    fn title(&self) -> String {
        match &self.call {
            Some(call) if call.number != call.of => {
                format!("{}, call {} of {}", self.label, call.number, call.of)
            }
            _ => self.label.clone(),
        }
    }

    fn description(&self) -> String {
        self.call.as_ref().map_or_else(|| self.sentence.clone(), |call| call.sentence.clone())
    }

    fn trail(&self) -> Vec<(String, Route)> {
        self.trail.clone()
    }

    fn data(&self) -> Option<Route> {
        self.id.parse().ok().map(Route::ApiConference)
    }

    fn files(&self) -> Vec<Offer> {
        self.id.parse().map(files).unwrap_or_default()
    }

    fn embed(&self) -> Option<(Route, Route, (u32, u32))> {
        let id = self.id.parse().ok()?;
        Some((Route::EmbedConference(id), Route::EmbedConferencePicture(id), CARD))
    }

    fn id(&self) -> Option<String> {
        Some(self.id.clone())
    }
}

/// What there is of a conference to take away.
fn files(id: ConferenceId) -> Vec<Offer> {
    vec![
        Offer::new(
            Route::ApiConference(id),
            "JSON",
            "everything: rows, events, values per interval, findings, scores",
        ),
        Offer::new(Route::ApiConferenceSeries(id), "CSV", "values per interval, one per row"),
        Offer::new(Route::ApiConferenceEvents(id), "CSV", "events"),
        Offer::new(Route::ConferenceSamples(id), "Parquet", "getStats reports as they were stored"),
        Offer::new(Route::ConferenceEvents(id), "Parquet", "events"),
        Offer::new(
            Route::ConferenceInternals(id),
            "webrtc-internals dump",
            "for the viewers of such dumps; stats are as far apart as Peer Metrics polls, and it lacks what that does not store",
        ),
    ]
}

impl Content for EventsPage {
    const KIND: &'static str = "events";
    const TEMPLATE: &'static str = "pages/events.html";

    fn title(&self) -> String {
        format!("{}, events {} of {}", self.label, self.part, self.parts)
    }

    fn description(&self) -> String {
        format!("Events {} and on of call {} of {}.", self.log.first, self.call, self.label)
    }

    fn trail(&self) -> Vec<(String, Route)> {
        self.trail.clone()
    }

    fn data(&self) -> Option<Route> {
        self.id.parse().ok().map(Route::ApiConference)
    }

    fn files(&self) -> Vec<Offer> {
        self.id.parse().map(files).unwrap_or_default()
    }

    fn id(&self) -> Option<String> {
        Some(self.id.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_that_say_the_same_of_the_same_person_are_one() {
        let issue = |second: i64, code: &str, evidence: &str| IssueEntry {
            at: Timestamp::from_micros(second),
            again: Vec::new(),
            severity: "warning",
            code: code.to_owned(),
            title: String::new(),
            explanation: "",
            participant: None,
            data: None,
            agreement: None,
            verdict: None,
            graph: None,
            evidence: vec![evidence.to_owned()],
        };
        let joined = joined_issues(
            [issue(1, "a", "x"), issue(2, "b", "y"), issue(3, "a", "z"), issue(4, "a", "x")].into_iter(),
        );
        let told: Vec<_> = joined
            .iter()
            .map(|issue| (issue.code.as_str(), issue.again.len(), issue.evidence.join(" ")))
            .collect();
        assert_eq!(told, [("a", 2, "x z".to_owned()), ("b", 0, "y".to_owned())]);
    }
}
