//! The way of a public channel into Conversations (rest.md §6), all that there is of v3.

use confab_domain::chat::migration::Migrate;
use confab_types::{AccountSid, ConversationSid, MessagingServiceSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::channel::{ChannelType, PRIVATE, PUBLIC};
use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Input, SidText, WebhookEnabled, Word, input};
use crate::kit::render::{Found, Iso, reply};
use crate::kit::routes::{Routes, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v3/Services/{ServiceSid}/Channels/{Sid}",
        // The id is told apart from that of v2.
        [post("UpdateChannelV3", update)],
    );
}

input! {
    /// What becomes of the channel.
    struct Changes {
        kind: Word<ChannelType> = "Type",
        messaging_service: SidText<MessagingServiceSid> = "MessagingServiceSid",
    }
}

async fn update(scope: Scope, _: WebhookEnabled, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = Migrate {
        service: scope.service,
        key: scope.item("Sid")?.to_owned(),
        kind: changes.kind,
        messaging_service: changes.messaging_service,
    };
    let channel = scope.execute(command).await?;
    Ok(reply(&View {
        sid: channel.sid,
        account_sid: channel.account,
        service_sid: channel.service,
        messaging_service_sid: channel.messaging_service,
        friendly_name: channel.friendly_name,
        unique_name: channel.unique_name,
        attributes: channel.attributes,
        kind: if channel.public { PUBLIC } else { PRIVATE },
        date_created: Iso(channel.created_at),
        date_updated: Iso(channel.updated_at),
        created_by: channel.created_by,
        members_count: channel.participants_count - channel.non_chat_count,
        messages_count: channel.messages_count,
        url: format!(
            "{}/v3/Services/{}/Channels/{}",
            scope.exchange.base, channel.service, channel.sid
        ),
    }))
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: ConversationSid,
    account_sid: AccountSid,
    service_sid: ServiceSid,
    messaging_service_sid: Option<MessagingServiceSid>,
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
}
