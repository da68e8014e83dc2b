//! The report of the last whole period as a letter: what stands in a mail, as HTML and as Markdown.

use serde::Serialize;

use super::Route;
use super::pages::period::{CallList, ChangeRow, FigureRow, PeriodPage, ReportOf};

/// Differences in a letter, per heading.
const CHANGES: usize = 10;

/// What a letter says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Letter {
    /// `Week 47 of 2026`.
    pub title: String,
    /// What it is of.
    pub of: String,
    /// The time zone of the period.
    pub zone: String,
    /// First and last day.
    pub days: (String, String),
    /// `week`.
    pub noun: &'static str,
    /// Whether there is a period before to compare with.
    pub has_before: bool,
    /// The three sentences.
    pub sentences: [String; 3],
    /// The figures, without calls.
    pub figures: Vec<FigureRow>,
    /// What changed by more than chance, without calls.
    pub changes: Vec<(&'static str, Vec<ChangeRow>)>,
    /// Absolute URL of the report; none where it is not known where the site lies.
    pub url: Option<String>,
}

impl Letter {
    /// From the page of the report.
    pub fn new(page: &PeriodPage, of: &ReportOf, route: &Route, base_url: Option<&str>) -> Self {
        let bare = |row: &ChangeRow| ChangeRow { calls: CallList::default(), ..row.clone() };
        Self {
            title: page.title.clone(),
            of: of.name.clone(),
            zone: page.zone.clone(),
            days: page.days.clone(),
            noun: page.noun,
            has_before: page.has_before,
            sentences: page.sentences.clone(),
            figures: page.figures.iter().map(|row| FigureRow { calls: None, ..row.clone() }).collect(),
            changes: page
                .changes
                .iter()
                .map(|(title, rows)| (*title, rows.iter().take(CHANGES).map(bare).collect()))
                .collect(),
            url: base_url.map(|base| format!("{}/{}", base.trim_end_matches('/'), route.path())),
        }
    }
}
