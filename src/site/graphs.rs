//! The graphs of a call: for the page's scripts its series as data, thinned with least and most kept; for readers without
//! scripts one small chart per measure on the call's time axis, and the values per interval as tables.

use std::collections::BTreeMap;

use serde::Serialize;

use super::charts::{Axis, Path, round};
use super::script_json::script_json;
use crate::metrics::counters::rounded;
use crate::metrics::limits::Limits;
use crate::metrics::measures::{Band, Measure, Of};
use crate::metrics::percentile::{Summary, percentile};
use crate::report::call::Call;
use crate::report::streams::{Direction, Kind, Values};
use crate::report::{ConferenceReport, Connection, World};
use crate::units::Timestamp;

/// Values that a page carries for its scripts; a call with more is thinned.
const VALUES: usize = 60_000;
/// Points of a series at most, and at least, after thinning.
const POINTS: (usize, usize) = (360, 24);
/// With more lines than this a chart shows their band.
const LINES: usize = 12;
/// Buckets at most of the band that stands for many lines.
const BUCKETS: usize = 120;
/// Values that tables of intervals show on one page.
const TABLE_VALUES: usize = 4_000;
/// Height of a chart's coordinate system.
pub const HEIGHT: f64 = 120.0;

/// What the page's scripts read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallData {
    version: u32,
    call: CallTimes,
    measures: Vec<MeasureData>,
    people: Vec<PersonData>,
    connections: Vec<ConnectionData>,
    thinned: Option<Thinned>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct CallTimes {
    number: usize,
    of: usize,
    start: i64,
    end: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct MeasureData {
    key: &'static str,
    title: &'static str,
    unit: &'static str,
    scale: f64,
    digits: u32,
    of: Of,
    kind: Option<&'static str>,
    direction: Option<&'static str>,
    min: f64,
    max: Option<f64>,
    bands: Vec<Band>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct PersonData {
    id: String,
    name: String,
    sfu: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ConnectionData {
    id: String,
    participant: String,
    peer: String,
    t: Vec<i64>,
    values: BTreeMap<&'static str, Vec<Option<f64>>>,
    streams: Vec<StreamData>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct StreamData {
    id: String,
    kind: Kind,
    direction: Direction,
    codec: Option<String>,
    values: BTreeMap<&'static str, Vec<Option<f64>>>,
}

/// What was left out of the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Thinned {
    /// Points that the longest series kept.
    pub points: usize,
    /// Of how many.
    pub of: usize,
    /// Whether streams of one kind and direction of a connection were joined into the worst of them.
    pub joined: bool,
}

/// One chart of the page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// The measure's key.
    pub key: &'static str,
    /// What is measured.
    pub title: &'static str,
    /// The name of a filter.
    pub unit: &'static str,
    /// How it is measured.
    pub definition: &'static str,
    /// Labels of the value axis from the top: place and value.
    pub ticks: Vec<(f64, f64)>,
    /// Stretches of bad values.
    pub bands: Vec<BandBox>,
    /// Lines, if they are few.
    pub lines: Vec<DrawnLine>,
    /// The band of all lines, if they are many.
    pub envelope: Option<Envelope>,
    /// The distribution of each line.
    pub rows: Vec<LineRow>,
    /// Whether every value is 0, and that is as it should be: nothing to look at.
    pub quiet: bool,
}

/// A stretch of bad values in a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BandBox {
    /// Top edge.
    pub y: f64,
    /// Height.
    pub height: f64,
    /// `fair` or `poor`.
    pub level: &'static str,
    /// What it says.
    pub label: String,
}

/// A line of a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrawnLine {
    /// Which of the ten looks of a series.
    pub slot: usize,
    /// The path's `d`.
    pub path: String,
}

/// What stands for many lines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Envelope {
    /// From the least to the most.
    pub area: String,
    /// The median.
    pub median: String,
    /// How many lines.
    pub lines: usize,
}

/// One line's distribution.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LineRow {
    /// Which of the ten looks.
    pub slot: usize,
    /// Whose, to whom, of what.
    pub label: String,
    /// Over its values.
    pub summary: Summary,
}

/// The values of one connection or stream per interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueTable {
    /// Whose, to whom, of what.
    pub label: String,
    /// Titles and units of the columns.
    pub columns: Vec<(&'static str, &'static str)>,
    /// When each interval ended, and its values.
    pub rows: Vec<(Timestamp, Vec<Option<f64>>)>,
}

