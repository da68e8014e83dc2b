//! Brings a database to the schema: creates the Peer Metrics tables in an empty one, adds only peerpress's own objects to
//! one that Django's migrations made. Called by `peerpress migrate`, `peerpress demo` and the tests.
//!
//! The migrations are the files of `migrations/`, embedded. What was applied is recorded in
//! the table `peerpress_schema_history` beside the others, which is none of Django's business. Change tracking
//! (`migrations/tracking/`) comes and goes as the user wants it and is in no record.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;
use refinery::Target;
use thiserror::Error;
use uuid::Uuid;

/// Where refinery records what it applied. It lies beside the other tables: a schema `peerpress` would come first in the
/// search path of a user by that name, and catch the tables that belong into `public`.
const HISTORY_TABLE: &str = "peerpress_schema_history";

/// The migration that makes the tables Peer Metrics' own migrations make.
const PEER_METRICS_SCHEMA: i32 = 1;

/// Two migrations of the same database must not run at once: the key of the advisory lock that makes the second one
/// wait. It spells "peerpres".
const LOCK_KEY: i64 = 0x7065_6572_7072_6573;

/// Every relation that the first migration creates, each with the columns by which we know that it is Peer Metrics' own.
/// Django's tables stand without columns: every Django project has them, so they prove nothing.
const TABLES: &[(&str, &[&str])] = &[
    ("organization", &["id", "name", "created_at"]),
    ("app", &["id", "api_key", "domain", "organization_id", "created_at"]),
    ("conference", &["id", "conference_id", "conference_name", "ongoing", "app_id", "created_at"]),
    ("participant", &["id", "participant_id", "participant_name", "is_sfu", "app_id", "created_at"]),
    ("participant_conferences", &["participant_id", "conference_id"]),
    ("app_session", &["id", "devices", "platform", "conference_id", "participant_id", "created_at"]),
    ("app_connection", &["id", "state", "session_id", "conference_id", "participant_id", "peer_id"]),
    ("app_track", &["id", "kind", "direction", "track_id", "connection_id", "session_id"]),
    ("app_genericevent", &["id", "type", "category", "data", "conference_id", "session_id", "created_at"]),
    ("app_issue", &["id", "type", "code", "data", "session_id", "conference_id", "created_at"]),
    ("app_issue_events", &["issue_id", "genericevent_id"]),
    ("summary", &["id", "status", "data", "conference_id"]),
    ("django_content_type", &[]),
    ("auth_permission", &[]),
    ("auth_group", &[]),
    ("auth_group_permissions", &[]),
    ("users", &[]),
    ("users_groups", &[]),
    ("users_user_permissions", &[]),
    ("django_admin_log", &[]),
    ("django_session", &[]),
    ("django_migrations", &[]),
];

/// The notifications of change tracking.
pub const CHANNEL: &str = "peerpress";
/// Transactions that differ only in so many low bits of their numbers note their changes in the same bucket.
pub(crate) const BUCKET_BITS: u32 = 12;
/// In the change log: an organization, an app or a participant.
pub(crate) const GLOBALS: Uuid = Uuid::nil();
/// In the change log: anything.
pub(crate) const EVERYTHING: Uuid = Uuid::max();
/// How many triggers track changes: four for each table of which conferences are made, one for each of the three others.
pub(crate) const TRIGGERS: usize = 4 * 8 + 3;
/// Buckets before the first open transaction that pruning leaves: a quarter of a million transactions.
const KEPT_BUCKETS: i64 = 64;

mod embedded {
    //! The files of `migrations/`.
    refinery::embed_migrations!("migrations");
}

/// What a database was found to be before anything was done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No table of Peer Metrics was there.
    Empty,
    /// Peer Metrics' own (Django) migrations had made it.
    PeerMetrics,
    /// peerpress had migrated it before.
    Migrated,
}

