//! Signed sites: what was done to one since it was signed is found, and nobody without the key can sign.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::signature::{NewKey, SigningKey};
use peerpress::units::Timestamp;
use serde_json::Value;

use crate::support::quick_folder;

pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stderr))
    }
}

pub(crate) fn peerpress(folder: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peerpress"));
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    let output = command.args(args).output().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with a snapshot of a few calls and a pair of keys.
pub(crate) fn place(conferences: usize) -> tempfile::TempDir {
    let folder = quick_folder();
    let end = Timestamp::parse("2026-11-20 12:00:00").unwrap();
    let plan = plan(&SeedOptions { conferences, days: 1, seed: 3, end, short: false });
    write_snapshot(&plan, &folder.path().join("snapshot"), &|_| {}).unwrap();
    let made = peerpress(folder.path(), &["new-key", "key", "--no-passphrase", "--json"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let public = fs::read_to_string(folder.path().join("key.pub")).unwrap();
    assert!(public.contains(made.json()["key"].as_str().unwrap()));
    folder
}

fn build(folder: &Path, more: &[&str]) -> Value {
    let ran = peerpress(folder, &[&["build", "--json", "--from", "snapshot"], more].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.json()
}

/// The problems that `check` finds.
fn problems(folder: &Path, key: &str) -> Vec<String> {
    let ran = peerpress(folder, &["check", "--json", "--verify", key]);
    let outcome = ran.json();
    let problems: Vec<String> = serde_json::from_value(outcome["problems"].clone()).unwrap();
    assert_eq!(ran.code, Some(i32::from(!problems.is_empty())), "{}", ran.stderr);
    problems
}

/// Puts a file of a site as it was back, when what was done to it has been seen.
struct Undo {
    file: PathBuf,
    bytes: Option<Vec<u8>>,
}

impl Undo {
    fn of(file: PathBuf) -> Self {
        Self { bytes: fs::read(&file).ok(), file }
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.file));
        if let Some(bytes) = &self.bytes {
            fs::write(&self.file, bytes).unwrap();
        }
    }
}

#[test]
fn whatever_is_done_to_a_signed_site_is_found() {
    let place = place(3);
    let folder = place.path();
    build(folder, &["--sign", "key"]);
    assert_eq!(problems(folder, "key.pub"), [""; 0]);
    let output = folder.join("output");
    let page = output.join("conference");
    let page = fs::read_dir(&page).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_file());
    let page = page.unwrap();
    let index = output.join("index.html");
    let name = |path: &Path| path.strip_prefix(&output).unwrap().to_str().unwrap().to_owned();
    let with = |undo: &Undo, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = undo.bytes.clone().unwrap();
        change(&mut bytes);
        fs::write(&undo.file, bytes).unwrap();
    };
    let found = |expected: &[String]| {
        let mut found = problems(folder, "key.pub");
        // A page that is none any more is missed by its conference, too.
        found.retain(|problem| !problem.starts_with("conference "));
        assert_eq!(found, expected);
    };

    let undo = Undo::of(page.clone());
    with(&undo, &|bytes| *bytes.last_mut().unwrap() ^= 1);
    found(&[format!("{}: changed", name(&page))]);
    let length = undo.bytes.as_ref().unwrap().len();
    with(&undo, &|bytes| bytes.truncate(length - 1));
    found(&[format!("{}: changed: {} bytes, not {length}", name(&page), length - 1)]);
    // Two pages that change places are two pages that changed.
    let other = Undo::of(index.clone());
    fs::write(&page, other.bytes.as_ref().unwrap()).unwrap();
    fs::write(&index, undo.bytes.as_ref().unwrap()).unwrap();
    let swapped = problems(folder, "key.pub");
    assert_eq!(swapped.iter().filter(|problem| problem.contains(": changed")).count(), 2, "{swapped:?}");
    drop(other);
    fs::remove_file(&page).unwrap();
    assert!(problems(folder, "key.pub").contains(&format!("{}: missing", name(&page))));
    // The same bytes by a detour that leads out of the site.
    fs::write(folder.join("elsewhere"), undo.bytes.as_ref().unwrap()).unwrap();
    std::os::unix::fs::symlink(folder.join("elsewhere"), &page).unwrap();
    found(&[format!("{}: changed: it is no plain file", name(&page))]);
    drop(undo);

    let undo = Undo::of(output.join("assets/evil.js"));
    fs::write(&undo.file, "evil()").unwrap();
    found(&["assets/evil.js: additional".to_owned()]);
    drop(undo);
    found(&[]);
}

