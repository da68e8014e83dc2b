//! The generated calls are the same for the same seed, hang together as real rows do, and hold every case that a report
//! must cope with; a database and a snapshot filled with them have all of them.

#![expect(clippy::unwrap_used, reason = "a failure in a test's helpers is the test's failure")]

use std::collections::{BTreeMap, BTreeSet};

use peerpress::ids::{ConferenceId, ConnectionId, EventId, ParticipantId, SessionId, TrackId};
use peerpress::seed::{
    SeedConference, SeedError, SeedOptions, SeedPlan, fill_database, plan, write_snapshot,
};
use peerpress::snapshot::{Json, stats};
use peerpress::units::Timestamp;
use serde_json::Value;

use crate::support::{TestDb, quick_folder};

fn options(conferences: usize, seed: u64) -> SeedOptions {
    SeedOptions {
        conferences,
        days: 30,
        seed,
        end: Timestamp::parse("2026-11-23 15:30:00").unwrap(),
        short: false,
    }
}

fn all(plan: &SeedPlan) -> Vec<SeedConference> {
    (0..plan.len()).map(|index| plan.conference(index)).collect()
}

#[test]
fn the_same_seed_gives_the_same_rows_in_any_order() {
    let (first, second) = (plan(&options(40, 5)), plan(&options(40, 5)));
    let forward = all(&first);
    let mut backward: Vec<_> = (0..second.len()).rev().map(|index| second.conference(index)).collect();
    backward.reverse();
    assert!(forward == backward, "conferences differ");
    assert_eq!(first.globals(), second.globals());
    assert_ne!(first.conference(0), plan(&options(40, 6)).conference(0));
}

#[test]
fn any_number_of_conferences_can_be_planned() {
    for conferences in [0, 1, 2, 7] {
        let plan = plan(&SeedOptions { days: 1, ..options(conferences, 1) });
        assert_eq!(all(&plan).len(), conferences);
        assert!(!plan.globals().apps.is_empty());
    }
    assert!(plan(&options(0, 1)).is_empty());
}

#[test]
fn every_row_has_its_parents() {
    let plan = plan(&options(150, 1));
    let people: BTreeSet<ParticipantId> = plan.participants().iter().map(|stored| stored.row.id).collect();
    let mut events = BTreeSet::<EventId>::new();
    for told in all(&plan) {
        let conference: ConferenceId = told.conference.row.id;
        let linked: BTreeSet<_> = told.conference.row.participants.iter().copied().collect();
        assert!(linked.is_subset(&people) && !linked.is_empty());
        assert_eq!(linked.len(), told.conference.row.participants.len(), "a participant is linked twice");
        let sessions: BTreeMap<SessionId, ParticipantId> =
            told.sessions.iter().map(|stored| (stored.row.id, stored.row.participant_id)).collect();
        let connections: BTreeMap<ConnectionId, SessionId> =
            told.connections.iter().map(|stored| (stored.row.id, stored.row.session_id)).collect();
        let tracks: BTreeSet<TrackId> = told.tracks.iter().map(|stored| stored.row.id).collect();
        for row in told.sessions.iter().map(|stored| &stored.row) {
            assert!(row.conference_id == conference && linked.contains(&row.participant_id));
        }
        for row in told.connections.iter().map(|stored| &stored.row) {
            assert_eq!(sessions[&row.session_id], row.participant_id);
            assert!(linked.contains(&row.peer_id) && row.peer_id != row.participant_id);
        }
        for row in told.tracks.iter().map(|stored| &stored.row) {
            assert!(row.connection_id.is_none_or(|id| connections[&id] == row.session_id));
        }
        for row in told.events.iter().map(|stored| &stored.row) {
            assert_eq!(sessions[&row.session_id], row.participant_id);
            assert!(row.connection_id.is_none_or(|id| connections[&id] == row.session_id));
            assert!(row.track_id.is_none_or(|id| tracks.contains(&id)));
            assert_eq!(row.peer_id.is_some(), row.connection_id.is_some());
            assert!(events.insert(row.id));
        }
        for row in told.issues.iter().map(|stored| &stored.row) {
            assert_eq!(sessions[&row.session_id], row.participant_id.unwrap());
            assert!(row.connection_id.is_none_or(|id| connections[&id] == row.session_id));
            assert!(row.conference_id.is_none_or(|id| id == conference));
        }
    }
}

