//! Nobody reads or changes what his token does not allow (B-711, B-661…B-671; realtime.md §3.2, §4.8, §9.10): what the
//! tables of realtime_foreign.rs and realtime_permissions.rs do not show.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod support;

use confab_domain::{Actor, Window};
use confab_testkit::{Socket, TestServer};
use confab_types::{ServiceSid, Sid as _};
use serde_json::{Value, json};
use support::{
    CONVERSATIONS, Event, Feed, USERS, add, connect, conversation, raw, remove, say, snapshot, user,
};

/// A conversation with all that a path can name.
struct Target {
    service: String,
    conversation: String,
    participant: String,
    message: String,
    user: String,
    identity: &'static str,
}

/// What a client tries: method, path, payload.
type Attempt = (&'static str, String, String);

impl Target {
    /// A conversation of the default service with one member and one message.
    async fn make(server: &TestServer, identity: &'static str) -> Self {
        let sid = conversation(server, &[]).await;
        let participant = add(server, &sid, identity).await;
        Self {
            service: server.service_sid.clone(),
            participant,
            message: say(server, &sid, "secret").await,
            user: user(server, identity).await,
            conversation: sid,
            identity,
        }
    }

    /// Requests that change the conversation or read more of it than the conversation itself, by paths below `service`.
    fn inner(&self, service: &str) -> Vec<Attempt> {
        let base = format!("/Client/v2/Services/{service}");
        let one = format!("{base}/Conversations/{}", self.conversation);
        let (participants, messages) = (format!("{one}/Participants"), format!("{one}/Messages"));
        let body = |json: Value| json.to_string();
        let mut attempts = vec![
            ("POST", one.clone(), body(json!({"friendly_name": "taken"}))),
            ("POST", one.clone(), body(json!({"unique_name": "taken"}))),
            ("POST", one.clone(), body(json!({"attributes": "{\"taken\":1}"}))),
            ("POST", one.clone(), body(json!({}))),
            ("DELETE", one, "{}".into()),
            (
                "POST",
                participants.clone(),
                body(json!({"identity": "somebody"})),
            ),
            (
                "POST",
                participants.clone(),
                body(
                    json!({"messaging_binding": {"address": "+15558675310", "proxy_address": "+15017122661"}}),
                ),
            ),
        ];
        for key in [self.participant.as_str(), self.identity] {
            let path = format!("{participants}/{key}");
            attempts.push(("POST", path.clone(), body(json!({"attributes": "{\"taken\":1}"}))));
            attempts.push(("DELETE", path, "{}".into()));
        }
        let message = format!("{messages}/{}", self.message);
        attempts.extend([
            ("POST", messages, body(json!({"body": "intruder"}))),
            ("POST", message.clone(), body(json!({"body": "intruder"}))),
            (
                "POST",
                message.clone(),
                body(json!({"attributes": "{\"taken\":1}"})),
            ),
            ("DELETE", message.clone(), "{}".into()),
            ("GET", format!("{message}/Receipts"), String::new()),
            (
                "POST",
                format!("{base}/Typing"),
                format!("ChannelSid={}", self.conversation),
            ),
        ]);
        attempts
    }

    /// Requests to the client's own entry of the conversation.
    fn entry(&self, service: &str, own: &str) -> Vec<Attempt> {
        let path = format!(
            "/Client/v2/Services/{service}/Users/{own}/Conversations/{}",
            self.conversation
        );
        vec![
            ("GET", path.clone(), String::new()),
            (
                "POST",
                path.clone(),
                json!({"last_read_message_index": 0}).to_string(),
            ),
            ("POST", path, json!({"notification_level": "muted"}).to_string()),
        ]
    }

    /// Requests to what belongs to the conversation's member himself.
    fn of_the_member(&self, service: &str) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for key in [self.user.as_str(), self.identity] {
            let path = format!("/Client/v2/Services/{service}/Users/{key}");
            attempts.push((
                "POST",
                path.clone(),
                json!({"friendly_name": "taken"}).to_string(),
            ));
            attempts.push((
                "POST",
                path.clone(),
                json!({"attributes": "{\"taken\":1}"}).to_string(),
            ));
            let list = format!("{path}/Conversations");
            attempts.push(("GET", list.clone(), String::new()));
            let entry = format!("{list}/{}", self.conversation);
            attempts.push(("GET", entry.clone(), String::new()));
            attempts.push((
                "POST",
                entry.clone(),
                json!({"last_read_message_index": 0}).to_string(),
            ));
            attempts.push(("POST", entry, json!({"notification_level": "muted"}).to_string()));
        }
        attempts
    }

    /// Name and SID of an entity: the digits of its SID are those of what it shows.
    fn keys(&self, kind: &str, suffix: &str) -> [String; 2] {
        let prefix = match kind {
            "Documents" => "ET",
            "Lists" => "ES",
            _ => "MP",
        };
        let owner = if suffix == "my_conversations" {
            &self.user
        } else {
            &self.conversation
        };
        [format!("{owner}.{suffix}"), format!("{prefix}{}", &owner[2..])]
    }

    /// Ways to read entities that only members, or the user himself, may read.
    fn entities(&self) -> Vec<(&'static str, &'static str, String)> {
        [
            ("Lists", "list", "messages"),
            ("Maps", "map", "roster"),
            ("Maps", "map", "my_conversations"),
        ]
        .into_iter()
        .flat_map(|(collection, kind, suffix)| {
            self.keys(collection, suffix).map(|key| (collection, kind, key))
        })
        .collect()
    }
}

