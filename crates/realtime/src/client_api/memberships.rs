//! C2–C4: the conversations of the caller himself.

use std::sync::Arc;

use confab_domain::participant::Horizon;
use confab_domain::user_conversation::{self, Update, UserConversation};
use confab_domain::{Error, Result, Transaction, user};
use confab_types::ApiError;
use serde_json::{Value, json};

use super::conversations;
use crate::connection::{Session, is_own};
use crate::upstream::{Reply, Request, text};

/// Conversations of one page: few round trips for many conversations, and a page stays below the frame limit.
const PAGE: usize = 100;

fn require_own(session: &Session, user: &str) -> Result<()> {
    if is_own(session, user) {
        Ok(())
    } else {
        Err(Error::code(20403))
    }
}

pub(crate) async fn list(session: &Session, request: &Request, user: &str) -> Result<Reply> {
    const LIST: &str = "my conversations";
    require_own(session, user)?;
    let (user, window) = (session.client.user, super::window(request, LIST, PAGE)?);
    let page = session
        .engine()
        .read(move |tx| user_conversation::list(tx, user, &window))
        .await?;
    let of_one = |entry| conversations::view(session, request, shown(entry));
    let views: Vec<Value> = page.items.iter().map(of_one).collect();
    Ok(Reply::json(
        200,
        &json!({"conversations": views, "meta": super::meta(&page, LIST, PAGE)}),
    ))
}

/// realtime.md §3.2: his own entry of a conversation that he is not in does not exist.
pub(crate) async fn fetch(session: &Session, request: &Request, user: &str, key: &str) -> Result<Reply> {
    require_own(session, user)?;
    let (client, key) = (Arc::clone(&session.client), key.to_owned());
    let found = session
        .engine()
        .read(move |tx| {
            let me = user::by_sid(tx, client.service, client.user)?;
            user_conversation::fetch(tx, &me.ok_or_else(|| Error::code(20404))?, &key)
        })
        .await?;
    Ok(Reply::json(
        200,
        &conversations::view(session, request, shown(&found)),
    ))
}

pub(crate) async fn update(session: &Session, request: &Request, user: &str, key: &str) -> Result<Reply> {
    require_own(session, user)?;
    let body = request.object()?;
    let horizon = match body.get("last_read_message_index") {
        None => None,
        Some(Value::Null) => Some(Horizon::Unset),
        Some(index) => match index.as_i64().filter(|i| *i >= 0) {
            Some(index) => Some(Horizon::At(index)),
            None => return Err(Error::code(50421)),
        },
    };
    let notification_level = text(&body, "notification_level")?;
    if notification_level
        .as_deref()
        .is_some_and(|l| l != "default" && l != "muted")
    {
        return Err(ApiError::new(20001)
            .message("Invalid parameter value: notification_level")
            .into());
    }
    let update = Update {
        service: session.client.service,
        user: session.client.user.to_string(),
        conversation: key.to_owned(),
        notification_level,
        horizon,
        last_read_at: None,
    };
    let show = |_: &mut Transaction<'_>, changed: UserConversation| Ok(shown(&changed));
    let changed = super::change(session, request, update, show).await?;
    Ok(Reply::json(200, &conversations::view(session, request, changed)))
}

fn shown(entry: &UserConversation) -> Value {
    let me = &entry.participant;
    let mut shown = conversations::shown(&entry.conversation, Some(me));
    shown["conversation_sid"] = json!(me.conversation);
    shown["participant_sid"] = json!(me.sid);
    shown["last_read_message_index"] = json!(me.last_read_index);
    shown["unread_messages_count"] = json!(entry.unread);
    shown
}
