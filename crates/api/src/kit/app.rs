//! State of the API: the engine, the options, and what is remembered between requests.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use confab_domain::{Error, Result, service};
use confab_engine::Engine;
use confab_media::Library;
use confab_types::{AccountSid, ServiceSid};

use crate::Options;

/// State of the API. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) options: Options,
    pub(crate) services: Services,
    in_flight: AtomicUsize,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    pub(crate) fn new(engine: Engine, options: Options) -> Self {
        Self(Arc::new(Inner {
            engine,
            options,
            services: Services::default(),
            in_flight: AtomicUsize::new(0),
        }))
    }

    /// Where media are kept.
    pub(crate) fn library(&self) -> Result<&Library> {
        self.options.media.as_ref().ok_or_else(|| Error::code(20503))
    }

    /// Counts a request for as long as the guard lives.
    pub(crate) fn enter(&self) -> InFlight {
        InFlight {
            concurrent: self.in_flight.fetch_add(1, Ordering::Relaxed) + 1,
            app: self.clone(),
        }
    }

    /// Whether a service belongs to an account.
    pub(crate) async fn has_service(&self, account: AccountSid, service: ServiceSid) -> Result<bool> {
        if self.services.contains(account, service) {
            return Ok(true);
        }
        let generation = self.services.generation.load(Ordering::Acquire);
        let found = self.engine.read(move |tx| service::find(tx, service)).await?;
        let owned = found.is_some_and(|s| s.account == account);
        if owned {
            self.services.put(account, service, generation);
        }
        Ok(owned)
    }
}

/// A request that is being answered.
pub(crate) struct InFlight {
    /// Requests in work when this one came, with itself.
    pub(crate) concurrent: usize,
    app: App,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.app.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Services that are known to exist: the service form of a URL would else cost each request one more read.
#[derive(Default)]
pub(crate) struct Services {
    owners: RwLock<HashMap<ServiceSid, AccountSid>>,
    /// Grows when one is forgotten: a look-up that began before must not bring it back.
    generation: AtomicU64,
}

/// Services remembered at most.
const CAPACITY: usize = 10_000;

impl Services {
    fn contains(&self, account: AccountSid, service: ServiceSid) -> bool {
        let owners = self.owners.read().unwrap_or_else(PoisonError::into_inner);
        owners.get(&service) == Some(&account)
    }

    fn put(&self, account: AccountSid, service: ServiceSid, generation: u64) {
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        if self.generation.load(Ordering::Acquire) != generation {
            return;
        }
        if owners.len() >= CAPACITY {
            owners.clear();
        }
        owners.insert(service, account);
    }

    /// Forgets a service that is deleted.
    pub(crate) fn forget(&self, service: ServiceSid) {
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        self.generation.fetch_add(1, Ordering::AcqRel);
        owners.remove(&service);
    }
}
