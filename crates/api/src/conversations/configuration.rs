//! The account's configuration (rest.md §2.11); fetched only so far.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use confab_domain::{Error, account};
use confab_types::{AccountSid, MessagingServiceSid, ServiceSid};
use serde::Serialize;

use crate::kit::app::App;
use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::render::{self, Below};

pub(super) fn routes(routes: Router<App>) -> Router<App> {
    routes.route("/v1/Configuration", get(fetch))
}

async fn fetch(caller: Caller) -> Result<Response> {
    let sid = caller.account();
    let account = caller
        .read(move |tx| account::find(tx, sid)?.ok_or_else(|| Error::code(20404)))
        .await?;
    let base = &caller.exchange.base;
    let url = format!("{base}/v1/Configuration");
    Ok(render::ok(|out| {
        render::write(
            out,
            &View {
                account_sid: account.sid,
                default_chat_service_sid: account.default_service,
                default_messaging_service_sid: account.default_messaging_service,
                default_inactive_timer: None,
                default_closed_timer: None,
                url: &url,
                links: Links {
                    service: format!("{base}/v1/Services/{}/Configuration", account.default_service),
                    webhooks: Below(&url, "/Webhooks"),
                },
            },
        );
    }))
}

#[derive(Serialize)]
struct View<'a> {
    account_sid: AccountSid,
    default_chat_service_sid: ServiceSid,
    default_messaging_service_sid: Option<MessagingServiceSid>,
    default_inactive_timer: Option<&'a str>,
    default_closed_timer: Option<&'a str>,
    url: &'a str,
    links: Links<'a>,
}

#[derive(Serialize)]
struct Links<'a> {
    service: String,
    webhooks: Below<'a>,
}
