//! Snapshots of real databases: complete, consistent and reproducible, or an error that helps and no snapshot.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

mod failures;
mod incremental;
mod restarts;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{TestDb, quick_folder};
use peerpress::cluster::{Cluster, ClusterOptions};
use peerpress::snapshot::{Dossier, Part, Sample, Snapshot};
use peerpress::source::{
    ConnectionSettings, Extent, NoProgress, Progress, SnapshotOptions, SourceError, connect, take_snapshot,
};
use peerpress::units::Timestamp;

/// One of the real databases, if they are there.
fn restored(name: &str) -> Option<TestDb> {
    crate::support::shared_data().map(|_| TestDb::restored(name))
}

fn settings(db: &TestDb) -> ConnectionSettings {
    ConnectionSettings::from_url(&db.url()).unwrap()
}

fn execute(db: &TestDb, statements: &str) {
    db.client().batch_execute(statements).unwrap();
}

fn number(db: &TestDb, query: &str) -> u64 {
    db.client().query_one(query, &[]).unwrap().get::<_, i64>(0) as u64
}

fn snapshot(db: &TestDb, target: &Path) -> Result<Snapshot, SourceError> {
    take_snapshot(&settings(db), &options(target), &NoProgress).map(|taken| taken.snapshot)
}

/// A server that listens on TCP, with these lines of `pg_hba.conf` and, if there are any files, TLS.
fn server(rules: &str, files: &[(&str, &str)]) -> Cluster {
    let ssl = if files.is_empty() { "off" } else { "on" };
    Cluster::start(&ClusterOptions {
        tcp: true,
        hba: vec![rules.to_owned()],
        files: files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect(),
        settings: vec![("ssl".to_owned(), ssl.to_owned())],
        ..ClusterOptions::default()
    })
    .unwrap()
}

