//! Stats events to rows of `samples`: both the older shape (all reports inline in one event per poll) and today's (own
//! outbound reports in events of their tracks), and stored summaries where the events were cleaned up.
//!
//! Members of the wrong type count as absent: browsers and SDK versions differ, and the data is not ours.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::cell::Json;
use super::rows::{ConferenceRow, EventRow, SampleRow};
use crate::ids::{ConnectionId, EventId, ParticipantId, SessionId};
use crate::units::Timestamp;

/// `report` of a candidate pair row.
pub const CANDIDATE_PAIR: &str = "candidate-pair";
/// `report` of what this side receives.
pub const INBOUND: &str = "inbound-rtp";
/// `report` of what this side sends.
pub const OUTBOUND: &str = "outbound-rtp";
/// `report` of what the other side says it receives from us.
pub const REMOTE_INBOUND: &str = "remote-inbound-rtp";
/// `report` of what the other side says it sends to us.
pub const REMOTE_OUTBOUND: &str = "remote-outbound-rtp";

/// The rows of one stats event, in the order of its reports; `None` if its data cannot be read as an object.
pub fn samples_of_event(event: &EventRow) -> Option<Vec<SampleRow>> {
    let Value::Object(data) = event.data.as_ref()?.parse()? else { return None };
    let base = SampleRow {
        conference_id: event.conference_id,
        event_id: event.id,
        created_at: event.created_at,
        app_id: event.app_id,
        session_id: event.session_id,
        participant_id: event.participant_id,
        peer_id: event.peer_id,
        connection_id: event.connection_id,
        track_id: event.track_id,
        ..SampleRow::default()
    };
    let mut rows = Vec::new();
    if event.track_id.is_some() {
        let report = text(&data, "type").unwrap_or_default();
        let kind = text(&data, "kind").or_else(|| text(&data, "mediaType"));
        rows.push(sample(&base, &report, kind.as_deref(), &data));
    } else {
        main_event(&base, &data, &mut rows);
    }
    for (place, row) in rows.iter_mut().enumerate() {
        row.place = place as i64;
    }
    Some(rows)
}

fn main_event(base: &SampleRow, data: &Map<String, Value>, rows: &mut Vec<SampleRow>) {
    if let Some(Value::Object(pair)) = data.get("connection")
        && !pair.is_empty()
    {
        let mut row = sample(base, CANDIDATE_PAIR, None, pair);
        row.selected = row.id.is_some();
        row.remote = data.get("remote").map(|remote| Json(remote.to_string()));
        for (side, target) in [("local", true), ("remote", false)] {
            let Some(Value::Object(candidate)) = pair.get(side) else { continue };
            let address = text(candidate, "address").or_else(|| text(candidate, "ip"));
            if target {
                row.local_candidate_type = text(candidate, "candidateType");
                row.local_protocol = text(candidate, "protocol");
                row.local_relay_protocol = text(candidate, "relayProtocol");
                row.local_network_type = text(candidate, "networkType");
                row.local_address = address;
            } else {
                row.remote_candidate_type = text(candidate, "candidateType");
                row.remote_protocol = text(candidate, "protocol");
                row.remote_address = address;
            }
        }
        rows.push(row);
    }
    for kind in ["audio", "video"] {
        for (direction, report) in [("inbound", INBOUND), ("outbound", OUTBOUND)] {
            for entry in reports(data, kind, direction) {
                rows.push(sample(base, report, Some(kind), entry));
            }
        }
    }
    if let Some(Value::Object(remote)) = data.get("remote") {
        for kind in ["audio", "video"] {
            for (direction, report) in [("inbound", REMOTE_INBOUND), ("outbound", REMOTE_OUTBOUND)] {
                for entry in reports(remote, kind, direction) {
                    rows.push(sample(base, report, Some(kind), entry));
                }
            }
        }
    }
}

fn reports<'a>(
    data: &'a Map<String, Value>,
    kind: &str,
    direction: &str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let list = data.get(kind).and_then(|media| media.get(direction)).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_object)
}

