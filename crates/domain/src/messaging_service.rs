//! Messaging services: what a conversation sends through (rest.md §8).

use confab_store::{Row, params};
use confab_types::{AccountSid, ApiError, KeyPart, MessagingServiceSid, Sid as _, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audit::{self, Kind, Subject};
use crate::endpoint::{self, Method};
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::sync::sid;
use crate::{Command, Cx, Order, Page, Result, Transaction, Window, account, text};

/// Characters of a name.
const NAME_CHARS: usize = 64;
/// Longest time that a message may wait for its carrier, seconds; also the default.
const VALIDITY_SECONDS: i64 = 36_000;
/// What a service may say that it is for.
pub const USECASES: [&str; 6] = [
    "notifications",
    "marketing",
    "verification",
    "discussion",
    "poll",
    "undeclared",
];
/// Whether texts are scanned.
pub const SCANS: [&str; 3] = ["inherit", "enable", "disable"];

/// A messaging service.
#[derive(Clone, Debug)]
pub struct MessagingService {
    /// Its SID.
    pub sid: MessagingServiceSid,
    /// Its account.
    pub account: AccountSid,
    /// Its name.
    pub friendly_name: String,
    /// How it works.
    pub settings: Settings,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How a messaging service works. Most of it is stored and shown only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Called for messages that come in.
    pub inbound_request_url: Option<String>,
    /// How.
    pub inbound_method: Method,
    /// Called where that fails.
    pub fallback_url: Option<String>,
    /// How.
    pub fallback_method: Method,
    /// Called for each state of a message.
    pub status_callback: Option<String>,
    /// Whether a recipient always gets the same sender.
    pub sticky_sender: bool,
    /// Whether pictures become links where they cannot be sent.
    pub mms_converter: bool,
    /// Whether characters are exchanged for cheaper ones.
    pub smart_encoding: bool,
    /// One of [`SCANS`].
    pub scan_message_content: String,
    /// Whether a failed short code is followed by a long one.
    pub fallback_to_long_code: bool,
    /// Whether a sender of the recipient's area is chosen.
    pub area_code_geomatch: bool,
    /// Seconds that a message may wait, 1 to 36,000.
    pub validity_period: i64,
    /// Reserved.
    pub synchronous_validation: bool,
    /// One of [`USECASES`].
    pub usecase: String,
    /// Whether the number's own URL is called instead.
    pub use_inbound_webhook_on_number: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            inbound_request_url: None,
            inbound_method: Method::Post,
            fallback_url: None,
            fallback_method: Method::Post,
            status_callback: None,
            sticky_sender: true,
            mms_converter: true,
            smart_encoding: true,
            scan_message_content: "inherit".into(),
            fallback_to_long_code: true,
            area_code_geomatch: true,
            validity_period: VALIDITY_SECONDS,
            synchronous_validation: false,
            usecase: "undeclared".into(),
            use_inbound_webhook_on_number: false,
        }
    }
}

macro_rules! columns {
    () => {
        "sid, account_sid, friendly_name, settings, created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<MessagingService> {
    Ok(MessagingService {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        friendly_name: row.text()?,
        settings: text::of_json(&row.text()?)?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// Makes a messaging service with nothing set.
pub(crate) fn insert(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    account: AccountSid,
    friendly_name: &str,
) -> Result<MessagingService> {
    save_new(tx, cx, account, friendly_name, Settings::default())
}

fn save_new(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    account: AccountSid,
    friendly_name: &str,
    settings: Settings,
) -> Result<MessagingService> {
    let new = MessagingService {
        sid: cx.sid(),
        account,
        friendly_name: friendly_name.to_owned(),
        settings,
        created_at: cx.now,
        updated_at: cx.now,
    };
    tx.push(
        concat!(
            "INSERT INTO messaging_service (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6)"
        ),
        params![
            new.sid.to_string(),
            new.account.to_string(),
            &new.friendly_name,
            text::to_json(&new.settings),
            cx.now.0,
            cx.now.0
        ],
    )?;
    Ok(new)
}

/// A messaging service of an account.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    service: MessagingServiceSid,
) -> Result<MessagingService> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM messaging_service WHERE sid = $1 AND account_sid = $2"
        ),
        params![service.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// As [`fetch`] with the row locked until the commit.
fn hold(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    service: MessagingServiceSid,
) -> Result<MessagingService> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM messaging_service WHERE sid = $1 AND account_sid = $2 {for_update}"
        ),
        params![service.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// Keeps a messaging service of an account from being deleted until the commit.
///
/// # Errors
/// 404/20404, or the database's.
pub(crate) fn keep(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    service: MessagingServiceSid,
) -> Result<()> {
    tx.first(
        "SELECT sid FROM messaging_service WHERE sid = $1 AND account_sid = $2 {for_share}",
        params![service.to_string(), account.to_string()],
    )?
    .map(drop)
    .ok_or_else(|| Error::code(20404))
}

/// The messaging services of an account, oldest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    window: &Window,
) -> Result<Page<MessagingService>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM messaging_service WHERE account_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM messaging_service WHERE account_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
        ),
        params: params![account.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |s| vec![KeyPart::Text(s.sid.to_string())],
    }
    .page(tx, Order::Ascending, window)
}

