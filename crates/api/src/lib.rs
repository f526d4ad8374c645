//! The HTTP API: a kit that every product shares ([`kit`]) and one module a product, in which a resource is one file
//! with its parameters, its view, its handlers and its routes.

mod chat;
mod content;
mod conversations;
mod events;
mod kit;
mod mcs;
mod messaging;
mod monitor;
mod notify;
mod own;
mod programmable;
mod simulator;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode};
use confab_engine::Engine;
use confab_media::Library;

use kit::app::App;
use kit::exchange::Product;
use kit::front::{Front, Products};
use kit::routes::Routes;

/// Told of every answered request: product, method, status, time.
pub type Observer = Arc<dyn Fn(&'static str, &Method, StatusCode, Duration) + Send + Sync>;

/// What the owner of the server decides.
#[derive(Clone)]
pub struct Options {
    /// Scheme and authority of the URLs that answers show, where they differ from those by which requests come.
    pub public_url: Option<(String, String)>,
    /// Whether a peer is a proxy whose `X-Forwarded-*` headers are believed.
    pub trusted_proxy: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Bytes of a request body at most.
    pub body_limit: usize,
    /// Counts requests.
    pub observe: Observer,
    /// Where media are kept; without, there is no Media Content Service.
    pub media: Option<Library>,
}

impl Default for Options {
    /// No public URL, no proxy, bodies of 1 MiB, nobody who counts, no media.
    fn default() -> Self {
        Self {
            public_url: None,
            trusted_proxy: Arc::new(|_| false),
            body_limit: 1 << 20,
            observe: Arc::new(|_, _, _, _| {}),
            media: None,
        }
    }
}

/// All products on one port. It answers every path, so routes of the server itself are added beside it.
///
/// The peer's address is taken from [`axum::extract::ConnectInfo`] where the server provides it.
pub fn router(engine: Engine, options: Options) -> Router {
    let app = App::new(engine, options);
    let products = Products {
        conversations: kit::finish(conversations::routes(), &app),
        programmable: kit::finish(programmable::routes(), &app),
        chat: kit::finish(chat::routes(), &app),
        content: kit::finish(content::routes(), &app),
        notify: kit::finish(notify::routes(), &app),
        messaging: kit::finish(messaging::routes(), &app),
        monitor: kit::finish(monitor::routes(), &app),
        events: kit::finish(events::routes(), &app),
        events_schemas: kit::finish(events::schema_routes(), &app),
        mcs: kit::finish(mcs::routes(), &app),
        media: kit::finish(mcs::content_routes(), &app),
        simulator: kit::finish(simulator::routes(), &app),
        own: kit::finish(own::routes(), &app),
        other: kit::finish(Routes::new(Product::None), &app),
    };
    Router::new().fallback_service(Front::new(app, products))
}

/// The OpenAPI document of all products, put together from the types of their handlers.
#[must_use]
pub fn openapi(version: &str) -> serde_json::Value {
    let entries: Vec<_> = [
        conversations::routes(),
        programmable::routes(),
        chat::routes(),
        content::routes(),
        notify::routes(),
        messaging::routes(),
        monitor::routes(),
        events::routes(),
        events::schema_routes(),
        mcs::routes(),
        mcs::content_routes(),
        simulator::routes(),
        own::routes(),
    ]
    .into_iter()
    .flat_map(|routes| routes.entries)
    .collect();
    kit::openapi::document(&entries, version)
}
