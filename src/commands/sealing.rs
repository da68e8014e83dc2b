//! `build --encrypt`: a sink around the sink of a build that hands on sealed bytes. Whoever makes pages knows nothing of it.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::site::{Sink, UnitSink};
use super::{Session, Usage, build, prompt, settings};
use crate::cli;
use crate::render::Renderer;
use crate::render::assets::Assets;
use crate::seal::{ITERATIONS, SALT, SHORTEST, Seal};
use crate::site::Route;

/// Why a site is not sealed under live rebuild.
pub(super) const NOT_LIVE: &str = "a site is not sealed while it is worked on\n\
    hint: peerpress build --encrypt seals it, and peerpress serve --static shows it";
/// What has the passphrase.
const PASSPHRASE: &str = "PEERPRESS_PASSPHRASE";
/// The salt of a site, below the state folder. That it is there says that the site is sealed.
const FILE: &str = "seal.json";
/// Part of the keys: with another version of this, everything is sealed anew.
const VERSION: &[u8] = b"peerpress sealing 1";
/// The template of the page that opens sealed ones.
const TEMPLATE: &str = "sealed.html";

#[derive(Serialize, Deserialize)]
struct Kept {
    /// In base64.
    salt: String,
    iterations: u32,
}

/// Whether the site that was built last is sealed.
pub fn is_sealed(state: &Path) -> bool {
    state.join(FILE).exists()
}

/// The keys of the site, if it is to be sealed; its salt is made the first time. An error if it is not to be sealed, but was.
pub fn seal(session: &Session, args: &cli::Site, state: &Path) -> anyhow::Result<Option<Seal>> {
    let file = state.join(FILE);
    if !settings::encrypt(session, args) {
        if args.passphrase_file.is_some() {
            let hint = "give --encrypt, too";
            return Err(Usage(format!("--passphrase-file alone seals nothing\nhint: {hint}")).into());
        }
        if file.exists() {
            let hint = format!(
                "give --encrypt; or, if everybody who can reach the site may read it from now on, delete {}",
                file.display()
            );
            return Err(Usage(format!(
                "the site was sealed, and this build would not seal it\nhint: {hint}"
            ))
            .into());
        }
        return Ok(None);
    }
    let passphrase = passphrase(session, args)?;
    let Kept { salt, iterations } = kept(&file)?;
    let salt = Seal::salt_from(&salt)
        .with_context(|| format!("{} is damaged\nhint: delete it; all is sealed anew", file.display()))?;
    Ok(Some(Seal::new(&passphrase, salt, iterations)))
}

fn kept(file: &Path) -> anyhow::Result<Kept> {
    let cannot = || format!("cannot read {}", file.display());
    match fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).with_context(cannot),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut salt = [0; SALT];
            getrandom::fill(&mut salt).map_err(|error| anyhow::anyhow!("cannot make a salt: {error}"))?;
            let kept = Kept { salt: BASE64.encode(salt), iterations: ITERATIONS };
            let folder = file.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            build::write_atomically(file, &serde_json::to_vec(&kept)?)?;
            Ok(kept)
        }
        Err(error) => Err(error).with_context(cannot),
    }
}

/// From the file that is named, else the environment, else who sits there.
fn passphrase(session: &Session, args: &cli::Site) -> anyhow::Result<String> {
    let file = args.passphrase_file.as_ref().or(session.config.build.passphrase_file.as_ref());
    let given = if let Some(file) = file {
        let text = fs::read_to_string(file)
            .map_err(|error| Usage(format!("cannot read the passphrase, {}: {error}", file.display())))?;
        text.trim_end_matches(['\r', '\n']).to_owned()
    } else {
        let lack = format!("--encrypt needs a passphrase\nhint: set {PASSPHRASE}, or give --passphrase-file");
        let ask = || prompt::ask_twice("Passphrase of the site: ", "passphrase");
        prompt::given_or(PASSPHRASE, ask, &lack)?
    };
    if given.chars().count() < SHORTEST {
        let problem = format!("the passphrase has fewer than {SHORTEST} characters");
        let hint =
            "whoever has the files can try passphrases as fast as they like: take five or more random words";
        return Err(Usage(format!("{problem}\nhint: {hint}")).into());
    }
    Ok(given)
}

