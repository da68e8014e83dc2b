//! peerpress renders a Peer Metrics database to a static site.
//!
//! The stages, in order: [`source`] takes a [`snapshot`] of the database, [`report`] measures it, [`site`] plans
//! pages as data, [`render`] makes bytes of them, [`publish`] puts the bytes into place. [`commands`] tie the stages
//! together; everything else serves one of them. `ARCHITECTURE.md` has the picture and the invariants.

#![forbid(unsafe_code)]

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod config;
pub mod ids;
pub mod lock;
pub mod metrics;
pub mod migrate;
pub mod privacy;
pub mod publish;
pub mod render;
pub mod report;
pub mod scope;
pub mod seal;
pub mod seed;
pub mod serve;
pub mod shard;
pub mod signature;
pub mod site;
pub mod snapshot;
pub mod source;
pub mod terminal;
pub mod units;
pub mod watch;
