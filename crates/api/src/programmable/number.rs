//! Phone numbers of the account. All of them are on the simulator so far, so one is had by asking for it.

use confab_domain::number::{self, Filter, Number, NumberType};
use confab_types::{AccountSid, NumberSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::Owner;
use crate::kit::failure::Result;
use crate::kit::input::{Input, Required, Text, input};
use crate::kit::paging::{InList, ListedUris, Paged};
use crate::kit::render::{Created, Deleted, Found, Rfc2822, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers.json",
        [
            get("ListIncomingPhoneNumber", list),
            post("CreateIncomingPhoneNumber", create),
        ],
    );
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers/{Sid}.json",
        [
            get("FetchIncomingPhoneNumber", fetch),
            post("UpdateIncomingPhoneNumber", update),
            delete("DeleteIncomingPhoneNumber", remove),
        ],
    );
    // A kind each: what is taken through one is of that kind, and its list shows no other.
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers/Local.json",
        [
            get("ListIncomingPhoneNumberLocal", list_local),
            post("CreateIncomingPhoneNumberLocal", create_local),
        ],
    );
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers/Mobile.json",
        [
            get("ListIncomingPhoneNumberMobile", list_mobile),
            post("CreateIncomingPhoneNumberMobile", create_mobile),
        ],
    );
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers/TollFree.json",
        [
            get("ListIncomingPhoneNumberTollFree", list_toll_free),
            post("CreateIncomingPhoneNumberTollFree", create_toll_free),
        ],
    );
}

input! {
    /// A number to have.
    struct New {
        phone_number: Required = "PhoneNumber",
        friendly_name: Text = "FriendlyName",
    }
}

async fn create(owner: Owner, Input(new): Input<New>) -> Result<Created<View>> {
    create_as(owner, new, None).await
}

async fn create_local(owner: Owner, Input(new): Input<New>) -> Result<Created<View>> {
    create_as(owner, new, Some(NumberType::Local)).await
}

async fn create_mobile(owner: Owner, Input(new): Input<New>) -> Result<Created<View>> {
    create_as(owner, new, Some(NumberType::Mobile)).await
}

async fn create_toll_free(owner: Owner, Input(new): Input<New>) -> Result<Created<View>> {
    create_as(owner, new, Some(NumberType::TollFree)).await
}

async fn create_as(owner: Owner, new: New, kind: Option<NumberType>) -> Result<Created<View>> {
    let command = number::Create {
        account: owner.account(),
        address: new.phone_number,
        friendly_name: new.friendly_name,
        kind,
    };
    let made = owner.execute(command).await?;
    Ok(reply(&view(&owner, made)))
}

async fn fetch(owner: Owner) -> Result<Found<View>> {
    let (account, sid) = (owner.account(), owner.json_sid("Sid")?);
    let found = owner.read(move |tx| number::fetch(tx, account, sid)).await?;
    Ok(reply(&view(&owner, found)))
}

input! {
    /// What may change of a number.
    struct Changes {
        friendly_name: Text = "FriendlyName",
    }
}

async fn update(owner: Owner, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = number::Update {
        account: owner.account(),
        number: owner.json_sid("Sid")?,
        friendly_name: changes.friendly_name,
    };
    let changed = owner.execute(command).await?;
    Ok(reply(&view(&owner, changed)))
}

async fn remove(owner: Owner) -> Result<Deleted> {
    let command = number::Delete {
        account: owner.account(),
        number: owner.json_sid("Sid")?,
    };
    owner.execute(command).await?;
    Ok(Deleted)
}

input! {
    /// Filters of the list.
    struct Filters {
        phone_number: Text = "PhoneNumber",
        friendly_name: Text = "FriendlyName",
    }
}

type Query = Paged<Filters, 1000>;

async fn list(owner: Owner, query: Query) -> Result<ListedUris<View>> {
    list_of(owner, query, "", None).await
}

async fn list_local(owner: Owner, query: Query) -> Result<ListedUris<View>> {
    list_of(owner, query, "/Local", Some(NumberType::Local)).await
}

async fn list_mobile(owner: Owner, query: Query) -> Result<ListedUris<View>> {
    list_of(owner, query, "/Mobile", Some(NumberType::Mobile)).await
}

async fn list_toll_free(owner: Owner, query: Query) -> Result<ListedUris<View>> {
    list_of(owner, query, "/TollFree", Some(NumberType::TollFree)).await
}

async fn list_of(
    owner: Owner,
    query: Query,
    name: &str,
    kind: Option<NumberType>,
) -> Result<ListedUris<View>> {
    let account = owner.account();
    let url = format!("{}/IncomingPhoneNumbers{name}.json", owner.path());
    let given = |text: Option<String>| text.filter(|t| !t.is_empty());
    let filter = Filter {
        address: given(query.filters.phone_number),
        friendly_name: given(query.filters.friendly_name),
        kind,
    };
    query
        .paging
        .list_uris(
            &owner,
            move |tx, paging| {
                let page = number::list(tx, account, &filter, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&owner, row),
        )
        .await
}

fn view(owner: &Owner, number: Number) -> View {
    View {
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
        friendly_name: number.friendly_name,
        identity_sid: None,
        origin: "simulator",
        phone_number: number.address,
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
        kind: number.kind.name(),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    address_requirements: &'static str,
    address_sid: Option<String>,
    api_version: &'static str,
    beta: bool,
    capabilities: Capabilities,
    date_created: Rfc2822,
    date_updated: Rfc2822,
    emergency_status: &'static str,
    emergency_address_sid: Option<String>,
    emergency_address_status: &'static str,
    friendly_name: String,
    identity_sid: Option<String>,
    origin: &'static str,
    phone_number: String,
    sid: NumberSid,
    sms_application_sid: &'static str,
    sms_fallback_method: &'static str,
    sms_fallback_url: &'static str,
    sms_method: &'static str,
    sms_url: &'static str,
    status_callback: &'static str,
    status_callback_method: &'static str,
    trunk_sid: Option<String>,
    uri: String,
    voice_application_sid: &'static str,
    voice_caller_id_lookup: bool,
    voice_fallback_method: &'static str,
    voice_fallback_url: Option<String>,
    voice_method: &'static str,
    voice_url: Option<String>,
    bundle_sid: Option<String>,
    voice_receive_mode: &'static str,
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl InList for View {
    const KEY: &'static str = "incoming_phone_numbers";
}

#[derive(Serialize, JsonSchema)]
struct Capabilities {
    voice: bool,
    sms: bool,
    mms: bool,
    fax: bool,
}
