//! The report of a period: its figures beside those of the one before, what changed, and the calls behind every number.
//!
//! Of a period that is over, the page knows only the calls of that period and of the one before, never the instant of the
//! snapshot nor anything later: so it stays as it is. That is why it links back and up but never on: the list of all reports
//! does that.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::Serialize;

use super::Link;
use crate::report::period::{Period, PeriodKind};
use crate::report::period_changes::{Change, Changes, Subject, Verdict, Way, What};
use crate::report::period_sentences::{Subjects, sentences};
use crate::report::period_totals::{CallSet, Counted, Dimension, Figures, NEWEST, PeriodTotals, Slice};
use crate::report::words;
use crate::site::chrome::Content;
use crate::site::routes::{ReportScope, Route};
use crate::units::{Timestamp, Zone};

/// Rows of a table by browser and so on, the most frequent; the data file has them all.
const ROWS: usize = 20;
/// Rows of a table of differences.
const CHANGES: usize = 40;

/// What a report is of, as pages name it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportOf {
    /// Site, organization or app.
    pub scope: ReportScope,
    /// Its name.
    pub name: String,
    /// The steps from the start to it.
    pub trail: Vec<(String, Route)>,
}

/// What all parts of a period's report are made of.
pub struct PeriodFacts<'a> {
    /// What it is of.
    pub of: &'a ReportOf,
    /// The period.
    pub period: Period,
    /// Of which zone's calendar.
    pub zone: &'a Zone,
    /// Whether it is over.
    pub over: bool,
    /// Its figures.
    pub now: &'a PeriodTotals,
    /// Those of the period before.
    pub before: &'a PeriodTotals,
    /// The differences; none while it is not over.
    pub changes: &'a Changes,
    /// Shorter periods within it that have a report.
    pub within: &'a [Line],
}

/// A report in a list of reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its period.
    pub period: Period,
    /// Whether that is over.
    pub over: bool,
    /// Its end.
    pub end: Timestamp,
    /// Its figures.
    pub figures: Figures,
    /// Its sentences.
    pub sentences: [String; 3],
}

impl PeriodFacts<'_> {
    /// Its line in lists.
    pub fn line(&self) -> Line {
        let now = Figures::of(&self.now.whole);
        let before = Figures::of(&self.before.whole);
        Line {
            period: self.period,
            over: self.over,
            end: self.period.end(self.zone),
            sentences: sentences(&Subjects {
                period: self.period,
                zone: self.zone,
                over: self.over,
                now: &now,
                before: (!self.before.is_empty()).then_some(&before),
                changes: self.changes,
            }),
            figures: now,
        }
    }
}

/// The report of a period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeriodPage {
    /// `Week 47 of 2026`.
    pub title: String,
    /// What it is of.
    pub of: Link,
    /// First and last day.
    pub days: (String, String),
    /// Whether it is one day.
    pub is_day: bool,
    /// `day`, `week`, `month`, `year`.
    pub noun: &'static str,
    /// The time zone of its days.
    pub zone: String,
    /// Whether it is over.
    pub over: bool,
    /// The report of the period before; without address if there is none.
    pub previous: Link,
    /// Whether there is one.
    pub has_before: bool,
    /// Reports of longer periods that this one lies in.
    pub longer: Vec<Link>,
    /// All reports.
    pub all: Link,
    /// The feed's address.
    pub feed: String,
    /// The three sentences.
    pub sentences: [String; 3],
    /// The figures.
    pub figures: Vec<FigureRow>,
    /// What changed by more than chance: heading and rows, of those ways that have any.
    pub changes: Vec<(&'static str, Vec<ChangeRow>)>,
    /// What may be chance.
    pub maybe: Vec<ChangeRow>,
    /// How many of those are in the data file only.
    pub maybe_more: usize,
    /// How many comparisons have too few calls.
    pub too_few: usize,
    /// Whether anything was compared.
    pub compared: bool,
    /// By browser and so on.
    pub parts: Vec<PartTable>,
    /// Stored issues.
    pub issues: Vec<CodeRow>,
    /// Our findings.
    pub findings: Vec<CodeRow>,
    /// Shorter periods within.
    pub within: Vec<LineRow>,
    /// What those are: `Days`, `Months`.
    pub within_title: &'static str,
    #[serde(skip)]
    trail: Vec<(String, Route)>,
    #[serde(skip)]
    data: Route,
}

