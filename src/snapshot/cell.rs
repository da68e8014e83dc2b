//! One value of a row, and how its type lies in a Parquet column. [`super::rows`] builds tables from these.

use std::io::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{
    Array, BooleanArray, Float64Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, TimeUnit};
use parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::columns::{Bools, Column, Floats, IdLists, Ids, Ints, Slot, Store, Texts, Words};
use super::file::RowGroup;
use crate::ids::{
    AppId, ConferenceId, ConnectionId, EventId, IssueId, OrganizationId, ParticipantId, SessionId, TrackId,
};
use crate::units::Timestamp;

/// A value as a source hands it over, before it has a type of ours.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// SQL NULL.
    Null,
    /// A row's id.
    Uuid(Uuid),
    /// Text.
    Text(&'a str),
    /// JSON text.
    Json(&'a str),
    /// Any integer.
    Int(i64),
    /// A boolean.
    Bool(bool),
    /// An instant.
    Time(Timestamp),
    /// A list of ids.
    Ids(Vec<Uuid>),
}

/// A value that does not fit its column.
#[derive(Debug, thiserror::Error)]
#[error("column {column} holds {found}, expected {expected}")]
pub struct Mismatch {
    /// The column.
    pub column: &'static str,
    /// The type that the column should have.
    pub expected: &'static str,
    /// What was there instead.
    pub found: String,
}

/// JSON text, kept as the database gave it: valid JSON, parsed only by those who need a member of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Json(pub String);

impl Json {
    /// The text as a value that serialises as itself, whatever its numbers and depth.
    pub fn raw(&self) -> &serde_json::value::RawValue {
        // The text was JSON when it came in; if a damaged snapshot says otherwise, `null` is the safe reading.
        serde_json::from_str(&self.0).unwrap_or(serde_json::value::RawValue::NULL)
    }

    /// The parsed value; `None` where it nests too deeply or holds a number out of range.
    pub fn parse(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&self.0).ok()
    }
}

/// A type that can be a column.
pub trait Cell: Sized {
    /// The type's name in messages.
    const NAME: &'static str;
    /// Whether the column may hold nulls.
    const NULLABLE: bool = false;
    /// Collects the column's values.
    type Column: Collect + Default;

    /// The Arrow type of the column.
    fn data_type() -> DataType;
    /// Adds `self` as the value of row `row`, which is the last one.
    fn append(&self, row: usize, column: &mut Self::Column);
    /// Reads values of a column.
    type Reader<'a>;

