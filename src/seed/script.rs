//! Who comes when, and which connections work: the plot of a conference, before a single event is written. It is cheap,
//! so that the plan can read all of them to learn when each person was first seen.

use super::media::Kind;
use super::network::{Access, Line};
use super::platforms::{PLATFORMS, Shape};
use super::random::Dice;
use super::world::World;
use super::{names, streams};
use crate::ids::{ConferenceId, ConnectionId, SessionId};
use crate::units::Timestamp;

/// A conference as planned. All times of a script are seconds since the `start` of its first call.
pub(super) struct Outline {
    /// Names the conference's streams of draws.
    pub(super) slot: usize,
    pub(super) app: usize,
    pub(super) id: ConferenceId,
    pub(super) room: String,
    pub(super) name: Option<String>,
    pub(super) start: Timestamp,
    pub(super) is_active: bool,
    calls: Vec<Call>,
}

/// One call in a room.
struct Call {
    start: f64,
    people: Vec<usize>,
    length: f64,
    over_server: bool,
}

/// How somebody leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Leaving {
    /// By the app's button.
    EndCall,
    /// By closing the page.
    Unload,
    /// Without a word.
    Crash,
}

/// What became of the request for microphone and camera.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Devices {
    Granted,
    /// Refused with this error; they stay as a listener or give up.
    Refused(&'static str, &'static str),
    /// Refused at first, granted at the second try.
    SecondTry(&'static str, &'static str),
}

/// One session.
pub(super) struct Visit {
    pub(super) id: SessionId,
    pub(super) person: usize,
    pub(super) call: usize,
    pub(super) opened: f64,
    pub(super) ready: f64,
    pub(super) left: f64,
    pub(super) leaving: Leaving,
    pub(super) devices: Devices,
    pub(super) sends_audio: bool,
    pub(super) sends_video: bool,
    pub(super) access: Access,
    pub(super) line: Line,
    pub(super) audio_off: Vec<(f64, f64)>,
    pub(super) video_off: Vec<(f64, f64)>,
    pub(super) weak_from: Option<f64>,
    pub(super) talk: f64,
    pub(super) shape: Shape,
    pub(super) is_active: bool,
    connects: bool,
}

impl Visit {
    pub(super) fn sends(&self, kind: Kind) -> bool {
        match kind {
            Kind::Audio => self.sends_audio,
            Kind::Video => self.sends_video,
        }
    }
}

/// The other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Peer {
    Visit(usize),
    /// A media server, a place in [`World::people`].
    Server(usize),
    /// Somebody whose page does not run the SDK.
    Stranger(usize),
}

/// The candidates that a connection settles on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Route {
    /// `host`, `srflx`, `prflx` or `relay`.
    pub(super) local: &'static str,
    pub(super) protocol: &'static str,
    pub(super) relay_protocol: Option<&'static str>,
    pub(super) remote: &'static str,
}

/// One `RTCPeerConnection`.
pub(super) struct Wire {
    pub(super) id: ConnectionId,
    pub(super) visit: usize,
    pub(super) peer: Peer,
    /// The same connection seen from the other end.
    pub(super) twin: Option<usize>,
    pub(super) offers: bool,
    pub(super) sends: bool,
    pub(super) receives: bool,
    pub(super) start: f64,
    pub(super) connected: Option<f64>,
    pub(super) failed: Option<f64>,
    /// Interruptions: disconnected at, connected again at.
    pub(super) breaks: Vec<(f64, f64)>,
    /// When the other side vanished: disconnected at, failed at.
    pub(super) lost: Option<(f64, f64)>,
    /// When this side closed it or left.
    pub(super) stops: f64,
    /// Whether it was closed before its session ended, with a state event.
    pub(super) closed: bool,
    /// When the service saw it end.
    pub(super) ended: Option<f64>,
    pub(super) route: Route,
    /// A STUN or TURN server that did not answer.
    pub(super) candidate_error: Option<i64>,
    /// Whether the stored row misses later updates.
    pub(super) stale: bool,
}

/// The plot of a conference.
pub(super) struct Script {
    pub(super) visits: Vec<Visit>,
    pub(super) wires: Vec<Wire>,
    /// Who was linked to the conference, and when, in that order.
    pub(super) linked: Vec<(usize, f64)>,
    /// How many calls were planned.
    pub(super) calls: usize,
    /// The instant up to which things have happened.
    pub(super) horizon: f64,
}

