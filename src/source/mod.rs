//! From PostgreSQL to a snapshot: N connections share one exported snapshot and stream binary `COPY`, part by part, those
//! parts alone in which something changed since the former snapshot.
//!
//! The queries are files in `queries/`, one per table, each with every column that is read; a column that is not read is
//! named there as withheld, with the reason.

mod catalog;
mod connect;
mod error;
mod link;
mod listen;
mod origin;
mod part;
mod plan;
mod reader;
mod settings;
mod take;
mod team;
mod tls;
mod versions;
mod wire;

pub use connect::connect;
pub use error::SourceError;
pub use listen::Listener;
pub use origin::Whole;
pub use settings::{ConnectionSettings, SslMode, resolve};
pub use take::{Extent, NoProgress, Progress, SnapshotOptions, Taken, check_database, take_snapshot};
