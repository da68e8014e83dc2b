//! See `peerpress_fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerpress_fuzz::config(data));
