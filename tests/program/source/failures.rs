//! Whatever happens to the server or the connection, there is an error that helps and the former snapshot; and whatever others write
//! meanwhile, a snapshot is of one instant.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use peerpress::cluster::Cluster;
use peerpress::migrate::{migrate, track_changes};
use peerpress::snapshot::Snapshot;
use peerpress::source::{
    ConnectionSettings, Extent, NoProgress, Progress, SnapshotOptions, SourceError, Taken, connect,
    take_snapshot,
};

use super::incremental::{CALLS, calls};
use super::{dossiers, error, execute, server, settings, slow_tracks, tcp};
use crate::cli::{files, peerpress, run};
use crate::support::quick_folder;
use crate::survive::SmallDisk;

/// Stands between the program and a server, and hands on what the server says in the way that is asked for, up to a number of bytes
/// of a connection.
struct Proxy {
    port: u16,
    way: Arc<Way>,
    /// What the server said on the last connection.
    heard: Arc<Mutex<Vec<u8>>>,
}

struct Way {
    limit: AtomicU64,
    /// After that many bytes nothing comes any more; else both ends are reset.
    falls_silent: AtomicBool,
    /// So few bytes every 5 ms; zero for no limit.
    few: AtomicUsize,
    /// So many times the server is still starting.
    starts: AtomicUsize,
}

/// What a server says that does not take connections yet.
const STARTING: &[u8] = b"E\0\0\0\x37SFATAL\0C57P03\0Mthe database system is starting up\0\0";

impl Proxy {
    fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let way = Arc::new(Way {
            limit: AtomicU64::new(u64::MAX),
            falls_silent: AtomicBool::new(false),
            few: AtomicUsize::new(0),
            starts: AtomicUsize::new(0),
        });
        let heard = Arc::new(Mutex::new(Vec::new()));
        let proxy = Self { port: own, way: Arc::clone(&way), heard: Arc::clone(&heard) };
        thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                if way.starts.load(Ordering::SeqCst) > 0 {
                    way.starts.fetch_sub(1, Ordering::SeqCst);
                    // What it asks is read, or else it would be reset.
                    drop(client.read(&mut [0; 1024]));
                    drop(client.write_all(STARTING));
                    continue;
                }
                let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                heard.lock().unwrap().clear();
                let (mut to_server, mut from_client) =
                    (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || {
                    // Ends with the connection, however that ends.
                    drop(std::io::copy(&mut from_client, &mut to_server));
                    drop(to_server.shutdown(Shutdown::Both));
                });
                let (way, heard) = (Arc::clone(&way), Arc::clone(&heard));
                thread::spawn(move || forward(server, client, &way, &heard));
            }
        });
        proxy
    }

    fn settings(&self, parameters: &str) -> ConnectionSettings {
        let port = self.port;
        let url = format!("postgres://peerpress@127.0.0.1:{port}/postgres?sslmode=disable{parameters}");
        ConnectionSettings::from_url(&url).unwrap()
    }
}

fn forward(mut server: TcpStream, mut client: TcpStream, way: &Way, heard: &Mutex<Vec<u8>>) {
    let (mut left, mut buffer) = (way.limit.load(Ordering::SeqCst), [0; 4096]);
    let few = way.few.load(Ordering::SeqCst);
    while left > 0 {
        let most = if few > 0 { few } else { buffer.len() };
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(most);
        let count = match server.read(&mut buffer[..room]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Ok(count) if count > 0 => count,
            _ => break,
        };
        heard.lock().unwrap().extend_from_slice(&buffer[..count]);
        if client.write_all(&buffer[..count]).is_err() {
            break;
        }
        if few > 0 {
            thread::sleep(Duration::from_millis(5));
        }
        left -= count as u64;
    }
    if left == 0 && way.falls_silent.load(Ordering::SeqCst) {
        // For longer than any test.
        thread::sleep(Duration::from_secs(600));
    }
    if left == 0 {
        // A reset, not an end, once both handles are gone.
        rustix::net::sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
    }
    drop(server.shutdown(Shutdown::Both));
    drop(client.shutdown(Shutdown::Read));
}

