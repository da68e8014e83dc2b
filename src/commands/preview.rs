//! The site as `serve` shows it: each page made when it is asked for, with the templates, assets and settings that were saved
//! last, before `output/` has them. Nothing that is made here is ever published.

mod contexts;
mod problem;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use lru::LruCache;

use super::Session;
use super::settings::{self, Folders};
use super::site::{SiteOptions, conference_contexts};
use super::theme::Theme;
use crate::cli;
use crate::config::{Config, FILE};
use crate::ids::ConferenceId;
use crate::privacy::View;
use crate::publish::SitePath;
use crate::render::assets::Assets;
use crate::render::{PageContext, Renderer};
use crate::report::World;
use crate::serve::{Entry, Folder, Look, Pages, Problem, Scripts, Site, live_script, with_script};
use crate::site::Route;
use crate::snapshot::{ConferenceRow, Snapshot};

pub use contexts::{ContextWriter, Contexts};

/// How many pages are held in memory: what somebody looks at, and what they looked at before.
const HELD: NonZero<usize> = NonZero::new(32).expect("it is not 0");

/// For how long a build behind waits after each request: it takes a browser so long to show a page.
const FOR_A_PAGE: Duration = Duration::from_millis(150);

/// What was saved last and can be used.
struct Saved {
    generation: u64,
    config: Config,
    options: SiteOptions,
    theme: Theme,
    assets: Assets,
    renderer: Renderer,
}

/// What the published pages were made from.
struct Data {
    generation: u64,
    snapshot: Snapshot,
    options: SiteOptions,
    contexts: Contexts,
    rooms: OnceLock<Rooms>,
}

/// What it takes to measure one conference, read when the first is asked for.
struct Rooms {
    world: World,
    /// In which part of the snapshot each lies.
    parts: BTreeMap<ConferenceId, usize>,
}

/// A page, as it was made.
struct Shown {
    html: String,
    look: Look,
}

/// The generations of what was saved and of the data.
type Generations = (u64, u64);

struct Held {
    pages: LruCache<String, (Generations, Arc<Shown>)>,
    contexts: LruCache<String, (Generations, Arc<PageContext>)>,
}

/// Why the site is not as it should be.
#[derive(Default)]
struct Problems {
    /// What was saved cannot be used.
    saved: Option<Problem>,
    /// The last build of `output/` failed.
    behind: Option<Problem>,
    /// What the terminal said last.
    said: Option<Problem>,
}

/// What a save came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Nothing is different.
    Same,
    /// Pages may look otherwise, and `output/` is to follow.
    New,
    /// It cannot be used: the former templates, assets and settings stay, and open pages say why.
    Broken,
}

