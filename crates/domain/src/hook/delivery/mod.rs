//! Calls that are to be made, and the log of those that were.
//!
//! A *lane* is what has to be told in order: one conversation's events to one listener (B-409). Its deliveries are
//! queued by their numbers; a lane with any has a row of its own, which says when the first one is due and who has it.
//! Adding to a lane and finding it empty both lock that row, so nothing is left lying in a lane without one. Who locks
//! several takes them in the order of [`rank`].
//!
//! A *target* is what fails together: an account's calls to one host and port. Lanes are claimed target by target, so a
//! dead one keeps nobody else waiting.

mod courier;
mod exchange;
mod lease;
mod prune;
mod queue;

use confab_store::Row;
use confab_types::{AccountSid, ConversationSid, Timestamp};
use url::{Origin, Position, Url};

use crate::Result;
use crate::endpoint::Method;
use crate::sync::{opt_sid, sid};

pub use courier::{Courier, Handed, Place};
pub use exchange::{BATCH, Claim, Due, Exchange, Lane, Next, Outcome, Settle, due};
pub use lease::{Expired, LEASE, Reclaim, Release, Resume, any_claimed, expired};
pub use prune::Prune;
pub use queue::token;
pub(super) use queue::wake_lane;
pub(crate) use queue::{Draft, cancel, enqueue};

/// A body of parameters (B-386).
pub const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// The lane of what happens in an order, for a listener.
pub(crate) fn lane(order: &str, listener: &str) -> String {
    format!("{order} {listener}")
}

/// Where a lane stands in the order in which one event locks those that it is told to: the owner's, then the others.
pub(super) fn rank(lane: &str) -> (String, bool, String) {
    let (order, listener) = lane.split_once(' ').unwrap_or((lane, ""));
    let is_owner = listener.split(' ').next() == Some(super::fire::OWNER);
    (order.to_owned(), !is_owner, listener.to_owned())
}

/// What fails together.
pub(super) fn target(account: AccountSid, url: &str) -> String {
    let origin = Url::parse(url).map_or_else(
        |_| String::new(),
        |url| match url.origin() {
            Origin::Opaque(_) => url[..Position::BeforePath].to_owned(), // NATS
            origin => origin.ascii_serialization(),
        },
    );
    format!("{account} {origin}")
}

/// As [`target`], for what is tried by another time: events of streams are given up later than calls of webhooks.
const OF_STREAMS: &str = " events";

/// What is before the mark of a target of event streams; `None` for a target of webhooks.
#[must_use]
pub fn of_streams(target: &str) -> Option<&str> {
    target.strip_suffix(OF_STREAMS)
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// To be called, for the first time or again.
    Queued,
    /// The listener took it.
    Delivered,
    /// Given up.
    Failed,
    /// Its listener was removed before.
    Canceled,
}

impl State {
    /// The word of a row, and of the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Delivered, Self::Failed, Self::Canceled]
            .into_iter()
            .find(|state| state.name() == text)
    }

    pub(super) fn of_row(word: &str) -> Result<Self> {
        Ok(Self::parse(word)
            .ok_or_else(|| confab_store::Error::Decode(format!("a delivery's state: {word}")))?)
    }
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, microseconds.
    pub duration: i64,
    /// HTTP status, when there was an answer.
    pub status: Option<i64>,
    /// Why there was none.
    pub error: Option<String>,
    /// Beginning of the answer's body, at most 1 KiB.
    pub answer: Option<String>,
}

/// A call to make, or one that was made.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its number; in a lane they grow in order.
    pub id: i64,
    /// The account, whose auth token signs.
    pub account: AccountSid,
    /// Where it happened.
    pub conversation: Option<ConversationSid>,
    /// The lane.
    pub lane: String,
    /// Name of the event.
    pub event: String,
    /// How it is called.
    pub method: Method,
    /// Where.
    pub url: String,
    /// Of the body.
    pub content_type: String,
    /// The parameters as a form, without the count of retries; or another body as it is sent.
    pub body: String,
    /// The same for all tries.
    pub token: String,
    /// How far it is.
    pub state: State,
    /// Tries so far.
    pub attempts: i64,
    /// The newest one.
    pub last: Option<Attempt>,
    /// When it happened; of a replay, when it was asked for.
    pub created_at: Timestamp,
    /// The delivery that this one repeats.
    pub replay_of: Option<i64>,
}

macro_rules! columns {
    () => {
        "id, account_sid, conversation_sid, lane, event, method, url, content_type, body, token, state, attempts, \
         created_at, replay_of, attempted_at, duration, status, error, answer"
    };
}

pub(super) use columns;

pub(super) fn read(mut row: Row) -> Result<Delivery> {
    Ok(Delivery {
        id: row.int()?,
        account: sid(&row.text()?)?,
        conversation: opt_sid(row.opt_text()?)?,
        lane: row.text()?,
        event: row.text()?,
        method: Method::parse(&row.text()?)?,
        url: row.text()?,
        content_type: row.text()?,
        body: row.text()?,
        token: row.text()?,
        state: State::of_row(&row.text()?)?,
        attempts: row.int()?,
        created_at: Timestamp(row.int()?),
        replay_of: row.opt_int()?,
        last: match row.opt_int()? {
            Some(at) => Some(attempt(Timestamp(at), &mut row)?),
            None => None,
        },
    })
}

pub(super) fn attempt(at: Timestamp, row: &mut Row) -> Result<Attempt> {
    Ok(Attempt {
        at,
        duration: row.opt_int()?.unwrap_or(0),
        status: row.opt_int()?,
        error: row.opt_text()?,
        answer: row.opt_text()?,
    })
}

#[cfg(test)]
mod tests {
    use confab_types::Sid as _;

    use super::*;

    #[test]
    fn targets_are_hosts_of_an_account() {
        let account = AccountSid::from_bits(7);
        let of = |url| target(account, url);
        assert_eq!(
            of("https://example.com/a"),
            of("https://user:x@example.com:443/b?c#d")
        );
        assert_ne!(of("https://example.com/"), of("http://example.com/"));
        assert_ne!(of("http://example.com/"), of("http://example.com:8080/"));
        assert_ne!(of("nats://example.com/a"), of("nats://example.org/a"));
        let nats = format!("{account} nats://example.com:4222");
        assert_eq!(of("nats://example.com:4222/a#b"), nats);
        assert_ne!(
            of("http://example.com/"),
            target(AccountSid::from_bits(8), "http://example.com/")
        );
    }
}
