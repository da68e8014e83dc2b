//! How everything is measured, and where that differs from the Peer Metrics web part.

use serde::Serialize;

use crate::report::words::{ISSUES, IssueMeaning};
use crate::site::chrome::Content;

/// The methods page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MethodsPage {
    /// The issue catalogue: code, title, explanation.
    pub issues: Vec<(&'static str, &'static str, &'static str)>,
    /// A call ends when nobody was present for so many minutes.
    pub call_gap_minutes: f64,
}

impl MethodsPage {
    /// With the settings of the build.
    pub fn new(call_gap_s: f64) -> Self {
        let entry = |meaning: &IssueMeaning| (meaning.code, meaning.title, meaning.explanation);
        Self { issues: ISSUES.iter().map(entry).collect(), call_gap_minutes: call_gap_s / 60.0 }
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
