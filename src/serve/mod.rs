//! A tiny file server for a published site. It answers from a [`Site`], a trait that gives bytes for a path, so that it
//! cannot see a half-published one.
//!
//! How a request is answered, in order:
//!
//! 1. Only GET and HEAD; anything else is 405.
//! 2. The live reload path, if live rebuild is on.
//! 3. The path is decoded once and checked: what could name anything but a file of the site is 404.
//! 4. The site is asked for the path, then for `<path>.html` (the paths of the Peer Metrics web part), then for
//!    `<path>/index.html`.
//! 5. Nothing found: `404.html` with status 404.
//! 6. `If-None-Match` with the same tag: 304.
//! 7. The bytes, with media type, tag, cache rule and security headers.

mod live;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tiny_http::{Header, Method, Request, Response};

pub use live::{Line, Live, Look, Pages, Problem, SCRIPT, SCRIPT_PATH, with_script};

/// How many ports after the wished one are tried.
const PORTS: u16 = 20;
/// How often a waiting thread looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often connections that lie about are looked for.
const NUDGE: Duration = Duration::from_millis(50);
/// Where pages ask for news under live rebuild.
const LIVE_PATH: &str = "/_peerpress/events";

/// Gives the bytes of a path.
pub trait Site: Send + Sync {
    /// The bytes of a file by its checked path below the root, such as `conference/x.html`; `None` if there is none.
    fn bytes(&self, path: &str) -> Option<Vec<u8>>;
}

/// The files of a folder, as they are when they are asked for.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at `root`, which must be there.
    pub fn open(root: &Path) -> io::Result<Self> {
        Ok(Self { root: root.canonicalize()? })
    }
}

impl Site for Folder {
    fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        // A link in the folder may lead out of it; what it leads to is not part of the site.
        let file = self.root.join(path).canonicalize().ok()?;
        (file.starts_with(&self.root) && file.is_file()).then(|| std::fs::read(file).ok())?
    }
}

/// Why the server cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {problem}\nhint: choose another port with --port")]
pub struct BindError {
    address: SocketAddr,
    problem: String,
}

/// A server that listens.
pub struct Server {
    http: tiny_http::Server,
    address: SocketAddr,
}

impl Server {
    /// Listens on `port`, or on the next free one after it.
    pub fn bind(host: IpAddr, port: u16) -> Result<Self, BindError> {
        let mut last = String::new();
        for candidate in port..=port.saturating_add(if port == 0 { 0 } else { PORTS }) {
            let address = SocketAddr::new(host, candidate);
            match tiny_http::Server::http(address) {
                Ok(http) => {
                    let address = http.server_addr().to_ip().unwrap_or(address);
                    return Ok(Self { http, address });
                }
                Err(problem) => last = problem.to_string(),
            }
        }
        Err(BindError { address: SocketAddr::new(host, port), problem: last })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers requests on several threads until `stop` is set.
    pub fn run(&self, site: &dyn Site, live: Option<&Live>, threads: usize, stop: &AtomicBool) {
        std::thread::scope(|scope| {
            if live.is_some() {
                scope.spawn(|| self.nudge(stop));
            }
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    while !stop.load(Ordering::SeqCst) {
                        match self.http.recv_timeout(PATIENCE) {
                            Ok(Some(request)) => answer(request, site, live),
                            Ok(None) => {}
                            Err(error) => tracing::warn!("cannot take a request: {error}"),
                        }
                    }
                    if let Some(live) = live {
                        live.close();
                    }
                });
            }
        });
    }
}

impl Server {
    /// Connects again and again. When two connections come at once and one of tiny_http's threads is free, it counts on that thread
    /// for both, and the second is served only when another connection ends, which those of open pages do not. Any further
    /// connection makes it start a thread, which goes on to what lies there.
    fn nudge(&self, stop: &AtomicBool) {
        while !stop.load(Ordering::SeqCst) {
            if let Err(error) = std::net::TcpStream::connect_timeout(&self.address, PATIENCE) {
                tracing::debug!("the server does not hear itself: {error}");
            }
            std::thread::sleep(NUDGE);
        }
    }
}

/// What goes back, but for the body of a HEAD.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn plain(status: u16, text: &str) -> Self {
        let headers = vec![("Content-Type", "text/plain; charset=utf-8".to_owned())];
        Self { status, headers, body: text.as_bytes().to_vec() }
    }
}

fn answer(request: Request, site: &dyn Site, live: Option<&Live>) {
    if let Some(live) = live.filter(|_| request.url().starts_with(LIVE_PATH)) {
        live.wait(request);
        return;
    }
    let none_match = header(&request, "If-None-Match");
    let answer = respond(request.method(), request.url(), none_match.as_deref(), site);
    send(request, answer);
}

