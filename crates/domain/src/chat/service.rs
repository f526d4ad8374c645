//! What Chat sets up of a service (rest.md §5.1): some of it is the configuration that Conversations has too, the rest
//! is kept for Chat alone.

use std::ops::RangeInclusive;

use confab_store::{Row, params};
use confab_types::{AccountSid, ServiceSid};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{event, in_words_of_chat};
use crate::audit::{self, Kind, Subject};
use crate::endpoint::{self, Method};
use crate::error::Error;
use crate::notification::{Notice, Setting};
use crate::service::{self, Service};
use crate::{Command, Cx, Page, Result, Transaction, Window, text};

/// Members of a channel and channels of a user at most, when a service sets no limit of its own (B-842).
const MEMBERS: i64 = 100;
const CHANNELS: i64 = 250;
/// The highest limit that a service can set (B-843).
const HIGHEST_LIMIT: i64 = 1000;
/// How often a webhook's call is repeated at most (B-841).
const RETRIES: i64 = 3;
/// Text of a message with media where a client shows none.
const NO_MEDIA: &str = "Media messages are not supported by your client";

/// The push on a new message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// Whether it is sent, its text and its sound.
    #[serde(flatten)]
    pub notice: Notice,
    /// Whether iOS shows a count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub badge_count_enabled: Option<bool>,
}

/// The push notifications of a service. They are kept and shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notifications {
    /// Whether each is logged.
    pub log_enabled: bool,
    /// On a new message.
    pub new_message: NewMessage,
    /// On being added.
    pub added_to_channel: Notice,
    /// On being removed.
    pub removed_from_channel: Notice,
    /// On being invited.
    pub invited_to_channel: Notice,
}

/// What only Chat has of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether read horizons are kept.
    pub read_status_enabled: bool,
    /// Seconds after which somebody who was typing is not any more.
    pub typing_indicator_timeout: i64,
    /// Seconds between a client's reports of what was read.
    pub consumption_report_interval: i64,
    /// Push notifications.
    pub notifications: Notifications,
    /// Asked before something happens.
    pub pre_webhook_url: Option<String>,
    /// Told of what happened.
    pub post_webhook_url: Option<String>,
    /// How both are called; POST where none is set.
    pub webhook_method: Option<Method>,
    /// For what.
    pub webhook_filters: Option<Vec<String>>,
    /// How often a call is repeated.
    pub pre_webhook_retry_count: i64,
    /// As above.
    pub post_webhook_retry_count: i64,
    /// Members of a channel at most.
    pub channel_members: i64,
    /// Channels of a user at most.
    pub user_channels: i64,
    /// Text of a message with media where a client shows none (B-845).
    pub compatibility_message: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            read_status_enabled: true,
            typing_indicator_timeout: 5,
            consumption_report_interval: 10,
            notifications: Notifications::default(),
            pre_webhook_url: None,
            post_webhook_url: None,
            webhook_method: None,
            webhook_filters: None,
            pre_webhook_retry_count: 0,
            post_webhook_retry_count: 0,
            channel_members: MEMBERS,
            user_channels: CHANNELS,
            compatibility_message: NO_MEDIA.into(),
        }
    }
}

/// A service with what Chat has of it.
#[derive(Clone, Debug)]
pub struct ChatService {
    /// What it shares with Conversations.
    pub service: Service,
    /// What only Chat has.
    pub settings: Settings,
}

macro_rules! columns {
    () => {
        "service_sid, read_status_enabled, typing_indicator_timeout, consumption_report_interval, notifications, \
         pre_webhook_url, post_webhook_url, webhook_method, webhook_filters, pre_webhook_retry_count, \
         post_webhook_retry_count, channel_members, user_channels, compatibility_message"
    };
}

fn read(row: &mut Row) -> Result<Settings> {
    Ok(Settings {
        read_status_enabled: row.boolean()?,
        typing_indicator_timeout: row.int()?,
        consumption_report_interval: row.int()?,
        notifications: text::of_json(&row.text()?)?,
        pre_webhook_url: row.opt_text()?,
        post_webhook_url: row.opt_text()?,
        webhook_method: row.opt_text()?.as_deref().map(Method::parse).transpose()?,
        webhook_filters: row.opt_text()?.as_deref().map(text::of_json).transpose()?,
        pre_webhook_retry_count: row.int()?,
        post_webhook_retry_count: row.int()?,
        channel_members: row.int()?,
        user_channels: row.int()?,
        compatibility_message: row.text()?,
    })
}

