//! Monitor: the log of what callers changed of the account.

use std::collections::BTreeSet;

use confab_testkit::TestClock;
use serde_json::{Value, json};

use crate::common::{ACCOUNT, Api, OTHER_ACCOUNT, TOKEN, api, api_at, fields, path_of};

const HOST: &str = "monitor.twilio.com";

const FIELDS: [&str; 14] = [
    "account_sid",
    "actor_sid",
    "actor_type",
    "description",
    "event_data",
    "event_date",
    "event_type",
    "resource_sid",
    "resource_type",
    "sid",
    "source",
    "source_ip_address",
    "url",
    "links",
];

async fn events(api: &Api, query: &str) -> Vec<Value> {
    let listed = api
        .on_host(HOST)
        .get(&format!("/v1/Events{query}"))
        .await
        .expect(200);
    listed["events"].as_array().unwrap().clone()
}

async fn types(api: &Api, query: &str) -> Vec<String> {
    let kind = |event: Value| event["event_type"].as_str().unwrap().to_owned();
    events(api, query).await.into_iter().map(kind).collect()
}

fn account(rest: &str) -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}{rest}")
}

/// The properties of an event that were changed.
fn properties(event: &Value) -> &Value {
    &event["event_data"]["resource_properties"]
}

/// FetchEvent
#[tokio::test]
async fn a_change_is_logged_with_who_made_it_and_what_it_was() {
    let api = api().await;
    let rest = api.on_host("api.twilio.com");
    let made = rest
        .post(&account("/Keys.json"), &[("FriendlyName", "first")])
        .await
        .expect(201);
    let sid = made["sid"].as_str().unwrap();
    let key = account(&format!("/Keys/{sid}.json"));
    rest.post(&key, &[("FriendlyName", "second")]).await.expect(200);
    // Nothing is changed by this one.
    rest.post(&key, &[("FriendlyName", "second")]).await.expect(200);
    rest.delete(&key).await.expect(204);
    let [deleted, updated, created] = <[Value; 3]>::try_from(events(&api, "").await).unwrap();
    assert_eq!(
        [&deleted, &updated, &created].map(|event| event["event_type"].as_str().unwrap()),
        ["api-key.deleted", "api-key.updated", "api-key.created"]
    );
    assert_eq!(
        properties(&created),
        &json!({ "friendly_name": { "previous": null, "updated": "first" } })
    );
    assert_eq!(
        updated["event_data"],
        json!({ "resource_properties": { "friendly_name": { "previous": "first", "updated": "second" } } })
    );
    assert_eq!(deleted["event_data"], json!({}));
    let monitor = api.on_host(HOST);
    let path = path_of(&updated["url"]);
    let answer = monitor.get(&path).await;
    assert_eq!(fields(&answer.text), FIELDS);
    let fetched = answer.expect(200);
    assert_eq!(fetched, updated);
    for (name, value) in [
        ("account_sid", json!(ACCOUNT)),
        ("actor_sid", json!(ACCOUNT)),
        ("actor_type", json!("account")),
        ("description", json!(null)),
        ("resource_sid", json!(sid)),
        ("resource_type", json!("api-key")),
        ("source", json!("api")),
        (
            "links",
            json!({
                "actor": format!("http://api.twilio.com{}.json", account("")),
                "resource": format!("http://api.twilio.com{key}"),
            }),
        ),
    ] {
        assert_eq!(fetched[name], value, "{name}");
    }
    // B-005
    for nothing in [
        "AE00000000000000000000000000000000",
        "NO00000000000000000000000000000000",
        "x",
    ] {
        monitor
            .get(&format!("/v1/Events/{nothing}"))
            .await
            .refused(404, 20404);
    }
    let stranger = monitor.as_caller(OTHER_ACCOUNT, TOKEN);
    stranger.get(&path).await.refused(404, 20404);
    assert_eq!(events(&stranger, "").await, Vec::<Value>::new());
    monitor.with_auth(None).get(&path).await.refused(401, 20003);
    monitor.delete(&path).await.refused(405, 20004);
}

