//! Conversation services (rest.md §2.14). There is no update (B-052).

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use confab_domain::service::{self, Service};
use confab_types::{AccountSid, ServiceSid};
use serde::Serialize;

use crate::kit::app::App;
use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::paging::{Listed, Paging};
use crate::kit::params::Params;
use crate::kit::render::{self, Below, Iso};

pub(super) fn routes(routes: Router<App>) -> Router<App> {
    routes
        .route("/v1/Services", get(list).post(create))
        .route("/v1/Services/{service}", get(fetch).delete(delete))
}

async fn create(caller: Caller, params: Params) -> Result<Response> {
    let friendly_name = params.required("FriendlyName")?.to_owned();
    let made = caller
        .execute(service::Create {
            account: caller.account(),
            friendly_name,
        })
        .await?;
    Ok(render::created(|out| write(&caller, &made, out)))
}

async fn fetch(caller: Caller) -> Result<Response> {
    let (account, sid) = (caller.account(), caller.sid("service")?);
    let found = caller.read(move |tx| service::fetch(tx, account, sid)).await?;
    Ok(render::ok(|out| write(&caller, &found, out)))
}

async fn list(caller: Caller, params: Params) -> Result<Response> {
    let paging = Paging::read(&params, 100, &[])?;
    let account = caller.account();
    let list = format!("services {account}");
    let window = paging.window(&list)?;
    let page = caller.read(move |tx| service::list(tx, account, &window)).await?;
    let url = format!("{}/v1/Services", caller.exchange.base);
    let listed = Listed {
        key: "services",
        list: &list,
        url: &url,
        paging: &paging,
        page,
    };
    Ok(render::ok(|out| {
        listed.write(out, |item, out| write(&caller, item, out));
    }))
}

async fn delete(caller: Caller) -> Result<Response> {
    let command = service::Delete {
        account: caller.account(),
        service: caller.sid("service")?,
    };
    // A big service goes in several transactions, so that other writers are not kept waiting.
    while !caller.execute(command.clone()).await? {}
    caller.app.services.forget(command.service);
    Ok(render::no_content())
}

fn write(caller: &Caller, service: &Service, out: &mut Vec<u8>) {
    let url = format!("{}/v1/Services/{}", caller.exchange.base, service.sid);
    render::write(
        out,
        &View {
            sid: service.sid,
            account_sid: service.account,
            friendly_name: &service.friendly_name,
            date_created: Iso(service.created_at),
            date_updated: Iso(service.updated_at),
            url: &url,
            links: Links {
                conversations: Below(&url, "/Conversations"),
                users: Below(&url, "/Users"),
                roles: Below(&url, "/Roles"),
                bindings: Below(&url, "/Bindings"),
                configuration: Below(&url, "/Configuration"),
                participant_conversations: Below(&url, "/ParticipantConversations"),
                conversation_with_participants: Below(&url, "/ConversationWithParticipants"),
            },
        },
    );
}

#[derive(Serialize)]
struct View<'a> {
    sid: ServiceSid,
    account_sid: AccountSid,
    friendly_name: &'a str,
    date_created: Iso,
    date_updated: Iso,
    url: &'a str,
    links: Links<'a>,
}

/// In the order of B-055.
#[derive(Serialize)]
struct Links<'a> {
    conversations: Below<'a>,
    users: Below<'a>,
    roles: Below<'a>,
    bindings: Below<'a>,
    configuration: Below<'a>,
    participant_conversations: Below<'a>,
    conversation_with_participants: Below<'a>,
}
