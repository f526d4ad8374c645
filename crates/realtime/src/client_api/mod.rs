//! The Conversations API inside the websocket (realtime.md §3): the same commands as REST, with the client as actor.

pub(crate) mod configuration;
pub(crate) mod content_templates;
pub(crate) mod conversations;
pub(crate) mod memberships;
pub(crate) mod messages;
pub(crate) mod participants;
pub(crate) mod typing;
pub(crate) mod users;

use confab_domain::mutation::{self, Once, Show};
use confab_domain::{Command, Error, Page, Result, Transaction, Window};
use confab_types::{ApiError, Cursor};
use serde_json::{Value, json};

use crate::connection::Session;
use crate::upstream::Request;

/// Makes a client's change, once under the id that it sent (realtime.md §3.1); gives what is needed to answer.
async fn change<C: Command>(
    session: &Session,
    request: &Request,
    command: C,
    show: Show<C::Output>,
) -> Result<Value> {
    let engine = session.engine();
    let key = request.mutation_key(session.client.user);
    let once = Once {
        key: key.clone(),
        command,
        show,
    };
    let made = engine.execute(session.actor(), once);
    let Some(key) = key else {
        return made.await;
    };
    let made = async {
        match made.await {
            // It may have failed because another server made the same change meanwhile.
            Err(error) => {
                let (key, now) = (key.clone(), engine.now());
                let other = engine.read(move |tx| mutation::find(tx, &key, now)).await;
                other.ok().flatten().ok_or(error)
            }
            made => made,
        }
    };
    session.in_flight().once(&key, made).await
}

/// What is needed to answer where there is nothing to say.
fn nothing(_: &mut Transaction<'_>, (): ()) -> Result<Value> {
    Ok(Value::Null)
}

/// A text of what is needed to answer.
fn text_of<'a>(shown: &'a Value, name: &str) -> &'a str {
    shown[name].as_str().unwrap_or_default()
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