/// ListEvent
#[tokio::test]
async fn a_list_is_newest_first_and_keeps_its_filters_b022_b023_b024() {
    let api = api().await;
    let rest = api.on_host("api.twilio.com");
    let made = rest.post(&account("/Keys.json"), &[]).await.expect(201);
    let (key, secret) = (made["sid"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let by_key = api.as_caller(key, secret);
    let mut services = Vec::new();
    for name in ["a", "b", "c"] {
        services.push(by_key.make("/v1/Services", &[("FriendlyName", name)]).await);
    }
    let service = services[1].rsplit('/').next().unwrap();
    let configuration = format!("{}/Configuration", services[1]);
    by_key
        .post(&configuration, &[("ReachabilityEnabled", "true")])
        .await
        .expect(200);
    let (made, updated) = ("conversations-service.created", "conversations-service.updated");
    assert_eq!(
        types(&api, "").await,
        [updated, made, made, made, "api-key.created"]
    );
    for (query, expected) in [
        (format!("?ActorSid={key}"), &[updated, made, made, made][..]),
        (format!("?ActorSid={ACCOUNT}"), &["api-key.created"]),
        (format!("?EventType={made}"), &[made, made, made]),
        (format!("?EventType={made}&ActorSid={ACCOUNT}"), &[]),
        (format!("?ResourceSid={service}"), &[updated, made]),
        (format!("?ResourceSid={service}&EventType={updated}"), &[updated]),
        ("?SourceIpAddress=192.0.2.1".into(), &[]),
        ("?StartDate=2999-01-01".into(), &[]),
        ("?EndDate=2016-01-01T00:00:00Z".into(), &[]),
        (
            format!("?StartDate=2016-01-01&EndDate=2999-01-01&ResourceSid={service}"),
            &[updated, made],
        ),
        (
            "?EventType=&ActorSid=&ResourceSid=&SourceIpAddress=".into(),
            &[updated, made, made, made, "api-key.created"],
        ),
    ] {
        assert_eq!(types(&api, &query).await, expected, "{query}");
    }
    let by_actor = &events(&api, &format!("?ActorSid={key}")).await[0];
    assert_eq!(by_actor["actor_type"], "api-key");
    assert!(
        by_actor["links"]["actor"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/Keys/{key}.json"))
    );
    let monitor = api.on_host(HOST);
    for filter in [
        "",
        "?EventType=conversations-service.created",
        &format!("?ActorSid={key}"),
    ] {
        let all: Vec<_> = events(&api, filter)
            .await
            .iter()
            .map(|e| e["sid"].clone())
            .collect();
        assert_eq!(
            monitor.sids(&format!("/v1/Events{filter}"), "events", 2).await,
            all
        );
    }
    let page = monitor
        .get(&format!("/v1/Events?EventType={made}&PageSize=2"))
        .await
        .expect(200);
    assert_eq!(page["meta"]["key"], "events");
    let next = page["meta"]["next_page_url"].as_str().unwrap();
    assert!(next.contains(&format!("EventType={made}")), "{next}");
    // A token of this list is none of another.
    let token = next.split_once("PageToken=").unwrap().1;
    monitor
        .get(&format!("/v1/Events?PageToken={token}"))
        .await
        .refused(400, 20001);
    for wrong in [
        "ActorSid=me",
        "ResourceSid=PN1",
        "StartDate=yesterday",
        "EndDate=x",
        "PageSize=0",
    ] {
        monitor
            .get(&format!("/v1/Events?{wrong}"))
            .await
            .refused(400, 20001);
    }
}

/// What an account consists of is in the log, under a URL that leads there; what people write is not, nor any secret.
#[tokio::test]
async fn the_account_is_logged_and_neither_messages_nor_secrets_are() {
    let api = api().await;
    let conversation = api.conversation(&[]).await;
    api.post(&format!("{conversation}/Messages"), &[("Body", "hi")])
        .await
        .expect(201);
    api.post("/v1/Users", &[("Identity", "alice")]).await.expect(201);
    assert_eq!(events(&api, "").await, Vec::<Value>::new());
    let service = api.make("/v1/Services", &[("FriendlyName", "a")]).await;
    let role = [
        ("FriendlyName", "r"),
        ("Type", "conversation"),
        ("Permission", "sendMessage"),
    ];
    api.make(&format!("{service}/Roles"), &role).await;
    let webhook = [("PostWebhookUrl", "https://me:sesame@example.com/x")];
    for path in [
        "/v1/Configuration/Webhooks".to_owned(),
        format!("{service}/Configuration/Webhooks"),
    ] {
        api.post(&path, &webhook).await.expect(200);
    }
    api.post(
        &format!("{service}/Configuration/Notifications"),
        &[("LogEnabled", "true")],
    )
    .await
    .expect(200);
    api.post("/v1/Configuration", &[("DefaultInactiveTimer", "PT1H")])
        .await
        .expect(200);
    api.make(
        "/v1/Configuration/Addresses",
        &[("Type", "sms"), ("Address", "+15550001")],
    )
    .await;
    api.make("/v1/Credentials", &[("Type", "fcm"), ("Secret", "sesame")])
        .await;
    let rest = api.on_host("api.twilio.com");
    rest.post(&account(".json"), &[("FriendlyName", "renamed")])
        .await
        .expect(200);
    rest.post("/2010-04-01/Accounts.json", &[]).await.expect(201);
    let number = rest
        .post(
            &account("/IncomingPhoneNumbers.json"),
            &[("PhoneNumber", "+15550002")],
        )
        .await
        .expect(201);
    let messaging = api.on_host("messaging.twilio.com");
    let pool = messaging.make("/v1/Services", &[("FriendlyName", "m")]).await;
    messaging
        .post(
            &format!("{pool}/PhoneNumbers"),
            &[("PhoneNumberSid", number["sid"].as_str().unwrap())],
        )
        .await
        .expect(201);
    api.on_host("notify.twilio.com")
        .make("/v1/Services", &[("FriendlyName", "n")])
        .await;
    let streams = api.on_host("events.twilio.com");
    let configuration = r#"{"destination":"https://example.com/x"}"#;
    let sink = [
        ("Description", "s"),
        ("SinkType", "webhook"),
        ("SinkConfiguration", configuration),
    ];
    let sink = streams.make("/v1/Sinks", &sink).await;
    let subscription = [
        ("Description", "s"),
        ("SinkSid", sink.rsplit('/').next().unwrap()),
        ("Types", r#"{"type":"com.twilio.conversations.message.added"}"#),
    ];
    streams.make("/v1/Subscriptions", &subscription).await;
    let logged = events(&api, "?PageSize=1000").await;
    let seen: BTreeSet<_> = logged.iter().map(|e| e["event_type"].as_str().unwrap()).collect();
    let wanted = [
        "account.created",
        "account.updated",
        "conversations-address.created",
        "conversations-configuration.updated",
        "conversations-role.created",
        "conversations-service-notifications.updated",
        "conversations-service-webhooks.updated",
        "conversations-service.created",
        "conversations-webhooks.updated",
        "credential.created",
        "events-sink.created",
        "events-subscription.created",
        "messaging-service.created",
        "notify-service.created",
        "phone-number.created",
        "phone-number.updated",
    ];
    assert_eq!(seen, BTreeSet::from(wanted));
    assert!(!json!(logged).to_string().contains("sesame"), "{logged:?}");
    for event in &logged {
        let url = event["links"]["resource"].as_str().unwrap();
        let host = url.split('/').nth(2).unwrap();
        let found = api.on_host(host).get(&path_of(&event["links"]["resource"])).await;
        assert_eq!(found.status.as_u16(), 200, "{event}");
    }
    // What the log names can be asked for by it.
    let pooled = events(&api, "?EventType=phone-number.updated").await;
    assert_eq!(
        properties(&pooled[0])["messaging_service_sid"]["updated"],
        pool.rsplit('/').next().unwrap()
    );
}

/// An event is shown for thirty days.
#[tokio::test]
async fn events_are_kept_for_thirty_days() {
    let clock = TestClock::new();
    let api = api_at(clock.clone()).await;
    api.make("/v1/Services", &[("FriendlyName", "a")]).await;
    let [event] = <[Value; 1]>::try_from(events(&api, "").await).unwrap();
    let path = path_of(&event["url"]);
    let monitor = api.on_host(HOST);
    clock.advance(30 * 24 * 3600);
    monitor.get(&path).await.expect(200);
    clock.advance(1);
    monitor.get(&path).await.refused(404, 20404);
    assert_eq!(events(&api, "").await, Vec::<Value>::new());
    api.make("/v1/Services", &[("FriendlyName", "b")]).await;
    assert_eq!(types(&api, "").await, ["conversations-service.created"]);
}
