//! The profile `public`: of JSON only the members that are listed here, each with the form that its value must have; of session
//! descriptions only the lines that say what was negotiated. What is not listed, or has another form, is withheld.

use uuid::Uuid;

use super::internal::Fragments;
use super::json::{Invalid, Kind, Tokens, quoted, unquoted};
use super::{Key, Scrub};

/// What a value must look like, or what is shown in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// A number or a boolean.
    Number,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A short text of letters, digits and a few signs: a name of software.
    Short,
    /// A row's id, of a kind: its pseudonym is shown. `None`, as the service writes it, stays.
    Id(&'static str),
    /// A browser's id: its pseudonym is shown.
    Label,
    /// A code of two letters.
    Country,
    /// An instant.
    Time,
    /// A session description: the lines that say what was negotiated.
    Sdp,
    /// A candidate: its type and protocol.
    Candidate,
    /// The URL of a STUN or TURN server: its scheme and transport.
    Server,
    /// A media id: a small number or a usual word, else a pseudonym.
    Mid,
}

impl Keep {
    /// For the documentation.
    pub(super) fn meaning(self) -> String {
        match self {
            Self::Number => "shown if it is a number or a boolean".to_owned(),
            Self::Word(words) => format!("shown if it is one of `{}`", words.join("`, `")),
            Self::Short => "shown if it is a short plain text".to_owned(),
            Self::Id(kind) => format!("changed to the pseudonym of the {kind}"),
            Self::Label => "changed to a pseudonym".to_owned(),
            Self::Country => "shown if it is a code of two letters".to_owned(),
            Self::Time => "shown if it is an instant".to_owned(),
            Self::Sdp => "changed: only the lines that say what was negotiated".to_owned(),
            Self::Candidate => "changed: only type and protocol".to_owned(),
            Self::Server => "changed: only scheme and transport".to_owned(),
            Self::Mid => {
                "shown if it is a small number or a usual word, else changed to a pseudonym".to_owned()
            }
        }
    }
}

pub(super) const CANDIDATE_TYPES: &[&str] = &["host", "srflx", "prflx", "relay"];
pub(super) const PROTOCOLS: &[&str] = &["udp", "tcp", "UDP", "TCP"];
pub(super) const RELAY_PROTOCOLS: &[&str] = &["udp", "tcp", "tls"];
pub(super) const NETWORKS: &[&str] =
    &["bluetooth", "cellular", "ethernet", "wifi", "wimax", "vpn", "2g", "3g", "4g", "5g", "unknown"];
pub(super) const PAIR_STATES: &[&str] =
    &["frozen", "waiting", "in-progress", "failed", "succeeded", "cancelled"];
pub(super) const CONNECTION_STATES: &[&str] =
    &["new", "checking", "connecting", "connected", "completed", "disconnected", "failed", "closed"];
pub(super) const KINDS: &[&str] = &["audio", "video", "application"];
pub(super) const REPORTS: &[&str] =
    &["candidate-pair", "inbound-rtp", "outbound-rtp", "remote-inbound-rtp", "remote-outbound-rtp"];
