//! Hostile values in every column and every leaf of JSON of a seeded snapshot. The generator walks the tables' own schemas, so that a
//! new column is hostile from its first day.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::snapshot::{Globals, PartRows, Row, Snapshot, SnapshotWriter};
use peerpress::units::Day;
use serde_json::Value;

use crate::support::quick_folder;

use crate::support::columns::{columns_of, rows_of};

use super::{end, has_extension, is_page, parse, shape, site, tables_hold, text_of};

/// What stands in the place of a value, or `None` to leave it.
trait Hand {
    /// Instead of a text.
    fn text(&mut self, place: &str) -> Option<String>;

    /// Instead of a leaf of JSON.
    fn leaf(&mut self, place: &str, value: &Value) -> Option<Value>;

    /// Beside the members of an object.
    fn member(&mut self, _place: &str) -> Option<(String, Value)> {
        None
    }

    /// Instead of an instant in microseconds, or of a number.
    fn number(&mut self, _place: &str) -> Option<i64> {
        None
    }

    /// The last word on the text of JSON, where it can be what no value is.
    fn json(&self, text: String) -> String {
        text
    }
}

/// The rows with other values, by the schema of their table.
fn remade<R: Row>(rows: &[R], hand: &mut dyn Hand) -> Vec<R> {
    let batch = columns_of(rows);
    let columns = R::columns();
    let arrays = columns.iter().zip(batch.columns()).map(|(column, array)| -> ArrayRef {
        let place = format!("{}.{}", R::TABLE, column.name);
        match column.kind {
            "text" => {
                let texts = array.as_string::<i32>().iter();
                let new =
                    texts.map(|text| text.map(|text| hand.text(&place).unwrap_or_else(|| text.to_owned())));
                Arc::new(new.collect::<StringArray>())
            }
            "json" => {
                let texts = array.as_string::<i32>().iter();
                let new = texts.map(|text| {
                    let mut value: Value = serde_json::from_str(text?).unwrap();
                    walk(&mut value, &place, hand);
                    Some(hand.json(value.to_string()))
                });
                Arc::new(new.collect::<StringArray>())
            }
            "timestamp" => {
                let times = array.as_primitive::<TimestampMicrosecondType>();
                let new = times.iter().map(|time| time.map(|time| hand.number(&place).unwrap_or(time)));
                let new: TimestampMicrosecondArray = new.collect();
                Arc::new(new.with_timezone_opt(times.timezone()))
            }
            "integer" => {
                let new = array.as_primitive::<Int64Type>().iter();
                Arc::new(
                    new.map(|old| old.map(|old| hand.number(&place).unwrap_or(old))).collect::<Int64Array>(),
                )
            }
            "number" => {
                let new = array.as_primitive::<Float64Type>().iter();
                let of = |old: f64, new: Option<i64>| new.map_or(old, |new| new as f64);
                Arc::new(new.map(|old| old.map(|old| of(old, hand.number(&place)))).collect::<Float64Array>())
            }
            _ => Arc::clone(array),
        }
    });
    let batch = RecordBatch::try_new(batch.schema(), arrays.collect()).unwrap();
    rows_of(&batch)
}

fn walk(value: &mut Value, place: &str, hand: &mut dyn Hand) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, &format!("{place}[]"), hand)),
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                walk(member, &format!("{place}.{name}"), hand);
            }
            members.extend(hand.member(&format!("{place}.*")));
        }
        leaf => {
            if let Some(new) = hand.leaf(place, leaf) {
                *leaf = new;
            }
        }
    }
}

/// A few calls as the seed makes them.
struct Calls {
    globals: Globals,
    rows: PartRows,
}

impl Calls {
    fn seeded(folder: &Path) -> Self {
        let plan = plan(&SeedOptions { conferences: 2, days: 1, seed: 11, end: end(), short: false });
        let snapshot = write_snapshot(&plan, &folder.join("seeded"), &|_| {}).unwrap();
        let mut rows = PartRows::default();
        for part in snapshot.parts() {
            rows.conferences.extend(snapshot.table(part).unwrap());
            rows.sessions.extend(snapshot.table(part).unwrap());
            rows.connections.extend(snapshot.table(part).unwrap());
            rows.tracks.extend(snapshot.table(part).unwrap());
            rows.issues.extend(snapshot.table(part).unwrap());
            rows.events.extend(snapshot.table(part).unwrap());
            rows.samples.extend(snapshot.table(part).unwrap());
        }
        Self { globals: snapshot.globals().unwrap(), rows }
    }

