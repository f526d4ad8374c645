//! Services of Notify (rest.md §4.1).

use confab_domain::notify::service::{self, Fields, NotifyService};
use confab_types::{AccountSid, CredentialSid, MessagingServiceSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Bool, Input, SidText, Text, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, Links, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Services",
        [get("ListService", list), post("CreateService", create)],
    );
    routes.at(
        "/v1/Services/{Sid}",
        [
            get("FetchService", fetch),
            post("UpdateService", update),
            delete("DeleteService", remove),
        ],
    );
}

input! {
    /// Values of a service.
    struct Values {
        friendly_name: Text = "FriendlyName",
        apn_credential: SidText<CredentialSid> = "ApnCredentialSid",
        gcm_credential: SidText<CredentialSid> = "GcmCredentialSid",
        messaging_service: SidText<MessagingServiceSid> = "MessagingServiceSid",
        facebook_messenger_page_id: Text = "FacebookMessengerPageId",
        apn_protocol_version: Text = "DefaultApnNotificationProtocolVersion",
        gcm_protocol_version: Text = "DefaultGcmNotificationProtocolVersion",
        fcm_credential: SidText<CredentialSid> = "FcmCredentialSid",
        fcm_protocol_version: Text = "DefaultFcmNotificationProtocolVersion",
        log_enabled: Bool = "LogEnabled",
        alexa_skill_id: Text = "AlexaSkillId",
        alexa_protocol_version: Text = "DefaultAlexaNotificationProtocolVersion",
        delivery_callback_url: Text = "DeliveryCallbackUrl",
        delivery_callback_enabled: Bool = "DeliveryCallbackEnabled",
    }
}

impl From<Values> for Fields {
    fn from(values: Values) -> Self {
        Self {
            friendly_name: values.friendly_name,
            apn_credential: values.apn_credential,
            gcm_credential: values.gcm_credential,
            fcm_credential: values.fcm_credential,
            messaging_service: values.messaging_service,
            facebook_messenger_page_id: values.facebook_messenger_page_id,
            alexa_skill_id: values.alexa_skill_id,
            apn_protocol_version: values.apn_protocol_version,
            gcm_protocol_version: values.gcm_protocol_version,
            fcm_protocol_version: values.fcm_protocol_version,
            alexa_protocol_version: values.alexa_protocol_version,
            log_enabled: values.log_enabled,
            delivery_callback_url: values.delivery_callback_url,
            delivery_callback_enabled: values.delivery_callback_enabled,
        }
    }
}

async fn create(caller: Caller, Input(values): Input<Values>) -> Result<Created<View>> {
    let command = service::Create {
        account: caller.account(),
        fields: values.into(),
    };
    let made = caller.execute(command).await?;
    Ok(reply(&view(&caller, made)))
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let (account, sid) = (caller.account(), caller.sid("Sid")?);
    let found = caller.read(move |tx| service::fetch(tx, account, sid)).await?;
    Ok(reply(&view(&caller, found)))
}

async fn update(caller: Caller, Input(values): Input<Values>) -> Result<Found<View>> {
    let command = service::Update {
        account: caller.account(),
        service: caller.sid("Sid")?,
        fields: values.into(),
    };
    let changed = caller.execute(command).await?;
    Ok(reply(&view(&caller, changed)))
}

async fn remove(caller: Caller) -> Result<Deleted> {
    let command = service::Delete {
        account: caller.account(),
        service: caller.sid("Sid")?,
    };
    caller.execute(command).await?;
    Ok(Deleted)
}

input! {
    /// Which services.
    struct Wanted {
        friendly_name: Text = "FriendlyName",
    }
}

async fn list(caller: Caller, query: Paged<Wanted, 1000>) -> Result<Listed<View>> {
    let (account, url) = (caller.account(), format!("{}/v1/Services", caller.exchange.base));
    let name = query.filters.friendly_name;
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = service::list(tx, account, name.as_deref(), &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, row),
        )
        .await
}

fn view(caller: &Caller, service: NotifyService) -> View {
    let url = format!("{}/v1/Services/{}", caller.exchange.base, service.sid);
    View {
        sid: service.sid,
        account_sid: service.account,
        friendly_name: service.friendly_name,
        date_created: Iso(service.created_at),
        date_updated: Iso(service.updated_at),
        apn_credential_sid: service.apn_credential,
        gcm_credential_sid: service.gcm_credential,
        fcm_credential_sid: service.fcm_credential,
        messaging_service_sid: service.messaging_service,
        facebook_messenger_page_id: service.facebook_messenger_page_id,
        alexa_skill_id: service.alexa_skill_id,
        default_apn_notification_protocol_version: service.apn_protocol_version,
        default_gcm_notification_protocol_version: service.gcm_protocol_version,
        default_fcm_notification_protocol_version: service.fcm_protocol_version,
        default_alexa_notification_protocol_version: service.alexa_protocol_version,
        log_enabled: service.log_enabled,
        kind: "S",
        delivery_callback_url: service.delivery_callback_url,
        delivery_callback_enabled: service.delivery_callback_enabled,
        url: url.clone(),
        links: Links {
            url,
            below: &[
                ("bindings", "/Bindings"),
                ("notifications", "/Notifications"),
                ("segments", "/Segments"),
                ("users", "/Users"),
            ],
        },
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: ServiceSid,
    account_sid: AccountSid,
    friendly_name: Option<String>,
    date_created: Iso,
    date_updated: Iso,
    apn_credential_sid: Option<CredentialSid>,
    gcm_credential_sid: Option<CredentialSid>,
    fcm_credential_sid: Option<CredentialSid>,
    messaging_service_sid: Option<MessagingServiceSid>,
    facebook_messenger_page_id: Option<String>,
    alexa_skill_id: Option<String>,
    default_apn_notification_protocol_version: String,
    default_gcm_notification_protocol_version: String,
    default_fcm_notification_protocol_version: String,
    default_alexa_notification_protocol_version: String,
    log_enabled: bool,
    /// Every example of the documents has it; nothing says what else it could be.
    #[serde(rename = "type")]
    kind: &'static str,
    delivery_callback_url: Option<String>,
    delivery_callback_enabled: bool,
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "services";
}
