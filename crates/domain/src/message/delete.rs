//! Removing one.

use std::sync::Arc;

use confab_store::params;
use confab_types::{ServiceSid, Timestamp};

use super::fetch;
use crate::event::Event;
use crate::hook::{self, Asks, Occurrence, Verb};
use crate::role::{self, Permission};
use crate::sync::{self, Tombstone};
use crate::{Change, Command, Counted, Cx, Result, Stream, Transaction, conversation, media, participant};

/// Removes a message with its media and receipts; indexes of others stay (B-232, B-242).
#[derive(Clone, Debug)]
pub struct Delete {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// SID of the message.
    pub key: String,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
        if let Some(client) = cx.actor.client().cloned() {
            let me = participant::of_client(tx, &found, &client)?;
            let own = fetch(tx, &found, &self.key)?.author == client.identity;
            let needed: &[Permission] = if own {
                &[Permission::DeleteOwnMessage, Permission::DeleteAnyMessage]
            } else {
                &[Permission::DeleteAnyMessage]
            };
            role::require(tx, &cx.actor, Some(&me), needed)?;
        }
        fetch(tx, &found, &self.key)?;
        let mut locked = conversation::lock_open(tx, found.sid, 50350)?;
        let message = fetch(tx, &locked, &self.key)?;
        tx.push(
            "DELETE FROM message WHERE conversation_sid = $1 AND idx = $2",
            params![locked.sid.to_string(), message.index],
        )?;
        tx.push(
            "DELETE FROM receipt WHERE message_sid = $1",
            params![message.sid.to_string()],
        )?;
        media::remove_of_message(tx, cx, &message.media)?;
        let stone = Tombstone {
            seq: locked.seq,
            created_seq: message.created_seq,
            item: message.index.to_string(),
            data: sync::removed_message(&message),
            removed_at: cx.now,
        };
        sync::bury(tx, &locked.sid.to_string(), sync::MESSAGE, &stone)?;
        locked.messages_count -= 1;
        let mut changes = vec![Change::MessageRemoved(Arc::new(stone))];
        if locked.last_message_index == Some(message.index) {
            let row = tx.first(
                "SELECT idx, created_at FROM message WHERE conversation_sid = $1 ORDER BY idx DESC LIMIT 1",
                params![locked.sid.to_string()],
            )?;
            (locked.last_message_index, locked.last_message_at) = match row {
                Some(mut row) => (Some(row.int()?), Some(Timestamp(row.int()?))),
                None => (None, None),
            };
            locked.document_seq = locked.seq;
            changes.push(Change::Conversation(Arc::new(locked.clone())));
        }
        tx.push(
            "UPDATE conversation SET messages_count = $2, last_message_index = $3, last_message_at = $4, \
             document_seq = $5 WHERE sid = $1",
            params![
                locked.sid.to_string(),
                locked.messages_count,
                locked.last_message_index,
                locked.last_message_at.map(|t| t.0),
                locked.document_seq
            ],
        )?;
        cx.commit(Stream::Conversation(locked.sid), locked.seq, changes);
        hook::fire(tx, cx, &Occurrence::Message(Verb::Removed, &message, &locked))
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.conversation)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::MessageRemove)
    }
}
