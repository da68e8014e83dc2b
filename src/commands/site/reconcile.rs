//! Totals that a build reaches in different ways have to be the same, or nothing of it is published.
//!
//! Dashboards, lists by month, reports of periods and the rows of the snapshot are counted by code of their own, and most of it is
//! kept from one build to the next. Where two of them disagree a page would be wrong, and nobody could say which.

use std::collections::BTreeMap;

/// A way of the build that comes to other totals than the others: a mistake of peerpress, or a ledger that was tampered with.
#[derive(Debug, thiserror::Error)]
#[error(
    "the site does not add up: {what}: {first_count} {first}, {second_count} {second}\nhint: nothing was published; build with --full, and \
         report it if it comes again"
)]
pub(super) struct Disagreement {
    what: String,
    first: &'static str,
    first_count: u64,
    second: &'static str,
    second_count: u64,
}

/// What was counted, in which way, and how many.
#[derive(Debug, Default)]
pub(super) struct Totals(BTreeMap<String, Vec<(&'static str, u64)>>);

impl Totals {
    /// Takes down a total that was reached in one way, such as `by month`.
    pub(super) fn add(&mut self, what: impl Into<String>, way: &'static str, count: impl TryInto<u64>) {
        let count = count.try_into().unwrap_or(u64::MAX);
        self.0.entry(what.into()).or_default().push((way, count));
    }

    /// How many different things were counted in several ways.
    pub(super) fn compared(&self) -> usize {
        self.0.values().filter(|ways| ways.len() > 1).count()
    }

    /// Whether all ways of each agree; else the first that does not.
    pub(super) fn check(&self) -> Result<(), Disagreement> {
        for (what, ways) in &self.0 {
            let Some((&(first, first_count), others)) = ways.split_first() else { continue };
            if let Some(&(second, second_count)) = others.iter().find(|(_, count)| *count != first_count) {
                return Err(Disagreement { what: what.clone(), first, first_count, second, second_count });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_in_several_ways_has_to_be_the_same() {
        let mut totals = Totals::default();
        totals.add("conferences", "by day", 3_usize);
        totals.add("conferences", "by month", 3_u64);
        totals.add("calls of app x", "by day", 1_usize);
        totals.add("calls of app y", "by day", 2_usize);
        assert_eq!(totals.compared(), 1);
        assert!(totals.check().is_ok());
        totals.add("calls of app y", "by year", 5_usize);
        let said = totals.check().unwrap_err().to_string();
        assert!(
            said.starts_with("the site does not add up: calls of app y: 2 by day, 5 by year\nhint: "),
            "{said}"
        );
    }
}
