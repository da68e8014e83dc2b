//! What every page has besides its own content: title, breadcrumbs, the way to the root, settings for scripts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Route;

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
    /// Whether the live rebuild is on.
    pub dev: bool,
}

/// What the site as a whole has, the same for all its pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// What the report is of.
    pub scope: String,
    /// Whether the live rebuild is on.
    pub dev: bool,
    /// Published paths of assets below `assets/`, by their logical names.
    pub assets: BTreeMap<String, String>,
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
    /// True under live rebuild.
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
    /// Relative URLs of assets, by their logical names.
    pub assets: BTreeMap<String, String>,
    /// Relative URLs of the page's own scripts.
    pub page_scripts: Vec<String>,
    /// Relative URL of the page's data in the static API, if it has some.
    pub data_href: Option<String>,
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
    /// The id of what the page is about.
    fn id(&self) -> Option<String> {
        None
    }
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
        let assets: BTreeMap<String, String> = frame
            .assets
            .iter()
            .map(|(name, published)| (name.clone(), Route::Asset(published.clone()).href_from(&route)))
            .collect();
        // The pages with components share their libraries.
        let own = format!("js/{}/index.js", C::KIND);
        let scripts: Vec<&str> = match C::KIND {
            _ if !assets.contains_key(&own) => Vec::new(),
            // Its own script is small; it loads the libraries when they are asked for.
            "conference" => vec![&own],
            "app" => vec!["js/vendor/vue.js", &own],
            _ => vec!["js/vendor/vue.js", "js/vendor/bars.js", &own],
        };
        Self {
            title: content.title(),
            description: content.description(),
            dev: frame.dev,
            template_vars: TemplateVars {
                api_root: format!("{}api/v1", route.root()),
                url_prefix: route.root(),
                page: C::KIND,
                id: content.id(),
                dev: frame.dev,
            },
            root: route.root(),
            breadcrumbs,
            scope: Scope { label: frame.scope.clone() },
            page_scripts: scripts.into_iter().filter_map(|name| assets.get(name).cloned()).collect(),
            data_href: content.data().map(|data| data.href_from(&route)),
            assets,
            template: C::TEMPLATE,
            page: content,
            route,
        }
    }
}
