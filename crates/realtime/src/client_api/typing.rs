//! C20: typing. How long it is shown is set in the service of Chat (B-585). Not stored, not replayed, and fires no webhook (B-584…B-587).
//!
//! It goes to the connections of the people, not to those that follow the conversation (realtime.md §5.1): the SDK reads
//! who is in before its subscription is confirmed, and an app that waits for no more than the former shall see it.

use std::sync::Arc;

use confab_domain::{Result, chat, conversation, participant};
use confab_types::{ApiError, Form};
use serde_json::json;

use crate::connection::Session;
use crate::frame;
use crate::upstream::{Reply, Request};

pub(crate) async fn signal(session: &Session, request: &Request) -> Result<Reply> {
    let form = Form::parse(&request.body)?;
    let key = form.get("ChannelSid").or_else(|| form.get("ConversationSid"));
    let key = key.ok_or_else(|| ApiError::missing("ChannelSid"))?.to_owned();
    let client = Arc::clone(&session.client);
    let (row, others, timeout) = session
        .engine()
        .read(move |tx| {
            let row = conversation::parent(tx, client.service, &key)?;
            participant::of_client(tx, &row, &client)?;
            let mut others = participant::users(tx, row.sid)?;
            // His own further devices would show that he types to himself.
            others.retain(|user| *user != client.user);
            let settings = chat::service::settings(tx, client.service)?;
            Ok((row, others, settings.typing_indicator_timeout))
        })
        .await?;
    // B-586: shown a second longer than a client may stay silent, so that it does not flicker.
    let payload = json!({"channel_sid": row.sid, "identity": session.client.identity,
        "typing_timeout": timeout + 1});
    let payload = serde_json::to_vec(&payload).unwrap_or_default();
    let frame = frame::notification("twilio.ipmsg.typing_indicator", &payload);
    for user in others {
        session.tell(user, &frame);
    }
    Ok(Reply::json(200, &json!({"typing_timeout": timeout})))
}
