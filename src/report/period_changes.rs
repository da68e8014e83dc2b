//! What is new, gone, better or worse in a period than in the one before, and whether that is more than chance.
//!
//! A test counts calls, one value each, because connections, minutes and visits of one call are not independent of each other.
//! Nothing is claimed with fewer than [`LEAST`] calls on either side, and of all tests of a period together those are called
//! more than chance that [`chance::discoveries`] keeps.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::incidents::Code;
use super::period_totals::{ByCall, CallSet, Counted, Dimension, Figures, PeriodTotals, Slice, Values};
use super::words;
use crate::metrics::chance::{self, LEAST, Share, Test};

/// An issue counts as news in so many calls at least.
pub const LEAST_NEWS: usize = 5;
/// An issue is said to have doubled when its share of the calls is so many times as large.
const DOUBLED: f64 = 2.0;
/// Issue codes whose being more frequent is neither good nor bad.
const NEUTRAL: [&str; 1] = ["turn_used"];

/// What a figure is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// All calls.
    All,
    /// The part of one browser, system, version or country.
    Part(Dimension, String),
    /// Calls with a stored issue, by its code.
    Issue(String),
    /// Calls with a finding of ours.
    Finding(Code),
}

impl Subject {
    /// A few words for tables.
    pub fn title(&self) -> String {
        match self {
            Self::All => "All calls".to_owned(),
            Self::Part(dimension, value) => format!("{} {value}", dimension.title()),
            Self::Issue(code) => format!("Issue {}", words::issue_title(code)),
            Self::Finding(code) => format!("Finding {}", code.meaning().1),
        }
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Share of calls with an issue of type error.
    Errors,
    /// Share of connections that were established.
    Established,
    /// Set-up time, ms.
    Setup,
    /// Score, 0 to 100.
    Score,
    /// Share of bad minutes.
    BadMinutes,
    /// Share of relayed connections.
    Relayed,
    /// Share of calls with the issue, the finding, the browser and so on.
    Occurrence,
}

impl What {
    /// A few words for tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::Errors => "calls with errors",
            Self::Established => "connections established",
            Self::Setup => "set-up time, median",
            Self::Score => "score, median",
            Self::BadMinutes => "bad minutes",
            Self::Relayed => "relayed connections",
            Self::Occurrence => "share of calls",
        }
    }

    /// The unit of its values, as the filter `measure` knows it.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Setup => "millis",
            Self::Score => "tenths",
            _ => "percent",
        }
    }

    /// Whether more of it is better (1), worse (-1) or neither (0).
    fn merit(self, subject: &Subject) -> i8 {
        match self {
            Self::Established | Self::Score => 1,
            Self::Errors | Self::Setup | Self::BadMinutes => -1,
            Self::Relayed => 0,
            Self::Occurrence => match subject {
                Subject::Issue(code) if NEUTRAL.contains(&code.as_str()) => 0,
                Subject::Issue(_) | Subject::Finding(_) => -1,
                Subject::All | Subject::Part(..) => 0,
            },
        }
    }
}

/// Whether a difference is more than chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    MoreThanChance,
    /// It need not be.
    MayBeChance,
    /// There are too few calls to say.
    TooFew,
}

/// Which way a difference goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// For the worse.
    Worse,
    /// For the better.
    Better,
    /// It was not there before.
    New,
    /// It was there before.
    Gone,
    /// Neither better nor worse.
    Other,
    /// There is none.
    Same,
}

/// A difference to the period before.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Of what.
    pub subject: Subject,
    /// What is compared.
    pub what: What,
    /// Which way it goes.
    pub way: Way,
    /// The value: a ratio, ms or points.
    pub now: f64,
    /// The value before.
    pub before: f64,
    /// Calls behind the value, now and before.
    pub n: (usize, usize),
    /// 95 % interval of the difference; only shares of calls have one.
    pub interval: Option<(f64, f64)>,
    /// How probable so large a difference is if there is none; none where there are too few calls.
    pub p: Option<f64>,
    /// Whether it is more than chance.
    pub verdict: Verdict,
    /// The calls behind the value now; of what is gone, those before.
    pub calls: CallSet,
}

