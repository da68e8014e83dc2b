//! What pages are made from, kept on disk while a site is served: one compressed file that has no name, so that nothing of
//! it is left when the program ends.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;

use crate::commands::site::is_measured_on_demand;
use crate::render::PageContext;
use crate::site::Route;

/// Where a page's context lies.
#[derive(Debug, Clone, Copy)]
struct Entry {
    template: &'static str,
    at: u64,
    length: usize,
}

#[derive(Debug)]
struct Written {
    file: BufWriter<File>,
    length: u64,
    entries: BTreeMap<String, Entry>,
}

/// Takes the contexts of a build's pages, on many threads; those of calls are left out, being many and large.
#[derive(Debug)]
pub struct ContextWriter(Mutex<Written>);

impl ContextWriter {
    /// Begins a file in a folder, which is made if it is not there.
    pub fn create(folder: &Path) -> anyhow::Result<Self> {
        let file = std::fs::create_dir_all(folder)
            .and_then(|()| tempfile::tempfile_in(folder))
            .with_context(|| format!("cannot keep pages in {}", folder.display()))?;
        Ok(Self(Mutex::new(Written { file: BufWriter::new(file), length: 0, entries: BTreeMap::new() })))
    }

    /// Keeps what a page is made from, as JSON.
    pub fn add(&self, route: &Route, template: &'static str, json: &[u8]) -> anyhow::Result<()> {
        if is_measured_on_demand(route) {
            return Ok(());
        }
        let bytes = zstd::bulk::compress(json, 1)?;
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.file.write_all(&bytes).context("cannot keep a page")?;
        let entry = Entry { template, at: written.length, length: bytes.len() };
        written.length += bytes.len() as u64;
        written.entries.insert(route.path(), entry);
        Ok(())
    }

    /// All that was kept.
    pub fn finish(self) -> anyhow::Result<Contexts> {
        let written = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let file = written.file.into_inner().context("cannot keep pages")?;
        Ok(Contexts { file: Mutex::new(file), entries: written.entries })
    }
}

/// What the pages of the last whole build were made from.
#[derive(Debug)]
pub struct Contexts {
    file: Mutex<File>,
    entries: BTreeMap<String, Entry>,
}

impl Contexts {
    /// The context of a page; `None` if it was not kept.
    pub fn get(&self, path: &str) -> anyhow::Result<Option<PageContext>> {
        let Some(entry) = self.entries.get(path) else { return Ok(None) };
        let mut bytes = vec![0; entry.length];
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(entry.at))?;
            file.read_exact(&mut bytes)?;
        }
        let json = zstd::stream::decode_all(bytes.as_slice())?;
        Ok(Some(PageContext::from_json(path, entry.template, &json)?))
    }
}
