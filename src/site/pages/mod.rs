//! The pages as data: one struct per page kind, in a file of the same name as its template.

pub mod app;
pub mod conference;
pub mod data;
pub mod data_quality;
pub mod directory;
pub mod index;
pub mod methods;
pub mod month;
pub mod not_found;
pub mod organization;
pub mod participant;
pub mod period;
pub mod periods;
pub mod search;

use serde::Serialize;

use super::Route;
use crate::metrics::call_score;
use crate::report::{Class, ConferenceFacts, NoData, Person, words};
use crate::units::Timestamp;

/// A link to another page.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Link {
    /// Its text.
    pub label: String,
    /// Relative URL; none where there is no such page.
    pub href: Option<String>,
}

impl Link {
    /// A link to a page, as the page at `from` writes it.
    pub fn to(label: impl Into<String>, route: &Route, from: &Route) -> Self {
        Self { label: label.into(), href: Some(route.href_from(from)) }
    }

    /// A link to a participant, who may have no page.
    pub fn person(person: &Person, from: &Route) -> Self {
        let href = person.has_page.then(|| Route::Participant(person.id).href_from(from));
        Self { label: person.label.clone(), href }
    }
}

/// A value, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Known<T> {
    /// The value.
    pub value: Option<T>,
    /// Why there is none.
    pub reason: Option<&'static str>,
}

impl<T> Known<T> {
    /// From a result of the report.
    pub fn of(result: Result<T, NoData>) -> Self {
        match result {
            Ok(value) => Self { value: Some(value), reason: None },
            Err(reason) => Self { value: None, reason: Some(reason.reason()) },
        }
    }
}

/// What to call a conference: its name, else the id that the customer gave, else the row's.
pub fn conference_label(facts: &ConferenceFacts) -> String {
    let named = [facts.row.conference_name.as_deref(), Some(facts.row.conference_id.as_str())];
    let label = named.into_iter().flatten().find(|text| !text.trim().is_empty());
    label.map_or_else(|| facts.row.id.to_string(), str::to_owned)
}

/// One row of a list of conferences.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConferenceItem {
    /// The conference.
    pub link: Link,
    /// Where links to its day lead, on the first row of the day.
    pub anchor: Option<String>,
    /// The id that the customer gave.
    pub conference_id: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Seconds with connections, as stored.
    pub duration: i64,
    /// Whether it goes on.
    pub ongoing: bool,
    /// Participants as the API counts.
    pub participants: usize,
    /// Calls of the room.
    pub calls: usize,
    /// Its class by all its issues.
    pub class: Class,
    /// Score of the last call that has one, 0 to 100.
    pub score: Known<f64>,
    /// `good`, `fair` or `poor`.
    pub band: Option<&'static str>,
    /// Issues, most frequent first: title and number.
    pub issues: Vec<(String, usize)>,
}

/// One row of a list of conferences, as the page at `from` writes it.
pub fn conference_item(facts: &ConferenceFacts, from: &Route) -> ConferenceItem {
    let mut issues: Vec<(String, usize)> =
        facts.issues.iter().map(|(code, count)| (words::issue_title(code).to_owned(), *count)).collect();
    issues.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    ConferenceItem {
        link: Link::to(conference_label(facts), &Route::Conference(facts.row.id), from),
        anchor: None,
        conference_id: facts.row.conference_id.clone(),
        created_at: facts.row.created_at,
        duration: facts.row.duration,
        ongoing: facts.row.ongoing,
        participants: facts.participants_count,
        calls: facts.calls,
        class: facts.class,
        score: Known::of(facts.score.map(f64::round)),
        band: facts.score.ok().map(call_score::band),
        issues,
    }
}
