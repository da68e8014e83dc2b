//! The same facts as tables: CSV by RFC 4180, UTF-8, with a header row, for spreadsheets and for programs that read no JSON.
//!
//! A text that a spreadsheet would take for a formula is made plain by an apostrophe; numbers are never touched. Control
//! characters that some readers refuse are shown by their Unicode pictures. What is missing is an empty cell.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::report::experience::Part;
use crate::report::streams::{Stream, Values};
use crate::report::{Attendance, Class, ConferenceFacts, ConferenceReport, NoData, words};
use crate::snapshot::{ConferenceRow, EventRow};
use crate::units::{Timestamp, push_number};

use super::pages::conference_label;
use crate::ids::ConferenceId;

/// So many bytes of lines are put together before they are written.
const LINES: usize = 32 * 1024;

/// A table that is being written.
struct Table<W: Write> {
    writer: csv::Writer<W>,
    record: csv::StringRecord,
}

impl<W: Write> Table<W> {
    fn new(columns: &[&str], to: W) -> io::Result<Self> {
        let writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to);
        let mut table = Self { writer, record: csv::StringRecord::new() };
        for column in columns {
            table.text(column);
        }
        table.end()?;
        Ok(table)
    }

    fn text(&mut self, text: &str) {
        self.record.push_field(&plain(text));
    }

    /// A text of ours, or an id: nothing in it needs care.
    fn word(&mut self, text: &str) {
        self.record.push_field(text);
    }

    fn maybe_text(&mut self, text: Option<&str>) {
        self.text(text.unwrap_or_default());
    }

    fn shown(&mut self, value: &impl ToString) {
        self.record.push_field(&value.to_string());
    }

    fn maybe(&mut self, value: Option<impl ToString>) {
        self.record.push_field(&value.map(|value| value.to_string()).unwrap_or_default());
    }

    fn number(&mut self, value: Option<f64>) {
        let mut text = String::new();
        if let Some(value) = value.filter(|value| value.is_finite()) {
            push_number(&mut text, value);
        }
        self.record.push_field(&text);
    }

    fn end(&mut self) -> io::Result<()> {
        self.writer.write_record(&self.record)?;
        self.record.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Cells as they stand in a line, without its end.
fn cells(cells: &[&str]) -> String {
    let mut line = csv::Writer::from_writer(Vec::new());
    // Into memory, both times.
    drop(line.write_record(cells));
    let line = String::from_utf8(line.into_inner().unwrap_or_default()).unwrap_or_default();
    line.trim_end_matches('\n').to_owned()
}

/// A text as a cell: no formula, no control character but tab and line ends.
fn plain(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let picture = |c: char| match c {
        '\t' | '\n' | '\r' => c,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or(c),
        '\u{7f}' => '\u{2421}',
        _ => c,
    };
    formula.then_some('\'').into_iter().chain(text.chars().map(picture)).collect()
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Ongoing => "ongoing",
        Class::Error => "error",
        Class::Warning => "warning",
        Class::Success => "success",
    }
}

/// The conferences of an app and month, in the order of their JSON file. Durations are seconds.
pub fn month(list: &[&ConferenceFacts], to: impl Write) -> io::Result<()> {
    let columns = [
        "id",
        "conference_id",
        "conference_name",
        "created_at",
        "start_time",
        "call_start",
        "end_time",
        "ongoing",
        "duration_s",
        "presence_s",
        "participants",
        "calls",
        "class",
        "has_errors",
        "has_warnings",
        "score",
        "no_score",
        "audio_mos_p50",
        "connections",
        "connections_established",
        "connections_relayed",
        "issues",
    ];
    let mut table = Table::new(&columns, to)?;
    for facts in list {
        row(&mut table, &facts.row);
        let row = &facts.row;
        table.shown(&row.ongoing);
        table.shown(&row.duration);
        table.number(Some(facts.presence_s));
        table.shown(&facts.participants_count);
        table.shown(&facts.calls);
        table.word(class(facts.class));
        table.shown(&facts.has_errors);
        table.shown(&facts.has_warnings);
        table.number(facts.score.ok());
        table.word(facts.score.err().map_or("", NoData::reason));
        table.number(facts.mos.ok().map(|summary| summary.p50));
        let (connections, established, relayed) = facts.connections;
        table.shown(&connections);
        table.shown(&established);
        table.shown(&relayed);
        table.text(&counts(facts.issues.iter().map(|(code, count)| (code.as_str(), *count))));
        table.end()?;
    }
    table.finish()
}

