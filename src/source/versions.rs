//! The versions of conferences: a digest per conference over the versions of all its rows, by which one snapshot sees what
//! changed since another.
//!
//! Why this is sound: what a transaction inserts or updates bears its number, and no transaction that the former snapshot
//! did not see has the number of one that it saw. Rows that came and rows that went are therefore never the same, and the
//! digest of a set of (row, number) changes with the set. Numbers of 32 bits come again after 2^32 transactions, so that
//! a new epoch is a reason to read everything (see [`super::origin`]).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::error::SourceError;
use super::reader::{Reader, of_conferences};
use crate::ids::ConferenceId;
use crate::snapshot::Fields as _;

/// What a conference is at one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Version {
    /// Its events, those of getStats included.
    pub(super) events: usize,
    /// The digest over all its rows; 0 where versions cannot be had.
    pub(super) digest: u128,
}

/// A scan over one table.
#[derive(Debug)]
pub(super) struct Scan {
    table: &'static str,
    query: &'static str,
    /// Whether its rows are the events, whose number is the weight of a conference.
    counts: bool,
}

const EVENTS: &str = "events";

/// The scans that give versions, the longest first.
pub(super) const VERSIONS: &[Scan] = &[
    Scan { table: EVENTS, query: include_str!("queries/versions_events.sql"), counts: true },
    Scan { table: "issues", query: include_str!("queries/versions_issues.sql"), counts: false },
    Scan { table: "tracks", query: include_str!("queries/versions_tracks.sql"), counts: false },
    Scan { table: "connections", query: include_str!("queries/versions_connections.sql"), counts: false },
    Scan { table: "sessions", query: include_str!("queries/versions_sessions.sql"), counts: false },
    Scan { table: "links", query: include_str!("queries/versions_links.sql"), counts: false },
    Scan { table: "summaries", query: include_str!("queries/versions_summaries.sql"), counts: false },
    Scan { table: "conferences", query: include_str!("queries/versions_conferences.sql"), counts: false },
];

/// The scan that only counts events, where versions cannot be had.
pub(super) const WEIGHTS: &[Scan] =
    &[Scan { table: EVENTS, query: include_str!("queries/weights.sql"), counts: true }];

/// Gathers the results of scans, which may run at the same time.
#[derive(Default)]
pub(super) struct Versions(Mutex<HashMap<ConferenceId, Version>>);

impl Versions {
    /// Runs a scan: over all conferences, or only over some.
    pub(super) fn read(
        &self,
        reader: &mut Reader<'_>,
        scan: &Scan,
        only: Option<&[ConferenceId]>,
    ) -> Result<(), SourceError> {
        let query = scan.query.replace("{all}", if only.is_none() { "true" } else { "false" });
        let query = of_conferences(&query, only.unwrap_or_default());
        let mut found = Vec::new();
        reader.copy(scan.table, &query, 3, |tuple| {
            let (id, number): (ConferenceId, i64) = (tuple.next("conference_id")?, tuple.next("number")?);
            let versions: String = tuple.next("versions")?;
            found.push((id, number, versions));
            Ok(())
        })?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, number, versions) in found {
            let version = all.entry(id).or_default();
            if scan.counts {
                version.events = usize::try_from(number).unwrap_or_default();
            }
            if !versions.is_empty() {
                // A sum, so that it does not matter which scan is done first.
                version.digest = version.digest.wrapping_add(digest(scan.table, number, &versions));
            }
        }
        Ok(())
    }

    /// The versions that were found.
    pub(super) fn into_inner(self) -> HashMap<ConferenceId, Version> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(table: &str, number: i64, versions: &str) -> u128 {
    let digest = blake3::hash(format!("{table} {number} {versions}").as_bytes());
    let (half, _) = digest.as_bytes().split_at(16);
    half.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}
