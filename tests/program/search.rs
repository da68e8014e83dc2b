//! The search index of a large site: how much of it a query loads.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::process::Command;

use crate::support::{quick_folder, say};
use peerpress::site::search_index::{Item, Kind, SHELF, files};
use peerpress::units::Timestamp;
use uuid::Uuid;

/// Draws that are the same in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, count: usize) -> usize {
        // Of Knuth's linear congruential generator the upper half.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize * count) >> 31
    }

    fn pick<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }

    fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        bytes.fill_with(|| self.below(256) as u8);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A family's name of two to four syllables; some 20,000 different ones, short ones more often.
    fn family(&mut self) -> String {
        let starts =
            ["Po", "Mü", "Gar", "No", "O'Con", "Pa", "Ros", "Sil", "Ta", "Kow", "Ber", "Lef", "Wan", "Ște"];
        let middles = ["pe", "ll", "cí", "wa", "no", "te", "si", "va", "na", "al", "gi", "èv", "ji", "fă"];
        let ends = ["scu", "er", "a", "k", "r", "l", "ni", "ka", "ski", "sen", "son", "ova", "ez", "dis"];
        let mut name = self.pick(&starts).to_owned();
        for _ in 0..=self.below(2) {
            name.push_str(self.pick(&middles));
        }
        name + self.pick(&ends)
    }
}

const GIVEN: [&str; 24] = [
    "Ana", "Bogdan", "Chloé", "Dmitri", "Emre", "Fatima", "George", "Hannah", "Ioana", "Jürgen", "Kwame",
    "Lucía", "Mihai", "Noor", "Oisín", "Priya", "Søren", "Tomás", "Vera", "Wanjiru", "Ximena", "Yasmin",
    "Zoltán", "Анна",
];
const TOPICS: [&str; 14] = [
    "Stand-up",
    "Design review",
    "Weekly sync",
    "Interview",
    "Check-up",
    "Retro",
    "Office hours",
    "朝会",
    "Klavierstunde",
    "Séance de suivi",
    "Планёрка",
    "Board meeting",
    "Lesson 12",
    "1:1",
];

/// So many conferences of a year in five apps, and 0.6 participants for each.
fn world(conferences: usize) -> Vec<Item<'static>> {
    let mut draws = Draws(7);
    let start = Timestamp::parse("2025-11-24T00:00:00Z").unwrap();
    let item = |draws: &mut Draws, kind, name: String, given_id: String, place: &'static str| Item {
        kind,
        id: draws.uuid(),
        name: name.into(),
        given_id: given_id.into(),
        created_at: start.plus_seconds(draws.below(31_536_000) as f64),
        place,
    };
    let apps = ["Telehealth", "Classroom", "Sales calls", "Support", "Interviews"];
    let mut items =
        vec![item(&mut draws, Kind::Organization, "Example Health".to_owned(), String::new(), "")];
    for app in apps {
        items.push(item(&mut draws, Kind::App, app.to_owned(), String::new(), "Example Health"));
    }
    for ordinal in 0..conferences {
        let topic = draws.pick(&TOPICS);
        let id = match draws.below(10) {
            0..4 => draws.uuid().to_string(),
            4..7 => format!("room-{:06x}-{ordinal}", draws.below(1 << 24)),
            7 | 8 => ordinal.to_string(),
            _ => format!("{topic}/{ordinal}?x=1&y=\"2\""),
        };
        let (name, id) = if draws.below(10) < 7 { (topic.to_owned(), id) } else { (id, String::new()) };
        let place = draws.pick(&apps);
        items.push(item(&mut draws, Kind::Conference, name, id, place));
    }
    for ordinal in 0..conferences * 6 / 10 {
        let given = draws.pick(&GIVEN);
        let id = match draws.below(10) {
            0..6 => format!("user-{ordinal}"),
            6 | 7 => draws.uuid().to_string(),
            8 => format!("{}{ordinal}@example.org", given.to_lowercase()),
            _ => format!("</script>{ordinal}"),
        };
        let name = match draws.below(10) {
            0..7 => format!("{given} {}", draws.family()),
            7 => given.to_owned(),
            8 => "陈晓明".to_owned(),
            _ => String::new(),
        };
        let (name, id) = if name.is_empty() { (id, name) } else { (name, id) };
        let place = draws.pick(&apps);
        items.push(item(&mut draws, Kind::Participant, name, id, place));
    }
    items
}

/// No query loads more than so many files of each sort: `assets/js/search/find.js` has the limits.
#[test]
fn no_file_of_a_large_index_is_large() {
    for conferences in [1000, 20_000] {
        let files = files(world(conferences));
        for file in &files {
            let limit = if file.name == "index" { 30_000 } else { SHELF + SHELF / 4 };
            assert!(file.script.len() <= limit, "{} has {} bytes", file.name, file.script.len());
        }
    }
}

/// A word with one error: a letter left out, put in, changed, or swapped with the next one, anywhere.
fn misspelt(draws: &mut Draws, word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = draws.below(letters.len() - 1);
    match draws.below(4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, 'q'),
        2 => letters[at] = 'q',
        _ => letters.swap(at, at + 1),
    }
    letters.into_iter().collect()
}

