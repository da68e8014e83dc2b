//! The timeline of a call: lanes on one time axis, per participant its presence, its quality and what it did, per connection
//! its states, per muted track its silence. Geometry and words only; whatever is drawn carries its text, and the same
//! rows make the table beside it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;

use super::Route;
use super::charts::{Axis, WIDTH};
use super::pages::Link;
use crate::ids::{EventId, ParticipantId};
use crate::metrics::measures::Measure;
use crate::report::call::Call;
use crate::report::calls::Span;
use crate::report::incidents::Gravity;
use crate::report::streams::{Direction, Kind};
use crate::report::{ConferenceReport, Connection, World, words};
use crate::snapshot::{EventRow, Json};
use crate::units::Timestamp;

/// Cells of a quality strip, and of all strips together; a longer call joins intervals and shows the worst of each cell.
const CELLS: i64 = 240;
const ALL_CELLS: usize = 2400;
/// Stretches of a lane that keep their names; with more, those of one look that begin in the same part of the axis are joined.
const SPANS: usize = 120;
/// Into so many parts the axis is cut for that, in a timeline of few lanes and of many.
const PARTS: (f64, f64) = (60.0, 24.0);
/// Marks of one kind closer than this on the axis are drawn as one, with their number.
const NEAR: f64 = 2.0;
/// Marks of a lane that keep their names; with more, those of one look are joined.
const MARKS: usize = 200;
/// With more participants than this their connections are folded away.
const OPEN: usize = 6;

/// The timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timeline {
    /// Milliseconds since the epoch.
    pub start: i64,
    /// Likewise.
    pub end: i64,
    /// Labels of the axis.
    pub ticks: Vec<Tick>,
    /// One per participant.
    pub groups: Vec<Group>,
}

/// A label of the axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tick {
    /// Where, 0 to 1000.
    pub x: f64,
    /// Milliseconds from the start of the call.
    pub at: i64,
    /// Clock time, UTC.
    pub label: String,
}

/// The lanes of a participant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// The participant.
    pub link: Link,
    /// Whether its connections are shown at once.
    pub open: bool,
    /// Presence, quality and what it did.
    pub own: Lane,
    /// Connections and muted tracks.
    pub lanes: Vec<Lane>,
}

/// One lane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lane {
    /// Its label.
    pub label: String,
    /// The connection that it shows.
    pub connection: Option<String>,
    /// Stretches.
    pub spans: Vec<Mark>,
    /// Intervals by their quality.
    pub cells: Vec<Mark>,
    /// Instants.
    pub marks: Vec<Mark>,
}

/// Something in a lane: a stretch if it has a width, else an instant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// Left edge, 0 to 1000.
    pub x: f64,
    /// Width.
    pub width: f64,
    /// Top edge, 0 to 24.
    pub y: f64,
    /// Height.
    pub height: f64,
    /// Milliseconds from the start of the call.
    pub from: i64,
    /// Likewise.
    pub to: i64,
    /// A class of the style sheet.
    pub class: String,
    /// What it is.
    pub what: String,
    /// What, when, how long.
    pub text: String,
    /// The event behind it, if it is one and is on this page.
    pub event: Option<String>,
}

/// `16:34:28` in UTC.
pub fn clock(at: Timestamp) -> String {
    at.rfc3339().get(11..19).unwrap_or_default().to_owned()
}

/// `0:09`, `12:05`, `1:02:03`: time into the call.
pub fn offset(ms: i64) -> String {
    let sign = if ms < 0 { "\u{2212}" } else { "" };
    let seconds = ms.unsigned_abs() / 1000;
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, m, s) => format!("{sign}{m}:{s:02}"),
        (h, m, s) => format!("{sign}{h}:{m:02}:{s:02}"),
    }
}

/// Seconds as people read them: `0.4 s`, `12 s`, `3 min 5 s`.
fn long(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s.max(0.0) * 1000.0),
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0),
        s => format!("{:.0} h {:.0} min", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

struct Draft<'a> {
    axis: Axis,
    span: Span,
    /// How many have lanes.
    people: usize,
    /// Events that have a row in the page's log.
    listed: &'a dyn Fn(EventId) -> bool,
}

