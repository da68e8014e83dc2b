//! From a script to rows: every event that the SDK would have sent, in order, and what the service would have made of
//! them. Streams and polls are in [`super::polls`].

use std::ops::Range;

use super::json::{Object, array};
use super::media::Kind;
use super::platforms;
use super::polls;
use super::random::Dice;
use super::script::{Devices, Leaving, Outline, Peer, Route, Script, Visit, Wire};
use super::signals::{self, Endpoint, TrackDetails};
use super::world::{App, World};
use super::{SeedConference, Stored, SummaryIdentity, places, streams};
use crate::ids::{EventId, IssueId, ParticipantId, TrackId};
use crate::snapshot::{ConferenceRow, ConnectionRow, EventRow, IssueRow, Json, SessionRow, TrackRow};
use crate::units::Timestamp;

/// What becomes of a conference's stats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// No summary row, raw stats kept.
    NoSummary,
    /// The row says that the summary is being built, or that it failed.
    Unfinished(&'static str),
    /// A summary, raw stats kept.
    Kept,
    /// A summary of the last call, all raw stats deleted.
    CleanedUp,
    /// A summary that was built anew after the clean-up, of nothing.
    Emptied,
}

/// A conference being told.
pub(super) struct Story<'a> {
    pub(super) world: &'a World,
    pub(super) outline: &'a Outline,
    pub(super) script: &'a Script,
    pub(super) dice: Dice,
    pub(super) told: SeedConference,
    /// The rows of own tracks, by visit.
    pub(super) own_tracks: Vec<Vec<OwnTrack>>,
}

/// A track that a visit captured.
pub(super) struct OwnTrack {
    pub(super) kind: Kind,
    pub(super) row: TrackId,
    /// The browser's id.
    pub(super) id: String,
}

/// Where an event belongs.
#[derive(Clone, Copy, Default)]
pub(super) struct Links {
    pub(super) wire: Option<usize>,
    pub(super) track: Option<TrackId>,
}

/// What a wire's events made of its row.
#[derive(Default)]
struct WireState {
    state: &'static str,
    negotiations: Vec<Negotiation>,
}

struct Negotiation {
    r#type: &'static str,
    status: &'static str,
    start: Timestamp,
    end: Option<(Timestamp, bool)>,
}

