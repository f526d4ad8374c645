//! The types of events that a subscription names, each with the version of its schema.

use confab_store::{Row, params};
use confab_types::{AccountSid, ApiError, KeyPart, SubscriptionSid};

use super::catalogue::{EventType, LATEST_VERSION};
use super::subscription;
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::{Command, Cx, Effect, Order, Page, Result, Transaction, Window};

/// A type of events in a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribedEvent {
    /// The type's name.
    pub kind: String,
    /// Version of its schema.
    pub schema_version: i64,
}

fn read(mut row: Row) -> Result<SubscribedEvent> {
    Ok(SubscribedEvent {
        kind: row.text()?,
        schema_version: row.int()?,
    })
}

/// Reads the name of a type.
///
/// # Errors
/// 400/20001 for an unknown one.
pub(super) fn kind(name: &str, parameter: &str) -> Result<EventType> {
    EventType::parse(name).ok_or_else(|| {
        ApiError::new(20001)
            .message(format!(
                "Invalid parameter value: {parameter}: there is no type {name}"
            ))
            .into()
    })
}

/// Checks a version; none is the newest.
///
/// # Errors
/// 400/20001 for an unknown one.
pub(super) fn version(version: Option<i64>, parameter: &str) -> Result<i64> {
    let version = version.unwrap_or(LATEST_VERSION);
    if (1..=LATEST_VERSION).contains(&version) {
        return Ok(version);
    }
    Err(ApiError::new(20001)
        .message(format!(
            "Invalid parameter value: {parameter}: there is no version {version}"
        ))
        .into())
}

/// What a subscription has of a type.
///
/// # Errors
/// 404/20404 when it has nothing of it, or when it is not there; or the database's.
pub fn fetch(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    subscription: SubscriptionSid,
    kind: &str,
) -> Result<SubscribedEvent> {
    let within = subscription::fetch(tx, account, subscription)?;
    find(tx, within.sid, kind)?.ok_or_else(|| Error::code(20404))
}

fn find(
    tx: &mut Transaction<'_>,
    subscription: SubscriptionSid,
    kind: &str,
) -> Result<Option<SubscribedEvent>> {
    let row = tx.first(
        "SELECT type, schema_version FROM subscribed_event WHERE subscription_sid = $1 AND type = $2",
        params![subscription.to_string(), kind],
    )?;
    row.map(read).transpose()
}

/// The types of a subscription by their names.
///
/// # Errors
/// 404/20404 when it is not there; or the database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    subscription: SubscriptionSid,
    window: &Window,
) -> Result<Page<SubscribedEvent>> {
    let within = subscription::fetch(tx, account, subscription)?;
    Listing {
        ascending: "SELECT type, schema_version FROM subscribed_event \
                    WHERE subscription_sid = $1 AND type > $2 ORDER BY type LIMIT $3",
        descending: "SELECT type, schema_version FROM subscribed_event \
                     WHERE subscription_sid = $1 AND type < $2 ORDER BY type DESC LIMIT $3",
        params: params![within.sid.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |event| vec![KeyPart::Text(event.kind.clone())],
    }
    .page(tx, Order::Ascending, window)
}

/// Writes a type into a subscription that has nothing of it.
pub(super) fn insert(
    tx: &mut Transaction<'_>,
    subscription: SubscriptionSid,
    kind: EventType,
    version: i64,
) -> Result<()> {
    tx.push(
        "INSERT INTO subscribed_event (subscription_sid, type, schema_version) VALUES ($1, $2, $3)",
        params![subscription.to_string(), kind.name(), version],
    )?;
    Ok(())
}

fn set_version(
    tx: &mut Transaction<'_>,
    subscription: SubscriptionSid,
    event: &SubscribedEvent,
) -> Result<()> {
    tx.push(
        "UPDATE subscribed_event SET schema_version = $3 WHERE subscription_sid = $1 AND type = $2",
        params![subscription.to_string(), &event.kind, event.schema_version],
    )?;
    Ok(())
}

/// Puts a type into a subscription. What it has already gets the version that is named.
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// The subscription.
    pub subscription: SubscriptionSid,
    /// The type's name.
    pub kind: String,
    /// Version of its schema; `None` for the newest, and for the one that a known type has.
    pub schema_version: Option<i64>,
}

impl Command for Create {
    /// With whether it is new.
    type Output = (SubscribedEvent, bool);

    /// # Errors
    /// 404/20404; 400/20001 for an unknown type or version.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<(SubscribedEvent, bool)> {
        let within = subscription::hold(tx, self.account, self.subscription)?;
        let kind = kind(&self.kind, "Type")?;
        let schema_version = version(self.schema_version, "SchemaVersion")?;
        let before = find(tx, within.sid, kind.name())?;
        let is_new = before.is_none();
        let event = match before {
            None => {
                insert(tx, within.sid, kind, schema_version)?;
                SubscribedEvent {
                    kind: kind.name().to_owned(),
                    schema_version,
                }
            }
            Some(mut event) => {
                event.schema_version = self.schema_version.unwrap_or(event.schema_version);
                set_version(tx, within.sid, &event)?;
                event
            }
        };
        cx.emit(Effect::HooksChanged {
            account: within.account,
        });
        Ok((event, is_new))
    }
}

/// Takes another version of a type's schema.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// The subscription.
    pub subscription: SubscriptionSid,
    /// The type's name.
    pub kind: String,
    /// Version of its schema; `None` leaves what there is (B-014).
    pub schema_version: Option<i64>,
}

impl Command for Update {
    type Output = SubscribedEvent;

    /// # Errors
    /// 404/20404; 400/20001 for an unknown version.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<SubscribedEvent> {
        let within = subscription::hold(tx, self.account, self.subscription)?;
        let mut event = find(tx, within.sid, &self.kind)?.ok_or_else(|| Error::code(20404))?;
        if self.schema_version.is_none() {
            return Ok(event);
        }
        event.schema_version = version(self.schema_version, "SchemaVersion")?;
        set_version(tx, within.sid, &event)?;
        cx.emit(Effect::HooksChanged {
            account: within.account,
        });
        Ok(event)
    }
}

/// Takes a type out of a subscription, which then hears nothing of it (B-821).
#[derive(Clone, Debug)]
pub struct Delete {
    /// The account.
    pub account: AccountSid,
    /// The subscription.
    pub subscription: SubscriptionSid,
    /// The type's name.
    pub kind: String,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let within = subscription::hold(tx, self.account, self.subscription)?;
        let deleted = tx.exec(
            "DELETE FROM subscribed_event WHERE subscription_sid = $1 AND type = $2",
            params![within.sid.to_string(), &self.kind],
        )?;
        if deleted == 0 {
            return Err(Error::code(20404));
        }
        cx.emit(Effect::HooksChanged {
            account: within.account,
        });
        Ok(())
    }
}
