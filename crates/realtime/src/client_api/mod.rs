//! The Conversations API inside the websocket (realtime.md §3): the same commands as REST, with the client as actor.

mod configuration;
mod content_templates;
mod conversations;
mod memberships;
mod messages;
mod participants;
mod typing;
mod users;

use confab_domain::{Error, Page, Result, Window};
use confab_types::{ApiError, Cursor};
use serde_json::{Value, json};

use crate::connection::Session;
use crate::upstream::{Reply, Request, not_found};

/// Answers what is below `/Client/v2`.
///
/// # Errors
/// Those of the commands; 403 for another service, 404 for an unknown path.
pub async fn answer(session: &Session, request: &Request, path: &[&str]) -> Result<Reply> {
    let method = request.method.as_str();
    match path {
        ["Configuration"] => configuration::fetch(session, request, method).await,
        ["ContentTemplates"] => content_templates::list(session, request, method).await,
        ["Services", service, rest @ ..] => {
            if *service != session.client.service.to_string() {
                return Err(Error::code(20403));
            }
            match rest {
                ["Conversations", rest @ ..] => conversations::answer(session, request, method, rest).await,
                ["Users", user, "Conversations", rest @ ..] => {
                    memberships::answer(session, request, method, user, rest).await
                }
                ["Typing"] => typing::signal(session, request, method).await,
                ["Users", user] => users::answer(session, request, method, user).await,
                _ => Err(not_found(request)),
            }
        }
        _ => Err(not_found(request)),
    }
}

/// Base of the links in answers: the host is the one that the client used.
fn base(session: &Session, request: &Request) -> String {
    format!(
        "https://{}/Client/v2/Services/{}",
        request.host, session.client.service
    )
}

/// A window of a list whose pages the client asks for by token.
fn window(request: &Request, list: &str, page_size: usize) -> Result<Window> {
    let cursor = match request.params.get("PageToken") {
        None | Some("") => None,
        Some(token) => {
            Some(Cursor::decode(token, list).ok_or_else(|| Error::Api(ApiError::invalid("PageToken")))?)
        }
    };
    Ok(Window {
        cursor,
        size: page_size,
    })
}

/// `meta` of such a list. `next_token` must be null on the last page, or the client asks for ever.
fn meta<T>(page: &Page<T>, list: &str, page_size: usize) -> Value {
    json!({
        "page_size": page_size,
        "next_token": page.next.as_ref().map(|c| c.encode(list)),
        "previous_token": page.previous.as_ref().map(|c| c.encode(list)),
    })
}
