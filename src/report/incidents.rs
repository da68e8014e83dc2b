//! What went wrong in a call by our own detection: stretches in which a measure was beyond its limit, and what events show.
//! Each incident has its span, its peak, its evidence and whose side it was on. One incident is one stretch: the streams and
//! connections that suffered at the same time are named in it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sides::{Flow, Side};
use super::streams::{Direction, FLOWING_BPS, Kind, Series, Stream};
use super::tracks::Track;
use super::{Connection, Visit};
use crate::ids::{ConnectionId, EventId, ParticipantId};
use crate::metrics::limits::{Episode, Limit, Limits, Reading, episodes};
use crate::metrics::measures::Measure;
use crate::snapshot::{EventRow, Json};
use crate::units::Timestamp;

/// A connection that lives shorter is not said to have failed to connect, seconds.
const BRIEF_S: f64 = 3.0;
/// An interruption that is shorter is not reported, seconds (ObserveRTC).
const DISCONNECTED_S: f64 = 5.0;
/// Share of samples inserted or removed above which sound counts as stretched (ObserveRTC).
const STRETCHED: f64 = 0.02;
/// Events that one piece of an incident names at most.
const EVIDENCE: usize = 3;

/// How grave an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Gravity {
    /// Something did not work, or people suffered.
    Poor,
    /// Worse than it should be.
    Fair,
    /// Good to know.
    Note,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// getUserMedia failed.
    MediaDenied,
    /// A connection was never established.
    NeverConnected,
    /// A connection failed after it had worked.
    ConnectionFailed,
    /// A connection was interrupted.
    Disconnected,
    /// Data was sent and nothing came back.
    OneWay,
    /// Set-up took long.
    SlowSetup,
    /// Audio was poor.
    PoorAudio,
    /// Audio was not good.
    LowAudio,
    /// Sound was made up.
    Concealment,
    /// Sound was played faster or slower.
    TimeStretch,
    /// The jitter buffer had to grow.
    BufferGrown,
    /// The camera was slow.
    SlowCamera,
    /// The encoder left frames out.
    SlowEncoder,
    /// Pictures stood still.
    Freeze,
    /// Pictures were poor.
    LowVideo,
    /// Nothing was decoded although data came.
    StuckDecoder,
    /// A stream stopped.
    DryTrack,
    /// Packets that were received got lost.
    LossIn,
    /// Packets that were sent got lost.
    LossOut,
    /// Packets came unevenly.
    HighJitter,
    /// Round trips took long.
    HighRoundTripTime,
    /// The receiver could not keep up.
    DecoderOverload,
    /// Frames came and were not decoded.
    FramesNotDecoded,
    /// The sender's processor was the limit.
    CpuLimited,
    /// The sender had no more bandwidth.
    BandwidthLimited,
    /// Pictures were asked for again and again.
    PliStorm,
    /// The microphone gave nothing.
    SilentMicrophone,
    /// A track ended at once.
    TrackEndedEarly,
    /// The path changed again and again.
    UnstablePath,
    /// ICE had to start again.
    IceRestart,
    /// A configured server gave no candidates.
    MissingCandidates,
    /// Media went through TURN.
    Relayed,
    /// Media went over TCP.
    OverTcp,
    /// No stats came for a while.
    StatsGap,
}

impl Code {
    /// All of them, the gravest first.
    pub const ALL: [Self; 34] = [
        Self::MediaDenied,
        Self::NeverConnected,
        Self::ConnectionFailed,
        Self::Disconnected,
        Self::OneWay,
        Self::SlowSetup,
        Self::PoorAudio,
        Self::LowAudio,
        Self::Concealment,
        Self::TimeStretch,
        Self::BufferGrown,
        Self::Freeze,
        Self::LowVideo,
        Self::StuckDecoder,
        Self::DryTrack,
        Self::LossIn,
        Self::LossOut,
        Self::HighJitter,
        Self::HighRoundTripTime,
        Self::DecoderOverload,
        Self::FramesNotDecoded,
        Self::SlowCamera,
        Self::SlowEncoder,
        Self::CpuLimited,
        Self::BandwidthLimited,
        Self::PliStorm,
        Self::SilentMicrophone,
        Self::TrackEndedEarly,
        Self::UnstablePath,
        Self::IceRestart,
        Self::MissingCandidates,
        Self::Relayed,
        Self::OverTcp,
        Self::StatsGap,
    ];