const ERRORS: [(&str, &str); 6] = [
    ("NotAllowedError", "Permission denied"),
    ("NotAllowedError", "Permission denied by system"),
    ("NotFoundError", "Requested device not found"),
    ("NotReadableError", "Could not start video source"),
    ("OverconstrainedError", "Cannot satisfy constraints"),
    ("AbortError", "Starting videoinput failed"),
];

/// Most stats events of one conference; longer calls are cut short.
const STATS_LIMIT: f64 = 2200.0;
/// The same where all calls are short ones.
const SHORT_STATS_LIMIT: f64 = 40.0;
/// Seconds without events after which an open call is tidied away.
const STALE_AFTER: f64 = 4.0 * 3600.0;

/// How many of the calls go on at the last instant: a few are more than most services have, however long they have been in use.
fn share_going_on(conferences: usize) -> f64 {
    const SHARE: f64 = 0.015;
    const MOST: f64 = 12.0;
    SHARE.min(MOST / conferences.max(1) as f64)
}

impl Outline {
    pub(super) fn draw(world: &World, slot: usize) -> Self {
        let mut dice = Dice::new(world.options.seed, streams::OUTLINE + slot as u64);
        let dice = &mut dice;
        let app = world.draw_app(dice);
        let profile = world.apps[app].profile;
        let fixed = dice.chance(0.2);
        let (room, name) = names::room(dice, slot, fixed);
        let now = !fixed && dice.chance(share_going_on(world.options.conferences));
        let start = if now {
            world.options.end.plus_seconds(-dice.between(60.0, 1200.0))
        } else {
            draw_start(dice, world)
        };
        let size = |dice: &mut Dice| match dice.weighted(profile.sizes) {
            few @ 0..4 => few + 1,
            4 => dice.whole(5, 8) as usize,
            5 => dice.whole(9, 16) as usize,
            _ => dice.whole(17, 30) as usize,
        };
        let size_of_room = if now { dice.whole(2, 4) as usize } else { size(dice) };
        let size_of_room = if world.options.short { size_of_room.min(2) } else { size_of_room };
        // Large meetings are held once.
        let count = match size_of_room {
            _ if !fixed => 1,
            0..=8 => dice.whole(2, 6),
            _ => 1,
        };
        let regulars = world.draw_people(dice, app, size_of_room);
        let rhythm = *dice.pick(&[86_400.0, 86_400.0, 604_800.0, 9_000.0]);
        let horizon = world.options.end.seconds_since(start);
        let mut calls = Vec::new();
        for number in 0..count {
            let jitter = if number == 0 { 0.0 } else { dice.between(-200.0, 200.0) };
            let start = number as f64 * rhythm + jitter;
            if start >= horizon {
                break;
            }
            let mut people = regulars.clone();
            if number > 0 && people.len() > 2 && dice.chance(0.5) {
                let away = dice.below(people.len());
                people.remove(away);
            }
            if now {
                people.truncate(4);
            }
            let length = if now { 7200.0 } else { dice.log_normal(240.0, 0.85).clamp(8.0, 3600.0) };
            let over_server = people.len() > 4 || dice.chance(profile.server_share);
            calls.push(Call { start, people, length, over_server });
        }
        Self {
            slot,
            app,
            id: ConferenceId(dice.uuid()),
            room,
            name,
            start,
            is_active: !dice.chance(0.012),
            calls,
        }
    }
}

impl Outline {
    /// When the conference's row was made: just before the first page was there.
    pub(super) fn created_at(&self) -> Timestamp {
        self.start.plus_seconds(-0.12)
    }
}

/// An instant of the period, by the rhythm of working days; the app's world has a little growth.
fn draw_start(dice: &mut Dice, world: &World) -> Timestamp {
    /// How busy the hours of a day are, in UTC.
    const HOURS: [f64; 24] = [
        0.06, 0.04, 0.03, 0.03, 0.05, 0.12, 0.3, 0.62, 0.92, 1.0, 0.95, 0.8, 0.68, 0.85, 0.95, 0.88, 0.72,
        0.55, 0.45, 0.38, 0.3, 0.22, 0.14, 0.1,
    ];
    let span = f64::from(world.options.days.max(1)) * 86_400.0;
    loop {
        let age = dice.unit() * (span - 1.0).max(1.0);
        let at = world.options.end.plus_seconds(-age - 1.0);
        let days = at.as_micros().div_euclid(86_400_000_000);
        // 1970-01-01 was a Thursday.
        let weekend = matches!((days + 4).rem_euclid(7), 0 | 6);
        let busy = HOURS[usize::from(at.hour()) % 24] * if weekend { 0.22 } else { 1.0 };
        if dice.chance(busy * (1.0 - 0.4 * age / span)) {
            return at;
        }
    }
}

