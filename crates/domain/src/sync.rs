//! What SDK clients follow: the five Sync entities as views of rows (realtime.md §4), and what changed in one after a
//! given event id. There is no event log: each row knows the count at which it last changed.

use confab_store::{Row, params};
use confab_types::{Sid, Timestamp};

use crate::conversation::Conversation;
use crate::error::Error;
use crate::message::{self, Message};
use crate::participant::{self, Participant};
use crate::{Order, Result, Transaction, Window};

/// Kinds of tombstones.
pub(crate) const MESSAGE: &str = "message";
pub(crate) const PARTICIPANT: &str = "participant";
pub(crate) const CONVERSATION: &str = "conversation";

/// What is left of a removed item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Count at the removal.
    pub seq: i64,
    /// Count at the item's creation.
    pub created_seq: i64,
    /// Key of the item: a SID, or the index of a message.
    pub item: String,
    /// Last data of the item without what people wrote (a removed text is gone).
    pub data: String,
    /// When it was removed.
    pub removed_at: Timestamp,
}

/// Reads a SID of a row.
pub(crate) fn sid<S: Sid>(text: &str) -> Result<S> {
    S::parse(text).ok_or_else(|| {
        Error::Store(confab_store::Error::Decode(format!(
            "{text} is no SID of the kind {}",
            S::PREFIX
        )))
    })
}

/// Reads a SID of a row that may be NULL.
pub(crate) fn opt_sid<S: Sid>(text: Option<String>) -> Result<Option<S>> {
    text.as_deref().map(sid).transpose()
}

pub(crate) fn bury(
    tx: &mut Transaction<'_>,
    stream: &str,
    kind: &'static str,
    stone: &Tombstone,
) -> Result<()> {
    tx.push(
        "INSERT INTO tombstone (stream, kind, seq, created_seq, item, data, removed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            stream,
            kind,
            stone.seq,
            stone.created_seq,
            &stone.item,
            &stone.data,
            stone.removed_at.0
        ],
    )?;
    Ok(())
}

fn stones(tx: &mut Transaction<'_>, stream: &str, kind: &'static str, after: i64) -> Result<Vec<Tombstone>> {
    // One that was made and removed after the client's last look is nothing to it (realtime.md §4.9).
    let rows = tx.query(
        "SELECT seq, created_seq, item, data, removed_at FROM tombstone \
         WHERE stream = $1 AND kind = $2 AND seq > $3 AND created_seq <= $3 ORDER BY seq LIMIT $4",
        params![stream, kind, after, REPLAY_ROWS],
    )?;
    let read = |mut row: Row| -> Result<Tombstone> {
        Ok(Tombstone {
            seq: row.int()?,
            created_seq: row.int()?,
            item: row.text()?,
            data: row.text()?,
            removed_at: Timestamp(row.int()?),
        })
    };
    rows.into_iter().map(read).collect()
}

pub(crate) fn removed_message(message: &Message) -> String {
    serde_json::json!({
        "sid": message.sid, "index": message.index, "author": message.author, "type": "text",
        "timestamp": message.created_at.iso_millis(), "dateUpdated": message.updated_at.iso_millis(),
        "memberSid": message.participant, "contentSid": message.content, "attributes": "{}"
    })
    .to_string()
}

pub(crate) fn removed_participant(participant: &Participant) -> String {
    let mut data =
        serde_json::json!({"type": participant.kind(), "attributes": "{}", "roleSid": participant.role_sid});
    if let Some(identity) = &participant.identity {
        data["identity"] = identity.as_str().into();
    }
    data.to_string()
}

pub(crate) fn left_conversation(member: &Participant) -> String {
    serde_json::json!({
        "channel": format!("{}.channel", member.conversation), "status": "joined",
        "lastConsumedMessageIndex": member.last_read_index, "notificationLevel": member.notification_level
    })
    .to_string()
}

/// What happened to one item of an entity since a client last looked.
#[derive(Clone, Debug)]
pub enum Replayed<T> {
    /// It was made since.
    Added(T),
    /// It was there and changed.
    Updated(T),
    /// It was there and is gone.
    Removed(Tombstone),
}

impl<T> Replayed<T> {
    fn of(item: T, created_seq: i64, after: i64) -> Self {
        if created_seq > after {
            Self::Added(item)
        } else {
            Self::Updated(item)
        }
    }
}

/// Items of an entity that one replay gives at most; a client that missed more asks again from where it is.
pub const REPLAY_LIMIT: usize = 5000;
const REPLAY_ROWS: i64 = 5001;

