//! Webhooks of the account.

use serde_json::json;

use crate::common::{ACCOUNT, OTHER_ACCOUNT, TOKEN, api, fields, path_of};

const PATH: &str = "/v1/Configuration/Webhooks";
const LEGACY_PATH: &str = "/v1/Conversations/Webhooks";

/// FetchConfigurationWebhook
#[tokio::test]
async fn a_fresh_account_calls_nobody_b062() {
    let api = api().await;
    let answer = api.get(PATH).await;
    assert_eq!(
        fields(&answer.text),
        [
            "account_sid",
            "pre_webhook_url",
            "post_webhook_url",
            "method",
            "filters",
            "target",
            "url"
        ]
    );
    assert_eq!(
        answer.expect(200),
        json!({
            "account_sid": ACCOUNT, "pre_webhook_url": null, "post_webhook_url": null, "method": "POST",
            "filters": [], "target": "webhook", "url": format!("http://conversations.twilio.com{PATH}"),
        })
    );
}

/// UpdateConfigurationWebhook
/// FetchConversationWebhook, UpdateConversationWebhook: the older path of the same.
#[tokio::test]
async fn both_paths_are_one_resource_b011_b063_b064_b065_b414() {
    let api = api().await;
    let form = [
        ("Method", "get"),
        ("Filters", "onMessageAdd"),
        ("Filters", "onUserAdded"),
        ("PreWebhookUrl", "https://example.com/pre"),
        ("PostWebhookUrl", "http://example.com/post"),
        ("Target", "flex"),
    ];
    let changed = api.post(PATH, &form).await.expect(200);
    assert_eq!(
        (&changed["method"], &changed["target"]),
        (&json!("GET"), &json!("flex"))
    );
    assert_eq!(changed["filters"], json!(["onMessageAdd", "onUserAdded"]));
    let mut legacy = api.get(LEGACY_PATH).await.expect(200);
    assert_eq!(path_of(&legacy["url"]), LEGACY_PATH);
    legacy["url"] = changed["url"].clone();
    assert_eq!(legacy, changed);
    let clear = [("Filters", ""), ("PreWebhookUrl", ""), ("Target", "webhook")];
    let mut legacy = api.post(LEGACY_PATH, &clear).await.expect(200);
    assert_eq!(path_of(&legacy["url"]), LEGACY_PATH);
    assert_eq!(legacy["filters"], json!([]));
    assert!(legacy["pre_webhook_url"].is_null());
    assert_eq!(legacy["post_webhook_url"], "http://example.com/post");
    legacy["url"] = changed["url"].clone();
    assert_eq!(api.get(PATH).await.expect(200), legacy);
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    let fresh = stranger.get(PATH).await.expect(200);
    assert!(fresh["post_webhook_url"].is_null());
}

#[tokio::test]
async fn bad_input_changes_nothing_b006_b064_b067_b068_b468() {
    let api = api().await;
    let url = |chars: usize| format!("https://example.com/{}", "a".repeat(chars - 20));
    let (long, longest) = (url(2049), url(2048));
    let form = [("PostWebhookUrl", longest.as_str()), ("Method", "POST")];
    api.post(PATH, &form).await.expect(200);
    let good = ("PreWebhookUrl", "https://example.com/");
    for path in [PATH, LEGACY_PATH] {
        api.refuse_all(
            path,
            &[PATH],
            &[
                (&[good, ("PostWebhookUrl", "example.com")], 50054),
                (&[good, ("PostWebhookUrl", "ftp://example.com/")], 50054),
                (&[good, ("PostWebhookUrl", &long)], 50054),
                (&[("PreWebhookUrl", "https://")], 50054),
                (&[good, ("Filters", "onMessageSend")], 50365),
                (
                    &[good, ("Filters", "onMessageAdded"), ("Filters", "nothing")],
                    50365,
                ),
                (&[good, ("Method", "PATCH")], 50055),
                (&[good, ("Method", "")], 50055),
                (&[good, ("Target", "studio")], 20001),
                (&[good, ("Target", "Flex")], 20001),
            ],
        )
        .await;
        api.delete(path).await.refused(405, 20004);
    }
}
