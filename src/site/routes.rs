//! Every path of the site, and the relative URLs between them. The only place that makes either.

use crate::ids::{AppId, ConferenceId, OrganizationId, ParticipantId};

/// What a report of a period is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportScope {
    /// All calls.
    Site,
    /// Those of an organization.
    Organization(OrganizationId),
    /// Those of an app.
    App(AppId),
}

impl ReportScope {
    /// The page of what the report is of.
    pub fn route(self) -> Route {
        match self {
            Self::Site => Route::Index,
            Self::Organization(id) => Route::Organization(id),
            Self::App(id) => Route::App(id),
        }
    }

    /// The folder of its pages: empty, or with a slash at its end.
    fn folder(self) -> String {
        match self {
            Self::Site => String::new(),
            Self::Organization(id) => format!("organization/{id}/"),
            Self::App(id) => format!("apps/{id}/"),
        }
    }

    /// Its folder in the static API, likewise.
    fn api_folder(self) -> String {
        match self {
            Self::Site => String::new(),
            Self::Organization(id) => format!("organizations/{id}/"),
            Self::App(id) => format!("apps/{id}/"),
        }
    }
}

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
    /// The report of a period, by its name: `2026-11-18`, `2026-W47`, `2026-11`, `2026`.
    Report(ReportScope, String),
    /// All reports of one scope.
    Reports(ReportScope),
    /// News of one scope as Atom.
    Feed(ReportScope),
    /// The same as JSON Feed.
    JsonFeed(ReportScope),
    /// Search and directory.
    Search,
    /// A page of the directory of an app, by its number from 1.
    Directory(AppId, Listed, Section, usize),
    /// A file of the search index, by its name.
    SearchIndex(String),
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
    /// The same as CSV.
    ApiAppMonthCsv(AppId, String),
    /// What was measured of a conference per interval, as CSV.
    ApiConferenceSeries(ConferenceId),
    /// A conference's events, as CSV.
    ApiConferenceEvents(ConferenceId),
    /// A participant's conferences, as CSV.
    ApiParticipantConferences(ParticipantId),
    /// The static API: an organization.
    ApiOrganization(OrganizationId),
    /// The static API: the report of a period.
    ApiReport(ReportScope, String),
    /// The static API: which reports there are.
    ApiReports(ReportScope),
    /// The static API: the instant and the versions.
    ApiMeta,
    /// The static API: its JSON Schema.
    ApiSchema,
    /// A conference's getStats reports, as Parquet.
    ConferenceSamples(ConferenceId),
    /// A conference's events, as Parquet.
    ConferenceEvents(ConferenceId),
    /// A conference's dump for viewers of webrtc-internals.
    ConferenceInternals(ConferenceId),
    /// A table of an app, by its name, as Parquet.
    AppTable(AppId, &'static str),
    /// A conference's score card, to embed.
    EmbedConference(ConferenceId),
    /// The same as a picture.
    EmbedConferencePicture(ConferenceId),
    /// An app's conferences by day, to embed.
    EmbedApp(AppId),
    /// The same as a picture.
    EmbedAppPicture(AppId),
    /// What there is to take away, and how to query it.
    Data,
    /// A file under `assets/`, by its published name.
    Asset(String),
}

/// What a directory lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listed {
    /// Conferences.
    Conferences,
    /// Participants.
    Participants,
}

impl Listed {
    /// As a heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Conferences => "Conferences",
            Self::Participants => "Participants",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Conferences => "conferences",
            Self::Participants => "participants",
        }
    }
}

/// A part of a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// All of it, or where it is parted what leads to the parts.
    All,
    /// Names that begin with a digit.
    Digits,
    /// Names that begin with a letter from a to z.
    Letter(char),
    /// All other names.
    Others,
    /// What was created in a month, `2026-11`.
    Month(String),
}

impl Section {
    /// As a link's text.
    pub fn label(&self) -> String {
        match self {
            Self::All => "All".to_owned(),
            Self::Digits => "0–9".to_owned(),
            Self::Letter(letter) => letter.to_ascii_uppercase().to_string(),
            Self::Others => "Others".to_owned(),
            Self::Month(month) => month.clone(),
        }
    }

    /// What a heading says of it.
    pub fn suffix(&self) -> String {
        match self {
            Self::All => " by name".to_owned(),
            Self::Others => ": other letters".to_owned(),
            Self::Month(month) => format!(" first seen in {month}"),
            Self::Digits | Self::Letter(_) => format!(": {}", self.label()),
        }
    }

