//! What is taken out of a snapshot is gone from it, from the site and from the state folder, and stays out.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use peerpress::ids::ParticipantId;
use peerpress::privacy::purge::{Rules, purge};
use peerpress::snapshot::{Dossier, ParticipantRow, Sample, SampleRow, Snapshot};
use peerpress::units::Timestamp;
use serde_json::Value;

use crate::support::quick_folder;

use super::privacy::{canary, cells, marks};

/// Runs the program; gives its exit code, and what it said on either way.
fn peerpress(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerpress"));
    let output = command.current_dir(folder).env_clear().args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn done(folder: &Path, args: &[&str]) -> String {
    let (code, out, said) = peerpress(folder, args);
    assert_eq!(code, Some(0), "{args:?}: {out}{said}");
    out
}

/// All files below a folder, with their paths, as texts; Parquet as its cells.
fn texts(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut texts = Vec::new();
    for entry in walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().is_file() && !path.to_string_lossy().contains("/assets/") {
            let bytes = fs::read(path).unwrap();
            let bytes = if path.extension().is_some_and(|end| end == "parquet") {
                cells(bytes).into_bytes()
            } else {
                bytes
            };
            texts.push((path.to_string_lossy().into_owned(), bytes));
        }
    }
    texts
}

fn all_marks(texts: &[(String, Vec<u8>)]) -> BTreeSet<usize> {
    texts.iter().flat_map(|(_, bytes)| marks(&String::from_utf8_lossy(bytes)).collect::<Vec<_>>()).collect()
}

fn dossiers(snapshot: &Snapshot) -> Vec<Dossier> {
    let parts = snapshot.parts().iter();
    parts.flat_map(|part| snapshot.dossiers(part).unwrap().map(Result::unwrap).collect::<Vec<_>>()).collect()
}

/// The marks in all that is somebody's, and in all that is not.
fn marks_of(id: ParticipantId, snapshot: &Snapshot) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let (mut own, mut others) = (BTreeSet::new(), BTreeSet::new());
    let mut add = |is_own: bool, text: String| {
        let set = if is_own { &mut own } else { &mut others };
        set.extend(marks(&text));
    };
    for row in &snapshot.globals().unwrap().participants {
        add(row.id == id, format!("{row:?}"));
    }
    for dossier in dossiers(snapshot) {
        let sessions: BTreeSet<_> =
            dossier.sessions.iter().filter(|row| row.participant_id == id).map(|row| row.id).collect();
        add(
            false,
            dossier.conference.conference_id.clone()
                + dossier.conference.conference_name.as_deref().unwrap_or_default(),
        );
        dossier.sessions.iter().for_each(|row| add(sessions.contains(&row.id), format!("{row:?}")));
        dossier
            .connections
            .iter()
            .for_each(|row| add(sessions.contains(&row.session_id), format!("{row:?}")));
        dossier.tracks.iter().for_each(|row| add(sessions.contains(&row.session_id), format!("{row:?}")));
        dossier.issues.iter().for_each(|row| add(sessions.contains(&row.session_id), format!("{row:?}")));
        for row in dossier.samples.iter().map(Sample::to_row) {
            let is_own = sessions.contains(&row.session_id);
            if !is_own && row.peer_id == Some(id) {
                add(true, row.remote_address.clone().unwrap_or_default());
                add(false, format!("{:?}", SampleRow { remote_address: None, ..row }));
            } else {
                add(is_own, format!("{row:?}"));
            }
        }
        for row in &dossier.events {
            let is_own = sessions.contains(&row.session_id);
            let data: Value =
                row.data.as_ref().and_then(peerpress::snapshot::Json::parse).unwrap_or_default();
            let described = data.get("remoteDescription").map(Value::to_string);
            if !is_own && row.peer_id == Some(id) && row.r#type != "peerDetails" {
                let described = described.unwrap_or_default();
                add(false, data.to_string().replace(&described, ""));
                add(true, described);
            } else if is_own || row.peer_id != Some(id) {
                add(is_own, format!("{row:?}"));
            }
        }
    }
    own.retain(|mark| !others.contains(mark));
    (own, others)
}

