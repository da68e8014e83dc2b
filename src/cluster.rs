//! A private, throw-away PostgreSQL server: made in a temporary folder, reached over a Unix socket in it, gone with the
//! process that started it. `peerpress demo` and the tests run on it.
//!
//! PostgreSQL refuses to run as root, so under root it runs as another user. A small shell script (`watchdog.sh`) stands
//! between us and the server: it holds our pipe, and stops the server and clears away when the pipe closes, so that even a
//! killed peerpress leaves nothing behind.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use postgres::{Client, NoTls};
use tempfile::TempDir;
use thiserror::Error;
use walkdir::WalkDir;

mod programs;

pub use programs::Programs;

/// The one database user, a superuser.
const USER: &str = "peerpress";

/// The server's port: the name of its socket ends in it, nothing listens on it unless TCP is asked for.
const DEFAULT_PORT: u16 = 5432;

/// Kernels take about 104 bytes of path for a Unix socket; `/.s.PGSQL.65535` comes on top of the folder.
const LONGEST_FOLDER: usize = 85;

/// How long a server may take to start; a slow machine needs a second or two.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long an immediate shutdown may take before we stop waiting for it.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Nothing here has to survive a crash, so nothing waits for a disk.
const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_wal_size", "256MB"),
    ("jit", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("unix_socket_permissions", "0700"),
];

/// What a server should have beyond the usual. The default is a socket only, nothing else.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// Further settings of `postgresql.conf`; they come last and win.
    pub settings: Vec<(String, String)>,
    /// Lines for `pg_hba.conf`, which come before the one that lets our own user in over the socket.
    pub hba: Vec<String>,
    /// Files to put into the data directory, by name, readable by the server alone: certificates and keys.
    pub files: Vec<(String, Vec<u8>)>,
    /// Listen on a free port of 127.0.0.1 as well. Takes lines in `hba` to let anybody in.
    pub tcp: bool,
    /// A folder to keep a freshly initialised data directory in, from which later clusters are copied: four times as
    /// fast as initialising anew.
    pub cache: Option<PathBuf>,
}

/// Why there is no server.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// No folder on this machine has PostgreSQL's server programs.
    #[error("find PostgreSQL's programs (initdb, postgres) on this machine")]
    NotInstalled,
    /// We are root, and nobody else is there to run the server as.
    #[error(
        "find a user to run PostgreSQL as: it refuses root, and /etc/passwd has neither `postgres` nor `nobody`"
    )]
    NoUser,
    /// A file of the cluster could not be made.
    #[error("prepare {path}")]
    Prepare {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A program did not start.
    #[error("run {program}")]
    Run {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// `initdb` gave up.
    #[error("initialise a PostgreSQL cluster; initdb said:\n{output}")]
    Initialise {
        /// All that it printed.
        output: String,
    },
    /// The server ended, or did not accept connections in time.
    #[error("start a PostgreSQL server ({reason}); its log:\n{log}")]
    Start {
        /// Ended or too slow.
        reason: String,
        /// All that it logged.
        log: String,
    },
    /// The running server refused.
    #[error("{doing} in the throw-away PostgreSQL server")]
    Database {
        /// What was being done, as a fragment that fits after "failed to".
        doing: String,
        /// What the server said.
        source: postgres::Error,
    },
}

impl ClusterError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            ClusterError::NotInstalled if cfg!(target_os = "macos") => {
                Some("install it: `brew install postgresql`, or Postgres.app")
            }
            ClusterError::NotInstalled => Some(
                "install it: `apt install postgresql` (Debian, Ubuntu), `dnf install postgresql-server` (Fedora, Red Hat) \
                 or `brew install postgresql`",
            ),
            ClusterError::NoUser => Some("run peerpress as an ordinary user"),
            ClusterError::Prepare { .. } | ClusterError::Initialise { .. } => {
                Some("is there room in the temporary folder? TMPDIR chooses another")
            }
            _ => None,
        }
    }
}

