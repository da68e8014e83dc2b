//! What the conferences of a part leave for the pages after them, kept on disk from one build to the next: a part that did
//! not change is not measured again, and what is not needed is not read.
//!
//! A file is named after the part and a digest of all that it was made from but the participants' names; those it names
//! itself, with their digest. Its form is postcard, in sections that can be read one by one, each with a digest in the
//! head: what every build needs of all conferences, a group of participants with their attendances, the conferences that an
//! app's list of a month has, the calls of an app and day, what is usual in an app and month. A page is made from a few of
//! them, and their digests tell whether it has to be made again.
//!
//! Beside them lie memos: what a scope's reports leave for its lists, so that a report that stays needs not be counted; and
//! sums of a month, so that a year and a dashboard need not read all of its calls again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::desk::Hasher;
use crate::ids::{AppId, ConferenceId, ParticipantId, SessionId};
use crate::report::experience::{Medians, medians_by_month};
use crate::report::findings::Finding;
use crate::report::period::Period;
use crate::report::{
    self, AppTotals, Attendance, CallFacts, ConferenceFacts, ConferenceReport, CountedFacts, RoomCall, World,
};
use crate::site::pages::conference_label;
use crate::site::pages::data_quality::FindingTotals;
use crate::units::{Day, Timestamp};

const MAGIC: &[u8; 16] = b"peerpress part 4";
const MEMO_MAGIC: &[u8; 16] = b"peerpress memo 1";
const SUMS_MAGIC: &[u8; 16] = b"peerpress sums 2";
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

/// What stands at the head of a file, behind the participants that are named on a page of the part. Months and days are by name. All
/// heads are held while a site is made, so their lists are in order, but no trees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Head {
    /// A digest of what pages know of the participants.
    names: Digest,
    /// The snapshot's instant, if a page shows what is counted up to it.
    instant: Option<Timestamp>,
    /// The last instant at which a page may show that, if there is such a page.
    settles: Option<Timestamp>,
    rest: Section,
    groups: Vec<(usize, Section)>,
    /// By app, and UTC month of creation.
    lists: Vec<((AppId, String), Section)>,
    /// By app, and day of the reports' time zone on which they began; with the end of the last.
    calls: Vec<((AppId, String), (Section, Timestamp))>,
    /// By app, and month of the reports' time zone.
    medians: Vec<((AppId, String), Section)>,
}

/// What every build needs of a part.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Leavings {
    pub(super) conferences: Vec<Brief>,
    pub(super) totals: BTreeMap<AppId, AppTotals>,
    pub(super) findings: FindingTotals,
    /// Who is in the conferences that the report is of.
    pub(super) people: BTreeSet<ParticipantId>,
}

/// A conference, as lists of all of them know it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Brief {
    pub(super) id: ConferenceId,
    pub(super) app: AppId,
    pub(super) label: String,
    /// The id that the customer gave.
    pub(super) given_id: String,
    pub(super) created_at: Timestamp,
}

/// What the pages of a group of participants are made from.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct GroupLeavings {
    pub(super) attendances: Vec<Attendance>,
    /// Of their conferences.
    pub(super) facts: BTreeMap<ConferenceId, ConferenceFacts>,
}

/// What a part leaves, while it is made.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) rest: Leavings,
    named: BTreeSet<ParticipantId>,
    settles: Option<Timestamp>,
    groups: BTreeMap<usize, GroupLeavings>,
    lists: BTreeMap<(AppId, String), Vec<ConferenceFacts>>,
    calls: BTreeMap<(AppId, String), Vec<RoomCall>>,
    medians: BTreeMap<(AppId, String), Vec<Medians>>,
}

/// What a conference leaves.
pub(super) struct Left {
    named: BTreeSet<ParticipantId>,
    settles: Option<Timestamp>,
    /// None if the report is not of it.
    own: Option<Own>,
}

struct Own {
    findings: Vec<Finding>,
    attendances: Vec<Attendance>,
    medians: BTreeMap<Period, Vec<Medians>>,
    facts: ConferenceFacts,
    calls: Vec<CallFacts>,
    counted: CountedFacts,
}

impl Left {
    /// What pages say of a conference, although the report is not of it.
    pub(super) fn only_named(report: &ConferenceReport, options: &report::Options) -> Self {
        Self { named: report.named().collect(), settles: report.settles(options), own: None }
    }

