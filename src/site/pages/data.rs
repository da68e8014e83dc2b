//! What there is to take away, what is in it, and how to query it.

use serde::Serialize;

use crate::site::chrome::{Content, Downloads, EXAMPLE_URL};
use crate::site::internals;
use crate::snapshot::{
    ConferenceRow, ConnectionRow, EventRow, IssueRow, ParticipantRow, Row, SampleRow, SessionRow,
};

/// The page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataPage {
    /// Absolute URL of the site, without a slash at its end.
    pub base: String,
    /// Whether that is only an example.
    pub is_example: bool,
    /// Which files are made.
    pub downloads: Downloads,
    /// What a dump for viewers of webrtc-internals lacks.
    pub missing: &'static [&'static str],
    /// The Parquet tables.
    pub tables: Vec<TableEntry>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableEntry {
    /// Its name.
    pub name: &'static str,
    /// Where it lies, with `<id>` for the id of a conference or app.
    pub path: String,
    /// What a row is.
    pub meaning: &'static str,
    /// Its columns: name, type, whether it may be null, meaning.
    pub columns: Vec<(&'static str, &'static str, bool, &'static str)>,
}

fn table<R: Row>(folder: &str) -> TableEntry {
    TableEntry {
        name: R::TABLE,
        path: format!("data/{folder}/<id>/{}.parquet", R::TABLE),
        meaning: R::MEANING.trim(),
        columns: R::columns()
            .into_iter()
            .map(|column| (column.name, column.kind, column.optional, column.meaning))
            .collect(),
    }
}

impl DataPage {
    /// With the settings of the build.
    pub fn new(base_url: Option<&str>, downloads: Downloads) -> Self {
        Self {
            base: base_url.unwrap_or(EXAMPLE_URL).trim_end_matches('/').to_owned(),
            is_example: base_url.is_none(),
            downloads,
            missing: &internals::MISSING,
            tables: vec![
                table::<SampleRow>("conferences"),
                table::<EventRow>("conferences"),
                table::<ConferenceRow>("apps"),
                table::<SessionRow>("apps"),
                table::<ConnectionRow>("apps"),
                table::<IssueRow>("apps"),
                table::<ParticipantRow>("apps"),
            ],
        }
    }
}

impl Content for DataPage {
    const KIND: &'static str = "data";
    const TEMPLATE: &'static str = "pages/data.html";

    fn title(&self) -> String {
        "Data to take away".to_owned()
    }

    fn description(&self) -> String {
        "The files of this report for other programs, and how to query them.".to_owned()
    }
}
