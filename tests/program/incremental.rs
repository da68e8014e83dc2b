//! A build on top of a former one gives what a clean build gives, and writes exactly the files that differ.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use peerpress::ids::{ConferenceId, EventId, ParticipantId, SessionId};
use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::snapshot::{Globals, Json, PartRows, ParticipantRow, Snapshot, SnapshotWriter};
use peerpress::units::{Day, Timestamp};
use uuid::Uuid;

use crate::support::quick_folder;

/// All rows of a snapshot, by day and piece.
#[derive(Clone)]
pub(super) struct Data {
    pub(super) globals: Globals,
    pub(super) parts: BTreeMap<(String, usize), PartRows>,
    pub(super) taken_at: Timestamp,
}

impl Data {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let parts = snapshot.parts().iter().map(|part| {
            let rows = PartRows {
                conferences: snapshot.table(part).unwrap(),
                sessions: snapshot.table(part).unwrap(),
                connections: snapshot.table(part).unwrap(),
                tracks: snapshot.table(part).unwrap(),
                issues: snapshot.table(part).unwrap(),
                events: snapshot.table(part).unwrap(),
                samples: snapshot.table(part).unwrap(),
            };
            ((part.day.clone(), part.piece), rows)
        });
        Self { globals: snapshot.globals().unwrap(), parts: parts.collect(), taken_at: snapshot.instant() }
    }

    fn write(&self, target: &Path) {
        self.write_as(target, "test");
    }

    pub(super) fn write_as(&self, target: &Path, database: &str) {
        let writer = SnapshotWriter::create(target).unwrap();
        for ((day, piece), rows) in &self.parts {
            let mut rows = rows.clone();
            rows.finish();
            writer.write_part(Day::parse(day).unwrap(), *piece, &rows).unwrap();
        }
        writer.finish(&self.globals, self.taken_at, database).unwrap();
    }

    fn first(&mut self) -> &mut PartRows {
        self.parts.values_mut().next().unwrap()
    }

    /// Takes the first conference of the first part out of it, with its rows.
    fn take_one(&mut self) -> PartRows {
        let rows = self.first();
        let conference = rows.conferences.remove(0);
        let id = conference.id;
        let mut taken = PartRows { conferences: vec![conference], ..PartRows::default() };
        macro_rules! take {
            ($($field:ident: $key:ident),*) => {$(
                taken.$field = rows.$field.extract_if(.., |row| row.$key == id).collect();
            )*};
        }
        take!(
            sessions: conference_id, connections: conference_id, tracks: conference_id, issues: in_conference_id,
            events: conference_id, samples: conference_id
        );
        taken
    }
}

/// Adds one part's rows to another's.
fn add(into: &mut PartRows, from: PartRows) {
    into.conferences.extend(from.conferences);
    into.sessions.extend(from.sessions);
    into.connections.extend(from.connections);
    into.tracks.extend(from.tracks);
    into.issues.extend(from.issues);
    into.events.extend(from.events);
    into.samples.extend(from.samples);
}

/// Runs the program; what it said, if it failed.
fn peerpress(folder: &Path, args: &[&str], job_index: Option<usize>) -> Result<(), String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerpress"));
    command.current_dir(folder).env_clear().arg("--quiet").args(args);
    if let Some(index) = job_index {
        command.env("JOB_COMPLETION_INDEX", index.to_string());
    }
    let ran = command.output().unwrap();
    if ran.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ran.stderr).into_owned()) }
}

pub(super) fn build(folder: &Path, site: &str) {
    let args = ["build", "--from", "snapshot", "--output", site, "--threads", "2"];
    peerpress(folder, &args, None).unwrap();
}

/// Bytes and time of every file.
fn files(site: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let entries = walkdir::WalkDir::new(site).into_iter().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(site).unwrap().to_str().unwrap().to_owned();
            (name, (fs::read(entry.path()).unwrap(), entry.metadata().unwrap().modified().unwrap()))
        })
        .collect()
}

