//! From intervals to a call: a score from 0 to 100 with each deduction listed. Nobody publishes a good rule, and a mean hides
//! what people complain about; so ours starts at 100 and takes away for the usual score of an interval, for the worst of
//! them, for the share of bad minutes and for the longest bad stretch.
//!
//! An interval is one received stream between two polls, with the score of the audio or video model. A minute of a participant
//! is bad when any received stream has a mean score below 3 in it, stood still for more than 5 % of it or had more than 5 % of
//! its sound concealed. The deductions are continuous: no value is a cliff.

use serde::Serialize;

use super::percentile::Summary;

/// Version of the definition below; a score is only to be compared with one of the same version.
///
/// 2: received video is held against the sender's camera where that is known; screens are not scored.
pub const VERSION: u32 = 2;
/// With fewer intervals there is no score.
pub const LEAST_INTERVALS: usize = 3;
/// A stream's mean score over a minute below which the minute is bad.
pub const BAD_SCORE: f64 = 3.0;
/// Share of a minute frozen or concealed above which it is bad.
pub const BAD_SHARE: f64 = 0.05;

/// The usual interval: free down to this score, then so many points per unit, at most so many.
const USUAL: (f64, f64, f64) = (4.0, 25.0, 40.0);
/// The worst twentieth of the intervals, likewise.
const WORST: (f64, f64, f64) = (3.5, 12.0, 20.0);
/// Points for a call all of whose minutes are bad.
const BAD_MINUTES: f64 = 30.0;
/// Points for a bad stretch of two minutes or more.
const LONGEST: f64 = 10.0;
const LONGEST_S: f64 = 120.0;

/// One interval of a received stream.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StreamInterval {
    /// Which stream; only to tell them apart.
    pub stream: usize,
    /// When it began, ms from the start of the call.
    pub from: i64,
    /// When it ended, likewise.
    pub to: i64,
    /// Score of the audio or video model, 1 to 5.
    pub score: Option<f64>,
    /// Share of the interval in which the picture stood still.
    pub frozen: Option<f64>,
    /// Share of the samples that were concealed and not silent.
    pub concealed: Option<f64>,
}

/// One minute of one participant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Minute {
    /// Minutes from the start of the call.
    pub minute: i64,
    /// The mean score of the worst stream, 1 to 5.
    pub score: Option<f64>,
    /// Whether it is bad.
    pub bad: bool,
}

/// Why points were taken away.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Deduction {
    /// For what.
    pub reason: &'static str,
    /// The value that it is for.
    pub value: f64,
    /// How to show the value: the name of a unit.
    pub unit: &'static str,
    /// How many, of 100.
    pub points: f64,
}

/// The score of a call, or of one participant's part in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallScore {
    /// 0 to 100.
    pub score: f64,
    /// Version of the definition.
    pub version: u32,
    /// The scores of the intervals.
    pub intervals: Summary,
    /// Minutes with data.
    pub minutes: usize,
    /// Those that are bad.
    pub bad_minutes: usize,
    /// Seconds of the longest run of bad minutes.
    pub longest_bad_s: f64,
    /// What was taken away, and why.
    pub deductions: Vec<Deduction>,
}

impl CallScore {
    /// Bad of all minutes, 0 to 1.
    pub fn bad_share(&self) -> f64 {
        if self.minutes == 0 { 0.0 } else { self.bad_minutes as f64 / self.minutes as f64 }
    }

    /// `good` from 80, `fair` from 60, else `poor`.
    pub fn band(&self) -> &'static str {
        band(self.score)
    }
}

/// `good` from 80, `fair` from 60, else `poor`; of the score in whole points, as pages show it.
pub fn band(score: f64) -> &'static str {
    match score.round() {
        score if score >= 80.0 => "good",
        score if score >= 60.0 => "fair",
        _ => "poor",
    }
}

