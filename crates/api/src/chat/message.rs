//! Messages of channels (rest.md §5.3): made and read.

use confab_domain::Order;
use confab_domain::chat::{channel, message as chat};
use confab_domain::message::{self, Message};
use confab_types::{AccountSid, ConversationSid, MediaSid, MessageSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Date, Direction, Input, SidText, Text, WebhookEnabled, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Found, Iso, reply};
use crate::kit::routes::{Routes, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v2/Services/{ServiceSid}/Channels/{ChannelSid}/Messages",
        [get("ListMessage", list), post("CreateMessage", create)],
    );
    routes.at(
        "/v2/Services/{ServiceSid}/Channels/{ChannelSid}/Messages/{Sid}",
        [get("FetchMessage", fetch)],
    );
}

input! {
    /// A new message.
    struct New {
        from: Text = "From",
        attributes: Text = "Attributes",
        created_at: Date<50308> = "DateCreated",
        updated_at: Date<50309> = "DateUpdated",
        body: Text = "Body",
        media: SidText<MediaSid> = "MediaSid",
    }
}

async fn create(scope: Scope, _: WebhookEnabled, Input(new): Input<New>) -> Result<Created<View>> {
    let command = chat::Create {
        service: scope.service,
        channel: scope.item("ChannelSid")?.to_owned(),
        from: new.from,
        body: new.body,
        attributes: new.attributes,
        created_at: new.created_at,
        updated_at: new.updated_at,
        media: new.media.filter(|sid| !sid.is_empty()),
    };
    let made = scope.execute(command).await?;
    Ok(reply(&view(&scope, made)))
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let (service, within) = (scope.service, scope.item("ChannelSid")?.to_owned());
    let key = scope.item("Sid")?.to_owned();
    let found = scope
        .read(move |tx| {
            let within = channel::parent(tx, service, &within)?;
            chat::fetch(tx, &within, &key)
        })
        .await?;
    Ok(reply(&view(&scope, found)))
}

input! {
    /// The order of the list, by index.
    struct Wanted {
        order: Direction = "Order",
    }
}

async fn list(scope: Scope, query: Paged<Wanted, 100>) -> Result<Listed<View>> {
    let order = query.filters.order.unwrap_or(Order::Ascending);
    let (service, key) = (scope.service, scope.item("ChannelSid")?.to_owned());
    let root = scope.root.clone();
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let within = channel::parent(tx, service, &key)?;
                let url = format!("{root}/Channels/{}/Messages", within.sid);
                let page = message::list(tx, &within, order, &paging.window(&url)?)?;
                Ok((url, page))
            },
            |row| view(&scope, row),
        )
        .await
}

fn view(scope: &Scope, message: Message) -> View {
    // Messages of Chat have one medium; of one that Conversations made with several, its clients show the first.
    let media = message.media.into_iter().next().map(|media| MediaView {
        sid: media.sid,
        size: media.size,
        content_type: media.content_type,
        filename: media.filename,
    });
    View {
        url: format!(
            "{}/Channels/{}/Messages/{}",
            scope.root, message.conversation, message.sid
        ),
        sid: message.sid,
        account_sid: message.account,
        service_sid: message.service,
        to: message.conversation,
        channel_sid: message.conversation,
        date_created: Iso(message.created_at),
        date_updated: Iso(message.updated_at),
        was_edited: message.last_updated_by.is_some(),
        last_updated_by: message.last_updated_by,
        from: message.author,
        attributes: message.attributes,
        body: message.body,
        index: message.index,
        kind: if media.is_some() { "media" } else { "text" },
        media,
    }
}

/// The medium of a message.
#[derive(Serialize, JsonSchema)]
struct MediaView {
    sid: MediaSid,
    size: i64,
    content_type: String,
    filename: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: MessageSid,
    account_sid: AccountSid,
    service_sid: ServiceSid,
    to: ConversationSid,
    channel_sid: ConversationSid,
    date_created: Iso,
    date_updated: Iso,
    last_updated_by: Option<String>,
    was_edited: bool,
    from: String,
    attributes: String,
    body: Option<String>,
    index: i64,
    #[serde(rename = "type")]
    kind: &'static str,
    media: Option<MediaView>,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "messages";
}
