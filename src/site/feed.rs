//! News of the site, an organization or an app as Atom (RFC 4287) and as JSON Feed 1.1: an entry per whole week and month, and
//! one per issue code that is new or has doubled in a week.
//!
//! Ids are names in the sense of RFC 9562, version 8: a digest of the row's UUID and of what the entry is about, so that they
//! stay the same wherever the site lies. Times are those of the data: an entry is of the end of its period.

use serde::Serialize;
use uuid::Uuid;

use super::pages::period::{Line, ReportOf};
use super::routes::Route;
use crate::report::period_changes::IssueNews;
use crate::report::words;
use crate::units::{Timestamp, grouped};

/// Entries of a feed, the newest.
const ENTRIES: usize = 50;

/// A feed.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    id: Uuid,
    title: String,
    updated: Timestamp,
    /// Where it lies as Atom and as JSON, and the page of what it is of.
    routes: (Route, Route, Route),
    base_url: Option<String>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    id: Uuid,
    title: String,
    updated: Timestamp,
    text: String,
    route: Route,
}

/// The same key always gives the same id.
fn id(space: Uuid, key: &str) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    hasher.update(space.as_bytes()).update(key.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

impl Feed {
    /// From the reports that may have an entry, with the issues that are news in them. `space` is the row's UUID; of the
    /// site, of which there is no row, that of its first organization. `created` is the time of an empty feed.
    pub fn new(
        of: &ReportOf,
        (space, created): (Uuid, Timestamp),
        base_url: Option<&str>,
        reports: &[(&Line, &[IssueNews])],
    ) -> Self {
        let home = of.scope.route();
        // The scope's own page tells feeds of the site and of its first organization apart.
        let key = |rest: &str| id(space, &format!("{}\n{rest}", home.path()));
        let mut entries = Vec::new();
        for (line, news) in reports.iter().filter(|(line, _)| line.over) {
            let route = Route::Report(of.scope, line.period.name());
            entries.push(Entry {
                id: key(&format!("report\n{}", line.period.name())),
                title: line.period.title(),
                updated: line.end,
                text: line.sentences.join("\n"),
                route: route.clone(),
            });
            for issue in *news {
                let (title, text) = tell(line, issue);
                entries.push(Entry {
                    id: key(&format!("issue\n{}\n{}", line.period.name(), issue.code)),
                    title,
                    updated: line.end,
                    text,
                    route: route.clone(),
                });
            }
        }
        entries.sort_by(|a, b| b.updated.cmp(&a.updated).then(a.title.cmp(&b.title)).then(a.id.cmp(&b.id)));
        entries.truncate(ENTRIES);
        Self {
            id: key("feed"),
            title: format!("Calls of {}", of.name),
            updated: entries.first().map_or(created, |entry| entry.updated),
            routes: (Route::Feed(of.scope), Route::JsonFeed(of.scope), home),
            base_url: base_url.map(|base| base.trim_end_matches('/').to_owned()),
            entries,
        }
    }

    /// An address: absolute if it is known where the site lies, else relative to the feed.
    fn href(&self, route: &Route, from: &Route) -> String {
        match &self.base_url {
            Some(base) => format!("{base}/{}", route.path()),
            None => route.href_from(from),
        }
    }

    /// As Atom.
    pub fn atom(&self) -> String {
        let (own, json, home) = &self.routes;
        let mut xml = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n",
        );
        let element = |xml: &mut String, name: &str, text: &str| {
            xml.push_str(&format!("<{name}>{}</{name}>\n", escaped(text)));
        };
        let link = |xml: &mut String, rel: &str, kind: &str, href: &str| {
            xml.push_str(&format!("<link rel=\"{rel}\" type=\"{kind}\" href=\"{}\"/>\n", escaped(href)));
        };
        element(&mut xml, "id", &format!("urn:uuid:{}", self.id));
        element(&mut xml, "title", &self.title);
        element(&mut xml, "updated", &self.updated.rfc3339());
        xml.push_str("<author><name>peerpress</name></author>\n<generator>peerpress</generator>\n");
        if self.base_url.is_some() {
            link(&mut xml, "self", "application/atom+xml", &self.href(own, own));
        }
        link(&mut xml, "alternate", "text/html", &self.href(home, own));
        link(&mut xml, "related", "application/feed+json", &self.href(json, own));
        for entry in &self.entries {
            xml.push_str("<entry>\n");
            element(&mut xml, "id", &format!("urn:uuid:{}", entry.id));
            element(&mut xml, "title", &entry.title);
            element(&mut xml, "updated", &entry.updated.rfc3339());
            element(&mut xml, "published", &entry.updated.rfc3339());
            link(&mut xml, "alternate", "text/html", &self.href(&entry.route, own));
            xml.push_str(&format!("<content type=\"text\">{}</content>\n</entry>\n", escaped(&entry.text)));
        }
        xml.push_str("</feed>\n");
        xml
    }

    /// As JSON Feed. Its addresses have to be absolute, so they are left out where it is not known where the site lies.
    pub fn json(&self) -> JsonFeed<'_> {
        let (_, own, home) = &self.routes;
        let absolute = |route: &Route| self.base_url.as_ref().map(|_| self.href(route, own));
        JsonFeed {
            version: "https://jsonfeed.org/version/1.1",
            title: &self.title,
            home_page_url: absolute(home),
            feed_url: absolute(own),
            authors: [Author { name: "peerpress" }],
            items: self
                .entries
                .iter()
                .map(|entry| Item {
                    id: format!("urn:uuid:{}", entry.id),
                    url: absolute(&entry.route),
                    title: &entry.title,
                    content_text: &entry.text,
                    date_published: entry.updated,
                })
                .collect(),
        }
    }
}

