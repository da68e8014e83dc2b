//! A snapshot to all files of the site: a map over conferences, part by part, and reduces by participant, app and
//! organization. Files go to a [`Sink`] as soon as they are made; only small facts are kept.
//!
//! The work is cut into units, each with a key: a digest of all that its files are made from. A unit whose key is that of
//! the last build is not made again, and what only it needs is not read.

mod desk;
mod leavings;
mod on_demand;
mod periods;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use desk::{Desk, Hasher};
pub use leavings::Ledger;
use leavings::{Leavings, PartLeavings};

use crate::ids::{AppId, ConferenceId, OrganizationId, ParticipantId, SessionId};
use crate::privacy::{Only, Privacy, View};
use crate::publish::Published;
use crate::render::assets::Assets;
use crate::render::{RenderError, Renderer};
use crate::report::board::Board;
use crate::report::experience::{Experience, Usual};
use crate::report::{self, AppTotals, Attendance, ConferenceFacts, ConferenceReport, World};
use crate::scope::Scope;
use crate::shard::Shard;
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
use crate::site::{Downloads, Frame, ReportScope, Route, api, csv, internals};
use crate::snapshot::{
    AppRow, ConferenceRow, OrganizationRow, Part, ParticipantRow, Row, Snapshot, table_bytes,
};

pub use on_demand::{conference_contexts, is_measured_on_demand};

/// Where the files of a site go, unit by unit. Threads use it at the same time.
pub trait Sink: Sync {
    /// Keeps all files of a unit, if they were made from the same things and are in place. Gives whether it did.
    fn keep_unit(&self, name: &str, key: &blake3::Hash) -> anyhow::Result<bool>;
    /// Begins a unit.
    fn unit<'a>(&'a self, name: &str) -> anyhow::Result<Box<dyn UnitSink + 'a>>;
}

/// Where the files of one unit go. Threads use it at the same time.
pub trait UnitSink: Sync {
    /// Whether the file is there, made from the same things.
    fn is_current(&self, path: &str, key: &blake3::Hash) -> bool;
    /// Whether the file is there as it was written, whatever it was made from.
    fn is_in_place(&self, path: &str) -> bool;
    /// Keeps a current file.
    fn keep(&self, path: &str) -> anyhow::Result<()>;
    /// Takes a file; `key` is a digest of all that it was made from, if that is known.
    fn put(&self, path: &str, bytes: Vec<u8>, key: Option<blake3::Hash>) -> anyhow::Result<()>;
    /// Ends the unit; `key` is a digest of all that it was made from, if that is known.
    fn finish(self: Box<Self>, key: Option<blake3::Hash>) -> anyhow::Result<()>;
    /// Whether [`context`](Self::context) is to be told.
    fn hears_contexts(&self) -> bool {
        false
    }
    /// Hears of each page, current or not, what its template is given, as JSON.
    fn context(&self, _route: &Route, _template: &'static str, _json: &[u8]) -> anyhow::Result<()> {
        Ok(())
    }
}

/// What of a site is made, and from what.
#[derive(Debug, Clone, Copy, Default)]
pub enum Work<'a> {
    /// All of it.
    #[default]
    Whole,
    /// The pages of a slice of the conferences, and what these leave.
    Shard(Shard),
    /// All of it, from slices that were made before.
    Merge(&'a [Slice]),
}

/// A slice that was made before: its files, and what its conferences left.
#[derive(Debug)]
pub struct Slice {
    /// Which one.
    pub shard: Shard,
    /// What its conferences left.
    pub ledger: Ledger,
    /// Its files.
    pub files: Published,
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
    /// What of the data is shown.
    pub privacy: Privacy,
    /// Whose calls it is of.
    pub only: Only,
}

impl SiteOptions {
    /// What all pages have.
    pub fn frame(&self, assets: &Assets) -> Frame {
        Frame {
            scope: self.scope.label(),
            assets: assets.names.clone(),
            downloads: self.downloads,
            base_url: self.base_url.clone(),
            profile: self.privacy.profile(),
        }
    }
}

/// What was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    ledger: &'a Ledger,
    frame: Frame,
    frame_digest: blake3::Hash,
    /// Of all that the map over conferences depends on besides a part's rows and the names of participants.
    base: blake3::Hash,
    world: World,
    options: &'a SiteOptions,
}

