//! C5–C8: conversations; what lies below one is passed on.

use std::sync::Arc;

use confab_domain::conversation::{self, Conversation, Create, Delete, Fields, Update};
use confab_domain::participant::{self, Participant};
use confab_domain::{Error, Result};
use serde_json::{Value, json};

use crate::connection::Session;
use crate::entity::Entity;
use crate::upstream::{Reply, Request, attributes, not_found, text, wrong_method};
use crate::{project, replay};

pub(super) async fn answer(
    session: &Session,
    request: &Request,
    method: &str,
    path: &[&str],
) -> Result<Reply> {
    let service = session.client.service;
    match path {
        [] if method == "POST" => {
            let create = Create {
                account: session.client.account,
                service,
                fields: fields(request)?,
            };
            let made = session.engine().execute(session.actor(), create).await?;
            Ok(Reply::json(201, &view(session, request, &made, None)))
        }
        [key] => match method {
            "GET" => fetch(session, request, key).await,
            "POST" => {
                let update = Update {
                    service,
                    key: (*key).to_owned(),
                    fields: fields(request)?,
                };
                let changed = session.engine().execute(session.actor(), update).await?;
                Ok(Reply::json(200, &view(session, request, &changed, None)))
            }
            "DELETE" => {
                let delete = Delete {
                    service,
                    key: (*key).to_owned(),
                };
                session.engine().execute(session.actor(), delete).await?;
                Ok(Reply::empty())
            }
            _ => Err(wrong_method()),
        },
        [key, "Participants", rest @ ..] => {
            super::participants::answer(session, request, method, key, rest).await
        }
        [key, "Messages", rest @ ..] => super::messages::answer(session, request, method, key, rest).await,
        [] => Err(wrong_method()),
        _ => Err(not_found(request)),
    }
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
async fn fetch(session: &Session, request: &Request, key: &str) -> Result<Reply> {
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
    Ok(Reply::json(200, &view(session, request, &row, me.as_ref())))
}

pub(super) fn view(
    session: &Session,
    request: &Request,
    row: &Conversation,
    me: Option<&Participant>,
) -> Value {
    let url = format!("{}/Conversations/{}", super::base(session, request), row.sid);
    json!({
        "sid": row.sid, "account_sid": row.account, "chat_service_sid": row.service,
        "friendly_name": row.friendly_name, "unique_name": row.unique_name, "attributes": row.attributes,
        "created_by": row.created_by, "date_created": row.created_at.iso_millis(),
        "date_updated": row.updated_at.iso_millis(), "state": project::shown_state(row),
        "status": if me.is_some() { "joined" } else { "notParticipating" },
        "notification_level": me.map_or("default", |p| p.notification_level.as_str()),
        "participants_count": row.participants_count, "messages_count": row.messages_count,
        "url": url,
        "links": {"messages": format!("{url}/Messages"), "participants": format!("{url}/Participants")},
        "sync_objects": sync_objects(row.sid),
    })
}

pub(super) fn sync_objects(sid: confab_types::ConversationSid) -> Value {
    json!({
        "conversation": Entity::Document(sid).name(), "messages": Entity::Messages(sid).name(),
        "participants": Entity::Roster(sid).name(),
    })
}
