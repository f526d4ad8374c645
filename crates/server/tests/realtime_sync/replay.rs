//! What is replayed from an event id on.

use confab_testkit::TestServer;
use serde_json::{Value, json};

use super::{Follower, finished, write_concurrently};
use crate::support::{
    CONVERSATIONS, Entity, Event, Feed, USERS, add, connect, conversation, remove, say, user,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_established_again_goes_on_and_is_confirmed_again_s4_8() {
    const TOTAL: usize = 200;
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut feed = Feed::new(server.client("alice").await);
    let mut known = Follower::open(&mut feed, &sid).await;
    let writers = write_concurrently(&server, &sid, TOTAL, "hello");
    let total = i64::try_from(TOTAL).unwrap();
    let mut correlation = 7;
    while !known.is_done(total) {
        correlation += 1;
        let (status, _) = feed
            .subscriptions("establish", correlation, &known.requests())
            .await;
        assert_eq!(status, 202);
        let mut confirmed = 0;
        while confirmed < 2 {
            let event = feed.next("the confirmation").await;
            if event.kind == "subscription_established" {
                assert_eq!(event.correlation, correlation, "{event:?}");
                assert_eq!(event.data["replay_status"], "completed", "{event:?}");
                confirmed += 1;
            }
            // An event that was on its way when the batch was sent is replayed: the client knows its id.
            let known_already = match event.kind.as_str() {
                "list_item_added" => event.id() <= known.list_at,
                "document_updated" => event.id() <= known.document_at,
                _ => false,
            };
            if !known_already {
                known.take(&event);
            }
        }
    }
    finished(writers).await;
    assert_eq!(known.next_index, total);
}

/// What of these events is of an entity, as type and key or index.
fn of<'a>(events: &'a [Event], entity: &Entity) -> Vec<(&'a str, String)> {
    let found: Vec<&Event> = events
        .iter()
        .filter(|e| e.is_of(entity) && !e.kind.starts_with("subscription_"))
        .collect();
    assert!(
        found.windows(2).all(|w| w[0].id() <= w[1].id()),
        "in the order of ids: {found:?}"
    );
    assert!(
        found.iter().all(|e| e.id() > entity.last_event_id),
        "after {}: {found:?}",
        entity.last_event_id
    );
    found
        .iter()
        .map(|e| {
            let key = match (&e.data["item_key"], &e.data["item_index"]) {
                (Value::String(key), _) => key.clone(),
                (_, index) => index.to_string(),
            };
            (e.kind.as_str(), key)
        })
        .collect()
}

