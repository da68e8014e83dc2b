//! Canaries: every text of a snapshot is marked, and the whole site is searched for marks that must not be there, and for those
//! that must.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use peerpress::commands::check;
use peerpress::commands::site::SiteOptions;
use peerpress::privacy::{Key, Only, Privacy};
use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::snapshot::{ConferenceRow, Globals, PartRows, Row, Snapshot, SnapshotWriter};
use peerpress::units::Day;
use serde_json::Value;

use crate::support::columns::{columns_of, rows_of};
use crate::support::{memory, quick_folder};

/// A mark: lower case, so that no folding of letters changes it, and of a form that nothing else has.
fn mark(number: usize) -> String {
    format!("zq{number:06}w")
}

/// The marks in a text, also in one of which the letters were folded.
pub(crate) fn marks(text: &str) -> impl Iterator<Item = usize> {
    let found = text.match_indices("zq").chain(text.match_indices("ZQ"));
    found.filter_map(|(at, _)| {
        let rest = text.get(at + 2..at + 9)?;
        rest.strip_suffix(['w', 'W'])?.parse().ok()
    })
}

/// Gives every text of a table to `change`, with its `table.column`, and takes what comes back.
pub(crate) fn changed<R: Row>(rows: &[R], change: &mut dyn FnMut(&str, &str, &str) -> String) -> Vec<R> {
    let batch = columns_of(rows);
    let columns = R::columns().into_iter().zip(batch.columns()).map(|(column, array)| -> ArrayRef {
        if !matches!(column.kind, "text" | "json") {
            return Arc::clone(array);
        }
        let place = format!("{}.{}", R::TABLE, column.name.trim_start_matches("r#"));
        let texts =
            array.as_string::<i32>().iter().map(|text| text.map(|text| change(&place, column.kind, text)));
        Arc::new(texts.collect::<StringArray>())
    });
    let batch = RecordBatch::try_new(R::schema(), columns.collect()).unwrap();
    rows_of(&batch)
}

/// A seeded snapshot of which every text went through `change`.
fn snapshot(folder: &Path, mut change: impl FnMut(&str, &str, &str) -> String) -> Snapshot {
    let plan = plan(&SeedOptions { conferences: 8, days: 2, seed: 12, end: super::end(), short: false });
    let seeded = write_snapshot(&plan, &folder.join("seeded"), &|_| {}).unwrap();
    let change: &mut dyn FnMut(&str, &str, &str) -> String = &mut change;
    let writer = SnapshotWriter::create(&folder.join("snapshot")).unwrap();
    for part in seeded.parts() {
        let rows = PartRows {
            conferences: changed(&seeded.table(part).unwrap(), change),
            sessions: changed(&seeded.table(part).unwrap(), change),
            connections: changed(&seeded.table(part).unwrap(), change),
            tracks: changed(&seeded.table(part).unwrap(), change),
            issues: changed(&seeded.table(part).unwrap(), change),
            events: changed(&seeded.table(part).unwrap(), change),
            samples: changed(&seeded.table(part).unwrap(), change),
        };
        writer.write_part(Day::parse(&part.day).unwrap(), part.piece, &rows).unwrap();
    }
    let globals = seeded.globals().unwrap();
    let globals = Globals {
        organizations: changed(&globals.organizations, change),
        apps: changed(&globals.apps, change),
        participants: changed(&globals.participants, change),
    };
    writer.finish(&globals, seeded.instant(), "canary").unwrap()
}

/// All texts of a site: names of files, their bytes, and the cells of Parquet files.
fn texts(snapshot: &Snapshot, privacy: &Privacy, only: Only) -> BTreeMap<String, String> {
    let options = SiteOptions {
        privacy: privacy.clone(),
        only,
        base_url: Some("https://calls.example.org".to_owned()),
        ..SiteOptions::default()
    };
    let read = |(path, bytes): (String, Vec<u8>)| {
        let text = if Path::new(&path).extension().is_some_and(|end| end == "parquet") {
            cells(bytes)
        } else {
            String::from_utf8(bytes).unwrap()
        };
        (path.clone(), format!("{path}\n{text}"))
    };
    memory::site(snapshot, &options)
        .into_iter()
        .filter(|(path, _)| !path.starts_with("assets/"))
        .map(read)
        .collect()
}

