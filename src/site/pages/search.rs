//! Search: results by a script, and without one what leads to the directory of each app.

use serde::Serialize;

use super::Link;
use super::directory::Parts;
use crate::ids::AppId;
use crate::site::Route;
use crate::site::chrome::Content;
use crate::site::routes::{Listed, Section};

/// The page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchPage {
    /// One per app, by name.
    pub apps: Vec<Entry>,
}

/// An app's part of the directory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// The app.
    pub app: Link,
    /// Its organization.
    pub organization: String,
    /// Its conferences by date: the monthly lists, newest first.
    pub months: Vec<(Link, usize)>,
    /// Its conferences by name.
    pub conferences: Directory,
    /// Its participants by name, and by the month in which they were first seen.
    pub participants: Directory,
}

/// Where a directory begins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Directory {
    /// Its first page, which has all of it or leads to all letters.
    pub all: Link,
    /// Entries.
    pub total: usize,
    /// By first letter; none where it is one page.
    pub letters: Vec<(Link, usize)>,
    /// By month, newest first.
    pub months: Vec<(Link, usize)>,
}

impl Directory {
    /// From what the directory of an app consists of.
    pub fn new(app: AppId, listed: Listed, parts: &Parts) -> Self {
        let link = |section: &Section| {
            Link::to(section.label(), &Route::Directory(app, listed, section.clone(), 1), &Route::Search)
        };
        let links =
            |list: &[(Section, usize)]| list.iter().map(|(section, count)| (link(section), *count)).collect();
        Self {
            all: link(&Section::All),
            total: parts.total,
            letters: links(&parts.letters),
            months: links(&parts.months),
        }
    }
}

impl Content for SearchPage {
    const KIND: &'static str = "search";
    const TEMPLATE: &'static str = "pages/search.html";

    fn title(&self) -> String {
        "Search".to_owned()
    }

    fn description(&self) -> String {
        "Conferences and participants of every app, by name, id and date.".to_owned()
    }
}
