//! What is a frame and what is none.

use confab_testkit::{Frame, TestServer};
use serde_json::json;

use super::{closed_with, is_healthy};
use crate::support::{CONVERSATIONS, connect, conversation, snapshot};

fn ping() -> Vec<u8> {
    Frame::build(
        json!({"method": "ping", "id": "TM00000000-0000-4000-8000-000000000001"}),
        b"",
    )
}

fn with_header(header: &str) -> Vec<u8> {
    format!("TWILSOCK V3.0 {}\r\n{header}\r\n", header.len()).into_bytes()
}

/// Messages that are no frames.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("nothing", vec![]),
        ("zeros", vec![0; 300]),
        ("high bytes", vec![0xff; 4096]),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("another magic", b"TWILSUCK V3.0 2\r\n{}\r\n".to_vec()),
        ("another version", b"TWILSOCK V2.0 2\r\n{}\r\n".to_vec()),
        ("a magic in small letters", b"twilsock v3.0 2\r\n{}\r\n".to_vec()),
        ("no header length", b"TWILSOCK V3.0 \r\n{}\r\n".to_vec()),
        ("a negative header length", b"TWILSOCK V3.0 -2\r\n{}\r\n".to_vec()),
        ("a signed header length", b"TWILSOCK V3.0 +2\r\n{}\r\n".to_vec()),
        (
            "the greatest header length",
            b"TWILSOCK V3.0 18446744073709551615\r\n{}\r\n".to_vec(),
        ),
        (
            "a header length of many digits",
            [b"TWILSOCK V3.0 ".as_slice(), &[b'9'; 60], b"\r\n{}\r\n"].concat(),
        ),
        (
            "a header longer than the message",
            b"TWILSOCK V3.0 99\r\n{}\r\n".to_vec(),
        ),
        ("a header that is no JSON", with_header("{\"method\":")),
        ("a header of another type", with_header("[\"init\"]")),
        ("a header that is null", with_header("null")),
        ("a header with another type inside", with_header("{\"method\":7}")),
        (
            "a header that is no UTF-8",
            [b"TWILSOCK V3.0 14\r\n{\"method\":\"\xff\"}\r\n".as_slice()].concat(),
        ),
        (
            "a payload size beyond the message",
            with_header("{\"method\":\"ping\",\"payload_size\":1}"),
        ),
        (
            "the greatest payload size",
            with_header("{\"method\":\"ping\",\"payload_size\":18446744073709551615}"),
        ),
        (
            "a payload size beyond 64 bits",
            with_header("{\"method\":\"ping\",\"payload_size\":18446744073709551616}"),
        ),
        (
            "a negative payload size",
            with_header("{\"method\":\"ping\",\"payload_size\":-1}"),
        ),
        (
            "no line end before the payload",
            b"TWILSOCK V3.0 18\r\n{\"payload_size\":2}xx{}".to_vec(),
        ),
    ]
}

#[tokio::test]
async fn what_is_no_frame_is_answered_by_a_close_with_406_s2_1_s2_6() {
    let server = TestServer::start().await;
    let token = server.token("alice").await;
    for (what, bytes) in malformed() {
        let mut fresh = server.connect().await;
        fresh.send_raw(bytes.clone()).await;
        closed_with(fresh, 406, what).await;
        let mut initialised = connect(&server, &token).await;
        initialised.send_raw(bytes).await;
        closed_with(initialised, 406, what).await;
    }
    is_healthy(&server).await;
}

#[tokio::test]
async fn a_frame_that_is_cut_off_anywhere_is_refused_s2_1() {
    let server = TestServer::start().await;
    let token = server.token("alice").await;
    let whole = Frame::build(
        json!({"method": "message", "id": "TM1", "http_request": {"path": "/x", "method": "GET"}}),
        b"{\"a\":1}",
    );
    for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        let mut socket = connect(&server, &token).await;
        socket.send_raw(whole[..length].to_vec()).await;
        closed_with(socket, 406, &format!("{length} of {} bytes", whole.len())).await;
    }
    // Whole, and with the line end behind the payload that is not counted.
    let mut socket = connect(&server, &token).await;
    socket.send_raw([&whole[..], b"\r\n"].concat()).await;
    let reply = socket.reply("TM1").await;
    assert_eq!(reply.header["http_status"]["code"], 404, "{}", reply.header);
    is_healthy(&server).await;
}

#[tokio::test]
async fn text_messages_are_no_frames_s2_1() {
    let server = TestServer::start().await;
    for text in ["", "hello", std::str::from_utf8(&ping()).unwrap()] {
        let mut fresh = server.connect().await;
        fresh.send_text(text).await;
        closed_with(fresh, 406, "a text message first").await;
        let mut initialised = server.client("alice").await;
        initialised.send_text(text).await;
        closed_with(initialised, 406, "a text message later").await;
    }
    is_healthy(&server).await;
}

