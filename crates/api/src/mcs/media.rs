//! A medium: its upload, its record, and the way to its bytes. Nothing of it can be changed (B-279).

use confab_domain::media::{self, Media};
use confab_types::{AccountSid, ConversationSid, MediaSid, MessageSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::scope::Scope;
use super::temporary_url;
use super::upload::Upload;
use crate::kit::failure::Result;
use crate::kit::input::words;
use crate::kit::render::{Created, Found, Iso, Redirect, reply};
use crate::kit::routes::{Routes, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/Services/{ServiceSid}/Media", [post("CreateMedia", create)]);
    routes.at(
        "/v1/Services/{ServiceSid}/Media/{Sid}",
        [get("FetchMedia", fetch)],
    );
    routes.at(
        "/v1/Services/{ServiceSid}/Media/{Sid}/Content",
        [get("FetchMediaContent", content)],
    );
}

async fn create(scope: Scope, upload: Upload) -> Result<Created<View>> {
    let stored = upload.store(&scope).await?;
    Ok(reply(&view(&scope, stored)?))
}

async fn find(scope: &Scope) -> Result<Media> {
    let (actor, service, key) = (scope.actor.clone(), scope.service, scope.item().to_owned());
    let now = scope.app.engine.now();
    scope
        .read(move |tx| media::fetch(tx, &actor, service, &key, now))
        .await
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let found = find(&scope).await?;
    Ok(reply(&view(&scope, found)?))
}

async fn content(scope: Scope) -> Result<Redirect> {
    let found = find(&scope).await?;
    Redirect::to(temporary_url(&scope.app, &scope.exchange, found.sid)?)
}

pub(super) fn view(scope: &Scope, media: Media) -> Result<View> {
    let url = format!("{}/{}", scope.root(), media.sid);
    Ok(View {
        sid: media.sid,
        account_sid: media.account,
        service_sid: scope.service,
        date_created: Iso(media.created_at),
        date_upload_updated: Iso(media.stored_at),
        date_updated: media.attached_at.map(Iso),
        size: media.size,
        content_type: media.content_type,
        filename: media.filename,
        author: media.author,
        category: CategoryWord(media.category.name()),
        message_sid: media.message,
        channel_sid: media.conversation,
        is_multipart_upstream: false,
        links: MediaLinks {
            content: format!("{url}/Content"),
            content_direct_temporary: temporary_url(&scope.app, &scope.exchange, media.sid)?,
        },
        url,
    })
}

words! {
    /// What a medium is for.
    pub(super) CategoryWord: "media", "body", "history"
}

#[derive(Serialize, JsonSchema)]
pub(super) struct View {
    sid: MediaSid,
    account_sid: AccountSid,
    service_sid: ServiceSid,
    date_created: Iso,
    date_upload_updated: Iso,
    date_updated: Option<Iso>,
    size: i64,
    content_type: String,
    filename: Option<String>,
    author: String,
    category: CategoryWord,
    message_sid: Option<MessageSid>,
    channel_sid: Option<ConversationSid>,
    url: String,
    is_multipart_upstream: bool,
    links: MediaLinks,
}

#[derive(Serialize, JsonSchema)]
struct MediaLinks {
    content: String,
    content_direct_temporary: String,
}
