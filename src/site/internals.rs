//! A conference in the form that Chromium's chrome://webrtc-internals saves, for the viewers that open such dumps.
//!
//! The form, as Chromium 156 saves it and as the public importers (rtcstats' dump-importer and its library `rtcstats-shared`)
//! read it: `PeerConnections` by `<tab>-<number>`, each with an `updateLog` of `{type, value, timestamp}` with `value` a text
//! that is mostly JSON, and `stats` by `<report's id>-<property>`, each with `startTime`, `endTime`, `statsType` and its values
//! as a JSON text. The property begins after the last `-`; every report has a property `timestamp`; a list that is shorter than
//! that one lacks its first values, so gaps are null. An id may not have `[`, which begins names of computed values. Importers
//! want `UserAgentData`. Older ones read `time` of an entry of the log, newer ones `timestamp`; ours have both.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::ids::{ConnectionId, ParticipantId};
use crate::report::{ConferenceReport, World};
use crate::snapshot::stats::{CANDIDATE_PAIR, OUTBOUND};
use crate::snapshot::{ConnectionRow, EventRow, Json, Sample, Samples};
use crate::units::Timestamp;

/// What such a dump has and Peer Metrics does not store; also for the page that lists the files.
pub const MISSING: [&str; 6] = [
    "Stats have the distance of Peer Metrics' polls, usually 10 s, where Chromium polls each second.",
    "Only the selected candidate pair, streams, codecs, media sources and counts of data channels; no transport, certificate, other pairs.",
    "Only the members that Peer Metrics' client sends; computed values in brackets are left to the viewer.",
    "Calls of the API are not stored: descriptions stand as setLocalDescription and setRemoteDescription where a signaling state told them; createOffer, addTrack, addIceCandidate are absent.",
    "One dump for all participants: the first number of a connection's name is the participant, and its url says who was connected to whom. UserAgent lists all browsers.",
    "Where Peer Metrics cleaned up its stats, what its stored summary kept.",
];

/// The dump. Connections, their logs and each property of their stats are made when they are written: a long conference has very
/// much of them.
#[derive(Serialize)]
pub struct Dump<'a> {
    #[serde(rename = "getUserMedia")]
    get_user_media: Vec<Value>,
    #[serde(rename = "PeerConnections")]
    peer_connections: BTreeMap<String, PeerConnection<'a>>,
    #[serde(rename = "UserAgent")]
    user_agent: String,
    #[serde(rename = "UserAgentData")]
    user_agent_data: Value,
    timestamp: f64,
    /// Ours: viewers pass over it.
    peerpress: Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PeerConnection<'a> {
    pid: usize,
    rid: usize,
    lid: usize,
    url: String,
    rtc_configuration: String,
    constraints: &'static str,
    update_log: Log<'a>,
    stats: Stats<'a>,
}

#[derive(Serialize)]
struct Entry<'a> {
    time: Timestamp,
    timestamp: f64,
    r#type: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Property<'a> {
    start_time: Timestamp,
    end_time: Timestamp,
    stats_type: &'a str,
    values: &'a str,
}

