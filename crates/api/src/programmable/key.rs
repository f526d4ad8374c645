//! API keys.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use confab_domain::key::{self, Key};
use confab_types::KeySid;
use serde::Serialize;

use super::Master;
use crate::kit::app::App;
use crate::kit::failure::Result;
use crate::kit::paging::{Listed, Paging};
use crate::kit::params::Params;
use crate::kit::render::{self, Rfc2822};

pub(super) fn routes(routes: Router<App>) -> Router<App> {
    routes
        .route("/2010-04-01/Accounts/{account}/Keys.json", get(list).post(create))
        .route(
            "/2010-04-01/Accounts/{account}/Keys/{key}",
            get(fetch).post(update).delete(delete),
        )
}

async fn create(master: Master, params: Params) -> Result<Response> {
    let name = params.string("FriendlyName").unwrap_or_default();
    let (made, secret) = master.app.engine.create_key(master.account(), name).await?;
    Ok(render::created(|out| {
        render::write(out, &view(&made, Some(&secret)));
    }))
}

async fn fetch(master: Master) -> Result<Response> {
    let (account, sid) = (master.account(), master.json_sid("key")?);
    let found = master.read(move |tx| key::fetch(tx, account, sid)).await?;
    Ok(render::ok(|out| render::write(out, &view(&found, None))))
}

async fn update(master: Master, params: Params) -> Result<Response> {
    let command = key::Update {
        account: master.account(),
        key: master.json_sid("key")?,
        friendly_name: params.string("FriendlyName"),
    };
    let changed = master.execute(command).await?;
    Ok(render::ok(|out| render::write(out, &view(&changed, None))))
}

async fn delete(master: Master) -> Result<Response> {
    master
        .execute(key::Delete {
            account: master.account(),
            key: master.json_sid("key")?,
        })
        .await?;
    Ok(render::no_content())
}

async fn list(master: Master, params: Params) -> Result<Response> {
    let paging = Paging::read(&params, 1000, &[])?;
    let account = master.account();
    let list = format!("keys {account}");
    let window = paging.window(&list)?;
    let page = master.read(move |tx| key::list(tx, account, &window)).await?;
    let url = format!("{}/Keys.json", master.path());
    let listed = Listed {
        key: "keys",
        list: &list,
        url: &url,
        paging: &paging,
        page,
    };
    Ok(render::ok(|out| {
        listed.write_uris(out, |item, out| render::write(out, &view(item, None)));
    }))
}

fn view<'a>(key: &'a Key, secret: Option<&'a str>) -> View<'a> {
    View {
        sid: key.sid,
        friendly_name: &key.friendly_name,
        date_created: Rfc2822(key.created_at),
        date_updated: Rfc2822(key.updated_at),
        secret,
    }
}

#[derive(Serialize)]
struct View<'a> {
    sid: KeySid,
    friendly_name: &'a str,
    date_created: Rfc2822,
    date_updated: Rfc2822,
    /// Shown once, by the answer that made the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}
