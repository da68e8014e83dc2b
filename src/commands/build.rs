//! `peerpress build`: snapshot, render, publish.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use super::precompress::{self, Precompressing};
use super::preview::ContextWriter;
use super::sealing::{self, Parameters, Sealing};
use super::site::{
    self, Ledger, LedgerDamage, Made, Mail, Make, Sink, SiteCounts, SiteOptions, UnitSink, Work,
};
use super::theme::Theme;
use super::{Done, Session, Usage, locks, settings, sign, snapshot};
use crate::cli;
use crate::lock::Lock;
use crate::privacy::Profile;
use crate::privacy::purge::Rules;
use crate::publish::{self, Changes, Need, Noted, Publisher, SitePath, Unit};
use crate::render::Renderer;
use crate::site::Route;
use crate::snapshot::{ConferenceRow, ParticipantRow, Row as _, Snapshot};

/// What the conferences left, below the state folder.
pub(super) const LEDGER: &str = "parts";
/// First files named in the summary.
const NAMED: usize = 5;
/// What a site takes of bytes per row of the snapshot, and of files per conference and participant, as sites of 20 and of 200
/// conferences do.
const BYTES_PER_ROW: u64 = 1500;
const FILES_PER_PAGE: u64 = 6;
/// What is expected may be so many times too much: some files are switched off, or have the bytes that they had.
const DOUBT: u64 = 4;

/// What a build did.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The folder of the site.
    pub output: String,
    /// The instant of the snapshot.
    pub taken_at: String,
    /// Rows of the snapshot.
    pub rows: u64,
    /// What was made.
    #[serde(flatten)]
    pub counts: SiteCounts,
    /// Files written.
    pub written: usize,
    /// Files that stayed as they were.
    pub kept: usize,
    /// Files removed.
    pub removed: usize,
    /// Bytes written.
    pub bytes_written: u64,
    /// Bytes of the whole site.
    pub bytes_total: u64,
    /// Seconds per stage, in order.
    pub stages: Vec<(&'static str, f64)>,
    /// Paths of the files written.
    #[serde(skip)]
    pub changes: Vec<String>,
    /// The letter on the last whole period.
    #[serde(skip)]
    pub mail: Option<Mail>,
}

impl Summary {
    /// A few lines for people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}: {} written, {} kept, {} removed ({:.1} MB of {:.1} MB)\n",
            self.output,
            self.written,
            self.kept,
            self.removed,
            self.bytes_written as f64 / 1e6,
            self.bytes_total as f64 / 1e6
        );
        text.push_str(&format!(
            "{} conferences, {} participants, {} findings; {} rows as of {}\n",
            self.counts.conferences, self.counts.participants, self.counts.findings, self.rows, self.taken_at
        ));
        let stages: Vec<String> =
            self.stages.iter().map(|(stage, seconds)| format!("{stage} {seconds:.1} s")).collect();
        text.push_str(&stages.join(", "));
        if !self.changes.is_empty() && self.changes.len() <= NAMED {
            text.push_str(&format!("\nchanged: {}", self.changes.join(", ")));
        }
        text
    }
}

/// Times stages.
#[derive(Debug)]
pub struct Stages {
    begun: Instant,
    list: Vec<(&'static str, f64)>,
}

impl Default for Stages {
    fn default() -> Self {
        Self { begun: Instant::now(), list: Vec::new() }
    }
}

impl Stages {
    /// Ends a stage and begins the next.
    pub fn end(&mut self, stage: &'static str) -> Duration {
        let took = self.begun.elapsed();
        self.list.push((stage, took.as_secs_f64()));
        self.begun = Instant::now();
        took
    }
}

struct Publishing<'a> {
    publisher: Publisher,
    session: &'a Session,
    how: How<'a>,
}

impl Sink for Publishing<'_> {
    fn keep_unit(&self, name: &str, key: &blake3::Hash) -> anyhow::Result<bool> {
        self.session.check_stop()?;
        // Pages of calls are measured when they are asked for; of all others it has to be known what they are made from.
        let known = self.how.contexts.is_none() || name.starts_with("part-");
        Ok(known && !self.how.full && self.publisher.keep_unit(name, key)?)
    }

    fn unit<'a>(&'a self, name: &str) -> anyhow::Result<Box<dyn UnitSink + 'a>> {
        Ok(Box::new(PublishingUnit {
            unit: self.publisher.unit(name)?,
            session: self.session,
            how: self.how,
        }))
    }
}