    /// Its gravity, a few words, and how it is detected, with the source of its limits.
    pub fn meaning(self) -> (Gravity, &'static str, &'static str) {
        use Gravity::{Fair, Note, Poor};
        match self {
            Self::MediaDenied => {
                (Poor, "Microphone or camera refused", "A getUserMedia request was answered with an error.")
            }
            Self::NeverConnected => (
                Poor,
                "Never connected",
                "No event of the connection says that it was established, no stats show a path, and it lived for 3 s or more.",
            ),
            Self::ConnectionFailed => (
                Poor,
                "Connection failed",
                "The connection state became failed after it had been connected, did not recover, and the other side was there.",
            ),
            Self::Disconnected => (
                Poor,
                "Interrupted",
                "The connection state was disconnected or failed for 5 s or more (ObserveRTC), while the other side was there.",
            ),
            Self::OneWay => (
                Poor,
                "Sent, but received nothing",
                "Bytes went out and none came in over an interval of 5 s or more (ObserveRTC).",
            ),
            Self::SlowSetup => {
                (Fair, "Slow set-up", "More than 5 s from addConnection to connected (ObserveRTC).")
            }
            Self::PoorAudio => (
                Poor,
                "Poor audio",
                "E-model score below 3 for 30 s (Peer Metrics' very_low_emos, with loss in percent).",
            ),
            Self::LowAudio => (
                Fair,
                "Audio not good",
                "E-model score below 3.5, until it is 3.8 again (Twilio Voice Insights).",
            ),
            Self::Concealment => (
                Fair,
                "Concealed audio",
                "More than 3 % of the samples concealed and not silent, until 1 %, for 15 s (ObserveRTC, citing Webex); 5 % is severe.",
            ),
            Self::TimeStretch => (
                Fair,
                "Audio speed corrected",
                "More than 10 % of the samples inserted or removed, until 5 % (ObserveRTC).",
            ),
            Self::BufferGrown => (
                Note,
                "Jitter buffer grew",
                "Target over 200 ms, until 150 ms, while more than 2 % of the samples were inserted or removed (ObserveRTC).",
            ),
            Self::SlowCamera => (
                Fair,
                "Camera slower than set",
                "The source gave less than 50 % of the frame rate that the track was set to, until 60 %, for 20 s (ObserveRTC).",
            ),
            Self::SlowEncoder => (
                Fair,
                "Encoder left frames out",
                "Less than 70 % of the source's frames encoded, until 80 %, for 20 s, with neither processor nor bandwidth as the reason (ObserveRTC).",
            ),
            Self::Freeze => (
                Fair,
                "Picture froze",
                "freezeCount rose; severe where more than 5 % of an interval stood still.",
            ),
            Self::LowVideo => (Fair, "Poor picture", "Video score below 2.5, until 3, for 20 s (ours)."),
            Self::StuckDecoder => (
                Poor,
                "Decoder stuck",
                "More than 10 kbit/s came and not one frame was decoded over an interval, with two PLIs (ObserveRTC).",
            ),
            Self::DryTrack => (
                Fair,
                "Stream ran dry",
                "A stream that had flowed received no byte over an interval of 5 s or more, was not muted, and its sender had not left (ObserveRTC).",
            ),
            Self::LossIn => {
                (Fair, "Packet loss, received", "More than 5 %, until 2 % (Twilio Voice Insights).")
            }
            Self::LossOut => (
                Fair,
                "Packet loss, sent",
                "More than 5 % by the receiver's reports, until 2 % (Twilio Voice Insights).",
            ),
            Self::HighJitter => {
                (Fair, "High jitter", "More than 30 ms, until 20 ms (Twilio Voice Insights: peak).")
            }
            Self::HighRoundTripTime => {
                (Fair, "Long round trips", "More than 400 ms, until 300 ms (Twilio Voice Insights).")
            }
            Self::DecoderOverload => (
                Fair,
                "Decoder overloaded",
                "10 % of the frames dropped, or decoding took 80 % of the time between frames, at less than 2 % loss, two polls in a row (ObserveRTC).",
            ),
            Self::FramesNotDecoded => (
                Fair,
                "Frames not decoded",
                "Less than 0.7 of at least 10 received frames decoded, until 0.85 (ObserveRTC).",
            ),
            Self::CpuLimited => (
                Fair,
                "Limited by the processor",
                "30 % of an interval limited by CPU, or encoding took 80 % of the time between frames (ObserveRTC).",
            ),
            Self::BandwidthLimited => (
                Note,
                "Limited by bandwidth",
                "30 % of an interval limited by bandwidth (qualityLimitationDurations).",
            ),
            Self::PliStorm => (
                Fair,
                "Pictures asked for again and again",
                "More than 0.5 PLI per second, until 0.15, for 30 s (ObserveRTC).",
            ),
            Self::SilentMicrophone => (
                Note,
                "Microphone gave no sound",
                "RMS of the source below 0.001 for 30 s, not muted (ObserveRTC). Silence is no proof: nobody may have spoken.",
            ),
            Self::TrackEndedEarly => (
                Fair,
                "Track ended at once",
                "A track ended within 1 s of the answer to getUserMedia (rtcstats features).",
            ),
            Self::UnstablePath => (
                Fair,
                "Path changed again and again",
                "Three changes of the selected pair in 30 s (ObserveRTC).",
            ),
            Self::IceRestart => (Note, "ICE restart", "A new ufrag in a description, or ICE checking again."),
            Self::MissingCandidates => (
                Note,
                "No candidates of a configured kind",
                "Gathering completed without a candidate from the STUN or TURN servers that were configured.",
            ),
            Self::Relayed => (Note, "Through TURN", "The selected pair had a relay candidate."),
            Self::OverTcp => {
                (Note, "Over TCP", "The selected pair's transport was TCP, or TURN over TCP or TLS.")
            }
            Self::StatsGap => (
                Note,
                "No stats for a while",
                "Polls more than two intervals and 5 s apart: a sleeping tab, not a network fault (ObserveRTC).",
            ),
        }
    }

    /// The measure whose graph shows it.
    pub fn measure(self) -> Option<Measure> {
        Some(match self {
            Self::PoorAudio | Self::LowAudio => Measure::AudioScore,
            Self::Concealment => Measure::Concealment,
            Self::TimeStretch => Measure::TimeStretch,
            Self::BufferGrown => Measure::JitterBufferTarget,
            Self::SlowCamera => Measure::SourceFrameRate,
            Self::Freeze => Measure::FreezeShare,
            Self::LowVideo => Measure::VideoScore,
            Self::SlowEncoder | Self::StuckDecoder => Measure::FrameRate,
            Self::FramesNotDecoded => Measure::FramesDecoded,
            Self::DryTrack => Measure::Bitrate,
            Self::LossIn | Self::LossOut => Measure::Loss,
            Self::HighJitter => Measure::Jitter,
            Self::HighRoundTripTime => Measure::RoundTripTime,
            Self::DecoderOverload => Measure::FramesDropped,
            Self::CpuLimited => Measure::CpuLimited,
            Self::BandwidthLimited => Measure::BandwidthLimited,
            Self::PliStorm => Measure::PliRate,
            Self::SilentMicrophone => Measure::AudioLevel,
            Self::OneWay => Measure::BitrateIn,
            _ => return None,
        })
    }

