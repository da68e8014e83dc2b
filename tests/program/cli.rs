//! The program as a user runs it: real databases to a site, settings from everywhere, exit codes, nothing left behind.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use crate::support::{TestDb, quick_folder, shared_data};
use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::snapshot::Snapshot;
use peerpress::units::Timestamp;
use serde_json::Value;

pub(super) fn peerpress(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerpress"));
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command
}

pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

pub(super) fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn built(which: &str, conferences: u64, participants: u64) {
    let db = TestDb::restored(which);
    let folder = quick_folder();
    let first = run(peerpress(folder.path()).args(["build", "--json", "--database-url", &db.url()]));
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let summary: Value = serde_json::from_str(&first.stdout).unwrap();
    assert_eq!(summary["conferences"], conferences);
    assert_eq!(summary["participants"], participants);

    let again = run(peerpress(folder.path()).args(["build", "--json", "--from", "snapshot"]));
    let summary: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(
        (&summary["written"], &summary["removed"]),
        (&Value::from(0), &Value::from(0)),
        "{}",
        again.stderr
    );

    let check = run(peerpress(folder.path()).args(["check", "--database-url", &db.url()]));
    assert_eq!(check.code, Some(0), "{}{}", check.stdout, check.stderr);
}

#[test]
fn the_small_database_becomes_a_site() {
    if shared_data().is_some() {
        built("small", 22, 30);
    }
}

#[test]
fn the_live_database_becomes_a_site() {
    if shared_data().is_some() {
        built("live", 5, 8);
    }
}

#[test]
fn the_database_is_named_by_the_variables_of_a_deployment_and_of_libpq() {
    let db = TestDb::migrated();
    let cluster = crate::support::cluster();
    let config: postgres::Config = db.url().parse().unwrap();
    let postgres::config::Host::Unix(socket) = &config.get_hosts()[0] else { panic!("a socket is expected") };
    let values = [
        socket.to_str().unwrap().to_owned(),
        cluster.port().to_string(),
        "peerpress".to_owned(),
        config.get_dbname().unwrap().to_owned(),
    ];
    for names in [
        ["DATABASE_HOST", "DATABASE_PORT", "DATABASE_USER", "DATABASE_NAME"],
        ["PGHOST", "PGPORT", "PGUSER", "PGDATABASE"],
    ] {
        let folder = quick_folder();
        let ran = run(peerpress(folder.path()).arg("snapshot").envs(names.into_iter().zip(&values)));
        assert_eq!(ran.code, Some(0), "{names:?}: {}", ran.stderr);
        assert!(folder.path().join("snapshot/manifest.json").exists());
    }
}

#[test]
fn an_empty_database_becomes_a_site_that_says_so() {
    let db = TestDb::migrated();
    let folder = quick_folder();
    let ran = run(peerpress(folder.path()).args(["build", "--database-url", &db.url()]));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let index = std::fs::read_to_string(folder.path().join("output/index.html")).unwrap();
    assert!(index.contains("no organization yet"));
}

#[test]
fn mistakes_of_the_user_end_with_2_and_failures_with_1_and_both_with_a_hint() {
    let folder = quick_folder();
    let cases: [(&[&str], i32, &str); 5] = [
        (&["build"], 2, "no database is named"),
        (&["build", "--no-such-flag"], 2, "--no-such-flag"),
        (&["seed", "--end", "soon"], 2, "not a time"),
        (&["build", "--from", "nowhere"], 1, "peerpress snapshot"),
        (&["build", "--database-url", "postgres://nobody:secret@127.0.0.1:1/x"], 1, "hint:"),
    ];
    for (args, code, text) in cases {
        let ran = run(peerpress(folder.path()).args(args));
        assert_eq!(ran.code, Some(code), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(text) && !ran.stderr.contains("secret"), "{args:?}: {}", ran.stderr);
        assert!(!folder.path().join("output/index.html").exists());
    }
    std::fs::write(folder.path().join("peerpress.toml"), "[folders]\noutptu = \"x\"").unwrap();
    let ran = run(peerpress(folder.path()).arg("check"));
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("did you mean folders.output?"), "{}", ran.stderr);
}

