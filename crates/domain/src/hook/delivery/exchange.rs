//! What a server's deliverer and the store tell each other: what became of calls, and which come next.

use std::sync::Arc;

use confab_store::params;
use confab_types::Timestamp;

use super::{Attempt, Delivery, LEASE, State, columns, rank, read};
use crate::alert::{self, NewAlert};
use crate::{Command, Cx, Effect, Result, Transaction};

/// Deliveries that a server has of one lane at a time, and bytes of their bodies, beyond which there is one.
pub const BATCH: i64 = 16;
const BATCH_BYTES: usize = 64 * 1024;

/// A target with work, and when its first lane is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The target.
    pub target: String,
    /// When.
    pub at: Timestamp,
}

/// The targets that have work, at most `most` after one of them.
///
/// # Errors
/// The database's.
pub fn due(tx: &mut Transaction<'_>, after: &str, most: usize) -> Result<Vec<Due>> {
    let mut found = Vec::new();
    let mut last = after.to_owned();
    while found.len() < most {
        // From target to target by the index, past all their lanes.
        let row = tx.first(
            "SELECT target, next_at FROM webhook_lane WHERE server IS NULL AND target > $1 \
             ORDER BY target, next_at, lane LIMIT 1",
            params![&last],
        )?;
        let Some(mut row) = row else { break };
        last = row.text()?;
        found.push(Due {
            target: last.clone(),
            at: Timestamp(row.int()?),
        });
    }
    Ok(found)
}

/// A lane that a server has.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// What it fails together with.
    pub target: String,
    /// Its first deliveries, in order; none when others took them.
    pub deliveries: Vec<Delivery>,
}

/// What became of one try.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The delivery.
    pub id: i64,
    /// Which try it was, from 0.
    pub number: i64,
    /// How it went.
    pub attempt: Attempt,
    /// What the delivery is now; queued to be called again.
    pub state: State,
    /// What its owner is told of a failure.
    pub alert: Option<NewAlert>,
}

/// What became of the deliveries of a lane that this server has.
#[derive(Clone, Debug)]
pub struct Settle {
    /// The lane.
    pub lane: String,
    /// Its target.
    pub target: String,
    /// In the order of the calls; only the last one of them may be queued again.
    pub outcomes: Vec<Outcome>,
    /// When the lane is to go on, unless at once: after a failure, or when the server stops.
    pub pause_until: Option<Timestamp>,
}

/// Takes due lanes of a target.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The target.
    pub target: String,
    /// Lanes at most.
    pub most: i64,
}

/// Records what became of deliveries, and takes those that are to be called next: the next ones of lanes that go on, and
/// the first ones of others. All in one transaction: a lane of one call would cost three otherwise.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// What became of calls.
    pub settled: Arc<Vec<Settle>>,
    /// What is wanted besides.
    pub claims: Vec<Claim>,
}

/// What is to be called.
#[derive(Clone, Debug, Default)]
pub struct Next {
    /// Lanes that go on; those that were settled and are not here are given back or empty.
    pub continued: Vec<Lane>,
    /// For each claim, the lanes that were taken.
    pub claimed: Vec<Vec<Lane>>,
}

impl Command for Exchange {
    type Output = Next;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Next> {
        let mut next = Next::default();
        let mut settled: Vec<&Settle> = self.settled.iter().collect();
        settled.sort_by_cached_key(|settle| rank(&settle.lane));
        for settle in settled {
            if let Some(lane) = settle.apply(tx, cx)? {
                next.continued.push(lane);
            }
        }
        for claim in &self.claims {
            next.claimed.push(claim.apply(tx, cx)?);
        }
        Ok(next)
    }
}

impl Claim {
    /// Waits for nobody, so it needs no place in the order of locks.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &Cx<'_>) -> Result<Vec<Lane>> {
        let rows = tx.query(
            "SELECT lane FROM webhook_lane WHERE server IS NULL AND target = $1 AND next_at <= $2 \
             ORDER BY next_at, lane LIMIT $3 {skip_locked}",
            params![&self.target, cx.now.0, self.most],
        )?;
        let mut lanes = Vec::with_capacity(rows.len());
        for mut row in rows {
            let name = row.text()?;
            tx.push(
                "UPDATE webhook_lane SET next_at = $2, server = $3 WHERE lane = $1",
                params![&name, cx.now.0 + LEASE, cx.server],
            )?;
            let deliveries = first(tx, &name, 0)?;
            lanes.push(Lane {
                name,
                target: self.target.clone(),
                deliveries,
            });
        }
        Ok(lanes)
    }
}

