//! Writes JSON text. The seed writes hundreds of megabytes of it, so no tree is built first.

use std::fmt::Write;

/// An object under construction.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        let mut text = String::with_capacity(256);
        text.push('{');
        Self(text)
    }

    fn key(&mut self, key: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(key);
        self.0.push_str("\":");
    }

    /// A member that is JSON text already.
    pub(super) fn raw(mut self, key: &str, json: &str) -> Self {
        self.key(key);
        self.0.push_str(json);
        self
    }

    pub(super) fn text(mut self, key: &str, text: &str) -> Self {
        self.key(key);
        self.0.push_str(&quoted(text));
        self
    }

    /// Text, or `null`.
    pub(super) fn maybe(self, key: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(key, text),
            None => self.raw(key, "null"),
        }
    }

    pub(super) fn int(mut self, key: &str, number: impl Into<i64>) -> Self {
        self.key(key);
        self.write(number.into());
        self
    }

    /// A count that the model holds as a real number.
    pub(super) fn count(self, key: &str, number: f64) -> Self {
        self.int(key, number as i64)
    }

    /// A number, to six decimals.
    pub(super) fn num(mut self, key: &str, number: f64) -> Self {
        self.key(key);
        self.write((number * 1e6).round() / 1e6);
        self
    }

    pub(super) fn flag(mut self, key: &str, flag: bool) -> Self {
        self.key(key);
        self.write(flag);
        self
    }

    /// Goes on with members that only some objects have.
    pub(super) fn with(self, wanted: bool, add: impl FnOnce(Self) -> Self) -> Self {
        if wanted { add(self) } else { self }
    }

    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn write(&mut self, value: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        let _: std::fmt::Result = write!(self.0, "{value}");
    }
}

/// An array of JSON texts.
pub(super) fn array<T: AsRef<str>>(items: &[T]) -> String {
    let mut text = String::with_capacity(items.iter().map(|item| item.as_ref().len() + 1).sum::<usize>() + 2);
    text.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(item.as_ref());
    }
    text.push(']');
    text
}

/// Text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_nest_and_escape() {
        let inner = Object::new().text("say", "\"hi\"\r\n").maybe("none", None).end();
        let text =
            Object::new().int("a", 1).num("b", 0.1 + 0.2).flag("c", true).raw("d", &array(&[inner])).end();
        assert_eq!(text, r#"{"a":1,"b":0.3,"c":true,"d":[{"say":"\"hi\"\r\n","none":null}]}"#);
    }
}