    /// Which way what suffered was going; none where the network has no part in it.
    fn flow(self) -> Option<Flow> {
        match self {
            Self::LossIn
            | Self::HighJitter
            | Self::PoorAudio
            | Self::LowAudio
            | Self::Concealment
            | Self::Freeze
            | Self::LowVideo
            | Self::DryTrack
            | Self::PliStorm
            | Self::TimeStretch
            | Self::BufferGrown => Some(Flow::Received),
            Self::LossOut | Self::BandwidthLimited => Some(Flow::Sent),
            Self::HighRoundTripTime | Self::Disconnected | Self::ConnectionFailed | Self::OneWay => {
                Some(Flow::Both)
            }
            _ => None,
        }
    }

    /// Whether it is about this participant's own machine.
    fn is_of_device(self) -> bool {
        matches!(
            self,
            Self::MediaDenied
                | Self::DecoderOverload
                | Self::FramesNotDecoded
                | Self::StuckDecoder
                | Self::CpuLimited
                | Self::SlowCamera
                | Self::SlowEncoder
                | Self::SilentMicrophone
                | Self::TrackEndedEarly
                | Self::StatsGap
        )
    }
}

/// One thing that went wrong, or is good to know.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Incident {
    /// What.
    pub code: Code,
    /// How grave, with its peak in mind.
    pub gravity: Gravity,
    /// Who had it.
    pub participant: ParticipantId,
    /// With whom, each once.
    pub peers: Vec<ParticipantId>,
    /// On which connections.
    pub connections: Vec<ConnectionId>,
    /// How many streams had it.
    pub streams: usize,
    /// Audio or video, if all of them were.
    pub kind: Option<Kind>,
    /// When it began.
    pub from: Timestamp,
    /// When it was over.
    pub to: Timestamp,
    /// The worst value.
    pub peak: Option<f64>,
    /// How to show the value: the name of a unit.
    pub unit: &'static str,
    /// How often, for what is counted.
    pub count: Option<usize>,
    /// Seconds in all, for what has a length of its own.
    pub total_s: Option<f64>,
    /// What the source said: an error's name, a state.
    pub detail: Option<String>,
    /// Whose side it was on.
    pub side: Side,
    /// Events that show it.
    pub evidence: Vec<EventId>,
}

/// What detection looks at: one call.
pub(super) struct Scene<'a> {
    pub(super) connections: Vec<&'a Connection>,
    pub(super) visits: Vec<&'a Visit>,
    pub(super) events: Vec<&'a EventRow>,
    pub(super) tracks: &'a [Track],
    /// Whether a participant is a server.
    pub(super) is_sfu: &'a dyn Fn(ParticipantId) -> bool,
    pub(super) limits: &'a Limits,
    /// Whether the conference goes on.
    pub(super) ongoing: bool,
}

/// One stretch on one stream or connection, before those that belong together are joined.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) code: Code,
    pub(super) participant: ParticipantId,
    pub(super) peer: Option<ParticipantId>,
    connection: Option<ConnectionId>,
    kind: Option<Kind>,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    peak: Option<f64>,
    unit: &'static str,
    count: Option<usize>,
    total_s: Option<f64>,
    detail: Option<String>,
    evidence: Vec<EventId>,
    severe: bool,
}

/// All incidents of a call, by time.
pub(super) fn incidents(scene: &Scene<'_>) -> Vec<Incident> {
    let mut pieces = Vec::new();
    for connection in &scene.connections {
        of_states(connection, scene, &mut pieces);
        of_path(connection, &mut pieces);
        of_series(connection, scene, &mut pieces);
    }
    of_media(scene, &mut pieces);
    join(pieces, scene)
}

impl Piece {
    fn new(code: Code, participant: ParticipantId, from: Timestamp, to: Timestamp) -> Self {
        Self {
            code,
            participant,
            peer: None,
            connection: None,
            kind: None,
            from,
            to: to.max(from),
            peak: None,
            unit: "count",
            count: None,
            total_s: None,
            detail: None,
            evidence: Vec::new(),
            severe: false,
        }
    }

    fn of(code: Code, connection: &Connection, from: Timestamp, to: Timestamp) -> Self {
        Self {
            peer: Some(connection.row.peer_id),
            connection: Some(connection.row.id),
            ..Self::new(code, connection.row.participant_id, from, to)
        }
    }

    fn worse(&self, a: f64, b: f64) -> f64 {
        let low_is_bad = matches!(
            self.code,
            Code::PoorAudio
                | Code::LowAudio
                | Code::LowVideo
                | Code::FramesNotDecoded
                | Code::SilentMicrophone
                | Code::SlowCamera
                | Code::SlowEncoder
        );
        if low_is_bad { a.min(b) } else { a.max(b) }
    }
}

