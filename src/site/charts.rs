//! Geometry of the charts that templates draw as inline SVG: positions in a fixed coordinate system, computed here because a
//! template cannot compute.

use serde::Serialize;

use crate::units::{Timestamp, push_number};

/// Width of every chart's coordinate system.
pub const WIDTH: f64 = 1000.0;

/// Two decimals are finer than any screen.
pub(super) fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The `d` of an SVG path on its way.
#[derive(Debug, Default)]
pub(super) struct Path(String);

impl Path {
    /// A command with numbers, such as `L10 20`.
    pub(super) fn go<const N: usize>(&mut self, command: char, numbers: [f64; N]) {
        self.0.push(command);
        for (at, number) in numbers.into_iter().enumerate() {
            if at > 0 {
                self.0.push(' ');
            }
            push_number(&mut self.0, number);
        }
    }

    /// Back to where it began.
    pub(super) fn close(&mut self) {
        self.0.push('Z');
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// One labelled amount of a bar list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// What is counted.
    pub label: String,
    /// How many.
    pub count: usize,
    /// Share of all, 0 to 1; none where there is nothing.
    pub share: Option<f64>,
    /// Length of the bar, 0 to 1000, the longest of the list being 1000.
    pub length: f64,
}

/// A list of bars, in the order given.
pub fn bars(amounts: impl IntoIterator<Item = (String, usize)>) -> Vec<Bar> {
    let amounts: Vec<(String, usize)> = amounts.into_iter().collect();
    let total: usize = amounts.iter().map(|(_, count)| count).sum();
    let most = amounts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let part = |count: usize, of: usize| (of > 0).then(|| count as f64 / of as f64);
    amounts
        .into_iter()
        .map(|(label, count)| Bar {
            label,
            count,
            share: part(count, total),
            length: round(part(count, most).unwrap_or(0.0) * WIDTH),
        })
        .collect()
}

/// A stretch of a time axis, 0 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Stretch {
    /// Left edge.
    pub x: f64,
    /// Width; at least one unit, so that it can be seen.
    pub width: f64,
}

/// A time axis from `start` to `end`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    start: Timestamp,
    seconds: f64,
}

impl Axis {
    /// The axis; at least one second long.
    pub fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, seconds: end.seconds_since(start).max(1.0) }
    }

    /// The place of an instant, kept within the axis.
    pub fn x(&self, at: Timestamp) -> f64 {
        round((at.seconds_since(self.start) / self.seconds * WIDTH).clamp(0.0, WIDTH))
    }

    /// The place of a stretch, kept within the axis.
    pub fn stretch(&self, from: Timestamp, to: Timestamp) -> Stretch {
        let x = self.x(from).min(WIDTH - 1.0);
        Stretch { x, width: round((self.x(to) - x).max(1.0)) }
    }
}

/// A line over time with gaps: one SVG path, `M` where it begins anew.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// The path's `d`.
    pub path: String,
    /// The greatest value, at the top of the chart.
    pub max: f64,
    /// The last value.
    pub last: f64,
    /// How many values.
    pub n: usize,
}

/// The line of some values at some instants (ms since the epoch), in a box of `WIDTH` x `height` whose bottom is zero.
/// `None` if no value is there.
pub fn line(t: &[i64], values: &[Option<f64>], axis: &Axis, height: f64) -> Option<Line> {
    let points = || t.iter().zip(values);
    let known: Vec<f64> = values.iter().flatten().copied().filter(|value| value.is_finite()).collect();
    let max = known.iter().copied().max_by(f64::total_cmp)?;
    let top = if max > 0.0 { max } else { 1.0 };
    let mut path = Path::default();
    let mut pen_down = false;
    for (at, value) in points() {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            pen_down = false;
            continue;
        };
        let x = axis.x(Timestamp::from_micros(at.saturating_mul(1000)));
        let y = round(height - value / top * height);
        path.go(if pen_down { 'L' } else { 'M' }, [x, y]);
        if !pen_down {
            // A lone value would be invisible as a line; the same point again makes it a dot with round caps.
            path.go('L', [x, y]);
        }
        pen_down = true;
    }
    Some(Line { path: path.finish(), max, last: *known.last()?, n: known.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_relative_to_the_longest_and_to_all() {
        let list = bars([("a".to_owned(), 3), ("b".to_owned(), 1), ("c".to_owned(), 0)]);
        let parts: Vec<_> = list.iter().map(|bar| (bar.length, bar.share)).collect();
        assert_eq!(parts, [(1000.0, Some(0.75)), (333.33, Some(0.25)), (0.0, Some(0.0))]);
        assert_eq!(bars([("none".to_owned(), 0)])[0].share, None);
    }

    #[test]
    fn what_lies_outside_the_axis_is_kept_at_its_own_end() {
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let axis = Axis::new(at(100), at(200));
        assert_eq!((axis.x(at(0)), axis.x(at(150)), axis.x(at(900))), (0.0, 500.0, 1000.0));
        assert_eq!(axis.stretch(at(150), at(150)), Stretch { x: 500.0, width: 1.0 });
        assert_eq!(axis.stretch(at(900), at(950)), Stretch { x: 999.0, width: 1.0 });
    }

    #[test]
    fn a_gap_breaks_the_line() {
        let axis = Axis::new(Timestamp::from_micros(0), Timestamp::from_micros(10_000_000));
        let drawn = line(&[0, 5000, 10_000], &[Some(1.0), None, Some(2.0)], &axis, 100.0).unwrap();
        assert_eq!(drawn.path, "M0 50L0 50M1000 0L1000 0");
        assert_eq!((drawn.max, drawn.n), (2.0, 2));
        assert_eq!(line(&[0], &[None], &axis, 100.0), None);
    }
}
