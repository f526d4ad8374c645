//! Media (rest.md §3): files that are uploaded first and then sent with one message.
//!
//! The bytes are with an object store under the SID; here is the row. What keeps both together through a crash:
//! the row is there before the first byte ([`Reserve`]), with a job ([`Collect`]) that removes row and bytes unless a
//! message took them; and a row that goes leaves a job for its bytes, which runs after the commit.

use confab_store::{Row, params};
use confab_types::{
    AccountSid, ApiError, ConversationSid, MediaSid, MessageSid, ServiceSid, Sid, Timestamp, UserSid,
};
use serde::{Deserialize, Serialize};

use crate::conversation::{self, Conversation};
use crate::error::Error;
use crate::job::{self, Kind};
use crate::sync::{opt_sid, sid};
use crate::{Actor, Command, Counted, Cx, Effect, Result, Transaction, participant, service, user};

/// Time in which a message must take a medium, seconds (B-277).
pub const UNATTACHED_SECONDS: i64 = 300;
/// Longest time of an upload, seconds: then its row is collected, and what still comes in is refused.
pub const UPLOAD_SECONDS: i64 = 600;
/// Media of one message (realtime.md C1).
pub const PER_MESSAGE: usize = 10;

/// What a medium is for (rest.md §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Category {
    /// An attachment.
    #[default]
    Media,
    /// A body in another format.
    Body,
    /// Earlier mails of a thread.
    History,
}

impl Category {
    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Media => "media",
            Self::Body => "body",
            Self::History => "history",
        }
    }

    /// Reads the word of the API.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Media, Self::Body, Self::History]
            .into_iter()
            .find(|c| c.name() == text)
    }
}

/// A medium whose bytes are stored.
#[derive(Clone, Debug)]
pub struct Media {
    /// Its SID.
    pub sid: MediaSid,
    /// Its account.
    pub account: AccountSid,
    /// Its service; none while a file that a phone sent waits for its message.
    pub service: Option<ServiceSid>,
    /// The chat user who uploaded it.
    pub uploader: Option<UserSid>,
    /// Identity or address of the sender, `system` for REST (B-286).
    pub author: String,
    /// What it is for.
    pub category: Category,
    /// Its name, where one was given.
    pub filename: Option<String>,
    /// Its MIME type.
    pub content_type: String,
    /// Its bytes (B-272). While they come in the row has what they will be at most.
    pub size: i64,
    /// The message that it was sent with (B-273).
    pub message: Option<MessageSid>,
    /// The conversation of that.
    pub conversation: Option<ConversationSid>,
    /// The message of the log that keeps it, as no conversation took it.
    pub log: Option<String>,
    /// When its upload began.
    pub created_at: Timestamp,
    /// When its bytes were stored.
    pub stored_at: Timestamp,
    /// When a message took it, the one change that it has (B-279).
    pub attached_at: Option<Timestamp>,
}

macro_rules! columns {
    () => {
        "sid, account_sid, service_sid, uploader_sid, author, category, filename, content_type, size, message_sid, \
         conversation_sid, log_sid, created_at, attached_at, stored_at"
    };
}

/// `None` while the bytes come in.
fn read(mut row: Row) -> Result<Option<Media>> {
    let mut media = Media {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        service: opt_sid(row.opt_text()?)?,
        uploader: opt_sid(row.opt_text()?)?,
        author: row.text()?,
        category: Category::parse(&row.text()?).unwrap_or_default(),
        filename: row.opt_text()?,
        content_type: row.text()?,
        size: row.int()?,
        message: opt_sid(row.opt_text()?)?,
        conversation: opt_sid(row.opt_text()?)?,
        log: row.opt_text()?,
        created_at: Timestamp(row.int()?),
        attached_at: row.opt_int()?.map(Timestamp),
        stored_at: Timestamp(0),
    };
    Ok(row.opt_int()?.map(|at| {
        media.stored_at = Timestamp(at);
        media
    }))
}

impl Media {
    /// Whether it counts as deleted though its job has not run yet.
    fn is_expired(&self, now: Timestamp) -> bool {
        self.message.is_none() && self.log.is_none() && self.stored_at.plus_seconds(UNATTACHED_SECONDS) <= now
    }
}

/// A medium that can be read now, whoever asks: for temporary URLs, which are their own permission.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut Transaction<'_>, media: MediaSid, now: Timestamp) -> Result<Option<Media>> {
    let row = tx.first(
        concat!("SELECT ", columns!(), " FROM media WHERE sid = $1"),
        params![media.to_string()],
    )?;
    let found = row
        .map(read)
        .transpose()?
        .flatten()
        .filter(|m| !m.is_expired(now));
    let Some(conversation) = found.as_ref().and_then(|m| m.conversation) else {
        return Ok(found);
    };
    // A removed conversation has no media for anybody, though a purge may still be on its way to them.
    let exists = conversation::exists(tx, conversation)?;
    Ok(found.filter(|_| exists))
}

