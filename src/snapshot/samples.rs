//! The samples of one conference in little room: of a hundred columns a report fills a third, and what it fills repeats from
//! poll to poll. Texts, ids and flags of a row are one of few sets, numbers take four bytes where that is exact.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::ops::Range;

use arrow_array::{Array, RecordBatch};
use uuid::Uuid;

use super::cell::{Cell, Json, Mismatch};
use super::columns::Slot;
use super::rows::{SAMPLE_COLUMNS, SampleRow};
use crate::ids::{AppId, ConferenceId, ConnectionId, EventId, ParticipantId, SessionId, TrackId};
use crate::units::Timestamp;

/// Codes of the texts, ids and flags of a row by column; 0 is none.
type Labels = [u32; SAMPLE_COLUMNS];
/// A place in [`Shape::places`] of a column that has no number.
const NOWHERE: u8 = u8::MAX;
/// What numbers with a fraction are multiplied by to be whole ones.
const SCALES: [f64; 4] = [1.0, 1e3, 1e6, 1e9];
/// How many bits such a whole number may have, its sign included.
const SCALED_BITS: u32 = 30;

/// Samples in the order of time, event and place.
#[derive(Clone, Default)]
pub struct Samples {
    rows: Vec<Place>,
    /// The numbers of all rows: of each the place of its event, then those that its shape says.
    words: Vec<u32>,
    shapes: Set<(u128, u128)>,
    /// By shape.
    places: Vec<Shape>,
    labels: Set<Labels>,
    texts: Set<Box<str>>,
    ids: Set<Uuid>,
    events: Vec<(EventId, Timestamp)>,
    /// JSON texts, which hardly repeat: all of them, and where each ends.
    json: String,
    json_ends: Vec<usize>,
}

/// Where a row has its values.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    shape: u32,
    labels: u32,
}

/// Which columns of a row are numbers that are there.
#[derive(Debug, Clone)]
struct Shape {
    /// By column: where the number begins in the row's words.
    places: [u8; SAMPLE_COLUMNS],
    /// Columns whose number takes two words.
    wide: u128,
}

/// Different values by number. Rows come in rounds of the same reports: the one that came after the last one before is nearly
/// always next, and nothing need be looked up.
#[derive(Debug, Clone)]
struct Set<K> {
    all: Vec<K>,
    by_value: HashMap<K, u32>,
    after: Vec<u32>,
    last: u32,
}

impl<K> Default for Set<K> {
    fn default() -> Self {
        Self { all: Vec::new(), by_value: HashMap::new(), after: Vec::new(), last: 0 }
    }
}

impl<K: Hash + Eq + Clone> Set<K> {
    /// The number of a value, and whether it is new.
    fn number<Q: Hash + Eq + ?Sized>(&mut self, value: &Q, make: impl FnOnce(&Q) -> K) -> (u32, bool)
    where
        K: std::borrow::Borrow<Q>,
    {
        let guess = self.after.get(self.last as usize).copied().unwrap_or_default();
        let is_guess = self.all.get(guess as usize).is_some_and(|known| known.borrow() == value);
        let known = if is_guess { Some(guess) } else { self.by_value.get(value).copied() };
        let number = known.unwrap_or(self.all.len() as u32);
        if known.is_none() {
            let made = make(value);
            self.all.push(made.clone());
            self.by_value.insert(made, number);
            self.after.push(0);
        }
        if let Some(after) = self.after.get_mut(self.last as usize) {
            *after = number;
        }
        self.last = number;
        (number, known.is_none())
    }
}

/// A value of a sample as it is kept.
pub trait Packed: Cell {
    /// The value, texts by reference.
    type View<'a>;

