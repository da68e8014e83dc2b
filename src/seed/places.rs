//! Where people are: real cities with coordinates, and what the service may know of them.

use super::json::Object;
use super::random::Dice;

/// A city.
pub(super) struct City {
    pub(super) name: &'static str,
    pub(super) country: &'static str,
    region: &'static str,
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

const fn city(
    name: &'static str,
    country: &'static str,
    region: &'static str,
    latitude: f64,
    longitude: f64,
) -> City {
    City { name, country, region, latitude, longitude }
}

#[rustfmt::skip]
pub(super) const CITIES: &[City] = &[
    city("Bucharest", "RO", "B", 44.4323, 26.1063), city("Cluj-Napoca", "RO", "CJ", 46.7712, 23.6236),
    city("Berlin", "DE", "BE", 52.5200, 13.4050), city("München", "DE", "BY", 48.1374, 11.5755),
    city("Hamburg", "DE", "HH", 53.5511, 9.9937), city("Wien", "AT", "9", 48.2082, 16.3738),
    city("Zürich", "CH", "ZH", 47.3769, 8.5417), city("Paris", "FR", "IDF", 48.8566, 2.3522),
    city("Lyon", "FR", "ARA", 45.7640, 4.8357), city("London", "GB", "ENG", 51.5072, -0.1276),
    city("Manchester", "GB", "ENG", 53.4808, -2.2426), city("Dublin", "IE", "L", 53.3498, -6.2603),
    city("Amsterdam", "NL", "NH", 52.3676, 4.9041), city("Madrid", "ES", "MD", 40.4168, -3.7038),
    city("Lisboa", "PT", "11", 38.7223, -9.1393), city("Milano", "IT", "25", 45.4642, 9.1900),
    city("Warszawa", "PL", "14", 52.2297, 21.0122), city("Stockholm", "SE", "AB", 59.3293, 18.0686),
    city("Oslo", "NO", "03", 59.9139, 10.7522), city("Αθήνα", "GR", "I", 37.9838, 23.7275),
    city("İstanbul", "TR", "34", 41.0082, 28.9784), city("Київ", "UA", "30", 50.4501, 30.5234),
    city("New York", "US", "NY", 40.7128, -74.0060), city("San Francisco", "US", "CA", 37.7749, -122.4194),
    city("Chicago", "US", "IL", 41.8781, -87.6298), city("Austin", "US", "TX", 30.2672, -97.7431),
    city("Toronto", "CA", "ON", 43.6532, -79.3832), city("Ciudad de México", "MX", "CMX", 19.4326, -99.1332),
    city("São Paulo", "BR", "SP", -23.5558, -46.6396), city("Buenos Aires", "AR", "C", -34.6037, -58.3816),
    city("Lagos", "NG", "LA", 6.5244, 3.3792), city("Nairobi", "KE", "30", -1.2921, 36.8219),
    city("Cape Town", "ZA", "WC", -33.9249, 18.4241), city("Cairo", "EG", "C", 30.0444, 31.2357),
    city("Dubai", "AE", "DU", 25.2048, 55.2708), city("Mumbai", "IN", "MH", 19.0760, 72.8777),
    city("Bengaluru", "IN", "KA", 12.9716, 77.5946), city("Singapore", "SG", "", 1.3521, 103.8198),
    city("東京", "JP", "13", 35.6762, 139.6503), city("서울", "KR", "11", 37.5665, 126.9780),
    city("Sydney", "AU", "NSW", -33.8688, 151.2093), city("Auckland", "NZ", "AUK", -36.8509, 174.7645),
];

/// A city near the app's market: most people of an app live near each other.
pub(super) fn home(dice: &mut Dice, market: usize) -> usize {
    if dice.chance(0.75) { (market + dice.below(8)) % CITIES.len() } else { dice.below(CITIES.len()) }
}

/// Seconds that light in fibre takes there and back, by ways that are not straight.
pub(super) fn flight_time(a: usize, b: usize) -> f64 {
    let (a, b) = (&CITIES[a], &CITIES[b]);
    let (from, to) = (a.latitude.to_radians(), b.latitude.to_radians());
    let across = (b.longitude - a.longitude).to_radians();
    let cosine = from.sin() * to.sin() + from.cos() * to.cos() * across.cos();
    let kilometres = 6371.0 * cosine.clamp(-1.0, 1.0).acos();
    2.0 * 1.5 * kilometres / 200_000.0
}

/// What the service stores as `geo_ip`: usually numbers, from some providers strings, and without one, nulls.
pub(super) fn geo_ip(dice: &mut Dice, at: usize) -> Option<String> {
    let city = &CITIES[at];
    let (latitude, longitude) =
        (city.latitude + dice.between(-0.03, 0.03), city.longitude + dice.between(-0.03, 0.03));
    let named = Object::new().text("country_code", city.country).text("region_code", city.region);
    Some(match dice.weighted([82.0, 8.0, 5.0, 2.0, 3.0]) {
        0 => named
            .text("city", city.name)
            .num("latitude", (latitude * 1e4).round() / 1e4)
            .num("longitude", (longitude * 1e4).round() / 1e4)
            .end(),
        1 => named
            .text("city", city.name)
            .text("latitude", &format!("{latitude:.4}"))
            .text("longitude", &format!("{longitude:.4}"))
            .end(),
        2 => ["country_code", "region_code", "city", "latitude", "longitude"]
            .into_iter()
            .fold(Object::new(), |object, key| object.raw(key, "null"))
            .end(),
        3 => named.end(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ocean_away_takes_longer_than_next_door() {
        let at = |name| CITIES.iter().position(|city| city.name == name).unwrap();
        let (near, far) = (flight_time(at("Berlin"), at("Wien")), flight_time(at("Berlin"), at("Sydney")));
        assert!((0.005..0.012).contains(&near), "{near}");
        assert!((0.2..0.3).contains(&far), "{far}");
    }
}
