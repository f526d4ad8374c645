//! Looking a conversation up, to read it or to change it.

use std::collections::BTreeSet;

use confab_store::params;
use confab_types::{ConversationSid, ServiceSid, Sid};

use super::row::{columns, read};
use super::{Conversation, State};
use crate::error::Error;
use crate::{Result, Transaction};

/// A conversation of a service by SID or unique name (B-105); `None` when there is none.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut Transaction<'_>, service: ServiceSid, key: &str) -> Result<Option<Conversation>> {
    let row = match ConversationSid::parse(key) {
        Some(conversation) => tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE sid = $1 AND service_sid = $2 AND channel_type = 'private'"
            ),
            params![conversation.to_string(), service.to_string()],
        )?,
        None => tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE service_sid = $1 AND unique_name = $2 AND channel_type = 'private'"
            ),
            params![service.to_string(), key],
        )?,
    };
    row.map(read).transpose()
}

/// As [`find`] for Chat, which also sees public channels (B-831).
///
/// # Errors
/// The database's.
pub fn find_channel(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    key: &str,
) -> Result<Option<Conversation>> {
    let row = match ConversationSid::parse(key) {
        Some(conversation) => tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE sid = $1 AND service_sid = $2"
            ),
            params![conversation.to_string(), service.to_string()],
        )?,
        None => tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE service_sid = $1 AND unique_name = $2"
            ),
            params![service.to_string(), key],
        )?,
    };
    row.map(read).transpose()
}

/// As [`find_channel`] with the row locked until the commit.
///
/// # Errors
/// `missing`, or the database's.
pub(crate) fn hold_channel(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    key: &str,
    missing: u32,
) -> Result<Conversation> {
    let found = find_channel(tx, service, key)?;
    let held = found.map(|f| hold_by_sid(tx, f.sid)).transpose()?.flatten();
    held.ok_or_else(|| Error::code(missing))
}

/// As [`find`] for a caller who changes something of it or in it: the row is locked until the commit, so who may do
/// what in it does not change any more. A command checks permissions after this, or a member could still write while
/// his removal is being answered.
///
/// A conversation that is being removed is never found here half gone: see [`super::remove`].
///
/// # Errors
/// `missing`; 50386 while it is initializing (B-141): nothing in it can be changed then, whatever the caller means.
pub(crate) fn hold(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    key: &str,
    missing: u32,
) -> Result<Conversation> {
    let row = match ConversationSid::parse(key) {
        Some(conversation) => tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE sid = $1 AND service_sid = $2 AND channel_type = 'private' {for_update}"
            ),
            params![conversation.to_string(), service.to_string()],
        )?,
        None => tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE service_sid = $1 AND unique_name = $2 AND channel_type = 'private' \
                 {for_update}"
            ),
            params![service.to_string(), key],
        )?,
    };
    let found = row.map(read).transpose()?.ok_or_else(|| Error::code(missing))?;
    if found.state == State::Initializing {
        return Err(Error::code(50386));
    }
    Ok(found)
}

/// As [`by_sid`] with the row locked until the commit: for jobs, which look before they take a count.
pub(crate) fn hold_by_sid(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
) -> Result<Option<Conversation>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM conversation WHERE sid = $1 {for_update}"
        ),
        params![conversation.to_string()],
    )?;
    row.map(read).transpose()
}

/// Locks conversations in the order of their SIDs, which every transaction keeps that changes several
/// (docs/ARCHITECTURE.md, Order of locks). Those that are gone are passed over.
pub(crate) fn hold_all(tx: &mut Transaction<'_>, conversations: &BTreeSet<ConversationSid>) -> Result<()> {
    for &conversation in conversations {
        hold_by_sid(tx, conversation)?;
    }
    Ok(())
}

/// A conversation that is itself what the path names.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, service: ServiceSid, key: &str) -> Result<Conversation> {
    find(tx, service, key)?.ok_or_else(|| Error::code(20404))
}

/// A conversation as the parent of what the path names.
///
/// # Errors
/// 404/50350, or the database's.
pub fn parent(tx: &mut Transaction<'_>, service: ServiceSid, key: &str) -> Result<Conversation> {
    find(tx, service, key)?.ok_or_else(|| Error::code(50350))
}

/// A conversation by SID alone: for jobs and carriers, which found the SID in a row.
///
/// # Errors
/// The database's.
pub fn by_sid(tx: &mut Transaction<'_>, conversation: ConversationSid) -> Result<Option<Conversation>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM conversation WHERE sid = $1 AND channel_type = 'private'"
        ),
        params![conversation.to_string()],
    )?;
    row.map(read).transpose()
}

/// Locks a conversation's row, takes the next count and gives the row as it is then; counts of one conversation are
/// so committed in their order.
///
/// # Errors
/// `missing` when it does not exist any more.
pub(crate) fn lock(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    missing: u32,
) -> Result<Conversation> {
    let row = tx.first(
        concat!(
            "UPDATE conversation SET seq = seq + 1 WHERE sid = $1 RETURNING ",
            columns!()
        ),
        params![conversation.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(missing))
}

/// As [`lock`] for a conversation that can be changed (B-111, B-112, B-141).
pub(crate) fn lock_open(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    missing: u32,
) -> Result<Conversation> {
    let locked = lock(tx, conversation, missing)?;
    locked.require_open()?;
    Ok(locked)
}

/// Whether a conversation or a public channel exists.
pub(crate) fn exists(tx: &mut Transaction<'_>, conversation: ConversationSid) -> Result<bool> {
    let row = tx.first(
        "SELECT sid FROM conversation WHERE sid = $1",
        params![conversation.to_string()],
    )?;
    Ok(row.is_some())
}
