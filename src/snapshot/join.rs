//! Snapshots of several databases put together into one, which all else reads like that of a single database.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::rows::{AppRow, OrganizationRow, ParticipantRow};
use super::store::{GlobalFiles, Globals, Manifest, Part, Snapshot, SnapshotError, SnapshotWriter};
use crate::ids::ConferenceId;

/// One of the snapshots that a joined one was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Which database it is of.
    pub database: String,
    /// Its instant, to be read.
    pub taken_at: String,
    /// blake3 of its manifest.
    pub digest: String,
}

impl Joined {
    fn of(manifest: &Manifest) -> Result<Self, SnapshotError> {
        let (database, taken_at) = (manifest.database.clone(), manifest.taken_at.clone());
        let digest = manifest.digest().map_err(|error| SnapshotError::Encode {
            path: "manifest.json".into(),
            problem: error.to_string(),
        })?;
        Ok(Self { database, taken_at, digest })
    }
}

/// What came of [`join`].
#[derive(Debug)]
pub struct Join {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Whether it is a new one.
    pub changed: bool,
    /// Organizations, apps and participants that are in several databases and not alike in all; each is as the first
    /// of those databases has it.
    pub conflicts: usize,
}

/// Puts snapshots of several databases, whose conferences are all different, together at `target`; their files are linked, not
/// copied. Each database has the organizations and apps of its calls: what several have counts once. The instant is that of
/// the last one. If the one at `target` is of the very same snapshots, it stays as it is.
///
/// # Errors
/// If a conference is in two of them, or a file cannot be read or written; then what was at `target` is as it was.
pub fn join(target: &Path, snapshots: &[Snapshot]) -> Result<Join, SnapshotError> {
    let joined = snapshots.iter().map(|one| Joined::of(one.manifest())).collect::<Result<Vec<_>, _>>()?;
    if let Ok(former) = Snapshot::open(target)
        && former.manifest().joined == joined
        && former.manifest().is_by_this_program()
    {
        return Ok(Join { snapshot: former, changed: false, conflicts: 0 });
    }
    refuse_twins(snapshots)?;
    let mut writer = SnapshotWriter::create(target)?;
    for (at, snapshot) in snapshots.iter().enumerate() {
        for part in snapshot.parts() {
            // A piece more in one database does not move those of the others.
            if !writer.keep_part_as(snapshot, part, part.piece * snapshots.len() + at)? {
                let problem = format!("files of {} are missing", part.day);
                return Err(SnapshotError::Damaged { path: snapshot.root().to_owned(), problem });
            }
        }
    }
    let (globals, conflicts) = globals(snapshots)?;
    writer.write_globals(&GlobalFiles::of(&globals)?)?;
    let instant = snapshots.iter().map(Snapshot::instant).max().unwrap_or_default();
    let names: Vec<&str> = joined.iter().map(|one| one.database.as_str()).collect();
    let database = names.join(", ");
    writer.joins(joined);
    Ok(Join { snapshot: writer.close(instant, &database, None)?, changed: true, conflicts })
}

/// The tables that are not partitioned, and how many rows are not alike in all databases that have them.
fn globals(snapshots: &[Snapshot]) -> Result<(Globals, usize), SnapshotError> {
    let mut all = Globals::default();
    for snapshot in snapshots {
        let mut globals = snapshot.globals()?;
        all.organizations.append(&mut globals.organizations);
        all.apps.append(&mut globals.apps);
        all.participants.append(&mut globals.participants);
    }
    let conflicts = first_of_each(&mut all.organizations, |row: &OrganizationRow| row.id)
        + first_of_each(&mut all.apps, |row: &AppRow| row.id)
        + first_of_each(&mut all.participants, |row: &ParticipantRow| row.id);
    Ok((all, conflicts))
}

/// Brings rows into the order of their ids, and leaves the first of each id; how many others were not like it.
fn first_of_each<R: PartialEq, I: Ord>(rows: &mut Vec<R>, id: impl Fn(&R) -> I) -> usize {
    rows.sort_by_key(&id);
    let mut conflicts = 0;
    rows.dedup_by(|later, first| {
        let same = id(later) == id(first);
        conflicts += usize::from(same && later != first);
        same
    });
    conflicts
}

/// A conference in two databases would be counted twice. Most likely one database was named twice, or a copy of it.
fn refuse_twins(snapshots: &[Snapshot]) -> Result<(), SnapshotError> {
    let mut owners: BTreeMap<ConferenceId, &str> = BTreeMap::new();
    for snapshot in snapshots {
        let database = snapshot.manifest().database.as_str();
        for id in snapshot.conference_ids()? {
            if let Some(other) = owners.insert(id, database) {
                return Err(SnapshotError::Twins {
                    conference: id,
                    databases: [other, database].map(str::to_owned),
                });
            }
        }
    }
    Ok(())
}

impl Snapshot {
    /// The ids of all conferences.
    fn conference_ids(&self) -> Result<Vec<ConferenceId>, SnapshotError> {
        if self.has_versions() {
            return Ok(self.versions()?.into_iter().map(|row| row.conference_id).collect());
        }
        let ids = |part: &Part| {
            Ok(self.table::<super::ConferenceRow>(part)?.into_iter().map(|row| row.id).collect::<Vec<_>>())
        };
        Ok(self.parts().iter().map(ids).collect::<Result<Vec<_>, SnapshotError>>()?.concat())
    }
}
