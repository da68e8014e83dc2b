//! Whether two samples differ by more than chance: tests of shares and of distributions, and what many tests at once ask for.
//!
//! Sources: R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine
//! 17 (1998), method 10, for intervals; Pearson's and Fisher's tests for shares; H. B. Mann and D. R. Whitney, Annals of
//! Mathematical Statistics 18 (1947), with the usual correction of the variance for ties and of the statistic for continuity,
//! for distributions; Y. Benjamini and Y. Hochberg, Journal of the Royal Statistical Society B 57 (1995), for many tests.

use std::f64::consts::{PI, SQRT_2};

/// With fewer values than this on either side nothing is claimed.
pub const LEAST: usize = 20;
/// The share of claims that may be wrong in the long run.
pub const FALSE_DISCOVERIES: f64 = 0.05;
/// The normal deviate of 95 % intervals.
const Z95: f64 = 1.959_963_984_540_054;
/// Below this expected count in a cell Pearson's test is not to be trusted, and Fisher's is taken.
const LEAST_EXPECTED: f64 = 5.0;

/// Some of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub of: usize,
    /// Among how many.
    pub n: usize,
}

impl Share {
    /// 0 to 1; none of nothing.
    pub fn ratio(self) -> Option<f64> {
        (self.n > 0).then(|| self.of as f64 / self.n as f64)
    }
}

/// What a test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// Whether the first sample lies higher (1), lower (-1) or neither (0).
    pub sign: i8,
    /// How probable a difference this large is if there is none, 0 to 1.
    pub p: f64,
}

/// Wilson's score interval of a share, 95 %.
pub fn wilson(share: Share) -> Option<(f64, f64)> {
    let ratio = share.ratio()?;
    let n = share.n as f64;
    let z2 = Z95 * Z95;
    let middle = 2.0 * n * ratio + z2;
    let half = Z95 * (z2 + 4.0 * n * ratio * (1.0 - ratio)).sqrt();
    let below = 2.0 * (n + z2);
    Some((((middle - half) / below).max(0.0), ((middle + half) / below).min(1.0)))
}

/// The 95 % interval of the difference `a - b` of two shares.
pub fn difference(a: Share, b: Share) -> Option<(f64, f64)> {
    let (ratio_a, ratio_b) = (a.ratio()?, b.ratio()?);
    let ((low_a, high_a), (low_b, high_b)) = (wilson(a)?, wilson(b)?);
    let between = ratio_a - ratio_b;
    Some((
        between - (ratio_a - low_a).hypot(high_b - ratio_b),
        between + (high_a - ratio_a).hypot(ratio_b - low_b),
    ))
}

/// Compares two shares: Pearson's test, or Fisher's exact one where a count is small. None of nothing.
pub fn shares(a: Share, b: Share) -> Option<Test> {
    let (ratio_a, ratio_b) = (a.ratio()?, b.ratio()?);
    let (n_a, n_b) = (a.n as f64, b.n as f64);
    let pooled = (a.of + b.of) as f64 / (n_a + n_b);
    let sign = sign(ratio_a, ratio_b);
    let least = n_a.min(n_b) * pooled.min(1.0 - pooled);
    if least < LEAST_EXPECTED {
        return Some(Test { sign, p: fisher(a, b) });
    }
    let error = (pooled * (1.0 - pooled) * (1.0 / n_a + 1.0 / n_b)).sqrt();
    Some(Test { sign, p: two_sided((ratio_a - ratio_b) / error) })
}

