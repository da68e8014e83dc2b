//! An organization: its apps with their minutes and state.

use serde::Serialize;
use serde_json::Value;

use super::Link;
use crate::ids::AppId;
use crate::report::AppTotals;
use crate::site::chrome::Content;
use crate::site::trend::Trend;
use crate::site::{Route, Summary};
use crate::snapshot::{AppRow, Json, OrganizationRow};
use crate::units::Timestamp;

/// An organization.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OrganizationPage {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its figures.
    pub summary: Summary,
    /// The last whole period, and the way to all reports; set by who makes the reports.
    pub last_period: Option<super::period::LastPeriod>,
    /// Its apps, by name.
    pub apps: Vec<Entry>,
}

/// One app.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The app.
    pub link: Link,
    /// The domain it is restricted to.
    pub domain: Option<String>,
    /// Participant minutes of the last 31 days as the service keeps them; none where the column is null.
    pub stored_minutes: Option<u64>,
    /// Whether it collects calls.
    pub recording: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its figures.
    pub summary: Summary,
    /// The last weeks beside the ones before.
    pub trend: Option<Trend>,
}

impl OrganizationPage {
    /// From its row, its apps and their totals.
    pub fn new(
        row: &OrganizationRow,
        apps: &[&AppRow],
        totals: &impl Fn(AppId) -> AppTotals,
        instant: Timestamp,
    ) -> Self {
        let from = Route::Organization(row.id);
        let mut all = AppTotals::default();
        let mut entries: Vec<Entry> = apps
            .iter()
            .map(|app| {
                let own = totals(app.id);
                let entry = Entry {
                    link: Link::to(&app.name, &Route::App(app.id), &from),
                    domain: app.domain.clone().filter(|domain| !domain.is_empty()),
                    stored_minutes: app.durations_days.as_ref().and_then(minutes),
                    recording: app.recording,
                    created_at: app.created_at,
                    summary: Summary::of(&own),
                    trend: Trend::of(&own, instant),
                };
                all.merge(own);
                entry
            })
            .collect();
        entries.sort_by(|a, b| (&a.link.label, &a.link.href).cmp(&(&b.link.label, &b.link.href)));
        Self {
            id: row.id.to_string(),
            name: row.name.clone(),
            summary: Summary::of(&all),
            last_period: None,
            apps: entries,
        }
    }
}

/// Whole minutes of a `durations_days` column, whose values are seconds.
fn minutes(days: &Json) -> Option<u64> {
    let Value::Object(days) = days.parse()? else { return None };
    let seconds: f64 = days.values().filter_map(Value::as_f64).filter(|value| *value >= 0.0).sum();
    Some((seconds / 60.0) as u64)
}

impl Content for OrganizationPage {
    const KIND: &'static str = "organization";
    const TEMPLATE: &'static str = "pages/organization.html";

    fn title(&self) -> String {
        self.name.clone()
    }

    fn description(&self) -> String {
        format!("The {} apps of {}.", self.apps.len(), self.name)
    }

    fn data(&self) -> Option<Route> {
        self.id.parse().ok().map(Route::ApiOrganization)
    }

    fn id(&self) -> Option<String> {
        Some(self.id.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_whole_and_odd_values_do_not_count() {
        let days = |text: &str| minutes(&Json(text.to_owned()));
        assert_eq!(days(r#"{"2026-11-01": 90, "2026-11-02": 59.5, "x": "y"}"#), Some(2));
        assert_eq!((days("{}"), days("[]")), (Some(0), None));
    }
}