#[test]
fn a_failed_build_leaves_the_former_site_and_findings_fail_only_when_asked() {
    let db = TestDb::migrated();
    let folder = quick_folder();
    let seed = ["seed", "--conferences", "20", "--days", "2", "--end", "2026-11-20T12:00:00Z"];
    let ran = run(peerpress(folder.path()).args(seed).args(["--database-url", &db.url()]));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let build =
        |more: &[&str]| run(peerpress(folder.path()).args(["build", "--database-url", &db.url()]).args(more));
    assert_eq!(build(&[]).code, Some(0));
    assert_eq!(build(&["--strict"]).code, Some(3));
    let index = std::fs::read(folder.path().join("output/index.html")).unwrap();
    let templates = folder.path().join("site-templates/pages");
    std::fs::create_dir_all(&templates).unwrap();
    std::fs::write(templates.join("participant.html"), "{{ page.no_such_field }}").unwrap();
    let ran = build(&[]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("no_such_field"), "{}", ran.stderr);
    assert_eq!(std::fs::read(folder.path().join("output/index.html")).unwrap(), index);
}

/// All files of a folder.
#[test]
fn who_was_erased_stays_out_of_later_snapshots_of_the_database() {
    if shared_data().is_none() {
        return;
    }
    let db = TestDb::restored("small");
    let folder = quick_folder();
    let url = db.url();
    let ran = |args: &[&str]| -> Value {
        let ran = run(peerpress(folder.path()).args(args));
        assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.stderr);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let build = ["build", "--json", "--database-url", &url];
    let before = ran(&build);
    let row = "SELECT p.id::text, p.participant_id FROM participant p JOIN app_session s ON s.participant_id = p.id \
               WHERE p.is_active ORDER BY p.id LIMIT 1";
    let row = db.client().query_one(row, &[]).unwrap();
    let (id, given): (String, String) = (row.get(0), row.get(1));
    let erased = ran(&["erase", "--json", "--participant", &given]);
    assert_eq!(erased["participants"], serde_json::json!([id]));
    assert_eq!(erased["snapshot"]["rows"]["participants"], 1);
    let is_gone = |what: &str| {
        let snapshot = Snapshot::open(&folder.path().join("snapshot")).unwrap();
        let text: String = snapshot
            .parts()
            .iter()
            .flat_map(|part| {
                snapshot.dossiers(part).unwrap().map(|dossier| format!("{:?}", dossier.unwrap()))
            })
            .collect();
        let text = text + &format!("{:?}", snapshot.globals().unwrap());
        let found = text.find(&id).map(|at| text.get(at.saturating_sub(60)..at + 60));
        assert!(text.len() > 10_000 && found.is_none(), "{what}: {} {found:?}", text.len());
        for (path, bytes) in files(&folder.path().join("output")) {
            assert!(!path.contains(&id) && !String::from_utf8_lossy(&bytes).contains(&id), "{what}: {path}");
        }
    };
    is_gone("erased");
    let check = run(peerpress(folder.path()).args(["check", "--database-url", &url]));
    assert_eq!(check.code, Some(0), "{}{}", check.stdout, check.stderr);
    // Nothing is read again, and nothing comes back, also where transactions make the program look.
    db.client().batch_execute("SELECT txid_current()").unwrap();
    let again = ran(&build);
    is_gone("built again");
    assert_eq!(
        (&again["written"], &again["participants"]),
        (&0.into(), &(before["participants"].as_u64().unwrap() - 1).into())
    );
    // Rows of theirs are read again where something changed, and where everything is.
    let touch = format!(
        "UPDATE conference SET conference_name = 'touched' WHERE id = (SELECT conference_id FROM app_session WHERE participant_id = '{id}' LIMIT 1)"
    );
    db.client().batch_execute(&touch).unwrap();
    let taken = ran(&["snapshot", "--json", "--database-url", &url]);
    assert_eq!((&taken["changed"], &taken["conferences_changed"]), (&true.into(), &1.into()));
    is_gone("changed");
    ran(&["build", "--json", "--full", "--database-url", &url]);
    is_gone("read in full");
}

