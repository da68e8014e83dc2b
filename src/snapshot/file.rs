//! Parquet files, one row group after the other: what is held of a file is the row group that is being collected.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{
    SerializedFileWriter, SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite,
};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use zstd::bulk::Compressor;
use zstd::zstd_safe::compress_bound;

use super::columns::{Column, Effort, Encoded, IdLists, Range, Store};
use super::rows::Row;

/// The level of compression: what a higher one saves is not worth its time.
const LEVEL: i32 = 1;
/// The level for JSON, of which there is much: a third more bytes in two thirds of the time.
const FAST_LEVEL: i32 = -2;
/// What is smaller than so many bytes is not compressed: it would hardly become smaller.
const WORTH_COMPRESSING: usize = 128;

/// A file that is being written.
pub(super) struct FileWriter<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    schema: SchemaDescriptor,
    pages: Pages,
}

impl<W: Write + Send> FileWriter<W> {
    /// A file of the rows of a table.
    pub(super) fn new<R: Row>(to: W) -> Result<Self> {
        let schema = ArrowSchemaConverter::new().convert(&R::schema())?;
        let mut properties = WriterProperties::builder().set_created_by("peerpress".to_owned()).build();
        add_encoded_arrow_schema_to_metadata(&R::schema(), &mut properties);
        let writer = SerializedFileWriter::new(to, schema.root_schema_ptr(), Arc::new(properties))?;
        Ok(Self { writer, schema, pages: Pages::new()? })
    }

    /// Begins a row group of so many rows, whose columns come next, in order.
    pub(super) fn row_group(&mut self, rows: usize) -> Result<RowGroup<'_, W>> {
        let group = self.writer.next_row_group()?;
        Ok(RowGroup { group, columns: self.schema.columns(), at: 0, rows, pages: &mut self.pages })
    }

    /// Adds the row groups of another file of the same table, as they are.
    pub(super) fn append(&mut self, file: &Bytes) -> Result<()> {
        let metadata = ParquetMetaDataReader::new().parse_and_finish(file)?;
        for from in metadata.row_groups() {
            let mut group = self.writer.next_row_group()?;
            for column in from.columns() {
                let close = ColumnCloseResult {
                    bytes_written: column.compressed_size() as u64,
                    rows_written: from.num_rows() as u64,
                    metadata: column.clone(),
                    bloom_filter: None,
                    column_index: None,
                    offset_index: None,
                };
                group.append_column(file, close)?;
            }
            group.close()?;
        }
        Ok(())
    }

    /// Ends the file.
    pub(super) fn finish(self) -> Result<W> {
        self.writer.into_inner()
    }
}

/// A row group that is being written.
pub struct RowGroup<'a, W: Write + Send> {
    group: SerializedRowGroupWriter<'a, W>,
    columns: &'a [ColumnDescPtr],
    at: usize,
    rows: usize,
    pages: &'a mut Pages,
}

/// The levels of a page.
struct Levels {
    values: usize,
    nulls: usize,
    repetition: Vec<u8>,
    definition: Vec<u8>,
}

impl<W: Write + Send> RowGroup<'_, W> {
    /// Writes the next column, of which nothing is left.
    pub(super) fn column<S: Store>(&mut self, column: &mut Column<S>) -> Result<()> {
        let count = column.count();
        let levels = column.levels(self.rows);
        let is_optional = self.columns.get(self.at).is_some_and(|column| column.max_def_level() > 0);
        if !is_optional && count < self.rows {
            return Err(ParquetError::General("a value is missing".to_owned()));
        }
        let levels = Levels {
            values: self.rows,
            nulls: self.rows - count,
            repetition: Vec::new(),
            definition: if is_optional { levels } else { Vec::new() },
        };
        self.chunk(levels, column.store.encode())?;
        column.clear();
        Ok(())
    }

    /// The same of a column of lists.
    pub(super) fn lists(&mut self, column: &mut IdLists) -> Result<()> {
        let (values, repetition, definition, encoded) = column.encode();
        self.chunk(Levels { values, nulls: 0, repetition, definition }, encoded)?;
        column.clear();
        Ok(())
    }

    fn chunk(&mut self, levels: Levels, encoded: Encoded<'_>) -> Result<()> {
        let column = self.columns.get(self.at).cloned();
        let column = column.ok_or_else(|| ParquetError::General("too many columns".to_owned()))?;
        self.at += 1;
        let (bytes, close) = self.pages.chunk(column, self.rows, levels, encoded)?;
        self.group.append_column(&bytes, close)
    }

    /// Ends the row group.
    pub(super) fn finish(self) -> Result<()> {
        self.group.close().map(drop)
    }
}

