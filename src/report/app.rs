//! What an app's dashboard counts: a commutative monoid, so that partitions can be merged in any order on any number of
//! threads with the same result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Class, ConferenceFacts, CountedFacts};
use crate::ids::{ConferenceId, SessionId};
use crate::metrics::buckets::{self, DURATION, SETUP_TIME};
use crate::units::{Day, Timestamp};

/// When a thing was seen first; orders lists of equal counts as the database would.
type FirstSeen = (Timestamp, SessionId);
/// Messages of a media error, by the time of their issue.
type Messages = BTreeMap<Timestamp, String>;

/// Conferences of one day by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCounts {
    /// Neither errors nor warnings.
    pub success: usize,
    /// With warnings.
    pub warning: usize,
    /// With errors.
    pub error: usize,
    /// Still going on.
    pub ongoing: usize,
}

impl DayCounts {
    /// All of them.
    pub fn total(self) -> usize {
        self.success + self.warning + self.error + self.ongoing
    }

    fn add(&mut self, class: Class) {
        *match class {
            Class::Ongoing => &mut self.ongoing,
            Class::Error => &mut self.error,
            Class::Warning => &mut self.warning,
            Class::Success => &mut self.success,
        } += 1;
    }

    fn merge(&mut self, other: Self) {
        self.success += other.success;
        self.warning += other.warning;
        self.error += other.error;
        self.ongoing += other.ongoing;
    }
}

/// Pages list so many conferences behind a number, the newest.
const NEWEST: usize = 10;

/// A number, with how many conferences are behind it and the newest of these.
///
/// The values of a conference come one after the other, and all of them to one bucket of those that are merged: that is why it
/// is enough to know the newest.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Bucket {
    /// How many values.
    pub count: usize,
    /// How many conferences, but for the last one.
    others: usize,
    /// The newest of these, the oldest first; at most `NEWEST`.
    newest: Vec<Behind>,
    /// The conference whose values came last; others of it may follow.
    last: Option<Behind>,
}

/// A conference behind a number, with when the first of its values was made.
type Behind = (Timestamp, ConferenceId);

impl Bucket {
    pub(super) fn add(&mut self, conference: ConferenceId, at: Timestamp) {
        self.add_all(1, conference, at);
    }

    fn add_all(&mut self, values: usize, conference: ConferenceId, at: Timestamp) {
        self.count += values;
        match &mut self.last {
            Some((first, last)) if *last == conference => *first = at.min(*first),
            _ => {
                self.end_last();
                self.last = Some((at, conference));
            }
        }
    }

    /// No value of the last conference is to come.
    fn end_last(&mut self) {
        if let Some(last) = self.last.take() {
            self.others += 1;
            self.keep(last);
        }
    }

    fn keep(&mut self, one: Behind) {
        self.newest.insert(self.newest.partition_point(|other| *other < one), one);
        if self.newest.len() > NEWEST {
            self.newest.remove(0);
        }
    }

    fn merge(&mut self, mut other: Self) {
        self.end_last();
        other.end_last();
        self.count += other.count;
        self.others += other.others;
        other.newest.into_iter().for_each(|one| self.keep(one));
    }

    /// How many conferences are behind it.
    pub fn conferences(&self) -> usize {
        self.others + usize::from(self.last.is_some())
    }

    /// The newest conferences behind it, in the order in which the first value of each was made, the newest first.
    pub fn newest(&self) -> impl Iterator<Item = ConferenceId> {
        let mut all = self.clone();
        all.end_last();
        all.newest.into_iter().rev().map(|(_, id)| id)
    }
}

impl PartialEq for Bucket {
    fn eq(&self, other: &Self) -> bool {
        let [mut one, mut other] = [self, other].map(Self::clone);
        one.end_last();
        other.end_last();
        (one.count, one.others, one.newest) == (other.count, other.others, other.newest)
    }
}

/// A number, with all conferences behind it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WholeBucket {
    /// How many values.
    pub count: usize,
    /// The conferences that they are of, in order; while they are added, as they come.
    of: Vec<Behind>,
}

impl WholeBucket {
    fn add(&mut self, conference: ConferenceId, at: Timestamp) {
        self.count += 1;
        match self.of.last_mut() {
            Some((first, last)) if *last == conference => *first = at.min(*first),
            _ => self.of.push((at, conference)),
        }
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.of.extend(other.of);
        self.of.sort();
    }