/// What the conferences leave for the pages after them.
#[derive(Default)]
struct Rest {
    facts: Vec<ConferenceFacts>,
    totals: BTreeMap<AppId, AppTotals>,
    experiences: BTreeMap<AppId, Vec<Experience>>,
    findings: FindingTotals,
    /// Who is named on a page, in a report of a part of the data.
    people: BTreeSet<ParticipantId>,
    /// By part; the attendances are still on disk.
    parts: BTreeMap<(String, usize), Vec<PartLeavings>>,
}

/// What the pages of participants are made from.
struct People<'a> {
    parts: &'a BTreeMap<(String, usize), Vec<PartLeavings>>,
    usual: BTreeMap<AppId, Usual>,
    facts: &'a BTreeMap<ConferenceId, ConferenceFacts>,
}

/// A digest of everything that a site is made from. A site with the same one has the same bytes.
pub fn site_key(
    snapshot: &Snapshot,
    renderer: &Renderer,
    assets: &Assets,
    options: &SiteOptions,
) -> blake3::Hash {
    let mut hasher = Hasher::new("site");
    let (frame, rest) = frame_of(renderer, assets, options);
    // The names of assets have their digests.
    hasher.add(&frame.assets).add(rest.as_bytes()).add(snapshot.manifest());
    hasher.finish()
}

/// The key of a slice of the site with a key.
pub fn shard_key(site: &blake3::Hash, shard: Shard) -> blake3::Hash {
    let mut hasher = Hasher::new("shard");
    hasher.add(site.as_bytes()).add(&shard);
    hasher.finish()
}

/// What all pages have in common, and a digest of what they are made with.
fn frame_of(renderer: &Renderer, assets: &Assets, options: &SiteOptions) -> (Frame, blake3::Hash) {
    let frame = options.frame(assets);
    let mut hasher = Hasher::new("frame");
    hasher.add(env!("CARGO_PKG_VERSION")).add(renderer.digest().as_bytes());
    // Numbers and names of settings, which this form tells apart.
    hasher.add(&format!("{options:?}"));
    (frame, hasher.finish())
}

/// Makes all files.
pub fn make_site(
    snapshot: &Snapshot,
    renderer: &Renderer,
    assets: &Assets,
    options: &SiteOptions,
    (sink, ledger): (&dyn Sink, &Ledger),
    work: Work<'_>,
    progress: &dyn Progress,
) -> anyhow::Result<Made> {
    // From here on nobody has the snapshot itself, only what may be shown of it.
    let view = View::new(snapshot, &options.privacy, &options.only)?;
    let world = World::new(view.globals()?, view.instant());
    let (frame, frame_digest) = frame_of(renderer, assets, options);
    let mut base = Hasher::new("map");
    base.add(&frame.assets).add(frame_digest.as_bytes());
    base.add(&world.organizations).add(&world.apps);
    if !options.scope.is_all() {
        base.add(&world.instant);
    }
    let base = base.finish();
    let mut builder = Builder { renderer, sink, ledger, frame, frame_digest, base, world, options };
    if !matches!(work, Work::Shard(_)) {
        builder.in_unit("assets", None, |desk| {
            let mut files = assets.files.iter();
            files.try_for_each(|(name, bytes)| desk.put(&Route::Asset(name.clone()), bytes.clone()))
        })?;
    }
    let conferences = snapshot.manifest().rows.get("conferences").copied().unwrap_or(0);
    progress.planned(conferences);
    let rest = view
        .parts()
        .par_iter()
        .map(|part| match work {
            Work::Whole => builder.part(&view, part, None, progress),
            Work::Shard(shard) => builder.part(&view, part, Some(shard), progress),
            Work::Merge(slices) => builder.merged_part(part, slices, progress),
        })
        .try_reduce(Rest::default, |a, b| Ok(a.and(b)))?;
    if let Work::Shard(_) = work {
        let counts =
            SiteCounts { conferences: rest.facts.len(), participants: 0, findings: rest.findings.count() };
        builder.ledger.sweep(rest.parts.values().flatten());
        return Ok(Made { counts, mail: None });
    }
    if !options.scope.is_all() {
        // Who is in none of the report's conferences has no page.
        builder.world.participants.retain(|id, _| rest.people.contains(id));
    }
    builder.reduce(rest, &view)
}