/// A change of the data, and whether pages change with it.
type Change = (&'static str, fn(&mut Data), bool);

const CHANGES: [Change; 11] = [
    ("nothing", |_| (), false),
    (
        "a day cut into two pieces",
        |data| {
            let one = data.take_one();
            let ((day, piece), _) = data.parts.first_key_value().unwrap();
            let key = (day.clone(), piece + 1);
            data.parts.insert(key, one);
        },
        false,
    ),
    (
        "a participant renamed",
        |data| {
            let id = data.first().sessions[0].participant_id;
            let row = data.globals.participants.iter_mut().find(|row| row.id == id).unwrap();
            row.participant_name = Some("Renamed <b>&".to_owned());
        },
        true,
    ),
    ("an app renamed", |data| "Renamed".clone_into(&mut data.globals.apps[0].name), true),
    (
        "a late event of an old conference",
        |data| {
            let rows = data.first();
            let mut event = rows.events[0].clone();
            event.id = EventId(Uuid::from_u128(7));
            "custom".clone_into(&mut event.r#type);
            event.data = Some(Json("{\"late\":true}".to_owned()));
            rows.events.push(event);
        },
        true,
    ),
    (
        "a conference deleted",
        |data| {
            data.take_one();
        },
        true,
    ),
    (
        "a conference created on another day, as a clock had it",
        |data| {
            let mut one = data.take_one();
            let day = data.parts.last_key_value().unwrap().0.0.clone();
            one.conferences[0].created_at = Day::parse(&day).unwrap().start();
            add(data.parts.values_mut().next_back().unwrap(), one);
        },
        true,
    ),
    ("a later snapshot", |data| data.taken_at = data.taken_at.plus_seconds(86_400.0), true),
    (
        "a late call of an old conference",
        |data| {
            let rows = data.first();
            let mut session = rows.sessions[0].clone();
            session.id = SessionId(Uuid::from_u128(8));
            let from = session.created_at.plus_seconds(2.0 * 3600.0);
            (session.created_at, session.end_time) = (from, Some(from.plus_seconds(300.0)));
            rows.sessions.push(session);
        },
        true,
    ),
    ("a later month", |data| data.taken_at = data.taken_at.plus_seconds(40.0 * 86_400.0), true),
    ("stats cleaned up", |data| data.parts.values_mut().next_back().unwrap().samples.clear(), true),
];

/// A small snapshot of several days of two months, and its rows.
pub(super) fn small(place: &Path) -> Data {
    seeded(place, 12, 3)
}

/// A snapshot of 3 December, and its rows.
fn seeded(place: &Path, conferences: usize, days: u32) -> Data {
    let end = Timestamp::parse("2026-12-03 12:00:00").unwrap();
    let options = SeedOptions { conferences, days, seed: 4, end, short: false };
    write_snapshot(&plan(&options), &place.join("snapshot"), &|_| ()).unwrap();
    Data::of(&Snapshot::open(&place.join("snapshot")).unwrap())
}

/// The bytes of every file, but for the state of a slice.
pub(super) fn bytes_of(site: &Path) -> BTreeMap<String, Vec<u8>> {
    files(site).into_iter().map(|(path, (bytes, _))| (path, bytes)).collect()
}

#[test]
fn slices_become_the_site_that_one_build_makes() {
    let folder = quick_folder();
    let place = folder.path();
    let mut data = small(place);
    build(place, "whole");
    let whole = bytes_of(&place.join("whole"));
    for of in [1, 2, 7] {
        let mut slices = Vec::new();
        for index in 0..of {
            let output = format!("slice-{}-of-{of}", index + 1);
            // As a person names it, and as an indexed job does.
            let named = if index % 2 == 0 { format!("{}/{of}", index + 1) } else { of.to_string() };
            let args = ["build", "--from", "snapshot", "--shard", &named, "--output", &output];
            peerpress(place, &args, Some(index)).unwrap();
            slices.push(output);
        }
        let site = format!("merged-{of}");
        let mut args = vec!["merge", "--from", "snapshot", "--output", &site];
        args.extend(slices.iter().map(String::as_str));
        peerpress(place, &args, None).unwrap();
        let merged = bytes_of(&place.join(&site));
        let differing: Vec<&String> =
            whole.keys().chain(merged.keys()).filter(|path| whole.get(*path) != merged.get(*path)).collect();
        assert!(differing.is_empty(), "{of} slices: {differing:?}");
    }
    let merge = |slices: &[&str]| {
        let args = [&["merge", "--from", "snapshot", "--output", "site"], slices].concat();
        peerpress(place, &args, None).unwrap_err()
    };
    assert!(merge(&["slice-1-of-2"]).contains("not all slices"), "one is missing");
    assert!(merge(&["slice-1-of-2", "slice-1-of-2"]).contains("not all slices"), "one is given twice");
    assert!(merge(&["whole"]).contains("no finished slice"), "a whole site");
    data.globals.apps[0].name.push('!');
    data.write(&place.join("snapshot"));
    assert!(merge(&["slice-1-of-2", "slice-2-of-2"]).contains("other data"), "another snapshot");
    assert!(!place.join("site/index.html").exists());
}

#[test]
fn whatever_changed_the_site_is_that_of_a_clean_build() {
    let folder = quick_folder();
    let place = folder.path();
    let data = small(place);
    assert!(data.parts.len() > 1 && data.parts.values().next().unwrap().conferences.len() > 1);
    data.write(&place.join("snapshot"));
    build(place, "site");
    for (what, change, changes) in CHANGES {
        let mut changed = data.clone();
        change(&mut changed);
        // Each change comes to the site of the one before it; and the clean one from nothing.
        let written = written_by(place, &changed, what);
        assert_eq!(!written.is_empty(), changes, "{what}: {written:?}");
    }
}

/// Builds the data onto the site that is there, which has to become that of a clean build; gives what was written, which has to
/// be what differs.
fn written_by(place: &Path, data: &Data, what: &str) -> Vec<String> {
    data.write(&place.join("snapshot"));
    let before = files(&place.join("site"));
    build(place, "site");
    let after = files(&place.join("site"));
    build(place, "clean");
    let (of_after, of_clean) = (bytes_of(&place.join("site")), bytes_of(&place.join("clean")));
    let differing: Vec<&String> = of_after
        .keys()
        .chain(of_clean.keys())
        .filter(|path| of_after.get(*path) != of_clean.get(*path))
        .collect();
    assert!(differing.is_empty(), "{what}: {differing:?}");
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
        after.keys().filter(|path| wanted(path)).cloned().collect()
    };
    let bytes_differ =
        of(&|path| before.get(path).map(|file| &file.0) != after.get(path).map(|file| &file.0));
    let written = of(&|path| before.get(path).map(|file| file.1) != after.get(path).map(|file| file.1));
    assert_eq!(written, bytes_differ, "{what}");
    for gone in ["clean", ".peerpress-clean"] {
        fs::remove_dir_all(place.join(gone)).unwrap();
    }
    written
}

/// The groups of the search index, by the units that have their files.
fn groups(place: &Path) -> Vec<String> {
    let units = fs::read_dir(place.join(".peerpress-site/units")).unwrap();
    let names = units.map(|unit| unit.unwrap().file_name().into_string().unwrap());
    let mut groups: Vec<String> = names.filter(|name| name.starts_with("search-")).collect();
    groups.sort();
    groups
}

#[test]
fn names_that_come_go_and_change_leave_the_search_of_a_clean_build() {
    let folder = quick_folder();
    let place = folder.path();
    let mut data = small(place);
    data.parts.clear();
    let app = data.globals.apps[0].id;
    data.globals.participants = (0..120_u128)
        .map(|at| ParticipantRow {
            id: ParticipantId(Uuid::from_u128(at)),
            app_id: app,
            participant_name: Some(format!(
                "{} Smith of Schleswig-Holstein",
                ["Ana", "Bo", "Zoe"][at as usize % 3]
            )),
            is_active: true,
            ..ParticipantRow::default()
        })
        .collect();
    data.write(&place.join("snapshot"));
    build(place, "site");
    let name = |letter: char| format!("search-{:x}", u32::from(letter));
    let own = groups(place);
    assert!([name('s'), "search-words".to_owned()].iter().all(|name| own.contains(name)), "{own:?}");
    let searched = |written: &[String]| -> Vec<String> {
        let names = written.iter().filter_map(|path| path.strip_prefix("search/")?.strip_suffix(".js"));
        names.map(str::to_owned).collect()
    };
    data.globals.participants[0].participant_name = Some("Mia Müller".to_owned());
    let written = searched(&written_by(place, &data, "one that goes from three groups to another"));
    assert!(written.iter().any(|name| name.starts_with('w')), "{written:?}");
    data.globals.participants[0].participant_name = Some("Mia Müller-Ana".to_owned());
    let written = searched(&written_by(place, &data, "one word more, known before"));
    assert!(!written.is_empty() && !written.iter().any(|name| name.starts_with('w')), "{written:?}");
    let mut more = data.globals.participants[1].clone();
    (more.id, more.participant_name) = (ParticipantId(Uuid::from_u128(900)), Some("Ωmega".to_owned()));
    data.globals.participants.push(more);
    written_by(place, &data, "one with a letter that none had");
    let sums = |place: &Path| -> Vec<PathBuf> {
        let parts =
            fs::read_dir(place.join(".peerpress-site/parts")).unwrap().map(|file| file.unwrap().path());
        parts.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("sums-search")).collect()
    };
    assert_eq!(sums(place).len(), groups(place).len());
    for path in sums(place) {
        fs::remove_file(path).unwrap();
    }
    data.globals.participants.remove(1);
    written_by(place, &data, "one less, where nobody knows where shelves begin");
    data.globals
        .participants
        .retain(|row| row.participant_name.as_deref() != Some("Zoe Smith of Schleswig-Holstein"));
    written_by(place, &data, "all of a letter less");
    data.globals.participants.truncate(20);
    written_by(place, &data, "so few that they are one shelf");
    assert_eq!(groups(place), ["search-0", "search-words"]);
    assert_eq!(sums(place).len(), 2);
    data.globals.participants.clear();
    written_by(place, &data, "nobody");
}

