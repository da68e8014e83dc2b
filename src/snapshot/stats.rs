//! Stats events to rows of `samples`: both the older shape (all reports inline in one event per poll) and today's (own
//! outbound reports in events of their tracks), and stored summaries where the events were cleaned up.
//!
//! Members of the wrong type count as absent: browsers and SDK versions differ, and the data is not ours. This is where most
//! of the time of a snapshot goes, so JSON is read in one pass (see `json.rs`), and what is found goes straight into columns: no
//! value is copied but to where it is written from.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::Json;
use super::columns::Slot;
use super::json::{self, Refused, Scalar, Scanner, Text};
use super::rows::{ConferenceRow, EventRow, SampleColumns, SampleRow};
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

/// The rows of one stats event, in the order of its reports; `None` if its data cannot be read as an object.
pub fn samples_of_event(event: &EventRow) -> Option<Vec<SampleRow>> {
    let mut rows = Vec::new();
    SampleReader::default().event(event, &mut rows).map(|_| rows)
}

/// The rows of a stored summary, for a conference whose stats events are gone. A summary keeps fewer members than
/// the events had; the rest is absent.
///
/// The service attaches the events of tracks to the poll *before* theirs. Where the first poll of a connection holds an
/// id twice, that shift is proven and undone.
pub fn samples_of_summary(conference: &ConferenceRow) -> Vec<SampleRow> {
    let mut rows = Vec::new();
    SampleReader::default().summary(conference, &mut rows);
    rows
}

impl ConferenceRow {
    /// The stored summary, if there is one.
    ///
    /// # Errors
    /// Why it is not read, in words: it was not finished, or has another form than the known one, of which any number would be a
    /// guess.
    pub fn stored_summary(&self) -> Result<Option<&Json>, String> {
        match (self.summary_status.as_deref(), self.summary_version) {
            (None | Some("d"), None | Some(1)) => Ok(self.summary_data.as_ref()),
            (Some("o"), _) if self.ongoing => Ok(None),
            (Some("o"), _) => Err("the summary was never finished".to_owned()),
            (Some("e"), _) => Err("the service failed to build the summary".to_owned()),
            (None | Some("d"), Some(version)) => {
                Err(format!("the summary has version {version}; 1 is the only one known"))
            }
            (Some(status), _) => Err(format!("the summary has the unknown status {status:?}")),
        }
    }
}

/// Reads samples one event after the other, and remembers in which order browsers name the members of reports.
#[derive(Default)]
pub(super) struct SampleReader {
    names: Names,
}

impl SampleReader {
    /// Hands over the rows of one stats event as [`samples_of_event`] has them; how many there were, or none if it cannot be
    /// read.
    pub(super) fn event(&mut self, event: &EventRow, sink: &mut impl Sink) -> Option<usize> {
        let data = &event.data.as_ref()?.0;
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
        let mut reader = Reader { names: &mut self.names, cells: Vec::with_capacity(256) };
        if event.track_id.is_some() {
            let report = json::read(data, |scanner| reader.report(scanner, Context::Track)).ok()??;
            let name = report.name.map(Text::get).unwrap_or_default();
            let kind = report.kind.or(report.media_type).map(Text::get);
            sink.add(&ParsedSample {
                common: &common,
                place: 0,
                name: &name,
                kind: kind.as_deref(),
                cells: &reader.cells[report.cells.clone()],
                report: &report,
                pair: None,
            });
            return Some(1);
        }
        let poll = json::read(data, |scanner| reader.poll(scanner)).ok()??;
        let mut count = 0;
        poll.samples(&common, &reader.cells, |sample| {
            sink.add(sample);
            count += 1;
        });
        Some(count)
    }

