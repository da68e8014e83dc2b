//! Numbers and instants as people read them. The context keeps the number; only these make text of it.

use tera::{Kwargs, State, Tera, TeraResult};

use crate::units::grouped;

pub(super) fn register(tera: &mut Tera) {
    tera.register_filter("utc", |text: &str, _: Kwargs, _: &State| utc(text));
    tera.register_filter("duration", |seconds: f64, _: Kwargs, _: &State| duration(seconds));
    tera.register_filter("percent", |ratio: f64, _: Kwargs, _: &State| measure(ratio, "percent"));
    tera.register_filter("score", |score: f64, _: Kwargs, _: &State| measure(score, "score"));
    tera.register_filter("millis", |ms: f64, _: Kwargs, _: &State| measure(ms, "millis"));
    tera.register_filter("count", |count: i64, _: Kwargs, _: &State| grouped(count));
    tera.register_filter("measure", |value: f64, kwargs: Kwargs, _: &State| -> TeraResult<String> {
        Ok(measure(value, kwargs.must_get::<&str>("unit")?))
    });
    tera.register_filter("difference", |value: f64, kwargs: Kwargs, _: &State| -> TeraResult<String> {
        Ok(difference(value, kwargs.must_get::<&str>("unit")?))
    });
    tera.register_filter("markdown", |text: &str, _: Kwargs, _: &State| markdown(text));
    tera.register_filter("clock", |text: &str, _: Kwargs, _: &State| clock(text));
    tera.register_filter("clock_s", |text: &str, _: Kwargs, _: &State| -> String {
        clock(text).chars().take(8).collect()
    });
    tera.register_filter("offset", |ms: i64, _: Kwargs, _: &State| crate::site::timeline::offset(ms));
    tera.register_filter("json", |value: tera::Value, _: Kwargs, _: &State| -> TeraResult<String> {
        // By way of a sorted map, so that the same value always gives the same text.
        let text = serde_json::to_value(&value).and_then(|sorted| serde_json::to_string(&sorted));
        text.map_err(|error| tera::Error::message(error.to_string()))
    });
    tera.register_filter("script_json", |value: tera::Value, _: Kwargs, _: &State| -> TeraResult<String> {
        let sorted = serde_json::to_value(&value).map_err(|error| tera::Error::message(error.to_string()))?;
        Ok(crate::site::script_json::script_json(&sorted))
    });
    tera.register_function("url", |kwargs: Kwargs, state: &State| -> TeraResult<String> {
        url(&kwargs, state)
    });
}

/// The relative URL of a page that a template names: `url(name="conference", id=page.id)`.
fn url(kwargs: &Kwargs, state: &State) -> TeraResult<String> {
    use crate::site::Route;
    let name: &str = kwargs.must_get("name")?;
    let root: String = state.get("root")?.unwrap_or_default();
    let id = || -> TeraResult<uuid::Uuid> {
        let text: &str = kwargs.must_get("id")?;
        text.parse().map_err(|_| tera::Error::message(format!("url: {text:?} is no id")))
    };
    let route = match name {
        "index" | "home" | "dashboard" => Route::Index,
        "organization" => Route::Organization(id()?.into()),
        "app" => Route::App(id()?.into()),
        "conference" => Route::Conference(id()?.into()),
        "participant" => Route::Participant(id()?.into()),
        "search" => Route::Search,
        "data-quality" => Route::DataQuality,
        "methods" => Route::Methods,
        "data" => Route::Data,
        other => return Err(tera::Error::message(format!("url: there is no page named {other:?}"))),
    };
    Ok(format!("{root}{}", route.path()))
}

/// `2026-11-23T16:34:28.509094Z` to `2026-11-23 16:34:28`.
fn utc(text: &str) -> String {
    text.get(..19).unwrap_or(text).replacen('T', " ", 1)
}

/// `2026-11-23T16:34:28.509094Z` to `16:34:28.509`, or without the fraction where there is none.
fn clock(text: &str) -> String {
    let time = text.get(11..).unwrap_or(text).trim_end_matches('Z');
    time.get(..12).unwrap_or(time).to_owned()
}

/// `1h 2m 3s`, `2m 3s`, `3s`, `450ms`; days are kept as hours, as in 27h.
fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    if seconds < 1.0 {
        // The sum of no durations is -0.0, which is nothing all the same.
        return format!("{:.0}ms", seconds.abs() * 1000.0);
    }
    let whole = seconds.floor() as u64;
    match (whole / 3600, whole % 3600 / 60, whole % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m {s}s"),
        (h, m, s) => format!("{h}h {m}m {s}s"),
    }
}

