//! Progress: a bar on a terminal, a plain line now and then elsewhere, or lines of JSON for programs.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use superpose::engine;

use super::summary::duration;

/// Work shorter than this shows no bar.
const LONG: Duration = Duration::from_secs(1);

/// Time between two plain lines.
const PLAIN: Duration = Duration::from_secs(10);

/// Time between two lines of JSON.
const JSON: Duration = Duration::from_secs(1);

/// How progress is told.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A bar on a terminal, else a line every 10 s
    Auto,
    /// A line of JSON every second
    Json,
}

/// Tells how far a run is, on standard error.
pub struct Progress {
    begun: Instant,
    told: Mutex<Instant>,
    form: Told,
}

enum Told {
    Not,
    Bar(ProgressBar),
    Plain,
    Json,
}

impl Progress {
    pub fn new(form: Form, quiet: bool) -> Self {
        let form = match form {
            _ if quiet => Told::Not,
            Form::Json => Told::Json,
            Form::Auto if io::stderr().is_terminal() => {
                let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::hidden());
                let style = ProgressStyle::with_template("{bar:40} {percent:>3} % · {msg} · {elapsed} · {eta} left");
                if let Ok(style) = style {
                    bar.set_style(style);
                }
                Told::Bar(bar)
            }
            Form::Auto => Told::Plain,
        };
        Self { begun: Instant::now(), told: Mutex::new(Instant::now()), form }
    }

    /// Tells, if it is time to.
    pub fn watch(&self, progress: &engine::Progress) {
        let elapsed = self.begun.elapsed();
        match &self.form {
            Told::Not => {}
            Told::Bar(bar) => {
                if bar.is_hidden() && elapsed > LONG {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                let rate = progress.n_done as f64 / elapsed.as_secs_f64();
                bar.set_message(format!("{} of {} units · {rate:.1}/s", progress.n_done, progress.n_units));
                bar.set_position((progress.share * 1000.0) as u64);
            }
            Told::Plain => {
                if self.is_time(PLAIN) {
                    let (done, all, percent) = (progress.n_done, progress.n_units, 100.0 * progress.share);
                    // Before the first unit is finished there is nothing to judge by.
                    let left = elapsed.as_secs_f64() * (1.0 - progress.share) / progress.share;
                    let left = if done > 0 { format!(", about {} left", duration(left)) } else { String::new() };
                    let _ = writeln!(io::stderr(), "{done} of {all} units, {percent:.0} %{left}");
                }
            }
            Told::Json => {
                if self.is_time(JSON) {
                    self.json(progress);
                }
            }
        }
    }

    /// Takes the bar away, or tells the end.
    pub fn end(&self, progress: &engine::Progress) {
        match &self.form {
            Told::Bar(bar) => bar.finish_and_clear(),
            Told::Json => self.json(progress),
            Told::Not | Told::Plain => {}
        }
    }

    fn json(&self, progress: &engine::Progress) {
        let line = serde_json::json!({
            "units": progress.n_units,
            "done": progress.n_done,
            "records_computed": progress.n_computed,
            "records_found": progress.n_found,
            "share": progress.share,
            "elapsed_s": self.begun.elapsed().as_secs_f64(),
        });
        let _ = writeln!(io::stderr(), "{line}");
    }

    fn is_time(&self, pause: Duration) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = told.elapsed() >= pause;
        if is_time {
            *told = Instant::now();
        }
        is_time
    }
}
