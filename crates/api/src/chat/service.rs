//! Services (rest.md §5.1).

use confab_domain::chat::service::{self, Changes, ChatService, Notifications, Settings};
use confab_domain::endpoint::Method;
use confab_domain::notification::Setting;
use confab_domain::service as shared;
use confab_types::{AccountSid, RoleSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Bool, Input, Int, List, Required, SidText, Text, Uri, Word, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, Links, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v2/Services",
        [get("ListService", list), post("CreateService", create)],
    );
    routes.at(
        "/v2/Services/{Sid}",
        [
            get("FetchService", fetch),
            post("UpdateService", update),
            delete("DeleteService", remove),
        ],
    );
}

input! {
    /// A new service.
    struct New {
        friendly_name: Required = "FriendlyName",
    }
}

async fn create(caller: Caller, Input(new): Input<New>) -> Result<Created<View>> {
    let command = shared::Create {
        account: caller.account(),
        friendly_name: new.friendly_name,
    };
    let made = ChatService {
        service: caller.execute(command).await?,
        settings: Settings::default(),
    };
    Ok(reply(&view(&caller, made)))
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let (account, sid) = (caller.account(), caller.sid("Sid")?);
    let found = caller.read(move |tx| service::fetch(tx, account, sid)).await?;
    Ok(reply(&view(&caller, found)))
}

async fn list(caller: Caller, query: Paged<(), 100>) -> Result<Listed<View>> {
    let (account, url) = (caller.account(), format!("{}/v2/Services", caller.exchange.base));
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = service::list(tx, account, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, row),
        )
        .await
}

words! {
    /// Methods of webhooks.
    WebhookMethod: "GET", "POST"
}

input! {
    /// What may change of a service.
    struct Update {
        friendly_name: Text = "FriendlyName",
        service_role: SidText<RoleSid> = "DefaultServiceRoleSid",
        channel_role: SidText<RoleSid> = "DefaultChannelRoleSid",
        channel_creator_role: SidText<RoleSid> = "DefaultChannelCreatorRoleSid",
        read_status_enabled: Bool = "ReadStatusEnabled",
        reachability_enabled: Bool = "ReachabilityEnabled",
        typing_indicator_timeout: Int<50053> = "TypingIndicatorTimeout",
        consumption_report_interval: Int<50052> = "ConsumptionReportInterval",
        new_message_enabled: Bool = "Notifications.NewMessage.Enabled",
        new_message_template: Text = "Notifications.NewMessage.Template",
        new_message_sound: Text = "Notifications.NewMessage.Sound",
        badge_count_enabled: Bool = "Notifications.NewMessage.BadgeCountEnabled",
        added_enabled: Bool = "Notifications.AddedToChannel.Enabled",
        added_template: Text = "Notifications.AddedToChannel.Template",
        added_sound: Text = "Notifications.AddedToChannel.Sound",
        removed_enabled: Bool = "Notifications.RemovedFromChannel.Enabled",
        removed_template: Text = "Notifications.RemovedFromChannel.Template",
        removed_sound: Text = "Notifications.RemovedFromChannel.Sound",
        invited_enabled: Bool = "Notifications.InvitedToChannel.Enabled",
        invited_template: Text = "Notifications.InvitedToChannel.Template",
        invited_sound: Text = "Notifications.InvitedToChannel.Sound",
        pre_webhook_url: Uri = "PreWebhookUrl",
        post_webhook_url: Uri = "PostWebhookUrl",
        webhook_method: Word<WebhookMethod> = "WebhookMethod",
        webhook_filters: List = "WebhookFilters",
        channel_members: Int<50061> = "Limits.ChannelMembers",
        user_channels: Int<50060> = "Limits.UserChannels",
        compatibility_message: Text = "Media.CompatibilityMessage",
        pre_webhook_retry_count: Int<50065> = "PreWebhookRetryCount",
        post_webhook_retry_count: Int<50065> = "PostWebhookRetryCount",
        log_enabled: Bool = "Notifications.LogEnabled",
    }
}

