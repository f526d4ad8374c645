//! Users (rest.md §2.7).

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use confab_domain::user::{self, User};
use confab_types::{AccountSid, RoleSid, ServiceSid, UserSid};
use serde::Serialize;

use super::both;
use super::scope::Scope;
use crate::kit::app::App;
use crate::kit::failure::Result;
use crate::kit::paging::{Listed, Paging};
use crate::kit::params::Params;
use crate::kit::render::{self, Below, Iso};

pub(super) fn routes(routes: Router<App>) -> Router<App> {
    let routes = both(routes, "/Users", get(list).post(create));
    both(routes, "/Users/{user}", get(fetch).post(update).delete(delete))
}

async fn create(scope: Scope, params: Params) -> Result<Response> {
    let command = user::Create {
        account: scope.account(),
        service: scope.service,
        identity: params.required("Identity")?.to_owned(),
        friendly_name: params.string("FriendlyName"),
        attributes: params.string("Attributes"),
        role: params.string("RoleSid"),
    };
    let made = scope.execute(command).await?;
    Ok(render::created(|out| write(&scope, &made, out)))
}

async fn fetch(scope: Scope) -> Result<Response> {
    let (service, key) = (scope.service, scope.item("user")?.to_owned());
    let found = scope.read(move |tx| user::fetch(tx, service, &key)).await?;
    Ok(render::ok(|out| write(&scope, &found, out)))
}

async fn update(scope: Scope, params: Params) -> Result<Response> {
    let command = user::Update {
        service: scope.service,
        key: scope.item("user")?.to_owned(),
        friendly_name: params.string("FriendlyName"),
        attributes: params.string("Attributes"),
        role: params.string("RoleSid"),
    };
    let changed = scope.execute(command).await?;
    Ok(render::ok(|out| write(&scope, &changed, out)))
}

async fn delete(scope: Scope) -> Result<Response> {
    let key = scope.item("user")?.to_owned();
    scope
        .execute(user::Delete {
            service: scope.service,
            key,
        })
        .await?;
    Ok(render::no_content())
}

async fn list(scope: Scope, params: Params) -> Result<Response> {
    let paging = Paging::read(&params, 50, &[])?;
    let service = scope.service;
    let list = format!("users {service}");
    let window = paging.window(&list)?;
    let page = scope.read(move |tx| user::list(tx, service, &window)).await?;
    let url = format!("{}/Users", scope.root);
    let listed = Listed {
        key: "users",
        list: &list,
        url: &url,
        paging: &paging,
        page,
    };
    Ok(render::ok(|out| {
        listed.write(out, |item, out| write(&scope, item, out));
    }))
}

fn write(scope: &Scope, user: &User, out: &mut Vec<u8>) {
    let url = format!("{}/Users/{}", scope.root, user.sid);
    render::write(
        out,
        &View {
            sid: user.sid,
            account_sid: user.account,
            chat_service_sid: user.service,
            role_sid: user.role_sid,
            identity: &user.identity,
            friendly_name: user.friendly_name.as_deref(),
            attributes: &user.attributes,
            is_online: None,
            is_notifiable: None,
            date_created: Iso(user.created_at),
            date_updated: Iso(user.updated_at),
            url: &url,
            links: Links {
                user_conversations: Below(&url, "/Conversations"),
            },
        },
    );
}

#[derive(Serialize)]
struct View<'a> {
    sid: UserSid,
    account_sid: AccountSid,
    chat_service_sid: ServiceSid,
    role_sid: RoleSid,
    identity: &'a str,
    friendly_name: Option<&'a str>,
    attributes: &'a str,
    /// Null while reachability is off, which it is everywhere so far (B-546).
    is_online: Option<bool>,
    is_notifiable: Option<bool>,
    date_created: Iso,
    date_updated: Iso,
    url: &'a str,
    links: Links<'a>,
}

#[derive(Serialize)]
struct Links<'a> {
    user_conversations: Below<'a>,
}
