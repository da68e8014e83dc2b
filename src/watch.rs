//! Tells when files change: as soon as nothing more happened for a moment, so that an editor that writes a file in three
//! steps is heard once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// How long nothing more must happen: an editor's steps lie a few milliseconds apart, and a reader waits for every one of these.
const QUIET: Duration = Duration::from_millis(12);
/// The same after a file was closed or renamed, which is an editor's last step but for tidying up.
const QUIET_WHEN_WHOLE: Duration = Duration::from_millis(3);
/// Changes that do not end are told of after so long.
const LONGEST: Duration = Duration::from_millis(150);
/// How often the loop looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// Calls `changed` with the files that changed, until `stop` is set. Folders are watched with all that is below them, and
/// with the folder they are in, so that one that is made later, or removed and made anew, is heard as well; so is a file,
/// because editors replace files. The first call comes when the watch has begun, without files: what changed before that was
/// not heard.
pub fn watch(
    paths: &[PathBuf],
    stop: &AtomicBool,
    mut changed: impl FnMut(&[PathBuf]),
) -> Result<(), notify::Error> {
    let (sender, events) = mpsc::channel();
    let watcher = notify::recommended_watcher(move |event| {
        // The loop has ended if nobody listens any more.
        drop(sender.send(event));
    })?;
    let wanted = paths.iter().map(|path| resolved(path)).collect::<Result<_, _>>()?;
    let mut watches = Watches { watcher, wanted, active: BTreeMap::new() };
    watches.renew(&BTreeSet::new())?;
    changed(&[]);
    while !stop.load(Ordering::SeqCst) {
        let Ok(first) = events.recv_timeout(PATIENCE) else { continue };
        let begun = Instant::now();
        let mut quiet = quiet_after(&first);
        let mut touched = watches.paths_of(first);
        while begun.elapsed() < LONGEST
            && let Ok(event) = events.recv_timeout(quiet)
        {
            quiet = quiet_after(&event);
            touched.extend(watches.paths_of(event));
        }
        if touched.is_empty() {
            continue;
        }
        // What cannot be watched now may be later; until then the others are.
        if let Err(error) = watches.renew(&touched) {
            tracing::warn!("watching files: {error}");
        }
        let files: Vec<PathBuf> = touched.into_iter().filter(|path| watches.wants(path)).collect();
        if !files.is_empty() {
            changed(&files);
        }
    }
    Ok(())
}

const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));

fn quiet_after(event: &notify::Result<Event>) -> Duration {
    let whole =
        |event: &Event| event.kind == CLOSED || matches!(event.kind, EventKind::Modify(ModifyKind::Name(_)));
    if event.as_ref().is_ok_and(whole) { QUIET_WHEN_WHOLE } else { QUIET }
}

/// The path as events name it: absolute, with links resolved as far as it is there.
fn resolved(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    for place in path.ancestors() {
        if let Ok(real) = place.canonicalize() {
            return Ok(path.strip_prefix(place).map_or_else(|_| path.clone(), |rest| real.join(rest)));
        }
    }
    Ok(path)
}

struct Watches {
    watcher: RecommendedWatcher,
    /// Files and folders, there or not.
    wanted: Vec<PathBuf>,
    active: BTreeMap<PathBuf, RecursiveMode>,
}

impl Watches {
    fn wants(&self, path: &Path) -> bool {
        self.wanted.iter().any(|wanted| path.starts_with(wanted))
    }

    /// The paths of an event that tell of something wanted, or of a folder on the way to it.
    fn paths_of(&self, event: notify::Result<Event>) -> BTreeSet<PathBuf> {
        let event = match event {
            Ok(event) if event.need_rescan() => return self.wanted.iter().cloned().collect(),
            Ok(event) => event,
            Err(error) => {
                tracing::warn!("watching files: {error}");
                return BTreeSet::new();
            }
        };
        if matches!(event.kind, EventKind::Access(_)) && event.kind != CLOSED {
            return BTreeSet::new();
        }
        let leads = |path: &Path| self.wanted.iter().any(|wanted| wanted.starts_with(path));
        event.paths.into_iter().filter(|path| self.wants(path) || leads(path)).collect()
    }