    /// The value of a row.
    fn view(&self) -> Self::View<'_>;
    /// The value for a row of its own.
    fn owned(view: Self::View<'_>) -> Self;
    /// The value in a row of a batch; `None` if it does not fit.
    fn read<'a>(reader: &Self::Reader<'a>, row: usize) -> Option<Self::View<'a>>;
    /// Adds the value to the row that is being made.
    fn pack(view: Self::View<'_>, column: usize, row: &mut Packer<'_>);
    /// The value of a packed row.
    fn unpack(sample: Sample<'_>, column: usize) -> Self::View<'_>;
    /// Adds the value as that of the last row of a column.
    fn collect(view: Self::View<'_>, row: usize, column: &mut Self::Column);
}

macro_rules! packed_copy {
    ($($type:ty: |$value:ident, $at:ident, $packer:ident| $pack:expr, |$sample:ident| $unpack:expr;)*) => {$(
        impl Packed for $type {
            type View<'a> = $type;

            fn view(&self) -> $type {
                *self
            }

            fn owned(view: $type) -> Self {
                view
            }

            fn read<'a>(reader: &Self::Reader<'a>, row: usize) -> Option<Self::View<'a>> {
                Self::get(reader, row)
            }

            fn pack($value: $type, $at: usize, $packer: &mut Packer<'_>) {
                $pack
            }

            fn unpack($sample: Sample<'_>, $at: usize) -> $type {
                $unpack
            }

            fn collect(view: $type, row: usize, column: &mut Self::Column) {
                column.put(row, Some(view));
            }
        }
    )*};
}

/// What may be missing is packed where it is there.
macro_rules! optional {
    ($($type:ty)*) => {$(
        impl Packed for Option<$type> {
            type View<'a> = Option<<$type as Packed>::View<'a>>;

            fn view(&self) -> Self::View<'_> {
                self.as_ref().map(Packed::view)
            }

            fn owned(view: Self::View<'_>) -> Self {
                view.map(<$type as Packed>::owned)
            }

            #[inline]
            fn read<'a>(reader: &Self::Reader<'a>, row: usize) -> Option<Self::View<'a>> {
                match reader {
                    Some((array, reader)) if array.is_valid(row) => {
                        <$type as Packed>::read(reader, row).map(Some)
                    }
                    _ => Some(None),
                }
            }

            #[inline]
            fn pack(view: Self::View<'_>, column: usize, row: &mut Packer<'_>) {
                if let Some(view) = view {
                    <$type as Packed>::pack(view, column, row);
                }
            }

            #[inline]
            fn unpack(sample: Sample<'_>, column: usize) -> Self::View<'_> {
                sample.has(column).then(|| <$type as Packed>::unpack(sample, column))
            }

            #[inline]
            fn collect(view: Self::View<'_>, row: usize, column: &mut Self::Column) {
                if let Some(view) = view {
                    <$type as Packed>::collect(view, row, column);
                }
            }
        }
    )*};
}

macro_rules! packed_ids {
    ($($type:ident)*) => { packed_copy! { $(
        $type: |id, column, row| row.labels[column] = row.samples.ids.number(&id.0, |id| *id).0 + 1,
            |sample| $type(sample.id_at(column));
    )* } };
}

packed_ids! { AppId ConferenceId ConnectionId ParticipantId SessionId TrackId }
optional! { AppId ConferenceId ConnectionId ParticipantId SessionId TrackId bool i64 f64 }

packed_copy! {
    bool: |flag, column, row| row.labels[column] = 1 + u32::from(flag),
        |sample| sample.label(column) == 2;
    i64: |number, column, row| match u32::try_from(number) {
            Ok(short) => row.short(column, short),
            Err(_) => row.wide(column, number as u64),
        },
        |sample| match sample.number(column) {
            Number::Short(short) => i64::from(short),
            Number::Wide(wide) => wide as i64,
        };
    f64: |number, column, row| match scaled(number) {
            Some(short) => row.short(column, short),
            None => row.wide(column, number.to_bits()),
        },
        |sample| match sample.number(column) {
            Number::Short(short) => unscaled(short),
            Number::Wide(wide) => f64::from_bits(wide),
        };
}

// There is one of each in a row that is not optional, which is the event's; its time comes before the browser's own, which is a number.
packed_copy! {
    EventId: |id, _column, row| row.event.0 = id, |sample| sample.event().0;
    Timestamp: |at, _column, row| row.event.1 = at, |sample| sample.event().1;
}

impl Packed for Option<Timestamp> {
    type View<'a> = Self;

    fn view(&self) -> Self {
        *self
    }

    fn owned(view: Self) -> Self {
        view
    }

