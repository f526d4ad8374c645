//! A change that an SDK client sends twice under one `X-Twilio-Mutation-Id` happens once and is answered twice alike
//! (realtime.md §3.1): after a lost connection, a killed server, and when both come at the same time.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use std::collections::BTreeSet;

use confab_testkit::{Database, Process, Rest, Socket, TestClock, TestServer, access_token};
use futures_util::future::join_all;
use serde_json::{Value, json};
use support::{CONVERSATIONS, USERS, add, conversation, raw, say, snapshot};

/// Sends a change under an id.
async fn change(socket: &mut Socket, method: &str, path: &str, body: &str, id: &str) -> (u64, Value) {
    let headers = json!({"Content-Type": "application/json; charset=utf-8", "X-Twilio-Mutation-Id": id});
    raw(
        socket,
        json!({"method": method, "path": path, "headers": headers}),
        body.as_bytes(),
    )
    .await
}

/// Every change of a client: method, path, body.
const CHANGES: &[(&str, &str, &str)] = &[
    (
        "POST",
        "/Client/v2/Services/{service}/Conversations",
        r#"{"friendly_name":"x","unique_name":"once"}"#,
    ),
    (
        "POST",
        "/Client/v2/Services/{service}/Conversations/{conversation}",
        r#"{"unique_name":"x","attributes":"{}"}"#,
    ),
    (
        "POST",
        "/Client/v2/Services/{service}/Conversations/{conversation}/Participants",
        r#"{"identity":"carol"}"#,
    ),
    (
        "POST",
        "/Client/v2/Services/{service}/Conversations/{conversation}/Participants/{participant}",
        r#"{"attributes":"{\"a\":1}"}"#,
    ),
    (
        "POST",
        "/Client/v2/Services/{service}/Conversations/{conversation}/Messages",
        r#"{"body":"once","attributes":"{\"a\":1}"}"#,
    ),
    (
        "POST",
        "/Client/v2/Services/{service}/Conversations/{conversation}/Messages/{message}",
        r#"{"body":"edited"}"#,
    ),
    (
        "POST",
        "/Client/v2/Services/{service}/Users/{user}/Conversations/{conversation}",
        r#"{"last_read_message_index":0}"#,
    ),
    (
        "POST",
        "/Client/v2/Services/{service}/Users/{user}",
        r#"{"friendly_name":"Alice"}"#,
    ),
    // Late, so that no report of its carrier changes a message meanwhile.
    (
        "POST",
        "/Client/v2/Services/{service}/Conversations/{conversation}/Participants",
        r#"{"messaging_binding":{"address":"+15558675310","proxy_address":"+15017122661"}}"#,
    ),
    (
        "DELETE",
        "/Client/v2/Services/{service}/Conversations/{conversation}/Messages/{message}",
        "{}",
    ),
    (
        "DELETE",
        "/Client/v2/Services/{service}/Conversations/{conversation}/Participants/{participant}",
        "{}",
    ),
    (
        "DELETE",
        "/Client/v2/Services/{service}/Conversations/{conversation}",
        "{}",
    ),
];

/// What changes nothing, or the same once more, so that it may happen twice.
const MAY_HAPPEN_TWICE: [&str; 4] = [
    "/Client/v2/Services/{service}/Typing",
    "/v4/Subscriptions",
    "/v1/registrations",
    "/v1/registrations/{id}",
];

#[test]
fn every_change_is_tried() {
    let known = confab_realtime::routes()
        .filter(|(method, path)| *method != "GET" && !MAY_HAPPEN_TWICE.contains(path));
    let known: BTreeSet<(&str, &str)> = known.collect();
    let tried: BTreeSet<(&str, &str)> = CHANGES.iter().map(|(method, path, _)| (*method, *path)).collect();
    assert_eq!(tried, known);
}

