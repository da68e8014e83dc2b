//! What the database tests share: one private cluster per test process, a database of its own for every test, and the real
//! databases of `../shared`.

#![allow(dead_code, reason = "every test program uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

pub(crate) mod columns;
pub(crate) mod memory;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use peerpress::cluster::{Cluster, ClusterOptions};
use peerpress::migrate::migrate;
use peerpress::publish::Room;
use postgres::{Client, NoTls};

/// The cluster of this test process. A static is never dropped, but the cluster goes with the process.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let options =
            ClusterOptions { cache: Some(env!("CARGO_TARGET_TMPDIR").into()), ..ClusterOptions::default() };
        Cluster::start(&options).unwrap_or_else(|error| {
            panic!("failed to {error}\nhint: {}", error.hint().unwrap_or("see the log above"))
        })
    })
}

/// A database that one test has for itself. Dropping it drops it in the cluster too.
pub(crate) struct TestDb {
    name: String,
}

impl TestDb {
    /// Without any table.
    pub(crate) fn empty() -> TestDb {
        let db = TestDb { name: fresh_name() };
        cluster().create_database(&db.name).unwrap();
        db
    }

    /// With the schema as `peerpress migrate` makes it, without any row.
    pub(crate) fn migrated() -> TestDb {
        TestDb::copy_of("template_migrated", |db| {
            migrate(&mut db.client()).unwrap();
        })
    }

    /// With a real Peer Metrics database: "small" or "live". Ask [`shared_data`] first whether it is there.
    pub(crate) fn restored(which: &str) -> TestDb {
        let dump = shared_data()
            .unwrap_or_else(|| panic!("the database {which:?} needs ../shared"))
            .join(format!("peermetrics-{which}.sql.gz"));
        TestDb::copy_of(&format!("template_{which}"), |db| db.load(&dump))
    }

    /// Where it is, for the library and for programs.
    pub(crate) fn url(&self) -> String {
        cluster().url(&self.name)
    }

    /// A new connection to it.
    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.url(), NoTls).unwrap()
    }

    /// Runs an SQL file, also a compressed one, as `psql` does.
    pub(crate) fn load(&self, file: &Path) {
        let mut psql = Command::new(cluster().programs().path("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname"]).arg(self.url());
        psql.stdout(Stdio::null());
        if file.extension().is_some_and(|extension| extension == "gz") {
            let mut gunzip =
                Command::new("gunzip").arg("-c").arg(file).stdout(Stdio::piped()).spawn().unwrap();
            psql.stdin(gunzip.stdout.take().unwrap());
            assert!(psql.status().unwrap().success(), "psql could not load {}", file.display());
            assert!(gunzip.wait().unwrap().success(), "gunzip could not read {}", file.display());
        } else {
            assert!(
                psql.arg("--file").arg(file).status().unwrap().success(),
                "psql could not load {}",
                file.display()
            );
        }
    }

    /// A copy of a template, which is made by the first test of the process that asks for it.
    fn copy_of(template: &str, fill: impl FnOnce(&TestDb)) -> TestDb {
        static TEMPLATES: Mutex<Vec<String>> = Mutex::new(Vec::new());
        // A test that failed while filling one has left nothing in the list.
        let mut templates = TEMPLATES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !templates.iter().any(|name| name == template) {
            let db = TestDb { name: template.to_owned() };
            cluster().create_database(template).unwrap();
            fill(&db);
            templates.push(template.to_owned());
            // It stays, so it must not be dropped.
            std::mem::forget(db);
        }
        let db = TestDb { name: fresh_name() };
        cluster().create_database_from_template(&db.name, template).unwrap();
        db
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if let Err(error) = cluster().drop_database(&self.name) {
            say(&format!("warning: failed to {error}"));
        }
    }
}

/// The folder of real data beside the checkout. Where it is missing a test says so and returns, unless
/// `PEERPRESS_REQUIRE_SHARED=1`, which CI sets, makes that a failure.
pub(crate) fn shared_data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/upstream");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("PEERPRESS_REQUIRE_SHARED").is_none_or(|value| value != "1"),
        "{} is missing, and PEERPRESS_REQUIRE_SHARED=1 asks for it",
        folder.display()
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    say(&format!("left out: {test} needs ../shared"));
    None
}

/// Bytes that no test takes.
const ROOM: u64 = 1 << 30;

/// A folder in memory, where the system has room there: nothing waits for a disk that others keep busy.
pub(crate) fn quick_folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = Room::at(memory).is_ok_and(|room| room.bytes >= ROOM);
    let folder = if in_memory { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.unwrap()
}

/// Says a line past the test runner, which keeps what a passing test prints to itself.
pub(crate) fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