/// The dump of a conference.
pub fn dump<'a>(report: &'a ConferenceReport, world: &World) -> Dump<'a> {
    let dossier = &report.dossier;
    let mut numbers: BTreeMap<ParticipantId, usize> = BTreeMap::new();
    let participants = dossier.connections.iter().map(|row| row.participant_id);
    for id in participants.chain(dossier.events.iter().map(|event| event.participant_id)) {
        let next = numbers.len() + 1;
        numbers.entry(id).or_insert(next);
    }
    let mut counts: BTreeMap<ParticipantId, usize> = BTreeMap::new();
    let mut peer_connections = BTreeMap::new();
    for row in &dossier.connections {
        let pid = numbers.get(&row.participant_id).copied().unwrap_or_default();
        let lid = counts.entry(row.participant_id).or_default();
        *lid += 1;
        let events: Vec<&EventRow> = dossier.events.iter().filter(|event| is_of(event, row)).collect();
        let label = |id| world.person(id).label;
        let connection = PeerConnection {
            pid,
            rid: pid,
            lid: *lid,
            url: format!("{} → {}", label(row.participant_id), label(row.peer_id)),
            rtc_configuration: configuration(&events),
            constraints: "",
            update_log: Log(events),
            stats: Stats { samples: &dossier.samples, connection: Some(row.id) },
        };
        peer_connections.insert(format!("{pid}-{lid}"), connection);
    }
    let last = dossier.events.last().map(|event| event.created_at);
    let last = last.max(dossier.samples.last().map(Sample::created_at));
    Dump {
        get_user_media: user_media(&dossier.events, &numbers, world),
        peer_connections,
        user_agent: browsers(report, world),
        user_agent_data: json!({"brands": [], "fullVersionList": [], "mobile": false, "platform": ""}),
        timestamp: millis(last.unwrap_or(dossier.conference.created_at)),
        peerpress: json!({"conference": dossier.conference.id, "missing": MISSING}),
    }
}

/// Milliseconds since the Unix epoch, with their fraction.
fn millis(at: Timestamp) -> f64 {
    at.as_micros() as f64 / 1000.0
}

fn is_of(event: &EventRow, row: &ConnectionRow) -> bool {
    match event.connection_id {
        Some(id) => id == row.id,
        None => {
            event.r#type == "peerDetails"
                && event.session_id == row.session_id
                && event.peer_id == Some(row.peer_id)
        }
    }
}

fn browsers(report: &ConferenceReport, world: &World) -> String {
    let mut list: Vec<String> = Vec::new();
    for visit in &report.visits {
        let Some(platform) = &visit.platform else { continue };
        let parts = [&platform.browser, &platform.browser_version, &platform.os, &platform.os_version];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        let text = format!("{}: {}", world.person(visit.participant).label, parts.join(" "));
        if !list.contains(&text) {
            list.push(text);
        }
    }
    format!("written by peerpress from Peer Metrics; {}", list.join("; "))
}

fn configuration(events: &[&EventRow]) -> String {
    let of = |event: &&&EventRow| -> Option<Value> {
        event.data.as_ref()?.parse()?.get("peerConfiguration").cloned()
    };
    let found = events.iter().rfind(|event| event.r#type == "peerDetails").as_ref().and_then(of);
    found.map_or_else(|| "{}".to_owned(), |value| value.to_string())
}

/// A session description, with its type first: that is how viewers know one.
#[derive(Serialize)]
struct Description<'a> {
    r#type: &'a str,
    sdp: &'a str,
}

/// What happened on a connection.
struct Log<'a>(Vec<&'a EventRow>);

