//! Instants and days. An instant is microseconds since the Unix epoch in UTC, as PostgreSQL stores it; the core never
//! asks a clock for one.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in UTC with microsecond resolution.
///
/// Any `i64` is a valid instant; those outside the years 1 to 9999 (PostgreSQL's `infinity`, far-off dates) are
/// clamped to that range where they are formatted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(i64);

/// 0001-01-01T00:00:00Z in microseconds.
const MIN_MICROS: i64 = -62_135_596_800_000_000;
/// 9999-12-30T22:00:00Z in microseconds, the last instant that the time library can show.
const MAX_MICROS: i64 = 253_402_207_200_000_000;

impl Timestamp {
    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From milliseconds since the Unix epoch, as browsers report; `None` if not finite or out of range.
    pub fn from_millis_f64(millis: f64) -> Option<Self> {
        let micros = millis * 1000.0;
        (micros.is_finite() && micros.abs() < 9e18).then_some(Self(micros.round() as i64))
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the Unix epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Seconds from `earlier` to `self`; negative if `self` is the earlier one.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / 1e6
    }

    /// This instant, later by so many seconds.
    #[must_use]
    pub fn plus_seconds(self, seconds: f64) -> Self {
        Self(self.0.saturating_add((seconds * 1e6) as i64))
    }

    /// Whether the instant can be shown as a date of the years 1 to 9999.
    pub const fn is_plausible(self) -> bool {
        self.0 >= MIN_MICROS && self.0 <= MAX_MICROS
    }

    /// The UTC day.
    pub fn day(self) -> Day {
        Day(self.civil().date())
    }

    /// The hour of the day in UTC, 0 to 23.
    pub fn hour(self) -> u8 {
        self.civil().hour().unsigned_abs()
    }

    /// Reads what the Peer Metrics API writes into JSON: `2026-11-23 16:34:28.509094`, naive UTC, the fraction and
    /// a zone (`Z`, `+00:00`) optional.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let instant = if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            instant
        } else {
            let civil: jiff::civil::DateTime = text.parse().ok()?;
            TimeZone::UTC.to_timestamp(civil).ok()?
        };
        Some(Self(instant.as_microsecond()))
    }

    /// As the Peer Metrics API writes it: `2026-11-23 16:34:28.509094`; no fraction when it is zero.
    pub fn api(self) -> String {
        self.text(' ', "")
    }

    /// RFC 3339 in UTC: `2026-11-23T16:34:28.509094Z`; no fraction when it is zero.
    pub fn rfc3339(self) -> String {
        self.text('T', "Z")
    }

    /// Digit by digit: a site has more instants than anything else.
    fn text(self, between: char, zone: &str) -> String {
        let (civil, micros) = (self.civil(), self.clamped().rem_euclid(1_000_000));
        let mut text = String::with_capacity("2026-11-23T16:34:28.509094Z".len());
        let parts = [
            (i64::from(civil.year()), 1000, '-'),
            (i64::from(civil.month()), 10, '-'),
            (i64::from(civil.day()), 10, between),
            (i64::from(civil.hour()), 10, ':'),
            (i64::from(civil.minute()), 10, ':'),
        ];
        for (number, unit, then) in parts {
            digits(&mut text, number, unit);
            text.push(then);
        }
        digits(&mut text, i64::from(civil.second()), 10);
        if micros != 0 {
            text.push('.');
            digits(&mut text, micros, 100_000);
        }
        text.push_str(zone);
        text
    }

    fn clamped(self) -> i64 {
        self.0.clamp(MIN_MICROS, MAX_MICROS)
    }

    fn civil(self) -> jiff::civil::DateTime {
        jiff::Timestamp::from_microsecond(self.clamped())
            .map(|instant| TimeZone::UTC.to_datetime(instant))
            .unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// RFC 3339 in forms for people; the number of microseconds, which is exact, in others.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.rfc3339())
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

/// From the number of microseconds, as forms that are not for people have it.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self)
    }
}

