//! Realistic synthetic calls by a documented model, the same for the same seed: rows of a Peer Metrics database, for
//! `peerpress seed` by COPY, and for `peerpress demo` as a snapshot without a database.
//!
//! # The model
//!
//! **World.** Three organizations (one deleted) with five apps (one deleted), each with a character: sizes of calls, mesh
//! or media server, SDK, whether remote reports are collected, whether somebody tidies up after crashed browsers. An app has
//! a pool of people, of whom some come much more often than others; a person keeps home city, browser and system, access
//! network and devices. Browser versions rise with time, a few people lag behind.
//!
//! **When.** Calls follow working days and hours, with a little growth over the period. 1.5 %, but no more than some twelve, are held
//! at the last instant and still go on. A fifth of the rooms are used again, 2 to 6 times, hours, a day or a week apart. Calls last
//! four minutes in the median and an hour at most; large ones are cut so that no conference has more than about 3,000 stats
//! events. Where short calls are asked for, rooms have two people at most, and about 40 stats events.
//!
//! **Who.** Calls have 1 to 30 participants. Up to four connect with each other directly, or over a server (`is_sfu`,
//! without session) as the app prefers; five and more always over a server, which forwards two of them. Some come
//! late, leave early, rejoin (7 % of long visits), open the page and never connect, or are there without the SDK.
//! They leave by button (then often close the page too), by closing the page, or without a word; in the
//! last case the service keeps the connections open, until a clean-up hours later or for ever.
//!
//! **Devices.** 3.5 % of visits get no microphone and camera, 2.5 % at the second try only. Muted microphones
//! and cameras, slow devices, crowds that only listen.
//!
//! **Connections.** Access decides candidates: direct ones (host, srflx, prflx), an office's relay, a firewall that
//! lets out TCP only (a TCP candidate of a server, else a relay over TCP or TLS), a network that blocks all. Failure,
//! interruption, ICE restart, vanished peers, unreachable STUN servers; a few stored rows miss later updates, as in real
//! databases.
//!
//! **Quality.** Each visit has a line with its own delay, jitter, loss and rates, and with troubles that come by chance:
//! loss bursts, delay steps, squeezed bandwidth, outages. A stream meets the sender's and the receiver's line and
//! the distance between them, in steps of ten seconds; pictures follow the rate down a ladder of sizes, loss that
//! retransmission cannot repair freezes them, jitter fills buffers, lost sound is concealed. Reports of both ends read the
//! same counters at their own instants, every ten seconds, in the shapes of today's Chromium, of Firefox and Safari, and of
//! old Chromium.
//!
//! **Aftermath.** Issues are what the service would have stored upon those events. Of ended conferences 85 % have
//! a summary of their last call and no raw stats, 6 % a summary and raw stats, 3 % an empty summary, 6 % none that is
//! usable. About 1 % of conferences, sessions (with all that belongs to them) and issues, and 2 % of participants are
//! soft-deleted.
//!
//! Each conference is drawn from its own ChaCha8 streams, so it comes out the same in whatever order conferences are made.
//! The generator never reads a clock: the last instant is an input.

mod database;
mod json;
mod media;
mod names;
mod network;
mod parts;
mod places;
mod platforms;
mod polls;
mod random;
mod script;
mod signals;
mod stats;
mod story;
mod world;

use std::collections::BTreeMap;

use rayon::prelude::*;
use uuid::Uuid;

pub use database::{SeedCounts, SeedError, fill_database};
pub use parts::write_snapshot;

use crate::snapshot::{
    ConferenceRow, ConnectionRow, EventRow, Globals, IssueRow, Json, ParticipantRow, SessionRow, TrackRow,
};
use crate::units::{Day, Timestamp};
use script::{Leaving, Outline, Script};
use world::World;

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeedOptions {
    /// How many conferences.
    pub conferences: usize,
    /// Over how many days.
    pub days: u32,
    /// Which of all possible worlds.
    pub seed: u64,
    /// The last instant of the period.
    pub end: Timestamp,
    /// Only calls of one or two people and about a minute: as many pages, and a twentieth of the rows.
    pub short: bool,
}

/// A row with the column that snapshots leave out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stored<R> {
    /// The row.
    pub row: R,
    /// False for a soft-deleted row.
    pub is_active: bool,
}

/// What a summary's row has beyond what [`ConferenceRow`] holds of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SummaryIdentity {
    /// Primary key.
    pub id: Uuid,
    /// When the row was made.
    pub created_at: Timestamp,
}

/// All rows of one conference.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeedConference {
    /// The conference with its links and its summary's data.
    pub conference: Stored<ConferenceRow>,
    /// The rest of the summary's row, if there is one.
    pub summary: Option<SummaryIdentity>,
    /// Its sessions.
    pub sessions: Vec<Stored<SessionRow>>,
    /// Its connections.
    pub connections: Vec<Stored<ConnectionRow>>,
    /// Its tracks.
    pub tracks: Vec<Stored<TrackRow>>,
    /// Its issues.
    pub issues: Vec<Stored<IssueRow>>,
    /// Its events, those of stats included.
    pub events: Vec<Stored<EventRow>>,
}

impl SeedConference {
    fn sort(&mut self) {
        self.sessions.sort_by_key(|stored| (stored.row.created_at, stored.row.id));
        self.connections.sort_by_key(|stored| (stored.row.created_at, stored.row.id));
        self.tracks.sort_by_key(|stored| (stored.row.created_at, stored.row.id));
        self.issues.sort_by_key(|stored| (stored.row.created_at, stored.row.id));
        self.events.sort_by_key(|stored| (stored.row.created_at, stored.row.id));
    }
}

