//! A user's own view of his conversations.

use serde_json::{Value, json};

use crate::common::{Api, api, encode, fields, path_of};

/// A conversation with alice in it, and her view of it.
async fn joined(api: &Api, form: &[(&str, &str)]) -> (String, String) {
    let conversation = api.conversation(form).await;
    api.post(&format!("{conversation}/Participants"), &[("Identity", "alice")])
        .await
        .expect(201);
    let own = format!("/v1/Users/alice/Conversations/{}", &conversation[18..]);
    (conversation, own)
}

async fn say(api: &Api, conversation: &str, times: usize) -> Vec<Value> {
    let mut said = Vec::new();
    for _ in 0..times {
        said.push(
            api.post(&format!("{conversation}/Messages"), &[("Body", "x")])
                .await
                .expect(201),
        );
    }
    said
}

/// FetchUserConversation.
#[tokio::test]
async fn a_user_sees_a_conversation_and_his_part_b553_b554_b557() {
    let api = api().await;
    let values = [
        ("UniqueName", "room/1"),
        ("FriendlyName", "Room"),
        ("Attributes", "[1]"),
    ];
    let (conversation, own) = joined(&api, &values).await;
    let answer = api.get(&own).await;
    assert_eq!(
        fields(&answer.text),
        [
            "account_sid",
            "chat_service_sid",
            "conversation_sid",
            "unread_messages_count",
            "last_read_message_index",
            "participant_sid",
            "user_sid",
            "friendly_name",
            "conversation_state",
            "timers",
            "attributes",
            "date_created",
            "date_updated",
            "created_by",
            "notification_level",
            "unique_name",
            "url",
            "links"
        ]
    );
    let seen = answer.expect(200);
    let user = api.get("/v1/Users/alice").await.expect(200);
    let participant = api
        .get(&format!("{conversation}/Participants/alice"))
        .await
        .expect(200);
    assert_eq!(
        (&seen["user_sid"], &seen["participant_sid"]),
        (&user["sid"], &participant["sid"])
    );
    let mirrored = api.get(&conversation).await.expect(200);
    for (here, there) in [
        ("friendly_name", "friendly_name"),
        ("unique_name", "unique_name"),
        ("attributes", "attributes"),
        ("conversation_state", "state"),
        ("timers", "timers"),
        ("date_created", "date_created"),
        ("conversation_sid", "sid"),
        ("chat_service_sid", "chat_service_sid"),
    ] {
        assert_eq!(seen[here], mirrored[there], "{here}");
    }
    assert_eq!(
        (&seen["created_by"], &seen["notification_level"]),
        (&"system".into(), &"default".into())
    );
    assert!(seen["unread_messages_count"].is_null() && seen["last_read_message_index"].is_null());
    assert_eq!(
        seen["links"],
        json!({"participant": participant["url"], "conversation": mirrored["url"]})
    );
    let by_sid = path_of(&seen["url"]);
    assert!(by_sid.contains(user["sid"].as_str().unwrap()));
    let by_names = format!("/v1/Users/alice/Conversations/{}", encode("room/1"));
    for path in [by_sid, by_names] {
        assert_eq!(api.get(&path).await.expect(200), seen);
    }
    let elsewhere = api.conversation(&[]).await;
    for path in [
        format!("/v1/Users/alice/Conversations/{}", &elsewhere[18..]),
        "/v1/Users/alice/Conversations/none".into(),
        "/v1/Users/nobody/Conversations/none".into(),
        format!("/v1/Users/nobody/Conversations/{}", &conversation[18..]),
    ] {
        api.get(&path).await.refused(404, 20404);
        api.post(&path, &[("NotificationLevel", "muted")])
            .await
            .refused(404, 20404);
        api.delete(&path).await.refused(404, 20404);
    }
    api.get("/v1/Users/nobody/Conversations")
        .await
        .refused(404, 20404);
}

