//! What all conferences share: organizations, their apps with a character each, and the people who come back.

use std::ops::Range;

use super::network::Access;
use super::platforms::{self, PLATFORMS};
use super::random::Dice;
use super::{SeedOptions, Stored, names, places};
use crate::ids::{AppId, OrganizationId, ParticipantId};
use crate::snapshot::{AppRow, OrganizationRow, ParticipantRow};
use crate::units::Timestamp;

/// How an app makes calls; fixed for each.
pub(super) struct Profile {
    name: &'static str,
    domain: Option<&'static str>,
    recording: bool,
    organization: usize,
    is_active: bool,
    /// Share of the conferences, in percent.
    share: f64,
    /// Weights of calls of 1, 2, 3, 4, 5 to 8, 9 to 16 and 17 to 30 people.
    pub(super) sizes: [f64; 7],
    /// Chance that a small call goes over a server too; large ones always do.
    pub(super) server_share: f64,
    pub(super) sdk: Option<&'static str>,
    /// Whether sending and receiving have a connection each.
    pub(super) two_way: bool,
    /// Whether reports of the other side are collected.
    pub(super) remote_reports: bool,
    /// Whether silence is not sent.
    pub(super) dtx: bool,
    /// Whether somebody closes what crashed browsers left open.
    pub(super) tidies: bool,
    /// Where most of its people live, a place in [`places::CITIES`].
    market: usize,
    /// Versions of the app itself, oldest first.
    pub(super) versions: &'static [&'static str],
}

const ORGANIZATIONS: [(&str, bool); 3] =
    [("Meridian Care", true), ("Kopf & Söhne <GmbH>", true), ("Trial account", false)];

