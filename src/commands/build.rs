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
use super::site::{self, Ledger, Made, Mail, Sink, SiteCounts, SiteOptions, UnitSink, Work};
use super::theme::Theme;
use super::{Done, Session, Usage, settings, sign, snapshot};
use crate::cli;
use crate::privacy::Profile;
use crate::publish::{self, Changes, Publisher, SitePath, Unit};
use crate::render::Renderer;
use crate::site::Route;
use crate::snapshot::Snapshot;

/// What the conferences left, below the state folder.
pub(super) const LEDGER: &str = "parts";
/// What the last build made, below the state folder.
const LAST_BUILD: &str = "last-build.json";
/// First files named in the summary.
const NAMED: usize = 5;

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

/// What a build made, beside the site, for one that finds nothing to do.
#[derive(Serialize, Deserialize)]
pub(super) struct LastBuild {
    key: String,
    counts: SiteCounts,
    /// How private the site is.
    pub(super) profile: Profile,
    /// A digest of the settings that it was made by.
    pub(super) options: String,
    /// Whether it is signed.
    #[serde(default)]
    pub(super) signed: bool,
}

/// A digest of the settings that a site is made by.
pub(super) fn digest_of(options: &SiteOptions) -> String {
    blake3::hash(format!("{options:?}").as_bytes()).to_hex().to_string()
}

impl LastBuild {
    /// Of whatever site was built last.
    pub(super) fn open(state: &Path) -> Option<Self> {
        let text = std::fs::read(state.join(LAST_BUILD)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Of a site with a key.
    fn read(state: &Path, key: &blake3::Hash) -> Option<SiteCounts> {
        let last = Self::open(state)?;
        (last.key == key.to_hex().as_str()).then_some(last.counts)
    }

    /// Without it the next build only works for longer.
    fn write(state: &Path, key: &blake3::Hash, counts: SiteCounts, options: &SiteOptions, signed: bool) {
        let last = Self {
            key: key.to_hex().to_string(),
            counts,
            profile: options.privacy.profile(),
            options: digest_of(options),
            signed,
        };
        let written = serde_json::to_vec(&last)
            .map_err(anyhow::Error::from)
            .and_then(|text| write_atomically(&state.join(LAST_BUILD), &text));
        if let Err(error) = written {
            tracing::warn!("{error:#}");
        }
    }
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
}

/// Renders a snapshot and publishes it.
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
    if !how.full
        && !how.mail
        && how.contexts.is_none()
        && let Some(changes) = publish::is_current(&folders.output, &folders.state, &key)
        && let Some(counts) = LastBuild::read(&folders.state, &key)
    {
        stages.end("render");
        return Ok(summary(&folders.output, snapshot, counts, &changes, stages));
    }
    if let Some(last) = LastBuild::open(&folders.state)
        && last.profile > options.privacy.profile()
    {
        let now = options.privacy.profile().name();
        tracing::warn!("the site was {}, and is now {now}: it shows more than it did", last.profile.name());
    }
    let publisher = Publisher::begin(&folders.output, &folders.state)?;
    for warning in publisher.warnings() {
        tracing::warn!("{warning}");
    }
    let publishing = Publishing { publisher, session, how };
    let bar = Bar(session.terminal.bar("render"));
    let pool = settings::thread_pool(session, args)?;
    let ledger = Ledger::at(folders.state.join(LEDGER));
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
    bar.0.finish_and_clear();
    let Made { counts, mail } = made?;
    if counts.conferences == 0 && !options.scope.is_all() {
        tracing::warn!("no call lies within the scope of this report ({})", options.scope.label());
    }
    stages.end("render");
    if let Some(signing) = &signing {
        sign::sign(&publishing.publisher, signing, &snapshot.manifest().taken_at)?;
    }
    let spinner = session.terminal.spinner("publish");
    let changes = publishing.publisher.commit(Some(key));
    spinner.finish_and_clear();
    let changes = changes?;
    LastBuild::write(&folders.state, &key, counts, &options, signing.is_some());
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

/// The snapshot of a build: the given one, else a new one of the database.
pub fn snapshot_of(session: &Session, args: &cli::Build, stages: &mut Stages) -> anyhow::Result<Snapshot> {
    let rules = settings::rules(session, &args.snapshot, &settings::folders(session, &args.site).state)?;
    let snapshot = if let Some(folder) = &args.from {
        let snapshot = Snapshot::open(folder)?;
        // Slices are made at the same time, of a snapshot that stays as it is.
        match args.shard {
            Some(_) => snapshot,
            None => snapshot::purged(session, snapshot, folder, &rules)?,
        }
    } else {
        let database = settings::database(session, &args.database)?;
        let target = settings::snapshot_folder(session, &args.snapshot);
        snapshot::take(session, &database, &args.snapshot, (&target, &rules))?.snapshot
    };
    stages.end("snapshot");
    session.check_stop()?;
    Ok(snapshot)
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
    let snapshot = snapshot_of(session, args, &mut stages)?;
    let work = shard.map_or(Work::Whole, Work::Shard);
    let how = How { work, full: args.snapshot.full, mail: args.mail.is_some(), ..How::default() };
    let site = match shard {
        Some(_) => settings::shard_site(session, &args.site)?,
        None => args.site.clone(),
    };
    let summary = render_and_publish(session, &snapshot, &site, how, &mut stages)?;
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
