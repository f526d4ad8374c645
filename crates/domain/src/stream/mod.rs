//! Event streams (rest.md §11, behaviours §20): sinks take the events that subscriptions name. What there is to tell,
//! in data and in schemas, stands in one table ([`data`]).

pub mod catalogue;
pub mod data;
pub mod sink;
pub mod subscribed_event;
pub mod subscription;

use std::collections::BTreeMap;

use confab_store::params;
use confab_types::{AccountSid, SinkSid, SubscriptionSid};

pub use catalogue::EventType;

use crate::sync::sid;
use crate::{Result, Transaction};

/// Sinks and subscriptions of an account at most, so that an event goes to a bounded number of places.
const MOST: i64 = 1000;

/// A subscription whose sink takes events now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where its events go; [`sink::find`] tells how.
    pub sink: SinkSid,
    /// The subscription.
    pub subscription: SubscriptionSid,
    /// What it wants to hear of, and by which version of the schema (B-821).
    pub types: BTreeMap<EventType, i64>,
}

/// Who listens to the events of an account: subscriptions of active sinks (B-820), oldest first. The same until
/// [`crate::Effect::HooksChanged`] of the account.
///
/// # Errors
/// The database's.
pub fn listeners(tx: &mut Transaction<'_>, account: AccountSid) -> Result<Vec<Listener>> {
    let rows = tx.query(
        "SELECT subscription.sid, sink.sid, subscribed_event.type, subscribed_event.schema_version \
         FROM subscription JOIN sink ON sink.sid = subscription.sink_sid \
         JOIN subscribed_event ON subscribed_event.subscription_sid = subscription.sid \
         WHERE subscription.account_sid = $1 AND sink.status = 'active' ORDER BY subscription.sid",
        params![account.to_string()],
    )?;
    let mut listeners: Vec<Listener> = Vec::new();
    for mut row in rows {
        let subscription = sid(&row.text()?)?;
        let sink = sid(&row.text()?)?;
        // A type that a newer program knows.
        let Some(kind) = EventType::parse(&row.text()?) else {
            continue;
        };
        let version = row.int()?;
        match listeners.last_mut() {
            Some(last) if last.subscription == subscription => {
                last.types.insert(kind, version);
            }
            _ => listeners.push(Listener {
                sink,
                subscription,
                types: BTreeMap::from([(kind, version)]),
            }),
        }
    }
    Ok(listeners)
}
