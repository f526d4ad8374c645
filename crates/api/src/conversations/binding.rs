//! Devices that are registered for push (rest.md §2.18). There is no creation: SDK clients register.

use confab_domain::binding::{self, Binding, Filter, MessageType};
use confab_types::{AccountSid, BindingSid, CredentialSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{List, ListOf, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Deleted, Found, Iso, reply};
use crate::kit::routes::{Routes, delete, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Services/{ChatServiceSid}/Bindings",
        [get("ListServiceBinding", list)],
    );
    routes.at(
        "/v1/Services/{ChatServiceSid}/Bindings/{Sid}",
        [
            get("FetchServiceBinding", fetch),
            delete("DeleteServiceBinding", remove),
        ],
    );
}

words! {
    /// A push service; `twilsock` is a filter only (rest.md §15 row 8).
    Types: "apn", "gcm", "fcm", "twilsock"
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let (service, sid) = (scope.service, scope.sid("Sid")?);
    let found = scope.read(move |tx| binding::fetch(tx, service, sid)).await?;
    Ok(reply(&view(&scope, found)))
}

async fn remove(scope: Scope) -> Result<Deleted> {
    let command = binding::Delete {
        service: scope.service,
        binding: scope.sid("Sid")?,
    };
    scope.execute(command).await?;
    Ok(Deleted)
}

input! {
    /// Which bindings are listed: of any of the types and any of the identities.
    struct Filters {
        types: ListOf<Types> = "BindingType",
        identities: List = "Identity",
    }
}

async fn list(scope: Scope, query: Paged<Filters, 100>) -> Result<Listed<View>> {
    let (service, url) = (scope.service, format!("{}/Bindings", scope.root));
    let filter = Filter {
        types: query.filters.types.unwrap_or_default(),
        identities: query.filters.identities.unwrap_or_default(),
    };
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let page = binding::list(tx, service, &filter, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&scope, row),
        )
        .await
}

fn view(scope: &Scope, binding: Binding) -> View {
    View {
        sid: binding.sid,
        account_sid: binding.account,
        chat_service_sid: binding.service,
        date_created: Iso(binding.created_at),
        date_updated: Iso(binding.updated_at),
        endpoint: binding.endpoint,
        identity: binding.identity,
        binding_type: Types(binding.kind.name()),
        credential_sid: binding.credential,
        message_types: binding.message_types.into_iter().map(MessageType::name).collect(),
        url: format!("{}/Bindings/{}", scope.root, binding.sid),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: BindingSid,
    account_sid: AccountSid,
    chat_service_sid: ServiceSid,
    date_created: Iso,
    date_updated: Iso,
    endpoint: String,
    identity: String,
    binding_type: Types,
    credential_sid: Option<CredentialSid>,
    message_types: Vec<&'static str>,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "bindings";
}
