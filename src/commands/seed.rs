//! `peerpress seed` and `peerpress migrate`: what is written to a database, and only when asked for.

use std::time::Instant;

use serde_json::json;

use super::{Done, Session, Usage, now, settings};
use crate::cli;
use crate::migrate::State;
use crate::seed::{SeedOptions, fill_database, plan};
use crate::source;
use crate::units::Timestamp;

/// The beginning of this hour: the same calls for some time, without saying when.
pub fn this_hour() -> Timestamp {
    let micros = now().as_micros();
    Timestamp::from_micros(micros - micros.rem_euclid(3_600_000_000))
}

/// Brings a database to the schema, with hints in the error.
pub fn migrate_database(client: &mut postgres::Client) -> anyhow::Result<crate::migrate::Outcome> {
    crate::migrate::migrate(client).map_err(|error| {
        let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        anyhow::anyhow!("failed to {error}{hint}")
    })
}

/// Runs `peerpress migrate`.
pub fn migrate(session: &Session, args: &cli::Migrate) -> anyhow::Result<Done> {
    let database = settings::database(session, &args.database)?;
    let outcome = migrate_database(&mut source::connect(&database)?)?;
    let state = match outcome.state {
        State::Empty => "an empty database",
        State::PeerMetrics => "a database of Peer Metrics",
        State::Migrated => "a database migrated before",
    };
    let applied =
        if outcome.applied.is_empty() { "nothing to do".to_owned() } else { outcome.applied.join(", ") };
    session.print(&json!({"found": state, "applied": outcome.applied}), &format!("{state}: {applied}"))?;
    Ok(Done::Well)
}

/// Runs `peerpress seed`.
pub fn run(session: &Session, args: &cli::Seed) -> anyhow::Result<Done> {
    let end = match &args.end {
        None => this_hour(),
        Some(text) => Timestamp::parse(text).ok_or_else(|| {
            Usage(format!("--end {text}: not a time\nhint: write it as 2026-11-23T12:00:00Z"))
        })?,
    };
    let database = settings::database(session, &args.database)?;
    let mut client = source::connect(&database)?;
    let begun = Instant::now();
    let plan = plan(&SeedOptions { conferences: args.conferences, days: args.days, seed: args.seed, end });
    let bar = session.terminal.bar("seed");
    bar.set_length(plan.len() as u64);
    let counts = fill_database(&mut client, &plan, &|done| bar.set_position(done as u64));
    bar.finish_and_clear();
    let counts = counts?;
    let seconds = begun.elapsed().as_secs_f64();
    let value = json!({"conferences": counts.conferences, "sessions": counts.sessions, "events": counts.events,
        "seed": args.seed, "end": end, "seconds": seconds});
    let text = format!(
        "{} conferences, {} sessions, {} events in {seconds:.1} s (the same again with --seed {} --end {end})",
        counts.conferences, counts.sessions, counts.events, args.seed
    );
    session.print(&value, &text)?;
    Ok(Done::Well)
}
