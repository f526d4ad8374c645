//! What becomes of messages to one of the account's addresses that belong to no conversation (rest.md §2.13).

use confab_store::{Row, params};
use confab_types::{
    AccountSid, Address, AddressConfigurationSid, ApiError, FlowSid, KeyPart, ServiceSid, Sid, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::alert::{self, Level, NewAlert};
use crate::audit::{self, Kind, Subject};
use crate::endpoint::{self, Method};
use crate::error::{Error, taken};
use crate::event::{self, Event, Scope};
use crate::list::{Bound, Listing};
use crate::sync::sid;
use crate::{Command, Cx, Order, Page, Result, Transaction, Window, number, service, text};

/// Channels that an address can be of (rest.md §15 row 9).
pub const TYPES: [&str; 8] = [
    "sms",
    "whatsapp",
    "messenger",
    "gbm",
    "email",
    "rcs",
    "apple",
    "chat",
];

/// What a conversation gets that a message makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AutoCreationType {
    /// A webhook of its own (B-311).
    Webhook,
    /// A Studio flow (B-312).
    Studio,
    /// Nothing (B-313).
    Default,
}

impl AutoCreationType {
    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Studio => "studio",
            Self::Default => "default",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "webhook" => Ok(Self::Webhook),
            "studio" => Ok(Self::Studio),
            "default" => Ok(Self::Default),
            _ => Err(ApiError::invalid("AutoCreation.Type").into()),
        }
    }
}

/// Whether and how messages make conversations. What was never set is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoCreation {
    /// Whether they do (B-308).
    pub enabled: Option<bool>,
    /// What the conversations get.
    #[serde(rename = "type")]
    pub kind: Option<AutoCreationType>,
    /// SID of the service that they live in; of the default one without it (B-309). The service may be gone since.
    pub conversation_service_sid: Option<String>,
    /// Where their webhook calls.
    pub webhook_url: Option<String>,
    /// How.
    pub webhook_method: Option<Method>,
    /// For what.
    pub webhook_filters: Option<Vec<Event>>,
    /// SID of their flow.
    pub studio_flow_sid: Option<String>,
    /// How often the flow is tried again.
    pub studio_retry_count: Option<i64>,
}

/// The configuration of an address.
#[derive(Clone, Debug)]
pub struct AddressConfiguration {
    /// Its SID.
    pub sid: AddressConfigurationSid,
    /// Its account.
    pub account: AccountSid,
    /// Channel of the address.
    pub kind: String,
    /// The address.
    pub address: String,
    /// Its name.
    pub friendly_name: Option<String>,
    /// Two letters of ISO 3166-1.
    pub address_country: Option<String>,
    /// What messages to it make.
    pub auto_creation: AutoCreation,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "sid, account_sid, type, address, friendly_name, address_country, auto_creation, created_at, updated_at"
    };
}

fn read(mut row: Row) -> Result<AddressConfiguration> {
    Ok(AddressConfiguration {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        kind: row.text()?,
        address: row.text()?,
        friendly_name: row.opt_text()?,
        address_country: row.opt_text()?,
        auto_creation: text::of_json(&row.text()?)?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

/// The configuration of an address of an account; `None` when it has none.
///
/// # Errors
/// The database's.
pub fn by_address(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    address: &str,
) -> Result<Option<AddressConfiguration>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM address_configuration WHERE account_sid = $1 AND address = $2"
        ),
        params![account.to_string(), address],
    )?;
    row.map(read).transpose()
}

/// A configuration by SID or address, as a path names it (B-073).
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, account: AccountSid, key: &str) -> Result<AddressConfiguration> {
    let found = match AddressConfigurationSid::parse(key) {
        Some(configuration) => {
            let row = tx.first(
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM address_configuration WHERE sid = $1 AND account_sid = $2"
                ),
                params![configuration.to_string(), account.to_string()],
            )?;
            row.map(read).transpose()?
        }
        None => by_address(tx, account, key)?,
    };
    found.ok_or_else(|| Error::code(20404))
}