/// ListUserConversation.
#[tokio::test]
async fn only_his_own_conversations_page_by_page_b553() {
    let api = api().await;
    let mut own = Vec::new();
    for n in 0..7 {
        let (conversation, _) = joined(&api, &[]).await;
        if n == 2 {
            api.post(&conversation, &[("State", "closed")]).await.expect(200);
        }
        own.push(conversation[18..].to_owned());
        let other = api.conversation(&[]).await;
        api.post(&format!("{other}/Participants"), &[("Identity", "bob")])
            .await
            .expect(201);
    }
    own.sort();
    let mut seen = Vec::new();
    let mut at = "/v1/Users/alice/Conversations?PageSize=3".to_owned();
    loop {
        let page = api.get(&at).await.expect(200);
        assert_eq!(
            (&page["meta"]["key"], &page["meta"]["page_size"]),
            (&"conversations".into(), &3.into())
        );
        for item in page["conversations"].as_array().unwrap() {
            assert_eq!(api.get(&path_of(&item["url"])).await.expect(200), *item);
            seen.push(item["conversation_sid"].as_str().unwrap().to_owned());
        }
        if page["meta"]["next_page_url"].is_null() {
            break;
        }
        at = path_of(&page["meta"]["next_page_url"]);
    }
    assert_eq!(seen, own);
    let most = api
        .get("/v1/Users/alice/Conversations?PageSize=51")
        .await
        .expect(200);
    assert_eq!(most["meta"]["page_size"], 50);
    let usual = api.get("/v1/Users/alice/Conversations").await.expect(200);
    assert_eq!(
        (
            &usual["meta"]["page_size"],
            usual["conversations"].as_array().unwrap().len()
        ),
        (&50.into(), 7)
    );
    api.post("/v1/Users", &[("Identity", "carol")]).await.expect(201);
    let none = api.get("/v1/Users/carol/Conversations").await.expect(200);
    assert_eq!(
        (&none["conversations"], &none["meta"]["next_page_url"]),
        (&json!([]), &Value::Null)
    );
    // A page of one user is none of another.
    let token = at.split_once("PageToken=").unwrap().1;
    api.get(&format!(
        "/v1/Users/bob/Conversations?PageSize=3&PageToken={token}"
    ))
    .await
    .refused(400, 20001);
}

/// UpdateUserConversation.
#[tokio::test]
async fn his_horizon_and_what_he_has_not_read_b572_b573_b574_b575_b576_b577_b578() {
    let api = api().await;
    let (conversation, own) = joined(&api, &[]).await;
    let said = say(&api, &conversation, 5).await;
    assert!(api.get(&own).await.expect(200)["unread_messages_count"].is_null());
    let at = async |index: &str| {
        let seen = api
            .post(&own, &[("LastReadMessageIndex", index)])
            .await
            .expect(200);
        (
            seen["last_read_message_index"].clone(),
            seen["unread_messages_count"].clone(),
        )
    };
    assert_eq!(at("0").await, (0.into(), 4.into()));
    assert_eq!(at("4").await, (4.into(), 0.into()));
    // Back, and beyond what there is.
    assert_eq!(at("1").await, (1.into(), 3.into()));
    assert_eq!(at("9").await, (9.into(), 0.into()));
    assert_eq!(at("9223372036854775807").await.1, 0);
    assert_eq!(at("1").await.1, 3);
    let participant = api
        .get(&format!("{conversation}/Participants/alice"))
        .await
        .expect(200);
    assert_eq!(participant["last_read_message_index"], 1);
    // A removed one counts no more, whether it was read or not.
    for n in [3, 0] {
        api.delete(&format!(
            "{conversation}/Messages/{}",
            said[n]["sid"].as_str().unwrap()
        ))
        .await
        .expect(204);
        assert_eq!(api.get(&own).await.expect(200)["unread_messages_count"], 2);
    }
    say(&api, &conversation, 1).await;
    assert_eq!(api.get(&own).await.expect(200)["unread_messages_count"], 3);
    let listed = api.get("/v1/Users/alice/Conversations").await.expect(200);
    assert_eq!(listed["conversations"][0]["unread_messages_count"], 3);
    let dated = [
        ("LastReadMessageIndex", "5"),
        ("LastReadTimestamp", "2020-01-01T00:00:00Z"),
    ];
    assert_eq!(
        api.post(&own, &dated).await.expect(200)["unread_messages_count"],
        0
    );
    let participant = api
        .get(&format!("{conversation}/Participants/alice"))
        .await
        .expect(200);
    assert_eq!(participant["last_read_timestamp"], "2020-01-01T00:00:00Z");
    assert_eq!(at("null").await, (Value::Null, Value::Null));
    let participant = api
        .get(&format!("{conversation}/Participants/alice"))
        .await
        .expect(200);
    assert!(participant["last_read_timestamp"].is_null());
}

#[tokio::test]
async fn a_thousand_unread_messages_are_counted_and_no_more_b575() {
    let api = api().await;
    let (conversation, own) = joined(&api, &[]).await;
    let said = say(&api, &conversation, 1002).await;
    let unread = async |index: &str| {
        let seen = api
            .post(&own, &[("LastReadMessageIndex", index)])
            .await
            .expect(200);
        seen["unread_messages_count"].clone()
    };
    assert_eq!(
        (unread("2").await, unread("1").await, unread("0").await),
        (999.into(), 1000.into(), 1000.into())
    );
    // The same where messages are counted one by one.
    let removed = format!("{conversation}/Messages/{}", said[1001]["sid"].as_str().unwrap());
    api.delete(&removed).await.expect(204);
    say(&api, &conversation, 1).await;
    assert_eq!(
        (unread("2").await, unread("1").await, unread("0").await),
        (999.into(), 1000.into(), 1000.into())
    );
}

