//! The orderly end of a server, seen from inside.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use confab_testkit::{TestServer, soon};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Reads until the text has come.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut got = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&got).contains(text) {
            let mut buffer = [0; 1024];
            let read = stream.read(&mut buffer).await.unwrap();
            assert_ne!(
                read,
                0,
                "the connection ended after {}",
                String::from_utf8_lossy(&got)
            );
            got.extend_from_slice(&buffer[..read]);
        }
    };
    soon(text, reading).await;
    String::from_utf8(got).unwrap()
}

#[tokio::test]
async fn a_request_in_flight_is_answered_and_nobody_new_is_let_in() {
    let server = TestServer::start().await;
    let address = server.address;
    let user = STANDARD.encode(format!("{}:{}", server.account_sid, server.auth_token));
    let mut in_flight = TcpStream::connect(address).await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    read_until(&mut idle, "ok\n").await;
    let head = format!(
        "POST /conversations/v1/Conversations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {user}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 17\r\nExpect: 100-continue\r\n\r\n"
    );
    in_flight.write_all(head.as_bytes()).await.unwrap();
    // Now the server waits for the body.
    read_until(&mut in_flight, "100 Continue").await;

    let stopping = tokio::spawn(server.stop());
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon("the listener to close", refused).await;
    let mut rest = Vec::new();
    soon("the idle connection to end", idle.read_to_end(&mut rest))
        .await
        .unwrap();
    assert!(!stopping.is_finished());

    in_flight.write_all(b"FriendlyName=last").await.unwrap();
    let answer = read_until(&mut in_flight, "\"friendly_name\":\"last\"").await;
    assert!(
        answer.contains("201 Created") && answer.to_lowercase().contains("connection: close"),
        "{answer}"
    );
    soon("the server to stop", stopping).await.unwrap();
}

#[tokio::test]
async fn clients_are_sent_away_with_308() {
    let server = TestServer::start().await;
    let mut alice = server.client("alice").await;
    let stopping = tokio::spawn(server.stop());
    let close = alice.wait_for("close", |frame| frame.method() == "close").await;
    assert_eq!(close.status(), 308);
    alice.close().await;
    soon("the server to stop", stopping).await.unwrap();
}