/// Compares two samples, each sorted: which one's values tend to be higher. None of nothing.
pub fn distributions(a: &[f64], b: &[f64]) -> Option<Test> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let (n_a, n_b) = (a.len() as f64, b.len() as f64);
    // A walk over both: each run of equal values has the mean of its ranks.
    let (mut at_a, mut at_b, mut before) = (0, 0, 0.0);
    let (mut ranks_a, mut ties) = (0.0, 0.0);
    while at_a < a.len() || at_b < b.len() {
        let value = match (a.get(at_a), b.get(at_b)) {
            (Some(own), Some(other)) => own.min(*other),
            (Some(one), None) | (None, Some(one)) => *one,
            (None, None) => break,
        };
        let run = |list: &[f64], at: usize| list[at..].iter().take_while(|other| **other <= value).count();
        let (in_a, in_b) = (run(a, at_a), run(b, at_b));
        if in_a + in_b == 0 {
            // Only a value that is no number gets here.
            return None;
        }
        let count = (in_a + in_b) as f64;
        ranks_a += in_a as f64 * (before + f64::midpoint(count, 1.0));
        ties += count * count * count - count;
        before += count;
        at_a += in_a;
        at_b += in_b;
    }
    let all = n_a + n_b;
    // Mann and Whitney's U, and how far it is from its mean.
    let off = ranks_a - n_a * (n_a + 1.0) / 2.0 - n_a * n_b / 2.0;
    let variance = n_a * n_b / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return Some(Test { sign: 0, p: 1.0 });
    }
    let deviate = (off.abs() - 0.5).max(0.0) / variance.sqrt();
    Some(Test { sign: sign(off, 0.0), p: two_sided(deviate) })
}

/// Which of many tests may be called more than chance, so that of those called so at most the share [`FALSE_DISCOVERIES`] is
/// wrong in the long run; in the order of the tests.
pub fn discoveries(p: &[f64]) -> Vec<bool> {
    let mut sorted: Vec<f64> = p.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let limit = sorted
        .iter()
        .enumerate()
        .rev()
        .find(|(rank, p)| **p <= (*rank + 1) as f64 / count * FALSE_DISCOVERIES)
        .map(|(_, p)| *p);
    p.iter().map(|p| limit.is_some_and(|limit| *p <= limit)).collect()
}

fn sign(a: f64, b: f64) -> i8 {
    match a.total_cmp(&b) {
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => 0,
    }
}

/// The probability of a normal deviate at least this far from 0 on either side.
fn two_sided(z: f64) -> f64 {
    erfc(z.abs() / SQRT_2)
}

