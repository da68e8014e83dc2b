//! The static API: what the GET endpoints of the Peer Metrics API answer, field by field, one file per resource. What
//! peerpress adds stands under `report`.
//!
//! JSON columns go through as the database has them, unparsed. `api_key` is withheld.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::ids::{
    AppId, ConferenceId, ConnectionId, IssueId, OrganizationId, ParticipantId, SessionId, TrackId,
};
use crate::metrics::buckets::{DURATION, SETUP_TIME};
use crate::privacy::Profile;
use crate::report::experience::Part;
use crate::report::streams::Series;
use crate::report::{
    AppTotals, Attendance, Class, ConferenceFacts, ConferenceReport, SessionFacts, WholeBucket, World,
    summary, words,
};
use crate::snapshot::{
    AppRow, ConferenceRow, ConnectionRow, EventRow, Json, OrganizationRow, ParticipantRow,
};
use crate::units::Timestamp;

type RawJson<'a> = Option<&'a RawValue>;

fn raw(json: Option<&Json>) -> RawJson<'_> {
    json.map(Json::raw)
}

fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(Timestamp::api)
}

/// A conference as lists and its own endpoint answer it.
#[derive(Debug, Serialize)]
struct Conference<'a> {
    id: ConferenceId,
    conference_id: &'a str,
    conference_name: Option<&'a str>,
    conference_info: RawJson<'a>,
    start_time: Option<String>,
    call_start: Option<String>,
    end_time: Option<String>,
    ongoing: bool,
    duration: i64,
    app: AppId,
    created_at: String,
}

fn conference(row: &ConferenceRow) -> Conference<'_> {
    Conference {
        id: row.id,
        conference_id: &row.conference_id,
        conference_name: row.conference_name.as_deref(),
        conference_info: raw(row.conference_info.as_ref()),
        start_time: time(row.start_time),
        call_start: time(row.call_start),
        end_time: time(row.end_time),
        ongoing: row.ongoing,
        duration: row.duration,
        app: row.app_id,
        created_at: row.created_at.api(),
    }
}

#[derive(Serialize)]
struct Participant<'a> {
    id: ParticipantId,
    participant_id: Option<&'a str>,
    participant_name: Option<&'a str>,
    is_sfu: bool,
    app: AppId,
    created_at: String,
}

fn participant(row: &ParticipantRow) -> Participant<'_> {
    Participant {
        id: row.id,
        participant_id: row.participant_id.as_deref(),
        participant_name: row.participant_name.as_deref(),
        is_sfu: row.is_sfu,
        app: row.app_id,
        created_at: row.created_at.api(),
    }
}

#[derive(Serialize)]
struct Session<'a> {
    issues: &'a [IssueId],
    id: SessionId,
    conference: ConferenceId,
    participant: ParticipantId,
    devices: RawJson<'a>,
    platform: RawJson<'a>,
    metadata: RawJson<'a>,
    geo_ip: RawJson<'a>,
    app_version: Option<&'a str>,
    webrtc_sdk: Option<&'a str>,
    session_info: RawJson<'a>,
    duration: i64,
    end_time: Option<String>,
    call_start: Option<String>,
    created_at: String,
}

fn session(facts: &SessionFacts) -> Session<'_> {
    let row = &facts.row;
    Session {
        issues: &facts.issues,
        id: row.id,
        conference: row.conference_id,
        participant: row.participant_id,
        devices: raw(row.devices.as_ref()),
        platform: raw(row.platform.as_ref()),
        metadata: raw(row.metadata.as_ref()),
        geo_ip: raw(row.geo_ip.as_ref()),
        app_version: row.app_version.as_deref(),
        webrtc_sdk: row.webrtc_sdk.as_deref(),
        session_info: raw(row.session_info.as_ref()),
        duration: row.duration,
        end_time: time(row.end_time),
        call_start: time(row.call_start),
        created_at: row.created_at.api(),
    }
}