    /// The conferences behind it, in the order in which the first value of each was made.
    pub fn conferences(&self) -> impl Iterator<Item = ConferenceId> {
        let mut all = self.of.clone();
        all.sort_unstable();
        all.into_iter().map(|(_, id)| id)
    }
}

/// Sessions of one city.
#[derive(Debug, Clone, PartialEq)]
pub struct CityCount {
    /// Its name.
    pub city: String,
    /// Its country, if it is known.
    pub country: Option<String>,
    /// Of its first session, degrees.
    pub latitude: f64,
    /// Of its first session, degrees.
    pub longitude: f64,
    /// Sessions.
    pub count: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct City {
    first: FirstSeen,
    country: Option<String>,
    place: (f64, f64),
    count: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Counted {
    count: usize,
    first: FirstSeen,
}

type Counter = BTreeMap<String, Counted>;

fn count(counter: &mut Counter, name: &str, first: FirstSeen) {
    let entry = counter.entry(name.to_owned()).or_insert(Counted { count: 0, first });
    entry.count += 1;
    entry.first = entry.first.min(first);
}

fn merge_counters(into: &mut Counter, from: Counter) {
    for (name, counted) in from {
        let entry = into.entry(name).or_insert(Counted { count: 0, first: counted.first });
        entry.count += counted.count;
        entry.first = entry.first.min(counted.first);
    }
}

/// By count, then by who came first, then by name.
fn ranked(counter: &Counter) -> Vec<(&str, usize)> {
    let mut list: Vec<_> = counter.iter().collect();
    list.sort_by(|(name_a, a), (name_b, b)| {
        b.count.cmp(&a.count).then(a.first.cmp(&b.first)).then(name_a.cmp(name_b))
    });
    list.into_iter().map(|(name, counted)| (name.as_str(), counted.count)).collect()
}

/// The totals of an app, or of an organization, or of all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AppTotals {
    /// Conferences by UTC day of creation and class as the API counts.
    pub days: BTreeMap<Day, DayCounts>,
    /// The same by the class of all issues, those that the service stores without conference included.
    pub days_of_all_issues: BTreeMap<Day, DayCounts>,
    /// Conferences by duration.
    pub durations: BTreeMap<usize, Bucket>,
    /// Connections by setup time.
    pub setup_times: BTreeMap<usize, WholeBucket>,
    /// Conferences by number of participants.
    pub participant_counts: BTreeMap<usize, usize>,
    /// Connections with a direct and with a relayed path.
    pub paths: (usize, usize),
    /// Sessions.
    pub sessions: usize,
    /// Whole seconds of presence of all participants.
    pub presence_s: u64,
    issues: Counter,
    all_issues: BTreeMap<String, Bucket>,
    media_errors: BTreeMap<String, (Counted, Messages)>,
    browsers: Counter,
    systems: Counter,
    countries: Counter,
    app_versions: Counter,
    cities: BTreeMap<String, City>,
}

impl AppTotals {
    /// Adds a conference; rows made before `since` are left out, each by its own time, as the API does.
    pub fn add(&mut self, facts: &ConferenceFacts, counted: &CountedFacts, since: Option<Timestamp>) {
        let within = |at: Timestamp| since.is_none_or(|since| at >= since);
        if within(facts.row.created_at) {
            let day = facts.row.created_at.day();
            self.days.entry(day).or_default().add(facts.api_class);
            self.days_of_all_issues.entry(day).or_default().add(facts.class);
            if let Some(at) = buckets::bucket_of(&DURATION, facts.row.duration as f64) {
                self.durations.entry(at).or_default().add(facts.row.id, facts.row.created_at);
            }
            *self.participant_counts.entry(facts.participants_count).or_default() += 1;
            for (code, number) in &facts.issues {
                let bucket = self.all_issues.entry(code.clone()).or_default();
                bucket.add_all(*number, facts.row.id, facts.row.created_at);
            }
        }
        for &(at, ms) in &counted.setup_times_ms {
            if let Some(bucket) = buckets::bucket_of(&SETUP_TIME, ms).filter(|_| within(at)) {
                self.setup_times.entry(bucket).or_default().add(facts.row.id, at);
            }
        }
        for &(_, relayed) in counted.paths.iter().filter(|(at, _)| within(*at)) {
            *if relayed { &mut self.paths.1 } else { &mut self.paths.0 } += 1;
        }
        for issue in counted.counted_issues.iter().filter(|issue| within(issue.created_at)) {
            let first = (issue.created_at, SessionId::default());
            count(&mut self.issues, &issue.code, first);
            if let Some((name, message)) =
                issue.media_error.as_ref().filter(|_| issue.code == "getusermedia_error")
            {
                let none = (Counted { count: 0, first }, BTreeMap::new());
                let (counted, messages) = self.media_errors.entry(name.clone()).or_insert(none);
                counted.count += 1;
                counted.first = counted.first.min(first);
                if !message.is_empty() {
                    messages.entry(issue.created_at).or_insert_with(|| message.clone());
                }
            }
        }
        for session in counted.sessions.iter().filter(|session| within(session.row.created_at)) {
            self.sessions += 1;
            self.presence_s += session.visit.to.seconds_since(session.visit.from).max(0.0) as u64;
            let first = (session.row.created_at, session.row.id);
            count(&mut self.app_versions, session.visit.app_version.as_deref().unwrap_or("Unknown"), first);
            if let Some(place) = &session.visit.place {
                if let Some(country) = &place.country {
                    count(&mut self.countries, country, first);
                }
                if let (Some(city), Some(at)) = (&place.city, place.latitude.zip(place.longitude)) {
                    let fresh = City { first, country: place.country.clone(), place: at, count: 0 };
                    merge_city(&mut self.cities, city, City { count: 1, ..fresh });
                }
            }
        }
        for (session, platform) in counted.platforms().filter(|(session, _)| within(session.row.created_at)) {
            let first = (session.row.created_at, session.row.id);
            count(&mut self.browsers, platform.browser.as_deref().unwrap_or("Unknown"), first);
            count(&mut self.systems, platform.os.as_deref().unwrap_or("Unknown"), first);
        }
    }

