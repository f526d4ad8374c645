//! Writing down what is to be told.

use confab_store::params;
use confab_types::{AccountSid, ConversationSid};

use super::{OF_STREAMS, target};
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
    // The lane first: numbers are taken under its lock, so that they grow in the order of the commits.
    wake_lane(tx, cx, &draft.lane, &target)?;
    tx.push(
        "INSERT INTO webhook_delivery (account_sid, conversation_sid, lane, target, event, method, url, content_type, \
         body, token, state, attempts, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'queued', 0, $11)",
        params![
            draft.account.to_string(),
            draft.conversation.map(|c| c.to_string()),
            &draft.lane,
            target,
            draft.event,
            draft.method.upper(),
            draft.url,
            draft.content_type,
            draft.body,
            token(cx.bits()),
            cx.now.0
        ],
    )?;
    Ok(())
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
