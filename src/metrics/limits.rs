//! Opinions about measures: where trouble begins and where it is over, and the stretches of time in which it lasted. Measures
//! do not know them, so that changing one is a matter of configuration; published sources are named at each limit, the
//! rest is ours.

use serde::{Deserialize, Serialize};

/// Where trouble with one measure begins and ends. With `raise` below `clear`, low values are bad.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// A value beyond it begins an episode.
    pub raise: f64,
    /// A value back at it ends one; between the two an episode goes on, so that it does not flap.
    pub clear: f64,
    /// Shorter episodes are not reported, seconds.
    #[serde(default)]
    pub least_s: f64,
}

impl Limit {
    const fn new(raise: f64, clear: f64, least_s: f64) -> Self {
        Self { raise, clear, least_s }
    }

    /// Whether high values are the bad ones.
    pub fn high_is_bad(self) -> bool {
        self.raise >= self.clear
    }

    fn beyond(self, value: f64, limit: f64) -> bool {
        if self.high_is_bad() { value > limit } else { value < limit }
    }
}

/// All limits, as `[limits.<name>]` of the configuration changes them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Round trip time, ms: Twilio Voice Insights (400 ms).
    pub round_trip_time_ms: Limit,
    /// Interarrival jitter, ms: Twilio Voice Insights (30 ms peak).
    pub jitter_ms: Limit,
    /// Packet loss of a stream, ratio: Twilio Voice Insights (5 %).
    pub loss: Limit,
    /// Audio score, 1 to 5, that warns: Twilio Voice Insights (3.5).
    pub audio_score: Limit,
    /// Audio score, 1 to 5, that is an error: Peer Metrics' very_low_emos (3, for 30 s).
    pub audio_score_poor: Limit,
    /// Video score, 1 to 5: ours.
    pub video_score: Limit,
    /// Concealed but not silent samples, ratio: ObserveRTC client monitor, citing Webex (3 % raises, 1 % clears, 15 s).
    pub concealment: Limit,
    /// Samples inserted or removed to change speed, ratio: ObserveRTC (10 % raises, 5 % clears).
    pub time_stretch: Limit,
    /// Share of time in which the picture stood still: ours, 5 % as in the definition of a bad minute.
    pub freeze: Limit,
    /// Frames dropped of those received, ratio: ObserveRTC (10 %, decoder overload).
    pub frames_dropped: Limit,
    /// Decode or encode time of the time between two frames, ratio: ObserveRTC (80 %).
    pub codec_budget: Limit,
    /// Frames decoded of those received, ratio: ObserveRTC (0.7 raises, 0.85 clears).
    pub frames_decoded: Limit,
    /// Share of time in which the sender was limited by its processor: ObserveRTC (30 %).
    pub cpu_limited: Limit,
    /// Share of time in which the sender was limited by bandwidth: ours, as for the processor.
    pub bandwidth_limited: Limit,
    /// Picture loss indications per second: ObserveRTC (0.5 raises, 0.15 clears, 30 s).
    pub pli_rate: Limit,
    /// RMS level of a microphone, 0 to 1: ObserveRTC (below 0.001 for 30 s).
    pub microphone_level: Limit,
    /// Target of the jitter buffer, ms, while sound is played slower or faster: ObserveRTC (200 ms with a stretch of 2 %).
    pub jitter_buffer_target_ms: Limit,
    /// Frame rate of the camera against what it was set to, ratio: ObserveRTC (50 %).
    pub capture: Limit,
    /// Frame rate of the encoder against its source, ratio: ObserveRTC (70 %).
    pub encoder: Limit,
    /// Set-up time, ms: ObserveRTC (5 s).
    pub setup_ms: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            round_trip_time_ms: Limit::new(400.0, 300.0, 0.0),
            jitter_ms: Limit::new(30.0, 20.0, 0.0),
            loss: Limit::new(0.05, 0.02, 0.0),
            audio_score: Limit::new(3.5, 3.8, 0.0),
            audio_score_poor: Limit::new(3.0, 3.3, 30.0),
            video_score: Limit::new(2.5, 3.0, 20.0),
            concealment: Limit::new(0.03, 0.01, 15.0),
            time_stretch: Limit::new(0.10, 0.05, 0.0),
            freeze: Limit::new(0.05, 0.01, 0.0),
            frames_dropped: Limit::new(0.10, 0.05, 20.0),
            codec_budget: Limit::new(0.80, 0.60, 20.0),
            frames_decoded: Limit::new(0.70, 0.85, 0.0),
            cpu_limited: Limit::new(0.30, 0.10, 0.0),
            bandwidth_limited: Limit::new(0.30, 0.10, 0.0),
            pli_rate: Limit::new(0.50, 0.15, 30.0),
            microphone_level: Limit::new(0.001, 0.002, 30.0),
            jitter_buffer_target_ms: Limit::new(200.0, 150.0, 0.0),
            capture: Limit::new(0.50, 0.60, 20.0),
            encoder: Limit::new(0.70, 0.80, 20.0),
            setup_ms: Limit::new(5000.0, 5000.0, 0.0),
        }
    }
}

