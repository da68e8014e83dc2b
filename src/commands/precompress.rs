//! Compressed forms beside the files of a site, for servers that send them as they are: a sink around the sink of a build.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::site::{Make, Sink, UnitSink};
use crate::serve::{Encoding, is_compressible};
use crate::site::Route;

/// Files up to here fit into one packet with their headers as they are, bytes.
const SMALL: usize = 1024;
/// Part of the keys: with another version of this, every form is made anew.
const VERSION: &[u8] = b"precompress 1";
/// Quality of Brotli, 0 to 11. Measured on pages: 5 makes 12.5 % of them at 50 MB/s, 9 makes 12.2 % at 8 MB/s.
const BROTLI: i32 = 5;
/// log2 of the window of Brotli in bytes, 10 to 24.
const BROTLI_WINDOW: i32 = 22;
/// Level of zstd, 1 to 22: 9 makes 12.9 % at 100 MB/s, 19 makes 11.9 % at 2 MB/s.
const ZSTD: i32 = 9;
/// Level of gzip, 0 to 9: 6 makes 14.6 % at 36 MB/s, 9 makes 14.5 % at 22 MB/s.
const GZIP: u32 = 6;

/// Hands files on to a sink, and compressed forms of those that get shorter by it.
///
/// A form's key is made of the digest of the bytes that it is a form of, so that equal bytes are not compressed again. The
/// key of a file says which forms it has.
pub struct Precompressing<'a> {
    sink: &'a dyn Sink,
}

impl<'a> Precompressing<'a> {
    /// Around `sink`.
    pub fn new(sink: &'a dyn Sink) -> Self {
        Self { sink }
    }
}

/// The key of a unit, or of a site, whose files have forms.
pub fn with_forms(key: &blake3::Hash) -> blake3::Hash {
    derived(key, b"unit")
}

impl Sink for Precompressing<'_> {
    fn keep_unit(&self, name: &str, key: &blake3::Hash) -> anyhow::Result<bool> {
        self.sink.keep_unit(name, &with_forms(key))
    }

    fn unit<'a>(&'a self, name: &str) -> anyhow::Result<Box<dyn UnitSink + 'a>> {
        Ok(Box::new(PrecompressingUnit { sink: self.sink.unit(name)?, current: Mutex::default() }))
    }
}

struct PrecompressingUnit<'a> {
    sink: Box<dyn UnitSink + 'a>,
    /// Forms of files that were found current and are about to be kept.
    current: Mutex<BTreeMap<String, Forms>>,
}

impl PrecompressingUnit<'_> {
    fn current(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Forms>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A form of some bytes: `None` where it would not be shorter, or where it is in place already.
    fn make(&self, path: &str, bytes: &[u8], encoding: Encoding) -> anyhow::Result<Option<Form>> {
        let key = derived(&blake3::hash(bytes), encoding.name().as_bytes());
        let path = encoding.path_of(path);
        if self.sink.is_current(&path, &key) {
            return Ok(Some(Form { path, key, encoding, bytes: None }));
        }
        let form = compress(bytes, encoding).with_context(|| format!("cannot compress {path}"))?;
        let shorter = form.len() < bytes.len();
        Ok(shorter.then_some(Form { path, key, encoding, bytes: Some(form) }))
    }
}

impl UnitSink for PrecompressingUnit<'_> {
    fn is_current(&self, path: &str, key: &blake3::Hash) -> bool {
        if !is_compressible(path) {
            return self.sink.is_current(path, &Forms::default().key_of(key));
        }
        let found = Forms::possible().find(|forms| self.sink.is_current(path, &forms.key_of(key)));
        let in_place = |encoding: Encoding| self.sink.is_in_place(&encoding.path_of(path));
        let Some(forms) = found.filter(|forms| forms.list().all(in_place)) else { return false };
        self.current().insert(path.to_owned(), forms);
        true
    }

    fn is_in_place(&self, path: &str) -> bool {
        self.sink.is_in_place(path)
    }

    fn keep(&self, path: &str) -> anyhow::Result<()> {
        self.sink.keep(path)?;
        let forms = self.current().remove(path).unwrap_or_default();
        forms.list().try_for_each(|encoding| self.sink.keep(&encoding.path_of(path)))
    }

    fn put(&self, path: &str, bytes: Vec<u8>, key: Option<blake3::Hash>) -> anyhow::Result<()> {
        if !is_compressible(path) {
            // With another key than without forms, or it alone would be found by that key and taken for all files of a conference.
            return self.sink.put(path, bytes, key.map(|key| Forms::default().key_of(&key)));
        }
        let mut made = Vec::new();
        if bytes.len() > SMALL {
            for encoding in Encoding::ALL {
                made.extend(self.make(path, &bytes, encoding)?);
            }
        }
        let forms = Forms::of(made.iter().map(|form| form.encoding));
        // First the file: a form must not be older.
        self.sink.put(path, bytes, key.map(|key| forms.key_of(&key)))?;
        made.into_iter().try_for_each(|form| match form.bytes {
            Some(bytes) => self.sink.put(&form.path, bytes, Some(form.key)),
            None => self.sink.keep(&form.path),
        })
    }

    fn put_with(&self, path: &str, key: Option<blake3::Hash>, make: &Make<'_>) -> anyhow::Result<()> {
        if !is_compressible(path) {
            return self.sink.put_with(path, key.map(|key| Forms::default().key_of(&key)), make);
        }
        // A compressor is told how many bytes there are, and forms come after their file: all of it is held.
        let mut bytes = Vec::new();
        make(&mut bytes)?;
        self.put(path, bytes, key)
    }

    fn finish(self: Box<Self>, key: Option<blake3::Hash>) -> anyhow::Result<()> {
        self.sink.finish(key.map(|key| with_forms(&key)))
    }

    fn wants_contexts(&self) -> bool {
        self.sink.wants_contexts()
    }

    fn context(&self, route: &Route, template: &'static str, json: &[u8]) -> anyhow::Result<()> {
        self.sink.context(route, template, json)
    }
}

