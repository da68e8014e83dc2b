//! The codes of the source database as types, and what each issue means. A code that is not known keeps its text and
//! becomes a finding; it never stops a build.

use serde::{Deserialize, Serialize};

/// How grave an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something failed.
    Error,
    /// Something went worse than it should.
    Warning,
}

impl Severity {
    /// From `app_issue.type`.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "e" => Some(Self::Error),
            "w" => Some(Self::Warning),
            _ => None,
        }
    }

    /// As the API writes it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// The label that the API gives to `app_connection.type`; an unknown code is its own label.
pub fn candidate_type(code: &str) -> &str {
    match code {
        "h" => "host",
        "s" => "srflx",
        "p" => "prflx",
        "r" => "relay",
        other => other,
    }
}

/// Whether a candidate type code is one of RFC 8445's.
pub fn is_candidate_type(code: &str) -> bool {
    matches!(code, "h" | "s" | "p" | "r")
}

/// The label that the API gives to `app_genericevent.category`.
pub fn category(code: &str) -> &str {
    match code {
        "B" => "browser",
        "M" => "getUserMedia",
        "C" => "connection",
        "T" => "track",
        "S" => "stats",
        other => other,
    }
}

/// The label that the API gives to `app_issue.type`.
pub fn severity(code: &str) -> &str {
    Severity::from_code(code).map_or(code, |severity| severity.label())
}

/// What an issue code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssueMeaning {
    /// The code, as stored.
    pub code: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What happened, and what to look at.
    pub explanation: &'static str,
}

/// The issues that the Peer Metrics API detects.
pub const ISSUES: [IssueMeaning; 12] = [
    IssueMeaning {
        code: "no_media_access",
        title: "No microphone or camera",
        explanation: "Every request for a microphone or camera failed, so nothing could be sent. Look at the browser's \
                      permission and at whether another program holds the device.",
    },
    IssueMeaning {
        code: "ice_failed",
        title: "No network path found",
        explanation: "ICE tried all candidate pairs and none worked. A firewall that blocks UDP, without a TURN server \
                      over TCP or TLS to fall back on, is the usual cause.",
    },
    IssueMeaning {
        code: "no_connection",
        title: "Never connected",
        explanation: "The page was left without any of its connections ever having been established.",
    },
    IssueMeaning {
        code: "connection_failed",
        title: "Connection failed",
        explanation: "The transport of a peer connection failed: ICE or DTLS broke down and did not recover.",
    },
    IssueMeaning {
        code: "very_low_emos",
        title: "Very poor audio",
        explanation: "The estimated audio score (eMOS) was below 3 for half a minute or more in all.",
    },
    IssueMeaning {
        code: "getusermedia_error",
        title: "Microphone or camera error",
        explanation: "The browser refused a request for a microphone or camera; its error is given.",
    },
    IssueMeaning {
        code: "icecandidateerror",
        title: "STUN or TURN error",
        explanation: "A STUN or TURN server did not answer or refused while candidates were gathered. Harmless when \
                      another server answered.",
    },
    IssueMeaning {
        code: "connection_disconnected",
        title: "Connection interrupted",
        explanation: "The transport lost contact for some seconds. It may have recovered by itself.",
    },
    IssueMeaning {
        code: "multiple_rejoins",
        title: "Left and came back",
        explanation: "The participant opened the same conference again, as after a reload of the page.",
    },
    IssueMeaning {
        code: "tcp_used",
        title: "Media over TCP",
        explanation: "Media ran over TCP, where one lost packet delays all that follow.",
    },
    IssueMeaning {
        code: "turn_used",
        title: "Media relayed",
        explanation: "Media went through a TURN server, because no direct path was found or relaying was forced.",
    },
    IssueMeaning {
        code: "low_emos",
        title: "Mediocre audio",
        explanation: "The estimated audio score (eMOS) was between 3 and 4 for half a minute or more in all. Silence \
                      lowers this score too.",
    },
];

/// The meaning of a code, if it is known.
pub fn issue_meaning(code: &str) -> Option<&'static IssueMeaning> {
    ISSUES.iter().find(|meaning| meaning.code == code)
}

/// The title of a code; an unknown code is its own title.
pub fn issue_title(code: &str) -> &str {
    issue_meaning(code).map_or(code, |meaning| meaning.title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_codes_stand_for_themselves() {
        assert_eq!((candidate_type("r"), candidate_type("x")), ("relay", "x"));
        assert_eq!((severity("e"), severity("?")), ("error", "?"));
        assert_eq!((category("M"), category("")), ("getUserMedia", ""));
        assert_eq!(
            (issue_title("ice_failed"), issue_title("new_code")),
            ("No network path found", "new_code")
        );
    }
}
