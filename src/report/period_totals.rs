//! The figures of a period: a commutative monoid over calls, so that the calls of a period can be dealt to any number of
//! threads and the parts merged in any order with the same result.
//!
//! What is kept per period: percentiles need every value, and the lists behind the numbers need every call, so both are there,
//! in order. They are made when a period's page is, and forgotten after it: at any time there are those of the periods whose
//! pages are being made, and of the ones before these, not those of all. Of what only the newest calls are listed, the others
//! can be forgotten ([`PeriodTotals::trim`]); their number stays.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::incidents::Code;
use super::words::Severity;
use super::{CallFacts, VisitFacts};
use crate::ids::{ConferenceId, ParticipantId, SessionId};
use crate::metrics::percentile::percentile;
use crate::units::Timestamp;

/// A call in the list behind a number. They order by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallRef {
    /// When it began.
    pub start: Timestamp,
    /// Its room.
    pub conference: ConferenceId,
    /// Its number in the room, from 1.
    pub number: usize,
}

/// Pages list so many calls behind a number, the newest; the data file has them all.
pub const NEWEST: usize = 20;

/// Calls, by time, or how many they are and the newest of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSet {
    /// By time, each once; while calls are added, as they come.
    list: Vec<CallRef>,
    /// Older ones that were forgotten.
    forgotten: usize,
}

impl CallSet {
    /// How many calls.
    pub fn len(&self) -> usize {
        self.forgotten + self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those that were not forgotten, the oldest first.
    pub fn list(&self) -> &[CallRef] {
        &self.list
    }

    fn append(&mut self, other: Self) {
        append_exactly(&mut self.list, other.list);
        self.forgotten += other.forgotten;
    }

    fn sort(&mut self) {
        self.list.sort();
        self.list.dedup();
    }

    fn trim(&mut self) {
        let older = self.list.len().saturating_sub(NEWEST);
        self.list.drain(..older);
        self.list.shrink_to_fit();
        self.forgotten += older;
    }
}

/// Puts one list behind another, in no more room than both take: those of a year are long.
fn append_exactly<T>(list: &mut Vec<T>, mut other: Vec<T>) {
    list.reserve_exact(other.len());
    list.append(&mut other);
}

/// Things of which only the number is asked, each counted once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distinct<T>(Vec<T>);

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> Distinct<T> {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn sort(&mut self) {
        self.0.sort();
        self.0.dedup();
    }
}

/// By what calls are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// The browser's name.
    Browser,
    /// The browser's name and the first number of its version.
    BrowserVersion,
    /// The operating system's name.
    System,
    /// The app's version.
    AppVersion,
    /// The country's code.
    Country,
}

impl Dimension {
    /// All, in the order of pages.
    pub const ALL: [Self; 5] =
        [Self::Browser, Self::BrowserVersion, Self::System, Self::AppVersion, Self::Country];

    /// As a heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Browser => "Browser",
            Self::BrowserVersion => "Browser version",
            Self::System => "System",
            Self::AppVersion => "App version",
            Self::Country => "Country",
        }
    }

    /// Its name in data files.
    pub fn key(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::BrowserVersion => "browser_version",
            Self::System => "system",
            Self::AppVersion => "app_version",
            Self::Country => "country",
        }
    }

    /// The value of a visit, as the charts count it: no platform, no browser and no system; no country, no country; what is
    /// stored without a name is `Unknown`.
    fn of(self, visit: &VisitFacts) -> Option<String> {
        let named = |name: &Option<String>| name.clone().unwrap_or_else(|| "Unknown".to_owned());
        match self {
            Self::Browser => visit.has_platform.then(|| named(&visit.browser)),
            Self::BrowserVersion => visit.has_platform.then(|| match &visit.browser_version {
                Some(version) if !version.is_empty() => format!("{} {version}", named(&visit.browser)),
                _ => named(&visit.browser),
            }),
            Self::System => visit.has_platform.then(|| named(&visit.os)),
            Self::AppVersion => Some(named(&visit.app_version)),
            Self::Country => visit.country.clone(),
        }
    }
}

