//! Columns that are being collected, value by value, and their bytes as Parquet has them. A column costs nothing for the rows in
//! which it has no value, which are most: of the hundred columns of a sample, a report fills a third.
//!
//! The file, its metadata and the headers of pages are the `parquet` library's; only the values are encoded here, because the
//! library goes over each column of each row several times.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;
use std::hash::Hash;

use parquet::basic::Encoding;
use uuid::Uuid;

use crate::units::Timestamp;

/// The values of a column, those that there are.
pub trait Store: Default {
    /// A value on its way in.
    type Value<'a>;

    /// Adds a value.
    fn push(&mut self, value: Self::Value<'_>);
    /// Takes the last value away.
    fn pop(&mut self);
    /// The bytes that are held beyond a few per value.
    fn weight(&self) -> usize {
        0
    }
    /// The values as pages have them.
    fn encode(&self) -> Encoded<'_>;
    /// Forgets all values, but not the room for them.
    fn clear(&mut self);
}

/// Encoded values.
pub struct Encoded<'a> {
    /// A dictionary page's bytes and entries, if there is one.
    pub(super) dictionary: Option<(Cow<'a, [u8]>, usize)>,
    /// A data page's values.
    pub(super) values: Cow<'a, [u8]>,
    pub(super) encoding: Encoding,
    pub(super) effort: Effort,
    /// The least and the greatest value as the format has them, where somebody may look for rows by them.
    pub(super) range: Option<Range>,
}

/// How much time compression is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// None: it would save little.
    None,
    /// Less than usual: these are many bytes that repeat each other.
    Fast,
    Usual,
}

/// The least and the greatest value of a column.
pub(super) enum Range {
    Ints(i64, i64),
    Bytes(Vec<u8>, Vec<u8>),
}

/// Takes the value of a row in one column.
pub(super) trait Slot<T> {
    /// Sets the value of row `row`, which is the last one; a second time replaces the first.
    fn put(&mut self, row: usize, value: Option<T>);
}

/// A column: which rows have a value, and the values.
#[derive(Default)]
pub struct Column<S> {
    present: Present,
    pub(super) store: S,
}

impl<S: Store> Column<S> {
    #[inline]
    pub(super) fn set(&mut self, row: usize, value: Option<S::Value<'_>>) {
        if self.present.take_back(row) {
            self.store.pop();
        }
        if let Some(value) = value {
            self.present.set(row);
            self.store.push(value);
        }
    }

    /// How many rows have a value.
    pub(super) fn count(&self) -> usize {
        self.present.count
    }

    /// The definition levels of so many rows, no more than one level deep.
    pub(super) fn levels(&self, rows: usize) -> Vec<u8> {
        self.present.levels(rows)
    }

    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.present.bits.clear();
        (self.present.rows, self.present.count) = (0, 0);
        self.store.clear();
    }
}

/// Which rows have a value: a bit each, up to the last that has one.
#[derive(Default)]
struct Present {
    bits: Vec<u8>,
    rows: usize,
    count: usize,
}

impl Present {
    #[inline]
    fn set(&mut self, row: usize) {
        let byte = row / 8;
        if byte >= self.bits.len() {
            self.bits.resize(byte + 1, 0);
        }
        self.bits[byte] |= 1 << (row % 8);
        self.rows = row + 1;
        self.count += 1;
    }

    /// Whether the row had a value, which it no longer has.
    #[inline]
    fn take_back(&mut self, row: usize) -> bool {
        let had = self.rows > row;
        if had {
            self.bits[row / 8] &= !(1 << (row % 8));
            self.rows = row;
            self.count -= 1;
        }
        had
    }

    fn levels(&self, rows: usize) -> Vec<u8> {
        let mut levels = Vec::with_capacity(rows / 8 + 8);
        if self.count == 0 || self.count == rows {
            run(&mut levels, 1, u32::from(self.count > 0), rows);
        } else {
            // The format packs single bits just as they are kept here.
            let groups = rows.div_ceil(8);
            varint(&mut levels, (groups as u64) << 1 | 1);
            levels.extend_from_slice(&self.bits);
            levels.resize(levels.len() + groups - self.bits.len(), 0);
        }
        levels
    }
}

/// Integers, and instants in microseconds.
#[derive(Default)]
pub struct Ints(Vec<i64>);

impl Store for Ints {
    type Value<'a> = i64;

    #[inline]
    fn push(&mut self, value: i64) {
        self.0.push(value);
    }

    fn pop(&mut self) {
        self.0.pop();
    }

