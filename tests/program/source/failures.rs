//! Whatever happens to the server or the connection, there is an error that helps and the former snapshot; and whatever others write
//! meanwhile, a snapshot is of one instant.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use peerpress::migrate::{migrate, track_changes};
use peerpress::snapshot::Snapshot;
use peerpress::source::{
    ConnectionSettings, NoProgress, Progress, SnapshotOptions, SourceError, Taken, connect, take_snapshot,
};

use super::incremental::{CALLS, calls};
use super::{dossiers, error, execute, server, settings, tcp};

/// Stands between the program and a server. What the server says goes on, up to a number of bytes of a connection; then
/// both ends are reset.
struct Proxy {
    port: u16,
    limit: Arc<AtomicU64>,
    /// What the server said on the last connection.
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let (limit, heard) = (Arc::new(AtomicU64::new(u64::MAX)), Arc::new(Mutex::new(Vec::new())));
        let proxy = Self { port: own, limit: Arc::clone(&limit), heard: Arc::clone(&heard) };
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
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
                let (limit, heard) = (limit.load(Ordering::SeqCst), Arc::clone(&heard));
                thread::spawn(move || forward(server, client, limit, &heard));
            }
        });
        proxy
    }
}

fn forward(mut server: TcpStream, mut client: TcpStream, limit: u64, heard: &Mutex<Vec<u8>>) {
    let (mut left, mut buffer) = (limit, [0; 4096]);
    while left > 0 {
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let count = match server.read(&mut buffer[..room]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Ok(count) if count > 0 => count,
            _ => break,
        };
        heard.lock().unwrap().extend_from_slice(&buffer[..count]);
        if client.write_all(&buffer[..count]).is_err() {
            break;
        }
        left -= count as u64;
    }
    if left == 0 {
        // A reset, not an end, once both handles are gone.
        rustix::net::sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
    }
    drop(server.shutdown(Shutdown::Both));
    drop(client.shutdown(Shutdown::Read));
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
    let server = server("host all all 127.0.0.1/32 trust", &[]);
    let mut admin = connect(&tcp(&server, "127.0.0.1", "none", "sslmode=disable")).unwrap();
    migrate(&mut admin).unwrap();
    admin.batch_execute(CALLS).unwrap();
    let proxy = Proxy::before(server.port());
    let url = format!("postgres://peerpress@127.0.0.1:{}/postgres?sslmode=disable", proxy.port);
    let settings = ConnectionSettings::from_url(&url).unwrap();
    let folder = tempfile::tempdir().unwrap();
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
        proxy.limit.store(*cut, Ordering::SeqCst);
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
    proxy.limit.store(u64::MAX, Ordering::SeqCst);
    assert_eq!(take().unwrap().manifest().rows, rows, "the server is back");
}

/// Does something to the server when the first part was read.
struct Then<F: Fn() + Sync>(F, AtomicBool);

impl<F: Fn() + Sync> Progress for Then<F> {
    fn parts_planned(&self, parts: usize) {
        assert!(parts > 2, "{parts} parts");
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
    let folder = tempfile::tempdir().unwrap();
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
                        FROM app ORDER BY id LIMIT 1 RETURNING id),
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
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("snapshot");
        let (done, written) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
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
            done.store(true, Ordering::Relaxed);
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
    let folder = tempfile::tempdir().unwrap();
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
