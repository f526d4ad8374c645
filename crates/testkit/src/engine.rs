//! A store or an engine without a server around it.

use std::ops::Deref;

use confab_domain::account::{self, Account};
use confab_domain::{Actor, Limits, MIGRATIONS};
use confab_engine::{Clock, Engine, SystemClock, Vault};
use confab_store::Store;
use confab_types::{AccountSid, Sid as _};
use tempfile::TempDir;

use crate::Database;

/// A fresh store with the schema of the product; its database is gone when it is dropped.
pub struct TestStore {
    store: Store,
    _database: Database,
    _directory: TempDir,
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

/// A fresh store on the engine under test.
///
/// # Panics
/// When it cannot be made.
pub async fn store() -> TestStore {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::create().await;
    let store = Store::open(database.backend(directory.path()), MIGRATIONS)
        .await
        .expect("the store opens")
        .probed(database.probe());
    TestStore {
        store,
        _database: database,
        _directory: directory,
    }
}

/// An engine over a fresh store, with one account. No job worker runs.
pub struct TestEngine {
    /// The account.
    pub account: Account,
    engine: Engine,
    store: TestStore,
}

impl Deref for TestEngine {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

/// An engine on the database under test.
///
/// # Panics
/// When it cannot be made.
pub async fn engine() -> TestEngine {
    engine_with(Limits::default()).await
}

/// As [`engine`] with limits of the test's own.
///
/// # Panics
/// When it cannot be made.
pub async fn engine_with(limits: Limits) -> TestEngine {
    over(store().await, limits, SystemClock).await
}

/// An engine with a clock of the test's own.
///
/// # Panics
/// When it cannot be made.
pub async fn engine_at(clock: impl Clock) -> TestEngine {
    engine_over(store().await, clock).await
}

/// As [`engine_at`] with limits of the test's own.
///
/// # Panics
/// When it cannot be made.
pub async fn engine_with_at(limits: Limits, clock: impl Clock) -> TestEngine {
    over(store().await, limits, clock).await
}

/// An engine over a store that another one may have had before: what a restart finds.
///
/// # Panics
/// When it cannot be made.
pub async fn engine_over(store: TestStore, clock: impl Clock) -> TestEngine {
    over(store, Limits::default(), clock).await
}

async fn over(store: TestStore, limits: Limits, clock: impl Clock) -> TestEngine {
    let vault = Vault::new(&[7; 32]).unwrap();
    let sid = AccountSid::from_bits(1);
    let auth_token = vault.seal(&sid.to_string(), "token").unwrap();
    let engine = Engine::new(store.clone(), limits, vault, clock);
    let account = engine
        .execute(
            Actor::System,
            account::Ensure {
                sid,
                auth_token,
                replace_token: false,
            },
        )
        .await
        .expect("the account is made");
    TestEngine {
        account,
        engine,
        store,
    }
}

impl TestEngine {
    /// The store alone; the engine is gone with all that it remembered.
    #[must_use]
    pub fn into_store(self) -> TestStore {
        self.store
    }
}
