//! Replay, live events and the switch between them; pages of items; subscriptions (realtime.md §4; B-711…B-718).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use confab_testkit::{Socket, TestServer, soon};
use serde_json::{Value, json};
use support::{CONVERSATIONS, Entity, Event, Feed, USERS, add, connect, conversation, remove, say, user};
use tokio::sync::Barrier;

const WRITERS: usize = 16;

/// Posts over REST from [`WRITERS`] callers at once until there are `total` messages.
fn write_concurrently(
    server: &TestServer,
    conversation: &str,
    total: usize,
    body: &str,
) -> Vec<tokio::task::JoinHandle<()>> {
    let path = format!("{CONVERSATIONS}/{conversation}/Messages");
    let started = Arc::new(AtomicUsize::new(0));
    (0..WRITERS)
        .map(|_| {
            let (rest, path, body) = (server.rest.clone(), path.clone(), body.to_owned());
            let started = Arc::clone(&started);
            tokio::spawn(async move {
                while started.fetch_add(1, Ordering::Relaxed) < total {
                    rest.post(&path, &[("Body", body.as_str())]).await.expect(201);
                }
            })
        })
        .collect()
}

async fn finished(writers: Vec<tokio::task::JoinHandle<()>>) {
    for writer in writers {
        writer.await.unwrap();
    }
}

/// What an SDK client knows of one conversation: its place in messages and document.
struct Follower {
    list: Entity,
    document: Entity,
    list_at: i64,
    document_at: i64,
    next_index: i64,
    last_message: Value,
}

impl Follower {
    async fn open(feed: &mut Feed, conversation: &str) -> Self {
        let [document, list, _] = feed.open_conversation(conversation).await;
        Self {
            list_at: list.last_event_id,
            document_at: document.last_event_id,
            list,
            document,
            next_index: 0,
            last_message: Value::Null,
        }
    }

    fn requests(&self) -> [Value; 2] {
        [
            self.list.after(self.list_at),
            self.document.after(self.document_at),
        ]
    }

    /// Every message must be the next one, added and never seen before.
    fn take(&mut self, event: &Event) {
        match event.kind.as_str() {
            "list_item_added" => {
                assert!(event.id() > self.list_at, "an event came again: {event:?}");
                assert_eq!(
                    event.data["item_index"], self.next_index,
                    "after id {}: {event:?}",
                    self.list_at
                );
                assert_eq!(event.data["item_data"]["index"], self.next_index);
                self.next_index += 1;
                self.list_at = event.id();
            }
            "document_updated" => {
                assert!(event.id() > self.document_at, "an event came again: {event:?}");
                self.document_at = event.id();
                self.last_message = event.data["document_data"]["lastMessage"]["index"].clone();
            }
            "subscription_established" => {
                let newest = event.data["last_event_id"].as_i64().unwrap();
                if event.is_of(&self.list) {
                    // Everything up to the newest id was sent before.
                    assert!(newest >= self.list_at, "{event:?}");
                    self.list_at = newest;
                }
            }
            "subscription_canceled" => {}
            other => panic!("{other}: {event:?}"),
        }
    }

