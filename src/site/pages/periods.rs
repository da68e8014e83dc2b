//! All reports of the site, an organization or an app, by year.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Link;
use super::period::{Line, LineRow, ReportOf, line_row};
use crate::report::period::PeriodKind;
use crate::site::chrome::Content;
use crate::site::routes::Route;
use crate::units::Zone;

/// The list of all reports.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeriodsPage {
    /// What they are of.
    pub of: Link,
    /// The time zone of their days.
    pub zone: String,
    /// One list per kind, the longest periods first, each with the newest first.
    pub kinds: Vec<(&'static str, Vec<LineRow>)>,
    /// Address of the Atom feed.
    pub feed: String,
    /// Address of the JSON feed.
    pub json_feed: String,
    #[serde(skip)]
    trail: Vec<(String, Route)>,
    #[serde(skip)]
    data: Route,
}

impl PeriodsPage {
    /// From the lines of all reports.
    pub fn new(of: &ReportOf, zone: &Zone, lines: &BTreeMap<PeriodKind, Vec<Line>>) -> Self {
        let from = Route::Reports(of.scope);
        let rows = |kind: PeriodKind| -> Vec<LineRow> {
            lines.get(&kind).into_iter().flatten().rev().map(|line| line_row(line, of.scope, &from)).collect()
        };
        Self {
            of: Link::to(&of.name, &of.scope.route(), &from),
            zone: zone.name().to_owned(),
            kinds: vec![
                ("Weeks", rows(PeriodKind::Week)),
                ("Months", rows(PeriodKind::Month)),
                ("Years", rows(PeriodKind::Year)),
                ("Days", rows(PeriodKind::Day)),
            ],
            feed: Route::Feed(of.scope).href_from(&from),
            json_feed: Route::JsonFeed(of.scope).href_from(&from),
            trail: of.trail.clone(),
            data: Route::ApiReports(of.scope),
        }
    }
}

impl Content for PeriodsPage {
    const KIND: &'static str = "periods";
    const TEMPLATE: &'static str = "pages/periods.html";

    fn title(&self) -> String {
        "Reports".to_owned()
    }

    fn description(&self) -> String {
        format!("All reports of {} by day, week, month and year.", self.of.label)
    }

    fn trail(&self) -> Vec<(String, Route)> {
        self.trail.clone()
    }

    fn data(&self) -> Option<Route> {
        Some(self.data.clone())
    }
}
