//! A slice of the conferences, by a stable hash of their ids: what one of several machines builds.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::ConferenceId;

/// The `index`-th of `of` slices; from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// `K/N`, K from 1; or only `N`, where `job_index` says which one, from 0, as an indexed job has it.
    pub fn parse(text: &str, job_index: Option<&str>) -> Result<Self, String> {
        let hint = "hint: --shard 2/7 is the second of seven slices";
        let number = |text: &str| text.parse::<u32>().map_err(|_| format!("{text:?} is no number\n{hint}"));
        let (index, of) = match (text.split_once('/'), job_index) {
            (Some((k, n)), _) => (number(k)?.checked_sub(1).ok_or("slices are counted from 1")?, number(n)?),
            (None, Some(index)) => (number(index)?, number(text)?),
            (None, None) => {
                let hint = "hint: write --shard 2/7, or set JOB_COMPLETION_INDEX";
                return Err(format!("it is not said which of {text} slices\n{hint}"));
            }
        };
        if index >= of {
            return Err(format!("there is no slice {} of {of}\n{hint}", index + 1));
        }
        Ok(Self { index, of })
    }

    /// How many slices there are.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Whether a conference belongs to it. Every conference belongs to exactly one slice.
    pub fn holds(self, id: ConferenceId) -> bool {
        let mut first = [0; 8];
        first.copy_from_slice(&blake3::hash(id.0.as_bytes()).as_bytes()[..8]);
        u64::from_le_bytes(first) % u64::from(self.of) == u64::from(self.index)
    }
}

/// As it is written on the command line.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_slice_is_named_by_the_command_line_or_by_the_job() {
        assert_eq!(Shard::parse("2/7", Some("5")), Ok(Shard { index: 1, of: 7 }));
        assert_eq!(Shard::parse("7", Some("6")).unwrap().to_string(), "7/7");
        for (text, index) in
            [("0/2", None), ("3/2", None), ("2", Some("2")), ("2", None), ("x/2", None), ("1/", None)]
        {
            assert!(Shard::parse(text, index).is_err(), "{text} {index:?}");
        }
    }

    #[test]
    fn every_conference_is_in_one_slice_and_slices_are_about_equal() {
        let ids: Vec<_> = (0..7000).map(|number| ConferenceId(Uuid::from_u128(number))).collect();
        let counts: Vec<usize> =
            (0..7).map(|index| ids.iter().filter(|id| Shard { index, of: 7 }.holds(**id)).count()).collect();
        assert_eq!(counts.iter().sum::<usize>(), ids.len());
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }
}
