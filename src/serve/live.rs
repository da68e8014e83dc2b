//! News for open pages under live rebuild: a page says where it is, and is sent how it should look, once at the beginning and
//! whenever that changes. What is sent is a state and not a step, so nothing can be missed between a reload and the next
//! connection. The generation only says when it is time to look again.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;

use super::connections::Reply;
use super::guard::refused;
use super::reply;

/// How often a page without news gets a sign of life, by which a closed one is noticed.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// A page that takes nothing for so long is gone.
const TAKES_NOTHING: Duration = Duration::from_millis(500);
/// Pages that may listen at the same time.
const LISTENERS: usize = 512;
/// Milliseconds after which a browser that lost the connection tries again.
const RETRY_MS: u32 = 500;

/// Where the script of open pages is served, below the root.
const SCRIPT_PATH: &str = "_peerpress/live.js";

/// The script of open pages and what it imports, by paths below the root.
pub fn live_script(path: &str) -> Option<&'static str> {
    match path {
        SCRIPT_PATH => Some(include_str!("../../assets/js/live/live.js")),
        "_peerpress/change.js" => Some(include_str!("../../assets/js/live/change.js")),
        _ => None,
    }
}

/// What a path may have unescaped within an attribute.
const IN_ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// From 1.
    pub number: usize,
    /// Without its end.
    pub text: String,
}

/// Why what was saved cannot be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// The file that it is in.
    pub file: Option<String>,
    /// Where in it, from 1.
    pub line: Option<usize>,
    /// From 1.
    pub column: Option<usize>,
    /// The file's lines around it.
    pub lines: Vec<Line>,
    /// What to do.
    pub hint: Option<String>,
}

/// How a page looks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Look {
    /// Of its bytes, in which style sheets have their logical names; `None` if there is no such page.
    pub digest: Option<String>,
    /// Published paths of its style sheets, by their logical names, both below `assets/`.
    pub styles: BTreeMap<String, String>,
    /// Why it is not as it was saved last.
    pub problem: Option<Problem>,
}

/// Knows how pages look.
pub trait Pages: Send + Sync {
    /// A page by its path below the root, as it is now.
    fn look(&self, path: &str) -> Look;
}

#[derive(Debug, Default)]
struct News {
    generation: u64,
    listeners: usize,
    closed: bool,
}

struct State {
    news: Mutex<News>,
    changed: Condvar,
    pages: Arc<dyn Pages>,
}

/// What the rebuild loop tells, and open pages hear.
#[derive(Clone)]
pub struct Live(Arc<State>);

impl Live {
    /// News of some pages.
    pub fn new(pages: Arc<dyn Pages>) -> Self {
        Self(Arc::new(State { news: Mutex::default(), changed: Condvar::new(), pages }))
    }

    /// Something changed: all open pages are looked at again, and those that look otherwise hear of it.
    pub fn tell(&self) {
        self.news().generation += 1;
        self.0.changed.notify_all();
    }

    /// Lets all open pages go.
    pub fn close(&self) {
        self.news().closed = true;
        self.0.changed.notify_all();
    }

    /// Sends a page its news as they come (server-sent events), on a thread of its own.
    pub(super) fn wait(&self, url: &str) -> Reply {
        let page = page_of(url);
        {
            let mut news = self.news();
            if news.listeners >= LISTENERS {
                return reply(refused(503, "too many open pages\n"), true);
            }
            news.listeners += 1;
        }
        let live = self.clone();
        let listens = move || live.news().listeners -= 1;
        let live = self.clone();
        Reply::Taken(Box::new(move |stream| {
            let waits = std::thread::Builder::new().name("news".to_owned()).spawn({
                let listens = listens.clone();
                move || {
                    if let Err(error) = live.tell_page(&page, stream.into()) {
                        tracing::debug!("a page went: {error}");
                    }
                    listens();
                }
            });
            if let Err(error) = waits {
                tracing::debug!("no thread for a page's news: {error}");
                listens();
            }
        }))
    }