pub(super) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn compressed_forms_are_part_of_the_site_for_as_long_as_they_are_asked_for() {
    let folder = quick_folder();
    let end = Timestamp::parse("2026-11-20 12:00:00").unwrap();
    let plan = plan(&SeedOptions { conferences: 2, days: 2, seed: 5, end, short: false });
    write_snapshot(&plan, &folder.path().join("snapshot"), &|_| {}).unwrap();
    let build = |more: &[&str]| {
        let ran = run(peerpress(folder.path()).args(["build", "--json", "--from", "snapshot"]).args(more));
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        serde_json::from_str::<Value>(&ran.stdout).unwrap()
    };
    build(&["--output", "one", "--precompress", "--threads", "1"]);
    let one = files(&folder.path().join("one"));
    std::fs::write(folder.path().join("set.toml"), "[build]\nprecompress = true\n").unwrap();
    build(&["--output", "many", "--config", "set.toml", "--threads", "8"]);
    assert!(one == files(&folder.path().join("many")), "forms differ with the number of threads");
    assert_eq!(build(&["--output", "one", "--precompress"])["written"], 0);
    for (name, form) in &one {
        let Some(original) = name.strip_suffix(".gz").map(|name| &one[name]) else { continue };
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(form.as_slice()).read_to_end(&mut plain).unwrap();
        assert!(plain == *original && form.len() < plain.len(), "{name}");
    }
    let check = run(peerpress(folder.path()).args(["check", "--output", "one"]));
    assert_eq!(check.code, Some(0), "{}{}", check.stdout, check.stderr);

    let is_form = |name: &String| [".br", ".zst", ".gz"].iter().any(|end| name.ends_with(end));
    let forms = one.keys().filter(|name| is_form(name)).count();
    assert!(one.contains_key("index.html.br") && one.contains_key("index.html.zst"));
    let without = build(&["--output", "one"]);
    assert_eq!((&without["written"], &without["removed"]), (&0.into(), &forms.into()));
    assert!(!files(&folder.path().join("one")).keys().any(is_form));
}

#[test]
fn the_demo_serves_what_it_built_and_takes_everything_down() {
    let folder = quick_folder();
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    // The server's user must be able to reach its folder below this one.
    #[cfg(unix)]
    for path in [folder.path(), &temporary] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o1777)).unwrap();
    }
    let mut demo = peerpress(folder.path())
        .args(["demo", "--conferences", "5", "--days", "1", "--port", "18640"])
        .env("TMPDIR", &temporary)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = std::io::BufReader::new(demo.stderr.take().unwrap());
    let mut address = String::new();
    let mut said = String::new();
    while address.is_empty() {
        let mut line = String::new();
        let read = std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
        assert!(read > 0, "the demo ended: {said}");
        if let Some((_, rest)) = line.split_once("http://") {
            address = rest.split_whitespace().next().unwrap().to_owned();
        }
        said.push_str(&line);
    }
    let answer = |request: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(stream, "{request}\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    };
    assert!(answer("GET / HTTP/1.1").contains("<h1>All organizations</h1>"));
    assert!(answer("HEAD / HTTP/1.1").starts_with("HTTP/1.1 200"));
    assert!(answer("GET /nowhere HTTP/1.1").starts_with("HTTP/1.1 404"));
    assert!(!answer("GET /../../etc/passwd HTTP/1.1").contains("root:"));
    // As Ctrl-C does.
    assert!(Command::new("kill").args(["-INT", &demo.id().to_string()]).status().unwrap().success());
    assert!(demo.wait().unwrap().success());
    let left: Vec<_> = std::fs::read_dir(&temporary).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// `peerpress serve` in a folder, to be asked over HTTP.
struct Served {
    program: Child,
    address: String,
    stderr: BufReader<ChildStderr>,
}

impl Served {
    fn start(folder: &Path, args: &[&str]) -> Self {
        Self::start_after(folder, args, "")
    }

    /// It has to say this before it serves.
    fn start_after(folder: &Path, args: &[&str], said: &str) -> Self {
        Self::of(peerpress(folder).args(["serve", "--port", "0"]).args(args), said)
    }

    fn of(command: &mut Command, said: &str) -> Self {
        let mut program = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(program.stderr.take().unwrap());
        let mut served = Self { program, address: String::new(), stderr };
        if !said.is_empty() {
            served.said(said);
        }
        let line = served.said("http://");
        let (_, address) = line.split_once("http://").unwrap();
        address.split_whitespace().next().unwrap().clone_into(&mut served.address);
        served
    }

    /// The next line on the terminal with a text.
    fn said(&mut self, text: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "it ended, and said: {all}");
            if line.contains(text) {
                return line;
            }
            all.push_str(&line);
        }
    }

    fn ask(&self, url: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // The older version, so that nothing comes in chunks.
        write!(stream, "GET {url} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        BufReader::new(stream)
    }

    fn get(&self, url: &str) -> String {
        let mut bytes = Vec::new();
        self.ask(url).read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.lines().next().unwrap().contains(" 200"), "{url}: {head}");
        body.to_owned()
    }

    /// Listens to the news of a page.
    fn news(&self, page: &str) -> News {
        News(self.ask(&format!("/_peerpress/events?page={page}")))
    }

    /// As Ctrl-C does.
    fn end(mut self) {
        let id = self.program.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        assert!(self.program.wait().unwrap().success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // A test that failed leaves nothing running; after the usual end there is nothing to kill.
        drop(self.program.kill());
    }
}