/// UpdateUserConversation.
#[tokio::test]
async fn a_muted_conversation_is_muted_for_one_user_b555() {
    let api = api().await;
    let (conversation, own) = joined(&api, &[]).await;
    api.post(&format!("{conversation}/Participants"), &[("Identity", "bob")])
        .await
        .expect(201);
    let (_, other) = joined(&api, &[]).await;
    let muted = api
        .post(&own, &[("NotificationLevel", "muted")])
        .await
        .expect(200);
    assert_eq!(muted["notification_level"], "muted");
    for path in [&other, &own.replace("alice", "bob")] {
        assert_eq!(api.get(path).await.expect(200)["notification_level"], "default");
    }
    for (name, value, code) in [
        ("NotificationLevel", "", 50210),
        ("NotificationLevel", "loud", 50210),
        ("NotificationLevel", "Muted", 50210),
        ("LastReadMessageIndex", "-1", 50421),
        ("LastReadMessageIndex", "1.5", 50421),
        ("LastReadMessageIndex", "9223372036854775808", 50421),
        ("LastReadTimestamp", "yesterday", 50405),
    ] {
        api.post(&own, &[(name, value)]).await.refused(400, code);
    }
    for form in [&[][..], &[("Nonsense", "1")]] {
        assert_eq!(api.post(&own, form).await.expect(200), muted);
    }
    let back = api
        .post(&own, &[("NotificationLevel", "default")])
        .await
        .expect(200);
    assert_eq!(back["notification_level"], "default");
    api.post(&conversation, &[("State", "closed")]).await.expect(200);
    api.post(&own, &[("LastReadMessageIndex", "0")])
        .await
        .refused(400, 50377);
    assert_eq!(api.get(&own).await.expect(200)["conversation_state"], "closed");
}

/// DeleteUserConversation.
#[tokio::test]
async fn deleting_it_takes_the_user_out_b556() {
    let api = api().await;
    let (conversation, own) = joined(&api, &[]).await;
    api.delete(&own).await.expect(204);
    api.delete(&own).await.refused(404, 20404);
    api.get(&own).await.refused(404, 20404);
    api.get(&format!("{conversation}/Participants/alice"))
        .await
        .refused(404, 50432);
    api.get(&conversation).await.expect(200);
    api.get("/v1/Users/alice").await.expect(200);
    assert_eq!(
        api.get("/v1/Users/alice/Conversations").await.expect(200)["conversations"],
        json!([])
    );
    // Closed ones can be left too (B-113).
    let (conversation, own) = joined(&api, &[]).await;
    api.post(&conversation, &[("State", "closed")]).await.expect(200);
    api.delete(&own).await.expect(204);
}

/// ListServiceUserConversation, FetchServiceUserConversation, UpdateServiceUserConversation,
/// DeleteServiceUserConversation.
#[tokio::test]
async fn services_are_apart_b028_b031() {
    let api = api().await;
    let (conversation, own) = joined(&api, &[]).await;
    let service = api
        .post("/v1/Services", &[("FriendlyName", "s")])
        .await
        .expect(201);
    let root = format!("/v1/Services/{}", service["sid"].as_str().unwrap());
    let made = api.post(&format!("{root}/Conversations"), &[]).await.expect(201);
    let inner = made["sid"].as_str().unwrap();
    api.post(
        &format!("{root}/Conversations/{inner}/Participants"),
        &[("Identity", "alice")],
    )
    .await
    .expect(201);
    let listed = api
        .get(&format!("{root}/Users/alice/Conversations"))
        .await
        .expect(200);
    assert_eq!(listed["conversations"].as_array().unwrap().len(), 1);
    let path = format!("{root}/Users/alice/Conversations/{inner}");
    let seen = api.get(&path).await.expect(200);
    assert_eq!(
        (&listed["conversations"][0], &seen["chat_service_sid"]),
        (&seen, &service["sid"])
    );
    for url in [
        &seen["url"],
        &seen["links"]["participant"],
        &seen["links"]["conversation"],
    ] {
        assert!(url.as_str().unwrap().contains(&root), "{url}");
    }
    api.get(&format!(
        "{root}/Users/alice/Conversations/{}",
        &conversation[18..]
    ))
    .await
    .refused(404, 20404);
    api.get(&format!("/v1/Users/alice/Conversations/{inner}"))
        .await
        .refused(404, 20404);
    let muted = api
        .post(&path, &[("NotificationLevel", "muted")])
        .await
        .expect(200);
    assert_eq!(muted["notification_level"], "muted");
    assert_eq!(api.get(&own).await.expect(200)["notification_level"], "default");
    api.delete(&path).await.expect(204);
    api.get(&own).await.expect(200);
}

#[tokio::test]
async fn a_user_of_the_same_identity_is_not_the_one_before_b552() {
    let api = api().await;
    let (_, own) = joined(&api, &[]).await;
    let before = api.get("/v1/Users/alice").await.expect(200);
    api.delete("/v1/Users/alice").await.expect(204);
    api.post("/v1/Users", &[("Identity", "alice")]).await.expect(201);
    api.get(&own).await.refused(404, 20404);
    let path = own.replace("alice", before["sid"].as_str().unwrap());
    api.get(&path).await.refused(404, 20404);
}
