//! Snapshots on disk: Hive-partitioned Parquet with a `manifest.json`, written beside their place and renamed, so that
//! a failed one leaves the former.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::marker::PhantomData;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ColumnChunkMetaData;
use serde::{Deserialize, Serialize};

use super::cell::Mismatch;
use super::file::FileWriter;
use super::join::Joined;
use super::rows::{
    AppRow, Columns as _, ConferenceRow, ConnectionRow, EventRow, IssueRow, OrganizationRow, ParticipantRow,
    Row, SampleRow, SessionRow, TrackRow, VersionRow,
};
use super::samples::Samples;
use super::stats::{ParsedSample, SampleReader, Sink};
use super::{Dossier, PartRows, RawPart};
use crate::ids::{ConferenceId, ParticipantId};
use crate::units::{Day, Timestamp};

/// The version of the form on disk; a snapshot of another one is refused.
const FORMAT: u32 = 4;
const PROGRAM: &str = concat!("peerpress ", env!("CARGO_PKG_VERSION"));
const MANIFEST: &str = "manifest.json";
/// Rows per batch while reading or writing a whole table.
const BATCH: usize = 8192;
/// Rows per batch of each table while reading one conference after the other.
const STREAM: usize = 1024;
/// The same of conferences, whose summaries are large.
const CONFERENCES: usize = 8;
/// Rows of a row group: what is held of a file while it is written, and about what is held of its columns while it is read.
const GROUP_ROWS: usize = 16_384;
/// A row group ends sooner if its texts are larger than this.
const GROUP_BYTES: usize = 4 << 20;

/// Why a snapshot cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The folder has no manifest.
    #[error("{} is no snapshot: it has no {MANIFEST}\nhint: make one with `peerpress snapshot`", .0.display())]
    Missing(PathBuf),
    /// The manifest cannot be understood.
    #[error("the snapshot's {} cannot be read: {problem}\nhint: take the snapshot anew", .path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A file cannot be understood, or is not the one that the manifest names.
    #[error("the snapshot's {} is damaged: {problem}\nhint: take the snapshot anew, with --full", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The file system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A conference is in two databases that are to be one.
    #[error("conference {conference} is in two databases: {}\nhint: name each database once, and none beside its copy", .databases.join(" and "))]
    Twins {
        /// Which.
        conference: ConferenceId,
        /// The databases.
        databases: [String; 2],
    },
    /// Columns could not be encoded.
    #[error("{}: cannot encode columns: {problem}", .path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl SnapshotError {
    /// Whether a file is not as it was written, or is not there: a snapshot that is taken anew is whole.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Missing(_) | Self::Manifest { .. } | Self::Damaged { .. } => true,
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Encode { .. } | Self::Twins { .. } => false,
        }
    }

    /// What is wrong, without the hint.
    pub fn first_line(&self) -> String {
        self.to_string().lines().next().unwrap_or_default().to_owned()
    }
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError + '_ {
    |source| SnapshotError::Io { path: path.to_owned(), source }
}

/// What a snapshot is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the form on disk.
    pub format: u32,
    /// The program that wrote it.
    pub program: String,
    /// The instant, in microseconds since the Unix epoch.
    pub taken_at_micros: i64,
    /// The same, to be read.
    pub taken_at: String,
    /// Which database it is of: its system identifier and name, or `generated`.
    pub database: String,
    /// Its parts, by day.
    pub parts: Vec<Part>,
    /// Rows per table, of all parts.
    pub rows: BTreeMap<String, u64>,
    /// blake3 of each file that is not in a part.
    pub digests: BTreeMap<String, String>,
    /// blake3 of those files as they came from the database, where something was taken out of them since.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub read: BTreeMap<String, String>,
    /// By what a later snapshot finds out what has changed since; none where everything has to be read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The snapshots of several databases that it was put together of; none if it is of one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<Joined>,
    /// blake3 of all else that stands here; none in a snapshot of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seal: Option<String>,
}

impl Manifest {
    /// A digest of everything but the seal.
    pub(super) fn digest(&self) -> serde_json::Result<String> {
        let rest = serde_json::to_vec(&Self { seal: None, ..self.clone() })?;
        Ok(blake3::hash(&rest).to_hex().to_string())
    }

    /// The instant of the snapshot.
    pub fn instant(&self) -> Timestamp {
        Timestamp::from_micros(self.taken_at_micros)
    }

    /// Whether this very version of the program wrote it: another one may make other rows of the same events.
    pub fn is_by_this_program(&self) -> bool {
        self.program == PROGRAM
    }
}

/// The state of a database, as far as it tells whether a later one is another. All texts are compared, never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The running server, the database in it, and who reads. A restart is another server: it may have been restored.
    pub server: String,
    /// The tables and their columns, as the catalog has them.
    pub shape: String,
    /// Which transactions are seen: PostgreSQL's `xmin:xmax:list`.
    pub seen: String,
    /// The change log that was being kept, if there was one.
    pub log: Option<String>,
}

/// A partition: conferences created on one UTC day, or some of them if the day is large.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The day, `2026-11-18`.
    pub day: String,
    /// Which piece of the day; 0 for the first.
    pub piece: usize,
    /// Rows per table.
    pub rows: BTreeMap<String, u64>,
    /// blake3 of each file, by table.
    pub digests: BTreeMap<String, String>,
}

impl Part {
    /// The file of a table, relative to the snapshot: `day=2026-11-18/events.parquet`, `events-1.parquet` for the next
    /// piece.
    fn file(&self, table: &str) -> String {
        let suffix = if self.piece == 0 { String::new() } else { format!("-{}", self.piece) };
        format!("day={}/{table}{suffix}.parquet", self.day)
    }
}

