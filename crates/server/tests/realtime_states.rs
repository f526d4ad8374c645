//! What SDK clients see of the states of a conversation (realtime.md §4.6), and that they cannot set them.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use confab_testkit::{TestClock, TestServer};
use serde_json::json;
use support::{CONVERSATIONS, Event, Feed, add, conversation, say, user};

/// Makes a conversation over REST with these parameters and one chat participant.
async fn timed(server: &TestServer, timers: &[(&str, &str)], identity: &str) -> String {
    let sid = server
        .post(CONVERSATIONS, timers)
        .await
        .expect(201)
        .text_of("sid");
    add(server, &sid, identity).await;
    sid
}

#[tokio::test]
async fn a_timer_and_a_message_change_the_document_b114_b119_b125() {
    let clock = TestClock::new();
    let server = TestServer::start_at(clock.clone()).await;
    let sid = timed(&server, &[("Timers.Inactive", "PT1M")], "alice").await;
    let mut alice = Feed::new(server.client("alice").await);
    let document = alice.open("document", &format!("{sid}.channel")).await;
    alice.establish(1, &[document.since_read()]).await;
    clock.advance(60);
    let event = alice.next("the inactive state").await;
    assert_eq!(event.kind, "document_updated");
    let data = &event.data["document_data"];
    assert_eq!(data["state"]["current"], "inactive");
    // The state's date is when it changed, and the whole document is there.
    assert_eq!(data["state"]["dateUpdated"], data["dateUpdated"]);
    assert_ne!(data["dateCreated"], data["dateUpdated"]);
    assert_eq!(data["createdBy"], "system");
    say(&server, &sid, "hello").await;
    let event = alice.next("the active state").await;
    assert_eq!(event.data["document_data"]["state"]["current"], "active");
    assert_eq!(event.data["document_data"]["lastMessage"]["index"], 0);
}

#[tokio::test]
async fn who_was_away_reads_the_state_that_a_timer_set_b122() {
    let clock = TestClock::new();
    let server = TestServer::start_at(clock.clone()).await;
    let sid = timed(&server, &[("Timers.Closed", "PT10M")], "alice").await;
    let mut alice = Feed::new(server.client("alice").await);
    let document = alice.open("document", &format!("{sid}.channel")).await;
    alice.establish(1, &[document.since_read()]).await;
    clock.advance(600);
    alice.next("the closed state").await;
    // A second client that knew the document before is told by the replay.
    let mut other = Feed::new(server.client("alice").await);
    let events = other.establish(2, &[document.since_read()]).await;
    assert!(
        events
            .iter()
            .any(|e| e.data["document_data"]["state"]["current"] == "closed"),
        "{events:?}"
    );
}

/// B-137, B-141: who is added with a conversation hears of it when it can be used, and never that it could not.
#[tokio::test]
async fn a_first_participant_comes_into_an_active_conversation_b137() {
    let server = TestServer::start().await;
    let mut alice = Feed::new(server.client("alice").await);
    let mine = format!("{}.my_conversations", user(&server, "alice").await);
    let mine = alice.open("map", &mine).await;
    alice.establish(1, &[mine.since_read()]).await;
    let form = [("Participant", r#"{"identity":"alice"}"#)];
    let made = server
        .post("/conversations/v1/ConversationWithParticipants", &form)
        .await
        .expect(202);
    assert_eq!(made.json["state"], "initializing");
    let sid = made.text_of("sid");
    let event = alice.next("the new conversation").await;
    assert_eq!(
        (event.kind.as_str(), &event.data["item_key"]),
        ("map_item_added", &json!(sid))
    );
    let [document, _, roster] = alice.open_conversation(&sid).await;
    let events = alice.establish(2, &[document.after(-1), roster.after(-1)]).await;
    let state = |event: &Event| event.data["document_data"]["state"]["current"].clone();
    assert!(events.iter().any(|event| state(event) == "active"), "{events:?}");
    say(&server, &sid, "hello").await;
    let shown = server.get(&format!("{CONVERSATIONS}/{sid}")).await.expect(200);
    assert_eq!(shown.json["state"], "active");
}

#[tokio::test]
async fn a_client_sets_neither_state_nor_timers_b143() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut alice = server.client("alice").await;
    let path = format!("/Client/v2/Services/{}/Conversations", server.service_sid);
    let tries = json!({"state": "inactive", "timers": {"inactive": "PT1M"}, "Timers.Inactive": "PT1M",
        "State": "closed", "timers_inactive": "PT1M"});
    let (status, body) = alice.request("POST", &path, &[], Some(&tries)).await;
    assert_eq!((status, &body["state"]), (201, &json!("active")));
    let made = body["sid"].as_str().unwrap().to_owned();
    let one = format!("{path}/{sid}");
    let (status, body) = alice.request("POST", &one, &[], Some(&tries)).await;
    assert_eq!((status, &body["state"]), (200, &json!("active")));
    for sid in [sid, made] {
        let shown = server.get(&format!("{CONVERSATIONS}/{sid}")).await.expect(200);
        assert_eq!(
            (&shown.json["state"], &shown.json["timers"]),
            (&json!("active"), &json!({}))
        );
    }
}
