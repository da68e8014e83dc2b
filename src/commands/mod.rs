//! The commands of the program: they tie the stages together, and alone may read the clock and print.

pub mod build;
pub mod check;
pub mod demo;
pub mod erase;
pub mod hash_password;
pub mod locks;
pub mod merge;
pub mod new_key;
pub mod precompress;
pub mod preview;
mod prompt;
pub mod right_of_way;
pub mod sealing;
pub mod seed;
pub mod serve;
pub mod settings;
pub mod sign;
pub mod site;
pub mod snapshot;
pub mod theme;
pub mod verify;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use crate::cli::{Cli, Command};
use crate::config::{Config, ConfigError};
use crate::terminal::Terminal;
use crate::units::Timestamp;
use right_of_way::RightOfWay;

/// How often work that waits looks whether it should end.
const GLANCE: Duration = Duration::from_millis(10);

/// How a command ended, if it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// As asked.
    Well,
    /// As asked, but there are findings and the user wanted none.
    WithFindings,
}

/// A mistake in what the user wrote, as against a failure of the work.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// What every command has at hand.
pub struct Session {
    /// The settings file.
    pub config: Config,
    /// Where progress is shown.
    pub terminal: Terminal,
    /// Whether the result goes out as JSON.
    pub json: bool,
    quiet: bool,
    /// The command, as its owner's locks name it.
    pub command: &'static str,
    /// Whether a folder that is in use is an error.
    pub no_wait: bool,
    /// The settings file that the command line names.
    pub config_file: Option<PathBuf>,
    /// Set on Ctrl-C and on termination.
    pub stop: Arc<AtomicBool>,
    /// What a build behind a server leaves to whoever waits for a page.
    pub right_of_way: Arc<RightOfWay>,
}

impl Session {
    /// Says a line about the work, on standard error.
    #[expect(clippy::print_stderr, reason = "commands talk to the user")]
    pub fn say(&self, line: &str) {
        if !self.quiet {
            eprintln!("{line}");
        }
    }

    /// Prints a result: the value as JSON if the user wants that, else the text.
    #[expect(clippy::print_stdout, reason = "commands print their result")]
    pub fn print<T: Serialize>(&self, value: &T, text: &str) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(value)?);
        } else if !self.quiet {
            println!("{text}");
        }
        Ok(())
    }

    /// The same with other settings, for work behind a server: without progress.
    #[must_use]
    pub fn with(&self, config: Config) -> Self {
        Self {
            config,
            terminal: Terminal::new(true),
            json: self.json,
            quiet: self.quiet,
            command: self.command,
            no_wait: self.no_wait,
            config_file: self.config_file.clone(),
            stop: Arc::clone(&self.stop),
            right_of_way: Arc::clone(&self.right_of_way),
        }
    }

    /// Says what is done, but may not be meant; also to those who want to hear nothing else.
    #[expect(clippy::print_stderr, reason = "commands talk to the user")]
    pub fn warn(&self, line: &str) {
        eprintln!("warning: {line}");
    }

    /// Whether the user wants the program to end.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Ends the work with an error if the user wants that; waits while somebody waits for a page.
    pub fn check_stop(&self) -> anyhow::Result<()> {
        while !self.stopped()
            && let Some(wait) = self.right_of_way.wait()
        {
            std::thread::sleep(wait.min(GLANCE));
        }
        anyhow::ensure!(!self.stopped(), "interrupted");
        Ok(())
    }
}

/// The clock, for the end of synthetic calls.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock; the core gets time as an input"
)]
pub fn now() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}

/// Runs the command line and gives the program's exit code.
#[expect(clippy::print_stderr, reason = "commands talk to the user")]
pub fn run(cli: Cli) -> ExitCode {
    let level = match (cli.quiet, cli.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "peerpress=debug,info",
    };
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("PEERPRESS_LOG").unwrap_or_else(|_| level.into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
    match try_run(cli) {
        Ok(Done::Well) => ExitCode::SUCCESS,
        Ok(Done::WithFindings) => ExitCode::from(3),
        Err(error) => {
            let mut text = String::new();
            for cause in error.chain() {
                let cause = cause.to_string();
                // A cause that the message before it quotes already is not said twice.
                if !text.contains(&cause) {
                    text = if text.is_empty() { cause } else { format!("{text}: {cause}") };
                }
            }
            eprintln!("error: {text}");
            let settings = |cause: &(dyn std::error::Error + 'static)| {
                matches!(cause.downcast_ref(), Some(crate::source::SourceError::Settings { .. }))
            };
            let tenant = |cause: &(dyn std::error::Error + 'static)| {
                matches!(cause.downcast_ref(), Some(crate::privacy::ViewError::Tenant { .. }))
            };
            let usage = error.chain().any(|cause| {
                cause.is::<Usage>() || cause.is::<ConfigError>() || settings(cause) || tenant(cause)
            });
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}

fn try_run(cli: Cli) -> anyhow::Result<Done> {
    let config = Config::load(cli.config.as_deref())?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            // The second time the user means it. Nothing half-done can be seen: publishing survives a crash.
            std::process::exit(130);
        }
    })?;
    let terminal = Terminal::new(cli.quiet);
    let session = Session {
        config,
        terminal,
        json: cli.json,
        quiet: cli.quiet,
        command: cli.command.name(),
        no_wait: cli.no_wait,
        config_file: cli.config,
        stop,
        right_of_way: Arc::default(),
    };
    match cli.command {
        Command::Demo(args) => demo::run(&session, &args),
        Command::Build(args) => build::run(&session, &args),
        Command::Merge(args) => merge::run(&session, &args),
        Command::Snapshot(args) => snapshot::run(&session, &args),
        Command::Serve(args) => serve::run(&session, &args),
        Command::Erase(args) => erase::run(&session, &args),
        Command::Migrate(args) => seed::migrate(&session, &args),
        Command::Seed(args) => seed::run(&session, &args),
        Command::Check(args) => check::run(&session, &args),
        Command::NewKey(args) => new_key::run(&session, &args),
        Command::HashPassword => hash_password::run(&session),
    }
}
