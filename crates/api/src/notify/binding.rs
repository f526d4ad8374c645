//! Bindings of Notify (rest.md §4.2). None can be made yet, so the list is empty.

use confab_types::{AccountSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::none_below;
use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Date, List, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Iso, Links};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/Services/{ServiceSid}/Bindings", [get("ListBinding", list)]);
}

input! {
    /// Which bindings.
    #[allow(dead_code, reason = "they are checked, and there is nothing to choose from")]
    struct Wanted {
        from: Date = "StartDate",
        to: Date = "EndDate",
        identities: List = "Identity",
        tags: List = "Tag",
    }
}

async fn list(caller: Caller, query: Paged<Wanted, 1000>) -> Result<Listed<View>> {
    let read = none_below(&caller, "Bindings")?;
    query.paging.list(&caller, read, |row| match row {}).await
}

#[derive(Serialize, JsonSchema)]
#[allow(dead_code, reason = "it describes what will be there")]
struct View {
    sid: String,
    account_sid: AccountSid,
    service_sid: ServiceSid,
    credential_sid: Option<String>,
    date_created: Iso,
    date_updated: Iso,
    notification_protocol_version: String,
    endpoint: Option<String>,
    identity: String,
    binding_type: String,
    address: String,
    tags: Vec<String>,
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "bindings";
}
