//! The calls of a room. A conference row is a room that may be used for months; a call is a stretch of it in which somebody
//! was present, ended by a gap in which nobody was.

use serde::Serialize;

use crate::units::Timestamp;

/// A stretch of presence: one session, or anything else that shows that somebody was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// When it began.
    pub from: Timestamp,
    /// When it ended.
    pub to: Timestamp,
}

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// When the first participant came.
    pub start: Timestamp,
    /// When the last one left, or the last sign of anybody.
    pub end: Timestamp,
}

impl Span {
    /// Whether an instant lies in the call, both ends included.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.start <= at && at <= self.end
    }
}

/// The calls, in order: presences are joined while the gap between them is shorter than `gap_s` seconds.
pub fn calls(mut presences: Vec<Presence>, gap_s: f64) -> Vec<Span> {
    presences.sort_by_key(|presence| (presence.from, presence.to));
    let mut calls: Vec<Span> = Vec::new();
    for presence in presences {
        let to = presence.to.max(presence.from);
        match calls.last_mut() {
            Some(call) if presence.from.seconds_since(call.end) < gap_s => call.end = call.end.max(to),
            _ => calls.push(Span { start: presence.from, end: to }),
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(presences: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let presences =
            presences.iter().map(|&(from, to)| Presence { from: at(from), to: at(to) }).collect::<Vec<_>>();
        let seconds = |at: Timestamp| at.as_micros() / 1_000_000;
        calls(presences, 1800.0).iter().map(|call| (seconds(call.start), seconds(call.end))).collect()
    }

    #[test]
    fn a_gap_of_half_an_hour_ends_a_call() {
        assert_eq!(spans(&[(0, 100), (1899, 2000)]), [(0, 2000)]);
        assert_eq!(spans(&[(0, 100), (1900, 2000)]), [(0, 100), (1900, 2000)]);
    }

    #[test]
    fn a_long_presence_bridges_the_gaps_of_others() {
        assert_eq!(spans(&[(0, 10_000), (50, 60), (9_000, 9_500)]), [(0, 10_000)]);
    }

    #[test]
    fn an_end_before_its_start_does_not_move_the_call() {
        assert_eq!(spans(&[(100, 50)]), [(100, 100)]);
        assert_eq!(spans(&[]), []);
    }
}
