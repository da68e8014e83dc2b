//! The tracks of a conference over time: when each came, was muted and ended, from the events of tracks.

use std::collections::BTreeMap;

use super::streams::{Direction, Kind};
use crate::ids::{ConnectionId, ParticipantId, SessionId, TrackId};
use crate::snapshot::{Dossier, EventRow, Json, TrackRow};
use crate::units::Timestamp;

/// One track.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Track {
    /// The row's id.
    pub id: TrackId,
    /// The browser's id of it.
    pub browser_id: String,
    /// Audio or video; none for a code that is not known.
    pub kind: Option<Kind>,
    /// Received or sent; likewise.
    pub direction: Option<Direction>,
    /// The device's name, of what is sent.
    pub label: Option<String>,
    /// Whose.
    pub participant: Option<ParticipantId>,
    /// Its session.
    pub session: SessionId,
    /// Its connection, if it is known.
    pub connection: Option<ConnectionId>,
    /// When its first event came, else when its row was made.
    pub from: Timestamp,
    /// Stretches in which it was muted; open at the end if nobody said otherwise.
    pub mutes: Vec<(Timestamp, Option<Timestamp>)>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What the browser said the device was set to: width, height, frame rate, echo cancellation …
    pub settings: Vec<(String, String)>,
    /// Whether it is of a screen, a window or a tab: such pictures stand still, and come slowly, on purpose.
    pub is_screen: bool,
}

impl Track {
    /// Whether it was muted or over at any time between two instants.
    pub fn was_silent(&self, from: Timestamp, to: Timestamp) -> bool {
        self.ended.is_some_and(|ended| ended < to)
            || self.mutes.iter().any(|(start, end)| *start < to && end.is_none_or(|end| end > from))
    }
}

/// The tracks of a conference, by first sight.
pub fn tracks(dossier: &Dossier) -> Vec<Track> {
    let mut events: BTreeMap<TrackId, Vec<&EventRow>> = BTreeMap::new();
    for event in &dossier.events {
        if let Some(track) = event.track_id {
            events.entry(track).or_default().push(event);
        }
    }
    let people: BTreeMap<SessionId, ParticipantId> =
        dossier.sessions.iter().map(|session| (session.id, session.participant_id)).collect();
    let mut tracks: Vec<Track> = dossier
        .tracks
        .iter()
        .map(|row| {
            let own = events.get(&row.id).map(Vec::as_slice).unwrap_or_default();
            let mut mutes: Vec<(Timestamp, Option<Timestamp>)> = Vec::new();
            let mut ended = None;
            for event in own {
                match event.r#type.as_str() {
                    "mute" if mutes.last().is_none_or(|(_, end)| end.is_some()) => {
                        mutes.push((event.created_at, None));
                    }
                    "unmute" => {
                        if let Some((_, end @ None)) = mutes.last_mut() {
                            *end = Some(event.created_at);
                        }
                    }
                    "ended" => ended = ended.or(Some(event.created_at)),
                    _ => {}
                }
            }
            Track {
                id: row.id,
                browser_id: row.track_id.clone(),
                kind: match row.kind.as_str() {
                    "a" => Some(Kind::Audio),
                    "v" => Some(Kind::Video),
                    _ => None,
                },
                direction: match row.direction.as_str() {
                    "i" => Some(Direction::Inbound),
                    "o" => Some(Direction::Outbound),
                    _ => None,
                },
                label: row.label.clone().filter(|label| !label.trim().is_empty()),
                participant: people.get(&row.session_id).copied(),
                session: row.session_id,
                connection: row.connection_id,
                from: own.first().map_or(row.created_at, |event| event.created_at),
                mutes,
                ended,
                settings: settings(row.track_info.as_ref()),
                is_screen: is_screen(row),
            }
        })
        .collect();
    tracks.sort_by_key(|track| (track.from, track.id));
    tracks
}

