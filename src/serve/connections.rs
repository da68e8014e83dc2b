//! All connections of the server: one thread waits for any of them, and others go on with those that have something to do. No thread
//! waits for a client, so that slow ones cost memory only, and of that little.
//!
//! What a client may take: [`HEAD_TIME`] for a whole head, [`IDLE`] between requests, and [`SEND_TIME`] for each [`SEND_LEAST`] bytes
//! of an answer. There are so many connections at most; for one more, the one that has waited longest for a request is closed.

use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};

use super::request::{self, Reading, Request};
use super::wire::{Progress, Sending};

/// The time from the beginning of a head, or of a connection, to its end.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The time that a connection may rest between two requests.
const IDLE: Duration = Duration::from_secs(60);
/// The time in which a client has to take so many bytes of its answer.
const SEND_TIME: Duration = Duration::from_secs(60);
/// Bytes.
const SEND_LEAST: u64 = 16 * 1024;
/// The time in which what a client still sends is thrown away, so that it can read why.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes that are thrown away.
const FAREWELL_BYTES: usize = 256 * 1024;
/// How often the times are looked at.
const SWEEP: Duration = Duration::from_millis(250);
/// Bytes that are read at once.
const CHUNK: usize = 4096;
/// Requests of one connection that are answered before others have their turn.
const IN_A_ROW: usize = 32;

/// What the client of a head that does not come to its end is told, if it listens.
const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

const LISTENER: Token = Token(0);

/// What a request is answered with.
pub(super) enum Reply {
    /// An answer; whether the connection ends with it.
    Answer(Sending, bool),
    /// The connection is somebody else's from now on.
    Taken(Box<dyn FnOnce(TcpStream) + Send>),
    /// There is no answer.
    Close,
}

/// What the connections are for.
pub(super) trait Answers: Sync {
    /// Answers a whole request.
    fn answer(&self, request: Request, peer: SocketAddr) -> Reply;
    /// Answers what is no request, by a status.
    fn refuse(&self, status: u16) -> Reply;
}

/// Who has a connection. An event while somebody has it makes that one look again.
mod turn {
    pub(super) const NOBODY: u8 = 0;
    pub(super) const SOMEBODY: u8 = 1;
    pub(super) const AGAIN: u8 = 2;
}

/// A connection. Its lock is held by whoever goes on with it.
pub(super) struct Connection {
    token: Token,
    peer: SocketAddr,
    turn: AtomicU8,
    /// Milliseconds after the server's start at which it is cut.
    cut: AtomicU64,
    /// Whether it waits for a request, by [`WAITING`] and so on.
    waits: AtomicU8,
    talk: Mutex<Talk>,
}

/// What a connection waits for; the first in this order go first where there are too many.
const WAITING: u8 = 0;
const SENDING: u8 = 1;

struct Talk {
    stream: Option<TcpStream>,
    input: Vec<u8>,
    /// Whether the time runs in which a head has to become whole.
    begun: bool,
    sending: Option<Sending>,
    /// Bytes that were taken since its time was set.
    taken: u64,
    last: bool,
    /// Bytes that were thrown away since the last answer.
    thrown: Option<usize>,
}

/// What connections and threads share.
pub(super) struct Hub {
    registry: Registry,
    start: Instant,
    ready: Mutex<VecDeque<Arc<Connection>>>,
    any: Condvar,
    ended: Mutex<Vec<Token>>,
    limits: Limits,
}

/// How much is allowed. Tests have others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) connections: usize,
    pub(super) head: Duration,
    pub(super) idle: Duration,
    pub(super) send: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 4096, head: HEAD_TIME, idle: IDLE, send: SEND_TIME }
    }
}

/// The side that waits for connections and for what comes on them.
pub(super) struct Door {
    poll: Poll,
    events: Events,
    listener: TcpListener,
    /// Whether there may be connections that were not taken yet.
    more: bool,
    next: usize,
    open: HashMap<Token, Arc<Connection>>,
    swept: Instant,
    hub: Arc<Hub>,
}

