//! A clock that is put forward by hand, and what follows it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

use confab_engine::VirtualClock;
use confab_testkit::{Reply, Sink, TestServer, soon};

const CLOCK: &str = "/confab/v1/Clock";
const CONVERSATIONS: &str = "/conversations/v1/Conversations";

async fn server() -> TestServer {
    TestServer::start_at(VirtualClock::default()).await
}

/// B-119, B-115, B-125, B-384: a month of timers passes in one request, and is told of with its reason.
#[tokio::test]
async fn timers_of_a_month_run_off_at_once() {
    let server = server().await;
    let mut sink = Sink::start().await;
    let url = sink.url("/");
    let hook = [
        ("PostWebhookUrl", url.as_str()),
        ("Filters", "onConversationStateUpdated"),
    ];
    server
        .post("/conversations/v1/Configuration/Webhooks", &hook)
        .await
        .expect(200);
    let timers = [("Timers.Inactive", "P30D"), ("Timers.Closed", "P10D")];
    let made = server.post(CONVERSATIONS, &timers).await.expect(201);
    let path = format!("{CONVERSATIONS}/{}", made.text_of("sid"));
    let moved = server
        .post(CLOCK, &[("Advance", "P29DT23H59M")])
        .await
        .expect(200);
    assert_eq!(
        (moved.text_of("clock").as_str(), &moved.json["settled"]),
        ("virtual", &true.into())
    );
    assert_eq!(server.get(&path).await.text_of("state"), "active");
    server.post(CLOCK, &[("Advance", "PT1M")]).await.expect(200);
    assert_eq!(server.get(&path).await.text_of("state"), "inactive");
    // A message is activity (B-123), and both timers begin anew.
    server
        .post(&format!("{path}/Messages"), &[("Body", "still here")])
        .await
        .expect(201);
    server.post(CLOCK, &[("Advance", "P41D")]).await.expect(200);
    assert_eq!(server.get(&path).await.text_of("state"), "closed");
    for (from, to, reason) in [
        ("active", "inactive", "TIMER"),
        ("inactive", "active", "EVENT"),
        ("active", "inactive", "TIMER"),
        ("inactive", "closed", "TIMER"),
    ] {
        let call = sink.next().await;
        let said = ["StateFrom", "StateTo", "Reason"].map(|name| call.text(name).to_owned());
        assert_eq!(said, [from, to, reason]);
        assert_eq!(call.get("Source").is_none(), reason == "TIMER", "B-389");
    }
}

/// B-410: a day of failing tries.
#[tokio::test]
async fn a_call_is_given_up_after_a_day() {
    let server = server().await;
    let mut sink = Sink::start().await;
    sink.answer(|_| Reply::status(503));
    let url = sink.url("/");
    let hook = [
        ("PostWebhookUrl", url.as_str()),
        ("Filters", "onConversationStateUpdated"),
    ];
    server
        .post("/conversations/v1/Configuration/Webhooks", &hook)
        .await
        .expect(200);
    let timers = [("Timers.Inactive", "PT1M")];
    server.post(CONVERSATIONS, &timers).await.expect(201);
    server.post(CLOCK, &[("Advance", "PT1M")]).await.expect(200);
    let first = sink.next().await;
    assert_eq!(first.text("RetryCount"), "0");
    let mut tries = 1;
    for _ in 0..60 {
        server.post(CLOCK, &[("Advance", "PT30M")]).await.expect(200);
        while let Some(call) = sink.came() {
            assert_eq!(call.text("RetryCount"), tries.to_string());
            assert_eq!(
                call.header("I-Twilio-Idempotency-Token"),
                first.header("I-Twilio-Idempotency-Token")
            );
            tries += 1;
        }
    }
    assert!((40..=60).contains(&tries), "{tries}");
    let account = confab_types::Sid::parse(&server.account_sid).unwrap();
    let read = server
        .engine()
        .read(move |tx| confab_domain::hook::log::fetch(tx, account, 1));
    let (delivery, attempts) = read.await.unwrap();
    assert_eq!(delivery.state, confab_domain::hook::delivery::State::Failed);
    assert_eq!(attempts.len(), tries);
}

/// B-704, B-708, B-709: tokens go by the same clock.
#[tokio::test]
async fn a_token_ends_by_the_clock() {
    let server = server().await;
    let mut socket = server.client("alice").await;
    server.post(CLOCK, &[("Advance", "PT58M")]).await.expect(200);
    let notice = soon("the notice", socket.next()).await.expect("a frame");
    assert_eq!(notice.method(), "client_update");
    server.post(CLOCK, &[("Advance", "PT3M")]).await.expect(200);
    let close = soon("the end", socket.next()).await.expect("a frame");
    assert_eq!(close.method(), "close");
    assert_eq!(close.header["payload"], serde_json::Value::Null);
    // A token of before is refused by the same clock, one that lives on is taken.
    let (key, secret) = server.create_key().await;
    for (ttl, status) in [(3600, 401), (7200, 200)] {
        let token = server.access_token("alice", &server.service_sid, &key, &secret, ttl);
        let reply = server.connect().await.init(&token).await;
        assert_eq!(reply.status(), status, "{}", reply.header);
    }
}

#[tokio::test]
async fn only_a_virtual_clock_is_moved_only_forward_and_only_by_the_owner() {
    let plain = TestServer::start().await;
    let refused = plain.post(CLOCK, &[("Advance", "P1D")]).await.expect(403);
    assert_eq!(refused.code(), Some(20006));
    assert_eq!(plain.get(CLOCK).await.expect(200).text_of("clock"), "system");
    let server = server().await;
    for form in [
        &[][..],
        &[("Advance", "1 day")],
        &[("Advance", "P1M")],
        &[("Advance", "-P1D")],
        &[("Set", "2020-01-01T00:00:00Z")],
        &[("Set", "tomorrow")],
        &[("Advance", "P1D"), ("Set", "2100-01-01T00:00:00Z")],
        &[("Advance", "P9999999D")],
    ] {
        server.post(CLOCK, form).await.expect(400);
    }
    let set = server
        .post(CLOCK, &[("Set", "2100-01-01T00:00:00Z")])
        .await
        .expect(200);
    assert!(set.text_of("now").starts_with("2100-01-01T00:0"), "{}", set.text);
    let made = server.post(CONVERSATIONS, &[]).await.expect(201);
    assert!(made.text_of("date_created").starts_with("2100-01-01T00:0"));
    let sub = server.post("/2010-04-01/Accounts.json", &[]).await.expect(201);
    let rest = server.rest.with(&sub.text_of("sid"), &sub.text_of("auth_token"));
    assert_eq!(
        rest.post(CLOCK, &[("Advance", "P1D")]).await.expect(403).code(),
        Some(20006)
    );
    server.rest.anonymous().get(CLOCK).await.expect(401);
}
