//! Content templates.

use confab_domain::content::{self, Content, Fields, Filter, Sort};
use confab_types::{AccountSid, ContentSid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::Json;
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, Links, reply};
use crate::kit::routes::{Routes, delete, get, post, put};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Content",
        [get("ListContent", list), post("CreateContent", create)],
    );
    routes.at(
        "/v1/Content/{Sid}",
        [
            get("FetchContent", fetch),
            put("UpdateContent", update),
            delete("DeleteContent", remove),
        ],
    );
}

/// A new template. What must be there has codes of its own, so nothing is refused by being absent here.
#[derive(Deserialize, JsonSchema)]
struct New {
    friendly_name: Option<String>,
    #[schemars(with = "Option<std::collections::BTreeMap<String, String>>")]
    variables: Option<Value>,
    #[schemars(required)]
    language: Option<String>,
    #[schemars(required, schema_with = "types")]
    types: Option<Value>,
}

/// What may change of a template.
#[derive(Deserialize, JsonSchema)]
struct Changes {
    friendly_name: Option<String>,
    #[schemars(with = "Option<std::collections::BTreeMap<String, String>>")]
    variables: Option<Value>,
    language: Option<String>,
    #[schemars(required, schema_with = "types")]
    types: Option<Value>,
}

fn types(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::Schema::try_from(content::types_schema()).unwrap_or_default()
}

async fn create(caller: Caller, Json(new): Json<New>) -> Result<Created<View>> {
    let command = content::Create {
        account: caller.account(),
        fields: Fields {
            friendly_name: new.friendly_name,
            language: new.language,
            variables: new.variables,
            types: new.types,
        },
    };
    let made = caller.execute(command).await?;
    Ok(reply(&view(&caller, made)))
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let (account, key) = (caller.account(), caller.item("Sid")?.to_owned());
    let found = caller.read(move |tx| content::fetch(tx, account, &key)).await?;
    Ok(reply(&view(&caller, found)))
}

async fn update(caller: Caller, Json(changes): Json<Changes>) -> Result<Found<View>> {
    let command = content::Update {
        account: caller.account(),
        key: caller.item("Sid")?.to_owned(),
        fields: Fields {
            friendly_name: changes.friendly_name,
            language: changes.language,
            variables: changes.variables,
            types: changes.types,
        },
    };
    let changed = caller.execute(command).await?;
    Ok(reply(&view(&caller, changed)))
}

async fn remove(caller: Caller) -> Result<Deleted> {
    let command = content::Delete {
        account: caller.account(),
        key: caller.item("Sid")?.to_owned(),
    };
    caller.execute(command).await?;
    Ok(Deleted)
}

async fn list(caller: Caller, query: Paged<(), 1000>) -> Result<Listed<View>> {
    let (account, url) = (caller.account(), format!("{}/v1/Content", caller.exchange.base));
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let window = paging.window(&url)?;
                let page = content::list(tx, account, Sort::Newest, &Filter::default(), &window)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, row),
        )
        .await
}

/// JSON that the row has as text.
pub(super) fn raw(json: String) -> Option<Box<RawValue>> {
    RawValue::from_string(json).ok()
}

pub(super) fn view(caller: &Caller, content: Content) -> View {
    let url = format!("{}/v1/Content/{}", caller.exchange.base, content.sid);
    View {
        sid: content.sid,
        account_sid: content.account,
        friendly_name: content.friendly_name,
        language: content.language,
        variables: raw(content.variables),
        types: raw(content.types),
        url: url.clone(),
        date_created: Iso(content.created_at),
        date_updated: Iso(content.updated_at),
        links: Links {
            url,
            below: &[
                ("approval_create", "/ApprovalRequests/whatsapp"),
                ("approval_fetch", "/ApprovalRequests"),
            ],
        },
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct View {
    sid: ContentSid,
    account_sid: AccountSid,
    friendly_name: String,
    language: String,
    #[schemars(with = "serde_json::Value")]
    variables: Option<Box<RawValue>>,
    #[schemars(with = "serde_json::Value")]
    types: Option<Box<RawValue>>,
    url: String,
    date_created: Iso,
    date_updated: Iso,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "contents";
}
