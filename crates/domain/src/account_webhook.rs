//! The account's webhooks (rest.md §2.12): what is called for all its services that have none of their own.

use confab_store::{Row, params};
use confab_types::{AccountSid, ApiError};
use serde_json::{Value, json};

use crate::audit::{self, Kind, Subject};
use crate::endpoint::{self, Method};
use crate::event::{self, Event, Scope};
use crate::{Command, Cx, Effect, Result, Transaction, account, text};

/// What the account's webhooks are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// URLs of the account's owner.
    Webhook,
    /// A contact centre; stored only.
    Flex,
}

impl Target {
    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Flex => "flex",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "webhook" => Ok(Self::Webhook),
            "flex" => Ok(Self::Flex),
            _ => Err(ApiError::invalid("Target").into()),
        }
    }
}

/// The webhooks of an account.
#[derive(Clone, Debug)]
pub struct AccountWebhook {
    /// The account.
    pub account: AccountSid,
    /// Asked before something happens.
    pub pre_webhook_url: Option<String>,
    /// Told of what happened.
    pub post_webhook_url: Option<String>,
    /// How both are called (B-063).
    pub method: Method,
    /// For what; an empty list is for nothing (B-413).
    pub filters: Vec<Event>,
    /// See [`Target`].
    pub target: Target,
}

macro_rules! columns {
    () => {
        "account_sid, pre_webhook_url, post_webhook_url, method, filters, target"
    };
}

fn read(mut row: Row) -> Result<AccountWebhook> {
    Ok(AccountWebhook {
        account: crate::sync::sid(&row.text()?)?,
        pre_webhook_url: row.opt_text()?,
        post_webhook_url: row.opt_text()?,
        method: Method::parse(&row.text()?)?,
        filters: text::of_json(&row.text()?)?,
        target: Target::parse(&row.text()?)?,
    })
}

/// The webhooks of an account; those of a fresh one until some are set (B-062).
///
/// # Errors
/// The database's.
pub fn fetch(tx: &mut Transaction<'_>, account: AccountSid) -> Result<AccountWebhook> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM account_webhook WHERE account_sid = $1"
        ),
        params![account.to_string()],
    )?;
    Ok(row.map(read).transpose()?.unwrap_or(AccountWebhook {
        account,
        pre_webhook_url: None,
        post_webhook_url: None,
        method: Method::Post,
        filters: Vec::new(),
        target: Target::Webhook,
    }))
}

/// Changes the webhooks of an account; what is `None` stays.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// `GET` or `POST` in any case.
    pub method: Option<String>,
    /// Names of events, instead of all that were there (B-414).
    pub filters: Option<Vec<String>>,
    /// New URL; empty clears it.
    pub pre_webhook_url: Option<String>,
    /// New URL; empty clears it.
    pub post_webhook_url: Option<String>,
    /// `webhook` or `flex` (B-064).
    pub target: Option<String>,
}

/// What the log of changes tells of them.
fn properties(hook: &AccountWebhook) -> Value {
    json!({
        "pre_webhook_url": hook.pre_webhook_url,
        "post_webhook_url": hook.post_webhook_url,
        "method": hook.method.upper(),
        "filters": serde_json::to_value(&hook.filters).unwrap_or_default(),
        "target": hook.target.name(),
    })
}

impl Command for Update {
    type Output = AccountWebhook;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<AccountWebhook> {
        // Of two callers who each set a part, the second sees what the first has set.
        account::hold(tx, self.account)?;
        let mut hook = fetch(tx, self.account)?;
        let before = properties(&hook);
        if let Some(text) = &self.method {
            hook.method = Method::parse(text)?;
        }
        if let Some(names) = &self.filters {
            hook.filters = event::filters(Scope::Account, names)?;
        }
        if let Some(url) = &self.pre_webhook_url {
            hook.pre_webhook_url = endpoint::optional_url(url)?;
        }
        if let Some(url) = &self.post_webhook_url {
            hook.post_webhook_url = endpoint::optional_url(url)?;
        }
        if let Some(text) = &self.target {
            hook.target = Target::parse(text)?;
        }
        tx.exec(
            concat!(
                "INSERT INTO account_webhook (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_sid) DO UPDATE SET \
                 pre_webhook_url = excluded.pre_webhook_url, post_webhook_url = excluded.post_webhook_url, \
                 method = excluded.method, filters = excluded.filters, target = excluded.target"
            ),
            params![
                hook.account.to_string(),
                &hook.pre_webhook_url,
                &hook.post_webhook_url,
                hook.method.upper(),
                text::to_json(&hook.filters),
                hook.target.name()
            ],
        )?;
        let subject = Subject::new(Kind::AccountWebhooks, self.account, self.account);
        audit::updated(tx, cx, &subject, &before, &properties(&hook))?;
        cx.emit(Effect::HooksChanged {
            account: self.account,
        });
        Ok(hook)
    }
}
