//! The reports of periods: for the site, each organization and each app a page per day, week, month and year that has a call,
//! their list, their feeds, and the letter on the last whole period of the site.
//!
//! A report is made from the calls of its period and of the one before, so the digests of these are its key: while they are
//! the same, the calls are neither read nor counted. What lists and feeds show of it stands in a memo of its scope. A year is
//! put together of its months, which are kept counted: its pages list the newest calls only. Scopes that have the same calls,
//! such as the only app of an organization and that, are counted together.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::desk::{Desk, Hasher};
use super::leavings::{PartLeavings, Stored, Sums};
use super::reconcile::Totals;
use super::{Builder, ONE, UnitSink};
use crate::ids::{AppId, ConferenceId};
use crate::report::RoomCall;
use crate::report::period::{Period, PeriodKind};
use crate::report::period_changes::{Changes, IssueNews, issue_news};
use crate::report::period_totals::{Figures, PeriodTotals};
use crate::site::feed::Feed;
use crate::site::letter::Letter;
use crate::site::pages::period::{LastPeriod, Line, PeriodFacts, PeriodPage, ReportOf};
use crate::site::pages::periods::PeriodsPage;
use crate::site::{ReportScope, Route, period_file};
use crate::units::{Day, Timestamp, Zone};
use uuid::Uuid;

/// Periods in a row that one thread makes: each is counted once, but for the one before the first.
const RUN: usize = 16;

/// What other pages, and the command, need of the reports.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// The last whole period of each scope.
    pub(super) last: BTreeMap<ReportScope, LastPeriod>,
    /// The letter on that of the site; none if no period with a call is over.
    pub(super) letter: Option<Letter>,
    /// All pages, for the site map.
    pub(super) routes: Vec<Route>,
    /// Calls of each scope, by the kind of period that they were added up from.
    calls: BTreeMap<(ReportScope, PeriodKind), usize>,
    /// What the years were put together of.
    pub(super) months: Months,
}

impl Reports {
    /// The calls of all days are those of all weeks, months and years, and those of all apps are those of the site.
    pub(super) fn total_calls(&self, all: &mut Totals) {
        let mut of_apps = 0;
        for ((scope, kind), calls) in &self.calls {
            let way = match kind {
                PeriodKind::Day => "by day",
                PeriodKind::Week => "by week",
                PeriodKind::Month => "by month",
                PeriodKind::Year => "by year",
            };
            all.add(format!("calls of {}", scope.route().path()), way, *calls);
            if matches!((scope, kind), (ReportScope::App(_), PeriodKind::Day)) {
                of_apps += calls;
            }
        }
        all.add(format!("calls of {}", ReportScope::Site.route().path()), "by app", of_apps);
    }
}

/// What the reports of one scope leave.
struct OfScope {
    scope: ReportScope,
    last: LastPeriod,
    letter: Option<Letter>,
    routes: Vec<Route>,
    calls: BTreeMap<PeriodKind, usize>,
}

/// A scope, with the UUID that its feeds are named by and its time of creation.
struct Place {
    of: ReportOf,
    space: (Uuid, Timestamp),
}

/// The reports of one scope, while they are made.
struct Making<'a> {
    place: Place,
    /// Of the unit and of the memo.
    name: String,
    unit: Box<dyn UnitSink + 'a>,
    /// What was noted when the reports were last made.
    noted: Memo,
    memo: Memo,
    lines: BTreeMap<PeriodKind, Vec<Line>>,
    news: BTreeMap<Period, Vec<IssueNews>>,
}

impl Making<'_> {
    fn scope(&self) -> ReportScope {
        self.place.of.scope
    }

    fn is_app(&self) -> bool {
        matches!(self.scope(), ReportScope::App(_))
    }

    /// The page and the data file of a period.
    fn routes(&self, period: Period) -> [Route; 2] {
        [Route::Report(self.scope(), period.name()), Route::ApiReport(self.scope(), period.name())]
    }

    fn take(&mut self, made: OfPeriod) {
        let period = made.line.period;
        self.memo.insert(period.name(), Noted::of(&made));
        if !made.news.is_empty() {
            self.news.insert(period, made.news);
        }
        self.lines.entry(period.kind()).or_default().push(made.line);
    }
}

