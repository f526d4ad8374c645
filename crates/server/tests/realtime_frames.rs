//! Frames, tokens and wrapped requests that a client must not send, and what each is answered with
//! (realtime.md §2, §3; B-701…B-710).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod support;

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use confab_testkit::{Frame, Socket, TestServer, signed_token};
use serde_json::{Value, json};
use support::{CONVERSATIONS, Feed, USERS, connect, conversation, raw, snapshot, user};

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

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
async fn the_first_frame_is_init_and_init_comes_once_s2_3() {
    let server = TestServer::start().await;
    let token = server.token("alice").await;
    for header in [
        json!({"method": "ping"}),
        json!({"method": "update", "token": token}),
        json!({"method": "message", "http_request": {"method": "GET", "path": "/Client/v2/Configuration"}}),
        json!({"method": "close"}),
        json!({}),
    ] {
        let mut socket = server.connect().await;
        socket.send(header.clone(), b"").await;
        closed_with(socket, 406, &header.to_string()).await;
    }
    let mut twice = connect(&server, &token).await;
    twice.send(json!({"method": "init", "token": token}), b"").await;
    let close = twice.next().await.expect("a close");
    assert_eq!(
        (close.method(), close.status()),
        ("close", 406),
        "{}",
        close.header
    );
    assert_eq!(twice.next().await, None, "nothing comes behind a close");
    is_healthy(&server).await;
}

/// Claims of a good token, to be spoilt.
struct Claims {
    key: String,
    secret: String,
    claims: Value,
}

async fn claims(server: &TestServer) -> Claims {
    let (key, secret) = server.create_key().await;
    let claims = json!({
        "jti": format!("{key}-1"), "iss": key, "sub": server.account_sid, "iat": now(), "exp": now() + 3600,
        "grants": {"identity": "mallory", "chat": {"service_sid": server.service_sid}},
    });
    Claims { key, secret, claims }
}

impl Claims {
    /// With other values at JSON pointers; null takes a member away.
    fn sign(&self, changes: &[(&str, Value)]) -> String {
        let mut claims = self.claims.clone();
        for (pointer, value) in changes {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let parent = claims.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            if value.is_null() {
                parent.remove(name);
            } else {
                parent.insert(name.to_owned(), value.clone());
            }
        }
        signed_token(Some("twilio-fpa;v=1"), &claims, &self.secret)
    }
}

