//! The account's configuration (rest.md §2.11).

use confab_domain::Error;
use confab_domain::account::{self, Account};
use confab_types::{AccountSid, MessagingServiceSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Input, SidText, Text, input};
use crate::kit::render::{Found, reply};
use crate::kit::routes::{Routes, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Configuration",
        [
            get("FetchConfiguration", fetch),
            post("UpdateConfiguration", update),
        ],
    );
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let sid = caller.account();
    let account = caller
        .read(move |tx| account::find(tx, sid)?.ok_or_else(|| Error::code(20404)))
        .await?;
    Ok(reply(&view(&caller, account)))
}

input! {
    /// New defaults; what is absent stays.
    struct Defaults {
        service: SidText<ServiceSid> = "DefaultChatServiceSid",
        messaging_service: SidText<MessagingServiceSid> = "DefaultMessagingServiceSid",
        inactive_timer: Text = "DefaultInactiveTimer",
        closed_timer: Text = "DefaultClosedTimer",
    }
}

async fn update(caller: Caller, Input(defaults): Input<Defaults>) -> Result<Found<View>> {
    let command = account::Configure {
        sid: caller.account(),
        default_service: defaults.service,
        default_messaging_service: defaults.messaging_service,
        default_inactive_timer: defaults.inactive_timer,
        default_closed_timer: defaults.closed_timer,
    };
    let account = caller.execute(command).await?;
    Ok(reply(&view(&caller, account)))
}

fn view(caller: &Caller, account: Account) -> View {
    let base = &caller.exchange.base;
    let url = format!("{base}/v1/Configuration");
    View {
        account_sid: account.sid,
        default_chat_service_sid: account.default_service,
        default_messaging_service_sid: account.default_messaging_service,
        default_inactive_timer: account.default_inactive_timer,
        default_closed_timer: account.default_closed_timer,
        links: Links {
            service: format!("{base}/v1/Services/{}/Configuration", account.default_service),
            webhooks: format!("{url}/Webhooks"),
        },
        url,
    }
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