    fn is_done(&self, total: i64) -> bool {
        self.next_index == total && self.last_message == total - 1
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_comes_once_and_in_order_across_reconnects_under_16_writers_s4_8_b717() {
    const TOTAL: usize = 480;
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let token = server.token("alice").await;
    let writers = write_concurrently(&server, &sid, TOTAL, "hello");
    let follow = |patience: usize| {
        let (server, token, sid) = (&server, &token, &sid);
        async move {
            let total = i64::try_from(TOTAL).unwrap();
            let mut feed = Feed::new(connect(server, token).await);
            let mut known = Follower::open(&mut feed, sid).await;
            // From the beginning, whenever the first look was.
            (known.list_at, known.document_at) = (-1, -1);
            let mut cycles: i64 = 0;
            while !known.is_done(total) {
                cycles += 1;
                let correlation = 1000 + cycles;
                for event in feed.establish(correlation, &known.requests()).await {
                    known.take(&event);
                }
                // Then some live events, another number each time, before the connection is lost.
                for _ in 0..(usize::try_from(cycles).unwrap() * patience) % 23 {
                    if known.is_done(total) {
                        break;
                    }
                    known.take(&feed.next("a live event").await);
                }
                feed = Feed::new(connect(server, token).await);
            }
            cycles
        }
    };
    let cycles = tokio::join!(follow(1), follow(5), follow(7), follow(11));
    finished(writers).await;
    assert!(
        cycles.0 > 1 && cycles.1 > 1 && cycles.2 > 1 && cycles.3 > 1,
        "{cycles:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_comes_once_and_in_order_across_cancels_on_one_connection_s4_8() {
    const TOTAL: usize = 320;
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut feed = Feed::new(server.client("alice").await);
    let mut known = Follower::open(&mut feed, &sid).await;
    let total = i64::try_from(TOTAL).unwrap();
    let writers = write_concurrently(&server, &sid, TOTAL, "hello");
    let mut cycles: i64 = 0;
    while !known.is_done(total) {
        cycles += 1;
        for event in feed.establish(2 * cycles, &known.requests()).await {
            known.take(&event);
        }
        for _ in 0..(cycles * 5) % 13 {
            if known.is_done(total) {
                break;
            }
            known.take(&feed.next("a live event").await);
        }
        // Between establish and cancel events may come, behind the confirmation none.
        for event in feed.cancel(2 * cycles + 1, &known.requests()).await {
            known.take(&event);
        }
    }
    finished(writers).await;
    assert!(cycles > 1, "{cycles}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_come_at_the_same_moment_under_16_writers_miss_nothing_s4_8_b718() {
    const TOTAL: usize = 480;
    const CLIENTS: usize = 8;
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let token = server.token("alice").await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut feed = Feed::new(connect(&server, &token).await);
        let known = Follower::open(&mut feed, &sid).await;
        clients.push((feed, known));
    }
    let written = Arc::new(AtomicBool::new(false));
    let stop = Arc::new(AtomicBool::new(false));
    let barrier = Arc::new(Barrier::new(CLIENTS));
    let writers = write_concurrently(&server, &sid, TOTAL, "hello");
    let clients: Vec<_> = clients
        .into_iter()
        .map(|(mut feed, mut known)| {
            let (written, stop, barrier) = (written.clone(), stop.clone(), barrier.clone());
            tokio::spawn(async move {
                let total = i64::try_from(TOTAL).unwrap();
                for round in 1.. {
                    // All come to a conversation that nobody follows, and all are gone before they come again.
                    soon("the others", barrier.wait()).await;
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    for event in feed.establish(2 * round, &known.requests()).await {
                        known.take(&event);
                    }
                    for event in feed.cancel(2 * round + 1, &known.requests()).await {
                        known.take(&event);
                    }
                    let last = soon("the others", barrier.wait()).await.is_leader();
                    if last && written.load(Ordering::SeqCst) {
                        stop.store(true, Ordering::SeqCst);
                    }
                }
                for event in feed.establish(0, &known.requests()).await {
                    known.take(&event);
                }
                assert!(known.is_done(total), "{} of {total}", known.next_index);
            })
        })
        .collect();
    finished(writers).await;
    written.store(true, Ordering::SeqCst);
    finished(clients).await;
}

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

#[tokio::test]
async fn who_is_added_finds_everything_in_place_on_his_own_event_s4_11() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    say(&server, &sid, "before").await;
    let mut alice = Feed::new(server.client("alice").await);
    let [_, _, roster] = alice.open_conversation(&sid).await;
    alice.establish(1, &[roster.since_read()]).await;
    let mut bob = Feed::new(server.client("bob").await);
    let mine = format!("{}.my_conversations", user(&server, "bob").await);
    let own = bob.open("map", &mine).await;
    bob.establish(1, &[own.since_read()]).await;
    let participant = add(&server, &sid, "bob").await;
    let event = bob.next("his entry").await;
    assert_eq!(
        (event.kind.as_str(), &event.data["item_key"]),
        ("map_item_added", &json!(sid))
    );
    let data = &event.data["item_data"];
    assert_eq!(
        (&data["status"], &data["channel"]),
        (&json!("joined"), &json!(format!("{sid}.channel")))
    );
    // He opens the three entities at once, as the SDK does, and is in the roster himself.
    let entities = bob.open_conversation(&sid).await;
    let path = format!("/v3/Maps/{sid}.roster/Items");
    let (status, items) = bob
        .socket
        .request("GET", &path, &[("Key", &participant)], None)
        .await;
    assert_eq!(
        (status, &items["items"][0]["data"]["identity"]),
        (200, &json!("bob")),
        "{items}"
    );
    let came = bob.establish(2, &entities.map(|e| e.since_read())).await;
    assert!(
        came.iter().all(|e| e.kind == "subscription_established"),
        "{came:?}"
    );
    let event = alice.next("the newcomer").await;
    assert_eq!(
        (event.kind.as_str(), &event.data["item_key"]),
        ("map_item_added", &json!(participant))
    );
}

#[tokio::test]
async fn who_leaves_gets_his_own_event_and_the_others_the_rosters_s4_11() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let participant = add(&server, &sid, "bob").await;
    let mut feeds = Vec::new();
    for identity in ["alice", "bob"] {
        let mut feed = Feed::new(server.client(identity).await);
        let mine = format!("{}.my_conversations", user(&server, identity).await);
        let own = feed.open("map", &mine).await;
        let inside = feed.open_conversation(&sid).await;
        let mut requests = vec![own.since_read()];
        requests.extend(inside.iter().map(Entity::since_read));
        feed.establish(1, &requests).await;
        feeds.push((feed, own, inside));
    }
    let (mut bob, own, inside) = feeds.pop().unwrap();
    let (mut alice, _, [_, _, roster]) = feeds.pop().unwrap();
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Participants/bob",
        server.service_sid
    );
    let (status, _) = bob.socket.request("DELETE", &path, &[], Some(&json!({}))).await;
    assert_eq!(status, 204);
    let event = bob.next("his entry's removal").await;
    assert_eq!(
        (event.kind.as_str(), event.entity()),
        ("map_item_removed", own.sid.as_str())
    );
    assert_eq!(event.data["item_key"], sid.as_str());
    assert_eq!(event.data["item_data"]["channel"], format!("{sid}.channel"));
    let event = alice.next("the roster's removal").await;
    assert_eq!(
        (event.kind.as_str(), event.entity()),
        ("map_item_removed", roster.sid.as_str())
    );
    assert_eq!(event.data["item_key"], participant);
    assert_eq!(event.data["item_data"]["identity"], "bob");
    // §9.5: he cancels what he may not see any more; that is confirmed, and is the next thing that he hears.
    let came = bob.cancel(5, &inside.map(|e| e.since_read())).await;
    let kinds: Vec<&str> = came.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds, ["subscription_canceled"; 3], "{came:?}");
}

