//! How the folders of a site look after a build. A file that is added, replaced by another or removed changes the time of its
//! folder, so that a few folders tell about very many files. Who writes into a file of the site in place changes no folder:
//! that is found by `peerpress build --full`, and by every build that makes that file.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rayon::prelude::*;
use walkdir::WalkDir;

use super::seal::{seal, text};

const FILE: &str = "folders";
const HEADER: &str = "peerpress folders 2";

/// When each folder changed last, in nanoseconds since the epoch, and its path below the site, `.` for the site itself: a line each, by
/// path, with a tab between. Of a large site they are many, and are never held in another form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Folders(String);

fn changed_at(folder: &Path) -> Option<u64> {
    let metadata = fs::symlink_metadata(folder).ok().filter(fs::Metadata::is_dir)?;
    u64::try_from(metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

/// The path of a line, after its time.
fn path_of(line: &str) -> &str {
    line.split_once('\t').map_or("", |(_, path)| path)
}

impl Folders {
    /// As the last build left them; `None` if that is not known.
    pub(super) fn read(state: &Path) -> Option<Self> {
        let mut bytes = fs::read(state.join(FILE)).ok()?;
        let length = text(&bytes, HEADER)?.len();
        bytes.drain(..=HEADER.len());
        bytes.truncate(length);
        String::from_utf8(bytes).ok().map(Self)
    }

    /// Whether they look the same now.
    pub(super) fn are_intact(&self, output: &Path) -> bool {
        let is_intact = |line: &str| {
            let Some((at, path)) = line.split_once('\t') else { return false };
            at.parse().is_ok_and(|at: u64| changed_at(&output.join(path)) == Some(at))
        };
        !self.0.is_empty() && self.0.par_lines().all(is_intact)
    }

    /// As they look now: those known from the last build, and those touched since. All, where nothing is known. Of known ones that
    /// looked the same when the build began, only those touched are looked at: should somebody else have changed one in the
    /// meantime, the next build sees it.
    pub(super) fn now(
        state: &Path,
        output: &Path,
        touched: impl Iterator<Item = PathBuf>,
        were_intact: bool,
    ) -> Self {
        let mut names = BTreeSet::from([".".to_owned()]);
        for folder in touched {
            let Some(folder) = folder.strip_prefix(output).ok().and_then(Path::to_str) else { continue };
            // Those above it are new with it, or are in the list. If one is there already, so are those above that.
            for name in Path::new(folder).ancestors().filter_map(Path::to_str) {
                if name.is_empty() || !names.insert(name.to_owned()) {
                    break;
                }
            }
        }
        let mut known = Self::default();
        match Self::read(state) {
            Some(last) if were_intact => known = last,
            Some(last) => names.extend(last.0.lines().map(|line| path_of(line).to_owned())),
            None => names.extend(all(output)),
        }
        let names: Vec<String> = names.into_iter().collect();
        let times: Vec<Option<u64>> = names.par_iter().map(|name| changed_at(&output.join(name))).collect();
        known.with(names.iter().map(String::as_str).zip(times))
    }

    /// These with others, which are in order, in their place; those without a time are gone.
    fn with<'a>(&self, others: impl Iterator<Item = (&'a str, Option<u64>)>) -> Self {
        let mut text = String::with_capacity(self.0.len());
        let mut known = self.0.lines().peekable();
        for (path, at) in others {
            while let Some(line) = known.next_if(|line| path_of(line) < path) {
                text.extend([line, "\n"]);
            }
            known.next_if(|line| path_of(line) == path);
            if let Some(at) = at {
                text.extend([&at.to_string(), "\t", path, "\n"]);
            }
        }
        known.for_each(|line| text.extend([line, "\n"]));
        Self(text)
    }

    /// Keeps them for the next build.
    pub(super) fn write(self, state: &Path) -> io::Result<()> {
        let mut text = self.0;
        text.insert_str(0, &format!("{HEADER}\n"));
        let (bytes, place) = (seal(text), state.join(FILE));
        if fs::read(&place).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        let beside = state.join("folders.tmp");
        fs::write(&beside, bytes)?;
        fs::rename(beside, place)
    }
}