/// The tables that are not partitioned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Globals {
    /// All active organizations, by id.
    pub organizations: Vec<OrganizationRow>,
    /// All active apps of active organizations, by id.
    pub apps: Vec<AppRow>,
    /// All their participants, by id.
    pub participants: Vec<ParticipantRow>,
}

/// The tables that are not partitioned, as the files that they will be.
pub struct GlobalFiles(Vec<GlobalFile>);

struct GlobalFile {
    table: &'static str,
    rows: u64,
    bytes: Vec<u8>,
    digest: String,
}

impl GlobalFiles {
    /// Encodes the tables.
    pub fn of(globals: &Globals) -> Result<Self, SnapshotError> {
        fn file<R: Row>(rows: &[R]) -> Result<GlobalFile, SnapshotError> {
            let bytes = table_bytes(rows)?;
            let digest = blake3::hash(&bytes).to_hex().to_string();
            Ok(GlobalFile { table: R::TABLE, rows: rows.len() as u64, bytes, digest })
        }
        Ok(Self(vec![file(&globals.organizations)?, file(&globals.apps)?, file(&globals.participants)?]))
    }

    /// Whether a snapshot was made of the same, whatever was taken out of it since.
    pub fn are_those_of(&self, manifest: &Manifest) -> bool {
        self.0.iter().all(|file| {
            let name = global_file(file.table);
            manifest.read.get(&name).or_else(|| manifest.digests.get(&name)) == Some(&file.digest)
        })
    }
}

/// The file of a table that is not partitioned.
fn global_file(table: &str) -> String {
    format!("{table}.parquet")
}

/// Writes a snapshot beside its place; nothing is there until [`SnapshotWriter::finish`].
pub struct SnapshotWriter {
    target: PathBuf,
    staging: PathBuf,
    parts: Mutex<Vec<Part>>,
    rows: BTreeMap<String, u64>,
    digests: BTreeMap<String, String>,
    read: BTreeMap<String, String>,
    joined: Vec<Joined>,
    finished: bool,
}

impl SnapshotWriter {
    /// Begins a snapshot that will be at `target`.
    pub fn create(target: &Path) -> Result<Self, SnapshotError> {
        if target.exists() && !target.join(MANIFEST).exists() && !is_empty(target) {
            return Err(SnapshotError::Io {
                path: target.to_owned(),
                source: io::Error::other("the folder holds something that is no snapshot; it is left alone"),
            });
        }
        let staging = sibling(target, "new");
        if staging.exists() {
            fs::remove_dir_all(&staging).map_err(io_at(&staging))?;
        }
        fs::create_dir_all(&staging).map_err(io_at(&staging))?;
        Ok(Self {
            target: target.to_owned(),
            staging,
            parts: Mutex::new(Vec::new()),
            rows: BTreeMap::new(),
            digests: BTreeMap::new(),
            read: BTreeMap::new(),
            joined: Vec::new(),
            finished: false,
        })
    }

    /// Writes one part, whose rows are [`PartRows::finish`]ed. Threads may write parts at the same time.
    pub fn write_part(&self, day: Day, piece: usize, rows: &PartRows) -> Result<(), SnapshotError> {
        let mut part = PartWriter::begin(self, day, piece)?;
        part.write(&rows.samples)?;
        part.write_all(rows)?;
        part.finish();
        Ok(())
    }

    /// Writes one part as it came from its source; returns how many rows it has. Threads may write parts at the same time.
    pub fn write_raw_part(&self, day: Day, piece: usize, raw: RawPart) -> Result<u64, SnapshotError> {
        let mut part = PartWriter::begin(self, day, piece)?;
        let mut samples = part.table::<SampleRow>()?;
        let rows = raw.samples(&mut samples, TableWriter::write_if_full)?;
        part.end_table(samples)?;
        part.write_all(&rows)?;
        Ok(part.finish())
    }

