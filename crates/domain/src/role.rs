//! Roles: lists of permissions for SDK users, at the level of a service and of a conversation (behaviours §16).

use confab_store::{Row, params};
use confab_types::{AccountSid, RoleSid, ServiceSid, Sid, Timestamp};

use crate::error::Error;
use crate::participant::Participant;
use crate::{Actor, Client, Command, Cx, Result, Transaction, user};

macro_rules! permissions {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// Something that a role may allow.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names are the API's own words")]
        pub enum Permission { $($variant),* }

        impl Permission {
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $name)),*];
        }
    };
}

permissions! {
    AddParticipant = "addParticipant",
    AddNonChatParticipant = "addNonChatParticipant",
    CreateConversation = "createConversation",
    DeleteAnyMessage = "deleteAnyMessage",
    DeleteConversation = "deleteConversation",
    DeleteOwnMessage = "deleteOwnMessage",
    EditAnyMessage = "editAnyMessage",
    EditAnyMessageAttributes = "editAnyMessageAttributes",
    EditAnyParticipantAttributes = "editAnyParticipantAttributes",
    EditAnyUserInfo = "editAnyUserInfo",
    EditConversationAttributes = "editConversationAttributes",
    EditConversationName = "editConversationName",
    EditNotificationLevel = "editNotificationLevel",
    EditOwnMessage = "editOwnMessage",
    EditOwnMessageAttributes = "editOwnMessageAttributes",
    EditOwnParticipantAttributes = "editOwnParticipantAttributes",
    EditOwnUserInfo = "editOwnUserInfo",
    JoinConversation = "joinConversation",
    LeaveConversation = "leaveConversation",
    ReadChannelMetadata = "readChannelMetadata",
    RemoveParticipant = "removeParticipant",
    SendMediaMessage = "sendMediaMessage",
    SendMessage = "sendMessage",
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    /// Whether the set has a permission.
    #[must_use]
    pub fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u32) != 0
    }

    fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set that a role row lists; names that this program does not know are passed over.
    fn of_json(text: &str) -> Self {
        let names: Vec<String> = serde_json::from_str(text).unwrap_or_default();
        Permission::ALL
            .iter()
            .filter(|(_, name)| names.iter().any(|n| n == name))
            .fold(Self::default(), |set, (permission, _)| {
                Self(set.0 | 1 << *permission as u32)
            })
    }
}

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

/// Whether a role exists in a service with a type.
pub(crate) fn exists(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    role: RoleSid,
    kind: RoleType,
) -> Result<bool> {
    let row = tx.first(
        "SELECT sid FROM role WHERE sid = $1 AND service_sid = $2 AND type = $3",
        params![role.to_string(), service.to_string(), kind.name()],
    )?;
    Ok(row.is_some())
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

/// A role as REST shows it.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its SID.
    pub sid: RoleSid,
    /// Its name.
    pub friendly_name: String,
    /// `service` or `conversation`.
    pub kind: String,
    /// Names of its permissions.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// All roles of a service, for its own use at the first start and in tests; the REST list pages.
///
/// # Errors
/// The database's.
pub fn all(tx: &mut Transaction<'_>, service: ServiceSid) -> Result<Vec<Role>> {
    let rows = tx.query(
        "SELECT sid, friendly_name, type, permissions, created_at FROM role WHERE service_sid = $1 ORDER BY sid",
        params![service.to_string()],
    )?;
    rows.into_iter().map(read).collect()
}

fn read(mut row: Row) -> Result<Role> {
    Ok(Role {
        sid: crate::sync::sid(&row.text()?)?,
        friendly_name: row.text()?,
        kind: row.text()?,
        permissions: serde_json::from_str(&row.text()?).unwrap_or_default(),
        created_at: Timestamp(row.int()?),
    })
}

/// Replaces the permissions of a role (B-656); in force at the next action of its bearers (B-676).
#[derive(Clone, Debug)]
pub struct SetPermissions {
    /// The service.
    pub service: ServiceSid,
    /// The role.
    pub role: RoleSid,
    /// Names of permissions.
    pub permissions: Vec<String>,
}

impl Command for SetPermissions {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let known = |name: &String| Permission::ALL.iter().any(|(_, known)| known == name);
        if !self.permissions.iter().all(known) {
            return Err(Error::code(50104));
        }
        let changed = tx.exec(
            "UPDATE role SET permissions = $3, updated_at = $4 WHERE sid = $1 AND service_sid = $2",
            params![
                self.role.to_string(),
                self.service.to_string(),
                serde_json::to_string(&self.permissions).unwrap_or_default(),
                cx.now.0
            ],
        )?;
        if changed == 0 {
            Err(Error::code(20404))
        } else {
            Ok(())
        }
    }
}

/// The role that a text names, if it has the shape of one.
pub(crate) fn parse(text: &str, code: u32) -> Result<RoleSid> {
    RoleSid::parse(text).ok_or_else(|| Error::code(code))
}
