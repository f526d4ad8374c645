//! Making a conversation, and the values that it can be given then and later.

use confab_store::params;
use confab_types::{AccountSid, ApiError, ConversationSid, ServiceSid, Sid, Timestamp};

use super::row::{PRIVATE, PUBLIC, SYSTEM, columns};
use super::timers::{self, Timer};
use super::{Conversation, State, Timers, find};
use crate::error::{Error, taken};
use crate::event::Event;
use crate::hook::{self, Asks, Occurrence, Verb};
use crate::role::{self, Permission};
use crate::{Command, Counted, Cx, Result, Transaction, account, messaging_service, text};

/// What may be set at creation and changed later; `None` leaves a value, an empty text clears a name.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// At most 256 characters (B-102).
    pub friendly_name: Option<String>,
    /// Unique in the service (B-103…B-106).
    pub unique_name: Option<String>,
    /// JSON text of at most 16 KB.
    pub attributes: Option<String>,
    /// SID of a messaging service of the account.
    pub messaging_service: Option<String>,
    /// Word of the state; not for SDK clients (B-143).
    pub state: Option<String>,
    /// ISO 8601 duration after which it becomes inactive; `PT0S` for never (B-116…B-118). Not for SDK clients.
    pub timer_inactive: Option<String>,
    /// ISO 8601 duration after which it is closed then. Not for SDK clients.
    pub timer_closed: Option<String>,
    /// Sender address for e-mail.
    pub email_address: Option<String>,
    /// Sender name for e-mail.
    pub email_name: Option<String>,
    /// Instead of the present.
    pub created_at: Option<Timestamp>,
    /// Instead of the present.
    pub updated_at: Option<Timestamp>,
}

impl Fields {
    pub(crate) fn is_empty(&self) -> bool {
        self.friendly_name.is_none()
            && self.unique_name.is_none()
            && self.attributes.is_none()
            && self.messaging_service.is_none()
            && self.state.is_none()
            && self.timer_inactive.is_none()
            && self.timer_closed.is_none()
            && self.email_address.is_none()
            && self.email_name.is_none()
            && self.created_at.is_none()
            && self.updated_at.is_none()
    }

    /// Whether a timer is set or taken away.
    pub(super) fn times(&self) -> bool {
        self.timer_inactive.is_some() || self.timer_closed.is_some()
    }

    /// Refuses a client who sets what only REST may set (B-143).
    pub(super) fn permit_client(&self, cx: &Cx<'_>) -> Result<()> {
        if cx.actor.client().is_some() && (self.state.is_some() || self.times()) {
            return Err(Error::code(50107));
        }
        Ok(())
    }

    /// Checks what can be checked without other rows than those of names and messaging services, and writes the
    /// values into the conversation; all but the state.
    pub(crate) fn fill(&self, tx: &mut Transaction<'_>, cx: &Cx<'_>, into: &mut Conversation) -> Result<()> {
        // B-399.
        if let Some(name) = cx.answer.friendly_name.as_ref().or(self.friendly_name.as_ref()) {
            text::at_most(name, cx.limits.friendly_name_chars, 50003)?;
            into.friendly_name = text::cleared(name);
        }
        if let Some(attributes) = text::attributes(
            self.attributes.as_deref(),
            cx.limits.conversation_attributes_bytes,
        )? {
            into.attributes = attributes;
        }
        if let Some(text) = &self.messaging_service {
            into.messaging_service = messaging_service::named(tx, into.account, text)?;
        }
        if let Some(text) = &self.timer_inactive {
            into.timers.inactive = timers::check(Timer::Inactive, text)?;
        }
        if let Some(text) = &self.timer_closed {
            into.timers.closed = timers::check(Timer::Closed, text)?;
        }
        if let Some(text) = &self.email_address {
            into.email_address = text::cleared(text);
        }
        if let Some(text) = &self.email_name {
            into.email_name = text::cleared(text);
        }
        if let Some(name) = &self.unique_name {
            text::at_most(name, cx.limits.friendly_name_chars, 50004)?;
            if ConversationSid::parse(name).is_some() {
                return Err(Error::code(50390));
            }
            let name = text::cleared(name);
            if let Some(name) = &name
                && find(tx, into.service, name)?.is_some_and(|other| other.sid != into.sid)
            {
                return Err(Error::code(50353));
            }
            into.unique_name = name;
        }
        if let Some(at) = self.created_at {
            into.created_at = at;
        }
        Ok(())
    }
}

