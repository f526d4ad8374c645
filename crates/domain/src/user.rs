//! Users of the chat SDK: an identity in a service (rest.md §2.7).

use std::collections::BTreeSet;
use std::sync::Arc;

use confab_store::{Row, params};
use confab_types::{
    AccountSid, ApiError, ConversationSid, KeyPart, RoleSid, ServiceSid, Sid, Timestamp, UserSid,
};

use crate::error::{Error, taken};
use crate::event::Event;
use crate::hook::{self, Asks, Occurrence, Verb};
use crate::list::{Bound, Listing};
use crate::participant::Participant;
use crate::reachability::Reachability;
use crate::role::{self, DefaultRole, Permission, RoleType};
use crate::sync::sid;
use crate::{
    Change, Command, Counted, Cx, Order, Page, Result, Stream, Transaction, Window, binding, conversation,
    mutation, participant, text,
};

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    /// Its SID.
    pub sid: UserSid,
    /// Its account.
    pub account: AccountSid,
    /// Its service.
    pub service: ServiceSid,
    /// Its identity, case-sensitive (B-558), never changed.
    pub identity: String,
    /// Its name, if one was set.
    pub friendly_name: Option<String>,
    /// JSON text.
    pub attributes: String,
    /// Its role in the service.
    pub role_sid: RoleSid,
    /// Count of the changes of its stream.
    pub seq: i64,
    /// Count at the last change of the name.
    pub friendly_name_seq: i64,
    /// Count at the last change of the attributes.
    pub attributes_seq: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Whether a connection was there at the last change of that; [`crate::reachability::of`] says what is shown.
    pub online: Option<bool>,
    /// When that changed.
    pub online_at: Timestamp,
    /// Whether a push registration was there at the last change of that.
    pub notifiable: Option<bool>,
    /// When that changed.
    pub notifiable_at: Timestamp,
    /// Count at the last change of online or notifiable.
    pub reachability_seq: i64,
    /// What is shown of both, where it was read with [`crate::reachability::of`].
    pub reachability: Option<Reachability>,
}

macro_rules! columns {
    () => {
        "sid, account_sid, service_sid, identity, friendly_name, attributes, role_sid, seq, friendly_name_seq, \
         attributes_seq, created_at, updated_at, online, online_at, notifiable, notifiable_at, reachability_seq"
    };
}

fn read(mut row: Row) -> Result<User> {
    Ok(User {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        service: sid(&row.text()?)?,
        identity: row.text()?,
        friendly_name: row.opt_text()?,
        attributes: row.text()?,
        role_sid: sid(&row.text()?)?,
        seq: row.int()?,
        friendly_name_seq: row.int()?,
        attributes_seq: row.int()?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
        online: row.opt_int()?.map(|flag| flag != 0),
        online_at: Timestamp(row.int()?),
        notifiable: row.opt_int()?.map(|flag| flag != 0),
        notifiable_at: Timestamp(row.int()?),
        reachability_seq: row.int()?,
        reachability: None,
    })
}

/// A user by its SID.
///
/// # Errors
/// The database's.
pub fn by_sid(tx: &mut Transaction<'_>, service: ServiceSid, user: UserSid) -> Result<Option<User>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM chat_user WHERE sid = $1 AND service_sid = $2"
        ),
        params![user.to_string(), service.to_string()],
    )?;
    row.map(read).transpose()
}

/// As [`by_sid`], with the row locked until the commit.
pub(crate) fn hold(tx: &mut Transaction<'_>, service: ServiceSid, user: UserSid) -> Result<Option<User>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM chat_user WHERE sid = $1 AND service_sid = $2 {for_update}"
        ),
        params![user.to_string(), service.to_string()],
    )?;
    row.map(read).transpose()
}

/// As [`by_identity`], with the row locked until the commit.
pub(crate) fn hold_identity(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    identity: &str,
) -> Result<Option<User>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM chat_user WHERE service_sid = $1 AND identity = $2 {for_update}"
        ),
        params![service.to_string(), identity],
    )?;
    row.map(read).transpose()
}

/// A user by SID alone: for the server's own use, where no caller's service is to be kept apart.
///
/// # Errors
/// The database's.
pub fn by_sid_alone(tx: &mut Transaction<'_>, user: UserSid) -> Result<Option<User>> {
    let row = tx.first(
        concat!("SELECT ", columns!(), " FROM chat_user WHERE sid = $1"),
        params![user.to_string()],
    )?;
    row.map(read).transpose()
}