pub(super) const REASONS: &[&str] = &["none", "cpu", "bandwidth", "other"];
const GATHERING: &[&str] = &["new", "gathering", "complete"];
const SIGNALING: &[&str] = &[
    "stable",
    "have-local-offer",
    "have-remote-offer",
    "have-local-pranswer",
    "have-remote-pranswer",
    "closed",
];
const SDP_TYPES: &[&str] = &["offer", "answer", "pranswer", "rollback"];
const ERRORS: &[&str] = &[
    "AbortError",
    "InvalidStateError",
    "NotAllowedError",
    "NotFoundError",
    "NotReadableError",
    "NotSupportedError",
    "OverconstrainedError",
    "SecurityError",
    "TypeError",
    "PermissionDeniedError",
    "DevicesNotFoundError",
    "TrackStartError",
    "ConstraintNotSatisfiedError",
];
const READY: &[&str] = &["live", "ended"];
const HINTS: &[&str] = &["", "speech", "speech-recognition", "music", "motion", "detail", "text"];
const FACING: &[&str] = &["user", "environment", "left", "right"];
const SURFACES: &[&str] = &["monitor", "window", "browser", "application"];
const RESIZE: &[&str] = &["none", "crop-and-scale"];
const DEVICE_TYPES: &[&str] = &["mobile", "tablet", "smarttv", "console", "wearable", "embedded", "desktop"];
/// Types of events that the service knows.
pub(super) const EVENTS: &[&str] = &[
    "getUserMedia",
    "addConnection",
    "peerDetails",
    "onnegotiationneeded",
    "onsignalingstatechange",
    "onicegatheringstatechange",
    "oniceconnectionstatechange",
    "onconnectionstatechange",
    "onicecandidate",
    "onicecandidateerror",
    "ondatachannel",
    "removeConnection",
    "removePeer",
    "ontrack",
    "mute",
    "unmute",
    "ended",
    "overconstrained",
    "stats",
    "custom",
    "beforeunload",
    "unload",
    "endCall",
    "tabFocus",
    "mediaDeviceChange",
];
/// Codes of issues that the service knows.
pub(super) const ISSUES: &[&str] = &[
    "no_media_access",
    "ice_failed",
    "no_connection",
    "connection_failed",
    "very_low_emos",
    "getusermedia_error",
    "icecandidateerror",
    "connection_disconnected",
    "multiple_rejoins",
    "tcp_used",
    "turn_used",
    "low_emos",
];
pub(super) const SDKS: &[&str] =
    &["", "mediasoup", "jitsi", "janus", "livekit", "twilioVideo", "vonage", "agora", "pion"];

/// Members of a getStats report that are numbers; in a path, `*` stands for each of them.
const STATS: &[&str] = &[
    "bytesSent",
    "bytesReceived",
    "headerBytesSent",
    "headerBytesReceived",
    "packetsSent",
    "packetsReceived",
    "packetsLost",
    "packetsDiscarded",
    "retransmittedPacketsSent",
    "retransmittedBytesSent",
    "nackCount",
    "pliCount",
    "firCount",
    "fecPacketsReceived",
    "fecPacketsDiscarded",
    "responsesReceived",
    "requestsSent",
    "requestsReceived",
    "responsesSent",
    "consentRequestsSent",
    "totalRoundTripTime",
    "currentRoundTripTime",
    "roundTripTime",
    "roundTripTimeMeasurements",
    "fractionLost",
    "availableOutgoingBitrate",
    "bitrate",
    "packetRate",
    "targetBitrate",
    "jitter",
    "jitterBufferDelay",
    "jitterBufferTargetDelay",
    "jitterBufferMinimumDelay",
    "jitterBufferEmittedCount",
    "audioLevel",
    "totalAudioEnergy",
    "totalSamplesDuration",
    "totalSamplesReceived",
    "concealedSamples",
    "silentConcealedSamples",
    "concealmentEvents",
    "insertedSamplesForDeceleration",
    "removedSamplesForAcceleration",
    "frameWidth",
    "frameHeight",
    "framesPerSecond",
    "framesSent",
    "framesEncoded",
    "framesReceived",
    "framesDecoded",
    "framesDropped",
    "keyFramesEncoded",
    "keyFramesDecoded",
    "totalEncodeTime",
    "totalDecodeTime",
    "totalInterFrameDelay",
    "totalSquaredInterFrameDelay",
    "freezeCount",
    "totalFreezesDuration",
    "pauseCount",
    "totalPausesDuration",
    "qpSum",
    "clockRate",
    "timestamp",
    "emos",
    "reportsSent",
];

/// Their names, for the documentation.
pub(super) fn stats_names() -> String {
    STATS.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

type Rules = &'static [(&'static str, Keep)];

const STATE: Rules = &[("", Keep::Word(CONNECTION_STATES))];
const TRACK: Rules = &[
    ("id", Keep::Label),
    ("kind", Keep::Word(KINDS)),
    ("enabled", Keep::Number),
    ("muted", Keep::Number),
    ("readyState", Keep::Word(READY)),
    ("contentHint", Keep::Word(HINTS)),
    ("check", Keep::Word(&["readyState"])),
];

