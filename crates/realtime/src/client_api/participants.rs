//! C9–C11: participants.

use confab_domain::participant::{Add, Fields, Participant, Remove, Update};
use confab_domain::{Error, Result, Transaction};
use confab_types::Timestamp;
use serde_json::{Map, Value, json};

use super::text_of;
use crate::connection::Session;
use crate::upstream::{Reply, Request, attributes, text};

pub(crate) async fn add(session: &Session, request: &Request, conversation: &str) -> Result<Reply> {
    let add = Add {
        service: session.client.service,
        conversation: conversation.to_owned(),
        fields: fields(&request.object()?)?,
    };
    let added = super::change(session, request, add, shown).await?;
    Ok(Reply::json(201, &view(session, request, added)))
}

pub(crate) async fn update(
    session: &Session,
    request: &Request,
    conversation: &str,
    key: &str,
) -> Result<Reply> {
    let mut update = Update::of(session.client.service, conversation, key);
    update.attributes = attributes(&request.object()?);
    let changed = super::change(session, request, update, shown).await?;
    Ok(Reply::json(200, &view(session, request, changed)))
}

pub(crate) async fn remove(
    session: &Session,
    request: &Request,
    conversation: &str,
    key: &str,
) -> Result<Reply> {
    let remove = Remove {
        service: session.client.service,
        conversation: conversation.to_owned(),
        key: key.to_owned(),
    };
    super::change(session, request, remove, super::nothing).await?;
    Ok(Reply::empty())
}

fn fields(body: &Map<String, Value>) -> Result<Fields> {
    let mut fields = Fields {
        identity: text(body, "identity")?,
        attributes: attributes(body),
        ..Fields::default()
    };
    match body.get("messaging_binding") {
        None | Some(Value::Null) => {}
        Some(Value::Object(binding)) => {
            fields.address = text(binding, "address")?;
            fields.proxy_address = text(binding, "proxy_address")?;
            fields.binding_name = text(binding, "name")?;
            fields.binding_level = text(binding, "level")?;
        }
        Some(_) => return Err(Error::Api(confab_types::ApiError::invalid("messaging_binding"))),
    }
    Ok(fields)
}

/// What only the rows say of a participant; the rest of an answer follows from it.
fn shown(_: &mut Transaction<'_>, p: Participant) -> Result<Value> {
    let binding = p.binding().map(|binding| {
        let mut view = json!({"type": binding.kind});
        for (name, value) in [
            ("address", binding.address),
            ("proxy_address", binding.proxy_address),
            ("projected_address", binding.projected_address),
        ] {
            if let Some(value) = value {
                view[name] = value.into();
            }
        }
        view
    });
    Ok(json!({
        "sid": p.sid, "conversation_sid": p.conversation, "identity": p.identity, "attributes": p.attributes,
        "role_sid": p.role_sid, "messaging_binding": binding,
        "last_read_message_index": p.last_read_index,
        "last_read_timestamp": p.last_read_at.map(Timestamp::iso_millis),
        "date_created": p.created_at.iso_millis(), "date_updated": p.updated_at.iso_millis(),
    }))
}

fn view(session: &Session, request: &Request, mut shown: Value) -> Value {
    let conversation = format!(
        "{}/Conversations/{}",
        super::base(session, request),
        text_of(&shown, "conversation_sid")
    );
    let url = format!("{conversation}/Participants/{}", text_of(&shown, "sid"));
    shown["account_sid"] = json!(session.client.account);
    shown["chat_service_sid"] = json!(session.client.service);
    shown["links"] = json!({"conversation": conversation});
    shown["url"] = url.into();
    shown
}
