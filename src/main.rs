//! The `twinstore` command.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    ExitCode::from(twinstore::cli::run(env::args_os()))
}
