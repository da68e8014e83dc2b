//! The static API of the reports: the figures of a period, now and before, what changed, and which calls are behind each
//! number. All of it is ours, so it stands under `report`.
//!
//! Calls are listed once, in order of time, as columns; the numbers name them by their places in these columns. Years list
//! none: their months do.

use std::collections::BTreeMap;

use serde::Serialize;

use super::pages::period::{Line, PeriodFacts};
use crate::ids::ConferenceId;
use crate::report::period::PeriodKind;
use crate::report::period_changes::{Change, Subject, Verdict, Way, What};
use crate::report::period_totals::{CallRef, CallSet, Counted, Dimension, Figures, Slice};
use crate::report::words;

/// `…/reports/<name>.json`.
#[derive(Serialize)]
pub struct PeriodFile<'a> {
    report: Report<'a>,
}

#[derive(Serialize)]
struct Report<'a> {
    period: PeriodEntry,
    sentences: &'a [String; 3],
    figures: NowAndBefore,
    by: BTreeMap<&'static str, Vec<Part<'a>>>,
    issues: Vec<Occurrence>,
    findings: Vec<Occurrence>,
    changes: Vec<ChangeEntry>,
    calls: Option<Columns>,
    within: Vec<String>,
}

/// A period.
#[derive(Serialize)]
struct PeriodEntry {
    name: String,
    kind: PeriodKind,
    first_day: String,
    last_day: String,
    start: String,
    end: String,
    time_zone: String,
    over: bool,
    before: Option<String>,
}

#[derive(Serialize)]
struct NowAndBefore {
    now: Figures,
    before: Option<Figures>,
    behind: Option<Behind>,
}

/// Places of calls in the columns.
#[derive(Serialize)]
struct Behind {
    calls: Vec<usize>,
    with_errors: Vec<usize>,
    with_warnings: Vec<usize>,
    not_connected: Vec<usize>,
    relayed: Vec<usize>,
    setup_ms: Vec<usize>,
    score: Vec<usize>,
    bad_minutes: Vec<usize>,
}

#[derive(Serialize)]
struct Part<'a> {
    value: &'a str,
    #[serde(flatten)]
    figures: NowAndBefore,
}

#[derive(Serialize)]
struct Occurrence {
    code: String,
    title: String,
    calls: usize,
    times: usize,
    calls_before: usize,
    times_before: usize,
    behind: Option<Vec<usize>>,
}

#[derive(Serialize)]
struct ChangeEntry {
    subject: String,
    by: Option<&'static str>,
    value: Option<String>,
    code: Option<String>,
    what: What,
    way: Way,
    now: f64,
    before: f64,
    difference: f64,
    interval_95: Option<(f64, f64)>,
    calls: usize,
    calls_before: usize,
    p: Option<f64>,
    verdict: Verdict,
}

#[derive(Serialize)]
struct Columns {
    conference: Vec<ConferenceId>,
    number: Vec<usize>,
    start: Vec<String>,
}