impl Door {
    /// Lets connections of a listening socket in.
    pub(super) fn new(listener: std::net::TcpListener, limits: Limits) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener);
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let start = Instant::now();
        let hub = Hub {
            registry: poll.registry().try_clone()?,
            start,
            ready: Mutex::default(),
            any: Condvar::new(),
            ended: Mutex::default(),
            limits,
        };
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            listener,
            more: true,
            next: LISTENER.0,
            open: HashMap::new(),
            swept: start,
            hub: Arc::new(hub),
        })
    }

    pub(super) fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.hub)
    }

    /// Waits for so long, or until something comes, and has it seen to.
    pub(super) fn wait(&mut self, time: Duration) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(time)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &self.events {
            if event.token() == LISTENER {
                self.more = true;
            } else if let Some(connection) = self.open.get(&event.token()) {
                self.hub.wake(connection);
            }
        }
        let ended = std::mem::take(&mut *lock(&self.hub.ended));
        for token in ended {
            self.open.remove(&token);
        }
        if self.more {
            self.let_in();
        }
        if self.swept.elapsed() >= SWEEP {
            self.sweep();
        }
        Ok(())
    }

    fn let_in(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((stream, peer)) => {
                    if self.open.len() >= self.hub.limits.connections {
                        self.make_room();
                    }
                    if let Err(error) = self.welcome(stream, peer) {
                        tracing::debug!("a connection could not be taken: {error}");
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.more = false;
                    return;
                }
                // The client went in between.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::Interrupted | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
                    ) => {}
                // No files are left: tried again after the next wait.
                Err(error) => {
                    tracing::debug!("no connection could be taken: {error}");
                    self.make_room();
                    return;
                }
            }
        }
    }

    fn welcome(&mut self, mut stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        self.next += 1;
        let token = Token(self.next);
        let both = Interest::READABLE | Interest::WRITABLE;
        self.hub.registry.register(&mut stream, token, both)?;
        let talk = Talk {
            stream: Some(stream),
            input: Vec::new(),
            begun: true,
            sending: None,
            taken: 0,
            last: false,
            thrown: None,
        };
        let connection = Connection {
            token,
            peer,
            turn: AtomicU8::new(turn::NOBODY),
            cut: AtomicU64::new(self.hub.after(self.hub.limits.head)),
            waits: AtomicU8::new(WAITING),
            talk: Mutex::new(talk),
        };
        self.open.insert(token, Arc::new(connection));
        Ok(())
    }

    /// Closes the connection that has waited longest for a request, or else for its client.
    fn make_room(&mut self) {
        let rank = |connection: &Connection| {
            (
                connection.waits.load(Ordering::Relaxed),
                connection.cut.load(Ordering::Relaxed),
                connection.token.0,
            )
        };
        if let Some(token) = self.open.values().min_by_key(|one| rank(one)).map(|one| one.token) {
            self.cut(token);
        }
    }

    /// Closes those whose time is over.
    fn sweep(&mut self) {
        self.swept = Instant::now();
        let now = self.hub.after(Duration::ZERO);
        let over: Vec<Token> = self
            .open
            .values()
            .filter(|one| one.cut.load(Ordering::Relaxed) <= now)
            .map(|one| one.token)
            .collect();
        for token in over {
            self.cut(token);
        }
    }

    fn cut(&mut self, token: Token) {
        let Some(connection) = self.open.get(&token) else { return };
        // Whoever is at it at this moment is not at its end: an answer is being made, and has its time afterwards.
        let Ok(mut talk) = connection.talk.try_lock() else { return };
        let unfinished = !talk.input.is_empty() && talk.sending.is_none();
        if let Some(mut stream) = talk.stream.take()
            && unfinished
            && let Err(error) = stream.write(TOO_SLOW)
        {
            tracing::debug!("a slow client is not told so: {error}");
        }
        drop(talk);
        self.open.remove(&token);
    }
}

impl Hub {
    /// Milliseconds after the start at which a time from now on is over.
    fn after(&self, time: Duration) -> u64 {
        (self.start.elapsed() + time).as_millis() as u64
    }

    /// Has somebody go on with a connection, or whoever does so look again.
    fn wake(&self, connection: &Arc<Connection>) {
        let next = |now| Some(if now == turn::NOBODY { turn::SOMEBODY } else { turn::AGAIN });
        let before = connection.turn.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        if before == Ok(turn::NOBODY) {
            self.queue(Arc::clone(connection));
        }
    }

    fn queue(&self, connection: Arc<Connection>) {
        lock(&self.ready).push_back(connection);
        self.any.notify_one();
    }