pub(crate) fn cells(bytes: Vec<u8>) -> String {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap().build().unwrap();
    let mut text = String::new();
    for batch in reader {
        for column in batch.unwrap().columns() {
            let lists = column.as_list_opt::<i32>().map(|lists| Arc::clone(lists.values()));
            let column = lists.as_ref().unwrap_or(column);
            for cell in column.as_string_opt::<i32>().into_iter().flatten().flatten() {
                text.push_str(cell);
                text.push('\n');
            }
        }
    }
    text
}

fn public() -> Privacy {
    Privacy::Public(Key::from_text("the secret of the tests").unwrap())
}

/// Marks JSON: beside what it holds, so that it stays what it is, or in the place of every text.
fn marked(value: &mut Value, instead: bool, path: &str, next: &mut dyn FnMut(&str) -> String) {
    match value {
        Value::String(text) if instead => *text = next(path),
        Value::Array(list) => {
            for value in list.iter_mut() {
                marked(value, instead, &format!("{path}[]"), next);
            }
            if !instead {
                list.push(next(&format!("{path}[]")).into());
            }
        }
        Value::Object(members) => {
            members
                .iter_mut()
                .for_each(|(name, value)| marked(value, instead, &format!("{path}.{name}"), next));
            members.insert(format!("unknown {}", next(path)), next(path).into());
        }
        _ => {}
    }
}

/// Texts of which the service knows what they say; marked, they would be of no use.
fn is_code(place: &str) -> bool {
    let codes = [
        "conferences.summary_status",
        "connections.type",
        "connections.state",
        "tracks.kind",
        "tracks.direction",
        "issues.type",
        "issues.code",
        "events.type",
        "events.category",
        "samples.report",
        "samples.kind",
        "samples.media_type",
        "samples.state",
        "samples.quality_limitation_reason",
        "samples.local_candidate_type",
        "samples.local_protocol",
        "samples.local_relay_protocol",
        "samples.local_network_type",
        "samples.remote_candidate_type",
        "samples.remote_protocol",
        "samples.mid",
    ];
    codes.contains(&place)
}

/// What the documentation says that a public site shows of a plain short text.
fn is_short(place: &str) -> bool {
    let columns = [
        "sessions.app_version",
        "samples.mime_type",
        "samples.encoder_implementation",
        "samples.decoder_implementation",
    ];
    let platform = place.strip_prefix("sessions.platform.").is_some_and(|path| {
        [
            "browser.name",
            "browser.version",
            "browser.major",
            "engine.name",
            "engine.version",
            "os.name",
            "os.version",
            "cpu.architecture",
        ]
        .contains(&path)
    });
    columns.contains(&place) || platform
}

/// A snapshot with marks, and where each stands.
pub(crate) fn canary(folder: &Path, instead: bool) -> (Snapshot, Vec<String>) {
    let mut places: Vec<String> = Vec::new();
    let mut last = BTreeMap::new();
    let snapshot = snapshot(folder, |place, kind, text| {
        let mut next = |place: &str| {
            places.push(place.to_owned());
            mark(places.len() - 1)
        };
        match kind {
            "json" => {
                let mut value: Value = serde_json::from_str(text).unwrap();
                marked(&mut value, instead, place, &mut next);
                value.to_string()
            }
            _ if is_code(place) => text.to_owned(),
            _ if instead => next(place),
            // Ids of streams have to stay the same from poll to poll.
            _ => last.entry((place.to_owned(), text.to_owned())).or_insert_with(|| next(place)).clone(),
        }
    });
    (snapshot, places)
}

