//! The header fields of a request.

use std::borrow::Cow;

use tiny_http::Header;

/// The fields of one request.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a [Header]);

impl<'a> Fields<'a> {
    pub(super) fn new(headers: &'a [Header]) -> Self {
        Self(headers)
    }

    /// A field's value; of a field that is given several times, the list of them.
    pub(super) fn get(&self, name: &'static str) -> Option<Cow<'a, str>> {
        let mut values =
            self.0.iter().filter(|header| header.field.equiv(name)).map(|header| header.value.as_str());
        let first = values.next()?;
        Some(values.fold(Cow::Borrowed(first), |list, value| Cow::Owned(format!("{list}, {value}"))))
    }
}

/// Fields as a client would send them.
#[cfg(test)]
pub(super) fn fields(list: &[(&str, &str)]) -> Vec<Header> {
    list.iter().map(|(name, value)| Header::from_bytes(*name, *value).unwrap()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_in_any_case_and_several_fields_are_one_list() {
        let headers = fields(&[("accept-encoding", "br"), ("Host", "x"), ("Accept-Encoding", "gzip")]);
        assert_eq!(Fields::new(&headers).get("Accept-Encoding").as_deref(), Some("br, gzip"));
        assert_eq!(Fields::new(&headers).get("Range"), None);
    }
}
