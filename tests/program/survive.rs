//! Whatever happens to a build, the site is the old one or the new one, and the next build makes it good: two at once, a program
//! that is killed, a disk that fails or is full, files that are damaged.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use peerpress::commands::check;
use peerpress::lock::{Lock, Owner};
use peerpress::publish::Room;
use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::units::Timestamp;

use crate::support::{TestDb, quick_folder, say};

/// A small snapshot.
fn seed(folder: &Path, conferences: usize, seed: u64) {
    seed_until("2026-12-03 12:00:00", folder, conferences, seed);
}

fn seed_until(end: &str, folder: &Path, conferences: usize, seed: u64) {
    let end = Timestamp::parse(end).unwrap();
    let options = SeedOptions { conferences, days: 2, seed, end, short: false };
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
    let folder = quick_folder();
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

fn is_page(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "html")
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
        if !is_page(&page) {
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
        if is_page(&page) {
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
    /// Where the published one lies.
    disk: PathBuf,
    /// Whether the program runs as nobody, for whom there are rights.
    as_nobody: bool,
    clean: [Files; 2],
    /// Which of the two is published.
    now: usize,
}

/// The user who has no rights but those of everybody.
const NOBODY: u32 = 65_534;

/// A fault at a certain operation.
#[derive(Debug, Clone, Copy)]
struct Fault<'a> {
    kind: &'a str,
    at: usize,
}

impl Sites {
    fn new() -> Self {
        Self::on(&|place| place.to_owned(), false)
    }

    /// The disk is a folder in the place of them all.
    fn on(disk: &dyn Fn(&Path) -> PathBuf, as_nobody: bool) -> Self {
        let folder = quick_folder();
        let place = folder.path();
        for (at, name) in ["a", "b"].into_iter().enumerate() {
            seed(&place.join(name), 2 + at, 4 + at as u64);
            let clean = format!("clean-{name}");
            assert_eq!(run(place, &["build", "--from", name, "--output", &clean, "--quiet"]).0, Some(0));
        }
        let clean = ["clean-a", "clean-b"].map(|name| files(&place.join(name)));
        assert!(clean[0].keys().any(|path| !clean[1].contains_key(path)));
        let disk = disk(place);
        let sites = Self { folder, disk, as_nobody, clean, now: 0 };
        let (status, said) = sites.build(0, None);
        assert!(status.success(), "{said}");
        sites
    }

    fn place(&self) -> &Path {
        self.folder.path()
    }

    fn output(&self) -> PathBuf {
        self.disk.join("output")
    }

    fn state(&self) -> PathBuf {
        self.disk.join(".peerpress")
    }

    /// Builds one of the sites; gives how it ended and what was said.
    fn build(&self, which: usize, fault: Option<Fault<'_>>) -> (ExitStatus, String) {
        let output = self.output();
        let args =
            ["build", "--from", ["a", "b"][which], "--threads", "2", "--output", output.to_str().unwrap()];
        let mut command = peerpress(self.place(), &args);
        if self.as_nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
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

    /// Publishes the other site with a fault.
    fn suffer(&mut self, fault: Fault<'_>) -> bool {
        self.suffer_from(&format!("{fault:?}"), |sites| sites.build(1 - sites.now, Some(fault)), |_| ())
    }

    /// Publishes the other site while something is wrong, holds what became of it against what may be, and publishes it again
    /// when that is mended. Gives whether it was published at once.
    fn suffer_from(
        &mut self,
        what: &str,
        build: impl FnOnce(&Self) -> (ExitStatus, String),
        mend: impl FnOnce(&Self),
    ) -> bool {
        let (old, new) = (self.now, 1 - self.now);
        let (status, said) = build(self);
        mend(self);
        if status.code().is_some() {
            assert!(matches!(status.code(), Some(0 | 1)), "{what}: {status}: {said}");
            assert!(status.success() || said.contains("error: "), "{what}: {said}");
        }
        let found = files(&self.output());
        let is = |which: usize| differing(&found, &self.clean[which]).is_empty();
        let is_decided = self.state().join("journal").exists();
        assert!(is_decided || is(old) || is(new), "{what}: {:?}", differing(&found, &self.clean[new]));
        assert!(!status.success() || is(new), "{what}: {said}");
        crawl(&self.output(), self.both());
        // The next build needs no help.
        let (mended, said) = self.build(new, None);
        assert!(mended.success(), "after {what}: {said}");
        let left = differing(&files(&self.output()), &self.clean[new]);
        assert!(left.is_empty(), "after {what}: {left:?}");
        let mut outcome = check::Outcome::default();
        check::site(&self.output(), &mut outcome).unwrap();
        assert!(outcome.pages > 10 && outcome.problems.is_empty(), "after {what}: {:?}", outcome.problems);
        let known = ["folders", "lock", "manifest", "parts", "units"];
        let left = fs::read_dir(self.state()).unwrap();
        let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left: Vec<String> = left.filter(|name| !known.contains(&name.as_str())).collect();
        assert!(left.is_empty(), "after {what}: {left:?}");
        self.now = new;
        status.success()
    }

    fn both(&self) -> [&Files; 2] {
        [&self.clean[0], &self.clean[1]]
    }
}

/// Sets a flag when it goes.
struct AtTheEnd<'a>(&'a AtomicBool);

impl Drop for AtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
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
        // Also where an assertion ends this.
        let end = AtTheEnd(&is_over);
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
        for (kind, tries) in [("kill", 7), ("full", 3), ("5", 3), ("13", 2)] {
            for at in spread(operations, tries) {
                sites.suffer(Fault { kind, at });
                assert!(!crawler.is_finished(), "the crawler found something");
            }
        }
        drop(end);
        let read = crawler.join().unwrap();
        assert!(read > 1000, "{read}");
    });
}

