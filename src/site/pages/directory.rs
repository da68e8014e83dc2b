//! Search without script: the conferences or the participants of an app by name, cut into pages by first letter where there are
//! many; participants also by the month in which they were first seen. Conferences by month have lists of their own.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use super::Link;
use crate::ids::AppId;
use crate::site::Route;
use crate::site::chrome::Content;
use crate::site::routes::{Listed, Section};
use crate::site::words::words;
use crate::snapshot::{AppRow, OrganizationRow};
use crate::units::Timestamp;

/// Entries of a page.
pub const PER_PAGE: usize = 500;

/// A conference or a participant, as the directory lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Its page.
    pub route: Route,
    /// What its page is called.
    pub name: String,
    /// The customer's id, where the name is another.
    pub given_id: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether it is a media server.
    pub server: bool,
}

/// A page of a directory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DirectoryPage {
    /// `Conferences` or `Participants`.
    pub title: String,
    /// The app.
    pub app: Link,
    /// Entries of the whole directory.
    pub total: usize,
    /// Its parts by first letter; none where it is one page.
    pub letters: Vec<Part>,
    /// Its parts by month, newest first.
    pub months: Vec<Part>,
    /// The pages of this part, where it has several.
    pub pages: Vec<Part>,
    /// What is listed here.
    pub entries: Vec<Entry>,
    #[serde(skip)]
    trail: Vec<(String, Route)>,
}

/// A part of a directory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// Its page.
    pub link: Link,
    /// Its entries.
    pub count: usize,
    /// Whether it is the one that is shown.
    pub current: bool,
}

/// A line of the directory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The conference or participant.
    pub link: Link,
    /// The customer's id, where the name is another.
    pub given_id: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether it is a media server.
    pub server: bool,
}

/// A directory's parts: which there are, and how many entries each has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// By first letter; none where it is one page.
    pub letters: Vec<(Section, usize)>,
    /// By month, newest first.
    pub months: Vec<(Section, usize)>,
    /// Entries.
    pub total: usize,
}

impl Parts {
    /// Of some entries, in any order. Of participants there are parts by month, too.
    pub fn of(listed: Listed, listings: &[Listing]) -> Self {
        let mut counts = BTreeMap::<Section, usize>::new();
        for listing in listings {
            if listings.len() > PER_PAGE {
                *counts.entry(letter(&listing.name)).or_default() += 1;
            }
            if listed == Listed::Participants {
                *counts.entry(Section::Month(listing.created_at.day().month())).or_default() += 1;
            }
        }
        let (mut months, letters): (Vec<_>, Vec<_>) =
            counts.into_iter().partition(|(section, _)| matches!(section, Section::Month(_)));
        months.reverse();
        Self { letters, months, total: listings.len() }
    }

    /// All pages, in the order in which they are made.
    pub fn routes(&self, app: AppId, listed: Listed) -> Vec<Route> {
        let all = (Section::All, if self.letters.is_empty() { self.total } else { 0 });
        let sections = std::iter::once(&all).chain(&self.letters).chain(self.months.iter().rev());
        let pages = |(section, count): &(Section, usize)| {
            let section = section.clone();
            (1..=pages(*count)).map(move |page| Route::Directory(app, listed, section.clone(), page))
        };
        sections.flat_map(pages).collect()
    }
}

/// How many pages a list takes; one if it is empty.
fn pages(entries: usize) -> usize {
    entries.div_ceil(PER_PAGE).max(1)
}

/// All pages of the directory of an app's conferences or participants, whose parts are those of its entries.
pub fn directory(
    (app, organization): (&AppRow, &OrganizationRow),
    listed: Listed,
    parts: &Parts,
    mut listings: Vec<Listing>,
) -> Vec<(Route, DirectoryPage)> {
    // Those of one name newest first.
    listings.par_sort_by_cached_key(|listing| {
        (words(&listing.name).join(" "), std::cmp::Reverse(listing.created_at), listing.route.clone())
    });
    let total = listings.len();
    let mut lists: Vec<(Section, Vec<&Listing>)> = Vec::new();
    let all = total <= PER_PAGE;
    lists.push((Section::All, if all { listings.iter().collect() } else { Vec::new() }));
    let mut by_section = BTreeMap::<Section, Vec<&Listing>>::new();
    for listing in &listings {
        if !all {
            by_section.entry(letter(&listing.name)).or_default().push(listing);
        }
        if listed == Listed::Participants {
            by_section.entry(Section::Month(listing.created_at.day().month())).or_default().push(listing);
        }
    }
    for (section, mut list) in by_section {
        if matches!(section, Section::Month(_)) {
            list.sort_by_key(|listing| (std::cmp::Reverse(listing.created_at), listing.route.clone()));
        }
        lists.push((section, list));
    }
    let mut made = Vec::new();
    for (section, list) in lists {
        let pages = pages(list.len());
        for page in 1..=pages {
            let route = Route::Directory(app.id, listed, section.clone(), page);
            let to = |section: &Section, page| Route::Directory(app.id, listed, section.clone(), page);
            let part = |(of, count): &(Section, usize)| Part {
                link: Link::to(of.label(), &to(of, 1), &route),
                count: *count,
                current: *of == section,
            };
            let from = (page - 1) * PER_PAGE;
            let own = &list[from..(from + PER_PAGE).min(list.len())];
            let content = DirectoryPage {
                title: listed.title().to_owned()
                    + &section.suffix()
                    + &if pages > 1 { format!(", page {page}") } else { String::new() },
                app: Link::to(&app.name, &Route::App(app.id), &route),
                total,
                letters: parts.letters.iter().map(part).collect(),
                months: parts.months.iter().map(part).collect(),
                pages: (1..=pages)
                    .filter(|_| pages > 1)
                    .map(|other| Part {
                        link: Link::to(other.to_string(), &to(&section, other), &route),
                        count: PER_PAGE.min(list.len() - (other - 1) * PER_PAGE),
                        current: other == page,
                    })
                    .collect(),
                entries: own
                    .iter()
                    .map(|listing| Entry {
                        link: Link::to(&listing.name, &listing.route, &route),
                        given_id: listing.given_id.clone(),
                        created_at: listing.created_at,
                        server: listing.server,
                    })
                    .collect(),
                trail: vec![
                    ("Search".to_owned(), Route::Search),
                    (organization.name.clone(), Route::Organization(organization.id)),
                    (app.name.clone(), Route::App(app.id)),
                ],
            };
            made.push((route, content));
        }
    }
    made
}

