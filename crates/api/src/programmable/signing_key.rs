//! API keys under their older name.

use confab_domain::key;
use schemars::JsonSchema;
use serde::Serialize;

use super::Master;
use super::key::{View, create, fetch, remove, update, view};
use crate::kit::failure::Result;
use crate::kit::paging::{InList, ListedUris, Paged};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/SigningKeys.json",
        [get("ListSigningKey", list), post("CreateNewSigningKey", create)],
    );
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/SigningKeys/{Sid}.json",
        [
            get("FetchSigningKey", fetch),
            post("UpdateSigningKey", update),
            delete("DeleteSigningKey", remove),
        ],
    );
}

async fn list(master: Master, query: Paged<(), 1000>) -> Result<ListedUris<Element>> {
    let (account, url) = (master.account(), format!("{}/SigningKeys.json", master.path()));
    query
        .paging
        .list_uris(
            &master,
            move |tx, paging| {
                let page = key::list(tx, account, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| Element(view(row, None)),
        )
        .await
}

/// A key in a list of another name.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
struct Element(View);

impl InList for Element {
    const KEY: &'static str = "signing_keys";
}
