//! Who is online and who can be notified (B-546…B-550), over REST and as SDK clients see it.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use confab_domain::credential::CredentialType;
use confab_domain::{Actor, binding};
use confab_testkit::TestServer;
use confab_types::{AccountSid, ServiceSid, Sid as _};
use serde_json::{Value, json};
use support::{Entity, Feed, USERS, user};

/// A server whose default service shows who is online, at once when somebody goes.
async fn shown() -> TestServer {
    let server = TestServer::start_with(|config| config.realtime.offline_grace_secs = 0).await;
    show(&server, true).await;
    server
}

async fn show(server: &TestServer, enabled: bool) {
    let path = format!("/conversations/v1/Services/{}/Configuration", server.service_sid);
    let enabled = enabled.to_string();
    let set = server.post(&path, &[("ReachabilityEnabled", &enabled)]).await;
    set.expect(200);
}

/// What REST says of a user: online, notifiable.
async fn rest(server: &TestServer, identity: &str) -> (Value, Value) {
    let found = server.get(&format!("{USERS}/{identity}")).await.expect(200).json;
    (found["is_online"].clone(), found["is_notifiable"].clone())
}

/// A client of bob who follows the info of alice.
async fn watcher(server: &TestServer) -> (Feed, Entity) {
    let map = format!("{}.info", user(server, "alice").await);
    let mut bob = Feed::new(server.client("bob").await);
    let info = bob.open("map", &map).await;
    bob.establish(1, &[info.since_read()]).await;
    (bob, info)
}

/// The next value of alice's reachability that bob is told.
async fn told(bob: &mut Feed) -> Value {
    loop {
        let event = bob.next("reachability").await;
        if event.data["item_key"] == "reachability" {
            return event.data["item_data"].clone();
        }
    }
}

#[tokio::test]
async fn nobody_is_shown_while_it_is_off_b546_b549() {
    let server = TestServer::start().await;
    let alice = server.client("alice").await;
    assert_eq!(rest(&server, "alice").await, (Value::Null, Value::Null));
    show(&server, true).await;
    // Nor does what was before count: she was not seen to connect.
    assert_eq!(rest(&server, "alice").await, (Value::Null, Value::Null));
    let again = server.client("alice").await;
    assert_eq!(rest(&server, "alice").await.0, true);
    show(&server, false).await;
    assert_eq!(rest(&server, "alice").await, (Value::Null, Value::Null));
    show(&server, true).await;
    assert_eq!(rest(&server, "alice").await, (Value::Null, Value::Null));
    alice.close().await;
    again.close().await;
}

#[tokio::test]
async fn a_user_is_online_while_one_device_is_connected_b548_b550() {
    let server = shown().await;
    let created = server.post(USERS, &[("Identity", "alice")]).await.expect(201);
    assert!(created.json["is_online"].is_null());
    let (mut bob, _) = watcher(&server).await;
    let phone = server.client("alice").await;
    assert_eq!(told(&mut bob).await, json!({"online": true, "notifiable": false}));
    assert_eq!(rest(&server, "alice").await.0, true);
    let tablet = server.client("alice").await;
    phone.close().await;
    assert_eq!(rest(&server, "alice").await.0, true);
    tablet.close().await;
    assert_eq!(
        told(&mut bob).await,
        json!({"online": false, "notifiable": false})
    );
    assert_eq!(rest(&server, "alice").await.0, false);
}

#[tokio::test]
async fn lists_do_not_tell_who_is_online_b547() {
    let server = shown().await;
    let _alice = server.client("alice").await;
    let users = server.rest.list(USERS, "users").await;
    assert!(!users.is_empty());
    assert!(
        users
            .iter()
            .all(|u| u["is_online"].is_null() && u["is_notifiable"].is_null())
    );
}

#[tokio::test]
async fn a_push_registration_makes_notifiable_until_the_last_one_is_gone_b548() {
    let server = shown().await;
    server.post(USERS, &[("Identity", "alice")]).await.expect(201);
    let (mut bob, _) = watcher(&server).await;
    let register = |endpoint: &str| binding::Register {
        account: AccountSid::parse(&server.account_sid).unwrap(),
        service: ServiceSid::parse(&server.service_sid).unwrap(),
        identity: "alice".into(),
        endpoint: Some(endpoint.into()),
        kind: CredentialType::Fcm,
        address: "token of the device".into(),
        credential: None,
        message_types: Vec::new(),
    };
    let engine = server.engine();
    engine.execute(Actor::System, register("phone")).await.unwrap();
    assert_eq!(told(&mut bob).await, json!({"online": false, "notifiable": true}));
    engine.execute(Actor::System, register("tablet")).await.unwrap();
    assert_eq!(rest(&server, "alice").await, (Value::Null, json!(true)));
    let path = format!("/conversations/v1/Services/{}/Bindings", server.service_sid);
    let bindings = server.rest.list(&path, "bindings").await;
    for binding in bindings {
        assert_eq!(rest(&server, "alice").await.1, true);
        let sid = binding["sid"].as_str().unwrap();
        server.delete(&format!("{path}/{sid}")).await.expect(204);
    }
    assert_eq!(
        told(&mut bob).await,
        json!({"online": false, "notifiable": false})
    );
    assert_eq!(rest(&server, "alice").await, (Value::Null, json!(false)));
}

