//! The search index: what the site has, cut into small scripts of which a query loads a few. Made by the build from the facts
//! that it holds in the end; read by `assets/js/search/`, which finds the same files by the same rules.
//!
//! # Files
//!
//! Every file is a classic script with one call, `peerpressIndex(name, data)`, so that it works from `file://`.
//!
//! - **Shelves** (`b…`). An item stands under each word of its name and of its id, in a key that goes on with the words after
//!   it, those before it, and the day: `popescu ana 2026 11 20`. All keys in order are cut into shelves of [`SHELF`] bytes at
//!   most. A cut depends on nothing but what is between the cuts around it: where the items that begin with some letters are
//!   too many, they are parted by the next letter, whose range is halved at fixed places until each part fits. So a shelf
//!   stays the same when something comes in elsewhere, and is filled by half or more in the mean.
//! - **Tops** (`t…`). Where the items that begin with some letters are on several shelves, the best of them: the whole name,
//!   then the whole word, then the newest.
//! - **Words** (`w…`). For typing errors and for parts of words: the different words, under hashes of their runs of three
//!   letters and of their beginnings and ends with one letter left out. A word with an error shares one of these with the
//!   word that was meant.
//! - **The index** (`index`). Where each shelf begins, and how many files of words there are.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::words::words;
use crate::units::Timestamp;

/// Bytes of JSON of the items of a shelf, at most.
pub const SHELF: usize = 24_000;
/// Bytes of an item without its texts, about.
const LEAST_WEIGHT: usize = 75;
/// Bytes of a file of words, in the mean at most.
const WORDS: usize = 3000;
/// Words under one hash: of more the most frequent ones.
const WORDS_OF_A_HASH: usize = 120;
/// Characters of a name or an id that are shown and found.
const LONGEST_TEXT: usize = 120;
/// Bytes of a key.
const LONGEST_KEY: usize = 80;
/// Shorter words have no typing errors.
const SHORTEST_WITH_ERRORS: usize = 3;
/// Shorter numbers have none either: each is one digit away from many others.
const SHORTEST_NUMBER_WITH_ERRORS: usize = 6;

/// What kind of thing an item is. The number is what the script knows it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Kind {
    /// An organization.
    Organization = 0,
    /// An app.
    App = 1,
    /// A conference.
    Conference = 2,
    /// A participant.
    Participant = 3,
    /// A media server.
    Server = 4,
}

/// Something that can be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its kind.
    pub kind: Kind,
    /// Primary key of its row, of which its page's path is made.
    pub id: uuid::Uuid,
    /// What its page is called.
    pub name: String,
    /// The customer's id, where the name is another; empty if not.
    pub given_id: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// The app it belongs to; of an app the organization; of an organization nothing.
    pub place: String,
}

/// A file of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// Its name, without extension: letters and digits only.
    pub name: String,
    /// The script.
    pub script: String,
}

/// What stands on a shelf or a top.
struct List {
    /// How many items would.
    of: usize,
    /// Those for which there may be room.
    items: Vec<u32>,
}

impl List {
    fn new(mut items: Vec<u32>) -> Self {
        let of = items.len();
        items.truncate(SHELF / LEAST_WEIGHT + 1);
        items.shrink_to_fit();
        Self { of, items }
    }
}

/// An index of which the files are still to be written: what stands in each is known.
pub struct Index {
    /// The best first.
    items: Vec<Item>,
    /// Shelves and tops, by their files' names.
    lists: BTreeMap<String, List>,
    words: Words,
    /// The words of each file.
    buckets: Vec<Vec<u32>>,
    /// Where each shelf begins, in order.
    starts: Vec<String>,
}

impl Index {
    /// Puts the items on shelves.
    pub fn new(mut items: Vec<Item>) -> Self {
        for item in &mut items {
            for text in [&mut item.name, &mut item.given_id] {
                shorten(text);
            }
        }
        // Organizations and apps are few, and lead to the rest.
        items.par_sort_by(|a, b| {
            let key =
                |item: &Item| (item.kind.min(Kind::Conference), Reverse(item.created_at), item.id, item.kind);
            key(a).cmp(&key(b))
        });
        let (vocabulary, mut keys) = read(&items);
        keys.par_sort_unstable();
        keys.dedup_by(|a, b| a.text == b.text && a.item == b.item);
        let mut shelves = Shelves { items: &items, keys: &keys, lists: BTreeMap::new(), starts: Vec::new() };
        shelves.arrange();
        let Shelves { lists, mut starts, .. } = shelves;
        starts.sort_unstable();
        let (words, buckets) = buckets(vocabulary);
        Self { items, lists, words, buckets, starts }
    }

