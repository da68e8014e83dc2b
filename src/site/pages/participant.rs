//! A participant: presence by day, devices, browsers, places, and its conferences.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ConferenceItem, Link, conference_item};
use crate::ids::{ConferenceId, ParticipantId};
use crate::metrics::percentile::Summary;
use crate::report::experience::{Network, Part, Trend, Usual, trend};
use crate::report::incidents::Code;
use crate::report::{Attendance, ConferenceFacts, SessionFacts, words};
use crate::site::Route;
use crate::site::charts::{Bar, bars, round};
use crate::site::chrome::{Content, Offer};
use crate::site::map::{Circle, circles};
use crate::snapshot::{AppRow, OrganizationRow, ParticipantRow};
use crate::units::Timestamp;

/// A participant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParticipantPage {
    /// Its id.
    pub id: String,
    /// Its name, else the customer's id, else the row's.
    pub label: String,
    /// Its name.
    pub name: Option<String>,
    /// The customer's id.
    pub participant_id: Option<String>,
    /// Whether it is a server.
    pub is_sfu: bool,
    /// Its app.
    pub app: Link,
    /// First and last time it was seen in a session.
    pub seen: Option<(Timestamp, Timestamp)>,
    /// Sessions.
    pub sessions: usize,
    /// Seconds of presence.
    pub presence_s: f64,
    /// Seconds of presence by day.
    pub days: Vec<Bar>,
    /// Sessions by browser and version.
    pub browsers: Vec<Bar>,
    /// Sessions by system and version.
    pub systems: Vec<Bar>,
    /// Versions of the app, by sessions.
    pub app_versions: Vec<Bar>,
    /// SDKs, by sessions.
    pub sdks: Vec<Bar>,
    /// Every device: kind, label, sessions, first and last seen.
    pub devices: Vec<DeviceHistory>,
    /// Sessions by place.
    pub places: Vec<Bar>,
    /// The same on a map.
    pub map: Vec<Circle>,
    /// What its connections went over.
    pub network: NetworkView,
    /// How it fared over all its conferences, compared with the app.
    pub stats: Vec<StatRow>,
    /// The months that the app's medians are of, `2026-11`; in order.
    pub usual_months: Vec<String>,
    /// Minutes with data, and the bad ones.
    pub minutes: (usize, usize),
    /// Our findings in all its conferences: title and number.
    pub incidents: Vec<(&'static str, usize)>,
    /// Issues of its own, most frequent first: severity, title, number.
    pub issues: Vec<(&'static str, String, usize)>,
    /// Conferences in which it had issues, newest first.
    pub troubled: Vec<ConferenceItem>,
    /// All its conferences, newest first, by month.
    pub months: Vec<(String, Vec<ConferenceItem>)>,
    /// How many those are.
    pub conferences: usize,
    #[serde(skip)]
    trail: Vec<(String, Route)>,
}

/// A device over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeviceHistory {
    /// `audioinput`, `videoinput`, `audiooutput`, or whatever was stored.
    pub kind: String,
    /// Its label.
    pub label: String,
    /// Sessions that listed it.
    pub sessions: usize,
    /// First seen.
    pub first: Timestamp,
    /// Last seen.
    pub last: Timestamp,
}

/// What connections went over.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkView {
    /// Connections, and those established.
    pub connections: (usize, usize),
    /// Share of relayed ones among those of which it is known.
    pub relayed: Option<f64>,
    /// Of how many it is known.
    pub known: usize,
    /// Over TCP.
    pub over_tcp: usize,
    /// By candidate type.
    pub types: Vec<Bar>,
    /// By address family.
    pub families: Vec<Bar>,
    /// By transport protocol.
    pub protocols: Vec<Bar>,
}

/// One measure over all conferences.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatRow {
    /// What is measured.
    pub title: &'static str,
    /// How to show it.
    pub unit: &'static str,
    /// Over the medians of the conferences; none if nothing was measured.
    pub own: Option<Summary>,
    /// The app's median and of how many participations it is.
    pub usual: Option<(f64, usize)>,
    /// `better`, `worse` or `like` the app's median, where there is enough to say so; `neither` for what is neither good nor bad.
    pub against: Option<&'static str>,
    /// The last conferences beside the ones before.
    pub trend: Option<Trend>,
    /// One point per conference in order of time: a path in 1000 x 120, if there are at least two.
    pub path: Option<String>,
    /// Where the app's median lies in it.
    pub usual_y: Option<f64>,
}

/// With fewer conferences than this nothing is said against the app's median.
const COMPARE: usize = 3;

/// A difference too small to matter, by unit.
fn unnoticed(unit: &str) -> f64 {
    match unit {
        "points" => 3.0,
        "score" => 0.1,
        "millis" => 10.0,
        "percent" => 0.005,
        _ => 0.0,
    }
}

