//! Pages in a real browser: the scripts of `tests/browser` against sites of the recorded databases and of a seeded one. They
//! need Node with `npm ci` done, and Chromium.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use peerpress::seed::{SeedOptions, fill_database};
use peerpress::units::Timestamp;
use support::{TestDb, quick_folder, say, shared_data};

/// Whether there is a browser to test with. Where there is none a test says so and returns, unless
/// `PEERPRESS_REQUIRE_BROWSER=1`, which CI sets, makes that a failure.
fn browser() -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let chromium = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let anywhere = || ["-headless-shell", ""].map(|kind| PathBuf::from(format!("/usr/bin/chromium{kind}")));
    let chromiums = chromium.map_or_else(|| anywhere().to_vec(), |program| vec![program]);
    let missing = if !root.join("node_modules/playwright-core").is_dir() {
        "node_modules (npm ci)"
    } else if !chromiums.iter().any(|program| program.is_file()) {
        "Chromium"
    } else {
        return true;
    };
    assert!(
        std::env::var_os("PEERPRESS_REQUIRE_BROWSER").is_none_or(|value| value != "1"),
        "{missing} is missing, and PEERPRESS_REQUIRE_BROWSER=1 asks for it"
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    say(&format!("left out: {test} needs {missing}"));
    false
}

/// The site of a database with all that it has, made by the program itself.
fn site(db: &TestDb, folder: &Path) -> PathBuf {
    let output = folder.join("output");
    let status = Command::new(env!("CARGO_BIN_EXE_peerpress"))
        .args(["build", "--quiet", "--privacy", "full", "--database-url", &db.url()])
        .arg("--output")
        .arg(&output)
        .arg("--snapshot")
        .arg(folder.join("snapshot"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success());
    output
}

fn run(script: &str, variables: &[(&str, &std::ffi::OsStr)]) {
    let output = Command::new("node")
        .arg(format!("tests/browser/{script}.mjs"))
        .envs(variables.iter().copied())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}:\n{}{}", text(&output.stdout), text(&output.stderr));
}

/// A recorded database and its site, made once for all tests that look at it.
struct Recorded {
    db: TestDb,
    site: PathBuf,
}

impl Recorded {
    fn new(which: &str) -> Recorded {
        let db = TestDb::restored(which);
        // Below the folder of all test programs, as a static is never dropped.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("browser-{which}"));
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        let site = site(&db, &folder);
        Recorded { db, site }
    }

    fn live() -> &'static Recorded {
        static LIVE: OnceLock<Recorded> = OnceLock::new();
        LIVE.get_or_init(|| Recorded::new("live"))
    }

    fn small() -> &'static Recorded {
        static SMALL: OnceLock<Recorded> = OnceLock::new();
        SMALL.get_or_init(|| Recorded::new("small"))
    }
}

fn pages_tell_what_is_in(db: &TestDb, site: &Path) {
    for script in ["facts", "dashboard"] {
        run(script, &[("SITE", site.as_os_str()), ("DATABASE_URL", db.url().as_ref())]);
    }
}

fn every_recorded_answer_comes_again(which: &str, database: fn() -> &'static Recorded) {
    let Some(shared) = shared_data() else { return };
    let answers = shared.join(format!("api-{which}.jsonl.gz"));
    run("replay", &[("SITE", database().site.as_os_str()), ("RECORDED", answers.as_os_str())]);
}

#[test]
fn pages_tell_what_is_in_the_live_database() {
    if browser() && shared_data().is_some() {
        let live = Recorded::live();
        pages_tell_what_is_in(&live.db, &live.site);
    }
}

#[test]
fn a_call_of_two_moves_a_hundred_kilobytes_at_most() {
    if browser() && shared_data().is_some() {
        run("weight", &[("SITE", Recorded::live().site.as_os_str()), ("LIMIT", "100".as_ref())]);
    }
}

#[test]
fn pages_tell_what_is_in_the_small_database() {
    if browser() && shared_data().is_some() {
        let small = Recorded::small();
        pages_tell_what_is_in(&small.db, &small.site);
    }
}

fn seeded(conferences: usize) -> TestDb {
    let db = TestDb::migrated();
    let end = Timestamp::parse("2026-11-20T12:00:00Z").unwrap();
    let plan = peerpress::seed::plan(&SeedOptions { conferences, days: 10, seed: 7, end, short: false });
    fill_database(&mut db.client(), &plan, &|_| {}).unwrap();
    db
}

#[test]
fn pages_tell_what_is_in_a_seeded_database() {
    if browser() {
        let db = seeded(30);
        let folder = quick_folder();
        pages_tell_what_is_in(&db, &site(&db, folder.path()));
    }
}

#[test]
fn the_search_finds_what_is_in_a_seeded_database() {
    if browser() {
        let db = seeded(200);
        let folder = quick_folder();
        let site = site(&db, folder.path());
        run("search", &[("SITE", site.as_os_str()), ("DATABASE_URL", db.url().as_ref())]);
    }
}

