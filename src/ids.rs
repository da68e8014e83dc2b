//! Typed identifiers: a conference's id cannot be passed where a participant's is wanted. Every row of the source
//! database is named by a UUID; the ids that customers give (`conference_id`, `participant_id` columns) are plain text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

id! {
    /// A row of `organization`.
    OrganizationId;
    /// A row of `app`.
    AppId;
    /// A row of `conference`: a room, which may hold many calls.
    ConferenceId;
    /// A row of `participant`: a person or a server, within one app.
    ParticipantId;
    /// A row of `app_session`: one visit of a participant to a conference.
    SessionId;
    /// A row of `app_connection`: one `RTCPeerConnection`.
    ConnectionId;
    /// A row of `app_track`: one `MediaStreamTrack`.
    TrackId;
    /// A row of `app_genericevent`.
    EventId;
    /// A row of `app_issue`.
    IssueId;
}