struct News(BufReader<TcpStream>);

impl News {
    /// The next one.
    fn next(&mut self) -> Value {
        let mut quiet = 0;
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "no more news");
            // Signs of life would keep a test waiting for ever.
            quiet += u32::from(line.starts_with(':'));
            assert!(quiet < 12, "no news");
            if let Some(data) = line.strip_prefix("data: ") {
                return serde_json::from_str(data).unwrap();
            }
        }
    }
}

/// Saves as many editors do: beside the file, then renamed.
fn save(file: &Path, text: &str) {
    let beside = file.with_extension("new");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, file).unwrap();
}

fn built_in(template: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("site-templates").join(template))
        .unwrap()
}

/// A small snapshot of generated calls.
fn generated(folder: &Path) {
    let end = Timestamp::parse("2026-11-20T12:00:00Z").unwrap();
    let plan = plan(&SeedOptions { conferences: 8, days: 2, seed: 1, end, short: false });
    write_snapshot(&plan, &folder.join("snapshot"), &|_| {}).unwrap();
}

#[test]
fn what_is_saved_is_shown_at_once_and_published_behind() {
    let folder = quick_folder();
    generated(folder.path());
    let mut served = Served::start(folder.path(), &["--from", "snapshot"]);
    let mut news = served.news("index.html");
    let mut other = served.news("methods.html");
    let first = news.next();
    let methods = other.next();
    assert!(served.get("/").contains(&format!("data-live-digest={}", first["digest"])));

    // The folder was not there before.
    let template = folder.path().join("site-templates/pages/index.html");
    let good = built_in("pages/index.html").replace("<h1>", "<h1 id=\"edited\">");
    save(&template, &good);
    let edited = news.next();
    assert_ne!(edited["digest"], first["digest"]);
    assert!(served.get("/").contains("id=\"edited\""));
    served.said("is up to date");
    let published = std::fs::read_to_string(folder.path().join("output/index.html")).unwrap();
    assert!(published.contains("id=\"edited\"") && !published.contains("_peerpress"), "{published}");

    let css = folder.path().join("assets/css/main.css");
    save(&css, "body { color: red }");
    let swapped = news.next();
    assert_eq!(swapped["digest"], edited["digest"]);
    let name = swapped["styles"]["css/main.css"].as_str().unwrap();
    assert_eq!(served.get(&format!("/assets/{name}")), "body { color: red }");
    // What happened to the start page was no news of this one, and its style is.
    let restyled = other.next();
    assert_eq!((&restyled["digest"], &restyled["styles"]), (&methods["digest"], &swapped["styles"]));

    save(&template, &format!("{good}{{% if %}}"));
    let broken = news.next();
    assert_eq!(broken["digest"], edited["digest"]);
    assert_eq!(broken["problem"]["file"], "site-templates/pages/index.html");
    assert_eq!(broken["problem"]["line"], good.lines().count() + 1);
    served.said(&format!("site-templates/pages/index.html:{}:", good.lines().count() + 1));
    assert!(served.get("/").contains("id=\"edited\""));
    save(&template, &good);
    assert_eq!(news.next(), swapped);

    save(&folder.path().join("peerpress.toml"), "[serve]\nprot = 8000");
    let unknown = news.next();
    assert_eq!(
        (&unknown["problem"]["line"], &unknown["problem"]["hint"]),
        (&2.into(), &"did you mean serve.port?".into())
    );
    std::fs::remove_file(folder.path().join("peerpress.toml")).unwrap();
    assert_eq!(news.next(), swapped);

    // What a setting changes is on pages once it is built.
    let mut methods = served.news("methods.html");
    let before = methods.next();
    save(&folder.path().join("peerpress.toml"), "[report]\ntime_zone = \"Asia/Tokyo\"");
    assert_ne!(methods.next()["digest"], before["digest"]);
    assert!(served.get("/methods.html").contains("Asia/Tokyo"));
    served.end();
}