#[test]
fn times_are_in_order_and_nothing_happens_after_the_end() {
    let options = options(150, 2);
    let plan = plan(&options);
    let seen: BTreeMap<_, _> =
        plan.participants().iter().map(|stored| (stored.row.id, stored.row.created_at)).collect();
    for told in all(&plan) {
        let row = &told.conference.row;
        assert!(
            row.end_time.is_none_or(|end| end <= options.end && row.start_time.is_none_or(|at| at <= end))
        );
        assert_eq!(row.ongoing, row.call_start.is_some());
        assert_eq!(row.summary_status.is_some(), told.summary.is_some());
        let mut connected = 0.0;
        for session in told.sessions.iter().map(|stored| &stored.row) {
            assert!(session.created_at >= row.created_at && session.created_at <= options.end);
            assert!(seen[&session.participant_id] <= session.created_at);
            let length = session.end_time.map_or(0.0, |end| end.seconds_since(session.created_at));
            assert_eq!(session.duration, length as i64);
        }
        for connection in told.connections.iter().map(|stored| &stored.row) {
            let start = connection.start_time.unwrap();
            let length = connection.end_time.map_or(0.0, |end| end.seconds_since(start));
            assert!(length >= 0.0 && connection.duration == length as i64);
            assert!(row.start_time.is_some_and(|first| first <= start));
            connected += length;
        }
        assert!(row.ongoing || row.duration as f64 <= connected + 1.0);
        for event in told.events.iter().map(|stored| &stored.row) {
            assert!(event.created_at <= options.end && event.created_at > row.created_at);
        }
        assert!(told.issues.iter().all(|stored| stored.row.created_at <= options.end));
        assert!(told.events.is_sorted_by_key(|stored| stored.row.created_at));
    }
}

#[test]
fn all_json_can_be_parsed() {
    let parse = |json: &Option<Json>| {
        if let Some(json) = json {
            assert!(json.parse().is_some(), "{}", json.0);
        }
    };
    let plan = plan(&options(120, 3));
    for app in plan.globals().apps {
        parse(&app.durations_days);
        let Value::Object(days) = app.durations_days.unwrap().parse().unwrap() else { panic!() };
        assert_eq!(days.len(), 31);
    }
    for told in all(&plan) {
        parse(&told.conference.row.summary_data);
        parse(&told.conference.row.conference_info);
        for row in told.sessions.iter().map(|stored| &stored.row) {
            for json in [&row.devices, &row.platform, &row.metadata, &row.geo_ip, &row.session_info] {
                parse(json);
            }
        }
        told.connections.iter().for_each(|stored| parse(&stored.row.connection_info));
        told.tracks.iter().for_each(|stored| parse(&stored.row.track_info));
        told.issues.iter().for_each(|stored| parse(&stored.row.data));
        told.events.iter().for_each(|stored| parse(&stored.row.data));
    }
}

