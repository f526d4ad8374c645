//! Sinks: where events go.

use confab_store::{Row, params};
use confab_types::{AccountSid, ApiError, KeyPart, SinkSid, StreamEventSid, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::MOST;
use crate::alert::{self, Level, NewAlert};
use crate::endpoint::{self, Method};
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::sync::sid;
use crate::{Command, Cx, Effect, Order, Page, Result, Transaction, Window, account, text};

/// Characters of a description.
pub(super) const DESCRIPTION_CHARS: usize = 256;
/// Bytes of a configuration.
const CONFIGURATION_BYTES: usize = 8 * 1024;
/// Bytes of a subject of NATS.
const SUBJECT_BYTES: usize = 255;

/// What a sink is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkType {
    /// A stream of Amazon Kinesis; this server has no way to it.
    Kinesis,
    /// A URL.
    Webhook,
    /// A source of Segment; this server has no way to it.
    Segment,
    /// A mailbox; this server has no way to it.
    Email,
    /// A subject of a NATS server; not in the original.
    Nats,
}

impl SinkType {
    const ALL: [Self; 5] = [
        Self::Kinesis,
        Self::Webhook,
        Self::Segment,
        Self::Email,
        Self::Nats,
    ];

    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kinesis => "kinesis",
            Self::Webhook => "webhook",
            Self::Segment => "segment",
            Self::Email => "email",
            Self::Nats => "nats",
        }
    }

    /// Reads the word of the API.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }

    /// Whether the server can bring events there.
    fn is_reachable(self) -> bool {
        matches!(self, Self::Webhook | Self::Nats)
    }
}

/// Whether a sink takes events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing was tried yet.
    Initialized,
    /// A test event is on its way, and its id is awaited.
    Validating,
    /// It takes events.
    Active,
    /// It was given up.
    Failed,
}

impl Status {
    const ALL: [Self; 4] = [Self::Initialized, Self::Validating, Self::Active, Self::Failed];

    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Initialized => "initialized",
            Self::Validating => "validating",
            Self::Active => "active",
            Self::Failed => "failed",
        }
    }

    /// Reads the word of the API.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == word)
    }
}

/// How a sink is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// By a URL.
    Webhook {
        /// Where.
        destination: String,
        /// How.
        method: Method,
        /// Whether several events may come in one call.
        batch_events: bool,
    },
    /// By a NATS server.
    Nats {
        /// Its URL.
        server: String,
        /// What events are published under.
        subject: String,
    },
    /// Not by this server.
    Nothing,
}

/// A sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// Its SID.
    pub sid: SinkSid,
    /// Its account.
    pub account: AccountSid,
    /// What it is for.
    pub description: String,
    /// What it is.
    pub kind: SinkType,
    /// A JSON object.
    pub configuration: String,
    /// Whether it takes events.
    pub status: Status,
    /// The test event that was sent to it last and has not come back.
    pub test_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Sink {
    /// How it is reached.
    ///
    /// # Errors
    /// When the row is none that [`Create`] wrote.
    pub fn target(&self) -> Result<Target> {
        Ok(match self.kind {
            SinkType::Webhook => {
                let webhook: WebhookConfiguration = text::of_json(&self.configuration)?;
                Target::Webhook {
                    destination: webhook.destination,
                    method: webhook.method.map_or(Ok(Method::Post), |m| Method::parse(&m))?,
                    batch_events: webhook.batch_events.unwrap_or(true),
                }
            }
            SinkType::Nats => {
                let nats: NatsConfiguration = text::of_json(&self.configuration)?;
                Target::Nats {
                    server: nats.server,
                    subject: nats.subject,
                }
            }
            SinkType::Kinesis | SinkType::Segment | SinkType::Email => Target::Nothing,
        })
    }
}

#[derive(Deserialize)]
struct WebhookConfiguration {
    destination: String,
    method: Option<String>,
    batch_events: Option<bool>,
}

#[derive(Deserialize)]
struct NatsConfiguration {
    server: String,
    subject: String,
}

fn wrong(what: &str) -> Error {
    ApiError::new(20001)
        .message(format!("Invalid parameter value: SinkConfiguration: {what}"))
        .into()
}

