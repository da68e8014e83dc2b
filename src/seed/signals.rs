//! What signalling leaves in events: session descriptions, candidates, configurations and tracks, as browsers give them
//! but shorter.

use super::json::{Object, array};
use super::media::Kind;
use super::network::Access;
use super::random::Dice;
use super::script::Route;

/// What one side's descriptions and candidates have in common.
pub(super) struct Endpoint {
    fragment: String,
    password: String,
    session: i64,
    local_address: String,
    public_address: String,
    port: i64,
}

/// The addresses of media and relay servers; from the ranges that documentation may use.
const RELAY_ADDRESS: &str = "203.0.113.70";
const SERVER_ADDRESS: &str = "203.0.113.9";

impl Endpoint {
    pub(super) fn draw(dice: &mut Dice, access: Access) -> Self {
        let local_address = match access {
            Access::Fibre if dice.chance(0.3) => format!("2001:db8:{}::{}", dice.hex(3), dice.hex(4)),
            Access::Mobile => format!("10.{}.{}.{}", dice.below(256), dice.below(256), dice.whole(2, 250)),
            _ => format!("192.168.{}.{}", dice.below(4), dice.whole(2, 250)),
        };
        Self {
            fragment: dice.letters(4),
            password: dice.letters(24),
            session: dice.whole(1_000_000_000_000, 9_000_000_000_000_000_000),
            local_address,
            public_address: format!("198.51.100.{}", dice.whole(2, 250)),
            port: dice.whole(40_000, 65_000),
        }
    }

    /// The side of a media server, which has no network of its own to hide.
    pub(super) fn server(dice: &mut Dice) -> Self {
        let local_address = SERVER_ADDRESS.to_owned();
        Self { public_address: local_address.clone(), local_address, ..Self::draw(dice, Access::Fibre) }
    }

    /// The address of a candidate of that type.
    fn address(&self, candidate: &str) -> &str {
        match candidate {
            "host" => &self.local_address,
            "relay" => RELAY_ADDRESS,
            _ => &self.public_address,
        }
    }

    /// A session description, as a member of `onsignalingstatechange`.
    pub(super) fn description(&self, kind: &str, version: usize) -> String {
        let sdp = format!(
            "v=0\r\no=- {} {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
             m=audio {port} UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 {address}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n\
             a=fingerprint:sha-256 3E:7B:D0:17\r\na=setup:{}\r\na=mid:0\r\n\
             a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
             m=video {port} UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 {address}\r\na=mid:1\r\na=sendrecv\r\na=rtcp-mux\r\n\
             a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n",
            self.session,
            self.fragment,
            self.password,
            if kind == "offer" { "actpass" } else { "active" },
            port = self.port,
            address = self.local_address,
        );
        Object::new().text("type", kind).text("sdp", &sdp).end()
    }

    /// `onicecandidate` of a candidate type.
    pub(super) fn candidate(&self, kind: &str, protocol: &str) -> String {
        let (address, priority) = (self.address(kind), priority(kind));
        let line = format!(
            "candidate:{} 1 {protocol} {priority} {address} {} typ {kind} generation 0 ufrag {} network-id 1",
            foundation(kind),
            self.port,
            self.fragment
        );
        Object::new()
            .text("candidate", &line)
            .text("sdpMid", "0")
            .int("sdpMLineIndex", 0)
            .text("foundation", &foundation(kind).to_string())
            .text("component", "rtp")
            .int("priority", priority)
            .text("address", address)
            .text("protocol", protocol)
            .int("port", self.port)
            .text("type", kind)
            .raw("tcpType", if protocol == "tcp" { "\"active\"" } else { "null" })
            .with(kind != "host", |object| {
                object.text("relatedAddress", &self.local_address).int("relatedPort", self.port)
            })
            .text("usernameFragment", &self.fragment)
            .end()
    }

    /// The report on this side's candidate in a pair: with a network it is the own side's, else the other's. Old
    /// browsers knew `ip` only.
    pub(super) fn candidate_report(
        &self,
        route: Route,
        network: Option<&str>,
        old: bool,
        timestamp: f64,
    ) -> String {
        let local = network.is_some();
        let candidate = if local { route.local } else { route.remote };
        let address = self.address(candidate);
        Object::new()
            .text("id", &format!("I{}{}", self.fragment, if local { "l" } else { "r" }))
            .num("timestamp", timestamp)
            .text("type", if local { "local-candidate" } else { "remote-candidate" })
            .text("transportId", "T01")
            .flag("isRemote", !local)
            .with(local, |object| object.maybe("networkType", network))
            .text("ip", address)
            .with(!old, |object| object.text("address", address))
            .int("port", self.port)
            .text("protocol", route.protocol)
            .with(local && route.relay_protocol.is_some(), |object| {
                object
                    .text("relayProtocol", route.relay_protocol.unwrap_or_default())
                    .text("url", "turns:relay.example.org:443?transport=tcp")
            })
            .text("candidateType", candidate)
            .int("priority", priority(candidate))
            .text("foundation", &foundation(candidate).to_string())
            .text("usernameFragment", &self.fragment)
            .end()
    }
}

