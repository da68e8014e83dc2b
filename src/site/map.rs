//! The map of places: circles on an equirectangular world of 1000 x 500 units, x from 180° W, y from 90° N.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::charts::round;
use crate::report::people;

/// A circle of the map, and a row of the list beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Circle {
    /// Where, if its coordinates are known.
    pub place: Option<(f64, f64)>,
    /// Radius.
    pub radius: f64,
    /// City, region, country.
    pub label: String,
    /// Sessions.
    pub count: usize,
}

/// The places of some sessions, the most frequent first. Two cities of one name in two countries are two places.
pub fn circles(places: impl Iterator<Item = impl Borrow<people::Place>>) -> Vec<Circle> {
    let mut counts: BTreeMap<String, (usize, Option<(f64, f64)>)> = BTreeMap::new();
    for place in places {
        let place = place.borrow();
        let Some(label) = place.label() else { continue };
        let entry = counts.entry(label).or_default();
        entry.0 += 1;
        entry.1 = entry.1.or(place.latitude.zip(place.longitude).filter(|(latitude, longitude)| {
            (-90.0..=90.0).contains(latitude) && (-180.0..=180.0).contains(longitude)
        }));
    }
    let most = counts.values().map(|(count, _)| *count).max().unwrap_or(1) as f64;
    let mut circles: Vec<Circle> = counts
        .into_iter()
        .map(|(label, (count, at))| Circle {
            place: at.map(|(latitude, longitude)| {
                (round((longitude + 180.0) / 360.0 * 1000.0), round((90.0 - latitude) / 180.0 * 500.0))
            }),
            // The area tells the number.
            radius: round(4.0 + 8.0 * (count as f64 / most).sqrt()),
            label,
            count,
        })
        .collect();
    circles.sort_by(|a, b| b.count.cmp(&a.count).then(a.label.cmp(&b.label)));
    circles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_on_the_map_where_they_are_on_earth() {
        let place = |city: &str, at: Option<(f64, f64)>| people::Place {
            city: Some(city.to_owned()),
            latitude: at.map(|at| at.0),
            longitude: at.map(|at| at.1),
            ..people::Place::default()
        };
        let list = [
            place("Null Island", Some((0.0, 0.0))),
            place("Cluj", Some((46.8, 23.6))),
            place("Cluj", None),
            place("Nowhere", Some((120.0, 0.0))),
        ];
        let circles = circles(list.iter());
        let seen: Vec<_> =
            circles.iter().map(|circle| (circle.label.as_str(), circle.count, circle.place)).collect();
        assert_eq!(
            seen,
            [
                ("Cluj", 2, Some((565.56, 120.0))),
                ("Nowhere", 1, None),
                ("Null Island", 1, Some((500.0, 250.0)))
            ]
        );
        assert_eq!((circles[0].radius, circles[1].radius), (12.0, 9.66));
    }
}
