//! Changing one.

use std::sync::Arc;

use confab_types::{ParticipantSid, ServiceSid, Timestamp};

use super::add::{conversation_role, ordinary_role};
use super::binding::{change_projected, change_proxy};
use super::group::{self, Taken};
use super::row::{Participant, save, save_binding};
use super::{fetch, find, identity, of_client};
use crate::conversation::{self, Conversation, State};
use crate::error::Error;
use crate::event::Event;
use crate::hook::{self, Asks, Occurrence, Verb};
use crate::role::{self, Permission};
use crate::{Change, Command, Counted, Cx, Result, Stream, Transaction, text, user};

/// New read horizon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Horizon {
    /// Nothing read yet: index and time become null (B-573).
    Unset,
    /// Read up to an index (B-578: also a lower one than before).
    At(i64),
}

/// Changes a participant (B-182).
#[derive(Clone, Debug)]
pub struct Update {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// SID or identity.
    pub key: String,
    /// JSON text.
    pub attributes: Option<String>,
    /// SID of a conversation role.
    pub role: Option<String>,
    /// Who is behind a projected address from now on; `null` for nobody (B-220).
    pub identity: Option<String>,
    /// New proxy address; `null` takes it away.
    pub proxy_address: Option<String>,
    /// New projected address; `null` takes it away.
    pub projected_address: Option<String>,
    /// New read horizon; a participant without one (B-583) stays so.
    pub horizon: Option<Horizon>,
    /// Time of the horizon, instead of the present.
    pub last_read_at: Option<Timestamp>,
    /// New notification level of the user himself: `default` or `muted`.
    pub notification_level: Option<String>,
    /// Instead of what it is.
    pub created_at: Option<Timestamp>,
    /// Instead of the present.
    pub updated_at: Option<Timestamp>,
}

impl Update {
    /// An update that changes nothing yet.
    #[must_use]
    pub fn of(service: ServiceSid, conversation: &str, key: &str) -> Self {
        Self {
            service,
            conversation: conversation.to_owned(),
            key: key.to_owned(),
            attributes: None,
            role: None,
            identity: None,
            proxy_address: None,
            projected_address: None,
            horizon: None,
            last_read_at: None,
            notification_level: None,
            created_at: None,
            updated_at: None,
        }
    }

    fn is_empty(&self) -> bool {
        self.attributes.is_none()
            && self.role.is_none()
            && self.identity.is_none()
            && self.proxy_address.is_none()
            && self.projected_address.is_none()
            && self.horizon.is_none()
            && self.last_read_at.is_none()
            && self.notification_level.is_none()
            && self.created_at.is_none()
            && self.updated_at.is_none()
    }

    /// Whether it changes what the user sees of his own part.
    fn touches_user(&self) -> bool {
        self.horizon.is_some() || self.last_read_at.is_some() || self.notification_level.is_some()
    }

    /// Whether it changes the notification level and nothing else. That is of the user's own entry alone: the roster does
    /// not show it, and others must not see in their `participantUpdated` that somebody muted them (realtime.md §4.11).
    fn is_private(&self) -> bool {
        let rest = Self {
            notification_level: None,
            ..self.clone()
        };
        self.notification_level.is_some() && rest.is_empty()
    }

    /// What a client who is in may do.
    fn permit(
        &self,
        tx: &mut Transaction<'_>,
        cx: &Cx<'_>,
        me: &Participant,
        target: &Participant,
    ) -> Result<()> {
        let own = me.sid == target.sid;
        if self.attributes.is_some() {
            let needed: &[Permission] = if own {
                &[
                    Permission::EditOwnParticipantAttributes,
                    Permission::EditAnyParticipantAttributes,
                ]
            } else {
                &[Permission::EditAnyParticipantAttributes]
            };
            role::require(tx, &cx.actor, Some(me), needed)?;
        }
        if self.notification_level.is_some() {
            role::require(tx, &cx.actor, Some(me), &[Permission::EditNotificationLevel])?;
        }
        if self.touches_user() && !own {
            return Err(Error::code(50107));
        }
        Ok(())
    }
}

impl Update {
    fn change_bindings(
        &self,
        tx: &mut Transaction<'_>,
        cx: &mut Cx<'_>,
        locked: &Conversation,
        changed: &mut Participant,
    ) -> Result<()> {
        if let Some(proxy) = &self.proxy_address {
            change_proxy(tx, cx, locked, changed, proxy)?;
            // Native phones have no role.
            changed.role_sid = match changed.role_sid {
                _ if changed.is_native() => None,
                None => Some(ordinary_role(tx, locked)?),
                role => role,
            };
        }
        if let Some(projected) = &self.projected_address {
            change_projected(tx, cx, locked, changed, projected)?;
        }
        Ok(())
    }

