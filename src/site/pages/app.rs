//! An app's dashboard: every chart as a table with bars, each with the conferences behind it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ConferenceItem, Link, conference_item};
use crate::ids::AppId;
use crate::metrics::buckets::{DURATION, Range, SETUP_TIME};
use crate::metrics::percentile::Summary as MetricSummary;
use crate::report::board::{Board, BoardDay, Dimension, Group};
use crate::report::fact_table::FactTable;
use crate::report::{AppTotals, Bucket, DayCounts, words};
use crate::site::charts::{Bar, bars};
use crate::site::chrome::{Content, Offer};
use crate::site::day_charts::{DayChart, Series, columns, lines};
use crate::site::embed::SPARKLINE;
use crate::site::map::{Circle, circles};
use crate::site::{Route, Summary};
use crate::snapshot::{AppRow, OrganizationRow};
use crate::units::{Day, Timestamp};

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
    /// The last whole period, and the way to all reports; set by who makes the reports.
    pub last_period: Option<super::period::LastPeriod>,
    /// Where the facts lie that its filters go by.
    pub facts: String,
    /// What can be filtered by: label, values with their names and numbers of visits.
    pub filters: Vec<Filter>,
    /// Everything by day, or by week.
    pub charts: Vec<DayChart>,
    /// Whether the charts are by week.
    pub by_week: bool,
    /// The numbers of those charts.
    pub days: Vec<DayRow>,
    /// Calls whose days are too far off to be drawn.
    pub calls_left_out: usize,
    /// Minutes of presence by weekday and hour.
    pub hours: Vec<HourRow>,
    /// Most people at the same time, and since when.
    pub peak: Option<(usize, Timestamp)>,
    /// Issues, most frequent first.
    pub issues: Vec<IssueBar>,
    /// getUserMedia errors by name, most frequent first.
    pub media_errors: Vec<MediaError>,
    /// Connections that went direct, through TURN, and nobody knows how.
    pub paths: Vec<BucketBar>,
    /// Conferences by duration.
    pub durations: Vec<BucketBar>,
    /// Connections by set-up time.
    pub setup_times: Vec<BucketBar>,
    /// Conferences by number of participants.
    pub participant_counts: Vec<BucketBar>,
    /// Scores of all visits.
    pub scores: Option<MetricSummary>,
    /// Visits and their quality by version, browser, system and country.
    pub groups: Vec<GroupTable>,
    /// Places of visits, the most frequent first.
    pub places: Vec<Circle>,
    /// The monthly lists, newest first.
    pub months: Vec<(Link, usize)>,
    /// The conferences with the lowest scores.
    pub worst: Vec<ConferenceItem>,
    #[serde(skip)]
    route: Route,
    #[serde(skip)]
    organization_route: Route,
}

/// One of the dashboard's filters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Filter {
    /// `version`, `browser`, `system` or `country`.
    pub key: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// Value, name, visits; the most frequent first.
    pub values: Vec<(String, String, usize)>,
}

/// The numbers of one day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayRow {
    /// The day.
    pub day: Day,
    /// Its conferences on the monthly list.
    pub href: Option<String>,
    /// Conferences that were created on it, by class.
    pub conferences: usize,
    /// Neither errors nor warnings.
    pub success: usize,
    /// With warnings.
    pub warning: usize,
    /// With errors.
    pub error: usize,
    /// Going on.
    pub ongoing: usize,
    /// Calls that began on it.
    pub calls: usize,
    /// Those with an issue.
    pub with_issues: usize,
    /// Minutes of presence.
    pub minutes: f64,
    /// Most people at the same time.
    pub peak: usize,
    /// Median of the scores of visits.
    pub median: Option<f64>,
    /// One visit of ten was worse.
    pub worst_tenth: Option<f64>,
    /// Visits with a score.
    pub scored: usize,
}

/// The hours of a weekday.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HourRow {
    /// `Mon`.
    pub day: &'static str,
    /// Minutes, and how much of the busiest hour that is: 0 to 5.
    pub hours: Vec<(f64, u8)>,
}

