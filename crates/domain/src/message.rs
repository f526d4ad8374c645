//! Messages (rest.md §2.2): the order of a conversation, and what is sent on to phones.

use std::sync::Arc;

use confab_store::{Row, params};
use confab_types::{
    AccountSid, ContentSid, ConversationSid, KeyPart, MediaSid, MessageSid, ParticipantSid, ServiceSid, Sid,
    Timestamp,
};

use crate::content;
use crate::conversation::{self, Conversation, Place, State};
use crate::error::Error;
use crate::event::Event;
use crate::hook::{self, Answer, Asks, Cause, Occurrence, Verb};
use crate::list::{Bound, Listing};
use crate::media::{self, Attachment};
use crate::participant::{self, Participant};
use crate::role::{self, Permission};
use crate::sync::{self, Tombstone, opt_sid, sid};
use crate::{Change, Command, Counted, Cx, Order, Page, Result, Stream, Transaction, Window, receipt, text};

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its SID.
    pub sid: MessageSid,
    /// Its account.
    pub account: AccountSid,
    /// Its service.
    pub service: ServiceSid,
    /// Its conversation.
    pub conversation: ConversationSid,
    /// Its place: 0, 1, 2 …, never used again (B-231, B-232).
    pub index: i64,
    /// Count of the conversation at its last change.
    pub seq: i64,
    /// Count of the conversation at its creation.
    pub created_seq: i64,
    /// Identity, address or free text (B-233).
    pub author: String,
    /// The participant that the author was (B-234).
    pub participant: Option<ParticipantSid>,
    /// Its text.
    pub body: Option<String>,
    /// Its subject; not shown by REST.
    pub subject: Option<String>,
    /// JSON text.
    pub attributes: String,
    /// Summary of its receipts as JSON, once there is one (B-358).
    pub delivery: Option<String>,
    /// Who edited it last.
    pub last_updated_by: Option<String>,
    /// The template that made its text.
    pub content: Option<ContentSid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its media (B-274).
    pub media: Vec<Attachment>,
}

macro_rules! columns {
    () => {
        "idx, sid, seq, created_seq, author, participant_sid, body, subject, attributes, delivery, \
         last_updated_by, content_sid, created_at, updated_at, media"
    };
}

/// A row does not repeat what its conversation says.
fn read(conversation: &Conversation, row: Row) -> Result<Message> {
    Ok(within(conversation, read_bare(row)?))
}

fn within(conversation: &Conversation, mut message: Message) -> Message {
    message.account = conversation.account;
    message.service = conversation.service;
    message.conversation = conversation.sid;
    message
}

/// A message by SID.
///
/// # Errors
/// 404/50500, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, conversation: &Conversation, key: &str) -> Result<Message> {
    let Some(sid) = MessageSid::parse(key) else {
        return Err(Error::code(50500));
    };
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM message WHERE sid = $1 AND conversation_sid = $2"
        ),
        params![sid.to_string(), conversation.sid.to_string()],
    )?;
    row.map(|r| read(conversation, r))
        .transpose()?
        .ok_or_else(|| Error::code(50500))
}

/// The messages of a conversation by index (B-240).
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    conversation: &Conversation,
    order: Order,
    window: &Window,
) -> Result<Page<Message>> {
    let page = Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM message WHERE conversation_sid = $1 AND idx > $2 ORDER BY idx LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM message WHERE conversation_sid = $1 AND idx < $2 ORDER BY idx DESC LIMIT $3"
        ),
        params: params![conversation.sid.to_string()].to_vec(),
        bounds: &[Bound::Int],
        edge: None,
        read: read_bare,
        key: |m| vec![KeyPart::Int(m.index)],
    }
    .page(tx, order, window)?;
    Ok(page.map(|message| within(conversation, message)))
}

