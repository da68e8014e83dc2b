//! An app's dashboard: every chart as a table with bars, each with the conferences behind it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ConferenceItem, Link, conference_item, conference_label};
use crate::ids::ConferenceId;
use crate::metrics::buckets::{DURATION, Range, SETUP_TIME};
use crate::report::{AppTotals, Bucket, CityCount, ConferenceFacts, Conferences, DayCounts, words};
use crate::site::charts::{Bar, bars};
use crate::site::chrome::Content;
use crate::site::{Route, Summary};
use crate::snapshot::{AppRow, OrganizationRow};
use crate::units::Day;

/// Links behind a number; the rest is on the monthly lists.
const LINKS: usize = 10;
/// Conferences on the list of the worst.
const WORST: usize = 10;

/// An app's dashboard.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AppPage {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The domain it is restricted to.
    pub domain: Option<String>,
    /// Whether it collects calls.
    pub recording: bool,
    /// Its organization.
    pub organization: Link,
    /// Its figures.
    pub summary: Summary,
    /// Conferences by day.
    pub days: Vec<DayBar>,
    /// Issues, most frequent first.
    pub issues: Vec<IssueBar>,
    /// getUserMedia errors: name, message, number.
    pub media_errors: Vec<(String, String, usize)>,
    /// Direct and relayed connections.
    pub paths: Vec<Bar>,
    /// Conferences by duration.
    pub durations: Vec<BucketBar>,
    /// Connections by set-up time.
    pub setup_times: Vec<BucketBar>,
    /// Conferences by number of participants.
    pub participant_counts: Vec<Bar>,
    /// Sessions by browser.
    pub browsers: Vec<Bar>,
    /// Sessions by operating system.
    pub systems: Vec<Bar>,
    /// Sessions by app version.
    pub app_versions: Vec<Bar>,
    /// Sessions by country code.
    pub countries: Vec<Bar>,
    /// Sessions by city.
    pub cities: Vec<City>,
    /// The monthly lists, newest first.
    pub months: Vec<(Link, usize)>,
    /// The conferences with the lowest audio scores.
    pub worst: Vec<ConferenceItem>,
    #[serde(skip)]
    route: Route,
    #[serde(skip)]
    organization_route: Route,
}

/// The conferences of one day, stacked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayBar {
    /// The day.
    pub day: Day,
    /// Neither errors nor warnings.
    pub success: usize,
    /// With warnings.
    pub warning: usize,
    /// With errors.
    pub error: usize,
    /// Going on.
    pub ongoing: usize,
    /// All.
    pub total: usize,
    /// Left edge and width of each part, in this order, 0 to 1000 being the busiest day.
    pub parts: Vec<(f64, f64)>,
}

/// One issue code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IssueBar {
    /// Its code.
    pub code: String,
    /// A few words.
    pub title: String,
    /// What it means.
    pub explanation: &'static str,
    /// How often.
    pub bar: Bar,
    /// In how many conferences.
    pub conferences: usize,
    /// The newest of them.
    pub links: Vec<Link>,
}

/// One bar of a histogram.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BucketBar {
    /// The bar.
    pub bar: Bar,
    /// The newest conferences behind it.
    pub links: Vec<Link>,
    /// How many more there are.
    pub more: usize,
}

/// Sessions of one city.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct City {
    /// Its name.
    pub city: String,
    /// Its country's code.
    pub country: Option<String>,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Sessions.
    pub count: usize,
}

