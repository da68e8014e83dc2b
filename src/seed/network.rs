//! The network between a person and the rest of the world: an access line with a character, and troubles that come and
//! go during a call. Both ends of a stream look at the same lines, so that their reports agree.

use super::random::Dice;

/// How somebody is connected; it decides rates, delays and which candidates work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    Fibre,
    Wifi,
    Mobile,
    /// A network that lets media out over its relay only.
    Office,
    /// A network that lets nothing out but TCP.
    Firewall,
    /// A network that lets no media out.
    Blocked,
}

impl Access {
    pub(super) fn draw(dice: &mut Dice, phone: bool) -> Self {
        const KINDS: [Access; 6] =
            [Access::Fibre, Access::Wifi, Access::Mobile, Access::Office, Access::Firewall, Access::Blocked];
        let weights = if phone { [0.0, 45.0, 50.5, 2.0, 2.0, 0.5] } else { [36.0, 43.0, 7.0, 8.0, 4.5, 0.7] };
        KINDS[dice.weighted(weights)]
    }

    /// `networkType` of its candidates.
    pub(super) fn network_type(self) -> &'static str {
        match self {
            Self::Wifi => "wifi",
            Self::Mobile => "cellular",
            _ => "ethernet",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Trouble {
    /// A share of packets gets lost.
    Burst(f64),
    /// The delay rises by so many seconds.
    Step(f64),
    /// Only that many bit/s get through.
    Squeeze(f64),
    /// Nothing gets through.
    Outage,
}

#[derive(Clone, Debug)]
struct Episode {
    from: f64,
    to: f64,
    trouble: Trouble,
}

/// The line of one visit.
#[derive(Clone, Debug)]
pub(super) struct Line {
    delay: f64,
    jitter: f64,
    loss: f64,
    up: f64,
    down: f64,
    episodes: Vec<Episode>,
}

/// What a line is like for a while.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    /// Seconds that the line adds to a round trip.
    pub(super) delay: f64,
    pub(super) jitter: f64,
    /// Share of packets lost, outages left out.
    pub(super) loss: f64,
    /// Bit/s.
    pub(super) up: f64,
    pub(super) down: f64,
    /// Share of the time in which nothing got through.
    pub(super) outage: f64,
}

impl Line {
    /// The line of somebody who stays from `from` to `to`.
    pub(super) fn draw(dice: &mut Dice, access: Access, from: f64, to: f64) -> Self {
        // Delay, jitter, loss, bit/s up and down, troubles per hour.
        let (delay, jitter, loss, up, down, rate) = match access {
            Access::Fibre => (0.004, 0.001, 0.000_3, 4e7, 2e8, 1.5),
            Access::Wifi => (0.012, 0.004, 0.002, 9e6, 4e7, 7.0),
            Access::Mobile => (0.045, 0.010, 0.006, 4e6, 1.5e7, 16.0),
            Access::Office | Access::Firewall | Access::Blocked => (0.008, 0.002, 0.001, 2e7, 5e7, 4.0),
        };
        // Some have a bad day: everything goes wrong more often.
        let temper = if dice.chance(0.12) { 6.0 } else { 1.0 };
        let mut episodes = Vec::new();
        let mut at = from;
        loop {
            at += dice.wait(3600.0 / (rate * temper));
            if at >= to {
                break;
            }
            let (trouble, length) = match dice.weighted([42.0, 28.0, 22.0, 8.0]) {
                0 => (Trouble::Burst(dice.log_normal(0.06, 0.8).min(0.45)), dice.between(4.0, 35.0)),
                1 => (Trouble::Step(dice.log_normal(0.22, 0.9).min(1.8)), dice.between(15.0, 150.0)),
                2 => (Trouble::Squeeze(dice.log_normal(3.2e5, 0.7)), dice.between(20.0, 120.0)),
                _ => (Trouble::Outage, dice.log_normal(5.0, 0.7).min(40.0)),
            };
            episodes.push(Episode { from: at, to: at + length, trouble });
            at += length;
        }
        Self {
            delay: dice.log_normal(delay, 0.4),
            jitter: dice.log_normal(jitter, 0.5),
            loss: dice.log_normal(loss, 1.0).min(0.03),
            up: dice.log_normal(up, 0.5),
            down: dice.log_normal(down, 0.5),
            episodes,
        }
    }