/// Calls behind a number.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CallList {
    /// The newest.
    pub links: Vec<Link>,
    /// How many more there are.
    pub more: usize,
}

/// A figure now and before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FigureRow {
    /// What it is.
    pub label: &'static str,
    /// The unit, as the filter `measure` knows it.
    pub unit: &'static str,
    /// Now; none if there is nothing to measure.
    pub now: Option<f64>,
    /// What it is a share of, or how many values a percentile is of.
    pub now_note: Option<String>,
    /// Before.
    pub before: Option<f64>,
    /// Likewise.
    pub before_note: Option<String>,
    /// The difference.
    pub difference: Option<f64>,
    /// Whether it is more than chance, where that is tested.
    pub verdict: Option<Verdict>,
    /// Why there is no value.
    pub reason: &'static str,
    /// The calls behind it; none where they are those of the row above.
    pub calls: Option<CallList>,
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeRow {
    /// Of what.
    pub subject: String,
    /// What is compared.
    pub what: &'static str,
    /// The unit of the values.
    pub unit: &'static str,
    /// Now.
    pub now: f64,
    /// Before.
    pub before: f64,
    /// Now less before.
    pub difference: f64,
    /// 95 % interval of it, where there is one.
    pub interval: Option<(f64, f64)>,
    /// Calls behind both.
    pub n: (usize, usize),
    /// Whether it is more than chance.
    pub verdict: Verdict,
    /// Whether the calls are those of the period before.
    pub gone: bool,
    /// The calls.
    pub calls: CallList,
}

/// The parts of calls by browser and so on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartTable {
    /// `Browser`.
    pub title: &'static str,
    /// The most frequent first.
    pub rows: Vec<PartRow>,
    /// How many are in the data file only.
    pub more: usize,
}

/// One browser, system, version or country.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartRow {
    /// Its name.
    pub value: String,
    /// Visits, now and before.
    pub sessions: (usize, usize),
    /// Calls, now and before.
    pub calls: (usize, usize),
    /// Calls with errors of these visits.
    pub errors: Cell,
    /// Median score of these participants.
    pub score: Cell,
    /// Median set-up time.
    pub setup: Cell,
    /// Share of relayed connections.
    pub relayed: Cell,
    /// Its calls.
    pub list: CallList,
    /// Its calls with errors.
    pub error_list: CallList,
}

/// A value now and before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// Now.
    pub now: Option<f64>,
    /// Before.
    pub before: Option<f64>,
    /// `worse`, `better` or `changed`, if it is more than chance.
    pub word: Option<&'static str>,
}

/// An issue or finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CodeRow {
    /// A few words.
    pub title: String,
    /// Its code.
    pub code: String,
    /// Calls with it, now and before.
    pub calls: (usize, usize),
    /// Times, now and before.
    pub times: (usize, usize),
    /// Share of the calls now.
    pub share: Option<f64>,
    /// Share of the calls before.
    pub share_before: Option<f64>,
    /// What it is of, if that was compared.
    pub verdict: Option<Verdict>,
    /// `new`, `gone`, `worse`, `better`, if that is more than chance.
    pub word: Option<&'static str>,
    /// The calls now.
    pub list: CallList,
}

/// A report in a list of reports.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LineRow {
    /// The report.
    pub link: Link,
    /// Whether its period is over.
    pub over: bool,
    /// Its figures.
    pub figures: Figures,
}

/// A line as the page at `from` writes it.
pub fn line_row(line: &Line, scope: ReportScope, from: &Route) -> LineRow {
    LineRow {
        link: Link::to(line.period.title(), &Route::Report(scope, line.period.name()), from),
        over: line.over,
        figures: line.figures.clone(),
    }
}

/// Makes lists of calls for one page.
struct Lister<'a, 'l> {
    label: &'a dyn Fn(crate::ids::ConferenceId) -> Option<&'l str>,
    zone: &'a Zone,
    from: &'a Route,
}