#[tokio::test]
async fn a_token_that_is_not_good_is_refused_with_its_code_and_makes_no_user_b702_b703_b704_b705_b706() {
    let server = TestServer::start().await;
    let good = claims(&server).await;
    let (other_key, other_secret) = server.create_key().await;
    let fpa = Some("twilio-fpa;v=1");
    let unsigned = |header: Value| {
        let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}.", encode(&header), encode(&good.claims))
    };
    let signed = good.sign(&[]);
    let (unsigned_part, _) = signed.rsplit_once('.').unwrap();
    let unknown_key = format!("SK{}", "0".repeat(32));
    let unknown_account = format!("AC{}", "0".repeat(32));
    let unknown_service = format!("IS{}", "0".repeat(32));
    for (what, token, status, code) in [
        ("no token", String::new(), 401, 20101),
        ("no JWT", "hello".into(), 401, 20101),
        ("dots", "a.b.c".into(), 401, 20101),
        ("a long text", "x".repeat(100_000), 401, 20101),
        (
            "B-702 no cty",
            signed_token(None, &good.claims, &good.secret),
            401,
            20102,
        ),
        (
            "B-702 another cty",
            signed_token(Some("twilio-fpa;v=2"), &good.claims, &good.secret),
            401,
            20102,
        ),
        (
            "no algorithm",
            unsigned(json!({"typ": "JWT", "alg": "none", "cty": "twilio-fpa;v=1"})),
            401,
            20101,
        ),
        (
            "a public-key algorithm",
            unsigned(json!({"typ": "JWT", "alg": "RS256", "cty": "twilio-fpa;v=1"})),
            401,
            20102,
        ),
        (
            "B-703 an unknown key",
            good.sign(&[("/iss", unknown_key.into())]),
            401,
            20103,
        ),
        ("B-703 no key", good.sign(&[("/iss", Value::Null)]), 401, 20103),
        (
            "B-703 the account as key",
            good.sign(&[("/iss", server.account_sid.clone().into())]),
            401,
            20103,
        ),
        (
            "B-703 a foreign key",
            signed_token(fpa, &good.claims, &other_secret),
            401,
            20107,
        ),
        (
            "B-703 another key's name",
            good.sign(&[("/iss", other_key.into())]),
            401,
            20107,
        ),
        ("B-703 no signature", format!("{unsigned_part}."), 401, 20107),
        (
            "B-703 another account",
            good.sign(&[("/sub", unknown_account.into())]),
            401,
            20103,
        ),
        (
            "B-703 no account",
            good.sign(&[("/sub", Value::Null)]),
            401,
            20103,
        ),
        (
            "B-704 expired",
            good.sign(&[("/exp", (now() - 1).into())]),
            401,
            20104,
        ),
        ("B-704 no end", good.sign(&[("/exp", Value::Null)]), 401, 20104),
        (
            "B-704 not yet valid",
            good.sign(&[("/nbf", (now() + 600).into())]),
            401,
            20105,
        ),
        (
            "B-705 longer than 24 hours",
            good.sign(&[("/exp", (now() + 24 * 3600 + 60).into())]),
            401,
            20157,
        ),
        (
            "B-705 for ever",
            good.sign(&[("/exp", i64::MAX.into())]),
            401,
            20157,
        ),
        (
            "B-706 no grants",
            good.sign(&[("/grants", Value::Null)]),
            401,
            20106,
        ),
        (
            "B-706 no chat grant",
            good.sign(&[("/grants/chat", Value::Null)]),
            401,
            20106,
        ),
        (
            "B-706 no identity",
            good.sign(&[("/grants/identity", Value::Null)]),
            403,
            51105,
        ),
        (
            "B-706 an empty identity",
            good.sign(&[("/grants/identity", "".into())]),
            403,
            51105,
        ),
        (
            "B-706 an identity of another type",
            good.sign(&[("/grants/identity", json!(["mallory"]))]),
            403,
            51105,
        ),
        (
            "B-706 an unknown service",
            good.sign(&[("/grants/chat/service_sid", unknown_service.into())]),
            403,
            51101,
        ),
        (
            "B-706 no service",
            good.sign(&[("/grants/chat/service_sid", Value::Null)]),
            403,
            51101,
        ),
        (
            "B-706 a wrong SID",
            good.sign(&[("/grants/chat/service_sid", good.key.clone().into())]),
            403,
            51101,
        ),
        (
            "a user's SID as identity",
            good.sign(&[("/grants/identity", format!("US{}", "0".repeat(32)).into())]),
            403,
            50206,
        ),
    ] {
        let mut socket = server.connect().await;
        let reply = socket.init(&token).await;
        let answer = (reply.status(), reply.header["status"]["errorCode"].as_u64());
        assert_eq!(answer, (status, Some(code)), "{what}: {}", reply.header);
        assert!(reply.header["status"]["description"].is_string(), "{what}");
        // Nothing that the client sends now is acted on.
        socket
            .send_unwelcome(Frame::build(
                json!({"method": "message", "id": "TM9", "http_request":
                    {"method": "GET", "path": "/Client/v2/Configuration"}}),
                b"",
            ))
            .await;
        socket.close().await;
    }
    assert_eq!(server.rest.list(USERS, "users").await, Vec::<Value>::new());
    is_healthy(&server).await;
}

