//! `peerpress serve`: build, serve, and build again behind the server when something changes.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::build::{self, How, Stages, Summary};
use super::preview::{ContextWriter, Contexts, Preview, Taken, same_data};
use super::{Done, Session, Usage, locks, sealing, settings, snapshot};
use crate::cli;
use crate::serve::{Folder, Guard, Live, Login, Pages, Server};
use crate::snapshot::Snapshot;
use crate::source::{ConnectionSettings, Listener};
use crate::watch::watch;

/// How long one wait for news of the database takes.
const LISTEN: Duration = Duration::from_secs(5);
/// The usual port.
const PORT: u16 = 8000;
/// Threads that answer.
const THREADS: usize = 4;
/// After a save, `output/` is left alone for so long: the processor belongs to the page that somebody waits for.
const AFTER_SAVE: Duration = Duration::from_millis(400);
/// How long the end of the program waits for a build that publishes; what is cut off then, the next build finishes.
const FAREWELL: Duration = Duration::from_secs(1);
/// How much others come before a build behind the server.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Where and for whom the command line wants a server; the rest is up to the settings file.
#[derive(Debug, Default)]
pub struct Wish<'a> {
    /// The address.
    pub host: Option<IpAddr>,
    /// The port.
    pub port: Option<u16>,
    /// Names with the files of their passwords' hashes.
    pub auth: &'a [String],
    /// Names of the server.
    pub host_names: &'a [String],
}

impl<'a> Wish<'a> {
    fn of(args: &'a cli::Serve) -> Self {
        Self { host: args.host, port: args.port, auth: &args.auth, host_names: &args.host_name }
    }
}

/// The server that the command line or the settings file ask for.
pub fn bind(session: &Session, wish: &Wish) -> anyhow::Result<Server> {
    let config = &session.config.serve;
    let given = |args: &[String], settings: &Option<Vec<String>>| {
        if args.is_empty() { settings.clone().unwrap_or_default() } else { args.to_vec() }
    };
    let auth = given(wish.auth, &config.auth);
    let login = if auth.is_empty() { None } else { Some(login(&auth)?) };
    let open = login.is_none();
    let guard = Guard::new(&given(wish.host_names, &config.host_names), login);
    let host = wish.host.or(config.host).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let server = Server::bind(host, wish.port.or(config.port).unwrap_or(PORT))?.guarded(guard);
    if !server.is_local() {
        session.warn(if open {
            "whoever reaches this machine over the network can see these calls\nhint: --auth NAME:FILE asks for a password; \
             deploy/ has proxies with TLS"
        } else {
            "without TLS, passwords and calls can be read on their way\nhint: listen on this machine only, behind a proxy \
             as in deploy/"
        });
    }
    Ok(server)
}

/// Reads the files of `--auth`.
fn login(auth: &[String]) -> anyhow::Result<Login> {
    let mut users = Vec::new();
    for given in auth {
        let Some((name, file)) = given.split_once(':').filter(|(_, file)| !file.is_empty()) else {
            let hint = "--auth ana:ana.hash, with a file that `peerpress hash-password` made";
            return Err(Usage(format!("--auth takes NAME:FILE, not {given:?}\nhint: {hint}")).into());
        };
        let hash = std::fs::read_to_string(file).map_err(|error| {
            Usage(format!("cannot read {file}: {error}\nhint: peerpress hash-password >{file}"))
        })?;
        users.push((name.to_owned(), hash));
    }
    Login::new(&users).map_err(|error| Usage(error.to_string()).into())
}

/// Serves a published site until the user ends the program.
pub fn serve_folder(session: &Session, server: &Server, output: &std::path::Path) -> anyhow::Result<()> {
    let folder = Folder::open(output).map_err(|error| {
        anyhow::anyhow!(
            "cannot serve {}: {error}\nhint: build it first with `peerpress build`",
            output.display()
        )
    })?;
    session.say(&format!("serving {} on {} (Ctrl-C ends it)", output.display(), server.url()));
    server.run(&folder, None, THREADS, &session.stop);
    Ok(())
}