/// A server with [`CALLS`] that is reached through TCP.
fn server_with_calls() -> Cluster {
    let server = server("host all all 127.0.0.1/32 trust", &[]);
    let mut admin = connect(&tcp(&server, "127.0.0.1", "none", "sslmode=disable")).unwrap();
    migrate(&mut admin).unwrap();
    admin.batch_execute(CALLS).unwrap();
    server
}

/// Where each message of a server ends.
fn ends(heard: &[u8]) -> Vec<(u8, u64)> {
    let (mut at, mut found) = (0, Vec::new());
    while let Some(head) = heard.get(at..at + 5) {
        at += 1 + u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        found.push((head[0], at as u64));
    }
    assert_eq!(at, heard.len(), "these are no messages");
    found
}

#[test]
fn a_connection_that_is_reset_at_any_message_is_an_error_and_leaves_the_former_snapshot() {
    let server = server_with_calls();
    let proxy = Proxy::before(server.port());
    let settings = proxy.settings("");
    let folder = quick_folder();
    let target = folder.path().join("snapshot");
    let take = || {
        let options = SnapshotOptions { workers: 1, full: true, ..SnapshotOptions::new(target.clone()) };
        take_snapshot(&settings, &options, &NoProgress).map(|taken| taken.snapshot)
    };
    let former = take().unwrap();
    let ends = ends(&proxy.heard.lock().unwrap());
    assert!(ends.len() > 200, "{} messages", ends.len());
    let rows = former.manifest().rows.clone();
    // After messages, and in the midst of them.
    let sparse = if is_thorough() { 1 } else { 5 };
    let mut cuts: Vec<u64> = ends.iter().step_by(sparse).map(|(_, end)| *end).collect();
    cuts.extend(ends.iter().skip(sparse / 2).step_by(5 * sparse).map(|(_, end)| end - 3));
    cuts.retain(|cut| *cut < ends.last().unwrap().1);
    for cut in &cuts {
        proxy.way.limit.store(*cut, Ordering::SeqCst);
        let failed = error(take());
        assert!(
            matches!(
                failed,
                SourceError::Lost { .. }
                    | SourceError::Unreachable { .. }
                    | SourceError::Authentication { .. }
            ),
            "after {cut} bytes: {failed}"
        );
        assert_eq!(Snapshot::open(&target).unwrap().manifest(), former.manifest(), "after {cut} bytes");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "after {cut} bytes");
    }
    assert!(cuts.len() > 60, "{} resets", cuts.len());
    proxy.way.limit.store(u64::MAX, Ordering::SeqCst);
    assert_eq!(take().unwrap().manifest().rows, rows, "the server is back");
}

#[test]
fn a_server_that_is_starting_is_waited_for_as_long_as_a_connection_may_take() {
    let server = server_with_calls();
    let proxy = Proxy::before(server.port());
    let folder = quick_folder();
    let take = |parameters| {
        let options = SnapshotOptions {
            workers: 1,
            full: true,
            ..SnapshotOptions::new(folder.path().join("snapshot"))
        };
        take_snapshot(&proxy.settings(parameters), &options, &NoProgress)
    };
    proxy.way.starts.store(3, Ordering::SeqCst);
    assert!(take("").is_ok());
    assert_eq!(proxy.way.starts.load(Ordering::SeqCst), 0);
    proxy.way.starts.store(usize::MAX, Ordering::SeqCst);
    let refused = error(take("&connect_timeout=1"));
    assert!(
        matches!(refused, SourceError::Unreachable { .. })
            && refused.to_string().contains("the database system is starting up"),
        "{refused}"
    );
}

