//! Whether the former snapshot can be gone on from, and which conferences may have changed since.

use std::fmt;

use super::catalog::{self, Shape};
use super::error::SourceError;
use super::reader::Reader;
use crate::ids::ConferenceId;
use crate::migrate::{BUCKET_BITS, EVERYTHING, GLOBALS, TRIGGERS, prune_changes};
use crate::snapshot::{Origin, Snapshot, SnapshotError};

/// The first server version that has all functions that give versions: 11.
const WITH_VERSIONS: i32 = 110_000;

/// Why a snapshot was read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whole {
    /// There is none at its place yet.
    First,
    /// It was asked for.
    Asked,
    /// The former one cannot be read: why.
    Unreadable(String),
    /// The former one does not say what it was taken of: it was generated, or taken without versions of rows.
    NoOrigin,
    /// The former one is by another version of the program.
    OtherProgram,
    /// The former one is of another database, or read by another role, or the server was started since.
    OtherServer,
    /// Tables or columns are others, or were rewritten, or the numbers of transactions begin anew.
    OtherShape,
    /// The server does not say which rows changed: views instead of tables, or rights to single columns only.
    NoVersions,
}

impl Whole {
    /// Because of an error.
    pub(super) fn unreadable(error: &SnapshotError) -> Self {
        // Without the hint: what it says is just what is being done.
        Self::Unreadable(error.first_line())
    }
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "there was no snapshot",
            Self::Asked => "as asked",
            Self::Unreadable(why) => return write!(f, "the former snapshot cannot be read: {why}"),
            Self::NoOrigin => "the former snapshot does not say by what to see what changed",
            Self::OtherProgram => "the former snapshot is by another version",
            Self::OtherServer => "another database or role, or the server was started since",
            Self::OtherShape => "the tables were changed or rewritten",
            Self::NoVersions => "views, or rights to single columns, do not say what changed",
        })
    }
}

/// Which transactions are seen: PostgreSQL's `xmin:xmax:list`, numbers of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// All before it are over.
    first_open: u64,
    /// None from here on is seen.
    next: u64,
    /// Whether the list names who is open between the two.
    names_open: bool,
}

impl Seen {
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split(':');
        let mut number = || fields.next()?.parse().ok();
        let (first_open, next) = (number()?, number()?);
        let names_open = fields.next().is_some_and(|list| !list.is_empty());
        (first_open <= next).then_some(Self { first_open, next, names_open })
    }

    /// Whether its text says all of it: a replica does not name who is open.
    fn is_exact(self) -> bool {
        self.first_open == self.next || self.names_open
    }

    /// Numbers of transactions as rows have them, of 32 bits, are unique within an epoch.
    const fn epoch(self) -> u64 {
        self.next >> 32
    }
}

/// The former snapshot, if it can be gone on from.
pub(super) enum Former {
    /// Everything is read.
    None(Whole),
    /// What did not change is kept.
    Known(Box<Snapshot>, Origin),
}

impl Former {
    /// Looks at what lies at the snapshot's place.
    pub(super) fn at(target: &std::path::Path, full: bool) -> Self {
        if full {
            return Self::None(Whole::Asked);
        }
        match Snapshot::open(target) {
            Err(SnapshotError::Missing(_)) => Self::None(Whole::First),
            Err(error) => Self::None(Whole::unreadable(&error)),
            Ok(former) => {
                let by_this_program = former.manifest().is_by_this_program();
                match former.manifest().origin.clone() {
                    Some(origin) if by_this_program => Self::Known(Box::new(former), origin),
                    Some(_) => Self::None(Whole::OtherProgram),
                    None => Self::None(Whole::NoOrigin),
                }
            }
        }
    }
}

/// The present state of the database, but for its tables.
pub(super) struct Now {
    server: String,
    seen: String,
    server_version: i32,
}

impl Now {
    /// Asks for it. `database` is the database's identity.
    pub(super) fn read(reader: &mut Reader<'_>, database: &str) -> Result<Self, SourceError> {
        let row = &reader.query(include_str!("queries/origin.sql"), Vec::new())?[0];
        let server: String = row.get("server");
        Ok(Self {
            server: format!("{database}; {server}"),
            seen: row.get("seen"),
            server_version: row.get("version"),
        })
    }

    /// Whether nothing at all was written since the former snapshot, in any database of the server.
    pub(super) fn is_that_of(&self, origin: &Origin) -> bool {
        self.server == origin.server
            && self.seen == origin.seen
            && Seen::parse(&self.seen).is_some_and(Seen::is_exact)
    }

    /// Whether the versions of rows can be had.
    pub(super) fn has_versions(&self, shape: &Shape) -> bool {
        shape.has_versions && self.server_version >= WITH_VERSIONS
    }

    /// Why versions of now cannot be compared with those of then, if they cannot.
    pub(super) fn differs(&self, shape: &Shape, origin: &Origin) -> Option<Whole> {
        let seen = (Seen::parse(&self.seen), Seen::parse(&origin.seen));
        match seen {
            _ if !self.has_versions(shape) => Some(Whole::NoVersions),
            _ if self.server != origin.server => Some(Whole::OtherServer),
            (Some(now), Some(then)) if now.epoch() == then.epoch() && shape.digest == origin.shape => None,
            _ => Some(Whole::OtherShape),
        }
    }