/// Names of the streams of draws: what is drawn, plus which conference.
mod streams {
    pub(super) const OUTLINE: u64 = 1 << 40;
    pub(super) const SCRIPT: u64 = 2 << 40;
    pub(super) const STORY: u64 = 3 << 40;
    pub(super) const POLLS: u64 = 4 << 40;
}

/// All that must be known before any conference can be generated by itself.
pub struct SeedPlan {
    world: World,
    /// In the order of their starts.
    outlines: Vec<Outline>,
    /// Those who occur, with when they were first seen.
    participants: Vec<Stored<ParticipantRow>>,
}

/// Plans the world, its people and the conferences.
pub fn plan(options: &SeedOptions) -> SeedPlan {
    let mut world = World::draw(options);
    let mut outlines: Vec<_> =
        (0..options.conferences).into_par_iter().map(|slot| Outline::draw(&world, slot)).collect();
    outlines.sort_by_key(|outline| (outline.start, outline.slot));
    let glimpses: Vec<_> = outlines.par_iter().map(|outline| Glimpse::of(&world, outline)).collect();
    let mut first_seen: BTreeMap<usize, Timestamp> = BTreeMap::new();
    let mut connected: Vec<BTreeMap<Day, i64>> = vec![BTreeMap::new(); world.apps.len()];
    for (glimpse, outline) in glimpses.into_iter().zip(&outlines) {
        for (person, at) in glimpse.seen {
            first_seen.entry(person).and_modify(|first| *first = at.min(*first)).or_insert(at);
        }
        for (day, seconds) in glimpse.connected {
            *connected[outline.app].entry(day).or_default() += seconds;
        }
    }
    for (app, seconds) in world.apps.iter_mut().zip(&connected) {
        app.row.row.durations_days = Some(durations(options.end, seconds));
    }
    let mut participants: Vec<_> = first_seen
        .into_iter()
        .map(|(person, first)| {
            let mut stored = world.people[person].row.clone();
            stored.row.created_at = first;
            stored
        })
        .collect();
    participants.sort_by_key(|stored| stored.row.id);
    SeedPlan { world, outlines, participants }
}

/// What the plan needs to know of a conference.
struct Glimpse {
    seen: Vec<(usize, Timestamp)>,
    connected: Vec<(Day, i64)>,
}

impl Glimpse {
    fn of(world: &World, outline: &Outline) -> Self {
        let script = Script::draw(world, outline);
        let seen = script
            .linked
            .iter()
            .map(|&(person, at)| (person, outline.start.plus_seconds(at - 0.05)))
            .collect();
        // Seconds are added when a session says that it ends, to the day of that.
        let connected = script
            .visits
            .iter()
            .enumerate()
            .filter(|(_, visit)| visit.leaving != Leaving::Crash && visit.left <= script.horizon)
            .filter_map(|(at, visit)| {
                let wires = script.wires.iter().filter(|wire| wire.visit == at);
                let since = wires.map(|wire| wire.start).min_by(f64::total_cmp)?;
                Some((outline.start.plus_seconds(visit.left).day(), (visit.left - since) as i64))
            })
            .collect();
        Self { seen, connected }
    }
}

/// `durations_days`: the service keeps 31 days.
fn durations(end: Timestamp, seconds: &BTreeMap<Day, i64>) -> Json {
    let days = (0..31).rev().map(|age| end.plus_seconds(-86_400.0 * f64::from(age)).day());
    let object = days.fold(json::Object::new(), |object, day| {
        object.int(&day.to_string(), seconds.get(&day).copied().unwrap_or_default())
    });
    Json(object.end())
}

impl SeedPlan {
    /// How many conferences there are.
    pub fn len(&self) -> usize {
        self.outlines.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.outlines.is_empty()
    }

    /// The options that it was made from.
    pub fn options(&self) -> &SeedOptions {
        &self.world.options
    }

    /// The tables that are not partitioned, as a snapshot has them: without what is deleted, and without names of
    /// deleted participants.
    pub fn globals(&self) -> Globals {
        let world = &self.world;
        let shown: Vec<_> = (0..world.apps.len())
            .filter(|&app| world.shows(app))
            .map(|app| &world.apps[app].row.row)
            .collect();
        let mut globals = Globals {
            organizations: world
                .organizations
                .iter()
                .filter(|stored| stored.is_active)
                .map(|stored| stored.row.clone())
                .collect(),
            apps: shown.iter().map(|&app| app.clone()).collect(),
            participants: Vec::new(),
        };
        for stored in &self.participants {
            if shown.iter().any(|app| app.id == stored.row.app_id) {
                let mut row = stored.row.clone();
                row.is_active = stored.is_active;
                if !stored.is_active {
                    (row.participant_id, row.participant_name) = (None, None);
                }
                globals.participants.push(row);
            }
        }
        globals.organizations.sort_by_key(|row| row.id);
        globals.apps.sort_by_key(|row| row.id);
        globals
    }

    /// All participants who occur, by id.
    pub fn participants(&self) -> &[Stored<ParticipantRow>] {
        &self.participants
    }

    /// All rows of a conference, by its place in time.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn conference(&self, index: usize) -> SeedConference {
        story::tell(&self.world, &self.outlines[index])
    }

    /// Whether a snapshot has the conference.
    fn shows(&self, index: usize) -> bool {
        let outline = &self.outlines[index];
        outline.is_active && self.world.shows(outline.app)
    }

    /// The UTC day of the conference's row.
    fn day(&self, index: usize) -> Day {
        self.outlines[index].created_at().day()
    }
}