    /// The files of their site, with other values.
    fn site(&self, folder: &Path, hand: &mut dyn Hand) -> BTreeMap<String, Vec<u8>> {
        let globals = Globals {
            organizations: remade(&self.globals.organizations, hand),
            apps: remade(&self.globals.apps, hand),
            participants: remade(&self.globals.participants, hand),
        };
        let rows = PartRows {
            conferences: remade(&self.rows.conferences, hand),
            sessions: remade(&self.rows.sessions, hand),
            connections: remade(&self.rows.connections, hand),
            tracks: remade(&self.rows.tracks, hand),
            issues: remade(&self.rows.issues, hand),
            events: remade(&self.rows.events, hand),
            samples: remade(&self.rows.samples, hand),
        };
        site(&written(folder, &globals, rows))
    }
}

fn written(folder: &Path, globals: &Globals, mut rows: PartRows) -> Snapshot {
    rows.finish();
    let writer = SnapshotWriter::create(&folder.join("snapshot")).unwrap();
    writer.write_part(Day::parse("2026-11-20").unwrap(), 0, &rows).unwrap();
    writer.finish(globals, end(), "test").unwrap()
}

/// A number that a place has in a round. Where one column stands for another that is null, as an id for a name, both have the same:
/// else the order of rows would tell twins apart.
fn lot(place: &str, round: usize) -> usize {
    let place = match place {
        "participants.participant_id" => "participants.participant_name",
        "conferences.conference_id" => "conferences.conference_name",
        place => place,
    };
    let digest = blake3::hash(format!("{place} {round}").as_bytes());
    usize::from(digest.as_bytes()[0]) << 8 | usize::from(digest.as_bytes()[1])
}

/// Texts that mean something to somebody: browsers, templates, style sheets, shells, spreadsheets, file systems, terminals.
const TEXTS: [&str; 26] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "` onmouseover=`alert(1)",
    "</script></title></style></textarea></svg><svg onload=alert(1)>",
    "<!--",
    "--><b>",
    "]]><![CDATA[<b>",
    "<base href=//evil.example><meta http-equiv=refresh content=0>",
    "&lt;b&gt;&amp;&#60;i&#x3e;&NotEqualTilde",
    "{{ 7 * 7 }}{% include \"x\" %}{# c #}",
    "${7*7}#{7*7}<%= 7 %>",
    "javascript:alert(1)",
    "data:text/html,<b>x</b>",
    "red;background:url(//evil.example)}body{x:y}/*",
    "../../../../etc/passwd",
    "C:\\..\\x|y>z",
    "=HYPERLINK(\"http://evil.example\")",
    "+cmd|' /C calc'!A0",
    "@SUM(A1),\"x\n=1",
    "\u{202e}\u{2066}dlrow\u{2069}\u{202c}\u{200b}\u{200d}\u{feff}",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{20dd}",
    "\u{1}\u{8}\u{b}\u{c}\u{e}\u{1b}[31m\u{7f}\u{85}\u{fffe}\u{ffff}",
    "\u{2028}\u{2029}\\u0000\\ud800\\x00",
    "'; DROP TABLE app; --",
    "\u{1f469}\u{200d}\u{1f4bb}\u{10ffff}",
];

/// A text of the same length in JSON, as long data folds away, that differs where the hostile ones do, and sorts as they do among others.
fn calm(number: usize) -> String {
    let length = serde_json::to_string(TEXTS[number]).unwrap().chars().count() - 2;
    let first = match TEXTS[number].chars().next().unwrap() {
        letter if letter.is_ascii_alphanumeric() => letter,
        ..'0' => '!',
        ..'A' => ';',
        ..'a' => '_',
        ..'\u{7f}' => '~',
        _ => '\u{ff}',
    };
    let letter = char::from(b'a' + number as u8);
    format!("{first}{letter}{}", "calm ".repeat(length)).chars().take(length - 1).chain(['.']).collect()
}

/// Puts hostile texts, or their calm twins, in the place of half of the texts; in every round of another half.
struct Texts<'a> {
    round: usize,
    calm: bool,
    /// Places and what was put there.
    put: &'a mut BTreeSet<(String, usize)>,
}