    /// What a conference leaves that the report is of; `whole` says whether all its calls are.
    pub(super) fn of(report: ConferenceReport, options: &report::Options, whole: bool) -> Self {
        let left = Self::only_named(&report, options);
        let attendances = report::attendances(&report);
        let experiences = attendances.iter().map(|own| (own.participant, &own.experience));
        let medians = medians_by_month(&report, &options.zone, experiences);
        let ConferenceReport { findings, facts, call_facts: calls, mut counted, .. } = report;
        if !whole {
            let visits = calls.iter().flat_map(|call| &call.visits).map(|visit| visit.session);
            let visited: BTreeSet<SessionId> = visits.collect();
            counted.sessions.retain(|session| visited.contains(&session.row.id));
        }
        Self { own: Some(Own { findings, attendances, medians, facts, calls, counted }), ..left }
    }
}

impl Draft {
    /// Takes what a conference leaves.
    pub(super) fn add(&mut self, left: Left, options: &report::Options, whole: bool) {
        let Left { named, settles, own } = left;
        self.settles = self.settles.max(settles);
        if own.is_some() && !whole {
            self.rest.people.extend(&named);
        }
        self.named.extend(named);
        let Some(own) = own else { return };
        let Own { findings, attendances, medians, facts, calls, counted } = own;
        self.rest.findings.add(&findings);
        let app = facts.row.app_id;
        for (month, medians) in medians {
            self.medians.entry((app, month.name())).or_default().extend(medians);
        }
        for attendance in attendances {
            let group = self.groups.entry(group_of(attendance.participant)).or_default();
            group.facts.entry(facts.row.id).or_insert_with(|| facts.clone());
            group.attendances.push(attendance);
        }
        self.rest.totals.entry(app).or_default().add(&facts, &counted, options.since);
        let label = conference_label(&facts);
        for call in calls {
            let day = options.zone.day_of(call.start).to_string();
            let call = RoomCall { conference: facts.row.id, label: label.clone(), call };
            self.calls.entry((app, day)).or_default().push(call);
        }
        self.rest.conferences.push(Brief {
            id: facts.row.id,
            app,
            label,
            given_id: facts.row.conference_id.clone(),
            created_at: facts.row.created_at,
        });
        self.lists.entry((app, facts.row.created_at.day().month())).or_default().push(facts);
    }
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
fn names<'a>(named: impl IntoIterator<Item = &'a ParticipantId>, world: &World) -> Digest {
    let mut hasher = Hasher::new("names");
    for id in named {
        hasher.add(id).add(&world.participants.get(id));
    }
    *hasher.finish().as_bytes()
}

/// The sections of a file.
#[derive(Default)]
struct Body(Vec<u8>);

impl Body {
    fn section<T: Serialize + ?Sized>(&mut self, value: &T) -> anyhow::Result<Section> {
        let at = self.0.len();
        self.0 = postcard::to_extend(value, std::mem::take(&mut self.0))?;
        Ok(Section { at: at as u64, bytes: (self.0.len() - at) as u64, digest: digest(&self.0[at..]) })
    }

    fn sections<K: Ord + Clone, T: Serialize>(
        &mut self,
        values: &BTreeMap<K, T>,
    ) -> anyhow::Result<Vec<(K, Section)>> {
        values.iter().map(|(key, value)| Ok((key.clone(), self.section(value)?))).collect()
    }
}

/// A text with its length and digest.
fn framed(magic: &[u8; 16], text: &[u8]) -> Vec<u8> {
    let mut whole = magic.to_vec();
    whole.extend((text.len() as u64).to_le_bytes());
    whole.extend(digest(text));
    whole.extend(text);
    whole
}

/// What stands before a text: magic, length, digest.
const FRAME: usize = 16 + 8 + 32;

/// The length and the digest of the text at the beginning of a file.
fn read_frame(file: &mut File, magic: &[u8; 16]) -> io::Result<(u64, Digest)> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let mut start = [0; FRAME];
    file.read_exact(&mut start)?;
    let (found, rest) = start.split_at(16);
    let (length, expected) = rest.split_at(8);
    let length = u64::from_le_bytes(length.try_into().map_err(|_| damaged())?);
    if found != magic || length > file.metadata()?.len() {
        return Err(damaged());
    }
    Ok((length, expected.try_into().map_err(|_| damaged())?))
}

/// The text at the beginning of a file, and where it ends.
fn read_framed(file: &mut File, magic: &[u8; 16]) -> io::Result<(Vec<u8>, u64)> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let (length, expected) = read_frame(file, magic)?;
    let mut text = vec![0; usize::try_from(length).map_err(|_| damaged())?];
    file.read_exact(&mut text)?;
    if digest(&text) == expected { Ok((text, FRAME as u64 + length)) } else { Err(damaged()) }
}

/// Whether a file begins as it should and is as long as it says.
fn is_framed(file: &mut File, magic: &[u8; 16]) -> bool {
    let length = |file: &File| file.metadata().map(|found| found.len()).ok();
    read_frame(file, magic).is_ok_and(|(text, _)| length(file) == text.checked_add(FRAME as u64))
}

