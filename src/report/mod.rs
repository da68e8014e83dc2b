//! Measured facts: one [`ConferenceReport`] per dossier, and the values that participants, apps and organizations need of it.
//!
//! Pure: the same dossier gives the same report, whatever the thread, and time is that of the snapshot. Nothing here knows a
//! URL, a template or the clock.

mod app;
pub mod board;
pub mod call;
pub mod calls;
pub mod countries;
pub mod experience;
pub mod fact_table;
mod facts;
pub mod findings;
pub mod incidents;
pub mod people;
pub mod period;
pub mod period_changes;
pub mod period_sentences;
pub mod period_totals;
pub mod sdp;
mod sentences;
pub mod sides;
pub mod story;
pub mod streams;
pub mod summary;
pub mod tracks;
pub mod verdicts;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use app::{AppTotals, Bucket, CityCount, DayCounts, WholeBucket};
pub use facts::{
    Attendance, CallFacts, Class, ConferenceFacts, ConnectionFacts, CountedFacts, IssueFacts, RoomCall,
    SessionFacts, VisitFacts, attendances,
};

use crate::ids::{AppId, ConferenceId, ConnectionId, OrganizationId, ParticipantId, SessionId};
use crate::metrics::limits::Limits;
use crate::metrics::measures::Measure;
use crate::metrics::percentile::Summary;
use crate::snapshot::{
    AppRow, ConnectionRow, Dossier, EventRow, Globals, IssueRow, Json, OrganizationRow, ParticipantRow,
    Sample, SessionRow,
};
use crate::units::{Timestamp, Zone};
use call::{Call, Parts};
use calls::Presence;
use findings::{Finding, FindingKind};
use people::{Device, Place, Platform};
use story::Story;
use streams::{Direction, Kind, Series, Sources};
use tracks::Track;
use verdicts::Verdict;
use words::Severity;

/// What a report takes besides the dossier.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// A call ends when nobody was present for so many seconds.
    pub call_gap_s: f64,
    /// The app summaries count rows from this instant on; all if `None`.
    pub since: Option<Timestamp>,
    /// Where trouble begins and ends.
    pub limits: Limits,
    /// By whose midnights the periods of the reports are parted.
    pub zone: Zone,
}

impl Default for Options {
    fn default() -> Self {
        Self { call_gap_s: 1800.0, since: None, limits: Limits::default(), zone: Zone::default() }
    }
}

/// The organizations, apps and participants, by id, and the instant of the snapshot.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The instant of the snapshot: what is still open is counted up to it.
    pub instant: Timestamp,
    /// By id.
    pub organizations: BTreeMap<OrganizationId, OrganizationRow>,
    /// By id.
    pub apps: BTreeMap<AppId, AppRow>,
    /// By id.
    pub participants: BTreeMap<ParticipantId, ParticipantRow>,
}

impl World {
    /// Indexes the tables that are not partitioned.
    pub fn new(globals: Globals, instant: Timestamp) -> Self {
        Self {
            instant,
            organizations: globals.organizations.into_iter().map(|row| (row.id, row)).collect(),
            apps: globals.apps.into_iter().map(|row| (row.id, row)).collect(),
            participants: globals.participants.into_iter().map(|row| (row.id, row)).collect(),
        }
    }

    /// What to call a participant, and whether there is a page of it.
    pub fn person(&self, id: ParticipantId) -> Person {
        let row = self.participants.get(&id).filter(|row| row.is_active);
        let name = row.and_then(|row| row.participant_name.clone()).filter(|name| !name.trim().is_empty());
        let given = row.and_then(|row| row.participant_id.clone()).filter(|given| !given.trim().is_empty());
        Person {
            id,
            label: name.clone().or_else(|| given.clone()).unwrap_or_else(|| {
                if row.is_some() { id.to_string() } else { "deleted participant".to_owned() }
            }),
            name,
            given_id: given,
            is_sfu: row.is_some_and(|row| row.is_sfu),
            has_page: row.is_some(),
        }
    }
}

/// A participant as pages name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Primary key.
    pub id: ParticipantId,
    /// Its name, else the customer's id, else the row's.
    pub label: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The customer's id.
    pub given_id: Option<String>,
    /// Whether it is a server.
    pub is_sfu: bool,
    /// Whether it has a page: a deleted participant has none.
    pub has_page: bool,
}

