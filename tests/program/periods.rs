//! The reports of periods: a fixture whose figures are counted by hand, over the borders of years and weeks and in time zones
//! other than UTC; pages of the past stay as they are; feeds are valid; figures equal what SQL counts on the real databases.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::incremental::Data;
use crate::support::{TestDb, memory, quick_folder, shared_data};
use peerpress::commands::site::SiteOptions;
use peerpress::ids::{AppId, ConferenceId, OrganizationId, ParticipantId, SessionId};
use peerpress::report;
use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::snapshot::{
    AppRow, ConferenceRow, Globals, IssueRow, Json, OrganizationRow, PartRows, ParticipantRow, SessionRow,
    Snapshot, SnapshotWriter,
};
use peerpress::units::{Day, Timestamp, Zone};
use serde_json::Value;
use uuid::Uuid;

type Site = BTreeMap<String, Vec<u8>>;

/// Calls of one app: room, beginning, minutes, participant, browser, issue types.
type Plan<'a> = &'a [(u128, &'a str, u32, u128, &'a str, &'a [&'a str])];

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn snapshot(folder: &Path, calls: Plan<'_>, instant: &str, name: &str) -> Snapshot {
    let created = at("2026-01-01 00:00:00");
    let organization = OrganizationRow {
        id: OrganizationId(Uuid::from_u128(1)),
        name: name.to_owned(),
        created_at: created,
    };
    let app = AppRow {
        id: AppId(Uuid::from_u128(2)),
        name: name.to_owned(),
        created_at: created,
        organization_id: organization.id,
        ..AppRow::default()
    };
    let people: BTreeSet<u128> = calls.iter().map(|call| call.3).collect();
    let app_id = app.id;
    let participants = people.into_iter().map(|who| ParticipantRow {
        id: ParticipantId(Uuid::from_u128(1000 + who)),
        is_active: true,
        created_at: created,
        app_id,
        ..ParticipantRow::default()
    });
    let mut rows = PartRows::default();
    let mut rooms: BTreeMap<u128, ConferenceRow> = BTreeMap::new();
    for (n, (room, start, minutes, who, browser, issues)) in calls.iter().enumerate() {
        let conference = ConferenceId(Uuid::from_u128(10_000 + room));
        let row = rooms.entry(*room).or_insert_with(|| ConferenceRow {
            id: conference,
            conference_id: format!("{name} {room}"),
            start_time: Some(at(start)),
            created_at: at(start),
            app_id: app.id,
            ..ConferenceRow::default()
        });
        let person = ParticipantId(Uuid::from_u128(1000 + who));
        if !row.participants.contains(&person) {
            row.participants.push(person);
        }
        let session = SessionId(Uuid::from_u128(20_000 + n as u128));
        let end = at(start).plus_seconds(f64::from(*minutes) * 60.0);
        row.end_time = Some(end);
        rows.sessions.push(SessionRow {
            id: session,
            platform: Some(Json(format!(
                r#"{{"browser": {{"name": "{browser}", "version": "140.1"}}, "os": {{"name": "Linux"}}}}"#
            ))),
            end_time: Some(end),
            created_at: at(start),
            conference_id: conference,
            participant_id: person,
            ..SessionRow::default()
        });
        for (which, kind) in issues.iter().enumerate() {
            rows.issues.push(IssueRow {
                id: Uuid::from_u128(30_000 + n as u128 * 10 + which as u128).into(),
                r#type: (*kind).to_owned(),
                code: format!("code_{kind}"),
                created_at: at(start).plus_seconds(30.0),
                session_id: session,
                conference_id: Some(conference),
                in_conference_id: conference,
                ..IssueRow::default()
            });
        }
    }
    rows.conferences = rooms.into_values().collect();
    rows.finish();
    let writer = SnapshotWriter::create(folder).unwrap();
    writer.write_part(Day::parse("2026-12-01").unwrap(), 0, &rows).unwrap();
    let globals =
        Globals { organizations: vec![organization], apps: vec![app], participants: participants.collect() };
    writer.finish(&globals, at(instant), "test").unwrap()
}

fn options(zone: &str) -> SiteOptions {
    let zone = Zone::parse(zone).unwrap();
    SiteOptions { report: report::Options { zone, ..report::Options::default() }, ..SiteOptions::default() }
}

