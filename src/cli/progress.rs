//! Progress: a bar on a terminal, once the work turns out to be long.

use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work shorter than this shows no bar.
const LONG: Duration = Duration::from_secs(1);

/// A bar over the estimated work. Nothing is shown where standard error is no terminal.
pub struct Progress {
    bar: ProgressBar,
    begun: Instant,
    done: Mutex<f64>,
}

impl Progress {
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} % · {elapsed} · {eta} left") {
            bar.set_style(style);
        }
        let begun = if quiet || !io::stderr().is_terminal() { None } else { Some(Instant::now()) };
        // Without a begin that has passed, the bar stays hidden.
        Self {
            bar,
            begun: begun.unwrap_or_else(|| Instant::now() + Duration::from_secs(u32::MAX.into())),
            done: Mutex::new(0.0),
        }
    }

    /// Counts a finished share of the work.
    pub fn finished(&self, share: f64) {
        let mut done = self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *done += share;
        if self.bar.is_hidden() && Instant::now().saturating_duration_since(self.begun) > LONG {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position((*done * 1000.0) as u64);
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
