//! Who is behind a participant.

use std::collections::BTreeSet;
use std::sync::Arc;

use confab_store::params;

use super::binding::NONE;
use super::by_identity;
use super::remove::{leave_roster, leave_user_stream};
use super::row::Participant;
use crate::conversation::{self, Conversation};
use crate::error::Error;
use crate::{Change, Cx, Result, Stream, Transaction, user};

/// Makes a user, new or known, the one behind a participant.
pub(super) fn join_user(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    who: &mut Participant,
    identity: &str,
) -> Result<()> {
    user::check_identity(cx, identity)?;
    if by_identity(tx, who.conversation, identity)?.is_some() {
        return Err(Error::code(50433));
    }
    let user = user::ensure(tx, cx, who.account, who.service, identity, None)?;
    // The count locks the user's row; who was deleted since the look-up is made anew by another run (B-544).
    who.user_seq = user::next_seq(tx, user.sid).map_err(user::retry_if_gone)?;
    let row = tx.first(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT 1 AS one FROM participant \
         WHERE user_sid = $1 AND open = 1 LIMIT $2) AS joined",
        params![user.sid.to_string(), cx.limits.conversations_per_identity],
    )?;
    if row.map_or(Ok(0), |mut r| r.int())? >= cx.limits.conversations_per_identity {
        return Err(Error::code(50214));
    }
    who.user = Some(user.sid);
    who.identity = Some(identity.to_owned());
    who.user_created_seq = who.user_seq;
    Ok(())
}

/// Names the identity of a new member of a public channel. The user is made if it is missing, and is not tied to the
/// member: nothing of the channel is to show to his clients (B-832).
pub(super) fn name_member(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    who: &mut Participant,
    identity: &str,
) -> Result<()> {
    user::check_identity(cx, identity)?;
    if by_identity(tx, who.conversation, identity)?.is_some() {
        return Err(Error::code(50433));
    }
    user::ensure(tx, cx, who.account, who.service, identity, None)?;
    // Locked, so that he is not deleted before his membership is there to be deleted with him.
    if user::hold_identity(tx, who.service, identity)?.is_none() {
        return Err(confab_store::Error::Retry("the user was just deleted".into()).into());
    }
    who.identity = Some(identity.to_owned());
    Ok(())
}

/// Whether an update puts another person behind a participant, which only one with a projected address allows
/// (B-220, B-221).
pub(super) fn is_replaced(target: &Participant, identity: Option<&str>) -> Result<bool> {
    let Some(identity) = identity else {
        return Ok(false);
    };
    if target.identity.as_deref() == Some(identity) {
        return Ok(false);
    }
    match (&target.projected_address, &target.identity) {
        (Some(_), None) if identity == NONE => Err(Error::code(50211)),
        (Some(_), _) => Ok(true),
        (None, Some(_)) => Err(Error::code(50444)),
        (None, None) => Err(Error::code(50211)),
    }
}

/// Puts another person, or nobody, behind a projected address; the number stays for the other side. Clients never
/// change the identity of a participant that they know, so for them one leaves and another one comes.
pub(super) fn replace(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    locked: Conversation,
    changed: &mut Participant,
    identity: &str,
) -> Result<Conversation> {
    lock_both(tx, cx, changed, identity)?;
    leave_user_stream(tx, cx, changed, Change::Left)?;
    leave_roster(tx, cx, changed, locked.seq)?;
    let locked = conversation::lock_open(tx, locked.sid, 50350)?;
    changed.seq = locked.seq;
    changed.created_seq = locked.seq;
    // The next one has read nothing yet.
    (changed.last_read_index, changed.last_read_at) = (None, None);
    "default".clone_into(&mut changed.notification_level);
    (changed.user, changed.identity) = (None, None);
    (changed.user_seq, changed.user_created_seq) = (0, 0);
    if identity != NONE {
        join_user(tx, cx, changed, identity)?;
    }
    Ok(locked)
}

/// Locks the user who goes and the one who comes, in the order of their identities: at the same time others may change
/// places the other way round (docs/ARCHITECTURE.md, Order of locks).
fn lock_both(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, leaves: &Participant, comes: &str) -> Result<()> {
    let Some(leaving) = leaves.identity.as_deref().filter(|_| comes != NONE) else {
        return Ok(());
    };
    let (account, service) = (leaves.account, leaves.service);
    user::check_identity(cx, comes)?;
    if leaving < comes {
        user::hold_identity(tx, service, leaving)?;
    }
    user::ensure_all(tx, cx, account, service, &BTreeSet::from([comes]))?;
    if leaving > comes {
        user::hold_identity(tx, service, leaving)?;
    }
    Ok(())
}

/// Tells followers of a participant that [`replace`] has changed, with all else that the same update did.
pub(super) fn announce(cx: &mut Cx<'_>, changed: &Participant) {
    let shared = Arc::new(changed.clone());
    cx.commit(
        Stream::Conversation(changed.conversation),
        changed.seq,
        vec![Change::ParticipantAdded(Arc::clone(&shared))],
    );
    if let Some(user) = changed.user {
        cx.commit(Stream::User(user), changed.user_seq, vec![Change::Joined(shared)]);
    }
}