    fn tell_page(&self, page: &str, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(TAKES_NOTHING))?;
        stream.write_all(HEAD)?;
        self.send(page, &mut stream, SIGN_OF_LIFE)
    }

    /// Sends the news of a page until it goes or all are let go.
    fn send(&self, page: &str, out: &mut dyn Write, sign_of_life: Duration) -> io::Result<()> {
        let mut seen = None;
        let mut sent = None;
        loop {
            let news = self.news();
            let nothing_new = |news: &mut News| Some(news.generation) == seen && !news.closed;
            let (news, waited) = self
                .0
                .changed
                .wait_timeout_while(news, sign_of_life, nothing_new)
                .unwrap_or_else(PoisonError::into_inner);
            if news.closed {
                return Ok(());
            }
            // Read before the page is looked at: a change during the look is found by the next round.
            let generation = news.generation;
            drop(news);
            if waited.timed_out() {
                out.write_all(b":\n\n")?;
                out.flush()?;
                continue;
            }
            seen = Some(generation);
            let look = self.0.pages.look(page);
            if sent.as_ref() == Some(&look) {
                continue;
            }
            let text = serde_json::to_string(&look)?;
            write!(out, "retry: {RETRY_MS}\nid: {generation}\ndata: {text}\n\n")?;
            out.flush()?;
            sent = Some(look);
        }
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.0.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\
    X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";

fn page_of(url: &str) -> String {
    let query = url.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let page = query.split('&').find_map(|pair| pair.strip_prefix("page=")).unwrap_or_default();
    percent_decode_str(page).decode_utf8_lossy().into_owned()
}

/// Whose the scripts of a site are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// All are those of the program, of which it is known what of a page they handle.
    BuiltIn,
    /// Some are the user's: where they are, pages are only loaded again and never changed in place.
    Others,
}

