//! What the conferences of a part leave for the pages after them, kept on disk from one build to the next: a part that did
//! not change is not measured again, and what is not needed is not read.
//!
//! A file is named after the part and a digest of all that it was made from but the participants' names; those it names
//! itself, with their digest. Its form is postcard, in sections that can be read one by one: one for the facts of the
//! conferences, one for each group of participants with their attendances.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::desk::Hasher;
use crate::ids::{AppId, ParticipantId};
use crate::report::experience::Experience;
use crate::report::{AppTotals, Attendance, ConferenceFacts, World};
use crate::site::pages::data_quality::FindingTotals;
use crate::units::Timestamp;

const MAGIC: &[u8; 16] = b"peerpress part 1";
/// In how many groups participants are; a power of two.
pub(super) const GROUPS: usize = 256;

/// In which group a participant is.
pub(super) fn group_of(id: ParticipantId) -> usize {
    usize::from(blake3::hash(id.0.as_bytes()).as_bytes()[0]) % GROUPS
}

type Digest = [u8; 32];

fn digest(bytes: &[u8]) -> Digest {
    *blake3::hash(bytes).as_bytes()
}

/// A stretch of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Section {
    at: u64,
    bytes: u64,
    digest: Digest,
}

/// What stands at the head of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Head {
    /// All participants that are named on a page of the part.
    named: BTreeSet<ParticipantId>,
    /// A digest of what pages know of them.
    names: Digest,
    /// The snapshot's instant, if a page shows what is counted up to it.
    instant: Option<Timestamp>,
    facts: Section,
    groups: BTreeMap<usize, Section>,
}

/// What a part's conferences leave in full.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Leavings {
    /// By creation.
    pub(super) facts: Vec<ConferenceFacts>,
    pub(super) totals: BTreeMap<AppId, AppTotals>,
    pub(super) experiences: BTreeMap<AppId, Vec<Experience>>,
    pub(super) findings: FindingTotals,
    /// Who is in the conferences that the report is of.
    pub(super) people: BTreeSet<ParticipantId>,
}

/// The leavings of one part, on disk or, without a folder, in memory.
#[derive(Debug)]
pub(super) struct PartLeavings {
    head: Head,
    bodies: Bodies,
}

#[derive(Debug)]
enum Bodies {
    /// The file, and where its sections begin.
    File(PathBuf, u64),
    Memory(Vec<u8>),
}

/// What pages know of participants, as a digest.
fn names(named: &BTreeSet<ParticipantId>, world: &World) -> Digest {
    let mut hasher = Hasher::new("names");
    for id in named {
        hasher.add(id).add(&world.participants.get(id));
    }
    *hasher.finish().as_bytes()
}

/// The folder with the files of all parts.
#[derive(Debug, Clone)]
pub struct Ledger {
    folder: Option<PathBuf>,
}

impl Ledger {
    /// In a folder, which need not be there.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder: Some(folder) }
    }

    /// Only in memory: nothing is kept from one build to the next.
    pub fn in_memory() -> Self {
        Self { folder: None }
    }

    fn file(&self, part: &str, base: &blake3::Hash) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{part}.{}", &base.to_hex()[..24])))
    }

    /// What a part left when it was last made from the same things; `None` if it was not, or if the file is damaged.
    pub(super) fn find(&self, part: &str, base: &blake3::Hash, world: &World) -> Option<PartLeavings> {
        let path = self.file(part, base)?;
        let found = PartLeavings::open(&path).ok()?;
        let same = names(&found.head.named, world) == found.head.names
            && found.head.instant.is_none_or(|instant| instant == world.instant);
        same.then_some(found)
    }

    /// Keeps what a part left.
    pub(super) fn keep(
        &self,
        part: &str,
        base: &blake3::Hash,
        leavings: &Leavings,
        attendances: BTreeMap<usize, Vec<Attendance>>,
        (named, ongoing, world): (BTreeSet<ParticipantId>, bool, &World),
    ) -> anyhow::Result<PartLeavings> {
        let mut body = Vec::new();
        let mut section = |value: Vec<u8>| {
            let section =
                Section { at: body.len() as u64, bytes: value.len() as u64, digest: digest(&value) };
            body.extend(value);
            section
        };
        let facts = section(postcard::to_stdvec(leavings)?);
        let mut groups = BTreeMap::new();
        for (group, list) in attendances {
            groups.insert(group, section(postcard::to_stdvec(&list)?));
        }
        let names = names(&named, world);
        let head = Head { named, names, instant: ongoing.then_some(world.instant), facts, groups };
        let Some(path) = self.file(part, base) else {
            return Ok(PartLeavings { head, bodies: Bodies::Memory(body) });
        };
        let text = postcard::to_stdvec(&head)?;
        let mut whole = MAGIC.to_vec();
        whole.extend((text.len() as u64).to_le_bytes());
        whole.extend(digest(&text));
        whole.extend(&text);
        let start = whole.len() as u64;
        whole.extend(body);
        let write = || -> io::Result<()> {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            let beside = path.with_extension("tmp");
            fs::write(&beside, &whole)?;
            fs::rename(beside, &path)
        };
        write().map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        Ok(PartLeavings { head, bodies: Bodies::File(path, start) })
    }

    /// Removes the files of former builds that none of these parts uses. What cannot be removed is in nobody's way.
    pub(super) fn sweep<'a>(&self, used: impl Iterator<Item = &'a PartLeavings>) {
        let Some(entries) = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok()) else { return };
        let used: BTreeSet<&Path> = used
            .filter_map(|part| match &part.bodies {
                Bodies::File(path, _) => Some(path.as_path()),
                Bodies::Memory(_) => None,
            })
            .collect();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if !used.contains(path.as_path()) {
                drop(fs::remove_file(path));
            }
        }
    }
}

