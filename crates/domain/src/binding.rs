//! Devices that are registered for push (rest.md §2.18). SDK clients register them; REST lists and removes them.

use confab_store::{Param, Row, params};
use confab_types::{AccountSid, ApiError, BindingSid, CredentialSid, KeyPart, ServiceSid, Timestamp};
use serde::{Deserialize, Serialize};

use crate::credential::{self, CredentialType};
use crate::error::Error;
use crate::list::{self, Bound, Listing};
use crate::sync::{opt_sid, sid};
use crate::user::{self, User};
use crate::{Command, Cx, Effect, Order, Page, Result, Transaction, Window, job, reachability, text};

/// Identities that one list may ask for: each is a look-up of its own.
pub const IDENTITIES: usize = 100;
/// Time in which an app must register its device again, seconds: a year (B-627).
pub const RENEWED_SECONDS: i64 = 365 * 86_400;
/// Bindings that one run of [`DropUnrenewed`] drops.
const STEP: i64 = 100;
/// Name of the binding type that lists may ask for, though no binding has it (rest.md §15 row 8).
const TWILSOCK: &str = "twilsock";

/// A kind of push that a device asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageType {
    /// On being removed.
    RemovedFromConversation,
    /// On a new message.
    NewMessage,
    /// On being added.
    AddedToConversation,
}

impl MessageType {
    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RemovedFromConversation => "removed_from_conversation",
            Self::NewMessage => "new_message",
            Self::AddedToConversation => "added_to_conversation",
        }
    }
}

/// A device that is registered for push.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Its SID.
    pub sid: BindingSid,
    /// Its account.
    pub account: AccountSid,
    /// Its service.
    pub service: ServiceSid,
    /// Whose device it is.
    pub identity: String,
    /// The device, as its app names it.
    pub endpoint: String,
    /// Its push service.
    pub kind: CredentialType,
    /// Its token at the push service.
    pub address: String,
    /// Who pushes; without one nothing is sent (B-626).
    pub credential: Option<CredentialSid>,
    /// What it asked for (B-606).
    pub message_types: Vec<MessageType>,
    /// When it was first registered.
    pub created_at: Timestamp,
    /// When it was last registered; a year later it is dropped (B-627).
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, service_sid, identity, endpoint, type, address, credential_sid, message_types, \
         created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<Binding> {
    Ok(Binding {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        service: sid(&row.text()?)?,
        identity: row.text()?,
        endpoint: row.text()?,
        kind: CredentialType::parse(&row.text()?, "BindingType")?,
        address: row.text()?,
        credential: opt_sid(row.opt_text()?)?,
        message_types: text::of_json(&row.text()?)?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

fn key(binding: &Binding) -> Vec<KeyPart> {
    vec![KeyPart::Text(binding.sid.to_string())]
}

/// A binding of a service.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, service: ServiceSid, binding: BindingSid) -> Result<Binding> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM binding WHERE sid = $1 AND service_sid = $2"
        ),
        params![binding.to_string(), service.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// Which bindings a list shows; an empty list means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Any of these: `apn`, `gcm`, `fcm`, or `twilsock`, which none has.
    pub types: Vec<String>,
    /// Any of these, at most [`IDENTITIES`].
    pub identities: Vec<String>,
}

/// The bindings of a service, oldest first.
///
/// # Errors
/// 400/20001 for an unknown type or too many identities, or the database's.
pub fn list(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    filter: &Filter,
    window: &Window,
) -> Result<Page<Binding>> {
    let service = service.to_string();
    let mut types = Vec::new();
    for text in filter.types.iter().filter(|text| *text != TWILSOCK) {
        let kind = CredentialType::parse(text, "BindingType")?;
        if !types.contains(&kind) {
            types.push(kind);
        }
    }
    let mut identities = filter.identities.clone();
    identities.sort_unstable();
    identities.dedup();
    if identities.len() > IDENTITIES {
        return Err(ApiError::invalid("Identity").into());
    }
    let listings: Vec<Listing<'_, Binding>> = if !identities.is_empty() {
        let wanted = |kind| filter.types.is_empty() || types.contains(&kind);
        // A NULL is equal to no type.
        let types = CredentialType::ALL.map(|kind| Param::from(wanted(kind).then(|| kind.name())));
        identities
            .into_iter()
            .map(|identity| {
                let mut params = params![&service, identity].to_vec();
                params.extend(types.clone());
                of_identity(params)
            })
            .collect()
    } else if filter.types.is_empty() {
        vec![of_service(params![&service].to_vec())]
    } else {
        types
            .iter()
            .map(|kind| of_type(params![&service, kind.name()].to_vec()))
            .collect()
    };
    let mut pages = Vec::with_capacity(listings.len());
    for listing in listings {
        pages.push(listing.page(tx, Order::Ascending, window)?);
    }
    Ok(list::merge(pages, key, Order::Ascending, window))
}

fn of_service(params: Vec<Param<'_>>) -> Listing<'_, Binding> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM binding WHERE service_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM binding WHERE service_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
        ),
        params,
        bounds: &[Bound::Text],
        edge: None,
        read,
        key,
    }
}

