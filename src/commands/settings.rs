//! Command line over settings file over defaults, for what several commands share.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Session, Usage};
use crate::cli;
use crate::commands::site::SiteOptions;
use crate::config::OneOrMore;
use crate::privacy::purge::{Erased, Rules};
use crate::privacy::{Key, Only, Privacy, Profile};
use crate::report;
use crate::scope::Scope;
use crate::shard::Shard;
use crate::site::Downloads;
use crate::source::{ConnectionSettings, SnapshotOptions, resolve};
use crate::units::Zone;

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// The site.
    pub output: PathBuf,
    /// Manifest and journal.
    pub state: PathBuf,
    /// The user's templates.
    pub templates: PathBuf,
    /// The user's assets.
    pub assets: PathBuf,
}

/// The folders of a build.
pub fn folders(session: &Session, args: &cli::Site) -> Folders {
    let config = &session.config.folders;
    let pick = |given: &Option<PathBuf>, set: &Option<PathBuf>, default: &str| {
        given.clone().or_else(|| set.clone()).unwrap_or_else(|| PathBuf::from(default))
    };
    let output = pick(&args.output, &config.output, "output");
    // Beside the output, and named after it unless it is the usual one, so that two sites have two states.
    let beside = match output.file_name().and_then(|name| name.to_str()) {
        None | Some("output") => ".peerpress".to_owned(),
        Some(name) => format!(".peerpress-{name}"),
    };
    let default_state = output.parent().unwrap_or(Path::new("")).join(beside);
    Folders {
        state: args.state.clone().or_else(|| config.state.clone()).unwrap_or(default_state),
        templates: pick(&args.templates, &config.templates, "site-templates"),
        assets: pick(&args.assets, &config.assets, "assets"),
        output,
    }
}

/// The state of a slice lies within it, so that it can be carried from one machine to another as one folder.
pub const SHARD_STATE: &str = ".peerpress";

/// Which slice of a site is asked for, if one is.
pub fn shard(args: &cli::Build) -> Result<Option<Shard>, Usage> {
    let index = std::env::var("JOB_COMPLETION_INDEX").ok();
    let parsed = args.shard.as_ref().map(|text| Shard::parse(text, index.as_deref()));
    parsed.transpose().map_err(|problem| Usage(format!("--shard: {problem}")))
}

/// Where a slice of a site is made. Its state lies within it, so a secret cannot.
pub fn shard_site(session: &Session, args: &cli::Site) -> Result<cli::Site, Usage> {
    let config = &session.config.privacy;
    let is_public = args.privacy.or(config.profile) == Some(Profile::Public);
    if is_public && args.privacy_key_file.is_none() && config.key_file.is_none() {
        let hint = "give all slices and the merge the same --privacy-key-file";
        return Err(Usage(format!("slices of a public site need a common secret\nhint: {hint}")));
    }
    let state = folders(session, args).output.join(SHARD_STATE);
    Ok(cli::Site { state: Some(state), ..args.clone() })
}

/// The folder of the snapshot.
pub fn snapshot_folder(session: &Session, args: &cli::SnapshotFolder) -> PathBuf {
    let set = session.config.folders.snapshot.clone();
    args.snapshot.clone().or(set).unwrap_or_else(|| PathBuf::from("snapshot"))
}

/// How a snapshot is taken.
pub fn snapshot_options(session: &Session, args: &cli::SnapshotFolder, target: PathBuf) -> SnapshotOptions {
    let config = &session.config.database;
    let defaults = SnapshotOptions::new(target);
    let seconds = std::time::Duration::from_secs;
    SnapshotOptions {
        workers: args.connections.or(config.connections).unwrap_or(defaults.workers).max(1),
        statement_timeout: config.statement_timeout.map_or(defaults.statement_timeout, seconds),
        lock_timeout: config.lock_timeout.map_or(defaults.lock_timeout, seconds),
        full: args.full,
        ..defaults
    }
}

/// Where the secret of the pseudonyms lies if the user has none of his own, below the state folder.
const PRIVACY_KEY: &str = "privacy.key";

/// Whether there is a secret of pseudonyms already.
pub fn has_privacy_key(session: &Session, args: &cli::Site) -> bool {
    let given = args.privacy_key_file.is_some() || session.config.privacy.key_file.is_some();
    given || folders(session, args).state.join(PRIVACY_KEY).exists()
}

/// The secret of the pseudonyms: the user's, else that of the state folder, which is made the first time.
pub fn privacy_key(session: &Session, args: &cli::Site) -> anyhow::Result<Key> {
    let given = args.privacy_key_file.as_ref().or(session.config.privacy.key_file.as_ref());
    let made = folders(session, args).state.join(PRIVACY_KEY);
    let file = given.unwrap_or(&made);
    if given.is_none() && !file.exists() {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)
            .map_err(|error| anyhow::anyhow!("cannot make {}: {error}", file.display()))?;
        let text = blake3::Hash::from_bytes(secret).to_hex();
        write_secret(file, &text).with_context(|| format!("cannot make {}", file.display()))?;
        session.say(&format!(
            "made {}, the secret of the pseudonyms: keep it, or later builds have others; never publish it",
            file.display()
        ));
    }
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the secret of the pseudonyms, {}", file.display()))?;
    Key::from_text(&text).ok_or_else(|| {
        let problem = format!("{} is too short for a secret", file.display());
        Usage(format!("{problem}\nhint: write at least 16 random characters into it")).into()
    })
}

