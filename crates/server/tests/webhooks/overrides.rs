//! What the fragment of a webhook's URL says about its connection, as the called sees it.

use confab_testkit::{Call, Reply, TestServer};

use super::{CONVERSATIONS, World};

/// The calls that one message makes with a fragment, where the sink gives these answers one after another; a last one
/// that is asked for ends the row.
async fn calls(world: &mut World, sid: &str, fragment: &str, replies: Vec<Reply>) -> Vec<Call> {
    let mut replies = replies.into_iter();
    world.sink.answer(move |call| match call.text("Body") {
        "end" => Reply::ok(),
        _ => replies.next().unwrap_or_else(Reply::ok),
    });
    let url = world.sink.url(&format!("/post#{fragment}"));
    let form = [("PostWebhookUrl", url.as_str())];
    world
        .server
        .post("/conversations/v1/Configuration/Webhooks", &form)
        .await
        .expect(200);
    world.say(sid, &format!("repeated: {fragment}")).await;
    // One conversation is told of in order: when this one comes, all tries of the other are over.
    world.say(sid, "end").await;
    let mut calls = Vec::new();
    loop {
        let call = world.sink.next().await;
        assert_eq!(call.uri, "/post");
        if call.text("Body") == "end" {
            return calls;
        }
        calls.push(call);
    }
}

/// B-391, B-410: with one try each, only what the fragment says is repeated; with one token and a growing count.
#[tokio::test]
async fn a_fragment_says_what_is_repeated_at_once() {
    let server = TestServer::start_with(|config| config.webhooks.retry_secs = 0).await;
    let mut world = World::on(server, &["onMessageAdded"]).await;
    let sid = world.conversation().await;
    let failed = || Reply::status(500);
    for (fragment, replies, count) in [
        ("", vec![failed()], 1),
        ("top", vec![failed()], 1),
        // Connecting is all that is repeated where nothing else is said.
        ("rc=3", vec![failed(), failed()], 1),
        ("rp=5xx", vec![failed(), failed(), failed()], 2),
        ("rc=3&rp=5xx", vec![failed(), failed()], 3),
        ("rc=2&rp=5xx", vec![failed(), failed(), failed(), failed()], 3),
        (
            "rc=5&rp=all",
            vec![Reply::status(404), failed(), Reply::status(503)],
            4,
        ),
        ("rc=2&rp=4xx", vec![Reply::status(429), failed()], 2),
        ("rc=2&rp=5xx", vec![Reply::status(404)], 1),
        ("rc=2&rp=rt&rt=300&tt=15000", vec![Reply::Never, Reply::Never], 3),
        ("rc=2&rp=5xx&rt=300", vec![Reply::Never, failed()], 1),
        // The time for all of it ends the repetitions.
        ("rc=5&rp=rt&rt=15000&tt=2000", vec![Reply::Never], 1),
        // Out of bounds, and so not there.
        ("rc=6", vec![failed()], 1),
        ("rc=0&rp=all", vec![failed()], 1),
        ("rp=6xx", vec![failed()], 1),
    ] {
        let what = format!("{fragment} {replies:?}");
        let calls = calls(&mut world, &sid, fragment, replies).await;
        let counts: Vec<&str> = calls.iter().map(|call| call.text("RetryCount")).collect();
        let expected: Vec<String> = (0..count).map(|n| n.to_string()).collect();
        assert_eq!(counts, expected, "{what}");
        let token = |call: &Call| call.header("I-Twilio-Idempotency-Token").to_owned();
        assert!(calls.iter().all(|call| token(call) == token(&calls[0])), "{what}");
        // The count is signed with the rest.
        let signatures: std::collections::BTreeSet<&str> = calls
            .iter()
            .map(|call| call.header("X-Twilio-Signature"))
            .collect();
        assert_eq!(signatures.len(), count, "{what}");
    }
}

/// B-396, B-404: what is asked is repeated too, and the last answer counts.
#[tokio::test]
async fn a_question_is_repeated_as_its_fragment_says() {
    let mut world = World::new(&["onMessageAdd"]).await;
    let sid = world.conversation().await;
    let url = world.sink.url("/pre#rc=2&rp=5xx,rt&rt=1500&tt=15000");
    let form = [("PreWebhookUrl", url.as_str())];
    world
        .server
        .post("/conversations/v1/Configuration/Webhooks", &form)
        .await
        .expect(200);
    let path = format!("{CONVERSATIONS}/{sid}/Messages");
    for (replies, status, body) in [
        (
            vec![
                Reply::status(503),
                Reply::Never,
                Reply::body(r#"{"body":"third"}"#),
            ],
            201,
            "third",
        ),
        (vec![Reply::status(500), Reply::status(400)], 403, ""),
        (vec![Reply::Never, Reply::Never, Reply::Never], 201, "x"),
    ] {
        let count = replies.len();
        let mut replies = replies.into_iter();
        world
            .sink
            .answer(move |_| replies.next().unwrap_or_else(Reply::ok));
        let answer = world.post(&path, &[("Body", "x")]).await.expect(status);
        if status == 201 {
            assert_eq!(answer.text_of("body"), body);
        }
        for n in 0..count {
            assert_eq!(world.sink.next().await.text("RetryCount"), n.to_string());
        }
        assert!(world.sink.came().is_none());
    }
}