#[derive(Serialize)]
struct Connection<'a> {
    id: ConnectionId,
    session: SessionId,
    conference: ConferenceId,
    participant: ParticipantId,
    peer: ParticipantId,
    r#type: Option<&'a str>,
    state: &'a str,
    connection_info: RawJson<'a>,
    start_time: Option<String>,
    end_time: Option<String>,
    duration: i64,
    created_at: String,
}

fn connection(row: &ConnectionRow) -> Connection<'_> {
    Connection {
        id: row.id,
        session: row.session_id,
        conference: row.conference_id,
        participant: row.participant_id,
        peer: row.peer_id,
        r#type: row.r#type.as_deref().map(words::candidate_type),
        state: &row.state,
        connection_info: raw(row.connection_info.as_ref()),
        start_time: time(row.start_time),
        end_time: time(row.end_time),
        duration: row.duration,
        created_at: row.created_at.api(),
    }
}

#[derive(Serialize)]
struct Issue<'a> {
    id: IssueId,
    session: SessionId,
    conference: Option<ConferenceId>,
    participant: Option<ParticipantId>,
    connection: Option<ConnectionId>,
    track: Option<TrackId>,
    r#type: &'a str,
    code: &'a str,
    data: RawJson<'a>,
    created_at: String,
    title: &'a str,
    explanation: &'a str,
}

fn issue(issue: &crate::report::Issue) -> Issue<'_> {
    let row = &issue.row;
    Issue {
        id: row.id,
        session: row.session_id,
        conference: row.conference_id,
        participant: row.participant_id,
        connection: row.connection_id,
        track: row.track_id,
        r#type: words::severity(&row.r#type),
        code: &row.code,
        data: raw(row.data.as_ref()),
        created_at: row.created_at.api(),
        title: &issue.title,
        explanation: issue.explanation,
    }
}

#[derive(Serialize)]
struct Event<'a> {
    id: crate::ids::EventId,
    conference: ConferenceId,
    participant: ParticipantId,
    peer: Option<ParticipantId>,
    session: SessionId,
    connection: Option<ConnectionId>,
    track: Option<TrackId>,
    app: AppId,
    r#type: &'a str,
    category: &'a str,
    data: RawJson<'a>,
    created_at: String,
}

fn event(row: &EventRow) -> Event<'_> {
    Event {
        id: row.id,
        conference: row.conference_id,
        participant: row.participant_id,
        peer: row.peer_id,
        session: row.session_id,
        connection: row.connection_id,
        track: row.track_id,
        app: row.app_id,
        r#type: &row.r#type,
        category: words::category(&row.category),
        data: raw(row.data.as_ref()),
        created_at: row.created_at.api(),
    }
}

/// All events but stats, each made when it is written: there may be very many.
struct Events<'a>(&'a [EventRow]);

impl Serialize for Events<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().filter(|row| row.r#type != "stats").map(event))
    }
}

/// `api/v1/conferences/<id>.json`.
#[derive(Serialize)]
pub struct ConferenceFile<'a> {
    data: ConferenceDetail<'a>,
    participants: Vec<Participant<'a>>,
    sessions: Vec<Session<'a>>,
    connections: Vec<Connection<'a>>,
    issues: Vec<Issue<'a>>,
    events: Events<'a>,
    graphs: Graphs<'a>,
    report: ConferenceAddition<'a>,
}

#[derive(Serialize)]
struct ConferenceDetail<'a> {
    participants: Vec<ParticipantId>,
    issues: Vec<IssueId>,
    #[serde(flatten)]
    conference: Conference<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Graphs<'a> {
    Ongoing(bool),
    Summary(GraphData<'a>),
}

#[derive(Serialize)]
struct GraphData<'a> {
    data: SummaryData<'a>,
}

/// The stored array, or ours.
enum SummaryData<'a> {
    Stored(&'a RawValue),
    Ours(summary::SummaryV1<'a>),
}

impl Serialize for SummaryData<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Stored(raw) => raw.serialize(serializer),
            Self::Ours(summary) => summary.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
struct ConferenceAddition<'a> {
    class: Class,
    calls: Vec<CallAddition<'a>>,
    issues_through_session: Vec<Issue<'a>>,
    quality: Value,
    series: Vec<ConnectionSeries<'a>>,
    findings: &'a [crate::report::findings::Finding],
}

