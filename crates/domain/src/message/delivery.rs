//! What became of one on its way to phones.

use std::sync::Arc;

use confab_store::params;

use super::row::Message;
use crate::conversation::Conversation;
use crate::{Change, Cx, Result, Stream, Transaction};

/// Stores a new summary of a message's receipts and tells clients (realtime.md §4.11), of what came with it also.
pub(crate) fn set_delivery(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    locked: &Conversation,
    mut message: Message,
    summary: String,
    also: Option<Change>,
) -> Result<()> {
    message.delivery = Some(summary);
    message.seq = locked.seq;
    tx.push(
        "UPDATE message SET seq = $3, delivery = $4 WHERE conversation_sid = $1 AND idx = $2",
        params![
            locked.sid.to_string(),
            message.index,
            message.seq,
            &message.delivery
        ],
    )?;
    cx.commit(
        Stream::Conversation(locked.sid),
        locked.seq,
        std::iter::once(Change::MessageUpdated(Arc::new(message)))
            .chain(also)
            .collect(),
    );
    Ok(())
}