/// A running server. Dropping it stops the server and removes all of its data.
#[derive(Debug)]
pub struct Cluster {
    // The fields' order is that of their end: first the server, then its folder.
    watchdog: Watchdog,
    folder: TempDir,
    port: u16,
    programs: Programs,
}

impl Cluster {
    /// Makes a cluster, starts it and waits until it accepts connections.
    pub fn start(options: &ClusterOptions) -> Result<Cluster, ClusterError> {
        let programs = Programs::find().ok_or(ClusterError::NotInstalled)?;
        let folder = temporary_folder()?;
        let owner = Owner::for_server(folder.path())?;
        owner.give(folder.path())?;

        let data = folder.path().join("data");
        make_data_directory(&programs, &owner, &data, options.cache.as_deref())?;
        write_configuration(&owner, &data, options)?;

        let port = if options.tcp { free_port(folder.path())? } else { DEFAULT_PORT };
        let watchdog =
            Watchdog::spawn(&server_command(&programs, folder.path(), port, options), &owner, folder.path())?;
        let mut cluster = Cluster { watchdog, folder, port, programs };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// The URL of a database of this cluster, over the socket.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.path().to_string_lossy();
        format!("postgres://{USER}@{}:{}/{}", percent_encoded(&folder), self.port, percent_encoded(database))
    }

    /// The port of the socket's name, and of 127.0.0.1 if TCP was asked for.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// PostgreSQL's programs, of the version that is running.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Makes an empty database.
    pub fn create_database(&self, name: &str) -> Result<(), ClusterError> {
        // `template0`, so that a library's additions to `template1` do not count.
        self.create_database_from_template(name, "template0")
    }

    /// Makes a copy of a database, to which nobody may be connected meanwhile.
    pub fn create_database_from_template(&self, name: &str, template: &str) -> Result<(), ClusterError> {
        self.administrate(
            &format!("create the database {name}"),
            &format!("CREATE DATABASE {} TEMPLATE {}", quoted(name), quoted(template)),
        )
    }

    /// Removes a database, and the connections to it.
    pub fn drop_database(&self, name: &str) -> Result<(), ClusterError> {
        self.administrate(
            &format!("drop the database {name}"),
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name)),
        )
    }

    fn administrate(&self, doing: &str, sql: &str) -> Result<(), ClusterError> {
        Client::connect(&self.url("postgres"), NoTls)
            .and_then(|mut client| client.batch_execute(sql))
            .map_err(|source| ClusterError::Database { doing: doing.to_owned(), source })
    }

    fn wait_until_ready(&mut self) -> Result<(), ClusterError> {
        let started = Instant::now();
        let socket = self.folder.path().join(format!(".s.PGSQL.{}", self.port));
        let url = self.url("postgres");
        loop {
            if socket.exists() && Client::connect(&url, NoTls).is_ok() {
                return Ok(());
            }
            let reason = match self.watchdog.ended() {
                Some(status) => format!("it ended with {status}"),
                None if started.elapsed() > START_LIMIT => {
                    format!("not ready after {} s", START_LIMIT.as_secs())
                }
                None => {
                    thread::sleep(Duration::from_millis(10));
                    continue;
                }
            };
            return Err(ClusterError::Start { reason, log: self.watchdog.log() });
        }
    }
}

/// The script that holds the server, and the pipe that holds the script.
#[derive(Debug)]
struct Watchdog {
    shell: Child,
    /// Our own handle: the log can be read even after the script has removed the folder.
    log: File,
}

impl Watchdog {
    fn spawn(server: &[String], owner: &Owner, folder: &Path) -> Result<Watchdog, ClusterError> {
        let path = folder.join("log");
        let prepare = |source| ClusterError::Prepare { path: path.clone(), source };
        let log = File::options().create_new(true).read(true).append(true).open(&path).map_err(prepare)?;
        let for_output = log.try_clone().map_err(prepare)?;
        let for_errors = log.try_clone().map_err(prepare)?;

        let mut command = owner.command(Path::new("/bin/sh"), folder);
        command
            .arg("-c")
            .arg(include_str!("cluster/watchdog.sh"))
            .arg("peerpress-watchdog")
            .arg(folder)
            .args(server);
        command.stdin(Stdio::piped()).stdout(for_output).stderr(for_errors);
        // A group of its own: Ctrl-C on the terminal is for us, and we take the server down when we are done with it.
        command.process_group(0);
        let shell =
            command.spawn().map_err(|source| ClusterError::Run { program: "/bin/sh".into(), source })?;
        Ok(Watchdog { shell, log })
    }

    fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.shell.try_wait().ok().flatten()
    }

    fn log(&mut self) -> String {
        let mut bytes = Vec::new();
        // What cannot be read is as good as not logged.
        let _ = self.log.rewind().and_then(|()| self.log.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let started = Instant::now();
        while self.ended().is_none() {
            if started.elapsed() > STOP_LIMIT {
                // Reaps the script at least; the server has its signal.
                let _ = self.shell.kill();
                let _ = self.shell.wait();
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// As whom the server runs.
#[derive(Debug)]
enum Owner {
    /// As we do.
    Ourselves,
    /// As somebody else, since we are root.
    Other { uid: u32, gid: u32 },
}

impl Owner {
    /// Whoever made the folder is us, so its owner tells whether we are root.
    fn for_server(our_folder: &Path) -> Result<Owner, ClusterError> {
        let metadata = fs::metadata(our_folder).map_err(|source| prepare(our_folder, source))?;
        if metadata.uid() != 0 {
            return Ok(Owner::Ourselves);
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let (uid, gid) = unprivileged_user(&passwd).ok_or(ClusterError::NoUser)?;
        Ok(Owner::Other { uid, gid })
    }

    fn give(&self, path: &Path) -> Result<(), ClusterError> {
        match *self {
            Owner::Ourselves => Ok(()),
            Owner::Other { uid, gid } => {
                chown(path, Some(uid), Some(gid)).map_err(|source| prepare(path, source))
            }
        }
    }

    /// A command that runs as this owner, knows nothing of our `PG*` variables and stands in a folder that it may enter.
    fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        if let Owner::Other { uid, gid } = *self {
            command.uid(uid).gid(gid);
        }
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").current_dir(folder).stdin(Stdio::null());
        command
    }
}

/// The user and group of whoever may run a server, from the text of /etc/passwd. macOS writes -2 for `nobody`.
fn unprivileged_user(passwd: &str) -> Option<(u32, u32)> {
    let id = |field: &str| field.parse::<i64>().ok().map(|id| id as u32);
    ["postgres", "_postgres", "nobody"].iter().find_map(|wanted| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(wanted))?;
        let mut ids = line.split(':').skip(2).map(id);
        Some((ids.next()??, ids.next()??))
    })
}

/// An empty folder, whose path is short enough to hold a socket.
fn temporary_folder() -> Result<TempDir, ClusterError> {
    let usual = std::env::temp_dir();
    let above = if usual.as_os_str().len() + "/peerpress-123456".len() > LONGEST_FOLDER {
        Path::new("/tmp")
    } else {
        usual.as_path()
    };
    tempfile::Builder::new().prefix("peerpress-").tempdir_in(above).map_err(|source| prepare(above, source))
}

fn make_data_directory(
    programs: &Programs,
    owner: &Owner,
    data: &Path,
    cache: Option<&Path>,
) -> Result<(), ClusterError> {
    let Some(cache) = cache else {
        return initialise(programs, owner, data);
    };
    let cached = cache.join(format!("postgresql-{}", programs.version()));
    if !cached.exists() {
        initialise(programs, owner, data)?;
        keep(data, cache, &cached)?;
        return Ok(());
    }
    copy_tree(&cached, data, owner)
}

fn initialise(programs: &Programs, owner: &Owner, data: &Path) -> Result<(), ClusterError> {
    let program = programs.path("initdb");
    let mut command = owner.command(&program, data.parent().unwrap_or(Path::new("/")));
    command.arg("--pgdata").arg(data).arg(format!("--username={USER}"));
    command.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    // Small segments: less to write and to copy for a cluster that lives for a minute.
    command.arg("--wal-segsize=1");
    let output = command.output().map_err(|source| ClusterError::Run { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(ClusterError::Initialise { output: String::from_utf8_lossy(&said).trim().to_owned() })
}

/// Puts a copy of a fresh data directory into the cache. It appears there by a rename, whole or not at all; of two that do
/// so at once, the second one's copy is dropped.
fn keep(data: &Path, cache: &Path, cached: &Path) -> Result<(), ClusterError> {
    fs::create_dir_all(cache).map_err(|source| prepare(cache, source))?;
    let staging = tempfile::tempdir_in(cache).map_err(|source| prepare(cache, source))?;
    let copy = staging.path().join("data");
    copy_tree(data, &copy, &Owner::Ourselves)?;
    match fs::rename(&copy, cached) {
        Err(_) if cached.exists() => Ok(()),
        result => result.map_err(|source| prepare(cached, source)),
    }
}

fn copy_tree(from: &Path, to: &Path, owner: &Owner) -> Result<(), ClusterError> {
    for entry in WalkDir::new(from) {
        let entry = entry.map_err(|error| prepare(from, error.into()))?;
        let target = match entry.path().strip_prefix(from) {
            Ok(below) if !below.as_os_str().is_empty() => to.join(below),
            _ => to.to_path_buf(),
        };
        if entry.file_type().is_dir() {
            fs::create_dir(&target)
                .and_then(|()| fs::set_permissions(&target, Permissions::from_mode(0o700)))
                .map_err(|source| prepare(&target, source))?;
        } else {
            fs::copy(entry.path(), &target).map_err(|source| prepare(&target, source))?;
        }
        owner.give(&target)?;
    }
    Ok(())
}

fn write_configuration(owner: &Owner, data: &Path, options: &ClusterOptions) -> Result<(), ClusterError> {
    let mut hba = options.hba.join("\n");
    hba.push_str("\nlocal all all trust\n");
    let hba = ("pg_hba.conf".to_owned(), hba.into_bytes());
    for (name, content) in std::iter::once(&hba).chain(&options.files) {
        let path = data.join(name);
        let mut file = File::create(&path).map_err(|source| prepare(&path, source))?;
        // Before the content: a key is never there for others to read.
        file.set_permissions(Permissions::from_mode(0o600))
            .and_then(|()| file.write_all(content))
            .map_err(|source| prepare(&path, source))?;
        owner.give(&path)?;
    }
    Ok(())
}

fn server_command(programs: &Programs, folder: &Path, port: u16, options: &ClusterOptions) -> Vec<String> {
    let path = |path: PathBuf| path.to_string_lossy().into_owned();
    let addresses = if options.tcp { "127.0.0.1" } else { "" };
    let own = [
        ("listen_addresses".to_owned(), addresses.to_owned()),
        ("unix_socket_directories".to_owned(), path(folder.to_path_buf())),
        ("port".to_owned(), port.to_string()),
    ];
    let usual = SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));

    let mut command = vec![path(programs.path("postgres")), "-D".to_owned(), path(folder.join("data"))];
    for (name, value) in usual.chain(own).chain(options.settings.iter().cloned()) {
        command.extend(["-c".to_owned(), format!("{name}={value}")]);
    }
    command
}

/// A port that is free now. Somebody may take it before the server does; then the server says so in its log.
fn free_port(folder: &Path) -> Result<u16, ClusterError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| prepare(folder, source))
}

