//! Removing a conversation with all that is in it.

use confab_store::params;
use confab_types::{ConversationSid, ServiceSid};

use super::{Conversation, hold, lock, timers};
use crate::event::Event;
use crate::hook::{self, Asks, Occurrence, Verb};
use crate::role::{self, Permission};
use crate::{
    Change, Command, Counted, Cx, Effect, Result, Stream, Transaction, job, media, participant, webhook,
};

/// Removes a conversation with all that is in it (B-132); works in every state but the initializing one (B-113,
/// B-141).
#[derive(Clone, Debug)]
pub struct Delete {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name.
    pub key: String,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let found = hold(tx, self.service, &self.key, 20404)?;
        if let Some(client) = cx.actor.client().cloned() {
            let me = participant::of_client(tx, &found, &client)?;
            role::require(tx, &cx.actor, Some(&me), &[Permission::DeleteConversation])?;
        }
        remove(tx, cx, &found)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Service(self.service)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::ConversationRemove)
    }
}

/// Removes the row and its participants at once, so that it is gone for every caller and its number pairs are free;
/// messages and receipts, which nothing can reach any more, go in small steps behind it: one transaction over a
/// million rows would keep all other writers waiting.
///
/// So no caller ever meets a conversation of which a part is gone already, and 50334 (B-133) is never answered: a
/// change that waits for this transaction, or comes after it while the steps still run, finds no conversation and
/// gets the 404 that it would get a moment later as well.
pub(crate) fn remove(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, found: &Conversation) -> Result<()> {
    let locked = lock(tx, found.sid, 20404)?;
    // While its webhooks are there (B-515); of its participants and messages nobody is told (B-425).
    hook::fire(tx, cx, &Occurrence::Conversation(Verb::Removed, &locked))?;
    // realtime.md §4.11: each member first loses its own entry, then the conversation goes.
    let mut members = participant::of_conversation_all(tx, locked.sid)?;
    // Users are locked in the order of their identities (docs/ARCHITECTURE.md, Order of locks).
    members.sort_by(|a, b| a.identity.cmp(&b.identity));
    for member in members {
        participant::leave_user_stream(tx, cx, &member, Change::LeftRemoved)?;
    }
    tx.push(
        "DELETE FROM participant WHERE conversation_sid = $1",
        params![locked.sid.to_string()],
    )?;
    webhook::remove_all(tx, locked.sid)?;
    tx.push(
        "DELETE FROM conversation WHERE sid = $1",
        params![locked.sid.to_string()],
    )?;
    timers::forget(tx, &locked)?;
    job::add(
        tx,
        cx,
        &job::Kind::Purge {
            conversation: locked.sid,
        },
        cx.now,
    )?;
    cx.emit(Effect::JobsWaiting);
    cx.commit(
        Stream::Conversation(locked.sid),
        locked.seq,
        vec![Change::ConversationRemoved],
    );
    Ok(())
}

/// Rows that one step of a purge removes.
const PURGE_STEP: i64 = 500;

/// One step of the clean-up behind [`remove`]; `true` when nothing is left.
#[derive(Clone, Debug)]
pub struct Purge {
    /// The conversation that was removed.
    pub conversation: ConversationSid,
}

impl Command for Purge {
    type Output = bool;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<bool> {
        let conversation = self.conversation.to_string();
        let rows = tx.query(
            "SELECT idx, sid, media FROM message WHERE conversation_sid = $1 ORDER BY idx LIMIT $2",
            params![&conversation, PURGE_STEP],
        )?;
        let mut last = None;
        let mut attached = Vec::new();
        for mut row in rows {
            last = Some(row.int()?);
            tx.push("DELETE FROM receipt WHERE message_sid = $1", params![row.text()?])?;
            attached.extend(media::read_attachments(row.opt_text()?)?);
        }
        media::remove_of_message(tx, cx, &attached)?;
        if let Some(last) = last {
            tx.push(
                "DELETE FROM message WHERE conversation_sid = $1 AND idx <= $2",
                params![&conversation, last],
            )?;
            return Ok(false);
        }
        tx.push("DELETE FROM tombstone WHERE stream = $1", params![&conversation])?;
        Ok(true)
    }
}