impl Serialize for Log<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut log = serializer.serialize_seq(None)?;
        let mut known: BTreeMap<&str, String> = BTreeMap::new();
        for event in &self.0 {
            let mut add = |kind: &str, value: &str| {
                let (time, timestamp) = (event.created_at, millis(event.created_at));
                log.serialize_element(&Entry { time, timestamp, r#type: kind, value })
            };
            if event.r#type == "onsignalingstatechange"
                && let Some(Value::Object(data)) = event.data.as_ref().and_then(Json::parse)
            {
                for (side, call) in [
                    ("localDescription", "setLocalDescription"),
                    ("remoteDescription", "setRemoteDescription"),
                ] {
                    let text = |key: &str| data.get(side)?.get(key)?.as_str();
                    let (Some(kind), Some(sdp)) = (text("type"), text("sdp")) else { continue };
                    let value = serde_json::to_string(&Description { r#type: kind, sdp }).unwrap_or_default();
                    if known.get(side) != Some(&value) {
                        add(call, &value)?;
                        known.insert(side, value);
                    }
                }
                add(&event.r#type, &data.get("signalingState").map_or_else(String::new, Value::to_string))?;
                continue;
            }
            let value = event.data.as_ref().map_or("", |data| data.0.as_str());
            // What begins like a description is taken for one.
            match value.strip_prefix("{\"type\":") {
                Some(rest) => add(&event.r#type, &format!("{{ \"type\":{rest}"))?,
                None => add(&event.r#type, value)?,
            }
        }
        log.end()
    }
}

fn user_media(events: &[EventRow], numbers: &BTreeMap<ParticipantId, usize>, world: &World) -> Vec<Value> {
    let mut list = Vec::new();
    for (number, event) in events.iter().filter(|event| event.r#type == "getUserMedia").enumerate() {
        let Some(Value::Object(data)) = event.data.as_ref().and_then(Json::parse) else { continue };
        let pid = numbers.get(&event.participant_id).copied().unwrap_or_default();
        let mut entry = json!({
            "pid": pid, "rid": pid, "request_id": number, "request_type": "getUserMedia",
            "timestamp": millis(event.created_at), "time": event.created_at,
        });
        let Some(map) = entry.as_object_mut() else { continue };
        if let Some(error) = data.get("error") {
            let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
            map.insert("error".to_owned(), text("name").into());
            map.insert("error_message".to_owned(), text("message").into());
        } else if let Some(constraints) = data.get("constraints") {
            map.insert("url".to_owned(), world.person(event.participant_id).label.into());
            for kind in ["audio", "video"] {
                // An empty text is a request without further wishes.
                let wish = match constraints.get(kind) {
                    None | Some(Value::Null | Value::Bool(false)) => continue,
                    Some(Value::Bool(true)) => String::new(),
                    Some(wish) => wish.to_string(),
                };
                map.insert(kind.to_owned(), wish.into());
            }
        } else {
            for kind in ["audio", "video"] {
                let Some(track) = data.get(kind).and_then(|tracks| tracks.get(0)) else { continue };
                let text = |key: &str| track.get(key).and_then(Value::as_str).unwrap_or_default();
                let info = json!({"id": text("id"), "label": text("label")});
                map.insert(format!("{kind}_track_info"), info.to_string().into());
            }
        }
        list.push(entry);
    }
    list
}

/// What a row tells one report about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Connection,
    /// The row itself.
    Own,
    LocalCandidate,
    RemoteCandidate,
    Codec,
    Source,
}

/// Writes a member of a row as JSON; gives whether the row has it.
type Get = fn(Sample<'_>, &mut Vec<u8>) -> bool;

fn write<T: Serialize>(value: Option<T>, to: &mut Vec<u8>) -> bool {
    // Into memory, and of a type that is always JSON.
    value.is_some_and(|value| serde_json::to_writer(to, &value).is_ok())
}

/// When a row is of.
fn time_of(row: Sample<'_>) -> Timestamp {
    row.timestamp().unwrap_or(row.created_at())
}

/// The id of a row's own report.
fn id_of(row: Sample<'_>) -> String {
    match (row.id(), row.ssrc()) {
        (Some(id), _) => id.to_owned(),
        (None, Some(ssrc)) => format!("{}_{ssrc}", row.report()),
        (None, None) => row.report().to_owned(),
    }
}

/// One report over time.
struct Report {
    kind: String,
    /// Places among the samples.
    rows: Vec<u32>,
    /// From which of them on which role they have: mostly one throughout.
    roles: Vec<(usize, Role)>,
    first: Timestamp,
    last: Timestamp,
    /// Of the last row.
    newest: Timestamp,
}

impl Report {
    /// The rows of each role.
    fn runs(&self) -> impl Iterator<Item = (Role, &[u32])> {
        let ends = self.roles.iter().skip(1).map(|(start, _)| *start).chain([self.rows.len()]);
        self.roles.iter().zip(ends).map(|((start, role), end)| (*role, &self.rows[*start..end]))
    }

    /// The members that any row has.
    fn names(&self, samples: &Samples) -> BTreeSet<&'static str> {
        let mut names = BTreeSet::from([TIMESTAMP]);
        let mut unused = Vec::new();
        for (role, rows) in self.runs() {
            for (name, get) in role.members() {
                if !names.contains(name) && rows.iter().any(|row| get(samples.at(*row as usize), &mut unused))
                {
                    names.insert(name);
                    unused.clear();
                }
            }
        }
        names
    }

    /// A member over time, as a list in JSON.
    fn write(&self, name: &str, samples: &Samples, to: &mut Vec<u8>) {
        to.push(b'[');
        for (role, rows) in self.runs() {
            let get = role.get(name);
            for row in rows {
                if to.len() > 1 {
                    to.push(b',');
                }
                if !get.is_some_and(|get| get(samples.at(*row as usize), to)) {
                    to.extend_from_slice(b"null");
                }
            }
        }
        to.push(b']');
    }
}

/// All reports of a connection, by their ids.
#[derive(Default)]
struct Reports(BTreeMap<String, Report>);

impl Reports {
    fn of(samples: &Samples, connection: Option<ConnectionId>) -> Self {
        let mut reports = Self::default();
        let own = samples.iter().enumerate().filter(|(_, row)| row.connection_id() == connection);
        for (place, row) in own {
            let place = (place as u32, row);
            let id = id_of(row);
            let pair = row.report() == CANDIDATE_PAIR;
            if pair {
                reports.add("P", ("peer-connection", Role::Connection), place);
            }
            if pair && !row.selected() {
                continue;
            }
            reports.add(&id, (row.report(), Role::Own), place);
            if pair {
                reports.add(&format!("{id}_local"), ("local-candidate", Role::LocalCandidate), place);
                reports.add(&format!("{id}_remote"), ("remote-candidate", Role::RemoteCandidate), place);
            }
            if let Some(codec) = row.mime_type() {
                reports.add(&format!("codec_{codec}"), ("codec", Role::Codec), place);
            }
            if has_source(row) {
                reports.add(&format!("{id}_source"), ("media-source", Role::Source), place);
            }
        }
        reports
    }

    /// Adds a row to the report with this id, but for a codec of which it was told at that time: streams that share one tell
    /// of it one after the other.
    fn add(&mut self, id: &str, (kind, role): (&str, Role), (place, row): (u32, Sample<'_>)) {
        let at = time_of(row);
        let mut key = id.replace('[', "(");
        if self.0.get(&key).is_some_and(|report| report.kind != kind) {
            key = format!("{key}_{kind}");
        }
        match self.0.entry(key) {
            Slot::Vacant(slot) => {
                let (kind, rows) = (kind.to_owned(), vec![place]);
                slot.insert(Report { kind, rows, roles: vec![(0, role)], first: at, last: at, newest: at });
            }
            Slot::Occupied(slot) => {
                let report = slot.into_mut();
                if role == Role::Codec && report.newest >= at {
                    return;
                }
                if report.roles.last().is_none_or(|(_, last)| *last != role) {
                    report.roles.push((report.rows.len(), role));
                }
                report.rows.push(place);
                (report.first, report.last) = (report.first.min(at), report.last.max(at));
                report.newest = at;
            }
        }
    }
}

/// The stats of a connection.
struct Stats<'a> {
    samples: &'a Samples,
    connection: Option<ConnectionId>,
}

impl Serialize for Stats<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reports = Reports::of(self.samples, self.connection);
        let mut properties = BTreeMap::new();
        for (id, report) in &reports.0 {
            let names = report.names(self.samples).into_iter();
            properties.extend(names.map(|name| (format!("{id}-{name}"), (report, name))));
        }
        let mut map = serializer.serialize_map(Some(properties.len()))?;
        let mut values = Vec::new();
        for (key, (report, name)) in properties {
            values.clear();
            report.write(name, self.samples, &mut values);
            let property = Property {
                start_time: report.first,
                end_time: report.last,
                stats_type: &report.kind,
                values: &String::from_utf8_lossy(&values),
            };
            map.serialize_entry(&key, &property)?;
        }
        map.end()
    }
}

/// The member that every report has.
const TIMESTAMP: &str = "timestamp";

macro_rules! members {
    ($($field:ident: $name:literal),* $(,)?) => {
        &[$(($name, |row, to| write(row.$field(), to))),*]
    };
}

type Members = &'static [(&'static str, Get)];

