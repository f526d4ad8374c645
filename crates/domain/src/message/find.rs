//! One message, and what sync clients have not seen of them.

use confab_store::params;
use confab_types::{ConversationSid, MessageSid, Sid};

use super::row::{Message, columns, read};
use crate::conversation::Conversation;
use crate::error::Error;
use crate::{Result, Transaction};

/// A message by SID.
///
/// # Errors
/// 404/50500, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, conversation: &Conversation, key: &str) -> Result<Message> {
    let Some(sid) = MessageSid::parse(key) else {
        return Err(Error::code(50500));
    };
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM message WHERE sid = $1 AND conversation_sid = $2"
        ),
        params![sid.to_string(), conversation.sid.to_string()],
    )?;
    row.map(|r| read(conversation, r))
        .transpose()?
        .ok_or_else(|| Error::code(50500))
}

/// Messages that were changed (not made) after a count, by their count.
pub(crate) fn changed_after(
    tx: &mut Transaction<'_>,
    conversation: &Conversation,
    after: i64,
    most: i64,
) -> Result<Vec<Message>> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM message WHERE conversation_sid = $1 AND seq > $2 AND seq <> created_seq ORDER BY seq LIMIT $3"
        ),
        params![conversation.sid.to_string(), after, most],
    )?;
    rows.into_iter().map(|r| read(conversation, r)).collect()
}

/// Count at the creation of the first message at or after an index.
pub(crate) fn created_seq_from(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    index: i64,
) -> Result<Option<i64>> {
    let row = tx.first(
        "SELECT created_seq FROM message WHERE conversation_sid = $1 AND idx >= $2 ORDER BY idx LIMIT 1",
        params![conversation.to_string(), index],
    )?;
    Ok(row.map(|mut r| r.int()).transpose()?)
}
