//! What the people and programs that run the server ask it: is it alive, is it ready, what has it done.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use confab_domain::account;
use confab_engine::Engine;
use confab_realtime::Realtime;

use crate::VERSION;
use crate::metrics::{CONTENT_TYPE, Metrics};
use crate::shutdown::Shutdown;

/// Longest time that the store may take for a trivial answer in a server that calls itself ready.
const READY_WITHIN: Duration = Duration::from_secs(1);

/// What the answers are made of.
#[derive(Clone)]
pub(crate) struct Ops {
    pub(crate) engine: Engine,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) realtime: Realtime,
    pub(crate) shutdown: Shutdown,
}

/// The paths of [`router`].
pub(crate) fn is_ours(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics" | "/openapi.json")
}

pub(crate) fn router(ops: Ops) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
        .with_state(ops)
}

async fn ready(State(ops): State<Ops>) -> (StatusCode, &'static str) {
    if ops.shutdown.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n");
    }
    match tokio::time::timeout(READY_WITHIN, ops.engine.read(account::first)).await {
        Ok(Ok(_)) => (StatusCode::OK, "ok\n"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database is slow\n"),
    }
}

async fn metrics(State(ops): State<Ops>) -> impl IntoResponse {
    ops.metrics.store(ops.engine.store().stats());
    ops.metrics.realtime(ops.realtime.counters());
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], ops.metrics.render())
}

/// Made once, and only if somebody asks.
async fn openapi() -> impl IntoResponse {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| confab_api::openapi(VERSION).to_string());
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}
