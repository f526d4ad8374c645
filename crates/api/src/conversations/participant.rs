//! Participants (rest.md §2.4).

use confab_domain::participant::{self, Fields, Horizon, Participant};
use confab_domain::{Order, conversation};
use confab_types::{AccountSid, ApiError, ConversationSid, ParticipantSid, RoleSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::both;
use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Date, Input, IntOrNull, SidText, Text, WebhookEnabled, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    both(
        routes,
        "/Conversations/{ConversationSid}/Participants",
        [
            get("ListConversationParticipant", list),
            post("CreateConversationParticipant", add),
        ],
    );
    both(
        routes,
        "/Conversations/{ConversationSid}/Participants/{Sid}",
        [
            get("FetchConversationParticipant", fetch),
            post("UpdateConversationParticipant", update),
            delete("DeleteConversationParticipant", remove),
        ],
    );
}

input! {
    /// A new participant.
    struct New {
        identity: Text = "Identity",
        address: Text = "MessagingBinding.Address",
        proxy_address: Text = "MessagingBinding.ProxyAddress",
        projected_address: Text = "MessagingBinding.ProjectedAddress",
        attributes: Text = "Attributes",
        role: SidText<RoleSid> = "RoleSid",
        created_at: Date<50308> = "DateCreated",
        updated_at: Date<50309> = "DateUpdated",
    }
}

async fn add(scope: Scope, _: WebhookEnabled, Input(new): Input<New>) -> Result<Created<View>> {
    let command = participant::Add {
        service: scope.service,
        conversation: scope.item("ConversationSid")?.to_owned(),
        fields: Fields {
            identity: new.identity,
            address: new.address,
            proxy_address: new.proxy_address,
            projected_address: new.projected_address,
            attributes: new.attributes,
            role: new.role,
            created_at: new.created_at,
            updated_at: new.updated_at,
            ..Fields::default()
        },
    };
    let added = scope.execute(command).await?;
    Ok(reply(&view(&scope, added)))
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let (service, conversation) = (scope.service, scope.item("ConversationSid")?.to_owned());
    let key = scope.item("Sid")?.to_owned();
    let found = scope
        .read(move |tx| {
            let within = conversation::parent(tx, service, &conversation)?;
            participant::fetch(tx, within.sid, &key)
        })
        .await?;
    Ok(reply(&view(&scope, found)))
}

input! {
    /// What may change of a participant (B-182).
    struct Changes {
        created_at: Date<50308> = "DateCreated",
        updated_at: Date<50309> = "DateUpdated",
        attributes: Text = "Attributes",
        role: SidText<RoleSid> = "RoleSid",
        proxy_address: Text = "MessagingBinding.ProxyAddress",
        projected_address: Text = "MessagingBinding.ProjectedAddress",
        identity: Text = "Identity",
        last_read_index: IntOrNull = "LastReadMessageIndex",
        last_read_at: Date<50405> = "LastReadTimestamp",
    }
}

async fn update(scope: Scope, _: WebhookEnabled, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let (conversation, key) = (scope.item("ConversationSid")?, scope.item("Sid")?);
    let command = participant::Update {
        attributes: changes.attributes,
        role: changes.role,
        identity: changes.identity,
        proxy_address: changes.proxy_address,
        projected_address: changes.projected_address,
        horizon: horizon(changes.last_read_index.as_deref())?,
        last_read_at: changes.last_read_at,
        created_at: changes.created_at,
        updated_at: changes.updated_at,
        ..participant::Update::of(scope.service, conversation, key)
    };
    let changed = scope.execute(command).await?;
    Ok(reply(&view(&scope, changed)))
}

/// Reads `LastReadMessageIndex`.
pub(super) fn horizon(text: Option<&str>) -> Result<Option<Horizon>, ApiError> {
    match text {
        None => Ok(None),
        Some("null") => Ok(Some(Horizon::Unset)), // B-573
        Some(text) => match text.parse::<i64>() {
            Ok(index @ 0..) => Ok(Some(Horizon::At(index))),
            _ => Err(ApiError::new(50421)),
        },
    }
}

async fn remove(scope: Scope, _: WebhookEnabled) -> Result<Deleted> {
    let command = participant::Remove {
        service: scope.service,
        conversation: scope.item("ConversationSid")?.to_owned(),
        key: scope.item("Sid")?.to_owned(),
    };
    scope.execute(command).await?;
    Ok(Deleted)
}

async fn list(scope: Scope, query: Paged<(), 100>) -> Result<Listed<View>> {
    let (service, key) = (scope.service, scope.item("ConversationSid")?.to_owned());
    let root = scope.root.clone();
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let within = conversation::parent(tx, service, &key)?.sid;
                let url = format!("{root}/Conversations/{within}/Participants");
                let page = participant::list(tx, within, Order::Ascending, &paging.window(&url)?)?;
                Ok((url, page))
            },
            |row| view(&scope, row),
        )
        .await
}

fn view(scope: &Scope, participant: Participant) -> View {
    let messaging_binding = participant.binding().map(|binding| Binding {
        kind: binding.kind,
        address: binding.address.map(str::to_owned),
        proxy_address: binding.proxy_address.map(str::to_owned),
        projected_address: binding.projected_address.map(str::to_owned),
    });
    View {
        account_sid: participant.account,
        chat_service_sid: scope.shown_service,
        conversation_sid: participant.conversation,
        sid: participant.sid,
        identity: participant.identity,
        attributes: participant.attributes,
        messaging_binding,
        role_sid: participant.role_sid,
        date_created: Iso(participant.created_at),
        date_updated: Iso(participant.updated_at),
        url: format!(
            "{}/Conversations/{}/Participants/{}",
            scope.root, participant.conversation, participant.sid
        ),
        last_read_message_index: participant.last_read_index,
        last_read_timestamp: participant.last_read_at.map(Iso),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_service_sid: Option<ServiceSid>,
    conversation_sid: ConversationSid,
    sid: ParticipantSid,
    identity: Option<String>,
    attributes: String,
    messaging_binding: Option<Binding>,
    role_sid: Option<RoleSid>,
    date_created: Iso,
    date_updated: Iso,
    url: String,
    last_read_message_index: Option<i64>,
    last_read_timestamp: Option<Iso>,
}

impl InList for View {
    const KEY: &'static str = "participants";
}

/// Only what the kind of participant has (B-222).
#[derive(Serialize, JsonSchema)]
struct Binding {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projected_address: Option<String>,
}
