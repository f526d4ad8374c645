//! The types of events that there are.

use confab_domain::Page;
use confab_domain::stream::EventType;
use confab_domain::stream::catalogue::PUBLISHED;
use confab_types::KeyPart;
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::{Failure, Result};
use crate::kit::input::{Text, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Found, Iso, Links, reply};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/Types", [get("ListEventType", list)]);
    routes.at("/v1/Types/{Type}", [get("FetchEventType", fetch)]);
}

input! {
    /// Which types.
    struct Wanted {
        schema: Text = "SchemaId",
    }
}

async fn list(caller: Caller, query: Paged<Wanted, 1000>) -> Result<Listed<View>> {
    let url = format!("{}/v1/Types", caller.exchange.base);
    // An empty filter is none.
    let schema = query.filters.schema.filter(|text| !text.is_empty());
    let is_wanted = move |kind: &EventType| schema.as_deref().is_none_or(|id| id == kind.schema_id());
    query
        .paging
        .list(
            &caller,
            move |_, paging| {
                let all = EventType::all().filter(&is_wanted).collect();
                let key = |kind: &EventType| vec![KeyPart::Text(kind.name().to_owned())];
                Ok((url.clone(), Page::of_all(all, key, &paging.window(&url)?)))
            },
            |kind| view(&caller, kind),
        )
        .await
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let kind = EventType::parse(caller.item("Type")?).ok_or_else(|| Failure::code(20404))?;
    Ok(reply(&view(&caller, kind)))
}

fn view(caller: &Caller, kind: EventType) -> View {
    let base = &caller.exchange.base;
    View {
        kind: kind.name(),
        schema_id: kind.schema_id(),
        date_created: Iso(PUBLISHED),
        date_updated: Iso(PUBLISHED),
        description: kind.description(),
        status: "available",
        documentation_url: None,
        url: format!("{base}/v1/Types/{}", kind.name()),
        links: Links {
            url: format!("{base}/v1/Schemas/{}", kind.schema_id()),
            below: &[("schema", "/Versions")],
        },
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    #[serde(rename = "type")]
    kind: &'static str,
    schema_id: &'static str,
    date_created: Iso,
    date_updated: Iso,
    description: &'static str,
    status: &'static str,
    documentation_url: Option<String>,
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "types";
}
