//! The effects that publishing has on a disk, behind an interface, so that tests can make each of them fail.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What publishing does to a disk.
pub trait Disk: Sync {
    /// Makes a folder and those above it.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Writes a file that is not there yet.
    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Adds bytes to the end of a file that is there.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Writes a file that is not there yet from the bytes of others, one after the other.
    fn join(&self, pieces: &[PathBuf], path: &Path) -> io::Result<()>;
    /// Renames, in place of what is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder if it is empty.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder with all that is in it.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Brings a file's bytes to the medium.
    fn sync_file(&self, path: &Path) -> io::Result<()>;
    /// Brings a folder's names to the medium.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Brings everything below a folder to the medium.
    fn sync_all(&self, folder: &Path) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().write(true).create_new(true).open(path)?.write_all(bytes)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().append(true).open(path)?.write_all(bytes)
    }

    fn join(&self, pieces: &[PathBuf], path: &Path) -> io::Result<()> {
        let mut whole = OpenOptions::new().write(true).create_new(true).open(path)?;
        pieces.iter().try_for_each(|piece| io::copy(&mut File::open(piece)?, &mut whole).map(drop))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // Windows cannot open folders for this, and needs it less.
        if cfg!(windows) { Ok(()) } else { File::open(path)?.sync_all() }
    }

    #[cfg(target_os = "linux")]
    fn sync_all(&self, folder: &Path) -> io::Result<()> {
        // One call for the file system instead of one per file: a new site has tens of thousands.
        Ok(rustix::fs::syncfs(File::open(folder)?)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_all(&self, folder: &Path) -> io::Result<()> {
        for entry in walkdir::WalkDir::new(folder) {
            let entry = entry.map_err(io::Error::other)?;
            if entry.file_type().is_file() {
                self.sync_file(entry.path())?;
            } else if entry.file_type().is_dir() {
                self.sync_folder(entry.path())?;
            }
        }
        Ok(())
    }
}
