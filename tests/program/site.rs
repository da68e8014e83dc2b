//! The built site as a whole: the same bytes whatever the threads, only what changed is written, every link leads somewhere,
//! well-formed pages, and hostile data as text only.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

mod fuzzed;
mod hostile;
mod privacy;
mod purge;
mod sealed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::{memory, quick_folder};
use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use peerpress::commands::check;
use peerpress::commands::site::SiteOptions;
use peerpress::ids::{AppId, ConferenceId, OrganizationId, ParticipantId, SessionId};
use peerpress::lock::Owner;
use peerpress::publish::{Publisher, SitePath};
use peerpress::scope::Scope;
use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::snapshot::{
    AppRow, ConferenceRow, ConnectionRow, EventRow, Globals, IssueRow, Json, OrganizationRow, PartRows,
    ParticipantRow, SessionRow, Snapshot, SnapshotWriter, TrackRow,
};
use peerpress::units::{Day, Timestamp};
use uuid::Uuid;

fn end() -> Timestamp {
    Timestamp::parse("2026-11-20 12:00:00").unwrap()
}

fn seeded(folder: &Path) -> Snapshot {
    let plan = plan(&SeedOptions { conferences: 30, days: 3, seed: 7, end: end(), short: false });
    write_snapshot(&plan, &folder.join("snapshot"), &|_| {}).unwrap()
}

