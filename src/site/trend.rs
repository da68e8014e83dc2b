//! How many conferences an app or organization had lately, beside the time before: a sparkline and two pairs of numbers.

use serde::Serialize;

use super::charts::{WIDTH, round};
use crate::report::{AppTotals, DayCounts};
use crate::units::{Day, Timestamp};

/// Days of each of the two stretches that are compared: four whole weeks.
const DAYS: usize = 28;
/// Height of the sparkline's coordinate system.
const HEIGHT: f64 = 120.0;

/// The last whole days before the snapshot's, beside as many before them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trend {
    /// How many days each stretch has.
    pub days: usize,
    /// Conferences by day over both, oldest first: a path in 1000 x 120.
    pub path: String,
    /// Where the later stretch begins in it.
    pub middle: f64,
    /// Conferences of the later stretch.
    pub recent: usize,
    /// Of the earlier one.
    pub before: usize,
    /// Share of conferences with errors, 0 to 1; none without conferences.
    pub recent_errors: Option<f64>,
    /// Likewise, earlier.
    pub before_errors: Option<f64>,
}

impl Trend {
    /// Of some totals; none where both stretches are empty.
    pub fn of(totals: &AppTotals, instant: Timestamp) -> Option<Self> {
        let first = instant.plus_seconds(-86_400.0 * 2.0 * DAYS as f64).day();
        let mut days: Vec<DayCounts> = Vec::new();
        let mut day = first;
        while days.len() < 2 * DAYS {
            days.push(totals.days_of_all_issues.get(&day).copied().unwrap_or_default());
            day = Day::next(day);
        }
        let (before, recent) = days.split_at(DAYS);
        let sum = |days: &[DayCounts]| -> (usize, Option<f64>) {
            let all: usize = days.iter().map(|day| day.total()).sum();
            let errors: usize = days.iter().map(|day| day.error).sum();
            (all, (all > 0).then(|| errors as f64 / all as f64))
        };
        let ((before, before_errors), (recent, recent_errors)) = (sum(before), sum(recent));
        if before + recent == 0 {
            return None;
        }
        let most = days.iter().map(|day| day.total()).max().unwrap_or(0).max(1) as f64;
        let step = WIDTH / (days.len() - 1) as f64;
        let points = days.iter().enumerate().map(|(at, day)| {
            format!(
                "{} {}",
                round(at as f64 * step),
                round(HEIGHT - 4.0 - day.total() as f64 / most * (HEIGHT - 8.0))
            )
        });
        let path = format!("M{}", points.collect::<Vec<_>>().join("L"));
        let middle = round(DAYS as f64 * step);
        Some(Self { days: DAYS, path, middle, recent, before, recent_errors, before_errors })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_the_snapshot_is_not_over_and_does_not_count() {
        let mut totals = AppTotals::default();
        let instant = Timestamp::parse("2026-11-24 12:00:00").unwrap();
        for (day, success, error) in [
            ("2026-11-24", 50, 0),
            ("2026-11-23", 3, 1),
            ("2026-10-27", 4, 0),
            ("2026-10-26", 5, 5),
            ("2026-09-29", 1, 0),
            ("2026-09-28", 7, 0),
        ] {
            let counts = DayCounts { success, error, ..DayCounts::default() };
            totals.days_of_all_issues.insert(Day::parse(day).unwrap(), counts);
        }
        let trend = Trend::of(&totals, instant).unwrap();
        assert_eq!((trend.recent, trend.before), (8, 11));
        assert_eq!((trend.recent_errors, trend.before_errors), (Some(0.125), Some(5.0 / 11.0)));
        assert_eq!(trend.path.matches('L').count(), 55);
        assert_eq!(Trend::of(&AppTotals::default(), instant), None);
    }
}