fn site(calls: Plan<'_>, instant: &str, zone: &str) -> Site {
    let folder = quick_folder();
    memory::site(&snapshot(&folder.path().join("snapshot"), calls, instant, "calm"), &options(zone))
}

fn json(site: &Site, path: &str) -> Value {
    serde_json::from_slice(site.get(path).unwrap_or_else(|| panic!("there is no {path}"))).unwrap()
}

/// The names of the site's reports.
fn names(site: &Site) -> Vec<String> {
    let list = json(site, "api/v1/reports/index.json");
    let mut names: Vec<String> = list["report"]["periods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|period| period["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Over the end of 2026, whose last week is the 53rd. Room 1 is used three times, by two people at the second.
const NEW_YEAR: Plan<'static> = &[
    (1, "2026-12-26 23:50:00", 30, 1, "Chrome", &["e", "w"]),
    (1, "2026-12-31 23:30:00", 60, 1, "Chrome", &["w"]),
    (1, "2026-12-31 23:40:00", 10, 2, "Safari", &[]),
    (2, "2027-01-01 04:59:59", 5, 2, "Safari", &[]),
    (1, "2027-01-03 12:00:00", 20, 1, "Chrome", &["e"]),
    (3, "2027-01-04 00:00:00", 10, 3, "Firefox", &[]),
];

#[test]
fn figures_over_new_year_are_those_counted_by_hand() {
    let site = site(NEW_YEAR, "2027-01-12 00:00:00", "UTC");
    assert_eq!(
        names(&site),
        [
            "2026",
            "2026-12",
            "2026-12-26",
            "2026-12-31",
            "2026-W52",
            "2026-W53",
            "2027",
            "2027-01",
            "2027-01-01",
            "2027-01-03",
            "2027-01-04",
            "2027-W01"
        ]
    );
    let figures = |name: &str, when: &str| {
        let file = json(&site, &format!("api/v1/reports/{name}.json"));
        let of = &file["report"]["figures"][when];
        [
            "calls",
            "conferences",
            "participants",
            "sessions",
            "participant_minutes",
            "with_errors",
            "with_warnings",
        ]
        .map(|key| of[key].as_u64())
        .map(|value| value.map_or(-1, |value| value as i64))
    };
    // Week 53, 28 December to 3 January: calls of room 1 on the 31st (60 + 10 minutes) and on the 3rd (20), of room 2 (5).
    assert_eq!(figures("2026-W53", "now"), [3, 2, 2, 4, 95, 1, 1]);
    assert_eq!(figures("2026-W53", "before"), [1, 1, 1, 1, 30, 1, 0]);
    assert_eq!(figures("2026-W52", "before"), [-1; 7]);
    // A call is of the day on which it began: the one of the 31st goes on into the new year.
    assert_eq!(figures("2026-12-31", "now"), [1, 1, 2, 2, 70, 0, 1]);
    assert_eq!(figures("2027-01-01", "now"), [1, 1, 1, 1, 5, 0, 0]);
    assert_eq!(figures("2027-01-01", "before"), [1, 1, 2, 2, 70, 0, 1]);
    // The day before 3 January has no call.
    assert_eq!(figures("2027-01-03", "before"), [-1; 7]);
    assert_eq!(figures("2026", "now"), [2, 1, 2, 3, 100, 1, 1]);
    assert_eq!(figures("2027", "now"), [3, 3, 3, 3, 35, 1, 0]);
    assert_eq!(figures("2027-W01", "before"), [3, 2, 2, 4, 95, 1, 1]);
    let week = json(&site, "api/v1/reports/2026-W53.json");
    let week = &week["report"];
    assert_eq!(week["figures"]["now"]["error_share"], 1.0 / 3.0);
    assert_eq!(week["within"], serde_json::json!(["2026-12-31", "2027-01-01", "2027-01-03"]));
    let browsers: Vec<_> = week["by"]["browser"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            (
                part["value"].as_str().unwrap(),
                part["now"]["sessions"].as_u64(),
                part["now"]["with_errors"].as_u64(),
            )
        })
        .collect();
    assert_eq!(browsers, [("Chrome", Some(2), Some(1)), ("Safari", Some(2), Some(0))]);
    // The second and third call of room 1, and the first of room 2.
    assert_eq!(week["calls"]["number"], serde_json::json!([2, 1, 3]));
    assert_eq!(week["figures"]["behind"]["with_errors"], serde_json::json!([2]));
    // Organization and app have the same calls here.
    for folder in
        ["organizations/00000000-0000-0000-0000-000000000001", "apps/00000000-0000-0000-0000-000000000002"]
    {
        let own = json(&site, &format!("api/v1/{folder}/reports/2026-W53.json"));
        assert_eq!(own["report"]["figures"], week["figures"]);
    }
    let page = String::from_utf8_lossy(&site["reports/2026-W53.html"]);
    assert!(page.contains("../conference/00000000-0000-0000-0000-000000002711.html#call-3"));
    let index = String::from_utf8_lossy(&site["index.html"]);
    assert!(
        index.contains("reports/2027-W01.html") && index.contains("Week 1 of 2027"),
        "the start opens on it"
    );
}

