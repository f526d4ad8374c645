//! Phone numbers of the account. All of them are on the simulator so far, so one is had by asking for it.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use confab_domain::number::{self, Number};
use confab_types::{AccountSid, NumberSid};
use serde::Serialize;

use super::Owner;
use crate::kit::app::App;
use crate::kit::failure::Result;
use crate::kit::paging::{Listed, Paging};
use crate::kit::params::Params;
use crate::kit::render::{self, Rfc2822};

pub(super) fn routes(routes: Router<App>) -> Router<App> {
    let one = get(fetch).post(update).delete(delete);
    routes
        .route(
            "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json",
            get(list).post(create),
        )
        .route(
            "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{number}",
            one,
        )
}

async fn create(owner: Owner, params: Params) -> Result<Response> {
    let command = number::Create {
        account: owner.account(),
        address: params.required("PhoneNumber")?.to_owned(),
        friendly_name: params.string("FriendlyName"),
    };
    let made = owner.execute(command).await?;
    Ok(render::created(|out| write(&owner, &made, out)))
}

async fn fetch(owner: Owner) -> Result<Response> {
    let (account, sid) = (owner.account(), owner.json_sid("number")?);
    let found = owner.read(move |tx| number::fetch(tx, account, sid)).await?;
    Ok(render::ok(|out| write(&owner, &found, out)))
}

async fn update(owner: Owner, params: Params) -> Result<Response> {
    let command = number::Update {
        account: owner.account(),
        number: owner.json_sid("number")?,
        friendly_name: params.string("FriendlyName"),
    };
    let changed = owner.execute(command).await?;
    Ok(render::ok(|out| write(&owner, &changed, out)))
}

async fn delete(owner: Owner) -> Result<Response> {
    owner
        .execute(number::Delete {
            account: owner.account(),
            number: owner.json_sid("number")?,
        })
        .await?;
    Ok(render::no_content())
}

async fn list(owner: Owner, params: Params) -> Result<Response> {
    let paging = Paging::read(&params, 1000, &["PhoneNumber"])?;
    let (account, address) = (owner.account(), params.string("PhoneNumber"));
    let list = format!("numbers {account}");
    let window = paging.window(&list)?;
    let page = owner
        .read(move |tx| number::list(tx, account, address.as_deref(), &window))
        .await?;
    let url = format!("{}/IncomingPhoneNumbers.json", owner.path());
    let listed = Listed {
        key: "incoming_phone_numbers",
        list: &list,
        url: &url,
        paging: &paging,
        page,
    };
    Ok(render::ok(|out| {
        listed.write_uris(out, |item, out| write(&owner, item, out));
    }))
}

fn write(owner: &Owner, number: &Number, out: &mut Vec<u8>) {
    render::write(
        out,
        &View {
            account_sid: number.account,
            address_requirements: "none",
            address_sid: None,
            api_version: "2010-04-01",
            beta: false,
            capabilities: Capabilities {
                voice: false,
                sms: true,
                mms: true,
                fax: false,
            },
            date_created: Rfc2822(number.created_at),
            date_updated: Rfc2822(number.updated_at),
            emergency_status: "Inactive",
            emergency_address_sid: None,
            emergency_address_status: "unregistered",
            friendly_name: &number.friendly_name,
            identity_sid: None,
            origin: "simulator",
            phone_number: &number.address,
            sid: number.sid,
            sms_application_sid: "",
            sms_fallback_method: "POST",
            sms_fallback_url: "",
            sms_method: "POST",
            sms_url: "",
            status_callback: "",
            status_callback_method: "POST",
            trunk_sid: None,
            uri: format!("{}/IncomingPhoneNumbers/{}.json", owner.path(), number.sid),
            voice_application_sid: "",
            voice_caller_id_lookup: false,
            voice_fallback_method: "POST",
            voice_fallback_url: None,
            voice_method: "POST",
            voice_url: None,
            bundle_sid: None,
            voice_receive_mode: "voice",
            status: "in-use",
            kind: "local",
        },
    );
}

#[derive(Serialize)]
struct View<'a> {
    account_sid: AccountSid,
    address_requirements: &'static str,
    address_sid: Option<&'a str>,
    api_version: &'static str,
    beta: bool,
    capabilities: Capabilities,
    date_created: Rfc2822,
    date_updated: Rfc2822,
    emergency_status: &'static str,
    emergency_address_sid: Option<&'a str>,
    emergency_address_status: &'static str,
    friendly_name: &'a str,
    identity_sid: Option<&'a str>,
    origin: &'static str,
    phone_number: &'a str,
    sid: NumberSid,
    sms_application_sid: &'static str,
    sms_fallback_method: &'static str,
    sms_fallback_url: &'static str,
    sms_method: &'static str,
    sms_url: &'static str,
    status_callback: &'static str,
    status_callback_method: &'static str,
    trunk_sid: Option<&'a str>,
    uri: String,
    voice_application_sid: &'static str,
    voice_caller_id_lookup: bool,
    voice_fallback_method: &'static str,
    voice_fallback_url: Option<&'a str>,
    voice_method: &'static str,
    voice_url: Option<&'a str>,
    bundle_sid: Option<&'a str>,
    voice_receive_mode: &'static str,
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Capabilities {
    voice: bool,
    sms: bool,
    mms: bool,
    fax: bool,
}