/// Reads the configuration of a sink, and gives what of it is kept.
///
/// # Errors
/// 400/20001 with what is wrong.
fn configuration(kind: SinkType, given: &str) -> Result<String> {
    if given.len() > CONFIGURATION_BYTES {
        return Err(wrong("it is too long"));
    }
    let object: Map<String, Value> =
        serde_json::from_str(given).map_err(|_| wrong("a JSON object is wanted"))?;
    let kept = match kind {
        SinkType::Webhook => {
            let webhook: WebhookConfiguration = serde_json::from_value(Value::Object(object))
                .map_err(|_| wrong("destination, method and batch_events are wanted"))?;
            endpoint::check_url(&webhook.destination).map_err(|_| wrong("destination is no web address"))?;
            let method = webhook.method.map_or(Ok(Method::Post), |m| Method::parse(&m));
            json!({
                "destination": webhook.destination,
                "method": method.map_err(|_| wrong("method is neither GET nor POST"))?.upper(),
                "batch_events": webhook.batch_events.unwrap_or(true),
            })
        }
        SinkType::Nats => {
            let nats: NatsConfiguration = serde_json::from_value(Value::Object(object))
                .map_err(|_| wrong("server and subject are wanted"))?;
            let server = Url::parse(&nats.server);
            if !server.is_ok_and(|url| matches!(url.scheme(), "nats" | "tls") && url.has_host()) {
                return Err(wrong("server is no address of a NATS server"));
            }
            if !is_subject(&nats.subject) {
                return Err(wrong("subject is none that can be published under"));
            }
            json!({ "server": nats.server, "subject": nats.subject })
        }
        SinkType::Kinesis => with_texts(object, &["arn", "role_arn", "external_id"])?,
        SinkType::Segment => with_texts(object, &["write_key"])?,
        SinkType::Email => with_texts(object, &[])?,
    };
    Ok(kept.to_string())
}

/// An object as it is, if it has these texts.
fn with_texts(object: Map<String, Value>, names: &[&str]) -> Result<Value> {
    for name in names {
        let value = object.get(*name).and_then(Value::as_str);
        if value.is_none_or(str::is_empty) {
            return Err(wrong(&format!("{name} is wanted")));
        }
    }
    if object.is_empty() {
        return Err(wrong("it is empty"));
    }
    Ok(Value::Object(object))
}

/// A subject of NATS without wildcards.
fn is_subject(text: &str) -> bool {
    text.len() <= SUBJECT_BYTES
        && text.split('.').all(|token| {
            !token.is_empty()
                && !token.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '>'))
        })
}

macro_rules! columns {
    () => {
        "sid, account_sid, description, type, configuration, status, test_id, created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<Sink> {
    let unknown = |what: &str, word: &str| Error::from(confab_store::Error::Decode(format!("{what} {word}")));
    Ok(Sink {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        description: row.text()?,
        kind: {
            let word = row.text()?;
            SinkType::parse(&word).ok_or_else(|| unknown("a sink of type", &word))?
        },
        configuration: row.text()?,
        status: {
            let word = row.text()?;
            Status::parse(&word).ok_or_else(|| unknown("a sink's status", &word))?
        },
        test_id: row.opt_text()?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// A sink, whose account it may be.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut Transaction<'_>, sink: SinkSid) -> Result<Option<Sink>> {
    let row = tx.first(
        concat!("SELECT ", columns!(), " FROM sink WHERE sid = $1"),
        params![sink.to_string()],
    )?;
    row.map(read).transpose()
}

/// A sink of an account.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, account: AccountSid, sink: SinkSid) -> Result<Sink> {
    find(tx, sink)?
        .filter(|found| found.account == account)
        .ok_or_else(|| Error::code(20404))
}

/// As [`fetch`], with the row locked until the commit.
fn hold(tx: &mut Transaction<'_>, account: AccountSid, sink: SinkSid) -> Result<Sink> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM sink WHERE sid = $1 AND account_sid = $2 {for_update}"
        ),
        params![sink.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// As [`fetch`], with the row kept from being deleted until the commit.
pub(super) fn share(tx: &mut Transaction<'_>, account: AccountSid, sink: SinkSid) -> Result<Sink> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM sink WHERE sid = $1 AND account_sid = $2 {for_share}"
        ),
        params![sink.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// Which sinks a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Those that a subscription sends to, or those that none does.
    pub in_use: Option<bool>,
    /// Of this status.
    pub status: Option<Status>,
}

/// A page of an account's sinks in one direction. An account has so few that a filter may go through all of them.
macro_rules! page {
    ($than:literal, $order:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM sink WHERE account_sid = $1 AND ($2 = '' OR status = $2) \
             AND ($3 = '' OR $3 = CASE WHEN EXISTS \
             (SELECT 1 FROM subscription WHERE subscription.sink_sid = sink.sid) THEN 'yes' ELSE 'no' END) \
             AND sid ",
            $than,
            " $4 ORDER BY sid ",
            $order,
            " LIMIT $5"
        )
    };
}

/// The sinks of an account, oldest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    filter: Filter,
    window: &Window,
) -> Result<Page<Sink>> {
    let in_use = match filter.in_use {
        None => "",
        Some(true) => "yes",
        Some(false) => "no",
    };
    Listing {
        ascending: page!(">", "ASC"),
        descending: page!("<", "DESC"),
        params: params![
            account.to_string(),
            filter.status.map_or("", Status::name),
            in_use
        ]
        .to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |sink| vec![KeyPart::Text(sink.sid.to_string())],
    }
    .page(tx, Order::Ascending, window)
}

/// Checks what a sink or subscription is described by.
///
/// # Errors
/// 400/20001 for one that is empty or too long.
pub(super) fn check_description(description: &str) -> Result<()> {
    if description.is_empty() || description.chars().count() > DESCRIPTION_CHARS {
        return Err(ApiError::invalid("Description").into());
    }
    Ok(())
}

/// Makes a sink. One that is called is active at once.
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// At most 256 characters.
    pub description: String,
    /// A word of [`SinkType`].
    pub kind: String,
    /// A JSON object: `destination`, `method` and `batch_events` of a webhook, `server` and `subject` of NATS; `arn`,
    /// `role_arn` and `external_id`, or a `write_key`, where the server has no way to.
    pub configuration: String,
}