    fn move_horizon(&self, cx: &Cx<'_>, changed: &mut Participant) {
        if !changed.has_horizon() {
            return;
        }
        match self.horizon {
            Some(Horizon::Unset) => (changed.last_read_index, changed.last_read_at) = (None, None),
            Some(Horizon::At(index)) => {
                changed.last_read_index = Some(index);
                changed.last_read_at = Some(self.last_read_at.unwrap_or(cx.now));
            }
            None => changed.last_read_at = self.last_read_at.or(changed.last_read_at),
        }
    }
}

impl Command for Update {
    type Output = Participant;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Participant> {
        let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
        // Before it is looked who else is in: that is for members to know.
        let me = match cx.actor.client() {
            Some(client) => Some(of_client(tx, &found, client)?),
            None => None,
        };
        let target = fetch(tx, found.sid, &self.key)?;
        if let Some(me) = &me {
            self.permit(tx, cx, me, &target)?;
        }
        if self.is_empty() {
            if found.state == State::Closed {
                return Err(Error::code(50377));
            }
            hook::fire(tx, cx, &Occurrence::Participant(Verb::Updated, &target, &found))?; // B-466
            return Ok(target);
        }
        let mut locked = conversation::lock_open(tx, found.sid, 50350)?;
        let mut changed = fetch(tx, locked.sid, &target.sid.to_string())?;
        let is_private = self.is_private();
        if !is_private {
            changed.seq = locked.seq;
        }
        if let Some(attributes) =
            text::attributes(self.attributes.as_deref(), cx.limits.participant_attributes_bytes)?
        {
            changed.attributes = attributes;
        }
        let replaced = identity::is_replaced(&changed, self.identity.as_deref())?;
        if let Some(identity) = self.identity.as_deref().filter(|_| replaced) {
            locked = identity::replace(tx, cx, locked, &mut changed, identity)?;
        }
        self.change_bindings(tx, cx, &locked, &mut changed)?;
        if let Some(text) = self.role.as_deref().filter(|t| !t.is_empty()) {
            changed.role_sid = Some(conversation_role(tx, locked.service, text)?);
        }
        self.move_horizon(cx, &mut changed);
        if let Some(level) = &self.notification_level {
            if level != "default" && level != "muted" {
                return Err(Error::code(50210));
            }
            changed.notification_level.clone_from(level);
        }
        changed.created_at = self.created_at.unwrap_or(changed.created_at);
        if !is_private {
            changed.updated_at = self.updated_at.unwrap_or(cx.now);
        }
        // A new user's entry is made with all of this, under the count that it has already.
        let user = changed.user.filter(|_| self.touches_user() && !replaced);
        if let Some(user) = user {
            changed.user_seq = user::next_seq(tx, user)?;
        }
        save(tx, &changed)?;
        let rebound = self.proxy_address.is_some() || self.projected_address.is_some();
        if replaced || rebound || self.role.is_some() {
            save_binding(tx, &changed)?;
        }
        if changed.group_number() != target.group_number() {
            group::settle(tx, locked.sid, Taken::Refuse)?;
        }
        hook::fire(tx, cx, &Occurrence::Participant(Verb::Updated, &changed, &locked))?;
        if replaced {
            identity::announce(cx, &changed);
            return Ok(changed);
        }
        let shared = Arc::new(changed.clone());
        let shown = if is_private {
            // The count was taken, so it is told, or followers would wait for it.
            Vec::new()
        } else {
            vec![Change::ParticipantUpdated(Arc::clone(&shared))]
        };
        cx.commit(Stream::Conversation(locked.sid), locked.seq, shown);
        if let Some(user) = user {
            cx.commit(
                Stream::User(user),
                changed.user_seq,
                vec![Change::Membership(shared)],
            );
        }
        Ok(changed)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.conversation)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::ParticipantUpdate)
    }
}

/// Moves a read horizon up to a message that the participant's channel reports as read (B-582); what clients see of
/// it goes into the commit of `locked`.
pub(crate) fn read_up_to(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    locked: &Conversation,
    participant: ParticipantSid,
    index: i64,
) -> Result<Option<Change>> {
    let Some(mut reader) = find(tx, locked.sid, &participant.to_string())? else {
        return Ok(None);
    };
    if !reader.has_horizon() || reader.last_read_index.is_some_and(|before| before >= index) {
        return Ok(None);
    }
    reader.last_read_index = Some(index);
    reader.last_read_at = Some(cx.now);
    reader.updated_at = cx.now;
    reader.seq = locked.seq;
    save(tx, &reader)?;
    // Reading is reported by the channel that brought the message (B-388).
    cx.channel = cx.channel.or_else(|| reader.channel());
    hook::fire(tx, cx, &Occurrence::Participant(Verb::Updated, &reader, locked))?; // B-424
    Ok(Some(Change::ParticipantUpdated(Arc::new(reader))))
}