impl Draft<'_> {
    fn ms(&self, at: Timestamp) -> i64 {
        at.as_millis() - self.span.start.as_millis()
    }

    fn stretch(
        &self,
        from: Timestamp,
        to: Timestamp,
        (y, height): (f64, f64),
        class: &str,
        what: String,
    ) -> Mark {
        let stretch = self.axis.stretch(from, to);
        let text = format!(
            "{what}: {} to {} ({} into the call), {}",
            clock(from),
            clock(to),
            offset(self.ms(from)),
            long(to.seconds_since(from))
        );
        Mark {
            x: stretch.x,
            width: stretch.width,
            y,
            height,
            from: self.ms(from),
            to: self.ms(to),
            class: class.to_owned(),
            what,
            text,
            event: None,
        }
    }

    fn instant(&self, at: Timestamp, y: f64, class: &str, what: String, event: Option<EventId>) -> Mark {
        let text = format!("{what}: {} ({} into the call)", clock(at), offset(self.ms(at)));
        Mark {
            x: self.axis.x(at),
            width: 0.0,
            y,
            height: 0.0,
            from: self.ms(at),
            to: self.ms(at),
            class: class.to_owned(),
            what,
            text,
            event: event.filter(|id| (self.listed)(*id)).map(|id| id.to_string()),
        }
    }
}

impl Draft<'_> {
    /// Where a lane has very many stretches, those of one look that begin in the same part of the axis are one, with their
    /// number; the gravest are drawn last, above the others.
    fn joined_spans(&self, spans: Vec<Mark>) -> Vec<Mark> {
        if spans.len() <= SPANS {
            return spans;
        }
        let parts = if self.people <= OPEN { PARTS.0 } else { PARTS.1 };
        let gravity = |class: &str| match class {
            class if class.ends_with("failed") => 2,
            class if class.ends_with("disconnected") => 1,
            _ => 0,
        };
        let mut joined: BTreeMap<(u8, String, i64), (Mark, usize)> = BTreeMap::new();
        for span in spans {
            let part = (span.x / WIDTH * parts).floor() as i64;
            let fresh = (gravity(&span.class), span.class.clone(), part);
            match joined.entry(fresh) {
                Entry::Vacant(place) => {
                    place.insert((span, 1));
                }
                Entry::Occupied(mut place) => {
                    let (first, count) = place.get_mut();
                    *count += 1;
                    first.to = first.to.max(span.to);
                    first.width = first.width.max(span.x + span.width - first.x);
                }
            }
        }
        let named = joined.into_values().map(|(mut mark, count)| {
            if count > 1 {
                mark.text = format!(
                    "{count} times until {} into the call, the first: {}",
                    offset(mark.to),
                    mark.text
                );
            }
            mark
        });
        named.collect()
    }
}

/// The timeline of a call. `listed` says which events have a row on the page.
pub fn timeline(
    report: &ConferenceReport,
    call: &Call,
    world: &World,
    route: &Route,
    listed: &dyn Fn(EventId) -> bool,
) -> Timeline {
    let span = call.span;
    let draft = Draft { axis: Axis::new(span.start, span.end), span, people: call.people.len(), listed };
    let mut people: Vec<ParticipantId> = call.people.iter().map(|person| person.id).collect();
    let place: BTreeMap<ParticipantId, usize> =
        report.people.iter().enumerate().map(|(at, person)| (person.id, at)).collect();
    people.sort_by_key(|id| place.get(id).copied().unwrap_or(usize::MAX));
    let open = people.len() <= OPEN;
    let groups = people.into_iter().map(|id| {
        let person = world.person(id);
        Group {
            id: id.to_string(),
            open,
            own: own_lane(report, call, id, &draft),
            lanes: connection_lanes(report, call, id, world, &draft),
            link: Link::person(&person, route),
        }
    });
    Timeline {
        start: span.start.as_millis(),
        end: span.end.as_millis(),
        groups: groups.collect(),
        ticks: ticks(span, &draft.axis),
    }
}