/// A medium of a service for a caller.
///
/// # Errors
/// 404/20404; 403/50430 for a client who neither uploaded it nor participates in its conversation; the database's.
pub fn fetch(
    tx: &mut Transaction<'_>,
    actor: &Actor,
    service: ServiceSid,
    key: &str,
    now: Timestamp,
) -> Result<Media> {
    let missing = || Error::code(20404);
    let media = MediaSid::parse(key).ok_or_else(missing)?;
    let found = find(tx, media, now)?
        .filter(|m| m.service == Some(service))
        .ok_or_else(missing)?;
    let Some(client) = actor.client() else {
        return Ok(found);
    };
    let may_read = found.uploader == Some(client.user)
        || match found.conversation {
            Some(conversation) => participant::of_client_if(tx, conversation, client)?.is_some(),
            None => false,
        };
    if may_read {
        Ok(found)
    } else {
        Err(Error::code(50430))
    }
}

/// Where an upload goes.
#[derive(Clone, Debug)]
pub enum Owner {
    /// A service: the upload of a REST caller or chat user.
    Service(ServiceSid),
    /// A phone whose message is not in a conversation yet.
    Phone {
        /// The account that gets the message.
        account: AccountSid,
        /// The phone.
        address: String,
    },
}

/// Takes a SID for bytes that are about to come in.
#[derive(Clone, Debug)]
pub struct Reserve {
    /// Where it goes.
    pub owner: Owner,
    /// What it is for.
    pub category: Category,
    /// Its name, at most 256 characters.
    pub filename: Option<String>,
    /// Bytes that will come at most.
    pub bytes: i64,
}

impl Reserve {
    /// Refuses a chat user who has too much lying about that no message took: it is collected after some minutes, and
    /// until then nobody is to fill the disk with it. One medium of any size is always taken.
    ///
    /// # Errors
    /// 429/20429, since the same upload is taken later; 404/20404 for a user who is gone.
    fn admit(&self, tx: &mut Transaction<'_>, cx: &Cx<'_>) -> Result<()> {
        let Some(client) = cx.actor.client() else {
            return Ok(());
        };
        // The lock orders his uploads, so that those that begin at the same time see each other.
        user::hold(tx, client.service, client.user)?.ok_or_else(|| Error::code(20404))?;
        let row = tx.first(
            "SELECT CAST(COUNT(*) AS BIGINT), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM media \
             WHERE uploader_sid = $1 AND message_sid IS NULL",
            params![client.user.to_string()],
        )?;
        let (count, bytes) = match row {
            Some(mut row) => (row.int()?, row.int()?),
            None => (0, 0),
        };
        let too_many = count >= cx.limits.unattached_media;
        let too_much = bytes.saturating_add(self.bytes) > cx.limits.unattached_media_bytes;
        if count > 0 && (too_many || too_much) {
            return Err(ApiError::new(20429)
                .message("Too many uploaded files wait to be sent with a message")
                .into());
        }
        Ok(())
    }
}

impl Command for Reserve {
    type Output = MediaSid;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<MediaSid> {
        if self.filename.as_ref().is_some_and(|n| n.chars().count() > 256) {
            return Err(ApiError::invalid("Filename").into());
        }
        let client = cx.actor.client();
        let uploader = client.map(|c| c.user.to_string());
        let (account, service, author) = match &self.owner {
            Owner::Service(service) => {
                let found = service::find(tx, *service)?.ok_or_else(|| Error::code(20404))?;
                let author = client.map_or_else(|| "system".to_owned(), |c| c.identity.clone());
                (found.account, Some(service.to_string()), author)
            }
            Owner::Phone { account, address } => (*account, None, address.clone()),
        };
        self.admit(tx, cx)?;
        let media: MediaSid = cx.sid();
        tx.push(
            concat!(
                "INSERT INTO media (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, NULL, NULL, NULL, $9, NULL, NULL)"
            ),
            params![
                media.to_string(),
                account.to_string(),
                service,
                uploader,
                author,
                self.category.name(),
                &self.filename,
                self.bytes,
                cx.now.0
            ],
        )?;
        let at = cx.now.plus_seconds(UNATTACHED_SECONDS);
        job::add(tx, cx, &Kind::CollectMedia { media }, at)?;
        Ok(media)
    }

    fn counted(&self) -> Counted<'_> {
        match &self.owner {
            Owner::Service(service) => Counted::Service(*service),
            Owner::Phone { .. } => Counted::Nothing,
        }
    }
}

