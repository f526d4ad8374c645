//! Webhooks of a conversation.

use serde_json::json;

use crate::common::{Api, api, fields, path_of};

const URL: &str = "https://example.com/hook";
const FLOW: &str = "FW00000000000000000000000000000001";

async fn hooks(api: &Api) -> String {
    format!("{}/Webhooks", api.conversation(&[]).await)
}

/// CreateConversationScopedWebhook, FetchConversationScopedWebhook
#[tokio::test]
async fn each_target_shows_what_it_has_b503_b505_b518() {
    let api = api().await;
    let hooks = hooks(&api).await;
    let answer = api
        .post(
            &hooks,
            &[
                ("Target", "webhook"),
                ("Configuration.Url", URL),
                ("Configuration.Method", "GET"),
                ("Configuration.Filters", "onMessageAdded"),
                ("Configuration.Filters", "onDeliveryUpdated"),
                ("Configuration.ReplayAfter", "3"),
            ],
        )
        .await;
    assert_eq!(
        fields(&answer.text),
        [
            "account_sid",
            "conversation_sid",
            "sid",
            "target",
            "configuration",
            "date_created",
            "date_updated",
            "url"
        ]
    );
    let made = answer.expect(201);
    assert_eq!(
        made["configuration"],
        json!({
            "url": URL, "method": "get", "filters": ["onMessageAdded", "onDeliveryUpdated"], "replay_after": 3,
        })
    );
    assert_eq!(made["date_created"], made["date_updated"]);
    assert_eq!(api.get(&path_of(&made["url"])).await.expect(200), made);
    let trigger = [
        ("Target", "trigger"),
        ("Configuration.Url", URL),
        ("Configuration.Triggers", "help"),
        ("Configuration.Triggers", "menu"),
        ("Configuration.FlowSid", FLOW),
    ];
    let made = api.post(&hooks, &trigger).await.expect(201);
    assert_eq!(
        made["configuration"],
        json!({ "url": URL, "method": "post", "triggers": ["help", "menu"] })
    );
    let studio = [
        ("Target", "studio"),
        ("Configuration.FlowSid", FLOW),
        ("Configuration.Filters", "onMessageAdded"),
    ];
    let made = api.post(&hooks, &studio).await.expect(201);
    assert_eq!(made["configuration"], json!({ "flow_sid": FLOW }));
}