/// The visits by one dimension.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupTable {
    /// `version`, `browser`, `system` or `country`.
    pub key: &'static str,
    /// What it is.
    pub label: &'static str,
    /// Its groups, the largest first.
    pub rows: Vec<GroupRow>,
}

/// One name of a getUserMedia error.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MediaError {
    /// Its name, how often, and the conferences.
    pub entry: BucketBar,
    /// The first message that came with it; empty if none did.
    pub message: String,
}

/// One group of visits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupRow {
    /// Name, number, and the conferences.
    pub entry: BucketBar,
    /// Median of the scores.
    pub median: Option<f64>,
    /// Visits with a score.
    pub scored: usize,
    /// `better`, `worse` or `like` the app's median; none where there are too few.
    pub against: Option<&'static str>,
    /// Major versions: name and number.
    pub versions: Vec<(String, usize)>,
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

/// The key of a dimension in files and filters.
fn key(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Version => "version",
        Dimension::Browser => "browser",
        Dimension::System => "system",
        Dimension::Country => "country",
    }
}

impl AppPage {
    /// From the app's totals, its board and its conferences.
    pub fn new(
        row: &AppRow,
        organization: &OrganizationRow,
        (totals, board): (&AppTotals, &Board),
        table: &FactTable,
        months: &BTreeMap<String, usize>,
    ) -> Self {
        let route = Route::App(row.id);
        let labels = table.labels();
        let links = |bucket: &Bucket| -> Vec<Link> {
            let link = |id| Some(Link::to(*labels.get(&id)?, &Route::Conference(id), &route));
            bucket.newest().filter_map(link).collect()
        };
        let listed = |list: Vec<(String, &Bucket)>| -> Vec<BucketBar> {
            let bars = bars(list.iter().map(|(label, bucket)| (label.clone(), bucket.count)));
            let entry = |(bar, (_, bucket)): (Bar, (String, &Bucket))| {
                let links = links(bucket);
                BucketBar { bar, more: bucket.conferences() - links.len(), links }
            };
            bars.into_iter().zip(list).map(entry).collect()
        };
        let none = Bucket::default();
        let histogram = |ranges: &[Range], buckets: &BTreeMap<usize, Bucket>| {
            let bucket =
                |(at, range): (usize, &Range)| (range.label.to_owned(), buckets.get(&at).unwrap_or(&none));
            listed(ranges.iter().enumerate().map(bucket).collect())
        };
        let all_issues = totals.all_issues();
        let issue_bars = bars(all_issues.iter().map(|(code, of)| ((*code).to_owned(), of.count)));
        let groups: Vec<GroupTable> =
            board.groups.iter().map(|(dimension, groups)| group_table(*dimension, groups, &listed)).collect();
        let messages: BTreeMap<&str, &str> =
            totals.media_errors().into_iter().map(|(name, message, _)| (name, message)).collect();
        let mut errors: Vec<(String, &Bucket)> =
            board.media_errors.iter().map(|(name, bucket)| (name.clone(), bucket)).collect();
        errors.sort_by(|a, b| b.1.count.cmp(&a.1.count).then(a.0.cmp(&b.0)));
        let with_message = |entry: BucketBar| {
            let message = messages.get(entry.bar.label.as_str()).copied().unwrap_or_default().to_owned();
            MediaError { entry, message }
        };
        let places = table.visits.iter().filter_map(|visit| table.place(visit.place?));
        Self {
            id: row.id.to_string(),
            name: row.name.clone(),
            domain: row.domain.clone().filter(|domain| !domain.is_empty()),
            recording: row.recording,
            organization: Link::to(&organization.name, &Route::Organization(organization.id), &route),
            summary: Summary::of(totals),
            last_period: None,
            facts: Route::AppFacts(row.id).href_from(&route),
            filters: board.groups.iter().map(filter).collect(),
            charts: charts(totals, board),
            by_week: !board.weeks.is_empty(),
            days: day_rows(row, totals, board, &route),
            calls_left_out: board.calls_left_out,
            hours: hour_rows(board),
            peak: board.peak,
            issues: all_issues
                .iter()
                .zip(issue_bars)
                .map(|((code, of), bar)| IssueBar {
                    code: (*code).to_owned(),
                    title: words::issue_title(code).to_owned(),
                    explanation: words::issue_meaning(code).map_or("", |meaning| meaning.explanation),
                    bar,
                    conferences: of.conferences(),
                    links: links(of),
                })
                .collect(),
            media_errors: listed(errors).into_iter().map(with_message).collect(),
            paths: listed(
                ["Direct", "Relayed", "Not known"].map(str::to_owned).into_iter().zip(&board.paths).collect(),
            ),
            durations: histogram(&DURATION, &totals.durations),
            setup_times: histogram(&SETUP_TIME, &board.setup_times),
            participant_counts: listed(
                board
                    .participant_counts
                    .iter()
                    .map(|(participants, bucket)| (participants.to_string(), bucket))
                    .collect(),
            ),
            scores: board.scores,
            groups,
            places: circles(places),
            months: months
                .iter()
                .rev()
                .map(|(month, count)| {
                    (Link::to(month, &Route::AppMonth(row.id, month.clone()), &route), *count)
                })
                .collect(),
            worst: table.worst.iter().map(|facts| conference_item(facts, &route)).collect(),
            organization_route: Route::Organization(organization.id),
            route,
        }
    }
}