/// What [`migrate`] found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the database was before.
    pub state: State,
    /// The migrations that ran now, in order, as `V2__peerpress_objects`. Empty when there was nothing to do.
    pub applied: Vec<String>,
}

/// Why a database could not be migrated. In every case the tables of Peer Metrics are as they were.
#[derive(Debug, Error)]
pub enum MigrateError {
    /// The search path names no schema that exists.
    #[error("find a schema to work in: the connection's search_path names none that exists")]
    NoSchema,
    /// Tables of the same names are there, but they are not those of Peer Metrics.
    #[error("recognise the tables of schema {schema:?} as those of Peer Metrics: {difference}")]
    Unrecognised {
        /// The schema that was looked at.
        schema: String,
        /// What is there that should not be, or the other way round.
        difference: String,
    },
    /// Another peerpress migrated this database, to a schema that this one does not know.
    #[error("compare the database's migrations with those of this peerpress: {0}")]
    Diverged(String),
    /// The database refused.
    #[error("{doing}")]
    Database {
        /// What was being done, as a fragment that fits after "failed to".
        doing: &'static str,
        /// What the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl MigrateError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            MigrateError::NoSchema => Some("set a search_path with an existing schema, such as `public`"),
            MigrateError::Unrecognised { .. } => Some(
                "is this the right database? give an empty one to have the tables made, or the one that the Peer Metrics \
                 API uses, after its own `manage.py migrate`",
            ),
            MigrateError::Diverged(_) => Some("use the peerpress that migrated it last, or a newer one"),
            MigrateError::Database { .. } => Some(
                "migrating needs a user who may create tables in this schema and owns those of Peer Metrics; a build \
                 itself only reads, and works without",
            ),
        }
    }
}

/// Brings the database to the newest schema, in one transaction. Doing so again changes nothing.
pub fn migrate(client: &mut Client) -> Result<Outcome, MigrateError> {
    client
        .execute("SELECT pg_advisory_lock($1)", &[&LOCK_KEY])
        .map_err(|error| database("lock the database for migrating", error))?;
    let outcome = migrate_locked(client);
    let unlocked = client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK_KEY]);

    // The first of two failures is the one that explains.
    let outcome = outcome?;
    unlocked.map_err(|error| database("unlock the database after migrating", error))?;
    Ok(outcome)
}

fn migrate_locked(client: &mut Client) -> Result<Outcome, MigrateError> {
    let state = recognise(client)?;
    if state == State::PeerMetrics {
        let mut runner = embedded::migrations::runner().set_target(Target::FakeVersion(PEER_METRICS_SCHEMA));
        runner.set_migration_table_name(HISTORY_TABLE);
        runner
            .run(client)
            .map_err(|error| from_refinery("record the tables of Peer Metrics as there", error))?;
    }

    // Grouped: the migrations and their record in one transaction, so that a crash leaves nothing half done.
    let mut runner = embedded::migrations::runner().set_grouped(true);
    runner.set_migration_table_name(HISTORY_TABLE);
    let report = runner.run(client).map_err(|error| from_refinery("apply the migrations", error))?;
    let applied = report.applied_migrations().iter().map(ToString::to_string).collect();
    Ok(Outcome { state, applied })
}

/// Begins to track changes, in one transaction; says whether that was new. The tables have to be there. Where everything is
/// in force already nothing changes but that the log is pruned; where something of it was taken away it begins anew, so
/// that no snapshot relies on a log with a gap.
pub fn track_changes(client: &mut Client) -> Result<bool, MigrateError> {
    let schema = schema(client)?;
    let in_force = client
        .query_one(
            "SELECT to_regclass('peerpress_log') IS NOT NULL AND to_regclass('peerpress_change') IS NOT NULL AND $1 = (
                 SELECT count(*) FROM pg_trigger JOIN pg_class ON pg_class.oid = pg_trigger.tgrelid
                 WHERE pg_class.relnamespace = current_schema()::regnamespace
                   AND pg_trigger.tgname LIKE 'peerpress\\_%' AND pg_trigger.tgenabled = 'A')",
            &[&(TRIGGERS as i64)],
        )
        .map_err(|error| database("look at the triggers", error))?
        .get(0);
    if in_force {
        prune_changes(client).map_err(|error| database("prune the change log", error))?;
        return Ok(false);
    }
    let statements = [END, include_str!("../migrations/tracking/begin.sql")].concat();
    run_tracking(client, &statements, &schema)
        .map_err(|error| database("make the triggers that track changes", error))?;
    Ok(true)
}