#[test]
fn what_comes_a_few_bytes_at_a_time_comes_over_whole() {
    let server = server_with_calls();
    // More than is handed over at once.
    let more = "INSERT INTO app_genericevent SELECT gen_random_uuid(), 'custom', 'B', jsonb_build_object('pad', repeat('x', 400)),
            '2026-11-17Z', true, app_id, conference_id, NULL, participant_id, NULL, session_id, NULL
        FROM app_genericevent, generate_series(1, 160) WHERE id::text LIKE '5%011'";
    connect(&tcp(&server, "127.0.0.1", "none", "sslmode=disable")).unwrap().batch_execute(more).unwrap();
    let proxy = Proxy::before(server.port());
    let folder = quick_folder();
    let take = |name: &str| {
        let options = SnapshotOptions { workers: 2, ..SnapshotOptions::new(folder.path().join(name)) };
        take_snapshot(&proxy.settings(""), &options, &NoProgress).unwrap().snapshot
    };
    let fast = take("fast");
    proxy.way.few.store(256, Ordering::SeqCst);
    let slow = take("slow");
    assert!(fast.manifest().rows["events"] > 160);
    assert_eq!(slow.parts(), fast.parts());
    assert_eq!(slow.manifest().rows, fast.manifest().rows);
    assert_eq!(slow.manifest().digests, fast.manifest().digests);
    assert!(dossiers(&slow) == dossiers(&fast));
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let server = server_with_calls();
    let open = Proxy::before(server.port());
    let folder = quick_folder();
    let options = |name: &str| SnapshotOptions {
        workers: 1,
        full: true,
        ..SnapshotOptions::new(folder.path().join(name))
    };
    take_snapshot(&open.settings(""), &options("first"), &NoProgress).unwrap();
    let ends = ends(&open.heard.lock().unwrap());
    // Answers to queries, rows and the last words; in the midst of a message, too.
    let places = [0.2, 0.5, 0.8, 0.99].map(|part| ends[(ends.len() as f64 * part) as usize].1);
    let cuts: Vec<u64> = places.into_iter().chain([places[1] - 3]).collect();
    let (done, results) = mpsc::channel();
    for cut in cuts.clone() {
        let proxy = Proxy::before(server.port());
        let options = options(&cut.to_string());
        let (done, settings) = (done.clone(), proxy.settings(""));
        thread::spawn(move || {
            let former = take_snapshot(&settings, &options, &NoProgress).unwrap().snapshot;
            proxy.way.falls_silent.store(true, Ordering::SeqCst);
            proxy.way.limit.store(cut, Ordering::SeqCst);
            let hasty = SnapshotOptions {
                statement_timeout: Duration::from_secs(2),
                grace: Duration::ZERO,
                ..options.clone()
            };
            let failed = take_snapshot(&settings, &hasty, &NoProgress);
            let left = Snapshot::open(&options.target).unwrap();
            assert_eq!(left.manifest(), former.manifest(), "after {cut} bytes");
            drop(done.send((cut, failed)));
        });
    }
    drop(done);
    for _ in &cuts {
        // Whoever waits for ever fails here.
        let (cut, failed) = results.recv_timeout(Duration::from_secs(60)).unwrap();
        let failed = error(failed);
        assert!(matches!(failed, SourceError::Silent { seconds: 2, .. }), "after {cut} bytes: {failed}");
    }
    // The snapshots, and nothing half done.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1 + cuts.len());
}

/// Wants nothing of any extent.
struct Unwilling;

impl Progress for Unwilling {
    fn planned(&self, extent: Extent) -> Result<(), String> {
        Err(format!("{} events are too many\nhint: fewer", extent.events))
    }

    fn part_done(&self, _rows: u64) {
        panic!("a part was read");
    }
}