/// The places of the marks in a site.
fn found(site: &BTreeMap<String, String>, places: &[String]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (path, text) in site {
        for number in marks(text) {
            if let Some(place) = places.get(number) {
                found.entry(place.clone()).or_insert_with(|| path.clone());
            }
        }
    }
    found
}

#[test]
fn a_public_site_has_no_mark_but_those_of_short_names_of_software() {
    let folder = quick_folder();
    for instead in [false, true] {
        let (snapshot, places) = canary(&folder.path().join(instead.to_string()), instead);
        let site = texts(&snapshot, &public(), Only::default());
        let found = found(&site, &places);
        let leaked: Vec<_> = found.iter().filter(|(place, _)| !is_short(place)).collect();
        assert!(leaked.is_empty(), "{leaked:?}");
        // What is to be there is, or the search finds nothing because it is blind.
        assert!(found.contains_key("sessions.app_version"), "{found:?}");
        assert_eq!(found.contains_key("sessions.platform.browser.name"), instead, "{found:?}");
        let all: String = site.values().map(String::as_str).collect();
        for kind in ["participant", "room", "app", "organization"] {
            assert!(all.contains(&format!(">{kind}-")), "no pseudonym of a {kind}");
        }
        // The same marks are found where they are shown.
        let full = self::found(&texts(&snapshot, &Privacy::Full, Only::default()), &places);
        for place in [
            "participants.participant_name",
            "participants.participant_id",
            "conferences.conference_id",
            "conferences.conference_name",
            "organizations.name",
            "apps.name",
            "apps.domain",
            "sessions.metadata",
            "sessions.devices[]",
            "sessions.geo_ip",
            "sessions.platform",
            "tracks.label",
            "samples.local_address",
            "samples.remote_address",
            "samples.track_identifier",
            "issues.data",
            "events.data",
            "events.data.localDescription",
            "events.data.peerConfiguration.iceServers[]",
            "connections.connection_info",
        ] {
            assert!(
                full.contains_key(place),
                "{place} is not in a full site: {:?}",
                full.keys().collect::<Vec<_>>()
            );
        }
        if instead {
            for place in ["sessions.devices[].label", "sessions.geo_ip.city", "events.data.candidate"] {
                assert!(full.contains_key(place), "{place}: {:?}", full.keys().collect::<Vec<_>>());
            }
        }
        let internal = self::found(&texts(&snapshot, &Privacy::Internal, Only::default()), &places);
        for place in [
            "participants.participant_name",
            "conferences.conference_name",
            "tracks.label",
            "sessions.metadata",
        ] {
            assert!(internal.contains_key(place), "{place} is not in an internal site");
        }
    }
}

/// All UUIDs in a text.
fn uuids(text: &str) -> impl Iterator<Item = &str> {
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.match_indices('-').filter_map(move |(at, _)| {
        let uuid = text.get(at.checked_sub(8)?..at + 28)?;
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        (lengths == [8, 4, 4, 4, 12] && uuid.split('-').all(is_hex)).then_some(uuid)
    })
}

