//! How one participant fared in one conference, as small values that outlive the conference's report; and what is usual in an
//! app, to compare with.
//!
//! Usual is what the participations of whole calendar months were like: the last [`MONTHS`] months with calls that are over. A
//! month that is over stays as it is, so a new call does not change what everybody else is compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::period::{Period, PeriodKind};
use super::streams::{Direction, Series, Values};
use super::{ConferenceReport, Connection};
use crate::ids::ParticipantId;
use crate::metrics::measures::Measure;
use crate::metrics::percentile::{Summary, percentile};
use crate::units::{Timestamp, Zone};

/// What is compared: the names of its parts, with unit and whether low values are the bad ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// Score of the participant's part in its calls, 0 to 100.
    Score,
    /// Received audio score.
    Audio,
    /// Received video score.
    Video,
    /// Round trip time, ms.
    RoundTripTime,
    /// Loss of what was received, ratio.
    LossIn,
    /// Loss of what was sent, ratio.
    LossOut,
    /// Jitter of what was received, ms.
    Jitter,
    /// Bit/s received.
    BitrateIn,
    /// Bit/s sent.
    BitrateOut,
}

impl Part {
    /// All of them, in the order of pages.
    pub const ALL: [Self; 9] = [
        Self::Score,
        Self::Audio,
        Self::Video,
        Self::RoundTripTime,
        Self::LossIn,
        Self::LossOut,
        Self::Jitter,
        Self::BitrateIn,
        Self::BitrateOut,
    ];

    /// Key in files, title, unit; whether high values are good, if either is.
    pub fn meaning(self) -> (&'static str, &'static str, &'static str, Option<bool>) {
        match self {
            Self::Score => ("score", "Score", "points", Some(true)),
            Self::Audio => ("audio_score", "Audio score", "score", Some(true)),
            Self::Video => ("video_score", "Video score", "score", Some(true)),
            Self::RoundTripTime => ("rtt_ms", "Round trip time", "millis", Some(false)),
            Self::LossIn => ("loss_in", "Packet loss, received", "percent", Some(false)),
            Self::LossOut => ("loss_out", "Packet loss, sent", "percent", Some(false)),
            Self::Jitter => ("jitter_ms", "Jitter, received", "millis", Some(false)),
            Self::BitrateIn => ("bitrate_in", "Bit rate received", "bits", None),
            Self::BitrateOut => ("bitrate_out", "Bit rate sent", "bits", None),
        }
    }
}

/// The median of each part of which anything was measured.
pub type Medians = BTreeMap<Part, f64>;

/// One participant's experience of one conference: medians over all intervals of its connections.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Experience {
    values: Medians,
    /// Minutes with data.
    pub minutes: usize,
    /// Those that are bad.
    pub bad_minutes: usize,
    /// Its network.
    pub network: Network,
}

/// What a participant's connections went over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Connections.
    pub connections: usize,
    /// Those that were established by their events or stats.
    pub established: usize,
    /// Those of which it is known whether they were relayed.
    pub known: usize,
    /// Those that were.
    pub relayed: usize,
    /// Those over TCP.
    pub over_tcp: usize,
    /// Connections by the type of their own last candidate.
    pub types: BTreeMap<String, usize>,
    /// Connections by address family of that candidate.
    pub families: BTreeMap<String, usize>,
    /// Connections by transport protocol.
    pub protocols: BTreeMap<String, usize>,
}

impl Network {
    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        self.connections += other.connections;
        self.established += other.established;
        self.known += other.known;
        self.relayed += other.relayed;
        self.over_tcp += other.over_tcp;
        for (into, from) in [
            (&mut self.types, &other.types),
            (&mut self.families, &other.families),
            (&mut self.protocols, &other.protocols),
        ] {
            for (name, count) in from {
                *into.entry(name.clone()).or_default() += count;
            }
        }
    }
}

impl Experience {
    /// The median of a part, if anything of it was measured.
    pub fn get(&self, part: Part) -> Option<f64> {
        self.values.get(&part).copied()
    }

    /// A participant's experience of a conference.
    pub fn of(report: &ConferenceReport, id: ParticipantId) -> Self {
        let own: Vec<&Connection> =
            report.connections.iter().filter(|connection| connection.row.participant_id == id).collect();
        let people = || {
            report.calls.iter().filter_map(|call: &Call| call.people.iter().find(|person| person.id == id))
        };
        let minutes = || people().flat_map(|person| &person.minutes);
        Self {
            values: medians(report, id, &own, &|_| true),
            minutes: minutes().count(),
            bad_minutes: minutes().filter(|minute| minute.bad).count(),
            network: network(&own),
        }
    }
}