fn stat_rows(attendances: &[Attendance], usual: &Usual) -> Vec<StatRow> {
    Part::ALL
        .into_iter()
        .map(|part| {
            let (_, title, unit, high_is_good) = part.meaning();
            let values: Vec<f64> =
                attendances.iter().filter_map(|attendance| attendance.experience.get(part)).collect();
            let own = Summary::of(values.clone());
            let usual = usual.get(part);
            let top = values.iter().copied().chain(usual.map(|usual| usual.0)).fold(0.0, f64::max);
            let y = |value: f64| round(120.0 - if top > 0.0 { value / top * 112.0 } else { 0.0 } - 4.0);
            let step = if values.len() > 1 { 1000.0 / (values.len() - 1) as f64 } else { 0.0 };
            let points = values
                .iter()
                .enumerate()
                .map(|(at, value)| format!("{} {}", round(at as f64 * step), y(*value)));
            let against = own.filter(|own| own.n >= COMPARE).zip(usual).map(|(own, usual)| {
                let Some(high) = high_is_good else { return "neither" };
                // Within a tenth of the app's median, or what nobody would notice, is like it.
                let difference = own.p50 - usual.0;
                let alike = difference.abs() <= (usual.0.abs() * 0.1).max(unnoticed(unit));
                match (alike, (difference > 0.0) == high) {
                    (true, _) => "like",
                    (false, true) => "better",
                    (false, false) => "worse",
                }
            });
            StatRow {
                title,
                unit,
                against,
                trend: trend(&values),
                path: (values.len() > 1).then(|| format!("M{}", points.collect::<Vec<_>>().join("L"))),
                usual_y: usual.map(|usual| y(usual.0)),
                usual,
                own,
            }
        })
        .collect()
}

fn network_view(attendances: &[Attendance]) -> NetworkView {
    let mut all = Network::default();
    for attendance in attendances {
        all.merge(&attendance.experience.network);
    }
    let list = |counts: BTreeMap<String, usize>| {
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        bars(counts)
    };
    NetworkView {
        connections: (all.connections, all.established),
        relayed: (all.known > 0).then(|| all.relayed as f64 / all.known as f64),
        known: all.known,
        over_tcp: all.over_tcp,
        types: list(all.types),
        families: list(all.families),
        protocols: list(all.protocols),
    }
}

fn device_histories(sessions: &[&SessionFacts]) -> Vec<DeviceHistory> {
    let mut devices: BTreeMap<(String, String), DeviceHistory> = BTreeMap::new();
    for session in sessions {
        let visit = &session.visit;
        let mut own = visit.devices.clone();
        own.sort();
        own.dedup();
        for device in own {
            let entry = devices.entry((device.kind.clone(), device.label.clone())).or_insert(DeviceHistory {
                kind: device.kind,
                label: device.label,
                sessions: 0,
                first: visit.from,
                last: visit.to,
            });
            entry.sessions += 1;
            entry.first = entry.first.min(visit.from);
            entry.last = entry.last.max(visit.to);
        }
    }
    let mut devices: Vec<DeviceHistory> = devices.into_values().collect();
    devices.sort_by(|a, b| (&a.kind, b.last, &a.label).cmp(&(&b.kind, a.last, &b.label)));
    devices
}