/// Whether an account has a messaging service.
pub(crate) fn exists(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    service: MessagingServiceSid,
) -> Result<bool> {
    let row = tx.first(
        "SELECT sid FROM messaging_service WHERE sid = $1 AND account_sid = $2",
        params![service.to_string(), account.to_string()],
    )?;
    Ok(row.is_some())
}

/// The messaging service of an account that a parameter names; `None` for an empty one, which names none.
///
/// # Errors
/// 50341 for what is no SID, 50342 for one that the account does not have; or the database's.
pub(crate) fn named(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    text: &str,
) -> Result<Option<MessagingServiceSid>> {
    if text.is_empty() {
        return Ok(None);
    }
    let named = MessagingServiceSid::parse(text).ok_or_else(|| Error::code(50341))?;
    if !exists(tx, account, named)? {
        return Err(Error::code(50342));
    }
    Ok(Some(named))
}

/// What may be set of a messaging service; `None` leaves it, an empty URL clears.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// At most 64 characters.
    pub friendly_name: Option<String>,
    /// See [`Settings`].
    pub inbound_request_url: Option<String>,
    /// `GET` or `POST`.
    pub inbound_method: Option<Method>,
    /// See [`Settings`].
    pub fallback_url: Option<String>,
    /// `GET` or `POST`.
    pub fallback_method: Option<Method>,
    /// See [`Settings`].
    pub status_callback: Option<String>,
    /// See [`Settings`].
    pub sticky_sender: Option<bool>,
    /// See [`Settings`].
    pub mms_converter: Option<bool>,
    /// See [`Settings`].
    pub smart_encoding: Option<bool>,
    /// One of [`SCANS`].
    pub scan_message_content: Option<String>,
    /// See [`Settings`].
    pub fallback_to_long_code: Option<bool>,
    /// See [`Settings`].
    pub area_code_geomatch: Option<bool>,
    /// 1 to 36,000.
    pub validity_period: Option<i64>,
    /// See [`Settings`].
    pub synchronous_validation: Option<bool>,
    /// One of [`USECASES`].
    pub usecase: Option<String>,
    /// See [`Settings`].
    pub use_inbound_webhook_on_number: Option<bool>,
}

impl Fields {
    fn check_name(&self) -> Result<Option<&str>> {
        match self.friendly_name.as_deref() {
            Some("") => Err(Error::code(20002)),
            Some(name) => text::at_most(name, NAME_CHARS, 20002).map(|()| Some(name)),
            None => Ok(None),
        }
    }