#[tokio::test]
async fn an_identity_that_no_user_may_have_is_refused_b742() {
    let server = TestServer::start().await;
    let good = claims(&server).await;
    for identity in ["x".repeat(257), "nul\0".to_owned()] {
        let mut socket = server.connect().await;
        let reply = socket
            .init(&good.sign(&[("/grants/identity", identity.clone().into())]))
            .await;
        // 500 would make the client come again and again.
        assert_eq!(reply.status(), 403, "{identity:?}: {}", reply.header);
    }
    assert_eq!(server.rest.list(USERS, "users").await, Vec::<Value>::new());
    let longest = "é".repeat(256);
    let mut socket = server.connect().await;
    let reply = socket
        .init(&good.sign(&[("/grants/identity", longest.clone().into())]))
        .await;
    assert_eq!(reply.status(), 200, "{}", reply.header);
    assert_eq!(server.rest.list(USERS, "users").await[0]["identity"], longest);
}

#[tokio::test]
async fn a_good_token_connects_and_its_user_exists_afterwards_b701_b707() {
    let server = TestServer::start().await;
    let good = claims(&server).await;
    let service = json!({"service_sid": server.service_sid});
    for (what, changes, identity) in [
        ("as it is", vec![], "mallory"),
        (
            "B-704 valid for long",
            vec![("/nbf", json!(now() - 9000))],
            "mallory",
        ),
        ("no moment of issue", vec![("/iat", Value::Null)], "mallory"),
        (
            "issued before all time",
            vec![("/iat", json!(i64::MIN))],
            "mallory",
        ),
        (
            "issued after all time",
            vec![("/iat", json!(i64::MAX))],
            "mallory",
        ),
        (
            "B-705 nearly 24 hours",
            vec![("/exp", json!(now() + 24 * 3600 - 1))],
            "mallory",
        ),
        (
            "B-707 the old name of the grant",
            vec![("/grants/chat", Value::Null), ("/grants/ip_messaging", service)],
            "mallory",
        ),
        ("a number", vec![("/grants/identity", json!(4711))], "4711"),
        (
            "an odd name",
            vec![("/grants/identity", json!("a b+é/=&%"))],
            "a b+é/=&%",
        ),
    ] {
        let mut socket = server.connect().await;
        let reply = socket.init(&good.sign(&changes)).await;
        assert_eq!(reply.status(), 200, "{what}: {}", reply.header);
        let (status, body) = socket.request("GET", "/Client/v2/Configuration", &[], None).await;
        assert_eq!((status, &body["identity"]), (200, &json!(identity)), "{what}");
        let users = server.rest.list(USERS, "users").await;
        assert!(
            users.iter().any(|u| u["identity"] == identity),
            "{what}: {users:?}"
        );
    }
    assert_eq!(server.rest.list(USERS, "users").await.len(), 3);
}

