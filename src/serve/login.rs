//! Names and passwords: Basic authentication (RFC 7617) against hashes of argon2id.
//!
//! What a guess costs, an attacker pays and the server hardly: only one password is hashed at a time, guesses are counted before they
//! are looked at, per address and in total, and a password that was right once is recognised by a digest from then on.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine;

/// Guesses that one address may make at once, and the time after which it may make one more.
const OF_ADDRESS: Allowance = Allowance { at_once: 8.0, every: Duration::from_secs(5) };
/// The same for all addresses together.
const OF_ALL: Allowance = Allowance { at_once: 32.0, every: Duration::from_millis(500) };
/// Addresses that are remembered; then the one that has the most guesses left is forgotten.
const ADDRESSES: usize = 4096;
/// Bytes of a name and a password that are looked at.
const CREDENTIALS: usize = 1024;

/// What comes of a request's credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A known name with its password.
    In,
    /// No credentials, or wrong ones.
    Out,
    /// Not looked at: too many were wrong. Another may come after so long.
    Later(Duration),
}

/// Why a login cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The name cannot be sent.
    #[error("{0:?} cannot be a name for --auth: it is empty, or has a colon or a control character")]
    Name(String),
    /// The hash is none that can be checked.
    #[error("the hash of {name} cannot be used: {problem}\nhint: `peerpress hash-password` makes one")]
    Hash {
        /// Whose it is.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

/// Who may log in.
pub struct Login {
    hashes: BTreeMap<String, PasswordHash>,
    /// What an unknown name's password is held against, so that it takes as long as a known one's.
    stranger: PasswordHash,
    /// Of this run of the program, for the digests of what was right.
    key: [u8; 32],
    known: Mutex<Vec<blake3::Hash>>,
    guesses: Mutex<Guesses>,
    hashing: Mutex<()>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("names", &self.hashes.keys()).finish_non_exhaustive()
    }
}

/// The hash of a password as a PHC string, with a salt of its own.
pub fn hash_password(password: &str) -> Result<String, LoginError> {
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| LoginError::Random(error.to_string()))?;
    Ok(hash.to_string())
}

impl Login {
    /// From names with the PHC strings of their passwords' hashes.
    pub fn new(users: &[(String, String)]) -> Result<Self, LoginError> {
        let mut hashes = BTreeMap::new();
        for (name, hash) in users {
            if name.is_empty() || name.contains(|c: char| c == ':' || c.is_control()) {
                return Err(LoginError::Name(name.clone()));
            }
            let wrong = |problem: String| LoginError::Hash { name: name.clone(), problem };
            let hash = PasswordHash::new(hash.trim()).map_err(|error| wrong(error.to_string()))?;
            if hash.algorithm.as_str() != "argon2id" {
                return Err(wrong(format!("it is of {}, not of argon2id", hash.algorithm)));
            }
            hashes.insert(name.clone(), hash);
        }
        let salt = argon2::password_hash::try_generate_salt();
        let seed = salt.map_err(|error| LoginError::Random(error.to_string()))?;
        let stranger =
            PasswordHash::new(&hash_password("")?).map_err(|error| LoginError::Random(error.to_string()))?;
        Ok(Self {
            hashes,
            stranger,
            key: blake3::derive_key("peerpress 2026-11 credentials of one run", &seed),
            known: Mutex::default(),
            guesses: Mutex::default(),
            hashing: Mutex::default(),
        })
    }

    /// Looks at the `Authorization` of a request from an address.
    pub(super) fn check(&self, authorization: Option<&str>, peer: IpAddr, now: Instant) -> Verdict {
        let Some((name, password)) = authorization.and_then(credentials) else { return Verdict::Out };
        let digest = self.digest(&name, &password);
        if self.is_known(digest) {
            return Verdict::In;
        }
        if let Err(wait) = lock(&self.guesses).take(place_of(peer), now) {
            return Verdict::Later(wait);
        }
        let _one_at_a_time = lock(&self.hashing);
        // It may have been found right while this one waited.
        if self.is_known(digest) {
            return Verdict::In;
        }
        let hash = self.hashes.get(&name);
        let verified =
            Argon2::default().verify_password(password.as_bytes(), hash.unwrap_or(&self.stranger)).is_ok();
        if !verified || hash.is_none() {
            tracing::warn!("a wrong password from {peer}");
            return Verdict::Out;
        }
        lock(&self.known).push(digest);
        lock(&self.guesses).give_back(place_of(peer));
        Verdict::In
    }

