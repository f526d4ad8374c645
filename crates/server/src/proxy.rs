//! The proxy for official clients: `CONNECT conversations.twilio.com:443` is answered by this server itself, with its
//! own certificate and in the name of that host. Nothing is ever passed on: a host that the certificate is not good for
//! is refused.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use confab_types::ApiError;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::json;

use crate::http::{Entry, Way};

/// Longest time until the answer to CONNECT is written.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Answers a CONNECT request: 200, behind which TLS is spoken, or 403.
pub(crate) fn connect(request: hyper::Request<Incoming>, peer: SocketAddr, entry: &Entry) -> Response {
    // Without a host in it, hyper has not let the request through.
    let host = request.uri().host().unwrap_or_default();
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    let Some(tls) = &entry.tls else {
        return refused(
            "This server is no proxy. To make it one for its own clients, run `confab tls init` and start it again.",
        );
    };
    if !tls.serves(host) {
        return refused(&format!(
            "This proxy leads to Confab only, and its certificate is not good for {host}. Name no proxy for other \
             hosts; for a name of Confab's own run `confab tls init --name`."
        ));
    }
    let (entry, upgrade) = (entry.clone(), hyper::upgrade::on(request));
    let tunnel = async move {
        match tokio::time::timeout(ANSWER_WITHIN, upgrade).await {
            Ok(Ok(upgraded)) => entry.serve_tls(TokioIo::new(upgraded), peer, Way::Tunnel).await,
            Ok(Err(error)) => tracing::debug!(%error, %peer, "tunnel"),
            Err(_) => {}
        }
    };
    // A type of its own for this future would contain itself: a tunnel is served like a connection.
    tokio::spawn(Box::pin(tunnel) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>);
    Response::default()
}

/// Clients take the answer of a proxy that refuses for that of the original, so it has the original's form.
pub(crate) fn refused(why: &str) -> Response {
    let error = ApiError::new(20403);
    let body =
        json!({"code": error.code, "message": why, "more_info": error.more_info(), "status": error.status});
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
