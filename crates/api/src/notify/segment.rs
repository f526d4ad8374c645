//! Segments of Notify (rest.md §4.5). They come into being with their first member, and nobody can be one yet.

use confab_types::{AccountSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::none_below;
use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::Iso;
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/Services/{ServiceSid}/Segments", [get("ListSegment", list)]);
}

async fn list(caller: Caller, query: Paged<(), 1000>) -> Result<Listed<View>> {
    let read = none_below(&caller, "Segments")?;
    query.paging.list(&caller, read, |row| match row {}).await
}

#[derive(Serialize, JsonSchema)]
#[allow(dead_code, reason = "it describes what will be there")]
struct View {
    sid: String,
    account_sid: AccountSid,
    service_sid: ServiceSid,
    unique_name: String,
    date_created: Iso,
    date_updated: Iso,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "segments";
}
