//! A conference: its calls with their timelines, participants, connections, issues and events.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Known, Link, conference_label};
use crate::ids::ParticipantId;
use crate::metrics::percentile::Summary;
use crate::report::calls::Span;
use crate::report::people::Device;
use crate::report::{Class, ConferenceReport, Connection, Issue, Visit, World};
use crate::site::Route;
use crate::site::charts::{Axis, Line, Stretch, line};
use crate::site::chrome::Content;
use crate::snapshot::EventRow;
use crate::units::Timestamp;

/// Events listed on the page; all are in its data file.
const EVENTS: usize = 1500;
/// Height of the line charts' coordinate system.
const CHART_HEIGHT: f64 = 120.0;
/// Characters of an event's data that the log shows.
const EVENT_TEXT: usize = 160;

/// A conference.
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
    /// What happened, in a sentence.
    pub sentence: String,
    /// Distributions over the conference.
    pub quality: Vec<Measure>,
    /// Its calls, the last first.
    pub calls: Vec<Call>,
    /// Its participants.
    pub participants: Vec<Card>,
    /// Its connections.
    pub connections: Vec<ConnectionEntry>,
    /// Its issues, by time.
    pub issues: Vec<IssueEntry>,
    /// What happened, by time.
    pub events: Vec<EventEntry>,
    /// Events that are not listed.
    pub events_more: usize,
    /// Odd data: kind and detail.
    pub findings: Vec<(&'static str, String)>,
    #[serde(skip)]
    trail: Vec<(String, Route)>,
}

/// A measure's distribution.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// What is measured.
    pub label: &'static str,
    /// How to format it: the name of a filter.
    pub unit: &'static str,
    /// The distribution over all polls.
    pub summary: Known<Summary>,
}

/// One call of the room.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Call {
    /// Its number, from 1.
    pub number: usize,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// Seconds.
    pub seconds: f64,
    /// Its lanes, one per participant with sessions.
    pub lanes: Vec<Lane>,
    /// Height of the timeline's coordinate system.
    pub height: usize,
    /// Its charts, one per connection with stats.
    pub charts: Vec<Charts>,
}

/// One participant in a timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lane {
    /// The participant.
    pub label: String,
    /// Top edge.
    pub y: usize,
    /// Visits.
    pub presence: Vec<Mark>,
    /// Connections.
    pub connections: Vec<Mark>,
    /// Instants: issues, media requests.
    pub instants: Vec<Instant>,
}

/// A stretch of a lane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// Where.
    #[serde(flatten)]
    pub stretch: Stretch,
    /// How it looks: a class of the style sheet.
    pub class: &'static str,
    /// What it is, for tooltips.
    pub text: String,
}

/// A moment in a lane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Instant {
    /// Where.
    pub x: f64,
    /// How it looks.
    pub class: &'static str,
    /// What it is.
    pub text: String,
}

/// The charts of a connection in a call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Charts {
    /// Whose, to whom.
    pub label: String,
    /// Polls.
    pub polls: usize,
    /// One per measure that has values.
    pub lines: Vec<Chart>,
}

/// One line chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chart {
    /// What is measured.
    pub label: &'static str,
    /// The name of a filter.
    pub unit: &'static str,
    /// The line.
    pub line: Line,
}

/// A participant's card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// The participant.
    pub link: Link,
    /// The customer's id, where a name is shown.
    pub given_id: Option<String>,
    /// Whether it is a server.
    pub is_sfu: bool,
    /// Sessions.
    pub sessions: usize,
    /// Whether one of them has no end while the conference goes on.
    pub present: bool,
    /// Seconds of presence.
    pub presence_s: f64,
    /// Browsers with versions.
    pub browsers: Vec<String>,
    /// Systems with versions.
    pub systems: Vec<String>,
    /// Devices with a label.
    pub devices: Vec<Device>,
    /// Places.
    pub places: Vec<String>,
    /// Versions of the app.
    pub app_versions: Vec<String>,
    /// SDKs.
    pub sdks: Vec<String>,
    /// What the app said.
    pub metadata: Vec<(String, String)>,
    /// Issues: severity, title, explanation, number.
    pub issues: Vec<(&'static str, String, &'static str, usize)>,
}