struct PublishingUnit<'a> {
    unit: Unit<'a>,
    session: &'a Session,
    how: How<'a>,
}

impl UnitSink for PublishingUnit<'_> {
    fn is_current(&self, path: &str, key: &blake3::Hash) -> bool {
        !self.how.full && SitePath::new(path).is_ok_and(|path| self.unit.is_current(&path, key))
    }

    fn is_in_place(&self, path: &str) -> bool {
        SitePath::new(path).is_ok_and(|path| self.unit.is_in_place(&path))
    }

    fn keep(&self, path: &str) -> anyhow::Result<()> {
        // Also where every page is current, a build ends when it should.
        self.session.check_stop()?;
        Ok(self.unit.keep(&SitePath::new(path)?)?)
    }

    fn keep_all(&self, key: &blake3::Hash) -> anyhow::Result<bool> {
        self.session.check_stop()?;
        Ok(!self.how.full && self.unit.keep_all(key)?)
    }

    fn put(&self, path: &str, bytes: Vec<u8>, key: Option<blake3::Hash>) -> anyhow::Result<()> {
        self.session.check_stop()?;
        Ok(self.unit.put(&SitePath::new(path)?, &bytes, key)?)
    }

    fn put_with(&self, path: &str, key: Option<blake3::Hash>, make: &Make<'_>) -> anyhow::Result<()> {
        self.session.check_stop()?;
        self.unit.put_with(&SitePath::new(path)?, key, |to| make(to))
    }

    fn finish(self: Box<Self>, key: Option<blake3::Hash>) -> anyhow::Result<()> {
        Ok(self.unit.finish(key)?)
    }

    fn wants_contexts(&self) -> bool {
        self.how.contexts.is_some()
    }

    fn context(&self, route: &Route, template: &'static str, json: &[u8]) -> anyhow::Result<()> {
        self.how.contexts.map_or(Ok(()), |contexts| contexts.add(route, template, json))
    }
}

struct Bar(ProgressBar);

impl site::Progress for Bar {
    fn planned(&self, conferences: u64) {
        self.0.set_length(conferences);
    }

    fn rendered(&self, conferences: u64) {
        self.0.inc(conferences);
    }
}

/// What a site is, as its manifest notes it.
#[derive(Serialize, Deserialize)]
pub(super) struct LastBuild {
    counts: SiteCounts,
    /// How private the site is.
    pub(super) profile: Profile,
    /// A digest of the settings that it was made by.
    pub(super) options: String,
    /// A digest of templates and assets, and the version of the program.
    made_with: String,
    /// Whether it is signed.
    #[serde(default)]
    pub(super) signed: bool,
}

/// A digest of the settings that a site is made by.
pub(super) fn digest_of(options: &SiteOptions) -> String {
    blake3::hash(format!("{options:?}").as_bytes()).to_hex().to_string()
}

/// What is known of the last build.
pub(super) enum Last {
    /// There was none.
    None,
    /// There was one, but its state cannot be read.
    Unknown,
    /// This.
    Known(LastBuild),
}

impl Last {
    /// Of whatever site was built last.
    pub(super) fn open(state: &Path) -> Self {
        match publish::noted(state) {
            Noted::Nothing => Self::None,
            Noted::Damaged => Self::Unknown,
            Noted::Text(text) => serde_json::from_str(&text).map_or(Self::Unknown, Self::Known),
        }
    }
}

/// What a site is expected to take on disk beside the former one, whose room is free again only afterwards; none where that
/// depends on what changed. Of what comes to a former site, only parts that are new to it are expected: of others, most is kept.
fn expected(
    snapshot: &Snapshot,
    options: &SiteOptions,
    work: Work<'_>,
    publisher: &Publisher,
    is_anew: bool,
) -> Option<Need> {
    let former = publisher.former();
    if former.files > 0 && is_anew {
        return Some(former);
    }
    if !options.scope.is_all() || !options.only.is_all() {
        return None;
    }
    let new = snapshot.parts().iter().filter(|part| !publisher.had_unit(&site::part_unit(part)));
    let mut need = new.fold(Need::default(), |sum, part| Need {
        bytes: sum.bytes + part.rows.values().sum::<u64>() * BYTES_PER_ROW,
        files: sum.files + part.rows.get(ConferenceRow::TABLE).copied().unwrap_or_default() * FILES_PER_PAGE,
    });
    if former.files == 0 {
        let people = snapshot.manifest().rows.get(ParticipantRow::TABLE).copied().unwrap_or_default();
        need.bytes += people * BYTES_PER_ROW;
        need.files += people * FILES_PER_PAGE;
    }
    Some(need.divided_by(if let Work::Shard(shard) = work { u64::from(shard.of()) } else { 1 }))
}

