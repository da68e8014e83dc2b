//! How everything is measured, and where that differs from the Peer Metrics web part.

use serde::Serialize;

use crate::metrics::limits::Limits;
use crate::metrics::measures::Measure;
use crate::metrics::{call_score, chance};
use crate::report::experience;
use crate::report::incidents::{Code, Gravity};
use crate::report::period_changes::LEAST_NEWS;
use crate::report::words::{ISSUES, IssueMeaning};
use crate::site::chrome::Content;

/// The methods page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MethodsPage {
    /// The issue catalogue: code, title, explanation.
    pub issues: Vec<(&'static str, &'static str, &'static str)>,
    /// Our findings: gravity, title, how they are detected.
    pub incidents: Vec<(Gravity, &'static str, &'static str)>,
    /// What is measured per interval.
    pub measures: Vec<MeasureEntry>,
    /// A call ends when nobody was present for so many minutes.
    pub call_gap_minutes: f64,
    /// Version of the call score.
    pub score_version: u32,
    /// With fewer intervals there is no score.
    pub least_intervals: usize,
    /// The time zone of the reports' days; set by who knows it.
    pub zone: String,
    /// With fewer calls on either side nothing is claimed.
    pub least_calls: usize,
    /// An issue is news in so many calls.
    pub least_news: usize,
    /// What is usual in an app is of so many months.
    pub usual_months: usize,
}

/// A measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasureEntry {
    /// Its name in data files.
    pub key: &'static str,
    /// Its name on pages.
    pub title: &'static str,
    /// How it is computed.
    pub definition: &'static str,
    /// Its limits and whose they are.
    pub bands: Vec<String>,
}

impl MethodsPage {
    /// With the settings of the build.
    pub fn new(call_gap_s: f64, limits: &Limits) -> Self {
        let entry = |meaning: &IssueMeaning| (meaning.code, meaning.title, meaning.explanation);
        let measure = |measure: Measure| {
            let meaning = measure.meaning();
            MeasureEntry {
                key: meaning.key,
                title: meaning.title,
                definition: meaning.definition,
                bands: measure.bands(limits).into_iter().map(|band| band.label).collect(),
            }
        };
        Self {
            issues: ISSUES.iter().map(entry).collect(),
            incidents: Code::ALL.map(Code::meaning).to_vec(),
            measures: Measure::ALL.map(measure).to_vec(),
            call_gap_minutes: call_gap_s / 60.0,
            score_version: call_score::VERSION,
            least_intervals: call_score::LEAST_INTERVALS,
            zone: "UTC".to_owned(),
            least_calls: chance::LEAST,
            least_news: LEAST_NEWS,
            usual_months: experience::MONTHS,
        }
    }
}

impl Content for MethodsPage {
    const KIND: &'static str = "methods";
    const TEMPLATE: &'static str = "pages/methods.html";

    fn title(&self) -> String {
        "Methods".to_owned()
    }

    fn description(&self) -> String {
        "How each number is measured, and where it differs from the Peer Metrics web pages.".to_owned()
    }
}