/// A page with the script that listens for its news, which its policy may have to let in. `digest` is of the page as it is shown.
/// It stands before the page's own deferred scripts, so that it sees the page as it was served.
pub fn with_script(html: &str, path: &str, digest: &str, scripts: Scripts) -> String {
    let path = utf8_percent_encode(path, IN_ATTRIBUTE);
    let scripts = match scripts {
        Scripts::BuiltIn => "built-in",
        Scripts::Others => "others",
    };
    let tag = format!(
        "<script type=\"module\" src=\"/{SCRIPT_PATH}\" data-live-page=\"{path}\" data-live-digest=\"{digest}\" data-live-scripts=\"{scripts}\"></script>\n"
    );
    let policy = "http-equiv=\"Content-Security-Policy\" content=\"";
    let Some((head, rest)) = html.split_once("</head>") else { return format!("{html}{tag}") };
    let head = match head.split_once(policy) {
        Some((before, after)) if !after.split('"').next().unwrap_or_default().contains("script-src") => {
            format!("{before}{policy}script-src 'self'; connect-src 'self'; {after}")
        }
        _ => head.to_owned(),
    };
    let (before, after) = head.split_at(head.find("<script").unwrap_or(head.len()));
    format!("{before}{tag}{after}</head>{rest}")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    #[derive(Default)]
    struct Books(Mutex<BTreeMap<String, Look>>);

    impl Books {
        fn set(&self, path: &str, digest: &str) {
            let look = Look { digest: Some(digest.to_owned()), ..Look::default() };
            self.0.lock().unwrap().insert(path.to_owned(), look);
        }
    }

    impl Pages for Books {
        fn look(&self, path: &str) -> Look {
            self.0.lock().unwrap().get(path).cloned().unwrap_or_default()
        }
    }

    /// Where an open page hears: one message per flush.
    struct Ear(Vec<u8>, Sender<String>);

    impl Write for Ear {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            let text = String::from_utf8(std::mem::take(&mut self.0)).unwrap();
            self.1.send(text).map_err(io::Error::other)
        }
    }

    fn open(live: &Live, page: &'static str, sign_of_life: Duration) -> Receiver<String> {
        let (sender, receiver) = channel();
        let live = live.clone();
        std::thread::spawn(move || live.send(page, &mut Ear(Vec::new(), sender), sign_of_life));
        receiver
    }

    fn digest(message: &str) -> String {
        let data = message.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let look: serde_json::Value = serde_json::from_str(data).unwrap();
        look["digest"].as_str().unwrap_or("none").to_owned()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_page_hears_how_it_looks_at_once_and_when_that_changes_and_only_then() {
        let pages = Arc::new(Books::default());
        pages.set("a", "1");
        pages.set("b", "1");
        let live = Live::new(pages.clone());
        let (a, b) = (open(&live, "a", LONG), open(&live, "b", LONG));
        assert_eq!((digest(&a.recv().unwrap()), digest(&b.recv().unwrap())), ("1".into(), "1".into()));
        pages.set("b", "2");
        live.tell();
        assert_eq!(digest(&b.recv().unwrap()), "2");
        pages.set("a", "3");
        live.tell();
        // The change of the other page was no news here: the first thing to be heard is the own one.
        assert_eq!(digest(&a.recv().unwrap()), "3");
        live.close();
        assert!(a.recv().is_err() && b.recv().is_err());
    }

    #[test]
    fn what_happened_while_nobody_listened_is_heard_by_the_next_connection() {
        let pages = Arc::new(Books::default());
        pages.set("a", "1");
        let live = Live::new(pages.clone());
        let first = open(&live, "a", LONG);
        assert_eq!(digest(&first.recv().unwrap()), "1");
        drop(first);
        pages.set("a", "2");
        live.tell();
        assert_eq!(digest(&open(&live, "a", LONG).recv().unwrap()), "2");
        live.close();
    }

    /// Its page changes while it is looked at.
    struct Moving(Mutex<u32>, std::sync::OnceLock<Live>);

    impl Pages for Moving {
        fn look(&self, _: &str) -> Look {
            let mut looks = self.0.lock().unwrap();
            *looks += 1;
            if *looks == 1 {
                self.1.get().unwrap().tell();
            }
            Look { digest: Some(looks.to_string()), ..Look::default() }
        }
    }

    #[test]
    fn a_change_during_the_look_is_not_lost() {
        let pages = Arc::new(Moving(Mutex::new(0), std::sync::OnceLock::new()));
        let live = Live::new(pages.clone());
        assert!(pages.1.set(live.clone()).is_ok());
        let page = open(&live, "a", LONG);
        assert_eq!((digest(&page.recv().unwrap()), digest(&page.recv().unwrap())), ("1".into(), "2".into()));
        live.close();
    }

    #[test]
    fn a_page_that_has_gone_is_noticed_without_news() {
        let live = Live::new(Arc::new(Books::default()));
        let page = open(&live, "a", Duration::from_millis(1));
        assert_eq!(digest(&page.recv().unwrap()), "none");
        assert_eq!(page.recv().unwrap(), ":\n\n");
        let pages = Arc::downgrade(&live.0);
        drop((page, live));
        // The sender's own handle goes when its next sign of life finds nobody.
        while pages.strong_count() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn the_page_is_named_by_the_query() {
        assert_eq!(page_of("/_peerpress/events?page=conference/x%20y.html"), "conference/x y.html");
        assert_eq!(page_of("/_peerpress/events?a=b&page=index.html"), "index.html");
        assert_eq!(page_of("/_peerpress/events"), "");
    }

    #[test]
    fn the_script_goes_into_the_head_before_others_and_the_policy_lets_it_in() {
        let shown = |html: &str| with_script(html, "x/\"><b>.html", "12", Scripts::BuiltIn);
        let tag = "<script type=\"module\" src=\"/_peerpress/live.js\" data-live-page=\"x/%22%3E%3Cb%3E.html\" \
                   data-live-digest=\"12\" data-live-scripts=\"built-in\"></script>\n";
        let page = "<head><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\"></head><body></head>";
        let (before, after) = page.split_once("default").unwrap();
        let (between, body) = after.split_once("</head>").unwrap();
        assert_eq!(
            shown(page),
            format!("{before}script-src 'self'; connect-src 'self'; default{between}{tag}</head>{body}")
        );
        // A policy that lets scripts in stays as it is.
        let page = "<head><meta http-equiv=\"Content-Security-Policy\" content=\"script-src 'self'\">";
        let rest = "<script src=\"a.js\" defer></script></head><body><script></script>";
        assert_eq!(shown(&format!("{page}{rest}")), format!("{page}{tag}{rest}"));
        assert_eq!(shown("<p>x"), format!("<p>x{tag}"));
    }

    #[test]
    fn what_the_script_imports_is_served_beside_it() {
        let script = live_script(SCRIPT_PATH).unwrap();
        let imports: Vec<_> = script.lines().filter_map(|line| line.split_once(" from \"./")).collect();
        assert!(!imports.is_empty());
        for (_, name) in imports {
            assert!(live_script(&format!("_peerpress/{}", name.trim_end_matches("\";"))).is_some(), "{name}");
        }
        assert_eq!(live_script("_peerpress/other.js"), None);
    }
}
