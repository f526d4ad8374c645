//! Monitor: the debugger's alerts.

use confab_domain::alert::{Level, NewAlert, Record, Request, Response};
use confab_domain::endpoint::Method;
use confab_domain::{Actor, receipt};
use confab_types::{AccountSid, Sid};
use serde_json::{Value, json};

use crate::common::{ACCOUNT, Api, OTHER_ACCOUNT, TOKEN, api, fields, path_of};

const HOST: &str = "monitor.twilio.com";

const LISTED: [&str; 15] = [
    "account_sid",
    "alert_text",
    "api_version",
    "date_created",
    "date_generated",
    "date_updated",
    "error_code",
    "log_level",
    "more_info",
    "request_method",
    "request_url",
    "resource_sid",
    "sid",
    "url",
    "service_sid",
];

async fn record(api: &Api, alert: NewAlert) {
    api.engine.execute(Actor::System, Record(alert)).await.unwrap();
}

fn new(level: Level, code: i64) -> NewAlert {
    NewAlert::new(AccountSid::parse(ACCOUNT).unwrap(), level, code)
}

async fn alerts(api: &Api, query: &str) -> Vec<Value> {
    let listed = api
        .on_host(HOST)
        .get(&format!("/v1/Alerts{query}"))
        .await
        .expect(200);
    listed["alerts"].as_array().unwrap().clone()
}

/// FetchAlert
#[tokio::test]
async fn one_that_is_fetched_shows_its_call() {
    let api = api().await;
    let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    record(
        &api,
        NewAlert {
            request: Some(Request {
                method: Method::Get,
                url: "https://me:secret@example.com/hook".into(),
                variables: "EventType=onMessageAdd&Body=hi".into(),
                headers: pair("Authorization", "secret"),
            }),
            response: Some(Response {
                status: 500,
                headers: pair("Content-Type", "text/html"),
                body: "<p>oh".into(),
            }),
            ..new(Level::Warning, 50057)
        },
    )
    .await;
    let [listed] = <[Value; 1]>::try_from(alerts(&api, "").await).unwrap();
    let path = path_of(&listed["url"]);
    assert_eq!(path, format!("/v1/Alerts/{}", listed["sid"].as_str().unwrap()));
    let monitor = api.on_host(HOST);
    let answer = monitor.get(&path).await;
    let own = [
        "request_variables",
        "response_body",
        "response_headers",
        "request_headers",
    ];
    assert_eq!(fields(&answer.text), [LISTED.as_slice(), &own].concat());
    let fetched = answer.expect(200);
    assert_eq!(
        own.map(|name| fetched[name].as_str().unwrap()),
        [
            "EventType=onMessageAdd&Body=hi",
            "<p>oh",
            "Content-Type=text%2Fhtml",
            "Authorization=***"
        ]
    );
    assert_eq!(
        fetched["alert_text"],
        "Webhook call failed to execute successfully (HTTP status 500)"
    );
    assert_eq!(
        [
            &fetched["error_code"],
            &fetched["log_level"],
            &fetched["request_method"]
        ],
        [&json!("50057"), &json!("warning"), &json!("GET")]
    );
    assert_eq!(fetched["request_url"], "https://me:***@example.com/hook");
    assert_eq!(fetched["more_info"], "https://www.twilio.com/docs/errors/50057");
    assert_eq!(fetched["account_sid"], ACCOUNT);
    for name in LISTED {
        assert_eq!(fetched[name], listed[name], "{name}");
    }
    // B-005
    for nothing in [
        "NO00000000000000000000000000000000",
        "IM00000000000000000000000000000000",
        "x",
    ] {
        monitor
            .get(&format!("/v1/Alerts/{nothing}"))
            .await
            .refused(404, 20404);
    }
    let stranger = monitor.as_caller(OTHER_ACCOUNT, TOKEN);
    stranger.get(&path).await.refused(404, 20404);
    assert_eq!(alerts(&stranger, "").await, Vec::<Value>::new());
    monitor.with_auth(None).get(&path).await.refused(401, 20003);
    monitor.delete(&path).await.refused(405, 20004);
}