/// Every folder of the site but itself; those of others, and those whose names are no text, change nothing of ours.
fn all(output: &Path) -> Vec<String> {
    let folders = WalkDir::new(output).min_depth(1).into_iter().filter_map(Result::ok);
    let folders = folders.filter(|entry| entry.file_type().is_dir());
    // Our own state may lie within; what begins with a dot is no part of a site.
    folders
        .filter_map(|entry| Some(entry.path().strip_prefix(output).ok()?.to_str()?.to_owned()))
        .filter(|name| !name.contains(['\n', '\r']) && !name.starts_with('.'))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn text_of(folders: &BTreeMap<String, u64>) -> String {
        let mut text = String::new();
        for (path, at) in folders {
            text.extend([&at.to_string(), "\t", path, "\n"]);
        }
        text
    }

    proptest! {
        #[test]
        fn folders_that_were_looked_at_take_the_place_of_what_was_known(
            known in prop::collection::btree_map("[-a-c]{1,2}(/[a-c]{1,2})?", 0u64..1000, 0..12),
            looked_at in
                prop::collection::btree_map("[-a-c]{1,2}(/[a-c]{1,2})?", prop::option::of(0u64..1000), 0..12),
        ) {
            let now = Folders(text_of(&known)).with(looked_at.iter().map(|(path, at)| (path.as_str(), *at)));
            let mut expected = known;
            for (path, at) in looked_at {
                match at {
                    Some(at) => expected.insert(path, at),
                    None => expected.remove(&path),
                };
            }
            prop_assert_eq!(now.0, text_of(&expected));
        }
    }

    #[test]
    fn a_file_that_comes_goes_or_is_replaced_is_seen_in_its_folder() {
        let place = tempfile::tempdir().unwrap();
        let (state, output) = (place.path().join("state"), place.path().join("site"));
        fs::create_dir_all(output.join("a/b")).unwrap();
        fs::create_dir_all(&state).unwrap();
        fs::write(output.join("a/b/page.html"), "page").unwrap();
        assert_eq!(Folders::read(&state), None);
        let remember = || Folders::now(&state, &output, std::iter::empty(), false).write(&state).unwrap();
        let intact = || Folders::read(&state).unwrap().are_intact(&output);
        remember();
        assert!(intact());
        // Times of folders go by ticks of a few milliseconds.
        let old = || {
            let folder = fs::File::open(output.join("a/b")).unwrap();
            let past = folder.metadata().unwrap().modified().unwrap() - std::time::Duration::from_secs(5);
            folder.set_modified(past).unwrap();
            remember();
        };
        let changes: [&dyn Fn(); 3] = [
            &|| fs::write(output.join("a/b/other.html"), "other").unwrap(),
            &|| fs::rename(output.join("a/b/other.html"), output.join("a/b/page.html")).unwrap(),
            &|| fs::remove_file(output.join("a/b/page.html")).unwrap(),
        ];
        for change in changes {
            old();
            assert!(intact());
            change();
            assert!(!intact());
        }
        fs::create_dir(output.join("a/new")).unwrap();
        let touched = std::iter::once(output.join("a/new"));
        Folders::now(&state, &output, touched, false).write(&state).unwrap();
        assert!(intact() && Folders::read(&state).unwrap().0.contains("\ta/new\n"));
        fs::remove_dir_all(output.join("a")).unwrap();
        assert!(!intact());
    }

    #[test]
    fn of_folders_that_were_as_they_should_be_those_touched_are_looked_at() {
        let place = tempfile::tempdir().unwrap();
        let (state, output) = (place.path().join("state"), place.path().join("site"));
        for folder in ["a/gone", "a/touched", "b"] {
            fs::create_dir_all(output.join(folder)).unwrap();
            let folder = fs::File::open(output.join(folder)).unwrap();
            let past = folder.metadata().unwrap().modified().unwrap() - std::time::Duration::from_secs(60);
            folder.set_modified(past).unwrap();
        }
        fs::create_dir_all(&state).unwrap();
        Folders::now(&state, &output, std::iter::empty(), false).write(&state).unwrap();
        fs::remove_dir(output.join("a/gone")).unwrap();
        fs::write(output.join("a/touched/page.html"), "page").unwrap();
        fs::create_dir_all(output.join("c/new")).unwrap();
        let touched = || ["a", "a/gone", "a/touched", "c/new"].iter().map(|name| output.join(name));
        let now = Folders::now(&state, &output, touched(), true);
        assert!(now.are_intact(&output));
        assert_eq!(
            now.0.lines().map(path_of).collect::<Vec<_>>(),
            [".", "a", "a/touched", "b", "c", "c/new"]
        );
        // What somebody else did while the site was built.
        fs::write(output.join("b/page.html"), "page").unwrap();
        assert!(!Folders::now(&state, &output, touched(), true).are_intact(&output));
        assert!(Folders::now(&state, &output, touched(), false).are_intact(&output));
    }
}
