//! What all products share: routing by product, authentication, parameters, pages, errors, headers.

pub(crate) mod app;
pub(crate) mod caller;
pub(crate) mod exchange;
pub(crate) mod failure;
pub(crate) mod front;
pub(crate) mod input;
pub(crate) mod openapi;
pub(crate) mod paging;
pub(crate) mod params;
pub(crate) mod render;
pub(crate) mod routes;

use axum::Router;

use app::App;
use failure::Failure;
use routes::Routes;

/// Completes the routes of a product with the answers to unknown paths (B-004) and wrong methods (B-006).
pub(crate) fn finish(routes: Routes, app: &App) -> Router {
    routes
        .router
        .fallback(|| async { Failure::code(20404) })
        .method_not_allowed_fallback(|| async { Failure::code(20004) })
        .with_state(app.clone())
}