/// At most eight labels at whole seconds, minutes or hours of the clock.
fn ticks(span: Span, axis: &Axis) -> Vec<Tick> {
    let (start, end) = (span.start.as_millis(), span.end.as_millis().max(span.start.as_millis() + 1000));
    let steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
    let fits = |step: &&i64| (end - start) / (**step * 1000) <= 7;
    let step = steps.iter().find(fits).copied().unwrap_or(86_400 * 7) * 1000;
    let mut ticks = Vec::new();
    let mut at = start.div_euclid(step) * step;
    while at <= end && ticks.len() < 16 {
        if at >= start {
            let instant = Timestamp::from_micros(at.saturating_mul(1000));
            let text = clock(instant);
            let label = if step % 60_000 == 0 { text.get(..5).unwrap_or(&text).to_owned() } else { text };
            ticks.push(Tick { x: axis.x(instant), at: at - start, label });
        }
        at += step;
    }
    ticks
}

fn own_lane(report: &ConferenceReport, call: &Call, id: ParticipantId, draft: &Draft<'_>) -> Lane {
    let visits =
        call.visits.iter().filter_map(|at| report.visits.get(*at)).filter(|visit| visit.participant == id);
    let spans = visits
        .map(|visit| {
            let what = match (visit.ended, visit.number) {
                (true, 1) => "present".to_owned(),
                (true, number) => format!("present, visit {number}"),
                (false, _) => "present, end not stored".to_owned(),
            };
            draft.stretch(visit.from, visit.to, (16.0, 6.0), "span span-presence", what)
        })
        .collect();
    let mut marks = Vec::new();
    let events = call.events.iter().filter_map(|at| report.dossier.events.get(*at));
    for event in events.filter(|event| event.participant_id == id) {
        if let Some((class, what)) = own_event(event) {
            marks.push(draft.instant(event.created_at, 8.0, class, what, Some(event.id)));
        }
    }
    for issue in call.issues.iter().filter_map(|at| report.issues.get(*at)) {
        if issue.participant == Some(id) {
            let evidence = issue.verdict.as_ref().and_then(|verdict| verdict.evidence.first().copied());
            let severity = issue.severity.map_or("issue", words::Severity::label);
            let what = format!("{severity}: {}", issue.title);
            marks.push(draft.instant(issue.row.created_at, 4.0, "mark mark-issue", what, evidence));
        }
    }
    for incident in call.incidents.iter().filter(|incident| incident.participant == id) {
        if incident.gravity == Gravity::Poor {
            let what = format!("finding: {}", incident.code.meaning().1);
            let event = incident.evidence.first().copied();
            marks.push(draft.instant(incident.from, 4.0, "mark mark-finding", what, event));
        }
    }
    Lane {
        label: String::new(),
        connection: None,
        spans: draft.joined_spans(spans),
        cells: cells(report, call, id, draft),
        marks: joined(marks),
    }
}