/// The rows of a stored summary, for a conference whose stats events are gone. A summary keeps fewer members than
/// the events had; the rest is absent.
///
/// The service attaches the events of tracks to the poll *before* theirs. Where the first poll of a connection holds an
/// id twice, that shift is proven and undone.
pub fn samples_of_summary(conference: &ConferenceRow) -> Vec<SampleRow> {
    let Some(Value::Array(snapshots)) = conference.summary_data.as_ref().and_then(Json::parse) else {
        return Vec::new();
    };
    let mut rows: Vec<SampleRow> = Vec::new();
    let mut connections: BTreeMap<ConnectionId, Vec<SummaryPoll>> = BTreeMap::new();
    for snapshot in &snapshots {
        let Some(base) = summary_base(conference, snapshot) else { continue };
        let Some(Value::Object(data)) = snapshot.get("data") else { continue };
        let mut data = data.clone();
        // In a summary, no key `track` survives; all tracks had one, or they would not have been stored.
        for kind in ["audio", "video"] {
            for direction in ["inbound", "outbound"] {
                let list = data.get_mut(kind).and_then(|media| media.get_mut(direction));
                for entry in list.and_then(Value::as_array_mut).into_iter().flatten() {
                    if let Some(entry) = entry.as_object_mut() {
                        entry.entry("track").or_insert(Value::Null);
                    }
                }
            }
        }
        connections.entry(base.connection_id.unwrap_or_default()).or_default().push((base, data));
    }
    for polls in connections.values_mut() {
        undo_shift(polls);
        for (base, data) in polls {
            let first = rows.len();
            main_event(base, data, &mut rows);
            for (place, row) in rows[first..].iter_mut().enumerate() {
                row.place = place as i64;
            }
        }
    }
    rows.sort_by_key(|row| (row.created_at, row.event_id, row.place));
    rows
}

fn summary_base(conference: &ConferenceRow, snapshot: &Value) -> Option<SampleRow> {
    let id = |key: &str| snapshot.get(key).and_then(Value::as_str);
    Some(SampleRow {
        conference_id: conference.id,
        event_id: id("id")?.parse::<EventId>().ok()?,
        created_at: Timestamp::parse(id("created_at")?)?,
        app_id: conference.app_id,
        session_id: id("session")?.parse::<SessionId>().ok()?,
        participant_id: id("participant")?.parse::<ParticipantId>().ok()?,
        peer_id: id("peer").and_then(|peer| peer.parse().ok()),
        connection_id: id("connection").and_then(|connection| connection.parse().ok()),
        from_summary: true,
        ..SampleRow::default()
    })
}

/// One poll of a summary: what its rows have in common, and its data.
type SummaryPoll = (SampleRow, Map<String, Value>);

fn undo_shift(polls: &mut [SummaryPoll]) {
    for kind in ["audio", "video"] {
        let mut list_of = |poll: usize| -> Option<Vec<Value>> {
            let list = polls.get_mut(poll)?.1.get_mut(kind)?.get_mut("outbound")?.as_array_mut()?;
            Some(std::mem::take(list))
        };
        let Some(first) = list_of(0) else { continue };
        let id = |report: &Value| report.get("id").cloned();
        let second_at = first.iter().enumerate().position(|(at, report)| {
            id(report).is_some() && first[..at].iter().any(|earlier| id(earlier) == id(report))
        });
        let mut carried = first;
        let mut shifted = Vec::new();
        if let Some(at) = second_at {
            let rest = carried.split_off(at);
            shifted.push(carried);
            carried = rest;
            for poll in &mut polls[1..] {
                let list = poll.1.get_mut(kind).and_then(|media| media.get_mut("outbound"));
                let own = list.and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
                shifted.push(std::mem::replace(&mut carried, own));
            }
        } else {
            shifted.push(carried);
        }
        for (poll, list) in shifted.into_iter().enumerate() {
            if let Some(target) = polls[poll].1.get_mut(kind).and_then(|media| media.get_mut("outbound")) {
                *target = Value::Array(list);
            }
        }
    }
}