/// What changed in an entity, in the order of event ids.
#[derive(Debug)]
pub struct Changes<T> {
    /// Event ids and items.
    pub items: Vec<(i64, Replayed<T>)>,
    /// Whether more is left, with higher ids.
    pub more: bool,
}

/// A list of changes, read upwards.
struct Part<T> {
    items: Vec<(i64, Replayed<T>)>,
    /// Highest id up to which nothing is missing; `None` when it was read to its end.
    complete_to: Option<i64>,
}

impl<T> Part<T> {
    /// A list that was read with a limit of [`REPLAY_ROWS`].
    fn limited(items: Vec<(i64, Replayed<T>)>) -> Self {
        let full = items.len() > REPLAY_LIMIT;
        let complete_to = items.last().filter(|_| full).map(|(id, _)| *id);
        Self { items, complete_to }
    }
}

/// An item that was made since a client last looked, and changed since it was made.
struct Late<T> {
    /// Count at its creation.
    made: i64,
    /// Count at its last change.
    changed: i64,
    item: T,
}

impl<T> Changes<T> {
    /// Puts lists together. Where one was cut, what the others have above that is left for the next time: ids must
    /// come in order, without a gap.
    ///
    /// An item of `late` is in the lists by its last change. Where that is left for the next time but its creation is
    /// not, it is told as made here, or the client would hear only of a change of something that it does not know.
    fn merge(parts: Vec<Part<T>>, late: Vec<Late<T>>) -> Self {
        let mut cut = parts.iter().filter_map(|part| part.complete_to).min();
        let mut items: Vec<(i64, Replayed<T>)> = parts.into_iter().flat_map(|part| part.items).collect();
        items.sort_by_key(|(id, _)| *id);
        items.retain(|(id, _)| cut.is_none_or(|last| *id <= last));
        if items.len() > REPLAY_LIMIT {
            items.truncate(REPLAY_LIMIT);
            cut = items.last().map(|(id, _)| *id);
        }
        if let Some(last) = cut {
            let told = late.into_iter().filter(|l| l.made <= last && l.changed > last);
            items.extend(told.map(|l| (l.made, Replayed::Added(l.item))));
            items.sort_by_key(|(id, _)| *id);
        }
        Self {
            items,
            more: cut.is_some(),
        }
    }
}

/// What changed among the messages of a conversation after an event id. Changed ones are in an index; new ones are
/// found by their index, which grows with the count at creation: the cost is that of what was missed, however long
/// the conversation is.
///
/// # Errors
/// The database's.
pub fn messages_after(
    tx: &mut Transaction<'_>,
    conversation: &Conversation,
    after: i64,
) -> Result<Changes<Message>> {
    let changed = message::changed_after(tx, conversation, after, REPLAY_ROWS)?
        .into_iter()
        .map(|m| (m.seq, Replayed::of(m.clone(), m.created_seq, after)))
        .collect();
    let changed = Part::limited(changed);
    let first = first_made_after(tx, conversation, after)?;
    let window = Window {
        cursor: Some(confab_types::Cursor::after(first - 1)),
        size: REPLAY_LIMIT + 1,
    };
    let page = message::list(tx, conversation, Order::Ascending, &window)?;
    let complete_to = page
        .items
        .last()
        .filter(|_| page.next.is_some())
        .map(|m| m.created_seq);
    // Those that also changed are in the other list, with their newer id.
    let (made, late): (Vec<_>, Vec<_>) = page.items.into_iter().partition(|m| m.seq == m.created_seq);
    let late = late
        .into_iter()
        .map(|m| Late {
            made: m.created_seq,
            changed: m.seq,
            item: Message {
                seq: m.created_seq,
                ..m
            },
        })
        .collect();
    let made = Part {
        items: made.into_iter().map(|m| (m.seq, Replayed::Added(m))).collect(),
        complete_to,
    };
    let gone = buried(tx, &conversation.sid.to_string(), MESSAGE, after)?;
    Ok(Changes::merge(vec![changed, made, gone], late))
}

/// Messages that are looked at one by one.
const FEW: i64 = 4;

