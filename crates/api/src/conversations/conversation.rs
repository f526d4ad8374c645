//! Conversations (rest.md §2.1).

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use confab_domain::Page;
use confab_domain::conversation::{self, Conversation, Fields, Filter, State};
use confab_types::{AccountSid, ApiError, ConversationSid, Form, MessagingServiceSid, ServiceSid, Timestamp};
use serde::Serialize;

use super::both;
use super::scope::Scope;
use crate::kit::app::App;
use crate::kit::failure::Result;
use crate::kit::paging::{Listed, Paging};
use crate::kit::params::Params;
use crate::kit::render::{self, Below, Empty, Iso};

pub(super) fn routes(routes: Router<App>) -> Router<App> {
    let routes = both(routes, "/Conversations", get(list).post(create));
    both(
        routes,
        "/Conversations/{conversation}",
        get(fetch).post(update).delete(delete),
    )
}

async fn create(scope: Scope, params: Params) -> Result<Response> {
    let command = conversation::Create {
        account: scope.account(),
        service: scope.service,
        fields: fields(&params)?,
    };
    let made = scope.execute(command).await?;
    Ok(render::created(|out| write(&scope, &made, out)))
}

async fn fetch(scope: Scope) -> Result<Response> {
    let (service, key) = (scope.service, scope.item("conversation")?.to_owned());
    let found = scope
        .read(move |tx| conversation::fetch(tx, service, &key))
        .await?;
    Ok(render::ok(|out| write(&scope, &found, out)))
}

async fn update(scope: Scope, params: Params) -> Result<Response> {
    let key = scope.item("conversation")?.to_owned();
    let command = conversation::Update {
        service: scope.service,
        key,
        fields: fields(&params)?,
    };
    let changed = scope.execute(command).await?;
    Ok(render::ok(|out| write(&scope, &changed, out)))
}

async fn delete(scope: Scope) -> Result<Response> {
    let key = scope.item("conversation")?.to_owned();
    scope
        .execute(conversation::Delete {
            service: scope.service,
            key,
        })
        .await?;
    Ok(render::no_content())
}

fn fields(form: &Form) -> Result<Fields> {
    Ok(Fields {
        friendly_name: form.string("FriendlyName"),
        unique_name: form.string("UniqueName"),
        attributes: form.string("Attributes"),
        messaging_service: form.string("MessagingServiceSid"),
        state: form.string("State"),
        email_address: form.string("Bindings.Email.Address"),
        email_name: form.string("Bindings.Email.Name"),
        created_at: form.datetime("DateCreated", 50308)?,
        updated_at: form.datetime("DateUpdated", 50309)?,
    })
}

async fn list(scope: Scope, params: Params) -> Result<Response> {
    let paging = Paging::read(&params, 100, &["StartDate", "EndDate", "State"])?;
    let service = scope.service;
    let list = format!("conversations {service}");
    let window = paging.window(&list)?;
    let page = match filter(&params)? {
        Some(filter) => {
            scope
                .read(move |tx| conversation::list(tx, service, &filter, &window))
                .await?
        }
        None => Page {
            items: Vec::new(),
            next: None,
            previous: None,
        },
    };
    let url = format!("{}/Conversations", scope.root);
    let listed = Listed {
        key: "conversations",
        list: &list,
        url: &url,
        paging: &paging,
        page,
    };
    Ok(render::ok(|out| {
        listed.write(out, |item, out| write(&scope, item, out));
    }))
}

/// The filter of a list; `None` for one that nothing passes.
fn filter(form: &Form) -> Result<Option<Filter>, ApiError> {
    let from = day_or_time(form, "StartDate", Day::Start)?;
    let to = day_or_time(form, "EndDate", Day::End)?;
    if from
        .zip(to)
        .is_some_and(|(from, to)| to.seconds() <= from.seconds())
    {
        return Err(ApiError::new(50396)); // B-130
    }
    let state = match form.get("State") {
        None => None,
        // A word of the documents' enumeration; a conversation never stays in this state.
        Some("initializing") => return Ok(None),
        Some(word) => Some(State::parse(word).map_err(|_| ApiError::invalid("State"))?),
    };
    Ok(Some(Filter { from, to, state }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Day {
    Start,
    End,
}

/// A bare date is the start or end of its day in UTC (B-129).
fn day_or_time(form: &Form, name: &str, side: Day) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = form.get(name).filter(|t| !t.is_empty()) else {
        return Ok(None);
    };
    let at = Timestamp::parse(text).ok_or_else(|| ApiError::invalid(name))?;
    let bare = !text.contains(['T', 't', ' ', ':']);
    Ok(Some(match (side, bare) {
        (Day::Start, _) => at,
        (Day::End, true) => Timestamp(at.plus_seconds(24 * 3600).0 - 1),
        // Dates are shown to the second: what shows this one belongs to the closed range.
        (Day::End, false) if at.0 % 1_000_000 == 0 => Timestamp(at.0 + 999_999),
        (Day::End, false) => at,
    }))
}

fn write(scope: &Scope, conversation: &Conversation, out: &mut Vec<u8>) {
    let url = format!("{}/Conversations/{}", scope.root, conversation.sid);
    let named = conversation.email_address.is_some() || conversation.email_name.is_some();
    render::write(
        out,
        &View {
            sid: conversation.sid,
            account_sid: conversation.account,
            chat_service_sid: conversation.service,
            messaging_service_sid: conversation.messaging_service,
            friendly_name: conversation.friendly_name.as_deref(),
            unique_name: conversation.unique_name.as_deref(),
            attributes: &conversation.attributes,
            date_created: Iso(conversation.created_at),
            date_updated: Iso(conversation.updated_at),
            state: conversation.state.name(),
            timers: Empty {},
            bindings: Bindings {
                email: named.then_some(Email {
                    projected_address: conversation.email_address.as_deref(),
                    name: conversation.email_name.as_deref(),
                }),
            },
            url: &url,
            links: Links {
                participants: Below(&url, "/Participants"),
                messages: Below(&url, "/Messages"),
                webhooks: Below(&url, "/Webhooks"),
                export: Below(&url, "/Export"),
            },
        },
    );
}

#[derive(Serialize)]
struct View<'a> {
    sid: ConversationSid,
    account_sid: AccountSid,
    chat_service_sid: ServiceSid,
    messaging_service_sid: Option<MessagingServiceSid>,
    friendly_name: Option<&'a str>,
    unique_name: Option<&'a str>,
    attributes: &'a str,
    date_created: Iso,
    date_updated: Iso,
    state: &'static str,
    timers: Empty,
    bindings: Bindings<'a>,
    url: &'a str,
    links: Links<'a>,
}

/// `{}` without an e-mail binding (B-134).
#[derive(Serialize)]
struct Bindings<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Email<'a>>,
}

#[derive(Serialize)]
struct Email<'a> {
    projected_address: Option<&'a str>,
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct Links<'a> {
    participants: Below<'a>,
    messages: Below<'a>,
    webhooks: Below<'a>,
    export: Below<'a>,
}
