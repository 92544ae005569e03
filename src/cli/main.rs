//! The `twinstore` command: a face of the library, without logic of its own.
//!
//! One file a subcommand, each with its arguments and a `run` that returns
//! whether everything was well. `output` prints, `progress` draws bars.
//!
//! Exit status: 0 all is well, 1 a problem was found (damage, JSON and twin
//! that do not agree, no such key), 2 the command could not run.

mod compact;
mod delete;
mod gc;
mod get;
mod info;
mod ls;
mod output;
mod pack;
mod progress;
mod query;
mod rollback;
mod salvage;
mod status;
mod unpack;
mod vectors;
mod verify;

use std::{io, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};
use twinstore::{
    Error,
    bytes::Backend,
    container::{OpenOptions, Verify},
    error::{NotFound, StoreError},
};

/// Keeps a compact, checksummed binary twin beside the JSON that LlamaIndex
/// persists, and converts between the two without losing a byte.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Pack(pack::Args),
    Unpack(unpack::Args),
    Status(status::Args),
    Verify(verify::Args),
    Info(info::Args),
    Get(get::Args),
    Ls(ls::Args),
    Query(query::Args),
    Delete(delete::Args),
    Compact(compact::Args),
    Gc(gc::Args),
    Rollback(rollback::Args),
    Salvage(salvage::Args),
    /// Print a completion script for a shell
    Completions {
        /// The shell to complete for
        shell: clap_complete::Shell,
    },
}

/// How a command ended, apart from errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Well,
    ProblemFound,
}

/// What stops a command.
#[derive(Debug)]
enum Failure {
    /// The library's error.
    Store(Error),
    /// Standard output cannot be written.
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Failure::Store(e)
    }
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        Failure::Output(e)
    }
}

/// How files are opened; shared by the commands that read the twin.
#[derive(Debug, clap::Args)]
struct ReadArgs {
    /// How to read binary files: `map` is fastest, `read` is for network
    /// mounts and for files that others may truncate
    #[arg(long, value_enum, default_value = "map")]
    io: Io,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Io {
    Map,
    Read,
}

impl ReadArgs {
    fn options(&self) -> OpenOptions {
        OpenOptions {
            backend: match self.io {
                Io::Map => Backend::Map,
                Io::Read => Backend::Read,
            },
            verify: Verify::Lazy,
        }
    }
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Pack(args) => pack::run(&args),
        Command::Unpack(args) => unpack::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Get(args) => get::run(&args),
        Command::Ls(args) => ls::run(&args),
        Command::Query(args) => query::run(&args),
        Command::Delete(args) => delete::run(&args),
        Command::Compact(args) => compact::run(&args),
        Command::Gc(args) => gc::run(&args),
        Command::Rollback(args) => rollback::run(&args),
        Command::Salvage(args) => salvage::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "twinstore", &mut script);
            output::bytes(&script).map(|()| Outcome::Well)
        }
    };
    match result {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::ProblemFound) => ExitCode::from(1),
        // Who closed the pipe has seen enough: `twinstore info | head -1`.
        Err(Failure::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Output(e)) => {
            eprintln!("error: cannot write the output: {e}");
            ExitCode::from(2)
        }
        Err(Failure::Store(e)) => {
            eprintln!("error: {}", output::visible(&e.to_string()));
            let found = e.is_damage()
                || matches!(
                    e,
                    Error::OutOfSync { .. }
                        | Error::NotIdentical { .. }
                        | Error::NotFound(NotFound::Key { .. })
                        | Error::Store(StoreError::NoRefDoc { .. })
                );
            ExitCode::from(if found { 1 } else { 2 })
        }
    }
}