#[test]
fn a_snapshot_for_which_there_is_no_room_is_not_begun() {
    let db = calls();
    let folder = quick_folder();
    let options = SnapshotOptions { full: true, ..SnapshotOptions::new(folder.path().join("snapshot")) };
    let former = take_snapshot(&settings(&db), &options, &NoProgress).unwrap().snapshot;
    let refused = error(take_snapshot(&settings(&db), &options, &Unwilling));
    let events = super::number(
        &db,
        "SELECT count(*) FROM app_genericevent JOIN conference c ON c.id = app_genericevent.conference_id WHERE c.is_active",
    );
    assert_eq!(refused.to_string(), format!("{events} events are too many\nhint: fewer"));
    assert_eq!(Snapshot::open(&options.target).unwrap().manifest(), former.manifest());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_snapshot_that_cannot_fit_is_an_error_before_anything_is_written() {
    let db = calls();
    let folder = quick_folder();
    let at = folder.path().join("disk");
    let Some(disk) = SmallDisk::mount(&at, "size=1m,nr_inodes=4") else { return };
    let taken = run(peerpress(folder.path()).args([
        "snapshot",
        "--snapshot",
        "disk/snapshot",
        "--database-url",
        &db.url(),
    ]));
    assert_eq!(taken.code, Some(1), "{}", taken.stderr);
    assert!(
        taken.stderr.contains("no room for the snapshot") && taken.stderr.contains("hint: "),
        "{}",
        taken.stderr
    );
    let left: Vec<_> = std::fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".snapshot.lock"]);
    drop(disk);
}

/// Does something to the server when the first part was read.
pub(super) struct Then<F: Fn() + Sync>(pub(super) F, pub(super) AtomicBool);

impl<F: Fn() + Sync> Progress for Then<F> {
    fn planned(&self, extent: Extent) -> Result<(), String> {
        assert!(extent.parts > 2, "{extent:?}");
        Ok(())
    }

    fn part_done(&self, _rows: u64) {
        if !self.1.swap(true, Ordering::SeqCst) {
            (self.0)();
        }
    }
}