/// Scopes that have the same calls.
struct Alike<'a> {
    source: Source<'a>,
    scopes: Vec<Making<'a>>,
}

/// A period and the one before, counted.
struct Pair {
    period: Period,
    over: bool,
    now: Counted,
    before: Counted,
    changes: Changes,
}

impl Pair {
    fn new((period, over): (Period, bool), now: Counted, before: Counted) -> Self {
        let changes = if over { Changes::of(&now.totals, &before.totals) } else { Changes::default() };
        Self { period, over, now, before, changes }
    }

    /// What a conference is called.
    fn label(&self, id: ConferenceId) -> Option<&str> {
        self.now.labels.get(&id).or_else(|| self.before.labels.get(&id)).map(String::as_str)
    }

    fn facts<'a>(&'a self, of: &'a ReportOf, zone: &'a Zone, within: &'a [Line]) -> PeriodFacts<'a> {
        PeriodFacts {
            of,
            period: self.period,
            zone,
            over: self.over,
            now: &self.now.totals,
            before: &self.before.totals,
            changes: &self.changes,
            within,
        }
    }
}

/// What the report of one period leaves.
struct OfPeriod {
    line: Line,
    news: Vec<IssueNews>,
    key: blake3::Hash,
}

/// The same as it is kept, by the period's name.
type Memo = BTreeMap<String, Noted>;

#[derive(Serialize, Deserialize)]
struct Noted {
    key: [u8; 32],
    over: bool,
    end: Timestamp,
    figures: Figures,
    sentences: [String; 3],
    news: Vec<IssueNews>,
}

impl Noted {
    fn of(made: &OfPeriod) -> Self {
        let Line { over, end, figures, sentences, .. } = made.line.clone();
        Self { key: *made.key.as_bytes(), over, end, figures, sentences, news: made.news.clone() }
    }

    fn read(&self, period: Period) -> OfPeriod {
        let Self { key, over, end, figures, sentences, news } = self;
        let (figures, sentences) = (figures.clone(), sentences.clone());
        let line = Line { period, over: *over, end: *end, figures, sentences };
        OfPeriod { line, news: news.clone(), key: blake3::Hash::from_bytes(*key) }
    }
}

/// So many stacks are counted at once: what is put together of two is sorted again, which for each stack of a year by itself would take most
/// of the time of a build with one call more.
const STACKS: usize = 64;

/// The calls of an app that began on a day, in one part.
#[derive(Clone, Copy)]
struct Stack<'a> {
    app: AppId,
    /// The end of the last of them.
    end: Timestamp,
    calls: Stored<'a, Vec<RoomCall>>,
}

/// The calls of a scope, by day.
struct Calls<'a>(BTreeMap<Day, Vec<Stack<'a>>>);

/// The calls of a period, counted, and what their rooms are called.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Counted {
    totals: PeriodTotals,
    labels: BTreeMap<ConferenceId, String>,
}

impl Counted {
    /// With the newest calls behind each number only.
    fn trimmed(mut self) -> Self {
        self.totals.trim();
        let listed = self.totals.listed();
        self.labels.retain(|id, _| listed.contains(id));
        self
    }
}

/// The months of each app, counted and trimmed.
pub(super) type Months = BTreeMap<(AppId, Period), Sums<Counted>>;

/// What reports are made from: the calls of a scope, and its months.
struct Source<'a> {
    calls: Calls<'a>,
    months: Vec<(Period, &'a Sums<Counted>)>,
}

impl Source<'_> {
    /// A year, or a month, with the newest calls behind each number only. One that is not over is compared with no other.
    fn newest(&self, period: Period, over: bool) -> anyhow::Result<Counted> {
        let within = period.first()..=period.last();
        let mut labels = BTreeMap::new();
        let months = self.months.iter().filter(|(month, _)| within.contains(&month.first()));
        let totals = PeriodTotals::newest_of(months.map(|(_, sums)| {
            let Counted { mut totals, labels: own } = sums.read()?;
            labels.extend(own);
            if !over {
                totals.forget_values_by_call();
            }
            anyhow::Ok(totals)
        }))?;
        Ok(Counted { totals, labels })
    }

    /// All calls of a period, but of a year.
    fn count(&self, period: Period, over: bool) -> anyhow::Result<Counted> {
        match period.kind() {
            PeriodKind::Year => self.newest(period, over),
            _ => self.calls.count(period),
        }
    }

    /// What a period is held against.
    fn before(&self, period: Period, over: bool) -> anyhow::Result<Counted> {
        match period.kind() {
            PeriodKind::Year | PeriodKind::Month => self.newest(period.previous(), over),
            _ => self.calls.count(period.previous()),
        }
    }
}

