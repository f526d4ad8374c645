//! `cargo xtask test`: everything that must hold, in one command.

use crate::clients::{self, browser, node, python};
use crate::postgres::Cluster;
use crate::process::{self, Finished, Progress};
use crate::workspace::{cargo, root};
use crate::{contract, structure};
use anyhow::Result;
use clap::ValueEnum as _;
use std::fmt;
use std::ops::AddAssign;
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

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    const ONE_PASSED: Self = Self {
        passed: 1,
        failed: 0,
        skipped: 0,
    };
    const ONE_FAILED: Self = Self {
        passed: 0,
        failed: 1,
        skipped: 0,
    };
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(formatter, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[derive(Default)]
struct Verdict {
    tally: Tally,
    output: String,
}

impl Verdict {
    fn single(finished: Finished) -> Self {
        let tally = if finished.status.success() {
            Tally::ONE_PASSED
        } else {
            Tally::ONE_FAILED
        };
        Self {
            tally,
            output: finished.output,
        }
    }

    /// A run of many tests. One that fails without naming a failed test (it did not compile, it crashed) counts as one.
    fn many(finished: Finished, count: fn(&str) -> Tally) -> Self {
        let mut tally = count(&finished.output);
        if !finished.status.success() && tally.failed == 0 {
            tally.failed = 1;
        }
        Self {
            tally,
            output: finished.output,
        }
    }

    fn add(&mut self, Self { tally, output }: Self) {
        self.tally += tally;
        self.output.push_str(&output);
    }

    /// A part that could not run at all: one failure, and its reason in one line.
    fn or_failed(result: Result<Self>) -> Self {
        result.unwrap_or_else(|error| Self {
            tally: Tally::ONE_FAILED,
            output: format!("{error:#}\n"),
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
    let total = tokio::select! {
        total = all(args) => total,
        _ = interrupt.recv() => return Ok(interrupted()),
        _ = terminate.recv() => return Ok(interrupted()),
    };
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

async fn all(args: &Args) -> Tally {
    let mut run = Run {
        long: args.long,
        cluster: None,
    };
    let mut total = Tally::default();
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
    }
    total
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
            Step::Structure => {
                let problems = structure::check(root())?;
                let tally = if problems.is_empty() {
                    Tally::ONE_PASSED
                } else {
                    Tally::ONE_FAILED
                };
                Ok(Verdict {
                    tally,
                    output: problems.iter().map(|problem| format!("{problem}\n")).collect(),
                })
            }
            Step::Contract => {
                let (problems, note) = contract::check(progress).await?;
                let tally = if problems.is_empty() {
                    Tally::ONE_PASSED
                } else {
                    Tally::ONE_FAILED
                };
                let problems: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
                Ok(Verdict {
                    tally,
                    output: problems + &note,
                })
            }
            Step::RustSqlite => {
                let mut command = self.cargo_test();
                command.env_remove("CONFAB_TEST_DATABASE");
                if self.long {
                    // Random inputs try code that knows no database: once, on one engine, is enough.
                    command.env("PROPTEST_CASES", "20000");
                }
                Ok(Verdict::many(process::run(command, progress).await?, count_cargo))
            }
            Step::RustPostgres => {
                let url = self.cluster(progress).await?.url();
                let mut command = self.cargo_test();
                command.env("CONFAB_TEST_DATABASE", url);
                Ok(Verdict::many(process::run(command, progress).await?, count_cargo))
            }
            Step::Clients => self.clients(progress).await,
            Step::Schemathesis => {
                let binary = clients::build(progress).await?;
                let finished = python::random_requests(&binary, progress).await?;
                Ok(Verdict::many(finished, count_cases))
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
            verdict.add(Verdict::or_failed(
                tested.map(|finished| Verdict::many(finished, count_node)),
            ));
            if let Some(python) = &python {
                let tested = python::test(python, &binary, cluster, progress).await;
                verdict.add(Verdict::or_failed(
                    tested.map(|finished| Verdict::many(finished, count_python)),
                ));
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
        Ok(Verdict::many(Finished { output, ..finished }, count_node))
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

/// Adds up the lines `test result: ok. 3 passed; 0 failed; 1 ignored; …` of `cargo test`.
fn count_cargo(output: &str) -> Tally {
    let mut tally = Tally::default();
    for line in output.lines() {
        let Some(result) = line.trim_start().strip_prefix("test result: ") else {
            continue;
        };
        for part in result.split(['.', ';']) {
            match part
                .trim()
                .split_once(' ')
                .map(|(number, word)| (number.parse::<u64>(), word))
            {
                Some((Ok(number), "passed")) => tally.passed += number,
                Some((Ok(number), "failed")) => tally.failed += number,
                Some((Ok(number), "ignored")) => tally.skipped += number,
                _ => {}
            }
        }
    }
    tally
}

/// Reads the summary that ends the TAP output of `node --test`.
fn count_node(output: &str) -> Tally {
    let mut tally = Tally::default();
    for line in output.lines() {
        let Some((word, number)) = line.strip_prefix("# ").and_then(|line| line.split_once(' ')) else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else {
            continue;
        };
        match word {
            "pass" => tally.passed += number,
            // A cancelled test did not end: that is no success.
            "fail" | "cancelled" => tally.failed += number,
            "skipped" | "todo" => tally.skipped += number,
            _ => {}
        }
    }
    tally
}

/// What one SDK has gone through: the line `# chaos: SDK 3.0.1, 100 rounds, …` of the TAP output.
fn chaos_counts(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("# chaos: ")
}

/// Reads the line `cases: 12 generated, 11 passed`.
fn count_cases(output: &str) -> Tally {
    let numbers = |line: &str| -> Option<(u64, u64)> {
        let (generated, passed) = line.strip_prefix("cases: ")?.split_once(" generated, ")?;
        Some((
            generated.parse().ok()?,
            passed.strip_suffix(" passed")?.parse().ok()?,
        ))
    };
    match output.lines().rev().find_map(numbers) {
        Some((generated, passed)) => Tally {
            passed,
            failed: generated.saturating_sub(passed),
            skipped: 0,
        },
        None => Tally::default(),
    }
}

/// Reads the end of what Python's `unittest` says: `Ran 12 tests in 3.1s` and `FAILED (failures=1, skipped=2)`.
fn count_python(output: &str) -> Tally {
    let mut tally = Tally::default();
    for line in output.lines() {
        if let Some(ran) = line
            .strip_prefix("Ran ")
            .and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok())
        {
            tally.passed += ran;
        }
        let Some(parts) = line
            .strip_prefix("OK (")
            .or_else(|| line.strip_prefix("FAILED ("))
            .and_then(|rest| rest.strip_suffix(')'))
        else {
            continue;
        };
        for (word, number) in parts.split(", ").filter_map(|part| part.split_once('=')) {
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            let counted = match word {
                // A test that was to fail and did not is a failure, too.
                "failures" | "errors" | "unexpected successes" => &mut tally.failed,
                _ => &mut tally.skipped,
            };
            *counted += number;
            // Parts of one test can fail one by one, and what is set up for a class without a test.
            tally.passed = tally.passed.saturating_sub(number);
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_cases_of_random_requests() {
        let counted = |passed, failed| Tally {
            passed,
            failed,
            skipped: 0,
        };
        assert_eq!(count_cases("x\ncases: 12 generated, 11 passed\n"), counted(11, 1));
        assert_eq!(count_cases("did not run"), counted(0, 0));
    }

    #[test]
    fn counts_of_failing_lines_are_told() {
        assert_eq!(
            chaos_counts("# chaos: SDK 3.0.1, 2 rounds"),
            Some("SDK 3.0.1, 2 rounds")
        );
        assert_eq!(chaos_counts("# pass 8"), None);
    }

    #[test]
    fn counts_python_results() {
        let tally = |passed, failed, skipped| Tally {
            passed,
            failed,
            skipped,
        };
        let dots = "test_a (test_x.X) ... ok\n-----\nRan 5 tests in 0.004s\n\n";
        for (end, counted) in [
            ("OK\n", tally(5, 0, 0)),
            ("OK (skipped=2)\n", tally(3, 0, 2)),
            ("FAILED (failures=1, errors=2, skipped=1)\n", tally(1, 3, 1)),
            ("FAILED (errors=7)\n", tally(0, 7, 0)),
            ("FAILED (unexpected successes=1)\n", tally(4, 1, 0)),
        ] {
            assert_eq!(count_python(&format!("{dots}{end}")), counted, "{end}");
        }
    }

    #[test]
    fn counts_cargo_results() {
        let output = "\
running 3 tests
test a ... ok
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.00s

     Running tests/x.rs
test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
";
        assert_eq!(
            count_cargo(output),
            Tally {
                passed: 3,
                failed: 2,
                skipped: 1
            }
        );
    }

    #[test]
    fn counts_node_results() {
        let output = "ok 1 - story\n1..4\n# tests 6\n# suites 0\n# pass 2\n# fail 1\n# cancelled 1\n# skipped 2\n# todo 0\n# duration_ms 12.5\n";
        assert_eq!(
            count_node(output),
            Tally {
                passed: 2,
                failed: 2,
                skipped: 2
            }
        );
    }

    #[test]
    fn the_last_line_has_the_promised_form() {
        assert_eq!(
            Tally {
                passed: 3,
                failed: 0,
                skipped: 1
            }
            .to_string(),
            "3 passed, 0 failed, 1 skipped"
        );
    }
}