impl AppPage {
    /// From the app's totals and the facts of its conferences.
    pub fn new(
        row: &AppRow,
        organization: &OrganizationRow,
        totals: &AppTotals,
        facts: &BTreeMap<ConferenceId, &ConferenceFacts>,
        months: &BTreeMap<String, usize>,
    ) -> Self {
        let route = Route::App(row.id);
        let named =
            |list: Vec<(&str, usize)>| bars(list.into_iter().map(|(name, count)| (name.to_owned(), count)));
        let links = |conferences: &Conferences| -> Vec<Link> {
            let newest = conferences.iter().rev().take(LINKS);
            newest
                .filter_map(|(_, id)| facts.get(id))
                .map(|facts| Link::to(conference_label(facts), &Route::Conference(facts.row.id), &route))
                .collect()
        };
        let histogram = |ranges: &[Range], buckets: &BTreeMap<usize, Bucket>| -> Vec<BucketBar> {
            let none = Bucket::default();
            let bucket = |at: usize| buckets.get(&at).unwrap_or(&none);
            let counts =
                ranges.iter().enumerate().map(|(at, range)| (range.label.to_owned(), bucket(at).count));
            bars(counts)
                .into_iter()
                .enumerate()
                .map(|(at, bar)| {
                    let of = bucket(at).conferences();
                    let links = links(&of);
                    BucketBar { bar, more: of.len() - links.len(), links }
                })
                .collect()
        };
        let all_issues = totals.all_issues();
        let issue_bars = bars(all_issues.iter().map(|(code, count, _)| ((*code).to_owned(), *count)));
        let mut worst: Vec<&&ConferenceFacts> = facts.values().filter(|facts| facts.mos.is_ok()).collect();
        let score = |facts: &ConferenceFacts| facts.mos.map_or(f64::INFINITY, |summary| summary.p50);
        worst.sort_by(|a, b| score(a).total_cmp(&score(b)).then(a.row.id.cmp(&b.row.id)));
        Self {
            id: row.id.to_string(),
            name: row.name.clone(),
            domain: row.domain.clone().filter(|domain| !domain.is_empty()),
            recording: row.recording,
            organization: Link::to(&organization.name, &Route::Organization(organization.id), &route),
            summary: Summary::of(totals),
            days: day_bars(&totals.days_of_all_issues),
            issues: all_issues
                .iter()
                .zip(issue_bars)
                .map(|((code, _, conferences), bar)| IssueBar {
                    code: (*code).to_owned(),
                    title: words::issue_title(code).to_owned(),
                    explanation: words::issue_meaning(code).map_or("", |meaning| meaning.explanation),
                    bar,
                    conferences: conferences.len(),
                    links: links(conferences),
                })
                .collect(),
            media_errors: totals
                .media_errors()
                .into_iter()
                .map(|(name, message, count)| (name.to_owned(), message.to_owned(), count))
                .collect(),
            paths: bars([("Direct".to_owned(), totals.paths.0), ("Relayed".to_owned(), totals.paths.1)]),
            durations: histogram(&DURATION, &totals.durations),
            setup_times: histogram(&SETUP_TIME, &totals.setup_times),
            participant_counts: bars(
                totals
                    .participant_counts
                    .iter()
                    .map(|(participants, count)| (participants.to_string(), *count)),
            ),
            browsers: named(totals.browsers()),
            systems: named(totals.systems()),
            app_versions: named(totals.app_versions()),
            countries: named(totals.countries()),
            cities: totals.cities().into_iter().map(city).collect(),
            months: months
                .iter()
                .rev()
                .map(|(month, count)| {
                    (Link::to(month, &Route::AppMonth(row.id, month.clone()), &route), *count)
                })
                .collect(),
            worst: worst.into_iter().take(WORST).map(|facts| conference_item(facts, &route)).collect(),
            organization_route: Route::Organization(organization.id),
            route,
        }
    }
}

fn city(city: CityCount) -> City {
    let CityCount { city, country, latitude, longitude, count } = city;
    City { city, country, latitude, longitude, count }
}

fn day_bars(days: &BTreeMap<Day, DayCounts>) -> Vec<DayBar> {
    let busiest = days.values().map(|day| day.total()).max().unwrap_or(0).max(1) as f64;
    let bar = |(day, counts): (&Day, &DayCounts)| {
        let mut x = 0.0;
        let parts = [counts.success, counts.warning, counts.error, counts.ongoing].map(|count| {
            let width = (count as f64 / busiest * 100_000.0).round() / 100.0;
            let part = (x, width);
            x = ((x + width) * 100.0_f64).round() / 100.0;
            part
        });
        DayBar {
            day: *day,
            success: counts.success,
            warning: counts.warning,
            error: counts.error,
            ongoing: counts.ongoing,
            total: counts.total(),
            parts: parts.to_vec(),
        }
    };
    days.iter().map(bar).collect()
}

impl Content for AppPage {
    const KIND: &'static str = "app";
    const TEMPLATE: &'static str = "pages/app.html";

    fn title(&self) -> String {
        self.name.clone()
    }

    fn description(&self) -> String {
        format!("Conferences, connections and issues of {}.", self.name)
    }

    fn trail(&self) -> Vec<(String, Route)> {
        vec![(self.organization.label.clone(), self.organization_route.clone())]
    }

    fn data(&self) -> Option<Route> {
        self.id.parse().ok().map(Route::ApiApp)
    }

    fn id(&self) -> Option<String> {
        Some(self.id.clone())
    }
}
