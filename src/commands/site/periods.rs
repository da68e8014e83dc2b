//! The reports of periods: for the site, each organization and each app a page per day, week, month and year that has a call,
//! their list, their feeds, and the letter on the last whole period of the site.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Builder;
use super::desk::Desk;
use crate::ids::{AppId, ConferenceId};
use crate::report::period::{Period, PeriodKind};
use crate::report::period_changes::{Changes, IssueNews, issue_news};
use crate::report::period_totals::PeriodTotals;
use crate::report::{CallFacts, ConferenceFacts};
use crate::site::feed::Feed;
use crate::site::letter::Letter;
use crate::site::pages::period::{LastPeriod, Line, PeriodFacts, PeriodPage, ReportOf};
use crate::site::pages::periods::PeriodsPage;
use crate::site::{ReportScope, Route, period_file};
use crate::units::{Day, Timestamp};
use uuid::Uuid;

/// Calls that one thread counts at a time.
const CHUNK: usize = 4096;

/// What other pages, and the command, need of the reports.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// The last whole period of each scope.
    pub(super) last: BTreeMap<ReportScope, LastPeriod>,
    /// The letter on that of the site; none if no period with a call is over.
    pub(super) letter: Option<Letter>,
    /// All pages, for the site map.
    pub(super) routes: Vec<Route>,
}

/// A call with the day on which it began.
struct Dated<'a> {
    day: Day,
    room: &'a ConferenceFacts,
    call: &'a CallFacts,
}

/// What the reports of one scope leave.
struct OfScope {
    scope: ReportScope,
    last: LastPeriod,
    letter: Option<Letter>,
    routes: Vec<Route>,
}

/// What the report of one period leaves.
struct OfPeriod {
    line: Line,
    news: Vec<IssueNews>,
}

type Groups<'a> = Vec<(Period, Vec<&'a Dated<'a>>)>;

