//! Finds PostgreSQL's programs on the machine. Distributions keep `initdb` and `postgres` off the PATH, so the usual
//! places are looked into as well.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where packages put PostgreSQL: the folder above, the start of the versioned folder's name, and the way from there to
/// the programs.
const USUAL_PLACES: &[(&str, &str, &str)] = &[
    // Debian and Ubuntu; Alpine.
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr/libexec", "postgresql", ""),
    // The PostgreSQL project's packages for Red Hat systems.
    ("/usr", "pgsql-", "bin"),
    // Homebrew, on Apple silicon and on Intel.
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    // Postgres.app.
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A folder with the programs of one PostgreSQL version.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
    version: String,
}

impl Programs {
    /// The first complete set on the PATH, else the newest in the usual places.
    pub fn find() -> Option<Programs> {
        let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>());
        on_path.into_iter().flatten().chain(usual_folders()).find_map(|folder| Programs::in_folder(&folder))
    }

    /// The programs of this folder, if it has all that a server takes.
    pub fn in_folder(folder: &Path) -> Option<Programs> {
        // A link in /usr/local/bin may have no siblings; what it points to has.
        let initdb = folder.join("initdb").canonicalize().ok()?;
        let folder = initdb.parent()?.to_path_buf();
        let answer = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let answer = String::from_utf8(answer.stdout).ok()?;
        let version =
            answer.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        Some(Programs { folder, version: version.to_owned() })
    }

    /// The path of one program, such as `initdb` or `psql`.
    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// The version, as `15.18`.
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// The versioned folders of the usual places, place by place, in each the newest version first.
fn usual_folders() -> impl Iterator<Item = PathBuf> {
    USUAL_PLACES.iter().flat_map(|(above, prefix, below)| {
        let names = fs::read_dir(above).into_iter().flatten().flatten();
        let mut names: Vec<String> = names
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.starts_with(prefix))
            .collect();
        names.sort_by_key(|name| std::cmp::Reverse(version_in(name)));
        names.into_iter().map(move |name| Path::new(above).join(name).join(below))
    })
}

/// The numbers in the name of a folder. A name without one, like Homebrew's `postgresql`, is the newest of its place.
fn version_in(name: &str) -> Vec<u32> {
    let numbers: Vec<u32> = name.split(|c: char| !c.is_ascii_digit()).flat_map(str::parse).collect();
    if numbers.is_empty() { vec![u32::MAX] } else { numbers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version_in("10") > version_in("9.6"));
        assert!(version_in("postgresql@17") > version_in("postgresql@9"));
        assert!(version_in("postgresql") > version_in("postgresql@17"));
    }

    #[test]
    fn a_folder_without_initdb_has_no_programs() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Programs::in_folder(folder.path()).is_none());
    }
}