fn prepare(path: &Path, source: io::Error) -> ClusterError {
    ClusterError::Prepare { path: path.to_path_buf(), source }
}

fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// An identifier in SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;

    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
                          nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n\
                          postgresql:x:7:7::/:/bin/sh\n";

    #[test]
    fn root_runs_the_server_as_postgres_else_as_nobody() {
        assert_eq!(unprivileged_user(PASSWD), Some((4_294_967_294, 4_294_967_294)));
        let with_postgres = format!("{PASSWD}postgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n");
        assert_eq!(unprivileged_user(&with_postgres), Some((101, 104)));
        assert_eq!(unprivileged_user("root:x:0:0:root:/root:/bin/bash"), None);
    }

    #[test]
    fn a_quote_in_a_name_stays_inside_it() {
        assert_eq!(quoted("a\"; DROP"), "\"a\"\"; DROP\"");
    }

    #[test]
    fn a_cluster_serves_databases_and_leaves_nothing_behind() {
        let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
        cluster.create_database("odd name/ü").unwrap();
        let mut client = Client::connect(&cluster.url("odd name/ü"), NoTls).unwrap();
        let row = client
            .query_one("SELECT current_database()::text, current_setting('listen_addresses')", &[])
            .unwrap();
        assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("odd name/ü", ""));

        // Even with somebody connected.
        cluster.drop_database("odd name/ü").unwrap();
        let folder = cluster.folder.path().to_path_buf();
        assert!(folder.join("data/postmaster.pid").exists());
        drop(cluster);
        assert!(!folder.exists());
    }

    #[test]
    fn tcp_with_files_and_further_settings_for_those_who_ask() {
        let options = ClusterOptions {
            tcp: true,
            hba: vec!["host all all 127.0.0.1/32 trust".to_owned()],
            files: vec![("extra.conf".to_owned(), b"work_mem = '7MB'".to_vec())],
            settings: vec![("application_name".to_owned(), "asked for".to_owned())],
            ..ClusterOptions::default()
        };
        let cluster = Cluster::start(&options).unwrap();
        let url = format!("postgres://{USER}@127.0.0.1:{}/postgres", cluster.port());
        assert!(Client::connect(&url, NoTls).is_ok());
        let mode = fs::metadata(cluster.folder.path().join("data/extra.conf")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_server_that_does_not_start_says_why() {
        let options = ClusterOptions {
            settings: vec![("work_mem".to_owned(), "plenty".to_owned())],
            ..ClusterOptions::default()
        };
        let error = Cluster::start(&options).unwrap_err();
        assert!(
            error.to_string().contains("invalid value for parameter \"work_mem\": \"plenty\""),
            "{error}"
        );
    }

    #[test]
    fn a_cached_data_directory_makes_a_working_cluster() {
        let cache = tempfile::tempdir().unwrap();
        let options = ClusterOptions { cache: Some(cache.path().to_path_buf()), ..ClusterOptions::default() };
        for _ in ["fresh", "copied"] {
            let cluster = Cluster::start(&options).unwrap();
            cluster.create_database("peer").unwrap();
        }
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1, "no staging folder is left");
    }

    /// Not a test of its own: the process that the next test kills.
    #[test]
    #[ignore = "sleeps until it is killed"]
    fn holds_a_cluster_until_killed() {
        let cluster = Cluster::start(&ClusterOptions::default()).unwrap();
        println!("\nfolder={}", cluster.folder.path().display());
        thread::sleep(Duration::from_secs(60));
    }

    #[test]
    fn a_killed_process_leaves_no_server_behind() {
        let mut holder = Command::new(std::env::current_exe().unwrap());
        holder.args(["--exact", "cluster::tests::holds_a_cluster_until_killed", "--ignored", "--nocapture"]);
        // Nothing of the caller's PostgreSQL environment reaches the server.
        holder.env("PGPORT", "1").env("PGDATA", "/nowhere").env("PGOPTIONS", "-c nonsense=1");
        let mut holder = holder.stdout(Stdio::piped()).spawn().unwrap();
        let lines = io::BufReader::new(holder.stdout.take().unwrap()).lines();
        let folder =
            lines.map_while(Result::ok).find_map(|line| Some(line.strip_prefix("folder=")?.to_owned()));
        let folder = PathBuf::from(folder.expect("the cluster should have started"));
        assert!(folder.join("data/postmaster.pid").exists());

        holder.kill().unwrap();
        holder.wait().unwrap();
        let killed = Instant::now();
        while folder.exists() {
            assert!(killed.elapsed() < STOP_LIMIT, "{} is still there", folder.display());
            thread::sleep(Duration::from_millis(10));
        }
    }
}