    /// All files, each made when it is asked for: together they are several times as large as what they are made from.
    pub fn files(&self) -> impl ParallelIterator<Item = IndexFile> {
        let file = |name: String, data: &str| {
            let script = format!("peerpressIndex(\"{name}\",{});\n", safe(data));
            IndexFile { name, script }
        };
        let index = json!({ "starts": front_coded(&self.starts), "buckets": self.buckets.len() });
        let index = file("index".to_owned(), &index.to_string());
        let lists = self.lists.par_iter().map(move |(name, list)| file(name.clone(), &self.list(list)));
        let words = self.buckets.par_iter().enumerate();
        let words = words.map(move |(number, bucket)| file(format!("w{number:x}"), &self.bucket(bucket)));
        rayon::iter::once(index).chain(lists).chain(words)
    }

    /// As many of some items as fit into a file.
    fn list(&self, list: &List) -> String {
        let mut places: Vec<&str> = Vec::new();
        let mut rows: Vec<Row<'_>> = Vec::new();
        let mut bytes = 0;
        for item in list.items.iter().map(|at| &self.items[*at as usize]) {
            bytes += weight(item);
            if bytes > SHELF {
                break;
            }
            let place = places.iter().position(|place| *place == item.place).unwrap_or_else(|| {
                places.push(&item.place);
                places.len() - 1
            });
            let created = item.created_at.rfc3339();
            rows.push(Row(
                item.kind as u8,
                item.id,
                &item.name,
                &item.given_id,
                created.get(..16).unwrap_or_default().replace('T', " "),
                place,
            ));
        }
        json_of(&ListFile { items: rows, of: list.of, places })
    }

    /// Words by how often they occur.
    fn bucket(&self, bucket: &[u32]) -> String {
        let groups: Vec<(u32, String)> = bucket
            .chunk_by(|a, b| self.words[*a as usize].0 == self.words[*b as usize].0)
            .map(|group| {
                let words: Vec<&str> = group.iter().map(|at| self.words[*at as usize].1.as_str()).collect();
                (self.words[group[0] as usize].0.0, words.join(" "))
            })
            .collect();
        json_of(&groups)
    }
}

/// As it is written, without a tree of values between: most of an index is lists.
fn json_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers, under names that are texts")
}

/// The data of a shelf or a top.
#[derive(Serialize)]
struct ListFile<'a> {
    items: Vec<Row<'a>>,
    /// How many items there would be.
    of: usize,
    places: Vec<&'a str>,
}

/// All files of the index, by name.
pub fn files(items: Vec<Item>) -> Vec<IndexFile> {
    let mut files: Vec<IndexFile> = Index::new(items).files().collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// The name of the file of a shelf (`b`) or a top (`t`), by the letters it begins with. Names and ids are data, never paths.
pub fn file_name(kind: char, start: &str) -> String {
    format!("{kind}{:08x}{:08x}", hash(start), other_hash(start))
}

/// FNV-1a of the UTF-8 bytes.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Another one, so that two names are not the same by chance.
fn other_hash(text: &str) -> u32 {
    text.bytes().fold(0x9e37_79b9, |hash: u32, byte| {
        let mixed = hash.wrapping_add(u32::from(byte)).wrapping_mul(0x85eb_ca6b);
        mixed ^ (mixed >> 13)
    })
}

/// JSON as a script can have it in every browser and in any place.
fn safe(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn shorten(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(end);
        text.push('…');
    }
}

/// One place of an item among all: a rotation of its words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    text: Box<str>,
    item: u32,
    /// Bytes of the words where the key is the whole text from its beginning; else 0.
    whole: u16,
}

/// Words, the most frequent first, with the power of two of their number.
type Words = Vec<(Reverse<u32>, String)>;
/// The words for typing errors, with the number of times they occur.
type Vocabulary = BTreeMap<String, u32>;

/// Items that one thread reads at a time.
const READ: usize = 8192;

