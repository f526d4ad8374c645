//! C18, C19: users of the service.

use confab_domain::user::{Update, User};
use confab_domain::{Error, Result, Transaction, reachability};
use serde_json::{Value, json};

use crate::connection::Session;
use crate::entity::Entity;
use crate::project;
use crate::upstream::{Reply, Request, attributes, text, wrong_method};

pub(super) async fn answer(session: &Session, request: &Request, method: &str, key: &str) -> Result<Reply> {
    let service = session.client.service;
    let user = match method {
        "GET" => {
            let key = key.to_owned();
            session
                .engine()
                .read(move |tx| reachability::fetch(tx, service, &key))
                .await
        }
        "POST" => {
            let body = request.object()?;
            let update = Update {
                service,
                key: key.to_owned(),
                friendly_name: text(&body, "friendly_name")?,
                attributes: attributes(&body),
                role: None,
            };
            let changed = session.engine().execute(session.actor(), update).await;
            match changed {
                Ok(user) => {
                    let key = user.sid.to_string();
                    let read = move |tx: &mut Transaction<'_>| reachability::fetch(tx, service, &key);
                    session.engine().read(read).await
                }
                refused => refused,
            }
        }
        _ => return Err(wrong_method()),
    };
    match user {
        Ok(user) => Ok(Reply::json(200, &view(session, request, &user))),
        // realtime.md §3.2: clients know a missing user by its own code.
        Err(Error::Api(api)) if api.code == 20404 => Err(Error::code(50200)),
        Err(error) => Err(error),
    }
}

fn view(session: &Session, request: &Request, user: &User) -> Value {
    let shown = user.reachability;
    json!({
        "sid": user.sid, "account_sid": user.account, "chat_service_sid": user.service,
        "identity": user.identity, "friendly_name": project::shown_name(user),
        "attributes": user.attributes, "role_sid": user.role_sid, "is_online": shown.and_then(|r| r.online),
        "is_notifiable": shown.and_then(|r| r.notifiable),
        "date_created": user.created_at.iso_millis(), "date_updated": user.updated_at.iso_millis(),
        "url": format!("{}/Users/{}", super::base(session, request), user.sid),
        "sync_objects": {"user_info_map": Entity::UserInfo(user.sid).name()},
    })
}
