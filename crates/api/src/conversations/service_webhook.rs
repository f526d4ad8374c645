//! The webhooks of one service (rest.md §2.17).

use confab_domain::service_webhook::{self, ServiceWebhook};
use confab_types::{AccountSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Input, List, Text, Uri, input, words};
use crate::kit::render::{Found, reply};
use crate::kit::routes::{Routes, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Services/{ChatServiceSid}/Configuration/Webhooks",
        [
            get("FetchServiceWebhookConfiguration", fetch),
            post("UpdateServiceWebhookConfiguration", update),
        ],
    );
}

words! {
    /// How the webhooks are called.
    Methods: "GET", "POST"
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let service = scope.service;
    let found = scope.read(move |tx| service_webhook::fetch(tx, service)).await?;
    Ok(reply(&view(&scope, found)))
}

input! {
    /// What may change of the webhooks.
    struct Changes {
        pre_webhook_url: Uri = "PreWebhookUrl",
        post_webhook_url: Uri = "PostWebhookUrl",
        filters: List = "Filters",
        method: Text = "Method",
    }
}

async fn update(scope: Scope, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = service_webhook::Update {
        account: scope.account(),
        service: scope.service,
        pre_webhook_url: changes.pre_webhook_url,
        post_webhook_url: changes.post_webhook_url,
        filters: changes.filters,
        method: changes.method,
    };
    let changed = scope.execute(command).await?;
    Ok(reply(&view(&scope, changed)))
}

fn view(scope: &Scope, hook: ServiceWebhook) -> View {
    View {
        account_sid: scope.account(),
        chat_service_sid: hook.service,
        pre_webhook_url: hook.pre_webhook_url,
        post_webhook_url: hook.post_webhook_url,
        filters: hook
            .filters
            .map(|events| events.into_iter().map(|event| event.name()).collect()),
        method: hook.method.map(|method| Methods(method.upper())),
        url: format!("{}/Configuration/Webhooks", scope.root),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    chat_service_sid: ServiceSid,
    pre_webhook_url: Option<String>,
    post_webhook_url: Option<String>,
    filters: Option<Vec<&'static str>>,
    method: Option<Methods>,
    url: String,
}
