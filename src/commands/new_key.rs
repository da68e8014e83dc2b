//! `peerpress new-key`: a pair of keys for `build --sign` and `check --verify`.

use std::path::PathBuf;

use anyhow::Context;
use serde::Serialize;

use super::sign::PASSPHRASE;
use super::{Done, Session, Usage, build, prompt, settings};
use crate::cli;
use crate::signature::NewKey;

#[derive(Serialize)]
struct Made {
    secret: PathBuf,
    public: PathBuf,
    key: String,
}

/// Runs the command.
pub fn run(session: &Session, args: &cli::NewKey) -> anyhow::Result<Done> {
    let secret = args.key.clone();
    let mut public = secret.clone().into_os_string();
    public.push(".pub");
    let public = PathBuf::from(public);
    for file in [&secret, &public] {
        if file.symlink_metadata().is_ok() {
            let hint =
                "name another file, or move it away: without it, nothing more can be signed by that key";
            return Err(Usage(format!("{} is there already\nhint: {hint}", file.display())).into());
        }
    }
    let passphrase = if args.no_passphrase { None } else { Some(passphrase()?) };
    let made = NewKey::make(passphrase.as_deref())?;
    settings::write_secret(&secret, &made.secret)
        .with_context(|| format!("cannot write {}", secret.display()))?;
    build::write_atomically(&public, made.public.as_bytes())?;
    let key = made.public.lines().nth(1).unwrap_or_default().to_owned();
    let text = format!(
        "{}: the secret key; keep it off the machine that serves the site\n{}: the public key, {key}",
        secret.display(),
        public.display()
    );
    session.print(&Made { secret, public, key }, &text)?;
    Ok(Done::Well)
}

fn passphrase() -> anyhow::Result<String> {
    let lack = format!("a passphrase is needed\nhint: set {PASSPHRASE}, or give --no-passphrase");
    let passphrase = prompt::given_or(PASSPHRASE, || prompt::ask_twice("Passphrase: ", "passphrase"), &lack)?;
    if passphrase.is_empty() {
        let hint = "--no-passphrase leaves the key without one";
        return Err(Usage(format!("the passphrase is empty\nhint: {hint}")).into());
    }
    Ok(passphrase)
}
