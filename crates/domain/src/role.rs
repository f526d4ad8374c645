//! Roles: lists of permissions for SDK users, at the level of a service and of a conversation (behaviours §16).

use confab_store::{Row, params};
use confab_types::{AccountSid, ApiError, KeyPart, RoleSid, ServiceSid, Sid, Timestamp};
use serde_json::{Value, json};

use crate::audit::{self, Kind, Subject};
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::participant::Participant;
use crate::sync::sid;
use crate::{
    Actor, Client, Command, Counted, Cx, Order, Page, Result, Transaction, Window, permission, service, text,
    user,
};

pub use crate::permission::{Permission, Permissions};

/// Characters of a name (B-655).
const NAME_CHARS: usize = 64;

/// The level that a role works at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleType {
    /// For a user, in the whole service.
    Service,
    /// For a participant, in its conversation.
    Conversation,
}

impl RoleType {
    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Conversation => "conversation",
        }
    }

    /// Reads the word of the API.
    ///
    /// # Errors
    /// 400/50105 for any other.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "service" => Ok(Self::Service),
            "conversation" => Ok(Self::Conversation),
            _ => Err(Error::code(50105)),
        }
    }
}

/// The roles that a new service points to.
pub(crate) struct DefaultRoles {
    pub(crate) conversation_creator: RoleSid,
    pub(crate) conversation: RoleSid,
    pub(crate) service: RoleSid,
}

/// Names and permissions of the roles of a new service (B-657…B-660).
const DEFAULTS: [(&str, RoleType, &str); 4] = [
    (
        "service admin",
        RoleType::Service,
        r#"["createConversation","joinConversation","deleteConversation","editConversationAttributes","editConversationName","addParticipant","removeParticipant","editAnyMessage","deleteAnyMessage","editAnyMessageAttributes","editAnyUserInfo","editAnyParticipantAttributes"]"#,
    ),
    (
        "service user",
        RoleType::Service,
        r#"["createConversation","joinConversation","editOwnUserInfo"]"#,
    ),
    (
        "channel admin",
        RoleType::Conversation,
        r#"["sendMessage","sendMediaMessage","leaveConversation","editNotificationLevel","deleteConversation","removeParticipant","editConversationName","editConversationAttributes","addParticipant","editAnyParticipantAttributes","editAnyMessage","editAnyMessageAttributes","deleteAnyMessage"]"#,
    ),
    (
        "channel user",
        RoleType::Conversation,
        r#"["sendMessage","sendMediaMessage","leaveConversation","editNotificationLevel","editOwnParticipantAttributes","editOwnMessage","editOwnMessageAttributes","deleteOwnMessage"]"#,
    ),
];

/// Makes the four roles of a new service (B-053).
pub(crate) fn create_defaults(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    account: AccountSid,
    service: ServiceSid,
) -> Result<DefaultRoles> {
    let mut sids = Vec::with_capacity(DEFAULTS.len());
    for (name, kind, permissions) in DEFAULTS {
        let sid: RoleSid = cx.sid();
        tx.push(
            "INSERT INTO role (sid, account_sid, service_sid, friendly_name, type, permissions, created_at, \
             updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
            params![
                sid.to_string(),
                account.to_string(),
                service.to_string(),
                name,
                kind.name(),
                permissions,
                cx.now.0
            ],
        )?;
        sids.push(sid);
    }
    Ok(DefaultRoles {
        service: sids[1],
        conversation_creator: sids[2],
        conversation: sids[3],
    })
}

/// Whether a role exists in a service with a type; if so it is not deleted before the commit, so that the caller may
/// give it to somebody.
pub(crate) fn exists(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    role: RoleSid,
    kind: RoleType,
) -> Result<bool> {
    let row = tx.first(
        // The service's row first, as `default_of` does: who takes a role goes on to refer to the service.
        "SELECT role.sid FROM service JOIN role ON role.service_sid = service.sid \
         WHERE service.sid = $2 AND role.sid = $1 AND role.type = $3 {for_share}",
        params![role.to_string(), service.to_string(), kind.name()],
    )?;
    Ok(row.is_some())
}

/// Which of a service's default roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefaultRole {
    /// Of who joins the conversation that he created.
    ConversationCreator,
    /// Of other participants.
    Conversation,
    /// Of users.
    Service,
}

