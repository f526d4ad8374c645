//! Members of channels (rest.md §5.3): made, read and removed.

use confab_domain::chat::{channel, member};
use confab_domain::participant::Participant;
use confab_types::{AccountSid, ConversationSid, ParticipantSid, RoleSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Date, Input, List, Required, SidText, Text, WebhookEnabled, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v2/Services/{ServiceSid}/Channels/{ChannelSid}/Members",
        [get("ListMember", list), post("CreateMember", create)],
    );
    routes.at(
        "/v2/Services/{ServiceSid}/Channels/{ChannelSid}/Members/{Sid}",
        [get("FetchMember", fetch), delete("DeleteMember", remove)],
    );
}

input! {
    /// A new member.
    struct New {
        identity: Required = "Identity",
        role: SidText<RoleSid> = "RoleSid",
        created_at: Date<50308> = "DateCreated",
        updated_at: Date<50309> = "DateUpdated",
        attributes: Text = "Attributes",
    }
}

async fn create(scope: Scope, _: WebhookEnabled, Input(new): Input<New>) -> Result<Created<View>> {
    let command = member::Add {
        service: scope.service,
        channel: scope.item("ChannelSid")?.to_owned(),
        identity: new.identity,
        role: new.role,
        attributes: new.attributes,
        created_at: new.created_at,
        updated_at: new.updated_at,
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
            member::fetch(tx, within.sid, &key)
        })
        .await?;
    Ok(reply(&view(&scope, found)))
}

async fn remove(scope: Scope, _: WebhookEnabled) -> Result<Deleted> {
    let command = member::Remove {
        service: scope.service,
        channel: scope.item("ChannelSid")?.to_owned(),
        key: scope.item("Sid")?.to_owned(),
    };
    scope.execute(command).await?;
    Ok(Deleted)
}

input! {
    /// Which members.
    struct Wanted {
        identities: List = "Identity",
    }
}

async fn list(scope: Scope, query: Paged<Wanted, 100>) -> Result<Listed<View>> {
    let (service, key) = (scope.service, scope.item("ChannelSid")?.to_owned());
    let (root, identities) = (scope.root.clone(), query.filters.identities.unwrap_or_default());
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let within = channel::parent(tx, service, &key)?;
                let url = format!("{root}/Channels/{}/Members", within.sid);
                let page = member::list(tx, within.sid, &identities, &paging.window(&url)?)?;
                Ok((url, page))
            },
            |row| view(&scope, row),
        )
        .await
}

fn view(scope: &Scope, member: Participant) -> View {
    View {
        url: format!(
            "{}/Channels/{}/Members/{}",
            scope.root, member.conversation, member.sid
        ),
        sid: member.sid,
        account_sid: member.account,
        channel_sid: member.conversation,
        service_sid: member.service,
        identity: member.identity,
        role_sid: member.role_sid,
        last_consumed_message_index: member.last_read_index,
        last_consumption_timestamp: member.last_read_at.map(Iso),
        date_created: Iso(member.created_at),
        date_updated: Iso(member.updated_at),
        attributes: member.attributes,
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: ParticipantSid,
    account_sid: AccountSid,
    channel_sid: ConversationSid,
    service_sid: ServiceSid,
    identity: Option<String>,
    role_sid: Option<RoleSid>,
    last_consumed_message_index: Option<i64>,
    last_consumption_timestamp: Option<Iso>,
    date_created: Iso,
    date_updated: Iso,
    attributes: String,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "members";
}