/// The lowest index whose message may have been made after a count. Most clients missed little, so the end is looked
/// at first; then the interval is halved.
fn first_made_after(tx: &mut Transaction<'_>, conversation: &Conversation, after: i64) -> Result<i64> {
    let mut high = conversation.next_index;
    let mut step = FEW;
    let mut low = loop {
        let at = high - step;
        if at <= 0 {
            break 0;
        }
        if message::created_seq_from(tx, conversation.sid, at)?.is_some_and(|seq| seq <= after) {
            break at;
        }
        high = at;
        step *= 2;
    };
    while high - low > FEW {
        let middle = low + (high - low) / 2;
        if message::created_seq_from(tx, conversation.sid, middle)?.is_some_and(|seq| seq <= after) {
            low = middle;
        } else {
            high = middle;
        }
    }
    // The few before the first one are passed over by their count.
    for index in low..high {
        if message::created_seq_from(tx, conversation.sid, index)?.is_none_or(|seq| seq > after) {
            return Ok(index);
        }
    }
    Ok(high)
}

fn buried<T>(tx: &mut Transaction<'_>, stream: &str, kind: &'static str, after: i64) -> Result<Part<T>> {
    let stones = stones(tx, stream, kind, after)?;
    let items = stones
        .into_iter()
        .map(|stone| (stone.seq, Replayed::Removed(stone)))
        .collect();
    Ok(Part::limited(items))
}

/// What changed among the participants of a conversation after an event id.
///
/// # Errors
/// The database's.
pub fn participants_after(
    tx: &mut Transaction<'_>,
    conversation: &Conversation,
    after: i64,
) -> Result<Changes<Participant>> {
    let present = participant::changes(tx, conversation.sid, after)?
        .into_iter()
        .map(|p| (p.seq, Replayed::of(p.clone(), p.created_seq, after)))
        .collect();
    let gone = buried(tx, &conversation.sid.to_string(), PARTICIPANT, after)?;
    // The SDK takes a change of one that it does not know as a new one.
    Ok(Changes::merge(vec![Part::limited(present), gone], Vec::new()))
}

/// What changed among the conversations of a user after an event id.
///
/// # Errors
/// The database's.
pub fn conversations_after(
    tx: &mut Transaction<'_>,
    user: confab_types::UserSid,
    after: i64,
) -> Result<Changes<Participant>> {
    let present = participant::user_changes(tx, user, after, REPLAY_ROWS)?
        .into_iter()
        .map(|p| (p.user_seq, Replayed::of(p.clone(), p.user_created_seq, after)))
        .collect();
    let gone = buried(tx, &user.to_string(), CONVERSATION, after)?;
    // The SDK takes a change of one that it does not know as a new one.
    Ok(Changes::merge(vec![Part::limited(present), gone], Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(ids: &[i64], complete_to: Option<i64>) -> Part<i64> {
        Part {
            items: ids.iter().map(|id| (*id, Replayed::Added(*id))).collect(),
            complete_to,
        }
    }

    fn ids(changes: &Changes<i64>) -> Vec<i64> {
        changes.items.iter().map(|(id, _)| *id).collect()
    }

    #[test]
    fn a_cut_list_holds_the_others_back() {
        let whole = Changes::merge(vec![part(&[3, 9], None), part(&[1, 5], None)], Vec::new());
        assert_eq!((ids(&whole), whole.more), (vec![1, 3, 5, 9], false));
        let cut = Changes::merge(vec![part(&[3, 9], None), part(&[1, 5], Some(6))], Vec::new());
        assert_eq!((ids(&cut), cut.more), (vec![1, 3, 5], true));
    }

    #[test]
    fn what_was_made_before_the_cut_and_changed_behind_it_is_told_as_made() {
        let late = |made, changed| Late {
            made,
            changed,
            item: made,
        };
        let late = || vec![late(2, 4), late(3, 20), late(7, 30)];
        // The changes of 2, 3 and 7 are in their list; what was made was read up to 6.
        let parts = || vec![part(&[4, 20, 30], None), part(&[1, 5], Some(6))];
        let cut = Changes::merge(parts(), late());
        assert_eq!((ids(&cut), cut.more), (vec![1, 3, 4, 5], true));
        assert!(matches!(cut.items[1], (3, Replayed::Added(3))));
        // All that was made has changed since: there is something to go on from all the same.
        let changed = Changes::merge(vec![part(&[20, 30], None), part(&[], Some(6))], late());
        assert_eq!((ids(&changed), changed.more), (vec![3], true));
        let whole = Changes::merge(vec![part(&[4, 20, 30], None), part(&[1, 5], None)], late());
        assert_eq!((ids(&whole), whole.more), (vec![1, 4, 5, 20, 30], false));
    }

    #[test]
    fn a_replay_has_a_greatest_length() {
        let many: Vec<i64> = (0..6000).collect();
        let changes = Changes::merge(vec![part(&many, None)], Vec::new());
        assert_eq!((changes.items.len(), changes.more), (REPLAY_LIMIT, true));
    }
}
