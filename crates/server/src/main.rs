//! The `confab` binary.

use std::process::ExitCode;

use clap::Parser as _;
use confab_server::cli::{Cli, Command};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(sources) => serve(&sources),
        Command::Config(arguments) => arguments.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("confab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(sources: &confab_server::cli::Sources) -> anyhow::Result<()> {
    let config = sources.load()?;
    confab_server::logging::init(&config.log)?;
    anyhow::bail!("this build cannot serve yet")
}