fn of_type(params: Vec<Param<'_>>) -> Listing<'_, Binding> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM binding WHERE service_sid = $1 AND type = $2 AND sid > $3 ORDER BY sid LIMIT $4"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM binding WHERE service_sid = $1 AND type = $2 AND sid < $3 ORDER BY sid DESC LIMIT $4"
        ),
        params,
        bounds: &[Bound::Text],
        edge: None,
        read,
        key,
    }
}

fn of_identity(params: Vec<Param<'_>>) -> Listing<'_, Binding> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM binding WHERE service_sid = $1 AND identity = $2 AND type IN ($3, $4, $5) AND sid > $6 \
             ORDER BY sid LIMIT $7"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM binding WHERE service_sid = $1 AND identity = $2 AND type IN ($3, $4, $5) AND sid < $6 \
             ORDER BY sid DESC LIMIT $7"
        ),
        params,
        bounds: &[Bound::Text],
        edge: None,
        read,
        key,
    }
}

/// Registers a device of a user. There is one binding a service, identity, endpoint and push service; the same
/// registration again takes its place and keeps its SID (B-625).
#[derive(Clone, Debug)]
pub struct Register {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// Whose device it is; the user exists.
    pub identity: String,
    /// The device, as its app names it; without a name it is known by its token, and shown by the binding's SID.
    pub endpoint: Option<String>,
    /// Its push service.
    pub kind: CredentialType,
    /// Its token at the push service.
    pub address: String,
    /// Who pushes: a credential of the account for this push service.
    pub credential: Option<CredentialSid>,
    /// What it asks for.
    pub message_types: Vec<MessageType>,
}

impl Command for Register {
    type Output = Binding;

    /// # Errors
    /// 404/20404 without the user, 400/52002 for an unknown credential, 400/52003 for one of another push service.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Binding> {
        // The lock keeps the user from being removed, and orders his registrations: no two make the same binding.
        let user =
            user::hold_identity(tx, self.service, &self.identity)?.ok_or_else(|| Error::code(20404))?;
        if let Some(credential) = self.credential {
            credential::hold(tx, self.account, credential, self.kind)?;
        }
        let mut own = of_user(tx, self.service, &self.identity)?.into_iter();
        let before = own.find(|known| {
            let same = match &self.endpoint {
                Some(endpoint) => known.endpoint == *endpoint,
                None => known.address == self.address,
            };
            same && known.kind == self.kind
        });
        let is_new = before.is_none();
        let sid = before.as_ref().map_or_else(|| cx.sid(), |known| known.sid);
        let mut binding = before.unwrap_or_else(|| Binding {
            sid,
            account: self.account,
            service: self.service,
            identity: self.identity.clone(),
            endpoint: self.endpoint.clone().unwrap_or_else(|| sid.to_string()),
            kind: self.kind,
            address: String::new(),
            credential: None,
            message_types: Vec::new(),
            created_at: cx.now,
            updated_at: cx.now,
        });
        binding.address.clone_from(&self.address);
        binding.credential = self.credential;
        binding.message_types.clone_from(&self.message_types);
        binding.updated_at = cx.now;
        let credential = binding.credential.map(|c| c.to_string());
        let message_types = text::to_json(&binding.message_types);
        if is_new {
            tx.exec(
                concat!(
                    "INSERT INTO binding (",
                    columns!(),
                    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
                ),
                params![
                    binding.sid.to_string(),
                    binding.account.to_string(),
                    binding.service.to_string(),
                    &binding.identity,
                    &binding.endpoint,
                    binding.kind.name(),
                    &binding.address,
                    credential,
                    message_types,
                    cx.now.0,
                    cx.now.0
                ],
            )?;
            watch(tx, cx)?;
        } else {
            tx.exec(
                "UPDATE binding SET address = $2, credential_sid = $3, message_types = $4, updated_at = $5 \
                 WHERE sid = $1",
                params![
                    binding.sid.to_string(),
                    &binding.address,
                    credential,
                    message_types,
                    cx.now.0
                ],
            )?;
        }
        reachability::set_notifiable(tx, cx, self.service, user.sid, true)?;
        Ok(binding)
    }
}

/// Ends a binding.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The service.
    pub service: ServiceSid,
    /// The binding.
    pub binding: BindingSid,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let found = fetch(tx, self.service, self.binding)?;
        // The user's row first, as in a registration: two devices that end at once see each other.
        let user = user::hold_identity(tx, self.service, &found.identity)?;
        if !delete(tx, self.service, self.binding)? {
            return Err(Error::code(20404));
        }
        after_one(tx, cx, self.service, &found.identity, user)
    }
}