/// A user by its identity.
///
/// # Errors
/// The database's.
pub fn by_identity(tx: &mut Transaction<'_>, service: ServiceSid, identity: &str) -> Result<Option<User>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM chat_user WHERE service_sid = $1 AND identity = $2"
        ),
        params![service.to_string(), identity],
    )?;
    row.map(read).transpose()
}

/// A user by SID or identity, as a path names it (B-542).
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, service: ServiceSid, key: &str) -> Result<User> {
    let found = match UserSid::parse(key) {
        Some(user) => by_sid(tx, service, user)?,
        None => by_identity(tx, service, key)?,
    };
    found.ok_or_else(|| Error::code(20404))
}

/// The users of a service, oldest first.
///
/// # Errors
/// The database's.
pub fn list(tx: &mut Transaction<'_>, service: ServiceSid, window: &Window) -> Result<Page<User>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM chat_user WHERE service_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM chat_user WHERE service_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
        ),
        params: params![service.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |u| vec![KeyPart::Text(u.sid.to_string())],
    }
    .page(tx, Order::Ascending, window)
}

/// Refuses an identity that no user may have.
pub(crate) fn check_identity(cx: &Cx<'_>, identity: &str) -> Result<()> {
    text::at_most(identity, cx.limits.identity_chars, 50207)?;
    if UserSid::parse(identity).is_some() {
        return Err(Error::code(50206));
    }
    Ok(())
}

/// A new user with nothing set.
fn blank(
    cx: &mut Cx<'_>,
    account: AccountSid,
    service: ServiceSid,
    identity: &str,
    role_sid: RoleSid,
) -> User {
    User {
        sid: cx.sid(),
        account,
        service,
        identity: identity.to_owned(),
        friendly_name: None,
        attributes: "{}".into(),
        role_sid,
        seq: 0,
        friendly_name_seq: 0,
        attributes_seq: 0,
        created_at: cx.now,
        updated_at: cx.now,
        online: None,
        online_at: Timestamp(0),
        notifiable: None,
        notifiable_at: Timestamp(0),
        reachability_seq: 0,
        reachability: None,
    }
}

fn insert(tx: &mut Transaction<'_>, user: &User) -> Result<()> {
    tx.exec(
        concat!(
            "INSERT INTO chat_user (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
        ),
        params![
            user.sid.to_string(),
            user.account.to_string(),
            user.service.to_string(),
            &user.identity,
            &user.friendly_name,
            &user.attributes,
            user.role_sid.to_string(),
            user.seq,
            user.friendly_name_seq,
            user.attributes_seq,
            user.created_at.0,
            user.updated_at.0,
            user.online,
            user.online_at.0,
            user.notifiable,
            user.notifiable_at.0,
            user.reachability_seq
        ],
    )
    .map_err(|e| taken(e, ApiError::new(50201)))?;
    Ok(())
}

/// The user of an identity, made if it is missing: adding a participant and connecting a client do so (B-544).
pub(crate) fn ensure(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    account: AccountSid,
    service: ServiceSid,
    identity: &str,
    role: Option<RoleSid>,
) -> Result<User> {
    check_identity(cx, identity)?;
    if let Some(user) = by_identity(tx, service, identity)? {
        return Ok(user);
    }
    let role = match role {
        // B-677: the token's role, where it is one of the service.
        Some(role) if role::exists(tx, service, role, RoleType::Service)? => role,
        _ => role::default_of(tx, account, service, DefaultRole::Service)?,
    };
    let user = blank(cx, account, service, identity, role);
    insert(tx, &user).map_err(|error| match error {
        // Two clients of one new identity connect at the same time: the loser runs again and finds the user.
        Error::Api(api) if api.code == 50201 => {
            Error::Store(confab_store::Error::Retry("the identity was just created".into()))
        }
        other => other,
    })?;
    hook::fire(tx, cx, &Occurrence::User(Verb::Added, &user))?;
    Ok(user)
}

/// Makes sure that the user of a connecting client exists (B-701).
#[derive(Clone, Debug)]
pub struct Connect {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// The identity.
    pub identity: String,
    /// Role for a new user, from the token.
    pub role: Option<RoleSid>,
}

impl Command for Connect {
    type Output = User;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<User> {
        cx.newcomer = Some(self.identity.clone());
        ensure(tx, cx, self.account, self.service, &self.identity, self.role)
    }
}

/// Makes a user (B-541).
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// The identity.
    pub identity: String,
    /// Name; empty for none.
    pub friendly_name: Option<String>,
    /// JSON text.
    pub attributes: Option<String>,
    /// Role of the service's users by default.
    pub role: Option<String>,
}

