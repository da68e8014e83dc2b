//! The catalogue of what is measured per interval: one entry per measure with its title, unit, definition, source and the
//! limits that pages draw into its graph. The series themselves are made elsewhere; this says what they mean.

use serde::{Serialize, Serializer};

use super::limits::{Limit, Limits};

/// What is measured over the time between two polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Audio score of the E-model.
    AudioScore,
    /// Audio score as Peer Metrics computes it.
    Emos,
    /// Video score.
    VideoScore,
    /// Round trip time of the selected pair.
    RoundTripTime,
    /// Round trip time by RTCP.
    RoundTripTimeRtcp,
    /// Packet loss.
    Loss,
    /// Interarrival jitter.
    Jitter,
    /// Received and sent by the connection.
    BitrateIn,
    /// Sent by the connection.
    BitrateOut,
    /// By one stream.
    Bitrate,
    /// Estimate of the congestion control.
    AvailableOutgoingBitrate,
    /// Delay in the jitter buffer.
    JitterBufferDelay,
    /// Target delay of the jitter buffer.
    JitterBufferTarget,
    /// Frame rate of the camera.
    SourceFrameRate,
    /// Concealed samples.
    Concealment,
    /// Inserted or removed samples.
    TimeStretch,
    /// Audio level.
    AudioLevel,
    /// Forward error correction.
    FecRate,
    /// Frames per second.
    FrameRate,
    /// Height of the picture.
    FrameHeight,
    /// Share of time frozen.
    FreezeShare,
    /// Freezes.
    Freezes,
    /// Share of time paused.
    PauseShare,
    /// Spread of the time between frames.
    FrameSpacing,
    /// Frames dropped.
    FramesDropped,
    /// Frames decoded.
    FramesDecoded,
    /// Time to decode a frame.
    DecodeTime,
    /// Time to encode a frame.
    EncodeTime,
    /// Quantization parameter.
    Qp,
    /// Share of time limited by the processor.
    CpuLimited,
    /// Share of time limited by bandwidth.
    BandwidthLimited,
    /// Retransmitted of sent packets.
    Retransmission,
    /// Negative acknowledgements.
    NackRate,
    /// Picture loss indications.
    PliRate,
    /// Full intra requests.
    FirRate,
}

/// What a measure is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// The whole connection.
    Connection,
    /// One stream of it.
    Stream,
}

/// A stretch of values that is drawn into a graph.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Band {
    /// Lower edge; open if none.
    pub from: Option<f64>,
    /// Upper edge; open if none.
    pub to: Option<f64>,
    /// `fair` or `poor`.
    pub level: &'static str,
    /// What it says and whose opinion it is.
    pub label: String,
}

/// What a measure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// Its name in files.
    pub key: &'static str,
    /// Its name on pages.
    pub title: &'static str,
    /// How to show it: `millis`, `percent`, `bits`, `score`, `fps`, `pixels`, `rate`, `count`, `level`, `qp`.
    pub unit: &'static str,
    /// What it is of.
    pub of: Of,
    /// `audio` or `video`, if it is of one of them only.
    pub kind: Option<&'static str>,
    /// How it is computed, with the names of the statistics.
    pub definition: &'static str,
}

impl Measure {
    /// All of them, in the order in which pages show them.
    pub const ALL: [Self; 35] = [
        Self::AudioScore,
        Self::VideoScore,
        Self::RoundTripTime,
        Self::Loss,
        Self::Jitter,
        Self::BitrateIn,
        Self::BitrateOut,
        Self::AvailableOutgoingBitrate,
        Self::Bitrate,
        Self::FrameRate,
        Self::SourceFrameRate,
        Self::FrameHeight,
        Self::FreezeShare,
        Self::Freezes,
        Self::PauseShare,
        Self::FrameSpacing,
        Self::FramesDropped,
        Self::FramesDecoded,
        Self::Concealment,
        Self::JitterBufferDelay,
        Self::JitterBufferTarget,
        Self::TimeStretch,
        Self::AudioLevel,
        Self::DecodeTime,
        Self::EncodeTime,
        Self::Qp,
        Self::CpuLimited,
        Self::BandwidthLimited,
        Self::Retransmission,
        Self::NackRate,
        Self::PliRate,
        Self::FirRate,
        Self::FecRate,
        Self::RoundTripTimeRtcp,
        Self::Emos,
    ];