impl Script {
    pub(super) fn draw(world: &World, outline: &Outline) -> Self {
        let mut script = Self {
            visits: Vec::new(),
            wires: Vec::new(),
            linked: Vec::new(),
            calls: outline.calls.len(),
            horizon: world.options.end.seconds_since(outline.start),
        };
        let mut dice = Dice::new(world.options.seed, streams::SCRIPT + outline.slot as u64);
        for (number, call) in outline.calls.iter().enumerate() {
            script.act(&mut dice, world, outline, number, call);
        }
        script.link(world);
        script
    }

    fn act(&mut self, dice: &mut Dice, world: &World, outline: &Outline, number: usize, call: &Call) {
        let profile = world.apps[outline.app].profile;
        let count = call.people.len();
        let length = call.length.min(longest(
            if world.options.short { SHORT_STATS_LIMIT } else { STATS_LIMIT },
            count,
            call.over_server,
            outline.calls.len(),
        ));
        let first = self.visits.len();
        // The cast, with each one's first and last instant; who is late comes while the others talk.
        let mut joined = call.start;
        let mut entrances = vec![joined];
        for _ in 1..count {
            let late = if dice.chance(0.12) { dice.between(0.2, 0.6) * length } else { 0.0 };
            joined = call.start + dice.wait(20.0).min(length * 0.4) + 1.5 + late;
            entrances.push(joined);
        }
        let begin = if count > 1 { entrances[1] } else { call.start };
        let end = if count > 1 { begin + length } else { begin + dice.between(20.0, 400.0) };
        for (place, &person) in call.people.iter().enumerate() {
            let opened = entrances[place];
            let early = place > 1 && dice.chance(0.15);
            let mut left = if early { opened + (end - opened) * dice.unit() } else { end + dice.wait(1.5) };
            left = left.max(opened + 3.0);
            let absent = count > 2 && place > 0 && dice.chance(0.04);
            if absent {
                left = opened + dice.between(3.0, 20.0);
            }
            let role = Role { absent, crowd: count > 8 && place > 0 };
            if !absent && left - opened > 60.0 && dice.chance(0.07) {
                let parted = opened + (left - opened) * dice.between(0.2, 0.8);
                let how = if dice.chance(0.1) { Leaving::Crash } else { Leaving::Unload };
                self.enter(
                    dice,
                    world,
                    (person, number),
                    Stay { opened, left: parted, leaving: Some(how) },
                    &role,
                );
                let back = (parted + dice.between(3.0, 45.0)).min(left - 2.0);
                self.enter(dice, world, (person, number), Stay { opened: back, left, leaving: None }, &role);
            } else {
                self.enter(dice, world, (person, number), Stay { opened, left, leaving: None }, &role);
            }
        }
        let visits = first..self.visits.len();
        if call.over_server {
            let server =
                world.apps[outline.app].servers.start + dice.below(world.apps[outline.app].servers.len());
            for visit in visits.clone() {
                if profile.two_way {
                    self.reach(dice, visit, Peer::Server(server), (true, false), profile.tidies);
                    self.reach(dice, visit, Peer::Server(server), (false, true), profile.tidies);
                } else {
                    self.reach(dice, visit, Peer::Server(server), (true, true), profile.tidies);
                }
            }
        } else {
            let failed = self.mesh(dice, visits.clone(), profile.tidies);
            if failed && count == 2 {
                // They wait for half a minute, then give up.
                let give_up = begin + dice.between(18.0, 60.0);
                self.shorten(visits.clone(), give_up, profile.tidies);
            }
            if dice.chance(0.03) && count < 4 {
                let stranger = world
                    .draw_people(dice, outline.app, 5)
                    .into_iter()
                    .find(|person| !call.people.contains(person));
                if let Some(stranger) = stranger {
                    for visit in visits {
                        self.reach(dice, visit, Peer::Stranger(stranger), (true, true), profile.tidies);
                    }
                }
            }
        }
    }

