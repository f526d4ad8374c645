//! What is asked before it happens.

use std::sync::Arc;

use confab_testkit::{Reply, TestClock, TestServer};
use serde_json::json;
use tokio::sync::Notify;

use super::{CONVERSATIONS, World};

/// B-396, B-398, B-400, B-448: a webhook puts other values in.
#[tokio::test]
async fn a_message_is_stored_as_the_webhook_wants_it() {
    let mut world = World::new(&["onMessageAdd", "onMessageAdded", "onMessageUpdate"]).await;
    world.sink.answer(|call| match call.event() {
        "onMessageAdd" => {
            Reply::body(r#"{"body":"masked","author":"censor","attributes":"{\"by\":\"hook\"}","sid":"IM"}"#)
        }
        "onMessageUpdate" => Reply::body(r#"{"attributes":{"again":true}}"#),
        _ => Reply::ok(),
    });
    let sid = world.conversation().await;
    let path = format!("{CONVERSATIONS}/{sid}/Messages");
    let made = world
        .post(&path, &[("Body", "rude"), ("Author", "troll")])
        .await
        .expect(201);
    assert_eq!(made.text_of("body"), "masked");
    assert_eq!(made.text_of("author"), "censor");
    assert_eq!(made.text_of("attributes"), r#"{"by":"hook"}"#);
    let calls = world.sink.expect(&["onMessageAdd", "onMessageAdded"]).await;
    assert_eq!(
        (calls[0].text("Body"), calls[0].text("Author")),
        ("rude", "troll")
    );
    assert_eq!((calls[0].get("MessageSid"), calls[0].get("Index")), (None, None));
    assert_eq!(
        (calls[1].text("Body"), calls[1].text("Author")),
        ("masked", "censor")
    );
    let message = format!("{path}/{}", made.text_of("sid"));
    let changed = world.post(&message, &[("Body", "calm")]).await.expect(200);
    assert_eq!(changed.text_of("body"), "calm");
    assert_eq!(changed.text_of("attributes"), r#"{"again":true}"#);
    let call = world.sink.expect(&["onMessageUpdate"]).await.remove(0);
    assert_eq!(
        (call.text("Body"), call.text("MessageSid")),
        ("calm", made.text_of("sid").as_str())
    );
}

/// B-403, B-406: refused means that nothing happened, and nobody is told.
#[tokio::test]
async fn a_refusal_leaves_nothing_behind() {
    let mut world = World::new(&[
        "onMessageAdd",
        "onMessageAdded",
        "onConversationRemove",
        "onParticipantAdd",
    ])
    .await;
    let sid = world.conversation().await;
    let path = format!("{CONVERSATIONS}/{sid}");
    for status in [400, 403, 404, 429, 500, 503] {
        world.sink.answer(move |_| Reply::status(status));
        let refused = world
            .post(&format!("{path}/Messages"), &[("Body", "x")])
            .await
            .expect(403);
        assert_eq!(refused.code(), Some(50056), "{status}");
        world.sink.expect(&["onMessageAdd"]).await;
    }
    assert_eq!(world.delete(&path).await.expect(403).code(), Some(50056));
    world.sink.expect(&["onConversationRemove"]).await;
    let people = format!("{path}/Participants");
    assert_eq!(
        world
            .post(&people, &[("Identity", "alice")])
            .await
            .expect(403)
            .code(),
        Some(50056)
    );
    world.sink.expect(&["onParticipantAdd"]).await;
    world
        .server
        .get("/conversations/v1/Users/alice")
        .await
        .expect(404);
    let messages = world.server.get(&format!("{path}/Messages")).await.expect(200);
    assert_eq!(messages.json["messages"], json!([]));
    // The index that was rehearsed is not used up.
    world.sink.answer(|_| Reply::ok());
    world.say(&sid, "first").await;
    let calls = world.sink.expect(&["onMessageAdd", "onMessageAdded"]).await;
    assert_eq!(calls[1].text("Index"), "0");
}

/// B-397, B-401, B-407: whatever else is answered, it happens as it was meant.
#[tokio::test]
async fn an_answer_that_says_nothing_changes_nothing() {
    let mut world = World::new(&["onMessageAdd"]).await;
    let elsewhere = world.sink.url("/elsewhere");
    let sid = world.conversation().await;
    for reply in [
        Reply::ok(),
        Reply::body("{}"),
        Reply::body("no JSON"),
        Reply::body(r#"{"body":null,"friendly_name":"x"}"#),
        Reply::status(204),
        Reply::To(302, elsewhere.clone()),
        Reply::To(307, elsewhere),
    ] {
        let text = format!("{reply:?}");
        world.sink.answer(move |_| reply.clone());
        let path = format!("{CONVERSATIONS}/{sid}/Messages");
        let made = world.post(&path, &[("Body", "as it is")]).await.expect(201);
        assert_eq!(made.text_of("body"), "as it is", "{text}");
        assert_eq!(world.sink.next().await.uri, "/pre", "{text}");
        assert!(world.sink.came().is_none(), "{text}");
    }
}

/// B-402: values of a webhook are held to the same rules.
#[tokio::test]
async fn a_bad_value_of_a_webhook_is_the_callers_error() {
    let mut world = World::new(&["onMessageAdd", "onConversationAdd", "onMessageAdded"]).await;
    let sid = world.conversation().await;
    let path = format!("{CONVERSATIONS}/{sid}/Messages");
    let long = "x".repeat(32 * 1024 + 1);
    for (answer, code) in [
        (json!({ "body": long }), 50504),
        (json!({ "body": "" }), 50503),
        (json!({ "attributes": "{" }), 50304),
        (json!({ "author": "a".repeat(257) }), 50310),
    ] {
        let text = answer.to_string();
        world.sink.answer(move |_| Reply::body(&text));
        let refused = world.post(&path, &[("Body", "x")]).await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, Some(code)),
            "{}",
            refused.text
        );
        world.sink.expect(&["onMessageAdd"]).await;
    }
    world
        .sink
        .answer(|_| Reply::body(&json!({ "friendly_name": "n".repeat(257) }).to_string()));
    assert_eq!(
        world.post(CONVERSATIONS, &[]).await.expect(400).code(),
        Some(50003)
    );
    world.sink.expect(&["onConversationAdd"]).await;
    let messages = world.server.get(&path).await.expect(200);
    assert_eq!(messages.json["messages"], json!([]));
}

/// B-399: the name of a conversation, and nothing else of it.
#[tokio::test]
async fn a_conversation_gets_its_name_from_the_webhook() {
    let mut world = World::new(&["onConversationAdd", "onConversationUpdate", "onConversationAdded"]).await;
    world.sink.answer(|call| match call.event() {
        "onConversationAdded" => Reply::ok(),
        _ => Reply::body(r#"{"friendly_name":"named","attributes":"{\"x\":1}","unique_name":"taken"}"#),
    });
    let made = world
        .post(CONVERSATIONS, &[("FriendlyName", "first")])
        .await
        .expect(201);
    assert_eq!(made.text_of("friendly_name"), "named");
    assert_eq!(
        (made.text_of("attributes"), &made.json["unique_name"]),
        ("{}".into(), &json!(null))
    );
    let calls = world
        .sink
        .expect(&["onConversationAdd", "onConversationAdded"])
        .await;
    assert_eq!(
        (calls[0].text("FriendlyName"), calls[0].get("ConversationSid")),
        ("first", None)
    );
    assert_eq!(calls[1].text("FriendlyName"), "named");
    let path = format!("{CONVERSATIONS}/{}", made.text_of("sid"));
    let changed = world
        .post(&path, &[("Attributes", r#"{"y":2}"#)])
        .await
        .expect(200);
    assert_eq!(changed.text_of("friendly_name"), "named");
    assert_eq!(changed.text_of("attributes"), r#"{"y":2}"#);
    let call = world.sink.expect(&["onConversationUpdate"]).await.remove(0);
    assert_eq!(call.text("Attributes"), r#"{"y":2}"#);
}

/// B-404: a webhook that is not there or does not answer holds nobody up for long.
#[tokio::test]
async fn a_webhook_that_does_not_answer_lets_it_happen() {
    let mut world = World::new(&["onMessageAdd"]).await;
    world.sink.answer(|_| Reply::Never);
    let url = world.sink.url("/pre#tt=2000");
    let form = [("PreWebhookUrl", url.as_str())];
    world
        .server
        .post("/conversations/v1/Configuration/Webhooks", &form)
        .await
        .expect(200);
    let sid = world.conversation().await;
    world.say(&sid, "in the end").await;
    world.sink.expect(&["onMessageAdd"]).await;
    let gone = world.sink.url("/pre");
    drop(std::mem::replace(
        &mut world.sink,
        confab_testkit::Sink::start().await,
    ));
    let form = [("PreWebhookUrl", gone.as_str())];
    world
        .server
        .post("/conversations/v1/Configuration/Webhooks", &form)
        .await
        .expect(200);
    world.say(&sid, "nobody there").await;
    let messages = world
        .server
        .get(&format!("{CONVERSATIONS}/{sid}/Messages"))
        .await
        .expect(200);
    assert_eq!(messages.json["messages"].as_array().unwrap().len(), 2);
}

/// What the server itself refuses, nobody is asked about.
#[tokio::test]
async fn nobody_is_asked_about_what_cannot_be() {
    let mut world = World::new(&["onMessageAdd", "onConversationAdd"]).await;
    let sid = world.conversation().await;
    let path = format!("{CONVERSATIONS}/{sid}/Messages");
    assert_eq!(world.post(&path, &[]).await.expect(400).code(), Some(50503));
    let long = "n".repeat(257);
    assert_eq!(
        world
            .post(CONVERSATIONS, &[("FriendlyName", &long)])
            .await
            .expect(400)
            .code(),
        Some(50003)
    );
    world.say(&sid, "this can be").await;
    let call = world.sink.expect(&["onMessageAdd"]).await.remove(0);
    assert_eq!(call.text("Body"), "this can be");
    assert!(world.sink.came().is_none());
}

/// B-403 for the SDK and for phones.
#[tokio::test]
async fn a_refusal_reaches_sdk_users_and_drops_what_phones_write() {
    let mut world = World::new(&["onMessageAdd", "onMessageAdded"]).await;
    let sid = world.conversation().await;
    let people = format!("{CONVERSATIONS}/{sid}/Participants");
    world
        .server
        .post(&people, &[("Identity", "alice")])
        .await
        .expect(201);
    let phone = [
        ("MessagingBinding.Address", "+15558675310"),
        ("MessagingBinding.ProxyAddress", "+15017122661"),
    ];
    world.server.post(&people, &phone).await.expect(201);
    world.sink.answer(|_| Reply::status(403));
    let mut socket = world.server.client("alice").await;
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        world.server.service_sid
    );
    let (status, body) = socket
        .request("POST", &path, &[], Some(&json!({ "body": "no" })))
        .await;
    assert_eq!((status, body["code"].as_u64()), (403, Some(50056)), "{body}");
    world.sink.expect(&["onMessageAdd"]).await;
    let handset = "/simulator/v1/Handsets/%2B15558675310/Messages";
    let sent = [("To", "+15017122661"), ("Body", "no")];
    world.server.post(handset, &sent).await.expect(201);
    let call = world.sink.expect(&["onMessageAdd"]).await.remove(0);
    assert_eq!(call.text("Source"), "SMS");
    let messages = format!("{CONVERSATIONS}/{sid}/Messages");
    assert_eq!(world.server.get(&messages).await.json["messages"], json!([]));
    // And what a webhook puts in, it puts into a phone's message too.
    world.sink.answer(|_| Reply::body(r#"{"body":"yes"}"#));
    world.server.post(handset, &sent).await.expect(201);
    let calls = world.sink.expect(&["onMessageAdd", "onMessageAdded"]).await;
    assert_eq!(
        (calls[1].text("Body"), calls[1].text("Author")),
        ("yes", "+15558675310")
    );
}

/// realtime.md §3.1: what an SDK client sends twice under one id is asked about once, told once, and answered as it was.
#[tokio::test]
async fn what_is_sent_twice_is_asked_about_once() {
    let mut world = World::new(&["onMessageAdd", "onMessageAdded"]).await;
    world.sink.answer(|call| match call.event() {
        "onMessageAdd" => Reply::body(r#"{"body":"masked"}"#),
        _ => Reply::ok(),
    });
    let sid = world.conversation().await;
    let participants = format!("{CONVERSATIONS}/{sid}/Participants");
    let quiet = &world.server;
    quiet
        .post(&participants, &[("Identity", "alice")])
        .await
        .expect(201);
    let mut alice = quiet.client("alice").await;
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        quiet.service_sid
    );
    let mut answers = Vec::new();
    for id in ["one", "one", "two"] {
        let header = json!({"method": "message", "http_request": {"method": "POST", "path": path,
            "headers": {"X-Twilio-Mutation-Id": id}}});
        let sent = alice.send(header, br#"{"body":"rude"}"#).await;
        answers.push(alice.reply(&sent).await.json());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(
        (&answers[0]["body"], &answers[2]["index"]),
        (&json!("masked"), &json!(1))
    );
    let mut expected = ["onMessageAdd", "onMessageAdd", "onMessageAdded", "onMessageAdded"];
    let mut came: Vec<String> = Vec::new();
    for _ in expected {
        came.push(world.sink.next().await.event().to_owned());
    }
    came.sort_unstable();
    expected.sort_unstable();
    assert_eq!(came, expected);
    assert!(world.sink.came().is_none());
}

/// realtime.md §3.1: what is sent again, under the same id, while a webhook is still asked about it, is not asked about
/// again; a refusal is the answer to all.
#[tokio::test]
async fn a_change_that_comes_twice_at_once_is_asked_about_once() {
    let mut world = World::new(&["onMessageAdd"]).await;
    let sid = world.conversation().await;
    let participants = format!("{CONVERSATIONS}/{sid}/Participants");
    world
        .server
        .post(&participants, &[("Identity", "alice")])
        .await
        .expect(201);
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        world.server.service_sid
    );
    let header = |id: &str| {
        json!({"method": "message", "http_request": {"method": "POST", "path": path,
            "headers": {"X-Twilio-Mutation-Id": id}}})
    };
    let mut sockets = Vec::new();
    for _ in 0..4 {
        sockets.push(world.server.client("alice").await);
    }
    for (reply, status) in [(Reply::ok(), 201), (Reply::status(403), 403)] {
        let go = Arc::new(Notify::new());
        let held = Reply::Held(Arc::clone(&go), Box::new(reply));
        world.sink.answer(move |call| match call.text("Body") {
            "slow" => held.clone(),
            _ => Reply::ok(),
        });
        let mut sent = Vec::new();
        for socket in &mut sockets {
            let id = socket
                .send(header(&format!("{status}")), br#"{"body":"slow"}"#)
                .await;
            sent.push(id);
        }
        world.sink.expect(&["onMessageAdd"]).await;
        // Something else, which came later, is asked about and happens meanwhile.
        let mut other = world.server.client("alice").await;
        let id = other
            .send(header(&format!("other {status}")), br#"{"body":"quick"}"#)
            .await;
        assert_eq!(other.reply(&id).await.header["http_status"]["code"], 201);
        let call = world.sink.expect(&["onMessageAdd"]).await.remove(0);
        assert_eq!(call.text("Body"), "quick");
        assert!(world.sink.came().is_none(), "asked about it again");
        go.notify_one();
        let mut answers = Vec::new();
        for (socket, id) in sockets.iter_mut().zip(&sent) {
            let reply = socket.reply(id).await;
            assert_eq!(reply.header["http_status"]["code"], status);
            answers.push(reply.json());
        }
        assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
        assert!(world.sink.came().is_none(), "asked about it again");
    }
    let messages = world
        .server
        .rest
        .list(&format!("{CONVERSATIONS}/{sid}/Messages"), "messages")
        .await;
    assert_eq!(messages.len(), 3);
}

/// B-709: what a client sent while a webhook was asked is not done when its token has expired meanwhile.
#[tokio::test]
async fn what_waited_behind_a_question_is_not_done_with_an_expired_token() {
    let clock = TestClock::new();
    let mut world = World::on(TestServer::start_at(clock.clone()).await, &["onConversationAdd"]).await;
    let go = Arc::new(Notify::new());
    let held = Reply::Held(Arc::clone(&go), Box::new(Reply::ok()));
    world.sink.answer(move |_| held.clone());
    let server = &world.server;
    let (key, secret) = server.create_key().await;
    let token = server.access_token("alice", &server.service_sid, &key, &secret, 3600);
    let mut alice = server.connect().await;
    assert_eq!(alice.init(&token).await.status(), 200);
    let path = format!("/Client/v2/Services/{}/Conversations", server.service_sid);
    let create = json!({"method": "message", "http_request": {"method": "POST", "path": path}});
    let asked = alice.send(create, b"{}").await;
    let rename = json!({"method": "message", "http_request": {"method": "POST",
        "path": format!("/Client/v2/Services/{}/Users/alice", server.service_sid)}});
    alice.send(rename, br#"{"friendly_name":"late"}"#).await;
    world.sink.expect(&["onConversationAdd"]).await;
    // Its dates are those of the machine, which the clock is behind by the time that the server took to start.
    clock.advance(2 * 3600);
    go.notify_one();
    assert_eq!(alice.reply(&asked).await.header["http_status"]["code"], 201);
    let close = alice.wait_for("a close", |frame| frame.method() == "close").await;
    assert_eq!(close.status(), 410, "{}", close.header);
    let user = world
        .server
        .get("/conversations/v1/Users/alice")
        .await
        .expect(200);
    assert_ne!(user.json["friendly_name"], "late");
}