impl PartLeavings {
    fn open(path: &Path) -> io::Result<Self> {
        let damaged = || io::Error::from(io::ErrorKind::InvalidData);
        let mut file = File::open(path)?;
        let mut start = [0; 16 + 8 + 32];
        file.read_exact(&mut start)?;
        let (magic, rest) = start.split_at(16);
        let (length, expected) = rest.split_at(8);
        let length = u64::from_le_bytes(length.try_into().map_err(|_| damaged())?);
        if magic != MAGIC || length > file.metadata()?.len() {
            return Err(damaged());
        }
        let mut text = vec![0; usize::try_from(length).map_err(|_| damaged())?];
        file.read_exact(&mut text)?;
        if digest(&text) != expected {
            return Err(damaged());
        }
        let head = postcard::from_bytes(&text).map_err(|_| damaged())?;
        Ok(Self { head, bodies: Bodies::File(path.to_owned(), start.len() as u64 + length) })
    }

    /// A digest of all that the part's pages depend on beyond what its file is named after.
    pub(super) fn key(&self, base: &blake3::Hash) -> blake3::Hash {
        let mut hasher = Hasher::new("part with names");
        hasher.add(base.as_bytes()).add(&self.head.names).add(&self.head.instant);
        hasher.finish()
    }

    /// A digest of what its conferences left in full.
    pub(super) fn digest(&self) -> &Digest {
        &self.head.facts.digest
    }

    /// A digest of the attendances of a group, if there are any.
    pub(super) fn group_digest(&self, group: usize) -> Option<&Digest> {
        self.head.groups.get(&group).map(|section| &section.digest)
    }

    /// What its conferences left in full.
    pub(super) fn read(&self) -> anyhow::Result<Leavings> {
        self.section(&self.head.facts)
    }

    /// The attendances of a group of participants.
    pub(super) fn group(&self, group: usize) -> anyhow::Result<Vec<Attendance>> {
        self.head.groups.get(&group).map_or_else(|| Ok(Vec::new()), |section| self.section(section))
    }

    fn section<T: DeserializeOwned>(&self, section: &Section) -> anyhow::Result<T> {
        let bytes = match &self.bodies {
            Bodies::Memory(bytes) => {
                let at = usize::try_from(section.at)?;
                bytes[at..at + usize::try_from(section.bytes)?].to_vec()
            }
            Bodies::File(path, start) => {
                let read = || -> io::Result<Vec<u8>> {
                    let mut file = File::open(path)?;
                    file.seek(SeekFrom::Start(start + section.at))?;
                    let mut bytes = Vec::new();
                    file.take(section.bytes).read_to_end(&mut bytes)?;
                    Ok(bytes)
                };
                let bytes = read().map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
                anyhow::ensure!(
                    digest(&bytes) == section.digest,
                    "{} is damaged\nhint: delete it, and build again",
                    path.display()
                );
                bytes
            }
        };
        Ok(postcard::from_bytes(&bytes)?)
    }
}
