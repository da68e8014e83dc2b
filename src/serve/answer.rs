//! What a request is answered with: a function of the request, the site and the time of day.

use std::ops::Range;
use std::time::SystemTime;

use bytes::Bytes;

use super::conditions::{self, Validators, Verdict};
use super::encoding::{self, Encoding};
use super::fields::{Field, Fields};
use super::policy;
use super::range::{self, Asked};
use super::request::Method;
use super::site::{Body, Entry, Site};

/// A request, as far as answers depend on it.
pub(super) struct Question<'a> {
    pub(super) method: Method,
    /// Path and query.
    pub(super) url: &'a str,
    pub(super) headers: &'a [Field],
    /// When it is answered.
    pub(super) now: SystemTime,
}

/// What goes back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    /// `Content-Length`; the answer to a HEAD has one, too, and a 304 has none.
    pub(super) length: Option<u64>,
    pub(super) body: Body,
    /// Which bytes of the body go over the wire.
    pub(super) part: Range<u64>,
}

impl Answer {
    pub(super) fn plain(status: u16, text: &'static str) -> Self {
        let length = text.len() as u64;
        let headers = vec![("Content-Type", "text/plain; charset=utf-8".to_owned())];
        Self {
            status,
            headers,
            length: Some(length),
            body: Body::Bytes(Bytes::from_static(text.as_bytes())),
            part: 0..length,
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Answers a request, in the order that the head of [`super`] gives.
pub(super) fn answer(question: &Question, site: &dyn Site) -> Answer {
    let mut answer = match question.method {
        Method::Get | Method::Head => look_up(question, site),
        _ => Answer::plain(405, "only GET and HEAD\n").with("Allow", "GET, HEAD"),
    };
    if question.method == Method::Head {
        answer.part = 0..0;
    }
    let shown = matches!(answer.status, 200 | 206 | 304);
    let fragment = shown && checked_path(question.url).is_some_and(|path| policy::is_fragment(&path));
    answer.headers.extend(policy::fields(fragment));
    answer
}

fn look_up(question: &Question, site: &dyn Site) -> Answer {
    let fields = Fields::new(question.headers);
    let found = checked_path(question.url).and_then(|path| find(site, &path));
    let (status, path, entry) = match found {
        Some((path, entry)) => (200, path, entry),
        None => match site.entry("404.html") {
            Some(entry) => (404, "404.html".to_owned(), entry),
            None => return Answer::plain(404, "there is no such file\n"),
        },
    };
    let (entry, encoding) = smallest_form(site, &path, entry, &fields);
    let tag = match encoding {
        None => format!("\"{}\"", entry.tag),
        // Two forms may have the same size and time.
        Some(encoding) => format!("\"{}-{}\"", entry.tag, encoding.name()),
    };
    let cache = if is_fingerprinted(&path) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut headers = vec![("ETag", tag.clone()), ("Cache-Control", cache.to_owned())];
    if encoding::is_compressible(&path) {
        headers.push(("Vary", "Accept-Encoding".to_owned()));
    }
    if let Some(modified) = entry.modified {
        headers.push(("Last-Modified", httpdate::fmt_http_date(modified)));
    }
    let mut part = 0..entry.length;
    let mut partial = false;
    if status == 200 {
        let validators = Validators { tag: &tag, modified: entry.modified };
        match conditions::check(&fields, validators) {
            Verdict::Proceed => {}
            Verdict::NotModified => {
                return Answer { status: 304, headers, length: None, body: entry.body, part: 0..0 };
            }
            Verdict::Failed => return Answer::plain(412, "the file is not as you expected\n"),
        }
        headers.push(("Accept-Ranges", "bytes".to_owned()));
        match asked_part(question, &fields, validators, entry.length) {
            Asked::Whole => {}
            Asked::Part(asked) => (part, partial) = (asked, true),
            Asked::Beyond => {
                return Answer::plain(416, "the file has no such bytes\n")
                    .with("Content-Range", format!("bytes */{}", entry.length));
            }
        }
    }
    headers.push(("Content-Type", media_type(&path)));
    if let Some(encoding) = encoding {
        headers.push(("Content-Encoding", encoding.name().to_owned()));
    }
    if partial {
        let (first, last) = (part.start, part.end - 1);
        headers.push(("Content-Range", format!("bytes {first}-{last}/{}", entry.length)));
    }
    let status = if partial { 206 } else { status };
    Answer { status, headers, length: Some(part.end - part.start), body: entry.body, part }
}

/// A range has a meaning for GET only.
fn asked_part(question: &Question, fields: &Fields, validators: Validators, length: u64) -> Asked {
    match fields.get("Range") {
        Some(range)
            if question.method == Method::Get
                && conditions::range_counts(fields, validators, question.now) =>
        {
            range::asked(&range, length)
        }
        _ => Asked::Whole,
    }
}

/// The compressed form of a file that the client likes best, if there is one of these bytes; else the file itself.
fn smallest_form(site: &dyn Site, path: &str, plain: Entry, fields: &Fields) -> (Entry, Option<Encoding>) {
    let accepted = match (plain.modified, fields.get("Accept-Encoding")) {
        (Some(_), Some(accepted)) if encoding::is_compressible(path) => encoding::accepted(&accepted),
        _ => Vec::new(),
    };
    // One that is older than its original was made from other bytes.
    let current = |form: &Entry| form.modified.is_some() && form.modified >= plain.modified;
    let found = accepted.into_iter().find_map(|encoding| {
        let form = site.entry(&encoding.path_of(path)).filter(current)?;
        Some((form, Some(encoding)))
    });
    found.unwrap_or((plain, None))
}

/// The path of a URL, decoded once; `None` if it could name anything but a file below the root.
fn checked_path(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next().unwrap_or_default().strip_prefix('/')?;
    let path = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
    let path = match path.strip_suffix('/') {
        Some("") => return None,
        Some(folder) => folder,
        None => &path,
    };
    let bad_segment = |segment: &str| segment.is_empty() || segment.starts_with('.');
    let bad = path.contains(|c: char| c.is_control() || c == '\\' || c == ':')
        || (!path.is_empty() && path.split('/').any(bad_segment));
    (!bad).then(|| path.to_owned())
}

fn find(site: &dyn Site, path: &str) -> Option<(String, Entry)> {
    let candidates = if path.is_empty() {
        vec!["index.html".to_owned()]
    } else {
        vec![path.to_owned(), format!("{path}.html"), format!("{path}/index.html")]
    };
    candidates.into_iter().find_map(|path| site.entry(&path).map(|entry| (path, entry)))
}

/// Whether a path is `assets/<name>.<12 hex digits>.<ext>`, whose bytes never change.
fn is_fingerprinted(path: &str) -> bool {
    let mut parts = path.rsplit('.');
    let digest = parts.nth(1).unwrap_or_default();
    path.starts_with("assets/") && digest.len() == 12 && digest.chars().all(|c| c.is_ascii_hexdigit())
}

fn media_type(path: &str) -> String {
    let guess = mime_guess::from_path(path).first_or_octet_stream();
    let text = guess.type_() == "text" || matches!(guess.subtype().as_str(), "javascript" | "json" | "xml");
    if text { format!("{}; charset=utf-8", guess.essence_str()) } else { guess.essence_str().to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::serve::fields::fields;

    /// Texts by path, each with the second of its time, or without one.
    struct Files(BTreeMap<&'static str, (&'static str, Option<u64>)>);

    impl Site for Files {
        fn entry(&self, path: &str) -> Option<Entry> {
            let (text, second) = self.0.get(path)?;
            let modified = second.map(|second| UNIX_EPOCH + Duration::from_secs(second));
            Some(Entry { tag: format!("{path}@{second:?}"), modified, ..Entry::of_bytes(*text) })
        }
    }

    type Headers<'a> = &'a [(&'a str, &'a str)];

    const NOW: u64 = 1_795_521_600;

    fn site() -> Files {
        let old = Some(NOW - 100);
        Files(BTreeMap::from([
            ("index.html", ("start", old)),
            ("index.html.br", ("br", old)),
            ("index.html.zst", ("zst", Some(NOW - 99))),
            ("index.html.gz", ("older", Some(NOW - 101))),
            ("404.html", ("nothing here", old)),
            ("404.html.gz", ("nope", old)),
            ("conference/x.html", ("a conference", old)),
            ("made.html", ("made", None)),
            ("made.html.br", ("other", old)),
            ("assets/css/main.0123456789ab.css", ("style", old)),
            ("api/v1/meta.json", ("{}", old)),
            ("data/x.parquet", ("PAR1", old)),
            ("data/x.parquet.br", ("none", old)),
            ("empty.txt", ("", old)),
            ("embed/app/x.html", ("an app", old)),
        ]))
    }

    fn ask(method: Method, url: &str, headers: Headers) -> Answer {
        let now = UNIX_EPOCH + Duration::from_secs(NOW);
        answer(&Question { method, url, headers: &fields(headers), now }, &site())
    }

    fn get(url: &str, headers: Headers) -> Answer {
        ask(Method::Get, url, headers)
    }

    /// What goes over the wire as the body.
    fn sent(answer: &Answer) -> String {
        let Body::Bytes(bytes) = &answer.body else { panic!("no bytes in memory") };
        let part = &bytes[answer.part.start as usize..answer.part.end as usize];
        String::from_utf8(part.to_vec()).unwrap()
    }

    fn header_of(answer: &Answer, name: &str) -> Option<String> {
        let found: Vec<&String> =
            answer.headers.iter().filter(|(key, _)| *key == name).map(|(_, value)| value).collect();
        assert!(found.len() <= 1, "{name} is given twice");
        found.first().map(ToString::to_string)
    }

    #[test]
    fn the_paths_of_the_web_part_lead_to_the_pages() {
        let cases = [
            ("/", 200, "start"),
            ("/conference/x?from=mail#top", 200, "a conference"),
            ("/conference/x.html", 200, "a conference"),
            ("/conference/x/", 200, "a conference"),
            ("/conference/y", 404, "nothing here"),
            ("/../index.html", 404, "nothing here"),
        ];
        for (url, status, text) in cases {
            let answer = get(url, &[]);
            assert_eq!((answer.status, sent(&answer).as_str()), (status, text), "{url}");
        }
    }

    #[test]
    fn nothing_outside_the_site_can_be_named() {
        for url in [
            "/../etc/passwd",
            "/%2e%2e/x",
            "/a/%2e%2e%2fb",
            "//etc",
            "//",
            "/%2f",
            "/a\\..\\b",
            "/.git/config",
            "/%00",
            "/c:/x",
            "x",
            "/%ff",
        ] {
            assert_eq!(checked_path(url), None, "{url}");
        }
        // Decoded once: the second layer is a name like any other, and no such file is there.
        assert_eq!(checked_path("/%252e%252e/x").as_deref(), Some("%2e%2e/x"));
    }

    #[test]
    fn fingerprinted_assets_may_be_kept_for_ever_and_pages_are_asked_for_again() {
        let cache = |url| header_of(&get(url, &[]), "Cache-Control").unwrap();
        assert!(cache("/assets/css/main.0123456789ab.css").contains("immutable"));
        assert_eq!((cache("/").as_str(), cache("/none").as_str()), ("no-cache", "no-cache"));
    }

    #[test]
    fn every_answer_has_the_security_headers() {
        for (method, url, headers) in [
            (Method::Get, "/", None),
            (Method::Get, "/none", None),
            (Method::Post, "/", None),
            (Method::Get, "/", Some(("If-Match", "\"x\""))),
            (Method::Get, "/", Some(("If-None-Match", "*"))),
            (Method::Get, "/", Some(("Range", "bytes=99-"))),
        ] {
            let answer = ask(method.clone(), url, headers.as_slice());
            for (name, value) in policy::fields(false) {
                assert_eq!(header_of(&answer, name), Some(value), "{method:?} {url} {headers:?}");
            }
        }
    }

    #[test]
    fn only_fragments_that_are_there_are_shown_by_other_sites() {
        for (url, ancestors, resource) in [
            ("/embed/app/x.html", "*", "cross-origin"),
            ("/embed/app/x", "*", "cross-origin"),
            ("/embed/none.html", "'self'", "same-origin"),
            ("/embed/../index.html", "'self'", "same-origin"),
            ("/conference/x", "'self'", "same-origin"),
        ] {
            let answer = get(url, &[]);
            let policy = header_of(&answer, "Content-Security-Policy").unwrap();
            assert!(policy.ends_with(&format!("; frame-ancestors {ancestors}")), "{url}: {policy}");
            let of = header_of(&answer, "Cross-Origin-Resource-Policy");
            assert_eq!(of.as_deref(), Some(resource), "{url}");
        }
    }

    #[test]
    fn a_form_is_chosen_that_the_client_takes_and_that_is_of_these_bytes() {
        let cases = [
            ("/", "", "start", None),
            ("/", "br", "br", Some("br")),
            ("/", "br;q=0.5, zstd", "zst", Some("zstd")),
            ("/", "gzip", "start", None),
            ("/", "gzip, br;q=0.1", "br", Some("br")),
            ("/", "br;q=0", "start", None),
            ("/", "identity, br;q=0.9", "start", None),
            ("/none", "gzip", "nope", Some("gzip")),
            ("/conference/x", "br", "a conference", None),
            ("/made", "br", "made", None),
            ("/data/x.parquet", "br", "PAR1", None),
        ];
        for (url, accepted, text, encoding) in cases {
            let answer = get(url, &[("Accept-Encoding", accepted)]);
            assert_eq!(sent(&answer), text, "{url} with {accepted:?}");
            assert_eq!(
                header_of(&answer, "Content-Encoding").as_deref(),
                encoding,
                "{url} with {accepted:?}"
            );
            let varies = header_of(&answer, "Vary").is_some();
            assert_eq!(varies, url != "/data/x.parquet", "{url}");
        }
        let html = get("/", &[("Accept-Encoding", "br")]);
        assert_eq!(header_of(&html, "Content-Type").as_deref(), Some("text/html; charset=utf-8"));
        let json = get("/api/v1/meta.json", &[]);
        assert_eq!(header_of(&json, "Content-Type").as_deref(), Some("application/json; charset=utf-8"));
    }

    #[test]
    fn a_tag_is_of_one_form_only() {
        let tag = |accepted| header_of(&get("/", &[("Accept-Encoding", accepted)]), "ETag").unwrap();
        assert_eq!(tag("br"), format!("\"index.html.br@{:?}-br\"", Some(NOW - 100)));
        let tags = [tag(""), tag("br"), tag("zstd")];
        for (accepted, own) in [("", 0), ("br", 1), ("zstd", 2)] {
            for (at, tag) in tags.iter().enumerate() {
                let answer = get("/", &[("Accept-Encoding", accepted), ("If-None-Match", tag)]);
                assert_eq!(answer.status, if at == own { 304 } else { 200 }, "{accepted:?} with {tag}");
            }
        }
    }

    #[test]
    fn conditions_decide_for_what_is_there() {
        let cases: [(&str, Headers, u16); 7] = [
            ("/", &[("If-None-Match", "*")], 304),
            ("/", &[("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")], 304),
            ("/", &[("If-Match", "\"x\"")], 412),
            ("/", &[("If-Match", "\"x\""), ("Range", "bytes=0-0")], 412),
            ("/none", &[("If-None-Match", "*")], 404),
            ("/none", &[("If-Match", "\"x\"")], 404),
            ("/none", &[("Range", "bytes=0-0")], 404),
        ];
        for (url, headers, status) in cases {
            let answer = get(url, headers);
            assert_eq!(answer.status, status, "{url} {headers:?}");
            assert_eq!(answer.length.is_none(), status == 304, "{url} {headers:?}");
        }
        let known = get("/", &[("If-None-Match", "*")]);
        assert_eq!(sent(&known), "");
        for name in ["ETag", "Vary", "Last-Modified", "Cache-Control"] {
            assert!(header_of(&known, name).is_some(), "{name}");
        }
        assert_eq!(header_of(&known, "Content-Type"), None);
    }

    #[test]
    fn a_range_is_cut_out_of_the_form_that_is_answered_with() {
        let tag = header_of(&get("/", &[]), "ETag").unwrap();
        let cases: [(Headers, u16, &str, Option<&str>); 7] = [
            (&[("Range", "bytes=1-2")], 206, "ta", Some("bytes 1-2/5")),
            (&[("Range", "bytes=-2")], 206, "rt", Some("bytes 3-4/5")),
            (&[("Range", "bytes=0-0,2-2")], 200, "start", None),
            (&[("Range", "bytes=5-")], 416, "the file has no such bytes\n", Some("bytes */5")),
            (&[("Range", "bytes=1-"), ("Accept-Encoding", "br")], 206, "r", Some("bytes 1-1/2")),
            (&[("Range", "bytes=1-2"), ("If-Range", &tag)], 206, "ta", Some("bytes 1-2/5")),
            (&[("Range", "bytes=1-2"), ("If-Range", "\"x\"")], 200, "start", None),
        ];
        for (headers, status, text, range) in cases {
            let answer = get("/", headers);
            assert_eq!((answer.status, sent(&answer).as_str()), (status, text), "{headers:?}");
            assert_eq!(header_of(&answer, "Content-Range").as_deref(), range, "{headers:?}");
            assert_eq!(answer.length, Some(text.len() as u64), "{headers:?}");
            assert_eq!(header_of(&answer, "Accept-Ranges").is_some(), status != 416, "{headers:?}");
        }
        assert_eq!(get("/empty.txt", &[("Range", "bytes=0-")]).status, 416);
    }

    #[test]
    fn a_head_is_answered_like_a_get_without_the_body() {
        for (url, headers) in [("/", [].as_slice()), ("/none", &[]), ("/", &[("Accept-Encoding", "br")])] {
            let (get, head) = (get(url, headers), ask(Method::Head, url, headers));
            assert_eq!((head.status, head.length, &head.headers), (get.status, get.length, &get.headers));
            assert!(head.length > Some(0) && head.part.is_empty(), "{url}");
        }
        let ranged = ask(Method::Head, "/", &[("Range", "bytes=0-0")]);
        assert_eq!((ranged.status, ranged.length), (200, Some(5)));
    }

    #[test]
    fn only_reading_is_allowed() {
        let answer = ask(Method::Post, "/", &[]);
        assert_eq!((answer.status, header_of(&answer, "Allow").as_deref()), (405, Some("GET, HEAD")));
    }
}
