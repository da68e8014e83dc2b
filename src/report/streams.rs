//! The samples of one connection as time series: one point per poll, values over the interval since the poll before, for the
//! connection and for each of its streams.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::summary;
use super::tracks::Track;
use crate::ids::ConnectionId;
use crate::metrics::counters::{growth, increase, loss, ratio, rounded};
use crate::metrics::emos::{AudioInterval, corrected_emos};
use crate::metrics::limits::Reading;
use crate::metrics::measures::Measure;
use crate::metrics::percentile::percentile;
use crate::metrics::video_score::{VideoInterval, video_score};
use crate::snapshot::stats::{CANDIDATE_PAIR, INBOUND, OUTBOUND, REMOTE_INBOUND, REMOTE_OUTBOUND};
use crate::snapshot::{Sample, Samples};
use crate::units::Timestamp;

/// A level below which audio is silence: comfort noise, a muted microphone, DTX.
pub const SILENT_LEVEL: f64 = 0.001;
/// Polls that are further apart than so many usual distances are a gap: a sleeping tab, not a network fault.
const GAP_POLLS: f64 = 2.5;
/// And at least so many milliseconds.
const GAP_MS: f64 = 5000.0;
/// Bit/s above which a video stream counts as flowing, whether or not pictures come out of it (ObserveRTC).
pub const FLOWING_BPS: f64 = 10_000.0;

/// Values of one series by measure; all lists are as long as the series' times, `None` where there is no value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values(BTreeMap<Measure, Vec<Option<f64>>>);

impl Values {
    /// The values of a measure, if any poll had one.
    pub fn get(&self, measure: Measure) -> Option<&[Option<f64>]> {
        self.0.get(&measure).map(Vec::as_slice)
    }

    /// The measures that have a value.
    pub fn measures(&self) -> impl Iterator<Item = Measure> + '_ {
        self.0.keys().copied()
    }

    /// All series, by measure.
    pub fn iter(&self) -> impl Iterator<Item = (Measure, &[Option<f64>])> {
        self.0.iter().map(|(measure, values)| (*measure, values.as_slice()))
    }

    /// The value at a poll.
    pub fn at(&self, measure: Measure, poll: usize) -> Option<f64> {
        self.0.get(&measure)?.get(poll).copied().flatten()
    }

    /// Sets the value of a poll; one that is not finite is none.
    fn set(&mut self, measure: Measure, polls: usize, poll: usize, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite())
            && let Some(place) = self.0.entry(measure).or_insert_with(|| vec![None; polls]).get_mut(poll)
        {
            *place = Some(rounded(value, measure.decimals()));
        }
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (measure, values) in &self.0 {
            map.serialize_entry(measure.meaning().key, values)?;
        }
        map.end()
    }
}

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// Whether this side receives or sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It receives.
    Inbound,
    /// It sends.
    Outbound,
}

impl Kind {
    /// `audio` or `video`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

impl Direction {
    /// `in` or `out`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Inbound => "in",
            Self::Outbound => "out",
        }
    }
}

/// One stream of a connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stream {
    /// The report's id, unique within the connection.
    pub id: String,
    /// Audio or video.
    pub kind: Kind,
    /// Received or sent.
    pub direction: Direction,
    /// The latest codec: `opus`, `VP8` …
    pub codec: Option<String>,
    /// Synchronization source.
    pub ssrc: Option<i64>,
    /// The browser's id of its track.
    pub track: Option<String>,
    /// The latest encoder or decoder.
    pub implementation: Option<String>,
    /// The latest size of its pictures, pixels.
    pub size: Option<(i64, i64)>,
    /// Whether it shows a screen: pictures that stand still, and come slowly, on purpose.
    pub screen: bool,
    /// Its values.
    pub values: Values,
}

/// The series of one connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Series {
    /// When each poll was received, milliseconds since the Unix epoch, by the server's clock.
    pub t: Vec<i64>,
    /// Stretches without polls that were longer than the polls are apart, milliseconds since the Unix epoch.
    pub gaps: Vec<(i64, i64)>,
    /// Values of the connection.
    pub values: Values,
    /// Its streams: received before sent, audio before video.
    pub streams: Vec<Stream>,
}

impl Series {
    /// When the interval of a poll began and ended; that of the first one, or after a gap, has no length.
    pub fn interval(&self, poll: usize) -> (i64, i64) {
        let to = self.t.get(poll).copied().unwrap_or_default();
        let from = poll.checked_sub(1).and_then(|before| self.t.get(before)).copied().unwrap_or(to);
        let gap = self.gaps.iter().any(|(_, end)| *end == to);
        (if gap { to } else { from.min(to) }, to)
    }

    /// The values of a measure with the intervals that they are of.
    pub fn readings<'a>(&'a self, values: &'a [Option<f64>]) -> impl Iterator<Item = Reading> + 'a {
        values.iter().enumerate().map(|(poll, value)| {
            let (from, to) = self.interval(poll);
            Reading { from, to, value: *value }
        })
    }

    /// The streams of a kind and direction.
    pub fn streams(&self, kind: Kind, direction: Direction) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter(move |stream| stream.kind == kind && stream.direction == direction)
    }
}

