//! A snapshot read by DuckDB, as somebody else's program would.

use std::io::Write;
use std::process::Command;

use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::units::Timestamp;

use crate::support::quick_folder;

#[test]
fn duckdb_counts_and_joins_what_the_manifest_says() {
    let python = std::env::var("PEERPRESS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let there =
        Command::new(&python).args(["-c", "import duckdb"]).output().is_ok_and(|run| run.status.success());
    if !there {
        assert!(
            std::env::var_os("PEERPRESS_REQUIRE_SHARED").is_none(),
            "DuckDB is needed here: pip install duckdb"
        );
        // Past the test runner, which keeps what a passing test prints to itself.
        let line = "left out: duckdb_counts_and_joins_what_the_manifest_says needs `pip install duckdb`\n";
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }
    let folder = quick_folder();
    let target = folder.path().join("snapshot");
    let end = Timestamp::parse("2026-11-20 12:00:00").unwrap();
    let snapshot = write_snapshot(
        &plan(&SeedOptions { conferences: 25, days: 3, seed: 3, end, short: false }),
        &target,
        &|_| {},
    )
    .unwrap();
    let query = format!(
        "import duckdb\n\
         d = duckdb.connect()\n\
         t = lambda n: f\"read_parquet('{0}/*/{{n}}*.parquet', hive_partitioning=true)\"\n\
         for n in ['conferences', 'sessions', 'events', 'samples']:\n    \
             print(d.sql(f'SELECT count(*) FROM {{t(n)}}').fetchall()[0][0])\n\
         print(d.sql(f\"SELECT count(*) FROM {{t('samples')}} s JOIN {{t('conferences')}} c ON c.id = s.conference_id \
         JOIN '{0}/apps.parquet' a ON a.id = c.app_id WHERE s.created_at >= TIMESTAMPTZ '2026-01-01' \
         AND c.day IS NOT NULL\").fetchall()[0][0])\n",
        target.display()
    );
    let output = Command::new(&python).args(["-c", &query]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = |table: &str| snapshot.manifest().rows[table].to_string();
    let expected = ["conferences", "sessions", "events", "samples", "samples"].map(rows).join("\n") + "\n";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert!(snapshot.manifest().rows["samples"] > 100);
}