impl WireState {
    fn begin(&mut self, r#type: &'static str, start: Timestamp) {
        if self.negotiations.last().is_none_or(|last| last.status != "connecting") {
            self.negotiations.push(Negotiation { r#type, status: "connecting", start, end: None });
        }
    }

    fn settle(&mut self, status: &'static str, at: Timestamp) {
        if let Some(last) = self.negotiations.last_mut() {
            last.status = status;
            last.end = Some((at, true));
        }
    }

    fn fail(&mut self) {
        if let Some(last) = self.negotiations.last_mut() {
            last.status = "failed";
        }
    }

    /// Open negotiations of a connection that ends have failed.
    fn close(&mut self, at: Timestamp) {
        for negotiation in &mut self.negotiations {
            if negotiation.end.is_none() {
                negotiation.status = "failed";
                negotiation.end = Some((at, false));
            }
        }
    }

    fn json(&self) -> String {
        let items: Vec<_> = self
            .negotiations
            .iter()
            .map(|negotiation| {
                let object = Object::new()
                    .text("type", negotiation.r#type)
                    .text("status", negotiation.status)
                    .text("start_time", &negotiation.start.api());
                match negotiation.end {
                    Some((end, timed)) => {
                        let object = object.text("end_time", &end.api());
                        if timed {
                            object.count("duration", end.seconds_since(negotiation.start).max(0.0))
                        } else {
                            object.raw("duration", "null")
                        }
                    }
                    None => object.raw("end_time", "null").raw("duration", "null"),
                }
                .end()
            })
            .collect();
        array(&items)
    }
}

/// A step of a connection's life.
enum Step {
    PeerDetails,
    Add,
    NegotiationNeeded,
    Signaling(&'static str, usize),
    Gathering(&'static str),
    Candidate(&'static str, &'static str),
    NoMoreCandidates,
    CandidateError(i64),
    Track(usize, TrackDetails),
    Unmute(usize),
    Ended(usize),
    DataChannel,
    Ice(&'static str),
    Transport(&'static str),
}

/// Tells the conference of an outline.
pub(super) fn tell(world: &World, outline: &Outline) -> SeedConference {
    let script = Script::draw(world, outline);
    let mut story = Story {
        world,
        outline,
        script: &script,
        dice: Dice::new(world.options.seed, streams::STORY + outline.slot as u64),
        told: SeedConference::default(),
        own_tracks: Vec::new(),
    };
    for visit in 0..script.visits.len() {
        story.visit(visit);
    }
    for wire in 0..script.wires.len() {
        story.wire(wire);
    }
    for visit in 0..script.visits.len() {
        story.verdict(visit);
    }
    story.conclude();
    story.told
}

impl Story<'_> {
    pub(super) fn app(&self) -> &App {
        &self.world.apps[self.outline.app]
    }

    pub(super) fn at(&self, seconds: f64) -> Timestamp {
        self.outline.start.plus_seconds(seconds)
    }

    /// The instant, if it has come yet.
    pub(super) fn past(&self, seconds: f64) -> Option<Timestamp> {
        (seconds <= self.script.horizon).then(|| self.at(seconds))
    }

    pub(super) fn participant(&self, visit: usize) -> ParticipantId {
        self.world.people[self.script.visits[visit].person].row.row.id
    }

    pub(super) fn peer(&self, wire: &Wire) -> ParticipantId {
        match wire.peer {
            Peer::Visit(visit) => self.participant(visit),
            Peer::Server(person) | Peer::Stranger(person) => self.world.people[person].row.row.id,
        }
    }

    /// Stores an event, unless it is still to come.
    pub(super) fn event(
        &mut self,
        at: f64,
        visit: usize,
        (r#type, category): (&str, &str),
        data: Option<String>,
        links: Links,
    ) -> Option<EventId> {
        let created_at = self.past(at)?;
        let who = &self.script.visits[visit];
        let id = EventId(self.dice.uuid());
        let wire = links.wire.map(|wire| &self.script.wires[wire]);
        let is_active = who.is_active && (r#type == "stats" || !self.dice.chance(0.001));
        let row = EventRow {
            id,
            r#type: r#type.to_owned(),
            category: category.to_owned(),
            data: data.map(Json),
            created_at,
            app_id: self.app().row.row.id,
            conference_id: self.outline.id,
            participant_id: self.participant(visit),
            session_id: who.id,
            peer_id: wire.map(|wire| self.peer(wire)),
            connection_id: wire.map(|wire| wire.id),
            track_id: links.track,
        };
        self.told.events.push(Stored { row, is_active });
        Some(id)
    }

    /// Stores an issue, unless it is still to come.
    pub(super) fn issue(
        &mut self,
        at: f64,
        visit: usize,
        (r#type, code): (&str, &str),
        data: Option<String>,
        wire: Option<usize>,
    ) {
        let Some(created_at) = self.past(at) else { return };
        let who = &self.script.visits[visit];
        // The service forgets the conference of these two.
        let knows_conference = !matches!(code, "turn_used" | "icecandidateerror");
        let row = IssueRow {
            id: IssueId(self.dice.uuid()),
            r#type: r#type.to_owned(),
            code: code.to_owned(),
            data: data.map(Json),
            created_at,
            session_id: who.id,
            conference_id: knows_conference.then_some(self.outline.id),
            participant_id: Some(self.participant(visit)),
            connection_id: wire.map(|wire| self.script.wires[wire].id),
            track_id: None,
            in_conference_id: self.outline.id,
        };
        let is_active = who.is_active && !self.dice.chance(0.01);
        self.told.issues.push(Stored { row, is_active });
    }

    fn wires_of(&self, visit: usize) -> impl Iterator<Item = &Wire> {
        self.script.wires.iter().filter(move |wire| wire.visit == visit)
    }

    /// When the service learns that a visit is over.
    fn goodbye(&self, visit: &Visit) -> Option<f64> {
        (visit.leaving != Leaving::Crash && visit.left <= self.script.horizon).then_some(visit.left)
    }

    /// The session and what happens in it besides connections.
    fn visit(&mut self, at: usize) {
        let script = self.script;
        let visit = &script.visits[at];
        self.own_tracks.push(Vec::new());
        if visit.opened > script.horizon {
            return;
        }
        let person = &self.world.people[visit.person];
        let end_time = self.goodbye(visit).map(|left| self.at(left));
        let created_at = self.at(visit.opened);
        let first_wire = self.wires_of(at).map(|wire| wire.start).fold(f64::MAX, f64::min);
        let granted = !matches!(visit.devices, Devices::Refused(..));
        let devices = match self.dice.weighted([93.0, 2.0, 3.0, 2.0]) {
            _ if !granted => Some("[]".to_owned()),
            0 => Some(platforms::devices(&mut self.dice, person.labels)),
            1 => None,
            2 => Some("[]".to_owned()),
            _ => Some(
                Object::new()
                    .text("kind", "audioinput")
                    .text("label", "Default")
                    .text("groupId", "")
                    .text("deviceId", "default")
                    .end(),
            ),
        };
        let platform = match self.dice.weighted([98.0, 1.0, 1.0]) {
            0 => Some(platforms::describe(person.platform, created_at, person.lag)),
            1 => Some("{}".to_owned()),
            _ => None,
        };
        let profile = self.app().profile;
        let row = SessionRow {
            id: visit.id,
            devices: devices.map(Json),
            platform: platform.map(Json),
            metadata: self.metadata().map(Json),
            geo_ip: places::geo_ip(&mut self.dice, person.city).map(Json),
            app_version: self.version(created_at),
            webrtc_sdk: profile.sdk.map(str::to_owned),
            session_info: Some(Json("{}".to_owned())),
            duration: end_time.map_or(0, |end| end.seconds_since(created_at) as i64),
            end_time,
            call_start: if end_time.is_none() { self.past(first_wire) } else { None },
            created_at,
            conference_id: self.outline.id,
            participant_id: self.participant(at),
        };
        self.told.sessions.push(Stored { row, is_active: visit.is_active });
        let earlier = script.visits[..at].iter().any(|other| other.person == visit.person);
        if earlier {
            self.issue(visit.opened + 0.018, at, ("w", "multiple_rejoins"), None, None);
        }
        self.ask_for_devices(at);
        self.chatter(at);
        self.leave(at);
    }

    fn metadata(&mut self) -> Option<String> {
        let plan = *self.dice.pick(&["free", "pro", "clinic \"plus\""]);
        let object = Object::new().text("plan", plan);
        match self.dice.weighted([45.0, 35.0, 15.0, 5.0]) {
            0 => None,
            1 => Some(object.end()),
            2 => Some(object.flag("beta", self.dice.chance(0.5)).int("seat", self.dice.whole(-1, 400)).end()),
            _ => Some(object.text("<b>note</b>", "{{constructor}}").text("url", "javascript:alert(1)").end()),
        }
    }

    /// The app's version: later calls have later ones.
    fn version(&mut self, at: Timestamp) -> Option<String> {
        let versions = self.app().profile.versions;
        let span = f64::from(self.world.options.days.max(1)) * 86_400.0;
        let age = self.world.options.end.seconds_since(at) / span;
        let newest = ((1.0 - age).clamp(0.0, 0.999) * versions.len() as f64) as usize;
        let behind = usize::from(self.dice.chance(0.2));
        (!self.dice.chance(0.05)).then(|| versions[newest.saturating_sub(behind)].to_owned())
    }

    fn ask_for_devices(&mut self, at: usize) {
        let script = self.script;
        let visit = &script.visits[at];
        let kind = ("getUserMedia", "M");
        let (audio, video) = (true, visit.sends_video || self.dice.chance(0.5));
        let listens_only = visit.devices == Devices::Granted && !visit.sends_audio;
        if listens_only {
            return;
        }
        let mut asked = visit.opened + 0.05;
        if let Devices::Refused(name, message) | Devices::SecondTry(name, message) = visit.devices {
            let refused = (visit.opened + self.dice.between(0.3, 3.0)).min(visit.ready - 0.02);
            self.event(asked, at, kind, Some(signals::media_request(audio, video)), Links::default());
            let error = Object::new().text("name", name).text("message", message).end();
            let data = Object::new().raw("error", &error).end();
            self.event(refused, at, kind, Some(data), Links::default());
            self.issue(refused + 0.01, at, ("w", "getusermedia_error"), Some(error), None);
            if matches!(visit.devices, Devices::Refused(..)) {
                return;
            }
            asked = (refused + self.dice.between(0.5, 2.0)).min(visit.ready - 0.01);
        }
        let request = signals::media_request(audio, visit.sends_video);
        self.event(asked, at, kind, Some(request), Links::default());
        let labels = self.world.people[visit.person].labels;
        let tracks: Vec<_> = [(Kind::Audio, labels.0), (Kind::Video, labels.1)]
            .into_iter()
            .filter(|&(kind, _)| visit.sends(kind))
            .map(|(kind, label)| TrackDetails {
                kind,
                id: self.dice.uuid().to_string(),
                label: label.to_owned(),
                remote: false,
            })
            .collect();
        if self
            .event(visit.ready, at, kind, Some(signals::media_granted(&tracks)), Links::default())
            .is_none()
        {
            return;
        }
        let connection_id = self
            .wires_of(at)
            .filter(|wire| wire.sends && wire.start <= script.horizon)
            .min_by(|a, b| a.start.total_cmp(&b.start))
            .map(|wire| wire.id);
        for track in tracks {
            let row = TrackRow {
                id: TrackId(self.dice.uuid()),
                kind: track.kind.letter().to_owned(),
                direction: "o".to_owned(),
                track_id: track.id.clone(),
                label: Some(track.label.clone()),
                track_info: Some(Json(track.info(false))),
                created_at: self.at(visit.ready + 0.01),
                connection_id,
                session_id: visit.id,
                conference_id: self.outline.id,
            };
            self.own_tracks[at].push(OwnTrack { kind: track.kind, row: row.id, id: track.id });
            self.told.tracks.push(Stored { row, is_active: visit.is_active });
        }
    }

    /// Mute buttons, tabs, devices, and what apps report on their own.
    fn chatter(&mut self, at: usize) {
        let script = self.script;
        let visit = &script.visits[at];
        for &(from, to) in &visit.audio_off {
            for (when, name) in [(from, "mute"), (to, "unmute")] {
                if when > visit.ready && when < visit.left {
                    let data = Object::new().text("eventName", name).end();
                    self.event(when, at, ("custom", "B"), Some(data), Links::default());
                }
            }
        }
        for &(from, to) in &visit.video_off {
            let track =
                self.own_tracks[at].iter().find(|track| track.kind == Kind::Video).map(|track| track.row);
            for (when, name) in [(from, "mute"), (to, "unmute")] {
                if track.is_some() && when > visit.ready && when < visit.left {
                    self.event(when, at, (name, "T"), Some("{}".to_owned()), Links { wire: None, track });
                }
            }
        }
        let stay = visit.left - visit.ready;
        if stay < 5.0 {
            return;
        }
        for (chance, r#type, data) in [
            (0.25, "tabFocus", None),
            (0.04, "mediaDeviceChange", None),
            (0.05, "custom", Some(r#"{"eventName":"hand raised","description":"asked a question"}"#)),
            (0.03, "custom", Some(r#"{"eventName":"screen share","description":"<b>started</b>"}"#)),
            (0.01, "custom", Some(r#"["anything", 1, null]"#)),
        ] {
            if self.dice.chance(chance) {
                let when = visit.ready + stay * self.dice.unit();
                self.event(when, at, (r#type, "B"), data.map(str::to_owned), Links::default());
            }
        }
    }

    fn leave(&mut self, at: usize) {
        let script = self.script;
        let visit = &script.visits[at];
        match visit.leaving {
            Leaving::EndCall => {
                self.event(visit.left, at, ("endCall", "B"), None, Links::default());
                if self.dice.chance(0.25) {
                    let closed = visit.left + self.dice.between(1.0, 15.0);
                    self.event(closed, at, ("beforeunload", "B"), None, Links::default());
                    self.event(closed + 0.014, at, ("unload", "B"), None, Links::default());
                }
            }
            Leaving::Unload => {
                self.event(visit.left - 0.014, at, ("beforeunload", "B"), None, Links::default());
                self.event(visit.left, at, ("unload", "B"), None, Links::default());
            }
            Leaving::Crash => {}
        }
    }

    /// What the service concludes about a session that said goodbye.
    fn verdict(&mut self, at: usize) {
        let script = self.script;
        let visit = &script.visits[at];
        let Some(left) = self.goodbye(visit) else { return };
        if matches!(visit.devices, Devices::Refused(..)) {
            self.issue(left + 0.02, at, ("e", "no_media_access"), None, None);
        }
        let wires: Vec<&Wire> =
            script.wires.iter().filter(|wire| wire.visit == at && wire.start < left).collect();
        let unconnected = |wire: &&Wire| wire.connected.is_none_or(|at| at > wire.stops);
        let never = !wires.is_empty() && wires.iter().all(unconnected);
        if never {
            self.issue(left + 0.03, at, ("e", "no_connection"), None, None);
        }
    }

    /// A connection's row, tracks and events.
    fn wire(&mut self, at: usize) {
        let script = self.script;
        let wire = &script.wires[at];
        let visit = &script.visits[wire.visit];
        if wire.start > script.horizon {
            return;
        }
        let mut steps = self.steps(at);
        steps.retain(|&(when, _)| when <= wire.stops && when <= script.horizon);
        steps.sort_by(|a, b| a.0.total_cmp(&b.0));
        let endpoint = Endpoint::draw(&mut self.dice, visit.access);
        let mut state = WireState { state: "new", ..WireState::default() };
        let mut tracks: Vec<Option<TrackId>> = Vec::new();
        for (when, step) in steps {
            self.step(at, when, step, &endpoint, &mut state, &mut tracks);
        }
        let ended = wire.ended.and_then(|ended| self.past(ended));
        if let Some(end) = ended {
            state.close(end);
        }
        let first_poll = wire.start + 10.0;
        let works =
            wire.connected.is_some_and(|connected| connected < wire.stops && connected <= script.horizon);
        let polled = works && first_poll < wire.stops.min(script.horizon);
        let (tcp, turn) = (wire.route.protocol == "tcp", wire.route.local == "relay");
        if polled && tcp {
            self.issue(first_poll + 0.06, wire.visit, ("w", "tcp_used"), None, Some(at));
        }
        if polled && turn {
            self.issue(first_poll + 0.06, wire.visit, ("w", "turn_used"), None, Some(at));
        }
        let info = Object::new()
            .flag("detected_tcp", polled && tcp)
            .flag("detected_turn", polled && turn)
            .raw("negotiations", &state.json())
            .end();
        let start = self.at(wire.start);
        let row = ConnectionRow {
            id: wire.id,
            r#type: polled.then(|| wire.route.local[..1].to_owned()),
            // A lost update: the row kept an early state while events tell the rest.
            state: if wire.stale { "new" } else { state.state }.to_owned(),
            connection_info: (!self.dice.chance(0.004)).then_some(Json(info)),
            start_time: Some(start),
            end_time: ended,
            duration: ended.map_or(0, |end| end.seconds_since(start).max(0.0) as i64),
            created_at: self.at(wire.start + 0.007),
            conference_id: self.outline.id,
            participant_id: self.participant(wire.visit),
            peer_id: self.peer(wire),
            session_id: visit.id,
        };
        self.told.connections.push(Stored { row, is_active: visit.is_active });
    }

    /// The steps of a connection, in no order.
    fn steps(&mut self, at: usize) -> Vec<(f64, Step)> {
        let script = self.script;
        let wire = &script.wires[at];
        let start = wire.start;
        let settle = wire.connected.map_or(1.2, |connected| connected - start);
        let mut steps = vec![(start - 0.005, Step::PeerDetails), (start, Step::Add)];
        if wire.offers {
            steps.push((start + 0.015, Step::Signaling("have-local-offer", 1)));
            steps.push((start + 0.02, Step::NegotiationNeeded));
        } else {
            steps.push((start + 0.012, Step::Signaling("have-remote-offer", 1)));
        }
        steps.push((start + 0.03, Step::Gathering("gathering")));
        steps.push((start + settle * 0.3, Step::Signaling("stable", 1)));
        for (number, (kind, protocol)) in candidates(wire.route).into_iter().enumerate() {
            let after = 0.04 + 0.06 * number as f64 + self.dice.between(0.0, 0.05);
            steps.push((start + after, Step::Candidate(kind, protocol)));
        }
        if let Some(code) = wire.candidate_error {
            steps.push((start + 0.3, Step::CandidateError(code)));
        }
        let gathered = start + self.dice.between(0.35, 0.6);
        steps.push((gathered, Step::Gathering("complete")));
        steps.push((gathered + 0.003, Step::NoMoreCandidates));
        steps.push((start + settle * 0.5, Step::Ice("checking")));
        steps.push((start + settle * 0.5 + 0.006, Step::Transport("connecting")));
        if let Some(connected) = wire.connected {
            // Within milliseconds, the order of arrival is not that of happening.
            let swapped = if self.dice.chance(0.05) { -0.01 } else { 0.008 };
            steps.push((connected, Step::Ice("connected")));
            steps.push((connected + swapped, Step::Transport("connected")));
            if wire.offers && self.dice.chance(0.2) {
                steps.push((connected + 0.15, Step::Ice("completed")));
            }
            if self.dice.chance(0.1) {
                steps.push((connected + 0.05, Step::DataChannel));
            }
        }
        if let Some(failed) = wire.failed {
            steps.push((failed, Step::Ice("failed")));
            steps.push((failed + 0.008, Step::Transport("failed")));
        }
        for (number, &(from, to)) in wire.breaks.iter().enumerate() {
            steps.push((from, Step::Ice("disconnected")));
            steps.push((from + 0.006, Step::Transport("disconnected")));
            if to - from > 10.0 {
                steps.push((from + 8.0, Step::Ice("failed")));
                steps.push((from + 8.006, Step::Transport("failed")));
                let offer = if wire.offers { "have-local-offer" } else { "have-remote-offer" };
                if wire.offers {
                    steps.push((to - 0.9, Step::NegotiationNeeded));
                }
                steps.push((to - 0.85, Step::Signaling(offer, number + 2)));
                steps.push((to - 0.6, Step::Signaling("stable", number + 2)));
                steps.push((to - 0.4, Step::Ice("checking")));
            }
            steps.push((to, Step::Ice("connected")));
            steps.push((to + 0.006, Step::Transport("connected")));
        }
        if let Some((disconnected, failed)) = wire.lost {
            steps.push((disconnected, Step::Ice("disconnected")));
            steps.push((disconnected + 0.006, Step::Transport("disconnected")));
            steps.push((failed, Step::Ice("failed")));
            steps.push((failed + 0.006, Step::Transport("failed")));
        }
        if wire.closed {
            steps.push((wire.stops - 0.001, Step::Ice("closed")));
            steps.push((wire.stops, Step::Transport("closed")));
        }
        if wire.receives {
            self.tracks(at, settle, &mut steps);
        }
        steps
    }

    /// The tracks that come over a connection: at once, or when somebody joins a call over a server.
    fn tracks(&mut self, at: usize, settle: f64, steps: &mut Vec<(f64, Step)>) {
        let script = self.script;
        let wire = &script.wires[at];
        let mut number = 0;
        for (place, source) in polls::sources(script, at).into_iter().enumerate() {
            let negotiated = wire.start + settle * 0.3;
            let when = source.from.max(negotiated) + 0.01;
            if source.from > wire.start + settle + 1.0 {
                steps.push((when - 0.2, Step::Signaling("have-remote-offer", place + 2)));
                steps.push((when - 0.05, Step::Signaling("stable", place + 2)));
            }
            for kind in source.kinds() {
                let details = TrackDetails {
                    kind,
                    id: self.dice.uuid().to_string(),
                    label: format!("remote {}", kind.name()),
                    remote: true,
                };
                steps.push((when + 0.002 * f64::from(number as u8), Step::Track(number, details)));
                if let Some(connected) = wire.connected {
                    steps.push((when.max(connected) + 0.02, Step::Unmute(number)));
                }
                if source.to < wire.stops - 0.5 {
                    steps.push((source.to + 0.3, Step::Ended(number)));
                }
                number += 1;
            }
        }
    }

    fn step(
        &mut self,
        at: usize,
        when: f64,
        step: Step,
        endpoint: &Endpoint,
        state: &mut WireState,
        tracks: &mut Vec<Option<TrackId>>,
    ) {
        let script = self.script;
        let wire = &script.wires[at];
        let visit = wire.visit;
        let links = Links { wire: Some(at), track: None };
        let now = self.at(when);
        match step {
            Step::PeerDetails => {
                let peer = match wire.peer {
                    Peer::Visit(other) => script.visits[other].person,
                    Peer::Server(person) | Peer::Stranger(person) => person,
                };
                let id = self.world.people[peer].row.row.participant_id.clone().unwrap_or_default();
                let data = signals::peer_details(&id, wire.route.relay_protocol.is_some());
                self.event(when, visit, ("peerDetails", "C"), Some(data), links);
            }
            Step::Add => {
                state.begin("initial", now);
                self.event(when, visit, ("addConnection", "C"), None, links);
            }
            Step::NegotiationNeeded => {
                state.begin("renegotiation", now);
                self.event(when, visit, ("onnegotiationneeded", "C"), None, links);
            }
            Step::Signaling(name, version) => {
                if name == "stable" {
                    state.settle("stable", now);
                } else {
                    state.begin("renegotiation", now);
                }
                let (offer, answer) =
                    (endpoint.description("offer", version), endpoint.description("answer", version));
                let (local, remote) = match name {
                    "have-local-offer" => (offer.as_str(), "null"),
                    "have-remote-offer" => ("null", offer.as_str()),
                    _ if wire.offers => (offer.as_str(), answer.as_str()),
                    _ => (answer.as_str(), offer.as_str()),
                };
                let data = Object::new()
                    .text("signalingState", name)
                    .raw("localDescription", local)
                    .raw("remoteDescription", remote)
                    .end();
                self.event(when, visit, ("onsignalingstatechange", "C"), Some(data), links);
            }
            Step::Gathering(name) => {
                let data = format!("\"{name}\"");
                self.event(when, visit, ("onicegatheringstatechange", "C"), Some(data), links);
            }
            Step::Candidate(kind, protocol) => {
                let data = endpoint.candidate(kind, protocol);
                self.event(when, visit, ("onicecandidate", "C"), Some(data), links);
            }
            Step::NoMoreCandidates => {
                self.event(when, visit, ("onicecandidate", "C"), None, links);
            }
            Step::CandidateError(code) => {
                let data = Object::new().int("errorCode", code).end();
                self.event(when, visit, ("onicecandidateerror", "C"), Some(data.clone()), links);
                self.issue(when + 0.01, visit, ("w", "icecandidateerror"), Some(data), Some(at));
            }
            Step::Track(number, details) => {
                let ended = wire.stops < script.horizon && wire.closed;
                let row = TrackRow {
                    id: TrackId(self.dice.uuid()),
                    kind: details.kind.letter().to_owned(),
                    direction: "i".to_owned(),
                    track_id: details.id.clone(),
                    label: Some(details.label.clone()),
                    track_info: Some(Json(details.info(ended))),
                    created_at: now,
                    connection_id: Some(wire.id),
                    session_id: script.visits[visit].id,
                    conference_id: self.outline.id,
                };
                tracks.resize(tracks.len().max(number + 1), None);
                tracks[number] = Some(row.id);
                let links = Links { track: Some(row.id), ..links };
                let is_active = script.visits[visit].is_active;
                self.told.tracks.push(Stored { row, is_active });
                self.event(when, visit, ("ontrack", "T"), Some(details.in_event()), links);
            }
            Step::Unmute(number) | Step::Ended(number) => {
                let name = if matches!(step, Step::Ended(_)) { "ended" } else { "unmute" };
                if let Some(track) = tracks.get(number).copied().flatten() {
                    let links = Links { track: Some(track), ..links };
                    self.event(when, visit, (name, "T"), Some("{}".to_owned()), links);
                }
            }
            Step::DataChannel => {
                self.event(when, visit, ("ondatachannel", "C"), None, links);
            }
            Step::Ice(name) => {
                let data = format!("\"{name}\"");
                self.event(when, visit, ("oniceconnectionstatechange", "C"), Some(data), links);
                match name {
                    "connected" | "completed" => {
                        state.settle("connected", now);
                        state.state = "connected";
                    }
                    "failed" => self.issue(when + 0.01, visit, ("e", "ice_failed"), None, Some(at)),
                    _ => {}
                }
            }
            Step::Transport(name) => {
                let data = format!("\"{name}\"");
                self.event(when, visit, ("onconnectionstatechange", "C"), Some(data), links);
                state.state = name;
                match name {
                    "connected" => state.settle("connected", now),
                    "failed" => {
                        state.fail();
                        self.issue(when + 0.01, visit, ("e", "connection_failed"), None, Some(at));
                    }
                    "disconnected" => {
                        self.issue(when + 0.01, visit, ("w", "connection_disconnected"), None, Some(at));
                    }
                    _ => {}
                }
            }
        }
    }

    /// The conference's row, its stats and its summary.
    fn conclude(&mut self) {
        let script = self.script;
        let life = Life::of(script);
        let fate = self.fate(&life);
        let all: Range<usize> = 0..script.calls;
        // A clean-up leaves nothing of earlier calls.
        let last =
            script.visits.iter().filter(|visit| visit.opened <= script.horizon).map(|visit| visit.call).max();
        let last = last.unwrap_or_default();
        let polled = match fate {
            Fate::CleanedUp => last..last + 1,
            Fate::Emptied => 0..0,
            _ => all,
        };
        let built = (life.ended.unwrap_or_default() + 0.05).min(script.horizon);
        let summarized = matches!(fate, Fate::Kept | Fate::CleanedUp);
        let keep = !matches!(fate, Fate::CleanedUp | Fate::Emptied);
        let summary = polls::run(self, polled, keep, summarized);
        if summarized {
            for (visit, code, average) in summary.scores.issues() {
                let data = Object::new().num("average", average).end();
                let r#type = if code == "low_emos" { "w" } else { "e" };
                self.issue(built, visit, (r#type, code), Some(data), None);
            }
        }
        let (status, version, data) = match fate {
            Fate::NoSummary => (None, None, None),
            Fate::Unfinished(status) => (Some(status), Some(1), Some("{}".to_owned())),
            Fate::Kept | Fate::CleanedUp => {
                let version = if self.dice.chance(0.004) { 2 } else { 1 };
                (Some("d"), Some(version), Some(summary.data()))
            }
            Fate::Emptied => (Some("d"), Some(1), Some("[]".to_owned())),
        };
        if status.is_some() {
            self.told.summary =
                Some(SummaryIdentity { id: self.dice.uuid(), created_at: self.at(built - 0.03) });
        }
        let mut linked: Vec<ParticipantId> = Vec::new();
        for &(person, _) in &script.linked {
            linked.push(self.world.people[person].row.row.id);
        }
        let row = ConferenceRow {
            id: self.outline.id,
            conference_id: self.outline.room.clone(),
            conference_name: self.outline.name.clone(),
            conference_info: Some(Json("{}".to_owned())),
            start_time: life.started.map(|at| self.at(at)),
            call_start: life.run_since.map(|at| self.at(at)),
            end_time: life.ended.map(|at| self.at(at)),
            ongoing: life.run_since.is_some(),
            duration: life.duration,
            created_at: self.outline.created_at(),
            app_id: self.app().row.row.id,
            participants: linked,
            summary_status: status.map(str::to_owned),
            summary_version: version,
            summary_end_time: (status == Some("d")).then(|| self.at(built)),
            summary_data: data.map(Json),
        };
        self.told.conference = Stored { row, is_active: self.outline.is_active };
        self.told.sort();
    }

    fn fate(&mut self, life: &Life) -> Fate {
        // Drawn first, so that it does not matter to later draws whether the conference has ended.
        let drawn = self.dice.weighted([3.0, 1.0, 2.0, 6.0, 85.0, 3.0]);
        if life.ended.is_none() || life.run_since.is_some() {
            return Fate::NoSummary;
        }
        match drawn {
            0 => Fate::NoSummary,
            1 => Fate::Unfinished("o"),
            2 => Fate::Unfinished("e"),
            3 => Fate::Kept,
            4 => Fate::CleanedUp,
            _ => Fate::Emptied,
        }
    }
}

/// The candidates that a side gathers: those up to the one it settles on.
fn candidates(route: Route) -> Vec<(&'static str, &'static str)> {
    let mut found = vec![("host", "udp")];
    if route.protocol == "tcp" {
        found.push(("host", "tcp"));
    }
    match route.local {
        "srflx" | "prflx" => found.push(("srflx", "udp")),
        "relay" => found.push(("relay", "udp")),
        _ => {}
    }
    found
}

/// What the service's row of a conference says, from when connections began and ended.
struct Life {
    started: Option<f64>,
    run_since: Option<f64>,
    ended: Option<f64>,
    duration: i64,
}

impl Life {
    fn of(script: &Script) -> Self {
        #[derive(PartialEq)]
        enum Moment {
            Begins,
            Ends,
            /// A page is left: the service looks whether all connections are closed.
            Check,
        }
        let mut moments = Vec::new();
        for wire in &script.wires {
            moments.push((wire.start, Moment::Begins));
            if let Some(ended) = wire.ended {
                moments.push((ended, Moment::Ends));
            }
        }
        for visit in script.visits.iter().filter(|visit| visit.leaving != Leaving::Crash) {
            moments.push((visit.left, Moment::Check));
        }
        moments.retain(|&(at, _)| at <= script.horizon);
        moments.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut life = Self { started: None, run_since: None, ended: None, duration: 0 };
        let mut open = 0;
        for (at, moment) in moments {
            match moment {
                Moment::Begins => {
                    open += 1;
                    life.started.get_or_insert(at);
                    life.run_since.get_or_insert(at);
                    continue;
                }
                Moment::Ends => open -= 1,
                Moment::Check => {}
            }
            if open == 0 {
                life.duration += life.run_since.take().map_or(0, |since| (at - since) as i64);
                life.ended = Some(at);
            }
        }
        life
    }
}