/// One poll of getStats: the reports of a main event and of the track events before it.
struct Poll<'a> {
    at: Timestamp,
    rows: Vec<Sample<'a>>,
}

impl<'a> Poll<'a> {
    fn of(&self, report: &'static str) -> impl Iterator<Item = Sample<'a>> + '_ {
        self.rows.iter().copied().filter(move |row| row.report() == report)
    }

    fn pair(&self) -> Option<Sample<'a>> {
        self.of(CANDIDATE_PAIR).find(|row| row.selected())
    }
}

/// What senders say about the video that others receive, by its synchronization source, which is the same on both sides
/// unless a server rewrites it.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Frames per second of the camera over time, milliseconds since the Unix epoch.
    rates: BTreeMap<i64, Vec<(i64, f64)>>,
    /// Those that show a screen.
    screens: BTreeSet<i64>,
    /// The browser's ids of tracks that show one.
    screen_tracks: BTreeSet<String>,
}

impl Sources {
    /// A reading of the camera that is older says nothing about the interval, milliseconds.
    const FRESH_MS: i64 = 15_000;

    /// From all samples of a conference, which are in order of time, and its tracks.
    pub fn of(samples: &Samples, tracks: &[Track]) -> Self {
        let screens = tracks.iter().filter(|track| track.is_screen);
        let screen_tracks: BTreeSet<String> = screens.map(|track| track.browser_id.clone()).collect();
        let sent = samples.iter().filter(|row| row.report() == OUTBOUND && kind(*row) == Some(Kind::Video));
        let mut layers: BTreeMap<(Option<ConnectionId>, &str), BTreeSet<i64>> = BTreeMap::new();
        let mut sources = Self::default();
        for row in sent {
            let Some(ssrc) = row.ssrc() else { continue };
            if let Some(track) = row.track_identifier() {
                layers.entry((row.connection_id(), track)).or_default().insert(ssrc);
                if screen_tracks.contains(track) {
                    sources.screens.insert(ssrc);
                }
            }
            if let Some(rate) = row.source_frames_per_second().filter(|rate| *rate >= 0.0) {
                sources.rates.entry(ssrc).or_default().push((row.created_at().as_millis(), rate));
            }
        }
        // A layer of simulcast has fewer frames than the camera on purpose.
        for layers in layers.values().filter(|layers| layers.len() > 1) {
            sources.rates.retain(|ssrc, _| !layers.contains(ssrc));
        }
        Self { screen_tracks, ..sources }
    }

    /// Frames per second that the camera gave when an interval ended.
    fn rate(&self, ssrc: Option<i64>, to: i64) -> Option<f64> {
        let rates = self.rates.get(&ssrc?)?;
        let after = rates.partition_point(|(at, _)| *at <= to);
        let (at, rate) = rates.get(after.checked_sub(1)?)?;
        (to - at <= Self::FRESH_MS).then_some(*rate)
    }

    fn is_screen(&self, stream: &Stream) -> bool {
        stream.ssrc.is_some_and(|ssrc| self.screens.contains(&ssrc))
            || stream.track.as_ref().is_some_and(|track| self.screen_tracks.contains(track))
    }
}

/// The series of one connection from its samples, which are in order of time.
pub fn series(samples: &[Sample<'_>], sources: &Sources) -> Series {
    let polls = polls(samples);
    let t: Vec<i64> = polls.iter().map(|poll| poll.at.as_millis()).collect();
    let gap_ms = gap_ms(&t);
    let gaps = t.windows(2).filter(|pair| (pair[1] - pair[0]) as f64 > gap_ms).map(|pair| (pair[0], pair[1]));
    let mut series = Series { gaps: gaps.collect(), t, ..Series::default() };
    let count = polls.len();
    let mut streams: BTreeMap<(Direction, Kind, &str), Stream> = BTreeMap::new();
    let mut intervals: BTreeMap<(Direction, Kind, &str), Vec<Option<VideoInterval>>> = BTreeMap::new();
    let mut before: BTreeMap<(&str, &str), Sample<'_>> = BTreeMap::new();
    for (at, poll) in polls.iter().enumerate() {
        let step = |row: Sample<'_>| -> Option<Step<'_>> {
            let earlier = before.get(&(row.report(), row.id()?)).copied()?;
            let seconds = interval(earlier, row).filter(|seconds| seconds * 1000.0 <= gap_ms)?;
            Some((earlier, seconds))
        };
        connection_values(&mut series.values, poll, (at, count), step);
        let rtt_s = series.values.at(Measure::RoundTripTime, at).map(|ms| ms / 1000.0);
        for (report, direction) in [(INBOUND, Direction::Inbound), (OUTBOUND, Direction::Outbound)] {
            for row in poll.of(report) {
                let (Some(id), Some(kind)) = (row.id(), kind(row)) else { continue };
                let key = (direction, kind, id);
                let stream = streams.entry(key).or_insert_with(|| Stream::new(id, kind, direction));
                stream.describe(row);
                let mut set = |measure, value| stream.values.set(measure, count, at, value);
                let step = step(row);
                media_values(&mut set, row, step, direction, kind);
                match direction {
                    Direction::Inbound => received_values(&mut set, poll, row, step, kind, rtt_s),
                    Direction::Outbound => sent_values(&mut set, poll, row, step),
                }
                if direction == Direction::Inbound && kind == Kind::Video {
                    let list = intervals.entry(key).or_insert_with(|| vec![None; count]);
                    list[at] = step.map(|step| video_interval(row, step, rtt_s));
                }
            }
        }
        for row in &poll.rows {
            if let Some(id) = row.id() {
                before.insert((row.report(), id), *row);
            }
        }
    }
    for stream in streams.values_mut().filter(|stream| stream.kind == Kind::Video) {
        stream.screen = sources.is_screen(stream);
    }
    for (key, mut list) in intervals {
        let Some(stream) = streams.get_mut(&key) else { continue };
        for (interval, to) in list.iter_mut().zip(&series.t) {
            if let Some(interval) = interval {
                interval.expected_frames_per_s = sources.rate(stream.ssrc, *to);
            }
        }
        score_video(stream, &list, count);
    }
    series.streams = streams.into_values().collect();
    without_pair(&mut series, count);
    series
}

/// The report of the poll before and the seconds since.
type Step<'a> = (Sample<'a>, f64);

