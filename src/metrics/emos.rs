//! Estimated mean opinion score of received audio, 1 to 5: the E-model of ITU-T G.107 as simplified for Opus by public
//! tools, from `packetsReceived`, `packetsLost`, `jitterBufferDelay`, `jitterBufferEmittedCount`, `fecPacketsReceived` of
//! inbound-rtp, `packetsSent` of remote-outbound-rtp and `roundTripTime` of remote-inbound-rtp.
//!
//! Two of them: [`upstream_emos`] is what Peer Metrics stores, which passes loss as a ratio where the model takes percent,
//! so that loss hardly matters, over the whole life of the track. [`corrected_emos`] takes percent, over one interval.

/// Milliseconds of delay that capture, coding and play-out take besides buffer and network.
const FIXED_DELAY_MS: f64 = 20.0;
/// Delay above which conversation suffers markedly, ms (ITU-T G.107).
const NOTICEABLE_DELAY_MS: f64 = 150.0;
/// Equipment impairment where the bit rate is unknown.
const IE_UNKNOWN: f64 = 6.0;
/// Equipment impairment under discontinuous transmission.
const IE_DTX: f64 = 8.0;
/// Packet loss robustness, with and without forward error correction in use.
const BPL: (f64, f64) = (20.0, 10.0);

/// One inbound audio report with what the same poll says about it; counters are since the start of the track.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AudioSample {
    /// `packetsReceived`.
    pub packets_received: Option<i64>,
    /// `packetsLost`.
    pub packets_lost: Option<i64>,
    /// `packetsSent` of the remote-outbound-rtp report about this track.
    pub remote_packets_sent: Option<i64>,
    /// First `roundTripTime` of the poll's remote-inbound-rtp audio reports, seconds.
    pub rtt_s: Option<f64>,
    /// `jitterBufferDelay`, seconds summed over samples.
    pub jitter_buffer_delay_s: Option<f64>,
    /// `jitterBufferEmittedCount`.
    pub jitter_buffer_emitted_count: Option<i64>,
    /// Bit/s since the last poll.
    pub bitrate_bps: Option<f64>,
    /// `fecPacketsReceived`.
    pub fec_packets_received: Option<i64>,
}

/// What happened to one audio stream between two polls.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AudioInterval {
    /// Lost of expected packets, 0 to 1; `None` when none was expected.
    pub loss_ratio: Option<f64>,
    /// Round trip time, seconds; counts as 0 where unknown.
    pub rtt_s: Option<f64>,
    /// Mean delay in the jitter buffer, seconds; counts as 0 where unknown.
    pub jitter_buffer_s: Option<f64>,
    /// Bit/s of payload.
    pub bitrate_bps: Option<f64>,
    /// Whether forward error correction was in use.
    pub fec_in_use: bool,
    /// Whether the sender was silent.
    pub dtx: bool,
}

/// eMOS as Peer Metrics computes and stores it: 1 to 5, two decimals; `None` where no packet was seen.
pub fn upstream_emos(sample: &AudioSample) -> Option<f64> {
    let (received, lost) = (sample.packets_received.unwrap_or(0), sample.packets_lost.unwrap_or(0));
    let seen = received.saturating_add(lost);
    if seen <= 0 {
        return None;
    }
    let loss = match sample.remote_packets_sent {
        Some(sent) if sent > 0 => (sent.saturating_sub(received) as f64 / sent as f64).max(0.0),
        _ => (lost as f64 / seen as f64).max(0.0),
    };
    let buffer_s = match (sample.jitter_buffer_delay_s, sample.jitter_buffer_emitted_count) {
        (Some(delay), Some(count)) if count > 0 => delay / count as f64,
        _ => 0.0,
    };
    let delay = delay_ms(buffer_s, sample.rtt_s);
    let ie = equipment_impairment(sample.bitrate_bps);
    let bpl = if sample.fec_packets_received.unwrap_or(0) > 0 { BPL.0 } else { BPL.1 };
    let mos = mean_opinion_score(rating(ie, loss, bpl, delay));
    mos.is_finite().then(|| round_2(mos).clamp(1.0, 5.0))
}

/// The E-model's score of one interval with loss in percent: 1 to 5; `None` when no packet was expected.
pub fn corrected_emos(interval: &AudioInterval) -> Option<f64> {
    let loss_percent = interval.loss_ratio? * 100.0;
    let delay = delay_ms(interval.jitter_buffer_s.unwrap_or(0.0), interval.rtt_s);
    let ie = if interval.dtx { IE_DTX } else { equipment_impairment(interval.bitrate_bps) };
    let bpl = if interval.fec_in_use { BPL.0 } else { BPL.1 };
    let mos = mean_opinion_score(rating(ie, loss_percent, bpl, delay));
    mos.is_finite().then(|| mos.clamp(1.0, 5.0))
}

