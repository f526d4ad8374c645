//! Messaging services: what a conversation sends through.

use confab_store::params;
use confab_types::{AccountSid, MessagingServiceSid, Sid as _};

use crate::error::Error;
use crate::{Cx, Result, Transaction};

/// Makes a messaging service.
pub(crate) fn insert(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    account: AccountSid,
    friendly_name: &str,
) -> Result<MessagingServiceSid> {
    let sid: MessagingServiceSid = cx.sid();
    tx.push(
        "INSERT INTO messaging_service (sid, account_sid, friendly_name, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $4)",
        params![sid.to_string(), account.to_string(), friendly_name, cx.now.0],
    )?;
    Ok(sid)
}

/// Whether an account has a messaging service.
pub(crate) fn exists(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    service: MessagingServiceSid,
) -> Result<bool> {
    let row = tx.first(
        "SELECT sid FROM messaging_service WHERE sid = $1 AND account_sid = $2",
        params![service.to_string(), account.to_string()],
    )?;
    Ok(row.is_some())
}

/// The messaging service of an account that a parameter names; `None` for an empty one, which names none.
///
/// # Errors
/// 50341 for what is no SID, 50342 for one that the account does not have; or the database's.
pub(crate) fn named(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    text: &str,
) -> Result<Option<MessagingServiceSid>> {
    if text.is_empty() {
        return Ok(None);
    }
    let named = MessagingServiceSid::parse(text).ok_or_else(|| Error::code(50341))?;
    if !exists(tx, account, named)? {
        return Err(Error::code(50342));
    }
    Ok(Some(named))
}