/// A connection's row.
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
    /// Median round trip time, ms.
    pub rtt_ms: Option<f64>,
    /// Median inbound loss.
    pub loss_in: Option<f64>,
    /// Median audio score.
    pub mos: Option<f64>,
    /// Polls.
    pub polls: usize,
    /// Negotiations: kind, status, start, seconds.
    pub negotiations: Vec<(String, String, Option<Timestamp>, Option<f64>)>,
}

/// An issue's row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IssueEntry {
    /// When it was detected.
    pub at: Timestamp,
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
}

/// An event's row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventEntry {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// Whose.
    pub participant: String,
    /// To whom.
    pub peer: Option<String>,
    /// The beginning of its data.
    pub text: Option<String>,
}

impl ConferencePage {
    /// From a report.
    pub fn new(report: &ConferenceReport, world: &World) -> Self {
        let row = &report.dossier.conference;
        let route = Route::Conference(row.id);
        let app = world.apps.get(&row.app_id);
        let app_name = app.map_or_else(|| row.app_id.to_string(), |app| app.name.clone());
        let mut trail = Vec::new();
        if let Some(app) = app {
            let organization = world.organizations.get(&app.organization_id);
            trail.extend(organization.map(|row| (row.name.clone(), Route::Organization(row.id))));
            trail.push((app.name.clone(), Route::App(app.id)));
        }
        let calls: Vec<Call> = report
            .calls
            .iter()
            .enumerate()
            .map(|(at, span)| call(report, world, at + 1, *span))
            .rev()
            .collect();
        Self {
            id: row.id.to_string(),
            label: conference_label(&report.facts),
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
            sentence: sentence(report),
            quality: measures(report),
            calls,
            participants: report
                .people
                .iter()
                .map(|person| {
                    let visits: Vec<&Visit> =
                        report.visits.iter().filter(|visit| visit.participant == person.id).collect();
                    Card {
                        link: Link::person(person, &route),
                        given_id: person.given_id.clone().filter(|_| person.name.is_some()),
                        is_sfu: person.is_sfu,
                        ..card(report, person.id, &visits)
                    }
                })
                .collect(),
            connections: report
                .connections
                .iter()
                .map(|connection| entry(connection, world, &route))
                .collect(),
            issues: report.issues.iter().map(|issue| issue_entry(issue, world, &route)).collect(),
            events: report
                .dossier
                .events
                .iter()
                .take(EVENTS)
                .map(|event| event_entry(event, world))
                .collect(),
            events_more: report.dossier.events.len().saturating_sub(EVENTS),
            findings: report
                .findings
                .iter()
                .map(|finding| (finding.kind.title(), finding.detail.clone()))
                .collect(),
            trail,
        }
    }
}

/// What happened, by rule: who, how often, how well.
fn sentence(report: &ConferenceReport) -> String {
    let facts = &report.facts;
    let many = |count: usize, one: &str, more: &str| {
        if count == 1 { format!("1 {one}") } else { format!("{count} {more}") }
    };
    let mut text = format!(
        "{} in {}",
        many(facts.participants_count, "participant", "participants"),
        many(facts.calls, "call", "calls")
    );
    let (total, connected, relayed) = facts.connections;
    text.push_str(&match (total, connected) {
        (0, _) => "; nobody opened a connection.".to_owned(),
        (_, 0) => {
            format!("; none of {} is known to have connected.", many(total, "connection", "connections"))
        }
        _ => format!("; {connected} of {} connected.", many(total, "connection", "connections")),
    });
    if relayed > 0 {
        text.push_str(&format!(
            " {} relayed.",
            if relayed == 1 { "One was".to_owned() } else { format!("{relayed} were") }
        ));
    }
    if let Ok(mos) = facts.mos {
        let word = match mos.p50 {
            score if score >= 4.0 => "good",
            score if score >= 3.0 => "fair",
            _ => "poor",
        };
        text.push_str(&format!(" Audio was {word} (median score {:.1} of 5).", mos.p50));
    }
    text
}

fn measures(report: &ConferenceReport) -> Vec<Measure> {
    let quality = &report.quality;
    let measure = |label, unit, result| Measure { label, unit, summary: Known::of(result) };
    vec![
        measure("Audio score (E-model)", "score", quality.mos),
        measure("Audio eMOS (as Peer Metrics)", "score", quality.emos),
        measure("Round trip time", "millis", quality.rtt_ms),
        measure("Packet loss, inbound", "percent", quality.loss_in),
        measure("Jitter, inbound", "millis", quality.jitter_ms),
        measure("Bit rate, inbound", "bits", quality.bitrate_in),
    ]
}

