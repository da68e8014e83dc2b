//! The places where bytes of others come in: each function takes any bytes and has to come back. The fuzz targets call them, and a test
//! of the program does with all of `fuzz/corpus`.

use std::fs;
use std::path::{Path, PathBuf};

use peerpress::config::Config;
use peerpress::ids::{AppId, ConferenceId, ParticipantId, SessionId};
use peerpress::publish::{Published, is_current};
use peerpress::report::{Options, World, measure};
use peerpress::serve::{Entry, Guard, Site, converse};
use peerpress::signature::{self, VerifyingKey};
use peerpress::snapshot::{
    AppRow, ConferenceRow, ConnectionRow, Dossier, EventRow, Globals, Json, OrganizationRow, PartRows,
    ParticipantRow, SampleRow, SessionRow, Snapshot, SnapshotWriter,
};
use peerpress::units::{Day, Timestamp};
use uuid::Uuid;

fn instant() -> Timestamp {
    Timestamp::parse("2026-11-20 12:00:00").expect("an instant")
}

/// A call of two with a connection, and events of it.
fn call() -> Dossier {
    let conference = ConferenceRow {
        id: ConferenceId(Uuid::from_u128(3)),
        created_at: instant(),
        app_id: AppId(Uuid::from_u128(2)),
        participants: vec![ParticipantId(Uuid::from_u128(4)), ParticipantId(Uuid::from_u128(5))],
        ..ConferenceRow::default()
    };
    let session = SessionRow {
        id: SessionId(Uuid::from_u128(6)),
        created_at: instant(),
        end_time: Some(instant().plus_seconds(600.0)),
        conference_id: conference.id,
        participant_id: conference.participants[0],
        ..SessionRow::default()
    };
    let connection = ConnectionRow {
        id: Uuid::from_u128(7).into(),
        start_time: Some(instant()),
        end_time: Some(instant().plus_seconds(600.0)),
        created_at: instant(),
        conference_id: conference.id,
        participant_id: conference.participants[0],
        peer_id: conference.participants[1],
        session_id: session.id,
        ..ConnectionRow::default()
    };
    Dossier { conference, sessions: vec![session], connections: vec![connection], ..Dossier::default() }
}

fn event(number: u128, kind: &str, data: &str) -> EventRow {
    EventRow {
        id: Uuid::from_u128(1000 + number).into(),
        r#type: kind.to_owned(),
        data: Some(Json(data.to_owned())),
        created_at: instant().plus_seconds(number as f64),
        app_id: AppId(Uuid::from_u128(2)),
        conference_id: ConferenceId(Uuid::from_u128(3)),
        participant_id: ParticipantId(Uuid::from_u128(4)),
        session_id: SessionId(Uuid::from_u128(6)),
        peer_id: Some(ParticipantId(Uuid::from_u128(5))),
        connection_id: Some(Uuid::from_u128(7).into()),
        ..EventRow::default()
    }
}

fn globals() -> Globals {
    let organization = OrganizationRow { name: "o".to_owned(), ..OrganizationRow::default() };
    let app = AppRow { id: AppId(Uuid::from_u128(2)), name: "a".to_owned(), ..AppRow::default() };
    let person = |id| ParticipantRow { id: ParticipantId(Uuid::from_u128(id)), ..ParticipantRow::default() };
    Globals { organizations: vec![organization], apps: vec![app], participants: vec![person(4), person(5)] }
}

fn measured(rows: PartRows) {
    let dossier = Dossier { events: rows.events, samples: rows.samples.iter().collect(), ..call() };
    measure(dossier, &World::new(globals(), instant()), &Options::default());
}

/// The JSON of two stats events, 10 seconds apart, to samples and on to measures. A line ends the first.
pub fn stats(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut rows = PartRows::default();
    for (number, data) in text.split('\n').take(8).enumerate() {
        rows.add_event(event(10 * number as u128, "stats", data));
    }
    rows.finish();
    measured(rows);
}

/// Events, one a line: the type, a space, the JSON.
pub fn events(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut rows = PartRows::default();
    for (number, line) in text.lines().take(64).enumerate() {
        let (kind, data) = line.split_once(' ').unwrap_or((line, "null"));
        rows.add_event(event(number as u128, kind, data));
    }
    rows.finish();
    measured(rows);
}

