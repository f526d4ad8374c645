//! Conversations (rest.md §2.1): names, attributes, state, and the count that orders all that happens in one.

use std::sync::Arc;

use confab_store::{Param, Row, params};
use confab_types::{
    AccountSid, ApiError, ConversationSid, KeyPart, MessagingServiceSid, ServiceSid, Sid, Timestamp,
};

use crate::error::{Error, taken};
use crate::list::{Bound, Listing};
use crate::role::{self, Permission};
use crate::sync::{opt_sid, sid};
use crate::{
    Change, Command, Cx, Effect, Order, Page, Result, Stream, Transaction, Window, account, job,
    messaging_service, participant, text,
};

/// State of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Messages flow.
    Active,
    /// Nothing happened for a while; the next message makes it active.
    Inactive,
    /// Read-only for good (B-111…B-113).
    Closed,
}

impl State {
    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Closed => "closed",
        }
    }

    /// Reads the word of the API.
    ///
    /// # Errors
    /// 50374 for an empty word, 50386 for `initializing`, 50378 for any other (B-107).
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "active" => Ok(Self::Active),
            "inactive" => Ok(Self::Inactive),
            "closed" => Ok(Self::Closed),
            "" => Err(Error::code(50374)),
            "initializing" => Err(Error::code(50386)),
            _ => Err(Error::code(50378)),
        }
    }
}

/// A conversation.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Its SID.
    pub sid: ConversationSid,
    /// Its account.
    pub account: AccountSid,
    /// Its service.
    pub service: ServiceSid,
    /// What it sends through.
    pub messaging_service: Option<MessagingServiceSid>,
    /// Its name.
    pub friendly_name: Option<String>,
    /// Its name in paths, unique in the service.
    pub unique_name: Option<String>,
    /// JSON text.
    pub attributes: String,
    /// Its state.
    pub state: State,
    /// When the state last changed.
    pub state_at: Timestamp,
    /// `system` or the identity that made it.
    pub created_by: String,
    /// Sender address for e-mail.
    pub email_address: Option<String>,
    /// Sender name for e-mail.
    pub email_name: Option<String>,
    /// Count of all changes in it.
    pub seq: i64,
    /// Count at the last change of the conversation itself.
    pub document_seq: i64,
    /// Index of the next message.
    pub next_index: i64,
    /// Index of the last message that still exists.
    pub last_message_index: Option<i64>,
    /// Its time.
    pub last_message_at: Option<Timestamp>,
    /// Messages that exist.
    pub messages_count: i64,
    /// Participants.
    pub participants_count: i64,
    /// Of them outside chat.
    pub non_chat_count: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Conversation {
    /// Whether an identity made it. `system` stands for REST callers, whatever a chat user may be called.
    #[must_use]
    pub fn is_creator(&self, identity: &str) -> bool {
        self.created_by == identity && identity != SYSTEM
    }
}

/// Who made what no chat user made.
const SYSTEM: &str = "system";

macro_rules! columns {
    () => {
        "sid, account_sid, service_sid, messaging_service_sid, friendly_name, unique_name, attributes, state, \
         state_at, created_by, email_address, email_name, seq, document_seq, next_index, last_message_index, \
         last_message_at, messages_count, participants_count, non_chat_count, created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<Conversation> {
    Ok(Conversation {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        service: sid(&row.text()?)?,
        messaging_service: opt_sid(row.opt_text()?)?,
        friendly_name: row.opt_text()?,
        unique_name: row.opt_text()?,
        attributes: row.text()?,
        state: State::parse(&row.text()?)?,
        state_at: Timestamp(row.int()?),
        created_by: row.text()?,
        email_address: row.opt_text()?,
        email_name: row.opt_text()?,
        seq: row.int()?,
        document_seq: row.int()?,
        next_index: row.int()?,
        last_message_index: row.opt_int()?,
        last_message_at: row.opt_int()?.map(Timestamp),
        messages_count: row.int()?,
        participants_count: row.int()?,
        non_chat_count: row.int()?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// A conversation of a service by SID or unique name (B-105); `None` when there is none.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut Transaction<'_>, service: ServiceSid, key: &str) -> Result<Option<Conversation>> {
    let row = match ConversationSid::parse(key) {
        Some(conversation) => tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE sid = $1 AND service_sid = $2"
            ),
            params![conversation.to_string(), service.to_string()],
        )?,
        None => tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE service_sid = $1 AND unique_name = $2"
            ),
            params![service.to_string(), key],
        )?,
    };
    row.map(read).transpose()
}

