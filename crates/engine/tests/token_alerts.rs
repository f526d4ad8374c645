//! What an account hears of tokens of its clients that are refused.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use confab_domain::alert::{self, Filter};
use confab_domain::{Error, Window};
use confab_testkit::{TestClock, TestEngine, access_token, engine_at, signed_token};
use serde_json::json;

/// Codes and resources of the alerts, by code: those of one moment have no order.
async fn alerts(engine: &TestEngine) -> Vec<(i64, String)> {
    let (account, now) = (engine.account.sid, engine.now());
    let window = Window {
        cursor: None,
        size: 100,
    };
    let page = engine
        .read(move |tx| alert::list(tx, account, &Filter::default(), now, &window))
        .await
        .unwrap();
    let of = |a: alert::Alert| (a.error_code, a.resource.unwrap_or_default());
    let mut found: Vec<_> = page.items.into_iter().map(of).collect();
    found.sort();
    found
}

/// The codes of alerts beside those that clients get.
#[tokio::test]
async fn each_fault_is_told_once_a_minute_b702_b703_b704_b705_b706() {
    let clock = TestClock::new();
    let engine = engine_at(clock.clone()).await;
    let (key, secret) = engine
        .create_key(confab_domain::Actor::Rest, engine.account.sid, String::new())
        .await
        .unwrap();
    let (account, key) = (engine.account.sid.to_string(), key.sid.to_string());
    let service = engine.account.default_service.to_string();
    let now = engine.now().seconds();
    let signed = |changes: serde_json::Value| {
        let mut claims = json!({
            "iss": key, "sub": account, "iat": now, "exp": now + 3600,
            "grants": {"identity": "alice", "chat": {"service_sid": service}},
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        signed_token(Some("twilio-fpa;v=1"), &claims, &secret)
    };
    let good = signed(json!({}));
    let tokens = [
        (20102, 51114, signed_token(None, &json!({"iss": key}), &secret)),
        (
            20107,
            51117,
            access_token(&account, "alice", &service, &key, "another", 60),
        ),
        (20103, 51115, signed(json!({"sub": "AC0"}))),
        (20104, 51119, signed(json!({"exp": now - 1}))),
        (20105, 51120, signed(json!({"nbf": now + 60}))),
        (20157, 51121, signed(json!({"exp": now + 25 * 3600}))),
        (20106, 51103, signed(json!({"grants": {"identity": "alice"}}))),
        (
            51105,
            51105,
            signed(json!({"grants": {"chat": {"service_sid": service}}})),
        ),
        (
            51101,
            51101,
            signed(json!({"grants": {"identity": "alice", "chat": {"service_sid": "IS0"}}})),
        ),
    ];
    for _ in 0..3 {
        for (code, _, token) in &tokens {
            match engine.verify_token(token).await {
                Err(Error::Api(error)) => assert_eq!(error.code, *code),
                other => panic!("not refused with {code}: {other:?}"),
            }
        }
    }
    engine.verify_token(&good).await.unwrap();
    // A key of nobody, and what is no token at all, is told to nobody.
    for nobodys in [
        signed(json!({"iss": "SK00000000000000000000000000000000"})),
        "hello".into(),
    ] {
        assert!(engine.verify_token(&nobodys).await.is_err());
    }
    let mut once: Vec<_> = tokens.iter().map(|(_, code, _)| (*code, key.clone())).collect();
    once.sort();
    assert_eq!(alerts(&engine).await, once);
    clock.advance(60);
    assert!(engine.verify_token(&tokens[1].2).await.is_err());
    assert_eq!(alerts(&engine).await.len(), once.len() + 1);
}

/// An identity that is too long is found where the user is made.
#[tokio::test]
async fn an_identity_that_is_too_long_is_told_as_51003() {
    let engine = engine_at(TestClock::new()).await;
    let (key, secret) = engine
        .create_key(confab_domain::Actor::Rest, engine.account.sid, String::new())
        .await
        .unwrap();
    let (account, service) = (engine.account.sid, engine.account.default_service);
    let token = access_token(
        &account.to_string(),
        &"x".repeat(257),
        &service.to_string(),
        &key.sid.to_string(),
        &secret,
        3600,
    );
    let token = engine.verify_token(&token).await.unwrap();
    assert_eq!(engine.client(&token).await, Err(Error::code(50207)));
    assert_eq!(alerts(&engine).await, [(51003, String::new())]);
}
