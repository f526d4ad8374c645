//! Accounts: who owns everything else, and the defaults that the short URL form works on (rest.md §2.11).

use confab_store::{Row, params};
use confab_types::{AccountSid, ApiError, Duration, MessagingServiceSid, ServiceSid, Sid as _, Timestamp};
use serde_json::{Value, json};

use crate::audit::{self, Kind, Subject};
use crate::conversation::{Timer, check_timer};
use crate::error::Error;
use crate::sync::{opt_sid, sid};
use crate::{Command, Cx, Effect, Result, Transaction, messaging_service, service};

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Active,
    /// Not for now.
    Suspended,
    /// Never again.
    Closed,
}

impl Status {
    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    /// Reads the word of the API.
    ///
    /// # Errors
    /// 400/20001 for any other.
    pub fn parse(text: &str) -> Result<Self> {
        [Self::Active, Self::Suspended, Self::Closed]
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| ApiError::invalid("Status").into())
    }
}

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its SID.
    pub sid: AccountSid,
    /// The account that made it; itself for the first one.
    pub owner: AccountSid,
    /// Its name.
    pub friendly_name: String,
    /// Whether it may be used.
    pub status: Status,
    /// Its auth token, sealed with the master key.
    pub auth_token: String,
    /// The service of the short URL form.
    pub default_service: ServiceSid,
    /// The messaging service of conversations that name none.
    pub default_messaging_service: Option<MessagingServiceSid>,
    /// The timer to inactivity of conversations that name none, an ISO 8601 duration as it was sent.
    pub default_inactive_timer: Option<String>,
    /// The timer to closing, likewise.
    pub default_closed_timer: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, owner_sid, friendly_name, status, auth_token, default_service_sid, default_messaging_service_sid, \
         default_inactive_timer, default_closed_timer, created_at, updated_at"
    };
}
pub(crate) use columns;