/// A small file system in memory; it goes when this does.
pub(super) struct SmallDisk(PathBuf);

impl SmallDisk {
    pub(super) fn mount(at: &Path, options: &str) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mut mount = Command::new("mount");
        let mount =
            mount.args(["-t", "tmpfs", "-o", options, "peerpress-test"]).arg(at).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        if !mounted {
            left_out("the right to mount a file system");
        }
        mounted.then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).status());
    }
}

#[test]
fn a_full_disk_leaves_the_old_site_and_what_cannot_fit_is_said_before_anything_is_written() {
    let mount = quick_folder();
    let at = mount.path().join("disk");
    let Some(disk) = SmallDisk::mount(&at, "size=24m,nr_inodes=1400") else { return };
    let mut sites = Sites::on(&|_| at.clone(), false);
    let ballast = at.join("ballast");
    let mut outcomes = [0, 0];
    // Bytes that are left, in units of 64 KiB: from none to all that is needed.
    for left in [0, 1, 8, 24, 40, 56, 120] {
        let fill = |sites: &Sites| {
            let room = Room::at(&sites.disk).unwrap();
            fs::write(&ballast, vec![0; usize::try_from(room.bytes).unwrap().saturating_sub(left << 16)])
                .unwrap();
            sites.build(1 - sites.now, None)
        };
        let done =
            sites.suffer_from(&format!("{left} blocks left"), fill, |_| fs::remove_file(&ballast).unwrap());
        outcomes[usize::from(done)] += 1;
    }
    for left in [0, 1, 10, 100, 200] {
        let fill = |sites: &Sites| {
            fs::create_dir(&ballast).unwrap();
            let free = Room::at(&sites.disk).unwrap().files.unwrap();
            (left..free).for_each(|number| fs::write(ballast.join(number.to_string()), "").unwrap());
            sites.build(1 - sites.now, None)
        };
        let mend = |_: &Sites| fs::remove_dir_all(&ballast).unwrap();
        outcomes[usize::from(sites.suffer_from(&format!("{left} files left"), fill, mend))] += 1;
    }
    assert!(outcomes[0] >= 6 && outcomes[1] >= 1, "{outcomes:?}");
    // A first site, for which the snapshot says what it takes, and one that is made wholly anew.
    let room = Room::at(&at).unwrap();
    fs::write(&ballast, vec![0; usize::try_from(room.bytes).unwrap() - (200 << 10)]).unwrap();
    let other = at.join("other");
    let first = ["build", "--from", "a", "--output", other.to_str().unwrap()];
    let (code, said) = run(sites.place(), &first);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no room for the site") && said.contains("hint: "), "{said}");
    assert_eq!(files(&other), Files::new());
    let output = sites.output();
    let anew = ["build", "--from", "a", "--privacy", "full", "--output", output.to_str().unwrap()];
    let (code, said) = run(sites.place(), &anew);
    assert!(code == Some(1) && said.contains("no room for the site"), "{said}");
    // Days that come to a site.
    seed_until("2026-12-07 12:00:00", &sites.place().join("later"), 6, 6);
    let later = ["build", "--from", "later", "--output", output.to_str().unwrap()];
    let before = files(&output);
    let (code, said) = run(sites.place(), &later);
    assert!(code == Some(1) && said.contains("no room for the site"), "{said}");
    assert!(differing(&files(&output), &before).is_empty());
    fs::remove_file(&ballast).unwrap();
    let (code, said) = run(sites.place(), &first);
    assert_eq!(code, Some(0), "{said}");
    drop(disk);
}

#[test]
fn a_folder_without_rights_is_an_error_that_names_it_and_nothing_else() {
    if !rustix::process::geteuid().is_root() {
        return left_out("the right to be another user");
    }
    let open = |place: &Path| {
        let disk = place.join("disk");
        for folder in [place, &disk] {
            fs::create_dir_all(folder).unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
        }
        disk
    };
    let mut sites = Sites::on(&open, true);
    let mut refused = 0;
    for folder in [".", "output", "output/api/v1", ".peerpress", ".peerpress/units", ".peerpress/parts"] {
        let path = sites.disk.join(folder);
        let rights = fs::metadata(&path).unwrap().permissions();
        let close = |sites: &Sites| {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o555)).unwrap();
            sites.build(1 - sites.now, None)
        };
        let done = sites.suffer_from(folder, close, |_| fs::set_permissions(&path, rights.clone()).unwrap());
        refused += usize::from(!done);
    }
    assert!(refused >= 4, "{refused}");
}

