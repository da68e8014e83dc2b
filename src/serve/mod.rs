//! A tiny file server for a published site. It answers from a [`Site`], a trait that gives the file of a path, so that it
//! cannot see a half-published one.
//!
//! How a request is answered, in order:
//!
//! 1. The live reload path, if live rebuild is on.
//! 2. Only GET and HEAD; anything else is 405.
//! 3. The path is decoded once and checked: what could name anything but a file of the site is 404.
//! 4. The site is asked for the path, then for `<path>.html` (the paths of the Peer Metrics web part), then for
//!    `<path>/index.html`.
//! 5. Nothing found: `404.html` with status 404.
//! 6. A compressed form that lies beside the file, if the client takes it and it is not older than the file.
//! 7. Conditions: 412 if the client expected another state, 304 if it has this one.
//! 8. A range: 206 with the stretch, 416 if it lies beyond the end. Several ranges are answered with the whole.
//! 9. The bytes, with media type, tag, time, cache rule and security headers.

mod answer;
mod conditions;
mod crew;
mod encoding;
mod fields;
mod live;
mod policy;
mod range;
mod site;
mod sockets;
mod wire;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tiny_http::Request;

use answer::Question;
use crew::{Crew, Worker};
pub use encoding::{Encoding, is_compressible};
use fields::Fields;
pub use live::{Line, Live, Look, Pages, Problem, SCRIPT, SCRIPT_PATH, with_script};
pub use site::{Body, Entry, Folder, Site};

/// How many ports after the wished one are tried.
const PORTS: u16 = 20;
/// How often a waiting thread looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often the threads are looked after; one that is at the same answer for so long is held by a slow client.
const ROUND: Duration = Duration::from_millis(25);
/// For how many rounds after an answer connections may lie about, see [`sockets::nudge`].
const WAKE: u32 = 40;
/// How many of them are helped per round, at most.
const NUDGES: usize = 4;
/// Where pages ask for news under live rebuild.
const LIVE_PATH: &str = "/_peerpress/events";

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
            match sockets::listen(address).map_err(Into::into).and_then(Self::on) {
                Ok(server) => return Ok(server),
                Err(problem) => last = problem.to_string(),
            }
        }
        Err(BindError { address: SocketAddr::new(host, port), problem: last })
    }

    fn on(listener: std::net::TcpListener) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let address = listener.local_addr()?;
        sockets::raise_file_limit();
        Ok(Self { http: tiny_http::Server::from_listener(listener, None)?, address })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers requests on `threads` threads, besides those that slow clients hold, until `stop` is set.
    pub fn run(&self, site: &dyn Site, live: Option<&Live>, threads: usize, stop: &AtomicBool) {
        std::thread::scope(|scope| {
            let start = |worker: Arc<Worker>| {
                crew::spawn(scope, move || self.answer_requests(&worker, site, live, stop))
            };
            match Crew::new(threads, start) {
                Ok(crew) => self.look_after(crew, stop),
                Err(error) => {
                    tracing::error!("no threads can be started to answer: {error}");
                    stop.store(true, Ordering::SeqCst);
                }
            }
            if let Some(live) = live {
                live.close();
            }
        });
    }

    fn look_after(&self, mut crew: Crew<impl Fn(Arc<Worker>) -> io::Result<()>>, stop: &AtomicBool) {
        let mut quiet = WAKE;
        while !stop.load(Ordering::SeqCst) {
            std::thread::sleep(ROUND);
            quiet = if crew.look_after() { 0 } else { quiet.saturating_add(1) };
            if quiet < WAKE {
                (0..NUDGES).for_each(|_| sockets::nudge(self.address));
            }
        }
    }

    fn answer_requests(&self, worker: &Worker, site: &dyn Site, live: Option<&Live>, stop: &AtomicBool) {
        while !stop.load(Ordering::SeqCst) && !worker.is_replaced() {
            match self.http.recv_timeout(PATIENCE) {
                Ok(Some(request)) => worker.answering(|| answer(request, site, live, stop)),
                Ok(None) => {}
                Err(error) => tracing::error!(
                    "no further connections are accepted: {error}\nhint: raise the limit of open files (ulimit -n)"
                ),
            }
        }
    }
}

fn answer(request: Request, site: &dyn Site, live: Option<&Live>, stop: &AtomicBool) {
    if let Some(live) = live.filter(|_| request.url().starts_with(LIVE_PATH)) {
        live.wait(request);
        return;
    }
    let now = now();
    let question = Question { method: request.method(), url: request.url(), headers: request.headers(), now };
    let answer = answer::answer(&question, site);
    let last = Fields::new(request.headers())
        .get("Connection")
        .is_some_and(|connection| connection.to_ascii_lowercase().contains("close"));
    let written = wire::write(&mut request.into_writer(), answer, last, now, stop);
    match written {
        // The other side may have gone; that is its business.
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => {
            tracing::debug!("an answer was not taken: {error}");
        }
        Err(error) => tracing::warn!("an answer was cut short: {error}"),
        Ok(()) => {}
    }
}

#[expect(clippy::disallowed_methods, reason = "an answer says when it was given")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Shares a stop flag with threads.
pub fn stop_flag() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

#[cfg(test)]
mod tests;
