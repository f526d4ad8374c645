//! The log of what callers of REST changed of an account's configuration, as Monitor lists it (rest.md §12). Messages,
//! participants and the like are no part of it: they are what the account is for.

use confab_store::{Row, params};
use confab_types::{AccountSid, KeyPart, MonitorEventSid, Timestamp};
use serde_json::{Map, Value, json};

use crate::alert::without_passwords;
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::sync::sid;
use crate::{Cx, Order, Page, Result, Transaction, Window};

/// How long an event is kept and shown, seconds: as long as the original does for everybody.
const KEPT: i64 = 30 * 24 * 3600;
/// Events that one new event takes away at most, so that no transaction is held up by them.
const PRUNED: i64 = 20;

/// What was changed, by the first half of the event's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An account.
    Account,
    /// An API key.
    ApiKey,
    /// A number of the account.
    PhoneNumber,
    /// A messaging service.
    MessagingService,
    /// The account's settings of Conversations.
    Configuration,
    /// The account's webhooks of Conversations.
    AccountWebhooks,
    /// A service of Conversations.
    Service,
    /// Its webhooks.
    ServiceWebhooks,
    /// Its push templates.
    ServiceNotifications,
    /// A role in it.
    Role,
    /// What is done with messages to an address.
    AddressConfiguration,
    /// A credential of a push service.
    Credential,
    /// A service of Notify.
    NotifyService,
    /// A content template.
    Content,
    /// A sink of event streams.
    Sink,
    /// A subscription of event streams.
    Subscription,
}

impl Kind {
    const ALL: [Self; 16] = [
        Self::Account,
        Self::ApiKey,
        Self::PhoneNumber,
        Self::MessagingService,
        Self::Configuration,
        Self::AccountWebhooks,
        Self::Service,
        Self::ServiceWebhooks,
        Self::ServiceNotifications,
        Self::Role,
        Self::AddressConfiguration,
        Self::Credential,
        Self::NotifyService,
        Self::Content,
        Self::Sink,
        Self::Subscription,
    ];

    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::ApiKey => "api-key",
            Self::PhoneNumber => "phone-number",
            Self::MessagingService => "messaging-service",
            Self::Configuration => "conversations-configuration",
            Self::AccountWebhooks => "conversations-webhooks",
            Self::Service => "conversations-service",
            Self::ServiceWebhooks => "conversations-service-webhooks",
            Self::ServiceNotifications => "conversations-service-notifications",
            Self::Role => "conversations-role",
            Self::AddressConfiguration => "conversations-address",
            Self::Credential => "credential",
            Self::NotifyService => "notify-service",
            Self::Content => "content",
            Self::Sink => "events-sink",
            Self::Subscription => "events-subscription",
        }
    }

    /// Reads the word of the API.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }
}

/// What was changed.
pub(crate) struct Subject {
    kind: Kind,
    account: AccountSid,
    sid: String,
    parent: Option<String>,
}

impl Subject {
    pub(crate) fn new(kind: Kind, account: AccountSid, sid: impl ToString) -> Self {
        Self {
            kind,
            account,
            sid: sid.to_string(),
            parent: None,
        }
    }

    /// The same below another resource.
    pub(crate) fn of(mut self, parent: impl ToString) -> Self {
        self.parent = Some(parent.to_string());
        self
    }
}

/// Logs that something was made, with its properties: an object, without what is secret.
///
/// # Errors
/// The database's.
pub(crate) fn created(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    subject: &Subject,
    properties: &Value,
) -> Result<()> {
    record(tx, cx, subject, "created", &differences(&Value::Null, properties))
}

/// Logs that something was changed, with what of its properties; nothing where they are the same.
///
/// # Errors
/// The database's.
pub(crate) fn updated(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    subject: &Subject,
    before: &Value,
    after: &Value,
) -> Result<()> {
    let differences = differences(before, after);
    if differences.is_empty() {
        return Ok(());
    }
    record(tx, cx, subject, "updated", &differences)
}

/// Logs that something was removed.
///
/// # Errors
/// The database's.
pub(crate) fn deleted(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, subject: &Subject) -> Result<()> {
    record(tx, cx, subject, "deleted", &Map::new())
}

/// What of two objects is not the same, each property with both values.
fn differences(before: &Value, after: &Value) -> Map<String, Value> {
    let Some(after) = after.as_object() else {
        return Map::new();
    };
    after
        .iter()
        .filter_map(|(name, updated)| {
            let previous = before.get(name).unwrap_or(&Value::Null);
            (previous != updated).then(|| (name.clone(), json!({ "previous": previous, "updated": updated })))
        })
        .collect()
}

fn record(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    subject: &Subject,
    action: &str,
    properties: &Map<String, Value>,
) -> Result<()> {
    // What the server does by itself nobody is to answer for.
    let Some(requester) = cx.requester else {
        return Ok(());
    };
    let new: MonitorEventSid = cx.sid();
    let data = match properties.is_empty() {
        true => json!({}),
        false => json!({ "resource_properties": properties }),
    };
    tx.push(
        "INSERT INTO audit_event (sid, account_sid, actor_sid, event_type, resource_type, resource_sid, parent_sid, \
         source_ip, data, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            new.to_string(),
            subject.account.to_string(),
            requester.sid(),
            format!("{}.{action}", subject.kind.name()),
            subject.kind.name(),
            &subject.sid,
            &subject.parent,
            requester.ip.map(|ip| ip.to_canonical().to_string()),
            without_passwords(&data.to_string()),
            cx.now.0
        ],
    )?;
    // As with alerts: each new one makes room.
    tx.push(
        "DELETE FROM audit_event WHERE sid IN \
         (SELECT sid FROM audit_event WHERE created_at < $1 ORDER BY created_at LIMIT $2 {skip_locked})",
        params![oldest_shown(cx.now).0, PRUNED],
    )?;
    Ok(())
}

