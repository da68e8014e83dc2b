//! Where the server's bytes come from: a [`Site`], which is a [`Folder`] or anything else that knows its paths.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Files up to here are read at once and remembered, bytes; larger ones are streamed.
const SMALL: u64 = 256 * 1024;
/// Bytes that are remembered in all.
const REMEMBERED: u64 = 64 * 1024 * 1024;
/// What a remembered file costs besides its bytes, about.
const OVERHEAD: u64 = 256;

/// Gives the file of a path.
pub trait Site: Send + Sync {
    /// A file by its checked path below the root, such as `conference/x.html`; `None` if there is none.
    ///
    /// A compressed form is asked for as a file of its own, `conference/x.html.br`, and is answered with only if both
    /// have a time and it is not the older one.
    fn entry(&self, path: &str) -> Option<Entry>;
}

/// A file of a site, to be answered with.
#[derive(Debug)]
pub struct Entry {
    /// What tells these bytes from all others that the path ever had; printable ASCII without quotes.
    pub tag: String,
    /// When the bytes were written; `None` if they never were, being made for this answer.
    pub modified: Option<SystemTime>,
    /// Bytes of the whole.
    pub length: u64,
    /// Where they are.
    pub body: Body,
}

/// Bytes to answer with.
#[derive(Debug)]
pub enum Body {
    /// In memory.
    Bytes(Bytes),
    /// In an open file.
    File(File),
}

impl Entry {
    /// Bytes that are in no file; their tag is a digest of them.
    pub fn of_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let tag = blake3::hash(&bytes).to_hex()[..32].to_owned();
        Self { tag, modified: None, length: bytes.len() as u64, body: Body::Bytes(bytes) }
    }

    fn of_file(stamp: Stamp, body: Body) -> Self {
        Self { tag: stamp.tag(), modified: Some(stamp.modified), length: stamp.length, body }
    }

    /// All of its bytes, for whoever changes them before they are answered with.
    pub fn into_bytes(self) -> io::Result<Bytes> {
        match self.body {
            Body::Bytes(bytes) => Ok(bytes),
            Body::File(mut file) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }
}

/// The files of a folder, as they are when they are asked for.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    known: Cache<String, Known, Weight>,
}

impl Folder {
    /// The folder at `root`, which must be there.
    pub fn open(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let known = Cache::with_weighter(4096, REMEMBERED, Weight);
        Ok(Self { root, known })
    }

    /// Opens a file without regard to what is known of it.
    fn load(&self, path: &str, place: &Path) -> io::Result<Entry> {
        // A link in the folder may lead out of it; what it leads to is not part of the site.
        let place = place.canonicalize()?;
        if !place.starts_with(&self.root) {
            return Err(io::Error::other("the file lies outside the site"));
        }
        let mut file = File::open(place)?;
        let stamp = Stamp::of(&file.metadata()?)?;
        if stamp.length > SMALL {
            self.known.insert(path.to_owned(), Known { stamp, bytes: None });
            return Ok(Entry::of_file(stamp, Body::File(file)));
        }
        let mut bytes = Vec::with_capacity(stamp.length as usize);
        file.read_to_end(&mut bytes)?;
        if Stamp::of(&file.metadata()?)? != stamp || bytes.len() as u64 != stamp.length {
            // Somebody writes into the file at this moment; its time says nothing about these bytes.
            return Ok(Entry::of_bytes(bytes));
        }
        let bytes = Bytes::from(bytes);
        self.known.insert(path.to_owned(), Known { stamp, bytes: Some(bytes.clone()) });
        Ok(Entry::of_file(stamp, Body::Bytes(bytes)))
    }
}

impl Site for Folder {
    fn entry(&self, path: &str) -> Option<Entry> {
        let place = self.root.join(path);
        // Follows links, and that is safe: what has the stamp of a known file is that file, which lies inside.
        let stamp = Stamp::of(&fs::metadata(&place).ok()?).ok()?;
        let known = self.known.get(path).filter(|known| Stamp::IS_IDENTITY && known.stamp == stamp);
        match known {
            Some(Known { bytes: Some(bytes), .. }) => Some(Entry::of_file(stamp, Body::Bytes(bytes))),
            Some(Known { bytes: None, .. }) => {
                let file = File::open(&place).ok()?;
                if Stamp::of(&file.metadata().ok()?).ok()? == stamp {
                    Some(Entry::of_file(stamp, Body::File(file)))
                } else {
                    self.load(path, &place).ok()
                }
            }
            None => self.load(path, &place).ok(),
        }
    }
}

