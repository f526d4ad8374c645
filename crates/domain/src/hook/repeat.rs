//! Calls that are made once more because their owner wants it.
//!
//! A replay is a delivery of its own, which names the one that it repeats. It has the same body and the same idempotency
//! token: it tells of the same event, and a receiver that has dealt with that event is to know it again. It goes to the
//! end of its lane, or, with another URL, into a lane of its own.

use confab_store::params;
use confab_types::{AccountSid, ApiError, ConversationSid, Timestamp};

use super::delivery::{State, target, wake_lane};
use super::{delivery, log};
use crate::error::Error;
use crate::sync::sid;
use crate::{Command, Cx, Effect, Result, Transaction, conversation, endpoint, job};

/// Deliveries that one step looks at.
const STEP: i64 = 200;

/// What there is to repeat.
struct Original {
    id: i64,
    lane: String,
    target: String,
    state: State,
    replay_of: Option<i64>,
    created_at: Timestamp,
}

/// Locks the lane and writes the copy.
fn repeat(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    account: AccountSid,
    original: &Original,
    url: Option<&str>,
) -> Result<i64> {
    let (lane, target) = way(account, original, url);
    wake_lane(tx, cx, &lane, &target)?;
    let row = tx.first(
        "INSERT INTO webhook_delivery (account_sid, conversation_sid, lane, target, event, method, url, content_type, \
         body, token, state, attempts, created_at, replay_of) \
         SELECT account_sid, conversation_sid, $2, $3, event, method, COALESCE($4, url), content_type, body, token, \
         'queued', 0, $5, COALESCE(replay_of, id) FROM webhook_delivery WHERE id = $1 RETURNING id",
        params![original.id, lane, target, url, cx.now.0],
    )?;
    row.map(|mut row| row.int())
        .transpose()?
        .ok_or_else(|| Error::code(20404))
}

/// Lane and target of a replay. To another URL it is no matter of the old one's, which may be dead for good: it does not
/// wait in its lane.
fn way(account: AccountSid, original: &Original, url: Option<&str>) -> (String, String) {
    match url {
        None => (original.lane.clone(), original.target.clone()),
        Some(url) => {
            let target = target(account, url);
            let origin = target.rsplit(' ').next().unwrap_or_default();
            // A replay of a replay is in such a lane already.
            let lane = original.lane.split(" to ").next().unwrap_or_default();
            (format!("{lane} to {origin}"), target)
        }
    }
}

macro_rules! original {
    () => {
        "SELECT id, lane, target, state, replay_of, created_at FROM webhook_delivery WHERE "
    };
}

fn read(mut row: confab_store::Row) -> Result<Original> {
    Ok(Original {
        id: row.int()?,
        lane: row.text()?,
        target: row.text()?,
        state: State::of_row(&row.text()?)?,
        replay_of: row.opt_int()?,
        created_at: Timestamp(row.int()?),
    })
}

/// Repeats one delivery. Gives the new one.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The account.
    pub account: AccountSid,
    /// The delivery; of a replay, its event is repeated.
    pub id: i64,
    /// Where instead of the old URL.
    pub url: Option<String>,
}

impl Command for Replay {
    type Output = log::Entry;

    /// # Errors
    /// 404/20404; 409/20409 while it is queued; 400/50054 for the URL.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<log::Entry> {
        check(self.url.as_deref())?;
        let row = tx.first(
            concat!(original!(), "id = $1 AND account_sid = $2"),
            params![self.id, self.account.to_string()],
        )?;
        let original = row.map(read).transpose()?.ok_or_else(|| Error::code(20404))?;
        if original.state == State::Queued {
            return Err(ApiError::new(20409)
                .message("The delivery is still queued: it is called without a replay")
                .into());
        }
        let id = repeat(tx, cx, self.account, &original, self.url.as_deref())?;
        Ok(log::fetch(tx, self.account, id)?.0.into())
    }
}

fn check(url: Option<&str>) -> Result<()> {
    url.map_or(Ok(()), endpoint::check_url)
}

/// Which deliveries are repeated: those of events, of which replays are none themselves. What is queued is called anyway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The account.
    pub account: AccountSid,
    /// Of this conversation.
    pub conversation: Option<ConversationSid>,
    /// In this state. Of failed ones, those of which no replay has been delivered or is queued.
    pub state: Option<State>,
    /// At or after this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Where instead of the old URLs.
    pub url: Option<String>,
    /// The last number that was looked at.
    pub(crate) behind: i64,
    /// The last one that was there when the replay was asked for: it does not repeat what it has made.
    pub(crate) last: i64,
}

impl Range {
    /// A range of dates, of which the last one includes its second.
    #[must_use]
    pub fn new(account: AccountSid) -> Self {
        Self {
            account,
            conversation: None,
            state: None,
            from: None,
            until: None,
            url: None,
            behind: 0,
            last: 0,
        }
    }

    /// With its last second.
    #[must_use]
    pub fn to(mut self, to: Option<Timestamp>) -> Self {
        self.until = to.map(log::second_after);
        self
    }

    fn takes(&self, tx: &mut Transaction<'_>, original: &Original) -> Result<bool> {
        let taken = original.replay_of.is_none()
            && original.state != State::Queued
            && self.state.is_none_or(|state| original.state == state)
            && self.from.is_none_or(|from| original.created_at >= from)
            && self.until.is_none_or(|until| original.created_at < until);
        if !taken || self.state != Some(State::Failed) {
            return Ok(taken);
        }
        let row = tx.first(
            "SELECT id FROM webhook_delivery WHERE replay_of = $1 AND state IN ('queued', 'delivered') LIMIT 1",
            params![original.id],
        )?;
        Ok(row.is_none())
    }
}