/// Ends a build that cannot fit before it writes anything.
fn check_room(output: &Path, need: Need) -> anyhow::Result<()> {
    if let Some(may_lack) =
        need.may_lack("the site", (output, "--output"), DOUBT).map_err(anyhow::Error::msg)?
    {
        tracing::warn!("{may_lack}");
    }
    Ok(())
}

/// How a site is built, besides what the user's settings say of its content.
#[derive(Debug, Clone, Copy, Default)]
pub struct How<'a> {
    /// What gets what pages are made from, if somebody wants it.
    pub contexts: Option<&'a ContextWriter>,
    /// What of the site is made, and from what.
    pub work: Work<'a>,
    /// Whether everything is made anew, whatever the last build left.
    pub full: bool,
    /// Whether the letter is wanted, which is made with the site.
    pub mail: bool,
    /// The lock of the site, if the caller has it already.
    pub lock: Option<&'a Lock>,
}

/// Renders a snapshot and publishes it; waits while somebody else works on the site.
pub fn render_and_publish(
    session: &Session,
    snapshot: &Snapshot,
    args: &cli::Site,
    how: How<'_>,
    stages: &mut Stages,
) -> anyhow::Result<Summary> {
    let folders = settings::folders(session, args);
    let theme = Theme::load(&folders.templates, &folders.assets)?;
    let renderer = Renderer::new(&theme.templates)?;
    let assets = theme.assets();
    let options = settings::site_options(session, args)?;
    // Not while somebody works at the site and waits for each save.
    let precompress = settings::precompress(session, args) && how.contexts.is_none();
    let key = site::site_key(snapshot, &renderer, &assets, &options);
    let key = if precompress { precompress::with_forms(&key) } else { key };
    // A slice is signed with the site that it becomes a part of.
    let signing = match how.work {
        Work::Shard(_) => None,
        _ => sign::key(session, args)?,
    };
    // Nor is it sealed: what is put together has to be read.
    let seal = match how.work {
        Work::Shard(_) => None,
        _ => sealing::seal(session, args, &folders.state)?,
    };
    if seal.is_some() && how.contexts.is_some() {
        return Err(Usage(sealing::NOT_LIVE.to_owned()).into());
    }
    if let Work::Merge(slices) = how.work {
        let stranger =
            slices.iter().find(|slice| slice.files.key() != Some(site::shard_key(&key, slice.shard)));
        anyhow::ensure!(
            stranger.is_none(),
            "slice {} was built from other data, templates or settings\nhint: build all slices, and merge them, with the \
             same snapshot, settings and version of the program",
            stranger.map_or_else(String::new, |slice| slice.shard.to_string())
        );
    }
    let key = if let Work::Shard(shard) = how.work { site::shard_key(&key, shard) } else { key };
    let key = seal.as_ref().map_or(key, |seal| sealing::sealed(&key, seal));
    let key = signing.as_ref().map_or(key, |signing| sign::signed(&key, signing));
    let lock = how.lock.map_or_else(|| locks::of_site(session, &folders.state), |lock| Ok(lock.clone()))?;
    if !how.full
        && !how.mail
        && how.contexts.is_none()
        && let Some(changes) = publish::is_current(&folders.output, &folders.state, &key)
        && let Last::Known(last) = Last::open(&folders.state)
    {
        stages.end("render");
        return Ok(summary(&folders.output, snapshot, last.counts, &changes, stages));
    }
    let profile = options.privacy.profile();
    let made_with = site::digest_of_make(&renderer, &assets, &options).to_hex().to_string();
    let last = Last::open(&folders.state);
    let is_anew = !matches!(&last, Last::Known(last) if last.made_with == made_with);
    match last {
        Last::Known(last) if last.profile > profile => {
            let (was, now) = (last.profile.name(), profile.name());
            tracing::warn!("the site was {was}, and is now {now}: it shows more than it did");
        }
        Last::Unknown if profile < Profile::Public => {
            let now = profile.name();
            tracing::warn!("the site is now {now}; it is not known any more whether it showed less before");
        }
        _ => {}
    }
    let bar = Bar(session.terminal.bar("render"));
    let pool = settings::thread_pool(session, args)?;
    let ledger = Ledger::at(folders.state.join(LEDGER));
    let make = || -> anyhow::Result<(Publishing<'_>, Made)> {
        let publisher = Publisher::begin(lock.clone(), &folders.output, &folders.state)?;
        if let Some(need) = expected(snapshot, &options, how.work, &publisher, is_anew) {
            check_room(&folders.output, need)?;
        }
        let publishing = Publishing { publisher, session, how };
        let make = |sink: &dyn Sink| {
            pool.install(|| {
                let work = (how.work, how.mail);
                site::make_site(snapshot, &renderer, &assets, &options, (sink, &ledger), work, &bar)
            })
        };
        let precompressing = Precompressing::new(&publishing);
        let sink: &dyn Sink = if precompress { &precompressing } else { &publishing };
        let made = match &seal {
            // Around the forms: what is sealed does not get shorter, what opens it does.
            Some(seal) => Parameters::of(seal)
                .and_then(|parameters| make(&Sealing::new(sink, seal, &parameters, (&renderer, &assets)))),
            None => make(sink),
        };
        // Also of a build that fails: it may be why.
        for warning in publishing.publisher.warnings() {
            tracing::warn!("{warning}");
        }
        Ok((publishing, made?))
    };
    let mut made = make();
    if let Err(error) = &made
        && let Some(damage) = error.downcast_ref::<LedgerDamage>()
        && ledger.has(&damage.path)
    {
        let path = damage.path.display();
        tracing::warn!("{path} is damaged; all conferences are measured anew");
        ledger.clear().with_context(|| format!("cannot remove {}", folders.state.join(LEDGER).display()))?;
        made = make();
    }
    bar.0.finish_and_clear();
    let (publishing, made) = made?;
    let Made { counts, mail } = made;
    if counts.conferences == 0 && !options.scope.is_all() {
        tracing::warn!("no call lies within the scope of this report ({})", options.scope.label());
    }
    stages.end("render");
    if let Some(signing) = &signing {
        sign::sign(&publishing.publisher, signing, &snapshot.manifest().taken_at)?;
    }
    let signed = signing.is_some();
    let last = LastBuild { counts, profile, options: digest_of(&options), made_with, signed };
    publishing.publisher.note(&serde_json::to_string(&last)?);
    let spinner = session.terminal.spinner("publish");
    let changes = publishing.publisher.commit(Some(key));
    spinner.finish_and_clear();
    let changes = changes?;
    drop(lock);
    stages.end("publish");
    Ok(Summary { mail, ..summary(&folders.output, snapshot, counts, &changes, stages) })
}