    fn encode(&self) -> Encoded<'_> {
        let range = self.0.iter().min().zip(self.0.iter().max()).map(|(min, max)| Range::Ints(*min, *max));
        Encoded {
            dictionary: None,
            values: deltas(&self.0).into(),
            encoding: Encoding::DELTA_BINARY_PACKED,
            effort: Effort::None,
            range,
        }
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

impl Slot<i64> for Column<Ints> {
    #[inline]
    fn put(&mut self, row: usize, value: Option<i64>) {
        self.set(row, value);
    }
}

impl Slot<Timestamp> for Column<Ints> {
    #[inline]
    fn put(&mut self, row: usize, value: Option<Timestamp>) {
        self.set(row, value.map(Timestamp::as_micros));
    }
}

/// Numbers, as pages have them.
#[derive(Default)]
pub struct Floats(Vec<u8>);

impl Store for Floats {
    type Value<'a> = f64;

    #[inline]
    fn push(&mut self, value: f64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn pop(&mut self) {
        self.0.truncate(self.0.len().saturating_sub(8));
    }

    fn encode(&self) -> Encoded<'_> {
        Encoded::plain(Cow::Borrowed(&self.0), Effort::Usual)
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

impl Slot<f64> for Column<Floats> {
    #[inline]
    fn put(&mut self, row: usize, value: Option<f64>) {
        self.set(row, value);
    }
}

/// Booleans.
#[derive(Default)]
pub struct Bools(Vec<bool>);

impl Store for Bools {
    type Value<'a> = bool;

    fn push(&mut self, value: bool) {
        self.0.push(value);
    }

    fn pop(&mut self) {
        self.0.pop();
    }

    fn encode(&self) -> Encoded<'_> {
        let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        Encoded::plain(self.0.chunks(8).map(byte).collect(), Effort::Usual)
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

impl Slot<bool> for Column<Bools> {
    fn put(&mut self, row: usize, value: Option<bool>) {
        self.set(row, value);
    }
}

/// Texts that hardly repeat, as pages have them.
#[derive(Default)]
pub struct Texts {
    bytes: Vec<u8>,
    last: usize,
}

impl Store for Texts {
    type Value<'a> = &'a str;

    fn push(&mut self, value: &str) {
        self.last = self.bytes.len();
        plain_text(&mut self.bytes, value.as_bytes());
    }

    fn pop(&mut self) {
        self.bytes.truncate(self.last);
    }

    fn weight(&self) -> usize {
        self.bytes.len()
    }

    fn encode(&self) -> Encoded<'_> {
        Encoded::plain(Cow::Borrowed(&self.bytes), Effort::Fast)
    }

    fn clear(&mut self) {
        self.bytes.clear();
    }
}

impl Slot<&str> for Column<Texts> {
    fn put(&mut self, row: usize, value: Option<&str>) {
        self.set(row, value);
    }
}

/// Values by their places in a list of different ones.
#[derive(Default)]
struct Codes<K> {
    codes: Vec<u32>,
    by_value: HashMap<K, u32>,
    /// By value: the one that came after it last time. Rows come in rounds of the same reports, so that this is nearly always
    /// right, and nothing need be looked up.
    after: Vec<u32>,
}

impl<K: Hash + Eq> Codes<K> {
    /// Adds a value. `is` says whether it is the one of a place; `entry` makes what is kept of it.
    #[inline]
    fn push<Q: Hash + Eq + ?Sized>(
        &mut self,
        value: &Q,
        is: impl Fn(u32) -> bool,
        entry: impl FnOnce() -> K,
    ) -> bool
    where
        K: Borrow<Q>,
    {
        let last = self.codes.last().copied();
        let guess = last.map_or(0, |last| self.after[last as usize]);
        let mut is_new = false;
        let code = if last.is_some() && is(guess) {
            guess
        } else if let Some(code) = self.by_value.get(value) {
            *code
        } else {
            let code = self.after.len() as u32;
            self.by_value.insert(entry(), code);
            self.after.push(code);
            is_new = true;
            code
        };
        if let Some(last) = last {
            self.after[last as usize] = code;
        }
        self.codes.push(code);
        is_new
    }

    fn clear(&mut self) {
        self.codes.clear();
        self.by_value.clear();
        self.after.clear();
    }

    /// Whether the list of different values saves anything.
    fn is_worth(&self) -> bool {
        self.after.len() * 4 <= self.codes.len() * 3
    }
}

/// Texts of which many are the same.
#[derive(Default)]
pub struct Words {
    codes: Codes<Box<str>>,
    /// The different ones, as a dictionary page has them.
    bytes: Vec<u8>,
    /// Where each of them begins, its length before it included.
    starts: Vec<usize>,
}

/// A text of a dictionary page from where it begins.
fn word<'a>(bytes: &'a [u8], starts: &[usize], code: u32) -> &'a [u8] {
    let code = code as usize;
    let end = starts.get(code + 1).copied().unwrap_or(bytes.len());
    starts.get(code).map_or(&[], |start| &bytes[start + 4..end])
}

impl Store for Words {
    type Value<'a> = &'a str;

