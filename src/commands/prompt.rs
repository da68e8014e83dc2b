//! Secrets that the environment has, or that are asked for on a terminal.

use std::io::{self, IsTerminal};

use anyhow::Context as _;

use super::Usage;

/// Whether there is somebody to ask.
pub(super) fn has_terminal() -> bool {
    io::stdin().is_terminal()
}

/// What a variable of the environment has, else what `ask` gives; where there is nobody to ask, `lack` is the mistake.
pub(super) fn given_or(
    variable: &str,
    ask: impl FnOnce() -> anyhow::Result<String>,
    lack: &str,
) -> anyhow::Result<String> {
    match std::env::var(variable).ok().filter(|given| !given.is_empty()) {
        Some(given) => Ok(given),
        None if has_terminal() => ask(),
        None => Err(Usage(lack.to_owned()).into()),
    }
}

/// Asks for a secret of some kind, such as a passphrase.
pub(super) fn ask(prompt: &str, kind: &str) -> anyhow::Result<String> {
    rpassword::prompt_password(prompt).with_context(|| format!("the {kind} cannot be read"))
}

/// Asks for one that is new: twice, as nobody sees what they type.
pub(super) fn ask_twice(prompt: &str, kind: &str) -> anyhow::Result<String> {
    let given = ask(prompt, kind)?;
    if given != ask("Again: ", kind)? {
        return Err(Usage(format!("the two {kind}s differ")).into());
    }
    Ok(given)
}
