//! The unmodified JavaScript clients against the binary.

use crate::postgres::Cluster;
use crate::process::{self, Progress};
use crate::workspace::{cargo, cargo_path, find_program, root};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use tokio::process::Command;

const OLDEST_NODE: u32 = 20;

/// Installs the npm packages as the lock file names them, unless that has been done since the lock file changed.
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

    let directory = directory();
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
        .current_dir(&directory);
    let finished = process::run(npm, progress).await?;
    if !finished.status.success() {
        bail!(
            "npm could not install the packages of tests/clients:\n{}",
            finished.output
        );
    }
    Ok(finished.output)
}

/// Builds the binary and says where it is.
pub(crate) async fn build(progress: &Progress) -> Result<PathBuf> {
    let finished = process::run(
        cargo(["build", "--package", "confab-server", "--bin", "confab"]),
        progress,
    )
    .await?;
    if !finished.status.success() {
        bail!("the binary does not build:\n{}", finished.output);
    }
    let metadata = cargo_metadata::MetadataCommand::new()
        .cargo_path(cargo_path())
        .current_dir(root())
        .no_deps()
        .exec()?;
    Ok(metadata
        .target_directory
        .into_std_path_buf()
        .join("debug")
        .join("confab"))
}

/// Runs the tests; with `cluster`, each server they start uses a database of its own in it.
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
        .current_dir(&directory)
        .env("CONFAB_BIN", binary)
        .env_remove("CONFAB_TEST_DATABASE")
        .env("NO_COLOR", "1");
    if let Some(cluster) = cluster {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let directories = std::iter::once(cluster.programs().to_owned()).chain(std::env::split_paths(&path));
        node.env("CONFAB_TEST_DATABASE", cluster.url())
            .env("PATH", std::env::join_paths(directories)?);
    }
    process::run(node, progress).await
}

fn directory() -> PathBuf {
    root().join("tests").join("clients")
}
