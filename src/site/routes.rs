//! Every path of the site, and the relative URLs between them. The only place that makes either.

use crate::ids::{AppId, ConferenceId, OrganizationId, ParticipantId};

/// A file of the site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// All organizations.
    Index,
    /// An organization.
    Organization(OrganizationId),
    /// An app's dashboard.
    App(AppId),
    /// The facts of an app for the filters of its dashboard: a script.
    AppFacts(AppId),
    /// An app's conferences of one month, `2026-11`.
    AppMonth(AppId, String),
    /// A conference, with its last call.
    Conference(ConferenceId),
    /// Another call of a conference, by its number from 1.
    Call(ConferenceId, usize),
    /// A further part of the event log of a call, both by their numbers.
    CallEvents(ConferenceId, usize, usize),
    /// A participant.
    Participant(ParticipantId),
    /// Search and directory.
    Search,
    /// The findings.
    DataQuality,
    /// How everything is measured.
    Methods,
    /// What a host shows for a path that is not there.
    NotFound,
    /// What robots may read.
    Robots,
    /// All pages, for robots.
    Sitemap,
    /// The static API: a conference.
    ApiConference(ConferenceId),
    /// The static API: a participant.
    ApiParticipant(ParticipantId),
    /// The static API: an app.
    ApiApp(AppId),
    /// The static API: the facts of an app's conferences of one month.
    ApiAppMonth(AppId, String),
    /// The static API: an organization.
    ApiOrganization(OrganizationId),
    /// The static API: the instant and the versions.
    ApiMeta,
    /// The static API: its JSON Schema.
    ApiSchema,
    /// A file under `assets/`, by its published name.
    Asset(String),
}

impl Route {
    /// The path below the site's root.
    pub fn path(&self) -> String {
        match self {
            Self::Index => "index.html".to_owned(),
            Self::Organization(id) => format!("organization/{id}.html"),
            Self::App(id) => format!("apps/{id}.html"),
            Self::AppFacts(id) => format!("apps/{id}/facts.js"),
            Self::AppMonth(id, month) => format!("apps/{id}/conferences/{month}.html"),
            Self::Conference(id) => format!("conference/{id}.html"),
            Self::Call(id, call) => format!("conference/{id}/call-{call}.html"),
            Self::CallEvents(id, call, part) => format!("conference/{id}/call-{call}-events-{part}.html"),
            Self::Participant(id) => format!("participant/{id}.html"),
            Self::Search => "search.html".to_owned(),
            Self::DataQuality => "data-quality.html".to_owned(),
            Self::Methods => "methods.html".to_owned(),
            Self::NotFound => "404.html".to_owned(),
            Self::Robots => "robots.txt".to_owned(),
            Self::Sitemap => "sitemap.xml".to_owned(),
            Self::ApiConference(id) => format!("api/v1/conferences/{id}.json"),
            Self::ApiParticipant(id) => format!("api/v1/participants/{id}.json"),
            Self::ApiApp(id) => format!("api/v1/apps/{id}.json"),
            Self::ApiAppMonth(id, month) => format!("api/v1/apps/{id}/conferences/{month}.json"),
            Self::ApiOrganization(id) => format!("api/v1/organizations/{id}.json"),
            Self::ApiMeta => "api/v1/meta.json".to_owned(),
            Self::ApiSchema => "api/v1/schema.json".to_owned(),
            Self::Asset(name) => format!("assets/{name}"),
        }
    }

    /// The way from this file's folder to the site's root: empty, `../`, `../../` …
    pub fn root(&self) -> String {
        "../".repeat(self.path().matches('/').count())
    }

    /// The relative URL of this file, as a page at `from` writes it.
    pub fn href_from(&self, from: &Self) -> String {
        format!("{}{}", from.root(), self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_relative_to_the_page_they_stand_on() {
        let conference = Route::Conference(ConferenceId::default());
        let month = Route::AppMonth(AppId::default(), "2026-11".to_owned());
        let nil = "00000000-0000-0000-0000-000000000000";
        assert_eq!(conference.href_from(&Route::Index), format!("conference/{nil}.html"));
        assert_eq!(conference.href_from(&month), format!("../../../conference/{nil}.html"));
        assert_eq!(Route::Index.href_from(&conference), "../index.html");
    }
}
