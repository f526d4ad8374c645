//! Who outside chat gets a message, and from which number.

use super::group::{Group, addressed};
use super::row::Participant;
use crate::conversation::Conversation;
use crate::error::Error;
use crate::{Actor, Cx, Result, Transaction};

/// A message's way to one participant.
pub(crate) struct Delivery {
    /// Who gets it.
    pub(crate) to: Participant,
    /// The account's number that it comes from; none when the group has no number that could send it.
    pub(crate) from: Option<String>,
    /// The other numbers of a group message.
    pub(crate) others: Vec<String>,
}

/// Who sends to the phones of a group.
enum Sender {
    /// The number of a participant.
    Number(String),
    /// A phone of the group itself: its network has brought the message to the others.
    Phone,
    /// Nobody can.
    Nobody,
}

/// Everybody outside chat but the writer: one behind a number gets the message from that number (B-238), a phone of a
/// group from the number that stands for the writer (B-217).
///
/// # Errors
/// 400/50513 for a caller who writes in a group without being a member of it (B-218), 409/50435 where no number of
/// the account could send to the phones (B-216).
pub(crate) fn deliveries(
    tx: &mut Transaction<'_>,
    cx: &Cx<'_>,
    conversation: &Conversation,
    writer: Option<&Participant>,
) -> Result<Vec<Delivery>> {
    let members = addressed(tx, conversation.sid)?;
    let group = Group::of(&members);
    let sender = if group.has_native() {
        sender(cx, &group, &members, writer)?
    } else {
        Sender::Nobody
    };
    let reached = members
        .iter()
        .filter(|p| p.is_non_chat() && writer.is_none_or(|w| w.sid != p.sid));
    let mut found = Vec::new();
    for to in reached {
        let (from, others) = match (&to.proxy_address, &sender) {
            (Some(proxy), _) => (Some(proxy.clone()), Vec::new()),
            (None, Sender::Number(from)) => {
                let others = group.others(from, to.address.as_deref().unwrap_or(""));
                (Some(from.clone()), others)
            }
            (None, Sender::Nobody) => (None, Vec::new()),
            (None, Sender::Phone) => continue,
        };
        found.push(Delivery {
            to: to.clone(),
            from,
            others,
        });
    }
    Ok(found)
}

fn sender(
    cx: &Cx<'_>,
    group: &Group<'_>,
    members: &[Participant],
    writer: Option<&Participant>,
) -> Result<Sender> {
    if let Some(number) = writer.and_then(|w| w.projected_address.clone()) {
        return Ok(Sender::Number(number));
    }
    if matches!(cx.actor, Actor::Rest | Actor::Client(_)) {
        return Err(Error::code(if group.has_projected() { 50513 } else { 50435 }));
    }
    if writer.is_some_and(Participant::is_native) {
        return Ok(Sender::Phone);
    }
    // What came in for the conversation is not refused. A number that stands for somebody must not speak for another.
    let nobodys = members.iter().filter(|p| p.identity.is_none());
    let number = nobodys.filter_map(|p| p.projected_address.clone()).next();
    Ok(number.map_or(Sender::Nobody, Sender::Number))
}