    /// Adds what another partition counted; a conference is in one of them only.
    pub fn merge(&mut self, other: Self) {
        for (day, counts) in other.days {
            self.days.entry(day).or_default().merge(counts);
        }
        for (day, counts) in other.days_of_all_issues {
            self.days_of_all_issues.entry(day).or_default().merge(counts);
        }
        for (at, bucket) in other.durations {
            self.durations.entry(at).or_default().merge(bucket);
        }
        for (at, bucket) in other.setup_times {
            self.setup_times.entry(at).or_default().merge(bucket);
        }
        for (participants, number) in other.participant_counts {
            *self.participant_counts.entry(participants).or_default() += number;
        }
        self.paths = (self.paths.0 + other.paths.0, self.paths.1 + other.paths.1);
        self.sessions += other.sessions;
        self.presence_s += other.presence_s;
        merge_counters(&mut self.issues, other.issues);
        merge_counters(&mut self.browsers, other.browsers);
        merge_counters(&mut self.systems, other.systems);
        merge_counters(&mut self.countries, other.countries);
        merge_counters(&mut self.app_versions, other.app_versions);
        for (code, bucket) in other.all_issues {
            self.all_issues.entry(code).or_default().merge(bucket);
        }
        for (name, (counted, messages)) in other.media_errors {
            let none = (Counted { count: 0, first: counted.first }, BTreeMap::new());
            let entry = self.media_errors.entry(name).or_insert(none);
            entry.0.count += counted.count;
            entry.0.first = entry.0.first.min(counted.first);
            for (at, message) in messages {
                let kept = entry.1.entry(at).or_insert_with(|| message.clone());
                if message < *kept {
                    *kept = message;
                }
            }
        }
        for (city, counted) in other.cities {
            merge_city(&mut self.cities, &city, counted);
        }
    }

    /// The same without the lists of conferences, which are as long as there are conferences.
    #[must_use]
    pub fn figures(&self) -> Self {
        Self {
            days: self.days.clone(),
            days_of_all_issues: self.days_of_all_issues.clone(),
            participant_counts: self.participant_counts.clone(),
            paths: self.paths,
            sessions: self.sessions,
            presence_s: self.presence_s,
            ..Self::default()
        }
    }

    /// Conferences in all.
    pub fn conferences(&self) -> usize {
        self.days.values().map(|day| day.total()).sum()
    }

    /// Issue codes as the API counts them, most frequent first.
    pub fn issues(&self) -> Vec<(&str, usize)> {
        ranked(&self.issues)
    }

