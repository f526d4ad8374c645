//! Delivery receipts (rest.md §2.3, B-351…B-365): one a message and recipient outside chat.

use std::collections::BTreeMap;

use confab_store::{Row, params};
use confab_types::{
    AccountSid, Channel, ConversationSid, KeyPart, MessageSid, MmsSid, ParticipantSid, ReceiptSid, Sid,
    SmsSid, Timestamp, WhatsAppSid,
};
use serde::Serialize;

use crate::alert::{self, Level, NewAlert};
use crate::conversation::{Conversation, State};
use crate::error::Error;
use crate::hook::{self, Occurrence};
use crate::job;
use crate::list::{Bound, Listing};
use crate::message::{self, Message};
use crate::message_log::{self, Direction};
use crate::outbound::{self, Part};
use crate::participant::{self, Delivery};
use crate::sync::sid;
use crate::{Command, Cx, Effect, Order, Page, Result, Stream, Transaction, Window, conversation};

/// What a carrier said of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It left the server.
    Sent,
    /// The carrier gave up.
    Undelivered,
    /// It reached the phone.
    Delivered,
    /// It was read (never on SMS, B-356).
    Read,
    /// It was refused.
    Failed,
}

impl Status {
    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Undelivered => "undelivered",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }

    /// Reads the word of the API.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Sent,
            Self::Undelivered,
            Self::Delivered,
            Self::Read,
            Self::Failed,
        ]
        .into_iter()
        .find(|s| s.name() == text)
    }

    /// Whether this status may follow another (B-355): a late older one does not overwrite a newer one.
    pub(crate) fn may_follow(self, before: Option<Self>) -> bool {
        use Status::{Delivered, Failed, Read, Sent, Undelivered};
        match (before, self) {
            (None, _) | (Some(Sent), Delivered | Read | Undelivered) | (Some(Delivered), Read) => true,
            (Some(before), Failed) => before != Failed,
            _ => false,
        }
    }
}

