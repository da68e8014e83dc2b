//! What can be known of the files of a site whose manifest or journal is damaged: the lists of its units say for themselves
//! whether they are as they were written.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::manifest::{is_unit_name, parse_unit};
use super::{PublishError, STAGING, SitePath, UNITS, io_at};

/// The files of a site that peerpress wrote, as far as that is known.
#[derive(Debug, Default)]
pub(super) struct Salvage {
    pub(super) files: BTreeSet<SitePath>,
    /// The units whose lists are there, readable or not.
    pub(super) units: BTreeSet<String>,
    /// Whether there may be more files: a list cannot be read, or there is none.
    pub(super) is_partial: bool,
}

impl Salvage {
    /// Of units in place; with `staged`, also of those of a build that was cut off while it published.
    pub(super) fn of(state: &Path, staged: bool) -> Result<Self, PublishError> {
        let mut found = Self::default();
        let folders = [(state.join(UNITS), true), (state.join(STAGING).join(UNITS), staged)];
        for (folder, wanted) in folders {
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries.map_err(io_at(&folder))?,
            };
            for entry in entries.filter(|_| wanted) {
                let entry = entry.map_err(io_at(&folder))?;
                let Some(name) =
                    entry.file_name().to_str().filter(|name| is_unit_name(name)).map(str::to_owned)
                else {
                    continue;
                };
                match fs::read(entry.path()).ok().as_deref().and_then(parse_unit) {
                    Some(files) => found.files.extend(files.into_keys()),
                    None => found.is_partial = true,
                }
                found.units.insert(name);
            }
        }
        found.is_partial |= found.units.is_empty();
        Ok(found)
    }
}