#[tokio::test]
async fn an_update_to_another_user_or_service_or_a_bad_token_is_refused_with_401_b710_s2_4() {
    let server = TestServer::start().await;
    let other = server
        .post("/conversations/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201)
        .text_of("sid");
    let good = claims(&server).await;
    let mut socket = connect(&server, &good.sign(&[])).await;
    for (what, token, code) in [
        (
            "another identity",
            good.sign(&[("/grants/identity", "bob".into())]),
            20101,
        ),
        (
            "another service",
            good.sign(&[("/grants/chat/service_sid", other.into())]),
            20101,
        ),
        (
            "an expired one",
            good.sign(&[("/exp", (now() - 1).into())]),
            20104,
        ),
        ("none", String::new(), 20101),
    ] {
        let reply = socket.update(&token).await;
        let answer = (reply.status(), reply.header["status"]["errorCode"].as_u64());
        assert_eq!(answer, (401, Some(code)), "{what}: {}", reply.header);
        let (_, body) = socket.request("GET", "/Client/v2/Configuration", &[], None).await;
        assert_eq!(body["identity"], "mallory", "{what}");
    }
    let users = server.rest.list(USERS, "users").await;
    assert_eq!(users.len(), 1, "{users:?}");
    let reply = socket
        .update(&good.sign(&[("/exp", (now() + 7200).into())]))
        .await;
    assert_eq!(
        (reply.status(), reply.payload.len()),
        (200, 0),
        "{}",
        reply.header
    );
    is_healthy(&server).await;
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

#[tokio::test]
async fn a_token_of_4_seconds_is_about_to_expire_and_then_closes_with_410_b708_b709_s2_5() {
    let server = TestServer::start().await;
    let (key, secret) = server.create_key().await;
    let short = |ttl| server.access_token("alice", &server.service_sid, &key, &secret, ttl);
    let mut ends = connect(&server, &short(4)).await;
    let mut renews = connect(&server, &short(4)).await;
    let is_notice = |frame: &Frame| {
        frame.method() == "client_update" && frame.header["client_update_type"] == "token_about_to_expire"
    };
    renews.wait_for("the notice", is_notice).await;
    assert_eq!(renews.update(&short(3600)).await.status(), 200);
    ends.wait_for("the notice", is_notice).await;
    let close = ends.next().await.expect("a close");
    assert_eq!(
        (close.method(), close.status()),
        ("close", 410),
        "{}",
        close.header
    );
    assert_eq!(ends.next().await, None, "the notice comes once");
    let (status, _) = renews.request("GET", "/Client/v2/Configuration", &[], None).await;
    assert_eq!(status, 200, "B-708: the new token keeps the connection");
    is_healthy(&server).await;
}

#[tokio::test]
async fn path_segments_are_split_first_and_decoded_then_s2_12() {
    let server = TestServer::start().await;
    let identity = "al ice+é@x.com/=&%?";
    let encoded = "al%20ice%2B%C3%A9%40x.com%2F%3D%26%25%3F";
    let mut socket = server.client(identity).await;
    let base = format!("/Client/v2/Services/{}", server.service_sid);
    let path = format!("{base}/Users/{encoded}");
    let (status, body) = raw(&mut socket, json!({"method": "GET", "path": path}), b"").await;
    assert_eq!((status, &body["identity"]), (200, &json!(identity)), "{body}");
    let (status, body) = raw(
        &mut socket,
        json!({"method": "POST", "path": path, "host": "anything.example:1"}),
        b"{\"friendly_name\":\"N\"}",
    )
    .await;
    assert_eq!((status, &body["friendly_name"]), (200, &json!("N")), "{body}");
    let (status, body) = raw(
        &mut socket,
        json!({"method": "POST", "path": format!("{base}/Conversations")}),
        "{\"unique_name\":\"a/b c?é\"}".as_bytes(),
    )
    .await;
    assert_eq!(status, 201, "{body}");
    let path = format!("{base}/Conversations/a%2Fb%20c%3F%C3%A9");
    let (status, found) = raw(&mut socket, json!({"method": "GET", "path": path}), b"").await;
    assert_eq!((status, &found["sid"]), (200, &body["sid"]), "{found}");
    let sid = found["sid"].as_str().unwrap();
    // join and leave, as the SDK names the identity
    let join = json!({"identity": identity}).to_string();
    let participants = format!("{base}/Conversations/{sid}/Participants");
    let request = json!({"method": "POST", "path": participants});
    assert_eq!(raw(&mut socket, request, join.as_bytes()).await.0, 201);
    let request = json!({"method": "DELETE", "path": format!("{participants}/{encoded}")});
    assert_eq!(raw(&mut socket, request, b"{}").await.0, 204);
    // a parameter is decoded as well, and a repeated one is an array
    let name = format!(
        "{}.info",
        user(&server, "al%20ice+%C3%A9@x.com%2F%3D&%25%3F").await
    );
    let params = json!({"Key": ["friendly%4Eame", "attributes"]});
    let path = format!("/v3/Maps/{name}/Items");
    let request = json!({"method": "GET", "path": path, "params": params});
    let (_, items) = raw(&mut socket, request, b"").await;
    assert_eq!(items["items"][0]["key"], "friendlyName", "{items}");
}

#[tokio::test]
async fn paths_and_parameters_that_are_no_text_are_refused_with_400() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut socket = server.client("alice").await;
    let before = snapshot(&server, &sid).await;
    let base = format!("/Client/v2/Services/{}", server.service_sid);
    for (method, path, params) in [
        ("GET", format!("{base}/Users/%FF"), json!({})),
        ("GET", format!("{base}/Users/%00"), json!({})),
        ("GET", format!("{base}/Users/a%00b"), json!({})),
        ("GET", format!("{base}/Users/\0"), json!({})),
        ("POST", format!("{base}/Conversations/%C3"), json!({})),
        (
            "GET",
            format!("/v3/Maps/{sid}.roster/Items"),
            json!({"Key": "%00"}),
        ),
        (
            "GET",
            format!("/v3/Maps/{sid}.roster/Items"),
            json!({"From": "%ED%A0%80"}),
        ),
        ("GET", format!("/v3/Maps/{sid}.roster/Items"), json!({"%FE": "x"})),
        (
            "GET",
            format!("/v3/Lists/{sid}.messages/Items"),
            json!({"From": "x"}),
        ),
        (
            "GET",
            format!("/v3/Lists/{sid}.messages/Items"),
            json!({"Index": "1.5"}),
        ),
        (
            "GET",
            format!("/v3/Lists/{sid}.messages/Items"),
            json!({"PageToken": "PAforged"}),
        ),
        (
            "GET",
            format!("{base}/Users/alice/Conversations"),
            json!({"PageToken": "PAAA"}),
        ),
    ] {
        let request = json!({"method": method, "path": path, "params": params});
        let (status, body) = raw(&mut socket, request.clone(), b"{\"attributes\":\"{}\"}").await;
        assert_eq!((status, &body["code"]), (400, &json!(20001)), "{request}: {body}");
    }
    let id = socket.send(json!({"method": "message"}), b"").await;
    let reply = socket.reply(&id).await;
    assert_eq!(reply.header["http_status"]["code"], 400, "{}", reply.header);
    assert_eq!(snapshot(&server, &sid).await, before);
}

#[tokio::test]
async fn unknown_paths_get_404_and_wrong_methods_405_s3_2() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut socket = server.client("alice").await;
    let before = snapshot(&server, &sid).await;
    let base = format!("/Client/v2/Services/{}", server.service_sid);
    for path in [
        String::new(),
        "/".into(),
        "/Client".into(),
        "/Client/v2".into(),
        "/Client/v1/Configuration".into(),
        "/Client/v2/Nonsense".into(),
        "/Client/v2/Configuration/x".into(),
        base.clone(),
        format!("{base}/Nonsense"),
        format!("{base}/Conversations/{sid}/Nonsense"),
        format!("{base}/Conversations/{sid}/Messages/IM1/Receipts/x"),
        format!("{base}/Users/alice/Nonsense"),
        format!("{base}/Users/alice/Conversations/{sid}/x"),
        "/v3/Streams/x".into(),
        "/v3/Maps".into(),
        format!("/v3/Documents/{sid}.channel/Items"),
        format!("/v3/Maps/{sid}.roster/Items/x"),
        "/v4/Nonsense".into(),
    ] {
        let (status, body) = raw(&mut socket, json!({"method": "GET", "path": path}), b"").await;
        assert_eq!((status, &body["status"]), (404, &json!(404)), "{path}: {body}");
    }
    for (method, path) in [
        ("POST", "/Client/v2/Configuration".into()),
        ("GET", format!("{base}/Conversations")),
        ("PUT", format!("{base}/Conversations/{sid}")),
        ("GET", format!("{base}/Conversations/{sid}/Messages")),
        ("GET", format!("{base}/Conversations/{sid}/Participants")),
        ("DELETE", format!("{base}/Users/alice")),
        ("DELETE", format!("{base}/Users/alice/Conversations/{sid}")),
        ("GET", format!("{base}/Typing")),
        ("POST", format!("/v3/Maps/{sid}.roster")),
        ("DELETE", format!("/v3/Lists/{sid}.messages")),
        ("NONSENSE", format!("/v3/Documents/{sid}.channel")),
    ] {
        let (status, body) = raw(&mut socket, json!({"method": method, "path": path}), b"{}").await;
        assert_eq!(
            (status, &body["code"]),
            (405, &json!(20004)),
            "{method} {path}: {body}"
        );
    }
    assert_eq!(snapshot(&server, &sid).await, before);
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused_and_changes_nothing() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice", "bob"]).await;
    let message = support::say(&server, &sid, "hello").await;
    let mut socket = server.client("alice").await;
    // The creator's role: nothing of the following may fail for a missing permission only.
    let base = format!("/Client/v2/Services/{}", server.service_sid);
    let own = format!("{base}/Conversations");
    let (status, made) = socket.request("POST", &own, &[], Some(&json!({}))).await;
    assert_eq!(status, 201, "{made}");
    let own = format!("{own}/{}", made["sid"].as_str().unwrap());
    let join = json!({"identity": "alice"});
    let joined = socket
        .request("POST", &format!("{own}/Participants"), &[], Some(&join))
        .await;
    assert_eq!(joined.0, 201, "{}", joined.1);
    let before = snapshot(&server, &sid).await;
    let paths = [
        format!("{base}/Conversations"),
        own.clone(),
        format!("{base}/Conversations/{sid}"),
        format!("{own}/Participants"),
        format!("{own}/Participants/alice"),
        format!("{own}/Messages"),
        format!("{base}/Conversations/{sid}/Messages"),
        format!("{base}/Conversations/{sid}/Messages/{message}"),
        format!("{base}/Users/alice"),
        format!("{base}/Users/alice/Conversations/{sid}"),
    ];
    let bodies: [&[u8]; 11] = [
        b"",
        b"hello",
        b"[]",
        b"[{\"body\":\"x\"}]",
        b"\"x\"",
        b"7",
        b"null",
        b"{\"body\":\"x\"",
        b"{\"body\":\"\\ud800\"}",
        b"{\"body\":\"\xff\"}",
        b"body=x&friendly_name=x",
    ];
    for path in &paths {
        for body in bodies {
            let shown = String::from_utf8_lossy(body);
            let (status, answer) = raw(&mut socket, json!({"method": "POST", "path": path}), body).await;
            assert_eq!(
                (status, &answer["code"]),
                (400, &json!(20001)),
                "{path} {shown}: {answer}"
            );
        }
    }
    // Members of another type.
    for (path, body) in [
        (&paths[0], json!({"friendly_name": 5})),
        (&paths[1], json!({"unique_name": ["x"]})),
        (&paths[3], json!({"identity": {"a": 1}})),
        (&paths[3], json!({"messaging_binding": "x"})),
        (&paths[6], json!({"body": 5})),
        (&paths[8], json!({"friendly_name": true})),
        (&paths[9], json!({"notification_level": 1})),
        (&paths[9], json!({"notification_level": "loud"})),
    ] {
        let (status, answer) = socket.request("POST", path, &[], Some(&body)).await;
        assert_eq!(
            (status, &answer["code"]),
            (400, &json!(20001)),
            "{path} {body}: {answer}"
        );
    }
    for index in [json!(-1), json!("0"), json!(1.5), json!(u64::MAX), json!([0])] {
        let body = json!({"last_read_message_index": index});
        let (status, answer) = socket.request("POST", &paths[9], &[], Some(&body)).await;
        assert_eq!(
            (status, &answer["code"]),
            (400, &json!(50421)),
            "{body}: {answer}"
        );
    }
    for body in [
        &b"nonsense"[..],
        b"{\"action\":\"establish\"}",
        b"[]",
        b"{\"action\":\"x\",\"requests\":[]}",
    ] {
        let request = json!({"method": "POST", "path": "/v4/Subscriptions"});
        let (status, answer) = raw(&mut socket, request, body).await;
        assert_eq!((status, &answer["code"]), (400, &json!(20001)), "{answer}");
    }
    assert_eq!(snapshot(&server, &sid).await, before);
    is_healthy(&server).await;
}

