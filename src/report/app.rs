//! What an app's dashboard counts: a commutative monoid, so that partitions can be merged in any order on any number of
//! threads with the same result.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Class, ConferenceFacts, CountedFacts};
use crate::ids::{ConferenceId, SessionId};
use crate::metrics::buckets::{self, DURATION, SETUP_TIME};
use crate::units::{Day, Timestamp};

/// When a thing was seen first; orders lists of equal counts as the database would.
type FirstSeen = (Timestamp, SessionId);
/// Conferences, by creation.
pub type Conferences = BTreeSet<(Timestamp, ConferenceId)>;
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

/// One bar of a histogram, with the conferences behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// How many values.
    pub count: usize,
    /// The conferences that they are of, with when the first of the values was made.
    of: BTreeMap<ConferenceId, Timestamp>,
}

impl Bucket {
    pub(super) fn add(&mut self, conference: ConferenceId, at: Timestamp) {
        self.count += 1;
        self.first(conference, at);
    }

    fn first(&mut self, conference: ConferenceId, at: Timestamp) {
        let first = self.of.entry(conference).or_insert(at);
        *first = at.min(*first);
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        other.of.into_iter().for_each(|(id, at)| self.first(id, at));
    }

    /// The conferences behind the values, in the order in which their first one was made.
    pub fn conferences(&self) -> Conferences {
        self.of.iter().map(|(id, at)| (*at, *id)).collect()
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
    pub setup_times: BTreeMap<usize, Bucket>,
    /// Conferences by number of participants.
    pub participant_counts: BTreeMap<usize, usize>,
    /// Connections with a direct and with a relayed path.
    pub paths: (usize, usize),
    /// Sessions.
    pub sessions: usize,
    /// Whole seconds of presence of all participants.
    pub presence_s: u64,
    issues: Counter,
    all_issues: BTreeMap<String, (usize, Conferences)>,
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
        let conference = (facts.row.created_at, facts.row.id);
        if within(facts.row.created_at) {
            let day = facts.row.created_at.day();
            self.days.entry(day).or_default().add(facts.api_class);
            self.days_of_all_issues.entry(day).or_default().add(facts.class);
            if let Some(at) = buckets::bucket_of(&DURATION, facts.row.duration as f64) {
                self.durations.entry(at).or_default().add(facts.row.id, facts.row.created_at);
            }
            *self.participant_counts.entry(facts.participants_count).or_default() += 1;
            for (code, number) in &facts.issues {
                let entry = self.all_issues.entry(code.clone()).or_default();
                entry.0 += number;
                entry.1.insert(conference);
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

    /// The same as all of them merged one after the other, but that what stands behind the bars is put in order once.
    pub fn sum(parts: Vec<Self>) -> Self {
        let mut sum = Self::default();
        let mut behind: [BTreeMap<usize, Vec<(ConferenceId, Timestamp)>>; 2] = Default::default();
        for mut part in parts {
            for (all, bars) in behind.iter_mut().zip([&mut part.durations, &mut part.setup_times]) {
                for (at, bar) in bars {
                    all.entry(*at).or_default().extend(std::mem::take(&mut bar.of));
                }
            }
            sum.merge(part);
        }
        for (all, bars) in behind.into_iter().zip([&mut sum.durations, &mut sum.setup_times]) {
            for (at, mut of) in all {
                // Of each conference the first.
                of.sort_unstable();
                of.dedup_by_key(|(id, _)| *id);
                bars.entry(at).or_default().of = of.into_iter().collect();
            }
        }
        sum
    }

    /// Adds what another partition counted.
    pub fn merge(&mut self, other: Self) {
        for (day, counts) in other.days {
            self.days.entry(day).or_default().merge(counts);
        }
        for (day, counts) in other.days_of_all_issues {
            self.days_of_all_issues.entry(day).or_default().merge(counts);
        }
        for (into, from) in
            [(&mut self.durations, other.durations), (&mut self.setup_times, other.setup_times)]
        {
            for (at, bucket) in from {
                into.entry(at).or_default().merge(bucket);
            }
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
        for (code, (number, conferences)) in other.all_issues {
            let entry = self.all_issues.entry(code).or_default();
            entry.0 += number;
            entry.1.extend(conferences);
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
    pub fn all_issues(&self) -> Vec<(&str, usize, &Conferences)> {
        let mut list: Vec<_> =
            self.all_issues.iter().map(|(code, (number, of))| (code.as_str(), *number, of)).collect();
        list.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
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

    proptest! {
        #[test]
        fn the_sum_of_parts_is_what_merging_them_gives(
            parts in proptest::collection::vec(proptest::collection::vec((0usize..3, 0u128..9, 0i64..5), 0..9), 0..9),
        ) {
            let parts: Vec<AppTotals> = parts.into_iter().map(|part| {
                let mut totals = AppTotals { sessions: part.len(), ..AppTotals::default() };
                for (bar, id, at) in part {
                    let (id, at) = (ConferenceId(Uuid::from_u128(id)), Timestamp::from_micros(at));
                    totals.durations.entry(bar).or_default().add(id, at);
                    totals.setup_times.entry(2 - bar).or_default().add(id, at);
                    *totals.participant_counts.entry(bar).or_default() += 1;
                }
                totals
            }).collect();
            let merged = parts.iter().cloned().fold(AppTotals::default(), |mut all, part| {
                all.merge(part);
                all
            });
            prop_assert_eq!(AppTotals::sum(parts), merged);
        }
    }
}
