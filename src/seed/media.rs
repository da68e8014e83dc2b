//! One stream of sound or pictures from a sender to a receiver, in steps of ten seconds: what was sent, what arrived,
//! how it was heard and seen. Reports of both ends are readings of the same counters at their own instants.

use super::network::{Line, Path};
use super::random::Dice;

/// Seconds per step.
pub(super) const STEP: f64 = 10.0;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Audio,
    Video,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }

    pub(super) fn letter(self) -> &'static str {
        match self {
            Self::Audio => "a",
            Self::Video => "v",
        }
    }
}

macro_rules! counters {
    ($($field:ident)*) => {
        /// Counters since the stream began.
        #[derive(Clone, Copy, Default, Debug, PartialEq)]
        pub(super) struct Counters {
            $(pub(super) $field: f64,)*
        }

        impl Counters {
            fn between(&self, later: &Self, share: f64) -> Self {
                Self { $($field: self.$field + (later.$field - self.$field) * share,)* }
            }
        }
    };
}

counters! {
    packets_sent bytes_sent header_sent retransmitted_packets retransmitted_bytes
    packets_received bytes_received header_received lost discarded nack pli fec
    frames_sent key_frames encode_time qp limited_cpu limited_bandwidth limited_none resolution_changes
    frames_received frames_decoded frames_dropped decode_time frame_delay squared_frame_delay
    freezes freeze_time buffer_delay buffer_target buffer_emitted
    samples_received concealed silent_concealed concealments inserted removed energy duration
    round_trips round_trip_time
}

/// What holds for a step as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) round_trip: f64,
    pub(super) jitter: f64,
    pub(super) fraction_lost: f64,
    pub(super) level: f64,
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) fps: f64,
    pub(super) target: f64,
    pub(super) limit: &'static str,
    /// What the way could carry, bit/s.
    pub(super) available: f64,
}

/// Who sends: what matters of it to the stream.
pub(super) struct Sender<'a> {
    pub(super) line: Option<&'a Line>,
    /// When the microphone (or camera) is off.
    pub(super) off: &'a [(f64, f64)],
    /// From when on the device is too slow for its camera.
    pub(super) weak_from: Option<f64>,
    /// Whether silence is not sent.
    pub(super) dtx: bool,
    /// How much of the time they talk.
    pub(super) talk: f64,
}

/// A stream.
pub(super) struct Flow {
    pub(super) kind: Kind,
    pub(super) ssrc: u32,
    from: f64,
    to: f64,
    /// One more than there are moments.
    counters: Vec<Counters>,
    moments: Vec<Moment>,
}

/// Pictures by the rate that they need: from bit/s, width, height, fps.
const LADDER: [(f64, i64, i64, f64); 5] = [
    (1.3e6, 1280, 720, 30.0),
    (4.5e5, 640, 360, 30.0),
    (1.6e5, 480, 270, 24.0),
    (7e4, 320, 180, 15.0),
    (0.0, 160, 90, 8.0),
];

impl Flow {
    /// Lets a stream run from `from` to `to`. `streams` share the way; `ceiling` is what the sender would send if it
    /// could, in bit/s.
    pub(super) fn run(
        dice: &mut Dice,
        kind: Kind,
        (from, to): (f64, f64),
        sender: &Sender<'_>,
        receiver: Option<&Line>,
        way: Way,
    ) -> Self {
        let steps = ((to - from) / STEP).ceil().max(1.0) as usize;
        let mut flow = Self {
            kind,
            ssrc: (dice.whole(1, i64::from(u32::MAX))) as u32,
            from,
            to,
            counters: vec![Counters::default()],
            moments: Vec::with_capacity(steps),
        };
        // The buffer falls slowly after a rough stretch.
        let mut buffer = 0.04;
        let mut rung = usize::MAX;
        for step in 0..steps {
            let (start, end) = (from + step as f64 * STEP, from + (step + 1) as f64 * STEP);
            let path = Path::join(
                way.flight,
                sender.line.map(|line| line.weather(start, end)),
                receiver.map(|line| line.weather(start, end)),
            );
            let mut next = *flow.counters.last().unwrap_or(&Counters::default());
            let off = sender.off.iter().any(|&(from, to)| from < start + 5.0 && start + 5.0 < to);
            let loss = (path.loss * dice.between(0.6, 1.4)).min(0.9);
            let jitter = path.jitter * dice.between(0.7, 1.5);
            let wanted = (0.02 + 3.0 * jitter + 0.15 * loss).min(0.5);
            buffer = if wanted > buffer { wanted } else { buffer * 0.8 + wanted * 0.2 };
            let mut moment = Moment {
                round_trip: path.round_trip * dice.between(0.95, 1.1),
                jitter,
                fraction_lost: 1.0 - (1.0 - loss) * (1.0 - path.outage),
                level: 0.0,
                width: 0,
                height: 0,
                fps: 0.0,
                target: 0.0,
                limit: "none",
                available: (path.rate * dice.between(0.75, 0.95)).max(3e4),
            };
            next.round_trips += 2.0;
            next.round_trip_time += 2.0 * moment.round_trip;
            let sent = match kind {
                Kind::Audio => speak(dice, &mut next, &mut moment, sender, off),
                Kind::Video => {
                    let share = moment.available / way.streams;
                    show(
                        dice,
                        &mut next,
                        &mut moment,
                        sender,
                        (off, start, share.min(way.ceiling), loss),
                        &mut rung,
                    )
                }
            };
            arrive(dice, &mut next, &moment, kind, &sent, (loss, path.outage, buffer));
            flow.counters.push(next);
            flow.moments.push(moment);
        }
        flow
    }

