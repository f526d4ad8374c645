//! Which push notifications a service sends.

use serde_json::json;

use crate::common::{ACCOUNT, OTHER_ACCOUNT, TOKEN, api, fields, path_of};

/// FetchServiceNotification, UpdateServiceNotification
#[tokio::test]
async fn what_was_never_set_is_not_shown_b069_b601() {
    let api = api().await;
    let configuration = api.get("/v1/Configuration").await.expect(200);
    let path = format!("{}/Notifications", path_of(&configuration["links"]["service"]));
    let answer = api.get(&path).await;
    assert_eq!(
        fields(&answer.text),
        [
            "account_sid",
            "chat_service_sid",
            "log_enabled",
            "added_to_conversation",
            "new_message",
            "removed_from_conversation",
            "url"
        ]
    );
    let fresh = answer.expect(200);
    assert_eq!(
        fresh,
        json!({
            "account_sid": ACCOUNT, "chat_service_sid": configuration["default_chat_service_sid"],
            "log_enabled": false, "added_to_conversation": { "enabled": false },
            "new_message": { "enabled": false }, "removed_from_conversation": { "enabled": false },
            "url": format!("http://conversations.twilio.com{path}"),
        })
    );
    assert_eq!(api.post(&path, &[]).await.expect(200), fresh);
    let form = [
        ("LogEnabled", "TRUE"),
        ("NewMessage.Enabled", "true"),
        ("NewMessage.Template", "${MESSAGE}"),
        ("NewMessage.Sound", "bell"),
        ("NewMessage.BadgeCountEnabled", "false"),
        ("NewMessage.WithMedia.Enabled", "true"),
        ("NewMessage.WithMedia.Template", "${MEDIA}"),
        ("AddedToConversation.Enabled", "true"),
        ("AddedToConversation.Template", "in"),
        ("AddedToConversation.Sound", "door"),
        ("RemovedFromConversation.Enabled", "false"),
        ("RemovedFromConversation.Template", "out"),
        ("RemovedFromConversation.Sound", "bang"),
    ];
    let changed = api.post(&path, &form).await.expect(200);
    assert_eq!(changed["log_enabled"], true);
    assert_eq!(
        changed["new_message"],
        json!({
            "enabled": true, "template": "${MESSAGE}", "badge_count_enabled": false, "sound": "bell",
            "with_media": { "enabled": true, "template": "${MEDIA}" },
        })
    );
    assert_eq!(
        changed["added_to_conversation"],
        json!({ "enabled": true, "template": "in", "sound": "door" })
    );
    assert_eq!(
        changed["removed_from_conversation"],
        json!({ "enabled": false, "template": "out", "sound": "bang" })
    );
    assert_eq!(api.get(&path).await.expect(200), changed);
    let clear = [
        ("NewMessage.Template", ""),
        ("AddedToConversation.Enabled", "false"),
    ];
    let changed = api.post(&path, &clear).await.expect(200);
    assert!(changed["new_message"].get("template").is_none());
    assert_eq!(
        changed["added_to_conversation"],
        json!({ "enabled": false, "template": "in", "sound": "door" })
    );
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    stranger.get(&path).await.refused(404, 20404);
    stranger.post(&path, &form).await.refused(404, 20404);
}

#[tokio::test]
async fn bad_input_changes_nothing() {
    let api = api().await;
    let configuration = api.get("/v1/Configuration").await.expect(200);
    let path = format!("{}/Notifications", path_of(&configuration["links"]["service"]));
    let (template, sound) = ("é".repeat(1025), "é".repeat(257));
    let good = ("LogEnabled", "true");
    api.refuse_all(
        &path,
        &[&path],
        &[
            (&[good, ("NewMessage.Template", &template)], 50058),
            (&[good, ("NewMessage.WithMedia.Template", &template)], 50058),
            (&[good, ("AddedToConversation.Template", &template)], 50058),
            (&[good, ("RemovedFromConversation.Template", &template)], 50058),
            (&[good, ("NewMessage.Sound", &sound)], 50059),
            (&[good, ("AddedToConversation.Sound", &sound)], 50059),
            (&[good, ("RemovedFromConversation.Sound", &sound)], 50059),
            (&[good, ("NewMessage.Enabled", "yes")], 20001),
            (&[good, ("NewMessage.BadgeCountEnabled", "1")], 20001),
            (&[("LogEnabled", "")], 20001),
        ],
    )
    .await;
    let (template, sound) = ("é".repeat(1024), "é".repeat(256));
    let border = [
        ("NewMessage.Template", template.as_str()),
        ("NewMessage.Sound", sound.as_str()),
    ];
    let changed = api.post(&path, &border).await.expect(200);
    assert_eq!(changed["new_message"]["template"], template);
    assert_eq!(changed["new_message"]["sound"], sound);
}