/// A room that is marked as ongoing for so long after its last event, seconds, is odd data.
const STALE_S: f64 = 86_400.0;

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoData {
    /// Nobody ever connected.
    NeverConnected,
    /// There are connections, but no stats of them: not sent yet, or cleaned up and no summary left.
    NoStats,
    /// There are stats, but browsers did not report this.
    NotReported,
    /// There are stats, but of fewer than three intervals.
    TooFew,
    /// The stats were cleaned up, and the stored summary does not keep it.
    NotKept,
}

impl NoData {
    /// The reason as pages give it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NeverConnected => "nobody connected",
            Self::NoStats => "no stats were stored",
            Self::NotReported => "the browsers did not report it",
            Self::TooFew => "stats of fewer than three intervals",
            Self::NotKept => "the stats were cleaned up, and the stored summary does not keep it",
        }
    }
}

/// An issue, with what it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// Its row.
    pub row: IssueRow,
    /// Error or warning; `None` for an unknown type.
    pub severity: Option<Severity>,
    /// A few words.
    pub title: String,
    /// What it means; empty for an unknown code.
    pub explanation: &'static str,
    /// Its participant: its own, else its session's.
    pub participant: Option<ParticipantId>,
    /// Whether it was stored without conference and found through its session.
    pub through_session: bool,
    /// What our own reading says about it.
    pub verdict: Option<Verdict>,
}

/// One visit of a participant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// Its session.
    pub session: SessionId,
    /// Whose.
    pub participant: ParticipantId,
    /// When the page was opened.
    pub from: Timestamp,
    /// When it was left, or the last sign of it.
    pub to: Timestamp,
    /// Whether the end is the stored one; otherwise it is the last event's, or the snapshot's instant.
    pub ended: bool,
    /// 1 for the first visit of this participant to this conference, 2 for a rejoin, and so on.
    pub number: usize,
    /// The browser and system.
    pub platform: Option<Platform>,
    /// Devices with a label.
    pub devices: Vec<Device>,
    /// Where.
    pub place: Option<Place>,
    /// The app's version.
    pub app_version: Option<String>,
    /// The SDK.
    pub webrtc_sdk: Option<String>,
    /// What the app said.
    pub metadata: Vec<(String, String)>,
}

/// One negotiation of a connection, from `connection_info`.
#[derive(Debug, Clone, PartialEq)]
pub struct Negotiation {
    /// `initial` or `renegotiation`.
    pub kind: String,
    /// `connecting`, `stable`, `connected`, `failed`.
    pub status: String,
    /// When it began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
}

/// One connection: the row, and what the events say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// Its row.
    pub row: ConnectionRow,
    /// The latest state by the events, else the row's.
    pub state: String,
    /// From addConnection to the first connected state, ms, by the events.
    pub setup_ms: Option<f64>,
    /// When it was first connected.
    pub connected_at: Option<Timestamp>,
    /// When it ended, or the last sign of it.
    pub to: Timestamp,
    /// Whether media was seen to go through TURN.
    pub relayed: Option<bool>,
    /// Whether media was seen to go over TCP.
    pub over_tcp: Option<bool>,
    /// The latest local and remote candidate types by the stats, else the row's local one.
    pub candidate_types: (Option<String>, Option<String>),
    /// The latest transport protocol, `udp` or `tcp`.
    pub protocol: Option<String>,
    /// The latest address family of its own side: `IPv4`, `IPv6`, `mDNS name`.
    pub family: Option<&'static str>,
    /// Its negotiations.
    pub negotiations: Vec<Negotiation>,
    /// Its series.
    pub series: Series,
    /// How it was made, run and ended, by its events.
    pub story: Story,
}

impl Connection {
    /// When it began.
    pub fn start(&self) -> Timestamp {
        begin(&self.row)
    }

    /// Whether events say that it was established, or stats could only come over an established one.
    pub fn is_established(&self) -> bool {
        self.connected_at.is_some()
            || self.series.values.get(Measure::RoundTripTime).is_some()
            || self.series.values.get(Measure::BitrateIn).is_some()
    }
}

