//! The schema that our migrations make is the one that Peer Metrics' own migrations make, and migrating is safe for
//! whatever database it meets.

#![expect(clippy::unwrap_used, reason = "a failure in a test's helpers is the test's failure")]

use std::collections::BTreeSet;

use peerpress::migrate::{MigrateError, State, migrate};
use postgres::Client;

use crate::support::{TestDb, shared_data};

const OURS: &str = "V2__peerpress_objects";

/// One line for everything in the schema `public` that a program could trip over, but for our own additions.
fn catalog(client: &mut Client) -> BTreeSet<String> {
    // Without `public` on the path, every name in a definition is written out.
    let sql = "
        SELECT format('column %s.%s %s: %s%s%s', c.relname, a.attnum, a.attname,
                      format_type(a.atttypid, a.atttypmod),
                      CASE WHEN a.attnotnull THEN ' not null' END,
                      ' default ' || pg_get_expr(d.adbin, d.adrelid))
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm')
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'peerpress\\_%'
          AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT format('constraint %s on %s: %s', conname, conrelid::regclass, pg_get_constraintdef(oid))
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'peerpress\\_%'
        UNION ALL
        SELECT format('index %s', pg_get_indexdef(i.indexrelid))
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'peerpress\\_%'
        UNION ALL
        SELECT format('sequence %s as %s: start %s, by %s, %s to %s, cache %s, owned by %s.%s',
                      s.sequencename, s.data_type, s.start_value, s.increment_by, s.min_value, s.max_value,
                      s.cache_size, d.refobjid::regclass, d.refobjsubid)
        FROM pg_sequences s
        LEFT JOIN pg_depend d ON d.objid = format('%I.%I', s.schemaname, s.sequencename)::regclass
                             AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
        WHERE s.schemaname = 'public'
        UNION ALL
        SELECT format('function or trigger %s', name)
        FROM (SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
              UNION ALL SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal) AS other (name)";
    client.batch_execute("SET search_path = ''").unwrap();
    let rows = client.query(sql, &[]).unwrap();
    client.batch_execute("RESET search_path").unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn assert_same_catalog(theirs: &BTreeSet<String>, ours: &BTreeSet<String>) {
    let missing = theirs.difference(ours).map(|line| format!("- {line}"));
    let surplus = ours.difference(theirs).map(|line| format!("+ {line}"));
    let difference: Vec<String> = missing.chain(surplus).collect();
    assert!(difference.is_empty(), "- Peer Metrics' schema, + ours:\n{}", difference.join("\n"));
}

fn our_objects(client: &mut Client) -> Vec<String> {
    let sql = "SELECT relname::text FROM pg_class
               WHERE relname LIKE 'peerpress\\_%' ORDER BY relname";
    client.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect()
}

fn django_migrations(client: &mut Client) -> Vec<(String, String)> {
    let rows = client.query("SELECT app, name FROM django_migrations ORDER BY id", &[]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// All that migrating could have changed.
fn everything(client: &mut Client) -> (BTreeSet<String>, Vec<String>, Vec<String>) {
    let history =
        client.query("SELECT h::text FROM peerpress_schema_history h ORDER BY version", &[]).unwrap();
    (catalog(client), our_objects(client), history.iter().map(|row| row.get(0)).collect())
}

#[test]
fn an_empty_database_gets_the_schema_of_peer_metrics() {
    let Some(shared) = shared_data() else { return };
    let theirs = TestDb::empty();
    theirs.load(&shared.join("schema.sql"));

    let ours = TestDb::empty();
    let outcome = migrate(&mut ours.client()).unwrap();
    assert_eq!(outcome.state, State::Empty);
    assert_eq!(outcome.applied, ["V1__peer_metrics_schema", OURS]);

    let expected = catalog(&mut theirs.client());
    assert!(expected.len() > 300, "the catalog query sees only {} things", expected.len());
    assert_same_catalog(&expected, &catalog(&mut ours.client()));
}

#[test]
fn django_finds_its_migrations_applied_in_a_database_we_made() {
    let Some(_) = shared_data() else { return };
    let expected = django_migrations(&mut TestDb::restored("small").client());
    assert_eq!(django_migrations(&mut TestDb::migrated().client()), expected);
}

#[test]
fn a_database_that_django_made_gets_only_our_own_objects() {
    let Some(shared) = shared_data() else { return };
    let db = TestDb::empty();
    db.load(&shared.join("schema.sql"));
    let before = catalog(&mut db.client());

    let outcome = migrate(&mut db.client()).unwrap();
    assert_eq!(outcome.state, State::PeerMetrics);
    assert_eq!(outcome.applied, [OURS]);
    assert_same_catalog(&before, &catalog(&mut db.client()));
    assert_eq!(
        our_objects(&mut db.client()),
        [
            "peerpress_conference_created",
            "peerpress_genericevent_conference_created",
            "peerpress_schema_history",
            "peerpress_schema_history_pkey"
        ]
    );
}

#[test]
fn migrating_a_database_full_of_calls_loses_none() {
    let Some(_) = shared_data() else { return };
    for (which, events) in [("small", 2442_i64), ("live", 652)] {
        let db = TestDb::restored(which);
        assert_eq!(migrate(&mut db.client()).unwrap().applied, [OURS]);
        let row = db.client().query_one("SELECT count(*) FROM app_genericevent", &[]).unwrap();
        assert_eq!(row.get::<_, i64>(0), events, "{which}");
    }
}

#[test]
fn migrating_twice_changes_nothing() {
    let db = TestDb::migrated();
    let before = everything(&mut db.client());

    let outcome = migrate(&mut db.client()).unwrap();
    assert_eq!(outcome.state, State::Migrated);
    assert_eq!(outcome.applied, [""; 0]);
    assert_eq!(everything(&mut db.client()), before);
}

#[test]
fn two_who_migrate_at_once_do_it_once() {
    let db = TestDb::empty();
    let applied: Vec<usize> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..4).map(|_| scope.spawn(|| migrate(&mut db.client()).unwrap().applied.len())).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(applied.iter().sum::<usize>(), 2, "{applied:?}");
}

#[test]
fn somebody_elses_conference_table_is_left_alone() {
    let db = TestDb::empty();
    db.client().batch_execute("CREATE TABLE conference (id serial, city text)").unwrap();
    let before = catalog(&mut db.client());

    let error = migrate(&mut db.client()).unwrap_err();
    assert!(matches!(error, MigrateError::Unrecognised { .. }), "{error}");
    assert!(error.to_string().contains("conference is there, but not organization, app"), "{error}");
    assert!(error.hint().unwrap().contains("is this the right database?"));
    assert_eq!(catalog(&mut db.client()), before);
    assert_eq!(our_objects(&mut db.client()), [""; 0]);
}

#[test]
fn another_django_project_is_left_alone() {
    let db = TestDb::empty();
    db.client().batch_execute("CREATE TABLE django_migrations (id serial, app text, name text)").unwrap();
    let error = migrate(&mut db.client()).unwrap_err();
    assert!(error.to_string().contains("django_migrations is there, but not"), "{error}");
}

#[test]
fn tables_of_other_names_do_not_matter() {
    let db = TestDb::empty();
    db.client().batch_execute("CREATE TABLE invoices (id serial)").unwrap();
    assert_eq!(migrate(&mut db.client()).unwrap().state, State::Empty);
}

#[test]
fn a_database_migrated_by_a_newer_peerpress_is_left_alone() {
    let db = TestDb::migrated();
    db.client()
        .execute(
            "INSERT INTO peerpress_schema_history VALUES (900, 'later', '2030-01-01T00:00:00Z', '1')",
            &[],
        )
        .unwrap();
    let error = migrate(&mut db.client()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "compare the database's migrations with those of this peerpress: V900__later was applied, and is unknown here"
    );
}

#[test]
fn a_failed_migration_leaves_an_empty_database_empty() {
    let db = TestDb::empty();
    // Takes the name of an index, so that the first migration fails with most of its tables made.
    db.client().batch_execute("CREATE TABLE idx_issue_conf_type ()").unwrap();
    let before = catalog(&mut db.client());

    let error = migrate(&mut db.client()).unwrap_err();
    assert!(matches!(error, MigrateError::Database { .. }), "{error}");
    assert_eq!(catalog(&mut db.client()), before);

    db.client().batch_execute("DROP TABLE idx_issue_conf_type").unwrap();
    assert_eq!(migrate(&mut db.client()).unwrap().state, State::Empty);
}