fn send(request: Request, answer: Answer) {
    let mut response = Response::from_data(answer.body).with_status_code(answer.status);
    let security = [
        ("X-Content-Type-Options", "nosniff".to_owned()),
        ("Referrer-Policy", "same-origin".to_owned()),
        ("Content-Security-Policy", "frame-ancestors 'self'".to_owned()),
    ];
    for (name, value) in answer.headers.into_iter().chain(security) {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    // The other side may have gone; that is its business.
    if let Err(error) = request.respond(response) {
        tracing::debug!("an answer was not taken: {error}");
    }
}

fn header(request: &Request, name: &'static str) -> Option<String> {
    request.headers().iter().find(|header| header.field.equiv(name)).map(|header| header.value.to_string())
}

fn respond(method: &Method, url: &str, none_match: Option<&str>, site: &dyn Site) -> Answer {
    if !matches!(method, Method::Get | Method::Head) {
        let mut answer = Answer::plain(405, "only GET and HEAD\n");
        answer.headers.push(("Allow", "GET, HEAD".to_owned()));
        return answer;
    }
    let found = checked_path(url).and_then(|path| find(site, &path));
    let (status, path, bytes) = match found {
        Some((path, bytes)) => (200, path, bytes),
        None => match site.bytes("404.html") {
            Some(bytes) => (404, "404.html".to_owned(), bytes),
            None => return Answer::plain(404, "there is no such file\n"),
        },
    };
    let tag = format!("\"{}\"", &blake3::hash(&bytes).to_hex()[..32]);
    let cache = if is_fingerprinted(&path) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut headers = vec![("ETag", tag.clone()), ("Cache-Control", cache.to_owned())];
    let known = |tags: &str| {
        tags.split(',').any(
            |known| matches!(known.trim().trim_start_matches("W/"), known if known == tag || known == "*"),
        )
    };
    if status == 200 && none_match.is_some_and(known) {
        return Answer { status: 304, headers, body: Vec::new() };
    }
    headers.push(("Content-Type", media_type(&path)));
    Answer { status, headers, body: bytes }
}

/// The path of a URL, decoded once; `None` if it could name anything but a file below the root.
fn checked_path(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next().unwrap_or_default().strip_prefix('/')?;
    let path = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
    let path = path.strip_suffix('/').unwrap_or(&path);
    let bad_segment = |segment: &str| segment.is_empty() || segment.starts_with('.');
    let bad = path.contains(|c: char| c.is_control() || c == '\\' || c == ':')
        || (!path.is_empty() && path.split('/').any(bad_segment));
    (!bad).then(|| path.to_owned())
}

fn find(site: &dyn Site, path: &str) -> Option<(String, Vec<u8>)> {
    let candidates = if path.is_empty() {
        vec!["index.html".to_owned()]
    } else {
        vec![path.to_owned(), format!("{path}.html"), format!("{path}/index.html")]
    };
    candidates.into_iter().find_map(|path| site.bytes(&path).map(|bytes| (path, bytes)))
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

/// Shares a stop flag with threads.
pub fn stop_flag() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    struct Files(BTreeMap<&'static str, &'static str>);

    impl Site for Files {
        fn bytes(&self, path: &str) -> Option<Vec<u8>> {
            self.0.get(path).map(|text| text.as_bytes().to_vec())
        }
    }

    fn get(url: &str) -> Answer {
        let files = Files(BTreeMap::from([
            ("index.html", "start"),
            ("404.html", "nothing here"),
            ("conference/x.html", "a conference"),
            ("assets/css/main.0123456789ab.css", "style"),
            ("api/v1/meta.json", "{}"),
        ]));
        respond(&Method::Get, url, None, &files)
    }

    fn header_of(answer: &Answer, name: &str) -> String {
        answer
            .headers
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    }

    #[test]
    fn the_paths_of_the_web_part_lead_to_the_pages() {
        assert_eq!(get("/").body, b"start");
        assert_eq!(get("/conference/x?from=mail#top").body, b"a conference");
        assert_eq!(get("/conference/x.html").body, b"a conference");
        assert_eq!((get("/conference/y").status, get("/conference/y").body), (404, b"nothing here".to_vec()));
    }

    #[test]
    fn nothing_outside_the_site_can_be_named() {
        for url in [
            "/../etc/passwd",
            "/%2e%2e/x",
            "/a/%2e%2e%2fb",
            "//etc",
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
    fn a_link_that_leads_out_of_the_folder_is_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("site");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(place.path().join("secret"), "secret").unwrap();
        std::fs::write(root.join("page.html"), "page").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(place.path().join("secret"), root.join("leak")).unwrap();
        let folder = Folder::open(&root).unwrap();
        assert_eq!(folder.bytes("leak"), None);
        assert_eq!(folder.bytes("page.html").unwrap(), b"page");
        assert_eq!(folder.bytes(""), None);
    }

    #[test]
    fn fingerprinted_assets_may_be_kept_for_ever_and_pages_are_asked_for_again() {
        assert!(header_of(&get("/assets/css/main.0123456789ab.css"), "Cache-Control").contains("immutable"));
        assert_eq!(header_of(&get("/"), "Cache-Control"), "no-cache");
        assert_eq!(header_of(&get("/"), "Content-Type"), "text/html; charset=utf-8");
        assert_eq!(header_of(&get("/api/v1/meta.json"), "Content-Type"), "application/json; charset=utf-8");
    }

    #[test]
    fn a_known_tag_is_answered_with_304_and_no_body() {
        let tag = header_of(&get("/"), "ETag");
        let files = Files(BTreeMap::from([("index.html", "start")]));
        let again = respond(&Method::Get, "/", Some(&format!("\"other\", W/{tag}")), &files);
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(respond(&Method::Get, "/", Some("\"other\""), &files).status, 200);
    }

    #[test]
    fn only_reading_is_allowed() {
        let files = Files(BTreeMap::new());
        assert_eq!(respond(&Method::Post, "/", None, &files).status, 405);
    }
}