/// What is measured of one conference.
#[derive(Debug, Clone, PartialEq)]
pub struct ConferenceReport {
    /// The rows.
    pub dossier: Dossier,
    /// Its calls, in order.
    pub calls: Vec<Call>,
    /// What happened, in a sentence or two.
    pub sentence: String,
    /// Its tracks, by first sight.
    pub tracks: Vec<Track>,
    /// Visits, by time.
    pub visits: Vec<Visit>,
    /// The participants to show, by label: those with sessions, servers, and those seen only as peers.
    pub people: Vec<Person>,
    /// Connections, by time.
    pub connections: Vec<Connection>,
    /// Issues, by time.
    pub issues: Vec<Issue>,
    /// What happened but for stats, by time.
    pub quality: Quality,
    /// Odd data.
    pub findings: Vec<Finding>,
    /// What lists need.
    pub facts: ConferenceFacts,
    /// What periods and dashboards need of its calls, in order.
    pub call_facts: Vec<CallFacts>,
    /// What the app's summaries count.
    pub counted: CountedFacts,
}

impl ConferenceReport {
    /// The last instant at which its report may be another than at later ones, the rows being the same; none if it is over.
    pub fn settles(&self, options: &Options) -> Option<Timestamp> {
        let Dossier { conference, sessions, connections, events, samples, .. } = &self.dossier;
        let signs = (events.iter().map(|row| row.created_at)).chain(samples.iter().map(Sample::created_at));
        let sessions = sessions.iter().flat_map(|row| [Some(row.created_at), row.end_time]);
        let connections = connections.iter().flat_map(|row| [Some(begin(row)), row.end_time]);
        let last = signs.chain(sessions.chain(connections).flatten()).max();
        let last = last.map_or(conference.created_at, |last| last.max(conference.created_at));
        conference.ongoing.then(|| last.plus_seconds(options.call_gap_s.max(STALE_S)))
    }
}

/// Distributions over all polls of all connections of a conference; `Err` says why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    /// Audio score of the E-model per stream and interval, 1 to 5.
    pub mos: Result<Summary, NoData>,
    /// Video score, likewise.
    pub video: Result<Summary, NoData>,
    /// Audio score as Peer Metrics computes it, 1 to 5.
    pub emos: Result<Summary, NoData>,
    /// Round trip time, ms.
    pub rtt_ms: Result<Summary, NoData>,
    /// Inbound loss, ratio.
    pub loss_in: Result<Summary, NoData>,
    /// Inbound jitter, ms.
    pub jitter_ms: Result<Summary, NoData>,
    /// Inbound bit rate, bit/s.
    pub bitrate_in: Result<Summary, NoData>,
}

/// Measures one conference.
pub fn measure(dossier: Dossier, world: &World, options: &Options) -> ConferenceReport {
    let mut findings = Vec::new();
    let visits = visits(&dossier, world, options.call_gap_s, &mut findings);
    let mut issues = issues(&dossier, &mut findings);
    let tracks = tracks::tracks(&dossier);
    let connections = connections(&dossier, &tracks, world, options.call_gap_s, &mut findings);
    note_oddities(&dossier, world, &mut findings);
    let presences = visits
        .iter()
        .map(|visit| Presence { from: visit.from, to: visit.to })
        .chain(
            connections.iter().map(|connection| Presence { from: begin(&connection.row), to: connection.to }),
        )
        .collect();
    let spans = calls::calls(presences, options.call_gap_s);
    let people = people_of(&dossier, world, &visits);
    let from_summary = dossier.samples.iter().any(Sample::from_summary);
    let quality = quality(&connections, from_summary);
    let calls = call::measure_calls(
        &spans,
        &Parts {
            dossier: &dossier,
            world,
            limits: &options.limits,
            visits: &visits,
            connections: &connections,
            issues: &issues,
            tracks: &tracks,
        },
    );
    for call in &calls {
        for at in &call.issues {
            if let Some(issue) = issues.get_mut(*at) {
                issue.verdict = Some(verdicts::verdict(issue, call, &connections, &visits, &dossier.events));
            }
        }
    }
    let mut codes: Vec<String> = issues.iter().map(|issue| issue.row.code.clone()).collect();
    codes.sort();
    codes.dedup();
    let sentence = sentences::of_conference(&calls, &codes);
    findings.sort();
    findings.dedup();
    let (facts, call_facts, counted) =
        facts::facts(&dossier, world, &visits, &connections, &issues, &quality, &calls, findings.len());
    ConferenceReport {
        dossier,
        calls,
        sentence,
        tracks,
        visits,
        people,
        connections,
        issues,
        quality,
        findings,
        facts,
        call_facts,
        counted,
    }
}

