//! Messages of Programmable Messaging: so far the log of what conversations sent to phones and phones sent to the
//! account (B-252, B-302).

use confab_domain::message_log::{self, Entry, Filter};
use confab_types::{AccountSid, MessagingServiceSid, alert_text};
use schemars::JsonSchema;
use serde::Serialize;

use super::Owner;
use super::period::{self, Date, On, Since, Until};
use crate::kit::failure::Result;
use crate::kit::input::{Input, OneOf, Text, input, words};
use crate::kit::paging::{InList, ListedUris, Paged};
use crate::kit::render::{Deleted, Found, Links, Rfc2822, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/Messages.json",
        [get("ListMessage", list)],
    );
    routes.at(
        "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json",
        [
            get("FetchMessage", fetch),
            post("UpdateMessage", update),
            delete("DeleteMessage", remove),
        ],
    );
}

async fn fetch(owner: Owner) -> Result<Found<View>> {
    let (account, key) = (owner.account(), owner.json_item("Sid")?.to_owned());
    let found = owner
        .read(move |tx| message_log::fetch(tx, account, &key))
        .await?;
    Ok(reply(&view(&owner, found)))
}

words! {
    /// What a caller may make of a message.
    NewStatus: "canceled"
}

input! {
    /// What may change of a message.
    struct Changes {
        body: Text = "Body",
        status: OneOf<NewStatus> = "Status",
    }
}

async fn update(owner: Owner, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = message_log::Update {
        account: owner.account(),
        key: owner.json_item("Sid")?.to_owned(),
        body: changes.body,
        cancel: changes.status.is_some(),
    };
    let changed = owner.execute(command).await?;
    Ok(reply(&view(&owner, changed)))
}

async fn remove(owner: Owner) -> Result<Deleted> {
    let command = message_log::Delete {
        account: owner.account(),
        key: owner.json_item("Sid")?.to_owned(),
    };
    owner.execute(command).await?;
    Ok(Deleted)
}

input! {
    /// Filters of the list.
    struct Filters {
        to: Text = "To",
        from: Text = "From",
        sent_on: Date<On> = "DateSent",
        sent_until: Date<Until> = "DateSent<",
        sent_since: Date<Since> = "DateSent>",
    }
}

async fn list(owner: Owner, query: Paged<Filters, 1000>) -> Result<ListedUris<View>> {
    let (account, url) = (owner.account(), format!("{}/Messages.json", owner.path()));
    let filters = query.filters;
    let (since, until) = period::period([filters.sent_on, filters.sent_until, filters.sent_since]);
    let given = |text: Option<String>| text.filter(|t| !t.is_empty());
    let filter = Filter {
        to: given(filters.to),
        from: given(filters.from),
        since,
        until,
    };
    query
        .paging
        .list_uris(
            &owner,
            move |tx, paging| {
                let page = message_log::list(tx, account, &filter, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&owner, row),
        )
        .await
}

fn view(owner: &Owner, entry: Entry) -> View {
    let path = format!("{}/Messages/{}", owner.path(), entry.sid);
    View {
        account_sid: entry.account,
        api_version: "2010-04-01",
        body: entry.body,
        date_created: Rfc2822(entry.created_at),
        date_sent: entry.sent_at.map(Rfc2822),
        date_updated: Rfc2822(entry.updated_at),
        direction: Directions(entry.direction.name()),
        error_code: entry.error_code,
        error_message: entry.error_code.map(alert_text),
        from: entry.from,
        messaging_service_sid: entry.messaging_service,
        num_media: entry.num_media.to_string(),
        num_segments: entry.num_segments.to_string(),
        price: None,
        price_unit: None,
        sid: entry.sid,
        status: Statuses(entry.status.name()),
        to: entry.to,
        uri: format!("{path}.json"),
        subresource_uris: Links {
            url: path,
            below: &[("media", "/Media.json")],
        },
    }
}

words! {
    /// Who wrote to whom.
    Directions: "inbound", "outbound-api", "outbound-call", "outbound-reply"
}

words! {
    /// How far a message is.
    Statuses: "queued", "sending", "sent", "failed", "delivered", "undelivered", "receiving", "received", "accepted",
        "scheduled", "read", "partially_delivered", "canceled"
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    api_version: &'static str,
    body: String,
    date_created: Rfc2822,
    date_sent: Option<Rfc2822>,
    date_updated: Rfc2822,
    direction: Directions,
    error_code: Option<i64>,
    error_message: Option<&'static str>,
    from: Option<String>,
    messaging_service_sid: Option<MessagingServiceSid>,
    num_media: String,
    num_segments: String,
    /// Nobody is billed.
    price: Option<String>,
    price_unit: Option<String>,
    /// SM…, MM… or WA…, as the receipt of a conversation's message names it.
    sid: String,
    status: Statuses,
    subresource_uris: Links,
    to: String,
    uri: String,
}

impl InList for View {
    const KEY: &'static str = "messages";
}
