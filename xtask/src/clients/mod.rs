//! The unmodified official clients against the binary.

pub(crate) mod browser;
pub(crate) mod node;
pub(crate) mod python;

use crate::postgres::Cluster;
use crate::process::{self, Progress};
use crate::workspace::{cargo, cargo_path, root};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use tokio::process::Command;

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
    Ok(target()?.join("debug").join("confab"))
}

/// Where cargo builds.
fn target() -> Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .cargo_path(cargo_path())
        .current_dir(root())
        .no_deps()
        .exec()?;
    Ok(metadata.target_directory.into_std_path_buf())
}

/// Tells a program of tests what to test: with `cluster`, each server that it starts uses a database of its own in it.
fn aim(command: &mut Command, binary: &Path, cluster: Option<&Cluster>) -> Result<()> {
    command
        .env("CONFAB_BIN", binary)
        .env_remove("CONFAB_TEST_DATABASE")
        .env("NO_COLOR", "1");
    if let Some(cluster) = cluster {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let directories = std::iter::once(cluster.programs().to_owned()).chain(std::env::split_paths(&path));
        command
            .env("CONFAB_TEST_DATABASE", cluster.url())
            .env("PATH", std::env::join_paths(directories)?);
    }
    Ok(())
}

fn directory() -> PathBuf {
    root().join("tests").join("clients")
}
