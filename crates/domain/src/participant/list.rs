//! Lists of participants.

use confab_store::params;
use confab_types::{ConversationSid, KeyPart, ServiceSid, UserSid};

use super::row::{Participant, columns, many, read};
use crate::list::{Bound, Listing};
use crate::sync::sid;
use crate::{Order, Page, Result, Transaction, Window};

/// All participants of a conversation; their number is limited (B-178).
pub(crate) fn of_conversation_all(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
) -> Result<Vec<Participant>> {
    many(tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 ORDER BY sid"
        ),
        params![conversation.to_string()],
    )?)
}

/// The users who are in a conversation, and the members of a public channel.
///
/// # Errors
/// The database's.
pub fn users(tx: &mut Transaction<'_>, conversation: ConversationSid) -> Result<Vec<UserSid>> {
    let rows = tx.query(
        "SELECT chat_user.sid FROM participant \
         JOIN chat_user ON chat_user.service_sid = participant.service_sid AND chat_user.identity = participant.identity \
         WHERE participant.conversation_sid = $1",
        params![conversation.to_string()],
    )?;
    rows.into_iter().map(|mut row| sid(&row.text()?)).collect()
}

/// All participants that a user is.
pub(crate) fn of_user_all(tx: &mut Transaction<'_>, user: UserSid) -> Result<Vec<Participant>> {
    many(tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE user_sid = $1 ORDER BY conversation_sid"
        ),
        params![user.to_string()],
    )?)
}

/// The members that an identity is in public channels of a service.
pub(crate) fn of_identity_public(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    identity: &str,
) -> Result<Vec<Participant>> {
    many(tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE service_sid = $1 AND identity = $2 AND user_sid IS NULL \
             ORDER BY conversation_sid"
        ),
        params![service.to_string(), identity],
    )?)
}

/// The participants of a conversation that chat, oldest first: the members of a channel. At most 50 others lie
/// between them, so those are passed over.
///
/// # Errors
/// The database's.
pub fn members(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    window: &Window,
) -> Result<Page<Participant>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND identity IS NOT NULL AND sid > $2 \
             ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND identity IS NOT NULL AND sid < $2 \
             ORDER BY sid DESC LIMIT $3"
        ),
        params: params![conversation.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: list_key,
    }
    .page(tx, Order::Ascending, window)
}

/// As [`members`], only the one of an identity.
///
/// # Errors
/// The database's.
pub(crate) fn members_called(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    identity: &str,
    window: &Window,
) -> Result<Page<Participant>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND identity = $2 AND sid > $3 ORDER BY sid LIMIT $4"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND identity = $2 AND sid < $3 \
             ORDER BY sid DESC LIMIT $4"
        ),
        params: params![conversation.to_string(), identity.to_owned()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: list_key,
    }
    .page(tx, Order::Ascending, window)
}

/// Where a participant stands in the list of its conversation.
pub(crate) fn list_key(participant: &Participant) -> Vec<KeyPart> {
    vec![KeyPart::Text(participant.sid.to_string())]
}

/// The participants that a user is, by conversation: the user's conversations.
///
/// # Errors
/// The database's.
pub fn of_user(
    tx: &mut Transaction<'_>,
    user: UserSid,
    order: Order,
    window: &Window,
) -> Result<Page<Participant>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE user_sid = $1 AND conversation_sid > $2 ORDER BY conversation_sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE user_sid = $1 AND conversation_sid < $2 \
             ORDER BY conversation_sid DESC LIMIT $3"
        ),
        params: params![user.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |p| vec![KeyPart::Text(p.conversation.to_string())],
    }
    .page(tx, order, window)
}

/// As [`of_user`] without those that no look-up shows (B-189).
pub(crate) fn of_user_found(
    tx: &mut Transaction<'_>,
    user: UserSid,
    window: &Window,
) -> Result<Page<Participant>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE user_sid = $1 AND findable = 1 AND conversation_sid > $2 \
             ORDER BY conversation_sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE user_sid = $1 AND findable = 1 AND conversation_sid < $2 \
             ORDER BY conversation_sid DESC LIMIT $3"
        ),
        params: params![user.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |p| vec![KeyPart::Text(p.conversation.to_string())],
    }
    .page(tx, Order::Ascending, window)
}

/// The participants of a service with an address, by conversation. One conversation may have it behind several
/// numbers.
pub(crate) fn of_address(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    address: &str,
    window: &Window,
) -> Result<Page<Participant>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE service_sid = $1 AND address = $2 AND (conversation_sid, sid) > ($3, $4) \
             ORDER BY conversation_sid, sid LIMIT $5"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE service_sid = $1 AND address = $2 AND (conversation_sid, sid) < ($3, $4) \
             ORDER BY conversation_sid DESC, sid DESC LIMIT $5"
        ),
        params: params![service.to_string(), address].to_vec(),
        bounds: &[Bound::Text, Bound::Text],
        edge: None,
        read,
        key: |p| vec![
            KeyPart::Text(p.conversation.to_string()),
            KeyPart::Text(p.sid.to_string()),
        ],
    }
    .page(tx, Order::Ascending, window)
}

/// What a user changed in his conversations after a count.
pub(crate) fn user_changes(
    tx: &mut Transaction<'_>,
    user: UserSid,
    after: i64,
    most: i64,
) -> Result<Vec<Participant>> {
    many(tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE user_sid = $1 AND user_seq > $2 ORDER BY user_seq LIMIT $3"
        ),
        params![user.to_string(), after, most],
    )?)
}

/// The participants that changed after a count of their conversation.
pub(crate) fn changes(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    after: i64,
) -> Result<Vec<Participant>> {
    many(tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND seq > $2 ORDER BY seq"
        ),
        params![conversation.to_string(), after],
    )?)
}

/// The participants of a conversation, oldest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    order: Order,
    window: &Window,
) -> Result<Page<Participant>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
        ),
        params: params![conversation.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |p| vec![KeyPart::Text(p.sid.to_string())],
    }
    .page(tx, order, window)
}