    fn read<'a>(reader: &Self::Reader<'a>, row: usize) -> Option<Self::View<'a>> {
        Self::get(reader, row)
    }

    fn pack(view: Self, column: usize, row: &mut Packer<'_>) {
        let Some(at) = view else { return };
        // Mostly a moment before the server had it.
        let since = at.as_micros().wrapping_sub(row.event.1.as_micros());
        match i32::try_from(since) {
            Ok(short) => row.short(column, short as u32),
            Err(_) => row.wide(column, since as u64),
        }
    }

    fn unpack(sample: Sample<'_>, column: usize) -> Self {
        let since = sample.has(column).then(|| match sample.number(column) {
            Number::Short(short) => i64::from(short as i32),
            Number::Wide(wide) => wide as i64,
        })?;
        Some(Timestamp::from_micros(sample.event().1.as_micros().wrapping_add(since)))
    }

    fn collect(view: Self, row: usize, column: &mut Self::Column) {
        column.put(row, view);
    }
}

macro_rules! packed_text {
    ($type:ty: $own:expr, $borrow:expr, |$value:ident, $at:ident, $packer:ident| $pack:expr, |$sample:ident| $unpack:expr) => {
        impl Packed for $type {
            type View<'a> = &'a str;

            fn view(&self) -> &str {
                let borrow: fn(&$type) -> &str = $borrow;
                borrow(self)
            }

            fn owned(view: &str) -> Self {
                $own(view.to_owned())
            }

            fn read<'a>(reader: &Self::Reader<'a>, row: usize) -> Option<&'a str> {
                reader.is_valid(row).then(|| reader.value(row))
            }

            fn pack($value: &str, $at: usize, $packer: &mut Packer<'_>) {
                $pack
            }

            fn unpack($sample: Sample<'_>, $at: usize) -> &str {
                $unpack
            }

            fn collect(view: &str, row: usize, column: &mut Self::Column) {
                column.put(row, Some(view));
            }
        }

        optional! { $type }
    };
}

packed_text!(String: std::convert::identity, |text| text,
    |text, column, row| row.labels[column] = row.samples.texts.number(text, |text| text.into()).0 + 1,
    |sample| sample.text_at(column));
packed_text!(Json: Json, |json| &json.0,
|text, column, row| {
    let number = row.samples.add_json(text);
    row.short(column, number);
},
|sample| match sample.number(column) {
    Number::Short(number) => sample.samples.json_at(number as usize),
    Number::Wide(_) => "",
});

/// A number with a fraction as a whole one and its scale, where that is exactly it.
fn scaled(number: f64) -> Option<u32> {
    const LIMIT: f64 = (1i64 << (SCALED_BITS - 1)) as f64;
    SCALES.iter().enumerate().find_map(|(scale, by)| {
        let whole = (number * by).round();
        let short = whole as i32;
        // What is not exact is not the number, and neither is a zero that lost its sign.
        let is_it = whole.abs() < LIMIT && (f64::from(short) / by).to_bits() == number.to_bits();
        is_it.then_some((short as u32) << (u32::BITS - SCALED_BITS) | scale as u32)
    })
}

fn unscaled(short: u32) -> f64 {
    let scale = SCALES[short as usize % SCALES.len()];
    f64::from((short as i32) >> (u32::BITS - SCALED_BITS)) / scale
}

enum Number {
    Short(u32),
    Wide(u64),
}

/// A row that is being made.
pub struct Packer<'a> {
    samples: &'a mut Samples,
    labels: Labels,
    event: (EventId, Timestamp),
    present: u128,
    wide: u128,
    start: usize,
}

impl<'a> Packer<'a> {
    pub(super) fn new(samples: &'a mut Samples) -> Self {
        let start = samples.words.len();
        // The event comes when it is known.
        samples.words.push(0);
        let event = Default::default();
        Self { samples, labels: [0; SAMPLE_COLUMNS], event, present: 0, wide: 0, start }
    }

    #[inline]
    fn short(&mut self, column: usize, number: u32) {
        self.present |= 1 << column;
        self.samples.words.push(number);
    }

    #[inline]
    fn wide(&mut self, column: usize, number: u64) {
        self.present |= 1 << column;
        self.wide |= 1 << column;
        self.samples.words.extend([number as u32, (number >> 32) as u32]);
    }