/// All differences of a period to the one before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Those more than chance first, the least probable first.
    pub list: Vec<Change>,
}

impl Changes {
    /// Compares two periods; empty where one has no call.
    pub fn of(now: &PeriodTotals, before: &PeriodTotals) -> Self {
        if now.is_empty() || before.is_empty() {
            return Self::default();
        }
        let mut list = Vec::new();
        of_slice(&Subject::All, &now.whole, &before.whole, &mut list);
        let keys: BTreeSet<_> = now.by.keys().chain(before.by.keys()).collect();
        let all = (now.whole.calls.len(), before.whole.calls.len());
        for key in keys {
            let subject = Subject::Part(key.0, key.1.clone());
            match (now.by.get(key), before.by.get(key)) {
                (Some(now), Some(before)) => of_slice(&subject, now, before, &mut list),
                (now, before) => list.extend(of_occurrence(
                    &subject,
                    now.map(|slice| &slice.calls),
                    before.map(|slice| &slice.calls),
                    all,
                )),
            }
        }
        let codes: BTreeSet<_> = now.issues.keys().chain(before.issues.keys()).collect();
        for code in codes {
            let [now, before] =
                [now, before].map(|totals| totals.issues.get(code).map(|counted| &counted.calls));
            list.extend(of_occurrence(&Subject::Issue(code.clone()), now, before, all));
        }
        for code in Code::ALL {
            let [now, before] =
                [now, before].map(|totals| totals.findings.get(&code).map(|counted| &counted.calls));
            list.extend(of_occurrence(&Subject::Finding(code), now, before, all));
        }
        judge(&mut list);
        Self { list }
    }

    /// The difference of one thing.
    pub fn get(&self, subject: &Subject, what: What) -> Option<&Change> {
        self.list.iter().find(|change| change.subject == *subject && change.what == what)
    }

    /// Those of one way that are more than chance.
    pub fn sure(&self, way: Way) -> impl Iterator<Item = &Change> {
        self.list.iter().filter(move |change| change.way == way && change.verdict == Verdict::MoreThanChance)
    }
}

fn of_slice(subject: &Subject, now: &Slice, before: &Slice, list: &mut Vec<Change>) {
    let (figures, earlier) = (Figures::of(now), Figures::of(before));
    let share = |slice: &Slice| Share { of: slice.with_errors.len(), n: slice.calls.len() };
    let (errors, errors_before) = (share(now), share(before));
    if let (Some(value), Some(value_before)) = (errors.ratio(), errors_before.ratio()) {
        list.push(Change {
            interval: chance::difference(errors, errors_before),
            ..change(
                subject,
                What::Errors,
                (value, value_before),
                (errors.n, errors_before.n),
                chance::shares(errors, errors_before),
                &now.with_errors,
            )
        });
    }
    let median = |figures: &Figures, what: What| match what {
        What::Setup => figures.setup_ms.map(|spread| spread.p50),
        What::Score => figures.score.map(|spread| spread.p50),
        What::Established => figures.established_share,
        What::Relayed => figures.relayed_share,
        What::BadMinutes => figures.bad_share,
        What::Errors | What::Occurrence => None,
    };
    for what in [What::Established, What::Setup, What::Score, What::BadMinutes, What::Relayed] {
        let (a, b) = (values(&now.by_call, what).sorted(), values(&before.by_call, what).sorted());
        if let (Some(value), Some(value_before)) = (median(&figures, what), median(&earlier, what)) {
            let calls = match what {
                What::Setup => &now.with_setup,
                What::Score => &now.scored,
                What::Established => &now.not_connected,
                What::BadMinutes => &now.with_bad_minutes,
                _ => &now.with_relay,
            };
            let test = chance::distributions(a, b);
            list.push(change(subject, what, (value, value_before), (a.len(), b.len()), test, calls));
        }
    }
}

