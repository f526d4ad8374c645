//! The place of a message in its conversation: the path that everything is measured by.

use confab_store::params;
use confab_types::{ConversationSid, ServiceSid};

use super::find::hold_by_sid;
use super::row::{columns, read};
use super::{Conversation, State, timers};
use crate::{Cx, Result, Transaction};

/// A place in a conversation that was taken for a message.
pub(crate) struct Place {
    /// The conversation as it is with the message.
    pub(crate) at: Conversation,
    /// Whether it was inactive until then.
    pub(crate) awakened: bool,
}

/// Takes the place of one message at the end of an open conversation: its index and count, and starts its timers
/// anew (B-123). `None` when there is no such conversation, or it is closed or initializing: the caller finds out.
///
/// One statement for an active conversation, and none of the columns that it writes is in an index: so `state` is
/// not among them. Only an inactive one, which becomes active by the message (B-114), takes a second statement.
pub(crate) fn append(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    service: ServiceSid,
    conversation: ConversationSid,
) -> Result<Option<Place>> {
    let row = tx.first(
        concat!(
            "UPDATE conversation SET seq = seq + 1, document_seq = seq + 1, next_index = next_index + 1, \
             last_message_index = next_index, last_message_at = $3, messages_count = messages_count + 1, \
             timers_from = $3 WHERE sid = $1 AND service_sid = $2 AND state = 'active' \
             AND channel_type = 'private' RETURNING ",
            columns!()
        ),
        params![conversation.to_string(), service.to_string(), cx.now.0],
    )?;
    match row {
        Some(row) => Ok(Some(Place {
            at: read(row)?,
            awakened: false,
        })),
        None => awaken(tx, cx, service, conversation),
    }
}

fn awaken(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    service: ServiceSid,
    conversation: ConversationSid,
) -> Result<Option<Place>> {
    let before = hold_by_sid(tx, conversation)?;
    let row = tx.first(
        concat!(
            // Another message may have awakened it since the first statement looked.
            "UPDATE conversation SET seq = seq + 1, document_seq = seq + 1, next_index = next_index + 1, \
             last_message_index = next_index, last_message_at = $3, messages_count = messages_count + 1, \
             timers_from = $3, state_at = CASE WHEN state = 'inactive' THEN $3 ELSE state_at END, \
             updated_at = CASE WHEN state = 'inactive' THEN $3 ELSE updated_at END, state = 'active' \
             WHERE sid = $1 AND service_sid = $2 AND (state = 'inactive' OR state = 'active') \
             AND channel_type = 'private' RETURNING ",
            columns!()
        ),
        params![conversation.to_string(), service.to_string(), cx.now.0],
    )?;
    let Some(row) = row else { return Ok(None) };
    let awake = read(row)?;
    // Its job has ended, or waits for the closing: the way into the inactive state comes before that.
    timers::schedule(tx, cx, &awake)?;
    Ok(Some(Place {
        at: awake,
        awakened: before.is_some_and(|c| c.state == State::Inactive),
    }))
}

/// As [`append`] for a public channel of Chat, which has neither states nor timers. `None` when there is no such
/// channel (any more).
pub(crate) fn append_public(
    tx: &mut Transaction<'_>,
    cx: &Cx<'_>,
    channel: ConversationSid,
) -> Result<Option<Place>> {
    let row = tx.first(
        concat!(
            "UPDATE conversation SET seq = seq + 1, document_seq = seq + 1, next_index = next_index + 1, \
             last_message_index = next_index, last_message_at = $2, messages_count = messages_count + 1 \
             WHERE sid = $1 AND channel_type = 'public' RETURNING ",
            columns!()
        ),
        params![channel.to_string(), cx.now.0],
    )?;
    let at = row.map(read).transpose()?;
    Ok(at.map(|at| Place { at, awakened: false }))
}