fn of_states(connection: &Connection, scene: &Scene<'_>, pieces: &mut Vec<Piece>) {
    let story = &connection.story;
    let start = connection.start();
    let open = scene.ongoing && connection.row.end_time.is_none();
    let Some(connected) = connection.connected_at else {
        // Whoever leaves within moments has not failed to connect, and stats of a path show that there was one.
        let brief = connection.to.seconds_since(start) < BRIEF_S;
        if !open && !brief && !connection.is_established() {
            let last = story.connection_states.last().map(|span| span.state.clone());
            pieces.push(Piece {
                detail: last,
                evidence: evidence(scene, connection, start, connection.to),
                ..Piece::of(Code::NeverConnected, connection, start, connection.to)
            });
        }
        return;
    };
    if let Some(ms) = connection.setup_ms.filter(|ms| *ms > scene.limits.setup_ms.raise) {
        let piece = Piece::of(Code::SlowSetup, connection, start, connected);
        pieces.push(Piece { peak: Some(ms / 1000.0), unit: "seconds", ..piece });
    }
    let states = &story.connection_states;
    for (at, span) in states.iter().enumerate() {
        if span.from < connected || !matches!(span.state.as_str(), "disconnected" | "failed") {
            continue;
        }
        let recovered = states.iter().skip(at + 1).find(|later| later.state == "connected");
        let first_of_run = at == 0
            || !states
                .get(at - 1)
                .is_some_and(|before| matches!(before.state.as_str(), "disconnected" | "failed"));
        let failed_before_recovery = states
            .iter()
            .skip(at)
            .take_while(|later| later.state != "connected")
            .any(|later| later.state == "failed");
        let to = recovered.map_or(connection.to, |later| later.from);
        let length = to.seconds_since(span.from);
        if !first_of_run || peer_left(connection, &scene.visits, span.from) {
            continue;
        }
        if failed_before_recovery && recovered.is_none() {
            let piece = Piece::of(Code::ConnectionFailed, connection, span.from, to);
            pieces.push(Piece { evidence: evidence(scene, connection, span.from, to), ..piece });
        } else if length >= DISCONNECTED_S {
            let piece = Piece::of(Code::Disconnected, connection, span.from, to);
            pieces.push(Piece {
                evidence: evidence(scene, connection, span.from, to),
                count: Some(1),
                total_s: Some(length),
                peak: Some(length),
                unit: "seconds",
                ..piece
            });
        }
    }
    for restart in &story.restarts {
        let to = restart.recovered_after_s.map_or(restart.at, |seconds| restart.at.plus_seconds(seconds));
        let detail = match restart.helped {
            Some(true) => Some("it helped".to_owned()),
            Some(false) => Some("it did not help".to_owned()),
            None => None,
        };
        let piece = Piece::of(Code::IceRestart, connection, restart.at, to);
        pieces.push(Piece { detail, count: Some(1), ..piece });
    }
}