#[test]
fn a_site_of_each_profile_is_whole_and_valid_and_names_its_profile() {
    let folder = quick_folder();
    // One event is damaged.
    let mut damaged = 0;
    let snapshot = snapshot(folder.path(), |place, _, text| {
        damaged += usize::from(place == "events.data");
        if place == "events.data" && damaged == 1 { "{\"zq000001w".to_owned() } else { text.to_owned() }
    });
    for privacy in [Privacy::Full, Privacy::Internal, public()] {
        let name = privacy.profile().name();
        let output = folder.path().join(name);
        let options = SiteOptions { privacy: privacy.clone(), ..SiteOptions::default() };
        for (path, bytes) in memory::site(&snapshot, &options) {
            let place = output.join(&path);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            if place.extension().is_some_and(|end| end == "html") && !path.starts_with("embed/") {
                let text = String::from_utf8_lossy(&bytes);
                assert!(text.contains(&format!("Privacy profile: {name}<")), "{path}");
            }
            std::fs::write(place, bytes).unwrap();
        }
        let mut outcome = check::Outcome::default();
        check::site(&output, &mut outcome).unwrap();
        assert_eq!(outcome.problems, Vec::<String>::new(), "{name}");
        let quality = std::fs::read_to_string(output.join("data-quality.html")).unwrap();
        assert_eq!(quality.contains("cannot be read, and is withheld"), privacy != Privacy::Full, "{name}");
        // Each kind says what was done about it, before the rows.
        let kinds: Vec<&str> = quality.split("<section><h2>").skip(1).collect();
        assert_eq!(kinds.is_empty(), privacy == Privacy::Full, "{name}");
        for kind in kinds {
            let treatment =
                kind.split("<details").next().and_then(|head| head.split("<p class=\"muted\">").nth(1));
            assert!(
                treatment.is_some_and(|text| text.contains(". ") || text.contains(".</p>")),
                "{name}: {kind}"
            );
        }
        let meta: Value =
            serde_json::from_slice(&std::fs::read(output.join("api/v1/meta.json")).unwrap()).unwrap();
        assert_eq!((&meta["privacy"], meta["database"].is_null()), (&name.into(), name == "public"));
    }
}

#[test]
fn a_public_site_has_no_id_of_the_database_and_the_same_pseudonyms_in_every_build() {
    let folder = quick_folder();
    let snapshot = snapshot(folder.path(), |_, _, text| text.to_owned());
    let full = texts(&snapshot, &Privacy::Full, Only::default());
    let ids: BTreeSet<&str> = full.values().flat_map(|text| uuids(text)).collect();
    assert!(ids.len() > 1000, "{}", ids.len());
    let site = texts(&snapshot, &public(), Only::default());
    let mut pseudonyms = 0;
    for (path, text) in &site {
        for id in uuids(text) {
            assert!(!ids.contains(id), "{id} in {path}");
            pseudonyms += 1;
        }
    }
    assert!(pseudonyms > 1000);
    assert!(site == texts(&snapshot, &public(), Only::default()));
    let other = Privacy::Public(Key::from_text("another secret of the tests").unwrap());
    let other = texts(&snapshot, &other, Only::default());
    let conferences = |site: &BTreeMap<String, String>| -> Vec<String> {
        site.keys().filter(|path| path.starts_with("conference/")).cloned().collect()
    };
    assert_eq!(conferences(&site).len(), conferences(&full).len());
    assert!(conferences(&site).iter().all(|path| !other.contains_key(path)));
}

/// Puts addresses and credentials of which each is unlike all others into every text.
fn with_addresses(value: &mut Value, next: &mut dyn FnMut() -> usize, secrets: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let secret = |next: &mut dyn FnMut() -> usize, secrets: &mut Vec<String>| {
                secrets.push(mark(next()));
                secrets.last().unwrap().clone()
            };
            if text.starts_with("v=0") {
                let lines = text.lines().map(|line| match line.split_once(':') {
                    Some((name @ ("a=ice-ufrag" | "a=ice-pwd"), _)) => {
                        format!("{name}:{}", secret(next, secrets))
                    }
                    Some(("a=fingerprint", _)) => format!("a=fingerprint:sha-256 {}", secret(next, secrets)),
                    _ if line.starts_with("c=IN IP4") => {
                        let (a, b) = address(next());
                        secrets.push(a.clone());
                        secrets.push(b.clone());
                        format!(
                            "c=IN IP4 {a}\r\na=candidate:1 1 udp 7 {b} 9 typ host ufrag {}",
                            secret(next, secrets)
                        )
                    }
                    _ => line.to_owned(),
                });
                *text = lines.collect::<Vec<_>>().join("\r\n") + "\r\n";
            } else {
                let (a, b) = address(next());
                *text = format!("{text} {a} [{b}]:80");
                secrets.extend([a, b]);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| with_addresses(value, next, secrets)),
        Value::Object(members) => {
            members.values_mut().for_each(|value| with_addresses(value, next, secrets));
            for name in ["usernameFragment", "credential", "password", "icePwd", "apiKey"] {
                secrets.push(mark(next()));
                members.insert(name.to_owned(), secrets.last().unwrap().as_str().into());
            }
            if members.contains_key("urls") {
                secrets.push(mark(next()));
                members.insert("username".to_owned(), secrets.last().unwrap().as_str().into());
            }
        }
        _ => {}
    }
}

