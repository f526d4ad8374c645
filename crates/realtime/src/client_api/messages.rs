//! C12–C15: messages and their receipts.

use std::sync::Arc;

use confab_domain::content::Reference;
use confab_domain::media::Attachment;
use confab_domain::message::{Create, Delete, Message, Update};
use confab_domain::receipt::{self, Receipt};
use confab_domain::{Error, Result, conversation, message, participant};
use serde_json::{Map, Value, json};

use crate::connection::Session;
use crate::upstream::{Reply, Request, attributes, not_found, text, wrong_method};

pub(super) async fn answer(
    session: &Session,
    request: &Request,
    method: &str,
    conversation: &str,
    path: &[&str],
) -> Result<Reply> {
    let service = session.client.service;
    match (path, method) {
        ([], "POST") => {
            let body = request.object()?;
            let create = Create {
                service,
                conversation: conversation.to_owned(),
                author: None,
                body: text(&body, "body")?,
                subject: text(&body, "subject")?,
                attributes: attributes(&body),
                content: Reference {
                    sid: text(&body, "content_sid")?,
                    variables: text(&body, "content_variables")?,
                },
                created_at: None,
                updated_at: None,
                media: media_sids(&body)?,
            };
            let made = session.engine().execute(session.actor(), create).await?;
            Ok(Reply::json(201, &view(session, request, &made)))
        }
        ([key], "POST") => {
            let body = request.object()?;
            let update = Update {
                service,
                conversation: conversation.to_owned(),
                key: (*key).to_owned(),
                author: None,
                body: text(&body, "body")?,
                subject: None,
                attributes: attributes(&body),
                created_at: None,
                updated_at: None,
            };
            let changed = session.engine().execute(session.actor(), update).await?;
            Ok(Reply::json(200, &view(session, request, &changed)))
        }
        ([key], "DELETE") => {
            let delete = Delete {
                service,
                conversation: conversation.to_owned(),
                key: (*key).to_owned(),
            };
            session.engine().execute(session.actor(), delete).await?;
            Ok(Reply::empty())
        }
        ([key, "Receipts"], "GET") => receipts(session, request, conversation, key).await,
        ([] | [_] | [_, "Receipts"], _) => Err(wrong_method()),
        _ => Err(not_found(request)),
    }
}

/// SIDs of the attachments; a builder without any sends an empty list.
fn media_sids(body: &Map<String, Value>) -> Result<Vec<String>> {
    let malformed = || Error::code(50510);
    match body.get("media_sids") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(malformed))
            .collect(),
        Some(_) => Err(malformed()),
    }
}

const RECEIPTS_PAGE: usize = 50;

/// Detailed delivery receipts, for participants.
async fn receipts(session: &Session, request: &Request, conversation: &str, key: &str) -> Result<Reply> {
    let list = format!("receipts {key}");
    let window = super::window(request, &list, RECEIPTS_PAGE)?;
    let (client, conversation, key) = (
        Arc::clone(&session.client),
        conversation.to_owned(),
        key.to_owned(),
    );
    let page = session
        .engine()
        .read(move |tx| {
            let row = conversation::parent(tx, client.service, &conversation)?;
            participant::of_client(tx, &row, &client)?;
            let message = message::fetch(tx, &row, &key)?;
            receipt::list(tx, message.sid, &window)
        })
        .await?;
    let views: Vec<Value> = page.items.iter().map(receipt_view).collect();
    Ok(Reply::json(
        200,
        &json!({"delivery_receipts": views, "meta": super::meta(&page, &list, RECEIPTS_PAGE)}),
    ))
}

fn receipt_view(r: &Receipt) -> Value {
    let mut view = json!({
        "sid": r.sid, "message_sid": r.message, "conversation_sid": r.conversation,
        "channel_message_sid": r.channel_message, "participant_sid": r.participant,
        "error_code": r.error_code, "date_created": r.created_at.iso_millis(),
        "date_updated": r.updated_at.iso_millis(),
    });
    // Left out while REST says null: the client takes an absent one as queued.
    if let Some(status) = r.status {
        view["status"] = status.name().into();
    }
    view
}

fn media_view(m: &Message) -> Value {
    let one = |a: &Attachment| {
        json!({"sid": a.sid, "size": a.size, "content_type": a.content_type, "filename": a.filename,
            "category": a.category.unwrap_or_default().name()})
    };
    if m.media.is_empty() {
        Value::Null
    } else {
        m.media.iter().map(one).collect()
    }
}

fn view(session: &Session, request: &Request, m: &Message) -> Value {
    let conversation = format!(
        "{}/Conversations/{}",
        super::base(session, request),
        m.conversation
    );
    let url = format!("{conversation}/Messages/{}", m.sid);
    json!({
        "sid": m.sid, "index": m.index, "account_sid": m.account, "chat_service_sid": m.service,
        "conversation_sid": m.conversation, "author": m.author, "participant_sid": m.participant,
        "body": m.body, "subject": m.subject, "attributes": m.attributes, "media": media_view(m),
        "date_created": m.created_at.iso_millis(), "date_updated": m.updated_at.iso_millis(), "url": url,
        "links": {"conversation": conversation, "messages_receipts": format!("{url}/Receipts")},
    })
}
