//! Which change reaches which entity, and in which order.

use confab_testkit::TestServer;
use serde_json::json;

use crate::support::{CONVERSATIONS, Entity, Feed, USERS, add, conversation, remove, say, user};

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
