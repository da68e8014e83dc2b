//! Takes people and time out of a snapshot for good: the files that had them are written anew without. What is taken out stays
//! out of later snapshots, which are purged by the same rules.
//!
//! Parts stay, if only with empty tables, and so does `versions.parquet`, which has ids of conferences and digests: by them the
//! next snapshot knows what it need not read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::json;
use crate::ids::{ConferenceId, ConnectionId, ParticipantId, SessionId};
use crate::snapshot::{
    ConferenceRow, ConnectionRow, Dossier, EventRow, GlobalFiles, IssueRow, Json, PartRows, ParticipantRow,
    Row, Sample, SampleRow, SessionRow, Snapshot, SnapshotError, SnapshotWriter, TrackRow,
};
use crate::units::{Day, Timestamp};

/// Texts that are shorter are part of others too often to be taken for a name within one.
const NAME: usize = 4;
/// Stands for the name of a person who was taken out.
const ERASED: &str = "(erased)";

/// Who was taken out: digests of their ids, so that the list itself names nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Hexadecimal.
    participants: BTreeSet<String>,
    /// blake3 of the lines of the list; none in a list of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seal: Option<String>,
}

impl Erased {
    fn digest(id: ParticipantId) -> String {
        blake3::Hash::from_bytes(blake3::derive_key("peerpress 2026 erased participant", id.0.as_bytes()))
            .to_hex()
            .to_string()
    }

    fn digest_of_list(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for id in &self.participants {
            hasher.update(id.as_bytes()).update(b"\n");
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The list as the text of a file.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec_pretty(&Self { seal: Some(self.digest_of_list()), ..self.clone() })
    }

    /// The other way.
    ///
    /// # Errors
    /// If the text is not as it was written: by another list somebody would come back.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let list: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        match &list.seal {
            Some(seal) if *seal != list.digest_of_list() => Err("it is not as it was written".to_owned()),
            _ => Ok(Self { seal: None, ..list }),
        }
    }

    /// Adds somebody; whether they were not there yet.
    pub fn add(&mut self, id: ParticipantId) -> bool {
        self.participants.insert(Self::digest(id))
    }

    /// Whether somebody is there.
    pub fn has(&self, id: ParticipantId) -> bool {
        !self.participants.is_empty() && self.participants.contains(&Self::digest(id))
    }

    /// Whether a text is the id of somebody there.
    fn has_id(&self, text: &str) -> bool {
        text.parse().is_ok_and(|id| self.has(id))
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.participants.is_empty()
    }
}

/// What is taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// These people.
    pub erased: Erased,
    /// Visits that began so many days before the snapshot, or earlier; days begin at midnight UTC.
    pub retention_days: Option<u32>,
}

impl Rules {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.erased.is_empty() && self.retention_days.is_none()
    }

    /// Visits before this instant are too old.
    fn cutoff(&self, snapshot: &Snapshot) -> Option<Timestamp> {
        let days = f64::from(self.retention_days?);
        Some(snapshot.instant().plus_seconds(-days * 86_400.0).day().start())
    }
}

/// What was taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// Rows that are gone, by table.
    pub rows: BTreeMap<&'static str, usize>,
    /// Conferences of which something is gone or changed, gone ones included.
    pub conferences_changed: usize,
    /// Parts of the snapshot that were written anew.
    pub parts_written: usize,
}

impl Purged {
    fn count(&mut self, table: &'static str, gone: usize) {
        if gone > 0 {
            *self.rows.entry(table).or_default() += gone;
        }
    }
}

