//! What leaves a conference's report for other pages: small values, so that the report itself can be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::experience::Experience;
use super::incidents::{Code, Gravity};
use super::words::Severity;
use super::{ConferenceReport, Connection, Issue, NoData, Quality, Visit, World, negotiations, people};
use crate::ids::{AppId, ConferenceId, ParticipantId, SessionId};
use crate::metrics::percentile::Summary;
use crate::snapshot::{ConferenceRow, Dossier, Json, SessionRow};
use crate::units::Timestamp;

/// The first that holds, in this order; a conference counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Still going on.
    Ongoing,
    /// With an issue of type error.
    Error,
    /// With an issue of type warning.
    Warning,
    /// Neither.
    Success,
}

/// What the lists of conferences need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConferenceFacts {
    /// The conference's row, without its summary.
    pub row: ConferenceRow,
    /// Whether an issue of type error is stored for the conference, as the API counts.
    pub has_errors: bool,
    /// Likewise for warnings.
    pub has_warnings: bool,
    /// Distinct participants that are linked, active, no server, and have a session, as the API counts.
    pub participants_count: usize,
    /// The class by all issues, those that the service stores without conference included.
    pub class: Class,
    /// The class by the issues that the API counts.
    pub api_class: Class,
    /// Calls of the room.
    pub calls: usize,
    /// Issue codes with their number, those without conference included.
    pub issues: BTreeMap<String, usize>,
    /// Audio score by the E-model.
    pub mos: Result<Summary, NoData>,
    /// Score of the last call that has one, 0 to 100.
    pub score: Result<f64, NoData>,
    /// Seconds of presence of all participants.
    pub presence_s: f64,
    /// Connections, those that ever connected by their events, and those relayed.
    pub connections: (usize, usize, usize),
    /// Odd data.
    pub findings: usize,
    /// Linked participants; SFUs and peers without session included.
    pub linked: Vec<ParticipantId>,
}

/// What the summaries of an app count of a conference, beside what lists need of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CountedFacts {
    /// The sessions, for participants and for the app's charts.
    pub sessions: Vec<SessionFacts>,
    /// For the app's charts.
    pub setup_times_ms: Vec<(Timestamp, f64)>,
    /// Created at, relayed: connections with a known candidate type.
    pub paths: Vec<(Timestamp, bool)>,
    /// Code, created at, error name and message: issues that are stored with the conference.
    pub counted_issues: Vec<CountedIssue>,
}

/// An issue as the app's charts count it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedIssue {
    /// Its code.
    pub code: String,
    /// When it was detected.
    pub created_at: Timestamp,
    /// Name and message of a getUserMedia error; `None` unless its data is an object.
    pub media_error: Option<(String, String)>,
}

/// A call of a room, as periods and dashboards need it without the room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomCall {
    /// The room.
    pub conference: ConferenceId,
    /// What to call it.
    pub label: String,
    /// The call.
    pub call: CallFacts,
}

/// What periods and dashboards need of one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallFacts {
    /// From 1, in order of time.
    pub number: usize,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// Its score, 0 to 100.
    pub score: Result<f64, NoData>,
    /// Minutes of its participants with data.
    pub minutes: usize,
    /// Those that were bad.
    pub bad_minutes: usize,
    /// Issues that Peer Metrics stored, those without conference included.
    pub issues: Vec<IssueFacts>,
    /// Our findings of gravity warning and worse, with their number.
    pub incidents: BTreeMap<Code, usize>,
    /// Visits, by time.
    pub visits: Vec<VisitFacts>,
    /// Connections, by time.
    pub connections: Vec<ConnectionFacts>,
}

/// An issue of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueFacts {
    /// Its code.
    pub code: String,
    /// Error or warning; none for an unknown type.
    pub severity: Option<Severity>,
    /// Its session.
    pub session: SessionId,
    /// Name of a getUserMedia error.
    pub media_error: Option<String>,
}

/// A visit to a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VisitFacts {
    /// Its session.
    pub session: SessionId,
    /// Whose.
    pub participant: ParticipantId,
    /// When the page was opened.
    pub from: Timestamp,
    /// When it was left, or the last sign of it.
    pub to: Timestamp,
    /// Whether the session's platform is stored at all: null and `{}` are not counted by charts of browsers and systems.
    pub has_platform: bool,
    /// `platform.browser.name`.
    pub browser: Option<String>,
    /// The first number of `platform.browser.version`.
    pub browser_version: Option<String>,
    /// `platform.os.name`.
    pub os: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// City with coordinates, degrees north and east.
    pub city: Option<(String, f64, f64)>,
    /// The app's version.
    pub app_version: Option<String>,
    /// The participant's score in the call, 0 to 100.
    pub score: Option<f64>,
}

/// A connection of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionFacts {
    /// Its session.
    pub session: SessionId,
    /// Whether it was established by its events or stats.
    pub established: bool,
    /// Whether media was seen to go through TURN, if that is known.
    pub relayed: Option<bool>,
    /// From addConnection to connected by the events, ms.
    pub setup_ms: Option<f64>,
}

