//! Participants.

use crate::common::{api, fields};

const ADDRESS: &str = "MessagingBinding.Address";
const PROXY: &str = "MessagingBinding.ProxyAddress";
const PROJECTED: &str = "MessagingBinding.ProjectedAddress";

#[tokio::test]
async fn a_chat_participant_and_its_user_b162_b165_b176_b177() {
    let api = api().await;
    let all = format!("{}/Participants", api.conversation(&[]).await);
    let answer = api
        .post(&all, &[("Identity", "alice"), ("Attributes", "{\"a\":1}")])
        .await;
    assert_eq!(
        fields(&answer.text),
        [
            "account_sid",
            "conversation_sid",
            "sid",
            "identity",
            "attributes",
            "messaging_binding",
            "role_sid",
            "date_created",
            "date_updated",
            "url",
            "last_read_message_index",
            "last_read_timestamp"
        ]
    );
    let made = answer.expect(201);
    assert!(made["messaging_binding"].is_null() && made["role_sid"].as_str().unwrap().starts_with("RL"));
    assert_eq!(made["attributes"], "{\"a\":1}");
    api.get("/v1/Users/alice").await.expect(200);
    let twice = api.post(&all, &[("Identity", "alice")]).await.refused(409, 50433);
    assert_eq!(twice, "Participant already exists");
    for key in ["alice", made["sid"].as_str().unwrap()] {
        assert_eq!(api.get(&format!("{all}/{key}")).await.expect(200), made);
    }
    assert_eq!(
        api.get(&format!("{all}/bob")).await.refused(404, 50432),
        "Participant not found"
    );
    api.delete(&format!("{all}/alice")).await.expect(204);
    api.delete(&format!("{all}/alice")).await.refused(404, 50432);
    api.get("/v1/Conversations/none/Participants/alice")
        .await
        .refused(404, 50350);
}

#[tokio::test]
async fn a_phone_behind_a_number_b167_b170_b172() {
    let api = api().await;
    let conversation = api.conversation(&[]).await;
    let all = format!("{conversation}/Participants");
    let pair = [(ADDRESS, "+15558675310"), (PROXY, "+15017122661")];
    let made = api.post(&all, &pair).await.expect(201);
    let binding =
        serde_json::json!({"type": "sms", "address": "+15558675310", "proxy_address": "+15017122661"});
    assert_eq!(
        (&made["messaging_binding"], &made["identity"]),
        (&binding, &serde_json::Value::Null)
    );
    let other = api.conversation(&[]).await;
    let message = api
        .post(&format!("{other}/Participants"), &pair)
        .await
        .refused(409, 50416);
    assert_eq!(
        message,
        format!(
            "A binding for this participant and proxy address already exists in Conversation {}",
            &conversation[18..]
        )
    );
    api.post(&conversation, &[("State", "closed")]).await.expect(200);
    api.post(&format!("{other}/Participants"), &pair)
        .await
        .expect(201);
    let whatsapp = [
        (ADDRESS, "whatsapp:+15558675310"),
        (PROXY, "whatsapp:+15017122661"),
    ];
    let made = api
        .post(&format!("{other}/Participants"), &whatsapp)
        .await
        .expect(201);
    assert_eq!(made["messaging_binding"]["type"], "whatsapp");
    let listed = api.get(&format!("{other}/Participants")).await.expect(200);
    assert_eq!(listed["participants"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_a_participant_b161_b168_b180() {
    let api = api().await;
    let all = format!("{}/Participants", api.conversation(&[]).await);
    let long = "x".repeat(257);
    for (form, code) in [
        (&[][..], 20001),
        (
            &[
                ("Identity", "a"),
                (ADDRESS, "+15558675310"),
                (PROXY, "+15017122661"),
            ],
            50211,
        ),
        (
            &[(ADDRESS, "+15558675310"), (PROXY, "whatsapp:+15017122661")],
            50414,
        ),
        (&[(ADDRESS, "+15558675310"), (PROXY, "+15558675310")], 50409),
        (&[(ADDRESS, "nonsense"), (PROXY, "+15558675310")], 50407),
        (&[(ADDRESS, "+15558675310"), (PROXY, "nonsense")], 50408),
        (&[(ADDRESS, "+15558675310"), (PROXY, "")], 50412),
        (&[(PROXY, "+15558675310")], 50411),
        (&[(ADDRESS, "+15558675310")], 50452),
        (&[("Identity", "a"), (PROJECTED, "+15017122661")], 50452),
        (&[("Identity", &long)], 50207),
        (&[("Identity", "a"), ("Attributes", "{")], 50304),
        (
            &[
                ("Identity", "a"),
                ("RoleSid", "RL0123456789abcdef0123456789abcdef"),
            ],
            50109,
        ),
        (&[("Identity", "a"), ("DateCreated", "x")], 50308),
    ] {
        api.post(&all, form).await.refused(400, code);
    }
    assert_eq!(
        api.get(&all).await.expect(200)["participants"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test]
async fn updates_b182_b184_and_the_horizon_b573() {
    let api = api().await;
    let all = format!("{}/Participants", api.conversation(&[]).await);
    api.post(&all, &[("Identity", "alice")]).await.expect(201);
    let alice = format!("{all}/alice");
    let changed = api
        .post(&alice, &[("Attributes", "[]"), ("LastReadMessageIndex", "7")])
        .await
        .expect(200);
    assert_eq!(
        (&changed["attributes"], &changed["last_read_message_index"]),
        (&"[]".into(), &7.into())
    );
    assert!(changed["last_read_timestamp"].as_str().unwrap().ends_with('Z'));
    let at = [
        ("LastReadMessageIndex", "3"),
        ("LastReadTimestamp", "2020-01-01T00:00:00Z"),
    ];
    assert_eq!(
        api.post(&alice, &at).await.expect(200)["last_read_timestamp"],
        "2020-01-01T00:00:00Z"
    );
    let unset = api
        .post(&alice, &[("LastReadMessageIndex", "null")])
        .await
        .expect(200);
    assert!(unset["last_read_message_index"].is_null() && unset["last_read_timestamp"].is_null());
    for (name, value, code) in [
        ("LastReadMessageIndex", "-1", 50421),
        ("LastReadMessageIndex", "x", 50421),
        ("LastReadTimestamp", "x", 50405),
        ("Identity", "bob", 50444),
        (PROXY, "+15017122661", 50441),
        (PROXY, "null", 50440),
        (PROJECTED, "null", 50442),
        (PROJECTED, "+15017122661", 50452),
    ] {
        api.post(&alice, &[(name, value)]).await.refused(400, code);
    }
    api.post(&format!("{all}/bob"), &[(PROJECTED, "null")])
        .await
        .refused(404, 50432);
    let message = api
        .post(&alice, &[(PROXY, "+15017122661")])
        .await
        .refused(400, 50441);
    assert_eq!(message, "Failed to add a proxy address to a participant");
}
