//! Messages that come in from carriers (rest.md: Inbound Handling, B-301, B-329).

use crate::{Command, Cx, Result, Transaction, message, participant};

/// Puts an inbound message into the open conversation that its number pair belongs to. One of an unbound pair goes
/// nowhere yet: the ordinary messaging webhook and autocreation are not built.
///
/// # Errors
/// As posting a message.
pub(crate) fn deliver(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    from: &str,
    to: &str,
    body: &str,
) -> Result<()> {
    let Some(writer) = participant::by_pair(tx, from, to)? else {
        return Ok(());
    };
    message::Create {
        service: writer.service,
        conversation: writer.conversation.to_string(),
        author: Some(from.to_owned()),
        body: Some(body.to_owned()),
        subject: None,
        attributes: None,
        created_at: None,
        updated_at: None,
    }
    .apply(tx, cx)?;
    Ok(())
}
