//! Sealed sites: nothing of what a snapshot says can be read in one, and with the keys it is the site that it would have been.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use peerpress::commands::site::SiteOptions;
use peerpress::seal::{SALT, Seal};

use super::privacy::{canary, marks};
use crate::support::{memory, quick_folder};

fn seal() -> Seal {
    Seal::new("correct horse battery", [7; SALT], 10)
}

/// What lies between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

#[test]
fn a_sealed_site_says_nothing_and_opens_to_the_same_bytes() {
    let folder = quick_folder();
    let (snapshot, places) = canary(folder.path(), false);
    let options = SiteOptions {
        privacy: peerpress::privacy::Privacy::Full,
        base_url: Some("https://calls.example.org".to_owned()),
        ..SiteOptions::default()
    };
    let plain = memory::site(&snapshot, &options);
    let sealed = memory::sealed_site(&snapshot, &options, &seal());
    let seal = seal();

    // All that a page says in the clear besides its path is the same on every page.
    let mut shells = BTreeSet::new();
    let mut left: BTreeSet<&String> = sealed.keys().collect();
    let mut seen = 0;
    for (path, bytes) in &plain {
        let open = |sealed: &str| seal.open(path, &BASE64.decode(sealed).unwrap()).unwrap();
        let place = if path.starts_with("assets/") || path == "robots.txt" {
            assert!(sealed[path] == *bytes, "{path}");
            path.clone()
        } else if path == "404.html" {
            path.clone()
        } else if Path::new(path).extension().is_some_and(|end| end == "html") {
            let text = String::from_utf8(sealed[path].clone()).unwrap();
            let page = between(&text, "<template id=\"sealed\"", "</template>").unwrap();
            let (attributes, page) = page.split_once('>').unwrap();
            assert!(open(page) == *bytes, "{path}");
            assert!(attributes.contains(&format!("data-path=\"{path}\"")), "{attributes}");
            let root = "../".repeat(path.matches('/').count());
            let shell = text.replace(page, "").replace(&format!("\"{path}\""), "").replace(&root, "");
            shells.insert(shell.replace("data-root=\"\"", ""));
            path.clone()
        } else {
            let place = seal.place_of(path);
            let text = String::from_utf8(sealed[&place].clone()).unwrap();
            assert!(open(between(&text, "peerpressSealed(\"", "\");\n").unwrap()) == *bytes, "{path}");
            place
        };
        assert!(left.remove(&place), "{place} is of two files");
        seen += usize::from(marks(&String::from_utf8_lossy(bytes)).next().is_some());
    }
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(shells.len(), 1, "{shells:?}");

    // The marks are in most files of the site, and in none of the sealed one, nor in a name of one.
    assert!(seen > 50 && places.len() > 1000, "{seen} files, {} marks", places.len());
    let ids: BTreeSet<String> = plain
        .keys()
        .filter_map(|path| path.strip_prefix("participant/")?.strip_suffix(".html"))
        .map(str::to_owned)
        .collect();
    assert!(!ids.is_empty());
    for (path, bytes) in sealed.iter().filter(|(path, _)| !path.starts_with("assets/")) {
        let text = format!("{path}\n{}", String::from_utf8_lossy(bytes));
        assert_eq!(marks(&text).next(), None, "{path}");
        // Ids stand in paths of pages, of which each says its own, and nowhere else.
        let id = ids.iter().find(|id| text.contains(id.as_str()));
        assert!(
            id.is_none_or(|id| !path.starts_with("sealed/") && path.contains(id.as_str())),
            "{path}: {id:?}"
        );
    }
}