    fn enter(
        &mut self,
        dice: &mut Dice,
        world: &World,
        (person, call): (usize, usize),
        Stay { opened, left, leaving }: Stay,
        role: &Role,
    ) {
        let who = &world.people[person];
        let platform = &PLATFORMS[who.platform];
        let error = *dice.pick(&ERRORS);
        let devices = match dice.weighted([94.0, 3.5, 2.5]) {
            0 => Devices::Granted,
            1 => Devices::Refused(error.0, error.1),
            _ => Devices::SecondTry(error.0, error.1),
        };
        let waited = match devices {
            Devices::SecondTry(..) => dice.between(4.0, 12.0),
            _ => dice.log_normal(0.6, 0.7).min(8.0),
        };
        let granted = !matches!(devices, Devices::Refused(..));
        // In a crowd, most only listen.
        let listens = role.crowd && dice.chance(0.55);
        let sends_audio = granted && !listens;
        let sends_video = sends_audio && !dice.chance(if role.crowd { 0.7 } else { 0.12 });
        let leaving = leaving.unwrap_or_else(|| match dice.weighted([62.0, 37.4, 0.6]) {
            0 => Leaving::EndCall,
            1 => Leaving::Unload,
            _ => Leaving::Crash,
        });
        let off = |dice: &mut Dice, chance: f64| {
            if !dice.chance(chance) || left - opened < 30.0 {
                return Vec::new();
            }
            let from = opened + (left - opened) * dice.between(0.1, 0.7);
            vec![(from, (from + dice.log_normal(45.0, 0.9)).min(left - 1.0))]
        };
        let access = match who.access {
            // Whoever is on the move has another line now and then.
            Access::Wifi | Access::Mobile if dice.chance(0.2) => {
                if dice.chance(0.5) {
                    Access::Wifi
                } else {
                    Access::Mobile
                }
            }
            access => access,
        };
        let again = self.visits.iter().any(|visit| visit.person == person);
        self.visits.push(Visit {
            id: SessionId(dice.uuid()),
            person,
            call,
            opened,
            ready: (opened + 0.2 + waited).min(left),
            left,
            leaving,
            devices,
            sends_audio,
            sends_video,
            access,
            line: Line::draw(dice, access, opened, left),
            audio_off: off(dice, 0.2),
            video_off: off(dice, 0.15),
            weak_from: dice.chance(platform.weak).then(|| opened + dice.between(10.0, 120.0)),
            talk: dice.between(0.1, 0.8),
            shape: platform.shape,
            // A deleted session goes with all that belongs to it.
            is_active: again || !dice.chance(0.006),
            connects: !role.absent && (granted || dice.chance(0.5)),
        });
    }

    /// Connects everyone with everyone who is there at the same time; whether one of them failed.
    fn mesh(&mut self, dice: &mut Dice, visits: std::ops::Range<usize>, tidies: bool) -> bool {
        let mut failed = false;
        for late in visits.clone() {
            for early in visits.start..late {
                let (a, b) = (&self.visits[early], &self.visits[late]);
                let start = a.ready.max(b.ready) + dice.between(0.2, 0.9);
                if !a.connects || !b.connects || a.person == b.person || start + 0.5 > a.left.min(b.left) {
                    continue;
                }
                let (offer, answer) = if a.ready > b.ready { (early, late) } else { (late, early) };
                let works = attempt(dice, self.visits[offer].access, self.visits[answer].access);
                let near = dice.chance(0.1);
                let settle = settling_time(dice, self.visits[offer].access, self.visits[answer].access);
                let gives_up = start + dice.between(15.0, 31.0);
                let at = self.wires.len();
                for (visit, peer, offset, offers, twin) in
                    [(offer, answer, 0.0, true, at + 1), (answer, offer, dice.between(0.03, 0.25), false, at)]
                {
                    let route = route(dice, self.visits[visit].access, Some(self.visits[peer].access), near);
                    let mut wire = self.wire(dice, visit, Peer::Visit(peer), start + offset, route, tidies);
                    wire.offers = offers;
                    wire.twin = Some(twin);
                    if works {
                        wire.connected = Some(start + settle + dice.between(0.0, 0.12));
                    } else {
                        wire.failed = Some(gives_up + offset);
                        failed = true;
                    }
                    self.wires.push(wire);
                }
                self.part(dice, at);
            }
        }
        failed
    }