async fn attempt(socket: &mut Socket, (method, path, body): &Attempt) -> (u64, Value) {
    raw(socket, json!({"method": method, "path": path}), body.as_bytes()).await
}

/// Every request is refused with one of these answers, whose bodies say nothing of what they refuse.
async fn all_refused(socket: &mut Socket, attempts: &[Attempt], answers: &[(u64, u64)]) {
    for tried in attempts {
        let (status, body) = attempt(socket, tried).await;
        let answer = (status, body["code"].as_u64().unwrap_or(0));
        assert!(answers.contains(&answer), "{tried:?}: {status} {body}");
        assert!(!body.to_string().contains("secret"), "{tried:?}: {body}");
    }
}

/// Entities are refused by name and by SID, with their items, and cannot be followed.
async fn unreadable(feed: &mut Feed, entities: &[(&'static str, &'static str, String)]) {
    for (collection, kind, key) in entities {
        let path = format!("/v3/{collection}/{key}");
        for (path, params) in [
            (path.clone(), vec![]),
            (path.clone(), vec![("Include", "items")]),
            (format!("{path}/Items"), vec![]),
            (format!("{path}/Items"), vec![("From", "0"), ("Order", "desc")]),
            (format!("{path}/Items"), vec![("Index", "0")]),
        ] {
            let (status, body) = feed.socket.request("GET", &path, &params, None).await;
            let answer = (status, body["code"].as_u64().unwrap_or(0));
            // A document has no items for anybody: 20404.
            let refused = [
                (403, 54007),
                (404, 54100),
                (404, 54150),
                (404, 54200),
                (404, 20404),
            ];
            assert!(refused.contains(&answer), "{path} {params:?}: {status} {body}");
            assert!(!body.to_string().contains("secret"), "{path}: {body}");
        }
        let request = json!({"object_sid": key, "object_type": kind, "last_event_id": -1});
        let came = feed.establish(1, &[request]).await;
        assert_eq!(came.len(), 1, "{key}: {came:?}");
        assert_eq!(came[0].kind, "subscription_failed", "{key}: {came:?}");
        let status = &came[0].data["error"]["status"];
        assert!(*status == 403 || *status == 404, "{key}: {came:?}");
    }
}

