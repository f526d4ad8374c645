//! What a follower missed, read from the rows (realtime.md §4.8, §4.9).

use confab_domain::conversation::{self, Conversation};
use confab_domain::sync::{Changes, Replayed};
use confab_domain::{Client, Result, Stream, Transaction, participant, reachability, role, sync, user};
use confab_types::{ConversationSid, Sid as _};
use serde_json::Value;

use crate::entity::Entity;
use crate::project::{Event, Item, Projector, membership_item, message_item, roster_item};

/// Everything of a stream after a count.
pub struct Catchup {
    /// Events in the order to send them.
    pub events: Vec<Event>,
    /// Count of the stream in the same snapshot.
    pub seq: i64,
    /// Whether there is more than one replay gives: followers had better come anew.
    pub more: bool,
    /// Conversations that the user of the stream is out of, with the counts at which he left.
    pub left: Vec<(ConversationSid, i64)>,
}

/// Events of one entity.
#[derive(Default)]
struct Found {
    events: Vec<Event>,
    more: bool,
    left: Vec<(ConversationSid, i64)>,
}

impl Found {
    fn of<T>(
        projector: &Projector<'_>,
        entity: Entity,
        item: fn(&T) -> Option<Item>,
        changes: &Changes<T>,
    ) -> Self {
        let events = changes
            .items
            .iter()
            .filter_map(|(_, change)| projector.replayed(entity, item, change))
            .collect();
        Self {
            events,
            more: changes.more,
            left: Vec::new(),
        }
    }
}

/// Everything of a whole stream after a count, or only its count; `None` when it is gone.
///
/// # Errors
/// The database's.
pub fn catch_up(tx: &mut Transaction<'_>, stream: Stream, after: Option<i64>) -> Result<Option<Catchup>> {
    let projector = Projector::default();
    let mut caught = Catchup {
        events: Vec::new(),
        seq: 0,
        more: false,
        left: Vec::new(),
    };
    let mut take = |found: Found| {
        caught.events.extend(found.events);
        caught.left.extend(found.left);
        caught.more |= found.more;
    };
    let seq = match stream {
        Stream::Conversation(sid) => {
            let Some(row) = conversation::by_sid(tx, sid)? else {
                return Ok(None);
            };
            if let Some(after) = after {
                for entity in [Entity::Roster(sid), Entity::Messages(sid), Entity::Document(sid)] {
                    take(of_conversation(tx, &projector, entity, &row, after)?);
                }
            }
            row.seq
        }
        Stream::User(sid) => {
            let Some(mut row) = user::by_sid_alone(tx, sid)? else {
                return Ok(None);
            };
            row.reachability = reachability::of(tx, &row)?;
            if let Some(after) = after {
                for entity in [Entity::Conversations(sid), Entity::UserInfo(sid)] {
                    take(of_user(tx, &projector, entity, &row, after)?);
                }
            }
            row.seq
        }
    };
    caught.seq = seq;
    Ok(Some(caught))
}

fn of_conversation(
    tx: &mut Transaction<'_>,
    projector: &Projector<'_>,
    entity: Entity,
    row: &Conversation,
    after: i64,
) -> Result<Found> {
    Ok(match entity {
        Entity::Document(_) => {
            let changed = row.document_seq > after;
            let event = changed.then(|| projector.document(row)).flatten();
            Found {
                events: event.into_iter().collect(),
                ..Found::default()
            }
        }
        Entity::Messages(_) => Found::of(
            projector,
            entity,
            message_item,
            &sync::messages_after(tx, row, after)?,
        ),
        _ => Found::of(
            projector,
            entity,
            roster_item,
            &sync::participants_after(tx, row, after)?,
        ),
    })
}

fn of_user(
    tx: &mut Transaction<'_>,
    projector: &Projector<'_>,
    entity: Entity,
    row: &user::User,
    after: i64,
) -> Result<Found> {
    if let Entity::UserInfo(_) = entity {
        return Ok(Found {
            events: projector.user_after(row, after),
            ..Found::default()
        });
    }
    let changes = sync::conversations_after(tx, row.sid, after)?;
    let mut found = Found::of(projector, entity, membership_item, &changes);
    found.left = changes
        .items
        .iter()
        .filter_map(|(id, change)| match change {
            Replayed::Removed(stone) => ConversationSid::parse(&stone.item).map(|sid| (sid, *id)),
            _ => None,
        })
        .collect();
    Ok(found)
}

/// Whether a client may follow an entity now, and what it has missed.
pub enum Opened {
    /// It may.
    Yes {
        /// Events after the id that it named.
        events: Vec<Event>,
        /// Newest id of the entity, or of `events` when there is more.
        last_event_id: i64,
        /// Whether the client has to ask again for the rest.
        more: bool,
        /// Count of the stream in the same snapshot: later events are new.
        seq: i64,
        /// Count of the user's stream at which he came into the conversation; a revocation of before is not meant.
        member_since: i64,
    },
    /// There is no such entity.
    Missing,
    /// It is not for this client.
    Denied,
}

