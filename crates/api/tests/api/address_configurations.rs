//! Configurations of the account's addresses.

use serde_json::json;

use crate::common::{ACCOUNT, OTHER_ACCOUNT, TOKEN, api, fields, path_of};

const PATH: &str = "/v1/Configuration/Addresses";
const FLOW: &str = "FW00000000000000000000000000000001";

/// CreateConfigurationAddress, FetchConfigurationAddress, DeleteConfigurationAddress
#[tokio::test]
async fn an_address_by_sid_and_by_itself_b012_b013_b072_b073_b076() {
    let api = api().await;
    let answer = api.post(PATH, &[("Type", "sms"), ("Address", "+15550001")]).await;
    assert_eq!(
        fields(&answer.text),
        [
            "account_sid",
            "sid",
            "address",
            "type",
            "friendly_name",
            "address_country",
            "auto_creation",
            "date_created",
            "date_updated",
            "url"
        ]
    );
    let made = answer.expect(201);
    assert_eq!(
        made["auto_creation"],
        json!({
            "enabled": null, "type": null, "conversation_service_sid": null, "webhook_url": null,
            "webhook_method": null, "webhook_filters": null, "studio_flow_sid": null, "studio_retry_count": null,
        })
    );
    assert_eq!(made["account_sid"], ACCOUNT);
    let sid = made["sid"].as_str().unwrap();
    assert_eq!(path_of(&made["url"]), format!("{PATH}/{sid}"));
    for key in [sid, "%2B15550001", "+15550001"] {
        assert_eq!(api.get(&format!("{PATH}/{key}")).await.expect(200), made);
    }
    api.post(PATH, &[("Type", "sms"), ("Address", "+15550001")])
        .await
        .refused(409, 20409);
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    stranger.get(&format!("{PATH}/{sid}")).await.refused(404, 20404);
    // The number is taken by the first account.
    stranger
        .post(PATH, &[("Type", "sms"), ("Address", "+15550001")])
        .await
        .refused(400, 50413);
    let numbers = api.on_host("api.twilio.com");
    let numbers = numbers
        .get(&format!(
            "/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json"
        ))
        .await
        .expect(200);
    assert_eq!(numbers["incoming_phone_numbers"][0]["phone_number"], "+15550001");
    api.delete(&format!("{PATH}/%2B15550001")).await.expect(204);
    api.delete(&format!("{PATH}/{sid}")).await.refused(404, 20404);
}

/// UpdateConfigurationAddress
#[tokio::test]
async fn an_update_leaves_what_it_does_not_name_b014_b074_b314() {
    let api = api().await;
    let configuration = api.get("/v1/Configuration").await.expect(200);
    let service = configuration["default_chat_service_sid"].as_str().unwrap();
    let form = [
        ("Type", "whatsapp"),
        ("Address", "whatsapp:+15550001"),
        ("FriendlyName", "front desk"),
        ("AutoCreation.Enabled", "true"),
        ("AutoCreation.Type", "webhook"),
        ("AutoCreation.ConversationServiceSid", service),
        ("AutoCreation.WebhookUrl", "https://example.com/"),
        ("AutoCreation.WebhookFilters", "onConversationAdded"),
        ("AutoCreation.WebhookFilters", "onMessageAdded"),
    ];
    let path = api.make(PATH, &form).await;
    let before = api.get(&path).await.expect(200);
    assert_eq!(
        before["auto_creation"],
        json!({
            "enabled": true, "type": "webhook", "conversation_service_sid": service,
            "webhook_url": "https://example.com/", "webhook_method": "POST",
            "webhook_filters": ["onConversationAdded", "onMessageAdded"], "studio_flow_sid": null,
            "studio_retry_count": null,
        })
    );
    assert_eq!(api.post(&path, &[]).await.expect(200), before);
    let changes = [
        ("Address", "+15550002"),
        ("Type", "sms"),
        ("AutoCreation.Type", "studio"),
        ("AutoCreation.StudioFlowSid", FLOW),
        ("AutoCreation.StudioRetryCount", "3"),
        ("AutoCreation.WebhookMethod", "get"),
    ];
    let changed = api
        .post(&format!("{PATH}/whatsapp%3A%2B15550001"), &changes)
        .await
        .expect(200);
    assert_eq!(changed["address"], "whatsapp:+15550001");
    assert_eq!(changed["type"], "whatsapp");
    assert_eq!(changed["friendly_name"], "front desk");
    assert_eq!(
        changed["auto_creation"],
        json!({
            "enabled": true, "type": "studio", "conversation_service_sid": service,
            "webhook_url": "https://example.com/", "webhook_method": "GET",
            "webhook_filters": ["onConversationAdded", "onMessageAdded"], "studio_flow_sid": FLOW,
            "studio_retry_count": 3,
        })
    );
    let plain = [
        ("AutoCreation.Type", "default"),
        ("AutoCreation.StudioFlowSid", ""),
    ];
    let changed = api.post(&path, &plain).await.expect(200);
    assert_eq!(changed["auto_creation"]["type"], "default");
    assert!(changed["auto_creation"]["studio_flow_sid"].is_null());
}

