//! A conference in the form that Chromium's chrome://webrtc-internals saves, for the viewers that open such dumps.
//!
//! The form, as Chromium 156 saves it and as the public importers (rtcstats' dump-importer and its library `rtcstats-shared`)
//! read it: `PeerConnections` by `<tab>-<number>`, each with an `updateLog` of `{type, value, timestamp}` with `value` a text
//! that is mostly JSON, and `stats` by `<report's id>-<property>`, each with `startTime`, `endTime`, `statsType` and its values
//! as a JSON text. The property begins after the last `-`; every report has a property `timestamp`; a list that is shorter than
//! that one lacks its first values, so gaps are null. An id may not have `[`, which begins names of computed values. Importers
//! want `UserAgentData`. Older ones read `time` of an entry of the log, newer ones `timestamp`; ours have both.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::ids::ParticipantId;
use crate::report::{ConferenceReport, World};
use crate::snapshot::stats::{CANDIDATE_PAIR, OUTBOUND};
use crate::snapshot::{ConnectionRow, EventRow, Json, Sample};
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

/// The dump.
#[derive(Serialize)]
pub struct Dump {
    #[serde(rename = "getUserMedia")]
    get_user_media: Vec<Value>,
    #[serde(rename = "PeerConnections")]
    peer_connections: BTreeMap<String, PeerConnection>,
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
struct PeerConnection {
    pid: usize,
    rid: usize,
    lid: usize,
    url: String,
    rtc_configuration: String,
    constraints: &'static str,
    update_log: Vec<Entry>,
    stats: BTreeMap<String, Property>,
}

#[derive(Serialize)]
struct Entry {
    time: Timestamp,
    timestamp: f64,
    r#type: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Property {
    start_time: Timestamp,
    end_time: Timestamp,
    stats_type: String,
    values: String,
}

/// The dump of a conference.
pub fn dump(report: &ConferenceReport, world: &World) -> Dump {
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
            update_log: log(&events),
            stats: stats(dossier.samples.iter().filter(|sample| sample.connection_id() == Some(row.id))),
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

fn log(events: &[&EventRow]) -> Vec<Entry> {
    let mut log = Vec::new();
    let mut known: BTreeMap<&str, String> = BTreeMap::new();
    for event in events {
        let mut add = |kind: &str, value: String| {
            log.push(Entry {
                time: event.created_at,
                timestamp: millis(event.created_at),
                r#type: kind.to_owned(),
                value,
            });
        };
        if event.r#type == "onsignalingstatechange"
            && let Some(Value::Object(data)) = event.data.as_ref().and_then(Json::parse)
        {
            for (side, call) in
                [("localDescription", "setLocalDescription"), ("remoteDescription", "setRemoteDescription")]
            {
                let text = |key: &str| data.get(side)?.get(key)?.as_str();
                let (Some(kind), Some(sdp)) = (text("type"), text("sdp")) else { continue };
                let value = serde_json::to_string(&Description { r#type: kind, sdp }).unwrap_or_default();
                if known.get(side) != Some(&value) {
                    known.insert(side, value.clone());
                    add(call, value);
                }
            }
            add(&event.r#type, data.get("signalingState").map_or_else(String::new, Value::to_string));
            continue;
        }
        let value = event.data.as_ref().map(|data| data.0.clone()).unwrap_or_default();
        // What begins like a description is taken for one.
        let value = match value.strip_prefix("{\"type\":") {
            Some(rest) => format!("{{ \"type\":{rest}"),
            None => value,
        };
        add(&event.r#type, value);
    }
    log
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

macro_rules! known {
    ($report:ident, $row:ident, $($field:ident: $name:literal),* $(,)?) => {
        $(if let Some(value) = $row.$field() { $report.put($name, &value); })*
    };
}

/// Values over time, as the inside of a list in JSON.
#[derive(Default)]
struct Values {
    json: Vec<u8>,
    count: usize,
}

impl Values {
    /// The value at a place; places before it that have none are null.
    fn put<T: Serialize + ?Sized>(&mut self, place: usize, value: &T) {
        self.fill(place);
        self.part();
        // Into memory, and of a type that is always JSON.
        drop(serde_json::to_writer(&mut self.json, value));
    }

    fn fill(&mut self, count: usize) {
        while self.count < count {
            self.part();
            self.json.extend_from_slice(b"null");
        }
    }

    fn part(&mut self) {
        if self.count > 0 {
            self.json.push(b',');
        }
        self.count += 1;
    }

    fn finish(mut self, count: usize) -> String {
        self.fill(count);
        format!("[{}]", String::from_utf8_lossy(&self.json))
    }
}

/// One report over time.
#[derive(Default)]
struct Report {
    kind: String,
    times: Vec<Timestamp>,
    values: Vec<(&'static str, Values)>,
    /// Where the next member is looked for first: members come in the same order each time.
    next: usize,
}

impl Report {
    fn begin(&mut self, at: Timestamp) {
        self.times.push(at);
        self.next = 0;
    }

    /// A member at the last time.
    fn put<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) {
        let is_it = |(known, _): &(&'static str, Values)| *known == name;
        let place = match self.values.get(self.next) {
            Some(next) if is_it(next) => self.next,
            _ => self.values.iter().position(is_it).unwrap_or_else(|| {
                self.values.push((name, Values::default()));
                self.values.len() - 1
            }),
        };
        self.values[place].1.put(self.times.len() - 1, value);
        self.next = place + 1;
    }
}

/// All reports of a connection, by their ids.
#[derive(Default)]
struct Reports(BTreeMap<String, Report>);

impl Reports {
    /// The report with this id at the next time; none where it has been told.
    fn at(&mut self, id: &str, kind: &str, at: Timestamp) -> Option<&mut Report> {
        let mut key = id.replace('[', "(");
        if self.0.get(&key).is_some_and(|report| report.kind != kind) {
            key = format!("{key}_{kind}");
        }
        let report = self.0.entry(key).or_default();
        // Streams that share a codec tell of it one after the other.
        if kind == "codec" && report.times.last().is_some_and(|last| *last >= at) {
            return None;
        }
        if report.kind.is_empty() {
            kind.clone_into(&mut report.kind);
        }
        report.begin(at);
        Some(report)
    }
}

fn stats<'a>(samples: impl Iterator<Item = Sample<'a>>) -> BTreeMap<String, Property> {
    let mut reports = Reports::default();
    for row in samples {
        let at = row.timestamp().unwrap_or(row.created_at());
        let id = match (row.id(), row.ssrc()) {
            (Some(id), _) => id.to_owned(),
            (None, Some(ssrc)) => format!("{}_{ssrc}", row.report()),
            (None, None) => row.report().to_owned(),
        };
        let pair = row.report() == CANDIDATE_PAIR;
        let has_source = row.report() == OUTBOUND && has_source(row);
        if pair && let Some(report) = reports.at("P", "peer-connection", at) {
            channels(report, row);
        }
        if pair && !row.selected() {
            continue;
        }
        if let Some(report) = reports.at(&id, row.report(), at) {
            members(report, row);
            if pair {
                report.put("localCandidateId", &format!("{id}_local"));
                report.put("remoteCandidateId", &format!("{id}_remote"));
            }
            if let Some(codec) = row.mime_type() {
                report.put("codecId", &format!("codec_{codec}"));
            }
            if has_source {
                report.put("mediaSourceId", &format!("{id}_source"));
            }
        }
        if pair {
            if let Some(report) = reports.at(&format!("{id}_local"), "local-candidate", at) {
                local_candidate(report, row);
            }
            if let Some(report) = reports.at(&format!("{id}_remote"), "remote-candidate", at) {
                remote_candidate(report, row);
            }
        }
        if let Some(codec) = row.mime_type()
            && let Some(report) = reports.at(&format!("codec_{codec}"), "codec", at)
        {
            report.put("mimeType", codec);
            known!(report, row, clock_rate: "clockRate");
        }
        if has_source && let Some(report) = reports.at(&format!("{id}_source"), "media-source", at) {
            source(report, row);
        }
    }
    let mut stats = BTreeMap::new();
    for (id, report) in reports.0 {
        let (Some(first), Some(last)) = (report.times.iter().min(), report.times.iter().max()) else {
            continue;
        };
        let mut times = Values::default();
        for (place, at) in report.times.iter().enumerate() {
            times.put(place, &millis(*at));
        }
        for (name, values) in report.values.into_iter().chain([("timestamp", times)]) {
            stats.insert(
                format!("{id}-{name}"),
                Property {
                    start_time: *first,
                    end_time: *last,
                    stats_type: report.kind.clone(),
                    values: values.finish(report.times.len()),
                },
            );
        }
    }
    stats
}

/// The members of a report by their names in W3C webrtc-stats.
fn members(report: &mut Report, row: Sample<'_>) {
    known!(report, row,
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
    );
    if row.report() != OUTBOUND {
        known!(report, row, track_identifier: "trackIdentifier");
    }
    let limits = Limits { cpu: row.quality_limitation_cpu(), bandwidth: row.quality_limitation_bandwidth() };
    if limits.cpu.is_some() || limits.bandwidth.is_some() {
        report.put("qualityLimitationDurations", &limits);
    }
}

/// Seconds by reason.
#[derive(Serialize)]
struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    bandwidth: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<f64>,
}

fn channels(report: &mut Report, row: Sample<'_>) {
    known!(report, row,
        data_channels_opened: "dataChannelsOpened", data_channels_closed: "dataChannelsClosed");
}

fn local_candidate(report: &mut Report, row: Sample<'_>) {
    known!(report, row,
        local_candidate_type: "candidateType", local_protocol: "protocol",
        local_relay_protocol: "relayProtocol", local_network_type: "networkType", local_address: "address");
}

fn remote_candidate(report: &mut Report, row: Sample<'_>) {
    known!(report, row, remote_candidate_type: "candidateType", remote_protocol: "protocol", remote_address: "address");
}

fn source(report: &mut Report, row: Sample<'_>) {
    known!(report, row,
        track_identifier: "trackIdentifier", source_audio_level: "audioLevel",
        source_total_audio_energy: "totalAudioEnergy",
        source_total_samples_duration: "totalSamplesDuration",
        source_frames_per_second: "framesPerSecond", source_height: "height");
}

/// Whether the row has anything of its media source.
fn has_source(row: Sample<'_>) -> bool {
    let numbers = [
        row.source_audio_level().is_some(),
        row.source_total_audio_energy().is_some(),
        row.source_total_samples_duration().is_some(),
        row.source_frames_per_second().is_some(),
        row.source_height().is_some(),
    ];
    row.track_identifier().is_some() || numbers.contains(&true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{SampleRow, Samples};

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
        let stats = stats(samples.iter());
        let text = |key: &str| stats[key].values.as_str();
        assert_eq!(text("O(1-timestamp"), "[500.0,10500.0,20500.0]");
        assert_eq!(text("O(1-bytesSent"), "[1,null,3]");
        assert_eq!(text("O(1-jitter"), "[null,0.25,null]");
        assert_eq!(stats["O(1-jitter"].start_time.rfc3339(), "1970-01-01T00:00:00.500000Z");
    }
}
