//! Roles in Chat's words (rest.md §5.4): listed and made.

use confab_domain::chat::role as chat;
use confab_domain::role::{self, Role};
use confab_types::{AccountSid, RoleSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Input, List, Required, Word, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Iso, reply};
use crate::kit::routes::{Routes, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v2/Services/{ServiceSid}/Roles",
        [get("ListRole", list), post("CreateRole", create)],
    );
}

words! {
    /// Levels of roles.
    RoleType: "channel", "deployment"
}

input! {
    /// A new role.
    struct New {
        friendly_name: Required = "FriendlyName",
        kind: Required<Word<RoleType>> = "Type",
        permissions: Required<List> = "Permission",
    }
}

async fn create(scope: Scope, Input(new): Input<New>) -> Result<Created<View>> {
    let command = chat::Create {
        account: scope.account(),
        service: scope.service,
        friendly_name: new.friendly_name,
        kind: new.kind,
        permissions: new.permissions,
    };
    let made = scope.execute(command).await?;
    Ok(reply(&view(&scope, made)))
}

async fn list(scope: Scope, query: Paged<(), 100>) -> Result<Listed<View>> {
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
        service_sid: role.service,
        kind: RoleType(chat::kind(&role)),
        permissions: chat::permissions(&role).into_iter().map(str::to_owned).collect(),
        date_created: Iso(role.created_at),
        date_updated: Iso(role.updated_at),
        url: format!("{}/Roles/{}", scope.root, role.sid),
        friendly_name: role.friendly_name,
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: RoleSid,
    account_sid: AccountSid,
    service_sid: ServiceSid,
    friendly_name: String,
    #[serde(rename = "type")]
    kind: RoleType,
    permissions: Vec<String>,
    date_created: Iso,
    date_updated: Iso,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "roles";
}
