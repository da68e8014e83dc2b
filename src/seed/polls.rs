//! Streams between people and the polls of getStats that read them: as stats events, as snapshots of a summary, or both.

use std::collections::BTreeMap;
use std::ops::Range;

use super::json::{Object, array};
use super::media::{Flow, Kind, Sender, Way};
use super::network::Path;
use super::places;
use super::platforms::Shape;
use super::random::Dice;
use super::script::{Peer, Script, Wire};
use super::signals::Endpoint;
use super::stats::{Reading, Score, emos_of};
use super::story::{Links, Story};
use crate::ids::ParticipantId;
use crate::units::Timestamp;

/// Seconds between polls.
const INTERVAL: f64 = 10.0;
/// How many others a server forwards to each: those who came first, as a stand-in for who talks most.
const FORWARDED: usize = 2;

/// Somebody whose media come over a connection.
pub(super) struct Source {
    /// The visit that sends; none for a stranger, who sends both kinds.
    visit: Option<usize>,
    /// The sender's connection.
    wire: Option<usize>,
    audio: bool,
    video: bool,
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Source {
    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> + use<> {
        let (audio, video) = (self.audio, self.video);
        [Kind::Audio, Kind::Video].into_iter().filter(move |kind| match kind {
            Kind::Audio => audio,
            Kind::Video => video,
        })
    }
}

/// Whose media come over a connection, and when.
pub(super) fn sources(script: &Script, at: usize) -> Vec<Source> {
    let wire = &script.wires[at];
    let span = |from: f64, to: f64| (wire.connected.unwrap_or(wire.start).max(from), wire.stops.min(to));
    match wire.peer {
        _ if !wire.receives => Vec::new(),
        Peer::Visit(peer) => {
            let twin = wire.twin.map(|twin| &script.wires[twin]);
            let (from, to) = twin.map_or((wire.start, wire.stops), |twin| {
                span(twin.connected.unwrap_or(twin.start), twin.stops)
            });
            let visit = &script.visits[peer];
            vec![Source {
                visit: Some(peer),
                wire: wire.twin,
                audio: visit.sends_audio,
                video: visit.sends_video,
                from,
                to,
            }]
        }
        Peer::Stranger(_) => {
            let (from, to) = span(wire.start, wire.stops);
            vec![Source { visit: None, wire: None, audio: true, video: true, from, to }]
        }
        Peer::Server(_) => script
            .wires
            .iter()
            .enumerate()
            .filter(|(_, other)| {
                other.sends
                    && other.peer == wire.peer
                    && script.visits[other.visit].call == script.visits[wire.visit].call
                    && script.visits[other.visit].person != script.visits[wire.visit].person
                    && script.visits[other.visit].sends_audio
            })
            .filter_map(|(number, other)| {
                let (from, to) = span(other.connected?, other.stops);
                let visit = &script.visits[other.visit];
                (to - from > 1.0).then_some(Source {
                    visit: Some(other.visit),
                    wire: Some(number),
                    audio: true,
                    video: visit.sends_video,
                    from,
                    to,
                })
            })
            .take(FORWARDED)
            .collect(),
    }
}

/// What polls made for the summary.
#[derive(Default)]
pub(super) struct Summary {
    snapshots: Vec<(Timestamp, Snapshot)>,
    pub(super) scores: Scores,
}

/// One snapshot, its lists still open.
struct Snapshot {
    head: String,
    connection: String,
    remote: String,
    /// Audio in, audio out, video in, video out.
    tracks: [Vec<String>; 4],
}

impl Summary {
    /// The summary's data.
    pub(super) fn data(mut self) -> String {
        self.snapshots.sort_by_key(|&(at, _)| at);
        let snapshots: Vec<_> = self
            .snapshots
            .iter()
            .map(|(_, snapshot)| {
                let side = |inbound: usize| {
                    Object::new()
                        .raw("inbound", &array(&snapshot.tracks[inbound]))
                        .raw("outbound", &array(&snapshot.tracks[inbound + 1]))
                        .end()
                };
                let data = Object::new()
                    .raw("connection", &snapshot.connection)
                    .raw("remote", &snapshot.remote)
                    .raw("audio", &side(0))
                    .raw("video", &side(2))
                    .end();
                format!("{},\"data\":{data}}}", snapshot.head)
            })
            .collect();
        array(&snapshots)
    }
}

/// Estimates of how audio sounded, by participant: the last visit that had one, and all below 4.
#[derive(Default)]
pub(super) struct Scores(BTreeMap<ParticipantId, (usize, Vec<f64>)>);

impl Scores {
    /// Issues that the service would store: visit, code, average of the bad ones.
    pub(super) fn issues(&self) -> Vec<(usize, &'static str, f64)> {
        /// As many polls as make 30 s.
        const ENOUGH: usize = 3;
        let mut issues = Vec::new();
        for (visit, scores) in self.0.values() {
            for (code, low, high) in [("very_low_emos", 0.0, 3.0), ("low_emos", 3.0, 4.0)] {
                let bad: Vec<_> =
                    scores.iter().copied().filter(|&score| score >= low && score < high).collect();
                if bad.len() >= ENOUGH {
                    issues.push((*visit, code, bad.iter().sum::<f64>() / bad.len() as f64));
                }
            }
        }
        issues
    }
}

/// A stream of a connection, as that side sees it.
#[derive(Clone, Copy)]
struct Stream {
    flow: usize,
    outbound: bool,
    /// The sender, if it is a visit.
    sender: Option<usize>,
}

/// Runs the streams of these calls and polls them; stats become events if they are kept.
pub(super) fn run(story: &mut Story<'_>, calls: Range<usize>, keep: bool, summarize: bool) -> Summary {
    let mut summary = Summary::default();
    if !keep && !summarize {
        return summary;
    }
    let script = story.script;
    let mut dice = Dice::new(story.world.options.seed, super::streams::POLLS + story.outline.slot as u64);
    let (flows, streams) = streams(story, &mut dice, &calls);
    for (at, wire) in script.wires.iter().enumerate() {
        if calls.contains(&script.visits[wire.visit].call) {
            poll_wire(story, &mut dice, at, (&flows, &streams[at]), (keep, summarize), &mut summary);
        }
    }
    summary
}

/// All streams of some calls, and which of them each connection has.
fn streams(story: &Story<'_>, dice: &mut Dice, calls: &Range<usize>) -> (Vec<Flow>, Vec<Vec<Stream>>) {
    let script = story.script;
    let mut flows = Vec::new();
    let mut streams: Vec<Vec<Stream>> = vec![Vec::new(); script.wires.len()];
    for (at, wire) in script.wires.iter().enumerate() {
        if wire.connected.is_none() || !calls.contains(&script.visits[wire.visit].call) {
            continue;
        }
        // What comes over this connection; in a mesh, the other end sends it.
        for source in sources(script, at) {
            for kind in source.kinds() {
                if source.to - source.from < 1.0 {
                    continue;
                }
                let from = source.visit.map_or(wire.visit, |visit| visit);
                let flow = flow(
                    story,
                    dice,
                    (at, wire),
                    kind,
                    (Some(from), Some(wire.visit)),
                    (source.from, source.to),
                );
                streams[at].push(Stream { flow: flows.len(), outbound: false, sender: source.visit });
                if let (Peer::Visit(_), Some(twin)) = (wire.peer, source.wire) {
                    streams[twin].push(Stream { flow: flows.len(), outbound: true, sender: source.visit });
                }
                flows.push(flow);
            }
        }
        // What goes to a server or a stranger.
        let (Some(connected), true, false) =
            (wire.connected, wire.sends, matches!(wire.peer, Peer::Visit(_)))
        else {
            continue;
        };
        for kind in [Kind::Audio, Kind::Video] {
            if script.visits[wire.visit].sends(kind) && wire.stops - connected >= 1.0 {
                let flow =
                    flow(story, dice, (at, wire), kind, (Some(wire.visit), None), (connected, wire.stops));
                streams[at].push(Stream { flow: flows.len(), outbound: true, sender: Some(wire.visit) });
                flows.push(flow);
            }
        }
    }
    (flows, streams)
}

fn flow(
    story: &Story<'_>,
    dice: &mut Dice,
    (at, wire): (usize, &Wire),
    kind: Kind,
    (from, to): (Option<usize>, Option<usize>),
    (begin, end): (f64, f64),
) -> Flow {
    let script = story.script;
    let sender = from.map(|from| &script.visits[from]);
    let peers = script
        .wires
        .iter()
        .filter(|other| {
            other.visit == wire.visit && script.visits[other.visit].call == script.visits[wire.visit].call
        })
        .count()
        .max(1) as f64;
    let over_server = matches!(wire.peer, Peer::Server(_));
    let way = Way {
        flight: distance(story, at),
        streams: if over_server { 2.0 } else { peers },
        ceiling: match (over_server, to) {
            (true, Some(_)) => 6e5,
            (true, None) => 1.5e6,
            _ => (1.8e6 / peers).max(4e5),
        },
    };
    let off = sender.map_or(&[][..], |sender| match kind {
        Kind::Audio => &sender.audio_off,
        Kind::Video => &sender.video_off,
    });
    let role = Sender {
        line: sender.map(|sender| &sender.line),
        off,
        weak_from: sender.and_then(|sender| sender.weak_from),
        dtx: story.app().profile.dtx,
        talk: sender.map_or(0.4, |sender| sender.talk),
    };
    let end = end.min(script.horizon).max(begin + 1.0);
    Flow::run(dice, kind, (begin, end), &role, to.map(|to| &script.visits[to].line), way)
}

/// Seconds for a round trip over the distance between the two ends, by way of a relay if there is one.
fn distance(story: &Story<'_>, at: usize) -> f64 {
    let (script, people) = (story.script, &story.world.people);
    let wire = &script.wires[at];
    let own = people[script.visits[wire.visit].person].city;
    let other = match wire.peer {
        Peer::Visit(peer) => people[script.visits[peer].person].city,
        Peer::Server(person) | Peer::Stranger(person) => people[person].city,
    };
    let detour = if wire.route.local == "relay" || wire.route.remote == "relay" { 0.018 } else { 0.0 };
    places::flight_time(own, other) + detour
}

/// Polls one connection until it stops.
fn poll_wire(
    story: &mut Story<'_>,
    dice: &mut Dice,
    at: usize,
    (flows, streams): (&[Flow], &[Stream]),
    (keep, summarize): (bool, bool),
    summary: &mut Summary,
) {
    let script = story.script;
    let wire = &script.wires[at];
    let visit = &script.visits[wire.visit];
    let endpoint = Endpoint::draw(dice, visit.access);
    let other = match wire.peer {
        Peer::Server(_) => Endpoint::server(dice),
        Peer::Visit(peer) => Endpoint::draw(dice, script.visits[peer].access),
        Peer::Stranger(_) => Endpoint::draw(dice, visit.access),
    };
    let remote_tracks: Vec<_> = streams.iter().map(|_| dice.uuid().to_string()).collect();
    let flight = distance(story, at);
    // The client's clock is a little off, some far off.
    let skew = if dice.chance(0.01) { dice.between(-7.2e6, 7.2e6) } else { dice.between(-400.0, 400.0) };
    let latency = dice.between(0.02, 0.09);
    let first = summary.snapshots.len();
    let mut waiting: [Vec<String>; 4] = Default::default();
    let mut pair = Pair::default();
    let mut number = 1;
    loop {
        let taken = wire.start + INTERVAL * f64::from(number);
        let stored = taken + latency + dice.between(0.0, 0.02);
        number += 1;
        if taken >= wire.stops || stored > script.horizon {
            break;
        }
        let timestamp = story.at(taken).as_micros() as f64 / 1000.0 + skew;
        let has_pair = wire.connected.is_some_and(|connected| connected < taken)
            && wire.lost.is_none_or(|(_, failed)| taken < failed);
        let live: Vec<_> = streams
            .iter()
            .enumerate()
            .filter(|(_, stream)| has_pair && flows[stream.flow].has_begun(taken))
            .collect();
        let readings: Vec<_> = live
            .iter()
            .map(|&(place, stream)| {
                let own = stream.sender.filter(|_| stream.outbound).and_then(|sender| {
                    story.own_tracks[sender].iter().find(|track| track.kind == flows[stream.flow].kind)
                });
                let id = own.map_or(&remote_tracks[place], |track| &track.id);
                let row = own.map(|track| track.row);
                (
                    read(
                        &flows[stream.flow],
                        stream.outbound,
                        (taken, wire.start),
                        visit.shape,
                        id,
                        timestamp,
                    ),
                    row,
                )
            })
            .collect();
        let connection = if has_pair {
            let weather = visit.line.weather(taken - INTERVAL, taken);
            pair.advance(
                taken - wire.connected.unwrap_or(taken),
                &Path::join(flight, Some(weather), None),
                &readings,
            );
            pair.report(&endpoint, &other, (wire, visit.access.network_type(), visit.shape), timestamp)
        } else {
            r#"{"inbound":[],"outbound":[],"dataChannelsOpened":0,"dataChannelsClosed":0}"#.to_owned()
        };
        let with_remote = story.app().profile.remote_reports && has_pair;
        let remote = if with_remote { remote_reports(&readings) } else { "{}".to_owned() };
        // The events of tracks are stored before the main one, so the newest snapshot is still the one before.
        let mut inline: [Vec<String>; 4] = Default::default();
        let mut noted: [Vec<String>; 4] = Default::default();
        let mut late: [Vec<String>; 4] = Default::default();
        for (number, (reading, row)) in readings.iter().enumerate() {
            let list = usize::from(reading.outbound) + if reading.kind == Kind::Audio { 0 } else { 2 };
            let apart = match reading.shape {
                Shape::Mixed => reading.outbound,
                Shape::PerTrack => true,
                Shape::Inline => false,
            };
            let track = if apart { track_row(story, at, reading, *row) } else { None };
            let apart = track.is_some();
            if keep {
                if apart {
                    let when = stored + 0.002 * number as f64;
                    story.event(
                        when,
                        wire.visit,
                        ("stats", "S"),
                        Some(reading.report()),
                        Links { wire: Some(at), track },
                    );
                } else {
                    inline[list].push(reading.report());
                }
            }
            if summarize {
                let round_trip = readings
                    .iter()
                    .find(|(other, _)| other.outbound && other.kind == Kind::Audio)
                    .map_or(0.0, |(other, _)| other.moment.round_trip);
                let score = emos_of(reading, (with_remote && !apart).then_some(round_trip));
                if let Some(score) = score {
                    let entry = summary.scores.0.entry(story.participant(wire.visit)).or_default();
                    entry.0 = wire.visit;
                    entry.1.push(score);
                }
                let member = match (reading.outbound, reading.kind) {
                    (true, _) => Score::LeftOut,
                    (false, Kind::Video) if !apart => Score::LeftOut,
                    _ => Score::Is(score),
                };
                let text = reading.summarized(member);
                let lists = if apart { &mut late } else { &mut noted };
                lists[list].push(text);
            }
        }
        let when = stored + 0.002 * readings.len() as f64 + 0.004;
        let data = main_event(&connection, &inline, &remote);
        let event = if keep {
            story.event(when, wire.visit, ("stats", "S"), Some(data), Links { wire: Some(at), track: None })
        } else {
            story.past(when).map(|_| crate::ids::EventId(dice.uuid()))
        };
        let (Some(event), true) = (event, summarize) else { continue };
        let target = if summary.snapshots.len() > first { summary.snapshots.last_mut() } else { None };
        match target {
            Some((_, snapshot)) => move_into(&mut snapshot.tracks, late),
            None => move_into(&mut waiting, late),
        }
        let created_at = story.at(when);
        let mut snapshot = Snapshot {
            head: head(story, at, event, created_at),
            connection: pair.summarized(has_pair, visit.shape),
            remote,
            tracks: noted,
        };
        move_into(&mut snapshot.tracks, std::mem::take(&mut waiting));
        summary.snapshots.push((created_at, snapshot));
    }
}

fn move_into(lists: &mut [Vec<String>; 4], more: [Vec<String>; 4]) {
    for (list, mut more) in lists.iter_mut().zip(more) {
        list.append(&mut more);
    }
}

/// The row of the track that a report is about, if the service can know it: own tracks, and tracks of this connection.
fn track_row(
    story: &Story<'_>,
    at: usize,
    reading: &Reading,
    own: Option<crate::ids::TrackId>,
) -> Option<crate::ids::TrackId> {
    if reading.outbound {
        return own;
    }
    let wire = story.script.wires[at].id;
    story
        .told
        .tracks
        .iter()
        .map(|track| &track.row)
        .find(|track| {
            track.connection_id == Some(wire) && track.direction == "i" && track.kind == reading.kind.letter()
        })
        .map(|track| track.id)
}

fn read(
    flow: &Flow,
    outbound: bool,
    (taken, start): (f64, f64),
    shape: Shape,
    track: &str,
    timestamp: f64,
) -> Reading {
    let now = flow.counters(taken);
    let before = taken - INTERVAL;
    let bytes = |at: f64| {
        let counters = flow.counters(at);
        if outbound {
            (counters.bytes_sent, counters.packets_sent)
        } else {
            (counters.bytes_received, counters.packets_received)
        }
    };
    let rates = (before > start && flow.has_begun(before)).then(|| {
        let (later, earlier) = (bytes(taken), bytes(before));
        ((later.0 - earlier.0) * 8.0 / INTERVAL, (later.1 - earlier.1) / INTERVAL)
    });
    Reading {
        kind: flow.kind,
        outbound,
        ssrc: flow.ssrc,
        shape,
        track: track.to_owned(),
        now,
        moment: flow.moment(taken),
        other: flow.counters(taken - 1.0),
        rates,
        timestamp,
        elapsed: taken - start,
    }
}

fn remote_reports(readings: &[(Reading, Option<crate::ids::TrackId>)]) -> String {
    let of = |kind: Kind, outbound: bool| {
        let reports: Vec<_> = readings
            .iter()
            .map(|(reading, _)| reading)
            .filter(|reading| reading.kind == kind && reading.outbound == outbound)
            .map(Reading::remote_report)
            .collect();
        array(&reports)
    };
    // What we send is what the other side says it receives.
    let media = |kind| Object::new().raw("inbound", &of(kind, true)).raw("outbound", &of(kind, false)).end();
    Object::new().raw("audio", &media(Kind::Audio)).raw("video", &media(Kind::Video)).end()
}

fn main_event(connection: &str, inline: &[Vec<String>; 4], remote: &str) -> String {
    let mut object = Object::new().raw("connection", connection);
    for (kind, lists) in [("audio", &inline[..2]), ("video", &inline[2..])] {
        if lists.iter().any(|list| !list.is_empty()) {
            let media = Object::new()
                .with(!lists[0].is_empty(), |media| media.raw("inbound", &array(&lists[0])))
                .with(!lists[1].is_empty(), |media| media.raw("outbound", &array(&lists[1])));
            object = object.raw(kind, &media.end());
        }
    }
    object.raw("remote", remote).end()
}

/// A snapshot up to its data, without the closing brace.
fn head(story: &Story<'_>, at: usize, event: crate::ids::EventId, created_at: Timestamp) -> String {
    let wire = &story.script.wires[at];
    let mut text = Object::new()
        .text("id", &event.to_string())
        .text("app", &story.app().row.row.id.to_string())
        .text("session", &story.script.visits[wire.visit].id.to_string())
        .text("conference", &story.outline.id.to_string())
        .text("participant", &story.participant(wire.visit).to_string())
        .text("peer", &story.peer(wire).to_string())
        .text("connection", &wire.id.to_string())
        .text("created_at", &created_at.api())
        .text("type", "stats")
        .end();
    text.pop();
    text
}

/// Counters of the selected candidate pair.
#[derive(Default)]
struct Pair {
    elapsed: f64,
    bytes_sent: f64,
    bytes_received: f64,
    packets_sent: f64,
    packets_received: f64,
    responses: f64,
    total_round_trip: f64,
    current_round_trip: f64,
    available: f64,
}

impl Pair {
    fn advance(&mut self, elapsed: f64, path: &Path, readings: &[(Reading, Option<crate::ids::TrackId>)]) {
        let sums = |outbound: bool| {
            let readings =
                readings.iter().map(|(reading, _)| reading).filter(|reading| reading.outbound == outbound);
            readings.fold((0.0, 0.0), |(bytes, packets), reading| {
                let now = &reading.now;
                if outbound {
                    (bytes + now.bytes_sent + now.header_sent, packets + now.packets_sent)
                } else {
                    (bytes + now.bytes_received + now.header_received, packets + now.packets_received)
                }
            })
        };
        // Feedback packets come on top, about one a second each way.
        let (sent, received) = (sums(true), sums(false));
        (self.bytes_sent, self.packets_sent) = (sent.0 + elapsed * 90.0, sent.1 + elapsed);
        (self.bytes_received, self.packets_received) = (received.0 + elapsed * 90.0, received.1 + elapsed);
        let checks = ((elapsed - self.elapsed) / 2.5 * (1.0 - path.outage)).floor().max(0.0);
        self.responses += checks;
        self.total_round_trip += checks * path.round_trip;
        self.current_round_trip = path.round_trip;
        self.available = path.rate.min(4e6) * 0.85;
        self.elapsed = elapsed;
    }

