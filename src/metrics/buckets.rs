//! The half-open ranges `[min, max)` of the duration and setup-time charts, with the labels of the Peer Metrics API.

/// One range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The label.
    pub label: &'static str,
    /// The least value that belongs to it.
    pub min: u32,
    /// The least value that no longer does; none for the last.
    pub max: Option<u32>,
}

const fn range(label: &'static str, min: u32, max: u32) -> Range {
    Range { label, min, max: Some(max) }
}

/// Conference duration, seconds.
pub const DURATION: [Range; 12] = [
    range("< 1 m", 0, 60),
    range("1 - 3 m", 60, 180),
    range("3 - 5 m", 180, 300),
    range("5 - 10 m", 300, 600),
    range("10 - 15 m", 600, 900),
    range("15 - 20 m", 900, 1200),
    range("20 - 25 m", 1200, 1500),
    range("25 - 30 m", 1500, 1800),
    range("30 - 40 m", 1800, 2400),
    range("40 - 50 m", 2400, 3000),
    range("50 - 60 m", 3000, 3600),
    Range { label: "> 60 m", min: 3600, max: None },
];

/// Connection setup time, milliseconds.
pub const SETUP_TIME: [Range; 11] = [
    range("< 250 ms", 0, 250),
    range("250 - 500 ms", 250, 500),
    range("500 - 750 ms", 500, 750),
    range("750 - 1000 ms", 750, 1000),
    range("1000 - 1500 ms", 1000, 1500),
    range("1500 - 2000 ms", 1500, 2000),
    range("2000 - 2500 ms", 2000, 2500),
    range("2500 - 3000 ms", 2500, 3000),
    range("3000 - 4000 ms", 3000, 4000),
    range("4000 - 5000 ms", 4000, 5000),
    Range { label: "> 5000 ms", min: 5000, max: None },
];

/// Which range a value lies in; `None` for a negative one or no number.
pub fn bucket_of(ranges: &[Range], value: f64) -> Option<usize> {
    (value >= 0.0)
        .then(|| ranges.iter().position(|range| range.max.is_none_or(|max| value < f64::from(max))))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_half_open_and_leave_no_gap() {
        for ranges in [&DURATION[..], &SETUP_TIME[..]] {
            assert!(ranges.windows(2).all(|pair| pair[0].max == Some(pair[1].min)));
        }
        assert_eq!(bucket_of(&DURATION, 59.9), Some(0));
        assert_eq!(bucket_of(&DURATION, 60.0), Some(1));
        assert_eq!(bucket_of(&SETUP_TIME, 1e9), Some(10));
        assert_eq!(bucket_of(&SETUP_TIME, -1.0), None);
        assert_eq!(bucket_of(&SETUP_TIME, f64::NAN), None);
    }
}
