//! The command line of superpose.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
