//! C20: typing. Not stored, not replayed, and fires no webhook (B-584…B-587).

use std::sync::Arc;

use confab_domain::{Result, conversation, participant};
use confab_types::{ApiError, Form};
use serde_json::json;

use crate::connection::Session;
use crate::frame;
use crate::upstream::{Reply, Request};

/// Seconds after which a client may signal again (B-585).
const TIMEOUT: u32 = 5;

pub(crate) async fn signal(session: &Session, request: &Request) -> Result<Reply> {
    let form = Form::parse(&request.body)?;
    let key = form.get("ChannelSid").or_else(|| form.get("ConversationSid"));
    let key = key.ok_or_else(|| ApiError::missing("ChannelSid"))?.to_owned();
    let client = Arc::clone(&session.client);
    let row = session
        .engine()
        .read(move |tx| {
            let row = conversation::parent(tx, client.service, &key)?;
            participant::of_client(tx, &row, &client)?;
            Ok(row)
        })
        .await?;
    // B-586: shown a second longer than a client may stay silent, so that it does not flicker.
    let payload = json!({"channel_sid": row.sid, "identity": session.client.identity,
        "typing_timeout": TIMEOUT + 1});
    let payload = serde_json::to_vec(&payload).unwrap_or_default();
    session.tell_others(
        row.sid,
        &frame::notification("twilio.ipmsg.typing_indicator", &payload),
    );
    Ok(Reply::json(200, &json!({"typing_timeout": TIMEOUT})))
}