#[tokio::test]
async fn a_frame_of_10_mib_ends_its_connection_and_changes_nothing() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let before = snapshot(&server, &sid).await;
    let body = json!({"body": "x".repeat(10 << 20)}).to_string();
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        server.service_sid
    );
    let frame = Frame::build(
        json!({"method": "message", "id": "TM1", "http_request": {"path": path, "method": "POST"}}),
        body.as_bytes(),
    );
    for initialised in [false, true] {
        let mut socket = if initialised {
            server.client("alice").await
        } else {
            server.connect().await
        };
        socket.send_unwelcome(frame.clone()).await;
        while let Some(frame) = socket.next().await {
            assert_eq!(frame.method(), "close", "{}", frame.header);
            assert!(frame.status() >= 400, "{}", frame.header);
        }
    }
    assert_eq!(snapshot(&server, &sid).await, before);
    // A frame below the limit is read, and its message refused as too long.
    let mut alice = server.client("alice").await;
    let body = json!({"body": "x".repeat(900 << 10)});
    let (status, answer) = alice.request("POST", &path, &[], Some(&body)).await;
    assert_eq!((status, &answer["code"]), (400, &json!(50504)));
    assert_eq!(snapshot(&server, &sid).await, before);
    is_healthy(&server).await;
}

/// The buffers of a connection come and go with what is under way.
#[tokio::test]
async fn great_answers_and_many_small_ones_behind_them_come_whole_and_in_their_order() {
    const MESSAGES: usize = 20;
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let body = "x".repeat(12_000);
    for _ in 0..MESSAGES {
        let path = format!("{CONVERSATIONS}/{sid}/Messages");
        server.post(&path, &[("Body", &body)]).await.expect(201);
    }
    let mut alice = server.client("alice").await;
    let list = json!({"method": "message", "http_request": {
        "host": "cds.us1.twilio.com", "method": "GET",
        "path": format!("/v3/Lists/{sid}.messages/Items"), "params": {"PageSize": "50"},
    }});
    for _ in 0..3 {
        let great = alice.send(list.clone(), b"").await;
        let mut small = Vec::new();
        for _ in 0..200 {
            small.push(alice.send(json!({"method": "ping"}), b"").await);
        }
        let reply = alice.next().await.expect("the list");
        assert_eq!(reply.header["id"], great);
        assert!(reply.payload.len() > MESSAGES * body.len());
        assert_eq!(reply.json()["items"].as_array().map(Vec::len), Some(MESSAGES));
        for id in small {
            let reply = alice.next().await.expect("a reply");
            assert_eq!((&reply.header["id"], reply.status()), (&json!(id), 200));
        }
    }
}

#[tokio::test]
async fn telemetry_and_replies_get_no_answer_and_everything_else_gets_200_s2_2_s2_9() {
    let server = TestServer::start().await;
    let mut socket = server.client("alice").await;
    let telemetry = json!({"method": "telemetry.v1", "events": [{"start": -30, "end": 0, "title": "x"}]});
    socket.send(telemetry, b"").await;
    socket
        .send(
            json!({"method": "reply", "status": {"code": 200, "status": "OK"}}),
            b"",
        )
        .await;
    for (header, payload) in [
        (json!({"method": "ping"}), ""),
        (
            json!({"method": "put_notification_ctx", "notification_ctx_id": "x"}),
            "{}",
        ),
        (
            json!({"method": "delete_notification_ctx", "notification_ctx_id": "x"}),
            "",
        ),
        (
            json!({"method": "something_new", "token": 5.to_string(), "more": {"a": [1]}}),
            "no JSON",
        ),
        (json!({"method": ""}), ""),
        (json!({}), ""),
    ] {
        let id = socket.send(header.clone(), payload.as_bytes()).await;
        let next = socket.next().await.expect("an answer");
        assert_eq!(
            (next.method(), next.header["id"].as_str(), next.status()),
            ("reply", Some(id.as_str()), 200),
            "{header}"
        );
    }
}

#[tokio::test]
async fn the_server_pings_and_a_client_that_answers_stays_s2_7() {
    let server = TestServer::start_with(|config| config.realtime.ping_interval_secs = 1).await;
    let mut socket = server.client("alice").await;
    let first = socket.wait_for("a ping", |frame| frame.method() == "ping").await;
    let second = socket
        .wait_for("a second ping", |frame| frame.method() == "ping")
        .await;
    assert_ne!(first.header["id"], second.header["id"]);
    let (status, _) = socket.request("GET", "/Client/v2/Configuration", &[], None).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_close_of_the_client_ends_the_connection_without_an_answer_s2_6() {
    let server = TestServer::start().await;
    let mut socket = server.client("alice").await;
    socket.send(json!({"method": "close"}), b"").await;
    assert_eq!(socket.next().await, None);
    is_healthy(&server).await;
}
