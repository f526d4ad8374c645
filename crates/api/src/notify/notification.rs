//! Notifications (rest.md §4.4).

use confab_domain::notify::notification::{self, Notification, Payloads};
use confab_types::{AccountSid, NotificationSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Input, Int, JsonText, List, OneOf, Text, input, words};
use crate::kit::render::{Created, Iso, reply};
use crate::kit::routes::{Routes, post};

pub(super) fn routes(routes: &mut Routes) {
    // Nothing else: a notification cannot be fetched, listed or removed (B-871).
    routes.at(
        "/v1/Services/{ServiceSid}/Notifications",
        [post("CreateNotification", create)],
    );
}

words! {
    /// How urgent a notification is.
    Priority: "high", "low"
}

input! {
    /// A notification.
    struct New {
        body: Text = "Body",
        priority: OneOf<Priority> = "Priority",
        ttl: Int = "Ttl",
        title: Text = "Title",
        sound: Text = "Sound",
        action: Text = "Action",
        data: JsonText = "Data",
        apn: JsonText = "Apn",
        gcm: JsonText = "Gcm",
        sms: JsonText = "Sms",
        facebook_messenger: JsonText = "FacebookMessenger",
        fcm: JsonText = "Fcm",
        segments: List = "Segment",
        alexa: JsonText = "Alexa",
        to_binding: List = "ToBinding",
        _delivery_callback_url: Text = "DeliveryCallbackUrl",
        identities: List = "Identity",
        tags: List = "Tag",
    }
}

async fn create(caller: Caller, Input(new): Input<New>) -> Result<Created<View>> {
    let command = notification::Create {
        account: caller.account(),
        service: caller.sid("ServiceSid")?,
        identities: new.identities.unwrap_or_default(),
        tags: new.tags.unwrap_or_default(),
        segments: new.segments.unwrap_or_default(),
        to_binding: new.to_binding.unwrap_or_default(),
        priority: new.priority,
        ttl: new.ttl,
        title: new.title,
        body: new.body,
        sound: new.sound,
        action: new.action,
        payloads: Payloads {
            data: new.data,
            apn: new.apn,
            fcm: new.fcm,
            gcm: new.gcm,
            sms: new.sms,
            facebook_messenger: new.facebook_messenger,
            alexa: new.alexa,
        },
    };
    Ok(reply(&view(caller.execute(command).await?)))
}

fn view(notification: Notification) -> View {
    let payloads = notification.payloads;
    View {
        sid: notification.sid,
        account_sid: notification.account,
        service_sid: notification.service,
        date_created: Iso(notification.created_at),
        identities: notification.identities,
        tags: notification.tags,
        segments: notification.segments,
        priority: notification.priority,
        ttl: notification.ttl,
        title: notification.title,
        body: notification.body,
        sound: notification.sound,
        action: notification.action,
        data: payloads.data,
        apn: payloads.apn,
        fcm: payloads.fcm,
        gcm: payloads.gcm,
        sms: payloads.sms,
        facebook_messenger: payloads.facebook_messenger,
        alexa: payloads.alexa,
    }
}

type Object = Option<Map<String, Value>>;

#[derive(Serialize, JsonSchema)]
struct View {
    sid: NotificationSid,
    account_sid: AccountSid,
    service_sid: ServiceSid,
    date_created: Iso,
    identities: Vec<String>,
    tags: Vec<String>,
    segments: Vec<String>,
    #[schemars(with = "Priority")]
    priority: String,
    ttl: i64,
    title: Option<String>,
    body: Option<String>,
    sound: Option<String>,
    action: Option<String>,
    data: Object,
    apn: Object,
    fcm: Object,
    gcm: Object,
    sms: Object,
    facebook_messenger: Object,
    alexa: Object,
}
