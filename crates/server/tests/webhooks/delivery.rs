//! Delivery that lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use confab_testkit::{Reply, Sink, TestServer};

use super::{CONVERSATIONS, World};

/// B-409: in the order of the conversation, however many there are.
#[tokio::test]
async fn calls_of_a_conversation_come_in_its_order() {
    let mut world = World::new(&["onMessageAdded"]).await;
    let sid = world.conversation().await;
    let world_ref = &world;
    let sid_ref = sid.as_str();
    futures_util::future::join_all(
        (0..60).map(|n| async move { world_ref.say(sid_ref, &n.to_string()).await }),
    )
    .await;
    for index in 0..60 {
        assert_eq!(world.sink.next().await.text("Index"), index.to_string());
    }
}

/// B-391, B-410: again after a failure, with the same token and a growing count, and in order.
#[tokio::test]
async fn a_failed_call_is_repeated_with_its_token() {
    let mut world = World::new(&["onMessageAdded"]).await;
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    world
        .sink
        .answer(move |_| match counted.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::status(500),
            1 => Reply::status(429),
            _ => Reply::ok(),
        });
    let sid = world.conversation().await;
    world.say(&sid, "first").await;
    world.say(&sid, "second").await;
    let mut tokens = Vec::new();
    for count in ["0", "1", "2"] {
        let call = world.sink.next().await;
        assert_eq!((call.text("Body"), call.text("RetryCount")), ("first", count));
        tokens.push(call.header("I-Twilio-Idempotency-Token").to_owned());
    }
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    let call = world.sink.next().await;
    assert_eq!((call.text("Body"), call.text("RetryCount")), ("second", "0"));
    assert_ne!(call.header("I-Twilio-Idempotency-Token"), tokens[0]);
}

/// B-410: the original tries once.
#[tokio::test]
async fn without_retries_each_call_is_tried_once() {
    let server = TestServer::start_with(|config| config.webhooks.retry_secs = 0).await;
    let mut world = World::on(server, &["onMessageAdded"]).await;
    world.sink.answer(|_| Reply::status(500));
    let sid = world.conversation().await;
    for n in 0..12 {
        world.say(&sid, &n.to_string()).await;
    }
    for n in 0..12 {
        let call = world.sink.next().await;
        assert_eq!(
            (call.text("Body"), call.text("RetryCount")),
            (n.to_string().as_str(), "0")
        );
    }
}

/// B-408 and more: what is refused for good (4xx) is not repeated and holds nothing up.
#[tokio::test]
async fn an_answer_that_is_no_failure_of_the_way_ends_a_call() {
    let mut world = World::new(&["onMessageAdded"]).await;
    world.sink.answer(|call| match call.text("Body") {
        "gone" => Reply::status(410),
        _ => Reply::body(r#"{"body":"ignored"}"#),
    });
    let sid = world.conversation().await;
    world.say(&sid, "gone").await;
    world.say(&sid, "kept").await;
    assert_eq!(world.sink.next().await.text("Body"), "gone");
    assert_eq!(world.sink.next().await.text("Body"), "kept");
    let messages = world.server.get(&format!("{CONVERSATIONS}/{sid}/Messages")).await;
    assert_eq!(messages.json["messages"][1]["body"], "kept");
}

/// One dead target keeps nobody else waiting; what it missed it gets when it is back.
#[tokio::test]
async fn a_dead_target_keeps_nobody_waiting_and_misses_nothing() {
    let mut world = World::new(&["onMessageAdded"]).await;
    let dead = Sink::start().await;
    let address = dead.address;
    let url = dead.url("/dead");
    drop(dead);
    let mut conversations = Vec::new();
    for _ in 0..10 {
        let sid = world.conversation().await;
        let hook = [
            ("Target", "webhook"),
            ("Configuration.Url", url.as_str()),
            ("Configuration.Filters", "onMessageAdded"),
        ];
        let path = format!("{CONVERSATIONS}/{sid}/Webhooks");
        world.server.post(&path, &hook).await.expect(201);
        conversations.push(sid);
    }
    for sid in &conversations {
        for body in ["0", "1", "2"] {
            world.say(sid, body).await;
        }
    }
    for _ in 0..30 {
        world.sink.next().await;
    }
    let mut back = Sink::start_at(address).await;
    let mut seen = std::collections::BTreeMap::<String, Vec<String>>::new();
    for _ in 0..30 {
        let call = back.next().await;
        seen.entry(call.text("ConversationSid").to_owned())
            .or_default()
            .push(call.text("Body").to_owned());
    }
    assert_eq!(seen.len(), 10);
    assert!(seen.values().all(|bodies| bodies == &["0", "1", "2"]), "{seen:?}");
}

/// Redirects of what is told are followed, also here not to an address that must not be called.
#[tokio::test]
async fn calls_keep_out_of_the_servers_own_network() {
    let server = TestServer::start_with(|config| config.webhooks.allow_private = Some(false)).await;
    let mut world = World::on(server, &["onMessageAdd", "onMessageAdded"]).await;
    let sid = world.conversation().await;
    // Asked at an inner address: not called, and so let happen.
    let message = world.say(&sid, "quiet").await;
    assert!(message.starts_with("IM"));
    // The state of the delivery tells that it was given up, not merely that nothing has come yet.
    let account = confab_types::Sid::parse(&world.server.account_sid).unwrap();
    let engine = world.server.engine().clone();
    confab_testkit::soon("the end of the delivery", async {
        loop {
            let found = engine
                .read(move |tx| confab_domain::hook::log::fetch(tx, account, 1))
                .await
                .unwrap();
            if found.0.state == confab_domain::hook::delivery::State::Failed {
                assert_eq!(found.1.len(), 1);
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(world.sink.came().is_none());
}
