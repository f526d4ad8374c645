//! Messages (rest.md §2.2).

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use confab_domain::message::{self, Message};
use confab_domain::{Order, conversation};
use confab_types::{
    AccountSid, ApiError, ContentSid, ConversationSid, Form, MediaSid, MessageSid, ParticipantSid,
    ServiceSid, Sid,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::both;
use super::scope::Scope;
use crate::kit::app::App;
use crate::kit::failure::{Failure, Result};
use crate::kit::paging::{Listed, Paging};
use crate::kit::params::Params;
use crate::kit::render::{self, Below, Iso};

pub(super) fn routes(routes: Router<App>) -> Router<App> {
    let routes = both(
        routes,
        "/Conversations/{conversation}/Messages",
        get(list).post(create),
    );
    let one = get(fetch).post(update).delete(delete);
    let routes = both(routes, "/Conversations/{conversation}/Messages/{message}", one);
    let metadata = get(channel_metadata);
    both(
        routes,
        "/Conversations/{conversation}/Messages/{message}/ChannelMetadata",
        metadata,
    )
}

async fn create(scope: Scope, params: Params) -> Result<Response> {
    refuse_attachments(&params)?;
    let command = message::Create {
        service: scope.service,
        conversation: scope.item("conversation")?.to_owned(),
        author: params.string("Author"),
        body: params.string("Body"),
        subject: params.string("Subject"),
        attributes: params.string("Attributes"),
        created_at: params.datetime("DateCreated", 50308)?,
        updated_at: params.datetime("DateUpdated", 50309)?,
    };
    let made = scope.execute(command).await?;
    Ok(render::created(|out| write(&scope, &made, out)))
}

/// No media and no content templates can exist yet; a message that names one must not go out without it.
fn refuse_attachments(form: &Form) -> Result<(), ApiError> {
    let given = |name| form.get(name).filter(|text| !text.is_empty());
    if given("ContentSid").is_some() {
        return Err(ApiError::new(50526));
    }
    if given("ContentVariables").is_some() {
        return Err(ApiError::new(50528));
    }
    match given("MediaSid").map(MediaSid::parse) {
        None => Ok(()),
        Some(Some(_)) => Err(ApiError::new(50507)),
        Some(None) => Err(ApiError::new(50510)),
    }
}

async fn find(scope: &Scope) -> Result<Message> {
    let (service, conversation) = (scope.service, scope.item("conversation")?.to_owned());
    let key = scope.item("message")?.to_owned();
    scope
        .read(move |tx| {
            let within = conversation::parent(tx, service, &conversation)?;
            message::fetch(tx, &within, &key)
        })
        .await
}

async fn fetch(scope: Scope) -> Result<Response> {
    let found = find(&scope).await?;
    Ok(render::ok(|out| write(&scope, &found, out)))
}

/// No channel stores metadata yet (B-249).
async fn channel_metadata(scope: Scope) -> Result<Response> {
    find(&scope).await?;
    Err(Failure::code(50530))
}

async fn update(scope: Scope, params: Params) -> Result<Response> {
    let command = message::Update {
        service: scope.service,
        conversation: scope.item("conversation")?.to_owned(),
        key: scope.item("message")?.to_owned(),
        author: params.string("Author"),
        body: params.string("Body"),
        subject: params.string("Subject"),
        attributes: params.string("Attributes"),
        created_at: params.datetime("DateCreated", 50308)?,
        updated_at: params.datetime("DateUpdated", 50309)?,
    };
    let changed = scope.execute(command).await?;
    Ok(render::ok(|out| write(&scope, &changed, out)))
}

async fn delete(scope: Scope) -> Result<Response> {
    let conversation = scope.item("conversation")?.to_owned();
    let key = scope.item("message")?.to_owned();
    scope
        .execute(message::Delete {
            service: scope.service,
            conversation,
            key,
        })
        .await?;
    Ok(render::no_content())
}

async fn list(scope: Scope, params: Params) -> Result<Response> {
    let (order, word) = match params.get("Order") {
        None | Some("asc") => (Order::Ascending, "asc"),
        Some("desc") => (Order::Descending, "desc"),
        Some(_) => return Err(ApiError::invalid("Order").into()),
    };
    let paging = Paging::read(&params, 100, &["Order"])?;
    let (service, key) = (scope.service, scope.item("conversation")?.to_owned());
    let (paging, list, conversation, page) = scope
        .read(move |tx| {
            let within = conversation::parent(tx, service, &key)?;
            let list = format!("messages {word} {}", within.sid);
            let page = message::list(tx, &within, order, &paging.window(&list)?)?;
            Ok((paging.clone(), list, within.sid, page))
        })
        .await?;
    let url = format!("{}/Conversations/{conversation}/Messages", scope.root);
    let listed = Listed {
        key: "messages",
        list: &list,
        url: &url,
        paging: &paging,
        page,
    };
    Ok(render::ok(|out| {
        listed.write(out, |item, out| write(&scope, item, out));
    }))
}

fn write(scope: &Scope, message: &Message, out: &mut Vec<u8>) {
    let url = format!(
        "{}/Conversations/{}/Messages/{}",
        scope.root, message.conversation, message.sid
    );
    render::write(
        out,
        &View {
            sid: message.sid,
            account_sid: message.account,
            chat_service_sid: scope.shown_service,
            conversation_sid: message.conversation,
            body: message.body.as_deref(),
            media: None,
            author: &message.author,
            participant_sid: message.participant,
            attributes: &message.attributes,
            date_created: Iso(message.created_at),
            date_updated: Iso(message.updated_at),
            index: message.index,
            delivery: message
                .delivery
                .as_deref()
                .and_then(|json| serde_json::from_str(json).ok()),
            content_sid: None,
            url: &url,
            links: Links {
                delivery_receipts: Below(&url, "/Receipts"),
                channel_metadata: Below(&url, "/ChannelMetadata"),
            },
        },
    );
}

#[derive(Serialize)]
struct View<'a> {
    sid: MessageSid,
    account_sid: AccountSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_service_sid: Option<ServiceSid>,
    conversation_sid: ConversationSid,
    body: Option<&'a str>,
    media: Option<&'a RawValue>,
    author: &'a str,
    participant_sid: Option<ParticipantSid>,
    attributes: &'a str,
    date_created: Iso,
    date_updated: Iso,
    index: i64,
    delivery: Option<&'a RawValue>,
    content_sid: Option<ContentSid>,
    url: &'a str,
    links: Links<'a>,
}

#[derive(Serialize)]
struct Links<'a> {
    delivery_receipts: Below<'a>,
    channel_metadata: Below<'a>,
}
