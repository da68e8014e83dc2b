//! The tables of each app, as Parquet. The snapshot is read once more for them, a day at a time, so that few rows are held.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Builder;
use super::desk::Hasher;
use super::leavings::Brief;
use crate::ids::{AppId, ConferenceId};
use crate::privacy::{OfConference, View};
use crate::site::Route;
use crate::snapshot::{ConferenceRow, ConnectionRow, IssueRow, ParticipantRow, Row, SessionRow, TableWriter};
use crate::units::Timestamp;

/// Where a row stands in its conference.
type Place = (Timestamp, Uuid);

impl Builder<'_> {
    /// All tables of all apps; the conferences are by id.
    pub(super) fn tables(&self, view: &View<'_>, conferences: &[Brief]) -> anyhow::Result<()> {
        let all = conferences;
        let conferences = || {
            self.table(view, all, |row: &mut ConferenceRow| {
                // Its values are in the conference's own samples.
                row.summary_data = None;
                (row.id, (row.created_at, row.id.0))
            })
        };
        let sessions =
            || self.table(view, all, |row: &mut SessionRow| (row.conference_id, (row.created_at, row.id.0)));
        let connections = || {
            self.table(view, all, |row: &mut ConnectionRow| (row.conference_id, (row.created_at, row.id.0)))
        };
        let issues =
            || self.table(view, all, |row: &mut IssueRow| (row.in_conference_id, (row.created_at, row.id.0)));
        let (one, other) =
            rayon::join(|| rayon::join(conferences, sessions), || rayon::join(connections, issues));
        one.0.and(one.1).and(other.0).and(other.1)?;
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
        })
    }

    /// One table, dealt to its apps; each app has one, if only an empty one. `place` says to which conference a row belongs
    /// and where it stands in it, and leaves out what is not to be published. How a day is cut into pieces makes no difference.
    fn table<R: OfConference>(
        &self,
        view: &View<'_>,
        conferences: &[Brief],
        place: impl Fn(&mut R) -> (ConferenceId, Place),
    ) -> anyhow::Result<()> {
        let mut key = Hasher::new("table");
        key.add(self.base.as_bytes());
        for part in view.parts() {
            key.add(&[R::TABLE, ConferenceRow::TABLE].map(|table| part.digests.get(table)));
        }
        self.in_unit(&format!("table-{}", R::TABLE), Some(key.finish()), |desk| {
            let mut writers: BTreeMap<AppId, TableWriter<R>> = BTreeMap::new();
            for id in self.world.apps.keys() {
                writers.insert(*id, TableWriter::new()?);
            }
            for day in view.parts().chunk_by(|a, b| a.day == b.day) {
                let mut dealt: BTreeMap<AppId, Vec<(Timestamp, ConferenceId, Place, R)>> = BTreeMap::new();
                for part in day {
                    for mut row in view.table::<R>(part)? {
                        let (conference, place) = place(&mut row);
                        if let Ok(at) = conferences.binary_search_by_key(&conference, |brief| brief.id) {
                            let Brief { app, created_at, .. } = &conferences[at];
                            dealt.entry(*app).or_default().push((*created_at, conference, place, row));
                        }
                    }
                }
                for (app, mut rows) in dealt {
                    rows.sort_by_key(|row| (row.0, row.1, row.2));
                    let rows: Vec<R> = rows.into_iter().map(|row| row.3).collect();
                    if let Some(writer) = writers.get_mut(&app) {
                        writer.write(&rows)?;
                    }
                }
            }
            let mut writers = writers.into_iter();
            writers.try_for_each(|(app, writer)| desk.put(&Route::AppTable(app, R::TABLE), writer.finish()?))
        })
    }
}