/// CreateServiceConversationScopedWebhook, ListServiceConversationScopedWebhook,
/// FetchServiceConversationScopedWebhook, UpdateServiceConversationScopedWebhook,
/// DeleteServiceConversationScopedWebhook
#[tokio::test]
async fn the_service_form_shows_its_service_b028_b029() {
    let api = api().await;
    let configuration = api.get("/v1/Configuration").await.expect(200);
    let service = configuration["default_chat_service_sid"].as_str().unwrap();
    let hooks = hooks(&api).await;
    let form = [("Target", "studio"), ("Configuration.FlowSid", FLOW)];
    let short = api.post(&hooks, &form).await.expect(201);
    let in_service = format!(
        "/v1/Services/{service}{}",
        path_of(&short["url"]).strip_prefix("/v1").unwrap()
    );
    let mut long = api.get(&in_service).await.expect(200);
    assert_eq!(path_of(&long["url"]), in_service);
    assert_eq!(long["chat_service_sid"], service);
    long.as_object_mut().unwrap().remove("chat_service_sid");
    long["url"] = short["url"].clone();
    assert_eq!(long, short);
    let list = in_service.rsplit_once('/').unwrap().0;
    let made = api.post(list, &form).await.expect(201);
    let listed = api.get(list).await.expect(200);
    assert!(listed["webhooks"].as_array().unwrap().contains(&made));
    let other = [("Configuration.FlowSid", "FW00000000000000000000000000000002")];
    api.post(&in_service, &other).await.expect(200);
    let other_service = api
        .post("/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201);
    let abroad = in_service.replace(service, other_service["sid"].as_str().unwrap());
    api.get(&abroad).await.refused(404, 50350);
    api.delete(&in_service).await.expect(204);
    api.get(&path_of(&short["url"])).await.refused(404, 50360);
}

/// UpdateConversationScopedWebhook
#[tokio::test]
async fn an_update_changes_what_it_names_b014_b502_b511_b514() {
    let api = api().await;
    let hooks = hooks(&api).await;
    let path = api
        .make(
            &hooks,
            &[
                ("Target", "webhook"),
                ("Configuration.Url", URL),
                ("Configuration.Filters", "onMessageAdded"),
                ("Configuration.Filters", "onMessageUpdated"),
            ],
        )
        .await;
    let before = api.get(&path).await.expect(200);
    assert_eq!(api.post(&path, &[]).await.expect(200), before);
    let changes = [
        ("Target", "studio"),
        ("Configuration.FlowSid", FLOW),
        ("Configuration.Method", "get"),
        ("Configuration.Filters", "onParticipantRemoved"),
        ("Configuration.ReplayAfter", "1"),
    ];
    let changed = api.post(&path, &changes).await.expect(200);
    assert_eq!(changed["target"], "webhook");
    assert_eq!(
        changed["configuration"],
        json!({ "url": URL, "method": "get", "filters": ["onParticipantRemoved"] })
    );
    assert_eq!(api.get(&path).await.expect(200), changed);
}

#[tokio::test]
async fn bad_input_changes_nothing_b008_b010_b503_b504_b467_b468() {
    let api = api().await;
    let hooks = hooks(&api).await;
    let url = |chars: usize| format!("{URL}?{}", "a".repeat(chars - URL.len() - 1));
    let (long_url, longest_url) = (url(513), url(512));
    let (long_word, longest_word) = ("é".repeat(249), "é".repeat(248));
    let webhook = ("Target", "webhook");
    let trigger = ("Target", "trigger");
    let with_url = ("Configuration.Url", URL);
    let filter = ("Configuration.Filters", "onMessageAdded");
    let word = ("Configuration.Triggers", "help");
    api.refuse_all(
        &hooks,
        &[&hooks],
        &[
            (&[], 20001),
            (&[("Target", "")], 20001),
            (&[("target", "webhook"), with_url, filter], 20001),
            (&[("Target", "Webhook"), with_url, filter], 50364),
            (&[("Target", "function"), with_url, filter], 50364),
            (&[webhook, filter], 50369),
            (&[webhook, ("Configuration.Url", ""), filter], 50369),
            (&[webhook, ("Configuration.Url", &long_url), filter], 50372),
            (&[webhook, ("Configuration.Url", "example.com"), filter], 50054),
            (
                &[webhook, with_url, filter, ("Configuration.Method", "PUT")],
                50055,
            ),
            (&[webhook, with_url], 50370),
            (&[webhook, with_url, ("Configuration.Filters", "")], 50370),
            (
                &[
                    webhook,
                    with_url,
                    filter,
                    ("Configuration.Filters", "onMessageAdd"),
                ],
                50365,
            ),
            (
                &[webhook, with_url, ("Configuration.Filters", "onMessageSent")],
                50365,
            ),
            (
                &[webhook, with_url, filter, ("Configuration.ReplayAfter", "-1")],
                20001,
            ),
            (
                &[webhook, with_url, filter, ("Configuration.ReplayAfter", "one")],
                20001,
            ),
            (&[trigger, with_url], 50371),
            (&[trigger, word], 50369),
            (&[trigger, with_url, word, word, word, word, word, word], 50362),
            (
                &[trigger, with_url, ("Configuration.Triggers", &long_word)],
                50366,
            ),
            (&[("Target", "studio")], 50367),
            (&[("Target", "studio"), ("Configuration.FlowSid", "FW1")], 50367),
        ],
    )
    .await;
    let border = [
        trigger,
        ("Configuration.Url", longest_url.as_str()),
        ("Configuration.Triggers", longest_word.as_str()),
        word,
        word,
        word,
        word,
    ];
    let path = api.make(&hooks, &border).await;
    let studio = api
        .make(&hooks, &[("Target", "studio"), ("Configuration.FlowSid", FLOW)])
        .await;
    api.refuse_all(
        &path,
        &[&path],
        &[
            (&[("Configuration.Url", "")], 50369),
            (&[("Configuration.Url", &long_url)], 50372),
            (&[("Configuration.Triggers", "")], 50371),
            (&[with_url, ("Configuration.Triggers", &long_word)], 50366),
            (&[with_url, ("Configuration.Method", "")], 50055),
        ],
    )
    .await;
    api.refuse_all(
        &studio,
        &[&studio],
        &[(&[("Configuration.FlowSid", "FW1")], 50367)],
    )
    .await;
}

/// ListConversationScopedWebhook, DeleteConversationScopedWebhook
#[tokio::test]
async fn five_at_most_on_pages_of_five_b013_b021_b022_b024_b025_b501_b516() {
    let api = api().await;
    let hooks = hooks(&api).await;
    let form = [("Target", "studio"), ("Configuration.FlowSid", FLOW)];
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(api.make(&hooks, &form).await);
    }
    api.post(&hooks, &form).await.refused(400, 50361);
    let page = api.get(&hooks).await.expect(200);
    assert_eq!(page["meta"]["page_size"], 5);
    assert_eq!(page["meta"]["key"], "webhooks");
    assert_eq!(page["webhooks"].as_array().unwrap().len(), 5);
    assert!(page["meta"]["next_page_url"].is_null());
    let clamped = api.get(&format!("{hooks}?PageSize=6")).await.expect(200);
    assert_eq!(clamped["meta"]["page_size"], 5);
    assert_eq!(api.sids(&hooks, "webhooks", 2).await.len(), 5);
    api.delete(&made[0]).await.expect(204);
    api.delete(&made[0]).await.refused(404, 50360);
    api.post(&made[0], &form).await.refused(404, 50360);
    api.post(&hooks, &form).await.expect(201);
}