/// The members that are shown, per column, and of events per type: `column` or `events.data, type`.
pub(super) const COLUMNS: &[(&str, Rules)] = &[
    ("apps.durations_days", &[("<day>", Keep::Number)]),
    ("conferences.conference_info", &[]),
    (
        "conferences.summary_data",
        &[
            ("[].id", Keep::Id("event")),
            ("[].app", Keep::Id("app")),
            ("[].session", Keep::Id("session")),
            ("[].conference", Keep::Id("room")),
            ("[].participant", Keep::Id("participant")),
            ("[].peer", Keep::Id("participant")),
            ("[].connection", Keep::Id("connection")),
            ("[].created_at", Keep::Time),
            ("[].type", Keep::Word(&["stats"])),
            ("[].data.connection.id", Keep::Label),
            ("[].data.connection.*", Keep::Number),
            ("[].data.audio.inbound[].id", Keep::Label),
            ("[].data.audio.inbound[].mediaType", Keep::Word(KINDS)),
            ("[].data.audio.inbound[].*", Keep::Number),
            ("[].data.audio.outbound[].id", Keep::Label),
            ("[].data.audio.outbound[].mediaType", Keep::Word(KINDS)),
            ("[].data.audio.outbound[].*", Keep::Number),
            ("[].data.video.inbound[].id", Keep::Label),
            ("[].data.video.inbound[].mediaType", Keep::Word(KINDS)),
            ("[].data.video.inbound[].*", Keep::Number),
            ("[].data.video.outbound[].id", Keep::Label),
            ("[].data.video.outbound[].mediaType", Keep::Word(KINDS)),
            ("[].data.video.outbound[].*", Keep::Number),
            ("[].data.remote.audio.inbound[].id", Keep::Label),
            ("[].data.remote.audio.inbound[].localId", Keep::Label),
            ("[].data.remote.audio.inbound[].kind", Keep::Word(KINDS)),
            ("[].data.remote.audio.inbound[].*", Keep::Number),
            ("[].data.remote.audio.outbound[].id", Keep::Label),
            ("[].data.remote.audio.outbound[].localId", Keep::Label),
            ("[].data.remote.audio.outbound[].kind", Keep::Word(KINDS)),
            ("[].data.remote.audio.outbound[].*", Keep::Number),
            ("[].data.remote.video.inbound[].id", Keep::Label),
            ("[].data.remote.video.inbound[].localId", Keep::Label),
            ("[].data.remote.video.inbound[].kind", Keep::Word(KINDS)),
            ("[].data.remote.video.inbound[].*", Keep::Number),
            ("[].data.remote.video.outbound[].id", Keep::Label),
            ("[].data.remote.video.outbound[].localId", Keep::Label),
            ("[].data.remote.video.outbound[].kind", Keep::Word(KINDS)),
            ("[].data.remote.video.outbound[].*", Keep::Number),
        ],
    ),
    ("sessions.devices", &[]),
    (
        "sessions.platform",
        &[
            ("browser.name", Keep::Short),
            ("browser.version", Keep::Short),
            ("browser.major", Keep::Short),
            ("engine.name", Keep::Short),
            ("engine.version", Keep::Short),
            ("os.name", Keep::Short),
            ("os.version", Keep::Short),
            ("device.type", Keep::Word(DEVICE_TYPES)),
            ("cpu.architecture", Keep::Short),
        ],
    ),
    ("sessions.metadata", &[]),
    ("sessions.geo_ip", &[("country_code", Keep::Country)]),
    ("sessions.session_info", &[]),
    (
        "connections.connection_info",
        &[
            ("detected_tcp", Keep::Number),
            ("detected_turn", Keep::Number),
            ("negotiations[].type", Keep::Word(&["initial", "renegotiation"])),
            ("negotiations[].status", Keep::Word(&["connecting", "stable", "connected", "failed"])),
            ("negotiations[].start_time", Keep::Time),
            ("negotiations[].end_time", Keep::Time),
            ("negotiations[].duration", Keep::Number),
        ],
    ),
    (
        "tracks.track_info",
        &[
            ("muted", Keep::Number),
            ("enabled", Keep::Number),
            ("ended", Keep::Number),
            ("readyState", Keep::Word(READY)),
            ("contentHint", Keep::Word(HINTS)),
            ("settings.width", Keep::Number),
            ("settings.height", Keep::Number),
            ("settings.frameRate", Keep::Number),
            ("settings.aspectRatio", Keep::Number),
            ("settings.facingMode", Keep::Word(FACING)),
            ("settings.resizeMode", Keep::Word(RESIZE)),
            ("settings.displaySurface", Keep::Word(SURFACES)),
            ("settings.sampleRate", Keep::Number),
            ("settings.sampleSize", Keep::Number),
            ("settings.channelCount", Keep::Number),
            ("settings.latency", Keep::Number),
            ("settings.echoCancellation", Keep::Number),
            ("settings.autoGainControl", Keep::Number),
            ("settings.noiseSuppression", Keep::Number),
        ],
    ),
    ("issues.data", &[("name", Keep::Word(ERRORS)), ("errorCode", Keep::Number), ("average", Keep::Number)]),
    (
        "events.data, getUserMedia",
        &[
            ("constraints.audio", Keep::Number),
            ("constraints.video", Keep::Number),
            ("constraints.video.width", Keep::Number),
            ("constraints.video.height", Keep::Number),
            ("audio[].id", Keep::Label),
            ("audio[].kind", Keep::Word(KINDS)),
            ("audio[].enabled", Keep::Number),
            ("audio[].muted", Keep::Number),
            ("audio[].readyState", Keep::Word(READY)),
            ("video[].id", Keep::Label),
            ("video[].kind", Keep::Word(KINDS)),
            ("video[].enabled", Keep::Number),
            ("video[].muted", Keep::Number),
            ("video[].readyState", Keep::Word(READY)),
            ("error.name", Keep::Word(ERRORS)),
        ],
    ),
    (
        "events.data, peerDetails",
        &[
            ("peerConfiguration.iceServers[].urls", Keep::Server),
            ("peerConfiguration.iceServers[].urls[]", Keep::Server),
            ("peerConfiguration.iceServers[].url", Keep::Server),
            ("peerConfiguration.bundlePolicy", Keep::Word(&["balanced", "max-bundle", "max-compat"])),
            ("peerConfiguration.rtcpMuxPolicy", Keep::Word(&["require", "negotiate"])),
            ("peerConfiguration.iceTransportPolicy", Keep::Word(&["all", "relay"])),
            ("peerConfiguration.iceCandidatePoolSize", Keep::Number),
        ],
    ),
    (
        "events.data, onsignalingstatechange",
        &[
            ("signalingState", Keep::Word(SIGNALING)),
            ("localDescription.type", Keep::Word(SDP_TYPES)),
            ("localDescription.sdp", Keep::Sdp),
            ("remoteDescription.type", Keep::Word(SDP_TYPES)),
            ("remoteDescription.sdp", Keep::Sdp),
        ],
    ),
    ("events.data, onicegatheringstatechange", &[("", Keep::Word(GATHERING))]),
    ("events.data, oniceconnectionstatechange", STATE),
    ("events.data, onconnectionstatechange", STATE),
    (
        "events.data, onicecandidate",
        &[
            ("candidate", Keep::Candidate),
            ("type", Keep::Word(CANDIDATE_TYPES)),
            ("protocol", Keep::Word(PROTOCOLS)),
            ("component", Keep::Word(&["rtp", "rtcp"])),
            ("tcpType", Keep::Word(&["active", "passive", "so"])),
            ("relayProtocol", Keep::Word(RELAY_PROTOCOLS)),
            ("url", Keep::Server),
            ("sdpMid", Keep::Mid),
            ("sdpMLineIndex", Keep::Number),
        ],
    ),
    ("events.data, onicecandidateerror", &[("errorCode", Keep::Number)]),
    ("events.data, ontrack", TRACK),
    ("events.data, mute", TRACK),
    ("events.data, unmute", TRACK),
    ("events.data, ended", TRACK),
    ("events.data, overconstrained", TRACK),
    ("events.data, custom", &[("eventName", Keep::Word(&["mute", "unmute"]))]),
    ("events.data, any other", &[]),
    (
        "samples.remote",
        &[
            ("audio.inbound[].id", Keep::Label),
            ("audio.inbound[].localId", Keep::Label),
            ("audio.inbound[].kind", Keep::Word(KINDS)),
            ("audio.inbound[].*", Keep::Number),
            ("audio.outbound[].id", Keep::Label),
            ("audio.outbound[].localId", Keep::Label),
            ("audio.outbound[].kind", Keep::Word(KINDS)),
            ("audio.outbound[].*", Keep::Number),
            ("video.inbound[].id", Keep::Label),
            ("video.inbound[].localId", Keep::Label),
            ("video.inbound[].kind", Keep::Word(KINDS)),
            ("video.inbound[].*", Keep::Number),
            ("video.outbound[].id", Keep::Label),
            ("video.outbound[].localId", Keep::Label),
            ("video.outbound[].kind", Keep::Word(KINDS)),
            ("video.outbound[].*", Keep::Number),
        ],
    ),
];

