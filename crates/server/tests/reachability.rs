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
        endpoint: endpoint.into(),
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