    /// Issue codes with their number and conferences, those stored without conference included, most frequent first.
    pub fn all_issues(&self) -> Vec<(&str, &Bucket)> {
        let mut list: Vec<_> = self.all_issues.iter().map(|(code, of)| (code.as_str(), of)).collect();
        list.sort_by(|a, b| b.1.count.cmp(&a.1.count).then(a.0.cmp(b.0)));
        list
    }

    /// getUserMedia errors: name, first message, number; most frequent first.
    pub fn media_errors(&self) -> Vec<(&str, &str, usize)> {
        let mut list: Vec<_> = self.media_errors.iter().collect();
        list.sort_by(|(name_a, (a, _)), (name_b, (b, _))| {
            b.count.cmp(&a.count).then(a.first.cmp(&b.first)).then(name_a.cmp(name_b))
        });
        list.into_iter()
            .map(|(name, (counted, messages))| {
                (name.as_str(), messages.values().next().unwrap_or(name).as_str(), counted.count)
            })
            .collect()
    }

    /// Sessions by browser, most frequent first.
    pub fn browsers(&self) -> Vec<(&str, usize)> {
        ranked(&self.browsers)
    }

    /// Sessions by operating system, most frequent first.
    pub fn systems(&self) -> Vec<(&str, usize)> {
        ranked(&self.systems)
    }

    /// Sessions by country code, most frequent first.
    pub fn countries(&self) -> Vec<(&str, usize)> {
        ranked(&self.countries)
    }

    /// Sessions by app version, most frequent first.
    pub fn app_versions(&self) -> Vec<(&str, usize)> {
        ranked(&self.app_versions)
    }

    /// Cities in order of appearance.
    pub fn cities(&self) -> Vec<CityCount> {
        let mut list: Vec<_> = self.cities.iter().collect();
        list.sort_by_key(|(_, city)| city.first);
        list.into_iter()
            .map(|(name, city)| CityCount {
                city: name.clone(),
                country: city.country.clone(),
                latitude: city.place.0,
                longitude: city.place.1,
                count: city.count,
            })
            .collect()
    }
}

fn merge_city(cities: &mut BTreeMap<String, City>, name: &str, other: City) {
    match cities.get_mut(name) {
        None => {
            cities.insert(name.to_owned(), other);
        }
        Some(city) => {
            let count = city.count + other.count;
            if other.first < city.first {
                *city = other;
            }
            city.count = count;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn conference(id: u128) -> ConferenceId {
        ConferenceId(Uuid::from_u128(id))
    }

    proptest! {
        /// What is listed behind a number is what all values of it say, wherever they were counted.
        #[test]
        fn the_newest_conferences_behind_a_number_are_known_however_they_are_dealt(
            of_conferences in proptest::collection::vec((0..4_usize, proptest::collection::vec(0..50_i64, 1..4)), 0..60),
        ) {
            let mut parts = vec![Bucket::default(); 4];
            let mut all = Vec::new();
            let mut count = 0;
            for (id, (part, times)) in (0..).zip(&of_conferences) {
                for at in times {
                    parts[*part].add(conference(id), Timestamp::from_micros(*at));
                }
                count += times.len();
                all.extend(times.iter().min().map(|at| (*at, conference(id))));
            }
            all.sort_unstable();
            let newest: Vec<_> = all.iter().rev().take(NEWEST).map(|(_, id)| *id).collect();
            let sum = |parts: &mut dyn Iterator<Item = &Bucket>| {
                let mut sum = Bucket::default();
                parts.for_each(|part| sum.merge(part.clone()));
                sum
            };
            let merged = sum(&mut parts.iter());
            prop_assert_eq!((merged.count, merged.conferences()), (count, of_conferences.len()));
            prop_assert_eq!(merged.newest().collect::<Vec<_>>(), newest);
            prop_assert_eq!(&sum(&mut parts.iter().rev()), &merged);
        }
    }

    #[test]
    fn a_conference_stands_behind_a_number_once_since_its_first_value() {
        let mut totals = [AppTotals::default(), AppTotals::default()];
        for (part, id, at) in [(0, 1, 9), (0, 2, 5), (0, 2, 3), (1, 3, 4)] {
            let bar = totals[part].setup_times.entry(2).or_default();
            bar.add(conference(id), Timestamp::from_micros(at));
        }
        let [mut one, other] = totals;
        one.merge(other);
        let bar = &one.setup_times[&2];
        assert_eq!(bar.count, 4);
        assert_eq!(bar.conferences().collect::<Vec<_>>(), [2, 3, 1].map(conference));
    }
}