    /// Begins a part whose one conference has more events than can be held.
    pub fn begin_large_part(&self, day: Day, piece: usize) -> Result<LargePart<'_>, SnapshotError> {
        let part = PartWriter::begin(self, day, piece)?;
        let (samples, events) = (part.table()?, part.table()?);
        Ok(LargePart { part, samples, events, reader: SampleReader::default(), is_sampled: false })
    }

    /// Takes a part over from a former snapshot as it is: its files are linked, or copied where they cannot be. If one of
    /// them is missing there, the part is not taken, and this is `false`.
    pub fn keep_part(&self, former: &Snapshot, day: Day, piece: usize) -> Result<bool, SnapshotError> {
        let name = day.to_string();
        // They are in this order.
        let found = former.parts().binary_search_by(|part| (&part.day, part.piece).cmp(&(&name, piece)));
        found.map_or(Ok(false), |at| self.keep_part_as(former, &former.parts()[at], piece))
    }

    /// As [`SnapshotWriter::keep_part`], as another piece of the part's day.
    pub(super) fn keep_part_as(
        &self,
        former: &Snapshot,
        part: &Part,
        piece: usize,
    ) -> Result<bool, SnapshotError> {
        let folder = self.staging.join(format!("day={}", part.day));
        fs::create_dir_all(&folder).map_err(io_at(&folder))?;
        let own = Part { piece, ..part.clone() };
        for table in part.digests.keys() {
            if !self.keep_file(former, &part.file(table), &own.file(table))? {
                return Ok(false);
            }
        }
        self.parts.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(own);
        Ok(true)
    }

    /// Says that the snapshot is put together of others.
    pub(super) fn joins(&mut self, others: Vec<Joined>) {
        self.joined = others;
    }

    /// Takes the tables that are not partitioned over from a former snapshot; `false` if one of their files is missing.
    pub fn keep_globals(&mut self, former: &Snapshot) -> Result<bool, SnapshotError> {
        for table in [OrganizationRow::TABLE, AppRow::TABLE, ParticipantRow::TABLE] {
            let name = global_file(table);
            let (Some(digest), true) =
                (former.manifest.digests.get(&name), self.keep_file(former, &name, &name)?)
            else {
                return Ok(false);
            };
            if let Some(read) = former.manifest.read.get(&name) {
                self.read.insert(name.clone(), read.clone());
            }
            self.digests.insert(name, digest.clone());
            let rows = former.manifest.rows.get(table).copied().unwrap_or_default();
            self.rows.insert(table.to_owned(), rows);
        }
        Ok(true)
    }

    fn keep_file(&self, former: &Snapshot, file: &str, own: &str) -> Result<bool, SnapshotError> {
        let (from, to) = (former.root.join(file), self.staging.join(own));
        // A part that was half taken over and is then read has links to files of the former snapshot, which must not be
        // written through; whoever writes makes new files.
        let linked = fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop));
        match linked {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            linked => linked.map(|()| true).map_err(io_at(&from)),
        }
    }

    /// Writes the tables that are not partitioned.
    pub fn write_globals(&mut self, files: &GlobalFiles) -> Result<(), SnapshotError> {
        for file in &files.0 {
            let name = global_file(file.table);
            write_new(&self.staging.join(&name), &file.bytes)?;
            self.rows.insert(file.table.to_owned(), file.rows);
            self.digests.insert(name, file.digest.clone());
        }
        Ok(())
    }

    /// Writes the tables that are not partitioned, out of which something was taken since `former` read them.
    pub fn write_purged_globals(
        &mut self,
        files: &GlobalFiles,
        former: &Manifest,
    ) -> Result<(), SnapshotError> {
        for file in &files.0 {
            let name = global_file(file.table);
            let read = former.read.get(&name).or_else(|| former.digests.get(&name));
            self.read.extend(read.map(|read| (name, read.clone())));
        }
        self.write_globals(files)
    }

    /// Writes by what a later snapshot sees which conferences changed.
    pub fn write_versions(&mut self, versions: &[VersionRow]) -> Result<(), SnapshotError> {
        let name = global_file(VersionRow::TABLE);
        let digest = write_table_file(&self.staging.join(&name), versions)?;
        self.digests.insert(name, digest);
        Ok(())
    }

    /// Writes the tables that are not partitioned and the manifest, then puts the snapshot into its place.
    pub fn finish(
        mut self,
        globals: &Globals,
        taken_at: Timestamp,
        database: &str,
    ) -> Result<Snapshot, SnapshotError> {
        self.write_globals(&GlobalFiles::of(globals)?)?;
        self.close(taken_at, database, None)
    }

    /// Writes the manifest, all tables being written or kept, then puts the snapshot into its place.
    pub fn close(
        mut self,
        taken_at: Timestamp,
        database: &str,
        origin: Option<Origin>,
    ) -> Result<Snapshot, SnapshotError> {
        let mut parts =
            std::mem::take(&mut *self.parts.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        parts.sort_by(|a, b| (&a.day, a.piece).cmp(&(&b.day, b.piece)));
        let mut rows = std::mem::take(&mut self.rows);
        for (table, count) in parts.iter().flat_map(|part| &part.rows) {
            *rows.entry(table.clone()).or_default() += count;
        }
        let mut manifest = Manifest {
            format: FORMAT,
            program: PROGRAM.to_owned(),
            taken_at_micros: taken_at.as_micros(),
            taken_at: taken_at.rfc3339(),
            database: database.to_owned(),
            parts,
            rows,
            digests: std::mem::take(&mut self.digests),
            read: std::mem::take(&mut self.read),
            origin,
            joined: std::mem::take(&mut self.joined),
            seal: None,
        };
        let path = self.staging.join(MANIFEST);
        let encode = |error: serde_json::Error| SnapshotError::Encode {
            path: path.clone(),
            problem: error.to_string(),
        };
        manifest.seal = Some(manifest.digest().map_err(encode)?);
        let text = serde_json::to_vec_pretty(&manifest).map_err(encode)?;
        fs::write(&path, text).map_err(io_at(&path))?;
        self.replace_target()?;
        self.finished = true;
        Ok(Snapshot { root: self.target.clone(), manifest })
    }

    fn replace_target(&self) -> Result<(), SnapshotError> {
        if let Some(parent) = self.target.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(io_at(parent))?;
        }
        let old = sibling(&self.target, "old");
        if old.exists() {
            fs::remove_dir_all(&old).map_err(io_at(&old))?;
        }
        if exchange(&self.staging, &self.target) {
            // What is in the staging folder now is the former snapshot.
            return fs::remove_dir_all(&self.staging).map_err(io_at(&self.staging));
        }
        let had_one = self.target.exists();
        if had_one {
            fs::rename(&self.target, &old).map_err(io_at(&self.target))?;
        }
        if let Err(source) = fs::rename(&self.staging, &self.target) {
            if had_one {
                // Best effort to bring the former snapshot back; the error to report is the first one.
                drop(fs::rename(&old, &self.target));
            }
            return Err(SnapshotError::Io { path: self.target.clone(), source });
        }
        if had_one {
            fs::remove_dir_all(&old).map_err(io_at(&old))?;
        }
        Ok(())
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing more can be done about a folder that will not go; the next snapshot tries again.
            drop(fs::remove_dir_all(&self.staging));
        }
    }
}

