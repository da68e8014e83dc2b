//! Measures of call quality: pure functions over plain numbers, without ids, without IO. Each file names its statistic,
//! its unit and its source.

pub mod buckets;
pub mod call_score;
pub mod chance;
pub mod counters;
pub mod emos;
pub mod limits;
pub mod measures;
pub mod percentile;
pub mod video_score;