#[test]
fn one_call_more_leaves_alone_what_it_is_not_about() {
    let folder = quick_folder();
    let place = folder.path();
    let mut data = seeded(place, 24, 70);
    data.write(&place.join("snapshot"));
    build(place, "site");
    let before = files(&place.join("site"));
    // Whatever became of the notes.
    fs::write(place.join(".peerpress-site/parts/memo-reports"), "damaged").unwrap();
    let ((day, _), rows) = data.parts.iter_mut().rfind(|(_, rows)| !rows.samples.is_empty()).unwrap();
    let of = rows.samples[0].conference_id;
    let id = ConferenceId(Uuid::from_u128(9));
    macro_rules! again {
        ($($field:ident: $key:ident),*) => {$(
            let mut more: Vec<_> = rows.$field.iter().filter(|row| row.$key == of).cloned().collect();
            for row in &mut more {
                row.$key = id;
            }
            rows.$field.extend(more);
        )*};
    }
    again!(
        conferences: id, sessions: conference_id, connections: conference_id, tracks: conference_id,
        issues: in_conference_id, events: conference_id, samples: conference_id
    );
    // Servers are linked, and have no session.
    let linked = rows.conferences.iter().filter(|row| row.id == id).flat_map(|row| &row.participants);
    let people = linked.chain(rows.sessions.iter().map(|row| &row.participant_id));
    let people: Vec<String> = people.map(ToString::to_string).collect();
    let day = day.clone();
    assert!(day.starts_with("2026-12"), "{day} is of a month that is not over");
    data.write(&place.join("snapshot"));
    build(place, "site");
    build(place, "clean");
    assert_eq!(bytes_of(&place.join("site")), bytes_of(&place.join("clean")));
    let after = files(&place.join("site"));
    let written: Vec<&str> = after
        .iter()
        .filter(|(path, file)| before.get(*path).is_none_or(|old| old.1 != file.1))
        .map(|(path, _)| path.as_str())
        .collect();
    let below = |folder: &str| -> Vec<&str> {
        written
            .iter()
            .filter_map(|path| path.strip_prefix(folder))
            .map(|path| path.trim_end_matches(".html"))
            .collect()
    };
    let conferences = below("conference/");
    assert!(!conferences.is_empty() && conferences.iter().all(|page| page.starts_with(&id.to_string())));
    let pages = below("participant/");
    assert!(!pages.is_empty() && pages.iter().all(|page| people.iter().any(|person| person == page)));
    let lists = below("apps/").into_iter().filter_map(|path| path.split_once("/conferences/"));
    let months: Vec<&str> = lists.map(|(_, month)| month).collect();
    assert!(!months.is_empty() && months.iter().all(|month| month.starts_with("2026-12")), "{months:?}");
    let reports: Vec<&str> = below("reports/");
    // The next day's report has figures of the day before it.
    let next = Day::parse(&day).unwrap().next().to_string();
    let of_the_day = ["2026", "2026-12", "2026-W49", "index", &day, &next];
    assert!(
        reports.contains(&day.as_str()) && reports.iter().all(|name| of_the_day.contains(name)),
        "{reports:?}"
    );
}

#[test]
fn a_site_that_does_not_add_up_is_not_published() {
    let folder = quick_folder();
    let place = folder.path();
    let mut data = small(place);
    data.write(&place.join("snapshot"));
    build(place, "site");
    let former = files(&place.join("site"));
    // A visit of no conference is counted with the rows, but is on no page.
    let mut stray = data.first().sessions[0].clone();
    stray.id = SessionId(Uuid::from_u128(1));
    stray.conference_id = ConferenceId(Uuid::from_u128(2));
    data.first().sessions.push(stray);
    data.write(&place.join("snapshot"));
    let failed = peerpress(place, &["build", "--from", "snapshot", "--output", "site"], None).unwrap_err();
    let said = "error: the site does not add up: sessions: ";
    assert!(failed.contains(said) && failed.contains("\nhint: nothing was published"), "{failed}");
    assert!(files(&place.join("site")) == former, "the former site is as it was");
}
