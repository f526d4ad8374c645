//! Accounts: who owns everything else, and the defaults that the short URL form works on.

use confab_store::{Row, params};
use confab_types::{AccountSid, MessagingServiceSid, ServiceSid, Timestamp};

use crate::sync::{opt_sid, sid};
use crate::{Command, Cx, Result, Transaction, messaging_service, service};

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its SID.
    pub sid: AccountSid,
    /// Its name.
    pub friendly_name: String,
    /// `active`, `suspended` or `closed`.
    pub status: String,
    /// Its auth token, sealed with the master key.
    pub auth_token: String,
    /// The service of the short URL form.
    pub default_service: ServiceSid,
    /// The messaging service of conversations that name none.
    pub default_messaging_service: Option<MessagingServiceSid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, friendly_name, status, auth_token, default_service_sid, default_messaging_service_sid, \
         created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<Account> {
    Ok(Account {
        sid: sid(&row.text()?)?,
        friendly_name: row.text()?,
        status: row.text()?,
        auth_token: row.text()?,
        default_service: sid(&row.text()?)?,
        default_messaging_service: opt_sid(row.opt_text()?)?,
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
        let service = service::insert(tx, cx, self.sid, "Default Conversations Service")?;
        let messaging = messaging_service::insert(tx, cx, self.sid, "Default Messaging Service")?;
        let account = Account {
            sid: self.sid,
            friendly_name: "My Confab account".into(),
            status: "active".into(),
            auth_token: self.auth_token.clone(),
            default_service: service.sid,
            default_messaging_service: Some(messaging),
            created_at: cx.now,
            updated_at: cx.now,
        };
        tx.exec(
            concat!(
                "INSERT INTO account (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
            ),
            params![
                account.sid.to_string(),
                &account.friendly_name,
                &account.status,
                &account.auth_token,
                service.sid.to_string(),
                messaging.to_string(),
                cx.now.0,
                cx.now.0
            ],
        )?;
        Ok(account)
    }
}
