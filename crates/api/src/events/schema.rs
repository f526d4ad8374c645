//! The schemas of events' data with their versions. The schema itself is at the URL that a version names.

use confab_domain::Page;
use confab_domain::stream::EventType;
use confab_domain::stream::catalogue::{LATEST_VERSION, PUBLISHED};
use confab_types::KeyPart;
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::exchange::Product;
use crate::kit::failure::{Failure, Result};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Found, Iso, Links, reply};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/Schemas/{Id}", [get("FetchSchema", fetch)]);
    routes.at("/v1/Schemas/{Id}/Versions", [get("ListSchemaVersion", list)]);
    routes.at(
        "/v1/Schemas/{Id}/Versions/{SchemaVersion}",
        [get("FetchSchemaVersion", fetch_version)],
    );
}

/// The schema that a path names, as the type whose data it describes.
fn named(caller: &Caller) -> Result<EventType> {
    EventType::of_schema(caller.item("Id")?).ok_or_else(|| Failure::code(20404))
}

/// Reads a version; `None` for one that there is not.
pub(super) fn version(text: &str) -> Option<i64> {
    // Not `+1` nor `01`: one URL a version.
    (1..=LATEST_VERSION).find(|version| version.to_string() == text)
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let schema = named(&caller)?;
    let url = url(&caller, schema);
    Ok(reply(&View {
        id: schema.schema_id(),
        url: url.clone(),
        latest_version_date_created: Iso(PUBLISHED),
        latest_version: LATEST_VERSION,
        links: Links {
            url,
            below: &[("versions", "/Versions")],
        },
    }))
}

async fn list(caller: Caller, query: Paged<(), 1000>) -> Result<Listed<VersionView>> {
    let schema = named(&caller)?;
    let list_url = format!("{}/Versions", url(&caller, schema));
    query
        .paging
        .list(
            &caller,
            move |_, paging| {
                let all = (1..=LATEST_VERSION).collect();
                let key = |version: &i64| vec![KeyPart::Int(*version)];
                Ok((
                    list_url.clone(),
                    Page::of_all(all, key, &paging.window(&list_url)?),
                ))
            },
            |version| version_view(&caller, schema, version),
        )
        .await
}

async fn fetch_version(caller: Caller) -> Result<Found<VersionView>> {
    let schema = named(&caller)?;
    let version = version(caller.item("SchemaVersion")?).ok_or_else(|| Failure::code(20404))?;
    Ok(reply(&version_view(&caller, schema, version)))
}

fn url(caller: &Caller, schema: EventType) -> String {
    format!("{}/v1/Schemas/{}", caller.exchange.base, schema.schema_id())
}

fn version_view(caller: &Caller, schema: EventType, version: i64) -> VersionView {
    VersionView {
        id: schema.schema_id(),
        schema_version: version,
        date_created: Iso(PUBLISHED),
        url: format!("{}/Versions/{version}", url(caller, schema)),
        raw: format!(
            "{}/{}/{version}",
            caller.exchange.base_of(Product::EventsSchemas),
            schema.schema_id()
        ),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    id: &'static str,
    url: String,
    latest_version_date_created: Iso,
    latest_version: i64,
    links: Links,
}

#[derive(Serialize, JsonSchema)]
struct VersionView {
    id: &'static str,
    schema_version: i64,
    date_created: Iso,
    url: String,
    raw: String,
}

impl InList for VersionView {
    const KEY: &'static str = "schema_versions";
}