/// A message whose conversation is still to be filled in by [`within`].
fn read_bare(mut row: Row) -> Result<Message> {
    Ok(Message {
        account: AccountSid::from_bits(0),
        service: ServiceSid::from_bits(0),
        conversation: ConversationSid::from_bits(0),
        index: row.int()?,
        sid: sid(&row.text()?)?,
        seq: row.int()?,
        created_seq: row.int()?,
        author: row.text()?,
        participant: opt_sid(row.opt_text()?)?,
        body: row.opt_text()?,
        subject: row.opt_text()?,
        attributes: row.text()?,
        delivery: row.opt_text()?,
        last_updated_by: row.opt_text()?,
        content: opt_sid(row.opt_text()?)?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
        media: media::read_attachments(row.opt_text()?)?,
    })
}

/// Messages that were changed (not made) after a count, by their count.
pub(crate) fn changed_after(
    tx: &mut Transaction<'_>,
    conversation: &Conversation,
    after: i64,
    most: i64,
) -> Result<Vec<Message>> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM message WHERE conversation_sid = $1 AND seq > $2 AND seq <> created_seq ORDER BY seq LIMIT $3"
        ),
        params![conversation.sid.to_string(), after, most],
    )?;
    rows.into_iter().map(|r| read(conversation, r)).collect()
}

/// Count at the creation of the first message at or after an index.
pub(crate) fn created_seq_from(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    index: i64,
) -> Result<Option<i64>> {
    let row = tx.first(
        "SELECT created_seq FROM message WHERE conversation_sid = $1 AND idx >= $2 ORDER BY idx LIMIT 1",
        params![conversation.to_string(), index],
    )?;
    Ok(row.map(|mut r| r.int()).transpose()?)
}

/// How many messages of a conversation follow an index, at most 1000 (B-575). Rows are counted only where messages
/// were removed.
///
/// # Errors
/// The database's.
pub fn unread(tx: &mut Transaction<'_>, conversation: &Conversation, index: i64) -> Result<i64> {
    let behind = (conversation.next_index - 1).saturating_sub(index).max(0);
    if behind == 0 || conversation.messages_count == conversation.next_index {
        return Ok(behind.min(MOST_UNREAD));
    }
    let row = tx.first(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT 1 AS one FROM message \
         WHERE conversation_sid = $1 AND idx > $2 LIMIT $3) AS unread",
        params![conversation.sid.to_string(), index, MOST_UNREAD],
    )?;
    Ok(row.map_or(Ok(0), |mut r| r.int())?)
}

/// The messages of a conversation from an index on, at most `most`.
///
/// # Errors
/// The database's.
pub(crate) fn from_index(
    tx: &mut Transaction<'_>,
    conversation: &Conversation,
    index: i64,
    most: i64,
) -> Result<Vec<Message>> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM message WHERE conversation_sid = $1 AND idx >= $2 ORDER BY idx LIMIT $3"
        ),
        params![conversation.sid.to_string(), index, most],
    )?;
    rows.into_iter().map(|r| read(conversation, r)).collect()
}

/// More unread messages are not counted.
const MOST_UNREAD: i64 = 1000;

/// Posts a message (B-231…B-238).
#[derive(Clone, Debug)]
pub struct Create {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// Author; a client is always his own.
    pub author: Option<String>,
    /// Text.
    pub body: Option<String>,
    /// Subject of at most 256 characters (B-244).
    pub subject: Option<String>,
    /// JSON text of at most 4 KB.
    pub attributes: Option<String>,
    /// The template that makes its text; `body` then counts for nothing (B-782).
    pub content: content::Reference,
    /// Instead of the present; the index follows arrival all the same (B-243).
    pub created_at: Option<Timestamp>,
    /// Instead of the present.
    pub updated_at: Option<Timestamp>,
    /// SIDs of its media.
    pub media: Vec<String>,
}

