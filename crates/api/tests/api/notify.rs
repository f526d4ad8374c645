//! Notify: services and notifications.

use serde_json::{Value, json};

use crate::common::{ACCOUNT, Api, OTHER_ACCOUNT, TOKEN, api, fields, path_of};

const HOST: &str = "notify.twilio.com";

async fn notify_api() -> Api {
    api().await.on_host(HOST)
}

async fn service(api: &Api, form: &[(&str, &str)]) -> (String, Value) {
    let made = api.post("/v1/Services", form).await.expect(201);
    (format!("/v1/Services/{}", made["sid"].as_str().unwrap()), made)
}

/// The SID of a messaging service of the account.
async fn messaging_service(api: &Api) -> String {
    let conversations = api.on_host("conversations.twilio.com");
    let made = conversations.post("/v1/Conversations", &[]).await.expect(201);
    made["messaging_service_sid"].as_str().unwrap().to_owned()
}

/// NotifyCreateService, NotifyFetchService, NotifyDeleteService
#[tokio::test]
async fn a_service_has_its_defaults_b862() {
    let api = notify_api().await;
    let answer = api.post("/v1/Services", &[]).await;
    assert_eq!(
        fields(&answer.text),
        [
            "sid",
            "account_sid",
            "friendly_name",
            "date_created",
            "date_updated",
            "apn_credential_sid",
            "gcm_credential_sid",
            "fcm_credential_sid",
            "messaging_service_sid",
            "facebook_messenger_page_id",
            "alexa_skill_id",
            "default_apn_notification_protocol_version",
            "default_gcm_notification_protocol_version",
            "default_fcm_notification_protocol_version",
            "default_alexa_notification_protocol_version",
            "log_enabled",
            "type",
            "delivery_callback_url",
            "delivery_callback_enabled",
            "url",
            "links"
        ]
    );
    let made = answer.expect(201);
    assert_eq!(
        (&made["account_sid"], &made["type"]),
        (&json!(ACCOUNT), &json!("S"))
    );
    assert_eq!(
        (&made["log_enabled"], &made["delivery_callback_enabled"]),
        (&json!(true), &json!(false))
    );
    for channel in ["apn", "gcm", "fcm", "alexa"] {
        let name = format!("default_{channel}_notification_protocol_version");
        assert_eq!(made[name], "3", "{channel}");
    }
    for null in [
        "friendly_name",
        "apn_credential_sid",
        "messaging_service_sid",
        "delivery_callback_url",
    ] {
        assert!(made[null].is_null(), "{null}");
    }
    let path = format!("/v1/Services/{}", made["sid"].as_str().unwrap());
    let url = format!("http://{HOST}{path}");
    assert_eq!(made["url"], url);
    assert_eq!(
        made["links"],
        json!({
            "bindings": format!("{url}/Bindings"), "notifications": format!("{url}/Notifications"),
            "segments": format!("{url}/Segments"), "users": format!("{url}/Users"),
        })
    );
    assert_eq!(api.get(&path).await.expect(200), made);
    let other = api.as_caller(OTHER_ACCOUNT, TOKEN);
    other.get(&path).await.refused(404, 20404);
    other.delete(&path).await.refused(404, 20404);
    api.delete(&path).await.expect(204);
    api.get(&path).await.refused(404, 20404);
}

/// NotifyUpdateService
#[tokio::test]
async fn a_service_is_changed_and_cleared() {
    let api = notify_api().await;
    let sender = messaging_service(&api).await;
    let (path, made) = service(&api, &[("FriendlyName", "first")]).await;
    let changed = api
        .post(
            &path,
            &[
                ("FriendlyName", "second"),
                ("MessagingServiceSid", &sender),
                ("FacebookMessengerPageId", "4"),
                ("AlexaSkillId", "5"),
                ("DefaultApnNotificationProtocolVersion", "2"),
                ("LogEnabled", "false"),
                ("DeliveryCallbackUrl", "https://example.com/done"),
                ("DeliveryCallbackEnabled", "True"),
            ],
        )
        .await
        .expect(200);
    for (name, value) in [
        ("friendly_name", json!("second")),
        ("messaging_service_sid", json!(sender)),
        ("facebook_messenger_page_id", json!("4")),
        ("alexa_skill_id", json!("5")),
        ("default_apn_notification_protocol_version", json!("2")),
        ("default_fcm_notification_protocol_version", json!("3")),
        ("log_enabled", json!(false)),
        ("delivery_callback_url", json!("https://example.com/done")),
        ("delivery_callback_enabled", json!(true)),
    ] {
        assert_eq!(changed[name], value, "{name}");
    }
    assert_eq!(api.get(&path).await.expect(200), changed);
    let cleared = api
        .post(&path, &[("MessagingServiceSid", ""), ("FriendlyName", "")])
        .await
        .expect(200);
    assert!(cleared["messaging_service_sid"].is_null() && cleared["friendly_name"].is_null());
    assert_eq!(cleared["alexa_skill_id"], "5");
    assert_eq!(cleared["date_created"], made["date_created"]);
    let nowhere = "/v1/Services/IS00000000000000000000000000000000";
    api.post(nowhere, &[]).await.refused(404, 20404);
}