impl Stream {
    fn new(id: &str, kind: Kind, direction: Direction) -> Self {
        Self {
            id: id.to_owned(),
            kind,
            direction,
            codec: None,
            ssrc: None,
            track: None,
            implementation: None,
            size: None,
            screen: false,
            values: Values::default(),
        }
    }

    /// Takes over what a newer report says of the stream.
    fn describe(&mut self, row: Sample<'_>) {
        let codec = row.mime_type().map(|mime| mime.rsplit('/').next().unwrap_or(mime));
        self.codec = codec.map(str::to_owned).or(self.codec.take());
        self.ssrc = row.ssrc().or(self.ssrc);
        self.track = row.track_identifier().map(str::to_owned).or(self.track.take());
        let implementation = row.decoder_implementation().or(row.encoder_implementation());
        self.implementation = implementation.map(str::to_owned).or(self.implementation.take());
        self.size = row.frame_width().zip(row.frame_height()).or(self.size);
    }
}

fn kind(row: Sample<'_>) -> Option<Kind> {
    match row.kind()? {
        "audio" => Some(Kind::Audio),
        "video" => Some(Kind::Video),
        _ => None,
    }
}

/// Milliseconds between two polls above which nothing is known of the time between them.
fn gap_ms(t: &[i64]) -> f64 {
    let mut distances: Vec<f64> = t.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
    distances.sort_by(f64::total_cmp);
    percentile(&distances, 0.5).map_or(f64::INFINITY, |usual| (usual * GAP_POLLS).max(GAP_MS))
}

fn connection_values<'a>(
    values: &mut Values,
    poll: &Poll<'a>,
    (at, count): (usize, usize),
    step: impl Fn(Sample<'a>) -> Option<Step<'a>>,
) {
    let pair = poll.pair();
    let mean = pair.and_then(|pair| {
        let (earlier, _) = step(pair)?;
        let answers = increase(earlier.responses_received(), pair.responses_received())?;
        ratio(growth(earlier.total_round_trip_time(), pair.total_round_trip_time())?, answers)
    });
    let rtcp = poll.of(REMOTE_INBOUND).find_map(Sample::round_trip_time);
    let rtt = pair.and_then(Sample::current_round_trip_time).or(mean).or(rtcp);
    values.set(Measure::RoundTripTime, count, at, rtt.map(|s| s * 1000.0).filter(|ms| *ms >= 0.0));
    let Some(pair) = pair else { return };
    let available = pair.available_outgoing_bitrate().filter(|rate| *rate >= 0.0);
    values.set(Measure::AvailableOutgoingBitrate, count, at, available);
    let Some((earlier, seconds)) = step(pair) else { return };
    let rate = |from, to| Some(increase(from, to)? * 8.0 / seconds);
    values.set(Measure::BitrateIn, count, at, rate(earlier.bytes_received(), pair.bytes_received()));
    values.set(Measure::BitrateOut, count, at, rate(earlier.bytes_sent(), pair.bytes_sent()));
}

/// Where the pair never said how much went over it, the sum of the streams has to do.
fn without_pair(series: &mut Series, count: usize) {
    for (measure, direction) in
        [(Measure::BitrateIn, Direction::Inbound), (Measure::BitrateOut, Direction::Outbound)]
    {
        if series.values.get(measure).is_some() {
            continue;
        }
        for poll in 0..count {
            let streams = series.streams.iter().filter(|stream| stream.direction == direction);
            let rates = streams.filter_map(|stream| stream.values.at(Measure::Bitrate, poll));
            let sum = rates.reduce(|a, b| a + b);
            series.values.set(measure, count, poll, sum);
        }
    }
}

