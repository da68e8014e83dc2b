//! Requests as bytes: the head of one, read by strict rules and within limits. What follows a head is never read as a body: nothing
//! here takes one.

pub(super) use tiny_http::Method;

use super::fields::{Field, Fields};

/// Bytes that a head may have, with its request line.
pub(super) const HEAD: usize = 16 * 1024;
/// Bytes of a request's target.
const TARGET: usize = 8 * 1024;
/// Header fields of a request.
const FIELDS: usize = 64;

/// A whole head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Path and query, beginning with `/`; anything else that stood there is left as it was.
    pub(super) url: String,
    pub(super) fields: Vec<Field>,
    /// The `Host` field, or the host of a target in absolute form, which counts more (RFC 9112, section 3.2.2).
    pub(super) host: Option<String>,
    /// Whether the connection ends with the answer: because the client wants it so, or since a body follows.
    pub(super) last: bool,
}

/// What some bytes are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The beginning of a head, or nothing.
    Unfinished,
    /// A head, and how many bytes it took.
    Whole(Request, usize),
    /// Not HTTP, or too much of it: the status that says so.
    Refused(u16),
}

/// Reads a head from the beginning of what a client sent.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let window = &bytes[..bytes.len().min(HEAD)];
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut head = httparse::Request::new(&mut fields);
    match head.parse(window) {
        Ok(httparse::Status::Complete(length)) => match request(&head, &window[..length]) {
            Ok(request) => Reading::Whole(request, length),
            Err(status) => Reading::Refused(status),
        },
        Ok(httparse::Status::Partial) => {
            let target = head.path.map_or(0, str::len);
            match bytes.len() {
                _ if target > TARGET => Reading::Refused(414),
                length if length < HEAD => Reading::Unfinished,
                _ if head.version.is_none() => Reading::Refused(414),
                _ => Reading::Refused(431),
            }
        }
        Err(httparse::Error::TooManyHeaders) => Reading::Refused(431),
        Err(httparse::Error::Version) if names_a_version(window) => Reading::Refused(505),
        Err(_) => Reading::Refused(400),
    }
}

/// Whether a request line ends in a version of HTTP as it should.
fn names_a_version(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.split(|byte| *byte == b' ').nth(2).is_some_and(|version| version.starts_with(b"HTTP/"))
}

fn request(head: &httparse::Request, bytes: &[u8]) -> Result<Request, u16> {
    let (Some(method), Some(target), Some(version)) = (head.method, head.path, head.version) else {
        return Err(400);
    };
    if target.len() > TARGET {
        return Err(414);
    }
    // The parser lets a line end without a carriage return, which others would read as a part of the line.
    if bytes.iter().enumerate().any(|(at, byte)| *byte == b'\n' && (at == 0 || bytes[at - 1] != b'\r')) {
        return Err(400);
    }
    let fields: Vec<Field> = head
        .headers
        .iter()
        .map(|field| Field {
            name: field.name.to_owned(),
            value: String::from_utf8_lossy(field.value).into_owned(),
        })
        .collect();
    let of = Fields::new(&fields);
    let count = |name: &str| fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).count();
    let hosts = count("Host");
    // Section 3.2: a request of HTTP/1.1 has one.
    if hosts > 1 || (hosts == 0 && version == 1) {
        return Err(400);
    }
    let (length, coding) = (of.get("Content-Length"), of.get("Transfer-Encoding"));
    // Section 6.1: whoever gives both, or a length that is none, wants two readers to see two things.
    let odd = |length: &str| length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit());
    if length.as_deref().is_some_and(odd) || (length.is_some() && coding.is_some()) {
        return Err(400);
    }
    let body = coding.is_some() || length.is_some_and(|length| length.bytes().any(|digit| digit != b'0'));
    let closes = of
        .get("Connection")
        .is_some_and(|value| value.split(',').any(|option| option.trim().eq_ignore_ascii_case("close")));
    let (host, url) = match absolute(target) {
        Some((host, url)) => (Some(host.to_owned()), url),
        None => (of.get("Host").map(std::borrow::Cow::into_owned), target.to_owned()),
    };
    Ok(Request {
        // The parser lets only tokens through, any of which is a method.
        method: method.parse().map_err(|()| 400_u16)?,
        url,
        host,
        last: version == 0 || body || closes,
        fields,
    })
}

