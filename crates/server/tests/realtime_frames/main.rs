//! Frames, tokens and wrapped requests that a client must not send, and what each is answered with
//! (realtime.md §2, §3; B-701…B-710).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod frames;
mod requests;
#[path = "../support/mod.rs"]
mod support;
mod tokens;

use confab_testkit::{Socket, TestServer};
use serde_json::json;

/// A new client gets in and reads its configuration.
async fn is_healthy(server: &TestServer) {
    let mut client = server.client("healthy").await;
    let (status, body) = client.request("GET", "/Client/v2/Configuration", &[], None).await;
    assert_eq!((status, &body["identity"]), (200, &json!("healthy")));
    server.get("/healthz").await.expect(200);
}

/// The server closes with a status (realtime.md §2.6: without one the client throws); the client then closes the socket.
async fn closed_with(mut socket: Socket, status: u64, what: &str) {
    let close = socket.wait_for(what, |frame| frame.method() == "close").await;
    assert_eq!(close.status(), status, "{what}: {}", close.header);
    assert!(
        close.header["status"]["status"].is_string(),
        "{what}: {}",
        close.header
    );
    socket.close().await;
}
