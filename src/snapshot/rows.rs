//! The tables of a snapshot: one struct per table, one field per column, in the columns' order. Column names are those
//! of the source database; columns of `samples` are W3C webrtc-stats members in snake case, in SI units.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};

use super::cell::{Cell, Collect as _, Json, Mismatch};
use super::file::RowGroup;
use super::samples::{Packed, Packer, Sample, Samples};
use crate::ids::{
    AppId, ConferenceId, ConnectionId, EventId, IssueId, OrganizationId, ParticipantId, SessionId, TrackId,
};
use crate::units::Timestamp;

/// Hands over the fields of one row, in order.
pub trait Fields {
    /// Why a field could not be had.
    type Error: From<Mismatch>;

    /// The next field.
    fn next<T: Cell>(&mut self, column: &'static str) -> Result<T, Self::Error>;
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type, in a word.
    pub kind: &'static str,
    /// Whether it may be null.
    pub optional: bool,
    /// What it means, with its unit.
    pub meaning: &'static str,
}

/// A table of the snapshot.
pub trait Row: Sized + Send {
    /// Its columns while they are collected.
    type Columns: Columns<Self> + Default + Send;
    /// The table's name, which is its file's too.
    const TABLE: &'static str;
    /// Column names, in order.
    const COLUMNS: &'static [&'static str];
    /// What a row is.
    const MEANING: &'static str;

    /// What its columns hold, in order.
    fn columns() -> Vec<Column>;
    /// The Arrow schema of the table.
    fn schema() -> SchemaRef;
    /// Rows of a batch of columns, appended to `rows`.
    fn from_batch(batch: &RecordBatch, which: Range<usize>, rows: &mut Vec<Self>) -> Result<(), Mismatch>;
    /// One row from its fields.
    fn from_fields<F: Fields>(fields: &mut F) -> Result<Self, F::Error>;
}

