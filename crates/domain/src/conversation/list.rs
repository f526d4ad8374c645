//! Lists of conversations.

use confab_store::params;
use confab_types::{KeyPart, ServiceSid, Timestamp};

use super::row::{columns, read};
use super::{Conversation, State};
use crate::list::{Bound, Listing};
use crate::{Order, Page, Result, Transaction, Window};

/// Which conversations a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created at or before.
    pub to: Option<Timestamp>,
    /// In this state.
    pub state: Option<State>,
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
    // A plus sign keeps the bound that is not needed in that direction away from the choice of an index.
    let (ascending, descending, params) = match filter.state {
        None => (
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE service_sid = $1 AND +created_at >= $2 AND created_at <= $3 \
                 AND (created_at, sid) > ($4, $5) ORDER BY created_at, sid LIMIT $6"
            ),
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE service_sid = $1 AND created_at >= $2 AND +created_at <= $3 \
                 AND (created_at, sid) < ($4, $5) ORDER BY created_at DESC, sid DESC LIMIT $6"
            ),
            params![service, from, to].to_vec(),
        ),
        Some(state) => (
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE service_sid = $1 AND +created_at >= $2 AND created_at <= $3 \
                 AND state = $4 AND (created_at, sid) > ($5, $6) ORDER BY created_at, sid LIMIT $7"
            ),
            concat!(
                "SELECT ",
                columns!(),
                " FROM conversation WHERE service_sid = $1 AND created_at >= $2 AND +created_at <= $3 \
                 AND state = $4 AND (created_at, sid) < ($5, $6) ORDER BY created_at DESC, sid DESC LIMIT $7"
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
        key: |c| vec![KeyPart::Int(c.created_at.0), KeyPart::Text(c.sid.to_string())],
    }
    .page(tx, Order::Descending, window)
}