impl Role {
    /// The members of a report by their names in W3C webrtc-stats.
    fn members(self) -> impl Iterator<Item = &'static (&'static str, Get)> {
        let (plain, derived): (Members, Members) = match self {
            Self::Connection => (CHANNELS, &[]),
            Self::Own => (OWN, DERIVED),
            Self::LocalCandidate => (LOCAL_CANDIDATE, &[]),
            Self::RemoteCandidate => (REMOTE_CANDIDATE, &[]),
            Self::Codec => (CODEC, &[]),
            Self::Source => (SOURCE, &[]),
        };
        plain.iter().chain(derived)
    }

    fn get(self, name: &str) -> Option<Get> {
        if name == TIMESTAMP {
            return Some(|row, to| write(Some(millis(time_of(row))), to));
        }
        self.members().find(|(known, _)| *known == name).map(|(_, get)| *get)
    }
}

const OWN: Members = members! {
    kind: "kind", local_id: "localId", ssrc: "ssrc", mid: "mid",
    bytes_sent: "bytesSent", bytes_received: "bytesReceived",
    header_bytes_sent: "headerBytesSent", header_bytes_received: "headerBytesReceived",
    packets_sent: "packetsSent", packets_received: "packetsReceived",
    packets_lost: "packetsLost", packets_discarded: "packetsDiscarded",
    nack_count: "nackCount", pli_count: "pliCount", fir_count: "firCount",
    fec_packets_received: "fecPacketsReceived",
    retransmitted_packets_sent: "retransmittedPacketsSent",
    responses_received: "responsesReceived", total_round_trip_time: "totalRoundTripTime",
    current_round_trip_time: "currentRoundTripTime", round_trip_time: "roundTripTime",
    round_trip_time_measurements: "roundTripTimeMeasurements", fraction_lost: "fractionLost",
    available_outgoing_bitrate: "availableOutgoingBitrate", target_bitrate: "targetBitrate",
    jitter: "jitter", jitter_buffer_delay: "jitterBufferDelay",
    jitter_buffer_target_delay: "jitterBufferTargetDelay",
    jitter_buffer_emitted_count: "jitterBufferEmittedCount",
    audio_level: "audioLevel", total_audio_energy: "totalAudioEnergy",
    total_samples_duration: "totalSamplesDuration", total_samples_received: "totalSamplesReceived",
    concealed_samples: "concealedSamples", silent_concealed_samples: "silentConcealedSamples",
    concealment_events: "concealmentEvents",
    inserted_samples_for_deceleration: "insertedSamplesForDeceleration",
    removed_samples_for_acceleration: "removedSamplesForAcceleration",
    frame_width: "frameWidth", frame_height: "frameHeight", frames_per_second: "framesPerSecond",
    frames_sent: "framesSent", frames_encoded: "framesEncoded", frames_received: "framesReceived",
    frames_decoded: "framesDecoded", frames_dropped: "framesDropped",
    key_frames_encoded: "keyFramesEncoded", key_frames_decoded: "keyFramesDecoded",
    total_encode_time: "totalEncodeTime", total_decode_time: "totalDecodeTime",
    total_inter_frame_delay: "totalInterFrameDelay",
    total_squared_inter_frame_delay: "totalSquaredInterFrameDelay",
    freeze_count: "freezeCount", total_freezes_duration: "totalFreezesDuration",
    pause_count: "pauseCount", total_pauses_duration: "totalPausesDuration", qp_sum: "qpSum",
    quality_limitation_reason: "qualityLimitationReason",
    quality_limitation_resolution_changes: "qualityLimitationResolutionChanges",
    encoder_implementation: "encoderImplementation", decoder_implementation: "decoderImplementation",
    state: "state", nominated: "nominated",
};