    /// The next connection that has something to do, if one comes in time.
    pub(super) fn next(&self, time: Duration) -> Option<Arc<Connection>> {
        let ready = lock(&self.ready);
        let waited = self.any.wait_timeout_while(ready, time, |ready| ready.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.pop_front()
    }

    /// Goes on with a connection until it has to wait.
    pub(super) fn go_on(&self, connection: &Arc<Connection>, answers: &dyn Answers) {
        loop {
            connection.turn.store(turn::SOMEBODY, Ordering::Release);
            let step = {
                let mut talk = lock(&connection.talk);
                let step = self.talk(connection, &mut talk, answers);
                if matches!(step, Step::End) {
                    talk.stream = None;
                }
                step
            };
            match step {
                Step::End => {
                    lock(&self.ended).push(connection.token);
                    return;
                }
                Step::OthersFirst => {
                    self.queue(Arc::clone(connection));
                    return;
                }
                Step::Wait => {
                    let rest = connection.turn.compare_exchange(
                        turn::SOMEBODY,
                        turn::NOBODY,
                        Ordering::AcqRel,
                        Ordering::Acquire,
                    );
                    if rest.is_ok() {
                        return;
                    }
                }
            }
        }
    }

    fn talk(&self, connection: &Connection, talk: &mut Talk, answers: &dyn Answers) -> Step {
        let until = |time, waits| {
            connection.cut.store(self.after(time), Ordering::Relaxed);
            connection.waits.store(waits, Ordering::Relaxed);
        };
        let mut chunk = Vec::new();
        let mut answered = 0;
        loop {
            let Some(stream) = &mut talk.stream else { return Step::End };
            if let Some(sending) = &mut talk.sending {
                match sending.go_on(stream, &mut chunk) {
                    Ok(Progress::Done) if talk.last => {
                        talk.sending = None;
                        // What is closed with bytes unread is reset, and the client may never see its answer.
                        talk.thrown = Some(0);
                        if stream.shutdown(Shutdown::Write).is_err() {
                            return Step::End;
                        }
                        until(FAREWELL, WAITING);
                    }
                    Ok(Progress::Done) => {
                        talk.sending = None;
                        until(self.limits.idle, WAITING);
                    }
                    Ok(progress @ (Progress::Blocked(taken) | Progress::Enough(taken))) => {
                        talk.taken += taken;
                        if talk.taken >= SEND_LEAST {
                            talk.taken = 0;
                            until(self.limits.send, SENDING);
                        }
                        let blocked = matches!(progress, Progress::Blocked(_));
                        return if blocked { Step::Wait } else { Step::OthersFirst };
                    }
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                        tracing::warn!("an answer was cut short: {error}");
                        return Step::End;
                    }
                    Err(error) => {
                        // The other side may have gone; that is its business.
                        tracing::debug!("an answer was not taken: {error}");
                        return Step::End;
                    }
                }
                continue;
            }
            if let Some(thrown) = &mut talk.thrown {
                let mut bytes = [0; CHUNK];
                match stream.read(&mut bytes) {
                    Ok(0) => return Step::End,
                    Ok(read) if *thrown + read > FAREWELL_BYTES => return Step::End,
                    Ok(read) => *thrown += read,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Step::Wait,
                    Err(_) => return Step::End,
                }
                continue;
            }
            let reply = match request::read(&talk.input) {
                Reading::Unfinished => None,
                Reading::Whole(request, length) => {
                    talk.input.drain(..length);
                    Some(answers.answer(request, connection.peer))
                }
                Reading::Refused(status) => Some(answers.refuse(status)),
            };
            match reply {
                Some(Reply::Answer(sending, last)) => {
                    talk.begun = false;
                    talk.taken = 0;
                    talk.last = last;
                    talk.sending = Some(sending);
                    if last {
                        talk.input = Vec::new();
                    }
                    until(self.limits.send, SENDING);
                    answered += 1;
                    if answered % IN_A_ROW == 0 {
                        return Step::OthersFirst;
                    }
                    continue;
                }
                Some(Reply::Taken(by)) => {
                    if let Some(mut stream) = talk.stream.take() {
                        if let Err(error) = self.registry.deregister(&mut stream) {
                            tracing::debug!("a connection is still watched: {error}");
                        }
                        by(stream);
                    }
                    return Step::End;
                }
                Some(Reply::Close) => return Step::End,
                None => {}
            }
            match read_line(stream, &mut talk.input) {
                Ok(0) => return Step::End,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if talk.input.is_empty() {
                        // An empty buffer of a resting connection takes no memory.
                        talk.input = Vec::new();
                    } else if !talk.begun {
                        talk.begun = true;
                        until(self.limits.head, WAITING);
                    }
                    return Step::Wait;
                }
                Err(_) => return Step::End,
            }
        }
    }
}

enum Step {
    /// Until something comes, or there is room for more.
    Wait,
    /// It goes on, but has had its turn.
    OthersFirst,
    End,
}

/// Reads the beginning of a head, or on until there may be all of it, so that one that comes byte by byte is not looked at as often.
fn read_line(stream: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<usize> {
    let mut bytes = [0; CHUNK];
    let first = input.is_empty();
    loop {
        let room = (request::HEAD - input.len()).min(CHUNK);
        match stream.read(&mut bytes[..room]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(read) => {
                input.extend_from_slice(&bytes[..read]);
                if read == 0 || first || input.len() >= request::HEAD || bytes[..read].contains(&b'\n') {
                    return Ok(read);
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