/// The configurations of an account, oldest first; with a type only those of its channel.
///
/// # Errors
/// 400/20001 for an unknown type, or the database's.
pub fn list(
    tx: &mut Transaction<'_>,
    account: AccountSid,
    kind: Option<&str>,
    window: &Window,
) -> Result<Page<AddressConfiguration>> {
    if kind.is_some_and(|kind| !TYPES.contains(&kind)) {
        return Err(ApiError::invalid("Type").into());
    }
    let account = account.to_string();
    let listing = match kind {
        None => Listing {
            ascending: concat!(
                "SELECT ",
                columns!(),
                " FROM address_configuration WHERE account_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
            ),
            descending: concat!(
                "SELECT ",
                columns!(),
                " FROM address_configuration WHERE account_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
            ),
            params: params![account].to_vec(),
            bounds: &[Bound::Text],
            edge: None,
            read,
            key,
        },
        Some(kind) => Listing {
            ascending: concat!(
                "SELECT ",
                columns!(),
                " FROM address_configuration WHERE account_sid = $1 AND type = $2 AND sid > $3 \
                 ORDER BY sid LIMIT $4"
            ),
            descending: concat!(
                "SELECT ",
                columns!(),
                " FROM address_configuration WHERE account_sid = $1 AND type = $2 AND sid < $3 \
                 ORDER BY sid DESC LIMIT $4"
            ),
            params: params![account, kind].to_vec(),
            bounds: &[Bound::Text],
            edge: None,
            read,
            key,
        },
    };
    listing.page(tx, Order::Ascending, window)
}

fn key(configuration: &AddressConfiguration) -> Vec<KeyPart> {
    vec![KeyPart::Text(configuration.sid.to_string())]
}

/// What may be set at creation and changed later; `None` leaves a value (B-074), an empty text clears it.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// At most 256 characters (B-077).
    pub friendly_name: Option<String>,
    /// Whether messages make conversations.
    pub enabled: Option<bool>,
    /// `webhook`, `studio` or `default`.
    pub kind: Option<String>,
    /// SID of a service of the account.
    pub conversation_service: Option<String>,
    /// At most 512 characters, as those of the webhooks that are made of it.
    pub webhook_url: Option<String>,
    /// `GET` or `POST` in any case; `POST` by default.
    pub webhook_method: Option<String>,
    /// Names of events (B-314), instead of all that were there.
    pub webhook_filters: Option<Vec<String>>,
    /// SID of a flow.
    pub studio_flow: Option<String>,
    /// 0 to 3.
    pub studio_retry_count: Option<i64>,
}

impl Fields {
    fn is_empty(&self) -> bool {
        self.friendly_name.is_none()
            && self.enabled.is_none()
            && self.kind.is_none()
            && self.conversation_service.is_none()
            && self.webhook_url.is_none()
            && self.webhook_method.is_none()
            && self.webhook_filters.is_none()
            && self.studio_flow.is_none()
            && self.studio_retry_count.is_none()
    }

    fn fill(&self, tx: &mut Transaction<'_>, cx: &Cx<'_>, into: &mut AddressConfiguration) -> Result<()> {
        if let Some(name) = &self.friendly_name {
            text::at_most(name, cx.limits.friendly_name_chars, 50003)?;
            into.friendly_name = text::cleared(name);
        }
        let auto = &mut into.auto_creation;
        auto.enabled = self.enabled.or(auto.enabled);
        if let Some(text) = &self.kind {
            auto.kind = Some(AutoCreationType::parse(text)?);
        }
        if let Some(text) = &self.conversation_service {
            auto.conversation_service_sid = match text.as_str() {
                "" => None,
                text => Some(own_service(tx, into.account, text)?.to_string()),
            };
        }
        if let Some(url) = &self.webhook_url {
            auto.webhook_url = text::cleared(url);
            auto.webhook_url
                .as_deref()
                .map_or(Ok(()), endpoint::check_scoped_url)?;
        }
        if let Some(text) = &self.webhook_method {
            auto.webhook_method = Some(Method::parse(text)?);
        }
        if let Some(names) = &self.webhook_filters {
            auto.webhook_filters = Some(event::filters(Scope::Address, names)?);
        }
        if let Some(text) = &self.studio_flow {
            auto.studio_flow_sid = match text.as_str() {
                "" => None,
                text => Some(
                    FlowSid::parse(text)
                        .ok_or_else(|| Error::code(50367))?
                        .to_string(),
                ),
            };
        }
        if let Some(count) = self.studio_retry_count {
            if !(0..=3).contains(&count) {
                return Err(ApiError::invalid("AutoCreation.StudioRetryCount").into());
            }
            auto.studio_retry_count = Some(count);
        }
        match auto.kind {
            Some(AutoCreationType::Webhook) => {
                if auto.webhook_url.is_none() {
                    return Err(Error::code(50369));
                }
                auto.webhook_method = auto.webhook_method.or(Some(Method::Post));
            }
            Some(AutoCreationType::Studio) if auto.studio_flow_sid.is_none() => {
                return Err(Error::code(50367));
            }
            _ => {}
        }
        Ok(())
    }
}

fn own_service(tx: &mut Transaction<'_>, account: AccountSid, text: &str) -> Result<ServiceSid> {
    let unknown = || Error::from(ApiError::invalid("AutoCreation.ConversationServiceSid"));
    let sid = ServiceSid::parse(text).ok_or_else(unknown)?;
    match service::find(tx, sid)? {
        Some(service) if service.account == account => Ok(sid),
        _ => Err(unknown()),
    }
}

