//! JSON that may stand in a script element: nothing in it ends the element or is read as markup.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Writes texts without any of these characters, which stand nowhere else in JSON.
struct Escaping;

fn is_markup(character: char) -> bool {
    matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}')
}

impl Formatter for Escaping {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_markup) {
            let (before, from) = rest.split_at(at);
            to.write_all(before.as_bytes())?;
            let mut characters = from.chars();
            if let Some(character) = characters.next() {
                write!(to, "\\u{:04x}", u32::from(character))?;
            }
            rest = characters.as_str();
        }
        to.write_all(rest.as_bytes())
    }
}

/// Writes a value piece by piece. An error of the writer, or of a value that is no JSON.
pub fn write_script_json<T: Serialize>(value: &T, to: &mut (impl io::Write + ?Sized)) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(to, Escaping))?)
}

/// The same as a text; `null` of a value that is no JSON.
pub fn script_json<T: Serialize>(value: &T) -> String {
    let mut bytes = Vec::new();
    let written = write_script_json(value, &mut bytes).ok();
    written.and_then(|()| String::from_utf8(bytes).ok()).unwrap_or_else(|| "null".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_ends_a_script() {
        let text = "</script><!-- & \u{2028}\u{2029} \\ \"";
        assert_eq!(script_json(&[text]), r#"["\u003c/script\u003e\u003c!-- \u0026 \u2028\u2029 \\ \""]"#);
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(texts in proptest::collection::btree_map(".*", ".*[<>&\u{2028}]?.*", 0..4)) {
            let json = script_json(&texts);
            prop_assert!(!json.contains(is_markup));
            prop_assert_eq!(serde_json::from_str::<std::collections::BTreeMap<String, String>>(&json).unwrap(), texts);
        }
    }
}
