//! Where the files of one unit are made, and the digests that say whether they have to be.

use std::io::{BufWriter, IntoInnerError, Write};

use anyhow::Context as _;
use serde::Serialize;

use super::{Builder, Make, UnitSink};
use crate::render::{self, RenderError};
use crate::site::{Content, Page, Route};
use crate::snapshot::Samples;

/// Makes the files of a unit.
pub(super) struct Desk<'a> {
    builder: &'a Builder<'a>,
    unit: &'a dyn UnitSink,
}

impl<'a> Desk<'a> {
    pub(super) fn new(builder: &'a Builder<'a>, unit: &'a dyn UnitSink) -> Self {
        Self { builder, unit }
    }

    /// A page: not rendered if it was made from the same content.
    pub(super) fn page<C: Content>(&self, route: Route, content: C) -> anyhow::Result<()> {
        let page = Page::new(route, &self.builder.frame, content);
        let path = page.route.path();
        let key = self.key(&page).with_context(|| format!("{path} cannot be written in binary"))?;
        self.finish_page(&page, &path, key)
    }

    /// A digest of all that a page is made from. Its content goes in as MessagePack with the names of fields, so that a field
    /// that is left out is not taken for another.
    fn key<C: Content>(&self, page: &Page<C>) -> anyhow::Result<blake3::Hash> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.builder.frame_digest.as_bytes()).update(page.template.as_bytes());
        // It comes in pieces of a few bytes.
        let mut pieces = BufWriter::with_capacity(16 * 1024, hasher);
        page.serialize(&mut rmp_serde::Serializer::new(&mut pieces).with_struct_map())?;
        Ok(pieces.into_inner().map_err(IntoInnerError::into_error)?.finalize())
    }

    /// Keeps files that were made from what `key` is a digest of. Gives whether it did: all of them or none.
    pub(super) fn keep(&self, key: &blake3::Hash, routes: &[Route]) -> anyhow::Result<bool> {
        let paths: Vec<String> = routes.iter().map(Route::path).collect();
        let kept = !self.unit.wants_contexts() && paths.iter().all(|path| self.unit.is_current(path, key));
        if kept {
            paths.iter().try_for_each(|path| self.unit.keep(path))?;
        }
        Ok(kept)
    }

    /// Keeps all files of the unit that were made from what `key` is a digest of, where that is known of all of them.
    pub(super) fn keep_all(&self, key: &blake3::Hash) -> anyhow::Result<bool> {
        self.unit.keep_all(key)
    }

    /// A page of which it is known what it is made from, whatever of that it shows.
    pub(super) fn keyed_page<C: Content>(
        &self,
        key: &blake3::Hash,
        route: Route,
        content: C,
    ) -> anyhow::Result<()> {
        let page = Page::new(route, &self.builder.frame, content);
        let path = page.route.path();
        self.finish_page(&page, &path, *key)
    }

    /// Tells of a page's context where that is wanted, and renders it where it is not current.
    fn finish_page<C: Content>(&self, page: &Page<C>, path: &str, key: blake3::Hash) -> anyhow::Result<()> {
        if self.unit.wants_contexts() {
            self.unit.context(&page.route, page.template, &context_of(page)?)?;
        }
        if self.unit.is_current(path, &key) {
            return self.unit.keep(path);
        }
        let bytes = self.builder.renderer.page(page)?;
        self.unit.put(path, bytes, Some(key))
    }

    /// Likewise any other file.
    pub(super) fn keyed_put(&self, key: &blake3::Hash, route: &Route, make: &Make<'_>) -> anyhow::Result<()> {
        self.write(&route.path(), Some(*key), make)
    }

    /// Likewise a file of the static API.
    pub(super) fn keyed_data<T: Serialize>(
        &self,
        key: &blake3::Hash,
        route: &Route,
        value: &T,
    ) -> anyhow::Result<()> {
        self.write_data(&route.path(), Some(*key), value)
    }

    /// A file that is no page, of which it is known what it is made from: not made if it was made from the same.
    pub(super) fn made(
        &self,
        key: &blake3::Hash,
        route: &Route,
        make: impl FnOnce() -> Vec<u8>,
    ) -> anyhow::Result<()> {
        let path = route.path();
        if self.unit.is_current(&path, key) {
            return self.unit.keep(&path);
        }
        self.unit.put(&path, make(), Some(*key))
    }

    /// A file of the static API.
    pub(super) fn data<T: Serialize>(&self, route: &Route, value: &T) -> anyhow::Result<()> {
        self.write_data(&route.path(), None, value)
    }

    /// A file that was made before.
    pub(super) fn copy(&self, path: &str, make: &Make<'_>) -> anyhow::Result<()> {
        self.unit.put_with(path, None, make)
    }

    /// Any other file.
    pub(super) fn put(&self, route: &Route, bytes: Vec<u8>) -> anyhow::Result<()> {
        self.unit.put(&route.path(), bytes, None)
    }

    /// Any other file that may be large.
    pub(super) fn put_with(&self, route: &Route, make: &Make<'_>) -> anyhow::Result<()> {
        self.write(&route.path(), None, make)
    }

    fn write(&self, path: &str, key: Option<blake3::Hash>, make: &Make<'_>) -> anyhow::Result<()> {
        let named = |to: &mut (dyn Write + Send)| make(to).with_context(|| format!("cannot make {path}"));
        self.unit.put_with(path, key, &named)
    }

    fn write_data<T: Serialize>(
        &self,
        path: &str,
        key: Option<blake3::Hash>,
        value: &T,
    ) -> anyhow::Result<()> {
        self.unit.put_with(path, key, &|to| Ok(render::write_json(path, value, to)?))
    }
}

