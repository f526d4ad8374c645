//! Users, their own part in conversations, what they have read, and that they type, as SDK clients meet it
//! (behaviours §13, §14; realtime.md C2–C4, C18–C20, §5.1, §5.3).
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use confab_testkit::TestServer;
use serde_json::{Value, json};
use support::{CONVERSATIONS, Entity, Feed, USERS, add, conversation, raw, remove, say, user};

/// A client that follows its own entries and a conversation.
async fn follow(server: &TestServer, identity: &str, sid: &str) -> (Feed, Entity, [Entity; 3]) {
    let mut feed = Feed::new(server.client(identity).await);
    let own = feed
        .open(
            "map",
            &format!("{}.my_conversations", user(server, identity).await),
        )
        .await;
    let inside = feed.open_conversation(sid).await;
    let requests: Vec<Value> = [&own]
        .into_iter()
        .chain(&inside)
        .map(Entity::since_read)
        .collect();
    feed.establish(1, &requests).await;
    (feed, own, inside)
}

fn entry(server: &TestServer, identity: &str, key: &str) -> String {
    format!(
        "/Client/v2/Services/{}/Users/{identity}/Conversations/{key}",
        server.service_sid
    )
}

async fn post(feed: &mut Feed, path: &str, body: Value) -> Value {
    let (status, answer) = feed.socket.request("POST", path, &[], Some(&body)).await;
    assert_eq!(status, 200, "{path} {body}: {answer}");
    answer
}

async fn get(feed: &mut Feed, path: &str) -> (u16, Value) {
    feed.socket.request("GET", path, &[], None).await
}

