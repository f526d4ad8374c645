//! Requests inside the websocket (realtime.md §3): routed by path only, since the host is whatever the client was
//! told. All that a path names is checked against the token of the connection.

use aws_lc_rs::digest::{self, SHA256};
use bytes::Bytes;
use confab_domain::{Error, mutation};
use confab_types::{ApiError, Form, UserSid};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::connection::Session;
use crate::entity::Kind;
use crate::frame::HttpRequest;
use crate::routes::{self, Action, Found};
use crate::{client_api, registrations, sync_api};

/// Longest host, in bytes: a name has at most 253, and there may be a port. A page of answers repeats it hundreds of times.
const HOST: usize = 260;

/// A wrapped request, decoded.
pub struct Request {
    /// GET, POST, DELETE.
    pub method: String,
    /// Host as the client knows it: links in answers repeat it.
    pub host: String,
    /// Path, split first and decoded then: an identity may hold a `/`.
    pub path: Vec<String>,
    /// Query.
    pub params: Form,
    /// Body.
    pub body: Bytes,
    /// Id of the change, for one that may come twice (`X-Twilio-Mutation-Id`).
    pub mutation_id: Option<String>,
}

/// Its answer.
pub struct Reply {
    /// HTTP status.
    pub code: u16,
    /// JSON, or nothing.
    pub body: Vec<u8>,
}

impl Reply {
    /// An answer with a body.
    #[must_use]
    pub fn json<T: Serialize>(code: u16, body: &T) -> Self {
        Self {
            code,
            body: serde_json::to_vec(body).unwrap_or_default(),
        }
    }

    /// 204.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            code: 204,
            body: Vec::new(),
        }
    }

    /// The answer for an error; what a caller must not see is logged here.
    #[must_use]
    pub fn error(error: &Error) -> Self {
        let api = match error {
            Error::Api(api) => api.clone(),
            Error::Store(confab_store_error) => {
                tracing::error!(error = %confab_store_error, "a request of a client failed");
                ApiError::new(if error.is_unavailable() { 20503 } else { 20500 })
            }
        };
        Self::json(
            api.status,
            &json!({"status": api.status, "code": api.code, "message": api.text(), "more_info": api.more_info()}),
        )
    }
}

fn mutation_id(headers: &Value) -> Option<String> {
    let (_, id) = headers
        .as_object()?
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("X-Twilio-Mutation-Id"))?;
    id.as_str().filter(|id| !id.is_empty()).map(str::to_owned)
}

fn decode(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    (!text.contains('\0')).then(|| text.into_owned())
}

impl Request {
    /// Decodes a wrapped request; `None` for text that is not UTF-8 after decoding, and for a host that cannot be one.
    #[must_use]
    pub fn read(http: HttpRequest, body: Bytes) -> Option<Self> {
        if http.host.len() > HOST {
            return None;
        }
        let path = http
            .path
            .split('/')
            .filter(|s| !s.is_empty())
            .map(decode)
            .collect::<Option<Vec<_>>>()?;
        let mut params = Form::default();
        for (name, value) in &http.params {
            let name = decode(name)?;
            let values = match value {
                Value::Array(values) => values.as_slice(),
                one => std::slice::from_ref(one),
            };
            for value in values {
                match value {
                    Value::String(text) => params.push(&name, decode(text)?),
                    Value::Null => {}
                    other => params.push(&name, other.to_string()),
                }
            }
        }
        Some(Self {
            method: http.method.to_ascii_uppercase(),
            host: http.host,
            path,
            params,
            body,
            mutation_id: mutation_id(&http.headers),
        })
    }

    /// What the client calls its change, where it does: the id, and what it is sent to.
    #[must_use]
    pub fn mutation_key(&self, user: UserSid) -> Option<mutation::Key> {
        let id = self.mutation_id.as_ref()?;
        let mut named = vec![self.method.as_str()];
        named.extend(self.path.iter().map(String::as_str));
        named.push(id);
        // No part of a path holds a NUL character.
        let digest = digest::digest(&SHA256, named.join("\0").as_bytes());
        let digest = digest.as_ref().first_chunk().copied()?;
        Some(mutation::Key { user, digest })
    }

    /// The body as a JSON object. DELETE requests carry bodies that are none (realtime.md §2.12); they are not read.
    ///
    /// # Errors
    /// 400/20001 when it is none, or holds a NUL character.
    pub fn object(&self) -> Result<Map<String, Value>, Error> {
        let broken = || Error::Api(ApiError::new(20001).message("The body is not a JSON object"));
        match serde_json::from_slice(&self.body).map_err(|_| broken())? {
            Value::Object(object) => Ok(object),
            _ => Err(broken()),
        }
    }
}

/// A text member of a body: `None` when absent or null.
///
/// # Errors
/// 400/20001 when it is something else.
pub fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(ApiError::invalid(name).into()),
    }
}

/// Attributes of a body: JSON text as the SDK sends it, or a JSON value as others may.
#[must_use]
pub fn attributes(body: &Map<String, Value>) -> Option<String> {
    match body.get("attributes") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    }
}

