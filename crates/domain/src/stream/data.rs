//! What events tell (B-814…B-817): each field once, with what it holds and how a schema describes it.

use confab_types::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::catalogue::Field;
use super::catalogue::Presence::{Always, Maybe};
use super::catalogue::Shape::{Date, Integer, List, Object, Sid, Text};
use crate::conversation::{Conversation, State};
use crate::media::Attachment;
use crate::message::Message;
use crate::participant::Participant;
use crate::user::User;

/// Declares fields: name, shape, whether it always has a value, the version since which schemas tell of it, and its
/// value. Makes the table and the function that writes the values.
macro_rules! fields {
    ($(#[$meta:meta])* $table:ident, $write:ident($of:tt: $source:ty) {
        $($name:literal: $shape:expr, $presence:ident, $since:literal => $value:expr;)*
    }) => {
        $(#[$meta])*
        pub(super) const $table: &[Field] = &[$(Field {
            name: $name,
            shape: $shape,
            presence: $presence,
            since: $since,
        }),*];

        fn $write($of: $source, into: &mut Map<String, Value>) {
            $(into.insert($name.into(), of($value));)*
        }
    };
}

/// A value of a field. Those are SIDs, texts, numbers and other values of JSON, which all can be written.
fn of(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn written<T>(write: impl Fn(T, &mut Map<String, Value>), source: T) -> Value {
    let mut into = Map::new();
    write(source, &mut into);
    Value::Object(into)
}

fields! {
    /// What every change adds.
    UPDATED, write_updated(at: Timestamp) {
        "DateUpdated": Date, Always, 1 => at.iso_millis();
    }
}

fields! {
    /// What a removal adds to that.
    REMOVED, write_removed(at: Timestamp) {
        "DateRemoved": Date, Always, 1 => at.iso_millis();
    }
}

fields! {
    /// A medium of a message.
    MEDIA, write_media(medium: &Attachment) {
        "MediaSid": Sid("ME"), Always, 1 => medium.sid;
        "Filename": Text, Maybe, 1 => &medium.filename;
        "ContentType": Text, Always, 1 => &medium.content_type;
        "Size": Integer, Always, 1 => medium.size;
    }
}

fields! {
    /// A message of a conversation (B-814).
    MESSAGE, write_message((at, message): (&Conversation, &Message)) {
        "AccountSid": Sid("AC"), Always, 1 => at.account;
        "ConversationSid": Sid("CH"), Always, 1 => at.sid;
        "MessageSid": Sid("IM"), Always, 1 => message.sid;
        "Index": Integer, Always, 1 => message.index;
        "Author": Text, Always, 1 => &message.author;
        "ParticipantSid": Sid("MB"), Maybe, 1 => message.participant;
        "MessageBody": Text, Maybe, 1 => &message.body;
        "MessageSubject": Text, Maybe, 1 => &message.subject;
        "DateCreated": Date, Always, 1 => message.created_at.iso_millis();
        "MessagingServiceSid": Sid("MG"), Maybe, 2 => at.messaging_service;
        "ContentSid": Sid("HX"), Maybe, 2 => message.content;
        "Media": List(MEDIA), Maybe, 2 => media(&message.media);
    }
}

/// None rather than an empty list, as REST has it.
fn media(media: &[Attachment]) -> Option<Vec<Value>> {
    let all = || media.iter().map(|medium| written(write_media, medium)).collect();
    (!media.is_empty()).then(all)
}

/// The message that made a conversation, and between whom it was. Of a conversation that was made otherwise there is
/// none.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Its text.
    pub body: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// The account's number.
    pub proxy_address: Option<String>,
    /// The account's number for somebody of a group text.
    pub projected_address: Option<String>,
    /// Who wrote in a group text.
    pub author_address: Option<String>,
    /// Who wrote.
    pub address: Option<String>,
    /// What the writer calls himself on his channel.
    pub author_friendly_name: Option<String>,
}

fields! {
    /// Between whom the first message of a conversation was.
    ORIGIN, write_origin(first: &Origin) {
        "ProxyAddress": Text, Maybe, 1 => &first.proxy_address;
        "ProjectedAddress": Text, Maybe, 1 => &first.projected_address;
        "AuthorAddress": Text, Maybe, 1 => &first.author_address;
        "Address": Text, Maybe, 1 => &first.address;
    }
}

fields! {
    /// How a conversation sends e-mail.
    EMAIL, write_email(at: &Conversation) {
        "ProjectedAddress": Text, Maybe, 1 => &at.email_address;
        "Name": Text, Maybe, 1 => &at.email_name;
    }
}

fields! {
    /// What a conversation sends by.
    BINDINGS, write_bindings(at: &Conversation) {
        "Email": Object(EMAIL), Maybe, 1 => email(at);
    }
}

fn email(at: &Conversation) -> Option<Value> {
    (at.email_address.is_some() || at.email_name.is_some()).then(|| written(write_email, at))
}

fields! {
    /// A conversation (B-815).
    CONVERSATION, write_conversation((at, first): (&Conversation, Option<&Origin>)) {
        "AccountSid": Sid("AC"), Always, 1 => at.account;
        "ConversationSid": Sid("CH"), Always, 1 => at.sid;
        "FriendlyName": Text, Maybe, 1 => &at.friendly_name;
        "UniqueName": Text, Maybe, 1 => &at.unique_name;
        "State": Text, Always, 1 => at.state.name();
        "DateCreated": Date, Always, 1 => at.created_at.iso_millis();
        "MessagingServiceSid": Sid("MG"), Maybe, 2 => at.messaging_service;
        "MessageBody": Text, Maybe, 2 => first.map(|first| &first.body);
        "MessageSubject": Text, Maybe, 2 => first.map(|first| &first.subject);
        "MessagingBinding": Object(ORIGIN), Maybe, 2 => first.map(|first| written(write_origin, first));
        "Bindings": Object(BINDINGS), Maybe, 2 => email(at).map(|_| written(write_bindings, at));
        "AuthorFriendlyName": Text, Maybe, 2 => first.map(|first| &first.author_friendly_name);
    }
}

fields! {
    /// A change of a conversation's state (B-817).
    STATE, write_state((at, from, reason): (&Conversation, State, &str)) {
        "AccountSid": Sid("AC"), Always, 1 => at.account;
        "ConversationSid": Sid("CH"), Always, 1 => at.sid;
        "StateUpdated": Date, Always, 1 => at.state_at.iso_millis();
        "StateFrom": Text, Always, 1 => from.name();
        "StateTo": Text, Always, 1 => at.state.name();
        "Reason": Text, Always, 1 => reason;
        "MessagingServiceSid": Sid("MG"), Maybe, 2 => at.messaging_service;
    }
}

fields! {
    /// By what a participant is reached.
    BINDING, write_binding(member: &Participant) {
        "ProxyAddress": Text, Maybe, 1 => &member.proxy_address;
        "ProjectedAddress": Text, Maybe, 1 => &member.projected_address;
        "Address": Text, Maybe, 1 => &member.address;
        "Type": Text, Always, 1 => member.kind().to_ascii_uppercase();
        "Level": Text, Maybe, 1 => &member.binding_level;
        "Name": Text, Maybe, 1 => &member.binding_name;
    }
}

fields! {
    /// A participant of a conversation (B-816).
    PARTICIPANT, write_participant(member: &Participant) {
        "AccountSid": Sid("AC"), Always, 1 => member.account;
        "ConversationSid": Sid("CH"), Always, 1 => member.conversation;
        "ParticipantSid": Sid("MB"), Always, 1 => member.sid;
        "Identity": Text, Maybe, 1 => &member.identity;
        "RoleSid": Sid("RL"), Maybe, 1 => member.role_sid;
        "DateCreated": Date, Always, 1 => member.created_at.iso_millis();
        "MessagingBinding": Object(BINDING), Always, 2 => written(write_binding, member);
    }
}

fields! {
    /// A user (B-817).
    USER, write_user(user: &User) {
        "AccountSid": Sid("AC"), Always, 1 => user.account;
        "UserSid": Sid("US"), Always, 1 => user.sid;
        "Identity": Text, Always, 1 => &user.identity;
        "FriendlyName": Text, Maybe, 1 => &user.friendly_name;
        "RoleSid": Sid("RL"), Always, 1 => user.role_sid;
        "DateCreated": Date, Always, 1 => user.created_at.iso_millis();
    }
}

fields! {
    /// A test of a sink.
    TEST, write_test(test_id: &str) {
        "test_id": Text, Always, 1 => test_id;
    }
}

/// Data of `message.added`. The message does not repeat what its conversation says.
#[must_use]
pub fn message_added(at: &Conversation, message: &Message) -> Value {
    written(write_message, (at, message))
}

/// Data of `message.updated`.
#[must_use]
pub fn message_updated(at: &Conversation, message: &Message) -> Value {
    changed(message_added(at, message), message.updated_at, None)
}

/// Data of `message.removed`.
#[must_use]
pub fn message_removed(at: &Conversation, message: &Message, removed_at: Timestamp) -> Value {
    changed(message_added(at, message), message.updated_at, Some(removed_at))
}

/// Data of `conversation.added`, with the message that made it, if one did.
#[must_use]
pub fn conversation_added(at: &Conversation, first: Option<&Origin>) -> Value {
    written(write_conversation, (at, first))
}

/// Data of `conversation.updated`.
#[must_use]
pub fn conversation_updated(at: &Conversation) -> Value {
    changed(conversation_added(at, None), at.updated_at, None)
}

/// Data of `conversation.removed`.
#[must_use]
pub fn conversation_removed(at: &Conversation, removed_at: Timestamp) -> Value {
    changed(conversation_added(at, None), at.updated_at, Some(removed_at))
}

/// Data of `conversation-state.updated`: of a conversation in its new state, with the former one and `API`, `TIMER` or
/// `EVENT`.
#[must_use]
pub fn conversation_state_updated(at: &Conversation, from: State, reason: &str) -> Value {
    written(write_state, (at, from, reason))
}

/// Data of `participant.added`.
#[must_use]
pub fn participant_added(member: &Participant) -> Value {
    written(write_participant, member)
}

/// Data of `participant.updated`.
#[must_use]
pub fn participant_updated(member: &Participant) -> Value {
    changed(participant_added(member), member.updated_at, None)
}

/// Data of `participant.removed`.
#[must_use]
pub fn participant_removed(member: &Participant, removed_at: Timestamp) -> Value {
    changed(participant_added(member), member.updated_at, Some(removed_at))
}

/// Data of `user.added`.
#[must_use]
pub fn user_added(user: &User) -> Value {
    written(write_user, user)
}

/// Data of `user.updated`.
#[must_use]
pub fn user_updated(user: &User) -> Value {
    changed(user_added(user), user.updated_at, None)
}

/// Data of the event by which a sink is tested.
#[must_use]
pub fn test(test_id: &str) -> Value {
    written(write_test, test_id)
}

fn changed(mut data: Value, updated_at: Timestamp, removed_at: Option<Timestamp>) -> Value {
    if let Value::Object(into) = &mut data {
        write_updated(updated_at, into);
        if let Some(at) = removed_at {
            write_removed(at, into);
        }
    }
    data
}
