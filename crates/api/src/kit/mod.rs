//! What all products share: routing by product, authentication, parameters, pages, errors, headers.

pub(crate) mod app;
pub(crate) mod caller;
pub(crate) mod exchange;
pub(crate) mod failure;
pub(crate) mod front;
pub(crate) mod paging;
pub(crate) mod params;
pub(crate) mod render;

use axum::Router;

use app::App;
use failure::Failure;

/// Completes the routes of a product with the answers to unknown paths (B-004) and wrong methods (B-006).
pub(crate) fn finish(routes: Router<App>, app: &App) -> Router {
    routes
        .fallback(|| async { Failure::code(20404) })
        .method_not_allowed_fallback(|| async { Failure::code(20004) })
        .with_state(app.clone())
}
