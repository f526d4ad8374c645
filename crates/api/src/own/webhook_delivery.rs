//! The log of webhooks: what was called, what came back, and calling once more.
//!
//! A list is newest first. `ConversationSid`, and `State` without it, are ranges of an index; for `Event`, the dates, and
//! what went well, a page looks at up to 5000 deliveries: it may have fewer entries than asked for, or none, and a next
//! page.

use confab_domain::alert::without_passwords;
use confab_domain::hook::delivery::{Attempt, State};
use confab_domain::hook::log::{self, Entry, Filter};
use confab_domain::hook::repeat::{Range, Replay, ReplayRange};
use confab_types::{AccountSid, ApiError, ConversationSid, Sid as _};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::{Failure, Result};
use crate::kit::input::{Date, Input, SidText, Text, Uri, Word, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Found, Iso, Links, Reply, reply};
use crate::kit::routes::{Routes, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/WebhookDeliveries", [get("ListWebhookDelivery", list)]);
    routes.at(
        "/v1/WebhookDeliveries/Replay",
        [post("ReplayWebhookDeliveries", replay_range)],
    );
    routes.at("/v1/WebhookDeliveries/{Id}", [get("FetchWebhookDelivery", fetch)]);
    routes.at(
        "/v1/WebhookDeliveries/{Id}/Replay",
        [post("ReplayWebhookDelivery", replay)],
    );
}

words! {
    /// How far a delivery is.
    States: "queued", "delivered", "failed", "canceled"
}

words! {
    /// How a webhook is called.
    Methods: "GET", "POST"
}

input! {
    /// Which deliveries are shown.
    struct Wanted {
        conversation: SidText<ConversationSid> = "ConversationSid",
        state: Word<States> = "State",
        event: Text = "Event",
        from: Date = "StartDate",
        to: Date = "EndDate",
    }
}

fn conversation(text: Option<String>) -> Result<Option<ConversationSid>, ApiError> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| ConversationSid::parse(&text).ok_or_else(|| ApiError::invalid("ConversationSid")))
        .transpose()
}

fn state(text: Option<String>) -> Result<Option<State>, ApiError> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| State::parse(&text).ok_or_else(|| ApiError::invalid("State")))
        .transpose()
}

async fn list(caller: Caller, query: Paged<Wanted, 1000>) -> Result<Listed<View>> {
    let (account, url) = (caller.account(), base(&caller));
    let wanted = query.filters;
    let filter = Filter {
        conversation: conversation(wanted.conversation)?,
        state: state(wanted.state)?,
        event: wanted.event.filter(|event| !event.is_empty()),
        from: wanted.from,
        to: wanted.to,
    };
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = log::list(tx, account, &filter, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |entry| view(&caller, entry),
        )
        .await
}

fn base(caller: &Caller) -> String {
    format!("{}/v1/WebhookDeliveries", caller.exchange.base)
}

fn id(caller: &Caller) -> Result<i64> {
    let text = caller.item("Id")?;
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| Failure::code(20404))
}

async fn fetch(caller: Caller) -> Result<Found<FullView>> {
    let (account, id) = (caller.account(), id(&caller)?);
    let (delivery, attempts) = caller.read(move |tx| log::fetch(tx, account, id)).await?;
    let (content_type, body) = (delivery.content_type.clone(), delivery.body.clone());
    Ok(reply(&FullView {
        delivery: view(&caller, delivery.into()),
        content_type,
        body,
        attempts: attempts.into_iter().map(AttemptView::from).collect(),
    }))
}

input! {
    /// How one is repeated.
    struct Again {
        url: Uri = "Url",
    }
}

async fn replay(caller: Caller, Input(again): Input<Again>) -> Result<Reply<202, View>> {
    let command = Replay {
        account: caller.account(),
        id: id(&caller)?,
        url: again.url.filter(|url| !url.is_empty()),
    };
    let new = caller.execute(command).await?;
    Ok(reply(&view(&caller, new)))
}