#[tokio::test]
async fn of_a_conversation_he_is_not_in_a_user_reads_the_document_only_b711_s9_10() {
    let server = TestServer::start().await;
    let target = Target::make(&server, "bob").await;
    let mut socket = server.client("alice").await;
    let before = snapshot(&server, &target.conversation).await;
    let service = target.service.clone();
    all_refused(&mut socket, &target.inner(&service), &[(403, 50430)]).await;
    all_refused(&mut socket, &target.entry(&service, "alice"), &[(404, 20404)]).await;
    all_refused(
        &mut socket,
        &target.of_the_member(&service),
        &[(403, 20403), (403, 50107)],
    )
    .await;
    let mut feed = Feed::new(socket);
    unreadable(&mut feed, &target.entities()).await;
    // He may join, so he may look at what he would join.
    for key in target.keys("Documents", "channel") {
        let path = format!("/v3/Documents/{key}");
        let (status, body) = feed.socket.request("GET", &path, &[], None).await;
        assert_eq!(
            (status, &body["data"]["friendlyName"]),
            (200, &json!("Test")),
            "{body}"
        );
        assert!(!body.to_string().contains("secret"), "{body}");
    }
    let path = format!(
        "/Client/v2/Services/{service}/Conversations/{}",
        target.conversation
    );
    let (status, body) = feed.socket.request("GET", &path, &[], None).await;
    assert_eq!(
        (status, &body["status"]),
        (200, &json!("notParticipating")),
        "{body}"
    );
    assert_eq!(snapshot(&server, &target.conversation).await, before);
    // What he follows of it tells him of the conversation, and of nothing in it.
    let document = feed
        .open("document", &format!("{}.channel", target.conversation))
        .await;
    feed.establish(2, &[document.since_read()]).await;
    say(&server, &target.conversation, "secret again").await;
    let path = format!("{CONVERSATIONS}/{}", target.conversation);
    server.post(&path, &[("FriendlyName", "end")]).await.expect(200);
    let came = feed
        .until("the new name", |e| {
            e.data["document_data"]["friendlyName"] == "end"
        })
        .await;
    for event in &came {
        assert_eq!(event.kind, "document_updated", "{event:?}");
        assert!(!event.data.to_string().contains("secret"), "{event:?}");
    }
}

/// Takes a permission away from the ordinary users of the service.
async fn forbid(server: &TestServer, permission: &str) {
    take_away(server, "service user", permission).await;
}

/// Takes a permission away from a role of the service.
async fn take_away(server: &TestServer, role: &'static str, permission: &str) {
    let service = ServiceSid::parse(&server.service_sid).unwrap();
    let window = Window {
        cursor: None,
        size: 50,
    };
    let roles = server
        .engine()
        .read(move |tx| confab_domain::role::list(tx, service, &window))
        .await
        .unwrap();
    let ordinary = roles.items.into_iter().find(|r| r.friendly_name == role).unwrap();
    let permissions = ordinary
        .permissions
        .into_iter()
        .filter(|p| p != permission)
        .collect();
    let command = confab_domain::role::Update {
        service,
        role: ordinary.sid,
        permissions,
    };
    server.engine().execute(Actor::System, command).await.unwrap();
}

#[tokio::test]
async fn who_may_not_send_or_is_not_in_posts_no_message_b251() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        server.service_sid
    );
    let mut alice = server.client("alice").await;
    let body = json!({"body": "hello"});
    let (status, sent) = alice.request("POST", &path, &[], Some(&body)).await;
    assert_eq!(status, 201, "{sent}");
    let attempt = [("POST", path, body.to_string())];
    let mut bob = server.client("bob").await;
    all_refused(&mut bob, &attempt, &[(403, 50430)]).await;
    take_away(&server, "channel user", "sendMessage").await;
    all_refused(&mut alice, &attempt, &[(403, 50107)]).await;
    let messages = server
        .rest
        .list(&format!("{CONVERSATIONS}/{sid}/Messages"), "messages")
        .await;
    assert_eq!(messages.len(), 1);
}

