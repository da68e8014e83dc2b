//! A snapshot that goes on from the former one has the rows of one taken from nothing, reads only what changed, and leaves
//! the former one alone if nothing did.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use peerpress::migrate::{track_changes, untrack_changes};
use peerpress::snapshot::{Dossier, Globals, Snapshot};
use peerpress::source::{
    ConnectionSettings, Listener, NoProgress, SnapshotOptions, Taken, Whole, take_snapshot,
};

use super::{dossiers, execute, settings};
use crate::support::{TestDb, quick_folder};

/// Six conferences, two a day, each with two participants, sessions, connections, tracks and issues, the second issue stored
/// without a conference; three events, one of them stats, and a summary. The ids say the table and the conference.
pub(super) const CALLS: &str = "
    CREATE FUNCTION pg_temp.id(kind text, n int) RETURNS uuid LANGUAGE sql
        AS $$ SELECT (kind || '0000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid $$;
    INSERT INTO organization VALUES (pg_temp.id('a', 1), 'one', '2026-11-01Z', true), (pg_temp.id('a', 2), 'two', '2026-11-01Z', true);
    INSERT INTO app SELECT pg_temp.id('b', n), 'app ' || n, 'key ' || n, NULL, 1, true, NULL, '2026-11-01Z', true, pg_temp.id('a', n)
        FROM generate_series(1, 2) n;
    INSERT INTO participant SELECT pg_temp.id('d', n), 'who ' || n, NULL, false, '2026-11-01Z', true, pg_temp.id('b', 1)
        FROM generate_series(1, 2) n;
    INSERT INTO conference SELECT pg_temp.id('c', n), 'room ' || n, NULL, NULL, NULL, NULL, NULL, false, 0,
        timestamptz '2026-11-17 10:00Z' + (n - 1) / 2 * interval '1 day' + n * interval '1 minute', true, pg_temp.id('b', 1 + (n / 6))
        FROM generate_series(1, 6) n;
    INSERT INTO participant_conferences (participant_id, conference_id)
        SELECT pg_temp.id('d', k), pg_temp.id('c', n) FROM generate_series(1, 6) n, generate_series(1, 2) k;
    INSERT INTO summary SELECT pg_temp.id('9', n), 'd', 1, NULL, '[]', now(), true, pg_temp.id('c', n) FROM generate_series(1, 6) n;
    INSERT INTO app_session SELECT pg_temp.id('1', 10 * n + k), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL,
        '2026-11-17Z', true, pg_temp.id('c', n), pg_temp.id('d', k) FROM generate_series(1, 6) n, generate_series(1, 2) k;
    INSERT INTO app_connection SELECT pg_temp.id('2', 10 * n + k), NULL, 'connected', NULL, NULL, NULL, 0, '2026-11-17Z', true,
        pg_temp.id('c', n), pg_temp.id('d', k), pg_temp.id('d', 3 - k), pg_temp.id('1', 10 * n + k)
        FROM generate_series(1, 6) n, generate_series(1, 2) k;
    INSERT INTO app_track SELECT pg_temp.id('3', 10 * n + k), 'a', 'i', 'track', NULL, NULL, '2026-11-17Z', true,
        pg_temp.id('2', 10 * n + k), pg_temp.id('1', 10 * n + k) FROM generate_series(1, 6) n, generate_series(1, 2) k;
    INSERT INTO app_issue SELECT pg_temp.id('4', 10 * n + k), 'w', 'code', NULL, '2026-11-17Z', true,
        CASE k WHEN 1 THEN pg_temp.id('c', n) END, NULL, NULL, pg_temp.id('1', 10 * n + k), NULL
        FROM generate_series(1, 6) n, generate_series(1, 2) k;
    INSERT INTO app_genericevent SELECT pg_temp.id('5', 10 * n + k), CASE k WHEN 3 THEN 'stats' ELSE 'unload' END, 'B',
        '{\"connection\":{\"id\":\"P\",\"bytesSent\":1}}', '2026-11-17Z', true, pg_temp.id('b', 1), pg_temp.id('c', n), NULL,
        pg_temp.id('d', 1), NULL, pg_temp.id('1', 10 * n + 1), NULL FROM generate_series(1, 6) n, generate_series(1, 3) k;";

/// The id of a row: its table's digit, its number.
fn id(kind: char, number: usize) -> String {
    format!("'{kind}0000000-0000-0000-0000-{number:012}'")
}

/// What a snapshot should do after a change.
enum Expected {
    /// Leave the former one.
    Nothing,
    /// Read only these parts.
    Parts(&'static [&'static str]),
    /// Read everything.
    Whole(Whole),
}