/// By what getDisplayMedia sets (Screen Capture), by the app's hint (MST Content Hints), or by Chromium's names of such tracks.
fn is_screen(row: &TrackRow) -> bool {
    let label = row.label.as_deref().unwrap_or_default();
    if ["screen:", "window:", "web-contents-media-stream:"].iter().any(|start| label.starts_with(start)) {
        return true;
    }
    let Some(info) = row.track_info.as_ref().and_then(Json::parse) else { return false };
    let surface = info.pointer("/settings/displaySurface").is_some_and(serde_json::Value::is_string);
    let hint = info.get("contentHint").and_then(serde_json::Value::as_str);
    surface || matches!(hint, Some("detail" | "text"))
}

/// The settings that say something about what others saw and heard; ids of devices are left out.
fn settings(info: Option<&Json>) -> Vec<(String, String)> {
    let Some(info) = info.and_then(Json::parse) else { return Vec::new() };
    let Some(settings) = info.get("settings").and_then(serde_json::Value::as_object) else {
        return Vec::new();
    };
    let shown = |name: &str| {
        let value = settings.get(name)?;
        let text = match value {
            serde_json::Value::Number(number) => number.as_f64().map(|number| {
                let text = format!("{number:.2}");
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            })?,
            serde_json::Value::Bool(on) => (if *on { "on" } else { "off" }).to_owned(),
            serde_json::Value::String(text) => text.chars().take(64).collect(),
            _ => return None,
        };
        Some((name.to_owned(), text))
    };
    [
        "width",
        "height",
        "frameRate",
        "facingMode",
        "resizeMode",
        "displaySurface",
        "sampleRate",
        "channelCount",
        "latency",
        "echoCancellation",
        "noiseSuppression",
        "autoGainControl",
    ]
    .into_iter()
    .filter_map(shown)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_screen_is_told_by_its_surface_its_hint_or_its_name() {
        let track = |label: Option<&str>, info: &str| TrackRow {
            kind: "v".to_owned(),
            label: label.map(str::to_owned),
            track_info: Some(Json(info.to_owned())),
            ..TrackRow::default()
        };
        assert!(is_screen(&track(None, r#"{"settings":{"displaySurface":"window"}}"#)));
        assert!(is_screen(&track(None, r#"{"contentHint":"text"}"#)));
        assert!(is_screen(&track(Some("screen:0:0"), "null")));
        assert!(!is_screen(&track(
            Some("HD Webcam"),
            r#"{"contentHint":"motion","settings":{"width":640}}"#
        )));
    }

    #[test]
    fn a_track_is_muted_until_it_is_unmuted() {
        let id = TrackId(Uuid::from_u128(7));
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let event = |second, r#type: &str| EventRow {
            r#type: r#type.to_owned(),
            track_id: Some(id),
            created_at: at(second),
            ..EventRow::default()
        };
        let events = [
            (1, "ontrack"),
            (2, "unmute"),
            (5, "mute"),
            (6, "mute"),
            (9, "unmute"),
            (12, "mute"),
            (15, "ended"),
        ];
        let dossier = Dossier {
            tracks: vec![TrackRow {
                id,
                kind: "v".to_owned(),
                direction: "i".to_owned(),
                track_info: Some(Json(
                    r#"{"settings":{"width":640,"frameRate":29.97,"deviceId":"x"}}"#.to_owned(),
                )),
                ..TrackRow::default()
            }],
            events: events.map(|(second, name)| event(second, name)).to_vec(),
            ..Dossier::default()
        };
        let track = &tracks(&dossier)[0];
        assert_eq!(track.mutes, [(at(5), Some(at(9))), (at(12), None)]);
        assert_eq!((track.from, track.ended), (at(1), Some(at(15))));
        assert_eq!((track.was_silent(at(3), at(5)), track.was_silent(at(3), at(6))), (false, true));
        let settings = [("width", "640"), ("frameRate", "29.97")];
        assert_eq!(track.settings, settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
