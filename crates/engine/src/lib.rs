//! The one way in: every face (REST, SDK, carriers, jobs) hands a typed command and its actor to the engine, which
//! runs it in a transaction and gives what must follow the commit to those who wait for it. Nobody else opens a
//! writing transaction.

mod auth;
mod clock;
mod hooks;
mod ids;
mod pace;
mod push_credential;
mod remembered;
mod sink;
mod token;
mod vault;

use std::sync::{Arc, OnceLock};

use confab_bus::Bus;
use confab_domain::hook::delivery::Courier;
use confab_domain::hook::{Answer, Asks};
use confab_domain::{
    Actor, Command, Commit, Counted, Cx, Effect, Error, Limits, Origin, Result, Transaction, conversation,
};
use confab_store::Store;
use confab_types::{AccountSid, ConversationSid, KeySid, Sid as _, Timestamp};
use pace::{Pace, Subject};
use tokio::sync::{Notify, mpsc};

pub use auth::{Credentials, Principal};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use hooks::Ask;
pub use ids::RandomIds;
pub use pace::LastSecond;
pub use push_credential::{CredentialFields, Parts, PushSecret};
pub use token::{ChatToken, PushGrant, TokenError};
pub use vault::Vault;

/// Credentials that may be good no more: whoever was let in by them asks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialsChange {
    /// The account.
    pub account: AccountSid,
    /// The key that ended; with `None` all of the account's are meant.
    pub key: Option<KeySid>,
}

struct Inner {
    store: Store,
    limits: Limits,
    clock: Box<dyn Clock>,
    vault: Vault,
    commits: Bus<Commit>,
    credential_changes: Bus<CredentialsChange>,
    jobs: Notify,
    deliveries: Notify,
    credentials: auth::Cache,
    hooks: hooks::Cache,
    asker: OnceLock<Arc<dyn Ask>>,
    courier: OnceLock<Arc<dyn Courier>>,
    name: OnceLock<String>,
    refused_tokens: token::RefusedTokens,
    pace: Option<Pace>,
}

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

impl Engine {
    /// An engine over an open store.
    #[must_use]
    pub fn new(store: Store, limits: Limits, vault: Vault, clock: impl Clock) -> Self {
        let pace = limits.actions_per_second.map(Pace::new);
        Self {
            inner: Arc::new(Inner {
                store,
                pace,
                limits,
                clock: Box::new(clock),
                vault,
                commits: Bus::default(),
                credential_changes: Bus::default(),
                jobs: Notify::new(),
                deliveries: Notify::new(),
                credentials: auth::Cache::default(),
                hooks: hooks::Cache::default(),
                asker: OnceLock::new(),
                courier: OnceLock::new(),
                name: OnceLock::new(),
                refused_tokens: token::RefusedTokens::default(),
            }),
        }
    }

    /// Says who asks webhooks before something happens; until then nobody is asked. The first one stays.
    pub fn ask_by(&self, asker: Arc<dyn Ask>) {
        let _ = self.inner.asker.set(asker);
    }

    /// Says who makes calls as soon as they are committed; until then they wait to be claimed. The first one stays.
    pub fn deliver_by(&self, courier: Arc<dyn Courier>) {
        let _ = self.inner.courier.set(courier);
    }

    /// Names the server, so that its jobs and lanes are known as its own when it starts again; none by itself. The first name
    /// stays.
    pub fn name(&self, name: String) {
        let _ = self.inner.name.set(name);
    }

