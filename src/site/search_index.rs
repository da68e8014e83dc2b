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
//!
//! # Groups
//!
//! No shelf and no top has to do with two first letters, but for letters that have a shelf together. So what begins with a
//! letter is a [`Group`], which is arranged by itself, and needs not be where nothing of it changed: its digest tells, and
//! is made without its keys.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
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
pub struct Item<'a> {
    /// Its kind.
    pub kind: Kind,
    /// Primary key of its row, of which its page's path is made.
    pub id: uuid::Uuid,
    /// What its page is called.
    pub name: Cow<'a, str>,
    /// The customer's id, where the name is another; empty if not.
    pub given_id: Cow<'a, str>,
    /// When it was created.
    pub created_at: Timestamp,
    /// The app it belongs to; of an app the organization; of an organization nothing.
    pub place: &'a str,
}

/// A file of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// Its name, without extension: letters and digits only.
    pub name: String,
    /// The script.
    pub script: String,
}

impl IndexFile {
    fn new(name: &str, data: &str) -> Self {
        Self { name: name.to_owned(), script: format!("peerpressIndex(\"{name}\",{});\n", safe(data)) }
    }
}

/// An index of which the files are still to be made: it is known what each group of them is made from.
pub struct Index<'a> {
    /// The best first.
    items: Vec<Item<'a>>,
    digests: Vec<Digest>,
    /// By first letter, what begins with it.
    letters: BTreeMap<char, Letter>,
    groups: Vec<Group>,
    words: Words,
}

/// Of an item, or of all that something is made from.
type Digest = [u8; 16];

/// What has a word that begins with a letter.
#[derive(Debug, Default, PartialEq, Eq)]
struct Letter {
    items: Vec<u32>,
    /// Bytes of all its keys on shelves, about.
    weight: usize,
}

/// Shelves and tops that are made by themselves: those of a letter, or one shelf of a few letters.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    letters: Vec<char>,
    /// Where it begins, if it is one shelf.
    shelf: Option<String>,
    digest: Digest,
}

impl Group {
    /// What tells it from all others, and stays when something is added to it: hexadecimal digits.
    pub fn name(&self) -> String {
        let is_whole = self.shelf.as_ref().is_some_and(String::is_empty);
        let letter = self.letters.first().filter(|_| !is_whole);
        format!("{:x}", letter.map_or(0, |letter| u32::from(*letter)))
    }

    /// A digest of all that its files are made from.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }
}

/// A group of which it is known what stands in each file.
pub struct Arranged<'a> {
    index: &'a Index<'a>,
    /// Shelves and tops, by their files' names.
    lists: BTreeMap<String, List>,
    /// Where each shelf begins, in order.
    starts: Vec<String>,
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

impl<'a> Index<'a> {
    /// Puts the items into groups.
    pub fn new(mut items: Vec<Item<'a>>) -> Self {
        for item in &mut items {
            for text in [&mut item.name, &mut item.given_id] {
                shorten(text);
            }
        }
        // Organizations and apps are few, and lead to the rest.
        items.par_sort_unstable_by_key(|item| {
            (item.kind.min(Kind::Conference), Reverse(item.created_at), item.id, item.kind)
        });
        let Read { vocabulary, digests, letters } = Read::of_all(&items);
        let mut index = Self { items, digests, letters, groups: Vec::new(), words: ranked(vocabulary) };
        index.group();
        index
    }

    /// Cuts what there is by first letter, where [`Shelves`] would cut it all.
    fn group(&mut self) {
        let branches: Vec<(char, usize)> =
            self.letters.iter().map(|(letter, of)| (*letter, of.weight)).collect();
        if branches.iter().map(|(_, weight)| weight).sum::<usize>() <= SHELF {
            self.push(branches.iter().map(|(letter, _)| *letter).collect(), Some(String::new()));
        } else {
            self.halve(&branches, ALL_LETTERS);
        }
    }