/// Somebody with calls and people at the other side.
fn somebody(snapshot: &Snapshot) -> ParticipantRow {
    let calls = dossiers(snapshot);
    let counts = |id: ParticipantId| {
        let own = calls.iter().flat_map(|call| &call.connections);
        own.filter(|row| row.peer_id == id && row.participant_id != id).count()
    };
    let people = snapshot.globals().unwrap().participants;
    people
        .into_iter()
        .filter(|row| !row.is_sfu && row.is_active)
        .max_by_key(|row| (counts(row.id), row.id))
        .unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap) {
        let place = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(place).unwrap();
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

#[test]
fn somebody_who_is_erased_is_gone_from_snapshot_site_and_state_and_does_not_come_back() {
    let place = quick_folder();
    let folder = place.path();
    let (snapshot, places) = canary(folder, false);
    copy(&folder.join("snapshot"), &folder.join("again"));
    let person = somebody(&snapshot);
    let (own, others) = marks_of(person.id, &snapshot);
    let conferences = dossiers(&snapshot).len();
    let build = ["build", "--privacy", "full", "--from"];
    done(folder, &[&build[..], &["snapshot"]].concat());
    let before = all_marks(&texts(&folder.join("output")));
    assert!(own.len() > 20 && before.intersection(&own).count() > 20, "{} {}", own.len(), before.len());

    // With other settings the site would become another one.
    let given = person.participant_id.clone().unwrap();
    let (code, _, said) = peerpress(folder, &["erase", "--participant", &given]);
    assert!(code == Some(2) && said.contains("its profile was full"), "{said}");
    let (code, _, said) = peerpress(folder, &["erase", "--privacy", "full", "--participant", "nobody"]);
    assert!(code == Some(2) && said.contains("nobody in the snapshot"), "{said}");

    let out = done(folder, &["erase", "--json", "--privacy", "full", "--participant", &given]);
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(said["participants"], serde_json::json!([person.id]));
    assert_eq!(said["snapshot"]["rows"]["participants"], 1);
    assert!(said["snapshot"]["rows"]["sessions"].as_u64().unwrap() > 0, "{out}");
    assert!(said["site"]["removed"].as_u64().unwrap() > 0, "{out}");

    let id = person.id.to_string();
    let gone = |what: &str| {
        for (path, bytes) in texts(&folder.join(what)) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(&id) && !path.contains(&id), "{id} in {path}");
            assert!(!bytes.windows(16).any(|bytes| bytes == person.id.0.as_bytes()), "raw id in {path}");
            let left: Vec<_> =
                marks(&text).filter(|mark| own.contains(mark)).map(|mark| &places[mark]).collect();
            assert!(left.is_empty(), "{:?} in {path}", &left[..left.len().min(5)]);
        }
    };
    gone("snapshot");
    gone("output");
    gone(".peerpress");
    let after = all_marks(&texts(&folder.join("output")));
    let lost: BTreeSet<&str> = before
        .intersection(&others)
        .filter(|mark| !after.contains(mark))
        .map(|mark| places[*mark].as_str())
        .collect();
    // A stored summary that has marks among its polls is none any more.
    let lost: Vec<_> = lost.iter().filter(|place| !place.starts_with("conferences.summary_data")).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let left = Snapshot::open(&folder.join("snapshot")).unwrap();
    assert_eq!(dossiers(&left).len(), conferences);

    // A snapshot that has them again, as the next one of the database has.
    done(folder, &[&build[..], &["again"]].concat());
    gone("again");
    gone("output");
    let again = done(folder, &[&build[..], &["snapshot", "--json"]].concat());
    let summary: Value = serde_json::from_str(&again).unwrap();
    assert_eq!((&summary["written"], &summary["removed"]), (&0.into(), &0.into()));
}

#[test]
fn a_tenant_that_is_not_there_is_a_mistake_and_the_hint_names_those_that_are() {
    let place = quick_folder();
    let (snapshot, _) = canary(place.path(), true);
    let names: Vec<String> =
        snapshot.globals().unwrap().organizations.into_iter().map(|row| row.name).collect();
    let args = ["build", "--from", "snapshot", "--only-organization", "Nobody Inc."];
    let (code, _, said) = peerpress(place.path(), &args);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("there is no organization in the snapshot with the id or name \"Nobody Inc.\""),
        "{said}"
    );
    assert!(names.iter().all(|name| said.contains(name.as_str())), "{said}");
}