input! {
    /// Which ones are repeated.
    struct Many {
        conversation: SidText<ConversationSid> = "ConversationSid",
        state: Word<States> = "State",
        from: Date = "StartDate",
        to: Date = "EndDate",
        url: Uri = "Url",
    }
}

async fn replay_range(caller: Caller, Input(many): Input<Many>) -> Result<Reply<202, RangeView>> {
    let conversation = conversation(many.conversation)?;
    let state = state(many.state)?;
    let url = many.url.filter(|url| !url.is_empty());
    let mut range = Range::new(caller.account()).to(many.to);
    range.conversation = conversation;
    range.state = state;
    range.from = many.from;
    range.url.clone_from(&url);
    caller.execute(ReplayRange(range)).await?;
    Ok(reply(&RangeView {
        account_sid: caller.account(),
        conversation_sid: conversation,
        state: state.map(shown),
        start_date: many.from.map(Iso),
        end_date: many.to.map(Iso),
        webhook_url: url.as_deref().map(without_passwords),
        date_created: Iso(caller.app.engine.now()),
    }))
}

fn shown(state: State) -> States {
    States(state.name())
}

fn millis(micros: i64) -> i64 {
    micros / 1000
}

fn view(caller: &Caller, entry: Entry) -> View {
    let url = format!("{}/{}", base(caller), entry.id);
    // A row that was given up in bulk says so itself.
    let untried = (entry.attempts == 0 && entry.state == State::Failed)
        .then(|| "given up without a call: its target had not answered for too long".to_owned());
    View {
        id: entry.id,
        account_sid: entry.account,
        conversation_sid: entry.conversation,
        event: entry.event,
        method: Methods(entry.method.upper()),
        webhook_url: without_passwords(&entry.url),
        idempotency_token: entry.token,
        state: shown(entry.state),
        attempt_count: entry.attempts,
        date_created: Iso(entry.created_at),
        date_attempted: entry.attempted_at.map(Iso),
        duration_ms: entry.duration.map(millis),
        status: entry.status,
        error: entry.error.as_deref().map(without_passwords).or(untried),
        replay_of: entry.replay_of,
        links: Links {
            url: url.clone(),
            below: &[("replay", "/Replay")],
        },
        url,
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    /// Its number: later ones are greater.
    id: i64,
    account_sid: AccountSid,
    conversation_sid: Option<ConversationSid>,
    event: String,
    method: Methods,
    /// What is called, without passwords.
    webhook_url: String,
    /// The token of the event: a replay has the one of the delivery that it repeats.
    idempotency_token: String,
    state: States,
    attempt_count: i64,
    /// When it happened; of a replay, when it was asked for.
    date_created: Iso,
    /// Of the newest try, as the next three.
    date_attempted: Option<Iso>,
    duration_ms: Option<i64>,
    status: Option<i64>,
    error: Option<String>,
    /// The delivery of the event that a replay repeats.
    replay_of: Option<i64>,
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "webhook_deliveries";
}

/// A delivery that is fetched alone, with what was sent and each try.
#[derive(Serialize, JsonSchema)]
struct FullView {
    #[serde(flatten)]
    delivery: View,
    content_type: String,
    /// As it is sent, without the count of retries.
    body: String,
    /// Oldest first.
    attempts: Vec<AttemptView>,
}

#[derive(Serialize, JsonSchema)]
struct AttemptView {
    date: Iso,
    duration_ms: i64,
    /// HTTP status, when there was an answer.
    status: Option<i64>,
    /// Why there was none.
    error: Option<String>,
    /// Beginning of the answer's body, at most 1 KiB.
    answer: Option<String>,
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        Self {
            date: Iso(attempt.at),
            duration_ms: millis(attempt.duration),
            status: attempt.status,
            error: attempt.error.as_deref().map(without_passwords),
            answer: attempt.answer,
        }
    }
}

/// What is going to be repeated.
#[derive(Serialize, JsonSchema)]
struct RangeView {
    account_sid: AccountSid,
    conversation_sid: Option<ConversationSid>,
    state: Option<States>,
    start_date: Option<Iso>,
    end_date: Option<Iso>,
    webhook_url: Option<String>,
    date_created: Iso,
}
