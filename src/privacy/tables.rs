//! What each profile does with each column and JSON member, as data: for the documentation, and for the tests that hold it
//! against what is done.

use std::fmt::Write as _;

use super::public::{self, Keep};
use crate::snapshot::{
    AppRow, Column, ConferenceRow, ConnectionRow, EventRow, IssueRow, OrganizationRow, ParticipantRow, Row,
    SampleRow, SessionRow, TrackRow,
};

/// What is done with a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Shown,
    /// Shown, with addresses truncated and credentials withheld.
    Scrubbed,
    /// A pseudonym.
    Pseudonym,
    /// Only what has a known form.
    Kept(Keep),
    /// JSON of which only the listed members are left.
    Members,
    /// JSON with one listed member or none.
    Withheld,
    /// Only that it is of a screen.
    Screen,
}

impl Effect {
    fn meaning(self) -> String {
        match self {
            Self::Shown => "shown".to_owned(),
            Self::Scrubbed => "changed: addresses truncated, credentials withheld".to_owned(),
            Self::Pseudonym => "changed to a pseudonym".to_owned(),
            Self::Kept(keep) => keep.meaning(),
            Self::Members => "changed: only the members listed below".to_owned(),
            Self::Withheld => "withheld".to_owned(),
            Self::Screen => {
                "withheld, but for `screen:`, `window:` or `web-contents-media-stream:` at its beginning"
                    .to_owned()
            }
        }
    }
}

/// What `internal` and `public` do with a column.
fn effects(table: &str, column: &Column) -> (Effect, Effect) {
    use Effect::{Kept, Members, Pseudonym, Screen, Scrubbed, Shown, Withheld};
    let name = format!("{table}.{}", column.name.trim_start_matches("r#"));
    let word = |words| (Scrubbed, Kept(Keep::Word(words)));
    match (name.as_str(), column.kind) {
        ("samples.ssrc", _) | (_, "uuid" | "uuid[]") => (Shown, Pseudonym),
        (
            "organizations.name"
            | "apps.name"
            | "participants.participant_id"
            | "participants.participant_name"
            | "conferences.conference_id"
            | "conferences.conference_name"
            | "tracks.track_id"
            | "samples.id"
            | "samples.local_id"
            | "samples.track_identifier",
            _,
        ) => (Scrubbed, Pseudonym),
        ("tracks.label", _) => (Scrubbed, Screen),
        (
            "apps.domain"
            | "samples.local_address"
            | "samples.remote_address"
            | "conferences.conference_info"
            | "sessions.devices"
            | "sessions.metadata"
            | "sessions.session_info",
            _,
        ) => (Scrubbed, Withheld),
        (_, "json") => (Scrubbed, Members),
        ("sessions.app_version", _) => (Shown, Kept(Keep::Short)),
        ("sessions.webrtc_sdk", _) => word(public::SDKS),
        ("connections.type", _) => word(&["h", "s", "p", "r"]),
        ("connections.state", _) => word(public::CONNECTION_STATES),
        ("conferences.summary_status", _) => (Shown, Kept(Keep::Word(&["o", "d", "e"]))),
        ("tracks.kind", _) => (Shown, Kept(Keep::Word(&["a", "v"]))),
        ("tracks.direction", _) => (Shown, Kept(Keep::Word(&["i", "o"]))),
        ("issues.type", _) => (Shown, Kept(Keep::Word(&["e", "w"]))),
        ("issues.code", _) => word(public::ISSUES),
        ("events.type", _) => word(public::EVENTS),
        ("events.category", _) => (Shown, Kept(Keep::Word(&["B", "M", "C", "T", "S"]))),
        ("samples.report", _) => word(public::REPORTS),
        ("samples.kind" | "samples.media_type", _) => word(public::KINDS),
        ("samples.mid", _) => (Scrubbed, Kept(Keep::Mid)),
        ("samples.mime_type" | "samples.encoder_implementation" | "samples.decoder_implementation", _) => {
            (Scrubbed, Kept(Keep::Short))
        }
        ("samples.quality_limitation_reason", _) => word(public::REASONS),
        ("samples.state", _) => word(public::PAIR_STATES),
        ("samples.local_candidate_type" | "samples.remote_candidate_type", _) => {
            word(public::CANDIDATE_TYPES)
        }
        ("samples.local_protocol" | "samples.remote_protocol", _) => word(public::PROTOCOLS),
        ("samples.local_relay_protocol", _) => word(public::RELAY_PROTOCOLS),
        ("samples.local_network_type", _) => word(public::NETWORKS),
        _ => (Shown, Shown),
    }
}

fn table<R: Row>(out: &mut String) {
    let _ = write!(out, "### `{}`\n\n| column | internal | public |\n| --- | --- | --- |\n", R::TABLE);
    for column in R::columns() {
        let (internal, public) = effects(R::TABLE, &column);
        let name = column.name.trim_start_matches("r#");
        let _ = writeln!(out, "| `{name}` | {} | {} |", internal.meaning(), public.meaning());
    }
    out.push('\n');
}