fn priority(candidate: &str) -> i64 {
    match candidate {
        "host" => 2_122_260_223,
        "srflx" => 1_686_052_607,
        "prflx" => 1_853_824_767,
        _ => 41_885_439,
    }
}

fn foundation(candidate: &str) -> i64 {
    priority(candidate) * 31 % 4_294_967_291
}

/// `peerDetails`.
pub(super) fn peer_details(peer: &str, relay_only: bool) -> String {
    let servers = concat!(
        r#"[{"urls":["stun:stun.example.org:3478"]},"#,
        r#"{"urls":["turn:relay.example.org:3478","turns:relay.example.org:443?transport=tcp"]}]"#
    );
    let configuration = Object::new()
        .raw("iceServers", servers)
        .text("bundlePolicy", "max-bundle")
        .text("rtcpMuxPolicy", "require")
        .text("iceTransportPolicy", if relay_only { "relay" } else { "all" })
        .int("iceCandidatePoolSize", 0)
        .raw("certificates", "[]")
        .end();
    Object::new()
        .raw("options", &Object::new().text("peerId", peer).end())
        .raw("peerConfiguration", &configuration)
        .end()
}

/// A `MediaStreamTrack` as events and rows describe it.
pub(super) struct TrackDetails {
    pub(super) kind: Kind,
    /// The browser's id.
    pub(super) id: String,
    pub(super) label: String,
    /// Whether it comes from the other side.
    pub(super) remote: bool,
}

impl TrackDetails {
    fn settings(&self) -> (String, String) {
        match (self.remote, self.kind) {
            (true, _) => (Object::new().text("deviceId", &self.id).end(), Object::new().text("deviceId", &self.id).end()),
            (false, Kind::Audio) => (
                r#"{"deviceId":"default","sampleRate":48000,"sampleSize":16,"channelCount":1,"autoGainControl":true,"echoCancellation":true,"noiseSuppression":true}"#.to_owned(),
                r#"{"sampleRate":{"max":48000,"min":44100},"channelCount":{"max":2,"min":1},"echoCancellation":[true,false]}"#.to_owned(),
            ),
            (false, Kind::Video) => (
                r#"{"width":1280,"height":720,"frameRate":30,"aspectRatio":1.7777777777777777,"resizeMode":"none"}"#.to_owned(),
                r#"{"width":{"max":1920,"min":1},"height":{"max":1080,"min":1},"frameRate":{"max":30,"min":0},"facingMode":[]}"#.to_owned(),
            ),
        }
    }

    /// As in getUserMedia's answer and `ontrack`.
    pub(super) fn in_event(&self) -> String {
        let (settings, capabilities) = self.settings();
        Object::new()
            .text("id", &self.id)
            .text("kind", self.kind.name())
            .text("label", &self.label)
            .flag("enabled", true)
            .flag("muted", self.remote)
            .text("readyState", "live")
            .text("contentHint", "")
            .text("constructorName", "MediaStreamTrack")
            .raw("capabilities", &capabilities)
            .raw("constraints", "{}")
            .raw("settings", &settings)
            .with(!self.remote, |object| object.raw("_track", "{}"))
            .end()
    }

    /// As in `app_track.track_info`; own tracks lack the last three members.
    pub(super) fn info(&self, ended: bool) -> String {
        let (settings, capabilities) = self.settings();
        Object::new()
            .flag("muted", false)
            .flag("enabled", true)
            .raw("capabilities", &capabilities)
            .raw("constraints", "[{}]")
            .raw("settings", &settings)
            .with(self.remote, |object| {
                object
                    .flag("ended", ended)
                    .text("readyState", if ended { "ended" } else { "live" })
                    .text("contentHint", "")
            })
            .end()
    }
}

/// getUserMedia's request.
pub(super) fn media_request(audio: bool, video: bool) -> String {
    let video = if video { r#"{"width":1280,"height":720}"# } else { "false" };
    Object::new().raw("constraints", &Object::new().flag("audio", audio).raw("video", video).end()).end()
}

/// getUserMedia's answer.
pub(super) fn media_granted(tracks: &[TrackDetails]) -> String {
    let of = |kind| {
        let tracks: Vec<_> =
            tracks.iter().filter(|track| track.kind == kind).map(TrackDetails::in_event).collect();
        array(&tracks)
    };
    Object::new().raw("audio", &of(Kind::Audio)).raw("video", &of(Kind::Video)).end()
}
