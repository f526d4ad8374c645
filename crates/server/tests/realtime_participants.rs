//! Participants of every kind as SDK clients see them (realtime.md §4.6, §4.11, C9; B-211…B-222, B-580, B-582).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod support;

use confab_testkit::TestServer;
use serde_json::{Value, json};
use support::{CONVERSATIONS, Entity, Feed, add, conversation, say, user};

/// A client that follows its own entries and one conversation.
async fn follow(server: &TestServer, identity: &str, sid: &str) -> (Feed, Entity, [Entity; 3]) {
    let mut feed = Feed::new(server.client(identity).await);
    let mine = format!("{}.my_conversations", user(server, identity).await);
    let own = feed.open("map", &mine).await;
    let inside = feed.open_conversation(sid).await;
    let mut requests = vec![own.since_read()];
    requests.extend(inside.iter().map(Entity::since_read));
    feed.establish(1, &requests).await;
    (feed, own, inside)
}

#[tokio::test]
async fn members_of_a_group_in_the_roster_b211() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let (mut feed, _, [_, _, roster]) = follow(&server, "alice", &sid).await;
    let all = format!("{CONVERSATIONS}/{sid}/Participants");
    for (form, kind, identity) in [
        (&[("MessagingBinding.Address", "+15558675310")][..], "sms", None),
        (
            &[("MessagingBinding.ProjectedAddress", "+15017122661")],
            "sms",
            None,
        ),
        (
            &[
                ("Identity", "bob"),
                ("MessagingBinding.ProjectedAddress", "+15017122662"),
            ],
            "chat",
            Some("bob"),
        ),
    ] {
        let made = server.post(&all, form).await.expect(201);
        let event = feed.next("the newcomer").await;
        assert_eq!(
            (event.kind.as_str(), event.entity()),
            ("map_item_added", roster.sid.as_str())
        );
        assert_eq!(event.data["item_key"], made.text_of("sid"));
        let data = &event.data["item_data"];
        assert_eq!(
            (data["type"].as_str(), data["identity"].as_str()),
            (Some(kind), identity)
        );
        // Clients fail over an item without either.
        assert_eq!(data.get("identity").is_some(), identity.is_some());
        assert!(data.get("bindings").is_none());
    }
    let (status, members) = feed
        .socket
        .request("GET", &format!("/v3/Maps/{sid}.roster/Items"), &[], None)
        .await;
    assert_eq!((status, members["items"].as_array().unwrap().len()), (200, 4));
}

