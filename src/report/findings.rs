//! Odd data: what in the database contradicts itself or cannot be read. A finding is listed on the data quality page and
//! counted in the summary; it never stops a build.

use serde::{Deserialize, Serialize};

use crate::ids::ConferenceId;

/// Which kind of oddity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// An end is before its start.
    EndsBeforeStart,
    /// An instant outside the years 1 to 9999.
    TimeFarOff,
    /// A connection's row says one state, its last event another.
    StateContradictsEvents,
    /// JSON of another shape than documented, or that cannot be read.
    UnreadableJson,
    /// A code that is not in the schema's list.
    UnknownCode,
    /// A session that never ended although its conference did.
    SessionNeverEnded,
    /// A conference still marked as ongoing, a day or more after its last event.
    StaleOngoing,
    /// A participant that is named but not in the database's list.
    UnknownParticipant,
    /// The same issue is stored more than once for one connection or session.
    DuplicateIssues,
    /// A summary that was not finished, or is of an unknown version.
    SummaryUnusable,
}

impl FindingKind {
    /// All kinds, with what each means to a reader.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::EndsBeforeStart, "Ends before it starts"),
        (Self::TimeFarOff, "A time far off"),
        (Self::StateContradictsEvents, "State and events disagree"),
        (Self::UnreadableJson, "JSON that cannot be read"),
        (Self::UnknownCode, "Unknown code"),
        (Self::SessionNeverEnded, "Session without end"),
        (Self::StaleOngoing, "Ongoing for too long"),
        (Self::UnknownParticipant, "Unknown participant"),
        (Self::DuplicateIssues, "Issue stored repeatedly"),
        (Self::SummaryUnusable, "Summary unusable"),
    ];

    /// What was done about it, for a reader.
    pub fn treatment(self) -> &'static str {
        match self {
            Self::EndsBeforeStart => {
                "Visits and connections count as over when they began; calls are as long as these are."
            }
            Self::TimeFarOff => "Such a time is shown as the first or the last instant of these years.",
            Self::StateContradictsEvents => "The state is what the last event says.",
            Self::UnreadableJson => "What it should say counts nowhere; the rest of the row does.",
            Self::UnknownCode => {
                "The code is shown as it is stored, without a meaning or gravity of its own."
            }
            Self::SessionNeverEnded => "The visit counts as over at its last event or sample.",
            Self::StaleOngoing => "The call counts as over at the last sign of its participants.",
            Self::UnknownParticipant => "The visit counts, as that of a deleted participant without a page.",
            Self::DuplicateIssues => {
                "The page of the call lists it once with the number; totals count every row, as Peer Metrics does."
            }
            Self::SummaryUnusable => {
                "Only stats events are measured; where there are none left, there is no data."
            }
        }
    }

    /// What it means to a reader.
    pub fn title(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, title)| title)
    }
}

/// One oddity of one conference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// Which kind.
    pub kind: FindingKind,
    /// In which conference.
    pub conference: ConferenceId,
    /// A sentence that names the row.
    pub detail: String,
}
