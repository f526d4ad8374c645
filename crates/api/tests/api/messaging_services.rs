//! Messaging services and their numbers.

use serde_json::{Value, json};

use crate::common::{ACCOUNT, Api, OTHER_ACCOUNT, TOKEN, api, fields, path_of};

const PATH: &str = "/v1/Services";

async fn messaging() -> Api {
    api().await.on_host("messaging.twilio.com")
}

/// The SID of a new number.
async fn number(api: &Api, number: &str) -> String {
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json");
    let made = api
        .on_host("api.twilio.com")
        .post(&path, &[("PhoneNumber", number)])
        .await
        .expect(201);
    made["sid"].as_str().unwrap().to_owned()
}

/// CreateService, FetchService
#[tokio::test]
async fn a_new_service_has_the_usual_settings_b012() {
    let api = messaging().await;
    let answer = api.post(PATH, &[("FriendlyName", "desk")]).await;
    assert_eq!(
        fields(&answer.text),
        [
            "account_sid",
            "sid",
            "date_created",
            "date_updated",
            "friendly_name",
            "inbound_request_url",
            "inbound_method",
            "fallback_url",
            "fallback_method",
            "status_callback",
            "sticky_sender",
            "mms_converter",
            "smart_encoding",
            "fallback_to_long_code",
            "area_code_geomatch",
            "validity_period",
            "scan_message_content",
            "synchronous_validation",
            "usecase",
            "us_app_to_person_registered",
            "use_inbound_webhook_on_number",
            "links",
            "url"
        ]
    );
    let made = answer.expect(201);
    let path = path_of(&made["url"]);
    assert_eq!(path, format!("{PATH}/{}", made["sid"].as_str().unwrap()));
    assert_eq!(api.get(&path).await.expect(200), made);
    for (field, expected) in [
        ("inbound_request_url", Value::Null),
        ("inbound_method", json!("POST")),
        ("fallback_url", Value::Null),
        ("status_callback", Value::Null),
        ("sticky_sender", json!(true)),
        ("mms_converter", json!(true)),
        ("smart_encoding", json!(true)),
        ("fallback_to_long_code", json!(true)),
        ("area_code_geomatch", json!(true)),
        ("validity_period", json!(36000)),
        ("scan_message_content", json!("inherit")),
        ("usecase", json!("undeclared")),
        ("use_inbound_webhook_on_number", json!(false)),
    ] {
        assert_eq!(made[field], expected, "{field}");
    }
    let numbers = path_of(&made["links"]["phone_numbers"]);
    assert_eq!(numbers, format!("{path}/PhoneNumbers"));
    // Conversations may send through it.
    let room = [("MessagingServiceSid", made["sid"].as_str().unwrap())];
    api.on_host("conversations.twilio.com")
        .post("/v1/Conversations", &room)
        .await
        .expect(201);
}

/// UpdateService
#[tokio::test]
async fn an_update_changes_what_it_names_b014() {
    let api = messaging().await;
    let path = api.make(PATH, &[("FriendlyName", "desk")]).await;
    let before = api.get(&path).await.expect(200);
    assert_eq!(api.post(&path, &[]).await.expect(200), before);
    let form = [
        ("FriendlyName", "front desk"),
        ("InboundRequestUrl", "https://example.com/in"),
        ("InboundMethod", "GET"),
        ("FallbackUrl", "https://example.com/fallback"),
        ("FallbackMethod", "GET"),
        ("StatusCallback", "https://example.com/status"),
        ("StickySender", "false"),
        ("MmsConverter", "FALSE"),
        ("SmartEncoding", "false"),
        ("ScanMessageContent", "disable"),
        ("FallbackToLongCode", "false"),
        ("AreaCodeGeomatch", "false"),
        ("ValidityPeriod", "1"),
        ("SynchronousValidation", "true"),
        ("Usecase", "discussion"),
        ("UseInboundWebhookOnNumber", "true"),
    ];
    let changed = api.post(&path, &form).await.expect(200);
    for (field, expected) in [
        ("friendly_name", json!("front desk")),
        ("inbound_request_url", json!("https://example.com/in")),
        ("inbound_method", json!("GET")),
        ("fallback_url", json!("https://example.com/fallback")),
        ("fallback_method", json!("GET")),
        ("status_callback", json!("https://example.com/status")),
        ("sticky_sender", json!(false)),
        ("mms_converter", json!(false)),
        ("smart_encoding", json!(false)),
        ("scan_message_content", json!("disable")),
        ("fallback_to_long_code", json!(false)),
        ("area_code_geomatch", json!(false)),
        ("validity_period", json!(1)),
        ("synchronous_validation", json!(true)),
        ("usecase", json!("discussion")),
        ("use_inbound_webhook_on_number", json!(true)),
    ] {
        assert_eq!(changed[field], expected, "{field}");
    }
    assert_eq!(api.get(&path).await.expect(200), changed);
    let cleared = api
        .post(&path, &[("InboundRequestUrl", ""), ("StatusCallback", "")])
        .await
        .expect(200);
    assert!(cleared["inbound_request_url"].is_null() && cleared["status_callback"].is_null());
    assert_eq!(cleared["fallback_url"], "https://example.com/fallback");
}

