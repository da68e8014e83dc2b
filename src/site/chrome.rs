//! What every page has besides its own content: title, breadcrumbs, the way to the root, settings for scripts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Route;
use crate::privacy::Profile;

/// One step from the site's start to a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Crumb {
    /// Its text.
    pub label: String,
    /// Where it leads; none for the page itself.
    pub href: Option<String>,
}

/// What the report is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scope {
    /// `Data of 2026-11-18 to 2026-11-23 (UTC)`.
    pub label: String,
}

/// What of the data is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PrivacyNote {
    /// The profile's name.
    pub profile: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// Settings for the browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateVars {
    /// Where the static API lies, relative to the page.
    pub api_root: String,
    /// The way to the site's root.
    pub url_prefix: String,
    /// The kind of page.
    pub page: &'static str,
    /// The id of what the page is about, if it is about one thing.
    pub id: Option<String>,
    /// Whether the live rebuild is on: never in what is published.
    pub dev: bool,
}

/// Which files to take away are made besides the static API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Downloads {
    /// Parquet of each conference and app.
    pub parquet: bool,
    /// A dump for viewers of webrtc-internals of each conference.
    pub webrtc_internals: bool,
    /// Fragments to embed, of each conference and app.
    pub embed: bool,
}

impl Default for Downloads {
    fn default() -> Self {
        Self { parquet: true, webrtc_internals: true, embed: true }
    }
}

impl Downloads {
    /// Whether a file is made.
    pub fn has(self, route: &Route) -> bool {
        match route {
            Route::ConferenceSamples(_) | Route::ConferenceEvents(_) | Route::AppTable(..) => self.parquet,
            Route::ConferenceInternals(_) => self.webrtc_internals,
            Route::EmbedConference(_)
            | Route::EmbedConferencePicture(_)
            | Route::EmbedApp(_)
            | Route::EmbedAppPicture(_) => self.embed,
            _ => true,
        }
    }
}

/// A file that a page offers to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The file.
    pub route: Route,
    /// Its form: `CSV`, `JSON` …
    pub form: &'static str,
    /// What is in it.
    pub what: &'static str,
}

impl Offer {
    /// A file, its form, and what is in it.
    pub fn new(route: Route, form: &'static str, what: &'static str) -> Self {
        Self { route, form, what }
    }
}

/// The same, as the page writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfferLink {
    /// Relative URL.
    pub href: String,
    /// Its form.
    pub form: &'static str,
    /// What is in it.
    pub what: &'static str,
}

/// What other pages can embed of this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Embed {
    /// Absolute URL of a small page.
    pub page_url: String,
    /// Absolute URL of a picture.
    pub picture_url: String,
    /// Relative URL of the picture.
    pub picture_href: String,
    /// Absolute URL of this page.
    pub url: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Stands for the address of a site that does not know its own.
pub const EXAMPLE_URL: &str = "https://calls.example.org";

/// What the site as a whole has, the same for all its pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// What the report is of.
    pub scope: String,
    /// Published paths of assets below `assets/`, by their logical names.
    pub assets: BTreeMap<String, String>,
    /// Which files to take away are made.
    pub downloads: Downloads,
    /// Absolute URL of the site, if it is known.
    pub base_url: Option<String>,
    /// How private it is.
    pub profile: Profile,
}

/// A page: where it is, which template shows it, its chrome and its content.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page<C> {
    /// Where it is.
    #[serde(skip)]
    pub route: Route,
    /// The template's name.
    #[serde(skip)]
    pub template: &'static str,
    /// What the browser shows as the page's name.
    pub title: String,
    /// A sentence for search engines and previews.
    pub description: String,
    /// True under live rebuild, which sets it when it shows a page: never in what is published.
    #[serde(rename = "DEV")]
    pub dev: bool,
    /// Settings for the browser.
    pub template_vars: TemplateVars,
    /// The way to the site's root: empty, `../` …
    pub root: String,
    /// From the start to here.
    pub breadcrumbs: Vec<Crumb>,
    /// What the report is of.
    pub scope: Scope,
    /// What of the data is shown.
    pub privacy: PrivacyNote,
    /// Relative URLs of assets, by their logical names.
    pub assets: BTreeMap<String, String>,
    /// Relative URLs of the page's own scripts.
    pub page_scripts: Vec<String>,
    /// Relative URL of the page's data in the static API, if it has some.
    pub data_href: Option<String>,
    /// What it offers to take away.
    pub files: Vec<OfferLink>,
    /// What of it can be embedded.
    pub embed: Option<Embed>,
    /// The content.
    pub page: C,
}