impl CallFacts {
    /// The gravest of its stored issues.
    pub fn severity(&self) -> Option<Severity> {
        self.issues.iter().filter_map(|issue| issue.severity).min()
    }

    /// Seconds of presence of all its visits.
    pub fn presence_s(&self) -> f64 {
        self.visits.iter().map(|visit| visit.to.seconds_since(visit.from).max(0.0)).sum()
    }
}

fn call_facts(
    call: &super::call::Call,
    visits: &[Visit],
    connections: &[Connection],
    issues: &[Issue],
) -> CallFacts {
    let score_of = |id: ParticipantId| {
        let person = call.people.iter().find(|person| person.id == id)?;
        person.score.as_ref().ok().map(|score| score.score)
    };
    let visit = |visit: &Visit| {
        let platform = visit.platform.as_ref();
        let place = visit.place.as_ref();
        let major = |version: &String| version.split('.').next().unwrap_or_default().to_owned();
        VisitFacts {
            session: visit.session,
            participant: visit.participant,
            from: visit.from,
            to: visit.to,
            has_platform: platform.is_some(),
            browser: platform.and_then(|platform| platform.browser.clone()),
            browser_version: platform.and_then(|platform| platform.browser_version.as_ref()).map(major),
            os: platform.and_then(|platform| platform.os.clone()),
            country: place.and_then(|place| place.country.clone()),
            city: place.and_then(|place| Some((place.city.clone()?, place.latitude?, place.longitude?))),
            app_version: visit.app_version.clone(),
            score: score_of(visit.participant),
        }
    };
    let connection = |connection: &Connection| ConnectionFacts {
        session: connection.row.session_id,
        established: connection.is_established(),
        relayed: connection.relayed,
        setup_ms: connection.setup_ms,
    };
    let issue = |issue: &Issue| IssueFacts {
        code: issue.row.code.clone(),
        severity: issue.severity,
        session: issue.row.session_id,
        media_error: media_error(issue.row.data.as_ref())
            .filter(|_| issue.row.code == "getusermedia_error")
            .map(|(name, _)| name),
    };
    let mut incidents = BTreeMap::new();
    for incident in call.incidents.iter().filter(|incident| incident.gravity != Gravity::Note) {
        *incidents.entry(incident.code).or_default() += 1;
    }
    let minutes = || call.people.iter().flat_map(|person| &person.minutes);
    CallFacts {
        number: call.number,
        start: call.span.start,
        end: call.span.end,
        score: call.score.as_ref().map(|score| score.score).map_err(|reason| *reason),
        minutes: minutes().count(),
        bad_minutes: minutes().filter(|minute| minute.bad).count(),
        issues: call.issues.iter().filter_map(|at| issues.get(*at)).map(issue).collect(),
        incidents,
        visits: call.visits.iter().filter_map(|at| visits.get(*at)).map(visit).collect(),
        connections: call.connections.iter().filter_map(|at| connections.get(*at)).map(connection).collect(),
    }
}

/// A session as the app's charts and the participant's page need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionFacts {
    /// Its row.
    pub row: SessionRow,
    /// Ids of its issues, by time.
    pub issues: Vec<crate::ids::IssueId>,
    /// The visit.
    pub visit: Visit,
}

/// One participant's part in one conference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attendance {
    /// Whose.
    pub participant: ParticipantId,
    /// Of which app.
    pub app: AppId,
    /// In which conference.
    pub conference: ConferenceId,
    /// When the conference was created, for the order of lists.
    pub created_at: Timestamp,
    /// Its sessions; empty for a peer that never ran the SDK, and for servers.
    pub sessions: Vec<SessionFacts>,
    /// Codes of the issues of these sessions, with their number and gravity.
    pub issues: BTreeMap<(Option<Severity>, String), usize>,
    /// Seconds of presence.
    pub presence_s: f64,
    /// How it fared.
    pub experience: Experience,
    /// Our findings of gravity warning and worse, with their number.
    pub incidents: BTreeMap<Code, usize>,
}

