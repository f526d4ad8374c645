//! Services of Notify (rest.md §4.1).

use confab_store::{Row, params};
use confab_types::{
    AccountSid, ApiError, CredentialSid, KeyPart, MessagingServiceSid, ServiceSid, Sid, Timestamp,
};
use serde_json::{Value, json};

use crate::audit::{self, Kind, Subject};
use crate::credential::{self, CredentialType};
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::sync::{opt_sid, sid};
use crate::{Command, Cx, Order, Page, Result, Transaction, Window, messaging_service, text};

/// Characters of a name (B-863).
const NAME_CHARS: usize = 64;
/// Services of an account (B-861).
const SERVICES: i64 = 10;
/// The version of the protocol that new services speak (B-862).
const PROTOCOL: &str = "3";

/// A service.
#[derive(Clone, Debug)]
pub struct NotifyService {
    /// Its SID.
    pub sid: ServiceSid,
    /// Its account.
    pub account: AccountSid,
    /// Its name.
    pub friendly_name: Option<String>,
    /// SID of the credential for Apple's push service.
    pub apn_credential: Option<CredentialSid>,
    /// SID of the one for Google's older push service.
    pub gcm_credential: Option<CredentialSid>,
    /// SID of the one for Google's push service.
    pub fcm_credential: Option<CredentialSid>,
    /// What it sends text messages through.
    pub messaging_service: Option<MessagingServiceSid>,
    /// Kept and shown; nothing is sent there.
    pub facebook_messenger_page_id: Option<String>,
    /// Kept and shown; nothing is sent there.
    pub alexa_skill_id: Option<String>,
    /// Protocol version of bindings that name none.
    pub apn_protocol_version: String,
    /// As above.
    pub gcm_protocol_version: String,
    /// As above.
    pub fcm_protocol_version: String,
    /// As above.
    pub alexa_protocol_version: String,
    /// Whether notifications are logged.
    pub log_enabled: bool,
    /// Where the outcome of notifications is posted.
    pub delivery_callback_url: Option<String>,
    /// Whether it is.
    pub delivery_callback_enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, friendly_name, apn_credential_sid, gcm_credential_sid, fcm_credential_sid, \
         messaging_service_sid, facebook_messenger_page_id, alexa_skill_id, apn_protocol_version, \
         gcm_protocol_version, fcm_protocol_version, alexa_protocol_version, log_enabled, \
         delivery_callback_url, delivery_callback_enabled, created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<NotifyService> {
    Ok(NotifyService {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        friendly_name: row.opt_text()?,
        apn_credential: opt_sid(row.opt_text()?)?,
        gcm_credential: opt_sid(row.opt_text()?)?,
        fcm_credential: opt_sid(row.opt_text()?)?,
        messaging_service: opt_sid(row.opt_text()?)?,
        facebook_messenger_page_id: row.opt_text()?,
        alexa_skill_id: row.opt_text()?,
        apn_protocol_version: row.text()?,
        gcm_protocol_version: row.text()?,
        fcm_protocol_version: row.text()?,
        alexa_protocol_version: row.text()?,
        log_enabled: row.boolean()?,
        delivery_callback_url: row.opt_text()?,
        delivery_callback_enabled: row.boolean()?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// A service of an account.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, account: AccountSid, service: ServiceSid) -> Result<NotifyService> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM notify_service WHERE sid = $1 AND account_sid = $2"
        ),
        params![service.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// As [`fetch`], with the row locked until the commit.
fn hold(tx: &mut Transaction<'_>, account: AccountSid, service: ServiceSid) -> Result<NotifyService> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM notify_service WHERE sid = $1 AND account_sid = $2 {for_update}"
        ),
        params![service.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// The services of an account, oldest first; only those of a name when one is given. An account has few
/// ([`SERVICES`]), so the name needs no index.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    friendly_name: Option<&str>,
    window: &Window,
) -> Result<Page<NotifyService>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM notify_service WHERE account_sid = $1 AND (CAST($2 AS TEXT) IS NULL OR friendly_name = $2) \
             AND sid > $3 ORDER BY sid LIMIT $4"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM notify_service WHERE account_sid = $1 AND (CAST($2 AS TEXT) IS NULL OR friendly_name = $2) \
             AND sid < $3 ORDER BY sid DESC LIMIT $4"
        ),
        params: params![account.to_string(), friendly_name.map(str::to_owned)].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |s| vec![KeyPart::Text(s.sid.to_string())],
    }
    .page(tx, Order::Ascending, window)
}

/// What may be set of a service; `None` leaves a value, an empty text clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// At most 64 characters (B-863).
    pub friendly_name: Option<String>,
    /// SID of a credential for Apple's push service.
    pub apn_credential: Option<String>,
    /// SID of one for Google's older push service.
    pub gcm_credential: Option<String>,
    /// SID of one for Google's push service.
    pub fcm_credential: Option<String>,
    /// SID of a messaging service of the account.
    pub messaging_service: Option<String>,
    /// See [`NotifyService`].
    pub facebook_messenger_page_id: Option<String>,
    /// See [`NotifyService`].
    pub alexa_skill_id: Option<String>,
    /// `1`, `2` or `3`.
    pub apn_protocol_version: Option<String>,
    /// As above.
    pub gcm_protocol_version: Option<String>,
    /// As above.
    pub fcm_protocol_version: Option<String>,
    /// As above.
    pub alexa_protocol_version: Option<String>,
    /// See [`NotifyService`].
    pub log_enabled: Option<bool>,
    /// See [`NotifyService`].
    pub delivery_callback_url: Option<String>,
    /// See [`NotifyService`].
    pub delivery_callback_enabled: Option<bool>,
}

