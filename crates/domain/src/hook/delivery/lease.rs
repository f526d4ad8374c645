//! Who has a lane, and who does not any more.

use confab_store::params;

use crate::{Command, Cx, Effect, Result, Transaction};

/// How long a claimed lane belongs to its server, microseconds: longer than a batch can take, every call at its
/// longest. Others take it then: a server that never starts again keeps nobody waiting for ever.
pub const LEASE: i64 = 300_000_000;

/// Whether a server has a lane just now.
///
/// # Errors
/// The database's.
pub fn any_claimed(tx: &mut Transaction<'_>) -> Result<bool> {
    let row = tx.first(
        "SELECT lane FROM webhook_lane WHERE server > '' ORDER BY server, lane LIMIT 1",
        params![],
    )?;
    Ok(row.is_some())
}

/// Gives back the lanes of the server that runs this, at its start: the process that had them is gone.
#[derive(Clone, Copy, Debug)]
pub struct Release;

impl Command for Release {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        tx.push(
            "UPDATE webhook_lane SET next_at = $2, server = NULL WHERE server = $1",
            params![cx.server, cx.now.0],
        )?;
        cx.emit(Effect::DeliveriesWaiting);
        Ok(())
    }
}

/// A target answers again: lanes that wait for a later try go on at once, some at a time. Gives how many were woken.
#[derive(Clone, Debug)]
pub struct Resume {
    /// The target.
    pub target: String,
}

/// Lanes that one transaction wakes.
const RESUMED: i64 = 500;

impl Command for Resume {
    type Output = bool;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<bool> {
        let rows = tx.query(
            "SELECT lane, server FROM webhook_lane WHERE target = $1 AND next_at > $2 \
             ORDER BY next_at, lane LIMIT $3 {skip_locked}",
            params![&self.target, cx.now.0, RESUMED],
        )?;
        let mut woken = false;
        for mut row in rows {
            let (lane, server) = (row.text()?, row.opt_text()?);
            if server.is_none() {
                woken = true;
                tx.push(
                    "UPDATE webhook_lane SET next_at = $2 WHERE lane = $1",
                    params![lane, cx.now.0],
                )?;
            }
        }
        cx.emit(Effect::DeliveriesWaiting);
        Ok(woken)
    }
}