fn site(snapshot: &Snapshot) -> BTreeMap<String, Vec<u8>> {
    memory::site(snapshot, &SiteOptions::default())
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn the_same_snapshot_gives_the_same_bytes_on_any_number_of_threads() {
    let folder = quick_folder();
    let snapshot = seeded(folder.path());
    let once = pool(1).install(|| site(&snapshot));
    for threads in [8, 1, 8] {
        let again = pool(threads).install(|| site(&snapshot));
        let differing: Vec<&String> =
            once.keys().filter(|path| once.get(*path) != again.get(*path)).collect();
        assert!(differing.is_empty() && once.len() == again.len(), "{threads} threads: {differing:?}");
    }
}

fn publish(files: &BTreeMap<String, Vec<u8>>, place: &Path) -> peerpress::publish::Changes {
    let state = place.join("state");
    let lock = peerpress::publish::lock(&state, &Owner::this("test", Timestamp::default())).unwrap();
    let publisher = Publisher::begin(lock, &place.join("output"), &state).unwrap();
    let unit = publisher.unit("site").unwrap();
    for (path, bytes) in files {
        unit.put(&SitePath::new(path).unwrap(), bytes, None).unwrap();
    }
    unit.finish(None).unwrap();
    publisher.commit(None).unwrap()
}

/// A snapshot of one app with two conferences; `more` is an event that only the second one has.
fn two_conferences(folder: &Path, more: Option<EventRow>) -> Snapshot {
    let (globals, mut rows) = rows_of("calm");
    let other = ConferenceRow { id: ConferenceId(Uuid::from_u128(99)), ..rows.conferences[0].clone() };
    let session = SessionRow {
        id: SessionId(Uuid::from_u128(98)),
        conference_id: other.id,
        ..rows.sessions[0].clone()
    };
    rows.conferences.push(other);
    rows.sessions.push(session);
    if let Some(event) = more {
        rows.add_event(event);
    }
    write(folder, &globals, rows)
}

fn write(folder: &Path, globals: &Globals, mut rows: PartRows) -> Snapshot {
    rows.finish();
    let writer = SnapshotWriter::create(&folder.join("snapshot")).unwrap();
    writer.write_part(Day::parse("2026-11-20").unwrap(), 0, &rows).unwrap();
    writer.finish(globals, end(), "test").unwrap()
}

#[test]
fn one_event_more_rewrites_exactly_the_files_that_a_clean_build_has_otherwise() {
    let folder = quick_folder();
    let event = EventRow {
        r#type: "custom".to_owned(),
        conference_id: ConferenceId(Uuid::from_u128(99)),
        session_id: SessionId(Uuid::from_u128(98)),
        participant_id: ParticipantId(Uuid::from_u128(4)),
        created_at: end(),
        ..EventRow::default()
    };
    let before = site(&two_conferences(folder.path(), None));
    assert_eq!(publish(&before, folder.path()).written, before.len());
    assert_eq!(publish(&before, folder.path()).written, 0);
    let after = site(&two_conferences(folder.path(), Some(event)));
    let expected: Vec<&String> =
        after.iter().filter(|(path, bytes)| before.get(*path) != Some(bytes)).map(|(path, _)| path).collect();
    let written = publish(&after, folder.path()).named.unwrap();
    assert_eq!(written.iter().map(SitePath::as_str).collect::<Vec<_>>(), expected);
    let changed = "conference/00000000-0000-0000-0000-000000000063.html";
    assert!(expected.iter().any(|path| *path == changed) && expected.len() < after.len() / 2, "{expected:?}");
}

#[test]
fn every_link_leads_to_a_file_and_every_data_file_is_valid() {
    let folder = quick_folder();
    publish(&site(&seeded(folder.path())), folder.path());
    let mut outcome = check::Outcome::default();
    check::site(&folder.path().join("output"), &mut outcome).unwrap();
    assert_eq!(outcome.problems, Vec::<String>::new());
    assert!(outcome.pages > 50 && outcome.links > 500 && outcome.data_files > 50, "{outcome:?}");
}

#[test]
fn a_report_of_some_days_has_their_calls_only_and_says_so() {
    let folder = quick_folder();
    let (globals, mut rows) = rows_of("calm");
    let early = end().plus_seconds(-10.0 * 86_400.0);
    let other = ConferenceRow {
        id: ConferenceId(Uuid::from_u128(99)),
        created_at: early,
        participants: Vec::new(),
        ..rows.conferences[0].clone()
    };
    rows.sessions.push(SessionRow {
        id: SessionId(Uuid::from_u128(98)),
        conference_id: other.id,
        participant_id: ParticipantId(Uuid::from_u128(97)),
        created_at: early,
        end_time: Some(early.plus_seconds(60.0)),
        ..rows.sessions[0].clone()
    });
    let mut globals = globals;
    globals
        .participants
        .push(ParticipantRow { id: ParticipantId(Uuid::from_u128(97)), ..globals.participants[0].clone() });
    rows.conferences.push(other);
    let snapshot = write(folder.path(), &globals, rows);
    let pages = |scope: Scope| {
        let files = memory::site(&snapshot, &SiteOptions { scope, ..SiteOptions::default() });
        let of = |folder: &str| files.keys().filter(|path| path.starts_with(folder)).count();
        let counts = (of("conference/"), of("participant/"));
        (counts, String::from_utf8_lossy(&files["index.html"]).into_owned(), files)
    };
    assert_eq!(pages(Scope::default()).0, (2, 3));
    let (counts, index, files) = pages(Scope { since: Some(end()), ..Scope::default() });
    // The conference of that day, and the two who were in it.
    assert_eq!(counts, (1, 2));
    assert!(files.contains_key("conference/00000000-0000-0000-0000-000000000003.html"));
    assert!(index.contains("calls since 2026-11-20 12:00:00 UTC"), "the page names its scope");
    assert_eq!(pages(Scope { until: Some(early), ..Scope::default() }).0, (0, 0));
    publish(&files, folder.path());
    let mut outcome = check::Outcome::default();
    check::site(&folder.path().join("output"), &mut outcome).unwrap();
    assert_eq!(outcome.problems, Vec::<String>::new());
}

#[test]
fn a_connection_that_flapped_thousands_of_times_leaves_a_page_that_can_be_opened() {
    let folder = quick_folder();
    let (globals, mut rows) = rows_of("calm");
    rows.sessions[0].end_time = Some(end().plus_seconds(60_000.0));
    rows.connections[0].end_time = rows.sessions[0].end_time;
    let mut number = 1000;
    for round in 0..5000 {
        for (second, state) in [(0, "connected"), (5, "disconnected")] {
            number += 1;
            rows.add_event(EventRow {
                id: Uuid::from_u128(number).into(),
                r#type: "onconnectionstatechange".to_owned(),
                data: Some(Json(format!("\"{state}\""))),
                created_at: end().plus_seconds(f64::from(round * 11 + second)),
                app_id: AppId(Uuid::from_u128(2)),
                conference_id: ConferenceId(Uuid::from_u128(3)),
                participant_id: ParticipantId(Uuid::from_u128(4)),
                session_id: SessionId(Uuid::from_u128(6)),
                peer_id: Some(ParticipantId(Uuid::from_u128(5))),
                connection_id: Some(Uuid::from_u128(7).into()),
                ..EventRow::default()
            });
        }
    }
    let site = site(&write(folder.path(), &globals, rows));
    let page = String::from_utf8_lossy(&site["conference/00000000-0000-0000-0000-000000000003.html"]);
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    // Nothing is left out in silence: interruptions by number, the state's other lines, the joined stretches of the lane.
    assert!(page.contains(" more, none graver than these, are in <a href="));
    assert!(page.contains(" later lines of these lists come from the events in the data file."));
    assert!(page.contains(" into the call, the first: disconnected: "));
    let data: serde_json::Value =
        serde_json::from_slice(&site["api/v1/conferences/00000000-0000-0000-0000-000000000003.json"])
            .unwrap();
    assert!(data["events"].as_array().unwrap().len() > 10_000);
}

/// One row of every table, with `text` in every text column and every leaf of every JSON column.
fn rows_of(text: &str) -> (Globals, PartRows) {
    let json = |value: serde_json::Value| Some(Json(value.to_string()));
    let text_of = || text.to_owned();
    let organization =
        OrganizationRow { id: OrganizationId(Uuid::from_u128(1)), name: text_of(), created_at: end() };
    let app = AppRow {
        id: AppId(Uuid::from_u128(2)),
        name: text_of(),
        domain: Some(text_of()),
        durations_days: json(serde_json::json!({ text: 60, "2026-11-20": 60 })),
        created_at: end(),
        organization_id: organization.id,
        ..AppRow::default()
    };
    let person = |id| ParticipantRow {
        id: ParticipantId(Uuid::from_u128(id)),
        participant_id: Some(text_of()),
        participant_name: Some(text_of()),
        is_active: true,
        created_at: end(),
        app_id: app.id,
        ..ParticipantRow::default()
    };
    let conference = ConferenceRow {
        id: ConferenceId(Uuid::from_u128(3)),
        conference_id: text_of(),
        conference_name: Some(text_of()),
        conference_info: json(serde_json::json!({ text: text })),
        start_time: Some(end()),
        end_time: Some(end().plus_seconds(60.0)),
        duration: 60,
        created_at: end(),
        app_id: app.id,
        participants: vec![ParticipantId(Uuid::from_u128(4)), ParticipantId(Uuid::from_u128(5))],
        summary_status: Some(text_of()),
        ..ConferenceRow::default()
    };
    let session = SessionRow {
        id: SessionId(Uuid::from_u128(6)),
        devices: json(
            serde_json::json!([{"kind": "audioinput", "label": text}, {"kind": text, "label": text}]),
        ),
        platform: json(
            serde_json::json!({"browser": {"name": text, "version": text}, "os": {"name": text, "version": text}}),
        ),
        metadata: json(serde_json::json!({ text: text })),
        geo_ip: json(
            serde_json::json!({"city": text, "country_code": text, "latitude": 1, "longitude": text}),
        ),
        app_version: Some(text_of()),
        webrtc_sdk: Some(text_of()),
        session_info: json(serde_json::json!(text)),
        end_time: Some(end().plus_seconds(60.0)),
        created_at: end(),
        conference_id: conference.id,
        participant_id: ParticipantId(Uuid::from_u128(4)),
        ..SessionRow::default()
    };
    let negotiation = serde_json::json!({"type": text, "status": text, "start_time": text, "end_time": text});
    let connection = ConnectionRow {
        id: Uuid::from_u128(7).into(),
        r#type: Some(text_of()),
        state: text_of(),
        connection_info: json(serde_json::json!({ "negotiations": [negotiation, text], text: text })),
        start_time: Some(end()),
        created_at: end(),
        conference_id: conference.id,
        participant_id: ParticipantId(Uuid::from_u128(4)),
        peer_id: ParticipantId(Uuid::from_u128(5)),
        session_id: session.id,
        ..ConnectionRow::default()
    };
    let track = TrackRow {
        kind: text_of(),
        direction: text_of(),
        track_id: text_of(),
        label: Some(text_of()),
        session_id: session.id,
        conference_id: conference.id,
        ..TrackRow::default()
    };
    let issue = |code: &str, n| IssueRow {
        id: Uuid::from_u128(n).into(),
        r#type: text_of(),
        code: code.to_owned(),
        data: json(serde_json::json!({"name": text, "message": text})),
        created_at: end(),
        session_id: session.id,
        conference_id: Some(conference.id),
        in_conference_id: conference.id,
        ..IssueRow::default()
    };
    let event = |kind: &str, data| EventRow {
        r#type: kind.to_owned(),
        category: text_of(),
        data,
        created_at: end(),
        app_id: app.id,
        conference_id: conference.id,
        participant_id: ParticipantId(Uuid::from_u128(4)),
        session_id: session.id,
        peer_id: Some(ParticipantId(Uuid::from_u128(5))),
        connection_id: Some(connection.id),
        ..EventRow::default()
    };
    let stats = serde_json::json!({
        "connection": {"id": text, "state": text, "currentRoundTripTime": 0.1,
            "local": {"candidateType": text, "protocol": text}, "remote": {"candidateType": text}},
        "audio": {"inbound": [{"id": text, "track": {}, "jitter": text, "mimeType": text}]},
        "remote": text,
    });
    let mut rows = PartRows {
        conferences: vec![conference.clone()],
        sessions: vec![session.clone()],
        connections: vec![connection.clone()],
        tracks: vec![track],
        // Twice, so that its rank among the codes does not depend on the text.
        issues: vec![issue(text, 20), issue(text, 22), issue("getusermedia_error", 21)],
        ..PartRows::default()
    };
    rows.add_event(event(text, json(serde_json::json!({ text: [text] }))));
    rows.add_event(event("onconnectionstatechange", json(serde_json::json!(text))));
    rows.add_event(event("stats", json(stats)));
    let globals = Globals {
        organizations: vec![organization],
        apps: vec![app.clone()],
        participants: vec![person(4), person(5)],
    };
    (globals, rows)
}

fn parse(html: &[u8]) -> RcDom {
    parse_document(RcDom::default(), ParseOpts::default()).from_utf8().one(html)
}

/// Elements and the names of their attributes, in order: all but the texts.
fn shape(node: &Handle, shape: &mut Vec<String>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attributes: BTreeSet<String> =
            attrs.borrow().iter().map(|attr| attr.name.local.to_string()).collect();
        shape.push(format!("{} {attributes:?}", name.local));
    }
    for child in node.children.borrow().iter() {
        self::shape(child, shape);
    }
    if matches!(node.data, NodeData::Element { .. }) {
        shape.push("end".to_owned());
    }
}

