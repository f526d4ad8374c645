//! What each event tells, by name and value, whoever brought it about (B-428…B-432, B-441…B-468): compared with what
//! REST shows.

mod conversations;
mod messages;
mod people;

use std::collections::BTreeMap;

use confab_testkit::{Call, Socket};
use serde_json::{Value, json};

use super::World;

/// Every event there is (B-467).
pub(super) const ALL: [&str; 23] = [
    "onConversationAdd",
    "onConversationAdded",
    "onConversationUpdate",
    "onConversationUpdated",
    "onConversationRemove",
    "onConversationRemoved",
    "onConversationStateUpdated",
    "onMessageAdd",
    "onMessageAdded",
    "onMessageUpdate",
    "onMessageUpdated",
    "onMessageRemove",
    "onMessageRemoved",
    "onParticipantAdd",
    "onParticipantAdded",
    "onParticipantUpdate",
    "onParticipantUpdated",
    "onParticipantRemove",
    "onParticipantRemoved",
    "onDeliveryUpdated",
    "onUserAdded",
    "onUserUpdate",
    "onUserUpdated",
];

/// Who did it (B-387…B-389).
#[derive(Clone, Copy, Debug)]
enum By {
    Rest,
    Sdk(&'static str),
    Channel(&'static str),
    Nobody,
}

/// A value that a call must have.
#[derive(Debug)]
enum Told {
    Text(String),
    /// With milliseconds (B-428), and to the second what REST shows.
    Date(String),
    AnyDate,
    Json(Value),
}

/// All that a call must have, and nothing else.
#[derive(Debug, Default)]
struct Expected(BTreeMap<&'static str, Told>);

impl Expected {
    /// What every call has (B-387, B-390).
    fn new(world: &World, event: &str, by: By) -> Self {
        let expected = Self::default()
            .text("AccountSid", &json!(world.server.account_sid))
            .text("EventType", &json!(event))
            .text("RetryCount", &json!("0"));
        match by {
            By::Rest => expected.text("Source", &json!("API")),
            By::Sdk(identity) => expected
                .text("Source", &json!("SDK"))
                .text("ClientIdentity", &json!(identity)),
            By::Channel(name) => expected.text("Source", &json!(name)),
            By::Nobody => expected,
        }
    }

    fn put(mut self, name: &'static str, told: Told) -> Self {
        self.0.insert(name, told);
        self
    }

    /// What REST shows; left out where that is null (B-429).
    fn text(self, name: &'static str, shown: &Value) -> Self {
        match shown {
            Value::Null => self,
            Value::String(text) => self.put(name, Told::Text(text.clone())),
            other => self.put(name, Told::Text(other.to_string())),
        }
    }

    fn texts(self, names: &[(&'static str, &str)], shown: &Value) -> Self {
        names.iter().fold(self, |expected, (name, field)| {
            expected.text(name, &shown[*field])
        })
    }

    fn date(self, name: &'static str, shown: &Value) -> Self {
        self.put(name, Told::Date(shown.as_str().expect("a date").to_owned()))
    }

    fn dates(self, shown: &Value) -> Self {
        self.date("DateCreated", &shown["date_created"])
            .date("DateUpdated", &shown["date_updated"])
    }

    fn any_date(self, name: &'static str) -> Self {
        self.put(name, Told::AnyDate)
    }

    fn check(&self, call: &Call) {
        let names: Vec<&str> = self.0.keys().copied().collect();
        assert_eq!(names, call.names(), "{:?}", call.parameters);
        for (name, told) in &self.0 {
            let value = call.text(name);
            match told {
                Told::Text(text) => assert_eq!(value, text, "{name} of {}", call.event()),
                Told::Json(json) => {
                    let value: Value = serde_json::from_str(value).expect("JSON");
                    assert_eq!(value, *json, "{name}");
                }
                Told::Date(shown) => {
                    let (told, rest) = (date(value), shown.trim_end_matches('Z'));
                    assert_eq!(told, &rest[..19], "{name} of {}", call.event());
                }
                Told::AnyDate => {
                    date(value);
                }
            }
        }
    }
}

/// A date with milliseconds (B-428), to the second.
fn date(text: &str) -> &str {
    let (seconds, millis) = text.split_once('.').expect("milliseconds");
    assert_eq!(seconds.len(), 19, "{text}");
    assert!(millis.len() == 4 && millis.ends_with('Z'), "{text}");
    seconds
}

impl World {
    /// The next calls, in the order that is asked for: those of different orders (a user, a conversation) come as they
    /// like.
    async fn calls<const N: usize>(&mut self, events: [&str; N]) -> [Call; N] {
        let mut came = Vec::new();
        for _ in events {
            came.push(self.sink.next().await);
        }
        events.map(|event| {
            let at = came.iter().position(|call| call.event() == event);
            came.remove(at.unwrap_or_else(|| panic!("no {event} in {came:?}")))
        })
    }

    /// What REST shows.
    pub(super) async fn shown(&self, path: &str) -> Value {
        self.server.get(path).await.expect(200).json
    }
}

/// A request of an SDK user below his service.
async fn sdk(world: &World, socket: &mut Socket, method: &str, path: &str, body: Value) -> Value {
    let path = format!("/Client/v2/Services/{}{path}", world.server.service_sid);
    let body = (method != "DELETE").then_some(body);
    let (status, answer) = socket.request(method, &path, &[], body.as_ref()).await;
    assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
    answer
}

/// The client of a user who was not there before.
async fn newcomer(world: &mut World, identity: &'static str) -> Socket {
    let socket = world.server.client(identity).await;
    world.calls(["onUserAdded"]).await;
    socket
}
