//! C22: devices that are registered for push (realtime.md §5.4).

use confab_domain::binding::{Binding, Deregister, MessageType, Register, Registration};
use confab_domain::credential::CredentialType;
use confab_domain::{Error, Result};
use confab_types::{ApiError, BindingSid, Sid as _};
use serde_json::{Map, Value, json};

use crate::connection::Session;
use crate::upstream::{Reply, Request, text};

/// Longest token of a push service, and longest name of a device, in bytes. Tokens of Google have some 200; a name that is
/// longer is none.
const ADDRESS: usize = 4096;
const ENDPOINT: usize = 256;

/// Ends the registration of a device by what it was registered with.
pub async fn deregister(session: &Session, request: &Request) -> Result<Reply> {
    let body = request.object()?;
    let kind = required(&body, "binding_type")?;
    let kind = CredentialType::parse(&kind, "binding_type")?;
    remove(session, Registration::Address(kind, required(&body, "address")?)).await
}

/// Ends a registration by its id; one that never was here is ended already.
pub async fn end(session: &Session, id: &str) -> Result<Reply> {
    match BindingSid::parse(id) {
        Some(sid) => remove(session, Registration::Sid(sid)).await,
        None => Ok(Reply::empty()),
    }
}

async fn remove(session: &Session, which: Registration) -> Result<Reply> {
    let deregister = Deregister {
        service: session.client.service,
        identity: session.client.identity.clone(),
        which,
    };
    session.engine().execute(session.actor(), deregister).await?;
    Ok(Reply::empty())
}

fn required(body: &Map<String, Value>, name: &str) -> Result<String> {
    text(body, name)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| ApiError::missing(name).into())
}

/// Registers a device, or renews what it is registered with.
pub async fn register(session: &Session, request: &Request) -> Result<Reply> {
    let body = request.object()?;
    let kind = required(&body, "channel_type")?;
    let data = body
        .get("data")
        .and_then(Value::as_object)
        .ok_or_else(|| ApiError::missing("data"))?;
    let address = required(data, "registration_id")?;
    if address.len() > ADDRESS {
        return Err(ApiError::invalid("registration_id").into());
    }
    let register = Register {
        account: session.client.account,
        service: session.client.service,
        identity: session.client.identity.clone(),
        endpoint: session
            .push
            .endpoint
            .clone()
            .filter(|name| name.len() <= ENDPOINT),
        kind: CredentialType::parse(&kind, "channel_type")?,
        address,
        credential: session.push.credential,
        message_types: message_types(&body),
    };
    let made = session.engine().execute(session.actor(), register.clone()).await;
    let made = match made {
        // The SDK repeats a refused registration for ever, and its app's promise hangs (realtime.md §3.1). It is kept
        // without a credential, as one of a token that names none (B-626).
        Err(Error::Api(api)) if matches!(api.code, 52002 | 52003) => {
            let register = Register {
                credential: None,
                ..register
            };
            session.engine().execute(session.actor(), register).await
        }
        made => made,
    };
    Ok(Reply::json(201, &view(&made?, &body)))
}

/// What it asks for, of what a device can be told (B-606); the SDK's list has other things, too.
fn message_types(body: &Map<String, Value>) -> Vec<MessageType> {
    const KINDS: [MessageType; 3] = [
        MessageType::NewMessage,
        MessageType::AddedToConversation,
        MessageType::RemovedFromConversation,
    ];
    let asked: Vec<&str> = body
        .get("message_types")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str()?.strip_prefix("twilio.conversations."))
        .collect();
    KINDS
        .into_iter()
        .filter(|kind| asked.contains(&kind.name()))
        .collect()
}

/// What was sent, under the id by which the client ends it.
fn view(binding: &Binding, body: &Map<String, Value>) -> Value {
    json!({
        "id": binding.sid, "endpoint_platform": body.get("endpoint_platform"), "channel_type": binding.kind.name(),
        "version": body.get("version"), "message_types": body.get("message_types"),
        "data": {"registration_id": binding.address},
    })
}
