//! What the user sees while the program works: progress bars on a terminal, nothing else otherwise.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Where progress is shown, if anywhere.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    shown: bool,
}

impl Terminal {
    /// Shows progress if standard error is a terminal and the user does not want quiet.
    pub fn new(quiet: bool) -> Self {
        Self { shown: !quiet && std::io::stderr().is_terminal() }
    }

    /// A bar for work of known length, to be set.
    pub fn bar(&self, what: &'static str) -> ProgressBar {
        self.show(what, "{msg:>12} [{bar:30}] {human_pos}/{human_len} {elapsed} (ends in {eta})")
    }

    /// A mark for work of unknown length.
    pub fn spinner(&self, what: &'static str) -> ProgressBar {
        let bar = self.show(what, "{msg:>12} {spinner} {elapsed}");
        if self.shown {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        bar
    }

    fn show(self, what: &'static str, template: &str) -> ProgressBar {
        if !self.shown {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(0).with_style(style.progress_chars("=> ")).with_message(what)
    }
}
