//! The command line, as written by the user.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::privacy::Profile;
use crate::scope::{self, Last};
use crate::units::Timestamp;

/// Renders a Peer Metrics database to a static site: every organization, app, conference and participant as a page and as
/// JSON, for any static file host.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 done, but with findings under --strict.
Settings come from the command line, else the environment, else peerpress.toml, else the defaults."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The settings file [default: peerpress.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the result as JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but errors and warnings
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say more; twice for even more
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Fail if another peerpress works on the same snapshot or site, rather than wait for it
    #[arg(long, global = true)]
    pub no_wait: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole job on a throw-away database with synthetic calls, and serve the result
    ///
    /// Finds PostgreSQL's programs on this machine, runs a private server in a temporary folder on a Unix socket, fills it,
    /// builds the site and serves it. On Ctrl-C, or if anything fails, all of it is taken down again; the site stays in the
    /// output folder. Without PostgreSQL the calls are generated straight into a snapshot.
    Demo(Demo),
    /// Take a snapshot, render it and publish the site: the periodic job
    Build(Build),
    /// Put the slices that `build --shard` made on several machines together to one site
    Merge(Merge),
    /// Take only the snapshot
    Snapshot(TakeSnapshot),
    /// Build, then serve the site, and show what changes in templates, assets, settings and the database
    ///
    /// A saved template, asset or setting is in open pages at once, new data after --interval; the files of the site follow.
    /// What cannot be shown is named on the page and here, and the last good site stays.
    Serve(Serve),
    /// Take a person out of the snapshot and the site, for good
    ///
    /// Their visits go with all that belongs to them; in the rows of others nobody stands in their place. Later snapshots leave them out
    /// by a list in the state folder, until the database does not have them any more.
    Erase(Erase),
    /// Bring a database to the schema of Peer Metrics
    ///
    /// Makes all tables in an empty database. In one that Peer Metrics' own migrations made, only adds two indexes that make
    /// snapshots faster, and triggers that track changes if asked for. Done twice, the second time changes nothing.
    Migrate(Migrate),
    /// Fill a database with realistic synthetic calls
    Seed(Seed),
    /// Check settings, database, permissions, and the links and data files of the published site
    Check(Check),
    /// Make a pair of keys, for `build --sign` and `check --verify`
    ///
    /// Writes the secret key to KEY and the public one to KEY.pub, in minisign's form, and prints the public one.
    NewKey(NewKey),
    /// Print the hash of a password, for a file that `serve --auth` reads
    ///
    /// Asks for the password on a terminal; else reads a line of standard input.
    HashPassword,
}

impl Command {
    /// As the user writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Demo(_) => "demo",
            Self::Build(_) => "build",
            Self::Merge(_) => "merge",
            Self::Snapshot(_) => "snapshot",
            Self::Serve(_) => "serve",
            Self::Erase(_) => "erase",
            Self::Migrate(_) => "migrate",
            Self::Seed(_) => "seed",
            Self::Check(_) => "check",
            Self::NewKey(_) => "new-key",
            Self::HashPassword => "hash-password",
        }
    }
}

/// Which database.
#[derive(Debug, Clone, Default, Args)]
pub struct Database {
    /// The database, as postgres://user:password@host:port/name?sslmode=...
    ///
    /// Without it: DATABASE_URL; else DATABASE_HOST, DATABASE_PORT, DATABASE_USER, DATABASE_PASSWORD and DATABASE_NAME; else
    /// PGHOST and the other variables of libpq. Given several times: databases with different calls, such as the shards of one
    /// service, which are read side by side and make one report.
    #[arg(long, value_name = "URL", hide_env_values = true)]
    pub database_url: Vec<String>,
}