/// What a participant did, as a mark: class and words.
fn own_event(event: &EventRow) -> Option<(&'static str, String)> {
    let data = || event.data.as_ref().and_then(Json::parse);
    Some(match event.r#type.as_str() {
        "getUserMedia" => {
            let data = data()?;
            if let Some(error) = data.get("error").filter(|error| !error.is_null()) {
                let name = error.get("name").and_then(serde_json::Value::as_str).unwrap_or("no name");
                ("mark mark-refused", format!("microphone or camera refused: {}", short(name)))
            } else if data.get("constraints").is_some() {
                ("mark mark-media", "microphone or camera asked for".to_owned())
            } else {
                ("mark mark-granted", "microphone or camera granted".to_owned())
            }
        }
        "custom" => {
            let name = data().and_then(|data| Some(data.get("eventName")?.as_str()?.to_owned()));
            (
                "mark mark-custom",
                name.map_or_else(
                    || "custom event".to_owned(),
                    |name| format!("custom event {}", short(&name)),
                ),
            )
        }
        "endCall" => ("mark mark-left", "call ended by the app".to_owned()),
        "beforeunload" | "unload" => ("mark mark-left", "page left".to_owned()),
        "tabFocus" => ("mark mark-custom", "tab shown or hidden".to_owned()),
        "mediaDeviceChange" => ("mark mark-custom", "devices changed".to_owned()),
        "overconstrained" => ("mark mark-refused", "a device could not do what was asked".to_owned()),
        _ => return None,
    })
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The worst score of any received stream by interval.
fn cells(report: &ConferenceReport, call: &Call, id: ParticipantId, draft: &Draft<'_>) -> Vec<Mark> {
    #[derive(Clone, Copy)]
    struct Worst {
        from: i64,
        to: i64,
        score: f64,
        kind: Kind,
        peer: ParticipantId,
    }
    let span = draft.span;
    let start = span.start.as_millis();
    let length = (span.end.as_millis() - start).max(1);
    let cells = ((ALL_CELLS / draft.people.max(1)) as i64).clamp(CELLS / 4, CELLS);
    let cell_ms = (length / cells).max(1);
    let mut worst: BTreeMap<i64, Worst> = BTreeMap::new();
    let own = call.connections.iter().filter_map(|at| report.connections.get(*at));
    for connection in own.filter(|connection| connection.row.participant_id == id) {
        let series = &connection.series;
        for stream in series.streams.iter().filter(|stream| stream.direction == Direction::Inbound) {
            let measure = if stream.kind == Kind::Audio { Measure::AudioScore } else { Measure::VideoScore };
            let Some(values) = stream.values.get(measure) else { continue };
            for reading in series.readings(values) {
                let Some(score) = reading.value else { continue };
                let (from, to) = (reading.from - start, reading.to - start);
                // Polls of several connections fall into the same cell when they are less than two seconds apart.
                let key = to.div_euclid(cell_ms.max(2000));
                let new = Worst { from, to, score, kind: stream.kind, peer: connection.row.peer_id };
                worst
                    .entry(key)
                    .and_modify(|old| {
                        let (from, to) = (old.from.min(from), old.to.max(to));
                        *old = if score < old.score {
                            Worst { from, to, ..new }
                        } else {
                            Worst { from, to, ..*old }
                        };
                    })
                    .or_insert(new);
            }
        }
    }
    let at = |ms: i64| Timestamp::from_micros((start + ms).saturating_mul(1000));
    worst
        .into_values()
        .map(|cell| {
            let (class, word, height) = match cell.score {
                score if score >= 3.5 => ("cell cell-good", "good", 4.0),
                score if score >= 3.0 => ("cell cell-fair", "fair", 8.0),
                _ => ("cell cell-poor", "poor", 14.0),
            };
            let peer = report
                .people
                .iter()
                .find(|person| person.id == cell.peer)
                .map_or_else(|| cell.peer.to_string(), |person| person.label.clone());
            let what =
                format!("quality {word}, worst score {:.2} ({} from {peer})", cell.score, cell.kind.label());
            draft.stretch(at(cell.from), at(cell.to), (15.0 - height, height), class, what)
        })
        .collect()
}

fn connection_lanes(
    report: &ConferenceReport,
    call: &Call,
    id: ParticipantId,
    world: &World,
    draft: &Draft<'_>,
) -> Vec<Lane> {
    let own = call.connections.iter().filter_map(|at| report.connections.get(*at));
    let own: Vec<&Connection> = own.filter(|connection| connection.row.participant_id == id).collect();
    let mut lanes: Vec<Lane> =
        own.iter().map(|connection| connection_lane(connection, call, report, world, draft)).collect();
    lanes.extend(mute_lanes(report, id, draft));
    lanes
}

