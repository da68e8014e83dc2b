//! Assets as published: every file under `assets/` gets a name with its digest, so that hosts may cache it for ever.

use std::collections::BTreeMap;

/// Published paths below `assets/`, by logical names, and the bytes of each.
#[derive(Debug, Clone, Default)]
pub struct Assets {
    /// Logical name to published path.
    pub names: BTreeMap<String, String>,
    /// Published path to bytes.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Whether a file under `assets/` is published: sources of bundles are not.
pub fn is_published(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let source = name.contains("/components/")
        || name == "js/conference/main.js"
        || ["js/peermetrics/", "js/shared/", "js/page/", "js/search/", "js/seal/", "js/live/"]
            .iter()
            .any(|folder| name.starts_with(folder));
    !source
        && matches!(extension, Some("css" | "js" | "svg" | "png" | "ico" | "webmanifest" | "json" | "txt"))
}

impl Assets {
    /// Fingerprints files by their logical names.
    pub fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        let mut assets = Self::default();
        for (name, bytes) in files.into_iter().filter(|(name, _)| is_published(name)) {
            let digest = blake3::hash(&bytes).to_hex();
            let published = match name.rsplit_once('.') {
                Some((stem, extension)) => format!("{stem}.{}.{extension}", &digest[..12]),
                None => format!("{name}.{}", &digest[..12]),
            };
            assets.names.insert(name, published.clone());
            assets.files.insert(published, bytes);
        }
        assets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_name_changes_with_its_bytes_and_sources_stay_home() {
        let of = |css: &str| {
            Assets::new(BTreeMap::from([
                ("css/main.css".to_owned(), css.as_bytes().to_vec()),
                ("css/main.scss".to_owned(), Vec::new()),
                ("js/app/components/chart.js".to_owned(), Vec::new()),
            ]))
        };
        let (one, other) = (of("a{}"), of("b{}"));
        assert_eq!(one.names.len(), 1);
        assert_ne!(one.names["css/main.css"], other.names["css/main.css"]);
        let (stem, rest) = one.names["css/main.css"].split_once('.').unwrap();
        assert_eq!((stem, rest.len()), ("css/main", "0123456789ab.css".len()));
    }
}