/// What is measured of one call.
#[derive(Serialize)]
struct CallAddition<'a> {
    number: usize,
    start: String,
    end: String,
    seconds: f64,
    sentence: &'a str,
    score: Option<&'a crate::metrics::call_score::CallScore>,
    no_score: Option<crate::report::NoData>,
    people: Vec<PersonAddition<'a>>,
    incidents: &'a [crate::report::incidents::Incident],
}

#[derive(Serialize)]
struct PersonAddition<'a> {
    participant: ParticipantId,
    presence_s: f64,
    coverage: Option<f64>,
    score: Option<&'a crate::metrics::call_score::CallScore>,
}

fn call(call: &crate::report::call::Call) -> CallAddition<'_> {
    CallAddition {
        number: call.number,
        start: call.span.start.api(),
        end: call.span.end.api(),
        seconds: call.span.end.seconds_since(call.span.start),
        sentence: &call.sentence,
        score: call.score.as_ref().ok(),
        no_score: call.score.as_ref().err().copied(),
        people: call
            .people
            .iter()
            .map(|person| PersonAddition {
                participant: person.id,
                presence_s: person.presence_s,
                coverage: person.coverage,
                score: person.score.as_ref().ok(),
            })
            .collect(),
        incidents: &call.incidents,
    }
}

#[derive(Serialize)]
struct ConnectionSeries<'a> {
    connection: ConnectionId,
    participant: ParticipantId,
    peer: ParticipantId,
    label: String,
    points: &'a Series,
}

/// The file of a conference.
pub fn conference_file<'a>(report: &'a ConferenceReport, world: &'a World) -> ConferenceFile<'a> {
    let dossier = &report.dossier;
    let row = &dossier.conference;
    let mut people: Vec<&ParticipantRow> =
        row.participants.iter().filter_map(|id| world.participants.get(id)).collect();
    people.sort_by_key(|person| (person.created_at, person.id));
    let own = || report.issues.iter().filter(|issue| !issue.through_session);
    ConferenceFile {
        data: ConferenceDetail {
            participants: people.iter().map(|person| person.id).collect(),
            issues: own().map(|issue| issue.row.id).collect(),
            conference: conference(row),
        },
        participants: people.into_iter().map(participant).collect(),
        sessions: report.counted.sessions.iter().map(session).collect(),
        connections: dossier.connections.iter().map(connection).collect(),
        issues: own().map(issue).collect(),
        events: Events(&dossier.events),
        graphs: graphs(report),
        report: ConferenceAddition {
            class: report.facts.class,
            calls: report.calls.iter().map(call).collect(),
            issues_through_session: report
                .issues
                .iter()
                .filter(|issue| issue.through_session)
                .map(issue)
                .collect(),
            quality: quality(report),
            series: report
                .connections
                .iter()
                .filter(|connection| !connection.series.t.is_empty())
                .map(|connection| ConnectionSeries {
                    connection: connection.row.id,
                    participant: connection.row.participant_id,
                    peer: connection.row.peer_id,
                    label: format!(
                        "{} → {}",
                        world.person(connection.row.participant_id).label,
                        world.person(connection.row.peer_id).label
                    ),
                    points: &connection.series,
                })
                .collect(),
            findings: &report.findings,
        },
    }
}

fn graphs(report: &ConferenceReport) -> Graphs<'_> {
    let row = &report.dossier.conference;
    if row.ongoing {
        return Graphs::Ongoing(true);
    }
    let stored = row.stored_summary().ok().flatten().filter(|data| data.0.trim_start().starts_with('['));
    Graphs::Summary(GraphData {
        data: match stored {
            Some(data) => SummaryData::Stored(data.raw()),
            None => SummaryData::Ours(summary::summary_v1(&report.dossier.samples)),
        },
    })
}

