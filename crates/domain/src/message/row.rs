//! The row of a message.

use confab_store::{Row, params};
use confab_types::{
    AccountSid, ContentSid, ConversationSid, MessageSid, ParticipantSid, ServiceSid, Sid, Timestamp,
};

use crate::conversation::Conversation;
use crate::media::{self, Attachment};
use crate::sync::{opt_sid, sid};
use crate::{Result, Transaction};

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
pub(super) use columns;

/// A row does not repeat what its conversation says.
pub(super) fn read(conversation: &Conversation, row: Row) -> Result<Message> {
    Ok(within(conversation, read_bare(row)?))
}

pub(super) fn within(conversation: &Conversation, mut message: Message) -> Message {
    message.account = conversation.account;
    message.service = conversation.service;
    message.conversation = conversation.sid;
    message
}

/// A message whose conversation is still to be filled in by [`within`].
pub(super) fn read_bare(mut row: Row) -> Result<Message> {
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

pub(super) fn insert(tx: &mut Transaction<'_>, message: &Message) -> Result<()> {
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