/// Finite values in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Values(Vec<f64>);

impl Values {
    /// The values, the least first.
    pub fn sorted(&self) -> &[f64] {
        &self.0
    }

    /// Their number and three percentiles; none of nothing.
    pub fn spread(&self) -> Option<Spread> {
        Some(Spread {
            n: self.0.len(),
            p5: percentile(&self.0, 0.05)?,
            p50: percentile(&self.0, 0.50)?,
            p95: percentile(&self.0, 0.95)?,
        })
    }

    fn extend(&mut self, values: impl IntoIterator<Item = f64>) {
        self.0.extend(values.into_iter().filter(|value| value.is_finite()));
    }

    /// Sorted runs, or what calls left behind one after the other.
    fn sort(&mut self) {
        self.0.sort_by(f64::total_cmp);
    }
}

/// A distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// How many values.
    pub n: usize,
    /// 5 % are below.
    pub p5: f64,
    /// Half are below.
    pub p50: f64,
    /// 95 % are below.
    pub p95: f64,
}

/// The figures of some calls, or of the part that some visits had in them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// The calls.
    pub calls: CallSet,
    /// The rooms of the calls.
    pub rooms: Distinct<ConferenceId>,
    /// Participants with a visit.
    pub participants: Distinct<ParticipantId>,
    /// Visits.
    pub sessions: usize,
    /// Presence of all visits, in microseconds: whole numbers, whose sum is the same in any order.
    pub presence_us: i64,
    /// Calls with an issue of type error.
    pub with_errors: CallSet,
    /// Calls with an issue of type warning, and none of type error.
    pub with_warnings: CallSet,
    /// Connections.
    pub connections: usize,
    /// Those that were established.
    pub established: usize,
    /// Calls with a connection that was not.
    pub not_connected: CallSet,
    /// Connections whose path is known.
    pub paths: usize,
    /// Those that went through TURN.
    pub relayed: usize,
    /// Calls with one.
    pub with_relay: CallSet,
    /// Calls with a set-up time.
    pub with_setup: CallSet,
    /// Set-up times of connections, ms.
    pub setup_ms: Values,
    /// Calls with a score.
    pub scored: CallSet,
    /// Scores, 0 to 100: of calls; of a part, those of the participants in each call.
    pub scores: Values,
    /// Minutes of participants with data; of a part none, since they are known by call only.
    pub minutes: usize,
    /// Those that were bad.
    pub bad_minutes: usize,
    /// Calls with one.
    pub with_bad_minutes: CallSet,
    /// What is compared: one value per call, since what lies within one call is not independent.
    pub by_call: ByCall,
}

/// One value per call that has any.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ByCall {
    /// Median set-up time, ms.
    pub setup_ms: Values,
    /// Score; of a part the mean of its participants.
    pub score: Values,
    /// Share of relayed connections among those whose path is known.
    pub relayed: Values,
    /// Share of connections that were established.
    pub established: Values,
    /// Share of bad minutes.
    pub bad: Values,
}

/// How often an issue or a finding occurred.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Times.
    pub times: usize,
    /// In which calls.
    pub calls: CallSet,
}

/// All figures of a period.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PeriodTotals {
    /// Of all its calls.
    pub whole: Slice,
    /// Of the parts that visits of one browser, system, version or country had in them.
    pub by: BTreeMap<(Dimension, String), Slice>,
    /// Stored issues, by code.
    pub issues: BTreeMap<String, Counted>,
    /// Our findings of gravity warning and worse.
    pub findings: BTreeMap<Code, Counted>,
}

