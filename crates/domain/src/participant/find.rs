//! Looking up one participant.

use confab_store::params;
use confab_types::{ConversationSid, ParticipantSid, Sid};

use super::row::{Participant, columns, read};
use crate::conversation::Conversation;
use crate::error::Error;
use crate::{Client, Result, Transaction};

/// A participant of a conversation by SID or identity (B-176); `None` when there is none.
///
/// # Errors
/// The database's.
pub fn find(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    key: &str,
) -> Result<Option<Participant>> {
    match ParticipantSid::parse(key) {
        Some(participant) => {
            let row = tx.first(
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM participant WHERE sid = $1 AND conversation_sid = $2"
                ),
                params![participant.to_string(), conversation.to_string()],
            )?;
            row.map(read).transpose()
        }
        None => by_identity(tx, conversation, key),
    }
}

/// As [`find`].
///
/// # Errors
/// 404/50432 (B-177), or the database's.
pub fn fetch(tx: &mut Transaction<'_>, conversation: ConversationSid, key: &str) -> Result<Participant> {
    find(tx, conversation, key)?.ok_or_else(|| Error::code(50432))
}

/// A participant by identity.
///
/// # Errors
/// The database's.
pub fn by_identity(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    identity: &str,
) -> Result<Option<Participant>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND identity = $2"
        ),
        params![conversation.to_string(), identity],
    )?;
    row.map(read).transpose()
}

/// The participant whose identity, address or projected address an author is (B-219, B-234).
pub(crate) fn by_author(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    author: &str,
) -> Result<Option<Participant>> {
    if let Some(found) = by_identity(tx, conversation, author)? {
        return Ok(Some(found));
    }
    if let Some(found) = by_address(tx, conversation, author)? {
        return Ok(Some(found));
    }
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND projected_address = $2 \
             AND (address IS NOT NULL OR projected_address IS NOT NULL)"
        ),
        params![conversation.to_string(), author],
    )?;
    row.map(read).transpose()
}

/// The participant with an address.
pub(crate) fn by_address(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    address: &str,
) -> Result<Option<Participant>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND address = $2 \
             AND (address IS NOT NULL OR projected_address IS NOT NULL) ORDER BY sid"
        ),
        params![conversation.to_string(), address],
    )?;
    row.map(read).transpose()
}

/// The participant that a client is in a conversation.
///
/// # Errors
/// 403/50430 when he is none (B-711).
pub fn of_client(
    tx: &mut Transaction<'_>,
    conversation: &Conversation,
    client: &Client,
) -> Result<Participant> {
    of_client_if(tx, conversation.sid, client)?.ok_or_else(|| Error::code(50430))
}

/// As [`of_client`]; `None` when he is none. A connection may outlive its user: another user of the same identity is
/// not the one who was let in.
///
/// # Errors
/// The database's.
pub fn of_client_if(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    client: &Client,
) -> Result<Option<Participant>> {
    Ok(by_identity(tx, conversation, &client.identity)?.filter(|p| p.user == Some(client.user)))
}

/// The participant of an open conversation that a number pair belongs to (B-301).
pub(crate) fn by_pair(
    tx: &mut Transaction<'_>,
    address: &str,
    proxy_address: &str,
) -> Result<Option<Participant>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE address = $1 AND proxy_address = $2 AND open = 1"
        ),
        params![address, proxy_address],
    )?;
    row.map(read).transpose()
}
