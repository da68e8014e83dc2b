//! `check --verify`: whether a site is whole and unchanged since it was signed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;
use walkdir::WalkDir;

use super::Usage;
use crate::publish::SitePath;
use crate::signature::{self, Files, MANIFEST, SIGNATURE, VerifyingKey};

/// What a signature says of a site, if it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many files the manifest names.
    pub files: usize,
    /// What was signed with it: of which instant the site is.
    pub comment: String,
}

/// Holds a site against its manifest, if its signature holds; what is wrong goes to `problems`. `key` is the text of a public key, or
/// a file with it.
pub fn site(output: &Path, key: &str, problems: &mut Vec<String>) -> anyhow::Result<Option<Verified>> {
    let key = public_key(key)?;
    let read = |name: &str| fs::read_to_string(output.join(name)).map_err(|error| format!("{name}: {error}"));
    let checked = || -> Result<(Files, String), String> {
        let (text, signature) = (read(MANIFEST)?, read(SIGNATURE)?);
        let comment =
            key.verify(text.as_bytes(), &signature).map_err(|error| format!("{SIGNATURE}: {error}"))?;
        // Only what was signed is read any further.
        let files = signature::parse(&text).map_err(|error| format!("{MANIFEST}: {error}"))?;
        Ok((files, comment))
    };
    match checked() {
        Err(problem) => {
            problems.push(problem);
            Ok(None)
        }
        Ok((files, comment)) => {
            problems.extend(differences(output, &files)?);
            Ok(Some(Verified { files: files.len(), comment }))
        }
    }
}

fn public_key(given: &str) -> Result<VerifyingKey, Usage> {
    let text = match fs::read_to_string(given) {
        Ok(text) => text,
        // The key itself has the form of no file that anybody has.
        Err(error) if error.kind() == io::ErrorKind::NotFound => given.to_owned(),
        Err(error) => return Err(Usage(format!("cannot read the key {given}: {error}"))),
    };
    VerifyingKey::from_text(&text).map_err(|error| {
        let hint =
            "--verify takes the file that peerpress new-key wrote, KEY.pub, or the line of letters in it";
        Usage(format!("{given}: {error}\nhint: {hint}"))
    })
}

/// What is missing, changed or additional, sorted by path.
fn differences(output: &Path, files: &Files) -> anyhow::Result<Vec<String>> {
    let mut found = BTreeSet::new();
    let changed = files.par_iter().filter_map(|(path, (bytes, digest))| {
        let problem = match problem(&output.join(path.as_str()), *bytes, digest) {
            Ok(problem) => problem?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => "missing".to_owned(),
            Err(error) => error.to_string(),
        };
        Some(format!("{path}: {problem}"))
    });
    found.extend(changed.collect::<Vec<_>>());
    for entry in WalkDir::new(output).min_depth(1) {
        let entry = entry?;
        if entry.file_type().is_dir() {
            continue;
        }
        let name =
            entry.path().strip_prefix(output)?.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        let signed = SitePath::new(&name).is_ok_and(|path| files.contains_key(&path));
        if !signed && name != MANIFEST && name != SIGNATURE {
            found.insert(format!("{name}: additional"));
        }
    }
    Ok(found.into_iter().collect())
}

/// How a file is not what was signed.
fn problem(path: &Path, bytes: u64, digest: &blake3::Hash) -> io::Result<Option<String>> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() {
        return Ok(Some("changed: it is no plain file".to_owned()));
    }
    if metadata.len() != bytes {
        return Ok(Some(format!("changed: {} bytes, not {bytes}", metadata.len())));
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok((hasher.finalize() != *digest).then(|| "changed".to_owned()))
}
