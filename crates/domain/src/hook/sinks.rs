//! Events of Event Streams (behaviours §20): which one an occurrence is, and the sinks that take it.

use std::collections::BTreeMap;

use confab_types::{AccountSid, SinkSid, StreamEventSid};
use serde_json::Value;

use super::delivery::{self, Draft};
use super::occurrence::{Occurrence, Verb};
use crate::endpoint::Method;
use crate::stream::sink::{self, Sink, Target};
use crate::stream::{self, EventType, data};
use crate::{Cx, Result, Transaction};

/// The body of a call of a sink: a list of events.
const EVENTS: &str = "application/cloudevents-batch+json";
/// What is published to a NATS server: one event.
const EVENT: &str = "application/cloudevents+json";

/// Whether a call of this content type tells a sink of an event.
#[must_use]
pub fn is_of_stream(content_type: &str) -> bool {
    matches!(content_type, EVENTS | EVENT)
}

/// Where calls of a sink lead to, as they are written down.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    url: String,
    content_type: &'static str,
}

impl Way {
    /// None where no way leads to the sink.
    fn to(sink: &Sink) -> Result<Option<Self>> {
        Ok(match sink.target()? {
            Target::Webhook { destination, .. } => Some(Self {
                url: destination,
                content_type: EVENTS,
            }),
            // Its login stays where it is: the call names the sink.
            Target::Nats(nats) => Some(Self {
                url: format!("{}#{}", nats.url(), sink.sid),
                content_type: EVENT,
            }),
            Target::Nothing => None,
        })
    }

    fn body(&self, event: Value) -> String {
        match self.content_type {
            EVENTS => Value::Array(vec![event]).to_string(),
            _ => event.to_string(),
        }
    }
}

/// A sink, the way to it, and what it takes by which version of its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    sink: SinkSid,
    way: Way,
    types: BTreeMap<EventType, i64>,
}

/// The sinks of an account that take something.
pub(super) fn of(tx: &mut Transaction<'_>, account: AccountSid) -> Result<Vec<Listening>> {
    let mut listening: Vec<Listening> = Vec::new();
    for listener in stream::listeners(tx, account)? {
        if let Some(known) = listening.iter_mut().find(|l| l.sink == listener.sink) {
            // Two subscriptions to one type are one: an event comes once.
            known.types.extend(listener.types);
            continue;
        }
        let Some(found) = sink::find(tx, listener.sink)? else {
            continue;
        };
        // Other sinks are never active: nothing leads to them.
        if let Some(way) = Way::to(&found)? {
            listening.push(Listening {
                sink: listener.sink,
                way,
                types: listener.types,
            });
        }
    }
    Ok(listening)
}

/// What an occurrence is to a stream; delivery updates are nothing (B-812).
fn event(what: &Occurrence<'_>, cx: &Cx<'_>) -> Option<(EventType, String, Value)> {
    let (kind, data) = match what {
        Occurrence::Conversation(Verb::Added, of) => {
            (EventType::ConversationAdded, data::conversation_added(of, None))
        }
        Occurrence::Conversation(Verb::Updated, of) => {
            (EventType::ConversationUpdated, data::conversation_updated(of))
        }
        Occurrence::Conversation(Verb::Removed, of) => (
            EventType::ConversationRemoved,
            data::conversation_removed(of, cx.now),
        ),
        Occurrence::State { of, from, cause } => (
            EventType::ConversationStateUpdated,
            data::conversation_state_updated(of, *from, cause.name()),
        ),
        Occurrence::Message(Verb::Added, message, at) => {
            (EventType::MessageAdded, data::message_added(at, message))
        }
        Occurrence::Message(Verb::Updated, message, at) => {
            (EventType::MessageUpdated, data::message_updated(at, message))
        }
        Occurrence::Message(Verb::Removed, message, at) => (
            EventType::MessageRemoved,
            data::message_removed(at, message, cx.now),
        ),
        Occurrence::Participant(Verb::Added, of, _) => {
            (EventType::ParticipantAdded, data::participant_added(of))
        }
        Occurrence::Participant(Verb::Updated, of, _) => {
            (EventType::ParticipantUpdated, data::participant_updated(of))
        }
        Occurrence::Participant(Verb::Removed, of, _) => (
            EventType::ParticipantRemoved,
            data::participant_removed(of, cx.now),
        ),
        Occurrence::User(Verb::Added, user) => (EventType::UserAdded, data::user_added(user)),
        Occurrence::User(Verb::Updated, user) => (EventType::UserUpdated, data::user_updated(user)),
        Occurrence::User(Verb::Removed, _) | Occurrence::Delivery(..) => return None,
    };
    Some((kind, what.path(), data))
}

/// Tells the sinks of an account of an occurrence.
pub(super) fn tell(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    sinks: &[Listening],
    what: &Occurrence<'_>,
) -> Result<()> {
    if sinks.is_empty() {
        return Ok(());
    }
    let Some((kind, source, data)) = event(what, cx) else {
        return Ok(());
    };
    let id: StreamEventSid = cx.sid();
    for listening in sinks {
        let Some(version) = listening.types.get(&kind) else {
            continue; // B-821
        };
        let event = kind.event(id, *version, &source, cx.now, data.clone());
        let lane = delivery::lane(&what.order(), &listening.sink.to_string());
        let body = listening.way.body(event);
        let draft = Draft {
            account: what.account(),
            conversation: what.conversation_sid(),
            lane,
            event: kind.name(),
            method: Method::Post,
            url: &listening.way.url,
            content_type: listening.way.content_type,
            body: &body,
        };
        delivery::enqueue(tx, cx, &draft)?;
    }
    Ok(())
}

/// Sends a sink the event by which it is tested.
pub(crate) fn test(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    tested: &Sink,
    id: StreamEventSid,
) -> Result<()> {
    let Some(way) = Way::to(tested)? else {
        return Ok(());
    };
    let source = format!("/v1/Sinks/{}", tested.sid);
    let data = data::test(&id.to_string());
    let event = EventType::Test.event(id, 1, &source, cx.now, data);
    let body = way.body(event);
    let draft = Draft {
        account: tested.account,
        conversation: None,
        lane: delivery::lane(&tested.sid.to_string(), "test"),
        event: EventType::Test.name(),
        method: Method::Post,
        url: &way.url,
        content_type: way.content_type,
        body: &body,
    };
    delivery::enqueue(tx, cx, &draft)
}