#[tokio::test]
async fn without_join_conversation_the_document_is_closed_to_all_but_its_creator_s9_10() {
    let server = TestServer::start().await;
    let target = Target::make(&server, "bob").await;
    let mut carol = server.client("carol").await;
    let base = format!("/Client/v2/Services/{}/Conversations", server.service_sid);
    let (status, made) = carol.request("POST", &base, &[], Some(&json!({}))).await;
    assert_eq!(status, 201, "{made}");
    forbid(&server, "joinConversation").await;
    let before = snapshot(&server, &target.conversation).await;
    let mut feed = Feed::new(server.client("alice").await);
    let keys = target.keys("Documents", "channel");
    let document = |key| ("Documents", "document", key);
    unreadable(&mut feed, &keys.map(document)).await;
    let own = made["sid"].as_str().unwrap();
    unreadable(&mut feed, &[document(format!("{own}.channel"))]).await;
    let join = json!({"identity": "alice"}).to_string();
    for sid in [own, &target.conversation] {
        let attempts = [("GET", format!("{base}/{sid}"), String::new())];
        all_refused(&mut feed.socket, &attempts, &[(403, 50430)]).await;
        let attempts = [("POST", format!("{base}/{sid}/Participants"), join.clone())];
        all_refused(&mut feed.socket, &attempts, &[(403, 50107)]).await;
    }
    let mut carol = Feed::new(carol);
    carol.open("document", &format!("{own}.channel")).await;
    unreadable(&mut carol, &[("Lists", "list", format!("{own}.messages"))]).await;
    assert_eq!(user(&server, "alice").await.len(), 34);
    server.delete(&format!("{USERS}/alice")).await.expect(204);
    let mut after = snapshot(&server, &target.conversation).await;
    // Only the user was made by connecting.
    let users = after[4].as_array_mut().unwrap();
    users.retain(|u| u["identity"] != "alice");
    assert_eq!(after, before);
}

