//! Whatever happens to a build, the site is the old one or the new one, and the next build makes it good: two at once, a program
//! that is killed, a disk that fails or is full, files that are damaged.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use peerpress::commands::check;
use peerpress::lock::{Lock, Owner};
use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::units::Timestamp;

use crate::support::{quick_folder, say};

/// A small snapshot.
fn seed(folder: &Path, conferences: usize, seed: u64) {
    let end = Timestamp::parse("2026-12-03 12:00:00").unwrap();
    let options = SeedOptions { conferences, days: 2, seed, end };
    write_snapshot(&plan(&options), folder, &|_| ()).unwrap();
}

fn peerpress(place: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerpress"));
    command.current_dir(place).env_clear().args(args);
    command
}

/// Exit code, and what was said on standard error.
fn run(place: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = peerpress(place, args).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

const BUILD: [&str; 4] = ["build", "--from", "snapshot", "--quiet"];

#[test]
fn whoever_comes_second_waits_and_says_for_whom() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    seed(&place.join("snapshot"), 1, 4);
    assert_eq!(run(place, &BUILD), (Some(0), String::new()));
    let owner = || Owner::this("a-test", Timestamp::from_micros(0));
    let (site, snapshot) = (place.join(".peerpress/lock"), place.join(".snapshot.lock"));
    let nowhere = ["--database-url", "postgres://nobody@127.0.0.1:1/none"];
    let build: &[&str] = &["build", "--from", "snapshot"];
    let commands: [(&Path, &[&str]); 7] = [
        (&site, build),
        (&snapshot, build),
        (&site, &["erase", "--participant", "nobody"]),
        (&snapshot, &["erase", "--participant", "nobody"]),
        (&snapshot, &[&["snapshot"], &nowhere[..]].concat()),
        (&snapshot, &[&["build"], &nowhere[..]].concat()),
        (&snapshot, &["merge", "output", "--from", "snapshot"]),
    ];
    for (path, args) in commands {
        let lock = Lock::alone(path, &owner()).unwrap();
        let (code, said) = run(place, &[args, &["--no-wait"]].concat());
        let who = format!("is in use by process {} on ", std::process::id());
        assert_eq!(code, Some(1), "{args:?}: {said}");
        assert!(
            said.contains(&who) && said.contains("(peerpress a-test, since 1970-01-01T00:00:00"),
            "{said}"
        );
        drop(lock);
    }
    // One that waits goes on as soon as it can.
    let lock = Lock::alone(&site, &owner()).unwrap();
    let mut waiting = peerpress(place, build).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let said = BufReader::new(waiting.stderr.take().unwrap()).lines().next().unwrap().unwrap();
    assert!(said.starts_with(&format!("waiting for process {}", std::process::id())), "{said}");
    assert!(waiting.try_wait().unwrap().is_none());
    drop(lock);
    assert!(waiting.wait().unwrap().success());
    // Those who only read a snapshot do not keep each other out, and one that died keeps out nobody.
    let reader = Lock::shared(&snapshot).unwrap();
    assert_eq!(run(place, &BUILD), (Some(0), String::new()));
    drop(reader);
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let dead = Owner { pid: dead.id(), ..owner() };
    fs::write(&site, serde_json::to_vec(&dead).unwrap()).unwrap();
    let (code, said) = run(place, &["build", "--from", "snapshot", "--no-wait"]);
    assert_eq!(code, Some(0));
    assert!(
        said.contains(&format!("process {}", dead.pid)) && said.contains("did not come to its end"),
        "{said}"
    );
    assert_eq!(run(place, &BUILD), (Some(0), String::new()), "said once");
}

/// Bytes by path.
type Files = BTreeMap<String, Vec<u8>>;

fn files(site: &Path) -> Files {
    let entries = walkdir::WalkDir::new(site).into_iter().map(Result::unwrap);
    let file = |entry: walkdir::DirEntry| {
        let name = entry.path().strip_prefix(site).unwrap().to_str().unwrap().to_owned();
        entry.file_type().is_file().then(|| (name, fs::read(entry.path()).unwrap()))
    };
    entries.filter_map(file).collect()
}

/// What differs between two sites.
fn differing(one: &Files, other: &Files) -> Vec<String> {
    let paths: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    paths.into_iter().filter(|path| one.get(*path) != other.get(*path)).cloned().collect()
}

