//! The simulated carrier's phones: what they got and sent, and how they answer. Not a part of the original; tests of
//! an application drive its phones here.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use confab_domain::Actor;
use confab_domain::handset::{self, HandsetMessage, Mode};
use confab_domain::receipt::Status;
use confab_types::{Address, ApiError};
use serde::Serialize;

use crate::kit::app::App;
use crate::kit::caller::Caller;
use crate::kit::failure::{Failure, Result};
use crate::kit::paging::{Listed, Paging};
use crate::kit::params::Params;
use crate::kit::render::{self, Iso};

/// All routes of the simulator.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/Handsets/{number}", post(set_mode))
        .route("/v1/Handsets/{number}/Messages", get(list).post(send))
        .route("/v1/Handsets/{number}/Messages/{message}", post(set_status))
}

fn handset(caller: &Caller) -> Result<Address> {
    Address::parse(caller.item("number")?).ok_or_else(|| Failure::code(20404))
}

async fn set_mode(caller: Caller, params: Params) -> Result<Response> {
    let handset = handset(&caller)?;
    let mode = Mode::parse(params.required("Mode")?).ok_or_else(|| ApiError::invalid("Mode"))?;
    let number = handset.to_string();
    caller
        .execute(handset::SetMode {
            account: caller.account(),
            handset,
            mode,
        })
        .await?;
    let view = ModeView {
        number: &number,
        mode: mode.name(),
    };
    Ok(render::ok(|out| render::write(out, &view)))
}

async fn list(caller: Caller, params: Params) -> Result<Response> {
    let handset = handset(&caller)?;
    let paging = Paging::read(&params, 1000, &[])?;
    let account = caller.account();
    let list = format!("handset {handset} {account}");
    let window = paging.window(&list)?;
    let url = format!(
        "{}/v1/Handsets/{}/Messages",
        caller.exchange.base,
        render::segment(handset.as_str())
    );
    let page = caller
        .read(move |tx| handset::list(tx, account, &handset, &window))
        .await?;
    let listed = Listed {
        key: "messages",
        list: &list,
        url: &url,
        paging: &paging,
        page,
    };
    Ok(render::ok(|out| listed.write(out, write)))
}

async fn send(caller: Caller, params: Params) -> Result<Response> {
    let command = handset::Send {
        account: caller.account(),
        handset: handset(&caller)?,
        to: params.required("To")?.to_owned(),
        body: params.string("Body").unwrap_or_default(),
        media: params.array("MediaUrl").unwrap_or_default(),
    };
    // What a phone sends comes in by its carrier, not by the account's script.
    let sent = caller.app.engine.execute(Actor::Carrier, command).await?;
    Ok(render::created(|out| write(&sent, out)))
}

async fn set_status(caller: Caller, params: Params) -> Result<Response> {
    let handset = handset(&caller)?;
    let status = Status::parse(params.required("Status")?).ok_or_else(|| ApiError::invalid("Status"))?;
    let command = handset::SetStatus {
        account: caller.account(),
        handset: Some(handset),
        sid: caller.item("message")?.to_owned(),
        status,
        error_code: params.integer("ErrorCode")?,
    };
    let changed = caller.app.engine.execute(Actor::Carrier, command).await?;
    Ok(render::ok(|out| write(&changed, out)))
}

fn write(message: &HandsetMessage, out: &mut Vec<u8>) {
    render::write(
        out,
        &View {
            sid: &message.sid,
            direction: if message.received { "received" } else { "sent" },
            from: &message.from,
            to: &message.to,
            body: &message.body,
            media: &message.media,
            status: &message.status,
            error_code: message.error_code,
            date_created: Iso(message.created_at),
        },
    );
}

#[derive(Serialize)]
struct View<'a> {
    sid: &'a str,
    direction: &'static str,
    from: &'a str,
    to: &'a str,
    body: &'a str,
    media: &'a [String],
    status: &'a str,
    error_code: Option<i64>,
    date_created: Iso,
}

#[derive(Serialize)]
struct ModeView<'a> {
    number: &'a str,
    mode: &'static str,
}