/// The rules of a column; of events, by their type.
pub(super) fn rules_of(column: &str, event: Option<&str>) -> Rules {
    let of = |wanted: &dyn Fn(&str) -> bool| {
        COLUMNS.iter().find(|(name, _)| wanted(name)).map(|(_, rules)| *rules)
    };
    let found = match event {
        None => of(&|name| name == column),
        Some(event) => of(&|name| name.strip_prefix("events.data, ") == Some(event)),
    };
    found.unwrap_or_default()
}

/// JSON of which only the listed members are left.
pub(super) fn json(
    text: &str,
    rules: Rules,
    key: &Key,
    fragments: &mut Fragments,
) -> Result<String, Invalid> {
    let mut writer = Writer::default();
    let mut tokens = Tokens::of(text);
    // Each open container: where its path ends.
    let mut open: Vec<usize> = Vec::new();
    let mut path = String::new();
    let mut name: Option<String> = None;
    while let Some((kind, range)) = tokens.token()? {
        let token = &text[range];
        match kind {
            Kind::Key => {
                let unquoted = unquoted(token);
                path.truncate(open.last().copied().unwrap_or_default());
                step(&mut path, &unquoted);
                name = Some(unquoted.into_owned());
                continue;
            }
            Kind::End => {
                open.pop();
                writer.end(token);
                continue;
            }
            _ => {}
        }
        let base = open.last().copied().unwrap_or_default();
        if name.is_none() && !open.is_empty() {
            path.truncate(base);
            path.push_str("[]");
        }
        if kind == Kind::Begin {
            let known = |(rule, _): &(&str, Keep)| {
                rule.strip_prefix(path.as_str())
                    .is_some_and(|rest| path.is_empty() || rest.starts_with('.') || rest.starts_with("[]"))
            };
            if open.is_empty() || rules.iter().any(known) {
                writer.value(name.take().as_deref(), token);
                open.push(path.len());
            } else {
                tokens.skip(kind)?;
                name = None;
            }
            continue;
        }
        let keep = rules.iter().find(|(rule, _)| is_at(rule, &path)).map(|(_, keep)| *keep);
        let shown = keep.and_then(|keep| shown(kind, token, keep, key, fragments));
        match shown {
            Some(shown) => writer.value(name.take().as_deref(), &shown),
            None if open.is_empty() => writer.value(None, "null"),
            None => name = None,
        }
    }
    Ok(writer.0)
}