fn summary(
    output: &Path,
    snapshot: &Snapshot,
    counts: SiteCounts,
    changes: &Changes,
    stages: &Stages,
) -> Summary {
    Summary {
        output: output.display().to_string(),
        taken_at: snapshot.manifest().taken_at.clone(),
        rows: snapshot.manifest().rows.values().sum(),
        counts,
        written: changes.written,
        kept: changes.kept,
        removed: changes.removed.len(),
        bytes_written: changes.bytes_written,
        bytes_total: changes.bytes_total,
        stages: stages.list.clone(),
        changes: changes.named.iter().flatten().map(ToString::to_string).collect(),
        mail: None,
    }
}

/// The snapshot of a build: the given one, else a new one of the database. With its lock, so that it stays what it is while
/// it is read; none where nobody can change it.
pub fn snapshot_of(
    session: &Session,
    args: &cli::Build,
    stages: &mut Stages,
) -> anyhow::Result<(Snapshot, Option<Lock>)> {
    let rules = || settings::rules(session, &args.snapshot, &settings::folders(session, &args.site).state);
    let held = if let Some(folder) = &args.from {
        from(session, folder, args.shard.is_some(), &rules)?
    } else {
        let databases = settings::databases(session, &args.database)?;
        let target = settings::snapshot_folder(session, &args.snapshot);
        let lock = locks::of_snapshot(session, &target)?;
        let taken = snapshot::take(session, &databases, &args.snapshot, (&target, &rules()?))?;
        (taken.snapshot, Some(lock))
    };
    stages.end("snapshot");
    session.check_stop()?;
    Ok(held)
}