/// The site as it is shown.
pub struct Preview {
    session: Arc<Session>,
    args: cli::Site,
    folders: Folders,
    output: Folder,
    saved: Mutex<Arc<Saved>>,
    data: Mutex<Arc<Data>>,
    held: Mutex<Held>,
    /// Held while a conference is measured, so that nobody measures it twice.
    measuring: Mutex<()>,
    problems: Mutex<Problems>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Preview {
    /// Of a site that was just published from a snapshot; `contexts` are those of that build.
    pub fn new(
        session: Arc<Session>,
        args: &cli::Site,
        snapshot: Snapshot,
        contexts: Contexts,
    ) -> anyhow::Result<Self> {
        let folders = settings::folders(&session, args);
        let theme = Theme::load(&folders.templates, &folders.assets)?;
        let saved = Saved {
            generation: 0,
            config: session.config.clone(),
            options: settings::site_options(&session, args)?,
            assets: theme.assets(),
            renderer: Renderer::new(&theme.templates)?,
            theme,
        };
        let options = saved.options.clone();
        let data = Data { generation: 0, snapshot, options, contexts, rooms: OnceLock::new() };
        Ok(Self {
            session,
            args: args.clone(),
            output: Folder::open(&folders.output)?,
            folders,
            saved: Mutex::new(Arc::new(saved)),
            data: Mutex::new(Arc::new(data)),
            held: Mutex::new(Held { pages: LruCache::new(HELD), contexts: LruCache::new(HELD) }),
            measuring: Mutex::default(),
            problems: Mutex::default(),
        })
    }

    /// Files and folders whose change is a save.
    pub fn watched(&self) -> [PathBuf; 3] {
        [self.folders.templates.clone(), self.folders.assets.clone(), self.config_file()]
    }

    fn config_file(&self) -> PathBuf {
        self.session.config_file.clone().unwrap_or_else(|| PathBuf::from(FILE))
    }

    /// The settings in force.
    pub fn config(&self) -> Config {
        self.saved().config.clone()
    }

    fn saved(&self) -> Arc<Saved> {
        Arc::clone(&lock(&self.saved))
    }

    fn data(&self) -> Arc<Data> {
        Arc::clone(&lock(&self.data))
    }

    /// Takes what was saved, if it can be used.
    pub fn take_saved(&self) -> Taken {
        match self.read_saved() {
            Ok(saved) => {
                let new = saved.is_some();
                if let Some(saved) = saved {
                    *lock(&self.saved) = Arc::new(saved);
                }
                let mut problems = lock(&self.problems);
                // A build that met what could not be used has failed; what was mended is built again.
                let mended = problems.saved.take().is_some();
                if !new && !mended {
                    return Taken::Same;
                }
                *problems = Problems::default();
                Taken::New
            }
            Err(error) => {
                let problem = self.problem(&error);
                self.say(&problem);
                lock(&self.problems).saved = Some(problem);
                Taken::Broken
            }
        }
    }

    /// What was saved; `None` if it is what is in force.
    fn read_saved(&self) -> anyhow::Result<Option<Saved>> {
        let mut config = Config::load(self.session.config_file.as_deref())?;
        let now = self.saved();
        if config.folders != now.config.folders {
            tracing::warn!("the folders stay as they are until the program is started again");
            config.folders = now.config.folders.clone();
        }
        let theme = Theme::load(&self.folders.templates, &self.folders.assets)?;
        if config == now.config && theme == now.theme {
            return Ok(None);
        }
        let options = settings::site_options(&self.session.with(config.clone()), &self.args)?;
        let renderer = Renderer::new(&theme.templates)?;
        let generation = now.generation + 1;
        Ok(Some(Saved { generation, config, options, assets: theme.assets(), theme, renderer }))
    }

    /// Whether a build from `snapshot` would change what pages are made from.
    pub fn wants_contexts(&self, snapshot: &Snapshot) -> bool {
        let data = self.data();
        !same_data(&data.snapshot, snapshot) || data.options != self.saved().options
    }

    /// Takes what the pages of a build were made from.
    pub fn adopt(&self, snapshot: Snapshot, config: Config, contexts: Contexts) -> anyhow::Result<()> {
        let options = settings::site_options(&self.session.with(config), &self.args)?;
        let mut data = lock(&self.data);
        let generation = data.generation + 1;
        *data = Arc::new(Data { generation, snapshot, options, contexts, rooms: OnceLock::new() });
        Ok(())
    }

    /// Takes how a build of `output/` ended. Whether open pages are to hear of it.
    pub fn built(&self, error: Option<&anyhow::Error>) -> bool {
        let problem = error.map(|error| self.problem(error));
        if let Some(problem) = &problem {
            self.say(problem);
        }
        let mut problems = lock(&self.problems);
        std::mem::replace(&mut problems.behind, problem) != problems.behind
    }

    fn problem(&self, error: &anyhow::Error) -> Problem {
        problem::of(error, &self.folders.templates, &self.config_file())
    }

    /// Says a problem on the terminal, unless one at the same place was the last thing that was said: a template may fail on every
    /// page.
    fn say(&self, problem: &Problem) {
        let place = |problem: &Problem| match &problem.file {
            Some(file) => (file.clone(), problem.line, problem.column),
            None => (problem.message.clone(), None, None),
        };
        let mut problems = lock(&self.problems);
        if problems.said.as_ref().map(place) != Some(place(problem)) {
            self.session.say(&problem::text(problem));
            problems.said = Some(problem.clone());
        }
    }

    /// Reads ahead what the first look at a call needs.
    pub fn warm_up(&self) {
        if let Err(error) = self.data().rooms() {
            tracing::debug!("calls are shown as they are published: {error:#}");
        }
    }

    /// A page as it is now; `None` if there is none.
    fn shown(&self, path: &str) -> Option<Arc<Shown>> {
        // Open pages say themselves where they are.
        SitePath::new(path).ok()?;
        let (saved, data) = (self.saved(), self.data());
        let generations = (saved.generation, data.generation);
        let before = lock(&self.held).pages.get(path).cloned();
        if let Some((_, shown)) = before.as_ref().filter(|(of, _)| *of == generations) {
            return Some(Arc::clone(shown));
        }
        let published = || {
            let html = String::from_utf8_lossy(&self.output.entry(path)?.into_bytes().ok()?).into_owned();
            Some(Shown::new(html, &saved.assets))
        };
        let context = self.context(path, &saved, &data).unwrap_or_else(|error| {
            // A new snapshot takes the place of the one that is read from; what is published has the page.
            tracing::debug!("{path} is shown as it is published: {error:#}");
            None
        });
        let shown = match context.map(|context| saved.renderer.again(&context, &saved.assets.names)) {
            None => published()?,
            Some(Ok(html)) => Shown::new(String::from_utf8_lossy(&html).into_owned(), &saved.assets),
            Some(Err(error)) => {
                let problem = self.problem(&error.into());
                self.say(&problem);
                let mut shown = match before {
                    Some((_, shown)) => Shown { html: shown.html.clone(), look: shown.look.clone() },
                    None => published()?,
                };
                shown.look.problem = Some(problem);
                shown
            }
        };
        let shown = Arc::new(shown);
        lock(&self.held).pages.put(path.to_owned(), (generations, Arc::clone(&shown)));
        Some(shown)
    }

    /// What a page is made from; `None` if it is not known.
    fn context(&self, path: &str, saved: &Saved, data: &Data) -> anyhow::Result<Option<Arc<PageContext>>> {
        let conference = Route::conference_of(path);
        // Settings change what is measured; other pages hear of them with the next build.
        let settings =
            if conference.is_some() && saved.options != data.options { saved.generation } else { 0 };
        let generations = (settings, data.generation);
        let held = || {
            let mut held = lock(&self.held);
            let (of, context) = held.contexts.get(path)?;
            (*of == generations).then(|| Arc::clone(context))
        };
        if let Some(context) = held() {
            return Ok(Some(context));
        }
        let Some(id) = conference else {
            let Some(context) = data.contexts.get(path)? else { return Ok(None) };
            return Ok(Some(self.hold(path, generations, context)));
        };
        // No page is shown that is not part of the site.
        if !self.folders.output.join(path).is_file() {
            return Ok(None);
        }
        let _measuring = lock(&self.measuring);
        if let Some(context) = held() {
            return Ok(Some(context));
        }
        let mut asked = None;
        for (other, template, json) in measured(id, saved, data)? {
            let context = PageContext::from_json(&other, template, &json)?;
            let context = self.hold(&other, generations, context);
            asked = if other == path { Some(context) } else { asked };
        }
        Ok(asked)
    }

    fn hold(&self, path: &str, generations: Generations, context: PageContext) -> Arc<PageContext> {
        let context = Arc::new(context);
        lock(&self.held).contexts.put(path.to_owned(), (generations, Arc::clone(&context)));
        context
    }
}

/// The pages of one conference, with what they are made from as JSON.
fn measured(
    id: ConferenceId,
    saved: &Saved,
    data: &Data,
) -> anyhow::Result<Vec<(String, &'static str, Vec<u8>)>> {
    let snapshot = &data.snapshot;
    let rooms = data.rooms()?;
    let Some(part) = rooms.parts.get(&id).and_then(|at| snapshot.parts().get(*at)) else {
        return Ok(Vec::new());
    };
    let frame = saved.options.frame(&saved.assets);
    conference_contexts(&data.view()?, part, id, &rooms.world, &frame, &saved.options)
}

impl Data {
    /// The snapshot as it is shown, by the settings that it was built with.
    fn view(&self) -> anyhow::Result<View<'_>> {
        Ok(View::new(&self.snapshot, &self.options.privacy, &self.options.only)?)
    }

