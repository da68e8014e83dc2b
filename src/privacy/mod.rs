//! What of a snapshot is published: profiles that show, change or withhold each column and JSON member, and the tenant that a
//! site is of. A pure function over rows at one place, between the snapshot and all that is made of it: whoever makes pages,
//! data files or searches has its rows from a [`View`], which knows no other way.
//!
//! `docs/privacy.md` says what each profile does; its tables are written by [`tables`].

mod addresses;
mod internal;
mod json;
mod public;
pub mod purge;
mod rows;
mod tables;
mod view;

use std::fmt;

use uuid::Uuid;

use crate::ids::ParticipantId;

pub use rows::{Hidden, OfConference};
pub use tables::tables;
pub use view::{Only, View, ViewError};

use internal::Fragments;

/// Names of the profiles, as the user writes them.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Everything that the snapshot has.
    Full,
    /// For the people who run the service: no credentials, addresses truncated.
    #[default]
    Internal,
    /// For everybody: pseudonyms, and only what is known to be harmless.
    Public,
}

impl Profile {
    /// All of them, from the most open one.
    pub const ALL: [Self; 3] = [Self::Full, Self::Internal, Self::Public];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Internal => "internal",
            Self::Public => "public",
        }
    }

    /// What it means to a reader of the site.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Full => "everything that the database has, addresses and session descriptions included",
            Self::Internal => "IP addresses truncated to their networks, ICE and TURN credentials withheld",
            Self::Public => {
                "names and ids replaced by pseudonyms; addresses, places below the country, devices and free text withheld"
            }
        }
    }

    /// By its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == text)
    }
}

/// A secret that pseudonyms are made with: the same one gives the same pseudonyms, and without it nobody can tell whose they
/// are. It is never published.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// From the text of a key file; `None` below 16 characters, which could be guessed.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.len() >= 16).then(|| Self(blake3::derive_key("peerpress 2026 pseudonyms", text.as_bytes())))
    }

    fn digest(&self, kind: &str, value: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&[kind.len() as u8]).update(kind.as_bytes()).update(value);
        hasher.finalize()
    }

    /// The pseudonym of a row's id: a UUID of version 8, so that it has the form of one.
    fn uuid(&self, kind: &str, id: Uuid) -> Uuid {
        let digest = self.digest(kind, id.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_bytes()[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// Whether a text is the pseudonym of a participant: its id, or the name by which pages call it.
    pub fn is_participant(&self, id: ParticipantId, text: &str) -> bool {
        let pseudonym = self.uuid("participant", id.0);
        text == pseudonym.to_string() || text == name_of("participant", pseudonym)
    }

    /// The pseudonym of a text, such as a browser's id of a track.
    fn text(&self, kind: &str, text: &str) -> String {
        format!("{kind}-{}", &self.digest(kind, text.as_bytes()).to_hex()[..12])
    }

    /// The pseudonym of a number of 32 bits.
    fn number(&self, kind: &str, number: i64) -> i64 {
        let digest = self.digest(kind, &number.to_le_bytes());
        let [a, b, c, d, ..] = digest.as_bytes();
        i64::from(u32::from_le_bytes([*a, *b, *c, *d]))
    }
}

impl fmt::Debug for Key {
    /// A digest, by which two keys can be told apart: this form goes into the keys of what is built.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Key({})",
            &blake3::derive_key("peerpress 2026 name of a key", &self.0).map(|b| format!("{b:02x}")).concat()
                [..24]
        )
    }
}

/// How private a site is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Privacy {
    /// [`Profile::Full`].
    Full,
    /// [`Profile::Internal`].
    #[default]
    Internal,
    /// [`Profile::Public`], with the secret of its pseudonyms.
    Public(Key),
}

impl Privacy {
    /// The profile.
    pub fn profile(&self) -> Profile {
        match self {
            Self::Full => Profile::Full,
            Self::Internal => Profile::Internal,
            Self::Public(_) => Profile::Public,
        }
    }
}

/// A profile at work on the rows of one conference, or of one table.
pub struct Scrub<'a> {
    privacy: &'a Privacy,
    fragments: Fragments,
}

impl<'a> Scrub<'a> {
    /// At the beginning.
    pub fn new(privacy: &'a Privacy) -> Self {
        Self { privacy, fragments: Fragments::default() }
    }
}

/// The name that pages give to what has a pseudonym: `participant-3f9a2c1d04be`, by the beginning of its id.
fn name_of(kind: &str, pseudonym: Uuid) -> String {
    format!("{kind}-{}", &pseudonym.simple().to_string()[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_are_stable_typed_and_need_the_key() {
        let key = Key::from_text("a secret of the operator\n").unwrap();
        let other = Key::from_text("another secret of the operator").unwrap();
        let id = Uuid::from_u128(7);
        let pseudonym = key.uuid("participant", id);
        assert_eq!(pseudonym, Key::from_text(" a secret of the operator").unwrap().uuid("participant", id));
        assert_ne!(pseudonym, key.uuid("room", id));
        assert_ne!(pseudonym, other.uuid("participant", id));
        assert_ne!(pseudonym, key.uuid("participant", Uuid::from_u128(8)));
        assert_eq!((pseudonym.get_version_num(), pseudonym.get_variant()), (8, uuid::Variant::RFC4122));
        assert!(pseudonym.to_string().starts_with(&name_of("participant", pseudonym)[12..20]));
        assert_eq!(Key::from_text("too short"), None);
        let shown = format!("{:?}{:?}", Privacy::Public(key.clone()), Privacy::Public(other.clone()));
        assert!(!shown.contains("secret") && format!("{key:?}") != format!("{other:?}"), "{shown}");
    }
}
