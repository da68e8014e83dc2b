//! PostgreSQL's binary `COPY` format, decoded in one pass over the buffers as they come from the socket.
//!
//! A field's bytes do not name their type; the catalog was checked before, so that the column's type of ours says how to
//! read them. Within a type the length tells the rest: `int4` from `int8`, and a version byte `jsonb` from `json`.

use std::borrow::Cow;
use std::io::BufRead;

use uuid::Uuid;

use crate::snapshot::{Cell, Fields, Mismatch, Value};
use crate::units::Timestamp;

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags, length of the header's extension.
const HEADER: usize = 19;
/// 2000-01-01, where PostgreSQL's clock begins, in microseconds since the Unix epoch.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

/// Why a stream could not be decoded.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// The bytes at hand end within a row.
    #[error("the stream ends within a row")]
    Incomplete,
    /// A field is not what its column should hold.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// This is no binary copy.
    #[error("{0}")]
    Malformed(&'static str),
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Another worker failed, this one stops.
    #[error("stopped")]
    Stopped,
}

/// Hands every row of a stream to `row`, which takes `columns` fields of it. Asks `stop` before each buffer.
pub(super) fn read_rows(
    source: &mut impl BufRead,
    columns: usize,
    stop: impl Fn() -> bool,
    mut row: impl FnMut(&mut Tuple<'_>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut decoder = Decoder { columns, begun: false, ended: false };
    // A row that lies across buffers. The server sends a row per buffer, so that this is almost always empty.
    let mut carry: Vec<u8> = Vec::new();
    loop {
        if stop() {
            return Err(WireError::Stopped);
        }
        let chunk = source.fill_buf()?;
        let length = chunk.len();
        if length == 0 {
            return if decoder.ended { Ok(()) } else { Err(WireError::Incomplete) };
        }
        if carry.is_empty() {
            let used = decoder.take(chunk, &mut row)?;
            carry.extend_from_slice(&chunk[used..]);
        } else {
            carry.extend_from_slice(chunk);
            let used = decoder.take(&carry, &mut row)?;
            carry.drain(..used);
        }
        source.consume(length);
    }
}

struct Decoder {
    columns: usize,
    begun: bool,
    ended: bool,
}

impl Decoder {
    /// Decodes all rows that lie wholly in `bytes`; returns how many bytes they took.
    fn take(
        &mut self,
        bytes: &[u8],
        row: &mut impl FnMut(&mut Tuple<'_>) -> Result<(), WireError>,
    ) -> Result<usize, WireError> {
        let mut used = 0;
        if !self.begun {
            let Some(header) = bytes.get(..HEADER) else { return Ok(0) };
            let (signature, rest) = header.split_at(SIGNATURE.len());
            if signature != SIGNATURE {
                return Err(WireError::Malformed("the stream is no binary copy"));
            }
            if rest != [0; 8] {
                return Err(WireError::Malformed("the stream's header has flags that are not known"));
            }
            self.begun = true;
            used = HEADER;
        }
        while !self.ended {
            let mut tuple = Tuple { rest: &bytes[used..] };
            let Ok(count) = tuple.bytes::<2>().map(i16::from_be_bytes) else { return Ok(used) };
            if count == -1 {
                self.ended = true;
                return Ok(bytes.len());
            }
            if usize::try_from(count) != Ok(self.columns) {
                return Err(WireError::Malformed("a row has another number of columns"));
            }
            match row(&mut tuple) {
                Ok(()) => used = bytes.len() - tuple.rest.len(),
                Err(WireError::Incomplete) => return Ok(used),
                Err(error) => return Err(error),
            }
        }
        Ok(bytes.len())
    }
}

/// The fields of one row that are still to be read.
pub(super) struct Tuple<'a> {
    rest: &'a [u8],
}

impl<'a> Tuple<'a> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(WireError::Incomplete)?;
        self.rest = rest;
        Ok(*head)
    }

    /// The next field's bytes; `None` for NULL.
    fn field(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        let length = i32::from_be_bytes(self.bytes()?);
        if length == -1 {
            return Ok(None);
        }
        let length =
            usize::try_from(length).map_err(|_| WireError::Malformed("a field has a negative length"))?;
        let (head, rest) = self.rest.split_at_checked(length).ok_or(WireError::Incomplete)?;
        self.rest = rest;
        Ok(Some(head))
    }
}

