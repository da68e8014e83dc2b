//! A snapshot to all files of the site: a map over conferences, part by part, and reduces by participant, app and
//! organization. Files go to a [`Sink`] as soon as they are made; only small facts are kept.
//!
//! The work is cut into units, each with a key: a digest of all that its files are made from. A unit whose key is that of
//! the last build is not made again, and what only it needs is not read.

mod desk;
mod leavings;
mod on_demand;
mod periods;
mod reconcile;
mod search;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use desk::{Desk, Hasher};
use leavings::{Brief, Draft, Leavings, Left, PartLeavings, Stored, Sums};
pub use leavings::{Ledger, LedgerDamage};
use reconcile::Totals;

use crate::ids::{AppId, ConferenceId, OrganizationId, ParticipantId};
use crate::privacy::{Only, Privacy, View};
use crate::publish::Published;
use crate::render::assets::Assets;
use crate::render::{RenderError, Renderer};
use crate::report::board::Board;
use crate::report::experience::{self, Medians, Usual};
use crate::report::fact_table::FactTable;
use crate::report::{self, AppTotals, Attendance, CallFacts, ConferenceFacts, ConferenceReport, World};
use crate::scope::Scope;
use crate::shard::Shard;
use crate::site::embed::{Card, CardPage, CardPicture, Sparkline, SparklinePage, SparklinePicture};
use crate::site::facts_script::write_facts_script;
use crate::site::pages::app::AppPage;
use crate::site::pages::conference::{self, ConferencePageKind};
use crate::site::pages::conference_label;
use crate::site::pages::data::DataPage;
use crate::site::pages::data_quality::DataQualityPage;
use crate::site::pages::index::IndexPage;
use crate::site::pages::methods::MethodsPage;
use crate::site::pages::month::MonthPage;
use crate::site::pages::not_found::NotFoundPage;
use crate::site::pages::organization::OrganizationPage;
use crate::site::pages::participant::ParticipantPage;
use crate::site::pages::period::LastPeriod;
use crate::site::{Downloads, Frame, ReportScope, Route, api, csv, internals};
use crate::snapshot::{
    AppRow, ConferenceRow, Dossier, OrganizationRow, Part, ParticipantRow, Row, SessionRow, Snapshot,
    write_samples, write_table,
};

pub use on_demand::{conference_contexts, is_measured_on_demand};

/// Where the files of a site go, unit by unit. Threads use it at the same time.
pub trait Sink: Sync {
    /// Keeps all files of a unit, if they were made from the same things and are in place. Gives whether it did.
    fn keep_unit(&self, name: &str, key: &blake3::Hash) -> anyhow::Result<bool>;
    /// Begins a unit.
    fn unit<'a>(&'a self, name: &str) -> anyhow::Result<Box<dyn UnitSink + 'a>>;
}

/// Writes the bytes of a file, the same each time.
pub type Make<'a> = dyn Fn(&mut (dyn Write + Send)) -> anyhow::Result<()> + 'a;

