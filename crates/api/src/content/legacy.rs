//! Templates of the time before this API. This server never had another one, so there are none.

use confab_domain::{Page, content};
use confab_types::{AccountSid, ContentSid};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::template;
use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::Iso;
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/LegacyContent", [get("ListLegacyContent", list)]);
}

async fn list(caller: Caller, query: Paged<(), 1000>) -> Result<Listed<View>> {
    let url = format!("{}/v1/LegacyContent", caller.exchange.base);
    query
        .paging
        .list(
            &caller,
            move |_, paging| {
                paging.window(&url)?;
                Ok((url.clone(), Page::<content::Content>::default()))
            },
            view,
        )
        .await
}

fn view(content: content::Content) -> View {
    View {
        date_created: Iso(content.created_at),
        date_updated: Iso(content.updated_at),
        sid: content.sid,
        account_sid: content.account,
        friendly_name: content.friendly_name,
        language: content.language,
        variables: template::raw(content.variables),
        types: template::raw(content.types),
        legacy_template_name: String::new(),
        legacy_body: String::new(),
        url: String::new(),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    date_created: Iso,
    date_updated: Iso,
    sid: ContentSid,
    account_sid: AccountSid,
    friendly_name: String,
    language: String,
    #[schemars(with = "serde_json::Value")]
    variables: Option<Box<RawValue>>,
    #[schemars(with = "serde_json::Value")]
    types: Option<Box<RawValue>>,
    legacy_template_name: String,
    legacy_body: String,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "contents";
}