impl Create {
    /// Checks what needs no rows; gives attributes, template and media.
    fn check(&self, cx: &Cx<'_>) -> Result<(String, Option<content::Chosen>, Vec<MediaSid>)> {
        let mut content = self.content.check()?;
        let body = match &cx.answer.body {
            Some(body) => {
                content = None; // The text of the template was asked about; another one takes its place.
                Some(body.as_str())
            }
            None => self.body.as_deref(),
        };
        let media = match content {
            Some(_) => Vec::new(), // B-782
            None => media::parse(&self.media)?,
        };
        // The SDK sends "" for a null body and shows the message; REST refuses a message without content.
        let empty_is_text = !matches!(cx.actor, crate::Actor::Rest) || !media.is_empty();
        match body {
            _ if content.is_some() => {}
            None if empty_is_text => {}
            None | Some("") if !empty_is_text => return Err(Error::code(50503)),
            Some(body) if body.len() > cx.limits.message_body_bytes => return Err(Error::code(50504)),
            _ => {}
        }
        let author = cx.answer.author.as_deref().or(self.author.as_deref());
        text::at_most(author.unwrap_or(""), cx.limits.identity_chars, 50310)?;
        if self.subject.as_deref().is_some_and(|s| s.chars().count() > 256) {
            return Err(confab_types::ApiError::invalid("Subject").into());
        }
        let attributes = cx.answer.attributes.as_deref().or(self.attributes.as_deref());
        let attributes = text::attributes(attributes, cx.limits.message_attributes_bytes)?;
        Ok((attributes.unwrap_or_else(|| "{}".into()), content, media))
    }

    /// Media and text have a permission each (B-668).
    fn permit(&self, tx: &mut Transaction<'_>, cx: &Cx<'_>, me: &Participant, has_media: bool) -> Result<()> {
        if has_media {
            role::require(tx, &cx.actor, Some(me), &[Permission::SendMediaMessage])?;
        }
        if !has_media || self.body.as_deref().is_some_and(|body| !body.is_empty()) {
            role::require(tx, &cx.actor, Some(me), &[Permission::SendMessage])?;
        }
        Ok(())
    }
}

impl Command for Create {
    type Output = Message;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Message> {
        let (attributes, content, media) = self.check(cx)?;
        let conversation = if let Some(client) = cx.actor.client().cloned() {
            // Looked up once: a name may pass to another conversation meanwhile.
            let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
            let me = participant::of_client(tx, &found, &client)?;
            self.permit(tx, cx, &me, !media.is_empty())?;
            found.sid
        } else {
            match ConversationSid::parse(&self.conversation) {
                Some(sid) => sid,
                None => conversation::parent(tx, self.service, &self.conversation)?.sid,
            }
        };
        let Some(place) = conversation::append(tx, cx, self.service, conversation)? else {
            conversation::parent(tx, self.service, &self.conversation)?.require_open()?;
            return Err(confab_store::Error::Retry("the conversation was just opened".into()).into());
        };
        self.post(tx, cx, place, attributes, content, &media)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.conversation)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::MessageAdd)
    }
}

impl Create {
    /// Posts into a public channel of Chat, which [`Command::apply`] does not find.
    pub(crate) fn apply_in_public(
        &self,
        tx: &mut Transaction<'_>,
        cx: &mut Cx<'_>,
        channel: ConversationSid,
    ) -> Result<Message> {
        let (attributes, content, media) = self.check(cx)?;
        let Some(place) = conversation::append_public(tx, cx, channel)? else {
            return Err(confab_store::Error::Retry("the channel was just made private".into()).into());
        };
        self.post(tx, cx, place, attributes, content, &media)
    }

