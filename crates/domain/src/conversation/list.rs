//! Lists of conversations.

use confab_store::params;
use confab_types::{ConversationSid, KeyPart, ServiceSid, Timestamp, UserSid};

use super::row::{columns, read};
use super::{Conversation, State};
use crate::list::{Bound, Listing};
use crate::{Order, Page, Result, Transaction, Window};

/// The conversations of one page of a user's: those from the first to the last of it, in any order.
pub(crate) fn of_user_between(
    tx: &mut Transaction<'_>,
    user: UserSid,
    (first, last): (ConversationSid, ConversationSid),
) -> Result<Vec<Conversation>> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM conversation WHERE sid IN (SELECT conversation_sid FROM participant \
             WHERE user_sid = $1 AND conversation_sid >= $2 AND conversation_sid <= $3)"
        ),
        params![user.to_string(), first.to_string(), last.to_string()],
    )?;
    rows.into_iter().map(read).collect()
}

/// As [`of_user_between`] for an address in a service.
pub(crate) fn of_address_between(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    address: &str,
    (first, last): (ConversationSid, ConversationSid),
) -> Result<Vec<Conversation>> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM conversation WHERE sid IN (SELECT conversation_sid FROM participant WHERE service_sid = $1 \
             AND address = $2 AND conversation_sid >= $3 AND conversation_sid <= $4)"
        ),
        params![service.to_string(), address, first.to_string(), last.to_string()],
    )?;
    rows.into_iter().map(read).collect()
}

/// Which conversations a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created at or before.
    pub to: Option<Timestamp>,
    /// In this state.
    pub state: Option<State>,
    /// The public channels of Chat instead of the conversations.
    pub public: bool,
}

/// Where a conversation stands in the list of its service.
pub(crate) fn list_key(conversation: &Conversation) -> Vec<KeyPart> {
    vec![
        KeyPart::Int(conversation.created_at.0),
        KeyPart::Text(conversation.sid.to_string()),
    ]
}

/// A page of a service's conversations, in either direction. A plus sign keeps the bound that is not needed in that
/// direction away from the choice of an index.
macro_rules! page {
    (after, $of:literal, $created:literal, $sid:literal, $rows:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM conversation WHERE service_sid = $1 AND +created_at >= $2 AND created_at <= $3 AND ",
            $of,
            " AND (created_at, sid) > (",
            $created,
            ", ",
            $sid,
            ") ORDER BY created_at, sid LIMIT ",
            $rows
        )
    };
    (before, $of:literal, $created:literal, $sid:literal, $rows:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM conversation WHERE service_sid = $1 AND created_at >= $2 AND +created_at <= $3 AND ",
            $of,
            " AND (created_at, sid) < (",
            $created,
            ", ",
            $sid,
            ") ORDER BY created_at DESC, sid DESC LIMIT ",
            $rows
        )
    };
}

/// The conversations of a service, newest first (B-129, B-131). With or without a state it is a range of one index.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    filter: &Filter,
    window: &Window,
) -> Result<Page<Conversation>> {
    let from = filter.from.map_or(i64::MIN, |t| t.0);
    let to = filter.to.map_or(i64::MAX, |t| t.0);
    let service = service.to_string();
    let (ascending, descending, params) = match (filter.public, filter.state) {
        (true, _) => (
            page!(after, "channel_type = 'public'", "$4", "$5", "$6"),
            page!(before, "channel_type = 'public'", "$4", "$5", "$6"),
            params![service, from, to].to_vec(),
        ),
        (false, None) => (
            page!(after, "channel_type = 'private'", "$4", "$5", "$6"),
            page!(before, "channel_type = 'private'", "$4", "$5", "$6"),
            params![service, from, to].to_vec(),
        ),
        (false, Some(state)) => (
            page!(after, "channel_type = 'private' AND state = $4", "$5", "$6", "$7"),
            page!(
                before,
                "channel_type = 'private' AND state = $4",
                "$5",
                "$6",
                "$7"
            ),
            params![service, from, to, state.name()].to_vec(),
        ),
    };
    Listing {
        ascending,
        descending,
        params,
        bounds: &[Bound::Int, Bound::Text],
        // The date range bounds where a list starts; past its first page the key does.
        edge: filter.to.map(|t| KeyPart::Int(t.0)),
        read,
        key: list_key,
    }
    .page(tx, Order::Descending, window)
}
