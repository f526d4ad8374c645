//! C12–C15: messages and their receipts.

use std::sync::Arc;

use confab_domain::content::Reference;
use confab_domain::media::Attachment;
use confab_domain::message::{Create, Delete, Message, Update};
use confab_domain::receipt::{self, Receipt};
use confab_domain::{Error, Result, Transaction, conversation, message, participant};
use serde_json::{Map, Value, json};

use super::text_of;
use crate::connection::Session;
use crate::upstream::{Reply, Request, attributes, text};

pub(crate) async fn create(session: &Session, request: &Request, conversation: &str) -> Result<Reply> {
    let body = request.object()?;
    let create = Create {
        service: session.client.service,
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
    let made = super::change(session, request, create, shown).await?;
    Ok(Reply::json(201, &view(session, request, made)))
}

pub(crate) async fn update(
    session: &Session,
    request: &Request,
    conversation: &str,
    key: &str,
) -> Result<Reply> {
    let body = request.object()?;
    let update = Update {
        service: session.client.service,
        conversation: conversation.to_owned(),
        key: key.to_owned(),
        author: None,
        body: text(&body, "body")?,
        subject: None,
        attributes: attributes(&body),
        created_at: None,
        updated_at: None,
    };
    let changed = super::change(session, request, update, shown).await?;
    Ok(Reply::json(200, &view(session, request, changed)))
}

pub(crate) async fn delete(
    session: &Session,
    request: &Request,
    conversation: &str,
    key: &str,
) -> Result<Reply> {
    let delete = Delete {
        service: session.client.service,
        conversation: conversation.to_owned(),
        key: key.to_owned(),
    };
    super::change(session, request, delete, super::nothing).await?;
    Ok(Reply::empty())
}

/// C17: no channel of this server leaves any, so `readChannelMetadata` has nothing to keep back, and the SDK knows by the
/// code that asking again is in vain.
pub(crate) async fn channel_metadata(session: &Session, conversation: &str, key: &str) -> Result<Reply> {
    let (client, conversation, key) = (
        Arc::clone(&session.client),
        conversation.to_owned(),
        key.to_owned(),
    );
    session
        .engine()
        .read(move |tx| {
            let row = conversation::parent(tx, client.service, &conversation)?;
            participant::of_client(tx, &row, &client)?;
            message::fetch(tx, &row, &key)?;
            Err(Error::code(50530))
        })
        .await
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
pub(crate) async fn receipts(
    session: &Session,
    request: &Request,
    conversation: &str,
    key: &str,
) -> Result<Reply> {
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

/// What only the rows say of a message; the rest of an answer follows from it.
fn shown(_: &mut Transaction<'_>, m: Message) -> Result<Value> {
    Ok(json!({
        "sid": m.sid, "index": m.index, "conversation_sid": m.conversation, "author": m.author,
        "participant_sid": m.participant, "body": m.body, "subject": m.subject, "attributes": m.attributes,
        "media": media_view(&m), "date_created": m.created_at.iso_millis(),
        "date_updated": m.updated_at.iso_millis(),
    }))
}

fn view(session: &Session, request: &Request, mut shown: Value) -> Value {
    let conversation = format!(
        "{}/Conversations/{}",
        super::base(session, request),
        text_of(&shown, "conversation_sid")
    );
    let url = format!("{conversation}/Messages/{}", text_of(&shown, "sid"));
    shown["account_sid"] = json!(session.client.account);
    shown["chat_service_sid"] = json!(session.client.service);
    shown["links"] = json!({"conversation": conversation, "messages_receipts": format!("{url}/Receipts")});
    shown["url"] = url.into();
    shown
}
