//! Requests for WhatsApp's approval of a template.

use confab_domain::content::{self, Approval, ApprovalStatus};
use confab_types::{AccountSid, ApiError, ContentSid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::Json;
use crate::kit::render::{Created, Found, reply};
use crate::kit::routes::{Routes, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Content/{Sid}/ApprovalRequests",
        [get("FetchApprovalFetch", fetch)],
    );
    routes.at(
        "/v1/Content/{ContentSid}/ApprovalRequests/whatsapp",
        [post("CreateApprovalCreate", create)],
    );
}

/// A request.
#[derive(Deserialize, JsonSchema)]
struct New {
    #[schemars(required)]
    name: Option<String>,
    #[schemars(required)]
    category: Option<String>,
}

async fn create(caller: Caller, Json(new): Json<New>) -> Result<Created<View>> {
    let command = content::Submit {
        account: caller.account(),
        key: caller.item("ContentSid")?.to_owned(),
        name: new.name.ok_or_else(|| ApiError::missing("name"))?,
        category: new.category.ok_or_else(|| ApiError::missing("category"))?,
    };
    let asked = caller.execute(command).await?;
    Ok(reply(&view(Some(asked))))
}

async fn fetch(caller: Caller) -> Result<Found<WhatsApp>> {
    let (account, key) = (caller.account(), caller.item("Sid")?.to_owned());
    let found = caller.read(move |tx| content::fetch(tx, account, &key)).await?;
    Ok(reply(&WhatsApp {
        url: format!(
            "{}/v1/Content/{}/ApprovalRequests",
            caller.exchange.base, found.sid
        ),
        whatsapp: Typed {
            kind: "whatsapp",
            approval: view(found.approval),
        },
        account_sid: found.account,
        sid: found.sid,
    }))
}

/// An approval as it shows, also where nobody asked for it.
pub(super) fn view(approval: Option<Approval>) -> View {
    let approval = approval.unwrap_or(Approval {
        name: String::new(),
        category: String::new(),
        content_type: String::new(),
        status: ApprovalStatus::Unsubmitted,
        rejection_reason: String::new(),
    });
    View {
        name: approval.name,
        category: approval.category,
        content_type: approval.content_type,
        status: approval.status.name(),
        rejection_reason: approval.rejection_reason,
        allow_category_change: true,
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct View {
    name: String,
    category: String,
    content_type: String,
    status: &'static str,
    rejection_reason: String,
    allow_category_change: bool,
}

#[derive(Serialize, JsonSchema)]
struct WhatsApp {
    url: String,
    whatsapp: Typed,
    account_sid: AccountSid,
    sid: ContentSid,
}

#[derive(Serialize, JsonSchema)]
struct Typed {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    approval: View,
}
