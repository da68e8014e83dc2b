//! Stats events to rows of `samples`: both the older shape (all reports inline in one event per poll) and today's (own
//! outbound reports in events of their tracks), and stored summaries where the events were cleaned up.
//!
//! Members of the wrong type count as absent: browsers and SDK versions differ, and the data is not ours. This is where most
//! of the time of a snapshot goes, so JSON is read in one pass straight into rows (see `members.rs`).

use std::collections::BTreeMap;

use serde::de::MapAccess;

use super::cell::Json;
use super::members::{List, Object, Opt, flag, int, num, read, skip, text};
use super::rows::{ConferenceRow, EventRow, SampleRow};
use crate::ids::{AppId, ConferenceId, ConnectionId, EventId, ParticipantId, SessionId, TrackId};
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

/// What all rows of one event have in common.
#[derive(Clone, Copy)]
struct Common {
    conference_id: ConferenceId,
    event_id: EventId,
    created_at: Timestamp,
    app_id: AppId,
    session_id: SessionId,
    participant_id: ParticipantId,
    peer_id: Option<ParticipantId>,
    connection_id: Option<ConnectionId>,
    track_id: Option<TrackId>,
    from_summary: bool,
}

impl Common {
    /// Fills it in, and numbers the rows.
    fn stamp(&self, rows: &mut [SampleRow]) {
        for (place, row) in rows.iter_mut().enumerate() {
            row.conference_id = self.conference_id;
            row.event_id = self.event_id;
            row.place = place as i64;
            row.created_at = self.created_at;
            row.app_id = self.app_id;
            row.session_id = self.session_id;
            row.participant_id = self.participant_id;
            row.peer_id = self.peer_id;
            row.connection_id = self.connection_id;
            row.track_id = self.track_id;
            row.from_summary = self.from_summary;
        }
    }
}

/// The rows of one stats event, in the order of its reports; `None` if its data cannot be read as an object.
pub fn samples_of_event(event: &EventRow) -> Option<Vec<SampleRow>> {
    let data = &event.data.as_ref()?.0;
    let mut rows = Vec::new();
    if event.track_id.is_some() {
        let mut row = read::<Opt<Report>>(data)?.0?.row;
        row.kind = row.kind.or_else(|| row.media_type.clone());
        rows.push(row);
    } else {
        read::<Opt<Poll>>(data)?.0?.into_rows(&mut rows);
    }
    let common = Common {
        conference_id: event.conference_id,
        event_id: event.id,
        created_at: event.created_at,
        app_id: event.app_id,
        session_id: event.session_id,
        participant_id: event.participant_id,
        peer_id: event.peer_id,
        connection_id: event.connection_id,
        track_id: event.track_id,
        from_summary: false,
    };
    common.stamp(&mut rows);
    Some(rows)
}

/// The rows of a stored summary, for a conference whose stats events are gone. A summary keeps fewer members than
/// the events had; the rest is absent.
///
/// The service attaches the events of tracks to the poll *before* theirs. Where the first poll of a connection holds an
/// id twice, that shift is proven and undone.
pub fn samples_of_summary(conference: &ConferenceRow) -> Vec<SampleRow> {
    let data = conference.summary_data.as_ref();
    let Some(snapshots) = data.and_then(|data| read::<List<SummaryPoll>>(&data.0)) else { return Vec::new() };
    let mut connections: BTreeMap<ConnectionId, Vec<(Common, Box<Poll>)>> = BTreeMap::new();
    for snapshot in snapshots.0 {
        let Some(common) = snapshot.common(conference) else { continue };
        let Some(poll) = snapshot.data else { continue };
        connections.entry(common.connection_id.unwrap_or_default()).or_default().push((common, poll));
    }
    let mut rows: Vec<SampleRow> = Vec::new();
    for polls in connections.values_mut() {
        undo_shift(polls, |poll| &mut poll.audio.outbound);
        undo_shift(polls, |poll| &mut poll.video.outbound);
        for (common, mut poll) in polls.drain(..) {
            // In a summary, no key `track` survives; all tracks had one, or they would not have been stored.
            for media in [&mut poll.audio, &mut poll.video] {
                media
                    .inbound
                    .iter_mut()
                    .chain(&mut media.outbound)
                    .for_each(|report| report.row.has_track = true);
            }
            let first = rows.len();
            poll.into_rows(&mut rows);
            common.stamp(&mut rows[first..]);
        }
    }
    rows.sort_by_cached_key(|row| (row.created_at, row.event_id, row.place));
    rows
}

