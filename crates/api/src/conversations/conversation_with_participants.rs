//! Conversations made with their first participants (rest.md §2.5).

use axum::response::{IntoResponse, Response};
use confab_domain::conversation::{CreateWithParticipants, Fields, State};
use confab_types::MessagingServiceSid;

use super::both;
use super::conversation::{Below, StateWord, View, view};
use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Date, Input, List, SidText, Text, WebhookEnabled, Word, input};
use crate::kit::openapi::{Components, Describe, Operation};
use crate::kit::render::{Created, Reply, reply};
use crate::kit::routes::{Routes, post};

pub(super) fn routes(routes: &mut Routes) {
    both(
        routes,
        "/ConversationWithParticipants",
        [post("CreateConversationWithParticipants", create)],
    );
}

input! {
    /// Values of the conversation, and each participant as a JSON object.
    struct New {
        friendly_name: Text = "FriendlyName",
        unique_name: Text = "UniqueName",
        created_at: Date<50308> = "DateCreated",
        updated_at: Date<50309> = "DateUpdated",
        messaging_service: SidText<MessagingServiceSid> = "MessagingServiceSid",
        attributes: Text = "Attributes",
        state: Word<StateWord> = "State",
        timer_inactive: Text = "Timers.Inactive",
        timer_closed: Text = "Timers.Closed",
        email_address: Text = "Bindings.Email.Address",
        email_name: Text = "Bindings.Email.Name",
        participants: List = "Participant",
    }
}

async fn create(scope: Scope, _: WebhookEnabled, Input(new): Input<New>) -> Result<Made> {
    let command = CreateWithParticipants {
        account: scope.account(),
        service: scope.service,
        fields: Fields {
            friendly_name: new.friendly_name,
            unique_name: new.unique_name,
            attributes: new.attributes,
            messaging_service: new.messaging_service,
            state: new.state,
            timer_inactive: new.timer_inactive,
            timer_closed: new.timer_closed,
            email_address: new.email_address,
            email_name: new.email_name,
            created_at: new.created_at,
            updated_at: new.updated_at,
        },
        participants: new.participants.unwrap_or_default(),
    };
    let made = scope.execute(command).await?;
    let ready = made.state != State::Initializing;
    let view = view(&scope, made, LINKS);
    Ok(if ready {
        Made::Ready(reply(&view))
    } else {
        Made::OnTheWay(reply(&view))
    })
}

const LINKS: Below = &[
    ("participants", "/Participants"),
    ("messages", "/Messages"),
    ("webhooks", "/Webhooks"),
];

/// 201, or 202 while the participants are on their way (B-136, B-137).
enum Made {
    Ready(Created<View>),
    OnTheWay(Reply<202, View>),
}

impl IntoResponse for Made {
    fn into_response(self) -> Response {
        match self {
            Self::Ready(reply) => reply.into_response(),
            Self::OnTheWay(reply) => reply.into_response(),
        }
    }
}

impl Describe for Made {
    fn describe(operation: &mut Operation, components: &mut Components) {
        Created::<View>::describe(operation, components);
        Reply::<202, View>::describe(operation, components);
    }
}