    fn id(shape: Shape) -> &'static str {
        if shape == Shape::PerTrack { "RTCIceCandidatePair_q7Xo0Y3s" } else { "CPq7Xo_Y3s" }
    }

    fn report(
        &self,
        endpoint: &Endpoint,
        other: &Endpoint,
        (wire, network, shape): (&Wire, &str, Shape),
        timestamp: f64,
    ) -> String {
        let old = shape == Shape::PerTrack;
        Object::new()
            .text("id", Self::id(shape))
            .text("type", "candidate-pair")
            .num("timestamp", timestamp)
            .text("transportId", "T01")
            .text("state", "succeeded")
            .flag("nominated", true)
            .flag("writable", true)
            .int("priority", 9_114_756_780_654_345_000_i64)
            .count("bytesSent", self.bytes_sent)
            .count("bytesReceived", self.bytes_received)
            .with(!old, |object| {
                object.count("packetsSent", self.packets_sent).count("packetsReceived", self.packets_received)
            })
            .count("requestsSent", self.responses + 1.0)
            .count("responsesReceived", self.responses)
            .count("consentRequestsSent", (self.responses - 1.0).max(0.0))
            .num("totalRoundTripTime", self.total_round_trip)
            .num("currentRoundTripTime", (self.current_round_trip * 1000.0).round() / 1000.0)
            .with(shape != Shape::Inline, |object| {
                object.num("availableOutgoingBitrate", self.available.round())
            })
            .raw("local", &endpoint.candidate_report(wire.route, Some(network), old, timestamp))
            .raw("remote", &other.candidate_report(wire.route, None, old, timestamp))
            .int("dataChannelsOpened", 0)
            .int("dataChannelsClosed", 0)
            .end()
    }

    fn summarized(&self, has_pair: bool, shape: Shape) -> String {
        if !has_pair {
            return r#"{"id":null,"bytesSent":null,"packetsSent":null,"responsesReceived":null,"totalRoundTripTime":null}"#
                .to_owned();
        }
        let object = Object::new().text("id", Self::id(shape)).count("bytesSent", self.bytes_sent);
        let object = if shape == Shape::PerTrack {
            object.raw("packetsSent", "null")
        } else {
            object.count("packetsSent", self.packets_sent)
        };
        object
            .count("responsesReceived", self.responses)
            .num("totalRoundTripTime", self.total_round_trip)
            .end()
    }
}