/// What the page that opens a sealed one is made from.
#[derive(Serialize)]
struct Shell<'a> {
    /// The way to the site's root.
    root: String,
    style: String,
    script: String,
    /// What is sealed; none where there is nothing.
    sealed: Option<SealedPage<'a>>,
}

#[derive(Serialize)]
struct SealedPage<'a> {
    /// The page's path, under which it was sealed.
    path: &'a str,
    salt: &'a str,
    iterations: u32,
    /// By which the script knows whether the passphrase is right.
    check: &'a str,
    /// In base64.
    bytes: String,
}

/// Hands files on to a sink, sealed; assets and what only robots read stay as they are.
pub struct Sealing<'a> {
    sink: &'a dyn Sink,
    seal: &'a Seal,
    shells: Shells<'a>,
}

/// All that the pages that open sealed ones have in common.
#[derive(Clone, Copy)]
struct Shells<'a> {
    renderer: &'a Renderer,
    assets: &'a Assets,
    seal: &'a Seal,
    salt: &'a str,
    check: &'a str,
    /// Of all that sealed files are made with.
    digest: blake3::Hash,
}

/// Salt and check of a seal in base64, as pages have them.
pub struct Parameters {
    salt: String,
    check: String,
}

impl Parameters {
    /// Of a seal.
    pub fn of(seal: &Seal) -> anyhow::Result<Self> {
        Ok(Self { salt: seal.salt(), check: seal.check()? })
    }
}

impl<'a> Sealing<'a> {
    /// Around `sink`.
    pub fn new(
        sink: &'a dyn Sink,
        seal: &'a Seal,
        parameters: &'a Parameters,
        (renderer, assets): (&'a Renderer, &'a Assets),
    ) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(VERSION).update(&seal.id()).update(renderer.digest().as_bytes());
        for (name, published) in &assets.names {
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
            hasher.update(&(published.len() as u64).to_le_bytes()).update(published.as_bytes());
        }
        let digest = hasher.finalize();
        let Parameters { salt, check } = parameters;
        Self { sink, seal, shells: Shells { renderer, assets, seal, salt, check, digest } }
    }
}

/// The key of a site that is sealed, from that of the same site without.
pub fn sealed(site: &blake3::Hash, seal: &Seal) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(VERSION).update(&seal.id()).update(site.as_bytes());
    hasher.finalize()
}

impl Sink for Sealing<'_> {
    fn keep_unit(&self, name: &str, key: &blake3::Hash) -> anyhow::Result<bool> {
        self.sink.keep_unit(name, &self.shells.key(key, b"unit"))
    }

    fn unit<'a>(&'a self, name: &str) -> anyhow::Result<Box<dyn UnitSink + 'a>> {
        Ok(Box::new(SealingUnit { sink: self.sink.unit(name)?, seal: self.seal, shells: self.shells }))
    }
}

struct SealingUnit<'a> {
    sink: Box<dyn UnitSink + 'a>,
    seal: &'a Seal,
    shells: Shells<'a>,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It says nothing of anybody, and is needed before anything can be opened.
    Plain,
    /// A page that hosts show in the place of any other, and that has nothing to hide.
    NotFound,
    /// A page that opens itself at the same path.
    Page,
    /// A script with sealed bytes under another name.
    Data,
}

fn fate(path: &str) -> Fate {
    if path.starts_with("assets/") || path == Route::Robots.path() {
        Fate::Plain
    } else if path == Route::NotFound.path() {
        Fate::NotFound
    } else if Path::new(path).extension().is_some_and(|end| end == "html") {
        Fate::Page
    } else {
        Fate::Data
    }
}

