//! `peerpress erase`: takes people out of the snapshot and the site, and sees to it that they stay out.

use anyhow::Context as _;
use serde::Serialize;

use super::build::{self, How, Last, Stages, Summary, digest_of};
use super::{Done, Session, Usage, locks, sealing, settings, snapshot};
use crate::cli;
use crate::ids::ParticipantId;
use crate::privacy::Key;
use crate::privacy::purge::{Purged, Rules, purge};
use crate::snapshot::{ParticipantRow, Snapshot};

/// What was done.
#[derive(Debug, Serialize)]
struct Erasure {
    /// The rows' ids of those who were erased; the database knows them by these.
    participants: Vec<ParticipantId>,
    /// What is gone from the snapshot.
    snapshot: Purged,
    /// What became of the site; none if there was none.
    site: Option<Summary>,
    /// The list by which later snapshots leave them out.
    list: String,
}

impl Erasure {
    fn text(&self) -> String {
        let ids: Vec<String> = self.participants.iter().map(ToString::to_string).collect();
        let mut text = format!(
            "erased {}\nsnapshot: {} gone; {} conferences changed, {} parts written anew\n",
            ids.join(", "),
            snapshot::rows(&self.snapshot),
            self.snapshot.conferences_changed,
            self.snapshot.parts_written
        );
        text.push_str(&match &self.site {
            Some(site) => format!(
                "site: {} files written, {} removed, in {}\n",
                site.written, site.removed, site.output
            ),
            None => "site: there is none\n".to_owned(),
        });
        text.push_str(&format!(
            "The database still has them. {} keeps them out of later snapshots; delete their rows in the database, or a snapshot \
             without that list brings them back. Copies of the site elsewhere, and mails, are as they were. Names of rooms and free texts \
             that describe a person in other words are not recognised.",
            self.list
        ));
        text
    }
}

/// Who is meant.
fn find(wanted: &str, people: &[ParticipantRow], key: Option<&Key>) -> Result<ParticipantId, Usage> {
    let given = || people.iter().filter(|row| row.participant_id.as_deref() == Some(wanted));
    if let Ok(id) = wanted.parse::<ParticipantId>()
        && people.iter().any(|row| row.id == id)
    {
        return Ok(id);
    }
    if let Some(row) = key.and_then(|key| people.iter().find(|row| key.is_participant(row.id, wanted))) {
        return Ok(row.id);
    }
    match given().map(|row| row.id).collect::<Vec<_>>().as_slice() {
        [id] => Ok(*id),
        // Somebody of the database who is not in this snapshot: they stay out of the next one.
        [] => wanted.parse().map_err(|_| {
            let hint = "give the id at the end of the address of the participant's page, or the one that the app gave";
            Usage(format!("nobody in the snapshot has the id {wanted:?}\nhint: {hint}"))
        }),
        several => {
            let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
            let problem = format!("{} participants of different apps have the id {wanted:?}", several.len());
            Err(Usage(format!("{problem}\nhint: name one of {}", ids.join(", "))))
        }
    }
}

/// Runs the command.
pub fn run(session: &Session, args: &cli::Erase) -> anyhow::Result<Done> {
    let mut stages = Stages::default();
    let folders = settings::folders(session, &args.site);
    let place = cli::SnapshotFolder { snapshot: args.snapshot.clone(), ..cli::SnapshotFolder::default() };
    let target = settings::snapshot_folder(session, &place);
    let _lock = locks::of_snapshot(session, &target)?;
    let lock = locks::of_site(session, &folders.state)?;
    let before = Snapshot::open(&target)?;
    let people = before.globals()?.participants;
    let key = settings::has_privacy_key(session, &args.site)
        .then(|| settings::privacy_key(session, &args.site))
        .transpose()?;
    let find = |wanted: &String| find(wanted, &people, key.as_ref());
    let participants = args.participant.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    for row in people.iter().filter(|row| !participants.contains(&row.id)) {
        let given = row.participant_id.as_deref().and_then(|given| given.parse().ok());
        if given.is_some_and(|given| participants.contains(&given)) {
            tracing::warn!(
                "the app gave {} the id of somebody who is erased: it may be the same person",
                row.id
            );
        }
    }
    let options = settings::site_options(session, &args.site)?;
    if sealing::is_sealed(&folders.state) && !settings::encrypt(session, &args.site) {
        return Err(
            Usage("the site is sealed\nhint: give erase --encrypt and its passphrase".to_owned()).into()
        );
    }
    let last = Last::open(&folders.state);
    // Whoever forgets --privacy public here would publish everything.
    let problem = match &last {
        Last::Known(last) if last.options != digest_of(&options) => Some(format!(
            "the site was built with other settings than these\n\
             hint: give erase what the last build was given; its profile was {}",
            last.profile.name()
        )),
        Last::Unknown => Some(
            "it is not known any more with which settings the site was built\n\
             hint: build it with the settings that it is to have, then erase with the same"
                .to_owned(),
        ),
        _ => None,
    };
    if let Some(problem) = problem {
        return Err(Usage(problem).into());
    }
    if matches!(&last, Last::Known(last) if last.signed)
        && settings::signing_key(session, &args.site).is_none()
    {
        let hint = "give erase the key, --sign KEY, or nobody can check the site any more";
        return Err(Usage(format!("the site is signed\nhint: {hint}")).into());
    }
    // The list first: whatever happens from here on, the next build goes on with it.
    let mut erased = settings::erased(&folders.state)?;
    for id in &participants {
        erased.add(*id);
    }
    let list = settings::keep_erased(&folders.state, &erased)?;
    let rules = Rules { erased, retention_days: None };
    // Those that the next one is put together of.
    for own in snapshot::of_databases(&target)? {
        purge(&own, &rules)?;
    }
    let (snapshot, purged) = purge(&target, &rules)?.unwrap_or((before, Purged::default()));
    stages.end("snapshot");
    let site = if folders.output.exists() {
        let how = How { lock: Some(&lock), ..How::default() };
        let summary = build::render_and_publish(session, &snapshot, &args.site, how, &mut stages)
            .context("they are gone from the snapshot, but the site still has them\nhint: build it again")?;
        Some(summary)
    } else {
        None
    };
    let erasure = Erasure { participants, snapshot: purged, site, list: list.display().to_string() };
    session.print(&erasure, &erasure.text())?;
    Ok(Done::Well)
}
