//! A command in a process of its own, and what it took.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a process took, and how it ended.
#[allow(dead_code, reason = "every bench takes what it needs")]
pub struct Taken {
    pub elapsed_s: f64,
    pub processor_s: f64,
    pub peak_bytes: f64,
    /// What it wrote to standard error.
    pub said: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
}

/// Runs a command to its end.
// The wait of the standard library does not tell what was used.
#[allow(clippy::zombie_processes)]
pub fn run(command: &mut Command) -> io::Result<Taken> {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut said = String::new();
    if let Some(error) = &mut child.stderr {
        error.read_to_string(&mut said)?;
    }
    let mut status = 0;
    // SAFETY: a struct of numbers, for which zeros are values.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the process is a child that nobody else waits for, and both places are ours to write to.
    let waited = unsafe { libc::wait4(child.id() as libc::pid_t, &mut status, 0, &mut usage) };
    if waited < 0 {
        return Err(io::Error::last_os_error());
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Ok(Taken {
        elapsed_s: start.elapsed().as_secs_f64(),
        processor_s: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        // In units of 1024 bytes on Linux.
        peak_bytes: usage.ru_maxrss as f64 * 1024.0,
        said,
        code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
    })
}
