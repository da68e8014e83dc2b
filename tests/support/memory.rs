//! A site in memory: what the build makes, without a disk.

use std::collections::BTreeMap;
use std::sync::Mutex;

use peerpress::commands::sealing::{Parameters, Sealing};
use peerpress::commands::site::{Ledger, Progress, Sink, SiteOptions, UnitSink, Work, make_site};
use peerpress::commands::theme::Theme;
use peerpress::render::Renderer;
use peerpress::seal::Seal;
use peerpress::snapshot::Snapshot;

/// Files by path.
#[derive(Default)]
pub(crate) struct MemorySink(Mutex<BTreeMap<String, Vec<u8>>>);

impl Sink for MemorySink {
    fn keep_unit(&self, _name: &str, _key: &blake3::Hash) -> anyhow::Result<bool> {
        Ok(false)
    }

    fn unit<'a>(&'a self, _name: &str) -> anyhow::Result<Box<dyn UnitSink + 'a>> {
        Ok(Box::new(MemoryUnit(&self.0)))
    }
}

struct MemoryUnit<'a>(&'a Mutex<BTreeMap<String, Vec<u8>>>);

impl UnitSink for MemoryUnit<'_> {
    fn is_current(&self, _path: &str, _key: &blake3::Hash) -> bool {
        false
    }

    fn is_in_place(&self, _path: &str) -> bool {
        false
    }

    fn keep(&self, path: &str) -> anyhow::Result<()> {
        anyhow::bail!("{path} was never said to be current")
    }

    fn put(&self, path: &str, bytes: Vec<u8>, _key: Option<blake3::Hash>) -> anyhow::Result<()> {
        let before = self.0.lock().unwrap().insert(path.to_owned(), bytes);
        anyhow::ensure!(before.is_none(), "{path} was made twice");
        Ok(())
    }

    fn finish(self: Box<Self>, _key: Option<blake3::Hash>) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Hears nothing.
pub(crate) struct Silent;

impl Progress for Silent {
    fn planned(&self, _conferences: u64) {}
    fn rendered(&self, _conferences: u64) {}
}

/// All files of the site of a snapshot, with the built-in templates and assets.
pub(crate) fn site(snapshot: &Snapshot, options: &SiteOptions) -> BTreeMap<String, Vec<u8>> {
    made(snapshot, options, None)
}

/// The same, sealed.
pub(crate) fn sealed_site(
    snapshot: &Snapshot,
    options: &SiteOptions,
    seal: &Seal,
) -> BTreeMap<String, Vec<u8>> {
    made(snapshot, options, Some(seal))
}

fn made(snapshot: &Snapshot, options: &SiteOptions, seal: Option<&Seal>) -> BTreeMap<String, Vec<u8>> {
    let theme = Theme::built_in();
    let (renderer, assets) = (Renderer::new(&theme.templates).unwrap(), theme.assets());
    let sink = MemorySink::default();
    let make = |sink: &dyn Sink| {
        let sinks = (sink, &Ledger::in_memory());
        make_site(snapshot, &renderer, &assets, options, sinks, (Work::Whole, false), &Silent).unwrap();
    };
    match seal {
        None => make(&sink),
        Some(seal) => {
            let parameters = Parameters::of(seal).unwrap();
            make(&Sealing::new(&sink, seal, &parameters, (&renderer, &assets)));
        }
    }
    sink.0.into_inner().unwrap()
}
