//! The program `sojourn`.

use std::process::ExitCode;

fn main() -> ExitCode {
    sojourn_server::cli::run(std::env::args_os().collect())
}
