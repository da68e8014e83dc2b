//! Settings: what the command line says, else the environment, else `peerpress.toml`, else the defaults.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::metrics::limits::{Limit, Limits};
use crate::privacy::Profile;
use crate::site::Downloads;
use crate::units::Zone;

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
        /// The line, from 1, if it is known.
        line: Option<usize>,
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
    /// A time zone that does not exist.
    #[error("report.time_zone = {value:?}: there is no such time zone\nhint: {hint}")]
    Zone {
        /// What was given.
        value: String,
        /// The nearest name, or where names come from.
        hint: String,
    },
}

impl ConfigError {
    /// The line of the file that it is about, from 1, if it is known.
    pub fn line(&self, text: &str) -> Option<usize> {
        let key = match self {
            Self::Unreadable { .. } => return None,
            Self::Invalid { line, .. } => return *line,
            Self::Unknown { key, .. } => key.as_str(),
            Self::Value { key, .. } => key,
            Self::Zone { .. } => "report.time_zone",
        };
        let (table, key) = key.rsplit_once('.').unwrap_or(("", key));
        let head = format!("[{table}]");
        let mut inside = table.is_empty();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with('[') {
                inside = line.starts_with(&head);
            } else if inside && line.split('=').next().is_some_and(|name| name.trim() == key) {
                return Some(at + 1);
            }
        }
        None
    }
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

/// A text, or a list of them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub enum OneOrMore {
    /// A text.
    One(String),
    /// A list.
    More(Vec<String>),
}

impl OneOrMore {
    /// The texts.
    pub fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::More(texts) => texts,
        }
    }
}

settings! {
    /// Where the calls are.
    database: DatabaseConfig {
        /// `postgres://user:password@host:port/name?sslmode=…`; a list of several databases with different calls makes one report.
        url: OneOrMore,
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
        /// The IANA time zone whose midnights part the days, weeks, months and years of the reports.
        time_zone: String,
    }
    /// Where trouble begins and ends: `{ raise, clear, least_s }`. With `raise` below `clear`, low values are bad.
    limits: LimitsConfig {
        /// Round trip time, ms.
        round_trip_time_ms: Limit,
        /// Interarrival jitter, ms.
        jitter_ms: Limit,
        /// Packet loss of a stream, ratio.
        loss: Limit,
        /// Audio score that warns, 1 to 5.
        audio_score: Limit,
        /// Audio score that is an error, 1 to 5.
        audio_score_poor: Limit,
        /// Video score, 1 to 5.
        video_score: Limit,
        /// Concealed but not silent samples, ratio.
        concealment: Limit,
        /// Samples inserted or removed, ratio.
        time_stretch: Limit,
        /// Share of time in which the picture stood still.
        freeze: Limit,
        /// Frames dropped of those received, ratio.
        frames_dropped: Limit,
        /// Decode or encode time of the time between two frames, ratio.
        codec_budget: Limit,
        /// Frames decoded of those received, ratio.
        frames_decoded: Limit,
        /// Share of time in which the sender was limited by its processor.
        cpu_limited: Limit,
        /// Share of time in which the sender was limited by bandwidth.
        bandwidth_limited: Limit,
        /// Picture loss indications per second.
        pli_rate: Limit,
        /// RMS level of a microphone, 0 to 1.
        microphone_level: Limit,
        /// Target of the jitter buffer while sound is stretched, ms.
        jitter_buffer_target_ms: Limit,
        /// Frame rate of the camera against its setting, ratio.
        capture: Limit,
        /// Frame rate of the encoder against its source, ratio.
        encoder: Limit,
        /// Set-up time, ms.
        setup_ms: Limit,
    }
    /// Which files to take away are made besides the static API.
    downloads: DownloadsConfig {
        /// Parquet of each conference and app.
        parquet: bool,
        /// A dump for viewers of webrtc-internals of each conference.
        webrtc_internals: bool,
        /// Fragments to embed, of each conference and app.
        embed: bool,
    }
    /// What of the data is shown.
    privacy: PrivacyConfig {
        /// `full`, `internal` or `public`.
        profile: Profile,
        /// The secret of the pseudonyms of `public`.
        key_file: PathBuf,
        /// Days that visits are kept, in the snapshot and the site.
        retention_days: u32,
    }
    /// How the build works.
    build: BuildConfig {
        /// Threads that render; 0 for one per core.
        threads: usize,
        /// Texts compressed beside themselves.
        precompress: bool,
        /// Whether the site is sealed under a passphrase.
        encrypt: bool,
        /// The file with the passphrase.
        passphrase_file: PathBuf,
        /// The secret key by which the site is signed.
        sign: PathBuf,
    }
    /// The file server.
    serve: ServeConfig {
        /// The address to listen on.
        host: std::net::IpAddr,
        /// The port to listen on; the next free one is taken.
        port: u16,
        /// Who has to log in: `name:file` each, the file with the hash of the password.
        auth: Vec<String>,
        /// Names under which others reach the server, besides addresses and `localhost`.
        host_names: Vec<String>,
    }
}

impl DownloadsConfig {
    /// What is made: what is not named is.
    pub fn in_force(&self) -> Downloads {
        let usual = Downloads::default();
        Downloads {
            parquet: self.parquet.unwrap_or(usual.parquet),
            webrtc_internals: self.webrtc_internals.unwrap_or(usual.webrtc_internals),
            embed: self.embed.unwrap_or(usual.embed),
        }
    }
}