/// Exchanges two folders in one step, where the system can: at no moment there is no snapshot.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(one: &Path, other: &Path) -> bool {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(_one: &Path, _other: &Path) -> bool {
    false
}

/// What lies beside a snapshot, named after it.
pub(crate) fn sibling(target: &Path, suffix: &str) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{suffix}"));
    target.with_file_name(name)
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// A part that is being written.
struct PartWriter<'a> {
    writer: &'a SnapshotWriter,
    part: Part,
}

impl<'a> PartWriter<'a> {
    fn begin(writer: &'a SnapshotWriter, day: Day, piece: usize) -> Result<Self, SnapshotError> {
        let folder = writer.staging.join(format!("day={day}"));
        fs::create_dir_all(&folder).map_err(io_at(&folder))?;
        let part = Part { day: day.to_string(), piece, rows: BTreeMap::new(), digests: BTreeMap::new() };
        Ok(Self { writer, part })
    }

    /// The file of a table.
    fn table<R: Row>(&self) -> Result<TableFile<R>, SnapshotError> {
        let path = self.writer.staging.join(self.part.file(R::TABLE));
        let file = create_new(&path).map_err(io_at(&path))?;
        TableWriter::to(Digesting { file, hasher: blake3::Hasher::new() })
    }

    fn end_table<R: Row>(&mut self, table: TableFile<R>) -> Result<(), SnapshotError> {
        self.part.rows.insert(R::TABLE.to_owned(), table.rows as u64);
        let digest = table.end()?.hasher.finalize().to_hex().to_string();
        self.part.digests.insert(R::TABLE.to_owned(), digest);
        Ok(())
    }

    fn write<R: Row>(&mut self, rows: &[R]) -> Result<(), SnapshotError> {
        let mut table = self.table()?;
        table.write(rows)?;
        self.end_table(table)
    }

    /// Writes all tables but the samples.
    fn write_all(&mut self, rows: &PartRows) -> Result<(), SnapshotError> {
        self.write(&rows.events)?;
        self.write_few(rows)
    }

    /// Writes all tables but samples and events.
    fn write_few(&mut self, rows: &PartRows) -> Result<(), SnapshotError> {
        self.write(&rows.conferences)?;
        self.write(&rows.sessions)?;
        self.write(&rows.connections)?;
        self.write(&rows.tracks)?;
        self.write(&rows.issues)
    }

    /// Ends the part; how many rows it has.
    fn finish(self) -> u64 {
        let rows = self.part.rows.values().sum();
        self.writer.parts.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(self.part);
        rows
    }
}

/// A part of one conference that is being written, of whose events and samples only some are held.
pub struct LargePart<'a> {
    part: PartWriter<'a>,
    samples: TableFile<SampleRow>,
    events: TableFile<EventRow>,
    reader: SampleReader,
    is_sampled: bool,
}

impl LargePart<'_> {
    /// Adds the next event by time and id.
    pub fn add_event(&mut self, event: &EventRow) -> Result<(), SnapshotError> {
        let samples = &mut self.samples;
        let count = (event.r#type == "stats").then(|| self.reader.event(event, samples)).flatten();
        match count {
            Some(count) => {
                self.is_sampled |= count > 0;
                self.samples.write_if_full()
            }
            None => self.events.write(std::slice::from_ref(event)),
        }
    }

    /// Writes the other tables, in any order of rows, and ends the part; how many rows it has.
    pub fn finish(mut self, mut rows: PartRows) -> Result<u64, SnapshotError> {
        rows.sort();
        if !self.is_sampled {
            rows.conferences.iter().for_each(|conference| self.reader.summary(conference, &mut self.samples));
        }
        self.part.end_table(self.samples)?;
        self.part.end_table(self.events)?;
        self.part.write_few(&rows)?;
        Ok(self.part.finish())
    }
}

/// A file whose digest is known when it is written.
struct Digesting {
    file: File,
    hasher: blake3::Hasher,
}

impl io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn write_table_file<R: Row>(path: &Path, rows: &[R]) -> Result<String, SnapshotError> {
    let bytes = table_bytes(rows)?;
    write_new(path, &bytes)?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}

/// Makes a file that is not there yet. One that is may be a link to that of the former snapshot, so it is taken away.
fn create_new(path: &Path) -> io::Result<File> {
    File::create_new(path).or_else(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => fs::remove_file(path).and_then(|()| File::create_new(path)),
        _ => Err(error),
    })
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), SnapshotError> {
    create_new(path).and_then(|mut file| file.write_all(bytes)).map_err(io_at(path))
}

/// Rows as the bytes of a Parquet file: the same rows, the same bytes.
pub fn table_bytes<R: Row>(rows: &[R]) -> Result<Vec<u8>, SnapshotError> {
    let mut bytes = Vec::new();
    write_table(rows, &mut bytes)?;
    Ok(bytes)
}

/// Writes rows as a Parquet file, a row group at a time.
pub fn write_table<R: Row>(rows: &[R], to: impl io::Write + Send) -> Result<(), SnapshotError> {
    let mut writer = TableWriter::<R, _>::to(to)?;
    writer.write(rows)?;
    writer.end().map(drop)
}