/// A receipt.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Its SID.
    pub sid: ReceiptSid,
    /// Its account.
    pub account: AccountSid,
    /// Its conversation.
    pub conversation: ConversationSid,
    /// Its message.
    pub message: MessageSid,
    /// Who was to get the message.
    pub participant: ParticipantSid,
    /// The message's SID on the carrier: SM…, MM… or WA… (B-357).
    pub channel_message: String,
    /// Newest status; none while the message has not left (B-353).
    pub status: Option<Status>,
    /// Why it failed; 0 otherwise.
    pub error_code: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, conversation_sid, message_sid, participant_sid, channel_message_sid, status, \
         error_code, created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<Receipt> {
    Ok(Receipt {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        conversation: sid(&row.text()?)?,
        message: sid(&row.text()?)?,
        participant: sid(&row.text()?)?,
        channel_message: row.text()?,
        status: row.opt_text()?.as_deref().and_then(Status::parse),
        error_code: row.int()?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// The receipts of a message, oldest first.
///
/// # Errors
/// The database's.
pub fn list(tx: &mut Transaction<'_>, message: MessageSid, window: &Window) -> Result<Page<Receipt>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM receipt WHERE message_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM receipt WHERE message_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
        ),
        params: params![message.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |r| vec![KeyPart::Text(r.sid.to_string())],
    }
    .page(tx, Order::Ascending, window)
}

/// A receipt of a message.
///
/// # Errors
/// 404/20404 (B-367), or the database's.
pub fn fetch(tx: &mut Transaction<'_>, message: MessageSid, key: &str) -> Result<Receipt> {
    let Some(receipt) = ReceiptSid::parse(key) else {
        return Err(Error::code(20404));
    };
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM receipt WHERE sid = $1 AND message_sid = $2"
        ),
        params![receipt.to_string(), message.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// A message to a group that no number of the account could send to (B-216).
const NOT_ACTIVATED: i64 = 50435;
/// The carrier gave no reason.
const UNKNOWN_ERROR: i64 = 30008;

/// Makes a receipt without status, the job that sends the message and its place in the log (B-252). One that nothing can
/// send, or that its channel refuses, has failed already; gives the status. None, where the channel has no such
/// messages, for no receipt.
pub(crate) fn create(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    at: &Conversation,
    message: &Message,
    delivery: &Delivery,
) -> Result<Option<Option<Status>>> {
    let recipient = &delivery.to;
    let channel = recipient.channel();
    let (body, media, refused) = match outbound::part(message, channel) {
        Part::Text(body) => (body, None, None),
        Part::Media(media) => (String::new(), Some(media), None),
        Part::Refused(code) => (String::new(), None, Some(code)),
        Part::Nothing => return Ok(None),
    };
    let failed = delivery.from.is_none().then_some(NOT_ACTIVATED).or(refused);
    let channel_message = match channel {
        Some(Channel::WhatsApp) => cx.sid::<WhatsAppSid>().to_string(),
        Some(Channel::Rcs) => cx.sid::<MmsSid>().to_string(),
        _ if media.is_some() || !delivery.others.is_empty() => cx.sid::<MmsSid>().to_string(),
        _ => cx.sid::<SmsSid>().to_string(),
    };
    let status = failed.map(|_| Status::Failed);
    let receipt: ReceiptSid = cx.sid();
    tx.push(
        concat!(
            "INSERT INTO receipt (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ),
        params![
            receipt.to_string(),
            message.account.to_string(),
            message.conversation.to_string(),
            message.sid.to_string(),
            recipient.sid.to_string(),
            &channel_message,
            status.map(Status::name),
            failed.unwrap_or(0),
            cx.now.0,
            cx.now.0
        ],
    )?;
    if let Some(code) = failed {
        alert_of_failure(tx, cx, message, &channel_message, code)?;
    }
    let Some(to) = &recipient.address else {
        return Ok(Some(status));
    };
    message_log::insert(
        tx,
        &message_log::Entry {
            num_segments: message_log::parts(&channel_message, to, &body),
            num_media: i64::from(media.is_some()),
            sid: channel_message.clone(),
            account: message.account,
            direction: Direction::OutboundApi,
            from: delivery.from.clone(),
            to: to.clone(),
            messaging_service: at.messaging_service,
            body: body.clone(),
            media: media.into_iter().collect(),
            status: failed.map_or(message_log::Status::Queued, |_| message_log::Status::Failed),
            error_code: failed,
            created_at: cx.now,
            sent_at: failed.map(|_| cx.now),
            updated_at: cx.now,
        },
    )?;
    let (Some(from), None) = (&delivery.from, failed) else {
        return Ok(Some(status));
    };
    let send = job::Kind::Send {
        account: message.account,
        channel_message,
        from: from.clone(),
        to: to.clone(),
        others: delivery.others.clone(),
        body,
        media,
    };
    job::add(tx, cx, &send, cx.now)?;
    cx.emit(Effect::JobsWaiting);
    Ok(Some(status))
}

/// Tells of a message that did not reach its recipient.
fn alert_of_failure(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    message: &Message,
    channel_message: &str,
    code: i64,
) -> Result<()> {
    let alert = NewAlert {
        service: Some(message.service),
        resource: Some(channel_message.to_owned()),
        ..NewAlert::new(message.account, Level::Error, code)
    };
    let of = format!("message {} of conversation {}", message.sid, message.conversation);
    alert::record(tx, cx, &alert.because(of)).map(drop)
}

/// What the receipts of a message say together (B-358…B-361).
pub(crate) struct Summary {
    total: i64,
    reached: BTreeMap<&'static str, i64>,
}

#[derive(Serialize)]
struct SummaryView {
    total: i64,
    sent: &'static str,
    delivered: &'static str,
    read: &'static str,
    failed: &'static str,
    undelivered: &'static str,
}

impl Summary {
    pub(crate) fn of(statuses: &[Option<Status>]) -> Self {
        let mut summary = Self {
            total: i64::try_from(statuses.len()).unwrap_or(i64::MAX),
            reached: BTreeMap::new(),
        };
        for status in statuses.iter().flatten() {
            // B-360: who read it also got it, and it was sent. B-361: failures count alone.
            let reached: &[&'static str] = match status {
                Status::Read => &["sent", "delivered", "read"],
                Status::Delivered => &["sent", "delivered"],
                Status::Sent => &["sent"],
                Status::Failed => &["failed"],
                Status::Undelivered => &["undelivered"],
            };
            for name in reached {
                *summary.reached.entry(name).or_default() += 1;
            }
        }
        summary
    }

    fn word(&self, name: &str) -> &'static str {
        match self.reached.get(name).copied().unwrap_or(0) {
            0 => "none",
            n if n == self.total => "all",
            _ => "some",
        }
    }

    pub(crate) fn json(&self) -> String {
        let view = SummaryView {
            total: self.total,
            sent: self.word("sent"),
            delivered: self.word("delivered"),
            read: self.word("read"),
            failed: self.word("failed"),
            undelivered: self.word("undelivered"),
        };
        serde_json::to_string(&view).unwrap_or_default()
    }
}

/// A carrier reports the status of a message that it took (B-354, B-355).
#[derive(Clone, Debug)]
pub struct Report {
    /// The message's SID on the carrier.
    pub channel_message: String,
    /// Its status now.
    pub status: Status,
    /// Why it failed.
    pub error_code: Option<i64>,
}

impl Report {
    fn is_news(&self, receipt: &Receipt) -> bool {
        let sms = receipt.channel_message.starts_with(SmsSid::PREFIX);
        self.status.may_follow(receipt.status) && !(sms && self.status == Status::Read)
    }
}

impl Command for Report {
    /// Whether the report was news.
    type Output = bool;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<bool> {
        match self.to_receipt(tx, cx)? {
            Some(news) => Ok(news),
            None => message_log::report(tx, cx, &self.channel_message, self.status, self.why()),
        }
    }
}

impl Report {
    /// The code of a failure; an unknown error where the carrier names none.
    fn why(&self) -> Option<i64> {
        matches!(self.status, Status::Failed | Status::Undelivered)
            .then(|| self.error_code.unwrap_or(UNKNOWN_ERROR))
    }

    /// Changes the receipt and what follows from it; none where it has gone with its message or conversation.
    fn to_receipt(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Option<bool>> {
        let by_channel_message = concat!(
            "SELECT ",
            columns!(),
            " FROM receipt WHERE channel_message_sid = $1"
        );
        let Some(row) = tx.first(by_channel_message, params![&self.channel_message])? else {
            return Ok(None);
        };
        let before = read(row)?;
        if !self.is_news(&before) {
            return Ok(Some(false));
        }
        if self.status == Status::Read
            && participant::find(tx, before.conversation, &before.participant.to_string())?
                .is_some_and(|p| !p.has_horizon())
        {
            return Ok(Some(false)); // B-356 for group messages, whose SID does not tell the channel.
        }
        // Closed conversations still get the receipts of what was sent before.
        let locked = match conversation::lock(tx, before.conversation, 50350) {
            Err(Error::Api(_)) => return Ok(None),
            locked => locked?,
        };
        // Another report may have come in before the lock was had.
        let receipt = match tx.first(by_channel_message, params![&self.channel_message])? {
            Some(row) => Some(read(row)?).filter(|r| self.is_news(r)),
            None => None,
        };
        let Some(receipt) = receipt else {
            // The lock took a count; followers of the stream must see it pass.
            cx.commit(Stream::Conversation(locked.sid), locked.seq, Vec::new());
            return Ok(Some(false));
        };
        tx.exec(
            "UPDATE receipt SET status = $2, error_code = $3, updated_at = $4 WHERE sid = $1",
            params![
                receipt.sid.to_string(),
                self.status.name(),
                self.why().unwrap_or(0),
                cx.now.0
            ],
        )?;
        message_log::follow(tx, cx, &self.channel_message, self.status, self.why())?;
        let told = Receipt {
            status: Some(self.status),
            error_code: self.why().unwrap_or(0),
            updated_at: cx.now,
            ..receipt.clone()
        };
        hook::fire(tx, cx, &Occurrence::Delivery(&told, &locked))?; // B-362
        let rows = tx.query(
            "SELECT status FROM receipt WHERE message_sid = $1",
            params![receipt.message.to_string()],
        )?;
        let statuses = rows
            .into_iter()
            .map(|mut r| Ok(r.opt_text()?.as_deref().and_then(Status::parse)))
            .collect::<Result<Vec<_>>>()?;
        let message = message::fetch(tx, &locked, &receipt.message.to_string())?;
        if let Some(code) = self.why()
            && receipt.status != Some(Status::Undelivered)
        {
            alert_of_failure(tx, cx, &message, &receipt.channel_message, code)?;
        }
        let read = if self.status == Status::Read && locked.state != State::Closed {
            participant::read_up_to(tx, cx, &locked, receipt.participant, message.index)?
        } else {
            None
        };
        let summary = Summary::of(&statuses).json();
        message::set_delivery(tx, cx, &locked, message, summary, read)?;
        Ok(Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_status_does_not_overwrite_a_newer_one_b355() {
        use Status::{Delivered, Failed, Read, Sent, Undelivered};
        assert!(
            Sent.may_follow(None) && Delivered.may_follow(Some(Sent)) && Read.may_follow(Some(Delivered))
        );
        assert!(!Sent.may_follow(Some(Delivered)) && !Delivered.may_follow(Some(Read)));
        assert!(!Undelivered.may_follow(Some(Delivered)));
        assert!(Failed.may_follow(Some(Read)) && !Sent.may_follow(Some(Failed)));
    }

    #[test]
    fn the_summary_counts_what_each_receipt_reached_b359_b360() {
        let summary = Summary::of(&[Some(Status::Read), Some(Status::Sent), Some(Status::Failed), None]);
        assert_eq!(
            summary.json(),
            r#"{"total":4,"sent":"some","delivered":"some","read":"some","failed":"some","undelivered":"none"}"#
        );
        let all = Summary::of(&[Some(Status::Delivered), Some(Status::Read)]);
        assert_eq!(
            all.json(),
            r#"{"total":2,"sent":"all","delivered":"all","read":"some","failed":"none","undelivered":"none"}"#
        );
    }
}