/// Changes a byte, at so many eighths of a file.
fn flip(path: &Path, eighths: usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = (bytes.len() * eighths / 8).min(bytes.len() - 1);
    bytes[at] ^= 4;
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path, eighths: usize) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() * eighths / 8]).unwrap();
}

type Damage = (&'static str, fn(&Path));

const DAMAGES: [Damage; 7] = [
    ("empty", |path| fs::write(path, "").unwrap()),
    ("cut to a half", |path| cut(path, 4)),
    ("the end cut", |path| cut(path, 7)),
    ("flipped at the head", |path| flip(path, 0)),
    ("flipped in the middle", |path| flip(path, 4)),
    ("flipped at the end", |path| flip(path, 8)),
    ("of another program", |path| fs::write(path, "peerpress part 99: something else\nend\n").unwrap()),
];

#[test]
fn a_damaged_ledger_is_a_warning_and_the_site_is_that_of_a_clean_build() {
    let sites = Sites::new();
    let mut told = 0;
    for (what, damage) in DAMAGES {
        for entry in fs::read_dir(sites.state().join("parts")).unwrap() {
            damage(&entry.unwrap().path());
        }
        // So that what the conferences left is read.
        fs::remove_file(sites.output().join("index.html")).unwrap();
        fs::remove_dir_all(sites.output().join("participant")).unwrap();
        fs::remove_dir_all(sites.output().join("apps")).unwrap();
        let (status, said) = sites.build(0, None);
        assert!(status.success(), "{what}: {said}");
        told += usize::from(said.contains("measured anew"));
        let left = differing(&files(&sites.output()), &sites.clean[0]);
        assert!(left.is_empty(), "{what}: {left:?}");
    }
    assert!(told >= 2, "{told}");
}

#[test]
fn a_damaged_snapshot_is_an_error_that_names_the_file_and_no_page_is_made_of_it() {
    let folder = quick_folder();
    let place = folder.path();
    let snapshot = place.join("snapshot");
    seed(&snapshot, 2, 4);
    let whole = tree_of(&snapshot);
    let mut tables = BTreeSet::new();
    for path in whole.keys() {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // One file of each table is enough, and all kinds of damage take their turn.
        if !tables.insert(name.clone()) {
            continue;
        }
        let (what, damage) = DAMAGES[tables.len() % DAMAGES.len()];
        damage(path);
        let (code, said) = run(place, &BUILD);
        assert_eq!(code, Some(1), "{name} {what}: {said}");
        assert!(said.contains(path.file_name().unwrap().to_str().unwrap()), "{name} {what}: {said}");
        assert!(said.contains("hint: "), "{name} {what}: {said}");
        assert!(!place.join("output/index.html").exists());
        fs::write(path, &whole[path]).unwrap();
    }
    assert!(tables.len() >= 11, "{tables:?}");
    assert_eq!(run(place, &BUILD), (Some(0), String::new()));
}

fn tree_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder).into_iter().map(|(name, bytes)| (folder.join(name), bytes)).collect()
}

#[test]
fn a_damaged_snapshot_of_a_database_is_taken_anew() {
    let db = TestDb::migrated();
    let folder = quick_folder();
    let place = folder.path();
    let url = db.url();
    let url = ["--database-url", url.as_str()];
    let seed = ["seed", "--conferences", "2", "--days", "2", "--end", "2026-11-20T12:00:00Z"];
    assert_eq!(run(place, &[&seed[..], &url].concat()).0, Some(0));
    let build = || run(place, &[&["build", "--quiet"][..], &url].concat());
    assert_eq!(build(), (Some(0), String::new()));
    for wanted in ["manifest", "day=", "participants", ""] {
        for path in tree_of(&place.join("snapshot")).into_keys() {
            if path.to_str().unwrap().contains(wanted) {
                flip(&path, 4);
            }
        }
        // So that everything is read.
        fs::remove_dir_all(place.join("output")).unwrap();
        fs::remove_dir_all(place.join(".peerpress")).unwrap();
        let (code, said) = run(place, &[&["build"][..], &url].concat());
        assert_eq!(code, Some(0), "{wanted}: {said}");
        assert!(said.contains("WARN"), "{wanted}: {said}");
        let clean = ["build", "--from", "snapshot", "--output", "clean", "--full", "--quiet"];
        assert_eq!(run(place, &clean), (Some(0), String::new()));
        let left = differing(&files(&place.join("output")), &files(&place.join("clean")));
        assert!(left.is_empty(), "{wanted}: {left:?}");
    }
}
