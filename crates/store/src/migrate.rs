//! Brings a schema up to date: numbered steps, all that are missing in one transaction, remembered with a checksum so that
//! an edited step is noticed.

use crate::{Error, Result, Tx, params};

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number; they grow.
    pub version: i64,
    /// What it is for, in a word or two.
    pub name: &'static str,
    /// Statements, each ended by a semicolon at the end of a line, with the DDL tokens of the crate's documentation.
    pub sql: &'static str,
}

impl Migration {
    /// The statements of the step.
    pub(crate) fn statements(&self) -> impl Iterator<Item = &'static str> {
        self.sql
            .split(";\n")
            .map(|s| s.trim().trim_end_matches(';'))
            .filter(|s| {
                s.lines()
                    .any(|l| !l.trim().is_empty() && !l.trim_start().starts_with("--"))
            })
    }

    /// FNV-1a of the text: enough to notice an edit.
    fn checksum(&self) -> i64 {
        let hash = self.sql.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        i64::from_ne_bytes(hash.to_ne_bytes())
    }
}

/// Table of the steps that were run.
pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_step \
     (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum BIGINT NOT NULL)";

/// The steps that are still to run.
pub(crate) fn pending<'a>(tx: &mut dyn Tx, all: &'a [Migration]) -> Result<&'a [Migration]> {
    let rows = tx.query(
        "SELECT version, name, checksum FROM schema_step ORDER BY version",
        &[],
    )?;
    if rows.len() > all.len() {
        return Err(Error::Schema(format!(
            "the database is at step {}, this program knows {}: start a newer confab",
            rows.len(),
            all.len()
        )));
    }
    for (mut row, known) in rows.into_iter().zip(all) {
        let (version, name, checksum) = (row.int()?, row.text()?, row.int()?);
        if version != known.version || checksum != known.checksum() {
            return Err(Error::Schema(format!(
                "step {version} ({name}) is not the one of this program"
            )));
        }
    }
    let done = tx.first("SELECT CAST(COUNT(*) AS BIGINT) FROM schema_step", &[])?;
    let done = done.map_or(Ok(0), |mut row| row.int())?;
    Ok(&all[usize::try_from(done).unwrap_or(0).min(all.len())..])
}

/// Remembers that a step was run.
pub(crate) fn record(tx: &mut dyn Tx, step: &Migration) -> Result<()> {
    tx.exec(
        "INSERT INTO schema_step (version, name, checksum) VALUES ($1, $2, $3)",
        params![step.version, step.name, step.checksum()],
    )?;
    Ok(())
}
