//! Phone numbers and senders of an account (rest.md §9, IncomingPhoneNumbers). All of them are on the simulator so
//! far.

mod area;
mod settings;

use confab_store::{Row, params};
use confab_types::{AccountSid, Address, ApiError, KeyPart, MessagingServiceSid, NumberSid, Timestamp};
use serde_json::Value;

use crate::audit::{self, Kind, Subject};
use crate::error::{Error, taken};
use crate::list::{Bound, Listing};
use crate::sync::{opt_sid, sid};
use crate::{Command, Cx, Order, Page, Result, Transaction, Window, text};

pub use settings::{Fields, Settings};

/// Kind of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberType {
    /// Of a place.
    Local,
    /// Of a mobile network.
    Mobile,
    /// Free for who calls it.
    TollFree,
}

impl NumberType {
    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Mobile => "mobile",
            Self::TollFree => "tollfree",
        }
    }

    fn of_row(text: &str) -> Result<Self> {
        [Self::Local, Self::Mobile, Self::TollFree]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| confab_store::Error::Decode(format!("{text} is no type of numbers")).into())
    }
}

/// Whether a number has one of the toll-free codes of North America.
fn is_toll_free(address: &Address) -> bool {
    ["+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888"]
        .iter()
        .any(|code| address.as_str().starts_with(code))
}

/// A number.
#[derive(Clone, Debug)]
pub struct Number {
    /// Its SID.
    pub sid: NumberSid,
    /// Its owner.
    pub account: AccountSid,
    /// The number or prefixed sender.
    pub address: String,
    /// Its name; the number itself until one is set.
    pub friendly_name: String,
    /// Its kind.
    pub kind: NumberType,
    /// The messaging service that it is in, and since when.
    pub pool: Option<(MessagingServiceSid, Timestamp)>,
    /// What is called for it.
    pub settings: Settings,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, address, friendly_name, type, messaging_service_sid, pooled_at, settings, created_at, \
         updated_at"
    };
}
pub(crate) use columns;

pub(crate) fn read(mut row: Row) -> Result<Number> {
    Ok(Number {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        address: row.text()?,
        friendly_name: row.text()?,
        kind: NumberType::of_row(&row.text()?)?,
        pool: match (opt_sid(row.opt_text()?)?, row.opt_int()?) {
            (Some(service), Some(since)) => Some((service, Timestamp(since))),
            _ => None,
        },
        settings: text::of_json(&row.text()?)?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// Who owns an address.
pub(crate) fn owner(tx: &mut Transaction<'_>, address: &Address) -> Result<Option<AccountSid>> {
    let row = tx.first(
        "SELECT account_sid FROM number WHERE address = $1",
        params![address.as_str()],
    )?;
    row.map(|mut r| sid(&r.text()?)).transpose()
}

/// The messaging service that an address of an account is in.
pub(crate) fn pool_of(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    address: &str,
) -> Result<Option<MessagingServiceSid>> {
    let row = tx.first(
        "SELECT messaging_service_sid FROM number WHERE address = $1 AND account_sid = $2",
        params![address, account.to_string()],
    )?;
    row.map(|mut r| opt_sid(r.opt_text()?))
        .transpose()
        .map(Option::flatten)
}

/// Makes sure that an account owns an address: one that nobody owns is claimed when the server is set so (B-169).
/// Refuses one of another account with the first code, one that nobody owns with the second.
pub(crate) fn require(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    account: AccountSid,
    address: &Address,
    (foreign, unowned): (u32, u32),
) -> Result<()> {
    match owner(tx, address)? {
        Some(owner) if owner == account => Ok(()),
        None if cx.limits.auto_claim => match insert(tx, cx, account, address, &Fields::default(), None) {
            // Claimed by another transaction since the look-up: run again and find it.
            Err(Error::Api(api)) if api.code == 21422 => {
                Err(confab_store::Error::Retry("a number was claimed meanwhile".into()).into())
            }
            claimed => claimed.map(drop),
        },
        Some(_) => Err(Error::code(foreign)),
        None => Err(Error::code(unowned)),
    }
}

fn insert(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    account: AccountSid,
    address: &Address,
    fields: &Fields,
    kind: Option<NumberType>,
) -> Result<Number> {
    let friendly_name = fields.check_name()?.filter(|name| !name.is_empty());
    let mut settings = Settings::default();
    fields.fill(&mut settings)?;
    let number = Number {
        sid: cx.sid(),
        account,
        address: address.to_string(),
        friendly_name: friendly_name.unwrap_or(address.as_str()).to_owned(),
        kind: kind.unwrap_or(if is_toll_free(address) {
            NumberType::TollFree
        } else {
            NumberType::Local
        }),
        pool: None,
        settings,
        created_at: cx.now,
        updated_at: cx.now,
    };
    tx.exec(
        concat!(
            "INSERT INTO number (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, NULL, NULL, $6, $7, $7)"
        ),
        params![
            number.sid.to_string(),
            account.to_string(),
            &number.address,
            &number.friendly_name,
            number.kind.name(),
            text::to_json(&number.settings),
            cx.now.0
        ],
    )
    .map_err(|e| taken(e, ApiError::new(21422)))?;
    Ok(number)
}

/// A number of an account.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, account: AccountSid, number: NumberSid) -> Result<Number> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM number WHERE sid = $1 AND account_sid = $2"
        ),
        params![number.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// A number of an account, locked.
pub(crate) fn hold(tx: &mut Transaction<'_>, account: AccountSid, number: NumberSid) -> Result<Number> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM number WHERE sid = $1 AND account_sid = $2 {for_update}"
        ),
        params![number.to_string(), account.to_string()],
    )?;
    row.map(read).transpose()?.ok_or_else(|| Error::code(20404))
}

/// Which numbers a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this one.
    pub address: Option<String>,
    /// Of this name.
    pub friendly_name: Option<String>,
    /// Of this kind.
    pub kind: Option<NumberType>,
}