#[tokio::test]
async fn one_who_was_removed_is_refused_and_gets_no_more_events_b711_s4_8() {
    let server = TestServer::start().await;
    let target = Target::make(&server, "bob").await;
    let sid = target.conversation.as_str();
    let alice = add(&server, sid, "alice").await;
    let token = server.token("alice").await;
    let mut feed = Feed::new(connect(&server, &token).await);
    let mut second = Feed::new(connect(&server, &token).await);
    let mine = format!("{}.my_conversations", user(&server, "alice").await);
    let mut own_entries = Vec::new();
    for (correlation, feed) in [(1, &mut feed), (2, &mut second)] {
        let own = feed.open("map", &mine).await;
        let inside = feed.open_conversation(sid).await;
        let mut requests = vec![own.since_read()];
        requests.extend(inside.iter().map(|e| e.since_read()));
        let came = feed.establish(correlation, &requests).await;
        assert!(
            came.iter().all(|e| e.kind == "subscription_established"),
            "{came:?}"
        );
        own_entries.push(own);
    }
    remove(&server, sid, &alice).await;
    say(&server, sid, "after the removal").await;
    server
        .post(&format!("{CONVERSATIONS}/{sid}"), &[("FriendlyName", "after")])
        .await
        .expect(200);
    add(&server, sid, "dave").await;
    let mut bob = server.client("bob").await;
    let typing = json!({"method": "POST", "path": format!("/Client/v2/Services/{}/Typing", target.service)});
    let form = format!("ChannelSid={sid}");
    assert_eq!(raw(&mut bob, typing, form.as_bytes()).await.0, 200);
    // The fence: an event of his own that is committed after all of it.
    let fence = conversation(&server, &["alice"]).await;
    for (feed, own) in [(&mut feed, &own_entries[0]), (&mut second, &own_entries[1])] {
        let is_fence = |e: &Event| e.kind == "map_item_added" && e.data["item_key"] == fence;
        let came = feed.until("the fence", is_fence).await;
        let kinds: Vec<&str> = came.iter().map(|e| e.kind.as_str()).collect();
        assert_eq!(kinds, ["map_item_removed", "map_item_added"], "{came:?}");
        assert_eq!(came[0].data["item_key"], sid);
        assert!(came.iter().all(|e| e.is_of(own)), "{came:?}");
    }
    let before = snapshot(&server, sid).await;
    let mut attempts = target.inner(&target.service);
    for key in [alice.as_str(), "alice"] {
        let path = format!(
            "/Client/v2/Services/{}/Conversations/{sid}/Participants/{key}",
            target.service
        );
        attempts.push(("DELETE", path.clone(), "{}".into()));
        attempts.push(("POST", path, json!({"attributes": "{}"}).to_string()));
    }
    let answers = [(403, 50430), (404, 50432)];
    all_refused(&mut feed.socket, &attempts, &answers).await;
    all_refused(
        &mut feed.socket,
        &target.entry(&target.service, "alice"),
        &[(404, 20404)],
    )
    .await;
    unreadable(&mut feed, &target.entities()).await;
    assert_eq!(snapshot(&server, sid).await, before);
    let own = format!("/v3/Maps/{mine}/Items");
    let (_, items) = feed.socket.request("GET", &own, &[], None).await;
    let keys: Vec<&Value> = items["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| &i["key"])
        .collect();
    assert_eq!(keys, [&json!(fence)], "{items}");
    // A connection that comes later with what it once knew gets nothing either.
    let mut late = Feed::new(connect(&server, &token).await);
    unreadable(&mut late, &target.entities()).await;
}

#[tokio::test]
async fn one_who_left_and_joined_again_gets_events_again_s4_8() {
    let server = TestServer::start().await;
    let target = Target::make(&server, "bob").await;
    let sid = target.conversation.as_str();
    let mut feed = Feed::new(server.client("alice").await);
    let mine = format!("{}.my_conversations", user(&server, "alice").await);
    let own = feed.open("map", &mine).await;
    feed.establish(1, &[own.since_read()]).await;
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Participants",
        target.service
    );
    for round in 0..5 {
        let (status, body) = feed
            .socket
            .request("POST", &path, &[], Some(&json!({"identity": "alice"})))
            .await;
        assert_eq!(status, 201, "{body}");
        let [document, list, roster] = feed.open_conversation(sid).await;
        let requests = [document.since_read(), list.since_read(), roster.since_read()];
        feed.establish(10 + round, &requests).await;
        let text = format!("round {round}");
        say(&server, sid, &text).await;
        let is_text = |e: &Event| e.kind == "list_item_added" && e.data["item_data"]["text"] == text.as_str();
        let came = feed.until("the message", is_text).await;
        let added = came.iter().filter(|e| e.kind == "list_item_added").count();
        assert_eq!(added, 1, "{came:?}");
        let (status, _) = feed
            .socket
            .request("DELETE", &format!("{path}/alice"), &[], Some(&json!({})))
            .await;
        assert_eq!(status, 204);
        say(&server, sid, &format!("between {round}")).await;
    }
    let fence = conversation(&server, &["alice"]).await;
    let came = feed
        .until("the fence", |e| e.data["item_key"] == fence.as_str())
        .await;
    assert!(!format!("{came:?}").contains("between"), "{came:?}");
}

