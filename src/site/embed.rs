//! Fragments to embed elsewhere, at fixed URLs, as a small page and as a picture: a conference's score card, an app's
//! conferences by day. No script, nothing fetched but one style sheet.

use serde::Serialize;

use super::Route;
use super::charts::round;
use super::chrome::Content;
use super::pages::{Known, conference_label};
use crate::ids::{AppId, ConferenceId};
use crate::metrics::call_score;
use crate::report::{AppTotals, ConferenceReport};
use crate::snapshot::AppRow;
use crate::units::{Day, Timestamp};

/// Width and height of a card, pixels.
pub const CARD: (u32, u32) = (420, 144);
/// Width and height of a sparkline, pixels.
pub const SPARKLINE: (u32, u32) = (320, 120);
/// Characters of a name.
const NAME: usize = 40;
/// Characters of a line of a sentence, and how many lines there are.
const LINE: usize = 64;
const LINES: usize = 2;
/// Days of a sparkline; the last ones.
const DAYS: usize = 366;

/// The first characters of a text, in one line.
fn cut(text: &str, most: usize) -> String {
    let text = written(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// A text without what XML has no way to write.
fn written(text: &str) -> String {
    let is_written =
        |c: &char| c.is_whitespace() || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'));
    text.chars().filter(is_written).collect()
}

/// A text in lines, broken between words; what does not fit is cut.
fn lines(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in written(text).split_whitespace() {
        let fits = lines
            .last()
            .is_none_or(|line| line.is_empty() || line.chars().count() + 1 + word.chars().count() <= LINE);
        if !fits {
            if lines.len() == LINES {
                if let Some(line) = lines.last_mut() {
                    *line = format!("{}…", line.chars().take(LINE - 1).collect::<String>());
                }
                break;
            }
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.into_iter().map(|line| cut(&line, LINE)).collect()
}

/// A conference's score card: of its last call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// Its name, cut.
    pub name: String,
    /// When the call began.
    pub date: Timestamp,
    /// 0 to 100.
    pub score: Known<f64>,
    /// `good`, `fair` or `poor`.
    pub band: Option<&'static str>,
    /// What happened, in lines.
    pub lines: Vec<String>,
    /// Seconds of the call; none where nobody was present.
    pub seconds: Option<f64>,
    /// Participants as the API counts them.
    pub participants: usize,
    /// The conference's page.
    pub href: String,
}

impl Card {
    /// Of a conference.
    pub fn new(report: &ConferenceReport) -> Self {
        let facts = &report.facts;
        let call = report.calls.last();
        Self {
            name: cut(&conference_label(facts), NAME),
            date: call.map_or(facts.row.created_at, |call| call.span.start),
            score: Known::of(facts.score.map(f64::round)),
            band: facts.score.ok().map(call_score::band),
            lines: lines(call.map_or(&report.sentence, |call| &call.sentence)),
            seconds: call.map(|call| call.span.end.seconds_since(call.span.start)),
            participants: facts.participants_count,
            href: Route::Conference(report.id()).href_from(&Route::EmbedConference(ConferenceId::default())),
        }
    }
}

/// An app's conferences by day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sparkline {
    /// Its name, cut.
    pub name: String,
    /// First and last day; none without conferences.
    pub days: Option<(Day, Day)>,
    /// Conferences on the busiest day.
    pub most: usize,
    /// Conferences in all.
    pub all: usize,
    /// The line, 288 wide and 40 high.
    pub path: String,
    /// The app's page.
    pub href: String,
}

impl Sparkline {
    /// Of an app.
    pub fn new(app: &AppRow, totals: &AppTotals) -> Self {
        let days = &totals.days_of_all_issues;
        let mut counts: Vec<(Day, usize)> = Vec::new();
        if let (Some(mut day), Some(last)) =
            (days.keys().rev().nth(DAYS - 1).or(days.keys().next()).copied(), days.keys().next_back())
        {
            loop {
                counts.push((day, days.get(&day).map_or(0, |day| day.total())));
                if day >= *last || day.next() == day || counts.len() > 20 * DAYS {
                    break;
                }
                day = day.next();
            }
        }
        let counts = &counts[counts.len().saturating_sub(DAYS)..];
        let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let x = |at: usize| round(at as f64 / (counts.len().max(2) - 1) as f64 * 288.0);
        let y = |count: usize| round(40.0 - count as f64 / most.max(1) as f64 * 40.0);
        let mut path = String::new();
        for (at, (_, count)) in counts.iter().enumerate() {
            let pen = if at == 0 { 'M' } else { 'L' };
            path.push_str(&format!("{pen}{} {}", x(at), y(*count)));
        }
        if let [(_, only)] = counts {
            path = format!("M0 {0}H288", y(*only));
        }
        Self {
            name: cut(&app.name, NAME),
            days: counts.first().map(|day| day.0).zip(counts.last().map(|day| day.0)),
            most,
            all: counts.iter().map(|(_, count)| count).sum(),
            path,
            href: Route::App(app.id).href_from(&Route::EmbedApp(AppId::default())),
        }
    }
}

macro_rules! contents {
    ($($(#[$doc:meta])* $name:ident($of:ident) = $kind:literal, $template:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub $of);

        impl Content for $name {
            const KIND: &'static str = $kind;
            const TEMPLATE: &'static str = $template;

            fn title(&self) -> String {
                self.0.name.clone()
            }

            fn description(&self) -> String {
                String::new()
            }
        }
    )*};
}

contents! {
    /// A card as a page.
    CardPage(Card) = "embed", "embed/conference.html";
    /// A card as a picture.
    CardPicture(Card) = "embed", "embed/conference-svg.html";
    /// A sparkline as a page.
    SparklinePage(Sparkline) = "embed", "embed/app.html";
    /// A sparkline as a picture.
    SparklinePicture(Sparkline) = "embed", "embed/app-svg.html";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_and_sentences_are_cut_between_words_where_there_are_some() {
        assert_eq!(cut("a  b\n\u{1}\u{ffff}c", 10), "a b c");
        assert_eq!(cut("abcdef", 4), "abc…");
        let text = "word ".repeat(60);
        let lines = lines(&text);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].chars().count() <= LINE && lines[1].ends_with('…'), "{lines:?}");
        assert_eq!(super::lines(&"x".repeat(500))[0].chars().count(), LINE);
    }

    #[test]
    fn days_without_conferences_are_part_of_the_line() {
        let mut totals = AppTotals::default();
        for (day, count) in [("2026-11-18", 4), ("2026-11-20", 2)] {
            totals.days_of_all_issues.entry(Day::parse(day).unwrap()).or_default().success = count;
        }
        let line = Sparkline::new(&AppRow::default(), &totals);
        assert_eq!(line.path, "M0 0L144 40L288 20");
        assert_eq!((line.most, line.all), (4, 6));
    }
}
