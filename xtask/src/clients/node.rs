//! The unmodified JavaScript clients, and the command line client, which is one, too.

use super::{aim, directory};
use crate::postgres::Cluster;
use crate::process::{self, Progress};
use crate::workspace::find_program;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use tokio::process::Command;

const OLDEST_NODE: u32 = 20;

/// Installs the npm packages as the lock files name them, unless that has been done since they changed.
pub(crate) async fn install(progress: &Progress) -> Result<String> {
    let node = find_program("node")
        .with_context(|| format!("`node` is missing: install Node.js {OLDEST_NODE} or newer"))?;
    find_program("npm").context("`npm` is missing: install it beside Node.js")?;
    let version = std::process::Command::new(node).arg("--version").output()?.stdout;
    let version = String::from_utf8_lossy(&version);
    let major = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < OLDEST_NODE) {
        bail!(
            "Node.js {} is too old: install {OLDEST_NODE} or newer",
            version.trim()
        );
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

/// Runs the tests.
pub(crate) async fn test(
    binary: &Path,
    cluster: Option<&Cluster>,
    progress: &Progress,
) -> Result<process::Finished> {
    let directory = directory();
    let mut files: Vec<PathBuf> = std::fs::read_dir(&directory)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    files.sort();
    let mut node = Command::new("node");
    // A test that hangs fails by name instead of stopping the run.
    node.args(["--test", "--test-reporter=tap", "--test-timeout=300000"])
        .args(&files)
        .current_dir(&directory);
    aim(&mut node, binary, cluster)?;
    process::run(node, progress).await
}