impl Command for Create {
    type Output = Sink;

    /// # Errors
    /// 400/20001 for a wrong value, and for more sinks than an account may have.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Sink> {
        check_description(&self.description)?;
        let kind = SinkType::parse(&self.kind).ok_or_else(|| ApiError::invalid("SinkType"))?;
        let new = Sink {
            sid: cx.sid(),
            account: self.account,
            description: self.description.clone(),
            kind,
            configuration: configuration(kind, &self.configuration)?,
            status: match kind {
                SinkType::Webhook => Status::Active,
                _ => Status::Initialized,
            },
            test_id: None,
            created_at: cx.now,
            updated_at: cx.now,
        };
        // Two that are made at once must not both be the last one that there may be.
        account::hold(tx, self.account)?;
        let count = tx.first(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM sink WHERE account_sid = $1",
            params![self.account.to_string()],
        )?;
        if count.map_or(Ok(0), |mut row| row.int())? >= MOST {
            return Err(ApiError::new(20001)
                .message(format!("An account has at most {MOST} sinks"))
                .into());
        }
        tx.push(
            concat!(
                "INSERT INTO sink (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, NULL, $7, $7)"
            ),
            params![
                new.sid.to_string(),
                new.account.to_string(),
                &new.description,
                kind.name(),
                &new.configuration,
                new.status.name(),
                cx.now.0
            ],
        )?;
        Ok(new)
    }
}

/// Describes a sink in other words; nothing else of it ever changes.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// The sink.
    pub sink: SinkSid,
    /// At most 256 characters.
    pub description: String,
}

impl Command for Update {
    type Output = Sink;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Sink> {
        let mut changed = hold(tx, self.account, self.sink)?;
        check_description(&self.description)?;
        changed.description.clone_from(&self.description);
        changed.updated_at = cx.now;
        save(tx, &changed)?;
        Ok(changed)
    }
}

fn save(tx: &mut Transaction<'_>, sink: &Sink) -> Result<()> {
    tx.push(
        "UPDATE sink SET description = $2, status = $3, test_id = $4, updated_at = $5 WHERE sid = $1",
        params![
            sink.sid.to_string(),
            &sink.description,
            sink.status.name(),
            &sink.test_id,
            sink.updated_at.0
        ],
    )?;
    Ok(())
}

/// Removes a sink that no subscription sends to.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The account.
    pub account: AccountSid,
    /// The sink.
    pub sink: SinkSid,
}

impl Command for Delete {
    type Output = ();

    /// # Errors
    /// 409/20409 while it is in use; 404/20404.
    fn apply(&self, tx: &mut Transaction<'_>, _: &mut Cx<'_>) -> Result<()> {
        let found = hold(tx, self.account, self.sink)?;
        let sink = found.sid.to_string();
        let used = tx.first(
            "SELECT sid FROM subscription WHERE sink_sid = $1 LIMIT 1",
            params![&sink],
        )?;
        if used.is_some() {
            return Err(ApiError::new(20409)
                .message("The sink is in use by a subscription")
                .into());
        }
        tx.push("DELETE FROM sink WHERE sid = $1", params![&sink])?;
        Ok(())
    }
}

/// Begins the test of a sink: the id that its test event has ([`super::data::test`]) is wanted back by [`Validate`].
#[derive(Clone, Debug)]
pub struct Test {
    /// The account.
    pub account: AccountSid,
    /// The sink.
    pub sink: SinkSid,
}

