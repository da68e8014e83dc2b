//! See `peerpress_fuzz::events`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerpress_fuzz::events(data));