#[expect(
    clippy::too_many_arguments,
    reason = "it gathers what `measure` has at hand, and nothing else calls it"
)]
pub(super) fn facts(
    dossier: &Dossier,
    world: &World,
    visits: &[Visit],
    connections: &[Connection],
    issues: &[Issue],
    quality: &Quality,
    calls: &[super::call::Call],
    findings: usize,
) -> (ConferenceFacts, Vec<CallFacts>, CountedFacts) {
    let row = ConferenceRow { summary_data: None, ..dossier.conference.clone() };
    let with = |severity: Severity, api: bool| {
        issues.iter().any(|issue| issue.severity == Some(severity) && !(api && issue.through_session))
    };
    let class = |api: bool| match () {
        () if row.ongoing => Class::Ongoing,
        () if with(Severity::Error, api) => Class::Error,
        () if with(Severity::Warning, api) => Class::Warning,
        () => Class::Success,
    };
    let with_session: BTreeSet<ParticipantId> =
        dossier.sessions.iter().map(|session| session.participant_id).collect();
    let counts = |id: &&ParticipantId| {
        let person = world.participants.get(id);
        with_session.contains(id) && person.is_some_and(|person| person.is_active && !person.is_sfu)
    };
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    let mut of_session: BTreeMap<SessionId, Vec<crate::ids::IssueId>> = BTreeMap::new();
    for issue in issues {
        *codes.entry(issue.row.code.clone()).or_default() += 1;
        of_session.entry(issue.row.session_id).or_default().push(issue.row.id);
    }
    let counted = issues.iter().filter(|issue| !issue.through_session).map(|issue| CountedIssue {
        code: issue.row.code.clone(),
        created_at: issue.row.created_at,
        media_error: media_error(issue.row.data.as_ref()),
    });
    let call_facts = calls.iter().map(|call| call_facts(call, visits, connections, issues)).collect();
    let counted = CountedFacts {
        sessions: dossier
            .sessions
            .iter()
            .zip(visits)
            .map(|(session, visit)| SessionFacts {
                row: session.clone(),
                issues: of_session.get(&session.id).cloned().unwrap_or_default(),
                visit: visit.clone(),
            })
            .collect(),
        setup_times_ms: dossier
            .connections
            .iter()
            .filter_map(|row| Some((row.created_at, first_setup(row)?)))
            .collect(),
        paths: dossier
            .connections
            .iter()
            .filter_map(|connection| Some((connection.created_at, connection.r#type.as_deref()? == "r")))
            .collect(),
        counted_issues: counted.collect(),
    };
    let facts = ConferenceFacts {
        has_errors: with(Severity::Error, true),
        has_warnings: with(Severity::Warning, true),
        participants_count: row.participants.iter().filter(counts).count(),
        class: class(false),
        api_class: class(true),
        calls: calls.len(),
        issues: codes,
        mos: quality.mos,
        score: score(calls),
        presence_s: visits.iter().map(|visit| visit.to.seconds_since(visit.from)).sum(),
        connections: (
            connections.len(),
            connections.iter().filter(|connection| connection.connected_at.is_some()).count(),
            connections.iter().filter(|connection| connection.relayed == Some(true)).count(),
        ),
        findings,
        linked: row.participants.clone(),
        row,
    };
    (facts, call_facts, counted)
}

/// The score of the last call that has one, else why the last one has none.
fn score(calls: &[super::call::Call]) -> Result<f64, NoData> {
    let scored = calls.iter().rev().find_map(|call| call.score.as_ref().ok());
    let reason = calls.last().and_then(|call| call.score.as_ref().err().copied());
    scored.map(|score| score.score).ok_or(reason.unwrap_or(NoData::NeverConnected))
}

/// The setup time as the API counts it: of the first negotiation, if it ended connected.
fn first_setup(row: &crate::snapshot::ConnectionRow) -> Option<f64> {
    let info = row.connection_info.as_ref()?.parse()?;
    let first = negotiations(&info).into_iter().next().filter(|first| first.status == "connected")?;
    let ms = first.end?.seconds_since(first.start?) * 1000.0;
    (ms >= 0.0).then_some(ms)
}

fn media_error(data: Option<&Json>) -> Option<(String, String)> {
    let Value::Object(data) = data?.parse()? else { return None };
    let text = |key: &str| data.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    Some((text("name").unwrap_or("Unknown").to_owned(), text("message").unwrap_or_default().to_owned()))
}

/// The part that each linked participant, and each one with a session, took in a conference.
pub fn attendances(report: &ConferenceReport) -> Vec<Attendance> {
    let (facts, counted) = (&report.facts, &report.counted);
    let mut ids: BTreeSet<ParticipantId> = facts.linked.iter().copied().collect();
    ids.extend(counted.sessions.iter().map(|session| session.row.participant_id));
    let attendance = |participant: ParticipantId| {
        let sessions: Vec<SessionFacts> = counted
            .sessions
            .iter()
            .filter(|session| session.row.participant_id == participant)
            .cloned()
            .collect();
        let mut codes = BTreeMap::new();
        for issue in report.issues.iter().filter(|issue| issue.participant == Some(participant)) {
            *codes.entry((issue.severity, issue.row.code.clone())).or_default() += 1;
        }
        let mut incidents = BTreeMap::new();
        for incident in report.calls.iter().flat_map(|call| &call.incidents) {
            if incident.participant == participant && incident.gravity != Gravity::Note {
                *incidents.entry(incident.code).or_default() += 1;
            }
        }
        Attendance {
            participant,
            app: facts.row.app_id,
            conference: facts.row.id,
            created_at: facts.row.created_at,
            presence_s: sessions
                .iter()
                .map(|session| session.visit.to.seconds_since(session.visit.from))
                .sum(),
            sessions,
            issues: codes,
            experience: Experience::of(report, participant),
            incidents,
        }
    };
    ids.into_iter().map(attendance).collect()
}

impl CountedFacts {
    /// Sessions whose platform the charts count, as browser and system.
    pub(super) fn platforms(&self) -> impl Iterator<Item = (&SessionFacts, &people::Platform)> {
        self.sessions.iter().filter_map(|session| Some((session, session.visit.platform.as_ref()?)))
    }
}