/// The events that tell of a connection's state within a stretch of time, the first ones.
fn evidence(scene: &Scene<'_>, connection: &Connection, from: Timestamp, to: Timestamp) -> Vec<EventId> {
    let states = ["onconnectionstatechange", "oniceconnectionstatechange"];
    let within = scene.events.iter().filter(|event| {
        event.connection_id == Some(connection.row.id)
            && states.contains(&event.r#type.as_str())
            && event.created_at >= from
            && event.created_at <= to
    });
    within.map(|event| event.id).take(EVIDENCE).collect()
}

fn of_path(connection: &Connection, pieces: &mut Vec<Piece>) {
    let start = connection.start();
    if connection.relayed == Some(true) {
        pieces.push(Piece::of(Code::Relayed, connection, start, connection.to));
    }
    if connection.over_tcp == Some(true) {
        pieces.push(Piece::of(Code::OverTcp, connection, start, connection.to));
    }
    let path = &connection.story.path;
    for window in path.windows(4) {
        let (first, last) = (&window[1], &window[3]);
        if last.from.seconds_since(first.from) <= 30.0 {
            let piece = Piece::of(Code::UnstablePath, connection, first.from, last.from);
            pieces.push(Piece { count: Some(3), ..piece });
        }
    }
    for kind in &connection.story.missing_kinds {
        let piece = Piece::of(Code::MissingCandidates, connection, start, start);
        pieces.push(Piece { detail: Some(kind.clone()), ..piece });
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_micros(ms.saturating_mul(1000))
}

fn of_series(connection: &Connection, scene: &Scene<'_>, pieces: &mut Vec<Piece>) {
    let series = &connection.series;
    for (from, to) in &series.gaps {
        let seconds = (to - from) as f64 / 1000.0;
        let piece = Piece::of(Code::StatsGap, connection, at(*from), at(*to));
        pieces.push(Piece { peak: Some(seconds), unit: "seconds", total_s: Some(seconds), ..piece });
    }
    let limits = scene.limits;
    if let Some(values) = series.values.get(Measure::RoundTripTime) {
        let found = episodes(series.readings(values), limits.round_trip_time_ms);
        pieces.extend(found.into_iter().map(|episode| Piece {
            peak: Some(episode.peak),
            unit: "millis",
            ..span(Code::HighRoundTripTime, connection, &episode)
        }));
    }
    one_way(connection, scene, pieces);
    for stream in &series.streams {
        let mut found = Vec::new();
        match (stream.direction, stream.kind) {
            (Direction::Inbound, Kind::Audio) => received_audio(series, stream, limits, &mut found),
            (Direction::Inbound, Kind::Video) => received_video(series, stream, limits, &mut found),
            (Direction::Outbound, _) => sent(series, stream, limits, &mut found),
        }
        if stream.direction == Direction::Inbound {
            let both = [
                (Code::LossIn, Measure::Loss, limits.loss),
                (Code::HighJitter, Measure::Jitter, limits.jitter_ms),
            ];
            for (code, measure, limit) in both {
                simple(series, stream, code, measure, limit, &mut found);
            }
            dry(connection, stream, scene, &mut found);
        } else if stream.kind == Kind::Audio {
            silent_microphone(connection, stream, scene, &mut found);
        } else {
            slow_source(connection, stream, scene, &mut found);
        }
        pieces.extend(found.into_iter().map(|found| {
            let severe = match found.code {
                Code::Concealment => found.episode.peak > 0.05,
                Code::Freeze => found.episode.peak > limits.freeze.raise,
                Code::LossIn | Code::LossOut => found.episode.peak > 2.0 * limits.loss.raise,
                _ => false,
            };
            Piece {
                kind: Some(stream.kind),
                peak: Some(found.episode.peak),
                unit: found.unit,
                count: found.count,
                total_s: found.total_s,
                severe,
                ..span(found.code, connection, &found.episode)
            }
        }));
    }
}

fn span(code: Code, connection: &Connection, episode: &Episode) -> Piece {
    Piece::of(code, connection, at(episode.from), at(episode.to))
}

/// An episode of a stream, before it is a piece.
struct Found {
    code: Code,
    episode: Episode,
    unit: &'static str,
    count: Option<usize>,
    total_s: Option<f64>,
}

fn simple(
    series: &Series,
    stream: &Stream,
    code: Code,
    measure: Measure,
    limit: Limit,
    found: &mut Vec<Found>,
) {
    let Some(values) = stream.values.get(measure) else { return };
    let unit = measure.meaning().unit;
    let all = episodes(series.readings(values), limit);
    found.extend(all.into_iter().map(|episode| Found { code, episode, unit, count: None, total_s: None }));
}

/// Readings of a value made of several of a stream's.
fn computed(series: &Series, value: impl Fn(usize) -> Option<f64>) -> Vec<Reading> {
    let reading = |poll| {
        let (from, to) = series.interval(poll);
        Reading { from, to, value: value(poll) }
    };
    (0..series.t.len()).map(reading).collect()
}

fn received_audio(series: &Series, stream: &Stream, limits: &Limits, found: &mut Vec<Found>) {
    simple(series, stream, Code::PoorAudio, Measure::AudioScore, limits.audio_score_poor, found);
    let poor: Vec<Episode> = found.iter().map(|found| found.episode).collect();
    simple(series, stream, Code::LowAudio, Measure::AudioScore, limits.audio_score, found);
    // What is poor need not be called low besides.
    found.retain(|found| {
        found.code != Code::LowAudio
            || !poor.iter().any(|poor| poor.from < found.episode.to && found.episode.from < poor.to)
    });
    simple(series, stream, Code::Concealment, Measure::Concealment, limits.concealment, found);
    simple(series, stream, Code::TimeStretch, Measure::TimeStretch, limits.time_stretch, found);
    let grown = computed(series, |poll| {
        let target = stream.values.at(Measure::JitterBufferTarget, poll)?;
        // A high target alone is a calm line that is far away; while sound is stretched it is being fought for.
        let stretched = stream.values.at(Measure::TimeStretch, poll)? > STRETCHED;
        Some(if stretched { target } else { 0.0 })
    });
    found.extend(episodes(grown, limits.jitter_buffer_target_ms).into_iter().map(|episode| Found {
        code: Code::BufferGrown,
        episode,
        unit: "millis",
        count: None,
        total_s: None,
    }));
}

fn received_video(series: &Series, stream: &Stream, limits: &Limits, found: &mut Vec<Found>) {
    let value = |measure, poll| stream.values.at(measure, poll);
    simple(series, stream, Code::LowVideo, Measure::VideoScore, limits.video_score, found);
    simple(series, stream, Code::PliStorm, Measure::PliRate, limits.pli_rate, found);
    simple(series, stream, Code::FramesNotDecoded, Measure::FramesDecoded, limits.frames_decoded, found);
    if !stream.screen {
        freezes(series, stream, found);
    }
    let overload = computed(series, |poll| {
        if value(Measure::Loss, poll).is_some_and(|loss| loss >= 0.02) {
            return Some(0.0);
        }
        let dropped = value(Measure::FramesDropped, poll).map(|share| share / limits.frames_dropped.raise);
        let budget = value(Measure::DecodeTime, poll).zip(value(Measure::FrameRate, poll));
        let budget = budget.map(|(ms, rate)| ms * rate / 1000.0 / limits.codec_budget.raise);
        [dropped, budget].into_iter().flatten().reduce(f64::max)
    });
    // 1 is at the limit of whichever is worse.
    let two_polls = Limit { raise: 1.0, clear: 0.75, least_s: limits.frames_dropped.least_s };
    found.extend(episodes(overload, two_polls).into_iter().filter(|episode| episode.intervals >= 2).map(
        |episode| {
            let dropped = worst_in(series, stream, Measure::FramesDropped, &episode);
            Found {
                code: Code::DecoderOverload,
                episode: Episode { peak: dropped.unwrap_or(0.0), ..episode },
                unit: "percent",
                count: None,
                total_s: None,
            }
        },
    ));
    let stuck = computed(series, |poll| {
        let flows = value(Measure::Bitrate, poll)? > FLOWING_BPS;
        let none = value(Measure::FrameRate, poll)? == 0.0;
        let (from, to) = series.interval(poll);
        let asked = value(Measure::PliRate, poll)? * (to - from) as f64 / 1000.0 >= 1.5;
        Some(f64::from(u8::from(flows && none && asked && to - from >= 4000)))
    });
    let yes = Limit { raise: 0.5, clear: 0.5, least_s: 0.0 };
    found.extend(episodes(stuck, yes).into_iter().map(|episode| Found {
        code: Code::StuckDecoder,
        episode,
        unit: "count",
        count: None,
        total_s: Some((episode.to - episode.from) as f64 / 1000.0),
    }));
}

fn worst_in(series: &Series, stream: &Stream, measure: Measure, episode: &Episode) -> Option<f64> {
    let values = stream.values.get(measure)?;
    let inside =
        series.readings(values).filter(|reading| reading.from >= episode.from && reading.to <= episode.to);
    inside.filter_map(|reading| reading.value).reduce(f64::max)
}

/// Every interval in which the picture froze, neighbours joined, with how often and how long in all.
fn freezes(series: &Series, stream: &Stream, found: &mut Vec<Found>) {
    let mut open: Option<Found> = None;
    for poll in 0..series.t.len() {
        let count = stream.values.at(Measure::Freezes, poll).unwrap_or(0.0);
        let share = stream.values.at(Measure::FreezeShare, poll);
        if count <= 0.0 {
            found.extend(open.take());
            continue;
        }
        let (from, to) = series.interval(poll);
        let seconds = share.map(|share| share * (to - from) as f64 / 1000.0);
        let peak = share.unwrap_or(0.0);
        open = Some(match open.take() {
            Some(before) => Found {
                episode: Episode {
                    to,
                    peak: before.episode.peak.max(peak),
                    intervals: before.episode.intervals + 1,
                    ..before.episode
                },
                count: Some(before.count.unwrap_or(0) + count as usize),
                total_s: before.total_s.zip(seconds).map(|(a, b)| a + b).or(before.total_s).or(seconds),
                ..before
            },
            None => Found {
                code: Code::Freeze,
                episode: Episode { from, to, peak, peak_at: to, intervals: 1 },
                unit: "percent",
                count: Some(count as usize),
                total_s: seconds,
            },
        });
    }
    found.extend(open);
}

fn sent(series: &Series, stream: &Stream, limits: &Limits, found: &mut Vec<Found>) {
    simple(series, stream, Code::LossOut, Measure::Loss, limits.loss, found);
    if stream.kind == Kind::Audio {
        return;
    }
    simple(
        series,
        stream,
        Code::BandwidthLimited,
        Measure::BandwidthLimited,
        limits.bandwidth_limited,
        found,
    );
    let value = |measure, poll| stream.values.at(measure, poll);
    let cpu = computed(series, |poll| {
        let limited = value(Measure::CpuLimited, poll).map(|share| share / limits.cpu_limited.raise);
        let budget = value(Measure::EncodeTime, poll).zip(value(Measure::FrameRate, poll));
        let budget = budget.map(|(ms, rate)| ms * rate / 1000.0 / limits.codec_budget.raise);
        [limited, budget].into_iter().flatten().reduce(f64::max)
    });
    let limit = Limit { raise: 1.0, clear: 0.5, least_s: limits.cpu_limited.least_s };
    found.extend(episodes(cpu, limit).into_iter().map(|episode| {
        let share = worst_in(series, stream, Measure::CpuLimited, &episode);
        Found {
            code: Code::CpuLimited,
            episode: Episode { peak: share.unwrap_or(0.0), ..episode },
            unit: "percent",
            count: None,
            total_s: None,
        }
    }));
}

/// Whether the other side had left by then, as far as its visits tell: what stops after that is no fault. The visit meant is
/// the one in which the connection was made; a rejoin makes new connections.
pub(super) fn peer_left(connection: &Connection, visits: &[&Visit], by: Timestamp) -> bool {
    let made = connection.start().plus_seconds(15.0);
    let visit = visits
        .iter()
        .filter(|visit| visit.participant == connection.row.peer_id && visit.from <= made)
        .max_by_key(|visit| visit.from);
    visit.is_some_and(|visit| visit.to <= by.plus_seconds(1.0))
}

/// The track that a stream is of, by the browser's id of it.
fn track_of<'a>(stream: &Stream, connection: &Connection, tracks: &'a [Track]) -> Option<&'a Track> {
    let id = stream.track.as_deref()?;
    let same = |track: &&Track| track.browser_id == id;
    tracks
        .iter()
        .filter(same)
        .find(|track| track.connection == Some(connection.row.id))
        .or_else(|| tracks.iter().filter(same).find(|track| track.session == connection.row.session_id))
}

