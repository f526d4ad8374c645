//! The simulator's phones: each address is a handset that keeps what it got and sent.

use confab_store::{Row, params};
use confab_types::{
    AccountSid, Address, Channel, KeyPart, MediaSid, MmsSid, ServiceSid, SmsSid, Timestamp, WhatsAppSid,
};

use crate::error::Error;
use crate::event::Event;
use crate::hook::Asks;
use crate::inbound::{self, Arrival};
use crate::list::{Bound, Listing};
use crate::receipt::Status;
use crate::{Command, Cx, Effect, Order, Page, Result, Transaction, Window, job, number, receipt};

/// How a handset answers for what it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Sent at once, delivered shortly after.
    Auto,
    /// Only what a test says.
    Manual,
}

impl Mode {
    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Manual => "manual",
        }
    }

    /// Reads the word of the API.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Auto, Self::Manual].into_iter().find(|m| m.name() == text)
    }
}

/// Time from sent to delivered on a handset in mode auto, microseconds.
const DELIVERY_DELAY: i64 = 100_000;

const DELIVERED: &str = "delivered";

/// A message on a handset.
#[derive(Clone, Debug)]
pub struct HandsetMessage {
    /// SID on the carrier; that of the receipt for a received one.
    pub sid: String,
    /// Whether the handset got it (else it sent it).
    pub received: bool,
    /// From.
    pub from: String,
    /// To.
    pub to: String,
    /// Everybody else whom a group message went to.
    pub others: Vec<String>,
    /// Text.
    pub body: String,
    /// Media: SIDs of what it got, URLs of what it sent.
    pub media: Vec<String>,
    /// Word of its status.
    pub status: String,
    /// Why it failed.
    pub error_code: Option<i64>,
    /// When it came or went.
    pub created_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, direction, sender, recipient, others, body, media, status, error_code, created_at"
    };
}

fn read(mut row: Row) -> Result<HandsetMessage> {
    Ok(HandsetMessage {
        sid: row.text()?,
        received: row.text()? == "received",
        from: row.text()?,
        to: row.text()?,
        others: serde_json::from_str(&row.text()?).unwrap_or_default(),
        body: row.text()?,
        media: serde_json::from_str(&row.text()?).unwrap_or_default(),
        status: row.text()?,
        error_code: row.opt_int()?,
        created_at: Timestamp(row.int()?),
    })
}

fn insert(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    handset: &str,
    message: &HandsetMessage,
) -> Result<()> {
    tx.exec(
        "INSERT INTO handset_message (sid, account_sid, handset, direction, sender, recipient, others, body, \
         media, status, error_code, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        params![
            &message.sid,
            account.to_string(),
            handset,
            if message.received { "received" } else { "sent" },
            &message.from,
            &message.to,
            serde_json::to_string(&message.others).unwrap_or_default(),
            &message.body,
            serde_json::to_string(&message.media).unwrap_or_default(),
            &message.status,
            message.error_code,
            message.created_at.0
        ],
    )?;
    Ok(())
}

/// The messages of a handset, oldest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    handset: &Address,
    window: &Window,
) -> Result<Page<HandsetMessage>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM handset_message WHERE account_sid = $1 AND handset = $2 AND (created_at, sid) > ($3, $4) \
             ORDER BY created_at, sid LIMIT $5"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM handset_message WHERE account_sid = $1 AND handset = $2 AND (created_at, sid) < ($3, $4) \
             ORDER BY created_at DESC, sid DESC LIMIT $5"
        ),
        params: params![account.to_string(), handset.as_str()].to_vec(),
        bounds: &[Bound::Int, Bound::Text],
        edge: None,
        read,
        key: |m| vec![KeyPart::Int(m.created_at.0), KeyPart::Text(m.sid.clone())],
    }
    .page(tx, Order::Ascending, window)
}

