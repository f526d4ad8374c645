//! Credentials of push services (rest.md §2.19), shared by Conversations, Chat and Notify. Their secrets get here
//! sealed; what they are made of is known to the engine.

use std::fmt;

use confab_store::{Row, params};
use confab_types::{AccountSid, ApiError, CredentialSid, KeyPart, Timestamp};
use serde_json::{Value, json};

use crate::audit::{self, Kind, Subject};
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::sync::sid;
use crate::{Command, Cx, Order, Page, Result, Transaction, Window, binding, text};

/// Characters of a name (B-077).
const NAME_CHARS: usize = 64;

/// A push service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialType {
    /// Apple Push Notification service.
    Apn,
    /// Google Cloud Messaging, the older one of Google's.
    Gcm,
    /// Firebase Cloud Messaging.
    Fcm,
}

impl CredentialType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Apn, Self::Gcm, Self::Fcm];

    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Apn => "apn",
            Self::Gcm => "gcm",
            Self::Fcm => "fcm",
        }
    }

    /// Reads the word of the API.
    ///
    /// # Errors
    /// 400/20001 with the name of the parameter (B-071).
    pub fn parse(text: &str, parameter: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| ApiError::invalid(parameter).into())
    }
}

/// A secret that was sealed with the server's master key.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub String);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sealed)")
    }
}

/// A credential.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Its SID.
    pub sid: CredentialSid,
    /// Its account.
    pub account: AccountSid,
    /// Its name.
    pub friendly_name: Option<String>,
    /// Its push service.
    pub kind: CredentialType,
    /// Whether it is for the push service's sandbox; Apple's only.
    pub sandbox: Option<bool>,
    /// What it proves itself with.
    pub secret: Sealed,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, friendly_name, type, sandbox, secret, created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<Credential> {
    Ok(Credential {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        friendly_name: row.opt_text()?,
        kind: CredentialType::parse(&row.text()?, "Type")?,
        sandbox: row.opt_int()?.map(|n| n != 0),
        secret: Sealed(row.text()?),
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// A credential of an account.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, account: AccountSid, credential: CredentialSid) -> Result<Credential> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM credential WHERE sid = $1 AND account_sid = $2"
        ),
        params![credential.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// Keeps a credential of an account with its push service until the commit.
///
/// # Errors
/// 400/52002 when there is none, 400/52003 for one of another push service.
pub(crate) fn hold(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    credential: CredentialSid,
    kind: CredentialType,
) -> Result<()> {
    let row = tx.first(
        "SELECT type FROM credential WHERE sid = $1 AND account_sid = $2 {for_share}",
        params![credential.to_string(), account.to_string()],
    )?;
    let found = row.ok_or_else(|| Error::code(52002))?.text()?;
    if found == kind.name() {
        Ok(())
    } else {
        Err(Error::code(52003))
    }
}

/// The credentials of an account, oldest first.
///
/// # Errors
/// The database's.
pub fn list(tx: &mut Transaction<'_>, account: AccountSid, window: &Window) -> Result<Page<Credential>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM credential WHERE account_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM credential WHERE account_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
        ),
        params: params![account.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |c| vec![KeyPart::Text(c.sid.to_string())],
    }
    .page(tx, Order::Ascending, window)
}

fn check_name(name: &str) -> Result<Option<String>> {
    text::at_most(name, NAME_CHARS, 20002)?;
    Ok(text::cleared(name))
}

/// Only Apple has a sandbox.
fn sandbox(kind: CredentialType, wanted: Option<bool>) -> Option<bool> {
    (kind == CredentialType::Apn).then(|| wanted.unwrap_or(false))
}

/// Makes a credential.
#[derive(Clone, Debug)]
pub struct Create {
    /// Its SID, which the secret was sealed for.
    pub sid: CredentialSid,
    /// The account.
    pub account: AccountSid,
    /// At most 64 characters; empty for none (B-077).
    pub friendly_name: String,
    /// Its push service.
    pub kind: CredentialType,
    /// Whether it is for the sandbox.
    pub sandbox: Option<bool>,
    /// What it proves itself with.
    pub secret: Sealed,
}

fn subject(credential: &Credential) -> Subject {
    Subject::new(Kind::Credential, credential.account, credential.sid)
}

/// What the log of changes tells of a credential: never its secret.
fn properties(credential: &Credential) -> Value {
    json!({
        "friendly_name": credential.friendly_name,
        "type": credential.kind.name(),
        "sandbox": credential.sandbox,
    })
}

impl Command for Create {
    type Output = Credential;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Credential> {
        let new = Credential {
            sid: self.sid,
            account: self.account,
            friendly_name: check_name(&self.friendly_name)?,
            kind: self.kind,
            sandbox: sandbox(self.kind, self.sandbox),
            secret: self.secret.clone(),
            created_at: cx.now,
            updated_at: cx.now,
        };
        tx.push(
            concat!(
                "INSERT INTO credential (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
            ),
            params![
                new.sid.to_string(),
                new.account.to_string(),
                &new.friendly_name,
                new.kind.name(),
                new.sandbox,
                &new.secret.0,
                cx.now.0,
                cx.now.0
            ],
        )?;
        audit::created(tx, cx, &subject(&new), &properties(&new))?;
        Ok(new)
    }
}

/// Another secret for a credential, made with the one before in view: half of it may be kept.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The secret as the caller saw it; nobody may have changed it since.
    pub seen: Sealed,
    /// The push service that the new one is for; another than before only while no device is registered.
    pub kind: CredentialType,
    /// The new one.
    pub secret: Sealed,
}

/// Changes a credential; what is `None` stays.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// The credential.
    pub credential: CredentialSid,
    /// New name; empty clears it.
    pub friendly_name: Option<String>,
    /// Whether it is for the sandbox.
    pub sandbox: Option<bool>,
    /// New secret.
    pub secret: Option<Renewal>,
}

