//! Conversations v1 (rest.md §2).

mod configuration;
mod conversation;
mod message;
mod participant;
mod receipt;
mod scope;
mod service;
mod user;

use axum::Router;
use axum::routing::MethodRouter;

use crate::kit::app::App;

/// All routes of the product.
pub(crate) fn routes() -> Router<App> {
    let mut routes = Router::new();
    routes = configuration::routes(routes);
    routes = service::routes(routes);
    routes = conversation::routes(routes);
    routes = participant::routes(routes);
    routes = message::routes(routes);
    routes = receipt::routes(routes);
    user::routes(routes)
}

/// Registers a path in its short form and in that of a named service; [`scope::Scope`] tells them apart.
fn both(routes: Router<App>, path: &str, methods: MethodRouter<App>) -> Router<App> {
    routes
        .route(&format!("/v1{path}"), methods.clone())
        .route(&format!("/v1/Services/{{service}}{path}"), methods)
}
