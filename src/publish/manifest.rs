//! What peerpress wrote into the output folder: one line per file, sorted, so that the same site has the same manifest.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::SitePath;

const HEADER: &str = "peerpress manifest 1";

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) size: u64,
    /// Nanoseconds since the epoch.
    pub(super) mtime_ns: u128,
    pub(super) digest: blake3::Hash,
    /// A digest of what the file was made from.
    pub(super) key: Option<blake3::Hash>,
}

impl Entry {
    /// Of a file on disk with known bytes.
    pub(super) fn of(path: &Path, digest: blake3::Hash, key: Option<blake3::Hash>) -> io::Result<Self> {
        let (size, mtime_ns) = stamp(path)?;
        Ok(Self { size, mtime_ns, digest, key })
    }

    /// Whether the file at `path` looks as it did when it was written.
    pub(super) fn matches(&self, path: &Path) -> bool {
        stamp(path).is_ok_and(|found| found == (self.size, self.mtime_ns))
    }
}

fn stamp(path: &Path) -> io::Result<(u64, u128)> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mtime = metadata.modified()?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    Ok((metadata.len(), mtime.as_nanos()))
}

/// All files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) files: BTreeMap<SitePath, Entry>,
}

impl Manifest {
    /// From bytes; `None` if they are damaged or of another version.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.strip_suffix("\nend\n")?;
        let mut lines = text.lines();
        if lines.next()? != HEADER {
            return None;
        }
        let mut files = BTreeMap::new();
        for line in lines {
            let mut fields = line.split('\t');
            let path = SitePath::new(fields.next()?).ok()?;
            let size = fields.next()?.parse().ok()?;
            let mtime_ns = fields.next()?.parse().ok()?;
            let digest = blake3::Hash::from_hex(fields.next()?).ok()?;
            let key = match fields.next()? {
                "-" => None,
                key => Some(blake3::Hash::from_hex(key).ok()?),
            };
            files.insert(path, Entry { size, mtime_ns, digest, key });
        }
        Some(Self { files })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{HEADER}\n");
        for (path, entry) in &self.files {
            let key = entry.key.map_or_else(|| "-".to_owned(), |key| key.to_hex().to_string());
            let Entry { size, mtime_ns, digest, .. } = entry;
            text.push_str(&format!("{path}\t{size}\t{mtime_ns}\t{}\t{key}\n", digest.to_hex()));
        }
        text.push_str("end\n");
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_back_and_one_that_is_cut_is_not() {
        let entry = Entry { size: 5, mtime_ns: 7, digest: blake3::hash(b"x"), key: None };
        let keyed = Entry { key: Some(blake3::hash(b"k")), ..entry.clone() };
        let path = |text| SitePath::new(text).unwrap();
        let manifest = Manifest { files: BTreeMap::from([(path("a"), entry), (path("b/ü.html"), keyed)]) };
        let bytes = manifest.to_bytes();
        assert_eq!(Manifest::parse(&bytes), Some(manifest));
        for end in 0..bytes.len() {
            assert_eq!(Manifest::parse(&bytes[..end]), None, "cut at {end}");
        }
        assert_eq!(Manifest::parse(&Manifest::default().to_bytes()), Some(Manifest::default()));
    }
}