    /// Runs a command; answers when it is durable. A webhook that wants to be asked before it is asked first, which may
    /// take some seconds. What it left for after the commit happens also when the caller
    /// goes away meanwhile.
    ///
    /// # Errors
    /// The command's error, with nothing changed; or the database's.
    pub async fn execute<C: Command>(&self, origin: impl Into<Origin>, command: C) -> Result<C::Output> {
        let origin = origin.into();
        if let Some(pace) = &self.inner.pace {
            self.count(pace, &origin.actor, &command).await?;
        }
        let command = Arc::new(command);
        let answer = if origin.announces && command.asks() != Asks::Nothing {
            self.consult(&origin, &command).await?
        } else {
            Answer::default()
        };
        let inner = Arc::clone(&self.inner);
        let unit = move |tx: &mut Transaction<'_>| {
            let mut ids = RandomIds;
            let memory = hooks::Glance::at(&inner.hooks);
            let mut cx = Cx::new(inner.clock.now(), origin.clone(), &inner.limits, &mut ids)
                .on(inner.name.get().map_or("", String::as_str))
                .remembering(&memory)
                .delivering(inner.courier.get().map(Arc::as_ref))
                .answered(answer.clone());
            let output = command.apply(tx, &mut cx)?;
            Ok((output, cx.into_effects()))
        };
        let inner = Arc::clone(&self.inner);
        let committed = move |(_, effects): &mut (C::Output, Vec<Effect>)| {
            for effect in std::mem::take(effects) {
                inner.after_commit(effect);
            }
        };
        self.inner
            .store
            .write(unit, committed)
            .await
            .map(|(output, _)| output)
    }

    /// Refuses a caller's action with 429 when its service or conversation has had as many as it may in this second;
    /// nothing is applied then (B-036).
    async fn count<C: Command>(&self, pace: &Pace, actor: &Actor, command: &C) -> Result<()> {
        if !matches!(actor, Actor::Rest | Actor::Client(_)) {
            return Ok(());
        }
        let subject = match command.counted() {
            Counted::Nothing => return Ok(()),
            Counted::Service(service) => Subject::Service(service),
            Counted::Conversation(service, key) => match ConversationSid::parse(key) {
                Some(conversation) => Subject::Conversation(conversation),
                // Both names of a conversation count together.
                None => {
                    let key = key.to_owned();
                    let found = self.read(move |tx| conversation::find_channel(tx, service, &key));
                    match found.await? {
                        Some(found) => Subject::Conversation(found.sid),
                        None => return Ok(()),
                    }
                }
            },
        };
        if pace.admits(subject, || self.now()) {
            Ok(())
        } else {
            Err(Error::code(20429))
        }
    }

    /// Reads on one consistent snapshot.
    ///
    /// # Errors
    /// The closure's, or the database's.
    pub async fn read<T, F>(&self, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Transaction<'_>) -> Result<T> + Send + 'static,
    {
        self.inner.store.read(unit).await
    }

    /// A queue of all changes that are committed from now on, in the order of their commits within a stream but for
    /// rare swaps on PostgreSQL.
    #[must_use]
    pub fn commits(&self) -> mpsc::Receiver<Commit> {
        self.inner.commits.subscribe()
    }

    /// How many commits were published so far, that of a command included once it was answered.
    #[must_use]
    pub fn commits_published(&self) -> u64 {
        self.inner.commits.published()
    }

    /// A queue of all changes of credentials from now on. When one arrives, [`Engine::credentials_version`] has moved
    /// and the engine remembers nothing older.
    #[must_use]
    pub fn credential_changes(&self) -> mpsc::Receiver<CredentialsChange> {
        self.inner.credential_changes.subscribe()
    }

    /// Waits until jobs were written (or one became free to run) since the last wait.
    pub async fn jobs_waiting(&self) {
        self.inner.jobs.notified().await;
    }

    /// Waits until calls of webhooks were written since the last wait.
    pub async fn deliveries_waiting(&self) {
        self.inner.deliveries.notified().await;
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The owner's limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Seals and opens secrets.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    /// The store, for its counters.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }
}

impl Inner {
    fn after_commit(&self, effect: Effect) {
        match effect {
            Effect::Commit(commit) => self.commits.publish(&commit),
            Effect::JobsWaiting => self.jobs.notify_one(),
            Effect::DeliveriesWaiting => self.deliveries.notify_one(),
            Effect::Handed(handed) => {
                if let Some(courier) = self.courier.get() {
                    courier.hand(handed);
                }
            }
            Effect::HooksChanged { account } => self.hooks.forget(|hooks| hooks.account == account),
            Effect::CredentialsChanged { key, account } => {
                self.credentials.forget(|c| c.are_of(key, account));
                self.credential_changes
                    .publish(&CredentialsChange { account, key });
            }
            Effect::Alerted {
                account,
                error_code,
                level,
                resource,
            } => {
                let (level, resource) = (level.name(), resource.unwrap_or_default());
                tracing::warn!(%account, error_code, level, resource, "alert");
            }
        }
    }
}
