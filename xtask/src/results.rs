//! What the runners of tests print, read: how many passed, and which failed and why.

use std::fmt;
use std::ops::AddAssign;

/// Lines of a failure that are told again at the end; the step's whole output stands further up.
const LINES: usize = 25;

/// How many tests.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    pub(crate) const ONE_PASSED: Self = Self {
        passed: 1,
        failed: 0,
        skipped: 0,
    };
    pub(crate) const ONE_FAILED: Self = Self {
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

/// A runner, by the form of what it prints.
#[derive(Clone, Copy)]
pub(crate) enum Runner {
    /// `cargo test`
    Cargo,
    /// `node --test` with the reporter *tap*
    Node,
    /// `python -m unittest`
    Python,
    /// tests/schemathesis/run.py
    Cases,
}

impl Runner {
    pub(crate) fn count(self, output: &str) -> Tally {
        match self {
            Self::Cargo => count_cargo(output),
            Self::Node => count_node(output),
            Self::Python => count_python(output),
            Self::Cases => count_cases(output),
        }
    }

    /// The failures, each with its name in the first line and the beginning of its reason.
    pub(crate) fn failures(self, output: &str) -> Vec<String> {
        let lines: Vec<&str> = output.lines().collect();
        match self {
            Self::Cargo => blocks(&lines, |line| line.starts_with("---- "), |line| line.is_empty()),
            Self::Node => failures_of_node(&lines),
            Self::Python => blocks(
                &lines,
                |line| line.starts_with("FAIL: ") || line.starts_with("ERROR: "),
                |line| line.starts_with("====") || line.starts_with("Ran "),
            ),
            // They stand at the end of the output anyway.
            Self::Cases => Vec::new(),
        }
    }
}

/// The last lines of what was printed.
pub(crate) fn end(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// The lines from each beginning to its end, which is left out.
fn blocks(lines: &[&str], begins: fn(&str) -> bool, ends: fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = lines;
    while let Some(at) = rest.iter().position(|line| begins(line)) {
        let block = &rest[at..];
        let end = block.iter().skip(1).position(|line| ends(line) || begins(line));
        let (block, after) = block.split_at(end.map_or(block.len(), |end| end + 1));
        found.push(block[..block.len().min(LINES)].join("\n"));
        rest = after;
    }
    found
}

/// A point of TAP that is not ok, with the block that follows it. A test that failed by its subtests alone is none.
fn failures_of_node(lines: &[&str]) -> Vec<String> {
    blocks(
        lines,
        |line| line.trim_start().starts_with("not ok "),
        |line| line.trim() == "...",
    )
    .into_iter()
    .filter(|block| !block.contains("failureType: 'subtestsFailed'"))
    .collect()
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
pub(crate) fn chaos_counts(line: &str) -> Option<&str> {
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

    #[test]
    fn failures_are_told_by_name() {
        let output = "test a ... FAILED\n\nfailures:\n\n---- a stdout ----\nat x.rs:1\nleft: 1\n\n\nfailures:\n    a\n";
        assert_eq!(
            Runner::Cargo.failures(output),
            ["---- a stdout ----\nat x.rs:1\nleft: 1"]
        );

        let output = "\
# Subtest: outer
    not ok 1 - inner
      ---
      error: 'no'
      ...
    ok 2 - other
      ---
      ...
not ok 1 - outer
  ---
  failureType: 'subtestsFailed'
  ...
not ok 2 - plain
  ---
  error: |-
    boom
  ...
";
        let failures = Runner::Node.failures(output);
        assert_eq!(failures.len(), 2, "{failures:?}");
        assert_eq!(failures[0], "    not ok 1 - inner\n      ---\n      error: 'no'");
        assert_eq!(failures[1], "not ok 2 - plain\n  ---\n  error: |-\n    boom");

        let output = "\
test_a (test_x.X) ... FAIL

======================================================================
FAIL: test_a (test_x.X)
----------------------------------------------------------------------
AssertionError: 1 != 2

======================================================================
ERROR: test_b (test_x.X)
----------------------------------------------------------------------
KeyError: 'b'

----------------------------------------------------------------------
Ran 2 tests in 0.1s
";
        let failures = Runner::Python.failures(output);
        assert_eq!(failures.len(), 2, "{failures:?}");
        assert!(failures[0].starts_with("FAIL: test_a") && failures[0].contains("1 != 2"));
        assert!(failures[1].starts_with("ERROR: test_b") && failures[1].contains("KeyError"));
    }

    #[test]
    fn a_long_failure_is_told_by_its_beginning() {
        let output = format!("---- a stdout ----\n{}", "x\n".repeat(100));
        let failures = Runner::Cargo.failures(&output);
        assert_eq!(failures[0].lines().count(), LINES);
    }
}
