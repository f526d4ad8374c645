//! What tests are written with: a server inside the test's own process or as a process of its own, an SDK client at
//! the level of frames, a fresh database of the engine under test.
//!
//! Development only, so everything here fails by panicking: a test has nobody to hand an error to.
//!
//! `CONFAB_TEST_DATABASE` selects the engine: unset for SQLite, or the URL of a PostgreSQL database whose user may
//! create databases; each test gets one of its own there, dropped at its end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod clock;
mod database;
mod engine;
mod nats;
mod process;
mod rest;
mod server;
mod sink;
mod socket;
mod token;

use std::time::Duration;

pub use clock::TestClock;
pub use database::Database;
pub use engine::{TestEngine, TestStore, engine, engine_at, engine_over, engine_with, engine_with_at, store};
pub use nats::NatsServer;
pub use process::Process;
pub use rest::{Response, Rest};
pub use server::TestServer;
pub use sink::{Call, Reply, Sink};
pub use socket::{Frame, Socket};
pub use token::{access_token, signed_token};

/// Long enough for a busy machine. A test that waits in vain fails with the name of what it waited for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for something that must happen.
///
/// # Panics
/// When it does not happen within [`PATIENCE`].
pub async fn soon<T>(what: &str, happens: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, happens).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}
