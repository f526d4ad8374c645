//! Adding one.

use std::sync::Arc;

use confab_store::params;
use confab_types::{Address, ApiError, RoleSid, ServiceSid, Timestamp};

use super::binding::bind_pair;
use super::row::{Participant, insert};
use super::{by_identity, of_client_if};
use crate::conversation::{self, Conversation};
use crate::error::Error;
use crate::role::{self, Permission, RoleType};
use crate::{Change, Command, Cx, Result, Stream, Transaction, service, text, user};

/// Adds a participant. A client adds himself (joins), another identity or an address.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Identity of a chat participant.
    pub identity: Option<String>,
    /// Address of a participant outside chat.
    pub address: Option<String>,
    /// The account's number in front of it.
    pub proxy_address: Option<String>,
    /// Number of a chat participant in a group text.
    pub projected_address: Option<String>,
    /// JSON text of at most 4 KB.
    pub attributes: Option<String>,
    /// SID of a conversation role.
    pub role: Option<String>,
    /// Instead of the present.
    pub created_at: Option<Timestamp>,
    /// Instead of the present.
    pub updated_at: Option<Timestamp>,
}

/// See [`Fields`].
#[derive(Clone, Debug)]
pub struct Add {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// What is added.
    pub fields: Fields,
}

impl Command for Add {
    type Output = Participant;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Participant> {
        let fields = &self.fields;
        let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
        if let Some(client) = cx.actor.client().cloned() {
            let joins = fields.identity.as_deref() == Some(client.identity.as_str());
            let me = of_client_if(tx, found.sid, &client)?;
            if joins {
                // Who is in already gets the ordinary conflict below.
                if me.is_none() {
                    role::require(tx, &cx.actor, None, &[Permission::JoinConversation])?;
                }
            } else {
                let me = me.ok_or_else(|| Error::code(50430))?;
                let needed: &[Permission] = if fields.identity.is_some() {
                    &[Permission::AddParticipant]
                } else {
                    &[Permission::AddNonChatParticipant, Permission::AddParticipant]
                };
                role::require(tx, &cx.actor, Some(&me), needed)?;
            }
        }
        let attributes = text::attributes(
            fields.attributes.as_deref(),
            cx.limits.participant_attributes_bytes,
        )?;
        let kind = Kind::of(fields)?;
        let locked = conversation::lock_open(tx, found.sid, 50350)?;
        let role = match fields.role.as_deref().filter(|t| !t.is_empty()) {
            Some(text) => conversation_role(tx, locked.service, text)?,
            None => default_role(tx, cx, &locked, &kind)?,
        };
        if locked.participants_count >= cx.limits.participants {
            return Err(Error::code(50417));
        }
        let mut new = Participant {
            sid: cx.sid(),
            account: locked.account,
            service: locked.service,
            conversation: locked.sid,
            user: None,
            identity: None,
            address: None,
            proxy_address: None,
            role_sid: Some(role),
            attributes: attributes.unwrap_or_else(|| "{}".into()),
            last_read_index: None,
            last_read_at: None,
            notification_level: "default".into(),
            seq: locked.seq,
            created_seq: locked.seq,
            user_seq: 0,
            user_created_seq: 0,
            created_at: fields.created_at.unwrap_or(cx.now),
            updated_at: fields.updated_at.or(fields.created_at).unwrap_or(cx.now),
        };
        match kind {
            Kind::Chat { identity } => join_user(tx, cx, &locked, &mut new, identity)?,
            Kind::Address { address, proxy } => bind_pair(tx, cx, &locked, &mut new, &address, &proxy)?,
        }
        insert(tx, &new)?;
        let non_chat = i64::from(new.identity.is_none());
        tx.push(
            "UPDATE conversation SET participants_count = participants_count + 1, \
             non_chat_count = non_chat_count + $2 WHERE sid = $1",
            params![locked.sid.to_string(), non_chat],
        )?;
        let shared = Arc::new(new.clone());
        cx.commit(
            Stream::Conversation(locked.sid),
            locked.seq,
            vec![Change::ParticipantAdded(Arc::clone(&shared))],
        );
        // realtime.md §4.11: the newcomer opens the conversation on its own entry, so that comes last.
        if let Some(user) = new.user {
            cx.commit(Stream::User(user), new.user_seq, vec![Change::Joined(shared)]);
        }
        Ok(new)
    }
}

