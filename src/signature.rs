//! The signed manifest of a site: which files it has, with the digest of each, and a signature in minisign's form that says
//! who says so. Pure: `commands` reads and writes the files.

use std::collections::BTreeMap;
use std::io::Cursor;

use minisign::{KeyPair, SecretKeyBox, SignatureBox};

use crate::publish::{PublishedFile, SitePath};

/// The manifest's path within the site.
pub const MANIFEST: &str = "manifest.txt";
/// The path of its signature, which minisign looks for by itself.
pub const SIGNATURE: &str = "manifest.txt.minisig";
/// The first line.
const HEADER: &str = "peerpress site manifest 1, BLAKE3";
/// The last line.
const END: &str = "end";

/// Why a key cannot be used, or a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A text that is no key in minisign's form, or one of which a part is missing.
    #[error("it is no {what} key in minisign's form: {problem}")]
    Key {
        /// `public` or `secret`.
        what: &'static str,
        /// Why.
        problem: String,
    },
    /// The passphrase is not that of the key.
    #[error("the passphrase does not open the secret key")]
    Passphrase,
    /// Nothing could be signed or made.
    #[error("cannot sign: {0}")]
    Sign(String),
    /// The signature is of another key, of other bytes, or damaged.
    #[error("the signature does not hold: {0}")]
    Invalid(String),
    /// The manifest was signed, but is none.
    #[error("line {line} of the manifest: {problem}")]
    Manifest {
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

/// What a manifest says of the files of a site: bytes and digest, by path.
pub type Files = BTreeMap<SitePath, (u64, blake3::Hash)>;

/// The text of a manifest: a line per file with digest, bytes and path, sorted by path.
pub fn manifest(mut files: Vec<PublishedFile>) -> String {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut text = format!("{HEADER}\n");
    for PublishedFile { path, bytes, digest } in &files {
        text.push_str(&format!("{}\t{bytes}\t{path}\n", digest.to_hex()));
    }
    text.push_str(END);
    text.push('\n');
    text
}

/// The other way. Everything has to be as [`manifest`] writes it: no path leads out of the site, none stands twice.
pub fn parse(text: &str) -> Result<Files, SignatureError> {
    let wrong = |line: usize, problem: &str| SignatureError::Manifest { line, problem: problem.to_owned() };
    let lines = text.split('\n').collect::<Vec<_>>();
    let [HEADER, body @ .., END, ""] = lines.as_slice() else {
        return Err(wrong(1, "it does not begin and end as a manifest of this version does"));
    };
    let mut files = Files::new();
    for (line, text) in (2..).zip(body) {
        let mut fields = text.splitn(3, '\t');
        let mut field = || fields.next().ok_or_else(|| wrong(line, "a field is missing"));
        let digest = field()?;
        let bytes = field()?;
        let path = SitePath::new(field()?).map_err(|error| wrong(line, &error.to_string()))?;
        let digest = blake3::Hash::from_hex(digest).map_err(|error| wrong(line, &error.to_string()))?;
        let bytes = bytes.parse().map_err(|_| wrong(line, "the number of bytes is none"))?;
        if files.last_key_value().is_some_and(|(last, _)| *last >= path) {
            return Err(wrong(line, "it is not sorted"));
        }
        files.insert(path, (bytes, digest));
    }
    Ok(files)
}

/// The two texts of a new pair of keys.
pub struct NewKey {
    /// To be kept: whoever has it can sign.
    pub secret: String,
    /// To be given to everybody who is to check.
    pub public: String,
}

impl NewKey {
    /// Makes one; the secret is encrypted under the passphrase, if there is one.
    pub fn make(passphrase: Option<&str>) -> Result<Self, SignatureError> {
        let sign = |error: minisign::PError| SignatureError::Sign(error.to_string());
        let pair = match passphrase {
            Some(passphrase) => KeyPair::generate_encrypted_keypair(Some(passphrase.to_owned())),
            None => KeyPair::generate_unencrypted_keypair(),
        };
        let pair = pair.map_err(sign)?;
        let secret = pair.sk.to_box(Some("secret key of a peerpress site")).map_err(sign)?.into_string();
        Ok(Self { secret, public: pair.pk.to_box().map_err(sign)?.into_string() })
    }
}

/// A secret key that is ready to sign.
pub struct SigningKey {
    secret: minisign::SecretKey,
    public: minisign::PublicKey,
}

/// What minisign writes before the key itself; zeros instead of `Sc` where there is no passphrase.
fn is_encrypted(text: &str) -> bool {
    let key = text.lines().nth(1).unwrap_or_default();
    // `Ed` and `Sc`, four bytes in base64.
    key.starts_with("RWRTY")
}

impl SigningKey {
    /// Whether the text of a secret key needs a passphrase.
    pub fn needs_passphrase(text: &str) -> bool {
        is_encrypted(text)
    }

    /// From the text of a secret key; `passphrase` counts only where it needs one.
    pub fn from_text(text: &str, passphrase: &str) -> Result<Self, SignatureError> {
        let key =
            |error: minisign::PError| SignatureError::Key { what: "secret", problem: error.to_string() };
        let boxed = SecretKeyBox::from_string(text).map_err(key)?;
        let secret = if is_encrypted(text) {
            boxed.into_secret_key(Some(passphrase.to_owned())).map_err(|error| match error.kind() {
                minisign::ErrorKind::Verify => SignatureError::Passphrase,
                _ => key(error),
            })?
        } else {
            boxed.into_unencrypted_secret_key().map_err(key)?
        };
        let public = minisign::PublicKey::from_secret_key(&secret).map_err(key)?;
        Ok(Self { secret, public })
    }

    /// Its public key in base64, as minisign's `-P` takes it.
    pub fn public(&self) -> String {
        self.public.to_base64()
    }

    /// The text of a signature. `comment` is signed, too. Two signatures of the same bytes differ.
    pub fn sign(&self, bytes: &[u8], comment: &str) -> Result<String, SignatureError> {
        let untrusted = Some("signature of a peerpress site");
        minisign::sign(Some(&self.public), &self.secret, Cursor::new(bytes), Some(comment), untrusted)
            .map(SignatureBox::into_string)
            .map_err(|error| SignatureError::Sign(error.to_string()))
    }
}

/// The key by which everybody can check. By a library of its own, which takes any bytes: that of [`SigningKey`] panics at a signature
/// that was cut.
pub struct VerifyingKey(minisign_verify::PublicKey);

impl VerifyingKey {
    /// From the text of a public key: minisign's file, or only the line of base64.
    pub fn from_text(text: &str) -> Result<Self, SignatureError> {
        let text = text.trim();
        let found = if text.lines().count() > 1 {
            minisign_verify::PublicKey::decode(text)
        } else {
            minisign_verify::PublicKey::from_base64(text)
        };
        found.map(Self).map_err(|error| SignatureError::Key { what: "public", problem: error.to_string() })
    }

    /// Checks a signature of some bytes. Gives its trusted comment.
    pub fn verify(&self, bytes: &[u8], signature: &str) -> Result<String, SignatureError> {
        let invalid = |error: minisign_verify::Error| SignatureError::Invalid(error.to_string());
        let signature = minisign_verify::Signature::decode(signature).map_err(invalid)?;
        self.0.verify(bytes, &signature, false).map_err(invalid)?;
        Ok(signature.trusted_comment().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> PublishedFile {
        let path = SitePath::new(path).unwrap();
        PublishedFile { path, bytes: text.len() as u64, digest: blake3::hash(text.as_bytes()) }
    }

    fn key() -> (SigningKey, VerifyingKey) {
        let made = NewKey::make(None).unwrap();
        let signing = SigningKey::from_text(&made.secret, "").unwrap();
        (signing, VerifyingKey::from_text(&made.public).unwrap())
    }

    #[test]
    fn a_manifest_is_read_back_and_one_that_is_not_as_it_is_written_is_refused() {
        let text = manifest(vec![file("b/ü.html", "page"), file("a", "")]);
        let files = parse(&text).unwrap();
        assert_eq!(files.keys().map(SitePath::as_str).collect::<Vec<_>>(), ["a", "b/ü.html"]);
        assert_eq!(files.values().next(), Some(&(0, blake3::hash(b""))));
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            assert!(parse(&text[..end]).is_err(), "cut at {end}");
        }
        let line = text.lines().nth(1).unwrap();
        let with = |lines: &[&str]| format!("{HEADER}\n{}\n{END}\n", lines.join("\n"));
        assert!(parse(&with(&[line])).is_ok());
        let tricks =
            ["../a", "/etc/passwd", "a/../../b", "C:\\a", "a\\b", "a//b", ".", "a/", "", "a\0", "a\r"];
        for trick in tricks {
            let line = line.replace("\ta", &format!("\t{trick}"));
            assert!(parse(&with(&[&line])).is_err(), "{trick:?}");
        }
        for lines in [[line, line], [line, ""], [line, "x"], [line, &line.replace("\t0\t", "\t-1\t")]] {
            assert!(parse(&with(&lines)).is_err(), "{lines:?}");
        }
        let other = text.replacen("manifest 1", "manifest 2", 1);
        assert!(parse(&other).is_err());
    }

    #[test]
    fn a_signature_holds_for_its_bytes_its_comment_and_its_key() {
        let (signing, verifying) = key();
        let signature = signing.sign(b"manifest", "as of today").unwrap();
        assert_eq!(verifying.verify(b"manifest", &signature).unwrap(), "as of today");
        assert!(VerifyingKey::from_text(&signing.public()).unwrap().verify(b"manifest", &signature).is_ok());

        assert!(verifying.verify(b"manifesT", &signature).is_err());
        assert!(key().1.verify(b"manifest", &signature).is_err());
        let comment = signature.replace("as of today", "as of never");
        assert!(verifying.verify(b"manifest", &comment).is_err());
        // Any character of the signature itself.
        let at = signature.find('\n').unwrap() + 1;
        for at in at..at + 100 {
            let mut bytes = signature.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(verifying.verify(b"manifest", &changed).is_err(), "at {at}");
        }
        for end in 0..signature.trim_end().len() {
            assert!(verifying.verify(b"manifest", &signature[..end]).is_err(), "cut at {end}");
        }
        for junk in ["", "untrusted comment: x", "a\nb\nc\nd\n"] {
            assert!(verifying.verify(b"manifest", junk).is_err(), "{junk:?}");
        }
    }

    #[test]
    fn a_key_with_a_passphrase_opens_only_by_it() {
        let made = NewKey::make(Some("correct horse")).unwrap();
        assert!(SigningKey::needs_passphrase(&made.secret));
        assert!(!SigningKey::needs_passphrase(&NewKey::make(None).unwrap().secret));
        let open = |passphrase| SigningKey::from_text(&made.secret, passphrase);
        assert_eq!(open("wrong").err(), Some(SignatureError::Passphrase));
        let signature = open("correct horse").unwrap().sign(b"x", "").unwrap();
        assert!(VerifyingKey::from_text(&made.public).unwrap().verify(b"x", &signature).is_ok());
        for end in 0..made.public.trim_end().len() {
            assert!(VerifyingKey::from_text(&made.public[..end]).is_err(), "cut at {end}");
        }
        let unreadable =
            |text: &str| SigningKey::from_text(text, "").is_err() && VerifyingKey::from_text(text).is_err();
        assert!(unreadable("") && unreadable("one line") && unreadable("two\nlines"));
    }
}