    /// Hands over the rows of a stored summary as [`samples_of_summary`] has them.
    pub(super) fn summary(&mut self, conference: &ConferenceRow, sink: &mut impl Sink) {
        let Ok(Some(data)) = conference.stored_summary() else { return };
        let mut reader = Reader { names: &mut self.names, cells: Vec::new() };
        let mut connections: BTreeMap<ConnectionId, Vec<(Common, Poll<'_>)>> = BTreeMap::new();
        let read = json::read(&data.0, |scanner| {
            scanner.list(|scanner| {
                if let Some((common, poll)) = reader.summary_poll(scanner, conference)? {
                    connections
                        .entry(common.connection_id.unwrap_or_default())
                        .or_default()
                        .push((common, poll));
                }
                Ok(())
            })
        });
        if read.is_err() {
            return;
        }
        for polls in connections.values_mut() {
            undo_shift(polls, |poll| &mut poll.audio.outbound);
            undo_shift(polls, |poll| &mut poll.video.outbound);
        }
        // In a summary, no key `track` survives; all tracks had one, or they would not have been stored.
        for (_, poll) in connections.values_mut().flatten() {
            let media = [&mut poll.audio, &mut poll.video];
            let reports =
                media.into_iter().flat_map(|media| media.inbound.iter_mut().chain(&mut media.outbound));
            reports.for_each(|report| report.has_track = true);
        }
        let mut samples: Vec<ParsedSample<'_, '_>> = Vec::new();
        for (common, poll) in connections.values().flatten() {
            poll.samples(common, &reader.cells, |sample| samples.push(*sample));
        }
        samples.sort_by_key(|sample| (sample.common.created_at, sample.common.event_id, sample.place));
        for sample in &samples {
            sink.add(sample);
        }
    }
}

fn undo_shift<'a>(
    polls: &mut [(Common, Poll<'a>)],
    outbound: for<'p> fn(&'p mut Poll<'a>) -> &'p mut Vec<Report<'a>>,
) {
    let Some((first, others)) = polls.split_first_mut() else { return };
    let first = outbound(&mut first.1);
    let id = |report: &Report<'a>| report.id.map(Text::get);
    let is_second = |at: usize| {
        let this = id(&first[at]);
        this.is_some() && first[..at].iter().any(|earlier| id(earlier) == this)
    };
    let Some(at) = (0..first.len()).find(|at| is_second(*at)) else { return };
    let mut carried = first.split_off(at);
    for (_, poll) in others {
        std::mem::swap(outbound(poll), &mut carried);
    }
}

/// One row, in parts.
#[derive(Clone, Copy)]
pub(super) struct ParsedSample<'r, 'a> {
    common: &'r Common,
    place: i64,
    name: &'r str,
    kind: Option<&'r str>,
    report: &'r Report<'a>,
    cells: &'r [Cell<'a>],
    pair: Option<Pair<'r>>,
}

/// What a candidate pair has beyond other reports.
#[derive(Clone, Copy)]
struct Pair<'r> {
    /// The event's member `remote`.
    remote: Option<&'r str>,
}

/// Takes rows.
pub(super) trait Sink {
    fn add(&mut self, sample: &ParsedSample<'_, '_>);
}

impl Sink for Vec<SampleRow> {
    fn add(&mut self, sample: &ParsedSample<'_, '_>) {
        let mut row = SampleRow::default();
        row.fill(0, sample);
        self.push(row);
    }
}

impl Sink for SampleColumns {
    fn add(&mut self, sample: &ParsedSample<'_, '_>) {
        self.fill(self.rows, sample);
        self.rows += 1;
    }
}

/// A row, or the columns of many, of which one row is filled.
trait Fill {
    fn fill(&mut self, row: usize, sample: &ParsedSample<'_, '_>);
    fn set(&mut self, row: usize, cell: &Cell<'_>);
}

/// A value of a report, and where it belongs.
#[derive(Clone, Copy)]
struct Cell<'a> {
    member: Member,
    value: Scalar<'a>,
}

fn int(to: &mut impl Slot<i64>, row: usize, value: Scalar<'_>) {
    to.put(row, value.int());
}

fn num(to: &mut impl Slot<f64>, row: usize, value: Scalar<'_>) {
    to.put(row, value.num());
}

fn flag(to: &mut impl Slot<bool>, row: usize, value: Scalar<'_>) {
    to.put(row, value.flag());
}

fn time(to: &mut impl Slot<Timestamp>, row: usize, value: Scalar<'_>) {
    to.put(row, value.num().and_then(Timestamp::from_millis_f64));
}

fn text(to: &mut impl for<'s> Slot<&'s str>, row: usize, value: Scalar<'_>) {
    optional(to, row, value.text());
}

fn optional(to: &mut impl for<'s> Slot<&'s str>, row: usize, value: Option<Text<'_>>) {
    match value.map(Text::get) {
        Some(Cow::Borrowed(text)) => to.put(row, Some(text)),
        Some(Cow::Owned(text)) => to.put(row, Some(&text)),
        None => to.put(row, None),
    }
}

