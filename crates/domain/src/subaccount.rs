//! Subaccounts: accounts that an account makes and may suspend (rest.md §9). There is one level of them.

use confab_store::{Param, params};
use confab_types::{AccountSid, ApiError, KeyPart};

use serde_json::{Value, json};

use crate::account::{Account, Status, columns, find, hold, insert, read};
use crate::audit::{self, Kind, Subject};
use crate::error::Error;
use crate::list::{Bound, Listing, merge};
use crate::{Command, Cx, Effect, Order, Page, Result, Transaction, Window, text};

/// Characters of a name.
const NAME_CHARS: usize = 64;

/// An account that another may see: itself or one of its subaccounts.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, viewer: AccountSid, account: AccountSid) -> Result<Account> {
    find(tx, account)?
        .filter(|found| sees(viewer, found))
        .ok_or_else(|| Error::code(20404))
}

fn sees(viewer: AccountSid, account: &Account) -> bool {
    viewer == account.sid || viewer == account.owner
}

/// Which accounts a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this name.
    pub friendly_name: Option<String>,
    /// In this state.
    pub status: Option<Status>,
}

/// The accounts that an account may see, by SID.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    viewer: AccountSid,
    filter: &Filter,
    window: &Window,
) -> Result<Page<Account>> {
    let params = vec![
        viewer.to_string().into(),
        Param::from(filter.friendly_name.as_deref()),
        Param::from(filter.status.map(Status::name)),
    ];
    let owned = Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM account WHERE owner_sid = $1 AND (CAST($2 AS TEXT) IS NULL OR friendly_name = $2) \
             AND (CAST($3 AS TEXT) IS NULL OR status = $3) AND sid > $4 ORDER BY sid LIMIT $5"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM account WHERE owner_sid = $1 AND (CAST($2 AS TEXT) IS NULL OR friendly_name = $2) \
             AND (CAST($3 AS TEXT) IS NULL OR status = $3) AND sid < $4 ORDER BY sid DESC LIMIT $5"
        ),
        params: params.clone(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key,
    };
    // A subaccount owns none, not even itself.
    let itself = Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM account WHERE sid = $1 AND owner_sid <> $1 \
             AND (CAST($2 AS TEXT) IS NULL OR friendly_name = $2) AND (CAST($3 AS TEXT) IS NULL OR status = $3) \
             AND sid > $4 ORDER BY sid LIMIT $5"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM account WHERE sid = $1 AND owner_sid <> $1 \
             AND (CAST($2 AS TEXT) IS NULL OR friendly_name = $2) AND (CAST($3 AS TEXT) IS NULL OR status = $3) \
             AND sid < $4 ORDER BY sid DESC LIMIT $5"
        ),
        params,
        bounds: &[Bound::Text],
        edge: None,
        read,
        key,
    };
    let pages = vec![
        owned.page(tx, Order::Ascending, window)?,
        itself.page(tx, Order::Ascending, window)?,
    ];
    Ok(merge(pages, key, Order::Ascending, window))
}

fn key(account: &Account) -> Vec<KeyPart> {
    vec![KeyPart::Text(account.sid.to_string())]
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::code(20002));
    }
    text::at_most(name, NAME_CHARS, 20002)
}

/// What the log of changes tells of an account.
fn properties(account: &Account) -> Value {
    json!({ "friendly_name": account.friendly_name, "status": account.status.name() })
}

/// Makes a subaccount with a conversation service and a messaging service of its own.
#[derive(Clone, Debug)]
pub struct Create {
    /// The account that makes it.
    pub owner: AccountSid,
    /// Its SID, which the token was sealed for.
    pub sid: AccountSid,
    /// Its auth token, sealed.
    pub auth_token: String,
    /// At most 64 characters; names the moment when there is none.
    pub friendly_name: Option<String>,
}

impl Command for Create {
    type Output = Account;

    /// # Errors
    /// 403/20006 for a subaccount, which has none below it; 400/20002.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Account> {
        let owner = find(tx, self.owner)?.ok_or_else(|| Error::code(20404))?;
        if owner.owner != owner.sid {
            return Err(Error::code(20006));
        }
        let name = match self.friendly_name.as_deref() {
            None | Some("") => {
                let now = cx.now.iso_seconds();
                let minute = now.get(..16).unwrap_or(&now).replace('T', " ");
                format!("SubAccount Created at {minute}")
            }
            Some(name) => name.to_owned(),
        };
        check_name(&name)?;
        let made = insert(tx, cx, self.sid, self.owner, &name, &self.auth_token)?;
        // The log is that of who made it.
        let subject = Subject::new(Kind::Account, self.owner, made.sid);
        audit::created(tx, cx, &subject, &properties(&made))?;
        Ok(made)
    }
}

/// Renames an account, or changes whether it may be used; what is `None` stays.
#[derive(Clone, Debug)]
pub struct Update {
    /// Who asks.
    pub viewer: AccountSid,
    /// The account.
    pub account: AccountSid,
    /// New name of at most 64 characters.
    pub friendly_name: Option<String>,
    /// New state, of subaccounts only. What is closed stays closed.
    pub status: Option<Status>,
}

impl Command for Update {
    type Output = Account;

    /// # Errors
    /// 404/20404; 400/20002; 400/20001 for a state that cannot be; 403/20006 for a subaccount that changes its own.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Account> {
        let mut account = hold(tx, self.account)?;
        if !sees(self.viewer, &account) {
            return Err(Error::code(20404));
        }
        if self.friendly_name.is_none() && self.status.is_none() {
            return Ok(account);
        }
        let before = properties(&account);
        if let Some(name) = &self.friendly_name {
            check_name(name)?;
            account.friendly_name.clone_from(name);
        }
        if let Some(status) = self.status.filter(|status| *status != account.status) {
            let refuse = |text| Err(ApiError::new(20001).message(text).into());
            if account.owner == account.sid {
                // Nobody could open it again.
                return refuse("The status of the first account cannot be changed");
            }
            if self.viewer == account.sid {
                return Err(Error::code(20006));
            }
            if account.status == Status::Closed {
                return refuse("A closed account stays closed");
            }
            account.status = status;
            cx.emit(Effect::CredentialsChanged {
                key: None,
                account: account.sid,
            });
        }
        account.updated_at = cx.now;
        tx.exec(
            "UPDATE account SET friendly_name = $2, status = $3, updated_at = $4 WHERE sid = $1",
            params![
                account.sid.to_string(),
                &account.friendly_name,
                account.status.name(),
                cx.now.0
            ],
        )?;
        let subject = Subject::new(Kind::Account, self.viewer, account.sid);
        audit::updated(tx, cx, &subject, &before, &properties(&account))?;
        Ok(account)
    }
}