/// Where the site goes, and how it is made.
#[derive(Debug, Clone, Default, Args)]
pub struct Site {
    /// The folder of the site [default: output]
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// The folder for manifest and journal, on the same file system [default: .peerpress beside the output]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Templates that take the place of the built-in ones [default: site-templates]
    #[arg(long, value_name = "DIR")]
    pub templates: Option<PathBuf>,
    /// Assets that take the place of the built-in ones [default: assets]
    #[arg(long, value_name = "DIR")]
    pub assets: Option<PathBuf>,
    /// Threads that render; 0 for one per core [default: 0]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Absolute URL of the published site; with it, sitemap.xml is written
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Only conferences with a call since then: a day (UTC) or an instant, such as 2026-11-18 or 2026-11-18T12:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "last", value_parser = scope::since)]
    pub since: Option<Timestamp>,
    /// Only conferences with a call until then: a day (UTC), which is included, or an instant
    #[arg(long, value_name = "TIME", conflicts_with = "last", value_parser = scope::until)]
    pub until: Option<Timestamp>,
    /// Only conferences with a call within so long before the snapshot: 30d, 4w, 12h; days begin at midnight UTC
    #[arg(long, value_name = "SPAN", value_parser = scope::last)]
    pub last: Option<Last>,
    /// What of the data is shown: full, internal or public; docs/privacy.md has what each means [default: internal]
    #[arg(long, value_name = "PROFILE", value_parser = privacy)]
    pub privacy: Option<Profile>,
    /// The secret of the pseudonyms of --privacy public, at least 16 characters [default: privacy.key in the state folder, made
    /// once]
    #[arg(long, value_name = "FILE")]
    pub privacy_key_file: Option<PathBuf>,
    /// Only the calls of this organization, by id or name: nothing of any other is in the site
    #[arg(long, value_name = "ID|NAME")]
    pub only_organization: Option<String>,
    /// Only the calls of this app, by id or name: nothing of any other is in the site
    #[arg(long, value_name = "ID|NAME")]
    pub only_app: Option<String>,
    /// Also write texts compressed, as .br, .zst and .gz beside them, for servers that send those; not under live rebuild
    #[arg(long)]
    pub precompress: bool,
    /// Seal the site under a passphrase, to be hosted among strangers: browsers ask for it. PEERPRESS_PASSPHRASE has it, or
    /// --passphrase-file; else it is asked for. docs/sealing.md says what this keeps from whom
    #[arg(long)]
    pub encrypt: bool,
    /// The file with the passphrase for --encrypt
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Sign the site: write manifest.txt with a digest of every file, and its signature by this secret key (minisign's form).
    /// PEERPRESS_SIGN_PASSPHRASE has the key's passphrase, if it has one; else it is asked for
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
    /// End with exit code 3 if anything in the database contradicts itself or cannot be read
    #[arg(long)]
    pub strict: bool,
}

fn privacy(text: &str) -> Result<Profile, String> {
    Profile::parse(text).ok_or_else(|| "expected full, internal or public".to_owned())
}

/// Where a snapshot goes.
#[derive(Debug, Clone, Default, Args)]
pub struct SnapshotFolder {
    /// The folder of the snapshot [default: snapshot]
    #[arg(long, value_name = "DIR")]
    pub snapshot: Option<PathBuf>,
    /// Connections that read at the same time [default: 4]
    #[arg(long, value_name = "N")]
    pub connections: Option<usize>,
    /// Read and make everything anew, rather than only what changed since the last time
    #[arg(long)]
    pub full: bool,
    /// Take visits that began more than so many days before the snapshot out of it, and so out of the site, for good
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub retention: Option<u32>,
}

/// `peerpress demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// How many conferences
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub conferences: usize,
    /// Over how many days
    #[arg(long, value_name = "N", default_value_t = 14)]
    pub days: u32,
    /// Another seed, other calls
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The port to serve on; the next free one is taken [default: 8000]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Build the site and stop
    #[arg(long)]
    pub no_serve: bool,
    #[command(flatten)]
    /// The site.
    pub site: Site,
}

/// `peerpress build`.
#[derive(Debug, Clone, Args)]
pub struct Build {
    #[command(flatten)]
    /// The database.
    pub database: Database,
    /// Render this snapshot; no database is asked
    #[arg(long, value_name = "DIR", conflicts_with_all = ["database_url", "snapshot"])]
    pub from: Option<PathBuf>,
    #[command(flatten)]
    /// The snapshot.
    pub snapshot: SnapshotFolder,
    #[command(flatten)]
    /// The site.
    pub site: Site,
    /// Also write the last whole period's report as a mail: FILE as HTML, and beside it as Markdown (.md)
    #[arg(long, value_name = "FILE")]
    pub mail: Option<PathBuf>,
    /// Only the K-th of N slices of the conferences, for `peerpress merge`; K is JOB_COMPLETION_INDEX + 1 if it is left out
    #[arg(long, value_name = "K/N", requires = "from", requires = "output", conflicts_with_all = ["mail", "state", "retention", "encrypt", "passphrase_file", "sign"])]
    pub shard: Option<String>,
}