impl Command for Test {
    /// The sink with the id of its test; `None` where the server has no way to it, which an alert tells.
    type Output = Option<Sink>;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Option<Sink>> {
        let mut tested = hold(tx, self.account, self.sink)?;
        if !tested.kind.is_reachable() {
            let alert = NewAlert {
                resource: Some(tested.sid.to_string()),
                ..NewAlert::new(tested.account, Level::Error, 93101)
            };
            let why = format!(
                "this server has no way to a sink of the type {}",
                tested.kind.name()
            );
            alert::record(tx, cx, &alert.because(why))?;
            return Ok(None);
        }
        let test_id: StreamEventSid = cx.sid();
        tested.test_id = Some(test_id.to_string());
        if tested.status != Status::Active {
            tested.status = Status::Validating;
        }
        tested.updated_at = cx.now;
        save(tx, &tested)?;
        Ok(Some(tested))
    }
}

/// Says that a test event came; the sink takes events from then on.
#[derive(Clone, Debug)]
pub struct Validate {
    /// The account.
    pub account: AccountSid,
    /// The sink.
    pub sink: SinkSid,
    /// The id that the test event had.
    pub test_id: String,
}

impl Command for Validate {
    /// Whether it is the id of the last test.
    type Output = bool;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<bool> {
        let mut found = hold(tx, self.account, self.sink)?;
        if found.test_id.as_ref() != Some(&self.test_id) {
            return Ok(false);
        }
        found.test_id = None;
        found.status = Status::Active;
        found.updated_at = cx.now;
        save(tx, &found)?;
        cx.emit(Effect::HooksChanged {
            account: found.account,
        });
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(kind: SinkType, given: &Value) -> Option<Value> {
        let kept = configuration(kind, &given.to_string()).ok()?;
        serde_json::from_str(&kept).ok()
    }

    #[test]
    fn a_webhook_has_a_web_address_a_method_and_maybe_batches() {
        let shown = json!({ "destination": "https://example.com/x", "method": "POST", "batch_events": true });
        for given in [
            json!({ "destination": "https://example.com/x" }),
            json!({ "destination": "https://example.com/x", "method": "post", "other": 1 }),
            json!({ "destination": "https://example.com/x", "batch_events": null }),
        ] {
            assert_eq!(kept(SinkType::Webhook, &given).as_ref(), Some(&shown), "{given}");
        }
        for given in [
            json!({}),
            json!([]),
            json!("x"),
            json!({ "destination": "example.com" }),
            json!({ "destination": 1 }),
            json!({ "destination": "https://example.com", "method": "PUT" }),
            json!({ "destination": "https://example.com", "batch_events": "maybe" }),
            json!({ "destination": format!("https://example.com/{}", "x".repeat(9000)) }),
        ] {
            assert_eq!(kept(SinkType::Webhook, &given), None, "{given}");
        }
    }

    #[test]
    fn nats_has_a_server_and_a_subject_without_wildcards() {
        let of = |server: &str, subject: &str| json!({ "server": server, "subject": subject });
        for good in [
            of("nats://broker:4222", "a.b-c.d_1"),
            of("tls://u:p@broker", "events"),
        ] {
            assert_eq!(kept(SinkType::Nats, &good).as_ref(), Some(&good), "{good}");
        }
        for bad in [
            of("http://broker", "a"),
            of("broker:4222", "a"),
            of("nats://broker", ""),
            of("nats://broker", "a..b"),
            of("nats://broker", "a.*"),
            of("nats://broker", "a.>"),
            of("nats://broker", "a b"),
            of("nats://broker", &"a".repeat(256)),
            json!({ "server": "nats://broker" }),
        ] {
            assert_eq!(kept(SinkType::Nats, &bad), None, "{bad}");
        }
    }

    #[test]
    fn what_the_server_has_no_way_to_is_kept_as_it_is() {
        let kinesis = json!({ "arn": "arn:aws:kinesis:x", "role_arn": "arn:aws:iam:y", "external_id": "7" });
        assert_eq!(kept(SinkType::Kinesis, &kinesis).as_ref(), Some(&kinesis));
        let segment = json!({ "write_key": "k" });
        assert_eq!(kept(SinkType::Segment, &segment).as_ref(), Some(&segment));
        assert_eq!(kept(SinkType::Kinesis, &segment), None);
        assert_eq!(kept(SinkType::Segment, &json!({ "write_key": "" })), None);
        assert_eq!(kept(SinkType::Email, &json!({})), None);
    }
}
