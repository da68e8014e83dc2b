//! The conferences of an app in one month.

use serde::Serialize;

use super::{ConferenceItem, Link, conference_item};
use crate::ids::AppId;
use crate::report::ConferenceFacts;
use crate::site::Route;
use crate::site::chrome::{Content, Offer};
use crate::snapshot::{AppRow, OrganizationRow};

/// A month's list, newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonthPage {
    /// `2026-11`.
    pub month: String,
    /// The app.
    pub app: Link,
    /// The month before, if it has conferences.
    pub previous: Option<Link>,
    /// The month after, if it has conferences.
    pub next: Option<Link>,
    /// The conferences.
    pub conferences: Vec<ConferenceItem>,
    #[serde(skip)]
    trail: Vec<(String, Route)>,
    #[serde(skip)]
    id: AppId,
}

impl MonthPage {
    /// From the facts of the month, in order of creation, and the neighbouring months.
    pub fn new(
        app: &AppRow,
        organization: &OrganizationRow,
        month: &str,
        neighbours: (Option<&String>, Option<&String>),
        facts: &[&ConferenceFacts],
    ) -> Self {
        let route = Route::AppMonth(app.id, month.to_owned());
        let to = |month: &String| Link::to(month, &Route::AppMonth(app.id, month.clone()), &route);
        Self {
            month: month.to_owned(),
            app: Link::to(&app.name, &Route::App(app.id), &route),
            previous: neighbours.0.map(to),
            next: neighbours.1.map(to),
            conferences: list(facts, &route),
            trail: vec![
                (organization.name.clone(), Route::Organization(organization.id)),
                (app.name.clone(), Route::App(app.id)),
            ],
            id: app.id,
        }
    }
}

/// The newest first; the first of each day can be linked to.
fn list(facts: &[&ConferenceFacts], route: &Route) -> Vec<ConferenceItem> {
    let mut before = None;
    let item = |facts: &&ConferenceFacts| {
        let day = facts.row.created_at.day();
        let anchor = (before.replace(day) != Some(day)).then(|| format!("day-{day}"));
        ConferenceItem { anchor, ..conference_item(facts, route) }
    };
    facts.iter().rev().map(item).collect()
}

impl Content for MonthPage {
    const KIND: &'static str = "month";
    const TEMPLATE: &'static str = "pages/month.html";

    fn title(&self) -> String {
        format!("Conferences of {}", self.month)
    }

    fn description(&self) -> String {
        format!("The {} conferences of {} in {}.", self.conferences.len(), self.app.label, self.month)
    }

    fn trail(&self) -> Vec<(String, Route)> {
        self.trail.clone()
    }

    fn data(&self) -> Option<Route> {
        Some(Route::ApiAppMonth(self.id, self.month.clone()))
    }

    fn files(&self) -> Vec<Offer> {
        vec![
            Offer::new(
                Route::ApiAppMonth(self.id, self.month.clone()),
                "JSON",
                "the conferences of this month, by column",
            ),
            Offer::new(Route::ApiAppMonthCsv(self.id, self.month.clone()), "CSV", "the same, one per row"),
        ]
    }
}
