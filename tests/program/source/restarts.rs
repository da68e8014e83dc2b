//! Servers that restart, and standbys: each made from the files of a private server, and stopped and started as a test wants it.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use peerpress::cluster::{Cluster, ClusterOptions};
use peerpress::migrate::migrate;
use peerpress::snapshot::Snapshot;
use peerpress::source::{
    ConnectionSettings, NoProgress, Progress, SnapshotOptions, SourceError, Taken, connect, take_snapshot,
};
use postgres::config::Host;
use postgres::{Client, NoTls};
use rustix::process::{Pid, Signal, kill_process};

use super::failures::Then;
use super::incremental::CALLS;
use super::{dossiers, error, free_port};
use crate::support::quick_folder;

/// Ends the server with us, but does not take its files away.
const WATCHDOG: &str = include_str!("../../../src/cluster/watchdog.sh");

/// No server takes longer, however busy the machine is.
const LIMIT: Duration = Duration::from_secs(60);

/// A server with [`CALLS`] whose files can be copied while it runs.
fn primary() -> Cluster {
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let primary = Cluster::start(&ClusterOptions {
        // What others clean up at some time would be a conflict at some time.
        settings: vec![set("wal_level", "replica"), set("max_wal_senders", "4"), set("autovacuum", "off")],
        hba: ["local replication all trust", "host all all 127.0.0.1/32 trust"].map(str::to_owned).to_vec(),
        cache: Some(env!("CARGO_TARGET_TMPDIR").into()),
        ..ClusterOptions::default()
    })
    .unwrap();
    let mut admin = connect(&ConnectionSettings::from_url(&primary.url("postgres")).unwrap()).unwrap();
    migrate(&mut admin).unwrap();
    admin.batch_execute(CALLS).unwrap();
    primary
}

/// A server made from a copy of another one's files.
struct Copied {
    // First the server ends, then its files go.
    shell: Option<Child>,
    folder: tempfile::TempDir,
    port: u16,
    program: PathBuf,
    /// As whom it runs, since PostgreSQL refuses root.
    owner: (u32, u32),
}

impl Copied {
    /// With `more` arguments of `pg_basebackup`.
    fn of(primary: &Cluster, more: &[&str]) -> Self {
        let config: postgres::Config = primary.url("postgres").parse().unwrap();
        let Host::Unix(socket) = &config.get_hosts()[0] else { panic!("a socket is expected") };
        let owner = socket.metadata().map(|found| (found.uid(), found.gid())).unwrap();
        let folder = quick_folder();
        chown(folder.path(), Some(owner.0), Some(owner.1)).unwrap();
        let program = primary.programs().path("postgres");
        let mut copied = Self { shell: None, folder, port: free_port(), program, owner };
        let mut backup = copied.command(&primary.programs().path("pg_basebackup"));
        backup.args(["--checkpoint=fast", "--wal-method=fetch", "--no-sync"]).args(more);
        backup.arg("--dbname").arg(primary.url("postgres")).arg("--pgdata").arg(copied.data());
        let output = backup.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        copied.start();
        copied
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir(self.folder.path());
        // Only root may be somebody else.
        if rustix::process::getuid().is_root() {
            command.uid(self.owner.0).gid(self.owner.1);
        }
        command
    }