#[test]
fn days_are_those_of_the_configured_zone() {
    // 04:59:59 UTC is the last second of 31 December in New York; 2027 begins in Auckland at 11:00 UTC of the 31st.
    let new_york = site(NEW_YEAR, "2027-01-12 00:00:00", "America/New_York");
    let days = |site: &Site| -> Vec<String> {
        names(site).into_iter().filter(|name| name.len() == 10 && !name.contains('W')).collect()
    };
    assert_eq!(days(&new_york), ["2026-12-26", "2026-12-31", "2027-01-03"]);
    let day = json(&new_york, "api/v1/reports/2026-12-31.json");
    assert_eq!(day["report"]["figures"]["now"]["calls"], 2);
    assert_eq!(day["report"]["period"]["start"], "2026-12-31 05:00:00");
    assert_eq!(day["report"]["period"]["end"], "2027-01-01 05:00:00");
    assert_eq!(json(&new_york, "api/v1/reports/2026.json")["report"]["figures"]["now"]["calls"], 3);
    let auckland = site(NEW_YEAR, "2027-01-12 00:00:00", "Pacific/Auckland");
    assert_eq!(days(&auckland), ["2026-12-27", "2027-01-01", "2027-01-04"]);
    assert_eq!(json(&auckland, "api/v1/reports/2027-01-01.json")["report"]["figures"]["now"]["calls"], 2);
    // Monday 4 January, 01:00 there: a new week.
    assert_eq!(json(&auckland, "api/v1/reports/2027-W01.json")["report"]["figures"]["now"]["calls"], 2);
    for (site, zone) in [(&new_york, "America/New_York"), (&auckland, "Pacific/Auckland")] {
        for path in ["reports/2027-W01.html", "reports/index.html", "index.html", "methods.html"] {
            let Some(page) = site.get(path) else { continue };
            assert!(String::from_utf8_lossy(page).contains(zone), "{path} says its zone");
        }
    }
}

#[test]
fn a_page_of_the_past_stays_byte_for_byte_when_more_calls_come() {
    let more: Vec<_> = NEW_YEAR
        .iter()
        .copied()
        .chain([
            // The same room is used again, by somebody new, with an error; and there is a new room.
            (1, "2027-01-13 09:00:00", 40, 9, "Opera", &["e"][..]),
            (7, "2027-01-20 09:00:00", 40, 1, "Chrome", &["w"][..]),
        ])
        .collect();
    // In UTC all days, weeks and months but January, and 2026; in New York the last call is one of 3 January.
    for (zone, periods) in [("UTC", 10), ("America/New_York", 7)] {
        let before = site(NEW_YEAR, "2027-01-12 00:00:00", zone);
        let after = site(&more, "2027-01-28 12:00:00", zone);
        let list = json(&before, "api/v1/reports/index.json");
        let mut kept = 0;
        for period in list["report"]["periods"].as_array().unwrap() {
            if period["over"] == true {
                let name = period["name"].as_str().unwrap();
                let ends = [format!("reports/{name}.html"), format!("reports/{name}.json")];
                for path in before.keys().filter(|path| ends.iter().any(|end| path.ends_with(end.as_str()))) {
                    assert!(before[path] == after[path], "{zone}: {path} changed");
                    kept += 1;
                }
            }
        }
        // A page and a file for the site, its organization and its app.
        assert_eq!(kept, periods * 2 * 3, "{zone}");
        assert!(after.len() > before.len() && names(&after).contains(&"2027-W03".to_owned()));
        // And what is not over does change.
        assert!(before["reports/2027.html"] != after["reports/2027.html"]);
    }
}