/// Asks for the replay of many: a job makes them, in steps.
#[derive(Clone, Debug)]
pub struct ReplayRange(pub Range);

impl Command for ReplayRange {
    type Output = ();

    /// # Errors
    /// 400/20001 for a range that is none, 404/50350 for a conversation of which nothing is known, 400/50054 for the URL.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let mut range = self.0.clone();
        check(range.url.as_deref())?;
        let dates = match (range.from, range.until) {
            (Some(from), Some(until)) => {
                if until <= from {
                    return Err(ApiError::new(20001).message("EndDate is before StartDate").into());
                }
                true
            }
            (None, None) => false,
            _ => {
                return Err(ApiError::new(20001)
                    .message("Send both StartDate and EndDate")
                    .into());
            }
        };
        if !dates && range.conversation.is_none() {
            return Err(ApiError::new(20001)
                .message("Send ConversationSid, or StartDate and EndDate")
                .into());
        }
        if range.state == Some(State::Queued) {
            return Err(ApiError::new(20001)
                .message("What is queued is called without a replay")
                .into());
        }
        if let Some(conversation) = range.conversation {
            known(tx, range.account, conversation)?;
        }
        let (first, end) = log::numbers(tx, range.from, range.until)?;
        range.behind = first.saturating_sub(1);
        range.last = log::newest(tx)?.min(end.saturating_sub(1));
        job::add(tx, cx, &job::Kind::ReplayDeliveries(range), cx.now)?;
        cx.emit(Effect::JobsWaiting);
        Ok(())
    }
}

/// A conversation of the account, or one that is gone and left its calls.
fn known(tx: &mut Transaction<'_>, account: AccountSid, sid: ConversationSid) -> Result<()> {
    if conversation::by_sid(tx, sid)?.is_some_and(|found| found.account == account) {
        return Ok(());
    }
    let row = tx.first(
        "SELECT id FROM webhook_delivery WHERE account_sid = $1 AND conversation_sid = $2 AND id > 0 ORDER BY id LIMIT 1",
        params![account.to_string(), sid.to_string()],
    )?;
    row.map(|_| ()).ok_or_else(|| Error::code(50350))
}

/// One step of a [`ReplayRange`]; `true` when all is done. What was repeated and how far it got are one transaction, so
/// that a crash repeats nothing twice.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The job.
    pub job: i64,
}

impl Command for Step {
    type Output = bool;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<bool> {
        // Another one, whose lease had ended, may have been quicker.
        let Some(job::Kind::ReplayDeliveries(mut range)) = job::hold(tx, self.job)? else {
            return Ok(true);
        };
        let rows = rows(tx, &range)?;
        let full = rows.len() as i64 == STEP;
        let mut taken = Vec::with_capacity(rows.len());
        for original in rows {
            range.behind = original.id;
            if range.takes(tx, &original)? {
                taken.push(original);
            }
        }
        // Lanes are locked in the order in which an event locks them: the owner's before those of the conversation.
        let mut lanes: Vec<_> = taken
            .iter()
            .map(|o| way(range.account, o, range.url.as_deref()))
            .collect();
        lanes.sort_by_cached_key(|(lane, _)| delivery::rank(lane));
        lanes.dedup();
        for (lane, target) in &lanes {
            wake_lane(tx, cx, lane, target)?;
        }
        for original in &taken {
            repeat(tx, cx, range.account, original, range.url.as_deref())?;
        }
        if full {
            job::rewrite(tx, self.job, &job::Kind::ReplayDeliveries(range))?;
        } else {
            job::take(tx, self.job)?;
        }
        Ok(!full)
    }
}

fn rows(tx: &mut Transaction<'_>, range: &Range) -> Result<Vec<Original>> {
    let account = range.account.to_string();
    let rows = match (range.conversation, range.state) {
        (Some(conversation), _) => tx.query(
            concat!(
                original!(),
                "account_sid = $1 AND conversation_sid = $2 AND id > $3 AND id <= $4 ORDER BY id LIMIT $5"
            ),
            params![account, conversation.to_string(), range.behind, range.last, STEP],
        )?,
        (None, Some(state)) if state != State::Delivered => tx.query(
            concat!(
                original!(),
                "account_sid = $1 AND state <> 'delivered' AND state = $2 AND id > $3 AND id <= $4 \
                 ORDER BY id LIMIT $5"
            ),
            params![account, state.name(), range.behind, range.last, STEP],
        )?,
        (None, _) => tx.query(
            concat!(
                original!(),
                "account_sid = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4"
            ),
            params![account, range.behind, range.last, STEP],
        )?,
    };
    rows.into_iter().map(read).collect()
}

impl Range {
    /// As a job keeps it: the texts and numbers of a row.
    pub(crate) fn written(&self) -> Written {
        Written {
            account: self.account.to_string(),
            conversation: self.conversation.map(|c| c.to_string()),
            state: self.state.map(|s| s.name().to_owned()),
            from: self.from.map(|t| t.0),
            until: self.until.map(|t| t.0),
            url: self.url.clone(),
            behind: self.behind,
            last: self.last,
        }
    }

    pub(crate) fn of_written(written: Written) -> Result<Self> {
        Ok(Self {
            account: sid(&written.account)?,
            conversation: crate::sync::opt_sid(written.conversation)?,
            state: written.state.as_deref().map(State::of_row).transpose()?,
            from: written.from.map(Timestamp),
            until: written.until.map(Timestamp),
            url: written.url,
            behind: written.behind,
            last: written.last,
        })
    }
}

/// How a [`Range`] is written in a job's row.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct Written {
    account: String,
    conversation: Option<String>,
    state: Option<String>,
    from: Option<i64>,
    until: Option<i64>,
    url: Option<String>,
    behind: i64,
    last: i64,
}
