//! What the events and samples of one connection say about how it was made, run and ended: its states over time, how
//! candidates were gathered, which path was chosen, what was negotiated. Names follow RFC 8445 (ICE) and W3C WebRTC.
//!
//! Times are the server's; events that are stored within some milliseconds of each other may be in the wrong order, so
//! states that come so close are put into their natural order.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::experience::address_family;
use super::sdp::{self, SdpChanges, SdpSummary};
use crate::snapshot::{EventRow, Json, Sample};
use crate::units::Timestamp;

/// Events closer than this may be stored in the wrong order.
const UNSURE_ORDER_S: f64 = 0.05;
/// Two witnesses of one restart are at most so far apart.
const ONE_RESTART_S: f64 = 5.0;
/// Descriptions that are kept; the rest is counted.
const DESCRIPTIONS: usize = 60;

/// A stretch of time in one state.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StateSpan {
    /// The state.
    pub state: String,
    /// When it began.
    pub from: Timestamp,
    /// When the next one began, or the connection ended.
    pub to: Timestamp,
}

/// One round of offer and answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Round {
    /// `initial`, `renegotiation` or `ICE restart`.
    pub kind: &'static str,
    /// `local` or `remote`: who offered.
    pub offerer: &'static str,
    /// When the offer was there.
    pub from: Timestamp,
    /// When it was settled.
    pub to: Option<Timestamp>,
    /// `stable`, `glare` or `pending`.
    pub outcome: &'static str,
}

/// ICE began again.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Restart {
    /// When.
    pub at: Timestamp,
    /// Whether the connection was connected afterwards; unknown if it had never been disconnected.
    pub helped: Option<bool>,
    /// Seconds until it was connected.
    pub recovered_after_s: Option<f64>,
}

/// A stretch of time with one selected candidate pair.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PathSpan {
    /// The first poll that saw it.
    pub from: Timestamp,
    /// The last one.
    pub to: Timestamp,
    /// Type of the own candidate.
    pub local: Option<String>,
    /// Type of the other side's candidate.
    pub remote: Option<String>,
    /// Transport protocol.
    pub protocol: Option<String>,
    /// Protocol between client and TURN server.
    pub relay_protocol: Option<String>,
    /// Network type, where browsers tell it.
    pub network: Option<String>,
    /// Address family of the own candidate.
    pub family: Option<&'static str>,
    /// Its address.
    pub local_address: Option<String>,
    /// The other side's address.
    pub remote_address: Option<String>,
}

/// Candidates of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CandidateKind {
    /// `host`, `srflx`, `prflx`, `relay`.
    pub kind: String,
    /// `IPv4`, `IPv6`, `mDNS name`, `unknown`.
    pub family: String,
    /// `udp`, `tcp`; of a relay, also how the server is reached: `udp over tls`.
    pub protocol: String,
}

/// The ICE servers that a connection was given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Servers {
    /// STUN.
    pub stun: usize,
    /// TURN over UDP, TCP and TLS.
    pub turn: (usize, usize, usize),
    /// Whether only relays were allowed.
    pub forced_relay: bool,
    /// `bundlePolicy`.
    pub bundle_policy: Option<String>,
}

/// A session description as an event brought it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// When.
    pub at: Timestamp,
    /// `local` or `remote`.
    pub side: &'static str,
    /// `offer`, `answer`, `pranswer`, `rollback`.
    pub kind: String,
    /// What is in it.
    pub summary: SdpSummary,
    /// The text, without passwords: of the first of each side.
    pub text: Option<String>,
    /// What changed since the one before of the same side.
    pub changes: Option<SdpChanges>,
}