#[test]
fn a_generated_past_stays_as_it_is_when_only_time_goes_on() {
    let folder = quick_folder();
    let plan = plan(&SeedOptions {
        conferences: 30,
        days: 10,
        seed: 3,
        end: at("2026-11-20 12:00:00"),
        short: false,
    });
    let first = write_snapshot(&plan, &folder.path().join("a"), &|_| {}).unwrap();
    let before = memory::site(&first, &SiteOptions::default());
    // The same rows, seen four weeks later.
    let later = folder.path().join("b");
    let mut data = Data::of(&first);
    data.taken_at = data.taken_at.plus_seconds(28.0 * 86_400.0);
    data.write_as(&later, &first.manifest().database);
    let after = memory::site(&Snapshot::open(&later).unwrap(), &SiteOptions::default());
    let list = json(&before, "api/v1/reports/index.json");
    let over: Vec<&str> = list["report"]["periods"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|period| period["over"] == true)
        .map(|period| period["name"].as_str().unwrap())
        .collect();
    assert!(over.len() >= 8, "{over:?}");
    for name in over {
        for path in before.keys().filter(|path| path.ends_with(&format!("reports/{name}.html"))) {
            assert!(before[path] == after[path], "{path} changed");
        }
    }
}

#[test]
fn a_period_is_not_over_while_its_end_or_one_of_its_calls_is_to_come() {
    let over = |instant: &str, name: &str| {
        let site = site(NEW_YEAR, instant, "UTC");
        json(&site, &format!("api/v1/reports/{name}.json"))["report"]["period"]["over"].as_bool().unwrap()
    };
    // The call of 31 December ends at 00:30.
    assert!(!over("2027-01-01 00:00:00", "2026-12-31"));
    assert!(!over("2027-01-01 00:20:00", "2026-12-31"));
    assert!(over("2027-01-01 00:30:01", "2026-12-31"));
    assert!(!over("2027-01-03 23:59:59", "2026-W53"));
    assert!(over("2027-01-04 00:00:00", "2026-W53"));
}