    /// Connects a visit with a server or a stranger.
    fn reach(
        &mut self,
        dice: &mut Dice,
        visit: usize,
        peer: Peer,
        (sends, receives): (bool, bool),
        tidies: bool,
    ) {
        let who = &self.visits[visit];
        let start = who.ready + dice.between(0.15, 0.7);
        if !who.connects || start + 0.5 > who.left {
            return;
        }
        let works = attempt(dice, who.access, Access::Fibre);
        let other = match peer {
            Peer::Stranger(_) => Some(Access::Wifi),
            _ => None,
        };
        let settle = settling_time(dice, who.access, Access::Fibre) * 0.6;
        let route = route(dice, who.access, other, false);
        let mut wire = self.wire(dice, visit, peer, start, route, tidies);
        wire.offers = matches!(peer, Peer::Stranger(_)) || dice.chance(0.3);
        (wire.sends, wire.receives) = (sends, receives);
        if works {
            wire.connected = Some(start + settle);
        } else {
            wire.failed = Some(start + dice.between(15.0, 31.0));
        }
        self.wires.push(wire);
        let at = self.wires.len() - 1;
        self.interrupt(dice, at);
    }

    fn wire(
        &self,
        dice: &mut Dice,
        visit: usize,
        peer: Peer,
        start: f64,
        route: Route,
        tidies: bool,
    ) -> Wire {
        let who = &self.visits[visit];
        Wire {
            id: ConnectionId(dice.uuid()),
            visit,
            peer,
            twin: None,
            offers: true,
            sends: true,
            receives: true,
            start,
            connected: None,
            failed: None,
            breaks: Vec::new(),
            lost: None,
            stops: who.left,
            closed: false,
            ended: end_of(who, tidies, dice.between(0.0, 600.0)),
            route,
            candidate_error: dice.chance(0.03).then(|| *dice.pick(&[701, 701, 701, 401])),
            stale: dice.chance(0.03),
        }
    }

    /// What happens to the two ends of a connection when one side leaves first, and in between.
    fn part(&mut self, dice: &mut Dice, at: usize) {
        let (a, b) = (self.wires[at].visit, self.wires[at + 1].visit);
        let leaves_first = if self.visits[a].left < self.visits[b].left { (a, at + 1) } else { (b, at) };
        let (gone, stays) = (&self.visits[leaves_first.0], leaves_first.1);
        let stayer = &self.visits[self.wires[stays].visit];
        let noticed = gone.left + dice.between(0.1, 0.9);
        if noticed < stayer.left - 0.2 {
            let polite = gone.leaving != Leaving::Crash && dice.chance(0.85);
            let wire = &mut self.wires[stays];
            if polite {
                wire.stops = noticed;
                wire.closed = true;
                wire.ended = Some(noticed);
            } else {
                wire.lost = Some((gone.left + dice.between(4.0, 7.0), gone.left + dice.between(16.0, 24.0)));
            }
        }
        self.interrupt(dice, at);
        // Both ends see the same interruptions.
        let breaks = self.wires[at].breaks.clone();
        self.interrupt(dice, at + 1);
        let theirs = self.wires[at + 1].breaks.clone();
        for (to, extra) in [(at, theirs), (at + 1, breaks)] {
            let wire = &mut self.wires[to];
            wire.breaks.extend(extra);
            wire.breaks.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut free_from = f64::MIN;
            let stops = wire.stops.min(wire.lost.map_or(f64::MAX, |lost| lost.0));
            wire.breaks.retain(|&(from, to)| {
                let fits = from > free_from && to < stops;
                if fits {
                    free_from = to + 1.0;
                }
                fits
            });
        }
    }

    /// Long outages of a line interrupt its connections.
    fn interrupt(&mut self, dice: &mut Dice, at: usize) {
        let wire = &self.wires[at];
        let Some(connected) = wire.connected else { return };
        let outages = self.visits[wire.visit].line.outages(connected + 1.0, wire.stops - 1.0, 5.0);
        let breaks: Vec<_> = outages
            .into_iter()
            .map(|(from, to)| (from + 5.0, to.max(from + 5.2) + dice.between(0.2, 1.0)))
            .collect();
        let stops = wire.stops;
        self.wires[at].breaks = breaks.into_iter().filter(|&(_, to)| to < stops).collect();
    }

    /// Lets everyone of a call leave by `at`, if they had meant to stay longer.
    fn shorten(&mut self, visits: std::ops::Range<usize>, at: f64, tidies: bool) {
        for (place, visit) in visits.clone().enumerate() {
            let who = &mut self.visits[visit];
            who.left = who.left.min(at + place as f64 * 0.8).max(who.ready + 1.0);
        }
        for wire in &mut self.wires {
            if visits.contains(&wire.visit) {
                let who = &self.visits[wire.visit];
                if wire.stops > who.left || wire.ended.is_none_or(|ended| ended > who.left) {
                    wire.stops = who.left;
                    wire.closed = false;
                    wire.ended = end_of(who, tidies, 300.0);
                }
                wire.breaks.clear();
                wire.lost = None;
            }
        }
    }

