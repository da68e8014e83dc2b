//! A page apart from its template: what live rebuild keeps, to render the page again when a template or an asset changes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{RenderError, Renderer};
use crate::site::chrome::{asset_hrefs, page_scripts};

/// All that a page shows, and with which template.
#[derive(Debug, Clone)]
pub struct PageContext {
    path: String,
    template: String,
    /// The way to the site's root.
    root: String,
    /// The kind of page.
    kind: String,
    context: tera::Context,
}

impl PageContext {
    /// From the JSON of a [`Page`](crate::site::Page) at `path`, to be shown under live rebuild: `DEV` is set.
    pub fn from_json(path: &str, template: &str, json: &[u8]) -> Result<Self, RenderError> {
        let problem = |problem: String| RenderError::Json { path: path.to_owned(), problem };
        let mut page: Value = serde_json::from_slice(json).map_err(|error| problem(error.to_string()))?;
        page["DEV"] = true.into();
        page["template_vars"]["dev"] = true.into();
        let context = tera::Context::from_serialize(&page).map_err(|error| problem(error.to_string()))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Self {
            path: path.to_owned(),
            template: template.to_owned(),
            root: text(&page["root"]),
            kind: text(&page["template_vars"]["page"]),
            context,
        })
    }
}

impl Renderer {
    /// The bytes of a kept page, with assets as they are published now, by their logical names.
    pub fn again(
        &self,
        page: &PageContext,
        published: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, RenderError> {
        let failed = |error: &tera::Error| RenderError::page(page.path.clone(), error);
        let mut context = page.context.clone();
        let assets = asset_hrefs(published, &page.root);
        context.insert("page_scripts", &page_scripts(&page.kind, &assets));
        context.insert("assets", &assets);
        let html = self.tera.render(&page.template, &context).map_err(|error| failed(&error))?;
        Ok(html.into_bytes())
    }
}
