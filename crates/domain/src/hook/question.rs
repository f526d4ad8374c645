//! Webhooks that are asked before something happens (B-396…B-407).

use confab_types::{AccountSid, ServiceSid};
use serde::Deserialize;
use serde_json::Value;

use super::parameters::Parameters;
use crate::endpoint::Method;
use crate::event::Event;

/// What a command asks before it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Nothing: no event tells of it beforehand.
    Nothing,
    /// The listener to a service about an event.
    About(ServiceSid, Event),
    /// That is known only after a look at rows: see [`crate::Command::look`].
    Look,
}

/// A question to a webhook.
#[derive(Clone, Debug)]
pub struct Question {
    /// The account, whose auth token signs.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// What about.
    pub event: Event,
    /// Who is asked.
    pub url: String,
    /// How.
    pub method: Method,
    /// What would happen.
    pub parameters: Parameters,
}

/// What a webhook answers, as far as it counts (B-397…B-401). Everything else is passed over; so is what is not the
/// event's to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// It must not happen (B-403).
    pub refused: bool,
    /// Instead of the name of a conversation.
    pub friendly_name: Option<String>,
    /// Instead of the text of a message.
    pub body: Option<String>,
    /// Instead of the author of a message.
    pub author: Option<String>,
    /// Instead of the attributes of a message.
    pub attributes: Option<String>,
}

impl Answer {
    /// Reads the body of an answer; one that is no JSON object changes nothing.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Fields {
            friendly_name: Value,
            body: Value,
            author: Value,
            attributes: Value,
        }
        let fields: Fields = serde_json::from_slice(body).unwrap_or_default();
        let text = |value: Value| match value {
            Value::String(text) => Some(text),
            _ => None,
        };
        Self {
            refused: false,
            friendly_name: text(fields.friendly_name),
            body: text(fields.body),
            author: text(fields.author),
            attributes: match fields.attributes {
                Value::Null => None,
                Value::String(text) => Some(text),
                // Attributes are JSON text; the value itself means the same.
                value => Some(value.to_string()),
            },
        }
    }
}

/// What a rehearsed command would have asked.
#[derive(Debug, Default)]
pub struct Rehearsal {
    pub(super) questions: Vec<(Event, Parameters)>,
}

impl Rehearsal {
    /// What there is to say about an event; nothing when it did not come to it.
    #[must_use]
    pub fn about(self, event: Event) -> Option<Parameters> {
        let mut questions = self.questions.into_iter();
        questions.find(|(asked, _)| *asked == event).map(|(_, p)| p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_change_four_fields_b398_b401() {
        let answer = Answer::read(
            br#"{"body":"b","author":"a","attributes":"{\"x\":1}","friendly_name":"f","sid":"s"}"#,
        );
        assert_eq!(answer.body.as_deref(), Some("b"));
        assert_eq!(answer.author.as_deref(), Some("a"));
        assert_eq!(answer.attributes.as_deref(), Some(r#"{"x":1}"#));
        assert_eq!(answer.friendly_name.as_deref(), Some("f"));
        assert_eq!(
            Answer::read(br#"{"attributes":{"x":1}}"#).attributes.as_deref(),
            Some(r#"{"x":1}"#)
        );
    }

    #[test]
    fn an_answer_that_says_nothing_changes_nothing_b397() {
        for body in [
            "",
            "{}",
            "[]",
            "OK",
            "{\"body\":null}",
            "{\"body\":7}",
            "\"x\"",
            "{\"body\"",
        ] {
            assert_eq!(Answer::read(body.as_bytes()), Answer::default(), "{body}");
        }
    }
}
