//! The server that sinks of NATS are tested with.

use crate::debian;
use crate::process::Progress;
use crate::workspace::find_program;
use anyhow::{Context as _, Result};
use std::path::Path;

const MISSING: &str = "nats-server is missing";
const PROGRAM: &str = "nats-server";

/// Installs Debian's package when it is missing and this user may install it.
pub(crate) async fn install(progress: &Progress) -> Result<()> {
    // Only root's PATH leads to where Debian puts it.
    let is_there = find_program(PROGRAM).is_some() || Path::new("/usr/sbin").join(PROGRAM).is_file();
    if !is_there {
        debian::install(PROGRAM, "", progress).await.context(MISSING)?;
    }
    Ok(())
}