/// The bytes of a reserved medium are stored for good.
#[derive(Clone, Debug)]
pub struct Complete {
    /// The medium.
    pub media: MediaSid,
    /// Its MIME type.
    pub content_type: String,
    /// Its bytes.
    pub size: i64,
}

impl Command for Complete {
    type Output = Media;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Media> {
        let row = tx.first(
            concat!(
                "UPDATE media SET content_type = $2, size = $3, stored_at = $4 \
                 WHERE sid = $1 AND stored_at IS NULL RETURNING ",
                columns!()
            ),
            params![self.media.to_string(), &self.content_type, self.size, cx.now.0],
        )?;
        // Its service was deleted meanwhile, or the upload took too long.
        row.map(read)
            .transpose()?
            .flatten()
            .ok_or_else(|| Error::code(20404))
    }
}

/// An upload that did not come to its end. The bytes go with the job.
#[derive(Clone, Debug)]
pub struct Discard {
    /// The reserved medium.
    pub media: MediaSid,
}

impl Command for Discard {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let gone = tx.exec(
            "DELETE FROM media WHERE sid = $1 AND stored_at IS NULL",
            params![self.media.to_string()],
        )?;
        if gone > 0 {
            remove_bytes(tx, cx, vec![self.media])?;
        }
        Ok(())
    }
}

/// What became of a medium that was to be collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collected {
    /// Nothing in the database knows it: its bytes may go.
    Gone,
    /// A message or the log has it.
    Kept,
    /// Its time is not over.
    Later(Timestamp),
}

/// Removes a medium that no message took in time (B-277).
#[derive(Clone, Debug)]
pub struct Collect {
    /// The medium.
    pub media: MediaSid,
}

impl Command for Collect {
    type Output = Collected;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Collected> {
        let row = tx.first(
            "SELECT COALESCE(message_sid, log_sid), created_at, stored_at FROM media WHERE sid = $1 {for_update}",
            params![self.media.to_string()],
        )?;
        let Some(mut row) = row else {
            return Ok(Collected::Gone);
        };
        if row.opt_text()?.is_some() {
            return Ok(Collected::Kept);
        }
        let (created_at, stored_at) = (Timestamp(row.int()?), row.opt_int()?.map(Timestamp));
        let ends_at = match stored_at {
            Some(at) => at.plus_seconds(UNATTACHED_SECONDS),
            None => created_at.plus_seconds(UPLOAD_SECONDS),
        };
        if ends_at > cx.now {
            return Ok(Collected::Later(ends_at));
        }
        tx.push(
            "DELETE FROM media WHERE sid = $1",
            params![self.media.to_string()],
        )?;
        Ok(Collected::Gone)
    }
}

/// What a message shows of one of its media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The medium.
    pub sid: MediaSid,
    /// Its bytes.
    pub size: i64,
    /// Its MIME type.
    pub content_type: String,
    /// Its name.
    pub filename: Option<String>,
    /// What it is for; only of a message that a chat user made (rest.md §2.2).
    pub category: Option<Category>,
}

/// How an attachment stands in the row of its message.
#[derive(Serialize, Deserialize)]
struct Written {
    sid: String,
    size: i64,
    content_type: String,
    filename: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
}

/// The column of a message; NULL for none, which costs nothing.
pub(crate) fn write_attachments(attachments: &[Attachment]) -> Option<String> {
    if attachments.is_empty() {
        return None;
    }
    let written: Vec<Written> = attachments
        .iter()
        .map(|a| Written {
            sid: a.sid.to_string(),
            size: a.size,
            content_type: a.content_type.clone(),
            filename: a.filename.clone(),
            category: a.category.map(|c| c.name().to_owned()),
        })
        .collect();
    serde_json::to_string(&written).ok()
}

/// Reads the column of a message.
pub(crate) fn read_attachments(text: Option<String>) -> Result<Vec<Attachment>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let written: Vec<Written> = serde_json::from_str(&text).map_err(|error| {
        Error::Store(confab_store::Error::Decode(format!(
            "media of a message: {error}"
        )))
    })?;
    written
        .into_iter()
        .map(|w| {
            Ok(Attachment {
                sid: sid(&w.sid)?,
                size: w.size,
                content_type: w.content_type,
                filename: w.filename,
                category: w.category.as_deref().and_then(Category::parse),
            })
        })
        .collect()
}

/// Checks what can be checked of the media of a new message without rows.
///
/// # Errors
/// 50510 for a text that is no SID; 400/20001 for too many.
pub(crate) fn parse(sids: &[String]) -> Result<Vec<MediaSid>> {
    if sids.len() > PER_MESSAGE {
        return Err(ApiError::new(20001)
            .message(format!("A message has at most {PER_MESSAGE} media"))
            .into());
    }
    sids.iter()
        .map(|text| MediaSid::parse(text).ok_or_else(|| Error::code(50510)))
        .collect()
}

