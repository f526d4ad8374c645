//! Development tasks, run as `cargo xtask <task>`.

mod bench;
mod clients;
mod conformance;
mod contract;
mod debian;
mod nats;
mod openapi;
mod postgres;
mod process;
mod results;
mod spdx;
mod structure;
mod test;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Development tasks of Confab.
///
/// They need Rust and Node.js. What else a task needs it installs itself, or says in one line what is missing.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check and test everything; the last line of the output counts the results
    ///
    /// All steps run even if an earlier one fails; the exit code is 0 only when nothing failed. A green step prints one
    /// line, a failed step prints its whole output.
    #[command(after_help = test::EXAMPLES)]
    Test(test::Args),
    /// Measure speed and size in one run and print them as one table
    ///
    /// Builds the release binary, starts servers on temporary directories and removes them again.
    #[command(after_help = bench::EXAMPLES)]
    Bench(bench::Args),
    /// Write docs/conformance.md: which test shows which rule and operation
    Conformance,
}

// One thread: the steps run one after the other, and a child asks the kernel to end it with the thread that started it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli { task } = Cli::parse();
    let result = match task {
        Task::Test(args) => test::run(&args).await,
        Task::Bench(args) => bench::run(&args).await,
        Task::Conformance => contract::write().await,
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