/// A folder that is used again and again by one thread, and goes with it.
fn place() -> PathBuf {
    thread_local! {
        static PLACE: tempfile::TempDir = {
            let place = tempfile::tempdir().expect("a folder");
            let folder = place.path();
            fs::create_dir_all(folder.join("state/units")).expect("a folder");
            fs::create_dir_all(folder.join("output")).expect("a folder");
            let writer = SnapshotWriter::create(&folder.join("snapshot")).expect("a snapshot");
            let mut rows = PartRows::default();
            rows.conferences.push(call().conference);
            rows.add_event(event(0, "custom", "{}"));
            let day = Day::parse("2026-11-20").expect("a day");
            writer.write_part(day, 0, &rows).expect("a part");
            writer.finish(&globals(), instant(), "fuzz").expect("a snapshot");
            place
        };
    }
    PLACE.with(|place| place.path().to_owned())
}

/// Parquet as a table of events and as one of samples, under a manifest that names just these bytes.
pub fn parquet(data: &[u8]) {
    let snapshot = place().join("snapshot");
    let manifest = snapshot.join("manifest.json");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    let mut value: serde_json::Value = serde_json::from_str(&text).expect("a manifest");
    let digest = blake3::hash(data).to_hex().to_string();
    for table in ["events", "samples"] {
        value["parts"][0]["digests"][table] = digest.clone().into();
        fs::write(file_of(&snapshot, table), data).expect("a file");
    }
    // As of an earlier version, which sealed nothing.
    value.as_object_mut().expect("a manifest").remove("seal");
    let whole = place().join("snapshot-of-these-bytes.json");
    fs::write(&whole, value.to_string()).expect("a manifest");
    fs::rename(&whole, &manifest).expect("a manifest");
    let snapshot = Snapshot::open(&snapshot).expect("a snapshot");
    for part in snapshot.parts() {
        // Either is right; what matters is that there is an answer.
        drop(snapshot.table::<EventRow>(part));
        drop(snapshot.table::<SampleRow>(part));
    }
}

fn file_of(snapshot: &Path, table: &str) -> PathBuf {
    snapshot.join("day=2026-11-20").join(format!("{table}.parquet"))
}

/// A public key in minisign's form.
const KEY: &str = "RWTHkDfkkFiKceK1S1d8Fz5UkwqL3v1Cc7dkIVnx7PZrgwpHQsNCTY70";

/// The manifests of a snapshot and of a published site, the list of a unit's files; the manifest of a signed site, its signature, a key.
pub fn manifest(data: &[u8]) {
    let folder = place().join("damaged");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("manifest.json"), data).expect("a file");
    if let Ok(snapshot) = Snapshot::open(&folder) {
        drop(snapshot.globals());
        for part in snapshot.parts() {
            drop(snapshot.table::<EventRow>(part));
        }
    }
    let (output, state) = (place().join("output"), place().join("state"));
    fs::write(state.join("manifest"), data).expect("a file");
    fs::write(state.join("units/unit"), data).expect("a file");
    is_current(&output, &state, &blake3::hash(b"site"));
    if let Some(published) = Published::open(&output, &state) {
        published.key();
        drop(published.of_unit("unit"));
    }
    let text = String::from_utf8_lossy(data);
    if let Ok(files) = signature::parse(&text) {
        assert!(files.keys().all(|path| !path.as_str().split('/').any(|part| part == "..")));
    }
    let key = VerifyingKey::from_text(KEY).expect("a key");
    assert!(key.verify(b"not what was signed", &text).is_err());
    drop(VerifyingKey::from_text(&text));
}

struct OnePage;

impl Site for OnePage {
    fn entry(&self, path: &str) -> Option<Entry> {
        assert!(
            !path.starts_with('/')
                && !path.contains('\0')
                && !path.split('/').any(|part| part.starts_with('.')),
            "the site was asked for {path:?}"
        );
        matches!(path, "index.html" | "404.html").then(|| Entry::of_bytes("page"))
    }
}

/// A connection on which these bytes come.
pub fn request(data: &[u8]) {
    let sent = converse(data, &OnePage, &Guard::default());
    assert!(sent.is_empty() || sent.starts_with(b"HTTP/1.1 "), "{:?}", String::from_utf8_lossy(&sent));
    let text = String::from_utf8_lossy(&sent).to_ascii_lowercase();
    assert!(!text.contains("\r\nlocation:") && !text.contains("\r\nset-cookie:"), "{text}");
}

/// The settings file.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(error) = Config::parse(&text, Path::new("peerpress.toml")) {
        error.line(&text);
        assert!(!error.to_string().is_empty());
    }
}
