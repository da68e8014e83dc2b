//! A snapshot to all files of the site: a map over conferences, part by part, and reduces by participant, app and
//! organization. Files go to a [`Sink`] as soon as they are made; only small facts are kept.

mod on_demand;
mod periods;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Serialize;

use crate::ids::{AppId, ConferenceId, OrganizationId, ParticipantId, SessionId};
use crate::render::assets::Assets;
use crate::render::{self, RenderError, Renderer};
use crate::report::board::Board;
use crate::report::experience::{Experience, Usual};
use crate::report::{self, AppTotals, Attendance, ConferenceFacts, ConferenceReport, World};
use crate::scope::Scope;
use crate::site::embed::{Card, CardPage, CardPicture, Sparkline, SparklinePage, SparklinePicture};
use crate::site::facts_script::facts_script;
use crate::site::pages::app::AppPage;
use crate::site::pages::conference::{self, ConferencePageKind};
use crate::site::pages::data::DataPage;
use crate::site::pages::data_quality::{DataQualityPage, FindingTotals};
use crate::site::pages::directory::{self, Listing, Parts};
use crate::site::pages::index::IndexPage;
use crate::site::pages::methods::MethodsPage;
use crate::site::pages::month::MonthPage;
use crate::site::pages::not_found::NotFoundPage;
use crate::site::pages::organization::OrganizationPage;
use crate::site::pages::participant::ParticipantPage;
use crate::site::pages::search::{Directory, Entry, SearchPage};
use crate::site::pages::{Link, conference_label};
use crate::site::routes::Listed;
use crate::site::search_index::{self, Item, Kind};
use crate::site::{Content, Downloads, Frame, Page, ReportScope, Route, api, csv, internals};
use crate::snapshot::{
    ConferenceRow, ConnectionRow, IssueRow, Part, ParticipantRow, Row, SessionRow, Snapshot, TableWriter,
    table_bytes,
};

pub use on_demand::{conference_contexts, is_measured_on_demand};

/// Where the files of a site go. Threads use it at the same time.
pub trait Sink: Sync {
    /// Whether the file is there, made from the same things.
    fn is_current(&self, path: &str, key: &blake3::Hash) -> bool;
    /// Keeps a current file.
    fn keep(&self, path: &str) -> anyhow::Result<()>;
    /// Takes a file; `key` is a digest of all that it was made from, if that is known.
    fn put(&self, path: &str, bytes: Vec<u8>, key: Option<blake3::Hash>) -> anyhow::Result<()>;
    /// Hears of each page, current or not, what its template is given, as JSON.
    fn context(&self, _route: &Route, _template: &'static str, _json: &[u8]) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Hears how far the work is.
pub trait Progress: Sync {
    /// So many conferences will be rendered.
    fn planned(&self, conferences: u64);
    /// So many more were.
    fn rendered(&self, conferences: u64);
}

/// How a site is to be made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SiteOptions {
    /// How reports are measured.
    pub report: report::Options,
    /// What of the data it is of.
    pub scope: Scope,
    /// Absolute URL of the published site, for the site map; none, no site map.
    pub base_url: Option<String>,
    /// Which files to take away are made besides the static API.
    pub downloads: Downloads,
}

impl SiteOptions {
    /// What all pages have.
    pub fn frame(&self, assets: &Assets) -> Frame {
        Frame {
            scope: self.scope.label(),
            assets: assets.names.clone(),
            downloads: self.downloads,
            base_url: self.base_url.clone(),
        }
    }
}

/// What was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SiteCounts {
    /// Conferences.
    pub conferences: usize,
    /// Participants.
    pub participants: usize,
    /// Odd data.
    pub findings: usize,
}

/// A letter, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// A page that stands on its own: no style sheet, no script, no picture.
    pub html: Vec<u8>,
    /// The same as Markdown.
    pub markdown: Vec<u8>,
}

/// What a build of the site gives besides its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What was made.
    pub counts: SiteCounts,
    /// The letter on the last whole period; none if no period with a call is over.
    pub mail: Option<Mail>,
}

struct Builder<'a> {
    renderer: &'a Renderer,
    sink: &'a dyn Sink,
    frame: Frame,
    frame_digest: blake3::Hash,
    world: World,
    options: &'a SiteOptions,
}