impl Fields {
    fn fill(&self, tx: &mut Transaction<'_>, into: &mut NotifyService) -> Result<()> {
        if let Some(name) = &self.friendly_name {
            text::at_most(name, NAME_CHARS, 20002)?;
            into.friendly_name = text::cleared(name);
        }
        for (given, kind, slot) in [
            (
                &self.apn_credential,
                CredentialType::Apn,
                &mut into.apn_credential,
            ),
            (
                &self.gcm_credential,
                CredentialType::Gcm,
                &mut into.gcm_credential,
            ),
            (
                &self.fcm_credential,
                CredentialType::Fcm,
                &mut into.fcm_credential,
            ),
        ] {
            if let Some(text) = given {
                *slot = credential(tx, into.account, text, kind)?;
            }
        }
        if let Some(text) = &self.messaging_service {
            into.messaging_service = sender(tx, into.account, text)?;
        }
        for (given, slot) in [
            (
                &self.facebook_messenger_page_id,
                &mut into.facebook_messenger_page_id,
            ),
            (&self.alexa_skill_id, &mut into.alexa_skill_id),
            (&self.delivery_callback_url, &mut into.delivery_callback_url),
        ] {
            if let Some(text) = given {
                *slot = text::cleared(text);
            }
        }
        for (given, name, slot) in [
            (&self.apn_protocol_version, "Apn", &mut into.apn_protocol_version),
            (&self.gcm_protocol_version, "Gcm", &mut into.gcm_protocol_version),
            (&self.fcm_protocol_version, "Fcm", &mut into.fcm_protocol_version),
            (
                &self.alexa_protocol_version,
                "Alexa",
                &mut into.alexa_protocol_version,
            ),
        ] {
            if let Some(text) = given {
                if !["1", "2", "3"].contains(&text.as_str()) {
                    let name = format!("Default{name}NotificationProtocolVersion");
                    return Err(ApiError::invalid(&name).into());
                }
                slot.clone_from(text);
            }
        }
        into.log_enabled = self.log_enabled.unwrap_or(into.log_enabled);
        into.delivery_callback_enabled = self
            .delivery_callback_enabled
            .unwrap_or(into.delivery_callback_enabled);
        Ok(())
    }
}

/// The credential that a text names; the empty one names none.
///
/// # Errors
/// 400/52002 when the account has none, 400/52003 for one of another push service.
fn credential(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    text: &str,
    kind: CredentialType,
) -> Result<Option<CredentialSid>> {
    if text.is_empty() {
        return Ok(None);
    }
    let sid = CredentialSid::parse(text).ok_or_else(|| Error::code(52002))?;
    credential::hold(tx, account, sid, kind)?;
    Ok(Some(sid))
}

fn sender(tx: &mut Transaction<'_>, account: AccountSid, text: &str) -> Result<Option<MessagingServiceSid>> {
    messaging_service::named(tx, account, text).map_err(|error| match error {
        // The codes there are those of conversations.
        Error::Api(_) => ApiError::invalid("MessagingServiceSid").into(),
        other => other,
    })
}

/// Makes a service.
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// Its values.
    pub fields: Fields,
}

/// What the log of changes tells of a service.
fn properties(service: &NotifyService) -> Value {
    let text = |sid: Option<CredentialSid>| sid.map(|sid| sid.to_string());
    json!({
        "friendly_name": service.friendly_name,
        "apn_credential_sid": text(service.apn_credential),
        "gcm_credential_sid": text(service.gcm_credential),
        "fcm_credential_sid": text(service.fcm_credential),
        "messaging_service_sid": service.messaging_service.map(|sid| sid.to_string()),
        "log_enabled": service.log_enabled,
        "delivery_callback_url": service.delivery_callback_url,
        "delivery_callback_enabled": service.delivery_callback_enabled,
    })
}