/// The n-th address of either family.
fn address(number: usize) -> (String, String) {
    let (a, b, c) = (number / 62_500, number / 250 % 250, number % 250 + 1);
    (format!("11.{a}.{b}.{c}"), format!("2001:db8:{a:x}:{b:x}::{c:x}"))
}

#[test]
fn an_internal_site_has_no_whole_address_and_no_credential_wherever_they_stood() {
    let folder = quick_folder();
    let (mut count, mut secrets) = (0, Vec::new());
    let mut next = || {
        count += 1;
        count
    };
    let snapshot = snapshot(folder.path(), |place, kind, text| match kind {
        // States are texts by themselves, and versions are no addresses.
        "json" if text.starts_with('"') || place == "sessions.platform" => text.to_owned(),
        "json" => {
            let mut value: Value = serde_json::from_str(text).unwrap();
            with_addresses(&mut value, &mut next, &mut secrets);
            value.to_string()
        }
        _ if is_code(place) || place == "sessions.app_version" => text.to_owned(),
        _ => {
            let (a, b) = address(next());
            let address = if next() % 2 == 0 { a } else { b };
            secrets.push(address.clone());
            if place.ends_with("_address") { address } else { format!("{text} {address}") }
        }
    });
    let secrets: BTreeSet<&str> = secrets.iter().map(String::as_str).collect();
    let found = |site: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for (path, text) in site {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':');
            // An IPv6 address is a whole word; other secrets may stand behind a colon.
            let words = text.split(|c| !is_part(c)).map(|word| word.trim_matches([':', '.']));
            for word in words.flat_map(|word| std::iter::once(word).chain(word.split(':'))) {
                if secrets.contains(word) {
                    found.insert(word.to_owned(), path.clone());
                }
            }
        }
        found
    };
    let internal = texts(&snapshot, &Privacy::Internal, Only::default());
    let leaked = found(&internal);
    assert!(
        leaked.is_empty(),
        "{} of {}: {:?}",
        leaked.len(),
        secrets.len(),
        leaked.iter().take(9).collect::<Vec<_>>()
    );
    let all: String = internal.values().map(String::as_str).collect();
    for shown in [
        "11.0.0.0",
        "11.0.3.0",
        "2001:db8::",
        "a=ice-pwd:(withheld)",
        "a=ice-ufrag:withheld-",
        " ufrag withheld-",
    ] {
        assert!(all.contains(shown), "no {shown}");
    }
    // The search is not blind: in a full site it finds nearly all of them.
    let full = found(&texts(&snapshot, &Privacy::Full, Only::default()));
    assert!(full.len() * 10 > secrets.len() * 7, "{} of {}", full.len(), secrets.len());
    let leaked = found(&texts(&snapshot, &public(), Only::default()));
    assert!(leaked.is_empty(), "{:?}", leaked.iter().take(9).collect::<Vec<_>>());
}

