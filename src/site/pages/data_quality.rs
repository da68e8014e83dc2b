//! The findings: what in the database contradicts itself or cannot be read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Link;
use crate::report::findings::{Finding, FindingKind};
use crate::site::Route;
use crate::site::chrome::Content;

/// Findings listed per kind; the rest is counted.
const LISTED: usize = 200;

/// All findings: counted, and the first of each kind kept. A commutative monoid.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FindingTotals {
    kinds: BTreeMap<FindingKind, (usize, BTreeSet<Finding>)>,
}

impl FindingTotals {
    /// Adds the findings of a conference.
    pub fn add(&mut self, findings: &[Finding]) {
        for finding in findings {
            let (count, kept) = self.kinds.entry(finding.kind).or_default();
            *count += 1;
            kept.insert(finding.clone());
            if kept.len() > LISTED {
                kept.pop_last();
            }
        }
    }

    /// Adds what another partition found.
    pub fn merge(&mut self, other: Self) {
        for (kind, (count, findings)) in other.kinds {
            let (total, kept) = self.kinds.entry(kind).or_default();
            *total += count;
            kept.extend(findings);
            while kept.len() > LISTED {
                kept.pop_last();
            }
        }
    }

    /// How many in all.
    pub fn count(&self) -> usize {
        self.kinds.values().map(|(count, _)| count).sum()
    }
}

/// The data quality page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataQualityPage {
    /// How many in all.
    pub total: usize,
    /// One per kind that occurs.
    pub kinds: Vec<Kind>,
}

/// One kind of finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kind {
    /// What it means.
    pub title: &'static str,
    /// What was done about it.
    pub treatment: &'static str,
    /// How often.
    pub count: usize,
    /// The first of them: conference and detail.
    pub findings: Vec<(Link, String)>,
    /// How many are not listed.
    pub more: usize,
}

impl DataQualityPage {
    /// From all findings.
    pub fn new(totals: &FindingTotals) -> Self {
        let kind = |(kind, (count, findings)): (&FindingKind, &(usize, BTreeSet<Finding>))| Kind {
            title: kind.title(),
            treatment: kind.treatment(),
            count: *count,
            more: count - findings.len(),
            findings: findings
                .iter()
                .map(|finding| {
                    let route = Route::Conference(finding.conference);
                    let link = Link::to(finding.conference.to_string(), &route, &Route::DataQuality);
                    (link, finding.detail.clone())
                })
                .collect(),
        };
        Self { total: totals.count(), kinds: totals.kinds.iter().map(kind).collect() }
    }
}

impl Content for DataQualityPage {
    const KIND: &'static str = "data-quality";
    const TEMPLATE: &'static str = "pages/data-quality.html";

    fn title(&self) -> String {
        "Data quality".to_owned()
    }

    fn description(&self) -> String {
        "What in the database contradicts itself or cannot be read.".to_owned()
    }
}