/// ListAlert
#[tokio::test]
async fn a_list_is_newest_first_and_keeps_its_filters_b022_b023_b024() {
    let api = api().await.on_host(HOST);
    for n in 0..7 {
        let level = if n % 2 == 0 { Level::Error } else { Level::Notice };
        record(&api, new(level, 50000 + n)).await;
    }
    let codes = |alerts: &[Value]| -> Vec<String> {
        let code = |a: &Value| a["error_code"].as_str().unwrap()[4..].to_owned();
        alerts.iter().map(code).collect()
    };
    let listed = api.get("/v1/Alerts").await;
    let first = listed
        .text
        .split_once("\"alerts\":[")
        .unwrap()
        .1
        .split_once('}')
        .unwrap()
        .0;
    assert_eq!(fields(&format!("{first}}}")), LISTED);
    assert_eq!(
        codes(&alerts(&api, "").await),
        ["6", "5", "4", "3", "2", "1", "0"]
    );
    assert_eq!(codes(&alerts(&api, "?LogLevel=notice").await), ["5", "3", "1"]);
    assert_eq!(codes(&alerts(&api, "?LogLevel=").await).len(), 7);
    assert_eq!(codes(&alerts(&api, "?LogLevel=debug").await).len(), 0);
    assert_eq!(codes(&alerts(&api, "?StartDate=2016-01-01").await).len(), 7);
    assert_eq!(
        codes(&alerts(&api, "?EndDate=2016-01-01T00:00:00Z").await).len(),
        0
    );
    let dates = "?StartDate=2016-01-01T00%3A00%3A00Z&EndDate=2999-01-01&LogLevel=error";
    assert_eq!(codes(&alerts(&api, dates).await), ["6", "4", "2", "0"]);
    assert_eq!(
        api.sids(&format!("/v1/Alerts{dates}"), "alerts", 3).await.len(),
        4
    );
    assert_eq!(api.sids("/v1/Alerts", "alerts", 2).await.len(), 7);
    let page = api
        .get(&format!("/v1/Alerts{dates}&PageSize=3"))
        .await
        .expect(200);
    let next = page["meta"]["next_page_url"].as_str().unwrap();
    assert!(
        next.contains("LogLevel=error") && next.contains("StartDate=2016"),
        "{next}"
    );
    assert_eq!(page["meta"]["key"], "alerts");
    // A token of this list is none of another.
    let token = next.split_once("PageToken=").unwrap().1;
    api.get(&format!("/v1/Alerts?PageToken={token}"))
        .await
        .refused(400, 20001);
    for wrong in ["LogLevel=fatal", "StartDate=yesterday", "EndDate=x", "PageSize=0"] {
        api.get(&format!("/v1/Alerts?{wrong}")).await.refused(400, 20001);
    }
}

/// rest.md §2.13
#[tokio::test]
async fn the_end_of_an_address_configuration_is_told() {
    let api = api().await;
    let form = [("Type", "sms"), ("Address", "+15550001")];
    let path = api.make("/v1/Configuration/Addresses", &form).await;
    assert_eq!(alerts(&api, "").await, Vec::<Value>::new());
    api.delete(&path).await.expect(204);
    api.delete(&path).await.refused(404, 20404);
    let [told] = <[Value; 1]>::try_from(alerts(&api, "").await).unwrap();
    assert_eq!(
        [&told["error_code"], &told["alert_text"], &told["log_level"]],
        [
            &json!("50610"),
            &json!("Address configuration deleted: +15550001"),
            &json!("warning")
        ]
    );
    assert!(path.ends_with(told["resource_sid"].as_str().unwrap()));
}

/// B-361: what did not reach a phone is told once.
#[tokio::test]
async fn a_message_that_does_not_arrive_is_told() {
    let api = api().await;
    let path = api.conversation(&[]).await;
    let binding = [
        ("MessagingBinding.Address", "+15558675310"),
        ("MessagingBinding.ProxyAddress", "+15017122661"),
    ];
    api.post(&format!("{path}/Participants"), &binding)
        .await
        .expect(201);
    let message = api.make(&format!("{path}/Messages"), &[("Body", "hi")]).await;
    let receipts = api.get(&format!("{message}/Receipts")).await.expect(200);
    let on_carrier = &receipts["delivery_receipts"][0]["channel_message_sid"];
    for (status, error_code) in [
        (receipt::Status::Sent, None),
        (receipt::Status::Undelivered, Some(30003)),
        (receipt::Status::Undelivered, Some(30003)),
        (receipt::Status::Failed, Some(30005)),
    ] {
        let report = receipt::Report {
            channel_message: on_carrier.as_str().unwrap().to_owned(),
            status,
            error_code,
        };
        api.engine.execute(Actor::Carrier, report).await.unwrap();
    }
    let [told] = <[Value; 1]>::try_from(alerts(&api, "").await).unwrap();
    assert_eq!(
        (&told["error_code"], &told["resource_sid"]),
        (&json!("30003"), on_carrier)
    );
    let text = told["alert_text"].as_str().unwrap();
    let sid = message.rsplit('/').next().unwrap();
    assert!(
        text.starts_with("Unreachable destination handset: message ") && text.contains(sid),
        "{text}"
    );
    assert!(told["service_sid"].as_str().unwrap().starts_with("IS"));
}