fn quality(report: &ConferenceReport) -> Value {
    let quality = &report.quality;
    let entry = |result: &Result<crate::metrics::percentile::Summary, crate::report::NoData>| match result {
        Ok(summary) => json!(summary),
        Err(reason) => json!({"no_data": reason}),
    };
    json!({
        "audio_mos": entry(&quality.mos),
        "video_score": entry(&quality.video),
        "audio_emos_peer_metrics": entry(&quality.emos),
        "round_trip_time_ms": entry(&quality.rtt_ms),
        "packet_loss_inbound": entry(&quality.loss_in),
        "jitter_ms": entry(&quality.jitter_ms),
        "bitrate_inbound": entry(&quality.bitrate_in),
    })
}

/// A conference as lists answer it.
#[derive(Debug, Serialize)]
pub struct ListedConference<'a> {
    #[serde(flatten)]
    conference: Conference<'a>,
    has_errors: bool,
    has_warnings: bool,
    participants_count: usize,
}

/// A conference as lists answer it.
pub fn listed(facts: &ConferenceFacts) -> ListedConference<'_> {
    ListedConference {
        conference: conference(&facts.row),
        has_errors: facts.has_errors,
        has_warnings: facts.has_warnings,
        participants_count: facts.participants_count,
    }
}

/// `api/v1/participants/<id>.json`.
#[derive(Serialize)]
pub struct ParticipantFile<'a> {
    data: Participant<'a>,
    conferences: Vec<ListedConference<'a>>,
    sessions: Vec<Session<'a>>,
    report: ParticipantAddition,
}

#[derive(Serialize)]
struct ParticipantAddition {
    days: Vec<Value>,
    conferences: Vec<ExperienceEntry>,
}

/// How a participant fared in one conference: medians by name.
#[derive(Serialize)]
struct ExperienceEntry {
    conference: ConferenceId,
    created_at: String,
    minutes: usize,
    bad_minutes: usize,
    medians: BTreeMap<&'static str, f64>,
}

fn experience(attendance: &Attendance) -> ExperienceEntry {
    let experience = &attendance.experience;
    let median = |part: Part| Some((part.meaning().0, experience.get(part)?));
    ExperienceEntry {
        conference: attendance.conference,
        created_at: attendance.created_at.api(),
        minutes: experience.minutes,
        bad_minutes: experience.bad_minutes,
        medians: Part::ALL.into_iter().filter_map(median).collect(),
    }
}

/// The file of a participant, from its attendances in the order of the conferences.
pub fn participant_file<'a>(
    row: &'a ParticipantRow,
    attendances: &'a [Attendance],
    conferences: &'a BTreeMap<ConferenceId, ConferenceFacts>,
) -> ParticipantFile<'a> {
    let linked = |attendance: &&Attendance| {
        conferences.get(&attendance.conference).is_some_and(|facts| facts.linked.contains(&row.id))
    };
    let mut sessions: Vec<&SessionFacts> =
        attendances.iter().flat_map(|attendance| &attendance.sessions).collect();
    sessions.sort_by_key(|session| (session.row.created_at, session.row.id));
    let mut days: BTreeMap<crate::units::Day, f64> = BTreeMap::new();
    for session in &sessions {
        let seconds = session.visit.to.seconds_since(session.visit.from);
        *days.entry(session.visit.from.day()).or_default() += seconds;
    }
    ParticipantFile {
        data: participant(row),
        conferences: attendances
            .iter()
            .filter(linked)
            .filter_map(|attendance| conferences.get(&attendance.conference))
            .map(listed)
            .collect(),
        sessions: sessions.into_iter().map(session).collect(),
        report: ParticipantAddition {
            days: days.into_iter().map(|(day, seconds)| json!({"date": day, "seconds": seconds})).collect(),
            conferences: attendances.iter().map(experience).collect(),
        },
    }
}

#[derive(Serialize)]
struct App<'a> {
    id: AppId,
    name: &'a str,
    domain: Option<&'a str>,
    organization: OrganizationId,
    interval: i64,
    recording: bool,
    durations_days: RawJson<'a>,
    created_at: String,
}

