//! What ties the server to the contract: its OpenAPI document against the published ones, and the page that lists
//! which test shows what.

use crate::process::{self, Progress};
use crate::workspace::root;
use crate::{clients, conformance, openapi};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::process::ExitCode;
use tokio::process::Command;

/// The page, from the project's root.
const PAGE: &str = "docs/conformance.md";
/// What is left out of the published documents on purpose, with reasons.
const EXCEPTIONS: &str = "xtask/openapi-exceptions.toml";

/// The server's own OpenAPI document, as its binary prints it.
async fn own_document(progress: &Progress) -> Result<Value> {
    let binary = clients::build(progress).await?;
    let mut command = Command::new(binary);
    command.arg("openapi");
    let finished = process::run(command, progress).await?;
    if !finished.status.success() {
        bail!("`confab openapi` failed:\n{}", finished.output);
    }
    serde_json::from_str(&finished.output).context("`confab openapi` printed no JSON")
}

/// All breaches, one line each, and a line that says what was compared.
pub(crate) async fn check(progress: &Progress) -> Result<(Vec<String>, String)> {
    let ours = own_document(progress).await?;
    let page = std::fs::read_to_string(root().join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let mut problems = conformance::missing(root(), &page)?;
    let Some(folder) = openapi::published(root()) else {
        return Ok((
            problems,
            "no published documents beside the project to compare with\n".into(),
        ));
    };
    let compared = openapi::compare(&ours, &folder, &root().join(EXCEPTIONS))?;
    problems.extend(compared.problems);
    let spec = folder.parent().context("the folder of the contract")?;
    if conformance::document(root(), spec, &ours)? != page {
        problems.push(format!("{PAGE} is not up to date: run `cargo xtask conformance`"));
    }
    let note = format!(
        "{} published facts compared, {} on the list of exceptions\n",
        compared.checked, compared.excepted
    );
    Ok((problems, note))
}

/// `cargo xtask conformance`
pub(crate) async fn write() -> Result<ExitCode> {
    let progress = Progress::start(false);
    let ours = own_document(&progress).await?;
    drop(progress);
    let Some(folder) = openapi::published(root()) else {
        bail!("the contract is not beside the project (../shared/spec), so the page cannot be written");
    };
    let spec = folder.parent().context("the folder of the contract")?;
    std::fs::write(root().join(PAGE), conformance::document(root(), spec, &ours)?)?;
    println!("{PAGE} is written");
    Ok(ExitCode::SUCCESS)
}