#[tokio::test]
async fn a_deleted_conversation_goes_in_the_order_that_clients_need_s4_11() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice", "bob"]).await;
    say(&server, &sid, "hello").await;
    let mut feeds = Vec::new();
    for identity in ["alice", "bob"] {
        let mut feed = Feed::new(server.client(identity).await);
        let mine = format!("{}.my_conversations", user(&server, identity).await);
        let own = feed.open("map", &mine).await;
        let [document, list, roster] = feed.open_conversation(&sid).await;
        let requests = [&own, &document, &list, &roster].map(Entity::since_read);
        feed.establish(1, &requests).await;
        feeds.push((feed, [own, roster, list, document]));
    }
    // One who only looks at the document.
    let mut carol = Feed::new(server.client("carol").await);
    let document = carol.open("document", &format!("{sid}.channel")).await;
    carol.establish(1, &[document.since_read()]).await;
    server.delete(&format!("{CONVERSATIONS}/{sid}")).await.expect(204);
    let event = carol.next("the document's end").await;
    assert_eq!(
        (event.kind.as_str(), event.entity()),
        ("document_removed", document.sid.as_str())
    );
    let fence = conversation(&server, &["alice", "bob"]).await;
    for (mut feed, entities) in feeds {
        let came = feed
            .until("the fence", |e| e.data["item_key"] == fence.as_str())
            .await;
        let seen: Vec<(&str, &str)> = came.iter().map(|e| (e.kind.as_str(), e.entity())).collect();
        let [own, roster, list, document] = entities.each_ref().map(|e| e.sid.as_str());
        assert_eq!(
            seen,
            [
                ("map_item_removed", own),
                ("map_removed", roster),
                ("list_removed", list),
                ("document_removed", document),
                ("map_item_added", own),
            ]
        );
        // §4.8: what is gone fails with 404, which tells the client so.
        let came = feed
            .establish(
                2,
                &entities[1..].iter().map(Entity::since_read).collect::<Vec<_>>(),
            )
            .await;
        for event in &came {
            assert_eq!(event.kind, "subscription_failed", "{event:?}");
            assert_eq!(event.data["error"]["status"], 404, "{event:?}");
        }
    }
}

