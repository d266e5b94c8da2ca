//! The command line of superpose.

// The binary shows numbers and computes none.
#![allow(clippy::disallowed_methods)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
