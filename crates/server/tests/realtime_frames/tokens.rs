//! The first frame and its token, and newer tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use confab_testkit::{Frame, TestServer, signed_token};
use serde_json::{Value, json};

use super::{closed_with, is_healthy};
use crate::support::{USERS, connect};

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
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