/// The medians of a participant over what is of some of the calls.
fn medians(
    report: &ConferenceReport,
    id: ParticipantId,
    own: &[&Connection],
    of: &dyn Fn(&Call) -> bool,
) -> Medians {
    let calls: Vec<(Timestamp, bool)> = report.calls.iter().map(|call| (call.span.start, of(call))).collect();
    let all = calls.iter().all(|(_, of)| *of);
    // An interval is of the last call that has begun.
    let is_of = |ms: i64| {
        let begun = calls.partition_point(|(start, _)| start.as_millis() <= ms);
        calls.get(begun.saturating_sub(1)).is_some_and(|(_, of)| *of)
    };
    let picked = |series: &Series, values: &Values, measure: Measure| -> Vec<f64> {
        let values = values.get(measure).into_iter().flatten().zip(&series.t);
        values.filter(|(_, ms)| all || is_of(**ms)).filter_map(|(value, _)| *value).collect()
    };
    let whole = |measure: Measure| -> Vec<f64> {
        own.iter().flat_map(|own| picked(&own.series, &own.series.values, measure)).collect()
    };
    let streams = |direction: Direction, measure: Measure| -> Vec<f64> {
        let streams =
            own.iter().flat_map(|own| own.series.streams.iter().map(|stream| (&own.series, stream)));
        let streams = streams.filter(|(_, stream)| stream.direction == direction);
        streams.flat_map(|(series, stream)| picked(series, &stream.values, measure)).collect()
    };
    let scores = || -> Vec<f64> {
        let people = report.calls.iter().filter(|call| of(call)).flat_map(|call| &call.people);
        let own = people.filter(|person| person.id == id);
        own.filter_map(|person| Some(person.score.as_ref().ok()?.score)).collect()
    };
    let mut medians = Medians::new();
    for part in Part::ALL {
        let values = match part {
            Part::Score => scores(),
            Part::Audio => streams(Direction::Inbound, Measure::AudioScore),
            Part::Video => streams(Direction::Inbound, Measure::VideoScore),
            Part::RoundTripTime => whole(Measure::RoundTripTime),
            Part::LossIn => streams(Direction::Inbound, Measure::Loss),
            Part::LossOut => streams(Direction::Outbound, Measure::Loss),
            Part::Jitter => streams(Direction::Inbound, Measure::Jitter),
            Part::BitrateIn => whole(Measure::BitrateIn),
            Part::BitrateOut => whole(Measure::BitrateOut),
        };
        if let Some(summary) = Summary::of(values) {
            medians.insert(part, summary.p50);
        }
    }
    medians
}

/// The medians of each participant over its calls of each month of the calendar: a room that is used for years has a
/// participation in each month, and those of the months before stay as they are. `whole` are the experiences of all its calls.
pub fn medians_by_month<'a>(
    report: &ConferenceReport,
    zone: &Zone,
    whole: impl IntoIterator<Item = (ParticipantId, &'a Experience)>,
) -> BTreeMap<Period, Vec<Medians>> {
    let month_of = |call: &Call| Period::of(PeriodKind::Month, zone.day_of(call.span.start));
    let months: BTreeSet<Period> = report.calls.iter().map(month_of).collect();
    let mut by_month: BTreeMap<Period, Vec<Medians>> = BTreeMap::new();
    for (id, experience) in whole.into_iter().filter(|(_, experience)| !experience.values.is_empty()) {
        let own: Vec<&Connection> =
            report.connections.iter().filter(|connection| connection.row.participant_id == id).collect();
        for month in &months {
            let of_month = match months.len() {
                1 => experience.values.clone(),
                _ => medians(report, id, &own, &|call| month_of(call) == *month),
            };
            if !of_month.is_empty() {
                by_month.entry(*month).or_default().push(of_month);
            }
        }
    }
    by_month
}

fn network(own: &[&Connection]) -> Network {
    let mut network = Network { connections: own.len(), ..Network::default() };
    let count = |into: &mut BTreeMap<String, usize>, name: Option<&str>| {
        if let Some(name) = name {
            *into.entry(name.chars().take(32).collect()).or_default() += 1;
        }
    };
    for connection in own {
        network.established += usize::from(connection.is_established());
        network.known += usize::from(connection.relayed.is_some());
        network.relayed += usize::from(connection.relayed == Some(true));
        network.over_tcp += usize::from(connection.over_tcp == Some(true));
        count(&mut network.types, connection.candidate_types.0.as_deref());
        count(&mut network.families, connection.family);
        count(&mut network.protocols, connection.protocol.as_deref());
    }
    network
}

/// `IPv4`, `IPv6` or `mDNS name`, by an address as browsers report it.
pub fn address_family(address: &str) -> Option<&'static str> {
    match address.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => Some("IPv4"),
        Ok(IpAddr::V6(_)) => Some("IPv6"),
        Err(_) => address.strip_suffix(".local").map(|_| "mDNS name"),
    }
}