use Expected::{Nothing, Parts, Whole as All};

/// Changes of a database, one after the other, each with what the next snapshot should read: at most six events to a part,
/// which is two conferences.
fn changes() -> Vec<(&'static str, String, Expected)> {
    let conference = |number| id('c', number);
    let hard_delete = |number: usize| {
        ["app_genericevent", "app_issue", "app_connection", "app_session", "summary", "participant_conferences"]
            .map(|table| match table {
                "app_issue" => format!(
                    "DELETE FROM app_issue WHERE session_id IN (SELECT id FROM app_session WHERE conference_id = {0});
                     DELETE FROM app_track WHERE session_id IN (SELECT id FROM app_session WHERE conference_id = {0});",
                    conference(number)
                ),
                _ => format!("DELETE FROM {table} WHERE conference_id = {};", conference(number)),
            })
            .concat()
            + &format!("DELETE FROM conference WHERE id = {};", conference(number))
    };
    let new_call = |number: usize, created_at: &str| {
        format!(
            "INSERT INTO conference SELECT {}, 'room {number}', NULL, NULL, NULL, NULL, NULL, true, 0, '{created_at}', true, {}",
            conference(number),
            id('b', 1)
        )
    };
    let late_event = |number: usize, n: usize| {
        format!(
            "INSERT INTO app_genericevent SELECT {}, 'unload', 'B', NULL, now(), true, app_id, id, NULL, {}, NULL, {}, NULL
             FROM conference WHERE id = {}",
            id('5', 10 * number + n),
            id('d', 1),
            id('1', 10 * number + 1),
            conference(number)
        )
    };
    vec![
        ("nothing", String::new(), Nothing),
        ("somebody else's table", "CREATE TABLE other (); ANALYZE".to_owned(), Nothing),
        ("a transaction that failed", "BEGIN; UPDATE conference SET duration = 7; ROLLBACK".to_owned(), Nothing),
        ("an update of no row", "UPDATE conference SET duration = 7 WHERE false".to_owned(), Nothing),
        ("late events of an old conference", late_event(1, 4), Parts(&["2026-11-17/0"])),
        ("a call on a new day", new_call(7, "2026-11-21 10:00Z"), Parts(&["2026-11-21/0"])),
        ("a call in the room of that day", new_call(8, "2026-11-21 11:00Z"), Parts(&["2026-11-21/0"])),
        ("the clock goes back", new_call(9, "2026-11-18 01:00Z"), Parts(&["2026-11-18/0"])),
        ("and far forward", new_call(10, "infinity"), Parts(&["9999-12-30/0"])),
        (
            "another day for an old conference",
            format!("UPDATE conference SET created_at = '2026-11-19 00:00Z' WHERE id = {}", conference(2)),
            Parts(&["2026-11-17/0", "2026-11-19/1"]),
        ),
        (
            "another minute",
            format!("UPDATE conference SET created_at = '2026-11-18 23:00Z' WHERE id = {}", conference(3)),
            Parts(&["2026-11-18/0"]),
        ),
        (
            "POST_CONFERENCE_CLEANUP",
            format!("DELETE FROM app_genericevent WHERE conference_id = {}", conference(3)),
            Parts(&["2026-11-18/0"]),
        ),
        (
            "a summary",
            format!("UPDATE summary SET data = '[1]' WHERE conference_id = {}", conference(4)),
            Parts(&["2026-11-18/0"]),
        ),
        (
            "a session is deleted softly",
            format!("UPDATE app_session SET is_active = false WHERE id = {}", id('1', 51)),
            Parts(&["2026-11-19/0"]),
        ),
        ("and again, which changes nothing that is read", format!("UPDATE app_session SET duration = 5 WHERE id = {}", id('1', 51)), Nothing),
        (
            "a connection and its track",
            format!("UPDATE app_connection SET state = 'closed' WHERE id = {};
                     UPDATE app_track SET label = 'x' WHERE id = {}", id('2', 52), id('3', 52)),
            Parts(&["2026-11-19/0"]),
        ),
        (
            "an issue moves to a session of another conference",
            format!("UPDATE app_issue SET session_id = {} WHERE id = {}", id('1', 11), id('4', 52)),
            Parts(&["2026-11-17/0", "2026-11-19/0"]),
        ),
        (
            "a session moves to another conference, and so do its tracks and issues",
            format!("UPDATE app_session SET conference_id = {} WHERE id = {}", conference(1), id('1', 52)),
            Parts(&["2026-11-17/0", "2026-11-19/0"]),
        ),
        ("a participant is renamed", format!("UPDATE participant SET participant_name = 'Ana' WHERE id = {}", id('d', 1)), Parts(&[])),
        (
            "a participant joins",
            format!("INSERT INTO participant SELECT {}, 'new', NULL, false, now(), true, {};
                     INSERT INTO participant_conferences (participant_id, conference_id) VALUES ({0}, {})",
                    id('d', 3), id('b', 1), conference(5)),
            Parts(&["2026-11-19/0"]),
        ),
        ("an app is deactivated", format!("UPDATE app SET is_active = false WHERE id = {}", id('b', 2)), Parts(&["2026-11-19/0"])),
        ("and comes back", format!("UPDATE app SET is_active = true WHERE id = {}", id('b', 2)), Parts(&["2026-11-19/1"])),
        ("an organization is deactivated", format!("UPDATE organization SET is_active = false WHERE id = {}", id('a', 2)), Parts(&["2026-11-19/1"])),
        ("an app is renamed", format!("UPDATE app SET name = 'other' WHERE id = {}", id('b', 1)), Parts(&[])),
        ("a conference is deleted softly", format!("UPDATE conference SET is_active = false WHERE id = {}", conference(9)), Parts(&["2026-11-18/0"])),
        ("a conference is deleted for good", hard_delete(4), Parts(&["2026-11-18/0"])),
        ("and the other one of the part", hard_delete(3), Parts(&[])),
        ("everything is rewritten", "VACUUM FULL app_session".to_owned(), All(Whole::OtherShape)),
        ("a table is truncated", "TRUNCATE app_issue, app_issue_events".to_owned(), All(Whole::OtherShape)),
        ("a column is another one of the same name",
         "ALTER TABLE app_session DROP COLUMN geo_ip; ALTER TABLE app_session ADD COLUMN geo_ip jsonb DEFAULT '{}'".to_owned(),
         All(Whole::OtherShape)),
        ("all calls are deleted", format!("UPDATE app SET is_active = false WHERE id = {}", id('b', 1)), Parts(&[])),
    ]
}

fn options(target: &Path, full: bool) -> SnapshotOptions {
    SnapshotOptions { workers: 2, part_events: 6, full, ..SnapshotOptions::new(target.to_owned()) }
}

fn take(db: &TestDb, target: &Path, full: bool) -> Taken {
    take_snapshot(&settings(db), &options(target, full), &NoProgress).unwrap()
}

/// All rows of all tables, however they are cut into parts.
fn rows(snapshot: &Snapshot) -> (Globals, Vec<(String, Dossier)>) {
    let mut rows: Vec<(String, Dossier)> = Vec::new();
    for part in snapshot.parts() {
        let dossiers = super::dossiers_of(snapshot, part);
        assert!(dossiers.is_sorted_by_key(|dossier| (dossier.conference.created_at, dossier.conference.id)));
        rows.extend(dossiers.into_iter().map(|dossier| (part.day.clone(), dossier)));
    }
    rows.sort_by_key(|(_, dossier)| (dossier.conference.created_at, dossier.conference.id));
    (snapshot.globals().unwrap(), rows)
}

/// Every file of a snapshot with its inode.
fn files(target: &Path) -> BTreeMap<String, u64> {
    let walk = walkdir::WalkDir::new(target).into_iter().map(Result::unwrap);
    let files = walk.filter(|entry| entry.file_type().is_file());
    let named = files.map(|file| {
        let name = file.path().strip_prefix(target).unwrap().to_str().unwrap().to_owned();
        (name, file.metadata().unwrap().ino())
    });
    named.collect()
}

/// The parts with a file that the former snapshot does not have, as `day/piece`.
fn written(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeSet<String> {
    let before: BTreeSet<u64> = before.values().copied().collect();
    let new = after.iter().filter(|(_, inode)| !before.contains(inode));
    let parts = new.filter_map(|(name, _)| {
        let (day, file) = name.strip_prefix("day=")?.split_once('/')?;
        let piece = file.strip_suffix(".parquet")?.split_once('-').map_or("0", |(_, piece)| piece);
        Some(format!("{day}/{piece}"))
    });
    parts.collect()
}

/// Makes all changes, and compares after each.
fn follow(db: &TestDb) {
    let folder = quick_folder();
    let (target, aside) = (folder.path().join("snapshot"), folder.path().join("aside"));
    assert_eq!(take(db, &target, false).whole, Some(Whole::First));
    for (name, statements, expected) in changes() {
        // One at a time: VACUUM and its like are no part of a transaction.
        let mut client = db.client();
        for statement in statements.split(';') {
            client.batch_execute(statement).unwrap();
        }
        let before = files(&target);
        let taken = take(db, &target, false);
        let after = files(&target);
        let clean = take(db, &aside, true);
        assert_eq!(rows(&taken.snapshot), rows(&clean.snapshot), "{name}");
        let counts = |snapshot: &Snapshot| snapshot.manifest().rows.clone();
        assert_eq!(counts(&taken.snapshot), counts(&clean.snapshot), "{name}");
        assert_eq!(Snapshot::open(&target).unwrap().manifest(), taken.snapshot.manifest(), "{name}");
        match expected {
            Nothing => {
                assert!(!taken.changed, "{name}");
                assert_eq!(before, after, "{name}");
            }
            Parts(parts) => {
                assert!(taken.changed && taken.whole.is_none(), "{name}: {:?}", taken.whole);
                let parts: BTreeSet<String> = parts.iter().map(|part| (*part).to_owned()).collect();
                assert_eq!(written(&before, &after), parts, "{name}");
                assert_eq!(taken.parts_read, parts.len(), "{name}");
            }
            All(whole) => assert_eq!(taken.whole, Some(whole), "{name}"),
        }
        let again = take(db, &target, false);
        assert!(!again.changed, "{name}");
    }
}

pub(super) fn calls() -> TestDb {
    let db = TestDb::migrated();
    execute(&db, CALLS);
    db
}

#[test]
fn by_the_versions_of_rows_only_what_changed_is_read() {
    follow(&calls());
}

#[test]
fn by_the_change_log_only_what_changed_is_read() {
    let db = calls();
    assert!(track_changes(&mut db.client()).unwrap());
    follow(&db);
}

#[test]
fn the_change_log_alone_says_where_to_look_while_it_is_whole() {
    let db = calls();
    let folder = quick_folder();
    let target = folder.path().join("snapshot");
    track_changes(&mut db.client()).unwrap();
    take(&db, &target, false);
    let update = |duration: usize| {
        execute(&db, &format!("UPDATE conference SET duration = {duration} WHERE id = {}", id('c', 1)));
    };
    let hide = "DELETE FROM peerpress_change";
    update(1);
    execute(&db, hide);
    assert!(!take(&db, &target, false).changed, "somebody looked beyond the log");
    // A trigger that is not in force, a log that begins later, and one begun anew: nobody relies on them.
    for gap in [
        "ALTER TABLE app_track DISABLE TRIGGER peerpress_update",
        "ALTER TABLE app_track ENABLE ALWAYS TRIGGER peerpress_update; UPDATE peerpress_log SET kept_from = 1000000",
        "UPDATE peerpress_log SET kept_from = 0, generation = 7",
        "DROP TRIGGER peerpress_update ON app_track",
    ] {
        update(gap.len());
        execute(&db, &[gap, "; ", hide].concat());
        assert_eq!(take(&db, &target, false).conferences_changed, 1, "{gap}");
    }
    assert!(track_changes(&mut db.client()).unwrap(), "a log with a gap is begun anew");
    assert!(!track_changes(&mut db.client()).unwrap());
    assert!(untrack_changes(&mut db.client()).unwrap());
    assert!(!untrack_changes(&mut db.client()).unwrap());
    let left = "SELECT count(*) FROM pg_proc, pg_trigger WHERE proname LIKE 'peerpress%' OR tgname LIKE 'peerpress%'";
    assert_eq!(super::number(&db, left), 0);
    assert!(!take(&db, &target, false).changed);
}

#[test]
fn a_transaction_that_was_open_is_seen_once_it_is_over() {
    let db = calls();
    for tracked in [false, true] {
        if tracked {
            track_changes(&mut db.client()).unwrap();
        }
        let folder = quick_folder();
        let target = folder.path().join("snapshot");
        let mut open = db.client();
        open.batch_execute(&format!(
            "BEGIN; UPDATE conference SET duration = duration + 1 WHERE id = {}",
            id('c', 1)
        ))
        .unwrap();
        execute(&db, &format!("UPDATE conference SET duration = duration + 1 WHERE id = {}", id('c', 2)));
        take(&db, &target, false);
        assert!(!take(&db, &target, false).changed);
        open.batch_execute("COMMIT").unwrap();
        let taken = take(&db, &target, false);
        assert_eq!((taken.conferences_changed, taken.parts_read, taken.whole), (1, 1, None), "{tracked}");
    }
}

#[test]
fn writers_need_no_right_on_the_log_and_readers_of_conferences_may_read_it() {
    let db = calls();
    execute(
        &db,
        "CREATE ROLE service LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO service;
         CREATE SCHEMA own AUTHORIZATION service;
         CREATE ROLE viewer LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO viewer",
    );
    track_changes(&mut db.client()).unwrap();
    let as_role = |role: &str| db.url().replace("peerpress@", &format!("{role}@"));
    let folder = quick_folder();
    let viewer = ConnectionSettings::from_url(&as_role("viewer")).unwrap();
    let take =
        || take_snapshot(&viewer, &options(&folder.path().join("snapshot"), false), &NoProgress).unwrap();
    take();
    let mut service = postgres::Client::connect(&as_role("service"), postgres::NoTls).unwrap();
    // Somebody's own functions, operators and tables must not be used with the owner's rights.
    service
        .batch_execute(
            "CREATE FUNCTION own.trap(bigint, int) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
             CREATE FUNCTION own.trap(uuid, uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
             CREATE FUNCTION own.trap(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
             CREATE FUNCTION own.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
             CREATE FUNCTION own.txid_current() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
             CREATE OPERATOR own.>> (FUNCTION = own.trap, LEFTARG = bigint, RIGHTARG = int);
             CREATE OPERATOR own.= (FUNCTION = own.trap, LEFTARG = uuid, RIGHTARG = uuid);
             CREATE OPERATOR own.= (FUNCTION = own.trap, LEFTARG = bigint, RIGHTARG = bigint);
             CREATE TABLE own.peerpress_change (bucket bigint, conference_id uuid);
             SET search_path = own, pg_catalog, public;
             UPDATE conference SET duration = 9 WHERE duration = 0;
             UPDATE app_track SET label = 'x';
             UPDATE app_issue SET code = 'x';
             UPDATE app SET name = 'x' WHERE name = 'app 1'",
        )
        .unwrap();
    assert!(service.batch_execute("DELETE FROM public.peerpress_change").is_err());
    let origin = take().snapshot.manifest().origin.clone().unwrap();
    assert!(origin.log.is_some());
    // Six conferences and one note of an app; none of it in the service's own table.
    assert_eq!(super::number(&db, "SELECT count(*) FROM public.peerpress_change"), 7);
    execute(
        &db,
        "REASSIGN OWNED BY service, viewer TO peerpress; DROP OWNED BY service, viewer; DROP ROLE service, viewer",
    );
}

#[test]
fn many_events_of_a_call_are_noted_once_and_old_notes_are_pruned() {
    let db = calls();
    track_changes(&mut db.client()).unwrap();
    for _ in 0..3 {
        execute(
            &db,
            &format!("UPDATE app_genericevent SET data = NULL WHERE conference_id = {}", id('c', 1)),
        );
    }
    let noted = || super::number(&db, "SELECT count(*) FROM peerpress_change");
    assert_eq!(noted(), 1);
    execute(
        &db,
        "UPDATE peerpress_log SET kept_from = -1000;
         INSERT INTO peerpress_change VALUES (-900, gen_random_uuid())",
    );
    let folder = quick_folder();
    take(&db, &folder.path().join("snapshot"), false);
    assert_eq!(noted(), 1);
    assert!(super::number(&db, "SELECT kept_from FROM peerpress_log") > u64::MAX - 100);
}

#[test]
fn what_cannot_be_gone_on_from_is_read_whole_with_the_reason() {
    let db = calls();
    let folder = quick_folder();
    let target = folder.path().join("snapshot");
    let whole = |full: bool| take(&db, &target, full).whole;
    assert_eq!(whole(false), Some(Whole::First));
    assert_eq!(whole(true), Some(Whole::Asked));
    assert_eq!(whole(false), None);
    fs::write(target.join("versions.parquet"), b"PAR1").unwrap();
    execute(&db, "UPDATE conference SET duration = 1");
    assert!(
        matches!(whole(false), Some(Whole::Unreadable(why)) if why.contains("versions.parquet is damaged"))
    );
    fs::write(target.join("manifest.json"), b"{").unwrap();
    assert!(matches!(whole(false), Some(Whole::Unreadable(why)) if why.contains("manifest.json")));
    let manifest = fs::read(target.join("manifest.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    manifest["program"] = "other 1.0".into();
    // Its own seal would be of what it wrote.
    manifest.as_object_mut().unwrap().remove("seal").unwrap();
    fs::write(target.join("manifest.json"), manifest.to_string()).unwrap();
    assert_eq!(whole(false), Some(Whole::OtherProgram));
    let elsewhere = calls();
    assert_eq!(take(&elsewhere, &target, false).whole, Some(Whole::OtherServer));
    execute(
        &elsewhere,
        "ALTER TABLE app_track RENAME TO real_track; CREATE VIEW app_track AS SELECT * FROM real_track",
    );
    let taken = take(&elsewhere, &target, false);
    assert_eq!((taken.whole, taken.snapshot.manifest().origin.is_none()), (Some(Whole::NoVersions), true));
}

#[test]
fn a_part_whose_files_are_gone_is_read_again() {
    let db = calls();
    let folder = quick_folder();
    let target = folder.path().join("snapshot");
    take(&db, &target, false);
    fs::remove_file(target.join("day=2026-11-18/events.parquet")).unwrap();
    fs::remove_file(target.join("apps.parquet")).unwrap();
    track_changes(&mut db.client()).unwrap();
    execute(&db, &format!("UPDATE conference SET duration = 1 WHERE id = {}", id('c', 1)));
    let taken = take(&db, &target, false);
    assert_eq!((taken.parts_read, taken.parts_kept(), taken.whole), (2, 1, None));
    assert_eq!(dossiers(&taken.snapshot).len(), 6);
    assert_eq!(taken.snapshot.globals().unwrap().apps.len(), 2);
}

#[test]
fn who_listens_hears_of_changes_and_comes_back_after_a_loss() {
    let db = calls();
    let settings = settings(&db);
    assert!(Listener::open(&settings).unwrap().is_none());
    track_changes(&mut db.client()).unwrap();
    let mut listener = Listener::open(&settings).unwrap().unwrap();
    assert!(!listener.wait(Duration::from_millis(1)).unwrap());
    let long = Duration::from_secs(60);
    for _ in 0..2 {
        execute(&db, "UPDATE conference SET duration = duration + 1");
    }
    assert!(listener.wait(long).unwrap());
    execute(
        &db,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()",
    );
    // The loss is heard of, or was just before: either way the first that is heard is that there may be something.
    assert!(listener.wait(long).unwrap());
    execute(&db, "UPDATE participant SET participant_name = 'Bo'");
    assert!(listener.wait(long).unwrap());
}