/// What a part leaves for the pages after it.
#[derive(Default)]
struct Rest {
    facts: Vec<ConferenceFacts>,
    attendances: Vec<Attendance>,
    totals: BTreeMap<AppId, AppTotals>,
    findings: FindingTotals,
    /// Who is named on a page, in a report of a part of the data.
    people: BTreeSet<ParticipantId>,
}

/// Makes all files.
pub fn make_site(
    snapshot: &Snapshot,
    renderer: &Renderer,
    assets: &Assets,
    options: &SiteOptions,
    sink: &dyn Sink,
    progress: &dyn Progress,
) -> anyhow::Result<Made> {
    let world = World::new(snapshot.globals()?, snapshot.instant());
    let frame = options.frame(assets);
    let mut hasher = blake3::Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes()).update(renderer.digest().as_bytes());
    let mut builder = Builder { renderer, sink, frame_digest: hasher.finalize(), frame, world, options };
    for (name, bytes) in &assets.files {
        sink.put(&Route::Asset(name.clone()).path(), bytes.clone(), None)?;
    }
    let conferences = snapshot.manifest().rows.get("conferences").copied().unwrap_or(0);
    progress.planned(conferences);
    let rest = snapshot
        .parts()
        .par_iter()
        .map(|part| builder.part(snapshot, part, progress))
        .try_reduce(Rest::default, |a, b| Ok(a.and(b)))?;
    if !options.scope.is_all() {
        // Who is in none of the report's conferences has no page.
        builder.world.participants.retain(|id, _| rest.people.contains(id));
    }
    builder.reduce(rest, snapshot)
}

impl Rest {
    fn and(mut self, other: Self) -> Self {
        self.facts.extend(other.facts);
        self.attendances.extend(other.attendances);
        for (app, totals) in other.totals {
            self.totals.entry(app).or_default().merge(totals);
        }
        self.findings.merge(other.findings);
        self.people.extend(other.people);
        self
    }
}

