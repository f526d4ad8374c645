//! Users (rest.md §2.7).

use confab_domain::reachability;
use confab_domain::user::{self, User};
use confab_types::{AccountSid, RoleSid, ServiceSid, UserSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::both;
use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Input, Required, SidText, Text, WebhookEnabled, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, Links, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    both(
        routes,
        "/Users",
        [get("ListUser", list), post("CreateUser", create)],
    );
    both(
        routes,
        "/Users/{Sid}",
        [
            get("FetchUser", fetch),
            post("UpdateUser", update),
            delete("DeleteUser", remove),
        ],
    );
}

input! {
    /// A new user.
    struct New {
        identity: Required = "Identity",
        friendly_name: Text = "FriendlyName",
        attributes: Text = "Attributes",
        role: SidText<RoleSid> = "RoleSid",
    }
}

async fn create(scope: Scope, _: WebhookEnabled, Input(new): Input<New>) -> Result<Created<View>> {
    let command = user::Create {
        account: scope.account(),
        service: scope.service,
        identity: new.identity,
        friendly_name: new.friendly_name,
        attributes: new.attributes,
        role: new.role,
    };
    let made = scope.execute(command).await?;
    Ok(reply(&view(&scope, made)))
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let (service, key) = (scope.service, scope.item("Sid")?.to_owned());
    let found = scope
        .read(move |tx| reachability::fetch(tx, service, &key))
        .await?;
    Ok(reply(&view(&scope, found)))
}

input! {
    /// What may change of a user.
    struct Changes {
        friendly_name: Text = "FriendlyName",
        attributes: Text = "Attributes",
        role: SidText<RoleSid> = "RoleSid",
    }
}

async fn update(scope: Scope, _: WebhookEnabled, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = user::Update {
        service: scope.service,
        key: scope.item("Sid")?.to_owned(),
        friendly_name: changes.friendly_name,
        attributes: changes.attributes,
        role: changes.role,
    };
    let (service, key) = (scope.service, scope.execute(command).await?.sid.to_string());
    let changed = scope
        .read(move |tx| reachability::fetch(tx, service, &key))
        .await?;
    Ok(reply(&view(&scope, changed)))
}

async fn remove(scope: Scope, _: WebhookEnabled) -> Result<Deleted> {
    let command = user::Delete {
        service: scope.service,
        key: scope.item("Sid")?.to_owned(),
    };
    scope.execute(command).await?;
    Ok(Deleted)
}

async fn list(scope: Scope, query: Paged<(), 50>) -> Result<Listed<View>> {
    let (service, url) = (scope.service, format!("{}/Users", scope.root));
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let page = user::list(tx, service, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&scope, row),
        )
        .await
}

fn view(scope: &Scope, user: User) -> View {
    let url = format!("{}/Users/{}", scope.root, user.sid);
    View {
        sid: user.sid,
        account_sid: user.account,
        chat_service_sid: user.service,
        role_sid: user.role_sid,
        identity: user.identity,
        friendly_name: user.friendly_name,
        attributes: user.attributes,
        is_online: user.reachability.and_then(|shown| shown.online),
        is_notifiable: user.reachability.and_then(|shown| shown.notifiable),
        date_created: Iso(user.created_at),
        date_updated: Iso(user.updated_at),
        url: url.clone(),
        links: Links {
            url,
            below: &[("user_conversations", "/Conversations")],
        },
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: UserSid,
    account_sid: AccountSid,
    chat_service_sid: ServiceSid,
    role_sid: RoleSid,
    identity: String,
    friendly_name: Option<String>,
    attributes: String,
    /// Null while reachability is off (B-546), and in lists (B-547).
    is_online: Option<bool>,
    is_notifiable: Option<bool>,
    date_created: Iso,
    date_updated: Iso,
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "users";
}