fn call(report: &ConferenceReport, world: &World, number: usize, span: Span) -> Call {
    let axis = Axis::new(span.start, span.end);
    let mut lanes: Vec<Lane> = Vec::new();
    let mut by_person: BTreeMap<ParticipantId, usize> = BTreeMap::new();
    let visits = report.visits.iter().filter(|visit| span.holds(visit.from));
    for visit in visits {
        let at = *by_person.entry(visit.participant).or_insert_with(|| {
            let label = world.person(visit.participant).label;
            lanes.push(Lane {
                label,
                y: lanes.len() * 28,
                presence: vec![],
                connections: vec![],
                instants: vec![],
            });
            lanes.len() - 1
        });
        lanes[at].presence.push(Mark {
            stretch: axis.stretch(visit.from, visit.to),
            class: "presence",
            text: format!("present from {} to {}", visit.from.rfc3339(), visit.to.rfc3339()),
        });
    }
    let connections = || {
        let start = |connection: &Connection| connection.row.start_time.unwrap_or(connection.row.created_at);
        report.connections.iter().filter(move |connection| span.holds(start(connection)))
    };
    for connection in connections() {
        let Some(&lane) = by_person.get(&connection.row.participant_id) else { continue };
        let peer = world.person(connection.row.peer_id).label;
        let start = connection.row.start_time.unwrap_or(connection.row.created_at);
        let lane = &mut lanes[lane];
        let setup_end = connection.connected_at.unwrap_or(connection.to);
        let failed = connection.connected_at.is_none();
        lane.connections.push(Mark {
            stretch: axis.stretch(start, setup_end),
            class: if failed { "negotiation-failed" } else { "negotiation-ok" },
            text: if failed {
                format!("to {peer}: never seen to connect")
            } else {
                format!("to {peer}: connecting")
            },
        });
        if let Some(connected) = connection.connected_at {
            lane.connections.push(Mark {
                stretch: axis.stretch(connected, connection.to),
                class: "connected",
                text: format!("to {peer}: connected"),
            });
        }
    }
    for issue in report.issues.iter().filter(|issue| span.holds(issue.row.created_at)) {
        let lane = issue.participant.and_then(|participant| by_person.get(&participant));
        if let Some(&lane) = lane {
            lanes[lane].instants.push(Instant {
                x: axis.x(issue.row.created_at),
                class: "mark-issue",
                text: issue.title.clone(),
            });
        }
    }
    let media = report.dossier.events.iter().filter(|event| event.r#type == "getUserMedia");
    for event in media.filter(|event| span.holds(event.created_at)) {
        if let Some(&lane) = by_person.get(&event.participant_id) {
            lanes[lane].instants.push(Instant {
                x: axis.x(event.created_at),
                class: "mark-media",
                text: "media access".to_owned(),
            });
        }
    }
    Call {
        number,
        start: span.start,
        end: span.end,
        seconds: span.end.seconds_since(span.start),
        height: lanes.len() * 28,
        lanes,
        charts: connections().filter_map(|connection| charts(connection, world, &axis)).collect(),
    }
}

fn charts(connection: &Connection, world: &World, axis: &Axis) -> Option<Charts> {
    let series = &connection.series;
    let chart = |label, unit, values: &[Option<f64>]| {
        Some(Chart { label, unit, line: line(&series.t, values, axis, CHART_HEIGHT)? })
    };
    let lines: Vec<Chart> = [
        chart("Audio score", "score", &series.mos),
        chart("Round trip time", "millis", &series.rtt_ms),
        chart("Packet loss, inbound", "percent", &series.loss_in),
        chart("Jitter, inbound", "millis", &series.jitter_ms),
        chart("Bit rate, inbound", "bits", &series.bitrate_in),
        chart("Bit rate, outbound", "bits", &series.bitrate_out),
        chart("Frame rate, inbound", "fps", &series.fps_in),
    ]
    .into_iter()
    .flatten()
    .collect();
    let label = |id| world.person(id).label;
    (!lines.is_empty()).then(|| Charts {
        label: format!("{} → {}", label(connection.row.participant_id), label(connection.row.peer_id)),
        polls: series.t.len(),
        lines,
    })
}

fn card(report: &ConferenceReport, id: ParticipantId, visits: &[&Visit]) -> Card {
    let versions = |name: Option<&String>, version: Option<&String>| {
        name.map(|name| version.map_or_else(|| name.clone(), |version| format!("{name} {version}")))
    };
    let platforms = || visits.iter().filter_map(|visit| visit.platform.as_ref());
    let mut issues: BTreeMap<&str, (&'static str, String, &'static str, usize)> = BTreeMap::new();
    for issue in report.issues.iter().filter(|issue| issue.participant == Some(id)) {
        let severity = issue.severity.map_or("unknown", crate::report::words::Severity::label);
        let fresh = (severity, issue.title.clone(), issue.explanation, 0);
        issues.entry(&issue.row.code).or_insert(fresh).3 += 1;
    }
    let mut devices: Vec<Device> = visits.iter().flat_map(|visit| visit.devices.clone()).collect();
    devices.sort();
    devices.dedup();
    Card {
        link: Link { label: String::new(), href: None },
        given_id: None,
        is_sfu: false,
        sessions: visits.len(),
        present: report.dossier.conference.ongoing && visits.iter().any(|visit| !visit.ended),
        presence_s: visits.iter().map(|visit| visit.to.seconds_since(visit.from)).sum(),
        browsers: distinct(
            platforms().filter_map(|platform| {
                versions(platform.browser.as_ref(), platform.browser_version.as_ref())
            }),
        ),
        systems: distinct(
            platforms().filter_map(|platform| versions(platform.os.as_ref(), platform.os_version.as_ref())),
        ),
        devices,
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
        issues: issues.into_values().collect(),
    }
}

fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let set: std::collections::BTreeSet<String> = values.collect();
    set.into_iter().collect()
}

