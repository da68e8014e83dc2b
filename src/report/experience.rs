//! How one participant fared in one conference, as small values that outlive the conference's report; and the same of all of
//! an app's participants, to compare with.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::streams::Direction;
use super::{ConferenceReport, Connection};
use crate::ids::ParticipantId;
use crate::metrics::measures::Measure;
use crate::metrics::percentile::{Summary, percentile};

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

/// One participant's experience of one conference: medians over all intervals of its connections.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Experience {
    values: BTreeMap<Part, f64>,
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
        let whole = |measure: Measure| -> Vec<f64> {
            let values = own.iter().filter_map(|connection| connection.series.values.get(measure));
            values.flatten().flatten().copied().collect()
        };
        let streams = |direction: Direction, measure: Measure| -> Vec<f64> {
            let streams = own.iter().flat_map(|connection| &connection.series.streams);
            let streams = streams.filter(|stream| stream.direction == direction);
            streams.filter_map(|stream| stream.values.get(measure)).flatten().flatten().copied().collect()
        };
        let people = || {
            report.calls.iter().filter_map(|call: &Call| call.people.iter().find(|person| person.id == id))
        };
        let scores: Vec<f64> =
            people().filter_map(|person| Some(person.score.as_ref().ok()?.score)).collect();
        let mut values = BTreeMap::new();
        for part in Part::ALL {
            let all = match part {
                Part::Score => scores.clone(),
                Part::Audio => streams(Direction::Inbound, Measure::AudioScore),
                Part::Video => streams(Direction::Inbound, Measure::VideoScore),
                Part::RoundTripTime => whole(Measure::RoundTripTime),
                Part::LossIn => streams(Direction::Inbound, Measure::Loss),
                Part::LossOut => streams(Direction::Outbound, Measure::Loss),
                Part::Jitter => streams(Direction::Inbound, Measure::Jitter),
                Part::BitrateIn => whole(Measure::BitrateIn),
                Part::BitrateOut => whole(Measure::BitrateOut),
            };
            if let Some(summary) = Summary::of(all) {
                values.insert(part, summary.p50);
            }
        }
        let minutes = || people().flat_map(|person| &person.minutes);
        Self {
            values,
            minutes: minutes().count(),
            bad_minutes: minutes().filter(|minute| minute.bad).count(),
            network: network(&own),
        }
    }
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

/// The medians of many experiences, to compare one participant with.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Usual(BTreeMap<Part, (f64, usize)>);

impl Usual {
    /// Of all experiences of an app.
    pub fn of<'a>(experiences: impl Iterator<Item = &'a Experience>) -> Self {
        let mut lists: BTreeMap<Part, Vec<f64>> = BTreeMap::new();
        for experience in experiences {
            for (part, value) in &experience.values {
                lists.entry(*part).or_default().push(*value);
            }
        }
        let median = |(part, mut values): (Part, Vec<f64>)| {
            values.sort_by(f64::total_cmp);
            Some((part, (percentile(&values, 0.5)?, values.len())))
        };
        Self(lists.into_iter().filter_map(median).collect())
    }

    /// The median of a part and of how many experiences it is.
    pub fn get(&self, part: Part) -> Option<(f64, usize)> {
        self.0.get(&part).copied()
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
    fn a_trend_needs_five_conferences_on_either_side() {
        assert_eq!(trend(&[4.0; 14]), None);
        let mut values = vec![4.0; 10];
        values.extend([3.0; 5]);
        let expected = Trend { before: 4.0, before_n: 10, recent: 3.0, recent_n: 5 };
        assert_eq!(trend(&values), Some(expected));
        assert_eq!(trend(&[1.0; 60]).map(|trend| (trend.before_n, trend.recent_n)), Some((50, 10)));
    }
}