/// The numbers of an account, oldest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    filter: &Filter,
    window: &Window,
) -> Result<Page<Number>> {
    let (address, name) = (filter.address.as_deref(), filter.friendly_name.as_deref());
    let listing = match filter.kind {
        None => Listing {
            ascending: concat!(
                "SELECT ",
                columns!(),
                " FROM number WHERE account_sid = $1 AND (CAST($2 AS TEXT) IS NULL OR address = $2) \
                 AND (CAST($3 AS TEXT) IS NULL OR friendly_name = $3) AND sid > $4 ORDER BY sid LIMIT $5"
            ),
            descending: concat!(
                "SELECT ",
                columns!(),
                " FROM number WHERE account_sid = $1 AND (CAST($2 AS TEXT) IS NULL OR address = $2) \
                 AND (CAST($3 AS TEXT) IS NULL OR friendly_name = $3) AND sid < $4 ORDER BY sid DESC LIMIT $5"
            ),
            params: params![account.to_string(), address, name].to_vec(),
            bounds: &[Bound::Text],
            edge: None,
            read,
            key,
        },
        Some(kind) => Listing {
            ascending: concat!(
                "SELECT ",
                columns!(),
                " FROM number WHERE account_sid = $1 AND (CAST($2 AS TEXT) IS NULL OR address = $2) \
                 AND (CAST($3 AS TEXT) IS NULL OR friendly_name = $3) AND type = $4 AND sid > $5 \
                 ORDER BY sid LIMIT $6"
            ),
            descending: concat!(
                "SELECT ",
                columns!(),
                " FROM number WHERE account_sid = $1 AND (CAST($2 AS TEXT) IS NULL OR address = $2) \
                 AND (CAST($3 AS TEXT) IS NULL OR friendly_name = $3) AND type = $4 AND sid < $5 \
                 ORDER BY sid DESC LIMIT $6"
            ),
            params: params![account.to_string(), address, name, kind.name()].to_vec(),
            bounds: &[Bound::Text],
            edge: None,
            read,
            key,
        },
    };
    listing.page(tx, Order::Ascending, window)
}

pub(crate) fn key(number: &Number) -> Vec<KeyPart> {
    vec![KeyPart::Text(number.sid.to_string())]
}