/// The minutes of one participant that have data, in order.
pub fn minutes(intervals: &[StreamInterval]) -> Vec<Minute> {
    use std::collections::BTreeMap;
    #[derive(Default)]
    struct Sums {
        score: (f64, f64),
        frozen: (f64, f64),
        concealed: (f64, f64),
    }
    let mut streams: BTreeMap<(i64, usize), Sums> = BTreeMap::new();
    for interval in intervals {
        let length = (interval.to - interval.from).max(0) as f64;
        // An interval counts for the minute in which its middle lies.
        let middle = interval.from.midpoint(interval.to);
        let sums = streams.entry((middle.div_euclid(60_000), interval.stream)).or_default();
        for (sum, value) in [
            (&mut sums.score, interval.score),
            (&mut sums.frozen, interval.frozen),
            (&mut sums.concealed, interval.concealed),
        ] {
            if let Some(value) = value.filter(|value| value.is_finite()) {
                sum.0 += value * length;
                sum.1 += length;
            }
        }
    }
    let mean = |(total, length): (f64, f64)| (length > 0.0).then(|| total / length);
    let mut minutes: BTreeMap<i64, Minute> = BTreeMap::new();
    for ((minute, _), sums) in streams {
        let (score, frozen, concealed) = (mean(sums.score), mean(sums.frozen), mean(sums.concealed));
        if score.is_none() && frozen.is_none() && concealed.is_none() {
            continue;
        }
        let entry = minutes.entry(minute).or_insert(Minute { minute, score: None, bad: false });
        entry.score = match (entry.score, score) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        entry.bad |= score.is_some_and(|score| score < BAD_SCORE)
            || frozen.is_some_and(|share| share > BAD_SHARE)
            || concealed.is_some_and(|share| share > BAD_SHARE);
    }
    minutes.into_values().collect()
}

/// The score over the intervals of some participants and their minutes, one list per participant; `None` below three
/// intervals with a score.
pub fn call_score(scores: Vec<f64>, participants: &[Vec<Minute>]) -> Option<CallScore> {
    let intervals = Summary::of(scores).filter(|summary| summary.n >= LEAST_INTERVALS)?;
    let all = || participants.iter().flatten();
    let (minutes, bad) = (all().count(), all().filter(|minute| minute.bad).count());
    let longest = participants.iter().map(|minutes| longest_run(minutes)).max().unwrap_or(0);
    let longest_bad_s = longest as f64 * 60.0;
    let below =
        |value: f64, (free, slope, most): (f64, f64, f64)| ((free - value).max(0.0) * slope).min(most);
    let share = if minutes == 0 { 0.0 } else { bad as f64 / minutes as f64 };
    let deductions: Vec<Deduction> = [
        ("the usual interval scores below 4", intervals.p50, "score", below(intervals.p50, USUAL)),
        (
            "the worst twentieth of the intervals scores below 3.5",
            intervals.p5,
            "score",
            below(intervals.p5, WORST),
        ),
        ("share of bad minutes", share, "percent", share * BAD_MINUTES),
        (
            "longest run of bad minutes",
            longest_bad_s,
            "seconds",
            LONGEST * (longest_bad_s / LONGEST_S).min(1.0),
        ),
    ]
    .into_iter()
    .filter(|(_, _, _, points)| *points > 0.0)
    .map(|(reason, value, unit, points)| Deduction { reason, value, unit, points })
    .collect();
    let taken: f64 = deductions.iter().map(|deduction| deduction.points).sum();
    Some(CallScore {
        score: (100.0 - taken).clamp(0.0, 100.0),
        version: VERSION,
        intervals,
        minutes,
        bad_minutes: bad,
        longest_bad_s,
        deductions,
    })
}

