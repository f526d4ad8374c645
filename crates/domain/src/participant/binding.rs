//! What ties a participant to its address, and what belongs to whom.

use confab_types::{Address, ApiError, Channel, ConversationSid};

use super::kind::{fitting_proxy, projectable, without_proxy};
use super::row::Participant;
use super::{by_pair, group};
use crate::conversation::Conversation;
use crate::error::Error;
use crate::{Cx, Result, Transaction, number, text};

/// The word by which an update takes a value away (B-184).
pub(super) const NONE: &str = "null";

/// What every participant outside chat must fulfil (B-169, B-173, B-178).
fn check_outside(
    tx: &mut Transaction<'_>,
    cx: &Cx<'_>,
    conversation: &Conversation,
    address: &Address,
) -> Result<()> {
    text::at_most(address.as_str(), cx.limits.identity_chars, 50407)?;
    if conversation.messaging_service.is_none() {
        return Err(Error::code(50373));
    }
    if conversation.non_chat_count >= cx.limits.non_chat_participants {
        return Err(Error::code(50418));
    }
    if number::owner(tx, address)?.is_some() {
        return Err(Error::code(50407));
    }
    Ok(())
}

/// A person behind a number of the account.
pub(super) fn bind_pair(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &Conversation,
    new: &mut Participant,
    address: &Address,
    proxy: &Address,
) -> Result<()> {
    text::at_most(proxy.as_str(), cx.limits.identity_chars, 50408)?;
    check_outside(tx, cx, conversation, address)?;
    new.address = Some(address.to_string());
    put_behind(tx, cx, conversation, new, address, proxy)
}

/// Puts a person behind a number of the account: a pair belongs to one open conversation (B-170).
fn put_behind(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &Conversation,
    who: &mut Participant,
    address: &Address,
    proxy: &Address,
) -> Result<()> {
    let unowned = if proxy.channel() == Channel::WhatsApp {
        50415
    } else {
        50413
    };
    number::require(tx, cx, conversation.account, proxy, (50413, unowned))?;
    match by_pair(tx, address.as_str(), proxy.as_str())? {
        Some(other) if other.sid != who.sid => Err(pair_taken(other.conversation)),
        _ => {
            who.proxy_address = Some(proxy.to_string());
            Ok(())
        }
    }
}

fn pair_taken(conversation: ConversationSid) -> Error {
    ApiError::new(50416)
        .message(format!(
            "A binding for this participant and proxy address already exists in Conversation {conversation}"
        ))
        .into()
}

/// A phone of a group text.
pub(super) fn bind_native(
    tx: &mut Transaction<'_>,
    cx: &Cx<'_>,
    conversation: &Conversation,
    new: &mut Participant,
    address: &Address,
) -> Result<()> {
    check_outside(tx, cx, conversation, address)?;
    group::admit(tx, cx, new, address)?;
    new.address = Some(address.to_string());
    Ok(())
}

/// A number of the account that phones of a group text see instead of a participant (B-213).
pub(super) fn project(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &Conversation,
    who: &mut Participant,
    projected: &Address,
) -> Result<()> {
    if conversation.messaging_service.is_none() {
        return Err(Error::code(50373));
    }
    // Before the number is claimed: it may be that of a phone in the group.
    group::admit(tx, cx, who, projected)?;
    number::require(tx, cx, conversation.account, projected, (50439, 50439))?;
    who.projected_address = Some(projected.to_string());
    Ok(())
}

/// Another proxy address, or none (B-183, B-184).
pub(super) fn change_proxy(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &Conversation,
    changed: &mut Participant,
    proxy: &str,
) -> Result<()> {
    let address = changed.address.as_deref().and_then(Address::parse);
    if proxy == NONE {
        let address = address.filter(|_| changed.proxy_address.is_some());
        let address = address.ok_or_else(|| Error::code(50440))?;
        without_proxy(&address)?;
        group::admit(tx, cx, changed, &address)?;
        changed.proxy_address = None;
        return Ok(());
    }
    let address = address.ok_or_else(|| Error::code(50441))?;
    let proxy = fitting_proxy(&address, proxy)?;
    text::at_most(proxy.as_str(), cx.limits.identity_chars, 50408)?;
    put_behind(tx, cx, conversation, changed, &address, &proxy)
}

/// Another projected address, or none (B-184).
pub(super) fn change_projected(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &Conversation,
    changed: &mut Participant,
    projected: &str,
) -> Result<()> {
    if projected == NONE {
        // Without its number nothing would be left of one that nobody is behind.
        if changed.projected_address.is_none() || changed.identity.is_none() {
            return Err(Error::code(50442));
        }
        changed.projected_address = None;
        return Ok(());
    }
    if changed.address.is_some() {
        return Err(Error::code(50443));
    }
    let projected = projectable(projected)?;
    project(tx, cx, conversation, changed, &projected)
}
