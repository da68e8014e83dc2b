//! The tables of each app, as Parquet. The snapshot is read once more for them, a day at a time, so that few rows are held. Those of a
//! month are kept from one build to the next, and a table is put together of the row groups of its months.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rayon::prelude::*;

use super::desk::Hasher;
use super::leavings::{Brief, Sums};
use super::{Builder, ONE};
use crate::ids::{AppId, ConferenceId};
use crate::privacy::{OfConference, View};
use crate::site::Route;
use crate::snapshot::{
    ConferenceRow, ConnectionRow, IssueRow, Part, ParticipantRow, Row, SessionRow, TableWriter,
};
use crate::units::Timestamp;

/// The files with one table's rows of a month, for each app that has any.
pub(super) type Month = Sums<BTreeMap<AppId, Vec<u8>>>;

impl Builder<'_> {
    /// All tables of all apps; the conferences are by id.
    pub(super) fn tables(&self, view: &View<'_>, conferences: &[Brief]) -> anyhow::Result<Vec<Month>> {
        let all = conferences;
        // Its values are in the conference's own samples.
        let conferences = || self.table(view, all, |row: &mut ConferenceRow| row.summary_data = None);
        let sessions = || self.table(view, all, |_: &mut SessionRow| ());
        let connections = || self.table(view, all, |_: &mut ConnectionRow| ());
        let issues = || self.table(view, all, |_: &mut IssueRow| ());
        let (one, other) =
            rayon::join(|| rayon::join(conferences, sessions), || rayon::join(connections, issues));
        let months = [one.0?, one.1?, other.0?, other.1?].into_iter().flatten().collect();
        let participants: Vec<&ParticipantRow> = self.world.participants.values().collect();
        let mut key = Hasher::new("table");
        key.add(self.base.as_bytes()).add(&participants);
        self.in_unit("table-participants", Some(key.finish()), |desk| {
            self.world.apps.keys().try_for_each(|id| {
                let mut writer = TableWriter::new()?;
                for row in participants.iter().filter(|row| row.app_id == *id) {
                    writer.write(std::slice::from_ref(*row))?;
                }
                desk.put(&Route::AppTable(*id, ParticipantRow::TABLE), writer.finish()?)
            })
        })?;
        Ok(months)
    }

    /// One table, dealt to its apps; each app has one, if only an empty one. `leave_out` takes out of a row what is not to be in it.
    /// How a day is cut into pieces makes no difference.
    fn table<R: OfConference>(
        &self,
        view: &View<'_>,
        conferences: &[Brief],
        leave_out: impl Fn(&mut R) + Sync,
    ) -> anyhow::Result<Vec<Month>> {
        let digests =
            |part: &Part| [R::TABLE, ConferenceRow::TABLE].map(|table| part.digests.get(table).cloned());
        let months: Vec<&[Part]> = view.parts().chunk_by(|a, b| month_of(a) == month_of(b)).collect();
        let sums = |parts: &&[Part]| {
            let mut key = Hasher::new("month of a table");
            key.add(self.base.as_bytes()).add(&parts.iter().map(digests).collect::<Vec<_>>());
            let name = format!("{}-{}", R::TABLE, parts.first().map_or("", month_of));
            let make = || month_of_table(view, parts, conferences, &leave_out);
            self.ledger.sums(&name, &key.finish(), make)
        };
        let months: Vec<Month> =
            months.par_iter().with_max_len(ONE).map(sums).collect::<anyhow::Result<_>>()?;
        let mut key = Hasher::new("table");
        key.add(self.base.as_bytes()).add(&view.parts().iter().map(digests).collect::<Vec<_>>());
        self.in_unit(&format!("table-{}", R::TABLE), Some(key.finish()), |desk| {
            let mut writers: BTreeMap<AppId, TableWriter<R>> = BTreeMap::new();
            for id in self.world.apps.keys() {
                writers.insert(*id, TableWriter::new()?);
            }
            for month in &months {
                for (app, file) in month.read()? {
                    if let Some(writer) = writers.get_mut(&app) {
                        writer.append(file)?;
                    }
                }
            }
            let mut writers = writers.into_iter();
            writers.try_for_each(|(app, writer)| desk.put(&Route::AppTable(app, R::TABLE), writer.finish()?))
        })?;
        Ok(months)
    }
}

/// The rows of a month's parts, dealt to their apps.
fn month_of_table<R: OfConference>(
    view: &View<'_>,
    parts: &[Part],
    conferences: &[Brief],
    leave_out: &impl Fn(&mut R),
) -> anyhow::Result<BTreeMap<AppId, Vec<u8>>> {
    let mut writers: BTreeMap<AppId, TableWriter<R>> = BTreeMap::new();
    for day in parts.chunk_by(|a, b| a.day == b.day) {
        let mut dealt: BTreeMap<AppId, Vec<(Timestamp, ConferenceId, R)>> = BTreeMap::new();
        for part in day {
            for row in view.table::<R>(part, leave_out)? {
                let conference = row.conference();
                if let Ok(at) = conferences.binary_search_by_key(&conference, |brief| brief.id) {
                    let Brief { app, created_at, .. } = &conferences[at];
                    dealt.entry(*app).or_default().push((*created_at, conference, row));
                }
            }
        }
        for (app, mut rows) in dealt {
            rows.sort_by_key(|(at, conference, row)| (*at, *conference, row.order()));
            let rows: Vec<R> = rows.into_iter().map(|(.., row)| row).collect();
            match writers.entry(app) {
                Entry::Occupied(writer) => writer.into_mut().write(&rows)?,
                Entry::Vacant(place) => place.insert(TableWriter::new()?).write(&rows)?,
            }
        }
    }
    writers.into_iter().map(|(app, writer)| Ok((app, writer.finish()?))).collect()
}

/// The UTC month of a part's day.
fn month_of(part: &Part) -> &str {
    part.day.get(..7).unwrap_or(&part.day)
}