/// What is no column of its own.
const DERIVED: Members = &[
    ("trackIdentifier", |row, to| write(row.track_identifier().filter(|_| row.report() != OUTBOUND), to)),
    ("localCandidateId", |row, to| write(is_pair(row).then(|| format!("{}_local", id_of(row))), to)),
    ("remoteCandidateId", |row, to| write(is_pair(row).then(|| format!("{}_remote", id_of(row))), to)),
    ("codecId", |row, to| write(row.mime_type().map(|codec| format!("codec_{codec}")), to)),
    ("mediaSourceId", |row, to| write(has_source(row).then(|| format!("{}_source", id_of(row))), to)),
    ("qualityLimitationDurations", |row, to| write(Limits::of(row), to)),
];

/// Seconds by reason.
#[derive(Serialize)]
struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    bandwidth: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<f64>,
}

impl Limits {
    fn of(row: Sample<'_>) -> Option<Self> {
        let limits =
            Self { cpu: row.quality_limitation_cpu(), bandwidth: row.quality_limitation_bandwidth() };
        (limits.cpu.is_some() || limits.bandwidth.is_some()).then_some(limits)
    }
}

const CHANNELS: Members =
    members! { data_channels_opened: "dataChannelsOpened", data_channels_closed: "dataChannelsClosed" };

