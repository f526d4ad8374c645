//! Users of Notify (rest.md §4.5). None can be made yet, so the list is empty.

use confab_types::{AccountSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::none_below;
use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{List, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Iso, Links};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/Services/{ServiceSid}/Users", [get("ListUser", list)]);
}

input! {
    /// Which users.
    #[allow(dead_code, reason = "there is nothing to choose from")]
    struct Wanted {
        identities: List = "Identity",
        segments: List = "Segment",
    }
}

async fn list(caller: Caller, query: Paged<Wanted, 1000>) -> Result<Listed<View>> {
    let read = none_below(&caller, "Users")?;
    query.paging.list(&caller, read, |row| match row {}).await
}

#[derive(Serialize, JsonSchema)]
#[allow(dead_code, reason = "it describes what will be there")]
struct View {
    sid: String,
    date_created: Iso,
    date_updated: Iso,
    identity: String,
    service_sid: ServiceSid,
    account_sid: AccountSid,
    segments: Vec<String>,
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "users";
}