fn filter((dimension, groups): &(Dimension, Vec<Group>)) -> Filter {
    let value = |group: &Group| (group.value.clone(), dimension.shown(&group.value), group.visits.count);
    Filter { key: key(*dimension), label: dimension.label(), values: groups.iter().map(value).collect() }
}

fn group_table(
    dimension: Dimension,
    groups: &[Group],
    listed: &impl Fn(Vec<(String, &Bucket)>) -> Vec<BucketBar>,
) -> GroupTable {
    let entries = listed(groups.iter().map(|group| (dimension.shown(&group.value), &group.visits)).collect());
    let rows = groups.iter().zip(entries).map(|(group, entry)| GroupRow {
        entry,
        median: group.scores.map(|scores| scores.p50),
        scored: group.scores.map_or(0, |scores| scores.n),
        against: group.against,
        versions: group.versions.clone(),
    });
    GroupTable { key: key(dimension), label: dimension.label(), rows: rows.collect() }
}

/// The versions that the chart of versions tells apart; the others are one.
const VERSIONS: usize = 5;

fn charts(totals: &AppTotals, board: &Board) -> Vec<DayChart> {
    let bins = if board.weeks.is_empty() { &board.days } else { &board.weeks };
    let (Some(first), Some(last)) = (board.days.first(), board.days.last()) else { return Vec::new() };
    let span = (first.day, last.day);
    let ends: Vec<Day> = bins.iter().skip(1).map(|bin| bin.day).chain([last.day.next()]).collect();
    let counts = |class: fn(&DayCounts) -> usize| -> Vec<Option<f64>> {
        let of = |(bin, end): (&BoardDay, &Day)| {
            let days = totals.days_of_all_issues.range(bin.day..*end);
            Some(days.map(|(_, counts)| class(counts) as f64).sum())
        };
        bins.iter().zip(&ends).map(of).collect()
    };
    let values =
        |value: &dyn Fn(&BoardDay) -> Option<f64>| -> Vec<Option<f64>> { bins.iter().map(value).collect() };
    let usual = board.groups.iter().find(|(dimension, _)| *dimension == Dimension::Version);
    let named: Vec<&str> = usual
        .iter()
        .flat_map(|(_, groups)| groups.iter().take(VERSIONS))
        .map(|group| group.value.as_str())
        .collect();
    let mut versions: Vec<(String, String, Vec<Option<f64>>)> = named
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let of = values(&|day| day.versions.get(*name).map(|count| *count as f64));
            (format!("series-{}", at + 1), (*name).to_owned(), of)
        })
        .collect();
    let others = values(&|day| {
        let rest = day.versions.iter().filter(|(name, _)| !named.contains(&name.as_str()));
        Some(rest.map(|(_, count)| *count as f64).sum())
    });
    versions.push((format!("series-{}", VERSIONS + 1), "others".to_owned(), others));
    let versions: Vec<Series<'_>> =
        versions.iter().map(|(class, label, of)| (class.as_str(), label.clone(), of.clone())).collect();
    vec![
        columns(
            ("conferences", "Conferences", "count"),
            span,
            &[
                ("bar-good", "without issues".to_owned(), counts(|day| day.success)),
                ("bar-warn", "with warnings".to_owned(), counts(|day| day.warning)),
                ("bar-error", "with errors".to_owned(), counts(|day| day.error)),
                ("bar-ongoing", "ongoing".to_owned(), counts(|day| day.ongoing)),
            ],
        ),
        lines(
            ("quality", "Quality: score of visits", "points"),
            span,
            (0.0, Some(100.0)),
            &[
                ("series-1", "median".to_owned(), values(&|day| day.scores.map(|scores| scores.p50))),
                ("series-2", "worst tenth".to_owned(), values(&|day| day.worst_tenth)),
            ],
        ),
        lines(
            ("issues", "Calls with issues", "percent"),
            span,
            (0.0, Some(1.0)),
            &[(
                "series-1",
                "share of calls".to_owned(),
                values(&|day| (day.calls > 0).then(|| day.with_issues as f64 / day.calls as f64)),
            )],
        ),
        columns(
            ("minutes", "Participant minutes", "count"),
            span,
            &[(
                "bar-neutral",
                "minutes of presence".to_owned(),
                values(&|day| Some((day.presence_s / 60.0).round())),
            )],
        ),
        columns(
            ("people", "People at the same time, at most", "count"),
            span,
            &[("bar-neutral", "people".to_owned(), values(&|day| Some(day.peak as f64)))],
        ),
        columns(("versions", "Visits by app version", "count"), span, &versions),
    ]
}

