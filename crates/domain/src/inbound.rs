//! Messages that come in from carriers (rest.md: Inbound Handling, B-301, B-329).

use crate::{Command, Cx, Result, Transaction, message, participant};

/// Puts an inbound message into the open conversation that its number pair belongs to, one of a group into that of
/// all its numbers (B-223); `others` are those besides sender and recipient. One that belongs nowhere goes nowhere
/// yet: the ordinary messaging webhook and autocreation are not built.
///
/// # Errors
/// As posting a message.
pub(crate) fn deliver(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    from: &str,
    to: &str,
    others: &[String],
    body: &str,
) -> Result<()> {
    let of_pair = if others.is_empty() {
        participant::by_pair(tx, from, to)?
    } else {
        None
    };
    let writer = match of_pair {
        Some(writer) => Some(writer),
        None => participant::by_numbers(tx, from, to, others)?,
    };
    let Some(writer) = writer else {
        return Ok(());
    };
    message::Create {
        service: writer.service,
        conversation: writer.conversation.to_string(),
        author: Some(from.to_owned()),
        body: Some(body.to_owned()),
        subject: None,
        attributes: None,
        content: crate::content::Reference::default(),
        created_at: None,
        updated_at: None,
    }
    .apply(tx, cx)?;
    Ok(())
}
