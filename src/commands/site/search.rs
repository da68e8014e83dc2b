//! The search: its page, the directory without script, and the index, of which a build makes the groups that changed.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::desk::Hasher;
use super::leavings::Brief;
use super::{Builder, Months, ONE};
use crate::ids::AppId;
use crate::site::Route;
use crate::site::pages::Link;
use crate::site::pages::directory::{self, Listing};
use crate::site::pages::search::{Directory, Entry, SearchPage};
use crate::site::routes::Listed;
use crate::site::search_index::{Group, Index, Item, Kind, file_of_starts};
use crate::snapshot::{AppRow, OrganizationRow};

impl Builder<'_> {
    /// The search page and the directory of each app. Gives the directory's routes.
    pub(super) fn directory(&self, all: &[Brief], months: &Months) -> anyhow::Result<Vec<Route>> {
        let mut routes = Vec::new();
        let mut entries = Vec::new();
        for app in self.world.apps.values() {
            let Some(organization) = self.world.organizations.get(&app.organization_id) else { continue };
            let mut list = |listed, listings: Vec<Listing>| -> anyhow::Result<Directory> {
                let parts = directory::Parts::of(listed, &listings);
                routes.extend(parts.routes(app.id, listed));
                self.listed((app, organization), listed, &parts, listings)?;
                Ok(Directory::new(app.id, listed, &parts))
            };
            let conferences = list(Listed::Conferences, conferences_of(all, app.id))?;
            let participants = list(Listed::Participants, self.participants_of(app.id))?;
            let month = |(month, count): (&String, &usize)| {
                (Link::to(month, &Route::AppMonth(app.id, month.clone()), &Route::Search), *count)
            };
            entries.push(Entry {
                app: Link::to(&app.name, &Route::App(app.id), &Route::Search),
                organization: organization.name.clone(),
                months: months.get(&app.id).into_iter().flatten().rev().map(month).collect(),
                conferences,
                participants,
            });
        }
        entries.sort_by(|a, b| (&a.app.label, &a.app.href).cmp(&(&b.app.label, &b.app.href)));
        self.in_unit("directory", None, |desk| desk.page(Route::Search, SearchPage { apps: entries }))?;
        Ok(routes)
    }

    /// The directory of an app's conferences or participants.
    fn listed(
        &self,
        of: (&AppRow, &OrganizationRow),
        listed: Listed,
        parts: &directory::Parts,
        listings: Vec<Listing>,
    ) -> anyhow::Result<()> {
        let (app, organization) = of;
        let mut key = Hasher::new("directory");
        key.add(self.base.as_bytes()).add(listed.title()).add(&app.id).add(&app.name);
        key.add(&organization.id).add(&organization.name).add(&listings.len());
        for Listing { route, name, given_id, created_at, server } in &listings {
            key.add(&(route.path(), name, given_id, created_at, server));
        }
        let name = format!("directory-{}-{}", app.id, listed.title().to_lowercase());
        self.in_unit(&name, Some(key.finish()), |desk| {
            let pages = directory::directory(of, listed, parts, listings);
            pages.into_par_iter().try_for_each(|(route, page)| desk.page(route, page))
        })
    }

    fn participants_of(&self, app: AppId) -> Vec<Listing> {
        let own = self.world.participants.values().filter(|row| row.is_active && row.app_id == app);
        own.map(|row| {
            let person = self.world.person(row.id);
            Listing {
                route: Route::Participant(row.id),
                given_id: person.given_id.filter(|given| *given != person.label),
                name: person.label,
                created_at: row.created_at,
                server: row.is_sfu,
            }
        })
        .collect()
    }

    /// The search index. Gives the files of the ledger that say where shelves begin.
    pub(super) fn search_index(&self, conferences: &[Brief]) -> anyhow::Result<Vec<PathBuf>> {
        let index = Index::new(self.items(conferences));
        let groups: Vec<(Vec<String>, Option<PathBuf>)> = index
            .groups()
            .par_iter()
            .with_max_len(ONE)
            .map(|group| self.search_group(&index, group))
            .collect::<anyhow::Result<_>>()?;
        let mut key = Hasher::new("words of the search");
        key.add(env!("CARGO_PKG_VERSION")).add(&index.digest_of_words());
        let key = key.finish();
        let words = OnceCell::new();
        let words = || words.get_or_init(|| index.files_of_words());
        let count = self.ledger.sums("search-words", &key, || Ok(words().count()))?;
        self.in_unit("search-words", Some(key), |desk| {
            let words = words();
            (0..words.count()).into_par_iter().try_for_each(|number| {
                let mut key = Hasher::new("file of words");
                key.add(env!("CARGO_PKG_VERSION")).add(&words.digest(number));
                let route = Route::SearchIndex(format!("w{number:x}"));
                desk.made(&key.finish(), &route, || words.file(number).script.into_bytes())
            })
        })?;
        let starts: Vec<String> = groups.iter().flat_map(|(starts, _)| starts.iter().cloned()).collect();
        let file = file_of_starts(&starts, count.read()?);
        self.in_unit("search", None, |desk| {
            desk.put(&Route::SearchIndex(file.name), file.script.into_bytes())
        })?;
        let paths = groups.into_iter().filter_map(|(_, path)| path);
        Ok(paths.chain(count.path().map(Path::to_owned)).collect())
    }

    /// The files of a group. Gives where its shelves begin, and the file of the ledger that says so.
    fn search_group(
        &self,
        index: &Index<'_>,
        group: &Group,
    ) -> anyhow::Result<(Vec<String>, Option<PathBuf>)> {
        let name = format!("search-{}", group.name());
        let mut key = Hasher::new("group of the search");
        key.add(env!("CARGO_PKG_VERSION")).add(group.digest());
        let key = key.finish();
        let arranged = OnceCell::new();
        let arranged = || arranged.get_or_init(|| index.arrange(group));
        let starts = self.ledger.sums(&name, &key, || Ok(arranged().starts().to_vec()))?;
        self.in_unit(&name, Some(key), |desk| {
            let arranged = arranged();
            arranged.files().try_for_each(|(name, digest)| {
                let mut key = Hasher::new("shelf or top");
                key.add(env!("CARGO_PKG_VERSION")).add(&digest);
                let route = Route::SearchIndex(name.to_owned());
                desk.made(&key.finish(), &route, || arranged.file(name).script.into_bytes())
            })
        })?;
        Ok((starts.read()?, starts.path().map(Path::to_owned)))
    }

    /// All that can be found.
    fn items<'a>(&'a self, conferences: &'a [Brief]) -> Vec<Item<'a>> {
        let world = &self.world;
        let app_name = |id| world.apps.get(&id).map_or("", |app| app.name.as_str());
        let organizations = world.organizations.values().map(|row| Item {
            kind: Kind::Organization,
            id: row.id.into(),
            name: row.name.as_str().into(),
            given_id: "".into(),
            created_at: row.created_at,
            place: "",
        });
        let apps = world.apps.values().map(|app| Item {
            kind: Kind::App,
            id: app.id.into(),
            name: app.name.as_str().into(),
            given_id: "".into(),
            created_at: app.created_at,
            place: world.organizations.get(&app.organization_id).map_or("", |row| row.name.as_str()),
        });
        let conferences = conferences.iter().map(|brief| Item {
            kind: Kind::Conference,
            id: brief.id.into(),
            name: brief.label.as_str().into(),
            given_id: Some(&*brief.given_id).filter(|given| *given != brief.label).unwrap_or_default().into(),
            created_at: brief.created_at,
            place: app_name(brief.app),
        });
        let participants = world.participants.values().filter(|row| row.is_active).map(|row| {
            let person = world.person(row.id);
            let given = person.given_id.filter(|given| *given != person.label);
            Item {
                kind: if row.is_sfu { Kind::Server } else { Kind::Participant },
                id: row.id.into(),
                name: person.label.into(),
                given_id: Cow::Owned(given.unwrap_or_default()),
                created_at: row.created_at,
                place: app_name(row.app_id),
            }
        });
        organizations.chain(apps).chain(conferences).chain(participants).collect()
    }
}

fn conferences_of(all: &[Brief], app: AppId) -> Vec<Listing> {
    let own = all.iter().filter(|brief| brief.app == app);
    own.map(|brief| Listing {
        route: Route::Conference(brief.id),
        given_id: Some(brief.given_id.clone()).filter(|given| *given != brief.label),
        name: brief.label.clone(),
        created_at: brief.created_at,
        server: false,
    })
    .collect()
}
