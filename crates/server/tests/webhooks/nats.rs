//! Event Streams to a sink of NATS, this server's own kind.

use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, Stream};
use async_nats::{Client, ConnectOptions, Message, Subscriber};
use confab_testkit::{NatsServer, TestServer, soon};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::CONVERSATIONS;
use super::streams::subscribe;

const SINKS: &str = "/events/v1/Sinks";
const SUBJECT: &str = "confab.events";
const LOG: &str = "/confab/v1/WebhookDeliveries";

async fn sink(server: &TestServer, configuration: &Value) -> String {
    let configuration = configuration.to_string();
    let form = [
        ("Description", "everything"),
        ("SinkType", "nats"),
        ("SinkConfiguration", configuration.as_str()),
    ];
    let made = server.post(SINKS, &form).await.expect(201);
    assert_eq!(made.json["status"], "initialized");
    made.text_of("sid")
}

async fn listen(client: &Client) -> Subscriber {
    let subscriber = client.subscribe(SUBJECT).await.unwrap();
    client.flush().await.unwrap();
    subscriber
}

/// A stream that takes the subject.
async fn stream(client: Client) -> Stream {
    let config = Config {
        name: "EVENTS".into(),
        subjects: vec![SUBJECT.into()],
        ..Config::default()
    };
    let context = jetstream::new(client);
    context.create_stream(config).await.unwrap()
}