/// What is measured of whatever is sent or received.
fn media_values(
    set: &mut impl FnMut(Measure, Option<f64>),
    row: Sample<'_>,
    step: Option<Step<'_>>,
    direction: Direction,
    kind: Kind,
) {
    if kind == Kind::Video {
        set(
            Measure::FrameHeight,
            row.frame_height().filter(|height| *height > 0).map(|height| height as f64),
        );
    } else {
        set(Measure::AudioLevel, audio_level(row, step, direction));
    }
    let Some((earlier, seconds)) = step else { return };
    let bytes = |row: Sample<'_>| match direction {
        Direction::Inbound => total(row.bytes_received(), row.header_bytes_received()),
        Direction::Outbound => total(row.bytes_sent(), row.header_bytes_sent()),
    };
    set(Measure::Bitrate, increase(bytes(earlier), bytes(row)).map(|bytes| bytes * 8.0 / seconds));
    let rate = |from, to| Some(increase(from, to)? / seconds);
    set(Measure::NackRate, rate(earlier.nack_count(), row.nack_count()));
    if kind == Kind::Video {
        set(Measure::PliRate, rate(earlier.pli_count(), row.pli_count()));
        set(Measure::FirRate, rate(earlier.fir_count(), row.fir_count()));
        set(Measure::FrameRate, frames(earlier, row, direction).map(|frames| frames / seconds));
        let coded = match direction {
            Direction::Inbound => increase(earlier.frames_decoded(), row.frames_decoded()),
            Direction::Outbound => increase(earlier.frames_encoded(), row.frames_encoded()),
        };
        let qp = increase(earlier.qp_sum(), row.qp_sum());
        set(Measure::Qp, qp.zip(coded).and_then(|(sum, frames)| ratio(sum, frames)));
    }
}

fn total(payload: Option<i64>, headers: Option<i64>) -> Option<i64> {
    payload.map(|bytes| bytes.saturating_add(headers.unwrap_or(0)))
}

fn frames(earlier: Sample<'_>, row: Sample<'_>, direction: Direction) -> Option<f64> {
    match direction {
        Direction::Inbound => increase(earlier.frames_decoded(), row.frames_decoded()),
        Direction::Outbound => increase(earlier.frames_encoded(), row.frames_encoded())
            .or_else(|| increase(earlier.frames_sent(), row.frames_sent())),
    }
}

fn audio_level(row: Sample<'_>, step: Option<Step<'_>>, direction: Direction) -> Option<f64> {
    let totals = |row: Sample<'_>| match direction {
        Direction::Inbound => (row.total_audio_energy(), row.total_samples_duration()),
        Direction::Outbound => (row.source_total_audio_energy(), row.source_total_samples_duration()),
    };
    let at_poll = match direction {
        Direction::Inbound => row.audio_level(),
        Direction::Outbound => row.source_audio_level(),
    };
    let mean_square = step.and_then(|(earlier, _)| {
        let (from, to) = (totals(earlier), totals(row));
        ratio(growth(from.0, to.0)?, growth(from.1, to.1)?)
    });
    let level = mean_square.map(f64::sqrt).or(at_poll);
    level.filter(|level| *level >= 0.0).map(|level| level.min(1.0))
}

/// What is measured of what this side receives.
fn received_values(
    set: &mut impl FnMut(Measure, Option<f64>),
    poll: &Poll<'_>,
    row: Sample<'_>,
    step: Option<Step<'_>>,
    kind: Kind,
    rtt_s: Option<f64>,
) {
    set(Measure::Jitter, row.jitter().filter(|jitter| *jitter >= 0.0).map(|seconds| seconds * 1000.0));
    if kind == Kind::Audio {
        let remote: Vec<Sample<'_>> = poll.of(REMOTE_INBOUND).chain(poll.of(REMOTE_OUTBOUND)).collect();
        set(Measure::Emos, summary::emos(row, &remote));
    }
    let Some((earlier, seconds)) = step else { return };
    set(Measure::Loss, packet_loss(earlier, row));
    set(Measure::JitterBufferDelay, buffer_s(earlier, row).map(|seconds| seconds * 1000.0));
    if kind == Kind::Audio {
        set(Measure::AudioScore, audio_score(earlier, row, seconds, rtt_s));
        let samples = increase(earlier.total_samples_received(), row.total_samples_received());
        let part = |part: f64| ratio(part, samples?).map(|share| share.min(1.0));
        let concealed = increase(earlier.concealed_samples(), row.concealed_samples());
        let silent =
            increase(earlier.silent_concealed_samples(), row.silent_concealed_samples()).unwrap_or(0.0);
        set(Measure::Concealment, concealed.and_then(|concealed| part((concealed - silent).max(0.0))));
        let inserted =
            increase(earlier.inserted_samples_for_deceleration(), row.inserted_samples_for_deceleration());
        let removed =
            increase(earlier.removed_samples_for_acceleration(), row.removed_samples_for_acceleration());
        set(Measure::TimeStretch, inserted.zip(removed).and_then(|(a, b)| part(a + b)));
        let target = growth(earlier.jitter_buffer_target_delay(), row.jitter_buffer_target_delay());
        let emitted = increase(earlier.jitter_buffer_emitted_count(), row.jitter_buffer_emitted_count());
        set(Measure::JitterBufferTarget, target.zip(emitted).and_then(|(sum, n)| ratio(sum * 1000.0, n)));
        let fec = increase(earlier.fec_packets_received(), row.fec_packets_received());
        set(Measure::FecRate, fec.map(|packets| packets / seconds));
        return;
    }
    set(Measure::Freezes, increase(earlier.freeze_count(), row.freeze_count()));
    let frozen = growth(earlier.total_freezes_duration(), row.total_freezes_duration());
    set(Measure::FreezeShare, frozen.map(|frozen| (frozen / seconds).min(1.0)));
    let paused = growth(earlier.total_pauses_duration(), row.total_pauses_duration());
    set(Measure::PauseShare, paused.map(|paused| (paused / seconds).min(1.0)));
    set(Measure::FrameSpacing, frame_spacing_s(earlier, row).map(|seconds| seconds * 1000.0));
    let received = increase(earlier.frames_received(), row.frames_received());
    let dropped = increase(earlier.frames_dropped(), row.frames_dropped());
    set(
        Measure::FramesDropped,
        dropped.zip(received).and_then(|(a, b)| ratio(a, b)).map(|share| share.min(1.0)),
    );
    let decoded = increase(earlier.frames_decoded(), row.frames_decoded());
    let enough = received.filter(|frames| *frames >= 10.0);
    let share = decoded.zip(enough).and_then(|(a, b)| ratio(a, b)).map(|share| share.min(1.0));
    set(Measure::FramesDecoded, share);
    let time = growth(earlier.total_decode_time(), row.total_decode_time());
    set(Measure::DecodeTime, time.zip(decoded).and_then(|(time, frames)| ratio(time * 1000.0, frames)));
}