/// A file that was found to lie inside the folder, with its bytes if it is small.
#[derive(Debug, Clone)]
struct Known {
    stamp: Stamp,
    bytes: Option<Bytes>,
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<String, Known> for Weight {
    fn weight(&self, path: &String, known: &Known) -> u64 {
        OVERHEAD + (path.len() + known.bytes.as_ref().map_or(0, Bytes::len)) as u64
    }
}

/// Which file it is, and in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    /// Device and inode.
    id: (u64, u64),
    length: u64,
    modified: SystemTime,
}

impl Stamp {
    /// Whether equal stamps are of one file; where the system has no inodes, every request looks anew.
    const IS_IDENTITY: bool = cfg!(unix);

    fn of(metadata: &Metadata) -> io::Result<Self> {
        if !metadata.is_file() {
            return Err(io::Error::other("not a file"));
        }
        #[cfg(unix)]
        let id = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let id = (0, 0);
        Ok(Self { id, length: metadata.len(), modified: metadata.modified()? })
    }

    /// Size and time are enough: a build leaves the time of a file whose bytes stay, and no two builds write within one
    /// tick of the file system's clock.
    fn tag(&self) -> String {
        let since = self.modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        format!("{:x}-{:x}", self.length, since.as_nanos())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn bytes(folder: &Folder, path: &str) -> Option<Vec<u8>> {
        folder.entry(path).map(|entry| entry.into_bytes().unwrap().to_vec())
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_out_of_the_folder_is_not_followed() {
        use std::os::unix::fs::symlink;

        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("site");
        fs::create_dir_all(root.join("inner")).unwrap();
        fs::create_dir(place.path().join("outer")).unwrap();
        for (path, text) in
            [("secret", "secret"), ("outer/page.html", "secret"), ("site/inner/page.html", "page")]
        {
            fs::write(place.path().join(path), text).unwrap();
        }
        symlink(place.path().join("secret"), root.join("leak")).unwrap();
        symlink(place.path().join("outer"), root.join("folder")).unwrap();
        symlink("inner/page.html", root.join("inside")).unwrap();
        let folder = Folder::open(&root).unwrap();
        for round in ["first", "again"] {
            for path in ["leak", "folder/page.html", "inner", "", "none"] {
                assert_eq!(bytes(&folder, path), None, "{path:?}, {round}");
            }
            assert_eq!(bytes(&folder, "inside").unwrap(), b"page");
            assert_eq!(bytes(&folder, "inner/page.html").unwrap(), b"page");
        }
        // A folder that was inside when it was asked for, and is a link now.
        fs::remove_dir_all(root.join("inner")).unwrap();
        symlink(place.path().join("outer"), root.join("inner")).unwrap();
        assert_eq!(bytes(&folder, "inner/page.html"), None);
    }

    #[test]
    fn a_file_is_answered_with_as_it_is_now() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let write = |text: &[u8], seconds| {
            let beside = place.path().join("beside");
            fs::write(&beside, text).unwrap();
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            File::options().write(true).open(&beside).unwrap().set_modified(time).unwrap();
            fs::rename(beside, place.path().join("a.txt")).unwrap();
        };
        let large = vec![b'x'; SMALL as usize + 1];
        let states: [(&[u8], u64); 5] = [(b"one", 1), (b"two", 2), (&large, 3), (b"", 4), (b"one", 1)];
        let mut tags = Vec::new();
        for (text, seconds) in states {
            write(text, seconds);
            for _ in 0..2 {
                let entry = folder.entry("a.txt").unwrap();
                assert_eq!(entry.length, text.len() as u64);
                assert_eq!(matches!(entry.body, Body::File(_)), text.len() as u64 > SMALL);
                tags.push(entry.tag.clone());
                assert!(entry.into_bytes().unwrap() == text, "at {seconds}");
            }
        }
        assert_eq!(tags[0], tags[1]);
        assert_eq!(tags[0], tags[8], "equal bytes of one time are one thing");
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), 4);
        fs::remove_file(place.path().join("a.txt")).unwrap();
        assert!(folder.entry("a.txt").is_none());
    }

    #[test]
    fn bytes_of_no_file_are_told_apart_by_what_they_are() {
        assert_eq!(Entry::of_bytes("a").tag, Entry::of_bytes("a").tag);
        assert_ne!(Entry::of_bytes("a").tag, Entry::of_bytes("b").tag);
    }
}
