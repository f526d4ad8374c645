//! Calls that are to be made, and the log of those that were.
//!
//! A *lane* is what has to be told in order: one conversation's events to one listener (B-409). Its deliveries are
//! queued by their numbers; a lane with any has a row of its own, which says when the first one is due and who has it.
//! Adding to a lane and finding it empty both lock that row, so nothing is left lying in a lane without one.
//!
//! A *target* is what fails together: an account's calls to one host and port. Lanes are claimed target by target, so a
//! dead one keeps nobody else waiting.

use confab_store::{Row, params};
use confab_types::{AccountSid, ConversationSid, Timestamp};
use url::Url;

use crate::alert::{self, NewAlert};
use crate::endpoint::Method;
use crate::sync::{opt_sid, sid};
use crate::{Command, Cx, Effect, Result, Transaction};

/// A body of parameters (B-386).
pub const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// Deliveries that a worker has of one lane at a time.
pub const BATCH: i64 = 16;

/// How long a claimed lane belongs to its worker, microseconds: longer than a batch can take, every call at its
/// longest.
pub const LEASE: i64 = 300_000_000;

/// What is to be told to one listener.
pub(crate) struct Draft<'a> {
    pub(crate) account: AccountSid,
    pub(crate) conversation: Option<ConversationSid>,
    pub(crate) lane: String,
    pub(crate) event: &'static str,
    pub(crate) method: Method,
    pub(crate) url: &'a str,
    pub(crate) content_type: &'static str,
    pub(crate) body: &'a str,
}

/// The lane of what happens in an order, for a listener.
pub(crate) fn lane(order: &str, listener: &str) -> String {
    format!("{order} {listener}")
}

/// Where a lane stands in the order in which one event locks those that it is told to: the owner's, then the others.
pub(super) fn rank(lane: &str) -> (String, bool, String) {
    let (order, listener) = lane.split_once(' ').unwrap_or((lane, ""));
    let is_owner = listener.split(' ').next() == Some(super::fire::OWNER);
    (order.to_owned(), !is_owner, listener.to_owned())
}

/// What fails together.
pub(super) fn target(account: AccountSid, url: &str) -> String {
    let origin = Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization());
    format!("{account} {origin}")
}

/// Writes a call down, for after the commit.
pub(crate) fn enqueue(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, draft: &Draft<'_>) -> Result<()> {
    let (now, bits) = (cx.now, cx.bits());
    write(tx, draft, bits, now)?;
    cx.emit(Effect::DeliveriesWaiting);
    Ok(())
}

/// Writes a call of `onMessageAdded` down although nothing happened: a backlog of any size, for tests and measurements.
///
/// # Errors
/// The database's.
pub fn queue(
    tx: &mut Transaction<'_>,
    (account, conversation): (AccountSid, ConversationSid),
    (url, body): (&str, &str),
    bits: u128,
    now: Timestamp,
) -> Result<()> {
    let draft = Draft {
        account,
        conversation: Some(conversation),
        lane: lane(&conversation.to_string(), super::fire::OWNER),
        event: "onMessageAdded",
        method: Method::Post,
        url,
        content_type: FORM,
        body,
    };
    write(tx, &draft, bits, now)
}

fn write(tx: &mut Transaction<'_>, draft: &Draft<'_>, bits: u128, now: Timestamp) -> Result<()> {
    let target = target(draft.account, draft.url);
    // The lane first: numbers are taken under its lock, so that they grow in the order of the commits.
    hold_lane(tx, &draft.lane, &target, now)?;
    tx.push(
        "INSERT INTO webhook_delivery (account_sid, conversation_sid, lane, target, event, method, url, content_type, \
         body, token, state, attempts, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'queued', 0, $11)",
        params![
            draft.account.to_string(),
            draft.conversation.map(|c| c.to_string()),
            &draft.lane,
            target,
            draft.event,
            draft.method.upper(),
            draft.url,
            draft.content_type,
            draft.body,
            token(bits),
            now.0
        ],
    )?;
    Ok(())
}

/// Makes sure that a lane has its row, and locks it until the commit.
fn hold_lane(tx: &mut Transaction<'_>, lane: &str, target: &str, now: Timestamp) -> Result<()> {
    tx.push(
        "INSERT INTO webhook_lane (lane, target, next_at, claimed) VALUES ($1, $2, $3, 0) \
         ON CONFLICT (lane) DO UPDATE SET target = webhook_lane.target",
        params![lane, target, now.0],
    )?;
    Ok(())
}