    /// Finds who is linked to the conference: whoever opened the page, and whoever was connected to.
    fn link(&mut self, world: &World) {
        let mut seen: Vec<(usize, f64)> =
            self.visits.iter().map(|visit| (visit.person, visit.opened)).collect();
        for wire in &self.wires {
            if let Peer::Server(person) | Peer::Stranger(person) = wire.peer {
                seen.push((person, wire.start));
            }
        }
        seen.retain(|&(_, at)| at <= self.horizon);
        seen.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        for (person, at) in seen {
            debug_assert!(person < world.people.len());
            if !self.linked.iter().any(|&(linked, _)| linked == person) {
                self.linked.push((person, at));
            }
        }
    }
}

/// How long a visit lasts, and how it ends if that is certain.
struct Stay {
    opened: f64,
    left: f64,
    leaving: Option<Leaving>,
}

struct Role {
    /// Opens the page, but is gone before anything connects.
    absent: bool,
    /// One of many, in a large call.
    crowd: bool,
}

/// When the service sees the connections of a visit end.
fn end_of(visit: &Visit, tidies: bool, lag: f64) -> Option<f64> {
    match visit.leaving {
        Leaving::EndCall | Leaving::Unload => Some(visit.left),
        Leaving::Crash => tidies.then_some(visit.left + STALE_AFTER + lag),
    }
}

/// Seconds that a call may last without too many stats events.
fn longest(stats: f64, people: usize, over_server: bool, calls: usize) -> f64 {
    let people = people.max(2) as f64;
    // Events per poll: one of each connection, one of each own track; few in a crowd send.
    let per_poll = match (over_server, people > 8.0) {
        (true, true) => people * 2.6,
        (true, false) => people * 4.5,
        (false, _) => people * (people - 1.0) * 3.2,
    };
    10.0 * stats / per_poll / calls as f64
}

/// Whether two sides find a way to each other.
fn attempt(dice: &mut Dice, a: Access, b: Access) -> bool {
    a != Access::Blocked && b != Access::Blocked && !dice.chance(0.008)
}

/// Seconds from addConnection to connected.
fn settling_time(dice: &mut Dice, a: Access, b: Access) -> f64 {
    let relayed = [a, b].iter().any(|access| matches!(access, Access::Office | Access::Firewall));
    let mobile = [a, b].contains(&Access::Mobile);
    let median = 0.7 + if relayed { 1.1 } else { 0.0 } + if mobile { 0.6 } else { 0.0 };
    (0.35 + dice.log_normal(median, 0.6)).min(14.0)
}

/// The candidates that one side settles on; `other` is none for a server with a public address.
fn route(dice: &mut Dice, own: Access, other: Option<Access>, near: bool) -> Route {
    let relays = |access| matches!(access, Access::Office | Access::Firewall);
    let remote = match other {
        None => "host",
        Some(access) if relays(access) => "relay",
        Some(_) if near => "host",
        Some(_) => *dice.pick(&["srflx", "srflx", "prflx"]),
    };
    let (local, protocol, relay_protocol) = match own {
        Access::Firewall if other.is_none() && dice.chance(0.6) => {
            (*dice.pick(&["host", "prflx"]), "tcp", None)
        }
        Access::Firewall => ("relay", "udp", Some(*dice.pick(&["tcp", "tls"]))),
        Access::Office => ("relay", "udp", Some("udp")),
        _ if near => ("host", "udp", None),
        _ if other.is_none() => (*dice.pick(&["srflx", "prflx", "host"]), "udp", None),
        _ => (*dice.pick(&["srflx", "srflx", "prflx", "host"]), "udp", None),
    };
    Route { local, protocol, relay_protocol, remote }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_calls_go_on_however_many_there_are() {
        for few in [0, 1, 800] {
            assert!((0.014..0.016).contains(&share_going_on(few)), "of {few}");
        }
        for conferences in [801, 10_000, 1_000_000] {
            let expected = share_going_on(conferences) * conferences as f64;
            assert!((11.9..=12.1).contains(&expected), "{expected} of {conferences}");
        }
    }
}