/// A value over an interval, in milliseconds of whatever clock the caller uses; none where it was not measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// When the interval began.
    pub from: i64,
    /// When it ended.
    pub to: i64,
    /// The value over it.
    pub value: Option<f64>,
}

/// A stretch of time in which a measure was bad.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Episode {
    /// When the first bad interval began, ms.
    pub from: i64,
    /// When the last one ended, ms.
    pub to: i64,
    /// The worst value.
    pub peak: f64,
    /// When the interval with the worst value ended, ms.
    pub peak_at: i64,
    /// Intervals.
    pub intervals: usize,
}

/// The stretches that begin with a value beyond `raise`, last until one is back at `clear`, and are at least as long as
/// asked. Readings are in order of time. An absent value ends an episode: where there is no data, nothing is claimed.
pub fn episodes(readings: impl IntoIterator<Item = Reading>, limit: Limit) -> Vec<Episode> {
    let mut found = Vec::new();
    let mut open: Option<Episode> = None;
    for reading in readings {
        let value = reading.value.filter(|value| value.is_finite());
        open = match (open, value) {
            (Some(episode), Some(value)) if limit.beyond(value, limit.clear) => {
                let worse = limit.beyond(value, episode.peak);
                Some(Episode {
                    to: reading.to.max(episode.to),
                    peak: if worse { value } else { episode.peak },
                    peak_at: if worse { reading.to } else { episode.peak_at },
                    intervals: episode.intervals + 1,
                    ..episode
                })
            }
            (None, Some(value)) if limit.beyond(value, limit.raise) => Some(Episode {
                from: reading.from,
                to: reading.to.max(reading.from),
                peak: value,
                peak_at: reading.to,
                intervals: 1,
            }),
            (ended, _) => {
                found.extend(ended);
                None
            }
        };
    }
    found.extend(open);
    found.retain(|episode| (episode.to - episode.from) as f64 >= limit.least_s * 1000.0);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::MapDeserializer;

    fn every_ten_seconds(values: &[Option<f64>]) -> Vec<Reading> {
        let reading = |(at, value): (usize, &Option<f64>)| {
            let to = at as i64 * 10_000;
            Reading { from: to - 10_000, to, value: *value }
        };
        values.iter().enumerate().map(reading).collect()
    }

    fn spans(values: &[Option<f64>], limit: Limit) -> Vec<(i64, i64, f64)> {
        let found = episodes(every_ten_seconds(values), limit);
        found.iter().map(|episode| (episode.from / 1000, episode.to / 1000, episode.peak)).collect()
    }

    #[test]
    fn an_episode_lasts_until_the_value_is_clear_again() {
        let loss = [0.0, 0.02, 0.06, 0.02, 0.09, 0.02, 0.01, 0.02].map(Some);
        assert_eq!(spans(&loss, Limit::new(0.03, 0.01, 30.0)), [(10, 50, 0.09)]);
        assert_eq!(spans(&loss, Limit::new(0.03, 0.01, 41.0)), []);
    }

    #[test]
    fn low_scores_are_bad_where_raising_is_below_clearing() {
        let scores = [4.3, 2.9, 2.1, 3.2, 3.6].map(Some);
        assert_eq!(spans(&scores, Limit::new(3.0, 3.5, 0.0)), [(0, 30, 2.1)]);
    }

    #[test]
    fn nothing_is_claimed_of_time_without_data() {
        let rtt = [Some(500.0), Some(500.0), None, Some(f64::NAN), Some(500.0), Some(450.0)];
        let expected = [(-10, 10, 500.0), (30, 50, 500.0)];
        assert_eq!(spans(&rtt, Limit::new(400.0, 300.0, 0.0)), expected);
    }

    #[test]
    fn a_value_at_a_limit_is_not_beyond_it() {
        assert_eq!(spans(&[Some(400.0)], Limit::new(400.0, 300.0, 0.0)), []);
        assert_eq!(spans(&[Some(401.0), Some(300.0)], Limit::new(400.0, 300.0, 0.0)), [(-10, 0, 401.0)]);
    }

    #[test]
    fn what_is_not_configured_keeps_its_default() {
        let empty = MapDeserializer::<_, serde::de::value::Error>::new(std::iter::empty::<(&str, f64)>());
        assert_eq!(Limits::deserialize(empty), Ok(Limits::default()));
    }
}