/// What only Chat has of a service.
///
/// # Errors
/// The database's.
pub fn settings(tx: &mut Transaction<'_>, service: ServiceSid) -> Result<Settings> {
    let row = tx.first(
        concat!("SELECT ", columns!(), " FROM chat_service WHERE service_sid = $1"),
        params![service.to_string()],
    )?;
    let Some(mut row) = row else {
        return Ok(Settings::default());
    };
    row.text()?;
    read(&mut row)
}

/// Members that a channel of a service may have.
pub(super) fn channel_members(tx: &mut Transaction<'_>, service: ServiceSid) -> Result<i64> {
    let row = tx.first(
        "SELECT channel_members FROM chat_service WHERE service_sid = $1",
        params![service.to_string()],
    )?;
    Ok(row.map_or(Ok(MEMBERS), |mut row| row.int())?)
}

/// A service of an account.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, account: AccountSid, service: ServiceSid) -> Result<ChatService> {
    let service = service::fetch(tx, account, service)?;
    let settings = settings(tx, service.sid)?;
    Ok(ChatService { service, settings })
}

/// The services of an account, oldest first: those of Conversations (B-831).
///
/// # Errors
/// The database's.
pub fn list(tx: &mut Transaction<'_>, account: AccountSid, window: &Window) -> Result<Page<ChatService>> {
    let page = service::list(tx, account, window)?;
    let mut items = Vec::with_capacity(page.items.len());
    for service in page.items {
        let settings = settings(tx, service.sid)?;
        items.push(ChatService { service, settings });
    }
    Ok(Page {
        items,
        next: page.next,
        previous: page.previous,
    })
}

/// What may change of a service; `None` leaves a value, an empty text clears one that may be absent.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// At most 256 characters.
    pub friendly_name: Option<String>,
    /// SID of a service role.
    pub service_role: Option<String>,
    /// SID of a channel role.
    pub channel_role: Option<String>,
    /// SID of a channel role.
    pub channel_creator_role: Option<String>,
    /// See [`Settings`].
    pub read_status_enabled: Option<bool>,
    /// Whether users show as online.
    pub reachability_enabled: Option<bool>,
    /// Seconds.
    pub typing_indicator_timeout: Option<i64>,
    /// Seconds.
    pub consumption_report_interval: Option<i64>,
    /// On a new message.
    pub new_message: Setting,
    /// Whether iOS shows a count.
    pub badge_count_enabled: Option<bool>,
    /// On being added.
    pub added_to_channel: Setting,
    /// On being removed.
    pub removed_from_channel: Setting,
    /// On being invited.
    pub invited_to_channel: Setting,
    /// Whether pushes are logged.
    pub log_enabled: Option<bool>,
    /// A web address.
    pub pre_webhook_url: Option<String>,
    /// A web address.
    pub post_webhook_url: Option<String>,
    /// `GET` or `POST`.
    pub webhook_method: Option<String>,
    /// Names of Chat's events.
    pub webhook_filters: Option<Vec<String>>,
    /// 1 to 1000.
    pub channel_members: Option<i64>,
    /// 1 to 1000.
    pub user_channels: Option<i64>,
    /// See [`Settings`].
    pub compatibility_message: Option<String>,
    /// 0 to 3.
    pub pre_webhook_retry_count: Option<i64>,
    /// 0 to 3.
    pub post_webhook_retry_count: Option<i64>,
}

/// Writes a number of a range into its place.
fn number(given: Option<i64>, range: RangeInclusive<i64>, code: u32, into: &mut i64) -> Result<()> {
    match given {
        None => Ok(()),
        Some(n) if range.contains(&n) => {
            *into = n;
            Ok(())
        }
        Some(_) => Err(Error::code(code)),
    }
}

/// Seconds that somebody may have meant.
const SECONDS: RangeInclusive<i64> = 0..=i32::MAX as i64;