    fn path(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Digits => Some("0".to_owned()),
            Self::Letter(letter) => Some(letter.to_string()),
            Self::Others => Some("other".to_owned()),
            Self::Month(month) => Some(month.clone()),
        }
    }
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
            Self::Report(scope, name) => format!("{}reports/{name}.html", scope.folder()),
            Self::Reports(scope) => format!("{}reports/index.html", scope.folder()),
            Self::Feed(scope) => format!("{}feed.xml", scope.folder()),
            Self::JsonFeed(scope) => format!("{}feed.json", scope.folder()),
            Self::Search => "search.html".to_owned(),
            Self::Directory(id, listed, section, page) => {
                let part = section.path().map(|part| format!("-{part}")).unwrap_or_default();
                let page = if *page > 1 { format!("-{page}") } else { String::new() };
                format!("search/{id}/{}{part}{page}.html", listed.path())
            }
            Self::SearchIndex(name) => format!("search/{name}.js"),
            Self::DataQuality => "data-quality.html".to_owned(),
            Self::Methods => "methods.html".to_owned(),
            Self::NotFound => "404.html".to_owned(),
            Self::Robots => "robots.txt".to_owned(),
            Self::Sitemap => "sitemap.xml".to_owned(),
            Self::ApiConference(id) => format!("api/v1/conferences/{id}.json"),
            Self::ApiParticipant(id) => format!("api/v1/participants/{id}.json"),
            Self::ApiApp(id) => format!("api/v1/apps/{id}.json"),
            Self::ApiAppMonth(id, month) => format!("api/v1/apps/{id}/conferences/{month}.json"),
            Self::ApiAppMonthCsv(id, month) => format!("api/v1/apps/{id}/conferences/{month}.csv"),
            Self::ApiConferenceSeries(id) => format!("api/v1/conferences/{id}/series.csv"),
            Self::ApiConferenceEvents(id) => format!("api/v1/conferences/{id}/events.csv"),
            Self::ApiParticipantConferences(id) => format!("api/v1/participants/{id}/conferences.csv"),
            Self::ApiOrganization(id) => format!("api/v1/organizations/{id}.json"),
            Self::ApiReport(scope, name) => format!("api/v1/{}reports/{name}.json", scope.api_folder()),
            Self::ApiReports(scope) => format!("api/v1/{}reports/index.json", scope.api_folder()),
            Self::ApiMeta => "api/v1/meta.json".to_owned(),
            Self::ApiSchema => "api/v1/schema.json".to_owned(),
            Self::ConferenceSamples(id) => format!("data/conferences/{id}/samples.parquet"),
            Self::ConferenceEvents(id) => format!("data/conferences/{id}/events.parquet"),
            Self::ConferenceInternals(id) => format!("data/conferences/{id}/webrtc-internals.json"),
            Self::AppTable(id, table) => format!("data/apps/{id}/{table}.parquet"),
            Self::EmbedConference(id) => format!("embed/conference/{id}.html"),
            Self::EmbedConferencePicture(id) => format!("embed/conference/{id}.svg"),
            Self::EmbedApp(id) => format!("embed/app/{id}.html"),
            Self::EmbedAppPicture(id) => format!("embed/app/{id}.svg"),
            Self::Data => "data.html".to_owned(),
            Self::Asset(name) => format!("assets/{name}"),
        }
    }

    /// The conference whose page, or one of whose calls' pages, has a path.
    pub fn conference_of(path: &str) -> Option<ConferenceId> {
        path.strip_prefix("conference/")?.split(['/', '.']).next()?.parse().ok()
    }

    /// The way from this file's folder to the site's root: empty, `../`, `../../` …
    pub fn root(&self) -> String {
        "../".repeat(self.path().matches('/').count())
    }

    /// The relative URL of this file, as a page at `from` writes it.
    pub fn href_from(&self, from: &Self) -> String {
        format!("{}{}", from.root(), self.path())
    }

    /// The relative URL of a call by its conference and number that stays the same when the room is used again: the page of
    /// the conference, at the call's line in the list of calls, if there is more than one.
    pub fn call_href_from(conference: ConferenceId, number: usize, from: &Self) -> String {
        format!("{}#call-{number}", Self::Conference(conference).href_from(from))
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

    #[test]
    fn the_pages_of_a_conference_name_it() {
        let id = ConferenceId(uuid::Uuid::from_u128(7));
        for route in [Route::Conference(id), Route::Call(id, 2), Route::CallEvents(id, 2, 3)] {
            assert_eq!(Route::conference_of(&route.path()), Some(id));
        }
        for path in
            [Route::EmbedConference(id).path().as_str(), "conference/", "conference/x.html", "index.html"]
        {
            assert_eq!(Route::conference_of(path), None, "{path}");
        }
    }

    #[test]
    fn reports_lie_in_the_folder_of_what_they_are_of() {
        let nil = "00000000-0000-0000-0000-000000000000";
        let name = || "2026-W47".to_owned();
        let app = ReportScope::App(AppId::default());
        let organization = ReportScope::Organization(OrganizationId::default());
        assert_eq!(Route::Report(ReportScope::Site, name()).path(), "reports/2026-W47.html");
        assert_eq!(Route::Report(app, name()).path(), format!("apps/{nil}/reports/2026-W47.html"));
        assert_eq!(Route::Reports(organization).path(), format!("organization/{nil}/reports/index.html"));
        assert_eq!(
            Route::ApiReport(organization, name()).path(),
            format!("api/v1/organizations/{nil}/reports/2026-W47.json")
        );
        assert_eq!(Route::Feed(app).path(), format!("apps/{nil}/feed.xml"));
        let from = Route::Report(app, name());
        assert_eq!(
            Route::call_href_from(ConferenceId::default(), 3, &from),
            format!("../../../conference/{nil}.html#call-3")
        );
    }
}
