//! The samples of one connection as time series: one point per poll, values over the interval since the poll before.

use std::collections::BTreeMap;

use serde::Serialize;

use super::summary;
use crate::metrics::emos::{AudioInterval, corrected_emos};
use crate::snapshot::SampleRow;
use crate::snapshot::stats::{CANDIDATE_PAIR, INBOUND, OUTBOUND, REMOTE_INBOUND, REMOTE_OUTBOUND};
use crate::units::Timestamp;

/// The series of one connection; all lists are as long as `t`, `None` where there is no value.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Series {
    /// When the poll was received, milliseconds since the Unix epoch, by the server's clock.
    pub t: Vec<i64>,
    /// Round trip time, ms: `currentRoundTripTime` of the selected pair (STUN), else `roundTripTime` of RTCP.
    pub rtt_ms: Vec<Option<f64>>,
    /// Inbound packet loss over the interval, ratio 0 to 1, over all streams.
    pub loss_in: Vec<Option<f64>>,
    /// The worst inbound `jitter`, ms.
    pub jitter_ms: Vec<Option<f64>>,
    /// Received over the interval, bit/s, all streams, headers included.
    pub bitrate_in: Vec<Option<f64>>,
    /// Sent over the interval, bit/s, likewise.
    pub bitrate_out: Vec<Option<f64>>,
    /// The mean of the audio streams' eMOS as Peer Metrics computes it, 1 to 5.
    pub emos: Vec<Option<f64>>,
    /// The mean of the audio streams' E-model score over the interval with loss in percent, 1 to 5.
    pub mos: Vec<Option<f64>>,
    /// Frames decoded per second, all inbound video.
    pub fps_in: Vec<Option<f64>>,
}

/// One poll of getStats: the reports of a main event and of the track events before it.
struct Poll<'a> {
    at: Timestamp,
    rows: Vec<&'a SampleRow>,
}

impl<'a> Poll<'a> {
    fn of(&self, report: &'static str) -> impl Iterator<Item = &'a SampleRow> + '_ {
        self.rows.iter().copied().filter(move |row| row.report == report)
    }

    fn pair(&self) -> Option<&'a SampleRow> {
        self.of(CANDIDATE_PAIR).find(|row| row.selected)
    }
}

/// The series of one connection from its samples, which are in order of time.
pub fn series(samples: &[&SampleRow]) -> Series {
    let polls = polls(samples);
    let mut series = Series::default();
    let mut before: BTreeMap<(&str, &str), &SampleRow> = BTreeMap::new();
    for poll in &polls {
        series.t.push(poll.at.as_millis());
        series.rtt_ms.push(round_trip_time(poll));
        let jitter = poll.of(INBOUND).filter_map(|row| row.jitter).map(|jitter| jitter * 1000.0);
        series.jitter_ms.push(jitter.filter(|jitter| jitter.is_finite()).max_by(f64::total_cmp));
        let deltas = |report: &'static str| -> Vec<(&SampleRow, &SampleRow)> {
            let earlier = |row: &'static str, id: &str| before.get(&(row, id)).copied();
            poll.of(report).filter_map(|row| Some((earlier(report, row.id.as_deref()?)?, row))).collect()
        };
        let inbound = deltas(INBOUND);
        let outbound = deltas(OUTBOUND);
        series
            .bitrate_in
            .push(sum(inbound.iter().map(|(a, b)| bit_rate((a, received(a)), (b, received(b))))));
        series.bitrate_out.push(sum(outbound.iter().map(|(a, b)| bit_rate((a, sent(a)), (b, sent(b))))));
        series.loss_in.push(loss(&inbound));
        series.fps_in.push(sum(inbound.iter().filter(|(_, row)| row.kind.as_deref() == Some("video")).map(
            |(a, b)| {
                let frames = increase(a.frames_decoded, b.frames_decoded)?;
                Some(frames / interval(a, b)?)
            },
        )));
        let remote: Vec<&SampleRow> = poll.of(REMOTE_INBOUND).chain(poll.of(REMOTE_OUTBOUND)).collect();
        series.emos.push(mean(poll.of(INBOUND).filter_map(|row| summary::emos(row, &remote))));
        let rtt_s = series.rtt_ms.last().copied().flatten().map(|ms| ms / 1000.0);
        series.mos.push(mean(inbound.iter().filter_map(|(a, b)| interval_mos(a, b, rtt_s))));
        for row in &poll.rows {
            if let Some(id) = &row.id {
                before.insert((row.report.as_str(), id.as_str()), row);
            }
        }
    }
    series
}