/// An event of a stream by its number, as soon as it is there.
async fn stored(stream: &mut Stream, sequence: u64) -> Value {
    soon("an event in the stream", async {
        while stream.info().await.unwrap().state.last_sequence < sequence {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let message = stream.get_raw_message(sequence).await.unwrap();
    let event: Value = serde_json::from_slice(&message.payload).unwrap();
    assert_eq!(message.headers.get("Nats-Msg-Id").unwrap().as_str(), event["id"]);
    event
}

async fn next(subscriber: &mut Subscriber) -> (Value, Message) {
    let message = soon("an event", subscriber.next()).await.unwrap();
    let event: Value = serde_json::from_slice(&message.payload).unwrap();
    let headers = message.headers.clone().unwrap();
    assert_eq!(
        headers.get("Content-Type").unwrap().as_str(),
        "application/cloudevents+json"
    );
    assert_eq!(headers.get("Nats-Msg-Id").unwrap().as_str(), event["id"]);
    (event, message)
}

async fn validate(server: &TestServer, sink: &str, event: &Value) {
    assert_eq!(event["source"], format!("/v1/Sinks/{sink}"));
    let validated = server
        .post(
            &format!("{SINKS}/{sink}/Validate"),
            &[("TestId", event["id"].as_str().unwrap())],
        )
        .await
        .expect(201);
    assert_eq!(validated.json["result"], "valid");
}

async fn say(server: &TestServer, conversation: &str, bodies: &[&str]) {
    for body in bodies {
        server
            .post(
                &format!("{CONVERSATIONS}/{conversation}/Messages"),
                &[("Body", body)],
            )
            .await
            .expect(201);
    }
}

async fn conversation(server: &TestServer) -> String {
    server.post(CONVERSATIONS, &[]).await.expect(201).text_of("sid")
}

/// The first alert with a text.
async fn alert(server: &TestServer, text: &str) -> Value {
    soon("an alert", async {
        loop {
            let alerts = server.get("/monitor/v1/Alerts").await.expect(200);
            let alerts = alerts.json["alerts"].as_array().unwrap().clone();
            let found = alerts
                .into_iter()
                .find(|alert| alert["alert_text"].as_str().unwrap().contains(text));
            if let Some(found) = found {
                return found;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// B-813: the sink is tested and validated as others are; then it gets the events of a conversation in their order, also
/// what happened while it was down (B-819). Nobody is shown how it is logged in to.
#[tokio::test]
async fn events_are_published_in_order_and_after_an_outage() {
    let mut nats = NatsServer::start(&["--user", "confab", "--pass", "sesame-7"]).await;
    let server = TestServer::start().await;
    let login = ConnectOptions::with_user_and_password("confab".into(), "sesame-7".into());
    let client = login.connect(nats.url()).await.unwrap();
    // The stream remembers what nobody hears.
    let mut stream = stream(client).await;
    let to = sink(
        &server,
        &json!({ "server": nats.url(), "subject": SUBJECT, "user": "confab", "password": "sesame-7" }),
    )
    .await;
    server.post(&format!("{SINKS}/{to}/Test"), &[]).await.expect(201);
    validate(&server, &to, &stored(&mut stream, 1).await).await;
    subscribe(&server, &to, &["message.added"]).await;
    let conversation = conversation(&server).await;
    say(&server, &conversation, &["1", "2", "3"]).await;
    for (sequence, body) in [(2, "1"), (3, "2"), (4, "3")] {
        assert_eq!(stored(&mut stream, sequence).await["data"]["MessageBody"], body);
    }
    nats.stop().await;
    say(&server, &conversation, &["4", "5"]).await;
    let told = alert(&server, "message.added, try 1").await;
    assert_eq!(told["error_code"], "93101");
    nats.resume().await;
    let login = ConnectOptions::with_user_and_password("confab".into(), "sesame-7".into());
    let context = jetstream::new(login.connect(nats.url()).await.unwrap());
    let mut stream = context.get_stream("EVENTS").await.unwrap();
    for (sequence, body) in [(5, "4"), (6, "5")] {
        assert_eq!(stored(&mut stream, sequence).await["data"]["MessageBody"], body);
    }
    // Neither the API nor the log of calls nor the log of changes shows how it is logged in to.
    for path in [
        format!("{SINKS}/{to}"),
        SINKS.into(),
        LOG.into(),
        "/monitor/v1/Alerts".into(),
        "/monitor/v1/Events".into(),
    ] {
        let shown = server.get(&path).await.expect(200).json.to_string();
        assert!(!shown.contains("sesame"), "{path}: {shown}");
    }
    let log = server.get(LOG).await.expect(200);
    let url = log.json["webhook_deliveries"][0]["webhook_url"].as_str().unwrap();
    assert!(
        url.starts_with(&format!("{}/{SUBJECT}#{to}", nats.url())),
        "{url}"
    );
}

/// With JetStream an event is delivered when a stream has it. One without a stream waits; one that comes twice is there
/// once, since its id is the event's.
#[tokio::test]
async fn a_stream_acknowledges_events_and_has_each_once() {
    let nats = NatsServer::start(&[]).await;
    let server = TestServer::start().await;
    let to = sink(
        &server,
        &json!({ "server": nats.url(), "subject": SUBJECT, "jetstream": true }),
    )
    .await;
    server.post(&format!("{SINKS}/{to}/Test"), &[]).await.expect(201);
    // Nothing takes the subject yet.
    alert(&server, "no stream").await;
    let mut stream = stream(async_nats::connect(nats.url()).await.unwrap()).await;
    let entry = soon("the test event", async {
        loop {
            let log = server.get(&format!("{LOG}?State=delivered")).await.expect(200);
            if let Some(entry) = log.json["webhook_deliveries"].get(0) {
                return entry.clone();
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    validate(&server, &to, &stored(&mut stream, 1).await).await;
    // A replay has the id of its event: the stream takes it, and keeps it once.
    let replay = format!("{LOG}/{}/Replay", entry["id"]);
    server.post(&replay, &[]).await.expect(202);
    soon("the replay", async {
        loop {
            let log = server.get(&format!("{LOG}?State=delivered")).await.expect(200);
            if log.json["webhook_deliveries"].as_array().unwrap().len() == 2 {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(stream.info().await.unwrap().state.messages, 1);
    subscribe(&server, &to, &["message.added"]).await;
    let conversation = conversation(&server).await;
    say(&server, &conversation, &["1", "2"]).await;
    for (sequence, body) in [(2, "1"), (3, "2")] {
        assert_eq!(stored(&mut stream, sequence).await["data"]["MessageBody"], body);
    }
}

/// A sink leads into the server's own network no more than a webhook does, and what a server refuses is no delivery.
#[tokio::test]
async fn inner_addresses_are_not_called_and_refusals_are_told() {
    let nats = NatsServer::start(&["--user", "confab", "--pass", "sesame-7"]).await;
    let guarded = TestServer::start_with(|config| config.webhooks.allow_private = Some(false)).await;
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("nats://{host}:{}", nats.port);
        let to = sink(&guarded, &json!({ "server": url, "subject": SUBJECT })).await;
        guarded.post(&format!("{SINKS}/{to}/Test"), &[]).await.expect(201);
    }
    alert(&guarded, "leads to an address that must not be called").await;
    alert(&guarded, "no address that may be called").await;
    let server = TestServer::start().await;
    let to = sink(
        &server,
        &json!({ "server": nats.url(), "subject": SUBJECT, "token": "wrong-token" }),
    )
    .await;
    server.post(&format!("{SINKS}/{to}/Test"), &[]).await.expect(201);
    let told = alert(&server, "authorization violation").await;
    assert_eq!(told["error_code"], "93101");
    assert!(!told.to_string().contains("wrong-token"), "{told}");
}

/// A user who may publish and nothing else is good enough; one who may not publish there is told of.
#[tokio::test]
async fn a_user_who_may_only_publish_is_enough() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("nats.conf");
    let text = r#"authorization { users = [
        { user: "writer", password: "w", permissions: { publish: ["confab.events"], subscribe: { deny: [">"] } } }
        { user: "reader", password: "r", permissions: { publish: ["_INBOX.>"], subscribe: [">"] } }
    ] }"#;
    std::fs::write(&file, text).unwrap();
    let nats = NatsServer::start(&["--config", file.to_str().unwrap()]).await;
    let login = ConnectOptions::with_user_and_password("reader".into(), "r".into());
    let mut taken = listen(&login.connect(nats.url()).await.unwrap()).await;
    let server = TestServer::start().await;
    let to = sink(
        &server,
        &json!({ "server": nats.url(), "subject": SUBJECT, "user": "writer", "password": "w" }),
    )
    .await;
    // The second one goes by a connection that is known to hear nothing.
    for _ in 0..2 {
        server.post(&format!("{SINKS}/{to}/Test"), &[]).await.expect(201);
        let (event, _) = next(&mut taken).await;
        assert_eq!(event["source"], format!("/v1/Sinks/{to}"));
    }
    soon("both to be recorded", async {
        loop {
            let log = server.get(&format!("{LOG}?State=delivered")).await.expect(200);
            if log.json["webhook_deliveries"].as_array().unwrap().len() == 2 {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let to = sink(
        &server,
        &json!({ "server": nats.url(), "subject": SUBJECT, "user": "reader", "password": "r" }),
    )
    .await;
    server.post(&format!("{SINKS}/{to}/Test"), &[]).await.expect(201);
    alert(&server, "Permissions Violation").await;
}
