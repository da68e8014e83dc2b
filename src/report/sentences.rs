//! What happened in a call, in a sentence or two, by rule: who and how long; whether it came about; how audio was; then the
//! worst that happened, at most three things, with names.

use super::call::Call;
use super::incidents::{Code, Gravity, Incident, Scene};
use super::{World, words};
use crate::ids::ParticipantId;
use crate::metrics::call_score;

/// Things to name besides audio.
const MOST: usize = 3;

/// The sentences of a call whose people, score and incidents are known.
pub(super) fn of_call(call: &Call, scene: &Scene<'_>, world: &World) -> String {
    let mut text =
        format!("{}, {}.", people(call, scene), length(call.span.end.seconds_since(call.span.start)));
    let connected = scene.connections.iter().filter(|connection| connection.is_established()).count();
    if scene.connections.is_empty() {
        text.push_str(" Nobody opened a connection.");
    } else if connected == 0 {
        text.push_str(match scene.connections.len() {
            1 => " The only connection is not known to have been established.",
            _ => " None of the connections is known to have been established.",
        });
    }
    if let Some(audio) = audio(call, world) {
        text.push(' ');
        text.push_str(&audio);
    }
    let mut named: Vec<String> = Vec::new();
    for phrase in phrases(call, world) {
        if !named.contains(&phrase) {
            named.push(phrase);
        }
    }
    let more = named.len().saturating_sub(MOST);
    named.truncate(MOST);
    if !named.is_empty() {
        text.push(' ');
        text.push_str(&named.join("; "));
        if more > 0 {
            text.push_str(&format!("; {more} more below"));
        }
        text.push('.');
    } else if call.score.is_ok() {
        text.push_str(" Nothing went wrong that stats or events show.");
    }
    if let Err(reason) = &call.score
        && connected > 0
    {
        text.push_str(&format!(" No score: {}.", reason.reason()));
    }
    text
}

fn people(call: &Call, scene: &Scene<'_>) -> String {
    let people = call.people.iter().filter(|person| !(scene.is_sfu)(person.id)).count();
    match people {
        0 => "Nobody".to_owned(),
        1 => "One person".to_owned(),
        2 => "Two people".to_owned(),
        3 => "Three people".to_owned(),
        4 => "Four people".to_owned(),
        more => format!("{more} people"),
    }
}

