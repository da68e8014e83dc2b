//! Several databases that make one report.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::cli::{peerpress, run};
use super::incremental::{Data, build, bytes_of, small};
use crate::support::{TestDb, cluster, quick_folder};
use peerpress::seed::{SeedOptions, fill_database, plan};
use peerpress::snapshot::{Snapshot, SnapshotError, join};
use peerpress::units::Timestamp;

/// Every other conference, each with all its rows.
fn half(data: &Data, odd: bool) -> Data {
    let mut half = data.clone();
    for rows in half.parts.values_mut() {
        let own: Vec<_> =
            rows.conferences.iter().map(|row| row.id).filter(|id| (id.0.as_u128() % 2 == 1) == odd).collect();
        rows.conferences.retain(|row| own.contains(&row.id));
        rows.sessions.retain(|row| own.contains(&row.conference_id));
        rows.connections.retain(|row| own.contains(&row.conference_id));
        rows.tracks.retain(|row| own.contains(&row.conference_id));
        rows.issues.retain(|row| own.contains(&row.in_conference_id));
        rows.events.retain(|row| own.contains(&row.conference_id));
        rows.samples.retain(|row| own.contains(&row.conference_id));
    }
    half
}

#[test]
fn halves_of_a_database_become_the_site_of_the_whole() {
    let folder = quick_folder();
    let place = folder.path();
    let data = small(place);
    data.write_as(&place.join("snapshot"), "odd, even");
    build(place, "whole");
    fs::remove_dir_all(place.join("snapshot")).unwrap();
    let (mut odd, mut even) = (half(&data, true), half(&data, false));
    assert!(odd.parts.values().any(|rows| !rows.conferences.is_empty()));
    assert!(even.parts.values().any(|rows| !rows.conferences.is_empty()));
    // Who was only in the calls of one is not known to the other.
    let last = odd.globals.participants.len() - 1;
    even.globals.participants.remove(0);
    odd.globals.participants.remove(last);
    let write = |data: &Data, name: &str| {
        data.write_as(&place.join(name), name);
        Snapshot::open(&place.join(name)).unwrap()
    };
    let halves = [write(&odd, "odd"), write(&even, "even")];
    let joined = join(&place.join("snapshot"), &halves).unwrap();
    assert!(joined.changed);
    assert_eq!(joined.conflicts, 0);
    build(place, "joined");
    let (whole, joined) = (bytes_of(&place.join("whole")), bytes_of(&place.join("joined")));
    let differing: Vec<&String> =
        whole.keys().chain(joined.keys()).filter(|path| whole.get(*path) != joined.get(*path)).collect();
    assert!(differing.is_empty(), "{differing:?}");

    assert!(!join(&place.join("snapshot"), &halves).unwrap().changed, "the same again");
    odd.globals.apps[0].name.push('!');
    let again = join(&place.join("snapshot"), &[write(&odd, "odd"), halves[1].clone()]).unwrap();
    assert_eq!((again.changed, again.conflicts), (true, 1));
    let name = |snapshot: &Snapshot| snapshot.globals().unwrap().apps[0].name.clone();
    assert_eq!(name(&again.snapshot), odd.globals.apps[0].name, "the first of the two that differ");
    let twins = join(&place.join("snapshot"), &[halves[1].clone(), halves[1].clone()]);
    assert!(matches!(twins, Err(SnapshotError::Twins { .. })), "{twins:?}");
    assert_eq!(
        name(&Snapshot::open(&place.join("snapshot")).unwrap()),
        odd.globals.apps[0].name,
        "as it was"
    );
}

fn seeded(seed: u64) -> TestDb {
    let db = TestDb::migrated();
    let end = Timestamp::parse("2026-11-20T12:00:00Z").unwrap();
    let plan = plan(&SeedOptions { conferences: 6, days: 3, seed, end, short: true });
    fill_database(&mut db.client(), &plan, &|_| {}).unwrap();
    db
}

#[test]
fn databases_are_read_side_by_side_and_make_one_report() {
    let (one, other) = (seeded(1), seeded(2));
    let folder = quick_folder();
    let place = folder.path();
    let build = |urls: &[String]| {
        let mut command = peerpress(place);
        command.args(["build", "--json"]);
        for url in urls {
            command.args(["--database-url", url]);
        }
        run(&mut command)
    };
    let summary = |urls: &[String]| -> Value {
        let ran = build(urls);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let shown = |db: &TestDb| -> Vec<String> {
        let query = "SELECT c.id::text FROM conference c JOIN app a ON a.id = c.app_id AND a.is_active
             JOIN organization o ON o.id = a.organization_id AND o.is_active WHERE c.is_active";
        db.client().query(query, &[]).unwrap().iter().map(|row| row.get(0)).collect()
    };
    let pages = |ids: &[String]| ids.iter().filter(|id| page(place, id).exists()).count();
    let (of_one, of_other) = (shown(&one), shown(&other));
    let both = [one.url(), other.url()];
    assert_eq!(summary(&both)["conferences"], of_one.len() + of_other.len());
    assert_eq!((pages(&of_one), pages(&of_other)), (of_one.len(), of_other.len()));
    assert_eq!(summary(&both)["written"], 0, "nothing changed");

    let participant: String = other
        .client()
        .query_one(
            "SELECT participant_id::text FROM app_session WHERE conference_id::text = $1 LIMIT 1",
            &[&of_other[0]],
        )
        .unwrap()
        .get(0);
    other
        .client()
        .execute(
            "UPDATE participant SET participant_name = 'Renamed Here' WHERE id::text = $1",
            &[&participant],
        )
        .unwrap();
    assert!(summary(&both)["written"].as_u64().unwrap() > 0, "a change in the second one");
    let text = fs::read_to_string(page(place, &of_other[0])).unwrap();
    assert!(text.contains("Renamed Here"));

    let erased = run(peerpress(place).args(["erase", "--participant", &participant]));
    assert_eq!(erased.code, Some(0), "{}", erased.stderr);
    assert!(
        !whole_of(&place.join("snapshot.databases")).contains("Renamed Here"),
        "gone from what it is put together of"
    );
    summary(&both);
    assert!(!fs::read_to_string(page(place, &of_other[0])).unwrap().contains("Renamed Here"), "still gone");

    let failed = build(&[one.url(), cluster().url("no_such_database")]);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(failed.stderr.contains("no snapshot of"), "{}", failed.stderr);
    assert_eq!(
        (pages(&of_one), pages(&of_other)),
        (of_one.len(), of_other.len()),
        "the former site is there"
    );
    let twice = build(&[one.url(), one.url()]);
    assert_eq!(twice.code, Some(2), "{}", twice.stderr);
    assert!(twice.stderr.contains("named twice"), "{}", twice.stderr);

    assert_eq!(summary(&both[..1])["conferences"], of_one.len(), "one alone");
    assert_eq!((pages(&of_one), pages(&of_other)), (of_one.len(), 0));
    assert!(!place.join("snapshot.databases").exists(), "nothing of the other one stays");
}

fn page(place: &Path, conference: &str) -> std::path::PathBuf {
    place.join(format!("output/conference/{conference}.html"))
}

/// Texts of all tables that are not partitioned, where names are.
fn whole_of(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let globals = Snapshot::open(&entry.unwrap().path()).unwrap().globals().unwrap();
        all.push_str(&format!("{:?}", globals.participants));
    }
    assert!(all.len() > 1000);
    all
}