/// The complementary error function of x >= 0: its power series near 0, its continued fraction further out.
fn erfc(x: f64) -> f64 {
    if x < 2.0 {
        let (mut term, mut sum) = (x, x);
        for n in 1..60 {
            let n = f64::from(n);
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        return (1.0 - 2.0 / PI.sqrt() * sum).clamp(0.0, 1.0);
    }
    let mut fraction = x;
    for n in (1..=60).rev() {
        fraction = x + f64::from(n) / 2.0 / fraction;
    }
    ((-x * x).exp() / (PI.sqrt() * fraction)).clamp(0.0, 1.0)
}

/// The two-sided p of Fisher's exact test: all tables with the same margins that are no more probable than this one.
fn fisher(a: Share, b: Share) -> f64 {
    let hits = a.of + b.of;
    let all = a.n + b.n;
    let factorials = log_factorials(all);
    let choose = |n: usize, k: usize| factorials[n] - factorials[k] - factorials[n - k];
    let log = |in_a: usize| choose(a.n, in_a) + choose(b.n, hits - in_a) - choose(all, hits);
    let own = log(a.of);
    let least = hits.saturating_sub(b.n);
    let most = hits.min(a.n);
    // As much room for rounding as the usual programs leave.
    let p: f64 = (least..=most).map(log).filter(|other| *other <= own + 1e-7).map(f64::exp).sum();
    p.min(1.0)
}

fn log_factorials(n: usize) -> Vec<f64> {
    let mut list = Vec::with_capacity(n + 1);
    let mut sum = 0.0;
    list.push(0.0);
    for k in 1..=n {
        sum += (k as f64).ln();
        list.push(sum);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(of: usize, n: usize) -> Share {
        Share { of, n }
    }

    fn close(a: f64, b: f64, within: f64) {
        assert!((a - b).abs() <= within, "{a} is not {b}");
    }

    #[test]
    fn intervals_of_differences_are_those_of_newcombe_s_table() {
        // Table II of the paper, method 10.
        for (a, b, low, high) in [
            (share(56, 70), share(48, 80), 0.0524, 0.3339),
            (share(9, 10), share(3, 10), 0.1705, 0.8090),
            (share(6, 7), share(2, 7), 0.0582, 0.8062),
            (share(5, 56), share(0, 29), -0.0381, 0.1926),
            (share(0, 10), share(0, 20), -0.1611, 0.2775),
        ] {
            let (from, to) = difference(a, b).unwrap();
            close(from, low, 5e-5);
            close(to, high, 5e-5);
        }
        assert_eq!(difference(share(0, 0), share(1, 2)), None);
    }

    #[test]
    fn a_share_that_is_larger_by_more_than_its_error_has_a_small_p() {
        // z = 0.2 / sqrt(104/150 * 46/150 * (1/70 + 1/80)) = 2.6505..., p = 0.00804.
        let test = shares(share(56, 70), share(48, 80)).unwrap();
        assert_eq!(test.sign, 1);
        close(test.p, 0.008_04, 2e-5);
        assert_eq!(shares(share(48, 80), share(56, 70)).unwrap().sign, -1);
        let same = shares(share(10, 50), share(20, 100)).unwrap();
        assert_eq!((same.sign, same.p), (0, 1.0));
    }

    #[test]
    fn small_counts_are_tested_exactly() {
        // The lady tasting tea: 3 of 4 against 1 of 4 has p = 34/70.
        close(shares(share(3, 4), share(1, 4)).unwrap().p, 34.0 / 70.0, 1e-9);
        // None of 20 against 5 of 20: 2 * C(20,5) / C(40,5) = 2 * 15504 / 658008.
        close(shares(share(0, 20), share(5, 20)).unwrap().p, 2.0 * 15_504.0 / 658_008.0, 1e-9);
        assert_eq!(shares(share(0, 20), share(0, 30)).map(|test| test.sign), Some(0));
    }

    #[test]
    fn ranks_tell_which_sample_lies_higher_ties_included() {
        // By hand: ranks of a are 1.5, 3, 4.5, sum 9; U = 3, mean 6, ties 6 + 6, variance 12/12 (8 - 12/42) = 7.714286;
        // z = (3 - 0.5) / 2.777460 = 0.900103.
        let (a, b) = ([1.0, 2.0, 3.0], [1.0, 3.0, 4.0, 5.0]);
        let test = distributions(&a, &b).unwrap();
        assert_eq!(test.sign, -1);
        close(test.p, 0.368_066, 2e-6);
        assert_eq!(distributions(&b, &a).unwrap(), Test { sign: 1, p: test.p });
        let equal = distributions(&[2.0; 30], &[2.0; 40]).unwrap();
        assert_eq!((equal.sign, equal.p), (0, 1.0));
        assert_eq!(distributions(&[], &[1.0]), None);
    }

    #[test]
    fn the_normal_distribution_s_table_is_met() {
        for (z, p) in [(0.0, 1.0), (1.0, 0.317_310_508), (1.959_963_985, 0.05), (3.0, 0.002_699_796)] {
            close(two_sided(z), p, 1e-9);
        }
        // 5 sigma, of which a power series would leave nothing.
        close(two_sided(5.0) / 5.733_031_4e-7, 1.0, 1e-7);
    }

    #[test]
    fn of_many_tests_those_stay_that_the_paper_keeps() {
        // The 15 p of section 3.2 of Benjamini and Hochberg: the first four are kept.
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
            0.6528, 0.7590, 1.0,
        ];
        let kept = discoveries(&p);
        assert_eq!(kept.iter().filter(|kept| **kept).count(), 4);
        assert!(kept[..4].iter().all(|kept| *kept));
        let mut turned = p;
        turned.reverse();
        assert!(discoveries(&turned)[11..].iter().all(|kept| *kept));
        assert_eq!(discoveries(&[]), Vec::<bool>::new());
    }
}