/// What readers ask for: a sort, the query, and the name or id that has to be among the results, if one has to.
fn queries(items: &[Item<'_>]) -> Vec<(&'static str, String, Option<String>)> {
    let mut draws = Draws(11);
    let conferences: Vec<&Item<'_>> = items.iter().filter(|item| item.kind == Kind::Conference).collect();
    let people: Vec<&Item<'_>> = items.iter().filter(|item| item.kind == Kind::Participant).collect();
    let mut queries = Vec::new();
    for _ in 0..40 {
        let conference = conferences[draws.below(conferences.len())];
        let id = if conference.given_id.is_empty() { &*conference.name } else { &*conference.given_id };
        let name = conference.name.to_string();
        queries.push(("id of a conference", id.to_owned(), Some(id.to_owned())));
        queries.push(("name and id", format!("{} {id}", conference.name), Some(id.to_owned())));
        let day = conference.created_at.day();
        queries.push(("name of a conference", name.clone(), Some(name.clone())));
        queries.push(("name and day", format!("{} {day}", conference.name), Some(name.clone())));
        let person = people[draws.below(people.len())];
        queries.push(("name of a participant", person.name.to_string(), Some(person.name.to_string())));
        let beginning = |letters: usize| person.name.chars().take(letters).collect::<String>();
        for letters in [1, 2, 3, 5] {
            queries.push(("a few letters", beginning(letters), None));
        }
        if !person.given_id.is_empty() {
            queries.push((
                "id of a participant",
                person.given_id.to_string(),
                Some(person.given_id.to_string()),
            ));
        }
        if let Some((given, family)) = person.name.split_once(' ').filter(|(_, family)| family.len() > 5) {
            queries.push(("the other way round", format!("{family} {given}"), Some(person.name.to_string())));
            let wrong = misspelt(&mut draws, &family.to_lowercase());
            queries.push(("family name, one error", wrong.clone(), None));
            queries.push(("name, one error", format!("{given} {wrong}"), Some(person.name.to_string())));
            let wrong = misspelt(&mut draws, &wrong);
            let given = if given.len() > 4 { misspelt(&mut draws, given) } else { given.to_owned() };
            // More errors than a short word may have: about the bytes alone.
            queries.push(("name, an error in each", format!("{given} {wrong}"), None));
        }
        if id.starts_with("room") {
            let wrong = misspelt(&mut draws, &id[5..11]);
            queries.push(("id, one error", format!("room-{wrong}"), Some(id.to_owned())));
        } else if id.len() == 36 {
            let wrong = misspelt(&mut draws, &id[..8]) + &id[8..];
            queries.push(("id, one error", wrong, Some(id.to_owned())));
        }
    }
    for (query, name) in [
        ("tlehealth", "Telehealth"),
        ("clasroom", "Classroom"),
        ("exmaple haelth", "Example Health"),
        ("slaes calls", "Sales calls"),
        ("xtandup", ""),
        ("tsand-up", "Stand-up"),
        ("klavirstude", "Klavierstunde"),
        ("взвешу", ""),
        ("планерка", "Планёрка"),
        ("朝会", "朝会"),
        ("晓明", "陈晓明"),
        ("stunde", "Klavierstunde"),
        ("zzzzzz qqqqqq", ""),
        ("oconnor", ""),
        ("user usre user-", ""),
        ("<script>alert(1)</script>", ""),
        ("\u{2028}", ""),
        ("the quick brown fox jumps over the lazy dog", ""),
    ] {
        queries.push(("by hand", query.to_owned(), Some(name.to_owned()).filter(|name| !name.is_empty())));
    }
    queries
}

/// `CONFERENCES=10000 cargo test --test program search` says what other sizes of sites come to.
#[test]
fn a_first_query_on_a_site_of_a_hundred_thousand_conferences_loads_a_hundred_kilobytes_at_most() {
    if Command::new("node").arg("--version").output().is_err() {
        let required = std::env::var_os("PEERPRESS_REQUIRE_BROWSER").is_some_and(|value| value == "1");
        assert!(!required, "Node is missing, and PEERPRESS_REQUIRE_BROWSER=1 asks for it");
        return say("left out: a first query on a site of a hundred thousand conferences needs Node");
    }
    let wanted = std::env::var("CONFERENCES").ok();
    let conferences = wanted.as_ref().map_or(100_000, |text| text.parse().unwrap());
    let items = world(conferences);
    let queries = queries(&items);
    assert!(queries.len() > 400);
    let folder = quick_folder();
    let files = files(items);
    for file in &files {
        std::fs::write(folder.path().join(format!("{}.js", file.name)), &file.script).unwrap();
    }
    let list = folder.path().join("queries.json");
    std::fs::write(&list, serde_json::to_vec(&queries).unwrap()).unwrap();
    let output = Command::new("node")
        .arg("tests/browser/queries.mjs")
        .env("INDEX", folder.path())
        .env("QUERIES", &list)
        .env("LIMIT", "100")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let bytes: usize = files.iter().map(|file| file.script.len()).sum();
    let said = format!("{} files, {bytes} bytes\n{}", files.len(), text(&output.stdout));
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    if wanted.is_some() {
        say(&said);
    }
}