const LOCAL_CANDIDATE: Members = members! {
    local_candidate_type: "candidateType", local_protocol: "protocol",
    local_relay_protocol: "relayProtocol", local_network_type: "networkType", local_address: "address",
};

const REMOTE_CANDIDATE: Members = members! {
    remote_candidate_type: "candidateType", remote_protocol: "protocol", remote_address: "address",
};

const CODEC: Members = members! { mime_type: "mimeType", clock_rate: "clockRate" };

const SOURCE: Members = members! {
    track_identifier: "trackIdentifier", source_audio_level: "audioLevel",
    source_total_audio_energy: "totalAudioEnergy",
    source_total_samples_duration: "totalSamplesDuration",
    source_frames_per_second: "framesPerSecond", source_height: "height",
};

fn is_pair(row: Sample<'_>) -> bool {
    row.report() == CANDIDATE_PAIR
}

/// Whether the row has anything of a media source.
fn has_source(row: Sample<'_>) -> bool {
    let numbers = [
        row.source_audio_level().is_some(),
        row.source_total_audio_energy().is_some(),
        row.source_total_samples_duration().is_some(),
        row.source_frames_per_second().is_some(),
        row.source_height().is_some(),
    ];
    row.report() == OUTBOUND && (row.track_identifier().is_some() || numbers.contains(&true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::SampleRow;

    #[test]
    fn a_member_that_was_not_in_every_report_has_null_in_its_gaps() {
        let row = |second: f64, sent: Option<i64>, jitter: Option<f64>| SampleRow {
            id: Some("O[1".to_owned()),
            report: OUTBOUND.to_owned(),
            timestamp: Some(Timestamp::default().plus_seconds(second)),
            bytes_sent: sent,
            jitter,
            ..SampleRow::default()
        };
        let rows = [row(0.5, Some(1), None), row(10.5, None, Some(0.25)), row(20.5, Some(3), None)];
        let samples: Samples = rows.iter().collect();
        let stats = serde_json::to_value(Stats { samples: &samples, connection: None }).unwrap();
        let text = |key: &str| stats[key]["values"].as_str().unwrap();
        assert_eq!(text("O(1-timestamp"), "[500.0,10500.0,20500.0]");
        assert_eq!(text("O(1-bytesSent"), "[1,null,3]");
        assert_eq!(text("O(1-jitter"), "[null,0.25,null]");
        assert_eq!(stats["O(1-jitter"]["startTime"], "1970-01-01T00:00:00.500000Z");
    }
}
