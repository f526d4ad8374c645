//! The browser in which the chat SDKs are tested.

use crate::debian;
use crate::process::Progress;
use crate::workspace::find_program;
use anyhow::{Context as _, Result};
use std::path::PathBuf;

const MISSING: &str =
    "Chromium is missing: neither `chromium` nor `chromium-browser` nor `google-chrome` is in PATH";

/// Finds it; installs Debian's package first when there is none and this user may install it.
pub(crate) async fn install(progress: &Progress) -> Result<PathBuf> {
    match find() {
        Some(found) => Ok(found),
        None => {
            let output = debian::install("chromium", "", progress).await.context(MISSING)?;
            find().with_context(|| format!("{MISSING}, also after its installation:\n{output}"))
        }
    }
}

fn find() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find_map(find_program)
}
