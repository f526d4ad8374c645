//! What a webhook is told: names and values, event by event (behaviours §11).

use confab_types::Timestamp;
use serde::Serialize;

use super::occurrence::{Occurrence, Verb};
use crate::conversation::Conversation;
use crate::event::Event;
use crate::media::Attachment;
use crate::message::Message;
use crate::participant::Participant;
use crate::receipt::{Receipt, Status};
use crate::user::User;
use crate::{Actor, Cx, text};

/// Parameters of a call, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    fn put(&mut self, name: &'static str, value: impl ToString) {
        self.0.push((name, value.to_string()));
    }

    /// What has no value is left out (B-429).
    fn put_some(&mut self, name: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    /// B-428.
    fn put_date(&mut self, name: &'static str, at: Timestamp) {
        self.put(name, at.iso_millis());
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// As the body of a form.
    #[must_use]
    pub fn form(&self) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(self.iter());
        form.finish()
    }

    /// The parameters of an event that is this occurrence, or the question whether it may be.
    pub(super) fn of(event: Event, what: &Occurrence<'_>, cx: &Cx<'_>) -> Self {
        let mut to = Self::default();
        to.put("AccountSid", what.account());
        to.put("EventType", event.name());
        if !what.is_of_nobody() {
            to.actor(cx);
        }
        match what {
            Occurrence::Conversation(verb, of) => to.conversation(event, *verb, of, cx),
            Occurrence::State { of, from, cause } => {
                to.put("ChatServiceSid", of.service);
                to.put_date("StateUpdated", of.state_at);
                to.put("StateFrom", from.name());
                to.put("StateTo", of.state.name());
                to.put("ConversationSid", of.sid);
                to.put("Reason", cause.name());
                to.put_some("MessagingServiceSid", of.messaging_service);
            }
            Occurrence::Message(verb, message, at) => to.message(event, *verb, message, at, cx),
            Occurrence::Participant(verb, of, _) => to.participant(event, *verb, of, cx),
            Occurrence::Delivery(receipt, at) => to.delivery(receipt, at),
            Occurrence::User(verb, user) => to.user(event, *verb, user),
        }
        to
    }

    /// Who did it (B-387, B-388).
    fn actor(&mut self, cx: &Cx<'_>) {
        match &cx.actor {
            Actor::Rest => self.put("Source", "API"),
            Actor::Client(client) => {
                self.put("Source", "SDK");
                self.put("ClientIdentity", &client.identity);
            }
            Actor::Carrier => self.put_some("Source", cx.channel.map(|c| c.name().to_ascii_uppercase())),
            Actor::System => {
                if let Some(identity) = &cx.newcomer {
                    self.put("Source", "SDK");
                    self.put("ClientIdentity", identity);
                }
            }
        }
    }

    /// B-441…B-446.
    fn conversation(&mut self, event: Event, verb: Verb, of: &Conversation, cx: &Cx<'_>) {
        // What does not exist yet has neither SID nor dates.
        if event != Event::ConversationAdd {
            self.put("ConversationSid", of.sid);
            self.put_date("DateCreated", of.created_at);
            self.put_date("DateUpdated", of.updated_at);
        }
        self.put_some("FriendlyName", of.friendly_name.as_ref());
        self.put_some("UniqueName", of.unique_name.as_ref());
        self.put("Attributes", &of.attributes);
        self.put("ChatServiceSid", of.service);
        self.put_some("MessagingServiceSid", of.messaging_service);
        self.put("State", of.state.name());
        if verb == Verb::Removed && !event.is_pre() {
            self.put_date("DateRemoved", cx.now);
        }
    }

    /// B-448…B-454.
    fn message(&mut self, event: Event, verb: Verb, message: &Message, at: &Conversation, cx: &Cx<'_>) {
        self.put("ConversationSid", message.conversation);
        if event != Event::MessageAdd {
            self.put("MessageSid", message.sid);
            if event == Event::MessageAdded {
                self.put_some("MessagingServiceSid", at.messaging_service);
            }
            self.put("Index", message.index);
            self.put_date("DateCreated", message.created_at);
        }
        if verb != Verb::Added {
            self.put_date("DateUpdated", message.updated_at);
        }
        self.put_some("Body", message.body.as_ref());
        self.put("Author", &message.author);
        self.put_some("ParticipantSid", message.participant);
        self.put("Attributes", &message.attributes);
        if !message.media.is_empty() {
            self.put("Media", media(&message.media));
        }
        if event == Event::MessageAdded {
            self.put("ChatServiceSid", message.service);
        }
        if event == Event::MessageRemoved {
            self.put_date("DateRemoved", cx.now);
        }
    }

    /// B-455…B-460, B-465.
    fn participant(&mut self, event: Event, verb: Verb, of: &Participant, cx: &Cx<'_>) {
        self.put("ConversationSid", of.conversation);
        if event != Event::ParticipantAdd {
            self.put("ParticipantSid", of.sid);
            self.put_date("DateCreated", of.created_at);
        }
        if verb != Verb::Added {
            self.put_date("DateUpdated", of.updated_at);
        }
        self.put_some("Identity", of.identity.as_ref());
        self.put_some("RoleSid", of.role_sid);
        self.put("Attributes", &of.attributes);
        self.put_some("MessagingBinding.ProxyAddress", of.proxy_address.as_ref());
        self.put_some("MessagingBinding.Address", of.address.as_ref());
        self.put_some("MessagingBinding.ProjectedAddress", of.projected_address.as_ref());
        self.put("MessagingBinding.Type", of.kind().to_ascii_uppercase());
        if event == Event::ParticipantUpdated {
            self.put_some("LastReadMessageIndex", of.last_read_index);
        }
        if event == Event::ParticipantRemoved {
            self.put_date("DateRemoved", cx.now);
        }
    }

    /// B-461.
    fn delivery(&mut self, receipt: &Receipt, at: &Conversation) {
        self.put("ConversationSid", receipt.conversation);
        self.put("ChatServiceSid", at.service);
        self.put("MessageSid", receipt.message);
        self.put("DeliveryReceiptSid", receipt.sid);
        self.put("ChannelMessageSid", &receipt.channel_message);
        self.put("ParticipantSid", receipt.participant);
        self.put_some("Status", receipt.status.map(Status::name));
        self.put_some(
            "ErrorCode",
            (receipt.error_code != 0).then_some(receipt.error_code),
        );
        self.put_date("DateCreated", receipt.created_at);
        self.put_date("DateUpdated", receipt.updated_at);
    }

    /// B-462…B-464.
    fn user(&mut self, event: Event, verb: Verb, user: &User) {
        self.put("ChatServiceSid", user.service);
        self.put("UserSid", user.sid);
        if event != Event::UserUpdate {
            self.put_date("DateCreated", user.created_at);
        }
        if verb == Verb::Updated {
            self.put_date("DateUpdated", user.updated_at);
        }
        self.put("Identity", &user.identity);
        self.put("RoleSid", user.role_sid);
        self.put("Attributes", &user.attributes);
        self.put_some("FriendlyName", user.friendly_name.as_ref());
        if event == Event::UserUpdated {
            // The original writes these two with a small letter.
            let shown = user.reachability;
            self.put_some("isOnline", shown.and_then(|r| r.online));
            self.put_some("isNotifiable", shown.and_then(|r| r.notifiable));
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Medium<'a> {
    sid: String,
    filename: Option<&'a str>,
    content_type: &'a str,
    size: i64,
}

/// B-431.
fn media(attachments: &[Attachment]) -> String {
    let media: Vec<Medium<'_>> = attachments
        .iter()
        .map(|a| Medium {
            sid: a.sid.to_string(),
            filename: a.filename.as_deref(),
            content_type: &a.content_type,
            size: a.size,
        })
        .collect();
    text::to_json(&media)
}
