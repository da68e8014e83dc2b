//! What each profile does with each column of the snapshot's tables.

use uuid::Uuid;

use super::internal;
use super::public::{self, Keep};
use super::{Privacy, Scrub, name_of};
use crate::ids::{ConferenceId, ParticipantId};
use crate::snapshot::{
    AppRow, ConferenceRow, ConnectionRow, EventRow, IssueRow, Json, OrganizationRow, ParticipantRow, Row,
    SampleRow, SessionRow, TrackRow,
};
use crate::units::Timestamp;

/// A row of which a profile hides something.
pub trait Hidden: Row {
    /// Leaves what the profile shows.
    fn hide(&mut self, scrub: &mut Scrub<'_>);
}

/// A row of a conference.
pub trait OfConference: Hidden {
    /// Its conference.
    fn conference(&self) -> ConferenceId;
    /// Where it stands among those of its conference: by time, then by id. Samples of one event stand at the same place.
    fn order(&self) -> (Timestamp, Uuid);
    /// Whether it is of people who are known; where it only mentions others, these are taken out.
    fn is_among(&mut self, known: &dyn Fn(ParticipantId) -> bool) -> bool;
}

impl Scrub<'_> {
    fn id<T: Copy + From<Uuid> + Into<Uuid>>(&mut self, kind: &str, id: &mut T) {
        if let Some((key, _)) = self.public() {
            *id = key.uuid(kind, (*id).into()).into();
        }
    }

    fn maybe_id<T: Copy + From<Uuid> + Into<Uuid>>(&mut self, kind: &str, id: &mut Option<T>) {
        if let Some(id) = id {
            self.id(kind, id);
        }
    }

    /// A free text: without addresses and credentials; in public, by a rule.
    fn text(&mut self, text: &mut String, keep: Option<Keep>) {
        match self.privacy {
            Privacy::Full => {}
            Privacy::Internal => {
                if let std::borrow::Cow::Owned(shown) = internal::text(text, &mut self.fragments) {
                    *text = shown;
                }
            }
            Privacy::Public(key) => {
                *text = keep
                    .and_then(|keep| public::text(text, keep, key, &mut self.fragments))
                    .unwrap_or_default();
            }
        }
    }

    fn maybe_text(&mut self, text: &mut Option<String>, keep: Option<Keep>) {
        match self.privacy {
            Privacy::Full => {}
            Privacy::Internal => {
                if let Some(text) = text {
                    self.text(text, keep);
                }
            }
            Privacy::Public(key) => {
                *text = text.as_deref().and_then(|text| public::text(text, keep?, key, &mut self.fragments));
            }
        }
    }

    /// A word of the service's own: only public sites look at it.
    fn word(&mut self, text: &mut String, words: &'static [&'static str], else_: &str) {
        if self.public().is_some() && !words.contains(&text.as_str()) {
            else_.clone_into(text);
        }
    }

    /// JSON of a column; of an event, with its type. What is no JSON is withheld, and an empty text says so to the report.
    fn json(&mut self, json: &mut Option<Json>, column: &str, event: Option<&str>) {
        let Some(Json(text)) = json else { return };
        let shown = match self.privacy {
            Privacy::Full => return,
            Privacy::Internal => {
                let has_versions = column == "sessions.platform";
                match internal::json(text, &mut self.fragments, has_versions) {
                    Ok(std::borrow::Cow::Borrowed(_)) => return,
                    Ok(std::borrow::Cow::Owned(shown)) => Ok(shown),
                    Err(invalid) => Err(invalid),
                }
            }
            Privacy::Public(key) => {
                public::json(text, public::rules_of(column, event), key, &mut self.fragments)
            }
        };
        *text = shown.unwrap_or_default();
    }

    /// The names of something that has a pseudonym.
    fn names<const N: usize>(&mut self, kind: &str, id: Uuid, names: [&mut Option<String>; N]) {
        let pseudonym = self.public().is_some().then(|| name_of(kind, id));
        for name in names {
            match (&pseudonym, &name) {
                (Some(pseudonym), Some(_)) => *name = Some(pseudonym.clone()),
                _ => self.maybe_text(name, None),
            }
        }
    }

    fn name(&mut self, kind: &str, id: Uuid, name: &mut String) {
        let mut given = Some(std::mem::take(name));
        self.names(kind, id, [&mut given]);
        *name = given.unwrap_or_default();
    }
}

/// Small codes of the service.
const SIDES: &[&str] = &["h", "s", "p", "r"];
const TRACK_KINDS: &[&str] = &["a", "v"];
const DIRECTIONS: &[&str] = &["i", "o"];
const SEVERITIES: &[&str] = &["e", "w"];
const CATEGORIES: &[&str] = &["B", "M", "C", "T", "S"];
const STATUSES: &[&str] = &["o", "d", "e"];

impl Hidden for OrganizationRow {
    fn hide(&mut self, scrub: &mut Scrub<'_>) {
        let Self { id, name, created_at: _ } = self;
        scrub.id("organization", id);
        scrub.name("organization", id.0, name);
    }
}