impl Fields for Tuple<'_> {
    type Error = WireError;

    fn next<T: Cell>(&mut self, column: &'static str) -> Result<T, WireError> {
        let mismatch = |found: String| Mismatch { column, expected: T::NAME, found };
        let Some(bytes) = self.field()? else {
            return Ok(T::from_value(Value::Null).ok_or_else(|| mismatch("NULL".to_owned()))?);
        };
        let text;
        let value = match T::NAME {
            "uuid" => Uuid::from_slice(bytes).ok().map(Value::Uuid),
            "text" => {
                text = text_of(bytes);
                Some(Value::Text(&text))
            }
            "json" => {
                // JSON text cannot begin with the byte 1, which is the version of jsonb.
                text = text_of(bytes.strip_prefix(&[1]).unwrap_or(bytes));
                Some(Value::Json(&text))
            }
            "integer" | "number" => integer(bytes).map(Value::Int),
            "boolean" => <[u8; 1]>::try_from(bytes).ok().map(|[byte]| Value::Bool(byte != 0)),
            "timestamp" => <[u8; 8]>::try_from(bytes).ok().map(|bytes| Value::Time(instant(bytes))),
            "uuid[]" => ids(bytes).map(Value::Ids),
            _ => None,
        };
        let value = value.and_then(T::from_value);
        Ok(value.ok_or_else(|| mismatch(format!("{} bytes that are none", bytes.len())))?)
    }
}

/// Only a database without an encoding holds text that is not UTF-8; better a few odd letters than no report.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    // Checking first is far faster than `from_utf8_lossy` alone.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn integer(bytes: &[u8]) -> Option<i64> {
    Some(match bytes.len() {
        2 => i16::from_be_bytes(bytes.try_into().ok()?).into(),
        4 => i32::from_be_bytes(bytes.try_into().ok()?).into(),
        _ => i64::from_be_bytes(bytes.try_into().ok()?),
    })
}

fn instant(bytes: [u8; 8]) -> Timestamp {
    Timestamp::from_micros(match i64::from_be_bytes(bytes) {
        // `-infinity`; its opposite is the largest number, which stays it.
        i64::MIN => i64::MIN,
        micros => micros.saturating_add(POSTGRES_EPOCH),
    })
}

