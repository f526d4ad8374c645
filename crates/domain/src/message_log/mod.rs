//! The log of Programmable Messaging (rest.md §9): every message from or to a phone, under its SID on the carrier.
//!
//! A message of a conversation has a row for each recipient, written with its receipt (B-252); one that a phone sent has
//! one from the moment it came in, whether a conversation takes it or not (B-302). The log stands for itself: neither
//! an edit nor the end of a conversation changes it, only its own API does.

mod list;
mod media;

use confab_store::{Row, params};
use confab_types::{
    AccountSid, Address, Channel, MediaSid, MessagingServiceSid, MmsSid, Sid, SmsSid, Timestamp, WhatsAppSid,
    segments,
};

use crate::error::Error;
use crate::sync::{opt_sid, sid as read_sid};
use crate::{Command, Cx, Result, Transaction, receipt};

pub use list::{Filter, list};
pub use media::{DeleteMedia, fetch_media, list_media};

/// Who wrote to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A phone to the account.
    Inbound,
    /// The account to a phone.
    OutboundApi,
    /// The account to a phone, as the answer of a webhook.
    OutboundReply,
}

impl Direction {
    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::OutboundApi => "outbound-api",
            Self::OutboundReply => "outbound-reply",
        }
    }

    fn of_row(text: &str) -> Result<Self> {
        [Self::Inbound, Self::OutboundApi, Self::OutboundReply]
            .into_iter()
            .find(|direction| direction.name() == text)
            .ok_or_else(|| no_word(text, "direction"))
    }
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// A messaging service is to choose its sender.
    Accepted,
    /// It is to be sent later.
    Scheduled,
    /// It waits to be sent.
    Queued,
    /// It is being sent.
    Sending,
    /// It left the server.
    Sent,
    /// It reached the phone.
    Delivered,
    /// The carrier gave up.
    Undelivered,
    /// It was refused.
    Failed,
    /// It was read.
    Read,
    /// It came in, and its files are being fetched.
    Receiving,
    /// It came in.
    Received,
    /// It was called back before it was sent.
    Canceled,
}

impl Status {
    const ALL: [Self; 12] = [
        Self::Accepted,
        Self::Scheduled,
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Undelivered,
        Self::Failed,
        Self::Read,
        Self::Receiving,
        Self::Received,
        Self::Canceled,
    ];

    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Read => "read",
            Self::Receiving => "receiving",
            Self::Received => "received",
            Self::Canceled => "canceled",
        }
    }

    fn of_row(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| no_word(text, "status"))
    }

    /// Whether this server has nothing more to do for it.
    #[must_use]
    pub fn is_finished(self) -> bool {
        !matches!(
            self,
            Self::Accepted | Self::Scheduled | Self::Queued | Self::Sending | Self::Receiving
        )
    }
}

fn no_word(text: &str, of: &str) -> Error {
    Error::Store(confab_store::Error::Decode(format!(
        "{text} is no {of} of a message of the log"
    )))
}

/// A message of the log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its SID on the carrier: SM…, MM… or WA…, that of the receipt where it has one.
    pub sid: String,
    /// Its account.
    pub account: AccountSid,
    /// Who wrote to whom.
    pub direction: Direction,
    /// The sender; none where no number of the account could send.
    pub from: Option<String>,
    /// The recipient.
    pub to: String,
    /// The messaging service that it went through.
    pub messaging_service: Option<MessagingServiceSid>,
    /// Its text; empty for none and for one that was redacted.
    pub body: String,
    /// Parts of the text.
    pub num_segments: i64,
    /// Files that it had.
    pub num_media: i64,
    /// The files that have not been deleted here. They may be gone with the conversation that has them.
    pub media: Vec<MediaSid>,
    /// How far it is.
    pub status: Status,
    /// Why it failed.
    pub error_code: Option<i64>,
    /// When it was made or came in.
    pub created_at: Timestamp,
    /// When it was sent or came in; none while it waits. It is set once.
    pub sent_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, direction, sender, recipient, messaging_service_sid, body, num_segments, num_media, media, \
         status, error_code, created_at, sent_at, updated_at"
    };
}
pub(crate) use columns;

fn read(mut row: Row) -> Result<Entry> {
    Ok(Entry {
        sid: row.text()?,
        account: read_sid(&row.text()?)?,
        direction: Direction::of_row(&row.text()?)?,
        from: row.opt_text()?,
        to: row.text()?,
        messaging_service: opt_sid(row.opt_text()?)?,
        body: row.text()?,
        num_segments: row.int()?,
        num_media: row.int()?,
        media: media::read(row.opt_text()?)?,
        status: Status::of_row(&row.text()?)?,
        error_code: row.opt_int()?,
        created_at: Timestamp(row.int()?),
        sent_at: row.opt_int()?.map(Timestamp),
        updated_at: Timestamp(row.int()?),
    })
}

/// Parts of a text on the channel of an address. Messages with media, of groups and on other channels are one.
pub(crate) fn parts(sid: &str, to: &str, body: &str) -> i64 {
    let is_text =
        sid.starts_with(SmsSid::PREFIX) && Address::parse(to).is_none_or(|a| a.channel() == Channel::Sms);
    if is_text { segments(body) } else { 1 }
}

