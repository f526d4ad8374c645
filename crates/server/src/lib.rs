//! The server `confab`: command line, configuration and the wiring of all parts.

pub mod banner;
pub mod cli;
pub mod config;
pub mod data_dir;
pub mod logging;
pub mod metrics;
pub mod shutdown;

/// Version of the server.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
