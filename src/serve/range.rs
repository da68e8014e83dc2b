//! `Range`: which bytes of a file a client asks for (RFC 9110, section 14).

use std::ops::Range;

/// What of a file is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it: also where the range cannot be read, or where there are several, which a server may ignore.
    Whole,
    /// One stretch, which is not empty.
    Part(Range<u64>),
    /// Bytes that are not there.
    Beyond,
}

/// Reads the header for a file of `length` bytes.
pub(super) fn asked(header: &str, length: u64) -> Asked {
    parse(header, length).unwrap_or(Asked::Whole)
}

fn parse(header: &str, length: u64) -> Option<Asked> {
    let (unit, range) = header.split_once('=')?;
    let (first, last) = range.trim().split_once('-').filter(|_| unit.trim().eq_ignore_ascii_case("bytes"))?;
    let range = match (first.trim(), last.trim()) {
        ("", last) => length.saturating_sub(number(last)?)..length,
        (first, "") => number(first)?..length,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            first..last.saturating_add(1).min(length)
        }
    };
    Some(if range.is_empty() { Asked::Beyond } else { Asked::Part(range) })
}

/// Digits and nothing else; what is too long for a number is past every end.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::Asked::{Beyond, Part, Whole};
    use super::*;

    #[test]
    fn a_range_is_read_as_the_standard_has_it() {
        let cases = [
            ("bytes=0-0", Part(0..1)),
            ("bytes=2-5", Part(2..6)),
            ("bytes=5-", Part(5..10)),
            ("bytes=5-99", Part(5..10)),
            ("bytes=0-18446744073709551615", Part(0..10)),
            ("bytes=0-99999999999999999999999", Part(0..10)),
            ("bytes=-3", Part(7..10)),
            ("bytes=-99", Part(0..10)),
            ("Bytes = 1 - 2", Part(1..3)),
            ("bytes=10-", Beyond),
            ("bytes=10-20", Beyond),
            ("bytes=99999999999999999999999-", Beyond),
            ("bytes=-0", Beyond),
            ("bytes=5-2", Whole),
            ("bytes=0-1,4-5", Whole),
            ("bytes=", Whole),
            ("bytes=-", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("items=0-1", Whole),
            ("0-1", Whole),
        ];
        for (header, expected) in cases {
            assert_eq!(asked(header, 10), expected, "{header}");
        }
        for header in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            assert_eq!(asked(header, 0), Beyond, "{header} of an empty file");
        }
    }
}