/// What a client sees of an entity's owner row.
pub enum Owner {
    /// The conversation, and the user's count when he came in (0 when he is no participant).
    Conversation(Box<Conversation>, i64),
    /// The user.
    User(Box<user::User>),
    /// There is none.
    Missing,
    /// It is not for this client.
    Denied,
}

/// Finds the row behind an entity if the client may see it: his own maps; the info of users of his service;
/// conversations that he is in, and of others only the document if he made it or may join (realtime.md §9.10).
///
/// # Errors
/// The database's.
pub fn owner(tx: &mut Transaction<'_>, client: &Client, entity: Entity) -> Result<Owner> {
    match entity {
        Entity::Conversations(sid) if sid != client.user => Ok(Owner::Denied),
        Entity::UserInfo(sid) if sid != client.user && is_gone(tx, client)? => Ok(Owner::Denied),
        Entity::Conversations(sid) | Entity::UserInfo(sid) => {
            let Some(mut row) = user::by_sid(tx, client.service, sid)? else {
                return Ok(Owner::Missing);
            };
            row.reachability = reachability::of(tx, &row)?;
            Ok(Owner::User(Box::new(row)))
        }
        Entity::Document(sid) | Entity::Messages(sid) | Entity::Roster(sid) => {
            let Some(row) = conversation::find(tx, client.service, &sid.to_string())? else {
                return Ok(Owner::Missing);
            };
            if let Some(me) = participant::of_client_if(tx, row.sid, client)? {
                return Ok(Owner::Conversation(Box::new(row), me.user_created_seq));
            }
            let document = matches!(entity, Entity::Document(_));
            if document && may_read(tx, client, &row)? {
                return Ok(Owner::Conversation(Box::new(row), 0));
            }
            Ok(Owner::Denied)
        }
    }
}

/// Whether the user of a connection was removed: it has nothing to read any more, and another user of his identity is
/// not meant.
///
/// # Errors
/// The database's.
pub fn is_gone(tx: &mut Transaction<'_>, client: &Client) -> Result<bool> {
    Ok(user::by_sid(tx, client.service, client.user)?.is_none())
}

/// Whether a client who is no participant may read the conversation itself (B-711).
///
/// # Errors
/// The database's.
pub fn may_read(tx: &mut Transaction<'_>, client: &Client, row: &Conversation) -> Result<bool> {
    if is_gone(tx, client)? {
        return Ok(false);
    }
    if row.is_creator(&client.identity) {
        return Ok(true);
    }
    Ok(role::of_client(tx, client, None)?.has(role::Permission::JoinConversation))
}

/// Opens an entity for following: permission, then what is newer than `after` (`None`: from now on). `budget` is what
/// the caller's whole batch may still replay; without any left the client is to ask again.
///
/// # Errors
/// The database's.
pub fn open(
    tx: &mut Transaction<'_>,
    client: &Client,
    entity: Entity,
    after: Option<i64>,
    correlation: &Value,
    budget: &mut usize,
) -> Result<Opened> {
    let projector = Projector {
        correlation: Some(correlation),
    };
    Ok(match owner(tx, client, entity)? {
        Owner::Missing => Opened::Missing,
        Owner::Denied => Opened::Denied,
        Owner::Conversation(row, member_since) => {
            let found = match after {
                Some(after) if *budget == 0 => return Ok(later(after, row.seq, member_since)),
                Some(after) => of_conversation(tx, &projector, entity, &row, after)?,
                None => Found::default(),
            };
            *budget = budget.saturating_sub(found.events.len());
            let document = matches!(entity, Entity::Document(_));
            let newest = if document { row.document_seq } else { row.seq };
            opened(found, newest, row.seq, member_since)
        }
        Owner::User(row) => {
            let found = match after {
                Some(after) if *budget == 0 => return Ok(later(after, row.seq, i64::MAX)),
                Some(after) => of_user(tx, &projector, entity, &row, after)?,
                None => Found::default(),
            };
            *budget = budget.saturating_sub(found.events.len());
            opened(found, row.seq, row.seq, i64::MAX)
        }
    })
}

fn opened(found: Found, newest: i64, seq: i64, member_since: i64) -> Opened {
    let last = if found.more {
        found.events.last().map(|e| e.id)
    } else {
        None
    };
    Opened::Yes {
        events: found.events,
        last_event_id: last.unwrap_or(newest),
        more: found.more,
        seq,
        member_since,
    }
}

/// Nothing is read now; the client asks again from where it is.
fn later(after: i64, seq: i64, member_since: i64) -> Opened {
    Opened::Yes {
        events: Vec::new(),
        last_event_id: after,
        more: true,
        seq,
        member_since,
    }
}
