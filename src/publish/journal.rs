//! The journal: what will be renamed and removed, so that a build that was interrupted while it published can be finished.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::manifest::is_unit_name;
use super::paths::Class;
use super::seal::{END_BYTES, end};
use super::{Disk, MANIFEST, MANIFEST_NEW, PublishError, STAGING, SitePath, UNITS, io_at};

pub(super) const JOURNAL: &str = "journal";
const HEADER: &str = "peerpress journal 4\n";
/// What comes before it is on the medium before what comes after it is begun.
const SYNC: &str = "sync\n";
/// Where more folders than this were touched, the whole file system is synced rather than each.
const FEW_FOLDERS: usize = 16;

/// Where the files of a first site wait, as they will lie.
const TREE: &str = "tree";
/// The start page is the way to everything else, also to the first site.
pub(super) const START: &str = "index.html";

/// Where a file waits.
pub(super) fn staged(state: &Path, path: &SitePath) -> PathBuf {
    let name = blake3::hash(path.as_str().as_bytes()).to_hex();
    state.join(STAGING).join(&name[..2]).join(name.as_str())
}

/// Where a file of a first site waits.
pub(super) fn staged_in_tree(state: &Path, path: &SitePath) -> PathBuf {
    state.join(STAGING).join(TREE).join(path.as_str())
}

/// The start page of a first site, and what else stands at its top, in the order in which it comes into place.
fn tops(state: &Path) -> Result<(Option<SitePath>, Vec<SitePath>), PublishError> {
    let tree = state.join(STAGING).join(TREE);
    let entries = match fs::read_dir(&tree) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((None, Vec::new())),
        entries => entries.map_err(io_at(&tree))?,
    };
    let (mut start, mut tops) = (None, Vec::new());
    for entry in entries {
        let entry = entry.map_err(io_at(&tree))?;
        let top = SitePath::new(&entry.file_name().to_string_lossy())?;
        if top.as_str() == START {
            start = Some(top);
            continue;
        }
        let is_folder = entry.file_type().map_err(io_at(&tree))?.is_dir();
        let within = if is_folder { SitePath::new(&format!("{top}/one"))? } else { top.clone() };
        tops.push((within.class(), top));
    }
    tops.sort();
    Ok((start, tops.into_iter().map(|(_, top)| top).collect()))
}

/// Where the file of a unit waits.
pub(super) fn staged_unit(state: &Path, name: &str) -> PathBuf {
    state.join(STAGING).join(UNITS).join(name)
}

/// The lines of the journal to be, by the order in which files come into place, on disk. First come paths that were not there,
/// to which no page in place has a link; then files in the place of others, all of whose links lead to what is there by now.
/// What is removed comes last, when no page has a link to it any more.
pub(super) struct Spool {
    folder: PathBuf,
    new: [Lines; Class::ALL.len()],
    changed: [Lines; Class::ALL.len()],
}

type Lines = (PathBuf, BufWriter<File>);

impl Spool {
    pub(super) fn new(staging: &Path) -> Result<Self, PublishError> {
        let open = |kind: &str, class: Class| -> Result<_, PublishError> {
            let path = staging.join(format!("journal.{kind}.{class:?}"));
            let file = File::create(&path).map_err(io_at(&path))?;
            Ok((path, BufWriter::new(file)))
        };
        let all = |kind| -> Result<_, PublishError> {
            let [asset, data, page, list] = Class::ALL;
            Ok([open(kind, asset)?, open(kind, data)?, open(kind, page)?, open(kind, list)?])
        };
        Ok(Self { folder: staging.to_owned(), new: all("new")?, changed: all("changed")? })
    }

    /// Adds a file that is staged; whether its path `is_new`, and not that of a file that is there.
    pub(super) fn add(&mut self, path: &SitePath, is_new: bool) -> Result<(), PublishError> {
        let classes = if is_new { &mut self.new } else { &mut self.changed };
        let (file, out) = &mut classes[path.class() as usize];
        writeln!(out, "put\t{path}").map_err(|error| io_at(file)(error))
    }

