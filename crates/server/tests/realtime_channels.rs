//! Public channels and SDK clients: nothing of one shows, until it becomes a conversation (B-832, B-835).
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use confab_testkit::TestServer;
use serde_json::json;
use support::{Feed, add, conversation, user};

/// A public channel with these members and one message; gives its SID.
async fn channel(server: &TestServer, members: &[&str]) -> String {
    let all = format!("/chat/v2/Services/{}/Channels", server.service_sid);
    let sid = server
        .post(&all, &[("UniqueName", "lobby")])
        .await
        .expect(201)
        .text_of("sid");
    for identity in members {
        let path = format!("{all}/{sid}/Members");
        server.post(&path, &[("Identity", identity)]).await.expect(201);
    }
    let path = format!("{all}/{sid}/Messages");
    server
        .post(&path, &[("Body", "hello"), ("From", "bob")])
        .await
        .expect(201);
    sid
}

async fn migrate(server: &TestServer, sid: &str) {
    let path = format!("/chat/v3/Services/{}/Channels/{sid}", server.service_sid);
    server.post(&path, &[("Type", "private")]).await.expect(200);
}

#[tokio::test]
async fn a_member_sees_nothing_of_a_public_channel_b832() {
    let server = TestServer::start().await;
    let mut alice = Feed::new(server.client("alice").await);
    let mine = format!("{}.my_conversations", user(&server, "alice").await);
    let mine = alice.open("map", &mine).await;
    alice.establish(1, &[mine.since_read()]).await;
    let sid = channel(&server, &["alice", "bob"]).await;
    let root = format!("/Client/v2/Services/{}", server.service_sid);
    let one = format!("{root}/Conversations/{sid}");
    for (method, path, payload) in [
        ("GET", one.clone(), None),
        ("GET", format!("{root}/Conversations/lobby"), None),
        ("POST", one.clone(), Some(json!({"friendly_name": "x"}))),
        ("DELETE", one.clone(), None),
        ("POST", format!("{one}/Messages"), Some(json!({"body": "x"}))),
        (
            "POST",
            format!("{one}/Participants"),
            Some(json!({"identity": "alice"})),
        ),
    ] {
        let (status, body) = alice.socket.request(method, &path, &[], payload.as_ref()).await;
        assert_eq!(status, 404, "{method} {path}: {body}");
    }
    for (collection, name) in [
        ("Documents", "channel"),
        ("Lists", "messages"),
        ("Maps", "roster"),
    ] {
        let path = format!("/v3/{collection}/{sid}.{name}");
        let (status, body) = alice.socket.request("GET", &path, &[], None).await;
        assert_eq!(status, 404, "{path}: {body}");
    }
    // The next that she hears of is another conversation.
    let other = conversation(&server, &[]).await;
    add(&server, &other, "alice").await;
    assert_eq!(alice.next("the conversation").await.data["item_key"], other);
}

#[tokio::test]
async fn a_member_hears_of_the_channel_that_became_a_conversation_b833_b835() {
    let server = TestServer::start().await;
    let mut alice = Feed::new(server.client("alice").await);
    let mine = format!("{}.my_conversations", user(&server, "alice").await);
    let mine = alice.open("map", &mine).await;
    alice.establish(1, &[mine.since_read()]).await;
    let sid = channel(&server, &["alice", "bob"]).await;
    migrate(&server, &sid).await;
    let event = alice.next("the new conversation").await;
    assert_eq!(
        (event.kind.as_str(), &event.data["item_key"]),
        ("map_item_added", &json!(sid))
    );
    let [document, messages, roster] = alice.open_conversation(&sid).await;
    let requests = [document.after(-1), messages.after(-1), roster.after(-1)];
    let events = alice.establish(2, &requests).await;
    let of = |kind: &str| {
        let found = events.iter().filter(|event| event.kind == kind);
        found.map(|event| event.data.clone()).collect::<Vec<_>>()
    };
    let said = of("list_item_added");
    assert_eq!(said.len(), 1);
    assert_eq!(
        (&said[0]["item_index"], &said[0]["item_data"]["text"]),
        (&json!(0), &json!("hello"))
    );
    let mut members: Vec<_> = of("map_item_added")
        .iter()
        .map(|data| data["item_data"]["identity"].clone())
        .collect();
    members.sort_by_key(ToString::to_string);
    assert_eq!(members, ["alice", "bob"]);
    // And speaks in it.
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        server.service_sid
    );
    let (status, body) = alice
        .socket
        .request("POST", &path, &[], Some(&json!({"body": "hi"})))
        .await;
    assert_eq!((status, &body["index"]), (201, &json!(1)));
    // Who was away finds it, too.
    let bobs = format!("{}.my_conversations", user(&server, "bob").await);
    let mut bob = Feed::new(server.client("bob").await);
    let bobs = bob.open("map", &bobs).await;
    let events = bob.establish(1, &[bobs.after(-1)]).await;
    assert!(
        events.iter().any(|event| event.data["item_key"] == sid),
        "{events:?}"
    );
}
