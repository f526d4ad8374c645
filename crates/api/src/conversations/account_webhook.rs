//! The account's webhooks (rest.md §2.12), under two paths.

use confab_domain::account_webhook::{self, AccountWebhook};
use confab_types::AccountSid;
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Input, List, Text, Word, input, words};
use crate::kit::render::{Found, reply};
use crate::kit::routes::{Routes, get, post};

const PATH: &str = "/v1/Configuration/Webhooks";
/// A guide of the original still names it (B-065).
const LEGACY_PATH: &str = "/v1/Conversations/Webhooks";

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        PATH,
        [
            get("FetchConfigurationWebhook", fetch),
            post("UpdateConfigurationWebhook", update),
        ],
    );
    routes.at(
        LEGACY_PATH,
        [
            get("FetchConversationWebhook", fetch_legacy),
            post("UpdateConversationWebhook", update_legacy),
        ],
    );
}

words! {
    /// What the webhooks are for.
    Targets: "webhook", "flex"
}

words! {
    /// How they are called.
    Methods: "GET", "POST"
}

input! {
    /// What may change of the webhooks.
    struct Changes {
        method: Text = "Method",
        filters: List = "Filters",
        pre_webhook_url: Text = "PreWebhookUrl",
        post_webhook_url: Text = "PostWebhookUrl",
        target: Word<Targets> = "Target",
    }
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    fetch_at(&caller, PATH).await
}

async fn fetch_legacy(caller: Caller) -> Result<Found<View>> {
    fetch_at(&caller, LEGACY_PATH).await
}

async fn update(caller: Caller, Input(changes): Input<Changes>) -> Result<Found<View>> {
    update_at(&caller, PATH, changes).await
}

async fn update_legacy(caller: Caller, Input(changes): Input<Changes>) -> Result<Found<View>> {
    update_at(&caller, LEGACY_PATH, changes).await
}

async fn fetch_at(caller: &Caller, path: &str) -> Result<Found<View>> {
    let account = caller.account();
    let found = caller.read(move |tx| account_webhook::fetch(tx, account)).await?;
    Ok(reply(&view(caller, path, found)))
}

async fn update_at(caller: &Caller, path: &str, changes: Changes) -> Result<Found<View>> {
    let command = account_webhook::Update {
        account: caller.account(),
        method: changes.method,
        filters: changes.filters,
        pre_webhook_url: changes.pre_webhook_url,
        post_webhook_url: changes.post_webhook_url,
        target: changes.target,
    };
    let changed = caller.execute(command).await?;
    Ok(reply(&view(caller, path, changed)))
}

fn view(caller: &Caller, path: &str, hook: AccountWebhook) -> View {
    View {
        account_sid: hook.account,
        pre_webhook_url: hook.pre_webhook_url,
        post_webhook_url: hook.post_webhook_url,
        method: Methods(hook.method.upper()),
        filters: hook.filters.into_iter().map(|event| event.name()).collect(),
        target: Targets(hook.target.name()),
        url: format!("{}{path}", caller.exchange.base),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    pre_webhook_url: Option<String>,
    post_webhook_url: Option<String>,
    method: Methods,
    filters: Vec<&'static str>,
    target: Targets,
    url: String,
}