#[tokio::test]
async fn each_change_over_rest_reaches_the_entity_that_shows_it_b713_s4_11() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let bob = add(&server, &sid, "bob").await;
    let alice = user(&server, "alice").await;
    let mut feed = Feed::new(server.client("bob").await);
    let own = feed
        .open("map", &format!("{}.my_conversations", user(&server, "bob").await))
        .await;
    let info = feed.open("map", &format!("{alice}.info")).await;
    let [document, list, roster] = feed.open_conversation(&sid).await;
    let all = [&own, &info, &document, &list, &roster].map(Entity::since_read);
    feed.establish(1, &all).await;
    let one = format!("{CONVERSATIONS}/{sid}");
    let first = say(&server, &sid, "first").await;
    let message = format!("{one}/Messages/{first}");
    let expect = async |feed: &mut Feed, wanted: &[(&str, &Entity)]| {
        let mut ids = Vec::new();
        for (kind, entity) in wanted {
            let event = feed.next(kind).await;
            assert_eq!(
                (event.kind.as_str(), event.entity()),
                (*kind, entity.sid.as_str()),
                "{event:?}"
            );
            ids.push(event.id());
        }
        ids
    };
    expect(
        &mut feed,
        &[("list_item_added", &list), ("document_updated", &document)],
    )
    .await;
    server.post(&message, &[("Body", "edited")]).await.expect(200);
    expect(&mut feed, &[("list_item_updated", &list)]).await;
    server
        .post(&message, &[("Attributes", "{\"a\":1}")])
        .await
        .expect(200);
    expect(&mut feed, &[("list_item_updated", &list)]).await;
    server.delete(&message).await.expect(204);
    expect(
        &mut feed,
        &[("list_item_removed", &list), ("document_updated", &document)],
    )
    .await;
    for change in [
        ("FriendlyName", "F"),
        ("UniqueName", "U"),
        ("Attributes", "{}"),
        ("State", "inactive"),
    ] {
        server.post(&one, &[change]).await.expect(200);
        expect(&mut feed, &[("document_updated", &document)]).await;
    }
    let participant = format!("{one}/Participants/{bob}");
    server
        .post(&participant, &[("Attributes", "{\"a\":1}")])
        .await
        .expect(200);
    expect(&mut feed, &[("map_item_updated", &roster)]).await;
    server
        .post(&participant, &[("LastReadMessageIndex", "0")])
        .await
        .expect(200);
    expect(
        &mut feed,
        &[("map_item_updated", &roster), ("map_item_updated", &own)],
    )
    .await;
    let phone = [
        ("MessagingBinding.Address", "+15558675310"),
        ("MessagingBinding.ProxyAddress", "+15017122661"),
    ];
    let added = server
        .post(&format!("{one}/Participants"), &phone)
        .await
        .expect(201);
    expect(&mut feed, &[("map_item_added", &roster)]).await;
    remove(&server, &sid, &added.text_of("sid")).await;
    expect(&mut feed, &[("map_item_removed", &roster)]).await;
    for change in [("FriendlyName", "A"), ("Attributes", "{\"u\":1}")] {
        server
            .post(&format!("{USERS}/alice"), &[change])
            .await
            .expect(200);
        expect(&mut feed, &[("map_item_updated", &info)]).await;
    }
    // B-014: what changes nothing is no event; the next event is the one of the fence.
    server.post(&one, &[]).await.expect(200);
    server.post(&format!("{USERS}/alice"), &[]).await.expect(200);
    server.post(&one, &[("State", "active")]).await.expect(200);
    expect(&mut feed, &[("document_updated", &document)]).await;
}