fn day_rows(app: &AppRow, totals: &AppTotals, board: &Board, from: &Route) -> Vec<DayRow> {
    let row = |day: &BoardDay| {
        let counts = totals.days_of_all_issues.get(&day.day).copied().unwrap_or_default();
        let list = Route::AppMonth(app.id, day.day.month());
        DayRow {
            day: day.day,
            href: (counts.total() > 0).then(|| format!("{}#day-{}", list.href_from(from), day.day)),
            conferences: counts.total(),
            success: counts.success,
            warning: counts.warning,
            error: counts.error,
            ongoing: counts.ongoing,
            calls: day.calls,
            with_issues: day.with_issues,
            minutes: (day.presence_s / 60.0).round(),
            peak: day.peak,
            median: day.scores.map(|scores| scores.p50),
            worst_tenth: day.worst_tenth,
            scored: day.scores.map_or(0, |scores| scores.n),
        }
    };
    let rows = board.days.iter().map(row);
    rows.filter(|row| row.conferences > 0 || row.calls > 0 || row.minutes > 0.0).collect()
}

fn hour_rows(board: &Board) -> Vec<HourRow> {
    let most = board.hours.iter().flatten().copied().fold(0.0, f64::max);
    if most <= 0.0 {
        return Vec::new();
    }
    let level = |seconds: f64| if seconds <= 0.0 { 0 } else { (seconds / most * 5.0).ceil() as u8 };
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let rows = days.into_iter().zip(&board.hours).map(|(day, hours)| HourRow {
        day,
        hours: hours.iter().map(|seconds| ((seconds / 60.0).round(), level(*seconds))).collect(),
    });
    rows.collect()
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

    fn files(&self) -> Vec<Offer> {
        let files = |id: AppId| {
            let table = |name, what| Offer::new(Route::AppTable(id, name), "Parquet", what);
            vec![
                Offer::new(Route::ApiApp(id), "JSON", "the figures of this page"),
                table("conferences", "conferences"),
                table("sessions", "sessions"),
                table("connections", "connections"),
                table("issues", "issues"),
                table("participants", "participants"),
            ]
        };
        self.id.parse().map(files).unwrap_or_default()
    }

    fn embed(&self) -> Option<(Route, Route, (u32, u32))> {
        let id = self.id.parse().ok()?;
        Some((Route::EmbedApp(id), Route::EmbedAppPicture(id), SPARKLINE))
    }

    fn id(&self) -> Option<String> {
        Some(self.id.clone())
    }
}