fn delay_ms(buffer_s: f64, rtt_s: Option<f64>) -> f64 {
    FIXED_DELAY_MS + buffer_s * 1000.0 + rtt_s.unwrap_or(0.0) * 1000.0 / 2.0
}

fn equipment_impairment(bitrate_bps: Option<f64>) -> f64 {
    match bitrate_bps {
        Some(bitrate) if bitrate > 0.0 => (55.0 - 4.6 * bitrate.ln()).clamp(0.0, 30.0),
        _ => IE_UNKNOWN,
    }
}

/// The transmission rating R, 0 to 100.
fn rating(ie: f64, loss: f64, bpl: f64, delay_ms: f64) -> f64 {
    let ipl = ie + (100.0 - ie) * loss / (loss + bpl);
    let id = 0.03 * delay_ms + 0.1 * (delay_ms - NOTICEABLE_DELAY_MS).max(0.0);
    (100.0 - ipl - id).clamp(0.0, 100.0)
}

/// From R to a mean opinion score (ITU-T G.107, annex B).
fn mean_opinion_score(r: f64) -> f64 {
    1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r)
}

/// To two decimals, correctly rounded from the exact binary value, as Python's `round` does.
fn round_2(value: f64) -> f64 {
    format!("{value:.2}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loss ratio, buffer ms, round trip ms, bit/s, eMOS: the vectors of the feature inventory, section 9.1.
    const VECTORS: [(f64, f64, f64, Option<f64>, f64); 13] = [
        (0.0, 30.0, 20.0, None, 4.39),
        (0.0, 30.0, 20.0, Some(32_000.0), 4.36),
        (0.02, 30.0, 20.0, Some(32_000.0), 4.36),
        (0.1, 30.0, 20.0, Some(32_000.0), 4.34),
        (0.5, 30.0, 20.0, Some(32_000.0), 4.24),
        (1.0, 30.0, 20.0, Some(32_000.0), 4.11),
        (0.0, 30.0, 20.0, Some(24_000.0), 4.33),
        (0.0, 30.0, 20.0, Some(7_500.0), 4.17),
        (0.0, 30.0, 20.0, Some(1_500.0), 3.90),
        (0.0, 30.0, 20.0, Some(400.0), 3.63),
        (0.0, 60.0, 300.0, Some(32_000.0), 3.94),
        (0.0, 100.0, 400.0, Some(32_000.0), 3.41),
        (0.0, 200.0, 600.0, Some(32_000.0), 2.07),
    ];

    #[test]
    fn peer_metrics_scores_are_reproduced() {
        for (loss, buffer_ms, rtt_ms, bitrate_bps, expected) in VECTORS {
            let lost = (loss * 1000.0) as i64;
            let sample = AudioSample {
                packets_received: Some(1000 - lost),
                packets_lost: Some(lost),
                rtt_s: Some(rtt_ms / 1000.0),
                jitter_buffer_delay_s: Some(buffer_ms),
                jitter_buffer_emitted_count: Some(1000),
                bitrate_bps,
                ..AudioSample::default()
            };
            assert_eq!(upstream_emos(&sample), Some(expected), "{sample:?}");
        }
    }

    #[test]
    fn the_senders_count_of_packets_is_preferred() {
        let sample = AudioSample {
            packets_received: Some(50),
            packets_lost: Some(0),
            remote_packets_sent: Some(100),
            bitrate_bps: Some(32_000.0),
            jitter_buffer_delay_s: Some(30.0),
            jitter_buffer_emitted_count: Some(1000),
            rtt_s: Some(0.02),
            ..AudioSample::default()
        };
        assert_eq!(upstream_emos(&sample), Some(4.24));
        assert_eq!(upstream_emos(&AudioSample::default()), None);
    }

    #[test]
    fn with_loss_in_percent_the_score_falls() {
        for (loss, expected) in [(0.0, 4.36), (0.02, 3.84), (0.10, 2.29)] {
            let interval = AudioInterval {
                loss_ratio: Some(loss),
                rtt_s: Some(0.02),
                jitter_buffer_s: Some(0.03),
                bitrate_bps: Some(32_000.0),
                ..AudioInterval::default()
            };
            let mos = corrected_emos(&interval).unwrap();
            assert!((mos - expected).abs() < 0.005, "loss {loss}: {mos}");
        }
        assert_eq!(corrected_emos(&AudioInterval::default()), None);
    }
}