impl Hidden for AppRow {
    fn hide(&mut self, scrub: &mut Scrub<'_>) {
        let Self {
            id,
            name,
            domain,
            interval: _,
            recording: _,
            durations_days,
            created_at: _,
            organization_id,
        } = self;
        scrub.id("app", id);
        scrub.id("organization", organization_id);
        scrub.name("app", id.0, name);
        scrub.maybe_text(domain, None);
        scrub.json(durations_days, "apps.durations_days", None);
    }
}

impl Hidden for ParticipantRow {
    fn hide(&mut self, scrub: &mut Scrub<'_>) {
        let Self { id, participant_id, participant_name, is_sfu: _, created_at: _, is_active: _, app_id } =
            self;
        scrub.id("participant", id);
        scrub.id("app", app_id);
        scrub.names("participant", id.0, [participant_id, participant_name]);
    }
}

impl Hidden for ConferenceRow {
    fn hide(&mut self, scrub: &mut Scrub<'_>) {
        let Self {
            id,
            conference_id,
            conference_name,
            conference_info,
            start_time: _,
            call_start: _,
            end_time: _,
            ongoing: _,
            duration: _,
            created_at: _,
            app_id,
            participants,
            summary_status,
            summary_version: _,
            summary_end_time: _,
            summary_data,
        } = self;
        scrub.id("room", id);
        scrub.id("app", app_id);
        scrub.name("room", id.0, conference_id);
        scrub.names("room", id.0, [conference_name]);
        scrub.json(conference_info, "conferences.conference_info", None);
        for participant in participants {
            scrub.id("participant", participant);
        }
        if let Some(status) = summary_status {
            scrub.word(status, STATUSES, "");
        }
        scrub.json(summary_data, "conferences.summary_data", None);
    }
}

impl Hidden for SessionRow {
    fn hide(&mut self, scrub: &mut Scrub<'_>) {
        let Self {
            id,
            devices,
            platform,
            metadata,
            geo_ip,
            app_version,
            webrtc_sdk,
            session_info,
            duration: _,
            end_time: _,
            call_start: _,
            created_at: _,
            conference_id,
            participant_id,
        } = self;
        scrub.id("session", id);
        scrub.id("room", conference_id);
        scrub.id("participant", participant_id);
        scrub.json(devices, "sessions.devices", None);
        scrub.json(platform, "sessions.platform", None);
        scrub.json(metadata, "sessions.metadata", None);
        scrub.json(geo_ip, "sessions.geo_ip", None);
        scrub.json(session_info, "sessions.session_info", None);
        if scrub.public().is_some() {
            // Nothing of them is left: they are absent rather than empty.
            (*devices, *metadata, *session_info) = (None, None, None);
            // A version of four numbers is no address, so others leave it as it is.
            scrub.maybe_text(app_version, Some(Keep::Short));
        }
        scrub.maybe_text(webrtc_sdk, Some(Keep::Word(public::SDKS)));
    }
}

