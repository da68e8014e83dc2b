//! `peerpress hash-password`: the hash of a password, for `serve --auth`.

use std::io::{self, IsTerminal};

use anyhow::Context;
use serde::Serialize;

use super::{Done, Session, Usage};
use crate::serve::hash_password;

#[derive(Serialize)]
struct Hash {
    hash: String,
}

/// Runs the command.
pub fn run(session: &Session) -> anyhow::Result<Done> {
    let password = if io::stdin().is_terminal() {
        let password = rpassword::prompt_password("Password: ").context("the password cannot be read")?;
        let again = rpassword::prompt_password("Again: ").context("the password cannot be read")?;
        if password != again {
            return Err(Usage("the two passwords differ".to_owned()).into());
        }
        password
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
