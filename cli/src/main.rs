//! `dashgate`: makes keys and sessions, says what the gate would say, and checks configurations before Envoy sees them.
//!
//! Data goes to stdout, `hint:` and `error:` lines to stderr; exit codes are 0 fine, 1 refused or problems, 2 usage.
//! Every verdict is the gate's own: nothing here decides.

mod arguments;
mod check;
mod compose;
mod environment;
mod envoy;
mod explain;
mod fields;
mod files;
mod instant;
mod keygen;
mod kubernetes;
mod label;
mod lines;
mod mint;
mod mint_signed;
mod output;
mod place;
mod policy;
mod render;
mod request;
mod schema;
mod tree;
mod unwise;
mod veil;
mod verify;
mod yaml;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    let outcome = match &arguments.command {
        Command::Keygen(arguments) => keygen::run(arguments),
        Command::Mint(arguments) => mint::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Schema(arguments) => schema::run(arguments),
        Command::Render(arguments) => render::run(arguments),
        Command::Label(arguments) => label::run(arguments),
    };
    match outcome {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            for line in failure.to_string().lines() {
                eprintln!("error: {line}");
            }
            ExitCode::from(2)
        }
    }
}

/// Bad arguments, or a call for help. clap repeats what it did not understand, which could be a token: those are veiled.
fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return output::print(&error.to_string()).map_or(ExitCode::from(2), |()| ExitCode::SUCCESS);
    }
    let mut message = error.to_string();
    for word in std::env::args().skip(1).filter(|word| word.len() >= 24 && !word.starts_with("--")) {
        message = message.replace(&word, "****");
    }
    eprint!("{message}");
    ExitCode::from(2)
}
