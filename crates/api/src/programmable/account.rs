//! The account.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use confab_domain::{Error, account};
use confab_types::AccountSid;
use serde::Serialize;

use super::Master;
use crate::kit::app::App;
use crate::kit::failure::Result;
use crate::kit::render::{self, Below, Rfc2822};

pub(super) fn routes(routes: Router<App>) -> Router<App> {
    routes.route("/2010-04-01/Accounts/{account}", get(fetch))
}

async fn fetch(master: Master) -> Result<Response> {
    let sid = master.json_sid::<AccountSid>("account")?;
    let found = master
        .read(move |tx| account::find(tx, sid)?.ok_or_else(|| Error::code(20404)))
        .await?;
    let path = master.path();
    // Only who knows the token gets here, so it is shown to nobody who does not.
    let token = std::str::from_utf8(master.principal.credentials.secret()).ok();
    Ok(render::ok(|out| {
        render::write(
            out,
            &View {
                auth_token: token,
                date_created: Rfc2822(found.created_at),
                date_updated: Rfc2822(found.updated_at),
                friendly_name: &found.friendly_name,
                owner_account_sid: found.sid,
                sid: found.sid,
                status: &found.status,
                subresource_uris: Links {
                    incoming_phone_numbers: Below(&path, "/IncomingPhoneNumbers.json"),
                    signing_keys: Below(&path, "/SigningKeys.json"),
                    keys: Below(&path, "/Keys.json"),
                    short_codes: Below(&path, "/SMS/ShortCodes.json"),
                    messages: Below(&path, "/Messages.json"),
                },
                kind: "Full",
                uri: Below(&path, ".json"),
            },
        );
    }))
}

#[derive(Serialize)]
struct View<'a> {
    auth_token: Option<&'a str>,
    date_created: Rfc2822,
    date_updated: Rfc2822,
    friendly_name: &'a str,
    owner_account_sid: AccountSid,
    sid: AccountSid,
    status: &'a str,
    subresource_uris: Links<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
    uri: Below<'a>,
}

#[derive(Serialize)]
struct Links<'a> {
    incoming_phone_numbers: Below<'a>,
    signing_keys: Below<'a>,
    keys: Below<'a>,
    short_codes: Below<'a>,
    messages: Below<'a>,
}