/// A number that is not negative, with leading zeros; `unit` is that of its first digit: 10 for two digits.
fn digits(text: &mut String, number: i64, mut unit: i64) {
    while unit > 0 {
        text.push(char::from(b'0' + (number / unit % 10) as u8));
        unit /= 10;
    }
}

/// A UTC day, written `2026-11-23`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Day(Date);

impl Day {
    /// The first instant of the day.
    pub fn start(self) -> Timestamp {
        let instant = TimeZone::UTC.to_timestamp(self.0.to_datetime(jiff::civil::Time::midnight()));
        Timestamp(instant.map(jiff::Timestamp::as_microsecond).unwrap_or_default())
    }

    /// The day after, or the same at the end of the calendar.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.tomorrow().unwrap_or(self.0))
    }

    /// 0 for Monday to 6 for Sunday.
    pub fn weekday(self) -> u8 {
        self.0.weekday().to_monday_zero_offset().unsigned_abs()
    }

    /// The month, written `2026-11`.
    pub fn month(self) -> String {
        self.0.strftime("%Y-%m").to_string()
    }

    /// From `2026-11-23`.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// The date, for calendar arithmetic.
    pub(crate) const fn date(self) -> Date {
        self.0
    }

    /// From a date.
    pub(crate) const fn from_date(date: Date) -> Self {
        Self(date)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%d"))
    }
}

/// As text in forms for people; as its first instant in others.
impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.start().serialize(serializer)
        }
    }
}

/// From its first instant, as forms that are not for people have it.
impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::deserialize(deserializer).map(Timestamp::day)
    }
}

/// A time zone of the IANA database, by whose midnights days begin. The rules are built in, so that every machine has the
/// same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Zone {
    /// From its name, such as `Europe/Berlin`; `None` if there is no such zone.
    pub fn parse(name: &str) -> Option<Self> {
        let zone = TimeZone::get(name).ok()?;
        (!zone.is_unknown() && zone.iana_name().is_some()).then_some(Self(zone))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The names of all zones, in order.
    pub fn names() -> Vec<String> {
        jiff::tz::db().available().map(|name| name.to_string()).collect()
    }

    /// The day on which an instant falls.
    pub fn day_of(&self, at: Timestamp) -> Day {
        jiff::Timestamp::from_microsecond(at.clamped())
            .map(|instant| Day(self.0.to_datetime(instant).date()))
            .unwrap_or_default()
    }

    /// The first instant of a day: midnight, or the end of the gap where clocks were put forward over it.
    pub fn start_of(&self, day: Day) -> Timestamp {
        let midnight = day.0.to_datetime(jiff::civil::Time::midnight());
        let instant = self.0.to_ambiguous_timestamp(midnight).compatible();
        Timestamp(instant.map_or(MAX_MICROS, jiff::Timestamp::as_microsecond))
    }

    /// An instant by the clocks of the zone, to the minute: `2026-11-23 16:34`.
    pub fn clock(&self, at: Timestamp) -> String {
        jiff::Timestamp::from_microsecond(at.clamped())
            .map(|instant| self.0.to_datetime(instant).strftime("%Y-%m-%d %H:%M").to_string())
            .unwrap_or_default()
    }
}

/// Adds a finite number as `Display` writes it: the fewest digits that are read back as the same number, and no exponent.
pub(crate) fn push_number(text: &mut String, value: f64) {
    let mut buffer = zmij::Buffer::new();
    let digits = buffer.format(value);
    if !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-')) {
        text.push_str(&value.to_string());
        return;
    }
    text.push_str(digits.strip_suffix(".0").unwrap_or(digits));
}

