//! The header fields of a request.

use std::borrow::Cow;

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
}

/// The fields of one request.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a [Field]);

impl<'a> Fields<'a> {
    pub(super) fn new(fields: &'a [Field]) -> Self {
        Self(fields)
    }

    /// A field's value; of a field that is given several times, the list of them.
    pub(super) fn get(&self, name: &'static str) -> Option<Cow<'a, str>> {
        let mut values = self
            .0
            .iter()
            .filter(|field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value.as_str());
        let first = values.next()?;
        Some(values.fold(Cow::Borrowed(first), |list, value| Cow::Owned(format!("{list}, {value}"))))
    }
}

/// Fields as a client would send them.
#[cfg(test)]
pub(super) fn fields(list: &[(&str, &str)]) -> Vec<Field> {
    list.iter().map(|(name, value)| Field { name: (*name).to_owned(), value: (*value).to_owned() }).collect()
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