/// A default role of a service, kept as [`exists`] keeps one.
///
/// # Errors
/// 404/20404 without the service.
pub(crate) fn default_of(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    service: ServiceSid,
    which: DefaultRole,
) -> Result<RoleSid> {
    let sql = match which {
        DefaultRole::ConversationCreator => {
            "SELECT role.sid FROM service JOIN role ON role.sid = service.conversation_creator_role_sid \
             WHERE service.sid = $1 {for_share}"
        }
        DefaultRole::Conversation => {
            "SELECT role.sid FROM service JOIN role ON role.sid = service.conversation_role_sid \
             WHERE service.sid = $1 {for_share}"
        }
        DefaultRole::Service => {
            "SELECT role.sid FROM service JOIN role ON role.sid = service.service_role_sid \
             WHERE service.sid = $1 {for_share}"
        }
    };
    if let Some(mut row) = tx.first(sql, params![service.to_string()])? {
        return sid(&row.text()?);
    }
    service::fetch(tx, account, service)?;
    // The default was changed and the role before it deleted while this transaction waited for its row.
    Err(confab_store::Error::Retry("the default role was changed meanwhile".into()).into())
}

fn permissions(tx: &mut Transaction<'_>, role: RoleSid) -> Result<Permissions> {
    let row = tx.first(
        "SELECT permissions FROM role WHERE sid = $1",
        params![role.to_string()],
    )?;
    Ok(match row {
        Some(mut row) => Permissions::of_json(&row.text()?),
        None => Permissions::default(),
    })
}

/// What a client may do in a conversation: service role and conversation role together (B-662).
///
/// # Errors
/// 403/50107 for a client whose user is gone, or the database's.
pub fn of_client(
    tx: &mut Transaction<'_>,
    client: &Client,
    participant: Option<&Participant>,
) -> Result<Permissions> {
    let Some(user) = user::by_sid(tx, client.service, client.user)? else {
        return Err(Error::code(50107));
    };
    let mut set = permissions(tx, user.role_sid)?;
    if let Some(role) = participant.and_then(|p| p.role_sid) {
        set = set.union(permissions(tx, role)?);
    }
    Ok(set)
}

/// Refuses a client without any of the permissions (B-663); callers that are no clients may do all (B-661).
pub(crate) fn require(
    tx: &mut Transaction<'_>,
    actor: &Actor,
    participant: Option<&Participant>,
    any_of: &[Permission],
) -> Result<()> {
    let Some(client) = actor.client() else {
        return Ok(());
    };
    let set = of_client(tx, client, participant)?;
    if any_of.iter().any(|p| set.has(*p)) {
        Ok(())
    } else {
        Err(Error::code(50107))
    }
}

/// A role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its SID.
    pub sid: RoleSid,
    /// Its account.
    pub account: AccountSid,
    /// Its service.
    pub service: ServiceSid,
    /// Its name.
    pub friendly_name: String,
    /// The level that it works at.
    pub kind: RoleType,
    /// Names of its permissions.
    pub permissions: Vec<String>,
    /// Whether Chat shows that it may invite members, which Conversations does not know (B-836).
    pub may_invite: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, service_sid, friendly_name, type, permissions, created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<Role> {
    let mut role = Role {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        service: sid(&row.text()?)?,
        friendly_name: row.text()?,
        kind: RoleType::parse(&row.text()?)?,
        permissions: text::of_json(&row.text()?)?,
        may_invite: false,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    };
    let all = role.permissions.len();
    role.permissions.retain(|name| name != permission::INVITE);
    role.may_invite = role.permissions.len() < all;
    Ok(role)
}

/// A role of a service.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, service: ServiceSid, role: RoleSid) -> Result<Role> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM role WHERE sid = $1 AND service_sid = $2"
        ),
        params![role.to_string(), service.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// As [`fetch`], with the row locked until the commit.
fn hold(tx: &mut Transaction<'_>, service: ServiceSid, role: RoleSid) -> Result<Role> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM role WHERE sid = $1 AND service_sid = $2 {for_update}"
        ),
        params![role.to_string(), service.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// The roles of a service, oldest first.
///
/// # Errors
/// The database's.
pub fn list(tx: &mut Transaction<'_>, service: ServiceSid, window: &Window) -> Result<Page<Role>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM role WHERE service_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM role WHERE service_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
        ),
        params: params![service.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |r| vec![KeyPart::Text(r.sid.to_string())],
    }
    .page(tx, Order::Ascending, window)
}

/// Makes a role.
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// Its name, at most 64 characters (B-655).
    pub friendly_name: String,
    /// `service` or `conversation`.
    pub kind: String,
    /// Names of permissions of that level (B-651…B-654), at least one.
    pub permissions: Vec<String>,
}