    #[inline]
    fn push(&mut self, value: &str) {
        let (bytes, starts) = (&self.bytes, &self.starts);
        let is = |code| word(bytes, starts, code) == value.as_bytes();
        if self.codes.push(value, is, || value.into()) {
            self.starts.push(self.bytes.len());
            plain_text(&mut self.bytes, value.as_bytes());
        }
    }

    fn pop(&mut self) {
        self.codes.codes.pop();
    }

    fn weight(&self) -> usize {
        self.bytes.len()
    }

    fn encode(&self) -> Encoded<'_> {
        let Self { codes, bytes, starts } = self;
        if codes.is_worth() {
            return Encoded::by_dictionary(&codes.codes, Cow::Borrowed(bytes), starts.len());
        }
        let mut values = Vec::with_capacity(bytes.len());
        for code in &codes.codes {
            plain_text(&mut values, word(bytes, starts, *code));
        }
        Encoded::plain(values.into(), Effort::Usual)
    }

    fn clear(&mut self) {
        self.codes.clear();
        self.bytes.clear();
        self.starts.clear();
    }
}

impl Slot<&str> for Column<Words> {
    #[inline]
    fn put(&mut self, row: usize, value: Option<&str>) {
        self.set(row, value);
    }
}

/// Ids, which are texts in the file.
#[derive(Default)]
pub struct Ids {
    codes: Codes<Uuid>,
    different: Vec<Uuid>,
}

impl Store for Ids {
    type Value<'a> = Uuid;

    #[inline]
    fn push(&mut self, value: Uuid) {
        let different = &self.different;
        if self.codes.push(&value, |code| different.get(code as usize) == Some(&value), || value) {
            self.different.push(value);
        }
    }

    fn pop(&mut self) {
        self.codes.codes.pop();
    }

    fn encode(&self) -> Encoded<'_> {
        let Self { codes, different } = self;
        let text = |id: &Uuid| id.hyphenated().to_string().into_bytes();
        let range = different.iter().min().zip(different.iter().max());
        let range = range.map(|(min, max)| Range::Bytes(text(min), text(max)));
        let plain = |ids: &mut dyn Iterator<Item = &Uuid>| {
            let mut bytes = Vec::new();
            let mut buffer = Uuid::encode_buffer();
            for id in ids {
                plain_text(&mut bytes, id.hyphenated().encode_lower(&mut buffer).as_bytes());
            }
            Cow::Owned(bytes)
        };
        let encoded = if codes.is_worth() {
            Encoded::by_dictionary(&codes.codes, plain(&mut different.iter()), different.len())
        } else {
            let ids = &mut codes.codes.iter().map(|code| &different[*code as usize]);
            Encoded::plain(plain(ids), Effort::Usual)
        };
        Encoded { range, ..encoded }
    }

    fn clear(&mut self) {
        self.codes.clear();
        self.different.clear();
    }
}

impl<T: Into<Uuid>> Slot<T> for Column<Ids> {
    #[inline]
    fn put(&mut self, row: usize, value: Option<T>) {
        self.set(row, value.map(Into::into));
    }
}

/// Lists of ids, of which each row has one.
#[derive(Default)]
pub struct IdLists {
    ids: Ids,
    lengths: Vec<usize>,
}

impl IdLists {
    pub(super) fn push(&mut self, ids: impl ExactSizeIterator<Item = Uuid>) {
        self.lengths.push(ids.len());
        ids.for_each(|id| self.ids.push(id));
    }

    /// How many values there are in the format's sense, their repetition levels, their definition levels, and the ids.
    pub(super) fn encode(&self) -> (usize, Vec<u8>, Vec<u8>, Encoded<'_>) {
        let (mut repeated, mut defined) = (Vec::new(), Vec::new());
        for length in &self.lengths {
            repeated.push(0);
            repeated.resize(repeated.len() + length.saturating_sub(1), 1);
            defined.resize(repeated.len(), if *length == 0 { 0 } else { 2 });
        }
        (repeated.len(), hybrid(1, &repeated), hybrid(2, &defined), self.ids.encode())
    }

    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.ids.clear();
        self.lengths.clear();
    }
}

