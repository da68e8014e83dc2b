//! News for open pages under live rebuild: a page asks with the last generation it knows, and is answered when there is a
//! newer one, or told after a while to ask again.

use std::io::Cursor;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tiny_http::{Request, Response};

/// How long a page waits for news.
const WAIT: Duration = Duration::from_secs(20);
/// Pages that may wait at the same time; more are told to ask again at once.
const WAITING: usize = 64;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Update {
    /// `reload`, `css` or `error`.
    pub kind: &'static str,
    /// What to show, for an error.
    pub message: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct News {
    generation: u64,
    #[serde(flatten)]
    update: Update,
}

#[derive(Debug)]
struct State {
    news: Mutex<(News, usize)>,
    changed: Condvar,
    closed: AtomicBool,
}

/// What the rebuild loop tells, and open pages hear.
#[derive(Debug, Clone)]
pub struct Live(Arc<State>);

impl Default for Live {
    fn default() -> Self {
        let update = Update { kind: "reload", message: None };
        Self(Arc::new(State {
            news: Mutex::new((News { generation: 0, update }, 0)),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
        }))
    }
}

impl Live {
    /// Tells all open pages.
    pub fn tell(&self, update: Update) {
        let mut news = self.0.news.lock().unwrap_or_else(PoisonError::into_inner);
        news.0 = News { generation: news.0.generation + 1, update };
        self.0.changed.notify_all();
    }

    /// Lets all waiting pages go.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
        self.0.changed.notify_all();
    }

    /// Answers a page when there is news, on a thread of its own.
    pub(super) fn wait(&self, request: Request) {
        let since = request
            .url()
            .split_once("since=")
            .and_then(|(_, rest)| rest.split('&').next()?.parse::<u64>().ok());
        {
            let mut news = self.0.news.lock().unwrap_or_else(PoisonError::into_inner);
            if news.1 >= WAITING {
                drop(news);
                respond(request, &self.current());
                return;
            }
            news.1 += 1;
        }
        let live = self.clone();
        std::thread::spawn(move || {
            let news = live.0.news.lock().unwrap_or_else(PoisonError::into_inner);
            let same = |news: &mut (News, usize)| {
                Some(news.0.generation) == since && !live.0.closed.load(Ordering::SeqCst)
            };
            let (mut news, _) =
                live.0.changed.wait_timeout_while(news, WAIT, same).unwrap_or_else(PoisonError::into_inner);
            news.1 -= 1;
            let answer = news.0.clone();
            drop(news);
            respond(request, &answer);
        });
    }

    fn current(&self) -> News {
        self.0.news.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

fn respond(request: Request, news: &News) {
    let body = serde_json::to_vec(news).unwrap_or_default();
    let mut response = Response::new(200.into(), vec![], Cursor::new(body.clone()), Some(body.len()), None);
    for (name, value) in [("Content-Type", "application/json"), ("Cache-Control", "no-store")] {
        if let Ok(header) = tiny_http::Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    if let Err(error) = request.respond(response) {
        tracing::debug!("an answer was not taken: {error}");
    }
}