/// What of calls is compared.
fn values(of: &ByCall, what: What) -> &Values {
    match what {
        What::Setup => &of.setup_ms,
        What::Score => &of.score,
        What::Established => &of.established,
        What::BadMinutes => &of.bad,
        _ => &of.relayed,
    }
}

fn of_occurrence(
    subject: &Subject,
    now: Option<&CallSet>,
    before: Option<&CallSet>,
    all: (usize, usize),
) -> Option<Change> {
    let count = |calls: Option<&CallSet>| calls.map_or(0, CallSet::len);
    let calls = now.or(before)?;
    let (a, b) = (Share { of: count(now), n: all.0 }, Share { of: count(before), n: all.1 });
    let values = (a.ratio()?, b.ratio()?);
    let mut own = change(subject, What::Occurrence, values, all, chance::shares(a, b), calls);
    own.interval = chance::difference(a, b);
    own.way = match (now.is_some(), before.is_some()) {
        (true, false) => Way::New,
        (false, true) => Way::Gone,
        _ => own.way,
    };
    Some(own)
}

fn change(
    subject: &Subject,
    what: What,
    (now, before): (f64, f64),
    n: (usize, usize),
    test: Option<Test>,
    calls: &CallSet,
) -> Change {
    let enough = n.0 >= LEAST && n.1 >= LEAST;
    let rises: i8 = match now.total_cmp(&before) {
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => 0,
    };
    let way = match (rises, what.merit(subject) * rises) {
        (0, _) => Way::Same,
        (_, 1) => Way::Better,
        (_, -1) => Way::Worse,
        _ => Way::Other,
    };
    // Where ranks say otherwise than the value that is shown, nothing is claimed.
    let p = test.filter(|_| enough).map(|test| if test.sign == rises && rises != 0 { test.p } else { 1.0 });
    Change {
        subject: subject.clone(),
        what,
        way,
        now,
        before,
        n,
        interval: None,
        p,
        verdict: if p.is_some() { Verdict::MayBeChance } else { Verdict::TooFew },
        calls: calls.clone(),
    }
}

/// Decides over all tests together, and puts the least probable first.
fn judge(list: &mut [Change]) {
    let p: Vec<f64> = list.iter().filter_map(|change| change.p).collect();
    let kept = chance::discoveries(&p);
    for (change, kept) in list.iter_mut().filter(|change| change.p.is_some()).zip(kept) {
        if kept {
            change.verdict = Verdict::MoreThanChance;
        }
    }
    list.sort_by(|a, b| {
        let p = |change: &Change| change.p.unwrap_or(2.0);
        (a.verdict.cmp(&b.verdict))
            .then(p(a).total_cmp(&p(b)))
            .then_with(|| (&a.subject, a.what).cmp(&(&b.subject, b.what)))
    });
}

/// A stored issue that is new, or has doubled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueNews {
    /// Its code.
    pub code: String,
    /// Whether it was in no call of the period before.
    pub new: bool,
    /// Calls with it, now and before.
    pub with: (usize, usize),
    /// All calls, now and before.
    pub calls: (usize, usize),
}

/// The issues of a period that are new or have doubled: in at least [`LEAST_NEWS`] calls, of at least [`LEAST`] in each of both
/// periods, and at least twice the share of calls with it than before.
pub fn issue_news(now: &PeriodTotals, before: &PeriodTotals) -> Vec<IssueNews> {
    let calls = (now.whole.calls.len(), before.whole.calls.len());
    if calls.0 < LEAST || calls.1 < LEAST {
        return Vec::new();
    }
    let news = |(code, counted): (&String, &Counted)| {
        let with = (counted.calls.len(), before.issues.get(code).map_or(0, |counted| counted.calls.len()));
        let share = |part: usize, of: usize| part as f64 / of as f64;
        let doubled = share(with.0, calls.0) >= DOUBLED * share(with.1, calls.1);
        (with.0 >= LEAST_NEWS && doubled).then(|| IssueNews {
            code: code.clone(),
            new: with.1 == 0,
            with,
            calls,
        })
    };
    now.issues.iter().filter_map(news).collect()
}

