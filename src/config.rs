//! Settings: what the command line says, else the environment, else `peerpress.toml`, else the defaults.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The name of the file, looked for in the working folder.
pub const FILE: &str = "peerpress.toml";

/// Why settings cannot be used. The program ends with exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or cannot be read.
    #[error("cannot read {}: {source}\nhint: give another file with --config", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or a value is of the wrong type.
    #[error("{}: {problem}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// A key that does not exist.
    #[error("{}: there is no setting {key}\nhint: {hint}", .path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The key, with its table.
        key: String,
        /// The nearest one, or where to look.
        hint: String,
    },
    /// A value that makes no sense.
    #[error("{key} = {value}: {problem}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is wrong.
        problem: &'static str,
    },
}

macro_rules! settings {
    ($($(#[$table_doc:meta])* $table:ident: $type:ident { $($(#[$doc:meta])* $key:ident: $value:ty,)* })*) => {
        /// All settings of the file; what is not given is `None`.
        #[derive(Debug, Clone, Default, PartialEq, Deserialize)]
        #[serde(default)]
        pub struct Config {
            $($(#[$table_doc])* pub $table: $type,)*
        }

        $(
            $(#[$table_doc])*
            #[derive(Debug, Clone, Default, PartialEq, Deserialize)]
            #[serde(default)]
            pub struct $type {
                $($(#[$doc])* pub $key: Option<$value>,)*
            }
        )*

        /// All keys, as `table.key`.
        pub const KEYS: &[&str] = &[$($(concat!(stringify!($table), ".", stringify!($key)),)*)*];
    };
}

settings! {
    /// Where the calls are.
    database: DatabaseConfig {
        /// `postgres://user:password@host:port/name?sslmode=…`.
        url: String,
        /// Connections that read at the same time.
        connections: usize,
        /// Seconds that one statement may take; 0 for no limit.
        statement_timeout: u64,
        /// Seconds that a statement may wait for a lock; 0 for no limit.
        lock_timeout: u64,
    }
    /// Which folders are used.
    folders: FoldersConfig {
        /// The site.
        output: PathBuf,
        /// Manifest, journal and staging; on the same file system as the site.
        state: PathBuf,
        /// The snapshot.
        snapshot: PathBuf,
        /// Templates that take the place of the built-in ones of the same name.
        templates: PathBuf,
        /// Assets, likewise.
        assets: PathBuf,
    }
    /// What the report says.
    report: ReportConfig {
        /// Minutes without anybody that end a call.
        call_gap_minutes: f64,
        /// Absolute URL of the published site; with it, `sitemap.xml` is written.
        base_url: String,
    }
    /// How the build works.
    build: BuildConfig {
        /// Threads that render; 0 for one per core.
        threads: usize,
    }
    /// The file server.
    serve: ServeConfig {
        /// The address to listen on.
        host: std::net::IpAddr,
        /// The port to listen on; the next free one is taken.
        port: u16,
    }
}

impl Config {
    /// Reads the file: the given one, else `peerpress.toml` in the working folder if there is one.
    pub fn load(explicit: Option<&Path>) -> Result<Self, ConfigError> {
        let path = explicit.unwrap_or(Path::new(FILE));
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && explicit.is_none() => {
                Ok(Self::default())
            }
            Err(source) => Err(ConfigError::Unreadable { path: path.to_owned(), source }),
        }
    }

    /// Reads the file's text; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let invalid = |problem: String| ConfigError::Invalid { path: path.to_owned(), problem };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| invalid(error.to_string()))?;
        for (name, value) in &table {
            let keys =
                value.as_table().map(|table| table.keys().map(|key| format!("{name}.{key}")).collect());
            for key in keys.unwrap_or_else(|| vec![name.clone()]) {
                if !KEYS.contains(&key.as_str()) {
                    return Err(ConfigError::Unknown { path: path.to_owned(), hint: nearest(&key), key });
                }
            }
        }
        let config: Self = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
        if let Some(gap) = config.report.call_gap_minutes.filter(|gap| !gap.is_finite() || *gap <= 0.0) {
            return Err(ConfigError::Value {
                key: "report.call_gap_minutes",
                value: gap.to_string(),
                problem: "it must be more than 0",
            });
        }
        Ok(config)
    }
}

fn nearest(key: &str) -> String {
    let by_distance = KEYS.iter().map(|known| (strsim::osa_distance(key, known), *known)).min();
    match by_distance {
        Some((distance, known)) if distance <= 4 => format!("did you mean {known}?"),
        _ => "peerpress.example.toml has them all".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("peerpress.toml"))
    }

    #[test]
    fn an_unknown_key_names_the_nearest_one() {
        let error = parse("[folders]\noutptu = \"x\"").unwrap_err().to_string();
        assert!(error.contains("folders.outptu") && error.contains("folders.output"), "{error}");
        let error = parse("colour = 3").unwrap_err().to_string();
        assert!(error.contains("peerpress.example.toml"), "{error}");
    }

    #[test]
    fn a_value_of_the_wrong_type_or_without_sense_is_refused() {
        assert!(matches!(parse("[serve]\nport = \"high\""), Err(ConfigError::Invalid { .. })));
        assert!(matches!(parse("[report]\ncall_gap_minutes = 0.0"), Err(ConfigError::Value { .. })));
        assert!(matches!(parse("[serve"), Err(ConfigError::Invalid { .. })));
    }

    #[test]
    fn the_example_has_every_key_and_nothing_else() {
        let example = include_str!("../peerpress.example.toml");
        let active: String = example
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
            .fold(String::new(), |text, line| text + line + "\n");
        parse(&active).unwrap();
        let table: toml::Table = active.parse().unwrap();
        let keys: std::collections::BTreeSet<String> = table
            .iter()
            .flat_map(|(name, table)| {
                table.as_table().unwrap().keys().map(move |key| format!("{name}.{key}"))
            })
            .collect();
        assert_eq!(keys, KEYS.iter().map(|key| (*key).to_owned()).collect());
    }
}
