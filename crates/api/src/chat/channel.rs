//! Channels (rest.md §5.2).

use confab_domain::chat::channel::{self, Values};
use confab_domain::conversation::Conversation;
use confab_types::{AccountSid, ConversationSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Date, Input, ListOf, OneOf, Text, WebhookEnabled, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v2/Services/{ServiceSid}/Channels",
        [get("ListChannel", list), post("CreateChannel", create)],
    );
    routes.at(
        "/v2/Services/{ServiceSid}/Channels/{Sid}",
        [
            get("FetchChannel", fetch),
            post("UpdateChannel", update),
            delete("DeleteChannel", remove),
        ],
    );
}

words! {
    /// Who sees a channel.
    pub(super) ChannelType: "public", "private"
}

pub(super) const PUBLIC: ChannelType = ChannelType("public");
pub(super) const PRIVATE: ChannelType = ChannelType("private");

input! {
    /// A new channel.
    struct New {
        friendly_name: Text = "FriendlyName",
        unique_name: Text = "UniqueName",
        attributes: Text = "Attributes",
        kind: OneOf<ChannelType> = "Type",
        created_at: Date<50308> = "DateCreated",
        updated_at: Date<50309> = "DateUpdated",
        created_by: Text = "CreatedBy",
    }
}

async fn create(scope: Scope, _: WebhookEnabled, Input(new): Input<New>) -> Result<Created<View>> {
    let command = channel::Create {
        account: scope.account(),
        service: scope.service,
        public: new.kind.as_deref() != Some(PRIVATE.0),
        values: Values {
            friendly_name: new.friendly_name,
            unique_name: new.unique_name,
            attributes: new.attributes,
            created_by: new.created_by,
            created_at: new.created_at,
            updated_at: new.updated_at,
        },
    };
    let made = scope.execute(command).await?;
    Ok(reply(&view(&scope, made)))
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let (service, key) = (scope.service, scope.item("Sid")?.to_owned());
    let found = scope.read(move |tx| channel::fetch(tx, service, &key)).await?;
    Ok(reply(&view(&scope, found)))
}

input! {
    /// What may change of a channel.
    struct Changes {
        friendly_name: Text = "FriendlyName",
        unique_name: Text = "UniqueName",
        attributes: Text = "Attributes",
        created_at: Date<50308> = "DateCreated",
        updated_at: Date<50309> = "DateUpdated",
        created_by: Text = "CreatedBy",
    }
}

async fn update(scope: Scope, _: WebhookEnabled, Input(new): Input<Changes>) -> Result<Found<View>> {
    let command = channel::Update {
        service: scope.service,
        key: scope.item("Sid")?.to_owned(),
        values: Values {
            friendly_name: new.friendly_name,
            unique_name: new.unique_name,
            attributes: new.attributes,
            created_by: new.created_by,
            created_at: new.created_at,
            updated_at: new.updated_at,
        },
    };
    let changed = scope.execute(command).await?;
    Ok(reply(&view(&scope, changed)))
}

async fn remove(scope: Scope, _: WebhookEnabled) -> Result<Deleted> {
    let command = channel::Delete {
        service: scope.service,
        key: scope.item("Sid")?.to_owned(),
    };
    scope.execute(command).await?;
    Ok(Deleted)
}

input! {
    /// Which channels; public ones where no type is named.
    struct Wanted {
        types: ListOf<ChannelType> = "Type",
    }
}

async fn list(scope: Scope, query: Paged<Wanted, 100>) -> Result<Listed<View>> {
    let (service, url) = (scope.service, format!("{}/Channels", scope.root));
    let types = channel::types(&query.filters.types.unwrap_or_default())?;
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let page = channel::list(tx, service, types, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&scope, row),
        )
        .await
}

fn view(scope: &Scope, channel: Conversation) -> View {
    let url = format!("{}/Channels/{}", scope.root, channel.sid);
    View {
        sid: channel.sid,
        account_sid: channel.account,
        service_sid: channel.service,
        friendly_name: channel.friendly_name,
        unique_name: channel.unique_name,
        attributes: channel.attributes,
        kind: if channel.public { PUBLIC } else { PRIVATE },
        date_created: Iso(channel.created_at),
        date_updated: Iso(channel.updated_at),
        created_by: channel.created_by,
        // Phones in a conversation are no members of its channel.
        members_count: channel.participants_count - channel.non_chat_count,
        messages_count: channel.messages_count,
        links: ChannelLinks {
            members: format!("{url}/Members"),
            messages: format!("{url}/Messages"),
            invites: format!("{url}/Invites"),
            webhooks: format!("{url}/Webhooks"),
            last_message: None,
        },
        url,
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: ConversationSid,
    account_sid: AccountSid,
    service_sid: ServiceSid,
    friendly_name: Option<String>,
    unique_name: Option<String>,
    attributes: String,
    #[serde(rename = "type")]
    kind: ChannelType,
    date_created: Iso,
    date_updated: Iso,
    created_by: String,
    members_count: i64,
    messages_count: i64,
    url: String,
    links: ChannelLinks,
}

#[derive(Serialize, JsonSchema)]
struct ChannelLinks {
    members: String,
    messages: String,
    invites: String,
    webhooks: String,
    /// Always null, as in all examples of the original.
    last_message: Option<String>,
}

impl InList for View {
    const KEY: &'static str = "channels";
}
