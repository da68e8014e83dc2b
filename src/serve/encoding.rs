//! Content codings: which a client takes, and what files of the site are called that lie compressed beside their original.

use std::path::Path;

/// Files that are text and get shorter; pictures, fonts and Parquet are compressed already.
const TEXTS: [&str; 9] = ["html", "css", "js", "json", "svg", "xml", "csv", "md", "txt"];

/// A coding in which a file may lie beside its original, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// `br`, RFC 7932.
    Brotli,
    /// `zstd`, RFC 8878.
    Zstd,
    /// `gzip`, RFC 1952.
    Gzip,
}

impl Encoding {
    /// All of them, best first.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// Its name in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The path of a file's form in this coding, such as `index.html.br`.
    pub fn path_of(self, original: &str) -> String {
        let extension = match self {
            Self::Brotli => "br",
            Self::Zstd => "zst",
            Self::Gzip => "gz",
        };
        format!("{original}.{extension}")
    }

    fn answers_to(self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.name()) || (self == Self::Gzip && name.eq_ignore_ascii_case("x-gzip"))
    }
}

/// Whether a file of this name may lie compressed beside itself.
pub fn is_compressible(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| TEXTS.iter().any(|text| extension == *text))
}

/// The codings that a client takes by its `Accept-Encoding`, best first; none that it likes less than the plain bytes.
pub(super) fn accepted(header: &str) -> Vec<Encoding> {
    let offers: Vec<(&str, u16)> = header.split(',').filter_map(offer).collect();
    let weight =
        |fits: &dyn Fn(&str) -> bool| offers.iter().find(|(name, _)| fits(name)).map(|(_, quality)| *quality);
    let any = weight(&|name| name == "*");
    let plain = weight(&|name| name.eq_ignore_ascii_case("identity")).unwrap_or(0);
    let mut found: Vec<(u16, Encoding)> = Encoding::ALL
        .into_iter()
        .filter_map(|encoding| Some((weight(&|name| encoding.answers_to(name)).or(any)?, encoding)))
        .filter(|(quality, _)| *quality > 0 && *quality >= plain)
        .collect();
    found.sort_by_key(|(quality, encoding)| (std::cmp::Reverse(*quality), *encoding));
    found.into_iter().map(|(_, encoding)| encoding).collect()
}

/// A coding's name and its weight in thousandths; `None` where the weight is none.
fn offer(element: &str) -> Option<(&str, u16)> {
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let quality = match quality {
        None => 1.0,
        Some(text) => text.parse::<f32>().ok().filter(|quality| (0.0..=1.0).contains(quality))?,
    };
    Some((name, (quality * 1000.0).round() as u16))
}

#[cfg(test)]
mod tests {
    use super::Encoding::{Brotli, Gzip, Zstd};
    use super::*;

    #[test]
    fn a_client_gets_what_it_likes_best_and_never_what_it_refused() {
        let cases: [(&str, &[Encoding]); 17] = [
            ("", &[]),
            ("gzip", &[Gzip]),
            ("x-gzip", &[Gzip]),
            ("GZIP, BR", &[Brotli, Gzip]),
            ("gzip, deflate, br, zstd", &[Brotli, Zstd, Gzip]),
            ("br;q=0.5, gzip;q=0.8", &[Gzip, Brotli]),
            ("br ; q=0.500 , gzip", &[Gzip, Brotli]),
            ("br;q=0, gzip", &[Gzip]),
            ("gzip;q=0", &[]),
            ("*", &[Brotli, Zstd, Gzip]),
            ("*;q=0", &[]),
            ("*;q=0.1, zstd;q=0", &[Brotli, Gzip]),
            ("identity, br;q=0.5", &[]),
            ("identity;q=0.5, gzip;q=0.5", &[Gzip]),
            ("identity;q=0, gzip", &[Gzip]),
            ("gzip;q=2, br;q=x, zstd;q=nan, deflate", &[]),
            (",, ;q=1, gzip", &[Gzip]),
        ];
        for (header, expected) in cases {
            assert_eq!(accepted(header), expected, "{header:?}");
        }
    }

    #[test]
    fn text_may_lie_compressed_beside_itself_and_nothing_else() {
        for path in ["index.html", "a/b.json", "feed.xml", "assets/js/x.0123456789ab.js"] {
            assert!(is_compressible(path), "{path}");
        }
        for path in ["a.parquet", "a.png", "index.html.br", "html", "a.woff2", ""] {
            assert!(!is_compressible(path), "{path}");
        }
        assert_eq!(Zstd.path_of("a/b.html"), "a/b.html.zst");
    }
}
