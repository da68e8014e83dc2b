//! Measures of call quality: pure functions over plain numbers, without ids, without IO. Each file names its statistic,
//! its unit and its source.

pub mod buckets;
pub mod emos;
pub mod percentile;