#[test]
fn the_client_answers_what_was_recorded_of_the_live_database() {
    if browser() {
        every_recorded_answer_comes_again("live", Recorded::live);
    }
}

#[test]
fn the_client_answers_what_was_recorded_of_the_small_database() {
    if browser() {
        every_recorded_answer_comes_again("small", Recorded::small);
    }
}

#[test]
fn what_is_saved_while_the_site_is_served_is_in_open_pages() {
    if browser() {
        let db = seeded(12);
        let program = env!("CARGO_BIN_EXE_peerpress");
        run("live", &[("PEERPRESS", program.as_ref()), ("DATABASE_URL", db.url().as_ref())]);
    }
}

#[test]
fn a_sealed_site_opens_by_its_passphrase_only() {
    if browser() {
        let folder = quick_folder();
        let end = Timestamp::parse("2026-11-20T12:00:00Z").unwrap();
        let plan =
            peerpress::seed::plan(&SeedOptions { conferences: 3, days: 1, seed: 7, end, short: false });
        peerpress::seed::write_snapshot(&plan, &folder.path().join("snapshot"), &|_| {}).unwrap();
        // A sealed site has no fragments.
        std::fs::write(folder.path().join("peerpress.toml"), "[downloads]\nembed = false\n").unwrap();
        let passphrase = "five random words of mine";
        let build = |output: &str, more: &[&str]| {
            let status = Command::new(env!("CARGO_BIN_EXE_peerpress"))
                .args(["build", "--quiet", "--from", "snapshot", "--output", output])
                .args(more)
                .env("PEERPRESS_PASSPHRASE", passphrase)
                .current_dir(folder.path())
                .status()
                .unwrap();
            assert!(status.success());
            folder.path().join(output)
        };
        let (plain, sealed) = (build("plain", &[]), build("sealed", &["--encrypt"]));
        let variables =
            [("SITE", sealed.as_os_str()), ("PLAIN", plain.as_os_str()), ("PASSPHRASE", passphrase.as_ref())];
        run("seal", &variables);
    }
}

/// What would run if it were ever more than text.
const MARKUP: &str = "\"><img src=x onerror=\"canary='name'\"><script>canary='name'</script>";

/// Puts markup into every text column and every text within JSON, but for the words that say of what kind a row is.
fn make_hostile(db: &TestDb) {
    let mut client = db.client();
    client
        .batch_execute(
            "CREATE FUNCTION hostile(value jsonb, mark text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
               RETURN CASE jsonb_typeof(value)
                 WHEN 'string' THEN to_jsonb(mark)
                 WHEN 'object' THEN
                   (SELECT coalesce(jsonb_object_agg(key, hostile(of, mark)), '{}') FROM jsonb_each(value) e(key, of))
                 WHEN 'array' THEN
                   (SELECT coalesce(jsonb_agg(hostile(of, mark)), '[]') FROM jsonb_array_elements(value) e(of))
                 ELSE value
               END;
             END $$",
        )
        .unwrap();
    let mut columns = 0;
    for table in [
        "organization",
        "app",
        "conference",
        "participant",
        "app_session",
        "app_connection",
        "app_track",
        "app_genericevent",
        "app_issue",
        "summary",
    ] {
        // Half of the events tell of a call as before.
        let rows_of = if table == "app_genericevent" { "md5(id::text) < '8'" } else { "true" };
        let rows = client
            .query(
                "SELECT column_name::text, data_type::text, character_maximum_length::int FROM information_schema.columns
                 WHERE table_name = $1 AND data_type IN ('text', 'character varying', 'jsonb')
                 AND column_name NOT IN ('type', 'category', 'code', 'kind', 'direction', 'status')",
                &[&table],
            )
            .unwrap();
        for row in rows {
            let (column, kind): (String, String) = (row.get(0), row.get(1));
            let room = row.get::<_, Option<i32>>(2).unwrap_or(10_000);
            let value = if kind == "jsonb" {
                format!("hostile(\"{column}\", $1)")
            } else {
                // Names that have to differ still do.
                format!("left($1, greatest({room} - 8, 0)) || left(md5(id::text), least(8, {room}))")
            };
            client
                .execute(
                    &format!("UPDATE \"{table}\" SET \"{column}\" = {value} WHERE {rows_of}"),
                    &[&MARKUP],
                )
                .unwrap_or_else(|error| panic!("{table}.{column}: {error:?}"));
            columns += 1;
        }
    }
    assert!(columns > 15, "{columns} columns only");
}

#[test]
fn no_page_needs_what_the_policy_forbids_and_markup_does_nothing() {
    if browser() {
        let folder = quick_folder();
        let db = seeded(6);
        let calm = site(&db, &folder.path().join("calm"));
        make_hostile(&db);
        let hostile = site(&db, &folder.path().join("hostile"));
        let program = env!("CARGO_BIN_EXE_peerpress");
        run(
            "policy",
            &[("PEERPRESS", program.as_ref()), ("SITE", calm.as_os_str()), ("HOSTILE", hostile.as_os_str())],
        );
    }
}