#[tokio::test]
async fn a_user_is_made_by_connecting_and_found_by_sid_and_identity_b542_b543_b544_b545() {
    let server = TestServer::start().await;
    let roles = server.rest.list("/conversations/v1/Roles", "roles").await;
    let plain = roles
        .iter()
        .find(|r| r["friendly_name"] == "service user")
        .unwrap();
    let mut alice = Feed::new(server.client("alice").await);
    let made = server.get(&format!("{USERS}/alice")).await.expect(200);
    assert_eq!(made.json["role_sid"], plain["sid"]);
    let base = format!("/Client/v2/Services/{}/Users", server.service_sid);
    let (_, by_sid) = get(&mut alice, &format!("{base}/{}", made.text_of("sid"))).await;
    let (_, by_identity) = get(&mut alice, &format!("{base}/alice")).await;
    assert_eq!(by_sid, by_identity);
    assert_eq!(by_sid["identity"], "alice");
    for missing in ["Alice", "US00000000000000000000000000000000"] {
        let (status, body) = get(&mut alice, &format!("{base}/{missing}")).await;
        assert_eq!((status, &body["code"]), (404, &json!(50200)), "B-558: {missing}");
    }
    // B-545: a phone in a conversation has no user, and no info to follow.
    let sid = conversation(&server, &["alice"]).await;
    let phone = [
        ("MessagingBinding.Address", "+15558675310"),
        ("MessagingBinding.ProxyAddress", "+15017122661"),
    ];
    server
        .post(&format!("{CONVERSATIONS}/{sid}/Participants"), &phone)
        .await
        .expect(201);
    let (_, members) = get(&mut alice, &format!("/v3/Maps/{sid}.roster/Items")).await;
    let infos: Vec<bool> = members["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["data"]["userInfo"].is_string())
        .collect();
    assert_eq!(infos.iter().filter(|has| **has).count(), 1, "{members}");
    assert_eq!(server.rest.list(USERS, "users").await.len(), 1);
}

#[tokio::test]
async fn his_own_conversations_and_no_other_b553_b554_b556_b557() {
    let server = TestServer::start().await;
    let named = server
        .post(CONVERSATIONS, &[("UniqueName", "named")])
        .await
        .expect(201)
        .text_of("sid");
    add(&server, &named, "alice").await;
    let second = conversation(&server, &["alice", "bob"]).await;
    let other = server
        .post(CONVERSATIONS, &[("UniqueName", "other")])
        .await
        .expect(201)
        .text_of("sid");
    let (mut alice, own, [_, _, roster]) = follow(&server, "alice", &second).await;
    let (_, list) = get(&mut alice, entry(&server, "alice", "").trim_end_matches('/')).await;
    let mut sids: Vec<&str> = list["conversations"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|c| c["conversation_sid"].as_str())
        .collect();
    sids.sort_unstable();
    let mut expected = [named.as_str(), second.as_str()];
    expected.sort_unstable();
    assert_eq!(sids, expected);
    for key in ["named", named.as_str()] {
        let (status, found) = get(&mut alice, &entry(&server, "alice", key)).await;
        assert_eq!(
            (status, &found["conversation_sid"]),
            (200, &json!(named)),
            "{key}"
        );
    }
    for key in ["other", other.as_str(), "nonsense"] {
        let (status, refused) = get(&mut alice, &entry(&server, "alice", key)).await;
        assert_eq!((status, &refused["code"]), (404, &json!(20404)), "{key}");
    }
    // B-556: taken out over REST by his own list.
    server
        .delete(&format!("{USERS}/alice/Conversations/{second}"))
        .await
        .expect(204);
    let left = alice.next("the end of her part").await;
    assert_eq!(
        (left.kind.as_str(), left.entity(), &left.data["item_key"]),
        ("map_item_removed", own.sid.as_str(), &json!(second))
    );
    let (_, list) = get(&mut alice, entry(&server, "alice", "").trim_end_matches('/')).await;
    assert_eq!(list["conversations"].as_array().unwrap().len(), 1);
    assert!(!roster.sid.is_empty());
}

#[tokio::test]
async fn muting_is_for_one_user_and_one_conversation_b555_b675() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice", "bob"]).await;
    let second = conversation(&server, &["alice"]).await;
    let (mut alice, own, _) = follow(&server, "alice", &sid).await;
    let (mut bob, bobs, _) = follow(&server, "bob", &sid).await;
    for level in ["muted", "default"] {
        let answer = post(
            &mut alice,
            &entry(&server, "alice", &sid),
            json!({"notification_level": level}),
        )
        .await;
        assert_eq!(answer["notification_level"], level);
        let came = alice.until("her entry", |e| e.is_of(&own)).await;
        let item = &came.last().unwrap().data;
        assert_eq!(
            (&item["item_key"], &item["item_data"]["notificationLevel"]),
            (&json!(sid), &json!(level))
        );
        let shown = server
            .get(&format!("{USERS}/alice/Conversations/{sid}"))
            .await
            .expect(200);
        assert_eq!(shown.text_of("notification_level"), level);
        for (identity, key) in [("alice", &second), ("bob", &sid)] {
            let shown = server
                .get(&format!("{USERS}/{identity}/Conversations/{key}"))
                .await
                .expect(200);
            assert_eq!(shown.text_of("notification_level"), "default");
        }
    }
    // Over REST it reaches him as well; of what bob set, nobody else is told.
    server
        .post(
            &format!("{USERS}/alice/Conversations/{sid}"),
            &[("NotificationLevel", "muted")],
        )
        .await
        .expect(200);
    let came = alice.until("her entry", |e| e.is_of(&own)).await;
    assert_eq!(
        came.last().unwrap().data["item_data"]["notificationLevel"],
        "muted"
    );
    say(&server, &sid, "the fence").await;
    let came = bob.until("the fence", |e| e.kind == "list_item_added").await;
    assert!(came.iter().all(|e| !e.is_of(&bobs)), "{came:?}");
    let bad = json!({"notification_level": "loud"});
    let (status, refused) = alice
        .socket
        .request("POST", &entry(&server, "alice", &sid), &[], Some(&bad))
        .await;
    assert_eq!((status, &refused["code"]), (400, &json!(20001)));
}

