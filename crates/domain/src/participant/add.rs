//! Adding one.

use std::collections::BTreeSet;
use std::sync::Arc;

use confab_store::params;
use confab_types::{ApiError, Channel, ConversationSid, RoleSid, ServiceSid, Timestamp};

use super::binding::{bind_native, bind_pair, project};
use super::group::{self, Taken};
use super::identity::{join_user, name_member};
use super::kind::Kind;
use super::of_client_if;
use super::row::{Participant, insert};
use crate::conversation::{self, Conversation};
use crate::error::Error;
use crate::event::Event;
use crate::hook::{self, Asks, Occurrence, Verb};
use crate::role::{self, DefaultRole, Permission, RoleType};
use crate::{Change, Command, Counted, Cx, Result, Stream, Transaction, text, user};

/// Adds a participant. A client adds himself (joins), another identity or an address.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Identity of a chat participant.
    pub identity: Option<String>,
    /// Address of a participant outside chat.
    pub address: Option<String>,
    /// The account's number in front of it.
    pub proxy_address: Option<String>,
    /// Number of the account by which the phones of a group text know it.
    pub projected_address: Option<String>,
    /// Name of an e-mail participant.
    pub binding_name: Option<String>,
    /// `to` or `cc`, of an e-mail participant.
    pub binding_level: Option<String>,
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
        let added = add(tx, cx, found.sid, fields)?;
        if added.group_number().is_some() {
            group::settle(tx, found.sid, Taken::Refuse)?;
        }
        Ok(added)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.conversation)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::ParticipantAdd)
    }
}

/// Adds the first participants of a conversation (rest.md §2.5), all or none: what only some of them would make, a
/// group that is there already, does not stop them.
pub(crate) fn add_first(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &Conversation,
    members: &[Fields],
) -> Result<()> {
    // Those of a wrong shape are refused in their turn.
    let identities: BTreeSet<&str> = members
        .iter()
        .filter_map(|fields| fields.identity.as_deref())
        .filter(|identity| user::check_identity(cx, identity).is_ok())
        .collect();
    user::ensure_all(tx, cx, conversation.account, conversation.service, &identities)?;
    let mut group = false;
    for fields in members {
        group |= add(tx, cx, conversation.sid, fields)?.group_number().is_some();
    }
    if group {
        group::settle(tx, conversation.sid, Taken::Refuse)?;
    }
    Ok(())
}

/// Adds a participant without looking whether its numbers now make a group that is there already: where several are
/// added in one transaction, only the last one completes the group, and [`group::settle`] is to follow.
pub(crate) fn add(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: ConversationSid,
    fields: &Fields,
) -> Result<Participant> {
    let attributes = text::attributes(
        fields.attributes.as_deref(),
        cx.limits.participant_attributes_bytes,
    )?;
    let kind = Kind::of(fields)?;
    let locked = conversation::lock_open(tx, conversation, 50350)?;
    let role = match fields.role.as_deref().filter(|t| !t.is_empty()) {
        Some(text) => Some(conversation_role(tx, locked.service, text)?),
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
        projected_address: None,
        binding_name: None,
        binding_level: None,
        findable: !matches!(kind, Kind::Projected { .. }),
        role_sid: role,
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
        Kind::Chat { identity, projected } => {
            if locked.public {
                name_member(tx, cx, &mut new, identity)?;
            } else {
                join_user(tx, cx, &mut new, identity)?;
            }
            if let Some(projected) = projected {
                project(tx, cx, &locked, &mut new, &projected)?;
            }
        }
        Kind::Pair { address, proxy } => {
            bind_pair(tx, cx, &locked, &mut new, &address, &proxy)?;
            describe_email(cx, &mut new, fields)?;
        }
        Kind::Native { address } => bind_native(tx, cx, &locked, &mut new, &address)?,
        Kind::Projected { projected } => project(tx, cx, &locked, &mut new, &projected)?,
    }
    insert(tx, &new)?;
    tx.push(
        "UPDATE conversation SET participants_count = participants_count + 1, \
         non_chat_count = non_chat_count + $2 WHERE sid = $1",
        params![locked.sid.to_string(), new.is_non_chat()],
    )?;
    let shared = Arc::new(new.clone());
    cx.commit(
        Stream::Conversation(locked.sid),
        locked.seq,
        vec![Change::ParticipantAdded(Arc::clone(&shared))],
    );
    hook::fire(tx, cx, &Occurrence::Participant(Verb::Added, &new, &locked))?;
    // realtime.md §4.11: the newcomer opens the conversation on its own entry, so that comes last.
    if let Some(user) = new.user {
        cx.commit(Stream::User(user), new.user_seq, vec![Change::Joined(shared)]);
    }
    Ok(new)
}

/// What only e-mail has: a name and a place in the header.
fn describe_email(cx: &Cx<'_>, new: &mut Participant, fields: &Fields) -> Result<()> {
    if new.channel() != Some(Channel::Email) {
        return Ok(());
    }
    new.binding_name = fields.binding_name.as_deref().and_then(text::cleared);
    text::at_most(
        new.binding_name.as_deref().unwrap_or(""),
        cx.limits.identity_chars,
        50407,
    )?;
    new.binding_level = match fields.binding_level.as_deref() {
        None | Some("") => None,
        Some(level @ ("to" | "cc")) => Some(level.to_owned()),
        Some(_) => return Err(ApiError::invalid("level").into()),
    };
    Ok(())
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

/// Who joins the conversation that he created gets the creator's role, others the ordinary one (B-165, B-664); a
/// native phone gets none, since it does nothing here by itself.
fn default_role(
    tx: &mut Transaction<'_>,
    cx: &Cx<'_>,
    conversation: &Conversation,
    kind: &Kind<'_>,
) -> Result<Option<RoleSid>> {
    let creator = match (cx.actor.client(), kind) {
        (_, Kind::Native { .. }) => return Ok(None),
        (Some(client), Kind::Chat { identity, .. }) => {
            client.identity == *identity && conversation.is_creator(identity)
        }
        _ => false,
    };
    if !creator {
        return ordinary_role(tx, conversation).map(Some);
    }
    let which = DefaultRole::ConversationCreator;
    role::default_of(tx, conversation.account, conversation.service, which).map(Some)
}

/// The role of participants who did not make their conversation.
pub(super) fn ordinary_role(tx: &mut Transaction<'_>, conversation: &Conversation) -> Result<RoleSid> {
    role::default_of(
        tx,
        conversation.account,
        conversation.service,
        DefaultRole::Conversation,
    )
}
