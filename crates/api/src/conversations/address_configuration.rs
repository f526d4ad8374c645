//! Configurations of the account's addresses (rest.md §2.13).

use confab_domain::address_configuration::{self, AddressConfiguration, Fields};
use confab_types::{AccountSid, AddressConfigurationSid, FlowSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{
    AnyCase, Bool, Input, Int, List, OneOf, Required, SidText, Text, Word, input, words,
};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Configuration/Addresses",
        [
            get("ListConfigurationAddress", list),
            post("CreateConfigurationAddress", create),
        ],
    );
    routes.at(
        "/v1/Configuration/Addresses/{Sid}",
        [
            get("FetchConfigurationAddress", fetch),
            post("UpdateConfigurationAddress", update),
            delete("DeleteConfigurationAddress", remove),
        ],
    );
}

words! {
    /// Channel of an address.
    Types: "sms", "whatsapp", "messenger", "gbm", "email", "rcs", "apple", "chat"
}

words! {
    /// What a conversation gets that a message makes.
    AutoCreationTypes: "webhook", "studio", "default"
}

words! {
    /// How its webhook is called; either case is taken, and upper case shown.
    Methods: "get", "post"
}

input! {
    /// A new configuration.
    struct New {
        kind: Required<AnyCase<Types>> = "Type",
        address: Required = "Address",
        friendly_name: Text = "FriendlyName",
        enabled: Bool = "AutoCreation.Enabled",
        auto_creation_type: OneOf<AutoCreationTypes> = "AutoCreation.Type",
        conversation_service: SidText<ServiceSid> = "AutoCreation.ConversationServiceSid",
        webhook_url: Text = "AutoCreation.WebhookUrl",
        webhook_method: Word<Methods> = "AutoCreation.WebhookMethod",
        webhook_filters: List = "AutoCreation.WebhookFilters",
        studio_flow: SidText<FlowSid> = "AutoCreation.StudioFlowSid",
        studio_retry_count: Int = "AutoCreation.StudioRetryCount",
        address_country: Text = "AddressCountry",
    }
}

async fn create(caller: Caller, Input(new): Input<New>) -> Result<Created<View>> {
    let command = address_configuration::Create {
        account: caller.account(),
        kind: new.kind,
        address: new.address,
        address_country: new.address_country,
        fields: Fields {
            friendly_name: new.friendly_name,
            enabled: new.enabled,
            kind: new.auto_creation_type,
            conversation_service: new.conversation_service,
            webhook_url: new.webhook_url,
            webhook_method: new.webhook_method,
            webhook_filters: new.webhook_filters,
            studio_flow: new.studio_flow,
            studio_retry_count: new.studio_retry_count,
        },
    };
    let made = caller.execute(command).await?;
    Ok(reply(&view(&caller, made)))
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let (account, key) = (caller.account(), caller.item("Sid")?.to_owned());
    let found = caller
        .read(move |tx| address_configuration::fetch(tx, account, &key))
        .await?;
    Ok(reply(&view(&caller, found)))
}

input! {
    /// What may change of a configuration: neither its type nor its address.
    struct Changes {
        friendly_name: Text = "FriendlyName",
        enabled: Bool = "AutoCreation.Enabled",
        auto_creation_type: OneOf<AutoCreationTypes> = "AutoCreation.Type",
        conversation_service: SidText<ServiceSid> = "AutoCreation.ConversationServiceSid",
        webhook_url: Text = "AutoCreation.WebhookUrl",
        webhook_method: Word<Methods> = "AutoCreation.WebhookMethod",
        webhook_filters: List = "AutoCreation.WebhookFilters",
        studio_flow: SidText<FlowSid> = "AutoCreation.StudioFlowSid",
        studio_retry_count: Int = "AutoCreation.StudioRetryCount",
    }
}

async fn update(caller: Caller, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = address_configuration::Update {
        account: caller.account(),
        key: caller.item("Sid")?.to_owned(),
        fields: Fields {
            friendly_name: changes.friendly_name,
            enabled: changes.enabled,
            kind: changes.auto_creation_type,
            conversation_service: changes.conversation_service,
            webhook_url: changes.webhook_url,
            webhook_method: changes.webhook_method,
            webhook_filters: changes.webhook_filters,
            studio_flow: changes.studio_flow,
            studio_retry_count: changes.studio_retry_count,
        },
    };
    let changed = caller.execute(command).await?;
    Ok(reply(&view(&caller, changed)))
}

async fn remove(caller: Caller) -> Result<Deleted> {
    let command = address_configuration::Delete {
        account: caller.account(),
        key: caller.item("Sid")?.to_owned(),
    };
    caller.execute(command).await?;
    Ok(Deleted)
}

input! {
    /// Which configurations are listed.
    struct Filters {
        kind: Text = "Type",
    }
}

async fn list(caller: Caller, query: Paged<Filters, 50>) -> Result<Listed<View>> {
    let account = caller.account();
    let url = format!("{}/v1/Configuration/Addresses", caller.exchange.base);
    // An empty filter is none.
    let kind = query.filters.kind.filter(|text| !text.is_empty());
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let window = paging.window(&url)?;
                let page = address_configuration::list(tx, account, kind.as_deref(), &window)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, row),
        )
        .await
}

fn view(caller: &Caller, found: AddressConfiguration) -> View {
    let auto = found.auto_creation;
    View {
        account_sid: found.account,
        sid: found.sid,
        address: found.address,
        kind: found.kind,
        friendly_name: found.friendly_name,
        address_country: found.address_country,
        auto_creation: AutoCreation {
            enabled: auto.enabled,
            kind: auto.kind.map(|kind| AutoCreationTypes(kind.name())),
            conversation_service_sid: auto.conversation_service_sid,
            webhook_url: auto.webhook_url,
            webhook_method: auto.webhook_method.map(|method| method.upper()),
            webhook_filters: auto
                .webhook_filters
                .map(|events| events.into_iter().map(|event| event.name()).collect()),
            studio_flow_sid: auto.studio_flow_sid,
            studio_retry_count: auto.studio_retry_count,
        },
        date_created: Iso(found.created_at),
        date_updated: Iso(found.updated_at),
        url: format!(
            "{}/v1/Configuration/Addresses/{}",
            caller.exchange.base, found.sid
        ),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    sid: AddressConfigurationSid,
    address: String,
    #[serde(rename = "type")]
    kind: String,
    friendly_name: Option<String>,
    address_country: Option<String>,
    auto_creation: AutoCreation,
    date_created: Iso,
    date_updated: Iso,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "address_configurations";
}

#[derive(Serialize, JsonSchema)]
struct AutoCreation {
    enabled: Option<bool>,
    #[serde(rename = "type")]
    kind: Option<AutoCreationTypes>,
    conversation_service_sid: Option<String>,
    webhook_url: Option<String>,
    webhook_method: Option<&'static str>,
    webhook_filters: Option<Vec<&'static str>>,
    studio_flow_sid: Option<String>,
    studio_retry_count: Option<i64>,
}