#[test]
fn what_is_done_to_the_server_half_way_is_an_error_with_its_reason() {
    let db = calls();
    let folder = quick_folder();
    let target = folder.path().join("snapshot");
    let options =
        |full| SnapshotOptions { workers: 1, part_events: 3, full, ..SnapshotOptions::new(target.clone()) };
    let former = take_snapshot(&settings(&db), &options(true), &NoProgress).unwrap().snapshot;
    let others =
        "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'peerpress'";
    // What is done, with what the error says; a right that is taken away counts for what is read from then on.
    let cases = [
        (format!("SELECT pg_terminate_backend(pid) {others} AND pid <> pg_backend_pid()"), "was lost"),
        ("REVOKE SELECT ON app_track FROM weak".to_owned(), "permission denied for table app_track"),
        ("DROP TABLE app_track CASCADE".to_owned(), "lock timeout"),
    ];
    execute(&db, "CREATE ROLE weak LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO weak");
    let weak = ConnectionSettings::from_url(&db.url().replace("peerpress@", "weak@")).unwrap();
    for (statement, said) in cases {
        let act = || {
            let mut admin = db.client();
            if said == "lock timeout" {
                // It is the other who waits for us, and gives up.
                admin.batch_execute("SET lock_timeout = 200").unwrap();
                let refused = admin.batch_execute(&statement).unwrap_err();
                assert!(refused.as_db_error().unwrap().message().contains(said), "{refused:?}");
            } else {
                admin.batch_execute(&statement).unwrap();
            }
        };
        let taken = take_snapshot(&weak, &options(true), &Then(act, AtomicBool::new(false)));
        if said == "lock timeout" {
            assert_eq!(taken.unwrap().snapshot.manifest().rows, former.manifest().rows, "{statement}");
        } else {
            let failed = error(taken).to_string();
            assert!(failed.contains(said), "{statement}: {failed}");
            assert_eq!(Snapshot::open(&target).unwrap().manifest(), former.manifest(), "{statement}");
            execute(&db, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO weak");
        }
    }
}

#[test]
fn a_cancelled_statement_is_told_from_one_that_takes_too_long_and_nothing_is_published() {
    let db = calls();
    let folder = quick_folder();
    let place = folder.path();
    let command = |name: &str| {
        let mut command = peerpress(place);
        command.args([name, "--database-url", &db.url()]);
        command
    };
    let built = run(&mut command("build"));
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    let all = || (files(&place.join("output")), files(&place.join("snapshot")));
    let former = all();
    assert!(former.0.len() > 20 && former.1.len() > 10);
    slow_tracks(&db, 0.4);

    let mut admin = db.client();
    let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND \
                  application_name = 'peerpress' AND state = 'active' AND query LIKE 'COPY%app_track%'";
    for name in ["snapshot", "build"] {
        let cancelled = thread::scope(|scope| {
            let running = scope.spawn(|| run(&mut command(name)));
            while !running.is_finished() {
                admin.query(cancel, &[]).unwrap();
                thread::sleep(Duration::from_millis(20));
            }
            running.join().unwrap()
        });
        assert_eq!(cancelled.code, Some(1), "{name}: {}{}", cancelled.stdout, cancelled.stderr);
        let said = "was told to stop: canceling statement due to user request";
        assert!(cancelled.stderr.contains(said), "{name}: {}", cancelled.stderr);
        assert!(cancelled.stderr.contains("hint: an administrator"), "{name}: {}", cancelled.stderr);
        assert!(all() == former, "{name}");
    }
    std::fs::write(place.join("peerpress.toml"), "[database]\nstatement_timeout = 1").unwrap();
    let late = run(&mut command("snapshot"));
    assert_eq!(late.code, Some(1), "{}{}", late.stdout, late.stderr);
    let said =
        "gave up: canceling statement due to statement timeout\nhint: raise database.statement_timeout";
    assert!(late.stderr.contains(said), "{}", late.stderr);
    assert!(all() == former, "a timeout");
}

#[test]
fn a_password_is_in_nothing_that_is_said_written_or_seen_of_the_process() {
    let server = server("host all all 127.0.0.1/32 scram-sha-256", &[]);
    let mut admin = connect(&ConnectionSettings::from_url(&server.url("postgres")).unwrap()).unwrap();
    migrate(&mut admin).unwrap();
    admin.batch_execute(CALLS).unwrap();
    admin.batch_execute("ALTER ROLE peerpress PASSWORD 'hunter2-is-right'").unwrap();
    let folder = quick_folder();
    for (password, code) in [("hunter2-is-right", 0), ("hunter2-is-wrong", 1)] {
        let url = format!("postgres://peerpress:{password}@127.0.0.1:{}/postgres", server.port());
        let mut command = peerpress(folder.path());
        command.args(["build", "--json", "-vv"]).env("DATABASE_URL", url);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let title = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr, title].map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(output.status.code(), Some(code), "{said:?}");
        assert!(said[1].contains("peerpress"), "{said:?}");
        assert!(said.iter().all(|text| !text.contains("hunter2")), "{said:?}");
    }
    let written = files(folder.path());
    assert!(written.len() > 40, "{} files", written.len());
    for (path, bytes) in written {
        assert!(!path.contains("hunter2") && !bytes.windows(7).any(|part| part == b"hunter2"), "{path}");
    }
}

/// Whether to try everything, which takes minutes: `PEERPRESS_THOROUGH=1`.
fn is_thorough() -> bool {
    std::env::var_os("PEERPRESS_THOROUGH").is_some_and(|value| value == "1")
}

/// How often a snapshot is taken while others write.
fn runs() -> usize {
    if is_thorough() { 200 } else { 16 }
}

/// Sessions and events that one transaction makes.
const BUNDLE: usize = 5;

/// Bundles that there are at a time, about: else each run would take longer than the one before.
const MOST: usize = 200;

