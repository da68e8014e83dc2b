//! A participant: presence by day, devices, browsers, places, and its conferences.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ConferenceItem, Link, conference_item};
use crate::ids::ConferenceId;
use crate::report::{Attendance, ConferenceFacts, SessionFacts, words};
use crate::site::Route;
use crate::site::charts::{Bar, bars};
use crate::site::chrome::Content;
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
    /// Labels of microphones, with the number of sessions that listed them.
    pub microphones: Vec<Bar>,
    /// Likewise cameras.
    pub cameras: Vec<Bar>,
    /// Likewise loudspeakers.
    pub speakers: Vec<Bar>,
    /// Sessions by browser and version.
    pub browsers: Vec<Bar>,
    /// Sessions by system and version.
    pub systems: Vec<Bar>,
    /// Sessions by place.
    pub places: Vec<Bar>,
    /// Issues of its own, most frequent first: severity, title, number.
    pub issues: Vec<(&'static str, String, usize)>,
    /// Conferences in which it had issues, newest first.
    pub troubled: Vec<ConferenceItem>,
    /// All its conferences, newest first.
    pub conferences: Vec<ConferenceItem>,
    #[serde(skip)]
    trail: Vec<(String, Route)>,
}

impl ParticipantPage {
    /// From its attendances, in order of the conferences.
    pub fn new(
        row: &ParticipantRow,
        label: String,
        app: &AppRow,
        organization: Option<&OrganizationRow>,
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
        let devices = |kind: &str| {
            let labels = sessions.iter().flat_map(|session| {
                let mut labels: Vec<&str> = session
                    .visit
                    .devices
                    .iter()
                    .filter(|device| device.kind == kind)
                    .map(|device| device.label.as_str())
                    .collect();
                labels.sort_unstable();
                labels.dedup();
                labels
            });
            counted(labels.map(str::to_owned))
        };
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
            microphones: devices("audioinput"),
            cameras: devices("videoinput"),
            speakers: devices("audiooutput"),
            browsers: platform(|platform| [platform.browser.as_ref(), platform.browser_version.as_ref()]),
            systems: platform(|platform| [platform.os.as_ref(), platform.os_version.as_ref()]),
            places: counted(sessions.iter().filter_map(|session| session.visit.place.as_ref()?.label())),
            issues,
            troubled: items(&|attendance| !attendance.issues.is_empty()),
            conferences: items(&|_| true),
            trail,
        }
    }
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
        format!("{}: {} conferences, {} sessions.", self.label, self.conferences.len(), self.sessions)
    }

    fn trail(&self) -> Vec<(String, Route)> {
        self.trail.clone()
    }

    fn data(&self) -> Option<Route> {
        self.id.parse().ok().map(Route::ApiParticipant)
    }

    fn id(&self) -> Option<String> {
        Some(self.id.clone())
    }
}
