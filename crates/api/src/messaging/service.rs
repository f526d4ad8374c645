//! Messaging services.

use confab_domain::endpoint::Method;
use confab_domain::messaging_service::{self, Fields, MessagingService};
use confab_types::{AccountSid, MessagingServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Bool, Input, Int, OneOf, Required, Text, Uri, input, words};
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

words! {
    /// How a URL is called.
    Methods: "GET", "POST"
}

words! {
    /// Whether texts are scanned.
    Scans: "inherit", "enable", "disable"
}

/// The parameters that creation and change have in common; only the name differs, which a new service must have.
macro_rules! values {
    ($(#[$meta:meta])* $name:ident, $friendly_name:ty) => {
        input! {
            $(#[$meta])*
            struct $name {
                friendly_name: $friendly_name = "FriendlyName",
                inbound_request_url: Uri = "InboundRequestUrl",
                inbound_method: OneOf<Methods> = "InboundMethod",
                fallback_url: Uri = "FallbackUrl",
                fallback_method: OneOf<Methods> = "FallbackMethod",
                status_callback: Uri = "StatusCallback",
                sticky_sender: Bool = "StickySender",
                mms_converter: Bool = "MmsConverter",
                smart_encoding: Bool = "SmartEncoding",
                scan_message_content: OneOf<Scans> = "ScanMessageContent",
                fallback_to_long_code: Bool = "FallbackToLongCode",
                area_code_geomatch: Bool = "AreaCodeGeomatch",
                validity_period: Int = "ValidityPeriod",
                synchronous_validation: Bool = "SynchronousValidation",
                usecase: Text = "Usecase",
                use_inbound_webhook_on_number: Bool = "UseInboundWebhookOnNumber",
            }
        }

        impl $name {
            fn fields(self) -> Result<Fields> {
                let method = |word: Option<String>| word.as_deref().map(Method::parse).transpose();
                Ok(Fields {
                    friendly_name: self.friendly_name.into(),
                    inbound_request_url: self.inbound_request_url,
                    inbound_method: method(self.inbound_method)?,
                    fallback_url: self.fallback_url,
                    fallback_method: method(self.fallback_method)?,
                    status_callback: self.status_callback,
                    sticky_sender: self.sticky_sender,
                    mms_converter: self.mms_converter,
                    smart_encoding: self.smart_encoding,
                    scan_message_content: self.scan_message_content,
                    fallback_to_long_code: self.fallback_to_long_code,
                    area_code_geomatch: self.area_code_geomatch,
                    validity_period: self.validity_period,
                    synchronous_validation: self.synchronous_validation,
                    usecase: self.usecase,
                    use_inbound_webhook_on_number: self.use_inbound_webhook_on_number,
                })
            }
        }
    };
}

values! {
    /// A new messaging service.
    New, Required
}

values! {
    /// What may change of a messaging service.
    Changes, Text
}

async fn create(caller: Caller, Input(new): Input<New>) -> Result<Created<View>> {
    let command = messaging_service::Create {
        account: caller.account(),
        fields: new.fields()?,
    };
    let made = caller.execute(command).await?;
    Ok(reply(&view(&caller, made)))
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let (account, sid) = (caller.account(), caller.sid("Sid")?);
    let found = caller
        .read(move |tx| messaging_service::fetch(tx, account, sid))
        .await?;
    Ok(reply(&view(&caller, found)))
}

async fn update(caller: Caller, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = messaging_service::Update {
        account: caller.account(),
        service: caller.sid("Sid")?,
        fields: changes.fields()?,
    };
    let changed = caller.execute(command).await?;
    Ok(reply(&view(&caller, changed)))
}

async fn remove(caller: Caller) -> Result<Deleted> {
    let command = messaging_service::Delete {
        account: caller.account(),
        service: caller.sid("Sid")?,
    };
    caller.execute(command).await?;
    Ok(Deleted)
}

async fn list(caller: Caller, query: Paged<(), 1000>) -> Result<Listed<View>> {
    let account = caller.account();
    let url = format!("{}/v1/Services", caller.exchange.base);
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = messaging_service::list(tx, account, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, row),
        )
        .await
}

fn view(caller: &Caller, service: MessagingService) -> View {
    let url = format!("{}/v1/Services/{}", caller.exchange.base, service.sid);
    let settings = service.settings;
    View {
        account_sid: service.account,
        sid: service.sid,
        date_created: Iso(service.created_at),
        date_updated: Iso(service.updated_at),
        friendly_name: service.friendly_name,
        inbound_request_url: settings.inbound_request_url,
        inbound_method: Methods(settings.inbound_method.upper()),
        fallback_url: settings.fallback_url,
        fallback_method: Methods(settings.fallback_method.upper()),
        status_callback: settings.status_callback,
        sticky_sender: settings.sticky_sender,
        mms_converter: settings.mms_converter,
        smart_encoding: settings.smart_encoding,
        fallback_to_long_code: settings.fallback_to_long_code,
        area_code_geomatch: settings.area_code_geomatch,
        validity_period: settings.validity_period,
        scan_message_content: settings.scan_message_content,
        synchronous_validation: settings.synchronous_validation,
        usecase: settings.usecase,
        us_app_to_person_registered: false,
        use_inbound_webhook_on_number: settings.use_inbound_webhook_on_number,
        links: Links {
            url: url.clone(),
            below: &[
                ("phone_numbers", "/PhoneNumbers"),
                ("short_codes", "/ShortCodes"),
                ("alpha_senders", "/AlphaSenders"),
                ("messages", "/Messages"),
                ("us_app_to_person", "/Compliance/Usa2p"),
                ("us_app_to_person_usecases", "/Compliance/Usa2p/Usecases"),
                ("channel_senders", "/ChannelSenders"),
                ("destination_alpha_senders", "/DestinationAlphaSenders"),
            ],
        },
        url,
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    sid: MessagingServiceSid,
    date_created: Iso,
    date_updated: Iso,
    friendly_name: String,
    inbound_request_url: Option<String>,
    inbound_method: Methods,
    fallback_url: Option<String>,
    fallback_method: Methods,
    status_callback: Option<String>,
    sticky_sender: bool,
    mms_converter: bool,
    smart_encoding: bool,
    fallback_to_long_code: bool,
    area_code_geomatch: bool,
    validity_period: i64,
    scan_message_content: String,
    synchronous_validation: bool,
    usecase: String,
    us_app_to_person_registered: bool,
    use_inbound_webhook_on_number: bool,
    links: Links,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "services";
}
