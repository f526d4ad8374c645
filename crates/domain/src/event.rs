//! What webhooks are called for (behaviours §10, §11), and the lists of names that they filter by.

use confab_types::ApiError;
use serde::{Deserialize, Serialize};

use crate::Result;

macro_rules! events {
    ($($variant:ident = $name:literal, $moment:ident),* $(,)?) => {
        /// Something that happens in a service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "the names are the API's own words")]
        pub enum Event { $(#[serde(rename = $name)] $variant),* }

        impl Event {
            /// All events.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word of the API.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Whether a webhook hears of it before it happens, and may refuse it.
            #[must_use]
            pub fn is_pre(self) -> bool {
                match self { $(Self::$variant => Moment::$moment.is_pre()),* }
            }
        }
    };
}

enum Moment {
    Before,
    After,
}

impl Moment {
    fn is_pre(&self) -> bool {
        matches!(self, Self::Before)
    }
}

events! {
    ConversationAdd = "onConversationAdd", Before,
    ConversationAdded = "onConversationAdded", After,
    ConversationUpdate = "onConversationUpdate", Before,
    ConversationUpdated = "onConversationUpdated", After,
    ConversationRemove = "onConversationRemove", Before,
    ConversationRemoved = "onConversationRemoved", After,
    ConversationStateUpdated = "onConversationStateUpdated", After,
    MessageAdd = "onMessageAdd", Before,
    MessageAdded = "onMessageAdded", After,
    MessageUpdate = "onMessageUpdate", Before,
    MessageUpdated = "onMessageUpdated", After,
    MessageRemove = "onMessageRemove", Before,
    MessageRemoved = "onMessageRemoved", After,
    ParticipantAdd = "onParticipantAdd", Before,
    ParticipantAdded = "onParticipantAdded", After,
    ParticipantUpdate = "onParticipantUpdate", Before,
    ParticipantUpdated = "onParticipantUpdated", After,
    ParticipantRemove = "onParticipantRemove", Before,
    ParticipantRemoved = "onParticipantRemoved", After,
    DeliveryUpdated = "onDeliveryUpdated", After,
    UserAdded = "onUserAdded", After,
    UserUpdate = "onUserUpdate", Before,
    UserUpdated = "onUserUpdated", After,
}

/// Whose filters a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// An account or a service: all names (B-467).
    Account,
    /// A conversation: what has happened, never what is about to (B-420, B-467).
    Conversation,
    /// The webhook that an address gives to its new conversations (B-314).
    Address,
}

impl Scope {
    fn has(self, event: Event) -> bool {
        match self {
            Self::Account => true,
            Self::Conversation => !event.is_pre(),
            Self::Address => !event.is_pre() && !matches!(event, Event::UserAdded | Event::UserUpdated),
        }
    }
}

/// Reads a list of filter names; each counts once, in the order of the caller.
///
/// # Errors
/// 400/50365 for a name that the scope does not have (B-067, B-314), also for those of the past (B-468).
pub(crate) fn filters(scope: Scope, names: &[String]) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    for name in names {
        let event = Event::ALL
            .iter()
            .copied()
            .find(|event| event.name() == name && scope.has(*event))
            .ok_or_else(|| ApiError::new(50365))?;
        if !events.contains(&event) {
            events.push(event);
        }
    }
    Ok(events)
}