/// Through TCP, with this password and these parameters.
fn tcp(server: &Cluster, host: &str, password: &str, parameters: &str) -> ConnectionSettings {
    let port = server.port();
    let url = format!("postgres://peerpress:{password}@{host}:{port}/postgres?{parameters}");
    ConnectionSettings::from_url(&url).unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn options(target: &Path) -> SnapshotOptions {
    SnapshotOptions { workers: 2, part_events: 200, ..SnapshotOptions::new(target.to_owned()) }
}

fn dossiers_of(snapshot: &Snapshot, part: &Part) -> Vec<Dossier> {
    snapshot.dossiers(part).unwrap().map(Result::unwrap).collect()
}

fn dossiers(snapshot: &Snapshot) -> Vec<Dossier> {
    snapshot.parts().iter().flat_map(|part| dossiers_of(snapshot, part)).collect()
}

const COUNTED: [(&str, &str); 8] = [
    ("organizations", "organization"),
    ("apps", "app"),
    ("participants", "participant"),
    ("conferences", "conference"),
    ("sessions", "app_session"),
    ("connections", "app_connection"),
    ("tracks", "app_track"),
    ("issues", "app_issue"),
];

#[test]
fn real_databases_come_over_whole() {
    for name in ["small", "live"] {
        let Some(db) = restored(name) else { return };
        let folder = quick_folder();
        let snapshot = snapshot(&db, &folder.path().join("snapshot")).unwrap();
        for (table, source) in COUNTED {
            let expected = number(&db, &format!("SELECT count(*) FROM {source} WHERE is_active"));
            assert!(expected > 0);
            assert_eq!(snapshot.manifest().rows[table], expected, "{table} of {name}");
        }
        let dossiers = dossiers(&snapshot);
        let events = dossiers.iter().flat_map(|dossier| dossier.events.iter().map(|row| row.id));
        let own = |dossier: &Dossier| {
            dossier.samples.iter().filter(|row| !row.from_summary()).map(Sample::event_id).collect::<Vec<_>>()
        };
        let events: BTreeSet<String> =
            events.chain(dossiers.iter().flat_map(own)).map(|id| id.to_string()).collect();
        let mut admin = db.client();
        let rows = admin.query("SELECT id::text FROM app_genericevent", &[]).unwrap();
        let expected: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(events, expected, "{name}");

        let rows = admin
            .query(
                "SELECT c.id::text, c.conference_id, c.conference_name, s.data::text, \
                 (extract(epoch FROM c.created_at) * 1000000)::int8, c.duration, \
                 (SELECT count(*) FROM participant_conferences p WHERE p.conference_id = c.id) \
                 FROM conference c LEFT JOIN summary s ON s.conference_id = c.id ORDER BY c.created_at, c.id",
                &[],
            )
            .unwrap();
        assert_eq!(rows.len(), dossiers.len());
        for (row, dossier) in rows.iter().zip(&dossiers) {
            let conference = &dossier.conference;
            assert_eq!(row.get::<_, String>(0), conference.id.to_string());
            assert_eq!(row.get::<_, String>(1), conference.conference_id);
            assert_eq!(row.get::<_, Option<String>>(2), conference.conference_name);
            assert_eq!(row.get::<_, Option<String>>(3), conference.summary_data.clone().map(|json| json.0));
            assert_eq!(row.get::<_, i64>(4), conference.created_at.as_micros());
            assert_eq!(i64::from(row.get::<_, i32>(5)), conference.duration);
            assert_eq!(row.get::<_, i64>(6) as usize, conference.participants.len());
        }
        assert!(snapshot.manifest().database.contains(" of system "));
        assert!(snapshot.instant() > dossiers[0].conference.created_at);
    }
}

#[test]
fn the_number_of_workers_changes_nothing() {
    let Some(db) = restored("live") else { return };
    let folder = quick_folder();
    let take = |workers: usize| {
        let options = SnapshotOptions { workers, ..options(&folder.path().join(workers.to_string())) };
        take_snapshot(&settings(&db), &options, &NoProgress).unwrap().snapshot
    };
    let (one, four) = (take(1), take(4));
    assert!(one.parts().len() > 2);
    assert_eq!(one.parts(), four.parts());
    assert_eq!(one.manifest().digests, four.manifest().digests);
}

#[test]
fn a_conference_of_more_events_than_are_held_has_the_same_rows_in_the_same_order() {
    for name in ["small", "live"] {
        let Some(db) = restored(name) else { return };
        // Times and places in the table say different orders, and some stats events cannot be read.
        execute(
            &db,
            "UPDATE app_genericevent SET created_at = date_trunc('minute', created_at) WHERE random() < 0.5;
             UPDATE app_genericevent SET data = '[1]' WHERE type = 'stats' AND id::text < '2'",
        );
        let folder = quick_folder();
        let take = |part_events: usize| {
            let target = folder.path().join(part_events.to_string());
            let options = SnapshotOptions { part_events, ..options(&target) };
            let snapshot = take_snapshot(&settings(&db), &options, &NoProgress).unwrap().snapshot;
            let mut dossiers = dossiers(&snapshot);
            dossiers.sort_by_key(|dossier| dossier.conference.id);
            dossiers
        };
        let (streamed, held) = (take(1), take(1_000_000));
        assert!(held.iter().any(|dossier| dossier.events.iter().any(|event| event.r#type == "stats")));
        assert!(streamed == held, "{name}");
    }
}

#[test]
fn deleted_rows_fall_out_and_deleted_people_lose_their_names() {
    let Some(db) = restored("live") else { return };
    execute(&db,
        "UPDATE conference SET is_active = false WHERE id = (SELECT min(id::text)::uuid FROM conference);
         UPDATE conference SET created_at = 'infinity' WHERE id = (SELECT max(id::text)::uuid FROM conference);
         UPDATE participant SET is_active = false WHERE id = (SELECT min(id::text)::uuid FROM participant);
         UPDATE app_issue SET is_active = false;
         UPDATE app_genericevent SET is_active = false WHERE type = 'stats';
         UPDATE summary SET is_active = false;
         INSERT INTO organization VALUES (gen_random_uuid(), 'gone', now(), false);
         INSERT INTO app SELECT gen_random_uuid(), 'of gone', 'key', NULL, 1, true, NULL, now(), true, id
             FROM organization WHERE name = 'gone';
         INSERT INTO conference SELECT gen_random_uuid(), 'of gone', NULL, NULL, NULL, NULL, NULL, false, 0, now(), true, id
             FROM app WHERE name = 'of gone'",
    );
    let folder = quick_folder();
    let snapshot = snapshot(&db, &folder.path().join("snapshot")).unwrap();
    let rows = &snapshot.manifest().rows;
    assert_eq!((rows["conferences"], rows["organizations"], rows["apps"]), (4, 1, 1));
    assert_eq!((rows["issues"], rows["samples"]), (0, 0));
    let left =
        "SELECT count(*) FROM app_session s JOIN conference c ON c.id = s.conference_id WHERE c.is_active";
    assert_eq!(rows["sessions"], number(&db, left));
    let globals = snapshot.globals().unwrap();
    let deleted: Vec<_> = globals.participants.iter().filter(|row| !row.is_active).collect();
    assert_eq!(deleted.len(), 1);
    assert_eq!((&deleted[0].participant_id, &deleted[0].participant_name), (&None, &None));
    assert!(globals.participants.iter().all(|row| row.is_active == row.participant_id.is_some()));
    let last = snapshot.parts().last().unwrap();
    assert_eq!(last.day, "9999-12-30");
    let conference = &snapshot.dossiers(last).unwrap().next().unwrap().unwrap().conference;
    assert_eq!(conference.created_at, Timestamp::from_micros(i64::MAX));
    assert_eq!(conference.summary_data, None);
}

/// Waits a little after each part.
struct Slow;

impl Progress for Slow {
    fn planned(&self, extent: Extent) -> Result<(), String> {
        assert!(extent.parts > 5 && extent.events > 100, "{extent:?}");
        Ok(())
    }

    fn part_done(&self, _rows: u64) {
        thread::sleep(Duration::from_millis(30));
    }
}

#[test]
fn a_database_that_is_being_written_gives_one_instant() {
    let Some(db) = restored("small") else { return };
    let folder = quick_folder();
    let (done, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    let snapshot = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut admin = db.client();
            while !done.load(Ordering::Relaxed) {
                admin
                    .batch_execute(
                        "BEGIN;
                         INSERT INTO participant SELECT gen_random_uuid(), gen_random_uuid()::text, NULL, false, now(), true, id
                             FROM app LIMIT 1;
                         INSERT INTO conference SELECT gen_random_uuid(), gen_random_uuid()::text, NULL, NULL, NULL, NULL, NULL,
                             false, 0, created_at, true, app_id FROM conference LIMIT 1;
                         INSERT INTO app_session SELECT gen_random_uuid(), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL,
                             NULL, now(), true, conference.id, participant.id FROM conference, participant
                             WHERE participant.created_at = now();
                         INSERT INTO app_genericevent SELECT gen_random_uuid(), 'unload', 'B', NULL, now(), true,
                             conference.app_id, conference.id, NULL, participant_id, NULL, app_session.id, NULL
                             FROM app_session JOIN conference ON conference.id = app_session.conference_id
                             WHERE app_session.created_at = now();
                         COMMIT",
                    )
                    .unwrap();
                written.fetch_add(1, Ordering::Relaxed);
            }
        });
        while written.load(Ordering::Relaxed) < 3 {
            assert!(!writer.is_finished(), "it cannot write");
            thread::sleep(Duration::from_millis(1));
        }
        let options = SnapshotOptions { part_events: 1, ..options(&folder.path().join("snapshot")) };
        let snapshot = take_snapshot(&settings(&db), &options, &Slow);
        done.store(true, Ordering::Relaxed);
        snapshot.unwrap().snapshot
    });
    assert!(number(&db, "SELECT count(*) FROM conference") > snapshot.manifest().rows["conferences"]);

    let participants: BTreeSet<_> =
        snapshot.globals().unwrap().participants.iter().map(|row| row.id).collect();
    let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
    let mut sessions_of_new_participants = 0;
    for dossier in dossiers(&snapshot) {
        let sessions: BTreeSet<_> = dossier.sessions.iter().map(|row| row.id).collect();
        assert!(dossier.sessions.iter().all(|row| participants.contains(&row.participant_id)));
        assert!(dossier.events.iter().all(|row| sessions.contains(&row.session_id)));
        sessions_of_new_participants += dossier.events.iter().filter(|row| row.r#type == "unload").count();
        *rows.entry("sessions").or_default() += sessions.len() as u64;
        *rows.entry("events").or_default() += dossier.events.len() as u64;
    }
    assert!(sessions_of_new_participants > 0);
    // A row of a conference that is not there would be in the file but in no dossier.
    for (table, count) in rows {
        assert_eq!(snapshot.manifest().rows[table], count, "{table}");
    }
}

/// The error, which must carry a hint and no password.
fn error<T: std::fmt::Debug>(result: Result<T, SourceError>) -> SourceError {
    let error = result.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("\nhint: "), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("wr0ng"), "{text}");
    error
}

#[test]
fn a_database_of_another_shape_is_named_as_such() {
    let Some(db) = restored("live") else { return };
    let folder = quick_folder();
    let target = folder.path().join("snapshot");
    let said = || error(snapshot(&db, &target)).to_string();
    execute(&db, "ALTER TABLE app_session DROP COLUMN geo_ip CASCADE");
    assert!(said().contains("app_session has no column geo_ip\nhint: "), "{}", said());
    execute(&db, "ALTER TABLE app_issue ALTER COLUMN code TYPE jsonb USING to_jsonb(code)");
    let two = "app_session has no column geo_ip; app_issue.code is jsonb, expected text";
    assert!(said().contains(two), "{}", said());
    execute(&db, "CREATE SCHEMA hidden; ALTER TABLE summary SET SCHEMA hidden");
    assert!(said().contains("there is no table summary") && said().contains("hidden"), "{}", said());
    let said = error(snapshot(&TestDb::empty(), &target)).to_string();
    assert!(said.contains("there is no table organization") && said.contains("6 more"), "{said}");
    assert!(said.contains("peerpress migrate"), "{said}");
    let missing = settings(&db).with_database("nowhere");
    let missing = error(take_snapshot(&missing, &options(&target), &NoProgress));
    assert!(matches!(missing, SourceError::NoDatabase { .. }), "{missing}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_role_that_may_only_read_is_enough_and_one_that_may_not_is_told_what_it_lacks() {
    let Some(db) = restored("small") else { return };
    let folder = quick_folder();
    let reader = ConnectionSettings::from_url(&db.url().replace("peerpress@", "reader@")).unwrap();
    let take = || take_snapshot(&reader, &options(&folder.path().join("snapshot")), &NoProgress);
    execute(
        &db,
        "REVOKE CREATE ON SCHEMA public FROM public; CREATE ROLE reader LOGIN; \
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader; REVOKE SELECT ON app_issue, app, users FROM reader; \
         REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public",
    );
    let refused = error(take());
    let SourceError::Permission { table, grant } = refused else { panic!("{refused}") };
    assert_eq!(table, "app, app_issue");
    assert!(grant.contains("GRANT SELECT ON app_issue TO reader;") && !grant.contains("api_key"), "{grant}");
    execute(&db, &grant);
    let snapshot = take().unwrap().snapshot;
    assert_eq!(snapshot.manifest().rows["issues"], 528);
    assert!(snapshot.manifest().database.contains(" with oid "), "{}", snapshot.manifest().database);
    execute(&db, "CREATE SCHEMA pm; ALTER TABLE app_track SET SCHEMA pm");
    let hidden = error(take()).to_string();
    assert!(hidden.contains("GRANT USAGE ON SCHEMA pm TO reader"), "{hidden}");
}

/// Replaces the tracks by a view that takes so long for each.
fn slow_tracks(db: &TestDb, seconds: f64) {
    execute(
        db,
        &format!(
            "CREATE FUNCTION slowly(id uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS
                'BEGIN PERFORM pg_sleep({seconds}); RETURN true; END';
            ALTER TABLE app_track RENAME TO fast_track;
            CREATE VIEW app_track AS SELECT * FROM fast_track WHERE slowly(id)"
        ),
    );
}

#[test]
fn a_connection_lost_half_way_leaves_the_former_snapshot() {
    let Some(db) = restored("live") else { return };
    let folder = quick_folder();
    let target = folder.path().join("snapshot");
    let former = snapshot(&db, &target).unwrap();
    slow_tracks(&db, 0.05);
    let lost = thread::scope(|scope| {
        let taking = scope.spawn(|| snapshot(&db, &target));
        let mut admin = db.client();
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND \
                    application_name = 'peerpress' AND \
                    state = 'active' AND query LIKE 'COPY%FROM app_session%JOIN app_track%' LIMIT 1";
        while admin.query(kill, &[]).unwrap().is_empty() {
            assert!(!taking.is_finished(), "nothing to kill");
            thread::sleep(Duration::from_millis(5));
        }
        error(taking.join().unwrap())
    });
    assert!(matches!(lost, SourceError::Lost { .. }), "{lost}");
    assert_eq!(Snapshot::open(&target).unwrap().manifest(), former.manifest());
    assert_eq!(dossiers(&Snapshot::open(&target).unwrap()).len(), 5);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_takes_too_long_is_given_up() {
    let Some(db) = restored("live") else { return };
    let folder = quick_folder();
    slow_tracks(&db, 0.05);
    let hasty = SnapshotOptions {
        statement_timeout: Duration::from_millis(300),
        lock_timeout: Duration::from_millis(200),
        ..options(&folder.path().join("snapshot"))
    };
    let take = || error(take_snapshot(&settings(&db), &hasty, &NoProgress));
    let slow = take();
    assert!(
        matches!(slow, SourceError::Timeout { .. }) && slow.to_string().contains("statement timeout"),
        "{slow}"
    );
    let mut admin = db.client();
    admin.batch_execute("BEGIN; LOCK TABLE app_genericevent").unwrap();
    let locked = take();
    assert!(
        matches!(locked, SourceError::Timeout { .. }) && locked.to_string().contains("lock timeout"),
        "{locked}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_wrong_password_and_a_server_that_is_not_there_are_told_apart() {
    let server = server("host all all 127.0.0.1/32 scram-sha-256", &[]);
    let mut admin = connect(&ConnectionSettings::from_url(&server.url("postgres")).unwrap()).unwrap();
    admin.batch_execute("ALTER ROLE peerpress PASSWORD 'hunter2 @/?'").unwrap();
    let folder = quick_folder();
    let take = |settings: &ConnectionSettings| {
        error(take_snapshot(settings, &options(&folder.path().join("snapshot")), &NoProgress))
    };
    assert!(connect(&tcp(&server, "127.0.0.1", "hunter2%20%40%2F%3F", "")).is_ok());
    let wrong = take(&tcp(&server, "127.0.0.1", "wr0ng", ""));
    assert!(matches!(wrong, SourceError::Authentication { .. }), "{wrong}");
    assert!(wrong.to_string().contains("postgres://peerpress:***@127.0.0.1"), "{wrong}");
    let none =
        ConnectionSettings::from_url(&format!("postgres://peerpress@127.0.0.1:{}/postgres", server.port()));
    let none = take(&none.unwrap());
    assert!(matches!(none, SourceError::Authentication { .. }), "{none}");
    let closed = format!("postgres://u:hunter2@127.0.0.1:{}/d", free_port());
    let closed = take(&ConnectionSettings::from_url(&closed).unwrap());
    assert!(
        matches!(closed, SourceError::Unreachable { .. }) && closed.to_string().contains("refused"),
        "{closed}"
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute = format!("postgres://u:hunter2@{}/d?connect_timeout=1", listener.local_addr().unwrap());
    let mute = take(&ConnectionSettings::from_url(&mute).unwrap());
    assert!(
        matches!(mute, SourceError::Unreachable { .. }) && mute.to_string().contains("no login"),
        "{mute}"
    );
    let nowhere = take(&ConnectionSettings::from_url("postgres://u:hunter2@%2Fnowhere/d").unwrap());
    assert!(matches!(nowhere, SourceError::Unreachable { .. }), "{nowhere}");
}

/// A certificate authority, a certificate by it for `localhost`, and that one's key; all PEM.
fn certificates() -> (String, String, String) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(authority, key);
    let server_key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let server_pem = server.signed_by(&server_key, &issuer).unwrap().pem();
    (authority_pem, server_pem, server_key.serialize_pem())
}

fn is_encrypted(settings: &ConnectionSettings) -> Result<bool, SourceError> {
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    connect(settings).map(|mut client| client.query_one(query, &[]).unwrap().get(0))
}

#[test]
fn tls_is_as_strict_as_the_mode_says() {
    let (authority, certificate, key) = certificates();
    let server =
        server("host all all 127.0.0.1/32 trust", &[("server.crt", &certificate), ("server.key", &key)]);
    let folder = quick_folder();
    let (good, bad) = (folder.path().join("good.pem"), folder.path().join("bad.pem"));
    fs::write(&good, authority).unwrap();
    fs::write(&bad, certificates().0).unwrap();
    let try_mode = |host: &str, mode: &str, root: Option<&Path>| {
        let root = root.map(|path| format!("&sslrootcert={}", path.display())).unwrap_or_default();
        is_encrypted(&tcp(&server, host, "x", &format!("sslmode={mode}{root}")))
    };
    assert!(!try_mode("127.0.0.1", "disable", None).unwrap());
    assert!(!try_mode("127.0.0.1", "allow", None).unwrap());
    assert!(try_mode("127.0.0.1", "prefer", None).unwrap());
    assert!(try_mode("127.0.0.1", "require", None).unwrap());
    assert!(try_mode("127.0.0.1", "verify-ca", Some(&good)).unwrap());
    assert!(try_mode("localhost", "verify-full", Some(&good)).unwrap());
    for (host, mode, root) in [
        ("127.0.0.1", "verify-full", Some(&good)),
        ("localhost", "verify-full", Some(&bad)),
        ("localhost", "verify-full", None),
        ("localhost", "verify-ca", Some(&bad)),
        ("localhost", "require", Some(&bad)),
        ("localhost", "verify-ca", Some(&folder.path().join("missing.pem"))),
    ] {
        let refused = try_mode(host, mode, root.map(PathBuf::as_path)).unwrap_err();
        assert!(matches!(refused, SourceError::Tls { .. }), "{mode} {host}: {refused}");
        assert!(refused.to_string().contains("hint: "), "{refused}");
    }
}

#[test]
fn tls_is_used_or_left_as_the_server_wants_it() {
    let plain = server("host all all 127.0.0.1/32 trust", &[]);
    assert!(!is_encrypted(&tcp(&plain, "127.0.0.1", "x", "sslmode=prefer")).unwrap());
    let refused = is_encrypted(&tcp(&plain, "127.0.0.1", "x", "sslmode=require")).unwrap_err();
    assert!(matches!(refused, SourceError::Tls { .. }), "{refused}");
    assert!(refused.to_string().contains("turn on `ssl`"), "{refused}");

    let (_, certificate, key) = certificates();
    let files = [("server.crt", certificate.as_str()), ("server.key", key.as_str())];
    let only = server("hostssl all all 127.0.0.1/32 trust", &files);
    assert!(is_encrypted(&tcp(&only, "127.0.0.1", "x", "sslmode=allow")).unwrap());
    let refused = is_encrypted(&tcp(&only, "127.0.0.1", "x", "sslmode=disable")).unwrap_err();
    assert!(refused.to_string().contains("no encryption"), "{refused}");

    let never = server("hostnossl all all 127.0.0.1/32 trust", &files);
    assert!(!is_encrypted(&tcp(&never, "127.0.0.1", "x", "sslmode=prefer")).unwrap());
}

/// The text of all queries, comments apart.
fn queries() -> (String, String) {
    let mut all = (String::new(), String::new());
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/source/queries")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines() {
            let part = if line.starts_with("--") { &mut all.1 } else { &mut all.0 };
            part.push_str(line);
            part.push('\n');
        }
    }
    all
}

#[test]
fn each_column_of_a_table_that_is_read_is_selected_or_withheld_with_a_reason() {
    let (sql, comments) = queries();
    let words: BTreeSet<&str> =
        sql.split(|letter: char| !(letter.is_alphanumeric() || "_.\"".contains(letter))).collect();
    let withheld: BTreeMap<&str, &str> =
        comments.lines().filter_map(|line| line.strip_prefix("-- withheld: ")?.split_once(": ")).collect();
    let Some(db) = restored("small") else { return };
    let columns = db
        .client()
        .query("SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'", &[])
        .unwrap();
    let mut seen = BTreeSet::new();
    for row in &columns {
        let (table, column): (&str, &str) = (row.get(0), row.get(1));
        let is_read = |keyword| {
            sql.lines().any(|line| {
                line.trim_start()
                    .strip_prefix(keyword)
                    .is_some_and(|rest| rest.split(' ').next() == Some(table))
            })
        };
        if !is_read("FROM ") && !is_read("JOIN ") && !is_read("LEFT JOIN ") {
            continue;
        }
        seen.insert(table);
        let name = format!("{table}.{column}");
        let selected =
            words.contains(name.as_str()) || words.contains(format!("{table}.\"{column}\"").as_str());
        assert!(selected != withheld.contains_key(name.as_str()), "{name} must be selected or withheld");
    }
    assert_eq!(seen.len(), 11);
    assert!(withheld.values().all(|reason| reason.len() > 10));
    for secret in ["users", "django_session", "django_admin_log", "auth_group"] {
        assert!(!seen.contains(secret));
    }
}