impl Command for Create {
    type Output = User;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<User> {
        check_identity(cx, &self.identity)?;
        let name = self.friendly_name.as_deref().and_then(text::cleared);
        text::at_most(
            name.as_deref().unwrap_or(""),
            cx.limits.friendly_name_chars,
            50003,
        )?;
        let attributes = text::attributes(
            self.attributes.as_deref(),
            cx.limits.conversation_attributes_bytes,
        )?;
        let role = match service_role(tx, self.service, self.role.as_deref())? {
            Some(role) => role,
            None => role::default_of(tx, self.account, self.service, DefaultRole::Service)?,
        };
        if by_identity(tx, self.service, &self.identity)?.is_some() {
            return Err(Error::code(50201));
        }
        let mut user = blank(cx, self.account, self.service, &self.identity, role);
        user.friendly_name = name;
        user.attributes = attributes.unwrap_or(user.attributes);
        insert(tx, &user)?;
        hook::fire(tx, cx, &Occurrence::User(Verb::Added, &user))?;
        Ok(user)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Service(self.service)
    }
}

fn service_role(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    role: Option<&str>,
) -> Result<Option<RoleSid>> {
    let Some(text) = role.filter(|t| !t.is_empty()) else {
        return Ok(None);
    };
    let sid = role::parse(text, 50102)?;
    if role::exists(tx, service, sid, RoleType::Service)? {
        Ok(Some(sid))
    } else {
        Err(Error::code(50102))
    }
}

/// Changes a user; what is `None` stays.
#[derive(Clone, Debug)]
pub struct Update {
    /// The service.
    pub service: ServiceSid,
    /// SID or identity.
    pub key: String,
    /// New name; empty clears it.
    pub friendly_name: Option<String>,
    /// JSON text.
    pub attributes: Option<String>,
    /// New role.
    pub role: Option<String>,
}

impl Command for Update {
    type Output = User;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<User> {
        let mut user = fetch(tx, self.service, &self.key)?;
        if let Some(client) = cx.actor.client().cloned() {
            let own = client.user == user.sid;
            let needed: &[Permission] = if own {
                &[Permission::EditOwnUserInfo, Permission::EditAnyUserInfo]
            } else {
                &[Permission::EditAnyUserInfo]
            };
            role::require(tx, &cx.actor, None, needed)?;
        }
        if self.friendly_name.is_none() && self.attributes.is_none() && self.role.is_none() {
            hook::fire(tx, cx, &Occurrence::User(Verb::Updated, &user))?; // B-466
            return Ok(user);
        }
        // The count locks the row; what is read after it is not changed by others before the commit.
        next_seq(tx, user.sid)?;
        user = fetch(tx, self.service, &self.key)?;
        if let Some(name) = &self.friendly_name {
            text::at_most(name, cx.limits.friendly_name_chars, 50003)?;
            user.friendly_name = text::cleared(name);
            user.friendly_name_seq = user.seq;
        }
        if let Some(attributes) = text::attributes(
            self.attributes.as_deref(),
            cx.limits.conversation_attributes_bytes,
        )? {
            user.attributes = attributes;
            user.attributes_seq = user.seq;
        }
        if let Some(role) = service_role(tx, user.service, self.role.as_deref())? {
            user.role_sid = role;
        }
        user.updated_at = cx.now;
        // Columns that this command leaves are not written: another one may change them meanwhile.
        if self.friendly_name.is_some() {
            tx.push(
                "UPDATE chat_user SET friendly_name = $2, friendly_name_seq = $3 WHERE sid = $1",
                params![user.sid.to_string(), &user.friendly_name, user.seq],
            )?;
        }
        if self.attributes.is_some() {
            tx.push(
                "UPDATE chat_user SET attributes = $2, attributes_seq = $3 WHERE sid = $1",
                params![user.sid.to_string(), &user.attributes, user.seq],
            )?;
        }
        if self.role.is_some() {
            tx.push(
                "UPDATE chat_user SET role_sid = $2 WHERE sid = $1",
                params![user.sid.to_string(), user.role_sid.to_string()],
            )?;
        }
        tx.push(
            "UPDATE chat_user SET updated_at = $2 WHERE sid = $1",
            params![user.sid.to_string(), cx.now.0],
        )?;
        cx.commit(
            Stream::User(user.sid),
            user.seq,
            vec![Change::User(Arc::new(user.clone()))],
        );
        hook::fire(tx, cx, &Occurrence::User(Verb::Updated, &user))?;
        Ok(user)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Service(self.service)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::UserUpdate)
    }
}

