//! Files that only a passphrase opens. Pure: bytes in, bytes out. `assets/js/seal/` opens in the browser what is sealed here, by
//! WebCrypto; `docs/sealing.md` says what that keeps from whom.
//!
//! # Form
//!
//! PBKDF2-HMAC-SHA-256 makes a master of 256 bits from the passphrase (NFKC, UTF-8) and the site's salt. HKDF-SHA-256, without
//! salt, makes from it, by names of their own, the key of contents, that of names and that of nonces. A sealed file is a
//! nonce of 12 bytes, then the file, compressed by gzip, under AES-256-GCM with the file's path as additional data, so that no file can
//! stand in the place of another.
//!
//! A nonce is a keyed digest of path and content, so that the same file always gives the same bytes and is not published again. The
//! same nonce comes twice only with the same path and content, when the sealed bytes are equal and say nothing new, or by a
//! collision of 96 bits: after 2^32 different files under one key that has a probability of 2^-33, which is within what
//! NIST SP 800-38D allows for random nonces.

use std::io::{self, Read, Write};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use unicode_normalization::UnicodeNormalization;

/// How often PBKDF2 hashes: what OWASP recommends for HMAC-SHA-256. Half a second in a browser.
pub const ITERATIONS: u32 = 600_000;
/// Characters of a passphrase, at least: whoever has the files can try as fast as they can hash.
pub const SHORTEST: usize = 12;
/// Bytes of a salt.
pub const SALT: usize = 16;
/// Bytes of a nonce, as AES-GCM has it.
const NONCE: usize = 12;
/// Level of gzip, 0 to 9.
const GZIP: u32 = 6;

/// Why nothing could be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too long for AES-GCM: more than 64 GB.
    #[error("the file is too long to be sealed")]
    TooLong,
    /// Another passphrase, another path, or changed bytes.
    #[error("it was sealed under another passphrase or path, or was changed")]
    Opened,
}

/// The keys of a site.
pub struct Seal {
    content: Aes256Gcm,
    names: [u8; 32],
    nonces: [u8; 32],
    id: [u8; 32],
    salt: [u8; SALT],
    iterations: u32,
}

impl Seal {
    /// From a passphrase. Takes as long as the iterations do.
    pub fn new(passphrase: &str, salt: [u8; SALT], iterations: u32) -> Self {
        let passphrase: String = passphrase.nfkc().collect();
        let mut master = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(passphrase.as_bytes(), &salt, iterations, &mut master);
        let keys = Hkdf::<Sha256>::new(None, &master);
        let key = |name: &str| {
            let mut key = [0; 32];
            let made = keys.expand(format!("peerpress seal 1 {name}").as_bytes(), &mut key);
            made.expect("32 bytes are within what HKDF makes");
            key
        };
        Self {
            content: Aes256Gcm::new(&key("content").into()),
            names: key("names"),
            nonces: key("nonces"),
            id: key("id"),
            salt,
            iterations,
        }
    }

    /// What tells one passphrase and salt from others, and says nothing of them.
    pub fn id(&self) -> [u8; 32] {
        self.id
    }

    /// A salt from base64, if it is one.
    pub fn salt_from(text: &str) -> Option<[u8; SALT]> {
        BASE64.decode(text).ok()?.try_into().ok()
    }

    /// The salt in base64.
    pub fn salt(&self) -> String {
        BASE64.encode(self.salt)
    }

    /// How often PBKDF2 hashes.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Seals a file.
    pub fn seal(&self, path: &str, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        let packed = pack(bytes).map_err(|_| SealError::TooLong)?;
        let mut hasher = blake3::Hasher::new_keyed(&self.nonces);
        hasher.update(&(path.len() as u64).to_le_bytes()).update(path.as_bytes()).update(&packed);
        let mut nonce = [0; NONCE];
        hasher.finalize_xof().fill(&mut nonce);
        let payload = Payload { msg: &packed, aad: path.as_bytes() };
        let sealed = self.content.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::TooLong)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// The other way.
    pub fn open(&self, path: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(SealError::Opened)?;
        let payload = Payload { msg: sealed, aad: path.as_bytes() };
        let packed = self.content.decrypt(&Nonce::from(*nonce), payload).map_err(|_| SealError::Opened)?;
        let mut bytes = Vec::new();
        GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).map_err(|_| SealError::Opened)?;
        Ok(bytes)
    }

    /// Nothing, sealed under no path, in base64: by it a script knows whether a passphrase is right.
    pub fn check(&self) -> Result<String, SealError> {
        self.seal("", &[]).map(|sealed| BASE64.encode(sealed))
    }

    /// Where a file lies that is no page: in a script that hands over the sealed bytes, as those load from `file://`, too. Its name is
    /// a keyed digest of its path, as paths of the search index have digests of what can be found.
    pub fn place_of(&self, path: &str) -> String {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.names);
        let mut mac = mac.expect("HMAC takes a key of any length");
        mac.update(path.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let name = digest.iter().take(16).fold(String::new(), |name, byte| name + &format!("{byte:02x}"));
        format!("sealed/{}/{}.js", &name[..2], &name[2..])
    }

    /// The script for a file that is no page.
    pub fn script(&self, path: &str, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(format!("peerpressSealed(\"{}\");\n", BASE64.encode(self.seal(path, bytes)?)).into_bytes())
    }

    /// The sealed bytes of a page in base64.
    pub fn page(&self, path: &str, bytes: &[u8]) -> Result<String, SealError> {
        Ok(BASE64.encode(self.seal(path, bytes)?))
    }
}

