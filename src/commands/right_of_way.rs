//! Who comes first while a site is served: whoever waits for a page. A build behind the server waits where it looks whether it should
//! end, which is at each file. Priorities of threads do not do that: where a browser has a group of its own, as in a desktop session,
//! the system shares the processor between the groups.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For how long it can be taken without a pause: a crawler does not keep a build from its end.
const LONGEST: Duration = Duration::from_secs(2);

/// From when until when somebody comes first.
#[derive(Debug, Clone, Copy)]
struct Taken {
    from: Instant,
    until: Instant,
}

/// The right to come before the work behind.
#[derive(Debug, Default)]
pub struct RightOfWay(Mutex<Option<Taken>>);

impl RightOfWay {
    /// Takes it for so long from now on.
    pub fn take(&self, time: Duration) {
        self.take_at(Instant::now(), time);
    }

    fn take_at(&self, now: Instant, time: Duration) {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = now + time;
        *taken = Some(match *taken {
            Some(Taken { from, until: before }) if now <= before => Taken { from, until: until.max(before) },
            _ => Taken { from: now, until },
        });
    }

    /// How long the work behind has to wait, if it has to.
    pub fn wait(&self) -> Option<Duration> {
        Some(self.wait_at(Instant::now())).filter(|wait| !wait.is_zero())
    }

    fn wait_at(&self, now: Instant) -> Duration {
        let taken = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.map_or(Duration::ZERO, |Taken { from, until }| {
            until.min(from + LONGEST).saturating_duration_since(now)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn it_is_given_until_the_last_claim_ends() {
        let (way, begin) = (RightOfWay::default(), Instant::now());
        assert_eq!(way.wait_at(begin), ms(0));
        way.take_at(begin, ms(400));
        way.take_at(begin + ms(100), ms(150));
        assert_eq!(way.wait_at(begin + ms(100)), ms(300));
        way.take_at(begin + ms(390), ms(150));
        assert_eq!(way.wait_at(begin + ms(400)), ms(140));
        assert_eq!(way.wait_at(begin + ms(541)), ms(0));
    }

    #[test]
    fn whoever_never_pauses_does_not_keep_it() {
        let (way, begin) = (RightOfWay::default(), Instant::now());
        for at in (0..3000).step_by(100) {
            way.take_at(begin + ms(at), ms(150));
        }
        assert_eq!(way.wait_at(begin + ms(1999)), ms(1));
        assert_eq!(way.wait_at(begin + ms(2999)), ms(0));
        // After a pause it is somebody else's turn.
        way.take_at(begin + ms(3100), ms(150));
        assert_eq!(way.wait_at(begin + ms(3100)), ms(150));
    }
}
