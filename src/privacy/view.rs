//! The rows of a snapshot as a site may show them: of one tenant, if it is of one, and with the profile at work on each.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::OfConference;
use super::{Hidden, Privacy, Scrub};
use crate::ids::{AppId, ConferenceId, OrganizationId, ParticipantId};
use crate::snapshot::{ConferenceRow, Dossier, Dossiers, Globals, Part, Snapshot, SnapshotError};
use crate::units::Timestamp;

/// Whose calls a site is of; everybody's by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    /// An organization, by id or name.
    pub organization: Option<String>,
    /// An app, by id or name.
    pub app: Option<String>,
}

impl Only {
    /// Whether it leaves nobody out.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

/// Why there is no view.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The snapshot could not be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// No organization or app is called so, or several are.
    #[error("{found} {kind} in the snapshot with the id or name {wanted:?}\nhint: {hint}")]
    Tenant {
        /// What was looked for.
        kind: &'static str,
        /// How it was called.
        wanted: String,
        /// How many there are.
        found: String,
        /// What to do.
        hint: String,
    },
}

/// A snapshot as it is published. Whoever makes a site has its rows from here.
pub struct View<'a> {
    snapshot: &'a Snapshot,
    privacy: &'a Privacy,
    tenant: Option<Tenant>,
}

impl<'a> View<'a> {
    /// Of a snapshot.
    pub fn new(snapshot: &'a Snapshot, privacy: &'a Privacy, only: &Only) -> Result<Self, ViewError> {
        let tenant = if only.is_all() { None } else { Some(Tenant::find(&snapshot.globals()?, only)?) };
        Ok(Self { snapshot, privacy, tenant })
    }

    /// The instant of the snapshot.
    pub fn instant(&self) -> Timestamp {
        self.snapshot.instant()
    }

    /// Its parts. What they say of themselves is of all rows, shown or not: keys may depend on it, pages may not.
    pub fn parts(&self) -> &'a [Part] {
        self.snapshot.parts()
    }

    /// Rows per table, of everybody; `None` in a site of one tenant.
    pub fn rows(&self) -> Option<&'a BTreeMap<String, u64>> {
        self.tenant.is_none().then(|| &self.snapshot.manifest().rows)
    }

    /// Which database it is of; not told in a public site, nor in one of a tenant.
    pub fn database(&self) -> Option<&'a str> {
        let is_told = self.tenant.is_none() && !matches!(self.privacy, Privacy::Public(_));
        is_told.then(|| self.snapshot.manifest().database.as_str())
    }

    /// The tables that are not partitioned, by id.
    pub fn globals(&self) -> Result<Globals, SnapshotError> {
        let mut globals = self.snapshot.globals()?;
        if let Some(tenant) = &self.tenant {
            globals.organizations.retain(|row| tenant.organizations.contains(&row.id));
            globals.apps.retain(|row| tenant.apps.contains(&row.id));
            globals.participants.retain(|row| tenant.participants.contains(&row.id));
        }
        let mut scrub = Scrub::new(self.privacy);
        globals.organizations.iter_mut().for_each(|row| row.hide(&mut scrub));
        globals.apps.iter_mut().for_each(|row| row.hide(&mut scrub));
        globals.participants.iter_mut().for_each(|row| row.hide(&mut scrub));
        globals.organizations.sort_by_key(|row| row.id);
        globals.apps.sort_by_key(|row| row.id);
        globals.participants.sort_by_key(|row| row.id);
        Ok(globals)
    }

    /// The conferences of a part, one after the other, each with all its rows.
    pub fn dossiers(&self, part: &Part) -> Result<Views<'_>, SnapshotError> {
        Ok(Views { view: self, dossiers: self.snapshot.dossiers(part)? })
    }

    /// The rows that a part has of one table. `leave_out` takes out of each what is not asked for, which then need not be looked through.
    pub fn table<R: OfConference>(
        &self,
        part: &Part,
        leave_out: impl Fn(&mut R),
    ) -> Result<Vec<R>, SnapshotError> {
        let mut rows = self.snapshot.table::<R>(part)?;
        if let Some(tenant) = &self.tenant {
            let conferences = self.snapshot.table::<ConferenceRow>(part)?;
            let own: BTreeSet<ConferenceId> = conferences
                .iter()
                .filter(|row| tenant.apps.contains(&row.app_id))
                .map(|row| row.id)
                .collect();
            rows.retain_mut(|row| own.contains(&row.conference()) && row.is_among(&|id| tenant.knows(id)));
        }
        let mut scrub = Scrub::new(self.privacy);
        for row in &mut rows {
            leave_out(row);
            row.hide(&mut scrub);
        }
        Ok(rows)
    }

    /// A conference as it is shown; `None` if it is another tenant's.
    fn shown(&self, mut dossier: Dossier) -> Option<Dossier> {
        if let Some(tenant) = &self.tenant {
            tenant.narrow(&mut dossier)?;
        }
        if *self.privacy == Privacy::Full {
            return Some(dossier);
        }
        let mut scrub = Scrub::new(self.privacy);
        dossier.conference.hide(&mut scrub);
        dossier.sessions.iter_mut().for_each(|row| row.hide(&mut scrub));
        dossier.connections.iter_mut().for_each(|row| row.hide(&mut scrub));
        dossier.tracks.iter_mut().for_each(|row| row.hide(&mut scrub));
        dossier.issues.iter_mut().for_each(|row| row.hide(&mut scrub));
        dossier.events.iter_mut().for_each(|row| row.hide(&mut scrub));
        match self.privacy {
            // Numbers and the ids of events stay.
            Privacy::Full | Privacy::Internal => dossier.samples.change_texts(|row| row.hide(&mut scrub)),
            Privacy::Public(_) => dossier.samples.edit(|row| {
                row.hide(&mut scrub);
                true
            }),
        }
        if scrub.public().is_some() {
            // Pseudonyms have another order than the ids; a dossier is by time, then id.
            dossier.sessions.sort_by_key(OfConference::order);
            dossier.connections.sort_by_key(OfConference::order);
            dossier.tracks.sort_by_key(OfConference::order);
            dossier.issues.sort_by_key(OfConference::order);
            dossier.events.sort_by_cached_key(OfConference::order);
            dossier.samples.sort_by_cached_key(|row| (row.created_at(), row.event_id(), row.place()));
        }
        Some(dossier)
    }
}