/// Makes the bytes of a column's pages.
struct Pages {
    into: TrackedWrite<Vec<u8>>,
    usual: Compressor<'static>,
    fast: Compressor<'static>,
    /// Room for what is being compressed.
    room: Vec<u8>,
}

impl Pages {
    fn new() -> Result<Self> {
        Ok(Self {
            into: TrackedWrite::new(Vec::new()),
            usual: Compressor::new(LEVEL)?,
            fast: Compressor::new(FAST_LEVEL)?,
            room: Vec::new(),
        })
    }

    /// `before` as it is, then `bytes`, compressed if they are to be.
    fn body(&mut self, effort: Effort, before: &[u8], bytes: &[u8]) -> Result<Bytes> {
        let compressor = match effort {
            Effort::None => return Ok([before, bytes].concat().into()),
            Effort::Fast => &mut self.fast,
            Effort::Usual => &mut self.usual,
        };
        let bound = compress_bound(bytes.len());
        if self.room.len() < bound {
            self.room.resize(bound, 0);
        }
        let length = compressor.compress_to_buffer(bytes, &mut self.room[..])?;
        Ok([before, &self.room[..length]].concat().into())
    }

    /// The bytes of a column in a row group: a dictionary page, if there is one, and one data page.
    fn chunk(
        &mut self,
        column: ColumnDescPtr,
        rows: usize,
        levels: Levels,
        encoded: Encoded<'_>,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        let length = encoded.values.len() + encoded.dictionary.as_ref().map_or(0, |(bytes, _)| bytes.len());
        let effort = if length < WORTH_COMPRESSING { Effort::None } else { encoded.effort };
        let (mut uncompressed_size, mut dictionary_size) = (0, None);
        let mut encodings = vec![Encoding::RLE, encoded.encoding];
        if let Some((bytes, entries)) = &encoded.dictionary {
            let page = Page::DictionaryPage {
                buf: self.body(effort, &[], bytes)?,
                num_values: *entries as u32,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            let spec = self.page(page, bytes.len())?;
            uncompressed_size += spec.uncompressed_size;
            dictionary_size = Some(spec.compressed_size);
            encodings.push(Encoding::PLAIN);
        }
        let mut before = levels.repetition;
        let repetition = before.len();
        before.extend_from_slice(&levels.definition);
        let of_page = if encoded.values.is_empty() { Effort::None } else { effort };
        let page = Page::DataPageV2 {
            buf: self.body(of_page, &before, &encoded.values)?,
            num_values: levels.values as u32,
            encoding: encoded.encoding,
            num_nulls: levels.nulls as u32,
            num_rows: rows as u32,
            def_levels_byte_len: levels.definition.len() as u32,
            rep_levels_byte_len: repetition as u32,
            is_compressed: of_page != Effort::None,
            statistics: None,
        };
        uncompressed_size += self.page(page, before.len() + encoded.values.len())?.uncompressed_size;
        self.into.flush()?;
        let bytes = Bytes::from(std::mem::take(self.into.inner_mut()));
        let compression = match effort {
            Effort::None => Compression::UNCOMPRESSED,
            Effort::Fast | Effort::Usual => Compression::ZSTD(ZstdLevel::default()),
        };
        let mut metadata = ColumnChunkMetaData::builder(column)
            .set_encodings(encodings)
            .set_compression(compression)
            .set_num_values(levels.values as i64)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(uncompressed_size as i64)
            .set_dictionary_page_offset(dictionary_size.map(|_| 0))
            .set_data_page_offset(dictionary_size.unwrap_or_default() as i64);
        if let Some(range) = encoded.range {
            metadata = metadata.set_statistics(statistics(range, levels.nulls as u64));
        }
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((bytes, close))
    }

    fn page(&mut self, page: Page, uncompressed: usize) -> Result<PageWriteSpec> {
        SerializedPageWriter::new(&mut self.into).write_page(CompressedPage::new(page, uncompressed))
    }
}

fn statistics(range: Range, nulls: u64) -> Statistics {
    match range {
        Range::Ints(min, max) => Statistics::int64(Some(min), Some(max), None, Some(nulls), false),
        Range::Bytes(min, max) => {
            Statistics::byte_array(Some(min.into()), Some(max.into()), None, Some(nulls), false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns::Slot;
    use super::super::rows::{ConferenceRow, EventRow, SampleColumns, SampleRow};
    use super::super::store::table_bytes;
    use super::super::{Json, TableWriter};
    use super::*;
    use crate::ids::{ConferenceId, EventId, ParticipantId};
    use crate::units::Timestamp;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use proptest::prelude::*;
    use uuid::Uuid;

    /// The rows of a file, by the library's reader, and how many row groups it has.
    fn read<R: Row>(bytes: Vec<u8>) -> (Vec<R>, usize) {
        let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
        let groups = builder.metadata().num_row_groups();
        let mut rows = Vec::new();
        for batch in builder.with_batch_size(1000).build().unwrap() {
            let batch = batch.unwrap();
            R::from_batch(&batch, 0..batch.num_rows(), &mut rows).unwrap();
        }
        (rows, groups)
    }

    #[track_caller]
    fn check<R: Row + PartialEq + std::fmt::Debug>(rows: &[R]) {
        assert!(read::<R>(table_bytes(rows).unwrap()).0 == rows, "{} rows", rows.len());
    }

    #[test]
    fn a_file_of_the_row_groups_of_others_has_their_rows_in_order() {
        let all = samples(700, 3);
        let mut whole = TableWriter::new().unwrap();
        whole.write(&all[..10]).unwrap();
        for rows in [&all[10..400], &[], &all[400..]] {
            whole.append(table_bytes(rows).unwrap()).unwrap();
        }
        let (rows, groups) = read::<SampleRow>(whole.finish().unwrap());
        assert_eq!(groups, 3);
        assert!(rows == all);
        let mut other = TableWriter::<SampleRow>::new().unwrap();
        assert!(other.append(b"no Parquet".to_vec()).is_err());
    }

    /// Numbers that look like chance, the same each time.
    fn chance(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        }
    }

    /// Rows of which columns have all values, none, some, and runs of the same.
    fn samples(count: usize, seed: u64) -> Vec<SampleRow> {
        let mut chance = chance(seed);
        let mut rows = Vec::new();
        for at in 0..count {
            let id = |number: u64| Uuid::from_u128(u128::from(number) << 60 | 7);
            let word = ["", "a", "relay", "größer", "inbound-rtp"][chance(5) as usize];
            rows.push(SampleRow {
                conference_id: ConferenceId(id(at as u64 / 100)),
                event_id: EventId(id(at as u64)),
                place: chance(3) as i64,
                created_at: Timestamp::from_micros(1_792_394_144_502_603 + at as i64 * 5_000_000),
                peer_id: (chance(4) > 0).then(|| ParticipantId(id(chance(300)))),
                report: word.to_owned(),
                kind: (at % 40 < 20).then(|| word.to_owned()),
                id: Some(chance(1_000_000).to_string()),
                mime_type: Some("audio/opus".to_owned()),
                bytes_sent: (chance(2) > 0).then(|| at as i64 * chance(900) as i64),
                packets_lost: (chance(9) == 0).then(|| [i64::MIN, -1, 0, i64::MAX][chance(4) as usize]),
                jitter: (chance(2) > 0).then(|| chance(1000) as f64 / 1e3 - 0.5),
                emos: (at == count / 2).then_some(-0.0),
                nominated: (chance(3) > 0).then(|| chance(2) > 0),
                selected: chance(2) > 0,
                remote: (chance(5) == 0).then(|| Json("[1]".repeat(chance(50) as usize))),
                ..SampleRow::default()
            });
        }
        rows
    }

    #[test]
    fn what_is_written_is_read_however_many_rows_there_are() {
        for count in [0, 1, 7, 8, 9, 31, 32, 33, 34, 127, 128, 129, 130, 161, 1000, 1025, 4096] {
            check(&samples(count, count as u64));
        }
    }

    #[test]
    fn row_groups_end_after_so_many_rows_or_bytes_and_bytes_do_not_depend_on_how_rows_come() {
        let rows = samples(40_000, 1);
        let bytes = table_bytes(&rows).unwrap();
        let (read_back, groups) = read::<SampleRow>(bytes.clone());
        assert!(read_back == rows);
        assert_eq!(groups, 3);
        let mut writer = TableWriter::new().unwrap();
        rows.chunks(7).for_each(|few| writer.write(few).unwrap());
        assert!(writer.finish().unwrap() == bytes);

        let event = |at: u128| EventRow {
            id: EventId(Uuid::from_u128(at)),
            data: Some(Json(format!("\"{}\"", "x".repeat(1 << 20)))),
            ..EventRow::default()
        };
        let rows: Vec<EventRow> = (0..9).map(event).collect();
        let (read_back, groups) = read::<EventRow>(table_bytes(&rows).unwrap());
        assert!(read_back == rows);
        assert_eq!(groups, 3);
    }

    #[test]
    fn lists_may_be_empty_and_long() {
        for lengths in [&[][..], &[0], &[0, 0, 0], &[3], &[0, 1, 0, 2, 500, 0], &[1; 40]] {
            let row = |length: &usize| ConferenceRow {
                participants: (0..*length)
                    .map(|at| ParticipantId(Uuid::from_u128(at as u128 % 90)))
                    .collect(),
                ..ConferenceRow::default()
            };
            check(&lengths.iter().map(row).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_value_that_is_set_again_replaces_the_first() {
        let mut columns = SampleColumns::default();
        for row in 0..3 {
            columns.bytes_sent.put(row, Some(row as i64));
            columns.bytes_sent.put(row, (row != 1).then_some(7));
            columns.mid.put(row, Some("first"));
            columns.mid.put(row, (row == 1).then_some("second"));
            columns.remote.put(row, Some("[1]"));
            columns.remote.put(row, (row > 0).then_some("[2,3]"));
        }
        let counts = (columns.bytes_sent.count(), columns.mid.count(), columns.remote.count());
        assert_eq!(counts, (2, 1, 2));
        assert_eq!(columns.bytes_sent.levels(3), [3, 0b101]);
        assert_eq!(columns.mid.levels(3), [3, 0b010]);
        assert_eq!(*columns.remote.store.encode().values, *b"\x05\0\0\0[2,3]\x05\0\0\0[2,3]");
    }

    proptest! {
        #[test]
        fn integers_and_words_of_any_kind_come_back(
            ints in proptest::collection::vec(proptest::option::of(any::<i64>()), 0..400),
            shift in 0u32..64,
            words in proptest::collection::vec(proptest::option::of("[ab]{0,3}"), 1..20),
        ) {
            let row = |(at, int): (usize, &Option<i64>)| SampleRow {
                bytes_sent: int.map(|int| int >> shift),
                mid: words[at % words.len()].clone(),
                ..SampleRow::default()
            };
            let rows: Vec<SampleRow> = ints.iter().enumerate().map(row).collect();
            prop_assert!(read::<SampleRow>(table_bytes(&rows).unwrap()).0 == rows);
        }
    }
}
