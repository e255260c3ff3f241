//! The `bitplan` program.

use std::process::ExitCode;

use bitplan::cli::{Cli, dispatch};
use clap::Parser;

// glibc gives every large tensor back to the system; the page faults cost about 2 ns an element.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
