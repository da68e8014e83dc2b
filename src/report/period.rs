//! The periods of the published reports: days, ISO weeks, months and years of a time zone's calendar. A call belongs to the
//! period in which it began.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::Serialize;

use crate::units::{Day, Timestamp, Zone};

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PeriodKind {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday (ISO 8601).
    Week,
    /// A month of the calendar.
    Month,
    /// A year of the calendar.
    Year,
}

impl PeriodKind {
    /// All, the shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Year];

    /// `day`, `week`, `month`, `year`.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

/// A day, week, month or year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    kind: PeriodKind,
    first: Day,
}

impl Period {
    /// The period of a kind in which a day lies.
    pub fn of(kind: PeriodKind, day: Day) -> Self {
        let date = day.date();
        let first = match kind {
            PeriodKind::Day => date,
            PeriodKind::Week => {
                let since = date.weekday().since(Weekday::Monday);
                date.checked_sub(i64::from(since).days()).unwrap_or(date)
            }
            PeriodKind::Month => date.first_of_month(),
            PeriodKind::Year => date.first_of_year(),
        };
        Self { kind, first: Day::from_date(first) }
    }

    /// How long it is.
    pub fn kind(self) -> PeriodKind {
        self.kind
    }

    /// Its first day.
    pub fn first(self) -> Day {
        self.first
    }

    /// Its last day.
    pub fn last(self) -> Day {
        let next = self.after();
        Day::from_date(next.yesterday().unwrap_or(next))
    }

    /// The first day after it.
    fn after(self) -> Date {
        let date = self.first.date();
        let next = match self.kind {
            PeriodKind::Day => date.checked_add(1.day()),
            PeriodKind::Week => date.checked_add(7.days()),
            PeriodKind::Month => date.checked_add(1.month()),
            PeriodKind::Year => date.checked_add(1.year()),
        };
        // At the end of the calendar, which no plausible call reaches.
        next.unwrap_or(Date::MAX)
    }

    /// The one before it.
    #[must_use]
    pub fn previous(self) -> Self {
        let date = self.first.date();
        Self::of(self.kind, Day::from_date(date.yesterday().unwrap_or(date)))
    }

    /// Its name, as in its URL: `2026-11-18`, `2026-W47`, `2026-11`, `2026`.
    pub fn name(self) -> String {
        let date = self.first.date();
        match self.kind {
            PeriodKind::Day => self.first.to_string(),
            PeriodKind::Week => {
                let week = date.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            PeriodKind::Month => self.first.month(),
            PeriodKind::Year => format!("{:04}", date.year()),
        }
    }

    /// As a heading: `18 November 2026`, `Week 47 of 2026`, `November 2026`, `2026`.
    pub fn title(self) -> String {
        let date = self.first.date();
        match self.kind {
            PeriodKind::Day => format!("{} {}", date.day(), date.strftime("%B %Y")),
            PeriodKind::Week => {
                let week = date.iso_week_date();
                format!("Week {} of {}", week.week(), week.year())
            }
            PeriodKind::Month => date.strftime("%B %Y").to_string(),
            PeriodKind::Year => date.year().to_string(),
        }
    }

    /// As a part of a sentence, with its days: `on 18 November 2026`, `in week 47 of 2026 (2026-11-16 to 2026-11-22)`.
    pub fn phrase(self) -> String {
        match self.kind {
            PeriodKind::Day => format!("on {}", self.title()),
            PeriodKind::Week => {
                let week = self.first.date().iso_week_date();
                format!("in week {} of {} ({} to {})", week.week(), week.year(), self.first, self.last())
            }
            PeriodKind::Month | PeriodKind::Year => format!("in {}", self.title()),
        }
    }

    /// Its first instant.
    pub fn start(self, zone: &Zone) -> Timestamp {
        zone.start_of(self.first)
    }

    /// The first instant after it.
    pub fn end(self, zone: &Zone) -> Timestamp {
        zone.start_of(Day::from_date(self.after()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(kind: PeriodKind, day: &str) -> Period {
        Period::of(kind, Day::parse(day).unwrap())
    }

    #[test]
    fn weeks_are_those_of_iso_8601_over_the_borders_of_years() {
        // 2026 has 53 weeks: 1 January 2026 was a Thursday.
        for (day, name) in [
            ("2025-12-28", "2025-W52"),
            ("2025-12-29", "2026-W01"),
            ("2026-12-27", "2026-W52"),
            ("2026-12-28", "2026-W53"),
            ("2027-01-01", "2026-W53"),
            ("2027-01-03", "2026-W53"),
            ("2027-01-04", "2027-W01"),
        ] {
            assert_eq!(period(PeriodKind::Week, day).name(), name, "{day}");
        }
        let week = period(PeriodKind::Week, "2027-01-04");
        assert_eq!(week.previous().name(), "2026-W53");
        assert_eq!(week.previous().previous().name(), "2026-W52");
        assert_eq!(
            (week.first().to_string(), week.last().to_string()),
            ("2027-01-04".into(), "2027-01-10".into())
        );
        assert_eq!(week.previous().phrase(), "in week 53 of 2026 (2026-12-28 to 2027-01-03)");
    }

    #[test]
    fn names_and_the_ones_before_follow_the_calendar() {
        let day = "2026-03-01";
        let names = PeriodKind::ALL.map(|kind| period(kind, day).name());
        assert_eq!(names, ["2026-03-01", "2026-W09", "2026-03", "2026"]);
        let before = PeriodKind::ALL.map(|kind| period(kind, day).previous().name());
        assert_eq!(before, ["2026-02-28", "2026-W08", "2026-02", "2025"]);
        let last = PeriodKind::ALL.map(|kind| period(kind, day).last().to_string());
        assert_eq!(last, ["2026-03-01", "2026-03-01", "2026-03-31", "2026-12-31"]);
        let titles = PeriodKind::ALL.map(|kind| period(kind, day).title());
        assert_eq!(titles, ["1 March 2026", "Week 9 of 2026", "March 2026", "2026"]);
    }

    #[test]
    fn a_period_ends_where_the_next_one_of_its_zone_begins() {
        let zone = Zone::parse("Pacific/Auckland").unwrap();
        let year = period(PeriodKind::Year, "2026-05-01");
        // Summer time there: 13 hours ahead of UTC.
        assert_eq!(year.start(&zone).rfc3339(), "2025-12-31T11:00:00Z");
        assert_eq!(year.end(&zone).rfc3339(), "2026-12-31T11:00:00Z");
        let next = period(PeriodKind::Year, "2027-05-01");
        assert_eq!(next.start(&zone), year.end(&zone));
    }
}