fn mode(tx: &mut Transaction<'_>, account: AccountSid, handset: &str) -> Result<Mode> {
    let row = tx.first(
        "SELECT mode FROM handset WHERE account_sid = $1 AND address = $2",
        params![account.to_string(), handset],
    )?;
    Ok(row
        .map(|mut r| r.text())
        .transpose()?
        .as_deref()
        .and_then(Mode::parse)
        .unwrap_or(Mode::Auto))
}

/// Sets how a handset answers.
#[derive(Clone, Debug)]
pub struct SetMode {
    /// The account.
    pub account: AccountSid,
    /// The handset.
    pub handset: Address,
    /// Its mode.
    pub mode: Mode,
}

impl Command for SetMode {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, _: &mut Cx<'_>) -> Result<()> {
        tx.exec(
            "INSERT INTO handset (account_sid, address, mode) VALUES ($1, $2, $3) \
             ON CONFLICT (account_sid, address) DO UPDATE SET mode = excluded.mode",
            params![self.account.to_string(), self.handset.as_str(), self.mode.name()],
        )?;
        Ok(())
    }
}

/// A message of a conversation reaches the simulator. Runs again with the same SID change nothing: the job that
/// carries it is repeated after a crash.
#[derive(Clone, Debug)]
pub struct Receive {
    /// The account.
    pub account: AccountSid,
    /// SID on the carrier.
    pub sid: String,
    /// The account's number.
    pub from: String,
    /// The handset.
    pub to: String,
    /// The other numbers of a group message.
    pub others: Vec<String>,
    /// Text.
    pub body: String,
    /// A medium instead of text.
    pub media: Option<MediaSid>,
}

impl Command for Receive {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let known = tx
            .first(
                "SELECT sid FROM handset_message WHERE sid = $1",
                params![&self.sid],
            )?
            .is_some();
        if known {
            return Ok(());
        }
        let auto = mode(tx, self.account, &self.to)? == Mode::Auto;
        let message = HandsetMessage {
            sid: self.sid.clone(),
            received: true,
            from: self.from.clone(),
            to: self.to.clone(),
            others: self.others.clone(),
            body: self.body.clone(),
            media: self.media.iter().map(MediaSid::to_string).collect(),
            status: if auto { "sent" } else { "queued" }.into(),
            error_code: None,
            created_at: cx.now,
        };
        insert(tx, self.account, &self.to, &message)?;
        if auto {
            receipt::Report {
                channel_message: self.sid.clone(),
                status: Status::Sent,
                error_code: None,
            }
            .apply(tx, cx)?;
            let later = Timestamp(cx.now.0 + DELIVERY_DELAY);
            job::add(
                tx,
                cx,
                &job::Kind::HandsetDelivers {
                    account: self.account,
                    sid: self.sid.clone(),
                },
                later,
            )?;
            cx.emit(Effect::JobsWaiting);
        }
        Ok(())
    }
}

/// A received message gets another status: by a test, or by itself in mode auto.
#[derive(Clone, Debug)]
pub struct SetStatus {
    /// The account.
    pub account: AccountSid,
    /// The handset; `None` when the caller knows the SID from a row.
    pub handset: Option<Address>,
    /// SID of the message.
    pub sid: String,
    /// Its status.
    pub status: Status,
    /// Why it failed.
    pub error_code: Option<i64>,
}

impl Command for SetStatus {
    type Output = HandsetMessage;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<HandsetMessage> {
        let row = tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM handset_message WHERE sid = $1 AND account_sid = $2"
            ),
            params![&self.sid, self.account.to_string()],
        )?;
        let mut message = row.map(read).transpose()?.ok_or_else(|| Error::code(20404))?;
        let here = self.handset.as_ref().is_none_or(|h| h.as_str() == message.to);
        if !here || !message.received {
            return Err(Error::code(20404));
        }
        let news = receipt::Report {
            channel_message: self.sid.clone(),
            status: self.status,
            error_code: self.error_code,
        }
        .apply(tx, cx)?;
        if news {
            self.status.name().clone_into(&mut message.status);
            message.error_code = self.error_code;
            tx.exec(
                "UPDATE handset_message SET status = $2, error_code = $3 WHERE sid = $1",
                params![&message.sid, &message.status, message.error_code],
            )?;
        }
        Ok(message)
    }
}