    fn fill(&self, into: &mut Settings) -> Result<()> {
        let url = |sent: &Option<String>, into: &mut Option<String>, refusal: ApiError| -> Result<()> {
            if let Some(text) = sent {
                *into = endpoint::optional_url(text).map_err(|_| refusal)?;
            }
            Ok(())
        };
        url(
            &self.inbound_request_url,
            &mut into.inbound_request_url,
            ApiError::invalid("InboundRequestUrl"),
        )?;
        url(
            &self.fallback_url,
            &mut into.fallback_url,
            ApiError::invalid("FallbackUrl"),
        )?;
        url(
            &self.status_callback,
            &mut into.status_callback,
            ApiError::new(21609),
        )?;
        for (sent, into) in [
            (self.sticky_sender, &mut into.sticky_sender),
            (self.mms_converter, &mut into.mms_converter),
            (self.smart_encoding, &mut into.smart_encoding),
            (self.fallback_to_long_code, &mut into.fallback_to_long_code),
            (self.area_code_geomatch, &mut into.area_code_geomatch),
            (self.synchronous_validation, &mut into.synchronous_validation),
            (
                self.use_inbound_webhook_on_number,
                &mut into.use_inbound_webhook_on_number,
            ),
        ] {
            *into = sent.unwrap_or(*into);
        }
        into.inbound_method = self.inbound_method.unwrap_or(into.inbound_method);
        into.fallback_method = self.fallback_method.unwrap_or(into.fallback_method);
        if let Some(seconds) = self.validity_period {
            if !(1..=VALIDITY_SECONDS).contains(&seconds) {
                return Err(ApiError::invalid("ValidityPeriod").into());
            }
            into.validity_period = seconds;
        }
        for (sent, words, name, into) in [
            (
                &self.scan_message_content,
                &SCANS[..],
                "ScanMessageContent",
                &mut into.scan_message_content,
            ),
            (&self.usecase, &USECASES[..], "Usecase", &mut into.usecase),
        ] {
            let Some(word) = sent else { continue };
            if !words.contains(&word.as_str()) {
                return Err(ApiError::invalid(name).into());
            }
            into.clone_from(word);
        }
        Ok(())
    }
}

/// Makes a messaging service.
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// Its values; the name is required.
    pub fields: Fields,
}

impl Command for Create {
    type Output = MessagingService;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<MessagingService> {
        let name = self
            .fields
            .check_name()?
            .ok_or_else(|| ApiError::missing("FriendlyName"))?;
        let mut settings = Settings::default();
        self.fields.fill(&mut settings)?;
        let made = save_new(tx, cx, self.account, name, settings)?;
        let subject = Subject::new(Kind::MessagingService, self.account, made.sid);
        audit::created(tx, cx, &subject, &properties(&made))?;
        Ok(made)
    }
}

/// What the log of changes tells of a messaging service.
fn properties(service: &MessagingService) -> Value {
    let mut properties = serde_json::to_value(&service.settings).unwrap_or_default();
    properties["friendly_name"] = service.friendly_name.as_str().into();
    properties
}

/// Changes a messaging service.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// The messaging service.
    pub service: MessagingServiceSid,
    /// New values.
    pub fields: Fields,
}

impl Command for Update {
    type Output = MessagingService;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<MessagingService> {
        let before = hold(tx, self.account, self.service)?;
        let mut changed = before.clone();
        if let Some(name) = self.fields.check_name()? {
            changed.friendly_name = name.to_owned();
        }
        self.fields.fill(&mut changed.settings)?;
        if changed.friendly_name == before.friendly_name && changed.settings == before.settings {
            return Ok(before);
        }
        changed.updated_at = cx.now;
        tx.exec(
            "UPDATE messaging_service SET friendly_name = $2, settings = $3, updated_at = $4 WHERE sid = $1",
            params![
                changed.sid.to_string(),
                &changed.friendly_name,
                text::to_json(&changed.settings),
                cx.now.0
            ],
        )?;
        let subject = Subject::new(Kind::MessagingService, self.account, changed.sid);
        audit::updated(tx, cx, &subject, &properties(&before), &properties(&changed))?;
        Ok(changed)
    }
}

/// Ends a messaging service. Its numbers are in none then; conversations that name it keep its SID (rest.md §8), the
/// account's defaults do not.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The account.
    pub account: AccountSid,
    /// The messaging service.
    pub service: MessagingServiceSid,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        // Who makes it the default has the account's row as well, and who puts a number into it keeps that of it.
        account::hold(tx, self.account)?;
        hold(tx, self.account, self.service)?;
        tx.push(
            "UPDATE account SET default_messaging_service_sid = NULL, updated_at = $3 \
             WHERE sid = $1 AND default_messaging_service_sid = $2",
            params![self.account.to_string(), self.service.to_string(), cx.now.0],
        )?;
        tx.push(
            "UPDATE number SET messaging_service_sid = NULL, pooled_at = NULL WHERE messaging_service_sid = $1",
            params![self.service.to_string()],
        )?;
        tx.exec(
            "DELETE FROM messaging_service WHERE sid = $1",
            params![self.service.to_string()],
        )?;
        let subject = Subject::new(Kind::MessagingService, self.account, self.service);
        audit::deleted(tx, cx, &subject)
    }
}
