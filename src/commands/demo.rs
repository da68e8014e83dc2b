//! `peerpress demo`: the whole job on a throw-away database.

use std::path::Path;

use super::build::{self, How, Stages};
use super::seed::{migrate_database, this_hour};
use super::serve::{Wish, bind, serve_folder};
use super::{Done, Session, settings, snapshot};
use crate::cli;
use crate::cluster::{Cluster, ClusterError, ClusterOptions};
use crate::privacy::purge::Rules;
use crate::seed::{SeedOptions, SeedPlan, fill_database, plan, write_snapshot};
use crate::snapshot::Snapshot;
use crate::source::{ConnectionSettings, connect};

/// Runs the command.
pub fn run(session: &Session, args: &cli::Demo) -> anyhow::Result<Done> {
    let mut stages = Stages::default();
    let options = SeedOptions {
        conferences: args.conferences,
        days: args.days,
        seed: args.seed,
        end: this_hour(),
        short: false,
    };
    let plan = plan(&options);
    let folder = tempfile::Builder::new().prefix("peerpress-demo-").tempdir()?;
    let target = folder.path().join("snapshot");
    let snapshot = match Cluster::start(&ClusterOptions::default()) {
        Ok(cluster) => {
            let took = stages.end("start");
            session.say(&format!(
                "PostgreSQL {} runs in a temporary folder ({:.1} s)",
                cluster.programs().version(),
                took.as_secs_f64()
            ));
            let snapshot = by_database(session, &cluster, &plan, &target, &mut stages);
            // The database is not needed any more, whatever came of it.
            drop(cluster);
            snapshot?
        }
        Err(error @ ClusterError::NotInstalled) => {
            session.say(&format!("failed to {error}; the calls are generated without a database"));
            if let Some(hint) = error.hint() {
                session.say(&format!("hint: {hint}"));
            }
            let bar = session.terminal.bar("generate");
            bar.set_length(plan.len() as u64);
            let snapshot = write_snapshot(&plan, &target, &|done| bar.set_position(done as u64));
            bar.finish_and_clear();
            let snapshot = snapshot?;
            stages.end("generate");
            snapshot
        }
        Err(error) => {
            let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
            anyhow::bail!("failed to {error}{hint}");
        }
    };
    session.check_stop()?;
    let summary = build::render_and_publish(session, &snapshot, &args.site, How::default(), &mut stages)?;
    drop(snapshot);
    folder.close()?;
    session.print(&summary, &summary.text())?;
    if !args.no_serve {
        let server = bind(session, &Wish { port: args.port, ..Wish::default() })?;
        serve_folder(session, &server, &settings::folders(session, &args.site).output)?;
    }
    Ok(build::verdict(&args.site, &summary))
}

fn by_database(
    session: &Session,
    cluster: &Cluster,
    plan: &SeedPlan,
    target: &Path,
    stages: &mut Stages,
) -> anyhow::Result<Snapshot> {
    cluster.create_database("demo").map_err(|error| anyhow::anyhow!("failed to {error}"))?;
    let settings = ConnectionSettings::from_url(&cluster.url("demo"))?;
    let mut client = connect(&settings)?;
    let outcome = migrate_database(&mut client)?;
    let took = stages.end("migrate");
    session.say(&format!("migrated: {} ({:.1} s)", outcome.applied.join(", "), took.as_secs_f64()));
    session.check_stop()?;
    let bar = session.terminal.bar("seed");
    bar.set_length(plan.len() as u64);
    let counts = fill_database(&mut client, plan, &|done| bar.set_position(done as u64));
    bar.finish_and_clear();
    let counts = counts?;
    drop(client);
    let took = stages.end("seed");
    let rate = f64::from(u32::try_from(counts.events).unwrap_or(u32::MAX)) / took.as_secs_f64().max(0.001);
    session.say(&format!(
        "seeded: {} conferences, {} events ({:.1} s, {rate:.0} events/s)",
        counts.conferences,
        counts.events,
        took.as_secs_f64()
    ));
    session.check_stop()?;
    let snapshot = snapshot::take(
        session,
        std::slice::from_ref(&settings),
        &cli::SnapshotFolder::default(),
        (target, &Rules::default()),
    )?
    .snapshot;
    let took = stages.end("snapshot");
    let rows: u64 = snapshot.manifest().rows.values().sum();
    session.say(&format!("snapshot: {rows} rows ({:.1} s)", took.as_secs_f64()));
    Ok(snapshot)
}