#[tokio::test]
async fn bad_input_changes_nothing_b008_b072_b075_b076_b077_b314() {
    let api = api().await;
    let kind = ("Type", "sms");
    let address = ("Address", "+15550001");
    api.refuse_all(
        PATH,
        &[PATH],
        &[
            (&[address], 20001),
            (&[kind], 20001),
            (&[("Type", "fax"), address], 20001),
            (&[("Type", "whatsapp"), address], 20001),
            (&[kind, ("Address", "")], 20001),
            (&[kind, ("Address", "front desk")], 50413),
            (&[kind, address, ("AddressCountry", "USA")], 20001),
            (&[kind, address, ("AutoCreation.Type", "webhook")], 50369),
            (&[kind, address, ("AutoCreation.Type", "studio")], 50367),
        ],
    )
    .await;
    let path = api.make(PATH, &[kind, address]).await;
    let url = format!("https://example.com/{}", "a".repeat(493));
    let (name, longest_name) = ("é".repeat(257), "é".repeat(256));
    let good = ("AutoCreation.Enabled", "true");
    let foreign = "IS00000000000000000000000000000001";
    api.refuse_all(
        &path,
        &[&path],
        &[
            (&[good, ("FriendlyName", &name)], 50003),
            (&[("AutoCreation.Enabled", "yes")], 20001),
            (&[good, ("AutoCreation.Type", "flow")], 20001),
            (&[good, ("AutoCreation.Type", "webhook")], 50369),
            (&[good, ("AutoCreation.Type", "studio")], 50367),
            (&[good, ("AutoCreation.StudioFlowSid", "FW1")], 50367),
            (&[good, ("AutoCreation.StudioRetryCount", "4")], 20001),
            (&[good, ("AutoCreation.StudioRetryCount", "-1")], 20001),
            (&[good, ("AutoCreation.StudioRetryCount", "x")], 20001),
            (&[good, ("AutoCreation.WebhookUrl", "example.com")], 50054),
            (&[good, ("AutoCreation.WebhookUrl", &url)], 50372),
            (&[good, ("AutoCreation.WebhookMethod", "PUT")], 50055),
            (&[good, ("AutoCreation.WebhookFilters", "onMessageAdd")], 50365),
            (&[good, ("AutoCreation.WebhookFilters", "onUserAdded")], 50365),
            (&[good, ("AutoCreation.ConversationServiceSid", foreign)], 20001),
            (&[good, ("AutoCreation.ConversationServiceSid", "IS1")], 20001),
        ],
    )
    .await;
    let border = [
        ("FriendlyName", longest_name.as_str()),
        ("AutoCreation.WebhookUrl", &url[..512]),
        ("AutoCreation.StudioRetryCount", "0"),
    ];
    api.post(&path, &border).await.expect(200);
    for missing in ["IG00000000000000000000000000000001", "%2B15550009"] {
        let missing = format!("{PATH}/{missing}");
        api.get(&missing).await.refused(404, 20404);
        api.post(&missing, &[good]).await.refused(404, 20404);
        api.delete(&missing).await.refused(404, 20404);
    }
}

/// ListConfigurationAddress
#[tokio::test]
async fn the_list_is_filtered_by_type_b022_b023_b024_b025() {
    let api = api().await;
    for (kind, address) in [
        ("sms", "+15550001"),
        ("sms", "+15550002"),
        ("sms", "12345"),
        // In mixed case, as an example of the published description has it.
        ("whAtsAPP", "whatsapp:+15550001"),
        ("email", "desk@example.com"),
    ] {
        api.make(PATH, &[("Type", kind), ("Address", address)]).await;
    }
    let key = "address_configurations";
    let all = api.sids(PATH, key, 2).await;
    assert_eq!(all.len(), 5);
    let whatsapp = api.get(&format!("{PATH}?Type=whatsapp")).await.expect(200);
    assert_eq!(whatsapp[key][0]["type"], "whatsapp");
    assert_eq!(api.sids(&format!("{PATH}?Type=sms"), key, 2).await.len(), 3);
    assert_eq!(api.sids(&format!("{PATH}?Type=gbm"), key, 2).await.len(), 0);
    let page = api.get(&format!("{PATH}?Type=sms&PageSize=1")).await.expect(200);
    assert!(path_of(&page["meta"]["next_page_url"]).contains("Type=sms&"));
    assert_eq!(page["meta"]["key"], key);
    let clamped = api.get(&format!("{PATH}?PageSize=51")).await.expect(200);
    assert_eq!(clamped["meta"]["page_size"], 50);
    api.get(&format!("{PATH}?Type=fax")).await.refused(400, 20001);
    let empty = api.get(&format!("{PATH}?Type=")).await.expect(200);
    assert_eq!(empty[key].as_array().unwrap().len(), 5);
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    assert_eq!(stranger.sids(PATH, key, 50).await.len(), 0);
}