macro_rules! fill {
    ($row:ident $columns:ident $members:tt) => {
        fill! { @of $row $members }
        fill! { @of $columns $members }
    };
    (@of $type:ident { $($member:ident $as:ident)* }) => {
        impl Fill for $type {
            fn fill(&mut self, row: usize, sample: &ParsedSample<'_, '_>) {
                let ParsedSample { common, report, .. } = sample;
                self.conference_id.put(row, Some(common.conference_id));
                self.event_id.put(row, Some(common.event_id));
                self.place.put(row, Some(sample.place));
                self.created_at.put(row, Some(common.created_at));
                self.app_id.put(row, Some(common.app_id));
                self.session_id.put(row, Some(common.session_id));
                self.participant_id.put(row, Some(common.participant_id));
                self.peer_id.put(row, common.peer_id);
                self.connection_id.put(row, common.connection_id);
                self.track_id.put(row, common.track_id);
                self.from_summary.put(row, Some(common.from_summary));
                self.report.put(row, Some(sample.name));
                self.kind.put(row, sample.kind);
                self.has_track.put(row, Some(report.has_track));
                for cell in sample.cells {
                    self.set(row, cell);
                }
                optional(&mut self.id, row, report.id);
                optional(&mut self.media_type, row, report.media_type);
                let identifier = report.track_identifier.or(report.source_track_identifier);
                optional(&mut self.track_identifier, row, identifier);
                self.selected.put(row, Some(sample.pair.is_some() && report.id.is_some()));
                if let Some(pair) = sample.pair {
                    self.remote.put(row, pair.remote);
                    if let Some(local) = &report.local {
                        optional(&mut self.local_candidate_type, row, local.candidate_type);
                        optional(&mut self.local_protocol, row, local.protocol);
                        optional(&mut self.local_relay_protocol, row, local.relay_protocol);
                        optional(&mut self.local_network_type, row, local.network_type);
                        optional(&mut self.local_address, row, local.address.or(local.ip));
                    }
                    if let Some(remote) = &report.remote {
                        optional(&mut self.remote_candidate_type, row, remote.candidate_type);
                        optional(&mut self.remote_protocol, row, remote.protocol);
                        optional(&mut self.remote_address, row, remote.address.or(remote.ip));
                    }
                }
            }

            fn set(&mut self, row: usize, cell: &Cell<'_>) {
                match cell.member {
                    $(Member::$member => $as(&mut self.$member, row, cell.value),)*
                    // These are no cells.
                    _ => {}
                }
            }
        }
    };
}

macro_rules! members {
    ($($name:literal => $field:ident $as:ident,)* ; $($inner:ident $inner_as:ident,)*) => {
        /// A member of a report: those that are simply values by their columns.
        #[expect(non_camel_case_types, reason = "these are the names of columns")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Member {
            $($field,)*
            $($inner,)*
            Type,
            Kind,
            Id,
            MediaType,
            TrackIdentifier,
            Track,
            Limits,
            Local,
            Remote,
            /// Nobody asks for it.
            Strange,
        }

        const MEMBERS: &[(&str, Member)] = &[
            $(($name, Member::$field),)*
            ("type", Member::Type),
            ("kind", Member::Kind),
            ("id", Member::Id),
            ("mediaType", Member::MediaType),
            ("trackIdentifier", Member::TrackIdentifier),
            ("track", Member::Track),
            ("qualityLimitationDurations", Member::Limits),
            ("local", Member::Local),
            ("remote", Member::Remote),
        ];

        fill! { SampleRow SampleColumns { $($field $as)* $($inner $inner_as)* } }
    };
}