    /// What it means.
    pub fn meaning(self) -> Meaning {
        use Of::{Connection, Stream};
        let (key, title, unit, of, kind, definition) = match self {
            Self::AudioScore => (
                "audio_score",
                "Audio score (E-model)",
                "score",
                Stream,
                Some("audio"),
                "ITU-T G.107 as simplified for Opus by public tools, over the interval, loss in percent; silence (a level below 0.001) is not punished. 1 to 5.",
            ),
            Self::Emos => (
                "emos",
                "Audio eMOS as Peer Metrics",
                "score",
                Stream,
                Some("audio"),
                "As Peer Metrics computes and stores it: loss as a ratio where the model takes percent, since the start of the stream, so that it hardly falls. 1 to 5.",
            ),
            Self::VideoScore => (
                "video_score",
                "Video score",
                "score",
                Stream,
                Some("video"),
                "A public logarithmic fit (rtcscore) of bits per pixel and frame, frame rate and delay; little data behind it. Expected frame rate: that of the sender's camera, else the stream's own 90th percentile. 1 to 5.",
            ),
            Self::RoundTripTime => (
                "rtt_ms",
                "Round trip time",
                "millis",
                Connection,
                None,
                "currentRoundTripTime of the selected candidate pair (STUN), else d totalRoundTripTime / d responsesReceived, else roundTripTime of remote-inbound-rtp (RTCP).",
            ),
            Self::RoundTripTimeRtcp => (
                "rtt_rtcp_ms",
                "Round trip time by RTCP",
                "millis",
                Stream,
                None,
                "roundTripTime of the remote-inbound-rtp report about the stream that is sent.",
            ),
            Self::Loss => (
                "loss",
                "Packet loss",
                "percent",
                Stream,
                None,
                "Received: d packetsLost / (d packetsLost + d packetsReceived), 0 where lost packets came late. Sent: fractionLost of remote-inbound-rtp, else d packetsLost / d packetsSent.",
            ),
            Self::Jitter => (
                "jitter_ms",
                "Jitter",
                "millis",
                Stream,
                None,
                "Interarrival jitter (RFC 3550): jitter of inbound-rtp; of remote-inbound-rtp for what is sent.",
            ),
            Self::BitrateIn => (
                "bitrate_in",
                "Bit rate received, whole connection",
                "bits",
                Connection,
                None,
                "8 d bytesReceived / dt of the selected candidate pair, else the sum of its streams with headers.",
            ),
            Self::BitrateOut => (
                "bitrate_out",
                "Bit rate sent, whole connection",
                "bits",
                Connection,
                None,
                "8 d bytesSent / dt of the selected candidate pair, else the sum of its streams with headers.",
            ),
            Self::Bitrate => {
                ("bitrate", "Bit rate of streams", "bits", Stream, None, "8 (d bytes + d headerBytes) / dt.")
            }
            Self::AvailableOutgoingBitrate => (
                "available_outgoing_bitrate",
                "Available outgoing bit rate",
                "bits",
                Connection,
                None,
                "availableOutgoingBitrate of the selected candidate pair: what congestion control believes it may send.",
            ),
            Self::JitterBufferDelay => (
                "jitter_buffer_ms",
                "Jitter buffer delay",
                "millis",
                Stream,
                None,
                "d jitterBufferDelay / d jitterBufferEmittedCount of inbound-rtp.",
            ),
            Self::JitterBufferTarget => (
                "jitter_buffer_target_ms",
                "Jitter buffer target",
                "millis",
                Stream,
                Some("audio"),
                "d jitterBufferTargetDelay / d jitterBufferEmittedCount of inbound-rtp.",
            ),
            Self::SourceFrameRate => (
                "source_frame_rate",
                "Frame rate of the camera",
                "fps",
                Stream,
                Some("video"),
                "framesPerSecond of the media source of what is sent, at the poll.",
            ),
            Self::Concealment => (
                "concealment",
                "Concealed audio",
                "percent",
                Stream,
                Some("audio"),
                "(d concealedSamples - d silentConcealedSamples) / d totalSamplesReceived.",
            ),
            Self::TimeStretch => (
                "time_stretch",
                "Audio played faster or slower",
                "percent",
                Stream,
                Some("audio"),
                "(d insertedSamplesForDeceleration + d removedSamplesForAcceleration) / d totalSamplesReceived.",
            ),
            Self::AudioLevel => (
                "audio_level",
                "Audio level",
                "level",
                Stream,
                Some("audio"),
                "RMS over the interval, sqrt(d totalAudioEnergy / d totalSamplesDuration), else audioLevel at the poll; 0 to 1. Of what is sent: the microphone's (media-source).",
            ),
            Self::FecRate => (
                "fec_rate",
                "Forward error correction",
                "rate",
                Stream,
                Some("audio"),
                "d fecPacketsReceived / dt.",
            ),
            Self::FrameRate => (
                "frame_rate",
                "Frame rate",
                "fps",
                Stream,
                Some("video"),
                "d framesDecoded / dt of what is received, d framesEncoded (else framesSent) / dt of what is sent.",
            ),
            Self::FrameHeight => (
                "frame_height",
                "Picture height",
                "pixels",
                Stream,
                Some("video"),
                "frameHeight at the poll; small on purpose for small tiles and lower layers.",
            ),
            Self::FreezeShare => (
                "freeze_share",
                "Time frozen",
                "percent",
                Stream,
                Some("video"),
                "d totalFreezesDuration / dt. A freeze is a gap between frames longer than max(3 x mean gap, mean gap + 150 ms).",
            ),
            Self::PauseShare => (
                "pause_share",
                "Time paused",
                "percent",
                Stream,
                Some("video"),
                "d totalPausesDuration / dt. A pause is a gap between frames of more than 5 s: a sender that was switched off, rather than a fault.",
            ),
            Self::FrameSpacing => (
                "frame_spacing_ms",
                "Unevenness of frames",
                "millis",
                Stream,
                Some("video"),
                "Standard deviation of the time between frames: the root of d totalSquaredInterFrameDelay / n - (d totalInterFrameDelay / n)^2 with n = d framesDecoded. 0 is perfectly smooth.",
            ),
            Self::Freezes => ("freezes", "Freezes", "count", Stream, Some("video"), "d freezeCount."),
            Self::FramesDropped => (
                "frames_dropped",
                "Frames dropped",
                "percent",
                Stream,
                Some("video"),
                "d framesDropped / d framesReceived.",
            ),
            Self::FramesDecoded => (
                "frames_decoded",
                "Frames decoded of those received",
                "percent",
                Stream,
                Some("video"),
                "d framesDecoded / d framesReceived, of at least 10 frames; 100 % at most.",
            ),
            Self::DecodeTime => (
                "decode_ms",
                "Decode time per frame",
                "millis",
                Stream,
                Some("video"),
                "d totalDecodeTime / d framesDecoded; the budget is the time between two frames.",
            ),
            Self::EncodeTime => (
                "encode_ms",
                "Encode time per frame",
                "millis",
                Stream,
                Some("video"),
                "d totalEncodeTime / d framesEncoded; the budget is the time between two frames.",
            ),
            Self::Qp => (
                "qp",
                "Quantization parameter",
                "qp",
                Stream,
                Some("video"),
                "d qpSum / d framesDecoded or framesEncoded. Coarser is higher; VP8 0 to 127, H.264 0 to 51, VP9 and AV1 0 to 255.",
            ),
            Self::CpuLimited => (
                "cpu_limited",
                "Sender limited by its processor",
                "percent",
                Stream,
                Some("video"),
                "d qualityLimitationDurations.cpu / dt.",
            ),
            Self::BandwidthLimited => (
                "bandwidth_limited",
                "Sender limited by bandwidth",
                "percent",
                Stream,
                Some("video"),
                "d qualityLimitationDurations.bandwidth / dt.",
            ),
            Self::Retransmission => (
                "retransmission",
                "Packets sent again",
                "percent",
                Stream,
                None,
                "d retransmittedPacketsSent / d packetsSent.",
            ),
            Self::NackRate => {
                ("nack_rate", "NACK", "rate", Stream, None, "d nackCount / dt: packets asked for again.")
            }
            Self::PliRate => (
                "pli_rate",
                "PLI",
                "rate",
                Stream,
                Some("video"),
                "d pliCount / dt: whole pictures asked for.",
            ),
            Self::FirRate => {
                ("fir_rate", "FIR", "rate", Stream, Some("video"), "d firCount / dt: key frames asked for.")
            }
        };
        Meaning { key, title, unit, of, kind, definition }
    }

