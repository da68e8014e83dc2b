//! `peerpress serve`: build, serve, and build again when something changes.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::build::{self, How, Stages};
use super::{Done, Session, Usage, settings};
use crate::cli;
use crate::config::{Config, FILE};
use crate::serve::{Folder, Live, Server, Update};
use crate::watch::watch;

/// The usual port.
const PORT: u16 = 8000;
/// Threads that answer.
const THREADS: usize = 4;

/// The server that the command line or the settings file ask for.
pub fn bind(session: &Session, host: Option<IpAddr>, port: Option<u16>) -> anyhow::Result<Server> {
    let config = &session.config.serve;
    let host = host.or(config.host).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    Ok(Server::bind(host, port.or(config.port).unwrap_or(PORT))?)
}

/// Serves a published site until the user ends the program.
pub fn serve_folder(session: &Session, server: &Server, output: &std::path::Path) -> anyhow::Result<()> {
    let folder = Folder::open(output).map_err(|error| {
        anyhow::anyhow!(
            "cannot serve {}: {error}\nhint: build it first with `peerpress build`",
            output.display()
        )
    })?;
    session.say(&format!("serving {} on {} (Ctrl-C ends it)", output.display(), server.url()));
    server.run(&folder, None, THREADS, &session.stop);
    Ok(())
}

/// Runs the command.
pub fn run(session: &Session, args: &cli::Serve) -> anyhow::Result<Done> {
    if args.build.mail.is_some() {
        let hint = "peerpress build --mail FILE writes it";
        return Err(Usage(format!("serve writes no mail\nhint: {hint}")).into());
    }
    let folders = settings::folders(session, &args.build.site);
    if args.as_is {
        let server = bind(session, args.host, args.port)?;
        serve_folder(session, &server, &folders.output)?;
        return Ok(Done::Well);
    }
    let mut stages = Stages::default();
    let snapshot = build::snapshot_of(session, &args.build, &mut stages)?;
    let summary = build::render_and_publish(
        session,
        &snapshot,
        &args.build.site,
        How { dev: true, ..How::default() },
        &mut stages,
    )?;
    session.say(&summary.text());
    let server = bind(session, args.host, args.port)?;
    let live = Live::default();
    let folder = Folder::open(&folders.output)?;
    session.say(&format!(
        "serving {} on {} with live rebuild (Ctrl-C ends it)",
        folders.output.display(),
        server.url()
    ));
    let watched = [folders.templates.clone(), folders.assets.clone(), PathBuf::from(FILE)];
    std::thread::scope(|scope| -> anyhow::Result<()> {
        scope.spawn(|| server.run(&folder, Some(&live), THREADS, &session.stop));
        let watching = watch(&watched, &session.stop, |files| {
            let update = rebuild(session, args, &snapshot, files);
            live.tell(update);
        });
        // Without the watcher the server still has the site; it ends with the program.
        if let Err(error) = watching {
            tracing::warn!("files are not watched: {error}");
        }
        Ok(())
    })?;
    Ok(Done::Well)
}

fn rebuild(
    session: &Session,
    args: &cli::Serve,
    snapshot: &crate::snapshot::Snapshot,
    files: &[PathBuf],
) -> Update {
    let config = match Config::load(None) {
        Ok(config) => config,
        Err(error) => return failed(session, &error.to_string()),
    };
    let again = Session {
        config,
        terminal: crate::terminal::Terminal::new(true),
        json: false,
        quiet: session.quiet,
        stop: std::sync::Arc::clone(&session.stop),
    };
    match build::render_and_publish(
        &again,
        snapshot,
        &args.build.site,
        How { dev: true, ..How::default() },
        &mut Stages::default(),
    ) {
        Ok(summary) => {
            session.say(&format!("rebuilt: {} files written", summary.written));
            let only_css =
                files.iter().all(|file| file.extension().is_some_and(|extension| extension == "css"));
            Update { kind: if only_css { "css" } else { "reload" }, message: None }
        }
        Err(error) => failed(session, &format!("{error:#}")),
    }
}

fn failed(session: &Session, problem: &str) -> Update {
    session.say(&format!("error: {problem}"));
    Update { kind: "error", message: Some(problem.to_owned()) }
}