#[tokio::test]
async fn bad_input_changes_nothing_b008() {
    let api = messaging().await;
    let (long, longest) = ("é".repeat(65), "é".repeat(64));
    api.refuse_all(
        PATH,
        &[PATH],
        &[
            (&[], 20001),
            (&[("FriendlyName", "")], 20001),
            (&[("FriendlyName", &long)], 20002),
            (&[("FriendlyName", "desk"), ("StickySender", "yes")], 20001),
        ],
    )
    .await;
    let border = [("FriendlyName", longest.as_str()), ("ValidityPeriod", "36000")];
    let path = api.make(PATH, &border).await;
    let good = ("FriendlyName", "desk");
    api.refuse_all(
        &path,
        &[&path],
        &[
            (&[("FriendlyName", "")], 20002),
            (&[("FriendlyName", &long)], 20002),
            (&[good, ("InboundRequestUrl", "example.com")], 20001),
            (&[good, ("FallbackUrl", "ftp://example.com/")], 20001),
            (&[good, ("StatusCallback", "example.com")], 21609),
            (&[good, ("InboundMethod", "PUT")], 20001),
            (&[good, ("FallbackMethod", "get")], 20001),
            (&[good, ("ScanMessageContent", "maybe")], 20001),
            (&[good, ("ValidityPeriod", "0")], 20001),
            (&[good, ("ValidityPeriod", "36001")], 20001),
            (&[good, ("ValidityPeriod", "long")], 20001),
            (&[good, ("Usecase", "fun")], 20001),
        ],
    )
    .await;
}

/// ListService, DeleteService
#[tokio::test]
async fn services_are_of_their_account_b013_b022_b024_b031() {
    let api = messaging().await;
    let path = api.make(PATH, &[("FriendlyName", "desk")]).await;
    api.make(PATH, &[("FriendlyName", "door")]).await;
    // The account came with one.
    assert_eq!(api.sids(PATH, "services", 2).await.len(), 3);
    let page = api.get(&format!("{PATH}?PageSize=1000")).await.expect(200);
    assert_eq!(page["meta"]["page_size"], 1000);
    api.get(&format!("{PATH}?PageSize=1001"))
        .await
        .refused(400, 20007);
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    assert_eq!(stranger.sids(PATH, "services", 50).await.len(), 1);
    stranger.get(&path).await.refused(404, 20404);
    stranger
        .post(&path, &[("FriendlyName", "mine")])
        .await
        .refused(404, 20404);
    stranger.delete(&path).await.refused(404, 20404);
    api.get(&format!("{PATH}/MG1")).await.refused(404, 20404);
    api.delete(&path).await.expect(204);
    api.delete(&path).await.refused(404, 20404);
    assert_eq!(api.sids(PATH, "services", 50).await.len(), 2);
}