/// The life of a connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Story {
    /// `connectionState`.
    pub connection_states: Vec<StateSpan>,
    /// `iceConnectionState`.
    pub ice_states: Vec<StateSpan>,
    /// `iceGatheringState`.
    pub gathering_states: Vec<StateSpan>,
    /// `signalingState`.
    pub signaling_states: Vec<StateSpan>,
    /// Offers and answers.
    pub rounds: Vec<Round>,
    /// ICE restarts.
    pub restarts: Vec<Restart>,
    /// Milliseconds from gathering to complete.
    pub gathering_ms: Option<f64>,
    /// Milliseconds from gathering to the first relay candidate.
    pub first_relay_ms: Option<f64>,
    /// Milliseconds from checking to connected.
    pub ice_ms: Option<f64>,
    /// Milliseconds from ICE connected to connected: DTLS.
    pub dtls_ms: Option<f64>,
    /// Milliseconds from the first offer to the first stable state.
    pub negotiation_ms: Option<f64>,
    /// Milliseconds from the start to the first received track that was unmuted.
    pub first_media_ms: Option<f64>,
    /// Own candidates.
    pub local_candidates: BTreeMap<CandidateKind, usize>,
    /// The other side's, by its descriptions.
    pub remote_candidates: BTreeMap<CandidateKind, usize>,
    /// Errors of STUN and TURN servers: when and code.
    pub candidate_errors: Vec<(Timestamp, Option<i64>)>,
    /// The servers it was given.
    pub servers: Option<Servers>,
    /// Configured kinds of which no candidate was gathered: `srflx`, `relay`.
    pub missing_kinds: Vec<String>,
    /// The selected pair over time.
    pub path: Vec<PathSpan>,
    /// Whether it was closed or removed on purpose.
    pub closed: bool,
    /// What was not settled at the end: `negotiation`, `gathering`, `connecting`.
    pub pending: Vec<&'static str>,
    /// Whether the other side is an ICE-lite agent: a server.
    pub peer_is_ice_lite: bool,
    /// Data channels were opened.
    pub data_channels: usize,
    /// Descriptions, in order.
    pub descriptions: Vec<Description>,
    /// Descriptions that are not kept.
    pub descriptions_left_out: usize,
}

/// The life of a connection, from its events and samples in order of time; `start` and `end` are its own.
pub fn story(events: &[&EventRow], samples: &[Sample<'_>], start: Timestamp, end: Timestamp) -> Story {
    let of = |kind: &'static str| events.iter().filter(move |event| event.r#type == kind).copied();
    let states = |kind: &'static str, order: &[&str]| {
        let list = of(kind).filter_map(|event| Some((event.created_at, text(event)?))).collect();
        in_order(list, order)
    };
    let connection = states(
        "onconnectionstatechange",
        &["new", "connecting", "connected", "disconnected", "failed", "closed"],
    );
    let ice = states(
        "oniceconnectionstatechange",
        &["new", "checking", "connected", "completed", "disconnected", "failed", "closed"],
    );
    let gathering = states("onicegatheringstatechange", &["new", "gathering", "complete"]);
    let signaling: Vec<(Timestamp, String)> = of("onsignalingstatechange")
        .filter_map(|event| Some((event.created_at, member(event, "signalingState")?)))
        .collect();
    let mut story = Story {
        path: path(samples),
        servers: servers(of("peerDetails")),
        candidate_errors: of("onicecandidateerror")
            .map(|event| {
                let data = event.data.as_ref().and_then(Json::parse);
                (event.created_at, data.and_then(|data| data.get("errorCode")?.as_i64()))
            })
            .collect(),
        data_channels: of("ondatachannel").count(),
        ..Story::default()
    };
    describe(&mut story, of("onsignalingstatechange"));
    candidates(&mut story, of("onicecandidate"), &gathering);
    times(&mut story, (&connection, &ice, &gathering, &signaling), start);
    story.first_media_ms = first_media(events, start);
    story.rounds = rounds(&signaling, &story.descriptions);
    story.restarts = restarts(&ice, &connection, &story.descriptions);
    story.closed = of("removeConnection").chain(of("removePeer")).next().is_some()
        || connection.iter().chain(&ice).any(|(_, state)| state == "closed")
        || signaling.last().is_some_and(|(_, state)| state == "closed");
    let last = |states: &[(Timestamp, String)], wanted: &[&str]| {
        states.last().is_some_and(|(_, state)| wanted.contains(&state.as_str()))
    };
    if signaling.last().is_some_and(|(_, state)| state != "stable" && state != "closed") {
        story.pending.push("negotiation");
    }
    if last(&gathering, &["gathering"]) {
        story.pending.push("gathering");
    }
    if last(&connection, &["new", "connecting"]) || last(&ice, &["checking"]) && connection.is_empty() {
        story.pending.push("connecting");
    }
    // Where a browser gives no connection state, that of ICE has to do.
    let main = if connection.is_empty() { &ice } else { &connection };
    story.connection_states = spans(main, Some(start), end);
    story.ice_states = spans(&ice, None, end);
    story.gathering_states = spans(&gathering, None, end);
    story.signaling_states = spans(&signaling, None, end);
    story
}