/// As [`find`], with the row locked until the commit: who may do what in it does not change any more. A command
/// checks permissions after this, or a member could still write while his removal is being answered.
pub(crate) fn hold(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    key: &str,
    missing: u32,
) -> Result<Conversation> {
    let row = match ConversationSid::parse(key) {
        Some(conversation) => tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE sid = $1 AND service_sid = $2 {for_update}"
            ),
            params![conversation.to_string(), service.to_string()],
        )?,
        None => tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE service_sid = $1 AND unique_name = $2 {for_update}"
            ),
            params![service.to_string(), key],
        )?,
    };
    row.map(read).transpose()?.ok_or_else(|| Error::code(missing))
}

/// A conversation that is itself what the path names.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, service: ServiceSid, key: &str) -> Result<Conversation> {
    find(tx, service, key)?.ok_or_else(|| Error::code(20404))
}

/// A conversation as the parent of what the path names.
///
/// # Errors
/// 404/50350, or the database's.
pub fn parent(tx: &mut Transaction<'_>, service: ServiceSid, key: &str) -> Result<Conversation> {
    find(tx, service, key)?.ok_or_else(|| Error::code(50350))
}

/// A conversation by SID alone: for jobs and carriers, which found the SID in a row.
///
/// # Errors
/// The database's.
pub fn by_sid(tx: &mut Transaction<'_>, conversation: ConversationSid) -> Result<Option<Conversation>> {
    let row = tx.first(
        concat!("SELECT ", columns!(), " FROM conversation WHERE sid = $1"),
        params![conversation.to_string()],
    )?;
    row.map(read).transpose()
}

/// Which conversations a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created at or before.
    pub to: Option<Timestamp>,
    /// In this state.
    pub state: Option<State>,
}

