//! The messages of a conversation.

use confab_store::params;
use confab_types::KeyPart;

use super::row::{Message, columns, read_bare, within};
use crate::conversation::Conversation;
use crate::list::{Bound, Listing};
use crate::{Order, Page, Result, Transaction, Window};

/// The messages of a conversation by index (B-240).
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    conversation: &Conversation,
    order: Order,
    window: &Window,
) -> Result<Page<Message>> {
    let page = Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM message WHERE conversation_sid = $1 AND idx > $2 ORDER BY idx LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM message WHERE conversation_sid = $1 AND idx < $2 ORDER BY idx DESC LIMIT $3"
        ),
        params: params![conversation.sid.to_string()].to_vec(),
        bounds: &[Bound::Int],
        edge: None,
        read: read_bare,
        key: |m| vec![KeyPart::Int(m.index)],
    }
    .page(tx, order, window)?;
    Ok(page.map(|message| within(conversation, message)))
}
