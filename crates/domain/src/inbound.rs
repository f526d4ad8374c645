//! Messages that come in from carriers (rest.md: Inbound Handling, B-301, B-329).
//!
//! A message with files waits until they have been fetched, as a job; later ones of the same number pair wait behind
//! it, so that they come in the order in which they were sent.

use confab_types::{AccountSid, Address, Channel, MediaSid, ServiceSid};

use crate::event::Event;
use crate::hook::Asks;
use crate::job::{self, Kind};
use crate::message_log::{self, Direction, Status};
use crate::participant::{self, Participant};
use crate::{Command, Cx, Effect, Result, Transaction, handset, media, message, number, outbound};

/// A message of a phone on its way into a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The account that owns the number.
    pub account: AccountSid,
    /// Its SID on the carrier.
    pub sid: String,
    /// The phone.
    pub from: String,
    /// The account's number.
    pub to: String,
    /// The other phones and numbers of a group message.
    pub others: Vec<String>,
    /// Text.
    pub body: String,
    /// URLs of its files.
    pub media: Vec<String>,
}

impl Arrival {
    /// Messages of one order come in one after another.
    pub(crate) fn order(&self) -> String {
        format!("receive {} {}", self.from, self.to)
    }
}

/// What a phone may send on a channel (B-284, B-285).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaRules {
    /// Files of one message.
    pub files: usize,
    /// Bytes of one file.
    pub file_bytes: i64,
    /// Bytes of all files of one message.
    pub message_bytes: i64,
    /// Whether only what phones take is taken from them.
    pub known_types_only: bool,
}

/// The rules of a channel.
#[must_use]
pub fn media_rules(channel: Channel) -> MediaRules {
    const MIB: i64 = 1024 * 1024;
    match channel {
        Channel::Sms => MediaRules {
            files: 10,
            file_bytes: 2 * MIB,
            message_bytes: 5 * MIB,
            known_types_only: false,
        },
        _ => MediaRules {
            files: 1,
            file_bytes: outbound::WHATSAPP_BYTES,
            message_bytes: outbound::WHATSAPP_BYTES,
            known_types_only: true,
        },
    }
}

/// Takes a message from a carrier for good: puts it into its conversation, or leaves it to a job when it has files
/// or must wait for one that has. `true` when it is in its conversation.
///
/// # Errors
/// As posting a message.
pub(crate) fn take_in(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, arrival: Arrival) -> Result<bool> {
    let waits = !arrival.media.is_empty() || job::is_waiting(tx, &arrival.order())?;
    log(tx, cx, &arrival, waits)?;
    if !waits {
        deliver(tx, cx, &arrival, &[])?;
        return Ok(true);
    }
    job::add(tx, cx, &Kind::Receive(arrival), cx.now)?;
    cx.emit(Effect::JobsWaiting);
    Ok(false)
}

/// Writes a message into the log (B-302).
fn log(tx: &mut Transaction<'_>, cx: &Cx<'_>, arrival: &Arrival, waits: bool) -> Result<()> {
    let messaging_service = number::pool_of(tx, arrival.account, &arrival.to)?;
    message_log::insert(
        tx,
        &message_log::Entry {
            sid: arrival.sid.clone(),
            account: arrival.account,
            direction: Direction::Inbound,
            from: Some(arrival.from.clone()),
            to: arrival.to.clone(),
            messaging_service,
            body: arrival.body.clone(),
            num_segments: message_log::parts(&arrival.sid, &arrival.to, &arrival.body),
            num_media: i64::try_from(arrival.media.len()).unwrap_or(i64::MAX),
            media: Vec::new(),
            status: if waits {
                Status::Receiving
            } else {
                Status::Received
            },
            error_code: None,
            created_at: cx.now,
            sent_at: Some(cx.now),
            updated_at: cx.now,
        },
    )
}

/// Ends the waiting of a message: its files have been fetched, as far as they could be. Does so once, however often
/// the job runs.
#[derive(Clone, Debug)]
pub struct Accept {
    /// The job that brings it.
    pub job: i64,
    /// The message.
    pub arrival: Arrival,
    /// Its files, stored and owned by nobody else.
    pub media: Vec<MediaSid>,
}

impl Command for Accept {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        if !job::take(tx, self.job)? {
            return Ok(());
        }
        if !deliver(tx, cx, &self.arrival, &self.media)? {
            media::keep_for_log(tx, &self.arrival.sid, &self.media)?;
        }
        message_log::received(tx, cx, &self.arrival.sid, &self.media)?;
        handset::arrived(tx, &self.arrival.sid)
    }

    fn asks(&self) -> Asks {
        Asks::Look
    }

    fn look(&self, tx: &mut Transaction<'_>) -> Result<Option<(ServiceSid, Event)>> {
        event_of(tx, &self.arrival)
    }

    fn outlives_refusal(&self) -> bool {
        true
    }
}

/// Who it is that writes, in an open conversation.
fn writer(tx: &mut Transaction<'_>, arrival: &Arrival) -> Result<Option<Participant>> {
    let (from, to, others) = (&arrival.from, &arrival.to, &arrival.others);
    let of_pair = if others.is_empty() {
        participant::by_pair(tx, from, to)?
    } else {
        None
    };
    let writer = match of_pair {
        Some(writer) => Some(writer),
        None => participant::by_numbers(tx, from, to, others)?,
    };
    // A number that its account gave back may be another one's by now; what is written to it is that one's.
    Ok(writer.filter(|writer| writer.account == arrival.account))
}

/// The event that a message comes to, for [`Command::look`] (B-305).
pub(crate) fn event_of(tx: &mut Transaction<'_>, arrival: &Arrival) -> Result<Option<(ServiceSid, Event)>> {
    Ok(writer(tx, arrival)?.map(|writer| (writer.service, Event::MessageAdd)))
}

/// Ends the waiting of a message that its conversation refuses: it is in the log only.
#[derive(Clone, Debug)]
pub struct Leave {
    /// The job that brought it.
    pub job: i64,
    /// Its SID on the carrier.
    pub sid: String,
    /// Its files, stored and owned by nobody else.
    pub media: Vec<MediaSid>,
}

impl Command for Leave {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        if job::take(tx, self.job)? {
            media::keep_for_log(tx, &self.sid, &self.media)?;
            message_log::received(tx, cx, &self.sid, &self.media)?;
        }
        Ok(())
    }
}

/// Puts an inbound message into the open conversation that its number pair belongs to, one of a group into that of
/// all its numbers (B-223). `false` for one that belongs nowhere, or that a webhook refused: it is in the log only, as the
/// ordinary messaging webhook and autocreation are not built yet.
///
/// # Errors
/// As posting a message.
pub(crate) fn deliver(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    arrival: &Arrival,
    media: &[MediaSid],
) -> Result<bool> {
    let from = &arrival.from;
    let Some(writer) = writer(tx, arrival)? else {
        return Ok(false);
    };
    if cx.answer.refused {
        return Ok(false); // A webhook will not have it.
    }
    cx.channel = Address::parse(from).map(|address| address.channel());
    message::Create {
        service: writer.service,
        conversation: writer.conversation.to_string(),
        author: Some(from.clone()),
        body: Some(arrival.body.clone()),
        subject: None,
        attributes: None,
        content: crate::content::Reference::default(),
        created_at: None,
        updated_at: None,
        media: media.iter().map(MediaSid::to_string).collect(),
    }
    .apply(tx, cx)?;
    Ok(true)
}