/// Locks users of a service in the order of their identities, which every transaction keeps that changes several
/// (docs/ARCHITECTURE.md, Order of locks). Who is not there (any more) is passed over.
pub(crate) fn hold_all(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    identities: &BTreeSet<&str>,
) -> Result<()> {
    for identity in identities {
        hold_identity(tx, service, identity)?;
    }
    Ok(())
}

/// As [`hold_all`] for users who are about to be let in: those who are missing are made, each in his turn, since a
/// new row is as good as a lock to another transaction that makes the same.
pub(crate) fn ensure_all(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    account: AccountSid,
    service: ServiceSid,
    identities: &BTreeSet<&str>,
) -> Result<()> {
    for identity in identities {
        ensure(tx, cx, account, service, identity, None)?;
        if hold_identity(tx, service, identity)?.is_none() {
            // To make him later would be out of turn.
            return Err(confab_store::Error::Retry("the user was just deleted".into()).into());
        }
    }
    Ok(())
}

/// Takes the next count of a user's stream; its row is locked until the commit, so counts are committed in order.
pub(crate) fn next_seq(tx: &mut Transaction<'_>, user: UserSid) -> Result<i64> {
    let row = tx.first(
        "UPDATE chat_user SET seq = seq + 1 WHERE sid = $1 RETURNING seq",
        params![user.to_string()],
    )?;
    match row {
        Some(mut row) => Ok(row.int()?),
        // Deleted meanwhile by another transaction.
        None => Err(Error::code(20404)),
    }
}

/// What another transaction removed since it was looked up: the command runs again on what is there then.
pub(crate) fn retry_if_gone(error: Error) -> Error {
    match error {
        Error::Api(api) if api.status == 404 => {
            confab_store::Error::Retry("a row was removed meanwhile".into()).into()
        }
        other => other,
    }
}

/// Removes a user, its participants everywhere; its messages stay with their author's text (B-551).
#[derive(Clone, Debug)]
pub struct Delete {
    /// The service.
    pub service: ServiceSid,
    /// SID or identity.
    pub key: String,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let user = fetch(tx, self.service, &self.key)?;
        cx.announces = false; // B-426: nor of the conversations that he is taken out of.
        remove(tx, cx, &user)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Service(self.service)
    }
}

/// Everything that a user is in: conversations, and public channels under his identity.
fn memberships(tx: &mut Transaction<'_>, user: &User) -> Result<Vec<Participant>> {
    let mut all = participant::of_user_all(tx, user.sid)?;
    all.extend(participant::of_identity_public(tx, user.service, &user.identity)?);
    Ok(all)
}

/// Removes a user and takes him out of everything. His conversations are locked here, so the caller must not hold
/// other users yet (docs/ARCHITECTURE.md, Order of locks).
fn remove(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, user: &User) -> Result<()> {
    let held: BTreeSet<ConversationSid> = memberships(tx, user)?.iter().map(|m| m.conversation).collect();
    conversation::hold_all(tx, &held)?;
    remove_held(tx, cx, user, &held)
}

/// As [`remove`] for a caller who holds all conversations that the user is in; if there are others by now, the command
/// runs again.
pub(crate) fn remove_held(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    user: &User,
    held: &BTreeSet<ConversationSid>,
) -> Result<()> {
    // Nobody lets the user in after this lock; who did before it is seen by another run.
    let user = hold(tx, user.service, user.sid)?.ok_or_else(|| Error::code(20404))?;
    let memberships = memberships(tx, &user)?;
    if memberships.iter().any(|m| !held.contains(&m.conversation)) {
        return Err(confab_store::Error::Retry("the user was let in meanwhile".into()).into());
    }
    for member in memberships {
        participant::remove(tx, cx, &member).map_err(retry_if_gone)?;
    }
    let seq = next_seq(tx, user.sid)?;
    binding::remove_of_user(tx, user.service, &user.identity)?;
    mutation::remove_of_user(tx, user.sid)?;
    tx.push(
        "DELETE FROM tombstone WHERE stream = $1",
        params![user.sid.to_string()],
    )?;
    tx.exec(
        "DELETE FROM chat_user WHERE sid = $1",
        params![user.sid.to_string()],
    )?;
    cx.commit(Stream::User(user.sid), seq, vec![Change::UserRemoved]);
    Ok(())
}
