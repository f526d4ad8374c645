//! `cargo xtask test`: everything that must hold, in one command.

use crate::clients::{self, browser, node, python};
use crate::postgres::Cluster;
use crate::process::{self, Finished, Progress};
use crate::results::{self, Runner, Tally, chaos_counts};
use crate::workspace::{cargo, root};
use crate::{contract, nats, structure};
use anyhow::Result;
use clap::ValueEnum as _;
use std::fmt;
use std::process::ExitCode;
use std::time::Instant;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask test                       everything, as continuous integration runs it
  cargo xtask test --quick               daily work: no PostgreSQL, no official clients
  cargo xtask test --only clippy         one step; may be given several times
  cargo xtask test --long                before a release: many crash rounds, random cases and requests, failing lines

A single Rust test is quicker with cargo itself:
  cargo test --workspace NAME_OF_THE_TEST";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run longer: 50 rounds of the crash test, 20,000 cases of each property test
    #[arg(long)]
    long: bool,

    /// Leave out the slow steps: rust-postgres and clients
    #[arg(long, conflicts_with = "only")]
    quick: bool,

    /// Run only this step; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<Step>,

    /// Say which steps there are, and do nothing
    #[arg(long)]
    list: bool,

    /// Show the output of each step while it runs
    #[arg(long, short)]
    verbose: bool,
}

/// Rounds of each SDK in the step *chaos*.
const CHAOS_ROUNDS: u32 = 100;

// In the order in which they run: what fails fastest comes first.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Step {
    /// The source is formatted as rustfmt.toml says
    Format,
    /// No warning of the compiler or of clippy in any target
    Clippy,
    /// Dependency arrows, place of SQL, banned packages, licences, no download addresses in the tree
    Structure,
    /// The server's OpenAPI document against the published ones, and the page of tests and rules
    Contract,
    /// All Rust tests on the embedded store
    RustSqlite,
    /// All Rust tests on a private PostgreSQL cluster, which is started for the run
    RustPostgres,
    /// The unmodified official clients (JavaScript, also in a browser, Python, command line) against the binary, on both stores
    Clients,
    /// Random requests made of the server's OpenAPI document: no 5xx, no undocumented status; only with --long
    Schemathesis,
    /// A hundred rounds of the chat SDKs on lines that fail, while the server is killed, too; only with --long
    Chaos,
}

impl Step {
    fn is_slow(self) -> bool {
        matches!(
            self,
            Self::RustPostgres | Self::Clients | Self::Schemathesis | Self::Chaos
        )
    }

    /// Whether it runs only before a release, or when it is asked for by name.
    fn is_long(self) -> bool {
        matches!(self, Self::Schemathesis | Self::Chaos)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        formatter.pad(value.as_ref().map_or("", |value| value.get_name()))
    }
}

#[derive(Default)]
struct Verdict {
    tally: Tally,
    output: String,
    /// Told again at the end of the run, where somebody looks first.
    failures: Vec<String>,
}

impl Verdict {
    fn single(finished: Finished) -> Self {
        let tally = if finished.status.success() {
            Tally::ONE_PASSED
        } else {
            Tally::ONE_FAILED
        };
        let failures = (tally.failed > 0).then(|| results::end(&finished.output));
        Self {
            tally,
            failures: failures.into_iter().collect(),
            output: finished.output,
        }
    }

    /// A check of ours, which says in a line each what is wrong.
    fn check(problems: &[String], note: &str) -> Self {
        let output = problems
            .iter()
            .map(|problem| format!("{problem}\n"))
            .collect::<String>()
            + note;
        if problems.is_empty() {
            Self {
                tally: Tally::ONE_PASSED,
                output,
                failures: Vec::new(),
            }
        } else {
            Self {
                tally: Tally::ONE_FAILED,
                failures: vec![results::end(&output)],
                output,
            }
        }
    }

