//! Devices that are registered for push, as Chat lists them (rest.md §5.4).

use confab_domain::binding::{self, Binding, Filter, MessageType};
use confab_types::{AccountSid, BindingSid, CredentialSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{List, ListOf, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Iso, segment};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v2/Services/{ServiceSid}/Bindings", [get("ListBinding", list)]);
}

words! {
    /// Push services.
    BindingType: "gcm", "apn", "fcm"
}

input! {
    /// Which bindings; any of the types, any of the identities.
    struct Wanted {
        types: ListOf<BindingType> = "BindingType",
        identities: List = "Identity",
    }
}

async fn list(scope: Scope, query: Paged<Wanted, 50>) -> Result<Listed<View>> {
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

/// The word of Chat for a kind of push.
fn in_chat(kind: MessageType) -> &'static str {
    match kind {
        MessageType::RemovedFromConversation => "removed_from_channel",
        MessageType::NewMessage => "new_message",
        MessageType::AddedToConversation => "added_to_channel",
    }
}

fn view(scope: &Scope, binding: Binding) -> View {
    View {
        sid: binding.sid,
        account_sid: binding.account,
        service_sid: binding.service,
        date_created: Iso(binding.created_at),
        date_updated: Iso(binding.updated_at),
        endpoint: binding.endpoint,
        binding_type: BindingType(binding.kind.name()),
        credential_sid: binding.credential,
        message_types: binding.message_types.into_iter().map(in_chat).collect(),
        url: format!("{}/Bindings/{}", scope.root, binding.sid),
        links: UserLink {
            user: format!("{}/Users/{}", scope.root, segment(&binding.identity)),
        },
        identity: binding.identity,
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: BindingSid,
    account_sid: AccountSid,
    service_sid: ServiceSid,
    date_created: Iso,
    date_updated: Iso,
    endpoint: String,
    identity: String,
    binding_type: BindingType,
    credential_sid: Option<CredentialSid>,
    message_types: Vec<&'static str>,
    url: String,
    links: UserLink,
}

#[derive(Serialize, JsonSchema)]
struct UserLink {
    user: String,
}

impl InList for View {
    const KEY: &'static str = "bindings";
}
