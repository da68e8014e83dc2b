//! The site as data: which files there are, and what is on each. Knows no template and no disk.

pub mod api;
pub mod charts;
pub mod chrome;
pub mod csv;
pub mod day_charts;
pub mod embed;
pub mod facts_script;
pub mod feed;
pub mod graphs;
pub mod internals;
pub mod letter;
pub mod map;
pub mod pages;
pub mod period_file;
pub mod routes;
pub mod script_json;
pub mod search_index;
pub mod timeline;
pub mod trend;
pub mod words;

pub use chrome::{Content, Downloads, Frame, Page};
pub use routes::{ReportScope, Route};

use serde::Serialize;

use crate::report::AppTotals;

/// The figures of an app, an organization or all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Conferences.
    pub conferences: usize,
    /// Sessions.
    pub sessions: usize,
    /// Minutes of presence of all participants.
    pub minutes: u64,
    /// Conferences with errors, all issues counted.
    pub with_errors: usize,
    /// Conferences with warnings and no errors.
    pub with_warnings: usize,
    /// Conferences that go on.
    pub ongoing: usize,
    /// Share of conferences with errors, 0 to 1; none where there is no conference.
    pub error_share: Option<f64>,
    /// Share of relayed connections among those with a known path.
    pub relayed_share: Option<f64>,
    /// First and last day with conferences.
    pub days: Option<(crate::units::Day, crate::units::Day)>,
}

impl Summary {
    /// Of some totals.
    pub fn of(totals: &AppTotals) -> Self {
        let days = &totals.days_of_all_issues;
        let conferences = totals.conferences();
        let with_errors = days.values().map(|day| day.error).sum();
        let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
        Self {
            conferences,
            sessions: totals.sessions,
            minutes: totals.presence_s / 60,
            with_errors,
            with_warnings: days.values().map(|day| day.warning).sum(),
            ongoing: days.values().map(|day| day.ongoing).sum(),
            error_share: share(with_errors, conferences),
            relayed_share: share(totals.paths.1, totals.paths.0 + totals.paths.1),
            days: days.keys().next().copied().zip(days.keys().next_back().copied()),
        }
    }
}