struct Form {
    path: String,
    key: blake3::Hash,
    encoding: Encoding,
    /// `None` if it stays as it is.
    bytes: Option<Vec<u8>>,
}

/// Which forms a file has, a bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Forms(u8);

impl Forms {
    const ALL: u8 = (1 << Encoding::ALL.len()) - 1;

    fn of(encodings: impl Iterator<Item = Encoding>) -> Self {
        Self(encodings.fold(0, |bits, encoding| bits | 1 << encoding as u8))
    }

    fn list(self) -> impl Iterator<Item = Encoding> {
        Encoding::ALL.into_iter().filter(move |encoding| self.0 & (1 << *encoding as u8) != 0)
    }

    /// All sets; those that most files have come first.
    fn possible() -> impl Iterator<Item = Self> {
        [Self::ALL, 0].into_iter().chain(1..Self::ALL).map(Self)
    }

    /// The key of a file that has these forms.
    fn key_of(self, key: &blake3::Hash) -> blake3::Hash {
        derived(key, &[self.0])
    }
}

fn derived(key: &blake3::Hash, what: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(VERSION).update(key.as_bytes()).update(what);
    hasher.finalize()
}

/// The same bytes give the same form: none of them has a time or a name in it.
fn compress(bytes: &[u8], encoding: Encoding) -> std::io::Result<Vec<u8>> {
    match encoding {
        Encoding::Brotli => {
            let params = BrotliEncoderParams {
                quality: BROTLI,
                lgwin: BROTLI_WINDOW,
                size_hint: bytes.len(),
                ..BrotliEncoderParams::default()
            };
            let mut form = Vec::new();
            brotli::BrotliCompress(&mut &*bytes, &mut form, &params)?;
            Ok(form)
        }
        Encoding::Zstd => zstd::bulk::compress(bytes, ZSTD),
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP));
            encoder.write_all(bytes)?;
            encoder.finish()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn plain(form: &[u8], encoding: Encoding) -> Vec<u8> {
        let mut bytes = Vec::new();
        match encoding {
            Encoding::Brotli => brotli::Decompressor::new(form, 4096).read_to_end(&mut bytes),
            Encoding::Zstd => zstd::Decoder::new(form).and_then(|mut from| from.read_to_end(&mut bytes)),
            Encoding::Gzip => flate2::read::GzDecoder::new(form).read_to_end(&mut bytes),
        }
        .unwrap();
        bytes
    }

    #[test]
    fn a_form_is_the_same_bytes_again_and_shorter() {
        let cells: Vec<String> = (0..5000).map(|at| format!("<td>{}</td>", at * at % 997)).collect();
        let text = cells.concat();
        for encoding in Encoding::ALL {
            for text in [text.as_bytes(), b"", b"x"] {
                let form = compress(text, encoding).unwrap();
                assert!(plain(&form, encoding) == text, "{encoding:?} of {} bytes", text.len());
                assert_eq!(form, compress(text, encoding).unwrap());
            }
            assert!(compress(text.as_bytes(), encoding).unwrap().len() < text.len() / 3, "{encoding:?}");
        }
    }

    #[test]
    fn every_set_of_forms_has_a_key_of_its_own() {
        let sets: Vec<Forms> = Forms::possible().collect();
        let key = blake3::hash(b"page");
        let mut keys: Vec<String> = sets.iter().map(|forms| forms.key_of(&key).to_string()).collect();
        keys.push(key.to_string());
        keys.sort();
        keys.dedup();
        assert_eq!((sets.len(), keys.len()), (8, 9));
        for forms in sets {
            assert_eq!(Forms::of(forms.list()), forms);
        }
    }
}
