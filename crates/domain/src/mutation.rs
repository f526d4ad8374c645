//! Changes that happen once however often they are sent (realtime.md §3.1, `X-Twilio-Mutation-Id`): a client whose
//! connection broke before the answer sends its change again under the same id, and gets the answer that it missed.

use confab_store::params;
use confab_types::{ServiceSid, Timestamp, UserSid};
use serde_json::Value;

use crate::error::Error;
use crate::event::Event;
use crate::hook::Asks;
use crate::{Command, Counted, Cx, Result, Transaction};

/// How long an id is remembered, in microseconds: 24 hours.
pub const REMEMBERED: i64 = 24 * 60 * 60 * 1_000_000;
/// Rows that one run of [`Forget`] removes at most.
const STEP: i64 = 500;

/// What a client calls a change. Another user's same id is another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Who changes; a user belongs to one service of one account.
    pub user: UserSid,
    /// Digest of the id and of what it was sent to: of the same id elsewhere nothing was done yet.
    pub digest: [u8; 16],
}

/// Makes of what a command gave what is needed to answer.
pub type Show<T> = fn(&mut Transaction<'_>, T) -> Result<Value>;

/// Runs a command unless it ran under the same key, and gives what is needed to answer either way. What it gave is
/// kept in the command's own transaction; a refusal is not kept, since nothing happened.
///
/// Of two that run at the same time (on two servers: on one the second waits for the first) one fails (the row is there, or what the command wanted to make is), and finds the
/// other one's answer with [`find`] then.
pub struct Once<C: Command> {
    /// The key, where the client sent an id.
    pub key: Option<Key>,
    /// The change.
    pub command: C,
    /// What is needed to answer: the less, the smaller the row.
    pub show: Show<C::Output>,
}

impl<C: Command> Command for Once<C> {
    type Output = Value;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Value> {
        let Some(key) = &self.key else {
            let output = self.command.apply(tx, cx)?;
            return (self.show)(tx, output);
        };
        match remembered(tx, key)? {
            Some((answer, at)) if is_fresh(at, cx.now) => return read(&answer),
            Some(_) => {
                tx.push(
                    "DELETE FROM mutation WHERE user_sid = $1 AND digest = $2",
                    params![key.user.to_string(), &key.digest[..]],
                )?;
            }
            None => {}
        }
        let output = self.command.apply(tx, cx)?;
        let shown = (self.show)(tx, output)?;
        tx.push(
            "INSERT INTO mutation (user_sid, digest, answer, created_at) VALUES ($1, $2, $3, $4)",
            params![key.user.to_string(), &key.digest[..], shown.to_string(), cx.now.0],
        )?;
        Ok(shown)
    }

    fn counted(&self) -> Counted<'_> {
        self.command.counted()
    }

    // A webhook that would be asked is not asked again: what is remembered comes to no question.
    fn asks(&self) -> Asks {
        self.command.asks()
    }

    fn look(&self, tx: &mut Transaction<'_>) -> Result<Option<(ServiceSid, Event)>> {
        self.command.look(tx)
    }

    fn outlives_refusal(&self) -> bool {
        self.command.outlives_refusal()
    }
}

fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    now.0 < at.0.saturating_add(REMEMBERED)
}

fn read(answer: &str) -> Result<Value> {
    let broken = |e: serde_json::Error| Error::Store(confab_store::Error::Decode(e.to_string()));
    serde_json::from_str(answer).map_err(broken)
}

fn remembered(tx: &mut Transaction<'_>, key: &Key) -> Result<Option<(String, Timestamp)>> {
    let row = tx.first(
        "SELECT answer, created_at FROM mutation WHERE user_sid = $1 AND digest = $2",
        params![key.user.to_string(), &key.digest[..]],
    )?;
    row.map(|mut row| Ok((row.text()?, Timestamp(row.int()?))))
        .transpose()
}

/// What a change under a key was answered with in the last 24 hours.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut Transaction<'_>, key: &Key, now: Timestamp) -> Result<Option<Value>> {
    match remembered(tx, key)? {
        Some((answer, at)) if is_fresh(at, now) => read(&answer).map(Some),
        _ => Ok(None),
    }
}

/// Removes the oldest rows that are older than 24 hours, some hundreds at most: its caller repeats it while it answers
/// `true`, and others write in between.
#[derive(Clone, Copy, Debug)]
pub struct Forget;

impl Command for Forget {
    /// Whether there may be more.
    type Output = bool;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<bool> {
        let rows = tx.query(
            "SELECT id, created_at FROM mutation WHERE id > 0 ORDER BY id LIMIT $1",
            params![STEP],
        )?;
        let (all, mut old) = (rows.len(), 0);
        let mut last = None;
        for mut row in rows {
            let (id, at) = (row.int()?, Timestamp(row.int()?));
            if is_fresh(at, cx.now) {
                break;
            }
            (last, old) = (Some(id), old + 1);
        }
        if let Some(last) = last {
            tx.exec("DELETE FROM mutation WHERE id <= $1", params![last])?;
        }
        Ok(old == all && i64::try_from(all) == Ok(STEP))
    }
}

/// Removes what a user's changes were answered with.
pub(crate) fn remove_of_user(tx: &mut Transaction<'_>, user: UserSid) -> Result<()> {
    tx.push(
        "DELETE FROM mutation WHERE user_sid = $1",
        params![user.to_string()],
    )?;
    Ok(())
}