/// Standard deviation of the time between frames over the interval, seconds; none for fewer than ten of them.
fn frame_spacing_s(earlier: Sample<'_>, row: Sample<'_>) -> Option<f64> {
    let frames = increase(earlier.frames_decoded(), row.frames_decoded()).filter(|frames| *frames >= 10.0)?;
    let mean = growth(earlier.total_inter_frame_delay(), row.total_inter_frame_delay())? / frames;
    let squares =
        growth(earlier.total_squared_inter_frame_delay(), row.total_squared_inter_frame_delay())? / frames;
    // The sums are rounded by the browser, so that their difference may fall a little below zero.
    Some((squares - mean * mean).max(0.0).sqrt())
}

/// What is measured of what this side sends; how it arrives is what the other side says.
fn sent_values(
    set: &mut impl FnMut(Measure, Option<f64>),
    poll: &Poll<'_>,
    row: Sample<'_>,
    step: Option<Step<'_>>,
) {
    let remote =
        poll.of(REMOTE_INBOUND).find(|remote| remote.local_id().is_some() && remote.local_id() == row.id());
    if let Some(remote) = remote {
        set(Measure::Jitter, remote.jitter().filter(|jitter| *jitter >= 0.0).map(|seconds| seconds * 1000.0));
        let rtt = remote.round_trip_time().filter(|rtt| *rtt >= 0.0);
        set(Measure::RoundTripTimeRtcp, rtt.map(|seconds| seconds * 1000.0));
        set(Measure::Loss, remote.fraction_lost().filter(|share| (0.0..=1.0).contains(share)));
    }
    set(Measure::SourceFrameRate, row.source_frames_per_second().filter(|rate| *rate >= 0.0));
    let Some((earlier, seconds)) = step else { return };
    let sent = increase(earlier.packets_sent(), row.packets_sent());
    let again = increase(earlier.retransmitted_packets_sent(), row.retransmitted_packets_sent());
    set(Measure::Retransmission, again.zip(sent).and_then(|(a, b)| ratio(a, b)).map(|share| share.min(1.0)));
    let encoded = increase(earlier.frames_encoded(), row.frames_encoded());
    let time = growth(earlier.total_encode_time(), row.total_encode_time());
    set(Measure::EncodeTime, time.zip(encoded).and_then(|(time, frames)| ratio(time * 1000.0, frames)));
    let limited = |from, to| growth(from, to).map(|limited: f64| (limited / seconds).min(1.0));
    set(Measure::CpuLimited, limited(earlier.quality_limitation_cpu(), row.quality_limitation_cpu()));
    let bandwidth = limited(earlier.quality_limitation_bandwidth(), row.quality_limitation_bandwidth());
    set(Measure::BandwidthLimited, bandwidth);
}

fn packet_loss(earlier: Sample<'_>, row: Sample<'_>) -> Option<f64> {
    loss((earlier.packets_lost(), row.packets_lost()), (earlier.packets_received(), row.packets_received()))
}

/// Mean delay in the jitter buffer over the interval, seconds.
fn buffer_s(earlier: Sample<'_>, row: Sample<'_>) -> Option<f64> {
    let delay = growth(earlier.jitter_buffer_delay(), row.jitter_buffer_delay())?;
    ratio(delay, increase(earlier.jitter_buffer_emitted_count(), row.jitter_buffer_emitted_count())?)
}

fn audio_score(earlier: Sample<'_>, row: Sample<'_>, seconds: f64, rtt_s: Option<f64>) -> Option<f64> {
    // Comfort noise or DTX: the model's penalty for a low bitrate would punish silence.
    let level = audio_level(row, Some((earlier, seconds)), Direction::Inbound);
    let silent = level.is_some_and(|level| level < SILENT_LEVEL);
    let bitrate = increase(earlier.bytes_received(), row.bytes_received()).map(|bytes| bytes * 8.0 / seconds);
    let fec = increase(earlier.fec_packets_received(), row.fec_packets_received());
    corrected_emos(&AudioInterval {
        loss_ratio: packet_loss(earlier, row),
        rtt_s,
        jitter_buffer_s: buffer_s(earlier, row),
        bitrate_bps: bitrate.filter(|_| !silent),
        fec_in_use: fec.is_some_and(|packets| packets > 0.0),
        dtx: silent,
    })
}

