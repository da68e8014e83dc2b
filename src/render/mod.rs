//! Pages to bytes: one Tera template per page kind, over a typed context. Pure: templates come in as texts, bytes go out.

pub mod assets;
mod context;
mod filters;

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use serde::Serialize;

use crate::site::Page;

pub use context::PageContext;

/// Where in a template something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The template's name.
    pub template: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

impl Place {
    fn of(error: &tera::Error) -> Option<Self> {
        let (tera::ErrorKind::SyntaxError(report) | tera::ErrorKind::RenderingError(report)) = error.kind()
        else {
            return None;
        };
        Some(Self {
            template: report.filename().to_owned(),
            line: report.span().start_line,
            column: report.span().start_col + 1,
            message: report.message().to_owned(),
        })
    }
}

/// Why a page cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The templates do not parse or do not fit together.
    #[error(
        "the templates cannot be used: {problem}\nhint: a template in site-templates/ overrides the built-in one of the same name"
    )]
    Templates {
        /// Template, line and cause.
        problem: String,
        /// Where, if it is one place.
        place: Option<Place>,
    },
    /// A page's template failed.
    #[error("{path}: {problem}")]
    Page {
        /// The page.
        path: String,
        /// Template, line and cause.
        problem: String,
        /// Where, if it is one place.
        place: Option<Place>,
    },
    /// A file of the static API could not be written as JSON.
    #[error("{path}: cannot be written as JSON: {problem}")]
    Json {
        /// The file.
        path: String,
        /// The cause.
        problem: String,
    },
}

impl RenderError {
    fn page(path: String, error: &tera::Error) -> Self {
        Self::Page { path, problem: chain(error), place: Place::of(error) }
    }

    /// Where in a template the cause is, if it is one place.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Templates { place, .. } | Self::Page { place, .. } => place.as_ref(),
            Self::Json { .. } => None,
        }
    }
}

/// Renders pages with a set of templates.
pub struct Renderer {
    tera: tera::Tera,
    /// Of all templates, for the key of each page.
    digest: blake3::Hash,
}

impl Renderer {
    /// From templates by name.
    pub fn new(templates: &BTreeMap<String, String>) -> Result<Self, RenderError> {
        let mut tera = tera::Tera::new();
        filters::register(&mut tera);
        tera.set_escape_fn(escape);
        let mut hasher = blake3::Hasher::new();
        for (name, text) in templates {
            // Lengths first, so that no two sets of templates give the same bytes.
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        tera.add_raw_templates(templates.iter().map(|(name, text)| (name.as_str(), text.as_str())))
            .map_err(|error| RenderError::Templates { problem: chain(&error), place: Place::of(&error) })?;
        Ok(Self { tera, digest: hasher.finalize() })
    }

    /// What a page's bytes depend on besides its content.
    pub fn digest(&self) -> blake3::Hash {
        self.digest
    }

    /// The bytes of a page.
    pub fn page<C: Serialize>(&self, page: &Page<C>) -> Result<Vec<u8>, RenderError> {
        let failed = |error: &tera::Error| RenderError::page(page.route.path(), error);
        let context = tera::Context::from_serialize(page).map_err(|error| failed(&error))?;
        let html = self.tera.render(page.template, &context).map_err(|error| failed(&error))?;
        Ok(html.into_bytes())
    }
}

impl Renderer {
    /// The bytes of a text that is no page of the site, such as a letter.
    pub fn text<C: Serialize>(&self, template: &str, content: &C) -> Result<Vec<u8>, RenderError> {
        let failed = |error: &tera::Error| RenderError::page(template.to_owned(), error);
        let context = tera::Context::from_serialize(content).map_err(|error| failed(&error))?;
        let text = self.tera.render(template, &context).map_err(|error| failed(&error))?;
        Ok(text.into_bytes())
    }
}

/// Text with its markup made plain, for content and for attributes in quotes of either kind. What lies between marks, which
/// is nearly always all of it, goes out in one piece.
fn escape(text: &str, out: &mut dyn io::Write) -> io::Result<()> {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let reference: &[u8] = match byte {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' => b"&quot;",
            b'\'' => b"&#39;",
            _ => continue,
        };
        out.write_all(&bytes[from..at])?;
        out.write_all(reference)?;
        from = at + 1;
    }
    out.write_all(&bytes[from..])
}

/// Writes a file of the static API.
pub fn write_json<T: Serialize>(path: &str, value: &T, to: impl io::Write) -> Result<(), RenderError> {
    // It comes in pieces of a few bytes.
    let mut to = io::BufWriter::with_capacity(16 * 1024, to);
    let mut write = || -> Result<(), serde_json::Error> {
        serde_json::to_writer(&mut to, value)?;
        to.write_all(b"\n").and_then(|()| to.flush()).map_err(serde_json::Error::io)
    };
    write().map_err(|error| RenderError::Json { path: path.to_owned(), problem: error.to_string() })
}

fn chain(error: &tera::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
