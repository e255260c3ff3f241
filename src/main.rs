//! The `bitplan` program.

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use bitplan::cli::{Cli, dispatch};
use bitplan::error::{Error, exit_code};
use clap::Parser;

// glibc gives every large tensor back to the system; the page faults cost about 2 ns an element.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One JSON document on standard output; where that is gone, the message on standard error has to do.
fn print(error: &Error) {
    let _ = writeln!(std::io::stdout(), "{}", error.to_json());
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(wrong) => {
            // Help and the version are no errors.
            let usage = wrong.use_stderr();
            let _ = wrong.print();
            if usage && std::env::args_os().any(|a| a == "--json") {
                print(&Error::Usage(wrong.to_string()));
            }
            return ExitCode::from(if usage { exit_code::USAGE } else { 0 });
        }
    };
    let json = cli.global.json;
    match std::panic::catch_unwind(AssertUnwindSafe(|| dispatch(cli))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            if json && !error.follows_output() {
                print(&error);
            }
            ExitCode::from(error.exit_code())
        }
        // The message of the panic is on standard error already.
        Err(_) => ExitCode::from(exit_code::INTERNAL),
    }
}
