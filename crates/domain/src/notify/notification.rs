//! Notifications (rest.md §4.4). They are checked and answered, and reach nobody: this server has no transport for
//! push, and no bindings that a notification could find.

use confab_types::{AccountSid, ApiError, NotificationSid, ServiceSid, Timestamp};
use serde_json::{Map, Value};

use super::service;
use crate::error::Error;
use crate::{Command, Cx, Result, Transaction};

/// Identities that one notification names (B-867).
const IDENTITIES: usize = 20;
/// Tags.
const TAGS: usize = 5;
/// Addresses that have no binding.
const DESTINATIONS: usize = 10_000;
/// Four weeks, in seconds (B-872).
const TTL: i64 = 2_419_200;

/// Payloads for all channels and for single ones: JSON texts in a request, objects in a notification.
#[derive(Clone, Debug, Default)]
pub struct Payloads<T> {
    /// For all.
    pub data: Option<T>,
    /// For Apple's push service.
    pub apn: Option<T>,
    /// For Google's push service.
    pub fcm: Option<T>,
    /// For Google's older push service.
    pub gcm: Option<T>,
    /// For text messages.
    pub sms: Option<T>,
    /// For Facebook Messenger.
    pub facebook_messenger: Option<T>,
    /// For Alexa.
    pub alexa: Option<T>,
}

impl Payloads<String> {
    fn read(&self) -> Result<Payloads<Map<String, Value>>> {
        let read = |text: &Option<String>, name: &str| {
            text.as_deref()
                .filter(|text| !text.is_empty())
                .map(|text| object(text, name))
                .transpose()
        };
        Ok(Payloads {
            data: read(&self.data, "Data")?,
            apn: read(&self.apn, "Apn")?,
            fcm: read(&self.fcm, "Fcm")?,
            gcm: read(&self.gcm, "Gcm")?,
            sms: read(&self.sms, "Sms")?,
            facebook_messenger: read(&self.facebook_messenger, "FacebookMessenger")?,
            alexa: read(&self.alexa, "Alexa")?,
        })
    }
}

/// A JSON object; keys that begin with `twi_` are kept for the server's own.
fn object(text: &str, name: &str) -> Result<Map<String, Value>> {
    serde_json::from_str::<Map<String, Value>>(text)
        .ok()
        .filter(|object| !object.keys().any(|key| key.starts_with("twi_")))
        .ok_or_else(|| ApiError::invalid(name).into())
}

/// A notification as it was accepted.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Its SID; nothing can be fetched by it (B-871).
    pub sid: NotificationSid,
    /// Its account.
    pub account: AccountSid,
    /// Its service.
    pub service: ServiceSid,
    /// Identities of its recipients.
    pub identities: Vec<String>,
    /// Tags that their bindings carry.
    pub tags: Vec<String>,
    /// Segments that they are in.
    pub segments: Vec<String>,
    /// `high` or `low`.
    pub priority: String,
    /// Seconds for which it is worth delivering.
    pub ttl: i64,
    /// Its title.
    pub title: Option<String>,
    /// Its text.
    pub body: Option<String>,
    /// Sound that it makes.
    pub sound: Option<String>,
    /// What it offers to do.
    pub action: Option<String>,
    /// What else each channel gets.
    pub payloads: Payloads<Map<String, Value>>,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// Accepts a notification.
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// Identities of recipients, at most 20.
    pub identities: Vec<String>,
    /// Tags that a binding must carry, at most 5.
    pub tags: Vec<String>,
    /// Segments.
    pub segments: Vec<String>,
    /// JSON objects of addresses without binding, at most 10,000; they exclude the others.
    pub to_binding: Vec<String>,
    /// `high`, the default, or `low`.
    pub priority: Option<String>,
    /// Seconds, at most four weeks, which is the default.
    pub ttl: Option<i64>,
    /// Title.
    pub title: Option<String>,
    /// Text.
    pub body: Option<String>,
    /// Sound.
    pub sound: Option<String>,
    /// Action.
    pub action: Option<String>,
    /// JSON objects.
    pub payloads: Payloads<String>,
}

impl Create {
    fn check_recipients(&self) -> Result<()> {
        let by_binding = self.identities.len() + self.tags.len() + self.segments.len();
        match (by_binding, self.to_binding.len()) {
            (0, 0) => {
                return Err(ApiError::new(20001)
                    .message("Identity, Tag, Segment or ToBinding is required")
                    .into());
            }
            (1.., 1..) => return Err(ApiError::invalid("ToBinding").into()),
            _ => {}
        }
        let too_many = self.identities.len() > IDENTITIES
            || self.tags.len() > TAGS
            || self.to_binding.len() > DESTINATIONS;
        if too_many {
            return Err(Error::code(52302));
        }
        Ok(())
    }
}

/// The channel of an address without binding.
fn destination(text: &str) -> Result<String> {
    const CHANNELS: [&str; 6] = ["apn", "gcm", "fcm", "sms", "facebook-messenger", "alexa"];
    let binding: Option<Map<String, Value>> = serde_json::from_str(text).ok();
    let text = |name: &str| {
        binding
            .as_ref()
            .and_then(|b| b.get(name)?.as_str())
            .filter(|t| !t.is_empty())
    };
    match (text("binding_type"), text("address")) {
        (Some(channel), Some(_)) if CHANNELS.contains(&channel) => Ok(channel.to_owned()),
        _ => Err(Error::code(52001)),
    }
}

impl Command for Create {
    type Output = Notification;

    /// # Errors
    /// 404/20404 without the service; 400/20001 for wrong parameters or no recipients, 52302 for too many (B-867),
    /// 52001 for a wrong address, 52182 for a phone where the service has no messaging service (B-868).
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Notification> {
        let service = service::fetch(tx, self.account, self.service)?;
        self.check_recipients()?;
        let ttl = self.ttl.unwrap_or(TTL);
        if !(0..=TTL).contains(&ttl) {
            return Err(ApiError::invalid("Ttl").into());
        }
        let priority = self.priority.as_deref().unwrap_or("high");
        if !["high", "low"].contains(&priority) {
            return Err(ApiError::invalid("Priority").into());
        }
        let payloads = self.payloads.read()?;
        for text in &self.to_binding {
            if destination(text)? == "sms" && service.messaging_service.is_none() {
                return Err(Error::code(52182));
            }
        }
        Ok(Notification {
            sid: cx.sid(),
            account: self.account,
            service: self.service,
            identities: self.identities.clone(),
            tags: self.tags.clone(),
            segments: self.segments.clone(),
            priority: priority.to_owned(),
            ttl,
            title: self.title.clone(),
            body: self.body.clone(),
            sound: self.sound.clone(),
            action: self.action.clone(),
            payloads,
            created_at: cx.now,
        })
    }
}
