//! What peerpress wrote into the output folder. The manifest has one line per unit of the build; each unit's own file has
//! one line per file of the site, sorted, so that the same site has the same manifest, and so that what is held and read
//! is that of the units that changed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::SitePath;
use super::seal::{lines, seal};

const HEADER: &str = "peerpress manifest 3";
const UNIT_HEADER: &str = "peerpress unit 2";

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

/// What is known of a unit without reading its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnitRecord {
    /// A digest of all that its files were made from, if that is known.
    pub(super) key: Option<blake3::Hash>,
    pub(super) files: usize,
    pub(super) bytes: u64,
    /// Of the unit's file.
    pub(super) digest: blake3::Hash,
}

/// All units, and what the whole site is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// A digest of all that the site was made from, if that is known.
    pub(super) key: Option<blake3::Hash>,
    /// What the builder noted of it; a line.
    pub(super) note: String,
    pub(super) units: BTreeMap<String, UnitRecord>,
}

fn hash_text(hash: Option<blake3::Hash>) -> String {
    hash.map_or_else(|| "-".to_owned(), |hash| hash.to_hex().to_string())
}

/// The other way.
fn hash_of(text: &str) -> Result<Option<blake3::Hash>, blake3::HexError> {
    if text == "-" { Ok(None) } else { blake3::Hash::from_hex(text).map(Some) }
}

/// Whether a text can be a unit's name, which is that of its file too.
pub(super) fn is_unit_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    !name.is_empty() && name.len() <= 120 && !name.starts_with('.') && name.chars().all(plain)
}

impl Manifest {
    /// From bytes; `None` if they are damaged or of another version.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = lines(bytes, HEADER)?;
        let key = hash_of(lines.next()?.strip_prefix("site\t")?).ok()?;
        let note = lines.next()?.strip_prefix("note\t")?.to_owned();
        let mut units = BTreeMap::new();
        for line in lines {
            let mut fields = line.split('\t');
            let name = fields.next().filter(|name| is_unit_name(name))?.to_owned();
            let key = hash_of(fields.next()?).ok()?;
            let files = fields.next()?.parse().ok()?;
            let bytes = fields.next()?.parse().ok()?;
            let digest = blake3::Hash::from_hex(fields.next()?).ok()?;
            units.insert(name, UnitRecord { key, files, bytes, digest });
        }
        Some(Self { key, note, units })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{HEADER}\nsite\t{}\nnote\t{}\n", hash_text(self.key), self.note);
        for (name, UnitRecord { key, files, bytes, digest }) in &self.units {
            text.push_str(&format!("{name}\t{}\t{files}\t{bytes}\t{}\n", hash_text(*key), digest.to_hex()));
        }
        seal(text)
    }
}

/// The files of a unit.
pub(super) type Entries = BTreeMap<SitePath, Entry>;

/// The files of a unit from the bytes of its file; `None` if they are damaged.
pub(super) fn parse_unit(bytes: &[u8]) -> Option<Entries> {
    let mut files = BTreeMap::new();
    for line in lines(bytes, UNIT_HEADER)? {
        let mut fields = line.split('\t');
        let path = SitePath::new(fields.next()?).ok()?;
        let size = fields.next()?.parse().ok()?;
        let mtime_ns = fields.next()?.parse().ok()?;
        let digest = blake3::Hash::from_hex(fields.next()?).ok()?;
        let key = hash_of(fields.next()?).ok()?;
        files.insert(path, Entry { size, mtime_ns, digest, key });
    }
    Some(files)
}

/// The other way.
pub(super) fn unit_bytes(files: &Entries) -> Vec<u8> {
    let mut text = format!("{UNIT_HEADER}\n");
    for (path, Entry { size, mtime_ns, digest, key }) in files {
        let (digest, key) = (digest.to_hex(), hash_text(*key));
        text.push_str(&format!("{path}\t{size}\t{mtime_ns}\t{digest}\t{key}\n"));
    }
    seal(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_what_is_cut_is_not() {
        let entry = Entry { size: 5, mtime_ns: 7, digest: blake3::hash(b"x"), key: None };
        let keyed = Entry { key: Some(blake3::hash(b"k")), ..entry.clone() };
        let path = |text| SitePath::new(text).unwrap();
        let files = BTreeMap::from([(path("a"), entry), (path("b/ü.html"), keyed)]);
        let bytes = unit_bytes(&files);
        assert_eq!(parse_unit(&bytes), Some(files));
        for end in 0..bytes.len() {
            assert_eq!(parse_unit(&bytes[..end]), None, "cut at {end}");
        }
        let record = UnitRecord { key: None, files: 2, bytes: 10, digest: blake3::hash(&bytes) };
        let keyed = UnitRecord { key: Some(blake3::hash(b"k")), ..record.clone() };
        let units = BTreeMap::from([("part-2026-11-18.0".to_owned(), record), ("site".to_owned(), keyed)]);
        let manifest = Manifest { key: Some(blake3::hash(b"all")), note: "{\"a\": 1}".to_owned(), units };
        let bytes = manifest.to_bytes();
        assert_eq!(Manifest::parse(&bytes), Some(manifest));
        for end in 0..bytes.len() {
            assert_eq!(Manifest::parse(&bytes[..end]), None, "cut at {end}");
        }
        assert_eq!(Manifest::parse(&Manifest::default().to_bytes()), Some(Manifest::default()));
    }

    #[test]
    fn a_units_name_is_a_plain_file_name() {
        assert!(is_unit_name("part-2026-11-18.0"));
        for bad in ["", ".", "..", "a/b", "A", "a\tb", "ü"] {
            assert!(!is_unit_name(bad), "{bad:?}");
        }
    }
}