#[test]
fn the_secret_of_pseudonyms_is_made_once_for_its_owner_only_and_less_privacy_is_said() {
    let place = quick_folder();
    let folder = place.path();
    canary(folder, true);
    let build = ["build", "--from", "snapshot", "--privacy"];
    let (code, _, said) = peerpress(folder, &[&build[..], &["public"]].concat());
    assert!(code == Some(0) && said.contains(".peerpress/privacy.key, the secret"), "{said}");
    let key = folder.join(".peerpress/privacy.key");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&key).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let secret = fs::read_to_string(&key).unwrap();
    for (path, bytes) in texts(&folder.join("output")) {
        assert!(!String::from_utf8_lossy(&bytes).contains(&secret), "the secret is in {path}");
    }
    let again = done(folder, &[&build[..], &["public", "--json"]].concat());
    let summary: Value = serde_json::from_str(&again).unwrap();
    assert_eq!((&summary["written"], fs::read_to_string(&key).unwrap()), (&0.into(), secret));
    let (code, _, said) = peerpress(folder, &[&build[..], &["internal"]].concat());
    assert!(code == Some(0) && said.contains("it shows more than it did"), "{said}");
    fs::write(folder.join("short"), "0123456789").unwrap();
    let (code, _, said) =
        peerpress(folder, &[&build[..], &["public", "--privacy-key-file", "short"]].concat());
    assert!(code == Some(2) && said.contains("too short"), "{said}");
    let shard = ["--shard", "1/2", "--output", "slice"];
    let (code, _, said) = peerpress(folder, &[&build[..], &["public"], &shard[..]].concat());
    assert!(code == Some(2) && said.contains("--privacy-key-file"), "{said}");
}

#[test]
fn what_is_older_than_the_retention_is_gone_from_snapshot_and_site_and_all_else_stays() {
    let place = quick_folder();
    let folder = place.path();
    let (snapshot, places) = canary(folder, false);
    let cutoff = Timestamp::parse("2026-11-19 00:00:00").unwrap();
    let (mut old, mut new) = (BTreeSet::new(), BTreeSet::new());
    let mut ids = Vec::new();
    for dossier in dossiers(&snapshot) {
        let is_old = dossier.sessions.iter().all(|row| row.created_at < cutoff);
        let text = format!("{dossier:?}");
        if is_old {
            ids.push(dossier.conference.id.to_string());
            old.extend(marks(&text));
        } else {
            assert!(dossier.sessions.iter().all(|row| row.created_at >= cutoff));
            new.extend(marks(&text));
        }
    }
    old.retain(|mark| !new.contains(mark));
    assert!(!ids.is_empty() && !old.is_empty() && !new.is_empty());
    done(folder, &["build", "--privacy", "full", "--from", "snapshot"]);
    let before = all_marks(&texts(&folder.join("output")));
    assert!(before.intersection(&old).count() > 20);
    let (code, _, said) =
        peerpress(folder, &["build", "--privacy", "full", "--from", "snapshot", "--retention", "1"]);
    assert!(code == Some(0) && said.contains("taken out for good: "), "{said}");
    for what in ["snapshot", "output", ".peerpress"] {
        for (path, bytes) in texts(&folder.join(what)) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!ids.iter().any(|id| text.contains(id.as_str()) || path.contains(id.as_str())), "{path}");
            let left: Vec<_> =
                marks(&text).filter(|mark| old.contains(mark)).map(|mark| &places[mark]).collect();
            assert!(left.is_empty(), "{:?} in {path}", &left[..left.len().min(5)]);
        }
    }
    let after = all_marks(&texts(&folder.join("output")));
    let lost: Vec<_> =
        before.intersection(&new).filter(|mark| !after.contains(mark)).map(|mark| &places[*mark]).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let rules = Rules { retention_days: Some(1), ..Rules::default() };
    assert!(purge(&folder.join("snapshot"), &rules).unwrap().is_none(), "twice");
}