impl SealingUnit<'_> {
    fn place(&self, path: &str) -> String {
        if fate(path) == Fate::Data { self.seal.place_of(path) } else { path.to_owned() }
    }
}

impl UnitSink for SealingUnit<'_> {
    fn is_current(&self, path: &str, key: &blake3::Hash) -> bool {
        self.sink.is_current(&self.place(path), &self.shells.key(key, b"key"))
    }

    fn is_in_place(&self, path: &str) -> bool {
        self.sink.is_in_place(&self.place(path))
    }

    fn keep(&self, path: &str) -> anyhow::Result<()> {
        self.sink.keep(&self.place(path))
    }

    fn keep_all(&self, key: &blake3::Hash) -> anyhow::Result<bool> {
        self.sink.keep_all(&self.shells.key(key, b"key"))
    }

    fn put(&self, path: &str, bytes: Vec<u8>, key: Option<blake3::Hash>) -> anyhow::Result<()> {
        let fate = fate(path);
        let place = self.place(path);
        // Where it is not known what a file was made from, its bytes tell whether it has to be sealed again.
        let key = match key {
            Some(key) => self.shells.key(&key, b"key"),
            None => self.shells.key(&blake3::hash(&bytes), b"bytes"),
        };
        if fate != Fate::Plain && self.sink.is_current(&place, &key) {
            return self.sink.keep(&place);
        }
        let bytes = match fate {
            Fate::Plain => bytes,
            Fate::NotFound => self.shells.render(path, None)?,
            Fate::Page => self.shells.render(path, Some(&bytes))?,
            Fate::Data => self.seal.script(path, &bytes).with_context(|| format!("cannot seal {path}"))?,
        };
        self.sink.put(&place, bytes, Some(key))
    }

    fn finish(self: Box<Self>, key: Option<blake3::Hash>) -> anyhow::Result<()> {
        self.sink.finish(key.map(|key| self.shells.key(&key, b"unit")))
    }
}

impl Shells<'_> {
    fn key(&self, key: &blake3::Hash, what: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.digest.as_bytes()).update(key.as_bytes()).update(what);
        hasher.finalize()
    }

    /// The page in the place of another one, which it opens.
    fn render(&self, path: &str, page: Option<&[u8]>) -> anyhow::Result<Vec<u8>> {
        let root = "../".repeat(path.matches('/').count());
        let asset = |name: &str| {
            let published = self.assets.names.get(name).map_or(name, String::as_str);
            format!("{root}{}", Route::Asset(published.to_owned()).path())
        };
        let sealed = |bytes| -> anyhow::Result<SealedPage<'_>> {
            let bytes = self.seal.page(path, bytes).with_context(|| format!("cannot seal {path}"))?;
            let iterations = self.seal.iterations();
            Ok(SealedPage { path, salt: self.salt, iterations, check: self.check, bytes })
        };
        let shell = Shell {
            style: asset("css/main.css"),
            script: asset("js/seal.js"),
            sealed: page.map(sealed).transpose()?,
            root,
        };
        Ok(self.renderer.text(TEMPLATE, &shell)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_assets_is_sealed() {
        let cases = [
            ("assets/js/page.0123.js", Fate::Plain),
            ("robots.txt", Fate::Plain),
            ("404.html", Fate::NotFound),
            ("index.html", Fate::Page),
            ("conference/x/call-1.html", Fate::Page),
            ("embed/app/x.html", Fate::Page),
            ("embed/app/x.svg", Fate::Data),
            ("feed.xml", Fate::Data),
            ("sitemap.xml", Fate::Data),
            ("api/v1/meta.json", Fate::Data),
            ("search/index.js", Fate::Data),
            ("apps/x/facts.js", Fate::Data),
            ("data/apps/x/events.parquet", Fate::Data),
            ("anything", Fate::Data),
        ];
        for (path, expected) in cases {
            assert_eq!(fate(path), expected, "{path}");
        }
    }
}