    /// Posts at the place that was taken in a conversation.
    fn post(
        &self,
        tx: &mut Transaction<'_>,
        cx: &mut Cx<'_>,
        place: Place,
        attributes: String,
        content: Option<content::Chosen>,
        media: &[MediaSid],
    ) -> Result<Message> {
        let at = place.at;
        let body = match &content {
            None => cx.answer.body.clone().or_else(|| self.body.clone()),
            Some(content) => content.text(tx, at.account, cx.limits)?, // B-784
        };
        let is_long = |body: &str| body.chars().count() > cx.limits.sms_body_chars;
        let inbound = matches!(cx.actor, crate::Actor::Carrier);
        if at.non_chat_count > 0 && !inbound && body.as_deref().is_some_and(is_long) {
            return Err(Error::code(50504)); // B-236
        }
        let own = cx.actor.client().map(|c| c.identity.clone());
        let own = own.or_else(|| self.author.as_deref().and_then(text::cleared));
        let given = cx.answer.author.as_deref().and_then(text::cleared).or(own);
        let writer = match &given {
            // The phone that wrote, also if a chat user is called like its number.
            Some(author) if inbound => participant::by_address(tx, at.sid, author)?,
            Some(author) => participant::by_author(tx, at.sid, author)?,
            None => None,
        };
        let sid = cx.sid();
        let media = media::attach(tx, cx, &at, sid, media)?;
        let message = Message {
            sid,
            account: at.account,
            service: at.service,
            conversation: at.sid,
            index: at.next_index - 1,
            seq: at.seq,
            created_seq: at.seq,
            author: given.unwrap_or_else(|| "system".into()),
            participant: writer.as_ref().map(|p| p.sid),
            // An empty text beside media is none (B-449).
            body: body.filter(|b| media.is_empty() || !b.is_empty()),
            subject: self.subject.as_deref().and_then(text::cleared),
            attributes,
            delivery: None,
            last_updated_by: None,
            content: content.map(|c| c.sid),
            created_at: self.created_at.unwrap_or(cx.now),
            updated_at: self.updated_at.or(self.created_at).unwrap_or(cx.now),
            media,
        };
        let message = send_on(tx, cx, &at, message, writer.as_ref())?;
        insert(tx, &message)?;
        hook::fire(tx, cx, &Occurrence::Message(Verb::Added, &message, &at))?;
        if place.awakened {
            let (of, from, cause) = (&at, State::Inactive, Cause::Event);
            hook::fire(tx, cx, &Occurrence::State { of, from, cause })?; // B-114
        }
        let (stream, seq) = (Stream::Conversation(at.sid), at.seq);
        cx.commit(
            stream,
            seq,
            vec![
                Change::MessageAdded(Arc::new(message.clone())),
                Change::Conversation(Arc::new(at)),
            ],
        );
        Ok(message)
    }
}

/// Makes a receipt and a job for everybody outside chat but the author (B-238, B-239, B-351).
fn send_on(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    at: &Conversation,
    mut message: Message,
    writer: Option<&Participant>,
) -> Result<Message> {
    if at.non_chat_count == 0 {
        return Ok(message);
    }
    let mut statuses = Vec::new();
    for delivery in participant::deliveries(tx, cx, at, writer)? {
        statuses.extend(receipt::create(tx, cx, at, &message, &delivery)?);
    }
    if !statuses.is_empty() {
        message.delivery = Some(receipt::Summary::of(&statuses).json());
    }
    Ok(message)
}

fn insert(tx: &mut Transaction<'_>, message: &Message) -> Result<()> {
    tx.push(
        concat!(
            "INSERT INTO message (conversation_sid, ",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
        ),
        params![
            message.conversation.to_string(),
            message.index,
            message.sid.to_string(),
            message.seq,
            message.created_seq,
            &message.author,
            message.participant.map(|p| p.to_string()),
            &message.body,
            &message.subject,
            &message.attributes,
            &message.delivery,
            &message.last_updated_by,
            message.content.map(|c| c.to_string()),
            message.created_at.0,
            message.updated_at.0,
            media::write_attachments(&message.media)
        ],
    )?;
    Ok(())
}

/// Changes a message; nothing is sent again (B-241).
#[derive(Clone, Debug)]
pub struct Update {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// SID of the message.
    pub key: String,
    /// New author.
    pub author: Option<String>,
    /// New text.
    pub body: Option<String>,
    /// New subject.
    pub subject: Option<String>,
    /// JSON text.
    pub attributes: Option<String>,
    /// Instead of what it is.
    pub created_at: Option<Timestamp>,
    /// Instead of the present.
    pub updated_at: Option<Timestamp>,
}