fn begin(row: &ConnectionRow) -> Timestamp {
    row.start_time.unwrap_or(row.created_at)
}

fn visits(dossier: &Dossier, world: &World, gap_s: f64, findings: &mut Vec<Finding>) -> Vec<Visit> {
    let id = dossier.conference.id;
    let mut last_sign: BTreeMap<SessionId, Timestamp> = BTreeMap::new();
    let signs = dossier.events.iter().map(|event| (event.session_id, event.created_at));
    for (session, at) in signs.chain(dossier.samples.iter().map(|row| (row.session_id(), row.created_at()))) {
        let last = last_sign.entry(session).or_insert(at);
        *last = at.max(*last);
    }
    let mut numbers: BTreeMap<ParticipantId, usize> = BTreeMap::new();
    let visit = |session: &SessionRow| {
        let number = numbers.entry(session.participant_id).or_default();
        *number += 1;
        let from = session.created_at;
        let seen = last_sign.get(&session.id).copied().unwrap_or(from).max(from);
        if let Some(end) = session.end_time.filter(|end| *end < from) {
            findings.push(Finding {
                kind: FindingKind::EndsBeforeStart,
                conference: id,
                detail: format!(
                    "session {} ends {:.0} s before it starts",
                    session.id,
                    from.seconds_since(end)
                ),
            });
        }
        if session.end_time.is_none() && !dossier.conference.ongoing {
            findings.push(Finding {
                kind: FindingKind::SessionNeverEnded,
                conference: id,
                detail: format!("session {} has no end although its conference is over", session.id),
            });
        }
        // A page that has been silent for longer than parts two calls is gone, whatever the conference's row says.
        let goes_on = dossier.conference.ongoing && world.instant.seconds_since(seen) <= gap_s;
        let open_to = if goes_on { world.instant.max(seen) } else { seen };
        Visit {
            session: session.id,
            participant: session.participant_id,
            from,
            to: session.end_time.unwrap_or(open_to).max(from),
            ended: session.end_time.is_some(),
            number: *number,
            platform: people::platform(session),
            devices: people::devices(session),
            place: people::place(session),
            app_version: session.app_version.clone().filter(|version| !version.is_empty()),
            webrtc_sdk: session.webrtc_sdk.clone().filter(|sdk| !sdk.is_empty()),
            metadata: people::metadata(session),
        }
    };
    dossier.sessions.iter().map(visit).collect()
}