/// As [`hold_lane`], for something to be told.
pub(super) fn wake_lane(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, lane: &str, target: &str) -> Result<()> {
    hold_lane(tx, lane, target, cx.now)?;
    cx.emit(Effect::DeliveriesWaiting);
    Ok(())
}

/// An idempotency token (B-391) of 128 bits, in the form of RFC 9562, version 8: they are of our own making.
#[must_use]
pub fn token(bits: u128) -> String {
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x8 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// To be called, for the first time or again.
    Queued,
    /// The listener took it.
    Delivered,
    /// Given up.
    Failed,
    /// Its listener was removed before.
    Canceled,
}

impl State {
    /// The word of a row, and of the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Delivered, Self::Failed, Self::Canceled]
            .into_iter()
            .find(|state| state.name() == text)
    }

    pub(super) fn of_row(word: &str) -> Result<Self> {
        Ok(Self::parse(word)
            .ok_or_else(|| confab_store::Error::Decode(format!("a delivery's state: {word}")))?)
    }
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, microseconds.
    pub duration: i64,
    /// HTTP status, when there was an answer.
    pub status: Option<i64>,
    /// Why there was none.
    pub error: Option<String>,
    /// Beginning of the answer's body, at most 1 KiB.
    pub answer: Option<String>,
}

/// A call to make, or one that was made.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its number; in a lane they grow in order.
    pub id: i64,
    /// The account, whose auth token signs.
    pub account: AccountSid,
    /// Where it happened.
    pub conversation: Option<ConversationSid>,
    /// The lane.
    pub lane: String,
    /// Name of the event.
    pub event: String,
    /// How it is called.
    pub method: Method,
    /// Where.
    pub url: String,
    /// Of the body.
    pub content_type: String,
    /// The parameters as a form, without the count of retries; or another body as it is sent.
    pub body: String,
    /// The same for all tries.
    pub token: String,
    /// How far it is.
    pub state: State,
    /// Tries so far.
    pub attempts: i64,
    /// The newest one.
    pub last: Option<Attempt>,
    /// When it happened; of a replay, when it was asked for.
    pub created_at: Timestamp,
    /// The delivery that this one repeats.
    pub replay_of: Option<i64>,
}

macro_rules! columns {
    () => {
        "id, account_sid, conversation_sid, lane, event, method, url, content_type, body, token, state, attempts, \
         created_at, replay_of, attempted_at, duration, status, error, answer"
    };
}

pub(super) use columns;

pub(super) fn read(mut row: Row) -> Result<Delivery> {
    Ok(Delivery {
        id: row.int()?,
        account: sid(&row.text()?)?,
        conversation: opt_sid(row.opt_text()?)?,
        lane: row.text()?,
        event: row.text()?,
        method: Method::parse(&row.text()?)?,
        url: row.text()?,
        content_type: row.text()?,
        body: row.text()?,
        token: row.text()?,
        state: State::of_row(&row.text()?)?,
        attempts: row.int()?,
        created_at: Timestamp(row.int()?),
        replay_of: row.opt_int()?,
        last: match row.opt_int()? {
            Some(at) => Some(attempt(Timestamp(at), &mut row)?),
            None => None,
        },
    })
}

pub(super) fn attempt(at: Timestamp, row: &mut Row) -> Result<Attempt> {
    Ok(Attempt {
        at,
        duration: row.opt_int()?.unwrap_or(0),
        status: row.opt_int()?,
        error: row.opt_text()?,
        answer: row.opt_text()?,
    })
}

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
            "SELECT target, next_at FROM webhook_lane WHERE target > $1 ORDER BY target, next_at, lane LIMIT 1",
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

/// Whether a worker has a lane just now.
///
/// # Errors
/// The database's.
pub fn any_claimed(tx: &mut Transaction<'_>) -> Result<bool> {
    let row = tx.first(
        "SELECT lane FROM webhook_lane WHERE claimed = 1 LIMIT 1",
        params![],
    )?;
    Ok(row.is_some())
}

/// A lane that a worker has.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// Its first deliveries, in order; none when others took them.
    pub deliveries: Vec<Delivery>,
}

/// Takes due lanes of a target with the first deliveries of each.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The target.
    pub target: String,
    /// Lanes at most.
    pub most: i64,
}

impl Command for Claim {
    type Output = Vec<Lane>;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Vec<Lane>> {
        let rows = tx.query(
            "SELECT lane FROM webhook_lane WHERE target = $1 AND next_at <= $2 \
             ORDER BY next_at, lane LIMIT $3 {skip_locked}",
            params![&self.target, cx.now.0, self.most],
        )?;
        let mut lanes = Vec::with_capacity(rows.len());
        for mut row in rows {
            let name = row.text()?;
            tx.push(
                "UPDATE webhook_lane SET next_at = $2, claimed = 1 WHERE lane = $1",
                params![&name, cx.now.0 + LEASE],
            )?;
            let deliveries = next(tx, &name, 0)?;
            lanes.push(Lane { name, deliveries });
        }
        Ok(lanes)
    }
}