/// The longest run of bad minutes without a good one between; minutes without data part a run.
fn longest_run(minutes: &[Minute]) -> usize {
    let mut longest = 0;
    let mut run = 0;
    let mut before = None;
    for minute in minutes {
        let follows = before.is_some_and(|before| minute.minute == before + 1);
        run = match (minute.bad, follows) {
            (true, true) => run + 1,
            (true, false) => 1,
            (false, _) => 0,
        };
        longest = longest.max(run);
        before = Some(minute.minute);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64, bad: bool) -> Minute {
        Minute { minute, score: None, bad }
    }

    #[test]
    fn a_flawless_call_keeps_all_points() {
        let score = call_score(vec![4.4; 6], &[vec![minute(0, false)]]).unwrap();
        assert_eq!((score.score, score.deductions.len(), score.band()), (100.0, 0, "good"));
    }

    #[test]
    fn each_deduction_is_the_one_of_the_definition() {
        // Usual 3.6: 0.4 x 25 = 10. Worst twentieth 2.555: 0.945 x 12 = 11.3. One of two minutes bad: 15.
        // A run of one minute: 10 x 60 / 120 = 5. 100 - 41.3 = 58.7.
        let mut scores = vec![3.6; 20];
        scores.push(2.5);
        scores.insert(0, 2.5);
        let score = call_score(scores, &[vec![minute(0, true), minute(1, false)]]).unwrap();
        let points: Vec<i64> =
            score.deductions.iter().map(|deduction| deduction.points.round() as i64).collect();
        assert!((score.intervals.p5 - 2.555).abs() < 1e-9);
        assert_eq!(points, [10, 11, 15, 5]);
        assert_eq!(score.band(), "poor");
    }

    #[test]
    fn the_band_is_that_of_the_score_as_it_is_shown() {
        assert_eq!([59.4, 59.5, 79.4, 79.5].map(band), ["poor", "fair", "fair", "good"]);
    }

    #[test]
    fn the_worst_call_has_zero_and_two_intervals_have_no_score() {
        let bad: Vec<Minute> = (0..10).map(|at| minute(at, true)).collect();
        assert!(call_score(vec![1.0; 60], &[bad]).unwrap().score < 1e-9);
        assert_eq!(call_score(vec![4.0, 4.0], &[]), None);
    }

    #[test]
    fn a_minute_is_bad_by_score_by_freezes_or_by_concealment() {
        let interval = |at: i64, score, frozen, concealed| StreamInterval {
            stream: 0,
            from: at * 60_000,
            to: at * 60_000 + 30_000,
            score: Some(score),
            frozen,
            concealed,
        };
        let list = [
            interval(0, 2.9, None, None),
            interval(1, 4.0, Some(0.06), None),
            interval(2, 4.0, None, Some(0.06)),
            interval(3, 3.0, Some(0.05), Some(0.05)),
        ];
        let bad: Vec<bool> = minutes(&list).iter().map(|minute| minute.bad).collect();
        assert_eq!(bad, [true, true, true, false]);
    }

    #[test]
    fn one_bad_stream_makes_the_minute_bad_and_a_short_dip_does_not() {
        let interval = |stream, from: i64, score| StreamInterval {
            stream,
            from: from * 1000,
            to: (from + 10) * 1000,
            score: Some(score),
            ..StreamInterval::default()
        };
        let one_of_two = [interval(0, 0, 4.4), interval(1, 0, 2.0)];
        assert_eq!(minutes(&one_of_two), [Minute { minute: 0, score: Some(2.0), bad: true }]);
        // 4.4 and 4.4 and 2.0 over ten seconds each: a mean of 3.6.
        let dip = [interval(0, 0, 4.4), interval(0, 10, 4.4), interval(0, 20, 2.0)];
        assert!(!minutes(&dip)[0].bad);
    }

    #[test]
    fn a_run_is_parted_by_a_good_minute_and_by_one_without_data() {
        let runs = [minute(0, true), minute(1, true), minute(3, true), minute(4, false), minute(5, true)];
        assert_eq!(longest_run(&runs), 2);
    }
}