fn issues(dossier: &Dossier, findings: &mut Vec<Finding>) -> Vec<Issue> {
    let sessions: BTreeMap<SessionId, ParticipantId> =
        dossier.sessions.iter().map(|session| (session.id, session.participant_id)).collect();
    let mut seen = BTreeMap::<_, usize>::new();
    let issues = dossier.issues.iter().map(|row| {
        let severity = Severity::from_code(&row.r#type);
        let meaning = words::issue_meaning(&row.code);
        if severity.is_none() || meaning.is_none() {
            findings.push(Finding {
                kind: FindingKind::UnknownCode,
                conference: dossier.conference.id,
                detail: format!("issue {} has type {:?} and code {:?}", row.id, row.r#type, row.code),
            });
        }
        if matches!(row.code.as_str(), "low_emos" | "very_low_emos" | "no_connection" | "no_media_access") {
            *seen.entry((row.code.clone(), row.session_id)).or_default() += 1;
        }
        Issue {
            severity,
            title: words::issue_title(&row.code).to_owned(),
            explanation: meaning.map_or("", |meaning| meaning.explanation),
            participant: row.participant_id.or_else(|| sessions.get(&row.session_id).copied()),
            through_session: row.conference_id.is_none(),
            verdict: None,
            row: row.clone(),
        }
    });
    let issues = issues.collect();
    for ((code, session), count) in seen {
        if count > 1 {
            findings.push(Finding {
                kind: FindingKind::DuplicateIssues,
                conference: dossier.conference.id,
                detail: format!("issue {code} is stored {count} times for session {session}"),
            });
        }
    }
    issues
}

/// The string that a state event carries.
fn state_of(event: &EventRow) -> Option<String> {
    match event.data.as_ref()?.parse()? {
        Value::String(state) => Some(state),
        _ => None,
    }
}

fn connections(
    dossier: &Dossier,
    tracks: &[Track],
    world: &World,
    gap_s: f64,
    findings: &mut Vec<Finding>,
) -> Vec<Connection> {
    let sources = Sources::of(&dossier.samples, tracks);
    let mut events: BTreeMap<ConnectionId, Vec<&EventRow>> = BTreeMap::new();
    for event in &dossier.events {
        if let Some(connection) = event.connection_id {
            events.entry(connection).or_default().push(event);
        }
    }
    let mut samples: BTreeMap<ConnectionId, Vec<Sample<'_>>> = BTreeMap::new();
    for sample in dossier.samples.iter() {
        if let Some(connection) = sample.connection_id() {
            samples.entry(connection).or_default().push(sample);
        }
    }
    let nothing = (Vec::new(), Vec::new());
    let of = |row: &ConnectionRow| {
        let events = events.get(&row.id).unwrap_or(&nothing.0);
        let samples = samples.get(&row.id).unwrap_or(&nothing.1);
        let series = streams::series(samples, &sources);
        connection(row, (events, samples), series, dossier, world, gap_s, findings)
    };
    dossier.connections.iter().map(of).collect()
}

fn connection(
    row: &ConnectionRow,
    (events, samples): (&[&EventRow], &[Sample<'_>]),
    series: Series,
    dossier: &Dossier,
    world: &World,
    gap_s: f64,
    findings: &mut Vec<Finding>,
) -> Connection {
    let mut finding =
        |kind, detail| findings.push(Finding { kind, conference: dossier.conference.id, detail });
    let start = begin(row);
    let states: Vec<(Timestamp, String)> = events
        .iter()
        .filter(|event| event.r#type == "onconnectionstatechange")
        .filter_map(|event| Some((event.created_at, state_of(event)?)))
        .collect();
    let up = |event: &&&EventRow| {
        let wanted: &[&str] = match event.r#type.as_str() {
            "onconnectionstatechange" => &["connected"],
            "oniceconnectionstatechange" => &["connected", "completed"],
            _ => return false,
        };
        state_of(event).is_some_and(|state| wanted.contains(&state.as_str()))
    };
    let connected_at = events.iter().find(up).map(|event| event.created_at);
    let state = states.last().map_or_else(|| row.state.clone(), |(_, state)| state.clone());
    if state != row.state && row.state == "new" && connected_at.is_some() {
        finding(
            FindingKind::StateContradictsEvents,
            format!("connection {} is stored as {}, its events say {state}", row.id, row.state),
        );
    }
    if let Some(code) = row.r#type.as_deref().filter(|code| !words::is_candidate_type(code)) {
        finding(FindingKind::UnknownCode, format!("connection {} has candidate type {code:?}", row.id));
    }
    if row.end_time.is_some_and(|end| end < start) {
        finding(FindingKind::EndsBeforeStart, format!("connection {} ends before it starts", row.id));
    }
    let info = row.connection_info.as_ref().and_then(Json::parse).unwrap_or_default();
    let pairs: Vec<Sample<'_>> = samples.iter().copied().filter(|sample| sample.selected()).collect();
    let latest = |get: for<'s> fn(Sample<'s>) -> Option<&'s str>| {
        pairs.iter().rev().find_map(|pair| get(*pair)).map(str::to_owned)
    };
    let local = latest(|pair| pair.local_candidate_type());
    let protocol = latest(|pair| pair.local_protocol());
    let seen = |get: for<'s> fn(Sample<'s>) -> Option<&'s str>, value: &str, flag: &str| {
        let stored = info.get(flag).and_then(Value::as_bool);
        let known = stored.is_some() || pairs.iter().any(|pair| get(*pair).is_some());
        known.then(|| stored == Some(true) || pairs.iter().any(|pair| get(*pair) == Some(value)))
    };
    let last_sign = events
        .iter()
        .map(|event| event.created_at)
        .chain(samples.iter().map(|sample| sample.created_at()))
        .max();
    let last_sign = last_sign.unwrap_or(start);
    let goes_on = dossier.conference.ongoing && world.instant.seconds_since(last_sign) <= gap_s;
    let open_to = if goes_on { world.instant } else { last_sign };
    let to = row.end_time.unwrap_or(open_to).max(start);
    Connection {
        state,
        setup_ms: connected_at.map(|at| at.seconds_since(start) * 1000.0).filter(|ms| *ms >= 0.0),
        connected_at,
        to,
        relayed: seen(|pair| pair.local_candidate_type(), "relay", "detected_turn"),
        over_tcp: seen(|pair| pair.local_protocol(), "tcp", "detected_tcp"),
        candidate_types: (
            local.or_else(|| row.r#type.as_deref().map(|code| words::candidate_type(code).to_owned())),
            latest(|pair| pair.remote_candidate_type()),
        ),
        protocol,
        family: latest(|pair| pair.local_address()).and_then(|address| experience::address_family(&address)),
        negotiations: negotiations(&info),
        series,
        story: story::story(events, samples, start, to),
        row: row.clone(),
    }
}