impl<'a> Encoded<'a> {
    fn plain(values: Cow<'a, [u8]>, effort: Effort) -> Self {
        Self { dictionary: None, values, encoding: Encoding::PLAIN, effort, range: None }
    }

    fn by_dictionary(codes: &[u32], dictionary: Cow<'a, [u8]>, different: usize) -> Self {
        let width = u32::BITS - (different.max(1) as u32 - 1).leading_zeros();
        let mut values = vec![width as u8];
        values.append(&mut hybrid(width, codes));
        Self {
            dictionary: Some((dictionary, different)),
            encoding: Encoding::RLE_DICTIONARY,
            ..Self::plain(values.into(), Effort::Usual)
        }
    }
}

/// A text after its length.
fn plain_text(into: &mut Vec<u8>, text: &[u8]) {
    into.extend_from_slice(&(text.len() as u32).to_le_bytes());
    into.extend_from_slice(text);
}

fn varint(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// The same value so many times, in the format's mixture of runs and packed values.
fn run(into: &mut Vec<u8>, width: u32, value: u32, times: usize) {
    varint(into, (times as u64) << 1);
    into.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Values of `width` bits in the format's mixture: eight and more that are the same as a run, others packed.
fn hybrid(width: u32, values: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.len() * width as usize / 8 + 16);
    let mut rest = values;
    let mut packed_from = rest;
    loop {
        let length = rest.iter().take_while(|value| **value == rest[0]).count();
        if length >= 8 || rest.is_empty() {
            let packed = &packed_from[..packed_from.len() - rest.len()];
            if !packed.is_empty() {
                let groups = packed.len().div_ceil(8);
                varint(&mut bytes, (groups as u64) << 1 | 1);
                let padding = groups * 8 - packed.len();
                let values = packed.iter().copied().chain(std::iter::repeat_n(0, padding));
                pack(&mut bytes, width, values.map(u64::from));
            }
            if rest.is_empty() {
                return bytes;
            }
            run(&mut bytes, width, rest[0], length);
            rest = &rest[length..];
            packed_from = rest;
        } else {
            rest = &rest[rest.len().min(8)..];
        }
    }
}

/// Values of `width` bits, from the least bit on.
fn pack(into: &mut Vec<u8>, width: u32, values: impl Iterator<Item = u64>) {
    let (mut waiting, mut bits) = (0u128, 0);
    for value in values {
        waiting |= u128::from(value) << bits;
        bits += width;
        if bits >= 64 {
            into.extend_from_slice(&(waiting as u64).to_le_bytes());
            waiting >>= 64;
            bits -= 64;
        }
    }
    into.extend_from_slice(&(waiting as u64).to_le_bytes()[..bits.div_ceil(8) as usize]);
}

/// Integers by their differences, as `DELTA_BINARY_PACKED`: blocks of 128 in four parts, each as wide as it needs.
fn deltas(values: &[i64]) -> Vec<u8> {
    const BLOCK: usize = 128;
    const PART: usize = 32;
    let zigzag = |number: i64| (number << 1 ^ number >> 63) as u64;
    let mut bytes = Vec::with_capacity(values.len() * 3 + 16);
    varint(&mut bytes, BLOCK as u64);
    varint(&mut bytes, (BLOCK / PART) as u64);
    varint(&mut bytes, values.len() as u64);
    varint(&mut bytes, zigzag(values.first().copied().unwrap_or_default()));
    let mut differences = [0i64; BLOCK];
    for from in (1..values.len()).step_by(BLOCK) {
        let to = values.len().min(from + BLOCK);
        let differences = &mut differences[..to - from];
        for (difference, pair) in differences.iter_mut().zip(values[from - 1..to].windows(2)) {
            *difference = pair[1].wrapping_sub(pair[0]);
        }
        let least = differences.iter().copied().min().unwrap_or_default();
        varint(&mut bytes, zigzag(least));
        let widths = bytes.len();
        bytes.extend_from_slice(&[0; BLOCK / PART]);
        for (part, differences) in differences.chunks(PART).enumerate() {
            let above = |difference: &i64| difference.wrapping_sub(least) as u64;
            let width = 64 - differences.iter().map(above).fold(0, |all, one| all | one).leading_zeros();
            bytes[widths + part] = width as u8;
            let padding = std::iter::repeat_n(0, PART - differences.len());
            pack(&mut bytes, width, differences.iter().map(above).chain(padding));
        }
    }
    bytes
}