#[tokio::test]
async fn a_service_is_checked_b863() {
    let api = notify_api().await;
    let long = "é".repeat(65);
    let (path, made) = service(&api, &[("FriendlyName", &long[2..])]).await;
    for (name, value, code) in [
        ("FriendlyName", &*long, 20002),
        ("ApnCredentialSid", "CR1", 52002),
        ("GcmCredentialSid", "CR00000000000000000000000000000000", 52002),
        ("FcmCredentialSid", "CR00000000000000000000000000000000", 52002),
        ("MessagingServiceSid", "MG1", 20001),
        ("MessagingServiceSid", "MG00000000000000000000000000000000", 20001),
        ("DefaultApnNotificationProtocolVersion", "4", 20001),
        ("DefaultAlexaNotificationProtocolVersion", "", 20001),
        ("LogEnabled", "yes", 20001),
        ("DeliveryCallbackEnabled", "1", 20001),
    ] {
        api.post("/v1/Services", &[(name, value)])
            .await
            .refused(400, code);
        api.post(&path, &[("AlexaSkillId", "x"), (name, value)])
            .await
            .refused(400, code);
    }
    assert_eq!(api.get(&path).await.expect(200), made);
    let page = api.get("/v1/Services").await.expect(200);
    assert_eq!(page["services"], json!([made]));
}

/// The credentials are those of Conversations.
#[tokio::test]
async fn credentials_fit_their_channel() {
    let api = notify_api().await;
    let form = [("Type", "fcm"), ("Secret", "a secret of the tests")];
    let made = api
        .on_host("conversations.twilio.com")
        .post("/v1/Credentials", &form)
        .await
        .expect(201);
    let sid = made["sid"].as_str().unwrap();
    let (path, made) = service(&api, &[("FcmCredentialSid", sid)]).await;
    assert_eq!(made["fcm_credential_sid"], sid);
    for other in ["ApnCredentialSid", "GcmCredentialSid"] {
        api.post(&path, &[(other, sid)]).await.refused(400, 52003);
    }
    let foreign = api.as_caller(OTHER_ACCOUNT, TOKEN);
    foreign
        .post("/v1/Services", &[("FcmCredentialSid", sid)])
        .await
        .refused(400, 52002);
    let cleared = api.post(&path, &[("FcmCredentialSid", "")]).await.expect(200);
    assert!(cleared["fcm_credential_sid"].is_null());
}

/// NotifyListService
#[tokio::test]
async fn an_account_has_ten_services_b861() {
    let api = notify_api().await;
    let mut first = String::new();
    for i in 0..10 {
        let name = if i % 2 == 0 { "even" } else { "odd" };
        first = service(&api, &[("FriendlyName", name)]).await.0;
    }
    api.post("/v1/Services", &[]).await.refused(400, 20001);
    // Another account has its own ten.
    service(&api.as_caller(OTHER_ACCOUNT, TOKEN), &[]).await;
    let count = |page: &Value| page["services"].as_array().unwrap().len();
    assert_eq!(count(&api.get("/v1/Services").await.expect(200)), 10);
    let odd = api
        .get("/v1/Services?FriendlyName=odd&PageSize=3")
        .await
        .expect(200);
    let rest = api.get(&path_of(&odd["meta"]["next_page_url"])).await.expect(200);
    assert_eq!((count(&odd), count(&rest)), (3, 2));
    for service in odd["services"].as_array().unwrap() {
        assert_eq!(service["friendly_name"], "odd");
    }
    api.delete(&first).await.expect(204);
    service(&api, &[]).await;
}

/// NotifyListBinding; also the lists of users and segments, which Notify's service links to.
/// NotifyListUser, NotifyListSegment.
#[tokio::test]
async fn what_a_service_links_to_is_there() {
    let api = notify_api().await;
    let (path, made) = service(&api, &[]).await;
    for key in ["bindings", "users", "segments"] {
        let page = api.get(&path_of(&made["links"][key])).await.expect(200);
        assert_eq!((&page[key], &page["meta"]["key"]), (&json!([]), &json!(key)));
        assert!(page["meta"]["next_page_url"].is_null());
    }
    api.get(&format!("{path}/Bindings?StartDate=soon"))
        .await
        .refused(400, 20001);
    api.get(&format!("{path}/Users?PageToken=PAx"))
        .await
        .refused(400, 20001);
    let other = api.as_caller(OTHER_ACCOUNT, TOKEN);
    other.get(&format!("{path}/Users")).await.refused(404, 20404);
}