members! {
    "localId" => local_id text,
    "ssrc" => ssrc int,
    "mid" => mid text,
    "mimeType" => mime_type text,
    "clockRate" => clock_rate int,
    "bytesSent" => bytes_sent int,
    "bytesReceived" => bytes_received int,
    "headerBytesSent" => header_bytes_sent int,
    "headerBytesReceived" => header_bytes_received int,
    "packetsSent" => packets_sent int,
    "packetsReceived" => packets_received int,
    "packetsLost" => packets_lost int,
    "packetsDiscarded" => packets_discarded int,
    "nackCount" => nack_count int,
    "pliCount" => pli_count int,
    "firCount" => fir_count int,
    "fecPacketsReceived" => fec_packets_received int,
    "retransmittedPacketsSent" => retransmitted_packets_sent int,
    "responsesReceived" => responses_received int,
    "totalRoundTripTime" => total_round_trip_time num,
    "currentRoundTripTime" => current_round_trip_time num,
    "roundTripTime" => round_trip_time num,
    "roundTripTimeMeasurements" => round_trip_time_measurements int,
    "fractionLost" => fraction_lost num,
    "availableOutgoingBitrate" => available_outgoing_bitrate num,
    "bitrate" => bitrate num,
    "targetBitrate" => target_bitrate num,
    "jitter" => jitter num,
    "jitterBufferDelay" => jitter_buffer_delay num,
    "jitterBufferTargetDelay" => jitter_buffer_target_delay num,
    "jitterBufferEmittedCount" => jitter_buffer_emitted_count int,
    "audioLevel" => audio_level num,
    "totalAudioEnergy" => total_audio_energy num,
    "totalSamplesDuration" => total_samples_duration num,
    "totalSamplesReceived" => total_samples_received int,
    "concealedSamples" => concealed_samples int,
    "silentConcealedSamples" => silent_concealed_samples int,
    "concealmentEvents" => concealment_events int,
    "insertedSamplesForDeceleration" => inserted_samples_for_deceleration int,
    "removedSamplesForAcceleration" => removed_samples_for_acceleration int,
    "frameWidth" => frame_width int,
    "frameHeight" => frame_height int,
    "framesPerSecond" => frames_per_second num,
    "framesSent" => frames_sent int,
    "framesEncoded" => frames_encoded int,
    "framesReceived" => frames_received int,
    "framesDecoded" => frames_decoded int,
    "framesDropped" => frames_dropped int,
    "keyFramesEncoded" => key_frames_encoded int,
    "keyFramesDecoded" => key_frames_decoded int,
    "totalEncodeTime" => total_encode_time num,
    "totalDecodeTime" => total_decode_time num,
    "totalInterFrameDelay" => total_inter_frame_delay num,
    "totalSquaredInterFrameDelay" => total_squared_inter_frame_delay num,
    "freezeCount" => freeze_count int,
    "totalFreezesDuration" => total_freezes_duration num,
    "pauseCount" => pause_count int,
    "totalPausesDuration" => total_pauses_duration num,
    "qpSum" => qp_sum int,
    "qualityLimitationReason" => quality_limitation_reason text,
    "qualityLimitationResolutionChanges" => quality_limitation_resolution_changes int,
    "encoderImplementation" => encoder_implementation text,
    "decoderImplementation" => decoder_implementation text,
    "state" => state text,
    "dataChannelsOpened" => data_channels_opened int,
    "dataChannelsClosed" => data_channels_closed int,
    "emos" => emos num,
    "nominated" => nominated flag,
    "timestamp" => timestamp time,
    ;
    source_audio_level num,
    source_total_audio_energy num,
    source_total_samples_duration num,
    source_frames_per_second num,
    source_height int,
    quality_limitation_cpu num,
    quality_limitation_bandwidth num,
}

/// Which reports are being read: those of one sort have their members in one order.
#[derive(Clone, Copy)]
enum Context {
    Pair,
    Track,
    AudioIn,
    AudioOut,
    VideoIn,
    VideoOut,
    RemoteAudioIn,
    RemoteAudioOut,
    RemoteVideoIn,
    RemoteVideoOut,
}

const CONTEXTS: usize = 10;

/// How many names that nobody asks for are remembered, and how long they may be.
const STRANGE_NAMES: usize = 500;
const STRANGE_NAME: usize = 64;

/// The names of members. What comes after a name is nearly always what came after it last time, so that it is compared with that
/// alone, and looked up only if it is another one.
struct Names {
    names: Vec<Name>,
    by_text: HashMap<Box<str>, usize>,
}

struct Name {
    /// In its quotes, as it is written.
    quoted: Box<str>,
    member: Member,
    /// By context: which name came next last time.
    after: [u16; CONTEXTS],
}

/// The place of what stands before the first name of an object, and of names that are not remembered.
const NO_NAME: usize = 0;

impl Default for Names {
    fn default() -> Self {
        let mut names = Self { names: Vec::new(), by_text: HashMap::new() };
        // No name is written like this.
        names.names.push(Name { quoted: "\"\0".into(), member: Member::Strange, after: [0; CONTEXTS] });
        for (text, member) in MEMBERS {
            names.add(text, *member);
        }
        names
    }
}

