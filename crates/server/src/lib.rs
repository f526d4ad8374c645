//! The server `confab`: command line, configuration and the wiring of all parts.

mod account;
pub mod app;
pub mod banner;
pub mod cli;
pub mod config;
pub mod data_dir;
mod http;
pub mod logging;
pub mod metrics;
mod ops;
mod proxy;
pub mod shutdown;
mod taken;
pub mod tls;
pub mod webhooks;

/// Version of the server.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