/// Writes samples as a Parquet file: the one that their rows give.
pub fn write_samples(samples: &Samples, to: impl io::Write + Send) -> Result<(), SnapshotError> {
    let mut writer = TableWriter::<SampleRow, _>::to(to)?;
    for sample in samples.iter() {
        writer.columns.push_sample(sample);
        writer.rows += 1;
        writer.write_if_full()?;
    }
    writer.end().map(drop)
}

/// Makes one table's Parquet file, some rows after the other, so that only the columns of some rows are held. The same rows give
/// the same bytes, however they come.
pub struct TableWriter<R: Row, W: io::Write + Send = Vec<u8>> {
    file: FileWriter<W>,
    columns: R::Columns,
    rows: usize,
}

type TableFile<R> = TableWriter<R, Digesting>;

fn encode<R: Row>(error: impl std::error::Error) -> SnapshotError {
    SnapshotError::Encode { path: format!("{}.parquet", R::TABLE).into(), problem: error.to_string() }
}

impl<R: Row> TableWriter<R> {
    /// Without any row.
    pub fn new() -> Result<Self, SnapshotError> {
        Self::to(Vec::new())
    }

    /// The whole file.
    pub fn finish(self) -> Result<Vec<u8>, SnapshotError> {
        self.end()
    }
}

impl<R: Row, W: io::Write + Send> TableWriter<R, W> {
    fn to(to: W) -> Result<Self, SnapshotError> {
        let file = FileWriter::new::<R>(to).map_err(encode::<R>)?;
        Ok(Self { file, columns: R::Columns::default(), rows: 0 })
    }

    /// Adds rows.
    pub fn write(&mut self, rows: &[R]) -> Result<(), SnapshotError> {
        for row in rows {
            self.columns.push(row);
            self.rows += 1;
            self.write_if_full()?;
        }
        Ok(())
    }

    /// Adds the row groups of another file of this table, as they are; what was collected before stands before them.
    pub fn append(&mut self, file: Vec<u8>) -> Result<(), SnapshotError> {
        if self.columns.rows() > 0 {
            self.write_group()?;
        }
        self.file.append(&file.into()).map_err(encode::<R>)
    }

    /// Writes what was collected, if it is enough for a row group.
    fn write_if_full(&mut self) -> Result<(), SnapshotError> {
        let is_full = self.columns.rows() >= GROUP_ROWS || self.columns.weight() >= GROUP_BYTES;
        if is_full { self.write_group() } else { Ok(()) }
    }

    fn write_group(&mut self) -> Result<(), SnapshotError> {
        let mut group = self.file.row_group(self.columns.rows()).map_err(encode::<R>)?;
        self.columns.write(&mut group).map_err(encode::<R>)?;
        group.finish().map_err(encode::<R>)
    }

    fn end(mut self) -> Result<W, SnapshotError> {
        if self.columns.rows() > 0 {
            self.write_group()?;
        }
        self.file.finish().map_err(encode::<R>)
    }
}

impl<W: io::Write + Send> Sink for TableWriter<SampleRow, W> {
    fn add(&mut self, sample: &ParsedSample<'_, '_>) {
        self.columns.add(sample);
        self.rows += 1;
    }
}

/// How many rows a Parquet file says that it has.
pub fn table_rows(path: &Path) -> Result<i64, SnapshotError> {
    let damaged = |problem: String| SnapshotError::Damaged { path: path.to_owned(), problem };
    let file = File::open(path).map_err(io_at(path))?;
    let reader = open_parquet(file).map_err(damaged)?;
    Ok(reader.metadata().file_metadata().num_rows())
}

/// A snapshot on disk.
#[derive(Debug, Clone)]
pub struct Snapshot {
    root: PathBuf,
    manifest: Manifest,
}

impl Snapshot {
    /// Whether there is one in a folder, of whatever form.
    pub fn is_at(root: &Path) -> bool {
        root.join(MANIFEST).exists()
    }

