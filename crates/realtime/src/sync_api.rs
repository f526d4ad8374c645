//! The Sync API inside the websocket: entities, pages of items, subscriptions (realtime.md §4.7, §4.8).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use confab_domain::{Client, Error, Order, Page, Result, Transaction, Window, message, participant};
use confab_types::{ApiError, Cursor, Direction, KeyPart, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connection::Session;
use crate::entity::{Entity, Kind};
use crate::frame;
use crate::project::{self, Item, membership_item, message_item, roster_item};
use crate::replay::{self, Opened, Owner};
use crate::upstream::{Reply, Request};

/// Greatest page of items, and the page of a query that names none.
const MAX_PAGE: usize = 100;
const DEFAULT_PAGE: usize = 50;

/// Answers `GET /v3/{Documents|Lists|Maps}/{key}`. The Sync write API is for the bare Sync library, which this product
/// does not serve.
///
/// # Errors
/// 404 with the code of the kind, 403/54007.
pub async fn fetch(session: &Session, request: &Request, kind: Kind, key: &str) -> Result<Reply> {
    let entity = find_entity(session, kind, key)?;
    let include_items = request
        .params
        .get("Include")
        .is_some_and(|i| i.split(',').any(|w| w == "items"));
    let client = Arc::clone(&session.client);
    let body = session
        .engine()
        .read(move |tx| {
            let owner = replay::owner(tx, &client, entity)?;
            view(tx, &client, entity, &owner, include_items)
        })
        .await?;
    Ok(Reply::json(200, &body))
}

/// Answers `GET /v3/{Lists|Maps}/{key}/Items`.
///
/// # Errors
/// As [`fetch`]; 400/20001 for a malformed query.
pub async fn list_items(session: &Session, request: &Request, kind: Kind, key: &str) -> Result<Reply> {
    let entity = find_entity(session, kind, key)?;
    let query = Query::read(request, entity)?;
    let client = Arc::clone(&session.client);
    let body = session
        .engine()
        .read(move |tx| {
            let owner = replay::owner(tx, &client, entity)?;
            items(tx, entity, &owner, &query)
        })
        .await?;
    Ok(Reply::json(200, &body))
}

fn find_entity(session: &Session, kind: Kind, key: &str) -> Result<Entity> {
    Entity::find(kind, key, session.client.user).ok_or_else(|| Error::code(kind.missing()))
}

fn refuse(entity: Entity, owner: &Owner) -> Error {
    match owner {
        Owner::Denied => Error::code(54007),
        _ => Error::code(entity.kind().missing()),
    }
}

fn view(
    tx: &mut Transaction<'_>,
    client: &Client,
    entity: Entity,
    owner: &Owner,
    include_items: bool,
) -> Result<Value> {
    let (last_event_id, created, updated) = match owner {
        Owner::Conversation(row, _) => {
            let document = matches!(entity, Entity::Document(_));
            (
                if document { row.document_seq } else { row.seq },
                row.created_at,
                row.updated_at,
            )
        }
        Owner::User(row) => (row.seq, row.created_at, row.updated_at),
        _ => return Err(refuse(entity, owner)),
    };
    let url = project::entity_url(client.service, entity);
    let mut view = json!({
        "sid": entity.sid(), "unique_name": entity.name(), "account_sid": client.account,
        "service_sid": client.service, "url": url, "revision": last_event_id.to_string(),
        "last_event_id": last_event_id, "date_created": created.iso_millis(),
        "date_updated": updated.iso_millis(), "date_expires": null, "created_by": "system",
    });
    match (entity, owner) {
        (Entity::Document(_), Owner::Conversation(row, _)) => {
            view["data"] = serde_json::to_value(project::document(row)).unwrap_or_default();
        }
        _ => view["links"] = json!({"items": format!("{url}/Items")}),
    }
    if include_items && entity.kind() == Kind::Map {
        let all = Query {
            entity,
            start: Start::Edge,
            order: Order::Ascending,
            size: MAX_PAGE,
        };
        view["items"] = items(tx, entity, owner, &all)?["items"].take();
    }
    Ok(view)
}

/// Which items are wanted.
struct Query {
    entity: Entity,
    start: Start,
    order: Order,
    size: usize,
}

enum Start {
    /// At the first item of the order.
    Edge,
    /// At a key, or the next one in the order when it is not there.
    From(KeyPart),
    /// This item alone.
    Only(KeyPart),
    /// Where a token says.
    Token(Cursor),
}

impl Query {
    fn read(request: &Request, entity: Entity) -> Result<Self> {
        let params = &request.params;
        if let Some(token) = params.get("PageToken") {
            return Self::of_token(token, entity);
        }
        let key = |text: &str| -> Result<KeyPart> {
            match entity.kind() {
                Kind::List => text
                    .parse()
                    .map(KeyPart::Int)
                    .map_err(|_| ApiError::invalid("Index").into()),
                _ => Ok(KeyPart::Text(text.to_owned())),
            }
        };
        let only = params
            .get("Key")
            .or_else(|| params.get("Index"))
            .map(key)
            .transpose()?;
        let from = params
            .get("From")
            .filter(|t| !t.is_empty())
            .map(key)
            .transpose()?;
        let order = match params.get("Order") {
            Some("desc") => Order::Descending,
            _ => Order::Ascending,
        };
        let size = params
            .get("PageSize")
            .and_then(|t| t.parse().ok())
            .unwrap_or(DEFAULT_PAGE);
        let start = match (only, from) {
            (Some(only), _) => Start::Only(only),
            (None, Some(from)) => Start::From(from),
            (None, None) => Start::Edge,
        };
        Ok(Self {
            entity,
            start,
            order,
            size: size.clamp(1, MAX_PAGE),
        })
    }

    /// A token is sent alone (2.x), so it carries order and size beside the place.
    fn of_token(token: &str, entity: Entity) -> Result<Self> {
        let invalid = || Error::from(ApiError::invalid("PageToken"));
        let mut cursor = Cursor::decode(token, &entity.name()).ok_or_else(invalid)?;
        let (Some(KeyPart::Int(size)), Some(KeyPart::Int(descending))) = (cursor.key.pop(), cursor.key.pop())
        else {
            return Err(invalid());
        };
        let order = if descending == 1 {
            Order::Descending
        } else {
            Order::Ascending
        };
        let size = usize::try_from(size).map_err(|_| invalid())?.clamp(1, MAX_PAGE);
        Ok(Self {
            entity,
            start: Start::Token(cursor),
            order,
            size,
        })
    }

    fn token(&self, cursor: Option<Cursor>) -> Option<String> {
        cursor.map(|mut cursor| {
            cursor
                .key
                .push(KeyPart::Int(i64::from(self.order == Order::Descending)));
            cursor
                .key
                .push(KeyPart::Int(i64::try_from(self.size).unwrap_or(50)));
            cursor.encode(&self.entity.name())
        })
    }

    /// The bound before the first wanted row.
    fn bound(&self) -> Option<Cursor> {
        let next = |part| Cursor {
            direction: Direction::Next,
            key: vec![part],
        };
        match &self.start {
            Start::Edge => None,
            Start::Token(cursor) => Some(cursor.clone()),
            Start::From(key) => Some(next(just_before(key, self.order))),
            Start::Only(key) => Some(next(just_before(key, Order::Ascending))),
        }
    }
}

/// A bound that lies before a key in an order, with no other key between the two.
fn just_before(key: &KeyPart, order: Order) -> KeyPart {
    match (key, order) {
        (KeyPart::Int(i), Order::Ascending) => KeyPart::Int(i.saturating_sub(1)),
        (KeyPart::Int(i), Order::Descending) => KeyPart::Int(i.saturating_add(1)),
        // Map keys are SIDs: ASCII, of one length. The predecessor of the last character with the greatest
        // character behind it sorts after all smaller keys and before this one.
        (KeyPart::Text(text), Order::Ascending) => {
            let mut chars: Vec<char> = text.chars().collect();
            match chars
                .pop()
                .and_then(|c| char::from_u32(u32::from(c).wrapping_sub(1)))
            {
                Some(c) if c != '\0' => {
                    chars.push(c);
                    chars.push('\u{10ffff}');
                    KeyPart::Text(chars.into_iter().collect())
                }
                _ => KeyPart::Text(String::new()),
            }
        }
        (KeyPart::Text(text), Order::Descending) => KeyPart::Text(format!("{text}\u{1}")),
    }
}

fn items(tx: &mut Transaction<'_>, entity: Entity, owner: &Owner, query: &Query) -> Result<Value> {
    let window = Window {
        cursor: query.bound(),
        size: query.size,
    };
    let page = match (entity, owner) {
        (Entity::UserInfo(_), Owner::User(row)) => {
            let mut found = project::user_items(row);
            if let Start::Only(KeyPart::Text(only)) = &query.start {
                found.retain(|i| matches!(&i.key, project::Key::Name(name) if name == only));
            }
            Page {
                items: found,
                next: None,
                previous: None,
            }
        }
        (Entity::Messages(_), Owner::Conversation(row, _)) => page(
            query,
            &window,
            |w| message::list(tx, row, query.order, w),
            message_item,
        )?,
        (Entity::Roster(_), Owner::Conversation(row, _)) => page(
            query,
            &window,
            |w| participant::list(tx, row.sid, query.order, w),
            roster_item,
        )?,
        (Entity::Conversations(_), Owner::User(row)) => page(
            query,
            &window,
            |w| participant::of_user(tx, row.sid, query.order, w),
            membership_item,
        )?,
        _ => return Err(refuse(entity, owner)),
    };
    let views: Vec<Value> = page.items.iter().map(|i| project::item_view(entity, i)).collect();
    Ok(json!({
        "items": views,
        "meta": {
            "page_size": query.size, "next_token": query.token(page.next),
            "previous_token": query.token(page.previous), "key": "items",
        },
    }))
}

/// Reads a page; its tokens are null exactly when nothing lies on their side (3.x looks at nothing else).
fn page<T>(
    query: &Query,
    window: &Window,
    mut list: impl FnMut(&Window) -> Result<Page<T>>,
    item: fn(&T) -> Option<Item>,
) -> Result<Page<Item>> {
    if let Start::Only(only) = &query.start {
        let found = list(&Window {
            cursor: window.cursor.clone(),
            size: 1,
        })?;
        let mut items: Vec<Item> = found.items.iter().filter_map(item).collect();
        items.retain(|i| match (&i.key, only) {
            (project::Key::Index(a), KeyPart::Int(b)) => a == b,
            (project::Key::Name(a), KeyPart::Text(b)) => a == b,
            _ => false,
        });
        return Ok(Page {
            items,
            next: None,
            previous: None,
        });
    }
    let found = list(window)?;
    let forwards = window
        .cursor
        .as_ref()
        .is_none_or(|c| c.direction == Direction::Next);
    let mut previous = found.previous;
    if forwards && let Some(start) = &window.cursor {
        let before = Cursor {
            direction: Direction::Previous,
            key: start.key.clone(),
        };
        // What lies before the bound: also when the page itself is empty.
        let edge = previous.take().map_or(before, |p| p);
        let any = !list(&Window {
            cursor: Some(edge.clone()),
            size: 1,
        })?
        .items
        .is_empty();
        previous = any.then_some(edge);
    }
    Ok(Page {
        items: found.items.iter().filter_map(item).collect(),
        next: found.next,
        previous,
    })
}

#[derive(Deserialize)]
struct Batch {
    action: String,
    #[serde(default)]
    correlation_id: Value,
    requests: Vec<Wanted>,
}

#[derive(Deserialize)]
struct Wanted {
    object_sid: String,
    object_type: String,
    last_event_id: Option<i64>,
}

/// Subscriptions of one request at most: what the answer tells the client, and a guard.
const MAX_BATCH: usize = 1000;

/// Longest correlation id as JSON, in bytes. The SDK's is a number; each replayed event repeats it.
const MAX_CORRELATION: usize = 64;

/// Answers `POST /v4/Subscriptions`. A batch is never refused because of one object: the client would repeat it for
/// ever (realtime.md §4.8).
///
/// # Errors
/// 400/20001 for a body that is no batch, or names itself at length.
pub async fn subscriptions(session: &mut Session, request: &Request) -> Result<Reply> {
    let batch: Batch = serde_json::from_slice(&request.body)
        .map_err(|_| ApiError::new(20001).message("The body is no batch of subscriptions"))?;
    if batch.correlation_id.to_string().len() > MAX_CORRELATION {
        return Err(ApiError::invalid("correlation_id").into());
    }
    if batch.requests.len() > MAX_BATCH {
        return Err(ApiError::new(20001)
            .message("Too many subscriptions in one request")
            .into());
    }
    match batch.action.as_str() {
        "establish" => establish(session, batch).await?,
        "cancel" => cancel(session, &batch),
        _ => return Err(ApiError::invalid("action").into()),
    }
    Ok(Reply::json(
        202,
        &json!({"estimated_delivery_in_ms": 10000, "max_batch_size": MAX_BATCH, "ttl_in_s": 86400}),
    ))
}

fn find(session: &Session, wanted: &Wanted) -> Option<Entity> {
    let kind = [Kind::Document, Kind::List, Kind::Map]
        .into_iter()
        .find(|k| k.name() == wanted.object_type)?;
    Entity::find(kind, &wanted.object_sid, session.client.user)
}

/// Events that the answer to one batch replays at most; what is left is asked for again.
const REPLAY_BUDGET: usize = 20_000;

async fn establish(session: &mut Session, batch: Batch) -> Result<()> {
    let mut seen = HashSet::new();
    let (found, repeated): (Vec<_>, Vec<_>) = batch
        .requests
        .into_iter()
        .map(|wanted| {
            let entity = find(session, &wanted);
            (wanted, entity)
        })
        // A repeated entity is confirmed again; replaying it again would only cost.
        .partition(|(_, entity)| entity.is_none_or(|e| seen.insert(e)));
    // Before the rows are read, so that nothing falls between them and the live events (hub.rs).
    for (_, entity) in &found {
        if let Some(entity) = entity {
            session.begin_follow(*entity);
        }
    }
    let opened = match read_until_reached(session, &found, &batch.correlation_id).await {
        Ok(opened) => opened,
        Err(error) => {
            for entity in found.iter().filter_map(|(_, e)| *e) {
                session.unfollow(entity);
            }
            return Err(error);
        }
    };
    let mut established = Vec::new();
    let mut failed = Vec::new();
    let mut answers: HashMap<Entity, (bool, Value)> = HashMap::new();
    for ((wanted, entity), opened) in found.into_iter().zip(opened) {
        let (sid, kind) = (wanted.object_sid, wanted.object_type);
        let (ok, answer) = match (entity, opened) {
            (
                Some(entity),
                Opened::Yes {
                    events,
                    last_event_id,
                    more,
                    seq,
                    member_since,
                },
            ) => {
                for event in events {
                    session.send(event.frame);
                }
                if more {
                    // The client asks again from there (realtime.md §4.8).
                    session.unfollow(entity);
                } else {
                    session.followed(entity, seq, member_since);
                }
                let status = if more { "interrupted" } else { "completed" };
                let answer = json!({"object_sid": sid, "object_type": kind,
                    "replay_status": status, "last_event_id": last_event_id});
                (true, answer)
            }
            (entity, opened) => {
                if let Some(entity) = entity {
                    session.unfollow(entity);
                }
                let (status, code) = match opened {
                    Opened::Denied => (403, 54007),
                    _ => (404, entity.map_or(54100, |e| e.kind().missing())),
                };
                let message = ApiError::new(code).text().to_owned();
                let answer = json!({"object_sid": sid, "object_type": kind,
                    "error": {"status": status, "code": code, "message": message}});
                (false, answer)
            }
        };
        if let Some(entity) = entity {
            answers.insert(entity, (ok, answer.clone()));
        }
        let answered = if ok { &mut established } else { &mut failed };
        answered.push(answer);
    }
    for (ok, answer) in repeated.iter().filter_map(|(_, entity)| answers.get(&(*entity)?)) {
        let answered = if *ok { &mut established } else { &mut failed };
        answered.push(answer.clone());
    }
    notify(
        session,
        "subscription_established",
        &batch.correlation_id,
        &established,
    );
    notify(session, "subscription_failed", &batch.correlation_id, &failed);
    Ok(())
}

/// Reads what a batch asks for; once more when the topic of a stream had already gone past the first snapshot.
async fn read_until_reached(
    session: &Session,
    found: &[(Wanted, Option<Entity>)],
    correlation: &Value,
) -> Result<Vec<Opened>> {
    loop {
        let (client, correlation) = (Arc::clone(&session.client), correlation.clone());
        let wanted: Vec<(Option<Entity>, Option<i64>)> = found
            .iter()
            .map(|(w, entity)| (*entity, w.last_event_id))
            .collect();
        let opened = session
            .engine()
            .read(move |tx| {
                let mut budget = REPLAY_BUDGET;
                wanted
                    .iter()
                    .map(|(entity, after)| match entity {
                        Some(entity) => replay::open(tx, &client, *entity, *after, &correlation, &mut budget),
                        None => Ok(Opened::Missing),
                    })
                    .collect::<Result<Vec<_>>>()
            })
            .await?;
        let reached = found
            .iter()
            .zip(&opened)
            .all(|((_, entity), opened)| match (entity, opened) {
                (Some(entity), Opened::Yes { seq, .. }) => session.reaches(*entity, *seq),
                _ => true,
            });
        if reached {
            return Ok(opened);
        }
    }
}

fn cancel(session: &mut Session, batch: &Batch) {
    let mut done = Vec::new();
    for wanted in &batch.requests {
        // Cancels come for entities that are gone, too; they are confirmed all the same.
        if let Some(entity) = find(session, wanted) {
            session.unfollow(entity);
        }
        done.push(json!({"object_sid": wanted.object_sid, "object_type": wanted.object_type}));
    }
    notify(session, "subscription_canceled", &batch.correlation_id, &done);
}

fn notify(session: &mut Session, event_type: &str, correlation: &Value, events: &[Value]) {
    if events.is_empty() {
        return;
    }
    let payload = json!({"event_type": event_type, "correlation_id": correlation,
        "event_protocol_version": 4, "events": events, "date": Timestamp::iso_millis(session.engine().now())});
    let payload = serde_json::to_vec(&payload).unwrap_or_default();
    session.send(frame::notification("twilio.sync.event", &payload));
}