    /// The stretches of values to draw into its graph, by the limits in force.
    pub fn bands(self, limits: &Limits) -> Vec<Band> {
        let usual = Limits::default();
        let band = |limit: Limit, published: Limit, level, whose: &str, text: String| {
            let whose = if limit == published { whose } else { "configured" };
            let (from, to) =
                if limit.high_is_bad() { (Some(limit.raise), None) } else { (None, Some(limit.raise)) };
            Band { from, to, level, label: format!("{text}: {whose}") }
        };
        let over_ms = |limit: Limit| format!("over {} ms", limit.raise);
        let over_percent = |limit: Limit| format!("over {} %", limit.raise * 100.0);
        let below = |limit: Limit| format!("below {}", limit.raise);
        macro_rules! one {
            ($name:ident, $level:literal, $whose:literal, $text:expr) => {
                band(limits.$name, usual.$name, $level, $whose, $text(limits.$name))
            };
        }
        match self {
            Self::AudioScore => vec![
                one!(audio_score, "fair", "Twilio Voice Insights", below),
                one!(audio_score_poor, "poor", "Peer Metrics", below),
            ],
            Self::VideoScore => vec![one!(video_score, "poor", "ours", below)],
            Self::RoundTripTime | Self::RoundTripTimeRtcp => {
                vec![one!(round_trip_time_ms, "poor", "Twilio Voice Insights", over_ms)]
            }
            Self::Jitter => vec![one!(jitter_ms, "poor", "Twilio Voice Insights", over_ms)],
            Self::Loss => vec![one!(loss, "poor", "Twilio Voice Insights", over_percent)],
            Self::Concealment => vec![one!(concealment, "poor", "ObserveRTC, citing Webex", over_percent)],
            Self::JitterBufferTarget => {
                vec![one!(jitter_buffer_target_ms, "fair", "ObserveRTC", over_ms)]
            }
            Self::TimeStretch => vec![one!(time_stretch, "poor", "ObserveRTC", over_percent)],
            Self::FreezeShare => vec![one!(freeze, "poor", "ours", over_percent)],
            Self::FramesDropped => vec![one!(frames_dropped, "poor", "ObserveRTC", over_percent)],
            Self::FramesDecoded => vec![one!(frames_decoded, "poor", "ObserveRTC", |limit: Limit| format!(
                "below {} %",
                limit.raise * 100.0
            ))],
            Self::CpuLimited => vec![one!(cpu_limited, "poor", "ObserveRTC", over_percent)],
            Self::BandwidthLimited => vec![one!(bandwidth_limited, "fair", "ours", over_percent)],
            Self::PliRate => vec![one!(pli_rate, "poor", "ObserveRTC", |limit: Limit| format!(
                "over {} per second",
                limit.raise
            ))],
            _ => Vec::new(),
        }
    }

