//! A snapshot with one conference that is as long as you like, for measuring what a build of it takes of memory: a generated one
//! whose stats come again and again.
//!
//! `cargo run --release --example long_conference -- TARGET EVENTS`; TARGET is the folder of the new snapshot.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use peerpress::ids::EventId;
use peerpress::seed::{SeedOptions, Stored, plan};
use peerpress::snapshot::{EventRow, Json, PartRows, SnapshotWriter};
use peerpress::units::Timestamp;
use uuid::Uuid;

/// Seconds between the last poll of one round and the first of the next.
const PAUSE_S: f64 = 10.0;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(target), Some(wanted)) = (arguments.next(), arguments.next()) else {
        return Err("usage: long_conference TARGET EVENTS".into());
    };
    let wanted: usize = wanted.parse()?;
    let end = Timestamp::parse("2026-11-20 12:00:00").ok_or("no time")?;
    let plan = plan(&SeedOptions { conferences: 40, days: 4, seed: 1, end, short: false });
    let told = (0..plan.len()).map(|at| plan.conference(at)).filter(|told| told.conference.is_active);
    let told = told.max_by_key(|told| told.events.len()).ok_or("no conference")?;

    let (stats, mut events): (Vec<EventRow>, Vec<EventRow>) =
        active(told.events).into_iter().partition(|event| event.r#type == "stats");
    let (Some(first), Some(last)) = (stats.first(), stats.last()) else { return Err("no stats".into()) };
    let round_s = last.created_at.seconds_since(first.created_at) + PAUSE_S;
    let rounds = wanted.saturating_sub(events.len()).div_ceil(stats.len());
    let later_s = round_s * rounds.saturating_sub(1) as f64;

    let mut part = PartRows { conferences: vec![told.conference.row], ..PartRows::default() };
    part.sessions = active(told.sessions);
    part.connections = active(told.connections);
    part.tracks = active(told.tracks);
    part.issues = active(told.issues);
    let ends = part.conferences.iter_mut().map(|row| &mut row.end_time);
    let ends = ends.chain(part.sessions.iter_mut().map(|row| &mut row.end_time));
    for end in ends.chain(part.connections.iter_mut().map(|row| &mut row.end_time)) {
        *end = end.map(|end| end.plus_seconds(later_s));
    }
    part.conferences.iter_mut().for_each(|row| row.summary_data = None);

    let writer = SnapshotWriter::create(Path::new(&target))?;
    let day = part.conferences.first().ok_or("no conference")?.created_at.day();
    let mut large = writer.begin_large_part(day, 0)?;
    events.reverse();
    let mut count = 0_usize;
    for round in 0..rounds {
        let by_s = round_s * round as f64;
        for event in &stats {
            let mut event = event.clone();
            event.created_at = event.created_at.plus_seconds(by_s);
            event.id = EventId(Uuid::from_u128(event.id.0.as_u128().wrapping_add((round as u128) << 64)));
            event.data = event.data.map(|Json(text)| Json(later(&text, by_s * 1000.0)));
            while let Some(other) = events.pop_if(|other| other.created_at <= event.created_at) {
                large.add_event(&other)?;
                count += 1;
            }
            large.add_event(&event)?;
            count += 1;
        }
    }
    for other in events.into_iter().rev() {
        large.add_event(&other)?;
        count += 1;
    }
    large.finish(part)?;
    let snapshot = writer.finish(&plan.globals(), end.plus_seconds(later_s), "generated")?;
    let samples = snapshot.manifest().rows.get("samples").copied().unwrap_or_default();
    writeln!(io::stdout(), "{count} events, {samples} samples, {:.1} hours", later_s / 3600.0)?;
    Ok(())
}

fn active<R>(rows: Vec<Stored<R>>) -> Vec<R> {
    rows.into_iter().filter(|stored| stored.is_active).map(|stored| stored.row).collect()
}

/// The same stats so many milliseconds later, by the browser's clock.
fn later(text: &str, by_ms: f64) -> String {
    const MEMBER: &str = "\"timestamp\":";
    let mut parts = text.split(MEMBER);
    let mut later = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number =
            part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit() || ".-e".contains(c)).len();
        let (at, rest) = part.split_at(number);
        later.push_str(MEMBER);
        match at.parse::<f64>() {
            Ok(at) => later.push_str(&format!("{}", at + by_ms)),
            Err(_) => later.push_str(part.get(..number).unwrap_or_default()),
        }
        later.push_str(rest);
    }
    later
}