    /// Makes groups of letters, as [`Shelves::halve`] makes shelves; `range` has the letters' numbers.
    fn halve(&mut self, branches: &[(char, usize)], range: Range<u32>) {
        let Some((first, _)) = branches.first() else { return };
        let is_shelf = branches.iter().map(|(_, weight)| weight).sum::<usize>() <= SHELF;
        if is_shelf || branches.len() == 1 {
            let letters = branches.iter().map(|(letter, _)| *letter).collect();
            return self.push(letters, is_shelf.then(|| first.to_string()));
        }
        let middle = range.start.midpoint(range.end);
        let at = branches.partition_point(|(letter, _)| u32::from(*letter) < middle);
        self.halve(&branches[..at], range.start..middle);
        self.halve(&branches[at..], middle..range.end);
    }

    fn push(&mut self, letters: Vec<char>, shelf: Option<String>) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[u8::from(shelf.is_some())]);
        for letter in &letters {
            let items = self.letters.get(letter).map(|of| of.items.as_slice()).unwrap_or_default();
            hasher.update(&u32::from(*letter).to_le_bytes()).update(&(items.len() as u64).to_le_bytes());
            for item in items {
                hasher.update(&self.digests[*item as usize]);
            }
        }
        let digest = short(hasher.finalize());
        self.groups.push(Group { letters, shelf, digest });
    }

    /// The groups of shelves and tops, in order.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Puts the items of a group on shelves.
    pub fn arrange(&self, group: &Group) -> Arranged<'_> {
        let mut items: Vec<u32> = group
            .letters
            .iter()
            .filter_map(|letter| self.letters.get(letter))
            .flat_map(|of| &of.items)
            .copied()
            .collect();
        items.sort_unstable();
        items.dedup();
        let mut keys = Vec::new();
        for item in items {
            keys.extend(keys_of(&self.items[item as usize], item, |letter| group.letters.contains(&letter)));
        }
        keys.par_sort_unstable();
        let mut shelves =
            Shelves { items: &self.items, keys: &keys, lists: BTreeMap::new(), starts: Vec::new() };
        let all = 0..keys.len();
        match &group.shelf {
            Some(start) => shelves.shelf(start.clone(), all),
            None => shelves.part(all),
        }
        let Shelves { lists, mut starts, .. } = shelves;
        starts.sort_unstable();
        Arranged { index: self, lists, starts }
    }

    /// A digest of all that the files of words are made from.
    pub fn digest_of_words(&self) -> Vec<u8> {
        digest_of(self.words.iter())
    }

    /// Puts the words into files.
    pub fn files_of_words(&self) -> FilesOfWords<'_> {
        FilesOfWords { words: &self.words, buckets: buckets(&self.words) }
    }
}

/// The file that says where each shelf begins, in order, and how many files of words there are.
pub fn file_of_starts(starts: &[String], files_of_words: usize) -> IndexFile {
    IndexFile::new("index", &json!({ "starts": front_coded(starts), "buckets": files_of_words }).to_string())
}