/// A one-dimensional array of uuids: dimensions, whether there are nulls, the elements' type, length, first index.
fn ids(bytes: &[u8]) -> Option<Vec<Uuid>> {
    let mut tuple = Tuple { rest: bytes };
    let mut number = || tuple.bytes().ok().map(i32::from_be_bytes);
    let (dimensions, _nulls, _element) = (number()?, number()?, number()?);
    match dimensions {
        0 => Some(Vec::new()),
        1 => {
            let (length, _first) = (number()?, number()?);
            (0..length).map(|_| Uuid::from_slice(tuple.field().ok()??).ok()).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ParticipantId;
    use crate::snapshot::Json;
    use proptest::prelude::*;

    fn field(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as i32).to_be_bytes(), bytes].concat()
    }

    fn copy(rows: &[Vec<u8>], columns: i16) -> Vec<u8> {
        let mut stream = [&SIGNATURE[..], &[0; 8]].concat();
        for row in rows {
            stream.extend(columns.to_be_bytes());
            stream.extend(row);
        }
        stream.extend((-1i16).to_be_bytes());
        stream
    }

    fn one<T: Cell>(bytes: &[u8]) -> Result<T, WireError> {
        let mut found = None;
        let stream = copy(&[field(bytes)], 1);
        read_rows(
            &mut &stream[..],
            1,
            || false,
            |tuple| {
                found = Some(tuple.next("column")?);
                Ok(())
            },
        )?;
        Ok(found.unwrap())
    }

    #[test]
    fn each_type_is_decoded() {
        assert_eq!(one::<String>("naïve".as_bytes()).unwrap(), "naïve");
        assert_eq!(one::<String>(b"a\xff").unwrap(), "a\u{fffd}");
        assert_eq!(one::<Json>(b"\x01{}").unwrap(), Json("{}".to_owned()));
        assert_eq!(one::<Json>(b"[1]").unwrap(), Json("[1]".to_owned()));
        assert_eq!(one::<i64>(&(-2i16).to_be_bytes()).unwrap(), -2);
        assert_eq!(one::<i64>(&(-3i32).to_be_bytes()).unwrap(), -3);
        assert_eq!(one::<i64>(&(1i64 << 40).to_be_bytes()).unwrap(), 1 << 40);
        assert!(one::<bool>(&[1]).unwrap());
        let id = Uuid::from_u128(7);
        assert_eq!(one::<ParticipantId>(id.as_bytes()).unwrap().0, id);
    }

    #[test]
    fn times_count_from_2000_and_infinity_stays_at_the_end() {
        let time = |micros: i64| one::<Timestamp>(&micros.to_be_bytes()).unwrap();
        assert_eq!(time(1).rfc3339(), "2000-01-01T00:00:00.000001Z");
        assert_eq!(time(i64::MAX).as_micros(), i64::MAX);
        assert_eq!(time(i64::MIN).as_micros(), i64::MIN);
        assert_eq!(time(i64::MAX - 1).day().to_string(), "9999-12-30");
    }

    #[test]
    fn arrays_of_ids_may_be_empty() {
        let header = |words: &[i32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        assert_eq!(one::<Vec<ParticipantId>>(&header(&[0, 0, 2950])).unwrap(), []);
        let id = Uuid::from_u128(9);
        let array = [header(&[1, 0, 2950, 2, 1]), field(id.as_bytes()), field(id.as_bytes())].concat();
        assert_eq!(one::<Vec<ParticipantId>>(&array).unwrap(), [ParticipantId(id); 2]);
        assert!(one::<Vec<ParticipantId>>(&header(&[1, 0, 2950, 2, 1])).is_err());
        assert!(one::<Vec<ParticipantId>>(&header(&[2, 0, 2950])).is_err());
    }

    #[test]
    fn what_does_not_fit_is_an_error_with_the_columns_name() {
        let error = one::<i64>(b"abc").unwrap_err().to_string();
        assert_eq!(error, "column column holds 3 bytes that are none, expected integer");
        let stream = copy(&[(-1i32).to_be_bytes().to_vec()], 1);
        let read = |columns| {
            read_rows(&mut &stream[..], columns, || false, |tuple| tuple.next::<i64>("n").map(drop))
        };
        assert_eq!(read(1).unwrap_err().to_string(), "column n holds NULL, expected integer");
        assert!(matches!(read(2), Err(WireError::Malformed(_))));
        assert!(matches!(
            read_rows(&mut &b"no binary copy at all"[..], 1, || false, |_| Ok(())),
            Err(WireError::Malformed(_))
        ));
    }

    #[test]
    fn a_stream_that_ends_early_is_an_error() {
        let stream = copy(&[field(b"abc"), field(b"de")], 1);
        for length in 0..stream.len() {
            let read =
                read_rows(&mut &stream[..length], 1, || false, |tuple| tuple.next::<String>("t").map(drop));
            assert!(matches!(read, Err(WireError::Incomplete)), "{length}");
        }
        assert!(matches!(read_rows(&mut &stream[..], 1, || true, |_| Ok(())), Err(WireError::Stopped)));
    }

    proptest! {
        #[test]
        fn rows_are_the_same_however_the_stream_is_cut(
            texts in proptest::collection::vec(".{0,20}", 0..10), size in 1usize..50,
        ) {
            let rows: Vec<_> = texts.iter().map(|text| field(text.as_bytes())).collect();
            let stream = copy(&rows, 1);
            let mut found: Vec<String> = Vec::new();
            let mut source = std::io::BufReader::with_capacity(size, &stream[..]);
            read_rows(&mut source, 1, || false, |tuple| {
                found.push(tuple.next("text")?);
                Ok(())
            }).unwrap();
            prop_assert_eq!(found, texts);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let stream = [&SIGNATURE[..], &[0; 8], &bytes].concat();
            drop(read_rows(&mut &stream[..], 1, || false, |tuple| {
                tuple.next::<Vec<ParticipantId>>("ids").map(drop)
            }));
        }
    }
}