impl PeriodTotals {
    /// Of some calls, in any order, with the rooms that they are of.
    pub fn of<'a>(calls: impl IntoIterator<Item = (ConferenceId, &'a CallFacts)>) -> Self {
        let mut totals = Self::default();
        for (conference, call) in calls {
            totals.add(conference, call);
        }
        totals.sort();
        totals
    }

    /// The sum of parts, each of which is let go before the next comes, with the newest calls only.
    pub fn newest_of<E>(parts: impl Iterator<Item = Result<Self, E>>) -> Result<Self, E> {
        let mut totals = Self::default();
        for part in parts {
            totals.append(part?);
        }
        // Once: to keep order after each part would take as often as much.
        totals.sort();
        totals.trim();
        Ok(totals)
    }

    fn add(&mut self, conference: ConferenceId, call: &CallFacts) {
        let at = CallRef { start: call.start, conference, number: call.number };
        let whole = &mut self.whole;
        whole.add(at, call, &mut call.visits.iter(), &|_| true);
        whole.add_score(at, call.score.ok().into_iter());
        whole.minutes += call.minutes;
        whole.bad_minutes += call.bad_minutes;
        if call.bad_minutes > 0 {
            whole.with_bad_minutes.list.push(at);
        }
        if call.minutes > 0 {
            whole.by_call.bad.extend([call.bad_minutes as f64 / call.minutes as f64]);
        }
        for dimension in Dimension::ALL {
            let mut parts: BTreeMap<String, Vec<&VisitFacts>> = BTreeMap::new();
            for visit in &call.visits {
                if let Some(value) = dimension.of(visit) {
                    parts.entry(value).or_default().push(visit);
                }
            }
            for (value, visits) in parts {
                let sessions: BTreeSet<SessionId> = visits.iter().map(|visit| visit.session).collect();
                let scores: BTreeMap<ParticipantId, f64> =
                    visits.iter().filter_map(|visit| Some((visit.participant, visit.score?))).collect();
                let slice = self.by.entry((dimension, value)).or_default();
                slice.add(at, call, &mut visits.iter().copied(), &|session| sessions.contains(&session));
                slice.add_score(at, scores.into_values());
            }
        }
        for issue in &call.issues {
            let counted = self.issues.entry(issue.code.clone()).or_default();
            counted.times += 1;
            counted.calls.list.push(at);
        }
        for (code, times) in &call.incidents {
            let counted = self.findings.entry(*code).or_default();
            counted.times += times;
            counted.calls.list.push(at);
        }
    }

    /// Adds what another part of the same period counted; a call is in one part only.
    pub fn merge(&mut self, other: Self) {
        self.append(other);
        self.sort();
    }

    fn append(&mut self, other: Self) {
        self.whole.append(other.whole);
        for (key, slice) in other.by {
            self.by.entry(key).or_default().append(slice);
        }
        for (code, counted) in other.issues {
            self.issues.entry(code).or_default().append(counted);
        }
        for (code, counted) in other.findings {
            self.findings.entry(code).or_default().append(counted);
        }
    }

    fn sort(&mut self) {
        self.whole.sort();
        self.by.values_mut().for_each(Slice::sort);
        self.call_sets().for_each(CallSet::sort);
    }

    /// Forgets all calls but the newest [`NEWEST`] behind each number. Nothing but these lists changes.
    pub fn trim(&mut self) {
        self.call_sets().for_each(CallSet::trim);
    }

    /// Forgets what is only there to be compared with another period, some 40 bytes for each call and each part of it.
    pub fn forget_values_by_call(&mut self) {
        std::iter::once(&mut self.whole)
            .chain(self.by.values_mut())
            .for_each(|slice| slice.by_call = ByCall::default());
    }

    /// The rooms of all calls that were not forgotten.
    pub fn listed(&mut self) -> BTreeSet<ConferenceId> {
        self.call_sets().flat_map(|calls| calls.list.iter().map(|call| call.conference)).collect()
    }

    fn call_sets(&mut self) -> impl Iterator<Item = &mut CallSet> {
        let slices = std::iter::once(&mut self.whole).chain(self.by.values_mut());
        let counted = self.issues.values_mut().chain(self.findings.values_mut());
        slices.flat_map(Slice::call_sets).chain(counted.map(|counted| &mut counted.calls))
    }

    /// Whether there is no call.
    pub fn is_empty(&self) -> bool {
        self.whole.calls.is_empty()
    }
}

impl Counted {
    fn append(&mut self, other: Self) {
        self.times += other.times;
        self.calls.append(other.calls);
    }
}

