//! Numbers of a messaging service.

use confab_domain::number::Number;
use confab_domain::{messaging_service, pool};
use confab_types::{AccountSid, ApiError, MessagingServiceSid, NumberSid, Sid};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::{Failure, Result};
use crate::kit::input::{Input, Required, SidText, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Services/{ServiceSid}/PhoneNumbers",
        [get("ListPhoneNumber", list), post("CreatePhoneNumber", create)],
    );
    routes.at(
        "/v1/Services/{ServiceSid}/PhoneNumbers/{Sid}",
        [
            get("FetchPhoneNumber", fetch),
            delete("DeletePhoneNumber", remove),
        ],
    );
}

input! {
    /// A number to put into the service.
    struct New {
        number: Required<SidText<NumberSid>> = "PhoneNumberSid",
    }
}

async fn create(caller: Caller, Input(new): Input<New>) -> Result<Created<View>> {
    let number =
        NumberSid::parse(&new.number).ok_or_else(|| Failure::from(ApiError::invalid("PhoneNumberSid")))?;
    let service = caller.sid("ServiceSid")?;
    let command = pool::Add {
        account: caller.account(),
        service,
        number,
    };
    let added = caller.execute(command).await?;
    Ok(reply(&view(&caller, service, added)))
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let (account, service) = (caller.account(), caller.sid("ServiceSid")?);
    let sid = caller.sid("Sid")?;
    let found = caller
        .read(move |tx| {
            messaging_service::fetch(tx, account, service)?;
            pool::fetch(tx, service, sid)
        })
        .await?;
    Ok(reply(&view(&caller, service, found)))
}

async fn remove(caller: Caller) -> Result<Deleted> {
    let command = pool::Remove {
        account: caller.account(),
        service: caller.sid("ServiceSid")?,
        number: caller.sid("Sid")?,
    };
    caller.execute(command).await?;
    Ok(Deleted)
}

async fn list(caller: Caller, query: Paged<(), 1000>) -> Result<Listed<View>> {
    let (account, service) = (caller.account(), caller.sid("ServiceSid")?);
    let url = format!("{}/v1/Services/{service}/PhoneNumbers", caller.exchange.base);
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                messaging_service::fetch(tx, account, service)?;
                let page = pool::list(tx, service, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, service, row),
        )
        .await
}

fn view(caller: &Caller, service: MessagingServiceSid, number: Number) -> View {
    let since = number.pool.map_or(number.created_at, |(_, since)| since);
    // The one plan where a country follows from few digits; other numbers do not show theirs.
    let country_code = number.address.starts_with("+1").then_some("US");
    View {
        sid: number.sid,
        account_sid: number.account,
        service_sid: service,
        date_created: Iso(since),
        date_updated: Iso(since),
        country_code,
        phone_number: number.address,
        capabilities: ["SMS", "MMS"],
        url: format!(
            "{}/v1/Services/{service}/PhoneNumbers/{}",
            caller.exchange.base, number.sid
        ),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: NumberSid,
    account_sid: AccountSid,
    service_sid: MessagingServiceSid,
    date_created: Iso,
    date_updated: Iso,
    phone_number: String,
    country_code: Option<&'static str>,
    capabilities: [&'static str; 2],
    url: String,
}

impl InList for View {
    const KEY: &'static str = "phone_numbers";
}