/// The text that is all of an event's data.
fn text(event: &EventRow) -> Option<String> {
    match event.data.as_ref()?.parse()? {
        Value::String(text) => Some(text.chars().take(32).collect()),
        _ => None,
    }
}

fn member(event: &EventRow, name: &str) -> Option<String> {
    let data = event.data.as_ref()?.parse()?;
    Some(data.get(name)?.as_str()?.chars().take(32).collect())
}

/// Puts states that came within milliseconds of each other into their natural order.
fn in_order(mut states: Vec<(Timestamp, String)>, order: &[&str]) -> Vec<(Timestamp, String)> {
    let rank = |state: &str| order.iter().position(|known| *known == state);
    for at in 1..states.len() {
        let (before, after) = (&states[at - 1], &states[at]);
        let close = after.0.seconds_since(before.0).abs() < UNSURE_ORDER_S;
        // Only steps of coming up: going down and up again may be as quick.
        let swapped =
            rank(&before.1).zip(rank(&after.1)).is_some_and(|(before, after)| after < before && before <= 3);
        if close && swapped {
            let first = states[at - 1].1.clone();
            states[at - 1].1 = std::mem::replace(&mut states[at].1, first);
        }
    }
    states
}

fn spans(states: &[(Timestamp, String)], start: Option<Timestamp>, end: Timestamp) -> Vec<StateSpan> {
    let mut spans: Vec<StateSpan> = Vec::new();
    if let (Some(start), Some((first, state))) = (start, states.first())
        && start < *first
        && state != "new"
    {
        spans.push(StateSpan { state: "new".to_owned(), from: start, to: *first });
    }
    for (at, state) in states {
        if let Some(last) = spans.last_mut() {
            last.to = *at;
            if last.state == *state {
                continue;
            }
        }
        spans.push(StateSpan { state: state.clone(), from: *at, to: *at });
    }
    if let Some(last) = spans.last_mut() {
        last.to = end.max(last.from);
    }
    spans
}

fn ms(from: Timestamp, to: Timestamp) -> Option<f64> {
    let ms = to.seconds_since(from) * 1000.0;
    (ms >= 0.0).then_some(ms)
}

type States<'a> = &'a [(Timestamp, String)];

fn times(
    story: &mut Story,
    (connection, ice, gathering, signaling): (States<'_>, States<'_>, States<'_>, States<'_>),
    start: Timestamp,
) {
    let first = |states: States<'_>, wanted: &[&str]| {
        states.iter().find(|(_, state)| wanted.contains(&state.as_str())).map(|(at, _)| *at)
    };
    let between =
        |from: Option<Timestamp>, to: Option<Timestamp>| from.zip(to).and_then(|(from, to)| ms(from, to));
    let up = first(ice, &["connected", "completed"]);
    story.gathering_ms = between(first(gathering, &["gathering"]), first(gathering, &["complete"]));
    story.ice_ms = between(first(ice, &["checking"]), up);
    story.dtls_ms = between(up, first(connection, &["connected"]));
    let offer = first(signaling, &["have-local-offer", "have-remote-offer"]);
    // The side that answers may be stored with its stable state only.
    story.negotiation_ms = between(offer, first(signaling, &["stable"]).filter(|at| *at >= start));
}

fn first_media(events: &[&EventRow], start: Timestamp) -> Option<f64> {
    let tracks: Vec<_> =
        events.iter().filter(|event| event.r#type == "ontrack").filter_map(|event| event.track_id).collect();
    let unmuted = events.iter().find(|event| {
        event.r#type == "unmute" && event.track_id.is_some_and(|track| tracks.contains(&track))
    });
    ms(start, unmuted?.created_at)
}

fn describe<'a>(story: &mut Story, events: impl Iterator<Item = &'a EventRow>) {
    let mut latest: BTreeMap<&'static str, String> = BTreeMap::new();
    for event in events {
        let Some(data) = event.data.as_ref().and_then(Json::parse) else { continue };
        for (side, member) in [("local", "localDescription"), ("remote", "remoteDescription")] {
            let Some(description) = data.get(member) else { continue };
            let Some(text) = description.get("sdp").and_then(Value::as_str) else { continue };
            let before = latest.get(side);
            if before.is_some_and(|before| before == text) {
                continue;
            }
            let summary = sdp::summary(text);
            if side == "remote" {
                story.peer_is_ice_lite |= summary.ice_lite;
                for line in sdp::candidates(text) {
                    *story.remote_candidates.entry(candidate_of_line(line)).or_default() += 1;
                }
            }
            if story.descriptions.len() < DESCRIPTIONS {
                let kind = description.get("type").and_then(Value::as_str).unwrap_or("unknown");
                story.descriptions.push(Description {
                    at: event.created_at,
                    side,
                    kind: kind.chars().take(16).collect(),
                    changes: before.map(|before| sdp::changes(before, text)),
                    text: before.is_none().then(|| {
                        let lines: Vec<String> = text.lines().take(600).map(sdp::masked).collect();
                        lines.join("\n")
                    }),
                    summary,
                });
            } else {
                story.descriptions_left_out += 1;
            }
            latest.insert(side, text.to_owned());
        }
    }
}

