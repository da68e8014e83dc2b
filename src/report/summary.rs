//! The summary of a conference in the form of Peer Metrics' version 1: the stats events of a conference, thinned to what
//! its graphs read. Used where the service stored none; a test shows that ours equals the stored ones.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::ids::ConnectionId;
use crate::metrics::emos::{AudioSample, upstream_emos};
use crate::snapshot::stats::{CANDIDATE_PAIR, INBOUND, OUTBOUND, REMOTE_INBOUND, REMOTE_OUTBOUND};
use crate::snapshot::{Sample, Samples};

/// The summary's array of snapshots; each is made when it is written.
#[derive(Debug, Clone)]
pub struct SummaryV1<'a>(Vec<Snapshot<'a>>);

/// One poll: its candidate pair, what the other side says, and streams.
#[derive(Debug, Clone)]
struct Snapshot<'a> {
    pair: Sample<'a>,
    remote: Vec<Sample<'a>>,
    tracks: Vec<Sample<'a>>,
}

impl Snapshot<'_> {
    fn value(&self) -> Value {
        let mut value = head(self.pair);
        self.tracks.iter().for_each(|row| add_track(&mut value, &self.remote, *row));
        value
    }
}

impl Serialize for SummaryV1<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Snapshot::value))
    }
}

/// The summary of a conference.
///
/// As upstream does it, the event of a track goes into the newest snapshot of its connection so far, and waits for the
/// first one if there is none: in effect into the poll before its own. That flaw is kept here, because this is a copy of
/// upstream's form; our own measures assign tracks to the poll that follows them.
pub fn summary_v1(samples: &Samples) -> SummaryV1<'_> {
    let mut snapshots: Vec<Snapshot<'_>> = Vec::new();
    let mut newest: BTreeMap<Option<ConnectionId>, usize> = BTreeMap::new();
    let mut waiting: BTreeMap<Option<ConnectionId>, Vec<Sample<'_>>> = BTreeMap::new();
    let mut rows = samples.iter().peekable();
    while let Some(first) = rows.next() {
        let id = first.event_id();
        let mut event = vec![first];
        while let Some(next) = rows.next_if(|row| row.event_id() == id) {
            event.push(next);
        }
        let connection = first.connection_id();
        if first.track_id().is_some() {
            match newest.get(&connection) {
                Some(&at) => snapshots[at].tracks.push(first),
                None => waiting.entry(connection).or_default().push(first),
            }
            continue;
        }
        // The event of a connection rather than of a track, if it had a `connection` at all.
        let Some(pair) = event.iter().copied().find(|row| row.report() == CANDIDATE_PAIR) else { continue };
        let of = |reports: [&str; 2]| -> Vec<Sample<'_>> {
            event.iter().copied().filter(|row| reports.contains(&row.report())).collect()
        };
        let mut tracks = of([INBOUND, OUTBOUND]);
        tracks.extend(waiting.remove(&connection).unwrap_or_default());
        newest.insert(connection, snapshots.len());
        snapshots.push(Snapshot { pair, remote: of([REMOTE_INBOUND, REMOTE_OUTBOUND]), tracks });
    }
    SummaryV1(snapshots)
}

fn head(pair: Sample<'_>) -> Value {
    // The service writes Python's `str(None)`.
    let id = |id: Option<String>| id.unwrap_or_else(|| "None".to_owned());
    json!({
        "id": pair.event_id().to_string(),
        "app": pair.app_id().to_string(),
        "session": pair.session_id().to_string(),
        "conference": pair.conference_id().to_string(),
        "participant": pair.participant_id().to_string(),
        "peer": id(pair.peer_id().map(|peer| peer.to_string())),
        "connection": id(pair.connection_id().map(|connection| connection.to_string())),
        "created_at": pair.created_at().api(),
        "type": "stats",
        "data": {
            "connection": {
                "id": pair.id(),
                "bytesSent": pair.bytes_sent(),
                "packetsSent": pair.packets_sent(),
                "responsesReceived": pair.responses_received(),
                "totalRoundTripTime": pair.total_round_trip_time(),
            },
            "remote": pair.remote().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({})),
            "audio": {"inbound": [], "outbound": []},
            "video": {"inbound": [], "outbound": []},
        },
    })
}

fn add_track(snapshot: &mut Value, remote: &[Sample<'_>], row: Sample<'_>) {
    let Some(kind) = row.kind().filter(|kind| matches!(*kind, "audio" | "video")) else { return };
    let direction = if row.report() == INBOUND { "inbound" } else { "outbound" };
    let list = snapshot["data"][kind][direction].as_array_mut();
    if let Some(list) = list {
        list.push(track(row, kind, remote));
    }
}

fn track(row: Sample<'_>, kind: &str, remote: &[Sample<'_>]) -> Value {
    let mut track = Map::new();
    let mut put = |name: &str, value: Value| {
        track.insert(name.to_owned(), value);
    };
    put("id", json!(row.id()));
    put("mediaType", json!(row.media_type()));
    let inbound = row.report() == INBOUND;
    if inbound {
        put("headerBytesReceived", json!(row.header_bytes_received()));
        put("bytesReceived", json!(row.bytes_received()));
        put("packetsReceived", json!(row.packets_received()));
        put("packetsLost", json!(row.packets_lost()));
        put("jitter", json!(row.jitter()));
        // Inline video has no such member upstream; tracks of their own events always have it.
        if kind == "audio" || row.track_id().is_some() {
            put("emos", json!(emos(row, remote)));
        }
    } else {
        put("packetsSent", json!(row.packets_sent()));
        put("headerBytesSent", json!(row.header_bytes_sent()));
        put("bytesSent", json!(row.bytes_sent()));
    }
    if kind == "video" {
        put("frameWidth", json!(row.frame_width()));
        put("frameHeight", json!(row.frame_height()));
        if inbound {
            put("framesReceived", json!(row.frames_received()));
            put("framesDecoded", json!(row.frames_decoded()));
            put("totalDecodeTime", json!(row.total_decode_time()));
        } else {
            put("framesSent", json!(row.frames_sent()));
            put("framesEncoded", json!(row.frames_encoded()));
            put("totalEncodeTime", json!(row.total_encode_time()));
        }
    }
    Value::Object(track)
}

/// eMOS as Peer Metrics computes it, from one report and the remote reports of its poll; what the summary stored where
/// the report was read from one.
pub fn emos(row: Sample<'_>, remote: &[Sample<'_>]) -> Option<f64> {
    if row.from_summary() {
        return row.emos();
    }
    if !row.has_track() || row.kind() != Some("audio") || row.report() != INBOUND {
        return None;
    }
    let sender =
        remote.iter().find(|report| report.report() == REMOTE_OUTBOUND && report.local_id() == row.id());
    let rtt = remote
        .iter()
        .filter(|report| report.report() == REMOTE_INBOUND && report.kind() == Some("audio"))
        .find_map(|report| report.round_trip_time());
    upstream_emos(&AudioSample {
        packets_received: row.packets_received(),
        packets_lost: row.packets_lost(),
        remote_packets_sent: sender.and_then(|report| report.packets_sent()),
        rtt_s: rtt,
        jitter_buffer_delay_s: row.jitter_buffer_delay(),
        jitter_buffer_emitted_count: row.jitter_buffer_emitted_count(),
        bitrate_bps: row.bitrate(),
        fec_packets_received: row.fec_packets_received(),
    })
}