fn app(row: &AppRow) -> App<'_> {
    App {
        id: row.id,
        name: &row.name,
        domain: row.domain.as_deref(),
        organization: row.organization_id,
        interval: row.interval,
        recording: row.recording,
        durations_days: raw(row.durations_days.as_ref()),
        created_at: row.created_at.api(),
    }
}

/// `api/v1/apps/<id>.json`.
#[derive(Serialize)]
pub struct AppFile<'a> {
    data: App<'a>,
    conferences_summary: Value,
    conferences_duration_summary: Value,
    conferences_participant_count_summary: Value,
    connections_summary: Value,
    connections_setup_time_summary: Value,
    sessions_summary: Value,
    issues_summary: Value,
    issues_gum_summary: Value,
    report: Value,
}

/// The file of an app, from its totals and its months.
pub fn app_file<'a>(row: &'a AppRow, totals: &AppTotals, months: &[String]) -> AppFile<'a> {
    let days: Vec<Value> = totals
        .days
        .iter()
        .map(|(date, counts)| {
            json!({"date": date, "success": counts.success, "warning": counts.warning, "error": counts.error,
                   "ongoing": counts.ongoing, "total": counts.total()})
        })
        .collect();
    let durations: Vec<Value> = DURATION
        .iter()
        .enumerate()
        .map(|(at, range)| {
            let count = totals.durations.get(&at).map_or(0, |bucket| bucket.count);
            json!({"range": range.label, "min_sec": range.min, "max_sec": range.max, "count": count})
        })
        .collect();
    let none = WholeBucket::default();
    let setup_times: Vec<Value> = SETUP_TIME
        .iter()
        .enumerate()
        .map(|(at, range)| {
            let bucket = totals.setup_times.get(&at).unwrap_or(&none);
            let ids: Vec<ConferenceId> = bucket.conferences().collect();
            json!({"range": range.label, "min_ms": range.min, "max_ms": range.max, "count": bucket.count,
                   "conference_ids": ids})
        })
        .collect();
    let participant_counts: Vec<Value> = totals
        .participant_counts
        .iter()
        .map(|(participants, conferences)| json!({"participants": participants, "conferences": conferences}))
        .collect();
    let named = |list: Vec<(&str, usize)>, key: &str| -> Vec<Value> {
        list.into_iter().map(|(name, count)| json!({key: name, "count": count})).collect()
    };
    let cities: Vec<Value> = totals
        .cities()
        .into_iter()
        .map(|city| {
            json!({"city": city.city, "latitude": city.latitude, "longitude": city.longitude, "count": city.count})
        })
        .collect();
    let issues: Vec<Value> = totals
        .issues()
        .into_iter()
        .map(|(code, count)| json!({"code": code, "title": words::issue_title(code), "count": count}))
        .collect();
    let media_errors: Vec<Value> = totals
        .media_errors()
        .into_iter()
        .map(|(name, message, count)| json!({"name": name, "message": message, "count": count}))
        .collect();
    let media_total: usize = totals.media_errors().iter().map(|(_, _, count)| count).sum();
    let all_issues: Vec<Value> = totals
        .all_issues()
        .into_iter()
        .map(|(code, of)| json!({"code": code, "count": of.count, "conferences": of.conferences()}))
        .collect();
    AppFile {
        data: app(row),
        conferences_summary: json!({"data": days}),
        conferences_duration_summary: json!({"data": durations}),
        conferences_participant_count_summary: json!({"data": participant_counts, "total_conferences": totals.conferences()}),
        connections_summary: json!({"data": [
            {"name": "Direct", "count": totals.paths.0}, {"name": "Relayed", "count": totals.paths.1}]}),
        connections_setup_time_summary: json!({"data": setup_times}),
        sessions_summary: json!({
            "browsers": named(totals.browsers(), "name"),
            "os": named(totals.systems(), "name"),
            "countries": named(totals.countries(), "code"),
            "cities": cities,
        }),
        issues_summary: json!({"data": issues}),
        issues_gum_summary: json!({"data": media_errors, "total": media_total}),
        report: json!({
            "months": months,
            "issues_with_those_through_session": all_issues,
            "app_versions": named(totals.app_versions(), "name"),
            "sessions": totals.sessions,
            "presence_seconds": totals.presence_s,
        }),
    }
}