fn entry(connection: &Connection, world: &World, from: &Route) -> ConnectionEntry {
    let row = &connection.row;
    let start = row.start_time.unwrap_or(row.created_at);
    let median =
        |values: &[Option<f64>]| Summary::of(values.iter().flatten().copied().collect()).map(|s| s.p50);
    let negotiation = |negotiation: &crate::report::Negotiation| {
        let seconds = negotiation.end.zip(negotiation.start).map(|(end, start)| end.seconds_since(start));
        (negotiation.kind.clone(), negotiation.status.clone(), negotiation.start, seconds)
    };
    ConnectionEntry {
        id: row.id.to_string(),
        participant: Link::person(&world.person(row.participant_id), from),
        peer: Link::person(&world.person(row.peer_id), from),
        start,
        seconds: connection.to.seconds_since(start),
        state: connection.state.clone(),
        setup_ms: connection.setup_ms,
        candidates: connection.candidate_types.clone(),
        protocol: connection.protocol.clone(),
        relayed: connection.relayed,
        over_tcp: connection.over_tcp,
        rtt_ms: median(&connection.series.rtt_ms),
        loss_in: median(&connection.series.loss_in),
        mos: median(&connection.series.mos),
        polls: connection.series.t.len(),
        negotiations: connection.negotiations.iter().map(negotiation).collect(),
    }
}

fn issue_entry(issue: &Issue, world: &World, from: &Route) -> IssueEntry {
    IssueEntry {
        at: issue.row.created_at,
        severity: issue.severity.map_or("unknown", crate::report::words::Severity::label),
        code: issue.row.code.clone(),
        title: issue.title.clone(),
        explanation: issue.explanation,
        participant: issue.participant.map(|id| Link::person(&world.person(id), from)),
        data: issue.row.data.as_ref().map(|data| shortened(&data.0)).filter(|text| text != "null"),
    }
}

fn event_entry(event: &EventRow, world: &World) -> EventEntry {
    EventEntry {
        at: event.created_at,
        kind: event.r#type.clone(),
        participant: world.person(event.participant_id).label,
        peer: event.peer_id.map(|peer| world.person(peer).label),
        text: event.data.as_ref().map(|data| shortened(&data.0)).filter(|text| text != "null"),
    }
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
        self.label.clone()
    }

    fn description(&self) -> String {
        self.sentence.clone()
    }

    fn trail(&self) -> Vec<(String, Route)> {
        self.trail.clone()
    }

    fn data(&self) -> Option<Route> {
        self.id.parse().ok().map(Route::ApiConference)
    }

    fn id(&self) -> Option<String> {
        Some(self.id.clone())
    }
}
