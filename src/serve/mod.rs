//! A tiny file server for a published site. It answers from a [`Site`], a trait that gives the file of a path, so that it
//! cannot see a half-published one.
//!
//! How a request is answered, in order:
//!
//! 1. Its head is read by strict rules and within limits (`request`): 400, 414, 431, 505.
//! 2. It has to name this server (421), come from no other site's page (403), and have a password if one is asked for (401, 429).
//! 3. The live reload path, if live rebuild is on.
//! 4. Only GET and HEAD; anything else is 405.
//! 5. The path is decoded once and checked: what could name anything but a file of the site is 404.
//! 6. The site is asked for the path, then for `<path>.html` (the paths of the Peer Metrics web part), then for
//!    `<path>/index.html`.
//! 7. Nothing found: `404.html` with status 404.
//! 8. A compressed form that lies beside the file, if the client takes it and it is not older than the file.
//! 9. Conditions: 412 if the client expected another state, 304 if it has this one.
//! 10. A range: 206 with the stretch, 416 if it lies beyond the end. Several ranges are answered with the whole.
//! 11. The bytes, with media type, tag, time, cache rule and security headers.
//!
//! No answer repeats anything of its request, and none sends the client elsewhere.

mod answer;
mod conditions;
mod connections;
mod crew;
mod encoding;
mod fields;
mod guard;
mod live;
mod login;
mod policy;
mod range;
mod request;
mod site;
mod sockets;
mod wire;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use answer::{Answer, Question};
use connections::{Answers, Door, Hub, Limits, Reply};
use crew::{Crew, Worker};
pub use encoding::{Encoding, is_compressible};
pub use guard::Guard;
pub use live::{Line, Live, Look, Pages, Problem, Scripts, live_script, with_script};
pub use login::{Login, LoginError, hash_password};
use request::{Method, Reading, Request};
pub use site::{Body, Entry, Folder, Site};
use wire::{Progress, Sending};

/// How many ports after the wished one are tried.
const PORTS: u16 = 20;
/// How often a waiting thread looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often the threads are looked after; one that is at the same answer for so long makes a large page, and another comes.
const ROUND: Duration = Duration::from_millis(25);
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
    door: Mutex<Door>,
    address: SocketAddr,
    guard: Guard,
}

impl Server {
    /// Listens on `port`, or on the next free one after it.
    pub fn bind(host: IpAddr, port: u16) -> Result<Self, BindError> {
        let mut last = String::new();
        for candidate in port..=port.saturating_add(if port == 0 { 0 } else { PORTS }) {
            let address = SocketAddr::new(host, candidate);
            match sockets::listen(address).and_then(|listener| Self::on(listener, Limits::default())) {
                Ok(server) => return Ok(server),
                Err(problem) => last = problem.to_string(),
            }
        }
        Err(BindError { address: SocketAddr::new(host, port), problem: last })
    }

    fn on(listener: std::net::TcpListener, mut limits: Limits) -> io::Result<Self> {
        let address = listener.local_addr()?;
        if let Some(files) = sockets::raise_file_limit() {
            // Each may have a file open that it gets; the program has files of its own.
            limits.connections = limits.connections.min((files.saturating_sub(128) / 2).max(8) as usize);
        }
        Ok(Self { door: Mutex::new(Door::new(listener, limits)?), address, guard: Guard::default() })
    }

    /// The same server with a guard.
    #[must_use]
    pub fn guarded(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether only programs of this machine reach it.
    pub fn is_local(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }

    /// Answers requests on `threads` threads, besides those that are at a large page, until `stop` is set.
    pub fn run(&self, site: &dyn Site, live: Option<&Live>, threads: usize, stop: &AtomicBool) {
        let mut door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        let hub = door.hub();
        let front = Front { site, live, guard: &self.guard };
        std::thread::scope(|scope| {
            let start = |worker: Arc<Worker>| {
                let (hub, front) = (Arc::clone(&hub), &front);
                crew::spawn(scope, move || answer_requests(&worker, &hub, front, stop))
            };
            match Crew::new(threads, start) {
                Ok(crew) => look_after(&mut door, crew, stop),
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
}

fn look_after(door: &mut Door, mut crew: Crew<impl Fn(Arc<Worker>) -> io::Result<()>>, stop: &AtomicBool) {
    let mut looked = Instant::now();
    while !stop.load(Ordering::SeqCst) {
        if let Err(error) = door.wait(ROUND) {
            tracing::error!("connections cannot be waited for: {error}");
            std::thread::sleep(ROUND);
        }
        if looked.elapsed() >= ROUND {
            looked = Instant::now();
            crew.look_after();
        }
    }
}

fn answer_requests(worker: &Worker, hub: &Hub, front: &Front, stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) && !worker.is_replaced() {
        if let Some(connection) = hub.next(PATIENCE) {
            worker.answering(|| hub.go_on(&connection, front));
        }
    }
}

/// What a request meets first.
struct Front<'a> {
    site: &'a dyn Site,
    live: Option<&'a Live>,
    guard: &'a Guard,
}

impl Answers for Front<'_> {
    fn answer(&self, request: Request, peer: SocketAddr) -> Reply {
        if let Some(mut refusal) = self.guard.refusal(&request, peer.ip(), Instant::now()) {
            if request.method == Method::Head {
                refusal.part = 0..0;
            }
            return reply(refusal, true);
        }
        let path = request.url.split('?').next().unwrap_or_default();
        if let Some(live) = self.live.filter(|_| request.method == Method::Get && path == LIVE_PATH) {
            return live.wait(&request.url);
        }
        let Request { method, ref url, ref fields, last, .. } = request;
        let question = Question { method, url, headers: fields, now: now() };
        reply(answer::answer(&question, self.site), last)
    }

    fn refuse(&self, status: u16) -> Reply {
        reply(guard::refused(status, "this is no request that could be answered\n"), true)
    }
}

fn reply(answer: Answer, last: bool) -> Reply {
    match Sending::new(answer, last, now()) {
        Ok(sending) => Reply::Answer(sending, last),
        Err(error) => {
            tracing::warn!("a request is not answered: {error}");
            Reply::Close
        }
    }
}

/// What is sent on a connection on which these bytes come, each answer after the other, until one ends it or the bytes do. Without a socket
/// and without live rebuild, for tests.
pub fn converse(mut bytes: &[u8], site: &dyn Site, guard: &Guard) -> Vec<u8> {
    let front = Front { site, live: None, guard };
    let peer = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut sent = Vec::new();
    loop {
        let reply = match request::read(bytes) {
            Reading::Unfinished => return sent,
            Reading::Refused(status) => front.refuse(status),
            Reading::Whole(request, length) => {
                bytes = &bytes[length..];
                front.answer(request, peer)
            }
        };
        let Reply::Answer(mut sending, last) = reply else { return sent };
        loop {
            match sending.go_on(&mut sent, &mut Vec::new()) {
                Ok(Progress::Enough(_)) => {}
                Ok(Progress::Done) if !last => break,
                _ => return sent,
            }
        }
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
