//! Conversations (rest.md §2.1).

use confab_domain::Page;
use confab_domain::conversation::{self, Conversation, Fields, Filter, State};
use confab_types::{AccountSid, ApiError, ConversationSid, MessagingServiceSid, ServiceSid, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::both;
use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Date, Input, SidText, Text, WebhookEnabled, Word, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Empty, Found, Iso, Links, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    both(
        routes,
        "/Conversations",
        [get("ListConversation", list), post("CreateConversation", create)],
    );
    both(
        routes,
        "/Conversations/{Sid}",
        [
            get("FetchConversation", fetch),
            post("UpdateConversation", update),
            delete("DeleteConversation", remove),
        ],
    );
}

words! {
    /// States of a conversation.
    StateWord: "initializing", "inactive", "active", "closed"
}

input! {
    /// Values of a conversation, at creation and update.
    struct Values {
        friendly_name: Text = "FriendlyName",
        unique_name: Text = "UniqueName",
        created_at: Date<50308> = "DateCreated",
        updated_at: Date<50309> = "DateUpdated",
        messaging_service: SidText<MessagingServiceSid> = "MessagingServiceSid",
        attributes: Text = "Attributes",
        state: Word<StateWord> = "State",
        email_address: Text = "Bindings.Email.Address",
        email_name: Text = "Bindings.Email.Name",
    }
}

impl From<Values> for Fields {
    fn from(values: Values) -> Self {
        Self {
            friendly_name: values.friendly_name,
            unique_name: values.unique_name,
            attributes: values.attributes,
            messaging_service: values.messaging_service,
            state: values.state,
            email_address: values.email_address,
            email_name: values.email_name,
            created_at: values.created_at,
            updated_at: values.updated_at,
        }
    }
}

async fn create(scope: Scope, _: WebhookEnabled, Input(values): Input<Values>) -> Result<Created<View>> {
    let command = conversation::Create {
        account: scope.account(),
        service: scope.service,
        fields: values.into(),
    };
    let made = scope.execute(command).await?;
    Ok(reply(&view(&scope, made)))
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let (service, key) = (scope.service, scope.item("Sid")?.to_owned());
    let found = scope
        .read(move |tx| conversation::fetch(tx, service, &key))
        .await?;
    Ok(reply(&view(&scope, found)))
}

async fn update(scope: Scope, _: WebhookEnabled, Input(values): Input<Values>) -> Result<Found<View>> {
    let command = conversation::Update {
        service: scope.service,
        key: scope.item("Sid")?.to_owned(),
        fields: values.into(),
    };
    let changed = scope.execute(command).await?;
    Ok(reply(&view(&scope, changed)))
}

async fn remove(scope: Scope, _: WebhookEnabled) -> Result<Deleted> {
    let command = conversation::Delete {
        service: scope.service,
        key: scope.item("Sid")?.to_owned(),
    };
    scope.execute(command).await?;
    Ok(Deleted)
}

input! {
    /// Filters of the list.
    struct Filters {
        start: Text = "StartDate",
        end: Text = "EndDate",
        state: Word<StateWord> = "State",
    }
}

async fn list(scope: Scope, query: Paged<Filters, 100>) -> Result<Listed<View>> {
    let (service, filter) = (scope.service, filter(&query.filters)?);
    let url = format!("{}/Conversations", scope.root);
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let window = paging.window(&url)?;
                let page = match &filter {
                    Some(filter) => conversation::list(tx, service, filter, &window)?,
                    None => Page::default(),
                };
                Ok((url.clone(), page))
            },
            |row| view(&scope, row),
        )
        .await
}

/// The filter of a list; `None` for one that nothing passes.
fn filter(filters: &Filters) -> Result<Option<Filter>, ApiError> {
    let from = day_or_time(filters.start.as_deref(), "StartDate", Day::Start)?;
    let to = day_or_time(filters.end.as_deref(), "EndDate", Day::End)?;
    if from
        .zip(to)
        .is_some_and(|(from, to)| to.seconds() <= from.seconds())
    {
        return Err(ApiError::new(50396)); // B-130
    }
    let state = match filters.state.as_deref() {
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
fn day_or_time(text: Option<&str>, name: &str, side: Day) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text.filter(|t| !t.is_empty()) else {
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

fn view(scope: &Scope, conversation: Conversation) -> View {
    let url = format!("{}/Conversations/{}", scope.root, conversation.sid);
    let named = conversation.email_address.is_some() || conversation.email_name.is_some();
    View {
        sid: conversation.sid,
        account_sid: conversation.account,
        chat_service_sid: conversation.service,
        messaging_service_sid: conversation.messaging_service,
        friendly_name: conversation.friendly_name,
        unique_name: conversation.unique_name,
        attributes: conversation.attributes,
        date_created: Iso(conversation.created_at),
        date_updated: Iso(conversation.updated_at),
        state: StateWord(conversation.state.name()),
        timers: Empty {},
        bindings: Bindings {
            email: named.then_some(Email {
                projected_address: conversation.email_address,
                name: conversation.email_name,
            }),
        },
        url: url.clone(),
        links: Links {
            url,
            below: &[
                ("participants", "/Participants"),
                ("messages", "/Messages"),
                ("webhooks", "/Webhooks"),
                ("export", "/Export"),
            ],
        },
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: ConversationSid,
    account_sid: AccountSid,
    chat_service_sid: ServiceSid,
    messaging_service_sid: Option<MessagingServiceSid>,
    friendly_name: Option<String>,
    unique_name: Option<String>,
    attributes: String,
    date_created: Iso,
    date_updated: Iso,
    state: StateWord,
    timers: Empty,
    bindings: Bindings,
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "conversations";
}

/// `{}` without an e-mail binding (B-134).
#[derive(Serialize, JsonSchema)]
struct Bindings {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
}

#[derive(Serialize, JsonSchema)]
struct Email {
    projected_address: Option<String>,
    name: Option<String>,
}