/// Under which letter of the directory a name stands: by the first of its words, without diacritics.
fn letter(name: &str) -> Section {
    match words(name).first().and_then(|word| word.chars().next()) {
        Some(letter @ 'a'..='z') => Section::Letter(letter),
        Some('0'..='9') => Section::Digits,
        _ => Section::Others,
    }
}

impl Content for DirectoryPage {
    const KIND: &'static str = "directory";
    const TEMPLATE: &'static str = "pages/directory.html";

    fn title(&self) -> String {
        self.title.clone()
    }

    fn description(&self) -> String {
        format!("{} of {}, as a directory.", self.title, self.app.label)
    }

    fn trail(&self) -> Vec<(String, Route)> {
        self.trail.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ConferenceId;
    use crate::ids::ParticipantId;
    use uuid::Uuid;

    fn listing(id: u128, name: &str, day: &str) -> Listing {
        Listing {
            route: Route::Participant(ParticipantId::from(Uuid::from_u128(id))),
            name: name.to_owned(),
            given_id: None,
            created_at: Timestamp::parse(&format!("{day} 12:00:00")).unwrap(),
            server: false,
        }
    }

    fn made(listed: Listed, listings: Vec<Listing>) -> (Parts, Vec<(String, DirectoryPage)>) {
        let parts = Parts::of(listed, &listings);
        let of = (&AppRow::default(), &OrganizationRow::default());
        let pages = directory(of, listed, &parts, listings);
        let routes: Vec<Route> = pages.iter().map(|(route, _)| route.clone()).collect();
        assert_eq!(parts.routes(AppId::default(), listed), routes);
        (parts, pages.into_iter().map(|(route, page)| (route.path(), page)).collect())
    }

    fn path(name: &str) -> String {
        format!("search/{}/{name}.html", AppId::default())
    }

    #[test]
    fn a_few_participants_are_one_page_in_order_of_names_and_one_per_month() {
        let few = vec![
            listing(1, "Zoë", "2026-10-01"),
            listing(2, "Élodie", "2026-11-01"),
            listing(3, "emre", "2026-11-02"),
        ];
        let (_, pages) = made(Listed::Participants, few);
        let names = |page: &DirectoryPage| -> Vec<String> {
            page.entries.iter().map(|entry| entry.link.label.clone()).collect()
        };
        assert_eq!(pages[0].0, path("participants"));
        assert_eq!(names(&pages[0].1), ["Élodie", "emre", "Zoë"]);
        assert_eq!(pages[1].0, path("participants-2026-10"));
        assert_eq!(pages[2].0, path("participants-2026-11"));
        assert_eq!(names(&pages[2].1), ["emre", "Élodie"]);
        assert_eq!(pages.len(), 3);
    }

    #[test]
    fn many_conferences_are_parted_by_letter_and_a_full_letter_into_pages() {
        let mut many: Vec<Listing> = (0..1100).map(|id| listing(id, "Stand-up", "2026-11-01")).collect();
        many.extend([
            listing(2000, "7 up", "2026-11-01"),
            listing(2001, "朝会", "2026-11-01"),
            listing(2002, "!!!", "2026-11-01"),
        ]);
        many.push(Listing {
            route: Route::Conference(ConferenceId::default()),
            ..listing(0, "Été", "2026-11-01")
        });
        let (parts, pages) = made(Listed::Conferences, many);
        let paths: Vec<&str> = pages.iter().map(|(path, _)| path.as_str()).collect();
        let expected = [
            "conferences",
            "conferences-0",
            "conferences-e",
            "conferences-s",
            "conferences-s-2",
            "conferences-s-3",
            "conferences-other",
        ];
        assert_eq!(paths, expected.map(path));
        assert_eq!(
            pages.iter().map(|(_, page)| page.entries.len()).collect::<Vec<_>>(),
            [0, 1, 1, 500, 500, 100, 2]
        );
        assert_eq!(parts.total, 1104);
        // The first page leads to all letters, and each letter to its pages.
        assert_eq!(pages[0].1.letters.len(), 4);
        assert_eq!(pages[3].1.pages.len(), 3);
    }
}