fn dry(connection: &Connection, stream: &Stream, scene: &Scene<'_>, found: &mut Vec<Found>) {
    let series = &connection.series;
    // Without its track nobody can tell a stream that ran dry from one that was switched off.
    let Some(track) = track_of(stream, connection, scene.tracks) else { return };
    let mut flowed = false;
    let readings = computed(series, |poll| stream.values.at(Measure::Bitrate, poll));
    let readings = readings.into_iter().map(|reading| {
        let rate = reading.value;
        let (from, to) = (reading.from, reading.to);
        let dry = rate == Some(0.0)
            && flowed
            && to - from >= 5000
            && !track.was_silent(at(from), at(to))
            && !peer_left(connection, &scene.visits, at(to));
        flowed |= rate.is_some_and(|rate| rate > 0.0);
        Reading { value: rate.map(|_| f64::from(u8::from(dry))), ..reading }
    });
    let readings: Vec<Reading> = readings.collect();
    let yes = Limit { raise: 0.5, clear: 0.5, least_s: 0.0 };
    found.extend(episodes(readings, yes).into_iter().map(|episode| Found {
        code: Code::DryTrack,
        episode,
        unit: "count",
        count: None,
        total_s: Some((episode.to - episode.from) as f64 / 1000.0),
    }));
}

fn silent_microphone(connection: &Connection, stream: &Stream, scene: &Scene<'_>, found: &mut Vec<Found>) {
    let Some(track) = track_of(stream, connection, scene.tracks) else { return };
    let series = &connection.series;
    let level = computed(series, |poll| {
        let (from, to) = series.interval(poll);
        let level = stream.values.at(Measure::AudioLevel, poll)?;
        (!track.was_silent(at(from), at(to))).then_some(level)
    });
    found.extend(episodes(level, scene.limits.microphone_level).into_iter().map(|episode| Found {
        code: Code::SilentMicrophone,
        episode,
        unit: "level",
        count: None,
        total_s: Some((episode.to - episode.from) as f64 / 1000.0),
    }));
}

/// A camera that gives fewer frames than it was set to, and an encoder that leaves out what the camera gives. A screen gives
/// frames when something moves, and the layers of simulcast are slow on purpose; of them nothing is said.
fn slow_source(connection: &Connection, stream: &Stream, scene: &Scene<'_>, found: &mut Vec<Found>) {
    let series = &connection.series;
    let layers = series.streams(Kind::Video, Direction::Outbound).filter(|other| other.track == stream.track);
    if stream.screen || layers.count() > 1 {
        return;
    }
    let source = |poll| stream.values.at(Measure::SourceFrameRate, poll);
    let track = track_of(stream, connection, scene.tracks);
    let muted = |poll| {
        let (from, to) = series.interval(poll);
        track.is_some_and(|track| track.was_silent(at(from), at(to)))
    };
    let asked = track.and_then(|track| {
        let (_, rate) = track.settings.iter().find(|(name, _)| name == "frameRate")?;
        rate.parse::<f64>().ok().filter(|rate| *rate > 0.0)
    });
    let camera = computed(series, |poll| if muted(poll) { None } else { Some(source(poll)? / asked?) });
    let encoder = computed(series, |poll| {
        // What limits the encoder on purpose has findings of its own.
        let limited = |measure| stream.values.at(measure, poll).is_some_and(|share| share > 0.1);
        if limited(Measure::CpuLimited) || limited(Measure::BandwidthLimited) {
            return Some(1.0);
        }
        let source = source(poll).filter(|rate| *rate > 0.0)?;
        Some(stream.values.at(Measure::FrameRate, poll)? / source)
    });
    for (code, readings, limit) in
        [(Code::SlowCamera, camera, scene.limits.capture), (Code::SlowEncoder, encoder, scene.limits.encoder)]
    {
        let ratio = |episode| Found { code, episode, unit: "percent", count: None, total_s: None };
        found.extend(episodes(readings, limit).into_iter().map(ratio));
    }
}