impl Builder<'_> {
    fn page<C: Content>(&self, route: Route, content: C) -> anyhow::Result<()> {
        let page = Page::new(route, &self.frame, content);
        let path = page.route.path();
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.frame_digest.as_bytes()).update(page.template.as_bytes());
        let context = serde_json::to_vec(&page)
            .map_err(|error| RenderError::Json { path: path.clone(), problem: error.to_string() })?;
        let key = hasher.update(&context).finalize();
        self.sink.context(&page.route, page.template, &context)?;
        if self.sink.is_current(&path, &key) {
            return self.sink.keep(&path);
        }
        let bytes = self.renderer.page(&page)?;
        self.sink.put(&path, bytes, Some(key))
    }

    fn data<T: Serialize>(&self, route: &Route, value: &T) -> anyhow::Result<()> {
        let path = route.path();
        let bytes = render::json(&path, value)?;
        self.sink.put(&path, bytes, None)
    }

    fn file(&self, route: &Route, bytes: Vec<u8>) -> anyhow::Result<()> {
        self.sink.put(&route.path(), bytes, None)
    }

    fn part(&self, snapshot: &Snapshot, part: &Part, progress: &dyn Progress) -> anyhow::Result<Rest> {
        let mut rest = Rest::default();
        for dossier in snapshot.dossiers(part)? {
            let mut report = report::measure(dossier, &self.world, &self.options.report);
            if !self.options.scope.is_all() {
                if !self.narrow(&mut report) {
                    progress.rendered(1);
                    continue;
                }
                rest.people.extend(report.named());
            }
            self.data(&Route::ApiConference(report.id()), &api::conference_file(&report, &self.world))?;
            self.file(&Route::ApiConferenceSeries(report.id()), csv::series(&report))?;
            self.file(&Route::ApiConferenceEvents(report.id()), csv::events(&report))?;
            if self.options.downloads.parquet {
                let samples = table_bytes(&report.dossier.samples)?;
                self.file(&Route::ConferenceSamples(report.id()), samples)?;
                self.file(&Route::ConferenceEvents(report.id()), table_bytes(&report.dossier.events)?)?;
            }
            if self.options.downloads.webrtc_internals {
                let route = Route::ConferenceInternals(report.id());
                self.data(&route, &internals::dump(&report, &self.world))?;
            }
            if self.options.downloads.embed {
                let card = Card::new(&report);
                self.page(Route::EmbedConference(report.id()), CardPage(card.clone()))?;
                self.page(Route::EmbedConferencePicture(report.id()), CardPicture(card))?;
            }
            for (route, page) in conference::pages(&report, &self.world, &self.options.report.limits) {
                match page {
                    ConferencePageKind::Call(page) => self.page(route, *page)?,
                    ConferencePageKind::Events(page) => self.page(route, *page)?,
                }
            }
            rest.findings.add(&report.findings);
            rest.attendances.extend(report::attendances(&report));
            let mut facts = report.facts;
            if !self.options.scope.is_all() {
                let visits = facts.calls.iter().flat_map(|call| &call.visits).map(|visit| visit.session);
                let left: BTreeSet<SessionId> = visits.collect();
                facts.sessions.retain(|session| left.contains(&session.row.id));
            }
            let totals = rest.totals.entry(facts.row.app_id).or_default();
            totals.add(&facts, self.options.report.since);
            // The attendances have the sessions now.
            facts.sessions = Vec::new();
            rest.facts.push(facts);
            progress.rendered(1);
        }
        Ok(rest)
    }

    /// Leaves the facts of the calls that the report is of; whether there are any. The conference's own page has all its calls.
    fn narrow(&self, report: &mut ConferenceReport) -> bool {
        let within = |at| self.options.scope.holds(at, self.world.instant);
        let facts = &mut report.facts;
        let never_called = facts.calls.is_empty() && within(facts.row.created_at);
        facts.calls.retain(|call| within(call.start));
        never_called || !facts.calls.is_empty()
    }

    fn reduce(&self, rest: Rest, snapshot: &Snapshot) -> anyhow::Result<Made> {
        let Rest { facts, attendances, totals, findings, people: _ } = rest;
        let facts: BTreeMap<ConferenceId, ConferenceFacts> =
            facts.into_iter().map(|facts| (facts.row.id, facts)).collect();
        let participants = self.participants(attendances, &facts)?;
        let reports = self.reports(&facts)?;
        let months = self.apps(&facts, &totals, &reports)?;
        self.organizations(&totals, &reports)?;
        let directory = self.directory(&facts, &months)?;
        self.search_index(&facts)?;
        self.page(Route::DataQuality, DataQualityPage::new(&findings))?;
        self.page(
            Route::Methods,
            MethodsPage {
                zone: self.options.report.zone.name().to_owned(),
                ..MethodsPage::new(self.options.report.call_gap_s, &self.options.report.limits)
            },
        )?;
        self.page(Route::NotFound, NotFoundPage {})?;
        self.page(Route::Data, DataPage::new(self.options.base_url.as_deref(), self.options.downloads))?;
        if self.options.downloads.parquet {
            self.tables(snapshot, &facts)?;
        }
        let manifest = snapshot.manifest();
        self.data(&Route::ApiMeta, &api::meta_file(snapshot.instant(), &manifest.database, &manifest.rows))?;
        self.sink.put(&Route::ApiSchema.path(), api::SCHEMA.as_bytes().to_vec(), None)?;
        self.for_robots(&facts, &months, &[directory, reports.routes].concat())?;
        let mail = reports.letter.map(|letter| -> Result<Mail, RenderError> {
            Ok(Mail {
                html: self.renderer.text("mail/period.html", &letter)?,
                markdown: self.renderer.text("mail/period.md", &letter)?,
            })
        });
        let counts = SiteCounts { conferences: facts.len(), participants, findings: findings.count() };
        Ok(Made { counts, mail: mail.transpose()? })
    }

    fn participants(
        &self,
        mut attendances: Vec<Attendance>,
        facts: &BTreeMap<ConferenceId, ConferenceFacts>,
    ) -> anyhow::Result<usize> {
        attendances
            .sort_by_key(|attendance| (attendance.participant, attendance.created_at, attendance.conference));
        let mut of: BTreeMap<ParticipantId, &[Attendance]> = BTreeMap::new();
        for group in attendances.chunk_by(|a, b| a.participant == b.participant) {
            of.insert(group[0].participant, group);
        }
        let mut by_app: BTreeMap<AppId, Vec<&Experience>> = BTreeMap::new();
        for attendance in &attendances {
            by_app.entry(attendance.app).or_default().push(&attendance.experience);
        }
        let usual: BTreeMap<AppId, Usual> =
            by_app.into_iter().map(|(app, list)| (app, Usual::of(list.into_iter()))).collect();
        let nothing = Usual::default();
        let active: Vec<_> = self.world.participants.values().filter(|row| row.is_active).collect();
        active.par_iter().try_for_each(|row| {
            let own = of.get(&row.id).copied().unwrap_or_default();
            let Some(app) = self.world.apps.get(&row.app_id) else { return Ok(()) };
            let organization = self.world.organizations.get(&app.organization_id);
            let label = self.world.person(row.id).label;
            self.data(&Route::ApiParticipant(row.id), &api::participant_file(row, own, facts))?;
            self.file(&Route::ApiParticipantConferences(row.id), csv::participant(own, facts))?;
            let page = ParticipantPage::new(
                row,
                label,
                (app, organization, usual.get(&app.id).unwrap_or(&nothing)),
                own,
                facts,
            );
            self.page(Route::Participant(row.id), page)
        })?;
        Ok(active.len())
    }

    /// The months of each app, with their number of conferences.
    fn apps(
        &self,
        facts: &BTreeMap<ConferenceId, ConferenceFacts>,
        totals: &BTreeMap<AppId, AppTotals>,
        reports: &periods::Reports,
    ) -> anyhow::Result<BTreeMap<AppId, BTreeMap<String, usize>>> {
        let mut by_app: BTreeMap<AppId, Vec<&ConferenceFacts>> = BTreeMap::new();
        for facts in facts.values() {
            by_app.entry(facts.row.app_id).or_default().push(facts);
        }
        let none = AppTotals::default();
        let apps: Vec<_> = self.world.apps.values().collect();
        let months: Vec<anyhow::Result<_>> = apps
            .par_iter()
            .map(|app| {
                let Some(organization) = self.world.organizations.get(&app.organization_id) else {
                    return Ok((app.id, BTreeMap::new()));
                };
                let mut own = by_app.get(&app.id).cloned().unwrap_or_default();
                own.sort_by_key(|facts| (facts.row.created_at, facts.row.id));
                let mut months: BTreeMap<String, Vec<&ConferenceFacts>> = BTreeMap::new();
                for facts in own {
                    months.entry(facts.row.created_at.day().month()).or_default().push(facts);
                }
                let names: Vec<&String> = months.keys().collect();
                for (at, (month, list)) in months.iter().enumerate() {
                    let neighbours =
                        (at.checked_sub(1).map(|before| names[before]), names.get(at + 1).copied());
                    let page = MonthPage::new(app, organization, month, neighbours, list);
                    self.page(Route::AppMonth(app.id, month.clone()), page)?;
                    self.data(&Route::ApiAppMonth(app.id, month.clone()), &api::month_file(list))?;
                    self.file(&Route::ApiAppMonthCsv(app.id, month.clone()), csv::month(list))?;
                }
                let counts: BTreeMap<String, usize> =
                    months.iter().map(|(month, list)| (month.clone(), list.len())).collect();
                let list: Vec<&ConferenceFacts> = months.into_values().flatten().collect();
                let board = Board::of(&list, self.world.instant);
                self.sink.put(&Route::AppFacts(app.id).path(), facts_script(&list, &board), None)?;
                let own = list.into_iter().map(|facts| (facts.row.id, facts)).collect();
                let totals = totals.get(&app.id).unwrap_or(&none);
                if self.options.downloads.embed {
                    let line = Sparkline::new(app, totals);
                    self.page(Route::EmbedApp(app.id), SparklinePage(line.clone()))?;
                    self.page(Route::EmbedAppPicture(app.id), SparklinePicture(line))?;
                }
                let mut page = AppPage::new(app, organization, (totals, &board), &own, &counts);
                page.last_period = reports.last.get(&ReportScope::App(app.id)).cloned();
                self.page(Route::App(app.id), page)?;
                let names: Vec<String> = counts.keys().cloned().collect();
                self.data(&Route::ApiApp(app.id), &api::app_file(app, totals, &names))?;
                Ok((app.id, counts))
            })
            .collect();
        months.into_iter().collect()
    }

    /// The tables of each app. They are read once more, a part at a time, so that no rows are held.
    fn tables(
        &self,
        snapshot: &Snapshot,
        facts: &BTreeMap<ConferenceId, ConferenceFacts>,
    ) -> anyhow::Result<()> {
        let app = |id: ConferenceId| facts.get(&id).map(|facts| facts.row.app_id);
        let conferences = || {
            self.table(snapshot, |row: &mut ConferenceRow| {
                // Its values are in the conference's own samples.
                row.summary_data = None;
                app(row.id)
            })
        };
        let sessions = || self.table(snapshot, |row: &mut SessionRow| app(row.conference_id));
        let connections = || self.table(snapshot, |row: &mut ConnectionRow| app(row.conference_id));
        let issues = || self.table(snapshot, |row: &mut IssueRow| app(row.in_conference_id));
        let (one, other) =
            rayon::join(|| rayon::join(conferences, sessions), || rayon::join(connections, issues));
        one.0.and(one.1).and(other.0).and(other.1)?;
        for id in self.world.apps.keys() {
            let mut writer = TableWriter::new()?;
            for row in self.world.participants.values().filter(|row| row.app_id == *id) {
                writer.write(std::slice::from_ref(row))?;
            }
            self.file(&Route::AppTable(*id, ParticipantRow::TABLE), writer.finish()?)?;
        }
        Ok(())
    }

    /// One table, dealt to its apps; each app has one, if only an empty one.
    fn table<R: Row>(
        &self,
        snapshot: &Snapshot,
        app_of: impl Fn(&mut R) -> Option<AppId>,
    ) -> anyhow::Result<()> {
        let mut writers: BTreeMap<AppId, TableWriter<R>> = BTreeMap::new();
        for id in self.world.apps.keys() {
            writers.insert(*id, TableWriter::new()?);
        }
        for part in snapshot.parts() {
            let mut dealt: BTreeMap<AppId, Vec<R>> = BTreeMap::new();
            for mut row in snapshot.table::<R>(part)? {
                if let Some(app) = app_of(&mut row) {
                    dealt.entry(app).or_default().push(row);
                }
            }
            for (app, rows) in dealt {
                if let Some(writer) = writers.get_mut(&app) {
                    writer.write(&rows)?;
                }
            }
        }
        for (app, writer) in writers {
            self.file(&Route::AppTable(app, R::TABLE), writer.finish()?)?;
        }
        Ok(())
    }

    fn organizations(
        &self,
        totals: &BTreeMap<AppId, AppTotals>,
        reports: &periods::Reports,
    ) -> anyhow::Result<()> {
        let of_app = |app: AppId| totals.get(&app).cloned().unwrap_or_default();
        let apps_of = |organization: OrganizationId| -> Vec<_> {
            self.world.apps.values().filter(|app| app.organization_id == organization).collect()
        };
        for row in self.world.organizations.values() {
            let apps = apps_of(row.id);
            let mut page = OrganizationPage::new(row, &apps, &of_app, self.world.instant);
            page.last_period = reports.last.get(&ReportScope::Organization(row.id)).cloned();
            self.page(Route::Organization(row.id), page)?;
            self.data(&Route::ApiOrganization(row.id), &api::organization_file(row, &apps))?;
        }
        let of_organization = |id: OrganizationId| {
            let mut all = AppTotals::default();
            for app in apps_of(id) {
                all.merge(of_app(app.id));
            }
            all
        };
        let mut page = IndexPage::new(&self.world, &of_organization);
        page.last_period = reports.last.get(&ReportScope::Site).cloned();
        self.page(Route::Index, page)
    }

    /// The search page and the directory of each app. Gives the directory's routes.
    fn directory(
        &self,
        facts: &BTreeMap<ConferenceId, ConferenceFacts>,
        months: &BTreeMap<AppId, BTreeMap<String, usize>>,
    ) -> anyhow::Result<Vec<Route>> {
        let mut conferences: BTreeMap<AppId, Vec<Listing>> = BTreeMap::new();
        for facts in facts.values() {
            let name = conference_label(facts);
            conferences.entry(facts.row.app_id).or_default().push(Listing {
                route: Route::Conference(facts.row.id),
                given_id: Some(facts.row.conference_id.clone()).filter(|given| *given != name),
                name,
                created_at: facts.row.created_at,
                server: false,
            });
        }
        let mut participants: BTreeMap<AppId, Vec<Listing>> = BTreeMap::new();
        for row in self.world.participants.values().filter(|row| row.is_active) {
            let person = self.world.person(row.id);
            participants.entry(row.app_id).or_default().push(Listing {
                route: Route::Participant(row.id),
                given_id: person.given_id.filter(|given| *given != person.label),
                name: person.label,
                created_at: row.created_at,
                server: row.is_sfu,
            });
        }
        let mut routes = Vec::new();
        let mut entries = Vec::new();
        for app in self.world.apps.values() {
            let Some(organization) = self.world.organizations.get(&app.organization_id) else { continue };
            let mut list = |listed, listings| -> anyhow::Result<Parts> {
                let (parts, pages) = directory::directory((app, organization), listed, listings);
                routes.extend(pages.iter().map(|(route, _)| route.clone()));
                pages.into_par_iter().try_for_each(|(route, page)| self.page(route, page))?;
                Ok(parts)
            };
            let of_conferences = list(Listed::Conferences, conferences.remove(&app.id).unwrap_or_default())?;
            let of_participants =
                list(Listed::Participants, participants.remove(&app.id).unwrap_or_default())?;
            let month = |(month, count): (&String, &usize)| {
                (Link::to(month, &Route::AppMonth(app.id, month.clone()), &Route::Search), *count)
            };
            entries.push(Entry {
                app: Link::to(&app.name, &Route::App(app.id), &Route::Search),
                organization: organization.name.clone(),
                months: months.get(&app.id).into_iter().flatten().rev().map(month).collect(),
                conferences: Directory::new(app.id, Listed::Conferences, &of_conferences),
                participants: Directory::new(app.id, Listed::Participants, &of_participants),
            });
        }
        entries.sort_by(|a, b| (&a.app.label, &a.app.href).cmp(&(&b.app.label, &b.app.href)));
        self.page(Route::Search, SearchPage { apps: entries })?;
        Ok(routes)
    }

    fn search_index(&self, facts: &BTreeMap<ConferenceId, ConferenceFacts>) -> anyhow::Result<()> {
        let app_name = |id| self.world.apps.get(&id).map(|app| app.name.clone()).unwrap_or_default();
        let other =
            |given: Option<String>, name: &str| given.filter(|given| given != name).unwrap_or_default();
        let mut items = Vec::new();
        for row in self.world.organizations.values() {
            items.push(Item {
                kind: Kind::Organization,
                id: row.id.into(),
                name: row.name.clone(),
                given_id: String::new(),
                created_at: row.created_at,
                place: String::new(),
            });
        }
        for app in self.world.apps.values() {
            let organization = self.world.organizations.get(&app.organization_id);
            items.push(Item {
                kind: Kind::App,
                id: app.id.into(),
                name: app.name.clone(),
                given_id: String::new(),
                created_at: app.created_at,
                place: organization.map(|row| row.name.clone()).unwrap_or_default(),
            });
        }
        for facts in facts.values() {
            let name = conference_label(facts);
            items.push(Item {
                kind: Kind::Conference,
                id: facts.row.id.into(),
                given_id: other(Some(facts.row.conference_id.clone()), &name),
                name,
                created_at: facts.row.created_at,
                place: app_name(facts.row.app_id),
            });
        }
        for row in self.world.participants.values().filter(|row| row.is_active) {
            let person = self.world.person(row.id);
            items.push(Item {
                kind: if row.is_sfu { Kind::Server } else { Kind::Participant },
                id: row.id.into(),
                given_id: other(person.given_id, &person.label),
                name: person.label,
                created_at: row.created_at,
                place: app_name(row.app_id),
            });
        }
        search_index::files(items).into_par_iter().try_for_each(|file| {
            self.sink.put(&Route::SearchIndex(file.name).path(), file.script.into_bytes(), None)
        })
    }

    fn for_robots(
        &self,
        facts: &BTreeMap<ConferenceId, ConferenceFacts>,
        months: &BTreeMap<AppId, BTreeMap<String, usize>>,
        more: &[Route],
    ) -> anyhow::Result<()> {
        // Calls are nobody's business but the owner's; a search engine has to be let in on purpose, by the host.
        self.sink.put(&Route::Robots.path(), b"User-agent: *\nDisallow: /\n".to_vec(), None)?;
        let Some(base) = &self.options.base_url else { return Ok(()) };
        let base = base.trim_end_matches('/');
        let mut text = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
        );
        let mut routes = vec![Route::Index];
        routes.extend(self.world.organizations.keys().map(|id| Route::Organization(*id)));
        for (app, months) in months {
            routes.push(Route::App(*app));
            routes.extend(months.keys().map(|month| Route::AppMonth(*app, month.clone())));
        }
        routes.push(Route::Search);
        routes.extend(facts.keys().map(|id| Route::Conference(*id)));
        routes.extend(more.iter().cloned());
        for route in routes {
            let url = format!("{base}/{}", route.path()).replace('&', "&amp;").replace('<', "&lt;");
            text.push_str(&format!("<url><loc>{url}</loc></url>\n"));
        }
        text.push_str("</urlset>\n");
        self.sink.put(&Route::Sitemap.path(), text.into_bytes(), None)
    }
}