/// Runs the command.
pub fn run(session: &Session, args: &cli::Serve) -> anyhow::Result<Done> {
    if args.build.mail.is_some() {
        let hint = "peerpress build --mail FILE writes it";
        return Err(Usage(format!("serve writes no mail\nhint: {hint}")).into());
    }
    let folders = settings::folders(session, &args.build.site);
    if args.as_is {
        let server = bind(session, &Wish::of(args))?;
        serve_folder(session, &server, &folders.output)?;
        return Ok(Done::Well);
    }
    if settings::encrypt(session, &args.build.site) {
        return Err(Usage(sealing::NOT_LIVE.to_owned()).into());
    }
    // Each save would publish a site without its signature.
    if settings::signing_key(session, &args.build.site).is_some() {
        let hint = "peerpress build signs a site, and peerpress serve --static shows it";
        return Err(Usage(format!("a site is not signed while it is worked on\nhint: {hint}")).into());
    }
    let mut stages = Stages::default();
    let (mut snapshot, lock) = build::snapshot_of(session, &args.build, &mut stages)?;
    let contexts = ContextWriter::create(&folders.state)?;
    let how = How { contexts: Some(&contexts), ..How::default() };
    let summary = build::render_sound(session, &mut snapshot, &args.build, how, &mut stages)?;
    session.say(&summary.text());
    drop(lock);
    let server = bind(session, &Wish::of(args))?;
    let databases = match args.build.from {
        Some(_) => Vec::new(),
        None => settings::databases(session, &args.build.database)?,
    };
    session.say(&format!(
        "serving {} on {} with live rebuild (Ctrl-C ends it)",
        folders.output.display(),
        server.url()
    ));
    let updates = Updates::new(session, args, &snapshot, contexts.finish()?)?;
    keep_up(session, args, &server, &Arc::new(updates), snapshot, databases);
    Ok(Done::Well)
}

/// Says of every change at once that there is new data, if the database tells of them.
fn listen(session: &Session, database: &ConnectionSettings, wake: &Sender<()>) {
    let mut listener = match Listener::open(database) {
        Ok(Some(listener)) => listener,
        Ok(None) => return,
        Err(error) => {
            tracing::debug!("not told of changes: {error}");
            return;
        }
    };
    session.say("told of changes by the database");
    loop {
        match listener.wait(LISTEN) {
            Ok(true) if wake.send(()).is_err() => return,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!("not told of changes: {error}");
                std::thread::sleep(LISTEN);
            }
        }
    }
}

/// Serves, and keeps everything up to date, until the user ends the program.
fn keep_up(
    session: &Session,
    args: &cli::Serve,
    server: &Server,
    updates: &Arc<Updates>,
    snapshot: Snapshot,
    databases: Vec<ConnectionSettings>,
) {
    // Whoever has the other end can say that there is new data.
    let (wake, woken) = channel();
    for database in databases.clone() {
        let (session, wake) = (Arc::clone(&updates.session), wake.clone());
        std::thread::spawn(move || listen(&session, &database, &wake));
    }
    if !databases.is_empty() {
        let (updates, interval) = (Arc::clone(updates), Duration::from_secs(args.interval));
        std::thread::spawn(move || {
            while wait_for_data(&woken, interval) {
                updates.want(|wanted| wanted.data = true);
            }
        });
    }
    let (at_work, idle) = channel::<()>();
    let (worker, build) = (Arc::clone(updates), args.build.clone());
    std::thread::spawn(move || {
        let _at_work = at_work;
        worker.work(&build, snapshot, &databases);
    });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            server.run(updates.preview.as_ref(), Some(&updates.live), THREADS, &session.stop);
        });
        // Without the watcher the server still has the site; it ends with the program.
        if let Err(error) = watch(&updates.preview.watched(), &session.stop, |files| updates.saved(files)) {
            tracing::warn!("files are not watched: {error}");
        }
    });
    updates.want(|wanted| wanted.end = true);
    updates.cancel.store(true, Ordering::SeqCst);
    if idle.recv_timeout(FAREWELL) == Err(RecvTimeoutError::Timeout) {
        tracing::debug!("a build is cut off; the next one finishes it");
    }
}

/// Waits until it is time to look for new data: when woken, else after the interval. `false` when nobody can wake any more,
/// which is the end.
fn wait_for_data(woken: &Receiver<()>, interval: Duration) -> bool {
    !matches!(woken.recv_timeout(interval), Err(RecvTimeoutError::Disconnected))
}

/// What is to be done behind the server.
#[derive(Debug, Default)]
struct Wanted {
    /// How many saves there were since a build began.
    saves: u64,
    data: bool,
    end: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Build,
    LookForData,
}

/// Brings the site as it is shown, and `output/`, up to date.
struct Updates {
    session: Arc<Session>,
    preview: Arc<Preview>,
    live: Live,
    wanted: Mutex<Wanted>,
    changed: Condvar,
    /// Ends the build that runs.
    cancel: Arc<AtomicBool>,
}