#[test]
fn a_manifest_counts_only_as_it_was_signed_by_that_key() {
    let place = place(1);
    let folder = place.path();
    build(folder, &["--sign", "key"]);
    let output = folder.join("output");
    let (manifest, signature) = (output.join("manifest.txt"), output.join("manifest.txt.minisig"));
    let text = fs::read_to_string(&manifest).unwrap();
    let one = |key: &str, part: &str| {
        let found = problems(folder, key);
        assert!(found.len() == 1 && found[0].contains(part), "{found:?} are not {part}");
    };
    // By another key.
    let other = NewKey::make(None).unwrap();
    fs::write(folder.join("other.pub"), &other.public).unwrap();
    one("other.pub", "the signature does not hold");
    // A page that was changed, and the manifest with it.
    let index = Undo::of(output.join("index.html"));
    fs::write(&index.file, "forged").unwrap();
    let own = Undo::of(manifest.clone());
    let line = text.lines().find(|line| line.ends_with("\tindex.html")).unwrap();
    let forged = format!("{}\t6\tindex.html", blake3::hash(b"forged").to_hex());
    fs::write(&manifest, text.replace(line, &forged)).unwrap();
    one("key.pub", "the signature does not hold");
    // The same, signed by whoever did it.
    let forger = SigningKey::from_text(&other.secret, "").unwrap();
    let old = Undo::of(signature.clone());
    fs::write(&signature, forger.sign(text.replace(line, &forged).as_bytes(), "").unwrap()).unwrap();
    one("key.pub", "the signature does not hold");
    drop((index, own));
    // Paths that lead out of the site are refused whoever signed them.
    let own = Undo::of(manifest.clone());
    let signing = SigningKey::from_text(&fs::read_to_string(folder.join("key")).unwrap(), "").unwrap();
    let trick = text.replace("\tindex.html", "\t../key");
    fs::write(&manifest, &trick).unwrap();
    fs::write(&signature, signing.sign(trick.as_bytes(), "").unwrap()).unwrap();
    one("key.pub", "manifest.txt: line");
    drop((own, old));
    fs::remove_file(&signature).unwrap();
    one("key.pub", "manifest.txt.minisig: ");
    // The key itself in place of its file, and what is no key.
    let key = fs::read_to_string(folder.join("key.pub")).unwrap().lines().nth(1).unwrap().to_owned();
    one(&key, "manifest.txt.minisig: ");
    assert_eq!(peerpress(folder, &["check", "--verify", "no-such-key"]).code, Some(2));
}

#[test]
fn a_build_signs_what_it_wrote_and_nothing_else() {
    let place = place(2);
    let folder = place.path();
    let signature = folder.join("output/manifest.txt.minisig");
    build(folder, &[]);
    assert!(!signature.exists());
    // Files that are kept are not read again: one that was changed in place is signed as it was written.
    let index = Undo::of(folder.join("output/index.html"));
    let mut changed = index.bytes.clone().unwrap();
    *changed.last_mut().unwrap() ^= 1;
    let modified = fs::metadata(&index.file).unwrap().modified().unwrap();
    fs::write(&index.file, &changed).unwrap();
    fs::File::options().write(true).open(&index.file).unwrap().set_modified(modified).unwrap();
    let summary = build(folder, &["--sign", "key"]);
    assert_eq!(summary["written"], 2);
    assert_eq!(problems(folder, "key.pub"), ["index.html: changed"]);
    drop(index);
    assert_eq!(problems(folder, "key.pub"), [""; 0]);
    // Nothing changed, so the signature stays; made anew it would be another one.
    let before = fs::read(&signature).unwrap();
    assert_eq!(build(folder, &["--sign", "key", "--full"])["written"], 0);
    assert_eq!(fs::read(&signature).unwrap(), before);
    // Forms are files of the site, too.
    build(folder, &["--sign", "key", "--precompress"]);
    assert!(fs::read_to_string(folder.join("output/manifest.txt")).unwrap().contains("\tindex.html.br\n"));
    assert_eq!(problems(folder, "key.pub"), [""; 0]);
    // Who leaves the key out has a site without a signature, rather than one with an old one; to erase somebody takes the key.
    let person = fs::read_dir(folder.join("output/participant")).unwrap().next().unwrap().unwrap().path();
    let person = person.file_stem().unwrap().to_str().unwrap().split('.').next().unwrap().to_owned();
    let erased = peerpress(folder, &["erase", "--participant", &person, "--precompress"]);
    assert!(erased.code == Some(2) && erased.stderr.contains("--sign"), "{}", erased.stderr);
    build(folder, &[]);
    assert!(!signature.exists());
}

#[test]
fn a_key_is_never_overwritten_and_its_passphrase_is_asked_for() {
    let folder = quick_folder();
    let folder = folder.path();
    let ran = peerpress(folder, &["new-key", "key"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("PEERPRESS_SIGN_PASSPHRASE"), "{}", ran.stderr);
    let made = NewKey::make(Some("a passphrase")).unwrap();
    fs::write(folder.join("key"), &made.secret).unwrap();
    assert_eq!(peerpress(folder, &["new-key", "key", "--no-passphrase"]).code, Some(2));
    assert_eq!(fs::read_to_string(folder.join("key")).unwrap(), made.secret);
    let plan = plan(&SeedOptions {
        conferences: 1,
        days: 1,
        seed: 3,
        end: Timestamp::parse("2026-11-20 12:00:00").unwrap(),
        short: false,
    });
    write_snapshot(&plan, &folder.join("snapshot"), &|_| {}).unwrap();
    let ran = peerpress(folder, &["build", "--from", "snapshot", "--sign", "key"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("PEERPRESS_SIGN_PASSPHRASE"), "{}", ran.stderr);
    assert!(!folder.join("output").exists());
}