    /// Opens the snapshot in a folder.
    pub fn open(root: &Path) -> Result<Self, SnapshotError> {
        let path = root.join(MANIFEST);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SnapshotError::Missing(root.to_owned()));
            }
            text => text.map_err(io_at(&path))?,
        };
        let problem = |problem: String| SnapshotError::Manifest { path: path.clone(), problem };
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| problem(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(problem(format!("its format is {}, this program reads {FORMAT}", manifest.format)));
        }
        if manifest.seal.is_some() && manifest.seal != manifest.digest().ok() {
            return Err(problem("it is not as it was written".to_owned()));
        }
        Ok(Self { root: root.to_owned(), manifest })
    }

    /// Its folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The instant of the snapshot.
    pub fn instant(&self) -> Timestamp {
        self.manifest.instant()
    }

    /// Its parts, by day.
    pub fn parts(&self) -> &[Part] {
        &self.manifest.parts
    }

    /// The tables that are not partitioned.
    pub fn globals(&self) -> Result<Globals, SnapshotError> {
        fn table<R: Row>(snapshot: &Snapshot) -> Result<Vec<R>, SnapshotError> {
            let name = global_file(R::TABLE);
            snapshot.read_table(&name, snapshot.manifest.digests.get(&name))
        }
        Ok(Globals { organizations: table(self)?, apps: table(self)?, participants: table(self)? })
    }

    /// By what to see which conferences changed since, by id; none in a snapshot that is not of a database.
    pub fn versions(&self) -> Result<Vec<VersionRow>, SnapshotError> {
        let name = global_file(VersionRow::TABLE);
        match self.manifest.digests.get(&name) {
            None => Ok(Vec::new()),
            digest => self.read_table(&name, digest),
        }
    }

    /// Whether it says by what to see which conferences changed since.
    pub fn has_versions(&self) -> bool {
        self.manifest.digests.contains_key(&global_file(VersionRow::TABLE))
    }

    /// The participants that the rows of a part name, but for samples, which come with events. Only their columns are read.
    pub fn people(&self, part: &Part) -> Result<BTreeSet<ParticipantId>, SnapshotError> {
        let columns: [(&str, &[&str]); 5] = [
            (ConferenceRow::TABLE, &["participants"]),
            (SessionRow::TABLE, &["participant_id"]),
            (ConnectionRow::TABLE, &["participant_id", "peer_id"]),
            (IssueRow::TABLE, &["participant_id"]),
            (EventRow::TABLE, &["participant_id", "peer_id"]),
        ];
        let mut people = BTreeSet::new();
        for (table, names) in columns {
            let path = self.root.join(part.file(table));
            let damaged = |problem: String| SnapshotError::Damaged { path: path.clone(), problem };
            let file = File::open(&path).map_err(io_at(&path))?;
            let builder = open_parquet(file).map_err(damaged)?;
            let wanted = ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
            let reader = builder
                .with_projection(wanted)
                .with_batch_size(BATCH)
                .build()
                .map_err(|error| damaged(error.to_string()))?;
            for batch in reader {
                for column in batch.map_err(|error| damaged(error.to_string()))?.columns() {
                    let lists = column.as_list_opt::<i32>().map(|lists| lists.values().clone());
                    let texts = lists.as_ref().unwrap_or(column).as_string_opt::<i32>();
                    let texts = texts.ok_or_else(|| damaged("ids that are no texts".to_owned()))?;
                    people.extend(texts.iter().flatten().filter_map(|id| id.parse::<ParticipantId>().ok()));
                }
            }
        }
        Ok(people)
    }

    /// The rows that a part has of one table, in their order.
    pub fn table<R: Row>(&self, part: &Part) -> Result<Vec<R>, SnapshotError> {
        self.read_table(&part.file(R::TABLE), part.digests.get(R::TABLE))
    }

    /// The conferences of a part, one after the other, each with all its rows: what is held at a time is one conference
    /// and the next rows of each table.
    pub fn dossiers(&self, part: &Part) -> Result<Dossiers, SnapshotError> {
        Ok(Dossiers {
            conferences: self.open_table(
                &part.file(ConferenceRow::TABLE),
                part.digests.get(ConferenceRow::TABLE),
                CONFERENCES,
            )?,
            sessions: self.rows(part)?,
            connections: self.rows(part)?,
            tracks: self.rows(part)?,
            issues: self.rows(part)?,
            events: self.rows(part)?,
            samples: self.rows(part)?,
        })
    }

    fn rows<R: Row>(&self, part: &Part) -> Result<Rows<R>, SnapshotError> {
        self.open_table(&part.file(R::TABLE), part.digests.get(R::TABLE), STREAM)
    }

    fn read_table<R: Row>(&self, file: &str, digest: Option<&String>) -> Result<Vec<R>, SnapshotError> {
        self.open_table(file, digest, BATCH)?.all()
    }

    /// Opens a table whose bytes are those that the manifest names.
    fn open_table<R: Row>(
        &self,
        file: &str,
        digest: Option<&String>,
        batch: usize,
    ) -> Result<Rows<R>, SnapshotError> {
        let path = self.root.join(file);
        let damaged = |problem: String| SnapshotError::Damaged { path: path.clone(), problem };
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(&path).map_err(io_at(&path))?).map_err(io_at(&path))?;
        if digest.map(String::as_str) != Some(hasher.finalize().to_hex().as_str()) {
            return Err(damaged("its digest is not the one in the manifest".to_owned()));
        }
        let source = File::open(&path).map_err(io_at(&path))?;
        let builder = open_parquet(source).map_err(damaged)?;
        let reader = builder.with_batch_size(batch).build().map_err(|error| damaged(error.to_string()))?;
        Ok(Rows { path, reader, batch: None, at: 0, table: PhantomData })
    }
}

/// Opens a Parquet file whose columns lie within it: where one does not, the reader panics instead of saying so.
fn open_parquet(file: File) -> Result<ParquetRecordBatchReaderBuilder<File>, String> {
    let bytes = file.metadata().map_err(|error| error.to_string())?.len();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| error.to_string())?;
    let lies_within = |column: &ColumnChunkMetaData| {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let end = start.checked_add(column.compressed_size());
        start >= 0 && column.compressed_size() >= 0 && end.is_some_and(|end| end as u64 <= bytes)
    };
    if builder.metadata().row_groups().iter().all(|group| group.columns().iter().all(lies_within)) {
        Ok(builder)
    } else {
        Err("a column does not lie within the file".to_owned())
    }
}

/// The rows of one table of a part, in their order, a batch at a time.
struct Rows<R> {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    /// The batch at hand, and how many rows of it were taken.
    batch: Option<RecordBatch>,
    at: usize,
    table: PhantomData<R>,
}

impl<R: Row> Rows<R> {
    fn damaged(&self, problem: &impl std::error::Error) -> SnapshotError {
        SnapshotError::Damaged { path: self.path.clone(), problem: problem.to_string() }
    }