fn sample(base: &SampleRow, report: &str, kind: Option<&str>, data: &Map<String, Value>) -> SampleRow {
    let int = |name: &str| data.get(name).and_then(integer);
    let num = |name: &str| data.get(name).and_then(Value::as_f64);
    let text = |name: &str| text(data, name);
    let limits = data.get("qualityLimitationDurations");
    let source = data.get("track").and_then(Value::as_object);
    let of_source = |name: &str| source.and_then(|source| source.get(name));
    let limited = |reason: &str| limits.and_then(|limits| limits.get(reason)).and_then(Value::as_f64);
    SampleRow {
        report: report.to_owned(),
        kind: kind.map(str::to_owned),
        has_track: data.contains_key("track"),
        id: text("id"),
        local_id: text("localId"),
        media_type: text("mediaType"),
        timestamp: num("timestamp").and_then(Timestamp::from_millis_f64),
        ssrc: int("ssrc"),
        mid: text("mid"),
        mime_type: text("mimeType"),
        clock_rate: int("clockRate"),
        bytes_sent: int("bytesSent"),
        bytes_received: int("bytesReceived"),
        header_bytes_sent: int("headerBytesSent"),
        header_bytes_received: int("headerBytesReceived"),
        packets_sent: int("packetsSent"),
        packets_received: int("packetsReceived"),
        packets_lost: int("packetsLost"),
        packets_discarded: int("packetsDiscarded"),
        nack_count: int("nackCount"),
        pli_count: int("pliCount"),
        fir_count: int("firCount"),
        fec_packets_received: int("fecPacketsReceived"),
        track_identifier: text("trackIdentifier")
            .or_else(|| of_source("trackIdentifier").and_then(Value::as_str).map(str::to_owned)),
        source_audio_level: of_source("audioLevel").and_then(Value::as_f64),
        source_total_audio_energy: of_source("totalAudioEnergy").and_then(Value::as_f64),
        source_total_samples_duration: of_source("totalSamplesDuration").and_then(Value::as_f64),
        source_frames_per_second: of_source("framesPerSecond").and_then(Value::as_f64),
        source_height: of_source("height").and_then(integer),
        retransmitted_packets_sent: int("retransmittedPacketsSent"),
        responses_received: int("responsesReceived"),
        total_round_trip_time: num("totalRoundTripTime"),
        current_round_trip_time: num("currentRoundTripTime"),
        round_trip_time: num("roundTripTime"),
        round_trip_time_measurements: int("roundTripTimeMeasurements"),
        fraction_lost: num("fractionLost"),
        available_outgoing_bitrate: num("availableOutgoingBitrate"),
        bitrate: num("bitrate"),
        target_bitrate: num("targetBitrate"),
        jitter: num("jitter"),
        jitter_buffer_delay: num("jitterBufferDelay"),
        jitter_buffer_target_delay: num("jitterBufferTargetDelay"),
        jitter_buffer_emitted_count: int("jitterBufferEmittedCount"),
        audio_level: num("audioLevel"),
        total_audio_energy: num("totalAudioEnergy"),
        total_samples_duration: num("totalSamplesDuration"),
        total_samples_received: int("totalSamplesReceived"),
        concealed_samples: int("concealedSamples"),
        silent_concealed_samples: int("silentConcealedSamples"),
        concealment_events: int("concealmentEvents"),
        inserted_samples_for_deceleration: int("insertedSamplesForDeceleration"),
        removed_samples_for_acceleration: int("removedSamplesForAcceleration"),
        frame_width: int("frameWidth"),
        frame_height: int("frameHeight"),
        frames_per_second: num("framesPerSecond"),
        frames_sent: int("framesSent"),
        frames_encoded: int("framesEncoded"),
        frames_received: int("framesReceived"),
        frames_decoded: int("framesDecoded"),
        frames_dropped: int("framesDropped"),
        key_frames_encoded: int("keyFramesEncoded"),
        key_frames_decoded: int("keyFramesDecoded"),
        total_encode_time: num("totalEncodeTime"),
        total_decode_time: num("totalDecodeTime"),
        total_inter_frame_delay: num("totalInterFrameDelay"),
        total_squared_inter_frame_delay: num("totalSquaredInterFrameDelay"),
        freeze_count: int("freezeCount"),
        total_freezes_duration: num("totalFreezesDuration"),
        pause_count: int("pauseCount"),
        total_pauses_duration: num("totalPausesDuration"),
        qp_sum: int("qpSum"),
        quality_limitation_reason: text("qualityLimitationReason"),
        quality_limitation_cpu: limited("cpu"),
        quality_limitation_bandwidth: limited("bandwidth"),
        quality_limitation_resolution_changes: int("qualityLimitationResolutionChanges"),
        encoder_implementation: text("encoderImplementation"),
        decoder_implementation: text("decoderImplementation"),
        state: text("state"),
        nominated: data.get("nominated").and_then(Value::as_bool),
        data_channels_opened: int("dataChannelsOpened"),
        data_channels_closed: int("dataChannelsClosed"),
        emos: num("emos"),
        ..base.clone()
    }
}