#[tokio::test]
async fn a_batch_answers_for_each_object_and_is_never_refused_for_one_s4_8() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let closed = conversation(&server, &["bob"]).await;
    let mut feed = Feed::new(server.client("alice").await);
    let [document, list, roster] = feed.open_conversation(&sid).await;
    let unknown = "0123456789abcdef0123456789abcdef";
    let wanted = |sid: &str, kind: &str| json!({"object_sid": sid, "object_type": kind, "last_event_id": -1});
    let requests = [
        wanted(&format!("ET{unknown}"), "document"),
        wanted(&format!("ES{unknown}"), "list"),
        wanted(&format!("MP{unknown}"), "map"),
        wanted(&format!("MPf{}", &unknown[1..]), "map"),
        wanted(&format!("ES{}", &closed[2..]), "list"),
        wanted(&format!("MP{}", &closed[2..]), "map"),
        wanted("nonsense", "document"),
        wanted("", "map"),
        wanted(&list.sid, "map"),
        wanted(&document.sid, "stream"),
        document.since_read(),
        list.since_read(),
        roster.since_read(),
    ];
    let came = feed.establish(99, &requests).await;
    let answers: HashMap<(&str, &str), (&str, u64, u64)> = came
        .iter()
        .map(|e| {
            let number = |name: &str| e.data["error"][name].as_u64().unwrap_or(0);
            let object = (e.entity(), e.data["object_type"].as_str().unwrap_or_default());
            (object, (e.kind.as_str(), number("status"), number("code")))
        })
        .collect();
    assert_eq!(answers.len(), requests.len(), "{came:?}");
    let failed = "subscription_failed";
    for (request, status, code) in [
        (&requests[0], 404, 54100),
        (&requests[1], 404, 54150),
        (&requests[2], 404, 54200),
        (&requests[3], 404, 54200),
        (&requests[4], 403, 54007),
        (&requests[5], 403, 54007),
    ] {
        let object = (
            request["object_sid"].as_str().unwrap(),
            request["object_type"].as_str().unwrap(),
        );
        assert_eq!(answers[&object], (failed, status, code), "{object:?}");
    }
    for request in &requests[6..10] {
        let object = (
            request["object_sid"].as_str().unwrap(),
            request["object_type"].as_str().unwrap(),
        );
        assert_eq!(
            (answers[&object].0, answers[&object].1),
            (failed, 404),
            "{object:?}"
        );
    }
    for entity in [&document, &list, &roster] {
        assert_eq!(
            answers[&(entity.sid.as_str(), entity.kind)].0,
            "subscription_established"
        );
    }
    // Cancels of anything are confirmed with their own correlation id.
    let came = feed.cancel(100, &requests).await;
    assert!(
        came.iter()
            .all(|e| e.kind == "subscription_canceled" && e.correlation == 100),
        "{came:?}"
    );
    // The batch limit that the answer names.
    let (status, body) = feed.subscriptions("establish", 101, &[]).await;
    assert_eq!(status, 202, "{body}");
    assert!(body["estimated_delivery_in_ms"].as_i64() > Some(0), "{body}");
    assert!(body["max_batch_size"].as_i64() > Some(0), "{body}");
    let ttl = body["ttl_in_s"].as_i64().unwrap();
    assert!(0 < ttl && ttl <= 2_147_483, "{body}");
    let many = vec![list.since_read(); usize::try_from(body["max_batch_size"].as_u64().unwrap()).unwrap()];
    let came = feed.establish(102, &many).await;
    assert_eq!(came.len(), many.len());
}

/// §4.8: each event of a replay repeats it.
#[tokio::test]
async fn a_correlation_id_that_is_too_long_is_refused_s4_8() {
    let server = TestServer::start().await;
    let mut alice = server.client("alice").await;
    for (correlation, status) in [
        (json!(1_795_178_688_834_i64), 202),
        (json!("x".repeat(62)), 202),
        (json!("x".repeat(63)), 400),
        (json!(vec![0; 100]), 400),
    ] {
        let batch = json!({"event_protocol_version": 4, "action": "establish",
            "correlation_id": correlation, "requests": []});
        let (answered, body) = alice
            .request("POST", "/v4/Subscriptions", &[], Some(&batch))
            .await;
        assert_eq!(answered, status, "{correlation}: {body}");
    }
}

/// A page of items: their keys and what `next_token` and `previous_token` are.
struct Items {
    keys: Vec<String>,
    next: Option<String>,
    previous: Option<String>,
}

