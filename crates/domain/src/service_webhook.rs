//! The webhooks of one service (rest.md §2.17). With a URL they take the place of the account's (B-417).

use confab_store::{Row, params};
use confab_types::{AccountSid, ServiceSid};
use serde_json::{Value, json};

use crate::audit::{self, Kind, Subject};
use crate::endpoint::{self, Method};
use crate::event::{self, Event, Scope};
use crate::sync::sid;
use crate::{Command, Cx, Effect, Result, Transaction, service, text};

/// The webhooks of a service; what was never set is `None` (B-066).
#[derive(Clone, Debug)]
pub struct ServiceWebhook {
    /// The service.
    pub service: ServiceSid,
    /// Asked before something happens.
    pub pre_webhook_url: Option<String>,
    /// Told of what happened.
    pub post_webhook_url: Option<String>,
    /// How both are called.
    pub method: Option<Method>,
    /// For what; an empty list is for nothing.
    pub filters: Option<Vec<Event>>,
}

macro_rules! columns {
    () => {
        "service_sid, pre_webhook_url, post_webhook_url, method, filters"
    };
}

fn read(mut row: Row) -> Result<ServiceWebhook> {
    Ok(ServiceWebhook {
        service: sid(&row.text()?)?,
        pre_webhook_url: row.opt_text()?,
        post_webhook_url: row.opt_text()?,
        method: row.opt_text()?.as_deref().map(Method::parse).transpose()?,
        filters: row.opt_text()?.as_deref().map(text::of_json).transpose()?,
    })
}

/// The webhooks of a service.
///
/// # Errors
/// The database's.
pub fn fetch(tx: &mut Transaction<'_>, service: ServiceSid) -> Result<ServiceWebhook> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM service_webhook WHERE service_sid = $1"
        ),
        params![service.to_string()],
    )?;
    Ok(row.map(read).transpose()?.unwrap_or(ServiceWebhook {
        service,
        pre_webhook_url: None,
        post_webhook_url: None,
        method: None,
        filters: None,
    }))
}

/// Changes the webhooks of a service; what is `None` stays.
#[derive(Clone, Debug)]
pub struct Update {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// New URL; empty clears it.
    pub pre_webhook_url: Option<String>,
    /// New URL; empty clears it.
    pub post_webhook_url: Option<String>,
    /// Names of events, instead of all that were there.
    pub filters: Option<Vec<String>>,
    /// `GET` or `POST` in any case.
    pub method: Option<String>,
}

/// What the log of changes tells of them.
fn properties(hook: &ServiceWebhook) -> Value {
    json!({
        "pre_webhook_url": hook.pre_webhook_url,
        "post_webhook_url": hook.post_webhook_url,
        "method": hook.method.map(Method::upper),
        "filters": serde_json::to_value(&hook.filters).unwrap_or_default(),
    })
}

impl Command for Update {
    type Output = ServiceWebhook;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<ServiceWebhook> {
        service::lock(tx, self.account, self.service)?;
        let mut hook = fetch(tx, self.service)?;
        let before = properties(&hook);
        if let Some(url) = &self.pre_webhook_url {
            hook.pre_webhook_url = endpoint::optional_url(url)?;
        }
        if let Some(url) = &self.post_webhook_url {
            hook.post_webhook_url = endpoint::optional_url(url)?;
        }
        if let Some(names) = &self.filters {
            hook.filters = Some(event::filters(Scope::Account, names)?);
        }
        if let Some(text) = &self.method {
            hook.method = Some(Method::parse(text)?);
        }
        tx.exec(
            concat!(
                "INSERT INTO service_webhook (",
                columns!(),
                ") VALUES ($1, $2, $3, $4, $5) ON CONFLICT (service_sid) DO UPDATE SET \
                 pre_webhook_url = excluded.pre_webhook_url, post_webhook_url = excluded.post_webhook_url, \
                 method = excluded.method, filters = excluded.filters"
            ),
            params![
                hook.service.to_string(),
                &hook.pre_webhook_url,
                &hook.post_webhook_url,
                hook.method.map(Method::upper),
                hook.filters.as_ref().map(text::to_json)
            ],
        )?;
        let subject = Subject::new(Kind::ServiceWebhooks, self.account, self.service);
        audit::updated(tx, cx, &subject, &before, &properties(&hook))?;
        cx.emit(Effect::HooksChanged {
            account: self.account,
        });
        Ok(hook)
    }
}