/// NotifyCreateNotification
#[tokio::test]
async fn a_notification_is_echoed_b870_b871_b872() {
    let api = notify_api().await;
    let (path, made) = service(&api, &[]).await;
    let all = format!("{path}/Notifications");
    let answer = api
        .post(
            &all,
            &[
                ("Identity", "ann"),
                ("Identity", "bob"),
                ("Tag", "all"),
                ("Segment", "new"),
                ("Body", "Hello"),
                ("Title", "Greeting"),
                ("Sound", "ping"),
                ("Action", "wave"),
                ("Data", r#"{"a":{"b":1}}"#),
                ("Apn", r#"{"aps":{"badge":1}}"#),
            ],
        )
        .await;
    assert_eq!(
        fields(&answer.text),
        [
            "sid",
            "account_sid",
            "service_sid",
            "date_created",
            "identities",
            "tags",
            "segments",
            "priority",
            "ttl",
            "title",
            "body",
            "sound",
            "action",
            "data",
            "apn",
            "fcm",
            "gcm",
            "sms",
            "facebook_messenger",
            "alexa"
        ]
    );
    let sent = answer.expect(201);
    assert!(sent["sid"].as_str().unwrap().starts_with("NT"));
    for (name, value) in [
        ("service_sid", made["sid"].clone()),
        ("identities", json!(["ann", "bob"])),
        ("tags", json!(["all"])),
        ("segments", json!(["new"])),
        ("priority", json!("high")),
        ("ttl", json!(2_419_200)),
        ("title", json!("Greeting")),
        ("body", json!("Hello")),
        ("sound", json!("ping")),
        ("action", json!("wave")),
        ("data", json!({"a": {"b": 1}})),
        ("apn", json!({"aps": {"badge": 1}})),
        ("fcm", json!(null)),
    ] {
        assert_eq!(sent[name], value, "{name}");
    }
    let low = api
        .post(
            &all,
            &[("Tag", "x"), ("Priority", "low"), ("Ttl", "0"), ("Body", "b")],
        )
        .await
        .expect(201);
    assert_eq!(
        (&low["priority"], &low["ttl"], &low["identities"]),
        (&json!("low"), &json!(0), &json!([]))
    );
    // It is gone as soon as it is sent.
    api.get(&all).await.refused(405, 20004);
    let one = format!("{all}/{}", sent["sid"].as_str().unwrap());
    api.get(&one).await.refused(404, 20404);
    api.delete(&one).await.refused(404, 20404);
}

#[tokio::test]
async fn a_notification_is_checked_b867_b868_b869() {
    let api = notify_api().await;
    let (path, _) = service(&api, &[]).await;
    let all = format!("{path}/Notifications");
    let many = |name: &'static str, n: usize| -> Vec<(&'static str, String)> {
        (0..n).map(|i| (name, i.to_string())).collect()
    };
    let post = async |form: &[(&'static str, String)]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        api.post(&all, &form).await
    };
    post(&many("Identity", 20)).await.expect(201);
    post(&many("Identity", 21)).await.refused(400, 52302);
    post(&many("Tag", 5)).await.expect(201);
    post(&many("Tag", 6)).await.refused(400, 52302);
    let message = post(&[("Body", "to nobody".into())]).await.refused(400, 20001);
    assert_eq!(message, "Identity, Tag, Segment or ToBinding is required");

    let phone = r#"{"binding_type":"sms","address":"+15558675310"}"#;
    let device = r#"{"binding_type":"fcm","address":"token"}"#;
    post(&[("ToBinding", device.into())]).await.expect(201);
    post(&[("ToBinding", phone.into())]).await.refused(400, 52182);
    post(&[("ToBinding", device.into()), ("Tag", "all".into())])
        .await
        .refused(400, 20001);
    for wrong in [
        "x",
        "[]",
        r#"{"binding_type":"fax","address":"1"}"#,
        r#"{"binding_type":"sms"}"#,
    ] {
        post(&[("ToBinding", wrong.into())]).await.refused(400, 52001);
    }
    let sender = messaging_service(&api).await;
    api.post(&path, &[("MessagingServiceSid", &sender)])
        .await
        .expect(200);
    post(&[("ToBinding", phone.into())]).await.expect(201);

    for (name, value) in [
        ("Priority", "medium"),
        ("Ttl", "-1"),
        ("Ttl", "2419201"),
        ("Ttl", "soon"),
        ("Data", "[]"),
        ("Data", r#"{"twi_body":"x"}"#),
        ("Apn", "{"),
        ("Sms", "text"),
    ] {
        let message = post(&[("Tag", "all".into()), (name, value.into())])
            .await
            .refused(400, 20001);
        assert!(message.contains(name), "{message}");
    }
    let nowhere = "/v1/Services/IS00000000000000000000000000000000/Notifications";
    api.post(nowhere, &[("Tag", "all")]).await.refused(404, 20404);
}

/// A request of ten thousand addresses fits; one more is refused.
#[tokio::test]
async fn a_notification_to_many_addresses_b869() {
    let api = notify_api().await;
    let (path, _) = service(&api, &[]).await;
    let all = format!("{path}/Notifications");
    let one = crate::common::encode(r#"{"binding_type":"fcm","address":"t"}"#);
    let form = |n: usize| vec![format!("ToBinding={one}"); n].join("&");
    api.post_raw(&all, form(10_000)).await.expect(201);
    api.post_raw(&all, form(10_001)).await.refused(400, 52302);
}