    /// Decimals that a value keeps in files: finer than what is shown, coarser than noise.
    pub fn decimals(self) -> i32 {
        match self.meaning().unit {
            "percent" | "level" => 4,
            "score" | "rate" => 3,
            "millis" | "fps" | "qp" => 2,
            _ => 0,
        }
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.meaning().key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_measure_is_listed_once_under_a_key_of_its_own() {
        let all: BTreeSet<Measure> = Measure::ALL.into_iter().collect();
        let keys: BTreeSet<&str> = Measure::ALL.iter().map(|measure| measure.meaning().key).collect();
        assert_eq!((all.len(), keys.len()), (Measure::ALL.len(), Measure::ALL.len()));
    }

    #[test]
    fn a_band_names_its_source_until_it_is_configured() {
        let usual = Measure::RoundTripTime.bands(&Limits::default());
        assert_eq!(usual[0].label, "over 400 ms: Twilio Voice Insights");
        let own = Limits {
            round_trip_time_ms: Limit { raise: 250.0, clear: 200.0, least_s: 0.0 },
            ..Limits::default()
        };
        assert_eq!(Measure::RoundTripTime.bands(&own)[0].label, "over 250 ms: configured");
        assert_eq!(Measure::AudioScore.bands(&own)[1].to, Some(3.0));
    }
}
