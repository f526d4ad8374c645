//! The account's configuration.

use serde_json::Value;

use crate::common::{OTHER_ACCOUNT, TOKEN, api, fields};

const PATH: &str = "/v1/Configuration";

/// FetchConfiguration
#[tokio::test]
async fn a_fresh_configuration_b059() {
    let api = api().await;
    let answer = api.get(PATH).await;
    assert_eq!(
        fields(&answer.text),
        [
            "account_sid",
            "default_chat_service_sid",
            "default_messaging_service_sid",
            "default_inactive_timer",
            "default_closed_timer",
            "url",
            "links"
        ]
    );
    let fresh = answer.expect(200);
    assert_eq!(
        (&fresh["default_inactive_timer"], &fresh["default_closed_timer"]),
        (&Value::Null, &Value::Null)
    );
    let service = fresh["default_chat_service_sid"].as_str().unwrap();
    assert!(
        fresh["links"]["service"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/v1/Services/{service}/Configuration"))
    );
    assert!(
        fresh["links"]["webhooks"]
            .as_str()
            .unwrap()
            .ends_with("/v1/Configuration/Webhooks")
    );
}

/// UpdateConfiguration
#[tokio::test]
async fn timers_are_set_and_taken_away_b059_b060_b116_b117() {
    let api = api().await;
    let before = api.conversation(&[]).await;
    let form = [
        ("DefaultInactiveTimer", "PT60S"),
        ("DefaultClosedTimer", "PT600S"),
    ];
    let set = api.post(PATH, &form).await.expect(200);
    assert_eq!(
        (&set["default_inactive_timer"], &set["default_closed_timer"]),
        (&"PT60S".into(), &"PT600S".into())
    );
    assert_eq!(api.get(PATH).await.expect(200), set);
    // Copied at creation, and only then.
    assert_eq!(
        api.get(&before).await.expect(200)["timers"],
        serde_json::json!({})
    );
    let after = api.conversation(&[]).await;
    let timers = api.get(&after).await.expect(200)["timers"].clone();
    assert!(timers["date_inactive"].is_string() && timers["date_closed"].is_string());
    for (name, text, code) in [
        ("DefaultInactiveTimer", "PT59S", 50375),
        ("DefaultInactiveTimer", "P6M", 50379),
        ("DefaultInactiveTimer", "", 50379),
        ("DefaultClosedTimer", "PT599S", 50376),
        ("DefaultClosedTimer", "P1Y", 50380),
    ] {
        api.post(PATH, &[(name, text)]).await.refused(400, code);
    }
    assert_eq!(api.get(PATH).await.expect(200), set);
    let off = [("DefaultInactiveTimer", "PT0S"), ("DefaultClosedTimer", "PT0S")];
    let off = api.post(PATH, &off).await.expect(200);
    assert!(off["default_inactive_timer"].is_null() && off["default_closed_timer"].is_null());
    assert_eq!(api.get(&after).await.expect(200)["timers"], timers);
    assert_eq!(api.post(PATH, &[("Unknown", "x")]).await.expect(200), off);
}

#[tokio::test]
async fn the_short_form_follows_the_default_service_b029_b030() {
    let api = api().await;
    let old = api.conversation(&[("UniqueName", "room")]).await;
    let made = api
        .post("/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201);
    let other = made["sid"].as_str().unwrap();
    let set = api
        .post(PATH, &[("DefaultChatServiceSid", other)])
        .await
        .expect(200);
    assert_eq!(set["default_chat_service_sid"], other);
    api.get(&old).await.refused(404, 20404);
    let new = api.conversation(&[("UniqueName", "room")]).await;
    assert_eq!(api.get(&new).await.expect(200)["chat_service_sid"], other);
    // The one that was the default can be deleted now, the new one cannot.
    api.delete(&format!("/v1/Services/{other}"))
        .await
        .refused(400, 20001);
}

#[tokio::test]
async fn defaults_are_things_of_the_account_b061() {
    let api = api().await;
    let before = api.get(PATH).await.expect(200);
    let foreign = api.as_caller(OTHER_ACCOUNT, TOKEN).get(PATH).await.expect(200);
    let foreign = |name: &str| foreign[name].as_str().unwrap().to_owned();
    for (name, text, status, code) in [
        ("DefaultChatServiceSid", String::new(), 400, 20001),
        ("DefaultChatServiceSid", "IS1".into(), 400, 20001),
        (
            "DefaultChatServiceSid",
            foreign("default_chat_service_sid"),
            404,
            50050,
        ),
        ("DefaultMessagingServiceSid", "MG1".into(), 400, 50341),
        (
            "DefaultMessagingServiceSid",
            foreign("default_messaging_service_sid"),
            400,
            50342,
        ),
    ] {
        api.post(PATH, &[(name, &text)]).await.refused(status, code);
    }
    assert_eq!(api.get(PATH).await.expect(200), before);
    let none = api
        .post(PATH, &[("DefaultMessagingServiceSid", "")])
        .await
        .expect(200);
    assert!(none["default_messaging_service_sid"].is_null());
    let made = api.conversation(&[]).await;
    assert!(api.get(&made).await.expect(200)["messaging_service_sid"].is_null());
}