impl Items {
    async fn get(socket: &mut Socket, path: &str, params: &[(&str, &str)]) -> Self {
        let (status, body) = socket.request("GET", path, params, None).await;
        assert_eq!(status, 200, "{path} {params:?}: {body}");
        let items = body["items"].as_array().unwrap();
        let token = |name: &str| match &body["meta"][name] {
            Value::Null => None,
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            other => panic!("{name}: {other}"),
        };
        assert!(
            body["meta"].as_object().unwrap().contains_key("next_token"),
            "{body}"
        );
        assert!(
            body["meta"].as_object().unwrap().contains_key("previous_token"),
            "{body}"
        );
        let keys = items.iter().map(|item| match (&item["key"], &item["index"]) {
            (Value::String(key), Value::Null) => key.clone(),
            (Value::Null, Value::Number(index)) => index.to_string(),
            _ => panic!("{item}"),
        });
        Self {
            keys: keys.collect(),
            next: token("next_token"),
            previous: token("previous_token"),
        }
    }

    fn ends(&self) -> (bool, bool) {
        (self.next.is_some(), self.previous.is_some())
    }

    async fn follow(socket: &mut Socket, path: &str, token: Option<&String>) -> Self {
        Self::get(socket, path, &[("PageToken", token.expect("a token"))]).await
    }
}

fn numbers(range: impl IntoIterator<Item = i64>) -> Vec<String> {
    range.into_iter().map(|n| n.to_string()).collect()
}

