//! Authentication, headers, unknown paths and methods.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::common::{ACCOUNT, OTHER_ACCOUNT, TOKEN, api, fields};

const SOME_IS: &str = "IS0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn token_and_key_both_authenticate_until_the_key_is_revoked_b001_b003() {
    let api = api().await;
    let programmable = api.on_host("api.twilio.com");
    let key = programmable
        .post(&format!("/2010-04-01/Accounts/{ACCOUNT}/Keys.json"), &[])
        .await
        .expect(201);
    let (sid, secret) = (key["sid"].as_str().unwrap(), key["secret"].as_str().unwrap());
    let by_key = api.as_caller(sid, secret);
    by_key.get("/v1/Conversations").await.expect(200);
    by_key
        .as_caller(sid, "wrong")
        .get("/v1/Conversations")
        .await
        .refused(401, 20003);
    programmable
        .delete(&format!("/2010-04-01/Accounts/{ACCOUNT}/Keys/{sid}.json"))
        .await
        .expect(204);
    by_key.get("/v1/Conversations").await.refused(401, 20003);
}

#[tokio::test]
async fn base64_is_taken_with_and_without_padding() {
    let api = api().await;
    let plain = format!("{ACCOUNT}:{TOKEN}");
    assert_ne!(STANDARD.encode(&plain), STANDARD_NO_PAD.encode(&plain));
    for auth in [
        format!("Basic {}", STANDARD.encode(&plain)),
        format!("basic {}", STANDARD_NO_PAD.encode(&plain)),
    ] {
        api.with_auth(Some(&auth))
            .get("/v1/Configuration")
            .await
            .expect(200);
    }
    let no_colon = format!("Basic {}", STANDARD.encode(ACCOUNT));
    for auth in ["", "Basic", "Basic !!", "Bearer abc", &no_colon, "Basic gIA6gIA="] {
        api.with_auth(Some(auth))
            .get("/v1/Configuration")
            .await
            .refused(401, 20003);
    }
}

#[tokio::test]
async fn no_credentials_is_401_before_anything_else_b002() {
    let api = api().await.with_auth(None);
    let answer = api.get(&format!("/v1/Services/{SOME_IS}/Users")).await;
    assert_eq!(answer.header("www-authenticate"), "Basic realm=\"Twilio API\"");
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(fields(&answer.text), ["code", "message", "more_info", "status"]);
    assert_eq!(answer.refused(401, 20003), "Authenticate");
    api.post("/v1/Users", &[]).await.refused(401, 20003);
    let programmable = api
        .on_host("api.twilio.com")
        .get(&format!("/2010-04-01/Accounts/{ACCOUNT}.json"))
        .await;
    assert_eq!(
        programmable.json()["detail"],
        "Your AccountSid or AuthToken was incorrect."
    );
}

#[tokio::test]
async fn an_unknown_path_is_404_with_the_path_without_version_b004() {
    let api = api().await.with_auth(None);
    for (path, shown) in [
        ("/v1/Foo", "/Foo"),
        ("/Foo", "/Foo"),
        ("/v2/Conversations", "/Conversations"),
        ("/", "/"),
    ] {
        let message = api.get(path).await.refused(404, 20404);
        assert_eq!(message, format!("The requested resource {shown} was not found"));
    }
    // A product that answers nothing yet.
    api.on_host("studio.twilio.com")
        .get("/v2/Flows")
        .await
        .refused(404, 20404);
    let message = api
        .on_host("localhost")
        .get("/conversations/v1/Foo?x=1")
        .await
        .refused(404, 20404);
    assert_eq!(message, "The requested resource /Foo was not found");
}