/// The negotiations of a `connection_info`.
pub fn negotiations(info: &Value) -> Vec<Negotiation> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let list = info.get("negotiations").and_then(Value::as_array);
    let negotiation = |value: &Value| Negotiation {
        kind: text(value, "type").unwrap_or_default(),
        status: text(value, "status").unwrap_or_default(),
        start: text(value, "start_time").and_then(|time| Timestamp::parse(&time)),
        end: text(value, "end_time").and_then(|time| Timestamp::parse(&time)),
    };
    list.into_iter().flatten().filter(|value| value.is_object()).map(negotiation).collect()
}

fn note_oddities(dossier: &Dossier, world: &World, findings: &mut Vec<Finding>) {
    let conference = &dossier.conference;
    let mut finding = |kind, detail| findings.push(Finding { kind, conference: conference.id, detail });
    if !conference.created_at.is_plausible() {
        finding(FindingKind::TimeFarOff, "the conference was created outside the years 1 to 9999".to_owned());
    }
    if conference.end_time.is_some_and(|end| end < conference.created_at) {
        finding(FindingKind::EndsBeforeStart, "the conference ends before it was created".to_owned());
    }
    for event in dossier.events.iter().filter(|event| event.r#type == "stats") {
        finding(FindingKind::UnreadableJson, format!("stats event {} cannot be read", event.id));
    }
    for event in &dossier.events {
        if event.data.as_ref().is_some_and(|data| data.0.is_empty()) {
            let detail = format!("data of event {} cannot be read, and is withheld", event.id);
            finding(FindingKind::UnreadableJson, detail);
        }
    }
    for session in &dossier.sessions {
        let columns = [
            ("devices", &session.devices),
            ("platform", &session.platform),
            ("geo_ip", &session.geo_ip),
            ("metadata", &session.metadata),
        ];
        for (column, json) in columns {
            if json.as_ref().is_some_and(|json| json.parse().is_none()) {
                let detail = format!("{column} of session {} cannot be read", session.id);
                finding(FindingKind::UnreadableJson, detail);
            }
        }
    }
    if let Err(detail) = conference.stored_summary() {
        finding(FindingKind::SummaryUnusable, detail);
    }
    if conference.ongoing {
        let events = dossier.events.iter().map(|event| event.created_at);
        let last = events.chain(dossier.samples.iter().map(Sample::created_at)).max();
        let last = last.unwrap_or(conference.created_at);
        if world.instant.seconds_since(last) > STALE_S {
            finding(
                FindingKind::StaleOngoing,
                format!("still marked as ongoing; its last event was at {last}"),
            );
        }
    }
    for session in &dossier.sessions {
        if !world.participants.contains_key(&session.participant_id) {
            finding(
                FindingKind::UnknownParticipant,
                format!("session {} is of the unknown participant {}", session.id, session.participant_id),
            );
        }
    }
}

