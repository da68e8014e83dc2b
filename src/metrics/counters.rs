//! What two polls of the same report say about the time between them: increases of counters, never negative, and ratios of
//! increases. A counter that fell began anew (a new SSRC, a rejoin), so that nothing is known of the interval.

/// The increase of a counter; `None` where it is missing or fell.
pub fn increase(from: Option<i64>, to: Option<i64>) -> Option<f64> {
    let delta = to?.checked_sub(from?)?;
    (delta >= 0).then_some(delta as f64)
}

/// The increase of a sum in floating point; `None` where it is missing, fell or is not finite.
pub fn growth(from: Option<f64>, to: Option<f64>) -> Option<f64> {
    let delta = to? - from?;
    (delta.is_finite() && delta >= 0.0).then_some(delta)
}

/// Part of a whole; `None` where the whole is nothing.
pub fn ratio(part: f64, whole: f64) -> Option<f64> {
    let ratio = part / whole;
    (whole > 0.0 && ratio.is_finite()).then_some(ratio)
}

/// Packets lost of those expected, 0 to 1, from `packetsLost` and `packetsReceived`; `None` when none was expected. Packets
/// that come late make `packetsLost` fall: then none was lost in this interval.
pub fn loss(lost: (Option<i64>, Option<i64>), received: (Option<i64>, Option<i64>)) -> Option<f64> {
    let received = increase(received.0, received.1)?;
    let missing = lost.1?.saturating_sub(lost.0?).max(0) as f64;
    ratio(missing, missing + received)
}

/// Two decimals finer than any instrument reads: keeps files small and bytes equal on all machines.
pub fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded + 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_fell_gives_nothing_rather_than_a_negative_number() {
        assert_eq!(increase(Some(5), Some(9)), Some(4.0));
        assert_eq!((increase(Some(9), Some(5)), increase(None, Some(5))), (None, None));
        assert_eq!(increase(Some(i64::MIN), Some(i64::MAX)), None);
        assert_eq!((growth(Some(1.0), Some(1.5)), growth(Some(2.0), Some(1.0))), (Some(0.5), None));
        assert_eq!(growth(Some(0.0), Some(f64::INFINITY)), None);
    }

    #[test]
    fn loss_is_of_what_was_expected() {
        assert_eq!(loss((Some(0), Some(10)), (Some(0), Some(90))), Some(0.1));
        // Ten came late after all.
        assert_eq!(loss((Some(10), Some(0)), (Some(0), Some(90))), Some(0.0));
        assert_eq!(loss((Some(0), Some(0)), (Some(7), Some(7))), None);
    }

    #[test]
    fn rounding_leaves_no_minus_zero() {
        assert_eq!(rounded(-0.000_01, 2).to_string(), "0");
        assert_eq!(rounded(1.005_7, 3).to_string(), "1.006");
    }
}
