//! What a follower missed, read from the rows (realtime.md §4.8, §4.9).

use confab_domain::conversation::{self, Conversation};
use confab_domain::{Client, Result, Stream, Transaction, participant, role, sync, user};
use serde_json::Value;

use crate::entity::Entity;
use crate::project::{Event, Projector, membership_item, message_item, roster_item};

/// Everything of a stream after a count.
pub struct Catchup {
    /// Events in the order to send them.
    pub events: Vec<Event>,
    /// Count of the stream in the same snapshot.
    pub seq: i64,
}

/// Everything of a whole stream after a count, or only its count; `None` when it is gone.
///
/// # Errors
/// The database's.
pub fn catch_up(tx: &mut Transaction<'_>, stream: Stream, after: Option<i64>) -> Result<Option<Catchup>> {
    let projector = Projector::default();
    let mut events = Vec::new();
    let seq = match stream {
        Stream::Conversation(sid) => {
            let Some(row) = conversation::by_sid(tx, sid)? else {
                return Ok(None);
            };
            if let Some(after) = after {
                for entity in [Entity::Roster(sid), Entity::Messages(sid), Entity::Document(sid)] {
                    events.extend(of_conversation(tx, &projector, entity, &row, after)?);
                }
            }
            row.seq
        }
        Stream::User(sid) => {
            let Some(row) = user::by_sid_alone(tx, sid)? else {
                return Ok(None);
            };
            if let Some(after) = after {
                events.extend(of_user(tx, &projector, Entity::Conversations(sid), &row, after)?);
                events.extend(of_user(tx, &projector, Entity::UserInfo(sid), &row, after)?);
            }
            row.seq
        }
    };
    Ok(Some(Catchup { events, seq }))
}

fn of_conversation(
    tx: &mut Transaction<'_>,
    projector: &Projector<'_>,
    entity: Entity,
    row: &Conversation,
    after: i64,
) -> Result<Vec<Event>> {
    Ok(match entity {
        Entity::Document(_) => {
            let changed = row.document_seq > after;
            changed
                .then(|| projector.document(row))
                .flatten()
                .into_iter()
                .collect()
        }
        Entity::Messages(_) => sync::messages_after(tx, row, after)?
            .iter()
            .filter_map(|(_, change)| projector.replayed(entity, message_item, change))
            .collect(),
        _ => sync::participants_after(tx, row, after)?
            .iter()
            .filter_map(|(_, change)| projector.replayed(entity, roster_item, change))
            .collect(),
    })
}

fn of_user(
    tx: &mut Transaction<'_>,
    projector: &Projector<'_>,
    entity: Entity,
    row: &user::User,
    after: i64,
) -> Result<Vec<Event>> {
    Ok(match entity {
        Entity::UserInfo(_) => projector.user_after(row, after),
        _ => sync::conversations_after(tx, row.sid, after)?
            .iter()
            .filter_map(|(_, change)| projector.replayed(entity, membership_item, change))
            .collect(),
    })
}

/// Whether a client may follow an entity now, and what it has missed.
pub enum Opened {
    /// It may.
    Yes {
        /// Events after the id that it named.
        events: Vec<Event>,
        /// Newest id of the entity.
        last_event_id: i64,
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
        Entity::Conversations(sid) | Entity::UserInfo(sid) => {
            Ok(user::by_sid(tx, client.service, sid)?.map_or(Owner::Missing, |u| Owner::User(Box::new(u))))
        }
        Entity::Document(sid) | Entity::Messages(sid) | Entity::Roster(sid) => {
            let Some(row) = conversation::find(tx, client.service, &sid.to_string())? else {
                return Ok(Owner::Missing);
            };
            if let Some(me) = participant::by_identity(tx, row.sid, &client.identity)? {
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

/// Whether a client who is no participant may read the conversation itself (B-711).
///
/// # Errors
/// The database's.
pub fn may_read(tx: &mut Transaction<'_>, client: &Client, row: &Conversation) -> Result<bool> {
    if row.created_by == client.identity {
        return Ok(true);
    }
    Ok(role::of_client(tx, client, None)?.has(role::Permission::JoinConversation))
}

/// Opens an entity for following: permission, then what is newer than `after` (`None`: from now on).
///
/// # Errors
/// The database's.
pub fn open(
    tx: &mut Transaction<'_>,
    client: &Client,
    entity: Entity,
    after: Option<i64>,
    correlation: &Value,
) -> Result<Opened> {
    let projector = Projector {
        correlation: Some(correlation),
    };
    Ok(match owner(tx, client, entity)? {
        Owner::Missing => Opened::Missing,
        Owner::Denied => Opened::Denied,
        Owner::Conversation(row, member_since) => {
            let events = match after {
                Some(after) => of_conversation(tx, &projector, entity, &row, after)?,
                None => Vec::new(),
            };
            let document = matches!(entity, Entity::Document(_));
            let last_event_id = if document { row.document_seq } else { row.seq };
            Opened::Yes {
                events,
                last_event_id,
                seq: row.seq,
                member_since,
            }
        }
        Owner::User(row) => {
            let events = match after {
                Some(after) => of_user(tx, &projector, entity, &row, after)?,
                None => Vec::new(),
            };
            Opened::Yes {
                events,
                last_event_id: row.seq,
                seq: row.seq,
                member_since: i64::MAX,
            }
        }
    })
}