/// A count with its digits in groups of three, parted by a thin space.
pub fn grouped(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if count < 0 { format!("\u{2212}{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_the_midnights_of_a_zone_summer_time_included() {
        let zone = Zone::parse("America/New_York").unwrap();
        let at = |text: &str| Timestamp::parse(text).unwrap();
        assert_eq!(zone.day_of(at("2027-01-01 04:59:59.999999")).to_string(), "2026-12-31");
        assert_eq!(zone.day_of(at("2027-01-01 05:00:00")).to_string(), "2027-01-01");
        // Clocks went back on 2026-11-01, so that this day had 25 hours.
        let day = Day::parse("2026-11-01").unwrap();
        assert_eq!(zone.start_of(day).rfc3339(), "2026-11-01T04:00:00Z");
        assert_eq!(zone.start_of(day.next()).rfc3339(), "2026-11-02T05:00:00Z");
        assert_eq!(zone.clock(at("2026-11-01 12:30:59")), "2026-11-01 07:30");
        // Where there was no midnight, the day begins when the clocks had been put forward.
        let santiago = Zone::parse("America/Santiago").unwrap();
        let day = Day::parse("2026-09-06").unwrap();
        assert_eq!(santiago.start_of(day).rfc3339(), "2026-09-06T04:00:00Z");
        assert_eq!(santiago.day_of(at("2026-09-06 03:59:59")).to_string(), "2026-09-05");
    }

    #[test]
    fn numbers_are_written_as_display_writes_them() {
        for value in
            [0.0, -0.0, 1.0, -1.5, 333.33, 0.1 + 0.2, 1e21, 1.5e-9, 9_007_199_254_740_993.0, f64::MAX]
        {
            let mut text = String::new();
            push_number(&mut text, value);
            assert_eq!(text, value.to_string());
        }
    }

    #[test]
    fn instants_are_written_with_all_their_digits() {
        let texts = [0, 1, -1, 1_790_000_000_000_000].map(|micros| Timestamp::from_micros(micros).rfc3339());
        assert_eq!(
            texts,
            [
                "1970-01-01T00:00:00Z",
                "1970-01-01T00:00:00.000001Z",
                "1969-12-31T23:59:59.999999Z",
                "2026-09-21T14:13:20Z"
            ]
        );
        assert_eq!(Timestamp::from_micros(i64::MIN).api(), "0001-01-01 00:00:00");
        assert_eq!(Timestamp::from_micros(i64::MAX).rfc3339(), "9999-12-30T22:00:00Z");
    }

    #[test]
    fn only_zones_of_the_database_have_a_name() {
        assert_eq!(Zone::parse("Pacific/Auckland").unwrap().name(), "Pacific/Auckland");
        assert_eq!(Zone::default().name(), "UTC");
        for name in ["Mars/Olympus", "", "../etc/passwd", "Etc/Unknown"] {
            assert_eq!(Zone::parse(name), None, "{name}");
        }
        assert!(Zone::names().len() > 300);
    }

    #[test]
    fn api_times_round_trip_with_and_without_fraction() {
        for text in ["2026-11-23 16:34:28.509094", "2026-11-23 16:34:28", "1999-01-01 00:00:00.000001"] {
            assert_eq!(Timestamp::parse(text).unwrap().api(), text);
        }
        assert_eq!(Timestamp::parse("2026-11-23T16:34:28+00:00"), Timestamp::parse("2026-11-23 16:34:28"));
        assert_eq!(Timestamp::parse("soon"), None);
    }

    #[test]
    fn days_before_the_epoch_and_infinity_are_shown() {
        assert_eq!(Timestamp::from_micros(-1).day().to_string(), "1969-12-31");
        assert_eq!(Timestamp::from_micros(i64::MAX).day().to_string(), "9999-12-30");
        assert_eq!(Timestamp::from_micros(i64::MIN).day().to_string(), "0001-01-01");
        assert!(!Timestamp::from_micros(i64::MAX).is_plausible());
    }

    #[test]
    fn a_day_starts_at_midnight_utc() {
        let day = Day::parse("2026-11-23").unwrap();
        assert_eq!(day.start().rfc3339(), "2026-11-23T00:00:00Z");
        assert_eq!(day.next().to_string(), "2026-11-24");
        assert_eq!(day.month(), "2026-11");
    }
}
