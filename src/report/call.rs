//! One call of a room, measured: who was there, how well each fared, what went wrong, and what to say of it in a sentence.

use std::collections::{BTreeMap, BTreeSet};

use super::calls::Span;
use super::incidents::{self, Incident, Scene};
use super::streams::{Direction, Kind};
use super::tracks::Track;
use super::{Connection, Issue, NoData, Visit, World, sentences};
use crate::ids::ParticipantId;
use crate::metrics::call_score::{CallScore, Minute, StreamInterval, call_score, minutes};
use crate::metrics::limits::Limits;
use crate::metrics::measures::Measure;
use crate::metrics::percentile::Summary;
use crate::snapshot::Dossier;
use crate::units::Timestamp;

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// From 1, in order of time.
    pub number: usize,
    /// From when to when.
    pub span: Span,
    /// Its visits, as places in the report's list.
    pub visits: Vec<usize>,
    /// Its connections, likewise.
    pub connections: Vec<usize>,
    /// Its issues, likewise; those that were found after its end included.
    pub issues: Vec<usize>,
    /// Its events, as places in the dossier's list.
    pub events: Vec<usize>,
    /// What went wrong by our own detection.
    pub incidents: Vec<Incident>,
    /// How those who had connections or visits in it fared.
    pub people: Vec<PersonInCall>,
    /// The score of all of them together.
    pub score: Result<CallScore, NoData>,
    /// What happened, in a sentence or two.
    pub sentence: String,
}

/// One participant's part in a call.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonInCall {
    /// Who.
    pub id: ParticipantId,
    /// Seconds of presence, visits that overlap counted once.
    pub presence_s: f64,
    /// Share of the presence for which there are stats, 0 to 1; none without presence.
    pub coverage: Option<f64>,
    /// The score.
    pub score: Result<CallScore, NoData>,
    /// Minutes with data.
    pub minutes: Vec<Minute>,
    /// Received audio scores.
    pub audio: Option<Summary>,
    /// Received video scores.
    pub video: Option<Summary>,
    /// Bit/s received, per poll and connection.
    pub bitrate_in: Option<Summary>,
    /// Bit/s sent, likewise.
    pub bitrate_out: Option<Summary>,
}

/// What all calls of a conference are made of.
pub(super) struct Parts<'a> {
    pub(super) dossier: &'a Dossier,
    pub(super) world: &'a World,
    pub(super) limits: &'a Limits,
    pub(super) visits: &'a [Visit],
    pub(super) connections: &'a [Connection],
    pub(super) issues: &'a [Issue],
    pub(super) tracks: &'a [Track],
}

/// The calls, measured. What happened between two of them belongs to the earlier one.
pub(super) fn measure_calls(spans: &[Span], parts: &Parts<'_>) -> Vec<Call> {
    let call_of = |at: Timestamp| spans.iter().rposition(|span| span.start <= at).unwrap_or(0);
    let dealt = |times: &mut dyn Iterator<Item = Timestamp>| {
        let mut lists = vec![Vec::new(); spans.len()];
        for (place, at) in times.enumerate() {
            if let Some(list) = lists.get_mut(call_of(at)) {
                list.push(place);
            }
        }
        lists
    };
    let visits = dealt(&mut parts.visits.iter().map(|visit| visit.from));
    let connections = dealt(&mut parts.connections.iter().map(Connection::start));
    let issues = dealt(&mut parts.issues.iter().map(|issue| issue.row.created_at));
    let events = dealt(&mut parts.dossier.events.iter().map(|event| event.created_at));
    let lists = visits.into_iter().zip(connections).zip(issues).zip(events);
    spans
        .iter()
        .zip(lists)
        .enumerate()
        .map(|(at, (span, (((visits, connections), issues), events)))| {
            let call = Call {
                number: at + 1,
                span: *span,
                visits,
                connections,
                issues,
                events,
                incidents: Vec::new(),
                people: Vec::new(),
                score: Err(NoData::NoStats),
                sentence: String::new(),
            };
            measure_call(call, parts, at + 1 == spans.len())
        })
        .collect()
}

fn measure_call(mut call: Call, parts: &Parts<'_>, last: bool) -> Call {
    let connections: Vec<&Connection> =
        call.connections.iter().filter_map(|at| parts.connections.get(*at)).collect();
    let visits: Vec<&Visit> = call.visits.iter().filter_map(|at| parts.visits.get(*at)).collect();
    let is_sfu = |id: ParticipantId| parts.world.participants.get(&id).is_some_and(|row| row.is_sfu);
    let scene = Scene {
        events: call.events.iter().filter_map(|at| parts.dossier.events.get(*at)).collect(),
        tracks: parts.tracks,
        is_sfu: &is_sfu,
        limits: parts.limits,
        // A call of the past is over, whatever the room's row says: what is found in it must not change when others follow.
        ongoing: parts.dossier.conference.ongoing && last && call.span.end >= parts.world.instant,
        connections,
        visits,
    };
    call.incidents = incidents::incidents(&scene);
    let mut ids: BTreeSet<ParticipantId> = scene.visits.iter().map(|visit| visit.participant).collect();
    ids.extend(scene.connections.iter().map(|connection| connection.row.participant_id));
    let mut scores = Vec::new();
    let mut all_minutes = Vec::new();
    for id in ids {
        let (person, own) = person(id, &scene, call.span);
        scores.extend(own);
        all_minutes.push(person.minutes.clone());
        call.people.push(person);
    }
    let reason = reason(&scene.connections);
    call.score = call_score(scores, &all_minutes).ok_or(reason);
    call.sentence = sentences::of_call(&call, &scene, parts.world);
    call
}