/// The tables of the documentation, as Markdown.
pub fn tables() -> String {
    let mut out = String::new();
    table::<OrganizationRow>(&mut out);
    table::<AppRow>(&mut out);
    table::<ParticipantRow>(&mut out);
    table::<ConferenceRow>(&mut out);
    table::<SessionRow>(&mut out);
    table::<ConnectionRow>(&mut out);
    table::<TrackRow>(&mut out);
    table::<IssueRow>(&mut out);
    table::<EventRow>(&mut out);
    table::<SampleRow>(&mut out);
    out.push_str("### Members of JSON in `public`\n\n| column | member | public |\n| --- | --- | --- |\n");
    for (column, rules) in public::COLUMNS {
        if rules.is_empty() {
            let _ = writeln!(out, "| `{column}` | any | withheld |");
        }
        for (path, keep) in *rules {
            let path = if path.is_empty() { "the value itself".to_owned() } else { format!("`{path}`") };
            let _ = writeln!(out, "| `{column}` | {path} | {} |", keep.meaning());
        }
    }
    let _ = writeln!(out, "\n`*` stands for each of the numbers {}.", public::stats_names());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::{Hidden, Key, Privacy, Scrub};
    use serde::{Serialize, de::DeserializeOwned};
    use serde_json::{Map, Value, json};

    /// A text that every rule has to say something about: an address, a credential, and a word that nobody knows.
    const MARK: &str = "Mark é 192.0.2.77 a=ice-pwd:hunter2 ";
    const ID: &str = "6f1c0f5e-0000-4000-8000-00000000000";

    /// A row with a mark in every text, another id in every id, and JSON with members that nobody knows.
    fn marked<R: Row + Default + Serialize>() -> Map<String, Value> {
        let Value::Object(mut row) = serde_json::to_value(R::default()).unwrap() else { panic!("no row") };
        for (at, column) in R::columns().iter().enumerate() {
            let name = column.name.trim_start_matches("r#");
            let value = match column.kind {
                "text" => json!(format!("{MARK}{name}")),
                "uuid" => json!(format!("{ID}{:x}", at % 16)),
                "uuid[]" => json!([format!("{ID}{:x}", at % 16)]),
                "json" => {
                    json!(json!({"unknown": format!("{MARK}{name}"), "deep": [{"at": MARK}]}).to_string())
                }
                "integer" => json!(4711),
                "number" => json!(47.5),
                "boolean" => json!(true),
                "timestamp" => json!(1_763_467_200_000_000_i64),
                other => panic!("a kind of column that the test does not know: {other}"),
            };
            assert!(row.insert(name.to_owned(), value).is_some(), "{name}");
        }
        row
    }

    fn hidden<R: Hidden + Serialize + DeserializeOwned>(
        row: &Map<String, Value>,
        privacy: &Privacy,
    ) -> Value {
        let mut row: R = serde_json::from_value(Value::Object(row.clone())).unwrap();
        row.hide(&mut Scrub::new(privacy));
        serde_json::to_value(row).unwrap()
    }

    /// Whether what was done to a value is what the table says.
    fn is_so(effect: Effect, before: &Value, after: &Value) -> bool {
        let text = after.to_string();
        let clean = !text.contains("2.77") && !text.contains("hunter2");
        match effect {
            Effect::Shown => before == after,
            Effect::Scrubbed => {
                clean
                    && text.contains("192.0.2.0")
                    && text.contains("Mark")
                    && text.contains("ice-pwd:(withheld)")
            }
            Effect::Pseudonym | Effect::Kept(Keep::Mid) => {
                clean
                    && before != after
                    && !text.contains("Mark")
                    && !text.contains("6f1c0f5e")
                    && !matches!(text.as_str(), "null" | "\"\"" | "[]")
            }
            Effect::Kept(_) | Effect::Withheld | Effect::Screen => {
                clean && matches!(text.as_str(), "null" | "\"\"" | "\"{}\"" | "\"unknown\"")
            }
            Effect::Members => clean && text == "\"{}\"",
        }
    }

    fn check<R: Hidden + Default + Serialize + DeserializeOwned>() {
        let key = Key::from_text("0123456789abcdef").unwrap();
        let before = marked::<R>();
        let full = hidden::<R>(&before, &Privacy::Full);
        let internal = hidden::<R>(&before, &Privacy::Internal);
        let public = hidden::<R>(&before, &Privacy::Public(key));
        for column in R::columns() {
            let name = column.name.trim_start_matches("r#");
            let (of_internal, of_public) = effects(R::TABLE, &column);
            for (profile, effect, after) in [
                ("full", Effect::Shown, &full),
                ("internal", of_internal, &internal),
                ("public", of_public, &public),
            ] {
                assert!(
                    is_so(effect, &full[name], &after[name]),
                    "{profile} {}.{name} is not {effect:?}: {} became {}",
                    R::TABLE,
                    full[name],
                    after[name]
                );
            }
        }
    }

    #[test]
    fn what_is_done_with_each_column_is_what_the_tables_say() {
        check::<OrganizationRow>();
        check::<AppRow>();
        check::<ParticipantRow>();
        check::<ConferenceRow>();
        check::<SessionRow>();
        check::<ConnectionRow>();
        check::<TrackRow>();
        check::<IssueRow>();
        check::<EventRow>();
        check::<SampleRow>();
    }

    #[test]
    fn the_documentation_has_these_tables() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/privacy.md");
        let text = std::fs::read_to_string(path).unwrap();
        let marker = "<!-- Written by the program: what follows is tested against it. -->\n";
        let (before, after) = text.split_once(marker).unwrap();
        let expected = format!("\n{}", tables());
        if std::env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite") {
            std::fs::write(path, format!("{before}{marker}{expected}")).unwrap();
        } else {
            assert!(
                after == expected,
                "docs/privacy.md is not what the program does; SNAPSHOTS=overwrite writes it"
            );
        }
    }
}