/// All that a page shows of a call's series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Graphs {
    /// The charts.
    pub figures: Vec<Figure>,
    /// How many of them have nothing to look at.
    pub quiet: usize,
    /// The values per interval, or nothing if they are too many for a page.
    pub tables: Vec<ValueTable>,
    /// How many values the tables have or would have.
    pub values: usize,
    /// What was left out of the drawing.
    pub thinned: Option<Thinned>,
    /// For the page's scripts: JSON that no script tag can end.
    pub data: String,
    /// Polls of all connections.
    pub polls: usize,
}

/// A line before it is drawn: of a connection or of one of its streams.
struct Line<'a> {
    label: String,
    slot: usize,
    t: &'a [i64],
    values: &'a Values,
    of: Of,
}

/// Drawing scale and decimals of a unit on a graph's axis, and the unit's own name.
fn shown(unit: &str) -> (&'static str, f64, u32) {
    match unit {
        "percent" => ("%", 100.0, 1),
        "millis" => ("ms", 1.0, 1),
        "bits" => ("kbit/s", 0.001, 0),
        "score" => ("1 to 5", 1.0, 2),
        "fps" => ("fps", 1.0, 1),
        "pixels" => ("px", 1.0, 0),
        "rate" => ("per s", 1.0, 2),
        "level" => ("0 to 1", 1.0, 3),
        _ => ("", 1.0, 1),
    }
}

fn range(measure: Measure) -> (f64, Option<f64>) {
    match measure.meaning().unit {
        "score" => (1.0, Some(5.0)),
        _ => (0.0, None),
    }
}

/// The graphs of a call.
pub fn graphs(report: &ConferenceReport, call: &Call, world: &World, limits: &Limits) -> Graphs {
    let connections: Vec<&Connection> = call
        .connections
        .iter()
        .filter_map(|at| report.connections.get(*at))
        .filter(|connection| !connection.series.t.is_empty())
        .collect();
    let lines = lines(&connections, world);
    let figures: Vec<Figure> =
        Measure::ALL.into_iter().filter_map(|measure| figure(measure, &lines, call, limits)).collect();
    let values = lines.iter().map(|line| line.values.measures().count() * line.t.len()).sum();
    let (data, thinned) = data(&connections, report, call, limits);
    Graphs {
        tables: if values <= TABLE_VALUES { lines.iter().filter_map(table).collect() } else { Vec::new() },
        values,
        thinned,
        data: script_json(&data),
        polls: connections.iter().map(|connection| connection.series.t.len()).sum(),
        quiet: figures.iter().filter(|figure| figure.quiet).count(),
        figures,
    }
}

fn lines<'a>(connections: &[&'a Connection], world: &World) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for connection in connections {
        let name = |id| world.person(id).label;
        let pair = format!("{} → {}", name(connection.row.participant_id), name(connection.row.peer_id));
        let series = &connection.series;
        lines.push(Line {
            label: pair.clone(),
            slot: lines.len() % 10 + 1,
            t: &series.t,
            values: &series.values,
            of: Of::Connection,
        });
        for stream in &series.streams {
            let codec = stream.codec.as_ref().map(|codec| format!(" · {codec}")).unwrap_or_default();
            let label = format!("{pair} · {} {}{codec}", stream.kind.label(), stream.direction.label());
            let slot = lines.len() % 10 + 1;
            lines.push(Line { label, slot, t: &series.t, values: &stream.values, of: Of::Stream });
        }
    }
    lines
}