impl Command for Update {
    type Output = Credential;

    /// # Errors
    /// 404/20404; 409/20409 when another secret came since; 400/52003 for another push service of one that is in use;
    /// 400/20002.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Credential> {
        // The lock makes registrations wait (see `hold`), so that none comes between the look and the change.
        let row = tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM credential WHERE sid = $1 AND account_sid = $2 {for_update}"
            ),
            params![self.credential.to_string(), self.account.to_string()],
        )?;
        let mut changed = row.map(read).transpose()?.ok_or_else(|| Error::code(20404))?;
        if self.friendly_name.is_none() && self.sandbox.is_none() && self.secret.is_none() {
            return Ok(changed);
        }
        let mut before = properties(&changed);
        if self.secret.is_some() {
            // That it changed, not what it is.
            before["secret"] = "***".into();
        }
        if let Some(renewal) = &self.secret {
            if changed.secret != renewal.seen {
                return Err(Error::code(20409));
            }
            if changed.kind != renewal.kind && binding::any_of_credential(tx, changed.sid)? {
                return Err(Error::code(52003));
            }
            changed.kind = renewal.kind;
            changed.secret.clone_from(&renewal.secret);
        }
        if let Some(name) = &self.friendly_name {
            changed.friendly_name = check_name(name)?;
        }
        changed.sandbox = sandbox(changed.kind, self.sandbox.or(changed.sandbox));
        changed.updated_at = cx.now;
        tx.exec(
            "UPDATE credential SET friendly_name = $2, type = $3, sandbox = $4, secret = $5, updated_at = $6 \
             WHERE sid = $1",
            params![
                changed.sid.to_string(),
                &changed.friendly_name,
                changed.kind.name(),
                changed.sandbox,
                &changed.secret.0,
                cx.now.0
            ],
        )?;
        let mut after = properties(&changed);
        if self.secret.is_some() {
            after["secret"] = "*** (changed)".into();
        }
        audit::updated(tx, cx, &subject(&changed), &before, &after)?;
        Ok(changed)
    }
}

/// Ends a credential. Bindings that name it stay and are not pushed to.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The account.
    pub account: AccountSid,
    /// The credential.
    pub credential: CredentialSid,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let deleted = tx.exec(
            "DELETE FROM credential WHERE sid = $1 AND account_sid = $2",
            params![self.credential.to_string(), self.account.to_string()],
        )?;
        if deleted == 0 {
            return Err(Error::code(20404));
        }
        let subject = Subject::new(Kind::Credential, self.account, self.credential);
        audit::deleted(tx, cx, &subject)
    }
}