fn candidate_of_line(line: &str) -> CandidateKind {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let word = |at: usize| words.get(at).copied().unwrap_or("unknown");
    CandidateKind {
        kind: short(sdp::candidate_type(line).unwrap_or("unknown")),
        family: address_family(word(4)).unwrap_or("unknown").to_owned(),
        protocol: short(&word(2).to_ascii_lowercase()),
    }
}

fn short(text: &str) -> String {
    text.chars().take(16).collect()
}

fn candidates<'a>(
    story: &mut Story,
    events: impl Iterator<Item = &'a EventRow>,
    gathering: &[(Timestamp, String)],
) {
    let began = gathering.iter().find(|(_, state)| state == "gathering").map(|(at, _)| *at);
    let mut first_relay = None;
    for event in events {
        let Some(data) = event.data.as_ref().and_then(Json::parse) else { continue };
        let text = |name: &str| data.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let line = text("candidate").map(candidate_of_line);
        if line.is_none() && text("type").is_none() {
            // The null candidate: gathering is at its end.
            continue;
        }
        let line = line.unwrap_or_default();
        let known = |given: Option<&str>, from_line: &str| {
            short(given.unwrap_or(if from_line.is_empty() { "unknown" } else { from_line }))
        };
        let kind = known(text("type"), &line.kind);
        let family = text("address").and_then(address_family).map_or(line.family, str::to_owned);
        let mut protocol = known(text("protocol"), &line.protocol);
        let relay_protocol = text("relayProtocol").map(str::to_owned).or_else(|| {
            let url = text("url")?;
            let tls = url.starts_with("turns:");
            let tcp = url.ends_with("transport=tcp");
            url.starts_with("turn").then(|| {
                if tls {
                    "tls"
                } else if tcp {
                    "tcp"
                } else {
                    "udp"
                }
                .to_owned()
            })
        });
        if let Some(relay_protocol) = relay_protocol.filter(|_| kind == "relay") {
            protocol = format!("{protocol} over {}", short(&relay_protocol));
        }
        if kind == "relay" {
            first_relay = first_relay.or(Some(event.created_at));
        }
        let family = if family.is_empty() { "unknown".to_owned() } else { family };
        *story.local_candidates.entry(CandidateKind { kind, family, protocol }).or_default() += 1;
    }
    story.first_relay_ms = began.zip(first_relay).and_then(|(from, to)| ms(from, to));
    let complete = gathering.iter().any(|(_, state)| state == "complete");
    let gathered = |kind: &str| story.local_candidates.keys().any(|candidate| candidate.kind == kind);
    if let Some(servers) = story.servers.as_ref().filter(|_| complete && !story.local_candidates.is_empty()) {
        let (udp, tcp, tls) = servers.turn;
        let mut missing = Vec::new();
        if servers.stun > 0 && !servers.forced_relay && !gathered("srflx") {
            missing.push("srflx".to_owned());
        }
        if udp + tcp + tls > 0 && !gathered("relay") {
            missing.push("relay".to_owned());
        }
        story.missing_kinds = missing;
    }
}