#[test]
fn every_page_is_shown_as_it_is_published_but_for_development_and_open_pages_block_nobody() {
    let folder = quick_folder();
    generated(folder.path());
    let served = Served::start(folder.path(), &["--from", "snapshot"]);
    let mut open: Vec<News> = (0..50).map(|_| served.news("index.html")).collect();
    for news in &mut open {
        news.next();
    }
    let output = folder.path().join("output");
    let mut pages = 0;
    for entry in walkdir::WalkDir::new(&output) {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        let path = entry.path().strip_prefix(&output).unwrap().to_str().unwrap();
        let shown = served.get(&format!("/{path}"));
        let (before, after) =
            shown.split_once("<script type=\"module\" src=\"/_peerpress/live.js\"").unwrap();
        let page = format!("{before}{}", after.split_once("</script>\n").unwrap().1)
            .replace("&quot;dev&quot;:true", "&quot;dev&quot;:false")
            .replace("content=\"script-src 'self'; connect-src 'self'; default-src", "content=\"default-src");
        let published = std::fs::read_to_string(entry.path()).unwrap();
        assert!(page == published, "{path} is shown otherwise than it is published");
        pages += 1;
    }
    assert!(pages > 30, "{pages} pages");
    served.end();
}

/// With `tracked`, the server hears of it; nobody would wait until it looks by itself.
fn new_data_is_shown(tracked: bool) {
    let db = TestDb::migrated();
    let folder = quick_folder();
    let seed = ["seed", "--short", "--conferences", "4", "--days", "1", "--end", "2026-11-20T12:00:00Z"];
    let ran = run(peerpress(folder.path()).args(seed).args(["--database-url", &db.url()]));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let interval = if tracked {
        let track = ["migrate", "--track-changes", "--database-url", &db.url()];
        assert_eq!(run(peerpress(folder.path()).args(track)).code, Some(0));
        "86400"
    } else {
        "1"
    };
    let args = ["--interval", interval, "--database-url", &db.url()];
    let mut served = Served::start(folder.path(), &args);
    if tracked {
        served.said("told of changes");
    }
    let mut client = db.client();
    let some = "SELECT participant_id::text FROM app_session LIMIT 1";
    let id: String = client.query_one(some, &[]).unwrap().get(0);
    let page = format!("participant/{id}.html");
    let mut news = served.news(&page);
    let before = news.next();
    client
        .execute("UPDATE participant SET participant_name = 'Renamed' WHERE id::text = $1", &[&id])
        .unwrap();
    assert_ne!(news.next()["digest"], before["digest"]);
    assert!(served.get(&format!("/{page}")).contains("Renamed</h1>"));
    served.end();
}

#[test]
fn new_data_is_shown_on_the_pages_that_have_it() {
    new_data_is_shown(false);
}