#[tokio::test]
async fn pages_of_messages_start_at_from_and_tell_what_lies_on_both_sides_s4_7() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut messages = Vec::new();
    for n in 0..40 {
        messages.push(say(&server, &sid, &n.to_string()).await);
    }
    // Holes: at the start, inside, and at the end.
    for hole in [0, 15, 16, 39] {
        let path = format!("{CONVERSATIONS}/{sid}/Messages/{}", messages[hole]);
        server.delete(&path).await.expect(204);
    }
    let mut socket = server.client("alice").await;
    let path = format!("/v3/Lists/{sid}.messages/Items");
    let there: Vec<i64> = (1..39).filter(|n| *n != 15 && *n != 16).collect();
    type Case = (&'static [(&'static str, &'static str)], Vec<i64>, (bool, bool));
    let cases: Vec<Case> = vec![
        (&[], there.clone(), (false, false)),
        (&[("PageSize", "5")], (1..=5).collect(), (true, false)),
        (&[("PageSize", "36")], there.clone(), (false, false)),
        (&[("PageSize", "35")], there[..35].to_vec(), (true, false)),
        (
            &[("PageSize", "1000"), ("HideExpired", "true")],
            there.clone(),
            (false, false),
        ),
        (
            &[("PageSize", "3"), ("Order", "desc")],
            vec![38, 37, 36],
            (true, false),
        ),
        (
            &[("From", "30"), ("PageSize", "5"), ("Order", "desc")],
            (26..=30).rev().collect(),
            (true, true),
        ),
        (
            &[("From", "30"), ("PageSize", "5"), ("Order", "asc")],
            (30..=34).collect(),
            (true, true),
        ),
        (&[("From", "30")], (30..=38).collect(), (false, true)),
        (
            &[("From", "16"), ("PageSize", "3")],
            vec![17, 18, 19],
            (true, true),
        ),
        (
            &[("From", "16"), ("PageSize", "3"), ("Order", "desc")],
            vec![14, 13, 12],
            (true, true),
        ),
        (&[("From", "0"), ("PageSize", "3")], vec![1, 2, 3], (true, false)),
        (&[("From", "1"), ("PageSize", "3")], vec![1, 2, 3], (true, false)),
        (&[("From", "-7"), ("PageSize", "3")], vec![1, 2, 3], (true, false)),
        (
            &[("From", "0"), ("PageSize", "3"), ("Order", "desc")],
            vec![],
            (false, true),
        ),
        (
            &[("From", "1"), ("PageSize", "3"), ("Order", "desc")],
            vec![1],
            (false, true),
        ),
        (
            &[("From", "38"), ("PageSize", "3"), ("Order", "desc")],
            vec![38, 37, 36],
            (true, false),
        ),
        (
            &[("From", "39"), ("PageSize", "3"), ("Order", "desc")],
            vec![38, 37, 36],
            (true, false),
        ),
        (
            &[("From", "9999"), ("PageSize", "3"), ("Order", "desc")],
            vec![38, 37, 36],
            (true, false),
        ),
        (&[("From", "38"), ("PageSize", "3")], vec![38], (false, true)),
        (&[("From", "39"), ("PageSize", "3")], vec![], (false, true)),
        (&[("From", "9223372036854775807")], vec![], (false, true)),
        (
            &[("From", "-9223372036854775808"), ("PageSize", "1")],
            vec![1],
            (true, false),
        ),
        (
            &[
                ("From", "9223372036854775807"),
                ("PageSize", "1"),
                ("Order", "desc"),
            ],
            vec![38],
            (true, false),
        ),
        (
            &[("Index", "7"), ("PageSize", "50"), ("Order", "asc")],
            vec![7],
            (false, false),
        ),
        (&[("Index", "15")], vec![], (false, false)),
        (&[("Index", "0")], vec![], (false, false)),
        (&[("Index", "-1")], vec![], (false, false)),
        (&[("Index", "40")], vec![], (false, false)),
        (&[("Index", "9223372036854775807")], vec![], (false, false)),
    ];
    for (params, keys, ends) in cases {
        let page = Items::get(&mut socket, &path, params).await;
        assert_eq!(
            (page.keys.clone(), page.ends()),
            (numbers(keys), ends),
            "{params:?}"
        );
    }
    // §4.7: getMessages(5, 30, "backwards") of 2.6.5, and on in both directions.
    let params = [("From", "30"), ("PageSize", "5"), ("Order", "desc")];
    let first = Items::get(&mut socket, &path, &params).await;
    let newer = Items::follow(&mut socket, &path, first.previous.as_ref()).await;
    assert_eq!(
        (newer.keys.clone(), newer.ends()),
        (numbers((31..=35).rev()), (true, true))
    );
    let newest = Items::follow(&mut socket, &path, newer.previous.as_ref()).await;
    assert_eq!(
        (newest.keys.clone(), newest.ends()),
        (numbers((36..=38).rev()), (true, false))
    );
    let back = Items::follow(&mut socket, &path, newest.next.as_ref()).await;
    assert_eq!(back.keys, newer.keys);
    let older = Items::follow(&mut socket, &path, first.next.as_ref()).await;
    assert_eq!(
        (older.keys.clone(), older.ends()),
        (numbers((21..=25).rev()), (true, true))
    );
    // From end to end in both orders, with tokens alone: each index once.
    for order in ["asc", "desc"] {
        let mut page = Items::get(&mut socket, &path, &[("PageSize", "7"), ("Order", order)]).await;
        assert_eq!(page.previous, None);
        let mut seen = page.keys.clone();
        let mut pages = vec![page.keys.clone()];
        while page.next.is_some() {
            page = Items::follow(&mut socket, &path, page.next.as_ref()).await;
            seen.extend(page.keys.clone());
            pages.push(page.keys.clone());
        }
        let mut wanted = there.clone();
        if order == "desc" {
            wanted.reverse();
        }
        assert_eq!(seen, numbers(wanted), "{order}");
        // And back again, page by page.
        pages.pop();
        while let Some(keys) = pages.pop() {
            page = Items::follow(&mut socket, &path, page.previous.as_ref()).await;
            assert_eq!(page.keys, keys, "{order}");
        }
        assert_eq!(page.previous, None, "{order}");
    }
}

