//! Sinks: where events go.

mod target;

use confab_store::{Row, params};
use confab_types::{AccountSid, ApiError, KeyPart, SinkSid, StreamEventSid, Timestamp};
use serde_json::{Value, json};

use super::MOST;
use crate::alert::{self, Level, NewAlert};
use crate::audit::{self, Kind, Subject};
use crate::credential::Sealed;
use crate::error::Error;
use crate::hook;
use crate::list::{Bound, Listing};
use crate::sync::sid;
use crate::{Command, Cx, Effect, Order, Page, Result, Transaction, Window, account};

pub use target::{Login, Nats, SinkType, Target};

/// Characters of a description.
const DESCRIPTION_CHARS: usize = 256;

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
    /// A JSON object, without what is secret.
    pub configuration: String,
    /// A [`Login`] in JSON.
    pub login: Option<Sealed>,
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
        target::of(self.kind, &self.configuration)
    }
}

macro_rules! columns {
    () => {
        "sid, account_sid, description, type, configuration, login, status, test_id, created_at, updated_at"
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
        login: row.opt_text()?.map(Sealed),
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

/// What of the configuration of a new sink is to be sealed; none also where [`Create`] will refuse it.
#[must_use]
pub fn login(kind: &str, configuration: &str) -> Option<Login> {
    target::kept(SinkType::parse(kind)?, configuration).ok()?.1
}

/// Makes a sink. One that is called is active at once.
#[derive(Clone, Debug)]
pub struct Create {
    /// Its SID, for which the login was sealed.
    pub sid: SinkSid,
    /// The account.
    pub account: AccountSid,
    /// At most 256 characters.
    pub description: String,
    /// A word of [`SinkType`].
    pub kind: String,
    /// A JSON object: `destination`, `method` and `batch_events` of a webhook; `server` or `servers`, `subject` and
    /// `jetstream` of NATS; `arn`, `role_arn` and `external_id`, or a `write_key`, where the server has no way to.
    pub configuration: String,
    /// What [`login`] gives of it, as JSON.
    pub login: Option<Sealed>,
}

fn subject(sink: &Sink) -> Subject {
    Subject::new(Kind::Sink, sink.account, sink.sid)
}

/// What the log of changes tells of a sink: not its configuration, which may have keys in it.
fn properties(sink: &Sink) -> Value {
    json!({ "description": sink.description, "sink_type": sink.kind.name() })
}

impl Command for Create {
    type Output = Sink;

    /// # Errors
    /// 400/20001 for a wrong value, and for more sinks than an account may have.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Sink> {
        check_description(&self.description)?;
        let kind = SinkType::parse(&self.kind).ok_or_else(|| ApiError::invalid("SinkType"))?;
        let new = Sink {
            sid: self.sid,
            account: self.account,
            description: self.description.clone(),
            kind,
            configuration: target::kept(kind, &self.configuration)?.0,
            login: self.login.clone(),
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
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8, $8)"
            ),
            params![
                new.sid.to_string(),
                new.account.to_string(),
                &new.description,
                kind.name(),
                &new.configuration,
                new.login.as_ref().map(|login| &login.0),
                new.status.name(),
                cx.now.0
            ],
        )?;
        audit::created(tx, cx, &subject(&new), &properties(&new))?;
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
        let before = properties(&changed);
        check_description(&self.description)?;
        changed.description.clone_from(&self.description);
        changed.updated_at = cx.now;
        save(tx, &changed)?;
        audit::updated(tx, cx, &subject(&changed), &before, &properties(&changed))?;
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
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
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
        audit::deleted(tx, cx, &subject(&found))
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
        hook::test(tx, cx, &tested, test_id)?;
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