#[test]
fn new_data_is_shown_when_the_database_tells_of_it() {
    new_data_is_shown(true);
}

#[test]
fn a_server_for_others_warns_and_asks_for_the_password_whose_hash_it_was_given() {
    let folder = quick_folder();
    std::fs::create_dir(folder.path().join("output")).unwrap();
    save(&folder.path().join("output/index.html"), "calls");
    let mut hashing = peerpress(folder.path())
        .arg("hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    hashing.stdin.take().unwrap().write_all(b"two words\n").unwrap();
    let hash = hashing.wait_with_output().unwrap().stdout;
    assert!(hash.starts_with(b"$argon2id$"));
    std::fs::write(folder.path().join("ana.hash"), hash).unwrap();

    let mut open = Served::start_after(folder.path(), &["--static", "--listen", "0.0.0.0"], "warning: ");
    open.address = open.address.replace("0.0.0.0", "127.0.0.1");
    assert_eq!(open.get("/"), "calls");
    let closed = ["--static", "--auth", "ana:ana.hash", "--host-name", "calls.example.org"];
    let closed = Served::start(folder.path(), &closed);
    let status = |host: &str, more: &str| {
        let mut stream = TcpStream::connect(&closed.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.split(' ').nth(1).unwrap().to_owned()
    };
    let right = "Authorization: Basic YW5hOnR3byB3b3Jkcw==\r\n";
    assert_eq!(status("calls.example.org", ""), "401");
    assert_eq!(status("calls.example.org", right), "200");
    assert_eq!(status("calls.example.com", right), "421");

    for (auth, problem) in [
        ("ana", "--auth takes NAME:FILE"),
        ("ana:nowhere", "cannot read nowhere"),
        ("ana:output/index.html", "the hash of ana cannot be used"),
    ] {
        let ran = run(peerpress(folder.path()).args(["serve", "--static", "--port", "0", "--auth", auth]));
        assert_eq!(ran.code, Some(2), "{auth}: {}", ran.stderr);
        assert!(ran.stderr.contains(problem) && ran.stderr.contains("\nhint: "), "{auth}: {}", ran.stderr);
    }
}

/// How many heaps a process has besides the first: 64 MiB of addresses each, at a multiple of it, of which the first pages are in use.
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
fn further_heaps(process: u32) -> usize {
    const HEAP: u64 = 64 << 20;
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mappings = maps.lines().map(|line| {
        let (range, rest) = line.split_once(' ').unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let address = |text: &str| u64::from_str_radix(text, 16).unwrap();
        (address(from), address(to), rest.get(..4).unwrap().to_owned())
    });
    let mappings: Vec<(u64, u64, String)> = mappings.collect();
    let is_heap = |pair: &&[(u64, u64, String)]| {
        let [(from, _, used), (_, to, free)] = pair else { return false };
        from % HEAP == 0 && to - from == HEAP && used == "rw-p" && free == "---p"
    };
    mappings.windows(2).filter(is_heap).count()
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
fn on_one_core_threads_share_two_heaps_unless_the_environment_says_otherwise() {
    let folder = quick_folder();
    std::fs::create_dir(folder.path().join("output")).unwrap();
    save(&folder.path().join("output/index.html"), "calls");
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    let core = cores.trim().split([',', '-']).next().unwrap();
    let heaps = |most: Option<&str>| {
        let mut command = Command::new("taskset");
        command.args([
            "--cpu-list",
            core,
            env!("CARGO_BIN_EXE_peerpress"),
            "serve",
            "--static",
            "--port",
            "0",
        ]);
        command.current_dir(folder.path()).env_remove("GLIBC_TUNABLES").env_remove("MALLOC_ARENA_MAX");
        command.envs(most.map(|most| ("MALLOC_ARENA_MAX", most)));
        let served = Served::of(&mut command, "");
        assert_eq!(served.get("/"), "calls");
        further_heaps(served.program.id())
    };
    assert_eq!(heaps(None), 1);
    assert!(heaps(Some("8")) > 1, "nothing would be limited");
}