/// Where the files of one unit go. Threads use it at the same time.
pub trait UnitSink: Send + Sync {
    /// Whether the file is there, made from the same things.
    fn is_current(&self, path: &str, key: &blake3::Hash) -> bool;
    /// Whether the file is there as it was written, whatever it was made from.
    fn is_in_place(&self, path: &str) -> bool;
    /// Keeps a current file.
    fn keep(&self, path: &str) -> anyhow::Result<()>;
    /// Keeps all files that were made from the same things, if there are any and all are in place; else nothing is done.
    /// Gives whether it did.
    fn keep_all(&self, _key: &blake3::Hash) -> anyhow::Result<bool> {
        Ok(false)
    }
    /// Takes a file; `key` is a digest of all that it was made from, if that is known.
    fn put(&self, path: &str, bytes: Vec<u8>, key: Option<blake3::Hash>) -> anyhow::Result<()>;
    /// The same of a file that may be large. A sink that needs all of its bytes at once holds them.
    fn put_with(&self, path: &str, key: Option<blake3::Hash>, make: &Make<'_>) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        make(&mut bytes)?;
        self.put(path, bytes, key)
    }
    /// Ends the unit; `key` is a digest of all that it was made from, if that is known.
    fn finish(self: Box<Self>, key: Option<blake3::Hash>) -> anyhow::Result<()>;
    /// Whether it has to hear of every page, also of one that could be kept without making what its template is given.
    fn wants_contexts(&self) -> bool {
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
    /// The letter on the last whole period; none if it was not asked for, or if no period with a call is over.
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

/// Threads take large pieces of work one by one: left to itself, rayon hands them out in runs, and whoever has the last run works on alone
/// while the others have nothing left.
const ONE: usize = 1;
/// With fewer parts than this for each thread, threads that have no part left share the conferences of another's.
const PARTS_PER_THREAD: usize = 4;

/// What the parts left, by day and piece; sections are still on disk.
type Parts = BTreeMap<(String, usize), Vec<PartLeavings>>;
/// By app, the months in which it has conferences, with their number.
type Months = BTreeMap<AppId, BTreeMap<String, usize>>;

/// What the conferences leave for the pages after them.
#[derive(Default)]
struct Rest {
    left: Leavings,
    parts: Parts,
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

/// A digest of all that a site is made with, whatever it is made of: version, templates, assets and settings.
pub fn digest_of_make(renderer: &Renderer, assets: &Assets, options: &SiteOptions) -> blake3::Hash {
    let (frame, rest) = frame_of(renderer, assets, options);
    let mut hasher = Hasher::new("made with");
    hasher.add(&frame.assets).add(rest.as_bytes());
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

/// Makes all files, and the letter if it is wanted.
pub fn make_site(
    snapshot: &Snapshot,
    renderer: &Renderer,
    assets: &Assets,
    options: &SiteOptions,
    (sink, ledger): (&dyn Sink, &Ledger),
    (work, wants_letter): (Work<'_>, bool),
    progress: &dyn Progress,
) -> anyhow::Result<Made> {
    // From here on nobody has the snapshot itself, only what may be shown of it.
    let view = View::new(snapshot, &options.privacy, &options.only)?;
    let world = World::new(view.globals()?, view.instant());
    let (frame, frame_digest) = frame_of(renderer, assets, options);
    let mut base = Hasher::new("map");
    base.add(&frame.assets).add(frame_digest.as_bytes());
    // The minutes of the last days change with every session, and are on no page of the map.
    let apps = world.apps.values().map(|row| AppRow { durations_days: None, ..row.clone() });
    base.add(&world.organizations).add(&apps.collect::<Vec<_>>());
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
    let rest = match work {
        Work::Whole => builder.map(&view, None, progress),
        Work::Shard(shard) => builder.map(&view, Some(shard), progress),
        Work::Merge(slices) => {
            let merged = view
                .parts()
                .par_iter()
                .with_max_len(ONE)
                .map(|part| builder.merged_part(part, slices, progress));
            merged.try_reduce(Rest::default, |older, newer| Ok(older.and(newer)))
        }
    }?;
    if let Work::Shard(_) = work {
        let Leavings { conferences, findings, .. } = &rest.left;
        let counts =
            SiteCounts { conferences: conferences.len(), participants: 0, findings: findings.count() };
        builder.ledger.sweep(rest.parts.values().flatten(), std::iter::empty());
        return Ok(Made { counts, mail: None });
    }
    if !options.scope.is_all() {
        // Who is in none of the report's conferences has no page.
        builder.world.participants.retain(|id, _| rest.left.people.contains(id));
    }
    builder.reduce(rest, &view, wants_letter)
}

/// The conferences of an app and month, in one part.
type StoredList<'a> = Stored<'a, Vec<ConferenceFacts>>;
/// What is usual in an app, by month, part by part.
type ByMonth<'a> = BTreeMap<&'a str, Vec<Stored<'a, Vec<Medians>>>>;

/// What the parts left of one app.
#[derive(Default)]
struct AppLeavings<'a> {
    /// By UTC month of creation; each with the part that it is of.
    lists: BTreeMap<&'a str, Vec<(&'a PartLeavings, StoredList<'a>)>>,
}

impl<'a> AppLeavings<'a> {
    /// The lists of a month.
    fn of_month(&self, month: &str) -> Vec<StoredList<'a>> {
        self.lists.get(month).into_iter().flatten().map(|(_, list)| *list).collect()
    }

    /// Digests of the conferences of a month and of their calls, in the order of parts.
    fn digests(&self, app: AppId, month: &str) -> Vec<&'a [u8; 32]> {
        let of = |(part, list): &(&'a PartLeavings, Stored<'a, _>)| {
            let calls = part.calls().filter(move |(of, ..)| *of == app).map(|(.., calls)| calls.digest());
            std::iter::once(list.digest()).chain(calls).collect::<Vec<_>>()
        };
        self.lists.get(month).into_iter().flatten().flat_map(of).collect()
    }

    /// The conferences of a month with their calls, in little room.
    fn table_of(&self, app: AppId, month: &str) -> anyhow::Result<FactTable> {
        let mut calls: BTreeMap<ConferenceId, Vec<CallFacts>> = BTreeMap::new();
        for (part, _) in self.lists.get(month).into_iter().flatten() {
            for (.., stored) in part.calls().filter(|(of, ..)| *of == app) {
                for room in stored.read()? {
                    calls.entry(room.conference).or_default().push(room.call);
                }
            }
        }
        let mut table = FactTable::default();
        for facts in in_order(&self.of_month(month))? {
            let mut own = calls.remove(&facts.row.id).unwrap_or_default();
            own.sort_by_key(|call| call.number);
            table.push(&facts, &conference_label(&facts), &own);
        }
        Ok(table)
    }
}

/// Conferences in order of creation.
fn in_order(lists: &[StoredList<'_>]) -> anyhow::Result<Vec<ConferenceFacts>> {
    let mut all = Vec::new();
    for list in lists {
        all.extend(list.read()?);
    }
    all.sort_by_key(|facts| (facts.row.created_at, facts.row.id));
    Ok(all)
}

/// The name of a part's unit.
pub(super) fn part_unit(part: &Part) -> String {
    format!("part-{}.{}", part.day, part.piece)
}

impl Rest {
    fn of(part: &Part, left: Leavings, kept: PartLeavings) -> Self {
        Self { left, parts: BTreeMap::from([((part.day.clone(), part.piece), vec![kept])]) }
    }

    fn and(mut self, other: Self) -> Self {
        let Leavings { conferences, totals, findings, people } = other.left;
        self.left.conferences.reserve_exact(conferences.len());
        self.left.conferences.extend(conferences);
        for (app, totals) in totals {
            self.left.totals.entry(app).or_default().merge(totals);
        }
        self.left.findings.merge(findings);
        self.left.people.extend(people);
        for (part, kept) in other.parts {
            self.parts.entry(part).or_default().extend(kept);
        }
        self
    }
}

impl Builder<'_> {
    /// The files of all conferences, and what these leave. A part of which nothing changed since the last build is not made again. Each
    /// thread makes a part of its own, one conference after the other, so that few are held; where that would leave threads without
    /// work, as when one call is new, those share the conferences of another's part.
    fn map(&self, view: &View<'_>, shard: Option<Shard>, progress: &dyn Progress) -> anyhow::Result<Rest> {
        let others = Mutex::new(Vec::new());
        // Put together as they come: what each leaves by itself takes more room than all together.
        let kept = view.parts().par_iter().with_max_len(ONE).map(|part| {
            let kept = self.kept_part(part, shard, progress)?;
            if kept.is_none() {
                others.lock().unwrap_or_else(PoisonError::into_inner).push(part);
            }
            Ok(kept.unwrap_or_default())
        });
        let kept = kept.try_reduce(Rest::default, |older, newer| anyhow::Ok(older.and(newer)))?;
        let mut others = others.into_inner().unwrap_or_else(PoisonError::into_inner);
        // The newest first: those that take longest are mostly there, and are best not begun last.
        others.sort_by_key(|part| std::cmp::Reverse((&part.day, part.piece)));
        let spread = others.len() < PARTS_PER_THREAD * rayon::current_num_threads();
        let made = others
            .into_par_iter()
            .with_max_len(ONE)
            .map(|part| self.part(view, part, shard, (progress, spread)));
        Ok(kept.and(made.try_reduce(Rest::default, |newer, older| Ok(older.and(newer)))?))
    }

    /// What a part left when it was last made, if it would be made from the same things and its files are in place.
    fn kept_part(
        &self,
        part: &Part,
        shard: Option<Shard>,
        progress: &dyn Progress,
    ) -> anyhow::Result<Option<Rest>> {
        let unit = part_unit(part);
        let base = self.part_base(part, shard);
        let Some(kept) = self.ledger.find(&unit, &base, &self.world) else { return Ok(None) };
        let Ok(left) = kept.read() else { return Ok(None) };
        if !self.sink.keep_unit(&unit, &kept.key(&base))? {
            return Ok(None);
        }
        progress.rendered(part.rows.get(ConferenceRow::TABLE).copied().unwrap_or(0));
        Ok(Some(Rest::of(part, left, kept)))
    }

    /// The files of a part's conferences, and what they leave. `spread` says whether threads may share the conferences.
    fn part(
        &self,
        view: &View<'_>,
        part: &Part,
        shard: Option<Shard>,
        (progress, spread): (&dyn Progress, bool),
    ) -> anyhow::Result<Rest> {
        let unit = part_unit(part);
        let base = self.part_base(part, shard);
        let unit_sink = self.sink.unit(&unit)?;
        let desk = Desk::new(self, &*unit_sink);
        let options = &self.options.report;
        let whole = self.options.scope.is_all();
        let left = |dossier: Dossier| -> anyhow::Result<Option<Left>> {
            progress.rendered(1);
            if shard.is_some_and(|shard| !shard.holds(dossier.conference.id)) {
                return Ok(None);
            }
            let mut report = report::measure(dossier, &self.world, options);
            if !whole && !self.narrow(&mut report) {
                return Ok(Some(Left::only_named(&report, options)));
            }
            self.conference(&desk, &report)?;
            Ok(Some(Left::of(report, options, whole)))
        };
        let mut draft = Draft::default();
        if spread {
            let dossiers = view.dossiers(part)?.enumerate().par_bridge();
            let mut all: Vec<(usize, Option<Left>)> =
                dossiers.map(|(at, dossier)| Ok((at, left(dossier?)?))).collect::<anyhow::Result<_>>()?;
            all.sort_by_key(|(at, _)| *at);
            all.into_iter().filter_map(|(_, left)| left).for_each(|left| draft.add(left, options, whole));
        } else {
            for dossier in view.dossiers(part)? {
                if let Some(left) = left(dossier?)? {
                    draft.add(left, options, whole);
                }
            }
        }
        let (left, kept) = self.ledger.keep(&unit, &base, draft, &self.world)?;
        unit_sink.finish(Some(kept.key(&base)))?;
        Ok(Rest::of(part, left, kept))
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
                let mut paths = slice.files.of_unit(&unit)?.into_iter();
                paths.try_for_each(|path| {
                    desk.copy(path.as_str(), &|to| Ok(slice.files.copy(&path, to)?))
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

    /// The files of one conference, which are kept together while its rows and the names on its pages are the same.
    fn conference(&self, desk: &Desk<'_>, report: &ConferenceReport) -> anyhow::Result<()> {
        let id = report.id();
        let key = self.conference_key(report);
        if desk.keep_all(&key)? {
            return Ok(());
        }
        desk.keyed_data(&key, &Route::ApiConference(id), &api::conference_file(report, &self.world))?;
        desk.keyed_put(&key, &Route::ApiConferenceSeries(id), &|to| Ok(csv::series(report, to)?))?;
        desk.keyed_put(&key, &Route::ApiConferenceEvents(id), &|to| Ok(csv::events(report, to)?))?;
        if self.options.downloads.parquet {
            let Dossier { samples, events, .. } = &report.dossier;
            desk.keyed_put(&key, &Route::ConferenceSamples(id), &|to| Ok(write_samples(samples, to)?))?;
            desk.keyed_put(&key, &Route::ConferenceEvents(id), &|to| Ok(write_table(events, to)?))?;
        }
        if self.options.downloads.webrtc_internals {
            desk.keyed_data(&key, &Route::ConferenceInternals(id), &internals::dump(report, &self.world))?;
        }
        if self.options.downloads.embed {
            let card = Card::new(report);
            desk.keyed_page(&key, Route::EmbedConference(id), CardPage(card.clone()))?;
            desk.keyed_page(&key, Route::EmbedConferencePicture(id), CardPicture(card))?;
        }
        for (route, page) in conference::pages(report, &self.world, &self.options.report.limits) {
            match page {
                ConferencePageKind::Call(page) => desk.keyed_page(&key, route, *page)?,
                ConferencePageKind::Events(page) => desk.keyed_page(&key, route, *page)?,
            }
        }
        Ok(())
    }

    /// A digest of all that the files of a conference are made from.
    fn conference_key(&self, report: &ConferenceReport) -> blake3::Hash {
        let Dossier { conference, sessions, connections, tracks, issues, events, samples } = &report.dossier;
        let mut key = Hasher::new("conference");
        key.add(self.base.as_bytes()).add(conference).add_all(sessions).add_all(connections);
        key.add_all(tracks).add_all(issues).add_all(events).add_samples(samples);
        let named: BTreeSet<ParticipantId> = report.named().collect();
        for id in named {
            key.add(&id).add(&self.world.participants.get(&id));
        }
        let instant = self.world.instant;
        let settles = report.settles(&self.options.report);
        key.add(&settles.filter(|settles| instant <= *settles).map(|_| instant));
        key.finish()
    }

    /// Leaves the facts of the calls that the report is of; whether there are any. The conference's own page has all its calls.
    fn narrow(&self, report: &mut ConferenceReport) -> bool {
        let within = |at| self.options.scope.holds(at, self.world.instant);
        let never_called = report.call_facts.is_empty() && within(report.facts.row.created_at);
        report.call_facts.retain(|call| within(call.start));
        report.facts.calls = report.call_facts.len();
        never_called || !report.call_facts.is_empty()
    }

    fn reduce(&self, rest: Rest, view: &View<'_>, wants_letter: bool) -> anyhow::Result<Made> {
        let Rest { left: Leavings { mut conferences, totals, findings, people: _ }, parts } = rest;
        conferences.par_sort_unstable_by_key(|brief| brief.id);
        let mut months = Months::new();
        for brief in &conferences {
            let of_app = months.entry(brief.app).or_default();
            *of_app.entry(brief.created_at.day().month()).or_default() += 1;
        }
        // Each has stretches that are for one thread only.
        let (of_calls, of_names) = rayon::join(
            || {
                let participants = self.participants(&parts)?;
                let (reports, boards) =
                    self.reports(&parts, wants_letter, |last| self.apps(&parts, &months, &totals, last))?;
                self.reconcile(view, (&conferences, &months, &totals), &reports)?;
                self.organizations(&totals, &reports)?;
                anyhow::Ok((participants, reports, boards))
            },
            || {
                let directory = self.directory(&conferences, &months)?;
                let shelves = self.search_index(&conferences)?;
                let parquet = self.options.downloads.parquet;
                let months = parquet.then(|| self.tables(view, &conferences)).transpose()?;
                anyhow::Ok((directory, shelves, months.unwrap_or_default()))
            },
        );
        let ((participants, reports, boards), (directory, shelves, tables)) = (of_calls?, of_names?);
        self.in_unit("site", None, |desk| {
            desk.page(Route::DataQuality, DataQualityPage::new(&findings))?;
            let methods = MethodsPage::new(self.options.report.call_gap_s, &self.options.report.limits);
            let zone = self.options.report.zone.name().to_owned();
            desk.page(Route::Methods, MethodsPage { zone, ..methods })?;
            desk.page(Route::NotFound, NotFoundPage {})?;
            desk.page(Route::Data, DataPage::new(self.options.base_url.as_deref(), self.options.downloads))?;
            let rows = view.rows().cloned().unwrap_or_else(|| self.own_rows(conferences.len()));
            let meta = api::meta_file(view.instant(), view.database(), self.options.privacy.profile(), &rows);
            desk.data(&Route::ApiMeta, &meta)?;
            desk.put(&Route::ApiSchema, api::SCHEMA.as_bytes().to_vec())?;
            self.for_robots(desk, &conferences, &months, &[directory, reports.routes].concat())
        })?;
        let mail = reports.letter.map(|letter| -> Result<Mail, RenderError> {
            Ok(Mail {
                html: self.renderer.text("mail/period.html", &letter)?,
                markdown: self.renderer.text("mail/period.md", &letter)?,
            })
        });
        let counts = SiteCounts { conferences: conferences.len(), participants, findings: findings.count() };
        let boards = boards.iter().filter_map(Sums::path);
        let sums = boards.chain(tables.iter().filter_map(Sums::path));
        let sums = sums.chain(reports.months.values().filter_map(Sums::path));
        let sums = sums.chain(shelves.iter().map(PathBuf::as_path));
        self.ledger.sweep(parts.values().flatten(), sums);
        Ok(Made { counts, mail: mail.transpose()? })
    }

    /// Holds totals that were reached in different ways against each other.
    fn reconcile(
        &self,
        view: &View<'_>,
        (conferences, months, totals): (&[Brief], &Months, &BTreeMap<AppId, AppTotals>),
        reports: &periods::Reports,
    ) -> anyhow::Result<()> {
        let mut all = Totals::default();
        let by_day = |totals: &AppTotals| totals.days.values().map(|day| day.total()).sum::<usize>();
        let by_size = |totals: &AppTotals| totals.participant_counts.values().sum::<usize>();
        for (app, own) in totals {
            let what = format!("conferences of app {app}");
            all.add(&what, "by day", by_day(own));
            all.add(&what, "by number of participants", by_size(own));
            all.add(
                &what,
                "by month",
                months.get(app).into_iter().flatten().map(|(_, count)| count).sum::<usize>(),
            );
        }
        all.add("conferences", "on pages of their own", conferences.len());
        all.add("conferences", "on dashboards of apps", totals.values().map(by_day).sum::<usize>());
        // Of a scope or one tenant the snapshot has more.
        if let Some(rows) = view.rows().filter(|_| self.options.scope.is_all()) {
            let rows = |table: &str| rows.get(table).copied().unwrap_or(0);
            all.add("conferences", "in the snapshot", rows(ConferenceRow::TABLE));
            all.add("sessions", "in the snapshot", rows(SessionRow::TABLE));
            all.add(
                "sessions",
                "on dashboards of apps",
                totals.values().map(|own| own.sessions).sum::<usize>(),
            );
        }
        reports.total_calls(&mut all);
        all.check()?;
        tracing::debug!("{} totals agree, each counted in several ways", all.compared());
        Ok(())
    }

    /// Rows per table of a site that has not all of them, as far as the pages count them.
    fn own_rows(&self, conferences: usize) -> BTreeMap<String, u64> {
        let world = &self.world;
        let counts = [
            (OrganizationRow::TABLE, world.organizations.len()),
            (AppRow::TABLE, world.apps.len()),
            (ParticipantRow::TABLE, world.participants.len()),
            (ConferenceRow::TABLE, conferences),
        ];
        counts.into_iter().map(|(table, count)| (table.to_owned(), count as u64)).collect()
    }

    /// What is usual in each app.
    fn usual(&self, parts: &Parts) -> anyhow::Result<BTreeMap<AppId, Usual>> {
        let mut by_app: BTreeMap<AppId, ByMonth<'_>> = BTreeMap::new();
        for part in parts.values().flatten() {
            for (app, month, medians) in part.medians() {
                by_app.entry(app).or_default().entry(month).or_default().push(medians);
            }
        }
        let (instant, zone) = (self.world.instant, &self.options.report.zone);
        let usual = |(app, by_month): (AppId, ByMonth<'_>)| {
            let months = experience::usual_months(by_month.keys().copied(), instant, zone);
            let wanted: Vec<_> = months.iter().filter_map(|month| by_month.get(month)).flatten().collect();
            let lists: anyhow::Result<Vec<Vec<Medians>>> =
                wanted.par_iter().map(|list| list.read()).collect();
            Ok((app, Usual::of(&months, lists?.into_iter().flatten())))
        };
        by_app.into_iter().map(usual).collect()
    }

    /// The pages of participants, a group at a time: only the attendances of that group are in memory.
    fn participants(&self, parts: &Parts) -> anyhow::Result<usize> {
        let usual = self.usual(parts)?;
        let mut groups: Vec<Vec<&ParticipantRow>> = vec![Vec::new(); leavings::GROUPS];
        for row in self.world.participants.values().filter(|row| row.is_active) {
            groups[leavings::group_of(row.id)].push(row);
        }
        let all = groups.par_iter().with_max_len(ONE).enumerate();
        all.try_for_each(|(group, rows)| self.group(group, rows, parts, &usual))?;
        Ok(groups.iter().map(Vec::len).sum())
    }

    fn group(
        &self,
        group: usize,
        rows: &[&ParticipantRow],
        parts: &Parts,
        usual: &BTreeMap<AppId, Usual>,
    ) -> anyhow::Result<()> {
        let of_group: Vec<_> = parts.values().flatten().filter_map(|part| part.group(group)).collect();
        let digests: Vec<_> = of_group.iter().map(Stored::digest).collect();
        let mut key = Hasher::new("participants");
        key.add(self.base.as_bytes()).add(rows).add(usual).add(&digests);
        self.in_unit(&format!("participants-{group:02x}"), Some(key.finish()), |desk| {
            let mut attendances = Vec::new();
            let mut facts = BTreeMap::new();
            for left in of_group {
                let left = left.read()?;
                attendances.extend(left.attendances);
                facts.extend(left.facts);
            }
            attendances.sort_by_key(|one| (one.participant, one.created_at, one.conference));
            let of: BTreeMap<ParticipantId, &[Attendance]> = attendances
                .chunk_by(|a, b| a.participant == b.participant)
                .map(|own| (own[0].participant, own))
                .collect();
            rows.iter().try_for_each(|row| {
                let own = of.get(&row.id).copied().unwrap_or_default();
                self.participant(desk, row, own, &facts, usual)
            })
        })
    }

    fn participant(
        &self,
        desk: &Desk<'_>,
        row: &ParticipantRow,
        own: &[Attendance],
        facts: &BTreeMap<ConferenceId, ConferenceFacts>,
        usual: &BTreeMap<AppId, Usual>,
    ) -> anyhow::Result<()> {
        let Some(app) = self.world.apps.get(&row.app_id) else { return Ok(()) };
        let organization = self.world.organizations.get(&app.organization_id);
        let label = self.world.person(row.id).label;
        desk.data(&Route::ApiParticipant(row.id), &api::participant_file(row, own, facts))?;
        desk.put_with(&Route::ApiParticipantConferences(row.id), &|to| {
            Ok(csv::participant(own, facts, to)?)
        })?;
        let nothing = Usual::default();
        let usual = usual.get(&app.id).unwrap_or(&nothing);
        let page = ParticipantPage::new(row, label, (app, organization, usual), own, facts);
        desk.page(Route::Participant(row.id), page)
    }

    /// The lists of each app by month, and its dashboard.
    fn apps(
        &self,
        parts: &Parts,
        months: &Months,
        totals: &BTreeMap<AppId, AppTotals>,
        last: &BTreeMap<ReportScope, LastPeriod>,
    ) -> anyhow::Result<Vec<Sums<FactTable>>> {
        let mut left: BTreeMap<AppId, AppLeavings<'_>> = BTreeMap::new();
        for part in parts.values().flatten() {
            for (app, month, list) in part.lists() {
                left.entry(app).or_default().lists.entry(month).or_default().push((part, list));
            }
        }
        let none = (AppTotals::default(), BTreeMap::new(), AppLeavings::default());
        let apps: Vec<_> = self.world.apps.values().collect();
        let tables: anyhow::Result<Vec<_>> = apps
            .par_iter()
            .with_max_len(ONE)
            .map(|app| {
                let own = left.get(&app.id).unwrap_or(&none.2);
                let months = months.get(&app.id).unwrap_or(&none.1);
                let totals = totals.get(&app.id).unwrap_or(&none.0);
                self.app(app, own, months, totals, last.get(&ReportScope::App(app.id)).cloned())
            })
            .collect();
        Ok(tables?.into_iter().flatten().collect())
    }

    fn app(
        &self,
        app: &AppRow,
        left: &AppLeavings<'_>,
        months: &BTreeMap<String, usize>,
        totals: &AppTotals,
        last: Option<LastPeriod>,
    ) -> anyhow::Result<Vec<Sums<FactTable>>> {
        let Some(organization) = self.world.organizations.get(&app.organization_id) else {
            return Ok(Vec::new());
        };
        let names: Vec<&String> = months.keys().collect();
        names.par_iter().with_max_len(ONE).enumerate().try_for_each(|(at, month)| {
            let lists = left.of_month(month);
            let digests: Vec<_> = lists.iter().map(Stored::digest).collect();
            let neighbours = (at.checked_sub(1).map(|before| names[before]), names.get(at + 1).copied());
            let mut key = Hasher::new("month");
            key.add(self.base.as_bytes()).add(&app.id).add(month).add(&neighbours).add(&digests);
            self.in_unit(&format!("app-{}-{month}", app.id), Some(key.finish()), |desk| {
                let list = in_order(&lists)?;
                let list: Vec<&ConferenceFacts> = list.iter().collect();
                let page = MonthPage::new(app, organization, month, neighbours, &list);
                desk.page(Route::AppMonth(app.id, (*month).clone()), page)?;
                desk.data(&Route::ApiAppMonth(app.id, (*month).clone()), &api::month_file(&list))?;
                desk.put_with(&Route::ApiAppMonthCsv(app.id, (*month).clone()), &|to| {
                    Ok(csv::month(&list, to)?)
                })
            })
        })?;
        let digests: Vec<_> = names.iter().map(|month| left.digests(app.id, month)).collect();
        let tables: anyhow::Result<Vec<_>> = names
            .par_iter()
            .with_max_len(ONE)
            .zip(&digests)
            .map(|(month, digests)| {
                let mut key = Hasher::new("month of an app");
                key.add(env!("CARGO_PKG_VERSION")).add(digests);
                let name = format!("app-{}-{month}", app.id);
                self.ledger.sums(&name, &key.finish(), || left.table_of(app.id, month))
            })
            .collect();
        let tables = tables?;
        let mut key = Hasher::new("app");
        // The axes of charts end with the snapshot's day.
        key.add(self.base.as_bytes()).add(app).add(&last).add(&self.world.instant.day()).add(totals);
        for month in &digests {
            key.add(month);
        }
        self.in_unit(&format!("app-{}", app.id), Some(key.finish()), |desk| {
            let mut table = FactTable::default();
            for month in &tables {
                table.append(month.read()?);
            }
            let board = Board::of(&table, self.world.instant);
            let script =
                || desk.put_with(&Route::AppFacts(app.id), &|to| Ok(write_facts_script(&table, &board, to)?));
            let page = || {
                let mut page = AppPage::new(app, organization, (totals, &board), &table, months);
                page.last_period = last;
                desk.page(Route::App(app.id), page)
            };
            let (script, page) = rayon::join(script, page);
            script.and(page)?;
            if self.options.downloads.embed {
                let line = Sparkline::new(app, totals);
                desk.page(Route::EmbedApp(app.id), SparklinePage(line.clone()))?;
                desk.page(Route::EmbedAppPicture(app.id), SparklinePicture(line))?;
            }
            let names: Vec<String> = months.keys().cloned().collect();
            desk.data(&Route::ApiApp(app.id), &api::app_file(app, totals, &names))
        })?;
        Ok(tables)
    }

    fn organizations(
        &self,
        totals: &BTreeMap<AppId, AppTotals>,
        reports: &periods::Reports,
    ) -> anyhow::Result<()> {
        let totals: BTreeMap<AppId, AppTotals> =
            totals.iter().map(|(app, totals)| (*app, totals.figures())).collect();
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

    fn for_robots(
        &self,
        desk: &Desk<'_>,
        conferences: &[Brief],
        months: &Months,
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
        routes.extend(conferences.iter().map(|brief| Route::Conference(brief.id)));
        routes.extend(more.iter().cloned());
        for route in routes {
            let url = format!("{base}/{}", route.path()).replace('&', "&amp;").replace('<', "&lt;");
            text.push_str(&format!("<url><loc>{url}</loc></url>\n"));
        }
        text.push_str("</urlset>\n");
        desk.put(&Route::Sitemap, text.into_bytes())
    }
}
