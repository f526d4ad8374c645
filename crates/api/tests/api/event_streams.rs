//! Event Streams: sinks, subscriptions, and the types that there are.

use confab_domain::stream::sink;
use confab_types::{Sid as _, SinkSid};
use serde_json::{Value, json};

use crate::common::{ACCOUNT, Api, OTHER_ACCOUNT, TOKEN, api, encode, fields, path_of};

const HOST: &str = "events.twilio.com";
const ADDED: &str = "com.twilio.conversations.message.added";
const USER: &str = "com.twilio.conversations.user.added";
const WEBHOOK: &str = r#"{"destination":"https://example.com/events","method":"POST","batch_events":false}"#;
const KINESIS: &str = r#"{"arn":"arn:aws:kinesis:1","role_arn":"arn:aws:iam:2","external_id":"3"}"#;

async fn events_api() -> Api {
    api().await.on_host(HOST)
}

async fn sink(api: &Api) -> String {
    let form = [
        ("Description", "hook"),
        ("SinkType", "webhook"),
        ("SinkConfiguration", WEBHOOK),
    ];
    api.make("/v1/Sinks", &form).await
}

fn sid(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

async fn subscription(api: &Api, sink: &str) -> String {
    let types = [
        format!(r#"{{"type":"{ADDED}","schema_version":2}}"#),
        format!(r#"{{"type":"{USER}"}}"#),
    ];
    let form = [
        ("Description", "all"),
        ("SinkSid", sid(sink)),
        ("Types", types[0].as_str()),
        ("Types", types[1].as_str()),
    ];
    api.make("/v1/Subscriptions", &form).await
}

/// CreateSink, FetchSink, UpdateSink, DeleteSink
#[tokio::test]
async fn a_sink_is_made_described_and_removed_b012_b013() {
    let api = events_api().await;
    let form = [
        ("Description", "hook"),
        ("SinkType", "webhook"),
        ("SinkConfiguration", WEBHOOK),
    ];
    let answer = api.post("/v1/Sinks", &form).await;
    assert_eq!(
        fields(&answer.text),
        [
            "status",
            "sink_configuration",
            "description",
            "sid",
            "date_created",
            "sink_type",
            "date_updated",
            "url",
            "links"
        ]
    );
    let made = answer.expect(201);
    let path = path_of(&made["url"]);
    let url = format!("http://{HOST}{path}");
    assert!(made["sid"].as_str().unwrap().starts_with("DG"));
    assert_eq!(
        made["links"],
        json!({ "sink_test": format!("{url}/Test"), "sink_validate": format!("{url}/Validate") })
    );
    assert_eq!(
        made["sink_configuration"],
        serde_json::from_str::<Value>(WEBHOOK).unwrap()
    );
    assert_eq!([&made["status"], &made["sink_type"]], ["active", "webhook"]);
    assert_eq!(api.get(&path).await.expect(200), made);
    let changed = api.post(&path, &[("Description", "other")]).await.expect(200);
    assert_eq!(
        (&changed["description"], &changed["sink_configuration"]),
        (&json!("other"), &made["sink_configuration"])
    );
    api.refuse_all(
        &path,
        &[&path],
        &[(&[], 20001), (&[("Description", &"x".repeat(257))], 20001)],
    )
    .await;
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    stranger.get(&path).await.refused(404, 20404);
    stranger
        .post(&path, &[("Description", "mine")])
        .await
        .refused(404, 20404);
    stranger
        .post(&format!("{path}/Test"), &[])
        .await
        .refused(404, 20404);
    stranger.delete(&path).await.refused(404, 20404);
    api.delete(&path).await.expect(204);
    api.delete(&path).await.refused(404, 20404);
    // B-005
    api.get("/v1/Sinks/DF00000000000000000000000000000000")
        .await
        .refused(404, 20404);
}

#[tokio::test]
async fn other_sinks_wait_until_they_are_tested() {
    let api = events_api().await;
    for (kind, configuration) in [
        ("kinesis", KINESIS),
        ("segment", r#"{"write_key":"k"}"#),
        ("email", r#"{"to":"ann@example.com"}"#),
        (
            "nats",
            r#"{"server":"nats://broker:4222","subject":"a.b","jetstream":true}"#,
        ),
    ] {
        let form = [
            ("Description", kind),
            ("SinkType", kind),
            ("SinkConfiguration", configuration),
        ];
        let made = api.post("/v1/Sinks", &form).await.expect(201);
        assert_eq!([&made["status"], &made["sink_type"]], ["initialized", kind]);
        let shown: Value = serde_json::from_str(configuration).unwrap();
        assert_eq!(made["sink_configuration"], shown);
    }
    let form = [
        ("Description", "x"),
        ("SinkType", "nats"),
        (
            "SinkConfiguration",
            r#"{"server":"tls://bob:secret@broker:4222","subject":"a"}"#,
        ),
    ];
    let made = api.post("/v1/Sinks", &form).await.expect(201);
    // How the server is logged in to is kept, but not shown.
    assert_eq!(
        made["sink_configuration"],
        json!({ "server": "tls://broker:4222", "subject": "a", "jetstream": false })
    );
    let sink = SinkSid::parse(made["sid"].as_str().unwrap()).unwrap();
    let kept = api
        .engine
        .read(move |tx| sink::find(tx, sink))
        .await
        .unwrap()
        .unwrap();
    let login = api.engine.open_login(&kept).unwrap();
    assert_eq!(
        [
            login.user.as_deref(),
            login.password.as_deref(),
            login.token.as_deref()
        ],
        [Some("bob"), Some("secret"), None]
    );
    let row = format!("{kept:?}");
    assert!(!row.contains("secret") && !row.contains("bob"), "{row}");
    api.refuse_all(
        "/v1/Sinks",
        &["/v1/Sinks"],
        &[
            (&[("SinkType", "webhook"), ("SinkConfiguration", WEBHOOK)], 20001),
            (&[("Description", "x"), ("SinkConfiguration", WEBHOOK)], 20001),
            (&[("Description", "x"), ("SinkType", "webhook")], 20001),
            (
                &[
                    ("Description", "x"),
                    ("SinkType", "pigeon"),
                    ("SinkConfiguration", WEBHOOK),
                ],
                20001,
            ),
            (
                &[
                    ("Description", "x"),
                    ("SinkType", "kinesis"),
                    ("SinkConfiguration", WEBHOOK),
                ],
                20001,
            ),
            (
                &[
                    ("Description", "x"),
                    ("SinkType", "webhook"),
                    ("SinkConfiguration", "{"),
                ],
                20001,
            ),
            (
                &[
                    ("Description", "x"),
                    ("SinkType", "webhook"),
                    ("SinkConfiguration", r#"{"destination":"file:///etc/passwd"}"#),
                ],
                20001,
            ),
        ],
    )
    .await;
}

/// CreateSinkTest, CreateSinkValidate
#[tokio::test]
async fn a_sink_without_a_way_to_it_is_told_by_an_alert() {
    let api = events_api().await;
    let form = [
        ("Description", "x"),
        ("SinkType", "kinesis"),
        ("SinkConfiguration", KINESIS),
    ];
    let path = api.make("/v1/Sinks", &form).await;
    let submitted = api.post(&format!("{path}/Test"), &[]).await.expect(201);
    assert_eq!(submitted, json!({ "result": "submitted" }));
    let alerts = api
        .on_host("monitor.twilio.com")
        .get("/v1/Alerts")
        .await
        .expect(200);
    assert_eq!(
        [
            &alerts["alerts"][0]["error_code"],
            &alerts["alerts"][0]["resource_sid"]
        ],
        ["93101", sid(&path)]
    );
    api.post(&format!("{path}/Validate"), &[])
        .await
        .refused(400, 20001);
    let guessed = api.post(&format!("{path}/Validate"), &[("TestId", "EZ0")]).await;
    assert_eq!(guessed.expect(201), json!({ "result": "invalid" }));
    assert_eq!(api.get(&path).await.expect(200)["status"], "initialized");
}

/// ListSink
#[tokio::test]
async fn sinks_by_use_and_status_b022_b023() {
    let api = events_api().await;
    let mut hooks = Vec::new();
    for _ in 0..3 {
        hooks.push(sink(&api).await);
    }
    let form = [
        ("Description", "x"),
        ("SinkType", "kinesis"),
        ("SinkConfiguration", KINESIS),
    ];
    let waiting = api.make("/v1/Sinks", &form).await;
    subscription(&api, &hooks[1]).await;
    let sids_of = async |query: &str| {
        let mut sids = api.sids(&format!("/v1/Sinks{query}"), "sinks", 2).await;
        sids.sort();
        sids
    };
    let sorted = |paths: &[&String]| {
        let mut sids: Vec<String> = paths.iter().map(|path| sid(path).to_owned()).collect();
        sids.sort();
        sids
    };
    assert_eq!(
        sids_of("").await,
        sorted(&[&hooks[0], &hooks[1], &hooks[2], &waiting])
    );
    assert_eq!(sids_of("?InUse=true").await, sorted(&[&hooks[1]]));
    assert_eq!(
        sids_of("?InUse=false").await,
        sorted(&[&hooks[0], &hooks[2], &waiting])
    );
    assert_eq!(sids_of("?Status=initialized").await, sorted(&[&waiting]));
    assert_eq!(
        sids_of("?Status=active&InUse=false").await,
        sorted(&[&hooks[0], &hooks[2]])
    );
    assert_eq!(sids_of("?Status=failed").await, Vec::<String>::new());
    for wrong in ["InUse=maybe", "Status=asleep", "PageToken=x"] {
        api.get(&format!("/v1/Sinks?{wrong}")).await.refused(400, 20001);
    }
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    assert_eq!(stranger.get("/v1/Sinks").await.expect(200)["sinks"], json!([]));
}

/// CreateSubscription, FetchSubscription, UpdateSubscription, DeleteSubscription, ListSubscription
#[tokio::test]
async fn a_subscription_holds_its_sink_b012_b013_b014() {
    let api = events_api().await;
    let (sink_path, other) = (sink(&api).await, sink(&api).await);
    let path = subscription(&api, &sink_path).await;
    let answer = api.get(&path).await;
    assert_eq!(
        fields(&answer.text),
        [
            "account_sid",
            "date_created",
            "date_updated",
            "sid",
            "sink_sid",
            "description",
            "url",
            "links"
        ]
    );
    let made = answer.expect(200);
    assert!(made["sid"].as_str().unwrap().starts_with("DF"));
    assert_eq!(
        [&made["account_sid"], &made["sink_sid"]],
        [ACCOUNT, sid(&sink_path)]
    );
    assert_eq!(
        made["links"],
        json!({ "subscribed_events": format!("http://{HOST}{path}/SubscribedEvents") })
    );
    api.delete(&sink_path).await.refused(409, 20409);
    assert_eq!(api.post(&path, &[]).await.expect(200), made);
    let changed = api.post(&path, &[("Description", "some")]).await.expect(200);
    assert_eq!(changed["description"], "some");
    api.post(&path, &[("Description", &"x".repeat(257))])
        .await
        .refused(400, 20001);
    let second = subscription(&api, &other).await;
    let of = async |query: &str| {
        api.sids(&format!("/v1/Subscriptions{query}"), "subscriptions", 1)
            .await
    };
    assert_eq!(of("").await.len(), 2);
    assert_eq!(of(&format!("?SinkSid={}", sid(&other))).await, [sid(&second)]);
    assert!(of("?SinkSid=DG00000000000000000000000000000000").await.is_empty());
    api.get("/v1/Subscriptions?SinkSid=DG0").await.refused(400, 20001);
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    stranger.get(&path).await.refused(404, 20404);
    stranger
        .get(&format!("{path}/SubscribedEvents"))
        .await
        .refused(404, 20404);
    stranger.delete(&path).await.refused(404, 20404);
    // Another's sink is none.
    let types = format!(r#"{{"type":"{ADDED}"}}"#);
    let form = [
        ("Description", "x"),
        ("SinkSid", sid(&sink_path)),
        ("Types", types.as_str()),
    ];
    stranger
        .post("/v1/Subscriptions", &form)
        .await
        .refused(400, 20001);
    api.delete(&path).await.expect(204);
    api.delete(&path).await.refused(404, 20404);
    api.delete(&sink_path).await.expect(204);
}

#[tokio::test]
async fn a_subscription_needs_an_active_sink_and_types_that_there_are() {
    let api = events_api().await;
    let hook = sink(&api).await;
    let form = [
        ("Description", "x"),
        ("SinkType", "kinesis"),
        ("SinkConfiguration", KINESIS),
    ];
    let waiting = api.make("/v1/Sinks", &form).await;
    let good = format!(r#"{{"type":"{ADDED}","schema_version":1}}"#);
    let of =
        |sink: &str, types: &str| format!("Description=x&SinkSid={}&Types={}", encode(sink), encode(types));
    for form in [
        of(sid(&waiting), &good),
        of("DG00000000000000000000000000000000", &good),
        of("x", &good),
        of(sid(&hook), ""),
        of(sid(&hook), ADDED),
        of(sid(&hook), r#"{"type":"com.twilio.messaging.message.sent"}"#),
        of(sid(&hook), &format!(r#"{{"type":"{ADDED}","schema_version":3}}"#)),
        of(sid(&hook), &format!(r#"{{"type":"{ADDED}","schema_version":0}}"#)),
        of(
            sid(&hook),
            &format!(r#"{{"type":"{ADDED}","schema_version":"one"}}"#),
        ),
        // B-812
        of(
            sid(&hook),
            r#"{"type":"com.twilio.conversations.delivery.updated"}"#,
        ),
        format!("Description=x&SinkSid={}", sid(&hook)),
        format!("SinkSid={}&Types={}", sid(&hook), encode(&good)),
        format!("Description=x&Types={}", encode(&good)),
    ] {
        let refused = api.post_raw("/v1/Subscriptions", form.clone()).await;
        assert_eq!(refused.status, 400, "{form}");
        assert_eq!(refused.json()["code"], 20001, "{form}");
    }
    assert_eq!(
        api.get("/v1/Subscriptions").await.expect(200)["subscriptions"],
        json!([])
    );
    api.post_raw("/v1/Subscriptions", of(sid(&hook), &good))
        .await
        .expect(201);
}

/// CreateSubscribedEvent, FetchSubscribedEvent, UpdateSubscribedEvent, DeleteSubscribedEvent, ListSubscribedEvent
#[tokio::test]
async fn types_come_and_go_in_a_subscription_b821() {
    let api = events_api().await;
    let path = subscription(&api, &sink(&api).await).await;
    let list = format!("{path}/SubscribedEvents");
    let names = async || {
        let listed = api.get(&list).await.expect(200);
        let of = |event: &Value| {
            (
                event["type"].as_str().unwrap().to_owned(),
                event["schema_version"].as_i64().unwrap(),
            )
        };
        listed["types"]
            .as_array()
            .unwrap()
            .iter()
            .map(of)
            .collect::<Vec<_>>()
    };
    assert_eq!(names().await, [(ADDED.to_owned(), 2), (USER.to_owned(), 2)]);
    let removed = "com.twilio.conversations.participant.removed";
    let answer = api
        .post(&list, &[("Type", removed), ("SchemaVersion", "1")])
        .await;
    assert_eq!(
        fields(&answer.text),
        ["account_sid", "type", "schema_version", "subscription_sid", "url"]
    );
    let made = answer.expect(201);
    assert_eq!(
        [&made["account_sid"], &made["subscription_sid"]],
        [ACCOUNT, sid(&path)]
    );
    let at = path_of(&made["url"]);
    assert_eq!(at, format!("{list}/{removed}"));
    assert_eq!(api.get(&at).await.expect(200), made);
    // What it has already is no second one.
    let again = api.post(&list, &[("Type", removed)]).await.expect(200);
    assert_eq!(again, made);
    let again = api
        .post(&list, &[("Type", removed), ("SchemaVersion", "2")])
        .await
        .expect(200);
    assert_eq!(again["schema_version"], 2);
    assert_eq!(names().await.len(), 3);
    let changed = api.post(&at, &[("SchemaVersion", "1")]).await.expect(200);
    assert_eq!(changed, made);
    assert_eq!(api.post(&at, &[]).await.expect(200), made);
    api.refuse_all(
        &at,
        &[&list],
        &[
            (&[("SchemaVersion", "3")], 20001),
            (&[("SchemaVersion", "x")], 20001),
        ],
    )
    .await;
    api.refuse_all(
        &list,
        &[&list],
        &[
            (&[], 20001),
            (&[("Type", "com.twilio.messaging.message.sent")], 20001),
            (&[("Type", ADDED), ("SchemaVersion", "9")], 20001),
        ],
    )
    .await;
    let page = api.get(&format!("{list}?PageSize=2")).await.expect(200);
    assert_eq!(page["meta"]["key"], "types");
    let next = api
        .get(&path_of(&page["meta"]["next_page_url"]))
        .await
        .expect(200);
    assert_eq!(next["types"].as_array().unwrap().len(), 1);
    api.delete(&at).await.expect(204);
    api.delete(&at).await.refused(404, 20404);
    api.get(&at).await.refused(404, 20404);
    api.post(&at, &[("SchemaVersion", "1")]).await.refused(404, 20404);
    assert_eq!(names().await.len(), 2);
    api.delete(&path).await.expect(204);
    api.get(&list).await.refused(404, 20404);
}

/// ListEventType, FetchEventType
#[tokio::test]
async fn there_are_twelve_types_b811_b812() {
    let api = events_api().await;
    let listed = api.get("/v1/Types").await.expect(200);
    let types = listed["types"].as_array().unwrap();
    assert_eq!((types.len(), &listed["meta"]["key"]), (12, &json!("types")));
    assert!(
        types
            .iter()
            .all(|t| !t["type"].as_str().unwrap().contains("delivery"))
    );
    for kind in types {
        let path = path_of(&kind["url"]);
        let answer = api.get(&path).await;
        assert_eq!(
            fields(&answer.text),
            [
                "type",
                "schema_id",
                "date_created",
                "date_updated",
                "description",
                "status",
                "documentation_url",
                "url",
                "links"
            ]
        );
        assert_eq!(&answer.expect(200), kind);
        let versions = api.get(&path_of(&kind["links"]["schema"])).await.expect(200);
        assert_eq!(versions["schema_versions"].as_array().unwrap().len(), 2);
        let schema = kind["schema_id"].as_str().unwrap();
        let of_schema = api.get(&format!("/v1/Types?SchemaId={schema}")).await.expect(200);
        assert_eq!(of_schema["types"], json!([kind]));
    }
    let none = api
        .get("/v1/Types?SchemaId=Messaging.MessageStatus")
        .await
        .expect(200);
    assert_eq!(none["types"], json!([]));
    api.get("/v1/Types/com.twilio.nothing").await.refused(404, 20404);
    // Pages of what is in no table.
    let mut seen = Vec::new();
    let mut at = "/v1/Types?PageSize=5".to_owned();
    loop {
        let page = api.get(&at).await.expect(200);
        seen.extend(page["types"].as_array().unwrap().clone());
        if page["meta"]["next_page_url"].is_null() {
            break;
        }
        at = path_of(&page["meta"]["next_page_url"]);
    }
    assert_eq!(&seen, types);
    api.with_auth(None).get("/v1/Types").await.refused(401, 20003);
}

/// FetchSchema, ListSchemaVersion, FetchSchemaVersion, FetchRawSchema
#[tokio::test]
async fn a_schema_is_found_from_its_type_and_read_by_everybody() {
    let api = events_api().await;
    let path = "/v1/Schemas/Conversations.MessageAdded";
    let answer = api.get(path).await;
    assert_eq!(
        fields(&answer.text),
        [
            "id",
            "url",
            "latest_version_date_created",
            "latest_version",
            "links"
        ]
    );
    let schema = answer.expect(200);
    assert_eq!(schema["latest_version"], 2);
    let versions = path_of(&schema["links"]["versions"]);
    let listed = api.get(&format!("{versions}?PageSize=1")).await.expect(200);
    assert_eq!(listed["meta"]["key"], "schema_versions");
    let second = api
        .get(&path_of(&listed["meta"]["next_page_url"]))
        .await
        .expect(200)["schema_versions"][0]
        .clone();
    let answer = api.get(&format!("{versions}/2")).await;
    assert_eq!(
        fields(&answer.text),
        ["id", "schema_version", "date_created", "url", "raw"]
    );
    assert_eq!(answer.expect(200), second);
    for nothing in ["0", "3", "x", "+2", "02"] {
        api.get(&format!("{versions}/{nothing}"))
            .await
            .refused(404, 20404);
    }
    for nothing in ["/v1/Schemas/Messaging.MessageStatus", "/v1/Schemas/x/Versions"] {
        api.get(nothing).await.refused(404, 20404);
    }
    let raw = second["raw"].as_str().unwrap();
    assert_eq!(
        raw,
        "http://events-schemas.twilio.com/Conversations.MessageAdded/2"
    );
    let schemas = api.on_host("events-schemas.twilio.com").with_auth(None);
    let read = schemas.get(&path_of(&second["raw"])).await.expect(200);
    assert_eq!(
        read["$id"],
        "https://events-schemas.twilio.com/Conversations.MessageAdded/2"
    );
    assert_eq!(read["properties"]["AccountSid"]["type"], "string");
    for nothing in ["/Conversations.MessageAdded/3", "/Conversations.Nothing/1"] {
        schemas.get(nothing).await.refused(404, 20404);
    }
    let by_path = api.on_host("127.0.0.1:8080");
    let version = by_path.get(&format!("/events{versions}/1")).await.expect(200);
    assert_eq!(
        version["raw"],
        "http://127.0.0.1:8080/events-schemas/Conversations.MessageAdded/1"
    );
    let first = by_path
        .with_auth(None)
        .get(&path_of(&version["raw"]))
        .await
        .expect(200);
    assert!(first["properties"]["Media"].is_null() && first["properties"]["Index"].is_object());
}