    pub(super) fn finish(self) {
        let Self { samples, labels, event, present, wide, start } = self;
        if samples.events.last() != Some(&event) {
            samples.events.push(event);
        }
        samples.words[start] = samples.events.len() as u32 - 1;
        let (shape, is_new) = samples.shapes.number(&(present, wide), |shape| *shape);
        if is_new {
            samples.places.push(Shape::new(present, wide));
        }
        let labels = samples.labels.number(&labels, |labels| *labels).0;
        samples.rows.push(Place { start, shape, labels });
    }
}

impl Shape {
    fn new(present: u128, wide: u128) -> Self {
        let mut places = [NOWHERE; SAMPLE_COLUMNS];
        // After the event.
        let mut next = 1;
        for (column, place) in places.iter_mut().enumerate().filter(|(column, _)| present >> column & 1 == 1)
        {
            *place = next;
            next += 1 + (wide >> column & 1) as u8;
        }
        Self { places, wide }
    }
}

/// One sample: a method for each column, with what the column of [`SampleRow`] is said to mean.
#[derive(Clone, Copy)]
pub struct Sample<'a> {
    pub(super) samples: &'a Samples,
    place: Place,
}

impl<'a> Sample<'a> {
    /// Whether a column that may be empty is not.
    #[inline]
    fn has(self, column: usize) -> bool {
        self.label(column) > 0 || self.shape().places[column] != NOWHERE
    }

    #[inline]
    fn shape(self) -> &'a Shape {
        &self.samples.places[self.place.shape as usize]
    }

    #[inline]
    fn label(self, column: usize) -> u32 {
        self.samples.labels.all[self.place.labels as usize][column]
    }

    /// The word that says which of the JSON texts is its own.
    fn json_place(self) -> Option<usize> {
        let place = self.shape().places[SampleRow::REMOTE];
        (place != NOWHERE).then(|| self.place.start + usize::from(place))
    }

    fn id_at(self, column: usize) -> Uuid {
        let at = self.label(column) as usize;
        at.checked_sub(1).map_or(Uuid::nil(), |at| self.samples.ids.all[at])
    }

    fn text_at(self, column: usize) -> &'a str {
        let at = self.label(column) as usize;
        at.checked_sub(1).map_or("", |at| &self.samples.texts.all[at])
    }

    fn event(self) -> (EventId, Timestamp) {
        self.samples.events[self.samples.words[self.place.start] as usize]
    }

    #[inline]
    fn number(self, column: usize) -> Number {
        let shape = self.shape();
        let at = self.place.start + usize::from(shape.places[column]);
        let word = self.samples.words[at];
        if shape.wide >> column & 1 == 0 {
            Number::Short(word)
        } else {
            Number::Wide(u64::from(word) | u64::from(self.samples.words[at + 1]) << 32)
        }
    }
}

impl PartialEq for Sample<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.to_row() == other.to_row()
    }
}

impl fmt::Debug for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_row().fmt(f)
    }
}