/// Takes change tracking away, if it is there; says whether it was.
pub fn untrack_changes(client: &mut Client) -> Result<bool, MigrateError> {
    let schema = schema(client)?;
    let was_there = client
        .query_one("SELECT to_regclass('peerpress_log') IS NOT NULL", &[])
        .map_err(|error| database("look for the change log", error))?
        .get(0);
    run_tracking(client, END, &schema)
        .map_err(|error| database("take the triggers that track changes away", error))?;
    Ok(was_there)
}

/// Deletes from the change log what no recent snapshot asks for.
pub(crate) fn prune_changes(client: &mut Client) -> Result<(), postgres::Error> {
    let statements = include_str!("../migrations/tracking/prune.sql")
        .replace("{bits}", &BUCKET_BITS.to_string())
        .replace("{kept}", &KEPT_BUCKETS.to_string());
    client.batch_execute(&statements)
}

const END: &str = include_str!("../migrations/tracking/end.sql");

/// Runs statements in one transaction, waiting for no lock for long: who waits for one holds up all who write.
fn run_tracking(client: &mut Client, statements: &str, schema: &str) -> Result<(), postgres::Error> {
    let statements = statements
        .replace("{schema}", schema)
        .replace("{bits}", &BUCKET_BITS.to_string())
        .replace("{globals}", &GLOBALS.to_string())
        .replace("{everything}", &EVERYTHING.to_string())
        .replace("{channel}", CHANNEL);
    let mut transaction = client.transaction()?;
    transaction.batch_execute("SET LOCAL lock_timeout = '10s'")?;
    transaction.batch_execute(&statements)?;
    transaction.commit()
}

/// The schema of the tables, quoted as far as needed.
fn schema(client: &mut Client) -> Result<String, MigrateError> {
    client
        .query_one("SELECT quote_ident(current_schema())", &[])
        .map_err(|error| database("look at the database", error))?
        .get::<_, Option<String>>(0)
        .ok_or(MigrateError::NoSchema)
}

/// Tells the three states apart, without changing anything.
fn recognise(client: &mut Client) -> Result<State, MigrateError> {
    let row = client
        .query_one("SELECT current_schema()::text, to_regclass('peerpress_schema_history') IS NOT NULL", &[])
        .map_err(|error| database("look at the database", error))?;
    let schema: Option<String> = row.get(0);
    let schema = schema.ok_or(MigrateError::NoSchema)?;
    let found = relations(client, &schema)?;
    let has_history = row.get(1) && history_is_not_empty(client)?;

    match (has_history, difference(&found)) {
        (false, _) if found.is_empty() => Ok(State::Empty),
        (false, None) => Ok(State::PeerMetrics),
        (true, None) => Ok(State::Migrated),
        (_, Some(difference)) => Err(MigrateError::Unrecognised { schema, difference }),
    }
}

/// An empty history says nothing: an earlier run made the table and failed at the first migration.
fn history_is_not_empty(client: &mut Client) -> Result<bool, MigrateError> {
    client
        .query_one("SELECT EXISTS (SELECT FROM peerpress_schema_history)", &[])
        .map(|row| row.get(0))
        .map_err(|error| database("read the record of migrations", error))
}