#[tokio::test]
async fn each_change_is_answered_twice_and_happens_once() {
    let server = TestServer::start().await;
    let admin = server.rest.list("/conversations/v1/Roles", "roles").await;
    let admin = admin
        .iter()
        .find(|r| r["friendly_name"] == "service admin")
        .unwrap();
    let role = [("Identity", "alice"), ("RoleSid", admin["sid"].as_str().unwrap())];
    server.post(USERS, &role).await.expect(201);
    let sid = conversation(&server, &["alice"]).await;
    let bob = add(&server, &sid, "bob").await;
    let message = say(&server, &sid, "hello").await;
    // Another device, which follows: the second time is no event either.
    let mut other = support::Feed::new(server.client("alice").await);
    let inside = other.open_conversation(&sid).await;
    other.establish(1, &inside.map(|e| e.since_read())).await;
    let mut alice = server.client("alice").await;
    for (n, (method, path, body)) in CHANGES.iter().enumerate() {
        let path = path
            .replace("{service}", &server.service_sid)
            .replace("{conversation}", &sid)
            .replace("{participant}", &bob)
            .replace("{message}", &message)
            .replace("{user}", "alice");
        let id = format!("52b7a833-0000-4000-8000-{n:012}");
        let first = change(&mut alice, method, &path, body, &id).await;
        assert!(matches!(first.0, 200 | 201 | 204), "{method} {path}: {first:?}");
        let gone = *method == "DELETE" && path.ends_with(&sid);
        let before = if gone {
            Value::Null
        } else {
            snapshot(&server, &sid).await
        };
        // Whatever the second one says: the first one was answered.
        for body in [*body, "{\"body\":\"other\"}"] {
            let second = change(&mut alice, method, &path, body, &id).await;
            assert_eq!(second, first, "{method} {path}");
        }
        if !gone {
            assert_eq!(
                snapshot(&server, &sid).await,
                before,
                "{method} {path} happened twice"
            );
        }
    }
    let came = other.until("the end", |e| e.kind == "document_removed").await;
    let ids: Vec<(&str, i64)> = came
        .iter()
        .filter_map(|e| Some((e.entity(), e.data["id"].as_i64()?)))
        .collect();
    let once: BTreeSet<&(&str, i64)> = ids.iter().collect();
    assert_eq!(once.len(), ids.len(), "{ids:?}");
    let added = came.iter().filter(|e| e.kind == "list_item_added").count();
    assert_eq!(added, 1, "{came:?}");
}

#[tokio::test]
async fn an_id_is_of_one_user_and_one_path() {
    let server = TestServer::start().await;
    let (one, two) = (
        conversation(&server, &["alice", "bob"]).await,
        conversation(&server, &["alice"]).await,
    );
    let (mut alice, mut bob) = (server.client("alice").await, server.client("bob").await);
    let path = |sid: &str| {
        format!(
            "/Client/v2/Services/{}/Conversations/{sid}/Messages",
            server.service_sid
        )
    };
    let body = r#"{"body":"hello"}"#;
    let mut sids = BTreeSet::new();
    for round in 0..2 {
        for (socket, sid) in [(&mut alice, &one), (&mut bob, &one)] {
            let (status, sent) = change(socket, "POST", &path(sid), body, "same").await;
            assert_eq!(status, 201, "{sent}");
            sids.insert(sent["sid"].to_string());
        }
        let (status, sent) = change(&mut alice, "POST", &path(&two), body, "same").await;
        assert_eq!(status, 201, "{sent}");
        sids.insert(sent["sid"].to_string());
        assert_eq!(sids.len(), 3, "round {round}");
    }
    // The same identity in another service is another user.
    let services = "/conversations/v1/Services";
    let service = server
        .post(services, &[("FriendlyName", "other")])
        .await
        .expect(201)
        .text_of("sid");
    let (key, secret) = server.create_key().await;
    let mut other = support::connect(
        &server,
        &server.access_token("alice", &service, &key, &secret, 3600),
    )
    .await;
    let (status, refused) = change(&mut other, "POST", &path(&one), body, "same").await;
    assert_eq!((status, &refused["code"]), (403, &json!(20403)));
    // Without an id, or with an empty one, each is a message.
    for headers in [
        json!({}),
        json!({"X-Twilio-Mutation-Id": ""}),
        json!({"X-Twilio-Mutation-Id": 7}),
        json!(null),
        json!([]),
    ] {
        for _ in 0..2 {
            let http = json!({"method": "POST", "path": path(&one), "headers": headers});
            let (status, sent) = raw(&mut alice, http, body.as_bytes()).await;
            assert_eq!(status, 201, "{sent}");
            assert!(sids.insert(sent["sid"].to_string()), "{headers}");
        }
    }
    // Header names have no case, and an id may be anything.
    let long = "é/\\\u{1}".repeat(2000);
    for headers in [
        json!({"x-twilio-mutation-id": "same"}),
        json!({"X-TWILIO-MUTATION-ID": long}),
    ] {
        let mut answers = Vec::new();
        for _ in 0..2 {
            let http = json!({"method": "POST", "path": path(&one), "headers": headers});
            answers.push(raw(&mut alice, http, body.as_bytes()).await);
        }
        assert_eq!(answers[0], answers[1]);
    }
}

#[tokio::test]
async fn two_that_come_at_once_happen_once() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let token = server.token("alice").await;
    let mut sockets = Vec::new();
    for _ in 0..6 {
        sockets.push(support::connect(&server, &token).await);
    }
    let base = format!("/Client/v2/Services/{}/Conversations", server.service_sid);
    let new = server.post(CONVERSATIONS, &[]).await.expect(201).text_of("sid");
    for round in 0..10 {
        let id = format!("round {round}");
        for (path, body) in [
            (format!("{base}/{sid}/Messages"), json!({"body": id})),
            // What would fail the second time for another reason.
            (base.clone(), json!({"unique_name": id})),
            (format!("{base}/{new}/Participants"), json!({"identity": "alice"})),
        ] {
            let body = body.to_string();
            let all = sockets
                .iter_mut()
                .map(|socket| change(socket, "POST", &path, &body, &id));
            let answers = join_all(all).await;
            assert!(answers.iter().all(|a| *a == answers[0]), "{path}: {answers:?}");
            assert_eq!(answers[0].0, 201, "{path}: {answers:?}");
        }
        let leave = format!("{base}/{new}/Participants/alice");
        let all = sockets
            .iter_mut()
            .map(|socket| change(socket, "DELETE", &leave, "{}", &id));
        assert!(join_all(all).await.iter().all(|a| *a == (204, Value::Null)));
    }
    let messages = server
        .rest
        .list(&format!("{CONVERSATIONS}/{sid}/Messages"), "messages")
        .await;
    assert_eq!(messages.len(), 10);
}

