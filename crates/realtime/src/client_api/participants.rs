//! C9–C11: participants.

use confab_domain::participant::{Add, Fields, Participant, Remove, Update};
use confab_domain::{Error, Result};
use confab_types::Timestamp;
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
            let fields = fields(&request.object()?)?;
            let add = Add {
                service,
                conversation: conversation.to_owned(),
                fields,
            };
            let added = session.engine().execute(session.actor(), add).await?;
            Ok(Reply::json(201, &view(session, request, &added)))
        }
        ([key], "POST") => {
            let mut update = Update::of(service, conversation, key);
            update.attributes = attributes(&request.object()?);
            let changed = session.engine().execute(session.actor(), update).await?;
            Ok(Reply::json(200, &view(session, request, &changed)))
        }
        ([key], "DELETE") => {
            let remove = Remove {
                service,
                conversation: conversation.to_owned(),
                key: (*key).to_owned(),
            };
            session.engine().execute(session.actor(), remove).await?;
            Ok(Reply::empty())
        }
        ([] | [_], _) => Err(wrong_method()),
        _ => Err(not_found(request)),
    }
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

fn view(session: &Session, request: &Request, p: &Participant) -> Value {
    let conversation = format!(
        "{}/Conversations/{}",
        super::base(session, request),
        p.conversation
    );
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
    json!({
        "sid": p.sid, "account_sid": p.account, "chat_service_sid": p.service,
        "conversation_sid": p.conversation, "identity": p.identity, "attributes": p.attributes,
        "role_sid": p.role_sid, "messaging_binding": binding,
        "last_read_message_index": p.last_read_index,
        "last_read_timestamp": p.last_read_at.map(Timestamp::iso_millis),
        "date_created": p.created_at.iso_millis(), "date_updated": p.updated_at.iso_millis(),
        "url": format!("{conversation}/Participants/{}", p.sid), "links": {"conversation": conversation},
    })
}
