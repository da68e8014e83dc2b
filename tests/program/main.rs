//! The tests of the program as a whole, in one binary: it is linked once, and cores do not wait for the last test of many.

#[path = "../support/mod.rs"]
mod support;

mod api_replay;
mod cli;
mod duckdb;
mod incremental;
mod measures;
mod periods;
mod power;
mod publish;
mod schema;
mod sealing;
mod search;
mod seed;
mod several;
mod sides;
mod sign;
mod site;
mod source;
mod survive;
mod takeaway;
