//! Conversation services (rest.md §2.14). There is no update (B-052).

use confab_domain::service::{self, Service};
use confab_types::{AccountSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Input, Required, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, Links, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Services",
        [get("ListService", list), post("CreateService", create)],
    );
    routes.at(
        "/v1/Services/{Sid}",
        [get("FetchService", fetch), delete("DeleteService", remove)],
    );
}

input! {
    /// A new service.
    struct New {
        friendly_name: Required = "FriendlyName",
    }
}

async fn create(caller: Caller, Input(new): Input<New>) -> Result<Created<View>> {
    let command = service::Create {
        account: caller.account(),
        friendly_name: new.friendly_name,
    };
    let made = caller.execute(command).await?;
    Ok(reply(&view(&caller, made)))
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let (account, sid) = (caller.account(), caller.sid("Sid")?);
    let found = caller.read(move |tx| service::fetch(tx, account, sid)).await?;
    Ok(reply(&view(&caller, found)))
}

async fn list(caller: Caller, query: Paged<(), 100>) -> Result<Listed<View>> {
    let (account, url) = (caller.account(), format!("{}/v1/Services", caller.exchange.base));
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = service::list(tx, account, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, row),
        )
        .await
}

async fn remove(caller: Caller) -> Result<Deleted> {
    let command = service::Delete {
        account: caller.account(),
        service: caller.sid("Sid")?,
    };
    // A big service goes in several transactions, so that other writers are not kept waiting.
    while !caller.execute(command.clone()).await? {}
    caller.app.services.forget(command.service);
    Ok(Deleted)
}

fn view(caller: &Caller, service: Service) -> View {
    let url = format!("{}/v1/Services/{}", caller.exchange.base, service.sid);
    View {
        sid: service.sid,
        account_sid: service.account,
        friendly_name: service.friendly_name,
        date_created: Iso(service.created_at),
        date_updated: Iso(service.updated_at),
        url: url.clone(),
        links: Links {
            url,
            // In the order of B-055.
            below: &[
                ("conversations", "/Conversations"),
                ("users", "/Users"),
                ("roles", "/Roles"),
                ("bindings", "/Bindings"),
                ("configuration", "/Configuration"),
                ("participant_conversations", "/ParticipantConversations"),
                ("conversation_with_participants", "/ConversationWithParticipants"),
            ],
        },
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: ServiceSid,
    account_sid: AccountSid,
    friendly_name: String,
    date_created: Iso,
    date_updated: Iso,
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "services";
}