impl Update {
    fn is_empty(&self) -> bool {
        self.author.is_none()
            && self.body.is_none()
            && self.subject.is_none()
            && self.attributes.is_none()
            && self.created_at.is_none()
            && self.updated_at.is_none()
    }

    fn permit(
        &self,
        tx: &mut Transaction<'_>,
        cx: &Cx<'_>,
        conversation: &Conversation,
        key: &str,
    ) -> Result<()> {
        let Some(client) = cx.actor.client() else {
            return Ok(());
        };
        let me = participant::of_client(tx, conversation, client)?;
        let own = fetch(tx, conversation, key)?.author == client.identity; // B-671
        let needed = |own_one, any_one| {
            if own {
                vec![own_one, any_one]
            } else {
                vec![any_one]
            }
        };
        if self.body.is_some() {
            let needed = needed(Permission::EditOwnMessage, Permission::EditAnyMessage);
            role::require(tx, &cx.actor, Some(&me), &needed)?;
        }
        if self.attributes.is_some() {
            let needed = needed(
                Permission::EditOwnMessageAttributes,
                Permission::EditAnyMessageAttributes,
            );
            role::require(tx, &cx.actor, Some(&me), &needed)?;
        }
        Ok(())
    }
}

impl Command for Update {
    type Output = Message;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Message> {
        let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
        self.permit(tx, cx, &found, &self.key)?;
        let present = fetch(tx, &found, &self.key)?;
        if self.is_empty() && cx.answer == Answer::default() {
            if found.state == State::Closed {
                return Err(Error::code(50377));
            }
            hook::fire(tx, cx, &Occurrence::Message(Verb::Updated, &present, &found))?; // B-466
            return Ok(present);
        }
        let locked = conversation::lock_open(tx, found.sid, 50350)?;
        let mut changed = fetch(tx, &locked, &self.key)?;
        // What a webhook puts in, the caller needs no permission for (B-400).
        let answer = cx.answer.clone();
        if let Some(author) = answer.author.as_ref().or(self.author.as_ref()) {
            text::at_most(author, cx.limits.identity_chars, 50310)?;
            let author = text::cleared(author).unwrap_or_else(|| "system".into());
            changed.participant = participant::by_author(tx, locked.sid, &author)?.map(|p| p.sid);
            changed.author = author;
        }
        if let Some(body) = answer.body.as_ref().or(self.body.as_ref()) {
            if body.is_empty() && cx.actor.client().is_none() {
                return Err(Error::code(50503));
            }
            let too_long = body.len() > cx.limits.message_body_bytes
                || (locked.non_chat_count > 0 && body.chars().count() > cx.limits.sms_body_chars);
            if too_long {
                return Err(Error::code(50504));
            }
            changed.body = Some(body.clone());
        }
        if let Some(subject) = &self.subject {
            if subject.chars().count() > 256 {
                return Err(confab_types::ApiError::invalid("Subject").into());
            }
            changed.subject = text::cleared(subject);
        }
        let attributes = answer.attributes.as_deref().or(self.attributes.as_deref());
        if let Some(attributes) = text::attributes(attributes, cx.limits.message_attributes_bytes)? {
            changed.attributes = attributes;
        }
        changed.created_at = self.created_at.unwrap_or(changed.created_at);
        changed.updated_at = self.updated_at.unwrap_or(cx.now);
        changed.last_updated_by = Some(
            cx.actor
                .client()
                .map_or_else(|| "system".into(), |c| c.identity.clone()),
        );
        changed.seq = locked.seq;
        tx.push(
            "UPDATE message SET seq = $3, author = $4, participant_sid = $5, body = $6, subject = $7, \
             attributes = $8, last_updated_by = $9, created_at = $10, updated_at = $11 \
             WHERE conversation_sid = $1 AND idx = $2",
            params![
                locked.sid.to_string(),
                changed.index,
                changed.seq,
                &changed.author,
                changed.participant.map(|p| p.to_string()),
                &changed.body,
                &changed.subject,
                &changed.attributes,
                &changed.last_updated_by,
                changed.created_at.0,
                changed.updated_at.0
            ],
        )?;
        cx.commit(
            Stream::Conversation(locked.sid),
            locked.seq,
            vec![Change::MessageUpdated(Arc::new(changed.clone()))],
        );
        hook::fire(tx, cx, &Occurrence::Message(Verb::Updated, &changed, &locked))?;
        Ok(changed)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.conversation)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::MessageUpdate)
    }
}