fn text_of(node: &Handle, text: &mut String) {
    match &node.data {
        NodeData::Text { contents } => text.push_str(&contents.borrow()),
        NodeData::Element { attrs, .. } => {
            for attribute in attrs.borrow().iter() {
                text.push_str(&attribute.value);
            }
        }
        _ => {}
    }
    for child in node.children.borrow().iter() {
        text_of(child, text);
    }
}

#[test]
fn hostile_text_in_every_column_and_leaf_stays_text() {
    let folder = quick_folder();
    let build = |text: &str| {
        let (globals, rows) = rows_of(text);
        site(&write(folder.path(), &globals, rows))
    };
    let deep = "[".repeat(2000);
    for hostile in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</script></title></style><svg onload=alert(1)>",
        "{{ 7 * 7 }}{% include \"x\" %}{# c #}",
        "javascript:alert(1)",
        "../../../etc/passwd\u{202e}\u{200b}e\u{301}",
        "=HYPERLINK(\"x\")\t1e999 -0",
        "+1+cmd",
        "-2+3\",\"x\n=1",
        "@SUM(A1)",
        "\t=1",
        &deep,
    ] {
        let files = build(hostile);
        // As long as the hostile text is in JSON: long data folds away.
        let length = serde_json::to_string(hostile).unwrap().chars().count() - 2;
        let benign = build(&"calm ".repeat(length)[..length]);
        assert_eq!(files.keys().collect::<Vec<_>>(), benign.keys().collect::<Vec<_>>(), "{hostile}");
        let mut seen = 0;
        for (path, bytes) in files.iter().filter(|(path, _)| is_page(path) || has_extension(path, "svg")) {
            let (mut ours, mut calm, mut text) = (Vec::new(), Vec::new(), String::new());
            let document = parse(bytes).document;
            shape(&document, &mut ours);
            shape(&parse(&benign[path]).document, &mut calm);
            let at = ours.iter().zip(&calm).position(|(a, b)| a != b);
            assert!(
                ours == calm,
                "{path} has another shape with {hostile:.60}: {:?}",
                at.map(|at| (&ours[at], &calm[at]))
            );
            text_of(&document, &mut text);
            seen += usize::from(text.contains(&hostile[..hostile.len().min(60)]));
        }
        assert!(seen > 4, "{hostile:.60} is shown as text on {seen} pages only");
        for (path, bytes) in files.iter().filter(|(path, _)| has_extension(path, "json")) {
            assert!(
                serde_json::from_slice::<serde_json::Value>(bytes).is_ok(),
                "{path} is JSON with {hostile:.60}"
            );
        }
        let script = String::from_utf8_lossy(&files["apps/00000000-0000-0000-0000-000000000002/facts.js"]);
        let json = script.strip_prefix("peerpressFacts(").and_then(|rest| rest.strip_suffix(");\n")).unwrap();
        assert!(!json.contains(['<', '>', '&', '\u{2028}']), "the script of facts has no markup");
        let facts: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(facts["conferences"]["label"][0], hostile);
        assert_eq!(facts["dictionaries"]["versions"][0], hostile);
        for (path, bytes) in files.iter().filter(|(path, _)| has_extension(path, "csv")) {
            tables_hold(path, bytes, &benign[path], hostile);
        }
    }
}