/// Adds a member to a path. Days are not names.
fn step(path: &mut String, name: &str) {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_day = name.len() == 10
        && name.is_ascii()
        && digits(&name[..4])
        && digits(&name[5..7])
        && digits(&name[8..])
        && &name[4..5] == "-"
        && &name[7..8] == "-";
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(if is_day { "<day>" } else { name });
}

fn is_at(rule: &str, path: &str) -> bool {
    match rule.strip_suffix('*') {
        Some(base) => path.strip_prefix(base).is_some_and(|last| STATS.contains(&last)),
        None => rule == path,
    }
}

#[derive(Default)]
struct Writer(String);

impl Writer {
    fn value(&mut self, name: Option<&str>, value: &str) {
        if !(self.0.is_empty() || self.0.ends_with(['{', '['])) {
            self.0.push(',');
        }
        if let Some(name) = name {
            self.0.push_str(&quoted(name));
            self.0.push(':');
        }
        self.0.push_str(value);
    }

    fn end(&mut self, bracket: &str) {
        self.0.push_str(bracket);
    }
}

fn shown(kind: Kind, token: &str, keep: Keep, key: &Key, fragments: &mut Fragments) -> Option<String> {
    if token == "null" {
        return Some(token.to_owned());
    }
    match (kind, keep) {
        (Kind::Number | Kind::Word, Keep::Number) => Some(token.to_owned()),
        (Kind::Text, _) => text(&unquoted(token), keep, key, fragments).map(|text| quoted(&text)),
        _ => None,
    }
}