/// The columns of a table while its rows are collected.
pub trait Columns<R> {
    /// Adds a row.
    fn push(&mut self, row: &R);
    /// How many rows there are.
    fn rows(&self) -> usize;
    /// The bytes that are held beyond a few per value.
    fn weight(&self) -> usize;
    /// Writes all rows, none of which is left.
    fn write<W: Write + Send>(&mut self, group: &mut RowGroup<'_, W>) -> Result<(), ParquetError>;
}

macro_rules! tables {
    ($($(#[doc = $doc:literal])* $name:ident, $columns:ident = $table:literal { $($(#[doc = $field_doc:literal])* $field:ident: $type:ty,)* })*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[doc = $field_doc])* pub $field: $type,)*
        }

        #[doc = concat!("Rows of `", $table, "` while they are collected.")]
        #[derive(Default)]
        pub struct $columns {
            pub(super) rows: usize,
            $(pub(super) $field: <$type as Cell>::Column,)*
        }

        impl Columns<$name> for $columns {
            fn push(&mut self, row: &$name) {
                $(row.$field.append(self.rows, &mut self.$field);)*
                self.rows += 1;
            }

            fn rows(&self) -> usize {
                self.rows
            }

            fn weight(&self) -> usize {
                0 $(+ self.$field.weight())*
            }

            fn write<W: Write + Send>(&mut self, group: &mut RowGroup<'_, W>) -> Result<(), ParquetError> {
                $(self.$field.write(group)?;)*
                self.rows = 0;
                Ok(())
            }
        }

        impl Row for $name {
            type Columns = $columns;
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            const MEANING: &'static str = concat!($($doc),*);

            fn columns() -> Vec<Column> {
                vec![$(Column {
                    name: stringify!($field),
                    kind: <$type as Cell>::NAME,
                    optional: <$type as Cell>::NULLABLE,
                    meaning: concat!($($field_doc),*).trim(),
                }),*]
            }

            fn schema() -> SchemaRef {
                Arc::new(Schema::new(vec![
                    $(Field::new(stringify!($field), <$type as Cell>::data_type(), <$type as Cell>::NULLABLE)),*
                ]))
            }

            fn from_batch(
                batch: &RecordBatch,
                which: Range<usize>,
                rows: &mut Vec<Self>,
            ) -> Result<(), Mismatch> {
                $(let $field = reader::<$type>(batch, stringify!($field))?;)*
                rows.reserve(which.len());
                for row in which {
                    rows.push(Self {
                        $($field: cell::<$type>(&$field, row, stringify!($field))?,)*
                    });
                }
                Ok(())
            }

            fn from_fields<F: Fields>(fields: &mut F) -> Result<Self, F::Error> {
                Ok(Self { $($field: fields.next(stringify!($field))?,)* })
            }
        }
    )*};
}

/// As [`tables`], for a table whose rows are also kept in little room.
macro_rules! packed {
    ($(#[doc = $doc:literal])* $name:ident, $columns:ident = $table:literal { $($(#[doc = $field_doc:literal])* $field:ident: $type:ty,)* }) => {
        tables! { $(#[doc = $doc])* $name, $columns = $table { $($(#[doc = $field_doc])* $field: $type,)* } }

        /// The columns by name.
        #[expect(non_camel_case_types, reason = "these are the names of columns")]
        enum At {
            $($field,)*
        }

        /// How many columns a sample has.
        pub(super) const SAMPLE_COLUMNS: usize = $name::COLUMNS.len();

        impl<'a> Sample<'a> {
            $(
                $(#[doc = $field_doc])*
                #[inline]
                pub fn $field(self) -> <$type as Packed>::View<'a> {
                    <$type as Packed>::unpack(self, At::$field as usize)
                }
            )*

            /// The sample as a row of its own.
            pub fn to_row(self) -> $name {
                $name { $($field: <$type as Packed>::owned(self.$field()),)* }
            }
        }

        impl Samples {
            /// Adds one.
            pub fn push(&mut self, row: &$name) {
                let mut packer = Packer::new(self);
                $(<$type as Packed>::pack(row.$field.view(), At::$field as usize, &mut packer);)*
                packer.finish();
            }
        }

        impl $name {
            /// The column of JSON.
            pub(super) const REMOTE: usize = At::remote as usize;

            /// Adds rows of a batch of columns to `samples`.
            pub(super) fn pack_batch(
                batch: &RecordBatch,
                which: Range<usize>,
                samples: &mut Samples,
            ) -> Result<(), Mismatch> {
                $(let $field = reader::<$type>(batch, stringify!($field))?;)*
                for row in which {
                    let mut packer = Packer::new(samples);
                    $(
                        let view = <$type as Packed>::read(&$field, row)
                            .ok_or_else(|| strange::<$type>(stringify!($field)))?;
                        <$type as Packed>::pack(view, At::$field as usize, &mut packer);
                    )*
                    packer.finish();
                }
                Ok(())
            }
        }

        impl $columns {
            /// Adds a sample.
            pub(super) fn push_sample(&mut self, sample: Sample<'_>) {
                $(<$type as Packed>::collect(sample.$field(), self.rows, &mut self.$field);)*
                self.rows += 1;
            }
        }
    };
}

fn reader<'a, T: Cell>(batch: &'a RecordBatch, name: &'static str) -> Result<T::Reader<'a>, Mismatch> {
    let mismatch = |found: String| Mismatch { column: name, expected: T::NAME, found };
    let column = batch.column_by_name(name).ok_or_else(|| mismatch("no such column".to_owned()))?;
    T::reader(column).ok_or_else(|| mismatch(format!("{:?}", column.data_type())))
}

fn cell<T: Cell>(reader: &T::Reader<'_>, row: usize, name: &'static str) -> Result<T, Mismatch> {
    T::get(reader, row).ok_or_else(|| strange::<T>(name))
}

fn strange<T: Cell>(name: &'static str) -> Mismatch {
    Mismatch { column: name, expected: T::NAME, found: "something else".to_owned() }
}

tables! {
    /// An organization: a customer of the service.
    OrganizationRow, OrganizationColumns = "organizations" {
        /// Primary key.
        id: OrganizationId,
        /// Its name.
        name: String,
        /// When the row was made.
        created_at: Timestamp,
    }

    /// An app: a product of an organization. Its `api_key` is never read.
    AppRow, AppColumns = "apps" {
        /// Primary key.
        id: AppId,
        /// Its name.
        name: String,
        /// The domain that the app is restricted to.
        domain: Option<String>,
        /// An interval in ms that nothing uses.
        interval: i64,
        /// Whether it collects calls now.
        recording: bool,
        /// `{"YYYY-MM-DD": seconds}` with active connections, of the last 31 days.
        durations_days: Option<Json>,
        /// When the row was made.
        created_at: Timestamp,
        /// Its organization.
        organization_id: OrganizationId,
    }

    /// A person or a server (SFU) of an app.
    ParticipantRow, ParticipantColumns = "participants" {
        /// Primary key.
        id: ParticipantId,
        /// The id that the customer gave; withheld for a deleted participant.
        participant_id: Option<String>,
        /// The name that the customer gave; withheld for a deleted participant.
        participant_name: Option<String>,
        /// Whether it is a server.
        is_sfu: bool,
        /// When the row was made: ingestion, not presence.
        created_at: Timestamp,
        /// False for a deleted participant, who has no page and no name, only a place in calls.
        is_active: bool,
        /// Its app.
        app_id: AppId,
    }

    /// A conference: a room of an app, with its summary row.
    ConferenceRow, ConferenceColumns = "conferences" {
        /// Primary key.
        id: ConferenceId,
        /// The id that the customer gave.
        conference_id: String,
        /// The name that the customer gave.
        conference_name: Option<String>,
        /// Free JSON, in practice empty.
        conference_info: Option<Json>,
        /// First addConnection.
        start_time: Option<Timestamp>,
        /// Start of the current run of connections.
        call_start: Option<Timestamp>,
        /// Last time that all connections were closed.
        end_time: Option<Timestamp>,
        /// Whether a call is going on, as far as the service knows.
        ongoing: bool,
        /// Seconds with connections, accumulated by the service.
        duration: i64,
        /// When the first participant came.
        created_at: Timestamp,
        /// Its app.
        app_id: AppId,
        /// The linked participants, by when they were linked.
        participants: Vec<ParticipantId>,
        /// `o` being built, `d` done, `e` failed; null without a summary row.
        summary_status: Option<String>,
        /// The version of the summary's form; 1 is the only one known.
        summary_version: Option<i64>,
        /// When the summary was built.
        summary_end_time: Option<Timestamp>,
        /// The summary: an array of snapshots of getStats.
        summary_data: Option<Json>,
    }

    /// One visit of a participant to a conference.
    SessionRow, SessionColumns = "sessions" {
        /// Primary key.
        id: SessionId,
        /// Devices: a list of `{deviceId, groupId, kind, label}`, or one such object.
        devices: Option<Json>,
        /// Browser, engine, system, device, CPU.
        platform: Option<Json>,
        /// At most five keys that the app gave.
        metadata: Option<Json>,
        /// Country, region, city, coordinates.
        geo_ip: Option<Json>,
        /// The app's version.
        app_version: Option<String>,
        /// The SDK that was detected.
        webrtc_sdk: Option<String>,
        /// Free JSON, in practice empty.
        session_info: Option<Json>,
        /// Seconds from start to end, 0 while open.
        duration: i64,
        /// When the page was left.
        end_time: Option<Timestamp>,
        /// Start of the current run of connections.
        call_start: Option<Timestamp>,
        /// When the page was opened.
        created_at: Timestamp,
        /// Its conference.
        conference_id: ConferenceId,
        /// Its participant.
        participant_id: ParticipantId,
    }

    /// One `RTCPeerConnection` of a session to a peer.
    ConnectionRow, ConnectionColumns = "connections" {
        /// Primary key.
        id: ConnectionId,
        /// Latest local candidate type: `h` host, `s` srflx, `p` prflx, `r` relay.
        r#type: Option<String>,
        /// Latest `RTCPeerConnectionState`.
        state: String,
        /// `{detected_tcp, detected_turn, negotiations}`.
        connection_info: Option<Json>,
        /// addConnection.
        start_time: Option<Timestamp>,
        /// When it was closed.
        end_time: Option<Timestamp>,
        /// Seconds from start to end, 0 while open.
        duration: i64,
        /// When the row was made.
        created_at: Timestamp,
        /// Its conference.
        conference_id: ConferenceId,
        /// Whose side it is.
        participant_id: ParticipantId,
        /// The other side.
        peer_id: ParticipantId,
        /// Its session.
        session_id: SessionId,
    }

    /// One `MediaStreamTrack`.
    TrackRow, TrackColumns = "tracks" {
        /// Primary key.
        id: TrackId,
        /// `a` audio, `v` video.
        kind: String,
        /// `i` inbound, `o` outbound.
        direction: String,
        /// The browser's id of the track.
        track_id: String,
        /// The browser's label.
        label: Option<String>,
        /// Settings, constraints, capabilities, state.
        track_info: Option<Json>,
        /// When the row was made.
        created_at: Timestamp,
        /// Its connection, if it is known.
        connection_id: Option<ConnectionId>,
        /// Its session.
        session_id: SessionId,
        /// The conference of its session.
        conference_id: ConferenceId,
    }

    /// A problem that the service detected.
    IssueRow, IssueColumns = "issues" {
        /// Primary key.
        id: IssueId,
        /// `e` error, `w` warning.
        r#type: String,
        /// Which problem.
        code: String,
        /// Details.
        data: Option<Json>,
        /// When it was detected.
        created_at: Timestamp,
        /// Its session.
        session_id: SessionId,
        /// Its conference; null for codes that the service stores without one.
        conference_id: Option<ConferenceId>,
        /// Its participant.
        participant_id: Option<ParticipantId>,
        /// Its connection.
        connection_id: Option<ConnectionId>,
        /// Its track; never set by the service.
        track_id: Option<TrackId>,
        /// The conference it belongs to: its own, else that of its session.
        in_conference_id: ConferenceId,
    }

    /// Anything that happened, but for getStats samples.
    EventRow, EventColumns = "events" {
        /// Primary key.
        id: EventId,
        /// What happened.
        r#type: String,
        /// `B` browser, `M` getUserMedia, `C` connection, `T` track, `S` stats.
        category: String,
        /// Details.
        data: Option<Json>,
        /// When, by the server's clock, less the delay that the client reported.
        created_at: Timestamp,
        /// Its app.
        app_id: AppId,
        /// Its conference.
        conference_id: ConferenceId,
        /// Its participant.
        participant_id: ParticipantId,
        /// Its session.
        session_id: SessionId,
        /// The other side.
        peer_id: Option<ParticipantId>,
        /// Its connection.
        connection_id: Option<ConnectionId>,
        /// Its track.
        track_id: Option<TrackId>,
    }

    /// What a conference was when the snapshot was taken, so that the next one need not read it again if it still is.
    VersionRow, VersionColumns = "versions" {
        /// The conference.
        conference_id: ConferenceId,
        /// The UTC day of its part.
        day: String,
        /// The piece of the day that it lies in.
        piece: i64,
        /// Its events in the database, those of getStats included.
        events: i64,
        /// A digest over the versions of all its rows, hexadecimal.
        version: String,
    }
}

packed! {
    /// One getStats report of one poll. All durations are seconds, all sizes bytes, all rates per second.
    SampleRow, SampleColumns = "samples" {
        /// Its conference.
        conference_id: ConferenceId,
        /// The stats event that it came with.
        event_id: EventId,
        /// Its place within the event: reports of one event keep their order.
        place: i64,
        /// When the server received the event, less the client's delay.
        created_at: Timestamp,
        /// Its app.
        app_id: AppId,
        /// Its session.
        session_id: SessionId,
        /// Whose side it is.
        participant_id: ParticipantId,
        /// The other side.
        peer_id: Option<ParticipantId>,
        /// Its connection.
        connection_id: Option<ConnectionId>,
        /// The track that the event was stored for; null for the event of the whole connection.
        track_id: Option<TrackId>,
        /// `candidate-pair`, `inbound-rtp`, `outbound-rtp`, `remote-inbound-rtp`, `remote-outbound-rtp`.
        report: String,
        /// `audio` or `video`; null for a candidate pair.
        kind: Option<String>,
        /// Whether the report came with the media source or track that it belongs to.
        has_track: bool,
        /// The report's own id, unique within the connection.
        id: Option<String>,
        /// Of a remote report: the id of the own report that it is about.
        local_id: Option<String>,
        /// `mediaType`, the old name of `kind`.
        media_type: Option<String>,
        /// When the browser took the report, by its clock.
        timestamp: Option<Timestamp>,
        /// Synchronization source.
        ssrc: Option<i64>,
        /// Media id within the session description.
        mid: Option<String>,
        /// Codec: `audio/opus`, `video/VP8` …
        mime_type: Option<String>,
        /// Codec clock rate in Hz.
        clock_rate: Option<i64>,
        /// `bytesSent`.
        bytes_sent: Option<i64>,
        /// `bytesReceived`.
        bytes_received: Option<i64>,
        /// `headerBytesSent`.
        header_bytes_sent: Option<i64>,
        /// `headerBytesReceived`.
        header_bytes_received: Option<i64>,
        /// `packetsSent`.
        packets_sent: Option<i64>,
        /// `packetsReceived`.
        packets_received: Option<i64>,
        /// `packetsLost`; may fall.
        packets_lost: Option<i64>,
        /// `packetsDiscarded`.
        packets_discarded: Option<i64>,
        /// `nackCount`.
        nack_count: Option<i64>,
        /// `pliCount`.
        pli_count: Option<i64>,
        /// `firCount`.
        fir_count: Option<i64>,
        /// `fecPacketsReceived`.
        fec_packets_received: Option<i64>,
        /// `trackIdentifier` of what is received, or of the media source of what is sent.
        track_identifier: Option<String>,
        /// Media source: `audioLevel`, 0 to 1.
        source_audio_level: Option<f64>,
        /// Media source: `totalAudioEnergy`.
        source_total_audio_energy: Option<f64>,
        /// Media source: `totalSamplesDuration`.
        source_total_samples_duration: Option<f64>,
        /// Media source: `framesPerSecond`.
        source_frames_per_second: Option<f64>,
        /// Media source: `height`, pixels.
        source_height: Option<i64>,
        /// `retransmittedPacketsSent`.
        retransmitted_packets_sent: Option<i64>,
        /// `responsesReceived`: STUN answers.
        responses_received: Option<i64>,
        /// `totalRoundTripTime`, summed over answers or measurements.
        total_round_trip_time: Option<f64>,
        /// `currentRoundTripTime` of a candidate pair.
        current_round_trip_time: Option<f64>,
        /// `roundTripTime` of a remote report.
        round_trip_time: Option<f64>,
        /// `roundTripTimeMeasurements`.
        round_trip_time_measurements: Option<i64>,
        /// `fractionLost`, 0 to 1 since the last report.
        fraction_lost: Option<f64>,
        /// `availableOutgoingBitrate`, bit/s.
        available_outgoing_bitrate: Option<f64>,
        /// Bit/s since the last poll, computed by the client.
        bitrate: Option<f64>,
        /// `targetBitrate`, bit/s.
        target_bitrate: Option<f64>,
        /// `jitter`.
        jitter: Option<f64>,
        /// `jitterBufferDelay`, summed over emitted samples or frames.
        jitter_buffer_delay: Option<f64>,
        /// `jitterBufferTargetDelay`, likewise.
        jitter_buffer_target_delay: Option<f64>,
        /// `jitterBufferEmittedCount`.
        jitter_buffer_emitted_count: Option<i64>,
        /// `audioLevel`, 0 to 1.
        audio_level: Option<f64>,
        /// `totalAudioEnergy`.
        total_audio_energy: Option<f64>,
        /// `totalSamplesDuration`.
        total_samples_duration: Option<f64>,
        /// `totalSamplesReceived`.
        total_samples_received: Option<i64>,
        /// `concealedSamples`.
        concealed_samples: Option<i64>,
        /// `silentConcealedSamples`.
        silent_concealed_samples: Option<i64>,
        /// `concealmentEvents`.
        concealment_events: Option<i64>,
        /// `insertedSamplesForDeceleration`.
        inserted_samples_for_deceleration: Option<i64>,
        /// `removedSamplesForAcceleration`.
        removed_samples_for_acceleration: Option<i64>,
        /// `frameWidth`, pixels.
        frame_width: Option<i64>,
        /// `frameHeight`, pixels.
        frame_height: Option<i64>,
        /// `framesPerSecond`.
        frames_per_second: Option<f64>,
        /// `framesSent`.
        frames_sent: Option<i64>,
        /// `framesEncoded`.
        frames_encoded: Option<i64>,
        /// `framesReceived`.
        frames_received: Option<i64>,
        /// `framesDecoded`.
        frames_decoded: Option<i64>,
        /// `framesDropped`.
        frames_dropped: Option<i64>,
        /// `keyFramesEncoded`.
        key_frames_encoded: Option<i64>,
        /// `keyFramesDecoded`.
        key_frames_decoded: Option<i64>,
        /// `totalEncodeTime`.
        total_encode_time: Option<f64>,
        /// `totalDecodeTime`.
        total_decode_time: Option<f64>,
        /// `totalInterFrameDelay`.
        total_inter_frame_delay: Option<f64>,
        /// `totalSquaredInterFrameDelay`, square seconds.
        total_squared_inter_frame_delay: Option<f64>,
        /// `freezeCount`.
        freeze_count: Option<i64>,
        /// `totalFreezesDuration`.
        total_freezes_duration: Option<f64>,
        /// `pauseCount`.
        pause_count: Option<i64>,
        /// `totalPausesDuration`.
        total_pauses_duration: Option<f64>,
        /// `qpSum`.
        qp_sum: Option<i64>,
        /// `qualityLimitationReason`.
        quality_limitation_reason: Option<String>,
        /// `qualityLimitationDurations.cpu`.
        quality_limitation_cpu: Option<f64>,
        /// `qualityLimitationDurations.bandwidth`.
        quality_limitation_bandwidth: Option<f64>,
        /// `qualityLimitationResolutionChanges`.
        quality_limitation_resolution_changes: Option<i64>,
        /// `encoderImplementation`.
        encoder_implementation: Option<String>,
        /// `decoderImplementation`.
        decoder_implementation: Option<String>,
        /// Candidate pair: `state`.
        state: Option<String>,
        /// Candidate pair: `nominated`.
        nominated: Option<bool>,
        /// Local candidate: `candidateType`.
        local_candidate_type: Option<String>,
        /// Local candidate: `protocol`.
        local_protocol: Option<String>,
        /// Local candidate: `relayProtocol`.
        local_relay_protocol: Option<String>,
        /// Local candidate: `networkType`.
        local_network_type: Option<String>,
        /// Local candidate: `address`.
        local_address: Option<String>,
        /// Remote candidate: `candidateType`.
        remote_candidate_type: Option<String>,
        /// Remote candidate: `protocol`.
        remote_protocol: Option<String>,
        /// Remote candidate: `address`.
        remote_address: Option<String>,
        /// Peer connection: `dataChannelsOpened`.
        data_channels_opened: Option<i64>,
        /// Peer connection: `dataChannelsClosed`.
        data_channels_closed: Option<i64>,
        /// Whether the row was read from the conference's stored summary, its stats events being gone.
        from_summary: bool,
        /// eMOS as the summary stored it, 1 to 5.
        emos: Option<f64>,
        /// Of a candidate pair: whether the poll had a selected pair at all.
        selected: bool,
        /// Of a candidate pair: the event's `remote` member as it was, which the summary's form carries along.
        remote: Option<Json>,
    }
}
