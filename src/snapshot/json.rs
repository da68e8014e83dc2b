//! Reads JSON whose shape is not ours: value by value, in one pass, without a tree in between and without copies. Who reads asks
//! for what a member should be; another type counts as absent. What nests too deeply, or holds a number out of range, is refused
//! as a whole, whether anybody asked for it or not, just as `serde_json` refuses it.

use std::borrow::Cow;

/// How deeply containers may nest, as in `serde_json`.
const DEPTH: u8 = 127;
/// The powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// This is no JSON, or none that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

/// A text as it stands between its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text<'a> {
    raw: &'a str,
    is_escaped: bool,
}

impl<'a> Text<'a> {
    /// What it says, if nothing in it is escaped.
    pub(super) fn plain(self) -> Option<&'a str> {
        (!self.is_escaped).then_some(self.raw)
    }

    /// What it says.
    pub(super) fn get(self) -> Cow<'a, str> {
        if !self.is_escaped {
            return Cow::Borrowed(self.raw);
        }
        // Its escapes were checked when it was read.
        Cow::Owned(unescaped(self.raw).unwrap_or_default())
    }
}

fn unescaped(raw: &str) -> Option<String> {
    serde_json::from_str(&format!("\"{raw}\"")).ok()
}

/// A value without members, or something else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar<'a> {
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(Text<'a>),
    Other,
}

impl<'a> Scalar<'a> {
    /// An integer, or a number that is one.
    pub(super) fn int(self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(number),
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(number as i64),
            _ => None,
        }
    }

    /// A number.
    pub(super) fn num(self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(number as f64),
            Self::Float(number) => Some(number),
            _ => None,
        }
    }

    /// A text.
    pub(super) fn text(self) -> Option<Text<'a>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A boolean.
    pub(super) fn flag(self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(flag),
            _ => None,
        }
    }
}

/// Reads all of a text with `value`, which reads one value.
pub(super) fn read<'a, T>(
    text: &'a str,
    value: impl FnOnce(&mut Scanner<'a>) -> Result<T, Refused>,
) -> Result<T, Refused> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0, depth: 0, compact: None };
    let read = value(&mut scanner)?;
    match scanner.peek() {
        None => Ok(read),
        Some(_) => Err(Refused),
    }
}

/// A place in a text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: u8,
    /// A text that is being copied without spaces, and how far it was.
    compact: Option<(String, usize)>,
}