    /// What reads a column; `None` if it is of another type.
    fn reader(array: &dyn Array) -> Option<Self::Reader<'_>>;
    /// The value in row `row`; `None` if it does not fit.
    fn get(reader: &Self::Reader<'_>, row: usize) -> Option<Self>;
    /// From a source's value; `None` if it does not fit.
    fn from_value(value: Value<'_>) -> Option<Self>;
}

/// A column as it is collected and written.
pub trait Collect {
    /// The bytes that are held beyond a few per value.
    fn weight(&self) -> usize;
    /// Writes the rows of a row group, of which none is left.
    fn write<W: Write + Send>(&mut self, group: &mut RowGroup<'_, W>) -> Result<(), ParquetError>;
}

impl<S: Store> Collect for Column<S> {
    #[inline]
    fn weight(&self) -> usize {
        self.store.weight()
    }

    fn write<W: Write + Send>(&mut self, group: &mut RowGroup<'_, W>) -> Result<(), ParquetError> {
        group.column(self)
    }
}

impl Collect for IdLists {
    fn weight(&self) -> usize {
        0
    }

    fn write<W: Write + Send>(&mut self, group: &mut RowGroup<'_, W>) -> Result<(), ParquetError> {
        group.lists(self)
    }
}

/// Fields of a row take values as its columns do.
macro_rules! slot {
    ($value:ty => $($type:ty)*) => {$(
        impl Slot<$value> for $type {
            fn put(&mut self, _row: usize, value: Option<$value>) {
                if let Some(value) = value {
                    *self = value;
                }
            }
        }

        impl Slot<$value> for Option<$type> {
            fn put(&mut self, _row: usize, value: Option<$value>) {
                *self = value;
            }
        }
    )*};
}

slot! { i64 => i64 }
slot! { f64 => f64 }
slot! { bool => bool }
slot! { Timestamp => Timestamp }

impl<'a> Slot<&'a str> for String {
    fn put(&mut self, _row: usize, value: Option<&'a str>) {
        value.unwrap_or_default().clone_into(self);
    }
}

impl<'a> Slot<&'a str> for Option<String> {
    fn put(&mut self, _row: usize, value: Option<&'a str>) {
        *self = value.map(str::to_owned);
    }
}

impl<'a> Slot<&'a str> for Option<Json> {
    fn put(&mut self, _row: usize, value: Option<&'a str>) {
        *self = value.map(|text| Json(text.to_owned()));
    }
}

macro_rules! id_cell {
    ($($name:ident)*) => {$(
        slot! { $name => $name }

        impl Cell for $name {
            const NAME: &'static str = "uuid";
            type Column = Column<Ids>;

            fn data_type() -> DataType {
                DataType::Utf8
            }

            fn append(&self, row: usize, column: &mut Self::Column) {
                column.put(row, Some(*self));
            }

            type Reader<'a> = &'a StringArray;

            fn reader(array: &dyn Array) -> Option<&StringArray> {
                array.as_string_opt()
            }

            fn get(reader: &&StringArray, row: usize) -> Option<Self> {
                let valid = reader.is_valid(row).then(|| reader.value(row))?;
                Uuid::try_parse(valid).ok().map(Self)
            }

            fn from_value(value: Value<'_>) -> Option<Self> {
                match value {
                    Value::Uuid(uuid) => Some(Self(uuid)),
                    _ => None,
                }
            }
        }
    )*};
}

id_cell! { OrganizationId AppId ConferenceId ParticipantId SessionId ConnectionId TrackId EventId IssueId }

macro_rules! text_cell {
    ($type:ty, $name:literal, $column:ty, $variant:ident, $view:expr, $make:expr) => {
        impl Cell for $type {
            const NAME: &'static str = $name;
            type Column = Column<$column>;

            fn data_type() -> DataType {
                DataType::Utf8
            }

            fn append(&self, row: usize, column: &mut Self::Column) {
                let view: fn(&$type) -> &str = $view;
                column.put(row, Some(view(self)));
            }

            type Reader<'a> = &'a StringArray;

            fn reader(array: &dyn Array) -> Option<&StringArray> {
                array.as_string_opt()
            }

            fn get(reader: &&StringArray, row: usize) -> Option<Self> {
                reader.is_valid(row).then(|| $make(reader.value(row)))
            }

            fn from_value(value: Value<'_>) -> Option<Self> {
                match value {
                    Value::$variant(text) => Some($make(text)),
                    _ => None,
                }
            }
        }
    };
}

text_cell!(String, "text", Words, Text, |text| text, |text: &str| text.to_owned());
text_cell!(Json, "json", Texts, Json, |json| &json.0, |text: &str| Json(text.to_owned()));

macro_rules! primitive_cell {
    ($type:ty, $name:literal, $column:ty, $array:ty, $data_type:expr, $make:expr, $variant:pat => $value:expr) => {
        impl Cell for $type {
            const NAME: &'static str = $name;
            type Column = Column<$column>;

            fn data_type() -> DataType {
                $data_type
            }

            fn append(&self, row: usize, column: &mut Self::Column) {
                column.put(row, Some(*self));
            }

            type Reader<'a> = &'a $array;

            fn reader(array: &dyn Array) -> Option<&$array> {
                array.as_any().downcast_ref()
            }

            fn get(reader: &&$array, row: usize) -> Option<Self> {
                reader.is_valid(row).then(|| $make(reader.value(row)))
            }

            fn from_value(value: Value<'_>) -> Option<Self> {
                match value {
                    $variant => Some($value),
                    _ => None,
                }
            }
        }
    };
}

primitive_cell!(
    bool, "boolean", Bools, BooleanArray, DataType::Boolean, |flag| flag,
    Value::Bool(value) => value
);
primitive_cell!(
    i64, "integer", Ints, Int64Array, DataType::Int64, |number| number,
    Value::Int(value) => value
);
primitive_cell!(
    f64, "number", Floats, Float64Array, DataType::Float64, |number| number,
    Value::Int(value) => value as f64
);
primitive_cell!(
    Timestamp, "timestamp", Ints, TimestampMicrosecondArray,
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), Timestamp::from_micros,
    Value::Time(time) => time
);

impl Cell for Vec<ParticipantId> {
    const NAME: &'static str = "uuid[]";
    type Column = IdLists;

    fn data_type() -> DataType {
        DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
    }

    fn append(&self, _row: usize, column: &mut Self::Column) {
        column.push(self.iter().map(|id| id.0));
    }

    type Reader<'a> = (&'a ListArray, &'a StringArray);

    fn reader(array: &dyn Array) -> Option<(&ListArray, &StringArray)> {
        let lists: &ListArray = array.as_list_opt()?;
        Some((lists, lists.values().as_string_opt()?))
    }

    fn get((lists, ids): &(&ListArray, &StringArray), row: usize) -> Option<Self> {
        let [from, to] = [row, row + 1].map(|at| lists.value_offsets()[at] as usize);
        (from..to).map(|at| ParticipantId::get(ids, at)).collect()
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Ids(ids) => Some(ids.into_iter().map(ParticipantId).collect()),
            // An aggregate over no rows.
            Value::Null => Some(Self::new()),
            _ => None,
        }
    }
}

impl<T: Cell> Cell for Option<T> {
    const NAME: &'static str = T::NAME;
    const NULLABLE: bool = true;
    type Column = T::Column;

    fn data_type() -> DataType {
        T::data_type()
    }

    fn append(&self, row: usize, column: &mut Self::Column) {
        if let Some(value) = self {
            value.append(row, column);
        }
    }

    /// None where every value is null, which is so in most columns of samples.
    type Reader<'a> = Option<(&'a dyn Array, T::Reader<'a>)>;

    fn reader(array: &dyn Array) -> Option<Self::Reader<'_>> {
        let reader = T::reader(array)?;
        Some((array.null_count() < array.len()).then_some((array, reader)))
    }

    fn get(reader: &Self::Reader<'_>, row: usize) -> Option<Self> {
        match reader {
            Some((array, reader)) if array.is_valid(row) => T::get(reader, row).map(Some),
            _ => Some(None),
        }
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}