    /// To be kept with the snapshot; none where there are no versions.
    pub(super) fn origin(self, shape: Shape, log: Option<&Log>) -> Option<Origin> {
        self.has_versions(&shape).then_some(Origin {
            server: self.server,
            shape: shape.digest,
            seen: self.seen,
            log: log.map(|log| log.generation.clone()),
        })
    }
}

/// The change log of the database (`peerpress migrate --track-changes`), if it is whole.
pub(super) struct Log {
    /// Another one for each time that it was begun.
    generation: String,
    /// Earlier buckets were deleted.
    kept_from: i64,
}

/// What a log says.
pub(super) struct Changes {
    /// The conferences in which something may have changed.
    pub(super) conferences: Vec<ConferenceId>,
    /// Whether an organization, an app or a participant may have.
    pub(super) globals: bool,
}

impl Log {
    /// Finds it.
    pub(super) fn find(reader: &mut Reader<'_>) -> Result<Option<Self>, SourceError> {
        let readable = reader.query(include_str!("queries/log_is_readable.sql"), Vec::new())?;
        if !readable[0].get::<_, bool>(0) {
            return Ok(None);
        }
        let rows = reader.query(include_str!("queries/log.sql"), vec![Box::new(catalog::tables())])?;
        let whole = rows.iter().find(|row| usize::try_from(row.get::<_, i64>("triggers")) == Ok(TRIGGERS));
        Ok(whole.map(|row| Self { generation: row.get("generation"), kept_from: row.get("kept_from") }))
    }

    /// What changed since then; none if the log does not know.
    ///
    /// A transaction that was not seen then has no smaller number than the first that was open then, and notes what it
    /// changes in the bucket of its number: that bucket and all later ones have everything.
    pub(super) fn changes(
        &self,
        reader: &mut Reader<'_>,
        origin: &Origin,
    ) -> Result<Option<Changes>, SourceError> {
        let since = Seen::parse(&origin.seen).map(|seen| (seen.first_open >> BUCKET_BITS) as i64);
        let Some(since) = since.filter(|since| *since >= self.kept_from) else { return Ok(None) };
        if origin.log.as_ref() != Some(&self.generation) {
            return Ok(None);
        }
        let query = include_str!("queries/changes.sql").replace("{bucket}", &since.to_string());
        let mut conferences: Vec<ConferenceId> = Vec::new();
        reader.copy("changes", &query, 1, |tuple| {
            conferences.push(crate::snapshot::Fields::next(tuple, "conference_id")?);
            Ok(())
        })?;
        let has = |id: uuid::Uuid| conferences.iter().any(|conference| conference.0 == id);
        if has(EVERYTHING) {
            return Ok(None);
        }
        Ok(Some(Changes { globals: has(GLOBALS), conferences }))
    }
}

/// Deletes from the change log what nobody needs any more, if the role may.
pub(super) fn prune(mut reader: Reader<'_>) {
    if let Err(error) = reader.ask(prune_changes) {
        tracing::debug!("the change log is not pruned: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(seen: &str) -> Origin {
        Origin { server: "s".to_owned(), shape: "t".to_owned(), seen: seen.to_owned(), log: None }
    }

    fn now(seen: &str) -> Now {
        Now { server: "s".to_owned(), seen: seen.to_owned(), server_version: 150_000 }
    }

    #[test]
    fn equal_texts_prove_that_nothing_was_written_but_for_those_of_a_replica_with_open_transactions() {
        for (then, later, same) in [
            ("100:100:", "100:100:", true),
            ("100:100:", "100:101:100", false),
            ("100:105:100,103", "100:105:100,103", true),
            ("100:105:100,103", "100:105:100", false),
            ("100:105:", "100:105:", false),
            ("x", "x", false),
        ] {
            assert_eq!(now(later).is_that_of(&origin(then)), same, "{then} {later}");
        }
        assert!(!Now { server: "other".to_owned(), ..now("1:1:") }.is_that_of(&origin("1:1:")));
    }

    #[test]
    fn versions_are_compared_only_on_the_same_server_of_the_same_tables_in_the_same_epoch() {
        let shape = || Shape { digest: "t".to_owned(), has_versions: true };
        let then = origin("100:100:");
        assert_eq!(now("200:200:").differs(&shape(), &then), None);
        assert_eq!(now("4294967296:4294967296:").differs(&shape(), &then), Some(Whole::OtherShape));
        let rewritten = Shape { digest: "u".to_owned(), ..shape() };
        assert_eq!(now("200:200:").differs(&rewritten, &then), Some(Whole::OtherShape));
        let views = Shape { has_versions: false, ..shape() };
        assert_eq!(now("200:200:").differs(&views, &then), Some(Whole::NoVersions));
        let restarted = Now { server: "other".to_owned(), ..now("200:200:") };
        assert_eq!(restarted.differs(&shape(), &then), Some(Whole::OtherServer));
        let old = Now { server_version: 100_000, ..now("200:200:") };
        assert_eq!(old.differs(&shape(), &then), Some(Whole::NoVersions));
    }
}