impl Names {
    fn add(&mut self, text: &str, member: Member) -> usize {
        self.by_text.insert(text.into(), self.names.len());
        self.names.push(Name { quoted: format!("\"{text}\"").into(), member, after: [0; CONTEXTS] });
        self.names.len() - 1
    }

    /// Reads a name, which comes after that of place `last`.
    fn read(
        &mut self,
        scanner: &mut Scanner<'_>,
        context: Context,
        last: &mut usize,
    ) -> Result<Member, Refused> {
        let guess = usize::from(self.names[*last].after[context as usize]);
        let at = match scanner.name(&self.names[guess].quoted)? {
            None => guess,
            Some(text) => self.find(text),
        };
        self.names[*last].after[context as usize] = at as u16;
        *last = at;
        Ok(self.names[at].member)
    }

    fn find(&mut self, text: Text<'_>) -> usize {
        if let Some(at) = self.by_text.get(&*text.get()) {
            return *at;
        }
        match text.plain().filter(|text| text.len() <= STRANGE_NAME) {
            Some(text) if self.names.len() < MEMBERS.len() + STRANGE_NAMES => self.add(text, Member::Strange),
            _ => NO_NAME,
        }
    }
}

/// Reads reports; their values are all in one list.
struct Reader<'a, 'n> {
    names: &'n mut Names,
    cells: Vec<Cell<'a>>,
}