/// A text as it is shown; `None` if it is withheld.
pub(super) fn text(text: &str, keep: Keep, key: &Key, fragments: &mut Fragments) -> Option<String> {
    match keep {
        Keep::Number => None,
        Keep::Word(words) => words.contains(&text).then(|| text.to_owned()),
        Keep::Short => {
            let plain = |c: char| {
                c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '_' | '+' | '/' | '(' | ')' | '-')
            };
            // Four numbers may be an address.
            (text.len() <= 32 && text.chars().all(plain))
                .then(|| super::addresses::truncated(text).into_owned())
        }
        Keep::Id(_) if text == "None" => Some(text.to_owned()),
        Keep::Id(kind) => Some(key.uuid(kind, Uuid::try_parse(text).ok()?).to_string()),
        Keep::Label => Some(key.text("media", text)),
        Keep::Country => {
            (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| text.to_owned())
        }
        Keep::Time => (text.len() <= 35
            && text.starts_with(|c: char| c.is_ascii_digit())
            && text
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | ' ' | 'T' | 'Z' | '+')))
        .then(|| text.to_owned()),
        Keep::Sdp => Some(sdp(text, key, fragments)),
        Keep::Candidate => candidate(text),
        Keep::Server => server(text),
        Keep::Mid => Some(mid(text, key)),
    }
}

fn mid(text: &str, key: &Key) -> String {
    let usual = matches!(text, "" | "audio" | "video" | "data");
    let number = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    if usual || number { text.to_owned() } else { key.text("mid", text) }
}

fn candidate(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let protocol = words.get(2).copied().filter(|word| PROTOCOLS.contains(word))?;
    let at = words.iter().position(|word| *word == "typ")?;
    let kind = words.get(at + 1).copied().filter(|word| CANDIDATE_TYPES.contains(word))?;
    let prefix = if line.starts_with("candidate:") { "candidate:" } else { "" };
    Some(format!("{prefix}0 1 {protocol} 0 withheld 9 typ {kind}"))
}

fn server(url: &str) -> Option<String> {
    let scheme =
        url.split(':').next().filter(|scheme| matches!(*scheme, "stun" | "stuns" | "turn" | "turns"))?;
    let transport =
        ["udp", "tcp"].into_iter().find(|transport| url.ends_with(&format!("?transport={transport}")));
    Some(match transport {
        Some(transport) => format!("{scheme}:withheld?transport={transport}"),
        None => format!("{scheme}:withheld"),
    })
}

/// The lines of a description that say what was negotiated, made anew from words that are known.
fn sdp(text: &str, key: &Key, fragments: &mut Fragments) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if let Some(line) = sdp_line(line.trim_end(), key, fragments) {
            out.push_str(&line);
            out.push_str("\r\n");
        }
    }
    out
}

