//! Webhooks of a conversation (rest.md §2.6).

use confab_domain::conversation;
use confab_domain::endpoint::Method;
use confab_domain::webhook::{self, Fields, Target, Webhook};
use confab_types::{AccountSid, ConversationSid, FlowSid, ServiceSid, WebhookSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::both;
use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Input, Int, List, Required, SidText, Text, Word, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    both(
        routes,
        "/Conversations/{ConversationSid}/Webhooks",
        [
            get("ListConversationScopedWebhook", list),
            post("CreateConversationScopedWebhook", create),
        ],
    );
    both(
        routes,
        "/Conversations/{ConversationSid}/Webhooks/{Sid}",
        [
            get("FetchConversationScopedWebhook", fetch),
            post("UpdateConversationScopedWebhook", update),
            delete("DeleteConversationScopedWebhook", remove),
        ],
    );
}

words! {
    /// What a webhook is.
    Targets: "webhook", "trigger", "studio"
}

words! {
    /// How it is called; either case is taken (B-505).
    Methods: "get", "post"
}

input! {
    /// A new webhook.
    struct New {
        target: Required<Word<Targets>> = "Target",
        url: Text = "Configuration.Url",
        method: Word<Methods> = "Configuration.Method",
        filters: List = "Configuration.Filters",
        triggers: List = "Configuration.Triggers",
        flow: SidText<FlowSid> = "Configuration.FlowSid",
        replay_after: Int = "Configuration.ReplayAfter",
    }
}

async fn create(scope: Scope, Input(new): Input<New>) -> Result<Created<View>> {
    let command = webhook::Create {
        service: scope.service,
        conversation: scope.item("ConversationSid")?.to_owned(),
        target: new.target,
        fields: Fields {
            url: new.url,
            method: new.method,
            filters: new.filters,
            triggers: new.triggers,
            flow: new.flow,
        },
        replay_after: new.replay_after,
    };
    let made = scope.execute(command).await?;
    Ok(reply(&view(&scope, made)))
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let (service, conversation) = (scope.service, scope.item("ConversationSid")?.to_owned());
    let sid = scope.sid("Sid")?;
    let found = scope
        .read(move |tx| {
            let within = conversation::parent(tx, service, &conversation)?;
            webhook::fetch(tx, within.sid, sid)
        })
        .await?;
    Ok(reply(&view(&scope, found)))
}

input! {
    /// What may change of a webhook: not its target (B-502), nor what is replayed (B-511).
    struct Changes {
        url: Text = "Configuration.Url",
        method: Word<Methods> = "Configuration.Method",
        filters: List = "Configuration.Filters",
        triggers: List = "Configuration.Triggers",
        flow: SidText<FlowSid> = "Configuration.FlowSid",
    }
}

async fn update(scope: Scope, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = webhook::Update {
        service: scope.service,
        conversation: scope.item("ConversationSid")?.to_owned(),
        webhook: scope.sid("Sid")?,
        fields: Fields {
            url: changes.url,
            method: changes.method,
            filters: changes.filters,
            triggers: changes.triggers,
            flow: changes.flow,
        },
    };
    let changed = scope.execute(command).await?;
    Ok(reply(&view(&scope, changed)))
}

async fn remove(scope: Scope) -> Result<Deleted> {
    let command = webhook::Delete {
        service: scope.service,
        conversation: scope.item("ConversationSid")?.to_owned(),
        webhook: scope.sid("Sid")?,
    };
    scope.execute(command).await?;
    Ok(Deleted)
}

async fn list(scope: Scope, query: Paged<(), 5>) -> Result<Listed<View>> {
    let (service, key) = (scope.service, scope.item("ConversationSid")?.to_owned());
    let root = scope.root.clone();
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let within = conversation::parent(tx, service, &key)?.sid;
                let url = format!("{root}/Conversations/{within}/Webhooks");
                let page = webhook::list(tx, within, &paging.window(&url)?)?;
                Ok((url, page))
            },
            |row| view(&scope, row),
        )
        .await
}

fn view(scope: &Scope, webhook: Webhook) -> View {
    let target = webhook.target.name();
    let mut configuration = match webhook.target {
        Target::Webhook { url, method, filters } => Configuration {
            filters: Some(filters.into_iter().map(|event| event.name()).collect()),
            ..Configuration::of_url(url, method)
        },
        Target::Trigger {
            url,
            method,
            triggers,
        } => Configuration {
            triggers: Some(triggers),
            ..Configuration::of_url(url, method)
        },
        Target::Studio { flow } => Configuration {
            flow_sid: Some(flow),
            ..Configuration::default()
        },
    };
    configuration.replay_after = webhook.replay_after;
    View {
        account_sid: webhook.account,
        chat_service_sid: scope.shown_service,
        conversation_sid: webhook.conversation,
        sid: webhook.sid,
        target: Targets(target),
        configuration,
        date_created: Iso(webhook.created_at),
        date_updated: Iso(webhook.updated_at),
        url: format!(
            "{}/Conversations/{}/Webhooks/{}",
            scope.root, webhook.conversation, webhook.sid
        ),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_service_sid: Option<ServiceSid>,
    conversation_sid: ConversationSid,
    sid: WebhookSid,
    target: Targets,
    configuration: Configuration,
    date_created: Iso,
    date_updated: Iso,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "webhooks";
}

/// Only what the target has.
#[derive(Default, Serialize, JsonSchema)]
struct Configuration {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<Methods>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triggers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_sid: Option<FlowSid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_after: Option<i64>,
}

impl Configuration {
    fn of_url(url: String, method: Method) -> Self {
        Self {
            url: Some(url),
            method: Some(Methods(method.lower())),
            ..Self::default()
        }
    }
}
