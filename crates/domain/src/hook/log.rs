//! The log of calls: what was to be told, and what became of it. It is the table of [`super::delivery`], looked at from
//! outside.
//!
//! A list is newest first, by the numbers of the deliveries. Account, conversation, and with the account alone what did
//! not arrive, are ranges of an index. Dates are found in the numbers, which grow with time; what is left of a filter is
//! looked for row by row, and a page looks at no more than [`LOOKED`] of them: it may then be short, or empty, and have
//! a next one.

use confab_store::{Param, Row, params};
use confab_types::{AccountSid, ConversationSid, Cursor, Direction, KeyPart, Timestamp};

use super::delivery::{Attempt, Delivery, State, attempt, columns, read};
use crate::endpoint::Method;
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::sync::{opt_sid, sid};
use crate::{Order, Page, Result, Transaction, Window};

/// Rows that a page with filters looks at.
pub const LOOKED: usize = 5000;
/// Rows that are read at a time to be looked at.
const CHUNK: usize = 250;

/// How far numbers and dates may be apart, microseconds: a date is taken before the number, and a transaction that waited
/// for others in between has a later number with an earlier date.
const APART: i64 = 2_000_000;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The delivery's number.
    pub id: i64,
    /// Its account.
    pub account: AccountSid,
    /// Where it happened.
    pub conversation: Option<ConversationSid>,
    /// Name of the event.
    pub event: String,
    /// How it is called.
    pub method: Method,
    /// Where, with what the owner wrote into it: to be shown without passwords.
    pub url: String,
    /// The idempotency token.
    pub token: String,
    /// How far it is.
    pub state: State,
    /// Tries so far.
    pub attempts: i64,
    /// When it happened; of a replay, when it was asked for.
    pub created_at: Timestamp,
    /// The delivery that this one repeats.
    pub replay_of: Option<i64>,
    /// When the newest try began.
    pub attempted_at: Option<Timestamp>,
    /// How long it took, microseconds.
    pub duration: Option<i64>,
    /// HTTP status of its answer.
    pub status: Option<i64>,
    /// Why there was none.
    pub error: Option<String>,
}

impl From<Delivery> for Entry {
    fn from(delivery: Delivery) -> Self {
        let last = delivery.last;
        Self {
            id: delivery.id,
            account: delivery.account,
            conversation: delivery.conversation,
            event: delivery.event,
            method: delivery.method,
            url: delivery.url,
            token: delivery.token,
            state: delivery.state,
            attempts: delivery.attempts,
            created_at: delivery.created_at,
            replay_of: delivery.replay_of,
            attempted_at: last.as_ref().map(|a| a.at),
            duration: last.as_ref().map(|a| a.duration),
            status: last.as_ref().and_then(|a| a.status),
            error: last.and_then(|a| a.error),
        }
    }
}

/// Without bodies and answers: a page of them would be long.
macro_rules! line {
    () => {
        "id, account_sid, conversation_sid, event, method, url, token, state, attempts, created_at, replay_of, \
         attempted_at, duration, status, error"
    };
}

fn entry(mut row: Row) -> Result<Entry> {
    Ok(Entry {
        id: row.int()?,
        account: sid(&row.text()?)?,
        conversation: opt_sid(row.opt_text()?)?,
        event: row.text()?,
        method: Method::parse(&row.text()?)?,
        url: row.text()?,
        token: row.text()?,
        state: State::of_row(&row.text()?)?,
        attempts: row.int()?,
        created_at: Timestamp(row.int()?),
        replay_of: row.opt_int()?,
        attempted_at: row.opt_int()?.map(Timestamp),
        duration: row.opt_int()?,
        status: row.opt_int()?,
        error: row.opt_text()?,
    })
}

/// A delivery of an account with all its tries, oldest first.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, account: AccountSid, id: i64) -> Result<(Delivery, Vec<Attempt>)> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM webhook_delivery WHERE id = $1 AND account_sid = $2"
        ),
        params![id, account.to_string()],
    )?;
    let found = row.map(read).transpose()?.ok_or_else(|| Error::code(20404))?;
    let rows = tx.query(
        "SELECT attempted_at, duration, status, error, answer FROM webhook_attempt WHERE delivery_id = $1 \
         ORDER BY number",
        params![id],
    )?;
    let mut attempts = rows
        .into_iter()
        .map(|mut row| {
            let at = Timestamp(row.int()?);
            attempt(at, &mut row)
        })
        .collect::<Result<Vec<_>>>()?;
    attempts.extend(found.last.clone());
    Ok((found, attempts))
}