/// Gives media to a new message (B-273…B-276). The rows are locked one after another: of two messages with the same
/// medium the later one finds it taken. The caller holds the conversation.
///
/// # Errors
/// 50507 for a medium that the caller cannot send, 50508 for one that was sent, 50512 for too many bytes together.
pub(crate) fn attach(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    at: &Conversation,
    message: MessageSid,
    media: &[MediaSid],
) -> Result<Vec<Attachment>> {
    let mut attachments = Vec::with_capacity(media.len());
    for &one in media {
        let row = tx.first(
            concat!("SELECT ", columns!(), " FROM media WHERE sid = $1 {for_update}"),
            params![one.to_string()],
        )?;
        let found = row
            .map(read)
            .transpose()?
            .flatten()
            .filter(|m| may_attach(&cx.actor, at, m) && !m.is_expired(cx.now))
            .ok_or_else(|| Error::code(50507))?;
        if found.message.is_some() {
            return Err(Error::code(50508));
        }
        tx.push(
            "UPDATE media SET service_sid = $2, message_sid = $3, conversation_sid = $4, attached_at = $5 \
             WHERE sid = $1",
            params![
                one.to_string(),
                at.service.to_string(),
                message.to_string(),
                at.sid.to_string(),
                cx.now.0
            ],
        )?;
        attachments.push(Attachment {
            sid: one,
            size: found.size,
            content_type: found.content_type,
            filename: found.filename,
            category: cx.actor.client().map(|_| found.category),
        });
    }
    let together: i64 = attachments.iter().map(|a| a.size).sum();
    if together > cx.limits.media_bytes {
        return Err(Error::code(50512)); // B-281
    }
    Ok(attachments)
}

/// Whether a sender may send a medium: a client only what he uploaded, a carrier only what its phone sent.
fn may_attach(actor: &Actor, at: &Conversation, media: &Media) -> bool {
    match actor {
        Actor::Client(client) => media.service == Some(at.service) && media.uploader == Some(client.user),
        Actor::Carrier => media.service.is_none() && media.account == at.account,
        Actor::Rest | Actor::System => media.service == Some(at.service),
    }
}

/// Removes the media of a message that is removed (B-242, B-280).
pub(crate) fn remove_of_message(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    attachments: &[Attachment],
) -> Result<()> {
    remove(tx, cx, attachments.iter().map(|a| a.sid).collect())
}

/// Leaves the files of a phone's message that no conversation took to the message of the log.
pub(crate) fn keep_for_log(tx: &mut Transaction<'_>, log: &str, media: &[MediaSid]) -> Result<()> {
    for one in media {
        tx.push(
            "UPDATE media SET log_sid = $2 WHERE sid = $1 AND message_sid IS NULL",
            params![one.to_string(), log],
        )?;
    }
    Ok(())
}

/// Removes of a message of the log the files that only the log has.
pub(crate) fn remove_of_log(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    log: &str,
    media: &[MediaSid],
) -> Result<()> {
    let mut own = Vec::new();
    for one in media {
        let row = tx.first(
            "SELECT sid FROM media WHERE sid = $1 AND log_sid = $2",
            params![one.to_string(), log],
        )?;
        own.extend(row.map(|_| *one));
    }
    remove(tx, cx, own)
}

/// Removes media with their bytes.
pub(crate) fn remove(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, media: Vec<MediaSid>) -> Result<()> {
    for one in &media {
        tx.push("DELETE FROM media WHERE sid = $1", params![one.to_string()])?;
    }
    remove_bytes(tx, cx, media)
}

/// Removes media of a service that no message took, some at a time; `true` when none is left. Those of messages go
/// with their conversations.
pub(crate) fn remove_unattached(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    service: ServiceSid,
    most: usize,
) -> Result<bool> {
    let rows = tx.query(
        "SELECT sid FROM media WHERE service_sid = $1 AND message_sid IS NULL ORDER BY sid LIMIT $2 {for_update}",
        params![service.to_string(), i64::try_from(most).unwrap_or(i64::MAX)],
    )?;
    let media = rows
        .into_iter()
        .map(|mut row| sid(&row.text()?))
        .collect::<Result<Vec<MediaSid>>>()?;
    let all = media.len() < most;
    remove(tx, cx, media)?;
    Ok(all)
}

/// Leaves a job for bytes that no row names any more.
fn remove_bytes(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, media: Vec<MediaSid>) -> Result<()> {
    if media.is_empty() {
        return Ok(());
    }
    job::add(tx, cx, &Kind::RemoveMedia { media }, cx.now)?;
    cx.emit(Effect::JobsWaiting);
    Ok(())
}