    /// Writes the journal, with which the new site is decided on.
    pub(super) fn write(
        self,
        disk: &impl Disk,
        state: &Path,
        removed: &[SitePath],
        units: &[String],
        gone: &[String],
    ) -> Result<(), PublishError> {
        let mut pieces = Vec::new();
        let piece = |name: &str, text: &str| -> Result<PathBuf, PublishError> {
            let path = self.folder.join(name);
            fs::write(&path, text).map_err(io_at(&path))?;
            Ok(path)
        };
        let sync = piece("journal.sync", SYNC)?;
        let (start, tops) = tops(state)?;
        let line = |top: SitePath| format!("tree\t{top}\n");
        let tops: String = tops.into_iter().map(line).collect();
        let first = piece("journal.first", &(HEADER.to_owned() + &tops))?;
        let then = piece("journal.then", &start.map(line).unwrap_or_default())?;
        for (before, classes) in [(first, self.new), (then, self.changed)] {
            pieces.push(before);
            for (path, mut out) in classes {
                out.flush().map_err(io_at(&path))?;
                pieces.push(path);
            }
            pieces.push(sync.clone());
        }
        let mut text = String::new();
        // A page before what it has links to.
        let mut removed: Vec<&SitePath> = removed.iter().collect();
        removed.sort_by_key(|path| std::cmp::Reverse(path.class()));
        for path in removed {
            text.push_str(&format!("remove\t{path}\n"));
        }
        for (verb, names) in [("unit", units), ("drop", gone)] {
            for name in names {
                text.push_str(&format!("{verb}\t{name}\n"));
            }
        }
        let mut hasher = blake3::Hasher::new();
        for path in &pieces {
            let hashed = File::open(path).and_then(|file| hasher.update_reader(file).map(drop));
            hashed.map_err(io_at(path))?;
        }
        hasher.update(text.as_bytes());
        text.push_str(&end(&hasher.finalize()));
        pieces.push(piece("journal.last", &text)?);
        let beside = state.join("journal.tmp");
        if beside.exists() {
            fs::remove_file(&beside).map_err(io_at(&beside))?;
        }
        disk.join(&pieces, &beside).map_err(io_at(&beside))?;
        disk.sync_file(&beside).map_err(io_at(&beside))?;
        let journal = state.join(JOURNAL);
        disk.rename(&beside, &journal).map_err(io_at(&journal))?;
        disk.sync_folder(state).map_err(io_at(state))
    }
}

/// What became of a journal that a crash left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recovered {
    /// There was none.
    Nothing,
    /// It was finished.
    Finished,
    /// It is not as it was written: how far the site is the new one is not known.
    Damaged,
}

/// Finishes a journal that a crash left.
pub(super) fn recover(
    disk: &impl Disk,
    output: &Path,
    state: &Path,
    warnings: &mut Vec<String>,
) -> Result<Recovered, PublishError> {
    let path = state.join(JOURNAL);
    if !path.exists() {
        return Ok(Recovered::Nothing);
    }
    if !is_whole(&path).map_err(io_at(&path))? {
        let aside = path.with_extension("unreadable");
        let (from, to) = (path.display(), aside.display());
        warnings.push(format!("{from} is damaged and becomes {to}; everything is built anew"));
        disk.rename(&path, &aside).map_err(io_at(&path))?;
        return Ok(Recovered::Damaged);
    }
    warnings.push("the last build was interrupted while it published; it was finished".to_owned());
    finish(disk, output, state)?;
    Ok(Recovered::Finished)
}

/// Whether a journal is as it was written.
fn is_whole(path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    let Some(length) = file.metadata()?.len().checked_sub(END_BYTES as u64) else { return Ok(false) };
    let mut reader = BufReader::new(file);
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader((&mut reader).take(length))?;
    let mut last = Vec::new();
    reader.read_to_end(&mut last)?;
    let mut first = vec![0; HEADER.len()];
    // What is shorter has another digest.
    let is_ours = File::open(path)?.read_exact(&mut first).is_ok() && first == HEADER.as_bytes();
    Ok(is_ours && last == end(&hasher.finalize()).as_bytes())
}

