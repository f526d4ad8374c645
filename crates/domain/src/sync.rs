//! What SDK clients follow: the five Sync entities as views of rows (realtime.md §4), and what changed in one after a
//! given event id. There is no event log: each row knows the count at which it last changed.

use confab_store::{Row, params};
use confab_types::{Sid, Timestamp};

use crate::conversation::Conversation;
use crate::error::Error;
use crate::message::{self, Message};
use crate::participant::{self, Participant};
use crate::{Order, Result, Transaction, Window};

/// Kinds of tombstones.
pub(crate) const MESSAGE: &str = "message";
pub(crate) const PARTICIPANT: &str = "participant";
pub(crate) const CONVERSATION: &str = "conversation";

/// What is left of a removed item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Count at the removal.
    pub seq: i64,
    /// Count at the item's creation.
    pub created_seq: i64,
    /// Key of the item: a SID, or the index of a message.
    pub item: String,
    /// Last data of the item without what people wrote (a removed text is gone).
    pub data: String,
    /// When it was removed.
    pub removed_at: Timestamp,
}

/// Reads a SID of a row.
pub(crate) fn sid<S: Sid>(text: &str) -> Result<S> {
    S::parse(text).ok_or_else(|| {
        Error::Store(confab_store::Error::Decode(format!(
            "{text} is no SID of the kind {}",
            S::PREFIX
        )))
    })
}

/// Reads a SID of a row that may be NULL.
pub(crate) fn opt_sid<S: Sid>(text: Option<String>) -> Result<Option<S>> {
    text.as_deref().map(sid).transpose()
}

pub(crate) fn bury(
    tx: &mut Transaction<'_>,
    stream: &str,
    kind: &'static str,
    stone: &Tombstone,
) -> Result<()> {
    tx.push(
        "INSERT INTO tombstone (stream, kind, seq, created_seq, item, data, removed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            stream,
            kind,
            stone.seq,
            stone.created_seq,
            &stone.item,
            &stone.data,
            stone.removed_at.0
        ],
    )?;
    Ok(())
}

fn stones(tx: &mut Transaction<'_>, stream: &str, kind: &'static str, after: i64) -> Result<Vec<Tombstone>> {
    // One that was made and removed after the client's last look is nothing to it (realtime.md §4.9).
    let rows = tx.query(
        "SELECT seq, created_seq, item, data, removed_at FROM tombstone \
         WHERE stream = $1 AND kind = $2 AND seq > $3 AND created_seq <= $3 ORDER BY seq",
        params![stream, kind, after],
    )?;
    let read = |mut row: Row| -> Result<Tombstone> {
        Ok(Tombstone {
            seq: row.int()?,
            created_seq: row.int()?,
            item: row.text()?,
            data: row.text()?,
            removed_at: Timestamp(row.int()?),
        })
    };
    rows.into_iter().map(read).collect()
}

pub(crate) fn removed_message(message: &Message) -> String {
    serde_json::json!({
        "sid": message.sid, "index": message.index, "author": message.author, "type": "text",
        "timestamp": message.created_at.iso_millis(), "dateUpdated": message.updated_at.iso_millis(),
        "memberSid": message.participant, "contentSid": null, "attributes": "{}"
    })
    .to_string()
}

pub(crate) fn removed_participant(participant: &Participant) -> String {
    let kind = participant.channel().map_or("chat", |c| c.name());
    let mut data = serde_json::json!({"type": kind, "attributes": "{}", "roleSid": participant.role_sid});
    if let Some(identity) = &participant.identity {
        data["identity"] = identity.as_str().into();
    }
    data.to_string()
}

pub(crate) fn left_conversation(member: &Participant) -> String {
    serde_json::json!({
        "channel": format!("{}.channel", member.conversation), "status": "joined",
        "lastConsumedMessageIndex": member.last_read_index, "notificationLevel": member.notification_level
    })
    .to_string()
}

/// What happened to one item of an entity since a client last looked.
#[derive(Clone, Debug)]
pub enum Replayed<T> {
    /// It was made since.
    Added(T),
    /// It was there and changed.
    Updated(T),
    /// It was there and is gone.
    Removed(Tombstone),
}

impl<T> Replayed<T> {
    fn of(item: T, created_seq: i64, after: i64) -> Self {
        if created_seq > after {
            Self::Added(item)
        } else {
            Self::Updated(item)
        }
    }
}

/// Newest messages that a step of the search from the end reads.
const TAIL_STEP: usize = 100;

/// What changed among the messages of a conversation after an event id, in the order of ids. Changed ones are in an
/// index; new ones are found from the end, since index and creation count grow together: the cost is that of what
/// was missed, however long the conversation is.
///
/// # Errors
/// The database's.
pub fn messages_after(
    tx: &mut Transaction<'_>,
    conversation: &Conversation,
    after: i64,
) -> Result<Vec<(i64, Replayed<Message>)>> {
    let mut out: Vec<(i64, Replayed<Message>)> = message::changed_after(tx, conversation, after)?
        .into_iter()
        .map(|m| (m.seq, Replayed::of(m.clone(), m.created_seq, after)))
        .collect();
    let mut window = Window {
        cursor: None,
        size: TAIL_STEP,
    };
    loop {
        let page = message::list(tx, conversation, Order::Descending, &window)?;
        let mut reached = false;
        for found in page.items {
            if found.created_seq <= after {
                reached = true;
                break;
            }
            // Those that also changed are in the list already, with their newer id.
            if found.seq == found.created_seq {
                out.push((found.seq, Replayed::Added(found)));
            }
        }
        match page.next {
            Some(next) if !reached => window.cursor = Some(next),
            _ => break,
        }
    }
    for stone in stones(tx, &conversation.sid.to_string(), MESSAGE, after)? {
        out.push((stone.seq, Replayed::Removed(stone)));
    }
    out.sort_by_key(|(id, _)| *id);
    Ok(out)
}

/// What changed among the participants of a conversation after an event id, in the order of ids.
///
/// # Errors
/// The database's.
pub fn participants_after(
    tx: &mut Transaction<'_>,
    conversation: &Conversation,
    after: i64,
) -> Result<Vec<(i64, Replayed<Participant>)>> {
    let mut out: Vec<(i64, Replayed<Participant>)> = participant::changes(tx, conversation.sid, after)?
        .into_iter()
        .map(|p| (p.seq, Replayed::of(p.clone(), p.created_seq, after)))
        .collect();
    for stone in stones(tx, &conversation.sid.to_string(), PARTICIPANT, after)? {
        out.push((stone.seq, Replayed::Removed(stone)));
    }
    out.sort_by_key(|(id, _)| *id);
    Ok(out)
}

/// What changed among the conversations of a user after an event id, in the order of ids.
///
/// # Errors
/// The database's.
pub fn conversations_after(
    tx: &mut Transaction<'_>,
    user: confab_types::UserSid,
    after: i64,
) -> Result<Vec<(i64, Replayed<Participant>)>> {
    let mut out: Vec<(i64, Replayed<Participant>)> = participant::user_changes(tx, user, after)?
        .into_iter()
        .map(|p| (p.user_seq, Replayed::of(p.clone(), p.user_created_seq, after)))
        .collect();
    for stone in stones(tx, &user.to_string(), CONVERSATION, after)? {
        out.push((stone.seq, Replayed::Removed(stone)));
    }
    out.sort_by_key(|(id, _)| *id);
    Ok(out)
}
