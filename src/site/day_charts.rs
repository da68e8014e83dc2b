//! Charts with one place per day: stacked columns and lines, as small multiples on one axis.

use serde::Serialize;

use super::charts::{WIDTH, round};
use super::graphs::ceiling;
use crate::units::Day;

/// Height of a chart's coordinate system.
const HEIGHT: f64 = 120.0;

/// A chart by day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayChart {
    /// Its name within the page.
    pub key: &'static str,
    /// Its title.
    pub title: &'static str,
    /// How to show its values: the name of a unit.
    pub unit: &'static str,
    /// Lines of the grid, from above: where, and the value.
    pub ticks: Vec<(f64, f64)>,
    /// What is drawn, from below.
    pub layers: Vec<Layer>,
    /// The first day.
    pub first: Day,
    /// The last day.
    pub last: Day,
}

/// Something drawn into a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// A class of the style sheet, which gives the colour.
    pub class: String,
    /// `bars` or `line`.
    pub form: &'static str,
    /// What it says.
    pub label: String,
    /// The path's `d`.
    pub path: String,
}

/// What one layer is made of: class, label, and a value per day.
pub type Series<'a> = (&'a str, String, Vec<Option<f64>>);

/// Columns on each other, in the order given. `days` are consecutive and at least one.
pub fn columns(
    (key, title, unit): (&'static str, &'static str, &'static str),
    (first, last): (Day, Day),
    series: &[Series<'_>],
) -> DayChart {
    let days = series.iter().map(|(_, _, values)| values.len()).max().unwrap_or(0);
    let value =
        |values: &[Option<f64>], day: usize| values.get(day).copied().flatten().unwrap_or(0.0).max(0.0);
    let most = (0..days)
        .map(|day| series.iter().map(|(_, _, values)| value(values, day)).sum::<f64>())
        .fold(0.0, f64::max);
    let top = ceiling(most);
    let step = WIDTH / days.max(1) as f64;
    let width = round((step * 0.8).min(24.0));
    let mut base = vec![0.0; days];
    let layers = series.iter().filter(|(_, _, values)| values.iter().flatten().any(|value| *value > 0.0));
    let layers = layers.map(|(class, label, values)| {
        let mut path = String::new();
        for (day, base) in base.iter_mut().enumerate() {
            let own = value(values, day);
            if own > 0.0 {
                let x = round((day as f64 + 0.5) * step - width / 2.0);
                let (bottom, height) = (round(HEIGHT - *base / top * HEIGHT), round(own / top * HEIGHT));
                path.push_str(&format!("M{x} {bottom}h{width}v-{height}h-{width}z"));
                *base += own;
            }
        }
        Layer { class: (*class).to_owned(), form: "bars", label: label.clone(), path }
    });
    let layers = layers.collect();
    DayChart { key, title, unit, ticks: ticks(0.0, top), layers, first, last }
}

/// Lines, each with its gaps; from `bottom` up to `top`, or what the values need.
pub fn lines(
    (key, title, unit): (&'static str, &'static str, &'static str),
    (first, last): (Day, Day),
    (bottom, top): (f64, Option<f64>),
    series: &[Series<'_>],
) -> DayChart {
    let most = series.iter().flat_map(|(_, _, values)| values.iter().flatten().copied()).fold(0.0, f64::max);
    let top = top.unwrap_or_else(|| ceiling(most));
    let layers = series.iter().map(|(class, label, values)| {
        let step = WIDTH / values.len().max(1) as f64;
        let mut path = String::new();
        let mut pen_down = false;
        for (day, value) in values.iter().enumerate() {
            let Some(value) = value.filter(|value| value.is_finite()) else {
                pen_down = false;
                continue;
            };
            let x = round((day as f64 + 0.5) * step);
            let y = round(HEIGHT - ((value - bottom) / (top - bottom)).clamp(0.0, 1.0) * HEIGHT);
            // A day between two without a value is a dot: the same point again.
            path.push_str(&if pen_down { format!("L{x} {y}") } else { format!("M{x} {y}L{x} {y}") });
            pen_down = true;
        }
        Layer { class: (*class).to_owned(), form: "line", label: label.clone(), path }
    });
    let layers = layers.collect();
    DayChart { key, title, unit, ticks: ticks(bottom, top), layers, first, last }
}

fn ticks(bottom: f64, top: f64) -> Vec<(f64, f64)> {
    [(0.0, top), (HEIGHT / 2.0, f64::midpoint(bottom, top)), (HEIGHT, bottom)].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span() -> (Day, Day) {
        (Day::parse("2026-11-01").unwrap(), Day::parse("2026-11-02").unwrap())
    }

    #[test]
    fn columns_stand_on_each_other() {
        let series = [
            ("bar-good", "good".to_owned(), vec![Some(6.0), Some(2.0)]),
            ("bar-error", "errors".to_owned(), vec![Some(4.0), None]),
            ("bar-warn", "warnings".to_owned(), vec![Some(0.0), None]),
        ];
        let chart = columns(("conferences", "Conferences", "count"), span(), &series);
        // Ten is the top; of 120 units 6 are 72 and 4 are 48. Two places of 500 units, columns of 24 in their middle.
        let paths: Vec<_> = chart.layers.iter().map(|layer| layer.path.as_str()).collect();
        assert_eq!(paths, ["M238 120h24v-72h-24zM738 120h24v-24h-24z", "M238 48h24v-48h-24z"]);
        assert_eq!(chart.ticks, [(0.0, 10.0), (60.0, 5.0), (120.0, 0.0)]);
    }

    #[test]
    fn a_line_has_a_gap_where_a_day_has_no_value() {
        let values = vec![Some(50.0), None, Some(100.0), Some(0.0)];
        let chart = lines(
            ("q", "Quality", "points"),
            span(),
            (0.0, Some(100.0)),
            &[("series-1", "median".to_owned(), values)],
        );
        assert_eq!(chart.layers[0].path, "M125 60L125 60M625 0L625 0L875 120");
    }
}