/// Those relations of the schema that bear a name we would create, with their columns. A view or a sequence by that name
/// counts: it is in the way all the same.
fn relations(client: &mut Client, schema: &str) -> Result<BTreeMap<String, BTreeSet<String>>, MigrateError> {
    let names: Vec<&str> = TABLES.iter().map(|(name, _)| *name).collect();
    let rows = client
        .query(
            "SELECT c.relname::text,
                    coalesce(array_agg(a.attname::text) FILTER (WHERE a.attname IS NOT NULL), '{}')
             FROM pg_class c
             JOIN pg_namespace n ON n.oid = c.relnamespace
             LEFT JOIN pg_attribute a
               ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
             WHERE n.nspname = $1 AND c.relname = ANY ($2)
             GROUP BY c.relname",
            &[&schema, &names],
        )
        .map_err(|error| database("list the tables", error))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get::<_, Vec<String>>(1).into_iter().collect())).collect())
}

/// Says what keeps these relations from being Peer Metrics' tables; `None` if they are.
fn difference(found: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let ours = TABLES.iter().filter(|(_, columns)| !columns.is_empty());
    let missing: Vec<&str> =
        ours.clone().map(|(name, _)| *name).filter(|name| !found.contains_key(*name)).collect();
    if !missing.is_empty() {
        let present: Vec<&str> = found.keys().map(String::as_str).collect();
        return Some(if present.is_empty() {
            "they were recorded as made, but are gone".to_owned()
        } else {
            format!("{} there, but not {}", are(&present), missing.join(", "))
        });
    }
    ours.flat_map(|(table, columns)| columns.iter().map(move |column| (table, column)))
        .find(|(table, column)| !found[**table].contains(**column))
        .map(|(table, column)| format!("the table {table} has no column {column}"))
}

fn are(names: &[&str]) -> String {
    match names {
        [name] => format!("{name} is"),
        _ => format!("{} are", names.join(", ")),
    }
}

fn database(doing: &'static str, source: postgres::Error) -> MigrateError {
    MigrateError::Database { doing, source: source.into() }
}

fn from_refinery(doing: &'static str, error: refinery::Error) -> MigrateError {
    use refinery::error::Kind;
    match error.kind() {
        Kind::DivergentVersion(applied, _) => {
            MigrateError::Diverged(format!("{applied} was applied with another content"))
        }
        Kind::MissingVersion(applied) => {
            MigrateError::Diverged(format!("{applied} was applied, and is unknown here"))
        }
        _ => MigrateError::Database { doing, source: error.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer_metrics() -> BTreeMap<String, BTreeSet<String>> {
        TABLES
            .iter()
            .map(|(table, columns)| {
                ((*table).to_owned(), columns.iter().map(|column| (*column).to_owned()).collect())
            })
            .collect()
    }

    #[test]
    fn the_tables_of_peer_metrics_are_recognised_without_those_of_django() {
        let mut found = peer_metrics();
        found.remove("django_admin_log");
        assert_eq!(difference(&found), None);
    }

    #[test]
    fn a_lone_table_by_one_of_the_names_is_told_with_what_is_missing() {
        let found = BTreeMap::from([("summary".to_owned(), BTreeSet::new())]);
        assert_eq!(
            difference(&found).unwrap(),
            "summary is there, but not organization, app, conference, participant, participant_conferences, \
             app_session, app_connection, app_track, app_genericevent, app_issue, app_issue_events"
        );
    }

    #[test]
    fn a_table_without_one_of_its_columns_is_not_ours() {
        let mut found = peer_metrics();
        found.get_mut("app_track").unwrap().remove("kind");
        assert_eq!(difference(&found).unwrap(), "the table app_track has no column kind");
    }

    #[test]
    fn the_first_migration_makes_exactly_the_tables_we_recognise() {
        let sql = include_str!("../migrations/V1__peer_metrics_schema.sql");
        let made: BTreeSet<&str> =
            sql.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.strip_suffix(" (")).collect();
        assert_eq!(made, TABLES.iter().map(|(name, _)| *name).collect());
    }
}