    fn digest(&self, name: &str, password: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        // A name has no colon.
        hasher.update(name.as_bytes()).update(b":").update(password.as_bytes());
        hasher.finalize()
    }

    /// Digests are compared in constant time, and all of them.
    fn is_known(&self, digest: blake3::Hash) -> bool {
        lock(&self.known).iter().filter(|known| **known == digest).count() > 0
    }
}

fn credentials(authorization: &str) -> Option<(String, String)> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") || token.len() > CREDENTIALS * 4 / 3 {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(token.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// Where an address counts: one machine may have all addresses of an IPv6 network of 64 bits.
fn place_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let bits = u128::from(address) >> 64 << 64;
            IpAddr::V6(bits.into())
        }
        address @ IpAddr::V4(_) => address,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many at once, and one more every so often.
struct Allowance {
    at_once: f64,
    every: Duration,
}

/// What is left of an allowance.
#[derive(Debug, Clone, Copy)]
struct Left {
    guesses: f64,
    at: Instant,
}

impl Allowance {
    /// What is left by now of what was left.
    fn left(&self, left: Option<&Left>, now: Instant) -> f64 {
        let Some(left) = left else { return self.at_once };
        let grown = now.saturating_duration_since(left.at).as_secs_f64() / self.every.as_secs_f64();
        (left.guesses + grown).min(self.at_once)
    }

    /// How long until there is a whole one.
    fn wait(&self, guesses: f64) -> Duration {
        self.every.mul_f64((1.0 - guesses).max(0.0))
    }
}

#[derive(Debug, Default)]
struct Guesses {
    of: BTreeMap<IpAddr, Left>,
    all: Option<Left>,
}

impl Guesses {
    /// Takes one guess, or says how long there is none.
    fn take(&mut self, place: IpAddr, now: Instant) -> Result<(), Duration> {
        let own = OF_ADDRESS.left(self.of.get(&place), now);
        let all = OF_ALL.left(self.all.as_ref(), now);
        if own < 1.0 || all < 1.0 {
            return Err(OF_ADDRESS.wait(own).max(OF_ALL.wait(all)));
        }
        if self.of.len() >= ADDRESSES && !self.of.contains_key(&place) {
            let left = |left: &Left| OF_ADDRESS.left(Some(left), now);
            let freest =
                self.of.iter().max_by(|a, b| left(a.1).total_cmp(&left(b.1))).map(|(place, _)| *place);
            freest.map(|place| self.of.remove(&place));
        }
        self.of.insert(place, Left { guesses: own - 1.0, at: now });
        self.all = Some(Left { guesses: all - 1.0, at: now });
        Ok(())
    }