impl Slice {
    fn add(
        &mut self,
        at: CallRef,
        call: &CallFacts,
        visits: &mut dyn Iterator<Item = &VisitFacts>,
        has: &dyn Fn(SessionId) -> bool,
    ) {
        self.calls.list.push(at);
        self.rooms.0.push(at.conference);
        for visit in visits {
            self.participants.0.push(visit.participant);
            self.sessions += 1;
            let length = visit.to.as_micros().saturating_sub(visit.from.as_micros()).max(0);
            self.presence_us = self.presence_us.saturating_add(length);
        }
        let severity =
            call.issues.iter().filter(|issue| has(issue.session)).filter_map(|issue| issue.severity).min();
        match severity {
            Some(Severity::Error) => {
                self.with_errors.list.push(at);
            }
            Some(Severity::Warning) => {
                self.with_warnings.list.push(at);
            }
            None => {}
        }
        let connections = || call.connections.iter().filter(|connection| has(connection.session));
        let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
        let all = connections().count();
        let established = connections().filter(|connection| connection.established).count();
        let paths = connections().filter(|connection| connection.relayed.is_some()).count();
        let relayed = connections().filter(|connection| connection.relayed == Some(true)).count();
        self.connections += all;
        self.established += established;
        self.paths += paths;
        self.relayed += relayed;
        if established < all {
            self.not_connected.list.push(at);
        }
        if relayed > 0 {
            self.with_relay.list.push(at);
        }
        self.by_call.established.extend(share(established, all));
        self.by_call.relayed.extend(share(relayed, paths));
        let mut setup = Values::default();
        setup.extend(connections().filter_map(|connection| connection.setup_ms));
        setup.sort();
        if let Some(spread) = setup.spread() {
            self.with_setup.list.push(at);
            self.by_call.setup_ms.extend([spread.p50]);
        }
        self.setup_ms.extend(setup.0);
    }

    fn add_score(&mut self, at: CallRef, scores: impl Iterator<Item = f64>) {
        let scores: Vec<f64> = scores.filter(|score| score.is_finite()).collect();
        if scores.is_empty() {
            return;
        }
        self.scored.list.push(at);
        self.by_call.score.extend([scores.iter().sum::<f64>() / scores.len() as f64]);
        self.scores.extend(scores);
    }

    fn values(&mut self) -> [&mut Values; 7] {
        let by = &mut self.by_call;
        [
            &mut self.setup_ms,
            &mut self.scores,
            &mut by.setup_ms,
            &mut by.score,
            &mut by.relayed,
            &mut by.established,
            &mut by.bad,
        ]
    }

    fn call_sets(&mut self) -> [&mut CallSet; 8] {
        [
            &mut self.calls,
            &mut self.with_errors,
            &mut self.with_warnings,
            &mut self.not_connected,
            &mut self.with_relay,
            &mut self.with_setup,
            &mut self.scored,
            &mut self.with_bad_minutes,
        ]
    }

    /// All but the lists of calls.
    fn sort(&mut self) {
        self.values().into_iter().for_each(Values::sort);
        self.rooms.sort();
        self.participants.sort();
    }

    /// What was added behind what is there; to be sorted.
    fn append(&mut self, mut other: Self) {
        for (into, from) in self.values().into_iter().zip(other.values()) {
            append_exactly(&mut into.0, std::mem::take(&mut from.0));
        }
        for (into, from) in self.call_sets().into_iter().zip(other.call_sets()) {
            into.append(std::mem::take(from));
        }
        append_exactly(&mut self.rooms.0, other.rooms.0);
        append_exactly(&mut self.participants.0, other.participants.0);
        self.sessions += other.sessions;
        self.presence_us = self.presence_us.saturating_add(other.presence_us);
        self.connections += other.connections;
        self.established += other.established;
        self.paths += other.paths;
        self.relayed += other.relayed;
        self.minutes += other.minutes;
        self.bad_minutes += other.bad_minutes;
    }
}

