//! Conditional requests: whether what a client has or expects is still so (RFC 9110, section 13).

use std::time::{Duration, SystemTime};

use super::fields::Fields;

/// What a file is compared by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validators<'a> {
    /// The strong entity tag, in its quotes.
    pub(super) tag: &'a str,
    /// When the bytes were written; `None` for bytes that never were.
    pub(super) modified: Option<SystemTime>,
}

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Answer as if there were none.
    Proceed,
    /// The client has it already: 304.
    NotModified,
    /// The client expected another state: 412.
    Failed,
}

/// Weighs the conditions of a GET or HEAD in the order of section 13.2.2.
pub(super) fn check(fields: &Fields, file: Validators) -> Verdict {
    // A date that cannot be read, or that nothing can be compared with, is no condition.
    let changed_since = |name| {
        let date = httpdate::parse_http_date(fields.get(name)?.trim()).ok()?;
        Some(whole_seconds(file.modified?) > date)
    };
    let expected = match fields.get("If-Match") {
        Some(tags) => lists(&tags, file.tag, Comparison::Strong),
        None => changed_since("If-Unmodified-Since") != Some(true),
    };
    if !expected {
        return Verdict::Failed;
    }
    let known = match fields.get("If-None-Match") {
        Some(tags) => lists(&tags, file.tag, Comparison::Weak),
        None => changed_since("If-Modified-Since") == Some(false),
    };
    if known { Verdict::NotModified } else { Verdict::Proceed }
}

/// Whether a `Range` counts, by `If-Range`: only if the client's other part is of the very same bytes.
pub(super) fn range_counts(fields: &Fields, file: Validators, now: SystemTime) -> bool {
    let Some(condition) = fields.get("If-Range") else { return true };
    let condition = condition.trim();
    if condition.starts_with('"') || condition.starts_with("W/") {
        return condition == file.tag;
    }
    // Dates count seconds: one that is just over may have seen other bytes in it (section 8.8.2.2).
    let settled =
        |modified: &SystemTime| now.duration_since(*modified).is_ok_and(|age| age >= Duration::from_secs(1));
    httpdate::parse_http_date(condition)
        .is_ok_and(|date| file.modified.map(whole_seconds).filter(settled) == Some(date))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Whether a list of entity tags has this one, or is `*`.
fn lists(header: &str, tag: &str, comparison: Comparison) -> bool {
    let mut rest = header.trim();
    if rest == "*" {
        return true;
    }
    // Not split at commas: a tag may have them.
    while let Some(begin) = rest.find('"') {
        let weak = rest[..begin].ends_with("W/");
        let Some(length) = rest[begin + 1..].find('"') else { return false };
        let end = begin + length + 2;
        if &rest[begin..end] == tag && !(weak && comparison == Comparison::Strong) {
            return true;
        }
        rest = &rest[end..];
    }
    false
}

/// As a date in a header can say it.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Failed, NotModified, Proceed};
    use super::*;
    use crate::serve::fields::fields;

    const BEFORE: &str = "Tue, 24 Nov 2026 11:59:59 GMT";
    const THEN: &str = "Tue, 24 Nov 2026 12:00:00 GMT";
    const AFTER: &str = "Tue, 24 Nov 2026 12:00:01 GMT";

    fn then() -> SystemTime {
        httpdate::parse_http_date(THEN).unwrap()
    }

    #[test]
    fn conditions_are_weighed_in_the_order_of_the_standard() {
        let cases: [(&[(&str, &str)], Verdict); 26] = [
            (&[], Proceed),
            (&[("If-None-Match", "\"a\"")], NotModified),
            (&[("If-None-Match", "W/\"a\"")], NotModified),
            (&[("If-None-Match", "\"x,\", \"a\"")], NotModified),
            (&[("If-None-Match", "\"x\""), ("If-None-Match", "\"a\"")], NotModified),
            (&[("If-None-Match", "*")], NotModified),
            (&[("If-None-Match", "\"x, \\\"a\\\"\"")], Proceed),
            (&[("If-None-Match", "\"x\", \"y\"")], Proceed),
            (&[("If-None-Match", "a")], Proceed),
            (&[("If-None-Match", "\"a")], Proceed),
            (&[("If-Modified-Since", THEN)], NotModified),
            (&[("If-Modified-Since", AFTER)], NotModified),
            (&[("If-Modified-Since", BEFORE)], Proceed),
            (&[("If-Modified-Since", "yesterday")], Proceed),
            // The tag is what counts where both are given.
            (&[("If-None-Match", "\"x\""), ("If-Modified-Since", AFTER)], Proceed),
            (&[("If-None-Match", "\"a\""), ("If-Modified-Since", BEFORE)], NotModified),
            (&[("If-Match", "\"a\"")], Proceed),
            (&[("If-Match", "*")], Proceed),
            (&[("If-Match", "W/\"a\"")], Failed),
            (&[("If-Match", "\"x\"")], Failed),
            (&[("If-Unmodified-Since", THEN)], Proceed),
            (&[("If-Unmodified-Since", BEFORE)], Failed),
            (&[("If-Unmodified-Since", "tomorrow")], Proceed),
            (&[("If-Match", "\"a\""), ("If-Unmodified-Since", BEFORE)], Proceed),
            (&[("If-Match", "\"x\""), ("If-None-Match", "\"a\"")], Failed),
            (&[("If-Match", "\"a\""), ("If-None-Match", "\"a\"")], NotModified),
        ];
        // The file's time has a fraction of a second, which no header can name.
        let modified = Some(then() + Duration::from_millis(700));
        for (asked, expected) in cases {
            let headers = fields(asked);
            let verdict = check(&Fields::new(&headers), Validators { tag: "\"a\"", modified });
            assert_eq!(verdict, expected, "{asked:?}");
        }
    }

    #[test]
    fn dates_say_nothing_about_bytes_that_were_never_written() {
        for name in ["If-Modified-Since", "If-Unmodified-Since"] {
            let headers = fields(&[(name, BEFORE)]);
            let file = Validators { tag: "\"a\"", modified: None };
            assert_eq!(check(&Fields::new(&headers), file), Proceed, "{name}");
        }
    }

    #[test]
    fn a_range_counts_only_for_the_very_same_bytes() {
        let later = then() + Duration::from_secs(60);
        let cases = [
            (None, later, true),
            (Some("\"a\""), later, true),
            (Some("\"x\""), later, false),
            (Some("W/\"a\""), later, false),
            (Some(THEN), later, true),
            (Some(AFTER), later, false),
            (Some(BEFORE), later, false),
            (Some(THEN), then() + Duration::from_millis(900), false),
            (Some("a"), later, false),
        ];
        for (condition, now, expected) in cases {
            let headers: Vec<(&str, &str)> = condition.map(|value| ("If-Range", value)).into_iter().collect();
            let file = Validators { tag: "\"a\"", modified: Some(then()) };
            assert_eq!(range_counts(&Fields::new(&fields(&headers)), file, now), expected, "{condition:?}");
        }
    }
}
