//! C2–C4: the conversations of the caller himself.

use confab_domain::participant::{Horizon, Update};
use confab_domain::user_conversation::{self, UserConversation};
use confab_domain::{Error, Result, user};
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

async fn list(session: &Session, request: &Request) -> Result<Reply> {
    const LIST: &str = "my conversations";
    let (user, window) = (session.client.user, super::window(request, LIST, PAGE)?);
    let page = session
        .engine()
        .read(move |tx| user_conversation::list(tx, user, &window))
        .await?;
    let views: Vec<Value> = page.items.iter().map(|e| view(session, request, e)).collect();
    Ok(Reply::json(
        200,
        &json!({"conversations": views, "meta": super::meta(&page, LIST, PAGE)}),
    ))
}

/// realtime.md §3.2: his own entry of a conversation that he is not in does not exist.
async fn one(session: &Session, key: &str) -> Result<UserConversation> {
    let (client, key) = (std::sync::Arc::clone(&session.client), key.to_owned());
    session
        .engine()
        .read(move |tx| {
            let me = user::by_sid(tx, client.service, client.user)?;
            user_conversation::fetch(tx, &me.ok_or_else(|| Error::code(20404))?, &key)
        })
        .await
}

async fn fetch(session: &Session, request: &Request, key: &str) -> Result<Reply> {
    let found = one(session, key).await?;
    Ok(Reply::json(200, &view(session, request, &found)))
}

async fn update(session: &Session, request: &Request, key: &str) -> Result<Reply> {
    let body = request.object()?;
    let conversation = one(session, key).await?.conversation.sid.to_string();
    let mut update = Update::of(session.client.service, &conversation, &session.client.identity);
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
    fetch(session, request, &conversation).await
}

fn view(session: &Session, request: &Request, entry: &UserConversation) -> Value {
    let me = &entry.participant;
    let mut view = super::conversations::view(session, request, &entry.conversation, Some(me));
    view["conversation_sid"] = json!(me.conversation);
    view["participant_sid"] = json!(me.sid);
    view["last_read_message_index"] = json!(me.last_read_index);
    view["unread_messages_count"] = json!(entry.unread);
    view
}
