//! The commands of the program: they tie the stages together, and alone may read the clock and print.

pub mod site;
pub mod theme;
