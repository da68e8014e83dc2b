//! See `peerpress_fuzz::stats`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerpress_fuzz::stats(data));
