//! What our own reading of events and samples says about the issues that Peer Metrics stored: confirmed, different, or not to
//! be checked; with the events that show it.

use serde::Serialize;

use super::call::Call;
use super::incidents::{Code, peer_left};
use super::streams::{Direction, Kind};
use super::{Connection, Issue, Visit};
use crate::ids::EventId;
use crate::metrics::measures::Measure;
use crate::metrics::percentile::Summary;
use crate::snapshot::{EventRow, Json};
use crate::units::Timestamp;

/// Whether we see the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// Events or samples show it.
    Confirmed,
    /// They show something else.
    Differs,
    /// There is nothing to check it with.
    Unchecked,
}

/// What we say about a stored issue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether we see the same.
    pub agreement: Agreement,
    /// Why.
    pub text: String,
    /// Events that show it.
    pub evidence: Vec<EventId>,
    /// The measure whose graph shows it.
    #[serde(skip)]
    pub measure: Option<Measure>,
}

/// Verdicts name so many events at most.
const EVENTS: usize = 5;

/// The verdict on an issue of a call.
pub(super) fn verdict(
    issue: &Issue,
    call: &Call,
    connections: &[Connection],
    visits: &[Visit],
    events: &[EventRow],
) -> Verdict {
    let session = issue.row.session_id;
    let own: Vec<&Connection> = call
        .connections
        .iter()
        .filter_map(|at| connections.get(*at))
        .filter(|connection| match issue.row.connection_id {
            Some(id) => connection.row.id == id,
            None => connection.row.session_id == session,
        })
        .collect();
    let events = || {
        let of_session =
            call.events.iter().filter_map(|at| events.get(*at)).filter(|event| event.session_id == session);
        of_session.filter(|event| {
            issue.row.connection_id.is_none()
                || event.connection_id.is_none()
                || event.connection_id == issue.row.connection_id
        })
    };
    let of_state = |kind: &str, state: &str| -> Vec<EventId> {
        let wanted = events().filter(|event| event.r#type == kind && is_state(event, state));
        wanted.map(|event| event.id).take(EVENTS).collect()
    };
    let recovered = || {
        if own.iter().any(|connection| connection.state == "connected") {
            " The connection was established again, or after all."
        } else {
            ""
        }
    };
    match issue.row.code.as_str() {
        "getusermedia_error" | "no_media_access" => {
            media(issue, events().filter(|event| event.r#type == "getUserMedia"))
        }
        "connection_failed" | "connection_disconnected" | "ice_failed"
            if left(&own, visits, issue.row.created_at) =>
        {
            Verdict {
                agreement: Agreement::Differs,
                text: "the other side had left by then, so this is how its leaving looks, no network fault"
                    .to_owned(),
                evidence: of_state("onconnectionstatechange", "disconnected"),
                measure: None,
            }
        }
        "ice_failed" => shown(of_state("oniceconnectionstatechange", "failed"), "ICE failed", recovered()),
        "connection_failed" => {
            shown(of_state("onconnectionstatechange", "failed"), "the connection failed", recovered())
        }
        "connection_disconnected" => {
            let mut found = of_state("onconnectionstatechange", "disconnected");
            found.extend(of_state("oniceconnectionstatechange", "disconnected"));
            found.truncate(EVENTS);
            shown(found, "the connection was interrupted", recovered())
        }
        "no_connection" => no_connection(&own),
        "low_emos" | "very_low_emos" => audio(issue, call, &own),
        "icecandidateerror" => {
            let errors = events().filter(|event| event.r#type == "onicecandidateerror");
            let harmless = own.iter().any(|connection| connection.connected_at.is_some());
            let found = errors.map(|event| event.id).take(EVENTS).collect();
            shown(
                found,
                "a server did not answer",
                if harmless { " It did no harm: a connection was established." } else { "" },
            )
        }
        "multiple_rejoins" => rejoins(issue, call, visits),
        "turn_used" => path(&own, |connection| connection.relayed, "a relay was in the selected pair"),
        "tcp_used" => path(&own, |connection| connection.over_tcp, "the selected pair ran over TCP"),
        _ => unchecked("nothing here is made to check it"),
    }
}

/// Whether the peers of all connections meant had left before.
fn left(own: &[&Connection], visits: &[Visit], by: Timestamp) -> bool {
    let visits: Vec<&Visit> = visits.iter().collect();
    !own.is_empty() && own.iter().all(|connection| peer_left(connection, &visits, by))
}

fn is_state(event: &EventRow, state: &str) -> bool {
    matches!(event.data.as_ref().and_then(Json::parse), Some(serde_json::Value::String(text)) if text == state)
}

fn unchecked(text: &str) -> Verdict {
    Verdict { agreement: Agreement::Unchecked, text: text.to_owned(), evidence: Vec::new(), measure: None }
}

fn shown(evidence: Vec<EventId>, what: &str, besides: &str) -> Verdict {
    let (agreement, text) = if evidence.is_empty() {
        (Agreement::Unchecked, "no event of the session shows it; it may not have been stored".to_owned())
    } else {
        (Agreement::Confirmed, format!("events say that {what}.{besides}"))
    };
    Verdict { agreement, text, evidence, measure: None }
}

fn media<'a>(issue: &Issue, requests: impl Iterator<Item = &'a EventRow>) -> Verdict {
    let (mut errors, mut granted) = (Vec::new(), Vec::new());
    for event in requests {
        let data = event.data.as_ref().and_then(Json::parse).unwrap_or_default();
        if data.get("error").is_some_and(|error| !error.is_null()) {
            errors.push(event.id);
        } else if data.get("audio").is_some() || data.get("video").is_some() {
            granted.push(event.id);
        }
    }
    errors.truncate(EVENTS);
    granted.truncate(EVENTS);
    let verdict = |agreement, text: &str, evidence| Verdict {
        agreement,
        text: text.to_owned(),
        evidence,
        measure: None,
    };
    match (issue.row.code.as_str(), errors.is_empty(), granted.is_empty()) {
        (_, true, true) => unchecked("no answer to a request was stored"),
        ("no_media_access", _, false) => {
            verdict(Agreement::Differs, "a request was granted in this session", granted)
        }
        (_, false, false) => {
            verdict(Agreement::Confirmed, "an answer was an error; another request was granted.", errors)
        }
        (_, false, true) => verdict(Agreement::Confirmed, "every answer was an error.", errors),
        (_, true, false) => verdict(Agreement::Differs, "no answer was an error", granted),
    }
}

fn rejoins(issue: &Issue, call: &Call, visits: &[Visit]) -> Verdict {
    let own = call.visits.iter().filter_map(|at| visits.get(*at));
    let count = own.filter(|visit| Some(visit.participant) == issue.participant).count();
    let (agreement, text) = match count {
        0 => return unchecked("the session is not in this call"),
        1 => (
            Agreement::Differs,
            "this was the only visit in this call; the others were in earlier calls of the room".to_owned(),
        ),
        more => (Agreement::Confirmed, format!("there are {more} visits in this call.")),
    };
    Verdict { agreement, text, evidence: Vec::new(), measure: None }
}

fn no_connection(own: &[&Connection]) -> Verdict {
    let connected = own.iter().filter(|connection| connection.connected_at.is_some()).count();
    let (agreement, text) = match (own.len(), connected) {
        (0, _) => (Agreement::Confirmed, "the session has no connection.".to_owned()),
        (_, 0) => {
            (Agreement::Confirmed, "no event says that one of its connections was established.".to_owned())
        }
        (all, some) => {
            (Agreement::Differs, format!("events say that {some} of {all} connections were established"))
        }
    };
    Verdict { agreement, text, evidence: Vec::new(), measure: None }
}

fn audio(issue: &Issue, call: &Call, own: &[&Connection]) -> Verdict {
    let streams =
        own.iter().flat_map(|connection| connection.series.streams(Kind::Audio, Direction::Inbound));
    let scores = streams.filter_map(|stream| stream.values.get(Measure::AudioScore)).flatten().flatten();
    let Some(summary) = Summary::of(scores.copied().collect()) else {
        return unchecked("no stats of received audio were stored");
    };
    let ids: Vec<_> = own.iter().map(|connection| connection.row.id).collect();
    let ours = call.incidents.iter().any(|incident| {
        matches!(incident.code, Code::PoorAudio | Code::LowAudio)
            && Some(incident.participant) == issue.participant
            && incident.connections.iter().any(|id| ids.contains(id))
    });
    let figures = format!("median {:.2}, 5 % below {:.2}, n = {}", summary.p50, summary.p5, summary.n);
    let (agreement, text) = if ours {
        (Agreement::Confirmed, format!("our score was low, too: {figures}."))
    } else {
        (
            Agreement::Differs,
            format!(
                "our score was never low for long ({figures}): Peer Metrics' score falls with the bit rate of silence, and hardly with loss"
            ),
        )
    };
    Verdict { agreement, text, evidence: Vec::new(), measure: Some(Measure::AudioScore) }
}

fn path(own: &[&Connection], get: fn(&Connection) -> Option<bool>, what: &str) -> Verdict {
    let seen: Vec<Option<bool>> = own.iter().map(|connection| get(connection)).collect();
    if seen.contains(&Some(true)) {
        let text = format!("stats or the stored row say that {what}.");
        return Verdict { agreement: Agreement::Confirmed, text, evidence: Vec::new(), measure: None };
    }
    if seen.contains(&Some(false)) {
        let text = "no stats of its connections show it".to_owned();
        return Verdict { agreement: Agreement::Differs, text, evidence: Vec::new(), measure: None };
    }
    unchecked("the path is not known")
}