#[tokio::test]
async fn the_next_person_of_a_number_comes_and_the_one_before_goes_b220() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let all = format!("{CONVERSATIONS}/{sid}/Participants");
    let bob = [
        ("Identity", "bob"),
        ("MessagingBinding.ProjectedAddress", "+15017122661"),
    ];
    let number = server.post(&all, &bob).await.expect(201).text_of("sid");
    add(&server, &conversation(&server, &[]).await, "carol").await;
    let (mut alice, _, [_, _, roster]) = follow(&server, "alice", &sid).await;
    let (mut bob, bobs, _) = follow(&server, "bob", &sid).await;
    let mut carol = Feed::new(server.client("carol").await);
    let mine = format!("{}.my_conversations", user(&server, "carol").await);
    let carols = carol.open("map", &mine).await;
    carol.establish(1, &[carols.since_read()]).await;

    let one = format!("{all}/{number}");
    server.post(&one, &[("Identity", "carol")]).await.expect(200);
    for (kind, identity) in [("map_item_removed", "bob"), ("map_item_added", "carol")] {
        let event = alice.next("the exchange").await;
        assert_eq!((event.kind.as_str(), event.entity()), (kind, roster.sid.as_str()));
        assert_eq!(
            (&event.data["item_key"], &event.data["item_data"]["identity"]),
            (&json!(number), &json!(identity))
        );
    }
    let event = bob.next("his entry's removal").await;
    assert_eq!(
        (event.kind.as_str(), event.entity()),
        ("map_item_removed", bobs.sid.as_str())
    );
    let event = carol.next("her entry").await;
    assert_eq!(
        (event.kind.as_str(), event.entity()),
        ("map_item_added", carols.sid.as_str())
    );
    // What is said now is for her, and not for him.
    let path = format!("{CONVERSATIONS}/{sid}/Messages");
    server.post(&path, &[("Body", "welcome")]).await.expect(201);
    let [_, list, _] = carol.open_conversation(&sid).await;
    let came = carol.establish(2, &[list.after(-1)]).await;
    assert!(
        came.iter().any(|e| e.data["item_data"]["text"] == "welcome"),
        "{came:?}"
    );
    let fence = conversation(&server, &["bob"]).await;
    let event = bob.next("what he is let into next").await;
    assert_eq!(event.data["item_key"], fence);
    let (status, _) = bob
        .socket
        .request("GET", &format!("/v3/Lists/{sid}.messages/Items"), &[], None)
        .await;
    assert_eq!(status, 403);
    // Who was away meanwhile learns the same.
    let came = alice.cancel(3, &[roster.since_read()]).await;
    assert!(came.iter().any(|e| e.kind == "subscription_canceled"));
    let came = alice.establish(4, &[roster.since_read()]).await;
    let replayed: Vec<(&str, &Value)> = came
        .iter()
        .filter(|e| e.entity() == roster.sid && e.kind.starts_with("map_item"))
        .map(|e| (e.kind.as_str(), &e.data["item_data"]["identity"]))
        .collect();
    assert_eq!(
        replayed,
        [
            ("map_item_removed", &json!("bob")),
            ("map_item_added", &json!("carol"))
        ]
    );
}

#[tokio::test]
async fn a_phone_that_reports_reading_moves_its_horizon_in_the_roster_b580_b582() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let phone = [
        ("MessagingBinding.Address", "whatsapp:+15558675310"),
        ("MessagingBinding.ProxyAddress", "whatsapp:+15017122661"),
    ];
    let all = format!("{CONVERSATIONS}/{sid}/Participants");
    let reader = server.post(&all, &phone).await.expect(201).text_of("sid");
    let handset = "/simulator/v1/Handsets/whatsapp%3A%2B15558675310";
    server.post(handset, &[("Mode", "manual")]).await.expect(200);
    let (mut feed, _, [_, list, roster]) = follow(&server, "alice", &sid).await;
    say(&server, &sid, "zero").await;
    let message = say(&server, &sid, "one").await;
    let receipts = format!("{CONVERSATIONS}/{sid}/Messages/{message}/Receipts");
    let receipt = server.get(&receipts).await.expect(200).json["delivery_receipts"][0].clone();
    let on_handset = format!(
        "{handset}/Messages/{}",
        receipt["channel_message_sid"].as_str().unwrap()
    );
    // The message gets there by a job.
    confab_testkit::soon("the message on the handset", async {
        while server.post(&on_handset, &[("Status", "sent")]).await.status != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.post(&on_handset, &[("Status", "read")]).await.expect(200);
    let came = feed
        .until("the horizon", |e| {
            e.entity() == roster.sid && e.kind == "map_item_updated"
        })
        .await;
    let moved = came.last().unwrap();
    assert_eq!(moved.data["item_key"], reader);
    assert_eq!(moved.data["item_data"]["lastConsumedMessageIndex"], 1);
    assert!(moved.data["item_data"]["lastConsumptionTimestamp"].is_string());
    let told = came.iter().rfind(|e| e.entity() == list.sid).unwrap();
    assert_eq!(told.data["item_data"]["delivery"]["read"], "all");
    let shown = server.get(&format!("{all}/{reader}")).await.expect(200);
    assert_eq!(shown.json["last_read_message_index"], 1);
}

#[tokio::test]
async fn a_client_adds_a_person_by_e_mail() {
    let server = TestServer::start().await;
    // Who made a conversation may add people to it.
    let mut creator = server.client("alice").await;
    let path = format!("/Client/v2/Services/{}/Conversations", server.service_sid);
    let (_, made) = creator.request("POST", &path, &[], Some(&json!({}))).await;
    let sid = made["sid"].as_str().unwrap().to_owned();
    let path = format!("{path}/{sid}/Participants");
    let (status, _) = creator
        .request("POST", &path, &[], Some(&json!({"identity": "alice"})))
        .await;
    assert_eq!(status, 201);
    let (mut feed, ..) = follow(&server, "alice", &sid).await;
    let body = |level: &str| {
        json!({"attributes": "{}", "messaging_binding": {"address": "ann@example.com",
            "proxy_address": "desk@example.com", "name": "Ann", "level": level}})
    };
    let (status, refused) = feed.socket.request("POST", &path, &[], Some(&body("bcc"))).await;
    assert_eq!((status, &refused["code"]), (400, &json!(20001)), "{refused}");
    let (status, made) = feed.socket.request("POST", &path, &[], Some(&body("cc"))).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        made["messaging_binding"],
        json!({"type": "email", "address": "ann@example.com", "proxy_address": "desk@example.com"})
    );
    let event = feed.next("the newcomer").await;
    assert_eq!(
        event.data["item_data"]["bindings"],
        json!({"email": {"name": "Ann", "address": "ann@example.com", "level": "cc"}})
    );
    let found = server
        .get("/conversations/v1/ParticipantConversations?Address=ann%40example.com")
        .await
        .expect(200);
    let binding = &found.json["conversations"][0]["participant_messaging_binding"];
    assert_eq!(
        (&binding["name"], &binding["level"]),
        (&json!("Ann"), &json!("cc"))
    );
}