/// The keys of all items, in no order, and their words.
fn read(items: &[Item]) -> (Vocabulary, Vec<Key>) {
    let run = |(run, items): (usize, &[Item])| read_run(run * READ, items);
    items.par_chunks(READ).enumerate().map(run).reduce(Default::default, |mut a, mut b| {
        for (word, times) in b.0 {
            *a.0.entry(word).or_default() += times;
        }
        a.1.append(&mut b.1);
        a
    })
}

fn read_run(from: usize, items: &[Item]) -> (Vocabulary, Vec<Key>) {
    let mut vocabulary = BTreeMap::new();
    let mut keys = Vec::new();
    for (at, item) in (from..).zip(items) {
        let day = if item.kind == Kind::Conference {
            item.created_at.day().to_string().replace('-', " ")
        } else {
            String::new()
        };
        for text in [&item.name, &item.given_id] {
            let words = words(text);
            let uuid = is_uuid(&words);
            for first in 0..words.len() {
                // Of a UUID the beginning and the end: the rest says nothing by itself.
                if uuid && ![0, 4].contains(&first) {
                    continue;
                }
                let mut key = words[first..].join(" ");
                for word in &words[..first] {
                    key.push(' ');
                    key.push_str(word);
                }
                let whole = if first == 0 { key.len() } else { 0 };
                key.push(' ');
                key.push_str(&day);
                let mut end = key.trim_end().len().min(LONGEST_KEY);
                while !key.is_char_boundary(end) {
                    end -= 1;
                }
                key.truncate(end);
                keys.push(Key { text: key.into(), item: at as u32, whole: whole.min(end) as u16 });
            }
            for word in words.into_iter().filter(|word| !uuid && may_have_errors(word)) {
                *vocabulary.entry(word).or_default() += 1;
            }
        }
    }
    (vocabulary, keys)
}

fn is_uuid(words: &[String]) -> bool {
    words.len() == 5
        && words.iter().map(String::len).eq([8, 4, 4, 4, 12])
        && words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn may_have_errors(word: &str) -> bool {
    let letters = word.chars().count();
    let number = word.bytes().all(|byte| byte.is_ascii_digit());
    letters >= if number { SHORTEST_NUMBER_WITH_ERRORS } else { SHORTEST_WITH_ERRORS }
}

/// Bytes of an item on a shelf, about.
fn weight(item: &Item) -> usize {
    item.name.len() + item.given_id.len() + item.place.len().min(8) + LEAST_WEIGHT
}

struct Shelves<'a> {
    items: &'a [Item],
    keys: &'a [Key],
    lists: BTreeMap<String, List>,
    starts: Vec<String>,
}

/// Keys that go on with the same letter, or that end.
struct Branch {
    letter: Option<char>,
    keys: Range<usize>,
    weight: usize,
}