/// Writes a file beside its place and renames it.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let beside = path.with_extension("tmp");
        fs::write(&beside, bytes)?;
        fs::rename(beside, path)
    };
    write().map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
}

/// How the names of memos begin.
const MEMO: &str = "memo-";
/// How the names of files with what was put together of a month begin.
const SUMS: &str = "sums-";

/// What was put together of a month's leavings: on disk where there is a folder, else in memory.
#[derive(Debug)]
pub(super) enum Sums<T> {
    File(PathBuf),
    Memory(T),
}

impl<T> Sums<T> {
    /// Its file, if it has one.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Memory(_) => None,
        }
    }
}

impl<T: DeserializeOwned + Clone> Sums<T> {
    /// Reads it.
    pub(super) fn read(&self) -> anyhow::Result<T> {
        match self {
            Self::Memory(value) => Ok(value.clone()),
            Self::File(path) => {
                let damaged = |problem: String| LedgerDamage { path: path.clone(), problem };
                let read = || read_framed(&mut File::open(path)?, SUMS_MAGIC);
                let (text, _) = read().map_err(|error| damaged(error.to_string()))?;
                Ok(postcard::from_bytes(&text).map_err(|error| damaged(error.to_string()))?)
            }
        }
    }
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
        let (named, found) = PartLeavings::open(&path).ok()?;
        let Head { instant, settles, .. } = &found.head;
        let is_settled = || settles.is_none_or(|settles| world.instant > settles);
        let same = instant.map_or_else(is_settled, |instant| instant == world.instant)
            && names(&named, world) == found.head.names;
        same.then_some(found)
    }

    /// Keeps what a part left; gives what every build needs of it, too.
    pub(super) fn keep(
        &self,
        part: &str,
        base: &blake3::Hash,
        draft: Draft,
        world: &World,
    ) -> anyhow::Result<(Leavings, PartLeavings)> {
        let mut body = Body::default();
        let rest = body.section(&draft.rest)?;
        let groups = body.sections(&draft.groups)?;
        let lists = body.sections(&draft.lists)?;
        let mut calls = Vec::new();
        for (key, list) in &draft.calls {
            let end = list.iter().map(|room| room.call.end).max().unwrap_or_default();
            calls.push((key.clone(), (body.section(list)?, end)));
        }
        let medians = body.sections(&draft.medians)?;
        let names = names(&draft.named, world);
        let settles = draft.settles;
        let instant = settles.filter(|settles| world.instant <= *settles).map(|_| world.instant);
        let head = Head { names, instant, settles, rest, groups, lists, calls, medians };
        let Some(path) = self.file(part, base) else {
            return Ok((draft.rest, PartLeavings { head, bodies: Bodies::Memory(body.0) }));
        };
        let mut whole = framed(MAGIC, &postcard::to_stdvec(&(&draft.named, &head))?);
        let start = whole.len() as u64;
        whole.extend(body.0);
        write(&path, &whole)?;
        Ok((draft.rest, PartLeavings { head, bodies: Bodies::File(path, start) }))
    }

    /// What a build noted under a name; `None` if nothing is, or if the file is damaged.
    pub(super) fn memo<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = self.folder.as_ref()?.join(format!("{MEMO}{name}"));
        let (text, _) = read_framed(&mut File::open(path).ok()?, MEMO_MAGIC).ok()?;
        postcard::from_bytes(&text).ok()
    }

    /// Notes something for the next build.
    pub(super) fn note<T: Serialize>(&self, name: &str, value: &T) -> anyhow::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.join(format!("{MEMO}{name}"));
        let text = framed(MEMO_MAGIC, &postcard::to_stdvec(value)?);
        if fs::read(&path).is_ok_and(|there| there == text) { Ok(()) } else { write(&path, &text) }
    }

    /// What was put together under a name: made only if it was not made from the same things before. The key is in the file's
    /// name, so that there is no file with another one under it.
    pub(super) fn sums<T: Serialize>(
        &self,
        name: &str,
        key: &blake3::Hash,
        make: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<Sums<T>> {
        let Some(folder) = &self.folder else { return Ok(Sums::Memory(make()?)) };
        let path = folder.join(format!("{SUMS}{name}.{}", &key.to_hex()[..24]));
        let is_whole = |path: &Path| File::open(path).is_ok_and(|mut file| is_framed(&mut file, SUMS_MAGIC));
        if !is_whole(&path) {
            write(&path, &framed(SUMS_MAGIC, &postcard::to_stdvec(&make()?)?))?;
        }
        Ok(Sums::File(path))
    }

    /// Whether a file is one of these.
    pub fn has(&self, file: &Path) -> bool {
        self.folder.as_ref().is_some_and(|folder| file.starts_with(folder))
    }

    /// Forgets everything: all conferences are measured anew.
    pub fn clear(&self) -> io::Result<()> {
        match self.folder.as_ref().map_or(Ok(()), fs::remove_dir_all) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            cleared => cleared,
        }
    }

    /// Removes the files of former builds that none of these parts and sums uses. What cannot be removed is in nobody's way.
    pub(super) fn sweep<'a>(
        &self,
        parts: impl Iterator<Item = &'a PartLeavings>,
        sums: impl Iterator<Item = &'a Path>,
    ) {
        let Some(entries) = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok()) else { return };
        let parts = parts.filter_map(|part| match &part.bodies {
            Bodies::File(path, _) => Some(path.as_path()),
            Bodies::Memory(_) => None,
        });
        let used: BTreeSet<&Path> = parts.chain(sums).collect();
        let is_memo = |path: &Path| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(MEMO))
        };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if !used.contains(path.as_path()) && !is_memo(&path) {
                drop(fs::remove_file(path));
            }
        }
    }
}