#[tokio::test]
async fn a_delete_may_carry_any_body_s2_12() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let base = format!("/Client/v2/Services/{}/Conversations/{sid}", server.service_sid);
    let mut socket = server.client("alice").await;
    for body in [&b"{}"[..], b"ip_messaging", b"", b"\xff\0"] {
        let (status, made) = raw(
            &mut socket,
            json!({"method": "POST", "path": format!("{base}/Messages")}),
            b"{\"body\":\"x\"}",
        )
        .await;
        assert_eq!(status, 201, "{made}");
        let path = format!("{base}/Messages/{}", made["sid"].as_str().unwrap());
        let (status, answer) = raw(&mut socket, json!({"method": "DELETE", "path": path}), body).await;
        assert_eq!((status, answer), (204, Value::Null), "{body:?}");
    }
    let messages = server
        .rest
        .list(&format!("{CONVERSATIONS}/{sid}/Messages"), "messages")
        .await;
    assert_eq!(messages, Vec::<Value>::new());
}

#[tokio::test]
async fn nul_characters_in_bodies_are_refused_with_400_and_change_nothing() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut socket = server.client("alice").await;
    let base = format!("/Client/v2/Services/{}", server.service_sid);
    let own = format!("{base}/Conversations");
    let (_, made) = socket.request("POST", &own, &[], Some(&json!({}))).await;
    let own = format!("{own}/{}", made["sid"].as_str().unwrap());
    let join = json!({"identity": "alice"});
    assert_eq!(
        socket
            .request("POST", &format!("{own}/Participants"), &[], Some(&join))
            .await
            .0,
        201
    );
    let message = json!({"body": "x"});
    let (_, message) = socket
        .request("POST", &format!("{own}/Messages"), &[], Some(&message))
        .await;
    let message = format!("{own}/Messages/{}", message["sid"].as_str().unwrap());
    let before = snapshot(&server, &sid).await;
    for (path, body) in [
        (format!("{base}/Conversations"), json!({"friendly_name": "a\0b"})),
        (format!("{base}/Conversations"), json!({"unique_name": "a\0b"})),
        (own.clone(), json!({"friendly_name": "\0"})),
        (own.clone(), json!({"unique_name": "\0"})),
        (own.clone(), json!({"attributes": "\0"})),
        (format!("{own}/Messages"), json!({"body": "a\0b"})),
        (format!("{own}/Messages"), json!({"body": "x", "subject": "a\0b"})),
        (format!("{own}/Participants"), json!({"identity": "a\0b"})),
        (
            format!("{own}/Participants"),
            json!({"messaging_binding": {"address": "+15558675310\0", "proxy_address": "+15017122661"}}),
        ),
        (message.clone(), json!({"body": "\0"})),
        (format!("{base}/Users/alice"), json!({"friendly_name": "a\0b"})),
    ] {
        let (status, answer) = socket.request("POST", &path, &[], Some(&body)).await;
        assert_eq!(status, 400, "{path} {body}: {answer}");
    }
    assert_eq!(snapshot(&server, &sid).await, before);
    // Written as an escape inside JSON text it is no character of the text.
    let attributes = json!({"attributes": "{\"a\":\"\\u0000\"}"});
    let (status, answer) = socket.request("POST", &own, &[], Some(&attributes)).await;
    assert_eq!(
        (status, &answer["attributes"]),
        (200, &attributes["attributes"]),
        "{answer}"
    );
    let mut feed = Feed::new(socket);
    feed.open("document", &format!("{}.channel", made["sid"].as_str().unwrap()))
        .await;
    is_healthy(&server).await;
}
