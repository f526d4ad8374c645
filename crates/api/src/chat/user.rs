//! Users as Chat lists them (rest.md §5.4).

use confab_domain::chat::user as chat;
use confab_domain::user::User;
use confab_types::{AccountSid, RoleSid, ServiceSid, UserSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Iso, Links};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v2/Services/{ServiceSid}/Users", [get("ListUser", list)]);
}

async fn list(scope: Scope, query: Paged<(), 100>) -> Result<Listed<View>> {
    let (service, url) = (scope.service, format!("{}/Users", scope.root));
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let page = chat::list(tx, service, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |(user, joined)| view(&scope, user, joined),
        )
        .await
}

fn view(scope: &Scope, user: User, joined: i64) -> View {
    let url = format!("{}/Users/{}", scope.root, user.sid);
    View {
        sid: user.sid,
        account_sid: user.account,
        service_sid: user.service,
        role_sid: user.role_sid,
        identity: user.identity,
        attributes: user.attributes,
        is_online: user.reachability.and_then(|shown| shown.online),
        is_notifiable: user.reachability.and_then(|shown| shown.notifiable),
        friendly_name: user.friendly_name,
        joined_channels_count: joined,
        date_created: Iso(user.created_at),
        date_updated: Iso(user.updated_at),
        url: url.clone(),
        links: Links {
            url,
            below: &[("user_channels", "/Channels"), ("user_bindings", "/Bindings")],
        },
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: UserSid,
    account_sid: AccountSid,
    service_sid: ServiceSid,
    role_sid: RoleSid,
    identity: String,
    attributes: String,
    /// Null in lists, as in Conversations (B-547).
    is_online: Option<bool>,
    is_notifiable: Option<bool>,
    friendly_name: Option<String>,
    joined_channels_count: i64,
    date_created: Iso,
    date_updated: Iso,
    links: Links,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "users";
}
