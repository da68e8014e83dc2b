//! `peerpress hash-password`: the hash of a password, for `serve --auth`.

use std::io;

use anyhow::Context;
use serde::Serialize;

use super::{Done, Session, Usage, prompt};
use crate::serve::hash_password;

#[derive(Serialize)]
struct Hash {
    hash: String,
}

/// Runs the command.
pub fn run(session: &Session) -> anyhow::Result<Done> {
    let password = if prompt::has_terminal() {
        prompt::ask_twice("Password: ", "password")?
    } else {
        let mut line = String::new();
        io::stdin().read_line(&mut line).context("the password cannot be read")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.is_empty() {
        return Err(Usage("the password is empty".to_owned()).into());
    }
    let hash = hash_password(&password)?;
    session.print(&Hash { hash: hash.clone() }, &hash)?;
    Ok(Done::Well)
}
