//! The fuzz targets on what their corpus has: whole, cut off at places, and changed at random as a fuzzer does it, though without
//! looking where that leads. `PEERPRESS_FUZZ=n` tries n changes a target.

use std::path::{Path, PathBuf};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

#[allow(unreachable_pub, reason = "it is a crate of its own as well")]
#[path = "../../../fuzz/src/lib.rs"]
mod fuzz;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 6] = [
    ("config", fuzz::config),
    ("events", fuzz::events),
    ("manifest", fuzz::manifest),
    ("parquet", fuzz::parquet),
    ("request", fuzz::request),
    ("stats", fuzz::stats),
];

/// What a target's corpus has, in the order of names.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|input| {
            let path = input.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            (path, bytes)
        })
        .collect();
    inputs.sort();
    assert!(inputs.len() > 2, "{target} has {} inputs", inputs.len());
    inputs
}

fn comes_back(target: Target, bytes: &[u8]) -> bool {
    std::panic::catch_unwind(|| target(bytes)).is_ok()
}

#[test]
fn whatever_comes_in_comes_back() {
    for (name, target) in TARGETS {
        for (path, bytes) in corpus(name) {
            for end in (0..=16).map(|part| bytes.len() * part / 16) {
                assert!(comes_back(target, &bytes[..end]), "{} to byte {end}", path.display());
            }
        }
    }
}

/// What a parser may take for a length, an end, a number of its own or the start of something.
const ODD: [&[u8]; 14] = [
    b"\0",
    b"\xff\xff\xff\xff",
    b"\x80",
    b"\"",
    b"\\u0000",
    b"{",
    b"]",
    b"1e999",
    b"-0",
    b"99999999999999999999",
    b"null",
    b"\r\n",
    b"%00",
    b"../",
];

/// One to eight changes, each in a place of its own: a bit, a byte, something odd, a piece that goes, comes twice or is of another input.
fn changed(bytes: &[u8], other: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..=8) {
        let at = random.random_range(0..=bytes.len());
        let end = bytes.len().min(at + random.random_range(1..=64));
        match random.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = random.random(),
            2 => drop(bytes.splice(at..at, ODD[random.random_range(0..ODD.len())].iter().copied())),
            3 => drop(bytes.drain(at..end)),
            4 => bytes.extend_from_within(at..end),
            _ => {
                let from = random.random_range(0..=other.len());
                let to = other.len().min(from + random.random_range(1..=64));
                bytes.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn changes_of_what_is_known_come_back() {
    let tries = std::env::var("PEERPRESS_FUZZ").map_or(400, |tries| tries.parse().expect("a number"));
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for number in 0..tries {
            let [(path, bytes), (_, other)] = [(); 2].map(|()| &inputs[random.random_range(0..inputs.len())]);
            let bytes = changed(bytes, other, &mut random);
            if !comes_back(target, &bytes) {
                let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{number}"));
                std::fs::write(&kept, &bytes).unwrap();
                panic!("change {number} of {}, kept as {}", path.display(), kept.display());
            }
        }
    }
}
