//! The form of the files in the state folder: a header with the version, lines, and a digest of all of it at the end. What is cut,
//! was changed by anything, or is of another version is not read.

const END: &str = "end\t";
/// Of a digest in hexadecimal.
const DIGEST: usize = 64;

/// A text with its digest at the end.
pub(super) fn seal(mut text: String) -> Vec<u8> {
    text.push_str(&end(&blake3::hash(text.as_bytes())));
    text.into_bytes()
}

/// The last line of a text with a digest.
pub(super) fn end(digest: &blake3::Hash) -> String {
    format!("{END}{}\n", digest.to_hex())
}

/// How long the last line is.
pub(super) const END_BYTES: usize = END.len() + DIGEST + 1;

/// The lines between a header and the last one; `None` if the text is not as it was sealed.
pub(super) fn lines<'a>(bytes: &'a [u8], header: &str) -> Option<std::str::Lines<'a>> {
    text(bytes, header).map(str::lines)
}

/// The same as one text.
pub(super) fn text<'a>(bytes: &'a [u8], header: &str) -> Option<&'a str> {
    let (text, last) = bytes.split_at_checked(bytes.len().checked_sub(END_BYTES)?)?;
    if last != end(&blake3::hash(text)).as_bytes() {
        return None;
    }
    std::str::from_utf8(text).ok()?.strip_prefix(header)?.strip_prefix('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_not_as_it_was_sealed_is_not_read() {
        let sealed = seal("header\none\ntwo\n".to_owned());
        assert_eq!(lines(&sealed, "header").map(Iterator::collect), Some(vec!["one", "two"]));
        assert!(lines(&sealed, "header 2").is_none());
        for at in 0..sealed.len() {
            assert!(lines(&sealed[..at], "header").is_none(), "cut at {at}");
            for bit in 0..8 {
                let mut flipped = sealed.clone();
                flipped[at] ^= 1 << bit;
                assert!(lines(&flipped, "header").is_none(), "bit {bit} at {at}");
            }
        }
        assert!(lines(&[&sealed[..], b"more"].concat(), "header").is_none());
    }
}
