//! `peerpress merge`: slices that were built apart become one site.

use std::path::Path;

use anyhow::Context;

use super::build::{self, How, LEDGER, Stages};
use super::site::{Ledger, Slice, Work};
use super::{Done, Session, Usage, locks, settings};
use crate::cli;
use crate::publish::Published;
use crate::shard::Shard;
use crate::snapshot::Snapshot;

/// Where a slice says which one it is, below its state folder.
const SHARD: &str = "shard.json";

/// Notes which slice a site is.
pub fn label(state: &Path, shard: Shard) -> anyhow::Result<()> {
    build::write_atomically(&state.join(SHARD), &serde_json::to_vec(&shard)?)
}

/// The slice in a folder.
fn open(folder: &Path) -> anyhow::Result<Slice> {
    let state = folder.join(settings::SHARD_STATE);
    let found = || -> Option<Slice> {
        let shard = serde_json::from_slice(&std::fs::read(state.join(SHARD)).ok()?).ok()?;
        let files = Published::open(folder, &state)?;
        Some(Slice { shard, ledger: Ledger::at(state.join(LEDGER)), files })
    };
    found().with_context(|| {
        format!("{} is no finished slice\nhint: make it with `peerpress build --shard K/N`", folder.display())
    })
}

/// All slices there are, each once.
fn open_all(folders: &[std::path::PathBuf]) -> anyhow::Result<Vec<Slice>> {
    let mut slices = folders.iter().map(|folder| open(folder)).collect::<anyhow::Result<Vec<_>>>()?;
    slices.sort_by_key(|slice| slice.shard);
    let of = slices.first().map_or(0, |slice| slice.shard.of());
    let wanted = (1..=of).map(|k| Shard::parse(&format!("{k}/{of}"), None));
    let whole = wanted.map(Result::ok).eq(slices.iter().map(|slice| Some(slice.shard)));
    if !whole {
        let given: Vec<String> = slices.iter().map(|slice| slice.shard.to_string()).collect();
        let given = given.join(", ");
        return Err(Usage(format!(
            "these slices are not all slices of one site: {given}\nhint: give each once"
        ))
        .into());
    }
    Ok(slices)
}

/// Runs the command.
pub fn run(session: &Session, args: &cli::Merge) -> anyhow::Result<Done> {
    let mut stages = Stages::default();
    let _lock = locks::of_read_snapshot(session, &args.from)?;
    let snapshot = Snapshot::open(&args.from)?;
    let state = |folder: &std::path::PathBuf| folder.join(settings::SHARD_STATE);
    let locks = args.slices.iter().map(|folder| locks::of_read_site(session, &state(folder)));
    let _locks = locks.collect::<anyhow::Result<Vec<_>>>()?;
    let slices = open_all(&args.slices)?;
    stages.end("slices");
    let how = How { work: Work::Merge(&slices), ..How::default() };
    let summary = build::render_and_publish(session, &snapshot, &args.site, how, &mut stages)?;
    session.print(&summary, &summary.text())?;
    Ok(build::verdict(&args.site, &summary))
}