fn undo_shift(polls: &mut [(Common, Box<Poll>)], outbound: fn(&mut Poll) -> &mut Reports) {
    let Some((first, others)) = polls.split_first_mut() else { return };
    let first = outbound(&mut first.1);
    let is_second = |at: usize| {
        let id = &first[at].row.id;
        id.is_some() && first[..at].iter().any(|earlier| earlier.row.id == *id)
    };
    let Some(at) = (0..first.len()).find(|at| is_second(*at)) else { return };
    let mut carried = first.split_off(at);
    for (_, poll) in others {
        std::mem::swap(outbound(poll), &mut carried);
    }
}

/// One poll of a summary.
#[derive(Default)]
struct SummaryPoll {
    id: Option<String>,
    created_at: Option<String>,
    session: Option<String>,
    participant: Option<String>,
    peer: Option<String>,
    connection: Option<String>,
    data: Option<Box<Poll>>,
}

impl SummaryPoll {
    /// `None` if it does not say whose it is.
    fn common(&self, conference: &ConferenceRow) -> Option<Common> {
        Some(Common {
            conference_id: conference.id,
            event_id: self.id.as_deref()?.parse().ok()?,
            created_at: Timestamp::parse(self.created_at.as_deref()?)?,
            app_id: conference.app_id,
            session_id: self.session.as_deref()?.parse().ok()?,
            participant_id: self.participant.as_deref()?.parse().ok()?,
            peer_id: self.peer.as_deref().and_then(|peer| peer.parse().ok()),
            connection_id: self.connection.as_deref().and_then(|connection| connection.parse().ok()),
            track_id: None,
            from_summary: true,
        })
    }
}