/// Makes a conversation (B-101). It has no participant: also its creator joins only by joining (B-715).
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// Its values.
    pub fields: Fields,
}

impl Create {
    /// The conversation that will be made, with everything checked.
    pub(crate) fn build(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Conversation> {
        role::require(tx, &cx.actor, None, &[Permission::CreateConversation])?;
        self.fields.permit_client(cx)?;
        let state = match self.fields.state.as_deref() {
            None => State::Active,
            Some(text) => match State::parse(text)? {
                State::Closed => return Err(Error::code(50384)),
                state => state,
            },
        };
        let defaults = account::defaults(tx, self.account)?;
        let mut new = Conversation {
            sid: cx.sid(),
            account: self.account,
            service: self.service,
            public: false,
            messaging_service: None,
            friendly_name: None,
            unique_name: None,
            attributes: "{}".into(),
            state,
            state_at: cx.now,
            // B-060: from here on they are the conversation's own.
            timers: Timers {
                inactive: defaults.inactive_timer,
                closed: defaults.closed_timer,
                from: cx.now,
            },
            created_by: cx
                .actor
                .client()
                .map_or_else(|| SYSTEM.into(), |c| c.identity.clone()),
            email_address: None,
            email_name: None,
            seq: 0,
            document_seq: 0,
            next_index: 0,
            last_message_index: None,
            last_message_at: None,
            messages_count: 0,
            participants_count: 0,
            non_chat_count: 0,
            webhooks: 0,
            created_at: cx.now,
            updated_at: cx.now,
        };
        self.fields.fill(tx, cx, &mut new)?;
        if self.fields.messaging_service.is_none() {
            new.messaging_service = defaults.messaging_service; // B-061
        }
        new.updated_at = self.fields.updated_at.unwrap_or(new.created_at);
        Ok(new)
    }
}

impl Command for Create {
    type Output = Conversation;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Conversation> {
        let new = self.build(tx, cx)?;
        insert(tx, &new)?;
        timers::schedule(tx, cx, &new)?;
        hook::fire(tx, cx, &Occurrence::Conversation(Verb::Added, &new))?;
        Ok(new)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Service(self.service)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::ConversationAdd)
    }
}

pub(crate) fn insert(tx: &mut Transaction<'_>, new: &Conversation) -> Result<()> {
    tx.exec(
        concat!(
            "INSERT INTO conversation (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
             $21, $22, $23, $24, $25, $26, $27)"
        ),
        params![
            new.sid.to_string(),
            new.account.to_string(),
            new.service.to_string(),
            new.messaging_service.map(|s| s.to_string()),
            &new.friendly_name,
            &new.unique_name,
            &new.attributes,
            new.state.name(),
            new.state_at.0,
            new.timers.inactive.map(|d| d.0),
            new.timers.closed.map(|d| d.0),
            new.timers.from.0,
            &new.created_by,
            &new.email_address,
            &new.email_name,
            new.seq,
            new.document_seq,
            new.next_index,
            new.last_message_index,
            new.last_message_at.map(|t| t.0),
            new.messages_count,
            new.participants_count,
            new.non_chat_count,
            new.created_at.0,
            new.updated_at.0,
            if new.public { PUBLIC } else { PRIVATE },
            new.webhooks
        ],
    )
    .map_err(|e| taken(e, ApiError::new(50353)))?;
    Ok(())
}