/// Writes a file that only its owner can read, unless it is there already.
pub(super) fn write_secret(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = match options.open(file) {
        // Another build was first.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        file => file?,
    };
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// How private the site is.
pub fn privacy(session: &Session, args: &cli::Site) -> anyhow::Result<Privacy> {
    Ok(match args.privacy.or(session.config.privacy.profile).unwrap_or_default() {
        Profile::Full => Privacy::Full,
        Profile::Internal => Privacy::Internal,
        Profile::Public => Privacy::Public(privacy_key(session, args)?),
    })
}

/// Who was erased, below the state folder.
const ERASED: &str = "erased.json";

/// The list of who was erased; an empty one if there is none.
pub fn erased(state: &Path) -> anyhow::Result<Erased> {
    let file = state.join(ERASED);
    let text = match std::fs::read(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Erased::default()),
        text => text.with_context(|| format!("cannot read {}", file.display()))?,
    };
    // Without it people would come back: this is no cache that may be lost.
    Erased::parse(&text).map_err(|problem| {
        let file = file.display();
        anyhow::anyhow!(
            "cannot read {file}, the list of who was erased: {problem}\nhint: restore it, or remove it and erase them again"
        )
    })
}

/// Keeps the list of who was erased. Gives its file.
pub fn keep_erased(state: &Path, erased: &Erased) -> anyhow::Result<PathBuf> {
    let file = state.join(ERASED);
    std::fs::create_dir_all(state).with_context(|| format!("cannot make {}", state.display()))?;
    super::build::write_atomically(&file, &erased.to_json()?)?;
    Ok(file)
}

/// What is taken out of a snapshot.
pub fn rules(session: &Session, args: &cli::SnapshotFolder, state: &Path) -> anyhow::Result<Rules> {
    let retention_days = args.retention.or(session.config.privacy.retention_days);
    Ok(Rules { erased: erased(state)?, retention_days })
}

/// How the site is made.
pub fn site_options(session: &Session, args: &cli::Site) -> anyhow::Result<SiteOptions> {
    let config = &session.config.report;
    let defaults = report::Options::default();
    Ok(SiteOptions {
        report: report::Options {
            call_gap_s: config.call_gap_minutes.map_or(defaults.call_gap_s, |minutes| minutes * 60.0),
            limits: session.config.limits.in_force(),
            // The settings file was read with its zone checked.
            zone: config.time_zone.as_deref().and_then(Zone::parse).unwrap_or_default(),
            ..defaults
        },
        scope: Scope { since: args.since, until: args.until, last: args.last },
        base_url: args.base_url.clone().or_else(|| config.base_url.clone()),
        downloads: Downloads {
            // Other sites have no passphrase to show fragments by.
            embed: session.config.downloads.in_force().embed && !encrypt(session, args),
            ..session.config.downloads.in_force()
        },
        privacy: privacy(session, args)?,
        only: Only { organization: args.only_organization.clone(), app: args.only_app.clone() },
    })
}

/// Whether compressed forms are written beside the files.
pub fn precompress(session: &Session, args: &cli::Site) -> bool {
    args.precompress || session.config.build.precompress.unwrap_or(false)
}

/// Whether the site is to be sealed.
pub fn encrypt(session: &Session, args: &cli::Site) -> bool {
    args.encrypt || session.config.build.encrypt.unwrap_or(false)
}

/// The secret key that the site is to be signed by, if it is.
pub fn signing_key<'a>(session: &'a Session, args: &'a cli::Site) -> Option<&'a PathBuf> {
    args.sign.as_ref().or(session.config.build.sign.as_ref())
}

/// The threads that render.
pub fn thread_pool(session: &Session, args: &cli::Site) -> anyhow::Result<rayon::ThreadPool> {
    let threads = args.threads.or(session.config.build.threads).unwrap_or(0);
    Ok(rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|at| format!("render-{at}"))
        .build()?)
}

/// The databases that the command line, the environment or the settings file name: one at least, each once.
pub fn databases(session: &Session, args: &cli::Database) -> anyhow::Result<Vec<ConnectionSettings>> {
    let found = find_databases(session, args)?;
    if found.is_empty() {
        let hint =
            "give --database-url, or set DATABASE_URL, DATABASE_HOST or PGHOST; or try `peerpress demo`";
        return Err(Usage(format!("no database is named\nhint: {hint}")).into());
    }
    for (at, database) in found.iter().enumerate() {
        if found[..at].iter().any(|other| other.place() == database.place()) {
            return Err(Usage(format!("{database} is named twice\nhint: name each database once")).into());
        }
    }
    Ok(found)
}

/// The one database of a command that is about a single one.
pub fn database(session: &Session, args: &cli::Database) -> anyhow::Result<ConnectionSettings> {
    let mut found = databases(session, args)?;
    match (found.pop(), found.len()) {
        (Some(database), 0) => Ok(database),
        _ => {
            Err(Usage("several databases are named\nhint: name one; do it for each of them".to_owned())
                .into())
        }
    }
}

/// The databases that are named, if any is.
pub fn find_databases(session: &Session, args: &cli::Database) -> anyhow::Result<Vec<ConnectionSettings>> {
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let all = |urls: &[String], environment: &dyn Fn(&str) -> Option<String>| {
        urls.iter()
            .filter_map(|url| resolve(Some(url), environment).transpose())
            .collect::<Result<Vec<_>, _>>()
    };
    if !args.database_url.is_empty() {
        return Ok(all(&args.database_url, &environment)?);
    }
    if let Some(found) = resolve(None, &environment)? {
        return Ok(vec![found]);
    }
    let urls = session.config.database.url.as_ref().map_or(&[][..], OneOrMore::texts);
    Ok(all(urls, &|_| None)?)
}