impl Texts<'_> {
    fn put(&mut self, place: &str) -> Option<String> {
        let lot = lot(place, self.round);
        // In the first round all of them.
        if self.round > 0 && lot.is_multiple_of(2) {
            return None;
        }
        let number = (lot / 2) % TEXTS.len();
        self.put.insert((place.to_owned(), number));
        Some(if self.calm { calm(number) } else { TEXTS[number].to_owned() })
    }
}

impl Hand for Texts<'_> {
    fn text(&mut self, place: &str) -> Option<String> {
        self.put(place)
    }

    fn leaf(&mut self, place: &str, value: &Value) -> Option<Value> {
        if value.is_string() { self.put(place).map(Value::from) } else { None }
    }

    fn member(&mut self, place: &str) -> Option<(String, Value)> {
        let name = self.put(place)?;
        Some((name.clone(), name.into()))
    }
}

const ROUNDS: usize = 4;

#[test]
fn hostile_texts_change_no_element_of_any_page_wherever_they_stand() {
    let folder = quick_folder();
    let calls = Calls::seeded(folder.path());
    let mut put = BTreeSet::new();
    let mut shown = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut build = |calm| calls.site(folder.path(), &mut Texts { round, calm, put: &mut put });
        let (files, calm) = (build(false), build(true));
        assert_eq!(files.keys().collect::<Vec<_>>(), calm.keys().collect::<Vec<_>>(), "round {round}");
        for (path, bytes) in &files {
            let twin = &calm[path];
            if is_page(path) || has_extension(path, "svg") {
                let (document, mut ours, mut theirs) = (parse(bytes).document, Vec::new(), Vec::new());
                shape(&document, &mut ours);
                shape(&parse(twin).document, &mut theirs);
                let at = ours.iter().zip(&theirs).position(|(a, b)| a != b);
                let around = |shape: &[String]| {
                    at.map(|at| shape[at.saturating_sub(6)..shape.len().min(at + 4)].join(", "))
                };
                assert!(
                    ours == theirs,
                    "{path} has another shape in round {round}: {:?} instead of {:?}",
                    around(&ours),
                    around(&theirs)
                );
                let mut text = String::new();
                text_of(&document, &mut text);
                // Attributes and text keep a line break as it is; a parser makes none of anything else here.
                shown.extend((0..TEXTS.len()).filter(|number| text.contains(TEXTS[*number])));
            } else if has_extension(path, "json") {
                assert!(serde_json::from_slice::<Value>(bytes).is_ok(), "{path} is JSON in round {round}");
            } else if has_extension(path, "csv") {
                tables_hold(path, bytes, twin, "the texts of a round");
            } else if has_extension(path, "xml") {
                let text = std::str::from_utf8(bytes).unwrap();
                let illegal =
                    |c: char| (c < ' ' && !"\t\n\r".contains(c)) || matches!(c, '\u{fffe}' | '\u{ffff}');
                assert!(!text.contains(illegal), "{path} has a character that XML has not, in round {round}");
                let tags = |bytes: &[u8]| bytes.iter().filter(|byte| matches!(byte, b'<' | b'>')).count();
                assert_eq!(tags(bytes), tags(twin), "{path} in round {round}");
            } else if has_extension(path, "js") && !path.starts_with("assets/") {
                let text = std::str::from_utf8(bytes).unwrap();
                assert!(!text.contains(['<', '\u{2028}', '\u{2029}']), "{path} has markup in round {round}");
            }
        }
    }
    let places: BTreeSet<&String> = put.iter().map(|(place, _)| place).collect();
    assert!(places.len() > 60, "only {} places: {places:?}", places.len());
    assert_eq!(shown.len(), TEXTS.len(), "shown as text were {shown:?}");
}

/// Values of JSON that are no use where they stand, and some that no reader has to take.
fn odd_json() -> Vec<String> {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let mut all = vec![deep, format!("{}{{}}{}", "{\"a\":".repeat(10_000), "}".repeat(10_000))];
    all.extend(
        [
            "1e999",
            "-1e999",
            "1e-999",
            "-0",
            "-0.0",
            "-1",
            "0.1e308",
            "9007199254740993",
            "123456789012345678901234567890",
            "-9223372036854775809",
            "null",
            "true",
            "\"\"",
            "[]",
            "{}",
            "[null]",
            "{\"a\":1,\"a\":\"2\",\"\":{}}",
            "\"\\ud800\"",
            "\"\\udc00\\ud800\"",
            "\"\\u0000\"",
            "\"NaN\"",
            "\"1e999\"",
            "\"-5\"",
            "\"2026-13-45T99:99:99Z\"",
            "\"+275760-09-13T00:00:00Z\"",
        ]
        .map(str::to_owned),
    );
    all
}

