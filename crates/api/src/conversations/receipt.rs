//! Delivery receipts of a message (rest.md §2.3); read only.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use confab_domain::receipt::{self, Receipt};
use confab_domain::{conversation, message};
use confab_types::{AccountSid, ConversationSid, MessageSid, ParticipantSid, ReceiptSid, ServiceSid};
use serde::Serialize;

use super::both;
use super::scope::Scope;
use crate::kit::app::App;
use crate::kit::failure::Result;
use crate::kit::paging::{Listed, Paging};
use crate::kit::params::Params;
use crate::kit::render::{self, Iso};

pub(super) fn routes(routes: Router<App>) -> Router<App> {
    let routes = both(
        routes,
        "/Conversations/{conversation}/Messages/{message}/Receipts",
        get(list),
    );
    both(
        routes,
        "/Conversations/{conversation}/Messages/{message}/Receipts/{receipt}",
        get(fetch),
    )
}

async fn fetch(scope: Scope) -> Result<Response> {
    let (service, conversation) = (scope.service, scope.item("conversation")?.to_owned());
    let (message, key) = (
        scope.item("message")?.to_owned(),
        scope.item("receipt")?.to_owned(),
    );
    let found = scope
        .read(move |tx| {
            let within = conversation::parent(tx, service, &conversation)?;
            let of = message::fetch(tx, &within, &message)?;
            receipt::fetch(tx, of.sid, &key)
        })
        .await?;
    Ok(render::ok(|out| write(&scope, &found, out)))
}

async fn list(scope: Scope, params: Params) -> Result<Response> {
    let paging = Paging::read(&params, 50, &[])?;
    let (service, conversation) = (scope.service, scope.item("conversation")?.to_owned());
    let key = scope.item("message")?.to_owned();
    let (paging, list, of, page) = scope
        .read(move |tx| {
            let within = conversation::parent(tx, service, &conversation)?;
            let of = message::fetch(tx, &within, &key)?;
            let list = format!("receipts {}", of.sid);
            let page = receipt::list(tx, of.sid, &paging.window(&list)?)?;
            Ok((paging.clone(), list, of, page))
        })
        .await?;
    let url = format!(
        "{}/Conversations/{}/Messages/{}/Receipts",
        scope.root, of.conversation, of.sid
    );
    let listed = Listed {
        key: "delivery_receipts",
        list: &list,
        url: &url,
        paging: &paging,
        page,
    };
    Ok(render::ok(|out| {
        listed.write(out, |item, out| write(&scope, item, out));
    }))
}

fn write(scope: &Scope, receipt: &Receipt, out: &mut Vec<u8>) {
    render::write(
        out,
        &View {
            sid: receipt.sid,
            account_sid: receipt.account,
            chat_service_sid: scope.shown_service,
            conversation_sid: receipt.conversation,
            message_sid: receipt.message,
            channel_message_sid: &receipt.channel_message,
            status: receipt.status.map(receipt::Status::name),
            error_code: receipt.error_code,
            participant_sid: receipt.participant,
            date_created: Iso(receipt.created_at),
            date_updated: Iso(receipt.updated_at),
            url: format!(
                "{}/Conversations/{}/Messages/{}/Receipts/{}",
                scope.root, receipt.conversation, receipt.message, receipt.sid
            ),
        },
    );
}

#[derive(Serialize)]
struct View<'a> {
    sid: ReceiptSid,
    account_sid: AccountSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_service_sid: Option<ServiceSid>,
    conversation_sid: ConversationSid,
    message_sid: MessageSid,
    channel_message_sid: &'a str,
    status: Option<&'static str>,
    error_code: i64,
    participant_sid: ParticipantSid,
    date_created: Iso,
    date_updated: Iso,
    url: String,
}
