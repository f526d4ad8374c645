//! Delivery receipts of a message (rest.md §2.3); read only.

use confab_domain::receipt::{self, Receipt};
use confab_domain::{conversation, message};
use confab_types::{AccountSid, ConversationSid, MessageSid, ParticipantSid, ReceiptSid, ServiceSid};
use schemars::JsonSchema;
use serde::Serialize;

use super::both;
use super::scope::Scope;
use crate::kit::failure::Result;
use crate::kit::input::words;
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Found, Iso, reply};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    both(
        routes,
        "/Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts",
        [get("ListConversationMessageReceipt", list)],
    );
    both(
        routes,
        "/Conversations/{ConversationSid}/Messages/{MessageSid}/Receipts/{Sid}",
        [get("FetchConversationMessageReceipt", fetch)],
    );
}

async fn fetch(scope: Scope) -> Result<Found<View>> {
    let (service, conversation) = (scope.service, scope.item("ConversationSid")?.to_owned());
    let (message, key) = (
        scope.sid::<MessageSid>("MessageSid")?.to_string(),
        scope.sid::<ReceiptSid>("Sid")?.to_string(),
    );
    let found = scope
        .read(move |tx| {
            let within = conversation::parent(tx, service, &conversation)?;
            let of = message::fetch(tx, &within, &message)?;
            receipt::fetch(tx, of.sid, &key)
        })
        .await?;
    Ok(reply(&view(&scope, found)))
}

async fn list(scope: Scope, query: Paged<(), 50>) -> Result<Listed<View>> {
    let (service, conversation) = (scope.service, scope.item("ConversationSid")?.to_owned());
    let key = scope.sid::<MessageSid>("MessageSid")?.to_string();
    let root = scope.root.clone();
    query
        .paging
        .list(
            &scope,
            move |tx, paging| {
                let within = conversation::parent(tx, service, &conversation)?;
                let of = message::fetch(tx, &within, &key)?.sid;
                let url = format!("{root}/Conversations/{}/Messages/{of}/Receipts", within.sid);
                let page = receipt::list(tx, of, &paging.window(&url)?)?;
                Ok((url, page))
            },
            |row| view(&scope, row),
        )
        .await
}

fn view(scope: &Scope, receipt: Receipt) -> View {
    View {
        sid: receipt.sid,
        account_sid: receipt.account,
        chat_service_sid: scope.shown_service,
        conversation_sid: receipt.conversation,
        message_sid: receipt.message,
        channel_message_sid: receipt.channel_message,
        status: receipt.status.map(|status| Status(status.name())),
        error_code: receipt.error_code,
        participant_sid: receipt.participant,
        date_created: Iso(receipt.created_at),
        date_updated: Iso(receipt.updated_at),
        url: format!(
            "{}/Conversations/{}/Messages/{}/Receipts/{}",
            scope.root, receipt.conversation, receipt.message, receipt.sid
        ),
    }
}

words! {
    /// Statuses of a receipt.
    Status: "read", "failed", "delivered", "undelivered", "sent"
}

#[derive(Serialize, JsonSchema)]
struct View {
    sid: ReceiptSid,
    account_sid: AccountSid,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_service_sid: Option<ServiceSid>,
    conversation_sid: ConversationSid,
    message_sid: MessageSid,
    channel_message_sid: String,
    status: Option<Status>,
    error_code: i64,
    participant_sid: ParticipantSid,
    date_created: Iso,
    date_updated: Iso,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "delivery_receipts";
}