fn sdp_line(line: &str, key: &Key, fragments: &mut Fragments) -> Option<String> {
    let is_number =
        |text: &str| !text.is_empty() && text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(media) = line.strip_prefix("m=") {
        let mut words = media.split_ascii_whitespace();
        let kind = words.next().filter(|kind| KINDS.contains(kind))?;
        let port = if words.next()? == "0" { "0" } else { "9" };
        let known = [
            "UDP/TLS/RTP/SAVPF",
            "TCP/TLS/RTP/SAVPF",
            "RTP/SAVPF",
            "RTP/AVP",
            "UDP/DTLS/SCTP",
            "TCP/DTLS/SCTP",
            "DTLS/SCTP",
        ];
        let protocol = words.next().filter(|word| known.contains(word))?;
        let formats: Vec<&str> =
            words.filter(|word| is_number(word) || *word == "webrtc-datachannel").collect();
        return Some(format!("m={kind} {port} {protocol} {}", formats.join(" ")));
    }
    let attribute = match line {
        "v=0" => return Some(line.to_owned()),
        _ => line.strip_prefix("a=")?,
    };
    let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
    let value = match name {
        "sendrecv" | "sendonly" | "recvonly" | "inactive" | "ice-lite" | "bundle-only" | "rtcp-mux"
        | "rtcp-rsize"
            if value.is_empty() =>
        {
            return Some(format!("a={name}"));
        }
        "mid" => mid(value, key),
        "group" => {
            let mids = value.strip_prefix("BUNDLE")?;
            let mids: Vec<String> = mids.split_ascii_whitespace().map(|word| mid(word, key)).collect();
            format!("BUNDLE {}", mids.join(" "))
        }
        "setup" => {
            ["actpass", "active", "passive", "holdconn"].into_iter().find(|word| *word == value)?.to_owned()
        }
        "ice-options" => value
            .split_ascii_whitespace()
            .filter(|word| matches!(*word, "trickle" | "renomination" | "ice2" | "goog-ice"))
            .collect::<Vec<_>>()
            .join(" "),
        "ice-ufrag" => fragments.name(value),
        "rtpmap" => {
            let (format, codec) = value.split_once(' ')?;
            let mut parts = codec.split('/');
            let known =
                parts.next().filter(|name| CODECS.iter().any(|known| known.eq_ignore_ascii_case(name)))?;
            let rates: Vec<&str> = parts.collect();
            if !is_number(format) || !rates.iter().all(|rate| is_number(rate)) {
                return None;
            }
            format!("{format} {known}/{}", rates.join("/"))
        }
        "rid" => {
            let (rid, rest) = value.split_once(' ')?;
            let way = rest.split([' ', ';']).next().filter(|way| matches!(*way, "send" | "recv"))?;
            let plain = rid.len() == 1 || matches!(rid, "low" | "mid" | "high" | "hi" | "lo");
            format!("{} {way}", if plain { rid.to_owned() } else { key.text("rid", rid) })
        }
        "candidate" => candidate(value)?,
        _ => return None,
    };
    Some(format!("a={name}:{value}"))
}

const CODECS: &[&str] = &[
    "opus",
    "PCMU",
    "PCMA",
    "G722",
    "ISAC",
    "iLBC",
    "red",
    "CN",
    "telephone-event",
    "multiopus",
    "L16",
    "lyra",
    "VP8",
    "VP9",
    "H264",
    "H265",
    "AV1",
    "AV1X",
    "rtx",
    "ulpfec",
    "flexfec-03",
];

