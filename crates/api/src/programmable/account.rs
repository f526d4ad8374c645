//! The account and its subaccounts.

use confab_domain::account::{Account, Status};
use confab_domain::subaccount::{self, Filter};
use confab_types::AccountSid;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Master, refuse_keys};
use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Input, OneOf, Text, input, words};
use crate::kit::paging::{InList, ListedUris, Paged};
use crate::kit::render::{Created, Found, Links, Rfc2822, reply};
use crate::kit::routes::{Routes, get, post};

const PATH: &str = "/2010-04-01/Accounts.json";

pub(super) fn routes(routes: &mut Routes) {
    routes.at(PATH, [get("ListAccount", list), post("CreateAccount", create)]);
    routes.at(
        "/2010-04-01/Accounts/{Sid}.json",
        [get("FetchAccount", fetch), post("UpdateAccount", update)],
    );
}

words! {
    /// Whether an account may be used.
    Statuses: "active", "suspended", "closed"
}

words! {
    /// What an account is paid with.
    Kinds: "Trial", "Full"
}

input! {
    /// A new subaccount.
    struct New {
        friendly_name: Text = "FriendlyName",
    }
}

async fn create(caller: Caller, Input(new): Input<New>) -> Result<Created<View>> {
    refuse_keys(&caller)?;
    let engine = &caller.app.engine;
    let made = engine
        .create_subaccount(caller.origin(), caller.account(), new.friendly_name)
        .await?;
    let token = engine.auth_token(&made)?;
    Ok(reply(&view(made, token)))
}

async fn fetch(master: Master) -> Result<Found<View>> {
    let (viewer, sid) = (master.viewer(), master.account());
    let found = master.read(move |tx| subaccount::fetch(tx, viewer, sid)).await?;
    let token = master.app.engine.auth_token(&found)?;
    Ok(reply(&view(found, token)))
}

input! {
    /// What may change of an account.
    struct Changes {
        friendly_name: Text = "FriendlyName",
        status: OneOf<Statuses> = "Status",
    }
}

async fn update(master: Master, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = subaccount::Update {
        viewer: master.viewer(),
        account: master.account(),
        friendly_name: changes.friendly_name,
        status: changes.status.as_deref().map(Status::parse).transpose()?,
    };
    let changed = master.execute(command).await?;
    let token = master.app.engine.auth_token(&changed)?;
    Ok(reply(&view(changed, token)))
}

input! {
    /// Which accounts are listed.
    struct Filters {
        friendly_name: Text = "FriendlyName",
        status: OneOf<Statuses> = "Status",
    }
}

async fn list(caller: Caller, query: Paged<Filters, 1000>) -> Result<ListedUris<View>> {
    refuse_keys(&caller)?;
    let viewer = caller.account();
    let filter = Filter {
        friendly_name: query.filters.friendly_name.filter(|text| !text.is_empty()),
        status: query.filters.status.as_deref().map(Status::parse).transpose()?,
    };
    let engine = caller.app.engine.clone();
    query
        .paging
        .list_uris(
            &caller,
            move |tx, paging| {
                let page = subaccount::list(tx, viewer, &filter, &paging.window(PATH)?)?;
                let tokens = page
                    .items
                    .iter()
                    .map(|account| engine.auth_token(account))
                    .collect::<confab_domain::Result<Vec<String>>>()?;
                let mut tokens = tokens.into_iter();
                let page = page.map(|account| (account, tokens.next().unwrap_or_default()));
                Ok((PATH.to_owned(), page))
            },
            |(account, token)| view(account, token),
        )
        .await
}

fn view(account: Account, token: String) -> View {
    let path = format!("/2010-04-01/Accounts/{}", account.sid);
    View {
        auth_token: token,
        date_created: Rfc2822(account.created_at),
        date_updated: Rfc2822(account.updated_at),
        friendly_name: account.friendly_name,
        owner_account_sid: account.owner,
        sid: account.sid,
        status: Statuses(account.status.name()),
        kind: Kinds("Full"),
        uri: format!("{path}.json"),
        subresource_uris: Links {
            url: path,
            below: &[
                ("incoming_phone_numbers", "/IncomingPhoneNumbers.json"),
                ("signing_keys", "/SigningKeys.json"),
                ("keys", "/Keys.json"),
                ("short_codes", "/SMS/ShortCodes.json"),
                ("messages", "/Messages.json"),
            ],
        },
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    /// Only who has the token of the account or of its owner gets here.
    auth_token: String,
    date_created: Rfc2822,
    date_updated: Rfc2822,
    friendly_name: String,
    owner_account_sid: AccountSid,
    sid: AccountSid,
    status: Statuses,
    subresource_uris: Links,
    #[serde(rename = "type")]
    kind: Kinds,
    uri: String,
}

impl InList for View {
    const KEY: &'static str = "accounts";
}