#[tokio::test]
async fn a_plain_member_changes_only_his_own_b663_b671() {
    let server = TestServer::start().await;
    let target = Target::make(&server, "bob").await;
    let sid = target.conversation.as_str();
    let mut alice = server.client("alice").await;
    let base = format!("/Client/v2/Services/{}", target.service);
    let one = format!("{base}/Conversations/{sid}");
    let join = json!({"identity": "alice"});
    let (status, joined) = alice
        .request("POST", &format!("{one}/Participants"), &[], Some(&join))
        .await;
    assert_eq!(status, 201, "{joined}");
    let before = snapshot(&server, sid).await;
    let mut forbidden = target.inner(&target.service);
    // What every member may do, and what changes nothing.
    forbidden.retain(|(method, path, body)| {
        let own = path.ends_with("/Typing") || path.ends_with("/Receipts") || path.ends_with("/Messages");
        let empty = *method == "POST" && body == "{}";
        !own && !empty
    });
    assert_eq!(forbidden.len(), 13, "{forbidden:?}");
    all_refused(&mut alice, &forbidden, &[(403, 50107)]).await;
    all_refused(
        &mut alice,
        &target.of_the_member(&target.service),
        &[(403, 50107), (403, 20403)],
    )
    .await;
    assert_eq!(snapshot(&server, sid).await, before);
    // His own he may change; whom he names as author does not matter.
    let (status, said) = alice
        .request(
            "POST",
            &format!("{one}/Messages"),
            &[],
            Some(&json!({"body": "mine", "author": "bob", "identity": "bob"})),
        )
        .await;
    assert_eq!((status, &said["author"]), (201, &json!("alice")), "{said}");
    let message = format!("{one}/Messages/{}", said["sid"].as_str().unwrap());
    for (method, path, body, status) in [
        ("POST", message.clone(), json!({"body": "edited"}), 200),
        ("POST", message.clone(), json!({"attributes": "{}"}), 200),
        ("DELETE", message, json!({}), 204),
        (
            "POST",
            format!("{one}/Participants/alice"),
            json!({"attributes": "{\"a\":1}"}),
            200,
        ),
        (
            "POST",
            format!("{base}/Users/alice"),
            json!({"friendly_name": "Alice"}),
            200,
        ),
        ("DELETE", format!("{one}/Participants/alice"), json!({}), 204),
    ] {
        let (answered, body) = alice.request(method, &path, &[], Some(&body)).await;
        assert_eq!(answered, status, "{method} {path}: {body}");
    }
}

#[tokio::test]
async fn the_creator_who_joins_may_do_all_in_his_conversation_b664() {
    let server = TestServer::start().await;
    let mut alice = server.client("alice").await;
    let base = format!("/Client/v2/Services/{}/Conversations", server.service_sid);
    let (_, made) = alice
        .request("POST", &base, &[], Some(&json!({"friendly_name": "x"})))
        .await;
    let one = format!("{base}/{}", made["sid"].as_str().unwrap());
    let rename = json!({"friendly_name": "y"});
    let (status, body) = alice.request("POST", &one, &[], Some(&rename)).await;
    assert_eq!(
        (status, &body["code"]),
        (403, &json!(50430)),
        "B-715: he is no participant yet"
    );
    for identity in ["alice", "bob"] {
        let add = json!({"identity": identity});
        let (status, body) = alice
            .request("POST", &format!("{one}/Participants"), &[], Some(&add))
            .await;
        assert_eq!(status, 201, "{body}");
    }
    let mut bob = server.client("bob").await;
    let (_, said) = bob
        .request(
            "POST",
            &format!("{one}/Messages"),
            &[],
            Some(&json!({"body": "b"})),
        )
        .await;
    let message = format!("{one}/Messages/{}", said["sid"].as_str().unwrap());
    for (method, path, body, status) in [
        ("POST", one.clone(), rename, 200),
        ("POST", message.clone(), json!({"body": "edited"}), 200),
        ("DELETE", message, json!({}), 204),
        (
            "POST",
            format!("{one}/Participants/bob"),
            json!({"attributes": "{\"a\":1}"}),
            200,
        ),
        ("DELETE", format!("{one}/Participants/bob"), json!({}), 204),
        ("DELETE", one.clone(), json!({}), 204),
        ("GET", one, json!({}), 404),
    ] {
        let (answered, body) = alice.request(method, &path, &[], Some(&body)).await;
        assert_eq!(answered, status, "{method} {path}: {body}");
    }
}