    /// The weather of the seconds from `from` to `to`.
    pub(super) fn weather(&self, from: f64, to: f64) -> Weather {
        let mut weather = Weather {
            delay: self.delay,
            jitter: self.jitter,
            loss: self.loss,
            up: self.up,
            down: self.down,
            outage: 0.0,
        };
        for episode in &self.episodes {
            let share = ((episode.to.min(to) - episode.from.max(from)) / (to - from).max(1e-9)).max(0.0);
            if share == 0.0 {
                continue;
            }
            match episode.trouble {
                Trouble::Burst(loss) => {
                    weather.loss += loss * share;
                    weather.jitter += 0.02 * share;
                }
                Trouble::Step(delay) => {
                    weather.delay += delay * share;
                    weather.jitter += 0.1 * delay * share;
                }
                Trouble::Squeeze(rate) => {
                    weather.up = weather.up * (1.0 - share) + weather.up.min(rate) * share;
                    weather.down = weather.down * (1.0 - share) + weather.down.min(rate * 2.0) * share;
                    weather.delay += 0.08 * share;
                    weather.loss += 0.01 * share;
                }
                Trouble::Outage => weather.outage = (weather.outage + share).min(1.0),
            }
        }
        weather
    }

    /// When nothing got through for longer than `seconds`, within a span: from and to.
    pub(super) fn outages(&self, from: f64, to: f64, seconds: f64) -> Vec<(f64, f64)> {
        self.episodes
            .iter()
            .filter(|episode| episode.trouble == Trouble::Outage && episode.to - episode.from > seconds)
            .filter(|episode| episode.from > from && episode.from + seconds < to)
            .map(|episode| (episode.from, episode.to))
            .collect()
    }
}

/// What one direction of a stream meets on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// Seconds, there and back.
    pub(super) round_trip: f64,
    pub(super) jitter: f64,
    pub(super) loss: f64,
    /// Bit/s.
    pub(super) rate: f64,
    pub(super) outage: f64,
}

impl Path {
    /// From one line to another; a server has a line without faults, `None`.
    pub(super) fn join(flight: f64, from: Option<Weather>, to: Option<Weather>) -> Self {
        let part = |weather: Option<Weather>, up: bool| {
            weather.map_or((0.001, 0.000_3, 0.0, 1e9, 0.0), |weather| {
                let rate = if up { weather.up } else { weather.down };
                (weather.delay, weather.jitter, weather.loss, rate, weather.outage)
            })
        };
        let (a, b) = (part(from, true), part(to, false));
        Self {
            round_trip: flight + a.0 + b.0,
            jitter: a.1.hypot(b.1),
            loss: 1.0 - (1.0 - a.2) * (1.0 - b.2),
            rate: a.3.min(b.3),
            outage: 1.0 - (1.0 - a.4) * (1.0 - b.4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_counts_for_the_share_of_time_it_lasts() {
        let line = Line {
            delay: 0.01,
            jitter: 0.0,
            loss: 0.0,
            up: 1e6,
            down: 1e6,
            episodes: vec![
                Episode { from: 5.0, to: 25.0, trouble: Trouble::Burst(0.1) },
                Episode { from: 30.0, to: 36.0, trouble: Trouble::Outage },
            ],
        };
        assert!((line.weather(0.0, 10.0).loss - 0.05).abs() < 1e-9);
        assert!((line.weather(30.0, 40.0).outage - 0.6).abs() < 1e-9);
        assert_eq!(line.outages(0.0, 100.0, 5.0), [(30.0, 36.0)]);
        assert_eq!(line.outages(0.0, 100.0, 7.0), []);
    }
}