#[tokio::test]
async fn after_a_day_an_id_is_new_again() {
    let clock = TestClock::new();
    let server = TestServer::start_at(clock.clone()).await;
    let sid = conversation(&server, &["alice"]).await;
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        server.service_sid
    );
    let (key, secret) = server.create_key().await;
    // A token does not live for a day, by the same clock: each time it is another connection.
    let send = async |hours: i64| {
        let token = server.access_token("alice", &server.service_sid, &key, &secret, hours * 3600);
        let mut alice = server.connect().await;
        assert_eq!(alice.init(&token).await.status(), 200);
        change(&mut alice, "POST", &path, r#"{"body":"hello"}"#, "same").await
    };
    let first = send(1).await;
    clock.advance(24 * 60 * 60 - 1);
    assert_eq!(send(25).await, first);
    clock.advance(1);
    let second = send(25).await;
    assert_eq!((second.0, &second.1["index"]), (201, &json!(1)), "{second:?}");
    assert_eq!(send(25).await, second);
}

/// The connection breaks after the change and before its answer, which is what ids are for.
#[tokio::test]
async fn who_lost_the_answer_gets_it_on_his_next_connection() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice", "bob"]).await;
    let mut bob = support::Feed::new(server.client("bob").await);
    let inside = bob.open_conversation(&sid).await;
    bob.establish(1, &inside.map(|e| e.since_read())).await;
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        server.service_sid
    );
    let body = r#"{"body":"hello"}"#;
    let mut alice = server.client("alice").await;
    let header = json!({"method": "message", "http_request": {"method": "POST", "path": path,
        "headers": {"X-Twilio-Mutation-Id": "lost"}}});
    alice.send(header, body.as_bytes()).await;
    let seen = bob.until("the message", |e| e.kind == "list_item_added").await;
    drop(alice);
    let mut alice = server.client("alice").await;
    let (status, sent) = change(&mut alice, "POST", &path, body, "lost").await;
    assert_eq!(
        (status, &sent["sid"]),
        (201, &seen.last().unwrap().data["item_data"]["sid"])
    );
    let messages = server
        .rest
        .list(&format!("{CONVERSATIONS}/{sid}/Messages"), "messages")
        .await;
    assert_eq!(messages.len(), 1);
}

#[tokio::test]
async fn a_killed_server_remembers() {
    let binary = env!("CARGO_BIN_EXE_confab");
    let directory = tempfile::tempdir().unwrap();
    let (data_dir, database) = (directory.path().join("data"), Database::create().await);
    let mut server = Process::start(binary, "127.0.0.1:0", &data_dir, &database).await;
    let (account, secret) = (
        server.told("account SID").unwrap(),
        server.told("auth token").unwrap(),
    );
    let origin = |server: &Process| format!("http://{}", server.address);
    let rest = Rest::new(&origin(&server), &account, &secret);
    let key = rest
        .post(&format!("/2010-04-01/Accounts/{account}/Keys.json"), &[])
        .await
        .expect(201);
    let made = rest.post(CONVERSATIONS, &[]).await.expect(201);
    let (sid, service) = (made.text_of("sid"), made.text_of("chat_service_sid"));
    let participants = format!("{CONVERSATIONS}/{sid}/Participants");
    rest.post(&participants, &[("Identity", "alice")])
        .await
        .expect(201);
    let token = access_token(
        &account,
        "alice",
        &service,
        &key.text_of("sid"),
        &key.text_of("secret"),
        3600,
    );
    let path = format!("/Client/v2/Services/{service}/Conversations/{sid}/Messages");
    let mut first = None;
    for round in 0..3 {
        let mut alice = Socket::connect(server.address).await;
        assert_eq!(alice.init(&token).await.status(), 200);
        let answer = change(&mut alice, "POST", &path, r#"{"body":"hello"}"#, "same").await;
        assert_eq!(answer.0, 201, "{answer:?}");
        assert_eq!(
            first.get_or_insert_with(|| answer.clone()),
            &answer,
            "round {round}"
        );
        server.kill().await;
        server = Process::start(binary, "127.0.0.1:0", &data_dir, &database).await;
    }
    let rest = Rest::new(&origin(&server), &account, &secret);
    let messages = rest
        .list(&format!("{CONVERSATIONS}/{sid}/Messages"), "messages")
        .await;
    assert_eq!(messages.len(), 1);
}
