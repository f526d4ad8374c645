//! How rows look to SDK clients: data of Sync items (realtime.md §4.3–4.6) and the events that carry them (§4.10).

use bytes::Bytes;
use confab_domain::Change;
use confab_domain::conversation::{Conversation, State};
use confab_domain::message::Message;
use confab_domain::participant::Participant;
use confab_domain::sync::{Replayed, Tombstone};
use confab_domain::user::User;
use confab_types::{ContentSid, MediaSid, MessageSid, ParticipantSid, ServiceSid, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::entity::{Entity, Kind};
use crate::frame;

/// Host in URLs that are never dialled: every answer and event may say the same.
pub const SYNC_HOST: &str = "https://cds.us1.twilio.com";

/// The message type that clients take in strict order (realtime.md §2.11).
const SYNC_EVENT: &str = "twilio.sync.event";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageData<'a> {
    sid: MessageSid,
    index: i64,
    author: &'a str,
    text: Option<&'a str>,
    subject: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    attributes: &'a str,
    timestamp: String,
    date_updated: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_updated_by: Option<&'a str>,
    member_sid: Option<ParticipantSid>,
    // null, not absent: the client compares with null.
    content_sid: Option<ContentSid>,
    // Absent, not empty: `type` says whether there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    medias: Vec<MediaData<'a>>,
    /// The first of them, for the SDK's older way to ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<MediaData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<&'a RawValue>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct MediaData<'a> {
    sid: MediaSid,
    category: &'static str,
    filename: Option<&'a str>,
    content_type: &'a str,
    size: i64,
}

fn message(m: &Message) -> Option<Box<RawValue>> {
    let medias: Vec<MediaData<'_>> = m
        .media
        .iter()
        .map(|a| MediaData {
            sid: a.sid,
            category: a.category.unwrap_or_default().name(),
            filename: a.filename.as_deref(),
            content_type: &a.content_type,
            size: a.size,
        })
        .collect();
    raw(&MessageData {
        sid: m.sid,
        index: m.index,
        author: &m.author,
        text: m.body.as_deref(),
        subject: m.subject.as_deref(),
        kind: if medias.is_empty() { "text" } else { "media" },
        attributes: &m.attributes,
        timestamp: m.created_at.iso_millis(),
        date_updated: m.updated_at.iso_millis(),
        last_updated_by: m.last_updated_by.as_deref(),
        member_sid: m.participant,
        content_sid: m.content,
        media: medias.first().cloned(),
        medias,
        delivery: m
            .delivery
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok()),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DocumentData<'a> {
    sid: confab_types::ConversationSid,
    messages: String,
    roster: String,
    friendly_name: Option<&'a str>,
    unique_name: Option<&'a str>,
    attributes: &'a str,
    created_by: &'a str,
    date_created: String,
    date_updated: String,
    // Absent until the first message; null once the last one was removed (realtime.md §4.6).
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<Option<LastMessage>>,
    state: StateData,
    #[serde(skip_serializing_if = "Option::is_none")]
    bindings: Option<Value>,
}

#[derive(Serialize)]
struct LastMessage {
    index: i64,
    timestamp: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StateData {
    current: &'static str,
    date_updated: String,
}

/// The state as clients know it: they have no word for the time until the first participants are in (realtime.md §4.6).
#[must_use]
pub fn shown_state(c: &Conversation) -> &'static str {
    match c.state {
        State::Initializing => State::Active.name(),
        state => state.name(),
    }
}

/// Data of the conversation document (E3).
#[must_use]
pub fn document(c: &Conversation) -> Option<Box<RawValue>> {
    let last = c.last_message_index.zip(c.last_message_at);
    let last = last.map(|(index, at)| LastMessage {
        index,
        timestamp: at.iso_millis(),
    });
    raw(&DocumentData {
        sid: c.sid,
        messages: Entity::Messages(c.sid).name(),
        roster: Entity::Roster(c.sid).name(),
        friendly_name: c.friendly_name.as_deref(),
        unique_name: c.unique_name.as_deref(),
        attributes: &c.attributes,
        created_by: &c.created_by,
        date_created: c.created_at.iso_millis(),
        date_updated: c.updated_at.iso_millis(),
        last_message: (c.next_index > 0).then_some(last),
        state: StateData {
            current: shown_state(c),
            date_updated: c.state_at.iso_millis(),
        },
        bindings: c
            .email_address
            .as_ref()
            .map(|address| json!({"email": {"name": c.email_name.as_deref(), "projected_address": address}})),
    })
}

fn participant(p: &Participant) -> Value {
    let mut data = json!({
        "type": p.kind(),
        "attributes": p.attributes, "roleSid": p.role_sid,
        "dateCreated": p.created_at.iso_millis(), "dateUpdated": p.updated_at.iso_millis(),
        "lastConsumedMessageIndex": p.last_read_index,
        "lastConsumptionTimestamp": p.last_read_at.map(Timestamp::iso_millis),
    });
    if let Some(identity) = &p.identity {
        data["identity"] = identity.as_str().into();
    }
    if let Some(user) = p.user {
        data["userInfo"] = Entity::UserInfo(user).name().into();
    }
    // The client knows bindings of e-mail alone, and expects no null.
    if let Some(binding) = p.binding().filter(|b| b.kind == "email") {
        data["bindings"] = json!({"email": {
            "name": binding.name.unwrap_or(""), "address": binding.address, "level": binding.level.unwrap_or("to"),
        }});
    }
    data
}

fn membership(p: &Participant) -> Value {
    json!({
        "channel": Entity::Document(p.conversation).name(), "status": "joined",
        "lastConsumedMessageIndex": p.last_read_index, "notificationLevel": p.notification_level,
        "messages": Entity::Messages(p.conversation).name(), "roster": Entity::Roster(p.conversation).name(),
    })
}

/// The name of a user as clients show it: the identity stands for a name that was never set.
#[must_use]
pub fn shown_name(user: &User) -> &str {
    user.friendly_name.as_deref().unwrap_or(&user.identity)
}

fn raw<T: Serialize>(value: &T) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(value).ok()
}