/// Configures an address (B-072).
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// One of [`TYPES`].
    pub kind: String,
    /// An address of the account; one that nobody owns is taken where the server is set so (B-076, B-169).
    pub address: String,
    /// Two letters of ISO 3166-1, for short codes.
    pub address_country: Option<String>,
    /// The rest.
    pub fields: Fields,
}

/// What the log of changes tells of one.
fn properties(configuration: &AddressConfiguration) -> Value {
    json!({
        "type": configuration.kind,
        "address": configuration.address,
        "friendly_name": configuration.friendly_name,
        "auto_creation": serde_json::to_value(&configuration.auto_creation).unwrap_or_default(),
    })
}

impl Command for Create {
    type Output = AddressConfiguration;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<AddressConfiguration> {
        if !TYPES.contains(&self.kind.as_str()) {
            return Err(ApiError::invalid("Type").into());
        }
        // What is no address cannot be one of the account.
        let address = Address::parse(&self.address).ok_or_else(|| Error::code(50413))?;
        text::at_most(address.as_str(), cx.limits.identity_chars, 50413)?;
        if address.channel().name() != self.kind {
            return Err(ApiError::invalid("Address").into());
        }
        let mut new = AddressConfiguration {
            sid: cx.sid(),
            account: self.account,
            kind: self.kind.clone(),
            address: address.to_string(),
            friendly_name: None,
            address_country: country(self.address_country.as_deref())?,
            auto_creation: AutoCreation::default(),
            created_at: cx.now,
            updated_at: cx.now,
        };
        self.fields.fill(tx, cx, &mut new)?;
        number::require(tx, cx, self.account, &address, (50413, 50413))?;
        tx.exec(
            concat!(
                "INSERT INTO address_configuration (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
            ),
            params![
                new.sid.to_string(),
                new.account.to_string(),
                &new.kind,
                &new.address,
                &new.friendly_name,
                &new.address_country,
                text::to_json(&new.auto_creation),
                cx.now.0,
                cx.now.0
            ],
        )
        .map_err(|e| {
            let text = format!("The address {address} has a configuration already");
            taken(e, ApiError::new(20409).message(text))
        })?;
        let subject = Subject::new(Kind::AddressConfiguration, new.account, new.sid);
        audit::created(tx, cx, &subject, &properties(&new))?;
        Ok(new)
    }
}

fn country(text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text.filter(|t| !t.is_empty()) else {
        return Ok(None);
    };
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        Ok(Some(text.to_ascii_uppercase()))
    } else {
        Err(ApiError::invalid("AddressCountry").into())
    }
}

/// Changes the configuration of an address; its type and address stay.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// SID or address.
    pub key: String,
    /// New values.
    pub fields: Fields,
}

impl Command for Update {
    type Output = AddressConfiguration;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<AddressConfiguration> {
        let found = fetch(tx, self.account, &self.key)?;
        if self.fields.is_empty() {
            return Ok(found);
        }
        // Of two callers who each set a part, the second sees what the first has set.
        let row = tx.first(
            concat!(
                "SELECT ",
                columns!(),
                " FROM address_configuration WHERE sid = $1 {for_update}"
            ),
            params![found.sid.to_string()],
        )?;
        let mut changed = row.map(read).transpose()?.ok_or_else(|| Error::code(20404))?;
        let before = properties(&changed);
        self.fields.fill(tx, cx, &mut changed)?;
        changed.updated_at = cx.now;
        tx.exec(
            "UPDATE address_configuration SET friendly_name = $2, auto_creation = $3, updated_at = $4 WHERE sid = $1",
            params![
                changed.sid.to_string(),
                &changed.friendly_name,
                text::to_json(&changed.auto_creation),
                cx.now.0
            ],
        )?;
        let subject = Subject::new(Kind::AddressConfiguration, changed.account, changed.sid);
        audit::updated(tx, cx, &subject, &before, &properties(&changed))?;
        Ok(changed)
    }
}

/// Ends the configuration of an address: its messages make no conversations any more, of which an alert tells.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The account.
    pub account: AccountSid,
    /// SID or address.
    pub key: String,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let found = fetch(tx, self.account, &self.key)?;
        let deleted = tx.exec(
            "DELETE FROM address_configuration WHERE sid = $1",
            params![found.sid.to_string()],
        )?;
        if deleted == 0 {
            return Err(Error::code(20404));
        }
        let subject = Subject::new(Kind::AddressConfiguration, found.account, found.sid);
        audit::deleted(tx, cx, &subject)?;
        let alert = NewAlert {
            resource: Some(found.sid.to_string()),
            ..NewAlert::new(found.account, Level::Warning, 50610)
        };
        alert::record(tx, cx, &alert.because(&found.address)).map(drop)
    }
}
