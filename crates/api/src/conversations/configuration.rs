//! The account's configuration (rest.md §2.11); fetched only so far.

use confab_domain::{Error, account};
use confab_types::{AccountSid, MessagingServiceSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::render::{Found, reply};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/Configuration", [get("FetchConfiguration", fetch)]);
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let sid = caller.account();
    let account = caller
        .read(move |tx| account::find(tx, sid)?.ok_or_else(|| Error::code(20404)))
        .await?;
    let base = &caller.exchange.base;
    let url = format!("{base}/v1/Configuration");
    Ok(reply(&View {
        account_sid: account.sid,
        default_chat_service_sid: account.default_service,
        default_messaging_service_sid: account.default_messaging_service,
        default_inactive_timer: None,
        default_closed_timer: None,
        links: Links {
            service: format!("{base}/v1/Services/{}/Configuration", account.default_service),
            webhooks: format!("{url}/Webhooks"),
        },
        url,
    }))
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    default_chat_service_sid: ServiceSid,
    default_messaging_service_sid: Option<MessagingServiceSid>,
    default_inactive_timer: Option<String>,
    default_closed_timer: Option<String>,
    url: String,
    links: Links,
}

#[derive(Serialize, JsonSchema)]
struct Links {
    service: String,
    webhooks: String,
}
