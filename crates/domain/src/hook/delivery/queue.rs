//! Writing down what is to be told.

use confab_store::params;
use confab_types::{AccountSid, ConversationSid};

use super::{Delivery, Handed, LEASE, Lane, OF_STREAMS, Place, State, target};
use crate::endpoint::Method;
use crate::hook::is_of_stream;
use crate::{Cx, Effect, Result, Transaction};

/// What is to be told to one listener.
pub(crate) struct Draft<'a> {
    pub(crate) account: AccountSid,
    pub(crate) conversation: Option<ConversationSid>,
    pub(crate) lane: String,
    pub(crate) event: &'static str,
    pub(crate) method: Method,
    pub(crate) url: &'a str,
    pub(crate) content_type: &'static str,
    pub(crate) body: &'a str,
}

/// Writes a call down, for after the commit.
pub(crate) fn enqueue(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, draft: &Draft<'_>) -> Result<()> {
    let mut target = target(draft.account, draft.url);
    if is_of_stream(draft.content_type) {
        target.push_str(OF_STREAMS);
    }
    let token = token(cx.bits());
    // The lane first: numbers are taken under its lock, so that they grow in the order of the commits.
    if let Some(place) = cx.courier.and_then(|courier| courier.room(&target)) {
        if begin_lane(tx, cx, &draft.lane, &target)? {
            return hand(tx, cx, draft, target, token, place);
        }
        // Whoever has the lane finds what is added to it, and it is looked at when its pause is over.
    } else {
        wake_lane(tx, cx, &draft.lane, &target)?;
    }
    insert(tx, cx, draft, &target, &token, Number::Unwanted)?;
    Ok(())
}

/// Leaves the first delivery of a lane that is the server's own for after the commit.
fn hand(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    draft: &Draft<'_>,
    target: String,
    token: String,
    place: Place,
) -> Result<()> {
    let id = insert(tx, cx, draft, &target, &token, Number::Wanted)?;
    let delivery = Delivery {
        id,
        account: draft.account,
        conversation: draft.conversation,
        lane: draft.lane.clone(),
        event: draft.event.to_owned(),
        method: draft.method,
        url: draft.url.to_owned(),
        content_type: draft.content_type.to_owned(),
        body: draft.body.to_owned(),
        token,
        state: State::Queued,
        attempts: 0,
        last: None,
        created_at: cx.now,
        replay_of: None,
    };
    let lane = Lane {
        name: draft.lane.clone(),
        target,
        deliveries: vec![delivery],
    };
    cx.emit(Effect::Handed(Handed { lane, place }));
    Ok(())
}

/// Whether a row's number is asked for, which takes a round trip.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    Wanted,
    Unwanted,
}

macro_rules! insert {
    ($returning:literal) => {
        concat!(
            "INSERT INTO webhook_delivery (account_sid, conversation_sid, lane, target, event, method, url, ",
            "content_type, body, token, state, attempts, created_at) ",
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'queued', 0, $11)",
            $returning
        )
    };
}

/// The number; zero when it is not wanted.
fn insert(
    tx: &mut Transaction<'_>,
    cx: &Cx<'_>,
    draft: &Draft<'_>,
    target: &str,
    token: &str,
    number: Number,
) -> Result<i64> {
    let values = params![
        draft.account.to_string(),
        draft.conversation.map(|c| c.to_string()),
        &draft.lane,
        target,
        draft.event,
        draft.method.upper(),
        draft.url,
        draft.content_type,
        draft.body,
        token,
        cx.now.0
    ];
    if number == Number::Unwanted {
        tx.push(insert!(""), values)?;
        return Ok(0);
    }
    let row = tx.first(insert!(" RETURNING id"), values)?;
    let mut row = row.ok_or_else(|| confab_store::Error::Decode("a row has no number".into()))?;
    Ok(row.int()?)
}

/// Writes a lane down as the server's own unless it has its row already; whether it did. Only where nobody else writes at
/// the same time: it locks nothing.
fn begin_lane(tx: &mut Transaction<'_>, cx: &Cx<'_>, lane: &str, target: &str) -> Result<bool> {
    let made = tx.exec(
        "INSERT INTO webhook_lane (lane, target, next_at, server) VALUES ($1, $2, $3, $4) ON CONFLICT (lane) DO NOTHING",
        params![lane, target, cx.now.0 + LEASE, cx.server],
    )?;
    Ok(made > 0)
}

/// Makes sure that a lane has its row, for something to be told, and locks it until the commit.
pub(in crate::hook) fn wake_lane(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    lane: &str,
    target: &str,
) -> Result<()> {
    tx.push(
        "INSERT INTO webhook_lane (lane, target, next_at) VALUES ($1, $2, $3) \
         ON CONFLICT (lane) DO UPDATE SET target = webhook_lane.target",
        params![lane, target, cx.now.0],
    )?;
    cx.emit(Effect::DeliveriesWaiting);
    Ok(())
}

/// Takes back what a listener was still to be told: it was removed (B-513).
pub(crate) fn cancel(tx: &mut Transaction<'_>, lane: &str) -> Result<()> {
    tx.push("DELETE FROM webhook_lane WHERE lane = $1", params![lane])?;
    tx.push(
        "UPDATE webhook_delivery SET state = 'canceled' WHERE lane = $1 AND state = 'queued'",
        params![lane],
    )?;
    Ok(())
}

/// An idempotency token (B-391) of 128 bits, in the form of RFC 9562, version 8: they are of our own making.
#[must_use]
pub fn token(bits: u128) -> String {
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x8 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_uuids_b391() {
        let text = token(u128::MAX);
        assert_eq!(text, "ffffffff-ffff-8fff-bfff-ffffffffffff");
        assert_eq!(token(0), "00000000-0000-8000-8000-000000000000");
    }
}