/// Answers a request of a connection.
pub async fn answer(session: &mut Session, request: &Request) -> Reply {
    let result = route(session, request).await;
    result.unwrap_or_else(|error| Reply::error(&error))
}

async fn route(session: &mut Session, request: &Request) -> Result<Reply, Error> {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let own = session.client.service.to_string();
    let path = match path.as_slice() {
        // Whatever else it says: a token is for one service.
        ["Client", "v2", "Services", service, ..] if *service != own => return Err(Error::code(20403)),
        // The links of entities name the service, the client's first requests do not (realtime.md §4.7).
        ["v3", "Services", service, rest @ ..] if *service == own => [&["v3"], rest].concat(),
        _ => path,
    };
    match routes::find(&request.method, &path) {
        Found::Route(action, parts) => act(session, request, action, &parts).await,
        Found::OtherMethod => Err(wrong_method()),
        Found::Nothing => Err(not_found(request)),
    }
}

/// Does what a route is for; `parts` are what its path says.
async fn act(
    session: &mut Session,
    request: &Request,
    action: Action,
    parts: &[&str],
) -> Result<Reply, Error> {
    use client_api::{
        configuration, content_templates, conversations, memberships, messages, participants, typing, users,
    };
    let part = |n: usize| parts.get(n).copied().unwrap_or_default();
    let (first, second) = (part(0), part(1));
    match action {
        Action::FetchConfiguration => configuration::fetch(session, request).await,
        Action::ListMyConversations => memberships::list(session, request, first).await,
        Action::FetchMyConversation => memberships::fetch(session, request, first, second).await,
        Action::UpdateMyConversation => memberships::update(session, request, first, second).await,
        Action::CreateConversation => conversations::create(session, request).await,
        Action::FetchConversation => conversations::fetch(session, request, first).await,
        Action::UpdateConversation => conversations::update(session, request, first).await,
        Action::DeleteConversation => conversations::delete(session, request, first).await,
        Action::AddParticipant => participants::add(session, request, first).await,
        Action::UpdateParticipant => participants::update(session, request, first, second).await,
        Action::RemoveParticipant => participants::remove(session, request, first, second).await,
        Action::CreateMessage => messages::create(session, request, first).await,
        Action::UpdateMessage => messages::update(session, request, first, second).await,
        Action::DeleteMessage => messages::delete(session, request, first, second).await,
        Action::ListReceipts => messages::receipts(session, request, first, second).await,
        Action::ListMessageRecipients => conversations::recipients(session, request, first).await,
        Action::FetchChannelMetadata => messages::channel_metadata(session, first, second).await,
        Action::FetchUser => users::fetch(session, request, first).await,
        Action::UpdateUser => users::update(session, request, first).await,
        Action::SignalTyping => typing::signal(session, request).await,
        Action::ListContentTemplates => content_templates::list(session, request).await,
        Action::RegisterDevice => registrations::register(session, request).await,
        Action::DeregisterDevice => registrations::deregister(session, request).await,
        Action::EndRegistration => registrations::end(session, first).await,
        Action::FetchDocument => sync_api::fetch(session, request, Kind::Document, first).await,
        Action::FetchList => sync_api::fetch(session, request, Kind::List, first).await,
        Action::ListListItems => sync_api::list_items(session, request, Kind::List, first).await,
        Action::FetchMap => sync_api::fetch(session, request, Kind::Map, first).await,
        Action::ListMapItems => sync_api::list_items(session, request, Kind::Map, first).await,
        Action::ChangeSubscriptions => sync_api::subscriptions(session, request).await,
    }
}

/// 404 for the path of a request.
#[must_use]
pub fn not_found(request: &Request) -> Error {
    ApiError::not_found(&format!("/{}", request.path.join("/"))).into()
}

/// 405.
#[must_use]
pub fn wrong_method() -> Error {
    Error::code(20004)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_host_that_answers_would_repeat_at_length_is_refused() {
        for (length, taken) in [(0, true), (HOST, true), (HOST + 1, false)] {
            let http = HttpRequest {
                host: "h".repeat(length),
                ..HttpRequest::default()
            };
            assert_eq!(Request::read(http, Bytes::new()).is_some(), taken, "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_request_panics_and_no_nul_comes_in(
            method: String,
            path: String,
            name: String,
            value in prop_oneof![".*".prop_map(Value::from), "[%0-9a-fA-F/]{0,12}".prop_map(Value::from), any::<i64>().prop_map(Value::from)],
            escaped in "(/|%[0-9a-f]{2}|[a-z]){0,20}",
            body: Vec<u8>,
        ) {
            for path in [path, escaped] {
                let params = Map::from_iter([(name.clone(), Value::Array(vec![value.clone(), Value::Null]))]);
                let http = HttpRequest { host: String::new(), path, method: method.clone(), params, headers: Value::Null };
                if let Some(request) = Request::read(http, body.clone().into()) {
                    prop_assert!(request.path.iter().all(|segment| !segment.is_empty() && !segment.contains('\0')));
                    let _ = request.object();
                }
            }
        }
    }
}