/// One who writes: bundles of a participant with a session and an event in each of five conferences, of which all, some or none
/// would be seen by somebody who does not look at one instant.
fn write(db: &crate::support::TestDb, seed: u64, (done, written): (&AtomicBool, &AtomicUsize)) {
    let mut client = db.client();
    let mut at = seed;
    while !done.load(Ordering::Relaxed) {
        at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let one_bundle = "(SELECT id FROM participant WHERE participant_name = 'bundle' ORDER BY md5(id::text || random()::text) LIMIT 1 FOR UPDATE SKIP LOCKED)";
        let statements = match (at >> 33) % 4 {
            0 | 1 => format!(
                "WITH who AS (INSERT INTO participant SELECT gen_random_uuid(), gen_random_uuid()::text, 'bundle', false, now(), true, id
                        FROM app WHERE (SELECT count(*) FROM participant WHERE participant_name = 'bundle') < {MOST}
                        ORDER BY id LIMIT 1 RETURNING id),
                    visits AS (INSERT INTO app_session SELECT gen_random_uuid(), NULL, NULL, NULL, '1', NULL, NULL, NULL, NULL, 0,
                        NULL, NULL, now(), true, c.id, who.id FROM who, (SELECT id FROM conference ORDER BY id LIMIT {BUNDLE}) c
                        RETURNING id, conference_id, participant_id)
                 INSERT INTO app_genericevent SELECT gen_random_uuid(), 'unload', 'B', NULL, now(), true, c.app_id, c.id, NULL,
                     v.participant_id, NULL, v.id, NULL FROM visits v JOIN conference c ON c.id = v.conference_id"
            ),
            2 => format!("UPDATE app_session SET app_version = md5(random()::text) WHERE participant_id = {one_bundle}"),
            _ => format!(
                "CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT id FROM participant WHERE id = {one_bundle};
                 DELETE FROM app_genericevent WHERE participant_id IN (TABLE gone);
                 DELETE FROM app_session WHERE participant_id IN (TABLE gone);
                 DELETE FROM participant WHERE id IN (TABLE gone)"
            ),
        };
        // The version has to be one for all rows.
        let statements = statements.replace("md5(random()::text) WHERE", &format!("'{}' WHERE", at >> 20));
        client.batch_execute(&format!("BEGIN; {statements}; COMMIT")).unwrap();
        written.fetch_add(1, Ordering::Relaxed);
    }
}

/// Lets those who write end, also when the test fails: it waits for them.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Bundles are whole or not there, and what is counted is there.
fn is_of_one_instant(snapshot: &Snapshot, run: usize) -> usize {
    let globals = snapshot.globals().unwrap();
    let mut visits: BTreeMap<_, Vec<Option<String>>> = BTreeMap::new();
    let (mut sessions, mut events) = (0, 0);
    for dossier in dossiers(snapshot) {
        sessions += dossier.sessions.len();
        events += dossier.events.len();
        let unloads = |id| dossier.events.iter().filter(|row| row.session_id == id).count();
        for row in &dossier.sessions {
            visits.entry(row.participant_id).or_default().push(row.app_version.clone());
            if row.app_version.is_some() {
                assert_eq!(unloads(row.id), 1, "run {run}: a session of a bundle has its event");
            }
        }
    }
    let bundles: Vec<_> =
        globals.participants.iter().filter(|row| row.participant_name.as_deref() == Some("bundle")).collect();
    for row in &bundles {
        let own = visits.remove(&row.id).unwrap_or_default();
        assert_eq!(own.len(), BUNDLE, "run {run}: half a bundle");
        assert!(own.iter().all(|version| *version == own[0]), "run {run}: {own:?}");
    }
    assert!(
        visits.keys().all(|id| globals.participants.iter().any(|row| row.id == *id)),
        "run {run}: visits of nobody"
    );
    let rows = &snapshot.manifest().rows;
    assert_eq!((rows["sessions"], rows["events"]), (sessions as u64, events as u64), "run {run}");
    bundles.len()
}