const PROFILES: [Profile; 5] = [
    Profile {
        name: "Tele-consult",
        domain: Some("consult.example.org"),
        recording: true,
        organization: 0,
        is_active: true,
        share: 42.0,
        sizes: [7.0, 72.0, 14.0, 6.0, 1.0, 0.0, 0.0],
        server_share: 0.0,
        sdk: None,
        two_way: false,
        remote_reports: true,
        dtx: false,
        tidies: true,
        market: 0,
        versions: &["3.9.2", "4.0.0", "4.0.1", "4.1.0"],
    },
    Profile {
        name: "Team rooms",
        domain: Some("rooms.example.org"),
        recording: true,
        organization: 0,
        is_active: true,
        share: 26.0,
        sizes: [6.0, 42.0, 20.0, 13.0, 14.0, 3.5, 1.5],
        server_share: 0.3,
        sdk: Some("jitsi"),
        two_way: false,
        remote_reports: true,
        dtx: true,
        tidies: false,
        market: 9,
        versions: &["2026.9", "2026.10", "2026.11-beta.2"],
    },
    Profile {
        name: "Tom's \"Lessons\"",
        domain: None,
        recording: true,
        organization: 1,
        is_active: true,
        share: 27.0,
        sizes: [6.0, 58.0, 12.0, 8.0, 11.0, 3.5, 1.5],
        server_share: 0.5,
        sdk: Some("mediasoup"),
        two_way: true,
        remote_reports: false,
        dtx: false,
        tidies: true,
        market: 2,
        versions: &["1.4.2", "1.5.0"],
    },
    Profile {
        name: "Old prototype",
        domain: Some("old.example.org"),
        recording: false,
        organization: 1,
        is_active: false,
        share: 2.5,
        sizes: [10.0, 90.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        server_share: 0.0,
        sdk: Some(""),
        two_way: false,
        remote_reports: true,
        dtx: false,
        tidies: false,
        market: 2,
        versions: &["0.1"],
    },
    Profile {
        name: "First steps",
        domain: None,
        recording: true,
        organization: 2,
        is_active: true,
        share: 2.5,
        sizes: [30.0, 70.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        server_share: 0.2,
        sdk: Some("livekit"),
        two_way: false,
        remote_reports: true,
        dtx: false,
        tidies: true,
        market: 22,
        versions: &["0.0.1"],
    },
];

/// An app.
pub(super) struct App {
    pub(super) row: Stored<AppRow>,
    pub(super) api_key: String,
    pub(super) profile: &'static Profile,
    /// Its people, places in [`World::people`].
    pub(super) pool: Range<usize>,
    /// Its media servers, likewise.
    pub(super) servers: Range<usize>,
}

/// A person, or a media server.
pub(super) struct Person {
    pub(super) row: Stored<ParticipantRow>,
    /// A place in [`places::CITIES`].
    pub(super) city: usize,
    /// A place in [`PLATFORMS`].
    pub(super) platform: usize,
    pub(super) access: Access,
    /// How many browser versions behind.
    pub(super) lag: i64,
    pub(super) labels: (&'static str, &'static str),
}

/// All that is fixed before the first call.
pub(super) struct World {
    pub(super) options: SeedOptions,
    pub(super) organizations: Vec<Stored<OrganizationRow>>,
    pub(super) apps: Vec<App>,
    pub(super) people: Vec<Person>,
}

impl World {
    pub(super) fn draw(options: &SeedOptions) -> Self {
        let mut dice = Dice::new(options.seed, 0);
        let founded = |dice: &mut Dice, before: f64| {
            options
                .end
                .plus_seconds(-86_400.0 * (f64::from(options.days) + before) - dice.between(0.0, 86_400.0))
        };
        let organizations: Vec<_> = ORGANIZATIONS
            .iter()
            .map(|&(name, is_active)| Stored {
                row: OrganizationRow {
                    id: OrganizationId(dice.uuid()),
                    name: name.to_owned(),
                    created_at: founded(&mut dice, 300.0),
                },
                is_active,
            })
            .collect();
        let mut people = Vec::new();
        let apps = PROFILES
            .iter()
            .map(|profile| {
                let row = AppRow {
                    id: AppId(dice.uuid()),
                    name: profile.name.to_owned(),
                    domain: profile.domain.map(str::to_owned),
                    interval: 10_000,
                    recording: profile.recording,
                    durations_days: None,
                    created_at: founded(&mut dice, 100.0),
                    organization_id: organizations[profile.organization].row.id,
                };
                let expected = options.conferences as f64 * profile.share / 100.0;
                let pool = people.len()..people.len() + 40 + (0.9 * expected) as usize;
                for ordinal in 0..pool.len() {
                    people.push(Person::draw(
                        &mut dice,
                        row.id,
                        profile.market,
                        (ordinal, people.len()),
                        false,
                    ));
                }
                let servers = pool.end..pool.end + 2 + usize::from(profile.share > 20.0);
                for ordinal in 0..servers.len() {
                    people.push(Person::draw(
                        &mut dice,
                        row.id,
                        profile.market,
                        (ordinal, people.len()),
                        true,
                    ));
                }
                App {
                    row: Stored { row, is_active: profile.is_active },
                    api_key: dice.hex(32),
                    profile,
                    pool,
                    servers,
                }
            })
            .collect();
        Self { options: *options, organizations, apps, people }
    }

    /// Which app a conference is of.
    pub(super) fn draw_app(&self, dice: &mut Dice) -> usize {
        dice.weighted(self.apps.iter().map(|app| app.profile.share))
    }

    /// So many different people of an app; some come much more often than others.
    pub(super) fn draw_people(&self, dice: &mut Dice, app: usize, count: usize) -> Vec<usize> {
        let pool = &self.apps[app].pool;
        let mut drawn = Vec::with_capacity(count);
        while drawn.len() < count.min(pool.len()) {
            let person = pool.start + (pool.len() as f64 * dice.unit().powf(2.2)) as usize;
            if !drawn.contains(&person) {
                drawn.push(person);
            }
        }
        drawn
    }

    /// Whether an app and its organization are there for the service's users.
    pub(super) fn shows(&self, app: usize) -> bool {
        self.apps[app].row.is_active && self.organizations[self.apps[app].profile.organization].is_active
    }
}

impl Person {
    fn draw(
        dice: &mut Dice,
        app_id: AppId,
        market: usize,
        (ordinal, overall): (usize, usize),
        is_sfu: bool,
    ) -> Self {
        let platform = platforms::draw(dice);
        let (participant_id, participant_name) = if is_sfu {
            (format!("sfu-{ordinal}"), dice.chance(0.7).then(|| format!("Media server {ordinal}")))
        } else {
            (names::person_id(dice, ordinal), names::person(dice, overall))
        };
        Self {
            row: Stored {
                row: ParticipantRow {
                    id: ParticipantId(dice.uuid()),
                    participant_id: Some(participant_id),
                    participant_name,
                    is_sfu,
                    // Set when the person is first seen.
                    created_at: Timestamp::default(),
                    is_active: true,
                    app_id,
                },
                is_active: is_sfu || !dice.chance(0.02),
            },
            city: if is_sfu { market + dice.below(3) } else { places::home(dice, market) },
            platform,
            access: Access::draw(dice, PLATFORMS[platform].is_phone()),
            lag: *dice.pick(&[0, 0, 0, 0, 1, 1, 2, 3, 9]),
            labels: platforms::device_labels(platform, dice),
        }
    }
}