/// Greatest number of others of a group message.
const MOST_OTHERS: usize = 100;

/// A handset sends a message to a number of the account. The other phones of a group message would get it by their
/// network; here they do not.
#[derive(Clone, Debug)]
pub struct Send {
    /// The account.
    pub account: AccountSid,
    /// The handset.
    pub handset: Address,
    /// The number that it writes to.
    pub to: String,
    /// The other phones and numbers of a group message.
    pub others: Vec<String>,
    /// Text.
    pub body: String,
    /// URLs of media: at most 10, on WhatsApp one (B-284, B-285).
    pub media: Vec<String>,
}

impl Send {
    fn arrival(&self, sid: String, to: &Address) -> Arrival {
        Arrival {
            account: self.account,
            sid,
            from: self.handset.to_string(),
            to: to.to_string(),
            others: self.others.clone(),
            body: self.body.clone(),
            media: self.media.clone(),
        }
    }

    fn check_media(&self) -> Result<()> {
        let most = inbound::media_rules(self.handset.channel()).files;
        if self.media.len() > most {
            return Err(Error::code(21623));
        }
        let is_web = |url: &String| {
            let host = url
                .strip_prefix("http://")
                .or_else(|| url.strip_prefix("https://"));
            host.is_some_and(|rest| !rest.is_empty()) && url.len() <= 2048
        };
        if self.media.iter().all(is_web) {
            Ok(())
        } else {
            Err(Error::code(21620))
        }
    }
}

/// What a handset sent has reached its conversation.
pub(crate) fn arrived(tx: &mut Transaction<'_>, sid: &str) -> Result<()> {
    tx.push(
        "UPDATE handset_message SET status = $2 WHERE sid = $1",
        params![sid, DELIVERED],
    )?;
    Ok(())
}

impl Command for Send {
    type Output = HandsetMessage;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<HandsetMessage> {
        let to = Address::parse(&self.to).ok_or_else(|| Error::code(21211))?;
        if number::owner(tx, &to)? != Some(self.account) {
            // No network behind the simulator has another phone of that number.
            return Err(Error::code(21211));
        }
        if self.body.is_empty() && self.media.is_empty() {
            return Err(confab_types::ApiError::missing("Body").into());
        }
        if self.body.len() > cx.limits.message_body_bytes {
            return Err(confab_types::ApiError::invalid("Body").into());
        }
        if self.others.len() > MOST_OTHERS || self.others.iter().any(|text| Address::parse(text).is_none()) {
            return Err(confab_types::ApiError::invalid("OtherRecipients").into());
        }
        self.check_media()?;
        let sid = match self.handset.channel() {
            Channel::WhatsApp => cx.sid::<WhatsAppSid>().to_string(),
            _ if self.media.is_empty() => cx.sid::<SmsSid>().to_string(),
            _ => cx.sid::<MmsSid>().to_string(),
        };
        let arrival = self.arrival(sid.clone(), &to);
        let arrived = inbound::take_in(tx, cx, arrival)?;
        let message = HandsetMessage {
            sid,
            received: false,
            from: self.handset.to_string(),
            to: to.to_string(),
            others: self.others.clone(),
            body: self.body.clone(),
            media: self.media.clone(),
            status: if arrived { DELIVERED } else { "sent" }.into(),
            error_code: None,
            created_at: cx.now,
        };
        insert(tx, self.account, self.handset.as_str(), &message)?;
        Ok(message)
    }

    fn asks(&self) -> Asks {
        Asks::Look
    }

    fn look(&self, tx: &mut Transaction<'_>) -> Result<Option<(ServiceSid, Event)>> {
        match Address::parse(&self.to) {
            Some(to) => inbound::event_of(tx, &self.arrival(String::new(), &to)),
            None => Ok(None),
        }
    }

    fn outlives_refusal(&self) -> bool {
        true
    }
}