/// What a page's template is given.
pub(super) fn context_of<C: Content>(page: &Page<C>) -> Result<Vec<u8>, RenderError> {
    let error =
        |error: serde_json::Error| RenderError::Json { path: page.route.path(), problem: error.to_string() };
    serde_json::to_vec(page).map_err(error)
}

impl Builder<'_> {
    /// Makes a unit, unless it was made from the same things.
    pub(super) fn in_unit(
        &self,
        name: &str,
        key: Option<blake3::Hash>,
        make: impl FnOnce(&Desk<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if let Some(key) = &key
            && self.sink.keep_unit(name, key)?
        {
            return Ok(());
        }
        let unit = self.sink.unit(name)?;
        make(&Desk::new(self, &*unit))?;
        unit.finish(key)
    }
}

/// A digest of values one after the other, each with its length, so that no two rows of values give the same bytes.
pub(super) struct Hasher {
    hasher: blake3::Hasher,
    /// The bytes of a value, again and again in the same place.
    bytes: Vec<u8>,
}

impl Hasher {
    /// Of a kind of things, by its name.
    pub(super) fn new(kind: &str) -> Self {
        let mut hasher = Self { hasher: blake3::Hasher::new(), bytes: Vec::new() };
        hasher.add(kind);
        hasher
    }

    /// Adds a value.
    pub(super) fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> &mut Self {
        self.bytes.clear();
        // By its type alone, whatever it holds; were it left out, two sites would have one key.
        let bytes = postcard::to_extend(value, std::mem::take(&mut self.bytes));
        self.bytes = bytes.expect("every list in it knows its length");
        self.hasher.update(&(self.bytes.len() as u64).to_le_bytes()).update(&self.bytes);
        self
    }

    /// Adds the values of a list one by one: it may be long.
    pub(super) fn add_all<T: Serialize>(&mut self, values: &[T]) -> &mut Self {
        self.add(&values.len());
        for value in values {
            self.add(value);
        }
        self
    }

    /// Adds samples, as they lie in memory.
    pub(super) fn add_samples(&mut self, samples: &Samples) -> &mut Self {
        samples.digest(&mut self.hasher);
        self
    }

    pub(super) fn finish(self) -> blake3::Hash {
        self.hasher.finalize()
    }
}