impl Command for Create {
    type Output = NotifyService;

    /// # Errors
    /// 400/20001 for the eleventh (B-861).
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<NotifyService> {
        let mut new = NotifyService {
            sid: cx.sid(),
            account: self.account,
            friendly_name: None,
            apn_credential: None,
            gcm_credential: None,
            fcm_credential: None,
            messaging_service: None,
            facebook_messenger_page_id: None,
            alexa_skill_id: None,
            apn_protocol_version: PROTOCOL.into(),
            gcm_protocol_version: PROTOCOL.into(),
            fcm_protocol_version: PROTOCOL.into(),
            alexa_protocol_version: PROTOCOL.into(),
            log_enabled: true,
            delivery_callback_url: None,
            delivery_callback_enabled: false,
            created_at: cx.now,
            updated_at: cx.now,
        };
        self.fields.fill(tx, &mut new)?;
        // Two that are made at once must not both be the tenth.
        tx.first(
            "SELECT sid FROM account WHERE sid = $1 {for_update}",
            params![self.account.to_string()],
        )?;
        let count = tx.first(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM notify_service WHERE account_sid = $1",
            params![self.account.to_string()],
        )?;
        if count.map_or(Ok(0), |mut row| row.int())? >= SERVICES {
            return Err(ApiError::new(20001)
                .message(format!("An account has at most {SERVICES} services"))
                .into());
        }
        tx.push(
            concat!(
                "INSERT INTO notify_service (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
            ),
            params![
                new.sid.to_string(),
                new.account.to_string(),
                &new.friendly_name,
                new.apn_credential.map(|s| s.to_string()),
                new.gcm_credential.map(|s| s.to_string()),
                new.fcm_credential.map(|s| s.to_string()),
                new.messaging_service.map(|s| s.to_string()),
                &new.facebook_messenger_page_id,
                &new.alexa_skill_id,
                &new.apn_protocol_version,
                &new.gcm_protocol_version,
                &new.fcm_protocol_version,
                &new.alexa_protocol_version,
                new.log_enabled,
                &new.delivery_callback_url,
                new.delivery_callback_enabled,
                cx.now.0,
                cx.now.0
            ],
        )?;
        let subject = Subject::new(Kind::NotifyService, new.account, new.sid);
        audit::created(tx, cx, &subject, &properties(&new))?;
        Ok(new)
    }
}

/// Changes a service.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// New values.
    pub fields: Fields,
}

impl Command for Update {
    type Output = NotifyService;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<NotifyService> {
        let mut changed = hold(tx, self.account, self.service)?;
        if self.fields == Fields::default() {
            return Ok(changed); // B-014
        }
        let before = properties(&changed);
        self.fields.fill(tx, &mut changed)?;
        changed.updated_at = cx.now;
        tx.push(
            "UPDATE notify_service SET friendly_name = $2, apn_credential_sid = $3, gcm_credential_sid = $4, \
             fcm_credential_sid = $5, messaging_service_sid = $6, facebook_messenger_page_id = $7, \
             alexa_skill_id = $8, apn_protocol_version = $9, gcm_protocol_version = $10, \
             fcm_protocol_version = $11, alexa_protocol_version = $12, log_enabled = $13, \
             delivery_callback_url = $14, delivery_callback_enabled = $15, updated_at = $16 WHERE sid = $1",
            params![
                changed.sid.to_string(),
                &changed.friendly_name,
                changed.apn_credential.map(|s| s.to_string()),
                changed.gcm_credential.map(|s| s.to_string()),
                changed.fcm_credential.map(|s| s.to_string()),
                changed.messaging_service.map(|s| s.to_string()),
                &changed.facebook_messenger_page_id,
                &changed.alexa_skill_id,
                &changed.apn_protocol_version,
                &changed.gcm_protocol_version,
                &changed.fcm_protocol_version,
                &changed.alexa_protocol_version,
                changed.log_enabled,
                &changed.delivery_callback_url,
                changed.delivery_callback_enabled,
                cx.now.0
            ],
        )?;
        let subject = Subject::new(Kind::NotifyService, self.account, changed.sid);
        audit::updated(tx, cx, &subject, &before, &properties(&changed))?;
        Ok(changed)
    }
}

/// Removes a service.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        hold(tx, self.account, self.service)?;
        tx.push(
            "DELETE FROM notify_service WHERE sid = $1",
            params![self.service.to_string()],
        )?;
        let subject = Subject::new(Kind::NotifyService, self.account, self.service);
        audit::deleted(tx, cx, &subject)
    }
}
