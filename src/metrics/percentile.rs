//! Percentiles by linear interpolation between closest ranks (the method of numpy's default and of R's type 7), over values
//! that are all at hand.

use serde::{Deserialize, Serialize};

/// The distribution of some values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many values.
    pub n: usize,
    /// The least.
    pub min: f64,
    /// 5 % are below.
    pub p5: f64,
    /// Half are below.
    pub p50: f64,
    /// 95 % are below.
    pub p95: f64,
    /// The greatest.
    pub max: f64,
    /// The arithmetic mean.
    pub mean: f64,
}

impl Summary {
    /// Of the finite values; `None` if there is none.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.retain(|value| value.is_finite());
        // Sorted before summing, so that the order of the values does not change the mean's last digit.
        values.sort_by(f64::total_cmp);
        Some(Self {
            n: values.len(),
            min: *values.first()?,
            p5: percentile(&values, 0.05)?,
            p50: percentile(&values, 0.50)?,
            p95: percentile(&values, 0.95)?,
            max: *values.last()?,
            mean: values.iter().sum::<f64>() / values.len() as f64,
        })
    }
}

/// The value below which the share `p` (0 to 1) of sorted values lies; `None` if there is none.
pub fn percentile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = p.clamp(0.0, 1.0) * last as f64;
    let below = rank.floor() as usize;
    let share = rank - below as f64;
    let above = sorted[(below + 1).min(last)];
    Some(sorted[below] + (above - sorted[below]) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_their_neighbours() {
        let values = [10.0, 20.0, 30.0, 40.0];
        assert_eq!(percentile(&values, 0.5), Some(25.0));
        assert_eq!((percentile(&values, 0.0), percentile(&values, 1.0)), (Some(10.0), Some(40.0)));
        assert_eq!(percentile(&[7.0], 0.95), Some(7.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn a_summary_ignores_what_is_not_finite() {
        let summary = Summary::of(vec![3.0, f64::NAN, 1.0, 2.0, f64::INFINITY]).unwrap();
        assert_eq!((summary.n, summary.min, summary.p50, summary.max, summary.mean), (3, 1.0, 2.0, 3.0, 2.0));
        assert_eq!(Summary::of(vec![f64::NAN]), None);
    }
}
