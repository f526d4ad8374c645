//! The simulated carrier's phones: what they got and sent, and how they answer. Not a part of the original; tests of
//! an application drive its phones here.

use confab_domain::Actor;
use confab_domain::handset::{self, HandsetMessage, Mode};
use confab_domain::receipt::Status;
use confab_types::{Address, ApiError, MediaSid, Sid as _};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::exchange::Product;
use crate::kit::failure::{Failure, Result};
use crate::kit::input::{Input, Int, List, OneOf, Required, Text, input, words};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Found, Iso, reply, segment};
use crate::kit::routes::{Routes, get, post};
use crate::mcs::temporary_url;

/// All routes of the simulator.
pub(crate) fn routes() -> Routes {
    let mut routes = Routes::new(Product::Simulator);
    routes.at("/v1/Handsets/{Number}", [post("UpdateHandset", set_mode)]);
    routes.at(
        "/v1/Handsets/{Number}/Messages",
        [get("ListHandsetMessage", list), post("SendFromHandset", send)],
    );
    routes.at(
        "/v1/Handsets/{Number}/Messages/{Sid}",
        [post("UpdateHandsetMessage", set_status)],
    );
    routes
}

fn handset(caller: &Caller) -> Result<Address> {
    Address::parse(caller.item("Number")?).ok_or_else(|| Failure::code(20404))
}

words! {
    /// How a handset answers.
    ModeWord: "auto", "manual"
}

input! {
    /// How a handset is to answer.
    struct ModeInput {
        mode: Required<OneOf<ModeWord>> = "Mode",
    }
}

async fn set_mode(caller: Caller, Input(input): Input<ModeInput>) -> Result<Found<ModeView>> {
    let handset = handset(&caller)?;
    let mode = Mode::parse(&input.mode).ok_or_else(|| ApiError::invalid("Mode"))?;
    let number = handset.to_string();
    let command = handset::SetMode {
        account: caller.account(),
        handset,
        mode,
    };
    caller.execute(command).await?;
    Ok(reply(&ModeView {
        number,
        mode: ModeWord(mode.name()),
    }))
}

async fn list(caller: Caller, query: Paged<(), 1000>) -> Result<Listed<View>> {
    let (handset, account) = (handset(&caller)?, caller.account());
    let url = format!(
        "{}/v1/Handsets/{}/Messages",
        caller.exchange.base,
        segment(handset.as_str())
    );
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = handset::list(tx, account, &handset, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, row),
        )
        .await
}

input! {
    /// A message from a handset.
    struct New {
        to: Required = "To",
        others: List = "OtherRecipients",
        body: Text = "Body",
        media: List = "MediaUrl",
    }
}

async fn send(caller: Caller, Input(new): Input<New>) -> Result<Created<View>> {
    let command = handset::Send {
        account: caller.account(),
        handset: handset(&caller)?,
        to: new.to,
        others: new.others.unwrap_or_default(),
        body: new.body.unwrap_or_default(),
        media: new.media.unwrap_or_default(),
    };
    // What a phone sends comes in by its carrier, not by the account's script.
    let sent = caller.app.engine.execute(Actor::Carrier, command).await?;
    Ok(reply(&view(&caller, sent)))
}

words! {
    /// What a handset may report of a message.
    StatusWord: "sent", "delivered", "read", "undelivered", "failed"
}

input! {
    /// What became of a message.
    struct Report {
        status: Required<OneOf<StatusWord>> = "Status",
        error_code: Int = "ErrorCode",
    }
}

async fn set_status(caller: Caller, Input(report): Input<Report>) -> Result<Found<View>> {
    let command = handset::SetStatus {
        account: caller.account(),
        handset: Some(handset(&caller)?),
        sid: caller.item("Sid")?.to_owned(),
        status: Status::parse(&report.status).ok_or_else(|| ApiError::invalid("Status"))?,
        error_code: report.error_code,
    };
    let changed = caller.app.engine.execute(Actor::Carrier, command).await?;
    Ok(reply(&view(&caller, changed)))
}

/// Where a handset finds its media: what it got under temporary URLs, what it sent where it said.
fn media_urls(caller: &Caller, media: Vec<String>) -> Vec<String> {
    let url = |text: String| match MediaSid::parse(&text) {
        Some(media) => temporary_url(&caller.app, &caller.exchange, media).unwrap_or(text),
        None => text,
    };
    media.into_iter().map(url).collect()
}

fn view(caller: &Caller, message: HandsetMessage) -> View {
    View {
        sid: message.sid,
        direction: if message.received { "received" } else { "sent" },
        from: message.from,
        to: message.to,
        other_recipients: message.others,
        body: message.body,
        media: media_urls(caller, message.media),
        status: message.status,
        error_code: message.error_code,
        date_created: Iso(message.created_at),
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: String,
    direction: &'static str,
    from: String,
    to: String,
    /// Everybody else of a group message.
    other_recipients: Vec<String>,
    body: String,
    media: Vec<String>,
    status: String,
    error_code: Option<i64>,
    date_created: Iso,
}

impl InList for View {
    const KEY: &'static str = "messages";
}

#[derive(Serialize, JsonSchema)]
struct ModeView {
    number: String,
    mode: ModeWord,
}