/// The files that a page has links to.
fn links(page: &str, html: &str) -> Vec<String> {
    let folder = Path::new(page).parent().unwrap();
    let values = [" href=\"", " src=\""].into_iter().flat_map(|attribute| html.split(attribute).skip(1));
    let values = values.filter_map(|rest| Some(rest.split_once('"')?.0.split(['#', '?']).next()?.to_owned()));
    let relative =
        values.filter(|value| !value.is_empty() && !value.contains(':') && !value.starts_with('/'));
    let mut found: Vec<String> = relative
        .map(|value| {
            let mut path = Vec::new();
            for part in folder.join(&value).to_str().unwrap().split('/') {
                if part == ".." {
                    path.pop();
                } else {
                    path.push(part.to_owned());
                }
            }
            path.join("/")
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Follows all links from the start page on, in a site that may be published meanwhile. Gives the files that it came to.
fn crawl(output: &Path, sites: [&Files; 2]) -> BTreeSet<String> {
    let (mut seen, mut next) = (BTreeSet::new(), vec!["index.html".to_owned()]);
    while let Some(page) = next.pop() {
        // It was removed since there was a link to it.
        let Ok(bytes) = fs::read(output.join(&page)) else { continue };
        // Neither half a file nor anything that no build made.
        assert!(sites.iter().any(|site| site.get(&page) == Some(&bytes)), "{page} is of no site");
        if !page.ends_with(".html") {
            continue;
        }
        let html = String::from_utf8(bytes).unwrap();
        for target in links(&page, &html) {
            if output.join(&target).exists() {
                if seen.insert(target.clone()) {
                    next.push(target);
                }
            } else if sites.iter().all(|site| site.contains_key(&page)) {
                assert!(
                    !dangles(output, &page, &target),
                    "{page} has a link to {target}, which is not there"
                );
            } else {
                // A page that comes or goes may, as long as there is no way to it.
                let is_there = || !dangles(output, &page, &target) || !reached(output).contains(&page);
                assert!((0..20).any(|_| is_there()), "there is a way to {page}, but none to {target}");
            }
        }
    }
    seen
}

/// Whether a page has a link to what is not there, at one moment.
fn dangles(output: &Path, page: &str, target: &str) -> bool {
    let read = || fs::read_to_string(output.join(page)).unwrap_or_default();
    let before = read();
    let is_missing = !output.join(target).exists();
    is_missing && links(page, &before).iter().any(|link| link == target) && read() == before
}

/// What there is a way to from the start page.
fn reached(output: &Path) -> BTreeSet<String> {
    let (mut seen, mut next) = (BTreeSet::new(), vec!["index.html".to_owned()]);
    while let Some(page) = next.pop() {
        let Ok(html) = fs::read_to_string(output.join(&page)) else { continue };
        if page.ends_with(".html") {
            next.extend(links(&page, &html).into_iter().filter(|target| seen.insert(target.clone())));
        }
    }
    seen
}

/// The library that makes operations fail, see `fault.c`.
fn fault_library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/fault.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fault-{}.so", std::process::id()));
        let mut compiler = Command::new("cc");
        compiler.args(["-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]).arg(&library).arg(source);
        let is_built =
            cfg!(target_os = "linux") && compiler.arg("-ldl").status().is_ok_and(|status| status.success());
        is_built.then_some(library)
    });
    if built.is_none() {
        left_out("a C compiler for Linux");
    }
    built.as_deref()
}

/// Says that a test is left out here, which must not be in CI.
fn left_out(needs: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let is_required = std::env::var_os("PEERPRESS_REQUIRE_SHARED").is_some_and(|value| value == "1");
    assert!(!is_required, "{test} needs {needs}, and PEERPRESS_REQUIRE_SHARED=1 asks for all tests");
    say(&format!("left out: {test} needs {needs}"));
}

/// Two sites of different conferences, published in the place of each other.
struct Sites {
    folder: tempfile::TempDir,
    clean: [Files; 2],
    /// Which of the two is published.
    now: usize,
}

/// A fault at a certain operation.
#[derive(Debug, Clone, Copy)]
struct Fault<'a> {
    kind: &'a str,
    at: usize,
}

impl Sites {
    fn new() -> Self {
        let folder = quick_folder();
        let place = folder.path();
        for (at, name) in ["a", "b"].into_iter().enumerate() {
            seed(&place.join(name), 2 + at, 4 + at as u64);
            let clean = format!("clean-{name}");
            assert_eq!(run(place, &["build", "--from", name, "--output", &clean, "--quiet"]).0, Some(0));
        }
        let clean = ["clean-a", "clean-b"].map(|name| files(&place.join(name)));
        assert!(clean[0].keys().any(|path| !clean[1].contains_key(path)));
        let sites = Self { folder, clean, now: 0 };
        assert!(sites.build(0, None).0.success());
        sites
    }

    fn place(&self) -> &Path {
        self.folder.path()
    }

    fn output(&self) -> PathBuf {
        self.place().join("output")
    }

    /// Builds one of the sites; gives how it ended and what was said.
    fn build(&self, which: usize, fault: Option<Fault<'_>>) -> (ExitStatus, String) {
        let args = ["build", "--from", ["a", "b"][which], "--threads", "2"];
        let mut command = peerpress(self.place(), &args);
        if let Some(Fault { kind, at }) = fault {
            command.env("LD_PRELOAD", fault_library().unwrap()).env("FAULT_KIND", kind);
            command.env("FAULT_AT", at.to_string());
            command.env("FAULT_UNDER", format!("{}/", self.place().display()));
            command.env("FAULT_LOG", self.place().join("operations"));
        }
        let output = command.output().unwrap();
        (output.status, String::from_utf8(output.stderr).unwrap())
    }

    /// How many operations there are in the publishing of the one that is not published; publishes it.
    fn count(&mut self) -> usize {
        let log = self.place().join("operations");
        drop(fs::remove_file(&log));
        self.now = 1 - self.now;
        let (status, said) = self.build(self.now, Some(Fault { kind: "none", at: 0 }));
        assert!(status.success(), "{said}");
        fs::metadata(log).unwrap().len() as usize
    }

    /// Publishes the other site with a fault, and holds what became of it against what may be.
    fn suffer(&mut self, fault: Fault<'_>) {
        let (old, new) = (self.now, 1 - self.now);
        let (status, said) = self.build(new, Some(fault));
        if fault.kind == "kill" {
            assert_eq!(status.code(), None, "{fault:?}: {said}");
        } else {
            assert!(matches!(status.code(), Some(0 | 1)), "{fault:?}: {status}: {said}");
            assert!(status.success() || said.contains("error: "), "{fault:?}: {said}");
        }
        let found = files(&self.output());
        let is = |which: usize| differing(&found, &self.clean[which]).is_empty();
        let is_decided = self.place().join(".peerpress/journal").exists();
        assert!(is_decided || is(old) || is(new), "{fault:?}: {:?}", differing(&found, &self.clean[new]));
        assert!(!status.success() || is(new), "{fault:?}: {said}");
        crawl(&self.output(), self.both());
        // The next build needs no help.
        let (status, said) = self.build(new, None);
        assert!(status.success(), "after {fault:?}: {said}");
        let left = differing(&files(&self.output()), &self.clean[new]);
        assert!(left.is_empty(), "after {fault:?}: {left:?}");
        let mut outcome = check::Outcome::default();
        check::site(&self.output(), &mut outcome).unwrap();
        assert!(outcome.pages > 10 && outcome.problems.is_empty(), "after {fault:?}: {:?}", outcome.problems);
        let known = ["folders", "lock", "manifest", "parts", "units"];
        let left = fs::read_dir(self.place().join(".peerpress")).unwrap();
        let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left: Vec<String> = left.filter(|name| !known.contains(&name.as_str())).collect();
        assert!(left.is_empty(), "after {fault:?}: {left:?}");
        self.now = new;
    }

    fn both(&self) -> [&Files; 2] {
        [&self.clean[0], &self.clean[1]]
    }
}

/// So many of the operations, from the first to the last; more where PEERPRESS_FAULTS says how many times as many.
fn spread(operations: usize, tries: usize) -> impl Iterator<Item = usize> {
    let times = std::env::var("PEERPRESS_FAULTS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let tries = (tries * times).min(operations);
    (0..tries).map(move |at| 1 + at * (operations - 1) / (tries - 1))
}

#[test]
fn a_build_that_is_killed_or_whose_disk_fails_leaves_one_of_the_two_sites_and_a_crawler_sees_no_third() {
    if fault_library().is_none() {
        return;
    }
    let mut sites = Sites::new();
    let operations = sites.count().min(sites.count());
    assert!(operations > 300, "{operations}");
    let (output, clean) = (sites.output(), sites.clean.clone());
    let journal = sites.place().join(".peerpress/journal");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let crawler = scope.spawn(|| {
            let mut read = 0;
            while !is_over.load(Ordering::SeqCst) {
                // While nothing is published, there is nothing to see.
                if journal.exists() {
                    read += crawl(&output, [&clean[0], &clean[1]]).len();
                } else {
                    std::thread::sleep(Duration::from_micros(200));
                }
            }
            read
        });
        // EIO, EACCES, ENOSPC; the kernel's numbers are those of Linux.
        for (kind, tries) in [("kill", 9), ("full", 4), ("5", 4), ("13", 3)] {
            for at in spread(operations, tries) {
                sites.suffer(Fault { kind, at });
                assert!(!crawler.is_finished(), "the crawler found something");
            }
        }
        is_over.store(true, Ordering::SeqCst);
        let read = crawler.join().unwrap();
        assert!(read > 1000, "{read}");
    });
}