impl<'a> Calls<'a> {
    fn of(&self, wanted: &dyn Fn(AppId) -> bool) -> Self {
        let own = |stacks: &Vec<Stack<'a>>| -> Vec<Stack<'a>> {
            stacks.iter().filter(|stack| wanted(stack.app)).copied().collect()
        };
        let days = self.0.iter().map(|(day, stacks)| (*day, own(stacks)));
        Self(days.filter(|(_, stacks)| !stacks.is_empty()).collect())
    }

    fn within(&self, period: Period) -> impl Iterator<Item = &Stack<'a>> {
        self.0.range(period.first()..=period.last()).flat_map(|(_, stacks)| stacks)
    }

    /// A digest of the calls of a period, however its days are cut.
    fn digests(&self, period: Period) -> Vec<&[u8; 32]> {
        let mut digests: Vec<_> = self.within(period).map(|stack| stack.calls.digest()).collect();
        digests.sort_unstable();
        digests
    }

    /// Whether a call reaches to an instant: its figures are not the last word.
    fn goes_on(&self, period: Period, instant: Timestamp) -> bool {
        self.within(period).any(|stack| stack.end >= instant)
    }

    fn count(&self, period: Period) -> anyhow::Result<Counted> {
        let stacks: Vec<&Stack<'_>> = self.within(period).collect();
        let counted = |stacks: &[&Stack<'_>]| -> anyhow::Result<Counted> {
            let mut rooms = Vec::new();
            for stack in stacks {
                rooms.extend(stack.calls.read()?);
            }
            let totals = PeriodTotals::of(rooms.iter().map(|room| (room.conference, &room.call)));
            Ok(Counted {
                totals,
                labels: rooms.into_iter().map(|room| (room.conference, room.label)).collect(),
            })
        };
        stacks.par_chunks(STACKS).map(counted).try_reduce(Counted::default, |mut a, b| {
            a.totals.merge(b.totals);
            a.labels.extend(b.labels);
            Ok(a)
        })
    }
}