impl Object for SummaryPoll {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "id" => self.id = text(map)?,
            "created_at" => self.created_at = text(map)?,
            "session" => self.session = text(map)?,
            "participant" => self.participant = text(map)?,
            "peer" => self.peer = text(map)?,
            "connection" => self.connection = text(map)?,
            "data" => self.data = map.next_value::<Opt<Poll>>()?.0,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// The reports of one poll.
#[derive(Default)]
struct Poll {
    pair: Option<Box<Report>>,
    audio: Media,
    video: Media,
    /// The member `remote` as it was, and the reports in it.
    remote: Option<(Json, Box<Remote>)>,
}

impl Poll {
    fn into_rows(self, rows: &mut Vec<SampleRow>) {
        let (remote_text, remote) = self.remote.unzip();
        if let Some(pair) = self.pair.filter(|pair| pair.is_any) {
            let mut row = pair.into_pair();
            row.remote = remote_text;
            rows.push(row);
        }
        let remote = remote.unwrap_or_default();
        let own = [("audio", self.audio), ("video", self.video)];
        for (kind, media) in own {
            media.into_rows(kind, INBOUND, OUTBOUND, rows);
        }
        for (kind, media) in [("audio", remote.audio), ("video", remote.video)] {
            media.into_rows(kind, REMOTE_INBOUND, REMOTE_OUTBOUND, rows);
        }
    }
}

impl Object for Poll {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "connection" => self.pair = map.next_value::<Opt<Report>>()?.0,
            "audio" => self.audio = media(map)?,
            "video" => self.video = media(map)?,
            "remote" => {
                let value: serde_json::Value = map.next_value()?;
                let remote = Opt::<Remote>::of(&value).unwrap_or_default();
                self.remote = Some((Json(value.to_string()), remote));
            }
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// What the other side says, of one poll.
#[derive(Default)]
struct Remote {
    audio: Media,
    video: Media,
}

impl Object for Remote {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "audio" => self.audio = media(map)?,
            "video" => self.video = media(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

type Reports = Vec<Box<Report>>;

/// The reports of one kind.
#[derive(Default)]
struct Media {
    inbound: Reports,
    outbound: Reports,
}

fn media<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Media, A::Error> {
    Ok(*map.next_value::<Opt<Media>>()?.0.unwrap_or_default())
}

impl Media {
    fn into_rows(self, kind: &str, inbound: &str, outbound: &str, rows: &mut Vec<SampleRow>) {
        for (reports, name) in [(self.inbound, inbound), (self.outbound, outbound)] {
            rows.extend(reports.into_iter().map(|report| SampleRow {
                report: name.to_owned(),
                kind: Some(kind.to_owned()),
                ..report.row
            }));
        }
    }
}

impl Object for Media {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "inbound" => self.inbound = map.next_value::<List<Report>>()?.0,
            "outbound" => self.outbound = map.next_value::<List<Report>>()?.0,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// One side of a candidate pair.
#[derive(Default)]
struct Candidate {
    candidate_type: Option<String>,
    protocol: Option<String>,
    relay_protocol: Option<String>,
    network_type: Option<String>,
    address: Option<String>,
    /// The old name of `address`.
    ip: Option<String>,
}

impl Object for Candidate {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "candidateType" => self.candidate_type = text(map)?,
            "protocol" => self.protocol = text(map)?,
            "relayProtocol" => self.relay_protocol = text(map)?,
            "networkType" => self.network_type = text(map)?,
            "address" => self.address = text(map)?,
            "ip" => self.ip = text(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// The media source or track that came with a report.
#[derive(Default)]
struct Source {
    track_identifier: Option<String>,
    audio_level: Option<f64>,
    total_audio_energy: Option<f64>,
    total_samples_duration: Option<f64>,
    frames_per_second: Option<f64>,
    height: Option<i64>,
}

impl Object for Source {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "trackIdentifier" => self.track_identifier = text(map)?,
            "audioLevel" => self.audio_level = num(map)?,
            "totalAudioEnergy" => self.total_audio_energy = num(map)?,
            "totalSamplesDuration" => self.total_samples_duration = num(map)?,
            "framesPerSecond" => self.frames_per_second = num(map)?,
            "height" => self.height = int(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// `qualityLimitationDurations`.
#[derive(Default)]
struct Limits {
    cpu: Option<f64>,
    bandwidth: Option<f64>,
}

impl Object for Limits {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "cpu" => self.cpu = num(map)?,
            "bandwidth" => self.bandwidth = num(map)?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// A report, as a row that is not stamped yet.
#[derive(Default)]
struct Report {
    row: SampleRow,
    /// Whether it has any member.
    is_any: bool,
    /// Of the media source: used where the report has none of its own.
    source_track_identifier: Option<String>,
    local: Option<Box<Candidate>>,
    remote: Option<Box<Candidate>>,
}

impl Report {
    fn into_pair(self) -> SampleRow {
        let Self { mut row, local, remote, .. } = self;
        CANDIDATE_PAIR.clone_into(&mut row.report);
        row.kind = None;
        row.selected = row.id.is_some();
        if let Some(local) = local {
            row.local_candidate_type = local.candidate_type;
            row.local_protocol = local.protocol;
            row.local_relay_protocol = local.relay_protocol;
            row.local_network_type = local.network_type;
            row.local_address = local.address.or(local.ip);
        }
        if let Some(remote) = remote {
            row.remote_candidate_type = remote.candidate_type;
            row.remote_protocol = remote.protocol;
            row.remote_address = remote.address.or(remote.ip);
        }
        row
    }

    fn set_source(&mut self, source: Source) {
        self.row.has_track = true;
        self.source_track_identifier = source.track_identifier;
        self.row.source_audio_level = source.audio_level;
        self.row.source_total_audio_energy = source.total_audio_energy;
        self.row.source_total_samples_duration = source.total_samples_duration;
        self.row.source_frames_per_second = source.frames_per_second;
        self.row.source_height = source.height;
    }
}

impl Object for Report {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        self.is_any = true;
        let row = &mut self.row;
        match name {
            "type" => row.report = text(map)?.unwrap_or_default(),
            "kind" => row.kind = text(map)?,
            "id" => row.id = text(map)?,
            "localId" => row.local_id = text(map)?,
            "mediaType" => row.media_type = text(map)?,
            "ssrc" => row.ssrc = int(map)?,
            "mid" => row.mid = text(map)?,
            "mimeType" => row.mime_type = text(map)?,
            "clockRate" => row.clock_rate = int(map)?,
            "bytesSent" => row.bytes_sent = int(map)?,
            "bytesReceived" => row.bytes_received = int(map)?,
            "headerBytesSent" => row.header_bytes_sent = int(map)?,
            "headerBytesReceived" => row.header_bytes_received = int(map)?,
            "packetsSent" => row.packets_sent = int(map)?,
            "packetsReceived" => row.packets_received = int(map)?,
            "packetsLost" => row.packets_lost = int(map)?,
            "packetsDiscarded" => row.packets_discarded = int(map)?,
            "nackCount" => row.nack_count = int(map)?,
            "pliCount" => row.pli_count = int(map)?,
            "firCount" => row.fir_count = int(map)?,
            "fecPacketsReceived" => row.fec_packets_received = int(map)?,
            "retransmittedPacketsSent" => row.retransmitted_packets_sent = int(map)?,
            "responsesReceived" => row.responses_received = int(map)?,
            "totalRoundTripTime" => row.total_round_trip_time = num(map)?,
            "currentRoundTripTime" => row.current_round_trip_time = num(map)?,
            "roundTripTime" => row.round_trip_time = num(map)?,
            "roundTripTimeMeasurements" => row.round_trip_time_measurements = int(map)?,
            "fractionLost" => row.fraction_lost = num(map)?,
            "availableOutgoingBitrate" => row.available_outgoing_bitrate = num(map)?,
            "bitrate" => row.bitrate = num(map)?,
            "targetBitrate" => row.target_bitrate = num(map)?,
            "jitter" => row.jitter = num(map)?,
            "jitterBufferDelay" => row.jitter_buffer_delay = num(map)?,
            "jitterBufferTargetDelay" => row.jitter_buffer_target_delay = num(map)?,
            "jitterBufferEmittedCount" => row.jitter_buffer_emitted_count = int(map)?,
            "audioLevel" => row.audio_level = num(map)?,
            "totalAudioEnergy" => row.total_audio_energy = num(map)?,
            "totalSamplesDuration" => row.total_samples_duration = num(map)?,
            "totalSamplesReceived" => row.total_samples_received = int(map)?,
            "concealedSamples" => row.concealed_samples = int(map)?,
            "silentConcealedSamples" => row.silent_concealed_samples = int(map)?,
            "concealmentEvents" => row.concealment_events = int(map)?,
            "insertedSamplesForDeceleration" => row.inserted_samples_for_deceleration = int(map)?,
            "removedSamplesForAcceleration" => row.removed_samples_for_acceleration = int(map)?,
            "frameWidth" => row.frame_width = int(map)?,
            "frameHeight" => row.frame_height = int(map)?,
            "framesPerSecond" => row.frames_per_second = num(map)?,
            "framesSent" => row.frames_sent = int(map)?,
            "framesEncoded" => row.frames_encoded = int(map)?,
            "framesReceived" => row.frames_received = int(map)?,
            "framesDecoded" => row.frames_decoded = int(map)?,
            "framesDropped" => row.frames_dropped = int(map)?,
            "keyFramesEncoded" => row.key_frames_encoded = int(map)?,
            "keyFramesDecoded" => row.key_frames_decoded = int(map)?,
            "totalEncodeTime" => row.total_encode_time = num(map)?,
            "totalDecodeTime" => row.total_decode_time = num(map)?,
            "totalInterFrameDelay" => row.total_inter_frame_delay = num(map)?,
            "totalSquaredInterFrameDelay" => row.total_squared_inter_frame_delay = num(map)?,
            "freezeCount" => row.freeze_count = int(map)?,
            "totalFreezesDuration" => row.total_freezes_duration = num(map)?,
            "pauseCount" => row.pause_count = int(map)?,
            "totalPausesDuration" => row.total_pauses_duration = num(map)?,
            "qpSum" => row.qp_sum = int(map)?,
            "qualityLimitationReason" => row.quality_limitation_reason = text(map)?,
            "qualityLimitationResolutionChanges" => row.quality_limitation_resolution_changes = int(map)?,
            "encoderImplementation" => row.encoder_implementation = text(map)?,
            "decoderImplementation" => row.decoder_implementation = text(map)?,
            "state" => row.state = text(map)?,
            "dataChannelsOpened" => row.data_channels_opened = int(map)?,
            "dataChannelsClosed" => row.data_channels_closed = int(map)?,
            "emos" => row.emos = num(map)?,
            "timestamp" => row.timestamp = num(map)?.and_then(Timestamp::from_millis_f64),
            "nominated" => row.nominated = flag(map)?,
            "trackIdentifier" => row.track_identifier = text(map)?,
            "track" => {
                let source = map.next_value::<Opt<Source>>()?.0.unwrap_or_default();
                self.set_source(*source);
            }
            "qualityLimitationDurations" => {
                let limits = map.next_value::<Opt<Limits>>()?.0.unwrap_or_default();
                (row.quality_limitation_cpu, row.quality_limitation_bandwidth) =
                    (limits.cpu, limits.bandwidth);
            }
            "local" => self.local = map.next_value::<Opt<Candidate>>()?.0,
            "remote" => self.remote = map.next_value::<Opt<Candidate>>()?.0,
            _ => skip(map)?,
        }
        Ok(())
    }

    fn end(&mut self) {
        if self.row.track_identifier.is_none() {
            self.row.track_identifier = self.source_track_identifier.take();
        }
    }
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
