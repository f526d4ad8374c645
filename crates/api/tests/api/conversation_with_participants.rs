//! Conversations made with their first participants. No worker runs here: what is initializing stays so.

use crate::common::{api, fields};

const PATH: &str = "/v1/ConversationWithParticipants";
const ALICE: (&str, &str) = ("Participant", r#"{"identity":"alice"}"#);

fn links(answer: &serde_json::Value) -> Vec<&str> {
    answer["links"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// CreateConversationWithParticipants
#[tokio::test]
async fn with_and_without_participants_b136_b137() {
    let api = api().await;
    let form = [("FriendlyName", "f"), ("Timers.Inactive", "PT1M")];
    let answer = api.post(PATH, &form).await;
    let like_a_conversation = api.post("/v1/Conversations", &form).await;
    assert_eq!(fields(&answer.text), fields(&like_a_conversation.text));
    let made = answer.expect(201);
    assert_eq!(
        (&made["state"], &made["friendly_name"]),
        (&"active".into(), &"f".into())
    );
    assert!(made["timers"]["date_inactive"].is_string());
    assert_eq!(links(&made), ["messages", "participants", "webhooks"]);
    let on_its_way = api
        .post(
            PATH,
            &[("UniqueName", "room"), ("Timers.Inactive", "PT1M"), ALICE],
        )
        .await
        .expect(202);
    assert_eq!(
        (&on_its_way["state"], &on_its_way["timers"]),
        (&"initializing".into(), &serde_json::json!({}))
    );
    assert!(on_its_way["url"].as_str().unwrap().ends_with(&format!(
        "/v1/Conversations/{}",
        on_its_way["sid"].as_str().unwrap()
    )));
}

/// CreateServiceConversationWithParticipants
#[tokio::test]
async fn in_a_named_service_b028_b137() {
    let api = api().await;
    let service = api
        .post("/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201);
    let service = service["sid"].as_str().unwrap();
    let made = api
        .post(
            &format!("/v1/Services/{service}/ConversationWithParticipants"),
            &[ALICE],
        )
        .await
        .expect(202);
    assert_eq!(made["chat_service_sid"], service);
    let root = format!("/v1/Services/{service}/Conversations");
    assert!(made["links"]["participants"].as_str().unwrap().contains(&root));
    let path = format!("{root}/{}", made["sid"].as_str().unwrap());
    assert_eq!(api.get(&path).await.expect(200)["state"], "initializing");
}

#[tokio::test]
async fn an_initializing_conversation_can_only_be_read_b141() {
    let api = api().await;
    let made = api.post(PATH, &[("UniqueName", "room"), ALICE]).await.expect(202);
    let path = format!("/v1/Conversations/{}", made["sid"].as_str().unwrap());
    let message = "Conversation is initializing and cannot be updated or used";
    for form in [
        &[("FriendlyName", "x")][..],
        &[("State", "closed")],
        &[("Timers.Closed", "PT0S")],
        &[],
    ] {
        assert_eq!(api.post(&path, form).await.refused(400, 50386), message);
    }
    api.post(&format!("{path}/Messages"), &[("Body", "x")])
        .await
        .refused(400, 50386);
    api.post("/v1/Conversations/room/Messages", &[("Body", "x")])
        .await
        .refused(400, 50386);
    api.post(&format!("{path}/Participants"), &[("Identity", "bob")])
        .await
        .refused(400, 50386);
    api.delete(&path).await.refused(400, 50386);
    assert_eq!(api.get(&path).await.expect(200), {
        // As it was answered, but for the link that only the resource itself has.
        let mut same = made.clone();
        same["links"]["export"] = format!("{}/Export", made["url"].as_str().unwrap()).into();
        same
    });
    let listed = api.get("/v1/Conversations?State=initializing").await.expect(200);
    assert_eq!(listed["conversations"].as_array().unwrap().len(), 1);
    let listed = api.get("/v1/Conversations?State=active").await.expect(200);
    assert_eq!(listed["conversations"].as_array().unwrap().len(), 0);
    let inside = api.get(&format!("{path}/Participants")).await.expect(200);
    assert_eq!(inside["participants"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn bad_participants_and_values_make_nothing_b138_b139_b142() {
    let api = api().await;
    let taken = api.conversation(&[]).await;
    let (address, proxy) = ("+15558675310", "+15017122661");
    let pair = [
        ("MessagingBinding.Address", address),
        ("MessagingBinding.ProxyAddress", proxy),
    ];
    api.post(&format!("{taken}/Participants"), &pair)
        .await
        .expect(201);
    let phone = format!(r#"{{"messaging_binding":{{"address":"{address}","proxy_address":"{proxy}"}}}}"#);
    for (form, status, code) in [
        (&[("Participant", "alice")][..], 400, 50424),
        (&[ALICE, ("Participant", "[]")], 400, 50424),
        (&[ALICE, ("Participant", "{}")], 400, 20001),
        (&[ALICE, ("Participant", &phone)], 409, 50425),
        (&[ALICE, ALICE], 409, 50433),
        (&[ALICE; 11], 400, 50426),
        (&[ALICE, ("State", "closed")], 400, 50384),
        (&[ALICE, ("Timers.Closed", "PT599S")], 400, 50376),
        (&[ALICE, ("Attributes", "{")], 400, 50304),
        (&[ALICE, ("DateCreated", "soon")], 400, 50308),
    ] {
        api.post(PATH, form).await.refused(status, code);
    }
    let listed = api.get("/v1/Conversations").await.expect(200);
    assert_eq!(listed["conversations"].as_array().unwrap().len(), 1);
    let users = api.get("/v1/Users").await.expect(200);
    assert_eq!(users["users"].as_array().unwrap().len(), 0);
    // Ten are not too many.
    let texts: Vec<String> = (0..10).map(|n| format!(r#"{{"identity":"{n}"}}"#)).collect();
    let form: Vec<_> = texts.iter().map(|t| ("Participant", t.as_str())).collect();
    api.post(PATH, &form).await.expect(202);
}