fn row(table: &mut Table<impl Write>, row: &ConferenceRow) {
    table.shown(&row.id);
    table.text(&row.conference_id);
    table.maybe_text(row.conference_name.as_deref());
    table.shown(&row.created_at);
    table.maybe(row.start_time);
    table.maybe(row.call_start);
    table.maybe(row.end_time);
}

/// `code × 2; code × 1`.
fn counts<'a>(list: impl Iterator<Item = (&'a str, usize)>) -> String {
    let parts: Vec<String> = list.map(|(code, count)| format!("{code} × {count}")).collect();
    parts.join("; ")
}

/// What was measured of a conference per interval, one value per row: by connection, then stream, measure and time. `time`
/// is when the interval ended; `unit` is that of `value`, ratios from 0 to 1.
pub fn series(report: &ConferenceReport, mut to: impl Write) -> io::Result<()> {
    let columns = ["time", "connection", "stream", "kind", "direction", "measure", "value", "unit"];
    Table::new(&columns, &mut to)?.finish()?;
    let mut lines = Lines { text: String::with_capacity(LINES), to };
    for connection in &report.connections {
        let series = &connection.series;
        let times = Times::of(&series.t);
        let id = connection.row.id.to_string();
        values(&mut lines, &times, &id, None, &series.values)?;
        for stream in &series.streams {
            values(&mut lines, &times, &id, Some(stream), &stream.values)?;
        }
    }
    lines.write()
}

/// Lines on their way.
struct Lines<W> {
    text: String,
    to: W,
}

impl<W: Write> Lines<W> {
    fn write(&mut self) -> io::Result<()> {
        self.to.write_all(self.text.as_bytes())?;
        self.text.clear();
        Ok(())
    }
}

/// Instants as texts.
#[derive(Default)]
struct Times {
    text: String,
    ends: Vec<usize>,
}

impl Times {
    /// Of milliseconds since the Unix epoch.
    fn of(t: &[i64]) -> Self {
        let mut times = Self::default();
        for ms in t {
            times.text.push_str(&Timestamp::from_micros(ms.saturating_mul(1000)).rfc3339());
            times.ends.push(times.text.len());
        }
        times
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| &self.text[*start..*end])
    }
}

/// A line per value. What stands between time and value is the same in all lines of a measure, so that it is made once.
fn values<W: Write>(
    lines: &mut Lines<W>,
    times: &Times,
    connection: &str,
    stream: Option<&Stream>,
    values: &Values,
) -> io::Result<()> {
    let id = plain(stream.map_or("", |stream| stream.id.as_str()));
    let kind = stream.map_or("", |stream| stream.kind.label());
    let direction = stream.map_or("", |stream| stream.direction.label());
    for (measure, list) in values.iter() {
        let meaning = measure.meaning();
        let between = cells(&[connection, &id, kind, direction, meaning.key]);
        let unit = unit(meaning.unit);
        for (time, value) in times.iter().zip(list) {
            let Some(value) = value else { continue };
            for part in [time, ",", &between, ","] {
                lines.text.push_str(part);
            }
            if value.is_finite() {
                push_number(&mut lines.text, *value);
            }
            for part in [",", unit, "\r\n"] {
                lines.text.push_str(part);
            }
            if lines.text.len() > LINES {
                lines.write()?;
            }
        }
    }
    Ok(())
}