    /// Watches what is there, anew where something happened to the folder itself: the system's watch goes with the folder.
    fn renew(&mut self, touched: &BTreeSet<PathBuf>) -> notify::Result<()> {
        for wanted in self.wanted.clone() {
            let around = wanted.ancestors().skip(1).find(|folder| folder.is_dir());
            if let Some(folder) = around {
                self.add(folder, RecursiveMode::NonRecursive, touched)?;
            }
            if wanted.is_dir() {
                self.add(&wanted, RecursiveMode::Recursive, touched)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, folder: &Path, mode: RecursiveMode, touched: &BTreeSet<PathBuf>) -> notify::Result<()> {
        let watched = self.active.get(folder).copied();
        let enough = watched == Some(mode) || watched == Some(RecursiveMode::Recursive);
        if enough && !touched.contains(folder) {
            return Ok(());
        }
        if watched.is_some() {
            // It may be gone already, with the folder.
            drop(self.watcher.unwatch(folder));
            self.active.remove(folder);
        }
        let mode = if watched == Some(RecursiveMode::Recursive) { RecursiveMode::Recursive } else { mode };
        self.watcher.watch(folder, mode)?;
        self.active.insert(folder.to_owned(), mode);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Watches, does something again and again until all of `expected` were heard, and gives all that was heard.
    fn heard_while(paths: &[PathBuf], expected: &[PathBuf], act: impl Fn(usize) + Sync) -> Vec<PathBuf> {
        let stop = AtomicBool::new(false);
        let mut heard: Vec<PathBuf> = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // The watcher needs a moment to begin, and after that one step is enough.
                for attempt in 0..200 {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    act(attempt);
                    std::thread::sleep(Duration::from_millis(50));
                }
                stop.store(true, Ordering::SeqCst);
            });
            watch(paths, &stop, |files| {
                heard.extend(files.iter().cloned());
                if expected.iter().all(|path| heard.contains(path)) {
                    stop.store(true, Ordering::SeqCst);
                }
            })
            .unwrap();
        });
        assert!(expected.iter().all(|path| heard.contains(path)), "{heard:?}");
        heard
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().canonicalize().unwrap();
        (place, folder)
    }

    #[test]
    fn a_replaced_file_and_a_new_one_are_heard_and_its_neighbours_are_not() {
        let (_place, folder) = folder();
        let templates = folder.join("templates");
        std::fs::create_dir(&templates).unwrap();
        let config = folder.join("peerpress.toml");
        std::fs::write(&config, "").unwrap();
        let new = templates.join("new.html");
        let heard =
            heard_while(&[templates.clone(), config.clone()], &[config.clone(), new.clone()], |attempt| {
                std::fs::write(folder.join("neighbour"), format!("{attempt}")).unwrap();
                std::fs::write(folder.join("beside"), format!("{attempt}")).unwrap();
                std::fs::rename(folder.join("beside"), &config).unwrap();
                std::fs::write(&new, format!("{attempt}")).unwrap();
            });
        assert!(!heard.contains(&folder.join("neighbour")));
    }

    #[test]
    fn folders_that_are_made_later_or_anew_are_heard_with_what_is_in_them() {
        let (_place, folder) = folder();
        let templates = folder.join("theme/templates");
        let page = templates.join("pages/app.html");
        // Each round removes all of it, and the file is written only after a while.
        heard_while(std::slice::from_ref(&templates), &[templates.clone(), page.clone()], |_| {
            drop(std::fs::remove_dir_all(folder.join("theme")));
            std::fs::create_dir_all(page.parent().unwrap()).unwrap();
            std::thread::sleep(QUIET * 3);
            std::fs::write(&page, "x").unwrap();
        });
    }

    #[test]
    fn a_file_that_is_whole_is_waited_for_less_than_one_that_is_written() {
        let renamed = EventKind::Modify(ModifyKind::Name(notify::event::RenameMode::To));
        let written = EventKind::Modify(ModifyKind::Data(notify::event::DataChange::Any));
        let quiet = |kind| quiet_after(&Ok(Event::new(kind)));
        assert_eq!((quiet(CLOSED), quiet(renamed)), (QUIET_WHEN_WHOLE, QUIET_WHEN_WHOLE));
        assert_eq!(quiet(written), QUIET);
    }

    #[test]
    fn a_removed_file_is_heard() {
        let (_place, folder) = folder();
        let file = folder.join("templates/page.html");
        std::fs::create_dir(folder.join("templates")).unwrap();
        let stop = AtomicBool::new(false);
        let paths = [folder.join("templates")];
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let stop = &stop;
            let paths = &paths;
            scope.spawn(move || {
                watch(paths, stop, |files| files.iter().for_each(|_| sender.send(()).unwrap_or_default()))
                    .unwrap();
            });
            // Write until the watcher is there, then wait for its answer to the removal alone.
            while receiver.recv_timeout(Duration::from_millis(50)).is_err() {
                std::fs::write(&file, "x").unwrap();
            }
            while receiver.recv_timeout(QUIET * 10).is_ok() {}
            std::fs::remove_file(&file).unwrap();
            let heard = receiver.recv_timeout(Duration::from_secs(20));
            stop.store(true, Ordering::SeqCst);
            heard.unwrap();
        });
    }
}