fn connection_lane(
    connection: &Connection,
    call: &Call,
    report: &ConferenceReport,
    world: &World,
    draft: &Draft<'_>,
) -> Lane {
    let peer = world.person(connection.row.peer_id).label;
    let story = &connection.story;
    let mut spans: Vec<Mark> = story
        .connection_states
        .iter()
        .map(|span| {
            let class = match span.state.as_str() {
                "new" => "span state-new",
                "checking" | "connecting" => "span state-connecting",
                "connected" => "span state-connected",
                "disconnected" => "span state-disconnected",
                "failed" => "span state-failed",
                _ => "span state-closed",
            };
            draft.stretch(span.from, span.to, (8.0, 8.0), class, short(&span.state))
        })
        .collect();
    if spans.is_empty() {
        let what = format!("{} (stored; no event of it)", short(&connection.state));
        spans.push(draft.stretch(connection.start(), connection.to, (8.0, 8.0), "span state-unknown", what));
    }
    spans.extend(story.path.iter().map(|path| {
        let side = |kind: &Option<String>| kind.clone().unwrap_or_else(|| "unknown".to_owned());
        let relayed = path.local.as_deref() == Some("relay") || path.remote.as_deref() == Some("relay");
        let class = if relayed { "span path-relay" } else { "span path-direct" };
        let what =
            format!("path {} to {} over {}", side(&path.local), side(&path.remote), side(&path.protocol));
        draft.stretch(path.from, path.to, (19.0, 3.0), class, what)
    }));
    let mut marks = Vec::new();
    for round in &story.rounds {
        let class =
            if round.outcome == "pending" { "span negotiation-failed" } else { "span negotiation-ok" };
        let what = format!("{} offer, {}, {}", round.offerer, round.kind, round.outcome);
        spans.push(draft.stretch(round.from, round.to.unwrap_or(connection.to), (2.0, 4.0), class, what));
    }
    // Stored negotiations may miss later updates; they are only drawn where no event tells of any.
    for negotiation in connection.negotiations.iter().filter(|_| story.rounds.is_empty()) {
        let Some(start) = negotiation.start else { continue };
        let failed = negotiation.status == "failed";
        let class = if failed { "span negotiation-failed" } else { "span negotiation-ok" };
        let what = format!("{} negotiation, {}", short(&negotiation.kind), short(&negotiation.status));
        spans.push(draft.stretch(start, negotiation.end.unwrap_or(start), (2.0, 4.0), class, what));
    }
    for restart in &story.restarts {
        let what = match restart.helped {
            Some(true) => "ICE restart, which helped",
            Some(false) => "ICE restart, which did not help",
            None => "ICE restart",
        };
        marks.push(draft.instant(restart.at, 4.0, "mark mark-restart", what.to_owned(), None));
    }
    for pair in story.path.windows(2) {
        if let [_, after] = pair {
            marks.push(draft.instant(after.from, 20.0, "mark mark-path", "path changed".to_owned(), None));
        }
    }
    for event in call.events.iter().filter_map(|at| report.dossier.events.get(*at)) {
        if event.connection_id != Some(connection.row.id) {
            continue;
        }
        let (class, what) = match event.r#type.as_str() {
            "onicecandidateerror" => ("mark mark-refused", "STUN or TURN error"),
            "ondatachannel" => ("mark mark-custom", "data channel"),
            "onnegotiationneeded" => ("mark mark-negotiation", "negotiation needed"),
            "ontrack" => ("mark mark-track", "track arrived"),
            "removeConnection" | "removePeer" => ("mark mark-left", "connection removed by the app"),
            _ => continue,
        };
        marks.push(draft.instant(event.created_at, 4.0, class, what.to_owned(), Some(event.id)));
    }
    Lane {
        label: format!("to {peer}"),
        connection: Some(connection.row.id.to_string()),
        spans: draft.joined_spans(spans),
        cells: Vec::new(),
        marks: joined(marks),
    }
}

/// One lane per track that was muted in this call.
fn mute_lanes(report: &ConferenceReport, id: ParticipantId, draft: &Draft<'_>) -> Vec<Lane> {
    let span = draft.span;
    let own = report.tracks.iter().filter(|track| track.participant == Some(id));
    own.filter_map(|track| {
        let ended = track.ended.unwrap_or(span.end);
        let spans: Vec<Mark> = track
            .mutes
            .iter()
            .map(|(from, to)| (*from, to.unwrap_or(ended)))
            .filter(|(from, to)| *from <= span.end && *to >= span.start)
            .map(|(from, to)| draft.stretch(from, to, (8.0, 8.0), "span span-muted", "muted".to_owned()))
            .collect();
        let ends: Vec<Mark> = track
            .ended
            .filter(|at| span.holds(*at))
            .map(|at| draft.instant(at, 12.0, "mark mark-left", "track ended".to_owned(), None))
            .into_iter()
            .collect();
        let spans = draft.joined_spans(spans);
        let kind = track.kind.map_or("track", Kind::label);
        let way = track.direction.map_or("", Direction::label);
        (!spans.is_empty()).then(|| Lane {
            label: format!("{kind} {way}").trim().to_owned(),
            connection: None,
            spans,
            cells: Vec::new(),
            marks: ends,
        })
    })
    .collect()
}