/// Renders a snapshot and publishes it. Where a file of it turns out to be damaged and there is a database, it is taken anew; the
/// caller has its lock.
pub fn render_sound(
    session: &Session,
    snapshot: &mut Snapshot,
    args: &cli::Build,
    how: How<'_>,
    stages: &mut Stages,
) -> anyhow::Result<Summary> {
    let made = render_and_publish(session, snapshot, &args.site, how, stages);
    let problem = match &made {
        Err(error) if args.from.is_none() => snapshot::damage(error),
        _ => None,
    };
    let Some(problem) = problem else { return made };
    tracing::warn!("{problem}; everything is read anew");
    let databases = settings::databases(session, &args.database)?;
    let target = settings::snapshot_folder(session, &args.snapshot);
    let rules = settings::rules(session, &args.snapshot, &settings::folders(session, &args.site).state)?;
    let place = cli::SnapshotFolder { full: true, ..args.snapshot.clone() };
    *snapshot = snapshot::take(session, &databases, &place, (&target, &rules))?.snapshot;
    stages.end("snapshot");
    render_and_publish(session, snapshot, &args.site, how, stages)
}

/// A snapshot that is there, without what the rules take out of it.
fn from(
    session: &Session,
    folder: &Path,
    is_slice: bool,
    rules: &dyn Fn() -> anyhow::Result<Rules>,
) -> anyhow::Result<(Snapshot, Option<Lock>)> {
    // Slices are made at the same time, of a snapshot that stays as it is.
    if is_slice || rules()?.is_empty() {
        let lock = locks::of_read_snapshot(session, folder)?;
        // Somebody may have been erased while this waited.
        if is_slice || rules()?.is_empty() {
            return Ok((Snapshot::open(folder)?, lock));
        }
    }
    let lock = locks::of_snapshot(session, folder)?;
    let snapshot = snapshot::purged(session, Snapshot::open(folder)?, folder, &rules()?)?;
    Ok((snapshot, Some(lock)))
}

/// Where the two files of a mail go: the given one, and the same name with `.md`.
fn mail_files(file: &Path) -> Result<(PathBuf, PathBuf), Usage> {
    let markdown = file.with_extension("md");
    if file.file_name().is_none() || file.is_dir() || markdown == file {
        let hint = "name the HTML file, such as weekly.html; weekly.md is written beside it";
        return Err(Usage(format!("--mail {} is no name of an HTML file\nhint: {hint}", file.display())));
    }
    Ok((file.to_owned(), markdown))
}

/// Writes a file in one step, so that whoever sends it never sees half of it.
pub(super) fn write_atomically(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut builder = tempfile::Builder::new();
        // As any other new file: the usual one of a temporary file is for its owner only.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut whole = builder.tempfile_in(folder)?;
        whole.write_all(bytes)?;
        whole.as_file().sync_all()?;
        whole.persist(file)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

/// Runs the command.
pub fn run(session: &Session, args: &cli::Build) -> anyhow::Result<Done> {
    // Before hours of work, not after them.
    let mail_files = args.mail.as_deref().map(mail_files).transpose()?;
    let mut stages = Stages::default();
    let shard = settings::shard(args)?;
    let (mut snapshot, _lock) = snapshot_of(session, args, &mut stages)?;
    let work = shard.map_or(Work::Whole, Work::Shard);
    let how = How { work, full: args.snapshot.full, mail: args.mail.is_some(), ..How::default() };
    let site = match shard {
        Some(_) => settings::shard_site(session, &args.site)?,
        None => args.site.clone(),
    };
    let site_args = cli::Build { site, ..args.clone() };
    let summary = render_sound(session, &mut snapshot, &site_args, how, &mut stages)?;
    let site = site_args.site;
    if let Some(shard) = shard {
        super::merge::label(&settings::folders(session, &site).state, shard)?;
    }
    session.print(&summary, &summary.text())?;
    if let Some((html, markdown)) = mail_files {
        let mail = summary.mail.as_ref().context(
            "the site is published, but there is nothing to mail: no day with a call is over yet\n\
             hint: build again once it is; days end by report.time_zone",
        )?;
        write_atomically(&markdown, &mail.markdown)?;
        write_atomically(&html, &mail.html)?;
    }
    Ok(verdict(&args.site, &summary))
}

/// Whether findings matter to the user.
pub fn verdict(args: &cli::Site, summary: &Summary) -> Done {
    if args.strict && summary.counts.findings > 0 { Done::WithFindings } else { Done::Well }
}