impl Arranged<'_> {
    /// Where each shelf begins, in order.
    pub fn starts(&self) -> &[String] {
        &self.starts
    }

    /// The name of each file, with a digest of all that it is made from.
    pub fn files(&self) -> impl ParallelIterator<Item = (&str, Vec<u8>)> {
        self.lists.par_iter().map(|(name, list)| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&(list.of as u64).to_le_bytes());
            for item in &list.items {
                hasher.update(&self.index.digests[*item as usize]);
            }
            (name.as_str(), short(hasher.finalize()).to_vec())
        })
    }

    /// One of the files: as many of some items as fit into it.
    ///
    /// # Panics
    ///
    /// If none has that name.
    pub fn file(&self, name: &str) -> IndexFile {
        let list = &self.lists[name];
        let mut places: Vec<&str> = Vec::new();
        let mut rows: Vec<Row<'_>> = Vec::new();
        let mut bytes = 0;
        for item in list.items.iter().map(|at| &self.index.items[*at as usize]) {
            bytes += weight(item);
            if bytes > SHELF {
                break;
            }
            let place = places.iter().position(|place| *place == item.place).unwrap_or_else(|| {
                places.push(item.place);
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
        IndexFile::new(name, &json_of(&ListFile { items: rows, of: list.of, places }))
    }
}

/// The files of words, of which it is known what stands in each.
pub struct FilesOfWords<'a> {
    words: &'a Words,
    buckets: Vec<Vec<u32>>,
}

impl FilesOfWords<'_> {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.buckets.len()
    }

    /// A digest of all that one of them is made from.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn digest(&self, number: usize) -> Vec<u8> {
        digest_of(self.buckets[number].iter().map(|at| &self.words[*at as usize]))
    }

    /// One of them: words by how often they occur.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn file(&self, number: usize) -> IndexFile {
        let groups: Vec<(u32, String)> = self.buckets[number]
            .chunk_by(|a, b| self.words[*a as usize].0 == self.words[*b as usize].0)
            .map(|group| {
                let words: Vec<&str> = group.iter().map(|at| &*self.words[*at as usize].1).collect();
                (self.words[group[0] as usize].0.0, words.join(" "))
            })
            .collect();
        IndexFile::new(&format!("w{number:x}"), &json_of(&groups))
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
pub fn files(items: Vec<Item<'_>>) -> Vec<IndexFile> {
    let index = Index::new(items);
    let arranged: Vec<Arranged<'_>> = index.groups.par_iter().map(|group| index.arrange(group)).collect();
    let starts: Vec<String> = arranged.iter().flat_map(|group| group.starts.iter().cloned()).collect();
    let words = index.files_of_words();
    let mut files = vec![file_of_starts(&starts, words.count())];
    files.extend(arranged.iter().flat_map(|group| group.lists.keys().map(|name| group.file(name))));
    files.extend((0..words.count()).map(|number| words.file(number)));
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

fn short(digest: blake3::Hash) -> Digest {
    let mut short = Digest::default();
    short.copy_from_slice(&digest.as_bytes()[..16]);
    short
}

fn shorten(text: &mut Cow<'_, str>) {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
        let text = text.to_mut();
        text.truncate(end);
        text.push('…');
    }
}

/// One place of an item among all: a rotation of its words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// The first bytes of the text, which mostly tell two keys apart.
    start: u64,
    text: Box<str>,
    item: u32,
    /// Bytes of the words where the key is the whole text from its beginning; else 0.
    whole: u16,
}

/// Words, the most frequent first, with the power of two of their number.
type Words = Vec<(Reverse<u32>, Box<str>)>;
/// The words for typing errors, with the number of times they occur.
type Vocabulary = HashMap<String, u32>;

/// Items that one thread reads at a time.
const READ: usize = 8192;

/// What all items come to.
#[derive(Default)]
struct Read {
    vocabulary: Vocabulary,
    digests: Vec<Digest>,
    letters: BTreeMap<char, Letter>,
}