/// The unit of a part's pages.
fn part_unit(part: &Part) -> String {
    format!("part-{}.{}", part.day, part.piece)
}

impl Rest {
    fn of(part: &Part, leavings: Leavings, kept: PartLeavings) -> Self {
        let Leavings { facts, totals, experiences, findings, people } = leavings;
        let parts = BTreeMap::from([((part.day.clone(), part.piece), vec![kept])]);
        Self { facts, totals, experiences, findings, people, parts }
    }

    fn and(mut self, other: Self) -> Self {
        self.facts.extend(other.facts);
        for (app, totals) in other.totals {
            self.totals.entry(app).or_default().merge(totals);
        }
        for (app, experiences) in other.experiences {
            self.experiences.entry(app).or_default().extend(experiences);
        }
        self.findings.merge(other.findings);
        self.people.extend(other.people);
        for (part, kept) in other.parts {
            self.parts.entry(part).or_default().extend(kept);
        }
        self
    }
}

impl Builder<'_> {
    /// The files of a part's conferences, and what they leave. If nothing changed since the last build, neither is made again.
    fn part(
        &self,
        view: &View<'_>,
        part: &Part,
        shard: Option<Shard>,
        progress: &dyn Progress,
    ) -> anyhow::Result<Rest> {
        let unit = part_unit(part);
        let base = self.part_base(part, shard);
        if let Some(kept) = self.ledger.find(&unit, &base, &self.world)
            && let Ok(leavings) = kept.read()
            && self.sink.keep_unit(&unit, &kept.key(&base))?
        {
            progress.rendered(part.rows.get(ConferenceRow::TABLE).copied().unwrap_or(0));
            return Ok(Rest::of(part, leavings, kept));
        }
        let unit_sink = self.sink.unit(&unit)?;
        let desk = Desk::new(self, &*unit_sink);
        let mut leavings = Leavings::default();
        let mut attendances: BTreeMap<usize, Vec<Attendance>> = BTreeMap::new();
        let (mut named, mut ongoing) = (BTreeSet::new(), false);
        for dossier in view.dossiers(part)? {
            let dossier = dossier?;
            progress.rendered(1);
            if shard.is_some_and(|shard| !shard.holds(dossier.conference.id)) {
                continue;
            }
            let mut report = report::measure(dossier, &self.world, &self.options.report);
            ongoing |= report.facts.row.ongoing;
            named.extend(report.named());
            if !self.options.scope.is_all() {
                if !self.narrow(&mut report) {
                    continue;
                }
                leavings.people.extend(report.named());
            }
            self.conference(&desk, &report)?;
            leavings.findings.add(&report.findings);
            for attendance in report::attendances(&report) {
                let own = leavings.experiences.entry(attendance.app).or_default();
                own.push(attendance.experience.clone());
                let group = leavings::group_of(attendance.participant);
                attendances.entry(group).or_default().push(attendance);
            }
            let mut facts = report.facts;
            if !self.options.scope.is_all() {
                let visits = facts.calls.iter().flat_map(|call| &call.visits).map(|visit| visit.session);
                let left: BTreeSet<SessionId> = visits.collect();
                facts.sessions.retain(|session| left.contains(&session.row.id));
            }
            let totals = leavings.totals.entry(facts.row.app_id).or_default();
            totals.add(&facts, self.options.report.since);
            // The attendances have the sessions now.
            facts.sessions = Vec::new();
            leavings.facts.push(facts);
        }
        let context = (named, ongoing, &self.world);
        let kept = self.ledger.keep(&unit, &base, &leavings, attendances, context)?;
        unit_sink.finish(Some(kept.key(&base)))?;
        Ok(Rest::of(part, leavings, kept))
    }

    /// A digest of what a part's pages depend on besides the names of participants.
    fn part_base(&self, part: &Part, shard: Option<Shard>) -> blake3::Hash {
        let mut base = Hasher::new("part");
        base.add(self.base.as_bytes()).add(&part.digests).add(&shard);
        base.finish()
    }

    /// The same from slices that were made before.
    fn merged_part(&self, part: &Part, slices: &[Slice], progress: &dyn Progress) -> anyhow::Result<Rest> {
        let unit = part_unit(part);
        let mut key = Hasher::new("merged part");
        let mut kept = Vec::new();
        for slice in slices {
            let base = self.part_base(part, Some(slice.shard));
            let found = slice.ledger.find(&unit, &base, &self.world).with_context(|| {
                format!(
                    "slice {} has nothing of {unit}\nhint: build all slices from this snapshot",
                    slice.shard
                )
            })?;
            key.add(found.key(&base).as_bytes());
            kept.push((slice, found));
        }
        self.in_unit(&unit, Some(key.finish()), |desk| {
            for (slice, _) in &kept {
                slice.files.of_unit(&unit)?.into_iter().try_for_each(|path| {
                    let bytes = slice.files.bytes(&path)?;
                    desk.copy(path.as_str(), bytes)
                })?;
            }
            Ok(())
        })?;
        progress.rendered(part.rows.get(ConferenceRow::TABLE).copied().unwrap_or(0));
        let mut rest = Rest::default();
        for (_, found) in kept {
            rest = rest.and(Rest::of(part, found.read()?, found));
        }
        Ok(rest)
    }

    /// The files of one conference.
    fn conference(&self, desk: &Desk<'_>, report: &ConferenceReport) -> anyhow::Result<()> {
        let id = report.id();
        desk.data(&Route::ApiConference(id), &api::conference_file(report, &self.world))?;
        desk.put(&Route::ApiConferenceSeries(id), csv::series(report))?;
        desk.put(&Route::ApiConferenceEvents(id), csv::events(report))?;
        if self.options.downloads.parquet {
            desk.put(&Route::ConferenceSamples(id), table_bytes(&report.dossier.samples)?)?;
            desk.put(&Route::ConferenceEvents(id), table_bytes(&report.dossier.events)?)?;
        }
        if self.options.downloads.webrtc_internals {
            desk.data(&Route::ConferenceInternals(id), &internals::dump(report, &self.world))?;
        }
        if self.options.downloads.embed {
            let card = Card::new(report);
            desk.page(Route::EmbedConference(id), CardPage(card.clone()))?;
            desk.page(Route::EmbedConferencePicture(id), CardPicture(card))?;
        }
        for (route, page) in conference::pages(report, &self.world, &self.options.report.limits) {
            match page {
                ConferencePageKind::Call(page) => desk.page(route, *page)?,
                ConferencePageKind::Events(page) => desk.page(route, *page)?,
            }
        }
        Ok(())
    }

    /// Leaves the facts of the calls that the report is of; whether there are any. The conference's own page has all its calls.
    fn narrow(&self, report: &mut ConferenceReport) -> bool {
        let within = |at| self.options.scope.holds(at, self.world.instant);
        let facts = &mut report.facts;
        let never_called = facts.calls.is_empty() && within(facts.row.created_at);
        facts.calls.retain(|call| within(call.start));
        never_called || !facts.calls.is_empty()
    }

    fn reduce(&self, rest: Rest, view: &View<'_>) -> anyhow::Result<Made> {
        let Rest { facts, totals, experiences, findings, people: _, parts } = rest;
        let facts: BTreeMap<ConferenceId, ConferenceFacts> =
            facts.into_iter().map(|facts| (facts.row.id, facts)).collect();
        let usual = experiences.iter().map(|(app, list)| (*app, Usual::of(list.iter()))).collect();
        let participants = self.participants(&People { parts: &parts, usual, facts: &facts })?;
        drop(experiences);
        let reports = self.reports(&facts)?;
        let months = self.apps(&facts, &totals, &reports)?;
        self.organizations(&totals, &reports)?;
        let directory = self.directory(&facts, &months)?;
        self.search_index(&facts)?;
        if self.options.downloads.parquet {
            self.tables(view, &facts)?;
        }
        self.in_unit("site", None, |desk| {
            desk.page(Route::DataQuality, DataQualityPage::new(&findings))?;
            let methods = MethodsPage::new(self.options.report.call_gap_s, &self.options.report.limits);
            let zone = self.options.report.zone.name().to_owned();
            desk.page(Route::Methods, MethodsPage { zone, ..methods })?;
            desk.page(Route::NotFound, NotFoundPage {})?;
            desk.page(Route::Data, DataPage::new(self.options.base_url.as_deref(), self.options.downloads))?;
            let rows = view.rows().cloned().unwrap_or_else(|| self.own_rows(&facts));
            let meta = api::meta_file(view.instant(), view.database(), self.options.privacy.profile(), &rows);
            desk.data(&Route::ApiMeta, &meta)?;
            desk.put(&Route::ApiSchema, api::SCHEMA.as_bytes().to_vec())?;
            self.for_robots(desk, &facts, &months, &[directory, reports.routes].concat())
        })?;
        let mail = reports.letter.map(|letter| -> Result<Mail, RenderError> {
            Ok(Mail {
                html: self.renderer.text("mail/period.html", &letter)?,
                markdown: self.renderer.text("mail/period.md", &letter)?,
            })
        });
        let counts = SiteCounts { conferences: facts.len(), participants, findings: findings.count() };
        self.ledger.sweep(parts.values().flatten());
        Ok(Made { counts, mail: mail.transpose()? })
    }

    /// Rows per table of a site that has not all of them, as far as the pages count them.
    fn own_rows(&self, facts: &BTreeMap<ConferenceId, ConferenceFacts>) -> BTreeMap<String, u64> {
        let world = &self.world;
        let counts = [
            (OrganizationRow::TABLE, world.organizations.len()),
            (AppRow::TABLE, world.apps.len()),
            (ParticipantRow::TABLE, world.participants.len()),
            (ConferenceRow::TABLE, facts.len()),
        ];
        counts.into_iter().map(|(table, count)| (table.to_owned(), count as u64)).collect()
    }

    /// The pages of participants, a group at a time: only the attendances of that group are in memory.
    fn participants(&self, people: &People<'_>) -> anyhow::Result<usize> {
        let mut groups: Vec<Vec<&ParticipantRow>> = vec![Vec::new(); leavings::GROUPS];
        for row in self.world.participants.values().filter(|row| row.is_active) {
            groups[leavings::group_of(row.id)].push(row);
        }
        groups.par_iter().enumerate().try_for_each(|(group, rows)| self.group(group, rows, people))?;
        Ok(groups.iter().map(Vec::len).sum())
    }

    fn group(&self, group: usize, rows: &[&ParticipantRow], people: &People<'_>) -> anyhow::Result<()> {
        let of_group =
            || people.parts.values().flatten().filter_map(|part| Some((part, part.group_digest(group)?)));
        let mut key = Hasher::new("participants");
        key.add(self.base.as_bytes()).add(rows).add(&people.usual);
        for (part, attendances) in of_group() {
            // The pages show what became of the whole conference, too.
            key.add(part.digest()).add(attendances);
        }
        self.in_unit(&format!("participants-{group:02x}"), Some(key.finish()), |desk| {
            let mut attendances = Vec::new();
            for (part, _) in of_group() {
                attendances.extend(part.group(group)?);
            }
            attendances.sort_by_key(|one| (one.participant, one.created_at, one.conference));
            let of: BTreeMap<ParticipantId, &[Attendance]> = attendances
                .chunk_by(|a, b| a.participant == b.participant)
                .map(|own| (own[0].participant, own))
                .collect();
            rows.iter().try_for_each(|row| {
                let own = of.get(&row.id).copied().unwrap_or_default();
                self.participant(desk, row, own, people)
            })
        })
    }

    fn participant(
        &self,
        desk: &Desk<'_>,
        row: &ParticipantRow,
        own: &[Attendance],
        people: &People<'_>,
    ) -> anyhow::Result<()> {
        let facts = people.facts;
        let Some(app) = self.world.apps.get(&row.app_id) else { return Ok(()) };
        let organization = self.world.organizations.get(&app.organization_id);
        let label = self.world.person(row.id).label;
        desk.data(&Route::ApiParticipant(row.id), &api::participant_file(row, own, facts))?;
        desk.put(&Route::ApiParticipantConferences(row.id), csv::participant(own, facts))?;
        let nothing = Usual::default();
        let usual = people.usual.get(&app.id).unwrap_or(&nothing);
        let page = ParticipantPage::new(row, label, (app, organization, usual), own, facts);
        desk.page(Route::Participant(row.id), page)
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
                let unit_sink = self.sink.unit(&format!("app-{}", app.id))?;
                let desk = Desk::new(self, &*unit_sink);
                let names: Vec<&String> = months.keys().collect();
                for (at, (month, list)) in months.iter().enumerate() {
                    let neighbours =
                        (at.checked_sub(1).map(|before| names[before]), names.get(at + 1).copied());
                    let page = MonthPage::new(app, organization, month, neighbours, list);
                    desk.page(Route::AppMonth(app.id, month.clone()), page)?;
                    desk.data(&Route::ApiAppMonth(app.id, month.clone()), &api::month_file(list))?;
                    desk.put(&Route::ApiAppMonthCsv(app.id, month.clone()), csv::month(list))?;
                }
                let counts: BTreeMap<String, usize> =
                    months.iter().map(|(month, list)| (month.clone(), list.len())).collect();
                let list: Vec<&ConferenceFacts> = months.into_values().flatten().collect();
                let board = Board::of(&list, self.world.instant);
                desk.put(&Route::AppFacts(app.id), facts_script(&list, &board))?;
                let own = list.into_iter().map(|facts| (facts.row.id, facts)).collect();
                let totals = totals.get(&app.id).unwrap_or(&none);
                if self.options.downloads.embed {
                    let line = Sparkline::new(app, totals);
                    desk.page(Route::EmbedApp(app.id), SparklinePage(line.clone()))?;
                    desk.page(Route::EmbedAppPicture(app.id), SparklinePicture(line))?;
                }
                let mut page = AppPage::new(app, organization, (totals, &board), &own, &counts);
                page.last_period = reports.last.get(&ReportScope::App(app.id)).cloned();
                desk.page(Route::App(app.id), page)?;
                let names: Vec<String> = counts.keys().cloned().collect();
                desk.data(&Route::ApiApp(app.id), &api::app_file(app, totals, &names))?;
                unit_sink.finish(None)?;
                Ok((app.id, counts))
            })
            .collect();
        months.into_iter().collect()
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
        let of_organization = |id: OrganizationId| {
            let mut all = AppTotals::default();
            for app in apps_of(id) {
                all.merge(of_app(app.id));
            }
            all
        };
        self.in_unit("organizations", None, |desk| {
            for row in self.world.organizations.values() {
                let apps = apps_of(row.id);
                let mut page = OrganizationPage::new(row, &apps, &of_app, self.world.instant);
                page.last_period = reports.last.get(&ReportScope::Organization(row.id)).cloned();
                desk.page(Route::Organization(row.id), page)?;
                desk.data(&Route::ApiOrganization(row.id), &api::organization_file(row, &apps))?;
            }
            let mut page = IndexPage::new(&self.world, &of_organization);
            page.last_period = reports.last.get(&ReportScope::Site).cloned();
            desk.page(Route::Index, page)
        })
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
        let unit_sink = self.sink.unit("directory")?;
        let desk = Desk::new(self, &*unit_sink);
        for app in self.world.apps.values() {
            let Some(organization) = self.world.organizations.get(&app.organization_id) else { continue };
            let mut list = |listed, listings| -> anyhow::Result<Parts> {
                let (parts, pages) = directory::directory((app, organization), listed, listings);
                routes.extend(pages.iter().map(|(route, _)| route.clone()));
                pages.into_par_iter().try_for_each(|(route, page)| desk.page(route, page))?;
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
        desk.page(Route::Search, SearchPage { apps: entries })?;
        unit_sink.finish(None)?;
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
        let mut key = Hasher::new("search");
        key.add(env!("CARGO_PKG_VERSION")).add(&items);
        self.in_unit("search", Some(key.finish()), |desk| {
            let files = search_index::files(items).into_par_iter();
            files.try_for_each(|file| desk.put(&Route::SearchIndex(file.name), file.script.into_bytes()))
        })
    }

    fn for_robots(
        &self,
        desk: &Desk<'_>,
        facts: &BTreeMap<ConferenceId, ConferenceFacts>,
        months: &BTreeMap<AppId, BTreeMap<String, usize>>,
        more: &[Route],
    ) -> anyhow::Result<()> {
        // Calls are nobody's business but the owner's; a search engine has to be let in on purpose, by the host.
        desk.put(&Route::Robots, b"User-agent: *\nDisallow: /\n".to_vec())?;
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
        desk.put(&Route::Sitemap, text.into_bytes())
    }
}