/// `api/v1/apps/<id>/conferences/<yyyy-mm>.json`: one list per column, all of the same length.
#[derive(Serialize)]
pub struct MonthFile<'a> {
    count: usize,
    columns: Columns<'a>,
    report: MonthAddition<'a>,
}

#[derive(Serialize)]
struct MonthAddition<'a> {
    class: Vec<Class>,
    audio_mos_p50: Vec<Option<f64>>,
    calls: Vec<usize>,
    issues: Vec<&'a BTreeMap<String, usize>>,
}

macro_rules! columns {
    ($from:ident, $($name:ident: $type:ty = $value:expr;)*) => {
        #[derive(Serialize)]
        struct Columns<'a> {
            $($name: Vec<$type>,)*
        }

        fn columns<'a>(list: &[&'a ConferenceFacts]) -> Columns<'a> {
            Columns {
                $($name: list.iter().map(|facts| { let $from = listed(facts); $value }).collect(),)*
            }
        }
    };
}

columns! { of,
    id: ConferenceId = of.conference.id;
    conference_id: &'a str = of.conference.conference_id;
    conference_name: Option<&'a str> = of.conference.conference_name;
    conference_info: RawJson<'a> = of.conference.conference_info;
    start_time: Option<String> = of.conference.start_time;
    call_start: Option<String> = of.conference.call_start;
    end_time: Option<String> = of.conference.end_time;
    ongoing: bool = of.conference.ongoing;
    duration: i64 = of.conference.duration;
    app: AppId = of.conference.app;
    created_at: String = of.conference.created_at;
    has_errors: bool = of.has_errors;
    has_warnings: bool = of.has_warnings;
    participants_count: usize = of.participants_count;
}

/// The file of an app's conferences of one month, in their order.
pub fn month_file<'a>(facts: &[&'a ConferenceFacts]) -> MonthFile<'a> {
    MonthFile {
        count: facts.len(),
        columns: columns(facts),
        report: MonthAddition {
            class: facts.iter().map(|facts| facts.class).collect(),
            audio_mos_p50: facts.iter().map(|facts| facts.mos.ok().map(|summary| summary.p50)).collect(),
            calls: facts.iter().map(|facts| facts.calls).collect(),
            issues: facts.iter().map(|facts| &facts.issues).collect(),
        },
    }
}

/// `api/v1/organizations/<id>.json`.
#[derive(Serialize)]
pub struct OrganizationFile<'a> {
    data: Organization<'a>,
    apps: Vec<App<'a>>,
}

#[derive(Serialize)]
struct Organization<'a> {
    id: OrganizationId,
    name: &'a str,
    created_at: String,
}

/// The file of an organization, with its apps.
pub fn organization_file<'a>(row: &'a OrganizationRow, apps: &[&'a AppRow]) -> OrganizationFile<'a> {
    OrganizationFile {
        data: Organization { id: row.id, name: &row.name, created_at: row.created_at.api() },
        apps: apps.iter().map(|row| app(row)).collect(),
    }
}

/// `api/v1/meta.json`: the one file that carries the instant and the versions.
///
/// A database that is not told is null.
pub fn meta_file(
    instant: Timestamp,
    database: Option<&str>,
    profile: Profile,
    rows: &BTreeMap<String, u64>,
) -> Value {
    json!({
        "program": concat!("peerpress ", env!("CARGO_PKG_VERSION")),
        "api": "v1",
        "taken_at": instant.rfc3339(),
        "database": database,
        "privacy": profile.name(),
        "rows": rows,
    })
}

/// The JSON Schema of all files of the static API.
pub const SCHEMA: &str = include_str!("api.schema.json");
