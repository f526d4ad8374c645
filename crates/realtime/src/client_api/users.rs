//! C18, C19: users of the service.

use std::sync::Arc;

use confab_domain::user::{Update, User};
use confab_domain::{Error, Result, Transaction, reachability};
use confab_types::{Sid as _, UserSid};
use serde_json::{Value, json};

use super::text_of;
use crate::connection::Session;
use crate::entity::Entity;
use crate::upstream::{Reply, Request, attributes, text};
use crate::{project, replay};

pub(crate) async fn fetch(session: &Session, request: &Request, key: &str) -> Result<Reply> {
    let (client, key) = (Arc::clone(&session.client), key.to_owned());
    let found = session
        .engine()
        .read(move |tx| {
            if replay::is_gone(tx, &client)? {
                return Err(Error::code(50107));
            }
            reachability::fetch(tx, client.service, &key)
        })
        .await
        .map_err(missing_user)?;
    Ok(Reply::json(200, &view(session, request, shown(&found))))
}

pub(crate) async fn update(session: &Session, request: &Request, key: &str) -> Result<Reply> {
    let body = request.object()?;
    let update = Update {
        service: session.client.service,
        key: key.to_owned(),
        friendly_name: text(&body, "friendly_name")?,
        attributes: attributes(&body),
        role: None,
    };
    let changed = super::change(session, request, update, with_reachability)
        .await
        .map_err(missing_user)?;
    Ok(Reply::json(200, &view(session, request, changed)))
}

/// realtime.md §3.2: clients know a missing user by its own code.
fn missing_user(error: Error) -> Error {
    match error {
        Error::Api(api) if api.code == 20404 => Error::code(50200),
        other => other,
    }
}

fn with_reachability(tx: &mut Transaction<'_>, mut user: User) -> Result<Value> {
    user.reachability = reachability::of(tx, &user)?;
    Ok(shown(&user))
}

/// What only the rows say of a user; the rest of an answer follows from it.
fn shown(user: &User) -> Value {
    let reach = user.reachability;
    json!({
        "sid": user.sid, "identity": user.identity, "friendly_name": project::shown_name(user),
        "attributes": user.attributes, "role_sid": user.role_sid, "is_online": reach.and_then(|r| r.online),
        "is_notifiable": reach.and_then(|r| r.notifiable),
        "date_created": user.created_at.iso_millis(), "date_updated": user.updated_at.iso_millis(),
    })
}

fn view(session: &Session, request: &Request, mut shown: Value) -> Value {
    let sid = text_of(&shown, "sid");
    let url = format!("{}/Users/{sid}", super::base(session, request));
    let map = UserSid::parse(sid).map(|user| Entity::UserInfo(user).name());
    shown["sync_objects"] = json!({"user_info_map": map});
    shown["account_sid"] = json!(session.client.account);
    shown["chat_service_sid"] = json!(session.client.service);
    shown["url"] = url.into();
    shown
}
