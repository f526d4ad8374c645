//! Participants (rest.md §2.4).

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use confab_domain::participant::{self, Fields, Horizon, Participant};
use confab_domain::{Error, Order, conversation};
use confab_types::{AccountSid, ApiError, ConversationSid, Form, ParticipantSid, RoleSid, ServiceSid};
use serde::Serialize;

use super::both;
use super::scope::Scope;
use crate::kit::app::App;
use crate::kit::failure::{Failure, Result};
use crate::kit::paging::{Listed, Paging};
use crate::kit::params::Params;
use crate::kit::render::{self, Iso};

pub(super) fn routes(routes: Router<App>) -> Router<App> {
    let routes = both(
        routes,
        "/Conversations/{conversation}/Participants",
        get(list).post(add),
    );
    let one = get(fetch).post(update).delete(remove);
    both(
        routes,
        "/Conversations/{conversation}/Participants/{participant}",
        one,
    )
}

const PROXY: &str = "MessagingBinding.ProxyAddress";
const PROJECTED: &str = "MessagingBinding.ProjectedAddress";

async fn add(scope: Scope, params: Params) -> Result<Response> {
    let fields = Fields {
        identity: params.string("Identity"),
        address: params.string("MessagingBinding.Address"),
        proxy_address: params.string(PROXY),
        projected_address: params.string(PROJECTED),
        attributes: params.string("Attributes"),
        role: params.string("RoleSid"),
        created_at: params.datetime("DateCreated", 50308)?,
        updated_at: params.datetime("DateUpdated", 50309)?,
    };
    let conversation = scope.item("conversation")?.to_owned();
    let added = scope
        .execute(participant::Add {
            service: scope.service,
            conversation,
            fields,
        })
        .await?;
    Ok(render::created(|out| write(&scope, &added, out)))
}

async fn fetch(scope: Scope) -> Result<Response> {
    let (service, conversation) = (scope.service, scope.item("conversation")?.to_owned());
    let key = scope.item("participant")?.to_owned();
    let found = scope
        .read(move |tx| {
            let within = conversation::parent(tx, service, &conversation)?;
            participant::fetch(tx, within.sid, &key)
        })
        .await?;
    Ok(render::ok(|out| write(&scope, &found, out)))
}

async fn update(scope: Scope, params: Params) -> Result<Response> {
    let (conversation, key) = (scope.item("conversation")?, scope.item("participant")?);
    let command = participant::Update {
        attributes: params.string("Attributes"),
        role: params.string("RoleSid"),
        identity: params.string("Identity"),
        proxy_address: params.string(PROXY),
        horizon: horizon(&params)?,
        last_read_at: params.datetime("LastReadTimestamp", 50405)?,
        created_at: params.datetime("DateCreated", 50308)?,
        updated_at: params.datetime("DateUpdated", 50309)?,
        ..participant::Update::of(scope.service, conversation, key)
    };
    if let Some(projected) = params.get(PROJECTED) {
        return Err(refuse_projected(&scope, projected).await?);
    }
    let changed = scope.execute(command).await?;
    Ok(render::ok(|out| write(&scope, &changed, out)))
}

/// Nobody has a projected address yet: there is none to take away (B-184), and group texting, which would give one,
/// is not built.
async fn refuse_projected(scope: &Scope, value: &str) -> Result<Failure> {
    let (service, conversation) = (scope.service, scope.item("conversation")?.to_owned());
    let (key, takes_away) = (scope.item("participant")?.to_owned(), value == "null");
    let code = scope
        .read(move |tx| {
            let within = conversation::parent(tx, service, &conversation)?;
            let target = participant::fetch(tx, within.sid, &key)?;
            if within.state == conversation::State::Closed {
                return Err(Error::code(50377));
            }
            Ok(match (takes_away, target.address) {
                (true, _) => 50442,
                (false, Some(_)) => 50443,
                (false, None) => 50452,
            })
        })
        .await?;
    Ok(Failure::code(code))
}

fn horizon(form: &Form) -> Result<Option<Horizon>, ApiError> {
    match form.get("LastReadMessageIndex") {
        None => Ok(None),
        Some("null") => Ok(Some(Horizon::Unset)), // B-573
        Some(text) => match text.parse::<i64>() {
            Ok(index @ 0..) => Ok(Some(Horizon::At(index))),
            _ => Err(ApiError::new(50421)),
        },
    }
}

async fn remove(scope: Scope) -> Result<Response> {
    let conversation = scope.item("conversation")?.to_owned();
    let key = scope.item("participant")?.to_owned();
    scope
        .execute(participant::Remove {
            service: scope.service,
            conversation,
            key,
        })
        .await?;
    Ok(render::no_content())
}

async fn list(scope: Scope, params: Params) -> Result<Response> {
    let paging = Paging::read(&params, 100, &[])?;
    let (service, key) = (scope.service, scope.item("conversation")?.to_owned());
    let (paging, list, conversation, page) = scope
        .read(move |tx| {
            let within = conversation::parent(tx, service, &key)?.sid;
            let list = format!("participants {within}");
            let page = participant::list(tx, within, Order::Ascending, &paging.window(&list)?)?;
            Ok((paging.clone(), list, within, page))
        })
        .await?;
    let url = format!("{}/Conversations/{conversation}/Participants", scope.root);
    let listed = Listed {
        key: "participants",
        list: &list,
        url: &url,
        paging: &paging,
        page,
    };
    Ok(render::ok(|out| {
        listed.write(out, |item, out| write(&scope, item, out));
    }))
}

fn write(scope: &Scope, participant: &Participant, out: &mut Vec<u8>) {
    let binding = participant.address.as_deref().map(|address| Binding {
        kind: participant.channel().map_or("sms", |channel| channel.name()),
        address,
        proxy_address: participant.proxy_address.as_deref(),
    });
    render::write(
        out,
        &View {
            account_sid: participant.account,
            chat_service_sid: scope.shown_service,
            conversation_sid: participant.conversation,
            sid: participant.sid,
            identity: participant.identity.as_deref(),
            attributes: &participant.attributes,
            messaging_binding: binding,
            role_sid: participant.role_sid,
            date_created: Iso(participant.created_at),
            date_updated: Iso(participant.updated_at),
            url: format!(
                "{}/Conversations/{}/Participants/{}",
                scope.root, participant.conversation, participant.sid
            ),
            last_read_message_index: participant.last_read_index,
            last_read_timestamp: participant.last_read_at.map(Iso),
        },
    );
}

#[derive(Serialize)]
struct View<'a> {
    account_sid: AccountSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_service_sid: Option<ServiceSid>,
    conversation_sid: ConversationSid,
    sid: ParticipantSid,
    identity: Option<&'a str>,
    attributes: &'a str,
    messaging_binding: Option<Binding<'a>>,
    role_sid: Option<RoleSid>,
    date_created: Iso,
    date_updated: Iso,
    url: String,
    last_read_message_index: Option<i64>,
    last_read_timestamp: Option<Iso>,
}

#[derive(Serialize)]
struct Binding<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    address: &'a str,
    proxy_address: Option<&'a str>,
}