#[test]
fn numbers_and_depths_that_json_readers_refuse_do_not_stop_a_build() {
    let folder = quick_folder();
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for data in [deep.as_str(), "1e999", "{\"a\":1e999}", "-0", "\"\\u0001\"", "null", "[]"] {
        let (globals, mut rows) = rows_of("calm");
        let json = Some(Json(data.to_owned()));
        for session in &mut rows.sessions {
            for column in
                [&mut session.devices, &mut session.platform, &mut session.metadata, &mut session.geo_ip]
            {
                column.clone_from(&json);
            }
        }
        rows.connections[0].connection_info.clone_from(&json);
        rows.issues[0].data.clone_from(&json);
        rows.conferences[0].summary_data.clone_from(&json);
        rows.add_event(EventRow {
            r#type: "stats".to_owned(),
            data: json.clone(),
            conference_id: ConferenceId(Uuid::from_u128(3)),
            ..EventRow::default()
        });
        rows.conferences[0].created_at = Timestamp::from_micros(i64::MAX);
        let files = site(&write(folder.path(), &globals, rows));
        let page = &files["conference/00000000-0000-0000-0000-000000000003.html"];
        assert!(String::from_utf8_lossy(page).contains("Odd data"), "{data:.40}");
    }
}

#[test]
fn pages_are_well_formed() {
    let folder = quick_folder();
    let files = site(&seeded(folder.path()));
    for (path, bytes) in files.iter().filter(|(path, _)| is_page(path)) {
        let dom = parse(bytes);
        assert!(dom.errors.borrow().is_empty(), "{path}: {:?}", dom.errors.borrow());
        let html = std::str::from_utf8(bytes).unwrap();
        assert_eq!(html.matches("<h1>").count(), 1, "{path}");
        assert!(!html.contains("NaN") && !html.contains(" style="), "{path}");
    }
}

fn is_page(path: &str) -> bool {
    has_extension(path, "html")
}

fn has_extension(path: &str, wanted: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == wanted)
}

/// A table has as many rows and columns as the one without hostile text, and no cell that a spreadsheet would compute.
fn tables_hold(path: &str, bytes: &[u8], calm: &[u8], hostile: &str) {
    let rows = |bytes: &[u8]| -> Vec<csv::StringRecord> {
        csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(bytes)
            .records()
            .map(Result::unwrap)
            .collect()
    };
    let (ours, calm) = (rows(bytes), rows(calm));
    let widths = |rows: &[csv::StringRecord]| rows.iter().map(csv::StringRecord::len).collect::<Vec<_>>();
    assert_eq!(widths(&ours), widths(&calm), "{path} with {hostile:.60}");
    for cell in ours.iter().flatten() {
        let computes = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        assert!(!computes || cell.parse::<f64>().is_ok(), "{path} has {cell:.60}");
    }
}
