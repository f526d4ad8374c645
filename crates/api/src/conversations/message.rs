//! Messages (rest.md §2.2).

use confab_domain::content::Reference;
use confab_domain::media::Attachment;
use confab_domain::message::{self, Message};
use confab_domain::{Order, conversation};
use confab_types::{
    AccountSid, ContentSid, ConversationSid, MediaSid, MessageSid, ParticipantSid, ServiceSid,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::both;
use super::scope::Scope;
use crate::kit::failure::{Failure, Result};
use crate::kit::input::{Date, Direction, Input, SidText, Text, WebhookEnabled, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Empty, Found, Iso, Links, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    both(
        routes,
        "/Conversations/{ConversationSid}/Messages",
        [
            get("ListConversationMessage", list),
            post("CreateConversationMessage", create),
        ],
    );
    both(
        routes,
        "/Conversations/{ConversationSid}/Messages/{Sid}",
        [
            get("FetchConversationMessage", fetch),
            post("UpdateConversationMessage", update),
            delete("DeleteConversationMessage", remove),
        ],
    );
    both(
        routes,
        "/Conversations/{ConversationSid}/Messages/{Sid}/ChannelMetadata",
        [get("FetchConversationMessageChannelMetadata", channel_metadata)],
    );
}

input! {
    /// A new message.
    struct New {
        author: Text = "Author",
        body: Text = "Body",
        created_at: Date<50308> = "DateCreated",
        updated_at: Date<50309> = "DateUpdated",
        attributes: Text = "Attributes",
        media: SidText<MediaSid> = "MediaSid",
        content: SidText<ContentSid> = "ContentSid",
        content_variables: Text = "ContentVariables",
        subject: Text = "Subject",
    }
}

async fn create(scope: Scope, _: WebhookEnabled, Input(new): Input<New>) -> Result<Created<View>> {
    let command = message::Create {
        service: scope.service,
        conversation: scope.item("ConversationSid")?.to_owned(),
        author: new.author,
        body: new.body,
        subject: new.subject,
        attributes: new.attributes,
        content: Reference {
            sid: new.content,
            variables: new.content_variables,
        },
        created_at: new.created_at,
        updated_at: new.updated_at,
        media: new.media.into_iter().filter(|sid| !sid.is_empty()).collect(),
    };
    let made = scope.execute(command).await?;
    Ok(reply(&view(&scope, made)))
}

async fn find(scope: &Scope) -> Result<Message> {
    let (service, conversation) = (scope.service, scope.item("ConversationSid")?.to_owned());
    let key = scope.sid::<MessageSid>("Sid")?.to_string();
    scope
        .read(move |tx| {
            let within = conversation::parent(tx, service, &conversation)?;
            message::fetch(tx, &within, &key)
        })
        .await
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let found = find(&scope).await?;
    Ok(reply(&view(&scope, found)))
}

/// No channel stores metadata yet (B-249).
async fn channel_metadata(scope: Scope) -> Result<Found<Empty>> {
    find(&scope).await?;
    Err(Failure::code(50530))
}

input! {
    /// What may change of a message.
    struct Changes {
        author: Text = "Author",
        body: Text = "Body",
        created_at: Date<50308> = "DateCreated",
        updated_at: Date<50309> = "DateUpdated",
        attributes: Text = "Attributes",
        subject: Text = "Subject",
    }
}

async fn update(scope: Scope, _: WebhookEnabled, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = message::Update {
        service: scope.service,
        conversation: scope.item("ConversationSid")?.to_owned(),
        key: scope.sid::<MessageSid>("Sid")?.to_string(),
        author: changes.author,
        body: changes.body,
        subject: changes.subject,
        attributes: changes.attributes,
        created_at: changes.created_at,
        updated_at: changes.updated_at,
    };
    let changed = scope.execute(command).await?;
    Ok(reply(&view(&scope, changed)))
}

async fn remove(scope: Scope, _: WebhookEnabled) -> Result<Deleted> {
    let command = message::Delete {
        service: scope.service,
        conversation: scope.item("ConversationSid")?.to_owned(),
        key: scope.sid::<MessageSid>("Sid")?.to_string(),
    };
    scope.execute(command).await?;
    Ok(Deleted)
}

input! {
    /// Filters of the list.
    struct Filters {
        order: Direction = "Order",
    }
}

async fn list(scope: Scope, query: Paged<Filters, 100>) -> Result<Listed<View>> {
    let order = query.filters.order.unwrap_or(Order::Ascending);
    let (service, key) = (scope.service, scope.item("ConversationSid")?.to_owned());
    let root = scope.root.clone();
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let within = conversation::parent(tx, service, &key)?;
                let url = format!("{root}/Conversations/{}/Messages", within.sid);
                let page = message::list(tx, &within, order, &paging.window(&url)?)?;
                Ok((url, page))
            },
            |row| view(&scope, row),
        )
        .await
}

fn view(scope: &Scope, message: Message) -> View {
    let url = format!(
        "{}/Conversations/{}/Messages/{}",
        scope.root, message.conversation, message.sid
    );
    View {
        sid: message.sid,
        account_sid: message.account,
        chat_service_sid: scope.shown_service,
        conversation_sid: message.conversation,
        body: message.body,
        media: (!message.media.is_empty())
            .then(|| message.media.into_iter().map(AttachmentView::from).collect()),
        author: message.author,
        participant_sid: message.participant,
        attributes: message.attributes,
        date_created: Iso(message.created_at),
        date_updated: Iso(message.updated_at),
        index: message.index,
        delivery: message.delivery.and_then(|json| RawValue::from_string(json).ok()),
        content_sid: message.content,
        url: url.clone(),
        links: Links {
            url,
            below: &[
                ("delivery_receipts", "/Receipts"),
                ("channel_metadata", "/ChannelMetadata"),
            ],
        },
    }
}

/// A medium of a message (B-274).
#[derive(Serialize, JsonSchema)]
struct AttachmentView {
    sid: MediaSid,
    size: i64,
    content_type: String,
    filename: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<CategoryWord>,
}

impl From<Attachment> for AttachmentView {
    fn from(attachment: Attachment) -> Self {
        Self {
            sid: attachment.sid,
            size: attachment.size,
            content_type: attachment.content_type,
            filename: attachment.filename,
            category: attachment.category.map(|c| CategoryWord(c.name())),
        }
    }
}

words! {
    /// What a medium is for.
    CategoryWord: "media", "body", "history"
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: MessageSid,
    account_sid: AccountSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_service_sid: Option<ServiceSid>,
    conversation_sid: ConversationSid,
    body: Option<String>,
    media: Option<Vec<AttachmentView>>,
    author: String,
    participant_sid: Option<ParticipantSid>,
    attributes: String,
    date_created: Iso,
    date_updated: Iso,
    index: i64,
    #[schemars(with = "serde_json::Value")]
    delivery: Option<Box<RawValue>>,
    content_sid: Option<ContentSid>,
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "messages";
}