pub(crate) fn read(mut row: Row) -> Result<Account> {
    Ok(Account {
        sid: sid(&row.text()?)?,
        owner: sid(&row.text()?)?,
        friendly_name: row.text()?,
        status: Status::parse(&row.text()?)?,
        auth_token: row.text()?,
        default_service: sid(&row.text()?)?,
        default_messaging_service: opt_sid(row.opt_text()?)?,
        default_inactive_timer: row.opt_text()?,
        default_closed_timer: row.opt_text()?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// One account.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut Transaction<'_>, account: AccountSid) -> Result<Option<Account>> {
    let row = tx.first(
        concat!("SELECT ", columns!(), " FROM account WHERE sid = $1"),
        params![account.to_string()],
    )?;
    row.map(read).transpose()
}

/// As [`find`] with the row locked until the commit: the default service does not change any more, nor is it deleted.
///
/// # Errors
/// 404/20404, or the database's.
pub(crate) fn hold(tx: &mut Transaction<'_>, account: AccountSid) -> Result<Account> {
    let row = tx.first(
        concat!("SELECT ", columns!(), " FROM account WHERE sid = $1 {for_update}"),
        params![account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// What a new conversation gets where its caller says nothing (B-060, B-061).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Defaults {
    pub(crate) messaging_service: Option<MessagingServiceSid>,
    pub(crate) inactive_timer: Option<Duration>,
    pub(crate) closed_timer: Option<Duration>,
}

pub(crate) fn defaults(tx: &mut Transaction<'_>, account: AccountSid) -> Result<Defaults> {
    let Some(found) = find(tx, account)? else {
        return Ok(Defaults::default());
    };
    let length = |text: Option<String>| text.as_deref().and_then(Duration::parse);
    Ok(Defaults {
        messaging_service: found.default_messaging_service,
        inactive_timer: length(found.default_inactive_timer),
        closed_timer: length(found.default_closed_timer),
    })
}

/// The first account of the server, made at its first start.
///
/// # Errors
/// The database's.
pub fn first(tx: &mut Transaction<'_>) -> Result<Option<Account>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM account ORDER BY created_at, sid LIMIT 1"
        ),
        params![],
    )?;
    row.map(read).transpose()
}

/// Makes an account with its default conversation service and messaging service, unless it is there already; a given
/// token replaces the one that is stored.
#[derive(Clone, Debug)]
pub struct Ensure {
    /// Its SID.
    pub sid: AccountSid,
    /// The auth token, sealed.
    pub auth_token: String,
    /// Whether the token replaces one that is stored already.
    pub replace_token: bool,
}

impl Command for Ensure {
    type Output = Account;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Account> {
        if let Some(mut account) = find(tx, self.sid)? {
            if self.replace_token {
                tx.exec(
                    "UPDATE account SET auth_token = $2, updated_at = $3 WHERE sid = $1",
                    params![self.sid.to_string(), &self.auth_token, cx.now.0],
                )?;
                account.auth_token.clone_from(&self.auth_token);
            }
            return Ok(account);
        }
        insert(tx, cx, self.sid, self.sid, "My Confab account", &self.auth_token)
    }
}

/// Makes an account with a conversation service and a messaging service.
pub(crate) fn insert(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    sid: AccountSid,
    owner: AccountSid,
    friendly_name: &str,
    auth_token: &str,
) -> Result<Account> {
    let service = service::insert(tx, cx, sid, "Default Conversations Service")?;
    let messaging = messaging_service::insert(tx, cx, sid, "Default Messaging Service")?;
    let account = Account {
        sid,
        owner,
        friendly_name: friendly_name.to_owned(),
        status: Status::Active,
        auth_token: auth_token.to_owned(),
        default_service: service.sid,
        default_messaging_service: Some(messaging.sid),
        default_inactive_timer: None,
        default_closed_timer: None,
        created_at: cx.now,
        updated_at: cx.now,
    };
    tx.exec(
        concat!(
            "INSERT INTO account (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        ),
        params![
            account.sid.to_string(),
            account.owner.to_string(),
            &account.friendly_name,
            account.status.name(),
            &account.auth_token,
            service.sid.to_string(),
            messaging.sid.to_string(),
            &account.default_inactive_timer,
            &account.default_closed_timer,
            cx.now.0,
            cx.now.0
        ],
    )?;
    Ok(account)
}

/// What the log of changes tells of the account's defaults.
fn properties(account: &Account) -> Value {
    json!({
        "default_chat_service_sid": account.default_service.to_string(),
        "default_messaging_service_sid": account.default_messaging_service.map(|sid| sid.to_string()),
        "default_inactive_timer": account.default_inactive_timer,
        "default_closed_timer": account.default_closed_timer,
    })
}

/// Changes the account's defaults (B-030, B-059…B-061); what is `None` stays. Conversations that exist keep what they
/// have.
#[derive(Clone, Debug)]
pub struct Configure {
    /// The account.
    pub sid: AccountSid,
    /// SID of a service of the account: the short URL form is about that one from now on.
    pub default_service: Option<String>,
    /// SID of a messaging service of the account; empty for none.
    pub default_messaging_service: Option<String>,
    /// ISO 8601 duration of at least a minute; `PT0S` for none.
    pub default_inactive_timer: Option<String>,
    /// ISO 8601 duration of at least ten minutes; `PT0S` for none.
    pub default_closed_timer: Option<String>,
}

impl Configure {
    fn is_empty(&self) -> bool {
        self.default_service.is_none()
            && self.default_messaging_service.is_none()
            && self.default_inactive_timer.is_none()
            && self.default_closed_timer.is_none()
    }

    /// A timer as it will be shown; `None` for the one that is taken away.
    fn timer(timer: Timer, text: &str) -> Result<Option<String>> {
        Ok(check_timer(timer, text)?.map(|_| text.to_owned()))
    }
}

impl Command for Configure {
    type Output = Account;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Account> {
        let mut account = hold(tx, self.sid)?;
        if self.is_empty() {
            return Ok(account);
        }
        let before = properties(&account);
        if let Some(text) = &self.default_service {
            let named = ServiceSid::parse(text).ok_or_else(|| ApiError::invalid("DefaultChatServiceSid"))?;
            // Looked up under the lock of the account, which a deletion of the service takes as well.
            if service::find(tx, named)?.is_none_or(|s| s.account != self.sid) {
                return Err(Error::code(50050));
            }
            account.default_service = named;
        }
        if let Some(text) = &self.default_messaging_service {
            account.default_messaging_service = messaging_service::named(tx, self.sid, text)?;
        }
        if let Some(text) = &self.default_inactive_timer {
            account.default_inactive_timer = Self::timer(Timer::Inactive, text)?;
        }
        if let Some(text) = &self.default_closed_timer {
            account.default_closed_timer = Self::timer(Timer::Closed, text)?;
        }
        account.updated_at = cx.now;
        tx.exec(
            "UPDATE account SET default_service_sid = $2, default_messaging_service_sid = $3, \
             default_inactive_timer = $4, default_closed_timer = $5, updated_at = $6 WHERE sid = $1",
            params![
                self.sid.to_string(),
                account.default_service.to_string(),
                account.default_messaging_service.map(|s| s.to_string()),
                &account.default_inactive_timer,
                &account.default_closed_timer,
                cx.now.0
            ],
        )?;
        let subject = Subject::new(Kind::Configuration, self.sid, self.sid);
        audit::updated(tx, cx, &subject, &before, &properties(&account))?;
        if self.default_service.is_some() {
            // Whoever calls next is about the new service (B-030).
            cx.emit(Effect::CredentialsChanged {
                key: None,
                account: self.sid,
            });
        }
        Ok(account)
    }
}
