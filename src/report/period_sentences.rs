//! Three sentences on a period, by rule: how much there was, how well it went, and what is different from the period before by
//! more than chance. A lead can paste them into a mail, so they stand on their own.

use super::period::Period;
use super::period_changes::{Change, Changes, Subject, Verdict, Way, What};
use super::period_totals::{Dimension, Figures};
use super::words;
use crate::metrics::chance::LEAST;
use crate::units::{Zone, grouped};

/// Differences that are named; the rest is counted.
const NAMED: usize = 3;

/// What the sentences are about.
pub struct Subjects<'a> {
    /// The period.
    pub period: Period,
    /// Of which zone's calendar.
    pub zone: &'a Zone,
    /// Whether it is over.
    pub over: bool,
    /// Its figures.
    pub now: &'a Figures,
    /// Those of the period before; none if that has no call.
    pub before: Option<&'a Figures>,
    /// The differences.
    pub changes: &'a Changes,
}

/// The three sentences.
pub fn sentences(of: &Subjects<'_>) -> [String; 3] {
    [amount(of), quality(of), differences(of)]
}

fn amount(of: &Subjects<'_>) -> String {
    let phrase = of.period.phrase();
    // The zone goes where the days are.
    let phrase = match phrase.strip_suffix(')') {
        Some(start) => format!("{start}, {})", of.zone.name()),
        None => format!("{phrase} ({})", of.zone.name()),
    };
    let begin = if of.over { upper(&phrase) } else { format!("So far {phrase}") };
    let figures = of.now;
    let before = match of.before {
        Some(before) => format!(
            "; the {} before had {} and {}",
            of.period.kind().noun(),
            counted(before.calls as u64, "call"),
            counted(before.participant_minutes, "participant minute")
        ),
        None => String::new(),
    };
    format!(
        "{begin} there {} {} in {} with {} and {}{before}.",
        if figures.calls == 1 { "was" } else { "were" },
        counted(figures.calls as u64, "call"),
        counted(figures.conferences as u64, "conference"),
        counted(figures.participants as u64, "participant"),
        counted(figures.participant_minutes, "participant minute")
    )
}

fn quality(of: &Subjects<'_>) -> String {
    let noun = of.period.kind().noun();
    let compared = |what: What, text: &dyn Fn(f64) -> String| {
        let Some(change) = of.changes.get(&Subject::All, what) else { return String::new() };
        let same = text(change.now) == text(change.before);
        match (same, change.verdict) {
            (true, _) => format!(" (as the {noun} before)"),
            (false, Verdict::MoreThanChance) => {
                format!(" ({} the {noun} before, more than chance)", text(change.before))
            }
            (false, Verdict::MayBeChance) => {
                format!(" ({} the {noun} before, which may be chance)", text(change.before))
            }
            (false, Verdict::TooFew) => format!(" ({} the {noun} before)", text(change.before)),
        }
    };
    let errors = match of.now.error_share {
        Some(share) => {
            format!("{} of the calls had errors{}", percent(share), compared(What::Errors, &percent))
        }
        None => "No call is known".to_owned(),
    };
    let score = match &of.now.score {
        Some(score) => {
            format!("the median score was {} of 100{}", points(score.p50), compared(What::Score, &points))
        }
        None => "there is no score".to_owned(),
    };
    let bad = match of.now.bad_share {
        Some(share) => {
            format!(
                ", and {} of the minutes were bad{}",
                percent(share),
                compared(What::BadMinutes, &percent)
            )
        }
        None => String::new(),
    };
    format!("{errors}; {score}{bad}.")
}

