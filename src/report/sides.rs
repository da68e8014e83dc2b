//! Whose side trouble was on, by who else had it at the same time: loss on what one sends and everybody sees is the
//! sender's uplink; loss on all that one receives is the receiver's downlink; loss between two only is the path. With two
//! people it often cannot be told, and then that is said.

use std::collections::BTreeSet;

use serde::Serialize;

use super::incidents::{Piece, Scene};
use crate::ids::ParticipantId;
use crate::units::Timestamp;

/// Where trouble came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// What this participant sends.
    Uplink,
    /// What this participant receives.
    Downlink,
    /// This participant's machine: processor, camera, microphone, decoder, a sleeping tab.
    Device,
    /// The participant's access, both ways.
    Access,
    /// Between two participants only.
    Path,
    /// The media server, its network, or whoever sends through it.
    Server,
    /// It cannot be told.
    Unknown,
}

/// How sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sureness {
    /// Little speaks for it.
    Low,
    /// One other participant speaks for it.
    Medium,
    /// Two or more do.
    High,
}

/// Whose side it was on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Where.
    pub place: Place,
    /// Whose, if it was somebody's.
    pub whose: Option<ParticipantId>,
    /// How sure.
    pub sureness: Sureness,
}

/// Which way what suffered was going, as seen by who suffered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Received,
    Sent,
    Both,
}

impl Side {
    /// Nothing can be said.
    pub fn unknown() -> Self {
        Self { place: Place::Unknown, whose: None, sureness: Sureness::Low }
    }

    /// Somebody's machine.
    pub fn device(whose: ParticipantId) -> Self {
        Self { place: Place::Device, whose: Some(whose), sureness: Sureness::High }
    }
}

/// Who witnessed what: how many others were in a position to see it, and how many of them did.
fn sureness(witnesses: usize) -> Sureness {
    match witnesses {
        0 => Sureness::Low,
        1 => Sureness::Medium,
        _ => Sureness::High,
    }
}

/// Whose side an incident of `piece`'s participant was on.
pub(super) fn side(
    piece: &Piece,
    peers: &[ParticipantId],
    (from, to): (Timestamp, Timestamp),
    flow: Flow,
    all: &[Piece],
    scene: &Scene<'_>,
) -> Side {
    let me = piece.participant;
    let overlaps = |start: Timestamp, end: Timestamp| start < to && end > from;
    // Connections that lived at the time and had stats, so that they could have shown it.
    let alive = || {
        scene
            .connections
            .iter()
            .filter(|connection| {
                !connection.series.t.is_empty() && overlaps(connection.start(), connection.to)
            })
            .map(|connection| (connection.row.participant_id, connection.row.peer_id))
    };
    let hit = |who: ParticipantId, with: ParticipantId| {
        all.iter().any(|other| {
            other.code == piece.code
                && other.participant == who
                && other.peer == Some(with)
                && overlaps(other.from, other.to.max(other.from.plus_seconds(0.001)))
        })
    };
    let my_peers: BTreeSet<ParticipantId> =
        alive().filter(|(who, _)| *who == me).map(|(_, peer)| peer).collect();
    let own = match flow {
        Flow::Received => Place::Downlink,
        Flow::Sent => Place::Uplink,
        Flow::Both => Place::Access,
    };
    let theirs = match flow {
        Flow::Received => Place::Uplink,
        Flow::Sent => Place::Downlink,
        Flow::Both => Place::Access,
    };
    if let [server] = peers
        && (scene.is_sfu)(*server)
    {
        let others: BTreeSet<ParticipantId> =
            alive().filter(|(who, peer)| *who != me && peer == server).map(|(who, _)| who).collect();
        let hits = others.iter().filter(|other| hit(**other, *server)).count();
        return match (others.len(), hits) {
            (0, _) => Side::unknown(),
            (seen, 0) => Side { place: own, whose: Some(me), sureness: sureness(seen) },
            (seen, hits) if hits == seen => Side {
                place: Place::Server,
                whose: Some(*server),
                sureness: sureness(seen).min(Sureness::Medium),
            },
            _ => Side::unknown(),
        };
    }
    match peers {
        [_, _, ..] if my_peers.iter().all(|peer| peers.contains(peer)) => {
            // All that I have to do with. Do the others have it among themselves, too?
            let others: Vec<(ParticipantId, ParticipantId)> =
                alive().filter(|(who, peer)| *who != me && *peer != me).collect();
            if others.iter().any(|(who, peer)| hit(*who, *peer)) {
                return Side::unknown();
            }
            Side { place: own, whose: Some(me), sureness: sureness(my_peers.len()) }
        }
        [peer] if my_peers.len() > 1 => {
            let others: BTreeSet<ParticipantId> =
                alive().filter(|(who, with)| *who != me && with == peer).map(|(who, _)| who).collect();
            let hits = others.iter().filter(|other| hit(**other, *peer)).count();
            match (others.len(), hits) {
                (0, _) => Side::unknown(),
                (seen, hits) if hits == seen => {
                    Side { place: theirs, whose: Some(*peer), sureness: sureness(seen) }
                }
                (seen, 0) => Side { place: Place::Path, whose: None, sureness: sureness(seen) },
                _ => Side::unknown(),
            }
        }
        _ => Side::unknown(),
    }
}