impl Scrub<'_> {
    /// The rules and the key, for a public site.
    pub(super) fn public(&mut self) -> Option<(&Key, &mut Fragments)> {
        match self.privacy {
            super::Privacy::Public(key) => Some((key, &mut self.fragments)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, column: &str, event: Option<&str>) -> String {
        let key = Key::from_text("0123456789abcdef").unwrap();
        json(text, rules_of(column, event), &key, &mut Fragments::default()).unwrap()
    }

    #[test]
    fn only_listed_members_of_the_listed_form_are_left() {
        let cases = [
            (
                "sessions.geo_ip",
                None,
                r#"{"city":"X","country_code":"RO","latitude":1}"#,
                r#"{"country_code":"RO"}"#,
            ),
            ("sessions.geo_ip", None, r#"{"country_code":"Ana"}"#, "{}"),
            ("sessions.geo_ip", None, "null", "null"),
            ("sessions.geo_ip", None, "\"secret\"", "null"),
            ("sessions.geo_ip", None, "[\"RO\",{\"country_code\":\"RO\"}]", "[]"),
            ("sessions.metadata", None, r#"{"a":1}"#, "{}"),
            (
                "apps.durations_days",
                None,
                r#"{"2026-11-18":5,"2026-11-1x":6,"ana":7,"2026-11-19":"ana"}"#,
                r#"{"2026-11-18":5}"#,
            ),
            (
                "events",
                Some("custom"),
                r#"{"eventName":"mute","description":"ana"}"#,
                r#"{"eventName":"mute"}"#,
            ),
            (
                "events",
                Some("onicecandidate"),
                r#"{"candidate":"candidate:1 1 udp 2 192.0.2.7 5 typ relay raddr 1.2.3.4","address":"192.0.2.7","sdpMid":"Ana","type":"relay","url":"turns:t.example.org?transport=tcp"}"#,
                r#"{"candidate":"candidate:0 1 udp 0 withheld 9 typ relay","sdpMid":"mid-MID","type":"relay","url":"turns:withheld?transport=tcp"}"#,
            ),
            (
                "events",
                Some("getUserMedia"),
                r#"{"constraints":{"audio":true,"video":{"deviceId":"x","width":640}}}"#,
                r#"{"constraints":{"audio":true,"video":{"width":640}}}"#,
            ),
            ("events", Some("never heard of"), r#"{"a":{"b":[1]}}"#, "{}"),
            (
                "samples.remote",
                None,
                r#"{"audio":{"inbound":[{"jitter":1,"x":2,"kind":"ana"},3]},"y":[]}"#,
                r#"{"audio":{"inbound":[{"jitter":1}]}}"#,
            ),
            (
                "connections.connection_info",
                None,
                r#"{"negotiations":[{"type":"initial","start_time":"2026-11-23 10:00:00.1","x":1}]}"#,
                r#"{"negotiations":[{"type":"initial","start_time":"2026-11-23 10:00:00.1"}]}"#,
            ),
        ];
        let mid = Key::from_text("0123456789abcdef").unwrap().text("mid", "Ana");
        for (column, event, whole, expected) in cases {
            assert_eq!(shown(whole, column, event), expected.replace("mid-MID", &mid), "{column} {whole}");
        }
    }

    #[test]
    fn a_description_keeps_what_was_negotiated() {
        let sdp = "v=0\\r\\no=ana 1 2 IN IP4 192.0.2.7\\r\\ns=ana\\r\\na=group:BUNDLE 0 ana\\r\\nm=audio 5000 UDP/TLS/RTP/SAVPF 111 ana\\r\\nc=IN IP4 192.0.2.7\\r\\n\
            a=ice-ufrag:ana\\r\\na=ice-pwd:ana\\r\\na=setup:actpass\\r\\na=mid:0\\r\\na=rtpmap:111 opus/48000/2\\r\\na=rtpmap:112 ana/48000\\r\\n\
            a=msid:ana ana\\r\\na=candidate:1 1 udp 2 192.0.2.7 5 typ host\\r\\na=sendrecv\\r\\na=sendrecv:ana\\r\\nana\\r\\n";
        let whole = format!(r#"{{"localDescription":{{"type":"offer","sdp":"{sdp}"}}}}"#);
        let left = shown(&whole, "events", Some("onsignalingstatechange"));
        assert!(!left.contains("ana") && !left.contains("192"), "{left}");
        for kept in [
            "m=audio 9 UDP/TLS/RTP/SAVPF 111",
            "a=ice-ufrag:withheld-1",
            "a=rtpmap:111 opus/48000/2",
            "a=candidate:0 1 udp 0 withheld 9 typ host",
            "a=setup:actpass",
            "a=sendrecv",
            "BUNDLE 0 mid-",
        ] {
            assert!(left.contains(kept), "{kept} in {left}");
        }
    }

    #[test]
    fn no_depth_overflows_the_stack_and_no_json_is_refused() {
        let deep = format!("{}1{}", r#"{"audio":{"inbound":["#.repeat(10_000), "]}}".repeat(10_000));
        assert_eq!(shown(&deep, "samples.remote", None), r#"{"audio":{"inbound":[{}]}}"#);
        let key = Key::from_text("0123456789abcdef").unwrap();
        assert_eq!(json("{", &[], &key, &mut Fragments::default()), Err(Invalid));
    }
}
