//! Chat's face of services.

use serde_json::{Value, json};

use crate::common::{ACCOUNT, Api, OTHER_ACCOUNT, TOKEN, api, fields};

const HOST: &str = "chat.twilio.com";

pub async fn chat_api() -> Api {
    api().await.on_host(HOST)
}

/// The path of a new service.
pub async fn service(api: &Api) -> String {
    let made = api
        .on_host(HOST)
        .post("/v2/Services", &[("FriendlyName", "s")])
        .await
        .expect(201);
    format!("/v2/Services/{}", made["sid"].as_str().unwrap())
}

/// ChatCreateService, ChatFetchService, ChatListService, ChatDeleteService
#[tokio::test]
async fn a_fresh_service_has_its_defaults_b842() {
    let api = chat_api().await;
    let answer = api.post("/v2/Services", &[("FriendlyName", "support")]).await;
    assert_eq!(fields(&answer.text).len(), 23);
    let made = answer.expect(201);
    for (name, value) in [
        ("account_sid", json!(ACCOUNT)),
        ("friendly_name", json!("support")),
        ("read_status_enabled", json!(true)),
        ("reachability_enabled", json!(false)),
        ("typing_indicator_timeout", json!(5)),
        ("consumption_report_interval", json!(10)),
        ("limits", json!({"user_channels": 250, "channel_members": 100})),
        ("pre_webhook_url", json!(null)),
        ("post_webhook_url", json!(null)),
        ("webhook_method", json!(null)),
        ("webhook_filters", json!(null)),
        ("pre_webhook_retry_count", json!(0)),
        ("post_webhook_retry_count", json!(0)),
        (
            "notifications",
            json!({
                "log_enabled": false, "new_message": {"enabled": false}, "added_to_channel": {"enabled": false},
                "removed_from_channel": {"enabled": false}, "invited_to_channel": {"enabled": false},
            }),
        ),
        (
            "media",
            json!({
                "size_limit_mb": 150, "compatibility_message": "Media messages are not supported by your client",
            }),
        ),
    ] {
        assert_eq!(made[name], value, "{name}");
    }
    let path = format!("/v2/Services/{}", made["sid"].as_str().unwrap());
    let url = format!("http://{HOST}{path}");
    assert_eq!(made["url"], url);
    assert_eq!(
        made["links"],
        json!({
            "channels": format!("{url}/Channels"), "users": format!("{url}/Users"),
            "roles": format!("{url}/Roles"), "bindings": format!("{url}/Bindings"),
        })
    );
    assert_eq!(api.get(&path).await.expect(200), made);
    api.as_caller(OTHER_ACCOUNT, TOKEN)
        .get(&path)
        .await
        .refused(404, 20404);
    api.post("/v2/Services", &[]).await.refused(400, 20001);
    api.delete(&path).await.expect(204);
    api.get(&path).await.refused(404, 20404);
}

/// Chat's first host name still works.
#[tokio::test]
async fn services_are_those_of_conversations_b831() {
    let api = chat_api().await;
    let path = service(&api).await;
    let chat = api
        .on_host("ip-messaging.twilio.com")
        .get("/v2/Services")
        .await
        .expect(200);
    let conversations = api
        .on_host("conversations.twilio.com")
        .get("/v1/Services")
        .await
        .expect(200);
    let sids = |page: &Value| -> Vec<Value> {
        let services = page["services"].as_array().unwrap();
        services.iter().map(|s| s["sid"].clone()).collect()
    };
    assert_eq!(sids(&chat), sids(&conversations));
    assert_eq!(sids(&chat).len(), 2);
    let last = chat["services"].as_array().unwrap().last().unwrap();
    assert_eq!(api.get(&path).await.expect(200)["sid"], last["sid"]);
}

/// ChatUpdateService
#[tokio::test]
async fn a_service_is_set_up() {
    let api = chat_api().await;
    let path = service(&api).await;
    let roles = api.get(&format!("{path}/Roles")).await.expect(200)["roles"].clone();
    let role = |name: &str| {
        let found = roles
            .as_array()
            .unwrap()
            .iter()
            .find(|r| r["friendly_name"] == name);
        found.unwrap()["sid"].as_str().unwrap().to_owned()
    };
    let changed = api
        .post(
            &path,
            &[
                ("FriendlyName", "renamed"),
                ("DefaultServiceRoleSid", &role("service admin")),
                ("DefaultChannelRoleSid", &role("channel admin")),
                ("DefaultChannelCreatorRoleSid", &role("channel user")),
                ("ReadStatusEnabled", "false"),
                ("ReachabilityEnabled", "true"),
                ("TypingIndicatorTimeout", "7"),
                ("ConsumptionReportInterval", "0"),
                ("Notifications.NewMessage.Enabled", "true"),
                ("Notifications.NewMessage.Template", "${USER}: ${MESSAGE}"),
                ("Notifications.NewMessage.BadgeCountEnabled", "true"),
                ("Notifications.InvitedToChannel.Sound", "ping"),
                ("Notifications.LogEnabled", "true"),
                ("PreWebhookUrl", "https://example.com/pre"),
                ("WebhookMethod", "GET"),
                ("WebhookFilters", "onMessageSend"),
                ("WebhookFilters", "onMemberUpdated"),
                ("Limits.ChannelMembers", "1000"),
                ("Limits.UserChannels", "1"),
                ("Media.CompatibilityMessage", "look elsewhere"),
                ("PreWebhookRetryCount", "3"),
            ],
        )
        .await
        .expect(200);
    for (name, value) in [
        ("friendly_name", json!("renamed")),
        ("default_service_role_sid", json!(role("service admin"))),
        ("default_channel_role_sid", json!(role("channel admin"))),
        ("default_channel_creator_role_sid", json!(role("channel user"))),
        ("read_status_enabled", json!(false)),
        ("reachability_enabled", json!(true)),
        ("typing_indicator_timeout", json!(7)),
        ("consumption_report_interval", json!(0)),
        ("pre_webhook_url", json!("https://example.com/pre")),
        ("post_webhook_url", json!(null)),
        ("webhook_method", json!("GET")),
        ("webhook_filters", json!(["onMessageSend", "onMemberUpdated"])),
        ("limits", json!({"user_channels": 1, "channel_members": 1000})),
        ("pre_webhook_retry_count", json!(3)),
        (
            "notifications",
            json!({
                "log_enabled": true,
                "new_message": {"enabled": true, "template": "${USER}: ${MESSAGE}", "badge_count_enabled": true},
                "added_to_channel": {"enabled": false}, "removed_from_channel": {"enabled": false},
                "invited_to_channel": {"enabled": false, "sound": "ping"},
            }),
        ),
    ] {
        assert_eq!(changed[name], value, "{name}");
    }
    assert_eq!(changed["media"]["compatibility_message"], "look elsewhere");
    assert_eq!(api.get(&path).await.expect(200), changed);
    let list = api.get("/v2/Services").await.expect(200);
    assert!(list["services"].as_array().unwrap().contains(&changed));

    // What is not named stays, also after a request without any parameter.
    assert_eq!(api.post(&path, &[]).await.expect(200), changed);
    let cleared = api
        .post(&path, &[("PreWebhookUrl", ""), ("WebhookFilters", "")])
        .await
        .expect(200);
    assert_eq!(
        (&cleared["pre_webhook_url"], &cleared["webhook_filters"]),
        (&json!(null), &json!([]))
    );
    assert_eq!(cleared["typing_indicator_timeout"], 7);
}