/// The figures of some calls as numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Rooms with a call.
    pub conferences: usize,
    /// Calls.
    pub calls: usize,
    /// Distinct participants with a visit.
    pub participants: usize,
    /// Visits.
    pub sessions: usize,
    /// Whole minutes of presence of all visits.
    pub participant_minutes: u64,
    /// Calls with an issue of type error.
    pub with_errors: usize,
    /// Their share of the calls, 0 to 1.
    pub error_share: Option<f64>,
    /// Calls with an issue of type warning and none of type error.
    pub with_warnings: usize,
    /// Their share of the calls, 0 to 1.
    pub warning_share: Option<f64>,
    /// Connections.
    pub connections: usize,
    /// Those that were established.
    pub established: usize,
    /// Their share of the connections, 0 to 1.
    pub established_share: Option<f64>,
    /// Set-up time of connections, ms.
    pub setup_ms: Option<Spread>,
    /// Connections whose path is known.
    pub paths: usize,
    /// Those that went through TURN.
    pub relayed: usize,
    /// Their share of those whose path is known, 0 to 1.
    pub relayed_share: Option<f64>,
    /// Score, 0 to 100.
    pub score: Option<Spread>,
    /// Minutes of participants with data.
    pub minutes: usize,
    /// Those that were bad.
    pub bad_minutes: usize,
    /// Their share, 0 to 1.
    pub bad_share: Option<f64>,
}

