//! Subscriptions.

use confab_domain::stream::subscription::{self, Subscription};
use confab_types::{AccountSid, ApiError, Sid, SinkSid, SubscriptionSid};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Input, List, Required, SidText, Text, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Created, Deleted, Found, Iso, Links, reply};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Subscriptions",
        [get("ListSubscription", list), post("CreateSubscription", create)],
    );
    routes.at(
        "/v1/Subscriptions/{Sid}",
        [
            get("FetchSubscription", fetch),
            post("UpdateSubscription", update),
            delete("DeleteSubscription", remove),
        ],
    );
}

input! {
    /// A new subscription; each of its types is a JSON text.
    struct New {
        description: Required = "Description",
        sink: Required<SidText<SinkSid>> = "SinkSid",
        types: Required<List> = "Types",
    }
}

async fn create(caller: Caller, Input(new): Input<New>) -> Result<Created<View>> {
    let command = subscription::Create {
        account: caller.account(),
        description: new.description,
        sink: new.sink,
        types: new.types,
    };
    let made = caller.execute(command).await?;
    Ok(reply(&view(&caller, made)))
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let (account, sid) = (caller.account(), caller.sid("Sid")?);
    let found = caller
        .read(move |tx| subscription::fetch(tx, account, sid))
        .await?;
    Ok(reply(&view(&caller, found)))
}

input! {
    /// What may change of a subscription.
    struct Changes {
        description: Text = "Description",
    }
}

async fn update(caller: Caller, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let command = subscription::Update {
        account: caller.account(),
        subscription: caller.sid("Sid")?,
        description: changes.description,
    };
    let changed = caller.execute(command).await?;
    Ok(reply(&view(&caller, changed)))
}

async fn remove(caller: Caller) -> Result<Deleted> {
    let command = subscription::Delete {
        account: caller.account(),
        subscription: caller.sid("Sid")?,
    };
    caller.execute(command).await?;
    Ok(Deleted)
}

input! {
    /// Which subscriptions.
    struct Wanted {
        sink: SidText<SinkSid> = "SinkSid",
    }
}

async fn list(caller: Caller, query: Paged<Wanted, 1000>) -> Result<Listed<View>> {
    let account = caller.account();
    let url = format!("{}/v1/Subscriptions", caller.exchange.base);
    // An empty filter is none.
    let sink = query.filters.sink.filter(|text| !text.is_empty());
    let sink = sink.map(|text| SinkSid::parse(&text).ok_or_else(|| ApiError::invalid("SinkSid")));
    let sink = sink.transpose()?;
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = subscription::list(tx, account, sink, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, row),
        )
        .await
}

fn view(caller: &Caller, subscription: Subscription) -> View {
    let url = format!("{}/v1/Subscriptions/{}", caller.exchange.base, subscription.sid);
    View {
        account_sid: subscription.account,
        date_created: Iso(subscription.created_at),
        date_updated: Iso(subscription.updated_at),
        sid: subscription.sid,
        sink_sid: subscription.sink,
        description: subscription.description,
        url: url.clone(),
        links: Links {
            url,
            below: &[("subscribed_events", "/SubscribedEvents")],
        },
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    date_created: Iso,
    date_updated: Iso,
    sid: SubscriptionSid,
    sink_sid: SinkSid,
    description: String,
    url: String,
    links: Links,
}

impl InList for View {
    const KEY: &'static str = "subscriptions";
}
