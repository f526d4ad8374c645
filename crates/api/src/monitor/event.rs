//! The log of what people did to the account.

use confab_domain::audit::{self, Event, Filter, Kind};
use confab_types::{AccountSid, ApiError, MonitorEventSid};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::kit::caller::Caller;
use crate::kit::exchange::Product;
use crate::kit::failure::Result;
use crate::kit::input::{Date, Text, input};
use crate::kit::paging::{InList, Listed, Paged};
use crate::kit::render::{Found, Iso, reply};
use crate::kit::routes::{Routes, get};

pub(super) fn routes(routes: &mut Routes) {
    routes.at("/v1/Events", [get("ListEvent", list)]);
    routes.at("/v1/Events/{Sid}", [get("FetchEvent", fetch)]);
}

input! {
    /// Which events.
    struct Wanted {
        actor: Text = "ActorSid",
        event_type: Text = "EventType",
        resource: Text = "ResourceSid",
        source_ip: Text = "SourceIpAddress",
        from: Date = "StartDate",
        to: Date = "EndDate",
    }
}

impl TryFrom<Wanted> for Filter {
    type Error = ApiError;

    fn try_from(wanted: Wanted) -> Result<Self, ApiError> {
        Ok(Self {
            actor: sid(wanted.actor, "ActorSid")?,
            event_type: wanted.event_type.unwrap_or_default(),
            resource: sid(wanted.resource, "ResourceSid")?,
            source_ip: wanted.source_ip.unwrap_or_default(),
            from: wanted.from,
            to: wanted.to,
        })
    }
}

/// A SID of any kind; an empty filter is none.
fn sid(text: Option<String>, name: &str) -> Result<String, ApiError> {
    let text = text.unwrap_or_default();
    let (kind, digits) = text.split_at_checked(2).unwrap_or_default();
    let is_sid = kind.bytes().all(|b| b.is_ascii_alphabetic())
        && digits.len() == 32
        && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if text.is_empty() || is_sid {
        Ok(text)
    } else {
        Err(ApiError::invalid(name))
    }
}

async fn list(caller: Caller, query: Paged<Wanted, 1000>) -> Result<Listed<View>> {
    let (account, now) = (caller.account(), caller.app.engine.now());
    let url = format!("{}/v1/Events", caller.exchange.base);
    let filter = Filter::try_from(query.filters)?;
    query
        .paging
        .list(
            &caller,
            move |tx, paging| {
                let page = audit::list(tx, account, &filter, now, &paging.window(&url)?)?;
                Ok((url.clone(), page))
            },
            |row| view(&caller, row),
        )
        .await
}

async fn fetch(caller: Caller) -> Result<Found<View>> {
    let (account, sid, now) = (caller.account(), caller.sid("Sid")?, caller.app.engine.now());
    let found = caller.read(move |tx| audit::fetch(tx, account, sid, now)).await?;
    Ok(reply(&view(&caller, found)))
}

fn view(caller: &Caller, event: Event) -> View {
    let is_account = event.actor.starts_with("AC");
    let base = caller.exchange.base_of(Product::Api);
    let actor = match is_account {
        true => format!("{base}/2010-04-01/Accounts/{}.json", event.actor),
        false => format!(
            "{base}/2010-04-01/Accounts/{}/Keys/{}.json",
            event.account, event.actor
        ),
    };
    let resource = path(&event).map(|(product, path)| format!("{}{path}", caller.exchange.base_of(product)));
    View {
        account_sid: event.account,
        actor_sid: event.actor,
        actor_type: if is_account { "account" } else { "api-key" },
        description: None,
        event_data: RawValue::from_string(event.data).ok(),
        event_date: Iso(event.created_at),
        event_type: event.event_type,
        resource_sid: event.resource,
        resource_type: event.resource_type,
        sid: event.sid,
        source: "api",
        source_ip_address: event.source_ip,
        url: format!("{}/v1/Events/{}", caller.exchange.base, event.sid),
        links: Related { actor, resource },
    }
}

/// Where a resource is; none for one that a newer program knows.
fn path(event: &Event) -> Option<(Product, String)> {
    let (account, sid) = (event.account, &event.resource);
    let parent = event.parent.as_deref().unwrap_or_default();
    let of_account = |rest: String| (Product::Api, format!("/2010-04-01/Accounts/{account}/{rest}"));
    Some(match Kind::parse(&event.resource_type)? {
        Kind::Account => (Product::Api, format!("/2010-04-01/Accounts/{sid}.json")),
        Kind::ApiKey => of_account(format!("Keys/{sid}.json")),
        Kind::PhoneNumber => of_account(format!("IncomingPhoneNumbers/{sid}.json")),
        Kind::MessagingService => (Product::Messaging, format!("/v1/Services/{sid}")),
        Kind::Configuration => (Product::Conversations, "/v1/Configuration".into()),
        Kind::AccountWebhooks => (Product::Conversations, "/v1/Configuration/Webhooks".into()),
        Kind::Service => (Product::Conversations, format!("/v1/Services/{sid}")),
        Kind::ServiceWebhooks => (
            Product::Conversations,
            format!("/v1/Services/{sid}/Configuration/Webhooks"),
        ),
        Kind::ServiceNotifications => (
            Product::Conversations,
            format!("/v1/Services/{sid}/Configuration/Notifications"),
        ),
        Kind::Role => (
            Product::Conversations,
            format!("/v1/Services/{parent}/Roles/{sid}"),
        ),
        Kind::AddressConfiguration => (
            Product::Conversations,
            format!("/v1/Configuration/Addresses/{sid}"),
        ),
        Kind::Credential => (Product::Conversations, format!("/v1/Credentials/{sid}")),
        Kind::NotifyService => (Product::Notify, format!("/v1/Services/{sid}")),
        Kind::Content => (Product::Content, format!("/v1/Content/{sid}")),
        Kind::Sink => (Product::Events, format!("/v1/Sinks/{sid}")),
        Kind::Subscription => (Product::Events, format!("/v1/Subscriptions/{sid}")),
    })
}

#[derive(Serialize, JsonSchema)]
struct View {
    account_sid: AccountSid,
    actor_sid: String,
    actor_type: &'static str,
    description: Option<String>,
    #[schemars(with = "serde_json::Value")]
    event_data: Option<Box<RawValue>>,
    event_date: Iso,
    event_type: String,
    resource_sid: String,
    resource_type: String,
    sid: MonitorEventSid,
    source: &'static str,
    source_ip_address: Option<String>,
    url: String,
    links: Related,
}

/// URLs of who did it and what it was done to.
#[derive(Serialize, JsonSchema)]
struct Related {
    actor: String,
    resource: Option<String>,
}

impl InList for View {
    const KEY: &'static str = "events";
}
