//! From PostgreSQL to a snapshot: N connections share one exported snapshot and stream binary `COPY`, part by part.
//!
//! The queries are files in `queries/`, one per table, each with every column that is read; a column that is not read is
//! named there as withheld, with the reason.

mod catalog;
mod connect;
mod error;
mod plan;
mod reader;
mod settings;
mod take;
mod tls;
mod wire;

pub use connect::connect;
pub use error::SourceError;
pub use settings::{ConnectionSettings, SslMode, resolve};
pub use take::{NoProgress, Progress, SnapshotOptions, check_database, take_snapshot};
