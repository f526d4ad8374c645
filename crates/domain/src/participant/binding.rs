//! What ties a participant outside chat to its address.

use confab_types::{Address, ApiError, ConversationSid};

use super::by_pair;
use super::row::Participant;
use crate::conversation::Conversation;
use crate::error::Error;
use crate::{Cx, Result, Transaction, number, text};

pub(super) fn bind_pair(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &Conversation,
    new: &mut Participant,
    address: &Address,
    proxy: &Address,
) -> Result<()> {
    text::at_most(address.as_str(), cx.limits.identity_chars, 50407)?;
    text::at_most(proxy.as_str(), cx.limits.identity_chars, 50408)?;
    if conversation.messaging_service.is_none() {
        return Err(Error::code(50373));
    }
    if conversation.non_chat_count >= cx.limits.non_chat_participants {
        return Err(Error::code(50418));
    }
    if number::owner(tx, address)?.is_some() {
        return Err(Error::code(50407));
    }
    number::require(tx, cx, conversation.account, proxy)?;
    if let Some(other) = by_pair(tx, address.as_str(), proxy.as_str())? {
        return Err(pair_taken(other.conversation));
    }
    new.address = Some(address.to_string());
    new.proxy_address = Some(proxy.to_string());
    Ok(())
}

fn pair_taken(conversation: ConversationSid) -> Error {
    ApiError::new(50416)
        .message(format!(
            "A binding for this participant and proxy address already exists in Conversation {conversation}"
        ))
        .into()
}

/// Another proxy address, or none (B-183, B-184).
pub(super) fn rebind(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &Conversation,
    changed: &mut Participant,
    proxy: &str,
) -> Result<()> {
    if proxy == "null" {
        if changed.proxy_address.is_none() {
            return Err(Error::code(50440));
        }
        // Without a proxy the participant would be a native member of a group text, which is not built yet.
        return Err(Error::code(50452));
    }
    let Some(address) = changed.address.as_deref().and_then(Address::parse) else {
        return Err(Error::code(50441));
    };
    let proxy = Address::parse(proxy).ok_or_else(|| Error::code(50408))?;
    if address.channel() != proxy.channel() {
        return Err(Error::code(50414));
    }
    if address == proxy {
        return Err(Error::code(50409));
    }
    number::require(tx, cx, conversation.account, &proxy)?;
    match by_pair(tx, address.as_str(), proxy.as_str())? {
        Some(other) if other.sid != changed.sid => Err(pair_taken(other.conversation)),
        _ => {
            changed.proxy_address = Some(proxy.to_string());
            Ok(())
        }
    }
}