#[cfg(test)]
mod tests {
    use super::super::period_totals::tests::{call, issue};
    use super::super::words::Severity;
    use super::*;

    /// `n` calls, of which the first `errors` have an error; set-up takes `ms`.
    fn totals(from: u128, n: usize, errors: usize, ms: f64) -> PeriodTotals {
        let calls: Vec<_> = (0..n)
            .map(|at| {
                let mut one = call(from + at as u128);
                if at < errors {
                    issue(&mut one.1, "ice_failed", Severity::Error, 1);
                }
                for connection in &mut one.1.connections {
                    connection.setup_ms = Some(ms + at as f64);
                }
                one
            })
            .collect();
        PeriodTotals::of(calls.iter().map(|(id, call)| (*id, call)))
    }

    #[test]
    fn a_large_difference_of_many_calls_is_more_than_chance_and_one_of_few_is_no_claim() {
        let changes = Changes::of(&totals(1000, 100, 30, 900.0), &totals(0, 100, 5, 300.0));
        let errors = changes.get(&Subject::All, What::Errors).unwrap();
        assert_eq!((errors.way, errors.verdict, errors.n), (Way::Worse, Verdict::MoreThanChance, (100, 100)));
        assert_eq!((errors.now, errors.before, errors.calls.len()), (0.30, 0.05, 30));
        let setup = changes.get(&Subject::All, What::Setup).unwrap();
        assert_eq!((setup.way, setup.verdict), (Way::Worse, Verdict::MoreThanChance));
        assert!((setup.now - setup.before - 600.0).abs() < 1e-9);
        let score = changes.get(&Subject::All, What::Score).unwrap();
        assert_eq!((score.way, score.verdict), (Way::Same, Verdict::MayBeChance));

        let changes = Changes::of(&totals(1000, 19, 19, 900.0), &totals(0, 100, 5, 300.0));
        assert!(changes.list.iter().all(|change| change.verdict == Verdict::TooFew && change.p.is_none()));
        assert_eq!(changes.get(&Subject::All, What::Errors).unwrap().way, Way::Worse);
    }

    #[test]
    fn a_small_difference_may_be_chance() {
        let changes = Changes::of(&totals(1000, 100, 8, 300.0), &totals(0, 100, 5, 300.0));
        assert_eq!(changes.get(&Subject::All, What::Errors).unwrap().verdict, Verdict::MayBeChance);
        assert_eq!(changes.sure(Way::Worse).count(), 0);
    }

    #[test]
    fn what_was_not_there_before_is_new_and_what_is_no_more_is_gone() {
        let (now, before) = (totals(1000, 40, 12, 300.0), totals(0, 40, 0, 300.0));
        let subject = Subject::Issue("ice_failed".to_owned());
        let new = Changes::of(&now, &before);
        let new = new.get(&subject, What::Occurrence).unwrap();
        assert_eq!((new.way, new.verdict, new.calls.len()), (Way::New, Verdict::MoreThanChance, 12));
        let gone = Changes::of(&before, &now);
        assert_eq!(gone.get(&subject, What::Occurrence).unwrap().way, Way::Gone);
        assert_eq!(Changes::of(&now, &PeriodTotals::default()), Changes::default());
    }

    #[test]
    fn an_issue_is_news_when_its_share_has_doubled_in_enough_calls() {
        let news = |now: (usize, usize), before: (usize, usize)| {
            let list = issue_news(&totals(1000, now.0, now.1, 1.0), &totals(0, before.0, before.1, 1.0));
            list.into_iter().map(|news| (news.new, news.with)).collect::<Vec<_>>()
        };
        assert_eq!(news((40, 5), (40, 0)), [(true, (5, 0))]);
        assert_eq!(news((40, 6), (40, 3)), [(false, (6, 3))]);
        // Twice the calls, not twice the share.
        assert_eq!(news((80, 6), (40, 3)), []);
        assert_eq!(news((40, 4), (40, 0)), []);
        assert_eq!(news((19, 19), (40, 0)), []);
    }
}