/// Writes a new message of the log.
pub(crate) fn insert(tx: &mut Transaction<'_>, entry: &Entry) -> Result<()> {
    tx.push(
        concat!(
            "INSERT INTO message_log (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        ),
        params![
            &entry.sid,
            entry.account.to_string(),
            entry.direction.name(),
            &entry.from,
            &entry.to,
            entry.messaging_service.map(|s| s.to_string()),
            &entry.body,
            entry.num_segments,
            entry.num_media,
            media::write(&entry.media),
            entry.status.name(),
            entry.error_code,
            entry.created_at.0,
            entry.sent_at.map(|t| t.0),
            entry.updated_at.0
        ],
    )?;
    Ok(())
}

/// The SID of a message of the log as it is written; `None` for a text that is none.
#[must_use]
pub fn canonical(key: &str) -> Option<String> {
    let sms = SmsSid::parse(key).map(|s| s.to_string());
    sms.or_else(|| MmsSid::parse(key).map(|s| s.to_string()))
        .or_else(|| WhatsAppSid::parse(key).map(|s| s.to_string()))
}

/// A message of an account.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, account: AccountSid, key: &str) -> Result<Entry> {
    let missing = || Error::code(20404);
    let sid = canonical(key).ok_or_else(missing)?;
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM message_log WHERE sid = $1 AND account_sid = $2"
        ),
        params![sid, account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(missing)
}

/// As [`fetch`], of a message that is to be changed.
fn hold(tx: &mut Transaction<'_>, account: AccountSid, key: &str) -> Result<Entry> {
    let missing = || Error::code(20404);
    let sid = canonical(key).ok_or_else(missing)?;
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM message_log WHERE sid = $1 AND account_sid = $2 {for_update}"
        ),
        params![sid, account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(missing)
}

/// Redacts a message or calls it back; what is not asked for stays.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// SID of the message.
    pub key: String,
    /// The empty text, which redacts; any other one is refused.
    pub body: Option<String>,
    /// Whether it is to be called back.
    pub cancel: bool,
}

impl Command for Update {
    type Output = Entry;

    /// # Errors
    /// 404/20404; 400/20001 for another text; 400/30409 for calling back what is not scheduled.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Entry> {
        let mut entry = hold(tx, self.account, &self.key)?;
        if self.body.as_ref().is_some_and(|body| !body.is_empty()) {
            return Err(confab_types::ApiError::new(20001)
                .message("Invalid parameter value: Body can only be set to an empty text")
                .into());
        }
        if self.cancel {
            if entry.status != Status::Scheduled {
                return Err(Error::code(30409));
            }
            entry.status = Status::Canceled;
        }
        if self.body.is_some() {
            entry.body = String::new();
        }
        if self.body.is_some() || self.cancel {
            entry.updated_at = cx.now;
            tx.push(
                "UPDATE message_log SET body = $2, status = $3, updated_at = $4 WHERE sid = $1",
                params![&entry.sid, &entry.body, entry.status.name(), entry.updated_at.0],
            )?;
        }
        Ok(entry)
    }
}

/// Removes a message from the log, with the files that nothing else has. Its conversation keeps its own.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The account.
    pub account: AccountSid,
    /// SID of the message.
    pub key: String,
}

impl Command for Delete {
    type Output = ();

    /// # Errors
    /// 404/20404; 400/20009 for one that is not finished.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let entry = hold(tx, self.account, &self.key)?;
        if !entry.status.is_finished() {
            return Err(Error::code(20009));
        }
        tx.push("DELETE FROM message_log WHERE sid = $1", params![&entry.sid])?;
        crate::media::remove_of_log(tx, cx, &entry.sid, &entry.media)
    }
}

/// Writes what a carrier said of a message, together with its receipt.
pub(crate) fn follow(
    tx: &mut Transaction<'_>,
    cx: &Cx<'_>,
    sid: &str,
    status: receipt::Status,
    error_code: Option<i64>,
) -> Result<()> {
    tx.push(
        "UPDATE message_log SET status = $2, error_code = $3, sent_at = COALESCE(sent_at, $4), updated_at = $4 \
         WHERE sid = $1",
        params![sid, status.name(), error_code, cx.now.0],
    )?;
    Ok(())
}

/// What a carrier says of a message without a receipt: its conversation is gone, or it never was of one. Whether it
/// was news (B-355).
pub(crate) fn report(
    tx: &mut Transaction<'_>,
    cx: &Cx<'_>,
    sid: &str,
    status: receipt::Status,
    error_code: Option<i64>,
) -> Result<bool> {
    let row = tx.first(
        "SELECT recipient, status FROM message_log WHERE sid = $1 {for_update}",
        params![sid],
    )?;
    let Some(mut row) = row else {
        return Ok(false);
    };
    let (to, before) = (row.text()?, Status::of_row(&row.text()?)?);
    let may_follow = match before {
        Status::Accepted | Status::Scheduled | Status::Queued | Status::Sending => status.may_follow(None),
        Status::Receiving | Status::Received | Status::Canceled => false,
        sent => status.may_follow(receipt::Status::parse(sent.name())),
    };
    let sms = Address::parse(&to).is_none_or(|a| a.channel() == Channel::Sms);
    if !may_follow || (sms && status == receipt::Status::Read) {
        return Ok(false);
    }
    follow(tx, cx, sid, status, error_code)?;
    Ok(true)
}

/// A message of a phone has come in with all its files.
pub(crate) fn received(tx: &mut Transaction<'_>, cx: &Cx<'_>, sid: &str, media: &[MediaSid]) -> Result<()> {
    tx.push(
        "UPDATE message_log SET status = $2, num_media = $3, media = $4, updated_at = $5 WHERE sid = $1",
        params![
            sid,
            Status::Received.name(),
            i64::try_from(media.len()).unwrap_or(i64::MAX),
            media::write(media),
            cx.now.0
        ],
    )?;
    Ok(())
}