/// Why there is no score.
fn reason(connections: &[&Connection]) -> NoData {
    let polls: usize = connections.iter().map(|connection| connection.series.t.len()).sum();
    if !connections.iter().any(|connection| connection.is_established()) {
        NoData::NeverConnected
    } else if polls == 0 {
        NoData::NoStats
    } else {
        NoData::TooFew
    }
}

/// A participant's part, and the scores of its intervals.
fn person(id: ParticipantId, scene: &Scene<'_>, span: Span) -> (PersonInCall, Vec<f64>) {
    let connections: Vec<&&Connection> =
        scene.connections.iter().filter(|connection| connection.row.participant_id == id).collect();
    let start = span.start.as_millis();
    let mut intervals: Vec<StreamInterval> = Vec::new();
    let mut covered: Vec<(i64, i64)> = Vec::new();
    let mut stream_at = 0;
    for connection in &connections {
        let series = &connection.series;
        covered.extend((0..series.t.len()).map(|poll| series.interval(poll)));
        for stream in series.streams.iter().filter(|stream| stream.direction == Direction::Inbound) {
            stream_at += 1;
            let score = if stream.kind == Kind::Audio { Measure::AudioScore } else { Measure::VideoScore };
            for poll in 0..series.t.len() {
                let (from, to) = series.interval(poll);
                let interval = StreamInterval {
                    stream: stream_at,
                    from: from - start,
                    to: to - start,
                    score: stream.values.at(score, poll),
                    // A screen stands still on purpose.
                    frozen: stream.values.at(Measure::FreezeShare, poll).filter(|_| !stream.screen),
                    concealed: stream.values.at(Measure::Concealment, poll),
                };
                if interval.score.is_some() || interval.frozen.is_some() || interval.concealed.is_some() {
                    intervals.push(interval);
                }
            }
        }
    }
    let of = |kind: Kind, measure: Measure| {
        let streams =
            connections.iter().flat_map(|connection| connection.series.streams(kind, Direction::Inbound));
        let values = streams.filter_map(move |stream| stream.values.get(measure));
        Summary::of(values.flatten().flatten().copied().collect())
    };
    let whole = |measure: Measure| {
        let values = connections.iter().filter_map(|connection| connection.series.values.get(measure));
        Summary::of(values.flatten().flatten().copied().collect())
    };
    let present: Vec<(i64, i64)> = scene
        .visits
        .iter()
        .filter(|visit| visit.participant == id)
        .map(|visit| (visit.from.as_millis(), visit.to.as_millis()))
        .collect();
    let present = union(present);
    let covered = union(covered);
    let presence_ms = length(&present);
    let scores: Vec<f64> = intervals.iter().filter_map(|interval| interval.score).collect();
    let minutes = minutes(&intervals);
    let plain: Vec<&Connection> = connections.iter().map(|connection| **connection).collect();
    let person = PersonInCall {
        id,
        presence_s: presence_ms as f64 / 1000.0,
        coverage: (presence_ms > 0)
            .then(|| (length(&intersection(&present, &covered)) as f64 / presence_ms as f64).min(1.0)),
        score: call_score(scores.clone(), std::slice::from_ref(&minutes)).ok_or(reason(&plain)),
        minutes,
        audio: of(Kind::Audio, Measure::AudioScore),
        video: of(Kind::Video, Measure::VideoScore),
        bitrate_in: whole(Measure::BitrateIn),
        bitrate_out: whole(Measure::BitrateOut),
    };
    (person, scores)
}

/// Stretches in order that do not overlap, covering the same time.
fn union(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (from, to) in spans {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// The time that two lists have in common; both in order and without overlap.
fn intersection(a: &[(i64, i64)], b: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let (mut i, mut j) = (0, 0);
    let mut common = Vec::new();
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let (from, to) = (x.0.max(y.0), x.1.min(y.1));
        if from < to {
            common.push((from, to));
        }
        if x.1 < y.1 {
            i += 1;
        } else {
            j += 1;
        }
    }
    common
}

fn length(spans: &[(i64, i64)]) -> i64 {
    spans.iter().map(|(from, to)| to - from).sum()
}

/// The worst minutes of a participant: bad ones first by score, at most so many, in order of time.
pub fn worst_minutes(minutes: &[Minute], most: usize) -> Vec<Minute> {
    let mut bad: Vec<&Minute> = minutes.iter().filter(|minute| minute.bad).collect();
    bad.sort_by(|a, b| {
        let score = |minute: &Minute| minute.score.unwrap_or(f64::INFINITY);
        score(a).total_cmp(&score(b)).then(a.minute.cmp(&b.minute))
    });
    bad.truncate(most);
    let mut worst: BTreeMap<i64, Minute> = BTreeMap::new();
    for minute in bad {
        worst.insert(minute.minute, minute.clone());
    }
    worst.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_that_overlaps_counts_once() {
        assert_eq!(union(vec![(5, 9), (0, 3), (2, 4), (9, 10)]), [(0, 4), (5, 10)]);
        assert_eq!(length(&union(vec![(0, 3), (1, 2)])), 3);
    }

    #[test]
    fn coverage_is_what_presence_and_stats_have_in_common() {
        assert_eq!(intersection(&[(0, 10), (20, 30)], &[(5, 25)]), [(5, 10), (20, 25)]);
        assert_eq!(intersection(&[(0, 10)], &[(10, 20)]), []);
    }
}