#[tokio::test]
async fn what_a_client_has_not_read_b571_b572_b573_b574_b575_b576_b577_b578_b580() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice", "bob"]).await;
    let (mut alice, own, [_, _, roster]) = follow(&server, "alice", &sid).await;
    let (mut bob, ..) = follow(&server, "bob", &sid).await;
    let mine = entry(&server, "alice", &sid);
    let mut sids = Vec::new();
    for n in 0..6 {
        sids.push(say(&server, &sid, &n.to_string()).await);
    }
    // B-571, B-574: nothing is known of what she has read.
    let (_, at_first) = get(&mut alice, &mine).await;
    assert_eq!(
        (
            &at_first["last_read_message_index"],
            &at_first["unread_messages_count"]
        ),
        (&Value::Null, &Value::Null)
    );
    let (_, members) = get(&mut alice, &format!("/v3/Maps/{sid}.roster/Items")).await;
    for member in members["items"].as_array().unwrap() {
        let data = &member["data"];
        assert!(data["lastConsumedMessageIndex"].is_null() && data["lastConsumptionTimestamp"].is_null());
    }
    // B-575, B-578: also back again.
    for (index, unread) in [(5, 0), (1, 4), (0, 5), (3, 2), (100, 0), (3, 2)] {
        let read = post(&mut alice, &mine, json!({"last_read_message_index": index})).await;
        assert_eq!(
            (&read["last_read_message_index"], &read["unread_messages_count"]),
            (&json!(index), &json!(unread))
        );
        let is_it = |e: &support::Event| {
            e.entity() == roster.sid && e.data["item_data"]["lastConsumedMessageIndex"] == index
        };
        bob.until("her horizon (B-580)", is_it).await;
    }
    // B-576: her own words are unread as well. B-577: what is gone is not.
    let messages = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        server.service_sid
    );
    let (status, _) = alice
        .socket
        .request("POST", &messages, &[], Some(&json!({"body": "mine"})))
        .await;
    assert_eq!(
        (
            status,
            get(&mut alice, &mine).await.1["unread_messages_count"].clone()
        ),
        (201, json!(3))
    );
    for (deleted, unread) in [(4, 2), (1, 2), (5, 1)] {
        server
            .delete(&format!("{CONVERSATIONS}/{sid}/Messages/{}", sids[deleted]))
            .await
            .expect(204);
        assert_eq!(get(&mut alice, &mine).await.1["unread_messages_count"], unread);
    }
    // B-572, B-573: over REST by either path, and back to nothing.
    let participant = format!("{CONVERSATIONS}/{sid}/Participants/alice");
    let entry_of_rest = format!("{USERS}/alice/Conversations/{sid}");
    for (path, text, index) in [
        (&participant, "2", json!(2)),
        (&entry_of_rest, "6", json!(6)),
        (&participant, "null", Value::Null),
    ] {
        server
            .post(path, &[("LastReadMessageIndex", text)])
            .await
            .expect(200);
        let is_it =
            |e: &support::Event| e.is_of(&own) && e.data["item_data"]["lastConsumedMessageIndex"] == index;
        alice.until("her entry", is_it).await;
        let (_, entry) = get(&mut alice, &mine).await;
        assert_eq!(entry["last_read_message_index"], index);
        assert_eq!(entry["unread_messages_count"].is_null(), index.is_null());
    }
    for bad in [json!(-1), json!("1"), json!(1.5), json!([])] {
        let body = json!({"last_read_message_index": bad});
        let (status, refused) = alice.socket.request("POST", &mine, &[], Some(&body)).await;
        assert_eq!((status, &refused["code"]), (400, &json!(50421)), "{bad}");
    }
}