fn people_of(dossier: &Dossier, world: &World, visits: &[Visit]) -> Vec<Person> {
    let mut ids: BTreeSet<ParticipantId> = visits.iter().map(|visit| visit.participant).collect();
    ids.extend(&dossier.conference.participants);
    ids.extend(dossier.connections.iter().map(|connection| connection.peer_id));
    let mut people: Vec<Person> = ids.into_iter().map(|id| world.person(id)).collect();
    people.sort_by(|a, b| (a.is_sfu, &a.label, a.id).cmp(&(b.is_sfu, &b.label, b.id)));
    people
}

fn quality(connections: &[Connection], from_summary: bool) -> Quality {
    let polls = connections.iter().map(|connection| connection.series.t.len()).sum::<usize>();
    let reason = if connections.is_empty() {
        NoData::NeverConnected
    } else if polls == 0 {
        NoData::NoStats
    } else if from_summary {
        NoData::NotKept
    } else {
        NoData::NotReported
    };
    let of = |values: Vec<f64>| Summary::of(values).ok_or(reason);
    let whole = |measure: Measure| {
        let values = connections.iter().filter_map(|connection| connection.series.values.get(measure));
        of(values.flatten().flatten().copied().collect())
    };
    let received = |kind: Option<Kind>, measure: Measure| {
        let streams = connections.iter().flat_map(|connection| &connection.series.streams);
        let wanted = streams.filter(|stream| {
            stream.direction == Direction::Inbound && kind.is_none_or(|kind| stream.kind == kind)
        });
        of(wanted.filter_map(|stream| stream.values.get(measure)).flatten().flatten().copied().collect())
    };
    Quality {
        mos: received(Some(Kind::Audio), Measure::AudioScore),
        video: received(Some(Kind::Video), Measure::VideoScore),
        emos: received(Some(Kind::Audio), Measure::Emos),
        rtt_ms: whole(Measure::RoundTripTime),
        loss_in: received(None, Measure::Loss),
        jitter_ms: received(None, Measure::Jitter),
        bitrate_in: whole(Measure::BitrateIn),
    }
}

/// The conference that a value belongs to, for messages.
impl ConferenceReport {
    /// Its id.
    pub fn id(&self) -> ConferenceId {
        self.dossier.conference.id
    }

    /// All participants that its pages may name, some of them more than once.
    pub fn named(&self) -> impl Iterator<Item = ParticipantId> {
        let connections = self.connections.iter().map(|connection| &connection.row);
        let people = self.people.iter().map(|person| person.id);
        let events = self.dossier.events.iter();
        people
            .chain(connections.flat_map(|row| [row.participant_id, row.peer_id]))
            .chain(self.issues.iter().filter_map(|issue| issue.participant))
            .chain(events.flat_map(|event| [Some(event.participant_id), event.peer_id]).flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::ConferenceRow;

    #[test]
    fn a_room_that_nobody_closed_settles_a_day_after_its_last_sign() {
        let at = |text| Timestamp::parse(text).unwrap();
        let row = ConferenceRow { created_at: at("2026-11-20 10:00:00"), ..ConferenceRow::default() };
        let sessions = vec![SessionRow { created_at: at("2026-11-20 10:05:00"), ..SessionRow::default() }];
        let measured = |ongoing, instant| {
            let conference = ConferenceRow { ongoing, ..row.clone() };
            let dossier = Dossier { conference, sessions: sessions.clone(), ..Dossier::default() };
            measure(dossier, &World { instant: at(instant), ..World::default() }, &Options::default())
        };
        let settles = |report: &ConferenceReport| report.settles(&Options::default());
        let during = measured(true, "2026-11-20 10:10:00");
        assert_eq!(settles(&during), Some(at("2026-11-21 10:05:00")));
        let after = measured(true, "2026-11-21 10:05:01");
        assert!(during != after && after == measured(true, "2026-12-31 10:00:00"));
        assert_eq!(settles(&measured(false, "2026-11-20 10:10:00")), None);
    }
}