impl Samples {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Sample<'_>> + ExactSizeIterator + Clone {
        self.rows.iter().map(|place| Sample { samples: self, place: *place })
    }

    /// The one at a place in that order.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn at(&self, place: usize) -> Sample<'_> {
        Sample { samples: self, place: self.rows[place] }
    }

    /// The last one.
    pub fn last(&self) -> Option<Sample<'_>> {
        self.iter().next_back()
    }

    /// Leaves those for which something holds.
    pub fn retain(&mut self, holds: impl Fn(Sample<'_>) -> bool) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain(|place| holds(Sample { samples: self, place: *place }));
        self.rows = rows;
    }

    /// Brings them into an order.
    pub fn sort_by_cached_key<K: Ord>(&mut self, key: impl Fn(Sample<'_>) -> K) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_by_cached_key(|place| key(Sample { samples: self, place: *place }));
        self.rows = rows;
    }

    /// Changes each of them, and leaves those for which it is so said.
    pub fn edit(&mut self, mut change: impl FnMut(&mut SampleRow) -> bool) {
        let mut edited = Self::default();
        for sample in self.iter() {
            let mut row = sample.to_row();
            if change(&mut row) {
                edited.push(&row);
            }
        }
        *self = edited;
    }

    /// Changes texts and ids, but for those of events, by nothing else than texts and ids: rows with the same are
    /// changed once. JSON is changed apart from the rest, and stays where it is.
    pub fn change_texts(&mut self, mut change: impl FnMut(&mut SampleRow)) {
        let mut changed = Self::default();
        // By the numbers that they had.
        let mut labels: Vec<Option<u32>> = vec![None; self.labels.all.len()];
        let mut texts: Vec<Option<u32>> = vec![None; self.json_ends.len()];
        for sample in self.iter() {
            let label = &mut labels[sample.place.labels as usize];
            // Rows that follow each other may share one.
            let text = sample.json_place().and_then(|at| texts.get_mut(self.words[at] as usize));
            let text = text.filter(|text| text.is_none());
            if label.is_some() && text.is_none() {
                continue;
            }
            let mut row = if label.is_none() { sample.to_row() } else { SampleRow::default() };
            row.remote = text.is_some().then(|| sample.remote().map(Packed::owned)).flatten();
            change(&mut row);
            let json = row.remote.take();
            if let Some(text) = text {
                *text = Some(changed.add_json(json.as_ref().map_or("", |json| &json.0)));
            }
            if label.is_none() {
                changed.push(&row);
                *label = changed.rows.last().map(|place| place.labels);
            }
        }
        let mut rows = std::mem::take(&mut self.rows);
        for place in &mut rows {
            if let Some(at) = (Sample { samples: self, place: *place }).json_place() {
                self.words[at] = texts[self.words[at] as usize].unwrap_or_default();
            }
            place.labels = labels[place.labels as usize].unwrap_or_default();
        }
        self.rows = rows;
        (self.labels, self.texts, self.ids) = (changed.labels, changed.texts, changed.ids);
        (self.json, self.json_ends) = (changed.json, changed.json_ends);
    }

    /// Adds rows of a batch of columns.
    pub(super) fn add_batch(&mut self, batch: &RecordBatch, which: Range<usize>) -> Result<(), Mismatch> {
        SampleRow::pack_batch(batch, which, self)
    }

    /// Hands over bytes that are the same for the same samples that came in the same way, and for no others.
    pub fn digest(&self, hasher: &mut blake3::Hasher) {
        let mut add = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        };
        let mut bytes = Vec::new();
        for rows in self.rows.chunks(1024) {
            bytes.clear();
            for place in rows {
                bytes.extend_from_slice(&(place.start as u64).to_le_bytes());
                bytes.extend_from_slice(&place.shape.to_le_bytes());
                bytes.extend_from_slice(&place.labels.to_le_bytes());
            }
            add(&bytes);
        }
        for words in self.words.chunks(1024).chain(self.labels.all.iter().map(<[u32; _]>::as_slice)) {
            bytes.clear();
            bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            add(&bytes);
        }
        for (present, wide) in &self.shapes.all {
            add(&[present.to_le_bytes(), wide.to_le_bytes()].concat());
        }
        self.texts.all.iter().for_each(|text| add(text.as_bytes()));
        self.ids.all.iter().for_each(|id| add(id.as_bytes()));
        for (id, at) in &self.events {
            add(id.0.as_bytes());
            add(&at.as_micros().to_le_bytes());
        }
        add(self.json.as_bytes());
        self.json_ends.iter().for_each(|end| add(&(*end as u64).to_le_bytes()));
        let lengths = [
            self.rows.len(),
            self.words.len(),
            self.labels.all.len(),
            self.shapes.all.len(),
            self.texts.all.len(),
            self.ids.all.len(),
            self.events.len(),
            self.json_ends.len(),
        ];
        for length in lengths {
            add(&(length as u64).to_le_bytes());
        }
    }

    /// Notes a JSON text; gives its number.
    fn add_json(&mut self, text: &str) -> u32 {
        let last = self.json_ends.len();
        if last == 0 || self.json_at(last - 1) != text {
            self.json.push_str(text);
            self.json_ends.push(self.json.len());
        }
        self.json_ends.len() as u32 - 1
    }

    fn json_at(&self, number: usize) -> &str {
        let from = number.checked_sub(1).map_or(0, |before| self.json_ends[before]);
        &self.json[from..self.json_ends[number]]
    }
}

impl<'r> FromIterator<&'r SampleRow> for Samples {
    fn from_iter<I: IntoIterator<Item = &'r SampleRow>>(rows: I) -> Self {
        let mut samples = Self::default();
        rows.into_iter().for_each(|row| samples.push(row));
        samples
    }
}

impl PartialEq for Samples {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{table_bytes, write_samples};
    use proptest::prelude::*;

