//! Which push notifications a service sends, and their texts (rest.md §2.16, behaviours §15).

use confab_store::{Row, params};
use confab_types::{AccountSid, ServiceSid};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::audit::{self, Kind, Subject};
use crate::sync::sid;
use crate::{Command, Cx, Result, Transaction, service, text};

/// Characters of a template: some times what is left of it in the end (B-619).
const TEMPLATE_CHARS: usize = 1024;
/// Characters of the name of a sound.
const SOUND_CHARS: usize = 256;

/// The push on being added or removed. What was never set is not shown (B-069).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Whether it is sent.
    pub enabled: bool,
    /// Its text, with variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Its sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
}

/// The push on a new message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// Whether it is sent for messages without media.
    pub enabled: bool,
    /// Its text, with variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Whether iOS shows a count of conversations with unread messages (B-621).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub badge_count_enabled: Option<bool>,
    /// Its sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
    /// The push on a message with media.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_media: Option<WithMedia>,
}

/// The push on a new message with media.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithMedia {
    /// Whether it is sent; does not depend on that of messages without media (B-603).
    pub enabled: bool,
    /// Its text, with variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

/// The push notifications of a service.
#[derive(Clone, Debug)]
pub struct Notification {
    /// The service.
    pub service: ServiceSid,
    /// Whether each push is logged (B-628).
    pub log_enabled: bool,
    /// On a new message.
    pub new_message: NewMessage,
    /// On being added.
    pub added_to_conversation: Notice,
    /// On being removed.
    pub removed_from_conversation: Notice,
}

macro_rules! columns {
    () => {
        "service_sid, log_enabled, new_message, added_to_conversation, removed_from_conversation"
    };
}

fn read(mut row: Row) -> Result<Notification> {
    Ok(Notification {
        service: sid(&row.text()?)?,
        log_enabled: row.boolean()?,
        new_message: text::of_json(&row.text()?)?,
        added_to_conversation: text::of_json(&row.text()?)?,
        removed_from_conversation: text::of_json(&row.text()?)?,
    })
}

/// The push notifications of a service; all off until one is set (B-601).
///
/// # Errors
/// The database's.
pub fn fetch(tx: &mut Transaction<'_>, service: ServiceSid) -> Result<Notification> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM service_notification WHERE service_sid = $1"
        ),
        params![service.to_string()],
    )?;
    Ok(row.map(read).transpose()?.unwrap_or(Notification {
        service,
        log_enabled: false,
        new_message: NewMessage::default(),
        added_to_conversation: Notice::default(),
        removed_from_conversation: Notice::default(),
    }))
}

/// What is set of one kind of push; `None` leaves it, an empty text takes it away.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Whether it is sent.
    pub enabled: Option<bool>,
    /// Its text.
    pub template: Option<String>,
    /// Its sound.
    pub sound: Option<String>,
}

impl Setting {
    pub(crate) fn apply(
        &self,
        enabled: &mut bool,
        template: &mut Option<String>,
        sound: &mut Option<String>,
    ) -> Result<()> {
        *enabled = self.enabled.unwrap_or(*enabled);
        if let Some(text) = &self.template {
            text::at_most(text, TEMPLATE_CHARS, 50058)?;
            *template = text::cleared(text);
        }
        if let Some(text) = &self.sound {
            text::at_most(text, SOUND_CHARS, 50059)?;
            *sound = text::cleared(text);
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.enabled.is_none() && self.template.is_none() && self.sound.is_none()
    }
}

/// Changes the push notifications of a service.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// Whether each push is logged.
    pub log_enabled: Option<bool>,
    /// On a new message without media.
    pub new_message: Setting,
    /// Whether iOS shows a count.
    pub badge_count_enabled: Option<bool>,
    /// On a new message with media; it has the sound of the other.
    pub with_media: Setting,
    /// On being added.
    pub added_to_conversation: Setting,
    /// On being removed.
    pub removed_from_conversation: Setting,
}

/// What the log of changes tells of them.
fn properties(notification: &Notification) -> Value {
    let told = |value: serde_json::Result<Value>| value.unwrap_or_default();
    json!({
        "log_enabled": notification.log_enabled,
        "new_message": told(serde_json::to_value(&notification.new_message)),
        "added_to_conversation": told(serde_json::to_value(&notification.added_to_conversation)),
        "removed_from_conversation": told(serde_json::to_value(&notification.removed_from_conversation)),
    })
}

impl Command for Update {
    type Output = Notification;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Notification> {
        service::lock(tx, self.account, self.service)?;
        let mut found = fetch(tx, self.service)?;
        let before = properties(&found);
        found.log_enabled = self.log_enabled.unwrap_or(found.log_enabled);
        let new = &mut found.new_message;
        self.new_message
            .apply(&mut new.enabled, &mut new.template, &mut new.sound)?;
        new.badge_count_enabled = self.badge_count_enabled.or(new.badge_count_enabled);
        if !self.with_media.is_empty() {
            let media = new.with_media.get_or_insert_default();
            self.with_media
                .apply(&mut media.enabled, &mut media.template, &mut None)?;
        }
        for (setting, notice) in [
            (&self.added_to_conversation, &mut found.added_to_conversation),
            (
                &self.removed_from_conversation,
                &mut found.removed_from_conversation,
            ),
        ] {
            setting.apply(&mut notice.enabled, &mut notice.template, &mut notice.sound)?;
        }
        tx.exec(
            concat!(
                "INSERT INTO service_notification (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5) ON CONFLICT (service_sid) DO UPDATE SET \
                 log_enabled = excluded.log_enabled, new_message = excluded.new_message, \
                 added_to_conversation = excluded.added_to_conversation, \
                 removed_from_conversation = excluded.removed_from_conversation"
            ),
            params![
                found.service.to_string(),
                found.log_enabled,
                text::to_json(&found.new_message),
                text::to_json(&found.added_to_conversation),
                text::to_json(&found.removed_from_conversation)
            ],
        )?;
        let subject = Subject::new(Kind::ServiceNotifications, self.account, self.service);
        audit::updated(tx, cx, &subject, &before, &properties(&found))?;
        Ok(found)
    }
}