/// Takes out of the snapshot in a folder what the rules say. `None` if there was nothing of it.
///
/// # Errors
/// If the snapshot cannot be read or written; then it is as it was.
pub fn purge(target: &Path, rules: &Rules) -> Result<Option<(Snapshot, Purged)>, SnapshotError> {
    let snapshot = Snapshot::open(target)?;
    if rules.is_empty() {
        return Ok(None);
    }
    let mut purged = Purged::default();
    let mut globals = snapshot.globals()?;
    let cutoff = rules.cutoff(&snapshot);
    let names = Names::of(&globals.participants, &rules.erased);
    let mut people: BTreeSet<ParticipantId> = BTreeSet::new();
    // Nothing is written before something has to be.
    let mut writer: Option<SnapshotWriter> = None;
    let mut kept: Vec<(Day, usize)> = Vec::new();
    for part in snapshot.parts() {
        let day = Day::parse(&part.day).unwrap_or_default();
        let found = snapshot.people(part)?;
        let has_erased = found.iter().any(|id| rules.erased.has(*id));
        let is_old = cutoff.is_some_and(|cutoff| day.start() < cutoff);
        let rows = (has_erased || is_old)
            .then(|| purged_part(&snapshot, part, rules, (cutoff, &names), &mut purged))
            .transpose()?
            .flatten();
        if let Some(rows) = rows {
            people.extend(people_of(&rows));
            if writer.is_none() {
                writer = Some(SnapshotWriter::create(target)?);
            }
            if let Some(writer) = &writer {
                writer.write_part(day, part.piece, &rows)?;
            }
            purged.parts_written += 1;
        } else {
            people.extend(found);
            kept.push((day, part.piece));
        }
    }
    let before = globals.participants.len();
    globals.participants.retain(|row| {
        let is_old = cutoff.is_some_and(|cutoff| row.created_at < cutoff && !people.contains(&row.id));
        !is_old && !rules.erased.has(row.id)
    });
    let gone = before - globals.participants.len();
    purged.count(ParticipantRow::TABLE, gone);
    // The service's clients may give the row's id of one participant as the id of another.
    let mut renamed = false;
    for given in globals.participants.iter_mut().filter_map(|row| row.participant_id.as_mut()) {
        if rules.erased.has_id(given) {
            ERASED.clone_into(given);
            renamed = true;
        }
    }
    let mut writer = match writer {
        Some(writer) => writer,
        None if gone == 0 && !renamed => return Ok(None),
        None => SnapshotWriter::create(target)?,
    };
    for (day, piece) in kept {
        if !writer.keep_part(&snapshot, day, piece)? {
            let problem = format!("files of {day} are missing");
            return Err(SnapshotError::Damaged { path: target.to_owned(), problem });
        }
    }
    writer.write_purged_globals(&GlobalFiles::of(&globals)?, snapshot.manifest())?;
    if snapshot.has_versions() {
        writer.write_versions(&snapshot.versions()?)?;
    }
    let manifest = snapshot.manifest();
    let snapshot = writer.close(snapshot.instant(), &manifest.database, manifest.origin.clone())?;
    Ok(Some((snapshot, purged)))
}

/// The rows that are left of a part; `None` if that is all of them as they were.
fn purged_part(
    snapshot: &Snapshot,
    part: &crate::snapshot::Part,
    rules: &Rules,
    (cutoff, names): (Option<Timestamp>, &Names),
    purged: &mut Purged,
) -> Result<Option<PartRows>, SnapshotError> {
    let (mut rows, mut changed) = (PartRows::default(), false);
    let mut own = Purged::default();
    for dossier in snapshot.dossiers(part)? {
        let mut dossier = dossier?;
        let before = counts(&dossier);
        let touched = erase(&mut dossier, rules, names);
        let left = cutoff.is_none_or(|cutoff| keep_since(&mut dossier, cutoff));
        let after = if left { counts(&dossier) } else { [0; 7] };
        if touched || before != after {
            changed = true;
            own.conferences_changed += 1;
        }
        let tables = [
            ConferenceRow::TABLE,
            SessionRow::TABLE,
            ConnectionRow::TABLE,
            TrackRow::TABLE,
            IssueRow::TABLE,
            EventRow::TABLE,
            SampleRow::TABLE,
        ];
        for (at, table) in tables.into_iter().enumerate() {
            own.count(table, before[at] - after[at]);
        }
        if left {
            rows.conferences.push(dossier.conference);
            rows.sessions.append(&mut dossier.sessions);
            rows.connections.append(&mut dossier.connections);
            rows.tracks.append(&mut dossier.tracks);
            rows.issues.append(&mut dossier.issues);
            rows.events.append(&mut dossier.events);
            rows.samples.extend(dossier.samples.iter().map(Sample::to_row));
        }
    }
    if !changed {
        return Ok(None);
    }
    for (table, gone) in own.rows {
        purged.count(table, gone);
    }
    purged.conferences_changed += own.conferences_changed;
    Ok(Some(rows))
}