    fn numbers() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<f64>().prop_filter("equals itself", |number| !number.is_nan()),
            any::<i32>().prop_map(|whole| f64::from(whole) / 1e6),
            any::<i32>().prop_map(f64::from),
        ]
    }

    prop_compose! {
        fn row()(
            id in prop::option::of("[ab]?"), text in prop::option::of("[ab]{0,2}"), numbers in (numbers(), numbers()),
            ints in (any::<i64>(), prop::option::of(0..9i64)), flag in prop::option::of(any::<bool>()),
            at in prop::collection::vec(-9_000_000_000..9_000_000_000i64, 2), uuid in 0..3u128,
        ) -> SampleRow {
            SampleRow {
                event_id: EventId(Uuid::from_u128(uuid)),
                peer_id: (uuid > 0).then_some(ParticipantId(Uuid::from_u128(uuid))),
                place: ints.0,
                created_at: Timestamp::from_micros(at[0] / 1_000_000_000),
                timestamp: flag.map(|_| Timestamp::from_micros(at[1])),
                report: text.clone().unwrap_or_default(),
                from_summary: flag == Some(true),
                nominated: flag,
                jitter: ints.1.map(|_| numbers.0),
                round_trip_time: text.as_ref().map(|_| numbers.1),
                packets_lost: ints.1.map(|small| small - 4),
                remote: text.map(Json),
                id,
                ..SampleRow::default()
            }
        }
    }

    proptest! {
        #[test]
        fn samples_are_the_rows_that_they_were_made_of(rows in prop::collection::vec(row(), 0..40)) {
            let samples: Samples = rows.iter().collect();
            let debug = |rows: &[SampleRow]| format!("{rows:?}");
            let back: Vec<SampleRow> = samples.iter().map(Sample::to_row).collect();
            // As text, which tells the two zeros apart.
            prop_assert_eq!(debug(&back), debug(&rows));
            let mut bytes = Vec::new();
            write_samples(&samples, &mut bytes).unwrap();
            prop_assert_eq!(bytes, table_bytes(&rows).unwrap());
        }

        #[test]
        fn changed_together_they_are_as_if_each_was_changed(rows in prop::collection::vec(row(), 0..40)) {
            let mut samples: Samples = rows.iter().collect();
            samples.sort_by_cached_key(|sample| std::cmp::Reverse(sample.place()));
            let change = |row: &mut SampleRow| {
                row.report.make_ascii_uppercase();
                row.id = row.id.take().filter(|id| id == "a");
                row.peer_id = row.peer_id.map(|_| ParticipantId(Uuid::from_u128(7)));
                row.remote = row.remote.take().map(|Json(text)| Json(text.replace('a', "")));
            };
            let mut one_by_one = samples.clone();
            one_by_one.edit(|row| {
                change(row);
                row.event_id.0.as_u128() != 1
            });
            samples.change_texts(change);
            samples.retain(|sample| sample.event_id().0.as_u128() != 1);
            prop_assert_eq!(format!("{samples:?}"), format!("{one_by_one:?}"));
        }
    }

    #[test]
    fn a_digest_tells_samples_apart() {
        let digest = |rows: &[SampleRow]| {
            let mut hasher = blake3::Hasher::new();
            rows.iter().collect::<Samples>().digest(&mut hasher);
            hasher.finalize()
        };
        let row = SampleRow { bytes_sent: Some(1), kind: Some("audio".to_owned()), ..SampleRow::default() };
        let others = [
            SampleRow { bytes_sent: None, bytes_received: Some(1), ..row.clone() },
            SampleRow { bytes_sent: Some(2), ..row.clone() },
            SampleRow { kind: None, media_type: row.kind.clone(), ..row.clone() },
            SampleRow { kind: Some("video".to_owned()), ..row.clone() },
            SampleRow { created_at: Timestamp::from_micros(1), ..row.clone() },
            SampleRow { remote: Some(Json("{}".to_owned())), ..row.clone() },
        ];
        let known = digest(std::slice::from_ref(&row));
        assert_eq!(known, digest(std::slice::from_ref(&row)));
        for other in others {
            assert_ne!(known, digest(std::slice::from_ref(&other)), "{other:?}");
        }
        assert_ne!(known, digest(&[row.clone(), row]));
    }
}