fn servers<'a>(mut events: impl Iterator<Item = &'a EventRow>) -> Option<Servers> {
    let data = events.find_map(|event| event.data.as_ref()?.parse()?.get("peerConfiguration").cloned())?;
    let mut servers = Servers {
        forced_relay: data.get("iceTransportPolicy").and_then(Value::as_str) == Some("relay"),
        bundle_policy: data.get("bundlePolicy").and_then(Value::as_str).map(short),
        ..Servers::default()
    };
    for server in data.get("iceServers").and_then(Value::as_array).into_iter().flatten() {
        let urls = server.get("urls").or_else(|| server.get("url"));
        let list: Vec<&str> = match urls {
            Some(Value::String(url)) => vec![url],
            Some(Value::Array(urls)) => urls.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        for url in list {
            match url.split(':').next() {
                Some("stun" | "stuns") => servers.stun += 1,
                Some("turns") => servers.turn.2 += 1,
                Some("turn") if url.contains("transport=tcp") => servers.turn.1 += 1,
                Some("turn") => servers.turn.0 += 1,
                _ => {}
            }
        }
    }
    Some(servers)
}

fn path(samples: &[Sample<'_>]) -> Vec<PathSpan> {
    let mut path: Vec<PathSpan> = Vec::new();
    for sample in samples.iter().filter(|sample| sample.selected()) {
        let text = |value: Option<&str>| value.map(short);
        let address = |value: Option<&str>| value.map(|text| text.chars().take(64).collect::<String>());
        let span = PathSpan {
            from: sample.created_at(),
            to: sample.created_at(),
            local: text(sample.local_candidate_type()),
            remote: text(sample.remote_candidate_type()),
            protocol: text(sample.local_protocol()),
            relay_protocol: text(sample.local_relay_protocol()),
            network: text(sample.local_network_type()),
            family: sample.local_address().and_then(address_family),
            local_address: address(sample.local_address()),
            remote_address: address(sample.remote_address()),
        };
        if span.local.is_none() && span.remote.is_none() {
            // A stored summary does not say what the pair was.
            continue;
        }
        match path.last_mut() {
            Some(last) if PathSpan { from: last.from, to: last.to, ..span.clone() } == *last => {
                last.to = span.to;
            }
            _ => {
                if let Some(last) = path.last_mut() {
                    last.to = span.from;
                }
                path.push(span);
            }
        }
    }
    path
}

fn rounds(signaling: &[(Timestamp, String)], descriptions: &[Description]) -> Vec<Round> {
    let mut rounds: Vec<Round> = Vec::new();
    let restarts = |at: Timestamp| {
        descriptions.iter().any(|description| {
            description.at == at
                && description.changes.as_ref().is_some_and(|changes| {
                    changes.highlights.iter().any(|word| word.starts_with("ICE restarted"))
                })
        })
    };
    for (at, state) in signaling {
        let open = rounds.last_mut().filter(|round| round.outcome == "pending");
        let offerer = match state.as_str() {
            "have-local-offer" => "local",
            "have-remote-offer" => "remote",
            "stable" => {
                if let Some(round) = open {
                    round.to = Some(*at);
                    round.outcome = "stable";
                }
                continue;
            }
            _ => continue,
        };
        if let Some(round) = open {
            if round.offerer == offerer {
                continue;
            }
            // Both sides offered at once; one had to give way.
            round.to = Some(*at);
            round.outcome = "glare";
        }
        let kind = match (rounds.is_empty(), restarts(*at)) {
            (true, _) => "initial",
            (false, true) => "ICE restart",
            (false, false) => "renegotiation",
        };
        rounds.push(Round { kind, offerer, from: *at, to: None, outcome: "pending" });
    }
    rounds
}

fn restarts(
    ice: &[(Timestamp, String)],
    connection: &[(Timestamp, String)],
    descriptions: &[Description],
) -> Vec<Restart> {
    let mut at: Vec<Timestamp> = Vec::new();
    let seen = ["connected", "completed", "disconnected", "failed"];
    for pair in ice.windows(2) {
        if let [(_, before), (when, after)] = pair
            && after == "checking"
            && seen.contains(&before.as_str())
        {
            at.push(*when);
        }
    }
    for description in descriptions {
        let changes = description.changes.as_ref();
        if changes
            .is_some_and(|changes| changes.highlights.iter().any(|word| word.starts_with("ICE restarted")))
        {
            at.push(description.at);
        }
    }
    at.sort_unstable();
    let mut kept: Vec<Timestamp> = Vec::new();
    for when in at {
        if kept.last().is_none_or(|last| when.seconds_since(*last) > ONE_RESTART_S) {
            kept.push(when);
        }
    }
    let states = if connection.is_empty() { ice } else { connection };
    let is_up = |state: &str| matches!(state, "connected" | "completed");
    kept.into_iter()
        .map(|when| {
            let was_down = states.iter().rfind(|(at, _)| *at <= when).is_some_and(|(_, state)| !is_up(state));
            let up = states.iter().find(|(at, state)| *at > when && is_up(state)).map(|(at, _)| *at);
            Restart {
                at: when,
                helped: (was_down || up.is_some()).then_some(up.is_some()),
                recovered_after_s: up.map(|up| up.seconds_since(when)),
            }
        })
        .collect()
}

impl Story {
    /// What is worth a line each: label and words, only what is known.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts: Vec<(&'static str, String)> = Vec::new();
        let mut time = |label, ms: Option<f64>| {
            if let Some(ms) = ms {
                facts.push((
                    label,
                    if ms < 10_000.0 { format!("{ms:.0} ms") } else { format!("{:.1} s", ms / 1000.0) },
                ));
            }
        };
        time("Gathering", self.gathering_ms);
        time("First relay candidate after", self.first_relay_ms);
        time("First offer to stable", self.negotiation_ms);
        time("ICE: checking to connected", self.ice_ms);
        time("DTLS: ICE connected to connected", self.dtls_ms);
        time("First media after", self.first_media_ms);
        if let Some(servers) = &self.servers {
            let (udp, tcp, tls) = servers.turn;
            let mut words: Vec<String> =
                [(servers.stun, "STUN"), (udp, "TURN/UDP"), (tcp, "TURN/TCP"), (tls, "TURN/TLS")]
                    .into_iter()
                    .filter(|(count, _)| *count > 0)
                    .map(|(count, name)| format!("{count} {name}"))
                    .collect();
            if words.is_empty() {
                words.push("none".to_owned());
            }
            if servers.forced_relay {
                words.push("relay forced".to_owned());
            }
            facts.push(("ICE servers configured", words.join(", ")));
            facts.extend(servers.bundle_policy.clone().map(|policy| ("Bundle policy", policy)));
        }
        let list = |candidates: &BTreeMap<CandidateKind, usize>| {
            let words = candidates.iter().map(|(candidate, count)| {
                format!("{count} {} {} {}", candidate.kind, candidate.family, candidate.protocol)
            });
            words.collect::<Vec<_>>().join(", ")
        };
        if !self.local_candidates.is_empty() {
            facts.push(("Candidates gathered", list(&self.local_candidates)));
        }
        if !self.remote_candidates.is_empty() {
            facts.push(("Candidates in received descriptions", list(&self.remote_candidates)));
        }
        if !self.missing_kinds.is_empty() {
            facts.push(("Configured, but none gathered", self.missing_kinds.join(", ")));
        }
        if !self.candidate_errors.is_empty() {
            let codes: Vec<String> = self
                .candidate_errors
                .iter()
                .map(|(_, code)| code.map_or_else(|| "no code".to_owned(), |code| code.to_string()))
                .collect();
            facts.push(("STUN and TURN errors", codes.join(", ")));
        }
        if !self.rounds.is_empty() {
            let count = |outcome: &str| self.rounds.iter().filter(|round| round.outcome == outcome).count();
            let mut words = format!("{} settled", count("stable"));
            for (outcome, name) in [("glare", "glare"), ("pending", "pending at the end")] {
                if count(outcome) > 0 {
                    words.push_str(&format!(", {} {name}", count(outcome)));
                }
            }
            facts.push(("Rounds of offer and answer", words));
        }
        for restart in &self.restarts {
            let words = match (restart.helped, restart.recovered_after_s) {
                (Some(true), Some(seconds)) => format!("helped after {seconds:.1} s"),
                (Some(false), _) => "did not help".to_owned(),
                _ => "no change of state seen".to_owned(),
            };
            facts.push(("ICE restart", words));
        }
        if let [_, _, ..] = self.path.as_slice() {
            facts.push(("Path changes", (self.path.len() - 1).to_string()));
        }
        if let Some(last) = self.path.last() {
            let mut words: Vec<String> = Vec::new();
            words.extend(last.family.map(str::to_owned));
            words.extend(last.network.clone());
            words.extend(last.relay_protocol.as_ref().map(|protocol| format!("TURN over {protocol}")));
            if !words.is_empty() {
                facts.push(("Own end of the path", words.join(", ")));
            }
        }
        if self.peer_is_ice_lite {
            facts.push(("Other side", "ICE-lite: a server".to_owned()));
        }
        let role = self
            .descriptions
            .iter()
            .rev()
            .find(|description| description.side == "local" && description.kind == "answer");
        facts.extend(role.and_then(|answer| Some(("DTLS role", answer.summary.setup.clone()?))));
        if self.data_channels > 0 {
            facts.push(("Data channels", self.data_channels.to_string()));
        }
        facts.push(("Ended", if self.closed { "closed" } else { "never seen to be closed" }.to_owned()));
        if !self.pending.is_empty() {
            facts.push(("Pending at the end", self.pending.join(", ")));
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TrackId;
    use crate::snapshot::{SampleRow, Samples};
    use serde_json::json;
    use uuid::Uuid;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1000)
    }

    fn event(ms: i64, r#type: &str, data: &Value) -> EventRow {
        EventRow {
            r#type: r#type.to_owned(),
            created_at: at(ms),
            data: Some(Json(data.to_string())),
            ..EventRow::default()
        }
    }

    fn of(events: &[EventRow]) -> Story {
        story(&events.iter().collect::<Vec<_>>(), &[], at(0), at(60_000))
    }

    fn states(spans: &[StateSpan]) -> Vec<(&str, i64, i64)> {
        spans.iter().map(|span| (span.state.as_str(), span.from.as_millis(), span.to.as_millis())).collect()
    }

    #[test]
    fn an_ordinary_connection_is_made_in_known_steps() {
        let track = TrackId(Uuid::from_u128(3));
        let mut events = vec![
            event(10, "onsignalingstatechange", &json!({"signalingState": "have-local-offer"})),
            event(20, "onicegatheringstatechange", &json!("gathering")),
            event(60, "onicecandidate", &json!({"type": "host", "address": "10.0.0.1", "protocol": "udp"})),
            event(
                90,
                "onicecandidate",
                &json!({"type": "relay", "address": "1.2.3.4", "protocol": "udp", "url": "turns:t.example.org"}),
            ),
            event(100, "onsignalingstatechange", &json!({"signalingState": "stable"})),
            event(120, "onicegatheringstatechange", &json!("complete")),
            event(130, "onicecandidate", &Value::Null),
            // Stored in the wrong order.
            event(200, "oniceconnectionstatechange", &json!("connected")),
            event(210, "oniceconnectionstatechange", &json!("checking")),
            event(215, "onconnectionstatechange", &json!("connecting")),
            event(260, "onconnectionstatechange", &json!("connected")),
            event(280, "ontrack", &json!({})),
            event(400, "unmute", &json!({})),
        ];
        for event in events.iter_mut().filter(|event| matches!(event.r#type.as_str(), "ontrack" | "unmute")) {
            event.track_id = Some(track);
        }
        let story = of(&events);
        assert_eq!(
            states(&story.connection_states),
            [("new", 0, 215), ("connecting", 215, 260), ("connected", 260, 60_000)]
        );
        assert_eq!(states(&story.ice_states), [("checking", 200, 210), ("connected", 210, 60_000)]);
        assert_eq!((story.gathering_ms, story.first_relay_ms), (Some(100.0), Some(70.0)));
        assert_eq!((story.ice_ms, story.dtls_ms), (Some(10.0), Some(50.0)));
        assert_eq!((story.negotiation_ms, story.first_media_ms), (Some(90.0), Some(400.0)));
        let candidates: Vec<String> = story
            .local_candidates
            .keys()
            .map(|candidate| format!("{} {} {}", candidate.kind, candidate.family, candidate.protocol))
            .collect();
        assert_eq!(candidates, ["host IPv4 udp", "relay IPv4 udp over tls"]);
        let round = &story.rounds[0];
        assert_eq!(
            (story.rounds.len(), round.kind, round.offerer, round.outcome),
            (1, "initial", "local", "stable")
        );
        assert_eq!((story.closed, story.pending.len()), (false, 0));
    }

    #[test]
    fn both_sides_offering_is_glare_and_an_unsettled_round_is_pending() {
        let signal =
            |ms, state: &str| event(ms, "onsignalingstatechange", &json!({ "signalingState": state }));
        let story = of(&[
            signal(0, "have-local-offer"),
            signal(50, "have-remote-offer"),
            signal(80, "stable"),
            signal(900, "have-local-offer"),
        ]);
        let outcomes: Vec<_> = story.rounds.iter().map(|round| (round.kind, round.outcome)).collect();
        assert_eq!(
            outcomes,
            [("initial", "glare"), ("renegotiation", "stable"), ("renegotiation", "pending")]
        );
        assert_eq!(story.pending, ["negotiation"]);
    }

    #[test]
    fn an_ice_restart_helped_if_the_connection_came_up_again() {
        let ice = |ms, state: &str| event(ms, "oniceconnectionstatechange", &json!(state));
        let up = |ms, state: &str| event(ms, "onconnectionstatechange", &json!(state));
        let story = of(&[
            ice(100, "connected"),
            up(100, "connected"),
            up(5_000, "disconnected"),
            ice(5_000, "disconnected"),
            ice(9_000, "checking"),
            up(10_500, "connected"),
            up(30_000, "failed"),
            ice(30_000, "failed"),
            ice(31_000, "checking"),
        ]);
        let helped: Vec<_> =
            story.restarts.iter().map(|restart| (restart.helped, restart.recovered_after_s)).collect();
        assert_eq!(helped, [(Some(true), Some(1.5)), (Some(false), None)]);
    }

    #[test]
    fn a_configured_server_without_candidates_is_missed() {
        let servers = json!({"peerConfiguration": {"iceTransportPolicy": "all", "iceServers": [
            {"urls": ["stun:s.example.org", "turn:t.example.org?transport=tcp"]}, {"urls": "turns:t.example.org"}]}});
        let story = of(&[
            event(0, "peerDetails", &servers),
            event(10, "onicegatheringstatechange", &json!("gathering")),
            event(20, "onicecandidate", &json!({"candidate": "1 1 udp 2122 10.0.0.1 5000 typ host"})),
            event(30, "onicecandidateerror", &json!({"errorCode": 701})),
            event(40, "onicegatheringstatechange", &json!("complete")),
        ]);
        assert_eq!(story.servers.as_ref().map(|servers| (servers.stun, servers.turn)), Some((1, (0, 1, 1))));
        assert_eq!(story.missing_kinds, ["srflx", "relay"]);
        assert_eq!(story.candidate_errors, [(at(30), Some(701))]);
        let facts = story.facts();
        assert!(facts.contains(&("ICE servers configured", "1 STUN, 1 TURN/TCP, 1 TURN/TLS".to_owned())));
        assert!(facts.contains(&("Candidates gathered", "1 host IPv4 udp".to_owned())));
    }

    #[test]
    fn the_path_changes_when_the_selected_pair_does() {
        let pair = |second: i64, kind: &str| SampleRow {
            selected: true,
            created_at: at(second * 1000),
            local_candidate_type: Some(kind.to_owned()),
            remote_candidate_type: Some("srflx".to_owned()),
            local_protocol: Some("udp".to_owned()),
            local_address: Some("2001:db8::1".to_owned()),
            ..SampleRow::default()
        };
        let rows = [pair(10, "host"), pair(20, "host"), pair(30, "relay"), pair(40, "relay")];
        let samples: Samples = rows.iter().collect();
        let story = story(&[], &samples.iter().collect::<Vec<_>>(), at(0), at(60_000));
        let path: Vec<_> = story
            .path
            .iter()
            .map(|span| (span.local.as_deref(), span.from.as_millis(), span.to.as_millis(), span.family))
            .collect();
        assert_eq!(
            path,
            [(Some("host"), 10_000, 30_000, Some("IPv6")), (Some("relay"), 30_000, 40_000, Some("IPv6"))]
        );
    }

    #[test]
    fn whatever_stands_in_an_event_nothing_panics() {
        let kinds = [
            "peerDetails",
            "onsignalingstatechange",
            "onicecandidate",
            "onicecandidateerror",
            "oniceconnectionstatechange",
            "onconnectionstatechange",
            "onicegatheringstatechange",
        ];
        let odd = [
            json!(null),
            json!([]),
            json!({}),
            json!("\u{0}"),
            json!({"signalingState": 3, "localDescription": {"sdp": 4}, "remoteDescription": {"sdp": "a=candidate:"}}),
            json!({"candidate": "candidate:", "type": 1, "address": [], "url": "turn"}),
            json!({"peerConfiguration": {"iceServers": [1, {"urls": [2, ":"]}, {"url": {}}]}}),
            json!({"errorCode": "x"}),
        ];
        let mut events = Vec::new();
        for (at, kind) in kinds.iter().enumerate() {
            events.extend(odd.iter().map(|data| event(at as i64, kind, data)));
            events.push(EventRow { data: Some(Json("{broken".to_owned())), ..event(0, kind, &json!(0)) });
        }
        let story = of(&events);
        assert!(!story.facts().is_empty());
    }
}
