//! The `peerpress` program: reads the command line and hands over.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    peerpress::commands::run(peerpress::cli::Cli::parse())
}
