//! JSON as a row of tokens: read in one pass and without recursion, so that no depth can overflow the stack, with every
//! token's place in the text, so that all else can be kept as it is.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{` or `[`.
    Begin,
    /// `}` or `]`.
    End,
    /// A member's name, with its quotes.
    Key,
    /// A text, with its quotes.
    Text,
    /// A number.
    Number,
    /// `true`, `false` or `null`.
    Word,
}

/// The text is no JSON (RFC 8259).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    FirstValueOrEnd,
    FirstKeyOrEnd,
    Key,
    CommaOrEnd,
    Nothing,
}

/// The tokens of a text, in order; after an error there are no more.
pub(super) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    /// Whether each open container is an object.
    open: Vec<bool>,
    next: Next,
}

/// One token.
pub(super) type Token = (Kind, Range<usize>);

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0, open: Vec::new(), next: Next::Value }
    }

    /// How many containers are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Goes on to the end of the value that begins with a token that was just given.
    pub(super) fn skip(&mut self, kind: Kind) -> Result<usize, Invalid> {
        if kind == Kind::Begin {
            let outside = self.depth() - 1;
            while self.depth() > outside {
                self.token()?.ok_or(Invalid)?;
            }
        }
        Ok(self.at)
    }

    /// The next token; `None` after the last one.
    pub(super) fn token(&mut self) -> Result<Option<Token>, Invalid> {
        self.space();
        if self.next == Next::CommaOrEnd && self.peek() == Some(b',') {
            self.at += 1;
            self.space();
            self.next = if self.open.last() == Some(&true) { Next::Key } else { Next::Value };
        }
        let start = self.at;
        let Some(byte) = self.peek() else {
            return if self.next == Next::Nothing { Ok(None) } else { Err(Invalid) };
        };
        let kind = match (byte, self.next) {
            (b'}' | b']', Next::CommaOrEnd | Next::FirstValueOrEnd | Next::FirstKeyOrEnd)
                if self.open.last() == Some(&(byte == b'}')) =>
            {
                self.at += 1;
                self.open.pop();
                self.after_value();
                Kind::End
            }
            (b'"', Next::Key | Next::FirstKeyOrEnd) => {
                self.string()?;
                let end = self.at;
                self.space();
                self.expect(b':')?;
                self.next = Next::Value;
                return Ok(Some((Kind::Key, start..end)));
            }
            (_, Next::Value | Next::FirstValueOrEnd) => self.value(byte)?,
            _ => return Err(Invalid),
        };
        Ok(Some((kind, start..self.at)))
    }

    fn value(&mut self, first: u8) -> Result<Kind, Invalid> {
        let kind = match first {
            b'{' | b'[' => {
                self.at += 1;
                self.open.push(first == b'{');
                self.next = if first == b'{' { Next::FirstKeyOrEnd } else { Next::FirstValueOrEnd };
                return Ok(Kind::Begin);
            }
            b'"' => {
                self.string()?;
                Kind::Text
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
                Kind::Number
            }
            _ => {
                let rest = &self.text[self.at..];
                let known = [&b"true"[..], b"false", b"null"].into_iter().find(|word| rest.starts_with(word));
                self.at += known.ok_or(Invalid)?.len();
                Kind::Word
            }
        };
        self.after_value();
        Ok(kind)
    }

    fn after_value(&mut self) {
        self.next = if self.open.is_empty() { Next::Nothing } else { Next::CommaOrEnd };
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Invalid> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(Invalid)
    }

    fn string(&mut self) -> Result<(), Invalid> {
        self.at += 1;
        loop {
            match self.peek().ok_or(Invalid)? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => {
                    let escape = self.text.get(self.at + 1).ok_or(Invalid)?;
                    match escape {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
                        b'u' => {
                            let digits = self.text.get(self.at + 2..self.at + 6).ok_or(Invalid)?;
                            if !digits.iter().all(u8::is_ascii_hexdigit) {
                                return Err(Invalid);
                            }
                            self.at += 6;
                        }
                        _ => return Err(Invalid),
                    }
                }
                0..=0x1f => return Err(Invalid),
                _ => self.at += 1,
            }
        }
    }

    fn number(&mut self) -> Result<(), Invalid> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Invalid> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Invalid) }
    }
}

