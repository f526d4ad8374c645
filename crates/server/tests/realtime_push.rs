//! Push registrations of SDK clients (realtime.md §5.4, C22; B-606, B-625, B-626).
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use confab_testkit::{Socket, TestServer, signed_token};
use serde_json::{Value, json};
use support::connect;

const PATH: &str = "/v1/registrations";

/// A token whose grant says more than the service.
async fn token(server: &TestServer, identity: &str, grant: Value) -> String {
    let (key, secret) = server.create_key().await;
    let now = server.engine().now().seconds();
    let mut chat = json!({"service_sid": server.service_sid});
    for (name, value) in grant.as_object().unwrap() {
        chat[name] = value.clone();
    }
    let claims = json!({"jti": format!("{key}-{now}"), "iss": key, "sub": server.account_sid, "iat": now,
        "exp": now + 3600, "grants": {"identity": identity, "chat": chat}});
    signed_token(Some("twilio-fpa;v=1"), &claims, &secret)
}

/// What the SDK sends.
fn registration(channel: &str, address: &str) -> Value {
    json!({
        "endpoint_platform": "web", "channel_type": channel, "version": "3",
        "message_types": ["twilio.conversations.new_message", "twilio.conversations.added_to_conversation",
            "twilio.ipmsg.typing_indicator", "twilio.channel.consumption_update"],
        "data": {"registration_id": address},
    })
}

async fn send(socket: &mut Socket, method: &str, path: &str, body: &Value) -> (u16, Value) {
    socket
        .request(method, path, &[("productId", "ip_messaging")], Some(body))
        .await
}

