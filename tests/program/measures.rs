//! What must hold for every call there is, shown on generated ones: nothing lies outside its call, sums equal totals, scores
//! are within their range and explain themselves, and the order of rows does not matter.

#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test that asked")]

use peerpress::report::{ConferenceReport, Options, World, measure};
use peerpress::seed::{SeedOptions, plan, write_snapshot};
use peerpress::snapshot::{Dossier, Snapshot};
use peerpress::units::Timestamp;

use crate::support::quick_folder;

fn snapshot(folder: &std::path::Path) -> Snapshot {
    let end = Timestamp::parse("2026-11-20T12:00:00Z").unwrap();
    let plan = plan(&SeedOptions { conferences: 80, days: 12, seed: 11, end, short: false });
    write_snapshot(&plan, folder, &|_| {}).unwrap();
    Snapshot::open(folder).unwrap()
}

fn all(snapshot: &Snapshot) -> (Vec<Dossier>, World) {
    let world = World::new(snapshot.globals().unwrap(), snapshot.instant());
    let dossiers = snapshot
        .parts()
        .iter()
        .flat_map(|part| snapshot.dossiers(part).unwrap())
        .map(Result::unwrap)
        .collect();
    (dossiers, world)
}

fn check(report: &ConferenceReport) -> (usize, usize) {
    let id = report.id();
    let (mut incidents, mut scores) = (0, 0);
    let total =
        |list: &dyn Fn(&peerpress::report::call::Call) -> usize| report.calls.iter().map(list).sum::<usize>();
    assert_eq!(total(&|call| call.visits.len()), report.visits.len(), "{id}: every visit is in one call");
    assert_eq!(total(&|call| call.connections.len()), report.connections.len(), "{id}: every connection");
    if !report.calls.is_empty() {
        assert_eq!(total(&|call| call.issues.len()), report.issues.len(), "{id}: every issue");
        assert_eq!(total(&|call| call.events.len()), report.dossier.events.len(), "{id}: every event");
    }
    for call in &report.calls {
        assert!(call.span.start <= call.span.end);
        for incident in &call.incidents {
            incidents += 1;
            assert!(incident.from <= incident.to, "{id}: {incident:?}");
            assert!(incident.from >= call.span.start && incident.to <= call.span.end, "{id}: {incident:?}");
            assert!(incident.peak.is_none_or(|peak| peak.is_finite() && peak >= 0.0), "{id}: {incident:?}");
        }
        let own = call.people.iter().filter_map(|person| person.score.as_ref().ok());
        for score in own.chain(call.score.as_ref().ok()) {
            scores += 1;
            let taken: f64 = score.deductions.iter().map(|deduction| deduction.points).sum();
            assert!((0.0..=100.0).contains(&score.score), "{id}: {score:?}");
            assert!((score.score - (100.0 - taken).max(0.0)).abs() < 1e-9, "{id}: {score:?}");
            assert!(score.bad_minutes <= score.minutes && score.intervals.n >= 3, "{id}: {score:?}");
            assert!(score.intervals.min >= 1.0 && score.intervals.max <= 5.0, "{id}: {score:?}");
        }
        let minutes: usize = call.people.iter().map(|person| person.minutes.len()).sum();
        if let Ok(score) = &call.score {
            assert_eq!(score.minutes, minutes, "{id}: the call's minutes are those of its people");
        }
        let length = call.span.end.seconds_since(call.span.start);
        for person in &call.people {
            assert!(person.presence_s <= length + 1e-3, "{id}: {} in {length} s", person.presence_s);
            assert!(person.coverage.is_none_or(|share| (0.0..=1.0).contains(&share)));
        }
    }
    (incidents, scores)
}

#[test]
fn nothing_lies_outside_its_call_and_scores_explain_themselves() {
    let folder = quick_folder();
    let (dossiers, world) = all(&snapshot(&folder.path().join("snapshot")));
    let (mut incidents, mut scores) = (0, 0);
    for dossier in dossiers {
        let (more_incidents, more_scores) = check(&measure(dossier, &world, &Options::default()));
        incidents += more_incidents;
        scores += more_scores;
    }
    assert!(incidents > 100 && scores > 100, "{incidents} incidents, {scores} scores");
}

#[test]
fn the_same_dossier_gives_the_same_report() {
    let folder = quick_folder();
    let (dossiers, world) = all(&snapshot(&folder.path().join("snapshot")));
    let largest = dossiers.into_iter().max_by_key(|dossier| dossier.samples.len()).unwrap();
    let options = Options::default();
    assert_eq!(measure(largest.clone(), &world, &options), measure(largest, &world, &options));
}
