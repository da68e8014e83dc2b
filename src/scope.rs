//! What of the data a report is of: the calls of a stretch of time, as the command line names it.

use crate::units::{Day, Timestamp};

/// The calls that a report is of; all of them by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scope {
    /// From this instant on.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
    /// So long before the snapshot, and until then.
    pub last: Option<Last>,
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last {
    count: u32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Hour,
    Day,
    Week,
}

impl Last {
    /// Where it begins: days and weeks at midnight UTC, so that they are whole.
    fn before(self, instant: Timestamp) -> Timestamp {
        let hours = f64::from(self.count)
            * match self.unit {
                Unit::Hour => 1.0,
                Unit::Day => 24.0,
                Unit::Week => 168.0,
            };
        let from = instant.plus_seconds(-hours * 3600.0);
        if self.unit == Unit::Hour { from } else { from.day().start() }
    }
}

impl Scope {
    /// Whether it leaves nothing out.
    pub fn is_all(self) -> bool {
        self == Self::default()
    }

    /// The half-open stretch of time, for a snapshot of an instant.
    pub fn bounds(self, instant: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        let since = self.last.map(|last| last.before(instant)).or(self.since);
        (since, self.until)
    }

    /// Whether a call or conference that began then belongs to it.
    pub fn holds(self, at: Timestamp, instant: Timestamp) -> bool {
        let (since, until) = self.bounds(instant);
        since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until)
    }

    /// What pages call it. That of the last days does not change from day to day, and nor do the pages that bear it.
    pub fn label(self) -> String {
        let shown = |at: Timestamp| {
            let text = at.api();
            text.strip_suffix(" 00:00:00").map_or(text.clone(), str::to_owned)
        };
        match (self.last, self.since, self.until) {
            (Some(Last { count, unit }), _, _) => {
                let unit = match unit {
                    Unit::Hour => "hour",
                    Unit::Day => "day",
                    Unit::Week => "week",
                };
                if count == 1 {
                    format!("calls of the last {unit}")
                } else {
                    format!("calls of the last {count} {unit}s")
                }
            }
            (None, Some(since), Some(until)) => {
                format!("calls from {} until before {} UTC", shown(since), shown(until))
            }
            (None, Some(since), None) => format!("calls since {} UTC", shown(since)),
            (None, None, Some(until)) => format!("calls before {} UTC", shown(until)),
            (None, None, None) => "all data".to_owned(),
        }
    }
}

const EXPECTED: &str = "expected a day or an instant, such as 2026-11-18 or 2026-11-18T12:00:00Z";

/// The instant at which a scope begins: that of a day is its midnight.
pub fn since(text: &str) -> Result<Timestamp, String> {
    Day::parse(text).map(Day::start).or_else(|| Timestamp::parse(text)).ok_or_else(|| EXPECTED.to_owned())
}

/// The instant before which it ends: a day is included.
pub fn until(text: &str) -> Result<Timestamp, String> {
    let end = Day::parse(text).map(|day| day.next().start());
    end.or_else(|| Timestamp::parse(text)).ok_or_else(|| EXPECTED.to_owned())
}

/// A length: `30d`, `4w`, `12h`.
pub fn last(text: &str) -> Result<Last, String> {
    let expected = || "expected a number of hours, days or weeks, such as 12h, 30d or 4w".to_owned();
    let (unit_at, unit) = text.char_indices().next_back().ok_or_else(expected)?;
    let unit = match unit {
        'h' => Unit::Hour,
        'd' => Unit::Day,
        'w' => Unit::Week,
        _ => return Err(expected()),
    };
    let count: u32 = text.get(..unit_at).and_then(|digits| digits.parse().ok()).ok_or_else(expected)?;
    // A century, so that no clock runs over.
    if count == 0 || count > 36_500 {
        return Err("expected a number from 1 to 36500".to_owned());
    }
    Ok(Last { count, unit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_day_is_whole_on_both_ends() {
        let scope = Scope {
            since: Some(since("2026-11-18").unwrap()),
            until: Some(until("2026-11-19").unwrap()),
            last: None,
        };
        let held = ["2026-11-17 23:59:59", "2026-11-18", "2026-11-19 23:59:59", "2026-11-20 00:00:00"]
            .map(|text| scope.holds(since(text).unwrap(), at("2026-12-01 00:00:00")));
        assert_eq!(held, [false, true, true, false]);
        assert_eq!(scope.label(), "calls from 2026-11-18 until before 2026-11-20 UTC");
    }

    #[test]
    fn the_last_days_are_counted_from_the_snapshot_and_begin_at_midnight() {
        let scope = Scope { last: Some(last("2d").unwrap()), ..Scope::default() };
        let instant = at("2026-11-20 12:00:00");
        assert_eq!(scope.bounds(instant), (Some(at("2026-11-18 00:00:00")), None));
        assert_eq!(scope.label(), "calls of the last 2 days");
        let hours = Scope { last: Some(last("1h").unwrap()), ..Scope::default() };
        assert_eq!(hours.bounds(instant), (Some(at("2026-11-20 11:00:00")), None));
        assert_eq!(hours.label(), "calls of the last hour");
    }

    #[test]
    fn what_is_no_length_and_no_time_is_refused_with_an_example() {
        for text in ["", "d", "30", "-3d", "3m", "0d", "99999999w", "3é"] {
            assert!(last(text).is_err(), "{text}");
        }
        assert!(since("yesterday").unwrap_err().contains("2026-11-18"));
        assert!(until("2026-13-01").is_err());
    }
}