fn differences(of: &Subjects<'_>) -> String {
    let noun = of.period.kind().noun();
    let Some(before) = of.before else {
        return format!("The {noun} before had no calls to compare with.");
    };
    if of.changes.list.is_empty() {
        return format!("It is compared with the {noun} before once it is over.");
    }
    if of.now.calls < LEAST || before.calls < LEAST {
        return format!(
            "With {}, and {} the {noun} before, no difference is claimed: that takes {LEAST} on either side.",
            counted(of.now.calls as u64, "call"),
            grouped(before.calls as i64)
        );
    }
    let mut parts = Vec::new();
    for (way, word) in
        [(Way::Worse, "worse"), (Way::New, "new"), (Way::Gone, "gone"), (Way::Better, "better")]
    {
        // What the second sentence has said already, and the versions that come and go with every release, are left out.
        let told = |change: &&Change| {
            let said = matches!(change.what, What::Errors | What::Score | What::BadMinutes);
            !(change.subject == Subject::All && said || is_release(change))
        };
        let list: Vec<&Change> = of.changes.sure(way).filter(told).collect();
        if list.is_empty() {
            continue;
        }
        let named: Vec<String> = list.iter().take(NAMED).map(|change| phrase(change)).collect();
        let more = list.len() - named.len();
        let rest = if more > 0 { format!("; {} more", grouped(more as i64)) } else { String::new() };
        parts.push(format!("{word}: {}{rest}", named.join("; ")));
    }
    if parts.is_empty() {
        let told = |what| of.changes.get(&Subject::All, what).map(|change| change.verdict);
        let some =
            [What::Errors, What::Score, What::BadMinutes].map(told).contains(&Some(Verdict::MoreThanChance));
        let releases = [Way::New, Way::Gone].iter().any(|way| of.changes.sure(*way).any(is_release));
        let text = match (releases, some) {
            (true, _) => "Browser versions came or went; nothing else differs",
            (false, true) => "Nothing else differs",
            (false, false) => "Nothing differs",
        };
        return format!("{text} from the {noun} before by more than chance.");
    }
    format!("By more than chance against the {noun} before, {}.", parts.join(". "))
}

/// A browser's version that came or went, as with every release.
fn is_release(change: &Change) -> bool {
    let version = matches!(change.subject, Subject::Part(Dimension::BrowserVersion, _));
    version && matches!(change.way, Way::New | Way::Gone)
}

fn phrase(change: &Change) -> String {
    let subject = match &change.subject {
        Subject::All => "all calls".to_owned(),
        Subject::Part(Dimension::Browser | Dimension::BrowserVersion, value) => value.clone(),
        Subject::Part(Dimension::System, value) => format!("system {value}"),
        Subject::Part(Dimension::AppVersion, value) => format!("app version {value}"),
        Subject::Part(Dimension::Country, value) => format!("country {value}"),
        Subject::Issue(code) => format!("issue \u{201c}{}\u{201d}", words::issue_title(code)),
        Subject::Finding(code) => format!("finding \u{201c}{}\u{201d}", code.meaning().1),
    };
    let value = |value: f64| match change.what.unit() {
        "millis" => format!("{value:.0} ms"),
        "tenths" => points(value),
        _ => percent(value),
    };
    let what = match change.what {
        What::Occurrence => "in",
        other => other.title(),
    };
    let of_calls = if change.what == What::Occurrence { " of the calls" } else { "" };
    match change.way {
        Way::New | Way::Gone => {
            let share = if change.way == Way::New { change.now } else { change.before };
            format!("{subject} in {}{of_calls}", value(share))
        }
        _ => format!("{subject}, {what} {} after {}{of_calls}", value(change.now), value(change.before)),
    }
}

fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

fn points(score: f64) -> String {
    format!("{score:.1}")
}

