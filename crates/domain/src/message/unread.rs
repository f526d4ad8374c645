//! What somebody has not read.

use confab_store::params;

use crate::conversation::Conversation;
use crate::{Result, Transaction};

/// More unread messages are not counted.
const MOST_UNREAD: i64 = 1000;

/// How many messages of a conversation follow an index, at most 1000 (B-575). Rows are counted only where messages
/// were removed.
///
/// # Errors
/// The database's.
pub fn unread(tx: &mut Transaction<'_>, conversation: &Conversation, index: i64) -> Result<i64> {
    let behind = (conversation.next_index - 1).saturating_sub(index).max(0);
    if behind == 0 || conversation.messages_count == conversation.next_index {
        return Ok(behind.min(MOST_UNREAD));
    }
    let row = tx.first(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT 1 AS one FROM message \
         WHERE conversation_sid = $1 AND idx > $2 LIMIT $3) AS unread",
        params![conversation.sid.to_string(), index, MOST_UNREAD],
    )?;
    Ok(row.map_or(Ok(0), |mut r| r.int())?)
}
