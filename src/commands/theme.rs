//! Templates and assets: the built-in ones, overlaid file by file by the user's folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rust_embed::RustEmbed;
use walkdir::WalkDir;

use crate::render::assets::Assets;

#[derive(RustEmbed)]
#[folder = "site-templates/"]
struct Templates;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct AssetFiles;

/// Templates and assets by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Theme {
    /// Texts by name, such as `pages/app.html`.
    pub templates: BTreeMap<String, String>,
    /// Bytes by name, such as `css/main.css`.
    pub asset_files: BTreeMap<String, Vec<u8>>,
    /// Whether a script is not the built-in one of its name.
    pub has_own_scripts: bool,
}

impl Theme {
    /// The built-in ones.
    pub fn built_in() -> Self {
        let templates = Templates::iter()
            .filter(|name| is_template(name))
            .filter_map(|name| {
                let text = String::from_utf8(Templates::get(&name)?.data.into_owned()).ok()?;
                Some((name.into_owned(), text))
            })
            .collect();
        let asset_files = AssetFiles::iter()
            .filter_map(|name| Some((name.to_string(), AssetFiles::get(&name)?.data.into_owned())))
            .collect();
        Self { templates, asset_files, has_own_scripts: false }
    }

    /// The built-in ones, overlaid by the files of two folders, each of which may be missing.
    pub fn load(templates: &Path, assets: &Path) -> anyhow::Result<Self> {
        let mut theme = Self::built_in();
        for (name, path) in files(templates)? {
            if is_template(&name) {
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read the template {}", path.display()))?;
                theme.templates.insert(name, text);
            }
        }
        for (name, path) in files(assets)? {
            if crate::render::assets::is_published(&name) {
                let bytes = std::fs::read(&path)
                    .with_context(|| format!("cannot read the asset {}", path.display()))?;
                let is_script = Path::new(&name).extension().is_some_and(|extension| extension == "js");
                theme.has_own_scripts |= is_script && theme.asset_files.get(&name) != Some(&bytes);
                theme.asset_files.insert(name, bytes);
            }
        }
        Ok(theme)
    }

    /// The assets under their published names.
    pub fn assets(&self) -> Assets {
        Assets::new(self.asset_files.clone())
    }
}

fn is_template(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "html" || extension == "md")
}

/// The files below a folder by their names with `/`; none if the folder is missing.
fn files(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
        if !entry.file_type().is_file() {
            continue;
        }
        let name =
            entry.path().strip_prefix(folder)?.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        files.push((name, entry.into_path()));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_is_not_the_built_in_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let has_own_scripts =
            || Theme::load(Path::new("no-templates"), folder.path()).unwrap().has_own_scripts;
        let save = |name: &str, bytes: &[u8]| {
            std::fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            std::fs::write(folder.path().join(name), bytes).unwrap();
        };
        let built_in = &Theme::built_in().asset_files["js/page.js"];
        save("css/main.css", b"body { color: red }");
        save("js/page.js", built_in);
        // A source, which is not published.
        save("js/page/main.js", b"mine");
        assert!(!has_own_scripts());
        save("js/page.js", b"mine");
        assert!(has_own_scripts());
        save("js/page.js", built_in);
        save("js/mine.js", b"");
        assert!(has_own_scripts());
    }
}
