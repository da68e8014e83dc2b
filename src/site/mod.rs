//! The site as data: which files there are, and what is on each. Knows no template and no disk.

pub mod api;
pub mod routes;

pub use routes::Route;