#[tokio::test]
async fn what_a_path_does_not_name_is_not_found_b004_b005() {
    let api = api().await;
    let hooks = hooks(&api).await;
    let missing = "WH00000000000000000000000000000001";
    api.get(&format!("{hooks}/{missing}")).await.refused(404, 50360);
    api.get(&format!("{hooks}/WH1")).await.refused(404, 20404);
    api.get(&format!("{hooks}/CH00000000000000000000000000000001"))
        .await
        .refused(404, 20404);
    let nowhere = "/v1/Conversations/CH00000000000000000000000000000001/Webhooks";
    api.get(nowhere).await.refused(404, 50350);
    api.delete(&format!("{nowhere}/{missing}"))
        .await
        .refused(404, 50350);
    let form = [("Target", "studio"), ("Configuration.FlowSid", FLOW)];
    api.post(nowhere, &form).await.refused(404, 50350);
}

/// A closed conversation can still be deleted, which its webhooks hear of (B-113, B-515).
#[tokio::test]
async fn a_closed_conversation_takes_webhooks_under_its_unique_name_too_b105() {
    let api = api().await;
    let path = api.conversation(&[("UniqueName", "room")]).await;
    api.post(&path, &[("State", "closed")]).await.expect(200);
    let form = [("Target", "studio"), ("Configuration.FlowSid", FLOW)];
    let made = api
        .post("/v1/Conversations/room/Webhooks", &form)
        .await
        .expect(201);
    assert!(path_of(&made["url"]).starts_with(&path));
    api.delete(&path).await.expect(204);
    api.get(&path_of(&made["url"])).await.refused(404, 50350);
}