fn figure(measure: Measure, lines: &[Line<'_>], call: &Call, limits: &Limits) -> Option<Figure> {
    let meaning = measure.meaning();
    let with: Vec<(&Line<'_>, &[Option<f64>])> = lines
        .iter()
        .filter(|line| line.of == meaning.of)
        .filter_map(|line| Some((line, line.values.get(measure)?)))
        .collect();
    let rows: Vec<LineRow> = with
        .iter()
        .filter_map(|(line, values)| {
            let summary = Summary::of(values.iter().flatten().copied().collect())?;
            Some(LineRow { slot: line.slot, label: line.label.clone(), summary })
        })
        .collect();
    let most = rows.iter().map(|row| row.summary.max).max_by(f64::total_cmp)?;
    let bands = measure.bands(limits);
    let (bottom, top) = match range(measure) {
        (bottom, Some(top)) => (bottom, top),
        (bottom, None) => (bottom, ceiling(most)),
    };
    let y = |value: f64| round(HEIGHT - (value - bottom) / (top - bottom) * HEIGHT);
    let axis = Axis::new(call.span.start, call.span.end);
    let few = with.len() <= LINES;
    Some(Figure {
        key: meaning.key,
        title: meaning.title,
        unit: meaning.unit,
        definition: meaning.definition,
        ticks: [top, f64::midpoint(top, bottom), bottom].map(|value| (y(value), value)).to_vec(),
        bands: boxes(bands, y, (bottom, top)),
        lines: if few {
            with.iter()
                .map(|(line, values)| DrawnLine { slot: line.slot, path: path(line.t, values, &axis, y) })
                .collect()
        } else {
            Vec::new()
        },
        envelope: (!few).then(|| envelope(&with, call, &axis, y)),
        quiet: most == 0.0 && quiet_is_good(measure),
        rows,
    })
}

/// Those parts of the bands that lie within the chart. Bands of one direction overlap: each is drawn up to the next one.
fn boxes(bands: Vec<Band>, y: impl Fn(f64) -> f64, (bottom, top): (f64, f64)) -> Vec<BandBox> {
    let edges: Vec<(Option<f64>, Option<f64>)> = bands.iter().map(|band| (band.from, band.to)).collect();
    bands
        .into_iter()
        .enumerate()
        .filter_map(|(at, band)| {
            let next = edges.get(at + 1);
            let from = band.from.or_else(|| next.and_then(|next| next.1)).unwrap_or(bottom).max(bottom);
            let to = band.to.or_else(|| next.and_then(|next| next.0)).unwrap_or(top).min(top);
            (from < to).then(|| BandBox {
                y: y(to),
                height: round(y(from) - y(to)),
                level: band.level,
                label: band.label,
            })
        })
        .collect()
}

/// 1, 2 or 5 times a power of ten, at least as large as the value.
pub(super) fn ceiling(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    let factor = value / power;
    let nice = [1.0, 2.0, 5.0, 10.0].into_iter().find(|nice| factor <= nice * (1.0 + 1e-9)).unwrap_or(10.0);
    nice * power
}

fn path(t: &[i64], values: &[Option<f64>], axis: &Axis, y: impl Fn(f64) -> f64) -> String {
    let (t, values) = thin(t, values, POINTS.0);
    let mut path = Path::default();
    let mut pen_down = false;
    for (at, value) in t.iter().zip(&values) {
        let Some(value) = value else {
            pen_down = false;
            continue;
        };
        let x = axis.x(Timestamp::from_micros(at.saturating_mul(1000)));
        let y = y(*value);
        path.go(if pen_down { 'L' } else { 'M' }, [x, y]);
        if !pen_down {
            // A lone value would be invisible as a line; a line of no length has round ends.
            path.go('h', [0.0]);
        }
        pen_down = true;
    }
    path.finish()
}

/// Whether nothing at all is what one hopes for.
fn quiet_is_good(measure: Measure) -> bool {
    !matches!(measure.meaning().unit, "score" | "fps" | "pixels" | "bits" | "level" | "millis" | "qp")
        && measure != Measure::FramesDecoded
}

fn envelope(
    lines: &[(&Line<'_>, &[Option<f64>])],
    call: &Call,
    axis: &Axis,
    y: impl Fn(f64) -> f64,
) -> Envelope {
    // A bucket is longer than the time between two polls, or every other one would be empty.
    let spacing = |line: &Line<'_>| {
        let mut distances: Vec<f64> = line.t.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        distances.sort_by(f64::total_cmp);
        percentile(&distances, 0.5)
    };
    let widest = lines.iter().filter_map(|(line, _)| spacing(line)).fold(1000.0, f64::max);
    let length = call.span.end.seconds_since(call.span.start) * 1000.0;
    let count = ((length / (widest * 1.2)) as usize).clamp(1, BUCKETS);
    let mut buckets: Vec<Vec<f64>> = vec![Vec::new(); count];
    for (line, values) in lines {
        for (at, value) in line.t.iter().zip(*values) {
            let x = axis.x(Timestamp::from_micros(at.saturating_mul(1000)));
            let place = ((x / super::charts::WIDTH) * count as f64) as usize;
            if let (Some(value), Some(bucket)) = (value, buckets.get_mut(place.min(count - 1))) {
                bucket.push(*value);
            }
        }
    }
    let width = super::charts::WIDTH / count as f64;
    let (mut area, mut median) = (Path::default(), Path::default());
    let mut run: Vec<(f64, f64, f64)> = Vec::new();
    let mut close = |run: &mut Vec<(f64, f64, f64)>| {
        let mut points = run.iter();
        let Some((x, _, most)) = points.next() else { return };
        area.go('M', [*x, *most]);
        for (x, _, most) in points {
            area.go('L', [*x, *most]);
        }
        for (x, least, _) in run.iter().rev() {
            area.go('L', [*x, *least]);
        }
        area.close();
        run.clear();
    };
    let mut pen_down = false;
    for (place, bucket) in buckets.iter_mut().enumerate() {
        bucket.sort_by(f64::total_cmp);
        let ends = bucket.first().zip(bucket.last());
        let (Some((least, most)), Some(middle)) = (ends, percentile(bucket, 0.5)) else {
            close(&mut run);
            pen_down = false;
            continue;
        };
        let x = round((place as f64 + 0.5) * width);
        run.push((x, y(*least), y(*most)));
        let at = y(middle);
        median.go(if pen_down { 'L' } else { 'M' }, [x, at]);
        if !pen_down {
            median.go('h', [0.0]);
        }
        pen_down = true;
    }
    close(&mut run);
    Envelope { area: area.finish(), median: median.finish(), lines: lines.len() }
}

/// At most so many points: where there are more, each stretch of them leaves its least and its most, in their order. A
/// stretch without any value is a gap.
fn thin(t: &[i64], values: &[Option<f64>], points: usize) -> (Vec<i64>, Vec<Option<f64>>) {
    if t.len() <= points {
        return (t.to_vec(), values.to_vec());
    }
    let per_bucket = (t.len() * 2).div_ceil(points.max(2)).max(1);
    let (mut times, mut kept) = (Vec::new(), Vec::new());
    for (t, values) in t.chunks(per_bucket).zip(values.chunks(per_bucket)) {
        let known = || values.iter().enumerate().filter_map(|(at, value)| Some((at, (*value)?)));
        let least = known().min_by(|a, b| a.1.total_cmp(&b.1));
        let most = known().max_by(|a, b| a.1.total_cmp(&b.1));
        let (Some(first), Some(last)) = (t.first(), t.last()) else { continue };
        times.extend([*first, *last]);
        kept.extend(match least.zip(most) {
            Some((least, most)) if least.0 <= most.0 => [Some(least.1), Some(most.1)],
            Some((least, most)) => [Some(most.1), Some(least.1)],
            None => [None, None],
        });
    }
    (times, kept)
}

fn table(line: &Line<'_>) -> Option<ValueTable> {
    let columns: Vec<Measure> = line.values.measures().collect();
    if columns.is_empty() {
        return None;
    }
    let row = |(poll, at): (usize, &i64)| {
        let values: Vec<Option<f64>> = columns.iter().map(|measure| line.values.at(*measure, poll)).collect();
        values.iter().any(Option::is_some).then(|| (Timestamp::from_micros(at.saturating_mul(1000)), values))
    };
    Some(ValueTable {
        label: line.label.clone(),
        rows: line.t.iter().enumerate().filter_map(row).collect(),
        columns: columns.iter().map(|measure| (measure.meaning().title, measure.meaning().unit)).collect(),
    })
}

fn data(
    connections: &[&Connection],
    report: &ConferenceReport,
    call: &Call,
    limits: &Limits,
) -> (CallData, Option<Thinned>) {
    let lists = |connection: &&Connection| {
        let streams = connection.series.streams.iter().map(|stream| stream.values.measures().count());
        connection.series.values.measures().count() + streams.sum::<usize>()
    };
    let all: usize = connections.iter().map(lists).sum();
    let longest = connections.iter().map(|connection| connection.series.t.len()).max().unwrap_or(0);
    let room = VALUES / all.max(1);
    // Where even few points of every stream are too many, the worst of each kind and direction has to do.
    let joined = room < POINTS.1;
    let points = room.clamp(POINTS.1, POINTS.0);
    let thinned =
        (longest > points || joined).then_some(Thinned { points: points.min(longest), of: longest, joined });
    let start = call.span.start.as_millis();
    let mut used = std::collections::BTreeSet::new();
    let connection = |connection: &&Connection| {
        let series = &connection.series;
        let mut thin_all = |values: &Values| {
            let thinned = values.iter().map(|(measure, values)| {
                used.insert(measure);
                (measure.meaning().key, thin(&series.t, values, points).1)
            });
            thinned.collect::<BTreeMap<_, _>>()
        };
        let values = thin_all(&series.values);
        let streams = if joined {
            worst_streams(connection, points, &mut used)
        } else {
            let stream = |stream: &crate::report::streams::Stream| StreamData {
                id: stream.id.clone(),
                kind: stream.kind,
                direction: stream.direction,
                codec: stream.codec.clone(),
                values: thin_all(&stream.values),
            };
            series.streams.iter().map(stream).collect()
        };
        ConnectionData {
            id: connection.row.id.to_string(),
            participant: connection.row.participant_id.to_string(),
            peer: connection.row.peer_id.to_string(),
            t: thin(&series.t, &vec![None; series.t.len()], points).0.iter().map(|at| at - start).collect(),
            values,
            streams,
        }
    };
    let connections: Vec<ConnectionData> = connections.iter().map(connection).collect();
    let measure = |measure: Measure| {
        let meaning = measure.meaning();
        let (unit, scale, digits) = shown(meaning.unit);
        let (min, max) = range(measure);
        MeasureData {
            key: meaning.key,
            title: meaning.title,
            unit,
            scale,
            digits,
            of: meaning.of,
            kind: meaning.kind,
            direction: None,
            min,
            max,
            bands: measure.bands(limits),
        }
    };
    let people = report.people.iter().map(|person| PersonData {
        id: person.id.to_string(),
        name: person.label.clone(),
        sfu: person.is_sfu,
    });
    let data = CallData {
        version: 1,
        call: CallTimes {
            number: call.number,
            of: report.calls.len(),
            start,
            end: call.span.end.as_millis(),
        },
        measures: Measure::ALL
            .into_iter()
            .filter(|measure_of| used.contains(measure_of))
            .map(measure)
            .collect(),
        people: people.collect(),
        connections,
        thinned,
    };
    (data, thinned)
}

/// Values by measure, as long as the times.
type Columns = BTreeMap<Measure, Vec<Option<f64>>>;

/// One stand-in per kind and direction: at each poll the worst value of all streams.
fn worst_streams(
    connection: &Connection,
    points: usize,
    used: &mut std::collections::BTreeSet<Measure>,
) -> Vec<StreamData> {
    let series = &connection.series;
    let mut groups: BTreeMap<(Direction, Kind), Columns> = BTreeMap::new();
    let mut counts: BTreeMap<(Direction, Kind), usize> = BTreeMap::new();
    for stream in &series.streams {
        let key = (stream.direction, stream.kind);
        *counts.entry(key).or_default() += 1;
        let group = groups.entry(key).or_default();
        for (measure, values) in stream.values.iter() {
            used.insert(measure);
            // Few of these are good: scores, frame rates and sizes.
            let low_is_bad = matches!(measure.meaning().unit, "score" | "fps" | "pixels" | "bits" | "level")
                || measure == Measure::FramesDecoded;
            let worst = group.entry(measure).or_insert_with(|| vec![None; series.t.len()]);
            for (worst, value) in worst.iter_mut().zip(values) {
                *worst = match (*worst, *value) {
                    (Some(a), Some(b)) => Some(if low_is_bad { a.min(b) } else { a.max(b) }),
                    (a, b) => a.or(b),
                };
            }
        }
    }
    groups
        .into_iter()
        .map(|((direction, kind), measures)| StreamData {
            id: format!(
                "worst of {} {} {}",
                counts.get(&(direction, kind)).copied().unwrap_or(0),
                kind.label(),
                direction.label()
            ),
            kind,
            direction,
            codec: None,
            values: measures
                .into_iter()
                .map(|(measure, values)| (measure.meaning().key, thin(&series.t, &values, points).1))
                .collect(),
        })
        .collect()
}

/// A share as a whole percentage of one decimal, for words.
pub fn percent(share: f64) -> f64 {
    rounded(share * 100.0, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_least_and_the_most_in_their_order() {
        let t: Vec<i64> = (0..8).collect();
        let values = [Some(3.0), Some(9.0), Some(1.0), Some(2.0), None, None, None, Some(7.0)];
        let (times, kept) = thin(&t, &values, 4);
        assert_eq!(times, [0, 3, 4, 7]);
        assert_eq!(kept, [Some(9.0), Some(1.0), Some(7.0), Some(7.0)]);
        assert_eq!(thin(&t, &values, 8).1, values);
        assert_eq!(thin(&t, &[None; 8], 4).1, [None; 4]);
    }

    #[test]
    fn the_axis_ends_at_a_round_number() {
        let ends = [0.0, 0.7, 1.0, 12.0, 480.0, 5001.0].map(|most| ceiling(most).to_string());
        assert_eq!(ends, ["1", "1", "1", "20", "500", "10000"]);
    }

    #[test]
    fn bands_end_where_the_next_one_begins() {
        let bands = Measure::AudioScore.bands(&Limits::default());
        let boxes = boxes(bands, |value| value, (1.0, 5.0));
        let edges: Vec<(f64, &str)> = boxes.iter().map(|band| (band.y, band.level)).collect();
        assert_eq!(edges, [(3.5, "fair"), (3.0, "poor")]);
        assert!((boxes[0].height + 0.5).abs() < 1e-9);
    }
}