#[tokio::test]
async fn unknown_and_malformed_sids_in_paths_are_404_b004_b005() {
    let api = api().await;
    let foreign = api
        .as_caller(OTHER_ACCOUNT, TOKEN)
        .get("/v1/Configuration")
        .await
        .expect(200);
    let foreign = foreign["default_chat_service_sid"].as_str().unwrap();
    for service in [SOME_IS, "CH0123456789abcdef0123456789abcdef", "nonsense", foreign] {
        for tail in ["", "/Conversations", "/Users/x"] {
            let message = api
                .get(&format!("/v1/Services/{service}{tail}"))
                .await
                .refused(404, 20404);
            assert_eq!(
                message,
                format!("The requested resource /Services/{service}{tail} was not found")
            );
        }
    }
    for item in ["%ff", "a%00b", "CH0123456789abcdef0123456789abcdef"] {
        api.get(&format!("/v1/Conversations/{item}"))
            .await
            .refused(404, 20404);
    }
}

#[tokio::test]
async fn a_wrong_method_on_a_known_path_is_405_b006_b052() {
    let api = api().await;
    let put = |path| api.request("PUT", path).body(Body::empty()).unwrap();
    assert_eq!(
        api.send(put("/v1/Conversations")).await.refused(405, 20004),
        "Method not allowed"
    );
    let patch = api.request("PATCH", "/v1/Users/a").body(Body::empty()).unwrap();
    api.send(patch).await.refused(405, 20004);
    api.delete("/v1/Conversations").await.refused(405, 20004);
    let service = api
        .post("/v1/Services", &[("FriendlyName", "x")])
        .await
        .expect(201);
    api.post(&format!("/v1/Services/{}", service["sid"].as_str().unwrap()), &[])
        .await
        .refused(405, 20004);
}

#[tokio::test]
async fn every_answer_carries_the_headers_b034_b035() {
    let api = api().await;
    let mut ids = std::collections::HashSet::new();
    let options = api.with_auth(None);
    let options = options
        .request("OPTIONS", "/v1/Whatever")
        .body(Body::empty())
        .unwrap();
    let answers = [
        (api.get("/v1/Conversations").await, 200),
        (api.get("/v1/Foo").await, 404),
        (api.delete("/v1/Conversations").await, 405),
        (api.with_auth(None).get("/v1/Conversations").await, 401),
        (api.send(options).await, 204),
    ];
    for (answer, status) in answers {
        assert_eq!(answer.status, status);
        let id = answer.header("twilio-request-id").to_owned();
        assert!(
            id.len() == 34 && id.starts_with("RQ") && id[2..].bytes().all(|b| b.is_ascii_hexdigit()),
            "{id}"
        );
        assert!(ids.insert(id));
        assert_eq!(answer.header("twilio-concurrent-requests"), "1");
        let (seconds, fraction) = answer.header("twilio-request-duration").split_once('.').unwrap();
        assert!(seconds.parse::<u32>().is_ok() && fraction.len() == 3);
        for (name, value) in [
            ("x-api-domain", "conversations.twilio.com"),
            ("x-home-region", "us1"),
            ("strict-transport-security", "max-age=31536000"),
            ("access-control-allow-origin", "*"),
            ("access-control-allow-methods", "GET, POST, DELETE, OPTIONS"),
            ("access-control-expose-headers", "ETag"),
            ("access-control-allow-credentials", "true"),
        ] {
            assert_eq!(answer.header(name), value, "{name}");
        }
        assert!(
            answer
                .header("access-control-allow-headers")
                .ends_with("Idempotency-Key")
        );
    }
    let media = api.on_host("mcs.us1.twilio.com").get("/v1/Services").await;
    assert!(
        media
            .header("access-control-allow-headers")
            .ends_with("X-Twilio-Token")
    );
}

#[tokio::test]
async fn accounts_are_apart_b032() {
    let api = api().await;
    let path = api.conversation(&[("UniqueName", "mine")]).await;
    let other = api.as_caller(OTHER_ACCOUNT, TOKEN);
    other.get(&path).await.refused(404, 20404);
    other.get("/v1/Conversations/mine").await.refused(404, 20404);
    other
        .post(&format!("{path}/Messages"), &[("Body", "x")])
        .await
        .refused(404, 50350);
    other.conversation(&[("UniqueName", "mine")]).await;
}