/// Signals that somebody types; gives the answer.
async fn type_in(server: &TestServer, feed: &mut Feed, key: &str) -> (u64, Value) {
    let path = format!("/Client/v2/Services/{}/Typing", server.service_sid);
    raw(
        &mut feed.socket,
        json!({"method": "POST", "path": path}),
        format!("ChannelSid={key}").as_bytes(),
    )
    .await
}

/// What came of typing up to an answer that was sent after all of it: those who are told, in their order.
async fn typing_seen(server: &TestServer, feed: &mut Feed) -> Vec<Value> {
    let path = format!("/Client/v2/Services/{}/Typing", server.service_sid);
    let header = json!({"method": "message", "http_request": {"method": "POST", "path": path}});
    let id = feed.socket.send(header, b"").await;
    let mut seen = Vec::new();
    loop {
        let frame = feed.socket.next().await.unwrap();
        if frame.header["message_type"] == "twilio.ipmsg.typing_indicator" {
            seen.push(frame.json());
        } else if frame.header["id"] == id.as_str() {
            return seen;
        }
    }
}

#[tokio::test]
async fn typing_reaches_the_others_who_are_in_and_leaves_nothing_b584_b585_b586_b587() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice", "bob", "carol"]).await;
    let (mut alice, ..) = follow(&server, "alice", &sid).await;
    let (mut tablet, ..) = follow(&server, "alice", &sid).await;
    let (mut bob, ..) = follow(&server, "bob", &sid).await;
    let (mut phone, ..) = follow(&server, "bob", &sid).await;
    // Its SDK has read who is in and waits to follow it.
    let mut watch = Feed::new(server.client("bob").await);
    let mut dave = Feed::new(server.client("dave").await);
    let document = dave.open("document", &format!("{sid}.channel")).await;
    dave.establish(1, &[document.since_read()]).await;
    let (mut carol, ..) = follow(&server, "carol", &sid).await;
    remove(&server, &sid, "carol").await;
    let (before, published) = (
        support::snapshot(&server, &sid).await,
        server.engine().commits_published(),
    );
    let chat = format!("/chat/v2/Services/{}", server.service_sid);
    // B-585, B-586: how long, and a second more at the others; the service's own time where it has one.
    for (timeout, set) in [(5, false), (12, true)] {
        if set {
            server
                .post(
                    &chat,
                    &[
                        ("TypingIndicatorTimeout", "12"),
                        ("ConsumptionReportInterval", "20"),
                    ],
                )
                .await
                .expect(200);
        }
        assert_eq!(
            type_in(&server, &mut alice, &sid).await,
            (200, json!({"typing_timeout": timeout}))
        );
        let told = json!({"channel_sid": sid, "identity": "alice", "typing_timeout": timeout + 1});
        for (who, feed, sees) in [
            ("bob", &mut bob, true),
            ("bob's phone", &mut phone, true),
            ("bob's watch, which follows nothing yet", &mut watch, true),
            ("her own tablet", &mut tablet, false),
            ("herself", &mut alice, false),
            ("carol, who left", &mut carol, false),
            ("dave, who follows it and is not in", &mut dave, false),
        ] {
            let seen = typing_seen(&server, feed).await;
            assert_eq!(seen, if sees { vec![told.clone()] } else { Vec::new() }, "{who}");
        }
    }
    for feed in [&mut carol, &mut dave] {
        let (status, refused) = type_in(&server, feed, &sid).await;
        assert_eq!((status, &refused["code"]), (403, &json!(50430)));
    }
    assert_eq!(typing_seen(&server, &mut bob).await, Vec::<Value>::new());
    // B-587: what is told to webhooks is told of changes, and this is none.
    assert_eq!(
        (
            support::snapshot(&server, &sid).await,
            server.engine().commits_published()
        ),
        (before, published)
    );
    // B-581: how often clients report what they have read.
    let (_, settings) = get(&mut alice, "/Client/v2/Configuration").await;
    assert_eq!(settings["options"]["consumption_report_interval"], "PT20S");
}
