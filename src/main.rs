//! The `peerpress` program.

fn main() {}
