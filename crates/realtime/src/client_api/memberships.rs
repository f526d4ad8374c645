//! C2–C4: the conversations of the caller himself.

use confab_domain::conversation::{self, Conversation};
use confab_domain::participant::{self, Horizon, Participant, Update};
use confab_domain::{Error, Order, Result, Transaction, message};
use confab_types::ApiError;
use serde_json::{Value, json};

use crate::connection::{Session, is_own};
use crate::upstream::{Reply, Request, not_found, text, wrong_method};

/// Conversations of one page: few round trips for many conversations, and a page stays below the frame limit.
const PAGE: usize = 100;

pub(super) async fn answer(
    session: &Session,
    request: &Request,
    method: &str,
    user: &str,
    path: &[&str],
) -> Result<Reply> {
    if !is_own(session, user) {
        return Err(Error::code(20403));
    }
    match (path, method) {
        ([], "GET") => list(session, request).await,
        ([key], "GET") => fetch(session, request, key).await,
        ([key], "POST") => update(session, request, key).await,
        ([] | [_], _) => Err(wrong_method()),
        _ => Err(not_found(request)),
    }
}

/// A conversation with the caller's part in it and what he has not read.
type Entry = (Conversation, Participant, Option<i64>);

fn entry(tx: &mut Transaction<'_>, row: Conversation, me: Participant) -> Result<Entry> {
    let unread = me
        .last_read_index
        .map(|i| message::count_after(tx, row.sid, i))
        .transpose()?;
    Ok((row, me, unread))
}

async fn list(session: &Session, request: &Request) -> Result<Reply> {
    const LIST: &str = "my conversations";
    let (user, window) = (session.client.user, super::window(request, LIST, PAGE)?);
    let page = session
        .engine()
        .read(move |tx| {
            let page = participant::of_user(tx, user, Order::Ascending, &window)?;
            let mut entries = Vec::with_capacity(page.items.len());
            for me in &page.items {
                if let Some(row) = conversation::by_sid(tx, me.conversation)? {
                    entries.push(entry(tx, row, me.clone())?);
                }
            }
            Ok((entries, page))
        })
        .await?;
    let views: Vec<Value> = page.0.iter().map(|e| view(session, request, e)).collect();
    Ok(Reply::json(
        200,
        &json!({"conversations": views, "meta": super::meta(&page.1, LIST, PAGE)}),
    ))
}

async fn one(session: &Session, key: &str) -> Result<Entry> {
    let (client, key) = (std::sync::Arc::clone(&session.client), key.to_owned());
    session
        .engine()
        .read(move |tx| {
            let row = conversation::fetch(tx, client.service, &key)?;
            // realtime.md §3.2: his own entry of a conversation that he is not in does not exist.
            let me = participant::of_client_if(tx, row.sid, &client)?;
            entry(tx, row, me.ok_or_else(|| Error::code(20404))?)
        })
        .await
}

async fn fetch(session: &Session, request: &Request, key: &str) -> Result<Reply> {
    let found = one(session, key).await?;
    Ok(Reply::json(200, &view(session, request, &found)))
}

async fn update(session: &Session, request: &Request, key: &str) -> Result<Reply> {
    let body = request.object()?;
    let (row, _, _) = one(session, key).await?;
    let mut update = Update::of(
        session.client.service,
        &row.sid.to_string(),
        &session.client.identity,
    );
    update.horizon = match body.get("last_read_message_index") {
        None => None,
        Some(Value::Null) => Some(Horizon::Unset),
        Some(index) => match index.as_i64().filter(|i| *i >= 0) {
            Some(index) => Some(Horizon::At(index)),
            None => return Err(Error::code(50421)),
        },
    };
    update.notification_level = text(&body, "notification_level")?;
    if update
        .notification_level
        .as_deref()
        .is_some_and(|l| l != "default" && l != "muted")
    {
        return Err(ApiError::new(20001)
            .message("Invalid parameter value: notification_level")
            .into());
    }
    session.engine().execute(session.actor(), update).await?;
    fetch(session, request, &row.sid.to_string()).await
}

fn view(session: &Session, request: &Request, (row, me, unread): &Entry) -> Value {
    let mut view = super::conversations::view(session, request, row, Some(me));
    view["conversation_sid"] = json!(row.sid);
    view["participant_sid"] = json!(me.sid);
    view["last_read_message_index"] = json!(me.last_read_index);
    view["unread_messages_count"] = json!(unread);
    view
}