/// The content of a page, with what its chrome needs to know.
pub trait Content: Serialize {
    /// The page's kind, which is also the template's name: `pages/<kind>.html`.
    const KIND: &'static str;
    /// The template.
    const TEMPLATE: &'static str;

    /// The title.
    fn title(&self) -> String;
    /// A sentence on what is here.
    fn description(&self) -> String;
    /// The steps between the start and this page, as routes with labels; the page itself is added.
    fn trail(&self) -> Vec<(String, Route)> {
        Vec::new()
    }
    /// The file of the static API with the page's data.
    fn data(&self) -> Option<Route> {
        None
    }
    /// The files with the page's data, to take away.
    fn files(&self) -> Vec<Offer> {
        Vec::new()
    }
    /// What can be embedded of it: a page and a picture, with width and height in pixels.
    fn embed(&self) -> Option<(Route, Route, (u32, u32))> {
        None
    }
    /// The id of what the page is about.
    fn id(&self) -> Option<String> {
        None
    }
}

/// The relative URLs of assets, by their logical names, on a page from which `root` leads to the site's root.
pub fn asset_hrefs(published: &BTreeMap<String, String>, root: &str) -> BTreeMap<String, String> {
    published
        .iter()
        .map(|(name, published)| (name.clone(), format!("{root}{}", Route::Asset(published.clone()).path())))
        .collect()
}

/// The relative URLs of the scripts that a kind of page has of its own.
pub fn page_scripts(kind: &str, assets: &BTreeMap<String, String>) -> Vec<String> {
    // The pages with components share their libraries.
    let own = format!("js/{kind}/index.js");
    let scripts: Vec<&str> = match kind {
        _ if !assets.contains_key(&own) => Vec::new(),
        // Its own script is small; it loads the libraries when they are asked for.
        "conference" => vec![&own],
        "app" => vec!["js/vendor/vue.js", &own],
        _ => vec!["js/vendor/vue.js", "js/vendor/bars.js", &own],
    };
    scripts.into_iter().filter_map(|name| assets.get(name).cloned()).collect()
}

impl<C: Content> Page<C> {
    /// Frames content.
    pub fn new(route: Route, frame: &Frame, content: C) -> Self {
        let mut breadcrumbs = Vec::new();
        if route != Route::Index {
            breadcrumbs.push(Crumb {
                label: "All organizations".to_owned(),
                href: Some(Route::Index.href_from(&route)),
            });
        }
        for (label, step) in content.trail() {
            breadcrumbs.push(Crumb { label, href: Some(step.href_from(&route)) });
        }
        breadcrumbs.push(Crumb { label: content.title(), href: None });
        let assets = asset_hrefs(&frame.assets, &route.root());
        let base = frame.base_url.as_deref().unwrap_or(EXAMPLE_URL).trim_end_matches('/');
        let url = |route: &Route| format!("{base}/{}", route.path());
        let embed = content.embed().filter(|(small, ..)| frame.downloads.has(small));
        let embed = embed.map(|(small, picture, (width, height))| Embed {
            page_url: url(&small),
            picture_url: url(&picture),
            picture_href: picture.href_from(&route),
            url: url(&route),
            width,
            height,
        });
        Self {
            embed,
            title: content.title(),
            description: content.description(),
            dev: false,
            template_vars: TemplateVars {
                api_root: format!("{}api/v1", route.root()),
                url_prefix: route.root(),
                page: C::KIND,
                id: content.id(),
                dev: false,
            },
            root: route.root(),
            breadcrumbs,
            scope: Scope { label: frame.scope.clone() },
            privacy: PrivacyNote { profile: frame.profile.name(), meaning: frame.profile.meaning() },
            page_scripts: page_scripts(C::KIND, &assets),
            data_href: content.data().map(|data| data.href_from(&route)),
            files: content
                .files()
                .into_iter()
                .filter(|offer| frame.downloads.has(&offer.route))
                .map(|offer| OfferLink {
                    href: offer.route.href_from(&route),
                    form: offer.form,
                    what: offer.what,
                })
                .collect(),
            assets,
            template: C::TEMPLATE,
            page: content,
            route,
        }
    }
}