/// The conferences of a part as they are shown. After an error there are no more.
pub struct Views<'a> {
    view: &'a View<'a>,
    dossiers: Dossiers,
}

impl Iterator for Views<'_> {
    type Item = Result<Dossier, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.dossiers.next()? {
                Ok(dossier) => {
                    if let Some(shown) = self.view.shown(dossier) {
                        return Some(Ok(shown));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Who is in a site of one tenant, by the snapshot's own ids.
struct Tenant {
    organizations: BTreeSet<OrganizationId>,
    apps: BTreeSet<AppId>,
    participants: BTreeSet<ParticipantId>,
}

impl Tenant {
    fn find(globals: &Globals, only: &Only) -> Result<Self, ViewError> {
        let organizations: BTreeSet<OrganizationId> = match &only.organization {
            Some(wanted) => {
                let all = globals.organizations.iter().map(|row| (row.id, row.id.to_string(), &row.name));
                BTreeSet::from([one_of("organization", wanted, all)?])
            }
            None => globals.organizations.iter().map(|row| row.id).collect(),
        };
        let mut apps = globals.apps.iter().filter(|row| organizations.contains(&row.organization_id));
        let (own, apps) = match &only.app {
            Some(wanted) => {
                let all = apps.clone().map(|row| (row.id, row.id.to_string(), &row.name));
                let id = one_of("app", wanted, all)?;
                let of = apps.find(|row| row.id == id).map(|row| row.organization_id);
                (of.into_iter().collect(), BTreeSet::from([id]))
            }
            None => (organizations.clone(), apps.map(|row| row.id).collect::<BTreeSet<_>>()),
        };
        let participants = globals.participants.iter().filter(|row| apps.contains(&row.app_id));
        Ok(Self { organizations: own, participants: participants.map(|row| row.id).collect(), apps })
    }

    fn knows(&self, id: ParticipantId) -> bool {
        self.participants.contains(&id)
    }

    /// Takes out of a conference what is of other tenants' people, which only a damaged database has; `None` if all of it is
    /// another tenant's.
    fn narrow(&self, dossier: &mut Dossier) -> Option<()> {
        if !self.apps.contains(&dossier.conference.app_id) {
            return None;
        }
        let known = |id| self.knows(id);
        let before = dossier.sessions.len() + dossier.samples.len() + dossier.conference.participants.len();
        dossier.conference.is_among(&known);
        dossier.sessions.retain_mut(|row| row.is_among(&known));
        dossier.connections.retain_mut(|row| row.is_among(&known));
        dossier.issues.retain_mut(|row| row.is_among(&known));
        dossier.events.retain_mut(|row| row.is_among(&known));
        let app = dossier.conference.app_id;
        dossier.samples.edit(|row| {
            row.app_id = app;
            row.is_among(&known)
        });
        let sessions: BTreeSet<_> = dossier.sessions.iter().map(|row| row.id).collect();
        dossier.tracks.retain(|row| sessions.contains(&row.session_id));
        if dossier.sessions.len() + dossier.samples.len() + dossier.conference.participants.len() < before {
            // It has the polls of all.
            dossier.conference.summary_data = None;
        }
        dossier.events.iter_mut().for_each(|row| row.app_id = app);
        Some(())
    }
}

/// The one with an id or a name.
fn one_of<'n, T: Copy>(
    kind: &'static str,
    wanted: &str,
    all: impl Iterator<Item = (T, String, &'n String)>,
) -> Result<T, ViewError> {
    let all: Vec<_> = all.collect();
    if let Some((id, ..)) = all.iter().find(|(_, id, _)| *id == wanted.to_ascii_lowercase()) {
        return Ok(*id);
    }
    let named: Vec<_> = all.iter().filter(|(_, _, name)| name.as_str() == wanted).collect();
    match named.as_slice() {
        [(id, ..)] => Ok(*id),
        [] => {
            let names: Vec<&str> = all.iter().take(5).map(|(_, _, name)| name.as_str()).collect();
            let more = if all.len() > names.len() { " …" } else { "" };
            let hint = format!("there are: {}{more}", names.join(", "));
            Err(ViewError::Tenant { kind, wanted: wanted.to_owned(), found: "there is no".to_owned(), hint })
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|(_, id, _)| id.as_str()).collect();
            let found = format!("there are {} times an", several.len());
            let hint = format!("give one by its id: {}", ids.join(", "));
            Err(ViewError::Tenant { kind, wanted: wanted.to_owned(), found, hint })
        }
    }
}