impl Lister<'_, '_> {
    fn list(&self, calls: &CallSet) -> CallList {
        let link = |call: &crate::report::period_totals::CallRef| {
            let name = (self.label)(call.conference).unwrap_or_default();
            Link {
                label: format!("{name}, {}", self.zone.clock(call.start)),
                href: Some(Route::call_href_from(call.conference, call.number, self.from)),
            }
        };
        let links: Vec<Link> = calls.list().iter().rev().take(NEWEST).map(link).collect();
        CallList { more: calls.len() - links.len(), links }
    }
}

impl PeriodPage {
    /// From what is known of the period; `label` says what to call a conference.
    pub fn new<'l>(
        facts: &PeriodFacts<'_>,
        line: &Line,
        label: &dyn Fn(crate::ids::ConferenceId) -> Option<&'l str>,
    ) -> Self {
        let PeriodFacts { of, period, zone, now, before, changes, .. } = facts;
        let route = Route::Report(of.scope, period.name());
        let lister = Lister { label, zone, from: &route };
        let previous = period.previous();
        let report =
            |period: Period| Link::to(period.title(), &Route::Report(of.scope, period.name()), &route);
        let rows = |way: Way| -> Vec<ChangeRow> {
            changes.sure(way).take(CHANGES).map(|change| change_row(change, &lister)).collect()
        };
        let maybe: Vec<&Change> = changes
            .list
            .iter()
            .filter(|change| change.verdict == Verdict::MayBeChance && change.way != Way::Same)
            .collect();
        let ways = [
            ("Worse", Way::Worse),
            ("Better", Way::Better),
            ("New", Way::New),
            ("Gone", Way::Gone),
            ("Otherwise changed", Way::Other),
        ];
        // A day's week, month and year have the same call, so they have reports too. The days of a week may be of two months.
        let longer = match period.kind() {
            PeriodKind::Day => vec![PeriodKind::Week, PeriodKind::Month, PeriodKind::Year],
            PeriodKind::Month => vec![PeriodKind::Year],
            PeriodKind::Week | PeriodKind::Year => Vec::new(),
        };
        let mut trail = of.trail.clone();
        trail.push(("Reports".to_owned(), Route::Reports(of.scope)));
        Self {
            title: period.title(),
            of: Link::to(&of.name, &of.scope.route(), &route),
            days: (period.first().to_string(), period.last().to_string()),
            is_day: period.kind() == PeriodKind::Day,
            noun: period.kind().noun(),
            zone: zone.name().to_owned(),
            over: facts.over,
            previous: if before.is_empty() {
                Link { label: previous.title(), href: None }
            } else {
                report(previous)
            },
            has_before: !before.is_empty(),
            longer: longer.into_iter().map(|kind| report(Period::of(kind, period.first()))).collect(),
            all: Link::to("All reports", &Route::Reports(of.scope), &route),
            feed: Route::Feed(of.scope).href_from(&route),
            sentences: line.sentences.clone(),
            figures: figure_rows(facts, &lister),
            changes: ways
                .into_iter()
                .map(|(title, way)| (title, rows(way)))
                .filter(|(_, rows)| !rows.is_empty())
                .collect(),
            maybe_more: maybe.len().saturating_sub(CHANGES),
            maybe: maybe.iter().take(CHANGES).map(|change| change_row(change, &lister)).collect(),
            too_few: changes.list.iter().filter(|change| change.verdict == Verdict::TooFew).count(),
            compared: !changes.list.is_empty(),
            parts: Dimension::ALL.map(|dimension| part_table(dimension, facts, &lister)).to_vec(),
            issues: code_rows(
                now.issues.iter().map(|(code, counted)| (code.clone(), Some(counted))).chain(
                    before
                        .issues
                        .keys()
                        .filter(|code| !now.issues.contains_key(*code))
                        .map(|code| (code.clone(), None)),
                ),
                facts,
                &|code| before.issues.get(code),
                &|code| (words::issue_title(code).to_owned(), Subject::Issue(code.clone())),
                &|code| code.clone(),
                &lister,
            ),
            findings: code_rows(
                now.findings.iter().map(|(code, counted)| (*code, Some(counted))).chain(
                    before
                        .findings
                        .keys()
                        .filter(|code| !now.findings.contains_key(*code))
                        .map(|code| (*code, None)),
                ),
                facts,
                &|code| before.findings.get(code),
                &|code| (code.meaning().1.to_owned(), Subject::Finding(*code)),
                &|_| String::new(),
                &lister,
            ),
            within: facts.within.iter().map(|line| line_row(line, of.scope, &route)).collect(),
            within_title: if period.kind() == PeriodKind::Year { "Months" } else { "Days" },
            trail,
            data: Route::ApiReport(of.scope, period.name()),
        }
    }
}

