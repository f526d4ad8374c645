//! The unmodified JavaScript clients, and the command line client, which is one, too.

use super::{aim, directory};
use crate::postgres::Cluster;
use crate::process::{self, Progress};
use crate::workspace::find_program;
use anyhow::{Context as _, Result, bail};
use std::path::Path;
use tokio::process::Command;

/// The first whose test runner takes a number of files at once.
const OLDEST_NODE: (u32, u32) = (20, 10);
/// Files that run at once. Much of their time they wait for a clock, so this is not the number of cores.
const AT_ONCE: u32 = 3;

/// Installs the npm packages as the lock files name them, unless that has been done since they changed.
pub(crate) async fn install(progress: &Progress) -> Result<String> {
    let (major, minor) = OLDEST_NODE;
    let node = find_program("node")
        .with_context(|| format!("`node` is missing: install Node.js {major}.{minor} or newer"))?;
    find_program("npm").context("`npm` is missing: install it beside Node.js")?;
    let version = std::process::Command::new(node).arg("--version").output()?.stdout;
    let version = String::from_utf8_lossy(&version);
    let version = version.trim().trim_start_matches('v');
    let mut numbers = version.split('.').map(|n| n.parse().unwrap_or_default());
    let found = (
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    );
    if found < OLDEST_NODE {
        bail!("Node.js {version} is too old: install {major}.{minor} or newer");
    }
    let clients = directory();
    let mut output = packages(&clients, progress).await?;
    // With packages of its own: it brings another version of the helper library.
    output.push_str(&packages(&clients.join("cli"), progress).await?);
    Ok(output)
}

async fn packages(directory: &Path, progress: &Progress) -> Result<String> {
    let changed = |file: &str| {
        directory
            .join(file)
            .metadata()
            .and_then(|data| data.modified())
            .ok()
    };
    // npm writes its own lock last, so its age is the age of the installation.
    let installed = changed("node_modules/.package-lock.json");
    if installed.is_some()
        && installed >= changed("package-lock.json")
        && installed >= changed("package.json")
    {
        return Ok("npm packages are up to date\n".to_owned());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-progress", "--loglevel=error"])
        .current_dir(directory);
    let finished = process::run(npm, progress).await?;
    if !finished.status.success() {
        bail!(
            "npm could not install the packages of {}:\n{}",
            directory.display(),
            finished.output
        );
    }
    Ok(finished.output)
}

/// Runs the tests; those in a browser only where there is one.
pub(crate) async fn test(
    binary: &Path,
    browser: Option<&Path>,
    cluster: Option<&Cluster>,
    progress: &Progress,
) -> Result<process::Finished> {
    const IN_BROWSER: &str = "browser.test.mjs";
    let directory = directory();
    let mut files = Vec::new();
    for folder in [directory.clone(), directory.join("sdk")] {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.ends_with(".test.mjs") && (browser.is_some() || name != IN_BROWSER) {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=tap"])
        // A test that hangs fails by name instead of stopping the run. It is the limit of a whole file, too.
        .arg("--test-timeout=600000")
        .arg(format!("--test-concurrency={AT_ONCE}"))
        .args(&files)
        .current_dir(&directory);
    if let Some(browser) = browser {
        node.env("CONFAB_TEST_CHROMIUM", browser);
    }
    aim(&mut node, binary, cluster)?;
    process::run(node, progress).await
}

/// Runs many rounds of the SDKs on lines that fail.
pub(crate) async fn chaos(binary: &Path, rounds: u32, progress: &Progress) -> Result<process::Finished> {
    let mut node = Command::new("node");
    // A round takes some ten seconds, and four run at a time; the time is for the whole file.
    node.args(["--test", "--test-reporter=tap", "--test-timeout=7200000"])
        .arg("chaos.test.mjs")
        .env("CONFAB_CHAOS_ROUNDS", rounds.to_string())
        .current_dir(directory());
    aim(&mut node, binary, None)?;
    process::run(node, progress).await
}

/// Starts the official SDK once, for a user with that many joined conversations; gives the line that
/// `measure/start.mjs` prints.
pub(crate) async fn start(
    websocket: &str,
    token: &str,
    conversations: usize,
    progress: &Progress,
) -> Result<String> {
    let mut node = Command::new("node");
    node.args(["measure/start.mjs", websocket, token, &conversations.to_string()])
        .current_dir(directory());
    let running = process::run(node, progress);
    let finished = tokio::time::timeout(std::time::Duration::from_secs(120), running)
        .await
        .context("the SDK does not start")??;
    let told = finished.output.lines().rfind(|line| line.starts_with('{'));
    match told {
        Some(line) if finished.status.success() => Ok(line.to_owned()),
        _ => bail!("the SDK does not start:\n{}", finished.output),
    }
}
