//! getStats reports as JSON text, in today's and older shapes, and the snapshots that the service makes of them for a
//! summary.

use super::json::Object;
use super::media::{Counters, Kind, Moment};
use super::platforms::Shape;
use crate::metrics::emos::{AudioSample, upstream_emos};

/// One stream as one side reads it at one poll.
pub(super) struct Reading {
    pub(super) kind: Kind,
    pub(super) outbound: bool,
    pub(super) ssrc: u32,
    pub(super) shape: Shape,
    /// The browser's id of the track.
    pub(super) track: String,
    pub(super) now: Counters,
    pub(super) moment: Moment,
    /// What the other side had last said about it: its counters a moment ago.
    pub(super) other: Counters,
    /// Bit/s and packets/s since the poll before; absent in the first.
    pub(super) rates: Option<(f64, f64)>,
    /// Milliseconds by the client's clock.
    pub(super) timestamp: f64,
    /// When the stream began, likewise.
    pub(super) elapsed: f64,
}

impl Reading {
    /// The report's id.
    pub(super) fn id(&self) -> String {
        let way = if self.outbound { "Outbound" } else { "Inbound" };
        let (letter, name) = match self.kind {
            Kind::Audio => ("A", "Audio"),
            Kind::Video => ("V", "Video"),
        };
        match self.shape {
            Shape::Mixed => format!("{}T01{letter}{}", &way[..1], self.ssrc),
            Shape::Inline => format!("{}_{:08x}", way.to_lowercase(), self.ssrc),
            Shape::PerTrack => format!("RTC{way}RTP{name}Stream_{}", self.ssrc),
        }
    }

    fn remote_id(&self) -> String {
        let letter = if self.kind == Kind::Audio { "A" } else { "V" };
        format!("R{}{letter}{}", if self.outbound { "I" } else { "O" }, self.ssrc)
    }

    /// The report, as in a stats event.
    pub(super) fn report(&self) -> String {
        let (now, kind) = (&self.now, self.kind);
        let old = self.shape == Shape::PerTrack;
        let object = Object::new()
            .text("id", &self.id())
            .num("timestamp", self.timestamp)
            .text("type", if self.outbound { "outbound-rtp" } else { "inbound-rtp" })
            .int("ssrc", self.ssrc)
            .text("kind", kind.name())
            .text("mediaType", kind.name())
            .with(!old, |object| {
                object
                    .text("mid", if kind == Kind::Audio { "0" } else { "1" })
                    .text("remoteId", &self.remote_id())
            })
            .text("transportId", "T01")
            .text("codecId", if kind == Kind::Audio { "COT01_111" } else { "COT01_96" })
            .int("clockRate", if kind == Kind::Audio { 48_000 } else { 90_000 })
            .text("mimeType", if kind == Kind::Audio { "audio/opus" } else { "video/VP8" })
            .int("payloadType", if kind == Kind::Audio { 111 } else { 96 })
            .raw("track", &self.track_object());
        let object = match self.rates {
            Some((bits, packets)) => object.num("bitrate", bits).num("packetRate", packets * 8.0),
            None => object,
        };
        match (self.outbound, kind) {
            (true, Kind::Audio) => self.sent(object).int("targetBitrate", 32_000),
            (true, Kind::Video) => self.sent(object).with(true, |object| self.encoded(object)),
            (false, Kind::Audio) => self.heard(self.received(object)),
            (false, Kind::Video) => self.seen(self.received(object)),
        }
        .with(!old && !self.outbound, |object| object.text("trackIdentifier", &self.track))
        .count("nackCount", now.nack)
        .end()
    }

    fn track_object(&self) -> String {
        let source = || {
            Object::new()
                .text("id", if self.kind == Kind::Audio { "SA1" } else { "SV2" })
                .text("kind", self.kind.name())
                .num("timestamp", self.timestamp)
                .text("trackIdentifier", &self.track)
        };
        match (self.shape, self.outbound) {
            (Shape::Mixed, true) => {
                let source = source().text("type", "media-source");
                match self.kind {
                    Kind::Audio => source
                        .num("audioLevel", self.moment.level)
                        .num("totalAudioEnergy", self.now.energy)
                        .num("totalSamplesDuration", self.now.duration)
                        .end(),
                    Kind::Video => {
                        source.int("width", 1280).int("height", 720).int("framesPerSecond", 30).end()
                    }
                }
            }
            (Shape::PerTrack, _) => source()
                .text("type", "track")
                .flag("remoteSource", !self.outbound)
                .flag("ended", false)
                .flag("detached", false)
                .with(self.kind == Kind::Video, |object| {
                    object.int("frameWidth", self.moment.width).int("frameHeight", self.moment.height)
                })
                .end(),
            _ => "{}".to_owned(),
        }
    }

