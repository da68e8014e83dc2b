//! `peerpress seed` and `peerpress migrate`: what is written to a database, and only when asked for.

use std::time::Instant;

use serde_json::json;

use super::{Done, Session, Usage, now, settings};
use crate::cli;
use crate::migrate::{MigrateError, State, track_changes, untrack_changes};
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
    crate::migrate::migrate(client).map_err(|error| with_hint(&error))
}

fn with_hint(error: &MigrateError) -> anyhow::Error {
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    let problem = format!("failed to {error}");
    match std::error::Error::source(error) {
        Some(cause) => anyhow::anyhow!("{problem}: {cause}{hint}"),
        None => anyhow::anyhow!("{problem}{hint}"),
    }
}

/// Does what was asked for of change tracking, and says it in a few words.
fn set_tracking(
    client: &mut postgres::Client,
    args: &cli::Migrate,
) -> Result<Option<&'static str>, MigrateError> {
    Ok(match (args.track_changes, args.no_track_changes) {
        (true, _) if track_changes(client)? => Some("changes are tracked from now on"),
        (true, _) => Some("changes are tracked already"),
        (_, true) if untrack_changes(client)? => Some("changes are tracked no longer"),
        (_, true) => Some("changes were not tracked"),
        (false, false) => None,
    })
}

/// Runs `peerpress migrate`.
pub fn migrate(session: &Session, args: &cli::Migrate) -> anyhow::Result<Done> {
    let database = settings::database(session, &args.database)?;
    let mut client = source::connect(&database)?;
    let outcome = migrate_database(&mut client)?;
    let tracking = set_tracking(&mut client, args).map_err(|error| with_hint(&error))?;
    let state = match outcome.state {
        State::Empty => "an empty database",
        State::PeerMetrics => "a database of Peer Metrics",
        State::Migrated => "a database migrated before",
    };
    let applied =
        if outcome.applied.is_empty() { "nothing to do".to_owned() } else { outcome.applied.join(", ") };
    let text = match tracking {
        Some(tracking) => format!("{state}: {applied}; {tracking}"),
        None => format!("{state}: {applied}"),
    };
    session.print(&json!({"found": state, "applied": outcome.applied, "tracking": tracking}), &text)?;
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
    let plan = plan(&SeedOptions {
        conferences: args.conferences,
        days: args.days,
        seed: args.seed,
        end,
        short: args.short,
    });
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