fn video_interval(row: Sample<'_>, (earlier, seconds): Step<'_>, rtt_s: Option<f64>) -> VideoInterval {
    let pixels = |side: Option<i64>| side.and_then(|side| u32::try_from(side).ok());
    let bytes = increase(earlier.bytes_received(), row.bytes_received());
    VideoInterval {
        bitrate_bps: bytes.map(|bytes| bytes * 8.0 / seconds),
        expected_width: pixels(row.frame_width()),
        expected_height: pixels(row.frame_height()),
        frames_per_s: frames(earlier, row, Direction::Inbound).map(|frames| frames / seconds),
        expected_frames_per_s: None,
        vp9: row.mime_type().is_some_and(|mime| mime.ends_with("VP9")),
        jitter_buffer_s: buffer_s(earlier, row),
        rtt_s,
    }
}

/// Scores a received video stream against the frame rate of the sender's camera where that is known, else its own usual one.
/// Without frames there is a score only where data flowed: a camera that is off is no fault. A screen has none: its pictures
/// need few bits, and stand still, on purpose.
fn score_video(stream: &mut Stream, intervals: &[Option<VideoInterval>], count: usize) {
    if stream.screen {
        return;
    }
    let rates = intervals.iter().flatten().filter_map(|interval| interval.frames_per_s);
    let mut rates: Vec<f64> = rates.filter(|rate| *rate > 0.0).collect();
    rates.sort_by(f64::total_cmp);
    let usual = percentile(&rates, 0.9);
    for (at, interval) in intervals.iter().enumerate() {
        let Some(interval) = interval else { continue };
        let came = interval.frames_per_s.is_some_and(|rate| rate > 0.0);
        let flowed = interval.bitrate_bps.is_some_and(|rate| rate > FLOWING_BPS);
        let expected = interval.expected_frames_per_s.or(usual);
        // More frames than expected are no better than the expected ones.
        let expected = expected.zip(interval.frames_per_s).map(|(expected, rate)| expected.max(rate));
        let interval = VideoInterval { expected_frames_per_s: expected, ..*interval };
        let score = if came || flowed { video_score(&interval) } else { None };
        stream.values.set(Measure::VideoScore, count, at, score);
    }
}

/// Seconds between two samples, by the browser's clock where both have it, else by the server's.
fn interval(a: Sample<'_>, b: Sample<'_>) -> Option<f64> {
    let seconds = match (a.timestamp(), b.timestamp()) {
        (Some(from), Some(to)) => to.seconds_since(from),
        _ => b.created_at().seconds_since(a.created_at()),
    };
    (seconds > 0.0).then_some(seconds)
}