/// Groups rows by poll. The events of tracks are stored some milliseconds before the main event of their poll.
fn polls<'a>(samples: &[&'a SampleRow]) -> Vec<Poll<'a>> {
    let mut polls: Vec<Poll<'a>> = Vec::new();
    let mut tracks: Vec<&'a SampleRow> = Vec::new();
    let mut current = None;
    for row in samples {
        if row.track_id.is_some() {
            tracks.push(row);
            continue;
        }
        if current != Some(row.event_id) {
            current = Some(row.event_id);
            polls.push(Poll { at: row.created_at, rows: std::mem::take(&mut tracks) });
        }
        if let Some(poll) = polls.last_mut() {
            poll.rows.push(row);
        }
    }
    // Tracks after the last main event: the poll's main event is missing, its own time serves.
    if let Some(last) = tracks.last() {
        polls.push(Poll { at: last.created_at, rows: tracks });
    }
    polls
}

fn round_trip_time(poll: &Poll<'_>) -> Option<f64> {
    let stun = poll.pair().and_then(|pair| {
        pair.current_round_trip_time.or_else(|| {
            // A stored summary keeps only the totals; their mean is since the start.
            let total = pair.total_round_trip_time.filter(|_| pair.from_summary)?;
            let answers = pair.responses_received.filter(|answers| *answers > 0)?;
            Some(total / answers as f64)
        })
    });
    let rtcp = || poll.of(REMOTE_INBOUND).find_map(|row| row.round_trip_time);
    stun.or_else(rtcp).map(|seconds| seconds * 1000.0).filter(|ms| ms.is_finite() && *ms >= 0.0)
}

fn received(row: &SampleRow) -> Option<i64> {
    row.bytes_received.map(|bytes| bytes.saturating_add(row.header_bytes_received.unwrap_or(0)))
}

fn sent(row: &SampleRow) -> Option<i64> {
    row.bytes_sent.map(|bytes| bytes.saturating_add(row.header_bytes_sent.unwrap_or(0)))
}

/// Seconds between two samples, by the browser's clock where both have it, else by the server's.
fn interval(a: &SampleRow, b: &SampleRow) -> Option<f64> {
    let seconds = match (a.timestamp, b.timestamp) {
        (Some(from), Some(to)) => to.seconds_since(from),
        _ => b.created_at.seconds_since(a.created_at),
    };
    (seconds > 0.0).then_some(seconds)
}

/// The increase of a counter; `None` where it is missing or fell, which means that it began anew.
fn increase(from: Option<i64>, to: Option<i64>) -> Option<f64> {
    let delta = to?.checked_sub(from?)?;
    (delta >= 0).then_some(delta as f64)
}

fn bit_rate((a, from): (&SampleRow, Option<i64>), (b, to): (&SampleRow, Option<i64>)) -> Option<f64> {
    Some(increase(from, to)? * 8.0 / interval(a, b)?)
}

/// Loss over the interval: lost packets may come late, so that the counter falls; then nothing was lost.
fn loss(inbound: &[(&SampleRow, &SampleRow)]) -> Option<f64> {
    let (mut lost, mut expected) = (0.0, 0.0);
    for (a, b) in inbound {
        let Some(received) = increase(a.packets_received, b.packets_received) else { continue };
        let Some((from, to)) = a.packets_lost.zip(b.packets_lost) else { continue };
        let missing = to.saturating_sub(from).max(0) as f64;
        lost += missing;
        expected += missing + received;
    }
    (expected > 0.0).then(|| lost / expected)
}

