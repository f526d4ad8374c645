//! C1: what a client reads once, before anything else.

use confab_domain::{Result, chat, media};
use serde_json::json;

use crate::connection::Session;
use crate::entity::Entity;
use crate::upstream::{Reply, Request};

pub(crate) async fn fetch(session: &Session, request: &Request) -> Result<Reply> {
    let client = &session.client;
    let (account, sid) = (client.account, client.service);
    let of_chat = session
        .engine()
        .read(move |tx| chat::service::fetch(tx, account, sid))
        .await?;
    let (service, settings) = (of_chat.service, of_chat.settings);
    let base = super::base(session, request);
    let links = format!("{}/v1/Services/{sid}", session.origin);
    let megabytes = session.engine().limits().media_bytes / (1024 * 1024);
    Ok(Reply::json(
        200,
        &json!({
            "identity": client.identity,
            "url": format!("https://{}/Client/v2/Configuration", request.host),
            "options": {
                "consumption_report_interval": format!("PT{}S", settings.consumption_report_interval),
                "user_infos_to_subscribe": 100,
                "reachability_enabled": service.reachability_enabled,
                "http_cache_interval": "PT5S",
                "my_conversations_page_size": 100,
                "media_attachments_count_limit": media::PER_MESSAGE,
                "media_attachment_size_limit_in_mb": megabytes,
                "media_attachments_total_size_limit_in_mb": megabytes,
                "email_histories_allowed_mime_types": ["text/plain", "text/html"],
                "email_bodies_allowed_mime_types": ["text/plain", "text/html"],
            },
            "sync_objects": {
                "my_conversations": Entity::Conversations(client.user).name(),
                "my_user_info": Entity::UserInfo(client.user).name(),
            },
            "links": {
                "conversations": format!("{base}/Conversations"),
                "my_conversations": format!("{base}/Users/{}/Conversations", client.user),
                "users": format!("{base}/Users"),
                "current_user": format!("{base}/Users/{}", client.user),
                "typing": format!("{base}/Typing"),
                "messages_receipts": format!("{base}/Conversations/%s/Messages/%s/Receipts"),
                "media_service": format!("{links}/Media"),
                "media_set_service": format!("{links}/MediaSet"),
            },
        }),
    ))
}