/// A server that waits before somebody counts as gone, long enough for a reconnect on a slow machine.
async fn patient() -> TestServer {
    let server = TestServer::start_with(|config| config.realtime.offline_grace_secs = 3).await;
    show(&server, true).await;
    server
}

/// Follows another user's info as well.
async fn also_follow(feed: &mut Feed, server: &TestServer, identity: &str) -> Entity {
    let info = feed
        .open("map", &format!("{}.info", user(server, identity).await))
        .await;
    feed.establish(2, &[info.since_read()]).await;
    info
}

/// What bob is told of reachability until carol is offline, who went after all that is to be seen.
async fn told_until_carol_is_gone(bob: &mut Feed, carol: &Entity) -> Vec<(String, Value)> {
    let is_end = |e: &support::Event| e.is_of(carol) && e.data["item_data"]["online"] == false;
    let came = bob.until("carol's end", is_end).await;
    came.iter()
        .filter(|e| e.data["item_key"] == "reachability")
        .map(|e| (e.entity().to_owned(), e.data["item_data"]["online"].clone()))
        .collect()
}

/// realtime.md §5.2: a client that comes back within the grace period was never away, on whichever device.
#[tokio::test]
async fn coming_back_within_the_grace_period_is_not_seen_b548_b550() {
    let server = patient().await;
    server.post(USERS, &[("Identity", "alice")]).await.expect(201);
    server.post(USERS, &[("Identity", "carol")]).await.expect(201);
    let (mut bob, _) = watcher(&server).await;
    let phone = server.client("alice").await;
    assert_eq!(told(&mut bob).await, json!({"online": true, "notifiable": false}));
    let carols = also_follow(&mut bob, &server, "carol").await;
    let carol = server.client("carol").await;
    phone.close().await;
    let tablet = server.client("alice").await;
    // A connection that is just gone, as after a lost network, ends like one that says goodbye.
    drop(tablet);
    let _phone = server.client("alice").await;
    carol.close().await;
    let seen = told_until_carol_is_gone(&mut bob, &carols).await;
    let of_carol: Vec<(String, Value)> = [true, false].map(|on| (carols.sid.clone(), json!(on))).to_vec();
    assert_eq!(seen, of_carol);
    assert_eq!(rest(&server, "alice").await.0, true);
    assert_eq!(rest(&server, "carol").await.0, false);
}

#[tokio::test]
async fn the_last_of_several_devices_counts_b550() {
    let server = patient().await;
    server.post(USERS, &[("Identity", "alice")]).await.expect(201);
    server.post(USERS, &[("Identity", "carol")]).await.expect(201);
    let (mut bob, info) = watcher(&server).await;
    let (phone, tablet, laptop) = (
        server.client("alice").await,
        server.client("alice").await,
        server.client("alice").await,
    );
    assert_eq!(told(&mut bob).await, json!({"online": true, "notifiable": false}));
    let carols = also_follow(&mut bob, &server, "carol").await;
    let carol = server.client("carol").await;
    phone.close().await;
    tablet.close().await;
    carol.close().await;
    let seen = told_until_carol_is_gone(&mut bob, &carols).await;
    assert!(seen.iter().all(|(entity, _)| *entity != info.sid), "{seen:?}");
    laptop.close().await;
    assert_eq!(
        told(&mut bob).await,
        json!({"online": false, "notifiable": false})
    );
}

/// B-546, B-549 as clients see it: while it is off nobody is told anything, nor is there anything to read.
#[tokio::test]
async fn clients_are_told_nothing_while_it_is_off_b546_b549() {
    let server = TestServer::start_with(|config| config.realtime.offline_grace_secs = 0).await;
    server.post(USERS, &[("Identity", "alice")]).await.expect(201);
    let (mut bob, info) = watcher(&server).await;
    let alice = server.client("alice").await;
    alice.close().await;
    let name = [("FriendlyName", "the fence")];
    server.post(&format!("{USERS}/alice"), &name).await.expect(200);
    let event = bob.next("the fence").await;
    assert!(event.is_of(&info));
    assert_eq!(event.data["item_key"], "friendlyName");
    let path = format!("/Client/v2/Services/{}/Users/alice", server.service_sid);
    let (_, shown) = bob.socket.request("GET", &path, &[], None).await;
    assert_eq!(
        (&shown["is_online"], &shown["is_notifiable"]),
        (&Value::Null, &Value::Null)
    );
    let (_, settings) = bob
        .socket
        .request("GET", "/Client/v2/Configuration", &[], None)
        .await;
    assert_eq!(settings["options"]["reachability_enabled"], false);
}