impl Figures {
    /// Of some calls.
    pub fn of(slice: &Slice) -> Self {
        let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
        let calls = slice.calls.len();
        Self {
            conferences: slice.rooms.len(),
            calls,
            participants: slice.participants.len(),
            sessions: slice.sessions,
            participant_minutes: u64::try_from(slice.presence_us).unwrap_or_default() / 60_000_000,
            with_errors: slice.with_errors.len(),
            error_share: share(slice.with_errors.len(), calls),
            with_warnings: slice.with_warnings.len(),
            warning_share: share(slice.with_warnings.len(), calls),
            connections: slice.connections,
            established: slice.established,
            established_share: share(slice.established, slice.connections),
            setup_ms: slice.setup_ms.spread(),
            paths: slice.paths,
            relayed: slice.relayed,
            relayed_share: share(slice.relayed, slice.paths),
            score: slice.scores.spread(),
            minutes: slice.minutes,
            bad_minutes: slice.bad_minutes,
            bad_share: share(slice.bad_minutes, slice.minutes),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::super::{ConnectionFacts, IssueFacts, NoData};
    use super::*;

    /// A call of two people, `n` telling it apart from others.
    pub(crate) fn call(n: u128) -> (ConferenceId, CallFacts) {
        let start = Timestamp::from_micros(1_000_000 * n as i64);
        let visit = |who: u128, browser: &str| VisitFacts {
            session: SessionId(Uuid::from_u128(n * 10 + who)),
            participant: ParticipantId(Uuid::from_u128(who)),
            from: start,
            to: start.plus_seconds(90.0),
            has_platform: true,
            browser: Some(browser.to_owned()),
            browser_version: Some("140".to_owned()),
            os: None,
            country: None,
            city: None,
            app_version: None,
            score: Some(80.0 + who as f64),
        };
        let connection = |who: u128, setup_ms| ConnectionFacts {
            session: SessionId(Uuid::from_u128(n * 10 + who)),
            established: true,
            relayed: Some(who == 1),
            setup_ms: Some(setup_ms),
        };
        let facts = CallFacts {
            number: 1,
            start,
            end: start.plus_seconds(90.0),
            score: Ok(75.0),
            minutes: 4,
            bad_minutes: 1,
            issues: Vec::new(),
            incidents: BTreeMap::new(),
            visits: vec![visit(1, "Chrome"), visit(2, "Safari")],
            connections: vec![connection(1, 200.0), connection(2, 300.0)],
        };
        (ConferenceId(Uuid::from_u128(n)), facts)
    }

    pub(crate) fn issue(call: &mut CallFacts, code: &str, severity: Severity, who: usize) {
        let session = call.visits[who].session;
        let severity = Some(severity);
        call.issues.push(IssueFacts { code: code.to_owned(), severity, session, media_error: None });
    }

    fn totals(calls: &[(ConferenceId, CallFacts)]) -> PeriodTotals {
        PeriodTotals::of(calls.iter().map(|(id, call)| (*id, call)))
    }

    #[test]
    fn an_issue_counts_for_the_part_whose_session_had_it() {
        let mut one = call(1);
        issue(&mut one.1, "ice_failed", Severity::Error, 1);
        issue(&mut one.1, "turn_used", Severity::Warning, 0);
        let totals = totals(&[one, call(2)]);
        let part = |value: &str| Figures::of(&totals.by[&(Dimension::Browser, value.to_owned())]);
        let whole = Figures::of(&totals.whole);
        assert_eq!((whole.calls, whole.participants, whole.sessions), (2, 2, 4));
        assert_eq!((whole.with_errors, whole.with_warnings, whole.participant_minutes), (1, 0, 6));
        assert_eq!((part("Safari").with_errors, part("Safari").with_warnings), (1, 0));
        assert_eq!((part("Chrome").with_errors, part("Chrome").with_warnings), (0, 1));
        assert_eq!((part("Chrome").relayed_share, part("Safari").relayed_share), (Some(1.0), Some(0.0)));
        assert_eq!(part("Safari").setup_ms.map(|spread| (spread.n, spread.p50)), Some((2, 300.0)));
        assert_eq!(totals.issues["ice_failed"].times, 1);
        assert!(totals.by.contains_key(&(Dimension::BrowserVersion, "Chrome 140".to_owned())));
        assert!(totals.by.contains_key(&(Dimension::System, "Unknown".to_owned())));
        assert!(!totals.by.keys().any(|(dimension, _)| *dimension == Dimension::Country));
    }

    #[test]
    fn a_participant_who_came_twice_in_one_call_has_one_score_in_it() {
        let (id, mut facts) = call(1);
        let again = VisitFacts { session: SessionId(Uuid::from_u128(77)), ..facts.visits[0].clone() };
        facts.visits.push(again);
        facts.score = Err(NoData::TooFew);
        let totals = totals(&[(id, facts)]);
        let chrome = Figures::of(&totals.by[&(Dimension::Browser, "Chrome".to_owned())]);
        assert_eq!((chrome.sessions, chrome.score.map(|spread| spread.n)), (2, Some(1)));
        assert_eq!(Figures::of(&totals.whole).score, None);
    }

    proptest! {
        #[test]
        fn parts_can_be_dealt_and_merged_in_any_order(
            deals in proptest::collection::vec((0usize..4, 0u32..5, 0u32..1000), 0..3 * NEWEST),
        ) {
            let calls: Vec<_> = deals.iter().enumerate().map(|(at, (_, issues, ms))| {
                let mut one = call(at as u128);
                for _ in 0..*issues {
                    issue(&mut one.1, "low_emos", Severity::Warning, at % 2);
                }
                one.1.connections[0].setup_ms = Some(f64::from(*ms) / 7.0);
                one.1.score = Ok(f64::from(*ms) / 10.0);
                one
            }).collect();
            let whole = totals(&calls);
            let part = |which: usize| {
                let own: Vec<_> = calls.iter().zip(&deals)
                    .filter(|(_, deal)| deal.0 == which).map(|(call, _)| call.clone()).collect();
                totals(&own)
            };
            let mut forth = PeriodTotals::default();
            for which in 0..4 { forth.merge(part(which)); }
            let mut back = PeriodTotals::default();
            let mut half = part(3);
            half.merge(part(2));
            back.merge(part(1));
            back.merge(half);
            back.merge(part(0));
            prop_assert_eq!(&forth, &whole);
            prop_assert_eq!(&back, &whole);
            let mut turned = calls.clone();
            turned.reverse();
            prop_assert_eq!(totals(&turned), whole.clone());
            let trimmed = |mut totals: PeriodTotals| { totals.trim(); totals };
            let parts = (0..4).map(|which| Ok::<_, ()>(trimmed(part(which))));
            let newest = PeriodTotals::newest_of(parts).unwrap();
            prop_assert_eq!(Figures::of(&newest.whole), Figures::of(&whole.whole));
            prop_assert_eq!(newest, trimmed(whole));
        }
    }
}