/// The conversations of a service, newest first (B-129, B-131).
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    filter: &Filter,
    window: &Window,
) -> Result<Page<Conversation>> {
    let from = filter.from.map_or(i64::MIN, |t| t.0);
    let to = filter.to.map_or(i64::MAX, |t| t.0);
    let state = filter.state.map(State::name);
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM conversation WHERE service_sid = $1 AND +created_at >= $2 AND created_at <= $3 \
             AND (CAST($4 AS TEXT) IS NULL OR state = $4) AND (created_at, sid) > ($5, $6) \
             ORDER BY created_at, sid LIMIT $7"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM conversation WHERE service_sid = $1 AND created_at >= $2 AND +created_at <= $3 \
             AND (CAST($4 AS TEXT) IS NULL OR state = $4) AND (created_at, sid) < ($5, $6) \
             ORDER BY created_at DESC, sid DESC LIMIT $7"
        ),
        params: vec![
            service.to_string().into(),
            from.into(),
            to.into(),
            Param::from(state),
        ],
        bounds: &[Bound::Int, Bound::Text],
        // The date range bounds where a list starts; past its first page the key does.
        edge: filter.to.map(|t| KeyPart::Int(t.0)),
        read,
        key: |c| vec![KeyPart::Int(c.created_at.0), KeyPart::Text(c.sid.to_string())],
    }
    .page(tx, Order::Descending, window)
}

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
    /// Word of the state.
    pub state: Option<String>,
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
    fn is_empty(&self) -> bool {
        self.friendly_name.is_none()
            && self.unique_name.is_none()
            && self.attributes.is_none()
            && self.messaging_service.is_none()
            && self.state.is_none()
            && self.email_address.is_none()
            && self.email_name.is_none()
            && self.created_at.is_none()
            && self.updated_at.is_none()
    }

    /// Checks what can be checked without other rows than those of names and messaging services, and writes the
    /// values into the conversation.
    fn fill(&self, tx: &mut Transaction<'_>, cx: &Cx<'_>, into: &mut Conversation) -> Result<()> {
        if let Some(name) = &self.friendly_name {
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
            into.messaging_service = match text.as_str() {
                "" => None,
                text => {
                    let found = MessagingServiceSid::parse(text).ok_or_else(|| Error::code(50341))?;
                    if !messaging_service::exists(tx, into.account, found)? {
                        return Err(Error::code(50342));
                    }
                    Some(found)
                }
            };
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

impl Command for Create {
    type Output = Conversation;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Conversation> {
        role::require(tx, &cx.actor, None, &[Permission::CreateConversation])?;
        let state = match self.fields.state.as_deref() {
            None => State::Active,
            Some(text) => match State::parse(text)? {
                State::Closed => return Err(Error::code(50384)),
                state => state,
            },
        };
        let mut new = Conversation {
            sid: cx.sid(),
            account: self.account,
            service: self.service,
            messaging_service: None,
            friendly_name: None,
            unique_name: None,
            attributes: "{}".into(),
            state,
            state_at: cx.now,
            created_by: cx
                .actor
                .client()
                .map_or_else(|| "system".into(), |c| c.identity.clone()),
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
            created_at: cx.now,
            updated_at: cx.now,
        };
        self.fields.fill(tx, cx, &mut new)?;
        if self.fields.messaging_service.is_none() {
            // B-061
            new.messaging_service =
                account::find(tx, self.account)?.and_then(|a| a.default_messaging_service);
        }
        new.updated_at = self.fields.updated_at.unwrap_or(new.created_at);
        tx.exec(
            concat!(
                "INSERT INTO conversation (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
                 $20, $21, $22)"
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
                new.updated_at.0
            ],
        )
        .map_err(|e| taken(e, ApiError::new(50353)))?;
        Ok(new)
    }
}

/// Locks a conversation's row, takes the next count and gives the row as it is then; counts of one conversation are
/// so committed in their order.
///
/// # Errors
/// `missing` when it does not exist any more.
pub(crate) fn lock(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    missing: u32,
) -> Result<Conversation> {
    let row = tx.first(
        concat!(
            "UPDATE conversation SET seq = seq + 1 WHERE sid = $1 RETURNING ",
            columns!()
        ),
        params![conversation.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(missing))
}

/// As [`lock`] for a conversation that must not be closed (B-111, B-112).
pub(crate) fn lock_open(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    missing: u32,
) -> Result<Conversation> {
    let locked = lock(tx, conversation, missing)?;
    if locked.state == State::Closed {
        Err(Error::code(50377))
    } else {
        Ok(locked)
    }
}

/// Takes the place of one message at the end of an open conversation: its index and count, and makes an inactive
/// conversation active (B-114). One statement, since this is the path that everything is measured by.
pub(crate) fn append(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    conversation: ConversationSid,
    now: Timestamp,
) -> Result<Option<Conversation>> {
    let row = tx.first(
        concat!(
            "UPDATE conversation SET seq = seq + 1, document_seq = seq + 1, next_index = next_index + 1, \
             last_message_index = next_index, last_message_at = $3, messages_count = messages_count + 1, \
             state_at = CASE WHEN state = 'inactive' THEN $3 ELSE state_at END, \
             updated_at = CASE WHEN state = 'inactive' THEN $3 ELSE updated_at END, state = 'active' \
             WHERE sid = $1 AND service_sid = $2 AND state <> 'closed' RETURNING ",
            columns!()
        ),
        params![conversation.to_string(), service.to_string(), now.0],
    )?;
    row.map(read).transpose()
}

/// Changes a conversation (B-014, B-108…B-112).
#[derive(Clone, Debug)]
pub struct Update {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name.
    pub key: String,
    /// New values.
    pub fields: Fields,
}

impl Command for Update {
    type Output = Conversation;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Conversation> {
        let found = hold(tx, self.service, &self.key, 20404)?;
        if let Some(client) = cx.actor.client().cloned() {
            let me = participant::of_client(tx, &found, &client)?;
            if self.fields.friendly_name.is_some() || self.fields.unique_name.is_some() {
                role::require(tx, &cx.actor, Some(&me), &[Permission::EditConversationName])?;
            }
            if self.fields.attributes.is_some() {
                role::require(
                    tx,
                    &cx.actor,
                    Some(&me),
                    &[Permission::EditConversationAttributes],
                )?;
            }
        }
        if self.fields.is_empty() {
            return if found.state == State::Closed {
                Err(Error::code(50377))
            } else {
                Ok(found)
            };
        }
        let mut changed = lock_open(tx, found.sid, 20404)?;
        self.fields.fill(tx, cx, &mut changed)?;
        if let Some(text) = &self.fields.state {
            let state = State::parse(text)?;
            if state != changed.state {
                changed.state = state;
                changed.state_at = cx.now;
            }
            if state == State::Closed {
                // B-172: the number pairs of a closed conversation are free.
                tx.push(
                    "UPDATE participant SET open = 0 WHERE conversation_sid = $1",
                    params![changed.sid.to_string()],
                )?;
            }
        }
        changed.updated_at = self.fields.updated_at.unwrap_or(cx.now);
        changed.document_seq = changed.seq;
        tx.exec(
            "UPDATE conversation SET messaging_service_sid = $2, friendly_name = $3, unique_name = $4, \
             attributes = $5, state = $6, state_at = $7, email_address = $8, email_name = $9, document_seq = $10, \
             created_at = $11, updated_at = $12 WHERE sid = $1",
            params![
                changed.sid.to_string(),
                changed.messaging_service.map(|s| s.to_string()),
                &changed.friendly_name,
                &changed.unique_name,
                &changed.attributes,
                changed.state.name(),
                changed.state_at.0,
                &changed.email_address,
                &changed.email_name,
                changed.document_seq,
                changed.created_at.0,
                changed.updated_at.0
            ],
        )
        .map_err(|e| taken(e, ApiError::new(50353)))?;
        cx.commit(
            Stream::Conversation(changed.sid),
            changed.seq,
            vec![Change::Conversation(Arc::new(changed.clone()))],
        );
        Ok(changed)
    }
}

/// Removes a conversation with all that is in it (B-132); works in every state (B-113).
#[derive(Clone, Debug)]
pub struct Delete {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name.
    pub key: String,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let found = hold(tx, self.service, &self.key, 20404)?;
        if let Some(client) = cx.actor.client().cloned() {
            let me = participant::of_client(tx, &found, &client)?;
            role::require(tx, &cx.actor, Some(&me), &[Permission::DeleteConversation])?;
        }
        remove(tx, cx, &found)
    }
}

/// Removes the row and its participants at once, so that it is gone for every caller and its number pairs are free;
/// messages and receipts, which nothing can reach any more, go in small steps behind it: one transaction over a
/// million rows would keep all other writers waiting.
pub(crate) fn remove(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, found: &Conversation) -> Result<()> {
    let locked = lock(tx, found.sid, 20404)?;
    // realtime.md §4.11: each member first loses its own entry, then the conversation goes.
    for member in participant::of_conversation_all(tx, locked.sid)? {
        participant::leave_user_stream(tx, cx, &member, Change::LeftRemoved)?;
    }
    tx.push(
        "DELETE FROM participant WHERE conversation_sid = $1",
        params![locked.sid.to_string()],
    )?;
    tx.push(
        "DELETE FROM conversation WHERE sid = $1",
        params![locked.sid.to_string()],
    )?;
    job::add(
        tx,
        cx,
        &job::Kind::Purge {
            conversation: locked.sid,
        },
        cx.now,
    )?;
    cx.emit(Effect::JobsWaiting);
    cx.commit(
        Stream::Conversation(locked.sid),
        locked.seq,
        vec![Change::ConversationRemoved],
    );
    Ok(())
}

/// Rows that one step of a purge removes.
const PURGE_STEP: i64 = 500;

/// One step of the clean-up behind [`remove`]; `true` when nothing is left.
#[derive(Clone, Debug)]
pub struct Purge {
    /// The conversation that was removed.
    pub conversation: ConversationSid,
}

impl Command for Purge {
    type Output = bool;

    fn apply(&self, tx: &mut Transaction<'_>, _: &mut Cx<'_>) -> Result<bool> {
        let conversation = self.conversation.to_string();
        let rows = tx.query(
            "SELECT idx, sid FROM message WHERE conversation_sid = $1 ORDER BY idx LIMIT $2",
            params![&conversation, PURGE_STEP],
        )?;
        let mut last = None;
        for mut row in rows {
            last = Some(row.int()?);
            tx.push("DELETE FROM receipt WHERE message_sid = $1", params![row.text()?])?;
        }
        if let Some(last) = last {
            tx.push(
                "DELETE FROM message WHERE conversation_sid = $1 AND idx <= $2",
                params![&conversation, last],
            )?;
            return Ok(false);
        }
        tx.push("DELETE FROM tombstone WHERE stream = $1", params![&conversation])?;
        Ok(true)
    }
}