/// What the end of a binding changes of its user, whose row is locked (B-548).
fn after_one(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    service: ServiceSid,
    identity: &str,
    user: Option<User>,
) -> Result<()> {
    let other = tx.first(
        "SELECT sid FROM binding WHERE service_sid = $1 AND identity = $2 LIMIT 1",
        params![service.to_string(), identity],
    )?;
    if let (Some(user), None) = (user, other) {
        reachability::set_notifiable(tx, cx, service, user.sid, false)?;
    }
    Ok(())
}

/// Which of his registrations a client ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The one of this SID.
    Sid(BindingSid),
    /// All with this token at this push service.
    Address(CredentialType, String),
}

/// A client ends registrations of his own. One that is not there, or is another user's, is no error: the SDK ends what it
/// registered long ago (realtime.md §5.4).
#[derive(Clone, Debug)]
pub struct Deregister {
    /// The service.
    pub service: ServiceSid,
    /// The client.
    pub identity: String,
    /// What he ends.
    pub which: Registration,
}

impl Command for Deregister {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let Some(user) = user::hold_identity(tx, self.service, &self.identity)? else {
            return Ok(());
        };
        let mut any = false;
        for own in of_user(tx, self.service, &self.identity)? {
            let meant = match &self.which {
                Registration::Sid(sid) => own.sid == *sid,
                Registration::Address(kind, address) => own.kind == *kind && own.address == *address,
            };
            any |= meant && delete(tx, self.service, own.sid)?;
        }
        if any {
            after_one(tx, cx, self.service, &self.identity, Some(user))?;
        }
        Ok(())
    }
}

/// Makes sure that the job is there which drops bindings. It began with the first one and does not end: the next it
/// has to do is always known, and nothing that is registered or renewed later brings that nearer. Two that come first
/// at the same time leave two jobs, which do no harm.
fn watch(tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
    let kind = job::Kind::DropBindings;
    if !job::is_waiting(tx, &kind.ordering_key())? {
        job::add(tx, cx, &kind, cx.now.plus_seconds(RENEWED_SECONDS))?;
        cx.emit(Effect::JobsWaiting);
    }
    Ok(())
}

/// Drops bindings that were not renewed for a year (B-627), some at a time, and tells when to look again. They are
/// found by the date of their renewal, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct DropUnrenewed;

impl Command for DropUnrenewed {
    type Output = Timestamp;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Timestamp> {
        let last = cx.now.plus_seconds(-RENEWED_SECONDS).0;
        let rows = tx.query(
            "SELECT service_sid, identity, sid FROM binding WHERE updated_at <= $1 ORDER BY updated_at LIMIT $2",
            params![last, STEP],
        )?;
        let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) == STEP;
        let mut due = rows
            .into_iter()
            .map(|mut row| Ok((row.text()?, row.text()?, row.text()?)))
            .collect::<Result<Vec<_>>>()?;
        // Users in the order of their identities (docs/ARCHITECTURE.md, Order of locks).
        due.sort_unstable();
        for (service, identity, binding) in due {
            let service = sid(&service)?;
            let user = user::hold_identity(tx, service, &identity)?;
            // It may have been renewed since it was looked up.
            let dropped = tx.exec(
                "DELETE FROM binding WHERE sid = $1 AND updated_at <= $2",
                params![binding, last],
            )?;
            if dropped > 0 {
                after_one(tx, cx, service, &identity, user)?;
            }
        }
        if more {
            return Ok(cx.now);
        }
        let row = tx.first(
            "SELECT updated_at FROM binding WHERE updated_at > $1 ORDER BY updated_at LIMIT 1",
            params![last],
        )?;
        let oldest = row.map_or(Ok(cx.now.0), |mut row| row.int())?;
        Ok(Timestamp(oldest).plus_seconds(RENEWED_SECONDS))
    }
}

/// The bindings of a user: one for each of his devices.
fn of_user(tx: &mut Transaction<'_>, service: ServiceSid, identity: &str) -> Result<Vec<Binding>> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM binding WHERE service_sid = $1 AND identity = $2"
        ),
        params![service.to_string(), identity],
    )?;
    rows.into_iter().map(read).collect()
}

/// Whether there was something to delete.
fn delete(tx: &mut Transaction<'_>, service: ServiceSid, binding: BindingSid) -> Result<bool> {
    let deleted = tx.exec(
        "DELETE FROM binding WHERE sid = $1 AND service_sid = $2",
        params![binding.to_string(), service.to_string()],
    )?;
    Ok(deleted > 0)
}

/// Removes the bindings of a user who goes; his row must be locked.
pub(crate) fn remove_of_user(tx: &mut Transaction<'_>, service: ServiceSid, identity: &str) -> Result<()> {
    tx.push(
        "DELETE FROM binding WHERE service_sid = $1 AND identity = $2",
        params![service.to_string(), identity],
    )?;
    Ok(())
}

/// Whether a device is pushed to with a credential.
pub(crate) fn any_of_credential(tx: &mut Transaction<'_>, credential: CredentialSid) -> Result<bool> {
    let row = tx.first(
        "SELECT sid FROM binding WHERE credential_sid = $1 LIMIT 1",
        params![credential.to_string()],
    )?;
    Ok(row.is_some())
}
