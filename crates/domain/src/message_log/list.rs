//! The list of the log (B-885): newest first, by creation; with a filter by date by the date of sending, so that each
//! combination of filters is a range of one index. A row's place in either list never changes.

use confab_store::{Param, params};
use confab_types::{AccountSid, Address, KeyPart, Timestamp};

use super::{Entry, columns, read};
use crate::list::{Bound, Listing};
use crate::{Order, Page, Result, Transaction, Window, number};

/// Which messages a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// To this address.
    pub to: Option<String>,
    /// From this address.
    pub from: Option<String>,
    /// Sent at this moment or later.
    pub since: Option<Timestamp>,
    /// Sent before this moment.
    pub until: Option<Timestamp>,
}

/// Two statements in the order of creation. `$of` are conditions on the parameters between the account and the bound.
macro_rules! by_creation {
    ($of:literal, $at:literal, $sid:literal, $limit:literal) => {
        (
            concat!(
                "SELECT ",
                columns!(),
                " FROM message_log WHERE account_sid = $1",
                $of,
                " AND (created_at, sid) > (",
                $at,
                ", ",
                $sid,
                ") ORDER BY created_at, sid LIMIT ",
                $limit
            ),
            concat!(
                "SELECT ",
                columns!(),
                " FROM message_log WHERE account_sid = $1",
                $of,
                " AND (created_at, sid) < (",
                $at,
                ", ",
                $sid,
                ") ORDER BY created_at DESC, sid DESC LIMIT ",
                $limit
            ),
        )
    };
}

/// As [`by_creation!`] in the order of sending. `+ 0` keeps a limit out of the choice of the range, where the bound of
/// the page is the nearer one: SQLite has one limit on each side.
macro_rules! by_sending {
    ($of:literal, $since:literal, $until:literal, $at:literal, $sid:literal, $limit:literal) => {
        (
            concat!(
                "SELECT ",
                columns!(),
                " FROM message_log WHERE account_sid = $1",
                $of,
                " AND sent_at + 0 >= ",
                $since,
                " AND sent_at < ",
                $until,
                " AND (sent_at, sid) > (",
                $at,
                ", ",
                $sid,
                ") ORDER BY sent_at, sid LIMIT ",
                $limit
            ),
            concat!(
                "SELECT ",
                columns!(),
                " FROM message_log WHERE account_sid = $1",
                $of,
                " AND sent_at >= ",
                $since,
                " AND sent_at + 0 < ",
                $until,
                " AND (sent_at, sid) < (",
                $at,
                ", ",
                $sid,
                ") ORDER BY sent_at DESC, sid DESC LIMIT ",
                $limit
            ),
        )
    };
}

/// Whose messages.
enum Of {
    Everybody,
    /// Of a recipient, and perhaps from one sender.
    Recipient(String, Option<String>),
    /// Of a sender, and perhaps to one recipient.
    Sender(String, Option<String>),
}

impl Of {
    /// Of two addresses the index is asked for the phone: a number of the account has many messages, a phone few.
    fn choose(tx: &mut Transaction<'_>, account: AccountSid, filter: &Filter) -> Result<Self> {
        Ok(match (filter.to.clone(), filter.from.clone()) {
            (None, None) => Self::Everybody,
            (Some(to), None) => Self::Recipient(to, None),
            (None, Some(from)) => Self::Sender(from, None),
            (Some(to), Some(from)) => {
                let owner = Address::parse(&to).map(|to| number::owner(tx, &to)).transpose()?;
                if owner.flatten() == Some(account) {
                    Self::Sender(from, Some(to))
                } else {
                    Self::Recipient(to, Some(from))
                }
            }
        })
    }
}

/// The messages of an account, newest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    filter: &Filter,
    window: &Window,
) -> Result<Page<Entry>> {
    let of = Of::choose(tx, account, filter)?;
    let by_date = filter.since.is_some() || filter.until.is_some();
    let ((ascending, descending), mut params): (_, Vec<Param<'_>>) = match (of, by_date) {
        (Of::Everybody, false) => (
            by_creation!("", "$2", "$3", "$4"),
            params![account.to_string()].to_vec(),
        ),
        (Of::Recipient(to, from), false) => (
            by_creation!(
                " AND recipient = $2 AND (CAST($3 AS TEXT) IS NULL OR sender = $3)",
                "$4",
                "$5",
                "$6"
            ),
            params![account.to_string(), to, from].to_vec(),
        ),
        (Of::Sender(from, to), false) => (
            by_creation!(
                " AND sender = $2 AND (CAST($3 AS TEXT) IS NULL OR recipient = $3)",
                "$4",
                "$5",
                "$6"
            ),
            params![account.to_string(), from, to].to_vec(),
        ),
        (Of::Everybody, true) => (
            by_sending!("", "$2", "$3", "$4", "$5", "$6"),
            params![account.to_string()].to_vec(),
        ),
        (Of::Recipient(to, from), true) => (
            by_sending!(
                " AND recipient = $2 AND (CAST($3 AS TEXT) IS NULL OR sender = $3)",
                "$4",
                "$5",
                "$6",
                "$7",
                "$8"
            ),
            params![account.to_string(), to, from].to_vec(),
        ),
        (Of::Sender(from, to), true) => (
            by_sending!(
                " AND sender = $2 AND (CAST($3 AS TEXT) IS NULL OR recipient = $3)",
                "$4",
                "$5",
                "$6",
                "$7",
                "$8"
            ),
            params![account.to_string(), from, to].to_vec(),
        ),
    };
    let until = filter.until.map_or(i64::MAX, |t| t.0);
    if by_date {
        params.push(filter.since.map_or(0, |t| t.0).into());
        params.push(until.into());
    }
    Listing {
        ascending,
        descending,
        params,
        bounds: &[Bound::Int, Bound::Text],
        edge: by_date.then_some(KeyPart::Int(until)),
        read,
        key: if by_date { sent } else { created },
    }
    .page(tx, Order::Descending, window)
}

fn created(entry: &Entry) -> Vec<KeyPart> {
    vec![KeyPart::Int(entry.created_at.0), KeyPart::Text(entry.sid.clone())]
}

fn sent(entry: &Entry) -> Vec<KeyPart> {
    let at = entry.sent_at.unwrap_or(entry.created_at);
    vec![KeyPart::Int(at.0), KeyPart::Text(entry.sid.clone())]
}