    /// A run of many tests. One that fails without naming a failed test (it did not compile, it crashed) counts as one.
    fn many(finished: Finished, runner: Runner) -> Self {
        let mut tally = runner.count(&finished.output);
        if !finished.status.success() && tally.failed == 0 {
            tally.failed = 1;
        }
        let mut failures = runner.failures(&finished.output);
        if tally.failed > 0 && failures.is_empty() {
            failures.push(results::end(&finished.output));
        }
        Self {
            tally,
            output: finished.output,
            failures,
        }
    }

    /// Says in its failures where they happened.
    fn on(mut self, place: &str) -> Self {
        for failure in &mut self.failures {
            *failure = format!("on the {place}: {}", failure.trim_start());
        }
        self
    }

    fn add(&mut self, other: Self) {
        self.tally += other.tally;
        self.output.push_str(&other.output);
        self.failures.extend(other.failures);
    }

    /// A part that could not run at all: one failure, and its reason in one line.
    fn or_failed(result: Result<Self>) -> Self {
        result.unwrap_or_else(|error| Self {
            tally: Tally::ONE_FAILED,
            output: format!("{error:#}\n"),
            failures: vec![format!("{error:#}")],
        })
    }
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    if args.list {
        for step in Step::value_variants() {
            let value = step.to_possible_value();
            let help = value
                .as_ref()
                .and_then(|value| value.get_help())
                .map(ToString::to_string);
            println!("{step:<14} {}", help.unwrap_or_default());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // Dropping the steps half-way ends their processes and removes the cluster.
    let (total, failures) = tokio::select! {
        result = all(args) => result,
        _ = interrupt.recv() => return Ok(interrupted()),
        _ = terminate.recv() => return Ok(interrupted()),
    };
    for failure in &failures {
        println!("{failure}\n");
    }
    println!("{total}");
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn interrupted() -> ExitCode {
    eprintln!("interrupted");
    ExitCode::from(130)
}

/// Runs the steps; how many tests there were, and what failed, by the name of its step.
async fn all(args: &Args) -> (Tally, Vec<String>) {
    let mut run = Run {
        long: args.long,
        cluster: None,
    };
    let mut total = Tally::default();
    let mut failures = Vec::new();
    let wanted = Step::value_variants()
        .iter()
        .filter(|step| args.only.is_empty() || args.only.contains(step))
        .filter(|step| !args.quick || !step.is_slow())
        .filter(|step| args.long || !step.is_long() || args.only.contains(step));
    for &step in wanted {
        println!("== {step}");
        let started = Instant::now();
        let progress = Progress::start(args.verbose);
        let verdict = Verdict::or_failed(run.step(step, &progress).await);
        drop(progress);
        if verdict.tally.failed > 0 && !args.verbose {
            print!("{}", verdict.output);
        }
        let word = if verdict.tally.failed == 0 { "ok" } else { "FAILED" };
        println!(
            "== {step}: {word}, {} ({:.1} s)\n",
            verdict.tally,
            started.elapsed().as_secs_f64()
        );
        total += verdict.tally;
        failures.extend(
            verdict
                .failures
                .iter()
                .map(|failure| format!("failed in {step}: {failure}")),
        );
    }
    (total, failures)
}

struct Run {
    long: bool,
    /// Started by the first step that needs it; the reason is kept so that each such step can tell it.
    cluster: Option<Result<Cluster, String>>,
}

impl Run {
    async fn step(&mut self, step: Step, progress: &Progress) -> Result<Verdict> {
        match step {
            Step::Format => Ok(Verdict::single(
                process::run(
                    cargo(["fmt", "--all", "--check", "--", "--color", "never"]),
                    progress,
                )
                .await?,
            )),
            Step::Clippy => {
                let clippy = cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
                Ok(Verdict::single(process::run(clippy, progress).await?))
            }
            Step::Structure => Ok(Verdict::check(&structure::check(root())?, "")),
            Step::Contract => {
                let (problems, note) = contract::check(progress).await?;
                Ok(Verdict::check(&problems, &note))
            }
            Step::RustSqlite => {
                nats::install(progress).await?;
                let mut command = self.cargo_test();
                command.env_remove("CONFAB_TEST_DATABASE");
                if self.long {
                    // Random inputs try code that knows no database: once, on one engine, is enough.
                    command.env("PROPTEST_CASES", "20000");
                }
                Ok(Verdict::many(
                    process::run(command, progress).await?,
                    Runner::Cargo,
                ))
            }
            Step::RustPostgres => {
                nats::install(progress).await?;
                let url = self.cluster(progress).await?.url();
                let mut command = self.cargo_test();
                command.env("CONFAB_TEST_DATABASE", url);
                Ok(Verdict::many(
                    process::run(command, progress).await?,
                    Runner::Cargo,
                ))
            }
            Step::Clients => self.clients(progress).await,
            Step::Schemathesis => {
                let binary = clients::build(progress).await?;
                let finished = python::random_requests(&binary, progress).await?;
                Ok(Verdict::many(finished, Runner::Cases))
            }
            Step::Chaos => self.chaos(progress).await,
        }
    }

    fn cargo_test(&self) -> Command {
        let mut command = cargo(["test", "--workspace", "--no-fail-fast"]);
        if self.long {
            command.env("CONFAB_CRASH_ROUNDS", "50");
        }
        command
    }

    async fn clients(&mut self, progress: &Progress) -> Result<Verdict> {
        let mut verdict = Verdict::default();
        progress.part(&mut verdict.output, "npm packages");
        verdict.output.push_str(&node::install(progress).await?);
        progress.part(&mut verdict.output, "Python packages");
        // Without it the other clients are tested all the same.
        let python = match python::install(progress).await {
            Ok((python, output)) => {
                verdict.output.push_str(&output);
                Some(python)
            }
            Err(error) => {
                verdict.add(Verdict::or_failed(Err(error)));
                None
            }
        };
        progress.part(&mut verdict.output, "browser");
        let browser = match browser::install(progress).await {
            Ok(browser) => Some(browser),
            Err(error) => {
                verdict.add(Verdict::or_failed(Err(error)));
                None
            }
        };
        progress.part(&mut verdict.output, "binary");
        let binary = clients::build(progress).await?;
        for store in ["embedded store", "PostgreSQL"] {
            progress.part(&mut verdict.output, store);
            let cluster = match store {
                "PostgreSQL" => match self.cluster(progress).await {
                    Ok(cluster) => Some(cluster),
                    Err(error) => {
                        verdict.add(Verdict::or_failed(Err(error)));
                        continue;
                    }
                },
                _ => None,
            };
            let tested = node::test(&binary, browser.as_deref(), cluster, progress).await;
            let tested = tested.map(|finished| Verdict::many(finished, Runner::Node));
            verdict.add(Verdict::or_failed(tested).on(store));
            if let Some(python) = &python {
                let tested = python::test(python, &binary, cluster, progress).await;
                let tested = tested.map(|finished| Verdict::many(finished, Runner::Python));
                verdict.add(Verdict::or_failed(tested).on(store));
            }
        }
        Ok(verdict)
    }

    async fn chaos(&self, progress: &Progress) -> Result<Verdict> {
        let mut output = node::install(progress).await?;
        let binary = clients::build(progress).await?;
        let finished = node::chaos(&binary, CHAOS_ROUNDS, progress).await?;
        // A round that had no fault would pass, too: the counts say what was gone through.
        for counts in finished.output.lines().filter_map(chaos_counts) {
            println!("   {counts}");
        }
        output.push_str(&finished.output);
        Ok(Verdict::many(Finished { output, ..finished }, Runner::Node))
    }

    async fn cluster(&mut self, progress: &Progress) -> Result<&Cluster> {
        if self.cluster.is_none() {
            self.cluster = Some(
                Cluster::start(progress)
                    .await
                    .map_err(|error| format!("{error:#}")),
            );
        }
        match &self.cluster {
            Some(Ok(cluster)) => Ok(cluster),
            Some(Err(reason)) => Err(anyhow::anyhow!("{reason}")),
            None => Err(anyhow::anyhow!("the PostgreSQL cluster was not started")),
        }
    }
}