/// Marks of one kind that would lie on each other, joined, with their number. Where a lane has very many, all of one look are
/// joined, whatever they are called.
fn joined(marks: Vec<Mark>) -> Vec<Mark> {
    let alike = joined_by(marks.into_iter().map(|mark| (mark, 1)).collect(), true);
    let few = alike.len() <= MARKS;
    let mut marks = if few { alike } else { joined_by(alike, false) };
    for (mark, count) in marks.iter_mut().filter(|(_, count)| *count > 1) {
        let words = if few { "times" } else { "events of this kind, the first of them" };
        mark.text = format!("{count} {words} {}", mark.text);
    }
    marks.sort_by_key(|(mark, _)| mark.from);
    marks.into_iter().map(|(mark, _)| mark).collect()
}

/// Joins neighbours of one look, and of one name if that is asked for; each with how many it stands for.
fn joined_by(mut marks: Vec<(Mark, usize)>, one_name: bool) -> Vec<(Mark, usize)> {
    let name = |mark: &Mark| if one_name { mark.what.clone() } else { String::new() };
    marks.sort_by_cached_key(|(mark, _)| (mark.class.clone(), name(mark), mark.from));
    let mut kept: Vec<(Mark, usize)> = Vec::new();
    for (mark, count) in marks {
        match kept.last_mut() {
            Some((last, all))
                if last.class == mark.class && name(last) == name(&mark) && mark.x - last.x < NEAR =>
            {
                *all += count;
                last.to = mark.to;
            }
            _ => kept.push((mark, count)),
        }
    }
    kept
}

/// The width of the axis, for templates.
pub const AXIS: f64 = WIDTH;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_into_the_call_is_in_minutes_until_there_are_hours() {
        assert_eq!(
            [9_400, 725_000, 3_723_000, -1_000].map(offset),
            ["0:09", "12:05", "1:02:03", "\u{2212}0:01"]
        );
    }

    #[test]
    fn marks_that_would_lie_on_each_other_are_one_with_their_number() {
        let mark = |x: f64, what: &str| Mark {
            x,
            width: 0.0,
            y: 0.0,
            height: 0.0,
            from: x as i64,
            to: x as i64,
            class: "mark".to_owned(),
            what: what.to_owned(),
            text: what.to_owned(),
            event: None,
        };
        let texts: Vec<String> = joined(vec![mark(1.0, "a"), mark(1.5, "b"), mark(2.0, "a"), mark(9.0, "a")])
            .into_iter()
            .map(|mark| mark.text)
            .collect();
        assert_eq!(texts, ["2 times a", "b", "a"]);
    }

    #[test]
    fn a_lane_of_very_many_stretches_joins_them_and_draws_the_gravest_last() {
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let span = Span { start: at(0), end: at(60_000) };
        let nothing = |_| false;
        let draft = Draft { axis: Axis::new(span.start, span.end), span, people: 2, listed: &nothing };
        let state = |second: i64, class: &str| {
            draft.stretch(at(second), at(second + 10), (8.0, 8.0), class, class.to_owned())
        };
        let few: Vec<Mark> = (0..100).map(|at| state(at * 20, "state-connected")).collect();
        assert_eq!(draft.joined_spans(few.clone()), few);
        // 500 in the first, 250 in the second and 250 in the third of 60 parts of 1000 s each.
        let many = (0..1000).map(|at| {
            let second = if at < 500 { at * 2 } else { 1002 + (at - 500) * 4 };
            state(second, if at < 500 { "state-failed" } else { "state-connected" })
        });
        let joined = draft.joined_spans(many.collect());
        let told: Vec<_> = joined.iter().map(|mark| (mark.class.as_str(), mark.from, mark.to)).collect();
        assert_eq!(
            told,
            [
                ("state-connected", 1_002_000, 2_008_000),
                ("state-connected", 2_002_000, 3_008_000),
                ("state-failed", 0, 1_008_000)
            ]
        );
        assert!(joined[2].text.starts_with("500 times until 16:48 into the call, the first: state-failed"));
    }

    #[test]
    fn the_axis_is_labelled_at_whole_steps_of_the_clock() {
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let span = Span { start: at(7), end: at(70) };
        let labels: Vec<String> =
            ticks(span, &Axis::new(span.start, span.end)).into_iter().map(|tick| tick.label).collect();
        assert_eq!(
            labels,
            ["00:00:10", "00:00:20", "00:00:30", "00:00:40", "00:00:50", "00:01:00", "00:01:10"]
        );
    }
}
