//! A public channel becomes a conversation.

use serde_json::{Value, json};

use crate::chat_services::{chat_api, service};
use crate::common::{Api, fields};

/// Paths of a new public channel: its own, that of its migration, and that of its conversation.
async fn public(api: &Api, form: &[(&str, &str)]) -> [String; 3] {
    let service = service(api).await;
    let made = api.post(&format!("{service}/Channels"), form).await.expect(201);
    let path = format!("{service}/Channels/{}", made["sid"].as_str().unwrap());
    let conversation = path
        .replace("/v2/", "/v1/")
        .replace("/Channels/", "/Conversations/");
    [path.clone(), path.replace("/v2/", "/v3/"), conversation]
}

/// The SID of a messaging service of the account.
async fn sender(api: &Api) -> String {
    let made = api
        .on_host("conversations.twilio.com")
        .post("/v1/Conversations", &[])
        .await
        .expect(201);
    made["messaging_service_sid"].as_str().unwrap().to_owned()
}

/// ChatUpdateChannel of v3.
#[tokio::test]
async fn a_channel_keeps_all_that_is_in_it_b833_b834_b835() {
    let api = chat_api().await;
    let other = api.on_host("conversations.twilio.com");
    let sender = sender(&api).await;
    let [path, migration, conversation] = public(
        &api,
        &[
            ("UniqueName", "lobby"),
            ("FriendlyName", "Lobby"),
            ("Attributes", r#"{"a":1}"#),
            ("CreatedBy", "ann"),
            ("DateCreated", "2015-12-16T22:18:37Z"),
        ],
    )
    .await;
    let mut members = Vec::new();
    for identity in ["bob", "ann"] {
        let form = [("Identity", identity), ("Attributes", r#"{"m":1}"#)];
        members.push(api.post(&format!("{path}/Members"), &form).await.expect(201));
    }
    for (body, from) in [("one", "ann"), ("two", "bob")] {
        let form = [("Body", body), ("From", from)];
        api.post(&format!("{path}/Messages"), &form).await.expect(201);
    }
    let before = api.get(&path).await.expect(200);

    let form = [("Type", "private"), ("MessagingServiceSid", &*sender)];
    let answer = api.post(&migration, &form).await;
    assert_eq!(
        fields(&answer.text),
        [
            "sid",
            "account_sid",
            "service_sid",
            "messaging_service_sid",
            "friendly_name",
            "unique_name",
            "attributes",
            "type",
            "date_created",
            "date_updated",
            "created_by",
            "members_count",
            "messages_count",
            "url"
        ]
    );
    let migrated = answer.expect(200);
    assert_eq!(
        (&migrated["type"], &migrated["messaging_service_sid"]),
        (&json!("private"), &json!(sender))
    );
    assert_eq!(migrated["url"], format!("http://chat.twilio.com{migration}"));
    for name in [
        "sid",
        "friendly_name",
        "unique_name",
        "attributes",
        "date_created",
        "created_by",
    ] {
        assert_eq!(migrated[name], before[name], "{name}");
    }
    assert_eq!(
        (&migrated["members_count"], &migrated["messages_count"]),
        (&json!(2), &json!(2))
    );

    let seen = other.get(&conversation).await.expect(200);
    for (name, value) in [
        ("friendly_name", json!("Lobby")),
        ("unique_name", json!("lobby")),
        ("attributes", json!(r#"{"a":1}"#)),
        ("date_created", json!("2015-12-16T22:18:37Z")),
        ("messaging_service_sid", json!(sender)),
        ("state", json!("active")),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    let list = conversation.rsplit_once('/').unwrap().0;
    assert_eq!(other.get(list).await.expect(200)["conversations"], json!([seen]));
    let messages = other.get(&format!("{conversation}/Messages")).await.expect(200);
    let messages: Vec<(&Value, &Value, &Value)> = messages["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| (&m["index"], &m["body"], &m["author"]))
        .collect();
    assert_eq!(
        messages,
        [
            (&json!(0), &json!("one"), &json!("ann")),
            (&json!(1), &json!("two"), &json!("bob"))
        ]
    );
    for member in &members {
        let sid = member["sid"].as_str().unwrap();
        let seen = other
            .get(&format!("{conversation}/Participants/{sid}"))
            .await
            .expect(200);
        for name in ["identity", "attributes", "role_sid", "date_created"] {
            assert_eq!(seen[name], member[name], "{name}");
        }
    }
    let next = other
        .post(&format!("{conversation}/Messages"), &[("Body", "three")])
        .await
        .expect(201);
    assert_eq!(next["index"], 2);
    // What sends is there now, so a phone can come in.
    let phone = [
        ("MessagingBinding.Address", "+15558675310"),
        ("MessagingBinding.ProxyAddress", "+15017122661"),
    ];
    other
        .post(&format!("{conversation}/Participants"), &phone)
        .await
        .expect(201);
    // His conversations are the user's now.
    let of_bob = format!("{}/Users/bob/Conversations", list.rsplit_once('/').unwrap().0);
    let of_bob = other.get(&of_bob).await.expect(200);
    assert_eq!(of_bob["conversations"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_second_time_changes_nothing_b833() {
    let api = chat_api().await;
    let sender = sender(&api).await;
    let [path, migration, conversation] = public(&api, &[]).await;
    let form = [("Type", "private")];
    let first = api.post(&migration, &form).await.expect(200);
    assert!(first["messaging_service_sid"].is_null()); // B-848
    assert_eq!(api.post(&migration, &form).await.expect(200), first);
    let set = api
        .post(&migration, &[("MessagingServiceSid", &sender)])
        .await
        .expect(200);
    assert_eq!(set["messaging_service_sid"], sender);
    assert_eq!(api.post(&migration, &form).await.expect(200), set);
    assert_eq!(api.get(&path).await.expect(200)["type"], "private");
    api.on_host("conversations.twilio.com")
        .get(&conversation)
        .await
        .expect(200);
}

#[tokio::test]
async fn what_is_wrong_leaves_the_channel_public_b833_b834() {
    let api = chat_api().await;
    let [path, migration, conversation] = public(&api, &[("UniqueName", "lobby")]).await;
    for (kind, sender, code) in [
        ("public", None, 50393),
        ("Private", None, 50393),
        ("", None, 50393),
        ("private", Some(""), 50340),
        ("private", Some("MG1"), 50341),
        ("private", Some("MG00000000000000000000000000000000"), 50342),
    ] {
        let mut form = vec![("Type", kind)];
        form.extend(sender.map(|sid| ("MessagingServiceSid", sid)));
        api.post(&migration, &form).await.refused(400, code);
    }
    assert_eq!(api.post(&migration, &[]).await.expect(200)["type"], "public");
    assert_eq!(api.get(&path).await.expect(200)["type"], "public");
    let other = api.on_host("conversations.twilio.com");
    other.get(&conversation).await.refused(404, 20404);
    let nowhere = format!("{}/nothing", migration.rsplit_once('/').unwrap().0);
    api.post(&nowhere, &[("Type", "private")])
        .await
        .refused(404, 20404);
    // Its name names it, too.
    let named = format!("{}/lobby", migration.rsplit_once('/').unwrap().0);
    api.post(&named, &[("Type", "private")]).await.expect(200);
    other.get(&conversation).await.expect(200);
}

#[tokio::test]
async fn a_closed_conversation_stays_as_it_is() {
    let api = chat_api().await;
    let sender = sender(&api).await;
    let [_, migration, conversation] = public(&api, &[]).await;
    api.post(&migration, &[("Type", "private")]).await.expect(200);
    let other = api.on_host("conversations.twilio.com");
    other
        .post(&conversation, &[("State", "closed")])
        .await
        .expect(200);
    api.post(&migration, &[("MessagingServiceSid", &sender)])
        .await
        .refused(400, 50377);
}