fn upper(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::period::PeriodKind;
    use super::super::period_totals::PeriodTotals;
    use super::super::period_totals::tests::{call, issue};
    use super::super::words::Severity;
    use super::*;
    use crate::units::Day;

    fn totals(from: u128, n: usize, errors: usize) -> PeriodTotals {
        let calls: Vec<_> = (0..n)
            .map(|at| {
                let mut one = call(from + at as u128);
                if at < errors {
                    issue(&mut one.1, "ice_failed", Severity::Error, 1);
                }
                one
            })
            .collect();
        PeriodTotals::of(calls.iter().map(|(id, call)| (*id, call)))
    }

    fn say(kind: PeriodKind, over: bool, now: &PeriodTotals, before: &PeriodTotals) -> [String; 3] {
        let (figures, earlier) = (Figures::of(&now.whole), Figures::of(&before.whole));
        let changes = if over { Changes::of(now, before) } else { Changes::default() };
        sentences(&Subjects {
            period: Period::of(kind, Day::parse("2026-11-18").unwrap()),
            zone: &Zone::default(),
            over,
            now: &figures,
            before: (!before.is_empty()).then_some(&earlier),
            changes: &changes,
        })
    }

    #[test]
    fn a_week_is_told_beside_the_one_before() {
        let said = say(PeriodKind::Week, true, &totals(1000, 100, 30), &totals(0, 1, 0));
        assert_eq!(
            said[0],
            "In week 47 of 2026 (2026-11-16 to 2026-11-22, UTC) there were 100 calls in 100 conferences with 2 participants \
             and 300 participant minutes; the week before had 1 call and 3 participant minutes."
        );
        assert_eq!(
            said[1],
            "30.0 % of the calls had errors (0.0 % the week before); the median score was 75.0 of 100 (as the week before), \
             and 25.0 % of the minutes were bad (as the week before)."
        );
        assert_eq!(
            said[2],
            "With 100 calls, and 1 the week before, no difference is claimed: that takes 20 on either side."
        );
    }

    #[test]
    fn only_differences_that_are_more_than_chance_are_named() {
        let said = say(PeriodKind::Day, true, &totals(1000, 100, 30), &totals(0, 100, 0));
        assert!(said[0].starts_with("On 18 November 2026 (UTC) there were 100 calls"), "{}", said[0]);
        assert!(
            said[1].starts_with("30.0 % of the calls had errors (0.0 % the day before, more than chance);")
        );
        assert!(said[2].starts_with("By more than chance against the day before, worse: "), "{}", said[2]);
        assert!(said[2].contains("Safari, calls with errors 30.0 % after 0.0 %"), "{}", said[2]);
        assert!(said[2].contains(". new: issue \u{201c}"), "{}", said[2]);
        let said = say(PeriodKind::Month, true, &totals(1000, 100, 8), &totals(0, 100, 5));
        assert!(said[1].contains("(5.0 % the month before, which may be chance)"), "{}", said[1]);
        assert_eq!(said[2], "Nothing differs from the month before by more than chance.");
    }

    #[test]
    fn releases_of_browsers_are_said_in_passing() {
        let with = |from: u128, version: &str| {
            let calls: Vec<_> = (0..100)
                .map(|at| {
                    let mut one = call(from + at);
                    for visit in &mut one.1.visits {
                        visit.browser_version = Some(version.to_owned());
                    }
                    one
                })
                .collect();
            PeriodTotals::of(calls.iter().map(|(id, call)| (*id, call)))
        };
        let said = say(PeriodKind::Week, true, &with(1000, "157"), &with(0, "156"));
        assert_eq!(
            said[2],
            "Browser versions came or went; nothing else differs from the week before by more than chance."
        );
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        let said = say(PeriodKind::Year, true, &totals(0, 1, 0), &PeriodTotals::default());
        assert!(said[0].starts_with("In 2026 (UTC) there was 1 call in 1 conference with 2 participants"));
        assert_eq!(said[2], "The year before had no calls to compare with.");
        let said = say(PeriodKind::Week, false, &totals(1000, 30, 0), &totals(0, 30, 0));
        assert!(
            said[0]
                .starts_with("So far in week 47 of 2026 (2026-11-16 to 2026-11-22, UTC) there were 30 calls")
        );
        assert_eq!(said[2], "It is compared with the week before once it is over.");
    }
}
