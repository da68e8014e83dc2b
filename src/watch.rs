//! Tells when files change: debounced, so that an editor that writes a file in three steps is heard once.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use notify_debouncer_full::notify::{EventKind, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, new_debouncer};

/// How long a file must be quiet.
const QUIET: Duration = Duration::from_millis(60);
/// How often the loop looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// Calls `changed` with the files that changed, until `stop` is set. Folders are watched with all that is below them; for a
/// file, the folder it is in, because editors replace files. What is not there is left out.
pub fn watch(
    paths: &[PathBuf],
    stop: &AtomicBool,
    mut changed: impl FnMut(&[PathBuf]),
) -> Result<(), notify_debouncer_full::notify::Error> {
    let (sender, receiver) = mpsc::channel();
    let mut debouncer = new_debouncer(QUIET, None, move |result: DebounceEventResult| {
        // The loop has ended if nobody listens any more.
        drop(sender.send(result));
    })?;
    let paths: Vec<PathBuf> = paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
    for path in &paths {
        let (target, mode) = if path.is_dir() {
            (path.as_path(), RecursiveMode::Recursive)
        } else {
            (path.parent().unwrap_or(Path::new(".")), RecursiveMode::NonRecursive)
        };
        debouncer.watch(target, mode)?;
    }
    while !stop.load(Ordering::SeqCst) {
        let events = match receiver.recv_timeout(PATIENCE) {
            Ok(Ok(events)) => events,
            Ok(Err(errors)) => {
                for error in errors {
                    tracing::warn!("watching files: {error}");
                }
                continue;
            }
            Err(_) => continue,
        };
        let wanted = |path: &PathBuf| paths.iter().any(|watched| path.starts_with(watched));
        let mut files: Vec<PathBuf> = events
            .into_iter()
            .filter(|event| !matches!(event.kind, EventKind::Access(_)))
            .flat_map(|event| event.event.paths)
            .filter(wanted)
            .collect();
        files.sort();
        files.dedup();
        if !files.is_empty() {
            changed(&files);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_and_a_new_one_are_heard_and_its_neighbours_are_not() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().canonicalize().unwrap();
        let templates = folder.join("templates");
        std::fs::create_dir(&templates).unwrap();
        let config = folder.join("peerpress.toml");
        std::fs::write(&config, "").unwrap();
        let stop = AtomicBool::new(false);
        let mut heard: Vec<PathBuf> = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Write until heard; the watcher needs a moment to begin.
                for attempt in 0..100 {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    std::fs::write(folder.join("neighbour"), format!("{attempt}")).unwrap();
                    std::fs::write(folder.join("beside"), format!("{attempt}")).unwrap();
                    std::fs::rename(folder.join("beside"), &config).unwrap();
                    std::fs::write(templates.join("new.html"), format!("{attempt}")).unwrap();
                    std::thread::sleep(Duration::from_millis(150));
                }
                stop.store(true, Ordering::SeqCst);
            });
            watch(&[templates.clone(), config.clone()], &stop, |files| {
                heard.extend(files.iter().cloned());
                if heard.contains(&config) && heard.contains(&templates.join("new.html")) {
                    stop.store(true, Ordering::SeqCst);
                }
            })
            .unwrap();
        });
        assert!(heard.contains(&config) && heard.contains(&templates.join("new.html")), "{heard:?}");
        assert!(!heard.contains(&folder.join("neighbour")));
    }
}
