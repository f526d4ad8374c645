//! Which push notifications a service sends (rest.md §2.16).

use confab_domain::notification::{self, Notification, Setting};
use confab_types::{AccountSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Bool, Input, Text, input};
use crate::kit::render::{Found, reply};
use crate::kit::routes::{Routes, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Services/{ChatServiceSid}/Configuration/Notifications",
        [
            get("FetchServiceNotification", fetch),
            post("UpdateServiceNotification", update),
        ],
    );
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let service = scope.service;
    let found = scope.read(move |tx| notification::fetch(tx, service)).await?;
    Ok(reply(&view(&scope, found)))
}

input! {
    /// What may change of the notifications.
    struct Changes {
        log_enabled: Bool = "LogEnabled",
        new_message_enabled: Bool = "NewMessage.Enabled",
        new_message_template: Text = "NewMessage.Template",
        new_message_sound: Text = "NewMessage.Sound",
        badge_count_enabled: Bool = "NewMessage.BadgeCountEnabled",
        added_enabled: Bool = "AddedToConversation.Enabled",
        added_template: Text = "AddedToConversation.Template",
        added_sound: Text = "AddedToConversation.Sound",
        removed_enabled: Bool = "RemovedFromConversation.Enabled",
        removed_template: Text = "RemovedFromConversation.Template",
        removed_sound: Text = "RemovedFromConversation.Sound",
        with_media_enabled: Bool = "NewMessage.WithMedia.Enabled",
        with_media_template: Text = "NewMessage.WithMedia.Template",
    }
}

async fn update(scope: Scope, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = notification::Update {
        account: scope.account(),
        service: scope.service,
        log_enabled: changes.log_enabled,
        new_message: Setting {
            enabled: changes.new_message_enabled,
            template: changes.new_message_template,
            sound: changes.new_message_sound,
        },
        badge_count_enabled: changes.badge_count_enabled,
        with_media: Setting {
            enabled: changes.with_media_enabled,
            template: changes.with_media_template,
            sound: None,
        },
        added_to_conversation: Setting {
            enabled: changes.added_enabled,
            template: changes.added_template,
            sound: changes.added_sound,
        },
        removed_from_conversation: Setting {
            enabled: changes.removed_enabled,
            template: changes.removed_template,
            sound: changes.removed_sound,
        },
    };
    let changed = scope.execute(command).await?;
    Ok(reply(&view(&scope, changed)))
}

fn view(scope: &Scope, found: Notification) -> View {
    let notice = |notice: notification::Notice| Notice {
        enabled: notice.enabled,
        template: notice.template,
        sound: notice.sound,
    };
    let new = found.new_message;
    View {
        account_sid: scope.account(),
        chat_service_sid: found.service,
        log_enabled: found.log_enabled,
        added_to_conversation: notice(found.added_to_conversation),
        new_message: NewMessage {
            enabled: new.enabled,
            template: new.template,
            badge_count_enabled: new.badge_count_enabled,
            sound: new.sound,
            with_media: new.with_media.map(|media| WithMedia {
                enabled: media.enabled,
                template: media.template,
            }),
        },
        removed_from_conversation: notice(found.removed_from_conversation),
        url: format!("{}/Configuration/Notifications", scope.root),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    chat_service_sid: ServiceSid,
    log_enabled: bool,
    added_to_conversation: Notice,
    new_message: NewMessage,
    removed_from_conversation: Notice,
    url: String,
}

/// What was never set is not shown (B-069), here and below.
#[derive(Serialize, JsonSchema)]
struct Notice {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct NewMessage {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge_count_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    with_media: Option<WithMedia>,
}

#[derive(Serialize, JsonSchema)]
struct WithMedia {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
}