fn subject(role: &Role) -> Subject {
    Subject::new(Kind::Role, role.account, role.sid).of(role.service)
}

/// What the log of changes tells of a role.
fn properties(role: &Role) -> Value {
    json!({
        "friendly_name": role.friendly_name,
        "type": role.kind.name(),
        "permissions": serde_json::to_value(&role.permissions).unwrap_or_default(),
    })
}

impl Command for Create {
    type Output = Role;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Role> {
        text::at_most(&self.friendly_name, NAME_CHARS, 50003)?;
        let kind = RoleType::parse(&self.kind)?;
        let permissions = permission::check(kind, &self.permissions)?;
        service::hold(tx, self.account, self.service)?;
        let new = Role {
            sid: cx.sid(),
            account: self.account,
            service: self.service,
            friendly_name: self.friendly_name.clone(),
            kind,
            permissions,
            may_invite: false,
            created_at: cx.now,
            updated_at: cx.now,
        };
        tx.push(
            concat!(
                "INSERT INTO role (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
            ),
            params![
                new.sid.to_string(),
                new.account.to_string(),
                new.service.to_string(),
                &new.friendly_name,
                new.kind.name(),
                text::to_json(&new.permissions),
                cx.now.0,
                cx.now.0
            ],
        )?;
        audit::created(tx, cx, &subject(&new), &properties(&new))?;
        Ok(new)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Service(self.service)
    }
}

/// Replaces the permissions of a role (B-656); in force at the next action of its bearers (B-676).
#[derive(Clone, Debug)]
pub struct Update {
    /// The service.
    pub service: ServiceSid,
    /// The role.
    pub role: RoleSid,
    /// Names of permissions of its level, at least one.
    pub permissions: Vec<String>,
}

impl Command for Update {
    type Output = Role;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Role> {
        let mut changed = hold(tx, self.service, self.role)?;
        let before = properties(&changed);
        changed.permissions = permission::check(changed.kind, &self.permissions)?;
        changed.may_invite = false;
        changed.updated_at = cx.now;
        tx.push(
            "UPDATE role SET permissions = $2, updated_at = $3 WHERE sid = $1",
            params![
                changed.sid.to_string(),
                text::to_json(&changed.permissions),
                cx.now.0
            ],
        )?;
        audit::updated(tx, cx, &subject(&changed), &before, &properties(&changed))?;
        Ok(changed)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Service(self.service)
    }
}

/// Removes a role that nobody has and no service gives by default (rest.md §2.10).
#[derive(Clone, Debug)]
pub struct Delete {
    /// The service.
    pub service: ServiceSid,
    /// The role.
    pub role: RoleSid,
}

impl Command for Delete {
    type Output = ();

    /// # Errors
    /// 404/20404, 409/20409 for one that is in use.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        // Who gives the role to somebody holds its row (see `exists`): he is waited for and seen below, or waits
        // for this deletion and does not find the role any more.
        let found = hold(tx, self.service, self.role)?;
        let used = tx.first(
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM service WHERE sid = $2 AND (conversation_creator_role_sid = $1 \
             OR conversation_role_sid = $1 OR service_role_sid = $1)) \
             OR EXISTS (SELECT 1 FROM chat_user WHERE role_sid = $1) \
             OR EXISTS (SELECT 1 FROM participant WHERE role_sid = $1) THEN 1 ELSE 0 END",
            params![self.role.to_string(), self.service.to_string()],
        )?;
        if used.map_or(Ok(false), |mut row| row.boolean())? {
            return Err(ApiError::new(20409).message("The role is in use").into());
        }
        tx.push("DELETE FROM role WHERE sid = $1", params![self.role.to_string()])?;
        audit::deleted(tx, cx, &subject(&found))
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Service(self.service)
    }
}

/// The role that a text names, if it has the shape of one.
pub(crate) fn parse(text: &str, code: u32) -> Result<RoleSid> {
    RoleSid::parse(text).ok_or_else(|| Error::code(code))
}
