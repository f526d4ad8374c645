//! Phone numbers of the account. All of them are on the simulator so far, so one is had by asking for it.

use confab_domain::endpoint::Method;
use confab_domain::number::{self, Fields, Filter, Number, NumberType, Wanted};
use confab_types::{AccountSid, ApiError, NumberSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::Owner;
use crate::kit::failure::Result;
use crate::kit::input::{Bool, Input, OneOf, Required, Text, Uri, input, words};
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

words! {
    /// How a URL is called.
    Methods: "GET", "POST"
}

/// What may be set of a number, behind the parameters that name it.
macro_rules! values {
    ($(#[$meta:meta])* $name:ident { $($field:ident: $kind:ty = $wire:literal,)* }) => {
        input! {
            $(#[$meta])*
            struct $name {
                $($field: $kind = $wire,)*
                friendly_name: Text = "FriendlyName",
                sms_url: Uri = "SmsUrl",
                sms_method: OneOf<Methods> = "SmsMethod",
                sms_fallback_url: Uri = "SmsFallbackUrl",
                sms_fallback_method: OneOf<Methods> = "SmsFallbackMethod",
                sms_application_sid: Text = "SmsApplicationSid",
                status_callback: Uri = "StatusCallback",
                status_callback_method: OneOf<Methods> = "StatusCallbackMethod",
                voice_url: Uri = "VoiceUrl",
                voice_method: OneOf<Methods> = "VoiceMethod",
                voice_fallback_url: Uri = "VoiceFallbackUrl",
                voice_fallback_method: OneOf<Methods> = "VoiceFallbackMethod",
                voice_application_sid: Text = "VoiceApplicationSid",
                voice_caller_id_lookup: Bool = "VoiceCallerIdLookup",
            }
        }

        impl $name {
            fn fields(self) -> Result<Fields> {
                let method = |word: Option<String>| word.as_deref().map(Method::parse).transpose();
                Ok(Fields {
                    friendly_name: self.friendly_name,
                    sms_url: self.sms_url,
                    sms_method: method(self.sms_method)?,
                    sms_fallback_url: self.sms_fallback_url,
                    sms_fallback_method: method(self.sms_fallback_method)?,
                    sms_application: self.sms_application_sid,
                    status_callback: self.status_callback,
                    status_callback_method: method(self.status_callback_method)?,
                    voice_url: self.voice_url,
                    voice_method: method(self.voice_method)?,
                    voice_fallback_url: self.voice_fallback_url,
                    voice_fallback_method: method(self.voice_fallback_method)?,
                    voice_application: self.voice_application_sid,
                    voice_caller_id_lookup: self.voice_caller_id_lookup,
                })
            }
        }
    };
}

values! {
    /// A number to have: this one, or one of an area.
    New {
        phone_number: Text = "PhoneNumber",
        area_code: Text = "AreaCode",
    }
}

values! {
    /// A number of a kind to have.
    NewOfKind {
        phone_number: Required = "PhoneNumber",
    }
}

values! {
    /// What may change of a number.
    Changes {}
}

async fn create(owner: Owner, Input(mut new): Input<New>) -> Result<Created<View>> {
    let given = |text: Option<String>| text.filter(|t| !t.is_empty());
    let wanted = match (given(new.phone_number.take()), given(new.area_code.take())) {
        (Some(number), _) => Wanted::Number(number),
        (None, Some(code)) => Wanted::AreaCode(code),
        (None, None) => return Err(ApiError::missing("PhoneNumber").into()),
    };
    buy(owner, wanted, None, new.fields()?).await
}

async fn create_local(owner: Owner, new: Input<NewOfKind>) -> Result<Created<View>> {
    create_as(owner, new, NumberType::Local).await
}

async fn create_mobile(owner: Owner, new: Input<NewOfKind>) -> Result<Created<View>> {
    create_as(owner, new, NumberType::Mobile).await
}

async fn create_toll_free(owner: Owner, new: Input<NewOfKind>) -> Result<Created<View>> {
    create_as(owner, new, NumberType::TollFree).await
}

async fn create_as(
    owner: Owner,
    Input(mut new): Input<NewOfKind>,
    kind: NumberType,
) -> Result<Created<View>> {
    let wanted = Wanted::Number(std::mem::take(&mut new.phone_number));
    buy(owner, wanted, Some(kind), new.fields()?).await
}

async fn buy(
    owner: Owner,
    wanted: Wanted,
    kind: Option<NumberType>,
    fields: Fields,
) -> Result<Created<View>> {
    let command = number::Buy {
        account: owner.account(),
        wanted,
        kind,
        fields,
    };
    let made = owner.execute(command).await?;
    Ok(reply(&view(&owner, made)))
}

async fn fetch(owner: Owner) -> Result<Found<View>> {
    let (account, sid) = (owner.account(), owner.json_sid("Sid")?);
    let found = owner.read(move |tx| number::fetch(tx, account, sid)).await?;
    Ok(reply(&view(&owner, found)))
}

async fn update(owner: Owner, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = number::Update {
        account: owner.account(),
        number: owner.json_sid("Sid")?,
        fields: changes.fields()?,
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
    let settings = number.settings;
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
        sms_application_sid: settings.sms_application.unwrap_or_default(),
        sms_fallback_method: settings.sms_fallback_method.upper(),
        sms_fallback_url: settings.sms_fallback_url.unwrap_or_default(),
        sms_method: settings.sms_method.upper(),
        sms_url: settings.sms_url.unwrap_or_default(),
        status_callback: settings.status_callback.unwrap_or_default(),
        status_callback_method: settings.status_callback_method.upper(),
        trunk_sid: None,
        uri: format!("{}/IncomingPhoneNumbers/{}.json", owner.path(), number.sid),
        voice_application_sid: settings.voice_application.unwrap_or_default(),
        voice_caller_id_lookup: settings.voice_caller_id_lookup,
        voice_fallback_method: settings.voice_fallback_method.upper(),
        voice_fallback_url: settings.voice_fallback_url,
        voice_method: settings.voice_method.upper(),
        voice_url: settings.voice_url,
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
    sms_application_sid: String,
    sms_fallback_method: &'static str,
    sms_fallback_url: String,
    sms_method: &'static str,
    sms_url: String,
    status_callback: String,
    status_callback_method: &'static str,
    trunk_sid: Option<String>,
    uri: String,
    voice_application_sid: String,
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