/// Which deliveries a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this conversation, also one that is gone.
    pub conversation: Option<ConversationSid>,
    /// In this state.
    pub state: Option<State>,
    /// Of this event.
    pub event: Option<String>,
    /// At or after this moment.
    pub from: Option<Timestamp>,
    /// At or before the second of this moment.
    pub to: Option<Timestamp>,
}

impl Filter {
    fn until(&self) -> Option<Timestamp> {
        self.to.map(second_after)
    }

    fn takes(&self, entry: &Entry) -> bool {
        self.state.is_none_or(|state| entry.state == state)
            && self.event.as_ref().is_none_or(|event| entry.event == *event)
            && self.from.is_none_or(|from| entry.created_at >= from)
            && self.until().is_none_or(|until| entry.created_at < until)
    }
}

/// The beginning of the second after a moment's: dates show seconds, and a row is found by the date that it shows.
pub(super) fn second_after(at: Timestamp) -> Timestamp {
    Timestamp((at.0 - at.0.rem_euclid(1_000_000)).saturating_add(1_000_000))
}

/// The numbers of deliveries between two moments, and a few around them: at or behind the first, before the second.
pub(super) fn numbers(
    tx: &mut Transaction<'_>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<(i64, i64)> {
    let first = match from {
        Some(at) => number_at(tx, Timestamp(at.0.saturating_sub(APART)))?,
        None => 0,
    };
    let end = match until {
        Some(at) => number_at(tx, Timestamp(at.0.saturating_add(APART)))?,
        None => i64::MAX,
    };
    Ok((first, end))
}

/// The lowest number from which on deliveries are of a moment or later. Halving, by the primary key: so no index by date
/// is written for each delivery.
fn number_at(tx: &mut Transaction<'_>, at: Timestamp) -> Result<i64> {
    let (mut low, mut high) = (0, newest(tx)? + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let row = tx.first(
            "SELECT id, created_at FROM webhook_delivery WHERE id >= $1 ORDER BY id LIMIT 1",
            params![middle],
        )?;
        let Some(mut row) = row else { break };
        let (id, created_at) = (row.int()?, row.int()?);
        if created_at >= at.0 {
            high = middle;
        } else {
            low = id + 1;
        }
    }
    Ok(low)
}

/// The highest number of all.
pub(super) fn newest(tx: &mut Transaction<'_>) -> Result<i64> {
    let row = tx.first(
        "SELECT id FROM webhook_delivery WHERE id <= $1 ORDER BY id DESC LIMIT 1",
        params![i64::MAX],
    )?;
    Ok(row.map(|mut row| row.int()).transpose()?.unwrap_or(0))
}

/// A page in either direction. A plus sign keeps the bound that is not needed in that direction away from the choice of
/// the range.
macro_rules! page {
    ($of:literal, $first:literal, $end:literal, $at:literal, $rows:literal) => {
        (
            concat!(
                "SELECT ",
                line!(),
                " FROM webhook_delivery WHERE ",
                $of,
                " AND +id >= ",
                $first,
                " AND id < ",
                $end,
                " AND id > ",
                $at,
                " ORDER BY id LIMIT ",
                $rows
            ),
            concat!(
                "SELECT ",
                line!(),
                " FROM webhook_delivery WHERE ",
                $of,
                " AND id >= ",
                $first,
                " AND +id < ",
                $end,
                " AND id < ",
                $at,
                " ORDER BY id DESC LIMIT ",
                $rows
            ),
        )
    };
}