/// Stores a new summary of a message's receipts and tells clients (realtime.md §4.11), of what came with it also.
pub(crate) fn set_delivery(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    locked: &Conversation,
    mut message: Message,
    summary: String,
    also: Option<Change>,
) -> Result<()> {
    message.delivery = Some(summary);
    message.seq = locked.seq;
    tx.push(
        "UPDATE message SET seq = $3, delivery = $4 WHERE conversation_sid = $1 AND idx = $2",
        params![
            locked.sid.to_string(),
            message.index,
            message.seq,
            &message.delivery
        ],
    )?;
    cx.commit(
        Stream::Conversation(locked.sid),
        locked.seq,
        std::iter::once(Change::MessageUpdated(Arc::new(message)))
            .chain(also)
            .collect(),
    );
    Ok(())
}

/// Removes a message with its media and receipts; indexes of others stay (B-232, B-242).
#[derive(Clone, Debug)]
pub struct Delete {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// SID of the message.
    pub key: String,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
        if let Some(client) = cx.actor.client().cloned() {
            let me = participant::of_client(tx, &found, &client)?;
            let own = fetch(tx, &found, &self.key)?.author == client.identity;
            let needed: &[Permission] = if own {
                &[Permission::DeleteOwnMessage, Permission::DeleteAnyMessage]
            } else {
                &[Permission::DeleteAnyMessage]
            };
            role::require(tx, &cx.actor, Some(&me), needed)?;
        }
        fetch(tx, &found, &self.key)?;
        let mut locked = conversation::lock_open(tx, found.sid, 50350)?;
        let message = fetch(tx, &locked, &self.key)?;
        tx.push(
            "DELETE FROM message WHERE conversation_sid = $1 AND idx = $2",
            params![locked.sid.to_string(), message.index],
        )?;
        tx.push(
            "DELETE FROM receipt WHERE message_sid = $1",
            params![message.sid.to_string()],
        )?;
        media::remove_of_message(tx, cx, &message.media)?;
        let stone = Tombstone {
            seq: locked.seq,
            created_seq: message.created_seq,
            item: message.index.to_string(),
            data: sync::removed_message(&message),
            removed_at: cx.now,
        };
        sync::bury(tx, &locked.sid.to_string(), sync::MESSAGE, &stone)?;
        locked.messages_count -= 1;
        let mut changes = vec![Change::MessageRemoved(Arc::new(stone))];
        if locked.last_message_index == Some(message.index) {
            let row = tx.first(
                "SELECT idx, created_at FROM message WHERE conversation_sid = $1 ORDER BY idx DESC LIMIT 1",
                params![locked.sid.to_string()],
            )?;
            (locked.last_message_index, locked.last_message_at) = match row {
                Some(mut row) => (Some(row.int()?), Some(Timestamp(row.int()?))),
                None => (None, None),
            };
            locked.document_seq = locked.seq;
            changes.push(Change::Conversation(Arc::new(locked.clone())));
        }
        tx.push(
            "UPDATE conversation SET messages_count = $2, last_message_index = $3, last_message_at = $4, \
             document_seq = $5 WHERE sid = $1",
            params![
                locked.sid.to_string(),
                locked.messages_count,
                locked.last_message_index,
                locked.last_message_at.map(|t| t.0),
                locked.document_seq
            ],
        )?;
        cx.commit(Stream::Conversation(locked.sid), locked.seq, changes);
        hook::fire(tx, cx, &Occurrence::Message(Verb::Removed, &message, &locked))
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.conversation)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::MessageRemove)
    }
}