/// Nothing in it has a time or a name, so that the same bytes give the same.
fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP));
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// What every sealed file's name begins with.
pub fn is_sealed_place(path: &str) -> bool {
    path.starts_with("sealed/")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;

    use super::*;

    /// Enough of them for a test.
    const FEW: u32 = 10;

    fn seal() -> Seal {
        Seal::new("correct horse battery", [7; SALT], FEW)
    }

    #[test]
    fn what_was_sealed_opens_under_its_path_and_passphrase_only() {
        let seal = seal();
        let page = "<h1>Standup</h1>".repeat(50);
        let sealed = seal.seal("a.html", page.as_bytes()).unwrap();
        assert_eq!(seal.open("a.html", &sealed).unwrap(), page.as_bytes());
        // Short texts of it would be found in anything.
        assert!(!sealed.windows(4).any(|bytes| b"<h1>Standup</h1>".windows(4).any(|text| text == bytes)));
        assert_eq!(seal.open("b.html", &sealed), Err(SealError::Opened));
        let others = [
            Seal::new("correct horse batterY", [7; SALT], FEW),
            Seal::new("correct horse battery", [8; SALT], FEW),
            Seal::new("correct horse battery", [7; SALT], FEW + 1),
        ];
        for other in &others {
            assert_eq!(other.open("a.html", &sealed), Err(SealError::Opened));
            assert!(other.id() != seal.id() && other.place_of("x") != seal.place_of("x"));
        }
        // The same passphrase, written in another form of Unicode.
        let of = |text| Seal::new(text, [7; SALT], FEW).id();
        assert_eq!(of("\u{e4}pfel und birnen"), of("a\u{308}pfel und birnen"));
    }

    #[test]
    fn any_bit_that_is_changed_or_missing_is_found() {
        let seal = seal();
        let sealed = seal.seal("a.html", b"page").unwrap();
        for at in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert_eq!(seal.open("a.html", &changed), Err(SealError::Opened), "bit {at}");
        }
        for end in 0..sealed.len() {
            assert_eq!(seal.open("a.html", &sealed[..end]), Err(SealError::Opened), "cut at {end}");
        }
    }

    #[test]
    fn no_nonce_comes_twice_unless_all_is_the_same() {
        let seal = seal();
        let mut nonces = BTreeSet::new();
        for path in ["a", "b", "ab", "a/b"] {
            for text in ["", "a", "b", "ab", "page"] {
                let sealed = seal.seal(path, text.as_bytes()).unwrap();
                assert_eq!(sealed, seal.seal(path, text.as_bytes()).unwrap());
                assert!(nonces.insert(sealed[..NONCE].to_vec()), "{path:?} {text:?}");
            }
        }
    }

    #[test]
    fn webcrypto_opens_what_was_sealed() {
        // Another implementation, from the description above: Node has the one of browsers.
        const SCRIPT: &str = r#"
            const [passphrase, salt, iterations, path, sealed, wanted] = process.argv.slice(1);
            const bytes = (base64) => Buffer.from(base64, "base64");
            const text = new TextEncoder();
            const { subtle } = globalThis.crypto;
            const of = (algorithm, key, ...uses) => subtle.importKey("raw", key, algorithm, false, uses);
            const slow = { name: "PBKDF2", hash: "SHA-256", salt: bytes(salt), iterations: Number(iterations) };
            const master = await subtle.deriveBits(slow, await of("PBKDF2", text.encode(passphrase.normalize("NFKC")), "deriveBits"), 256);
            const hkdf = await of("HKDF", master, "deriveBits");
            const derive = (name) => subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: text.encode(`peerpress seal 1 ${name}`) }, hkdf, 256);
            const content = await of("AES-GCM", await derive("content"), "decrypt");
            const names = await of({ name: "HMAC", hash: "SHA-256" }, await derive("names"), "sign");
            const name = Buffer.from(await subtle.sign("HMAC", names, text.encode(path))).toString("hex").slice(0, 32);
            if (`sealed/${name.slice(0, 2)}/${name.slice(2)}.js` !== wanted) throw new Error(`${name} is not ${wanted}`);
            const all = bytes(sealed);
            const algorithm = { name: "AES-GCM", iv: all.subarray(0, 12), additionalData: text.encode(path) };
            const packed = await subtle.decrypt(algorithm, content, all.subarray(12));
            process.stdout.write((await import("node:zlib")).gunzipSync(Buffer.from(packed)));
        "#;
        let (path, page) = ("conference/ü.html", "<h1>Ana’s standup</h1>");
        let seal = Seal::new("pa\u{300}ssphrase \u{1d41a}", [9; SALT], 1000);
        let output = Command::new("node")
            .args(["--input-type=module", "-e", SCRIPT, "--", "p\u{e0}ssphrase a"])
            .args([
                &seal.salt(),
                "1000",
                path,
                &seal.page(path, page.as_bytes()).unwrap(),
                &seal.place_of(path),
            ])
            .output();
        let output = match output {
            Ok(output) => output,
            Err(error) => {
                let required =
                    std::env::var_os("PEERPRESS_REQUIRE_BROWSER").is_some_and(|value| value == "1");
                assert!(!required, "node cannot be run: {error}");
                drop(io::stderr().write_all(b"left out: webcrypto_opens_what_was_sealed needs node\n"));
                return;
            }
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), page);
    }
}
