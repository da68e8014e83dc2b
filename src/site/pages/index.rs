//! The start: all organizations.

use serde::Serialize;

use super::Link;
use crate::report::{AppTotals, World};
use crate::site::chrome::Content;
use crate::site::trend::Trend;
use crate::site::{Route, Summary};

/// The start page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IndexPage {
    /// All of them.
    pub summary: Summary,
    /// The last whole period, and the way to all reports; set by who makes the reports.
    pub last_period: Option<super::period::LastPeriod>,
    /// One per organization, by name.
    pub organizations: Vec<Entry>,
}

/// An organization with its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The organization.
    pub link: Link,
    /// Its apps.
    pub apps: Vec<Link>,
    /// Its figures.
    pub summary: Summary,
    /// The last weeks beside the ones before.
    pub trend: Option<Trend>,
}

impl IndexPage {
    /// From the totals of each organization.
    pub fn new(world: &World, totals: &impl Fn(crate::ids::OrganizationId) -> AppTotals) -> Self {
        let from = Route::Index;
        let instant = world.instant;
        let mut all = AppTotals::default();
        let mut organizations: Vec<Entry> = world
            .organizations
            .values()
            .map(|row| {
                let own = totals(row.id);
                let apps = world.apps.values().filter(|app| app.organization_id == row.id);
                let entry = Entry {
                    link: Link::to(&row.name, &Route::Organization(row.id), &from),
                    apps: apps.map(|app| Link::to(&app.name, &Route::App(app.id), &from)).collect(),
                    summary: Summary::of(&own),
                    trend: Trend::of(&own, instant),
                };
                all.merge(own);
                entry
            })
            .collect();
        organizations.sort_by(|a, b| (&a.link.label, &a.link.href).cmp(&(&b.link.label, &b.link.href)));
        Self { summary: Summary::of(&all), last_period: None, organizations }
    }
}

impl Content for IndexPage {
    const KIND: &'static str = "index";
    const TEMPLATE: &'static str = "pages/index.html";

    fn title(&self) -> String {
        "All organizations".to_owned()
    }

    fn description(&self) -> String {
        "Conferences, participants and issues of all organizations.".to_owned()
    }

    fn data(&self) -> Option<Route> {
        Some(Route::ApiMeta)
    }
}