impl Shelves<'_> {
    fn arrange(&mut self) {
        let all = 0..self.keys.len();
        if self.weight(&all) <= SHELF {
            self.shelf(String::new(), all);
        } else {
            self.part(all);
        }
    }

    fn weight(&self, keys: &Range<usize>) -> usize {
        self.keys[keys.clone()].iter().map(|key| weight(&self.items[key.item as usize])).sum()
    }

    /// Parts what is too much for a shelf. The keys have their beginning in common.
    fn part(&mut self, keys: Range<usize>) {
        let (first, last) = (&self.keys[keys.start].text, &self.keys[keys.end - 1].text);
        let common: String =
            first.chars().zip(last.chars()).take_while(|(a, b)| a == b).map(|(letter, _)| letter).collect();
        let mut branches: Vec<Branch> = Vec::new();
        for at in keys.clone() {
            let key = &self.keys[at];
            let letter = key.text[common.len()..].chars().next();
            let weight = weight(&self.items[key.item as usize]);
            match branches.last_mut().filter(|branch| branch.letter == letter) {
                Some(branch) => {
                    branch.keys.end = at + 1;
                    branch.weight += weight;
                }
                None => branches.push(Branch { letter, keys: at..at + 1, weight }),
            }
        }
        // Nobody asks for no letters at all.
        if branches.len() > 1 && !common.is_empty() {
            self.top(&common, keys);
        }
        self.halve(&common, &branches, 0..1 << 21);
    }

    /// Puts branches on shelves; `range` has their letters' numbers.
    fn halve(&mut self, common: &str, branches: &[Branch], range: Range<u32>) {
        let (Some(first), Some(last)) = (branches.first(), branches.last()) else { return };
        let keys = first.keys.start..last.keys.end;
        if branches.iter().map(|branch| branch.weight).sum::<usize>() <= SHELF {
            let start = common.chars().chain(first.letter).collect();
            return self.shelf(start, keys);
        }
        if branches.len() == 1 {
            // All have the same words and day: there is nothing to part them by.
            match first.letter {
                None => self.shelf(common.to_owned(), keys),
                Some(_) => self.part(keys),
            }
            return;
        }
        let middle = range.start.midpoint(range.end);
        let at = branches.partition_point(|branch| branch.letter.map_or(0, u32::from) < middle);
        self.halve(common, &branches[..at], range.start..middle);
        self.halve(common, &branches[at..], middle..range.end);
    }

    fn shelf(&mut self, start: String, keys: Range<usize>) {
        let mut items: Vec<u32> = self.keys[keys].iter().map(|key| key.item).collect();
        items.sort_unstable();
        items.dedup();
        self.lists.insert(file_name('b', &start), List::new(items));
        self.starts.push(start);
    }

    /// The best of what begins with some letters.
    fn top(&mut self, start: &str, keys: Range<usize>) {
        let rank = |key: &Key| {
            let rest = &key.text[start.len()..];
            if usize::from(key.whole) == start.len() {
                0
            } else if rest.is_empty() || rest.starts_with(' ') {
                1
            } else {
                2
            }
        };
        let mut ranked: Vec<(u32, u32)> = self.keys[keys].iter().map(|key| (key.item, rank(key))).collect();
        ranked.sort_unstable();
        ranked.dedup_by_key(|(item, _)| *item);
        ranked.sort_unstable_by_key(|(item, rank)| (*rank, *item));
        let items: Vec<u32> = ranked.into_iter().map(|(item, _)| item).collect();
        self.lists.insert(file_name('t', start), List::new(items));
    }
}

/// Kind, id of the row, name, the customer's id, minute of creation, place.
#[derive(Serialize)]
struct Row<'a>(u8, uuid::Uuid, &'a str, &'a str, String, usize);

/// Texts in order, each as the number of letters that it has in common with the one before, and the rest.
fn front_coded(texts: &[String]) -> Value {
    let mut before = "";
    let mut list: Vec<Value> = Vec::with_capacity(texts.len() * 2);
    for text in texts {
        let common = before.chars().zip(text.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a);
        let (letters, bytes) =
            common.fold((0, 0), |(letters, bytes), letter| (letters + 1, bytes + letter.len_utf8()));
        list.push(json!(letters));
        list.push(json!(text[bytes..]));
        before = text;
    }
    Value::Array(list)
}