/// `peerpress merge`.
#[derive(Debug, Args)]
pub struct Merge {
    /// The slices' output folders, all of one site
    #[arg(value_name = "DIR", required = true)]
    pub slices: Vec<PathBuf>,
    /// The snapshot that the slices were built from
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    #[command(flatten)]
    /// The site.
    pub site: Site,
}

/// `peerpress snapshot`.
#[derive(Debug, Args)]
pub struct TakeSnapshot {
    #[command(flatten)]
    /// The database.
    pub database: Database,
    #[command(flatten)]
    /// The snapshot.
    pub snapshot: SnapshotFolder,
    /// The folder with the list of erased people, which stay out of the snapshot [default: .peerpress beside the output]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// `peerpress erase`.
#[derive(Debug, Args)]
pub struct Erase {
    /// Who: the id of a participant's page, the id that the app gave, or a pseudonym of a public site; several times for several
    #[arg(long, value_name = "ID", required = true)]
    pub participant: Vec<String>,
    /// The folder of the snapshot [default: snapshot]
    #[arg(long, value_name = "DIR")]
    pub snapshot: Option<PathBuf>,
    #[command(flatten)]
    /// The site.
    pub site: Site,
}

/// `peerpress serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Serve the site as it is; nothing is built
    #[arg(long = "static")]
    pub as_is: bool,
    /// The address to listen on [default: 127.0.0.1, this machine only]
    #[arg(long, value_name = "ADDRESS", visible_alias = "listen")]
    pub host: Option<IpAddr>,
    /// Ask for a name and a password; FILE has its hash, as `peerpress hash-password` prints it. May be given several times
    #[arg(long, value_name = "NAME:FILE")]
    pub auth: Vec<String>,
    /// A name under which others reach this server, besides addresses and localhost, such as that of a proxy. May be given several times
    #[arg(long, value_name = "NAME")]
    pub host_name: Vec<String>,
    /// The port to listen on; the next free one is taken [default: 8000]
    #[arg(long, short, value_name = "PORT")]
    pub port: Option<u16>,
    /// Seconds after which the database is asked for new data
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "from")]
    pub interval: u64,
    #[command(flatten)]
    /// What to build.
    pub build: Build,
}

/// `peerpress migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    /// The database.
    pub database: Database,
    /// Track changes by triggers, so that snapshots look only at what changed and `serve` hears of it at once
    #[arg(long, conflicts_with = "no_track_changes")]
    pub track_changes: bool,
    /// Take the triggers that track changes away again
    #[arg(long)]
    pub no_track_changes: bool,
}

/// `peerpress seed`.
#[derive(Debug, Args)]
pub struct Seed {
    #[command(flatten)]
    /// The database.
    pub database: Database,
    /// How many conferences
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub conferences: usize,
    /// Over how many days
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub days: u32,
    /// Another seed, other calls; the same seed and end, the same calls
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The last instant, such as 2026-11-23T12:00:00Z [default: the beginning of this hour]
    #[arg(long, value_name = "TIME")]
    pub end: Option<String>,
    /// Only calls of two people and about a minute, to try large numbers of them
    #[arg(long)]
    pub short: bool,
}

/// `peerpress check`.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    /// The database.
    pub database: Database,
    /// The folder of the site [default: output]
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Also check that the site is whole and unchanged since it was signed by this key: a file, or the key itself
    #[arg(long, value_name = "PUBKEY")]
    pub verify: Option<String>,
}

/// `peerpress new-key`.
#[derive(Debug, Args)]
pub struct NewKey {
    /// The file of the secret key, which must not be there yet
    #[arg(value_name = "KEY")]
    pub key: PathBuf,
    /// Leave the secret key without a passphrase, for jobs that nobody watches
    #[arg(long)]
    pub no_passphrase: bool,
}