impl Read {
    fn of_all(items: &[Item<'_>]) -> Self {
        let run = |(run, items): (usize, &[Item<'_>])| Self::of(run * READ, items);
        let runs: Vec<Self> = items.par_chunks(READ).enumerate().map(run).collect();
        runs.into_iter().fold(Self::default(), |mut all, run| {
            #[expect(clippy::iter_over_hash_type, reason = "sums are the same in any order")]
            for (word, times) in run.vocabulary {
                *all.vocabulary.entry(word).or_default() += times;
            }
            all.digests.extend(run.digests);
            for (letter, of) in run.letters {
                let letter = all.letters.entry(letter).or_default();
                letter.items.extend(of.items);
                letter.weight += of.weight;
            }
            all
        })
    }

    fn of(from: usize, items: &[Item<'_>]) -> Self {
        let mut read = Self::default();
        for (at, item) in (from as u32..).zip(items) {
            let texts = texts_of(item);
            // Keys are the same only where they begin with the same word.
            let mut firsts: Vec<&str> =
                texts.iter().flat_map(Text::firsts).map(|first| beginning(first.1)).collect();
            firsts.sort_unstable();
            if firsts.windows(2).any(|pair| pair[0] == pair[1]) {
                for key in keys_of(item, at, |_| true) {
                    read.add(&key.text, at, item);
                }
            } else {
                for word in firsts {
                    read.add(word, at, item);
                }
            }
            let bytes = postcard::to_stdvec(item).expect("texts and numbers, of which the lengths are known");
            read.digests.push(short(blake3::hash(&bytes)));
            for text in texts.into_iter().filter(|text| !text.is_uuid) {
                for word in text.words.into_iter().filter(|word| may_have_errors(word)) {
                    *read.vocabulary.entry(word).or_default() += 1;
                }
            }
        }
        read
    }

    /// Takes a key of an item, or how it begins.
    fn add(&mut self, key: &str, at: u32, item: &Item<'_>) {
        let Some(letter) = key.chars().next() else { return };
        let letter = self.letters.entry(letter).or_default();
        if letter.items.last() != Some(&at) {
            letter.items.push(at);
        }
        letter.weight += weight(item);
    }
}

/// The words of a name or an id.
struct Text {
    words: Vec<String>,
    is_uuid: bool,
}

impl Text {
    /// The words that keys begin with, each with its place.
    fn firsts(&self) -> impl Iterator<Item = (usize, &String)> {
        // Of a UUID the beginning and the end: the rest says nothing by itself.
        self.words.iter().enumerate().filter(|(at, _)| !self.is_uuid || [0, 4].contains(at))
    }
}

fn texts_of(item: &Item<'_>) -> [Text; 2] {
    [&item.name, &item.given_id].map(|text| {
        let words = words(text);
        Text { is_uuid: is_uuid(&words), words }
    })
}

/// As much of a word as is in each key that begins with it.
fn beginning(word: &str) -> &str {
    let mut end = word.len().min(LONGEST_KEY / 2);
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    &word[..end]
}

/// The keys of an item that begin with some letters, in order, each once.
fn keys_of(item: &Item<'_>, at: u32, wanted: impl Fn(char) -> bool) -> Vec<Key> {
    let day = if item.kind == Kind::Conference {
        item.created_at.day().to_string().replace('-', " ")
    } else {
        String::new()
    };
    let mut keys = Vec::new();
    for text in texts_of(item) {
        for (first, _) in text.firsts().filter(|(_, word)| word.chars().next().is_some_and(&wanted)) {
            let mut key = text.words[first..].join(" ");
            for word in &text.words[..first] {
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
            let mut start = [0; 8];
            let length = end.min(8);
            start[..length].copy_from_slice(&key.as_bytes()[..length]);
            let start = u64::from_be_bytes(start);
            keys.push(Key { start, text: key.into(), item: at, whole: whole.min(end) as u16 });
        }
    }
    keys.sort_unstable();
    keys.dedup_by(|a, b| a.text == b.text);
    keys
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
fn weight(item: &Item<'_>) -> usize {
    item.name.len() + item.given_id.len() + item.place.len().min(8) + LEAST_WEIGHT
}

/// What the numbers of letters are below.
const ALL_LETTERS: Range<u32> = 0..1 << 21;

struct Shelves<'a> {
    items: &'a [Item<'a>],
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
        self.halve(&common, &branches, ALL_LETTERS);
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
        let of = |rank| ranked.iter().filter(move |own| own.1 == rank).map(|(item, _)| *item);
        let items: Vec<u32> = of(0).chain(of(1)).chain(of(2)).collect();
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

/// Words by how often they occur, in powers of two, so that a conference more changes no order.
fn ranked(vocabulary: Vocabulary) -> Words {
    let mut ranked: Words =
        vocabulary.into_iter().map(|(word, times)| (Reverse(times.ilog2()), word.into())).collect();
    ranked.par_sort_unstable();
    ranked
}

fn digest_of<'a>(words: impl Iterator<Item = &'a (Reverse<u32>, Box<str>)>) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    for (Reverse(times), word) in words {
        hasher.update(&times.to_le_bytes()).update(word.as_bytes()).update(b" ");
    }
    short(hasher.finalize()).to_vec()
}

/// Which words are in which file; there are a power of two of those.
fn buckets(words: &Words) -> Vec<Vec<u32>> {
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    let mut bytes = 0;
    let mut hashes: Vec<u32> = Vec::new();
    for (at, (_, word)) in words.iter().enumerate() {
        hashes.clear();
        pieces(word, |piece| hashes.push(hash(piece)));
        hashes.sort_unstable();
        hashes.dedup();
        bytes += hashes.len() * (word.len() + 1);
        pairs.extend(hashes.iter().map(|hash| (*hash, at as u32)));
    }
    let buckets = (bytes / WORDS).max(1).next_power_of_two();
    pairs.par_sort_unstable();
    let mut found: Vec<Vec<u32>> = vec![Vec::new(); buckets];
    for same in pairs.chunk_by(|a, b| a.0 == b.0) {
        let bucket = &mut found[same[0].0 as usize & (buckets - 1)];
        bucket.extend(same.iter().take(WORDS_OF_A_HASH).map(|(_, word)| *word));
    }
    for bucket in &mut found {
        bucket.sort_unstable();
        bucket.dedup();
    }
    found
}

/// What of a word a word with an error may share with it: runs of three letters; the first four and the last four, whole and
/// with each letter left out.
fn pieces(word: &str, mut each: impl FnMut(&str)) {
    let letters: Vec<char> = word.chars().collect();
    let end = letters.len().min(4);
    let mut piece = String::new();
    let mut take = |letters: &mut dyn Iterator<Item = char>| {
        piece.clear();
        piece.extend(letters);
        each(&piece);
    };
    for run in letters.windows(3) {
        take(&mut run.iter().copied());
    }
    for (mark, part) in [('^', &letters[..end]), ('$', &letters[letters.len() - end..])] {
        take(&mut std::iter::once(mark).chain(part.iter().copied()));
        for without in 0..part.len() {
            let rest = part.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, letter)| *letter);
            take(&mut std::iter::once(mark).chain(rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn item(id: u128, kind: Kind, name: &str, given_id: &str, day: &str) -> Item<'static> {
        Item {
            kind,
            id: Uuid::from_u128(id),
            name: name.to_owned().into(),
            given_id: given_id.to_owned().into(),
            created_at: Timestamp::parse(&format!("{day} 12:00:00")).unwrap(),
            place: "Sales",
        }
    }

    fn pieces_of(word: &str) -> Vec<String> {
        let mut all = Vec::new();
        pieces(word, |piece| all.push(piece.to_owned()));
        all
    }

    fn data(file: &IndexFile) -> Value {
        let call = format!("peerpressIndex(\"{}\",", file.name);
        let json = file.script.strip_prefix(&call).unwrap().strip_suffix(");\n").unwrap();
        serde_json::from_str(json).unwrap()
    }

    fn made(items: Vec<Item<'_>>) -> BTreeMap<String, String> {
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
        let items: Vec<Item<'_>> = (0..2000)
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
        let mut items: Vec<Item<'_>> = (0..1000)
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
        let items: Vec<Item<'_>> = (0..2000)
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
        let mut items: Vec<Item<'_>> = (0..5000u32)
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
            changed.iter().filter(|name| name.starts_with('w')).count() <= pieces_of("zoe").len(),
            "{changed:?}"
        );
    }

    /// The same without groups: all keys in order, cut as a whole.
    fn arranged_whole(items: Vec<Item<'_>>) -> BTreeMap<String, String> {
        let index = Index::new(items);
        let keys = |item: usize| keys_of(&index.items[item], item as u32, |_| true);
        let mut keys: Vec<Key> = (0..index.items.len()).flat_map(keys).collect();
        keys.sort_unstable();
        let mut shelves =
            Shelves { items: &index.items, keys: &keys, lists: BTreeMap::new(), starts: Vec::new() };
        let weight: usize = keys.iter().map(|key| weight(&index.items[key.item as usize])).sum();
        if weight <= SHELF {
            shelves.shelf(String::new(), 0..keys.len());
        } else {
            shelves.part(0..keys.len());
        }
        let Shelves { lists, mut starts, .. } = shelves;
        starts.sort_unstable();
        let words = index.files_of_words();
        let arranged = Arranged { index: &index, lists, starts };
        let files = arranged.lists.keys().map(|name| arranged.file(name));
        let files = files.chain((0..words.count()).map(|number| words.file(number)));
        let files = files.chain(std::iter::once(file_of_starts(&arranged.starts, words.count())));
        files.map(|file| (file.name, file.script)).collect()
    }

    fn names() -> impl proptest::strategy::Strategy<Value = Vec<String>> {
        let few = "([a-c]{1,3}[ -]|zz |[0-9]{1,6}/|[\u{4e00}-\u{4e20}]|[ü-ž]|x{38,44} ){0,4}";
        let name = proptest::prop_oneof![few, "[\u{10400}-\u{10404}]{38,44}[ab]?"];
        proptest::collection::vec(name, 1..60)
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

        #[test]
        fn groups_have_the_files_that_all_in_one_have(names in names(), times in 1..12_u128, same in ".{0,3}") {
            let mut items = Vec::new();
            for (at, name) in names.iter().enumerate() {
                for time in 0..times {
                    let kind = if time % 2 == 0 { Kind::Conference } else { Kind::Participant };
                    let name = format!("{same}{name}");
                    items.push(item(at as u128 * 100 + time, kind, &name, &names[names.len() - 1 - at], "2026-11-20"));
                }
            }
            proptest::prop_assert_eq!(made(items.clone()), arranged_whole(items));
        }
    }

    #[test]
    fn what_changes_changes_the_digests_of_the_groups_that_it_is_in() {
        let mut items: Vec<Item<'_>> = (0..6000)
            .map(|id| {
                let name = format!("{} {id}", ["Ana", "Bo", "Cy"][id as usize % 3]);
                item(id, Kind::Participant, &name, "", "2026-11-20")
            })
            .collect();
        let digests = |items: &[Item<'static>]| -> BTreeMap<String, Digest> {
            let index = Index::new(items.to_vec());
            index.groups().iter().map(|group| (group.name(), group.digest)).collect()
        };
        let name_of = |letter: char| format!("{:x}", u32::from(letter));
        let before = digests(&items);
        assert!(
            ['a', 'b', 'c', '1', '5'].iter().all(|letter| before.contains_key(&name_of(*letter))),
            "{before:?}"
        );
        let changed = |items: &[Item<'static>]| -> Vec<String> {
            let after = digests(items);
            let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
            names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
        };
        assert_eq!(changed(&items), [""; 0]);
        items.push(item(9000, Kind::Participant, "Ada", "", "2026-11-20"));
        assert_eq!(changed(&items), [name_of('a')], "one more");
        items[6000].name = "Bea 1".into();
        assert_eq!(changed(&items), [name_of('1'), name_of('b')], "another name");
        items[6000].name = "Zoe".into();
        // Too little for a shelf of its own, or the first of a new one.
        assert!(changed(&items).len() <= 1, "a letter that nothing had");
        items.pop();
        items[0].place = "Elsewhere";
        assert_eq!(changed(&items).len(), 2, "what is shown of it, under both of its words");
        items[0].place = "Sales";
        items.remove(1);
        assert_eq!(changed(&items), [name_of('1'), name_of('b')], "one less");
    }

    #[test]
    fn a_word_with_an_error_shares_a_piece_with_the_word_that_was_meant() {
        let shares =
            |typed: &str, meant: &str| pieces_of(typed).iter().any(|piece| pieces_of(meant).contains(piece));
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