impl Builder<'_> {
    /// All reports. `meanwhile` is done with the last periods of apps as soon as these are known.
    pub(super) fn reports<T: Send>(
        &self,
        parts: &BTreeMap<(String, usize), Vec<PartLeavings>>,
        wants_letter: bool,
        meanwhile: impl FnOnce(&BTreeMap<ReportScope, LastPeriod>) -> anyhow::Result<T> + Send,
    ) -> anyhow::Result<(Reports, T)> {
        let mut days: BTreeMap<Day, Vec<Stack<'_>>> = BTreeMap::new();
        for part in parts.values().flatten() {
            for (app, day, end, calls) in part.calls() {
                days.entry(day).or_default().push(Stack { app, end, calls });
            }
        }
        let all = Calls(days);
        let months = self.months(&all)?;
        let (mut of_apps, others): (Vec<_>, Vec<_>) =
            self.alike(&all, &months)?.into_iter().partition(|alike| alike.scopes.iter().any(Making::is_app));
        // The last whole period of an app is a week or a day.
        let (first, then) = ([PeriodKind::Day, PeriodKind::Week], [PeriodKind::Month, PeriodKind::Year]);
        of_apps.par_iter_mut().try_for_each(|alike| self.make(alike, &first))?;
        let zone = &self.options.report.zone;
        let apps = of_apps.iter().flat_map(|alike| &alike.scopes).filter(|making| making.is_app());
        let last = apps
            .map(|making| (making.scope(), LastPeriod::new(making.scope(), zone, last_whole(&making.lines))))
            .collect();
        let finished = |mut alike: Alike<'_>, kinds: &[PeriodKind]| {
            self.make(&mut alike, kinds)?;
            self.finish(alike, wants_letter)
        };
        let rest = || -> anyhow::Result<Vec<Vec<OfScope>>> {
            let of_apps = of_apps.into_par_iter().with_max_len(ONE).map(|alike| finished(alike, &then));
            let others =
                others.into_par_iter().with_max_len(ONE).map(|alike| finished(alike, &PeriodKind::ALL));
            others.chain(of_apps).collect()
        };
        let (made, done) = rayon::join(rest, || meanwhile(&last));
        let mut reports = Reports::default();
        for of in made?.into_iter().flatten() {
            reports.routes.extend(of.routes);
            reports.calls.extend(of.calls.into_iter().map(|(kind, calls)| ((of.scope, kind), calls)));
            reports.last.insert(of.scope, of.last);
            reports.letter = reports.letter.or(of.letter);
        }
        reports.routes.sort();
        reports.months = months;
        Ok((reports, done?))
    }

    /// Counts the months of each app that changed.
    fn months(&self, all: &Calls<'_>) -> anyhow::Result<Months> {
        let mut wanted: BTreeMap<AppId, BTreeSet<Period>> = BTreeMap::new();
        for (day, stacks) in &all.0 {
            for stack in stacks {
                wanted.entry(stack.app).or_default().insert(Period::of(PeriodKind::Month, *day));
            }
        }
        let apps: Vec<(AppId, Calls<'_>, BTreeSet<Period>)> =
            wanted.into_iter().map(|(id, months)| (id, all.of(&|app| app == id), months)).collect();
        let months: Vec<_> = apps
            .iter()
            .flat_map(|(id, calls, months)| months.iter().map(move |month| (*id, calls, *month)))
            .collect();
        let sums = |(id, calls, month): &(AppId, &Calls<'_>, Period)| {
            let mut key = Hasher::new("month of calls");
            key.add(env!("CARGO_PKG_VERSION")).add(&calls.digests(*month));
            let name = format!("calls-{id}-{}", month.name());
            let sums = self.ledger.sums(&name, &key.finish(), || Ok(calls.count(*month)?.trimmed()))?;
            Ok(((*id, *month), sums))
        };
        months.par_iter().with_max_len(ONE).map(sums).collect()
    }

    /// The site, each organization and each app.
    fn places(&self) -> Vec<Place> {
        let world = &self.world;
        let first =
            world.organizations.values().map(|row| (row.created_at, row.id)).min().unwrap_or_default();
        let site =
            ReportOf { scope: ReportScope::Site, name: "all organizations".to_owned(), trail: Vec::new() };
        let mut places = vec![Place { of: site, space: (first.1.0, first.0) }];
        for row in world.organizations.values() {
            let of = ReportOf {
                scope: ReportScope::Organization(row.id),
                name: row.name.clone(),
                trail: vec![(row.name.clone(), Route::Organization(row.id))],
            };
            places.push(Place { of, space: (row.id.0, row.created_at) });
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
            places.push(Place { of, space: (row.id.0, row.created_at) });
        }
        places
    }

    /// All scopes, together where they have the same calls.
    fn alike<'a>(&'a self, all: &Calls<'a>, months: &'a Months) -> anyhow::Result<Vec<Alike<'a>>> {
        let with_calls: BTreeSet<AppId> = months.keys().map(|(app, _)| *app).collect();
        let organization_of = |app: AppId| self.world.apps.get(&app).map(|row| row.organization_id);
        let is_of = |scope: ReportScope, app: AppId| match scope {
            ReportScope::Site => true,
            ReportScope::Organization(id) => organization_of(app) == Some(id),
            ReportScope::App(id) => app == id,
        };
        let mut by_apps: BTreeMap<BTreeSet<AppId>, Vec<Making<'a>>> = BTreeMap::new();
        for place in self.places() {
            let scope = place.of.scope;
            let apps = with_calls.iter().copied().filter(|app| is_of(scope, *app)).collect();
            by_apps.entry(apps).or_default().push(self.begin(place)?);
        }
        let alike = by_apps.into_iter().map(|(apps, scopes)| {
            let own = months.iter().filter(|((app, _), _)| apps.contains(app));
            let months = own.map(|((_, month), sums)| (*month, sums)).collect();
            Alike { source: Source { calls: all.of(&|app| apps.contains(&app)), months }, scopes }
        });
        Ok(alike.collect())
    }

    fn begin(&self, place: Place) -> anyhow::Result<Making<'_>> {
        let name = match place.of.scope {
            ReportScope::Site => "reports".to_owned(),
            ReportScope::Organization(id) => format!("reports-organization-{id}"),
            ReportScope::App(id) => format!("reports-app-{id}"),
        };
        Ok(Making {
            unit: self.sink.unit(&name)?,
            noted: self.ledger.memo(&name).unwrap_or_default(),
            place,
            name,
            memo: Memo::new(),
            lines: BTreeMap::new(),
            news: BTreeMap::new(),
        })
    }

    /// The reports of some kinds; those of shorter periods come first.
    fn make(&self, alike: &mut Alike<'_>, kinds: &[PeriodKind]) -> anyhow::Result<()> {
        for &kind in kinds {
            let days = alike.source.calls.0.keys();
            let periods: BTreeSet<Period> = days.map(|day| Period::of(kind, *day)).collect();
            let periods: Vec<Period> = periods.into_iter().collect();
            let made: Vec<anyhow::Result<_>> =
                periods.par_chunks(RUN).with_max_len(ONE).map(|run| self.run(alike, run)).collect();
            for scope in &mut alike.scopes {
                scope.lines.entry(kind).or_default();
            }
            for made in made {
                for made in made? {
                    alike.scopes.iter_mut().zip(made).for_each(|(scope, made)| scope.take(made));
                }
            }
        }
        Ok(())
    }

    /// The lists and feeds of scopes whose reports were made.
    fn finish(&self, alike: Alike<'_>, wants_letter: bool) -> anyhow::Result<Vec<OfScope>> {
        let Alike { source, scopes } = alike;
        scopes.into_par_iter().map(|scope| self.finish_scope(scope, &source, wants_letter)).collect()
    }

    fn finish_scope(
        &self,
        making: Making<'_>,
        source: &Source<'_>,
        wants_letter: bool,
    ) -> anyhow::Result<OfScope> {
        let Making { place: Place { of, space }, name, unit, memo, lines, news, .. } = making;
        let zone = &self.options.report.zone;
        let base_url = self.options.base_url.as_deref();
        let desk = Desk::new(self, &*unit);
        self.ledger.note(&name, &memo)?;
        let last = last_whole(&lines);
        desk.page(Route::Reports(of.scope), PeriodsPage::new(&of, zone, &lines))?;
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
        let feed = Feed::new(&of, space, base_url, &told);
        desk.put(&Route::Feed(of.scope), feed.atom().into_bytes())?;
        desk.data(&Route::JsonFeed(of.scope), &feed.json())?;
        unit.finish(None)?;
        let letter = match (of.scope, last) {
            (ReportScope::Site, Some((line, _))) if wants_letter => self.letter(&of, line, source)?,
            _ => None,
        };
        let names = lines.values().flatten().map(|line| line.period.name());
        let mut routes: Vec<Route> = names.map(|name| Route::Report(of.scope, name)).collect();
        routes.push(Route::Reports(of.scope));
        let calls = lines
            .iter()
            .map(|(kind, lines)| (*kind, lines.iter().map(|line| line.figures.calls).sum()))
            .collect();
        Ok(OfScope { scope: of.scope, last: LastPeriod::new(of.scope, zone, last), letter, routes, calls })
    }

    /// Makes the pages and files of some periods in a row, of each scope, but for those that are in place and made from the same
    /// calls. Gives what they leave by period, and of each by scope.
    fn run(&self, alike: &Alike<'_>, periods: &[Period]) -> anyhow::Result<Vec<Vec<OfPeriod>>> {
        let Alike { source, scopes } = alike;
        let mut made = Vec::new();
        let mut counted: Option<(Period, Counted)> = None;
        for &period in periods {
            let over = self.is_over(&source.calls, period);
            let digests = [source.calls.digests(period), source.calls.digests(period.previous())];
            let kept = |scope: &Making<'_>| self.kept(scope, (period, over), &digests);
            let kept = scopes.iter().map(kept).collect::<anyhow::Result<Vec<_>>>()?;
            if kept.iter().all(Result::is_ok) {
                made.push(kept.into_iter().flatten().collect());
                continue;
            }
            let before = match counted.take() {
                Some((last, counted)) if last == period.previous() => counted,
                _ => source.before(period, over)?,
            };
            let pair = Pair::new((period, over), source.count(period, over)?, before);
            let own = |(scope, kept): (&Making<'_>, Result<OfPeriod, blake3::Hash>)| {
                kept.or_else(|key| self.report(scope, &pair, key))
            };
            made.push(scopes.par_iter().zip(kept).map(own).collect::<anyhow::Result<_>>()?);
            counted = Some((period, pair.now));
        }
        Ok(made)
    }

    /// What the report of a period left when it was made, if it is in place; else the key that it is to be made under.
    fn kept(
        &self,
        scope: &Making<'_>,
        (period, over): (Period, bool),
        digests: &[Vec<&[u8; 32]>; 2],
    ) -> anyhow::Result<Result<OfPeriod, blake3::Hash>> {
        let key =
            self.period_key(&scope.place.of, (period, over), digests, lines_within(&scope.lines, period));
        let known = scope.noted.get(&period.name()).filter(|noted| noted.key == *key.as_bytes());
        let Some(known) = known else { return Ok(Err(key)) };
        let is_kept = Desk::new(self, &*scope.unit).keep(&key, &scope.routes(period))?;
        Ok(if is_kept { Ok(known.read(period)) } else { Err(key) })
    }

    /// Makes the report of a period.
    fn report(&self, scope: &Making<'_>, pair: &Pair, key: blake3::Hash) -> anyhow::Result<OfPeriod> {
        let Pair { period, over, .. } = *pair;
        let desk = Desk::new(self, &*scope.unit);
        let within = lines_within(&scope.lines, period);
        let facts = pair.facts(&scope.place.of, &self.options.report.zone, within);
        let line = facts.line();
        let [page, data] = scope.routes(period);
        desk.keyed_page(&key, page, PeriodPage::new(&facts, &line, &|id| pair.label(id)))?;
        desk.keyed_data(&key, &data, &period_file::period_file(&facts, &line))?;
        let tells = period.kind() == PeriodKind::Week && over;
        let news = if tells { issue_news(facts.now, facts.before) } else { Vec::new() };
        Ok(OfPeriod { line, news, key })
    }

    /// Whether a period and all calls that its report is of are over.
    fn is_over(&self, calls: &Calls<'_>, period: Period) -> bool {
        let instant = self.world.instant;
        let goes_on = |period| calls.goes_on(period, instant);
        period.end(&self.options.report.zone) <= instant && !goes_on(period) && !goes_on(period.previous())
    }

    /// A digest of all that a report is made from; `digests` are of the calls of its period and of the one before.
    fn period_key(
        &self,
        of: &ReportOf,
        (period, over): (Period, bool),
        digests: &[Vec<&[u8; 32]>; 2],
        within: &[Line],
    ) -> blake3::Hash {
        let mut key = Hasher::new("report");
        key.add(self.base.as_bytes()).add(&of.scope.route().path()).add(&period.name()).add(&over);
        for digests in digests {
            key.add(digests);
        }
        for line in within {
            key.add(&line.period.name()).add(&line.over).add(&line.figures);
        }
        key.finish()
    }

    fn letter(&self, of: &ReportOf, line: &Line, source: &Source<'_>) -> anyhow::Result<Option<Letter>> {
        let period = line.period;
        let pair = Pair::new(
            (period, line.over),
            source.count(period, line.over)?,
            source.before(period, line.over)?,
        );
        let facts = pair.facts(of, &self.options.report.zone, &[]);
        let page = PeriodPage::new(&facts, line, &|id| pair.label(id));
        let route = Route::Report(of.scope, period.name());
        Ok(pair.over.then(|| Letter::new(&page, of, &route, self.options.base_url.as_deref())))
    }
}

/// The lines of the shorter periods that a report lists: the days of a week and of a month, the months of a year.
fn lines_within(shorter: &BTreeMap<PeriodKind, Vec<Line>>, period: Period) -> &[Line] {
    let kind = match period.kind() {
        PeriodKind::Day => return &[],
        PeriodKind::Week | PeriodKind::Month => PeriodKind::Day,
        PeriodKind::Year => PeriodKind::Month,
    };
    shorter.get(&kind).map_or(&[], |lines| within(lines, period))
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