    fn url(&self) -> String {
        // A socket of the file system breaks when it is written to, before it is read what the server said last.
        format!("postgres://peerpress@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    fn settings(&self) -> ConnectionSettings {
        ConnectionSettings::from_url(&self.url()).unwrap()
    }

    fn client(&self) -> Client {
        Client::connect(&self.url(), NoTls).unwrap()
    }

    /// Starts it, and waits until it takes connections.
    fn start(&mut self) {
        let folder = self.folder.path();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let port = format!("port={}", self.port);
        let mut shell = self.command(Path::new("/bin/sh"));
        shell.args(["-c", WATCHDOG, "watchdog"]).arg(folder.join("nothing")).arg(&self.program);
        shell.arg("-D").arg(self.data()).args(["-c", &port]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "wal_level=replica",
            "max_wal_senders=4",
            "hot_standby=on",
            "hot_standby_feedback=off",
            "max_standby_streaming_delay=0",
            "wal_receiver_status_interval=1",
        ] {
            shell.args(["-c", setting]);
        }
        shell.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
        let mut shell = shell.spawn().unwrap();
        let begun = Instant::now();
        while Client::connect(&self.url(), NoTls).is_err() {
            assert!(begun.elapsed() < LIMIT && shell.try_wait().unwrap().is_none(), "{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
        self.shell = Some(shell);
    }

    /// SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one.
    fn restart(&mut self, signal: Signal) {
        let pid = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        kill(pid.lines().next().unwrap().parse().unwrap(), signal);
        self.shell.take().unwrap().wait().unwrap();
        self.start();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            drop(shell.stdin.take());
            drop(shell.wait());
        }
    }
}

fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn take(settings: &ConnectionSettings, target: &Path, progress: &dyn Progress) -> Result<Taken, SourceError> {
    let options =
        SnapshotOptions { workers: 2, part_events: 3, full: true, ..SnapshotOptions::new(target.to_owned()) };
    take_snapshot(settings, &options, progress)
}

/// That a snapshot is there as it was, and nothing beside it.
fn is_left(folder: &Path, former: &Snapshot, why: &str) {
    let left = Snapshot::open(&folder.join("snapshot")).unwrap();
    assert_eq!(left.manifest(), former.manifest(), "{why}");
    assert!(dossiers(&left) == dossiers(former), "{why}");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "{why}");
}

#[test]
fn a_server_that_restarts_half_way_is_an_error_and_the_next_run_is_well() {
    let server = Copied::of(&primary(), &[]);
    let settings = server.settings();
    let folder = quick_folder();
    let target = folder.path().join("snapshot");
    let mut former = take(&settings, &target, &NoProgress).unwrap().snapshot;
    let server = Mutex::new(server);
    let stop = |signal| server.lock().unwrap().restart(signal);
    let crash = || {
        // As the kernel does where memory is short: the server takes all other connections down and starts again.
        let mut admin = server.lock().unwrap().client();
        let own = "SELECT pid FROM pg_stat_activity WHERE application_name = 'peerpress' LIMIT 1";
        kill(admin.query_one(own, &[]).unwrap().get(0), Signal::KILL);
        // Nobody knows how soon it is noticed.
        while admin.batch_execute("SELECT 1").is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    };
    // Whether the server's last words come through before the connection is reset is chance.
    let ways: [(&str, &(dyn Fn() + Sync)); 3] =
        [("fast", &|| stop(Signal::INT)), ("immediate", &|| stop(Signal::QUIT)), ("crash", &crash)];
    for (way, act) in ways {
        let failed = error(take(&settings, &target, &Then(act, AtomicBool::new(false))));
        assert!(matches!(failed, SourceError::Lost { .. }), "{way}: {failed}");
        is_left(folder.path(), &former, way);
        // At once: it may still be starting.
        let next = take(&settings, &target, &NoProgress).unwrap().snapshot;
        assert_eq!(next.manifest().rows, former.manifest().rows, "{way}");
        assert!(dossiers(&next) == dossiers(&former), "{way}");
        former = next;
    }
}

#[test]
fn a_standby_gives_the_snapshot_of_its_primary_and_says_so_where_it_must_give_up_a_read() {
    let primary = primary();
    let standby = Copied::of(&primary, &["--write-recovery-conf"]);
    let folder = quick_folder();
    let target = folder.path().join("snapshot");
    let mut admin = Client::connect(&primary.url("postgres"), NoTls).unwrap();
    let mut on_standby = standby.client();
    let catch_up = || {
        let written: String =
            admin.query_one("SELECT pg_current_wal_insert_lsn()::text", &[]).unwrap().get(0);
        let begun = Instant::now();
        let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'");
        while !on_standby.query_one(&replayed, &[]).unwrap().get::<_, bool>(0) {
            assert!(begun.elapsed() < LIMIT, "{}", standby.log());
            thread::sleep(Duration::from_millis(5));
        }
    };
    let catch_up = Mutex::new(catch_up);
    let of_primary = || {
        let settings = ConnectionSettings::from_url(&primary.url("postgres")).unwrap();
        let folder = quick_folder();
        let taken = take(&settings, &folder.path().join("snapshot"), &NoProgress).unwrap().snapshot;
        (taken.parts().to_vec(), taken.manifest().digests.clone(), dossiers(&taken))
    };
    let of_standby = || {
        catch_up.lock().unwrap()();
        take(&standby.settings(), &target, &NoProgress).unwrap().snapshot
    };
    let former = of_standby();
    assert!((former.parts().to_vec(), former.manifest().digests.clone(), dossiers(&former)) == of_primary());

    let act = || {
        let mut admin = Client::connect(&primary.url("postgres"), NoTls).unwrap();
        admin.batch_execute("DELETE FROM app_genericevent WHERE id::text LIKE '5%2'").unwrap();
        admin.batch_execute("VACUUM app_genericevent").unwrap();
        catch_up.lock().unwrap()();
    };
    let failed = error(take(&standby.settings(), &target, &Then(act, AtomicBool::new(false)))).to_string();
    assert!(failed.contains("due to conflict with recovery"), "{failed}");
    assert!(failed.contains("\nhint: run again; ") && failed.contains("hot_standby_feedback"), "{failed}");
    is_left(folder.path(), &former, "a conflict");
    let next = of_standby();
    assert!((next.parts().to_vec(), next.manifest().digests.clone(), dossiers(&next)) == of_primary());
    assert!(next.manifest().rows["events"] < former.manifest().rows["events"]);
}