    /// The batch that has the next row; none at the end.
    fn batch(&mut self) -> Result<Option<RecordBatch>, SnapshotError> {
        while self.batch.as_ref().is_none_or(|batch| self.at == batch.num_rows()) {
            (self.batch, self.at) = (None, 0);
            match self.reader.next() {
                Some(batch) => self.batch = Some(batch.map_err(|error| self.damaged(&error))?),
                None => return Ok(None),
            }
        }
        Ok(self.batch.clone())
    }

    /// Takes the next rows of a batch.
    fn take(&mut self, batch: &RecordBatch, count: usize, rows: &mut Vec<R>) -> Result<(), SnapshotError> {
        let which = self.at..self.at + count;
        self.at += count;
        R::from_batch(batch, which, rows).map_err(|error| self.damaged(&error))
    }

    /// The next row.
    fn next(&mut self) -> Result<Option<R>, SnapshotError> {
        let Some(batch) = self.batch()? else { return Ok(None) };
        let mut rows = Vec::with_capacity(1);
        self.take(&batch, 1, &mut rows)?;
        Ok(rows.pop())
    }

    /// All rows from here on.
    fn all(mut self) -> Result<Vec<R>, SnapshotError> {
        let mut rows = Vec::new();
        while let Some(batch) = self.batch()? {
            self.take(&batch, batch.num_rows() - self.at, &mut rows)?;
        }
        Ok(rows)
    }

    /// The rows from here on that are of a conference, which `column` says.
    fn of(&mut self, column: &str, conference: ConferenceId) -> Result<Vec<R>, SnapshotError> {
        let mut rows = Vec::new();
        self.each_of(column, conference, |batch, which| R::from_batch(batch, which, &mut rows))?;
        Ok(rows)
    }

    /// Hands over these rows, batch by batch.
    fn each_of(
        &mut self,
        column: &str,
        conference: ConferenceId,
        mut take: impl FnMut(&RecordBatch, Range<usize>) -> Result<(), Mismatch>,
    ) -> Result<(), SnapshotError> {
        let id = conference.to_string();
        while let Some(batch) = self.batch()? {
            let ids = batch.column_by_name(column).and_then(|ids| ids.as_string_opt::<i32>());
            let left = self.at..batch.num_rows();
            let count = left.len();
            // What is no id belongs to nobody.
            let mine = ids.map_or(0, |ids| left.take_while(|at| ids.value(*at) == id).count());
            let which = self.at..self.at + mine;
            self.at += mine;
            take(&batch, which).map_err(|error| self.damaged(&error))?;
            if mine < count {
                break;
            }
        }
        Ok(())
    }
}

/// The conferences of a part, in the part's order, as [`Snapshot::dossiers`] gives them. After an error there are no more.
pub struct Dossiers {
    conferences: Rows<ConferenceRow>,
    sessions: Rows<SessionRow>,
    connections: Rows<ConnectionRow>,
    tracks: Rows<TrackRow>,
    issues: Rows<IssueRow>,
    events: Rows<EventRow>,
    samples: Rows<SampleRow>,
}

impl Dossiers {
    /// Every table has its rows in the order of the conferences, so that those of one conference come next in each.
    fn next_dossier(&mut self) -> Result<Option<Dossier>, SnapshotError> {
        let Some(conference) = self.conferences.next()? else { return Ok(None) };
        let id = conference.id;
        let mut samples = Samples::default();
        self.samples.each_of("conference_id", id, |batch, which| samples.add_batch(batch, which))?;
        Ok(Some(Dossier {
            sessions: self.sessions.of("conference_id", id)?,
            connections: self.connections.of("conference_id", id)?,
            tracks: self.tracks.of("conference_id", id)?,
            issues: self.issues.of("in_conference_id", id)?,
            events: self.events.of("conference_id", id)?,
            samples,
            conference,
        }))
    }
}

