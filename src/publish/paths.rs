//! Paths within a site: relative, with `/`, and nothing in them that a file system or a URL would read as more than a name.

use std::fmt;

/// Why a text is no path of a site.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} cannot be a path of the site: {problem}")]
pub struct PathError {
    path: String,
    problem: &'static str,
}

/// A path within a site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SitePath(String);

/// In which order files come into place: what is linked to comes before what links to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Scripts and styles.
    Asset,
    /// The static API, and files to take away.
    Data,
    /// Pages of one thing.
    Page,
    /// Pages that list others.
    List,
}

impl Class {
    pub(super) const ALL: [Self; 4] = [Self::Asset, Self::Data, Self::Page, Self::List];
}

impl SitePath {
    /// Checks a path.
    pub fn new(path: &str) -> Result<Self, PathError> {
        let problem = if path.is_empty() || path.len() > 1024 {
            Some("it is empty or too long")
        } else if path.contains(|c: char| c.is_control() || c == '\\' || c == ':') {
            Some("it has a control character, a backslash or a colon")
        } else if path.split('/').any(|segment| segment.is_empty() || segment == "." || segment == "..") {
            Some("it has an empty segment, '.' or '..'")
        } else {
            None
        };
        match problem {
            Some(problem) => Err(PathError { path: path.to_owned(), problem }),
            None => Ok(Self(path.to_owned())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn class(&self) -> Class {
        let path = self.0.as_str();
        if path.starts_with("assets/") {
            Class::Asset
        // Facts and the search index are data in the form of scripts.
        } else if ["api/", "data/"].iter().any(|folder| path.starts_with(folder))
            || path.rsplit('.').next() == Some("js")
        {
            Class::Data
        } else if ["conference/", "participant/", "embed/"].iter().any(|folder| path.starts_with(folder)) {
            Class::Page
        } else {
            Class::List
        }
    }
}

impl fmt::Display for SitePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_paths_pass() {
        for bad in ["", "/a", "a/", "a//b", "../a", "a/./b", "a\\b", "a\nb", "c:a", "a\0"] {
            assert!(SitePath::new(bad).is_err(), "{bad:?}");
        }
        assert_eq!(SitePath::new("a/b.html").unwrap().as_str(), "a/b.html");
    }

    #[test]
    fn what_is_linked_to_comes_first() {
        let class = |path: &str| SitePath::new(path).unwrap().class();
        let order = ["assets/a.css", "api/v1/meta.json", "conference/x.html", "index.html"].map(class);
        assert!(order.is_sorted());
        assert_eq!(class("search/index.js"), class("api/v1/meta.json"));
        assert_eq!(
            class("search/00000000-0000-0000-0000-000000000000/participants.html"),
            class("search.html")
        );
    }
}
