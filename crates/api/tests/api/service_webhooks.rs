//! Webhooks of one service.

use serde_json::json;

use crate::common::{ACCOUNT, OTHER_ACCOUNT, TOKEN, api, fields, path_of};

/// FetchServiceWebhookConfiguration, UpdateServiceWebhookConfiguration
#[tokio::test]
async fn a_service_has_webhooks_of_its_own_b031_b066_b414_b467() {
    let api = api().await;
    let service = api
        .post("/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201);
    let path = format!("{}/Webhooks", path_of(&service["links"]["configuration"]));
    let answer = api.get(&path).await;
    assert_eq!(
        fields(&answer.text),
        [
            "account_sid",
            "chat_service_sid",
            "pre_webhook_url",
            "post_webhook_url",
            "filters",
            "method",
            "url"
        ]
    );
    let fresh = answer.expect(200);
    assert_eq!(
        fresh,
        json!({
            "account_sid": ACCOUNT, "chat_service_sid": service["sid"], "pre_webhook_url": null,
            "post_webhook_url": null, "filters": null, "method": null,
            "url": format!("http://conversations.twilio.com{path}"),
        })
    );
    assert_eq!(api.post(&path, &[]).await.expect(200), fresh);
    let form = [
        ("PreWebhookUrl", "https://example.com/pre"),
        ("PostWebhookUrl", "https://example.com/post"),
        ("Filters", "onUserUpdate"),
        ("Method", "gEt"),
    ];
    api.post(&path, &form).await.expect(200);
    let changed = api
        .post(&path, &[("PostWebhookUrl", ""), ("Filters", "")])
        .await
        .expect(200);
    assert_eq!(changed["pre_webhook_url"], "https://example.com/pre");
    assert!(changed["post_webhook_url"].is_null());
    assert_eq!(
        (&changed["filters"], &changed["method"]),
        (&json!([]), &json!("GET"))
    );
    assert_eq!(api.get(&path).await.expect(200), changed);
    let account = api.get("/v1/Configuration/Webhooks").await.expect(200);
    assert!(account["pre_webhook_url"].is_null());
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    stranger.get(&path).await.refused(404, 20404);
    stranger.post(&path, &form).await.refused(404, 20404);
}

#[tokio::test]
async fn bad_input_changes_nothing_b067_b068() {
    let api = api().await;
    let configuration = api.get("/v1/Configuration").await.expect(200);
    let path = format!("{}/Webhooks", path_of(&configuration["links"]["service"]));
    let long = format!("https://example.com/{}", "a".repeat(2029));
    let good = ("PreWebhookUrl", "https://example.com/");
    api.refuse_all(
        &path,
        &[&path],
        &[
            (&[good, ("PostWebhookUrl", "mailto:a@example.com")], 50054),
            (&[good, ("PostWebhookUrl", &long)], 50054),
            (&[good, ("Filters", "onConversationDestroyed")], 50365),
            (&[good, ("Method", "HEAD")], 50055),
        ],
    )
    .await;
    let longest = &long[..2048];
    api.post(&path, &[("PostWebhookUrl", longest)]).await.expect(200);
}