fn oldest_shown(now: Timestamp) -> Timestamp {
    now.plus_seconds(-KEPT)
}

/// A change that somebody made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its SID.
    pub sid: MonitorEventSid,
    /// Its account.
    pub account: AccountSid,
    /// SID of the account or key that the caller was let in by.
    pub actor: String,
    /// A word of [`Kind`], a dot, and `created`, `updated` or `deleted`.
    pub event_type: String,
    /// A word of [`Kind`].
    pub resource_type: String,
    /// SID of what was changed.
    pub resource: String,
    /// SID of what that is below.
    pub parent: Option<String>,
    /// Where the request came from.
    pub source_ip: Option<String>,
    /// A JSON object.
    pub data: String,
    /// When it happened.
    pub created_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, actor_sid, event_type, resource_type, resource_sid, parent_sid, source_ip, data, created_at"
    };
}

fn read(mut row: Row) -> Result<Event> {
    Ok(Event {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        actor: row.text()?,
        event_type: row.text()?,
        resource_type: row.text()?,
        resource: row.text()?,
        parent: row.opt_text()?,
        source_ip: row.opt_text()?,
        data: row.text()?,
        created_at: Timestamp(row.int()?),
    })
}

/// An event of an account.
///
/// # Errors
/// 404/20404, also for one that is older than thirty days; or the database's.
pub fn fetch(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    event: MonitorEventSid,
    now: Timestamp,
) -> Result<Event> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM audit_event WHERE sid = $1 AND account_sid = $2"
        ),
        params![event.to_string(), account.to_string()],
    )?;
    let found = row.map(read).transpose()?;
    found
        .filter(|event| event.created_at >= oldest_shown(now))
        .ok_or_else(|| Error::code(20404))
}

/// Which events a list shows; an empty text is no filter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// By this account or key.
    pub actor: String,
    /// Of this type.
    pub event_type: String,
    /// About this resource.
    pub resource: String,
    /// From this address.
    pub source_ip: String,
    /// At or after this moment.
    pub from: Option<Timestamp>,
    /// At or before the second of this moment.
    pub to: Option<Timestamp>,
}

/// A page of an account's events in either direction, by one of three indexes. A plus sign keeps the bound that is not
/// needed in that direction away from the choice of an index.
macro_rules! page {
    (after, $by:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM audit_event WHERE account_sid = $1 AND +created_at >= $2 AND created_at <= $3 AND ",
            $by,
            " AND ($6 = '' OR actor_sid = $6) AND ($7 = '' OR source_ip = $7) \
             AND (created_at, sid) > ($8, $9) ORDER BY created_at, sid LIMIT $10"
        )
    };
    (before, $by:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM audit_event WHERE account_sid = $1 AND created_at >= $2 AND +created_at <= $3 AND ",
            $by,
            " AND ($6 = '' OR actor_sid = $6) AND ($7 = '' OR source_ip = $7) \
             AND (created_at, sid) < ($8, $9) ORDER BY created_at DESC, sid DESC LIMIT $10"
        )
    };
}

/// The events of an account that are not older than thirty days, newest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    filter: &Filter,
    now: Timestamp,
    window: &Window,
) -> Result<Page<Event>> {
    let oldest = oldest_shown(now);
    let from = filter.from.map_or(oldest, |from| from.max(oldest));
    let to = filter
        .to
        .map_or(i64::MAX, |to| to.0 - to.0.rem_euclid(1_000_000) + 999_999);
    // An account's settings do not change so often that more indexes were worth it.
    let (ascending, descending) = if !filter.resource.is_empty() {
        (
            page!(after, "resource_sid = $5 AND ($4 = '' OR event_type = $4)"),
            page!(before, "resource_sid = $5 AND ($4 = '' OR event_type = $4)"),
        )
    } else if !filter.event_type.is_empty() {
        (
            page!(after, "event_type = $4 AND $5 = ''"),
            page!(before, "event_type = $4 AND $5 = ''"),
        )
    } else {
        (
            page!(after, "$4 = '' AND $5 = ''"),
            page!(before, "$4 = '' AND $5 = ''"),
        )
    };
    Listing {
        ascending,
        descending,
        params: params![
            account.to_string(),
            from.0,
            to,
            &filter.event_type,
            &filter.resource,
            &filter.actor,
            &filter.source_ip
        ]
        .to_vec(),
        bounds: &[Bound::Int, Bound::Text],
        // The range bounds where a list starts; past its first page the key does.
        edge: Some(KeyPart::Int(to)),
        read,
        key: |event| {
            vec![
                KeyPart::Int(event.created_at.0),
                KeyPart::Text(event.sid.to_string()),
            ]
        },
    }
    .page(tx, Order::Descending, window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_changed_is_told() {
        let before = json!({ "friendly_name": "a", "url": null, "gone": 1 });
        let after = json!({ "friendly_name": "b", "url": null, "new": [1] });
        assert_eq!(
            Value::Object(differences(&before, &after)),
            json!({
                "friendly_name": { "previous": "a", "updated": "b" },
                "new": { "previous": null, "updated": [1] },
            })
        );
        assert!(differences(&after, &after).is_empty());
    }

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.name()), Some(kind));
        }
    }
}
