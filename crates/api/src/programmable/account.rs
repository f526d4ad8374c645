//! The account.

use confab_domain::{Error, account};
use confab_types::AccountSid;
use schemars::JsonSchema;
use serde::Serialize;

use super::Master;
use crate::kit::failure::Result;
use crate::kit::render::{Found, Links, Rfc2822, reply};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/2010-04-01/Accounts/{Sid}.json", [get("FetchAccount", fetch)]);
}

async fn fetch(master: Master) -> Result<Found<View>> {
    let sid = master.json_sid::<AccountSid>("Sid")?;
    let found = master
        .read(move |tx| account::find(tx, sid)?.ok_or_else(|| Error::code(20404)))
        .await?;
    let path = master.path();
    // Only who knows the token gets here, so it is shown to nobody who does not.
    let token = std::str::from_utf8(master.principal.credentials.secret()).ok();
    Ok(reply(&View {
        auth_token: token.map(str::to_owned),
        date_created: Rfc2822(found.created_at),
        date_updated: Rfc2822(found.updated_at),
        friendly_name: found.friendly_name,
        owner_account_sid: found.sid,
        sid: found.sid,
        status: found.status,
        subresource_uris: Links {
            url: path.clone(),
            below: &[
                ("incoming_phone_numbers", "/IncomingPhoneNumbers.json"),
                ("signing_keys", "/SigningKeys.json"),
                ("keys", "/Keys.json"),
                ("short_codes", "/SMS/ShortCodes.json"),
                ("messages", "/Messages.json"),
            ],
        },
        kind: "Full",
        uri: format!("{path}.json"),
    }))
}

#[derive(Serialize, JsonSchema)]
struct View {
    auth_token: Option<String>,
    date_created: Rfc2822,
    date_updated: Rfc2822,
    friendly_name: String,
    owner_account_sid: AccountSid,
    sid: AccountSid,
    status: String,
    subresource_uris: Links,
    #[serde(rename = "type")]
    kind: &'static str,
    uri: String,
}