/// B-579: what `setAllMessagesRead` and `setAllMessagesUnread` ask for; B-581: how often clients report.
#[tokio::test]
async fn a_client_reads_all_and_nothing_and_the_others_see_it_b572_b579_b580_b581() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice", "bob"]).await;
    for body in ["zero", "one", "two"] {
        say(&server, &sid, body).await;
    }
    let (mut alice, _, [_, _, roster]) = follow(&server, "alice", &sid).await;
    let (mut bob, bobs, _) = follow(&server, "bob", &sid).await;
    let service = format!("/Client/v2/Services/{}", server.service_sid);
    let path = format!(
        "{service}/Users/{}/Conversations/{sid}",
        user(&server, "bob").await
    );
    for (index, unread) in [
        (json!(2), json!(0)),
        (json!(0), json!(2)),
        (json!(null), json!(null)),
    ] {
        let body = json!({"last_read_message_index": index});
        let (status, mine) = bob.socket.request("POST", &path, &[], Some(&body)).await;
        assert_eq!((status, &mine["unread_messages_count"]), (200, &unread), "{mine}");
        let event = alice.next("his horizon").await;
        assert_eq!(
            (event.kind.as_str(), event.entity()),
            ("map_item_updated", roster.sid.as_str())
        );
        let data = &event.data["item_data"];
        assert_eq!(
            (&data["identity"], &data["lastConsumedMessageIndex"]),
            (&json!("bob"), &index)
        );
        assert_eq!(data["lastConsumptionTimestamp"].is_null(), index.is_null());
        let came = bob.until("his own entry", |e| e.entity() == bobs.sid).await;
        assert_eq!(
            came.last().unwrap().data["item_data"]["lastConsumedMessageIndex"],
            index
        );
        let shown = server
            .get(&format!("{CONVERSATIONS}/{sid}/Participants/bob"))
            .await
            .expect(200);
        assert_eq!(shown.json["last_read_message_index"], index);
    }
    let (status, settings) = bob
        .socket
        .request("GET", "/Client/v2/Configuration", &[], None)
        .await;
    assert_eq!(
        (status, &settings["options"]["consumption_report_interval"]),
        (200, &json!("PT10S"))
    );
}