/// The kinds of rest.md §2.4 that this server has so far.
enum Kind<'a> {
    Chat { identity: &'a str },
    Address { address: Address, proxy: Address },
}

impl<'a> Kind<'a> {
    fn of(fields: &'a Fields) -> Result<Self> {
        let given = |text: &'a Option<String>| text.as_deref();
        if given(&fields.projected_address).is_some_and(|t| !t.is_empty()) {
            // Group texting is not built yet; the original says the same to accounts without it.
            return Err(Error::code(50452));
        }
        let identity = given(&fields.identity).filter(|t| !t.is_empty());
        match (identity, given(&fields.address), given(&fields.proxy_address)) {
            (Some(_), Some(a), _) | (Some(_), _, Some(a)) if !a.is_empty() => Err(Error::code(50211)),
            (Some(identity), _, _) => Ok(Self::Chat { identity }),
            (None, None, None) => Err(ApiError::missing("Identity").into()),
            (None, None, Some(_)) => Err(Error::code(50411)),
            (None, Some(""), _) => Err(Error::code(50411)),
            (None, Some(_), Some("")) => Err(Error::code(50412)),
            (None, Some(_), None) => Err(Error::code(50452)),
            (None, Some(address), Some(proxy)) => {
                let address = Address::parse(address).ok_or_else(|| Error::code(50407))?;
                let proxy = Address::parse(proxy).ok_or_else(|| Error::code(50408))?;
                if address == proxy {
                    return Err(Error::code(50409));
                }
                if address.channel() != proxy.channel() {
                    return Err(Error::code(50414));
                }
                Ok(Self::Address { address, proxy })
            }
        }
    }
}

pub(super) fn conversation_role(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    text: &str,
) -> Result<RoleSid> {
    let sid = role::parse(text, 50109)?;
    if role::exists(tx, service, sid, RoleType::Conversation)? {
        Ok(sid)
    } else {
        Err(Error::code(50109))
    }
}

/// Who joins the conversation that he created gets the creator's role, others the ordinary one (B-165, B-664).
fn default_role(
    tx: &mut Transaction<'_>,
    cx: &Cx<'_>,
    conversation: &Conversation,
    kind: &Kind<'_>,
) -> Result<RoleSid> {
    let service = service::fetch(tx, conversation.account, conversation.service)?;
    let creator = match (cx.actor.client(), kind) {
        (Some(client), Kind::Chat { identity }) => {
            client.identity == *identity && conversation.is_creator(identity)
        }
        _ => false,
    };
    Ok(if creator {
        service.conversation_creator_role
    } else {
        service.conversation_role
    })
}

fn join_user(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &Conversation,
    new: &mut Participant,
    identity: &str,
) -> Result<()> {
    user::check_identity(cx, identity)?;
    if by_identity(tx, conversation.sid, identity)?.is_some() {
        return Err(Error::code(50433));
    }
    let user = user::ensure(tx, cx, conversation.account, conversation.service, identity, None)?;
    // The count locks the user's row; who was deleted since the look-up is made anew by another run (B-544).
    new.user_seq = user::next_seq(tx, user.sid).map_err(user::retry_if_gone)?;
    let row = tx.first(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT 1 AS one FROM participant \
         WHERE user_sid = $1 AND open = 1 LIMIT $2) AS joined",
        params![user.sid.to_string(), cx.limits.conversations_per_identity],
    )?;
    if row.map_or(Ok(0), |mut r| r.int())? >= cx.limits.conversations_per_identity {
        return Err(Error::code(50214));
    }
    new.user = Some(user.sid);
    new.identity = Some(identity.to_owned());
    new.user_created_seq = new.user_seq;
    Ok(())
}
