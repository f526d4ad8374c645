//! API keys. Signing keys are the same ones under another name.

use confab_domain::key::{self, Key};
use confab_types::KeySid;
use schemars::JsonSchema;
use serde::Serialize;

use super::Master;
use crate::kit::failure::Result;
use crate::kit::input::{Input, Text, input};
use crate::kit::paging::{InList, ListedUris, Paged};
use crate::kit::render::{Created, Deleted, Found, Rfc2822, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/Keys.json",
        [get("ListKey", list), post("CreateNewKey", create)],
    );
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/Keys/{Sid}.json",
        [
            get("FetchKey", fetch),
            post("UpdateKey", update),
            delete("DeleteKey", remove),
        ],
    );
}

input! {
    /// The name of a key.
    pub(super) struct Values {
        friendly_name: Text = "FriendlyName",
    }
}

pub(super) async fn create(master: Master, Input(values): Input<Values>) -> Result<Created<View>> {
    let name = values.friendly_name.unwrap_or_default();
    let (made, secret) = master
        .app
        .engine
        .create_key(master.origin(), master.account(), name)
        .await?;
    Ok(reply(&view(made, Some(secret))))
}

pub(super) async fn fetch(master: Master) -> Result<Found<View>> {
    let (account, sid) = (master.account(), master.json_sid("Sid")?);
    let found = master.read(move |tx| key::fetch(tx, account, sid)).await?;
    Ok(reply(&view(found, None)))
}

pub(super) async fn update(master: Master, Input(values): Input<Values>) -> Result<Found<View>> {
    let command = key::Update {
        account: master.account(),
        key: master.json_sid("Sid")?,
        friendly_name: values.friendly_name,
    };
    let changed = master.execute(command).await?;
    Ok(reply(&view(changed, None)))
}

pub(super) async fn remove(master: Master) -> Result<Deleted> {
    let command = key::Delete {
        account: master.account(),
        key: master.json_sid("Sid")?,
    };
    master.execute(command).await?;
    Ok(Deleted)
}

async fn list(master: Master, query: Paged<(), 1000>) -> Result<ListedUris<View>> {
    let (account, url) = (master.account(), format!("{}/Keys.json", master.path()));
    query
        .paging
        .list_uris(
            &master,
            move |tx, paging| {
                let page = key::list(tx, account, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(row, None),
        )
        .await
}

pub(super) fn view(key: Key, secret: Option<String>) -> View {
    View {
        sid: key.sid,
        friendly_name: key.friendly_name,
        date_created: Rfc2822(key.created_at),
        date_updated: Rfc2822(key.updated_at),
        secret,
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct View {
    sid: KeySid,
    friendly_name: String,
    date_created: Rfc2822,
    date_updated: Rfc2822,
    /// Shown once, by the answer that made the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl InList for View {
    const KEY: &'static str = "keys";
}
