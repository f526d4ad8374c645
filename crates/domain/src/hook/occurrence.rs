//! Something that happened, with the rows that tell of it.

use confab_types::{AccountSid, ConversationSid, ServiceSid};

use crate::conversation::{Conversation, State};
use crate::event::Event;
use crate::message::Message;
use crate::participant::Participant;
use crate::receipt::Receipt;
use crate::user::User;

/// What was done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Added,
    Updated,
    Removed,
}

/// What changed a conversation's state (B-115).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A caller asked for it.
    Api,
    /// A timer ran off.
    Timer,
    /// Something else that happened: a message, or that all participants are in.
    Event,
}

impl Cause {
    /// The word of the API.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::Timer => "TIMER",
            Self::Event => "EVENT",
        }
    }
}

/// Something that happened. Rows are as they are after it; of what was removed, as they were.
pub(crate) enum Occurrence<'a> {
    Conversation(Verb, &'a Conversation),
    State {
        of: &'a Conversation,
        from: State,
        cause: Cause,
    },
    Message(Verb, &'a Message, &'a Conversation),
    Participant(Verb, &'a Participant, &'a Conversation),
    Delivery(&'a Receipt, &'a Conversation),
    User(Verb, &'a User),
}

impl Occurrence<'_> {
    /// What those are told who hear of it afterwards; none for what has no event.
    pub(super) fn event(&self) -> Option<Event> {
        Some(match self {
            Self::Conversation(Verb::Added, _) => Event::ConversationAdded,
            Self::Conversation(Verb::Updated, _) => Event::ConversationUpdated,
            Self::Conversation(Verb::Removed, _) => Event::ConversationRemoved,
            Self::State { .. } => Event::ConversationStateUpdated,
            Self::Message(Verb::Added, ..) => Event::MessageAdded,
            Self::Message(Verb::Updated, ..) => Event::MessageUpdated,
            Self::Message(Verb::Removed, ..) => Event::MessageRemoved,
            Self::Participant(Verb::Added, ..) => Event::ParticipantAdded,
            Self::Participant(Verb::Updated, ..) => Event::ParticipantUpdated,
            Self::Participant(Verb::Removed, ..) => Event::ParticipantRemoved,
            Self::Delivery(..) => Event::DeliveryUpdated,
            Self::User(Verb::Added, _) => Event::UserAdded,
            Self::User(Verb::Updated, _) => Event::UserUpdated,
            Self::User(Verb::Removed, _) => return None, // B-426
        })
    }

    /// What those are told who are asked before it (B-421, B-422).
    pub(super) fn question(&self) -> Option<Event> {
        Some(match self {
            Self::Conversation(Verb::Added, _) => Event::ConversationAdd,
            Self::Conversation(Verb::Updated, _) => Event::ConversationUpdate,
            Self::Conversation(Verb::Removed, _) => Event::ConversationRemove,
            Self::Message(Verb::Added, ..) => Event::MessageAdd,
            Self::Message(Verb::Updated, ..) => Event::MessageUpdate,
            Self::Message(Verb::Removed, ..) => Event::MessageRemove,
            Self::Participant(Verb::Added, ..) => Event::ParticipantAdd,
            Self::Participant(Verb::Updated, ..) => Event::ParticipantUpdate,
            Self::Participant(Verb::Removed, ..) => Event::ParticipantRemove,
            Self::User(Verb::Updated, _) => Event::UserUpdate,
            Self::State { .. } | Self::Delivery(..) | Self::User(..) => return None,
        })
    }

    /// Whether it is told also where a caller of REST did not ask for webhooks (B-363, B-384): nobody may have called.
    pub(super) fn is_always_told(&self) -> bool {
        match self {
            Self::State { cause, .. } => *cause != Cause::Api,
            Self::Delivery(..) => true,
            _ => false,
        }
    }

    /// Whether it has no actor whom the call could name (B-389).
    pub(super) fn is_of_nobody(&self) -> bool {
        matches!(
            self,
            Self::Delivery(..)
                | Self::State {
                    cause: Cause::Timer,
                    ..
                }
        )
    }

    /// The conversation in which it happened.
    pub(super) fn conversation(&self) -> Option<&Conversation> {
        match self {
            Self::Conversation(_, of)
            | Self::State { of, .. }
            | Self::Message(_, _, of)
            | Self::Participant(_, _, of)
            | Self::Delivery(_, of) => Some(of),
            Self::User(..) => None,
        }
    }

    pub(super) fn conversation_sid(&self) -> Option<ConversationSid> {
        self.conversation().map(|c| c.sid)
    }

    pub(super) fn account(&self) -> AccountSid {
        match self {
            Self::User(_, user) => user.account,
            Self::Conversation(_, of)
            | Self::State { of, .. }
            | Self::Message(_, _, of)
            | Self::Participant(_, _, of)
            | Self::Delivery(_, of) => of.account,
        }
    }

    pub(super) fn service(&self) -> ServiceSid {
        match self {
            Self::User(_, user) => user.service,
            Self::Conversation(_, of)
            | Self::State { of, .. }
            | Self::Message(_, _, of)
            | Self::Participant(_, _, of)
            | Self::Delivery(_, of) => of.service,
        }
    }

    /// The path of what it happened to.
    pub(super) fn path(&self) -> String {
        match self {
            Self::User(_, user) => format!("/v1/Services/{}/Users/{}", user.service, user.sid),
            Self::Conversation(_, of) | Self::State { of, .. } => {
                format!("/v1/Services/{}/Conversations/{}", of.service, of.sid)
            }
            Self::Message(_, message, of) => {
                format!(
                    "/v1/Services/{}/Conversations/{}/Messages/{}",
                    of.service, of.sid, message.sid
                )
            }
            Self::Participant(_, who, of) => {
                format!(
                    "/v1/Services/{}/Conversations/{}/Participants/{}",
                    of.service, of.sid, who.sid
                )
            }
            Self::Delivery(receipt, of) => format!(
                "/v1/Services/{}/Conversations/{}/Messages/{}/Receipts/{}",
                of.service, of.sid, receipt.message, receipt.sid
            ),
        }
    }

    /// What happens one after another for its listeners: all of a conversation (B-409), or of a user.
    pub(super) fn order(&self) -> String {
        match self {
            Self::User(_, user) => user.sid.to_string(),
            Self::Conversation(_, of)
            | Self::State { of, .. }
            | Self::Message(_, _, of)
            | Self::Participant(_, _, of)
            | Self::Delivery(_, of) => of.sid.to_string(),
        }
    }
}
