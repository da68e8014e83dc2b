//! What room a file system has left, against what a site takes: said before anything is written rather than after hours.

use std::io;
use std::path::Path;

/// What a file system has left for whoever runs this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
    /// Files and folders; none where the file system has no limit of its own.
    pub files: Option<u64>,
}

/// What something takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Need {
    /// Bytes.
    pub bytes: u64,
    /// Files and folders.
    pub files: u64,
}

impl Room {
    /// Of the file system that a folder is on.
    ///
    /// # Errors
    /// If the folder is not there, or its file system does not say.
    #[cfg(unix)]
    pub fn at(folder: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(folder)?;
        let bytes = found.f_bavail.saturating_mul(found.f_frsize);
        Ok(Self { bytes, files: (found.f_files > 0).then_some(found.f_favail) })
    }

    /// Of the file system that a folder is on.
    ///
    /// # Errors
    /// If the folder is not there, or its file system does not say.
    #[cfg(not(unix))]
    pub fn at(folder: &Path) -> io::Result<Self> {
        Ok(Self { bytes: fs4::available_space(folder)?, files: None })
    }
}

impl Need {
    /// So many parts of it.
    #[must_use]
    pub fn divided_by(self, parts: u64) -> Self {
        let parts = parts.max(1);
        Self { bytes: self.bytes / parts, files: self.files / parts }
    }

    /// What to say if there may be no room for it in a folder, which an option names; `None` if there is, or nobody knows. It may
    /// be `doubt` times too much.
    ///
    /// # Errors
    /// What to say if there is no room even for that.
    pub fn may_lack(
        self,
        what: &str,
        (folder, option): (&Path, &str),
        doubt: u64,
    ) -> Result<Option<String>, String> {
        let Ok(room) = Room::at(folder) else { return Ok(None) };
        let folder = folder.display();
        if let Some(lack) = self.divided_by(doubt).lack_in(room) {
            return Err(format!(
                "no room for {what} in {folder}: it takes at least {lack}\n\
                 hint: make room, or name a folder on another disk with {option}"
            ));
        }
        Ok(self
            .lack_in(room)
            .map(|lack| format!("there may be no room for {what} in {folder}: it may take {lack}")))
    }

    /// What there is too little of, in words; `None` if it fits.
    pub fn lack_in(self, room: Room) -> Option<String> {
        if self.bytes > room.bytes {
            let megabytes = |bytes: u64| bytes as f64 / 1e6;
            return Some(format!(
                "{:.1} MB, and {:.1} MB are free",
                megabytes(self.bytes),
                megabytes(room.bytes)
            ));
        }
        let free = room.files.filter(|free| self.files > *free)?;
        Some(format!("{} files, and the file system takes {free} more", self.files))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        let need = Need { bytes: 5_000_000, files: 100 };
        let lack = |bytes, files| need.lack_in(Room { bytes, files });
        assert_eq!(lack(5_000_000, Some(100)), None);
        assert_eq!(lack(5_000_000, None), None);
        assert_eq!(lack(4_999_999, None).unwrap(), "5.0 MB, and 5.0 MB are free");
        assert_eq!(lack(9_000_000, Some(99)).unwrap(), "100 files, and the file system takes 99 more");
        assert_eq!(need.divided_by(4), Need { bytes: 1_250_000, files: 25 });
        assert!(Room::at(Path::new(".")).unwrap().bytes > 0);
    }
}