/// `63 s`, `12 min`, `2 h 5 min`.
fn length(seconds: f64) -> String {
    // Seconds that are over, as in tables.
    let whole = seconds.max(0.0).floor() as u64;
    match whole {
        0..=119 => format!("{whole} s"),
        120..=7199 => format!("{} min", (whole + 30) / 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// How audio was: for all, and for the one who had it worst if that was another word.
fn audio(call: &Call, world: &World) -> Option<String> {
    let word = |score: f64| match score {
        score if score >= 4.0 => "good",
        score if score >= 3.0 => "fair",
        _ => "poor",
    };
    let mut heard: Vec<(f64, ParticipantId)> =
        call.people.iter().filter_map(|person| Some((person.audio?.p50, person.id))).collect();
    heard.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (worst, who) = *heard.first()?;
    let middle = heard.get(heard.len() / 2)?.0;
    Some(if word(worst) == word(middle) {
        format!("Audio was {}.", word(middle))
    } else {
        format!("Audio was {}, {} for {}.", word(middle), word(worst), world.person(who).label)
    })
}

/// What else is worth a word, the gravest first.
fn phrases(call: &Call, world: &World) -> Vec<String> {
    let name = |id: ParticipantId| world.person(id).label;
    let mut list: Vec<(Gravity, Code, String)> = Vec::new();
    for code in Code::ALL {
        let of: Vec<&Incident> = call.incidents.iter().filter(|incident| incident.code == code).collect();
        let mut who: Vec<ParticipantId> = of.iter().map(|incident| incident.participant).collect();
        who.sort_unstable();
        who.dedup();
        let Some(gravity) = of.iter().map(|incident| incident.gravity).min() else { continue };
        if gravity == Gravity::Note {
            continue;
        }
        for person in who {
            let own: Vec<&&Incident> = of.iter().filter(|incident| incident.participant == person).collect();
            if let Some(phrase) = phrase(code, &own, &name) {
                let gravity = own.iter().map(|incident| incident.gravity).min().unwrap_or(gravity);
                list.push((gravity, code, phrase));
            }
        }
    }
    list.sort_by_key(|(gravity, code, _)| (*gravity, *code));
    list.into_iter().map(|(_, _, phrase)| phrase).collect()
}

fn phrase(code: Code, own: &[&&Incident], name: &dyn Fn(ParticipantId) -> String) -> Option<String> {
    let first = own.first()?;
    let who = name(first.participant);
    let peers = || {
        let mut peers: Vec<ParticipantId> =
            own.iter().flat_map(|incident| incident.peers.iter().copied()).collect();
        peers.sort_unstable();
        peers.dedup();
        match peers.as_slice() {
            [] => "others".to_owned(),
            [one] => name(*one),
            [one, two] => format!("{} and {}", name(*one), name(*two)),
            many => format!("{} others", many.len()),
        }
    };
    let seconds: f64 = own.iter().filter_map(|incident| incident.total_s).sum();
    let span: f64 = own.iter().map(|incident| incident.to.seconds_since(incident.from)).sum();
    let count: usize = own.iter().filter_map(|incident| incident.count).sum();
    let peak = own.iter().filter_map(|incident| incident.peak).reduce(f64::max);
    let percent = || peak.map(|peak| format!(" up to {:.0} %", peak * 100.0)).unwrap_or_default();
    Some(match code {
        Code::MediaDenied => {
            let error = first.detail.as_deref().unwrap_or("no reason given");
            format!("{who} was refused microphone or camera ({error})")
        }
        Code::NeverConnected => format!("{} never connected", pair(&who, &peers())),
        Code::ConnectionFailed => format!("{} lost their connection for good", pair(&who, &peers())),
        Code::Disconnected => {
            format!(
                "{} were cut off {} ({} in all)",
                pair(&who, &peers()),
                times(count.max(1)),
                length(seconds)
            )
        }
        Code::OneWay => format!("{who} sent to {} but received nothing for {}", peers(), length(span)),
        Code::SlowSetup => {
            format!("{who} took {} to connect to {}", peak.map_or_else(|| "long".to_owned(), length), peers())
        }
        Code::PoorAudio => format!("{who} heard {} poorly for {}", peers(), length(span)),
        Code::Freeze => {
            format!("{who} saw {} freeze {} ({} in all)", peers(), times(count.max(1)), length(seconds))
        }
        Code::LowVideo => format!("{who} saw {} poorly for {}", peers(), length(span)),
        Code::StuckDecoder => format!("{who}'s decoder was stuck for {}", length(span)),
        Code::DryTrack => format!("{who} got nothing of a stream of {} for {}", peers(), length(span)),
        Code::LossIn => format!("{who} lost{} of the packets of {}", percent(), peers()),
        Code::LossOut => format!("{who}'s packets to {} got lost{}", peers(), percent()),
        Code::Concealment => format!("{who} heard made-up sound{} of {}", percent(), peers()),
        Code::HighRoundTripTime => {
            format!("{who} had round trips of up to {:.0} ms to {}", peak.unwrap_or_default(), peers())
        }
        Code::CpuLimited => format!("{who}'s processor limited what was sent for {}", length(span)),
        Code::DecoderOverload | Code::FramesNotDecoded => {
            format!("{who}'s machine could not decode all for {}", length(span))
        }
        Code::PliStorm => format!("{who} asked {} for whole pictures again and again", peers()),
        Code::TrackEndedEarly => format!("{who}'s track ended at once"),
        Code::UnstablePath => format!("{who}'s path to {} kept changing", peers()),
        _ => return None,
    })
}

/// Two names in one order, so that both sides of a connection say the same.
fn pair(a: &str, b: &str) -> String {
    if a <= b { format!("{a} and {b}") } else { format!("{b} and {a}") }
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}

/// What a conference's head says: its last call's sentences, and how many calls there were.
pub(super) fn of_conference(calls: &[Call], codes: &[String]) -> String {
    let Some(last) = calls.last() else { return "Nobody came.".to_owned() };
    let mut text = String::new();
    if calls.len() > 1 {
        text.push_str(&format!("A room of {} calls; the last one: ", calls.len()));
        let mut characters = last.sentence.chars();
        text.extend(characters.next().map(|first| first.to_lowercase().to_string()));
        text.extend(characters);
    } else {
        text.push_str(&last.sentence);
    }
    if let Ok(score) = &last.score {
        text.push_str(&format!(" Score {:.0} of 100 ({}).", score.score, call_score::band(score.score)));
    }
    if !codes.is_empty() {
        let titles: Vec<String> = codes.iter().map(|code| words::issue_title(code).to_lowercase()).collect();
        text.push_str(&format!(" Peer Metrics noted: {}.", titles.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_as_people_say_them() {
        let texts = [0.4, 63.0, 119.4, 725.0, 7500.0].map(length);
        assert_eq!(texts, ["0 s", "63 s", "119 s", "12 min", "2 h 5 min"]);
    }

    #[test]
    fn how_often_is_said_in_words() {
        assert_eq!([1, 2, 5].map(times), ["once", "twice", "5 times"]);
    }
}