fn counts(dossier: &Dossier) -> [usize; 7] {
    [
        1,
        dossier.sessions.len(),
        dossier.connections.len(),
        dossier.tracks.len(),
        dossier.issues.len(),
        dossier.events.len(),
        dossier.samples.len(),
    ]
}

fn people_of(rows: &PartRows) -> BTreeSet<ParticipantId> {
    let linked = rows.conferences.iter().flat_map(|row| row.participants.iter().copied());
    linked
        .chain(rows.sessions.iter().map(|row| row.participant_id))
        .chain(rows.connections.iter().flat_map(|row| [row.participant_id, row.peer_id]))
        .chain(rows.issues.iter().filter_map(|row| row.participant_id))
        .chain(rows.events.iter().flat_map(|row| [Some(row.participant_id), row.peer_id]).flatten())
        .collect()
}

/// By what texts name the people who are taken out, as far as the snapshot still has their rows.
struct Names(Vec<String>);

impl Names {
    fn of(participants: &[ParticipantRow], erased: &Erased) -> Self {
        let gone = participants.iter().filter(|row| erased.has(row.id));
        let names = gone.flat_map(|row| {
            let given = [row.participant_id.clone(), row.participant_name.clone()].into_iter().flatten();
            given.chain([row.id.to_string(), row.id.0.simple().to_string()])
        });
        let mut names: Vec<String> = names.filter(|name| !name.trim().is_empty()).collect();
        // The longest first: one may be part of another.
        names.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        names.dedup();
        Self(names)
    }

    /// A text without them; `None` if it has none of them.
    fn erased(&self, text: &str) -> Option<String> {
        let mut changed: Option<String> = None;
        for name in &self.0 {
            let now = changed.as_deref().unwrap_or(text);
            if now == name {
                changed = Some(ERASED.to_owned());
            } else if name.chars().count() >= NAME && now.contains(name.as_str()) {
                changed = Some(now.replace(name.as_str(), ERASED));
            }
        }
        changed
    }
}