/// An item of a list or map, or the content of a document, at one event id.
pub struct Item {
    /// Service, for its URL.
    pub service: ServiceSid,
    /// Key in a map, number in a list.
    pub key: Key,
    /// Id of the event that made it what it is.
    pub id: i64,
    /// Its data.
    pub data: Box<RawValue>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed.
    pub updated_at: Timestamp,
}

/// Key of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Key {
    /// In a list.
    Index(i64),
    /// In a map.
    Name(String),
}

impl Key {
    fn text(&self) -> String {
        match self {
            Self::Index(index) => index.to_string(),
            Self::Name(name) => name.clone(),
        }
    }
}

/// The item of a message (E4).
#[must_use]
pub fn message_item(m: &Message) -> Option<Item> {
    Some(Item {
        service: m.service,
        key: Key::Index(m.index),
        id: m.seq,
        data: message(m)?,
        created_at: m.created_at,
        updated_at: m.updated_at,
    })
}

/// The item of a participant (E5).
#[must_use]
pub fn roster_item(p: &Participant) -> Option<Item> {
    Some(Item {
        service: p.service,
        key: Key::Name(p.sid.to_string()),
        id: p.seq,
        data: raw(&participant(p))?,
        created_at: p.created_at,
        updated_at: p.updated_at,
    })
}

/// The item of a user's conversation (E1).
#[must_use]
pub fn membership_item(p: &Participant) -> Option<Item> {
    Some(Item {
        service: p.service,
        key: Key::Name(p.conversation.to_string()),
        id: p.user_seq,
        data: raw(&membership(p))?,
        created_at: p.created_at,
        updated_at: p.updated_at,
    })
}

/// The items of a user's info (E2). Without `reachability` where it was not read or the service does not show it:
/// clients tolerate that.
#[must_use]
pub fn user_items(user: &User) -> Vec<Item> {
    let item = |key: &str, id, data: Value| {
        Some(Item {
            service: user.service,
            key: Key::Name(key.to_owned()),
            id,
            data: raw(&data)?,
            created_at: user.created_at,
            updated_at: user.updated_at,
        })
    };
    let reachability = user.reachability.and_then(|shown| {
        let data = json!({
            "online": shown.online.unwrap_or(false), "notifiable": shown.notifiable.unwrap_or(false),
        });
        item("reachability", user.reachability_seq, data)
    });
    // In the order of keys, as a map is paged.
    [
        item(
            "attributes",
            user.attributes_seq,
            json!({"value": user.attributes}),
        ),
        item(
            "friendlyName",
            user.friendly_name_seq,
            json!({"value": shown_name(user)}),
        ),
        reachability,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// URL of an entity.
#[must_use]
pub fn entity_url(service: ServiceSid, entity: Entity) -> String {
    format!(
        "{SYNC_HOST}/v3/Services/{service}/{}/{}",
        entity.kind().collection(),
        entity.sid()
    )
}

/// How an item stands in a page of items (realtime.md §4.7).
#[must_use]
pub fn item_view(entity: Entity, item: &Item) -> Value {
    let mut view = json!({
        "url": format!("{}/Items/{}", entity_url(item.service, entity), item.key.text()),
        "revision": item.id.to_string(), "data": item.data, "last_event_id": item.id,
        "date_created": item.created_at.iso_millis(), "date_updated": item.updated_at.iso_millis(),
        "date_expires": null, "created_by": "system",
    });
    let key = if entity.kind() == Kind::List {
        "index"
    } else {
        "key"
    };
    view[key] = match &item.key {
        Key::Index(index) => (*index).into(),
        Key::Name(name) => name.as_str().into(),
    };
    view
}

/// One event for one entity, ready to be sent to all its subscribers.
#[derive(Clone, Debug)]
pub struct Event {
    /// The entity.
    pub entity: Entity,
    /// Event id.
    pub id: i64,
    /// The whole websocket message.
    pub frame: Bytes,
    /// Whether the entity is gone with it.
    pub last: bool,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    event_type: &'a str,
    event_protocol_version: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a Value>,
    events: [T; 1],
}

#[derive(Serialize)]
struct ItemEvent<'a> {
    id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    list_sid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list_unique_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list_revision: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map_sid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map_unique_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map_revision: Option<&'a str>,
    date_created: String,
    author: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_index: Option<&'a Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_key: Option<&'a Key>,
    item_url: String,
    item_revision: &'a str,
    item_data: &'a RawValue,
    date_expires: Option<()>,
}

#[derive(Serialize)]
struct DocumentEvent<'a> {
    id: i64,
    document_sid: String,
    document_unique_name: String,
    document_revision: String,
    date_created: String,
    author: &'static str,
    document_data: &'a RawValue,
}

