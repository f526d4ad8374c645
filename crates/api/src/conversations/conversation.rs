//! Conversations (rest.md §2.1).

use confab_domain::conversation::{self, Conversation, Fields, Filter, State};
use confab_types::{AccountSid, ApiError, ConversationSid, MessagingServiceSid, ServiceSid, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::both;
use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::{Date, Input, SidText, Text, WebhookEnabled, Word, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, Links, reply};
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
    pub(super) StateWord: "initializing", "inactive", "active", "closed"
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
        timer_inactive: Text = "Timers.Inactive",
        timer_closed: Text = "Timers.Closed",
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
            timer_inactive: values.timer_inactive,
            timer_closed: values.timer_closed,
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
    Ok(reply(&view(&scope, made, LINKS)))
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let (service, key) = (scope.service, scope.item("Sid")?.to_owned());
    let found = scope
        .read(move |tx| conversation::fetch(tx, service, &key))
        .await?;
    Ok(reply(&view(&scope, found, LINKS)))
}

async fn update(scope: Scope, _: WebhookEnabled, Input(values): Input<Values>) -> Result<Found<View>> {
    let command = conversation::Update {
        service: scope.service,
        key: scope.item("Sid")?.to_owned(),
        fields: values.into(),
    };
    let changed = scope.execute(command).await?;
    Ok(reply(&view(&scope, changed, LINKS)))
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
                let page = conversation::list(tx, service, &filter, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&scope, row, LINKS),
        )
        .await
}

fn filter(filters: &Filters) -> Result<Filter, ApiError> {
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
        Some(word) => Some(State::named(word).ok_or_else(|| ApiError::invalid("State"))?),
    };
    Ok(Filter {
        from,
        to,
        state,
        public: false,
    })
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

/// What is below a conversation. Export has a link and no answer (rest.md §2.1).
const LINKS: Below = &[
    ("participants", "/Participants"),
    ("messages", "/Messages"),
    ("webhooks", "/Webhooks"),
    ("export", "/Export"),
];

pub(super) type Below = &'static [(&'static str, &'static str)];

pub(super) fn view(scope: &Scope, conversation: Conversation, below: Below) -> View {
    let url = format!("{}/Conversations/{}", scope.root, conversation.sid);
    let named = conversation.email_address.is_some() || conversation.email_name.is_some();
    View {
        timers: Timers::of(&conversation),
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
        bindings: Bindings {
            email: named.then_some(Email {
                projected_address: conversation.email_address,
                name: conversation.email_name,
            }),
        },
        url: url.clone(),
        links: Links { url, below },
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct View {
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
    timers: Timers,
    bindings: Bindings,
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "conversations";
}

/// Only the dates that are ahead: `{}` where no timer runs (B-118, B-127).
#[derive(Serialize, JsonSchema)]
pub(super) struct Timers {
    #[serde(skip_serializing_if = "Option::is_none")]
    date_inactive: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_closed: Option<Iso>,
}

impl Timers {
    pub(super) fn of(conversation: &Conversation) -> Self {
        Self {
            date_inactive: conversation.date_inactive().map(Iso),
            date_closed: conversation.date_closed().map(Iso),
        }
    }
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