/// Groups rows by poll. The events of tracks are stored some milliseconds before the main event of their poll.
fn polls<'a>(samples: &[Sample<'a>]) -> Vec<Poll<'a>> {
    let mut polls: Vec<Poll<'a>> = Vec::new();
    let mut tracks: Vec<Sample<'a>> = Vec::new();
    let mut current = None;
    for row in samples {
        if row.track_id().is_some() {
            tracks.push(*row);
            continue;
        }
        if current != Some(row.event_id()) {
            current = Some(row.event_id());
            polls.push(Poll { at: row.created_at(), rows: std::mem::take(&mut tracks) });
        }
        if let Some(poll) = polls.last_mut() {
            poll.rows.push(*row);
        }
    }
    // Tracks after the last main event: the poll's main event is missing, its own time serves.
    if let Some(last) = tracks.last() {
        polls.push(Poll { at: last.created_at(), rows: tracks });
    }
    polls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{EventId, TrackId};
    use crate::snapshot::SampleRow;
    use uuid::Uuid;

    fn row(report: &str, second: i64) -> SampleRow {
        SampleRow {
            report: report.to_owned(),
            event_id: EventId(Uuid::from_u128(second as u128)),
            created_at: Timestamp::from_micros(second * 1_000_000),
            id: Some("x".to_owned()),
            kind: Some("audio".to_owned()),
            ..SampleRow::default()
        }
    }

    fn measured(rows: &[SampleRow], sources: &Sources) -> Series {
        let samples: Samples = rows.iter().collect();
        series(&samples.iter().collect::<Vec<_>>(), sources)
    }

    fn of(rows: &[SampleRow]) -> Series {
        measured(rows, &Sources::default())
    }

    fn values(rows: &[SampleRow], measure: Measure) -> Vec<Option<f64>> {
        of(rows).streams[0].values.get(measure).map(<[_]>::to_vec).unwrap_or_default()
    }

    #[test]
    fn rates_are_of_the_interval_and_the_first_poll_has_none() {
        let poll = |second, bytes| SampleRow { bytes_received: Some(bytes), ..row(INBOUND, second) };
        let rows = [poll(0, 5_000), poll(10, 15_000)];
        assert_eq!(values(&rows, Measure::Bitrate), [None, Some(8_000.0)]);
        assert_eq!(of(&rows).values.get(Measure::BitrateIn), Some([None, Some(8_000.0)].as_slice()));
    }

    #[test]
    fn a_counter_that_falls_gives_no_rate_rather_than_a_negative_one() {
        let poll = |second, bytes| SampleRow { bytes_received: Some(bytes), ..row(INBOUND, second) };
        assert_eq!(values(&[poll(0, 5_000), poll(10, 1_000)], Measure::Bitrate), []);
    }

    #[test]
    fn loss_is_that_of_the_interval_and_none_where_nothing_was_expected() {
        let poll = |second, received, lost| SampleRow {
            packets_received: Some(received),
            packets_lost: Some(lost),
            ..row(INBOUND, second)
        };
        let rows = [poll(0, 100, 50), poll(10, 190, 60), poll(20, 190, 60), poll(30, 290, 40)];
        assert_eq!(values(&rows, Measure::Loss), [None, Some(0.1), None, Some(0.0)]);
    }

    #[test]
    fn track_events_belong_to_the_poll_that_follows_them() {
        let track = |second| SampleRow {
            track_id: Some(TrackId::default()),
            bytes_sent: Some(second * 1000),
            ..row(OUTBOUND, second)
        };
        let main = |second| SampleRow { id: None, ..row(CANDIDATE_PAIR, second) };
        let series = of(&[track(9), main(10), track(19), main(20)]);
        assert_eq!(series.t, [10_000, 20_000]);
        assert_eq!(series.streams[0].values.get(Measure::Bitrate), Some([None, Some(8_000.0)].as_slice()));
    }

    #[test]
    fn nothing_is_known_of_a_gap_in_the_polls() {
        let poll = |second, bytes| SampleRow { bytes_received: Some(bytes), ..row(INBOUND, second) };
        let rows = [poll(0, 0), poll(10, 1000), poll(20, 2000), poll(120, 90_000), poll(130, 91_000)];
        let series = of(&rows);
        assert_eq!(series.gaps, [(20_000, 120_000)]);
        assert_eq!(series.interval(3), (120_000, 120_000));
        assert_eq!(values(&rows, Measure::Bitrate), [None, Some(800.0), Some(800.0), None, Some(800.0)]);
    }

    #[test]
    fn silent_concealment_is_no_damage() {
        let poll = |second, concealed, silent, all| SampleRow {
            concealed_samples: Some(concealed),
            silent_concealed_samples: Some(silent),
            total_samples_received: Some(all),
            ..row(INBOUND, second)
        };
        let rows = [poll(0, 0, 0, 0), poll(10, 400, 300, 1000), poll(20, 900, 800, 2000)];
        assert_eq!(values(&rows, Measure::Concealment), [None, Some(0.1), Some(0.0)]);
    }

    #[test]
    fn a_frozen_picture_is_a_share_of_the_interval_and_a_camera_that_is_off_has_no_score() {
        let poll = |second, frames, bytes, freezes, frozen| SampleRow {
            kind: Some("video".to_owned()),
            frames_decoded: Some(frames),
            bytes_received: Some(bytes),
            freeze_count: Some(freezes),
            total_freezes_duration: Some(frozen),
            frame_width: Some(640),
            frame_height: Some(360),
            ..row(INBOUND, second)
        };
        let rows = [
            poll(0, 0, 0, 0, 0.0),
            poll(10, 300, 500_000, 0, 0.0),
            poll(20, 500, 1_000_000, 2, 4.0),
            poll(30, 500, 1_000_000, 2, 4.0),
            poll(40, 500, 1_100_000, 2, 4.0),
        ];
        let share = [None, Some(0.0), Some(0.4), Some(0.0), Some(0.0)];
        assert_eq!(values(&rows, Measure::FreezeShare), share);
        let scores = values(&rows, Measure::VideoScore);
        // Bits per pixel and frame 400 kbit/s / (640 x 360 x 30) = 0.05787: 0.56 ln + 5.36 = 3.764.
        assert_eq!((scores[1], scores[3], scores[4]), (Some(3.764), None, Some(1.0)));
        assert!(scores[2] < scores[1]);
    }

    #[test]
    fn frames_that_come_unevenly_spread_around_their_mean() {
        // Nine frames after 30 ms and one after 130 ms: mean 40 ms, variance (9 x 100 + 8100) / 10 = 900 square ms.
        let poll = |second, frames, sum, squares| SampleRow {
            kind: Some("video".to_owned()),
            frames_decoded: Some(frames),
            total_inter_frame_delay: Some(sum),
            total_squared_inter_frame_delay: Some(squares),
            ..row(INBOUND, second)
        };
        let rows = [poll(0, 5, 1.0, 0.5), poll(10, 15, 1.4, 0.525), poll(20, 17, 1.48, 0.53)];
        assert_eq!(values(&rows, Measure::FrameSpacing), [None, Some(30.0), None]);
    }

    /// Two polls of video that is received at so many frames per second, 640 x 360, 400 kbit/s.
    fn video(frames: i64) -> [SampleRow; 2] {
        [0, 10].map(|second| SampleRow {
            kind: Some("video".to_owned()),
            ssrc: Some(5),
            frames_decoded: Some(frames * second),
            bytes_received: Some(50_000 * second),
            frame_width: Some(640),
            frame_height: Some(360),
            ..row(INBOUND, second)
        })
    }

    /// What the sender of that video says of its camera.
    fn camera(rate: f64, ssrc: i64) -> SampleRow {
        SampleRow {
            kind: Some("video".to_owned()),
            ssrc: Some(ssrc),
            track_identifier: Some("cam".to_owned()),
            source_frames_per_second: Some(rate),
            ..row(OUTBOUND, 8)
        }
    }

    #[test]
    fn video_is_held_against_the_senders_camera() {
        let score =
            |sources: &Sources| measured(&video(10), sources).streams[0].values.at(Measure::VideoScore, 1);
        // 400 kbit/s / (640 x 360 x 10) = 0.1736: 0.56 ln + 5.36 = 4.379. At a third of the camera's rate: - 1.9 ln 3 = 2.292.
        assert_eq!(score(&Sources::default()), Some(4.379));
        assert_eq!(score(&Sources::of(&[camera(30.0, 5)].iter().collect(), &[])), Some(2.292));
        // A layer of simulcast is slow on purpose.
        assert_eq!(
            score(&Sources::of(&[camera(30.0, 5), camera(30.0, 6)].iter().collect(), &[])),
            Some(4.379)
        );
    }

    #[test]
    fn a_screen_is_not_scored() {
        let screen = Track { browser_id: "cam".to_owned(), is_screen: true, ..Track::default() };
        let sources = Sources::of(&[camera(30.0, 5)].iter().collect(), &[screen]);
        let series = measured(&video(1), &sources);
        assert!(series.streams[0].screen);
        assert_eq!(series.streams[0].values.get(Measure::VideoScore), None);
    }

    #[test]
    fn loss_of_what_is_sent_is_what_the_other_side_says() {
        let own = |second| SampleRow { packets_sent: Some(second * 10), ..row(OUTBOUND, second) };
        let remote = |second| SampleRow {
            id: Some("r".to_owned()),
            local_id: Some("x".to_owned()),
            fraction_lost: Some(0.25),
            jitter: Some(0.03),
            round_trip_time: Some(0.2),
            ..row(REMOTE_INBOUND, second)
        };
        let series = of(&[own(0), remote(0), own(10), remote(10)]);
        let values = &series.streams[0].values;
        assert_eq!(values.at(Measure::Loss, 1), Some(0.25));
        assert_eq!(values.at(Measure::Jitter, 1), Some(30.0));
        assert_eq!(values.at(Measure::RoundTripTimeRtcp, 1), Some(200.0));
        assert_eq!(series.values.at(Measure::RoundTripTime, 1), Some(200.0));
    }

    #[test]
    fn no_value_is_negative_or_endless_whatever_the_counters_say() {
        let odd = [Some(i64::MIN), Some(-1), None, Some(0), Some(7), Some(i64::MAX)];
        let wild = [Some(f64::NAN), Some(-1.0), None, Some(0.0), Some(1e300), Some(f64::INFINITY)];
        let mut rows = Vec::new();
        for at in 0..2000_usize {
            let draw = |salt: usize| {
                let mixed = (at * 131 + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40
            };
            let int = |salt: usize| odd[draw(salt) % odd.len()];
            let num = |salt: usize| wild[draw(salt + 64) % wild.len()];
            let second = at as i64 / 4 * 10;
            let report = [INBOUND, OUTBOUND, REMOTE_INBOUND, CANDIDATE_PAIR][at % 4];
            rows.push(SampleRow {
                kind: Some(["audio", "video"][at / 4 % 2].to_owned()),
                selected: report == CANDIDATE_PAIR,
                local_id: Some("x".to_owned()),
                bytes_received: int(1),
                bytes_sent: int(2),
                packets_received: int(3),
                packets_lost: int(4),
                packets_sent: int(5),
                frames_decoded: int(6),
                frames_received: int(7),
                frames_dropped: int(8),
                freeze_count: int(9),
                frame_width: int(10),
                frame_height: int(11),
                concealed_samples: int(12),
                total_samples_received: int(13),
                responses_received: int(14),
                qp_sum: int(15),
                jitter: num(1),
                round_trip_time: num(2),
                current_round_trip_time: num(3),
                total_round_trip_time: num(4),
                available_outgoing_bitrate: num(5),
                total_freezes_duration: num(6),
                jitter_buffer_delay: num(7),
                total_audio_energy: num(8),
                total_samples_duration: num(9),
                fraction_lost: num(10),
                audio_level: num(11),
                quality_limitation_cpu: num(12),
                ..row(report, second)
            });
        }
        let series = of(&rows);
        let lists = series.streams.iter().flat_map(|stream| stream.values.iter());
        for (measure, values) in series.values.iter().chain(lists) {
            assert_eq!(values.len(), series.t.len());
            for value in values.iter().flatten() {
                let most = match measure.meaning().unit {
                    "percent" | "level" => 1.0,
                    "score" => 5.0,
                    _ => f64::MAX,
                };
                assert!((0.0..=most).contains(value), "{measure:?} is {value}");
            }
        }
        assert!(series.values.measures().count() > 2);
    }
}