#[tokio::test]
async fn an_empty_list_has_no_pages_around_and_a_map_starts_at_from_s4_7() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut socket = server.client("alice").await;
    let list = format!("/v3/Lists/{sid}.messages/Items");
    for params in [
        &[][..],
        &[("From", "0")],
        &[("Order", "desc")],
        &[("From", "5"), ("Order", "desc")],
        &[("Index", "0")],
    ] {
        let page = Items::get(&mut socket, &list, params).await;
        assert_eq!((page.keys.len(), page.ends()), (0, (false, false)), "{params:?}");
    }
    for n in 0..6 {
        add(&server, &sid, &format!("member {n}")).await;
    }
    let map = format!("/v3/Maps/{sid}.roster/Items");
    let all = Items::get(&mut socket, &map, &[("PageSize", "50"), ("Order", "asc")]).await;
    assert_eq!((all.keys.len(), all.ends()), (7, (false, false)));
    let keys = all.keys;
    assert!(keys.is_sorted(), "§4.7: code-point order: {keys:?}");
    // A missing key between two: the smaller one with a character more.
    let between = format!("{}0", keys[2]);
    let before_all = "MB";
    let after_all = "é";
    for (from, order, wanted, ends) in [
        (keys[3].as_str(), "asc", &[3, 4][..], (true, true)),
        (keys[3].as_str(), "desc", &[3, 2], (true, true)),
        (keys[0].as_str(), "asc", &[0, 1], (true, false)),
        (keys[0].as_str(), "desc", &[0], (false, true)),
        (keys[6].as_str(), "asc", &[6], (false, true)),
        (keys[6].as_str(), "desc", &[6, 5], (true, false)),
        (between.as_str(), "asc", &[3, 4], (true, true)),
        (between.as_str(), "desc", &[2, 1], (true, true)),
        (before_all, "asc", &[0, 1], (true, false)),
        (before_all, "desc", &[], (false, true)),
        (after_all, "asc", &[], (false, true)),
        (after_all, "desc", &[6, 5], (true, false)),
        ("\u{e000}", "desc", &[6, 5], (true, false)),
        ("\u{1}", "asc", &[0, 1], (true, false)),
    ] {
        let params = [("From", from), ("Order", order), ("PageSize", "2")];
        let page = Items::get(&mut socket, &map, &params).await;
        let wanted: Vec<String> = wanted.iter().map(|at| keys[*at].clone()).collect();
        assert_eq!((page.keys.clone(), page.ends()), (wanted, ends), "{params:?}");
    }
    for (key, found) in [(keys[4].as_str(), 1), (between.as_str(), 0), ("é", 0), ("MB", 0)] {
        let page = Items::get(&mut socket, &map, &[("Key", key), ("HideExpired", "true")]).await;
        assert_eq!((page.keys.len(), page.ends()), (found, (false, false)), "{key}");
    }
    let info = format!("/v3/Maps/{}.info/Items", user(&server, "alice").await);
    for (key, found) in [("friendlyName", 1), ("attributes", 1), ("nonsense", 0)] {
        let page = Items::get(&mut socket, &info, &[("Key", key)]).await;
        assert_eq!(page.keys.len(), found, "{key}");
    }
    // A token of another list, or of another order's making, is none.
    let token = Items::get(&mut socket, &map, &[("PageSize", "2")])
        .await
        .next
        .unwrap();
    for path in [
        &list,
        &info,
        &format!("/v3/Maps/{}.my_conversations/Items", user(&server, "alice").await),
    ] {
        let (status, body) = socket.request("GET", path, &[("PageToken", &token)], None).await;
        assert_eq!((status, &body["code"]), (400, &json!(20001)), "{path}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_holds_nobody_up_and_misses_nothing_s4_8_b717() {
    const TOTAL: usize = 2600;
    let total = i64::try_from(TOTAL).unwrap();
    let server = TestServer::start().await;
    let sid = conversation(&server, &["slow", "fast"]).await;
    let token = server.token("slow").await;
    let mut socket = Socket::connect_narrow(server.address, 4096).await;
    assert_eq!(socket.init(&token).await.status(), 200);
    let mut slow = Feed::new(socket);
    let mut known = Follower::open(&mut slow, &sid).await;
    slow.establish(1, &known.requests()).await;
    let mut fast = Feed::new(server.client("fast").await);
    let mut fast_known = Follower::open(&mut fast, &sid).await;
    fast.establish(1, &fast_known.requests()).await;
    let body = "x".repeat(8 * 1024);
    // While nobody reads the slow one, all writers are answered and the other client gets everything.
    let writers = write_concurrently(&server, &sid, TOTAL, &body);
    while !fast_known.is_done(total) {
        let event = fast.next("a message for the fast one").await;
        fast_known.take(&event);
    }
    finished(writers).await;
    // Now it reads what was on its way: all of it, or up to where the server gave it up.
    while !known.is_done(total) {
        match slow.try_next().await {
            Some(event) => known.take(&event),
            None => break,
        }
    }
    let before = known.next_index;
    let mut again = Feed::new(soon("the way back", connect(&server, &token)).await);
    for event in again.establish(2, &known.requests()).await {
        known.take(&event);
    }
    while !known.is_done(total) {
        known.take(&again.next("the rest").await);
    }
    assert!(before <= total, "{before}");
    assert_eq!(known.next_index, total);
}
