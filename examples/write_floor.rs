//! The floor that the time of rendering and publishing is held against: writing the finished site's bytes to as many new
//! files, from memory, on several threads, and nothing else.
//!
//! `cargo run --release --example write_floor -- SITE TARGET [THREADS]`; TARGET must not be there, and is gone at the end. Prints
//! seconds.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use rayon::prelude::*;
use walkdir::WalkDir;

/// Bytes that are held at a time; only the writing is timed.
const HELD: usize = 2 << 30;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(site), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: write_floor SITE TARGET [THREADS]".into());
    };
    let threads = arguments.next().map_or(Ok(0), |threads| threads.parse())?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    fs::create_dir(&target)?;
    let (mut files, mut held, mut seconds) = (Vec::new(), 0, 0.0);
    for entry in WalkDir::new(&site).min_depth(1) {
        let entry = entry?;
        let path = Path::new(&target).join(entry.path().strip_prefix(&site)?);
        if entry.file_type().is_dir() {
            fs::create_dir(path)?;
            continue;
        }
        let bytes = fs::read(entry.path())?;
        held += bytes.len();
        files.push((path, bytes));
        if held > HELD {
            seconds += write(&files)?;
            (files, held) = (Vec::new(), 0);
        }
    }
    seconds += write(&files)?;
    fs::remove_dir_all(&target)?;
    Ok(writeln!(io::stdout(), "{seconds:.3}")?)
}

/// Writes files, and removes them: a large site may not be on the disk twice. How long the writing took, in seconds.
///
/// ext4 passes by the inodes of removed files for minutes, one by one, as long as it has them in memory. So that the next files are
/// written as fast as the first, these inodes are given up, if the system lets us.
fn write(files: &[(PathBuf, Vec<u8>)]) -> io::Result<f64> {
    let begun = Instant::now();
    files.par_iter().try_for_each(|(path, bytes)| fs::write(path, bytes))?;
    let seconds = begun.elapsed().as_secs_f64();
    files.par_iter().try_for_each(|(path, _)| fs::remove_file(path))?;
    Command::new("sync").status()?;
    // Only root may.
    drop(fs::write("/proc/sys/vm/drop_caches", "1"));
    Ok(seconds)
}
