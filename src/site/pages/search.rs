//! Search without script: a directory of apps, months and participants.

use serde::Serialize;

use super::Link;
use crate::site::Route;
use crate::site::chrome::Content;

/// The directory.
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
    /// Its monthly lists, newest first.
    pub months: Vec<(Link, usize)>,
    /// Its participants, by name.
    pub participants: Vec<Person>,
}

/// A participant in the directory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Person {
    /// The participant.
    pub link: Link,
    /// The customer's id, where the name is shown.
    pub given_id: Option<String>,
}

impl Content for SearchPage {
    const KIND: &'static str = "search";
    const TEMPLATE: &'static str = "pages/search.html";

    fn title(&self) -> String {
        "Search".to_owned()
    }

    fn description(&self) -> String {
        "A directory of apps, conferences by month, and participants.".to_owned()
    }

    fn trail(&self) -> Vec<(String, Route)> {
        Vec::new()
    }
}
