//! What we need of the database, checked against its catalog before anything is read, so that a wrong database is named
//! as such rather than by the first query that stumbles.

use std::collections::BTreeMap;

use super::error::SourceError;
use super::reader::Reader;

/// What kind of type a column must have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Uuid,
    Text,
    Json,
    Int,
    Bool,
    Time,
}

impl Kind {
    /// The types that will do, by their names in the catalog.
    const fn types(self) -> &'static [&'static str] {
        match self {
            Self::Uuid => &["uuid"],
            Self::Text => &["varchar", "text", "bpchar"],
            Self::Json => &["jsonb", "json"],
            Self::Int => &["int4", "int8", "int2"],
            Self::Bool => &["bool"],
            Self::Time => &["timestamptz"],
        }
    }

    /// The type in messages.
    const fn shown(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Text => "text",
            Self::Json => "jsonb",
            Self::Int => "integer",
            Self::Bool => "boolean",
            Self::Time => "timestamp with time zone",
        }
    }
}

use Kind::{Bool, Int, Json, Text, Time, Uuid};

/// A table and the columns of it that the queries use.
type Need = (&'static str, &'static [(&'static str, Kind)]);

#[rustfmt::skip]
const NEEDS: &[Need] = &[
    ("organization", &[("id", Uuid), ("name", Text), ("created_at", Time), ("is_active", Bool)]),
    ("app", &[
        ("id", Uuid), ("name", Text), ("domain", Text), ("interval", Int), ("recording", Bool),
        ("durations_days", Json), ("created_at", Time), ("is_active", Bool), ("organization_id", Uuid),
    ]),
    ("participant", &[
        ("id", Uuid), ("participant_id", Text), ("participant_name", Text), ("is_sfu", Bool), ("created_at", Time),
        ("is_active", Bool), ("app_id", Uuid),
    ]),
    ("participant_conferences", &[("id", Int), ("participant_id", Uuid), ("conference_id", Uuid)]),
    ("conference", &[
        ("id", Uuid), ("conference_id", Text), ("conference_name", Text), ("conference_info", Json),
        ("start_time", Time), ("call_start", Time), ("end_time", Time), ("ongoing", Bool), ("duration", Int),
        ("created_at", Time), ("is_active", Bool), ("app_id", Uuid),
    ]),
    ("summary", &[
        ("status", Text), ("version", Int), ("end_time", Time), ("data", Json), ("is_active", Bool),
        ("conference_id", Uuid),
    ]),
    ("app_session", &[
        ("id", Uuid), ("devices", Json), ("platform", Json), ("metadata", Json), ("geo_ip", Json),
        ("app_version", Text), ("webrtc_sdk", Text), ("session_info", Json), ("duration", Int), ("end_time", Time),
        ("call_start", Time), ("created_at", Time), ("is_active", Bool), ("conference_id", Uuid),
        ("participant_id", Uuid),
    ]),
    ("app_connection", &[
        ("id", Uuid), ("type", Text), ("state", Text), ("connection_info", Json), ("start_time", Time),
        ("end_time", Time), ("duration", Int), ("created_at", Time), ("is_active", Bool), ("conference_id", Uuid),
        ("participant_id", Uuid), ("peer_id", Uuid), ("session_id", Uuid),
    ]),
    ("app_track", &[
        ("id", Uuid), ("kind", Text), ("direction", Text), ("track_id", Text), ("label", Text), ("track_info", Json),
        ("created_at", Time), ("is_active", Bool), ("connection_id", Uuid), ("session_id", Uuid),
    ]),
    ("app_issue", &[
        ("id", Uuid), ("type", Text), ("code", Text), ("data", Json), ("created_at", Time), ("is_active", Bool),
        ("session_id", Uuid), ("conference_id", Uuid), ("participant_id", Uuid), ("connection_id", Uuid),
        ("track_id", Uuid),
    ]),
    ("app_genericevent", &[
        ("id", Uuid), ("type", Text), ("category", Text), ("data", Json), ("created_at", Time), ("is_active", Bool),
        ("app_id", Uuid), ("conference_id", Uuid), ("participant_id", Uuid), ("session_id", Uuid), ("peer_id", Uuid),
        ("connection_id", Uuid), ("track_id", Uuid),
    ]),
];

/// The table that holds secrets beside what we read: whoever follows our hint should not give more than needed.
const GRANT_BY_COLUMN: &str = "app";

/// The tables that are small enough to be read whole, so that nobody asks for the versions of their rows.
const READ_WHOLE: [&str; 3] = ["organization", "app", "participant"];

/// The system column that is another one after every change of a row.
const VERSION: &str = "xmin";

/// The names of all tables that are read.
pub(super) fn tables() -> Vec<&'static str> {
    NEEDS.iter().map(|(table, _)| *table).collect()
}

/// A table as the catalog has it.
#[derive(Default)]
struct Table {
    /// Its name, qualified and quoted as far as needed.
    name: String,
    /// Whether it is a table of its own: no view, no partitions, no heirs.
    is_plain: bool,
    /// By column: type's name, type as shown, whether we may read it.
    columns: BTreeMap<String, (String, String, bool)>,
    /// A schema that has such a table, if the search path does not.
    elsewhere: Option<String>,
}

/// What the catalog says of a database that can be read.
#[derive(Debug)]
pub(super) struct Shape {
    /// A digest over tables and columns: another one where they are others, whatever their names, or were rewritten.
    pub(super) digest: String,
    /// Whether the versions of all rows that make a conference can be had.
    pub(super) has_versions: bool,
}

/// Checks that all that the queries need is there, of the right type, and may be read.
pub(super) fn check(reader: &mut Reader<'_>) -> Result<Shape, SourceError> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let mut digest = blake3::Hasher::new();
    for row in reader.query(include_str!("queries/catalog.sql"), vec![Box::new(self::tables())])? {
        let table = tables.entry(row.get("wanted")).or_default();
        table.name = row.get("table_name");
        table.is_plain = row.get::<_, Option<bool>>("is_plain").unwrap_or_default();
        table.elsewhere = row.get("elsewhere");
        let column: String = row.get("column_name");
        let (file, number): (String, i32) = (row.get("file"), row.get("number"));
        let (type_name, shown): (String, String) = (row.get("type_name"), row.get("shown_type"));
        digest.update(format!("{file} {number} {column:?} {shown:?};").as_bytes());
        if !column.is_empty() {
            table.columns.insert(column, (type_name, shown, row.get("readable")));
        }
    }
    let role: String = reader.query("SELECT pg_catalog.quote_ident(current_user)", Vec::new())?[0].get(0);
    judge(&tables, &role)?;
    Ok(Shape { digest: digest.finalize().to_hex().to_string(), has_versions: have_versions(&tables) })
}

/// A view has no versions, and a role that was granted single columns may not read them.
fn have_versions(tables: &BTreeMap<String, Table>) -> bool {
    let may_read = |table: &Table| table.columns.get(VERSION).is_some_and(|(_, _, readable)| *readable);
    tables
        .iter()
        .filter(|(name, _)| !READ_WHOLE.contains(&name.as_str()))
        .all(|(_, table)| table.is_plain && may_read(table))
}

fn judge(tables: &BTreeMap<String, Table>, role: &str) -> Result<(), SourceError> {
    let nothing = Table::default();
    let (mut problems, mut unreadable, mut grants, mut schemas) = (vec![], vec![], vec![], vec![]);
    for (name, columns) in NEEDS {
        let table = tables.get(*name).unwrap_or(&nothing);
        if table.columns.is_empty() {
            problems.push(format!("there is no table {name}"));
            schemas.extend(table.elsewhere.clone());
            continue;
        }
        let mut readable = true;
        for (column, kind) in *columns {
            match table.columns.get(*column) {
                None => problems.push(format!("{name} has no column {column}")),
                Some((type_name, shown, _)) if !kind.types().contains(&type_name.as_str()) => {
                    problems.push(format!("{name}.{column} is {shown}, expected {}", kind.shown()));
                }
                Some((_, _, may)) => readable &= may,
            }
        }
        if !readable {
            unreadable.push(table.name.clone());
            let what = if *name == GRANT_BY_COLUMN {
                // `interval` is the name of a type too, which GRANT takes no offence at when it is quoted.
                let columns: Vec<_> = columns.iter().map(|(column, _)| format!("\"{column}\"")).collect();
                format!(" ({})", columns.join(", "))
            } else {
                String::new()
            };
            grants.push(format!("GRANT SELECT{what} ON {} TO {role};", table.name));
        }
    }
    if !problems.is_empty() {
        let hint = match schemas.first() {
            Some(schema) => format!(
                "schema {schema} has such a table: GRANT USAGE ON SCHEMA {schema} TO {role}; and ALTER ROLE {role} \
                 SET search_path TO {schema};"
            ),
            None => "is it the right database? If so, run Peer Metrics' migrations, or `peerpress migrate`"
                .to_owned(),
        };
        return Err(SourceError::Schema { problems, hint });
    }
    if !unreadable.is_empty() {
        return Err(SourceError::Permission { table: unreadable.join(", "), grant: grants.join(" ") });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// What stands before a dot in the queries and is none of Peer Metrics' tables.
    const OTHERS: [&str; 5] = ["pg_catalog", "pg_trigger", "log", "change", "issue"];

    /// All columns that the queries name, as `table.column`.
    fn named_in_queries() -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/source/queries")).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("catalog.sql") {
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            for line in text.lines().filter(|line| !line.starts_with("--")) {
                for word in line.split(|letter: char| !(letter.is_alphanumeric() || "_.\"".contains(letter)))
                {
                    let Some((table, column)) = word.split_once('.') else { continue };
                    if !OTHERS.contains(&table) && column != VERSION {
                        named.insert(format!("{table}.{}", column.trim_matches('"')));
                    }
                }
            }
        }
        named
    }

    #[test]
    fn what_is_checked_is_what_the_queries_name() {
        let checked: BTreeSet<String> = NEEDS
            .iter()
            .flat_map(|(table, columns)| columns.iter().map(move |(column, _)| format!("{table}.{column}")))
            .collect();
        assert_eq!(checked, named_in_queries());
    }

    fn all() -> BTreeMap<String, Table> {
        let table = |(name, columns): &Need| {
            let columns = columns.iter().map(|(column, kind)| {
                ((*column).to_owned(), (kind.types()[0].to_owned(), kind.shown().to_owned(), true))
            });
            let version = (VERSION.to_owned(), ("xid".to_owned(), "xid".to_owned(), true));
            let columns = columns.chain([version]).collect();
            let table = Table { name: format!("pm.{name}"), is_plain: true, columns, elsewhere: None };
            ((*name).to_owned(), table)
        };
        NEEDS.iter().map(table).collect()
    }

    #[test]
    fn all_problems_are_named_at_once() {
        assert!(judge(&all(), "reader").is_ok());
        let mut tables = all();
        tables.remove("summary");
        tables.get_mut("app").unwrap().columns.remove("domain");
        let column = tables.get_mut("app_track").unwrap().columns.get_mut("track_info").unwrap();
        *column = ("text".to_owned(), "text".to_owned(), true);
        let error = judge(&tables, "reader").unwrap_err().to_string();
        assert_eq!(
            error,
            "the database is not as Peer Metrics makes it: app has no column domain; there is no table summary; \
             app_track.track_info is text, expected jsonb\n\
             hint: is it the right database? If so, run Peer Metrics' migrations, or `peerpress migrate`"
        );
    }

    #[test]
    fn views_and_grants_of_columns_have_no_versions_but_for_tables_that_are_read_whole() {
        assert!(have_versions(&all()));
        let without = |name: &str, change: fn(&mut Table)| {
            let mut tables = all();
            change(tables.get_mut(name).unwrap());
            have_versions(&tables)
        };
        let hide = |table: &mut Table| table.columns.get_mut(VERSION).unwrap().2 = false;
        assert!(without("app", hide));
        assert!(!without("app_session", hide));
        assert!(!without("app_track", |table| table.is_plain = false));
        assert!(!without("app_track", |table| drop(table.columns.remove(VERSION))));
    }

    #[test]
    fn a_missing_privilege_comes_with_the_statement_that_gives_it_and_no_more() {
        let mut tables = all();
        tables.get_mut("summary").unwrap().columns.get_mut("data").unwrap().2 = false;
        tables.get_mut("app").unwrap().columns.get_mut("name").unwrap().2 = false;
        let error = judge(&tables, "\"R\"").unwrap_err().to_string();
        assert_eq!(
            error,
            "the role may not read pm.app, pm.summary\n\
             hint: let its owner run: GRANT SELECT (\"id\", \"name\", \"domain\", \"interval\", \"recording\", \
             \"durations_days\", \"created_at\", \"is_active\", \"organization_id\") ON pm.app TO \"R\"; GRANT \
             SELECT ON pm.summary TO \"R\";"
        );
    }
}
