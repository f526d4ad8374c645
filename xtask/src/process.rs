//! Child processes: output collected and shown, and nothing left running behind them.

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal as _, Write as _};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;

/// Shows what runs at the moment: a spinner on a terminal, else nothing between heading and result.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    verbose: bool,
}

impl Progress {
    pub(crate) fn start(verbose: bool) -> Self {
        let bar = (!verbose && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {elapsed} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, verbose }
    }

    fn line(&self, line: &str) {
        if self.verbose {
            println!("  {line}");
        } else if let Some(bar) = &self.bar
            && !line.trim().is_empty()
        {
            bar.set_message(line.trim().to_owned());
        }
    }

    /// Names the part of a step that begins now; it stands in the collected output, too.
    pub(crate) fn part(&self, output: &mut String, title: &str) {
        output.push_str(&format!("-- {title}\n"));
        self.line(&format!("-- {title}"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        // The clearing goes to stderr: without a flush, the next heading could overtake it on a terminal.
        let _ = std::io::stderr().flush();
    }
}

/// A finished command.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    /// Both streams, line by line in the order of arrival.
    pub(crate) output: String,
}

/// The process group of a child. Dropped, it ends whatever the child left behind, on every way out of a step.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        signal("KILL", &format!("-{}", self.0));
    }
}

/// Sends a signal by the shell's built-in `kill`, because a small system has no `kill` program and this workspace no
/// unsafe code. A process that has already gone is no error.
pub(crate) fn signal(name: &str, target: &str) {
    let _ = std::process::Command::new("sh")
        .args(["-c", "kill -s \"$0\" -- \"$1\"", name, target])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// Runs `command` to its end in a process group of its own and without standard input.
pub(crate) async fn run(mut command: Command, progress: &Progress) -> Result<Finished> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let group = child.id().map(Group);
    let (sender, mut lines) = mpsc::unbounded_channel();
    if let Some(stdout) = child.stdout.take() {
        tokio::spawn(forward(stdout, sender.clone()));
    }
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(forward(stderr, sender));
    }

    let mut output = String::new();
    let mut keep = |line: String| {
        progress.line(&line);
        output.push_str(&line);
        output.push('\n');
    };
    let status = loop {
        tokio::select! {
            Some(line) = lines.recv() => keep(line),
            status = child.wait() => break status?,
        }
    };
    // A grandchild that survived would hold the pipes open: end it first, then read what is left in them. One that also
    // left the group is not waited for.
    drop(group);
    while let Ok(Some(line)) = tokio::time::timeout(Duration::from_secs(5), lines.recv()).await {
        keep(line);
    }
    Ok(Finished { status, output })
}

async fn forward(stream: impl AsyncRead + Unpin, lines: mpsc::UnboundedSender<String>) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(length @ 1..) = stream.read_until(b'\n', &mut line).await {
        debug_assert_eq!(length, line.len());
        let text = String::from_utf8_lossy(&line);
        if lines
            .send(text.trim_end_matches(['\n', '\r']).to_owned())
            .is_err()
        {
            return;
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn collects_both_streams_and_ends_what_is_left_behind() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; sleep 600 & echo $!"]);
        let finished = run(command, &Progress::start(false)).await.unwrap();
        assert!(finished.status.success());
        let lines: Vec<&str> = finished.output.lines().collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines.contains(&"out") && lines.contains(&"err"));
        let left = lines.iter().find_map(|line| line.parse::<u32>().ok()).unwrap();
        let state = std::fs::read_to_string(format!("/proc/{left}/stat")).unwrap_or_default();
        // Its pipes are closed when it is about to be gone; it may still be on its way out (PF_EXITING).
        let flags = state
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.split(' ').nth(6)?.parse::<u32>().ok());
        assert!(
            state.is_empty() || state.contains(") Z ") || flags.is_some_and(|f| f & 4 != 0),
            "still running: {state}"
        );
    }
}