/// The file of a period.
pub fn period_file<'a>(facts: &'a PeriodFacts<'_>, line: &'a Line) -> PeriodFile<'a> {
    let period = facts.period;
    let has_before = !facts.before.is_empty();
    let all: Vec<CallRef> = facts.now.whole.calls.list().to_vec();
    let listed = period.kind() != PeriodKind::Year;
    let places = |calls: &CallSet| -> Vec<usize> {
        calls.list().iter().filter_map(|call| all.binary_search(call).ok()).collect()
    };
    let figures = |now: &Slice, before: Option<&Slice>| NowAndBefore {
        now: Figures::of(now),
        before: has_before.then(|| Figures::of(before.unwrap_or(&Slice::default()))),
        behind: listed.then(|| Behind {
            calls: places(&now.calls),
            with_errors: places(&now.with_errors),
            with_warnings: places(&now.with_warnings),
            not_connected: places(&now.not_connected),
            relayed: places(&now.with_relay),
            setup_ms: places(&now.with_setup),
            score: places(&now.scored),
            bad_minutes: places(&now.with_bad_minutes),
        }),
    };
    let mut by: BTreeMap<&'static str, Vec<Part<'_>>> =
        Dimension::ALL.into_iter().map(|dimension| (dimension.key(), Vec::new())).collect();
    for (key, slice) in &facts.now.by {
        let figures = figures(slice, facts.before.by.get(key));
        by.entry(key.0.key()).or_default().push(Part { value: &key.1, figures });
    }
    for (key, slice) in facts.before.by.iter().filter(|(key, _)| !facts.now.by.contains_key(*key)) {
        let figures = figures(&Slice::default(), Some(slice));
        by.entry(key.0.key()).or_default().push(Part { value: &key.1, figures });
    }
    let occurrence = |code: String, title: String, now: Option<&Counted>, before: Option<&Counted>| {
        let number = |counted: Option<&Counted>| counted.map_or((0, 0), |of| (of.calls.len(), of.times));
        Occurrence {
            code,
            title,
            calls: number(now).0,
            times: number(now).1,
            calls_before: number(before).0,
            times_before: number(before).1,
            behind: listed.then(|| now.map(|counted| places(&counted.calls)).unwrap_or_default()),
        }
    };
    let (now, before) = (facts.now, facts.before);
    let mut codes: Vec<&String> = now.issues.keys().chain(before.issues.keys()).collect();
    codes.sort();
    codes.dedup();
    let mut findings: Vec<_> = now.findings.keys().chain(before.findings.keys()).copied().collect();
    findings.sort();
    findings.dedup();
    PeriodFile {
        report: Report {
            period: PeriodEntry {
                name: period.name(),
                kind: period.kind(),
                first_day: period.first().to_string(),
                last_day: period.last().to_string(),
                start: period.start(facts.zone).api(),
                end: period.end(facts.zone).api(),
                time_zone: facts.zone.name().to_owned(),
                over: facts.over,
                before: has_before.then(|| period.previous().name()),
            },
            sentences: &line.sentences,
            figures: figures(&now.whole, Some(&before.whole)),
            by,
            issues: codes
                .into_iter()
                .map(|code| {
                    let title = words::issue_title(code).to_owned();
                    occurrence(code.clone(), title, now.issues.get(code), before.issues.get(code))
                })
                .collect(),
            findings: findings
                .into_iter()
                .map(|code| {
                    let title = code.meaning().1.to_owned();
                    occurrence(key(code), title, now.findings.get(&code), before.findings.get(&code))
                })
                .collect(),
            changes: facts.changes.list.iter().map(entry).collect(),
            calls: listed.then(|| Columns {
                conference: all.iter().map(|call| call.conference).collect(),
                number: all.iter().map(|call| call.number).collect(),
                start: all.iter().map(|call| call.start.api()).collect(),
            }),
            within: facts.within.iter().map(|line| line.period.name()).collect(),
        },
    }
}

/// The name of a finding in data files.
fn key(code: crate::report::incidents::Code) -> String {
    serde_json::to_value(code).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn entry(change: &Change) -> ChangeEntry {
    let (by, value, code) = match &change.subject {
        Subject::All => (None, None, None),
        Subject::Part(dimension, value) => (Some(dimension.key()), Some(value.clone()), None),
        Subject::Issue(code) => (Some("issue"), None, Some(code.clone())),
        Subject::Finding(code) => (Some("finding"), None, Some(key(*code))),
    };
    ChangeEntry {
        subject: change.subject.title(),
        by,
        value,
        code,
        what: change.what,
        way: change.way,
        now: change.now,
        before: change.before,
        difference: change.now - change.before,
        interval_95: change.interval,
        calls: change.n.0,
        calls_before: change.n.1,
        p: change.p,
        verdict: change.verdict,
    }
}

/// `…/reports/index.json`.
#[derive(Serialize)]
pub struct PeriodsFile {
    report: Periods,
}

#[derive(Serialize)]
struct Periods {
    time_zone: String,
    last: Option<String>,
    periods: Vec<ListedPeriod>,
}

#[derive(Serialize)]
struct ListedPeriod {
    name: String,
    kind: PeriodKind,
    over: bool,
    figures: Figures,
}

/// Which reports there are, and the last whole one.
pub fn periods_file(
    zone: &crate::units::Zone,
    lines: &BTreeMap<PeriodKind, Vec<Line>>,
    last: Option<&Line>,
) -> PeriodsFile {
    PeriodsFile {
        report: Periods {
            time_zone: zone.name().to_owned(),
            last: last.map(|line| line.period.name()),
            periods: lines
                .values()
                .flatten()
                .map(|line| ListedPeriod {
                    name: line.period.name(),
                    kind: line.period.kind(),
                    over: line.over,
                    figures: line.figures.clone(),
                })
                .collect(),
        },
    }
}