impl<'a> Reader<'a, '_> {
    /// One poll of a summary; none if it does not say whose it is, or holds nothing.
    fn summary_poll(
        &mut self,
        scanner: &mut Scanner<'a>,
        conference: &ConferenceRow,
    ) -> Result<Option<(Common, Poll<'a>)>, Refused> {
        let mut head = SummaryHead::default();
        let mut poll = None;
        scanner.object(|scanner, name| {
            match name {
                "id" => head.id = scanner.scalar()?.text(),
                "created_at" => head.created_at = scanner.scalar()?.text(),
                "session" => head.session = scanner.scalar()?.text(),
                "participant" => head.participant = scanner.scalar()?.text(),
                "peer" => head.peer = scanner.scalar()?.text(),
                "connection" => head.connection = scanner.scalar()?.text(),
                "data" => poll = self.poll(scanner)?,
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        Ok(head.common(conference).zip(poll))
    }

    /// The reports of one poll; none if this is no object.
    fn poll(&mut self, scanner: &mut Scanner<'a>) -> Result<Option<Poll<'a>>, Refused> {
        let mut poll = Poll::default();
        let is_object = scanner.object(|scanner, name| {
            match name {
                "connection" => poll.pair = self.report(scanner, Context::Pair)?,
                "audio" => poll.audio = self.media(scanner, [Context::AudioIn, Context::AudioOut])?,
                "video" => poll.video = self.media(scanner, [Context::VideoIn, Context::VideoOut])?,
                "remote" => {
                    (poll.remote_audio, poll.remote_video) = <(Media<'_>, Media<'_>)>::default();
                    let (audio, video) = (&mut poll.remote_audio, &mut poll.remote_video);
                    poll.remote = Some(scanner.compact(|scanner| self.remote(scanner, audio, video))?);
                }
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        Ok(is_object.then_some(poll))
    }

    /// What the other side says, of one poll.
    fn remote(
        &mut self,
        scanner: &mut Scanner<'a>,
        audio: &mut Media<'a>,
        video: &mut Media<'a>,
    ) -> Result<(), Refused> {
        let is_object = scanner.object(|scanner, name| {
            match name {
                "audio" => *audio = self.media(scanner, [Context::RemoteAudioIn, Context::RemoteAudioOut])?,
                "video" => *video = self.media(scanner, [Context::RemoteVideoIn, Context::RemoteVideoOut])?,
                _ => scanner.skip()?,
            }
            Ok(())
        });
        is_object.map(drop)
    }

    /// The reports of one kind; contexts are those of what is received and of what is sent.
    fn media(&mut self, scanner: &mut Scanner<'a>, contexts: [Context; 2]) -> Result<Media<'a>, Refused> {
        let mut media = Media::default();
        scanner.object(|scanner, name| {
            match name {
                "inbound" => media.inbound = self.reports(scanner, contexts[0])?,
                "outbound" => media.outbound = self.reports(scanner, contexts[1])?,
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        Ok(media)
    }

    fn reports(&mut self, scanner: &mut Scanner<'a>, context: Context) -> Result<Vec<Report<'a>>, Refused> {
        let mut reports = Vec::new();
        scanner.list(|scanner| {
            reports.extend(self.report(scanner, context)?);
            Ok(())
        })?;
        Ok(reports)
    }

    /// One report; none if this is no object.
    fn report(&mut self, scanner: &mut Scanner<'a>, context: Context) -> Result<Option<Report<'a>>, Refused> {
        let mut report = Report::default();
        let from = self.cells.len();
        let mut last = NO_NAME;
        let is_object = scanner.members(|scanner| {
            report.is_any = true;
            match self.names.read(scanner, context, &mut last)? {
                Member::Strange => scanner.skip()?,
                Member::Type => report.name = scanner.scalar()?.text(),
                Member::Kind => report.kind = scanner.scalar()?.text(),
                Member::Id => report.id = scanner.scalar()?.text(),
                Member::MediaType => report.media_type = scanner.scalar()?.text(),
                Member::TrackIdentifier => report.track_identifier = scanner.scalar()?.text(),
                Member::Track => self.source(scanner, &mut report)?,
                Member::Limits => self.limits(scanner)?,
                Member::Local => report.local = candidate(scanner)?,
                Member::Remote => report.remote = candidate(scanner)?,
                member => self.cells.push(Cell { member, value: scanner.scalar()? }),
            }
            Ok(())
        })?;
        report.cells = from..self.cells.len();
        Ok(is_object.then_some(report))
    }

    /// The media source or track that comes with a report.
    fn source(&mut self, scanner: &mut Scanner<'a>, report: &mut Report<'a>) -> Result<(), Refused> {
        let members = [
            ("audioLevel", Member::source_audio_level),
            ("totalAudioEnergy", Member::source_total_audio_energy),
            ("totalSamplesDuration", Member::source_total_samples_duration),
            ("framesPerSecond", Member::source_frames_per_second),
            ("height", Member::source_height),
        ];
        if report.has_track {
            // Named twice: nothing of the first one stays.
            self.cells.extend(members.map(|(_, member)| Cell { member, value: Scalar::Other }));
        }
        report.has_track = true;
        report.source_track_identifier = None;
        scanner.object(|scanner, name| {
            if name == "trackIdentifier" {
                report.source_track_identifier = scanner.scalar()?.text();
                return Ok(());
            }
            let value = scanner.scalar()?;
            let member = members.iter().find(|(member, _)| *member == name);
            self.cells.extend(member.map(|(_, member)| Cell { member: *member, value }));
            Ok(())
        })?;
        Ok(())
    }

    /// `qualityLimitationDurations`.
    fn limits(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Refused> {
        let members =
            [("cpu", Member::quality_limitation_cpu), ("bandwidth", Member::quality_limitation_bandwidth)];
        self.cells.extend(members.map(|(_, member)| Cell { member, value: Scalar::Other }));
        scanner.object(|scanner, name| {
            let value = scanner.scalar()?;
            let member = members.iter().find(|(member, _)| *member == name);
            self.cells.extend(member.map(|(_, member)| Cell { member: *member, value }));
            Ok(())
        })?;
        Ok(())
    }
}

/// Whose a poll of a summary is.
#[derive(Default)]
struct SummaryHead<'a> {
    id: Option<Text<'a>>,
    created_at: Option<Text<'a>>,
    session: Option<Text<'a>>,
    participant: Option<Text<'a>>,
    peer: Option<Text<'a>>,
    connection: Option<Text<'a>>,
}

impl SummaryHead<'_> {
    /// `None` if it does not say whose it is.
    fn common(&self, conference: &ConferenceRow) -> Option<Common> {
        Some(Common {
            conference_id: conference.id,
            event_id: self.id?.get().parse().ok()?,
            created_at: Timestamp::parse(&self.created_at?.get())?,
            app_id: conference.app_id,
            session_id: self.session?.get().parse().ok()?,
            participant_id: self.participant?.get().parse().ok()?,
            peer_id: self.peer.and_then(|peer| peer.get().parse().ok()),
            connection_id: self.connection.and_then(|connection| connection.get().parse().ok()),
            track_id: None,
            from_summary: true,
        })
    }
}

/// The reports of one poll.
#[derive(Default)]
struct Poll<'a> {
    pair: Option<Report<'a>>,
    audio: Media<'a>,
    video: Media<'a>,
    /// The member `remote` as it was, but for spaces, and the reports in it.
    remote: Option<String>,
    remote_audio: Media<'a>,
    remote_video: Media<'a>,
}

impl<'a> Poll<'a> {
    /// Hands over its rows.
    fn samples<'r>(
        &'r self,
        common: &'r Common,
        cells: &'r [Cell<'a>],
        mut each: impl FnMut(&ParsedSample<'r, 'a>),
    ) {
        let mut place = 0;
        let mut sample = |name, kind, report: &'r Report<'a>, pair| {
            let cells = &cells[report.cells.clone()];
            each(&ParsedSample { common, place, name, kind, report, cells, pair });
            place += 1;
        };
        if let Some(pair) = self.pair.as_ref().filter(|pair| pair.is_any) {
            sample(CANDIDATE_PAIR, None, pair, Some(Pair { remote: self.remote.as_deref() }));
        }
        let own = [("audio", &self.audio), ("video", &self.video)].map(|of| (of, [INBOUND, OUTBOUND]));
        let remote = [("audio", &self.remote_audio), ("video", &self.remote_video)]
            .map(|of| (of, [REMOTE_INBOUND, REMOTE_OUTBOUND]));
        for ((kind, media), [inbound, outbound]) in own.into_iter().chain(remote) {
            media.inbound.iter().for_each(|report| sample(inbound, Some(kind), report, None));
            media.outbound.iter().for_each(|report| sample(outbound, Some(kind), report, None));
        }
    }
}

/// The reports of one kind.
#[derive(Default)]
struct Media<'a> {
    inbound: Vec<Report<'a>>,
    outbound: Vec<Report<'a>>,
}

/// A report: where its values are, and what is not simply a value.
#[derive(Default)]
struct Report<'a> {
    cells: Range<usize>,
    /// Whether it has any member.
    is_any: bool,
    has_track: bool,
    name: Option<Text<'a>>,
    kind: Option<Text<'a>>,
    id: Option<Text<'a>>,
    media_type: Option<Text<'a>>,
    track_identifier: Option<Text<'a>>,
    /// Of the media source: used where the report has none of its own.
    source_track_identifier: Option<Text<'a>>,
    local: Option<Box<Candidate<'a>>>,
    remote: Option<Box<Candidate<'a>>>,
}

/// One side of a candidate pair.
#[derive(Default)]
struct Candidate<'a> {
    candidate_type: Option<Text<'a>>,
    protocol: Option<Text<'a>>,
    relay_protocol: Option<Text<'a>>,
    network_type: Option<Text<'a>>,
    address: Option<Text<'a>>,
    /// The old name of `address`.
    ip: Option<Text<'a>>,
}

fn candidate<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Box<Candidate<'a>>>, Refused> {
    let mut candidate = Box::<Candidate<'_>>::default();
    let is_object = scanner.object(|scanner, name| {
        match name {
            "candidateType" => candidate.candidate_type = scanner.scalar()?.text(),
            "protocol" => candidate.protocol = scanner.scalar()?.text(),
            "relayProtocol" => candidate.relay_protocol = scanner.scalar()?.text(),
            "networkType" => candidate.network_type = scanner.scalar()?.text(),
            "address" => candidate.address = scanner.scalar()?.text(),
            "ip" => candidate.ip = scanner.scalar()?.text(),
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    Ok(is_object.then_some(candidate))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn only_a_finished_summary_of_the_known_form_is_read() {
        let id = Uuid::nil();
        let data = format!(
            r#"[{{"id":"{id}","session":"{id}","participant":"{id}","connection":"{id}","created_at":"2026-11-23 10:00:01",
            "data":{{"connection":{{"id":"P"}}}}}}]"#
        );
        let read = |status: Option<&str>, version| {
            samples_of_summary(&ConferenceRow {
                summary_status: status.map(str::to_owned),
                summary_version: version,
                summary_data: Some(Json(data.clone())),
                ..ConferenceRow::default()
            })
            .len()
        };
        assert_eq!(read(Some("d"), Some(1)), 1);
        assert_eq!([read(Some("o"), Some(1)), read(Some("e"), Some(1)), read(Some("d"), Some(2))], [0; 3]);
    }
}