fn tell(line: &Line, issue: &IssueNews) -> (String, String) {
    let title = words::issue_title(&issue.code);
    let word = if issue.new { "is new" } else { "has doubled" };
    let noun = line.period.kind().noun();
    let number = |count: usize| grouped(count as i64);
    let before = if issue.new {
        format!("in none of {} the {noun} before", number(issue.calls.1))
    } else {
        format!("{} of {} the {noun} before", number(issue.with.1), number(issue.calls.1))
    };
    let text = format!(
        "The issue {title} ({}) was stored for {} of {} calls {}, {before}.",
        issue.code,
        number(issue.with.0),
        number(issue.calls.0),
        line.period.phrase()
    );
    (format!("{title} {word}: {}", line.period.title()), text)
}

/// A feed as JSON Feed 1.1.
#[derive(Debug, Serialize)]
pub struct JsonFeed<'a> {
    version: &'static str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_page_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_url: Option<String>,
    authors: [Author; 1],
    items: Vec<Item<'a>>,
}

#[derive(Debug, Serialize)]
struct Author {
    name: &'static str,
}

#[derive(Debug, Serialize)]
struct Item<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    title: &'a str,
    content_text: &'a str,
    date_published: Timestamp,
}

/// Text for XML 1.0: markup escaped, and what XML has no way to write left out.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' => safe.push(c),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c < ' ' => {}
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_has_no_way_to_write_most_control_characters() {
        assert_eq!(
            escaped("a\u{0}\u{b}\u{fffe}<b> & \"c\"\n\u{1f600}"),
            "a&lt;b&gt; &amp; &quot;c&quot;\n\u{1f600}"
        );
    }

    #[test]
    fn ids_are_the_same_for_the_same_thing_and_others_for_others() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(id(one, "report\n2026-W47"), id(one, "report\n2026-W47"));
        let ids = [id(one, "report\n2026-W47"), id(two, "report\n2026-W47"), id(one, "report\n2026-W48")];
        assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
        assert_eq!(ids[0].get_version_num(), 8);
    }
}
