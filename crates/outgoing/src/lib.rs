//! Requests to URLs that others name: the guard that keeps them out of the server's own network, and clients that are
//! made with it.

mod client;
mod guard;

pub use client::{Clients, Redirects, cause, http_client};
pub use guard::Guard;