impl Updates {
    fn new(
        session: &Session,
        args: &cli::Serve,
        snapshot: &Snapshot,
        contexts: Contexts,
    ) -> anyhow::Result<Self> {
        let cancel = Arc::new(AtomicBool::new(false));
        let session = Arc::new(Session { stop: Arc::clone(&cancel), ..session.with(session.config.clone()) });
        let preview = Preview::new(Arc::clone(&session), &args.build.site, snapshot.clone(), contexts)?;
        let preview = Arc::new(preview);
        let live = Live::new(Arc::clone(&preview) as Arc<dyn Pages>);
        Ok(Self { session, preview, live, wanted: Mutex::default(), changed: Condvar::new(), cancel })
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn want(&self, change: impl FnOnce(&mut Wanted)) {
        change(&mut self.wanted());
        self.changed.notify_all();
    }

    /// Shows what was saved, and has `output/` follow.
    fn saved(&self, files: &[PathBuf]) {
        self.session.right_of_way.take(AFTER_SAVE);
        let taken = self.preview.take_saved();
        tracing::debug!("saved: {files:?}: {taken:?}");
        if taken == Taken::Same {
            return;
        }
        self.live.tell();
        if taken == Taken::New {
            self.want(|wanted| wanted.saves += 1);
            self.cancel.store(true, Ordering::SeqCst);
        }
    }

    /// The next task; `None` at the end. A build waits until no more is saved.
    fn next(&self) -> Option<Task> {
        let mut wanted = self.wanted();
        loop {
            let idle = |wanted: &mut Wanted| wanted.saves == 0 && !wanted.data && !wanted.end;
            wanted = self.changed.wait_while(wanted, idle).unwrap_or_else(PoisonError::into_inner);
            let saves = wanted.saves;
            if saves > 0 && !wanted.end {
                let quiet = |wanted: &mut Wanted| wanted.saves == saves && !wanted.end;
                let waited = self.changed.wait_timeout_while(wanted, AFTER_SAVE, quiet);
                wanted = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            if wanted.end {
                return None;
            }
            if wanted.saves != saves {
                continue;
            }
            self.cancel.store(false, Ordering::SeqCst);
            if saves > 0 {
                wanted.saves = 0;
                return Some(Task::Build);
            }
            wanted.data = false;
            return Some(Task::LookForData);
        }
    }

    /// Does what is wanted, until the end.
    fn work(&self, args: &cli::Build, mut snapshot: Snapshot, databases: &[ConnectionSettings]) {
        // Threads that are begun here inherit it.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::nice(NICE) {
            tracing::debug!("builds have the usual priority: {error}");
        }
        self.preview.warm_up();
        let mut said = None;
        while let Some(task) = self.next() {
            match (task, databases) {
                (Task::Build, _) | (_, []) => self.build(&args.site, &snapshot),
                (Task::LookForData, databases) => {
                    let target = settings::snapshot_folder(&self.session, &args.snapshot);
                    let state = settings::folders(&self.session, &args.site).state;
                    let taken = locks::of_snapshot(&self.session, &target).and_then(|lock| {
                        let rules = settings::rules(&self.session, &args.snapshot, &state)?;
                        let place = (target.as_path(), &rules);
                        Ok((snapshot::take(&self.session, databases, &args.snapshot, place)?, lock))
                    });
                    match taken {
                        Ok((taken, _lock)) => {
                            said = None;
                            // Another process may have taken it.
                            if !same_data(&taken.snapshot, &snapshot) {
                                snapshot = taken.snapshot;
                                self.build(&args.site, &snapshot);
                            }
                        }
                        Err(error) => {
                            let error = format!("error: no new data: {error:#}");
                            if said.as_ref() != Some(&error) {
                                self.session.say(&error);
                            }
                            said = Some(error);
                        }
                    }
                }
            }
        }
    }

    /// Brings `output/` up to date, unless the next save ends that.
    fn build(&self, args: &cli::Site, snapshot: &Snapshot) {
        let built = self.try_build(args, snapshot);
        if built.is_err() && self.cancel.load(Ordering::SeqCst) {
            return;
        }
        if let Ok(summary) = &built {
            let seconds: f64 = summary.stages.iter().map(|(_, seconds)| seconds).sum();
            self.session.say(&format!(
                "{} is up to date: {} written, {} removed ({seconds:.1} s)",
                summary.output, summary.written, summary.removed
            ));
        }
        if self.preview.built(built.as_ref().err()) {
            self.live.tell();
        }
    }

    fn try_build(&self, args: &cli::Site, snapshot: &Snapshot) -> anyhow::Result<Summary> {
        let config = self.preview.config();
        let session = self.session.with(config.clone());
        let contexts = if self.preview.wants_contexts(snapshot) {
            Some(ContextWriter::create(&settings::folders(&session, args).state)?)
        } else {
            None
        };
        let mut stages = Stages::default();
        let how = How { contexts: contexts.as_ref(), ..How::default() };
        let summary = build::render_and_publish(&session, snapshot, args, how, &mut stages)?;
        if let Some(contexts) = contexts {
            self.preview.adopt(snapshot.clone(), config, contexts.finish()?)?;
            self.live.tell();
        }
        Ok(summary)
    }
}
