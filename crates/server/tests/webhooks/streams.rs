//! Event Streams to a webhook sink (behaviours §20).

use confab_testkit::{Call, Reply, Sink, TestServer, soon};
use serde_json::{Value, json};

use super::CONVERSATIONS;

async fn sink(server: &TestServer, url: &str) -> String {
    let configuration = json!({ "destination": url, "method": "POST", "batch_events": true }).to_string();
    let form = [
        ("Description", "everything"),
        ("SinkType", "webhook"),
        ("SinkConfiguration", configuration.as_str()),
    ];
    server
        .post("/events/v1/Sinks", &form)
        .await
        .expect(201)
        .text_of("sid")
}

pub(super) async fn subscribe(server: &TestServer, sink: &str, types: &[&str]) {
    let types: Vec<String> = types
        .iter()
        .map(|kind| {
            json!({ "type": format!("com.twilio.conversations.{kind}"), "schema_version": 2 }).to_string()
        })
        .collect();
    let mut form = vec![("Description", "some"), ("SinkSid", sink)];
    form.extend(types.iter().map(|kind| ("Types", kind.as_str())));
    server.post("/events/v1/Subscriptions", &form).await.expect(201);
}

fn event(call: &Call) -> Value {
    let mut events: Vec<Value> = serde_json::from_str(&call.body).unwrap();
    assert_eq!(events.len(), 1, "{}", call.body);
    events.remove(0)
}

/// B-813, B-814, B-818, B-821: what a silent request of REST does is an event, of the types that are subscribed to.
#[tokio::test]
async fn events_of_silent_requests_reach_their_sink() {
    let server = TestServer::start().await;
    let mut taken = Sink::start().await;
    let to = sink(&server, &taken.url("/events")).await;
    subscribe(&server, &to, &["message.added", "conversation-state.updated"]).await;
    let made = server.post(CONVERSATIONS, &[]).await.expect(201);
    let path = format!("{CONVERSATIONS}/{}", made.text_of("sid"));
    server
        .post(&path, &[("FriendlyName", "nobody asked")])
        .await
        .expect(200);
    let message = server
        .post(&format!("{path}/Messages"), &[("Body", "hi"), ("Author", "a")])
        .await
        .expect(201);
    server.post(&path, &[("State", "closed")]).await.expect(200);
    let call = taken.next().await;
    assert!(call.uri.starts_with("/events?bodySHA256="), "{}", call.uri);
    assert_eq!(call.header("content-type"), "application/cloudevents-batch+json");
    assert_eq!(call.header("X-Twilio-Signature").len(), 28);
    let first = event(&call);
    assert_eq!(
        (first["specversion"].as_str(), first["type"].as_str()),
        (Some("1.0"), Some("com.twilio.conversations.message.added"))
    );
    let data = &first["data"];
    assert_eq!(data["MessageSid"], message.json["sid"]);
    assert_eq!(
        (&data["MessageBody"], &data["Author"]),
        (&json!("hi"), &json!("a"))
    );
    let second = event(&taken.next().await);
    assert_eq!(
        second["type"],
        "com.twilio.conversations.conversation-state.updated"
    );
    assert_eq!(second["data"]["StateTo"], "closed");
    assert_ne!(first["id"], second["id"]);
}

/// B-819, and the test of a sink; what cannot be delivered is an alert, and comes later under the same id.
#[tokio::test]
async fn a_sink_is_tested_and_gets_what_it_missed() {
    let server = TestServer::start().await;
    let mut taken = Sink::start().await;
    let to = sink(&server, &taken.url("/events")).await;
    server.post(&format!("/events/v1/Sinks/{to}/Test"), &[]).await;
    let test = event(&taken.next().await);
    assert_eq!(test["source"], format!("/v1/Sinks/{to}"));
    let id = test["id"].as_str().unwrap();
    let validated = server
        .post(&format!("/events/v1/Sinks/{to}/Validate"), &[("TestId", id)])
        .await
        .expect(201);
    assert_eq!(validated.json["result"], "valid");
    subscribe(&server, &to, &["user.added"]).await;
    let mut tries = 0;
    taken.answer(move |_| {
        tries += 1;
        Reply::status(if tries == 1 { 500 } else { 200 })
    });
    server
        .post("/conversations/v1/Users", &[("Identity", "alice")])
        .await
        .expect(201);
    let (first, second) = (event(&taken.next().await), event(&taken.next().await));
    assert_eq!(first, second);
    assert_eq!(first["data"]["Identity"], "alice");
    soon("the alert", async {
        loop {
            let alerts = server.get("/monitor/v1/Alerts").await.expect(200);
            if alerts.json["alerts"][0]["error_code"] == "93101" {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// B-819: that webhooks are tried once, as in the original, takes nothing from streams.
#[tokio::test]
async fn events_are_brought_again_where_webhooks_are_tried_once() {
    let server = TestServer::start_with(|config| config.webhooks.retry_secs = 0).await;
    let mut taken = Sink::start().await;
    let mut tries = 0;
    taken.answer(move |_| {
        tries += 1;
        Reply::status(if tries == 1 { 500 } else { 200 })
    });
    let to = sink(&server, &taken.url("/events")).await;
    subscribe(&server, &to, &["user.added"]).await;
    server
        .post("/conversations/v1/Users", &[("Identity", "alice")])
        .await
        .expect(201);
    let (first, second) = (event(&taken.next().await), event(&taken.next().await));
    assert_eq!(first, second);
}
