//! IP addresses within text: found wherever they stand, and truncated to their networks, IPv4 to /24 and IPv6 to /48.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The text with every address in it truncated. Ports, zones and whatever stands around an address stay. A dotted number of
/// exactly four parts up to 255 counts as an address, whatever it was meant to be.
pub(super) fn truncated(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|byte| matches!(byte, b'.' | b':')) {
        return Cow::Borrowed(text);
    }
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        if !is_part(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && is_part(bytes[at]) {
            at += 1;
        }
        let glued = start > 0 && (bytes[start - 1].is_ascii_alphanumeric() || bytes[start - 1] >= 0x80);
        if let Some(run) = of_run(&text[start..at], glued) {
            out.push_str(&text[copied..start]);
            out.push_str(&run);
            copied = at;
        }
    }
    if copied == 0 && out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// A run of hexadecimal digits, dots and colons with its addresses truncated; `None` if it stays as it is.
fn of_run(run: &str, glued: bool) -> Option<String> {
    let colons = run.bytes().filter(|byte| *byte == b':').count();
    let dots = run.bytes().filter(|byte| *byte == b'.').count();
    if colons >= 2 && !glued {
        // A single colon at an end is punctuation, not half of `::`.
        let body = run.trim_end_matches('.');
        let body = body.strip_suffix(':').filter(|rest| !rest.ends_with(':')).unwrap_or(body);
        let body = body.strip_prefix(':').filter(|rest| !rest.starts_with(':')).unwrap_or(body);
        let begin = run.find(body).unwrap_or_default();
        let with = |address: Ipv6Addr, length: usize| {
            let network = network_of(address);
            (network != address).then(|| format!("{}{network}{}", &run[..begin], &run[begin + length..]))
        };
        if let Ok(address) = body.parse::<Ipv6Addr>() {
            return with(address, body.len());
        }
        // Eight groups and a port.
        if let Some((head, _)) = body.rsplit_once(':')
            && let Ok(address) = head.parse::<Ipv6Addr>()
        {
            return with(address, head.len());
        }
    }
    if dots < 3 {
        return None;
    }
    let mut changed = false;
    let pieces: Vec<String> = run
        .split(':')
        .map(|piece| {
            let parts = of_dotted(piece);
            changed |= parts.is_some();
            parts.unwrap_or_else(|| piece.to_owned())
        })
        .collect();
    changed.then(|| pieces.join(":"))
}

/// Parts with dots between them, four of which are an address.
fn of_dotted(piece: &str) -> Option<String> {
    let mut parts: Vec<&str> = piece.split('.').collect();
    let octet = |part: &&str| {
        (1..=3).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse::<u8>().is_ok()
    };
    let named: Vec<&&str> = parts.iter().filter(|part| !part.is_empty()).collect();
    // A longer row of numbers is a version or an object identifier.
    if named.len() > 4 && named.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let first = (0..parts.len().saturating_sub(3)).find(|at| parts[*at..*at + 4].iter().all(octet))?;
    if parts[first + 3].bytes().all(|byte| byte == b'0') {
        return None;
    }
    parts[first + 3] = "0";
    Some(parts.join("."))
}

fn network_of(address: Ipv6Addr) -> Ipv6Addr {
    if let Some(v4) = address.to_ipv4_mapped() {
        let [a, b, c, _] = v4.octets();
        return Ipv4Addr::new(a, b, c, 0).to_ipv6_mapped();
    }
    let [a, b, mut c, ..] = address.segments();
    // 6to4 has the whole IPv4 address in its first 48 bits (RFC 3056).
    if a == 0x2002 {
        c &= 0xff00;
    }
    Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_truncated_wherever_they_stand() {
        let cases = [
            ("192.0.2.77", "192.0.2.0"),
            ("2001:db8:aa:bb:cc:dd:ee:ff", "2001:db8:aa::"),
            ("2001:DB8:AA::1", "2001:db8:aa::"),
            ("::ffff:192.0.2.77", "::ffff:192.0.2.0"),
            ("::ffff:c000:24d", "::ffff:192.0.2.0"),
            ("::1", "::"),
            ("fe80::1%eth0", "fe80::%eth0"),
            ("2002:c000:24d::1", "2002:c000:200::"),
            ("64:ff9b::192.0.2.77", "64:ff9b::"),
            ("192.0.2.77:3478", "192.0.2.0:3478"),
            ("[2001:db8:aa::1]:3478", "[2001:db8:aa::]:3478"),
            ("2001:db8:aa:bb:cc:dd:ee:ff:3478", "2001:db8:aa:::3478"),
            ("turn:192.0.2.77:3478?transport=tcp", "turn:192.0.2.0:3478?transport=tcp"),
            ("face:192.0.2.77", "face:192.0.2.0"),
            ("c=IN IP4 192.0.2.77/127\r\n", "c=IN IP4 192.0.2.0/127\r\n"),
            ("at 192.0.2.77.", "at 192.0.2.0."),
            ("at 2001:db8:aa::1: lost", "at 2001:db8:aa::: lost"),
            ("192.0.2.77.nip.io", "192.0.2.0.nip.io"),
            ("192.000.002.077", "192.000.002.0"),
            ("addr192.0.2.77", "addr192.0.2.0"),
            ("192.0.2.77,192.0.2.78 192.0.2.0", "192.0.2.0,192.0.2.0 192.0.2.0"),
        ];
        for (text, expected) in cases {
            assert_eq!(truncated(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_stays() {
        for text in [
            "",
            "12:30:45",
            "1.2.3",
            "1.2.3.4.5",
            "142.0.7444.60",
            "std::vector",
            "b2f0.local",
            "3E:7B:D0:17",
            "2026-11-23 10:00:00.123456",
            "a=mid:0",
            "256.1.1.1",
            "...",
            ":::",
            "é::",
            "10.0.0.0",
            "0:0:0",
            "x::",
        ] {
            assert!(matches!(truncated(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