fn figure_rows(facts: &PeriodFacts<'_>, lister: &Lister<'_, '_>) -> Vec<FigureRow> {
    let (whole, whole_before) = (&facts.now.whole, &facts.before.whole);
    let (now, earlier) = (Figures::of(whole), Figures::of(whole_before));
    let before = (!facts.before.is_empty()).then_some(&earlier);
    let verdict = |what: What| facts.changes.get(&Subject::All, what).map(|change| change.verdict);
    let row = |label, unit, value: &dyn Fn(&Figures) -> Option<f64>| {
        let (now, before) = (value(&now), before.and_then(value));
        FigureRow {
            label,
            unit,
            now,
            now_note: None,
            before,
            before_note: None,
            difference: now.zip(before).map(|(now, before)| now - before),
            verdict: None,
            reason: "no data",
            calls: None,
        }
    };
    let count = |label, value: &dyn Fn(&Figures) -> usize| row(label, "count", &|of| Some(value(of) as f64));
    let share = |label,
                 what: Option<What>,
                 value: &dyn Fn(&Figures) -> Option<f64>,
                 parts: &dyn Fn(&Figures) -> (usize, usize),
                 reason,
                 calls: &CallSet| {
        let note = |figures: &Figures| {
            let (part, of) = parts(figures);
            let grouped = |count: usize| crate::units::grouped(count as i64);
            (of > 0).then(|| format!("{} of {}", grouped(part), grouped(of)))
        };
        FigureRow {
            now_note: note(&now),
            before_note: before.and_then(note),
            verdict: what.and_then(verdict),
            reason,
            calls: Some(lister.list(calls)),
            ..row(label, "percent", value)
        }
    };
    let spread = |labels: [&'static str; 3],
                  unit,
                  what: What,
                  of: &dyn Fn(&Figures) -> Option<crate::report::period_totals::Spread>,
                  reason,
                  calls: &CallSet| {
        let note = |figures: &Figures| {
            of(figures).map(|spread| format!("n = {}", crate::units::grouped(spread.n as i64)))
        };
        let middle = FigureRow {
            now_note: note(&now),
            before_note: before.and_then(note),
            verdict: verdict(what),
            reason,
            calls: Some(lister.list(calls)),
            ..row(labels[1], unit, &|figures| of(figures).map(|spread| spread.p50))
        };
        let low =
            FigureRow { reason, ..row(labels[0], unit, &|figures| of(figures).map(|spread| spread.p5)) };
        let high =
            FigureRow { reason, ..row(labels[2], unit, &|figures| of(figures).map(|spread| spread.p95)) };
        [middle, low, high]
    };
    let mut rows = vec![
        FigureRow { calls: Some(lister.list(&whole.calls)), ..count("Calls", &|of| of.calls) },
        count("Conferences", &|of| of.conferences),
        count("Participants", &|of| of.participants),
        count("Sessions", &|of| of.sessions),
        row("Participant minutes", "count", &|of| Some(of.participant_minutes as f64)),
        share(
            "Calls with errors",
            Some(What::Errors),
            &|of| of.error_share,
            &|of| (of.with_errors, of.calls),
            "no calls",
            &whole.with_errors,
        ),
        share(
            "Calls with warnings, no errors",
            None,
            &|of| of.warning_share,
            &|of| (of.with_warnings, of.calls),
            "no calls",
            &whole.with_warnings,
        ),
        share(
            "Connections not established",
            Some(What::Established),
            &|of| of.established_share.map(|share| 1.0 - share),
            &|of| (of.connections - of.established, of.connections),
            "no connections",
            &whole.not_connected,
        ),
    ];
    rows.extend(spread(
        ["Set-up time, P5", "Set-up time, P50", "Set-up time, P95"],
        "millis",
        What::Setup,
        &|of| of.setup_ms,
        "no connection was seen to be set up",
        &whole.with_setup,
    ));
    rows.push(share(
        "Relayed connections",
        Some(What::Relayed),
        &|of| of.relayed_share,
        &|of| (of.relayed, of.paths),
        "no connection has a known path",
        &whole.with_relay,
    ));
    rows.extend(spread(
        ["Score, P5", "Score, P50", "Score, P95"],
        "tenths",
        What::Score,
        &|of| of.score,
        "no call has a score",
        &whole.scored,
    ));
    rows.push(share(
        "Bad minutes",
        Some(What::BadMinutes),
        &|of| of.bad_share,
        &|of| (of.bad_minutes, of.minutes),
        "no minute has data",
        &whole.with_bad_minutes,
    ));
    rows
}

fn change_row(change: &Change, lister: &Lister<'_, '_>) -> ChangeRow {
    ChangeRow {
        subject: change.subject.title(),
        what: change.what.title(),
        unit: change.what.unit(),
        now: change.now,
        before: change.before,
        difference: change.now - change.before,
        interval: change.interval,
        n: change.n,
        verdict: change.verdict,
        gone: change.way == Way::Gone,
        calls: lister.list(&change.calls),
    }
}

fn word(way: Way) -> &'static str {
    match way {
        Way::Worse => "worse",
        Way::Better => "better",
        Way::New => "new",
        Way::Gone => "gone",
        Way::Other | Way::Same => "changed",
    }
}