/// What a deleted service leaves: rest.md §8.
#[tokio::test]
async fn a_deleted_service_is_no_default_any_more_b061() {
    let api = messaging().await;
    let conversations = api.on_host("conversations.twilio.com");
    let before = conversations.get("/v1/Configuration").await.expect(200);
    let default = before["default_messaging_service_sid"].as_str().unwrap();
    let room = conversations.conversation(&[]).await;
    let sid = number(&api, "+15017122661").await;
    let numbers = format!("{PATH}/{default}/PhoneNumbers");
    api.post(&numbers, &[("PhoneNumberSid", &sid)]).await.expect(201);
    api.delete(&format!("{PATH}/{default}")).await.expect(204);
    let after = conversations.get("/v1/Configuration").await.expect(200);
    assert!(after["default_messaging_service_sid"].is_null());
    let kept = conversations.get(&room).await.expect(200);
    assert_eq!(kept["messaging_service_sid"], default);
    let new = conversations.conversation(&[]).await;
    let new = conversations.get(&new).await.expect(200);
    assert!(new["messaging_service_sid"].is_null());
    // Its number is free for another one.
    let other = api.make(PATH, &[("FriendlyName", "other")]).await;
    api.post(&format!("{other}/PhoneNumbers"), &[("PhoneNumberSid", &sid)])
        .await
        .expect(201);
}

/// CreatePhoneNumber, FetchPhoneNumber, ListPhoneNumber, DeletePhoneNumber
#[tokio::test]
async fn a_number_is_in_one_service_only_b013_b022_b887() {
    let api = messaging().await;
    let path = api.make(PATH, &[("FriendlyName", "desk")]).await;
    let other = api.make(PATH, &[("FriendlyName", "door")]).await;
    let numbers = format!("{path}/PhoneNumbers");
    let sid = number(&api, "+15017122661").await;
    let form = [("PhoneNumberSid", sid.as_str())];
    let answer = api.post(&numbers, &form).await;
    assert_eq!(
        fields(&answer.text),
        [
            "sid",
            "account_sid",
            "service_sid",
            "date_created",
            "date_updated",
            "phone_number",
            "country_code",
            "capabilities",
            "url"
        ]
    );
    let added = answer.expect(201);
    assert_eq!(
        (&added["phone_number"], &added["country_code"], &added["sid"]),
        (&json!("+15017122661"), &json!("US"), &json!(sid))
    );
    assert_eq!(path_of(&added["url"]), format!("{numbers}/{sid}"));
    assert_eq!(api.get(&path_of(&added["url"])).await.expect(200), added);
    api.post(&numbers, &form).await.refused(409, 21710);
    let there = format!("{other}/PhoneNumbers");
    api.post(&there, &form).await.refused(409, 21712);
    api.get(&format!("{there}/{sid}")).await.refused(404, 20404);
    api.delete(&format!("{there}/{sid}")).await.refused(404, 20404);
    api.refuse_all(
        &numbers,
        &[&numbers],
        &[(&[], 20001), (&[("PhoneNumberSid", "PN1")], 20001)],
    )
    .await;
    let unknown = [("PhoneNumberSid", "PN00000000000000000000000000000001")];
    api.post(&numbers, &unknown).await.refused(404, 20404);
    for n in 2..5 {
        let sid = number(&api, &format!("+4915017{n}")).await;
        let added = api.post(&numbers, &[("PhoneNumberSid", &sid)]).await.expect(201);
        assert!(added["country_code"].is_null());
    }
    assert_eq!(api.sids(&numbers, "phone_numbers", 2).await.len(), 4);
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    stranger.get(&numbers).await.refused(404, 20404);
    stranger.post(&numbers, &form).await.refused(404, 20404);
    stranger
        .delete(&format!("{numbers}/{sid}"))
        .await
        .refused(404, 20404);
    api.delete(&format!("{numbers}/{sid}")).await.expect(204);
    api.delete(&format!("{numbers}/{sid}")).await.refused(404, 20404);
    api.post(&there, &form).await.expect(201);
    // A number that is given back is in no service.
    let own = format!("/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers/{sid}.json");
    api.on_host("api.twilio.com").delete(&own).await.expect(204);
    assert_eq!(api.sids(&there, "phone_numbers", 2).await.len(), 0);
}