    /// The guess was right, so it does not count.
    fn give_back(&mut self, place: IpAddr) {
        for left in self.of.get_mut(&place).into_iter().chain(self.all.as_mut()) {
            left.guesses += 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    /// A hash that costs little.
    fn cheap(password: &str) -> String {
        let params = argon2::Params::new(8, 1, 1, None).unwrap();
        let hasher = Argon2::from(params);
        let hash: PasswordHash = hasher.hash_password(password.as_bytes()).unwrap();
        hash.to_string()
    }

    fn login() -> Login {
        let users = [("ana", "one:two"), ("ben", "drei")];
        let users = users.map(|(name, password)| (name.to_owned(), cheap(password)));
        let mut login = Login::new(&users).unwrap();
        login.stranger = PasswordHash::new(&cheap("")).unwrap();
        login
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
    }

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_known_name_with_its_password_comes_in_and_nobody_else() {
        let now = Instant::now();
        let cases = [
            (basic("ana:one:two"), Verdict::In),
            (basic("ana:one:two").replace("Basic", "BASIC"), Verdict::In),
            (basic("ben:drei"), Verdict::In),
            (basic("ana:drei"), Verdict::Out),
            (basic("ana:one"), Verdict::Out),
            (basic("ana:"), Verdict::Out),
            (basic("anna:one:two"), Verdict::Out),
            // The stranger's own password is nobody's.
            (basic("carl:"), Verdict::Out),
            (basic(":"), Verdict::Out),
            (basic("ana"), Verdict::Out),
            ("Bearer x".to_owned(), Verdict::Out),
            ("Basic".to_owned(), Verdict::Out),
            ("Basic %%%".to_owned(), Verdict::Out),
            (basic(&"x".repeat(5000)), Verdict::Out),
        ];
        for (authorization, expected) in cases {
            assert_eq!(login().check(Some(&authorization), HERE, now), expected, "{authorization}");
        }
        assert_eq!(login().check(None, HERE, now), Verdict::Out);
    }

    #[test]
    fn guesses_are_counted_per_address_and_in_total_and_right_passwords_are_not() {
        let login = login();
        let mut now = Instant::now();
        let (wrong, right) = (basic("ana:no"), basic("ana:one:two"));
        for _ in 0..100 {
            assert_eq!(login.check(Some(&right), HERE, now), Verdict::In);
        }
        for _ in 0..8 {
            assert_eq!(login.check(Some(&wrong), HERE, now), Verdict::Out);
        }
        assert_eq!(login.check(Some(&wrong), HERE, now), Verdict::Later(Duration::from_secs(5)));
        // Whoever is in stays in; who is not has to wait with a right password, too.
        assert_eq!(login.check(Some(&right), HERE, now), Verdict::In);
        assert!(matches!(login.check(Some(&basic("ben:drei")), HERE, now), Verdict::Later(_)));
        assert_eq!(
            login.check(Some(&basic("ben:drei")), Ipv4Addr::new(10, 0, 0, 1).into(), now),
            Verdict::In
        );
        now += Duration::from_secs(5);
        assert_eq!(login.check(Some(&wrong), HERE, now), Verdict::Out);
        assert!(matches!(login.check(Some(&wrong), HERE, now), Verdict::Later(_)));
        // From many addresses, it ends, too; and it begins again.
        let mut seen = 0;
        for last in 0..=255 {
            let from = Ipv4Addr::new(10, 1, 1, last).into();
            seen += usize::from(login.check(Some(&wrong), from, now) == Verdict::Out);
        }
        assert!((24..=32).contains(&seen), "{seen}");
        now += Duration::from_millis(500);
        assert_eq!(login.check(Some(&wrong), Ipv4Addr::new(10, 2, 2, 2).into(), now), Verdict::Out);
    }

    #[test]
    fn what_is_remembered_of_addresses_is_bounded_and_networks_count_as_one() {
        let mut guesses = Guesses::default();
        let mut now = Instant::now();
        for number in 0..(2 * ADDRESSES) {
            now += Duration::from_secs(1);
            let place = IpAddr::V4(Ipv4Addr::from_bits(number as u32));
            guesses.take(place, now).unwrap();
        }
        assert_eq!(guesses.of.len(), ADDRESSES);
        let of = |text: &str| place_of(text.parse::<Ipv6Addr>().unwrap().into());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:10.0.0.1"), place_of(Ipv4Addr::new(10, 0, 0, 1).into()));
    }

    #[test]
    fn a_hash_that_cannot_be_checked_is_an_error_at_once() {
        let error = |name: &str, hash: &str| {
            Login::new(&[(name.to_owned(), hash.to_owned())]).unwrap_err().to_string()
        };
        assert!(error("ana", "secret").contains("the hash of ana cannot be used"));
        let other = cheap("x").replace("argon2id", "argon2i");
        assert!(error("ana", &other).contains("not of argon2id"));
        assert!(error("a:b", &cheap("x")).contains("cannot be a name"));
        assert!(error("", &cheap("x")).contains("cannot be a name"));
        let hash = hash_password("pass").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let login = Login::new(&[("ana".to_owned(), format!("{hash}\n"))]).unwrap();
        assert_eq!(login.check(Some(&basic("ana:pass")), HERE, Instant::now()), Verdict::In);
    }
}