impl Iterator for Dossiers {
    type Item = Result<Dossier, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_dossier().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ConferenceId, EventId, ParticipantId};
    use crate::snapshot::Json;
    use uuid::Uuid;

    fn small() -> (Globals, PartRows) {
        let conference = ConferenceRow {
            id: ConferenceId(Uuid::from_u128(1)),
            conference_id: "standup \u{202e} <b>".to_owned(),
            participants: vec![ParticipantId(Uuid::from_u128(5)), ParticipantId(Uuid::from_u128(4))],
            created_at: Timestamp::from_micros(-5),
            summary_data: Some(Json("[1e999]".to_owned())),
            ..ConferenceRow::default()
        };
        let event = EventRow {
            id: EventId(Uuid::from_u128(2)),
            conference_id: conference.id,
            r#type: "stats".to_owned(),
            data: Some(Json(r#"{"connection":{"id":"P","bytesSent":3},"audio":{}}"#.to_owned())),
            ..EventRow::default()
        };
        let mut rows = PartRows { conferences: vec![conference], ..PartRows::default() };
        rows.add_event(event.clone());
        rows.add_event(EventRow { r#type: "custom".to_owned(), data: None, ..event });
        rows.finish();
        let globals = Globals { organizations: vec![OrganizationRow::default()], ..Globals::default() };
        (globals, rows)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("deep/snapshot");
        let (globals, rows) = small();
        let writer = SnapshotWriter::create(&target).unwrap();
        let day = Day::parse("2026-11-18").unwrap();
        writer.write_part(day, 0, &rows).unwrap();
        writer.write_part(day, 1, &PartRows::default()).unwrap();
        assert!(!target.exists());
        writer.finish(&globals, Timestamp::from_micros(7), "test").unwrap();

        let snapshot = Snapshot::open(&target).unwrap();
        assert_eq!(snapshot.instant(), Timestamp::from_micros(7));
        assert_eq!(snapshot.globals().unwrap(), globals);
        assert_eq!(snapshot.parts().len(), 2);
        assert!(target.join("day=2026-11-18/events-1.parquet").exists());
        let dossiers: Result<Vec<_>, _> = snapshot.dossiers(&snapshot.parts()[0]).unwrap().collect();
        assert_eq!(dossiers.unwrap(), rows.into_dossiers());
        assert_eq!(snapshot.manifest().rows["samples"], 1);
    }

    #[test]
    fn a_manifest_that_is_not_as_it_was_written_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (globals, rows) = small();
        let writer = SnapshotWriter::create(folder.path()).unwrap();
        writer.write_part(Day::default(), 0, &rows).unwrap();
        let snapshot = writer.finish(&globals, Timestamp::from_micros(77), "test").unwrap();
        let path = folder.path().join(MANIFEST);
        let text = fs::read(&path).unwrap();
        let mut refused = 0;
        for at in 0..text.len() {
            let mut flipped = text.clone();
            flipped[at] ^= 1 << (at % 7);
            fs::write(&path, flipped).unwrap();
            match Snapshot::open(folder.path()) {
                // A space that is another, or a seal that has no name any more.
                Ok(found) => assert_eq!(Manifest { seal: None, ..found.manifest }, {
                    Manifest { seal: None, ..snapshot.manifest.clone() }
                }),
                Err(error) => {
                    assert!(error.is_damage() && error.to_string().contains(MANIFEST), "{error}");
                    refused += 1;
                }
            }
        }
        assert!(refused * 2 > text.len(), "{refused} of {}", text.len());
    }

    #[test]
    fn a_dropped_writer_leaves_the_former_snapshot_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("snapshot");
        let (globals, rows) = small();
        SnapshotWriter::create(&target).unwrap().finish(&globals, Timestamp::default(), "first").unwrap();
        let writer = SnapshotWriter::create(&target).unwrap();
        writer.write_part(Day::default(), 0, &rows).unwrap();
        drop(writer);
        assert_eq!(Snapshot::open(&target).unwrap().manifest().database, "first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_kept_is_linked_and_what_cannot_be_kept_is_written_without_touching_the_former() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("snapshot");
        let (globals, rows) = small();
        let (day, next) = (Day::parse("2026-11-18").unwrap(), Day::parse("2026-11-19").unwrap());
        let writer = SnapshotWriter::create(&target).unwrap();
        writer.write_part(day, 0, &rows).unwrap();
        writer.write_part(next, 0, &rows).unwrap();
        let former = writer.finish(&globals, Timestamp::default(), "test").unwrap();
        let aside = folder.path().join("aside");
        let kept = |name: &str| fs::read(target.join(name)).unwrap();
        let before = kept("day=2026-11-19/conferences.parquet");
        fs::remove_file(target.join("day=2026-11-19/tracks.parquet")).unwrap();

        let mut writer = SnapshotWriter::create(&aside).unwrap();
        assert!(writer.keep_part(&former, day, 0).unwrap());
        assert!(!writer.keep_part(&former, next, 0).unwrap());
        assert!(!writer.keep_part(&former, day, 1).unwrap());
        assert!(writer.keep_globals(&former).unwrap());
        writer.write_part(next, 0, &PartRows::default()).unwrap();
        let snapshot = writer.close(Timestamp::default(), "test", None).unwrap();
        assert_eq!(kept("day=2026-11-19/conferences.parquet"), before);
        assert_eq!(snapshot.parts()[0], former.parts()[0]);
        let dossiers: Result<Vec<_>, _> = snapshot.dossiers(&snapshot.parts()[0]).unwrap().collect();
        assert_eq!(dossiers.unwrap(), rows.into_dossiers());
        assert_eq!(snapshot.globals().unwrap(), globals);
        assert_eq!(
            (snapshot.manifest().rows["conferences"], snapshot.manifest().rows["organizations"]),
            (1, 1)
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_snapshot_is_replaced_and_what_it_leads_to_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (elsewhere, target) = (folder.path().join("elsewhere"), folder.path().join("snapshot"));
        let (globals, rows) = small();
        let write = |to: &Path| {
            let writer = SnapshotWriter::create(to).unwrap();
            writer.write_part(Day::default(), 0, &rows).unwrap();
            writer.finish(&globals, Timestamp::default(), "test").unwrap()
        };
        let former = write(&elsewhere);
        std::os::unix::fs::symlink(&elsewhere, &target).unwrap();
        write(&target);
        assert!(fs::symlink_metadata(&target).unwrap().is_dir());
        assert_eq!(former.dossiers(&former.parts()[0]).unwrap().count(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_changed_file_and_a_strange_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("snapshot");
        let (globals, rows) = small();
        let writer = SnapshotWriter::create(&target).unwrap();
        writer.write_part(Day::default(), 0, &rows).unwrap();
        let snapshot = writer.finish(&globals, Timestamp::default(), "test").unwrap();
        let file = target.join(snapshot.parts()[0].file("events"));
        fs::write(&file, b"PAR1").unwrap();
        let error = snapshot.dossiers(&snapshot.parts()[0]).err().unwrap().to_string();
        assert!(error.contains("events.parquet is damaged"), "{error}");

        fs::remove_file(target.join(MANIFEST)).unwrap();
        assert!(matches!(Snapshot::open(&target), Err(SnapshotError::Missing(_))));
        assert!(SnapshotWriter::create(&target).is_err());
    }
}