/// Numbers and instants (microseconds): the ends of what there is, years that a calendar may not have, nothing, less than nothing.
const NUMBERS: [i64; 9] = [
    i64::MIN,
    i64::MAX,
    0,
    -1,
    1 << 53,
    -62_135_596_800_000_001,
    253_402_300_800_000_000,
    1,
    -86_400_000_000,
];

/// Puts odd values in the place of half of all.
struct Odd {
    round: usize,
    json: Vec<String>,
    places: BTreeSet<String>,
    /// How often a place was seen in this round.
    deep: BTreeMap<String, u32>,
}

/// So many of the odd values nest deeply.
const DEEP: usize = 2;

impl Odd {
    fn lot(&mut self, place: &str) -> Option<usize> {
        let lot = lot(place, self.round);
        if self.round > 0 && lot.is_multiple_of(2) {
            return None;
        }
        self.places.insert(place.to_owned());
        Some(lot / 2)
    }
}

impl Hand for Odd {
    fn text(&mut self, place: &str) -> Option<String> {
        let texts = ["", " ", "NaN", "-1", "o", "word ".repeat(100).as_str()].map(str::to_owned);
        self.lot(place).map(|lot| texts[lot % texts.len()].clone())
    }

    fn leaf(&mut self, place: &str, _: &Value) -> Option<Value> {
        let lot = self.lot(place)?;
        let number = lot % self.json.len();
        // Deep ones are long: a few are enough.
        let count = self.deep.entry(place.to_owned()).or_default();
        *count += 1;
        let number = if number < DEEP && *count > 3 { DEEP } else { number };
        Some(format!("@{number}@").into())
    }

    fn number(&mut self, place: &str) -> Option<i64> {
        self.lot(place).map(|lot| NUMBERS[lot % NUMBERS.len()])
    }

    fn json(&self, text: String) -> String {
        let all = self.json.iter().enumerate();
        all.fold(text, |text, (number, odd)| text.replace(&format!("\"@{number}@\""), odd))
    }
}

#[test]
fn odd_values_stop_no_build_wherever_they_stand() {
    let folder = quick_folder();
    let calls = Calls::seeded(folder.path());
    let mut odd = Odd { round: 0, json: odd_json(), places: BTreeSet::new(), deep: BTreeMap::new() };
    for round in 0..4 {
        odd.round = round;
        odd.deep.clear();
        let files = calls.site(folder.path(), &mut odd);
        for (path, bytes) in &files {
            if is_page(path) {
                assert!(bytes.ends_with(b"</html>\n"), "{path} in round {round}");
            } else if has_extension(path, "json") {
                // Not as a value, which could hold neither such numbers nor such depths.
                let json = serde_json::from_slice::<&serde_json::value::RawValue>(bytes);
                assert!(json.is_ok(), "{path} in round {round}: {json:?}");
            }
        }
        assert!(files.contains_key("data-quality.html"), "round {round}");
    }
    assert!(odd.places.len() > 200, "only {} places", odd.places.len());
}

#[test]
fn texts_of_a_megabyte_stop_no_build() {
    let folder = quick_folder();
    let (globals, mut rows) = super::rows_of("calm");
    let long = "<b> ".repeat(1 << 18);
    rows.conferences[0].conference_name = Some(long.clone());
    rows.sessions[0].app_version = Some(long.clone());
    rows.sessions[0].metadata = Some(peerpress::snapshot::Json(serde_json::json!({ "a": long }).to_string()));
    rows.tracks[0].label = Some(long.clone());
    rows.issues[0].code.clone_from(&long);
    rows.connections[0].state = long.clone();
    rows.events[0].r#type = long;
    let files = site(&written(folder.path(), &globals, rows));
    let mut shown = 0;
    // Not parsed, which would take longer than all the rest.
    for (path, bytes) in files.iter().filter(|(path, _)| is_page(path)) {
        let html = std::str::from_utf8(bytes).unwrap();
        assert!(!html.contains("<b> "), "{path} has the markup");
        shown += usize::from(html.contains("&lt;b&gt; "));
    }
    assert!(shown > 4, "shown on {shown} pages");
}
