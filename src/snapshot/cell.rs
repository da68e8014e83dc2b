//! One value of a row, and how its type lies in a Parquet column. [`super::rows`] builds tables from these.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field, TimeUnit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    type Builder: Default;

    /// The Arrow type of the column.
    fn data_type() -> DataType;
    /// Appends `self`.
    fn append(&self, builder: &mut Self::Builder);
    /// Appends a null.
    fn append_null(builder: &mut Self::Builder);
    /// The finished column.
    fn finish(builder: Self::Builder) -> ArrayRef;
    /// The value in row `row` of a column whose type was checked; `None` if it does not fit.
    fn get(array: &ArrayRef, row: usize) -> Option<Self>;
    /// From a source's value; `None` if it does not fit.
    fn from_value(value: Value<'_>) -> Option<Self>;
}

macro_rules! id_cell {
    ($($name:ident)*) => {$(
        impl Cell for $name {
            const NAME: &'static str = "uuid";
            type Builder = StringBuilder;

            fn data_type() -> DataType {
                DataType::Utf8
            }

            fn append(&self, builder: &mut Self::Builder) {
                let mut buffer = Uuid::encode_buffer();
                builder.append_value(&*self.0.hyphenated().encode_lower(&mut buffer));
            }

            fn append_null(builder: &mut Self::Builder) {
                builder.append_null();
            }

            fn finish(mut builder: Self::Builder) -> ArrayRef {
                Arc::new(builder.finish())
            }

            fn get(array: &ArrayRef, row: usize) -> Option<Self> {
                Uuid::try_parse(array.as_string_opt::<i32>()?.value(row)).ok().map(Self)
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
    ($type:ty, $name:literal, $variant:ident, $view:expr, $make:expr) => {
        impl Cell for $type {
            const NAME: &'static str = $name;
            type Builder = StringBuilder;

            fn data_type() -> DataType {
                DataType::Utf8
            }

            fn append(&self, builder: &mut Self::Builder) {
                let view: fn(&$type) -> &str = $view;
                builder.append_value(view(self));
            }

            fn append_null(builder: &mut Self::Builder) {
                builder.append_null();
            }

            fn finish(mut builder: Self::Builder) -> ArrayRef {
                Arc::new(builder.finish())
            }

            fn get(array: &ArrayRef, row: usize) -> Option<Self> {
                array.as_string_opt::<i32>().map(|texts| $make(texts.value(row)))
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

text_cell!(String, "text", Text, |text| text, |text: &str| text.to_owned());
text_cell!(Json, "json", Json, |json| &json.0, |text: &str| Json(text.to_owned()));

macro_rules! primitive_cell {
    ($type:ty, $name:literal, $builder:ty, $data_type:expr, $append:expr, $get:expr, $variant:pat => $value:expr) => {
        impl Cell for $type {
            const NAME: &'static str = $name;
            type Builder = $builder;

            fn data_type() -> DataType {
                $data_type
            }

            fn append(&self, builder: &mut Self::Builder) {
                let append: fn(&mut $builder, $type) = $append;
                append(builder, *self);
            }

            fn append_null(builder: &mut Self::Builder) {
                builder.append_null();
            }

            fn finish(mut builder: Self::Builder) -> ArrayRef {
                Arc::new(builder.finish())
            }

            fn get(array: &ArrayRef, row: usize) -> Option<Self> {
                let get: fn(&ArrayRef, usize) -> Option<$type> = $get;
                get(array, row)
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
    bool, "boolean", BooleanBuilder, DataType::Boolean,
    |builder, value| builder.append_value(value),
    |array, row| array.as_boolean_opt().map(|values| values.value(row)),
    Value::Bool(value) => value
);
primitive_cell!(
    i64, "integer", Int64Builder, DataType::Int64,
    |builder, value| builder.append_value(value),
    |array, row| array.as_primitive_opt::<Int64Type>().map(|values| values.value(row)),
    Value::Int(value) => value
);
primitive_cell!(
    f64, "number", Float64Builder, DataType::Float64,
    |builder, value| builder.append_value(value),
    |array, row| array.as_primitive_opt::<Float64Type>().map(|values| values.value(row)),
    Value::Int(value) => value as f64
);

impl Cell for Timestamp {
    const NAME: &'static str = "timestamp";
    type Builder = TimestampMicrosecondBuilder;

    fn data_type() -> DataType {
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    }

    fn append(&self, builder: &mut Self::Builder) {
        builder.append_value(self.as_micros());
    }

    fn append_null(builder: &mut Self::Builder) {
        builder.append_null();
    }

    fn finish(mut builder: Self::Builder) -> ArrayRef {
        Arc::new(builder.finish().with_timezone("UTC"))
    }

    fn get(array: &ArrayRef, row: usize) -> Option<Self> {
        let times = array.as_primitive_opt::<TimestampMicrosecondType>()?;
        Some(Self::from_micros(times.value(row)))
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Time(time) => Some(time),
            _ => None,
        }
    }
}

impl Cell for Vec<ParticipantId> {
    const NAME: &'static str = "uuid[]";
    type Builder = ListBuilder<StringBuilder>;

    fn data_type() -> DataType {
        DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
    }

    fn append(&self, builder: &mut Self::Builder) {
        for id in self {
            id.append(builder.values());
        }
        builder.append(true);
    }

    fn append_null(builder: &mut Self::Builder) {
        builder.append(false);
    }

    fn finish(mut builder: Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }

    fn get(array: &ArrayRef, row: usize) -> Option<Self> {
        let ids = array.as_list_opt::<i32>()?.value(row);
        (0..ids.len()).map(|at| ParticipantId::get(&ids, at)).collect()
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
    type Builder = T::Builder;

    fn data_type() -> DataType {
        T::data_type()
    }

    fn append(&self, builder: &mut Self::Builder) {
        match self {
            Some(value) => value.append(builder),
            None => T::append_null(builder),
        }
    }

    fn append_null(builder: &mut Self::Builder) {
        T::append_null(builder);
    }

    fn finish(builder: Self::Builder) -> ArrayRef {
        T::finish(builder)
    }

    fn get(array: &ArrayRef, row: usize) -> Option<Self> {
        if array.is_null(row) { Some(None) } else { T::get(array, row).map(Some) }
    }

    fn from_value(value: Value<'_>) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}
