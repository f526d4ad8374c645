//! API keys: credentials of an account, and the signers of access tokens.

use confab_store::{Row, params};
use confab_types::{AccountSid, KeyPart, KeySid, Timestamp};

use serde_json::json;

use crate::audit::{self, Kind, Subject};
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::sync::sid;
use crate::{Command, Cx, Effect, Order, Page, Result, Transaction, Window, text};

/// An API key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its SID.
    pub sid: KeySid,
    /// Its account.
    pub account: AccountSid,
    /// Its name.
    pub friendly_name: String,
    /// Its secret, sealed with the master key; shown to nobody.
    pub secret: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, friendly_name, secret, created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<Key> {
    Ok(Key {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        friendly_name: row.text()?,
        secret: row.text()?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// A key by its SID alone: for authentication.
///
/// # Errors
/// The database's.
pub fn find(tx: &mut Transaction<'_>, key: KeySid) -> Result<Option<Key>> {
    let row = tx.first(
        concat!("SELECT ", columns!(), " FROM api_key WHERE sid = $1"),
        params![key.to_string()],
    )?;
    row.map(read).transpose()
}

/// A key of an account.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, account: AccountSid, key: KeySid) -> Result<Key> {
    find(tx, key)?
        .filter(|k| k.account == account)
        .ok_or_else(|| Error::code(20404))
}

/// The keys of an account, oldest first.
///
/// # Errors
/// The database's.
pub fn list(tx: &mut Transaction<'_>, account: AccountSid, window: &Window) -> Result<Page<Key>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM api_key WHERE account_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM api_key WHERE account_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
        ),
        params: params![account.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |k| vec![KeyPart::Text(k.sid.to_string())],
    }
    .page(tx, Order::Ascending, window)
}

/// Makes a key.
#[derive(Clone, Debug)]
pub struct Create {
    /// Its SID, which the secret was sealed for.
    pub sid: KeySid,
    /// The account.
    pub account: AccountSid,
    /// Its name; empty when none was given.
    pub friendly_name: String,
    /// The secret, sealed.
    pub secret: String,
}

impl Command for Create {
    type Output = Key;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Key> {
        text::at_most(&self.friendly_name, 64, 20002)?;
        let key = Key {
            sid: self.sid,
            account: self.account,
            friendly_name: self.friendly_name.clone(),
            secret: self.secret.clone(),
            created_at: cx.now,
            updated_at: cx.now,
        };
        tx.push(
            concat!(
                "INSERT INTO api_key (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6)"
            ),
            params![
                key.sid.to_string(),
                key.account.to_string(),
                &key.friendly_name,
                &key.secret,
                cx.now.0,
                cx.now.0
            ],
        )?;
        let name = json!({ "friendly_name": key.friendly_name });
        audit::created(tx, cx, &Subject::new(Kind::ApiKey, key.account, key.sid), &name)?;
        Ok(key)
    }
}

/// Renames a key.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// The key.
    pub key: KeySid,
    /// Its new name; `None` leaves it.
    pub friendly_name: Option<String>,
}

impl Command for Update {
    type Output = Key;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Key> {
        let mut key = fetch(tx, self.account, self.key)?;
        if let Some(name) = &self.friendly_name {
            text::at_most(name, 64, 20002)?;
            let before = json!({ "friendly_name": key.friendly_name });
            let subject = Subject::new(Kind::ApiKey, key.account, key.sid);
            audit::updated(tx, cx, &subject, &before, &json!({ "friendly_name": name }))?;
            key.friendly_name.clone_from(name);
            key.updated_at = cx.now;
            tx.exec(
                "UPDATE api_key SET friendly_name = $2, updated_at = $3 WHERE sid = $1",
                params![key.sid.to_string(), name, cx.now.0],
            )?;
        }
        Ok(key)
    }
}

/// Ends a key (B-003).
#[derive(Clone, Debug)]
pub struct Delete {
    /// The account.
    pub account: AccountSid,
    /// The key.
    pub key: KeySid,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let deleted = tx.exec(
            "DELETE FROM api_key WHERE sid = $1 AND account_sid = $2",
            params![self.key.to_string(), self.account.to_string()],
        )?;
        if deleted == 0 {
            return Err(Error::code(20404));
        }
        audit::deleted(tx, cx, &Subject::new(Kind::ApiKey, self.account, self.key))?;
        cx.emit(Effect::CredentialsChanged {
            key: Some(self.key),
            account: self.account,
        });
        Ok(())
    }
}