impl From<Update> for Changes {
    fn from(new: Update) -> Self {
        let setting = |enabled, template, sound| Setting {
            enabled,
            template,
            sound,
        };
        Self {
            friendly_name: new.friendly_name,
            service_role: new.service_role,
            channel_role: new.channel_role,
            channel_creator_role: new.channel_creator_role,
            read_status_enabled: new.read_status_enabled,
            reachability_enabled: new.reachability_enabled,
            typing_indicator_timeout: new.typing_indicator_timeout,
            consumption_report_interval: new.consumption_report_interval,
            new_message: setting(
                new.new_message_enabled,
                new.new_message_template,
                new.new_message_sound,
            ),
            badge_count_enabled: new.badge_count_enabled,
            added_to_channel: setting(new.added_enabled, new.added_template, new.added_sound),
            removed_from_channel: setting(new.removed_enabled, new.removed_template, new.removed_sound),
            invited_to_channel: setting(new.invited_enabled, new.invited_template, new.invited_sound),
            log_enabled: new.log_enabled,
            pre_webhook_url: new.pre_webhook_url,
            post_webhook_url: new.post_webhook_url,
            webhook_method: new.webhook_method,
            webhook_filters: new.webhook_filters,
            channel_members: new.channel_members,
            user_channels: new.user_channels,
            compatibility_message: new.compatibility_message,
            pre_webhook_retry_count: new.pre_webhook_retry_count,
            post_webhook_retry_count: new.post_webhook_retry_count,
        }
    }
}

async fn update(caller: Caller, Input(new): Input<Update>) -> Result<Found<View>> {
    let command = service::Update {
        account: caller.account(),
        service: caller.sid("Sid")?,
        changes: new.into(),
    };
    let changed = caller.execute(command).await?;
    Ok(reply(&view(&caller, changed)))
}

async fn remove(caller: Caller) -> Result<Deleted> {
    let command = shared::Delete {
        account: caller.account(),
        service: caller.sid("Sid")?,
    };
    // A big service goes in several transactions, so that other writers are not kept waiting.
    while !caller.execute(command.clone()).await? {}
    caller.app.services.forget(command.service);
    Ok(Deleted)
}

/// Megabytes that a media item may have; shown, and no setting of the service.
const MEDIA_MEGABYTES: i64 = 150;

fn view(caller: &Caller, found: ChatService) -> View {
    let ChatService { service, settings } = found;
    let url = format!("{}/v2/Services/{}", caller.exchange.base, service.sid);
    View {
        sid: service.sid,
        account_sid: service.account,
        friendly_name: service.friendly_name,
        date_created: Iso(service.created_at),
        date_updated: Iso(service.updated_at),
        default_service_role_sid: service.service_role,
        default_channel_role_sid: service.conversation_role,
        default_channel_creator_role_sid: service.conversation_creator_role,
        read_status_enabled: settings.read_status_enabled,
        reachability_enabled: service.reachability_enabled,
        typing_indicator_timeout: settings.typing_indicator_timeout,
        consumption_report_interval: settings.consumption_report_interval,
        limits: Limits {
            user_channels: settings.user_channels,
            channel_members: settings.channel_members,
        },
        pre_webhook_url: settings.pre_webhook_url,
        post_webhook_url: settings.post_webhook_url,
        webhook_method: settings.webhook_method.map(Method::upper),
        webhook_filters: settings.webhook_filters,
        pre_webhook_retry_count: settings.pre_webhook_retry_count,
        post_webhook_retry_count: settings.post_webhook_retry_count,
        notifications: settings.notifications,
        media: Media {
            size_limit_mb: MEDIA_MEGABYTES,
            compatibility_message: settings.compatibility_message,
        },
        url: url.clone(),
        links: Links {
            url,
            below: &[
                ("channels", "/Channels"),
                ("users", "/Users"),
                ("roles", "/Roles"),
                ("bindings", "/Bindings"),
            ],
        },
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: ServiceSid,
    account_sid: AccountSid,
    friendly_name: String,
    date_created: Iso,
    date_updated: Iso,
    default_service_role_sid: RoleSid,
    default_channel_role_sid: RoleSid,
    default_channel_creator_role_sid: RoleSid,
    read_status_enabled: bool,
    reachability_enabled: bool,
    typing_indicator_timeout: i64,
    consumption_report_interval: i64,
    limits: Limits,
    pre_webhook_url: Option<String>,
    post_webhook_url: Option<String>,
    webhook_method: Option<&'static str>,
    webhook_filters: Option<Vec<String>>,
    pre_webhook_retry_count: i64,
    post_webhook_retry_count: i64,
    #[schemars(with = "serde_json::Value")]
    notifications: Notifications,
    media: Media,
    url: String,
    links: Links,
}

#[derive(Serialize, JsonSchema)]
struct Limits {
    user_channels: i64,
    channel_members: i64,
}

#[derive(Serialize, JsonSchema)]
struct Media {
    size_limit_mb: i64,
    compatibility_message: String,
}

impl InList for View {
    const KEY: &'static str = "services";
}
