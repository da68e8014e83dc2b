//! See `peerpress_fuzz::manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerpress_fuzz::manifest(data));
