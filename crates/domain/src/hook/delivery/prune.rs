//! Letting go of what the log is not to keep any longer.

use confab_store::params;
use confab_types::Timestamp;

use super::State;
use crate::{Command, Cx, Result, Transaction};

/// Removes what is older than the log goes back, some at a time; `false` when nothing is left to remove.
#[derive(Clone, Copy, Debug)]
pub struct Prune {
    /// What happened before goes.
    pub before: Timestamp,
}

/// Deliveries that one transaction removes.
const PRUNED: i64 = 500;

impl Command for Prune {
    type Output = bool;

    fn apply(&self, tx: &mut Transaction<'_>, _: &mut Cx<'_>) -> Result<bool> {
        // Numbers grow with time, so the oldest ones are the lowest.
        let rows = tx.query(
            "SELECT id, created_at, state FROM webhook_delivery WHERE id > 0 ORDER BY id LIMIT $1",
            params![PRUNED],
        )?;
        let full = rows.len() as i64 == PRUNED;
        for mut row in rows {
            let (id, created_at, state) = (row.int()?, row.int()?, row.text()?);
            // What is still to be called stays, and with it what is younger, until the next round.
            if created_at >= self.before.0 || state == State::Queued.name() {
                return Ok(false);
            }
            tx.push("DELETE FROM webhook_attempt WHERE delivery_id = $1", params![id])?;
            tx.push("DELETE FROM webhook_delivery WHERE id = $1", params![id])?;
        }
        Ok(full)
    }
}
