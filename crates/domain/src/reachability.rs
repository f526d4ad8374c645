//! Whether users are online and can be notified (B-546…B-550), in services that show it.

use std::sync::Arc;

use confab_store::params;
use confab_types::{ServiceSid, Timestamp, UserSid};

use crate::hook::{self, Occurrence, Verb};
use crate::sync::sid;
use crate::user::{self, User};
use crate::{Change, Command, Cx, Result, Stream, Transaction, service};

/// What is shown of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reachability {
    /// Connected; none for a user who never was since reachability is on.
    pub online: Option<bool>,
    /// Has a push registration; none for a user who never had one since reachability is on.
    pub notifiable: Option<bool>,
}

/// What the service shows of a user; none while it shows nothing (B-546, B-549).
///
/// # Errors
/// The database's.
pub fn of(tx: &mut Transaction<'_>, user: &User) -> Result<Option<Reachability>> {
    let service = service::find(tx, user.service)?.filter(|s| s.reachability_enabled);
    Ok(service.map(|service| {
        let counts = |at: Timestamp| at >= service.reachability_at;
        Reachability {
            online: user.online.filter(|_| counts(user.online_at)),
            notifiable: user.notifiable.filter(|_| counts(user.notifiable_at)),
        }
    }))
}

/// A user by SID or identity with what is shown of him.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, service: ServiceSid, key: &str) -> Result<User> {
    let mut user = user::fetch(tx, service, key)?;
    user.reachability = of(tx, &user)?;
    Ok(user)
}

/// A user's first connection came, or the last one is gone for good. In a service that does not show it nothing is
/// written.
#[derive(Clone, Debug)]
pub struct Reach {
    /// The service.
    pub service: ServiceSid,
    /// The user.
    pub user: UserSid,
    /// Whether a connection is there.
    pub online: bool,
}

impl Command for Reach {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let Some(mut user) = lock(tx, self.service, self.user, |r| r.online != Some(self.online))? else {
            return Ok(());
        };
        user.online = Some(self.online);
        user.online_at = cx.now;
        tx.push(
            "UPDATE chat_user SET online = $2, online_at = $3, reachability_seq = $4 WHERE sid = $1",
            params![user.sid.to_string(), self.online, cx.now.0, user.seq],
        )?;
        tell(tx, cx, user)
    }
}

/// A user's first push registration came, or the last one is gone (B-548).
pub(crate) fn set_notifiable(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    service: ServiceSid,
    user: UserSid,
    notifiable: bool,
) -> Result<()> {
    let Some(mut user) = lock(tx, service, user, |r| r.notifiable != Some(notifiable))? else {
        return Ok(());
    };
    user.notifiable = Some(notifiable);
    user.notifiable_at = cx.now;
    tx.push(
        "UPDATE chat_user SET notifiable = $2, notifiable_at = $3, reachability_seq = $4 WHERE sid = $1",
        params![user.sid.to_string(), notifiable, cx.now.0, user.seq],
    )?;
    tell(tx, cx, user)
}

/// Takes the next count of the user's stream, if its service shows reachability and there is something to change; a
/// count is not taken for nothing, since followers of the stream wait for each.
fn lock(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    user: UserSid,
    differs: impl Fn(&Reachability) -> bool,
) -> Result<Option<User>> {
    let Some(found) = user::hold(tx, service, user)? else {
        return Ok(None);
    };
    if !of(tx, &found)?.is_some_and(|shown| differs(&shown)) {
        return Ok(None);
    }
    let seq = user::next_seq(tx, user)?;
    Ok(Some(User { seq, ..found }))
}

fn tell(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, mut user: User) -> Result<()> {
    user.reachability_seq = user.seq;
    user.reachability = of(tx, &user)?;
    hook::fire(tx, cx, &Occurrence::User(Verb::Updated, &user))?; // B-423
    let (stream, seq) = (Stream::User(user.sid), user.seq);
    cx.commit(stream, seq, vec![Change::User(Arc::new(user))]);
    Ok(())
}

/// Users that are stored as online, by SID: a server that was killed left them so.
///
/// # Errors
/// The database's.
pub fn stored_online(
    tx: &mut Transaction<'_>,
    after: Option<UserSid>,
    most: i64,
) -> Result<Vec<(ServiceSid, UserSid)>> {
    let rows = tx.query(
        "SELECT service_sid, sid FROM chat_user WHERE online = 1 AND sid > $1 ORDER BY sid LIMIT $2",
        params![after.map(|sid| sid.to_string()).unwrap_or_default(), most],
    )?;
    rows.into_iter()
        .map(|mut row| Ok((sid(&row.text()?)?, sid(&row.text()?)?)))
        .collect()
}
