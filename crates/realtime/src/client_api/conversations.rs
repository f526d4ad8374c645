//! C5–C8: conversations.

use std::sync::Arc;

use confab_domain::conversation::{self, Conversation, Create, Delete, Fields, Update};
use confab_domain::participant::{self, Participant};
use confab_domain::{Error, Result, Transaction, message};
use confab_types::{ConversationSid, Sid as _};
use serde_json::{Value, json};

use super::text_of;
use crate::connection::Session;
use crate::entity::Entity;
use crate::upstream::{Reply, Request, attributes, text};
use crate::{project, replay};

pub(crate) async fn create(session: &Session, request: &Request) -> Result<Reply> {
    let create = Create {
        account: session.client.account,
        service: session.client.service,
        fields: fields(request)?,
    };
    let made = super::change(session, request, create, of_outsider).await?;
    Ok(Reply::json(201, &view(session, request, made)))
}

pub(crate) async fn update(session: &Session, request: &Request, key: &str) -> Result<Reply> {
    let update = Update {
        service: session.client.service,
        key: key.to_owned(),
        fields: fields(request)?,
    };
    let changed = super::change(session, request, update, of_outsider).await?;
    Ok(Reply::json(200, &view(session, request, changed)))
}

pub(crate) async fn delete(session: &Session, request: &Request, key: &str) -> Result<Reply> {
    let delete = Delete {
        service: session.client.service,
        key: key.to_owned(),
    };
    super::change(session, request, delete, super::nothing).await?;
    Ok(Reply::empty())
}

fn fields(request: &Request) -> Result<Fields> {
    let body = request.object()?;
    Ok(Fields {
        friendly_name: text(&body, "friendly_name")?,
        // The SDK clears a unique name by "" and creates without one by leaving it out.
        unique_name: text(&body, "unique_name")?,
        attributes: attributes(&body),
        ..Fields::default()
    })
}

/// A conversation for its participants, its creator, and those who may join it (realtime.md §9.10).
pub(crate) async fn fetch(session: &Session, request: &Request, key: &str) -> Result<Reply> {
    let (client, key) = (Arc::clone(&session.client), key.to_owned());
    let (row, me) = session
        .engine()
        .read(move |tx| {
            let row = conversation::fetch(tx, client.service, &key)?;
            let me = participant::of_client_if(tx, row.sid, &client)?;
            if me.is_none() && !replay::may_read(tx, &client, &row)? {
                return Err(Error::code(50430));
            }
            Ok((row, me))
        })
        .await?;
    Ok(Reply::json(
        200,
        &view(session, request, shown(&row, me.as_ref())),
    ))
}

/// The client reads nothing of its own part in these answers.
fn of_outsider(_: &mut Transaction<'_>, row: Conversation) -> Result<Value> {
    Ok(shown(&row, None))
}

/// What only the rows say of a conversation; the rest of an answer follows from it.
pub(super) fn shown(row: &Conversation, me: Option<&Participant>) -> Value {
    json!({
        "sid": row.sid, "friendly_name": row.friendly_name, "unique_name": row.unique_name,
        "attributes": row.attributes, "created_by": row.created_by,
        "date_created": row.created_at.iso_millis(), "date_updated": row.updated_at.iso_millis(),
        "state": project::shown_state(row),
        "status": if me.is_some() { "joined" } else { "notParticipating" },
        "notification_level": me.map_or("default", |p| p.notification_level.as_str()),
        "participants_count": row.participants_count, "messages_count": row.messages_count,
    })
}

pub(super) fn view(session: &Session, request: &Request, mut shown: Value) -> Value {
    let sid = text_of(&shown, "sid");
    let url = format!("{}/Conversations/{sid}", super::base(session, request));
    shown["sync_objects"] = json!(ConversationSid::parse(sid).map(sync_objects));
    shown["account_sid"] = json!(session.client.account);
    shown["chat_service_sid"] = json!(session.client.service);
    shown["links"] =
        json!({"messages": format!("{url}/Messages"), "participants": format!("{url}/Participants")});
    shown["url"] = url.into();
    shown
}

fn sync_objects(sid: ConversationSid) -> Value {
    json!({
        "conversation": Entity::Document(sid).name(), "messages": Entity::Messages(sid).name(),
        "participants": Entity::Roster(sid).name(),
    })
}

/// C16: who a message went to besides the participants, which only mail can tell (2.6 and newer ask). No carrier of this
/// server sends mail, so there is nobody; the list is for participants alone all the same.
pub(crate) async fn recipients(session: &Session, request: &Request, key: &str) -> Result<Reply> {
    let (client, key) = (Arc::clone(&session.client), key.to_owned());
    let message = request.params.get("MessageSid").map(str::to_owned);
    session
        .engine()
        .read(move |tx| {
            let row = conversation::parent(tx, client.service, &key)?;
            participant::of_client(tx, &row, &client)?;
            if let Some(message) = &message {
                message::fetch(tx, &row, message)?;
            }
            Ok(())
        })
        .await?;
    // `next_token` must be null, or the client asks for ever.
    Ok(Reply::json(
        200,
        &json!({"message_recipients": [], "meta": {"page_size": 50, "next_token": null, "previous_token": null}}),
    ))
}
