//! The types of events, and the JSON schemas of their data.

use confab_types::{StreamEventSid, Timestamp};
use serde_json::{Map, Value, json};

use super::data;

/// A field of an event's data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) presence: Presence,
    /// The version of the schema that first tells of it.
    pub(super) since: i64,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Text,
    Integer,
    Date,
    /// A SID with this prefix.
    Sid(&'static str),
    Object(&'static [Field]),
    List(&'static [Field]),
}

/// Whether a field always has a value, or may be null. All are always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Always,
    Maybe,
}

macro_rules! types {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $schema:literal, $fields:expr, $says:literal;)*) => {
        /// What an event tells of (B-811), and the event by which a sink is tested.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType { $($(#[$meta])* $variant),* }

        impl EventType {
            const EACH: &'static [Self] = &[$(Self::$variant),*];

            /// The word of the API.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Name of the schema of its data.
            #[must_use]
            pub fn schema_id(self) -> &'static str {
                match self { $(Self::$variant => $schema),* }
            }

            /// What it tells of, in words.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $says),* }
            }

            /// The fields of its data, in parts.
            fn fields(self) -> &'static [&'static [Field]] {
                match self { $(Self::$variant => &$fields),* }
            }
        }
    };
}

// By their names, as they are listed.
types! {
    /// A state of a conversation changed.
    ConversationStateUpdated = "com.twilio.conversations.conversation-state.updated",
        "Conversations.ConversationStateUpdated", [data::STATE], "The state of a conversation changed";
    /// A conversation was made.
    ConversationAdded = "com.twilio.conversations.conversation.added",
        "Conversations.ConversationAdded", [data::CONVERSATION], "A conversation was made";
    /// A conversation is gone.
    ConversationRemoved = "com.twilio.conversations.conversation.removed",
        "Conversations.ConversationRemoved", [data::CONVERSATION, data::UPDATED, data::REMOVED],
        "A conversation was removed";
    /// A conversation changed.
    ConversationUpdated = "com.twilio.conversations.conversation.updated",
        "Conversations.ConversationUpdated", [data::CONVERSATION, data::UPDATED], "A conversation was changed";
    /// A message was posted.
    MessageAdded = "com.twilio.conversations.message.added",
        "Conversations.MessageAdded", [data::MESSAGE], "A message was posted in a conversation";
    /// A message is gone.
    MessageRemoved = "com.twilio.conversations.message.removed",
        "Conversations.MessageRemoved", [data::MESSAGE, data::UPDATED, data::REMOVED], "A message was removed";
    /// A message changed.
    MessageUpdated = "com.twilio.conversations.message.updated",
        "Conversations.MessageUpdated", [data::MESSAGE, data::UPDATED], "A message was changed";
    /// Somebody came into a conversation.
    ParticipantAdded = "com.twilio.conversations.participant.added",
        "Conversations.ParticipantAdded", [data::PARTICIPANT], "A participant came into a conversation";
    /// Somebody left a conversation.
    ParticipantRemoved = "com.twilio.conversations.participant.removed",
        "Conversations.ParticipantRemoved", [data::PARTICIPANT, data::UPDATED, data::REMOVED],
        "A participant left a conversation";
    /// A participant changed.
    ParticipantUpdated = "com.twilio.conversations.participant.updated",
        "Conversations.ParticipantUpdated", [data::PARTICIPANT, data::UPDATED], "A participant was changed";
    /// A user was made.
    UserAdded = "com.twilio.conversations.user.added",
        "Conversations.UserAdded", [data::USER], "A user was made";
    /// A user changed.
    UserUpdated = "com.twilio.conversations.user.updated",
        "Conversations.UserUpdated", [data::USER, data::UPDATED], "A user was changed";
    /// A sink is tested; nobody subscribes to it.
    Test = "com.twilio.eventstreams.test-event",
        "EventStreams.TestSink", [data::TEST], "A sink is tested";
}

/// The newest version of every schema. Version 1 leaves out what is told since; it is open, and data has all fields
/// whichever version a subscription names, so that who reads one version can read the other.
pub const LATEST_VERSION: i64 = 2;

/// When the types and their versions came to be: 2026-11-21T00:00:00Z.
pub const PUBLISHED: Timestamp = Timestamp(1_795_219_200_000_000);

