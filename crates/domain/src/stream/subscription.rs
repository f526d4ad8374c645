//! Subscriptions: which events go to a sink.

use std::collections::BTreeMap;

use confab_store::{Row, params};
use confab_types::{AccountSid, ApiError, KeyPart, Sid, SinkSid, SubscriptionSid, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::catalogue::EventType;
use super::sink::{self, check_description};
use super::{MOST, subscribed_event};
use crate::audit::{self, Kind, Subject};
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::sync::sid;
use crate::{Command, Cx, Effect, Order, Page, Result, Transaction, Window, account};

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its SID.
    pub sid: SubscriptionSid,
    /// Its account.
    pub account: AccountSid,
    /// Where its events go.
    pub sink: SinkSid,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, sink_sid, description, created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<Subscription> {
    Ok(Subscription {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        sink: sid(&row.text()?)?,
        description: row.text()?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// A subscription of an account.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    subscription: SubscriptionSid,
) -> Result<Subscription> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM subscription WHERE sid = $1 AND account_sid = $2"
        ),
        params![subscription.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// As [`fetch`], with the row locked until the commit.
pub(super) fn hold(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    subscription: SubscriptionSid,
) -> Result<Subscription> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM subscription WHERE sid = $1 AND account_sid = $2 {for_update}"
        ),
        params![subscription.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// The subscriptions of an account, or those of them to one sink, oldest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    sink: Option<SinkSid>,
    window: &Window,
) -> Result<Page<Subscription>> {
    let account = account.to_string();
    let (ascending, descending, params) = match sink {
        None => (
            concat!(
                "SELECT ",
                columns!(),
                " FROM subscription WHERE account_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
            ),
            concat!(
                "SELECT ",
                columns!(),
                " FROM subscription WHERE account_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
            ),
            params![account].to_vec(),
        ),
        Some(sink) => (
            concat!(
                "SELECT ",
                columns!(),
                " FROM subscription WHERE account_sid = $1 AND sink_sid = $2 AND sid > $3 ORDER BY sid LIMIT $4"
            ),
            concat!(
                "SELECT ",
                columns!(),
                " FROM subscription WHERE account_sid = $1 AND sink_sid = $2 AND sid < $3 \
                 ORDER BY sid DESC LIMIT $4"
            ),
            params![account, sink.to_string()].to_vec(),
        ),
    };
    Listing {
        ascending,
        descending,
        params,
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |subscription| vec![KeyPart::Text(subscription.sid.to_string())],
    }
    .page(tx, Order::Ascending, window)
}

/// A type as a request writes it; without a version it is the newest.
#[derive(Deserialize)]
struct Wanted {
    #[serde(rename = "type")]
    kind: String,
    schema_version: Option<i64>,
}

/// Reads the types of a request. One that is named twice counts as it is named last.
///
/// # Errors
/// 400/20001 for what is no JSON object, an unknown type or version, and for none at all.
fn types(texts: &[String]) -> Result<BTreeMap<EventType, i64>> {
    let mut types = BTreeMap::new();
    for text in texts {
        let wanted: Wanted = serde_json::from_str(text).map_err(|_| ApiError::invalid("Types"))?;
        types.insert(
            subscribed_event::kind(&wanted.kind, "Types")?,
            subscribed_event::version(wanted.schema_version, "Types")?,
        );
    }
    if types.is_empty() {
        return Err(ApiError::missing("Types").into());
    }
    Ok(types)
}

/// Makes a subscription to an active sink.
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// At most 256 characters.
    pub description: String,
    /// SID of one of the account's sinks.
    pub sink: String,
    /// Each a JSON object with `type` and `schema_version`.
    pub types: Vec<String>,
}

impl Command for Create {
    type Output = Subscription;

    /// # Errors
    /// 400/20001 for a wrong value, for a sink that is not active, and for more subscriptions than an account may
    /// have.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Subscription> {
        check_description(&self.description)?;
        let types = types(&self.types)?;
        let no_sink = || Error::from(ApiError::invalid("SinkSid"));
        let sink = SinkSid::parse(&self.sink).ok_or_else(no_sink)?;
        // Two that are made at once must not both be the last one that there may be.
        account::hold(tx, self.account)?;
        let sink = match sink::share(tx, self.account, sink) {
            Err(Error::Api(_)) => return Err(no_sink()),
            found => found?,
        };
        if sink.status != sink::Status::Active {
            return Err(ApiError::new(20001)
                .message("Invalid parameter value: SinkSid: the sink is not active")
                .into());
        }
        let new = Subscription {
            sid: cx.sid(),
            account: self.account,
            sink: sink.sid,
            description: self.description.clone(),
            created_at: cx.now,
            updated_at: cx.now,
        };
        let count = tx.first(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM subscription WHERE account_sid = $1",
            params![self.account.to_string()],
        )?;
        if count.map_or(Ok(0), |mut row| row.int())? >= MOST {
            return Err(ApiError::new(20001)
                .message(format!("An account has at most {MOST} subscriptions"))
                .into());
        }
        tx.push(
            concat!(
                "INSERT INTO subscription (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $5)"
            ),
            params![
                new.sid.to_string(),
                new.account.to_string(),
                new.sink.to_string(),
                &new.description,
                cx.now.0
            ],
        )?;
        let subject = Subject::new(Kind::Subscription, new.account, new.sid);
        let names: Vec<_> = types.keys().map(|kind| kind.name()).collect();
        let properties = json!({
            "description": new.description,
            "sink_sid": new.sink.to_string(),
            "types": names,
        });
        audit::created(tx, cx, &subject, &properties)?;
        for (kind, version) in types {
            subscribed_event::insert(tx, new.sid, kind, version)?;
        }
        cx.emit(Effect::HooksChanged { account: new.account });
        Ok(new)
    }
}

/// Describes a subscription in other words; its sink stays.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// The subscription.
    pub subscription: SubscriptionSid,
    /// At most 256 characters; `None` leaves what there is (B-014).
    pub description: Option<String>,
}

impl Command for Update {
    type Output = Subscription;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Subscription> {
        let mut changed = hold(tx, self.account, self.subscription)?;
        let Some(description) = &self.description else {
            return Ok(changed);
        };
        check_description(description)?;
        let subject = Subject::new(Kind::Subscription, self.account, changed.sid);
        let told = |description: &str| json!({ "description": description });
        audit::updated(tx, cx, &subject, &told(&changed.description), &told(description))?;
        changed.description.clone_from(description);
        changed.updated_at = cx.now;
        tx.push(
            "UPDATE subscription SET description = $2, updated_at = $3 WHERE sid = $1",
            params![changed.sid.to_string(), description, cx.now.0],
        )?;
        Ok(changed)
    }
}

/// Ends a subscription.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The account.
    pub account: AccountSid,
    /// The subscription.
    pub subscription: SubscriptionSid,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let found = hold(tx, self.account, self.subscription)?;
        let subscription = found.sid.to_string();
        tx.push(
            "DELETE FROM subscribed_event WHERE subscription_sid = $1",
            params![&subscription],
        )?;
        tx.push("DELETE FROM subscription WHERE sid = $1", params![&subscription])?;
        let subject = Subject::new(Kind::Subscription, found.account, found.sid);
        audit::deleted(tx, cx, &subject)?;
        cx.emit(Effect::HooksChanged {
            account: found.account,
        });
        Ok(())
    }
}