async fn register(socket: &mut Socket, channel: &str, address: &str) -> String {
    let (status, made) = send(socket, "POST", PATH, &registration(channel, address)).await;
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

async fn bindings(server: &TestServer) -> Vec<Value> {
    let path = format!("/conversations/v1/Services/{}/Bindings", server.service_sid);
    server.rest.list(&path, "bindings").await
}

async fn credential(server: &TestServer) -> String {
    let form = [("Type", "gcm"), ("ApiKey", "key of the push service")];
    let made = server.post("/conversations/v1/Credentials", &form).await;
    made.expect(201).text_of("sid")
}

#[tokio::test]
async fn a_device_is_registered_with_what_its_token_says_b606_b625_b626() {
    let server = TestServer::start().await;
    let credential = credential(&server).await;
    let grant = json!({"push_credential_sid": credential, "endpoint_id": "alice's phone"});
    let mut alice = connect(&server, &token(&server, "alice", grant).await).await;
    let id = register(&mut alice, "gcm", "first").await;
    let found = bindings(&server).await;
    assert_eq!(found.len(), 1);
    let binding = &found[0];
    assert_eq!(binding["sid"], id);
    assert_eq!(binding["identity"], "alice");
    assert_eq!(binding["endpoint"], "alice's phone");
    assert_eq!(binding["binding_type"], "gcm");
    assert_eq!(binding["credential_sid"], credential);
    assert_eq!(
        binding["message_types"],
        json!(["new_message", "added_to_conversation"])
    );
    // The same device with a new token of its push service is the same binding.
    assert_eq!(register(&mut alice, "gcm", "second").await, id);
    assert_eq!(bindings(&server).await.len(), 1);
    let (status, body) = send(&mut alice, "DELETE", &format!("{PATH}/{id}"), &json!({})).await;
    assert_eq!((status, body), (204, Value::Null));
    assert!(bindings(&server).await.is_empty());
    // A new token of the connection counts from then on.
    let renewed = token(&server, "alice", json!({"endpoint_id": "her tablet"})).await;
    assert_eq!(alice.update(&renewed).await.status(), 200);
    register(&mut alice, "gcm", "third").await;
    let found = bindings(&server).await;
    assert_eq!(
        (&found[0]["endpoint"], &found[0]["credential_sid"]),
        (&json!("her tablet"), &Value::Null)
    );
}

#[tokio::test]
async fn a_device_without_a_name_is_known_by_its_token_which_nobody_sees_b625() {
    let server = TestServer::start().await;
    let mut alice = server.client("alice").await;
    let first = register(&mut alice, "fcm", "token of the device").await;
    assert_eq!(register(&mut alice, "fcm", "token of the device").await, first);
    let other = register(&mut alice, "fcm", "another").await;
    let apple = register(&mut alice, "apn", "another").await;
    assert!(first != other && other != apple);
    let found = bindings(&server).await;
    assert_eq!(found.len(), 3);
    assert!(!json!(found).to_string().contains("token of the device"));
    assert!(found.iter().all(|b| b["endpoint"] == b["sid"]));
    let named = json!({"binding_type": "fcm", "address": "another"});
    assert_eq!(send(&mut alice, "DELETE", PATH, &named).await.0, 204);
    let left: Vec<Value> = bindings(&server).await.iter().map(|b| b["sid"].clone()).collect();
    assert_eq!(left, [json!(first), json!(apple)]);
}

/// The SDK repeats what is refused for ever (realtime.md §3.1).
#[tokio::test]
async fn a_credential_that_does_not_fit_refuses_no_registration_b626() {
    let server = TestServer::start().await;
    let of_google = credential(&server).await;
    for sid in [
        of_google.as_str(),
        "CR0123456789abcdef0123456789abcdef",
        "nonsense",
    ] {
        let grant = json!({"push_credential_sid": sid});
        let mut alice = connect(&server, &token(&server, "alice", grant).await).await;
        let id = register(&mut alice, "apn", sid).await;
        let binding = bindings(&server).await.pop().unwrap();
        assert_eq!(
            (&binding["sid"], &binding["credential_sid"]),
            (&json!(id), &Value::Null)
        );
    }
}

#[tokio::test]
async fn nobody_ends_registrations_of_others() {
    let server = TestServer::start().await;
    let mut alice = server.client("alice").await;
    let id = register(&mut alice, "fcm", "device").await;
    let mut mallory = server.client("mallory").await;
    let own = register(&mut mallory, "fcm", "device").await;
    assert_ne!(own, id, "one device may be of two people");
    for (path, body) in [
        (format!("{PATH}/{id}"), json!({})),
        (
            PATH.to_owned(),
            json!({"binding_type": "fcm", "address": "device"}),
        ),
        (format!("{PATH}/nonsense"), json!({})),
    ] {
        // What is not his is as good as not there.
        assert_eq!(send(&mut mallory, "DELETE", &path, &body).await.0, 204, "{path}");
    }
    let left = bindings(&server).await;
    assert_eq!((left.len(), &left[0]["sid"]), (1, &json!(id)));
}

#[tokio::test]
async fn bad_registrations_are_refused_and_change_nothing() {
    let server = TestServer::start().await;
    let mut alice = server.client("alice").await;
    let mut bodies = vec![
        json!([]),
        json!({}),
        registration("pigeon", "device"),
        registration("fcm", ""),
        registration("fcm", &"x".repeat(4097)),
    ];
    for (name, value) in [
        ("data", json!(null)),
        ("data", json!({"registration_id": 1})),
        ("channel_type", json!(1)),
    ] {
        let mut body = registration("fcm", "device");
        body[name] = value;
        bodies.push(body);
    }
    for body in bodies {
        let (status, error) = send(&mut alice, "POST", PATH, &body).await;
        assert_eq!((status, &error["code"]), (400, &json!(20001)), "{body}");
    }
    for body in [
        json!({}),
        json!({"binding_type": "fcm"}),
        json!({"binding_type": "x", "address": "y"}),
    ] {
        assert_eq!(send(&mut alice, "DELETE", PATH, &body).await.0, 400, "{body}");
    }
    assert_eq!(send(&mut alice, "GET", PATH, &json!({})).await.0, 405);
    assert_eq!(
        send(&mut alice, "GET", &format!("{PATH}/x"), &json!({})).await.0,
        405
    );
    assert_eq!(
        send(&mut alice, "POST", &format!("{PATH}/x/y"), &json!({}))
            .await
            .0,
        404
    );
    assert!(bindings(&server).await.is_empty());
}