/// The deliveries of an account, newest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    filter: &Filter,
    window: &Window,
) -> Result<Page<Entry>> {
    let (first, end) = numbers(tx, filter.from, filter.until())?;
    let in_index = filter.conversation.is_none() && filter.state != Some(State::Delivered);
    let plain = filter.event.is_none()
        && filter.from.is_none()
        && filter.to.is_none()
        && (filter.state.is_none() || in_index);
    let rows = Rows {
        account,
        conversation: filter.conversation,
        state: filter.state.filter(|_| in_index),
        first,
        end,
    };
    if plain {
        return rows.page(tx, window);
    }
    looked_through(
        |window| rows.page(tx, window),
        |entry| filter.takes(entry),
        window,
    )
}

/// Rows that an index gives in their order.
struct Rows {
    account: AccountSid,
    conversation: Option<ConversationSid>,
    state: Option<State>,
    first: i64,
    end: i64,
}

impl Rows {
    fn page(&self, tx: &mut Transaction<'_>, window: &Window) -> Result<Page<Entry>> {
        let account = self.account.to_string();
        let ((ascending, descending), mut params): (_, Vec<Param<'_>>) = match (self.conversation, self.state)
        {
            (Some(conversation), _) => (
                page!(
                    "account_sid = $1 AND conversation_sid = $2",
                    "$3",
                    "$4",
                    "$5",
                    "$6"
                ),
                params![account, conversation.to_string()].to_vec(),
            ),
            (None, Some(state)) => (
                page!(
                    "account_sid = $1 AND state <> 'delivered' AND state = $2",
                    "$3",
                    "$4",
                    "$5",
                    "$6"
                ),
                params![account, state.name()].to_vec(),
            ),
            (None, None) => (
                page!("account_sid = $1", "$2", "$3", "$4", "$5"),
                params![account].to_vec(),
            ),
        };
        params.push(self.first.into());
        params.push(self.end.into());
        Listing {
            ascending,
            descending,
            params,
            bounds: &[Bound::Int],
            // The range says where a list starts; past its first page the key does.
            edge: Some(KeyPart::Int(self.end)),
            read: entry,
            key: |entry| vec![KeyPart::Int(entry.id)],
        }
        .page(tx, Order::Descending, window)
    }
}

/// A page of those rows of a list that are wanted, among a limited number of them.
fn looked_through(
    mut rows: impl FnMut(&Window) -> Result<Page<Entry>>,
    wanted: impl Fn(&Entry) -> bool,
    window: &Window,
) -> Result<Page<Entry>> {
    let backwards = window
        .cursor
        .as_ref()
        .is_some_and(|c| c.direction == Direction::Previous);
    let (mut items, mut looked) = (Vec::new(), 0);
    let mut chunk = Window {
        cursor: window.cursor.clone(),
        size: CHUNK,
    };
    // Where looking goes on; none at the end of the list.
    let rest = loop {
        let page = rows(&chunk)?;
        looked += page.items.len();
        let rest = if backwards {
            items.extend(page.items.into_iter().rev().filter(&wanted));
            page.previous
        } else {
            items.extend(page.items.into_iter().filter(&wanted));
            page.next
        };
        if rest.is_none() || items.len() > window.size || looked >= LOOKED {
            break rest;
        }
        chunk.cursor = rest;
    };
    let surplus = items.len() > window.size;
    items.truncate(window.size);
    let cursor = |direction, id| Cursor {
        direction,
        key: vec![KeyPart::Int(id)],
    };
    let onward = match items.last() {
        Some(last) if surplus => {
            let direction = if backwards {
                Direction::Previous
            } else {
                Direction::Next
            };
            Some(cursor(direction, last.id))
        }
        _ => rest,
    };
    // An empty page leads back to where it began.
    let began = window.cursor.as_ref().and_then(|c| match c.key.first() {
        Some(KeyPart::Int(id)) => Some(*id),
        _ => None,
    });
    let back = began.map(|began| {
        let id = items.first().map(|entry| entry.id);
        if backwards {
            cursor(Direction::Next, id.unwrap_or(began.saturating_add(1)))
        } else {
            cursor(Direction::Previous, id.unwrap_or(began.saturating_sub(1)))
        }
    });
    Ok(if backwards {
        items.reverse();
        Page {
            items,
            next: back,
            previous: onward,
        }
    } else {
        Page {
            items,
            next: onward,
            previous: back,
        }
    })
}