/// The text with the values of some members taken out, which leaves null, and with other texts and names; all else, its spaces
/// included, stays as it is. `None` if nothing changes.
pub(super) fn changed(
    text: &str,
    withheld: &dyn Fn(&str) -> bool,
    change: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<String>, Invalid> {
    let mut tokens = Tokens::of(text);
    let (mut out, mut copied, mut is_withheld) = (String::new(), 0, false);
    while let Some((kind, range)) = tokens.token()? {
        let token = &text[range.clone()];
        let (end, shown) = match kind {
            _ if std::mem::take(&mut is_withheld) && token != "null" => {
                (tokens.skip(kind)?, "null".to_owned())
            }
            Kind::Key | Kind::Text => {
                let plain = unquoted(token);
                is_withheld = kind == Kind::Key && withheld(&plain);
                let Some(shown) = change(&plain) else { continue };
                (range.end, quoted(&shown))
            }
            _ => continue,
        };
        out.push_str(&text[copied..range.start]);
        out.push_str(&shown);
        copied = end;
    }
    if copied == 0 {
        return Ok(None);
    }
    out.push_str(&text[copied..]);
    Ok(Some(out))
}

/// What a text token says; a lone surrogate becomes U+FFFD.
pub(super) fn unquoted(token: &str) -> std::borrow::Cow<'_, str> {
    let body = &token[1..token.len() - 1];
    if !body.contains('\\') {
        return body.into();
    }
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (taken, character) = escaped(&rest[at..]);
        out.push(character);
        rest = &rest[at + taken..];
    }
    out.push_str(rest);
    out.into()
}

/// The escape that a text begins with: its length, and its meaning.
fn escaped(text: &str) -> (usize, char) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    match text.as_bytes().get(1) {
        Some(b'b') => (2, '\u{8}'),
        Some(b'f') => (2, '\u{c}'),
        Some(b'n') => (2, '\n'),
        Some(b'r') => (2, '\r'),
        Some(b't') => (2, '\t'),
        Some(b'u') => match (unit(0), unit(6)) {
            (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                (12, char::from_u32(code).unwrap_or('\u{fffd}'))
            }
            (code, _) => (6, code.and_then(char::from_u32).unwrap_or('\u{fffd}')),
        },
        Some(other) => (2, char::from(*other)),
        None => (1, '\u{fffd}'),
    }
}

/// A text as a JSON token.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(text: &str) -> bool {
        let mut tokens = Tokens::of(text);
        loop {
            match tokens.token() {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(Invalid) => return false,
            }
        }
    }

    #[test]
    fn what_is_json_is_what_the_parser_says() {
        let texts = [
            "null",
            " [1, -0.5e+3 ,{}, []] ",
            r#"{"a":{"b":[true,false,"\u00e9\ud800"]},"a":1}"#,
            "1e999",
            "\"\\/\"",
            "",
            "[1,]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "[1 2]",
            "01",
            "1.",
            "-",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "nul",
            "[}",
            "{]",
            "1 2",
            "[",
            "{\"a\":1",
            "\"",
            "[\"a\":1]",
            "{1:2}",
            "\u{a0}1",
            "é",
            "tru",
            "+1",
            ".5",
            "[]]",
        ];
        for text in texts {
            // The parser's raw values do not look at the range of a number, nor do we.
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
            assert_eq!(valid(text), theirs, "{text}");
        }
    }

    #[test]
    fn any_depth_is_read_and_skipped() {
        let deep = format!("{}1{}", "[{\"a\":".repeat(100_000), "}]".repeat(100_000));
        assert!(valid(&deep));
        let mut tokens = Tokens::of(&deep);
        let (kind, _) = tokens.token().unwrap().unwrap();
        assert_eq!(tokens.skip(kind), Ok(deep.len()));
    }

    #[test]
    fn members_are_taken_out_and_texts_changed_and_all_else_stays() {
        let text = r#"{"a": {"b":[1,{}]}, "ana" : ["ana", 1.0], "a":null}"#;
        let renamed = |text: &str| (text == "ana").then(|| "x".to_owned());
        let after = changed(text, &|name| name == "a", &renamed).unwrap();
        assert_eq!(after.unwrap(), r#"{"a": null, "x" : ["x", 1.0], "a":null}"#);
        assert_eq!(changed(text, &|_| false, &|_| None), Ok(None));
        assert_eq!(changed("[", &|_| false, &|_| None), Err(Invalid));
    }

    #[test]
    fn a_text_is_what_it_was_before_quoting() {
        for text in ["", "a\"b\\c/\u{8}\u{c}\n\r\t\u{0}é𝄞", "\\u0041"] {
            assert_eq!(unquoted(&quoted(text)), text);
        }
        assert_eq!(unquoted(r#""\u0031\ud834\udd1e\/""#), "1𝄞/");
        assert_eq!(unquoted(r#""\ud834x\udd1e\ud834""#), "\u{fffd}x\u{fffd}\u{fffd}");
    }
}
