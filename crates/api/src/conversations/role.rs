//! Roles (rest.md §2.10).

use confab_domain::role::{self, Role};
use confab_types::{AccountSid, RoleSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::both;
use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Input, List, Required, Word, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    both(
        routes,
        "/Roles",
        [get("ListRole", list), post("CreateRole", create)],
    );
    both(
        routes,
        "/Roles/{Sid}",
        [
            get("FetchRole", fetch),
            post("UpdateRole", update),
            delete("DeleteRole", remove),
        ],
    );
}

words! {
    /// The level that a role works at.
    Types: "conversation", "service"
}

input! {
    /// A new role.
    struct New {
        friendly_name: Required = "FriendlyName",
        kind: Required<Word<Types>> = "Type",
        permissions: Required<List> = "Permission",
    }
}

async fn create(scope: Scope, Input(new): Input<New>) -> Result<Created<View>> {
    let command = role::Create {
        account: scope.account(),
        service: scope.service,
        friendly_name: new.friendly_name,
        kind: new.kind,
        permissions: new.permissions,
    };
    let made = scope.execute(command).await?;
    Ok(reply(&view(&scope, made)))
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let (service, sid) = (scope.service, scope.sid("Sid")?);
    let found = scope.read(move |tx| role::fetch(tx, service, sid)).await?;
    Ok(reply(&view(&scope, found)))
}

input! {
    /// All permissions of a role (B-656).
    struct Changes {
        permissions: Required<List> = "Permission",
    }
}

async fn update(scope: Scope, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = role::Update {
        service: scope.service,
        role: scope.sid("Sid")?,
        permissions: changes.permissions,
    };
    let changed = scope.execute(command).await?;
    Ok(reply(&view(&scope, changed)))
}

async fn remove(scope: Scope) -> Result<Deleted> {
    let command = role::Delete {
        service: scope.service,
        role: scope.sid("Sid")?,
    };
    scope.execute(command).await?;
    Ok(Deleted)
}

async fn list(scope: Scope, query: Paged<(), 50>) -> Result<Listed<View>> {
    let (service, url) = (scope.service, format!("{}/Roles", scope.root));
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let page = role::list(tx, service, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&scope, row),
        )
        .await
}

fn view(scope: &Scope, role: Role) -> View {
    View {
        sid: role.sid,
        account_sid: role.account,
        chat_service_sid: role.service,
        friendly_name: role.friendly_name,
        kind: Types(role.kind.name()),
        permissions: role.permissions,
        date_created: Iso(role.created_at),
        date_updated: Iso(role.updated_at),
        url: format!("{}/Roles/{}", scope.root, role.sid),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: RoleSid,
    account_sid: AccountSid,
    chat_service_sid: ServiceSid,
    friendly_name: String,
    #[serde(rename = "type")]
    kind: Types,
    permissions: Vec<String>,
    date_created: Iso,
    date_updated: Iso,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "roles";
}
