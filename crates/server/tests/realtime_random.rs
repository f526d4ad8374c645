//! Whatever a client sends after a good `init`, it is answered or told to go, and nobody else notices (realtime.md §2, §3).
//!
//! `PROPTEST_CASES` sets the number of cases (256); what fails is made as small as possible and printed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod support;

use std::cell::RefCell;
use std::collections::HashMap;

use confab_testkit::{Frame, Socket, TestServer};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use support::{CONVERSATIONS, Feed, connect, conversation, say, user};

/// A client that is sent away or has sent so much comes anew; far below what the server takes for a flood.
const CASES_OF_A_CONNECTION: usize = 300;
/// Stands in everything that the random client must not see.
const SECRET: &str = "for-bystanders-only";

/// One message from the random client.
#[derive(Clone, Debug)]
enum Case {
    /// A wrapped request with the right types of a header.
    Request {
        method: String,
        path: Vec<String>,
        params: HashMap<String, Value>,
        body: Vec<u8>,
    },
    /// A frame with any header at all.
    Header { header: Value, payload: Vec<u8> },
}

/// What exists on the server, for requests that get far.
#[derive(Clone)]
struct Known {
    segments: Vec<String>,
    service: String,
    conversation: String,
}

fn text() -> impl Strategy<Value = String> {
    static ODD: &[&str] = &[
        "",
        " ",
        "0",
        "-1",
        "9223372036854775808",
        "null",
        "NaN",
        ".",
        "..",
        "%",
        "%0",
        "%00",
        "%FF",
        "%2F",
        "a%2Fb",
        "\0",
        "ä",
        "\u{202e}",
        "💬",
        "{}",
        "[]",
        "\"",
        "'",
        "true",
        "2026-01-01T00:00:00Z",
    ];
    prop_oneof![
        3 => select(ODD).prop_map(str::to_owned),
        2 => ".{0,12}",
        1 => "[a-z]{1,8}",
        1 => (1usize..5000).prop_map(|length| "x".repeat(length)),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(text(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Values that mean something in some member, or anything.
fn value(known: &Known) -> impl Strategy<Value = Value> + use<> {
    let segments = known.segments.clone();
    let entity = known.conversation.clone();
    prop_oneof![
        2 => select(segments).prop_map(Value::from),
        2 => any_json(),
        1 => (-3i64..5).prop_map(Value::from),
        1 => Just(json!([{"object_sid": format!("{entity}.messages"), "object_type": "list", "last_event_id": -1}])),
    ]
}

/// A JSON object of members that the server reads, with any values.
fn body(known: &Known) -> impl Strategy<Value = Vec<u8>> + use<> {
    static NAMES: &[&str] = &[
        "body",
        "attributes",
        "author",
        "friendly_name",
        "unique_name",
        "identity",
        "type",
        "role_sid",
        "ConversationSid",
        "last_read_message_index",
        "notification_level",
        "messaging_binding",
        "media_sids",
        "content_sid",
        "state",
        "action",
        "requests",
        "correlation_id",
        "event_protocol_version",
        "ttl_in_s",
        "object_sid",
    ];
    let object = proptest::collection::hash_map(select(NAMES), value(known), 0..6)
        .prop_map(|members| json!(members).to_string().into_bytes());
    prop_oneof![
        5 => object,
        1 => any_json().prop_map(|value| value.to_string().into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..64),
        1 => Just(Vec::new()),
    ]
}

fn request(known: &Known) -> impl Strategy<Value = Case> + use<> {
    let segment = prop_oneof![8 => select(known.segments.clone()), 1 => text()];
    // Most begin as a path that exists does, so that they end deeper than in the router's first line.
    let Known {
        service,
        conversation,
        ..
    } = known.clone();
    let beginnings: Vec<Vec<String>> = [
        vec![],
        vec!["Client", "v2"],
        vec!["Client", "v2", "Services", &service],
        vec![
            "Client",
            "v2",
            "Services",
            &service,
            "Conversations",
            &conversation,
        ],
        vec![
            "Client",
            "v2",
            "Services",
            &service,
            "Conversations",
            &conversation,
            "Messages",
        ],
        vec![
            "Client",
            "v2",
            "Services",
            &service,
            "Conversations",
            &conversation,
            "Participants",
        ],
        vec!["Client", "v2", "Services", &service, "Users"],
        vec!["v3", "Lists"],
        vec!["v3", "Maps"],
        vec!["v3", "Documents"],
        vec!["v3", "Services", &service, "Maps"],
        vec!["v4", "Subscriptions"],
    ]
    .into_iter()
    .map(|path| path.into_iter().map(str::to_owned).collect())
    .collect();
    let path = (select(beginnings), proptest::collection::vec(segment, 0..4))
        .prop_map(|(beginning, rest)| [beginning, rest].concat());
    let method = prop_oneof![
        9 => select(&["GET", "POST", "DELETE", "get"][..]).prop_map(str::to_owned),
        1 => select(&["PUT", "PATCH", "HEAD", "CONNECT", ""][..]).prop_map(str::to_owned),
        1 => text(),
    ];
    static NAMES: &[&str] = &[
        "PageSize",
        "PageToken",
        "Include",
        "Order",
        "From",
        "Index",
        "Bounds",
        "Key",
        "Direction",
        "ä%",
    ];
    let params = proptest::collection::hash_map(select(NAMES).prop_map(str::to_owned), value(known), 0..4);
    (method, path, params, body(known)).prop_map(|(method, path, params, body)| Case::Request {
        method,
        path,
        params,
        body,
    })
}

fn header() -> impl Strategy<Value = Case> {
    static METHODS: &[&str] = &[
        "message",
        "ping",
        "update",
        "init",
        "close",
        "reply",
        "telemetry.v1",
        "putNotificationCtx",
        "",
    ];
    let member = select(
        &[
            "token",
            "http_request",
            "registrations",
            "continuation_token",
            "status",
            "payload_type",
        ][..],
    );
    (
        select(METHODS),
        proptest::collection::hash_map(member, any_json(), 0..4),
        proptest::collection::vec(any::<u8>(), 0..64),
    )
        .prop_map(|(method, members, payload)| {
            let mut header = json!(members);
            header["method"] = method.into();
            Case::Header { header, payload }
        })
}

/// The random client.
struct Wild {
    server: TestServer,
    token: String,
    conversation: String,
    /// With the number of cases that it has sent.
    socket: Option<(Socket, usize)>,
    answered: usize,
    closed: usize,
}

impl Wild {
    async fn socket(&mut self) -> (Socket, usize) {
        match self.socket.take() {
            Some((socket, sent)) if sent < CASES_OF_A_CONNECTION => (socket, sent),
            old => {
                if let Some((socket, _)) = old {
                    socket.close().await;
                }
                // It may have left.
                let path = format!("{CONVERSATIONS}/{}/Participants", self.conversation);
                let added = self.server.post(&path, &[("Identity", "wild")]).await;
                assert!(matches!(added.status, 201 | 409), "{}", added.status);
                (connect(&self.server, &self.token).await, 0)
            }
        }
    }

    async fn send(&mut self, case: &Case) -> Result<(), TestCaseError> {
        let (mut socket, sent) = self.socket().await;
        let (header, payload) = match case {
            Case::Header { header, payload } => (header.clone(), payload),
            Case::Request {
                method,
                path,
                params,
                body,
            } => {
                let path = path
                    .iter()
                    .fold(String::new(), |path, segment| path + "/" + segment);
                let http =
                    json!({"host": "aim.us1.twilio.com", "path": path, "method": method, "params": params});
                (json!({"method": "message", "http_request": http}), body)
            }
        };
        let method = header["method"].as_str().unwrap_or_default().to_owned();
        let id = socket.send(header, payload).await;
        // Refused by a close, it may be gone before this.
        let after = Frame::build(json!({"method": "ping", "id": "TM-after"}), b"");
        socket.send_unwelcome(after).await;
        let (mut replies, mut close) = (Vec::new(), None);
        let lives = loop {
            let Some(frame) = socket.next().await else {
                break false;
            };
            let shown = String::from_utf8_lossy(&frame.payload).into_owned();
            prop_assert!(!shown.contains(SECRET), "told of others: {}", shown);
            prop_assert!(close.is_none(), "{} behind a close", frame.header);
            match (frame.method(), frame.header["id"].as_str()) {
                ("reply", Some("TM-after")) => break true,
                ("reply", _) => replies.push(frame),
                ("close", _) => close = Some(frame.status()),
                // Events of its own conversation, and pings.
                _ => {}
            }
        };
        match (lives, close) {
            (true, _) => {
                // Telemetry and replies are never answered.
                let expected = usize::from(!matches!(method.as_str(), "reply" | "telemetry.v1"));
                prop_assert_eq!(replies.len(), expected, "replies to {}", method);
                for reply in replies {
                    prop_assert_eq!(reply.header["id"].as_str(), Some(id.as_str()));
                    if method == "message" {
                        let status = reply.header["http_status"]["code"].as_u64();
                        prop_assert!(matches!(status, Some(200..500)), "{:?} {}", status, reply.json());
                    }
                }
                self.answered += 1;
                self.socket = Some((socket, sent + 1));
            }
            // A task that panics ends its connection without a word.
            (false, None) => prop_assert_eq!(method.as_str(), "close", "gone without a close"),
            (false, Some(status)) => {
                prop_assert!((400..500).contains(&status), "closed with {}", status);
                self.closed += 1;
            }
        }
        Ok(())
    }
}

async fn stored(server: &TestServer, conversation: &str) -> Value {
    let path = format!("{CONVERSATIONS}/{conversation}");
    json!([
        server.get(&path).await.expect(200).json,
        server
            .rest
            .list(&format!("{path}/Participants"), "participants")
            .await,
        server.rest.list(&format!("{path}/Messages"), "messages").await,
    ])
}

#[test]
fn whatever_a_client_sends_is_answered_or_ends_it_and_touches_nobody_else_s2_s3() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (wild, theirs, bystander, known) = runtime.block_on(async {
        let server = TestServer::start().await;
        let own = conversation(&server, &["wild", "tame"]).await;
        say(&server, &own, "hello").await;
        let theirs = conversation(&server, &["carol", "dave"]).await;
        say(&server, &theirs, SECRET).await;
        let participants = server
            .rest
            .list(&format!("{CONVERSATIONS}/{own}/Participants"), "participants")
            .await;
        let mut bystander = Feed::new(server.client("carol").await);
        let entities = bystander.open_conversation(&theirs).await;
        let wanted: Vec<Value> = entities.iter().map(support::Entity::since_read).collect();
        bystander.establish(1, &wanted).await;
        let words = [
            "Client",
            "v2",
            "v3",
            "v4",
            "Services",
            "Conversations",
            "Messages",
            "Participants",
            "Users",
            "Receipts",
            "Typing",
            "Configuration",
            "ContentTemplates",
            "Documents",
            "Lists",
            "Maps",
            "Items",
            "Subscriptions",
            "wild",
            "tame",
            "0",
            "establish",
            "cancel",
            "list",
            "map",
            "document",
            "items",
            "asc",
            "desc",
            "joined",
            "muted",
        ];
        let suffixes = ["", ".channel", ".messages", ".roster"];
        let mut segments: Vec<String> = words.map(str::to_owned).to_vec();
        segments.extend(
            [&own, &theirs]
                .iter()
                .flat_map(|sid| suffixes.map(|suffix| format!("{sid}{suffix}"))),
        );
        segments.extend(
            participants
                .iter()
                .filter_map(|one| one["sid"].as_str())
                .map(str::to_owned),
        );
        let user = user(&server, "wild").await;
        segments.extend([
            format!("{user}.channels"),
            format!("{user}.info"),
            user,
            server.service_sid.clone(),
        ]);
        let known = Known {
            segments,
            service: server.service_sid.clone(),
            conversation: own.clone(),
        };
        let wild = Wild {
            token: server.token("wild").await,
            conversation: own,
            server,
            socket: None,
            answered: 0,
            closed: 0,
        };
        (wild, theirs, bystander, known)
    });
    let before = runtime.block_on(stored(&wild.server, &theirs));

    let wild = RefCell::new(wild);
    let cases = prop_oneof![6 => request(&known), 1 => header()];
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&cases, |case| runtime.block_on(wild.borrow_mut().send(&case)));
    if let Err(error) = result {
        panic!("{error}");
    }

    let Wild {
        server,
        answered,
        closed,
        ..
    } = wild.into_inner();
    println!("{answered} answered, {closed} closed");
    assert!(answered > closed, "most requests are readable");
    runtime.block_on(async {
        assert_eq!(stored(&server, &theirs).await, before);
        // The bystander is still connected, and the next thing that it hears is the next message.
        let mut bystander = bystander;
        let sid = say(&server, &theirs, "after").await;
        let event = bystander.next("the next message").await;
        assert_eq!(
            (event.kind.as_str(), &event.data["item_data"]["sid"]),
            ("list_item_added", &json!(sid))
        );
        server.get("/healthz").await.expect(200);
        server.stop().await;
    });
}