impl LimitsConfig {
    /// The limits in force: the given ones, else the defaults.
    pub fn in_force(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            round_trip_time_ms: self.round_trip_time_ms.unwrap_or(usual.round_trip_time_ms),
            jitter_ms: self.jitter_ms.unwrap_or(usual.jitter_ms),
            loss: self.loss.unwrap_or(usual.loss),
            audio_score: self.audio_score.unwrap_or(usual.audio_score),
            audio_score_poor: self.audio_score_poor.unwrap_or(usual.audio_score_poor),
            video_score: self.video_score.unwrap_or(usual.video_score),
            concealment: self.concealment.unwrap_or(usual.concealment),
            time_stretch: self.time_stretch.unwrap_or(usual.time_stretch),
            freeze: self.freeze.unwrap_or(usual.freeze),
            frames_dropped: self.frames_dropped.unwrap_or(usual.frames_dropped),
            codec_budget: self.codec_budget.unwrap_or(usual.codec_budget),
            frames_decoded: self.frames_decoded.unwrap_or(usual.frames_decoded),
            cpu_limited: self.cpu_limited.unwrap_or(usual.cpu_limited),
            bandwidth_limited: self.bandwidth_limited.unwrap_or(usual.bandwidth_limited),
            pli_rate: self.pli_rate.unwrap_or(usual.pli_rate),
            microphone_level: self.microphone_level.unwrap_or(usual.microphone_level),
            jitter_buffer_target_ms: self.jitter_buffer_target_ms.unwrap_or(usual.jitter_buffer_target_ms),
            capture: self.capture.unwrap_or(usual.capture),
            encoder: self.encoder.unwrap_or(usual.encoder),
            setup_ms: self.setup_ms.unwrap_or(usual.setup_ms),
        }
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
        let invalid = |error: toml::de::Error| ConfigError::Invalid {
            path: path.to_owned(),
            problem: error.to_string(),
            line: error.span().and_then(|span| Some(text.get(..span.start)?.matches('\n').count() + 1)),
        };
        let table: toml::Table = text.parse().map_err(invalid)?;
        for (name, value) in &table {
            let keys =
                value.as_table().map(|table| table.keys().map(|key| format!("{name}.{key}")).collect());
            for key in keys.unwrap_or_else(|| vec![name.clone()]) {
                if !KEYS.contains(&key.as_str()) {
                    return Err(ConfigError::Unknown { path: path.to_owned(), hint: nearest(&key), key });
                }
            }
        }
        let config: Self = toml::from_str(text).map_err(invalid)?;
        if let Some(gap) = config.report.call_gap_minutes.filter(|gap| !gap.is_finite() || *gap <= 0.0) {
            return Err(ConfigError::Value {
                key: "report.call_gap_minutes",
                value: gap.to_string(),
                problem: "it must be more than 0",
            });
        }
        if let Some(days) = config.privacy.retention_days.filter(|days| !(1..=36_500).contains(days)) {
            return Err(ConfigError::Value {
                key: "privacy.retention_days",
                value: days.to_string(),
                problem: "it must be from 1 to 36500",
            });
        }
        if let Some(name) = config.report.time_zone.as_ref().filter(|name| Zone::parse(name).is_none()) {
            return Err(ConfigError::Zone { value: name.clone(), hint: nearest_zone(name) });
        }
        let limits = config.limits.in_force();
        let all = [
            ("limits.round_trip_time_ms", limits.round_trip_time_ms),
            ("limits.jitter_ms", limits.jitter_ms),
            ("limits.loss", limits.loss),
            ("limits.audio_score", limits.audio_score),
            ("limits.audio_score_poor", limits.audio_score_poor),
            ("limits.video_score", limits.video_score),
            ("limits.concealment", limits.concealment),
            ("limits.time_stretch", limits.time_stretch),
            ("limits.freeze", limits.freeze),
            ("limits.frames_dropped", limits.frames_dropped),
            ("limits.codec_budget", limits.codec_budget),
            ("limits.frames_decoded", limits.frames_decoded),
            ("limits.cpu_limited", limits.cpu_limited),
            ("limits.bandwidth_limited", limits.bandwidth_limited),
            ("limits.pli_rate", limits.pli_rate),
            ("limits.microphone_level", limits.microphone_level),
            ("limits.jitter_buffer_target_ms", limits.jitter_buffer_target_ms),
            ("limits.capture", limits.capture),
            ("limits.encoder", limits.encoder),
            ("limits.setup_ms", limits.setup_ms),
        ];
        for (key, limit) in all {
            if ![limit.raise, limit.clear, limit.least_s].iter().all(|value| value.is_finite())
                || limit.least_s < 0.0
            {
                return Err(ConfigError::Value {
                    key,
                    value: format!("{limit:?}"),
                    problem: "raise, clear and least_s must be finite, least_s not negative",
                });
            }
        }
        Ok(config)
    }
}

fn nearest_zone(name: &str) -> String {
    let lower = name.to_lowercase();
    let by_distance = Zone::names()
        .into_iter()
        .map(|known| (strsim::osa_distance(&lower, &known.to_lowercase()), known))
        .min();
    match by_distance {
        Some((distance, known)) if distance <= 4 => format!("did you mean {known}?"),
        _ => "names are those of the IANA database, such as Europe/Berlin or America/New_York".to_owned(),
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
    fn a_time_zone_that_does_not_exist_names_the_nearest_one() {
        let zone = |name: &str| parse(&format!("[report]\ntime_zone = {name:?}"));
        assert!(zone("Pacific/Auckland").is_ok());
        let error = zone("Europe/Berln").unwrap_err().to_string();
        assert!(
            error.contains("\"Europe/Berln\"") && error.contains("did you mean Europe/Berlin?"),
            "{error}"
        );
        assert!(zone("my place").unwrap_err().to_string().contains("IANA"));
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
