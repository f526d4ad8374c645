//! The types of events in a subscription.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use confab_domain::stream::subscribed_event::{self, SubscribedEvent};
use confab_types::{AccountSid, SubscriptionSid};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kit::caller::Caller;
use crate::kit::failure::Result;
use crate::kit::input::{Input, Int, Required, input};
use crate::kit::openapi::{Components, Describe, Operation};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Deleted, Found, json, reply, segment, write};
use crate::kit::routes::{Routes, delete, get, post};

pub(super) fn routes(routes: &mut Routes) {
    routes.at(
        "/v1/Subscriptions/{SubscriptionSid}/SubscribedEvents",
        [
            get("ListSubscribedEvent", list),
            post("CreateSubscribedEvent", create),
        ],
    );
    routes.at(
        "/v1/Subscriptions/{SubscriptionSid}/SubscribedEvents/{Type}",
        [
            get("FetchSubscribedEvent", fetch),
            post("UpdateSubscribedEvent", update),
            delete("DeleteSubscribedEvent", remove),
        ],
    );
}

input! {
    /// One more type.
    struct New {
        kind: Required = "Type",
        schema_version: Int = "SchemaVersion",
    }
}

/// 201 for a type that is new to the subscription, 200 for one that it had.
struct Put(Response);

impl IntoResponse for Put {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Describe for Put {
    fn describe(operation: &mut Operation, components: &mut Components) {
        for status in [200, 201] {
            operation.response(status, Some(components.reference::<View>()));
        }
    }
}

async fn create(caller: Caller, Input(new): Input<New>) -> Result<Put> {
    let subscription = caller.sid("SubscriptionSid")?;
    let command = subscribed_event::Create {
        account: caller.account(),
        subscription,
        kind: new.kind,
        schema_version: new.schema_version,
    };
    let (event, is_new) = caller.execute(command).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let view = view(&caller, subscription, event);
    Ok(Put(json(status, |out| write(out, &view))))
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let (account, subscription) = (caller.account(), caller.sid("SubscriptionSid")?);
    let kind = caller.item("Type")?.to_owned();
    let found = caller
        .read(move |tx| subscribed_event::fetch(tx, account, subscription, &kind))
        .await?;
    Ok(reply(&view(&caller, subscription, found)))
}

input! {
    /// What may change of a type.
    struct Changes {
        schema_version: Int = "SchemaVersion",
    }
}

async fn update(caller: Caller, Input(changes): Input<Changes>) -> Result<Found<View>> {
    let subscription = caller.sid("SubscriptionSid")?;
    let command = subscribed_event::Update {
        account: caller.account(),
        subscription,
        kind: caller.item("Type")?.to_owned(),
        schema_version: changes.schema_version,
    };
    let changed = caller.execute(command).await?;
    Ok(reply(&view(&caller, subscription, changed)))
}

async fn remove(caller: Caller) -> Result<Deleted> {
    let command = subscribed_event::Delete {
        account: caller.account(),
        subscription: caller.sid("SubscriptionSid")?,
        kind: caller.item("Type")?.to_owned(),
    };
    caller.execute(command).await?;
    Ok(Deleted)
}

async fn list(caller: Caller, query: Paged<(), 1000>) -> Result<Listed<View>> {
    let (account, subscription) = (caller.account(), caller.sid("SubscriptionSid")?);
    let url = format!(
        "{}/v1/Subscriptions/{subscription}/SubscribedEvents",
        caller.exchange.base
    );
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = subscribed_event::list(tx, account, subscription, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, subscription, row),
        )
        .await
}

fn view(caller: &Caller, subscription: SubscriptionSid, event: SubscribedEvent) -> View {
    let base = &caller.exchange.base;
    View {
        account_sid: caller.account(),
        url: format!(
            "{base}/v1/Subscriptions/{subscription}/SubscribedEvents/{}",
            segment(&event.kind)
        ),
        kind: event.kind,
        schema_version: event.schema_version,
        subscription_sid: subscription,
    }
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    #[serde(rename = "type")]
    kind: String,
    schema_version: i64,
    subscription_sid: SubscriptionSid,
    url: String,
}

impl InList for View {
    const KEY: &'static str = "types";
}
