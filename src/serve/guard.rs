//! Who may ask: by which name of this server, from which page, and with which password.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use super::answer::Answer;
use super::fields::Fields;
use super::login::{Login, Verdict};
use super::policy;
use super::request::Request;

/// What a request has to have before the site is asked.
#[derive(Debug, Default)]
pub struct Guard {
    names: BTreeSet<String>,
    login: Option<Login>,
}

impl Guard {
    /// Besides addresses and `localhost`, the server answers to these names; with a login, only to those who give a password.
    pub fn new(names: &[String], login: Option<Login>) -> Self {
        let names = names.iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase()).collect();
        Self { names, login }
    }

    /// What is answered instead of the site, if anything.
    pub(super) fn refusal(&self, request: &Request, peer: IpAddr, now: Instant) -> Option<Answer> {
        let fields = Fields::new(&request.fields);
        let host = request.host.as_deref().unwrap_or("localhost");
        if !self.answers_to(host) {
            tracing::debug!("refused: a request for {host:?}");
            return Some(refused(421, "this server has another name; see --host-name\n"));
        }
        // Requests of other pages have it where they could read the answer or change something.
        if fields.get("Origin").is_some_and(|origin| !is_own(&origin, host)) {
            return Some(refused(403, "not from another site\n"));
        }
        let login = self.login.as_ref()?;
        match login.check(fields.get("Authorization").as_deref(), peer, now) {
            Verdict::In => None,
            Verdict::Out => {
                let challenge = "Basic realm=\"peerpress\", charset=\"UTF-8\"";
                Some(refused(401, "a name and a password are needed\n").with("WWW-Authenticate", challenge))
            }
            Verdict::Later(wait) => {
                let seconds = wait.as_secs() + 1;
                Some(
                    refused(429, "too many wrong passwords; try again later\n")
                        .with("Retry-After", seconds.to_string()),
                )
            }
        }
    }

    /// A name of the network could be anybody's: who owns it may let it point here, and a page of theirs would then be of the same
    /// origin as this site (DNS rebinding). An address is nobody's.
    fn answers_to(&self, host: &str) -> bool {
        let Some(name) = name_of(host) else { return false };
        if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return address.parse::<Ipv6Addr>().is_ok();
        }
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        name.parse::<Ipv4Addr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.names.contains(&name)
    }
}

/// The host without its port; `None` if it is no host.
fn name_of(host: &str) -> Option<&str> {
    let end = if host.starts_with('[') { host.find(']')? + 1 } else { host.find(':').unwrap_or(host.len()) };
    let (name, port) = host.split_at(end);
    let port_is_one = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok() || port.is_empty());
    (port_is_one && !name.is_empty()).then_some(name)
}

/// Whether an origin is that of a host. The scheme does not count, as a proxy may have TLS; nor does its usual port.
fn is_own(origin: &str, host: &str) -> bool {
    let bare = |text: &str| {
        let text = text.to_ascii_lowercase();
        let short = text.strip_suffix(":80").or_else(|| text.strip_suffix(":443"));
        short.unwrap_or(&text).to_owned()
    };
    let of = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    of.is_some_and(|of| bare(of) == bare(host))
}

/// A refusal, which ends the connection.
pub(super) fn refused(status: u16, text: &'static str) -> Answer {
    let mut answer = Answer::plain(status, text).with("Cache-Control", "no-store");
    answer.headers.extend(policy::fields(false));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::request::{Reading, read};

    fn guard() -> Guard {
        Guard::new(&["Calls.Example.org".to_owned()], None)
    }

    #[test]
    fn it_answers_to_addresses_to_this_machine_and_to_the_names_it_was_given() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8000",
            "192.168.1.9:80",
            "[::1]",
            "[::1]:8000",
            "localhost",
            "LOCALHOST:8000",
            "a.localhost:1",
            "calls.example.org",
            "calls.example.ORG.:443",
        ] {
            assert!(guard().answers_to(host), "{host}");
        }
        for host in [
            "",
            ":80",
            "evil.example",
            "calls.example.org.evil.example",
            "localhost.evil.example",
            "xlocalhost",
            "127.0.0.1.evil.example",
            "127.0.0.1:80:80",
            "127.0.0.1@evil.example",
            "[::1",
            "[::1]x",
            "[evil.example]",
            "evil.example:80",
            "localhost:99999",
            "localhost/",
            "a b",
        ] {
            assert!(!guard().answers_to(host), "{host}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_not_answered() {
        let status = |host: &str, origin: &str| {
            let text = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{origin}\r\n");
            let Reading::Whole(request, _) = read(text.as_bytes()) else { panic!("{text}") };
            guard().refusal(&request, Ipv4Addr::LOCALHOST.into(), Instant::now()).map(|answer| answer.status)
        };
        for (host, origin, expected) in [
            ("127.0.0.1:8000", "", None),
            ("127.0.0.1:8000", "Origin: http://127.0.0.1:8000\r\n", None),
            ("calls.example.org", "Origin: https://calls.example.org\r\n", None),
            ("calls.example.org:443", "Origin: https://calls.example.org\r\n", None),
            ("127.0.0.1:8000", "Origin: http://127.0.0.1:9000\r\n", Some(403)),
            ("127.0.0.1:8000", "Origin: http://evil.example\r\n", Some(403)),
            ("127.0.0.1:8000", "Origin: null\r\n", Some(403)),
            ("127.0.0.1:8000", "Origin: file://\r\n", Some(403)),
            ("evil.example", "Origin: http://evil.example\r\n", Some(421)),
        ] {
            assert_eq!(status(host, origin), expected, "{host} {origin}");
        }
    }
}
