//! Whose side trouble was on, and what a call's sentence says, on the smallest calls that show it.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use std::collections::BTreeMap;

use peerpress::ids::{AppId, ConferenceId, ConnectionId, EventId, OrganizationId, ParticipantId, SessionId};
use peerpress::report::incidents::Code;
use peerpress::report::sides::{Place, Sureness};
use peerpress::report::{ConferenceReport, Options, World, measure};
use peerpress::snapshot::{
    AppRow, ConferenceRow, ConnectionRow, Dossier, EventRow, Globals, Json, OrganizationRow, ParticipantRow,
    SampleRow, SessionRow,
};
use peerpress::units::Timestamp;
use uuid::Uuid;

const NAMES: [&str; 5] = ["Ana", "Ben", "Cem", "Dee", "Server"];
const SERVER: usize = 4;

fn id(number: usize) -> Uuid {
    Uuid::from_u128(number as u128 + 1)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros((1_700_000_000 + second) * 1_000_000)
}

/// What one poll of a connection says: lost packets of 100 that were received, seconds frozen of ten.
#[derive(Clone, Copy, Default)]
struct Poll {
    lost: i64,
    frozen: f64,
}

/// A call of a minute: each pair says who has a connection to whom and how each of the six polls was.
fn call(pairs: &[(usize, usize)], poll: impl Fn(usize, usize, usize) -> Poll) -> ConferenceReport {
    let mut people: Vec<usize> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    people.sort_unstable();
    people.dedup();
    let participant = |number: usize| ParticipantRow {
        id: ParticipantId(id(number)),
        participant_id: Some(format!("user-{number}")),
        participant_name: Some(NAMES[number].to_owned()),
        is_sfu: number == SERVER,
        is_active: true,
        app_id: AppId(id(0)),
        ..ParticipantRow::default()
    };
    let globals = Globals {
        organizations: vec![OrganizationRow { id: OrganizationId(id(0)), ..OrganizationRow::default() }],
        apps: vec![AppRow { id: AppId(id(0)), organization_id: OrganizationId(id(0)), ..AppRow::default() }],
        participants: people.iter().map(|number| participant(*number)).collect(),
    };
    let conference = ConferenceRow {
        id: ConferenceId(id(0)),
        app_id: AppId(id(0)),
        created_at: at(0),
        participants: people.iter().map(|number| ParticipantId(id(*number))).collect(),
        ..ConferenceRow::default()
    };
    let mut rows: Vec<SampleRow> = Vec::new();
    let mut dossier = Dossier { conference, ..Dossier::default() };
    for number in people.iter().filter(|number| **number != SERVER) {
        dossier.sessions.push(SessionRow {
            id: SessionId(id(*number)),
            participant_id: ParticipantId(id(*number)),
            created_at: at(0),
            end_time: Some(at(63)),
            ..SessionRow::default()
        });
    }
    let mut event = 1000;
    for (place, (who, peer)) in pairs.iter().enumerate() {
        let connection = ConnectionId(id(place));
        dossier.connections.push(ConnectionRow {
            id: connection,
            session_id: SessionId(id(*who)),
            participant_id: ParticipantId(id(*who)),
            peer_id: ParticipantId(id(*peer)),
            state: "connected".to_owned(),
            start_time: Some(at(0)),
            end_time: Some(at(63)),
            created_at: at(0),
            ..ConnectionRow::default()
        });
        dossier.events.push(EventRow {
            id: EventId(id(event)),
            r#type: "onconnectionstatechange".to_owned(),
            data: Some(Json("\"connected\"".to_owned())),
            created_at: at(1),
            session_id: SessionId(id(*who)),
            participant_id: ParticipantId(id(*who)),
            connection_id: Some(connection),
            ..EventRow::default()
        });
        let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
        for round in 0..7 {
            event += 1;
            let said = if round == 0 { Poll::default() } else { poll(*who, *peer, round) };
            *sums.entry("lost").or_default() += said.lost as f64;
            *sums.entry("frozen").or_default() += said.frozen;
            *sums.entry("freezes").or_default() += f64::from(u8::from(said.frozen > 0.0));
            let base = SampleRow {
                event_id: EventId(id(event)),
                created_at: at(round as i64 * 10),
                session_id: SessionId(id(*who)),
                participant_id: ParticipantId(id(*who)),
                peer_id: Some(ParticipantId(id(*peer))),
                connection_id: Some(connection),
                report: "inbound-rtp".to_owned(),
                packets_received: Some(round as i64 * 100),
                bytes_received: Some(round as i64 * 40_000),
                ..SampleRow::default()
            };
            rows.push(SampleRow {
                id: Some("audio".to_owned()),
                kind: Some("audio".to_owned()),
                packets_lost: Some(sums["lost"] as i64),
                ..base.clone()
            });
            rows.push(SampleRow {
                id: Some("video".to_owned()),
                kind: Some("video".to_owned()),
                freeze_count: Some(sums["freezes"] as i64),
                total_freezes_duration: Some(sums["frozen"]),
                ..base
            });
        }
    }
    rows.sort_by_key(|row| (row.created_at, row.event_id));
    dossier.samples = rows.iter().collect();
    measure(dossier, &World::new(globals, at(3600)), &Options::default())
}

