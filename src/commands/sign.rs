//! The signed manifest of a site, written with it: `build --sign`.

use super::{Session, Usage, prompt, settings};
use crate::cli;
use crate::publish::{Publisher, SitePath};
use crate::signature::{MANIFEST, SIGNATURE, SignatureError, SigningKey, manifest};

/// What has the passphrase of the key.
pub(super) const PASSPHRASE: &str = "PEERPRESS_SIGN_PASSPHRASE";
/// The unit of the manifest and its signature.
const UNIT: &str = "manifest";

/// The key that the command line or the settings file name, if one does.
pub fn key(session: &Session, args: &cli::Site) -> anyhow::Result<Option<SigningKey>> {
    let Some(file) = settings::signing_key(session, args) else { return Ok(None) };
    let text = std::fs::read_to_string(file).map_err(|error| {
        Usage(format!("cannot read the key {}: {error}\nhint: peerpress new-key makes one", file.display()))
    })?;
    let passphrase = if SigningKey::needs_passphrase(&text) { passphrase()? } else { String::new() };
    let key = SigningKey::from_text(&text, &passphrase).map_err(|error| match error {
        SignatureError::Passphrase => anyhow::anyhow!("{}: {error}", file.display()),
        _ => Usage(format!("{}: {error}\nhint: peerpress new-key makes one", file.display())).into(),
    })?;
    Ok(Some(key))
}

fn passphrase() -> anyhow::Result<String> {
    let lack = format!("the signing key has a passphrase\nhint: set {PASSPHRASE}");
    prompt::given_or(PASSPHRASE, || prompt::ask("Passphrase of the signing key: ", "passphrase"), &lack)
}

/// The key of a site that is signed, from that of the same site without.
pub fn signed(site: &blake3::Hash, key: &SigningKey) -> blake3::Hash {
    digest(&[site.as_bytes(), key.public().as_bytes()])
}

/// Puts manifest and signature into a site of which all else is finished. Digests are those that publishing knows, so that no file
/// is read again, and a file that somebody changed in place is not signed as it is now. A signature has randomness in it: it stays
/// while what it says stays.
pub fn sign(publisher: &Publisher, key: &SigningKey, taken_at: &str) -> anyhow::Result<()> {
    let files = publisher.files()?;
    let comment = format!("peerpress site as of {taken_at}, {} files", files.len());
    let text = manifest(files);
    let (manifest, signature) = (SitePath::new(MANIFEST)?, SitePath::new(SIGNATURE)?);
    let made_from = digest(&[key.public().as_bytes(), comment.as_bytes(), text.as_bytes()]);
    let unit = publisher.unit(UNIT)?;
    unit.put(&manifest, text.as_bytes(), None)?;
    if unit.is_current(&signature, &made_from) {
        unit.keep(&signature)?;
    } else {
        unit.put(&signature, key.sign(text.as_bytes(), &comment)?.as_bytes(), Some(made_from))?;
    }
    Ok(unit.finish(None)?)
}

fn digest(parts: &[&[u8]]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"peerpress signed 1");
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.finalize()
}