#[tokio::test]
async fn a_replay_is_one_event_an_item_added_updated_or_removed_s4_9() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let alice = user(&server, "alice").await;
    let [bob, dave] = [add(&server, &sid, "bob").await, add(&server, &sid, "dave").await];
    let mut messages = Vec::new();
    for text in [
        "0 stays",
        "1 is edited",
        "2 is removed",
        "3 is edited and removed",
    ] {
        messages.push(say(&server, &sid, text).await);
    }
    let [kept, left] = [
        conversation(&server, &["alice"]).await,
        conversation(&server, &["alice"]).await,
    ];
    let token = server.token("alice").await;
    let mut feed = Feed::new(connect(&server, &token).await);
    let own = feed.open("map", &format!("{alice}.my_conversations")).await;
    let info = feed.open("map", &format!("{alice}.info")).await;
    let [document, list, roster] = feed.open_conversation(&sid).await;
    drop(feed);

    let one = format!("{CONVERSATIONS}/{sid}");
    let message = |at: usize| format!("{one}/Messages/{}", messages[at]);
    server.post(&message(1), &[("Body", "1 once")]).await.expect(200);
    server.post(&message(1), &[("Body", "1 twice")]).await.expect(200);
    server.delete(&message(2)).await.expect(204);
    server.post(&message(3), &[("Body", "3 once")]).await.expect(200);
    server.delete(&message(3)).await.expect(204);
    let new = say(&server, &sid, "4 is new").await;
    let gone = say(&server, &sid, "5 is made and removed while away").await;
    server.delete(&format!("{one}/Messages/{gone}")).await.expect(204);
    let edited = say(&server, &sid, "6 is new").await;
    say(&server, &sid, "7 is new").await;
    server
        .post(
            &format!("{one}/Messages/{edited}"),
            &[("Body", "6 is new and edited")],
        )
        .await
        .expect(200);
    server
        .post(
            &format!("{one}/Participants/{bob}"),
            &[("Attributes", "{\"b\":1}")],
        )
        .await
        .expect(200);
    remove(&server, &sid, &dave).await;
    let guest = add(&server, &sid, "guest").await;
    remove(&server, &sid, &guest).await;
    let eve = add(&server, &sid, "eve").await;
    server.post(&one, &[("FriendlyName", "First")]).await.expect(200);
    server.post(&one, &[("FriendlyName", "Second")]).await.expect(200);
    let participants = format!("{CONVERSATIONS}/{kept}/Participants/alice");
    server
        .post(&participants, &[("LastReadMessageIndex", "0")])
        .await
        .expect(200);
    server
        .delete(&format!("{CONVERSATIONS}/{left}"))
        .await
        .expect(204);
    let joined = conversation(&server, &["alice"]).await;
    let short = conversation(&server, &["alice"]).await;
    server
        .delete(&format!("{CONVERSATIONS}/{short}"))
        .await
        .expect(204);
    server
        .post(&format!("{USERS}/alice"), &[("FriendlyName", "Alice")])
        .await
        .expect(200);

    let mut feed = Feed::new(connect(&server, &token).await);
    let all = [&own, &info, &document, &list, &roster];
    let requests: Vec<Value> = all.iter().map(|e| e.since_read()).collect();
    let came = feed.establish(4711, &requests).await;
    assert!(came.iter().all(|e| e.correlation == 4711), "{came:?}");
    let text = |index: i64| {
        let event = came
            .iter()
            .find(|e| e.data["item_index"] == index && e.is_of(&list));
        event
            .map(|e| e.data["item_data"]["text"].clone())
            .unwrap_or_default()
    };
    assert_eq!(
        of(&came, &list),
        [
            ("list_item_updated", "1".to_owned()),
            ("list_item_removed", "2".into()),
            ("list_item_removed", "3".into()),
            ("list_item_added", "4".into()),
            ("list_item_added", "7".into()),
            ("list_item_added", "6".into()),
        ]
    );
    assert_eq!(
        [text(1), text(6)],
        [json!("1 twice"), json!("6 is new and edited")]
    );
    assert!(
        !format!("{came:?}").contains("3 once"),
        "a removed text is gone: {came:?}"
    );
    assert_eq!(
        of(&came, &roster),
        [
            ("map_item_updated", bob),
            ("map_item_removed", dave),
            ("map_item_added", eve)
        ]
    );
    assert_eq!(
        of(&came, &own),
        [
            ("map_item_updated", kept),
            ("map_item_removed", left),
            ("map_item_added", joined)
        ]
    );
    assert_eq!(
        of(&came, &info),
        [("map_item_updated", "friendlyName".to_owned())]
    );
    let documents: Vec<&Event> = came.iter().filter(|e| e.kind == "document_updated").collect();
    assert_eq!(documents.len(), 1, "{documents:?}");
    assert_eq!(documents[0].data["document_data"]["friendlyName"], "Second");
    assert_eq!(documents[0].data["document_data"]["lastMessage"]["index"], 7);
    let established = |e: &&Event| e.kind == "subscription_established";
    assert_eq!(came.iter().filter(established).count(), all.len());
    // The confirmation is behind the events of its entity and names the newest id.
    for entity in all {
        let at = came
            .iter()
            .position(|e| established(&e) && e.is_of(entity))
            .unwrap();
        assert!(came[at..].iter().skip(1).all(|e| !e.is_of(entity)), "{came:?}");
        let newest = came[..at].iter().filter(|e| e.is_of(entity)).map(Event::id).max();
        assert!(came[at].data["last_event_id"].as_i64() >= newest, "{came:?}");
    }
    assert_eq!(new.len(), 34);
    // With the ids that it has now nothing is missed.
    let mut again = Vec::new();
    for entity in [&own, &info, &document, &list, &roster] {
        let at = came.iter().find(|e| established(e) && e.is_of(entity)).unwrap();
        again.push(entity.after(at.data["last_event_id"].as_i64().unwrap()));
    }
    let came = feed.establish(4712, &again).await;
    assert!(came.iter().all(|e| established(&e)), "{came:?}");
}

#[tokio::test]
async fn without_a_last_id_nothing_is_replayed_and_from_the_start_all_is_s4_9() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    for text in ["0", "1", "2"] {
        say(&server, &sid, text).await;
    }
    let mut feed = Feed::new(server.client("alice").await);
    let [document, list, roster] = feed.open_conversation(&sid).await;
    let request = |last: Value| {
        [&document, &list, &roster].map(|e| {
            let mut request = json!({"object_sid": e.sid, "object_type": e.kind, "last_event_id": last});
            if last == "absent" {
                request.as_object_mut().unwrap().remove("last_event_id");
            }
            request
        })
    };
    for (correlation, last) in [(1, Value::Null), (2, json!("absent")), (3, json!(i64::MAX))] {
        let came = feed.establish(correlation, &request(last.clone())).await;
        assert!(
            came.iter().all(|e| e.kind == "subscription_established"),
            "{last}: {came:?}"
        );
        feed.cancel(10 + correlation, &request(Value::Null)).await;
    }
    for (correlation, last) in [(4, json!(-1)), (5, json!(i64::MIN))] {
        let came = feed.establish(correlation, &request(last.clone())).await;
        let count = |kind: &str| came.iter().filter(|e| e.kind == kind).count();
        let counts = [
            count("list_item_added"),
            count("map_item_added"),
            count("document_updated"),
        ];
        assert_eq!(counts, [3, 1, 1], "{last}: {came:?}");
    }
    // "From now on" includes what comes now.
    feed.cancel(20, &request(Value::Null)).await;
    feed.establish(6, &request(Value::Null)).await;
    say(&server, &sid, "3").await;
    let came = feed.until("the document", |e| e.kind == "document_updated").await;
    let kinds: Vec<&str> = came.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["list_item_added", "document_updated"],
        "§4.11: the message, then the document"
    );
}