impl Changes {
    fn fill(&self, cx: &Cx<'_>, into: &mut Settings) -> Result<()> {
        into.read_status_enabled = self.read_status_enabled.unwrap_or(into.read_status_enabled);
        number(
            self.typing_indicator_timeout,
            SECONDS,
            50053,
            &mut into.typing_indicator_timeout,
        )?;
        number(
            self.consumption_report_interval,
            SECONDS,
            50052,
            &mut into.consumption_report_interval,
        )?;
        let pushes = &mut into.notifications;
        pushes.log_enabled = self.log_enabled.unwrap_or(pushes.log_enabled);
        for (setting, notice) in [
            (&self.new_message, &mut pushes.new_message.notice),
            (&self.added_to_channel, &mut pushes.added_to_channel),
            (&self.removed_from_channel, &mut pushes.removed_from_channel),
            (&self.invited_to_channel, &mut pushes.invited_to_channel),
        ] {
            setting.apply(&mut notice.enabled, &mut notice.template, &mut notice.sound)?;
        }
        if self.badge_count_enabled.is_some() {
            pushes.new_message.badge_count_enabled = self.badge_count_enabled;
        }
        if let Some(url) = &self.pre_webhook_url {
            into.pre_webhook_url = endpoint::optional_url(url)?;
        }
        if let Some(url) = &self.post_webhook_url {
            into.post_webhook_url = endpoint::optional_url(url)?;
        }
        if let Some(method) = &self.webhook_method {
            into.webhook_method = Some(Method::parse(method)?);
        }
        if let Some(names) = &self.webhook_filters {
            into.webhook_filters = Some(event::filters(names)?);
        }
        let (members, channels) = (self.channel_members, self.user_channels);
        number(members, 1..=HIGHEST_LIMIT, 50061, &mut into.channel_members)?;
        number(channels, 1..=HIGHEST_LIMIT, 50060, &mut into.user_channels)?;
        if let Some(message) = &self.compatibility_message {
            if message.len() > cx.limits.message_body_bytes {
                return Err(Error::code(50504));
            }
            into.compatibility_message.clone_from(message);
        }
        let (before, after) = (self.pre_webhook_retry_count, self.post_webhook_retry_count);
        number(before, 0..=RETRIES, 50065, &mut into.pre_webhook_retry_count)?;
        number(after, 0..=RETRIES, 50065, &mut into.post_webhook_retry_count)
    }
}

/// Changes a service.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// What changes.
    pub changes: Changes,
}

impl Command for Update {
    type Output = ChatService;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<ChatService> {
        let before = service::lock(tx, self.account, self.service)?;
        let changes = &self.changes;
        let configure = service::Configure {
            account: self.account,
            service: self.service,
            conversation_creator_role: changes.channel_creator_role.clone(),
            conversation_role: changes.channel_role.clone(),
            service_role: changes.service_role.clone(),
            reachability_enabled: changes.reachability_enabled,
        };
        let mut service = configure.apply(tx, cx).map_err(in_words_of_chat)?;
        if let Some(name) = &changes.friendly_name {
            text::at_most(name, cx.limits.friendly_name_chars, 50003)?;
            if name.is_empty() {
                return Err(Error::code(50000));
            }
            service.friendly_name.clone_from(name);
        }
        let old = settings(tx, self.service)?;
        let mut new = old.clone();
        changes.fill(cx, &mut new)?;
        if new != old {
            store(tx, self.service, &new)?;
        }
        if new != old || service.friendly_name != before.friendly_name {
            service.updated_at = cx.now;
            tx.push(
                "UPDATE service SET friendly_name = $2, updated_at = $3 WHERE sid = $1",
                params![service.sid.to_string(), &service.friendly_name, cx.now.0],
            )?;
            // What is Chat's own in it is not told one by one.
            let told = |name: &str, changed| json!({ "friendly_name": name, "chat_settings": changed });
            let subject = Subject::new(Kind::Service, self.account, self.service);
            let after = told(&service.friendly_name, new != old);
            audit::updated(tx, cx, &subject, &told(&before.friendly_name, false), &after)?;
        }
        Ok(ChatService {
            service,
            settings: new,
        })
    }
}

fn store(tx: &mut Transaction<'_>, service: ServiceSid, settings: &Settings) -> Result<()> {
    tx.exec(
        concat!(
            "INSERT INTO chat_service (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
             ON CONFLICT (service_sid) DO UPDATE SET read_status_enabled = excluded.read_status_enabled, \
             typing_indicator_timeout = excluded.typing_indicator_timeout, \
             consumption_report_interval = excluded.consumption_report_interval, \
             notifications = excluded.notifications, pre_webhook_url = excluded.pre_webhook_url, \
             post_webhook_url = excluded.post_webhook_url, webhook_method = excluded.webhook_method, \
             webhook_filters = excluded.webhook_filters, \
             pre_webhook_retry_count = excluded.pre_webhook_retry_count, \
             post_webhook_retry_count = excluded.post_webhook_retry_count, \
             channel_members = excluded.channel_members, user_channels = excluded.user_channels, \
             compatibility_message = excluded.compatibility_message"
        ),
        params![
            service.to_string(),
            settings.read_status_enabled,
            settings.typing_indicator_timeout,
            settings.consumption_report_interval,
            text::to_json(&settings.notifications),
            &settings.pre_webhook_url,
            &settings.post_webhook_url,
            settings.webhook_method.map(Method::upper),
            settings.webhook_filters.as_ref().map(text::to_json),
            settings.pre_webhook_retry_count,
            settings.post_webhook_retry_count,
            settings.channel_members,
            settings.user_channels,
            &settings.compatibility_message
        ],
    )?;
    Ok(())
}