    /// Whether the stream ran at that instant, or had run before.
    pub(super) fn has_begun(&self, at: f64) -> bool {
        at > self.from
    }

    /// The counters at an instant.
    pub(super) fn counters(&self, at: f64) -> Counters {
        let steps = (at.min(self.to) - self.from).max(0.0) / STEP;
        let step = (steps as usize).min(self.moments.len() - 1);
        self.counters[step].between(&self.counters[step + 1], (steps - step as f64).clamp(0.0, 1.0))
    }

    /// What holds around an instant.
    pub(super) fn moment(&self, at: f64) -> Moment {
        let step = ((at - self.from).max(0.0) / STEP) as usize;
        self.moments[step.min(self.moments.len() - 1)]
    }
}

/// The way that a stream takes.
#[derive(Clone, Copy)]
pub(super) struct Way {
    /// Seconds for a round trip over the distance alone.
    pub(super) flight: f64,
    /// How many streams share it.
    pub(super) streams: f64,
    /// Bit/s that the sender would send if it could.
    pub(super) ceiling: f64,
}

/// Packets and bytes that left in a step.
struct Sent {
    packets: f64,
    bytes: f64,
    frames: f64,
}

fn speak(dice: &mut Dice, next: &mut Counters, moment: &mut Moment, sender: &Sender<'_>, off: bool) -> Sent {
    let talk = if off { 0.0 } else { (sender.talk * dice.between(0.3, 1.7)).clamp(0.02, 1.0) };
    let silence = match (sender.dtx, off) {
        (true, _) => (400.0, 2.5),
        (false, true) => (1600.0, 50.0),
        (false, false) => (14_000.0, 50.0),
    };
    let rate = 32_000.0 * talk + silence.0 * (1.0 - talk);
    let packets = (50.0 * talk + silence.1 * (1.0 - talk)) * STEP;
    let bytes = rate / 8.0 * STEP;
    moment.level = if off { 0.0 } else { talk * dice.between(0.02, 0.25) };
    moment.target = 32_000.0;
    next.energy += moment.level * moment.level * STEP;
    next.duration += STEP;
    count_sent(next, packets, bytes);
    Sent { packets, bytes, frames: 0.0 }
}

fn show(
    dice: &mut Dice,
    next: &mut Counters,
    moment: &mut Moment,
    sender: &Sender<'_>,
    (off, start, wanted, loss): (bool, f64, f64, f64),
    rung: &mut usize,
) -> Sent {
    let weak = sender.weak_from.is_some_and(|from| start > from);
    // Congestion control backs off under heavy loss.
    let backed_off = if loss > 0.1 { wanted * (1.0 - 0.5 * loss) } else { wanted };
    let wanted = if weak { backed_off.min(4e5) } else { backed_off };
    let found = LADDER.iter().position(|step| wanted >= step.0).unwrap_or(LADDER.len() - 1);
    if *rung != usize::MAX && *rung != found {
        next.resolution_changes += 1.0;
    }
    *rung = found;
    let (_, width, height, fps) = LADDER[found];
    let fps = if weak { (fps * 0.5_f64).max(5.0) } else { fps } * dice.between(0.95, 1.0);
    (moment.width, moment.height, moment.fps) = (width, height, fps.round());
    moment.target = wanted;
    moment.limit = if weak {
        next.limited_cpu += STEP;
        "cpu"
    } else if found > 1 || wanted < 3e5 {
        next.limited_bandwidth += STEP;
        "bandwidth"
    } else {
        next.limited_none += STEP;
        "none"
    };
    if off {
        // A camera that is off sends no frames at all.
        (moment.fps, moment.target) = (0.0, 0.0);
        return Sent { packets: 0.0, bytes: 0.0, frames: 0.0 };
    }
    let bytes = wanted.min(2.5e6) * dice.between(0.8, 1.0) / 8.0 * STEP;
    let frames = (fps * STEP).round();
    let packets = (bytes / 1050.0 + 0.4 * frames).max(frames);
    next.frames_sent += frames;
    next.key_frames += if next.key_frames == 0.0 { 1.0 } else { 0.0 };
    next.encode_time += frames * dice.between(0.004, 0.007) * if weak { 5.0 } else { 1.0 };
    next.qp += frames * if found == 0 { 20.0 } else { 28.0 + 6.0 * found as f64 };
    count_sent(next, packets, bytes);
    let again = packets * loss * 0.8;
    next.retransmitted_packets += again;
    next.retransmitted_bytes += again * 1050.0;
    Sent { packets, bytes, frames }
}