impl ParticipantPage {
    /// From its attendances, in order of the conferences; with its app, that one's organization, and what is usual in it.
    pub fn new(
        row: &ParticipantRow,
        label: String,
        (app, organization, usual): (&AppRow, Option<&OrganizationRow>, &Usual),
        attendances: &[Attendance],
        facts: &BTreeMap<ConferenceId, ConferenceFacts>,
    ) -> Self {
        let route = Route::Participant(row.id);
        let sessions: Vec<&SessionFacts> =
            attendances.iter().flat_map(|attendance| &attendance.sessions).collect();
        let items = |wanted: &dyn Fn(&Attendance) -> bool| -> Vec<ConferenceItem> {
            let wanted = attendances.iter().rev().filter(|attendance| wanted(attendance));
            wanted
                .filter_map(|attendance| facts.get(&attendance.conference))
                .map(|facts| conference_item(facts, &route))
                .collect()
        };
        let mut days: BTreeMap<String, f64> = BTreeMap::new();
        for session in &sessions {
            let seconds = session.visit.to.seconds_since(session.visit.from);
            *days.entry(session.visit.from.day().to_string()).or_default() += seconds;
        }
        let platform = |get: fn(&crate::report::people::Platform) -> [Option<&String>; 2]| {
            let names =
                sessions.iter().filter_map(|session| session.visit.platform.as_ref()).map(|platform| {
                    let parts: Vec<&str> = get(platform).into_iter().flatten().map(String::as_str).collect();
                    if parts.is_empty() { "Unknown".to_owned() } else { parts.join(" ") }
                });
            counted(names)
        };
        let mut issues: BTreeMap<(&'static str, String), usize> = BTreeMap::new();
        for ((severity, code), count) in attendances.iter().flat_map(|attendance| &attendance.issues) {
            let severity = severity.map_or("unknown", words::Severity::label);
            *issues.entry((severity, words::issue_title(code).to_owned())).or_default() += count;
        }
        let mut issues: Vec<_> =
            issues.into_iter().map(|((severity, title), count)| (severity, title, count)).collect();
        issues.sort_by(|a, b| b.2.cmp(&a.2).then(a.1.cmp(&b.1)));
        let first = sessions.iter().map(|session| session.visit.from).min();
        let last = sessions.iter().map(|session| session.visit.to).max();
        let mut trail: Vec<(String, Route)> = Vec::new();
        trail.extend(organization.map(|row| (row.name.clone(), Route::Organization(row.id))));
        trail.push((app.name.clone(), Route::App(app.id)));
        Self {
            id: row.id.to_string(),
            label,
            name: row.participant_name.clone().filter(|name| !name.is_empty()),
            participant_id: row.participant_id.clone().filter(|id| !id.is_empty()),
            is_sfu: row.is_sfu,
            app: Link::to(&app.name, &Route::App(app.id), &route),
            seen: first.zip(last),
            sessions: sessions.len(),
            presence_s: attendances.iter().map(|attendance| attendance.presence_s).sum(),
            days: bars(days.into_iter().map(|(day, seconds)| (day, seconds.max(0.0) as usize))),
            browsers: platform(|platform| [platform.browser.as_ref(), platform.browser_version.as_ref()]),
            systems: platform(|platform| [platform.os.as_ref(), platform.os_version.as_ref()]),
            places: counted(sessions.iter().filter_map(|session| session.visit.place.as_ref()?.label())),
            app_versions: counted(
                sessions.iter().map(|session| {
                    session.visit.app_version.clone().unwrap_or_else(|| "not given".to_owned())
                }),
            ),
            sdks: counted(sessions.iter().filter_map(|session| session.visit.webrtc_sdk.clone())),
            devices: device_histories(&sessions),
            map: circles(sessions.iter().filter_map(|session| session.visit.place.as_ref())),
            network: network_view(attendances),
            stats: stat_rows(attendances, usual),
            usual_months: usual.months().map(str::to_owned).collect(),
            minutes: (
                attendances.iter().map(|attendance| attendance.experience.minutes).sum(),
                attendances.iter().map(|attendance| attendance.experience.bad_minutes).sum(),
            ),
            incidents: incidents(attendances),
            issues,
            troubled: items(&|attendance| !attendance.issues.is_empty() || !attendance.incidents.is_empty()),
            conferences: attendances.len(),
            months: {
                let mut months: Vec<(String, Vec<ConferenceItem>)> = Vec::new();
                for item in items(&|_| true) {
                    let month = item.created_at.day().month();
                    match months.last_mut() {
                        Some((last, list)) if *last == month => list.push(item),
                        _ => months.push((month, vec![item])),
                    }
                }
                months
            },
            trail,
        }
    }
}

fn incidents(attendances: &[Attendance]) -> Vec<(&'static str, usize)> {
    let mut counts: BTreeMap<Code, usize> = BTreeMap::new();
    for (code, count) in attendances.iter().flat_map(|attendance| &attendance.incidents) {
        *counts.entry(*code).or_default() += count;
    }
    let mut counts: Vec<_> = counts.into_iter().map(|(code, count)| (code.meaning().1, count)).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    counts
}

/// By number, then by name.
fn counted(names: impl Iterator<Item = String>) -> Vec<Bar> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    bars(counts)
}

impl Content for ParticipantPage {
    const KIND: &'static str = "participant";
    const TEMPLATE: &'static str = "pages/participant.html";

    fn title(&self) -> String {
        self.label.clone()
    }

    fn description(&self) -> String {
        format!("{}: {} conferences, {} sessions.", self.label, self.conferences, self.sessions)
    }

    fn trail(&self) -> Vec<(String, Route)> {
        self.trail.clone()
    }

    fn data(&self) -> Option<Route> {
        self.id.parse().ok().map(Route::ApiParticipant)
    }

    fn files(&self) -> Vec<Offer> {
        let files = |id: ParticipantId| {
            vec![
                Offer::new(
                    Route::ApiParticipant(id),
                    "JSON",
                    "the participant, its conferences and sessions",
                ),
                Offer::new(
                    Route::ApiParticipantConferences(id),
                    "CSV",
                    "its conferences, and how it fared in each",
                ),
            ]
        };
        self.id.parse().map(files).unwrap_or_default()
    }

    fn id(&self) -> Option<String> {
        Some(self.id.clone())
    }
}