/// Takes a certain number into an account, with nothing set but its name: what [`Buy`] does for a number of a carrier.
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// E.164.
    pub address: String,
    /// Its name.
    pub friendly_name: Option<String>,
    /// Its kind; known by the number where none is named.
    pub kind: Option<NumberType>,
}

impl Command for Create {
    type Output = Number;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Number> {
        let buy = Buy {
            account: self.account,
            wanted: Wanted::Number(self.address.clone()),
            kind: self.kind,
            fields: Fields {
                friendly_name: self.friendly_name.clone(),
                ..Fields::default()
            },
        };
        buy.apply(tx, cx)
    }
}

/// What the log of changes tells of a number.
fn properties(number: &Number) -> Value {
    let mut properties = serde_json::to_value(&number.settings).unwrap_or_default();
    properties["phone_number"] = number.address.to_string().into();
    properties["friendly_name"] = number.friendly_name.as_str().into();
    properties
}

/// Which number is wanted.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// This one, in E.164.
    Number(String),
    /// Any that is free in an area of North America, by its three digits.
    AreaCode(String),
}

/// Takes a number into an account.
#[derive(Clone, Debug)]
pub struct Buy {
    /// The account.
    pub account: AccountSid,
    /// Which number.
    pub wanted: Wanted,
    /// Its kind; known by the number where none is named.
    pub kind: Option<NumberType>,
    /// What is set of it.
    pub fields: Fields,
}

impl Command for Buy {
    type Output = Number;

    /// # Errors
    /// 21421 for what is no number or none of the kind, 21422 for a taken one, 21451 for what is no area code, 21452
    /// where nothing is free in it; and those of [`Fields`].
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Number> {
        self.fields.check_name()?;
        self.fields.fill(&mut Settings::default())?;
        let address = match &self.wanted {
            Wanted::Number(number) => Address::parse(number)
                .filter(|a| confab_types::address::is_e164(a.as_str()))
                .ok_or_else(|| Error::code(21421))?,
            Wanted::AreaCode(code) => area::pick(tx, cx, code)?,
        };
        if self
            .kind
            .is_some_and(|kind| (kind == NumberType::TollFree) != is_toll_free(&address))
        {
            return Err(Error::code(21421));
        }
        if owner(tx, &address)?.is_some() {
            return Err(Error::code(21422));
        }
        let made = insert(tx, cx, self.account, &address, &self.fields, self.kind)?;
        let subject = Subject::new(Kind::PhoneNumber, self.account, made.sid);
        audit::created(tx, cx, &subject, &properties(&made))?;
        Ok(made)
    }
}

/// Changes a number.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// The number.
    pub number: NumberSid,
    /// New values.
    pub fields: Fields,
}

impl Command for Update {
    type Output = Number;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Number> {
        // Locked: who sets something else at the same time must not take this back.
        let before = hold(tx, self.account, self.number)?;
        let mut number = before.clone();
        if let Some(name) = self.fields.check_name()? {
            name.clone_into(&mut number.friendly_name);
        }
        self.fields.fill(&mut number.settings)?;
        if number.friendly_name == before.friendly_name && number.settings == before.settings {
            return Ok(number);
        }
        number.updated_at = cx.now;
        tx.exec(
            "UPDATE number SET friendly_name = $2, settings = $3, updated_at = $4 WHERE sid = $1",
            params![
                number.sid.to_string(),
                &number.friendly_name,
                text::to_json(&number.settings),
                cx.now.0
            ],
        )?;
        let subject = Subject::new(Kind::PhoneNumber, self.account, number.sid);
        audit::updated(tx, cx, &subject, &properties(&before), &properties(&number))?;
        Ok(number)
    }
}

/// Gives a number back.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The account.
    pub account: AccountSid,
    /// The number.
    pub number: NumberSid,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let deleted = tx.exec(
            "DELETE FROM number WHERE sid = $1 AND account_sid = $2",
            params![self.number.to_string(), self.account.to_string()],
        )?;
        if deleted == 0 {
            return Err(Error::code(20404));
        }
        audit::deleted(
            tx,
            cx,
            &Subject::new(Kind::PhoneNumber, self.account, self.number),
        )
    }
}
