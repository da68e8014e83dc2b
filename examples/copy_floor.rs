//! The floor that the time of a snapshot is held against: the same rows and columns, as `COPY … TO STDOUT (FORMAT binary)` in
//! the same parts over the same number of connections, to nowhere.
//!
//! `cargo run --release --example copy_floor -- SNAPSHOT DATABASE_URL [CONNECTIONS] [RUNS]`, SNAPSHOT being one that was just
//! taken of that database, which says the parts. Prints a line per run, seconds and bytes, and the median.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use peerpress::snapshot::Snapshot;
use peerpress::source::{ConnectionSettings, connect};

const OF_PARTS: [&str; 6] = [
    include_str!("../src/source/queries/conferences.sql"),
    include_str!("../src/source/queries/sessions.sql"),
    include_str!("../src/source/queries/connections.sql"),
    include_str!("../src/source/queries/tracks.sql"),
    include_str!("../src/source/queries/issues.sql"),
    include_str!("../src/source/queries/events.sql"),
];

const GLOBALS: [&str; 3] = [
    include_str!("../src/source/queries/organizations.sql"),
    include_str!("../src/source/queries/apps.sql"),
    include_str!("../src/source/queries/participants.sql"),
];

/// Each part as its list of ids, then the tables that are not partitioned.
fn tasks(snapshot: &Snapshot) -> Result<Vec<Vec<String>>, Box<dyn Error>> {
    let mut parts: BTreeMap<(String, i64), Vec<String>> = BTreeMap::new();
    for row in snapshot.versions()? {
        parts.entry((row.day, row.piece)).or_default().push(row.conference_id.to_string());
    }
    let fill = |ids: &Vec<String>| -> Vec<String> {
        let ids = format!("'{{{}}}'::uuid[]", ids.join(","));
        OF_PARTS.iter().map(|query| query.replace("{conferences}", &ids)).collect()
    };
    let mut tasks: Vec<Vec<String>> = parts.values().map(fill).collect();
    tasks.push(GLOBALS.map(str::to_owned).to_vec());
    Ok(tasks)
}

/// Reads all tasks; seconds and bytes.
fn run(
    settings: &ConnectionSettings,
    tasks: &[Vec<String>],
    connections: usize,
) -> Result<(f64, u64), Box<dyn Error>> {
    let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let begun = Instant::now();
    let work = || -> Result<(), String> {
        let mut client = connect(settings).map_err(|error| error.to_string())?;
        while let Some(queries) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            for query in queries {
                let copy = format!("COPY (\n{query}\n) TO STDOUT (FORMAT binary)");
                let mut stream = client.copy_out(&copy).map_err(|error| error.to_string())?;
                bytes.fetch_add(drain(&mut stream).map_err(|error| error.to_string())?, Ordering::Relaxed);
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..connections).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| Err("a thread failed".to_owned())))
    })?;
    Ok((begun.elapsed().as_secs_f64(), bytes.into_inner()))
}

fn drain(stream: &mut impl Read) -> io::Result<u64> {
    io::copy(stream, &mut io::sink())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [snapshot, url, numbers @ ..] = arguments.as_slice() else {
        return Err("usage: copy_floor SNAPSHOT DATABASE_URL [CONNECTIONS] [RUNS]".into());
    };
    let number = |at: usize, usual: usize| numbers.get(at).map_or(Ok(usual), |text: &String| text.parse());
    let (connections, runs) = (number(0, 4)?, number(1, 5)?);
    let tasks = tasks(&Snapshot::open(Path::new(snapshot))?)?;
    let settings = ConnectionSettings::from_url(url)?;
    let mut seconds = Vec::new();
    let mut out = io::stdout().lock();
    for _ in 0..runs.max(1) {
        let (took, bytes) = run(&settings, &tasks, connections)?;
        writeln!(out, "{took:.3} s, {bytes} bytes")?;
        seconds.push(took);
    }
    seconds.sort_by(f64::total_cmp);
    writeln!(out, "median {:.3} s", seconds[seconds.len() / 2])?;
    Ok(())
}