fn part_table(dimension: Dimension, facts: &PeriodFacts<'_>, lister: &Lister<'_, '_>) -> PartTable {
    let nothing = Slice::default();
    let keys = facts.now.by.keys().chain(facts.before.by.keys());
    let keys: BTreeSet<&(Dimension, String)> = keys.filter(|(own, _)| *own == dimension).collect();
    let has_before = !facts.before.is_empty();
    let slices = |key| [facts.now, facts.before].map(|totals| totals.by.get(key).unwrap_or(&nothing));
    let mut rows: Vec<(&String, [&Slice; 2])> = keys.into_iter().map(|key| (&key.1, slices(key))).collect();
    rows.sort_by_key(|(value, slices)| (slices.map(|slice| Reverse(slice.sessions)), *value));
    let more = rows.len().saturating_sub(ROWS);
    let row = |(value, [slice, earlier]): (&String, [&Slice; 2])| {
        let (figures, figures_before) = (Figures::of(slice), Figures::of(earlier));
        let subject = Subject::Part(dimension, value.clone());
        let cell = |what: What, of: &dyn Fn(&Figures) -> Option<f64>| Cell {
            now: of(&figures),
            before: of(&figures_before).filter(|_| has_before),
            word: facts
                .changes
                .get(&subject, what)
                .filter(|change| change.verdict == Verdict::MoreThanChance)
                .map(|change| word(change.way)),
        };
        PartRow {
            sessions: (slice.sessions, earlier.sessions),
            calls: (slice.calls.len(), earlier.calls.len()),
            errors: cell(What::Errors, &|of| of.error_share),
            score: cell(What::Score, &|of| of.score.map(|spread| spread.p50)),
            setup: cell(What::Setup, &|of| of.setup_ms.map(|spread| spread.p50)),
            relayed: cell(What::Relayed, &|of| of.relayed_share),
            list: lister.list(&slice.calls),
            error_list: lister.list(&slice.with_errors),
            value: value.clone(),
        }
    };
    PartTable { title: dimension.title(), rows: rows.into_iter().take(ROWS).map(row).collect(), more }
}

