//! The `twinstore` command: a face of the library, without logic of its own.
//!
//! [`run`] is the whole command. The binary is a line around it, and so is the
//! command of the Python package.
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

use std::{ffi::OsString, io};

use clap::{CommandFactory, Parser, Subcommand};

pub use progress::Bars;

use crate::{
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

/// Exit status: all is well.
const WELL: u8 = 0;
/// Exit status: a problem was found.
const PROBLEM: u8 = 1;
/// Exit status: the command could not run.
const FAILED: u8 = 2;

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
        self.io.options()
    }
}

impl Io {
    fn options(self) -> OpenOptions {
        OpenOptions {
            backend: match self {
                Io::Map => Backend::Map,
                Io::Read => Backend::Read,
            },
            verify: Verify::Lazy,
        }
    }
}

/// Runs the command with its arguments, of which the first is the command's name.
/// Gives the exit status; what there is to say was printed.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(why) => {
            // Help and version are no mistakes. Where they go may be closed.
            let _ = why.print();
            return if why.use_stderr() { FAILED } else { WELL };
        }
    };
    let result = match cli.command {
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
        Ok(Outcome::Well) => WELL,
        Ok(Outcome::ProblemFound) => PROBLEM,
        // Who closed the pipe has seen enough: `twinstore info | head -1`.
        Err(Failure::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => WELL,
        Err(Failure::Output(e)) => {
            eprintln!("error: cannot write the output: {e}");
            FAILED
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
            if found { PROBLEM } else { FAILED }
        }
    }
}
