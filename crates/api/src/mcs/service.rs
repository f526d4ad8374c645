//! The services that media can be uploaded to.

use confab_domain::service::{self, Service};
use confab_types::{AccountSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Iso, Links};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/Services", [get("ListService", list)]);
}

async fn list(caller: Caller, query: Paged<(), 100>) -> Result<Listed<View>> {
    let (account, base) = (caller.account(), caller.exchange.base.clone());
    let url = format!("{base}/v1/Services");
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = service::list(tx, account, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&base, row),
        )
        .await
}

fn view(base: &str, service: Service) -> View {
    let url = format!("{base}/v1/Services/{}", service.sid);
    View {
        sid: service.sid,
        account_sid: service.account,
        friendly_name: service.friendly_name,
        date_created: Iso(service.created_at),
        date_updated: Iso(service.updated_at),
        url: url.clone(),
        links: Links {
            url,
            below: &[("media", "/Media"), ("media_set", "/MediaSet")],
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
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "services";
}
