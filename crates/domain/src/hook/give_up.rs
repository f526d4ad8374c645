//! Giving up in bulk what a target that has been dead for too long was to be told (B-410): by rows, not by a call each.

use std::collections::HashMap;

use confab_store::params;
use confab_types::{AccountSid, AlertSid, Timestamp};

use super::delivery::{State, of_streams};
use crate::alert::{self, Level, NewAlert};
use crate::{Command, Cx, Result, Transaction};

/// Deliveries that one transaction looks at.
const STEP: i64 = 500;

/// Gives up queued deliveries of a target that are too old, oldest first, some at a time.
///
/// They are found by the account's index of what is queued, oldest first: what else is as old and queued there is of
/// other dead targets. A lane that a server has is left to it, whose next call there fails too.
#[derive(Clone, Debug)]
pub struct GiveUp {
    /// The account.
    pub account: AccountSid,
    /// The target.
    pub target: String,
    /// What happened before is too old.
    pub before: Timestamp,
    /// How long things are tried, seconds; for the alert.
    pub tried_for: u64,
    /// What the steps before this one did.
    pub so_far: GivenUp,
}

/// What the steps did up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenUp {
    /// How many were given up.
    pub count: u64,
    /// The alert that tells so: one for all steps, written with the first and brought up to date with each.
    pub alert: Option<AlertSid>,
    /// The number behind which the next step looks.
    pub behind: i64,
    /// Whether nothing is left to look at.
    pub is_done: bool,
}

impl Command for GiveUp {
    type Output = GivenUp;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<GivenUp> {
        let rows = tx.query(
            "SELECT id, created_at, target, lane FROM webhook_delivery WHERE account_sid = $1 \
             AND state <> 'delivered' AND state = 'queued' AND id > $2 ORDER BY id LIMIT $3",
            params![self.account.to_string(), self.so_far.behind, STEP],
        )?;
        let mut done = self.so_far;
        done.is_done = (rows.len() as i64) < STEP;
        let mut lanes: HashMap<String, bool> = HashMap::new();
        for mut row in rows {
            let (id, created_at) = (row.int()?, row.int()?);
            if created_at >= self.before.0 {
                done.is_done = true;
                break;
            }
            done.behind = id;
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
                done.count += 1;
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
        if done.count > self.so_far.count {
            let told = self.told(done.count);
            match done.alert {
                Some(alert) => alert::reword(tx, alert, &told.text)?,
                None => done.alert = Some(alert::record(tx, cx, &told)?),
            }
        }
        Ok(done)
    }
}

impl GiveUp {
    fn told(&self, count: u64) -> NewAlert {
        let origin = self.target.split_once(' ').map_or("", |(_, origin)| origin);
        let (code, what, origin) = match of_streams(origin) {
            Some(origin) => (alert::UNDELIVERED, "events of streams", origin),
            None => (alert::FAILED, "calls of webhooks", origin),
        };
        NewAlert::new(self.account, Level::Error, code).because(format!(
            "{count} {what} to {origin} were given up, which has not answered for {} seconds; they can be replayed",
            self.tried_for
        ))
    }
}

/// Locks a lane that no server has; `false` when one has it, or somebody adds to it just now: nobody is waited for while
/// other lanes are locked.
fn hold_free(tx: &mut Transaction<'_>, cx: &Cx<'_>, lane: &str) -> Result<bool> {
    let row = tx.first(
        "SELECT server, next_at FROM webhook_lane WHERE lane = $1 {skip_locked}",
        params![lane],
    )?;
    let Some(mut row) = row else { return Ok(false) };
    let (server, next_at) = (row.opt_text()?, row.int()?);
    Ok(server.is_none() || next_at <= cx.now.0)
}