#[test]
fn issues_follow_from_events() {
    for told in all(&plan(&options(200, 4))) {
        let mut counts: BTreeMap<(&str, Option<ConnectionId>), i64> = BTreeMap::new();
        for row in told.events.iter().map(|stored| &stored.row) {
            let code = match (row.r#type.as_str(), row.data.as_ref().map_or("", |data| &data.0)) {
                ("oniceconnectionstatechange", "\"failed\"") => "ice_failed",
                ("onconnectionstatechange", "\"failed\"") => "connection_failed",
                ("onconnectionstatechange", "\"disconnected\"") => "connection_disconnected",
                ("onicecandidateerror", _) => "icecandidateerror",
                ("getUserMedia", data) if data.starts_with("{\"error\"") => "getusermedia_error",
                _ => continue,
            };
            *counts.entry((code, row.connection_id)).or_default() += 1;
        }
        for row in told.issues.iter().map(|stored| &stored.row) {
            let known = !matches!(row.code.as_str(), "turn_used" | "icecandidateerror");
            assert_eq!(row.conference_id.is_some(), known, "{}", row.code);
            let error = matches!(
                row.code.as_str(),
                "no_media_access" | "ice_failed" | "no_connection" | "connection_failed" | "very_low_emos"
            );
            assert_eq!(row.r#type, if error { "e" } else { "w" }, "{}", row.code);
            if let Some(count) = counts.get_mut(&(row.code.as_str(), row.connection_id)) {
                *count -= 1;
            }
        }
        // An event at the very end may not have its issue yet.
        let left: i64 = counts.values().sum();
        assert!(counts.values().all(|&count| count >= 0) && left <= 1, "{counts:?}");
    }
}

/// Samples of all conferences whose raw stats were kept, in order.
fn raw_samples(told: &SeedConference) -> Vec<peerpress::snapshot::SampleRow> {
    let stats = told.events.iter().map(|stored| &stored.row).filter(|row| row.r#type == "stats");
    stats.flat_map(|event| stats::samples_of_event(event).unwrap()).collect()
}

#[test]
fn counters_of_stats_never_fall_and_both_ends_agree() {
    let mut checked = 0;
    for told in all(&plan(&options(150, 8))) {
        let mut last: BTreeMap<(Option<ConnectionId>, String, String), (i64, i64)> = BTreeMap::new();
        let mut sent: BTreeMap<(Option<i64>, String), i64> = BTreeMap::new();
        let mut received: BTreeMap<(Option<i64>, String), i64> = BTreeMap::new();
        for row in raw_samples(&told) {
            let Some(id) = row.id.clone() else { continue };
            let now = (
                row.bytes_sent.or(row.bytes_received).unwrap_or_default(),
                row.packets_lost.unwrap_or_default(),
            );
            let before = last.insert((row.connection_id, row.report.clone(), id), now).unwrap_or_default();
            assert!(now >= before || (now.0 >= before.0 && now.1 >= before.1), "{before:?} {now:?}");
            let kind = row.kind.clone().unwrap_or_default();
            if row.report == stats::OUTBOUND {
                sent.insert((row.ssrc, kind), row.packets_sent.unwrap());
            } else if row.report == stats::INBOUND {
                let total = row.packets_received.unwrap() + row.packets_lost.unwrap();
                received.insert((row.ssrc, kind), total);
            }
        }
        for (stream, total) in &sent {
            if let Some(other) = received.get(stream) {
                // Their last polls may lie up to ten seconds apart.
                assert!((total - other).abs() <= 10_000, "{stream:?}: {total} {other}");
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "{checked}");
}

#[test]
fn five_hundred_conferences_hold_every_case() {
    let plan = plan(&options(500, 1));
    let mut cases: BTreeMap<&str, bool> = BTreeMap::new();
    let mut codes: BTreeSet<String> = BTreeSet::new();
    let mut types: BTreeSet<String> = BTreeSet::new();
    let mut most_stats = 0;
    let mut visits: BTreeMap<ParticipantId, BTreeSet<ConferenceId>> = BTreeMap::new();
    for stored in plan.participants() {
        let row = &stored.row;
        for (case, holds) in [
            ("server", row.is_sfu),
            ("deleted participant", !stored.is_active),
            ("no name", row.participant_name.is_none()),
            ("empty name", row.participant_name.as_deref() == Some("")),
            (
                "markup in a name",
                row.participant_name.as_deref().is_some_and(|name| name.contains("<script>")),
            ),
            ("right-to-left", row.participant_name.as_deref().is_some_and(|name| name.contains('\u{202e}'))),
            (
                "path in an id",
                row.participant_id.as_deref().is_some_and(|id| id.contains('/') && id.contains('?')),
            ),
        ] {
            *cases.entry(case).or_default() |= holds;
        }
    }
    for told in all(&plan) {
        let row = &told.conference.row;
        codes.extend(told.issues.iter().map(|stored| stored.row.code.clone()));
        types.extend(told.events.iter().map(|stored| stored.row.r#type.clone()));
        let stats = told.events.iter().filter(|stored| stored.row.r#type == "stats").count();
        most_stats = most_stats.max(stats);
        for session in &told.sessions {
            visits.entry(session.row.participant_id).or_default().insert(row.id);
        }
        let days: BTreeSet<_> = told.sessions.iter().map(|stored| stored.row.created_at.day()).collect();
        let people: BTreeSet<_> = told.sessions.iter().map(|stored| stored.row.participant_id).collect();
        let session = |test: &dyn Fn(&peerpress::snapshot::SessionRow) -> bool| {
            told.sessions.iter().any(|stored| test(&stored.row))
        };
        let connection = |test: &dyn Fn(&peerpress::snapshot::ConnectionRow) -> bool| {
            told.connections.iter().any(|stored| test(&stored.row))
        };
        let text = |json: &Option<Json>, part: &str| json.as_ref().is_some_and(|json| json.0.contains(part));
        let event = |r#type: &str, part: &str| {
            told.events.iter().any(|stored| stored.row.r#type == r#type && text(&stored.row.data, part))
        };
        let status = row.summary_status.as_deref();
        let data = row.summary_data.as_ref().map_or("", |data| &data.0);
        for (case, holds) in [
            ("ongoing", row.ongoing),
            ("no connection at all", told.connections.is_empty()),
            ("room used on several days", days.len() > 1),
            ("deleted conference", !told.conference.is_active),
            ("deleted session", told.sessions.iter().any(|stored| !stored.is_active)),
            ("deleted issue", told.issues.iter().any(|stored| !stored.is_active)),
            ("alone", people.len() == 1),
            ("more than sixteen people", people.len() > 16),
            ("participant without session", row.participants.len() > people.len()),
            ("rejoin", told.sessions.len() > people.len()),
            ("no summary", status.is_none() && !row.ongoing),
            ("summary in error", status == Some("e")),
            ("summary being built", status == Some("o")),
            ("summary and raw stats", status == Some("d") && stats > 0),
            ("summary, stats deleted", status == Some("d") && stats == 0 && data.len() > 10),
            ("empty summary", status == Some("d") && data == "[]"),
            ("room without name", row.conference_name.is_none()),
            ("room with empty name", row.conference_name.as_deref() == Some("")),
            ("path in a room's id", row.conference_id.contains('/') && row.conference_id.contains('?')),
            ("open session", session(&|row| row.end_time.is_none()) && !row.ongoing),
            ("no devices", session(&|row| row.devices == Some(Json("[]".to_owned())))),
            ("devices unknown", session(&|row| row.devices.is_none())),
            (
                "devices as an object",
                session(&|row| text(&row.devices, "{\"kind") && !text(&row.devices, "[")),
            ),
            ("platform unknown", session(&|row| row.platform.is_none())),
            ("coordinates as text", session(&|row| text(&row.geo_ip, "\"latitude\":\""))),
            ("place all null", session(&|row| text(&row.geo_ip, "\"city\":null"))),
            ("no place", session(&|row| row.geo_ip.is_none())),
            ("Safari on a phone", session(&|row| text(&row.platform, "Mobile Safari"))),
            ("Firefox", session(&|row| text(&row.platform, "Firefox"))),
            ("old Chrome", session(&|row| text(&row.platform, "\"major\":\"78\""))),
            ("host", connection(&|row| row.r#type.as_deref() == Some("h"))),
            ("srflx", connection(&|row| row.r#type.as_deref() == Some("s"))),
            ("prflx", connection(&|row| row.r#type.as_deref() == Some("p"))),
            ("relay", connection(&|row| row.r#type.as_deref() == Some("r"))),
            ("unknown candidate", connection(&|row| row.r#type.is_none())),
            ("failed", connection(&|row| row.state == "failed")),
            ("new", connection(&|row| row.state == "new")),
            ("closed", connection(&|row| row.state == "closed")),
            ("renegotiation", connection(&|row| text(&row.connection_info, "renegotiation"))),
            ("TCP", connection(&|row| text(&row.connection_info, "\"detected_tcp\":true"))),
            ("two connections to one peer", {
                let pairs: BTreeSet<_> = told
                    .connections
                    .iter()
                    .map(|stored| (stored.row.session_id, stored.row.peer_id))
                    .collect();
                pairs.len() < told.connections.len()
            }),
            ("inline report", event("stats", "\"inbound\":[{")),
            ("no selected pair", event("stats", "\"connection\":{\"inbound\":[]")),
            ("track report", event("stats", "\"media-source\"")),
            ("old report", event("stats", "RTCInboundRTPVideoStream")),
            ("no remote reports", event("stats", "\"remote\":{}")),
            ("freeze", event("stats", "\"freezeCount\":3")),
            ("bandwidth-limited", event("stats", "\"qualityLimitationReason\":\"bandwidth\"")),
            ("CPU-limited", event("stats", "\"qualityLimitationReason\":\"cpu\"")),
            ("relay over TLS", event("stats", "\"relayProtocol\":\"tls\"")),
        ] {
            *cases.entry(case).or_default() |= holds;
        }
        for (case, holds) in [
            ("comes back", visits.values().any(|rooms| rooms.len() > 3)),
            ("error at the device", event("getUserMedia", "NotAllowedError")),
        ] {
            *cases.entry(case).or_default() |= holds;
        }
    }
    assert_eq!(
        codes.iter().map(String::as_str).collect::<Vec<_>>(),
        [
            "connection_disconnected",
            "connection_failed",
            "getusermedia_error",
            "ice_failed",
            "icecandidateerror",
            "low_emos",
            "multiple_rejoins",
            "no_connection",
            "no_media_access",
            "tcp_used",
            "turn_used",
            "very_low_emos",
        ]
    );
    assert_eq!(types.len(), 22, "{types:?}");
    let missing: Vec<_> = cases.iter().filter(|(_, holds)| !**holds).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!((500..=3000).contains(&most_stats), "{most_stats}");
}

#[test]
fn a_summary_reads_as_the_samples_that_it_was_made_of() {
    let mut compared = 0;
    for told in all(&plan(&options(200, 9))) {
        if told.conference.row.summary_status.as_deref() != Some("d") {
            continue;
        }
        let raw = raw_samples(&told);
        let from_summary = stats::samples_of_summary(&told.conference.row);
        if raw.is_empty() || from_summary.is_empty() {
            continue;
        }
        let pick = |rows: &[peerpress::snapshot::SampleRow], report: &str| {
            let mut sums: Vec<_> = rows
                .iter()
                .filter(|row| row.report == report)
                .map(|row| (row.connection_id, row.id.clone(), row.bytes_sent.or(row.bytes_received)))
                .collect();
            sums.sort();
            sums
        };
        for report in [stats::CANDIDATE_PAIR, stats::INBOUND, stats::OUTBOUND] {
            let (raw, summary) = (pick(&raw, report), pick(&from_summary, report));
            let missing = raw.iter().filter(|row| !summary.contains(row)).count();
            assert!(missing * 20 <= raw.len(), "{report}: {missing} of {} missing", raw.len());
        }
        compared += 1;
    }
    assert!(compared >= 5, "{compared}");
}

#[test]
fn a_snapshot_holds_all_but_what_is_deleted() {
    let folder = quick_folder();
    let plan = plan(&options(300, 1));
    let done = std::sync::Mutex::new(Vec::new());
    let snapshot =
        write_snapshot(&plan, &folder.path().join("snapshot"), &|count| done.lock().unwrap().push(count))
            .unwrap();
    assert_eq!(done.lock().unwrap().len(), 300);
    assert_eq!(snapshot.manifest().database, "generated");
    assert_eq!(snapshot.instant(), plan.options().end);
    assert_eq!(snapshot.globals().unwrap(), plan.globals());
    let apps: BTreeSet<_> = plan.globals().apps.iter().map(|app| app.id).collect();
    let mut expected = BTreeMap::new();
    for told in all(&plan) {
        if told.conference.is_active && apps.contains(&told.conference.row.app_id) {
            expected.insert(told.conference.row.id, told);
        }
    }
    let mut found = 0;
    for part in snapshot.parts() {
        for dossier in snapshot.dossiers(part).unwrap().map(Result::unwrap) {
            let told = &expected[&dossier.conference.id];
            assert_eq!(part.day, dossier.conference.created_at.day().to_string());
            assert_eq!(
                dossier.sessions.len(),
                told.sessions.iter().filter(|stored| stored.is_active).count()
            );
            assert_eq!(dossier.issues.len(), told.issues.iter().filter(|stored| stored.is_active).count());
            let events = told.events.iter().filter(|stored| stored.is_active && stored.row.r#type != "stats");
            assert_eq!(dossier.events.len(), events.count());
            found += 1;
        }
    }
    assert_eq!(found, expected.len());
}

#[test]
fn a_filled_database_has_the_planned_rows() {
    let db = TestDb::migrated();
    let plan = plan(&options(130, 1));
    let progress = std::cell::RefCell::new(Vec::new());
    let counts = fill_database(&mut db.client(), &plan, &|done| progress.borrow_mut().push(done)).unwrap();
    assert_eq!(*progress.borrow(), [64, 128, 130]);
    let told = all(&plan);
    let sum = |count: fn(&SeedConference) -> usize| told.iter().map(count).sum::<usize>() as u64;
    assert_eq!(counts.conferences, 130);
    assert_eq!(counts.participants, plan.participants().len() as u64);
    assert_eq!(counts.links, sum(|told| told.conference.row.participants.len()));
    assert_eq!(counts.sessions, sum(|told| told.sessions.len()));
    assert_eq!(counts.connections, sum(|told| told.connections.len()));
    assert_eq!(counts.tracks, sum(|told| told.tracks.len()));
    assert_eq!(counts.issues, sum(|told| told.issues.len()));
    assert_eq!(counts.events, sum(|told| told.events.len()));
    assert_eq!(counts.summaries, sum(|told| usize::from(told.summary.is_some())));
    let mut client = db.client();
    let mut count = |sql: &str| client.query_one(sql, &[]).unwrap().get::<_, i64>(0) as u64;
    assert_eq!(count("SELECT count(*) FROM app_genericevent"), counts.events);
    assert_eq!(count("SELECT count(*) FROM app_issue WHERE NOT is_active"), {
        told.iter().flat_map(|told| &told.issues).filter(|stored| !stored.is_active).count() as u64
    });
    assert_eq!(count("SELECT count(*) FROM app WHERE api_key ~ '^[0-9a-f]{32}$'"), counts.apps);
    let texts = "SELECT count(*) FROM participant WHERE participant_name LIKE E'%\\\\\\\\etc' OR participant_name LIKE E'%\\n%'";
    let hostile = plan.participants().iter().filter(|stored| {
        stored
            .row
            .participant_name
            .as_deref()
            .is_some_and(|name| name.ends_with("\\etc") || name.contains('\n'))
    });
    assert_eq!(count(texts), hostile.count() as u64);

    let again = fill_database(&mut db.client(), &plan, &|_| {}).unwrap_err();
    assert!(matches!(again, SeedError::AlreadySeeded { seed: 1 }), "{again}");
    let other = peerpress::seed::plan(&options(10, 2));
    fill_database(&mut db.client(), &other, &|_| {}).unwrap();
}

#[test]
fn a_database_without_tables_is_refused_with_a_hint() {
    let db = TestDb::empty();
    let error = fill_database(&mut db.client(), &plan(&options(1, 1)), &|_| {}).unwrap_err();
    assert!(error.to_string().contains("hint: make them with `peerpress migrate`"), "{error}");
}