fn code_rows<'a, C>(
    codes: impl Iterator<Item = (C, Option<&'a Counted>)>,
    facts: &PeriodFacts<'_>,
    before: &dyn Fn(&C) -> Option<&'a Counted>,
    about: &dyn Fn(&C) -> (String, Subject),
    id: &dyn Fn(&C) -> String,
    lister: &Lister<'_, '_>,
) -> Vec<CodeRow> {
    let all = (facts.now.whole.calls.len(), facts.before.whole.calls.len());
    let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
    let mut rows: Vec<CodeRow> = codes
        .map(|(code, counted)| {
            let (title, subject) = about(&code);
            let earlier = before(&code);
            let number = |counted: Option<&Counted>| counted.map_or((0, 0), |of| (of.calls.len(), of.times));
            let (now, before) = (number(counted), number(earlier));
            let change = facts.changes.get(&subject, What::Occurrence);
            CodeRow {
                title,
                code: id(&code),
                calls: (now.0, before.0),
                times: (now.1, before.1),
                share: share(now.0, all.0),
                share_before: share(before.0, all.1),
                verdict: change.map(|change| change.verdict),
                word: change
                    .filter(|change| change.verdict == Verdict::MoreThanChance)
                    .map(|change| word(change.way)),
                list: counted.map(|counted| lister.list(&counted.calls)).unwrap_or_default(),
            }
        })
        .collect();
    rows.sort_by(|a, b| b.calls.cmp(&a.calls).then(a.title.cmp(&b.title)).then(a.code.cmp(&b.code)));
    rows
}

impl Content for PeriodPage {
    const KIND: &'static str = "period";
    const TEMPLATE: &'static str = "pages/period.html";

    fn title(&self) -> String {
        self.title.clone()
    }

    fn description(&self) -> String {
        self.sentences[0].clone()
    }

    fn trail(&self) -> Vec<(String, Route)> {
        self.trail.clone()
    }

    fn data(&self) -> Option<Route> {
        Some(self.data.clone())
    }
}

/// The last whole period on the page of what it is of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LastPeriod {
    /// The report, its title as label; none if no period with a call is over.
    pub report: Option<Link>,
    /// Its three sentences.
    pub sentences: Vec<String>,
    /// Figures now and before: label, unit, now, before.
    pub figures: Vec<(&'static str, &'static str, Option<f64>, Option<f64>)>,
    /// What the period before is called: `the week before`.
    pub before: String,
    /// The time zone of its days.
    pub zone: String,
    /// All reports.
    pub all: Link,
    /// Address of the Atom feed.
    pub feed: String,
    /// Address of the JSON feed.
    pub json_feed: String,
}

impl LastPeriod {
    /// From the report's line and that of the period before, if that has one.
    pub fn new(scope: ReportScope, zone: &Zone, last: Option<(&Line, Option<&Line>)>) -> Self {
        let from = scope.route();
        let figures = last.map(|(line, before)| {
            let row = |label, unit, of: &dyn Fn(&Figures) -> Option<f64>| {
                (label, unit, of(&line.figures), before.and_then(|line| of(&line.figures)))
            };
            vec![
                row("Calls", "count", &|of| Some(of.calls as f64)),
                row("Participants", "count", &|of| Some(of.participants as f64)),
                row("Participant minutes", "count", &|of| Some(of.participant_minutes as f64)),
                row("With errors", "percent", &|of| of.error_share),
                row("Median score", "tenths", &|of| of.score.map(|spread| spread.p50)),
                row("Bad minutes", "percent", &|of| of.bad_share),
            ]
        });
        Self {
            report: last.map(|(line, _)| {
                Link::to(line.period.title(), &Route::Report(scope, line.period.name()), &from)
            }),
            sentences: last.map(|(line, _)| line.sentences.to_vec()).unwrap_or_default(),
            figures: figures.unwrap_or_default(),
            before: last
                .map(|(line, _)| format!("the {} before", line.period.kind().noun()))
                .unwrap_or_default(),
            zone: zone.name().to_owned(),
            all: Link::to("All reports", &Route::Reports(scope), &from),
            feed: Route::Feed(scope).href_from(&from),
            json_feed: Route::JsonFeed(scope).href_from(&from),
        }
    }
}