/// The first deliveries of a lane behind a number: as many as one server has in memory at a time.
fn first(tx: &mut Transaction<'_>, lane: &str, behind: i64) -> Result<Vec<Delivery>> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM webhook_delivery WHERE lane = $1 AND state = 'queued' AND id > $2 ORDER BY id LIMIT $3"
        ),
        params![lane, behind, BATCH],
    )?;
    let mut bytes = 0;
    let mut deliveries = Vec::with_capacity(rows.len());
    for row in rows {
        let delivery = read(row)?;
        bytes += delivery.body.len();
        if bytes > BATCH_BYTES && !deliveries.is_empty() {
            break;
        }
        deliveries.push(delivery);
    }
    Ok(deliveries)
}

impl Settle {
    /// Gives the lane with its next deliveries if it goes on at once.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Option<Lane>> {
        // Locked before the look at what is queued: who adds to the lane waits, or was before.
        let held = tx.first(
            "SELECT lane FROM webhook_lane WHERE lane = $1 {for_update}",
            params![&self.lane],
        )?;
        for outcome in &self.outcomes {
            record(tx, outcome)?;
            if let Some(alert) = &outcome.alert {
                alert::record(tx, cx, alert)?;
            }
        }
        if held.is_none() {
            return Ok(None); // Its listener was removed meanwhile.
        }
        if let Some(at) = self.pause_until {
            tx.push(
                "UPDATE webhook_lane SET next_at = $2, server = NULL WHERE lane = $1",
                params![&self.lane, at.0],
            )?;
            cx.emit(Effect::DeliveriesWaiting);
            return Ok(None);
        }
        // Of a long lane, behind what was just settled: PostgreSQL would pass over all that is done, which stays in the index
        // until a VACUUM. Only when nothing is there a look at the whole, since the row of a lane goes with its last delivery.
        let is_long = self.outcomes.len() as i64 == BATCH;
        let behind = self.outcomes.last().filter(|_| is_long).map_or(0, |o| o.id);
        let mut deliveries = first(tx, &self.lane, behind)?;
        if deliveries.is_empty() && is_long {
            deliveries = first(tx, &self.lane, 0)?;
        }
        if deliveries.is_empty() {
            tx.push("DELETE FROM webhook_lane WHERE lane = $1", params![&self.lane])?;
            return Ok(None);
        }
        tx.push(
            "UPDATE webhook_lane SET next_at = $2, server = $3 WHERE lane = $1",
            params![&self.lane, cx.now.0 + LEASE, cx.server],
        )?;
        Ok(Some(Lane {
            name: self.lane.clone(),
            target: self.target.clone(),
            deliveries,
        }))
    }
}

fn record(tx: &mut Transaction<'_>, outcome: &Outcome) -> Result<()> {
    let attempt = &outcome.attempt;
    // The newest try stands with the delivery; the one before it moves over. Most have one only.
    if outcome.number > 0 {
        tx.push(
            "INSERT INTO webhook_attempt (delivery_id, number, attempted_at, duration, status, error, answer) \
             SELECT id, attempts - 1, attempted_at, duration, status, error, answer FROM webhook_delivery \
             WHERE id = $1 AND attempted_at IS NOT NULL ON CONFLICT (delivery_id, number) DO NOTHING",
            params![outcome.id],
        )?;
    }
    tx.push(
        "UPDATE webhook_delivery SET state = CASE WHEN state = 'queued' THEN $2 ELSE state END, attempts = $3, \
         attempted_at = $4, duration = $5, status = $6, error = $7, answer = $8 WHERE id = $1",
        params![
            outcome.id,
            outcome.state.name(),
            outcome.number + 1,
            attempt.at.0,
            attempt.duration,
            attempt.status,
            &attempt.error,
            &attempt.answer
        ],
    )?;
    Ok(())
}