/// What both have is one setting.
#[tokio::test]
async fn conversations_see_the_shared_settings_b831() {
    let api = chat_api().await;
    let path = service(&api).await;
    let sid = path.rsplit('/').next().unwrap();
    api.post(
        &path,
        &[("ReachabilityEnabled", "true"), ("FriendlyName", "both")],
    )
    .await
    .expect(200);
    let conversations = api.on_host("conversations.twilio.com");
    let service = conversations
        .get(&format!("/v1/Services/{sid}"))
        .await
        .expect(200);
    assert_eq!(service["friendly_name"], "both");
}

#[tokio::test]
async fn bad_settings_are_refused_one_by_one_b843() {
    let api = chat_api().await;
    let path = service(&api).await;
    let before = api.get(&path).await.expect(200);
    let roles = api.get(&format!("{path}/Roles")).await.expect(200)["roles"].clone();
    let of_type = |kind: &str| {
        let found = roles.as_array().unwrap().iter().find(|r| r["type"] == kind);
        found.unwrap()["sid"].as_str().unwrap().to_owned()
    };
    let (deployment, channel) = (of_type("deployment"), of_type("channel"));
    let (template, sound) = ("x".repeat(1025), "x".repeat(257));
    let (message, name) = ("x".repeat(32 * 1024 + 1), "x".repeat(257));
    for (parameter, value, code) in [
        ("FriendlyName", &*name, 50003),
        ("FriendlyName", "", 50000),
        ("DefaultServiceRoleSid", &channel, 50102),
        ("DefaultServiceRoleSid", "RL1", 50102),
        ("DefaultChannelRoleSid", &deployment, 50101),
        ("DefaultChannelCreatorRoleSid", &deployment, 50106),
        ("ReadStatusEnabled", "perhaps", 20001),
        ("ConsumptionReportInterval", "-1", 50052),
        ("ConsumptionReportInterval", "x", 50052),
        ("TypingIndicatorTimeout", "-1", 50053),
        ("TypingIndicatorTimeout", "1.5", 50053),
        ("PreWebhookUrl", "example.com", 50054),
        ("PostWebhookUrl", "ftp://example.com", 50054),
        ("WebhookFilters", "onConversationAdded", 50054),
        ("WebhookMethod", "PUT", 50055),
        ("Notifications.NewMessage.Template", &template, 50058),
        ("Notifications.InvitedToChannel.Template", &template, 50058),
        ("Notifications.AddedToChannel.Sound", &sound, 50059),
        ("Limits.UserChannels", "1001", 50060),
        ("Limits.UserChannels", "0", 50060),
        ("Limits.UserChannels", "many", 50060),
        ("Limits.ChannelMembers", "1001", 50061),
        ("Limits.ChannelMembers", "0", 50061),
        ("PreWebhookRetryCount", "4", 50065),
        ("PostWebhookRetryCount", "-1", 50065),
        ("Media.CompatibilityMessage", &message, 50504),
    ] {
        let form = [("Notifications.LogEnabled", "true"), (parameter, value)];
        api.post(&path, &form).await.refused(400, code);
    }
    assert_eq!(api.get(&path).await.expect(200), before);
    let nowhere = "/v2/Services/IS00000000000000000000000000000000";
    api.post(nowhere, &[]).await.refused(404, 20404);
    api.post(
        &path,
        &[
            ("FriendlyName", &name[1..]),
            ("Limits.UserChannels", "1000"),
            ("Limits.ChannelMembers", "1"),
            ("PostWebhookRetryCount", "3"),
            ("Notifications.AddedToChannel.Sound", &sound[1..]),
            ("Notifications.NewMessage.Template", &template[1..]),
            ("Media.CompatibilityMessage", &message[1..]),
        ],
    )
    .await
    .expect(200);
}