fn take(db: &crate::support::TestDb, target: &Path, run: usize) -> Taken {
    // Whole and gone on from the former one in turn; small parts, so that much is written between the first and the last.
    let options = SnapshotOptions {
        workers: 1 + run % 4,
        part_events: 3,
        full: run % 4 == 3,
        ..SnapshotOptions::new(target.to_owned())
    };
    take_snapshot(&settings(db), &options, &NoProgress).unwrap()
}

#[test]
fn snapshots_of_a_database_that_three_write_to_are_each_of_one_instant() {
    for tracked in [false, true] {
        let db = calls();
        if tracked {
            track_changes(&mut db.client()).unwrap();
        }
        let folder = quick_folder();
        let target = folder.path().join("snapshot");
        let (done, written) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            let end = Done(&done);
            let writers: Vec<_> = (1..=3)
                .map(|seed| {
                    let (db, done, written) = (&db, &done, &written);
                    scope.spawn(move || write(db, seed, (done, written)))
                })
                .collect();
            let mut seen = Vec::new();
            for run in 0..runs() {
                let before = written.load(Ordering::Relaxed);
                while written.load(Ordering::Relaxed) < before + 5 {
                    assert!(!writers.iter().any(thread::ScopedJoinHandle::is_finished), "one cannot write");
                    thread::sleep(Duration::from_millis(1));
                }
                let snapshot = take(&db, &target, run).snapshot;
                seen.push(is_of_one_instant(&snapshot, run));
            }
            drop(end);
            seen.dedup();
            assert!(seen.len() > 3, "the database changed between snapshots: {seen:?}");
        });
        let last = take(&db, &target, 0).snapshot;
        let whole = take(&db, &folder.path().join("whole"), 3).snapshot;
        assert_eq!(dossiers(&last).len(), dossiers(&whole).len());
        let counted = |table: &str| super::number(&db, &format!("SELECT count(*) FROM {table}"));
        for (ours, theirs) in
            [("sessions", "app_session"), ("conferences", "conference"), ("participants", "participant")]
        {
            assert_eq!(last.manifest().rows[ours], counted(theirs), "{ours}");
            assert_eq!(last.manifest().rows[ours], whole.manifest().rows[ours], "{ours}");
        }
    }
}

#[test]
fn the_roles_of_the_docs_can_read_what_a_snapshot_needs_and_no_more() {
    let docs = include_str!("../../../docs/database.md");
    let blocks: Vec<&str> = docs
        .split("```sql\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```").map(|(block, _)| block))
        .collect();
    let [all, columns] = blocks.as_slice() else { panic!("{} blocks of SQL", blocks.len()) };
    let db = calls();
    let folder = quick_folder();
    let name: String = db.client().query_one("SELECT current_database()::text", &[]).unwrap().get(0);
    let role = format!("reader_of_{name}");
    let prepare = |block: &str| {
        let own = block.replace("DATABASE peermetrics", &format!("DATABASE \"{name}\""));
        execute(&db, &own.replace("peerpress_reader", &format!("\"{role}\"")));
    };
    let reader = ConnectionSettings::from_url(&db.url().replace("peerpress@", &format!("{role}@"))).unwrap();
    let take = || {
        let options = SnapshotOptions::new(folder.path().join("snapshot"));
        take_snapshot(&reader, &options, &NoProgress).unwrap()
    };
    prepare(all);
    let first = take();
    assert!(first.changed && !take().changed, "nothing changed");
    prepare(columns);
    let by_columns = take();
    assert_eq!(by_columns.snapshot.manifest().rows, first.snapshot.manifest().rows);
    let mut client = connect(&reader).unwrap();
    for refused in ["SELECT api_key FROM app", "SELECT 1 FROM users", "DELETE FROM conference"] {
        assert!(client.batch_execute(refused).is_err(), "{refused}");
    }
}