    fn rooms(&self) -> anyhow::Result<&Rooms> {
        if let Some(rooms) = self.rooms.get() {
            return Ok(rooms);
        }
        let found = Rooms::of(&self.view()?)?;
        Ok(self.rooms.get_or_init(|| found))
    }
}

impl Rooms {
    fn of(view: &View<'_>) -> anyhow::Result<Self> {
        let mut parts = BTreeMap::new();
        for (at, part) in view.parts().iter().enumerate() {
            parts.extend(
                view.table(part, |row: &mut ConferenceRow| row.summary_data = None)?
                    .into_iter()
                    .map(|row| (row.id, at)),
            );
        }
        Ok(Self { world: World::new(view.globals()?, view.instant()), parts })
    }
}

impl Shown {
    fn new(html: String, assets: &Assets) -> Self {
        let mut neutral = html.clone();
        let mut styles = BTreeMap::new();
        for (name, published) in &assets.names {
            if Path::new(name).extension().is_some_and(|extension| extension == "css")
                && neutral.contains(published)
            {
                neutral = neutral.replace(published, name);
                styles.insert(name.clone(), published.clone());
            }
        }
        let digest = Some(blake3::hash(neutral.as_bytes()).to_hex()[..32].to_owned());
        Self { html, look: Look { digest, styles, problem: None } }
    }
}

/// Whether two snapshots hold the same, at whatever instant they were taken.
pub fn same_data(one: &Snapshot, other: &Snapshot) -> bool {
    let (one, other) = (one.manifest(), other.manifest());
    one.parts == other.parts && one.digests == other.digests
}

impl Pages for Preview {
    fn look(&self, path: &str) -> Look {
        let mut look = self.shown(path).map(|shown| shown.look.clone()).unwrap_or_default();
        let problems = lock(&self.problems);
        look.problem = problems.saved.clone().or(look.problem).or_else(|| problems.behind.clone());
        look
    }
}

impl Site for Preview {
    fn entry(&self, path: &str) -> Option<Entry> {
        self.session.right_of_way.take(FOR_A_PAGE);
        if let Some(script) = live_script(path) {
            return Some(Entry::of_bytes(script));
        }
        if let Some(bytes) =
            path.strip_prefix("assets/").and_then(|name| self.saved().assets.files.get(name).cloned())
        {
            return Some(Entry::of_bytes(bytes));
        }
        if Path::new(path).extension().is_none_or(|extension| extension != "html") {
            return self.output.entry(path);
        }
        let shown = self.shown(path)?;
        let digest = shown.look.digest.as_deref().unwrap_or_default();
        // Looked at after the page: a script that has come meanwhile counts.
        let scripts = if self.saved().theme.has_own_scripts { Scripts::Others } else { Scripts::BuiltIn };
        Some(Entry::of_bytes(with_script(&shown.html, path, digest, scripts)))
    }
}