/// Does what the journal says; done twice, the second time changes nothing. Gives the folders that it touched, also those that
/// are gone.
pub(super) fn finish(
    disk: &impl Disk,
    output: &Path,
    state: &Path,
) -> Result<BTreeSet<PathBuf>, PublishError> {
    let journal = state.join(JOURNAL);
    let file = File::open(&journal).map_err(io_at(&journal))?;
    let units = state.join(UNITS);
    let mut touched = Touched::default();
    for line in BufReader::new(file).lines() {
        let line = line.map_err(io_at(&journal))?;
        let Some((verb, name)) = line.split_once('\t') else {
            if line == SYNC.trim_end() {
                touched.sync(disk, output)?;
            }
            continue;
        };
        match verb {
            "unit" | "drop" if !is_unit_name(name) => {}
            "unit" => {
                let from = staged_unit(state, name);
                if from.exists() {
                    touched.folder(disk, &units)?;
                    let to = units.join(name);
                    disk.rename(&from, &to).map_err(io_at(&to))?;
                }
            }
            "drop" => {
                remove(disk, &units.join(name))?;
                touched.add(units.clone());
            }
            "tree" => {
                let top = SitePath::new(name)?;
                touched.folder(disk, output)?;
                move_tree(disk, &staged_in_tree(state, &top), &output.join(top.as_str()))?;
            }
            "put" | "remove" => {
                let path = SitePath::new(name)?;
                let place = output.join(path.as_str());
                let folder = place.parent().unwrap_or(output).to_owned();
                if verb == "put" {
                    let from = staged(state, &path);
                    if from.exists() {
                        touched.folder(disk, &folder)?;
                        disk.rename(&from, &place).map_err(io_at(&place))?;
                    }
                } else {
                    remove(disk, &place)?;
                    for folder in remove_empty(disk, output, &folder) {
                        touched.add(folder);
                    }
                }
                // Done before a crash, perhaps, but not on the medium.
                touched.add(folder);
            }
            // The last line.
            _ => {}
        }
    }
    touched.sync(disk, output)?;
    let new = state.join(MANIFEST_NEW);
    let manifest = state.join(MANIFEST);
    if new.exists() {
        disk.rename(&new, &manifest).map_err(io_at(&manifest))?;
        disk.sync_folder(state).map_err(io_at(state))?;
    }
    disk.remove_file(&journal).map_err(io_at(&journal))?;
    // A journal that came back would remove what somebody else has put in place since.
    disk.sync_folder(state).map_err(io_at(state))?;
    let staging = state.join(STAGING);
    if staging.exists() {
        disk.remove_dir_all(&staging).map_err(io_at(&staging))?;
    }
    touched.all.remove(&units);
    Ok(touched.all)
}

/// The folders in which names came or went.
#[derive(Default)]
struct Touched {
    all: BTreeSet<PathBuf>,
    /// Those that are not on the medium yet.
    fresh: BTreeSet<PathBuf>,
}

impl Touched {
    fn add(&mut self, folder: PathBuf) {
        if !self.fresh.contains(&folder) {
            self.all.insert(folder.clone());
            self.fresh.insert(folder);
        }
    }

    /// Sees to it that a folder is there.
    fn folder(&mut self, disk: &impl Disk, folder: &Path) -> Result<(), PublishError> {
        if !self.fresh.contains(folder) {
            for parent in make_folder(disk, folder)? {
                self.add(parent);
            }
            self.add(folder.to_owned());
        }
        Ok(())
    }

    /// Brings them to the medium.
    fn sync(&mut self, disk: &impl Disk, output: &Path) -> Result<(), PublishError> {
        self.fresh.retain(|folder| folder.exists());
        if self.fresh.len() <= FEW_FOLDERS {
            for folder in &self.fresh {
                disk.sync_folder(folder).map_err(io_at(folder))?;
            }
        } else {
            disk.sync_all(output).map_err(io_at(output))?;
            for folder in self.fresh.iter().filter(|folder| !folder.starts_with(output)) {
                disk.sync_folder(folder).map_err(io_at(folder))?;
            }
        }
        self.fresh.clear();
        Ok(())
    }
}

/// Makes a folder and those above it that are not there; gives the folders that have a new one in them.
pub(super) fn make_folder(disk: &impl Disk, folder: &Path) -> Result<Vec<PathBuf>, PublishError> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    disk.create_dir_all(folder).map_err(io_at(folder))?;
    let above = |folder: &&Path| {
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).to_owned()
    };
    Ok(missing.iter().map(above).collect())
}

/// Moves a file, or a folder with all that is in it, if it is still there. Where there is a folder in its place, such as one with files of
/// somebody else, what is in it moves.
fn move_tree(disk: &impl Disk, from: &Path, to: &Path) -> Result<(), PublishError> {
    if !from.exists() {
        return Ok(());
    }
    if !(from.is_dir() && to.is_dir()) {
        return disk.rename(from, to).map_err(io_at(to));
    }
    for entry in fs::read_dir(from).map_err(io_at(from))? {
        let name = entry.map_err(io_at(from))?.file_name();
        move_tree(disk, &from.join(&name), &to.join(&name))?;
    }
    disk.sync_folder(to).map_err(io_at(to))
}

fn remove(disk: &impl Disk, place: &Path) -> Result<(), PublishError> {
    match disk.remove_file(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(io_at(place)),
    }
}

/// Removes a folder that became empty, and those above it, up to the output folder itself. Gives these, and the last that is left.
fn remove_empty(disk: &impl Disk, output: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut folder = folder;
    // A folder that is not empty cannot be removed, which ends the climb.
    while folder != output && folder.starts_with(output) && disk.remove_dir(folder).is_ok() {
        let Some(parent) = folder.parent() else { break };
        folder = parent;
        folders.push(folder.to_owned());
    }
    folders
}