impl<'a> Scanner<'a> {
    /// The next byte that is no space, which stays the next one.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        match self.bytes.get(self.at) {
            Some(b' ' | b'\n' | b'\t' | b'\r') => self.peek_beyond_spaces(),
            byte => byte.copied(),
        }
    }

    fn peek_beyond_spaces(&mut self) -> Option<u8> {
        let from = self.at;
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if let Some((copy, done)) = &mut self.compact {
            copy.push_str(&self.text[*done..from]);
            *done = self.at;
        }
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Result<(), Refused> {
        if self.peek() != Some(byte) {
            return Err(Refused);
        }
        self.at += 1;
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Refused> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH { Err(Refused) } else { Ok(()) }
    }

    /// After a value in a container: whether another follows.
    fn goes_on(&mut self, end: u8) -> Result<bool, Refused> {
        let byte = self.peek();
        self.at += 1;
        if byte == Some(b',') {
            return Ok(true);
        }
        self.depth -= 1;
        if byte == Some(end) { Ok(false) } else { Err(Refused) }
    }

    /// Whether a container that was just entered has anything in it.
    fn has_any(&mut self, end: u8) -> bool {
        let is_empty = self.peek() == Some(end);
        if is_empty {
            self.at += 1;
            self.depth -= 1;
        }
        !is_empty
    }

    /// Reads an object: `member` gets each name and reads its value. Anything else is read past, and `false`.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), Refused>,
    ) -> Result<bool, Refused> {
        self.members(|scanner| {
            let name = scanner.string()?;
            scanner.expect(b':')?;
            if name.is_escaped { member(scanner, &name.get()) } else { member(scanner, name.raw) }
        })
    }

    /// Reads an object of which each member is read by `member`, its name included, for which [`Scanner::name`] is there.
    pub(super) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self) -> Result<(), Refused>,
    ) -> Result<bool, Refused> {
        if self.peek() != Some(b'{') {
            return self.skip().map(|()| false);
        }
        self.enter()?;
        if self.has_any(b'}') {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(Refused);
                }
                member(self)?;
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Reads a name and the colon after it. `guess` is a name in its quotes, as it would be written; if it is this one, that is
    /// all there is to do, else the name is returned.
    pub(super) fn name(&mut self, guess: &str) -> Result<Option<Text<'a>>, Refused> {
        let is_guessed = self.bytes[self.at..].starts_with(guess.as_bytes());
        let name = if is_guessed {
            self.at += guess.len();
            None
        } else {
            Some(self.string()?)
        };
        self.expect(b':')?;
        Ok(name)
    }

    /// Reads a list, of which `element` reads each value. Anything else is read past, and `false`.
    pub(super) fn list(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), Refused>,
    ) -> Result<bool, Refused> {
        if self.peek() != Some(b'[') {
            return self.skip().map(|()| false);
        }
        self.enter()?;
        if self.has_any(b']') {
            loop {
                element(self)?;
                if !self.goes_on(b']')? {
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Reads past a value. It is looked at all the same, so that what is refused does not depend on who asks.
    pub(super) fn skip(&mut self) -> Result<(), Refused> {
        self.scalar().map(drop)
    }

    /// Reads a value; the members and elements of others are read past.
    pub(super) fn scalar(&mut self) -> Result<Scalar<'a>, Refused> {
        match self.peek() {
            Some(b'"') => self.string().map(Scalar::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Scalar::Bool(true)),
            Some(b'f') => self.word("false", Scalar::Bool(false)),
            Some(b'n') => self.word("null", Scalar::Other),
            Some(b'{') => self.object(|scanner, _| scanner.skip()).map(|_| Scalar::Other),
            Some(b'[') => self.list(Self::skip).map(|_| Scalar::Other),
            _ => Err(Refused),
        }
    }

    /// The text of what `read` reads, without the spaces between its parts.
    pub(super) fn compact(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<(), Refused>,
    ) -> Result<String, Refused> {
        self.peek();
        self.compact = Some((String::with_capacity(1024), self.at));
        read(self)?;
        let (mut copy, done) = self.compact.take().unwrap_or_default();
        copy.push_str(&self.text[done..self.at]);
        Ok(copy)
    }

    fn word(&mut self, word: &str, value: Scalar<'a>) -> Result<Scalar<'a>, Refused> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(Refused);
        }
        self.at += word.len();
        Ok(value)
    }

    /// Reads a string, at whose opening quote this is.
    fn string(&mut self) -> Result<Text<'a>, Refused> {
        if self.peek() != Some(b'"') {
            return Err(Refused);
        }
        let from = self.at + 1;
        let mut at = from;
        let mut is_escaped = false;
        loop {
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_escaped = true;
                    at += 2;
                }
                Some(0..0x20) | None => return Err(Refused),
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        let raw = &self.text[from..at];
        if is_escaped && unescaped(raw).is_none() {
            return Err(Refused);
        }
        Ok(Text { raw, is_escaped })
    }

    /// Reads digits onto a number; how many there were.
    fn digits(&mut self, number: &mut u64) -> usize {
        let from = self.at;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
            // Beyond 19 digits this is wrong, and not used.
            *number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        self.at - from
    }

    fn number(&mut self) -> Result<Scalar<'a>, Refused> {
        let from = self.at;
        let is_negative = self.bytes[from] == b'-';
        self.at += usize::from(is_negative);
        let starts_with_zero = self.bytes.get(self.at) == Some(&b'0');
        let mut number = 0;
        let whole = self.digits(&mut number);
        if whole == 0 || (starts_with_zero && whole > 1) {
            return Err(Refused);
        }
        let mut fraction = 0;
        let mut is_plain = true;
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            is_plain = false;
            fraction = self.digits(&mut number);
            if fraction == 0 {
                return Err(Refused);
            }
        }
        let has_exponent = matches!(self.bytes.get(self.at), Some(b'e' | b'E'));
        if has_exponent {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            if self.digits(&mut 0) == 0 {
                return Err(Refused);
            }
        }
        if is_plain && !has_exponent && whole <= 18 && !(is_negative && number == 0) {
            let number = number as i64;
            return Ok(Scalar::Int(if is_negative { -number } else { number }));
        }
        // Both are exact here, so that their quotient is rounded once, which is what reading a decimal number means.
        if !has_exponent && whole + fraction <= 18 && number < 1 << 53 {
            let value = number as f64 / POWERS[fraction];
            return Ok(Scalar::Float(if is_negative { -value } else { value }));
        }
        let text = &self.text[from..self.at];
        if is_plain
            && !has_exponent
            && let Ok(number) = text.parse::<i64>()
            && number != 0
        {
            return Ok(Scalar::Int(number));
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Scalar::Float(number)),
            _ => Err(Refused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    /// The value by way of this reader, as a tree that `serde_json` would make.
    fn tree(scanner: &mut Scanner<'_>) -> Result<Value, Refused> {
        match scanner.peek() {
            Some(b'{') => {
                let mut members = serde_json::Map::new();
                scanner.object(|scanner, name| {
                    members.insert(name.to_owned(), tree(scanner)?);
                    Ok(())
                })?;
                Ok(Value::Object(members))
            }
            Some(b'[') => {
                let mut elements = Vec::new();
                scanner.list(|scanner| {
                    elements.push(tree(scanner)?);
                    Ok(())
                })?;
                Ok(Value::Array(elements))
            }
            _ => Ok(match scanner.scalar()? {
                Scalar::Int(number) => number.into(),
                Scalar::Float(number) => number.into(),
                Scalar::Bool(flag) => flag.into(),
                Scalar::Text(text) => text.get().into_owned().into(),
                Scalar::Other => Value::Null,
            }),
        }
    }

    /// What `serde_json` reads, with whole numbers beyond 64 bits as the floating-point numbers that we take them for.
    fn by_serde(text: &str) -> Option<Value> {
        fn plain(value: Value) -> Value {
            match value {
                Value::Number(number) if number.as_i64().is_none() => number.as_f64().into(),
                Value::Array(elements) => elements.into_iter().map(plain).collect(),
                Value::Object(members) => {
                    members.into_iter().map(|(name, value)| (name, plain(value))).collect()
                }
                value => value,
            }
        }
        serde_json::from_str(text).ok().map(plain)
    }

    #[track_caller]
    fn check(text: &str) {
        let (ours, skipped) = (read(text, tree).ok(), read(text, Scanner::skip).ok());
        assert_eq!(ours.is_some(), skipped.is_some(), "{text}");
        assert_eq!(ours, by_serde(text), "{text}");
    }

    #[test]
    fn each_value_is_what_serde_json_makes_of_it() {
        for text in [
            "{}",
            "[]",
            " [ 1 , 2 ] ",
            r#"{"a":{"b":[true,false,null]}, "a": 2}"#,
            "",
            " ",
            "[1",
            "[1,]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            "{1:2}",
            "tru",
            "truer",
            "nul",
            "[1 2]",
            "[]]",
            r#""a"#,
            r#""\"""#,
            r#""\\""#,
            r#""\u00e9\ud83d\ude00""#,
            r#""\ud800""#,
            r#""\x""#,
            "\"\u{1}\"",
            "\"é\u{7f}\"",
            r#"{"\u0061":1}"#,
            "0",
            "-0",
            "-",
            "00",
            "01",
            "-01",
            "1.",
            ".5",
            "1.5",
            "-1.50",
            "1e3",
            "1E+3",
            "1e",
            "1e-",
            "1e999",
            "-1e999",
            "1e-999",
            "0e999",
            "0.1",
            "0.3",
            "123456789.987654321",
            "1792394144502.6035",
            "9007199254740992",
            "9007199254740993",
            "9007199254740993.0",
            "0.1234567890123456789",
            "4.9e-324",
            "1.7976931348623157e308",
            "1.7976931348623159e308",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "18446744073709551615",
            "18446744073709551616",
            "999999999999999999",
            "1000000000000000000",
            "0.0000000000000000000000000000001",
            "-0.0",
            "1 ",
        ] {
            check(text);
        }
        check(&"9".repeat(400));
        check(&format!("0.{}", "3".repeat(400)));
        for depth in [126, 127, 128, 200] {
            check(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
            check(&format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)));
        }
    }

    #[test]
    fn numbers_are_whole_where_they_can_be() {
        let scalar = |text| read(text, Scanner::scalar).unwrap();
        let cases = [("7", Some(7), Some(7.0)), ("7.0", Some(7), Some(7.0)), ("7.5", None, Some(7.5))];
        for (text, int, num) in cases.into_iter().chain([("1e16", None, Some(1e16)), ("\"7\"", None, None)]) {
            assert_eq!((scalar(text).int(), scalar(text).num()), (int, num), "{text}");
        }
    }

    #[test]
    fn spaces_go_but_those_in_strings() {
        let compact = |text| read(text, |scanner| scanner.compact(Scanner::skip)).unwrap();
        assert_eq!(compact("  {\"a b\" : [1 , \" \\\" \\\\\" , {} ]}\n"), "{\"a b\":[1,\" \\\" \\\\\",{}]}");
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_serde_json(whole in any::<i64>(), fraction in "[0-9]{1,20}", cut in 0usize..20) {
            let whole = whole.to_string();
            check(&whole[..whole.len().min(cut + 2)]);
            check(&format!("{}.{fraction}", &whole[..whole.len().min(cut + 2)]));
        }

        #[test]
        fn doubles_come_back(number in any::<f64>().prop_filter("finite", |number| number.is_finite())) {
            check(&serde_json::to_string(&number).unwrap());
            check(&format!("{number}"));
        }

        #[test]
        fn no_text_is_read_otherwise_than_serde_json_does(text in "[\\[\\]{}:,\"\\\\0-9eE.+ a-]{0,12}") {
            check(&text);
        }
    }
}
