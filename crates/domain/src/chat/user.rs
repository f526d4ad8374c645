//! Users as Chat shows them (rest.md §5.4): with the number of their channels.

use std::collections::BTreeMap;

use confab_store::params;
use confab_types::{ServiceSid, UserSid};

use crate::sync::sid;
use crate::user::{self, User};
use crate::{Page, Result, Transaction, Window};

/// The users of a service, oldest first, each with the number of channels that he is a member of.
///
/// # Errors
/// The database's.
pub fn list(tx: &mut Transaction<'_>, service: ServiceSid, window: &Window) -> Result<Page<(User, i64)>> {
    let page = user::list(tx, service, window)?;
    let counts = match (page.items.first(), page.items.last()) {
        (Some(first), Some(last)) => joined(tx, service, first.sid, last.sid)?,
        _ => BTreeMap::new(),
    };
    Ok(page.map(|user| {
        let count = counts.get(&user.sid).copied().unwrap_or(0);
        (user, count)
    }))
}

/// How many channels each of the users from one SID to another is in.
fn joined(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    first: UserSid,
    last: UserSid,
) -> Result<BTreeMap<UserSid, i64>> {
    let rows = tx.query(
        "SELECT u.sid, CAST((SELECT COUNT(*) FROM participant p WHERE p.user_sid = u.sid) \
         + (SELECT COUNT(*) FROM participant p WHERE p.service_sid = u.service_sid \
         AND p.identity = u.identity AND p.user_sid IS NULL) AS BIGINT) \
         FROM chat_user u WHERE u.service_sid = $1 AND u.sid >= $2 AND u.sid <= $3 ORDER BY u.sid",
        params![service.to_string(), first.to_string(), last.to_string()],
    )?;
    rows.into_iter()
        .map(|mut row| Ok((sid(&row.text()?)?, row.int()?)))
        .collect()
}
