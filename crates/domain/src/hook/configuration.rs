//! What an account or service has set, remembered from one transaction to the next.

use std::sync::Arc;

use confab_types::{AccountSid, ServiceSid};

use super::sinks::{self, Listening};
use crate::endpoint::Method;
use crate::event::Event;
use crate::{Cx, Result, Transaction, account_webhook, service_webhook};

/// Where the events of a service go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urls {
    /// Asked before something happens.
    pub pre: Option<String>,
    /// Told of what happened.
    pub post: Option<String>,
    /// How both are called.
    pub method: Method,
    /// For what (B-412); empty for nothing (B-413).
    pub filters: Vec<Event>,
}

/// Who listens to a service, besides the webhooks of its conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// The account of the service.
    pub account: AccountSid,
    /// The service's own webhooks, else the account's (B-417, B-418).
    pub urls: Urls,
    /// The sinks of the account.
    pub(super) sinks: Vec<Listening>,
}

impl Hooks {
    /// Whom to ask before an event (B-415, B-416).
    #[must_use]
    pub fn asked(&self, event: Event) -> Option<&str> {
        let url = self.urls.pre.as_deref().filter(|_| event.is_pre())?;
        self.urls.filters.contains(&event).then_some(url)
    }

    /// Whom to tell of an event.
    #[must_use]
    pub fn told(&self, event: Event) -> Option<&str> {
        let url = self.urls.post.as_deref().filter(|_| !event.is_pre())?;
        self.urls.filters.contains(&event).then_some(url)
    }
}

/// Remembers what was set, so that a change reads no table to find that nobody listens. Forgetting must come with the
/// commit of [`crate::Effect::HooksChanged`], before whoever changed it is answered.
pub trait Memory: Send + Sync {
    /// What was remembered.
    fn recall(&self, service: ServiceSid) -> Option<Arc<Hooks>>;
    /// Remembers what was read now.
    fn keep(&self, service: ServiceSid, hooks: &Arc<Hooks>);
}

/// Remembers nothing.
#[derive(Clone, Copy, Debug)]
pub struct Forgetful;

impl Memory for Forgetful {
    fn recall(&self, _: ServiceSid) -> Option<Arc<Hooks>> {
        None
    }

    fn keep(&self, _: ServiceSid, _: &Arc<Hooks>) {}
}

fn read(tx: &mut Transaction<'_>, account: AccountSid, service: ServiceSid) -> Result<Hooks> {
    let sinks = sinks::of(tx, account)?;
    let own = service_webhook::fetch(tx, service)?;
    if own.pre_webhook_url.is_some() || own.post_webhook_url.is_some() {
        return Ok(Hooks {
            account,
            urls: Urls {
                pre: own.pre_webhook_url,
                post: own.post_webhook_url,
                method: own.method.unwrap_or(Method::Post),
                filters: own.filters.unwrap_or_default(),
            },
            sinks,
        });
    }
    let shared = account_webhook::fetch(tx, account)?;
    Ok(Hooks {
        account,
        urls: Urls {
            pre: shared.pre_webhook_url,
            post: shared.post_webhook_url,
            method: shared.method,
            filters: shared.filters,
        },
        sinks,
    })
}

/// Who listens to a service.
///
/// # Errors
/// The database's.
pub fn of(
    tx: &mut Transaction<'_>,
    memory: &dyn Memory,
    account: AccountSid,
    service: ServiceSid,
) -> Result<Arc<Hooks>> {
    if let Some(hooks) = memory.recall(service) {
        return Ok(hooks);
    }
    let hooks = Arc::new(read(tx, account, service)?);
    memory.keep(service, &hooks);
    Ok(hooks)
}

impl Cx<'_> {
    /// Who listens to a service.
    pub(super) fn hooks(
        &self,
        tx: &mut Transaction<'_>,
        account: AccountSid,
        service: ServiceSid,
    ) -> Result<Arc<Hooks>> {
        of(tx, self.memory, account, service)
    }
}
