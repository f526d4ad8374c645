//! Giving up in bulk what a target that has been dead for too long was to be told (B-410): by rows, not by a call each.

use std::collections::HashMap;

use confab_store::params;
use confab_types::{AccountSid, Timestamp};

use super::delivery::State;
use crate::{Command, Cx, Result, Transaction};

/// Deliveries that one transaction looks at.
const STEP: i64 = 500;

/// Gives up queued deliveries of a target that are too old, oldest first, some at a time.
///
/// They are found by the account's index of what is queued, oldest first: what else is as old and queued there is of
/// other dead targets. A lane that a worker has is left to that worker, whose next call fails too.
#[derive(Clone, Debug)]
pub struct GiveUp {
    /// The account.
    pub account: AccountSid,
    /// The target.
    pub target: String,
    /// What happened before is too old.
    pub before: Timestamp,
    /// The number behind which this step looks; 0 at first.
    pub behind: i64,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// How many were given up.
    pub count: u64,
    /// Behind which number the next step looks; none when nothing is left.
    pub next: Option<i64>,
}

impl Command for GiveUp {
    type Output = GivenUp;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<GivenUp> {
        let rows = tx.query(
            "SELECT id, created_at, target, lane FROM webhook_delivery WHERE account_sid = $1 \
             AND state <> 'delivered' AND state = 'queued' AND id > $2 ORDER BY id LIMIT $3",
            params![self.account.to_string(), self.behind, STEP],
        )?;
        let mut next = (rows.len() as i64 == STEP).then_some(self.behind);
        let mut lanes: HashMap<String, bool> = HashMap::new();
        let mut count = 0;
        for mut row in rows {
            let (id, created_at) = (row.int()?, row.int()?);
            if created_at >= self.before.0 {
                next = None;
                break;
            }
            next = next.map(|_| id);
            let (target, lane) = (row.text()?, row.text()?);
            if target != self.target {
                continue;
            }
            let free = match lanes.get(&lane) {
                Some(free) => *free,
                None => {
                    let free = hold_free(tx, cx, &lane)?;
                    lanes.insert(lane, free);
                    free
                }
            };
            if free {
                count += 1;
                tx.push(
                    "UPDATE webhook_delivery SET state = $2 WHERE id = $1",
                    params![id, State::Failed.name()],
                )?;
            }
        }
        // A lane without deliveries has no row.
        for lane in lanes.into_iter().filter_map(|(lane, free)| free.then_some(lane)) {
            let left = tx.first(
                "SELECT id FROM webhook_delivery WHERE lane = $1 AND state = 'queued' AND id > 0 ORDER BY id LIMIT 1",
                params![&lane],
            )?;
            if left.is_none() {
                tx.push("DELETE FROM webhook_lane WHERE lane = $1", params![lane])?;
            }
        }
        Ok(GivenUp { count, next })
    }
}

/// Locks a lane that no worker has; `false` when one has it, or somebody adds to it just now: nobody is waited for while
/// other lanes are locked.
fn hold_free(tx: &mut Transaction<'_>, cx: &Cx<'_>, lane: &str) -> Result<bool> {
    let row = tx.first(
        "SELECT claimed, next_at FROM webhook_lane WHERE lane = $1 {skip_locked}",
        params![lane],
    )?;
    let Some(mut row) = row else { return Ok(false) };
    let (claimed, next_at) = (row.int()? != 0, row.int()?);
    Ok(!claimed || next_at <= cx.now.0)
}