fn count_sent(next: &mut Counters, packets: f64, bytes: f64) {
    next.packets_sent += packets;
    next.bytes_sent += bytes;
    next.header_sent += packets * 28.0;
}

fn arrive(
    dice: &mut Dice,
    next: &mut Counters,
    moment: &Moment,
    kind: Kind,
    sent: &Sent,
    (loss, outage, buffer): (f64, f64, f64),
) {
    let arrived = (1.0 - loss) * (1.0 - outage);
    next.packets_received += sent.packets * arrived;
    next.bytes_received += sent.bytes * arrived;
    next.header_received += sent.packets * arrived * 28.0;
    next.lost += sent.packets * (1.0 - arrived);
    next.discarded += sent.packets * (moment.jitter - 0.03).clamp(0.0, 0.02);
    match kind {
        Kind::Audio => {
            let samples = 48_000.0 * STEP;
            let concealed = samples * ((1.0 - arrived) * 0.9 + (moment.jitter - 0.02).clamp(0.0, 0.05));
            next.samples_received += samples;
            next.concealed += concealed;
            next.silent_concealed += concealed * 0.2;
            next.concealments += (concealed / 2400.0).ceil();
            next.inserted += samples * (moment.jitter * 0.5).min(0.02);
            next.removed += samples * (moment.jitter * 0.45).min(0.02);
            next.buffer_emitted += samples - concealed;
            next.buffer_delay += (samples - concealed) * buffer;
            next.buffer_target += (samples - concealed) * buffer * 0.9;
            next.fec += if loss > 0.03 { (sent.packets * loss * 0.4).floor() } else { 0.0 };
        }
        Kind::Video => {
            // What retransmission could not repair breaks frames: the longer the way, the more.
            let broken = (loss * (0.1 + 2.0 * moment.round_trip).min(1.0) + outage).min(1.0);
            let frames = sent.frames * (1.0 - broken);
            let dropped = frames * (loss * 0.3).min(0.2);
            let decoded = frames - dropped;
            next.nack += sent.packets * loss * 1.1;
            if broken > 0.02 {
                next.pli += (broken * 20.0).ceil();
                next.key_frames += (broken * 6.0).ceil();
            }
            next.frames_received += frames;
            next.frames_decoded += decoded;
            next.frames_dropped += dropped;
            next.decode_time += decoded * dice.between(0.001, 0.003);
            let frozen = (if broken > 0.04 { broken * STEP * dice.between(0.6, 1.0) } else { 0.0 }).min(STEP);
            if frozen > 0.15 {
                next.freezes += (frozen / 1.5).ceil();
                next.freeze_time += frozen;
            }
            if decoded >= 1.0 {
                next.frame_delay += STEP;
                let usual = (STEP - frozen) / decoded;
                next.squared_frame_delay +=
                    decoded * usual * usual * 1.05 + frozen * frozen / (frozen / 1.5).ceil().max(1.0);
            }
            next.buffer_emitted += decoded;
            next.buffer_delay += decoded * (buffer + 0.01);
            next.buffer_target += decoded * buffer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::network::Access;

    fn stream(kind: Kind, line: Option<&Line>) -> Flow {
        let sender = Sender { line: None, off: &[], weak_from: None, dtx: false, talk: 0.5 };
        let way = Way { flight: 0.02, streams: 1.0, ceiling: 1.7e6 };
        Flow::run(&mut Dice::new(1, 1), kind, (3.0, 303.0), &sender, line, way)
    }

    #[test]
    fn counters_never_fall_and_stay_when_the_stream_is_over() {
        let line = Line::draw(&mut Dice::new(4, 4), Access::Mobile, 0.0, 400.0);
        for kind in [Kind::Audio, Kind::Video] {
            let flow = stream(kind, Some(&line));
            let readings: Vec<_> = (0..400).map(|second| flow.counters(f64::from(second))).collect();
            for pair in readings.windows(2) {
                assert!(pair[0].bytes_received <= pair[1].bytes_received && pair[0].lost <= pair[1].lost);
                assert!(pair[1].packets_received + pair[1].lost <= pair[1].packets_sent * 1.000_001);
            }
            assert_eq!(readings[303], readings[399]);
        }
    }

    #[test]
    fn a_good_line_shows_full_pictures_without_freezes() {
        let flow = stream(Kind::Video, None);
        assert_eq!((flow.moment(100.0).height, flow.counters(300.0).freezes), (720, 0.0));
        assert!(flow.counters(300.0).frames_decoded > 8000.0);
    }
}