/// Of how many months the usual is.
pub const MONTHS: usize = 3;

/// Of which months the usual is, by their names, of those in which an app has calls: the last [`MONTHS`] that are over at
/// the snapshot's instant; while none is, all there are.
pub fn usual_months<'a>(
    known: impl IntoIterator<Item = &'a str>,
    instant: Timestamp,
    zone: &Zone,
) -> BTreeSet<&'a str> {
    let now = Period::of(PeriodKind::Month, zone.day_of(instant)).name();
    let known: BTreeSet<&str> = known.into_iter().collect();
    let over: BTreeSet<&str> =
        known.iter().copied().filter(|month| **month < *now).rev().take(MONTHS).collect();
    if over.is_empty() { known } else { over }
}

/// The medians of many participations, to compare one participant with.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Usual {
    medians: BTreeMap<Part, (f64, usize)>,
    months: BTreeSet<String>,
}

impl Usual {
    /// Of the participations of some months.
    pub fn of(months: &BTreeSet<&str>, participations: impl IntoIterator<Item = Medians>) -> Self {
        let mut lists: BTreeMap<Part, Vec<f64>> = BTreeMap::new();
        for (part, value) in participations.into_iter().flatten() {
            lists.entry(part).or_default().push(value);
        }
        let median = |(part, mut values): (Part, Vec<f64>)| {
            values.sort_by(f64::total_cmp);
            Some((part, (percentile(&values, 0.5)?, values.len())))
        };
        Self {
            medians: lists.into_iter().filter_map(median).collect(),
            months: months.iter().map(|month| (*month).to_owned()).collect(),
        }
    }

    /// The median of a part and of how many participations it is.
    pub fn get(&self, part: Part) -> Option<(f64, usize)> {
        self.medians.get(&part).copied()
    }

    /// The months that it is of, in order.
    pub fn months(&self) -> impl Iterator<Item = &str> {
        self.months.iter().map(String::as_str)
    }
}

/// With fewer conferences on either side nothing is said of a trend.
const TREND_LEAST: usize = 5;

/// Whether the last conferences were unlike the ones before: their medians, with the number of each. Values are in order of
/// time; the last third, but ten at most, is compared with the rest. `None` with fewer than five on either side.
pub fn trend(values: &[f64]) -> Option<Trend> {
    let recent = (values.len() / 3).min(10);
    let split = values.len().checked_sub(recent).filter(|before| *before >= TREND_LEAST)?;
    if recent < TREND_LEAST {
        return None;
    }
    let (before, after) = values.split_at(split);
    let (before, after) = (Summary::of(before.to_vec())?, Summary::of(after.to_vec())?);
    Some(Trend { before: before.p50, before_n: before.n, recent: after.p50, recent_n: after.n })
}

/// The last conferences beside the ones before.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Trend {
    /// Median before.
    pub before: f64,
    /// Of how many conferences.
    pub before_n: usize,
    /// Median of the last ones.
    pub recent: f64,
    /// How many those are.
    pub recent_n: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_tell_their_family() {
        let families = ["10.0.0.1", "2001:db8::1", "[::1]", "b2f0.local", "", "redacted"].map(address_family);
        assert_eq!(families, [Some("IPv4"), Some("IPv6"), Some("IPv6"), Some("mDNS name"), None, None]);
    }

    #[test]
    fn usual_is_of_the_last_months_that_are_over_and_while_none_is_of_all_there_are() {
        let zone = Zone::parse("Pacific/Auckland").unwrap();
        let of = |known: &[&'static str], instant: &str| -> Vec<&str> {
            let instant = Timestamp::parse(instant).unwrap();
            usual_months(known.iter().copied(), instant, &zone).into_iter().collect()
        };
        let known = ["2025-12", "2026-07", "2026-08", "2026-10", "2026-11"];
        assert_eq!(of(&known, "2026-11-20 12:00:00"), ["2026-07", "2026-08", "2026-10"]);
        // There it is December already.
        assert_eq!(of(&known, "2026-11-30 12:00:00"), ["2026-08", "2026-10", "2026-11"]);
        assert_eq!(of(&["2026-11", "2027-01"], "2026-11-20 12:00:00"), ["2026-11", "2027-01"]);
        assert_eq!(of(&[], "2026-11-20 12:00:00"), Vec::<&str>::new());
    }

    #[test]
    fn a_trend_needs_five_conferences_on_either_side() {
        assert_eq!(trend(&[4.0; 14]), None);
        let mut values = vec![4.0; 10];
        values.extend([3.0; 5]);
        let expected = Trend { before: 4.0, before_n: 10, recent: 3.0, recent_n: 5 };
        assert_eq!(trend(&values), Some(expected));
        assert_eq!(trend(&[1.0; 60]).map(|trend| (trend.before_n, trend.recent_n)), Some((50, 10)));
    }
}