impl Hidden for ConnectionRow {
    fn hide(&mut self, scrub: &mut Scrub<'_>) {
        let Self {
            id,
            r#type,
            state,
            connection_info,
            start_time: _,
            end_time: _,
            duration: _,
            created_at: _,
            conference_id,
            participant_id,
            peer_id,
            session_id,
        } = self;
        scrub.id("connection", id);
        scrub.id("room", conference_id);
        scrub.id("participant", participant_id);
        scrub.id("participant", peer_id);
        scrub.id("session", session_id);
        scrub.maybe_text(r#type, Some(Keep::Word(SIDES)));
        scrub.text(state, Some(Keep::Word(public::CONNECTION_STATES)));
        scrub.json(connection_info, "connections.connection_info", None);
    }
}

/// How Chromium names tracks of a screen; what follows is an id or the name of a window.
const SCREENS: [&str; 3] = ["screen:", "window:", "web-contents-media-stream:"];

impl Hidden for TrackRow {
    fn hide(&mut self, scrub: &mut Scrub<'_>) {
        let Self {
            id,
            kind,
            direction,
            track_id,
            label,
            track_info,
            created_at: _,
            connection_id,
            session_id,
            conference_id,
        } = self;
        scrub.id("track", id);
        scrub.maybe_id("connection", connection_id);
        scrub.id("session", session_id);
        scrub.id("room", conference_id);
        scrub.word(kind, TRACK_KINDS, "");
        scrub.word(direction, DIRECTIONS, "");
        scrub.text(track_id, Some(Keep::Label));
        // That it is of a screen is needed to judge its pictures.
        let screen =
            label.as_ref().and_then(|label| SCREENS.into_iter().find(|name| label.starts_with(name)));
        scrub.maybe_text(label, None);
        if let (Some(_), Some(screen)) = (scrub.public(), screen) {
            *label = Some(screen.to_owned());
        }
        scrub.json(track_info, "tracks.track_info", None);
    }
}

impl Hidden for IssueRow {
    fn hide(&mut self, scrub: &mut Scrub<'_>) {
        let Self {
            id,
            r#type,
            code,
            data,
            created_at: _,
            session_id,
            conference_id,
            participant_id,
            connection_id,
            track_id,
            in_conference_id,
        } = self;
        scrub.id("issue", id);
        scrub.id("session", session_id);
        scrub.maybe_id("room", conference_id);
        scrub.maybe_id("participant", participant_id);
        scrub.maybe_id("connection", connection_id);
        scrub.maybe_id("track", track_id);
        scrub.id("room", in_conference_id);
        scrub.word(r#type, SEVERITIES, "");
        scrub.text(code, Some(Keep::Word(public::ISSUES)));
        scrub.json(data, "issues.data", None);
    }
}

impl Hidden for EventRow {
    fn hide(&mut self, scrub: &mut Scrub<'_>) {
        let Self {
            id,
            r#type,
            category,
            data,
            created_at: _,
            app_id,
            conference_id,
            participant_id,
            session_id,
            peer_id,
            connection_id,
            track_id,
        } = self;
        scrub.id("event", id);
        scrub.id("app", app_id);
        scrub.id("room", conference_id);
        scrub.id("participant", participant_id);
        scrub.id("session", session_id);
        scrub.maybe_id("participant", peer_id);
        scrub.maybe_id("connection", connection_id);
        scrub.maybe_id("track", track_id);
        scrub.word(category, CATEGORIES, "");
        scrub.json(data, "events.data", Some(r#type));
        scrub.text(r#type, Some(Keep::Word(public::EVENTS)));
    }
}

impl Hidden for SampleRow {
    fn hide(&mut self, scrub: &mut Scrub<'_>) {
        scrub.id("room", &mut self.conference_id);
        scrub.id("event", &mut self.event_id);
        scrub.id("app", &mut self.app_id);
        scrub.id("session", &mut self.session_id);
        scrub.id("participant", &mut self.participant_id);
        scrub.maybe_id("participant", &mut self.peer_id);
        scrub.maybe_id("connection", &mut self.connection_id);
        scrub.maybe_id("track", &mut self.track_id);
        scrub.text(&mut self.report, Some(Keep::Word(public::REPORTS)));
        let texts = [
            (&mut self.kind, Keep::Word(public::KINDS)),
            (&mut self.id, Keep::Label),
            (&mut self.local_id, Keep::Label),
            (&mut self.media_type, Keep::Word(public::KINDS)),
            (&mut self.mid, Keep::Mid),
            (&mut self.mime_type, Keep::Short),
            (&mut self.track_identifier, Keep::Label),
            (&mut self.quality_limitation_reason, Keep::Word(public::REASONS)),
            (&mut self.encoder_implementation, Keep::Short),
            (&mut self.decoder_implementation, Keep::Short),
            (&mut self.state, Keep::Word(public::PAIR_STATES)),
            (&mut self.local_candidate_type, Keep::Word(public::CANDIDATE_TYPES)),
            (&mut self.local_protocol, Keep::Word(public::PROTOCOLS)),
            (&mut self.local_relay_protocol, Keep::Word(public::RELAY_PROTOCOLS)),
            (&mut self.local_network_type, Keep::Word(public::NETWORKS)),
            (&mut self.remote_candidate_type, Keep::Word(public::CANDIDATE_TYPES)),
            (&mut self.remote_protocol, Keep::Word(public::PROTOCOLS)),
        ];
        for (text, keep) in texts {
            scrub.maybe_text(text, Some(keep));
        }
        scrub.maybe_text(&mut self.local_address, None);
        scrub.maybe_text(&mut self.remote_address, None);
        if let Some((key, _)) = scrub.public() {
            self.ssrc = self.ssrc.map(|ssrc| key.number("ssrc", ssrc));
        }
        scrub.json(&mut self.remote, "samples.remote", None);
    }
}

macro_rules! of_conference {
    ($($row:ty: $id:ident in $field:ident, |$self:ident, $known:ident| $among:expr;)*) => {$(
        impl OfConference for $row {
            fn conference(&self) -> ConferenceId {
                self.$field
            }

            fn order(&self) -> (Timestamp, Uuid) {
                (self.created_at, self.$id.0)
            }

            fn is_among(&mut self, $known: &dyn Fn(ParticipantId) -> bool) -> bool {
                let $self = self;
                $among
            }
        }
    )*};
}

of_conference! {
    ConferenceRow: id in id, |row, known| {
        row.participants.retain(|id| known(*id));
        true
    };
    SessionRow: id in conference_id, |row, known| known(row.participant_id);
    ConnectionRow: id in conference_id, |row, known| known(row.participant_id) && known(row.peer_id);
    TrackRow: id in conference_id, |_row, _known| true;
    IssueRow: id in in_conference_id, |row, known| row.participant_id.is_none_or(known);
    EventRow: id in conference_id, |row, known| {
        row.peer_id = row.peer_id.filter(|id| known(*id));
        known(row.participant_id)
    };
    SampleRow: event_id in conference_id, |row, known| {
        row.peer_id = row.peer_id.filter(|id| known(*id));
        known(row.participant_id)
    };
}