/// The other participants see nothing of it: `participantUpdated` would tell them that somebody muted them.
#[tokio::test]
async fn muting_a_conversation_is_seen_by_nobody_else_b555() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice", "bob"]).await;
    let (mut alice, _, _) = follow(&server, "alice", &sid).await;
    let (mut bob, his, [_, messages, _]) = follow(&server, "bob", &sid).await;
    let before = server
        .get(&format!("{CONVERSATIONS}/{sid}/Participants/bob"))
        .await
        .expect(200)
        .json;
    let path = format!(
        "/Client/v2/Services/{}/Users/{}/Conversations/{sid}",
        server.service_sid,
        user(&server, "bob").await
    );
    for level in ["muted", "default"] {
        let body = json!({"notification_level": level});
        let (status, mine) = bob.socket.request("POST", &path, &[], Some(&body)).await;
        assert_eq!((status, &mine["notification_level"]), (200, &json!(level)));
        let event = bob.next("his own entry").await;
        assert_eq!(
            (event.kind.as_str(), event.entity()),
            ("map_item_updated", his.sid.as_str())
        );
        assert_eq!(event.data["item_data"]["notificationLevel"], level);
        say(&server, &sid, level).await;
        for feed in [&mut alice, &mut bob] {
            let event = feed.next("the message").await;
            assert_eq!(event.kind, "list_item_added", "{event:?}");
            let event = feed.next("the last message").await;
            assert_eq!(event.kind, "document_updated", "{event:?}");
        }
    }
    let after = server
        .get(&format!("{CONVERSATIONS}/{sid}/Participants/bob"))
        .await
        .expect(200)
        .json;
    assert_eq!(before, after);
    // Who was away hears as little: nothing of the roster is newer than what she knew.
    let mut later = Feed::new(server.client("alice").await);
    let [_, _, roster] = later.open_conversation(&sid).await;
    let replayed = later
        .establish(2, &[roster.after(0), messages.since_read()])
        .await;
    let muted = replayed
        .iter()
        .filter(|e| e.is_of(&roster) && e.kind == "map_item_updated");
    assert_eq!(muted.count(), 0, "{replayed:?}");
}

/// `getMessageRecipients()` and `getChannelMetadata()` of 2.6 and newer (C16, C17).
#[tokio::test]
async fn nothing_went_by_mail_and_no_channel_left_metadata() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let message = say(&server, &sid, "hello").await;
    let base = format!("/Client/v2/Services/{}/Conversations/{sid}", server.service_sid);
    let recipients = format!("{base}/MessageRecipients");
    let mut alice = server.client("alice").await;
    for params in [
        &[][..],
        &[("MessageSid", message.as_str())],
        &[("PageSize", "50")],
    ] {
        let (status, list) = alice.request("GET", &recipients, params, None).await;
        assert_eq!((status, &list["message_recipients"]), (200, &json!([])), "{list}");
        assert!(
            list["meta"].get("next_token").is_some_and(Value::is_null),
            "{list}"
        );
    }
    let unknown = [("MessageSid", "IM0123456789abcdef0123456789abcdef")];
    assert_eq!(alice.request("GET", &recipients, &unknown, None).await.0, 404);
    assert_eq!(
        alice.request("POST", &recipients, &[], Some(&json!({}))).await.0,
        405
    );
    let metadata = format!("{base}/Messages/{message}/ChannelMetadata");
    let (status, error) = alice.request("GET", &metadata, &[], None).await;
    assert_eq!(
        (status, &error["status"], &error["code"]),
        (404, &json!(404), &json!(50530))
    );
    assert_eq!(
        alice.request("POST", &metadata, &[], Some(&json!({}))).await.0,
        405
    );
    let mut eve = server.client("eve").await;
    let (status, error) = eve.request("GET", &recipients, &[], None).await;
    assert_eq!((status, &error["code"]), (403, &json!(50430)));
}