impl EventType {
    /// All types that can be subscribed to, by their names.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::EACH.iter().copied().filter(|kind| *kind != Self::Test)
    }

    /// Reads the name of a type that can be subscribed to.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// The type whose data a schema describes.
    #[must_use]
    pub fn of_schema(id: &str) -> Option<Self> {
        Self::EACH.iter().copied().find(|kind| kind.schema_id() == id)
    }

    /// Where the schema of a version is for everybody who reads events.
    #[must_use]
    pub fn data_schema(self, version: i64) -> String {
        format!("https://events-schemas.twilio.com/{}/{version}", self.schema_id())
    }

    /// The JSON schema of its data; `None` for a version that there is not.
    #[must_use]
    pub fn schema(self, version: i64) -> Option<Value> {
        if !(1..=LATEST_VERSION).contains(&version) {
            return None;
        }
        let mut schema = object(self.fields(), version);
        schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
        schema["$id"] = json!(self.data_schema(version));
        schema["title"] = json!(self.schema_id());
        schema["description"] = json!(self.description());
        Some(schema)
    }

    /// The event around its data (B-813), at `at`. `source` is the path of what it happened to.
    #[must_use]
    pub fn event(self, id: StreamEventSid, version: i64, source: &str, at: Timestamp, data: Value) -> Value {
        json!({
            "specversion": "1.0",
            "type": self.name(),
            "source": source,
            "id": id,
            "dataschema": self.data_schema(version),
            "datacontenttype": "application/json",
            "time": at.iso_millis(),
            "data": data,
        })
    }
}

fn object(parts: &[&[Field]], version: i64) -> Value {
    let told = || {
        parts
            .iter()
            .copied()
            .flatten()
            .filter(|field| field.since <= version)
    };
    let properties: Map<String, Value> = told()
        .map(|field| (field.name.to_owned(), of_field(field, version)))
        .collect();
    let required: Vec<&str> = told().map(|field| field.name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn of_field(field: &Field, version: i64) -> Value {
    let mut schema = match field.shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Integer => json!({ "type": "integer" }),
        Shape::Date => json!({ "type": "string", "format": "date-time" }),
        Shape::Sid(prefix) => json!({ "type": "string", "pattern": format!("^{prefix}[0-9a-fA-F]{{32}}$") }),
        Shape::Object(fields) => object(&[fields], version),
        Shape::List(fields) => json!({ "type": "array", "items": object(&[fields], version) }),
    };
    if field.presence == Presence::Maybe {
        schema["type"] = json!([schema["type"], "null"]);
    }
    schema
}

#[cfg(test)]
mod tests {
    use confab_types::Sid;

    use super::*;

    #[test]
    fn there_are_twelve_types_in_the_order_of_their_names_b811_b812() {
        let names: Vec<&str> = EventType::all().map(EventType::name).collect();
        assert_eq!(names.len(), 12);
        assert!(names.is_sorted());
        for kind in EventType::all() {
            assert_eq!(EventType::parse(kind.name()), Some(kind));
            assert_eq!(EventType::of_schema(kind.schema_id()), Some(kind));
        }
        for none in [
            "com.twilio.conversations.delivery.updated",
            "com.twilio.eventstreams.test-event",
            "",
        ] {
            assert_eq!(EventType::parse(none), None, "{none}");
        }
    }

    #[test]
    fn a_schema_tells_more_with_each_version() {
        let one = EventType::MessageAdded.schema(1).unwrap();
        let two = EventType::MessageAdded.schema(2).unwrap();
        assert_eq!(
            two["$id"],
            "https://events-schemas.twilio.com/Conversations.MessageAdded/2"
        );
        assert_eq!(two["properties"]["Index"], json!({ "type": "integer" }));
        assert_eq!(
            two["properties"]["ParticipantSid"],
            json!({ "type": ["string", "null"], "pattern": "^MB[0-9a-fA-F]{32}$" })
        );
        assert_eq!(
            two["properties"]["Media"]["items"]["properties"]["Size"],
            json!({ "type": "integer" })
        );
        let fields = |schema: &Value| schema["properties"].as_object().unwrap().len();
        assert!(one["properties"]["Media"].is_null() && fields(&one) < fields(&two));
        for version in [-1, 0, 3] {
            assert_eq!(EventType::MessageAdded.schema(version), None);
        }
    }

    #[test]
    fn an_event_is_one_of_cloud_events_b813() {
        let event = EventType::UserAdded.event(
            StreamEventSid::from_bits(7),
            2,
            "/v1/Users/US1",
            Timestamp(1_500),
            json!({ "a": 1 }),
        );
        assert_eq!(
            event,
            json!({
                "specversion": "1.0",
                "type": "com.twilio.conversations.user.added",
                "source": "/v1/Users/US1",
                "id": "EZ00000000000000000000000000000007",
                "dataschema": "https://events-schemas.twilio.com/Conversations.UserAdded/2",
                "datacontenttype": "application/json",
                "time": "1970-01-01T00:00:00.001Z",
                "data": { "a": 1 },
            })
        );
    }

    #[test]
    fn the_day_of_publication_is_the_one_that_is_said() {
        assert_eq!(PUBLISHED.iso_seconds(), "2026-11-21T00:00:00Z");
    }
}