    fn sent(&self, object: Object) -> Object {
        let now = &self.now;
        object
            .count("packetsSent", now.packets_sent)
            .count("bytesSent", now.bytes_sent)
            .with(self.shape != Shape::Inline, |object| object.count("headerBytesSent", now.header_sent))
            .count("retransmittedPacketsSent", now.retransmitted_packets)
            .count("retransmittedBytesSent", now.retransmitted_bytes)
    }

    fn encoded(&self, object: Object) -> Object {
        let (now, moment) = (&self.now, &self.moment);
        object
            .count("framesSent", now.frames_sent)
            .count("framesEncoded", now.frames_sent)
            .count("keyFramesEncoded", now.key_frames)
            .num("totalEncodeTime", now.encode_time)
            .count("qpSum", now.qp)
            .count("pliCount", now.pli)
            .int("firCount", 0)
            .with(moment.fps > 0.0, |object| {
                object
                    .int("frameWidth", moment.width)
                    .int("frameHeight", moment.height)
                    .num("framesPerSecond", moment.fps)
            })
            .with(self.shape != Shape::Inline, |object| {
                let limits = Object::new()
                    .num("none", now.limited_none)
                    .num("cpu", now.limited_cpu)
                    .num("bandwidth", now.limited_bandwidth)
                    .int("other", 0);
                object
                    .num("targetBitrate", moment.target.round())
                    .text("qualityLimitationReason", moment.limit)
                    .raw("qualityLimitationDurations", &limits.end())
                    .count("qualityLimitationResolutionChanges", now.resolution_changes)
                    .text(
                        "encoderImplementation",
                        if moment.limit == "cpu" { "libvpx" } else { "ExternalEncoder" },
                    )
            })
    }

    fn received(&self, object: Object) -> Object {
        let now = &self.now;
        object
            .count("packetsReceived", now.packets_received)
            .count("bytesReceived", now.bytes_received)
            .with(self.shape != Shape::Inline, |object| {
                object.count("headerBytesReceived", now.header_received)
            })
            .count("packetsLost", now.lost)
            .count("packetsDiscarded", now.discarded)
            .num("jitter", (self.moment.jitter * 1000.0).round() / 1000.0)
            .num("jitterBufferDelay", now.buffer_delay)
            .num("jitterBufferTargetDelay", now.buffer_target)
            .count("jitterBufferEmittedCount", now.buffer_emitted)
    }

    fn heard(&self, object: Object) -> Object {
        let now = &self.now;
        object
            .num("audioLevel", self.moment.level)
            .num("totalAudioEnergy", now.energy)
            .num("totalSamplesDuration", now.duration)
            .count("totalSamplesReceived", now.samples_received)
            .count("concealedSamples", now.concealed)
            .count("silentConcealedSamples", now.silent_concealed)
            .count("concealmentEvents", now.concealments)
            .count("insertedSamplesForDeceleration", now.inserted)
            .count("removedSamplesForAcceleration", now.removed)
            .count("fecPacketsReceived", now.fec)
    }

    fn seen(&self, object: Object) -> Object {
        let (now, moment) = (&self.now, &self.moment);
        object
            .count("framesReceived", now.frames_received)
            .count("framesDecoded", now.frames_decoded)
            .count("framesDropped", now.frames_dropped)
            .count("keyFramesDecoded", now.key_frames)
            .num("totalDecodeTime", now.decode_time)
            .count("qpSum", now.qp)
            .count("pliCount", now.pli)
            .int("firCount", 0)
            .num("totalInterFrameDelay", now.frame_delay)
            .num("totalSquaredInterFrameDelay", now.squared_frame_delay)
            .with(moment.fps > 0.0, |object| {
                let fps = (moment.fps * (1.0 - moment.fraction_lost)).round();
                object
                    .int("frameWidth", moment.width)
                    .int("frameHeight", moment.height)
                    .num("framesPerSecond", fps)
            })
            .with(self.shape != Shape::PerTrack, |object| {
                object
                    .count("freezeCount", now.freezes)
                    .num("totalFreezesDuration", now.freeze_time)
                    .int("pauseCount", 0)
                    .int("totalPausesDuration", 0)
                    .text("decoderImplementation", "libvpx")
            })
    }