impl Builder<'_> {
    pub(super) fn reports(&self, facts: &BTreeMap<ConferenceId, ConferenceFacts>) -> anyhow::Result<Reports> {
        let zone = &self.options.report.zone;
        let mut by_app: BTreeMap<AppId, Vec<Dated<'_>>> = BTreeMap::new();
        for room in facts.values() {
            let list = by_app.entry(room.row.app_id).or_default();
            list.extend(room.calls.iter().map(|call| Dated { day: zone.day_of(call.start), room, call }));
        }
        let calls_of = |wanted: &dyn Fn(AppId) -> bool| {
            let lists = by_app.iter().filter(|(app, _)| wanted(**app));
            let mut calls: Vec<&Dated<'_>> = lists.flat_map(|(_, list)| list).collect();
            calls.sort_by_key(|dated| (dated.call.start, dated.room.row.id, dated.call.number));
            calls
        };
        let organization_of = |app: AppId| self.world.apps.get(&app).map(|row| row.organization_id);
        let made: Vec<anyhow::Result<OfScope>> = self
            .scopes()
            .par_iter()
            .map(|(of, space)| {
                let calls = match of.scope {
                    ReportScope::Site => calls_of(&|_| true),
                    ReportScope::Organization(id) => calls_of(&|app| organization_of(app) == Some(id)),
                    ReportScope::App(id) => calls_of(&|app| app == id),
                };
                self.reports_of(of, *space, &calls, facts)
            })
            .collect();
        let mut reports = Reports::default();
        for of in made {
            let of = of?;
            reports.routes.extend(of.routes);
            reports.last.insert(of.scope, of.last);
            reports.letter = reports.letter.or(of.letter);
        }
        reports.routes.sort();
        Ok(reports)
    }

    /// The site, each organization and each app, with the UUID that their feeds are named by and their time of creation.
    fn scopes(&self) -> Vec<(ReportOf, (Uuid, Timestamp))> {
        let world = &self.world;
        let first =
            world.organizations.values().map(|row| (row.created_at, row.id)).min().unwrap_or_default();
        let site =
            ReportOf { scope: ReportScope::Site, name: "all organizations".to_owned(), trail: Vec::new() };
        let mut scopes = vec![(site, (first.1.0, first.0))];
        for row in world.organizations.values() {
            let of = ReportOf {
                scope: ReportScope::Organization(row.id),
                name: row.name.clone(),
                trail: vec![(row.name.clone(), Route::Organization(row.id))],
            };
            scopes.push((of, (row.id.0, row.created_at)));
        }
        for row in world.apps.values() {
            let Some(organization) = world.organizations.get(&row.organization_id) else { continue };
            let of = ReportOf {
                scope: ReportScope::App(row.id),
                name: row.name.clone(),
                trail: vec![
                    (organization.name.clone(), Route::Organization(organization.id)),
                    (row.name.clone(), Route::App(row.id)),
                ],
            };
            scopes.push((of, (row.id.0, row.created_at)));
        }
        scopes
    }

    fn reports_of(
        &self,
        of: &ReportOf,
        space: (Uuid, Timestamp),
        calls: &[&Dated<'_>],
        facts: &BTreeMap<ConferenceId, ConferenceFacts>,
    ) -> anyhow::Result<OfScope> {
        let zone = &self.options.report.zone;
        let base_url = self.options.base_url.as_deref();
        let name = match of.scope {
            ReportScope::Site => "reports".to_owned(),
            ReportScope::Organization(id) => format!("reports-organization-{id}"),
            ReportScope::App(id) => format!("reports-app-{id}"),
        };
        let unit = self.sink.unit(&name)?;
        let desk = Desk::new(self, &*unit);
        let mut lines: BTreeMap<PeriodKind, Vec<Line>> = BTreeMap::new();
        let mut news: BTreeMap<Period, Vec<IssueNews>> = BTreeMap::new();
        for kind in PeriodKind::ALL {
            let mut groups: BTreeMap<Period, Vec<&Dated<'_>>> = BTreeMap::new();
            for dated in calls {
                groups.entry(Period::of(kind, dated.day)).or_default().push(dated);
            }
            let groups: Groups<'_> = groups.into_iter().collect();
            let made: Vec<anyhow::Result<OfPeriod>> = (0..groups.len())
                .into_par_iter()
                .map(|at| self.report(&desk, of, (&groups, at), &lines, facts))
                .collect();
            let mut own = Vec::new();
            for of in made {
                let OfPeriod { line, news: issues } = of?;
                if !issues.is_empty() {
                    news.insert(line.period, issues);
                }
                own.push(line);
            }
            lines.insert(kind, own);
        }
        let last = last_whole(&lines);
        desk.page(Route::Reports(of.scope), PeriodsPage::new(of, zone, &lines))?;
        desk.data(
            &Route::ApiReports(of.scope),
            &period_file::periods_file(zone, &lines, last.map(|(line, _)| line)),
        )?;
        let told: Vec<(&Line, &[IssueNews])> = [PeriodKind::Week, PeriodKind::Month]
            .iter()
            .filter_map(|kind| lines.get(kind))
            .flatten()
            .map(|line| (line, news.get(&line.period).map_or(&[][..], Vec::as_slice)))
            .collect();
        let feed = Feed::new(of, space, base_url, &told);
        desk.put(&Route::Feed(of.scope), feed.atom().into_bytes())?;
        desk.data(&Route::JsonFeed(of.scope), &feed.json())?;
        unit.finish(None)?;
        let letter = match (of.scope, last) {
            (ReportScope::Site, Some((line, _))) => self.letter(of, line, calls, facts),
            _ => None,
        };
        let names = lines.values().flatten().map(|line| line.period.name());
        let mut routes: Vec<Route> = names.map(|name| Route::Report(of.scope, name)).collect();
        routes.push(Route::Reports(of.scope));
        Ok(OfScope { scope: of.scope, last: LastPeriod::new(of.scope, zone, last), letter, routes })
    }

    /// Makes the page and the file of one period, and forgets its figures.
    fn report(
        &self,
        desk: &Desk<'_>,
        of: &ReportOf,
        (groups, at): (&Groups<'_>, usize),
        shorter: &BTreeMap<PeriodKind, Vec<Line>>,
        facts: &BTreeMap<ConferenceId, ConferenceFacts>,
    ) -> anyhow::Result<OfPeriod> {
        let (period, own) = &groups[at];
        let before = at.checked_sub(1).map(|before| &groups[before]);
        let before = before.filter(|(before, _)| *before == period.previous());
        let before: &[&Dated<'_>] = before.map_or(&[], |(_, calls)| calls.as_slice());
        let made = self.facts_of(of, *period, own, before, shorter);
        let line = made.line();
        let label = |id: ConferenceId| facts.get(&id);
        let route = Route::Report(of.scope, period.name());
        desk.page(route, PeriodPage::new(&made, &line, &label))?;
        desk.data(&Route::ApiReport(of.scope, period.name()), &period_file::period_file(&made, &line))?;
        let tells = period.kind() == PeriodKind::Week && made.over;
        let news = if tells { issue_news(&made.now, &made.before) } else { Vec::new() };
        Ok(OfPeriod { line, news })
    }

    fn facts_of<'a>(
        &'a self,
        of: &'a ReportOf,
        period: Period,
        own: &[&Dated<'_>],
        before: &[&Dated<'_>],
        shorter: &BTreeMap<PeriodKind, Vec<Line>>,
    ) -> PeriodFacts<'a> {
        let zone = &self.options.report.zone;
        let instant = self.world.instant;
        // A call that goes on reaches to the snapshot's instant: its figures are not the last word.
        let goes_on = |calls: &[&Dated<'_>]| calls.iter().any(|dated| dated.call.end >= instant);
        let over = period.end(zone) <= instant && !goes_on(own) && !goes_on(before);
        let (now, before) = (totals(own), totals(before));
        let within = match period.kind() {
            PeriodKind::Day => &[][..],
            PeriodKind::Week | PeriodKind::Month => {
                shorter.get(&PeriodKind::Day).map_or(&[][..], |lines| within(lines, period))
            }
            PeriodKind::Year => {
                shorter.get(&PeriodKind::Month).map_or(&[][..], |lines| within(lines, period))
            }
        };
        PeriodFacts {
            of,
            period,
            zone,
            over,
            changes: if over { Changes::of(&now, &before) } else { Changes::default() },
            now,
            before,
            within: within.to_vec(),
        }
    }

    fn letter(
        &self,
        of: &ReportOf,
        line: &Line,
        calls: &[&Dated<'_>],
        facts: &BTreeMap<ConferenceId, ConferenceFacts>,
    ) -> Option<Letter> {
        let period = line.period;
        let of_period = |wanted: Period| -> Vec<&Dated<'_>> {
            calls.iter().copied().filter(|dated| Period::of(wanted.kind(), dated.day) == wanted).collect()
        };
        let (own, before) = (of_period(period), of_period(period.previous()));
        let made = self.facts_of(of, period, &own, &before, &BTreeMap::new());
        let label = |id: ConferenceId| facts.get(&id);
        let page = PeriodPage::new(&made, line, &label);
        let route = Route::Report(of.scope, period.name());
        made.over.then(|| Letter::new(&page, of, &route, self.options.base_url.as_deref()))
    }
}

fn totals(calls: &[&Dated<'_>]) -> PeriodTotals {
    let counted =
        |chunk: &[&Dated<'_>]| PeriodTotals::of(chunk.iter().map(|dated| (dated.room.row.id, dated.call)));
    calls.par_chunks(CHUNK).map(counted).reduce(PeriodTotals::default, |mut a, b| {
        a.merge(b);
        a
    })
}

/// The lines of the periods within another one.
fn within(lines: &[Line], period: Period) -> &[Line] {
    let from = lines.partition_point(|line| line.period.first() < period.first());
    let to = lines.partition_point(|line| line.period.first() <= period.last());
    &lines[from..to.max(from)]
}

/// The last whole week with a call, else the last whole day, with the one before it if that has a call.
fn last_whole(lines: &BTreeMap<PeriodKind, Vec<Line>>) -> Option<(&Line, Option<&Line>)> {
    [PeriodKind::Week, PeriodKind::Day].iter().find_map(|kind| {
        let lines = lines.get(kind)?;
        let last = lines.iter().rev().find(|line| line.over)?;
        let before = lines.iter().find(|line| line.period == last.period.previous());
        Some((last, before))
    })
}
