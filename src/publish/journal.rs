//! The journal: what will be renamed and removed, so that a build that was interrupted while it published can be finished.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::manifest::is_unit_name;
use super::paths::Class;
use super::{Disk, MANIFEST, MANIFEST_NEW, PublishError, STAGING, SitePath, UNITS, io_at};

pub(super) const JOURNAL: &str = "journal";
const HEADER: &str = "peerpress journal 2\n";
const END: &str = "end\n";
/// Where more folders than this were touched, the whole file system is synced rather than each.
const FEW_FOLDERS: usize = 16;

/// Where a file waits.
pub(super) fn staged(state: &Path, path: &SitePath) -> PathBuf {
    let name = blake3::hash(path.as_str().as_bytes()).to_hex();
    state.join(STAGING).join(&name[..2]).join(name.as_str())
}

/// Where the file of a unit waits.
pub(super) fn staged_unit(state: &Path, name: &str) -> PathBuf {
    state.join(STAGING).join(UNITS).join(name)
}

/// The lines of the journal to be, by the order in which files come into place, on disk.
pub(super) struct Spool {
    folder: PathBuf,
    classes: [(PathBuf, BufWriter<File>); Class::ALL.len()],
}

impl Spool {
    pub(super) fn new(staging: &Path) -> Result<Self, PublishError> {
        let open = |class: Class| -> Result<_, PublishError> {
            let path = staging.join(format!("journal.{class:?}"));
            let file = File::create(&path).map_err(io_at(&path))?;
            Ok((path, BufWriter::new(file)))
        };
        let [asset, data, page, list] = Class::ALL;
        Ok(Self {
            folder: staging.to_owned(),
            classes: [open(asset)?, open(data)?, open(page)?, open(list)?],
        })
    }

    pub(super) fn add(&mut self, written: &[SitePath]) -> Result<(), PublishError> {
        for path in written {
            let (file, out) = &mut self.classes[path.class() as usize];
            writeln!(out, "put\t{path}").map_err(|error| io_at(file)(error))?;
        }
        Ok(())
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
        let (first, last) = (self.folder.join("journal.first"), self.folder.join("journal.last"));
        fs::write(&first, HEADER).map_err(io_at(&first))?;
        let mut text = String::new();
        for path in removed {
            text.push_str(&format!("remove\t{path}\n"));
        }
        for (verb, names) in [("unit", units), ("drop", gone)] {
            for name in names {
                text.push_str(&format!("{verb}\t{name}\n"));
            }
        }
        text.push_str(END);
        fs::write(&last, text).map_err(io_at(&last))?;
        let mut pieces = vec![first];
        for (path, mut out) in self.classes {
            out.flush().map_err(io_at(&path))?;
            pieces.push(path);
        }
        pieces.push(last);
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

/// Finishes a journal that a crash left.
pub(super) fn recover(
    disk: &impl Disk,
    output: &Path,
    state: &Path,
    warnings: &mut Vec<String>,
) -> Result<(), PublishError> {
    let path = state.join(JOURNAL);
    if !path.exists() {
        return Ok(());
    }
    if !is_whole(&path).map_err(io_at(&path))? {
        warnings.push(format!("{} cannot be read and is put aside", path.display()));
        let aside = path.with_extension("unreadable");
        return fs::rename(&path, &aside).map_err(io_at(&path));
    }
    warnings.push("the last build was interrupted while it published; it was finished".to_owned());
    finish(disk, output, state).map(drop)
}

/// Whether a journal begins and ends as one does.
fn is_whole(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut first = vec![0; HEADER.len()];
    let mut last = vec![0; END.len() + 1];
    if file.metadata()?.len() < (HEADER.len() + END.len()) as u64 {
        return Ok(false);
    }
    file.read_exact(&mut first)?;
    file.seek(SeekFrom::End(-(last.len() as i64)))?;
    file.read_exact(&mut last)?;
    Ok(first == HEADER.as_bytes() && last == format!("\n{END}").as_bytes())
}

/// Does what the journal says; done twice, the second time changes nothing. Gives the folders that it touched.
pub(super) fn finish(
    disk: &impl Disk,
    output: &Path,
    state: &Path,
) -> Result<BTreeSet<PathBuf>, PublishError> {
    let journal = state.join(JOURNAL);
    let file = File::open(&journal).map_err(io_at(&journal))?;
    let units = state.join(UNITS);
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for line in BufReader::new(file).lines() {
        let line = line.map_err(io_at(&journal))?;
        let Some((verb, name)) = line.split_once('\t') else { continue };
        match verb {
            "unit" | "drop" if !is_unit_name(name) => {}
            "unit" => {
                let from = staged_unit(state, name);
                if from.exists() {
                    if folders.insert(units.clone()) {
                        disk.create_dir_all(&units).map_err(io_at(&units))?;
                    }
                    let to = units.join(name);
                    disk.rename(&from, &to).map_err(io_at(&to))?;
                }
            }
            "drop" => remove(disk, &units.join(name))?,
            _ => {
                let path = SitePath::new(name)?;
                let place = output.join(path.as_str());
                let folder = place.parent().unwrap_or(output).to_owned();
                if verb == "put" {
                    put(disk, &staged(state, &path), &place, &folder, &folders)?;
                } else {
                    remove(disk, &place)?;
                    remove_empty(disk, output, &folder);
                }
                folders.insert(folder);
            }
        }
    }
    folders.retain(|folder| folder.exists());
    if folders.len() <= FEW_FOLDERS {
        for folder in &folders {
            disk.sync_folder(folder).map_err(io_at(folder))?;
        }
    } else {
        disk.sync_all(output).map_err(io_at(output))?;
    }
    let new = state.join(MANIFEST_NEW);
    let manifest = state.join(MANIFEST);
    if new.exists() {
        disk.rename(&new, &manifest).map_err(io_at(&manifest))?;
        disk.sync_folder(state).map_err(io_at(state))?;
    }
    disk.remove_file(&journal).map_err(io_at(&journal))?;
    let staging = state.join(STAGING);
    if staging.exists() {
        fs::remove_dir_all(&staging).map_err(io_at(&staging))?;
    }
    folders.remove(&units);
    Ok(folders)
}

fn put(
    disk: &impl Disk,
    from: &Path,
    place: &Path,
    folder: &Path,
    made: &BTreeSet<PathBuf>,
) -> Result<(), PublishError> {
    if !from.exists() {
        return Ok(());
    }
    if !made.contains(folder) {
        disk.create_dir_all(folder).map_err(io_at(folder))?;
    }
    disk.rename(from, place).map_err(io_at(place))
}

fn remove(disk: &impl Disk, place: &Path) -> Result<(), PublishError> {
    match disk.remove_file(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(io_at(place)),
    }
}

/// Removes a folder that became empty, and those above it, up to the output folder itself.
fn remove_empty(disk: &impl Disk, output: &Path, folder: &Path) {
    let mut folder = folder.to_owned();
    // A folder that is not empty cannot be removed, which ends the climb.
    while folder != output && folder.starts_with(output) && disk.remove_dir(&folder).is_ok() {
        match folder.parent() {
            Some(parent) => folder = parent.to_owned(),
            None => return,
        }
    }
}