/// The unit of a measure's values in data files.
pub fn unit(unit: &str) -> &'static str {
    match unit {
        "percent" => "ratio",
        "millis" => "ms",
        "bits" => "bit/s",
        "score" => "1 to 5",
        "fps" | "rate" => "1/s",
        "pixels" => "px",
        "level" => "0 to 1",
        "seconds" => "s",
        "points" => "0 to 100",
        _ => "1",
    }
}

/// What happened in a conference, by time; getStats samples are in [`series`]. `data` is JSON.
pub fn events(report: &ConferenceReport, to: impl Write) -> io::Result<()> {
    let columns =
        ["time", "id", "type", "category", "participant", "peer", "session", "connection", "track", "data"];
    let mut table = Table::new(&columns, to)?;
    let is_told = |event: &&EventRow| event.r#type != "stats";
    for event in report.dossier.events.iter().filter(is_told) {
        table.shown(&event.created_at);
        table.shown(&event.id);
        table.text(&event.r#type);
        table.text(words::category(&event.category));
        table.shown(&event.participant_id);
        table.maybe(event.peer_id);
        table.shown(&event.session_id);
        table.maybe(event.connection_id);
        table.maybe(event.track_id);
        table.maybe_text(event.data.as_ref().map(|data| data.0.as_str()));
        table.end()?;
    }
    table.finish()
}

/// The conferences of a participant with its part in each, in the order of their JSON file: medians over all intervals,
/// ratios from 0 to 1, times in ms, rates in bit/s.
pub fn participant(
    attendances: &[Attendance],
    conferences: &BTreeMap<ConferenceId, ConferenceFacts>,
    to: impl Write,
) -> io::Result<()> {
    let mut columns =
        vec!["id", "conference_id", "conference_name", "created_at", "start_time", "call_start", "end_time"];
    columns.extend(["label", "sessions", "presence_s", "minutes", "bad_minutes"]);
    columns.extend(Part::ALL.map(|part| part.meaning().0));
    columns.extend(["issues", "findings"]);
    let mut table = Table::new(&columns, to)?;
    for attendance in attendances {
        let Some(facts) = conferences.get(&attendance.conference) else { continue };
        row(&mut table, &facts.row);
        table.text(&conference_label(facts));
        table.shown(&attendance.sessions.len());
        table.number(Some(attendance.presence_s));
        table.shown(&attendance.experience.minutes);
        table.shown(&attendance.experience.bad_minutes);
        for part in Part::ALL {
            table.number(attendance.experience.get(part));
        }
        table.text(&counts(attendance.issues.iter().map(|((_, code), count)| (code.as_str(), *count))));
        let findings = attendance.incidents.iter().map(|(code, count)| (code.meaning().1, *count));
        table.text(&counts(findings));
        table.end()?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_looks_like_a_formula_is_made_plain_and_a_number_is_not() {
        let cells = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "x=1", ""].map(plain);
        assert_eq!(cells, ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "x=1", ""]);
        let mut bytes = Vec::new();
        let mut table = Table::new(&["a", "b"], &mut bytes).unwrap();
        table.number(Some(-1.5));
        table.text("say \"hi\",\r\nthen\u{0}\u{7f}");
        table.end().unwrap();
        table.finish().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, "a,b\r\n-1.5,\"say \"\"hi\"\",\r\nthen␀␡\"\r\n");
    }

    #[test]
    fn a_month_has_a_line_per_conference_and_empty_cells_where_nothing_is_known() {
        let facts = crate::report::measure(
            crate::snapshot::Dossier::default(),
            &crate::report::World::default(),
            &crate::report::Options::default(),
        )
        .facts;
        let mut bytes = Vec::new();
        month(&[&facts], &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 2);
        let cells: Vec<(&str, &str)> = lines[0].split(',').zip(lines[1].split(',')).collect();
        assert!(cells.contains(&("created_at", "1970-01-01T00:00:00Z")) && cells.contains(&("score", "")));
        assert!(cells.contains(&("no_score", "nobody connected")) && cells.contains(&("ongoing", "false")));
    }
}