/// A value with its unit; ratios as percent.
fn measure(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return "no data".to_owned();
    }
    match unit {
        "percent" => format!("{:.1} %", value * 100.0),
        "score" => format!("{value:.2}"),
        "millis" if value.abs() < 10.0 => format!("{value:.1} ms"),
        "millis" => format!("{value:.0} ms"),
        "fps" => format!("{value:.0} fps"),
        "seconds" => duration(value),
        "pixels" => format!("{value:.0} px"),
        "rate" => format!("{value:.2} /s"),
        "level" => format!("{value:.3}"),
        "qp" | "points" => format!("{value:.0}"),
        "tenths" => format!("{value:.1}"),
        "count" if value.fract() != 0.0 => format!("{value:.1}"),
        "count" => grouped(value.round() as i64),
        "bits" if value.abs() >= 1e6 => format!("{:.2} Mbit/s", value / 1e6),
        "bits" => format!("{:.0} kbit/s", value / 1e3),
        _ => format!("{value}"),
    }
}

/// A difference with its sign; those of ratios in percentage points.
fn difference(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return "no data".to_owned();
    }
    let size = match unit {
        "percent" => format!("{:.1} points", value.abs() * 100.0),
        _ => measure(value.abs(), unit),
    };
    // Zero by the digits that are shown has no sign.
    let digits = |c: char| c.is_ascii_digit() && c != '0';
    let sign = match (size.contains(digits), value < 0.0) {
        (false, _) => "±",
        (true, false) => "+",
        (true, true) => "\u{2212}",
    };
    format!("{sign}{size}")
}

/// Text for Markdown in which nothing is markup: names come from the database.
fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // A line of its own could be a heading or a list.
            '\n' | '\r' | '\t' => safe.push(' '),
            c if c.is_control() => {}
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '|' | '>' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_do_not_wrap_at_twelve_or_twenty_four_hours() {
        let texts = [0.0, 0.45, 3.9, 63.0, 3600.0, 46_800.0, 97_261.0].map(duration);
        assert_eq!(texts, ["0ms", "450ms", "3s", "1m 3s", "1h 0m 0s", "13h 0m 0s", "27h 1m 1s"]);
        assert_eq!(duration(-0.0), "0ms");
        assert_eq!((duration(-1.0), duration(f64::NAN)), ("unknown".to_owned(), "unknown".to_owned()));
    }

    #[test]
    fn measures_carry_their_unit() {
        assert_eq!(measure(0.0234, "percent"), "2.3 %");
        assert_eq!(measure(412.4, "millis"), "412 ms");
        assert_eq!(measure(1_250_000.0, "bits"), "1.25 Mbit/s");
        assert_eq!(measure(f64::NAN, "score"), "no data");
    }

    #[test]
    fn differences_carry_their_sign_unless_nothing_is_left_of_them() {
        assert_eq!(difference(0.032, "percent"), "+3.2 points");
        assert_eq!(difference(-0.5, "percent"), "\u{2212}50.0 points");
        assert_eq!(difference(-0.0001, "percent"), "±0.0 points");
        assert_eq!(difference(-224.4, "millis"), "\u{2212}224 ms");
        assert_eq!(difference(f64::NAN, "millis"), "no data");
    }

    #[test]
    fn names_are_no_markdown() {
        assert_eq!(markdown("[x](javascript:1)\n# *a* <b>"), "\\[x\\](javascript:1) \\# \\*a\\* &lt;b\\>");
        assert_eq!(markdown("Acme, 12.5 %"), "Acme, 12.5 %");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 1_234_567, -1000].map(grouped),
            ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567", "\u{2212}1\u{202f}000"]
        );
    }

    #[test]
    fn instants_are_shown_to_the_second() {
        assert_eq!(utc("2026-11-23T16:34:28.509094Z"), "2026-11-23 16:34:28");
        assert_eq!(utc("soon"), "soon");
        let clocks = ["2026-11-23T16:34:28.509094Z", "2026-11-23T16:34:28Z", "soon"].map(clock);
        assert_eq!(clocks, ["16:34:28.509", "16:34:28", "soon"]);
    }
}