/// All pairs of so many people.
fn mesh(people: usize) -> Vec<(usize, usize)> {
    (0..people).flat_map(|a| (0..people).filter(move |b| *b != a).map(move |b| (a, b))).collect()
}

/// 20 % lost in the third and fourth interval, for those whom it hits.
fn loss(hit: bool, round: usize) -> Poll {
    if hit && (round == 3 || round == 4) { Poll { lost: 25, ..Poll::default() } } else { Poll::default() }
}

/// Whose side the loss was on, by who had it.
fn sides(report: &ConferenceReport) -> Vec<(usize, Place, Option<usize>, Sureness)> {
    let number =
        |wanted: ParticipantId| (0..NAMES.len()).find(|number| ParticipantId(id(*number)) == wanted).unwrap();
    let lost = report.calls[0].incidents.iter().filter(|incident| incident.code == Code::LossIn);
    lost.map(|incident| {
        (
            number(incident.participant),
            incident.side.place,
            incident.side.whose.map(number),
            incident.side.sureness,
        )
    })
    .collect()
}

#[test]
fn loss_of_all_that_one_sends_is_the_senders_uplink() {
    let report = call(&mesh(4), |_, sender, round| loss(sender == 0, round));
    let expected: Vec<_> = (1..4).map(|who| (who, Place::Uplink, Some(0), Sureness::High)).collect();
    assert_eq!(sides(&report), expected);
}

#[test]
fn loss_of_all_that_one_receives_is_the_receivers_downlink() {
    let report = call(&mesh(4), |receiver, _, round| loss(receiver == 2, round));
    assert_eq!(sides(&report), [(2, Place::Downlink, Some(2), Sureness::High)]);
}

#[test]
fn loss_between_two_only_is_the_path() {
    let report = call(&mesh(4), |receiver, sender, round| loss((receiver, sender) == (1, 2), round));
    assert_eq!(sides(&report), [(1, Place::Path, None, Sureness::High)]);
}

#[test]
fn with_two_people_it_cannot_be_told() {
    let report = call(&mesh(2), |receiver, _, round| loss(receiver == 0, round));
    assert_eq!(sides(&report), [(0, Place::Unknown, None, Sureness::Low)]);
}

#[test]
fn at_a_server_the_others_are_the_witnesses() {
    let pairs = [(0, SERVER), (1, SERVER), (2, SERVER)];
    let one = call(&pairs, |receiver, _, round| loss(receiver == 1, round));
    assert_eq!(sides(&one), [(1, Place::Downlink, Some(1), Sureness::High)]);
    let all = call(&pairs, |_, _, round| loss(true, round));
    assert_eq!(sides(&all).len(), 3);
    assert!(sides(&all).iter().all(|side| (side.1, side.2) == (Place::Server, Some(SERVER))));
}

#[test]
fn the_sentence_says_who_how_long_how_it_sounded_and_what_froze() {
    let calm = call(&mesh(2), |_, _, _| Poll::default());
    assert_eq!(
        calm.calls[0].sentence,
        "Two people, 63 s. Audio was good. Nothing went wrong that stats or events show."
    );
    let frozen = call(&mesh(2), |receiver, _, round| {
        let frozen = if receiver == 0 && (round == 2 || round == 5) { 2.0 } else { 0.0 };
        Poll { frozen, ..Poll::default() }
    });
    assert_eq!(
        frozen.calls[0].sentence,
        "Two people, 63 s. Audio was good. Ana saw Ben freeze twice (4 s in all)."
    );
    let lost = call(&mesh(2), |receiver, _, round| loss(receiver == 1, round));
    assert_eq!(
        lost.calls[0].sentence,
        "Two people, 63 s. Audio was good. Ben lost up to 20 % of the packets of Ana."
    );
}

#[test]
fn what_leaves_a_call_for_other_pages_is_what_was_measured_of_it() {
    let report = call(&mesh(2), |receiver, _, round| loss(receiver == 1, round));
    let [facts] = report.call_facts.as_slice() else { panic!("one call") };
    let measured = &report.calls[0];
    assert_eq!((facts.start, facts.end), (measured.span.start, measured.span.end));
    assert_eq!(facts.score.ok(), measured.score.as_ref().ok().map(|score| score.score));
    // Two people for 63 s each, a connection each; Ben lost 20 % of audio and video, which is one finding, and so heard badly.
    assert_eq!((facts.visits.len(), facts.presence_s()), (2, 126.0));
    assert!(facts.connections.len() == 2 && facts.connections.iter().all(|one| one.established));
    assert_eq!(facts.incidents.iter().collect::<Vec<_>>(), [(&Code::LowAudio, &1), (&Code::LossIn, &1)]);
    assert!(facts.bad_minutes <= facts.minutes && facts.minutes > 0);
}