fn text(data: &Map<String, Value>, name: &str) -> Option<String> {
    data.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A counter: an integer, or a number that is one.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TrackId;
    use uuid::Uuid;

    fn event(data: &str, track: Option<TrackId>) -> EventRow {
        EventRow { data: Some(Json(data.to_owned())), track_id: track, ..EventRow::default() }
    }

    #[test]
    fn an_inline_poll_gives_pair_tracks_and_remote_reports() {
        let rows = samples_of_event(&event(
            r#"{"connection":{"id":"P","bytesSent":7,"local":{"candidateType":"relay","protocol":"udp"}},
                "audio":{"inbound":[{"id":"A","track":{},"jitter":0.002,"packetsLost":-1}]},
                "remote":{"audio":{"inbound":[{"id":"R","localId":"B","roundTripTime":0.1}]}}}"#,
            None,
        ))
        .unwrap();
        let reports: Vec<_> = rows.iter().map(|row| row.report.as_str()).collect();
        assert_eq!(reports, [CANDIDATE_PAIR, INBOUND, REMOTE_INBOUND]);
        assert_eq!(rows[0].local_candidate_type.as_deref(), Some("relay"));
        assert!(rows[0].selected && rows[0].remote.is_some());
        assert_eq!((rows[1].packets_lost, rows[1].jitter, rows[1].has_track), (Some(-1), Some(0.002), true));
        assert_eq!(rows[2].round_trip_time, Some(0.1));
    }

    #[test]
    fn a_track_event_gives_one_row() {
        let track = TrackId(Uuid::from_u128(1));
        let data = r#"{"type":"outbound-rtp","kind":"video","id":"O","framesSent":10.0,"bytesSent":"many"}"#;
        let rows = samples_of_event(&event(data, Some(track))).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(
            (rows[0].report.as_str(), rows[0].frames_sent, rows[0].bytes_sent),
            (OUTBOUND, Some(10), None)
        );
    }

    #[test]
    fn a_poll_without_selected_pair_keeps_its_row_and_says_so() {
        let data = r#"{"connection":{"inbound":[],"outbound":[],"dataChannelsOpened":1}}"#;
        let rows = samples_of_event(&event(data, None)).unwrap();
        assert_eq!((rows.len(), rows[0].selected, rows[0].data_channels_opened), (1, false, Some(1)));
        assert_eq!(samples_of_event(&event(r#"{"connection":{}}"#, None)).unwrap(), []);
    }

    #[test]
    fn data_that_is_no_object_or_nests_too_deeply_is_refused() {
        assert_eq!(samples_of_event(&event("[1]", None)), None);
        let deep = format!("{{\"connection\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(samples_of_event(&event(&deep, None)), None);
    }

    #[test]
    fn the_shift_of_outbound_tracks_in_a_summary_is_undone() {
        let poll = |n: u8, sent: &str| {
            format!(
                r#"{{"id":"00000000-0000-0000-0000-00000000000{n}","session":"{0}","participant":"{0}","connection":"{0}",
                "created_at":"2026-11-23 10:00:0{n}","data":{{"connection":{{"id":"P"}},"audio":{{"inbound":[],"outbound":[{sent}]}}}}}}"#,
                Uuid::nil()
            )
        };
        let own = |bytes: u8| format!(r#"{{"id":"O","bytesSent":{bytes}}}"#);
        let data =
            format!("[{},{},{}]", poll(1, &format!("{},{}", own(1), own(2))), poll(2, &own(3)), poll(3, ""));
        let conference = ConferenceRow { summary_data: Some(Json(data)), ..ConferenceRow::default() };
        let sent: Vec<_> = samples_of_summary(&conference)
            .iter()
            .filter(|row| row.report == OUTBOUND)
            .map(|row| (row.created_at.api(), row.bytes_sent.unwrap()))
            .collect();
        let expected =
            [(1, 1), (2, 2), (3, 3)].map(|(second, bytes)| (format!("2026-11-23 10:00:0{second}"), bytes));
        assert_eq!(sent, expected);
    }
}
