//! The `bitplan` program.

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use bitplan::cli::{Cli, dispatch};
use bitplan::error::exit_code;
use clap::Parser;

// glibc gives every large tensor back to the system; the page faults cost about 2 ns an element.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.global.json;
    match std::panic::catch_unwind(AssertUnwindSafe(|| dispatch(cli))) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("error: {error}");
            if json && !error.follows_output() {
                println!("{}", error.to_json());
            }
            ExitCode::from(error.exit_code())
        }
        // The message of the panic is on standard error already.
        Err(_) => ExitCode::from(exit_code::INTERNAL),
    }
}
