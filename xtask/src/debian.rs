//! Packages of the system that tests need, on Debian and what descends from it.

use crate::process::{self, Progress};
use crate::workspace::find_program;
use anyhow::{Result, bail};
use std::process::{Command, Stdio};

/// Installs a package, if this user may; gives what was said meanwhile. `before` is shell that runs first, in which `$AS`
/// stands before a command that only root may run.
pub(crate) async fn install(package: &str, before: &str, progress: &Progress) -> Result<String> {
    if find_program("apt-get").is_none() {
        bail!("there is no apt-get to install it");
    }
    let prefix = if is_root()? {
        ""
    } else if find_program("sudo").is_some() && succeeds("sudo", &["-n", "true"]) {
        "sudo -n"
    } else {
        bail!("only root can install it: run `apt-get install {package}`");
    };
    let script = format!(
        "set -e{before}
        $AS env DEBIAN_FRONTEND=noninteractive apt-get update
        $AS env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends {package}"
    );
    let mut command = tokio::process::Command::new("sh");
    command.args(["-c", &script]).env("AS", prefix);
    let installed = process::run(command, progress).await?;
    if !installed.status.success() {
        bail!("apt-get could not install it:\n{}", installed.output);
    }
    Ok(installed.output)
}

pub(crate) fn is_root() -> Result<bool> {
    Ok(id(&["-u"])? == 0)
}

/// What the program `id` says.
pub(crate) fn id(arguments: &[&str]) -> Result<u32> {
    let output = Command::new("id")
        .args(arguments)
        .stderr(Stdio::null())
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
