//! Templates with what WhatsApp says of them.

use confab_domain::content::{self, Content, Filter, Sort};
use confab_types::{AccountSid, ContentSid};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{approval, template};
use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::Iso;
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/ContentAndApprovals", [get("ListContentAndApprovals", list)]);
}

async fn list(caller: Caller, query: Paged<(), 1000>) -> Result<Listed<View>> {
    let account = caller.account();
    let url = format!("{}/v1/ContentAndApprovals", caller.exchange.base);
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let window = paging.window(&url)?;
                let page = content::list(tx, account, Sort::Newest, &Filter::default(), &window)?;
                Ok((url.clone(), page))
            },
            view,
        )
        .await
}

pub(super) fn view(content: Content) -> View {
    View {
        date_created: Iso(content.created_at),
        date_updated: Iso(content.updated_at),
        sid: content.sid,
        account_sid: content.account,
        friendly_name: content.friendly_name,
        language: content.language,
        variables: template::raw(content.variables),
        types: template::raw(content.types),
        approval_requests: approval::view(content.approval),
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct View {
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
    approval_requests: approval::View,
}

impl InList for View {
    const KEY: &'static str = "contents";
}