#[test]
fn a_site_of_one_tenant_has_no_trace_of_another() {
    let folder = quick_folder();
    let (snapshot, places) = canary(folder.path(), false);
    let globals = snapshot.globals().unwrap();
    let whole = texts(&snapshot, &Privacy::Full, Only::default());
    assert!(globals.organizations.len() > 1 && globals.apps.len() > globals.organizations.len());
    for own in &globals.organizations {
        let by_name = Only { organization: Some(own.name.clone()), app: None };
        let by_id = Only { organization: Some(own.id.to_string()), app: None };
        let site = texts(&snapshot, &Privacy::Full, by_id);
        assert!(site == texts(&snapshot, &Privacy::Full, by_name));
        let apps: Vec<_> =
            globals.apps.iter().filter(|app| app.organization_id == own.id).map(|app| app.id).collect();
        check(&snapshot, &places, &whole, &site, &|app| apps.contains(&app));
    }
    for app in &globals.apps {
        let only = Only { organization: None, app: Some(app.id.to_string()) };
        let site = texts(&snapshot, &Privacy::Full, only);
        check(&snapshot, &places, &whole, &site, &|id| id == app.id);
    }
}

/// That a site has what is of its apps, and nothing of others.
fn check(
    snapshot: &Snapshot,
    places: &[String],
    whole: &BTreeMap<String, String>,
    site: &BTreeMap<String, String>,
    is_own: &dyn Fn(peerpress::ids::AppId) -> bool,
) {
    let numbers = |text: &str| marks(text).collect::<BTreeSet<usize>>();
    let (mut own, mut others) = (BTreeSet::new(), BTreeSet::new());
    let mut ids = BTreeSet::new();
    for part in snapshot.parts() {
        for dossier in snapshot.dossiers(part).unwrap() {
            let dossier = dossier.unwrap();
            let text = format!("{dossier:?}");
            if is_own(dossier.conference.app_id) {
                own.extend(numbers(&text));
            } else {
                others.extend(numbers(&text));
                ids.insert(dossier.conference.id.to_string());
                ids.extend(dossier.sessions.iter().map(|row| row.id.to_string()));
                ids.extend(dossier.events.iter().map(|row| row.id.to_string()));
            }
        }
    }
    let globals = snapshot.globals().unwrap();
    for row in &globals.participants {
        let text = format!("{row:?}");
        if is_own(row.app_id) {
            own.extend(numbers(&text));
        } else {
            others.extend(numbers(&text));
            ids.insert(row.id.to_string());
        }
    }
    for row in globals.apps.iter().filter(|row| !is_own(row.id)) {
        others.extend(numbers(&format!("{row:?}")));
        ids.insert(row.id.to_string());
        let organization = globals.organizations.iter().find(|of| of.id == row.organization_id).unwrap();
        if !globals.apps.iter().any(|app| app.organization_id == organization.id && is_own(app.id)) {
            others.extend(numbers(&organization.name));
            ids.insert(organization.id.to_string());
        }
    }
    let (_, meta) = site["api/v1/meta.json"].split_once('\n').unwrap();
    let meta: Value = serde_json::from_str(meta).unwrap();
    let conferences = snapshot.parts().iter().flat_map(|part| snapshot.table::<ConferenceRow>(part).unwrap());
    let count = conferences.filter(|row| is_own(row.app_id)).count();
    assert_eq!((&meta["rows"]["conferences"], &meta["rows"]["events"]), (&count.into(), &Value::Null));
    assert_eq!(meta["database"], Value::Null);
    // A text that both have, such as a version, is no trace.
    others.retain(|number| !own.contains(number));
    let in_site: BTreeSet<usize> = site.values().flat_map(|text| marks(text)).collect();
    let in_whole: BTreeSet<usize> = whole.values().flat_map(|text| marks(text)).collect();
    let traces: Vec<_> = in_site.intersection(&others).map(|number| &places[*number]).collect();
    assert!(traces.is_empty(), "{:?}", traces.iter().take(9).collect::<Vec<_>>());
    assert!(
        in_whole.intersection(&others).count() > 100,
        "the other tenants' marks are not in the whole site"
    );
    assert_eq!(
        in_whole
            .intersection(&own)
            .filter(|number| !in_site.contains(number))
            .map(|number| &places[*number])
            .collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "marks of the tenant's own are missing"
    );
    for (path, text) in site {
        for id in uuids(text) {
            assert!(!ids.contains(id), "{id} in {path}");
        }
    }
}