/// The same, made by a rule.
type Owned = (u128, String, u32, u128, &'static str, &'static [&'static str]);

/// Three weeks of thirty calls each; in the second and third some have an issue.
fn weeks() -> Vec<Owned> {
    let mut calls = Vec::new();
    for week in 0..3u128 {
        for n in 0..30u128 {
            let day = 2 + week * 7 + n % 7;
            let issues: &[&str] = if n < [0, 6, 12][week as usize] { &["w"] } else { &[] };
            calls.push((
                week * 100 + n,
                format!("2026-11-{day:02} {:02}:00:00", n % 24),
                5,
                n % 4,
                "Chrome",
                issues,
            ));
        }
    }
    calls
}

#[test]
fn feeds_are_valid_and_their_ids_stay() {
    let calls = weeks();
    let plan: Vec<_> =
        calls.iter().map(|call| (call.0, call.1.as_str(), call.2, call.3, call.4, call.5)).collect();
    let hostile = "<b>&\"\u{1}]]> \u{fffe}\u{1f600}";
    let feeds = |instant: &str, base: Option<&str>| {
        let folder = quick_folder();
        let options = SiteOptions { base_url: base.map(str::to_owned), ..options("UTC") };
        memory::site(&snapshot(&folder.path().join("snapshot"), &plan, instant, hostile), &options)
    };
    let site = feeds("2026-12-02 00:00:00", Some("https://calls.example.org/sub/"));
    for folder in [
        "",
        "organization/00000000-0000-0000-0000-000000000001/",
        "apps/00000000-0000-0000-0000-000000000002/",
    ] {
        let atom = String::from_utf8(site[&format!("{folder}feed.xml")].clone()).unwrap();
        let entries = valid_atom(&atom);
        // Three weeks and a month; the issue is new in the second week, and has doubled in the third.
        assert_eq!(entries.len(), 6, "{entries:?}");
        let titles: BTreeSet<&str> = entries.iter().map(|entry| entry["title"].as_str().unwrap()).collect();
        assert!(titles.contains("Week 46 of 2026") && titles.contains("November 2026"));
        assert!(titles.iter().any(|title| title.ends_with("is new: Week 46 of 2026")), "{titles:?}");
        assert!(titles.iter().any(|title| title.ends_with("has doubled: Week 47 of 2026")), "{titles:?}");
        assert_eq!(entries[0]["updated"], "2026-12-01T00:00:00Z");
        assert!(
            atom.contains(&format!("href=\"https://calls.example.org/sub/{folder}reports/2026-W46.html\""))
        );
        valid_json_feed(&json(&site, &format!("{folder}feed.json")), &entries);
    }
    let ids = |site: &Site| -> BTreeSet<String> {
        let entries = valid_atom(&String::from_utf8(site["feed.xml"].clone()).unwrap());
        entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
    };
    // Another place and another day: the same entries have the same ids.
    let earlier = feeds("2026-11-17 00:00:00", None);
    assert_eq!(ids(&earlier).len(), 3);
    assert!(ids(&earlier).is_subset(&ids(&site)));
    assert!(!String::from_utf8_lossy(&earlier["feed.xml"]).contains("rel=\"self\""));
    let empty = feeds("2026-11-03 00:00:00", None);
    assert_eq!(valid_atom(&String::from_utf8(empty["feed.xml"].clone()).unwrap()), Vec::<Value>::new());
}

/// Checks what RFC 4287 asks for, by an XML parser that is not ours, and gives the entries.
fn valid_atom(text: &str) -> Vec<Value> {
    let program = r#"
import json, re, sys
import xml.etree.ElementTree as tree
A = "{http://www.w3.org/2005/Atom}"
root = tree.fromstring(sys.stdin.buffer.read())
assert root.tag == A + "feed", root.tag
instant = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
def one(of, name):
    found = of.findall(A + name)
    assert len(found) == 1 and (found[0].text or "").strip(), (name, found)
    return found[0].text
def check(of):
    assert re.match(r"^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", one(of, "id"))
    one(of, "title")
    assert instant.match(one(of, "updated"))
    alternates = [link for link in of.findall(A + "link") if link.get("rel") == "alternate"]
    assert len(alternates) == 1 and alternates[0].get("href")
check(root)
assert root.find(A + "author").find(A + "name").text
entries = root.findall(A + "entry")
for entry in entries:
    check(entry)
    assert one(entry, "content")
ids = [entry.find(A + "id").text for entry in entries] + [root.find(A + "id").text]
assert len(ids) == len(set(ids)), "an id twice"
times = [entry.find(A + "updated").text for entry in entries]
assert times == sorted(times, reverse=True), "not the newest first"
assert not entries or root.find(A + "updated").text == times[0]
print(json.dumps([{key: entry.find(A + key).text for key in ["id", "title", "updated", "content"]} for entry in entries]))
"#;
    let mut python = std::process::Command::new("python3")
        .args(["-c", program])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "not valid:\n{text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Checks what JSON Feed 1.1 asks for, and that it tells the same as Atom.
fn valid_json_feed(feed: &Value, entries: &[Value]) {
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    assert!(feed["title"].is_string());
    for key in ["home_page_url", "feed_url"] {
        assert!(feed[key].as_str().unwrap().starts_with("https://calls.example.org/sub/"));
    }
    let items = feed["items"].as_array().unwrap();
    assert_eq!(items.len(), entries.len());
    for (item, entry) in items.iter().zip(entries) {
        assert_eq!(item["id"], entry["id"]);
        assert_eq!(item["date_published"], entry["updated"]);
        assert!(item["content_text"].as_str().is_some_and(|text| !text.is_empty()));
        assert!(item["url"].as_str().unwrap().starts_with("https://calls.example.org/sub/"));
    }
}

#[test]
fn a_mail_stands_on_its_own_and_names_are_only_text_in_it() {
    let calls = weeks();
    let plan: Vec<_> =
        calls.iter().map(|call| (call.0, call.1.as_str(), call.2, call.3, "<i>[x](y)", call.5)).collect();
    let folder = quick_folder();
    let place = |name: &str| folder.path().join(name);
    snapshot(&place("snapshot"), &plan, "2026-12-02 00:00:00", "calm");
    snapshot(&place("early"), &plan[..1], "2026-11-02 12:00:00", "calm");
    let build = |snapshot: &str, more: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("peerpress").unwrap();
        command.current_dir(folder.path()).args(["build", "--quiet", "--from", snapshot, "--mail"]);
        command.args(more).assert()
    };
    build("snapshot", &["weekly.html"]).success();
    let html = std::fs::read_to_string(place("weekly.html")).unwrap();
    let markdown = std::fs::read_to_string(place("weekly.md")).unwrap();
    for text in [&html, &markdown] {
        assert!(text.contains("Week 47 of 2026") && text.contains("there were 30 calls"), "{text}");
        assert!(!text.contains("<i>") && !text.contains("://"), "{text}");
    }
    for part in ["<script", "<link", "<img", "url(", " href=", " src="] {
        assert!(!html.contains(part), "{part}");
    }
    assert!(!markdown.contains("[x](y)"));
    build("snapshot", &["weekly.html", "--base-url", "https://calls.example.org/sub/"]).success();
    let link = "https://calls.example.org/sub/reports/2026-W47.html";
    assert!(std::fs::read_to_string(place("weekly.html")).unwrap().contains(&format!("href=\"{link}\"")));
    assert!(std::fs::read_to_string(place("weekly.md")).unwrap().contains(&format!("({link})")));
    // Nothing but the two files is left beside the site.
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(
        left,
        ["snapshot", ".snapshot.lock", "early", "output", ".peerpress", "weekly.html", "weekly.md"].len()
    );
    build("snapshot", &["weekly.md"]).code(2);
    let none = build("early", &["none.html"]).code(1);
    let said = String::from_utf8_lossy(&none.get_output().stderr).into_owned();
    assert!(said.contains("no day with a call is over yet") && !place("none.html").exists(), "{said}");
}

/// Calls by SQL: visits of a room, cut where nobody was there for half an hour. The days are those of UTC.
///
/// Rows that are deleted, or that belong to something deleted, do not count.
///
/// A visit reaches to its stored end, else to its last event; presence is that of connections as well, as for the pages.
const CALLS: &str = "
    WITH room AS (
        SELECT conference.id
        FROM conference JOIN app ON app.id = conference.app_id
        JOIN organization ON organization.id = app.organization_id
        WHERE conference.is_active AND app.is_active AND organization.is_active
    ), session AS (
        SELECT s.* FROM app_session s JOIN room ON room.id = s.conference_id WHERE s.is_active
    ), seen AS (
        SELECT session_id, max(created_at) AS at FROM app_genericevent WHERE is_active GROUP BY session_id
    ), visit AS (
        SELECT s.id, s.conference_id, s.participant_id, s.created_at AS a,
               greatest(s.created_at, coalesce(s.end_time, seen.at, s.created_at)) AS b
        FROM session s LEFT JOIN seen ON seen.session_id = s.id
    ), heard AS (
        SELECT connection_id, max(created_at) AS at FROM app_genericevent WHERE is_active GROUP BY connection_id
    ), stretch AS (
        SELECT conference_id, a, b FROM visit
        UNION ALL
        SELECT c.conference_id, coalesce(c.start_time, c.created_at),
               greatest(coalesce(c.start_time, c.created_at),
                        coalesce(c.end_time, heard.at, c.start_time, c.created_at))
        FROM app_connection c JOIN room ON room.id = c.conference_id
        LEFT JOIN heard ON heard.connection_id = c.id WHERE c.is_active
    ), cut AS (
        SELECT *, CASE WHEN a - max(b) OVER (PARTITION BY conference_id ORDER BY a, b ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                            <= interval '30 minutes' THEN 0 ELSE 1 END AS first
        FROM stretch
    ), numbered AS (
        SELECT *, sum(first) OVER (PARTITION BY conference_id ORDER BY a, b) AS n FROM cut
    ), call AS (
        SELECT conference_id, n, min(a) AS start FROM numbered GROUP BY 1, 2
    ), visit_of AS (
        SELECT visit.*, (SELECT max(call.start) FROM call WHERE call.conference_id = visit.conference_id AND call.start <= visit.a) AS start
        FROM visit
    ), issue_of AS (
        SELECT i.type, i.code, s.conference_id,
               coalesce((SELECT max(call.start) FROM call WHERE call.conference_id = s.conference_id AND call.start <= i.created_at),
                        (SELECT min(call.start) FROM call WHERE call.conference_id = s.conference_id)) AS start
        FROM app_issue i JOIN session s ON s.id = i.session_id WHERE i.is_active
    ), connection_of AS (
        SELECT c.conference_id, connected.at,
               coalesce((SELECT max(call.start) FROM call
                         WHERE call.conference_id = c.conference_id
                           AND call.start <= coalesce(c.start_time, c.created_at)),
                        (SELECT min(call.start) FROM call WHERE call.conference_id = c.conference_id)) AS start
        FROM app_connection c JOIN room ON room.id = c.conference_id
        LEFT JOIN (SELECT connection_id, min(created_at) AS at FROM app_genericevent
                   WHERE is_active AND type = 'onconnectionstatechange' AND data = '\"connected\"' GROUP BY 1) AS connected
               ON connected.connection_id = c.id
        WHERE c.is_active
    ), judged AS (
        SELECT call.conference_id, call.start, min(issue_of.type) AS worst
        FROM call LEFT JOIN issue_of USING (conference_id, start) GROUP BY 1, 2
    )";

/// What a query counts: by report and by value, two numbers.
fn counted_by_sql(
    client: &mut postgres::Client,
    sql: &str,
) -> BTreeMap<String, BTreeMap<String, (i64, i64)>> {
    let mut counted: BTreeMap<String, BTreeMap<String, (i64, i64)>> = BTreeMap::new();
    for row in client.query(sql, &[]).unwrap() {
        counted.entry(row.get(0)).or_default().insert(row.get(1), (row.get(2), row.get(3)));
    }
    counted
}

fn compare_with_sql(snapshot: &Snapshot, client: &mut postgres::Client) {
    let site = memory::site(snapshot, &SiteOptions::default());
    let mut compared = 0;
    for kind in ["day", "week", "month", "year"] {
        let name = match kind {
            "day" => "YYYY-MM-DD",
            "week" => "IYYY-\"W\"IW",
            "month" => "YYYY-MM",
            _ => "YYYY",
        };
        let name = |of: &str| format!("to_char({of} AT TIME ZONE 'UTC', '{name}')");
        let sql = format!(
            "{CALLS} SELECT {}, count(*), count(DISTINCT conference_id), count(*) FILTER (WHERE worst = 'e'), \
             count(*) FILTER (WHERE worst = 'w') FROM judged GROUP BY 1 ORDER BY 1",
            name("start")
        );
        for row in client.query(&sql, &[]).unwrap() {
            let name: String = row.get(0);
            let file = json(&site, &format!("api/v1/reports/{name}.json"));
            let now = &file["report"]["figures"]["now"];
            let [calls, conferences, errors, warnings] = [1, 2, 3, 4].map(|at| row.get::<_, i64>(at));
            for (key, value) in [
                ("calls", calls),
                ("conferences", conferences),
                ("with_errors", errors),
                ("with_warnings", warnings),
            ] {
                assert_eq!(now[key], value, "{name}: {key}");
            }
            assert_eq!(now["error_share"], errors as f64 / calls as f64, "{name}");
            compared += 1;
        }
        let sql = format!(
            "{CALLS} SELECT {}, count(*), count(DISTINCT participant_id), \
             floor(sum(extract(epoch FROM b - a)) / 60)::bigint FROM visit_of GROUP BY 1 ORDER BY 1",
            name("start")
        );
        for row in client.query(&sql, &[]).unwrap() {
            let name: String = row.get(0);
            let file = json(&site, &format!("api/v1/reports/{name}.json"));
            let now = &file["report"]["figures"]["now"];
            for (at, key) in [(1, "sessions"), (2, "participants"), (3, "participant_minutes")] {
                assert_eq!(now[key], row.get::<_, i64>(at), "{name}: {key}");
            }
        }
        let has_platform = "jsonb_typeof(s.platform::jsonb) = 'object' AND s.platform::jsonb <> '{}'";
        for (key, value, counts) in [
            ("browser", "coalesce(nullif(s.platform->'browser'->>'name', ''), 'Unknown')", has_platform),
            ("system", "coalesce(nullif(s.platform->'os'->>'name', ''), 'Unknown')", has_platform),
            ("app_version", "coalesce(nullif(s.app_version, ''), 'Unknown')", "true"),
            ("country", "s.geo_ip->>'country_code'", "s.geo_ip->>'country_code' <> ''"),
        ] {
            let sql = format!(
                "{CALLS} SELECT {}, {value}, count(*), count(DISTINCT (conference_id, start)) FROM visit_of \
                 JOIN app_session s USING (id, conference_id) WHERE {counts} GROUP BY 1, 2",
                name("start")
            );
            for (name, expected) in counted_by_sql(client, &sql) {
                let file = json(&site, &format!("api/v1/reports/{name}.json"));
                let number = |part: &Value, of: &str| part["now"][of].as_i64().unwrap();
                let ours: BTreeMap<String, (i64, i64)> = file["report"]["by"][key]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|part| (part["value"].as_str().unwrap().to_owned(), part))
                    .map(|(value, part)| (value, (number(part, "sessions"), number(part, "calls"))))
                    .filter(|(_, counts)| counts.0 > 0)
                    .collect();
                assert_eq!(ours, expected, "{name} by {key}");
            }
        }
        let sql = format!(
            "{CALLS} SELECT {}, code, count(*), count(DISTINCT (conference_id, start)) FROM issue_of GROUP BY 1, 2",
            name("start")
        );
        for (name, expected) in counted_by_sql(client, &sql) {
            let file = json(&site, &format!("api/v1/reports/{name}.json"));
            let ours: BTreeMap<String, (i64, i64)> = file["report"]["issues"]
                .as_array()
                .unwrap()
                .iter()
                .map(|issue| (issue["code"].as_str().unwrap().to_owned(), issue))
                .map(|(code, issue)| {
                    (code, (issue["times"].as_i64().unwrap(), issue["calls"].as_i64().unwrap()))
                })
                .filter(|(_, counts)| counts.0 > 0)
                .collect();
            assert_eq!(ours, expected, "issues of {name}");
        }
        let sql = format!(
            "{CALLS} SELECT {}, count(*), count(*) FILTER (WHERE at IS NOT NULL) FROM connection_of GROUP BY 1",
            name("start")
        );
        for row in client.query(&sql, &[]).unwrap() {
            let name: String = row.get(0);
            let file = json(&site, &format!("api/v1/reports/{name}.json"));
            let now = &file["report"]["figures"]["now"];
            assert_eq!(now["connections"], row.get::<_, i64>(1), "{name}: connections");
            // Those with a connected event; stats alone may show that there were more.
            assert!(now["established"].as_i64().unwrap() >= row.get::<_, i64>(2), "{name}: established");
        }
    }
    assert_eq!(names(&site).len(), compared, "no report that SQL does not know");
    assert!(compared >= 4);
}

fn snapshot_of(db: &TestDb, folder: &Path) -> Snapshot {
    let environment = |_: &str| None;
    let database = peerpress::source::resolve(Some(&db.url()), &environment).unwrap().unwrap();
    let options = peerpress::source::SnapshotOptions::new(folder.join("snapshot"));
    peerpress::source::take_snapshot(&database, &options, &peerpress::source::NoProgress).unwrap().snapshot
}

#[test]
fn figures_of_the_real_databases_equal_those_of_sql() {
    if shared_data().is_none() {
        return;
    }
    for which in ["small", "live"] {
        let db = TestDb::restored(which);
        let folder = quick_folder();
        compare_with_sql(&snapshot_of(&db, folder.path()), &mut db.client());
    }
}

#[test]
fn figures_of_a_seeded_database_equal_those_of_sql() {
    let db = TestDb::migrated();
    let folder = quick_folder();
    let plan = plan(&SeedOptions {
        conferences: 60,
        days: 20,
        seed: 5,
        end: at("2026-11-20 12:00:00"),
        short: false,
    });
    peerpress::seed::fill_database(&mut db.client(), &plan, &|_| {}).unwrap();
    compare_with_sql(&snapshot_of(&db, folder.path()), &mut db.client());
}