/// Intervals in which this side sent and heard nothing at all.
fn one_way(connection: &Connection, scene: &Scene<'_>, pieces: &mut Vec<Piece>) {
    let series = &connection.series;
    let readings = computed(series, |poll| {
        let (_, end) = series.interval(poll);
        if peer_left(connection, &scene.visits, at(end)) {
            return Some(0.0);
        }
        let sent = series.values.at(Measure::BitrateOut, poll)?;
        let received = series.values.at(Measure::BitrateIn, poll)?;
        let (from, to) = series.interval(poll);
        Some(f64::from(u8::from(sent > 0.0 && received == 0.0 && to - from >= 5000)))
    });
    let yes = Limit { raise: 0.5, clear: 0.5, least_s: 0.0 };
    pieces.extend(episodes(readings, yes).into_iter().map(|episode| Piece {
        total_s: Some((episode.to - episode.from) as f64 / 1000.0),
        ..span(Code::OneWay, connection, &episode)
    }));
}

fn of_media(scene: &Scene<'_>, pieces: &mut Vec<Piece>) {
    let media = || scene.events.iter().filter(|event| event.r#type == "getUserMedia");
    let error = |event: &EventRow| {
        let data = event.data.as_ref().and_then(Json::parse)?;
        let error = data.get("error").filter(|error| !error.is_null())?;
        let text =
            |key: &str| error.get(key).and_then(Value::as_str).map(|text| text.chars().take(120).collect());
        Some(text("name").or_else(|| text("message")).unwrap_or_else(|| "unnamed error".to_owned()))
    };
    let mut answers: BTreeMap<ParticipantId, Vec<Timestamp>> = BTreeMap::new();
    for event in media() {
        if let Some(detail) = error(event) {
            let piece =
                Piece::new(Code::MediaDenied, event.participant_id, event.created_at, event.created_at);
            pieces.push(Piece { detail: Some(detail), count: Some(1), evidence: vec![event.id], ..piece });
        } else {
            answers.entry(event.participant_id).or_default().push(event.created_at);
        }
    }
    for track in scene.tracks.iter().filter(|track| track.direction == Some(Direction::Outbound)) {
        let Some((participant, ended)) = track.participant.zip(track.ended) else { continue };
        let Some(answers) = answers.get(&participant) else { continue };
        let early = answers.iter().find(|answer| (0.0..1.0).contains(&ended.seconds_since(**answer)));
        if let Some(answer) = early {
            let evidence = scene
                .events
                .iter()
                .filter(|event| event.track_id == Some(track.id) && event.r#type == "ended");
            let piece = Piece::new(Code::TrackEndedEarly, participant, *answer, ended);
            pieces.push(Piece {
                kind: track.kind,
                evidence: evidence.map(|event| event.id).collect(),
                ..piece
            });
        }
    }
}

/// Joins the pieces of one kind and one participant that overlap or touch.
fn join(mut pieces: Vec<Piece>, scene: &Scene<'_>) -> Vec<Incident> {
    pieces.sort_by_key(|piece| (piece.code, piece.participant, piece.from, piece.to, piece.connection));
    let mut incidents: Vec<Incident> = Vec::new();
    for group in pieces.chunk_by(|a, b| (a.code, a.participant) == (b.code, b.participant)) {
        let mut run: Vec<&Piece> = Vec::new();
        let mut end = None::<Timestamp>;
        for piece in group {
            if end.is_some_and(|end| piece.from > end) {
                incidents.extend(incident(&run, &pieces, scene));
                run.clear();
                end = None;
            }
            end = Some(end.map_or(piece.to, |end| end.max(piece.to)));
            run.push(piece);
        }
        incidents.extend(incident(&run, &pieces, scene));
    }
    incidents.sort_by_key(|incident| (incident.from, incident.code, incident.participant));
    incidents
}

fn incident(run: &[&Piece], all: &[Piece], scene: &Scene<'_>) -> Option<Incident> {
    let first = *run.first()?;
    let (usual, _, _) = first.code.meaning();
    let distinct =
        |ids: &mut dyn Iterator<Item = ParticipantId>| ids.collect::<BTreeSet<_>>().into_iter().collect();
    let peers: Vec<ParticipantId> = distinct(&mut run.iter().filter_map(|piece| piece.peer));
    let connections: BTreeSet<ConnectionId> = run.iter().filter_map(|piece| piece.connection).collect();
    let to = run.iter().map(|piece| piece.to).max().unwrap_or(first.to);
    let kind = first.kind.filter(|kind| run.iter().all(|piece| piece.kind == Some(*kind)));
    let details: BTreeSet<&str> = run.iter().filter_map(|piece| piece.detail.as_deref()).collect();
    let mut evidence: Vec<EventId> = run.iter().flat_map(|piece| piece.evidence.iter().copied()).collect();
    evidence.dedup();
    let side = if first.code.is_of_device() {
        Side::device(first.participant)
    } else if let Some(flow) = first.code.flow() {
        super::sides::side(first, &peers, (first.from, to), flow, all, scene)
    } else {
        Side::unknown()
    };
    Some(Incident {
        code: first.code,
        gravity: if run.iter().any(|piece| piece.severe) { Gravity::Poor } else { usual },
        participant: first.participant,
        peers,
        connections: connections.into_iter().collect(),
        streams: run.iter().filter(|piece| piece.kind.is_some()).count(),
        kind,
        from: first.from,
        to,
        peak: run.iter().filter_map(|piece| piece.peak).reduce(|a, b| first.worse(a, b)),
        unit: first.unit,
        count: run.iter().filter_map(|piece| piece.count).reduce(|a, b| a + b),
        total_s: run.iter().filter_map(|piece| piece.total_s).reduce(|a, b| a + b),
        detail: (!details.is_empty()).then(|| details.into_iter().collect::<Vec<_>>().join(", ")),
        side,
        evidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::streams::{Sources, series};
    use crate::snapshot::stats::INBOUND;
    use crate::snapshot::{SampleRow, Samples};

    /// One poll of a received stream, every ten seconds.
    fn poll(at: i64, kind: &str, change: impl FnOnce(&mut SampleRow)) -> SampleRow {
        let mut row = SampleRow {
            report: INBOUND.to_owned(),
            event_id: EventId(uuid::Uuid::from_u128(at as u128)),
            created_at: Timestamp::from_micros(at * 10_000_000),
            id: Some("x".to_owned()),
            kind: Some(kind.to_owned()),
            ..SampleRow::default()
        };
        change(&mut row);
        row
    }

    fn found(rows: &[SampleRow]) -> Vec<(Code, i64, i64)> {
        let samples: Samples = rows.iter().collect();
        let series = series(&samples.iter().collect::<Vec<_>>(), &Sources::default());
        let stream = &series.streams[0];
        let (limits, mut found) = (Limits::default(), Vec::new());
        match stream.kind {
            Kind::Audio => received_audio(&series, stream, &limits, &mut found),
            Kind::Video => received_video(&series, stream, &limits, &mut found),
        }
        found.iter().map(|found| (found.code, found.episode.from / 1000, found.episode.to / 1000)).collect()
    }

    #[test]
    fn concealment_raises_at_three_percent_and_clears_at_one() {
        // 4 %, 2 %, 2 %, 0 % of 10,000 samples each.
        let concealed = [0, 400, 600, 800, 800];
        let rows: Vec<SampleRow> = concealed
            .iter()
            .enumerate()
            .map(|(at, concealed)| {
                poll(at as i64, "audio", |row| {
                    row.concealed_samples = Some(*concealed);
                    row.total_samples_received = Some(at as i64 * 10_000);
                })
            })
            .collect();
        assert_eq!(found(&rows), [(Code::Concealment, 0, 30)]);
    }

    #[test]
    fn freezes_of_neighbouring_intervals_are_one_with_their_number_and_length() {
        let frozen = [(0, 0.0), (1, 2.0), (3, 5.0), (3, 5.0), (4, 6.0)];
        let rows: Vec<SampleRow> = frozen
            .iter()
            .enumerate()
            .map(|(at, (count, seconds))| {
                poll(at as i64, "video", |row| {
                    row.freeze_count = Some(*count);
                    row.total_freezes_duration = Some(*seconds);
                })
            })
            .collect();
        let samples: Samples = rows.iter().collect();
        let series = series(&samples.iter().collect::<Vec<_>>(), &Sources::default());
        let mut list = Vec::new();
        freezes(&series, &series.streams[0], &mut list);
        let told: Vec<_> =
            list.iter().map(|found| (found.count, found.total_s, found.episode.peak)).collect();
        assert_eq!(told, [(Some(3), Some(5.0), 0.3), (Some(1), Some(1.0), 0.1)]);
    }

    #[test]
    fn a_decoder_is_stuck_where_data_comes_and_no_frame_and_pictures_are_asked_for() {
        let rows: Vec<SampleRow> = [(0, 0, 0), (300, 500_000, 0), (300, 1_000_000, 3), (600, 1_500_000, 3)]
            .iter()
            .enumerate()
            .map(|(at, (frames, bytes, pli))| {
                poll(at as i64, "video", |row| {
                    row.frames_decoded = Some(*frames);
                    row.bytes_received = Some(*bytes);
                    row.pli_count = Some(*pli);
                })
            })
            .collect();
        assert_eq!(found(&rows), [(Code::StuckDecoder, 10, 20)]);
    }

    #[test]
    fn a_decoder_that_drops_frames_is_overloaded_unless_packets_got_lost() {
        let rows = |lost: i64| -> Vec<SampleRow> {
            (0..4)
                .map(|at| {
                    poll(at, "video", |row| {
                        row.frames_received = Some(at * 300);
                        row.frames_dropped = Some(at * 60);
                        row.packets_received = Some(at * 1000);
                        row.packets_lost = Some(at * lost);
                    })
                })
                .collect()
        };
        assert_eq!(found(&rows(0)), [(Code::DecoderOverload, 0, 30)]);
        assert_eq!(found(&rows(50)), []);
    }

    #[test]
    fn poor_audio_is_not_called_low_besides() {
        // 40 % loss throughout.
        let rows: Vec<SampleRow> = (0..6)
            .map(|at| {
                poll(at, "audio", |row| {
                    row.packets_received = Some(at * 60);
                    row.packets_lost = Some(at * 40);
                    row.bytes_received = Some(at * 40_000);
                })
            })
            .collect();
        assert_eq!(found(&rows), [(Code::PoorAudio, 0, 50)]);
    }

    #[test]
    fn a_stretched_sound_with_a_high_target_has_a_grown_buffer() {
        let rows: Vec<SampleRow> = (0..3)
            .map(|at| {
                poll(at, "audio", |row| {
                    row.jitter_buffer_target_delay = Some(at as f64 * 250.0);
                    row.jitter_buffer_emitted_count = Some(at * 1000);
                    row.total_samples_received = Some(at * 1000);
                    row.inserted_samples_for_deceleration = Some(at * 30);
                    row.removed_samples_for_acceleration = Some(0);
                })
            })
            .collect();
        assert_eq!(found(&rows), [(Code::BufferGrown, 0, 20)]);
    }
}
