//! A user's conversations with his own part in them (rest.md §2.8).

use confab_domain::conversation::State;
use confab_domain::user;
use confab_domain::user_conversation::{self, UserConversation};
use confab_types::{AccountSid, ConversationSid, ParticipantSid, ServiceSid, UserSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::both;
use super::conversation::Timers;
use super::participant::horizon;
use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Date, Input, IntOrNull, Word, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Deleted, Found, Iso, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    both(
        routes,
        "/Users/{UserSid}/Conversations",
        [get("ListUserConversation", list)],
    );
    both(
        routes,
        "/Users/{UserSid}/Conversations/{ConversationSid}",
        [
            get("FetchUserConversation", fetch),
            post("UpdateUserConversation", update),
            delete("DeleteUserConversation", remove),
        ],
    );
}

words! {
    /// Whether a user is told of new messages by push.
    LevelWord: "default", "muted"
}

words! {
    /// States that a conversation shows here.
    pub(super) StateWord: "inactive", "active", "closed"
}

/// One that is still being made shows as active here (rest.md §15, row 27).
pub(super) fn shown_state(state: State) -> StateWord {
    StateWord(match state {
        State::Initializing => State::Active.name(),
        state => state.name(),
    })
}

async fn list(scope: Scope, query: Paged<(), 50>) -> Result<Listed<View>> {
    let (service, key) = (scope.service, scope.item("UserSid")?.to_owned());
    let root = scope.root.clone();
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let user = user::fetch(tx, service, &key)?.sid;
                let url = format!("{root}/Users/{user}/Conversations");
                let page = user_conversation::list(tx, user, &paging.window(&url)?)?;
                Ok((url, page))
            },
            |row| view(&scope, row),
        )
        .await
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let (service, key) = (scope.service, scope.item("UserSid")?.to_owned());
    let conversation = scope.item("ConversationSid")?.to_owned();
    let found = scope
        .read(move |tx| {
            let user = user::fetch(tx, service, &key)?;
            user_conversation::fetch(tx, &user, &conversation)
        })
        .await?;
    Ok(reply(&view(&scope, found)))
}

input! {
    /// What a user may change of his part.
    struct Changes {
        notification_level: Word<LevelWord> = "NotificationLevel",
        last_read_at: Date<50405> = "LastReadTimestamp",
        last_read_index: IntOrNull = "LastReadMessageIndex",
    }
}

async fn update(scope: Scope, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = user_conversation::Update {
        service: scope.service,
        user: scope.item("UserSid")?.to_owned(),
        conversation: scope.item("ConversationSid")?.to_owned(),
        notification_level: changes.notification_level,
        horizon: horizon(changes.last_read_index.as_deref())?,
        last_read_at: changes.last_read_at,
    };
    let changed = scope.execute(command).await?;
    Ok(reply(&view(&scope, changed)))
}

async fn remove(scope: Scope) -> Result<Deleted> {
    let command = user_conversation::Delete {
        service: scope.service,
        user: scope.item("UserSid")?.to_owned(),
        conversation: scope.item("ConversationSid")?.to_owned(),
    };
    scope.execute(command).await?;
    Ok(Deleted)
}

fn view(scope: &Scope, found: UserConversation) -> View {
    let UserConversation {
        user,
        conversation,
        participant,
        unread,
    } = found;
    let below = format!("{}/Conversations/{}", scope.root, conversation.sid);
    View {
        timers: Timers::of(&conversation),
        account_sid: conversation.account,
        chat_service_sid: conversation.service,
        conversation_sid: conversation.sid,
        unread_messages_count: unread,
        last_read_message_index: participant.last_read_index,
        participant_sid: participant.sid,
        user_sid: user,
        friendly_name: conversation.friendly_name,
        conversation_state: shown_state(conversation.state),
        attributes: conversation.attributes,
        date_created: Iso(conversation.created_at),
        date_updated: Iso(conversation.updated_at),
        created_by: conversation.created_by,
        notification_level: LevelWord(if participant.notification_level == "muted" {
            "muted"
        } else {
            "default"
        }),
        unique_name: conversation.unique_name,
        url: format!("{}/Users/{user}/Conversations/{}", scope.root, conversation.sid),
        links: OfParticipant {
            participant: format!("{below}/Participants/{}", participant.sid),
            conversation: below,
        },
    }
}

/// The URLs of a participant and its conversation.
#[derive(Serialize, JsonSchema)]
pub(super) struct OfParticipant {
    pub(super) participant: String,
    pub(super) conversation: String,
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    chat_service_sid: ServiceSid,
    conversation_sid: ConversationSid,
    /// Null while nothing was read (B-574).
    unread_messages_count: Option<i64>,
    last_read_message_index: Option<i64>,
    participant_sid: ParticipantSid,
    user_sid: UserSid,
    friendly_name: Option<String>,
    conversation_state: StateWord,
    timers: Timers,
    attributes: String,
    date_created: Iso,
    date_updated: Iso,
    created_by: String,
    notification_level: LevelWord,
    unique_name: Option<String>,
    url: String,
    links: OfParticipant,
}

impl InList for View {
    const KEY: &'static str = "conversations";
}