/// Makes events.
#[derive(Clone, Copy, Default)]
pub struct Projector<'a> {
    /// Correlation id of the subscription, during its replay.
    pub correlation: Option<&'a Value>,
}

/// What an event says of an item.
#[derive(Clone, Copy)]
enum Verb {
    Added,
    Updated,
}

impl Projector<'_> {
    fn wrap<T: Serialize>(
        &self,
        entity: Entity,
        id: i64,
        event_type: &str,
        event: T,
        last: bool,
    ) -> Option<Event> {
        let payload = serde_json::to_vec(&Envelope {
            event_type,
            event_protocol_version: 4,
            correlation_id: self.correlation,
            events: [event],
        })
        .ok()?;
        Some(Event {
            entity,
            id,
            frame: frame::notification(SYNC_EVENT, &payload),
            last,
        })
    }

    fn item(&self, entity: Entity, verb: Verb, item: Option<Item>) -> Option<Event> {
        let item = item?;
        let (sid, name, revision) = (entity.sid(), entity.name(), item.id.to_string());
        let list = entity.kind() == Kind::List;
        let map = !list;
        let event = ItemEvent {
            id: item.id,
            list_sid: list.then_some(sid.as_str()),
            list_unique_name: list.then_some(name.as_str()),
            list_revision: list.then_some(revision.as_str()),
            map_sid: map.then_some(sid.as_str()),
            map_unique_name: map.then_some(name.as_str()),
            map_revision: map.then_some(revision.as_str()),
            date_created: item.updated_at.iso_millis(),
            author: "system",
            item_index: list.then_some(&item.key),
            item_key: map.then_some(&item.key),
            item_url: format!("{}/Items/{}", entity_url(item.service, entity), item.key.text()),
            item_revision: &revision,
            item_data: &item.data,
            date_expires: None,
        };
        let event_type = match (list, verb) {
            (true, Verb::Added) => "list_item_added",
            (true, Verb::Updated) => "list_item_updated",
            (false, Verb::Added) => "map_item_added",
            (false, Verb::Updated) => "map_item_updated",
        };
        self.wrap(entity, item.id, event_type, event, false)
    }

    fn removed(&self, entity: Entity, stone: &Tombstone) -> Option<Event> {
        let kind = entity.kind().name();
        let data: Box<RawValue> = serde_json::from_str(&stone.data).ok()?;
        let mut event = json!({
            "id": stone.seq, "date_created": stone.removed_at.iso_millis(), "author": "system",
            "item_data": data,
        });
        event[format!("{kind}_sid")] = entity.sid().into();
        event[format!("{kind}_unique_name")] = entity.name().into();
        event[format!("{kind}_revision")] = stone.seq.to_string().into();
        match entity.kind() {
            Kind::List => event["item_index"] = stone.item.parse::<i64>().ok()?.into(),
            _ => event["item_key"] = stone.item.as_str().into(),
        }
        self.wrap(entity, stone.seq, &format!("{kind}_item_removed"), event, false)
    }

    fn entity_removed(&self, entity: Entity, id: i64) -> Option<Event> {
        let kind = entity.kind().name();
        let mut event = json!({"id": id});
        event[format!("{kind}_sid")] = entity.sid().into();
        self.wrap(entity, id, &format!("{kind}_removed"), event, true)
    }

    /// The document's event (E3).
    #[must_use]
    pub fn document(&self, c: &Conversation) -> Option<Event> {
        let entity = Entity::Document(c.sid);
        let data = document(c)?;
        let event = DocumentEvent {
            id: c.document_seq,
            document_sid: entity.sid(),
            document_unique_name: entity.name(),
            document_revision: c.document_seq.to_string(),
            date_created: c.updated_at.iso_millis(),
            author: "system",
            document_data: &data,
        };
        self.wrap(entity, c.document_seq, "document_updated", event, false)
    }

    /// Events of one replayed item of messages, roster or conversations.
    #[must_use]
    pub fn replayed<T>(
        &self,
        entity: Entity,
        item: fn(&T) -> Option<Item>,
        change: &Replayed<T>,
    ) -> Option<Event> {
        match change {
            Replayed::Added(row) => self.item(entity, Verb::Added, item(row)),
            Replayed::Updated(row) => self.item(entity, Verb::Updated, item(row)),
            Replayed::Removed(stone) => self.removed(entity, stone),
        }
    }

    /// Events of a user's info that are newer than an id (E2), in the order of ids.
    #[must_use]
    pub fn user_after(&self, user: &User, after: i64) -> Vec<Event> {
        let mut items = user_items(user);
        items.retain(|i| i.id > after);
        items.sort_by_key(|i| i.id);
        items
            .into_iter()
            .filter_map(|i| self.item(Entity::UserInfo(user.sid), Verb::Updated, Some(i)))
            .collect()
    }

    /// Events of one live change, for the entities in `mask` only: what nobody follows is not encoded.
    #[must_use]
    pub fn live(&self, stream: confab_domain::Stream, seq: i64, change: &Change, mask: u8) -> Vec<Event> {
        use confab_domain::Stream::{Conversation, User};
        let wanted = |entity: Entity| (mask & entity.bit() != 0).then_some(entity);
        let one = |event: Option<Event>| event.into_iter().collect();
        match (stream, change) {
            (Conversation(c), Change::Conversation(row)) => {
                one(wanted(Entity::Document(c)).and_then(|_| self.document(row)))
            }
            (Conversation(c), Change::MessageAdded(row)) => {
                one(wanted(Entity::Messages(c)).and_then(|e| self.item(e, Verb::Added, message_item(row))))
            }
            (Conversation(c), Change::MessageUpdated(row)) => {
                one(wanted(Entity::Messages(c)).and_then(|e| self.item(e, Verb::Updated, message_item(row))))
            }
            (Conversation(c), Change::MessageRemoved(stone)) => {
                one(wanted(Entity::Messages(c)).and_then(|e| self.removed(e, stone)))
            }
            (Conversation(c), Change::ParticipantAdded(row)) => {
                one(wanted(Entity::Roster(c)).and_then(|e| self.item(e, Verb::Added, roster_item(row))))
            }
            (Conversation(c), Change::ParticipantUpdated(row)) => {
                one(wanted(Entity::Roster(c)).and_then(|e| self.item(e, Verb::Updated, roster_item(row))))
            }
            (Conversation(c), Change::ParticipantRemoved(stone)) => {
                one(wanted(Entity::Roster(c)).and_then(|e| self.removed(e, stone)))
            }
            // realtime.md §4.11: roster, messages, then the document.
            (Conversation(c), Change::ConversationRemoved) => {
                [Entity::Roster(c), Entity::Messages(c), Entity::Document(c)]
                    .into_iter()
                    .filter_map(|e| wanted(e).and_then(|e| self.entity_removed(e, seq)))
                    .collect()
            }
            (User(u), Change::Joined(row)) => one(wanted(Entity::Conversations(u))
                .and_then(|e| self.item(e, Verb::Added, membership_item(row)))),
            (User(u), Change::Membership(row)) => one(wanted(Entity::Conversations(u))
                .and_then(|e| self.item(e, Verb::Updated, membership_item(row)))),
            (User(u), Change::Left(stone) | Change::LeftRemoved(stone)) => {
                one(wanted(Entity::Conversations(u)).and_then(|e| self.removed(e, stone)))
            }
            (User(u), Change::User(row)) => match wanted(Entity::UserInfo(u)) {
                Some(_) => self.user_after(row, seq - 1),
                None => Vec::new(),
            },
            (User(u), Change::UserRemoved) => [Entity::Conversations(u), Entity::UserInfo(u)]
                .into_iter()
                .filter_map(|e| wanted(e).and_then(|e| self.entity_removed(e, seq)))
                .collect(),
            // A change of the other kind of stream; the domain never pairs them so.
            _ => Vec::new(),
        }
    }
}