fn interval_mos(a: &SampleRow, b: &SampleRow, rtt_s: Option<f64>) -> Option<f64> {
    if b.kind.as_deref() != Some("audio") {
        return None;
    }
    let buffer = |row: &SampleRow| row.jitter_buffer_delay.zip(row.jitter_buffer_emitted_count);
    let buffer_s = buffer(a).zip(buffer(b)).and_then(|((delay_a, count_a), (delay_b, count_b))| {
        let count = increase(Some(count_a), Some(count_b)).filter(|count| *count > 0.0)?;
        Some((delay_b - delay_a) / count).filter(|delay| *delay >= 0.0)
    });
    // Comfort noise or DTX: the model's penalty for a low bitrate would punish silence.
    let silent = b.audio_level.is_some_and(|level| level < 0.001);
    let bitrate = bit_rate((a, a.bytes_received), (b, b.bytes_received)).filter(|_| !silent);
    corrected_emos(&AudioInterval {
        loss_ratio: loss(&[(a, b)]),
        rtt_s,
        jitter_buffer_s: buffer_s,
        bitrate_bps: bitrate,
        fec_in_use: increase(a.fec_packets_received, b.fec_packets_received)
            .is_some_and(|packets| packets > 0.0),
        dtx: silent,
    })
}

/// The sum of the values that there are; `None` if there is none.
fn sum(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    values.flatten().filter(|value| value.is_finite()).reduce(|total, value| total + value)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (total, count) =
        values.filter(|value| value.is_finite()).fold((0.0, 0u32), |(t, n), v| (t + v, n + 1));
    (count > 0).then(|| total / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{EventId, TrackId};
    use uuid::Uuid;

    fn row(report: &str, second: i64) -> SampleRow {
        SampleRow {
            report: report.to_owned(),
            event_id: EventId(Uuid::from_u128(second as u128)),
            created_at: Timestamp::from_micros(second * 1_000_000),
            id: Some("x".to_owned()),
            kind: Some("audio".to_owned()),
            ..SampleRow::default()
        }
    }

    fn of(rows: &[SampleRow]) -> Series {
        series(&rows.iter().collect::<Vec<_>>())
    }

    #[test]
    fn rates_are_of_the_interval_and_the_first_poll_has_none() {
        let poll = |second, bytes| SampleRow { bytes_received: Some(bytes), ..row(INBOUND, second) };
        assert_eq!(of(&[poll(0, 5_000), poll(10, 15_000)]).bitrate_in, [None, Some(8_000.0)]);
    }

    #[test]
    fn a_counter_that_falls_gives_no_rate_rather_than_a_negative_one() {
        let poll = |second, bytes| SampleRow { bytes_received: Some(bytes), ..row(INBOUND, second) };
        assert_eq!(of(&[poll(0, 5_000), poll(10, 1_000)]).bitrate_in, [None, None]);
    }

    #[test]
    fn loss_is_that_of_the_interval_and_none_where_nothing_was_expected() {
        let poll = |second, received, lost| SampleRow {
            packets_received: Some(received),
            packets_lost: Some(lost),
            ..row(INBOUND, second)
        };
        let loss = of(&[poll(0, 100, 50), poll(10, 190, 60), poll(20, 190, 60), poll(30, 290, 40)]).loss_in;
        assert_eq!(loss, [None, Some(0.1), None, Some(0.0)]);
    }

    #[test]
    fn track_events_belong_to_the_poll_that_follows_them() {
        let track = |second| SampleRow {
            track_id: Some(TrackId::default()),
            bytes_sent: Some(second * 1000),
            ..row(OUTBOUND, second)
        };
        let main = |second| SampleRow { id: None, ..row(CANDIDATE_PAIR, second) };
        let series = of(&[track(9), main(10), track(19), main(20)]);
        assert_eq!(series.t, [10_000, 20_000]);
        assert_eq!(series.bitrate_out, [None, Some(8_000.0)]);
    }
}
