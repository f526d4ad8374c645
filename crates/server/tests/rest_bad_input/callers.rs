//! Callers who are not known, and requests that are no HTTP.

use confab_testkit::{TestServer, soon};
use http::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Resources, refused};
use crate::support::{CONVERSATIONS, snapshot};

#[tokio::test]
async fn who_is_not_known_changes_nothing_b002_b003_b033() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let before = snapshot(&server, &resources.sid).await;
    let (key, secret) = server.create_key().await;
    let unknown = format!("AC{}", "0".repeat(32));
    for caller in [
        server.rest.anonymous(),
        server.rest.with(&server.account_sid, "wrong"),
        server.rest.with(&server.account_sid, ""),
        server.rest.with(&server.account_sid, &secret),
        server.rest.with(&key, "wrong"),
        server.rest.with(&key, &server.auth_token),
        server.rest.with(&unknown, &server.auth_token),
        server.rest.with("", ""),
        server.rest.with("nonsense\u{e9}", "\u{1f600}"),
    ] {
        for path in resources.all() {
            let form = [("FriendlyName", "x"), ("Body", "x"), ("Identity", "x")];
            let response = caller.post(&path, &form).await;
            refused(&response, 401, 20003, &path);
            assert_eq!(response.json["message"], "Authenticate");
        }
        refused(&caller.get(&resources.conversation).await, 401, 20003, "fetch");
        refused(
            &caller.delete(&resources.conversation).await,
            401,
            20003,
            "delete",
        );
    }
    for header in [
        "Basic",
        "Basic !!!",
        "Basic QQ==",
        "Bearer x",
        "Basic //79",
        "Digest x",
    ] {
        let request = server
            .rest
            .anonymous()
            .request(Method::DELETE, &resources.conversation);
        let response = server
            .rest
            .send(request.header("Authorization", header))
            .await
            .unwrap();
        refused(&response, 401, 20003, header);
    }
    for value in ["yes", "1", "", "\u{e9}"] {
        let request = server.rest.request(Method::DELETE, &resources.conversation);
        let response = server
            .rest
            .send(request.header("X-Twilio-Webhook-Enabled", value))
            .await
            .unwrap();
        refused(&response, 400, 20001, &format!("B-033 {value:?}"));
    }
    assert_eq!(snapshot(&server, &resources.sid).await, before);
    let works = server.rest.with(&key, &secret).get(&resources.conversation).await;
    assert_eq!(works.expect(200).json, before[0], "B-001");
    assert_ne!(before, Value::Null);
}

#[tokio::test]
async fn requests_that_are_no_http_end_their_connection_only() {
    let server = TestServer::start().await;
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /conversations/v1/Conversations HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /conversations/v1/Conversations HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        b"GET /v3/wsconnect HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /v3/wsconnect HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n",
        b"GET /%zz/%FF HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // Reset or closed in order: both are an end.
        let _ = soon("the end of the connection", stream.read_to_end(&mut answer)).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || text.starts_with("HTTP/1.1 4"), "{}: {text}", bytes.escape_ascii());
    }
    server.get(CONVERSATIONS).await.expect(200);
}