/// The words, and which of them are in which file; there are a power of two of those.
fn buckets(vocabulary: Vocabulary) -> (Words, Vec<Vec<u32>>) {
    // By how often they occur, in powers of two, so that a conference more changes no order.
    let mut ranked: Words =
        vocabulary.into_iter().map(|(word, times)| (Reverse(times.ilog2()), word)).collect();
    ranked.sort_unstable();
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    let mut bytes = 0;
    for (at, (_, word)) in ranked.iter().enumerate() {
        let mut hashes: Vec<u32> = pieces(word).iter().map(|piece| hash(piece)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        bytes += hashes.len() * (word.len() + 1);
        pairs.extend(hashes.into_iter().map(|hash| (hash, at as u32)));
    }
    let buckets = (bytes / WORDS).max(1).next_power_of_two();
    pairs.sort_unstable();
    let mut found: Vec<Vec<u32>> = vec![Vec::new(); buckets];
    for same in pairs.chunk_by(|a, b| a.0 == b.0) {
        let bucket = &mut found[same[0].0 as usize & (buckets - 1)];
        bucket.extend(same.iter().take(WORDS_OF_A_HASH).map(|(_, word)| *word));
    }
    for bucket in &mut found {
        bucket.sort_unstable();
        bucket.dedup();
    }
    (ranked, found)
}

/// What of a word a word with an error may share with it: runs of three letters; the first four and the last four, whole and
/// with each letter left out.
fn pieces(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let end = letters.len().min(4);
    let mut pieces: Vec<String> = letters.windows(3).map(|run| run.iter().collect()).collect();
    for (mark, part) in [('^', &letters[..end]), ('$', &letters[letters.len() - end..])] {
        pieces.push(std::iter::once(mark).chain(part.iter().copied()).collect());
        for without in 0..part.len() {
            let rest = part.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, letter)| *letter);
            pieces.push(std::iter::once(mark).chain(rest).collect());
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn item(id: u128, kind: Kind, name: &str, given_id: &str, day: &str) -> Item {
        Item {
            kind,
            id: Uuid::from_u128(id),
            name: name.to_owned(),
            given_id: given_id.to_owned(),
            created_at: Timestamp::parse(&format!("{day} 12:00:00")).unwrap(),
            place: "Sales".to_owned(),
        }
    }

    fn data(file: &IndexFile) -> Value {
        let call = format!("peerpressIndex(\"{}\",", file.name);
        let json = file.script.strip_prefix(&call).unwrap().strip_suffix(");\n").unwrap();
        serde_json::from_str(json).unwrap()
    }

    fn made(items: Vec<Item>) -> BTreeMap<String, String> {
        files(items).into_iter().map(|file| (file.name, file.script)).collect()
    }

    #[test]
    fn files_have_the_names_that_the_script_is_tested_with() {
        let table: Value = serde_json::from_str(include_str!("../../tests/unit/shelves.json")).unwrap();
        for pair in table["shelves"].as_array().unwrap() {
            assert_eq!(file_name('b', pair[0].as_str().unwrap()), pair[1]);
        }
        assert_eq!((hash(""), hash("foobar")), (0x811c_9dc5, 0xbf9c_f968));
    }

    #[test]
    fn a_small_site_has_one_shelf_one_file_of_words_and_the_index() {
        let files = files(vec![
            item(1, Kind::Conference, "Stand-up", "room-7", "2026-11-20"),
            item(2, Kind::Participant, "Ana Popescu", "", "2026-11-21"),
        ]);
        assert_eq!(
            files.iter().map(|file| file.name.clone()).collect::<Vec<_>>(),
            [file_name('b', ""), "index".into(), "w0".into()]
        );
        let id = |id| Uuid::from_u128(id).to_string();
        assert_eq!(
            data(&files[0]),
            json!({"of": 2, "places": ["Sales"], "items": [
                [3, id(2), "Ana Popescu", "", "2026-11-21 12:00", 0],
                [2, id(1), "Stand-up", "room-7", "2026-11-20 12:00", 0],
            ]})
        );
        assert_eq!(data(&files[1]), json!({"starts": [0, ""], "buckets": 1}));
        assert_eq!(data(&files[2]), json!([[0, "ana popescu room stand"]]));
    }

    #[test]
    fn names_cannot_end_the_script_nor_its_texts() {
        let hostile = "</script><!--\u{2028}\"\\\u{0}";
        let files = files(vec![item(1, Kind::Participant, hostile, "__proto__", "2026-11-20")]);
        for file in &files {
            assert!(!file.script.contains(['<', '\u{2028}', '\u{2029}']), "{}", file.script);
            assert!(file.name.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert_eq!(data(&files[0])["items"][0][2], hostile);
    }

    #[test]
    fn long_names_are_cut_where_they_are_shown() {
        let files = files(vec![item(1, Kind::Participant, &"é".repeat(300), "", "2026-11-20")]);
        assert_eq!(data(&files[0])["items"][0][2], "é".repeat(120) + "…");
    }

    #[test]
    fn order_of_the_items_makes_no_difference() {
        let items: Vec<Item> = (0..2000)
            .map(|id| {
                item(id, Kind::Participant, &format!("Ana {}", id % 50), &format!("u{id}"), "2026-11-20")
            })
            .collect();
        let mut other = items.clone();
        other.reverse();
        assert_eq!(files(items), files(other));
    }

    #[test]
    fn what_does_not_fit_on_a_shelf_is_parted_and_the_best_is_on_top() {
        // A thousand whose words begin with "an", and one each beside them.
        let mut items: Vec<Item> = (0..1000)
            .map(|id| item(id, Kind::Participant, &format!("an{id:04}"), "", "2026-11-20"))
            .collect();
        items.push(item(2000, Kind::Participant, "An Old", "", "2001-01-01"));
        items.push(item(2001, Kind::Participant, "An", "", "2000-01-01"));
        items.push(item(2002, Kind::Participant, "zoe", "", "2026-11-20"));
        let made = files(items);
        let file = |name: &str| made.iter().find(|file| file.name == name).map(data);
        let top = file(&file_name('t', "an")).unwrap();
        assert_eq!(top["of"], 1002);
        assert_eq!((&top["items"][0][2], &top["items"][1][2]), (&json!("An"), &json!("An Old")));
        // On the shelves is everything, once.
        let mut names: Vec<String> = Vec::new();
        for file in made.iter().filter(|file| file.name.starts_with('b')) {
            let data = data(file);
            let items = data["items"].as_array().unwrap();
            assert_eq!(data["of"], items.len());
            names.extend(items.iter().map(|row| row[2].as_str().unwrap().to_owned()));
        }
        // "An Old" stands under both of its words.
        names.sort_unstable();
        assert_eq!(names.len(), 1004);
        names.dedup();
        assert_eq!(names.len(), 1003);
        let index = file("index").unwrap();
        let starts = index["starts"].as_array().unwrap().len() / 2;
        assert_eq!(starts, made.iter().filter(|file| file.name.starts_with('b')).count());
    }

    #[test]
    fn very_many_of_one_name_are_parted_by_their_days_and_of_one_day_the_newest_are_kept() {
        let items: Vec<Item> = (0..2000)
            .map(|id| {
                item(
                    id,
                    Kind::Conference,
                    "Stand-up",
                    "",
                    if id < 1000 { "2026-11-20" } else { "2026-11-21" },
                )
            })
            .collect();
        let made = made(items);
        for day in ["20", "21"] {
            let name = file_name('b', &format!("stand up 2026 11 {day}"));
            let script = made.get(&name).unwrap();
            assert!(script.contains("\"of\":1000") && script.len() < SHELF + SHELF / 4);
        }
        assert!(made.contains_key(&file_name('t', "stand up 2026 11 2")));
    }

    #[test]
    fn something_new_leaves_what_has_nothing_to_do_with_it_as_it_was() {
        let mut items: Vec<Item> = (0..5000u32)
            .map(|id| {
                item(
                    id.into(),
                    Kind::Participant,
                    &format!("{:x}", id.wrapping_mul(2_654_435_761)),
                    "",
                    "2026-11-20",
                )
            })
            .collect();
        let before = made(items.clone());
        items.push(item(9000, Kind::Participant, "zoe", "", "2026-11-21"));
        let after = made(items);
        let changed: Vec<&String> = after
            .iter()
            .filter(|(name, script)| before.get(*name) != Some(script))
            .map(|(name, _)| name)
            .collect();
        // Its shelf, the words with pieces of it, and the index if its shelf is a new one.
        assert!(
            before.len() > 50 && changed.iter().filter(|name| !name.starts_with('w')).count() <= 2,
            "{changed:?}"
        );
        assert!(
            changed.iter().filter(|name| name.starts_with('w')).count() <= pieces("zoe").len(),
            "{changed:?}"
        );
    }

    #[test]
    fn a_word_with_an_error_shares_a_piece_with_the_word_that_was_meant() {
        let shares =
            |typed: &str, meant: &str| pieces(typed).iter().any(|piece| pieces(meant).contains(piece));
        for typed in [
            "opescu", "ppoescu", "oppescu", "xopescu", "popesc", "popesux", "popexcu", "xpopescu", "ppescuu",
            "pxpescxu",
        ] {
            assert!(shares(typed, "popescu"), "{typed}");
        }
        for typed in ["aana", "nana", "aan", "axa", "an"] {
            assert!(shares(typed, "ana"), "{typed}");
        }
        assert!(!shares("smith", "popescu"));
    }

    #[test]
    fn parts_of_uuids_and_short_numbers_are_no_words_to_mistype() {
        let made = made(vec![item(
            1,
            Kind::Conference,
            "550e8400-e29b-41d4-a716-446655440000",
            "4711 hello 123456",
            "2026-11-20",
        )]);
        assert_eq!(made["w0"], "peerpressIndex(\"w0\",[[0,\"123456 hello\"]]);\n");
    }
}