impl PartLeavings {
    /// With the participants that are named on a page of the part.
    fn open(path: &Path) -> io::Result<(Vec<ParticipantId>, Self)> {
        let (text, end) = read_framed(&mut File::open(path)?, MAGIC)?;
        let (named, head) =
            postcard::from_bytes(&text).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        Ok((named, Self { head, bodies: Bodies::File(path.to_owned(), end) }))
    }

    /// A digest of all that the part's pages depend on beyond what its file is named after.
    pub(super) fn key(&self, base: &blake3::Hash) -> blake3::Hash {
        let mut hasher = Hasher::new("part with names");
        hasher.add(base.as_bytes()).add(&self.head.names).add(&self.head.instant);
        hasher.finish()
    }

    /// What every build needs.
    pub(super) fn read(&self) -> anyhow::Result<Leavings> {
        self.section(&self.head.rest)
    }

    /// What the pages of a group of participants are made from.
    pub(super) fn group(&self, group: usize) -> Option<Stored<'_, GroupLeavings>> {
        let at = self.head.groups.binary_search_by_key(&group, |(group, _)| *group).ok()?;
        Some(self.stored(&self.head.groups[at].1))
    }

    /// The conferences of an app by the month in which they were created.
    pub(super) fn lists(&self) -> impl Iterator<Item = (AppId, &str, Stored<'_, Vec<ConferenceFacts>>)> {
        self.head.lists.iter().map(|((app, month), section)| (*app, month.as_str(), self.stored(section)))
    }

    /// The calls of an app by day, with the end of the last.
    pub(super) fn calls(&self) -> impl Iterator<Item = (AppId, Day, Timestamp, Stored<'_, Vec<RoomCall>>)> {
        self.head.calls.iter().filter_map(|((app, day), (section, end))| {
            Some((*app, Day::parse(day)?, *end, self.stored(section)))
        })
    }

    /// What is usual in an app, by month.
    pub(super) fn medians(&self) -> impl Iterator<Item = (AppId, &str, Stored<'_, Vec<Medians>>)> {
        self.head.medians.iter().map(|((app, month), section)| (*app, month.as_str(), self.stored(section)))
    }

    fn stored<'a, T>(&'a self, section: &'a Section) -> Stored<'a, T> {
        Stored { part: self, section, of: PhantomData }
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
                let damaged = |problem: String| LedgerDamage { path: path.clone(), problem };
                let bytes = read().map_err(|error| damaged(error.to_string()))?;
                if digest(&bytes) != section.digest {
                    return Err(damaged("its digest is another".to_owned()).into());
                }
                return postcard::from_bytes(&bytes).map_err(|error| damaged(error.to_string()).into());
            }
        };
        Ok(postcard::from_bytes(&bytes)?)
    }
}

/// A file of the ledger is not as it was written.
#[derive(Debug, thiserror::Error)]
#[error("{} is damaged: {problem}\nhint: build this site again with --full", .path.display())]
pub struct LedgerDamage {
    /// The file.
    pub path: PathBuf,
    problem: String,
}

/// A section that was not read yet.
#[derive(Debug)]
pub(super) struct Stored<'a, T> {
    part: &'a PartLeavings,
    section: &'a Section,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Stored<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Stored<'_, T> {}

impl<'a, T: DeserializeOwned> Stored<'a, T> {
    /// A digest of it.
    pub(super) fn digest(&self) -> &'a Digest {
        &self.section.digest
    }

    /// Reads it.
    pub(super) fn read(&self) -> anyhow::Result<T> {
        self.part.section(self.section)
    }
}
