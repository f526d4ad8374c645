//! In which conversations somebody takes part (rest.md §2.9).

use confab_domain::participant_conversation::{self, ParticipantConversation, Who};
use confab_types::{AccountSid, ApiError, ConversationSid, ParticipantSid, ServiceSid, UserSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::both;
use super::conversation::Timers;
use super::scope::Scope;
use super::user_conversation::{OfParticipant, StateWord, shown_state};
use crate::kit::failure::Result;
use crate::kit::input::{Text, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::Iso;
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    both(
        routes,
        "/ParticipantConversations",
        [get("ListParticipantConversation", list)],
    );
}

input! {
    /// Whom to look for: exactly one of them (B-187).
    struct Filters {
        identity: Text = "Identity",
        address: Text = "Address",
    }
}

fn who(filters: Filters) -> Result<Who, ApiError> {
    let given = |text: Option<String>| text.filter(|t| !t.is_empty());
    match (given(filters.identity), given(filters.address)) {
        (Some(identity), None) => Ok(Who::Identity(identity)),
        (None, Some(address)) => Ok(Who::Address(address)),
        (Some(_), Some(_)) => Err(ApiError::new(50451)),
        (None, None) => Err(ApiError::new(20001).message("Either Identity or Address is required")),
    }
}

async fn list(scope: Scope, query: Paged<Filters, 50>) -> Result<Listed<View>> {
    let (service, who) = (scope.service, who(query.filters)?);
    let url = format!("{}/ParticipantConversations", scope.root);
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let page = participant_conversation::list(tx, service, &who, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&scope, row),
        )
        .await
}

fn view(scope: &Scope, found: ParticipantConversation) -> View {
    let ParticipantConversation {
        conversation,
        participant,
    } = found;
    let below = format!("{}/Conversations/{}", scope.root, conversation.sid);
    let binding = participant.binding().map(|binding| Binding {
        address: binding.address.map(str::to_owned),
        proxy_address: binding.proxy_address.map(str::to_owned),
        kind: binding.kind,
        level: binding.level.map(str::to_owned),
        name: binding.name.map(str::to_owned),
        projected_address: binding.projected_address.map(str::to_owned),
    });
    View {
        conversation_timers: Timers::of(&conversation),
        account_sid: participant.account,
        chat_service_sid: participant.service,
        conversation_sid: conversation.sid,
        participant_sid: participant.sid,
        conversation_friendly_name: conversation.friendly_name,
        conversation_state: shown_state(conversation.state),
        conversation_attributes: conversation.attributes,
        conversation_date_created: Iso(conversation.created_at),
        conversation_date_updated: Iso(conversation.updated_at),
        conversation_created_by: conversation.created_by,
        conversation_unique_name: conversation.unique_name,
        participant_user_sid: participant.user,
        participant_identity: participant.identity,
        participant_messaging_binding: binding,
        links: OfParticipant {
            participant: format!("{below}/Participants/{}", participant.sid),
            conversation: below,
        },
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    chat_service_sid: ServiceSid,
    conversation_sid: ConversationSid,
    participant_sid: ParticipantSid,
    conversation_friendly_name: Option<String>,
    conversation_state: StateWord,
    conversation_timers: Timers,
    conversation_attributes: String,
    conversation_date_created: Iso,
    conversation_date_updated: Iso,
    conversation_created_by: String,
    conversation_unique_name: Option<String>,
    participant_user_sid: Option<UserSid>,
    participant_identity: Option<String>,
    participant_messaging_binding: Option<Binding>,
    links: OfParticipant,
}

impl InList for View {
    const KEY: &'static str = "conversations";
}

/// Here all of its fields are there, whatever the kind of participant.
#[derive(Serialize, JsonSchema)]
struct Binding {
    address: Option<String>,
    proxy_address: Option<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    level: Option<String>,
    name: Option<String>,
    projected_address: Option<String>,
}
