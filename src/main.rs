//! The `peerpress` program: reads the command line and hands over.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    share_heaps();
    peerpress::commands::run(peerpress::cli::Cli::parse())
}

/// Keeps the C library to as many heaps as there are cores, two at least. Left to itself it gives nearly each thread its own, and each keeps
/// what its thread had: those of a snapshot's connections all through the rendering. An environment that says otherwise is obeyed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "nothing offers mallopt safely")]
fn share_heaps() {
    if ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"].into_iter().any(|name| std::env::var_os(name).is_some()) {
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let heaps = cores.max(2).try_into().unwrap_or(libc::c_int::MAX);
    // SAFETY: it sets a number of the allocator, and no other thread runs yet that could be allocating.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, heaps) };
}
