//! `build --encrypt` as a user runs it: where the passphrase comes from, what is sealed anew, and that nobody unseals by mistake.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::sign::{Ran, peerpress, place};

const PASSPHRASE: &str = "five random words of mine";

fn build(folder: &Path, more: &[&str]) -> Ran {
    peerpress(folder, &[&["build", "--json", "--from", "snapshot"], more].concat())
}

fn built(folder: &Path, more: &[&str]) -> Value {
    let ran = build(folder, more);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.json()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
    files
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn a_site_is_sealed_only_by_a_passphrase_that_is_worth_it() {
    let place = place(1);
    let folder = place.path();
    fs::write(folder.join("short"), "elevenchars\n").unwrap();
    let cases: [(&[&str], &str); 4] = [
        (&["--encrypt"], "PEERPRESS_PASSPHRASE"),
        (&["--encrypt", "--passphrase-file", "short"], "fewer than 12"),
        (&["--encrypt", "--passphrase-file", "nowhere"], "nowhere"),
        (&["--passphrase-file", "short"], "--encrypt"),
    ];
    for (args, problem) in cases {
        let ran = build(folder, args);
        assert!(ran.code == Some(2) && ran.stderr.contains(problem), "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("elevenchars") && !folder.join("output").exists());
    }
}

#[test]
fn a_sealed_site_stays_sealed_and_unchanged_files_stay_as_they_are() {
    let place = place(2);
    let folder = place.path();
    fs::write(folder.join("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
    let sealed = ["--encrypt", "--passphrase-file", "passphrase"];
    let first = built(folder, &[&sealed[..], &["--sign", "key", "--precompress"]].concat());
    assert!(first["written"].as_u64().unwrap() > 50, "{first}");
    let output = folder.join("output");
    let before = files(&output);
    let page = String::from_utf8(before["index.html"].clone()).unwrap();
    assert!(page.contains("data-iterations=\"600000\"") && before.contains_key("index.html.br"));
    assert!(!before.keys().any(|path| path.starts_with("api/") || path.starts_with("embed/")));
    // A sealed site is one to sign and to check, too.
    let checked = peerpress(folder, &["check", "--json", "--verify", "key.pub"]);
    assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    assert_eq!(
        checked.json()["sealed_pages"],
        Value::from(
            before.keys().filter(|path| Path::new(path).extension().is_some_and(|end| end == "html")).count()
                - 1
        )
    );

    // Everything is made again, and comes out the same: salt and nonces do not change.
    let again = built(folder, &[&sealed[..], &["--sign", "key", "--precompress", "--full"]].concat());
    assert_eq!((&again["written"], &again["removed"]), (&0.into(), &0.into()));

    // Who forgets the passphrase does not publish for everybody; nor does who erases somebody.
    let forgot = build(folder, &[]);
    assert!(forgot.code == Some(2) && forgot.stderr.contains("seal.json"), "{}", forgot.stderr);
    let id = before.keys().find_map(|path| path.strip_prefix("participant/")?.strip_suffix(".html")).unwrap();
    let erased = peerpress(folder, &["erase", "--participant", id, "--sign", "key", "--precompress"]);
    assert!(erased.code == Some(2) && erased.stderr.contains("--encrypt"), "{}", erased.stderr);
    let live = peerpress(folder, &["serve", "--from", "snapshot", "--encrypt"]);
    assert!(live.code == Some(2) && live.stderr.contains("--static"), "{}", live.stderr);
    assert!(files(&output) == before);

    // Another passphrase: nothing that the old one opens is left.
    fs::write(folder.join("passphrase"), "another five random words").unwrap();
    built(folder, &[&sealed[..], &["--sign", "key", "--precompress"]].concat());
    let after = files(&output);
    let same = |path: &&String| before.get(*path) == after.get(*path);
    let same: Vec<&String> = after.keys().filter(same).filter(|path| !path.starts_with("assets/")).collect();
    assert!(
        same.iter().all(|path| path.starts_with("404.html") || path.starts_with("robots.txt")),
        "{same:?}"
    );

    // On purpose it goes, and without a trace of what was sealed.
    fs::remove_file(folder.join(".peerpress/seal.json")).unwrap();
    built(folder, &[]);
    assert!(!output.join("sealed").exists() && output.join("api/v1/meta.json").exists());
}

#[test]
fn slices_are_sealed_when_they_are_put_together_and_erasing_reseals() {
    let place = place(2);
    let folder = place.path();
    fs::write(folder.join("passphrase"), PASSPHRASE).unwrap();
    fs::write(folder.join("peerpress.toml"), "[downloads]\nembed = false\n").unwrap();
    let sealed = ["--encrypt", "--passphrase-file", "passphrase"];
    for slice in ["1/2", "2/2"] {
        let output = format!("slice-{}", &slice[..1]);
        built(folder, &["--shard", slice, "--output", &output]);
        // A slice has to be read again, so that it cannot be sealed by mistake.
        let ran = build(folder, &[&["--shard", slice, "--output", &output], &sealed[..]].concat());
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    }
    let merge = ["merge", "--json", "--from", "snapshot", "--output", "merged", "slice-1", "slice-2"];
    let merged = peerpress(folder, &[&merge[..], &sealed[..]].concat());
    assert_eq!(merged.code, Some(0), "{}", merged.stderr);
    // With the same salt it is the site that is built at once.
    fs::create_dir(folder.join(".peerpress")).unwrap();
    fs::copy(folder.join(".peerpress-merged/seal.json"), folder.join(".peerpress/seal.json")).unwrap();
    built(folder, &sealed);
    let whole = files(&folder.join("output"));
    assert!(whole == files(&folder.join("merged")), "what was merged differs");

    let id = whole.keys().find_map(|path| path.strip_prefix("participant/")?.strip_suffix(".html")).unwrap();
    let erased = peerpress(folder, &[&["erase", "--json", "--participant", id], &sealed[..]].concat());
    assert_eq!(erased.code, Some(0), "{}", erased.stderr);
    let after = files(&folder.join("output"));
    assert!(!after.contains_key(&format!("participant/{id}.html")) && after.contains_key("index.html"));
    assert!(!after.keys().any(|path| path.starts_with("api/")));
    let kept = after.iter().filter(|(path, bytes)| whole.get(*path) == Some(bytes)).count();
    assert!(kept > after.len() / 4 && kept < after.len(), "{kept} of {}", after.len());
}