/// The first deliveries of a lane behind a number.
fn next(tx: &mut Transaction<'_>, lane: &str, behind: i64) -> Result<Vec<Delivery>> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM webhook_delivery WHERE lane = $1 AND state = 'queued' AND id > $2 ORDER BY id LIMIT $3"
        ),
        params![lane, behind, BATCH],
    )?;
    rows.into_iter().map(read).collect()
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

/// Records what became of deliveries of a lane, and gives the next ones; none when the lane is given back.
#[derive(Clone, Debug)]
pub struct Settle {
    /// The lane.
    pub lane: String,
    /// In the order of the calls; only the last one of them may be queued again.
    pub outcomes: Vec<Outcome>,
    /// When the lane is to go on, unless at once: after a failure, or when the worker stops.
    pub pause_until: Option<Timestamp>,
}

impl Command for Settle {
    type Output = Vec<Delivery>;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Vec<Delivery>> {
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
            return Ok(Vec::new()); // Its listener was removed meanwhile.
        }
        if let Some(at) = self.pause_until {
            tx.push(
                "UPDATE webhook_lane SET next_at = $2, claimed = 0 WHERE lane = $1",
                params![&self.lane, at.0],
            )?;
            cx.emit(Effect::DeliveriesWaiting);
            return Ok(Vec::new());
        }
        // Behind what was just settled: PostgreSQL would pass over all that is done, which stays in the index until a
        // VACUUM. Only when nothing is there a look at the whole, since the row of a lane goes with its last delivery.
        let mut more = next(tx, &self.lane, self.outcomes.last().map_or(0, |o| o.id))?;
        if more.is_empty() {
            more = next(tx, &self.lane, 0)?;
        }
        if more.is_empty() {
            tx.push("DELETE FROM webhook_lane WHERE lane = $1", params![&self.lane])?;
        } else {
            tx.push(
                "UPDATE webhook_lane SET next_at = $2 WHERE lane = $1",
                params![&self.lane, cx.now.0 + LEASE],
            )?;
        }
        Ok(more)
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

/// Takes back what a listener was still to be told: it was removed (B-513).
pub(crate) fn cancel(tx: &mut Transaction<'_>, lane: &str) -> Result<()> {
    tx.push("DELETE FROM webhook_lane WHERE lane = $1", params![lane])?;
    tx.push(
        "UPDATE webhook_delivery SET state = 'canceled' WHERE lane = $1 AND state = 'queued'",
        params![lane],
    )?;
    Ok(())
}

/// Gives back the lanes of workers that are gone, as the end of their leases does.
///
/// # Errors
/// The database's.
pub fn release_all(tx: &mut Transaction<'_>, now: Timestamp) -> Result<()> {
    tx.push(
        "UPDATE webhook_lane SET next_at = $1, claimed = 0 WHERE claimed = 1",
        params![now.0],
    )?;
    Ok(())
}

/// Gives back the lanes of workers that are gone. Only for a store that no other process has open, at its start.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseAll;

impl Command for ReleaseAll {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        release_all(tx, cx.now)?;
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
            "SELECT lane, claimed FROM webhook_lane WHERE target = $1 AND next_at > $2 \
             ORDER BY next_at, lane LIMIT $3 {skip_locked}",
            params![&self.target, cx.now.0, RESUMED],
        )?;
        let mut woken = false;
        for mut row in rows {
            let (lane, claimed) = (row.text()?, row.int()? != 0);
            if !claimed {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_uuids_b391() {
        let text = token(u128::MAX);
        assert_eq!(text, "ffffffff-ffff-8fff-bfff-ffffffffffff");
        assert_eq!(token(0), "00000000-0000-8000-8000-000000000000");
    }

    #[test]
    fn targets_are_hosts_of_an_account() {
        let account = AccountSid::from_bits(7);
        let of = |url| target(account, url);
        assert_eq!(
            of("https://example.com/a"),
            of("https://user:x@example.com:443/b?c#d")
        );
        assert_ne!(of("https://example.com/"), of("http://example.com/"));
        assert_ne!(of("http://example.com/"), of("http://example.com:8080/"));
        assert_ne!(
            of("http://example.com/"),
            target(AccountSid::from_bits(8), "http://example.com/")
        );
    }
    use confab_types::Sid as _;
}