/// Who stands in the place of somebody who was taken out, in the rows of others: somebody without a name, another one in each
/// conference.
fn nobody(conference: ConferenceId, id: ParticipantId) -> ParticipantId {
    let mut hasher = blake3::Hasher::new_derive_key("peerpress 2026 nobody");
    hasher.update(conference.0.as_bytes()).update(id.0.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    ParticipantId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// Takes people out of a conference: their visits with all that belongs to them; from the rows of others their id, their
/// addresses, what their browsers described, and their names in JSON. Whether there was anything.
fn erase(dossier: &mut Dossier, rules: &Rules, names: &Names) -> bool {
    let erased = |id: ParticipantId| rules.erased.has(id);
    let is_in = people_of_dossier(dossier).into_iter().any(erased);
    if !is_in {
        return false;
    }
    let conference = dossier.conference.id;
    let sessions: BTreeSet<SessionId> =
        dossier.sessions.iter().filter(|row| erased(row.participant_id)).map(|row| row.id).collect();
    let of_theirs = |row: &ConnectionRow| erased(row.participant_id) || sessions.contains(&row.session_id);
    let connections: BTreeSet<ConnectionId> =
        dossier.connections.iter().filter(|row| of_theirs(row)).map(|row| row.id).collect();
    let to_them: BTreeSet<ConnectionId> =
        dossier.connections.iter().filter(|row| erased(row.peer_id)).map(|row| row.id).collect();
    let is_theirs =
        |participant: Option<ParticipantId>, session: SessionId, connection: Option<ConnectionId>| {
            participant.is_some_and(erased)
                || sessions.contains(&session)
                || connection.is_some_and(|id| connections.contains(&id))
        };
    dossier.conference.participants.retain(|id| !erased(*id));
    dossier.sessions.retain(|row| !sessions.contains(&row.id));
    dossier.connections.retain(|row| !connections.contains(&row.id));
    dossier.tracks.retain(|row| !is_theirs(None, row.session_id, row.connection_id));
    dossier.issues.retain(|row| !is_theirs(row.participant_id, row.session_id, row.connection_id));
    dossier.events.retain(|row| !is_theirs(Some(row.participant_id), row.session_id, row.connection_id));
    dossier
        .samples
        .retain(|row| !is_theirs(Some(row.participant_id()), row.session_id(), row.connection_id()));

    let gone = |id: ParticipantId| if erased(id) { nobody(conference, id) } else { id };
    let text = |json: &mut Option<Json>, withheld: &[&str]| {
        if let Some(Json(text)) = json {
            let change = |text: &str| {
                let is_id = rules.erased.has_id(text);
                if is_id { Some(ERASED.to_owned()) } else { names.erased(text) }
            };
            match json::changed(text, &|name| withheld.contains(&name), &change) {
                Ok(None) => {}
                Ok(Some(changed)) => *text = changed,
                Err(json::Invalid) => text.clear(),
            }
        }
    };
    let room = &mut dossier.conference;
    text(&mut room.conference_info, &[]);
    room.summary_data = room.summary_data.take().and_then(|data| without_polls(&data, &erased, &gone));
    text(&mut room.summary_data, &[]);
    for row in &mut dossier.sessions {
        for json in
            [&mut row.devices, &mut row.platform, &mut row.metadata, &mut row.geo_ip, &mut row.session_info]
        {
            text(json, &[]);
        }
    }
    for row in &mut dossier.connections {
        row.peer_id = gone(row.peer_id);
        text(&mut row.connection_info, &[]);
    }
    for row in &mut dossier.tracks {
        text(&mut row.track_info, &[]);
    }
    for row in &mut dossier.issues {
        text(&mut row.data, &[]);
    }
    for row in &mut dossier.events {
        let of_them =
            row.peer_id.is_some_and(erased) || row.connection_id.is_some_and(|id| to_them.contains(&id));
        row.peer_id = row.peer_id.map(gone);
        // What the other side described, and what it is called.
        text(&mut row.data, if of_them { &["remoteDescription", "options"] } else { &[] });
    }
    dossier.samples.edit(|row| {
        if row.peer_id.is_some_and(erased) || row.connection_id.is_some_and(|id| to_them.contains(&id)) {
            row.remote_address = None;
        }
        row.peer_id = row.peer_id.map(gone);
        text(&mut row.remote, &[]);
        true
    });
    true
}

fn people_of_dossier(dossier: &Dossier) -> BTreeSet<ParticipantId> {
    let linked = dossier.conference.participants.iter().copied();
    let of_samples =
        dossier.samples.iter().flat_map(|row| [Some(row.participant_id()), row.peer_id()]).flatten();
    linked
        .chain(dossier.sessions.iter().map(|row| row.participant_id))
        .chain(dossier.connections.iter().flat_map(|row| [row.participant_id, row.peer_id]))
        .chain(dossier.issues.iter().filter_map(|row| row.participant_id))
        .chain(dossier.events.iter().flat_map(|row| [Some(row.participant_id), row.peer_id]).flatten())
        .chain(of_samples)
        .collect()
}

/// A stored summary without somebody's polls, and with nobody in their place in those of others. None if it cannot be read.
fn without_polls(
    data: &Json,
    erased: &dyn Fn(ParticipantId) -> bool,
    gone: &dyn Fn(ParticipantId) -> ParticipantId,
) -> Option<Json> {
    #[derive(Deserialize)]
    struct Poll {
        #[serde(default)]
        participant: Option<Uuid>,
    }
    let polls: Vec<&RawValue> = serde_json::from_str(&data.0).ok()?;
    let mut left: Vec<String> = Vec::new();
    for poll in polls {
        let Ok(Poll { participant }) = serde_json::from_str(poll.get()) else { return None };
        if participant.is_some_and(|id| erased(ParticipantId(id))) {
            continue;
        }
        let renamed = |text: &str| {
            let id = ParticipantId(Uuid::try_parse(text).ok()?);
            erased(id).then(|| gone(id).to_string())
        };
        let renamed = json::changed(poll.get(), &|_| false, &renamed).ok()?;
        left.push(renamed.unwrap_or_else(|| poll.get().to_owned()));
    }
    Some(Json(format!("[{}]", left.join(","))))
}

/// Takes visits that began before an instant out of a conference, with all that belongs to them. Whether anything is left.
fn keep_since(dossier: &mut Dossier, cutoff: Timestamp) -> bool {
    if dossier.conference.created_at >= cutoff {
        return true;
    }
    let old: BTreeSet<SessionId> =
        dossier.sessions.iter().filter(|row| row.created_at < cutoff).map(|row| row.id).collect();
    if old.len() == dossier.sessions.len() {
        return false;
    }
    let stays = |session: SessionId, at: Timestamp| !old.contains(&session) && at >= cutoff;
    dossier.sessions.retain(|row| !old.contains(&row.id));
    dossier.connections.retain(|row| !old.contains(&row.session_id));
    dossier.tracks.retain(|row| !old.contains(&row.session_id));
    dossier.issues.retain(|row| stays(row.session_id, row.created_at));
    dossier.events.retain(|row| stays(row.session_id, row.created_at));
    dossier.samples.retain(|row| stays(row.session_id(), row.created_at()));
    let mut left: BTreeSet<ParticipantId> = dossier.sessions.iter().map(|row| row.participant_id).collect();
    left.extend(dossier.connections.iter().map(|row| row.peer_id));
    let room = &mut dossier.conference;
    room.participants.retain(|id| left.contains(id));
    // It has polls of all visits; those of the ones that stay are samples.
    room.summary_data = None;
    for at in [&mut room.start_time, &mut room.call_start, &mut room.end_time] {
        *at = at.filter(|at| *at >= cutoff);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{EventId, IssueId};

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_micros(hour * 3_600_000_000)
    }

    fn session(number: u128, participant: u128, hour: i64) -> SessionRow {
        SessionRow {
            id: SessionId(id(number)),
            participant_id: ParticipantId(id(participant)),
            created_at: at(hour),
            ..SessionRow::default()
        }
    }

    fn event(session: u128, participant: u128, hour: i64, data: &str) -> EventRow {
        EventRow {
            id: EventId(id(session * 100 + u128::from(hour.unsigned_abs()))),
            session_id: SessionId(id(session)),
            participant_id: ParticipantId(id(participant)),
            created_at: at(hour),
            data: Some(Json(data.to_owned())),
            ..EventRow::default()
        }
    }

    #[test]
    fn a_list_of_the_erased_that_is_not_as_it_was_written_is_refused() {
        let mut erased = Erased::default();
        for id in 1..4 {
            erased.add(ParticipantId(Uuid::from_u128(id)));
        }
        let text = erased.to_json().unwrap();
        assert_eq!(Erased::parse(&text), Ok(erased.clone()));
        for at in 0..text.len() {
            assert!(Erased::parse(&text[..at]).is_err(), "cut at {at}");
            let mut flipped = text.clone();
            flipped[at] ^= 1 << (at % 7);
            // What is not of the list, such as a space, may be another.
            assert!(
                Erased::parse(&flipped).is_ok_and(|found| found == erased)
                    || Erased::parse(&flipped).is_err()
            );
        }
        let without = String::from_utf8(text).unwrap().replacen(
            &Erased::digest(ParticipantId(Uuid::from_u128(2))),
            "",
            1,
        );
        assert!(Erased::parse(without.as_bytes()).is_err(), "somebody is missing");
    }

    #[test]
    fn a_room_that_is_still_used_keeps_the_visits_that_are_young_enough() {
        let room = ConferenceRow {
            created_at: at(0),
            start_time: Some(at(1)),
            end_time: Some(at(60)),
            participants: vec![ParticipantId(id(1)), ParticipantId(id(2)), ParticipantId(id(3))],
            summary_data: Some(Json("[]".to_owned())),
            ..ConferenceRow::default()
        };
        let connection = |session: u128, peer: u128| ConnectionRow {
            session_id: SessionId(id(session)),
            peer_id: ParticipantId(id(peer)),
            ..ConnectionRow::default()
        };
        let mut dossier = Dossier {
            conference: room,
            sessions: vec![session(11, 1, 1), session(12, 2, 50)],
            connections: vec![connection(11, 2), connection(12, 3)],
            // One of an old visit that went on, one whose clock was wrong.
            events: vec![event(11, 1, 49, "1"), event(12, 2, 51, "2"), event(12, 2, 3, "3")],
            issues: vec![IssueRow {
                id: IssueId(id(9)),
                session_id: SessionId(id(11)),
                created_at: at(51),
                ..IssueRow::default()
            }],
            ..Dossier::default()
        };
        assert!(keep_since(&mut dossier, at(48)));
        assert_eq!(counts(&dossier), [1, 1, 1, 0, 0, 1, 0]);
        assert_eq!(dossier.events[0].data, Some(Json("2".to_owned())));
        assert_eq!(dossier.conference.participants, [ParticipantId(id(2)), ParticipantId(id(3))]);
        assert_eq!((dossier.conference.start_time, dossier.conference.end_time), (None, Some(at(60))));
        assert_eq!(dossier.conference.summary_data, None);
        assert!(!keep_since(&mut dossier, at(70)), "all of it is old");
    }

    #[test]
    fn what_others_said_of_somebody_goes_too() {
        let mut erased = Erased::default();
        let them = ParticipantId(id(1));
        assert!(erased.add(them) && !erased.add(them));
        assert!(!serde_json::to_string(&erased).unwrap().contains(&them.to_string()));
        let row = |name: &str, given: &str| ParticipantRow {
            id: them,
            participant_name: Some(name.to_owned()),
            participant_id: Some(given.to_owned()),
            ..ParticipantRow::default()
        };
        let names = Names::of(&[row("Ana", "user-ana-7")], &erased);
        let data = r#"{"to":"user-ana-7 of x","name":"Ana","other":"Anatol","remoteDescription":{"sdp":"v=0"},"state":"stable"}"#;
        let mut to_them = event(12, 2, 1, data);
        to_them.peer_id = Some(them);
        let mut dossier = Dossier {
            conference: ConferenceRow {
                summary_data: Some(Json(format!(
                    r#"[{{"participant":"{0}","x":1}},{{"participant":"{1}","peer":"{0}","x":1e400}}]"#,
                    them,
                    id(2)
                ))),
                ..ConferenceRow::default()
            },
            sessions: vec![session(11, 1, 1), session(12, 2, 1)],
            events: vec![event(11, 1, 1, "1"), to_them, event(12, 2, 2, "{broken")],
            ..Dossier::default()
        };
        assert!(erase(&mut dossier, &Rules { erased, retention_days: None }, &names));
        assert_eq!((dossier.sessions.len(), dossier.events.len()), (1, 2));
        let left = dossier.events[0].data.clone().unwrap().0;
        assert_eq!(
            left,
            r#"{"to":"(erased) of x","name":"(erased)","other":"Anatol","remoteDescription":null,"state":"stable"}"#
        );
        assert_eq!(dossier.events[1].data, Some(Json(String::new())));
        let nobody = dossier.events[0].peer_id.unwrap();
        assert!(nobody != them);
        let summary = dossier.conference.summary_data.unwrap().0;
        assert_eq!(summary, format!(r#"[{{"participant":"{}","peer":"{nobody}","x":1e400}}]"#, id(2)));
    }
}