    /// What the other side says about this stream.
    pub(super) fn remote_report(&self) -> String {
        let other = &self.other;
        let object = Object::new()
            .text("id", &self.remote_id())
            .text("kind", self.kind.name())
            .int("ssrc", self.ssrc)
            .text("type", if self.outbound { "remote-inbound-rtp" } else { "remote-outbound-rtp" })
            .text("localId", &self.id())
            .text("mimeType", if self.kind == Kind::Audio { "audio/opus" } else { "video/VP8" })
            .int("clockRate", if self.kind == Kind::Audio { 48_000 } else { 90_000 })
            .num("timestamp", self.timestamp - 1000.0);
        if self.outbound {
            object
                .num("jitter", self.moment.jitter)
                .count("packetsLost", other.lost)
                .num("fractionLost", self.moment.fraction_lost)
                .num("roundTripTime", self.moment.round_trip)
                .num("totalRoundTripTime", other.round_trip_time)
                .count("roundTripTimeMeasurements", other.round_trips)
                .end()
        } else {
            object
                .count("packetsSent", other.packets_sent)
                .count("bytesSent", other.bytes_sent)
                .count("reportsSent", self.elapsed / 5.0)
                .int("totalRoundTripTime", 0)
                .int("roundTripTimeMeasurements", 0)
                .end()
        }
    }

    /// What a summary keeps of the report.
    pub(super) fn summarized(&self, score: Score) -> String {
        let (now, moment) = (&self.now, &self.moment);
        let video = self.kind == Kind::Video;
        let headers = self.shape != Shape::Inline;
        let size = |object: Object| {
            if moment.fps > 0.0 {
                object.int("frameWidth", moment.width).int("frameHeight", moment.height)
            } else {
                object.raw("frameWidth", "null").raw("frameHeight", "null")
            }
        };
        let header = |object: Object, key: &str, bytes: f64| {
            if headers { object.count(key, bytes) } else { object.raw(key, "null") }
        };
        let object = Object::new().text("id", &self.id()).text("mediaType", self.kind.name());
        let object = if self.outbound {
            header(object, "headerBytesSent", now.header_sent)
                .count("packetsSent", now.packets_sent)
                .count("bytesSent", now.bytes_sent)
                .with(video, |object| {
                    size(object)
                        .count("framesSent", now.frames_sent)
                        .count("framesEncoded", now.frames_sent)
                        .num("totalEncodeTime", now.encode_time)
                })
        } else {
            header(object, "headerBytesReceived", now.header_received)
                .count("bytesReceived", now.bytes_received)
                .count("packetsReceived", now.packets_received)
                .count("packetsLost", now.lost)
                .num("jitter", (moment.jitter * 1000.0).round() / 1000.0)
                .with(video, |object| {
                    size(object)
                        .count("framesReceived", now.frames_received)
                        .count("framesDecoded", now.frames_decoded)
                        .num("totalDecodeTime", now.decode_time)
                })
        };
        match score {
            Score::Is(Some(score)) => object.num("emos", score),
            Score::Is(None) => object.raw("emos", "null"),
            Score::LeftOut => object,
        }
        .end()
    }
}

/// `emos` in a summary: null where there is no estimate, and not even that where the service does not look for one.
#[derive(Clone, Copy)]
pub(super) enum Score {
    LeftOut,
    Is(Option<f64>),
}

/// The service's estimate of how audio sounded. `remote` says whether reports of the other side came with it, and the
/// round trip that they gave.
pub(super) fn emos_of(reading: &Reading, remote: Option<f64>) -> Option<f64> {
    if reading.outbound || reading.kind != Kind::Audio {
        return None;
    }
    let now = &reading.now;
    upstream_emos(&AudioSample {
        packets_received: Some(now.packets_received as i64),
        packets_lost: Some(now.lost as i64),
        remote_packets_sent: remote.map(|_| reading.other.packets_sent as i64),
        rtt_s: remote,
        jitter_buffer_delay_s: Some(now.buffer_delay),
        jitter_buffer_emitted_count: Some(now.buffer_emitted as i64),
        bitrate_bps: reading.rates.map(|(bitrate, _)| bitrate),
        fec_packets_received: Some(now.fec as i64),
    })
}