/// The host and the path of a target in absolute form, as proxies get it.
fn absolute(target: &str) -> Option<(&str, String)> {
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let slash = if path.starts_with('/') { "" } else { "/" };
    Some((host, format!("{slash}{path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Request {
        match read(text.as_bytes()) {
            Reading::Whole(request, length) => {
                assert_eq!(length, text.len());
                request
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn a_head_is_whole_at_its_empty_line_and_not_before() {
        let text = "GET /a?b HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n";
        for end in 0..text.len() {
            assert_eq!(read(&text.as_bytes()[..end]), Reading::Unfinished, "{end}");
        }
        let request = whole(text);
        assert_eq!((request.method, request.url.as_str()), (Method::Get, "/a?b"));
        assert_eq!((request.host.as_deref(), request.last), (Some("x"), false));
        let twice = format!("{text}{text}");
        assert!(matches!(read(twice.as_bytes()), Reading::Whole(_, length) if length == text.len()));
    }

    #[test]
    fn what_is_no_request_or_could_be_read_in_two_ways_is_refused() {
        let long = "a".repeat(TARGET + 1);
        let many = "a: b\r\n".repeat(FIELDS);
        let cases: [(String, u16); 19] = [
            ("GET\r\n\r\n".into(), 400),
            ("GET /\r\n\r\n".into(), 400),
            ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n".into(), 400),
            ("GET / HTTP/1.1\nHost: x\n\n".into(), 400),
            ("GET / HTTP/1.1\r\nHost: x\n\r\n".into(), 400),
            ("GET / HTTP/1.1\r\nHost : x\r\n\r\n".into(), 400),
            ("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n".into(), 400),
            ("GET / HTTP/1.1\r\n\r\n".into(), 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n".into(), 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n".into(), 400),
            ("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n".into(), 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".into(), 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".into(), 400),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
                400,
            ),
            ("GET / HTTP/2.0\r\nHost: x\r\n\r\n".into(), 505),
            (format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"), 414),
            (format!("GET /{}", "a".repeat(HEAD)), 414),
            (format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), 431),
            (format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}", "a".repeat(HEAD)), 431),
        ];
        for (text, status) in cases {
            assert_eq!(read(text.as_bytes()), Reading::Refused(status), "{text:.80}");
        }
    }

    #[test]
    fn a_connection_ends_where_the_next_head_cannot_be_found_or_is_not_wanted() {
        let last = |head: &str| whole(&format!("GET / HTTP/1.1\r\nHost: x\r\n{head}\r\n")).last;
        assert!(!last("Content-Length: 0\r\n") && !last("Connection: keep-alive\r\n"));
        assert!(last("Content-Length: 1\r\n") && last("Transfer-Encoding: chunked\r\n"));
        assert!(last("Connection: upgrade, Close\r\n"));
        assert!(whole("GET / HTTP/1.0\r\n\r\n").last);
    }

    #[test]
    fn the_host_of_an_absolute_target_counts_more() {
        let asked = |target: &str| {
            let request = whole(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"));
            (request.host.unwrap(), request.url)
        };
        let of = |host: &str, url: &str| (host.to_owned(), url.to_owned());
        assert_eq!(asked("http://y:80/a?b"), of("y:80", "/a?b"));
        assert_eq!(asked("HTTP://y"), of("y", "/"));
        assert_eq!(asked("https://y?/b"), of("y", "/?/b"));
        assert_eq!(asked("//y/a"), of("x", "//y/a"));
        assert_eq!(asked("ftp://y/a"), of("x", "ftp://y/a"));
    }
}
