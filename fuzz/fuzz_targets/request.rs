//! See `peerpress_fuzz::request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| peerpress_fuzz::request(data));
